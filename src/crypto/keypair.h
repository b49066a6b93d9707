/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Asymmetric keys: RSA, the NIST curves, secp256k1, Ed25519; what KMS offers of them.
 *
 *     TRY(keypair_generate(KEYPAIR_P256, &key));
 *     TRY(keypair_sign(key, KEYPAIR_ECDSA_SHA256, digest, mem, &signature));
 *     keypair_free(key);
 *
 * A keypair never changes after it was made and may be used by several threads at once. It is
 * memory of libcrypto's: whoever holds private ones locks all of his memory (keyholder).
 * Public keys travel as SubjectPublicKeyInfo (RFC 5280), private ones as PKCS #8 (RFC 5208),
 * ECDSA signatures as RFC 3279 has them: all of them DER.
 */
#ifndef CRYPTO_KEYPAIR_H
#define CRYPTO_KEYPAIR_H

#include "base/base.h"
#include "crypto/secret.h"

enum keypair_spec {
	KEYPAIR_NONE = 0,
	KEYPAIR_RSA_2048,
	KEYPAIR_RSA_3072,
	KEYPAIR_RSA_4096,
	KEYPAIR_P256,
	KEYPAIR_P384,
	KEYPAIR_P521,
	KEYPAIR_SECP256K1,
	KEYPAIR_ED25519,
	KEYPAIR_SPEC_COUNT,
};

/* Numbers travel to the keyholder: new ones are put behind. */
enum keypair_algorithm {
	KEYPAIR_PSS_SHA256 = 1, /* RSASSA-PSS, RFC 8017; the salt is as long as the digest */
	KEYPAIR_PSS_SHA384,
	KEYPAIR_PSS_SHA512,
	KEYPAIR_PKCS1_SHA256, /* RSASSA-PKCS1-v1_5 */
	KEYPAIR_PKCS1_SHA384,
	KEYPAIR_PKCS1_SHA512,
	KEYPAIR_ECDSA_SHA256, /* FIPS 186-5 */
	KEYPAIR_ECDSA_SHA384,
	KEYPAIR_ECDSA_SHA512,
	KEYPAIR_EDDSA,     /* Ed25519, RFC 8032; over the message itself */
	KEYPAIR_OAEP_SHA1, /* RSAES-OAEP, MGF1 with the same hash */
	KEYPAIR_OAEP_SHA256,
	KEYPAIR_ECDH, /* the shared x coordinate, SP 800-56A 5.7.1.2 */
	KEYPAIR_ALGORITHM_COUNT,
};

enum { KEYPAIR_DER_MAX = 3072, KEYPAIR_SIGNATURE_MAX = 512, KEYPAIR_SHARED_MAX = 66 };

struct keypair;

struct status keypair_generate(enum keypair_spec spec, struct keypair **out);
/* E_INVALID unless it is exactly one key of that spec, private and public part fitting each other. */
struct status keypair_from_private(enum keypair_spec spec, struct str pkcs8, struct keypair **out);
/* The same for what this program wrote and has authenticated: without the long look at the numbers. */
struct status keypair_from_stored(enum keypair_spec spec, struct str pkcs8, struct keypair **out);
struct status keypair_from_public(enum keypair_spec spec, struct str spki, struct keypair **out);
void keypair_free(struct keypair *k); /* null is allowed */

struct str keypair_public(const struct keypair *k, struct arena *mem);
struct secret keypair_private(const struct keypair *k, struct secret_pool *pool);

/* How long the digest is that keypair_sign takes; 0: it takes the message. */
size_t keypair_digest_size(enum keypair_algorithm a);
/* Does a key of that spec do that? */
bool keypair_fits(enum keypair_spec spec, enum keypair_algorithm a);

/* E_UNSUPPORTED when the algorithm is not for this key, E_INVALID for a digest of another length. */
struct status keypair_sign(const struct keypair *k, enum keypair_algorithm a, struct str digest, struct arena *mem,
			   struct str *signature);
struct status keypair_verify(const struct keypair *k, enum keypair_algorithm a, struct str digest,
			     struct str signature);  /* E_CORRUPT: not this key's signature of that */
size_t keypair_cipher_size(const struct keypair *k); /* bytes of an RSA ciphertext; 0: not RSA */
size_t keypair_encrypt_max(const struct keypair *k, enum keypair_algorithm a); /* bytes of plaintext */
struct status keypair_encrypt(const struct keypair *k, enum keypair_algorithm a, struct str plain, struct arena *mem,
			      struct str *cipher); /* E_TOO_BIG */
struct status keypair_decrypt(const struct keypair *k, enum keypair_algorithm a, struct str cipher, struct arena *mem,
			      struct str *plain); /* E_CORRUPT */
/* ECDH with the other side's public key, which must be of the same curve: E_INVALID. */
struct status keypair_agree(const struct keypair *k, struct str peer_spki, struct arena *mem, struct str *shared);

/* AES key unwrap with padding (RFC 5649), for imported keys. E_CORRUPT. */
struct status aes_unwrap_padded(struct str key, struct str wrapped, struct arena *mem, struct str *plain);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Asymmetric keys: RSA, the NIST curves, secp256k1, Ed25519; what KMS offers of them.
 *
 *     TRY(pkey_generate(PKEY_P256, &key));
 *     TRY(pkey_sign(key, PKEY_ECDSA_SHA256, digest, mem, &signature));
 *     pkey_free(key);
 *
 * A pkey never changes after it was made and may be used by several threads at once. It is
 * memory of libcrypto's: whoever holds private ones locks all of his memory (keyholder).
 * Public keys travel as SubjectPublicKeyInfo (RFC 5280), private ones as PKCS #8 (RFC 5208),
 * ECDSA signatures as RFC 3279 has them: all of them DER.
 */
#ifndef CRYPTO_PKEY_H
#define CRYPTO_PKEY_H

#include "base/base.h"
#include "crypto/secret.h"

enum pkey_spec {
	PKEY_NONE = 0,
	PKEY_RSA_2048,
	PKEY_RSA_3072,
	PKEY_RSA_4096,
	PKEY_P256,
	PKEY_P384,
	PKEY_P521,
	PKEY_SECP256K1,
	PKEY_ED25519,
	PKEY_SPEC_COUNT,
};

/* Numbers travel to the keyholder: new ones are put behind. */
enum pkey_algorithm {
	PKEY_PSS_SHA256 = 1, /* RSASSA-PSS, RFC 8017; the salt is as long as the digest */
	PKEY_PSS_SHA384,
	PKEY_PSS_SHA512,
	PKEY_PKCS1_SHA256, /* RSASSA-PKCS1-v1_5 */
	PKEY_PKCS1_SHA384,
	PKEY_PKCS1_SHA512,
	PKEY_ECDSA_SHA256, /* FIPS 186-5 */
	PKEY_ECDSA_SHA384,
	PKEY_ECDSA_SHA512,
	PKEY_EDDSA,       /* Ed25519, RFC 8032; over the message itself */
	PKEY_OAEP_SHA1,   /* RSAES-OAEP, MGF1 with the same hash */
	PKEY_OAEP_SHA256,
	PKEY_ECDH, /* the shared x coordinate, SP 800-56A 5.7.1.2 */
	PKEY_ALGORITHM_COUNT,
};

enum { PKEY_DER_MAX = 3072, PKEY_SIGNATURE_MAX = 512, PKEY_SHARED_MAX = 66 };

struct pkey;

struct status pkey_generate(enum pkey_spec spec, struct pkey **out);
/* E_INVALID unless it is exactly one key of that spec, private and public part fitting each other. */
struct status pkey_from_private(enum pkey_spec spec, struct str pkcs8, struct pkey **out);
/* The same for what this program wrote and has authenticated: without the long look at the numbers. */
struct status pkey_from_stored(enum pkey_spec spec, struct str pkcs8, struct pkey **out);
struct status pkey_from_public(enum pkey_spec spec, struct str spki, struct pkey **out);
void pkey_free(struct pkey *k); /* null is allowed */

struct str pkey_public(const struct pkey *k, struct arena *mem);
struct secret pkey_private(const struct pkey *k, struct secret_pool *pool);

/* How long the digest is that pkey_sign takes; 0: it takes the message. */
size_t pkey_digest_size(enum pkey_algorithm a);
/* Does a key of that spec do that? */
bool pkey_fits(enum pkey_spec spec, enum pkey_algorithm a);

/* E_UNSUPPORTED when the algorithm is not for this key, E_INVALID for a digest of another length. */
struct status pkey_sign(const struct pkey *k, enum pkey_algorithm a, struct str digest, struct arena *mem,
			struct str *signature);
struct status pkey_verify(const struct pkey *k, enum pkey_algorithm a, struct str digest,
			  struct str signature); /* E_CORRUPT: not this key's signature of that */
size_t pkey_encrypt_max(const struct pkey *k, enum pkey_algorithm a); /* bytes of plaintext */
struct status pkey_encrypt(const struct pkey *k, enum pkey_algorithm a, struct str plain, struct arena *mem,
			   struct str *cipher); /* E_TOO_BIG */
struct status pkey_decrypt(const struct pkey *k, enum pkey_algorithm a, struct str cipher, struct arena *mem,
			   struct str *plain); /* E_CORRUPT */
/* ECDH with the other side's public key, which must be of the same curve: E_INVALID. */
struct status pkey_agree(const struct pkey *k, struct str peer_spki, struct arena *mem, struct str *shared);

/* AES key unwrap with padding (RFC 5649), for imported keys. E_CORRUPT. */
struct status aes_unwrap_padded(struct str key, struct str wrapped, struct arena *mem, struct str *plain);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Other people's signatures: public keys as JWK spells them (RFC 7518 6, RFC 8037 2), and
 * the three algorithms of JWS that we take.
 *
 * The key decides what it may be used for, never the message: verify_signature refuses an
 * algorithm that is not the key's own. So a token cannot have a public key taken for a
 * secret, nor a signature checked in a weaker way than its maker's.
 */
#ifndef CRYPTO_VERIFY_H
#define CRYPTO_VERIFY_H

#include "base/base.h"

enum verify_alg {
	VERIFY_RS256 = 1, /* RSASSA-PKCS1-v1_5 with SHA-256 */
	VERIFY_ES256,     /* ECDSA on P-256 with SHA-256; the signature is r and s, 32 bytes each */
	VERIFY_EDDSA,     /* Ed25519 */
};

enum { VERIFY_RSA_BITS_MIN = 2048, VERIFY_RSA_BITS_MAX = 8192 };

struct verify_key;

/*
 * From the bytes of the members. E_INVALID: not a key (a point off the curve, an even or tiny exponent, a modulus out
 * of bounds). Any thread may use a key; verify_key_free ends it (NULL allowed).
 */
struct status verify_key_rsa(struct str n, struct str e, struct verify_key **out);
struct status verify_key_p256(struct str x, struct str y, struct verify_key **out);
struct status verify_key_ed25519(struct str x, struct verify_key **out);
void verify_key_free(struct verify_key *k);
enum verify_alg verify_key_alg(const struct verify_key *k);

/* E_CORRUPT: not this key's signature of the message by that algorithm. */
struct status verify_signature(const struct verify_key *k, enum verify_alg alg, struct str message,
			       struct str signature);

#endif

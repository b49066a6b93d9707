/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signed tokens (JWT, RFC 7519, in JWS's compact form, RFC 7515) and the sets of keys they
 * are checked with (JWK sets, RFC 7517).
 *
 *     token ── jwt_read ──▶ algorithm, key id ── jwks_find ──▶ key ── jwt_verify ──▶ claims may be believed
 *
 * Rules:
 * - Three algorithms are taken: RS256, ES256, EdDSA with Ed25519. Nothing else exists here: no
 *   "none", no HMAC, no encryption.
 * - A key comes from the issuer's set alone. What a token says about keys (jwk, jku, x5c,
 *   x5u) is not looked at, and a token that says "crit" is refused.
 * - Reading is strict: base64url without padding, three parts, one JSON object each in the
 *   first two, no name twice where it would matter.
 */
#ifndef WIRE_JWT_H
#define WIRE_JWT_H

#include "crypto/verify.h"
#include "wire/json_text.h"

enum { JWT_KID_MAX = 256, JWKS_MAX = 200 /* keys of a set; further ones are not looked at */ };

struct jwt {
	enum verify_alg alg;
	struct str kid;       /* p == NULL: not given */
	struct str signed_;   /* header and claims, as they came */
	struct str signature; /* decoded */
	struct str claims;    /* decoded: JSON text, believed only after jwt_verify */
};

/* E_INVALID: not a token of that form; E_UNSUPPORTED: one, but signed in a way that is not taken. */
struct status jwt_read(struct arena *mem, struct str token, struct jwt *out);

/* A set of keys: heap memory, immutable, shared by counting. */
struct jwks;
/* E_INVALID: not a JWK set. Keys of kinds we do not know, for encryption, or malformed are left out. */
struct status jwks_read(struct str text, struct jwks **out);
struct jwks *jwks_ref(struct jwks *set);
void jwks_unref(struct jwks *set); /* NULL allowed */
size_t jwks_count(const struct jwks *set);
/* The key of that id and kind, the set's first; NULL: none. */
const struct verify_key *jwks_find(const struct jwks *set, struct str kid, enum verify_alg alg);

/* E_CORRUPT: the signature is not the key's. */
struct status jwt_verify(const struct jwt *t, const struct verify_key *key);

#endif

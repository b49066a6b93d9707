/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The public keys of OpenID Connect issuers, fetched when a token needs them and kept for a
 * while ("Obtaining OpenID Provider Configuration Information", OpenID Connect Discovery 4).
 *
 *     https://issuer/.well-known/openid-configuration ── jwks_uri ──▶ JWK set ── kid ──▶ key
 *
 * Strangers decide when an issuer is asked, so it is asked seldom: keys are kept for ten
 * minutes; for a key id that is not among them the issuer is asked again, but no sooner than
 * ten seconds after the last time, whatever came of that. However many requests wait for an
 * issuer, one asks. If it cannot be reached, what it said counts for an hour.
 */
#ifndef SVC_STS_ISSUER_KEYS_H
#define SVC_STS_ISSUER_KEYS_H

#include "wire/fetch.h"
#include "wire/jwt.h"

enum {
	ISSUERS_MAX = 256, /* kept at a time */
	ISSUER_FRESH_MS = 10 * 60 * 1000,
	ISSUER_STALE_MS = 60 * 60 * 1000,
	ISSUER_RETRY_MS = 10 * 1000,
	ISSUER_CONFIG_MAX = 64 * 1024,
	ISSUER_JWKS_MAX = 256 * 1024,
};

enum issuer_trouble {
	ISSUER_OK = 0,
	ISSUER_UNREACHABLE, /* for now: it may work in a while */
	ISSUER_CERTIFICATE, /* who answered could not prove to be the issuer */
	ISSUER_NO_KEYS,     /* what it says is not how an issuer's keys are found */
};

struct issuer_keys;

/* `source` must live longer. */
struct issuer_keys *issuer_keys_new(struct fetch_source *source);
void issuer_keys_free(struct issuer_keys *k); /* no request may be under way; null is allowed */

/*
 * Within a fiber; may park. `url` is the issuer's without "https://". On ISSUER_OK *out is a set that has the key, or
 * the newest there is; one reference is the caller's (jwks_unref). Keys are kept apart by thumbprints: what one
 * account trusts to have come from an issuer, another need not.
 */
enum issuer_trouble issuer_keys_get(struct issuer_keys *k, struct arena *mem, int64_t now_ms, struct str url,
				    struct str_list thumbprints, const struct jwt *token, struct jwks **out);

#endif

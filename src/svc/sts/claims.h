/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a token says of its bearer: OpenID Connect's claims (Core 2) and those that AWS gives
 * a meaning to ("Pass session tags in AWS STS", "Monitor and control actions taken with
 * assumed roles"). A claim that counts may stand there once and must have its type.
 */
#ifndef SVC_STS_CLAIMS_H
#define SVC_STS_CLAIMS_H

#include "wire/shape.h"

enum {
	CLAIM_AUDIENCES_MAX = 100,
	CLAIM_METHODS_MAX = 50,
	CLAIM_TAGS_MAX = 50,
};

struct claims {
	struct str iss, sub, azp, email; /* p == NULL: not there */
	struct str_list aud, amr;
	struct opt_int exp, iat, nbf; /* Unix time, seconds */
	struct str source_identity;
	struct str_map tags; /* as given, not yet checked */
	struct str_list transitive;
	bool nested; /* tags stood in one object */
};

/* E_INVALID: a claim is of the wrong type, twice there, or too long. Views of the text or in mem. */
struct status claims_read(struct arena *mem, struct str json, struct claims *out);

#endif

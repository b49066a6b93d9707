/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a new session carries besides its role: policies that narrow it, tags, the identity
 * behind it. What the caller passed is joined with what his own session hands on.
 *
 *     caller's session ── transitive tags, source identity ──▶ ┐
 *     request ── tags, policies, source identity ────────────▶ ┴─▶ new session
 */
#ifndef SVC_STS_SESSION_H
#define SVC_STS_SESSION_H

#include "api/req.h"
#include "sts_api.h"

enum {
	STS_TAGS_MAX = 50,
	STS_POLICY_ARNS_MAX = 10,
	STS_POLICY_TEXT_MAX = 2048, /* characters of session policies and ARNs together */
	STS_PACKED_MAX = 8192,      /* bytes of policies and tags that a token has room for */
};

struct sts_session {
	struct str_map tags; /* passed and inherited */
	struct str_list transitive;
	struct str source_identity;
	struct str policy; /* p == NULL: none */
	struct str_list policy_arns;
	struct opt_int packed_percent;
};

/* The tags passed, as a map; ValidationError for keys that clash or are reserved. */
struct status sts_tags_passed(struct req *rq, const struct sts_assume_role_in *in, struct str_map *out);
/* Checks all of it; policy ARNs must be of `account`, the role's, or AWS's. */
struct status sts_session_make(struct req *rq, const struct sts_assume_role_in *in, struct str account,
			       struct sts_session *out);

#endif

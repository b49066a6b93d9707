/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a new session carries besides its role: policies that narrow it, tags, the identity
 * behind it. What the request asks for is joined with what the caller's own session hands
 * on; a caller without a session (a stranger with a provider's token, a user with his key)
 * hands nothing on.
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

/* What a request, or the provider's token in it, asks for. All of it may be left out. */
struct sts_session_in {
	struct str policy;
	struct sts_policy_descriptor_type_list policy_arns;
	struct str_map tags; /* as given, not yet checked */
	struct str_list transitive_tag_keys;
	struct str source_identity;
};

struct sts_session {
	struct str_map tags; /* passed and inherited */
	struct str_list transitive;
	struct str source_identity;
	struct str policy; /* p == NULL: none */
	struct str_list policy_arns;
	struct opt_int packed_percent;
};

/* A request's tags as they are given. */
struct str_map sts_tags_of(struct arena *mem, struct sts_tag_list tags);
/* ValidationError for tags whose keys clash or are reserved. */
struct status sts_tags_check(struct req *rq, struct str_map tags);
/* Checks all of it; policy ARNs must be of `account`, the role's or user's, or AWS's. */
struct status sts_session_make(struct req *rq, const struct sts_session_in *in, struct str account,
			       struct sts_session *out);

#endif

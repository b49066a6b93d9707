/* SPDX-License-Identifier: Apache-2.0 */
#include "svc/sts/credentials.h"

#include "api/ids.h"
#include "api/token.h"
#include "base/str.h"

enum { CHAIN_MAX = 200 };

static unsigned place_in_chain(const struct caller *before)
{
	unsigned place = before->kind == CALLER_ROLE ? before->chained + 1 : 0;
	return place < CHAIN_MAX ? place : CHAIN_MAX;
}

struct caller sts_role_caller(struct req *rq, struct str account, const struct identity_role *role,
			      struct str session_name, int64_t seconds, const struct sts_session *session)
{
	int64_t now_s = rq->now_ms / 1000;
	return (struct caller){
		.kind = CALLER_ROLE,
		.account = account,
		.arn = arena_printf(rq->mem, "arn:%.*s:sts::%.*s:assumed-role/%.*s/%.*s", PR(rq->app->partition),
				    PR(account), PR(role->name), PR(session_name)),
		.principal_id = arena_printf(rq->mem, "%.*s:%.*s", PR(role->id), PR(session_name)),
		.name = session_name,
		.access_key_id = id_access_key(rq->app->world, rq->mem, "ASIA", account),
		.role_arn = role->arn,
		.role_id = role->id,
		.role_name = role->name,
		.role_path = role->path,
		.issued_ms = now_s * 1000,
		.expires_ms = (now_s + seconds) * 1000,
		.source_identity = session->source_identity,
		.session_policy = session->policy,
		.session_policy_arns = session->policy_arns,
		.session_tags = session->tags,
		.transitive = session->transitive,
		.chained = place_in_chain(&rq->caller),
	};
}

struct status sts_credentials_make(struct req *rq, const struct caller *who, const struct sts_credentials **out)
{
	struct str secret = id_secret_key(rq->app->world, rq->mem), token;
	TRY(token_seal(rq, who, secret, &token));
	struct sts_credentials *c = NEW(rq->mem, struct sts_credentials);
	*c = (struct sts_credentials){
		.access_key_id = who->access_key_id,
		.secret_access_key = secret,
		.session_token = token,
		.expiration = who->expires_ms,
	};
	*out = c;
	return OK;
}

const struct sts_assumed_role_user *sts_assumed_role_user_of(struct req *rq, const struct caller *who)
{
	struct sts_assumed_role_user *user = NEW(rq->mem, struct sts_assumed_role_user);
	*user = (struct sts_assumed_role_user){ .assumed_role_id = who->principal_id, .arn = who->arn };
	return user;
}

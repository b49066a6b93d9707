/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A session's caller is put together here once, with ARN and unique id as AWS forms them, and
 * sealed into its token.
 */
#include "svc/sts/credentials.h"

#include "api/ids.h"
#include "api/token.h"
#include "base/str.h"

enum { CHAIN_MAX = 200, ROOT_MAX_S = 3600 };

static unsigned place_in_chain(const struct caller *before)
{
	unsigned place = before->kind == CALLER_ROLE ? before->chained + 1 : 0;
	return place < CHAIN_MAX ? place : CHAIN_MAX;
}

/* What begins now, for at most as long as AWS lets its account's root have it; longer is not refused but cut. */
static void begin(struct req *rq, struct caller *who, int64_t seconds)
{
	if (rq->caller.kind == CALLER_ROOT && seconds > ROOT_MAX_S)
		seconds = ROOT_MAX_S;
	who->access_key_id = id_access_key(rq->app->world, rq->mem, "ASIA", who->account);
	who->issued_ms = rq->now_ms / 1000 * 1000;
	who->expires_ms = who->issued_ms + seconds * 1000;
}

struct caller sts_role_caller(struct req *rq, struct str account, const struct identity_role *role,
			      struct str session_name, int64_t seconds, const struct sts_session *session)
{
	struct caller who = {
		.kind = CALLER_ROLE,
		.account = account,
		.arn = arena_printf(rq->mem, "arn:%.*s:sts::%.*s:assumed-role/%.*s/%.*s", PR(rq->app->partition),
				    PR(account), PR(role->name), PR(session_name)),
		.principal_id = arena_printf(rq->mem, "%.*s:%.*s", PR(role->id), PR(session_name)),
		.name = session_name,
		.role_arn = role->arn,
		.role_id = role->id,
		.role_name = role->name,
		.role_path = role->path,
		.source_identity = session->source_identity,
		.session_policy = session->policy,
		.session_policy_arns = session->policy_arns,
		.session_tags = session->tags,
		.transitive = session->transitive,
		.chained = place_in_chain(&rq->caller),
	};
	begin(rq, &who, seconds);
	return who;
}

struct caller sts_own_caller(struct req *rq, int64_t seconds)
{
	struct caller who = rq->caller;
	begin(rq, &who, seconds);
	return who;
}

struct caller sts_federated_caller(struct req *rq, struct str name, int64_t seconds, const struct sts_session *session)
{
	const struct caller *by = &rq->caller;
	struct caller who = {
		.kind = CALLER_FEDERATED,
		.account = by->account,
		.arn = arena_printf(rq->mem, "arn:%.*s:sts::%.*s:federated-user/%.*s", PR(rq->app->partition),
				    PR(by->account), PR(name)),
		.principal_id = arena_printf(rq->mem, "%.*s:%.*s", PR(by->account), PR(name)),
		.name = name,
		.role_arn = by->arn,
		.role_id = by->principal_id,
		.role_name = by->name,
		.role_path = by->user_path,
		.session_policy = session->policy,
		.session_policy_arns = session->policy_arns,
		.session_tags = session->tags,
	};
	begin(rq, &who, seconds);
	return who;
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

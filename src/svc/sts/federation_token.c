/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GetFederationToken: a user lends part of what he may do to somebody whom he names.
 *
 *     user's policies ∩ user's boundary ∩ session policies     without session policies: nothing
 *     + resource policies that name arn:aws:sts::ACCOUNT:federated-user/NAME
 *
 * The user is looked up on every call of the session: it ends with him, and shrinks with
 * what he may do.
 */
#include "api/authz.h"
#include "svc/sts/credentials.h"

static struct str federated_arn(struct req *rq, struct str name)
{
	return arena_printf(rq->mem, "arn:%.*s:sts::%.*s:federated-user/%.*s", PR(rq->app->partition),
			    PR(rq->caller.account), PR(name));
}

static void add(struct authz *az, const char *action, struct str arn, struct str_map tags)
{
	struct authz_item *item = authz_add(az, action, arn);
	authz_request_tags(az, item, tags);
	authz_tag_spellings(az, item, az->rq->caller.tags); /* the session's lie over the user's */
}

struct status sts_authorize_get_federation_token(struct req *rq, const void *input, struct authz *az)
{
	const struct sts_get_federation_token_in *in = input;
	struct str arn = federated_arn(rq, in->name);
	struct str_map tags = sts_tags_of(rq->mem, in->tags);
	TRY(sts_tags_check(rq, tags));
	add(az, NULL, arn, tags);
	if (tags.n)
		add(az, "sts:TagSession", arn, tags);
	return OK;
}

struct status sts_get_federation_token(struct req *rq, const struct sts_get_federation_token_in *in,
				       struct sts_get_federation_token_out *out)
{
	const struct sts_session_in asked = {
		.policy = in->policy,
		.policy_arns = in->policy_arns,
		.tags = sts_tags_of(rq->mem, in->tags),
	};
	struct sts_session session;
	TRY(sts_session_make(rq, &asked, rq->caller.account, &session));
	struct caller who = sts_federated_caller(rq, in->name, in->duration_seconds, &session);
	TRY(sts_credentials_make(rq, &who, &out->credentials));
	struct sts_federated_user *user = NEW(rq->mem, struct sts_federated_user);
	*user = (struct sts_federated_user){ .federated_user_id = who.principal_id, .arn = who.arn };
	out->federated_user = user;
	out->packed_policy_size = session.packed_percent;
	return OK;
}

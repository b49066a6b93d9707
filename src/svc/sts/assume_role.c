/* SPDX-License-Identifier: Apache-2.0 */
/*
 * AssumeRole: a role's credentials for whoever its trust policy, and his own policies,
 * let have them.
 *
 *     caller ── sts:AssumeRole ──┐
 *     tags ──── sts:TagSession ──┼── trust policy and caller's policies ──▶ session token
 *     identity ─ sts:SetSourceIdentity ┘
 *
 * Everything that depends on the role (how long, which policies) is looked at only after
 * the caller may assume it.
 */
#include "api/authz.h"
#include "api/faults.h"
#include "base/str.h"
#include "svc/sts/credentials.h"
#include "svc/sts/mfa.h"
#include "svc/sts/trust.h"

enum { CHAINED_MAX_S = 3600 };

static struct status find_role(struct req *rq, struct str arn, struct sts_wanted *w)
{
	if (!sts_wanted_parse(arn, w))
		return FAIL(rq, api_ValidationException, "%.*s is invalid", PR(arn));
	TRY(sts_wanted_find(rq, w));
	if (w->known && !str_eq(w->account, rq->caller.account))
		req_owner(rq, w->account);
	return OK;
}

/* ---- authorization ---------------------------------------------------------------------- */

static void add(struct authz *az, const char *action, const struct sts_assume_role_in *in, const struct sts_wanted *w,
		struct str_map tags)
{
	struct authz_item *item = sts_trust_ask(az, action, w);
	authz_request_tags(az, item, tags);
	authz_tag_spellings(az, item, item->resource_tags); /* the session's lie over the role's */
	if (!in->source_identity.p && az->rq->caller.source_identity.n)
		authz_key(az, item, "sts:SourceIdentity", az->rq->caller.source_identity);
}

static struct str refusal(struct req *rq, const struct authz_item *item)
{
	struct str who = rq->caller.arn.n ? rq->caller.arn : rq->caller.principal_id;
	return arena_printf(rq->mem, "User: %.*s is not authorized to perform: %.*s on resource: %.*s", PR(who),
			    PR(item->action), PR(item->resource));
}

static bool inherits_tags(const struct caller *who) { return who->transitive.n > 0; }

struct status sts_authorize_assume_role(struct req *rq, const void *input, struct authz *az)
{
	const struct sts_assume_role_in *in = input;
	struct sts_wanted *w = NEW(rq->mem, struct sts_wanted);
	if (rq->caller.kind == CALLER_ROOT)
		return FAIL(rq, api_AccessDeniedException, "Roles may not be assumed by root accounts.");
	/*
	 * A right code counts for this request, its policies and the trust policy; the role's credentials do not have
	 * it ("Secure API access with MFA": AssumeRole's carry no MFA information).
	 */
	TRY(sts_mfa_check(rq, in->serial_number, in->token_code, &rq->caller));
	TRY(find_role(rq, in->role_arn, w));
	rq->found = w;
	struct str_map tags = sts_tags_of(rq->mem, in->tags);
	TRY(sts_tags_check(rq, tags));
	add(az, NULL, in, w, tags);
	if (tags.n || inherits_tags(&rq->caller))
		add(az, "sts:TagSession", in, w, tags);
	if (in->source_identity.p || rq->caller.source_identity.n)
		add(az, "sts:SetSourceIdentity", in, w, tags);
	return sts_trust_decide(rq, az, w, refusal);
}

/* ---- the session ------------------------------------------------------------------------------ */

/* "Update the maximum session duration for a role": it does not bind services that assume the role. */
static struct status check_duration(struct req *rq, int64_t seconds, const struct identity_role *role)
{
	if (rq->caller.kind == CALLER_SERVICE)
		return OK;
	if (rq->caller.kind == CALLER_ROLE && seconds > CHAINED_MAX_S)
		return FAIL(rq, api_ValidationException,
			    "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed "
			    "by role chaining.");
	if (seconds > role->max_session_s)
		return FAIL(rq, api_ValidationException,
			    "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.");
	return OK;
}

/* "ec2:RoleDelivery", "ec2:SourceInstanceARN": which instance its metadata (version 2 only) gave the session to. */
static struct str_map as_delivered(struct req *rq, struct str account, struct str instance)
{
	struct str_entry *v = NEWS(rq->mem, struct str_entry, 2);
	v[0] = (struct str_entry){ S("ec2:RoleDelivery"), S("2.0") };
	v[1] = (struct str_entry){ S("ec2:SourceInstanceARN"),
				   arena_printf(rq->mem, "arn:%.*s:ec2:%.*s:%.*s:instance/%.*s", PR(rq->app->partition),
						PR(rq->app->region), PR(account), PR(instance)) };
	return (struct str_map){ v, 2 };
}

struct status sts_assume_role(struct req *rq, const struct sts_assume_role_in *in, struct sts_assume_role_out *out)
{
	const struct sts_wanted *w =
	    rq->found; /* the very role whose trust was asked, not whoever has its name by now */
	struct sts_session session;
	struct str *arns = NEW(rq->mem, struct str);
	*arns = w->role.arn;
	rq->resources = (struct str_list){ arns, 1 };
	TRY(check_duration(rq, in->duration_seconds, &w->role));
	const struct sts_session_in asked = {
		.policy = in->policy,
		.policy_arns = in->policy_arns,
		.tags = sts_tags_of(rq->mem, in->tags),
		.transitive_tag_keys = in->transitive_tag_keys,
		.source_identity = in->source_identity,
	};
	TRY(sts_session_make(rq, &asked, w->account, &session));
	struct caller who =
	    sts_role_caller(rq, w->account, &w->role, in->role_session_name, in->duration_seconds, &session);
	if (rq->caller.kind == CALLER_SERVICE && str_eq(rq->caller.name, S("ec2.amazonaws.com")))
		who.claims = as_delivered(rq, w->account, in->role_session_name);
	TRY(sts_credentials_make(rq, &who, &out->credentials));
	out->assumed_role_user = sts_assumed_role_user_of(rq, &who);
	out->packed_policy_size = session.packed_percent;
	out->source_identity = session.source_identity.n ? session.source_identity : (struct str){ 0 };
	return OK;
}

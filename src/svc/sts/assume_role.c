/* SPDX-License-Identifier: Apache-2.0 */
/*
 * AssumeRole: a role's credentials for whoever its trust policy, and his own policies,
 * let have them.
 *
 *     caller ── sts:AssumeRole ──┐
 *     tags ──── sts:TagSession ──┼── trust policy and caller's policies ──▶ session token
 *     identity ─ sts:SetSourceIdentity ┘
 *
 * A role that does not exist, one in an account that does not exist and one that does not
 * trust the caller are refused in the same words, so that roles cannot be found by trying.
 * Everything that depends on the role (how long, which policies) is looked at only after
 * the caller may assume it.
 */
#include "api/authz.h"
#include "api/faults.h"
#include "base/str.h"
#include "svc/sts/credentials.h"
#include "svc/sts/mfa.h"

enum { CHAINED_MAX_S = 3600 };

struct wanted {
	struct str account, name;
	bool known;
	struct identity_role role;
};

/* The ARN must be the role's own, path and case included ("IAM identifiers": names in ARNs are case-sensitive). */
static struct status find_role(struct req *rq, struct str arn, struct wanted *out)
{
	struct arn parts;
	if (failed(arn_parse(arn, &parts)) || !str_eq(parts.service, S("iam")) ||
	    !str_starts(parts.resource, S("role/")) || !account_id_is(parts.account))
		return FAIL(rq, api_ValidationException, "%.*s is invalid", PR(arn));
	*out = (struct wanted){ .account = parts.account, .name = str_after_last(parts.resource, '/') };
	struct status st = rq->app->identity->role(rq, parts.account, out->name, &out->role);
	out->known = !failed(st) && str_eq(out->role.arn, arn);
	if (out->known && !str_eq(out->account, rq->caller.account))
		rq->recipient_account = out->account; /* both accounts' trails have the call */
	return st.code == E_NOT_FOUND ? OK : st;
}

/* ---- authorization ---------------------------------------------------------------------- */

static void add(struct authz *az, const char *action, const struct sts_assume_role_in *in, const struct wanted *w,
		struct str_map tags)
{
	static const struct str_map none;
	struct authz_item *item = authz_add(az, action, in->role_arn);
	item->mode = POLICY_ASSUME;
	item->resource_account = w->account;
	item->resource_policy = w->known ? w->role.trust : NULL;
	item->resource_tags = w->known ? w->role.tags : none;
	for (size_t i = 0; i < item->resource_tags.n; i++) {
		const struct str_entry *tag = &item->resource_tags.v[i];
		char *name = str_z(az->rq->mem, arena_printf(az->rq->mem, "iam:ResourceTag/%.*s", PR(tag->key)));
		authz_key(az, item, name, tag->value);
	}
	authz_request_tags(az, item, tags);
	if (!in->source_identity.p && az->rq->caller.source_identity.n)
		authz_key(az, item, "sts:SourceIdentity", az->rq->caller.source_identity);
}

static struct status refuse(struct req *rq, const struct authz_item *item, struct policy_decision d)
{
	struct str who = rq->caller.arn.n ? rq->caller.arn : rq->caller.principal_id;
	struct authz_denial *why = NEW(rq->mem, struct authz_denial);
	*why = (struct authz_denial){ .action = item->action, .resource = item->resource, .decision = d };
	why->sentence = arena_printf(rq->mem, "User: %.*s is not authorized to perform: %.*s on resource: %.*s",
				     PR(who), PR(item->action), PR(item->resource));
	rq->denial = why;
	return FAIL(rq, api_AccessDeniedException, "%.*s", PR(why->sentence));
}

/* In words of our own, for the pipeline's would say what is missing where. */
static struct status decide(struct req *rq, const struct authz *az, bool known)
{
	for (const struct authz_item *item = az->first; item; item = item->next) {
		struct policy_decision d;
		if (!authz_evaluate(rq, item, &d) || !known)
			return refuse(rq, item, d);
	}
	return OK;
}

/*
 * A right code counts for this request: its policies and the role's trust policy see aws:MultiFactorAuthPresent. The
 * role's credentials do not have it ("Secure API access with MFA": AssumeRole's carry no MFA information).
 */
static struct status take_mfa(struct req *rq, const struct sts_assume_role_in *in)
{
	bool shown;
	TRY(sts_mfa_check(rq, in->serial_number, in->token_code, &shown));
	if (!shown)
		return OK;
	rq->caller.mfa = true;
	rq->caller.mfa_ms = rq->now_ms;
	return OK;
}

static bool inherits_tags(const struct caller *who) { return who->transitive.n > 0; }

struct status sts_authorize_assume_role(struct req *rq, const void *input, struct authz *az)
{
	const struct sts_assume_role_in *in = input;
	struct wanted w;
	if (rq->caller.kind == CALLER_ROOT)
		return FAIL(rq, api_AccessDeniedException, "Roles may not be assumed by root accounts.");
	TRY(take_mfa(rq, in));
	TRY(find_role(rq, in->role_arn, &w));
	struct str_map tags = sts_tags_of(rq->mem, in->tags);
	TRY(sts_tags_check(rq, tags));
	add(az, NULL, in, &w, tags);
	if (tags.n || inherits_tags(&rq->caller))
		add(az, "sts:TagSession", in, &w, tags);
	if (in->source_identity.p || rq->caller.source_identity.n)
		add(az, "sts:SetSourceIdentity", in, &w, tags);
	return decide(rq, az, w.known);
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
	struct wanted w;
	struct sts_session session;
	TRY(find_role(rq, in->role_arn, &w));
	if (!w.known) /* gone since it was authorized */
		return ERR(E_BUSY);
	struct str *arns = NEW(rq->mem, struct str);
	*arns = w.role.arn;
	rq->resources = (struct str_list){ arns, 1 };
	TRY(check_duration(rq, in->duration_seconds, &w.role));
	const struct sts_session_in asked = {
		.policy = in->policy,
		.policy_arns = in->policy_arns,
		.tags = sts_tags_of(rq->mem, in->tags),
		.transitive_tag_keys = in->transitive_tag_keys,
		.source_identity = in->source_identity,
	};
	TRY(sts_session_make(rq, &asked, w.account, &session));
	struct caller who =
	    sts_role_caller(rq, w.account, &w.role, in->role_session_name, in->duration_seconds, &session);
	if (rq->caller.kind == CALLER_SERVICE && str_eq(rq->caller.name, S("ec2.amazonaws.com")))
		who.claims = as_delivered(rq, w.account, in->role_session_name);
	TRY(sts_credentials_make(rq, &who, &out->credentials));
	out->assumed_role_user = sts_assumed_role_user_of(rq, &who);
	out->packed_policy_size = session.packed_percent;
	out->source_identity = session.source_identity.n ? session.source_identity : (struct str){ 0 };
	return OK;
}

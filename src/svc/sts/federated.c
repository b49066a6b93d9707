/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tags and source identity come from outside the models, so their patterns are checked here by
 * hand, with the words of a bad token.
 */
#include "svc/sts/federated.h"

#include "api/accounts.h"
#include "api/faults.h"
#include "base/str.h"
#include "wire/constraint.h"

struct status sts_federated_role(struct req *rq, struct str role_arn, struct sts_federated *f)
{
	if (!sts_wanted_parse(role_arn, &f->want))
		return FAIL(rq, api_ValidationException, "Request ARN is invalid");
	if (!account_find(rq->app->accounts, f->want.account))
		return OK;
	rq->account = f->want.account;
	return sts_wanted_find(rq, &f->want);
}

/* ---- what the provider wants the session to carry ---------------------------------------------- */

/* The model's types of the same things ("Tag", "sourceIdentityType"), for they do not come as members here. */
static const char tag_key[] = "[\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]+", tag_value[] = "[\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]*",
		  source_identity[] = "[\\w+=,.@-]*";
enum { TAG_KEY_MAX = 128, TAG_VALUE_MAX = 256, SOURCE_MIN = 2, SOURCE_MAX = 64 };

static bool fits(struct req *rq, const char *pattern, struct str s, size_t min, size_t max)
{
	size_t n = str_utf8_length(s);
	return n >= min && n <= max && patterns_match(rq->app->patterns, pattern, s);
}

struct status sts_federated_check(struct req *rq, const struct sts_federated *f)
{
	struct str source = f->source_identity;
	if (f->tags.n > STS_TAGS_MAX)
		return FAIL(rq, sts_InvalidIdentityTokenException, "A session cannot have more than %d tags.",
			    STS_TAGS_MAX);
	for (size_t i = 0; i < f->tags.n; i++)
		if (!fits(rq, tag_key, f->tags.v[i].key, 1, TAG_KEY_MAX) ||
		    !fits(rq, tag_value, f->tags.v[i].value, 0, TAG_VALUE_MAX))
			return FAIL(rq, sts_InvalidIdentityTokenException, "Invalid session tag in the token.");
	if (source.p &&
	    (!fits(rq, source_identity, source, SOURCE_MIN, SOURCE_MAX) || str_starts_ci(source, S("aws:"))))
		return FAIL(rq, sts_InvalidIdentityTokenException,
			    "Source Identity must match [a-zA-Z_0-9+=,.@-]{2,64} and not begin with \"aws:\"");
	return sts_tags_check(rq, f->tags);
}

/* ---- may he? ---------------------------------------------------------------------------------------- */

static void add(struct authz *az, const char *action, const struct sts_federated *f)
{
	struct arena *mem = az->rq->mem;
	struct authz_item *item = sts_trust_ask(az, action, &f->want);
	for (size_t i = 0; i < f->claims.n; i++)
		authz_key(az, item, str_z(mem, f->claims.v[i].key), f->claims.v[i].value);
	for (size_t i = 0; i < f->n_lists; i++)
		authz_key_list(az, item, f->lists[i].key, f->lists[i].values.v, f->lists[i].values.n);
	authz_key(az, item, "sts:RoleSessionName", f->session_name);
	authz_key(az, item, "sts:SourceIdentity", f->source_identity);
	if (f->transitive.n)
		authz_key_list(az, item, "sts:TransitiveTagKeys", f->transitive.v, f->transitive.n);
	authz_request_tags(az, item, f->tags);
	authz_tag_spellings(az, item, item->resource_tags);
}

/* ("AssumeRoleWithSAML: Not authorized to perform sts:AssumeRoleWithSAML", Troubleshoot SAML federation) */
static struct str refusal(struct req *rq, const struct authz_item *item)
{
	return arena_printf(rq->mem, "Not authorized to perform %.*s", PR(item->action));
}

struct status sts_federated_authorize(struct req *rq, struct authz *az, const struct sts_federated *f)
{
	rq->policies = (struct caller_policies){ 0 }; /* whoever signed, if anybody did, does not matter */
	add(az, f->action, f);
	if (f->tags.n)
		add(az, "sts:TagSession", f);
	if (f->source_identity.p)
		add(az, "sts:SetSourceIdentity", f);
	return sts_trust_decide(rq, az, &f->want, refusal);
}

/* ---- the session ----------------------------------------------------------------------------------------- */

struct status sts_federated_session(struct req *rq, const struct sts_federated *f,
				    const struct sts_federated_wish *wish, struct sts_federated_answer *out)
{
	struct sts_session session;
	struct str *arns = NEW(rq->mem, struct str);
	*arns = f->want.role.arn;
	rq->resources = (struct str_list){ arns, 1 };
	if (wish->seconds > f->want.role.max_session_s)
		return FAIL(rq, api_ValidationException,
			    "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.");
	const struct sts_session_in asked = {
		.policy = wish->policy,
		.policy_arns = wish->policy_arns,
		.tags = f->tags,
		.transitive_tag_keys = f->transitive,
		.source_identity = f->source_identity,
	};
	TRY(sts_session_make(rq, &asked, f->want.account, &session));
	struct caller who =
	    sts_role_caller(rq, f->want.account, &f->want.role, f->session_name, wish->seconds, &session);
	who.provider = rq->caller.provider;
	who.claims = f->claims;
	TRY(sts_credentials_make(rq, &who, &out->credentials));
	out->user = sts_assumed_role_user_of(rq, &who);
	out->packed_percent = session.packed_percent;
	out->source_identity = session.source_identity.n ? session.source_identity : (struct str){ 0 };
	return OK;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whose role, and does it trust him? Everybody's role is looked for through the identity
 * provider; the pipeline's own words for a refusal are not used, for they would say which
 * policy lacks what.
 */
#include "svc/sts/trust.h"

#include "api/faults.h"
#include "base/str.h"

bool sts_wanted_parse(struct str arn, struct sts_wanted *out)
{
	struct arn parts;
	if (failed(arn_parse(arn, &parts)) || !str_eq(parts.service, S("iam")) ||
	    !str_starts(parts.resource, S("role/")) || !account_id_is(parts.account))
		return false;
	out->arn = arn;
	out->account = parts.account;
	out->name = str_after_last(parts.resource, '/');
	out->known = false;
	return true;
}

/* ("IAM identifiers": names in ARNs are case-sensitive.) */
struct status sts_wanted_find(struct req *rq, struct sts_wanted *w)
{
	struct status st = rq->app->identity->role(rq, w->account, w->name, &w->role);
	w->known = !failed(st) && str_eq(w->role.arn, w->arn);
	return st.code == E_NOT_FOUND ? OK : st;
}

struct authz_item *sts_trust_ask(struct authz *az, const char *action, const struct sts_wanted *w)
{
	struct authz_item *item = authz_add(az, action, w->arn);
	item->mode = POLICY_ASSUME;
	item->resource_account = w->account;
	if (!w->known)
		return item;
	item->resource_policy = w->role.trust;
	item->resource_tags = w->role.tags;
	authz_tag_keys(az, item, "iam:ResourceTag/", w->role.tags);
	return item;
}

static struct status refuse(struct req *rq, const struct authz_item *item, struct policy_decision d,
			    struct str sentence)
{
	struct authz_denial *why = NEW(rq->mem, struct authz_denial);
	*why = (struct authz_denial){
		.action = item->action,
		.resource = item->resource,
		.sentence = sentence,
		.decision = d,
	};
	rq->denial = why;
	return FAIL(rq, api_AccessDeniedException, "%.*s", PR(sentence));
}

struct status sts_trust_decide(struct req *rq, const struct authz *az, const struct sts_wanted *w,
			       struct str (*words)(struct req *rq, const struct authz_item *item))
{
	for (const struct authz_item *item = az->first; item; item = item->next) {
		struct policy_decision d;
		if (!authz_evaluate(rq, item, &d) || !w->known)
			return refuse(rq, item, d, words(rq, item));
	}
	return OK;
}

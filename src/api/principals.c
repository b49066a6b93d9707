/* SPDX-License-Identifier: Apache-2.0 */
#include "api/principals.h"

#include "api/accounts.h"
#include "base/str.h"

static struct status check_one(struct req *rq, struct str text, bool *there)
{
	struct arn arn;
	*there = true;
	if (failed(arn_parse(text, &arn)) || !str_eq(arn.service, S("iam")) ||
	    !account_find(rq->app->accounts, arn.account))
		return OK;
	req_read_end(rq); /* a request has room for few snapshots, a document for many accounts */
	struct status st = rq->app->identity->principal(rq, arn.account, arn.resource);
	*there = st.code != E_NOT_FOUND;
	return *there ? st : OK;
}

static struct status check_statement(struct req *rq, const struct policy *policy, size_t i, struct str *missing)
{
	uint32_t n = policy_statement_at(policy, i).principals;
	for (uint32_t k = 0; k < n && !missing->p; k++) {
		struct policy_principal_view who = policy_principal_at(policy, i, k);
		bool there;
		if (who.type != POLICY_P_ARN)
			continue;
		TRY(check_one(rq, who.value, &there));
		if (!there)
			*missing = str_dup(rq->mem, who.value);
	}
	return OK;
}

struct status principals_check(struct req *rq, const struct policy *policy, struct str *missing)
{
	*missing = (struct str){ 0 };
	for (size_t i = 0; i < policy_statement_count(policy) && !missing->p; i++)
		TRY(check_statement(rq, policy, i, missing));
	return OK;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GetCallerIdentity: who the signature proved the caller to be. No policy can refuse it,
 * and no permission is needed. GetAccessKeyInfo: whose key an access key id is, which
 * the id itself tells (api/ids.h).
 */
#include "sts_api.h"

#include "api/accounts.h"
#include "api/faults.h"
#include "api/ids.h"
#include "api/req.h"
#include "base/str.h"

struct status sts_get_caller_identity(struct req *rq, const struct sts_get_caller_identity_in *in,
				      struct sts_get_caller_identity_out *out)
{
	(void)in;
	*out = (struct sts_get_caller_identity_out){
		.user_id = rq->caller.principal_id,
		.account = rq->caller.account,
		.arn = rq->caller.arn,
	};
	return OK;
}

/* A root key id is what the operator chose, and need not name its account. */
static struct str owner_of_key(struct req *rq, struct str id)
{
	struct str secret, account;
	const struct account *root = account_by_root_key(rq->app->accounts, id, &secret);
	if (root)
		return root->id;
	bool form = str_starts(id, S("AKIA")) || str_starts(id, S("ASIA"));
	if (!form || failed(id_access_key_account(rq->mem, id, &account)) || !account_find(rq->app->accounts, account))
		return (struct str){ 0 };
	return account;
}

struct status sts_get_access_key_info(struct req *rq, const struct sts_get_access_key_info_in *in,
				      struct sts_get_access_key_info_out *out)
{
	out->account = owner_of_key(rq, in->access_key_id);
	if (!out->account.p)
		return FAIL(rq, api_ValidationException, "Invalid Access Key ID: %.*s", PR(in->access_key_id));
	return OK;
}

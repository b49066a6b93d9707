/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GetCallerIdentity: who the signature proved the caller to be. No policy can refuse it,
 * and no permission is needed.
 */
#include "sts_api.h"

#include "api/req.h"

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

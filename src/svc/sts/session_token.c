/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GetSessionToken: a user exchanges his key for credentials that expire, and shows his MFA
 * device on the way. No policy can refuse it: it says who somebody is, not what he may do.
 *
 * The session is the user himself. His policies are looked up on every call, and it ends
 * with him; deleting the key it was got with does not end it. What it may not call, and
 * that a session cannot get another, the pipeline sees to (api/session_limits.h).
 */
#include "svc/sts/credentials.h"
#include "svc/sts/mfa.h"

struct status sts_get_session_token(struct req *rq, const struct sts_get_session_token_in *in,
				    struct sts_get_session_token_out *out)
{
	struct caller who = sts_own_caller(rq, in->duration_seconds);
	TRY(sts_mfa_check(rq, in->serial_number, in->token_code, &who));
	return sts_credentials_make(rq, &who, &out->credentials);
}

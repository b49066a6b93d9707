/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The device is the identity provider's (api/caller.h); here are AWS's words for what it says.
 */
#include "svc/sts/mfa.h"

#include "api/faults.h"

struct status sts_mfa_check(struct req *rq, struct str serial_number, struct str token_code, struct caller *who)
{
	if (!serial_number.p && !token_code.p)
		return OK;
	if (!serial_number.p || !token_code.p)
		return FAIL(
		    rq, api_AccessDeniedException,
		    "MultiFactorAuthentication failed, must provide both MFA serial number and one time pass code.");
	struct status st = rq->app->identity->mfa(rq, &rq->caller, serial_number, token_code);
	if (st.code == E_NOT_FOUND)
		return FAIL(
		    rq, api_AccessDeniedException,
		    "MultiFactorAuthentication failed, unable to validate MFA code.  Please verify your MFA serial "
		    "number is valid and associated with this user.");
	if (st.code == E_INVALID)
		return FAIL(rq, api_AccessDeniedException,
			    "MultiFactorAuthentication failed with invalid MFA one time pass code. ");
	TRY(st);
	who->mfa = true;
	who->mfa_ms = rq->now_ms;
	return OK;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DecodeAuthorizationMessage: opens what api/denial.c sealed into the text of a refusal. It
 * opens only for callers of the account that was refused, and for those of them who may.
 */
#include "sts_api.h"

#include "api/denial.h"

struct status sts_decode_authorization_message(struct req *rq, const struct sts_decode_authorization_message_in *in,
					       struct sts_decode_authorization_message_out *out)
{
	struct status st = denial_open(rq, in->encoded_message, &out->decoded_message);
	if (st.code == E_CORRUPT || st.code == E_INVALID || st.code == E_NO_KEY)
		return FAIL(
		    rq, sts_InvalidAuthorizationMessageException,
		    "The authorization message is not valid: it is not whole, or was not made for this account.");
	return st;
}

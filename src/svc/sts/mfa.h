/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SerialNumber and TokenCode, as AssumeRole and GetSessionToken take them.
 */
#ifndef SVC_STS_MFA_H
#define SVC_STS_MFA_H

#include "api/req.h"

/*
 * Whether the caller showed his device: a right code is noted in *who, as shown now; nothing given, nothing noted.
 * AccessDenied in AWS's words for half of the two and for a wrong one.
 */
struct status sts_mfa_check(struct req *rq, struct str serial_number, struct str token_code, struct caller *who);

#endif

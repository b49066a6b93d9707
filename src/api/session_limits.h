/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What temporary credentials cannot call, whatever policies allow ("Compare AWS STS
 * credentials"):
 *
 *                         IAM                 STS
 *     GetSessionToken     only with MFA       AssumeRole, GetCallerIdentity
 *     GetFederationToken  nothing             GetCallerIdentity
 *     a role's            all                 all but GetSessionToken, GetFederationToken
 *
 * IAM treats such credentials as unknown ones; STS says why.
 */
#ifndef API_SESSION_LIMITS_H
#define API_SESSION_LIMITS_H

#include "api/req.h"

/* The pipeline's step between who and what. */
struct status req_limit_session(struct req *rq);

#endif

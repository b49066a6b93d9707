/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KMS_AUTHORIZE_H
#define KMS_AUTHORIZE_H

#include "api/authz.h"

/* Would this key policy leave the caller able to change it, as far as a key policy can say? For the lockout check. */
bool kms_policy_keeps(struct req *rq, struct str key_arn, struct str account, const struct policy *policy);

#endif

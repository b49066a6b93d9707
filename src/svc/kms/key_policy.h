/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KMS_KEY_POLICY_H
#define KMS_KEY_POLICY_H

#include "api/req.h"

/* The key policy of a key that was made without one ("Default key policy"). */
struct str kms_default_policy(struct req *rq, struct str account);
/* MalformedPolicyDocumentException, LimitExceededException; and unless `bypass`, for a policy that locks its author
 * out. *bound: the document with unique ids in the place of ARNs; p == NULL: it names none. */
struct status kms_policy_check(struct req *rq, struct str text, struct str key_arn, struct str account, bool bypass,
			       struct str *bound);

#endif

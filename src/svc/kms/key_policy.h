/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KMS_KEY_POLICY_H
#define KMS_KEY_POLICY_H

#include "api/authz.h"

/* The key policy of a key that was made without one ("Default key policy"). */
struct str kms_default_policy(struct req *rq, struct str account);
/* The key that is to have a policy, as far as the policy may ask of it. */
struct kms_subject {
	struct str arn, account;
	struct str_map tags;
	struct authz_key *conditions; /* struct kms_key; NULL: it is yet to be made */
};
/* MalformedPolicyDocumentException, LimitExceededException; and unless `bypass`, for a policy that locks its author
 * out. *bound: the document with unique ids in the place of ARNs; p == NULL: it names none. */
struct status kms_policy_check(struct req *rq, struct str text, const struct kms_subject *key, bool bypass,
			       struct str *bound);

#endif

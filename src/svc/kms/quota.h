/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How many keys an account may have in a region ("AWS KMS keys: 100,000", Resource quotas).
 * Keys of every spec and state count, AWS managed ones do not.
 */
#ifndef KMS_QUOTA_H
#define KMS_QUOTA_H

#include "svc/kms/key.h"

enum { KMS_KEYS_PER_REGION = 100000 };

/* In the transaction that makes, or removes, a customer's key. LimitExceededException. */
struct status kms_quota_take(struct req *rq, struct txn *t);
/* Is there room for one more now? LimitExceededException. */
struct status kms_quota_check(struct req *rq, struct txn *t);
struct status kms_quota_give_back(struct req *rq, struct txn *t);

#endif

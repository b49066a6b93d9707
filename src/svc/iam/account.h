/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The account as a whole: its row, and figures of what is in it.
 */
#ifndef SVC_IAM_ACCOUNT_H
#define SVC_IAM_ACCOUNT_H

#include "svc/iam/iam.h"

/* An account that has never set anything has no row: *out is then zero. */
struct status iam_account_get(struct arena *mem, struct txn *t, struct iam_account_row *out);
struct status iam_account_put(struct req *rq, struct txn *t, const struct iam_account_row *row);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a user, or root, can sign in besides with access keys: password and MFA devices. For
 * the credential report and the account summary.
 */
#ifndef SVC_IAM_SIGN_IN_H
#define SVC_IAM_SIGN_IN_H

#include "svc/iam/iam.h"

/* The MFA devices of an account, those that are enabled, and whether root has one of them. */
struct iam_devices {
	int64_t n, in_use;
	bool root;
};
struct status iam_devices(struct req *rq, struct txn *t, struct iam_devices *out);

struct iam_sign_in {
	bool password, mfa;
	struct opt_int used, changed, expires; /* of the password: not set when never, or not known */
};
/* user == NULL: root. */
struct status iam_sign_in(struct req *rq, struct txn *t, const struct iam_devices *devices,
			  const struct iam_entity_row *user, struct iam_sign_in *out);

#endif

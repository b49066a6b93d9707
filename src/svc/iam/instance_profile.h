/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Instance profiles as roles see them: a role that is in one is not deleted, and shown with it.
 */
#ifndef SVC_IAM_INSTANCE_PROFILE_H
#define SVC_IAM_INSTANCE_PROFILE_H

#include "svc/iam/iam.h"

struct status iam_profile_any(struct req *rq, struct txn *t, struct str role, bool *any);
struct status iam_profiles_of(struct req *rq, struct txn *t, struct str role, struct iam_instance_profile_list *out);

#endif

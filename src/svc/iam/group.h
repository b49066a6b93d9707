/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Groups as answers show them.
 */
#ifndef SVC_IAM_GROUP_H
#define SVC_IAM_GROUP_H

#include "svc/iam/iam.h"

struct iam_group iam_group_out(struct req *rq, const struct iam_entity_row *row);
const struct iam_group *iam_group_new(struct req *rq, const struct iam_entity_row *row);

#endif

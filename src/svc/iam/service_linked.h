/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Service-linked roles as the rest of IAM sees them: roles that only their service changes.
 */
#ifndef SVC_IAM_SERVICE_LINKED_H
#define SVC_IAM_SERVICE_LINKED_H

#include "svc/iam/iam.h"

/* UnmodifiableEntity when it is a service-linked role. */
struct status iam_modifiable(struct req *rq, const struct iam_entity_row *row);
/* The path under which they stand is theirs alone: InvalidInput. */
struct status iam_path_not_reserved(struct req *rq, struct str path);

/* A service that has one, for tests and documents; NULL past the end. */
struct iam_linked {
	const char *service, *role;
	bool suffix;        /* may be made more than once, under names of one's own */
	const char *policy; /* AWS's managed policy, under /aws-service-role/ */
	const char *doc;
};
const struct iam_linked *iam_linked_at(size_t i);

#endif

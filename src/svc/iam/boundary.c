/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Permissions boundaries: the managed policy that bounds what a user or role can be
 * allowed ("Permissions boundaries for IAM entities").
 */
#include "svc/iam/service_linked.h"

static struct status replace(struct req *rq, enum iam_kind kind, struct str name, struct str arn)
{
	struct txn *t;
	struct iam_entity_row row;
	TRY(iam_write(rq, &t));
	TRY(iam_entity_get(rq, t, kind, name, &row));
	TRY(iam_modifiable(rq, &row));
	if (arn.p)
		TRY(iam_boundary_check(rq, t, arn));
	if (row.boundary.n)
		TRY(txn_del(t, iam_use_key(rq->mem, IAM_BOUNDARY, row.boundary, kind, row.name)));
	if (arn.p)
		TRY(txn_put(t, iam_use_key(rq->mem, IAM_BOUNDARY, arn, kind, row.name), S("")));
	row.boundary = arn;
	return iam_entity_put(rq, t, kind, &row);
}

struct status iam_put_user_permissions_boundary(struct req *rq, const struct iam_put_user_permissions_boundary_in *in,
						struct iam_put_user_permissions_boundary_out *out)
{
	(void)out;
	return replace(rq, IAM_USER, in->user_name, in->permissions_boundary);
}

struct status iam_delete_user_permissions_boundary(struct req *rq,
						   const struct iam_delete_user_permissions_boundary_in *in,
						   struct iam_delete_user_permissions_boundary_out *out)
{
	(void)out;
	return replace(rq, IAM_USER, in->user_name, (struct str){ 0 });
}

struct status iam_put_role_permissions_boundary(struct req *rq, const struct iam_put_role_permissions_boundary_in *in,
						struct iam_put_role_permissions_boundary_out *out)
{
	(void)out;
	return replace(rq, IAM_ROLE, in->role_name, in->permissions_boundary);
}

struct status iam_delete_role_permissions_boundary(struct req *rq,
						   const struct iam_delete_role_permissions_boundary_in *in,
						   struct iam_delete_role_permissions_boundary_out *out)
{
	(void)out;
	return replace(rq, IAM_ROLE, in->role_name, (struct str){ 0 });
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Groups: made, shown, renamed, deleted. A group is nobody: it cannot sign, be assumed or be
 * named as a principal. It only holds policies, which count for the users in it (principal.c);
 * member.c says who they are.
 */
#include "api/ids.h"
#include "base/str.h"
#include "svc/iam/group.h"

struct iam_group iam_group_out(struct req *rq, const struct iam_entity_row *row)
{
	return (struct iam_group){
		.path = row->path,
		.group_name = row->name,
		.group_id = row->id,
		.arn = iam_entity_arn(rq->mem, rq->app->partition, rq->account, IAM_GROUP, row),
		.create_date = row->created.v,
	};
}

const struct iam_group *iam_group_new(struct req *rq, const struct iam_entity_row *row)
{
	struct iam_group *g = NEW(rq->mem, struct iam_group);
	*g = iam_group_out(rq, row);
	return g;
}

struct status iam_create_group(struct req *rq, const struct iam_create_group_in *in, struct iam_create_group_out *out)
{
	struct txn *t;
	struct iam_entity_row row = {
		.name = in->group_name,
		.path = iam_path(in->path),
		.id = id_unique(rq->app->world, rq->mem, "AGPA"),
		.created = SET(rq->now_ms),
	};
	TRY(iam_write(rq, &t));
	TRY(iam_entity_new_name(rq, t, IAM_GROUP, row.name));
	TRY(iam_count(rq, t, IAM_GROUP, 1));
	TRY(iam_entity_put(rq, t, IAM_GROUP, &row));
	out->group = iam_group_new(rq, &row);
	return OK;
}

struct status iam_update_group(struct req *rq, const struct iam_update_group_in *in, struct iam_update_group_out *out)
{
	struct txn *t;
	struct iam_entity_row row;
	(void)out;
	TRY(iam_write(rq, &t));
	TRY(iam_entity_get(rq, t, IAM_GROUP, in->group_name, &row));
	if (in->new_group_name.p)
		TRY(iam_entity_rename(rq, t, IAM_GROUP, &row, in->new_group_name));
	if (in->new_path.p)
		row.path = in->new_path;
	return iam_entity_put(rq, t, IAM_GROUP, &row);
}

struct status iam_delete_group(struct req *rq, const struct iam_delete_group_in *in, struct iam_delete_group_out *out)
{
	struct txn *t;
	struct iam_entity_row row;
	bool member;
	(void)out;
	TRY(iam_write(rq, &t));
	TRY(iam_entity_get(rq, t, IAM_GROUP, in->group_name, &row));
	TRY(iam_member_any(rq, t, IAM_GROUP, row.name, &member));
	if (member)
		return FAIL(rq, iam_DeleteConflictException,
			    "Cannot delete entity, must remove users from group first.");
	TRY(iam_entity_bare(rq, t, IAM_GROUP, &row));
	TRY(iam_count(rq, t, IAM_GROUP, -1));
	return iam_entity_del(rq, t, IAM_GROUP, row.name);
}

struct status iam_list_groups(struct req *rq, const struct iam_list_groups_in *in, struct iam_list_groups_out *out)
{
	struct txn *t;
	struct iam_page page;
	struct iam_entity_list list;
	TRY(iam_page_of(rq, in->marker, in->max_items, &page));
	TRY(iam_read(rq, &t));
	TRY(iam_entity_page(rq, t, IAM_GROUP, in->path_prefix, &page, &list));
	struct iam_group *v = NEWS(rq->mem, struct iam_group, list.n + 1);
	for (size_t i = 0; i < list.n; i++)
		v[i] = iam_group_out(rq, &list.v[i]);
	out->groups = (struct iam_group_list){ v, list.n };
	out->is_truncated = (struct opt_bool)SET(list.marker.p != NULL);
	out->marker = list.marker;
	return OK;
}

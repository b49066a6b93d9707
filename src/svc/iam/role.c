/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Roles: made with the policy that says who may assume them, shown, changed, deleted.
 * Sessions of a deleted role are refused from the next request on, also when a role of
 * that name comes back: they carry the unique id.
 */
#include "api/ids.h"
#include "base/str.h"
#include "svc/iam/instance_profile.h"
#include "svc/iam/service_linked.h"
#include "svc/iam/trust.h"
#include "svc/iam/used.h"

struct iam_role iam_role_out(struct req *rq, const struct iam_entity_row *row)
{
	return (struct iam_role){
		.path = row->path,
		.role_name = row->name,
		.role_id = row->id,
		.arn = iam_entity_arn(rq->mem, rq->app->partition, rq->account, IAM_ROLE, row),
		.create_date = row->created.v,
		.assume_role_policy_document = iam_document_out(rq, row->trust),
		.description = row->description,
		.max_session_duration = SET(row->max_session.v),
	};
}

static struct iam_role *role_whole(struct req *rq, const struct iam_entity_row *row)
{
	struct iam_role *r = NEW(rq->mem, struct iam_role);
	*r = iam_role_out(rq, row);
	r->permissions_boundary = iam_boundary_out(rq, row->boundary);
	r->tags = row->tags.n ? row->tags : (struct iam_tag_list){ 0 };
	return r;
}

struct status iam_create_role(struct req *rq, const struct iam_create_role_in *in, struct iam_create_role_out *out)
{
	struct txn *t;
	struct iam_trust trust;
	TRY(iam_trust_bind(rq, in->assume_role_policy_document, &trust));
	struct iam_entity_row row = {
		.name = in->role_name,
		.path = iam_path(in->path),
		.id = id_unique(rq->app->world, rq->mem, "AROA"),
		.created = SET(rq->now_ms),
		.boundary = in->permissions_boundary,
		.trust = trust.document,
		.trust_bound = trust.bound,
		.description = in->description,
		.max_session = SET(in->max_session_duration),
	};
	TRY(iam_path_not_reserved(rq, row.path));
	TRY(iam_tags_add(rq, row.tags, in->tags, &row.tags));
	TRY(iam_write(rq, &t));
	TRY(iam_entity_new_name(rq, t, IAM_ROLE, row.name));
	TRY(iam_trust_recheck(rq, t, &trust));
	if (row.boundary.p)
		TRY(iam_boundary_check(rq, t, row.boundary));
	TRY(iam_count(rq, t, IAM_ROLE, 1));
	TRY(iam_entity_put(rq, t, IAM_ROLE, &row));
	TRY(iam_use_all(rq, t, IAM_ROLE, &row, true));
	out->role = role_whole(rq, &row);
	return OK;
}

struct status iam_get_role(struct req *rq, const struct iam_get_role_in *in, struct iam_get_role_out *out)
{
	struct txn *t;
	struct iam_entity_row row;
	struct iam_used_row used;
	TRY(iam_read(rq, &t));
	TRY(iam_entity_get(rq, t, IAM_ROLE, in->role_name, &row));
	TRY(iam_used_get(rq, IAM_USED_ROLE, row.id, &used));
	struct iam_role_last_used *last = NEW(rq->mem, struct iam_role_last_used);
	*last = (struct iam_role_last_used){ used.when, used.region };
	struct iam_role *role = role_whole(rq, &row);
	role->role_last_used = last;
	out->role = role;
	return OK;
}

struct status iam_update_role(struct req *rq, const struct iam_update_role_in *in, struct iam_update_role_out *out)
{
	struct txn *t;
	struct iam_entity_row row;
	(void)out;
	TRY(iam_write(rq, &t));
	TRY(iam_entity_get(rq, t, IAM_ROLE, in->role_name, &row));
	if (in->description.p)
		row.description = in->description;
	if (in->max_session_duration.set) {
		TRY(iam_modifiable(rq, &row)); /* its description is anybody's */
		row.max_session = in->max_session_duration;
	}
	return iam_entity_put(rq, t, IAM_ROLE, &row);
}

struct status iam_update_role_description(struct req *rq, const struct iam_update_role_description_in *in,
					  struct iam_update_role_description_out *out)
{
	struct txn *t;
	struct iam_entity_row row;
	TRY(iam_write(rq, &t));
	TRY(iam_entity_get(rq, t, IAM_ROLE, in->role_name, &row));
	row.description = in->description;
	TRY(iam_entity_put(rq, t, IAM_ROLE, &row));
	out->role = role_whole(rq, &row);
	return OK;
}

struct status iam_update_assume_role_policy(struct req *rq, const struct iam_update_assume_role_policy_in *in,
					    struct iam_update_assume_role_policy_out *out)
{
	struct txn *t;
	struct iam_trust trust;
	struct iam_entity_row row;
	(void)out;
	TRY(iam_trust_bind(rq, in->policy_document, &trust));
	TRY(iam_write(rq, &t));
	TRY(iam_entity_get(rq, t, IAM_ROLE, in->role_name, &row));
	TRY(iam_modifiable(rq, &row));
	TRY(iam_trust_recheck(rq, t, &trust));
	row.trust = trust.document;
	row.trust_bound = trust.bound;
	return iam_entity_put(rq, t, IAM_ROLE, &row);
}

struct status iam_delete_role(struct req *rq, const struct iam_delete_role_in *in, struct iam_delete_role_out *out)
{
	struct txn *t;
	struct iam_entity_row row;
	bool in_profile;
	(void)out;
	TRY(iam_write(rq, &t));
	TRY(iam_entity_get(rq, t, IAM_ROLE, in->role_name, &row));
	TRY(iam_modifiable(rq, &row));
	TRY(iam_entity_bare(rq, t, IAM_ROLE, &row));
	TRY(iam_profile_any(rq, t, row.name, &in_profile));
	if (in_profile)
		return FAIL(rq, iam_DeleteConflictException,
			    "Cannot delete entity, must remove roles from instance profile first.");
	TRY(iam_use_all(rq, t, IAM_ROLE, &row, false));
	TRY(iam_count(rq, t, IAM_ROLE, -1));
	return iam_entity_del(rq, t, IAM_ROLE, row.name);
}

struct status iam_list_roles(struct req *rq, const struct iam_list_roles_in *in, struct iam_list_roles_out *out)
{
	struct txn *t;
	struct iam_page page;
	struct iam_entity_list list;
	TRY(iam_page_of(rq, in->marker, in->max_items, &page));
	TRY(iam_read(rq, &t));
	TRY(iam_entity_page(rq, t, IAM_ROLE, in->path_prefix, &page, &list));
	struct iam_role *v = NEWS(rq->mem, struct iam_role, list.n + 1);
	for (size_t i = 0; i < list.n; i++)
		v[i] = iam_role_out(rq, &list.v[i]);
	out->roles = (struct iam_role_list){ v, list.n };
	out->is_truncated = (struct opt_bool)SET(list.marker.p != NULL);
	out->marker = list.marker;
	return OK;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Users: made, shown, renamed, deleted. A user is deleted only when nothing hangs on him
 * any more, and renaming takes everything along: keys, inline policies, groups, where his
 * managed policies are noted. The unique id stays, so trust and sessions follow the person and
 * not the name.
 */
#include "api/accounts.h"
#include "api/ids.h"
#include "base/str.h"
#include "svc/iam/iam.h"
#include "svc/iam/login.h"
#include "svc/iam/mfa.h"

static struct iam_user user_out(struct req *rq, const struct iam_entity_row *row, bool whole)
{
	return (struct iam_user){
		.path = row->path,
		.user_name = row->name,
		.user_id = row->id,
		.arn = iam_entity_arn(rq->mem, rq->app->partition, rq->account, IAM_USER, row),
		.create_date = row->created.v,
		.password_last_used = row->password_used,
		.permissions_boundary = whole ? iam_boundary_out(rq, row->boundary) : NULL,
		.tags = whole && row->tags.n ? row->tags : (struct iam_tag_list){ 0 },
	};
}

struct iam_user iam_user_out(struct req *rq, const struct iam_entity_row *row) { return user_out(rq, row, false); }

static const struct iam_user *user_new(struct req *rq, const struct iam_entity_row *row)
{
	struct iam_user *u = NEW(rq->mem, struct iam_user);
	*u = user_out(rq, row, true);
	return u;
}

struct status iam_create_user(struct req *rq, const struct iam_create_user_in *in, struct iam_create_user_out *out)
{
	struct txn *t;
	struct iam_entity_row row = {
		.name = in->user_name,
		.path = iam_path(in->path),
		.id = id_unique(rq->app->world, rq->mem, "AIDA"),
		.created = SET(rq->now_ms),
		.boundary = in->permissions_boundary,
	};
	TRY(iam_tags_add(rq, row.tags, in->tags, &row.tags));
	TRY(iam_write(rq, &t));
	TRY(iam_entity_new_name(rq, t, IAM_USER, row.name));
	if (row.boundary.p)
		TRY(iam_boundary_check(rq, t, row.boundary));
	TRY(iam_count(rq, t, IAM_USER, 1));
	TRY(iam_entity_put(rq, t, IAM_USER, &row));
	TRY(iam_use_all(rq, t, IAM_USER, &row, true));
	out->user = user_new(rq, &row);
	return OK;
}

/* Root has no row: what is known of it comes from the account. */
const struct iam_user *iam_user_root(struct req *rq)
{
	const struct account *account = account_find(rq->app->accounts, rq->account);
	struct iam_user *u = NEW(rq->mem, struct iam_user);
	*u = (struct iam_user){
		.path = S("/"),
		.user_id = rq->account,
		.arn = req_arn(rq, "root"),
		.create_date = account ? account->created_ms : 0,
	};
	return u;
}

struct status iam_get_user(struct req *rq, const struct iam_get_user_in *in, struct iam_get_user_out *out)
{
	struct txn *t;
	struct str name;
	struct iam_entity_row row;
	if (!in->user_name.p && rq->caller.kind == CALLER_ROOT) {
		out->user = iam_user_root(rq);
		return OK;
	}
	TRY(iam_user_name(rq, in->user_name, &name));
	TRY(iam_read(rq, &t));
	TRY(iam_entity_get(rq, t, IAM_USER, name, &row));
	out->user = user_new(rq, &row);
	return OK;
}

/* ---- changing -------------------------------------------------------------------------- */

static struct status keys_follow(struct req *rq, struct txn *t, const struct iam_entity_row *user)
{
	for (size_t i = 0; i < user->access_keys.n; i++) {
		struct iam_key_row key;
		struct str at = key_of(rq->mem, 'k', user->access_keys.v[i], (struct str){ 0 }, (struct str){ 0 });
		TRY(iam_row_get(rq->mem, t, at, &iam_key_row_shape, &key));
		key.user_name = user->name;
		TRY(iam_row_put(rq, t, at, &iam_key_row_shape, &key));
	}
	return OK;
}

struct status iam_update_user(struct req *rq, const struct iam_update_user_in *in, struct iam_update_user_out *out)
{
	struct txn *t;
	struct iam_entity_row row;
	(void)out;
	TRY(iam_write(rq, &t));
	TRY(iam_entity_get(rq, t, IAM_USER, in->user_name, &row));
	if (in->new_user_name.p) {
		TRY(iam_entity_rename(rq, t, IAM_USER, &row, in->new_user_name));
		TRY(keys_follow(rq, t, &row));
		TRY(iam_mfa_follow(rq, t, &row));
		TRY(txn_put(t, iam_renamed_key(rq->mem, row.id), row.name)); /* for sessions made under the old name */
	}
	if (in->new_path.p)
		row.path = in->new_path;
	return iam_entity_put(rq, t, IAM_USER, &row);
}

static struct status must_have_no_password(struct req *rq, struct txn *t, const struct iam_entity_row *user)
{
	struct iam_login_row login;
	struct status st = iam_login_find(rq, t, user->id, &login);
	if (failed(st))
		return st.code == E_NOT_FOUND ? OK : st;
	return FAIL(rq, iam_DeleteConflictException, "Cannot delete entity, must delete login profile first.");
}

struct status iam_delete_user(struct req *rq, const struct iam_delete_user_in *in, struct iam_delete_user_out *out)
{
	struct txn *t;
	struct iam_entity_row row;
	bool member;
	(void)out;
	TRY(iam_write(rq, &t));
	TRY(iam_entity_get(rq, t, IAM_USER, in->user_name, &row));
	TRY(iam_member_any(rq, t, IAM_USER, row.name, &member));
	if (member)
		return FAIL(rq, iam_DeleteConflictException,
			    "Cannot delete entity, must remove users from group first.");
	if (row.access_keys.n)
		return FAIL(rq, iam_DeleteConflictException, "Cannot delete entity, must delete access keys first.");
	TRY(must_have_no_password(rq, t, &row));
	if (row.mfa_devices.n)
		return FAIL(rq, iam_DeleteConflictException, "Cannot delete entity, must delete MFA device first.");
	TRY(iam_entity_bare(rq, t, IAM_USER, &row));
	TRY(iam_use_all(rq, t, IAM_USER, &row, false));
	TRY(iam_count(rq, t, IAM_USER, -1));
	TRY(txn_del(t, iam_renamed_key(rq->mem, row.id)));
	return iam_entity_del(rq, t, IAM_USER, row.name);
}

struct status iam_list_users(struct req *rq, const struct iam_list_users_in *in, struct iam_list_users_out *out)
{
	struct txn *t;
	struct iam_page page;
	struct iam_entity_list list;
	TRY(iam_page_of(rq, in->marker, in->max_items, &page));
	TRY(iam_read(rq, &t));
	TRY(iam_entity_page(rq, t, IAM_USER, in->path_prefix, &page, &list));
	struct iam_user *v = NEWS(rq->mem, struct iam_user, list.n + 1);
	for (size_t i = 0; i < list.n; i++)
		v[i] = iam_user_out(rq, &list.v[i]);
	out->users = (struct iam_user_list){ v, list.n };
	out->is_truncated = (struct opt_bool)SET(list.marker.p != NULL);
	out->marker = list.marker;
	return OK;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Instance profiles: what an instance is given so that its programs act as a role ("Using
 * instance profiles"). A profile holds one role at most; a role may be in many profiles. The
 * profile's row names its role, and an index by role says which profiles hold it.
 */
#include "svc/iam/instance_profile.h"

#include "api/ids.h"
#include "base/str.h"
#include "svc/iam/authorize.h"
#include "svc/iam/service_linked.h"

enum { TAG = 'x', TAG_OF_ROLE = 'y' };

static struct str profile_key(struct arena *mem, struct str name)
{
	return key_of(mem, TAG, iam_lower(mem, name), (struct str){ 0 }, (struct str){ 0 });
}

/* The index; profile p == NULL: the prefix of all that hold the role. */
static struct str role_key(struct arena *mem, struct str role, struct str profile)
{
	return key_of(mem, TAG_OF_ROLE, iam_lower(mem, role), profile.p ? iam_lower(mem, profile) : profile,
		      (struct str){ 0 });
}

static struct str profile_arn(struct req *rq, struct str path, struct str name)
{
	return arena_printf(rq->mem, "arn:%.*s:iam::%.*s:instance-profile%.*s%.*s", PR(rq->app->partition),
			    PR(rq->account), PR(path), PR(name));
}

static struct status get(struct req *rq, struct txn *t, struct str name, struct iam_profile_row *out)
{
	struct status st = iam_row_get(rq->mem, t, profile_key(rq->mem, name), &iam_profile_row_shape, out);
	if (st.code != E_NOT_FOUND)
		return st;
	return FAIL(rq, iam_NoSuchEntityException, "Instance Profile %.*s cannot be found.", PR(name));
}

static struct status put(struct req *rq, struct txn *t, const struct iam_profile_row *row)
{
	return iam_row_put(rq, t, profile_key(rq->mem, row->name), &iam_profile_row_shape, row);
}

struct status iam_profile_any(struct req *rq, struct txn *t, struct str role, bool *any)
{
	struct cursor c;
	struct str prefix = role_key(rq->mem, role, (struct str){ 0 });
	TRY(txn_range(t, &(struct range){ .prefix = prefix, .keys_only = true }, &c));
	*any = cursor_next(&c);
	return cursor_end(&c);
}

/* ---- showing ------------------------------------------------------------------------------- */

static struct status profile_out(struct req *rq, struct txn *t, const struct iam_profile_row *row,
				 struct iam_instance_profile *out)
{
	*out = (struct iam_instance_profile){
		.path = row->path,
		.instance_profile_name = row->name,
		.instance_profile_id = row->id,
		.arn = profile_arn(rq, row->path, row->name),
		.create_date = row->created.v,
	};
	struct iam_entity_row role;
	struct iam_role *v = NEW(rq->mem, struct iam_role);
	out->roles = (struct iam_role_list){ v, 0 }; /* there, though empty */
	if (!row->role.n)
		return OK;
	TRY(iam_entity_get(rq, t, IAM_ROLE, row->role, &role));
	*v = iam_role_out(rq, &role);
	out->roles = (struct iam_role_list){ v, 1 };
	return OK;
}

static struct status profile_whole(struct req *rq, struct txn *t, const struct iam_profile_row *row,
				   const struct iam_instance_profile **out)
{
	struct iam_instance_profile *p = NEW(rq->mem, struct iam_instance_profile);
	TRY(profile_out(rq, t, row, p));
	if (row->tags.n)
		p->tags = row->tags;
	*out = p;
	return OK;
}

struct status iam_get_instance_profile(struct req *rq, const struct iam_get_instance_profile_in *in,
				       struct iam_get_instance_profile_out *out)
{
	struct txn *t;
	struct iam_profile_row row;
	TRY(iam_read(rq, &t));
	TRY(get(rq, t, in->instance_profile_name, &row));
	return profile_whole(rq, t, &row, &out->instance_profile);
}

struct status iam_list_instance_profiles(struct req *rq, const struct iam_list_instance_profiles_in *in,
					 struct iam_list_instance_profiles_out *out)
{
	static const struct iam_pathed what = { TAG, &iam_profile_row_shape, offsetof(struct iam_profile_row, path) };
	struct txn *t;
	struct iam_page page;
	struct iam_rows rows;
	TRY(iam_page_of(rq, in->marker, in->max_items, &page));
	TRY(iam_read(rq, &t));
	TRY(iam_rows_page(rq, t, &what, in->path_prefix, &page, &rows));
	const struct iam_profile_row *have = rows.v;
	struct iam_instance_profile *v = NEWS(rq->mem, struct iam_instance_profile, rows.n + 1);
	for (size_t i = 0; i < rows.n; i++)
		TRY(profile_out(rq, t, &have[i], &v[i]));
	out->instance_profiles = (struct iam_instance_profile_list){ v, rows.n };
	out->is_truncated = (struct opt_bool)SET(rows.marker.p != NULL);
	out->marker = rows.marker;
	return OK;
}

/* The profile's name, in lower case: the position in a role's list. */
static struct str profile_of(struct req *rq, struct str key)
{
	struct rd r = rd_of(key);
	(void)key_take_tag(&r);
	(void)key_take_str(&r, rq->mem);
	return key_take_str(&r, rq->mem);
}

/* The names of the profiles that a role is in, in lower case and sorted. */
static struct status names_of(struct req *rq, struct txn *t, struct str role, struct str_list *out)
{
	struct str_list keys;
	TRY(iam_keys(rq, t, role_key(rq->mem, role, (struct str){ 0 }), &keys));
	struct str *names = NEWS(rq->mem, struct str, keys.n + 1);
	for (size_t i = 0; i < keys.n; i++)
		names[i] = profile_of(rq, keys.v[i]);
	*out = (struct str_list){ names, keys.n };
	return OK;
}

static struct status profiles_named(struct req *rq, struct txn *t, const struct str *names, size_t n,
				    struct iam_instance_profile_list *out)
{
	struct iam_instance_profile *v = NEWS(rq->mem, struct iam_instance_profile, n + 1);
	for (size_t i = 0; i < n; i++) {
		struct iam_profile_row row;
		TRY(get(rq, t, names[i], &row));
		TRY(profile_out(rq, t, &row, &v[i]));
	}
	*out = (struct iam_instance_profile_list){ v, n };
	return OK;
}

struct status iam_profiles_of(struct req *rq, struct txn *t, struct str role, struct iam_instance_profile_list *out)
{
	struct str_list names;
	TRY(names_of(rq, t, role, &names));
	return profiles_named(rq, t, names.v, names.n, out);
}

struct status iam_list_instance_profiles_for_role(struct req *rq,
						  const struct iam_list_instance_profiles_for_role_in *in,
						  struct iam_list_instance_profiles_for_role_out *out)
{
	struct txn *t;
	struct iam_page page;
	struct iam_entity_row role;
	struct str_list names;
	size_t at, end;
	TRY(iam_page_of(rq, in->marker, in->max_items, &page));
	TRY(iam_read(rq, &t));
	TRY(iam_entity_get(rq, t, IAM_ROLE, in->role_name, &role));
	TRY(names_of(rq, t, role.name, &names));
	out->marker = iam_page_cut(rq, &page, names.v, names.n, &at, &end);
	TRY(profiles_named(rq, t, names.v + at, end - at, &out->instance_profiles));
	out->is_truncated = (struct opt_bool)SET(out->marker.p != NULL);
	return OK;
}

/* ---- making and deleting --------------------------------------------------------------------- */

struct status iam_create_instance_profile(struct req *rq, const struct iam_create_instance_profile_in *in,
					  struct iam_create_instance_profile_out *out)
{
	struct txn *t;
	bool taken;
	struct iam_profile_row row = {
		.name = in->instance_profile_name,
		.path = iam_path(in->path),
		.id = id_unique(rq->app->world, rq->mem, "AIPA"),
		.created = SET(rq->now_ms),
	};
	TRY(iam_tags_add(rq, row.tags, in->tags, &row.tags));
	TRY(iam_write(rq, &t));
	TRY(txn_has(t, profile_key(rq->mem, row.name), &taken));
	if (taken)
		return FAIL(rq, iam_EntityAlreadyExistsException, "Instance Profile %.*s already exists.",
			    PR(row.name));
	TRY(iam_count(rq, t, TAG, 1));
	TRY(put(rq, t, &row));
	return profile_whole(rq, t, &row, &out->instance_profile);
}

struct status iam_delete_instance_profile(struct req *rq, const struct iam_delete_instance_profile_in *in,
					  struct iam_delete_instance_profile_out *out)
{
	struct txn *t;
	struct iam_profile_row row;
	(void)out;
	TRY(iam_write(rq, &t));
	TRY(get(rq, t, in->instance_profile_name, &row));
	if (row.role.n)
		return FAIL(rq, iam_DeleteConflictException,
			    "Cannot delete entity, must remove roles from instance profile first.");
	TRY(iam_count(rq, t, TAG, -1));
	return txn_del(t, profile_key(rq->mem, row.name));
}

/* ---- the role in it ---------------------------------------------------------------------------- */

struct status iam_add_role_to_instance_profile(struct req *rq, const struct iam_add_role_to_instance_profile_in *in,
					       struct iam_add_role_to_instance_profile_out *out)
{
	struct txn *t;
	struct iam_profile_row row;
	struct iam_entity_row role;
	(void)out;
	TRY(iam_write(rq, &t));
	const struct str *passed = rq->found; /* as judged last */
	TRY(get(rq, t, in->instance_profile_name, &row));
	TRY(iam_entity_get(rq, t, IAM_ROLE, in->role_name, &role));
	/* It was another role, of another path perhaps, that the caller was allowed to pass. */
	if (!passed || !str_eq(*passed, role.id))
		return FAIL(rq, iam_NoSuchEntityException, "The role with name %.*s cannot be found.",
			    PR(in->role_name));
	TRY(iam_modifiable(rq, &role));
	if (row.role.n)
		return FAIL(rq, iam_LimitExceededException,
			    "Cannot exceed quota for InstanceSessionsPerInstanceProfile: 1");
	row.role = role.name;
	TRY(txn_put(t, role_key(rq->mem, role.name, row.name), S("")));
	return put(rq, t, &row);
}

struct status iam_remove_role_from_instance_profile(struct req *rq,
						    const struct iam_remove_role_from_instance_profile_in *in,
						    struct iam_remove_role_from_instance_profile_out *out)
{
	struct txn *t;
	struct iam_profile_row row;
	(void)out;
	TRY(iam_write(rq, &t));
	TRY(get(rq, t, in->instance_profile_name, &row));
	if (!row.role.n || !str_eq_ci(row.role, in->role_name))
		return FAIL(rq, iam_NoSuchEntityException, "The role with name %.*s cannot be found.",
			    PR(in->role_name));
	TRY(txn_del(t, role_key(rq->mem, row.role, row.name)));
	row.role = (struct str){ 0 };
	return put(rq, t, &row);
}

/* ---- tags ---------------------------------------------------------------------------------------- */

struct status iam_tag_instance_profile(struct req *rq, const struct iam_tag_instance_profile_in *in,
				       struct iam_tag_instance_profile_out *out)
{
	struct txn *t;
	struct iam_profile_row row;
	(void)out;
	TRY(iam_write(rq, &t));
	TRY(get(rq, t, in->instance_profile_name, &row));
	TRY(iam_tags_add(rq, row.tags, in->tags, &row.tags));
	return put(rq, t, &row);
}

struct status iam_untag_instance_profile(struct req *rq, const struct iam_untag_instance_profile_in *in,
					 struct iam_untag_instance_profile_out *out)
{
	struct txn *t;
	struct iam_profile_row row;
	(void)out;
	TRY(iam_write(rq, &t));
	TRY(get(rq, t, in->instance_profile_name, &row));
	row.tags = iam_tags_remove(rq, row.tags, in->tag_keys);
	return put(rq, t, &row);
}

struct status iam_list_instance_profile_tags(struct req *rq, const struct iam_list_instance_profile_tags_in *in,
					     struct iam_list_instance_profile_tags_out *out)
{
	struct txn *t;
	struct iam_profile_row row;
	struct iam_tag_page page;
	TRY(iam_read(rq, &t));
	TRY(get(rq, t, in->instance_profile_name, &row));
	TRY(iam_tag_page_of(rq, row.tags, in->marker, in->max_items, &page));
	out->tags = page.tags;
	out->is_truncated = (struct opt_bool)SET(page.marker.p != NULL);
	out->marker = page.marker;
	return OK;
}

/* ---- what must be allowed ---------------------------------------------------------------------------- */

/* One that is to be made has the path of the input; any other the one it was made with. */
static struct status authorize_profile(struct req *rq, const void *in, struct authz *az)
{
	struct txn *t;
	struct str name = iam_input(rq, in, "InstanceProfileName");
	bool making = !strcmp(rq->op->name, "CreateInstanceProfile");
	struct iam_profile_row row = { .name = name, .path = iam_path(iam_input(rq, in, "Path")) };
	if (!making) {
		struct iam_profile_row have;
		TRY(iam_read(rq, &t));
		struct status st = iam_row_get(rq->mem, t, profile_key(rq->mem, name), &iam_profile_row_shape, &have);
		if (failed(st) && st.code != E_NOT_FOUND)
			return st;
		if (!failed(st))
			row = have;
	}
	struct str arn = profile_arn(rq, row.path, row.name);
	if (making)
		iam_authorize_on(az, in, arn, row.tags, "iam:TagInstanceProfile");
	else
		iam_authorize_named(az, in, arn, iam_told(rq, "instance profile", name), row.tags);
	return OK;
}

struct status iam_authorize_instance_profile(struct req *rq, const void *in, struct authz *az)
{
	return authorize_profile(rq, in, az);
}

/*
 * Whoever puts a role into a profile hands it to EC2. "AddRoleToInstanceProfile" says what iam:AssociatedResourceArn is
 * there: any instance of the account. A role that is not there cannot be passed: then only the action itself counts,
 * and the handler finds none, or not the one whose id is kept here.
 */
struct status iam_authorize_add_role_to_instance_profile(struct req *rq, const void *in, struct authz *az)
{
	struct txn *t;
	struct iam_entity_row role;
	TRY(authorize_profile(rq, in, az));
	if (rq->write) /* asked again: the handler knows the role that was passed by its id */
		return OK;
	TRY(iam_read(rq, &t));
	struct status st = iam_entity_find(rq->mem, t, IAM_ROLE, iam_input(rq, in, "RoleName"), &role);
	if (failed(st))
		return st.code == E_NOT_FOUND ? OK : st;
	struct str *id = NEW(rq->mem, struct str);
	*id = str_dup(rq->mem, role.id);
	rq->found = id;
	struct str instances =
	    arena_printf(rq->mem, "arn:%.*s:ec2:*:%.*s:instance/*", PR(rq->app->partition), PR(rq->account));
	return authz_pass_role(az, iam_entity_arn(rq->mem, rq->app->partition, rq->account, IAM_ROLE, &role),
			       "ec2.amazonaws.com", instances);
}

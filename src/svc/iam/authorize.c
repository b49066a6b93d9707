/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What must be allowed before IAM does something ("Actions, resources, and condition keys
 * for AWS Identity and Access Management").
 *
 * The resource's ARN holds its path, so it is taken from what is stored: a caller cannot
 * choose the path, nor the case of a name, that a policy then fails to match. Only what
 * is to be made has the ARN the input says. Tags given on creation need the tagging
 * action as well.
 */
#include "svc/iam/authorize.h"

#include "base/str.h"

/* ---- input members, whatever the operation ---------------------------------------------------- */

static const void *input(struct req *rq, const void *in, const char *name)
{
	const struct shape *shape = rq->op->in;
	for (uint32_t i = 0; i < shape->n_members; i++)
		if (!strcmp(shape->members[i].name, name))
			return (const char *)in + shape->members[i].offset;
	return NULL;
}

static struct str input_str(struct req *rq, const void *in, const char *name)
{
	const struct str *s = input(rq, in, name);
	return s ? *s : (struct str){ 0 };
}

static struct iam_tag_list input_tags(struct req *rq, const void *in)
{
	const struct iam_tag_list *tags = input(rq, in, "Tags");
	return tags ? *tags : (struct iam_tag_list){ 0 };
}

/*
 * Whoever is refused is told what he asked for, not what is there: the ARN of what has the name holds a path, the name
 * in its own case, and by these that there is such a thing.
 */
struct str iam_told(struct req *rq, const char *kind, struct str name)
{
	return arena_printf(rq->mem, "%s %.*s", kind, PR(name));
}

/* ---- items -------------------------------------------------------------------------------------- */

struct target {
	struct str arn;
	struct str told;          /* p == NULL: the ARN holds nothing that whoever asks did not say himself */
	struct str boundary;      /* the one it has now */
	struct iam_tag_list tags; /* those it has now */
};

static bool has_condition(const struct op *op, const char *key, bool without_member)
{
	for (const struct condition *c = op->conditions; c->key; c++)
		if (!strcmp(c->key, key) && !(without_member && c->path))
			return true;
	return false;
}

/* Users and roles have their tags under both names; the rest under aws:ResourceTag alone. */
static void resource_tags(struct authz *az, struct authz_item *item, struct iam_tag_list tags)
{
	item->resource_tags = iam_tags_map(az->rq->mem, tags);
	if (has_condition(az->rq->op, "iam:ResourceTag/${TagKey}", false))
		authz_tag_keys(az, item, "iam:ResourceTag/", item->resource_tags);
}

/* An operation that names the key without a member of its own means the boundary its target has. */
static bool wants_current_boundary(const struct op *op) { return has_condition(op, "iam:PermissionsBoundary", true); }

static void add(struct authz *az, const char *action, const struct target *target, struct iam_tag_list given)
{
	struct authz_item *item = authz_add(az, action, target->arn);
	item->told = target->told;
	if (wants_current_boundary(az->rq->op) && target->boundary.n)
		authz_key(az, item, "iam:PermissionsBoundary", target->boundary);
	resource_tags(az, item, target->tags);
	authz_request_tags(az, item, iam_tags_map(az->rq->mem, given));
	authz_tag_spellings(az, item, item->resource_tags);
}

static void add_all(struct authz *az, const void *in, const struct target *target, const char *tagging)
{
	struct req *rq = az->rq;
	struct iam_tag_list given = input_tags(rq, in);
	add(az, NULL, target, given);
	if (given.n && rq->op->access != ACCESS_TAGGING)
		add(az, tagging, target, given);
}

/*
 * An operation that takes a path makes something there, whatever has the name now: that may be gone when the
 * operation runs, and then only the path given says where it is made.
 */
static struct status entity_target(struct req *rq, const void *in, enum iam_kind kind, struct str name,
				   struct target *out)
{
	struct txn *t;
	struct iam_entity_row row;
	struct status st = ERR(E_NOT_FOUND);
	if (!input(rq, in, "Path")) {
		TRY(iam_read(rq, &t));
		st = iam_entity_find(rq->mem, t, kind, name, &row);
	}
	if (st.code == E_NOT_FOUND) {
		row = (struct iam_entity_row){ .name = name, .path = iam_path(input_str(rq, in, "Path")) };
		st = OK;
	}
	TRY(st);
	*out = (struct target){
		.arn = iam_entity_arn(rq->mem, rq->app->partition, rq->account, kind, &row),
		.told = input(rq, in, "Path") ? (struct str){ 0 } : iam_told(rq, iam_kind_word(kind), name),
		.boundary = row.boundary,
		.tags = row.tags,
	};
	return OK;
}

/* Without a name: the caller, whoever that is. */
static struct status self_target(struct req *rq, struct target *out)
{
	*out = (struct target){ .arn = rq->caller.arn };
	return OK;
}

/* What is renamed or moved must be allowed under the new ARN as well: "UpdateUser" and "UpdateGroup" need both. */
static struct status add_renamed(struct authz *az, const void *in, enum iam_kind kind, const struct target *target,
				 struct str name)
{
	struct req *rq = az->rq;
	const char *member = kind == IAM_USER ? "NewUserName" : "NewGroupName";
	struct str new_name = input_str(rq, in, member), new_path = input_str(rq, in, "NewPath");
	struct txn *t;
	struct iam_entity_row row;
	if (!new_name.p && !new_path.p)
		return OK;
	TRY(iam_read(rq, &t));
	struct status st = iam_entity_find(rq->mem, t, kind, name, &row);
	if (failed(st))
		return st.code == E_NOT_FOUND ? OK : st;
	row.name = new_name.p ? new_name : row.name;
	row.path = new_path.p ? new_path : row.path;
	struct target renamed =
	    *target; /* looked at only when he may change what is there: its path is no secret then */
	renamed.told = (struct str){ 0 };
	renamed.arn = iam_entity_arn(rq->mem, rq->app->partition, rq->account, kind, &row);
	add(az, NULL, &renamed, (struct iam_tag_list){ 0 });
	return OK;
}

struct status iam_authorize_user(struct req *rq, const void *in, struct authz *az)
{
	struct target target;
	struct str name = input_str(rq, in, "UserName");
	if (!name.p && rq->caller.kind == CALLER_USER)
		name = rq->caller.name;
	TRY(name.p ? entity_target(rq, in, IAM_USER, name, &target) : self_target(rq, &target));
	add_all(az, in, &target, "iam:TagUser");
	return add_renamed(az, in, IAM_USER, &target, name);
}

struct status iam_authorize_group(struct req *rq, const void *in, struct authz *az)
{
	struct target target;
	struct str name = input_str(rq, in, "GroupName");
	TRY(entity_target(rq, in, IAM_GROUP, name, &target));
	add(az, NULL, &target, (struct iam_tag_list){ 0 });
	return add_renamed(az, in, IAM_GROUP, &target, name);
}

struct status iam_authorize_role(struct req *rq, const void *in, struct authz *az)
{
	struct target target;
	TRY(entity_target(rq, in, IAM_ROLE, input_str(rq, in, "RoleName"), &target));
	add_all(az, in, &target, "iam:TagRole");
	return OK;
}

static struct status policy_target(struct req *rq, const void *in, struct target *out)
{
	struct txn *t;
	struct iam_managed m;
	struct str arn = input_str(rq, in, "PolicyArn");
	if (!arn.p) {
		struct iam_policy_row row = { .name = input_str(rq, in, "PolicyName"),
					      .path = iam_path(input_str(rq, in, "Path")) };
		*out = (struct target){ .arn = iam_managed_arn(rq->mem, rq->app->partition, rq->account, &row) };
		return OK;
	}
	*out = (struct target){ .arn = arn };
	TRY(iam_read(rq, &t));
	struct status st = iam_managed_find(rq->mem, t, rq->app->partition, rq->account, arn, &m);
	if (!failed(st))
		out->tags = m.row.tags;
	return st.code == E_NOT_FOUND ? OK : st;
}

struct status iam_authorize_policy(struct req *rq, const void *in, struct authz *az)
{
	struct target target;
	TRY(policy_target(rq, in, &target));
	add_all(az, in, &target, "iam:TagPolicy");
	return OK;
}

/* The user whose key it is; any user when there is no such key, so that keys cannot be probed. */
struct status iam_authorize_access_key(struct req *rq, const void *in, struct authz *az)
{
	struct txn *t;
	struct iam_key_row row;
	struct target target = { .arn = S("*") };
	struct str id = input_str(rq, in, "AccessKeyId");
	TRY(iam_read(rq, &t));
	struct status st = iam_row_get(rq->mem, t, key_of(rq->mem, 'k', id, (struct str){ 0 }, (struct str){ 0 }),
				       &iam_key_row_shape, &row);
	if (!failed(st))
		TRY(entity_target(rq, in, IAM_USER, row.user_name, &target));
	else if (st.code != E_NOT_FOUND)
		return st;
	target.told = iam_told(rq, "access key", id);
	add(az, NULL, &target, (struct iam_tag_list){ 0 });
	return OK;
}

/* ---- for nouns with files of their own ---------------------------------------------------------- */

struct str iam_input(struct req *rq, const void *in, const char *name) { return input_str(rq, in, name); }

void iam_authorize_on(struct authz *az, const void *in, struct str arn, struct iam_tag_list tags, const char *tagging)
{
	add_all(az, in, &(struct target){ .arn = arn, .tags = tags }, tagging);
}

void iam_authorize_named(struct authz *az, const void *in, struct str arn, struct str told, struct iam_tag_list tags)
{
	add_all(az, in, &(struct target){ .arn = arn, .told = told, .tags = tags }, NULL);
}

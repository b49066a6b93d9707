/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who is in which group. Each membership is two rows, one to be read from either side, so
 * that neither a group of thousands nor hundreds of groups are walked to answer for one:
 *
 *     'G' group, user     the users of a group, page by page
 *     'U' user, group     the groups of a user (at most ten), read with his policies
 *
 * The two are put and taken away together, in the write that also read both rows, so a
 * member always exists and so does his group.
 */
#include "base/str.h"
#include "svc/iam/group.h"

static char side(enum iam_kind kind) { return kind == IAM_GROUP ? 'G' : 'U'; }

/* other.p == NULL: the prefix of all. */
static struct str member_key(struct arena *mem, enum iam_kind kind, struct str name, struct str other)
{
	return key_of(mem, side(kind), iam_lower(mem, name), other.p ? iam_lower(mem, other) : other,
		      (struct str){ 0 });
}

static struct str other_of(struct arena *mem, struct str key)
{
	struct rd r = rd_of(key);
	(void)key_take_tag(&r);
	(void)key_take_str(&r, mem);
	return key_take_str(&r, mem);
}

static struct status others(struct req *rq, struct txn *t, enum iam_kind kind, struct str name, struct str_list *out)
{
	struct str_list keys;
	TRY(iam_keys(rq, t, member_key(rq->mem, kind, name, (struct str){ 0 }), &keys));
	struct str *v = NEWS(rq->mem, struct str, keys.n + 1);
	for (size_t i = 0; i < keys.n; i++)
		v[i] = other_of(rq->mem, keys.v[i]);
	*out = (struct str_list){ v, keys.n };
	return OK;
}

struct status iam_groups_of(struct req *rq, struct txn *t, struct str user, struct str_list *out)
{
	return others(rq, t, IAM_USER, user, out);
}

struct status iam_users_of(struct req *rq, struct txn *t, struct str group, struct str_list *out)
{
	return others(rq, t, IAM_GROUP, group, out);
}

struct status iam_member_any(struct req *rq, struct txn *t, enum iam_kind kind, struct str name, bool *any)
{
	struct cursor c;
	struct str prefix = member_key(rq->mem, kind, name, (struct str){ 0 });
	TRY(txn_range(t, &(struct range){ .prefix = prefix, .keys_only = true }, &c));
	*any = cursor_next(&c);
	return cursor_end(&c);
}

/* `kind` says which of the two names is `name`. */
static struct status join(struct req *rq, struct txn *t, enum iam_kind kind, struct str name, struct str other)
{
	TRY(txn_put(t, member_key(rq->mem, kind, name, other), S("")));
	return txn_put(t, member_key(rq->mem, kind == IAM_USER ? IAM_GROUP : IAM_USER, other, name), S(""));
}

static struct status leave(struct req *rq, struct txn *t, enum iam_kind kind, struct str name, struct str other)
{
	TRY(txn_del(t, member_key(rq->mem, kind, name, other)));
	return txn_del(t, member_key(rq->mem, kind == IAM_USER ? IAM_GROUP : IAM_USER, other, name));
}

struct status iam_member_move(struct req *rq, struct txn *t, enum iam_kind kind, struct str from, struct str to)
{
	struct str_list list;
	TRY(others(rq, t, kind, from, &list));
	for (size_t i = 0; i < list.n; i++) {
		TRY(leave(rq, t, kind, from, list.v[i]));
		TRY(join(rq, t, kind, to, list.v[i]));
	}
	return OK;
}

/* ---- joining and leaving --------------------------------------------------------------------- */

/* Who is in the group already stays in it. */
struct status iam_add_user_to_group(struct req *rq, const struct iam_add_user_to_group_in *in,
				    struct iam_add_user_to_group_out *out)
{
	struct txn *t;
	struct iam_entity_row group, user;
	struct str_list groups;
	bool member;
	(void)out;
	TRY(iam_write(rq, &t));
	TRY(iam_entity_get(rq, t, IAM_GROUP, in->group_name, &group));
	TRY(iam_entity_get(rq, t, IAM_USER, in->user_name, &user));
	TRY(txn_has(t, member_key(rq->mem, IAM_USER, user.name, group.name), &member));
	if (member)
		return OK;
	TRY(iam_groups_of(rq, t, user.name, &groups));
	if (groups.n >= IAM_GROUPS_PER_USER_MAX)
		return FAIL(rq, iam_LimitExceededException, "Cannot exceed quota for GroupsPerUser: %d",
			    IAM_GROUPS_PER_USER_MAX);
	return join(rq, t, IAM_USER, user.name, group.name);
}

/* Who is not in the group need not leave it: that works as well, as on AWS. */
struct status iam_remove_user_from_group(struct req *rq, const struct iam_remove_user_from_group_in *in,
					 struct iam_remove_user_from_group_out *out)
{
	struct txn *t;
	struct iam_entity_row group, user;
	(void)out;
	TRY(iam_write(rq, &t));
	TRY(iam_entity_get(rq, t, IAM_GROUP, in->group_name, &group));
	TRY(iam_entity_get(rq, t, IAM_USER, in->user_name, &user));
	return leave(rq, t, IAM_USER, user.name, group.name);
}

/* ---- listing ----------------------------------------------------------------------------------- */

struct users {
	struct iam_user *v;
	size_t n;
	struct str marker;
};

/* Positions are names in lower case, which is how the rows are sorted. */
static struct status users_page(struct req *rq, struct txn *t, struct str group, const struct iam_page *page,
				struct users *out)
{
	struct cursor c;
	struct range range = { .prefix = member_key(rq->mem, IAM_GROUP, group, (struct str){ 0 }), .keys_only = true };
	if (page->from.p)
		range.from = member_key(rq->mem, IAM_GROUP, group, page->from);
	*out = (struct users){ .v = NEWS(rq->mem, struct iam_user, page->max) };
	TRY(txn_range(t, &range, &c));
	while (cursor_next(&c)) {
		struct iam_entity_row row;
		struct str name = str_dup(rq->mem, other_of(rq->mem, c.key));
		if (out->n == page->max) {
			out->marker = iam_page_marker(rq, name);
			break;
		}
		TRY(iam_entity_get(rq, t, IAM_USER, name, &row));
		out->v[out->n++] = iam_user_out(rq, &row);
	}
	return cursor_end(&c);
}

struct status iam_get_group(struct req *rq, const struct iam_get_group_in *in, struct iam_get_group_out *out)
{
	struct txn *t;
	struct iam_page page;
	struct iam_entity_row row;
	struct users users;
	TRY(iam_page_of(rq, in->marker, in->max_items, &page));
	TRY(iam_read(rq, &t));
	TRY(iam_entity_get(rq, t, IAM_GROUP, in->group_name, &row));
	TRY(users_page(rq, t, row.name, &page, &users));
	out->group = iam_group_new(rq, &row);
	out->users = (struct iam_user_list){ users.v, users.n };
	out->is_truncated = (struct opt_bool)SET(users.marker.p != NULL);
	out->marker = users.marker;
	return OK;
}

struct status iam_list_groups_for_user(struct req *rq, const struct iam_list_groups_for_user_in *in,
				       struct iam_list_groups_for_user_out *out)
{
	struct txn *t;
	struct iam_page page;
	struct iam_entity_row row;
	struct str_list names;
	size_t at, end;
	TRY(iam_page_of(rq, in->marker, in->max_items, &page));
	TRY(iam_read(rq, &t));
	TRY(iam_entity_get(rq, t, IAM_USER, in->user_name, &row));
	TRY(iam_groups_of(rq, t, row.name, &names));
	out->marker = iam_page_cut(rq, &page, names.v, names.n, &at, &end);
	struct iam_group *v = NEWS(rq->mem, struct iam_group, end - at + 1);
	for (size_t i = at; i < end; i++) {
		TRY(iam_entity_get(rq, t, IAM_GROUP, names.v[i], &row));
		v[i - at] = iam_group_out(rq, &row);
	}
	out->groups = (struct iam_group_list){ v, end - at };
	out->is_truncated = (struct opt_bool)SET(out->marker.p != NULL);
	return OK;
}

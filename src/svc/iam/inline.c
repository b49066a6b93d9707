/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inline policies: documents that belong to one user, group or role and die with it. Their
 * sizes count together, without white space: 2,048 characters for a user, 5,120 for a
 * group, 10,240 for a role ("IAM and AWS STS quotas").
 */
#include "base/str.h"
#include "svc/iam/service_linked.h"

static size_t size_max(enum iam_kind kind)
{
	return kind == IAM_USER ? IAM_USER_INLINE_MAX : kind == IAM_GROUP ? IAM_GROUP_INLINE_MAX : IAM_ROLE_INLINE_MAX;
}

/* Of all others than the one that is put. */
static struct status size_of_others(struct req *rq, struct txn *t, enum iam_kind kind, struct str entity,
				    struct str key, size_t *out)
{
	struct str_list keys;
	size_t size = 0;
	TRY(iam_keys(rq, t, iam_inline_key(rq->mem, kind, entity, (struct str){ 0 }), &keys));
	for (size_t i = 0; i < keys.n; i++) {
		struct iam_inline_row row;
		if (str_eq(keys.v[i], key))
			continue;
		TRY(iam_row_get(rq->mem, t, keys.v[i], &iam_inline_row_shape, &row));
		size += iam_policy_size(row.document);
	}
	*out = size;
	return OK;
}

static struct status put(struct req *rq, enum iam_kind kind, struct str name, struct str policy, struct str document)
{
	struct txn *t;
	struct iam_entity_row entity;
	struct iam_inline_row row = { .name = policy, .document = document };
	size_t others, size = iam_policy_size(document);
	TRY(iam_document_check(rq, document, POLICY_IDENTITY));
	TRY(iam_write(rq, &t));
	TRY(iam_entity_get(rq, t, kind, name, &entity));
	TRY(iam_modifiable(rq, &entity));
	struct str key = iam_inline_key(rq->mem, kind, entity.name, policy);
	TRY(size_of_others(rq, t, kind, entity.name, key, &others));
	if (others + size > size_max(kind))
		return FAIL(rq, iam_LimitExceededException, "Maximum policy size of %zu bytes exceeded for %s %.*s",
			    size_max(kind), iam_kind_word(kind), PR(entity.name));
	return iam_row_put(rq, t, key, &iam_inline_row_shape, &row);
}

static struct status get(struct req *rq, struct txn *t, enum iam_kind kind, struct str name, struct str policy,
			 struct iam_entity_row *entity, struct iam_inline_row *row)
{
	TRY(iam_entity_get(rq, t, kind, name, entity));
	struct status st =
	    iam_row_get(rq->mem, t, iam_inline_key(rq->mem, kind, name, policy), &iam_inline_row_shape, row);
	if (st.code != E_NOT_FOUND)
		return st;
	return FAIL(rq, iam_NoSuchEntityException, "The %s policy with name %.*s cannot be found.", iam_kind_word(kind),
		    PR(policy));
}

static struct status take_away(struct req *rq, enum iam_kind kind, struct str name, struct str policy)
{
	struct txn *t;
	struct iam_entity_row entity;
	struct iam_inline_row row;
	TRY(iam_write(rq, &t));
	TRY(get(rq, t, kind, name, policy, &entity, &row));
	TRY(iam_modifiable(rq, &entity));
	return txn_del(t, iam_inline_key(rq->mem, kind, name, policy));
}

struct listed {
	struct str_list names;
	struct str marker;
};

static struct status list(struct req *rq, enum iam_kind kind, struct str name, struct str marker, struct opt_int max,
			  struct listed *out)
{
	struct txn *t;
	struct iam_page page;
	struct iam_entity_row entity;
	struct str_list keys;
	size_t at, end;
	TRY(iam_page_of(rq, marker, max, &page));
	TRY(iam_read(rq, &t));
	TRY(iam_entity_get(rq, t, kind, name, &entity));
	TRY(iam_keys(rq, t, iam_inline_key(rq->mem, kind, name, (struct str){ 0 }), &keys));
	struct str *names = NEWS(rq->mem, struct str, keys.n + 1);
	for (size_t i = 0; i < keys.n; i++) {
		struct rd r = rd_of(keys.v[i]);
		(void)key_take_tag(&r);
		(void)key_take_str(&r, rq->mem);
		(void)key_take_str(&r, rq->mem);
		names[i] = key_take_str(&r, rq->mem);
	}
	out->marker = iam_page_cut(rq, &page, names, keys.n, &at, &end);
	out->names = (struct str_list){ names + at, end - at };
	return OK;
}

/* ---- of users ----------------------------------------------------------------------------- */

struct status iam_put_user_policy(struct req *rq, const struct iam_put_user_policy_in *in,
				  struct iam_put_user_policy_out *out)
{
	(void)out;
	return put(rq, IAM_USER, in->user_name, in->policy_name, in->policy_document);
}

struct status iam_get_user_policy(struct req *rq, const struct iam_get_user_policy_in *in,
				  struct iam_get_user_policy_out *out)
{
	struct txn *t;
	struct iam_entity_row entity;
	struct iam_inline_row row;
	TRY(iam_read(rq, &t));
	TRY(get(rq, t, IAM_USER, in->user_name, in->policy_name, &entity, &row));
	*out = (struct iam_get_user_policy_out){ entity.name, row.name, iam_document_out(rq, row.document) };
	return OK;
}

struct status iam_delete_user_policy(struct req *rq, const struct iam_delete_user_policy_in *in,
				     struct iam_delete_user_policy_out *out)
{
	(void)out;
	return take_away(rq, IAM_USER, in->user_name, in->policy_name);
}

struct status iam_list_user_policies(struct req *rq, const struct iam_list_user_policies_in *in,
				     struct iam_list_user_policies_out *out)
{
	struct listed l;
	TRY(list(rq, IAM_USER, in->user_name, in->marker, in->max_items, &l));
	out->policy_names = l.names;
	out->is_truncated = (struct opt_bool)SET(l.marker.p != NULL);
	out->marker = l.marker;
	return OK;
}

/* ---- of groups ---------------------------------------------------------------------------- */

struct status iam_put_group_policy(struct req *rq, const struct iam_put_group_policy_in *in,
				   struct iam_put_group_policy_out *out)
{
	(void)out;
	return put(rq, IAM_GROUP, in->group_name, in->policy_name, in->policy_document);
}

struct status iam_get_group_policy(struct req *rq, const struct iam_get_group_policy_in *in,
				   struct iam_get_group_policy_out *out)
{
	struct txn *t;
	struct iam_entity_row entity;
	struct iam_inline_row row;
	TRY(iam_read(rq, &t));
	TRY(get(rq, t, IAM_GROUP, in->group_name, in->policy_name, &entity, &row));
	*out = (struct iam_get_group_policy_out){ entity.name, row.name, iam_document_out(rq, row.document) };
	return OK;
}

struct status iam_delete_group_policy(struct req *rq, const struct iam_delete_group_policy_in *in,
				      struct iam_delete_group_policy_out *out)
{
	(void)out;
	return take_away(rq, IAM_GROUP, in->group_name, in->policy_name);
}

struct status iam_list_group_policies(struct req *rq, const struct iam_list_group_policies_in *in,
				      struct iam_list_group_policies_out *out)
{
	struct listed l;
	TRY(list(rq, IAM_GROUP, in->group_name, in->marker, in->max_items, &l));
	out->policy_names = l.names;
	out->is_truncated = (struct opt_bool)SET(l.marker.p != NULL);
	out->marker = l.marker;
	return OK;
}

/* ---- of roles ------------------------------------------------------------------------------- */

struct status iam_put_role_policy(struct req *rq, const struct iam_put_role_policy_in *in,
				  struct iam_put_role_policy_out *out)
{
	(void)out;
	return put(rq, IAM_ROLE, in->role_name, in->policy_name, in->policy_document);
}

struct status iam_get_role_policy(struct req *rq, const struct iam_get_role_policy_in *in,
				  struct iam_get_role_policy_out *out)
{
	struct txn *t;
	struct iam_entity_row entity;
	struct iam_inline_row row;
	TRY(iam_read(rq, &t));
	TRY(get(rq, t, IAM_ROLE, in->role_name, in->policy_name, &entity, &row));
	*out = (struct iam_get_role_policy_out){ entity.name, row.name, iam_document_out(rq, row.document) };
	return OK;
}

struct status iam_delete_role_policy(struct req *rq, const struct iam_delete_role_policy_in *in,
				     struct iam_delete_role_policy_out *out)
{
	(void)out;
	return take_away(rq, IAM_ROLE, in->role_name, in->policy_name);
}

struct status iam_list_role_policies(struct req *rq, const struct iam_list_role_policies_in *in,
				     struct iam_list_role_policies_out *out)
{
	struct listed l;
	TRY(list(rq, IAM_ROLE, in->role_name, in->marker, in->max_items, &l));
	out->policy_names = l.names;
	out->is_truncated = (struct opt_bool)SET(l.marker.p != NULL);
	out->marker = l.marker;
	return OK;
}

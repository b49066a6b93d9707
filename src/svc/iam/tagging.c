/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TagX, UntagX and ListXTags of users, roles and managed policies.
 */
#include "svc/iam/iam.h"

static struct status entity_tag(struct req *rq, enum iam_kind kind, struct str name, struct iam_tag_list given)
{
	struct txn *t;
	struct iam_entity_row row;
	TRY(iam_write(rq, &t));
	TRY(iam_entity_get(rq, t, kind, name, &row));
	TRY(iam_tags_add(rq, row.tags, given, &row.tags));
	return iam_entity_put(rq, t, kind, &row);
}

static struct status entity_untag(struct req *rq, enum iam_kind kind, struct str name, struct str_list keys)
{
	struct txn *t;
	struct iam_entity_row row;
	TRY(iam_write(rq, &t));
	TRY(iam_entity_get(rq, t, kind, name, &row));
	row.tags = iam_tags_remove(rq, row.tags, keys);
	return iam_entity_put(rq, t, kind, &row);
}

struct status iam_tag_page_of(struct req *rq, struct iam_tag_list tags, struct str marker, struct opt_int max,
			      struct iam_tag_page *out)
{
	struct iam_page page;
	size_t at, end;
	TRY(iam_page_of(rq, marker, max, &page));
	struct str *keys = NEWS(rq->mem, struct str, tags.n + 1);
	struct iam_tag *v = NEWS(rq->mem, struct iam_tag, tags.n + 1);
	for (size_t i = 0; i < tags.n; i++) {
		keys[i] = tags.v[i].key;
		v[i] = tags.v[i];
	}
	out->marker = iam_page_cut(rq, &page, keys, tags.n, &at, &end);
	out->tags = (struct iam_tag_list){ v + at, end - at };
	return OK;
}

/* A marker longer than markerType allows cannot come back; a key of 128 characters in base64 always fits. */
static struct status entity_tags(struct req *rq, enum iam_kind kind, struct str name, struct str marker,
				 struct opt_int max, struct iam_tag_page *out)
{
	struct txn *t;
	struct iam_entity_row row;
	TRY(iam_read(rq, &t));
	TRY(iam_entity_get(rq, t, kind, name, &row));
	return iam_tag_page_of(rq, row.tags, marker, max, out);
}

/* ---- users ------------------------------------------------------------------------------------ */

struct status iam_tag_user(struct req *rq, const struct iam_tag_user_in *in, struct iam_tag_user_out *out)
{
	(void)out;
	return entity_tag(rq, IAM_USER, in->user_name, in->tags);
}

struct status iam_untag_user(struct req *rq, const struct iam_untag_user_in *in, struct iam_untag_user_out *out)
{
	(void)out;
	return entity_untag(rq, IAM_USER, in->user_name, in->tag_keys);
}

struct status iam_list_user_tags(struct req *rq, const struct iam_list_user_tags_in *in,
				 struct iam_list_user_tags_out *out)
{
	struct iam_tag_page l;
	TRY(entity_tags(rq, IAM_USER, in->user_name, in->marker, in->max_items, &l));
	out->tags = l.tags;
	out->is_truncated = (struct opt_bool)SET(l.marker.p != NULL);
	out->marker = l.marker;
	return OK;
}

/* ---- roles -------------------------------------------------------------------------------------- */

struct status iam_tag_role(struct req *rq, const struct iam_tag_role_in *in, struct iam_tag_role_out *out)
{
	(void)out;
	return entity_tag(rq, IAM_ROLE, in->role_name, in->tags);
}

struct status iam_untag_role(struct req *rq, const struct iam_untag_role_in *in, struct iam_untag_role_out *out)
{
	(void)out;
	return entity_untag(rq, IAM_ROLE, in->role_name, in->tag_keys);
}

struct status iam_list_role_tags(struct req *rq, const struct iam_list_role_tags_in *in,
				 struct iam_list_role_tags_out *out)
{
	struct iam_tag_page l;
	TRY(entity_tags(rq, IAM_ROLE, in->role_name, in->marker, in->max_items, &l));
	out->tags = l.tags;
	out->is_truncated = (struct opt_bool)SET(l.marker.p != NULL);
	out->marker = l.marker;
	return OK;
}

/* ---- managed policies ------------------------------------------------------------------------------ */

static struct status policy_put(struct req *rq, struct txn *t, const struct iam_policy_row *row)
{
	return iam_row_put(rq, t, iam_policy_key(rq->mem, row->name), &iam_policy_row_shape, row);
}

struct status iam_tag_policy(struct req *rq, const struct iam_tag_policy_in *in, struct iam_tag_policy_out *out)
{
	struct txn *t;
	struct iam_managed m;
	(void)out;
	TRY(iam_write(rq, &t));
	TRY(iam_managed_get(rq, t, in->policy_arn, IAM_TO_CHANGE, &m));
	TRY(iam_tags_add(rq, m.row.tags, in->tags, &m.row.tags));
	return policy_put(rq, t, &m.row);
}

struct status iam_untag_policy(struct req *rq, const struct iam_untag_policy_in *in, struct iam_untag_policy_out *out)
{
	struct txn *t;
	struct iam_managed m;
	(void)out;
	TRY(iam_write(rq, &t));
	TRY(iam_managed_get(rq, t, in->policy_arn, IAM_TO_CHANGE, &m));
	m.row.tags = iam_tags_remove(rq, m.row.tags, in->tag_keys);
	return policy_put(rq, t, &m.row);
}

struct status iam_list_policy_tags(struct req *rq, const struct iam_list_policy_tags_in *in,
				   struct iam_list_policy_tags_out *out)
{
	struct txn *t;
	struct iam_managed m;
	struct iam_tag_page l;
	TRY(iam_read(rq, &t));
	TRY(iam_managed_get(rq, t, in->policy_arn, IAM_TO_READ, &m));
	TRY(iam_tag_page_of(rq, m.row.tags, in->marker, in->max_items, &l));
	out->tags = l.tags;
	out->is_truncated = (struct opt_bool)SET(l.marker.p != NULL);
	out->marker = l.marker;
	return OK;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ListEntitiesForPolicy: where a managed policy is attached or bounds, from the index
 * that attaching and detaching keep. Groups come first, then roles, then users, each by
 * name.
 */
#include "base/str.h"
#include "svc/iam/iam.h"

/* The entities of one index, as positions: their kind and name in lower case; sorted as the keys are. */
static struct status positions(struct req *rq, struct txn *t, enum iam_use use, struct str arn, struct str_list *out)
{
	struct str_list keys;
	TRY(iam_keys(rq, t, iam_use_prefix(rq->mem, use, arn), &keys));
	struct str *v = NEWS(rq->mem, struct str, keys.n + 1);
	for (size_t i = 0; i < keys.n; i++) {
		struct rd r = rd_of(keys.v[i]);
		(void)key_take_tag(&r);
		(void)key_take_str(&r, rq->mem);
		struct str kind = key_take_str(&r, rq->mem), name = key_take_str(&r, rq->mem);
		v[i] = arena_printf(rq->mem, "%.*s%.*s", PR(kind), PR(name));
	}
	*out = (struct str_list){ v, keys.n };
	return OK;
}

/* Two sorted lists as one without doubles. */
static struct str_list merge(struct arena *mem, struct str_list a, struct str_list b)
{
	struct str *v = NEWS(mem, struct str, a.n + b.n + 1);
	size_t n = 0, i = 0, k = 0;
	while (i < a.n || k < b.n) {
		int order = i == a.n ? 1 : k == b.n ? -1 : str_cmp(a.v[i], b.v[k]);
		v[n++] = order <= 0 ? a.v[i] : b.v[k];
		i += order <= 0;
		k += order >= 0;
	}
	return (struct str_list){ v, n };
}

static bool kind_fits(enum iam_entity_type filter, char kind)
{
	switch (filter) {
	case IAM_ENTITY_TYPE_USER:
		return kind == IAM_USER;
	case IAM_ENTITY_TYPE_ROLE:
		return kind == IAM_ROLE;
	case IAM_ENTITY_TYPE_GROUP:
		return kind == IAM_GROUP;
	case IAM_ENTITY_TYPE_LOCAL_MANAGED_POLICY:
	case IAM_ENTITY_TYPE_AWS_MANAGED_POLICY:
		return false;
	}
	return true;
}

static struct status candidates(struct req *rq, struct txn *t, const struct iam_list_entities_for_policy_in *in,
				struct str_list *out)
{
	struct str_list attached = { 0 }, bounding = { 0 };
	if (in->policy_usage_filter != IAM_POLICY_USAGE_TYPE_PERMISSIONS_BOUNDARY)
		TRY(positions(rq, t, IAM_ATTACHED, in->policy_arn, &attached));
	if (in->policy_usage_filter != IAM_POLICY_USAGE_TYPE_PERMISSIONS_POLICY)
		TRY(positions(rq, t, IAM_BOUNDARY, in->policy_arn, &bounding));
	*out = merge(rq->mem, attached, bounding);
	return OK;
}

struct filling {
	struct iam_policy_user *users;
	struct iam_policy_role *roles;
	struct iam_policy_group *groups;
	size_t n_users, n_roles, n_groups;
};

static void add(struct filling *f, char kind, const struct iam_entity_row *row)
{
	if (kind == IAM_USER)
		f->users[f->n_users++] = (struct iam_policy_user){ row->name, row->id };
	else if (kind == IAM_GROUP)
		f->groups[f->n_groups++] = (struct iam_policy_group){ row->name, row->id };
	else
		f->roles[f->n_roles++] = (struct iam_policy_role){ row->name, row->id };
}

static struct status fill(struct req *rq, struct txn *t, const struct iam_list_entities_for_policy_in *in,
			  const struct iam_page *page, struct str_list all, struct filling *f, struct str *marker)
{
	for (size_t i = 0; i < all.n; i++) {
		struct str at = all.v[i];
		struct iam_entity_row row;
		if (!kind_fits(in->entity_filter, at.p[0]) || (page->from.p && str_cmp(at, page->from) < 0))
			continue;
		TRY(iam_entity_find(rq->mem, t, (enum iam_kind)at.p[0], str_from(at, 1), &row));
		if (in->path_prefix.p && !str_starts(row.path, in->path_prefix))
			continue;
		if (f->n_users + f->n_roles + f->n_groups == page->max) {
			*marker = iam_page_marker(rq, at);
			return OK;
		}
		add(f, at.p[0], &row);
	}
	return OK;
}

struct status iam_list_entities_for_policy(struct req *rq, const struct iam_list_entities_for_policy_in *in,
					   struct iam_list_entities_for_policy_out *out)
{
	struct txn *t;
	struct iam_page page;
	struct iam_managed m;
	struct str_list all;
	TRY(iam_page_of(rq, in->marker, in->max_items, &page));
	TRY(iam_read(rq, &t));
	TRY(iam_managed_get(rq, t, in->policy_arn, IAM_TO_READ, &m));
	TRY(candidates(rq, t, in, &all));
	struct filling f = { NEWS(rq->mem, struct iam_policy_user, page.max + 1),
			     NEWS(rq->mem, struct iam_policy_role, page.max + 1),
			     NEWS(rq->mem, struct iam_policy_group, page.max + 1),
			     0,
			     0,
			     0 };
	TRY(fill(rq, t, in, &page, all, &f, &out->marker));
	out->policy_users = (struct iam_policy_user_list){ f.users, f.n_users };
	out->policy_roles = (struct iam_policy_role_list){ f.roles, f.n_roles };
	out->policy_groups = (struct iam_policy_group_list){ f.groups, f.n_groups };
	out->is_truncated = (struct opt_bool)SET(out->marker.p != NULL);
	return OK;
}

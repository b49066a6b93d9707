/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Managed policies attached to users, groups and roles, at most ten each. The entity's row names
 * them; an index by policy says where each is used, so that one in use is not deleted.
 */
#include "base/str.h"
#include "svc/iam/service_linked.h"

static bool attached(const struct iam_entity_row *row, struct str arn)
{
	for (size_t i = 0; i < row->attached.n; i++)
		if (str_eq(row->attached.v[i], arn))
			return true;
	return false;
}

/* Attaching what is attached already is fine. */
static struct status attach(struct req *rq, enum iam_kind kind, struct str name, struct str arn)
{
	struct txn *t;
	struct iam_entity_row row;
	struct iam_managed m;
	TRY(iam_write(rq, &t));
	TRY(iam_entity_get(rq, t, kind, name, &row));
	TRY(iam_modifiable(rq, &row));
	TRY(iam_managed_get(rq, t, arn, IAM_TO_ATTACH, &m));
	if (attached(&row, arn))
		return OK;
	if (row.attached.n >= IAM_ATTACHED_MAX)
		return FAIL(rq, iam_LimitExceededException, "Cannot exceed quota for PoliciesPer%s: %d",
			    iam_kind_name(kind), IAM_ATTACHED_MAX);
	struct str *v = NEWS(rq->mem, struct str, row.attached.n + 1);
	if (row.attached.n)
		memcpy(v, row.attached.v, row.attached.n * sizeof *v);
	v[row.attached.n] = arn;
	row.attached = (struct str_list){ v, row.attached.n + 1 };
	TRY(txn_put(t, iam_use_key(rq->mem, IAM_ATTACHED, arn, kind, row.name), S("")));
	return iam_entity_put(rq, t, kind, &row);
}

static struct status detach(struct req *rq, enum iam_kind kind, struct str name, struct str arn)
{
	struct txn *t;
	struct iam_entity_row row;
	TRY(iam_write(rq, &t));
	TRY(iam_entity_get(rq, t, kind, name, &row));
	TRY(iam_modifiable(rq, &row));
	if (!attached(&row, arn))
		return FAIL(rq, iam_NoSuchEntityException, "Policy %.*s was not found.", PR(arn));
	struct str *v = NEWS(rq->mem, struct str, row.attached.n);
	size_t n = 0;
	for (size_t i = 0; i < row.attached.n; i++)
		if (!str_eq(row.attached.v[i], arn))
			v[n++] = row.attached.v[i];
	row.attached = (struct str_list){ v, n };
	TRY(txn_del(t, iam_use_key(rq->mem, IAM_ATTACHED, arn, kind, row.name)));
	return iam_entity_put(rq, t, kind, &row);
}

struct status iam_attach_user_policy(struct req *rq, const struct iam_attach_user_policy_in *in,
				     struct iam_attach_user_policy_out *out)
{
	(void)out;
	return attach(rq, IAM_USER, in->user_name, in->policy_arn);
}

struct status iam_detach_user_policy(struct req *rq, const struct iam_detach_user_policy_in *in,
				     struct iam_detach_user_policy_out *out)
{
	(void)out;
	return detach(rq, IAM_USER, in->user_name, in->policy_arn);
}

struct status iam_attach_group_policy(struct req *rq, const struct iam_attach_group_policy_in *in,
				      struct iam_attach_group_policy_out *out)
{
	(void)out;
	return attach(rq, IAM_GROUP, in->group_name, in->policy_arn);
}

struct status iam_detach_group_policy(struct req *rq, const struct iam_detach_group_policy_in *in,
				      struct iam_detach_group_policy_out *out)
{
	(void)out;
	return detach(rq, IAM_GROUP, in->group_name, in->policy_arn);
}

struct status iam_attach_role_policy(struct req *rq, const struct iam_attach_role_policy_in *in,
				     struct iam_attach_role_policy_out *out)
{
	(void)out;
	return attach(rq, IAM_ROLE, in->role_name, in->policy_arn);
}

struct status iam_detach_role_policy(struct req *rq, const struct iam_detach_role_policy_in *in,
				     struct iam_detach_role_policy_out *out)
{
	(void)out;
	return detach(rq, IAM_ROLE, in->role_name, in->policy_arn);
}

/* ---- listing --------------------------------------------------------------------------------- */

struct asked {
	struct str name, path_prefix, marker;
	struct opt_int max_items;
};

struct listed {
	struct iam_attached_policy_list policies;
	struct str marker;
};

/* arn:...:policy/path/name, taken apart: the path from its first slash to its last. */
static void split(struct str arn, struct str *path, struct str *name)
{
	size_t from = str_find_char(arn, '/'), to = arn.n;
	while (to > from && arn.p[to - 1] != '/')
		to--;
	*path = str_sub(arn, from, to - from);
	*name = str_from(arn, to);
}

static struct status list(struct req *rq, enum iam_kind kind, const struct asked *ask, struct listed *out)
{
	struct txn *t;
	struct iam_page page;
	struct iam_entity_row row;
	size_t at, end, n = 0;
	TRY(iam_page_of(rq, ask->marker, ask->max_items, &page));
	TRY(iam_read(rq, &t));
	TRY(iam_entity_get(rq, t, kind, ask->name, &row));
	struct str_list arns = iam_sorted(rq->mem, row.attached);
	struct str *fit = NEWS(rq->mem, struct str, arns.n + 1), path, name;
	for (size_t i = 0; i < arns.n; i++) {
		split(arns.v[i], &path, &name);
		if (!ask->path_prefix.p || str_starts(path, ask->path_prefix))
			fit[n++] = arns.v[i];
	}
	/* a position is short: the name, which is unique among the account's own and among AWS's, and who owns it */
	struct str *at_name = NEWS(rq->mem, struct str, n + 1);
	for (size_t i = 0; i < n; i++) {
		split(fit[i], &path, &name);
		at_name[i] =
		    arena_printf(rq->mem, "%s%.*s", iam_builtin_find(fit[i]) ? "a" : "l", PR(iam_lower(rq->mem, name)));
	}
	struct iam_attached_policy *v = NEWS(rq->mem, struct iam_attached_policy, n + 1);
	for (size_t i = 1; i < n; i++) /* insertion by position: at most ten */
		for (size_t k = i; k > 0 && str_cmp(at_name[k], at_name[k - 1]) < 0; k--) {
			struct str p = at_name[k], f = fit[k];
			at_name[k] = at_name[k - 1], fit[k] = fit[k - 1];
			at_name[k - 1] = p, fit[k - 1] = f;
		}
	out->marker = iam_page_cut(rq, &page, at_name, n, &at, &end);
	for (size_t i = at; i < end; i++) {
		split(fit[i], &path, &name);
		v[i - at] = (struct iam_attached_policy){ name, fit[i] };
	}
	out->policies = (struct iam_attached_policy_list){ v, end - at };
	return OK;
}

struct status iam_list_attached_user_policies(struct req *rq, const struct iam_list_attached_user_policies_in *in,
					      struct iam_list_attached_user_policies_out *out)
{
	struct listed l;
	TRY(list(rq, IAM_USER, &(struct asked){ in->user_name, in->path_prefix, in->marker, in->max_items }, &l));
	out->attached_policies = l.policies;
	out->is_truncated = (struct opt_bool)SET(l.marker.p != NULL);
	out->marker = l.marker;
	return OK;
}

struct status iam_list_attached_group_policies(struct req *rq, const struct iam_list_attached_group_policies_in *in,
					       struct iam_list_attached_group_policies_out *out)
{
	struct listed l;
	TRY(list(rq, IAM_GROUP, &(struct asked){ in->group_name, in->path_prefix, in->marker, in->max_items }, &l));
	out->attached_policies = l.policies;
	out->is_truncated = (struct opt_bool)SET(l.marker.p != NULL);
	out->marker = l.marker;
	return OK;
}

struct status iam_list_attached_role_policies(struct req *rq, const struct iam_list_attached_role_policies_in *in,
					      struct iam_list_attached_role_policies_out *out)
{
	struct listed l;
	TRY(list(rq, IAM_ROLE, &(struct asked){ in->role_name, in->path_prefix, in->marker, in->max_items }, &l));
	out->attached_policies = l.policies;
	out->is_truncated = (struct opt_bool)SET(l.marker.p != NULL);
	out->marker = l.marker;
	return OK;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Managed policies: made with version v1, shown, listed, deleted when nothing uses them
 * and only the default version is left.
 */
#include "api/ids.h"
#include "base/str.h"
#include "svc/iam/iam.h"
#include "wire/pack.h"

/* ---- showing ---------------------------------------------------------------------------- */

static struct status counts(struct req *rq, struct txn *t, struct iam_policy *p)
{
	p->attachment_count.set = p->permissions_boundary_usage_count.set = true;
	TRY(iam_use_count(rq, t, IAM_ATTACHED, p->arn, &p->attachment_count.v));
	return iam_use_count(rq, t, IAM_BOUNDARY, p->arn, &p->permissions_boundary_usage_count.v);
}

struct status iam_policy_out(struct req *rq, struct txn *t, const struct iam_managed *m, struct iam_policy *out)
{
	const struct iam_builtin *b = m->builtin;
	if (b)
		*out = (struct iam_policy){
			.policy_name = str_of(b->name),
			.policy_id = str_of(b->id),
			.path = str_of(b->path),
			.default_version_id = S("v1"),
			.create_date = SET(b->created_ms),
			.update_date = SET(b->created_ms),
		};
	else
		*out = (struct iam_policy){
			.policy_name = m->row.name,
			.policy_id = m->row.id,
			.path = m->row.path,
			.create_date = m->row.created,
			.default_version_id = arena_printf(rq->mem, "v%lld", (long long)m->row.default_.v),
			.update_date = m->row.updated,
		};
	out->arn = m->arn;
	out->is_attachable = (struct opt_bool)SET(true);
	return counts(rq, t, out);
}

static struct status policy_whole(struct req *rq, struct txn *t, const struct iam_managed *m,
				  const struct iam_policy **out)
{
	struct iam_policy *p = NEW(rq->mem, struct iam_policy);
	TRY(iam_policy_out(rq, t, m, p));
	p->description = m->builtin ? str_of(m->builtin->description) : m->row.description;
	if (m->row.tags.n)
		p->tags = m->row.tags;
	*out = p;
	return OK;
}

/* ---- creating, getting, deleting ------------------------------------------------------------ */

static struct status new_name(struct req *rq, struct txn *t, struct str name)
{
	bool taken;
	TRY(txn_has(t, iam_policy_key(rq->mem, name), &taken));
	if (!taken)
		return OK;
	return FAIL(rq, iam_EntityAlreadyExistsException,
		    "A policy called %.*s already exists. Duplicate names are not allowed.", PR(name));
}

struct status iam_create_policy(struct req *rq, const struct iam_create_policy_in *in,
				struct iam_create_policy_out *out)
{
	struct txn *t;
	struct iam_managed m = { .row = {
				     .name = in->policy_name,
				     .path = iam_path(in->path),
				     .id = id_unique(rq->app->world, rq->mem, "ANPA"),
				     .description = in->description,
				     .created = SET(rq->now_ms),
				     .updated = SET(rq->now_ms),
				     .default_ = SET(1),
				     .last = SET(1),
				 } };
	struct iam_version_row version = { in->policy_document, SET(rq->now_ms) };
	TRY(iam_managed_document_check(rq, in->policy_document));
	TRY(iam_tags_add(rq, m.row.tags, in->tags, &m.row.tags));
	m.arn = iam_managed_arn(rq->mem, rq->app->partition, rq->account, &m.row);
	TRY(iam_write(rq, &t));
	TRY(new_name(rq, t, m.row.name));
	TRY(iam_count(rq, t, 'p', 1));
	TRY(iam_row_put(rq, t, iam_policy_key(rq->mem, m.row.name), &iam_policy_row_shape, &m.row));
	TRY(iam_row_put(rq, t, iam_version_key(rq->mem, m.row.name, 1), &iam_version_row_shape, &version));
	TRY(policy_whole(rq, t, &m, &out->policy));
	return OK;
}

struct status iam_get_policy(struct req *rq, const struct iam_get_policy_in *in, struct iam_get_policy_out *out)
{
	struct txn *t;
	struct iam_managed m;
	TRY(iam_read(rq, &t));
	TRY(iam_managed_get(rq, t, in->policy_arn, IAM_TO_READ, &m));
	return policy_whole(rq, t, &m, &out->policy);
}

struct status iam_delete_policy(struct req *rq, const struct iam_delete_policy_in *in,
				struct iam_delete_policy_out *out)
{
	struct txn *t;
	struct iam_managed m;
	struct str_list versions;
	int64_t attached, bounding;
	(void)out;
	TRY(iam_write(rq, &t));
	TRY(iam_managed_get(rq, t, in->policy_arn, IAM_TO_CHANGE, &m));
	TRY(iam_use_count(rq, t, IAM_ATTACHED, m.arn, &attached));
	TRY(iam_use_count(rq, t, IAM_BOUNDARY, m.arn, &bounding));
	if (attached || bounding)
		return FAIL(rq, iam_DeleteConflictException, "Cannot delete a policy attached to entities.");
	TRY(iam_keys(rq, t, iam_version_key(rq->mem, m.row.name, 0), &versions));
	if (versions.n > 1)
		return FAIL(rq, iam_DeleteConflictException,
			    "This policy has more than one version. Before you delete a policy, you must delete the "
			    "policy's versions. "
			    "The default version is deleted with the policy.");
	for (size_t i = 0; i < versions.n; i++)
		TRY(txn_del(t, versions.v[i]));
	TRY(iam_count(rq, t, 'p', -1));
	return txn_del(t, iam_policy_key(rq->mem, m.row.name));
}

/* ---- listing ------------------------------------------------------------------------------------ */

/* AWS's policies stand before the account's own; their positions are "A" and the name, below every row's key. */
struct listing {
	struct req *rq;
	struct txn *t;
	const struct iam_list_policies_in *in;
	struct iam_page page;
	struct iam_policy *v;
	size_t n;
	struct str marker;
};

static bool usage_fits(const struct listing *l, const struct iam_policy *p)
{
	bool attached = p->attachment_count.v > 0, bounding = p->permissions_boundary_usage_count.v > 0;
	switch (l->in->policy_usage_filter) {
	case IAM_POLICY_USAGE_TYPE_PERMISSIONS_POLICY:
		return attached;
	case IAM_POLICY_USAGE_TYPE_PERMISSIONS_BOUNDARY:
		return bounding;
	}
	return !(l->in->only_attached.set && l->in->only_attached.v) || attached || bounding;
}

/* *full: there is one more than fits; its position is the marker. */
static struct status consider(struct listing *l, const struct iam_managed *m, struct str position, bool *full)
{
	struct iam_policy p;
	struct str path = m->builtin ? str_of(m->builtin->path) : m->row.path;
	*full = false;
	if (l->in->path_prefix.p && !str_starts(path, l->in->path_prefix))
		return OK;
	TRY(iam_policy_out(l->rq, l->t, m, &p));
	if (!usage_fits(l, &p))
		return OK;
	*full = l->n == l->page.max;
	if (*full)
		l->marker = iam_page_marker(l->rq, position);
	else
		l->v[l->n++] = p;
	return OK;
}

static struct status list_builtin(struct listing *l, bool *full)
{
	const struct iam_builtin *b;
	for (size_t i = 0; !*full && (b = iam_builtin_at(i)); i++) {
		struct str position = arena_printf(l->rq->mem, "A%s", b->name);
		struct iam_managed m = {
			.builtin = b, .arn = arena_printf(l->rq->mem, "arn:aws:iam::aws:policy%s%s", b->path, b->name)
		};
		if (l->page.from.p && str_cmp(position, l->page.from) < 0)
			continue;
		TRY(consider(l, &m, position, full));
	}
	return OK;
}

static struct status list_own(struct listing *l, bool *full)
{
	struct cursor c;
	struct req *rq = l->rq;
	TRY(txn_range(l->t, &(struct range){ .prefix = S("p"), .from = l->page.from }, &c));
	while (!*full && cursor_next(&c)) {
		struct iam_managed m = { 0 };
		struct str position = str_dup(rq->mem, c.key);
		if (failed(unpack(rq->mem, &iam_policy_row_shape, str_dup(rq->mem, c.val), &m.row)))
			return ERR(E_CORRUPT);
		m.arn = iam_managed_arn(rq->mem, rq->app->partition, rq->account, &m.row);
		TRY(consider(l, &m, position, full));
	}
	return cursor_end(&c);
}

struct status iam_list_policies(struct req *rq, const struct iam_list_policies_in *in,
				struct iam_list_policies_out *out)
{
	struct listing l = { .rq = rq, .in = in };
	bool full = false;
	TRY(iam_page_of(rq, in->marker, in->max_items, &l.page));
	TRY(iam_read(rq, &l.t));
	l.v = NEWS(rq->mem, struct iam_policy, l.page.max + 1);
	if (in->scope != IAM_POLICY_SCOPE_TYPE_LOCAL)
		TRY(list_builtin(&l, &full));
	if (in->scope != IAM_POLICY_SCOPE_TYPE_AWS && !full)
		TRY(list_own(&l, &full));
	out->policies = (struct iam_policy_list){ l.v, l.n };
	out->is_truncated = (struct opt_bool)SET(l.marker.p != NULL);
	out->marker = l.marker;
	return OK;
}

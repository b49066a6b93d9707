/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GetAccountAuthorizationDetails: users, groups, roles and policies one after another, each
 * with all that hangs on it, in pages that go on across the kinds.
 *
 *     '1' users ─▶ '2' groups ─▶ '3' roles ─▶ '4' the account's policies ─▶ '5' AWS's, those in use
 *
 * A position is the digit and a name in lower case. A page ends at MaxItems, or before when
 * its documents fill PAGE_BYTES ("IAM might return fewer than the MaxItems number of
 * results even when there are more results available").
 */
#include "base/str.h"
#include "svc/iam/iam.h"
#include "svc/iam/instance_profile.h"
#include "svc/iam/used.h"
#include "wire/pack.h"

enum section { USERS = '1', GROUPS, ROLES, OWN_POLICIES, AWS_POLICIES };
enum { PAGE_BYTES = 4 * 1024 * 1024 };

struct details {
	struct req *rq;
	struct txn *t;
	struct iam_page page;
	size_t n, bytes;
	struct str marker;
	struct iam_user_detail *users;
	struct iam_group_detail *groups;
	struct iam_role_detail *roles;
	struct iam_managed_policy_detail *policies;
	size_t n_users, n_groups, n_roles, n_policies;
};

/* ---- what hangs on an entity ----------------------------------------------------------------- */

static struct str document(struct details *d, struct str text)
{
	struct str out = iam_document_out(d->rq, text);
	d->bytes += out.n;
	return out;
}

static struct status inlined(struct details *d, enum iam_kind kind, struct str name, struct iam_policy_detail_list *out)
{
	struct req *rq = d->rq;
	struct str_list keys;
	TRY(iam_keys(rq, d->t, iam_inline_key(rq->mem, kind, name, (struct str){ 0 }), &keys));
	struct iam_policy_detail *v = NEWS(rq->mem, struct iam_policy_detail, keys.n + 1);
	for (size_t i = 0; i < keys.n; i++) {
		struct iam_inline_row row;
		TRY(iam_row_get(rq->mem, d->t, keys.v[i], &iam_inline_row_shape, &row));
		v[i] = (struct iam_policy_detail){ row.name, document(d, row.document) };
	}
	*out = (struct iam_policy_detail_list){ v, keys.n };
	return OK;
}

static struct iam_attached_policy_list attached(struct details *d, const struct iam_entity_row *row)
{
	struct str_list arns = iam_sorted(d->rq->mem, row->attached);
	struct iam_attached_policy *v = NEWS(d->rq->mem, struct iam_attached_policy, arns.n + 1);
	for (size_t i = 0; i < arns.n; i++)
		v[i] = (struct iam_attached_policy){ str_after_last(arns.v[i], '/'), arns.v[i] };
	return (struct iam_attached_policy_list){ v, arns.n };
}

static struct status group_names(struct details *d, struct str user, struct str_list *out)
{
	struct str_list lower;
	TRY(iam_groups_of(d->rq, d->t, user, &lower));
	struct str *v = NEWS(d->rq->mem, struct str, lower.n + 1);
	for (size_t i = 0; i < lower.n; i++) {
		struct iam_entity_row group;
		TRY(iam_entity_get(d->rq, d->t, IAM_GROUP, lower.v[i], &group));
		v[i] = group.name;
	}
	*out = (struct str_list){ v, lower.n };
	return OK;
}

/* ---- one of each kind --------------------------------------------------------------------------- */

static struct str arn_of(struct details *d, enum iam_kind kind, const struct iam_entity_row *row)
{
	return iam_entity_arn(d->rq->mem, d->rq->app->partition, d->rq->account, kind, row);
}

static struct status add_user(struct details *d, const struct iam_entity_row *row)
{
	struct iam_user_detail *u = &d->users[d->n_users++];
	*u = (struct iam_user_detail){
		.path = row->path,
		.user_name = row->name,
		.user_id = row->id,
		.arn = arn_of(d, IAM_USER, row),
		.create_date = row->created,
		.attached_managed_policies = attached(d, row),
		.permissions_boundary = iam_boundary_out(d->rq, row->boundary),
		.tags = row->tags,
	};
	TRY(group_names(d, row->name, &u->group_list));
	return inlined(d, IAM_USER, row->name, &u->user_policy_list);
}

static struct status add_group(struct details *d, const struct iam_entity_row *row)
{
	struct iam_group_detail *g = &d->groups[d->n_groups++];
	*g = (struct iam_group_detail){
		.path = row->path,
		.group_name = row->name,
		.group_id = row->id,
		.arn = arn_of(d, IAM_GROUP, row),
		.create_date = row->created,
		.attached_managed_policies = attached(d, row),
	};
	return inlined(d, IAM_GROUP, row->name, &g->group_policy_list);
}

static struct status add_role(struct details *d, const struct iam_entity_row *row)
{
	struct iam_role_detail *r = &d->roles[d->n_roles++];
	struct iam_role_last_used *last = NEW(d->rq->mem, struct iam_role_last_used);
	struct iam_used_row used;
	TRY(iam_used_get(d->rq, IAM_USED_ROLE, row->id, &used));
	*last = (struct iam_role_last_used){ used.when, used.region };
	*r = (struct iam_role_detail){
		.path = row->path,
		.role_name = row->name,
		.role_id = row->id,
		.arn = arn_of(d, IAM_ROLE, row),
		.create_date = row->created,
		.assume_role_policy_document = document(d, row->trust),
		.attached_managed_policies = attached(d, row),
		.permissions_boundary = iam_boundary_out(d->rq, row->boundary),
		.tags = row->tags,
		.role_last_used = last,
	};
	TRY(iam_profiles_of(d->rq, d->t, row->name, &r->instance_profile_list));
	return inlined(d, IAM_ROLE, row->name, &r->role_policy_list);
}

/* Newest first. */
static struct status own_versions(struct details *d, const struct iam_managed *m, struct iam_policy_version *v,
				  size_t *n)
{
	struct str_list keys;
	struct req *rq = d->rq;
	TRY(iam_keys(rq, d->t, iam_version_key(rq->mem, m->row.name, 0), &keys));
	assert(keys.n <= IAM_VERSIONS_MAX);
	for (size_t i = keys.n; i-- > 0;) {
		struct iam_version_row row;
		struct rd r = rd_of(str_from(keys.v[i], keys.v[i].n - sizeof(uint64_t)));
		int64_t number = (int64_t)key_take_u64(&r);
		TRY(iam_row_get(rq->mem, d->t, keys.v[i], &iam_version_row_shape, &row));
		v[(*n)++] = (struct iam_policy_version){
			.document = document(d, row.document),
			.version_id = arena_printf(rq->mem, "v%lld", (long long)number),
			.is_default_version = SET(number == m->row.default_.v),
			.create_date = row.created,
		};
	}
	return OK;
}

static struct status add_policy(struct details *d, const struct iam_managed *m, const struct iam_policy *p)
{
	size_t n = 0;
	struct iam_policy_version *v = NEWS(d->rq->mem, struct iam_policy_version, IAM_VERSIONS_MAX);
	if (m->builtin)
		v[n++] = (struct iam_policy_version){
			.document = document(d, str_of(m->builtin->document)),
			.version_id = p->default_version_id,
			.is_default_version = SET(true),
			.create_date = p->create_date,
		};
	else
		TRY(own_versions(d, m, v, &n));
	d->policies[d->n_policies++] = (struct iam_managed_policy_detail){
		.policy_name = p->policy_name,
		.policy_id = p->policy_id,
		.arn = p->arn,
		.path = p->path,
		.default_version_id = p->default_version_id,
		.attachment_count = p->attachment_count,
		.permissions_boundary_usage_count = p->permissions_boundary_usage_count,
		.is_attachable = p->is_attachable,
		.description = m->builtin ? str_of(m->builtin->description) : m->row.description,
		.create_date = p->create_date,
		.update_date = p->update_date,
		.policy_version_list = { v, n },
	};
	return OK;
}

/* ---- walking ---------------------------------------------------------------------------------------- */

/* Where a section begins: p == NULL for all of it; *skip when the page begins behind it. */
static struct str start_in(const struct details *d, enum section section, bool *skip)
{
	*skip = d->page.from.p && d->page.from.p[0] > (char)section;
	return d->page.from.p && d->page.from.p[0] == (char)section ? str_from(d->page.from, 1) : (struct str){ 0 };
}

/* Is there room for one more? If not, the next page begins with it. */
static bool room(struct details *d, enum section section, struct str name)
{
	if (d->n < d->page.max && d->bytes < PAGE_BYTES) {
		d->n++;
		return true;
	}
	char digit = (char)section;
	d->marker = iam_page_marker(d->rq, iam_join(d->rq->mem, str_make(&digit, 1), name, S("")));
	return false;
}

static struct status add(struct details *d, enum section section, struct str bytes)
{
	struct iam_managed m = { 0 };
	struct iam_entity_row row = { 0 };
	struct iam_policy p;
	struct req *rq = d->rq;
	bool policy = section == OWN_POLICIES;
	if (failed(unpack(rq->mem, policy ? &iam_policy_row_shape : &iam_entity_row_shape, bytes,
			  policy ? (void *)&m.row : &row)))
		return ERR(E_CORRUPT);
	switch (section) {
	case USERS:
		return add_user(d, &row);
	case GROUPS:
		return add_group(d, &row);
	case ROLES:
		return add_role(d, &row);
	case OWN_POLICIES:
	case AWS_POLICIES:
		break;
	}
	m.arn = iam_managed_arn(rq->mem, rq->app->partition, rq->account, &m.row);
	TRY(iam_policy_out(rq, d->t, &m, &p));
	return add_policy(d, &m, &p);
}

static struct status walk(struct details *d, enum section section, char tag)
{
	struct cursor c;
	bool skip;
	struct str from = start_in(d, section, &skip);
	struct range range = { .prefix = str_make(&tag, 1) };
	if (skip || d->marker.p)
		return OK;
	if (from.p)
		range.from = key_of(d->rq->mem, tag, from, (struct str){ 0 }, (struct str){ 0 });
	TRY(txn_range(d->t, &range, &c));
	while (cursor_next(&c)) {
		struct rd r = rd_of(c.key);
		(void)key_take_tag(&r);
		if (!room(d, section, key_take_str(&r, d->rq->mem)))
			break;
		TRY(add(d, section, str_dup(d->rq->mem, c.val)));
	}
	return cursor_end(&c);
}

static struct status walk_builtin(struct details *d)
{
	bool skip;
	const struct iam_builtin *b;
	struct str from = start_in(d, AWS_POLICIES, &skip);
	for (size_t i = 0; !d->marker.p && (b = iam_builtin_at(i)); i++) {
		struct iam_policy p;
		struct iam_managed m = {
			.builtin = b,
			.arn = arena_printf(d->rq->mem, "arn:aws:iam::aws:policy%s%s", b->path, b->name),
		};
		if (from.p && str_cmp(str_of(b->name), from) < 0)
			continue;
		TRY(iam_policy_out(d->rq, d->t, &m, &p));
		bool used = p.attachment_count.v > 0 || p.permissions_boundary_usage_count.v > 0;
		if (used && room(d, AWS_POLICIES, p.policy_name))
			TRY(add_policy(d, &m, &p));
	}
	return OK;
}

static bool wanted(const struct iam_get_account_authorization_details_in *in, enum iam_entity_type type)
{
	for (size_t i = 0; i < in->filter.n; i++)
		if (in->filter.v[i] == type)
			return true;
	return !in->filter.n;
}

static struct status walk_all(struct details *d, const struct iam_get_account_authorization_details_in *in)
{
	if (wanted(in, IAM_ENTITY_TYPE_USER))
		TRY(walk(d, USERS, IAM_USER));
	if (wanted(in, IAM_ENTITY_TYPE_GROUP))
		TRY(walk(d, GROUPS, IAM_GROUP));
	if (wanted(in, IAM_ENTITY_TYPE_ROLE))
		TRY(walk(d, ROLES, IAM_ROLE));
	if (wanted(in, IAM_ENTITY_TYPE_LOCAL_MANAGED_POLICY))
		TRY(walk(d, OWN_POLICIES, 'p'));
	return wanted(in, IAM_ENTITY_TYPE_AWS_MANAGED_POLICY) ? walk_builtin(d) : OK;
}

struct status iam_get_account_authorization_details(struct req *rq,
						    const struct iam_get_account_authorization_details_in *in,
						    struct iam_get_account_authorization_details_out *out)
{
	struct details d = { .rq = rq };
	TRY(iam_page_of(rq, in->marker, in->max_items, &d.page));
	TRY(iam_read(rq, &d.t));
	d.users = NEWS(rq->mem, struct iam_user_detail, d.page.max);
	d.groups = NEWS(rq->mem, struct iam_group_detail, d.page.max);
	d.roles = NEWS(rq->mem, struct iam_role_detail, d.page.max);
	d.policies = NEWS(rq->mem, struct iam_managed_policy_detail, d.page.max);
	TRY(walk_all(&d, in));
	*out = (struct iam_get_account_authorization_details_out){
		.user_detail_list = { d.users, d.n_users },
		.group_detail_list = { d.groups, d.n_groups },
		.role_detail_list = { d.roles, d.n_roles },
		.policies = { d.policies, d.n_policies },
		.is_truncated = SET(d.marker.p != NULL),
		.marker = d.marker,
	};
	return OK;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Gathering policies with their origin. They are read from one snapshot, so a report shows
 * the policies as they were at one moment.
 *
 * The simulators name a policy as AWS's do: a managed one by its name, an inline one as
 * "user_<user>_<policy>", one that was handed in by its place in the list.
 */
#include "svc/iam/source.h"

#include "api/authz.h"
#include "api/cache.h"
#include "base/str.h"

struct iam_source *iam_sources_add(struct req *rq, struct iam_sources *to)
{
	if (to->n == to->cap) {
		struct iam_source *more = NEWS(rq->mem, struct iam_source, to->cap = to->cap ? to->cap * 2 : 8);
		if (to->n)
			memcpy(more, to->v, to->n * sizeof *more);
		to->v = more;
	}
	return &to->v[to->n++];
}

/* ---- handed in -------------------------------------------------------------------------- */

static void let_go(void *policy) { policy_unref(policy); }

struct status iam_source_given(struct req *rq, struct str document, enum policy_kind kind, const struct policy **out,
			       struct policy_error *err)
{
	struct policy *made;
	TRY(policy_compile(document, kind, &made, err));
	req_pin(rq, let_go, made);
	*out = made;
	return OK;
}

struct status iam_sources_given(struct req *rq, const char *list, struct str_list documents, enum policy_kind kind,
				struct iam_sources *to)
{
	for (size_t i = 0; i < documents.n; i++) {
		const struct policy *made;
		if (failed(iam_source_given(rq, documents.v[i], kind, &made, NULL)))
			return FAIL(rq, iam_InvalidInputException, "Policy input list item %zu has invalid content",
				    i + 1);
		*iam_sources_add(rq, to) = (struct iam_source){
			.policy = made,
			.id = arena_printf(rq->mem, "%s.%zu", list, i + 1),
		};
	}
	return OK;
}

/* ---- stored ------------------------------------------------------------------------------- */

/* Documents were checked when they were stored; one that no longer compiles is damage. */
static struct status compiled(struct req *rq, enum policy_kind kind, struct str document, const struct policy **out)
{
	return failed(cached_policy(rq, kind, document, out)) ? ERR(E_CORRUPT) : OK;
}

static struct status add_inline(struct req *rq, struct txn *t, enum iam_kind kind, struct str owner,
				struct iam_sources *to)
{
	struct str_list keys;
	TRY(iam_keys(rq, t, iam_inline_key(rq->mem, kind, owner, (struct str){ 0 }), &keys));
	for (size_t i = 0; i < keys.n; i++) {
		struct iam_inline_row row;
		const struct policy *policy;
		TRY(iam_row_get(rq->mem, t, keys.v[i], &iam_inline_row_shape, &row));
		TRY(compiled(rq, POLICY_IDENTITY, row.document, &policy));
		*iam_sources_add(rq, to) = (struct iam_source){
			.policy = policy,
			.id = arena_printf(rq->mem, "%s_%.*s_%.*s", iam_kind_word(kind), PR(owner), PR(row.name)),
			.name = row.name,
			.owner_kind = kind,
			.owner = owner,
		};
	}
	return OK;
}

static struct status managed(struct req *rq, struct txn *t, struct str arn, enum policy_kind kind,
			     struct iam_source *out)
{
	struct iam_managed m;
	struct str text;
	struct status st = iam_managed_find(rq->mem, t, rq->app->partition, rq->account, arn, &m);
	if (!failed(st))
		st = iam_managed_document(rq->mem, t, &m, &text);
	if (failed(st))
		return st.code == E_NOT_FOUND ? ERR(E_CORRUPT) : st; /* attached, so it must be there */
	*out = (struct iam_source){ .arn = arn, .name = str_after_last(arn, '/'), .id = str_after_last(arn, '/') };
	return compiled(rq, kind, text, &out->policy);
}

static bool has(const struct iam_sources *all, struct str arn)
{
	for (size_t i = 0; i < all->n; i++)
		if (all->v[i].arn.p && str_eq(all->v[i].arn, arn))
			return true;
	return false;
}

static struct status add_own(struct req *rq, struct txn *t, enum iam_kind kind, const struct iam_entity_row *row,
			     struct iam_sources *to)
{
	TRY(add_inline(rq, t, kind, row->name, to));
	for (size_t i = 0; i < row->attached.n; i++) {
		struct iam_source s;
		if (has(to, row->attached.v[i]))
			continue;
		TRY(managed(rq, t, row->attached.v[i], POLICY_IDENTITY, &s));
		*iam_sources_add(rq, to) = s;
	}
	return OK;
}

static struct status add_groups(struct req *rq, struct txn *t, struct str user, struct iam_sources *to)
{
	struct str_list groups;
	TRY(iam_groups_of(rq, t, user, &groups));
	for (size_t i = 0; i < groups.n; i++) {
		struct iam_entity_row group;
		struct status st = iam_entity_find(rq->mem, t, IAM_GROUP, groups.v[i], &group);
		TRY(st.code == E_NOT_FOUND ? ERR(E_CORRUPT) : st);
		TRY(add_own(rq, t, IAM_GROUP, &group, to));
	}
	return OK;
}

struct status iam_subject_name(struct str arn, enum iam_kind *kind, struct str *account, struct str *name)
{
	struct arn a;
	TRY(arn_parse(arn, &a));
	struct str rest = a.resource, word = str_cut(&rest, '/');
	if (!str_eq(a.service, S("iam")) || a.region.n || !account_id_is(a.account) || !rest.p)
		return ERR(E_INVALID);
	static const enum iam_kind kinds[] = { IAM_USER, IAM_GROUP, IAM_ROLE };
	size_t k = 0;
	while (k < COUNT(kinds) && !str_eq(word, str_of(iam_kind_word(kinds[k]))))
		k++;
	if (k == COUNT(kinds))
		return ERR(E_INVALID);
	*kind = kinds[k];
	*account = a.account;
	*name = str_after_last(rest, '/');
	return name->n ? OK : ERR(E_INVALID);
}

struct status iam_subject_get(struct req *rq, struct str arn, struct iam_subject *out)
{
	struct txn *t;
	struct str account, name;
	*out = (struct iam_subject){ 0 };
	if (failed(iam_subject_name(arn, &out->kind, &account, &name)) || !str_eq(account, rq->account))
		return FAIL(rq, iam_InvalidInputException,
			    "Invalid Entity Arn: %.*s does not clearly define entity type and name.", PR(arn));
	TRY(iam_read(rq, &t));
	TRY(iam_entity_get(rq, t, out->kind, name, &out->row));
	out->arn = iam_entity_arn(rq->mem, rq->app->partition, rq->account, out->kind, &out->row);
	TRY(add_own(rq, t, out->kind, &out->row, &out->policies));
	if (out->kind == IAM_USER)
		TRY(add_groups(rq, t, out->row.name, &out->policies));
	if (!out->row.boundary.n)
		return OK;
	return managed(rq, t, out->row.boundary, POLICY_BOUNDARY, &out->boundary);
}

/* ---- who may ask ------------------------------------------------------------------------------ */

struct target {
	struct str arn;
	struct iam_tag_list tags;
};

static struct status find_target(struct req *rq, struct target *to)
{
	struct str account, name;
	enum iam_kind kind;
	struct txn *t;
	struct iam_entity_row row;
	struct iam_managed m;
	struct status st;
	TRY(iam_read(rq, &t));
	if (!failed(iam_subject_name(to->arn, &kind, &account, &name)) && str_eq(account, rq->account)) {
		st = iam_entity_find(rq->mem, t, kind, name, &row);
		if (!failed(st))
			*to = (struct target){ iam_entity_arn(rq->mem, rq->app->partition, rq->account, kind, &row),
					       row.tags };
	} else {
		st = iam_managed_find(rq->mem, t, rq->app->partition, rq->account, to->arn, &m);
		if (!failed(st))
			to->tags = m.row.tags;
	}
	return st.code == E_NOT_FOUND ? OK : st;
}

/*
 * The resource is the entity as it is stored, path and all, or the policy; an ARN that names none of the account's
 * stays as it was sent, as that account's resource.
 */
struct status iam_authorize_source(struct req *rq, const void *in, struct authz *az)
{
	struct target to = { .arn = authz_row_resource(rq, in) };
	struct arn parts;
	TRY(find_target(rq, &to));
	struct authz_item *item = authz_add(az, NULL, to.arn);
	if (!failed(arn_parse(to.arn, &parts)) && account_id_is(parts.account))
		item->resource_account = parts.account;
	item->resource_tags = iam_tags_map(rq->mem, to.tags);
	authz_tag_keys(az, item, "iam:ResourceTag/", item->resource_tags);
	return OK;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loading a principal. Whatever cannot be read or compiled fails the load: a lost policy
 * might have been the one that denies.
 */
#include "svc/iam/principal.h"

#include "api/accounts.h"
#include "api/cache.h"
#include "base/str.h"

static void principal_free(void *value)
{
	struct iam_principal *p = value;
	policy_index_free(p->identity.index);
	for (size_t i = 0; i < p->identity.n; i++)
		policy_unref(p->identity.all[i]);
	policy_unref(p->boundary);
	policy_unref(p->trust);
	arena_free(p->mem);
	heap_free(p);
}

/* Documents were checked when they were stored; one that no longer compiles is damage. */
static struct status compile(struct req *rq, enum policy_kind kind, struct str document, const struct policy **out)
{
	const struct policy *p;
	if (failed(cached_policy(rq, kind, document, &p)))
		return ERR(E_CORRUPT);
	*out = policy_ref(p);
	return OK;
}

struct gather {
	const struct policy **v;
	size_t n, cap;
};

static struct status gather(struct req *rq, struct iam_principal *p, struct gather *g, struct str document)
{
	if (g->n == g->cap) {
		const struct policy **more = NEWS(p->mem, const struct policy *, g->cap = g->cap ? g->cap * 2 : 4);
		if (g->n)
			memcpy(more, g->v, g->n * sizeof(const struct policy *));
		g->v = more;
	}
	const struct policy *made;
	TRY(compile(rq, POLICY_IDENTITY, document, &made));
	g->v[g->n++] = made;
	p->identity = (struct policy_set){ g->v, g->n };
	return OK;
}

static struct status load_inline(struct req *rq, struct txn *t, enum iam_kind kind, struct str name,
				 struct iam_principal *p, struct gather *g)
{
	struct str_list keys;
	TRY(iam_keys(rq, t, iam_inline_key(rq->mem, kind, name, (struct str){ 0 }), &keys));
	for (size_t i = 0; i < keys.n; i++) {
		struct iam_inline_row row;
		TRY(iam_row_get(rq->mem, t, keys.v[i], &iam_inline_row_shape, &row));
		TRY(gather(rq, p, g, row.document));
	}
	return OK;
}

static struct status managed_text(struct req *rq, struct txn *t, struct str account, struct str arn, struct str *out)
{
	struct iam_managed m;
	struct status st = iam_managed_find(rq->mem, t, rq->app->partition, account, arn, &m);
	if (!failed(st))
		st = iam_managed_document(rq->mem, t, &m, out);
	return st.code == E_NOT_FOUND ? ERR(E_CORRUPT) : st; /* attached, so it must be there */
}

/* What the entity itself has, inline and attached: the principal's own policies, or those of a group he is in. */
static struct status load_permissions(struct req *rq, struct txn *t, struct str account, enum iam_kind kind,
				      const struct iam_entity_row *row, struct iam_principal *p, struct gather *g)
{
	struct str text;
	TRY(load_inline(rq, t, kind, row->name, p, g));
	for (size_t i = 0; i < row->attached.n; i++) {
		TRY(managed_text(rq, t, account, row->attached.v[i], &text));
		TRY(gather(rq, p, g, text));
	}
	return OK;
}

static struct status load_groups(struct req *rq, struct txn *t, struct str account, struct iam_principal *p,
				 struct gather *g)
{
	struct str_list groups;
	TRY(iam_groups_of(rq, t, p->row.name, &groups));
	for (size_t i = 0; i < groups.n; i++) {
		struct iam_entity_row group;
		struct status st = iam_entity_find(rq->mem, t, IAM_GROUP, groups.v[i], &group);
		TRY(st.code == E_NOT_FOUND ? ERR(E_CORRUPT) : st); /* it has a member, so it must be there */
		TRY(load_permissions(rq, t, account, IAM_GROUP, &group, p, g));
	}
	return OK;
}

static struct status load_policies(struct req *rq, struct txn *t, struct str account, enum iam_kind kind,
				   struct iam_principal *p)
{
	struct gather g = { 0 };
	struct str text;
	TRY(load_permissions(rq, t, account, kind, &p->row, p, &g));
	if (kind == IAM_USER)
		TRY(load_groups(rq, t, account, p, &g));
	if (p->row.boundary.n) {
		TRY(managed_text(rq, t, account, p->row.boundary, &text));
		TRY(compile(rq, POLICY_BOUNDARY, text, &p->boundary));
	}
	if (p->identity.n > 1)
		p->identity.index = policy_index_build(p->identity.all, p->identity.n);
	if (kind != IAM_ROLE)
		return OK;
	return compile(rq, POLICY_TRUST, p->row.trust_bound.p ? p->row.trust_bound : p->row.trust, &p->trust);
}

/* The key: kind, the 12 digits, the name in lower case. */
static struct status load(struct req *rq, struct shard *shard, struct str key, void **value)
{
	struct txn *t;
	enum iam_kind kind = (enum iam_kind)key.p[0];
	struct str account = str_sub(key, 1, 12), name = str_from(key, 13);
	struct iam_principal *p = HEAP(struct iam_principal);
	p->mem = arena_new_small();
	struct status st = req_read(rq, shard, &t);
	if (!failed(st))
		st = iam_entity_find(p->mem, t, kind, name, &p->row);
	if (!failed(st))
		st = load_policies(rq, t, account, kind, p);
	if (failed(st)) {
		principal_free(p);
		return st;
	}
	p->arn = iam_entity_arn(p->mem, rq->app->partition, account, kind, &p->row);
	p->tags = iam_tags_map(p->mem, p->row.tags);
	*value = p;
	return OK;
}

static size_t size(const struct policy *p) { return p ? policy_bytes(p) : 0; }

/* As if its policies were its own: many share theirs. */
static size_t bytes(const void *value)
{
	const struct iam_principal *p = value;
	size_t n = arena_used(p->mem) + size(p->boundary) + size(p->trust) + policy_index_bytes(p->identity.index);
	for (size_t i = 0; i < p->identity.n; i++)
		n += size(p->identity.all[i]);
	return n;
}

static const struct cache_kind principals = {
	"iam principal", CACHE_IAM_PRINCIPAL, 16384, load, principal_free, bytes, 512 * 1024 * 1024,
};

struct status iam_principal(struct req *rq, struct str account, enum iam_kind kind, struct str name,
			    const struct iam_principal **out)
{
	struct shard *shard;
	const void *value;
	if (!account_find(rq->app->accounts, account))
		return ERR(E_NOT_FOUND);
	TRY(iam_shard(rq, account, &shard));
	struct str key = iam_join(rq->mem, iam_kind_key(kind), account, iam_lower(rq->mem, name));
	TRY(cached(rq, &principals, shard, key, &value));
	*out = value;
	return OK;
}

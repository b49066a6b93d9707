/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Does a grant cover this call? Asked on every use of a key that has grants at all.
 *
 * A thread keeps what a grantee has on a key (api/cache.h: row by row, so a new grant of
 * somebody else's touches nothing). Most have a handful, which are tried one after another.
 * Who has more than that is looked up by bucket (grant_constraint.c), so that the fifty
 * thousandth grant costs no more than the first; and sums tell which operations he has that
 * no constraint binds, with no look at the grants.
 */
#include "api/cache.h"
#include "base/str.h"
#include "svc/kms/grant.h"

enum { GRANTS_CACHED = 16384, HANDFUL = 32 };

struct held { /* a grantee's grants on a key */
	struct arena *mem;
	struct kms_grant_row *v;
	size_t n;
	bool more; /* than a handful: v is empty, and sums tell what needs no search */
	struct kms_grant_sums sums;
};

struct wanted {
	enum kms_grant_operation op;
	const struct str_map *context;
	const struct kms_grant_row *child;
	struct str source; /* the resource on whose behalf a service asks */
};

uint32_t kms_grant_bits(struct kms_grant_operation_list ops)
{
	uint32_t bits = 0;
	for (size_t i = 0; i < ops.n; i++)
		bits |= kms_grant_bit(ops.v[i]);
	return bits;
}

enum kms_grant_operation kms_grant_operation_of(struct str action)
{
	const struct member *m = kms_grant_row_shape.members;
	struct str name = str_from(action, strlen("kms:"));
	while (strcmp(m->name, "Operations") != 0)
		m++;
	const char *const *words = m->shape->elem->names;
	for (size_t i = 0; words[i]; i++)
		if (str_eq(name, str_of(words[i])))
			return (enum kms_grant_operation)(i + 1);
	return 0;
}

/*
 * "Granting CreateGrant permission": what is made by means of a grant has no operation and no freedom that the grant
 * does not have.
 */
static bool covers_child(const struct kms_grant_row *g, const struct kms_grant_row *child)
{
	if (kms_grant_bits(child->operations) & ~kms_grant_bits(g->operations))
		return false;
	return kms_constraint_within(kms_constraint_of(child), kms_constraint_of(g));
}

/* Constraints bind operations that have an encryption context; DescribeKey and RetireGrant have none. */
static bool covers(const struct kms_grant_row *g, const struct wanted *w)
{
	if (!(kms_grant_bits(g->operations) & kms_grant_bit(w->op)))
		return false;
	if (!kms_constraint_admits(kms_constraint_of(g), w->source))
		return false;
	if (w->child)
		return covers_child(g, w->child);
	return !w->context || kms_constraint_allows(kms_constraint_of(g), *w->context);
}

/* ---- a handful -------------------------------------------------------------------------- */

static void release(void *value)
{
	struct held *h = value;
	arena_free(h->mem);
}

static struct status fill(struct req *rq, struct shard *shard, struct str key_id, struct str grantee, struct held *h)
{
	struct txn *t;
	struct cursor c;
	struct range all = { .prefix = kms_grantee_prefix(rq->mem, key_id, grantee), .keys_only = true };
	h->v = NEWS(h->mem, struct kms_grant_row, HANDFUL);
	TRY(req_read(rq, shard, &t));
	TRY(txn_range(t, &all, &c));
	while (!h->more && cursor_next(&c)) {
		h->more = h->n == HANDFUL;
		if (!h->more)
			TRY(kms_grant_get(t, h->mem, key_id, kms_grant_id_in(c.key), &h->v[h->n++]));
	}
	TRY(cursor_end(&c));
	if (!h->more)
		return OK;
	h->n = 0;
	return kms_grant_sums_get(t, h->mem, key_id, grantee, &h->sums);
}

/* The cache's key is "<key id>/<grantee id>". */
static struct status load(struct req *rq, struct shard *shard, struct str key, void **value)
{
	struct arena *mem = arena_new();
	struct held *h = NEW(mem, struct held);
	struct str grantee = key, key_id = str_cut(&grantee, '/');
	h->mem = mem;
	struct status st = fill(rq, shard, key_id, grantee, h);
	if (failed(st)) {
		release(h);
		return st.code == E_NOT_FOUND ? ERR(E_CORRUPT) : st; /* filed, but not there */
	}
	*value = h;
	return OK;
}

static const struct cache_kind kind = { "kms grants", CACHE_KMS_GRANTS, GRANTS_CACHED, load, release, NULL, 0 };

/* ---- more than that ------------------------------------------------------------------------ */

static struct status try_range(struct req *rq, struct txn *t, struct str key_id, struct str prefix,
			       const struct wanted *w, bool *yes)
{
	struct cursor c;
	TRY(txn_range(t, &(struct range){ .prefix = prefix, .keys_only = true }, &c));
	while (!*yes && cursor_next(&c)) {
		struct kms_grant_row row;
		TRY(kms_grant_get(t, rq->mem, key_id, kms_grant_id_in(c.key), &row));
		*yes = covers(&row, w);
	}
	return cursor_end(&c);
}

static struct str_map context_of(const struct wanted *w)
{
	if (!w->child)
		return *w->context;
	return w->child->equals.n ? w->child->equals : w->child->subset;
}

/* The sums answer all but what a constraint binds; they know nothing of grants that are bound to a source. */
static bool sums_say_yes(const struct held *h, const struct wanted *w)
{
	const struct int_list *sums = w->context ? &h->sums.unbound : &h->sums.all;
	return !w->child && sums->v[w->op - 1] > 0;
}

static struct status search(struct req *rq, const struct kms_found *f, struct str grantee, const struct held *h,
			    const struct wanted *w, bool *yes)
{
	struct str id = f->key->id;
	struct txn *t;
	size_t n;
	*yes = sums_say_yes(h, w);
	if (!*yes && w->source.n) {
		struct kms_bucket source = kms_bucket_of_source(w->source);
		TRY(req_read(rq, f->shard, &t));
		TRY(try_range(rq, t, id, kms_bucket_prefix(rq->mem, id, grantee, source), w, yes));
	}
	if (*yes || (!w->child && (!w->context || !w->context->n)))
		return OK; /* without pairs there is nothing to look for */
	const struct kms_bucket *v = kms_buckets_for(rq->mem, context_of(w), &n);
	TRY(req_read(rq, f->shard, &t));
	for (size_t i = w->child ? 0 : 1; i < n && !*yes; i++) /* the first bucket is what the sums know */
		TRY(try_range(rq, t, id, kms_bucket_prefix(rq->mem, id, grantee, v[i]), w, yes));
	return OK;
}

/* ---- asking ------------------------------------------------------------------------------------ */

static struct status ask(struct req *rq, const struct kms_found *f, struct str grantee, const struct wanted *w,
			 bool *yes)
{
	const void *value;
	struct buf key = buf_in(rq->mem);
	buf_put(&key, f->key->id);
	buf_byte(&key, '/');
	buf_put(&key, grantee);
	TRY(cached(rq, &kind, f->shard, buf_str(&key), &value));
	const struct held *h = value;
	*yes = false;
	for (size_t i = 0; i < h->n && !*yes; i++)
		*yes = covers(&h->v[i], w);
	return h->more ? search(rq, f, grantee, h, w, yes) : OK;
}

struct status kms_granted(struct req *rq, const struct kms_found *f, struct str action, const struct str_map *context,
			  const struct kms_grant_row *child, enum policy_granted *out)
{
	struct wanted w = { kms_grant_operation_of(action), context, child, rq->caller.source_arn };
	*out = POLICY_GRANTED_NOBODY;
	if (!w.op || !f->key->has_grants)
		return OK;
	struct kms_names names = kms_names_of(&rq->caller);
	for (size_t i = 0; i < names.n; i++) {
		bool yes;
		TRY(ask(rq, f, names.v[i].id, &w, &yes));
		if (!yes)
			continue;
		*out = names.v[i].as;
		return OK;
	}
	return OK;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which statements can match a request at all?
 *
 * A statement is listed under the hash of each full action it names, under the hash of
 * what stands before the first wildcard of each other action ("s3:Get" of "s3:Get*"),
 * or, when nothing limits it (NotAction, "*"), in the list that is always tried. Which
 * lengths such beginnings have is a bit each, so a decision makes one look-up for the
 * action and one for each length there is, instead of looking at every statement.
 *
 * With each statement stands what its resources can begin with: a bit for each head (an
 * ARN up to the first '/' or ':' behind its fifth colon: the bucket, the kind of thing),
 * or all bits when one of them has a wildcard there. A statement on other buckets is thus
 * passed over without being touched.
 *
 * The same index serves one policy and, merged, all policies of a principal. Lists are in
 * the order of the policies and of their statements. An index only rules out: what is left
 * is matched in full.
 */
#include "policy/build.h"

enum { MERGED_MAX = 1 << 18 }; /* policies in one index: what a ref has room for */

struct policy_index {
	struct index ix;
	size_t bytes;
};

struct pair {
	uint32_t hash;
	struct ref ref;
};

static uint32_t order_of(struct ref r) { return r.at & ~REF_DENY; }

static int pair_order(const void *a, const void *b)
{
	const struct pair *x = a, *y = b;
	if (x->hash != y->hash)
		return x->hash < y->hash ? -1 : 1;
	return (order_of(x->ref) > order_of(y->ref)) - (order_of(x->ref) < order_of(y->ref));
}

static bool never_ruled_out(const struct stmt *s, const struct act *acts)
{
	for (uint32_t i = 0; i < s->act_n; i++) {
		if (acts[s->act0 + i].any_vendor)
			return true;
	}
	return s->not_action;
}

static void add_statement(struct build *b, struct vec *pairs, uint32_t at, const struct stmt *s, const struct act *acts)
{
	struct ref ref = { at | (s->deny ? REF_DENY : 0), s->heads };
	if (never_ruled_out(s, acts)) {
		*PUSH(b, refs, struct ref) = ref;
		return;
	}
	for (uint32_t k = 0; k < s->act_n; k++) {
		const struct act *a = &acts[s->act0 + k];
		struct pair *p = pol_vec_push(b, pairs, sizeof *p);
		*p = (struct pair){ a->hash, ref };
		if (a->form != ACT_EXACT)
			b->prefixes |= UINT64_C(1) << a->prefix_n;
	}
}

static void add_slot(struct build *b, uint32_t hash, uint32_t start, uint32_t n)
{
	struct slot *slots = b->slots.p;
	uint32_t spread = hash_spread(hash), i = spread & b->slot_mask;
	sieve_add(b->sieve, spread);
	while (slots[i].n > 0)
		i = (i + 1) & b->slot_mask;
	slots[i] = (struct slot){ hash, start, n };
}

static void fill(struct build *b, const struct pair *p, size_t n)
{
	for (size_t i = 0, next; i < n; i = next) {
		uint32_t start = (uint32_t)b->refs.n;
		*PUSH(b, refs, struct ref) = p[i].ref;
		for (next = i + 1; next < n && p[next].hash == p[i].hash; next++) {
			if (p[next].ref.at != p[next - 1].ref.at)
				*PUSH(b, refs, struct ref) = p[next].ref;
		}
		add_slot(b, p[i].hash, start, (uint32_t)b->refs.n - start);
	}
}

static void finish(struct build *b, struct vec pairs)
{
	size_t size = 2, distinct = 0;
	b->any_n = (uint32_t)b->refs.n;
	if (pairs.n > 1)
		qsort(pairs.p, pairs.n, sizeof(struct pair), pair_order);
	for (size_t i = 0; i < pairs.n; i++) {
		const struct pair *p = pairs.p;
		distinct += i == 0 || p[i].hash != p[i - 1].hash;
	}
	while (size < distinct * 2)
		size *= 2;
	for (size_t i = 0; i < size; i++)
		*PUSH(b, slots, struct slot) = (struct slot){ 0 };
	b->slot_mask = (uint32_t)size - 1;
	if (pairs.n > 0)
		fill(b, pairs.p, pairs.n);
}

void pol_build_index(struct build *b)
{
	struct vec pairs = { 0 };
	for (uint32_t i = 0; i < b->stmts.n; i++)
		add_statement(b, &pairs, i, &TABLE(b, stmts, struct stmt)[i], b->acts.p);
	finish(b, pairs);
}

const struct policy_index *policy_index_build(const struct policy *const *all, size_t n)
{
	struct build b = { .mem = arena_new() };
	struct vec pairs = { 0 };
	assert(n < MERGED_MAX);
	for (size_t i = 0; i < n; i++) {
		for (uint32_t k = 0; k < all[i]->stmt_n; k++)
			add_statement(&b, &pairs, (uint32_t)i << REF_POLICY_SHIFT | k, &all[i]->stmts[k], all[i]->acts);
	}
	finish(&b, pairs);
	size_t slots = b.slots.n * sizeof(struct slot), refs = b.refs.n * sizeof(struct ref);
	size_t total = sizeof(struct policy_index) + slots + refs;
	char *base = heap_alloc(1, total);
	struct policy_index *x = (struct policy_index *)(void *)base;
	char *slots_at = base + sizeof *x, *refs_at = slots_at + slots;
	memcpy(slots_at, b.slots.p, slots);
	if (refs > 0)
		memcpy(refs_at, b.refs.p, refs);
	x->bytes = total;
	pol_index_set(&x->ix, &b, (const void *)slots_at, (const void *)refs_at);
	arena_free(b.mem);
	return x;
}

void pol_index_set(struct index *ix, const struct build *b, const struct slot *slots, const struct ref *refs)
{
	*ix = (struct index){
		.prefixes = b->prefixes, .slots = slots, .refs = refs, .slot_mask = b->slot_mask, .any_n = b->any_n
	};
	memcpy(ix->sieve, b->sieve, sizeof ix->sieve);
}

const struct index *pol_index_of(const struct policy_index *x) { return &x->ix; }
void policy_index_free(const struct policy_index *x) { heap_free(x); }
size_t policy_index_bytes(const struct policy_index *x) { return x != NULL ? x->bytes : 0; }

/* ---- heads of resources ---- */

uint32_t pol_head_bit(struct str head)
{
	uint64_t tail = 0;
	size_t n = head.n < sizeof tail ? head.n : sizeof tail;
	memcpy(&tail, head.p + (head.n - n), n);
	return UINT32_C(1) << ((tail * UINT64_C(0x9e3779b97f4a7c15) + head.n * UINT64_C(0xd6e8feb86659fd93)) >> 59);
}

struct str pol_head(struct str arn)
{
	size_t colons = 0;
	for (size_t i = 0; i < arn.n; i++) {
		if (colons == 5 && (arn.p[i] == ':' || arn.p[i] == '/'))
			return str_sub(arn, 0, i);
		colons += arn.p[i] == ':';
	}
	return arn;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which statements can match an action at all?
 *
 * A statement is listed under the hash of each full action it names, under the hash of
 * the vendor ("s3:") for each action with a wildcard, or, when no vendor limits it
 * (NotAction, "*"), in the list that is always tried. A decision then looks at two
 * slots and that list instead of at every statement. Lists are in document order.
 */
#include "policy/build.h"

struct pair {
	uint32_t hash, stmt;
};

static int pair_order(const void *a, const void *b)
{
	const struct pair *x = a, *y = b;
	if (x->hash != y->hash)
		return x->hash < y->hash ? -1 : 1;
	return (x->stmt > y->stmt) - (x->stmt < y->stmt);
}

static bool never_ruled_out(const struct build *b, const struct stmt *s)
{
	for (uint32_t i = 0; i < s->act_n; i++) {
		if (TABLE(b, acts, struct act)[s->act0 + i].any_vendor)
			return true;
	}
	return s->not_action;
}

static void list_add(struct build *b, uint32_t stmt) { *PUSH(b, lists, uint32_t) = stmt; }

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
		uint32_t start = (uint32_t)b->lists.n;
		list_add(b, p[i].stmt);
		for (next = i + 1; next < n && p[next].hash == p[i].hash; next++) {
			if (p[next].stmt != p[next - 1].stmt)
				list_add(b, p[next].stmt);
		}
		add_slot(b, p[i].hash, start, (uint32_t)b->lists.n - start);
	}
}

void pol_build_index(struct build *b)
{
	struct vec pairs = { 0 };
	for (uint32_t i = 0; i < b->stmts.n; i++) {
		const struct stmt *s = &TABLE(b, stmts, struct stmt)[i];
		if (never_ruled_out(b, s)) {
			list_add(b, i);
			continue;
		}
		for (uint32_t k = 0; k < s->act_n; k++) {
			struct pair *p = pol_vec_push(b, &pairs, sizeof *p);
			*p = (struct pair){ TABLE(b, acts, struct act)[s->act0 + k].hash, i };
		}
	}
	b->any_n = (uint32_t)b->lists.n;
	size_t size = 2;
	while (size < pairs.n * 2)
		size *= 2;
	for (size_t i = 0; i < size; i++)
		*PUSH(b, slots, struct slot) = (struct slot){ 0 };
	b->slot_mask = (uint32_t)size - 1;
	if (pairs.n == 0)
		return;
	qsort(pairs.p, pairs.n, sizeof(struct pair), pair_order);
	fill(b, pairs.p, pairs.n);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Open addressing with linear probing, at most two thirds full. Deleting moves what
 * follows back into the hole, so there are no tombstones and a miss stays short however
 * long the table has lived.
 *
 * Invariant: between a key's home slot and where it stands, no slot is empty.
 */
#include "base/map.h"

#include "base/str.h"

struct map_slot {
	struct str key; /* on the heap; p == NULL in an empty slot */
	uint64_t hash;
	void *value;
};

void map_init(struct map *m, uint64_t seed) { *m = (struct map){ .seed = seed }; }

void map_free(struct map *m)
{
	for (size_t i = 0; i < m->cap; i++)
		heap_free(m->slots[i].key.p);
	heap_free(m->slots);
	*m = (struct map){ .seed = m->seed };
}

/* The slot that holds key, or the empty one where it would go. The table is never full. */
static struct map_slot *find(const struct map *m, struct str key, uint64_t hash)
{
	size_t mask = m->cap - 1;
	for (size_t i = hash & mask;; i = (i + 1) & mask) {
		struct map_slot *s = &m->slots[i];
		if (!s->key.p || (s->hash == hash && str_eq(s->key, key)))
			return s;
	}
}

void *map_get(const struct map *m, struct str key)
{
	if (m->n == 0)
		return NULL;
	return find(m, key, str_hash(key, m->seed))->value;
}

static void grow(struct map *m)
{
	struct map old = *m;
	m->cap = old.cap ? old.cap * 2 : 16;
	m->slots = HEAPS(struct map_slot, m->cap);
	for (size_t i = 0; i < old.cap; i++)
		if (old.slots[i].key.p)
			*find(m, old.slots[i].key, old.slots[i].hash) = old.slots[i];
	heap_free(old.slots);
}

void *map_put(struct map *m, struct str key, void *value)
{
	if (m->n >= m->cap * 2 / 3)
		grow(m);
	uint64_t hash = str_hash(key, m->seed);
	struct map_slot *s = find(m, key, hash);
	void *replaced = s->value;
	if (!s->key.p) {
		*s = (struct map_slot){ .key = heap_dup(key), .hash = hash };
		m->n++;
	}
	s->value = value;
	return replaced;
}

/* Slot `hole` is free: move back those after it that may stand there, until a slot is empty. */
static void close_hole(struct map *m, size_t hole)
{
	size_t mask = m->cap - 1;
	for (size_t i = (hole + 1) & mask; m->slots[i].key.p; i = (i + 1) & mask) {
		size_t from_home = (i - m->slots[i].hash) & mask;
		size_t from_hole = (i - hole) & mask;
		if (from_home >= from_hole) {
			m->slots[hole] = m->slots[i];
			hole = i;
		}
	}
	m->slots[hole] = (struct map_slot){ 0 };
}

void *map_del(struct map *m, struct str key)
{
	if (m->n == 0)
		return NULL;
	struct map_slot *s = find(m, key, str_hash(key, m->seed));
	if (!s->key.p)
		return NULL;
	void *value = s->value;
	heap_free(s->key.p);
	close_hole(m, (size_t)(s - m->slots));
	m->n--;
	return value;
}

bool map_next(const struct map *m, size_t *it, struct str *key, void **value)
{
	while (*it < m->cap) {
		const struct map_slot *s = &m->slots[(*it)++];
		if (s->key.p) {
			*key = s->key;
			*value = s->value;
			return true;
		}
	}
	return false;
}

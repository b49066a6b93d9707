/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A hash table from str to pointer, heap-backed, for caches and registries. Not
 * thread-safe. Keys are copied. Seeded, so that strangers cannot choose collisions.
 */
#ifndef BASE_MAP_H
#define BASE_MAP_H

#include "base/base.h"

struct map {
	struct map_slot *slots;
	size_t cap, n;
	uint64_t seed;
};

void map_init(struct map *m, uint64_t seed);
void map_free(struct map *m);                              /* the values are the caller's */
void *map_get(const struct map *m, struct str key);        /* NULL when absent */
void *map_put(struct map *m, struct str key, void *value); /* returns the value it replaced, or NULL */
void *map_del(struct map *m, struct str key);              /* returns the value it held, or NULL */
/* Walk: start with *it = 0; false at the end. No put or del while walking. */
bool map_next(const struct map *m, size_t *it, struct str *key, void **value);

#endif

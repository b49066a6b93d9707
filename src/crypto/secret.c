/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A slab allocator over locked memory. A slab is SLAB bytes at an address that is a
 * multiple of SLAB, between two pages without access; so a secret's slab is found from its
 * address alone, and running off either end of a slab is a fault.
 *
 *     guard | struct slab | slot | slot | ... | slot | guard
 *
 * Slots of one size; a free slot is all zeros but for the number of the next free one.
 * Slabs that became empty stay for reuse: what is locked once is not easily had again.
 */
#include "crypto/secret.h"

#include "base/list.h"
#include "base/log.h"
#include "base/str.h"

#include <pthread.h>
#include <sys/mman.h>

enum { SLAB = 32 * 1024, GUARD = 4096, NO_SLOT = UINT32_MAX };

static const uint32_t slot_sizes[] = { 64, 192, 512, SECRET_MAX };

struct slab {
	struct link in_pool; /* in its class's ring */
	struct secret_pool *pool;
	uint8_t *map; /* what munmap gets */
	uint32_t size_class, slots, used, free_head;
	_Alignas(64) uint8_t slot[];
};

struct secret_pool {
	pthread_mutex_t lock;
	struct link slabs[COUNT(slot_sizes)]; /* those with room first */
	struct secret_pool_stats stats;
	bool told; /* that memory could not be locked */
};

enum { MAP_SIZE = 2 * SLAB + 2 * GUARD };

struct secret_pool *secret_pool_new(void)
{
	struct secret_pool *pool = HEAP(struct secret_pool);

	assert(pthread_mutex_init(&pool->lock, NULL) == 0);
	for (size_t i = 0; i < COUNT(slot_sizes); i++)
		list_init(&pool->slabs[i]);
	return pool;
}

void secret_pool_free(struct secret_pool *pool)
{
	assert(pool->stats.live == 0);
	for (size_t i = 0; i < COUNT(slot_sizes); i++) {
		while (!list_empty(&pool->slabs[i])) {
			struct slab *s = ENTRY(pool->slabs[i].next, struct slab, in_pool);
			list_del(&s->in_pool);
			assert(munmap(s->map, MAP_SIZE) == 0);
		}
	}
	pthread_mutex_destroy(&pool->lock);
	heap_free(pool);
}

static uint8_t *slot_at(struct slab *s, uint32_t i) { return s->slot + (size_t)i * slot_sizes[s->size_class]; }

static void protect(struct secret_pool *pool, void *p)
{
	pool->stats.bytes += SLAB;
	if (mlock(p, SLAB) == 0)
		pool->stats.locked_bytes += SLAB;
	else if (!pool->told) {
		pool->told = true;
		log_warn("the machine refuses to lock more memory: secrets may reach swap; raise RLIMIT_MEMLOCK");
	}
	/* Kernels without one of these still run us; the process as a whole is undumpable too (harden.h). */
	(void)madvise(p, SLAB, MADV_DONTDUMP);
	(void)madvise(p, SLAB, MADV_DONTFORK);
}

static struct slab *slab_new(struct secret_pool *pool, uint32_t size_class)
{
	uint8_t *map = mmap(NULL, MAP_SIZE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	assert(map != MAP_FAILED);
	uintptr_t at = ((uintptr_t)map + GUARD + SLAB - 1) / SLAB * SLAB;
	struct slab *s = (struct slab *)(map + (at - (uintptr_t)map)); /* keeps a guard on both sides */
	assert(mprotect(s, SLAB, PROT_READ | PROT_WRITE) == 0);
	protect(pool, s);

	s->pool = pool;
	s->map = map;
	s->size_class = size_class;
	s->slots = (uint32_t)((SLAB - sizeof *s) / slot_sizes[size_class]);
	for (uint32_t i = 0; i < s->slots; i++) {
		uint32_t next = i + 1 < s->slots ? i + 1 : NO_SLOT;
		memcpy(slot_at(s, i), &next, sizeof next);
	}
	list_add_before(pool->slabs[size_class].next, &s->in_pool);
	return s;
}

static uint8_t *slot_take(struct secret_pool *pool, uint32_t size_class)
{
	struct link *ring = &pool->slabs[size_class];
	struct slab *s = list_empty(ring) ? NULL : ENTRY(ring->next, struct slab, in_pool);

	if (!s || s->used == s->slots)
		s = slab_new(pool, size_class);
	uint8_t *p = slot_at(s, s->free_head);
	memcpy(&s->free_head, p, sizeof s->free_head);
	memset(p, 0, sizeof s->free_head);
	s->used++;
	if (s->used == s->slots) { /* full ones to the back */
		list_del(&s->in_pool);
		list_push(ring, &s->in_pool);
	}
	return p;
}

struct secret secret_new(struct secret_pool *pool, size_t n)
{
	uint32_t size_class = 0;

	assert(n >= 1 && n <= SECRET_MAX);
	while (slot_sizes[size_class] < n)
		size_class++;
	pthread_mutex_lock(&pool->lock);
	uint8_t *p = slot_take(pool, size_class);
	pool->stats.live++;
	pthread_mutex_unlock(&pool->lock);
	return (struct secret){ p, n };
}

static void slot_give(struct slab *s, uint8_t *p)
{
	struct link *ring = &s->pool->slabs[s->size_class];
	uint32_t i = (uint32_t)((size_t)(p - s->slot) / slot_sizes[s->size_class]);

	assert(i < s->slots && slot_at(s, i) == p && s->used > 0);
	memcpy(p, &s->free_head, sizeof s->free_head);
	s->free_head = i;
	s->used--;
	list_del(&s->in_pool);
	list_add_before(ring->next, &s->in_pool);
}

void secret_free(struct secret *s)
{
	if (!s->p)
		return;
	uint8_t *base = s->p - (uintptr_t)s->p % SLAB;
	struct slab *slab = (struct slab *)(void *)base;
	struct secret_pool *pool = slab->pool;

	secret_wipe(s->p, slot_sizes[slab->size_class]);
	pthread_mutex_lock(&pool->lock);
	slot_give(slab, s->p);
	pool->stats.live--;
	pthread_mutex_unlock(&pool->lock);
	*s = (struct secret){ 0 };
}

struct secret_pool_stats secret_pool_stats(struct secret_pool *pool)
{
	pthread_mutex_lock(&pool->lock);
	struct secret_pool_stats stats = pool->stats;
	pthread_mutex_unlock(&pool->lock);
	return stats;
}

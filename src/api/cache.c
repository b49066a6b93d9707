/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tables by thread, kind and key. An entry is counted: the table holds one, and each
 * request that was given the value holds one until it ends, on whatever thread that is.
 * Entries stand in a ring, most recently used last; the first goes when the table is full.
 */
#include "api/cache.h"

#include "base/buf.h"
#include "base/list.h"
#include "base/map.h"
#include "base/thread.h"

#include <stdatomic.h>

struct entry {
	struct link used;
	struct str key;
	void *value;
	void (*free)(void *);
	uint64_t version;
	atomic_uint holders;
};

struct table {
	struct map map;
	struct link used;
	bool ready;
};

struct caches {
	uint64_t seed;
	struct table *threads[THREADS_MAX]; /* CACHE_SLOTS tables each; only its own thread touches an element */
};

struct caches *caches_new(struct world *w)
{
	struct caches *c = HEAP(struct caches);
	world_random(w, &c->seed, sizeof c->seed);
	return c;
}

static void release(void *arg)
{
	struct entry *e = arg;
	if (atomic_fetch_sub_explicit(&e->holders, 1, memory_order_acq_rel) != 1)
		return;
	e->free(e->value);
	heap_free((void *)(uintptr_t)e->key.p);
	heap_free(e);
}

static void drop(struct table *t, struct entry *e)
{
	map_del(&t->map, e->key);
	list_del(&e->used);
	release(e);
}

void caches_free(struct caches *c)
{
	if (!c)
		return;
	for (size_t i = 0; i < THREADS_MAX; i++) {
		for (size_t k = 0; c->threads[i] && k < CACHE_SLOTS; k++) {
			struct table *t = &c->threads[i][k];
			while (t->ready && !list_empty(&t->used))
				drop(t, ENTRY(t->used.next, struct entry, used));
			map_free(&t->map);
		}
		heap_free(c->threads[i]);
	}
	heap_free(c);
}

static struct table *table_of(struct caches *c, unsigned slot)
{
	unsigned i = thread_index();
	if (!c->threads[i])
		c->threads[i] = HEAPS(struct table, CACHE_SLOTS);
	struct table *t = &c->threads[i][slot];
	if (!t->ready) {
		map_init(&t->map, c->seed);
		list_init(&t->used);
		t->ready = true;
	}
	return t;
}

static const void *hold(struct req *rq, struct entry *e)
{
	atomic_fetch_add_explicit(&e->holders, 1, memory_order_relaxed);
	req_pin(rq, release, e);
	return e->value;
}

static struct entry *add(struct table *t, const struct cache_kind *kind, struct str key, uint64_t version, void *value)
{
	struct entry *e = map_get(&t->map, key);
	if (e)
		drop(t, e);
	while (t->map.n >= kind->max)
		drop(t, ENTRY(t->used.next, struct entry, used));
	e = HEAP(struct entry);
	e->key = heap_dup(key);
	e->value = value;
	e->free = kind->free;
	e->version = version;
	e->holders = 1;
	map_put(&t->map, key, e);
	list_push(&t->used, &e->used);
	return e;
}

static struct str full_key(struct req *rq, struct shard *shard, struct str key)
{
	if (!shard)
		return key;
	struct buf b = buf_in(rq->mem);
	buf_put(&b, shard_name(shard));
	buf_byte(&b, 0);
	buf_put(&b, key);
	return buf_str(&b);
}

struct status cached(struct req *rq, const struct cache_kind *kind, struct shard *shard, struct str key,
		     const void **value)
{
	struct str full = full_key(rq, shard, key);
	struct table *t = table_of(rq->app->caches, kind->slot);
	struct entry *e = map_get(&t->map, full);
	if (!e || e->version != (shard ? shard_version(shard) : 0)) {
		/* before reading: a later commit makes the entry stale. The snapshot may be an older one of this
		 * request. */
		uint64_t version = shard ? req_read_version(rq, shard) : 0;
		void *made;
		TRY(kind->load(rq, shard, key, &made));
		e = add(t, kind, full, version, made);
	} else {
		list_del(&e->used);
		list_push(&t->used, &e->used);
	}
	*value = hold(rq, e);
	return OK;
}

/* ---- policies by content ------------------------------------------------------ */

/* The key of a document is its kind and its whole text: equal keys are equal policies. */
static struct status load_document(struct req *rq, struct shard *shard, struct str key, void **value)
{
	(void)rq;
	(void)shard;
	struct policy *p;
	TRY(policy_compile(str_make(key.p + 1, key.n - 1), (enum policy_kind)key.p[0], &p, NULL));
	*value = p;
	return OK;
}

static void free_document(void *value) { policy_unref(value); }

static const struct cache_kind documents = { "document", CACHE_DOCUMENT, 256, load_document, free_document };

struct status cached_policy(struct req *rq, enum policy_kind kind, struct str document, const struct policy **out)
{
	struct buf key = buf_in(rq->mem);
	buf_byte(&key, (char)kind);
	buf_put(&key, document);
	const void *p;
	TRY(cached(rq, &documents, NULL, buf_str(&key), &p));
	*out = p;
	return OK;
}

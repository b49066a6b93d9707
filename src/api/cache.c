/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two layers of tables by kind and key. Each thread has its own, looked at without a lock;
 * behind them stands one for all threads, under a lock for the length of a look-up, so that
 * a value is made once, not once a thread, and stands in memory once.
 *
 *     cached ─▶ the thread's table ─ miss ─▶ the table of all ─ miss ─▶ load
 *                                 ◀────────────── kept in both ◀────────┘
 *
 * A value is counted: each table holds one, and each request that was given it holds one
 * until it ends, on whatever thread that is. Entries of a table stand in a row, the newest
 * last. When the table is full, by number or by bytes, the first one goes that was not used
 * since it was last looked at; the others go to the end (the clock algorithm: a hit writes
 * to nothing but the entry itself).
 *
 * A value knows up to which version of its shard it is good. When the shard has moved on,
 * the marks of what its loading read (store.h) tell whether that concerns it: if not, it is
 * good up to now. A load that uses another cached value of the shard would not see what
 * that one read, and so counts as having read everything.
 */
#include "api/cache.h"

#include "base/buf.h"
#include "base/list.h"
#include "base/map.h"
#include "base/thread.h"

#include <pthread.h>
#include <stdatomic.h>

struct made {
	struct str key; /* behind the marks */
	void *value;
	void (*free)(void *);
	size_t bytes; /* as its kind says */
	atomic_uint holders;
	_Atomic uint64_t version;
	bool all; /* depends on the whole shard */
	uint32_t n;
	uint64_t marks[]; /* of what it was made from */
};

struct entry {
	struct link row;
	bool used;
	struct made *made;
};

struct table {
	struct map map;
	struct link row;
	size_t bytes;
	bool ready;
};

struct caches {
	uint64_t seed;
	struct table *threads[THREADS_MAX]; /* CACHE_SLOTS tables each; only its own thread touches an element */
	struct {
		pthread_mutex_t lock;
		struct table table;
	} all[CACHE_SLOTS];
};

struct caches *caches_new(struct world *w)
{
	struct caches *c = HEAP(struct caches);
	world_random(w, &c->seed, sizeof c->seed);
	for (size_t k = 0; k < CACHE_SLOTS; k++)
		pthread_mutex_init(&c->all[k].lock, NULL);
	return c;
}

static void release(void *arg)
{
	struct made *m = arg;
	if (atomic_fetch_sub_explicit(&m->holders, 1, memory_order_acq_rel) != 1)
		return;
	m->free(m->value);
	heap_free(m);
}

static struct made *held(struct made *m)
{
	atomic_fetch_add_explicit(&m->holders, 1, memory_order_relaxed);
	return m;
}

/* ---- a table ------------------------------------------------------------------ */

static void ready(struct table *t, uint64_t seed)
{
	if (t->ready)
		return;
	map_init(&t->map, seed);
	list_init(&t->row);
	t->ready = true;
}

/* Out of the table, and into `gone`. */
static void take_out(struct table *t, struct entry *e, struct link *gone)
{
	t->bytes -= e->made->bytes;
	map_del(&t->map, e->made->key);
	list_del(&e->row);
	list_push(gone, &e->row);
}

/* Outside of locks: a value may take its time to go. */
static void let_go(struct link *gone)
{
	while (!list_empty(gone)) {
		struct entry *e = ENTRY(gone->next, struct entry, row);
		list_del(&e->row);
		release(e->made);
		heap_free(e);
	}
}

static void table_free(struct table *t)
{
	struct link gone;
	list_init(&gone);
	while (t->ready && !list_empty(&t->row))
		take_out(t, ENTRY(t->row.next, struct entry, row), &gone);
	let_go(&gone);
	map_free(&t->map);
}

static struct made *table_get(struct table *t, struct str key)
{
	struct entry *e = map_get(&t->map, key);
	if (!e)
		return NULL;
	e->used = true;
	return e->made;
}

static struct entry *least_used(struct table *t)
{
	for (;;) {
		struct entry *e = ENTRY(t->row.next, struct entry, row);
		if (!e->used)
			return e;
		e->used = false;
		list_del(&e->row);
		list_push(&t->row, &e->row);
	}
}

static bool has_room(const struct table *t, const struct cache_kind *kind, const struct made *m)
{
	return t->map.n < kind->max && (!kind->bytes || t->bytes + m->bytes <= kind->max_bytes);
}

/* Keeps m, which gets a holder more, in place of what was there by that key. What has to go for it is put into `gone`.
 */
static void table_put(struct table *t, const struct cache_kind *kind, struct made *m, struct link *gone)
{
	struct entry *e = map_get(&t->map, m->key);
	if (e)
		take_out(t, e, gone);
	while (!has_room(t, kind, m) && !list_empty(&t->row))
		take_out(t, least_used(t), gone);
	e = HEAP(struct entry);
	*e = (struct entry){ .made = held(m) };
	map_put(&t->map, m->key, e);
	list_push(&t->row, &e->row);
	t->bytes += m->bytes;
}

void caches_free(struct caches *c)
{
	if (!c)
		return;
	for (size_t i = 0; i < THREADS_MAX; i++) {
		for (size_t k = 0; c->threads[i] && k < CACHE_SLOTS; k++)
			table_free(&c->threads[i][k]);
		heap_free(c->threads[i]);
	}
	for (size_t k = 0; k < CACHE_SLOTS; k++) {
		table_free(&c->all[k].table);
		pthread_mutex_destroy(&c->all[k].lock);
	}
	heap_free(c);
}

static struct table *own_table(struct caches *c, unsigned slot)
{
	unsigned i = thread_index();
	if (!c->threads[i])
		c->threads[i] = HEAPS(struct table, CACHE_SLOTS);
	ready(&c->threads[i][slot], c->seed);
	return &c->threads[i][slot];
}

/* ---- the table of all threads ------------------------------------------------- */

/* With a holder for the caller; NULL: not there. */
static struct made *shared_get(struct caches *c, unsigned slot, struct str key)
{
	pthread_mutex_lock(&c->all[slot].lock);
	ready(&c->all[slot].table, c->seed);
	struct made *m = table_get(&c->all[slot].table, key);
	if (m)
		held(m);
	pthread_mutex_unlock(&c->all[slot].lock);
	return m;
}

static void own_put(struct caches *c, const struct cache_kind *kind, struct made *m)
{
	struct link gone;
	list_init(&gone);
	table_put(own_table(c, kind->slot), kind, m, &gone);
	let_go(&gone);
}

/* Unless a newer one is there. */
static void shared_put(struct caches *c, const struct cache_kind *kind, struct made *m)
{
	struct link gone;
	list_init(&gone);
	pthread_mutex_lock(&c->all[kind->slot].lock);
	struct table *t = &c->all[kind->slot].table;
	const struct made *there = table_get(t, m->key);
	if (!there || there->version <= m->version)
		table_put(t, kind, m, &gone);
	pthread_mutex_unlock(&c->all[kind->slot].lock);
	let_go(&gone);
}

/* ---- is it good? -------------------------------------------------------------- */

static bool good(struct made *m, struct shard *shard)
{
	uint64_t version = m->version, now;
	if (!shard || version == shard_version(shard))
		return true;
	if (m->all || !shard_unchanged(shard, version, m->marks, m->n, &now))
		return false;
	m->version = now;
	return true;
}

/* ---- loading ------------------------------------------------------------------ */

static struct made *made_new(const struct cache_kind *kind, struct str key, void *value, uint64_t version,
			     const struct reads *r)
{
	struct made *m = heap_alloc(1, sizeof *m + r->n * sizeof *r->marks + key.n);
	m->key = str_make(memcpy(&m->marks[r->n], key.p, key.n), key.n);
	m->value = value;
	m->free = kind->free;
	m->bytes = kind->bytes ? kind->bytes(value) : 0;
	m->holders = 1;
	m->version = version;
	m->all = r->all;
	m->n = r->n;
	memcpy(m->marks, r->marks, r->n * sizeof *r->marks);
	return m;
}

static struct status load(struct req *rq, const struct cache_kind *kind, struct shard *shard, struct str key,
			  struct str full, struct made **out)
{
	struct reads r = { 0 };
	uint64_t version = 0;
	struct txn *t = NULL;
	struct reads *outer = NULL;
	void *value;
	if (shard) {
		/* the snapshot may be an older one of this request; its version is from before it was taken */
		TRY(req_read(rq, shard, &t));
		version = req_read_version(rq, shard);
		outer = txn_note_reads(t, &r);
	}
	struct status st = kind->load(rq, shard, key, &value);
	if (t)
		txn_note_reads(t, outer);
	TRY(st);
	*out = made_new(kind, full, value, version, &r);
	return OK;
}

/* A load that is under way does not see what this value was made from. */
static void spoil_outer(struct req *rq, struct shard *shard)
{
	for (unsigned i = 0; i < rq->n_reads; i++) {
		if (rq->reads[i].shard != shard)
			continue;
		struct reads *outer = txn_note_reads(rq->reads[i].txn, NULL);
		if (outer)
			outer->all = true;
		txn_note_reads(rq->reads[i].txn, outer);
	}
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

/* What a request was given, newest first. */
struct handed {
	struct made *made;
	struct shard *shard; /* NULL: what never goes stale */
	unsigned slot;
	const struct handed *next;
};

static void hand_out(struct req *rq, const struct cache_kind *kind, struct shard *shard, struct made *m,
		     const void **value)
{
	struct handed *h = NEW(rq->mem, struct handed);
	*h = (struct handed){ m, shard, kind->slot, rq->handed };
	rq->handed = h;
	req_pin(rq, release, m);
	*value = m->value;
}

bool cached_stands(const struct req *rq, enum cache_slot but, const struct shard *shard)
{
	for (const struct handed *h = rq->handed; h; h = h->next)
		if ((h->slot != but || h->shard != shard) && !good(h->made, h->shard))
			return false;
	return true;
}

struct status cached(struct req *rq, const struct cache_kind *kind, struct shard *shard, struct str key,
		     const void **value)
{
	struct caches *c = rq->app->caches;
	struct str full = full_key(rq, shard, key);
	if (shard)
		spoil_outer(rq, shard);
	struct table *own = own_table(c, kind->slot);
	struct made *m = table_get(own, full);
	if (m && good(m, shard)) {
		hand_out(rq, kind, shard, held(m), value);
		return OK;
	}
	m = shared_get(c, kind->slot, full);
	if (!m || !good(m, shard)) {
		if (m)
			release(m);
		TRY(load(rq, kind, shard, key, full, &m));
		shared_put(c, kind, m);
	}
	own_put(c, kind, m);
	hand_out(rq, kind, shard, m, value);
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

static const struct cache_kind documents = { "document", CACHE_DOCUMENT, 256, load_document, free_document, NULL, 0 };

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

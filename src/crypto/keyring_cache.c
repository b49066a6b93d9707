/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The cache of unwrapped keys. The table holds no secret: ids, marks of age and pointers
 * into locked memory. Ids are SHA-256 values, so their first bytes serve as the hash.
 *
 * Lock order: one set lock at a time, and under it only the secret pool's.
 */
#include "crypto/keyring_cache.h"

#include <pthread.h>

enum { LOCKS = 64, FIRST_WAYS = 2 };

struct entry {
	uint8_t id[KEY_ID_SIZE];
	uint64_t above[KEY_DEPTH_MAX]; /* first bytes of the ids above; 0: none. A false match only forgets too much. */
	uint64_t used;                 /* the lock's tick at the last use */
	struct key_material *m;        /* NULL: free */
};

/* Has room for as many as it ever had to hold: where few keys are, the cache is small. */
struct set {
	struct entry *e;
	size_t ways;
};

struct set_lock {
	_Alignas(64) pthread_mutex_t mutex; /* a cache line of its own */
	uint64_t tick;
};

struct key_cache {
	struct set_lock locks[LOCKS];
	_Atomic uint64_t epoch;
	struct set sets[KEY_CACHE_SETS];
};

struct key_material *key_material_share(struct key_material *m)
{
	atomic_fetch_add_explicit(&m->refs, 1, memory_order_relaxed);
	return m;
}

void key_material_drop(struct key_material *m)
{
	if (atomic_fetch_sub_explicit(&m->refs, 1, memory_order_acq_rel) != 1)
		return;
	if (material_keypair(m->kind))
		keypair_free(m->keypair);
	struct secret s = { (uint8_t *)m, sizeof *m };
	secret_free(&s);
}

static uint64_t prefix(const uint8_t id[KEY_ID_SIZE])
{
	uint64_t v;

	memcpy(&v, id, sizeof v);
	return v ? v : 1; /* 0 is taken */
}

static size_t set_of(const uint8_t id[KEY_ID_SIZE]) { return prefix(id) % KEY_CACHE_SETS; }

struct key_cache *key_cache_new(void)
{
	struct key_cache *c = HEAP(struct key_cache);
	pthread_mutexattr_t attr;

	/* Held for nanoseconds: spin a little before sleeping. */
	assert(pthread_mutexattr_init(&attr) == 0);
	assert(pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_ADAPTIVE_NP) == 0);
	for (size_t i = 0; i < LOCKS; i++)
		assert(pthread_mutex_init(&c->locks[i].mutex, &attr) == 0);
	pthread_mutexattr_destroy(&attr);
	return c;
}

static void entry_clear(struct entry *e)
{
	struct key_material *m = e->m;

	*e = (struct entry){ 0 };
	if (m)
		key_material_drop(m);
}

void key_cache_free(struct key_cache *c)
{
	for (size_t set = 0; set < KEY_CACHE_SETS; set++) {
		for (size_t i = 0; i < c->sets[set].ways; i++)
			entry_clear(&c->sets[set].e[i]);
		heap_free(c->sets[set].e);
	}
	for (size_t i = 0; i < LOCKS; i++)
		pthread_mutex_destroy(&c->locks[i].mutex);
	heap_free(c);
}

static struct set_lock *lock_set(struct key_cache *c, size_t set)
{
	struct set_lock *l = &c->locks[set % LOCKS];

	pthread_mutex_lock(&l->mutex);
	l->tick++;
	return l;
}

static struct entry *find(struct set *set, const uint8_t id[KEY_ID_SIZE])
{
	struct entry *e = set->e;

	for (size_t i = 0; i < set->ways; i++)
		if (e[i].m && memcmp(e[i].id, id, KEY_ID_SIZE) == 0) /* ids are public */
			return &e[i];
	return NULL;
}

struct key_material *key_cache_get(struct key_cache *c, const uint8_t id[KEY_ID_SIZE])
{
	size_t set = set_of(id);
	struct set_lock *l = lock_set(c, set);
	struct entry *e = find(&c->sets[set], id);
	struct key_material *m = NULL;

	if (e) {
		e->used = l->tick;
		m = key_material_share(e->m);
	}
	pthread_mutex_unlock(&l->mutex);
	return m;
}

static struct entry *grow(struct set *set)
{
	size_t old = set->ways;
	struct entry *more = HEAPS(struct entry, old ? 2 * old : FIRST_WAYS);

	if (old)
		memcpy(more, set->e, old * sizeof *more);
	heap_free(set->e);
	*set = (struct set){ more, old ? 2 * old : FIRST_WAYS };
	return &more[old];
}

/* A free place in the set, a new one, or that of the key unused for longest. */
static struct entry *place(struct set *set)
{
	struct entry *e = set->e, *oldest = e;

	for (size_t i = 0; i < set->ways; i++) {
		if (!e[i].m)
			return &e[i];
		if (e[i].used < oldest->used)
			oldest = &e[i];
	}
	return set->ways < KEY_CACHE_WAYS ? grow(set) : oldest;
}

static void entry_fill(struct entry *e, const struct key_path *path, struct key_material *m, uint64_t tick)
{
	entry_clear(e);
	memcpy(e->id, path->id, KEY_ID_SIZE);
	for (size_t i = 0; i < path->n_above; i++)
		e->above[i] = prefix(path->above[i]);
	e->used = tick;
	e->m = key_material_share(m);
}

struct key_material *key_cache_put(struct key_cache *c, const struct key_path *path, struct key_material *m,
				   uint64_t epoch)
{
	size_t set = set_of(path->id);
	struct set_lock *l = lock_set(c, set);
	struct entry *e = find(&c->sets[set], path->id);
	struct key_material *mine = m;

	if (e)
		m = key_material_share(e->m);
	else if (atomic_load(&c->epoch) == epoch)
		entry_fill(place(&c->sets[set]), path, m, l->tick);
	pthread_mutex_unlock(&l->mutex);
	if (m != mine)
		key_material_drop(mine);
	return m;
}

uint64_t key_cache_epoch(struct key_cache *c) { return atomic_load(&c->epoch); }

static bool is_under(const struct entry *e, uint64_t id)
{
	for (size_t i = 0; i < KEY_DEPTH_MAX; i++)
		if (e->above[i] == id)
			return true;
	return false;
}

void key_cache_forget(struct key_cache *c, const uint8_t id[KEY_ID_SIZE])
{
	uint64_t p = prefix(id);

	/* First the epoch, then the sets: whoever unwrapped before and puts later sees the new epoch. */
	atomic_fetch_add(&c->epoch, 1);
	for (size_t set = 0; set < KEY_CACHE_SETS; set++) {
		struct set_lock *l = lock_set(c, set);
		struct entry *e = c->sets[set].e;
		for (size_t i = 0; i < c->sets[set].ways; i++)
			if (e[i].m && (prefix(e[i].id) == p || is_under(&e[i], p)))
				entry_clear(&e[i]);
		pthread_mutex_unlock(&l->mutex);
	}
}

size_t key_cache_count(struct key_cache *c)
{
	size_t n = 0;

	for (size_t set = 0; set < KEY_CACHE_SETS; set++) {
		struct set_lock *l = lock_set(c, set);
		for (size_t i = 0; i < c->sets[set].ways; i++)
			n += c->sets[set].e[i].m != NULL;
		pthread_mutex_unlock(&l->mutex);
	}
	return n;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The places of last uses: a table by key under one lock, taken when a key is loaded, and one
 * small lock each (after the table's), held for a few stores. A place lives while a cached key points at it or it has
 * news that is not written.
 *
 * A use is noted before its record is appended. So when a writing first asks how far the trail
 * is and then looks at the places, every use whose record lies before that point is in them.
 */
#include "svc/kms/usage.h"

#include "api/record.h"
#include "base/log.h"
#include "base/map.h"
#include "base/str.h"
#include "base/time.h"
#include "svc/kms/duty.h"
#include "svc/kms/usage_rows.h"
#include "wire/pack.h"

#include <pthread.h>
#include <stdatomic.h>

/* More than keys are kept ready (key.c): those have a place each, and so have some that are not ready any more. */
enum { PLACES_MAX = 256 * 1024, AT_ONCE = 1024 };

struct kms_last {
	atomic_uint holders; /* the table is one */
	struct str account, region, id;
	pthread_mutex_t lock; /* of what follows */
	bool fresh;           /* not written yet */
	int64_t when;
	enum kms_key_last_usage_tracking_operation operation;
	char event_id[KMS_UUID], request_id[KMS_UUID];
};

struct kms_usage {
	int64_t since;
	pthread_mutex_t lock; /* of the table */
	struct map places;    /* "<account>/<region>/<id>" */
};

/* ---- places ------------------------------------------------------------------------ */

static struct str table_key(struct arena *mem, struct str account, struct str region, struct str id)
{
	return arena_printf(mem, "%.*s/%.*s/%.*s", PR(account), PR(region), PR(id));
}

static struct kms_last *place_new(struct str account, struct str region, struct str id)
{
	struct kms_last *l = HEAP(struct kms_last);
	l->account = heap_dup(account);
	l->region = heap_dup(region);
	l->id = heap_dup(id);
	pthread_mutex_init(&l->lock, NULL);
	atomic_init(&l->holders, 1);
	return l;
}

void kms_usage_release(struct kms_last *l)
{
	if (!l || atomic_fetch_sub(&l->holders, 1) != 1)
		return;
	pthread_mutex_destroy(&l->lock);
	heap_free(l->account.p);
	heap_free(l->region.p);
	heap_free(l->id.p);
	heap_free(l);
}

struct kms_last *kms_usage_hold(struct app *app, struct str account, struct str region, struct str id)
{
	struct kms_usage *u = app->kms_usage;
	if (!u)
		return NULL;
	struct arena *mem = arena_new();
	struct str key = table_key(mem, account, region, id);
	pthread_mutex_lock(&u->lock);
	struct kms_last *l = map_get(&u->places, key);
	if (!l && u->places.n < PLACES_MAX) {
		l = place_new(account, region, id);
		(void)map_put(&u->places, key, l);
	}
	if (l)
		atomic_fetch_add(&l->holders, 1);
	pthread_mutex_unlock(&u->lock);
	arena_free(mem);
	return l;
}

/* ---- noting --------------------------------------------------------------------------- */

void kms_usage_note(struct req *rq, const struct kms_key *key)
{
	enum kms_key_last_usage_tracking_operation operation = kms_usage_operation(str_of(rq->op->name));
	struct kms_last *l = key->last;
	char event_id[KMS_UUID];
	if (!l || !operation)
		return;
	record_event_id_for(rq, key->account, event_id);
	pthread_mutex_lock(&l->lock);
	if (rq->now_ms >= l->when) {
		l->fresh = true;
		l->when = rq->now_ms;
		l->operation = operation;
		memcpy(l->event_id, event_id, KMS_UUID);
		memcpy(l->request_id, rq->id.p, KMS_UUID);
	}
	pthread_mutex_unlock(&l->lock);
}

/* ---- asking ----------------------------------------------------------------------------- */

static struct kms_usage_row row_of(struct arena *mem, const struct kms_last *l)
{
	return (struct kms_usage_row){
		.when = l->when,
		.operation = l->operation,
		.event_id = str_dup(mem, str_make(l->event_id, KMS_UUID)),
		.request_id = str_dup(mem, str_make(l->request_id, KMS_UUID)),
	};
}

static bool noted(struct req *rq, struct kms_last *l, struct kms_usage_row *row)
{
	if (!l)
		return false;
	pthread_mutex_lock(&l->lock);
	bool any = l->when > 0;
	if (any)
		*row = row_of(rq->mem, l);
	pthread_mutex_unlock(&l->lock);
	return any;
}

static struct status last_use(struct req *rq, const struct kms_found *f, struct kms_usage_row *last)
{
	struct str bytes;
	struct txn *t;
	if (noted(rq, f->key->last, last))
		return OK;
	TRY(req_read(rq, f->shard, &t));
	struct status st = txn_get(t, kms_key_of(rq->mem, 'u', f->key->id), rq->mem, &bytes);
	if (st.code == E_NOT_FOUND)
		return OK;
	TRY(st);
	return unpack(rq->mem, &kms_usage_row_shape, bytes, last);
}

struct status kms_usage_get(struct req *rq, const struct kms_found *f, struct kms_usage_state *out)
{
	const struct kms_usage *u = rq->app->kms_usage;
	*out = (struct kms_usage_state){ .tracked_since = f->key->row.created_at };
	if (u && u->since > out->tracked_since)
		out->tracked_since = u->since;
	TRY(last_use(rq, f, &out->last));
	if (out->last.when < f->key->row.created_at)
		out->last = (struct kms_usage_row){ 0 }; /* of a replica that was deleted and made again */
	return OK;
}

struct status kms_usage_idle_days(struct req *rq, const struct kms_found *f, int64_t *days)
{
	struct kms_usage_state s;
	TRY(kms_usage_get(rq, f, &s));
	int64_t from = s.last.when ? s.last.when : s.tracked_since;
	*days = rq->now_ms > from ? (rq->now_ms - from) / DAY_MS : 0;
	return OK;
}

/* ---- writing down -------------------------------------------------------------------------- */

/* The places with news, each held, and no longer fresh; those that nobody needs any more are let go. */
static struct kms_last **take_fresh(struct kms_usage *u, struct arena *mem, size_t *n)
{
	size_t it = 0, old = 0;
	struct str key;
	void *value;
	pthread_mutex_lock(&u->lock);
	struct kms_last **fresh = NEWS(mem, struct kms_last *, u->places.n + 1);
	struct str *idle = NEWS(mem, struct str, u->places.n + 1);
	while (map_next(&u->places, &it, &key, &value)) {
		struct kms_last *l = value;
		pthread_mutex_lock(&l->lock);
		if (l->fresh) {
			atomic_fetch_add(&l->holders, 1);
			fresh[(*n)++] = l;
		} else if (atomic_load(&l->holders) == 1) {
			idle[old++] = str_dup(mem, key);
		}
		l->fresh = false;
		pthread_mutex_unlock(&l->lock);
	}
	for (size_t i = 0; i < old; i++)
		kms_usage_release(map_del(&u->places, idle[i]));
	pthread_mutex_unlock(&u->lock);
	return fresh;
}

static bool same_place(const struct kms_last *a, const struct kms_last *b)
{
	return str_eq(a->account, b->account) && str_eq(a->region, b->region);
}

/* Those of the first one's account and region, brought to the front. */
static size_t gather(struct kms_last **v, size_t n)
{
	size_t here = 1;
	for (size_t i = 1; i < n; i++) {
		if (!same_place(v[i], v[0]))
			continue;
		struct kms_last *l = v[i];
		v[i] = v[here];
		v[here++] = l;
	}
	return here;
}

static size_t min(size_t a, size_t b) { return a < b ? a : b; }

static struct kms_usage_list list_of(struct arena *mem, struct kms_last **v, size_t n)
{
	struct kms_usage_entry *entries = NEWS(mem, struct kms_usage_entry, n);
	for (size_t i = 0; i < n; i++) {
		pthread_mutex_lock(&v[i]->lock);
		entries[i] = (struct kms_usage_entry){ v[i]->id, row_of(mem, v[i]) };
		pthread_mutex_unlock(&v[i]->lock);
	}
	return (struct kms_usage_list){ v[0]->account, v[0]->region, entries, n };
}

static void keep_fresh(struct kms_last **v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		pthread_mutex_lock(&v[i]->lock);
		v[i]->fresh = true;
		pthread_mutex_unlock(&v[i]->lock);
	}
}

/* Those of one account and region. */
static bool write_place(struct app *app, struct arena *mem, struct kms_last **v, size_t n)
{
	bool all = true;
	for (size_t at = 0, some; at < n; at += some) {
		some = min(n - at, AT_ONCE);
		const struct kms_usage_list list = list_of(mem, v + at, some);
		if (kms_usage_put(app, &list))
			continue;
		keep_fresh(v + at, some);
		all = false;
	}
	return all;
}

void kms_usage_write(struct app *app)
{
	struct kms_usage *u = app->kms_usage;
	size_t n = 0;
	bool all = true;
	if (!u)
		return;
	struct arena *mem = arena_new();
	const struct kms_trail_marks marks = kms_usage_marks(app, mem); /* first: see above */
	struct kms_last **v = take_fresh(u, mem, &n);
	for (size_t at = 0, here; at < n; at += here) {
		here = gather(v + at, n - at);
		all &= write_place(app, mem, v + at, here);
	}
	for (size_t i = 0; i < n; i++)
		kms_usage_release(v[i]);
	if (all)
		kms_usage_marks_put(app, &marks);
	arena_free(mem);
}

/* ---- beginning and end ------------------------------------------------------------------------ */

void kms_usage_open(struct app *app)
{
	struct kms_usage *u = HEAP(struct kms_usage);
	uint64_t seed;
	world_random(app->world, &seed, sizeof seed);
	u->since = kms_usage_recover(app);
	pthread_mutex_init(&u->lock, NULL);
	map_init(&u->places, seed);
	app->kms_usage = u;
}

void kms_usage_close(struct app *app)
{
	struct kms_usage *u = app->kms_usage;
	size_t it = 0;
	struct str key;
	void *value;
	if (!u)
		return;
	while (map_next(&u->places, &it, &key, &value))
		kms_usage_release(value);
	map_free(&u->places);
	pthread_mutex_destroy(&u->lock);
	app->kms_usage = NULL;
	heap_free(u);
}

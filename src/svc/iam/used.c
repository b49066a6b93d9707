/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of last uses. What was noted within the same minute is recognised by its hash
 * in `recent` without a lock; else the lock is held for one map operation.
 *
 * Writing out takes the whole table away under the lock and puts a new one in its place;
 * readers look into both until the writing is done, so no use is ever invisible. A table
 * that cannot be written (disk full) is dropped: last use is information, not a promise.
 */
#include "svc/iam/used.h"

#include "api/accounts.h"
#include "base/fiber.h"
#include "base/log.h"
#include "base/map.h"
#include "base/str.h"
#include "base/time.h"
#include "wire/pack.h"

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { RECENT = 4096, WRITE_EVERY_MS = MINUTE_MS, TABLE_MAX = 65536 };

struct use {
	struct str account, key, region;
	const char *service;
	int64_t when_ms;
};

struct iam_used {
	struct app *app;
	uint64_t seed;
	_Atomic uint64_t recent[RECENT];
	pthread_mutex_t lock;
	struct map now, writing; /* by account and row key */
	pthread_t thread;
	int wake_fd;
	atomic_bool stop;
};

/* ---- noting ------------------------------------------------------------------------- */

static struct str row_key(struct arena *mem, enum iam_used_kind kind, struct str id)
{
	return key_of(mem, (char)kind, id, (struct str){ 0 }, (struct str){ 0 });
}

static struct str table_key(struct arena *mem, struct str account, enum iam_used_kind kind, struct str id)
{
	return arena_printf(mem, "%.*s%c%.*s", PR(account), kind, PR(id));
}

static struct str region_of(const struct req *rq) { return rq->svc->global ? S("us-east-1") : rq->region; }

static bool seen(struct iam_used *u, struct req *rq, struct str id)
{
	uint64_t h = str_hash(id, u->seed) ^ str_hash(region_of(rq), u->seed + 1) ^ (uint64_t)(uintptr_t)rq->svc;
	h = (h * UINT64_C(0x9e3779b97f4a7c15) + (uint64_t)(rq->now_ms / MINUTE_MS)) | 1;
	_Atomic uint64_t *slot = &u->recent[(h >> 20) % RECENT];
	if (atomic_load_explicit(slot, memory_order_relaxed) == h)
		return true;
	atomic_store_explicit(slot, h, memory_order_relaxed);
	return false;
}

static void use_free(struct use *use)
{
	heap_free(use->account.p);
	heap_free(use->key.p);
	heap_free(use->region.p);
	heap_free(use);
}

void iam_used_note(struct req *rq, struct str account, enum iam_used_kind kind, struct str id)
{
	struct iam_used *u = rq->app->iam_used;
	if (!u || seen(u, rq, id))
		return;
	struct use *use = HEAP(struct use);
	*use = (struct use){
		.account = heap_dup(account),
		.key = heap_dup(row_key(rq->mem, kind, id)),
		.region = heap_dup(region_of(rq)),
		.service = rq->svc->name,
		.when_ms = rq->now_ms,
	};
	pthread_mutex_lock(&u->lock);
	struct use *old = u->now.n < TABLE_MAX ? map_put(&u->now, table_key(rq->mem, account, kind, id), use) : use;
	pthread_mutex_unlock(&u->lock);
	if (old)
		use_free(old);
}

/* ---- reading --------------------------------------------------------------------------- */

static bool get_noted(struct req *rq, struct str key, struct iam_used_row *row)
{
	struct iam_used *u = rq->app->iam_used;
	if (!u)
		return false;
	pthread_mutex_lock(&u->lock);
	const struct use *use = map_get(&u->now, key);
	if (!use)
		use = map_get(&u->writing, key);
	if (use)
		*row = (struct iam_used_row){ SET(use->when_ms), str_of(use->service), str_dup(rq->mem, use->region) };
	pthread_mutex_unlock(&u->lock);
	return use;
}

static struct str shard_of(struct arena *mem, struct str account)
{
	return arena_printf(mem, "iam/%.*s/used", PR(account));
}

struct status iam_used_get(struct req *rq, enum iam_used_kind kind, struct str id, struct iam_used_row *row)
{
	struct shard *shard;
	struct txn *t;
	if (get_noted(rq, table_key(rq->mem, rq->account, kind, id), row))
		return OK;
	TRY(req_shard_of(rq, rq->account, "iam", shard_of(rq->mem, rq->account), &shard));
	TRY(req_read(rq, shard, &t));
	struct status st = iam_row_get(rq->mem, t, row_key(rq->mem, kind, id), &iam_used_row_shape, row);
	return st.code == E_NOT_FOUND ? OK : st;
}

/* ---- writing out -------------------------------------------------------------------------- */

static struct status put_all(struct iam_used *u, struct arena *mem, struct str account, struct txn *t)
{
	size_t it = 0;
	struct str key;
	void *value;
	while (map_next(&u->writing, &it, &key, &value)) {
		const struct use *use = value;
		struct iam_used_row row = { SET(use->when_ms), str_of(use->service), use->region };
		struct buf b = buf_in(mem);
		if (!str_eq(use->account, account))
			continue;
		pack(&b, &iam_used_row_shape, &row);
		TRY(txn_put(t, use->key, buf_str(&b)));
	}
	return OK;
}

static struct status write_account(struct iam_used *u, struct arena *mem, struct str account)
{
	const struct key_ref *key;
	struct shard *shard;
	struct txn *t;
	TRY(account_service_key(u->app->accounts, account, S("iam"), &key));
	TRY(shard_open(u->app->store, shard_of(mem, account), key, &shard));
	struct status st = txn_write(shard, &t);
	if (!failed(st))
		st = txn_finish(t, put_all(u, mem, account, t));
	shard_close(shard);
	return st;
}

static bool concerns(const struct iam_used *u, struct str account)
{
	size_t it = 0;
	struct str key;
	void *value;
	while (map_next(&u->writing, &it, &key, &value))
		if (str_starts(key, account))
			return true;
	return false;
}

static void write_out(void *arg)
{
	struct iam_used *u = arg;
	struct arena *mem = arena_new();
	const struct account *account;
	for (size_t i = 0; (account = account_at(u->app->accounts, i)); i++) {
		if (!concerns(u, account->id))
			continue;
		struct status st = write_account(u, mem, account->id);
		if (failed(st))
			log_warn("last uses not written", "account", account->id, "status", str_of(status_name(st)));
	}
	arena_free(mem);
}

static void clear(struct map *m)
{
	size_t it = 0;
	struct str key;
	void *value;
	while (map_next(m, &it, &key, &value))
		use_free(value);
	map_free(m);
}

/* Only the thread itself changes `writing`. */
static void flush(struct iam_used *u)
{
	struct map empty;
	map_init(&empty, u->seed);
	pthread_mutex_lock(&u->lock);
	bool any = u->now.n > 0;
	if (any) {
		map_free(&u->writing);
		u->writing = u->now;
		u->now = empty;
	}
	pthread_mutex_unlock(&u->lock);
	if (!any) {
		map_free(&empty);
		return;
	}
	fiber_block_on(write_out, u);
	map_init(&empty, u->seed);
	pthread_mutex_lock(&u->lock);
	struct map done = u->writing;
	u->writing = empty;
	pthread_mutex_unlock(&u->lock);
	clear(&done);
}

static void *keep(void *arg)
{
	struct iam_used *u = arg;
	struct pollfd fd = { .fd = u->wake_fd, .events = POLLIN };
	while (!atomic_load(&u->stop)) {
		(void)poll(&fd, 1, WRITE_EVERY_MS);
		flush(u);
	}
	return NULL;
}

struct status iam_used_open(struct app *app)
{
	struct iam_used *u = HEAP(struct iam_used);
	u->app = app;
	world_random(app->world, &u->seed, sizeof u->seed);
	pthread_mutex_init(&u->lock, NULL);
	map_init(&u->now, u->seed);
	map_init(&u->writing, u->seed);
	u->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (u->wake_fd < 0 || pthread_create(&u->thread, NULL, keep, u)) {
		if (u->wake_fd >= 0)
			close(u->wake_fd);
		heap_free(u);
		return ERR(E_IO);
	}
	app->iam_used = u;
	return OK;
}

void iam_used_close(struct app *app)
{
	struct iam_used *u = app->iam_used;
	uint64_t one = 1;
	if (!u)
		return;
	atomic_store(&u->stop, true);
	ssize_t n = write(u->wake_fd, &one, sizeof one);
	assert(n == (ssize_t)sizeof one);
	pthread_join(u->thread, NULL);
	flush(u);
	clear(&u->now);
	clear(&u->writing);
	close(u->wake_fd);
	pthread_mutex_destroy(&u->lock);
	app->iam_used = NULL;
	heap_free(u);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finishing at start what a crash left.
 *
 * Deletes of buckets are few and are finished before the first request; the names shard notes
 * which indexes they concern, so that start opens no others. An index that is damaged or cannot
 * be had is logged and left as it is: its bucket answers errors, the others serve.
 *
 * Blobs nobody names are searched for beside the requests: all ids in use are gathered from the
 * indexes, then blobs_sweep asks for each file of an earlier run. A file of this run is never
 * touched, and an id an earlier run left unnamed is never named again, so the snapshot may be old.
 */
#include "svc/s3/start.h"

#include "api/accounts.h"
#include "base/fiber.h"
#include "base/log.h"
#include "base/map.h"
#include "base/str.h"
#include "svc/s3/object.h"
#include "wire/pack.h"

#include <pthread.h>
#include <stdatomic.h>

/* ---- buckets ---------------------------------------------------------------------------- */

static struct status names_open(struct app *app, struct arena *mem, struct shard **out)
{
	const struct account *first = account_at(app->accounts, 0);
	const struct key_ref *key;
	if (!first)
		return ERR(E_NOT_FOUND);
	TRY(account_service_key(app->accounts, first->id, S("s3"), &key));
	return shard_open(app->store, arena_printf(mem, "s3/%.*s/names", PR(first->id)), key, out);
}

static struct status index_open(struct app *app, struct arena *mem, struct str owner, struct str id, struct shard **out)
{
	const struct key_ref *key;
	TRY(account_service_key(app->accounts, owner, S("s3"), &key));
	return shard_open(app->store, s3_index_name(mem, owner, id), key, out);
}

struct found {
	struct str owner, id;
	struct str row; /* the key it was found at */
};

struct found_list {
	struct found *v;
	size_t n, cap;
};

static void found_add(struct arena *mem, struct found_list *l, struct str owner, struct str id, struct str row)
{
	if (l->n == l->cap) {
		size_t cap = l->cap ? 2 * l->cap : 16;
		struct found *v = NEWS(mem, struct found, cap);
		if (l->n)
			memcpy(v, l->v, l->n * sizeof *v);
		l->v = v;
		l->cap = cap;
	}
	l->v[l->n++] = (struct found){ str_dup(mem, owner), str_dup(mem, id), str_dup(mem, row) };
}

static struct status find_buckets(struct arena *mem, struct txn *t, struct found_list *out)
{
	struct cursor c;
	TRY(txn_range(t, &(struct range){ .prefix = S("b") }, &c));
	while (cursor_next(&c)) {
		struct s3_bucket_row row = { 0 };
		TRY(unpack(mem, &s3_bucket_row_shape, c.val, &row));
		found_add(mem, out, row.owner, row.id, c.key);
	}
	return cursor_end(&c);
}

static struct status find_noted(struct arena *mem, struct txn *t, struct str tag, struct found_list *out)
{
	struct cursor c;
	TRY(txn_range(t, &(struct range){ .prefix = tag }, &c));
	while (cursor_next(&c)) {
		struct s3_dropped_row row = { 0 };
		struct rd key = rd_of(c.key);
		TRY(unpack(mem, &s3_dropped_row_shape, c.val, &row));
		(void)key_take_tag(&key);
		found_add(mem, out, row.owner, key_take_str(&key, mem), c.key);
	}
	return cursor_end(&c);
}

static struct status find_closing(struct arena *mem, struct txn *t, struct found_list *out)
{
	return find_noted(mem, t, S("c"), out);
}

static struct status find_dropped(struct arena *mem, struct txn *t, struct found_list *out)
{
	return find_noted(mem, t, S("x"), out);
}

typedef struct status finder(struct arena *mem, struct txn *t, struct found_list *out);

static struct status find(struct shard *names, struct arena *mem, finder *by, struct found_list *out)
{
	struct txn *t;
	TRY(txn_read(names, &t));
	struct status st = by(mem, t, out);
	txn_end(t);
	return st;
}

static struct status is_closed(struct arena *mem, struct shard *index, bool *closed)
{
	struct txn *t;
	TRY(txn_read(index, &t));
	struct status st = txn_has(t, s3_closed_key(mem), closed);
	txn_end(t);
	return st;
}

static struct status delete_row(struct shard *sh, struct str key)
{
	struct txn *t;
	TRY(txn_write(sh, &t));
	struct status st = txn_del(t, key);
	return txn_finish(t, st);
}

static struct status open_again(struct app *app, struct arena *mem, struct shard *names, const struct found *f)
{
	struct shard *index;
	bool closed;
	TRY(index_open(app, mem, f->owner, f->id, &index));
	struct status st = is_closed(mem, index, &closed);
	if (!failed(st) && closed)
		st = delete_row(index, s3_closed_key(mem));
	shard_close(index);
	return failed(st) ? st : delete_row(names, f->row);
}

/* An index whose records the trail has not read yet stays until the next start. */
static struct status shred(struct app *app, struct arena *mem, struct shard *names, const struct found *f)
{
	struct shard *index;
	TRY(index_open(app, mem, f->owner, f->id, &index));
	struct status st = shard_drop(index);
	shard_close(index);
	if (st.code == E_BUSY)
		return OK;
	TRY(st);
	return delete_row(names, f->row);
}

static void left(const char *what, struct str bucket, struct status st)
{
	if (failed(st))
		log_error(what, "bucket", bucket, "status", str_of(status_name(st)));
}

static struct status finish(struct app *app, struct arena *mem, struct shard *names)
{
	struct found_list closing = { 0 }, dropped = { 0 };
	TRY(find(names, mem, find_closing, &closing));
	TRY(find(names, mem, find_dropped, &dropped));
	for (size_t i = 0; i < closing.n; i++)
		left("a bucket's index is not opened again", closing.v[i].id,
		     open_again(app, mem, names, &closing.v[i]));
	for (size_t i = 0; i < dropped.n; i++)
		left("a deleted bucket's index is not shredded yet", dropped.v[i].id,
		     shred(app, mem, names, &dropped.v[i]));
	return OK;
}

void s3_finish_deletes(struct app *app)
{
	struct arena *mem = arena_new();
	struct shard *names = NULL;
	struct status st = names_open(app, mem, &names);
	if (st.code == E_NOT_FOUND)
		st = OK; /* no account yet, so no bucket */
	else if (!failed(st))
		st = finish(app, mem, names);
	if (failed(st))
		log_error("the names of buckets cannot be read", "status", str_of(status_name(st)));
	shard_close(names);
	arena_free(mem);
}

/* ---- blobs --------------------------------------------------------------------------------- */

struct s3_sweeper {
	struct app *app;
	pthread_t thread;
	atomic_bool stop;
	struct map used; /* by blob id */
};

static bool stopping(struct s3_sweeper *s) { return atomic_load_explicit(&s->stop, memory_order_relaxed); }

static void use(struct s3_sweeper *s, struct str id)
{
	if (id.n)
		map_put(&s->used, id, s);
}

static struct status use_objects(struct s3_sweeper *s, struct arena *mem, struct txn *t)
{
	struct cursor c;
	TRY(txn_range(t, &(struct range){ .prefix = S("o") }, &c));
	while (!stopping(s) && cursor_next(&c)) {
		struct s3_object_row row = { 0 };
		TRY(unpack(mem, &s3_object_row_shape, c.val, &row));
		use(s, row.blob_id);
		if (!row.parts_count)
			continue;
		struct rd key = rd_of(c.key);
		struct s3_parts_row parts;
		(void)key_take_tag(&key);
		TRY(s3_parts_get(t, mem, key_take_str(&key, mem), &parts));
		for (size_t i = 0; i < parts.parts.n; i++)
			use(s, parts.parts.v[i].blob_id);
	}
	return cursor_end(&c);
}

static struct status use_parts(struct s3_sweeper *s, struct arena *mem, struct txn *t)
{
	struct cursor c;
	TRY(txn_range(t, &(struct range){ .prefix = S("p") }, &c));
	while (!stopping(s) && cursor_next(&c)) {
		struct s3_part_row row = { 0 };
		TRY(unpack(mem, &s3_part_row_shape, c.val, &row));
		use(s, row.blob_id);
	}
	return cursor_end(&c);
}

static struct status use_index(struct s3_sweeper *s, const struct found *f)
{
	struct arena *mem = arena_new();
	struct shard *index;
	struct txn *t;
	struct status st = index_open(s->app, mem, f->owner, f->id, &index);
	if (!failed(st)) {
		st = txn_read(index, &t);
		if (!failed(st)) {
			st = use_objects(s, mem, t);
			if (!failed(st))
				st = use_parts(s, mem, t);
			txn_end(t);
		}
		shard_close(index);
	}
	arena_free(mem);
	return st;
}

static bool is_used(void *arg, struct blob_id id)
{
	struct s3_sweeper *s = arg;
	return stopping(s) || map_get(&s->used, str_make(id.b, sizeof id.b));
}

static struct status gather(struct s3_sweeper *s, struct arena *mem, struct found_list *buckets)
{
	struct shard *names;
	TRY(names_open(s->app, mem, &names));
	struct status st = find(names, mem, find_buckets, buckets);
	shard_close(names);
	for (size_t i = 0; i < buckets->n && !failed(st) && !stopping(s); i++)
		st = use_index(s, &buckets->v[i]);
	return st;
}

static void sweep(void *arg)
{
	struct s3_sweeper *s = arg;
	struct arena *mem = arena_new();
	struct found_list buckets = { 0 };
	uint64_t removed = 0;
	struct status st = gather(s, mem, &buckets);
	if (!failed(st) && !stopping(s))
		st = blobs_sweep(s->app->blobs, is_used, s, &removed);
	if (failed(st) && st.code != E_NOT_FOUND)
		log_error("blobs were not swept", "status", str_of(status_name(st)));
	if (removed)
		log_info("swept blobs a crash left", "count", arena_printf(mem, "%llu", (unsigned long long)removed));
	arena_free(mem);
}

static void *run(void *arg)
{
	fiber_block_on(sweep, arg);
	return NULL;
}

struct status s3_sweeper_start(struct app *app, struct s3_sweeper **out)
{
	struct s3_sweeper *s = HEAP(struct s3_sweeper);
	uint64_t seed;
	s->app = app;
	world_random(app->world, &seed, sizeof seed);
	map_init(&s->used, seed);
	if (pthread_create(&s->thread, NULL, run, s)) {
		map_free(&s->used);
		heap_free(s);
		return ERR(E_FULL);
	}
	*out = s;
	return OK;
}

void s3_sweeper_wait(struct s3_sweeper *s)
{
	pthread_join(s->thread, NULL);
	map_free(&s->used);
	heap_free(s);
}

void s3_sweeper_stop(struct s3_sweeper *s)
{
	if (!s)
		return;
	atomic_store_explicit(&s->stop, true, memory_order_relaxed);
	s3_sweeper_wait(s);
}

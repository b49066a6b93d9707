/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The store: its directory, its threads, and who holds which shard.
 *
 * A shard that nobody holds stays open until there are too many; then the one idle for
 * longest goes to a writer, which empties its log and closes it. Opening is done by whoever
 * comes first; the others wait for the outcome.
 */
#include "store/internal.h"

#include "base/log.h"
#include "base/str.h"
#include "store/file.h"

#include <fcntl.h>
#include <sys/file.h>

enum { WRITERS_MAX = 16, IO_THREADS = 8 };

static const struct str catalog_name = { "\0catalog", 8 }; /* no caller's name begins with a zero byte */

static struct store_options defaults(const struct store_options *o)
{
	struct store_options out = o ? *o : (struct store_options){ 0 };
	out.writer_threads = out.writer_threads ? out.writer_threads : 2;
	out.shards_open_max = out.shards_open_max ? out.shards_open_max : 128;
	out.batch_max = out.batch_max ? out.batch_max : 256;
	out.batch_us = out.batch_us ? out.batch_us : 2000;
	out.cache_kib = out.cache_kib ? out.cache_kib : 256;
	out.log_pages = out.log_pages ? out.log_pages : 1000;
	assert(out.writer_threads <= WRITERS_MAX);
	return out;
}

static struct status lock_dir(struct store *s)
{
	struct disk *d = s->w->disk;
	TRY(dir_make(s->w, s->dir));
	struct arena *mem = arena_new();
	s->lock_fd = d->open(d, str_z(mem, arena_printf(mem, "%s/lock", s->dir)), O_RDWR | O_CREAT, 0600);
	arena_free(mem);
	if (s->lock_fd < 0)
		return file_status();
	if (flock(s->lock_fd, LOCK_EX | LOCK_NB) < 0) {
		log_error("another process holds the data directory", "dir", str_of(s->dir));
		return ERR(E_BUSY);
	}
	return OK;
}

static void store_free(struct store *s)
{
	if (s->catalog)
		shard_free(s->catalog);
	map_free(&s->shards);
	vfs_free(s->vfs);
	io_pool_free(s->io);
	if (s->lock_fd >= 0)
		s->w->disk->close(s->w->disk, s->lock_fd); /* the lock goes with it */
	pthread_mutex_destroy(&s->lock);
	pthread_mutex_destroy(&s->catalog_lock);
	pthread_cond_destroy(&s->work);
	pthread_cond_destroy(&s->opened);
	heap_free(s->writers);
	heap_free(s->dir);
	heap_free(s);
}

static struct store *store_new(struct world *w, struct keyring *k, const struct key_ref *parent, const char *dir)
{
	struct store *s = HEAP(struct store);
	uint64_t seed;
	s->w = w;
	s->keyring = k;
	s->parent = parent;
	s->dir = HEAPS(char, strlen(dir) + 1);
	memcpy(s->dir, dir, strlen(dir));
	s->lock_fd = -1;
	world_random(w, &seed, sizeof seed);
	map_init(&s->shards, seed);
	list_init(&s->run_queue);
	list_init(&s->idle);
	pthread_mutex_init(&s->lock, NULL);
	pthread_mutex_init(&s->catalog_lock, NULL);
	pthread_cond_init(&s->work, NULL);
	pthread_cond_init(&s->opened, NULL);
	return s;
}

static struct status open_catalog(struct store *s)
{
	struct shard *sh = shard_new(s, catalog_name, s->parent);
	struct status st = shard_load(s, sh, s->parent, true);
	if (failed(st)) {
		shard_free(sh);
		return st;
	}
	sh->refs = 1;
	sh->state = SHARD_OPEN;
	s->catalog = sh;
	return OK;
}

struct status store_open(struct world *w, struct keyring *k, const struct key_ref *parent, const char *dir,
			 const struct store_options *o, struct store **out)
{
	struct store *s = store_new(w, k, parent, dir);
	s->o = defaults(o);
	struct status st = lock_dir(s);
	if (!failed(st)) {
		s->vfs = vfs_new(w);
		st = open_catalog(s);
	}
	if (failed(st)) {
		store_free(s);
		return st;
	}
	s->io = io_pool_new(IO_THREADS);
	s->writers = HEAPS(pthread_t, s->o.writer_threads);
	for (; s->n_writers < s->o.writer_threads; s->n_writers++) {
		int rc = pthread_create(&s->writers[s->n_writers], NULL, writer_thread, s);
		assert(rc == 0);
	}
	*out = s;
	return OK;
}

void store_close(struct store *s)
{
	if (!s)
		return;
	pthread_mutex_lock(&s->lock);
	s->o.shards_open_max = 0;
	shards_trim(s);
	s->stopping = true;
	pthread_cond_broadcast(&s->work);
	pthread_mutex_unlock(&s->lock);
	for (unsigned i = 0; i < s->n_writers; i++)
		pthread_join(s->writers[i], NULL);
	assert(s->n_shards == 0); /* someone still holds a shard */
	shard_flush(s->catalog);
	store_free(s);
}

void store_stats(struct store *s, struct store_stats *out)
{
	*out = (struct store_stats){
		.commits = s->commits,
		.batches = s->batches,
		.aborts = s->aborts,
		.reads = s->reads,
		.checkpoints = s->checkpoints,
	};
	pthread_mutex_lock(&s->lock);
	out->shards_open = s->n_shards;
	pthread_mutex_unlock(&s->lock);
}

struct io_pool *store_io_pool(struct store *s) { return s->io; }

void shards_trim(struct store *s)
{
	for (unsigned open = s->n_shards; open > s->o.shards_open_max && !list_empty(&s->idle); open--) {
		struct shard *sh = ENTRY(s->idle.next, struct shard, run_link);
		sh->evict = true;
		shard_schedule(sh);
	}
}

/* A fiber that waits for someone else's opening; lives on its stack. */
struct opener {
	struct link link;
	struct shard *shard;
	struct fiber *fiber;
};

static void wait_for_open(void *arg, struct fiber *f)
{
	struct opener *op = arg;
	struct store *s = op->shard->store;
	op->fiber = f;
	pthread_mutex_lock(&s->lock);
	bool wait = op->shard->state == SHARD_OPENING;
	if (wait)
		list_push(&op->shard->openers, &op->link);
	pthread_mutex_unlock(&s->lock);
	if (!wait)
		fiber_wake(f);
}

static void wait_while_opening(struct shard *sh)
{
	struct store *s = sh->store;
	struct opener op = { .shard = sh };
	if (fiber_current()) {
		fiber_park(wait_for_open, &op);
		return;
	}
	pthread_mutex_lock(&s->lock);
	while (sh->state == SHARD_OPENING)
		pthread_cond_wait(&s->opened, &s->lock);
	pthread_mutex_unlock(&s->lock);
}

/* Tell all who wait how it went. Waking is done outside the lock: a woken fiber may come here at once. */
static void opened(struct shard *sh, struct status st)
{
	struct store *s = sh->store;
	struct link woken;
	list_init(&woken);
	pthread_mutex_lock(&s->lock);
	sh->open_status = st;
	sh->state = failed(st) ? SHARD_FAILED : SHARD_OPEN;
	if (failed(st)) {
		map_del(&s->shards, sh->name);
		s->n_shards--;
	}
	while (!list_empty(&sh->openers)) {
		struct link *l = sh->openers.next;
		list_del(l);
		list_push(&woken, l);
	}
	pthread_cond_broadcast(&s->opened);
	pthread_mutex_unlock(&s->lock);
	while (!list_empty(&woken)) {
		struct opener *op = ENTRY(woken.next, struct opener, link);
		list_del(&op->link);
		fiber_wake(op->fiber);
	}
}

/* What whoever holds a shard has to do before he uses it. */
enum holding { NOTHING, WAIT, OPEN_IT };

static struct shard *hold(struct store *s, struct str name, const struct key_ref *parent, enum holding *todo)
{
	pthread_mutex_lock(&s->lock);
	struct shard *sh = map_get(&s->shards, name);
	*todo = !sh ? OPEN_IT : sh->state == SHARD_OPENING ? WAIT : NOTHING;
	if (!sh) {
		sh = shard_new(s, name, parent);
		map_put(&s->shards, name, sh);
		s->n_shards++;
	}
	if (sh->refs++ == 0 && !sh->busy)
		list_del(&sh->run_link); /* no longer idle */
	if (*todo == OPEN_IT)
		shards_trim(s);
	pthread_mutex_unlock(&s->lock);
	return sh;
}

static void release(struct shard *sh)
{
	struct store *s = sh->store;
	bool gone = false;
	pthread_mutex_lock(&s->lock);
	assert(sh->refs > 0);
	if (--sh->refs == 0 && !sh->busy) {
		gone = sh->state == SHARD_FAILED || sh->dropped;
		if (gone && sh->dropped)
			s->n_shards--;
		if (!gone) {
			list_push(&s->idle, &sh->run_link);
			shards_trim(s);
		}
	}
	pthread_mutex_unlock(&s->lock);
	if (gone)
		shard_free(sh);
}

static struct status open_shard(struct store *s, struct str name, const struct key_ref *parent, bool make,
				enum holding *todo, struct shard **out)
{
	struct shard *sh = hold(s, name, parent, todo);
	if (*todo == OPEN_IT) {
		bool moved = io_pool_enter(s->io);
		struct status st = shard_load(s, sh, parent, make);
		io_pool_leave(moved);
		opened(sh, st);
	} else if (*todo == WAIT) {
		wait_while_opening(sh);
	}
	struct status st = sh->open_status;
	if (!failed(st) && memcmp(sh->parent_id, parent->id, sizeof sh->parent_id) != 0)
		st = ERR(E_NO_KEY);
	if (failed(st)) {
		release(sh);
		return st;
	}
	*out = sh;
	return OK;
}

static struct status open_named(struct store *s, struct str name, const struct key_ref *parent, bool make,
				struct shard **out)
{
	enum holding todo;
	struct status st;
	if (name.n == 0 || name.n > KEY_MAX || name.p[0] == 0)
		return ERR(E_INVALID);
	assert(!on_writer(s));
	do {
		st = open_shard(s, name, parent, make, &todo, out);
	} while (make && todo != OPEN_IT && st.code == E_NOT_FOUND); /* we waited for one who only looked */
	return st;
}

struct status shard_open(struct store *s, struct str name, const struct key_ref *parent, struct shard **out)
{
	return open_named(s, name, parent, true, out);
}

struct status shard_open_existing(struct store *s, struct str name, const struct key_ref *parent, struct shard **out)
{
	return open_named(s, name, parent, false, out);
}

struct shard *shard_ref(struct shard *sh)
{
	pthread_mutex_lock(&sh->store->lock);
	assert(sh->refs > 0);
	sh->refs++;
	pthread_mutex_unlock(&sh->store->lock);
	return sh;
}

void shard_close(struct shard *sh)
{
	if (sh)
		release(sh);
}

struct str shard_name(const struct shard *sh) { return sh->name; }

uint64_t shard_version(const struct shard *sh) { return atomic_load(&sh->version); }

void shard_moved(struct shard *sh)
{
	uint64_t version = atomic_fetch_add(&sh->store->versions, 1) + 1;
	changes_commit(sh, version);
	atomic_store(&sh->version, version);
}

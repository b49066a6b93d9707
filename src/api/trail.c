/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Buffers, outboxes, and the collector's rounds:
 *
 *     idle ── first record, outbox or flush ──▶ gather for 50 ms ── or hurried ──▶ round ──▶ idle
 *                                                    ▲                               │
 *                                                    └──── not all of it written ────┘
 *
 * A round drains what is there, writes it, tells the outboxes, wakes who asked for a flush.
 * When writing fails nothing more is drained: the same batch is tried again, and who waits
 * for a flush is told of the failure.
 */
#include "api/trail_int.h"

#include "api/accounts.h"
#include "base/fiber.h"
#include "base/log.h"
#include "base/str.h"
#include "store/file.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum {
	GATHER_MS = 50,
	RETRY_MS = 200,
	LARGE = 512 * 1024,  /* bytes in one buffer that are worth a round now */
	KEEP = 1024 * 1024,  /* a buffer larger than this is given back once it is empty */
	OUTBOX_COUNT = 2048, /* of one shard in one round */
	OUTBOX_BYTES = 2 * 1024 * 1024,
	CLOSE_TRIES = 5,
};

struct waiter {
	struct link link;
	struct trail *trail;
	struct fiber *fiber;
	struct status st;
};

/* ---- the bell ------------------------------------------------------------------------- */

void trail_ring(struct trail *t)
{
	uint64_t one = 1;
	while (write(t->bell, &one, sizeof one) < 0 && errno == EINTR)
		continue;
}

static void hurry(struct trail *t)
{
	atomic_store(&t->hurry, true);
	trail_ring(t);
}

static void wait_for_bell(struct trail *t, int ms)
{
	struct pollfd p = { .fd = t->bell, .events = POLLIN };
	uint64_t count;
	if (poll(&p, 1, ms) > 0)
		(void)!read(t->bell, &count, sizeof count);
}

/* ---- buffers ---------------------------------------------------------------------------- */

static void put_frame(struct thread_buf *b, struct str account, struct str record)
{
	size_t need = b->n + 5 + account.n + record.n;
	if (need > b->cap) {
		size_t cap = need > b->cap * 2 ? need + 4096 : b->cap * 2;
		b->p = heap_grow(b->p, b->cap, cap, 1);
		b->cap = cap;
	}
	uint32_t n = (uint32_t)record.n;
	char *p = b->p + b->n;
	memcpy(p, &n, 4);
	p[4] = (char)account.n;
	memcpy(p + 5, account.p, account.n);
	memcpy(p + 5 + account.n, record.p, record.n);
	b->n = need;
}

struct status trail_append(struct trail *t, struct str account, struct str record)
{
	struct thread_buf *b = &t->bufs[thread_index()];
	size_t frame = 5 + account.n + record.n;
	assert(account.n <= 64 && record.n <= RECORD_MAX);
	if (atomic_load_explicit(&t->backlog, memory_order_relaxed) + frame > TRAIL_BACKLOG_MAX)
		return ERR(E_BUSY);
	pthread_mutex_lock(&b->lock);
	put_frame(b, account, record);
	bool large = b->n >= LARGE;
	atomic_fetch_add(&t->backlog, frame);
	pthread_mutex_unlock(&b->lock);
	if (large && !atomic_exchange(&t->hurry, true))
		trail_ring(t);
	else if (atomic_load(&t->idle) && atomic_exchange(&t->idle, false))
		trail_ring(t);
	return OK;
}

/* What the thread wrote becomes the collector's; the thread goes on with the other block. */
static void swap(struct thread_buf *b)
{
	if (b->spare_cap > KEEP) {
		heap_free(b->spare);
		b->spare = NULL;
		b->spare_cap = 0;
	}
	pthread_mutex_lock(&b->lock);
	char *p = b->p;
	size_t cap = b->cap;
	b->p = b->spare;
	b->cap = b->spare_cap;
	b->spare = p;
	b->spare_cap = cap;
	b->spare_n = b->n;
	b->n = 0;
	pthread_mutex_unlock(&b->lock);
}

static void drain_buffers(struct trail *t)
{
	for (size_t i = 0; i < THREADS_MAX; i++) {
		struct thread_buf *b = &t->bufs[i];
		swap(b);
		for (const char *p = b->spare, *end = p + b->spare_n; p < end;) {
			uint32_t n;
			memcpy(&n, p, 4);
			struct str account = str_make(p + 5, (unsigned char)p[4]);
			batch_add(t, account, str_make(p + 5 + account.n, n), NULL, 0);
			p += 5 + account.n + n;
		}
		t->in_batch += b->spare_n;
	}
}

/* ---- outboxes ------------------------------------------------------------------------------- */

static void enqueue(struct trail *t, struct shard *shard)
{
	if (map_get(&t->queued, shard_name(shard)))
		return;
	struct source *s = HEAP(struct source);
	s->shard = shard_ref(shard);
	s->hash = trail_shard_hash(shard_name(shard));
	list_push(&t->queue, &s->link);
	(void)map_put(&t->queued, shard_name(shard), s);
}

void trail_on_outbox(void *app, struct shard *shard)
{
	struct trail *t = ((struct app *)app)->trail;
	if (!t)
		return; /* it will be found when the trail opens */
	pthread_mutex_lock(&t->lock);
	enqueue(t, shard);
	pthread_mutex_unlock(&t->lock);
	if (atomic_load(&t->idle) && atomic_exchange(&t->idle, false))
		trail_ring(t);
}

/* "s3/111122223333/bucket/1" is in the account 111122223333, under the key of its s3. */
static struct status open_left(struct trail *t, struct str name, struct shard **out)
{
	struct str rest = name, service = str_cut(&rest, '/'), account = rest.p ? str_cut(&rest, '/') : S("");
	const struct key_ref *key;
	TRY(account_service_key(t->app->accounts, account, service, &key));
	return shard_open(t->app->store, name, key, out);
}

static void enqueue_left(struct trail *t)
{
	for (size_t i = 0; i < t->n_left; i++) {
		struct shard *shard;
		struct status st = open_left(t, t->left[i], &shard);
		if (failed(st)) {
			log_error("an outbox cannot be opened: its records stay undelivered", "shard", t->left[i],
				  "status", str_of(status_name(st)));
			continue;
		}
		pthread_mutex_lock(&t->lock);
		enqueue(t, shard);
		pthread_mutex_unlock(&t->lock);
		shard_close(shard);
	}
	t->n_left = 0;
}

static struct str account_of(const struct shard *shard)
{
	struct str rest = shard_name(shard);
	(void)str_cut(&rest, '/');
	return rest.p ? str_cut(&rest, '/') : S("");
}

static struct status drain_outbox(struct trail *t, struct source *s)
{
	struct outbox_record *v;
	size_t n;
	TRY(shard_outbox_read(s->shard, s->read_to, OUTBOX_COUNT, OUTBOX_BYTES, t->batch.mem, &v, &n));
	size_t bytes = 0;
	for (size_t i = 0; i < n; i++) {
		batch_add(t, account_of(s->shard), v[i].bytes, s, v[i].seq);
		s->read_to = v[i].seq;
		bytes += v[i].bytes.n;
	}
	s->more = n == OUTBOX_COUNT || bytes > OUTBOX_BYTES;
	return OK;
}

static struct status drain_outboxes(struct trail *t)
{
	struct status st = OK;
	pthread_mutex_lock(&t->lock);
	while (!list_empty(&t->queue)) {
		struct source *s = ENTRY(t->queue.next, struct source, link);
		(void)map_del(&t->queued, shard_name(s->shard)); /* a commit from now on queues it again */
		list_del(&s->link);
		list_push(&t->batch.sources, &s->link);
	}
	pthread_mutex_unlock(&t->lock);
	for (struct link *k = t->batch.sources.next; k != &t->batch.sources; k = k->next) {
		struct source *s = ENTRY(k, struct source, link);
		struct status one = drain_outbox(t, s);
		if (failed(one)) {
			log_error("an outbox cannot be read", "shard", shard_name(s->shard), "status",
				  str_of(status_name(one)));
			s->more = !trail_lost(one);
			st = s->more ? one : st;
		}
		t->more |= s->more;
	}
	return st;
}

/* Delivered: the outbox may forget. There may be more than one round took. */
static void release_sources(struct trail *t)
{
	while (!list_empty(&t->batch.sources)) {
		struct source *s = ENTRY(t->batch.sources.next, struct source, link);
		list_del(&s->link);
		if (s->read_to && !atomic_load(&t->untold))
			shard_outbox_delivered(s->shard, s->read_to);
		if (s->more) {
			pthread_mutex_lock(&t->lock);
			enqueue(t, s->shard);
			pthread_mutex_unlock(&t->lock);
		}
		shard_close(s->shard);
		heap_free(s);
	}
}

/* ---- rounds ------------------------------------------------------------------------------------ */

static bool batch_empty(const struct trail *t) { return !t->batch.n && list_empty(&t->batch.sources); }

static void batch_done(struct trail *t)
{
	release_sources(t);
	atomic_fetch_sub(&t->backlog, t->in_batch);
	t->in_batch = 0;
	t->batch.n = 0;
	if (t->batch.cap > 64 * 1024) {
		heap_free(t->batch.v);
		t->batch.v = NULL;
		t->batch.cap = 0;
	}
	arena_reset(t->batch.mem);
}

static struct status round_once(struct trail *t)
{
	struct status st = OK;
	t->more = false;
	if (batch_empty(t)) {
		drain_buffers(t);
		trail_tell_left_out(t);
		st = drain_outboxes(t);
	}
	TRY(batch_write(t));
	batch_done(t);
	return st;
}

static void take_waiters(struct trail *t, struct link *to)
{
	pthread_mutex_lock(&t->lock);
	while (!list_empty(&t->waiters)) {
		struct link *l = t->waiters.next;
		list_del(l);
		list_push(to, l);
	}
	pthread_mutex_unlock(&t->lock);
}

static void wake_waiters(struct link *from, struct status st)
{
	while (!list_empty(from)) {
		struct waiter *w = ENTRY(from->next, struct waiter, link);
		list_del(&w->link);
		w->st = st;
		fiber_wake(w->fiber); /* w is gone from here on */
	}
}

/* A batch left over from a failure is no full round: what came since is drained after it. */
static struct status rounds(struct trail *t)
{
	struct link waiting;
	list_init(&waiting);
	take_waiters(t, &waiting);
	struct status st = batch_empty(t) ? OK : round_once(t);
	do {
		st = failed(st) ? st : round_once(t);
	} while (!failed(st) && t->more && !list_empty(&waiting));
	wake_waiters(&waiting, st);
	return st;
}

static bool work_left(struct trail *t)
{
	pthread_mutex_lock(&t->lock);
	bool some = !list_empty(&t->queue) || !list_empty(&t->waiters) || !batch_empty(t);
	pthread_mutex_unlock(&t->lock);
	return some || atomic_load(&t->backlog);
}

static bool pending(struct trail *t) { return work_left(t) || atomic_load(&t->hurry) || atomic_load(&t->stopping); }

static void gather(struct trail *t)
{
	if (!pending(t)) {
		atomic_store(&t->idle, true);
		if (!pending(t))
			wait_for_bell(t, trail_left_out_wait_ms(t));
		atomic_store(&t->idle, false);
	}
	if (!atomic_load(&t->hurry) && !atomic_load(&t->stopping))
		wait_for_bell(t, GATHER_MS);
	atomic_store(&t->hurry, false);
}

static void finish(struct trail *t)
{
	struct status st = OK;
	for (int tries = 0; !atomic_load(&t->crashed) && tries < CLOSE_TRIES && (tries == 0 || work_left(t));) {
		st = rounds(t);
		tries += failed(st) || !tries;
		if (failed(st))
			wait_for_bell(t, RETRY_MS);
	}
	if (failed(st))
		log_error("records of calls without effect are lost: the trail cannot be written");
}

static void *collect(void *arg)
{
	struct trail *t = arg;
	enqueue_left(t);
	while (!atomic_load(&t->stopping)) {
		gather(t);
		if (failed(rounds(t)) && !atomic_load(&t->stopping))
			wait_for_bell(t, RETRY_MS);
	}
	finish(t);
	return NULL;
}

/* ---- flushing ------------------------------------------------------------------------------------- */

static void enlist(void *arg, struct fiber *f)
{
	struct waiter *w = arg;
	struct trail *t = w->trail;
	w->fiber = f;
	pthread_mutex_lock(&t->lock);
	list_push(&t->waiters, &w->link);
	pthread_mutex_unlock(&t->lock);
	hurry(t);
}

struct status trail_flush(struct trail *t)
{
	struct waiter w = { .trail = t };
	fiber_park(enlist, &w);
	return w.st;
}

/* ---- opening and closing ---------------------------------------------------------------------------- */

static struct status open_logs(struct trail *t)
{
	const struct account *a;
	struct account_log *l;
	TRY(dir_make(t->app->world, t->dir.p));
	for (size_t i = 0; (a = account_at(t->app->accounts, i)); i++)
		TRY(trail_log_of(t, a->id, &l));
	return store_outbox_shards(t->app->store, t->mem, &t->left, &t->n_left);
}

static struct status start(struct trail *t)
{
	sigset_t all, before;
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &before); /* signals are the main thread's */
	int rc = pthread_create(&t->collector, NULL, collect, t);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return rc ? ERR(E_FULL) : OK;
}

static void discard(struct trail *t)
{
	trail_logs_close(t);
	for (size_t i = 0; i < THREADS_MAX; i++) {
		pthread_mutex_destroy(&t->bufs[i].lock);
		heap_free(t->bufs[i].p);
		heap_free(t->bufs[i].spare);
	}
	while (!list_empty(&t->queue)) { /* never delivered: the outbox still has it */
		struct source *s = ENTRY(t->queue.next, struct source, link);
		list_del(&s->link);
		list_push(&t->batch.sources, &s->link);
	}
	while (!list_empty(&t->batch.sources)) {
		struct source *s = ENTRY(t->batch.sources.next, struct source, link);
		list_del(&s->link);
		shard_close(s->shard);
		heap_free(s);
	}
	map_free(&t->queued);
	pthread_mutex_destroy(&t->lock);
	if (t->bell >= 0)
		close(t->bell);
	heap_free(t->batch.v);
	arena_free(t->batch.mem);
	arena_free(t->mem);
	heap_free(t->bufs);
	heap_free(t);
}

static struct trail *new_trail(struct app *app, const char *dir)
{
	uint64_t seed;
	struct trail *t = HEAP(struct trail);
	t->app = app;
	t->mem = arena_new();
	char *path = str_z(t->mem, str_of(dir));
	t->dir = str_of(path);
	t->batch.mem = arena_new();
	t->bufs = HEAPS(struct thread_buf, THREADS_MAX);
	for (size_t i = 0; i < THREADS_MAX; i++)
		pthread_mutex_init(&t->bufs[i].lock, NULL);
	world_random(app->world, &seed, sizeof seed);
	map_init(&t->queued, seed);
	t->strangers.seed = seed;
	list_init(&t->queue);
	list_init(&t->waiters);
	list_init(&t->batch.sources);
	pthread_mutex_init(&t->lock, NULL);
	t->bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return t;
}

struct status trail_open(struct app *app, const char *dir, struct trail **out)
{
	struct trail *t = new_trail(app, dir);
	struct status st = t->bell < 0 ? ERR(E_FULL) : open_logs(t);
	if (!failed(st))
		st = start(t);
	if (failed(st)) {
		discard(t);
		return st;
	}
	*out = t;
	return OK;
}

void trail_close(struct trail *t)
{
	if (!t)
		return;
	atomic_store(&t->stopping, true);
	trail_ring(t);
	pthread_join(t->collector, NULL);
	if (t->app->trail == t)
		t->app->trail = NULL;
	discard(t);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writers: threads that take a shard from the run queue, run a batch of its fibers in one
 * SQLite transaction, commit once, and wake them all.
 *
 *     idle ── a fiber comes ──▶ busy, queued ── a writer takes it ──▶ busy, running
 *       ▲                            ▲                                     │
 *       └── nobody waits ────────────┴────────────── more wait ───────────┘
 *
 * A batch is bounded in number and in time, and the shard then goes to the queue's end: no
 * shard starves another. Each fiber has a savepoint of its own, so that one's abort leaves the
 * others' work alone; who steps back is woken with them. When SQLite gives up the whole
 * transaction (full disk, damage), the batch is dead: everyone in it gets the failure.
 */
#include "store/internal.h"

#include "base/log.h"

enum {
	LOG_RESTART = 4, /* times log_pages: we wait (a little) for readers, so that the log can start anew */
	LOG_URGENT = 64, /* times log_pages: we wait longer */
	BATCH_DIRTY_MAX = 8 * 1024 * 1024, /* bytes of changed pages that a batch may gather in memory */
};

struct batch {
	struct shard *sh;
	struct link done; /* struct txn: committed if the batch is */
	struct link back; /* struct txn: undone, and waiting for the batch to end */
	struct status st; /* the failure that killed the batch */
	uint64_t n, outbox_mark, trimmed_mark;
};

__attribute__((noinline)) bool on_writer(const struct store *s)
{
	for (unsigned i = 0; i < s->n_writers; i++)
		if (pthread_equal(s->writers[i], pthread_self()))
			return true;
	return false;
}

void shard_schedule(struct shard *sh)
{
	assert(!sh->busy);
	sh->busy = true;
	list_del(&sh->run_link);
	list_push(&sh->store->run_queue, &sh->run_link);
	pthread_cond_signal(&sh->store->work);
}

void txn_enqueue(void *txn, struct fiber *f)
{
	struct txn *t = txn;
	struct shard *sh = t->shard;
	struct store *s = sh->store;
	t->fiber = f;
	pthread_mutex_lock(&s->lock);
	assert(sh->refs > 0);
	list_push(&sh->queue, &t->link);
	if (!sh->busy)
		shard_schedule(sh);
	pthread_mutex_unlock(&s->lock);
}

static struct txn *take(struct shard *sh)
{
	struct txn *t = NULL;
	pthread_mutex_lock(&sh->store->lock);
	if (!list_empty(&sh->queue)) {
		t = ENTRY(sh->queue.next, struct txn, link);
		list_del(&t->link);
	}
	pthread_mutex_unlock(&sh->store->lock);
	return t;
}

static void send_home(struct txn *t, struct status st)
{
	t->st = st;
	fiber_wake(t->fiber); /* t is the fiber's again, and may be gone */
}

/* Run the fiber until it commits or aborts. It comes off its stack either way. */
static void run_fiber(struct txn *t)
{
	struct handover h = { 0 };
	fiber_forbid_parking();
	enum fiber_state state = fiber_step(t->fiber, &h);
	assert(state == FIBER_PARKED && h.fn == txn_to_writer && h.arg == t); /* on a writer, do not wait */
}

static void undo(struct batch *b, struct txn *t)
{
	struct status st = conn_run(t->conn, STMT_UNDO);
	if (!failed(st))
		st = conn_run(t->conn, STMT_RELEASE);
	if (failed(st))
		b->st = st;
	b->sh->outbox_next = t->outbox_mark;
}

static void run_one(struct batch *b, struct txn *t)
{
	t->conn = b->sh->writer;
	t->outbox_mark = b->sh->outbox_next;
	struct status st = conn_run(t->conn, STMT_SAVE);
	if (failed(st)) {
		b->st = st;
		send_home(t, st);
		return;
	}
	t->state = TXN_RUNNING;
	run_fiber(t);
	if (sqlite3_get_autocommit(t->conn->db)) { /* SQLite rolled everything back */
		b->st = failed(t->st) ? t->st : ERR(E_IO);
		send_home(t, b->st);
		return;
	}
	if (t->state != TXN_COMMIT) {
		undo(b, t);
		atomic_fetch_add_explicit(&b->sh->store->aborts, 1, memory_order_relaxed);
		if (t->state == TXN_STEP_BACK)
			list_push(&b->back, &t->link);
		else
			send_home(t, t->st);
		return;
	}
	b->st = conn_run(t->conn, STMT_RELEASE);
	list_push(&b->done, &t->link);
	b->n++;
}

static void drop_shard(struct batch *b, struct txn *t)
{
	struct shard *sh = b->sh;
	uint64_t delivered = atomic_load(&sh->delivered);
	if (sh->outbox_next - 1 > (delivered > sh->outbox_trimmed ? delivered : sh->outbox_trimmed)) {
		send_home(t, ERR(E_BUSY));
		return;
	}
	struct status st = vault_shred(sh->vault);
	sh->outbox_trimmed = sh->outbox_next - 1;
	if (!failed(st)) {
		catalog_unlist(sh);
		pthread_mutex_lock(&sh->store->lock);
		sh->dropped = true;
		map_del(&sh->store->shards, sh->name); /* the name is free for another shard */
		pthread_mutex_unlock(&sh->store->lock);
	}
	send_home(t, st);
}

static bool batch_is_full(struct batch *b, int64_t until_us)
{
	struct store *s = b->sh->store;
	int now = 0, high = 0;
	if (b->n >= s->o.batch_max || s->w->mono_us(s->w) >= until_us)
		return true;
	if (b->n % 16 != 15)
		return false;
	sqlite3_db_status(b->sh->writer->db, SQLITE_DBSTATUS_CACHE_USED, &now, &high, 0);
	return now > BATCH_DIRTY_MAX;
}

static struct txn *gather(struct batch *b)
{
	struct store *s = b->sh->store;
	int64_t until = s->w->mono_us(s->w) + s->o.batch_us;
	while (!failed(b->st) && !batch_is_full(b, until)) {
		struct txn *t = take(b->sh);
		if (!t || t->state == TXN_DROP)
			return t; /* a drop waits until what was before it is committed */
		run_one(b, t);
	}
	return NULL;
}

static void wake_all(struct link *waiting, struct status st)
{
	while (!list_empty(waiting)) {
		struct txn *t = ENTRY(waiting->next, struct txn, link);
		list_del(&t->link);
		send_home(t, st);
	}
}

static struct status commit(struct batch *b)
{
	struct shard *sh = b->sh;
	if (!failed(b->st) && b->n > 0 && sh->outbox_trimmed < atomic_load(&sh->delivered))
		b->st = outbox_trim(sh, sh->writer);
	if (!failed(b->st))
		b->st = conn_run(sh->writer, STMT_COMMIT);
	if (!failed(b->st))
		return OK;
	if (!sqlite3_get_autocommit(sh->writer->db))
		(void)conn_run(sh->writer, STMT_ROLLBACK);
	vault_forget_tail(sh->vault);
	sh->outbox_next = b->outbox_mark;
	sh->outbox_trimmed = b->trimmed_mark;
	log_error("a batch could not be committed", "file", str_of(sh->path), "why", str_of(status_name(b->st)));
	return b->st;
}

static void count(struct batch *b)
{
	struct store *s = b->sh->store;
	if (b->n == 0)
		return;
	atomic_fetch_add_explicit(&s->commits, b->n, memory_order_relaxed);
	atomic_fetch_add_explicit(&s->batches, 1, memory_order_relaxed);
}

/* Between batches: keep the log short. How long we wait for readers grows with what they cost. */
static void checkpoint_if_due(struct shard *sh)
{
	unsigned frames = (unsigned)sh->log_frames, due = sh->store->o.log_pages;
	if (frames < due)
		return;
	int mode = frames < due * LOG_RESTART ? SQLITE_CHECKPOINT_PASSIVE : SQLITE_CHECKPOINT_RESTART;
	(void)shard_checkpoint(sh, mode, frames < due * LOG_URGENT ? 5 : 200);
}

static void run_batch(struct shard *sh)
{
	struct batch b = { .sh = sh, .outbox_mark = sh->outbox_next, .trimmed_mark = sh->outbox_trimmed };
	struct store *s = sh->store;
	list_init(&b.done);
	list_init(&b.back);
	b.st = conn_run(sh->writer, STMT_BEGIN_WRITE);
	struct txn *dropping = gather(&b);
	if (failed(b.st) && b.n == 0 && !dropping) { /* could not even begin: whoever waits first is told */
		struct txn *t = take(sh);
		if (t)
			send_home(t, b.st);
	}
	struct status st = commit(&b);
	bool outbox = !failed(st) && sh->outbox_next != b.outbox_mark;
	if (!failed(st)) {
		shard_moved(sh); /* before anyone is told */
		count(&b);
	}
	if (outbox && s->o.on_outbox) /* before the wake: the sleepers still hold the shard */
		s->o.on_outbox(s->o.on_outbox_arg, sh);
	wake_all(&b.done, st);
	wake_all(&b.back, OK);
	if (dropping)
		drop_shard(&b, dropping);
	else
		checkpoint_if_due(sh);
}

/* All that wait for a shard that is no more. */
static void refuse_all(struct shard *sh)
{
	for (struct txn *t; (t = take(sh));)
		send_home(t, ERR(E_NOT_FOUND));
}

/* The batch is over: where does the shard go? True: nobody knows it any more, and it is to be freed. */
static bool settle(struct shard *sh, bool flushed)
{
	struct store *s = sh->store;
	bool gone = false;
	pthread_mutex_lock(&s->lock);
	sh->busy = false;
	if (!list_empty(&sh->queue)) {
		shard_schedule(sh);
	} else if (sh->refs == 0 && (flushed || sh->dropped)) {
		if (!sh->dropped)
			map_del(&s->shards, sh->name);
		s->n_shards--;
		gone = true;
	} else if (sh->refs == 0) {
		list_push(&s->idle, &sh->run_link);
		shards_trim(s);
	}
	pthread_mutex_unlock(&s->lock);
	return gone;
}

static struct shard *next_shard(struct store *s, bool *evict)
{
	struct shard *sh = NULL;
	pthread_mutex_lock(&s->lock);
	while (list_empty(&s->run_queue) && !s->stopping)
		pthread_cond_wait(&s->work, &s->lock);
	if (!list_empty(&s->run_queue)) {
		sh = ENTRY(s->run_queue.next, struct shard, run_link);
		list_del(&sh->run_link);
		*evict = sh->evict && list_empty(&sh->queue);
		sh->evict = false;
	}
	pthread_mutex_unlock(&s->lock);
	return sh;
}

void *writer_thread(void *arg)
{
	struct store *s = arg;
	bool evict;
	for (struct shard *sh; (sh = next_shard(s, &evict));) {
		if (sh->dropped)
			refuse_all(sh);
		else if (evict)
			shard_flush(sh);
		else
			run_batch(sh);
		if (settle(sh, evict))
			shard_free(sh);
	}
	return NULL;
}

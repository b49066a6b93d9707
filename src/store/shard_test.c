/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shards among others: many writers and readers at once, opening and dropping, the outbox,
 * and what lies on disk.
 */
#include "store/fixture.h"
#include "store/internal.h"

#include <pthread.h>
#include <stdatomic.h>

struct home {
	struct fiber_host host;
	pthread_mutex_t lock;
	pthread_cond_t woken;
	struct fiber *ready[256];
	size_t n;
	pthread_t thread;
};

static void home_wake(struct fiber_host *h, struct fiber *f)
{
	struct home *home = (struct home *)(void *)h;
	pthread_mutex_lock(&home->lock);
	EXPECT(home->n < COUNT(home->ready));
	home->ready[home->n++] = f;
	pthread_cond_signal(&home->woken);
	pthread_mutex_unlock(&home->lock);
}

static void home_run(struct home *home, size_t fibers)
{
	home->thread = pthread_self();
	while (fibers > 0) {
		struct handover h;
		pthread_mutex_lock(&home->lock);
		while (home->n == 0)
			pthread_cond_wait(&home->woken, &home->lock);
		struct fiber *f = home->ready[--home->n];
		pthread_mutex_unlock(&home->lock);
		if (fiber_step(f, &h) == FIBER_DONE)
			fibers--;
		else if (h.fn)
			h.fn(h.arg, f);
	}
}

enum { FIBERS = 32, ROUNDS = 40 };

struct counting {
	struct home *home;
	struct shard *sh;
	_Atomic bool *begun;
	int aborts;
};

__attribute__((noinline)) static bool at_home(struct home *home) { return pthread_equal(home->thread, pthread_self()); }

static size_t waiting(struct shard *sh)
{
	size_t n = 0;
	pthread_mutex_lock(&sh->store->lock);
	for (const struct link *l = sh->queue.next; l != &sh->queue; l = l->next)
		n++;
	pthread_mutex_unlock(&sh->store->lock);
	return n;
}

/* On the writer: so that they all come into this batch. */
static void wait_for_others(struct shard *sh, size_t n)
{
	while (waiting(sh) < n)
		usleep(1000);
}

static const struct store_options patient = { .batch_us = 600 * 1000 * 1000 };

/* Read, add one, write: lost updates would show. Every seventh is taken back. */
static void count_up(void *arg)
{
	struct counting *ct = arg;
	struct arena *mem = arena_new();
	for (int i = 0; i < ROUNDS; i++) {
		struct txn *t;
		struct str val;
		uint64_t n = 0;
		EXPECT_OK(txn_write(ct->sh, &t));
		EXPECT(!at_home(ct->home));
		if (!atomic_exchange(ct->begun, true))
			wait_for_others(ct->sh, FIBERS - 1);
		if (!failed(txn_get(t, S("count"), mem, &val)))
			EXPECT(str_to_u64(val, &n));
		EXPECT_OK(txn_put(t, S("count"), arena_printf(mem, "%llu", (unsigned long long)n + 1)));
		EXPECT_OK(txn_outbox(t, S("a record")));
		if (i % 7 == 6) {
			txn_abort(t);
			ct->aborts++;
		} else {
			EXPECT_OK(txn_commit(t));
		}
		EXPECT(at_home(ct->home));
		arena_reset(mem);
	}
	arena_free(mem);
}

static void concurrent_writers_share_commits_and_lose_nothing(void)
{
	struct fixture f;
	struct home home = { .host.wake = home_wake };
	struct counting ct[FIBERS];
	_Atomic bool begun = false;
	struct str val;
	uint64_t n = 0, aborts = 0;
	pthread_mutex_init(&home.lock, NULL);
	pthread_cond_init(&home.woken, NULL);
	fixture_new(&f);
	fixture_store(&f, &patient);
	struct shard *sh = fixture_shard(&f, "s");
	for (size_t i = 0; i < FIBERS; i++) {
		ct[i] = (struct counting){ &home, sh, &begun, 0 };
		home.ready[home.n++] = fiber_new(&home.host, count_up, &ct[i]);
	}
	home_run(&home, FIBERS);
	for (size_t i = 0; i < FIBERS; i++)
		aborts += (uint64_t)ct[i].aborts;
	EXPECT_OK(fixture_get(sh, S("count"), f.mem, &val));
	EXPECT(str_to_u64(val, &n));
	EXPECT(n == FIBERS * ROUNDS - aborts);

	struct store_stats st;
	store_stats(f.store, &st);
	EXPECT(st.commits == n);
	EXPECT(st.batches <= st.commits - (FIBERS - 1)); /* the first of each, at least, were one */
	printf("# %llu transactions in %llu commits\n", (unsigned long long)st.commits, (unsigned long long)st.batches);

	struct outbox_record *rec;
	size_t got;
	EXPECT_OK(shard_outbox_read(sh, 0, FIBERS * ROUNDS, 1 << 20, f.mem, &rec, &got));
	EXPECT(got == n);
	for (size_t i = 0; i < got; i++)
		EXPECT(rec[i].seq == i + 1);
	shard_close(sh);
	fixture_end(&f);
}

struct stepping {
	struct shard *sh;
	struct arena *mem;
	struct str seen;
};

static void put_and_have_company(void *arg)
{
	struct stepping *s = arg;
	struct txn *t;
	EXPECT_OK(txn_write(s->sh, &t));
	wait_for_others(s->sh, 2);
	EXPECT_OK(txn_put(t, S("k"), S("new")));
	EXPECT_OK(txn_commit(t));
}

static void step_back_and_read(void *arg)
{
	struct stepping *s = arg;
	struct txn *t;
	struct str val;
	EXPECT_OK(txn_write(s->sh, &t));
	EXPECT_OK(txn_get(t, S("k"), s->mem, &val));
	EXPECT_STR(val, S("new")); /* not committed */
	EXPECT_OK(txn_put(t, S("k"), S("taken back")));
	txn_step_back(t);
	EXPECT_OK(fixture_get(s->sh, S("k"), s->mem, &s->seen));
}

static void who_steps_back_is_home_when_others_see_what_he_met(void)
{
	struct fixture f;
	struct home home = { .host.wake = home_wake };
	struct stepping s[2] = { 0 };
	struct str val;
	pthread_mutex_init(&home.lock, NULL);
	pthread_cond_init(&home.woken, NULL);
	fixture_new(&f);
	fixture_store(&f, &patient);
	struct shard *sh = fixture_shard(&f, "s");
	EXPECT_OK(fixture_put(sh, S("k"), S("old")));
	s[0] = s[1] = (struct stepping){ .sh = sh, .mem = f.mem };
	home.ready[home.n++] = fiber_new(&home.host, step_back_and_read, &s[0]);
	home.ready[home.n++] = fiber_new(&home.host, step_back_and_read, &s[1]);
	home.ready[home.n++] = fiber_new(&home.host, put_and_have_company, &s[0]); /* the last goes first */
	home_run(&home, 3);
	EXPECT_STR(s[0].seen, S("new"));
	EXPECT_STR(s[1].seen, S("new"));
	EXPECT_OK(fixture_get(sh, S("k"), f.mem, &val));
	EXPECT_STR(val, S("new"));
	shard_close(sh);
	fixture_end(&f);
}

static void opening_twice_gives_the_same_shard_and_another_key_is_refused(void)
{
	struct fixture f;
	struct str wrapped;
	struct shard *none;
	fixture_quiet();
	fixture_new(&f);
	EXPECT_OK(keyring_key_new(f.kr, NULL, S("other"), f.mem, &wrapped));
	struct key_ref other = key_ref_of(NULL, S("other"), wrapped);
	fixture_store(&f, NULL);
	struct shard *a = fixture_shard(&f, "a"), *b = fixture_shard(&f, "a");
	EXPECT(a == b);
	EXPECT_STR(shard_name(a), S("a"));
	EXPECT_ERR(shard_open(f.store, S("a"), &other, &none), E_NO_KEY);
	shard_close(a);
	shard_close(b);
	store_close(f.store);
	fixture_store(&f, NULL);
	EXPECT(failed(shard_open(f.store, S("a"), &other, &none)));
	struct store *second;
	EXPECT_ERR(store_open(&f.w, f.kr, &f.key, f.data, NULL, &second), E_BUSY);
	fixture_end(&f);
}

static unsigned files_in(const char *dir)
{
	unsigned n = 0;
	DIR *d = opendir(dir);
	EXPECT(d);
	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

static void more_shards_than_may_be_open_are_fine(void)
{
	struct fixture f;
	struct store_stats st;
	struct str val;
	fixture_new(&f);
	fixture_store(&f, &(struct store_options){ .shards_open_max = 4 });
	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < 30; i++) {
			struct shard *sh = fixture_shard(&f, str_z(f.mem, arena_printf(f.mem, "bucket/%d", i)));
			struct str want = arena_printf(f.mem, "%d", i);
			if (round == 0)
				EXPECT_OK(fixture_put(sh, S("k"), want));
			EXPECT_OK(fixture_get(sh, S("k"), f.mem, &val));
			EXPECT_STR(val, want);
			shard_close(sh);
		}
	}
	/* Closing is a writer's work and takes its time: wait until it is done, or for good. */
	for (int tries = 0; tries < 60000; tries++) {
		store_stats(f.store, &st);
		if (st.shards_open <= 4)
			break;
		usleep(1000);
	}
	EXPECT(st.shards_open <= 4);
	fixture_end(&f);
}

static void looking_for_a_shard_makes_none(void)
{
	struct fixture f;
	struct shard *sh;
	struct str val;
	fixture_new(&f);
	fixture_store(&f, NULL);
	unsigned before = files_in(f.data);
	EXPECT_ERR(shard_open_existing(f.store, S("b"), &f.key, &sh), E_NOT_FOUND);
	EXPECT(files_in(f.data) == before);
	sh = fixture_shard(&f, "b");
	EXPECT_OK(fixture_put(sh, S("k"), S("v")));
	shard_close(sh);
	EXPECT_OK(shard_open_existing(f.store, S("b"), &f.key, &sh));
	EXPECT_OK(fixture_get(sh, S("k"), f.mem, &val));
	EXPECT_STR(val, S("v"));
	shard_close(sh);
	fixture_end(&f);
}

struct seeker {
	pthread_t thread;
	struct fixture *f;
	bool make;
	struct status st;
};

static void *seek(void *arg)
{
	struct seeker *s = arg;
	struct shard *sh;
	s->st = (s->make ? shard_open : shard_open_existing)(s->f->store, S("wanted"), &s->f->key, &sh);
	if (!failed(s->st))
		shard_close(sh);
	return NULL;
}

static void who_makes_a_shard_is_not_refused_because_another_only_looked(void)
{
	enum { SEEKERS = 8, TIMES = 20 };
	for (int round = 0; round < TIMES; round++) {
		struct fixture f;
		struct seeker s[SEEKERS];
		fixture_new(&f);
		fixture_store(&f, NULL);
		for (int i = 0; i < SEEKERS; i++) {
			s[i] = (struct seeker){ .f = &f, .make = i % 2 };
			EXPECT(!pthread_create(&s[i].thread, NULL, seek, &s[i]));
		}
		for (int i = 0; i < SEEKERS; i++) {
			pthread_join(s[i].thread, NULL);
			EXPECT(!failed(s[i].st) || (!s[i].make && s[i].st.code == E_NOT_FOUND));
		}
		fixture_end(&f);
	}
}

static void drop(void *arg)
{
	struct fixture_write *fw = arg;
	fw->st = shard_drop(fw->sh);
}

static struct status drop_shard(struct shard *sh)
{
	struct fixture_write fw = { .sh = sh };
	fiber_block_on(drop, &fw);
	return fw.st;
}

static struct status one_record(struct txn *t, void *arg) { return txn_outbox(t, *(struct str *)arg); }

static void a_dropped_shard_is_gone_and_its_name_is_free(void)
{
	struct fixture f;
	struct str val;
	struct txn *t;
	fixture_new(&f);
	fixture_store(&f, NULL);
	struct shard *sh = fixture_shard(&f, "b");
	EXPECT_OK(fixture_put(sh, S("k"), S("v")));
	EXPECT_OK(fixture_write(sh, one_record, &S("r")));
	EXPECT_ERR(drop_shard(sh), E_BUSY); /* an undelivered record */
	shard_outbox_delivered(sh, 1);
	EXPECT_OK(drop_shard(sh));
	EXPECT_ERR(fixture_put(sh, S("k"), S("v")), E_NOT_FOUND);
	EXPECT_ERR(txn_read(sh, &t), E_NOT_FOUND);
	struct shard *again = fixture_shard(&f, "b");
	EXPECT(again != sh);
	EXPECT_ERR(fixture_get(again, S("k"), f.mem, &val), E_NOT_FOUND);
	shard_close(again);
	shard_close(sh);
	fixture_end(&f);
}

struct notes {
	_Atomic int n;
};

static void note_shard(void *arg, struct shard *sh)
{
	struct notes *n = arg;
	EXPECT(sh);
	n->n++;
}

static void the_outbox_is_numbered_listed_and_trimmed(void)
{
	struct fixture f;
	struct outbox_record *rec;
	struct str *names;
	size_t n;
	struct notes notes = { 0 };
	fixture_new(&f);
	fixture_store(&f, &(struct store_options){ .on_outbox = note_shard, .on_outbox_arg = &notes });
	struct shard *sh = fixture_shard(&f, "s3/one");
	EXPECT_OK(store_outbox_shards(f.store, f.mem, &names, &n));
	EXPECT(n == 0);
	EXPECT_OK(fixture_write(sh, one_record, &S("first")));
	EXPECT_OK(fixture_write(sh, one_record, &S("second")));
	EXPECT_OK(fixture_put(sh, S("no"), S("record")));
	EXPECT(notes.n == 2);
	EXPECT_OK(store_outbox_shards(f.store, f.mem, &names, &n));
	EXPECT(n == 1);
	EXPECT_STR(names[0], S("s3/one"));
	shard_outbox_delivered(sh, 1);
	EXPECT_OK(fixture_put(sh, S("carries"), S("the deletion")));
	shard_close(sh);
	store_close(f.store);

	fixture_store(&f, NULL);
	EXPECT_OK(store_outbox_shards(f.store, f.mem, &names, &n));
	EXPECT(n == 1);
	sh = fixture_shard(&f, "s3/one");
	EXPECT_OK(shard_outbox_read(sh, 0, 10, 100, f.mem, &rec, &n));
	EXPECT(n == 1 && rec[0].seq == 2);
	EXPECT_STR(rec[0].bytes, S("second"));
	shard_outbox_delivered(sh, 2);
	shard_close(sh);
	store_close(f.store);

	fixture_store(&f, NULL);
	EXPECT_OK(store_outbox_shards(f.store, f.mem, &names, &n));
	EXPECT(n == 0);
	sh = fixture_shard(&f, "s3/one");
	EXPECT_OK(fixture_write(sh, one_record, &S("third")));
	EXPECT_OK(shard_outbox_read(sh, 0, 10, 100, f.mem, &rec, &n));
	EXPECT(n == 1 && rec[0].seq == 3); /* never reused */
	shard_close(sh);
	fixture_end(&f);
}

static void scan(void *arg, const char *path)
{
	static char bytes[8 << 20];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = read(fd, bytes, sizeof bytes);
	close(fd);
	EXPECT(n >= 0);
	struct str file = str_make(bytes, (size_t)n);
	EXPECT(str_find(file, S("PLANTED")) == SIZE_MAX);
	EXPECT(str_find(file, S("SQLite format")) == SIZE_MAX);
	EXPECT(str_find(file, S("CREATE TABLE")) == SIZE_MAX);
	EXPECT(str_find(str_of(path), S("PLANTED")) == SIZE_MAX);
	++*(int *)arg;
}

static void nothing_readable_is_on_disk(void)
{
	struct fixture f;
	int files = 0;
	fixture_new(&f);
	fixture_store(&f, NULL);
	struct shard *sh = fixture_shard(&f, "bucket/PLANTED");
	EXPECT_OK(fixture_put(sh, S("PLANTED-key"), S("PLANTED-value")));
	EXPECT_OK(fixture_write(sh, one_record, &S("PLANTED-record")));
	fixture_files(f.data, scan, &files);
	EXPECT(files >= 4); /* the catalog's two and the shard's two */
	shard_close(sh);
	store_close(f.store);
	files = 0;
	fixture_files(f.data, scan, &files);
	EXPECT(files >= 4);
	f.store = NULL;
	fixture_end(&f);
}

struct reading {
	struct shard *sh;
	_Atomic bool stop;
	_Atomic uint64_t reads;
};

static void *read_on(void *arg)
{
	struct reading *r = arg;
	struct arena *mem = arena_new();
	while (!r->stop) {
		struct txn *t;
		struct str a, b;
		EXPECT_OK(txn_read(r->sh, &t));
		EXPECT_OK(txn_get(t, S("a"), mem, &a));
		EXPECT_OK(txn_get(t, S("b"), mem, &b));
		EXPECT(str_eq(a, b)); /* never half a commit */
		txn_end(t);
		arena_reset(mem);
		r->reads++;
	}
	arena_free(mem);
	return NULL;
}

static struct status put_both(struct txn *t, void *arg)
{
	TRY(txn_put(t, S("a"), *(struct str *)arg));
	return txn_put(t, S("b"), *(struct str *)arg);
}

static void readers_never_see_half_a_commit_and_the_log_stays_short(void)
{
	struct fixture f;
	fixture_new(&f);
	fixture_store(&f, NULL);
	struct reading r = { .sh = fixture_shard(&f, "s") };
	pthread_t threads[2];
	EXPECT_OK(fixture_write(r.sh, put_both, &S("0")));
	for (size_t i = 0; i < COUNT(threads); i++)
		EXPECT(pthread_create(&threads[i], NULL, read_on, &r) == 0);
	for (int i = 0; i < 4000; i++)
		EXPECT_OK(fixture_write(r.sh, put_both, i % 2 ? &S("one") : &S("two")));
	r.stop = true;
	for (size_t i = 0; i < COUNT(threads); i++)
		pthread_join(threads[i], NULL);
	char *path = str_z(f.mem, arena_printf(f.mem, "%s", f.data));
	DIR *d = opendir(path);
	for (struct dirent *e; (e = readdir(d));) {
		struct stat st;
		EXPECT(stat(str_z(f.mem, arena_printf(f.mem, "%s/%s", path, e->d_name)), &st) == 0);
		EXPECT(st.st_size < 24 << 20);
	}
	closedir(d);
	shard_close(r.sh);
	fixture_end(&f);
}

struct writing {
	struct shard *sh;
	struct status st;
};

static void *write_once(void *arg)
{
	struct writing *w = arg;
	w->st = fixture_write(w->sh, put_both, &S("x"));
	return NULL;
}

/* A reader that sees the wal-index half changed takes the write lock to look again; here it loses its processor then.
 */
static void a_write_waits_for_a_reader_that_has_no_processor(void)
{
	enum { WAL_WRITE_LOCK = 0, HELD_US = 300 * 1000 };
	struct fixture f;
	pthread_t thread;
	struct shm_held reader = { 0 };
	fixture_new(&f);
	fixture_store(&f, &(struct store_options){ .log_pages = 1 }); /* after each commit a checkpoint */
	struct writing w = { .sh = fixture_shard(&f, "s") };
	EXPECT_OK(fixture_write(w.sh, put_both, &S("0")));
	while (shm_lock(w.sh->vault, &reader, WAL_WRITE_LOCK, 1, SQLITE_SHM_LOCK | SQLITE_SHM_EXCLUSIVE) != SQLITE_OK)
		usleep(1000); /* the checkpoint has it */
	EXPECT(pthread_create(&thread, NULL, write_once, &w) == 0);
	usleep(HELD_US);
	shm_release(w.sh->vault, &reader);
	pthread_join(thread, NULL);
	EXPECT_OK(w.st);
	shard_close(w.sh);
	fixture_end(&f);
}

RUN_ALL(T(concurrent_writers_share_commits_and_lose_nothing), T(who_steps_back_is_home_when_others_see_what_he_met),
	T(opening_twice_gives_the_same_shard_and_another_key_is_refused), T(more_shards_than_may_be_open_are_fine),
	T(looking_for_a_shard_makes_none), T(who_makes_a_shard_is_not_refused_because_another_only_looked),
	T(a_dropped_shard_is_gone_and_its_name_is_free), T(the_outbox_is_numbered_listed_and_trimmed),
	T(nothing_readable_is_on_disk), T(readers_never_see_half_a_commit_and_the_log_stays_short),
	T(a_write_waits_for_a_reader_that_has_no_processor))

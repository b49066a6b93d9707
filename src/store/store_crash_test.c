/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Full disks, failing disks, power loss and kill -9: what was acknowledged is there, what
 * failed is not, and nothing is there by half.
 *
 * Each transaction writes two keys and an outbox record: they are seen together or not at all.
 */
#include "base/disk_fault.h"
#include "store/fixture.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <sys/wait.h>

enum { TXNS = 14 };

static const struct store_options options = { .writer_threads = 1, .log_pages = 6 };

struct job {
	struct fixture f;
	struct disk_fault df;
	struct status st[TXNS]; /* what each transaction's commit said; E_UNSUPPORTED: never tried */
	char scratch[96];
};

static struct str key_n(struct arena *mem, char tag, int i)
{
	struct buf b = buf_in(mem);
	key_tag(&b, tag);
	key_u64(&b, (uint64_t)i);
	return buf_str(&b);
}

/* Long enough that pages split and the database grows. */
static struct str value_n(struct arena *mem, int i)
{
	char *p = NEWS(mem, char, 1500);
	memset(p, 'a' + i, 1500);
	return str_make(p, 1500);
}

static struct status put_pair(struct txn *t, void *arg)
{
	int i = *(int *)arg;
	struct arena *mem = arena_new();
	struct status st = txn_put(t, key_n(mem, 'a', i), value_n(mem, i));
	if (!failed(st))
		st = txn_put(t, key_n(mem, 'b', i), value_n(mem, i));
	if (!failed(st))
		st = txn_outbox(t, value_n(mem, i));
	arena_free(mem);
	return st;
}

static bool has(struct job *j, struct shard *sh, char tag, int i)
{
	struct str val;
	struct status st = fixture_get(sh, key_n(j->f.mem, tag, i), j->f.mem, &val);
	EXPECT(!failed(st) || st.code == E_NOT_FOUND);
	if (failed(st))
		return false;
	EXPECT(str_eq(val, value_n(j->f.mem, i)));
	return true;
}

static void job_new(struct job *j)
{
	*j = (struct job){ 0 };
	fixture_new(&j->f);
	snprintf(j->scratch, sizeof j->scratch, "%s/scratch", j->f.dir);
	EXPECT(mkdir(j->scratch, 0700) == 0);
	disk_fault_init(&j->df, j->f.w.disk, j->scratch);
	j->f.w.disk = &j->df.disk;
	for (int i = 0; i < TXNS; i++)
		j->st[i] = ERR(E_UNSUPPORTED);
}

static void job_run(struct job *j)
{
	struct store *s;
	struct shard *sh;
	if (failed(store_open(&j->f.w, j->f.kr, &j->f.key, j->f.data, &options, &s)))
		return;
	if (!failed(shard_open(s, S("shard"), &j->f.key, &sh))) {
		for (int i = 0; i < TXNS; i++) {
			j->st[i] = fixture_write(sh, put_pair, &i);
			struct str val; /* reads go on */
			if (!failed(j->st[i]))
				EXPECT(!failed(fixture_get(sh, key_n(j->f.mem, 'a', i), j->f.mem, &val)) || j->df.off);
			if (!failed(j->st[i]) && i % 3 == 2)
				shard_outbox_delivered(sh, (uint64_t)i / 2);
		}
		shard_close(sh);
	}
	store_close(s);
}

static uint64_t count_outbox(struct job *j, struct shard *sh, uint64_t delivered)
{
	struct outbox_record *rec;
	size_t n;
	EXPECT_OK(shard_outbox_read(sh, delivered, 100, 1 << 20, j->f.mem, &rec, &n));
	for (size_t i = 1; i < n; i++)
		EXPECT(rec[i].seq == rec[i - 1].seq + 1);
	return n ? rec[n - 1].seq : delivered;
}

/* After the disk is well again. `strict`: what failed must be absent. */
static void job_check(struct job *j, bool strict)
{
	uint64_t present = 0;
	disk_fault_power_on(&j->df);
	fixture_store(&j->f, &options);
	struct shard *sh = fixture_shard(&j->f, "shard");
	for (int i = 0; i < TXNS; i++) {
		bool a = has(j, sh, 'a', i), b = has(j, sh, 'b', i);
		EXPECT(a == b);
		if (j->st[i].code == 0)
			EXPECT(a);
		if (strict && j->st[i].code != 0)
			EXPECT(!a);
		present += a;
	}
	/* sequence numbers have no gaps: the highest tells how many effects have a record */
	EXPECT(present == 0 || count_outbox(j, sh, 0) == present);
	int next = TXNS - 1; /* and it takes writes again */
	EXPECT_OK(fixture_write(sh, put_pair, &next));
	EXPECT(has(j, sh, 'b', next));
	shard_close(sh);
	store_close(j->f.store);
	fixture_store(&j->f, &options);
	sh = fixture_shard(&j->f, "shard");
	EXPECT(has(j, sh, 'a', next));
	shard_close(sh);
}

static void job_end(struct job *j)
{
	store_close(j->f.store);
	j->f.store = NULL;
	disk_fault_end(&j->df);
	fixture_end(&j->f);
}

static uint64_t calls_of_a_healthy_run(void)
{
	struct job *j = HEAP(struct job);
	job_new(j);
	job_run(j);
	uint64_t calls = j->df.calls;
	for (int i = 0; i < TXNS; i++)
		EXPECT_OK(j->st[i]);
	job_check(j, true);
	job_end(j);
	heap_free(j);
	return calls;
}

static void sweep(int error, uint64_t count, uint64_t step)
{
	uint64_t calls = calls_of_a_healthy_run(), failures = 0;
	for (uint64_t n = 1; n <= calls; n += step) {
		struct job *j = HEAP(struct job);
		job_new(j);
		j->df.fail_at = n;
		j->df.fail_count = count;
		j->df.fail_errno = error;
		job_run(j);
		for (int i = 0; i < TXNS; i++)
			failures += failed(j->st[i]);
		/* a disk that stays broken cannot be told to forget what it took before it broke */
		job_check(j, count == 1);
		job_end(j);
		heap_free(j);
	}
	printf("# %llu calls, %llu failed transactions\n", (unsigned long long)calls, (unsigned long long)failures);
	EXPECT(failures > 0);
}

static void any_one_write_may_find_the_disk_full(void)
{
	fixture_quiet();
	sweep(ENOSPC, 1, 1);
}

static void any_one_write_may_fail(void)
{
	fixture_quiet();
	sweep(EIO, 1, 3);
}

static void the_disk_may_stay_full_from_any_write_on(void)
{
	fixture_quiet();
	sweep(ENOSPC, UINT64_MAX, 5);
}

static void copy_dir(struct job *j, const char *from, const char *to)
{
	EXPECT(system(str_z(j->f.mem, arena_printf(j->f.mem, "rm -rf '%s' && cp -r '%s' '%s'", to, from, to))) == 0);
}

/* Its bytes may have reached the log before the sync failed; a kill right after must not bring them back. */
static void a_failed_commit_does_not_come_back_after_a_kill(void)
{
	fixture_quiet();
	for (uint64_t k = 1; k <= 16; k++) {
		struct job *j = HEAP(struct job);
		job_new(j);
		fixture_store(&j->f, NULL);
		struct shard *sh = fixture_shard(&j->f, "shard");
		for (int i = 0; i < 3; i++)
			EXPECT_OK(j->st[i] = fixture_write(sh, put_pair, &i));
		j->df.fail_at = j->df.calls + k;
		j->df.fail_errno = EIO;
		int last = 3;
		j->st[3] = fixture_write(sh, put_pair, &last);
		char *killed = str_z(j->f.mem, arena_printf(j->f.mem, "%s/killed", j->f.dir));
		copy_dir(j, j->f.data, killed);
		shard_close(sh);
		store_close(j->f.store);
		copy_dir(j, killed, j->f.data);
		job_check(j, true);
		job_end(j);
		heap_free(j);
	}
}

static void power_may_go_at_any_write(void)
{
	fixture_quiet();
	uint64_t calls = calls_of_a_healthy_run();
	for (uint64_t seed = 0; seed < 3; seed++) {
		for (uint64_t n = 1 + seed % 2; n <= calls; n += 2) {
			struct job *j = HEAP(struct job);
			job_new(j);
			j->df.power_loss_at = n;
			j->df.keep_seed = seed ? seed * 1000 + n : 0;
			job_run(j);
			job_check(j, false);
			job_end(j);
			heap_free(j);
		}
	}
}

struct child {
	struct shard *sh;
	int pipe, who;
};

static struct status put_numbered(struct txn *t, void *arg)
{
	struct fixture_pair *p = arg;
	TRY(txn_put(t, p->key, p->val));
	return txn_outbox(t, p->key);
}

static void *child_thread(void *arg)
{
	struct child *c = arg;
	struct arena *mem = arena_new();
	for (int i = 0;; i++) {
		struct fixture_pair p = { key_n(mem, (char)('A' + c->who), i), value_n(mem, i % 20) };
		if (failed(fixture_write(c->sh, put_numbered, &p)))
			_Exit(2);
		int told[2] = { c->who, i };
		if (write(c->pipe, told, sizeof told) != sizeof told)
			_Exit(3);
		arena_reset(mem);
	}
	return NULL;
}

static void child_main(struct fixture *f, int fd)
{
	struct child c[3];
	pthread_t t;
	char *root = str_z(f->mem, arena_printf(f->mem, "%s/root.key", f->dir));
	EXPECT_OK(keyring_open(&f->w, root, &f->kr)); /* a child inherits no secrets */
	fixture_store(f, &options);
	struct shard *sh = fixture_shard(f, "shard");
	for (int i = 0; i < 3; i++) {
		c[i] = (struct child){ sh, fd, i };
		pthread_create(&t, NULL, child_thread, &c[i]);
	}
	pause();
}

/* What was told to us before the kill has to be there afterwards, one record for each effect. */
static void check_told(struct fixture *f, const int last[3])
{
	uint64_t effects = 0, records = 0;
	struct txn *t;
	struct cursor c;
	fixture_store(f, &options);
	struct shard *sh = fixture_shard(f, "shard");
	for (int who = 0; who < 3; who++) {
		for (int i = 0; i <= last[who]; i++) {
			struct str val;
			EXPECT_OK(fixture_get(sh, key_n(f->mem, (char)('A' + who), i), f->mem, &val));
			EXPECT(str_eq(val, value_n(f->mem, i % 20)));
		}
	}
	EXPECT_OK(txn_read(sh, &t));
	EXPECT_OK(txn_range(t, &(struct range){ .keys_only = true }, &c));
	while (cursor_next(&c))
		effects++;
	EXPECT_OK(cursor_end(&c));
	txn_end(t);
	struct outbox_record *rec;
	size_t n;
	do {
		EXPECT_OK(shard_outbox_read(sh, records, 1000, 1 << 20, f->mem, &rec, &n));
		records += n;
	} while (n);
	EXPECT(records == effects);
	shard_close(sh);
	store_close(f->store);
	f->store = NULL;
}

/* Transactions the child told of, noted in last[]; how many. At least `wanted` are waited for. */
static unsigned hear(int fd, int last[3], unsigned wanted)
{
	int told[2];
	unsigned n = 0;
	for (; n < wanted && read(fd, told, sizeof told) == sizeof told; n++)
		last[told[0]] = told[1];
	return n;
}

/* In one round of five before anything may have been acknowledged. */
static void kill_at_any_moment_loses_nothing_acknowledged(void)
{
	uint64_t told_all = 0;
	for (unsigned round = 0; round < 25; round++) {
		struct fixture f;
		int fds[2], last[3] = { -1, -1, -1 };
		uint16_t us;
		fixture_new(&f);
		EXPECT(pipe(fds) == 0);
		pid_t pid = fork();
		if (pid == 0) {
			child_main(&f, fds[1]);
			_Exit(0);
		}
		close(fds[1]);
		world_random(&f.w, &us, sizeof us);
		told_all += hear(fds[0], last, round % 5 ? 5 : 0);
		usleep(us);
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		told_all += hear(fds[0], last, UINT_MAX);
		close(fds[0]);
		check_told(&f, last);
		fixture_end(&f);
	}
	printf("# %llu transactions acknowledged before the kills\n", (unsigned long long)told_all);
	EXPECT(told_all >= 100);
}

RUN_ALL(T(any_one_write_may_find_the_disk_full), T(any_one_write_may_fail), T(the_disk_may_stay_full_from_any_write_on),
	T(a_failed_commit_does_not_come_back_after_a_kill), T(power_may_go_at_any_write),
	T(kill_at_any_moment_loses_nothing_acknowledged))

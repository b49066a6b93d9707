/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the store does a second, beside the bare disk in the same run.
 *
 *     store_bench [DIR]       DIR: a directory on the disk to be measured; default /tmp
 *
 * Prints point reads, durable writes of 32 fibers and of one, bare one-at-a-time fdatasync
 * writes of 4 KiB, and blobs of 64 MiB, written (durably) and read.
 */
#include "base/fiber.h"
#include "base/str.h"
#include "base/test_dir.h"
#include "crypto/keyring.h"
#include "store/blob.h"
#include "store/store.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

enum { KEYS = 20000, FIBERS = 32, MB = 1024 * 1024, BLOB_MB = 64 };

struct bench {
	struct world w;
	struct arena *mem;
	char dir[256];
	struct keyring *kr;
	struct key_ref key;
	struct store *store;
	struct shard *sh;
};

static void must(struct status st)
{
	if (!failed(st))
		return;
	fprintf(stderr, "store_bench: %s\n", status_name(st));
	exit(1);
}

static char *path_in(struct bench *b, const char *name)
{
	return str_z(b->mem, arena_printf(b->mem, "%s/%s", b->dir, name));
}

static double seconds(struct bench *b, int64_t since_us) { return (double)(b->w.mono_us(&b->w) - since_us) / 1e6; }

static void begin(struct bench *b, const char *where)
{
	struct str wrapped;
	*b = (struct bench){ .mem = arena_new() };
	world_real(&b->w);
	test_dir_new_in(b->dir, sizeof b->dir, where);
	must(keyring_create_root(&b->w, path_in(b, "root.key")));
	must(keyring_open(&b->w, path_in(b, "root.key"), &b->kr));
	must(keyring_key_new(b->kr, NULL, S("bench"), b->mem, &wrapped));
	b->key = key_ref_of(NULL, S("bench"), wrapped);
	must(store_open(&b->w, b->kr, &b->key, path_in(b, "data"), NULL, &b->store));
	must(shard_open(b->store, S("bench"), &b->key, &b->sh));
}

static struct str key_n(struct arena *mem, uint64_t n)
{
	struct buf k = buf_in(mem);
	key_tag(&k, 'k');
	key_u64(&k, n * 0x9e3779b97f4a7c15ull);
	return buf_str(&k);
}

struct writing {
	struct bench *b;
	uint64_t from, n;
	size_t per_txn;
	struct fiber_host *host;
};

static void write_keys(void *arg)
{
	struct writing *wr = arg;
	struct arena *mem = arena_new();
	static const char value[200];
	for (uint64_t i = 0; i < wr->n;) {
		struct txn *t;
		must(txn_write(wr->b->sh, &t));
		for (size_t k = 0; k < wr->per_txn && i < wr->n; k++, i++)
			must(txn_put(t, key_n(mem, wr->from + i), str_make(value, sizeof value)));
		must(txn_commit(t));
		arena_reset(mem);
	}
	arena_free(mem);
}

/* One thread that is home to many fibers, as an event thread is. */
struct home {
	struct fiber_host host;
	pthread_mutex_t lock;
	pthread_cond_t woken;
	struct fiber *ready[FIBERS];
	size_t n;
};

static void wake(struct fiber_host *host, struct fiber *f)
{
	struct home *h = (struct home *)(void *)host;
	pthread_mutex_lock(&h->lock);
	h->ready[h->n++] = f;
	pthread_cond_signal(&h->woken);
	pthread_mutex_unlock(&h->lock);
}

static void run_fibers(struct home *h, size_t left)
{
	while (left > 0) {
		struct fiber *todo[FIBERS];
		pthread_mutex_lock(&h->lock);
		while (h->n == 0)
			pthread_cond_wait(&h->woken, &h->lock);
		size_t n = h->n;
		memcpy(todo, h->ready, n * sizeof *todo);
		h->n = 0;
		pthread_mutex_unlock(&h->lock);
		for (size_t i = 0; i < n; i++) {
			struct handover o;
			if (fiber_step(todo[i], &o) == FIBER_DONE)
				left--;
			else if (o.fn)
				o.fn(o.arg, todo[i]);
		}
	}
}

static double bare_syncs(struct bench *b)
{
	enum { N = 400 };
	static const char page[4096];
	int fd = open(path_in(b, "bare"), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	int64_t start = b->w.mono_us(&b->w);
	for (int i = 0; i < N; i++)
		if (pwrite(fd, page, sizeof page, (off_t)i * 4096) != sizeof page || fdatasync(fd) < 0)
			must(ERR(E_IO));
	close(fd);
	return N / seconds(b, start);
}

static double durable_writes(struct bench *b, size_t fibers, uint64_t each, double *per_sync)
{
	struct home h = { .host.wake = wake };
	struct writing wr[FIBERS];
	struct store_stats before, after;
	pthread_mutex_init(&h.lock, NULL);
	pthread_cond_init(&h.woken, NULL);
	store_stats(b->store, &before);
	int64_t start = b->w.mono_us(&b->w);
	for (size_t i = 0; i < fibers; i++) {
		wr[i] = (struct writing){ .b = b, .from = (1 + i) * 1000000, .n = each, .per_txn = 1 };
		h.ready[h.n++] = fiber_new(&h.host, write_keys, &wr[i]);
	}
	run_fibers(&h, fibers);
	double rate = (double)(fibers * each) / seconds(b, start);
	store_stats(b->store, &after);
	*per_sync = (double)(after.commits - before.commits) / (double)(after.batches - before.batches);
	return rate;
}

static double point_reads(struct bench *b)
{
	enum { N = 300000 };
	struct arena *mem = arena_new();
	int64_t start = b->w.mono_us(&b->w);
	for (uint64_t i = 0; i < N; i++) {
		struct txn *t;
		struct str val;
		must(txn_read(b->sh, &t));
		must(txn_get(t, key_n(mem, i * 7919 % KEYS), mem, &val));
		txn_end(t);
		arena_reset(mem);
	}
	arena_free(mem);
	return N / seconds(b, start);
}

static void blobs(struct bench *b)
{
	struct blobs *bl;
	struct blob_writer *w;
	struct blob_reader *r;
	struct blob_id id;
	size_t got;
	static char piece[MB];
	struct secret key = secret_new(keyring_secrets(b->kr), BLOB_KEY);
	world_random(&b->w, key.p, key.n);
	must(blobs_open(&b->w, keyring_secrets(b->kr), NULL, path_in(b, "blobs"), &bl));
	int64_t start = b->w.mono_us(&b->w);
	must(blob_create(bl, &key, S("bench"), &w));
	for (int i = 0; i < BLOB_MB; i++)
		must(blob_write(w, str_make(piece, sizeof piece)));
	double sealed = seconds(b, start);
	must(blob_finish(w, &id));
	double durable = seconds(b, start);
	start = b->w.mono_us(&b->w);
	must(blob_open(bl, id, &key, S("bench"), &r));
	for (uint64_t i = 0; i < BLOB_MB; i++)
		must(blob_read(r, i * MB, piece, sizeof piece, &got));
	printf("blob of %d MiB   write %6.0f MB/s (until durable %.0f)   read %6.0f MB/s\n", BLOB_MB,
	       BLOB_MB / sealed * 1.048576, BLOB_MB / durable * 1.048576, BLOB_MB / seconds(b, start) * 1.048576);
	blob_close(r);
	blobs_close(bl);
	secret_free(&key);
}

static void remove_all(struct bench *b)
{
	char *cmd = str_z(b->mem, arena_printf(b->mem, "rm -r -- '%s'", b->dir));
	if (system(cmd) != 0)
		fprintf(stderr, "store_bench: %s is left behind\n", b->dir);
}

int main(int argc, char **argv)
{
	struct bench b;
	double per_sync;
	begin(&b, argc > 1 ? argv[1] : "/tmp");
	fiber_block_on(write_keys, &(struct writing){ .b = &b, .n = KEYS, .per_txn = 500 });
	printf("point reads       %8.0f /s\n", point_reads(&b));
	double bare = bare_syncs(&b);
	printf("bare fdatasync    %8.0f /s, one 4 KiB write at a time\n", bare);
	double one = durable_writes(&b, 1, 400, &per_sync);
	printf("durable writes    %8.0f /s, one fiber   (%.2f of bare)\n", one, one / bare);
	double many = durable_writes(&b, FIBERS, 1000, &per_sync);
	printf("durable writes    %8.0f /s, %d fibers (%.2f of bare), %.1f in a commit\n", many, FIBERS, many / bare,
	       per_sync);
	blobs(&b);
	shard_close(b.sh);
	store_close(b.store);
	keyring_close(b.kr);
	struct rusage u;
	getrusage(RUSAGE_SELF, &u);
	printf("memory            %8.1f MiB at most\n", (double)u.ru_maxrss / 1024);
	remove_all(&b);
	arena_free(b.mem);
	return 0;
}

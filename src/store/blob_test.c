/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What blob.h promises: bytes come back as they went in, in any range, or not at all.
 */
#include "base/disk_fault.h"
#include "store/fixture.h"
#include "store/blob.h"

#include <errno.h>

struct bed {
	struct fixture f;
	struct blobs *b;
	struct secret key;
	char dir[80];
};

static void bed_new(struct bed *t)
{
	fixture_new(&t->f);
	snprintf(t->dir, sizeof t->dir, "%s/blobs", t->f.dir);
	EXPECT_OK(blobs_open(&t->f.w, keyring_secrets(t->f.kr), NULL, t->dir, &t->b));
	t->key = secret_new(keyring_secrets(t->f.kr), BLOB_KEY);
	world_random(&t->f.w, t->key.p, t->key.n);
}

static void bed_end(struct bed *t)
{
	secret_free(&t->key);
	blobs_close(t->b);
	fixture_end(&t->f);
}

static struct str pattern(struct arena *mem, size_t n)
{
	char *p = NEWS(mem, char, n + 1);
	for (size_t i = 0; i < n; i++)
		p[i] = (char)(i * 2654435761u >> 13);
	return str_make(p, n);
}

static struct status store_blob(struct bed *t, struct str bytes, size_t step, struct blob_id *id)
{
	struct blob_writer *w;
	TRY(blob_create(t->b, &t->key, S("who"), &w));
	for (size_t i = 0; i < bytes.n; i += step) {
		struct status st = blob_write(w, str_sub(bytes, i, step));
		if (failed(st)) {
			blob_abort(w);
			return st;
		}
	}
	EXPECT(blob_written(w) == bytes.n);
	return blob_finish(w, id);
}

static struct status read_blob(struct bed *t, struct blob_id id, struct str identity, uint64_t at, size_t n,
			       struct str *out)
{
	struct blob_reader *r;
	size_t got;
	TRY(blob_open(t->b, id, &t->key, identity, &r));
	char *p = NEWS(t->f.mem, char, n + 1);
	struct status st = blob_read(r, at, p, n, &got);
	blob_close(r);
	TRY(st);
	*out = str_make(p, got);
	return OK;
}

static void any_length_in_any_pieces_comes_back(void)
{
	struct bed t;
	static const size_t lengths[] = {
		0, 1, 1000, BLOB_CHUNK - 1, BLOB_CHUNK, BLOB_CHUNK + 1, 2 * BLOB_CHUNK, 300000
	};
	static const size_t steps[] = { 777, BLOB_CHUNK, 200000, 1 << 20 };
	bed_new(&t);
	for (size_t i = 0; i < COUNT(lengths); i++) {
		for (size_t j = 0; j < COUNT(steps); j++) {
			struct blob_id id;
			struct str want = pattern(t.f.mem, lengths[i]), got;
			EXPECT_OK(store_blob(&t, want, steps[j], &id));
			EXPECT_OK(read_blob(&t, id, S("who"), 0, lengths[i] + 100, &got));
			EXPECT(str_eq(got, want));
		}
	}
	bed_end(&t);
}

static void any_range_is_read(void)
{
	struct bed t;
	struct blob_id id;
	struct blob_reader *r;
	static char p[200000];
	bed_new(&t);
	struct str want = pattern(t.f.mem, 300000);
	EXPECT_OK(store_blob(&t, want, 50000, &id));
	EXPECT_OK(blob_open(t.b, id, &t.key, S("who"), &r));
	EXPECT(blob_length(r) == 300000);
	for (uint64_t at = 0; at < 310000; at += 7919) {
		size_t n = (size_t)(at * 31 % sizeof p), got;
		EXPECT_OK(blob_read(r, at, p, n, &got));
		EXPECT(str_eq(str_make(p, got), str_sub(want, (size_t)at, n)));
	}
	blob_close(r);
	bed_end(&t);
}

static void wrong_keys_identities_and_ids_open_nothing(void)
{
	struct bed t;
	struct blob_id id;
	struct str got;
	fixture_quiet();
	bed_new(&t);
	EXPECT_OK(store_blob(&t, S("content"), 7, &id));
	EXPECT_ERR(read_blob(&t, id, S("other"), 0, 7, &got), E_CORRUPT);
	t.key.p[0] ^= 1;
	EXPECT_ERR(read_blob(&t, id, S("who"), 0, 7, &got), E_CORRUPT);
	t.key.p[0] ^= 1;
	id.b[3] ^= 1;
	EXPECT_ERR(read_blob(&t, id, S("who"), 0, 7, &got), E_NOT_FOUND);
	EXPECT_OK(blob_delete(t.b, id));
	id.b[3] ^= 1;
	EXPECT_OK(blob_delete(t.b, id));
	EXPECT_ERR(read_blob(&t, id, S("who"), 0, 7, &got), E_NOT_FOUND);
	bed_end(&t);
}

static char *blob_path(struct bed *t, struct blob_id id)
{
	char hex[33] = "";
	for (int i = 0; i < 16; i++)
		snprintf(hex + 2 * i, 3, "%02x", id.b[i]);
	return str_z(t->f.mem, arena_printf(t->f.mem, "%s/%.2s/%s", t->dir, hex, hex));
}

static void every_changed_byte_and_every_cut_is_noticed(void)
{
	struct bed t;
	struct blob_id id;
	struct str got;
	fixture_quiet();
	bed_new(&t);
	struct str want = pattern(t.f.mem, 2 * BLOB_CHUNK + 100);
	EXPECT_OK(store_blob(&t, want, want.n, &id));
	int fd = open(blob_path(&t, id), O_RDWR | O_CLOEXEC);
	off_t size = lseek(fd, 0, SEEK_END);
	for (off_t at = 0; at < size; at += at < 64 ? 1 : 1009) {
		char c;
		EXPECT(pread(fd, &c, 1, at) == 1);
		c ^= 4;
		EXPECT(pwrite(fd, &c, 1, at) == 1);
		EXPECT_ERR(read_blob(&t, id, S("who"), 0, want.n, &got), E_CORRUPT);
		c ^= 4;
		EXPECT(pwrite(fd, &c, 1, at) == 1);
	}
	EXPECT_OK(read_blob(&t, id, S("who"), 0, want.n, &got));
	static const int cuts[] = { 1, 50, 99, 100, 101, 116, 117, BLOB_CHUNK, BLOB_CHUNK + 132, 2 * BLOB_CHUNK + 132 };
	for (size_t i = 0; i < COUNT(cuts); i++) {
		EXPECT(ftruncate(fd, size - cuts[i]) == 0);
		EXPECT_ERR(read_blob(&t, id, S("who"), 0, want.n, &got), E_CORRUPT);
	}
	close(fd);
	bed_end(&t);
}

static void chunks_may_not_change_places(void)
{
	struct bed t;
	struct blob_id id;
	struct str got;
	static char a[BLOB_CHUNK + 16], b[BLOB_CHUNK + 16];
	fixture_quiet();
	bed_new(&t);
	struct str want = pattern(t.f.mem, 3 * BLOB_CHUNK);
	EXPECT_OK(store_blob(&t, want, want.n, &id));
	int fd = open(blob_path(&t, id), O_RDWR | O_CLOEXEC);
	EXPECT(pread(fd, a, sizeof a, 32) == sizeof a && pread(fd, b, sizeof b, 32 + sizeof a) == sizeof b);
	EXPECT(pwrite(fd, b, sizeof b, 32) == sizeof b && pwrite(fd, a, sizeof a, 32 + sizeof a) == sizeof a);
	close(fd);
	EXPECT_ERR(read_blob(&t, id, S("who"), 0, 10, &got), E_CORRUPT);
	EXPECT_ERR(read_blob(&t, id, S("who"), BLOB_CHUNK, 10, &got), E_CORRUPT);
	EXPECT_OK(read_blob(&t, id, S("who"), 2 * BLOB_CHUNK, 10, &got));
	bed_end(&t);
}

static void small_objects_are_sealed_and_opened(void)
{
	struct bed t;
	struct str sealed, got;
	bed_new(&t);
	EXPECT_OK(blob_seal_small(t.f.mem, &t.key, S("who"), S("a small one"), &sealed));
	EXPECT(sealed.n == 11 + BLOB_SMALL_OVERHEAD);
	EXPECT_OK(blob_open_small(t.f.mem, &t.key, S("who"), sealed, &got));
	EXPECT_STR(got, S("a small one"));
	EXPECT_ERR(blob_open_small(t.f.mem, &t.key, S("her"), sealed, &got), E_CORRUPT);
	EXPECT_ERR(blob_open_small(t.f.mem, &t.key, S("who"), str_sub(sealed, 0, 12), &got), E_CORRUPT);
	EXPECT_OK(blob_seal_small(t.f.mem, &t.key, S("who"), S(""), &sealed));
	EXPECT_OK(blob_open_small(t.f.mem, &t.key, S("who"), sealed, &got));
	EXPECT(got.n == 0);
	bed_end(&t);
}

static bool is_kept(void *arg, struct blob_id id) { return memcmp(arg, id.b, 16) == 0; }

static void the_sweep_removes_what_earlier_runs_left(void)
{
	struct bed t;
	struct blob_id kept, orphan, recent;
	struct blob_writer *w, *now;
	struct str got;
	uint64_t removed;
	bed_new(&t);
	EXPECT_OK(store_blob(&t, S("kept"), 4, &kept));
	EXPECT_OK(store_blob(&t, S("orphan"), 6, &orphan));
	EXPECT_OK(blob_create(t.b, &t.key, S("who"), &w)); /* its run will have died */
	struct blobs *earlier = t.b;
	usleep(20000);
	EXPECT_OK(blobs_open(&t.f.w, keyring_secrets(t.f.kr), NULL, t.dir, &t.b));
	EXPECT_OK(store_blob(&t, S("recent"), 6, &recent));
	EXPECT_OK(blob_create(t.b, &t.key, S("who"), &now));
	EXPECT_OK(blobs_sweep(t.b, is_kept, kept.b, &removed));
	EXPECT(removed == 2);
	EXPECT_OK(read_blob(&t, kept, S("who"), 0, 9, &got));
	EXPECT_OK(read_blob(&t, recent, S("who"), 0, 9, &got));
	EXPECT_ERR(read_blob(&t, orphan, S("who"), 0, 9, &got), E_NOT_FOUND);
	blob_abort(w);
	EXPECT_OK(blob_finish(now, &recent));
	blobs_close(earlier);
	bed_end(&t);
}

static void count_file(void *arg, const char *path) { *(int *)arg += !str_ends(str_of(path), S("/start")); }

/* Full disk and power loss at every step: a blob that finished is whole, one that did not is not there. */
static void a_failing_disk_leaves_a_blob_whole_or_absent(void)
{
	fixture_quiet();
	for (int kind = 0; kind < 2; kind++) {
		for (uint64_t n = 1;; n++) {
			struct bed t;
			struct disk_fault df;
			struct blob_id id;
			struct str want, got;
			bed_new(&t);
			char *scratch = str_z(t.f.mem, arena_printf(t.f.mem, "%s/scratch", t.f.dir));
			EXPECT(mkdir(scratch, 0700) == 0);
			disk_fault_init(&df, t.f.w.disk, scratch);
			t.f.w.disk = &df.disk;
			want = pattern(t.f.mem, 200000);
			if (kind == 0) {
				df.fail_at = n;
				df.fail_errno = ENOSPC;
			} else {
				df.power_loss_at = n;
				df.keep_seed = n;
			}
			struct status st = store_blob(&t, want, 60000, &id);
			bool done = df.calls < n;
			disk_fault_power_loss(&df);
			disk_fault_power_on(&df);
			if (!failed(st)) {
				EXPECT_OK(read_blob(&t, id, S("who"), 0, want.n, &got));
				EXPECT(str_eq(got, want));
			} else if (kind == 0) {
				int files = 0;
				EXPECT(st.code == E_FULL || st.code == E_IO);
				fixture_files(t.dir, count_file, &files);
				EXPECT(files == 0);
			}
			disk_fault_end(&df);
			bed_end(&t);
			if (done)
				break;
		}
	}
}

static void finish_in_a_fiber(void *arg)
{
	struct bed *t = arg;
	struct blob_id id;
	struct str got;
	EXPECT_OK(store_blob(t, S("through the pool"), 3, &id));
	EXPECT_OK(read_blob(t, id, S("who"), 0, 99, &got));
	EXPECT_OK(blob_delete(t->b, id));
	EXPECT_STR(got, S("through the pool"));
	struct str large = pattern(t->f.mem, 5 << 20); /* long enough for the disk to be told on the way */
	EXPECT_OK(store_blob(t, large, 100000, &id));
	EXPECT_OK(read_blob(t, id, S("who"), 0, large.n, &got));
	EXPECT(str_eq(got, large));
	for (int i = 0; i < 200; i++) /* more than the pool takes at once; gone is fine */
		blob_delete_soon(t->b, id);
}

static void with_a_pool_a_fiber_does_not_wait_at_home(void)
{
	struct bed t;
	bed_new(&t);
	blobs_close(t.b);
	struct io_pool *pool = io_pool_new(2);
	EXPECT_OK(blobs_open(&t.f.w, keyring_secrets(t.f.kr), pool, t.dir, &t.b));
	fiber_block_on(finish_in_a_fiber, &t);
	finish_in_a_fiber(&t); /* and outside of one */
	io_pool_free(pool);    /* what was to be deleted is, by now */
	int files = 0;
	fixture_files(t.dir, count_file, &files);
	EXPECT(files == 0);
	bed_end(&t);
}

RUN_ALL(T(any_length_in_any_pieces_comes_back), T(any_range_is_read), T(wrong_keys_identities_and_ids_open_nothing),
	T(every_changed_byte_and_every_cut_is_noticed), T(chunks_may_not_change_places),
	T(small_objects_are_sealed_and_opened), T(the_sweep_removes_what_earlier_runs_left),
	T(a_failing_disk_leaves_a_blob_whole_or_absent), T(with_a_pool_a_fiber_does_not_wait_at_home))

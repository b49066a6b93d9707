/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What block_log.h promises: what was synced stays, in order, or the reader is told.
 */
#include "base/disk_fault.h"
#include "store/block_log.h"
#include "store/fixture.h"

#include <errno.h>

enum { BLOCKS = 40 };

static const struct block_log_options small = { .segment_bytes = 9000 }; /* a handful of blocks each */

struct bed {
	struct fixture f;
	struct block_log *log;
	char dir[80];
};

static void bed_new(struct bed *t)
{
	fixture_new(&t->f);
	snprintf(t->dir, sizeof t->dir, "%s/log", t->f.dir);
	t->log = NULL;
}

static struct status bed_open(struct bed *t)
{
	return block_log_open(&t->f.w, t->f.kr, &t->f.key, t->dir, S("trail"), &small, &t->log);
}

static void bed_close(struct bed *t)
{
	block_log_close(t->log);
	t->log = NULL;
}

static void bed_end(struct bed *t)
{
	bed_close(t);
	fixture_end(&t->f);
}

static struct str records_n(struct arena *mem, uint64_t no)
{
	struct buf b = buf_in(mem);
	for (uint64_t i = 0; i < 300; i++)
		buf_printf(&b, "PLANTED record %llu of block %llu;", (unsigned long long)(i * i * 7919 * (no + 1)),
			   (unsigned long long)no);
	return buf_str(&b);
}

static struct str summary_n(struct arena *mem, uint64_t no)
{
	return arena_printf(mem, "PLANTED summary %llu", (unsigned long long)no);
}

static struct status append(struct bed *t, uint64_t no)
{
	uint64_t got;
	struct arena *mem = arena_new();
	struct status st = block_log_append(t->log, records_n(mem, no), summary_n(mem, no), &got);
	EXPECT(failed(st) || got == no);
	arena_free(mem);
	return st;
}

static void fill(struct bed *t, uint64_t from, uint64_t to)
{
	for (uint64_t no = from; no < to; no++) {
		EXPECT_OK(append(t, no));
		if (no % 3 == 2 || no + 1 == to)
			EXPECT_OK(block_log_sync(t->log));
	}
}

static struct status check_block(struct block_iter *it, struct arena *mem)
{
	struct str s;
	uint64_t no = it->no;
	TRY(block_summary(it, mem, &s));
	EXPECT_STR(s, summary_n(mem, no));
	TRY(block_records(it, mem, &s));
	EXPECT(str_eq(s, records_n(mem, no)));
	arena_reset(mem);
	return OK;
}

/* Both ways through the whole log, everything opened. *n: blocks seen. */
static struct status walk(struct bed *t, uint64_t *n, bool backward)
{
	struct block_iter it;
	struct arena *mem = arena_new();
	uint64_t expect = backward ? block_log_end(t->log) : block_log_begin(t->log);
	struct status st = backward ? block_log_last(t->log, &it) : block_log_first(t->log, &it);
	*n = 0;
	while (!failed(st) && it.valid) {
		EXPECT(it.no == (backward ? --expect : expect++));
		st = check_block(&it, mem);
		if (failed(st))
			break;
		++*n;
		st = backward ? block_prev(&it) : block_next(&it);
	}
	block_iter_end(&it);
	arena_free(mem);
	return st;
}

static void blocks_come_back_both_ways_and_after_reopening(void)
{
	struct bed t;
	uint64_t n;
	bed_new(&t);
	EXPECT_OK(bed_open(&t));
	EXPECT_OK(walk(&t, &n, false));
	EXPECT(n == 0);
	fill(&t, 0, BLOCKS);
	for (int round = 0; round < 3; round++) {
		EXPECT(block_log_begin(t.log) == 0 && block_log_end(t.log) == BLOCKS + (uint64_t)round);
		EXPECT_OK(walk(&t, &n, false));
		EXPECT(n == BLOCKS + (uint64_t)round);
		EXPECT_OK(walk(&t, &n, true));
		EXPECT(n == BLOCKS + (uint64_t)round);
		bed_close(&t);
		EXPECT_OK(bed_open(&t));
		fill(&t, BLOCKS + (uint64_t)round, BLOCKS + (uint64_t)round + 1);
	}
	bed_end(&t);
}

static void any_block_is_found_by_its_number(void)
{
	struct bed t;
	struct block_iter it;
	bed_new(&t);
	EXPECT_OK(bed_open(&t));
	fill(&t, 0, BLOCKS);
	for (uint64_t no = 0; no < BLOCKS; no++) {
		EXPECT_OK(block_log_at(t.log, no, &it));
		EXPECT(it.valid && it.no == no);
		EXPECT_OK(check_block(&it, t.f.mem));
		block_iter_end(&it);
	}
	EXPECT_OK(block_log_at(t.log, BLOCKS, &it));
	EXPECT(!it.valid);
	block_iter_end(&it);
	bed_end(&t);
}

static void what_is_not_synced_is_not_seen(void)
{
	struct bed t;
	uint64_t n;
	bed_new(&t);
	EXPECT_OK(bed_open(&t));
	fill(&t, 0, 2);
	EXPECT_OK(append(&t, 2));
	EXPECT_OK(walk(&t, &n, false));
	EXPECT(n == 2);
	EXPECT_OK(block_log_sync(t.log));
	EXPECT_OK(walk(&t, &n, true));
	EXPECT(n == 3);
	static char big[1];
	EXPECT_ERR(block_log_append(t.log, (struct str){ big, BLOCK_RECORDS_MAX + 1 }, S(""), &n), E_TOO_BIG);
	EXPECT_ERR(block_log_append(t.log, S(""), (struct str){ big, BLOCK_SUMMARY_MAX + 1 }, &n), E_TOO_BIG);
	bed_end(&t);
}

static void old_segments_are_dropped_whole(void)
{
	struct bed t;
	uint64_t n;
	bed_new(&t);
	EXPECT_OK(bed_open(&t));
	fill(&t, 0, BLOCKS);
	EXPECT_OK(block_log_drop_before(t.log, 20));
	uint64_t begin = block_log_begin(t.log);
	EXPECT(begin > 5 && begin <= 20);
	EXPECT_OK(walk(&t, &n, false));
	EXPECT(n == BLOCKS - begin);
	bed_close(&t);
	EXPECT_OK(bed_open(&t));
	EXPECT(block_log_begin(t.log) == begin);
	EXPECT_OK(walk(&t, &n, true));
	EXPECT(n == BLOCKS - begin);
	bed_end(&t);
}

struct segments {
	char path[64][128];
	int n;
};

static int by_name(const void *a, const void *b) { return strcmp(a, b); }

static void note_segment(void *arg, const char *path)
{
	struct segments *s = arg;
	EXPECT(s->n < 64);
	EXPECT(strlen(path) < sizeof s->path[0]);
	memcpy(s->path[s->n++], path, strlen(path) + 1);
}

static void list_segments(struct bed *t, struct segments *s)
{
	s->n = 0;
	fixture_files(t->dir, note_segment, s);
	qsort(s->path, (size_t)s->n, sizeof s->path[0], by_name);
}

static void a_missing_segment_is_noticed(void)
{
	struct segments s;
	uint64_t n;
	fixture_quiet();
	for (int which = 0; which < 3; which++) {
		struct bed t;
		bed_new(&t);
		EXPECT_OK(bed_open(&t));
		fill(&t, 0, BLOCKS);
		bed_close(&t);
		list_segments(&t, &s);
		EXPECT(s.n > 4);
		int victim = which == 0 ? 0 : which == 1 ? s.n / 2 : s.n - 1;
		EXPECT(unlink(s.path[victim]) == 0);
		struct status st = bed_open(&t);
		if (which == 1) {
			EXPECT_OK(st);
			EXPECT_ERR(walk(&t, &n, false), E_CORRUPT);
			EXPECT_ERR(walk(&t, &n, true), E_CORRUPT);
		} else {
			EXPECT_ERR(st, E_CORRUPT);
			t.log = NULL;
		}
		bed_end(&t);
	}
}

/* Every outcome but wrong or silently missing data: refused at opening, refused while walking, or all there. */
static bool noticed(struct bed *t, uint64_t blocks)
{
	uint64_t n, m;
	if (failed(bed_open(t))) {
		t->log = NULL;
		return true;
	}
	struct status a = walk(t, &n, false), b = walk(t, &m, true);
	EXPECT(failed(a) || n == blocks);
	EXPECT(failed(b) || m == blocks);
	bed_close(t);
	return failed(a) || failed(b);
}

static void every_changed_byte_and_every_cut_is_noticed(void)
{
	struct bed t;
	struct segments s;
	size_t seen = 0, harmless = 0;
	fixture_quiet();
	bed_new(&t);
	EXPECT_OK(bed_open(&t));
	fill(&t, 0, 8);
	bed_close(&t);
	list_segments(&t, &s);
	for (int i = 0; i < s.n; i++) {
		int fd = open(s.path[i], O_RDWR | O_CLOEXEC);
		off_t size = lseek(fd, 0, SEEK_END);
		static char image[1 << 16];
		EXPECT(size < (off_t)sizeof image && pread(fd, image, (size_t)size, 0) == size);
		for (off_t at = 0; at < size; at += 97) {
			char c = (char)(image[at] ^ (1 << (at % 8)));
			EXPECT(pwrite(fd, &c, 1, at) == 1);
			noticed(&t, 8) ? seen++ : harmless++;
			EXPECT(ftruncate(fd, size) == 0 && pwrite(fd, image, (size_t)size, 0) == size);
		}
		for (off_t cut = 1; cut < size; cut += 1511) {
			EXPECT(ftruncate(fd, size - cut) == 0);
			EXPECT(noticed(&t, 8));
			EXPECT(ftruncate(fd, size) == 0 && pwrite(fd, image, (size_t)size, 0) == size);
		}
		close(fd);
	}
	EXPECT(!noticed(&t, 8));
	printf("# %zu noticed, %zu harmless\n", seen, harmless);
	EXPECT(seen > 50);
	bed_end(&t);
}

/* Two blocks were sealed for one place, the first in vain: it may not take the second's place. */
static void a_block_that_was_taken_back_stays_away(void)
{
	struct bed t;
	struct disk_fault df;
	struct segments s;
	uint64_t no;
	static char before[8000], after[8000], a[900], b[900];
	fixture_quiet();
	bed_new(&t);
	world_random(&t.f.w, a, sizeof a);
	world_random(&t.f.w, b, sizeof b);
	disk_fault_init(&df, t.f.w.disk, NULL);
	t.f.w.disk = &df.disk;
	EXPECT_OK(bed_open(&t));
	EXPECT_OK(block_log_append(t.log, str_make(a, sizeof a), S("s"), &no));
	list_segments(&t, &s);
	int fd = open(s.path[0], O_RDWR | O_CLOEXEC);
	ssize_t size = pread(fd, before, sizeof before, 0);
	df.fail_at = df.calls + 1;
	df.fail_errno = EIO;
	EXPECT_ERR(block_log_sync(t.log), E_IO);
	EXPECT_OK(block_log_append(t.log, str_make(b, sizeof b), S("s"), &no));
	EXPECT(no == 0);
	EXPECT_OK(block_log_sync(t.log));
	EXPECT(pread(fd, after, sizeof after, 0) == size); /* they are of one length */
	for (int i = 0; i < 2; i++)
		EXPECT_OK(block_log_append(t.log, S("next"), S("s"), &no));
	EXPECT_OK(block_log_sync(t.log));
	bed_close(&t);
	EXPECT(pwrite(fd, before + 4096, (size_t)size - 4096, 4096) == size - 4096);
	close(fd);
	EXPECT_OK(bed_open(&t));
	struct block_iter it;
	EXPECT_OK(block_log_first(t.log, &it));
	EXPECT_ERR(block_next(&it), E_CORRUPT);
	EXPECT_OK(block_log_last(t.log, &it));
	EXPECT_OK(block_prev(&it));
	EXPECT_ERR(block_prev(&it), E_CORRUPT);
	bed_close(&t);
	disk_fault_end(&df);
	bed_end(&t);
}

static void a_torn_tail_is_cut_off(void)
{
	struct bed t;
	struct segments s;
	uint64_t n;
	char junk[500];
	bed_new(&t);
	EXPECT_OK(bed_open(&t));
	fill(&t, 0, 4);
	bed_close(&t);
	list_segments(&t, &s);
	int fd = open(s.path[s.n - 1], O_RDWR | O_APPEND | O_CLOEXEC);
	memset(junk, 'j', sizeof junk);
	EXPECT(write(fd, junk, sizeof junk) == sizeof junk);
	close(fd);
	EXPECT_OK(bed_open(&t));
	EXPECT_OK(walk(&t, &n, false));
	EXPECT(n == 4);
	fill(&t, 4, 6);
	EXPECT_OK(walk(&t, &n, true));
	EXPECT(n == 6);
	bed_end(&t);
}

static void another_name_or_key_does_not_open_it(void)
{
	struct bed t;
	struct str wrapped;
	struct block_log *none;
	fixture_quiet();
	bed_new(&t);
	EXPECT_OK(bed_open(&t));
	fill(&t, 0, 2);
	bed_close(&t);
	EXPECT_ERR(block_log_open(&t.f.w, t.f.kr, &t.f.key, t.dir, S("other"), &small, &none), E_CORRUPT);
	EXPECT_OK(keyring_key_new(t.f.kr, NULL, S("else"), t.f.mem, &wrapped));
	struct key_ref other = key_ref_of(NULL, S("else"), wrapped);
	EXPECT(failed(block_log_open(&t.f.w, t.f.kr, &other, t.dir, S("trail"), &small, &none)));
	bed_end(&t);
}

static void scan(void *arg, const char *path)
{
	static char bytes[1 << 17];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = read(fd, bytes, sizeof bytes);
	close(fd);
	EXPECT(str_find(str_make(bytes, (size_t)n), S("PLANTED")) == SIZE_MAX);
	++*(int *)arg;
}

static void nothing_readable_is_on_disk(void)
{
	struct bed t;
	int files = 0;
	bed_new(&t);
	EXPECT_OK(bed_open(&t));
	fill(&t, 0, 10);
	fixture_files(t.dir, scan, &files);
	EXPECT(files > 1);
	bed_end(&t);
}

/* A failing disk or a power loss at every step: what sync acknowledged is there afterwards. */
static void whatever_fails_what_was_synced_is_there(void)
{
	fixture_quiet();
	for (unsigned kind = 0; kind < 3; kind++) {
		bool done = false;
		for (uint64_t n = 1; !done; n++) {
			struct bed t;
			struct disk_fault df;
			uint64_t acked = 0, got;
			bed_new(&t);
			char *scratch = str_z(t.f.mem, arena_printf(t.f.mem, "%s/scratch", t.f.dir));
			EXPECT(mkdir(scratch, 0700) == 0);
			disk_fault_init(&df, t.f.w.disk, scratch);
			t.f.w.disk = &df.disk;
			df.fail_errno = ENOSPC;
			*(kind == 0 ? &df.fail_at : &df.power_loss_at) = n;
			df.keep_seed = kind == 2 ? n : 0;
			if (failed(bed_open(&t)))
				t.log = NULL;
			for (uint64_t i = 0; t.log && i < 12; i++) {
				if (failed(append(&t, block_log_end(t.log))))
					continue;
				if (!failed(block_log_sync(t.log)))
					acked = block_log_end(t.log);
			}
			bed_close(&t);
			done = df.calls < n;
			if (kind > 0 && !df.off)
				disk_fault_power_loss(&df);
			disk_fault_power_on(&df);
			EXPECT_OK(bed_open(&t));
			EXPECT(block_log_end(t.log) >= acked);
			EXPECT(kind > 0 || block_log_end(t.log) == acked);
			EXPECT_OK(walk(&t, &got, true));
			EXPECT(got >= acked);
			fill(&t, got, got + 2);
			EXPECT_OK(walk(&t, &got, false));
			bed_close(&t);
			disk_fault_end(&df);
			bed_end(&t);
		}
	}
}

RUN_ALL(T(blocks_come_back_both_ways_and_after_reopening), T(any_block_is_found_by_its_number),
	T(what_is_not_synced_is_not_seen), T(old_segments_are_dropped_whole), T(a_missing_segment_is_noticed),
	T(every_changed_byte_and_every_cut_is_noticed), T(a_block_that_was_taken_back_stays_away),
	T(a_torn_tail_is_cut_off), T(another_name_or_key_does_not_open_it), T(nothing_readable_is_on_disk),
	T(whatever_fails_what_was_synced_is_there))

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The failing disk fails where it is told to, and power loss undoes exactly what was not
 * made durable.
 */
#include "base/disk_fault.h"
#include "base/str.h"
#include "base/test.h"
#include "base/test_dir.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

/* A directory to work in, one for the links, and the disk. */
struct bench {
	char dir[TEST_DIR_MAX], scratch[TEST_DIR_MAX], a[80], b[80];
	struct world w;
	struct disk_fault df;
	struct disk *d;
};

static void bench_begin(struct bench *t)
{
	test_dir_new(t->dir);
	test_dir_new(t->scratch);
	snprintf(t->a, sizeof(t->a), "%s/a", t->dir);
	snprintf(t->b, sizeof(t->b), "%s/b", t->dir);
	world_real(&t->w);
	disk_fault_init(&t->df, t->w.disk, t->scratch);
	t->d = &t->df.disk;
}

static void bench_end(struct bench *t)
{
	disk_fault_end(&t->df);
	unlink(t->a);
	unlink(t->b);
	EXPECT(rmdir(t->dir) == 0);
	EXPECT(rmdir(t->scratch) == 0); /* no link was forgotten */
}

static int make(struct bench *t, const char *path, const char *content)
{
	int fd = t->d->open(t->d, path, O_RDWR | O_CREAT, 0600);
	EXPECT(fd >= 0);
	EXPECT(t->d->pwrite(t->d, fd, content, strlen(content), 0) == (ssize_t)strlen(content));
	return fd;
}

static int make_durable(struct bench *t, const char *path, const char *content)
{
	int fd = make(t, path, content);
	EXPECT(t->d->fdatasync(t->d, fd) == 0 && t->d->sync_dir(t->d, t->dir) == 0);
	return fd;
}

/* What the file holds on the disk itself; NULL when it does not exist. */
static const char *content(const char *path)
{
	static char text[8192];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd == -1)
		return NULL;
	ssize_t n = read(fd, text, sizeof(text) - 1);
	text[n > 0 ? n : 0] = 0;
	close(fd);
	return text;
}

static bool holds(const char *path, const char *want)
{
	const char *got = content(path);
	return got && strcmp(got, want) == 0;
}

static void without_faults_it_is_the_disk_below(void)
{
	struct bench t;
	bench_begin(&t);
	int fd = make(&t, t.a, "abc");
	char back[8];
	EXPECT(t.d->pread(t.d, fd, back, 8, 1) == 2 && t.d->size(t.d, fd) == 3);
	EXPECT(t.d->ftruncate(t.d, fd, 1) == 0 && t.d->fdatasync(t.d, fd) == 0);
	EXPECT(t.d->rename(t.d, t.a, t.b) == 0 && t.d->sync_dir(t.d, t.dir) == 0);
	EXPECT(t.d->mkdir(t.d, t.a, 0700) == 0 && rmdir(t.a) == 0);
	EXPECT(t.df.calls == 7 && t.df.syncs == 1);
	EXPECT(holds(t.b, "a"));
	EXPECT(t.d->unlink(t.d, t.b) == 0 && !content(t.b));
	EXPECT(t.d->close(t.d, fd) == 0);
	bench_end(&t);
}

static void the_nth_change_fails_and_has_no_effect(void)
{
	struct bench t;
	bench_begin(&t);
	int fd = make(&t, t.a, "abc"); /* calls 1 and 2 */
	t.df.fail_at = 4;
	t.df.fail_count = 2;
	t.df.fail_errno = ENOSPC;
	EXPECT(t.d->pwrite(t.d, fd, "X", 1, 0) == 1);
	EXPECT(t.d->pwrite(t.d, fd, "Y", 1, 1) == -1 && errno == ENOSPC);
	EXPECT(t.d->fdatasync(t.d, fd) == -1 && errno == ENOSPC);
	EXPECT(t.d->pwrite(t.d, fd, "Z", 1, 2) == 1);
	EXPECT(holds(t.a, "XbZ"));
	t.d->close(t.d, fd);
	bench_end(&t);
}

static void power_loss_drops_what_was_written_since_the_last_sync(void)
{
	struct bench t;
	bench_begin(&t);
	int fd = make_durable(&t, t.a, "durable");
	EXPECT(t.d->pwrite(t.d, fd, "XXX", 3, 2) == 3 && t.d->pwrite(t.d, fd, "YYYYYYY", 7, 4) == 7);
	EXPECT(t.d->ftruncate(t.d, fd, 3) == 0 && t.d->pwrite(t.d, fd, "ZZ", 2, 20) == 2);
	disk_fault_power_loss(&t.df);
	EXPECT(holds(t.a, "durable"));
	EXPECT(t.d->pwrite(t.d, fd, "x", 1, 0) == -1 && errno == EIO);
	EXPECT(t.d->size(t.d, fd) == -1 && errno == EIO);
	EXPECT(t.d->open(t.d, t.a, O_RDONLY, 0) == -1 && errno == EIO);
	EXPECT(t.d->close(t.d, fd) == 0);
	disk_fault_power_on(&t.df);
	fd = t.d->open(t.d, t.a, O_RDWR, 0);
	EXPECT(fd >= 0 && t.d->pwrite(t.d, fd, "D", 1, 0) == 1 && t.d->close(t.d, fd) == 0);
	bench_end(&t);
}

static void a_directory_that_is_not_durable_goes_with_all_that_is_in_it(void)
{
	for (int durable = 0; durable < 2; durable++) {
		struct bench t;
		char in[96];
		bench_begin(&t);
		snprintf(in, sizeof in, "%s/file", t.a);
		EXPECT(t.d->mkdir(t.d, t.a, 0700) == 0);
		if (durable)
			EXPECT(t.d->sync_dir(t.d, t.dir) == 0);
		t.d->close(t.d, make(&t, in, "synced"));
		EXPECT(t.d->sync_dir(t.d, t.a) == 0);
		disk_fault_power_loss(&t.df);
		EXPECT((access(t.a, F_OK) == 0) == durable && (access(in, F_OK) == 0) == durable);
		disk_fault_power_on(&t.df);
		if (durable)
			EXPECT(unlink(in) == 0 && rmdir(t.a) == 0);
		bench_end(&t);
	}
}

static void power_loss_happens_at_the_call_it_was_planned_for(void)
{
	struct bench t;
	bench_begin(&t);
	int fd = make_durable(&t, t.a, "abc"); /* calls 1 to 4 */
	t.df.power_loss_at = 6;
	EXPECT(t.d->pwrite(t.d, fd, "X", 1, 0) == 1);
	EXPECT(t.d->fdatasync(t.d, fd) == -1 && errno == EIO && t.df.off);
	EXPECT(holds(t.a, "abc"));
	t.d->close(t.d, fd);
	bench_end(&t);
}

static void names_are_durable_only_after_sync_dir(void)
{
	struct bench t;
	bench_begin(&t);
	int fd = make(&t, t.a, "new");
	EXPECT(t.d->fdatasync(t.d, fd) == 0 && t.d->close(t.d, fd) == 0);
	disk_fault_power_loss(&t.df);
	EXPECT(!content(t.a));
	bench_end(&t);
}

static void a_rename_over_a_file_and_an_unlink_come_undone(void)
{
	struct bench t;
	bench_begin(&t);
	t.d->close(t.d, make_durable(&t, t.a, "old"));
	t.d->close(t.d, make_durable(&t, t.b, "new"));
	EXPECT(t.d->rename(t.d, t.b, t.a) == 0 && holds(t.a, "new") && !content(t.b));
	EXPECT(t.d->unlink(t.d, t.a) == 0 && !content(t.a));
	disk_fault_power_loss(&t.df);
	EXPECT(holds(t.a, "old") && holds(t.b, "new"));
	disk_fault_power_on(&t.df);
	EXPECT(t.d->rename(t.d, t.b, t.a) == 0 && t.d->sync_dir(t.d, t.dir) == 0);
	disk_fault_power_loss(&t.df);
	EXPECT(holds(t.a, "new") && !content(t.b));
	bench_end(&t);
}

static void truncating_by_open_comes_undone(void)
{
	struct bench t;
	bench_begin(&t);
	t.d->close(t.d, make_durable(&t, t.a, "content"));
	int fd = t.d->open(t.d, t.a, O_RDWR | O_TRUNC, 0);
	EXPECT(fd >= 0 && holds(t.a, "") && t.d->close(t.d, fd) == 0);
	disk_fault_power_loss(&t.df);
	EXPECT(holds(t.a, "content"));
	bench_end(&t);
}

/* Three writes of a kilobyte each after a durable state of dots. Returns what survived of them, as bits. */
static unsigned survivors(uint64_t seed)
{
	struct bench t;
	char block[1024], dots[3073] = { 0 };
	unsigned found = 0;
	bench_begin(&t);
	memset(dots, '.', 3072);
	int fd = make_durable(&t, t.a, dots);
	t.df.keep_seed = seed;
	for (int i = 0; i < 3; i++) {
		memset(block, 'a' + i, sizeof(block));
		EXPECT(t.d->pwrite(t.d, fd, block, sizeof(block), i * 1024) == 1024);
	}
	disk_fault_power_loss(&t.df);
	const char *now = content(t.a);
	EXPECT(now && strlen(now) == 3072);
	for (int half = 0; half < 6; half++) {
		EXPECT(now[half * 512] == '.' || now[half * 512] == 'a' + half / 2);
		found |= (unsigned)(now[half * 512] != '.') << half;
	}
	t.d->close(t.d, fd);
	bench_end(&t);
	return found;
}

static void with_a_seed_any_mixture_of_undurable_writes_may_survive(void)
{
	unsigned all = 0, none = 0, torn = 0, out_of_order = 0;
	EXPECT(survivors(0) == 0);
	for (uint64_t seed = 1; seed <= 200; seed++) {
		unsigned s = survivors(seed);
		EXPECT(s == survivors(seed));
		all += s == 63;
		none += s == 0;
		torn += (s & 3) == 1;
		out_of_order += (s & 3) == 0 && s != 0;
	}
	EXPECT(all && none && torn && out_of_order);
}

static void a_surviving_write_past_the_end_keeps_its_length(void)
{
	unsigned grown = 0, half = 0, none = 0;
	for (uint64_t seed = 1; seed <= 60; seed++) {
		struct bench t;
		char block[1024];
		bench_begin(&t);
		memset(block, 'b', sizeof(block));
		int fd = make_durable(&t, t.a, "aaaa");
		t.df.keep_seed = seed;
		EXPECT(t.d->pwrite(t.d, fd, block, sizeof(block), 4) == 1024);
		disk_fault_power_loss(&t.df);
		size_t n = strlen(content(t.a));
		EXPECT(n == 4 || n == 516 || n == 1028);
		none += n == 4;
		half += n == 516;
		grown += n == 1028;
		t.d->close(t.d, fd);
		bench_end(&t);
	}
	EXPECT(grown && half && none);
}

RUN_ALL(T(without_faults_it_is_the_disk_below), T(the_nth_change_fails_and_has_no_effect),
	T(power_loss_drops_what_was_written_since_the_last_sync),
	T(a_directory_that_is_not_durable_goes_with_all_that_is_in_it),
	T(power_loss_happens_at_the_call_it_was_planned_for), T(names_are_durable_only_after_sync_dir),
	T(a_rename_over_a_file_and_an_unlink_come_undone), T(truncating_by_open_comes_undone),
	T(with_a_seed_any_mixture_of_undurable_writes_may_survive), T(a_surviving_write_past_the_end_keeps_its_length))

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The real world answers; the fake one answers the same each time.
 */
#include "base/str.h"
#include "base/test.h"
#include "base/test_dir.h"
#include "base/world.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

static void the_real_clock_moves_with_the_offset_and_the_monotonic_one_does_not(void)
{
	struct world w;
	world_real(&w);
	int64_t before = world_now_ms(&w), mono = w.mono_us(&w);
	EXPECT(before > 1700000000000);
	world_advance(&w, 1000000000);
	EXPECT(world_now_ms(&w) - before >= 1000000000 && world_now_ms(&w) - before < 1000100000);
	EXPECT(w.mono_us(&w) - mono < 100000000 && w.mono_us(&w) >= mono);
}

static void real_randomness_fills_all_that_was_asked_for(void)
{
	struct world w;
	static unsigned char a[5000], b[5000];
	size_t zeros = 0;
	world_real(&w);
	world_random(&w, a, sizeof(a));
	world_random(&w, b, sizeof(b));
	EXPECT(memcmp(a, b, sizeof(a)) != 0);
	for (size_t i = sizeof(a) - 500; i < sizeof(a); i++)
		zeros += a[i] == 0;
	EXPECT(zeros < 50);
	world_random(&w, a, 0);
}

/* ---- short draws come out of a stock: never twice, of no two threads, and not in a child ---- */

enum { DRAW = 16, DRAWS = 200 };

static void draw_many(struct world *w, uint8_t out[DRAWS][DRAW])
{
	for (size_t i = 0; i < DRAWS; i++)
		world_random(w, out[i], DRAW);
}

static bool share_a_draw(uint8_t a[DRAWS][DRAW], uint8_t b[DRAWS][DRAW], bool same)
{
	for (size_t i = 0; i < DRAWS; i++)
		for (size_t k = same ? i + 1 : 0; k < DRAWS; k++)
			if (!memcmp(a[i], b[k], DRAW))
				return true;
	return false;
}

struct drawing {
	struct world *w;
	uint8_t got[DRAWS][DRAW];
};

static void *draw_here(void *arg)
{
	struct drawing *d = arg;
	draw_many(d->w, d->got);
	return NULL;
}

static void no_randomness_is_given_out_twice(void)
{
	struct world w;
	static struct drawing a, b;
	pthread_t t;
	world_real(&w);
	a.w = b.w = &w;
	EXPECT(pthread_create(&t, NULL, draw_here, &a) == 0);
	draw_here(&b);
	pthread_join(t, NULL);
	EXPECT(!share_a_draw(a.got, a.got, true) && !share_a_draw(b.got, b.got, true) &&
	       !share_a_draw(a.got, b.got, false));
}

static void a_child_does_not_draw_what_its_parent_draws(void)
{
	struct world w;
	static uint8_t mine[DRAWS][DRAW], his[DRAWS][DRAW];
	int ends[2], status;
	world_real(&w);
	world_random(&w, mine[0], 1); /* there is a stock now, for both */
	EXPECT(pipe(ends) == 0);
	pid_t child = fork();
	if (child == 0) {
		draw_many(&w, his);
		_exit(write(ends[1], his, sizeof(his)) == (ssize_t)sizeof(his) ? 0 : 1);
	}
	draw_many(&w, mine);
	for (size_t n = 0; n < sizeof(his);) {
		ssize_t k = read(ends[0], (char *)his + n, sizeof(his) - n);
		EXPECT(k > 0);
		n += (size_t)k;
	}
	EXPECT(waitpid(child, &status, 0) == child && status == 0);
	EXPECT(!share_a_draw(mine, his, false));
	close(ends[0]);
	close(ends[1]);
}

static void the_fake_clock_stands_until_it_is_moved(void)
{
	struct world w;
	world_fake(&w, 1767225600123, 1);
	EXPECT(world_now_ms(&w) == 1767225600123 && world_now_s(&w) == 1767225600);
	int64_t mono = w.mono_us(&w);
	world_advance(&w, 5);
	EXPECT(world_now_ms(&w) == 1767225600128 && w.mono_us(&w) - mono == 5000);
}

static void the_fake_stream_is_the_seed_s(void)
{
	struct world a, b, c;
	unsigned char x[37], y[37], z[37], guard = 0xa5;
	world_fake(&a, 0, 1);
	world_fake(&b, 99, 1);
	world_fake(&c, 0, 2);
	for (int i = 0; i < 3; i++) {
		world_random(&a, x, sizeof(x));
		world_random(&b, y, sizeof(y));
		world_random(&c, z, sizeof(z));
		EXPECT(memcmp(x, y, sizeof(x)) == 0 && memcmp(x, z, sizeof(x)) != 0);
	}
	world_random(&a, y, sizeof(y));
	EXPECT(memcmp(x, y, sizeof(x)) != 0 && guard == 0xa5);
}

static void the_real_disk_reads_what_it_wrote(void)
{
	struct world w;
	world_real(&w);
	struct disk *d = w.disk;
	char dir[TEST_DIR_MAX], path[64], to[64], sub[64], back[16] = { 0 };
	test_dir_new(dir);
	snprintf(path, sizeof(path), "%s/a", dir);
	snprintf(to, sizeof(to), "%s/b", dir);
	snprintf(sub, sizeof(sub), "%s/sub", dir);
	int fd = d->open(d, path, O_RDWR | O_CREAT | O_EXCL, 0600);
	EXPECT(fd >= 0 && (fcntl(fd, F_GETFD) & FD_CLOEXEC));
	EXPECT(d->open(d, path, O_RDWR | O_CREAT | O_EXCL, 0600) == -1 && errno == EEXIST);
	EXPECT(d->pwrite(d, fd, "hello", 5, 3) == 5 && d->size(d, fd) == 8);
	EXPECT(d->pread(d, fd, back, 16, 0) == 8 && memcmp(back, "\0\0\0hello", 8) == 0);
	EXPECT(d->pread(d, fd, back, 16, 100) == 0);
	EXPECT(d->fdatasync(d, fd) == 0 && d->ftruncate(d, fd, 4) == 0 && d->size(d, fd) == 4);
	EXPECT(d->rename(d, path, to) == 0 && d->sync_dir(d, dir) == 0 && d->close(d, fd) == 0);
	EXPECT(d->open(d, path, O_RDONLY, 0) == -1 && errno == ENOENT);
	EXPECT(d->unlink(d, to) == 0 && d->unlink(d, to) == -1 && errno == ENOENT);
	EXPECT(d->mkdir(d, sub, 0700) == 0 && d->mkdir(d, sub, 0700) == -1 && errno == EEXIST);
	EXPECT(d->sync_dir(d, path) == -1 && errno == ENOENT);
	EXPECT(d->size(d, -1) == -1 && d->pwrite(d, -1, "x", 1, 0) == -1 && errno == EBADF);
	rmdir(sub);
	EXPECT(rmdir(dir) == 0);
}

RUN_ALL(T(the_real_clock_moves_with_the_offset_and_the_monotonic_one_does_not),
	T(real_randomness_fills_all_that_was_asked_for), T(no_randomness_is_given_out_twice),
	T(a_child_does_not_draw_what_its_parent_draws), T(the_fake_clock_stands_until_it_is_moved),
	T(the_fake_stream_is_the_seed_s), T(the_real_disk_reads_what_it_wrote))

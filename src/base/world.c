/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The machine's own clock, randomness and disk, and the fake ones for tests. See world.h.
 *
 * Reads and writes here are whole: a call interrupted by a signal or cut short by the
 * kernel is taken up where it stopped, so a short read means the end of the file and a
 * write either happened or failed.
 */
#include "base/world.h"

#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- disk ---- */

#define RETRY(call)                                   \
	({                                            \
		__typeof__(call) r_;                  \
		do {                                  \
			r_ = (call);                  \
		} while (r_ == -1 && errno == EINTR); \
		r_;                                   \
	})

static int real_open(struct disk *d, const char *path, int flags, mode_t mode)
{
	(void)d;
	return RETRY(open(path, flags | O_CLOEXEC, mode));
}

/* Not taken up after EINTR: Linux has closed it already, and the number may be someone else's by now. */
static int real_close(struct disk *d, int fd)
{
	(void)d;
	int r = close(fd);
	return r == -1 && errno == EINTR ? 0 : r;
}

static ssize_t real_pread(struct disk *d, int fd, void *p, size_t n, int64_t at)
{
	(void)d;
	size_t done = 0;
	while (done < n) {
		ssize_t r = RETRY(pread(fd, (char *)p + done, n - done, at + (int64_t)done));
		if (r == -1)
			return -1;
		if (r == 0)
			break;
		done += (size_t)r;
	}
	return (ssize_t)done;
}

static ssize_t real_pwrite(struct disk *d, int fd, const void *p, size_t n, int64_t at)
{
	(void)d;
	size_t done = 0;
	while (done < n) {
		ssize_t r = RETRY(pwrite(fd, (const char *)p + done, n - done, at + (int64_t)done));
		if (r == 0)
			errno = EIO;
		if (r <= 0)
			return -1;
		done += (size_t)r;
	}
	return (ssize_t)n;
}

/* Not taken up after an error: what failed to reach the disk once is not tried again by the kernel. */
static int real_fdatasync(struct disk *d, int fd)
{
	(void)d;
	return RETRY(fdatasync(fd));
}

static void real_start_sync(struct disk *d, int fd, int64_t at, int64_t n)
{
	(void)d;
	(void)sync_file_range(fd, at, n, SYNC_FILE_RANGE_WRITE);
}

static int real_ftruncate(struct disk *d, int fd, int64_t n)
{
	(void)d;
	return RETRY(ftruncate(fd, n));
}

static int64_t real_size(struct disk *d, int fd)
{
	(void)d;
	struct stat st;
	return fstat(fd, &st) == -1 ? -1 : (int64_t)st.st_size;
}

static int real_rename(struct disk *d, const char *from, const char *to)
{
	(void)d;
	return rename(from, to);
}

static int real_unlink(struct disk *d, const char *path)
{
	(void)d;
	return unlink(path);
}

static int real_mkdir(struct disk *d, const char *path, mode_t mode)
{
	(void)d;
	return mkdir(path, mode);
}

static int real_sync_dir(struct disk *d, const char *path)
{
	(void)d;
	int fd = RETRY(open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	if (fd == -1)
		return -1;
	int r = RETRY(fsync(fd)), why = errno;
	close(fd);
	errno = why;
	return r;
}

static struct disk real_disk = {
	.open = real_open,
	.close = real_close,
	.pread = real_pread,
	.pwrite = real_pwrite,
	.fdatasync = real_fdatasync,
	.start_sync = real_start_sync,
	.ftruncate = real_ftruncate,
	.size = real_size,
	.rename = real_rename,
	.unlink = real_unlink,
	.mkdir = real_mkdir,
	.sync_dir = real_sync_dir,
};

/* ---- the real clock and randomness ---- */

static struct timespec clock_now(clockid_t which)
{
	struct timespec t;
	if (clock_gettime(which, &t) != 0)
		abort();
	return t;
}

static int64_t offset_ms(struct world *w) { return __atomic_load_n(&w->clock_offset_ms, __ATOMIC_RELAXED); }

static int64_t real_now_ms(struct world *w)
{
	struct timespec t = clock_now(CLOCK_REALTIME);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000 + offset_ms(w);
}

static int64_t real_mono_us(struct world *w)
{
	(void)w;
	struct timespec t = clock_now(CLOCK_MONOTONIC);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static void draw(void *p, size_t n)
{
	for (size_t done = 0; done < n;) {
		ssize_t r = RETRY(getrandom((char *)p + done, n - done, 0));
		if (r <= 0)
			abort();
		done += (size_t)r;
	}
}

/*
 * Ids and nonces are short and many, and a system call for each would cost a request more than
 * checking its signature. So each thread draws STOCK bytes at a time and hands them out, each
 * byte once and wiped as it goes. What may become a key is longer than SHORT, and always drawn
 * fresh: none ever lies in memory before it is wanted. A child after fork() has its parent's
 * stock in its memory and must not use it.
 */
enum { STOCK = 512, SHORT = 24 };

struct stock {
	uint8_t bytes[STOCK];
	size_t left;
	unsigned forks; /* how many forks lie behind the process that drew it */
};

static _Thread_local struct stock stock;
static atomic_uint forks;
static pthread_once_t watching = PTHREAD_ONCE_INIT;

static void forked(void) { atomic_fetch_add_explicit(&forks, 1, memory_order_relaxed); }

static void watch_forks(void)
{
	if (pthread_atfork(NULL, NULL, forked) != 0)
		abort();
}

static void real_random(struct world *w, void *p, size_t n)
{
	(void)w;
	if (n > SHORT) {
		draw(p, n);
		return;
	}
	struct stock *s = &stock;
	unsigned now = atomic_load_explicit(&forks, memory_order_relaxed);
	if (s->left < n || s->forks != now) {
		draw(s->bytes, STOCK);
		s->left = STOCK;
		s->forks = now;
	}
	s->left -= n;
	memcpy(p, s->bytes + s->left, n);
	secret_wipe(s->bytes + s->left, n);
}

void world_real(struct world *w)
{
	pthread_once(&watching, watch_forks);
	*w = (struct world){
		.now_ms = real_now_ms,
		.mono_us = real_mono_us,
		.random = real_random,
		.disk = &real_disk,
	};
}

/* ---- the fake ones: the offset is the whole clock, the random stream a hash of a counter ---- */

static int64_t fake_now_ms(struct world *w) { return offset_ms(w); }

static int64_t fake_mono_us(struct world *w) { return offset_ms(w) * 1000; }

/* Word number i of SplitMix64's stream for this seed. */
static uint64_t fake_word(uint64_t seed, uint64_t i)
{
	uint64_t v = seed + (i + 1) * 0x9e3779b97f4a7c15u;
	v = (v ^ v >> 30) * 0xbf58476d1ce4e5b9u;
	v = (v ^ v >> 27) * 0x94d049bb133111ebu;
	return v ^ v >> 31;
}

static void fake_random(struct world *w, void *p, size_t n)
{
	uint64_t i = __atomic_fetch_add(&w->fake_drawn, (n + 7) / 8, __ATOMIC_RELAXED);
	for (size_t done = 0; done < n; done += 8, i++) {
		uint64_t word = fake_word(w->fake_seed, i);
		memcpy((char *)p + done, &word, n - done < 8 ? n - done : 8);
	}
}

void world_fake(struct world *w, int64_t now_ms, uint64_t seed)
{
	*w = (struct world){
		.now_ms = fake_now_ms,
		.mono_us = fake_mono_us,
		.random = fake_random,
		.disk = &real_disk,
		.clock_offset_ms = now_ms,
		.fake_seed = seed,
	};
}

void world_advance(struct world *w, int64_t ms) { __atomic_fetch_add(&w->clock_offset_ms, ms, __ATOMIC_RELAXED); }

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The world outside: clock, randomness, disk. Passed in, so that five years, a full
 * disk or a torn write are ordinary tests. world_real() is the machine's own.
 */
#ifndef BASE_WORLD_H
#define BASE_WORLD_H

#include "base/base.h"

#include <sys/types.h>

/* Results as the system calls give them: -1 and errno on failure. */
struct disk {
	int (*open)(struct disk *, const char *path, int flags, mode_t mode); /* close-on-exec always */
	int (*close)(struct disk *, int fd);
	ssize_t (*pread)(struct disk *, int fd, void *p, size_t n, int64_t at);
	ssize_t (*pwrite)(struct disk *, int fd, const void *p, size_t n, int64_t at);
	int (*fdatasync)(struct disk *, int fd);
	void (*start_sync)(struct disk *, int fd, int64_t at, int64_t n); /* a hint: less is left for fdatasync */
	int (*ftruncate)(struct disk *, int fd, int64_t n);
	int64_t (*size)(struct disk *, int fd);
	int (*rename)(struct disk *, const char *from, const char *to);
	int (*unlink)(struct disk *, const char *path);
	int (*mkdir)(struct disk *, const char *path, mode_t mode);
	int (*sync_dir)(struct disk *, const char *path); /* fsync of the directory itself */
};

struct world {
	int64_t (*now_ms)(struct world *);                 /* wall clock, Unix time; moves with --test-clock */
	int64_t (*mono_us)(struct world *);                /* for durations; never moved */
	void (*random)(struct world *, void *p, size_t n); /* never fails: aborts instead */
	struct disk *disk;
	int64_t clock_offset_ms;        /* test clock; read and written atomically (relaxed) */
	uint64_t fake_seed, fake_drawn; /* world_fake's random stream: drawn is the count of words given, atomic */
};

/* The machine's own. One per process is enough; thread-safe. */
void world_real(struct world *w);

/* For tests: a clock that stands where it is put, a seeded random stream, the real disk. */
void world_fake(struct world *w, int64_t now_ms, uint64_t seed);
void world_advance(struct world *w, int64_t ms); /* fake clocks and --test-clock servers */

static inline int64_t world_now_ms(struct world *w) { return w->now_ms(w); }
static inline int64_t world_now_s(struct world *w) { return w->now_ms(w) / 1000; }
static inline void world_random(struct world *w, void *p, size_t n) { w->random(w, p, n); }

#endif

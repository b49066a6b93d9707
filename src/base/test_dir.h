/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where tests make their directories: in memory, where that has a GiB to spare. A disk would
 * only make them wait: power losses and bad disks are simulated (disk_fault.h), and what a
 * killed process wrote is there on either.
 */
#ifndef BASE_TEST_DIR_H
#define BASE_TEST_DIR_H

#include "base/base.h"

#include <stdio.h>
#include <sys/statvfs.h>
#include <unistd.h>

static inline const char *test_root(void)
{
	struct statvfs v;
	bool roomy = statvfs("/dev/shm", &v) == 0 && v.f_bavail > (UINT64_C(1) << 30) / v.f_frsize;
	return roomy && access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
}

enum { TEST_DIR_MAX = 32 }; /* what a path of test_dir_new fits into */

/* A new, empty directory below `where`; the program ends if there can be none. Whoever made it removes it. */
static inline void test_dir_new_in(char *dir, size_t cap, const char *where)
{
	int n = snprintf(dir, cap, "%s/holdfast-%06d", where, 0);
	assert(n > 6 && (size_t)n < cap);
	memset(dir + n - 6, 'X', 6); /* what mkdtemp fills in */
	if (!mkdtemp(dir))
		abort();
}

static inline void test_dir_new(char dir[TEST_DIR_MAX]) { test_dir_new_in(dir, TEST_DIR_MAX, test_root()); }

#endif

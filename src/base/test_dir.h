/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where tests make their directories: in memory, where that has a GiB to spare. A disk would
 * only make them wait: power losses and bad disks are simulated (disk_fault.h), and what a
 * killed process wrote is there on either.
 */
#ifndef BASE_TEST_DIR_H
#define BASE_TEST_DIR_H

#include "base/base.h"

#include <sys/statvfs.h>
#include <unistd.h>

static inline const char *test_root(void)
{
	struct statvfs v;
	bool roomy = statvfs("/dev/shm", &v) == 0 && v.f_bavail > (UINT64_C(1) << 30) / v.f_frsize;
	return roomy && access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
}

#endif

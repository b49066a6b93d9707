/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A disk for tests that fails on purpose or loses power, in front of another disk.
 *
 * Calls that change something (an open that may create or truncate, pwrite, fdatasync,
 * ftruncate, rename, unlink, mkdir, sync_dir) are counted from 1. A test first runs its
 * job without faults and reads `calls`, then runs it again for every N up to that:
 *
 *     disk_fault_init(&df, w.disk, "/tmp/scratch");
 *     df.fail_at = n; df.fail_errno = ENOSPC;      fails that call; with fail_count, the next ones too
 *     df.power_loss_at = n;                        at that call the machine stops; see below
 *
 * Power loss: everything not made durable is undone on the real files, namely what was
 * written or truncated since the file's last fdatasync, and files and directories made,
 * renamed or removed since sync_dir of their directory. That call and all later ones fail with EIO
 * until disk_fault_power_on; then the test opens its files anew, as after a restart.
 * With keep_seed, each undurable write survives whole, in part or not at all, as chance
 * has it, which is what disks really do: writes may have gone out in any order.
 *
 * Handles held by the test stay open over a power loss; close them through the disk
 * (close always works). Hard links kept in `scratch` (a directory on the same file
 * system, not one the job looks into) are how removed files come back; it may be NULL if
 * rename and unlink should count as durable at once. Thread-safe. Not for speed.
 *
 * A new name is durable only after sync_dir, as on the strictest file systems: a directory
 * that is not goes with everything in it, synced or not.
 */
#ifndef BASE_DISK_FAULT_H
#define BASE_DISK_FAULT_H

#include "base/list.h"
#include "base/world.h"

#include <pthread.h>

struct disk_fault {
	struct disk disk; /* what the code under test is given: &df.disk */
	struct disk *under;
	const char *scratch;

	uint64_t fail_at;    /* 0: never */
	uint64_t fail_count; /* how many calls in a row fail; 0 counts as 1; UINT64_MAX: from then on */
	int fail_errno;
	uint64_t power_loss_at; /* 0: never */
	uint64_t keep_seed;     /* 0: nothing undurable survives */

	uint64_t calls; /* calls that change something so far */
	uint64_t syncs; /* of these, fdatasync */
	bool off;       /* power is lost */

	pthread_mutex_t lock;
	struct link undo; /* struct undo, oldest first */
	uint64_t saved;   /* names used in scratch */
};

void disk_fault_init(struct disk_fault *df, struct disk *under, const char *scratch);
void disk_fault_power_loss(struct disk_fault *df); /* now */
void disk_fault_power_on(struct disk_fault *df);   /* and no fault is planned any more */
void disk_fault_end(struct disk_fault *df);        /* what is on the files stays */

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A block log from inside: what block_log.c and block_iter.c share. Private to store/.
 *
 * The appender alone touches `written`, `slot`, `packer`; it changes `tail`, `newest` and the
 * table only under the lock, which readers take to look at them.
 */
#ifndef STORE_BLOCK_LOG_INTERNAL_H
#define STORE_BLOCK_LOG_INTERNAL_H

#include "store/block_file.h"
#include "store/block_log.h"

#include <pthread.h>

struct block_log {
	struct world *w;
	struct keyring *keyring;
	const struct key_ref *parent;
	char *dir;
	struct str name;
	uint64_t segment_bytes;
	int zstd_level;
	void *packer; /* ZSTD_CCtx */

	pthread_mutex_t lock;
	uint64_t *firsts; /* first block of each segment, oldest first */
	size_t n_firsts, cap_firsts;
	struct segment *open;        /* those that somebody holds */
	struct segment *newest;      /* held by the log */
	struct segment_mark tail;    /* the durable end, in the newest segment */
	struct segment_mark written; /* the end of what was appended */
	unsigned slot;               /* where the next mark goes */
};

/* Hold the segment at that place in the table. */
struct status log_segment_ref(struct block_log *log, size_t index, struct segment **out);
void log_segment_unref(struct block_log *log, struct segment *s); /* null is allowed */

#endif

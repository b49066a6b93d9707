/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The block log: an append-only, sealed sequence of blocks, made for the audit trail.
 *
 *     dir/<number of its first block>.seg     head | block | block | ...
 *     head    magic, id, wrapped data key, and two marks: how far the log is known to be durable
 *     block   clear head with the lengths | sealed summary | sealed records (zstd) | length
 *
 * A block is a run of the caller's records, and a summary the caller writes about them so
 * that readers skip blocks cheaply: the log never looks into either. Blocks are numbered from
 * 0 without a gap. Each is sealed with the log's name, its number and the tag of the block
 * before it as additional data; so a block that was changed, removed, repeated or moved is
 * E_CORRUPT, and so is a log whose durable end was cut off. Only blocks past the durable mark
 * may be torn: opening cuts them off.
 *
 * One appender at a time; any number of readers on any threads meanwhile. Readers see what
 * was synced, and nothing else.
 *
 *     struct block_iter it;
 *     TRY(block_log_last(log, &it));
 *     while (it.valid) {                                  // newest first
 *             TRY(block_summary(&it, mem, &summary));
 *             if (may_match(summary)) TRY(block_records(&it, mem, &records));
 *             TRY(block_prev(&it));
 *     }
 *     block_iter_end(&it);
 */
#ifndef STORE_BLOCK_LOG_H
#define STORE_BLOCK_LOG_H

#include "base/world.h"
#include "crypto/keyring.h"

enum {
	BLOCK_RECORDS_MAX = 16 * 1024 * 1024, /* before compression */
	BLOCK_SUMMARY_MAX = 1024 * 1024,
};

struct block_log;

struct block_log_options {
	uint64_t segment_bytes; /* a segment is closed once it is this long; 0: 64 MiB */
	int zstd_level;         /* 0: 1 */
};

/* `name` is bound into every block; `parent` wraps each segment's data key and must outlive the log. Made when not
 * there. */
struct status block_log_open(struct world *w, struct keyring *k, const struct key_ref *parent, const char *dir,
			     struct str name, const struct block_log_options *o, struct block_log **out);
void block_log_close(struct block_log *log); /* null is allowed; iterators must be gone */

/*
 * Written but neither durable nor visible until block_log_sync. *no is its number. E_TOO_BIG past the limits above,
 * E_FULL, E_IO, or what the keyring says when a segment begins. After a failure: sync or close.
 */
struct status block_log_append(struct block_log *log, struct str records, struct str summary, uint64_t *no);
/* Durable from here on. On failure what was appended since the last sync is taken back. */
struct status block_log_sync(struct block_log *log);

uint64_t block_log_begin(const struct block_log *log); /* number of the oldest block kept */
uint64_t block_log_end(const struct block_log *log);   /* one past the newest durable block */
/* Forget whole segments all of whose blocks are below `no`. For retention. Only the appender may call it. */
struct status block_log_drop_before(struct block_log *log, uint64_t no);

/* A place in the log. While it stands somewhere it keeps that segment's file open: end it. Not for two threads at once.
 */
struct block_iter {
	bool valid;  /* stands on a block */
	uint64_t no; /* which */
	/* private */
	struct block_log *log;
	struct segment *seg;
	uint64_t at, len; /* the block's offset and length in the segment */
	uint32_t summary_n;
	uint8_t prev_tag[16], tag[16];
};

/* Not valid when the log is empty or has no such block. */
struct status block_log_first(struct block_log *log, struct block_iter *it);
struct status block_log_last(struct block_log *log, struct block_iter *it);
struct status block_log_at(struct block_log *log, uint64_t no, struct block_iter *it);
struct status block_next(struct block_iter *it);
struct status block_prev(struct block_iter *it);
/* In mem. E_CORRUPT when it does not authenticate; never wrong bytes. */
struct status block_summary(struct block_iter *it, struct arena *mem, struct str *summary);
struct status block_records(struct block_iter *it, struct arena *mem, struct str *records);
void block_iter_end(struct block_iter *it); /* may be called twice */

#endif

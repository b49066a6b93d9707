/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The trail from inside: what its six files share.
 *
 *     trail.c          buffers, outboxes, the collector's rounds
 *     trail_strangers.c  how many records those may cause who proved nothing
 *     trail_batch.c    what one round drained: routed, sorted, written account by account
 *     trail_summary.c  a block's summary: watermarks, and what readers filter by
 *     trail_lookup.c   reading back, newest first
 *     trail_scan.c     reading on from where one was, oldest first
 *
 * Who touches what: buffers under their own locks; `queue`, `waiters` under t->lock; logs
 * are added by the collector alone and published with a release store, never removed; the
 * watermarks belong to the collector.
 */
#ifndef API_TRAIL_INT_H
#define API_TRAIL_INT_H

#include "api/trail.h"
#include "base/list.h"
#include "base/map.h"
#include "base/thread.h"
#include "store/block_log.h"

#include <pthread.h>
#include <stdatomic.h>

/* Records of calls without effect: { u32 length, u8 length of account, account, record } in a row. */
struct thread_buf {
	pthread_mutex_t lock;
	char *p, *spare; /* spare: what the collector is reading, or done with */
	size_t n, cap, spare_n, spare_cap;
	char apart[64]; /* threads do not share cache lines */
};

/* A shard whose outbox has something. */
struct source {
	struct link link;
	struct shard *shard; /* held */
	uint64_t hash;       /* of its name: its key among the watermarks */
	uint64_t read_to;    /* the last seq of this round */
	uint64_t in_block;   /* the last seq put into the block being made */
	int64_t floor_ms;    /* records of one outbox stay in its order, whatever their clocks say */
	bool more;
};

struct account_log {
	struct str account;
	struct block_log *log;
	struct map marks; /* 8 bytes of hash -> seq: what of each shard is in here */
	int64_t newest_ms;
	unsigned since_full; /* blocks since one with all marks */
	bool failing;        /* the log said so already */
	_Atomic(struct account_log *) next;
};

enum { TARGETS_MAX = RECORD_OWNERS_MAX + 1 }; /* and the caller */

struct item {
	int64_t time_ms;
	uint32_t order;
	uint8_t done; /* bit i: in targets[i]'s log */
	bool routed;  /* targets are known; none: it belongs to no account */
	struct str bytes, fallback;
	struct source *source; /* NULL: from a buffer */
	uint64_t seq;
	struct account_log *targets[TARGETS_MAX];
};

/* What a round drained. It is kept and tried again until all of it is written. */
struct batch {
	struct arena *mem;
	struct item *v;
	size_t n, cap;
	bool waits; /* some item is not routed: a log cannot be opened */
	struct link sources;
};

enum { SOURCES = 256 };
struct strangers {
	_Atomic int64_t due_us[SOURCES], all_due_us;
	_Atomic uint64_t left_out;
	_Atomic int64_t since_ms; /* of the first of them */
	uint64_t seed;
};

struct trail {
	struct app *app;
	struct str dir;
	struct thread_buf *bufs; /* THREADS_MAX */
	atomic_size_t backlog;   /* bytes in buffers, drained ones not yet written included */
	size_t in_batch;         /* of those, the drained ones */
	bool more;               /* some outbox had more than the round took */
	atomic_bool idle, hurry, stopping;
	atomic_bool untold;  /* for tests: crash between the sync and the outboxes' hearing of it */
	atomic_bool crashed; /* for tests: what is not written when it is closed stays unwritten */
	int bell;            /* eventfd: wakes the collector */
	pthread_t collector;

	pthread_mutex_t lock;
	struct map queued; /* shard name -> source in queue */
	struct link queue, waiters;

	struct str *left; /* names of shards with an outbox from before */
	size_t n_left;
	struct arena *mem;
	struct batch batch;
	_Atomic(struct account_log *) logs;
	struct strangers strangers;
};

/* ---- trail.c ---- */
void trail_ring(struct trail *t);
/* Damage does not pass: what it concerns stays undelivered, and holds up nobody else's records. */
static inline bool trail_lost(struct status st) { return st.code == E_CORRUPT || st.code == E_NO_KEY; }

/* ---- trail_strangers.c ---- */
int trail_left_out_wait_ms(struct trail *t); /* until trail_tell_left_out has something to do; -1: nothing is due */
void trail_tell_left_out(struct trail *t);   /* the collector: adds the summary to the batch when it is due */

/* ---- trail_batch.c ---- */
/* Both strings stay where they are until the batch is written. */
void batch_add(struct trail *t, struct str fallback, struct str record, struct source *source, uint64_t seq);
struct status batch_write(struct trail *t); /* all of it is in the logs; else call again later */
struct account_log *trail_log_find(const struct trail *t, struct str account); /* NULL: none yet */
struct status trail_log_of(struct trail *t, struct str account, struct account_log **out);
void trail_logs_close(struct trail *t);

/* ---- trail_lookup.c ---- */
/* The records of a block as views, in the order in which they were written. */
struct status trail_split(struct arena *mem, struct str bytes, uint64_t count, struct str **out, uint32_t *n);

/* ---- trail_summary.c ---- */
struct mark {
	uint64_t hash, seq;
};

struct summary {
	int64_t from_ms, to_ms;
	int64_t ceiling_ms; /* no record in this or an older block is younger */
	uint64_t count;
	bool reads, writes, full_marks;
	struct str marks; /* packed */
	struct str bloom;
	unsigned probes;
};

struct summing {
	struct arena *mem;
	uint64_t *seen; /* open addressing; 0: free */
	size_t cap, n;
	struct summary sum;
	struct buf marks;
	size_t n_marks;
};
void summing_begin(struct summing *s, struct arena *mem, int64_t ceiling_ms);
void summing_add(struct summing *s, const struct record *r);
void summing_mark(struct summing *s, uint64_t hash, uint64_t seq);
struct str summing_end(struct summing *s);

struct status summary_parse(struct str bytes, struct summary *out);
bool summary_next_mark(struct rd *marks, struct mark *out); /* start with rd_of(summary.marks) */
bool summary_may_have(const struct summary *s, enum lookup_attribute what, struct str value);
uint64_t trail_shard_hash(struct str name);

#endif

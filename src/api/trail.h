/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The trail: every call's record, in order, in one sealed log per account.
 *
 *   reads and refusals ── trail_append ──▶ the thread's buffer ──┐ every 50 ms, or when full
 *   effects ── txn_outbox, in the effect's own commit ──▶ outbox ┴─▶ collector ──▶ block log
 *
 * The collector is one thread. It drains all buffers and outboxes, sorts by time, writes
 * each account's block, syncs, and only then tells the outboxes what was delivered. Each
 * block's summary holds the outbox watermarks it reached, so that a crash between the
 * two delivers nothing twice; and what readers filter by, so that they skip blocks.
 *
 * A record is in the log of the account whose data it was about, and, when the caller is of
 * another account of ours, in that one's too.
 *
 * When the log cannot be written (disk full), outboxes keep their records, and calls without
 * effect go on until TRAIL_BACKLOG_MAX bytes wait; then trail_append refuses.
 *
 * Shards with an outbox are named "<service>/<account>", or that with more behind it, and a
 * name is never used again after shard_drop: watermarks go by name.
 */
#ifndef API_TRAIL_H
#define API_TRAIL_H

#include "api/record.h"

enum {
	TRAIL_BACKLOG_MAX = 32 * 1024 * 1024,
	/* Records of refused calls of nobody that was authenticated. */
	STRANGERS_S = 1000,
	STRANGERS_BURST = 10000,
	STRANGERS_PER_SOURCE_S = 500,
	STRANGERS_PER_SOURCE_BURST = 5000,
};

struct trail;

/* The store and the accounts must be open. What outboxes hold from before a crash is delivered in the background. */
struct status trail_open(struct app *app, const char *dir, struct trail **out);
void trail_close(struct trail *t); /* writes out what is buffered; null is allowed */
/* The store's options.on_outbox. arg is the app. */
void trail_on_outbox(void *app, struct shard *shard);

/*
 * Take over a record of a call without effect; `account` counts when the record names none of ours. Never waits;
 * E_BUSY when the collector cannot keep up (fail the call).
 */
struct status trail_append(struct trail *t, struct str account, struct str record);
/*
 * To be asked before the record of a refused call whose caller was not authenticated. False: there were too many of
 * late; it is counted, and a record of its own will say how many were left out. Never waits.
 */
bool trail_admits_stranger(struct trail *t, struct str source_ip);
/* Everything appended or committed before this call is in the log when it returns. Parks. */
struct status trail_flush(struct trail *t);

enum lookup_attribute {
	LOOKUP_NONE,
	LOOKUP_EVENT_ID,
	LOOKUP_EVENT_NAME,
	LOOKUP_READ_ONLY,
	LOOKUP_USERNAME,
	LOOKUP_RESOURCE_TYPE,
	LOOKUP_RESOURCE_NAME,
	LOOKUP_EVENT_SOURCE,
	LOOKUP_ACCESS_KEY_ID,
};

#define LOOKUP_START_BLOCK UINT64_MAX
#define LOOKUP_START_INDEX UINT32_MAX

struct lookup {
	struct str account, region; /* region p == NULL: all */
	enum lookup_attribute attribute;
	struct str value;
	int64_t from_ms, to_ms; /* both included; 0: open */
	size_t max;
	/* Where to go on: newest first, strictly before (block, index). */
	uint64_t block;
	uint32_t index;
};

/*
 * Newest first. *n results in mem; *more tells whether l's position (moved on) may have further ones: the work of one
 * call is bounded, so a page may be short or empty and yet not the last. At the start it flushes. Parks.
 */
struct status trail_lookup(struct trail *t, struct arena *mem, struct lookup *l, struct record **out, size_t *n,
			   bool *more);

/*
 * For whoever keeps an index of the records: all of an account's from block `block` on, oldest first, a whole block at
 * a time, each as the account sees it. Stops after a block once `max` records were shown, and moves `block` on; the
 * rest is for the next call. trail_end: one past the newest block there is; 0 when the account has no log yet. Parks.
 */
typedef void trail_see(void *arg, const struct record *r);
struct status trail_scan(struct trail *t, struct str account, uint64_t *block, uint64_t max, trail_see *see, void *arg);
uint64_t trail_end(const struct trail *t, struct str account);

#endif

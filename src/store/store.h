/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shards: ordered keys and values in transactions, encrypted on disk, durable when told so.
 *
 * A shard is one database file under one data key: a service in an account and region, one
 * bucket's index, one table. Readers have a snapshot and never wait. Mutations run one after
 * another on a writer thread, many in one commit:
 *
 *     handler's fiber                      the shard's writer
 *     txn_write ── parks ──────────────▶  BEGIN
 *       (now on the writer thread)        SAVEPOINT; txn_get, txn_put, ... ; txn_commit parks again
 *                                         ... the next fiber, and the next ...
 *       txn_commit returns, at home ◀──── COMMIT: one fdatasync for all of them
 *
 * Rules
 *  - Between txn_write and txn_commit or txn_abort a fiber holds up everyone: no I/O, no
 *    parking (asserted), nothing it could have fetched or computed before.
 *  - A read transaction belongs to its fiber, and ends before the request does.
 *  - Everything that takes a fiber works under fiber_block_on. txn_write and shard_drop need
 *    a fiber (asserted); the rest also works outside of one, waiting on the caller's thread.
 *  - A batch that cannot be committed (disk full, damage) fails whole: each of its fibers gets
 *    the same status from txn_commit and nothing of it is there; reads go on.
 *
 * E_CORRUPT from any call: bytes on disk did not authenticate; the log names the file.
 */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include "base/world.h"
#include "crypto/keyring.h"
#include "store/io_pool.h"
#include "store/keys.h"

enum {
	KEY_MAX = 4096,               /* bytes of a key; it may not begin with 0xff nor be empty */
	VALUE_MAX = 16 * 1024 * 1024, /* bytes of a value or an outbox record */
};

struct store;
struct shard;
struct txn;

struct store_options {
	unsigned writer_threads;  /* 0: 2 */
	unsigned shards_open_max; /* idle shards beyond this are closed; 0: 128 */
	unsigned batch_max;       /* write transactions in one commit; 0: 256 */
	unsigned batch_us;        /* a batch takes in no more once it is this old; 0: 2000 */
	unsigned cache_kib;       /* page cache of each connection; 0: 256 */
	unsigned log_pages;       /* the log is moved into the database once it holds that many; 0: 1000 */
	/*
	 * After a commit that added outbox records, on a writer thread, while the shard is held (shard_ref works): must
	 * not block.
	 */
	void (*on_outbox)(void *arg, struct shard *shard);
	void *on_outbox_arg;
};

/* Figures since the store was opened, for metrics, tests and the bench. */
struct store_stats {
	uint64_t commits; /* write transactions that became durable */
	uint64_t batches; /* commits of the engine: one fdatasync each */
	uint64_t aborts;
	uint64_t reads; /* read transactions begun */
	uint64_t checkpoints;
	uint64_t shards_open;
};

/*
 * `dir` is made when it is not there and held under a lock: a second store on it gets E_BUSY. `parent` wraps the
 * store's own small catalog (which shards have undelivered outbox records) and names its files; it must live as long as
 * the store. `o` may be NULL.
 */
struct status store_open(struct world *w, struct keyring *k, const struct key_ref *parent, const char *dir,
			 const struct store_options *o, struct store **out);
/* All transactions must have ended and all shards be closed. Empties every WAL into its database. Null is allowed. */
void store_close(struct store *s);
void store_stats(struct store *s, struct store_stats *out);
struct io_pool *store_io_pool(struct store *s); /* threads for work that waits for the disk; blobs share it */

/*
 * The shard of that name, made on first use under a data key wrapped by `parent`; the same object for everyone.
 * Names are the caller's ("iam/111122223333", "s3/bucket/<id>") and do not appear on disk. E_NO_KEY when `parent` is
 * not the key it was made under or is not to be had. `parent` is used during the call only. In a fiber the disk work is
 * done on the I/O threads: parks. Not from within a write transaction.
 */
struct status shard_open(struct store *s, struct str name, const struct key_ref *parent, struct shard **out);
/* The same, but makes nothing: E_NOT_FOUND when there is no such shard yet. For whoever only reads. */
struct status shard_open_existing(struct store *s, struct str name, const struct key_ref *parent, struct shard **out);
struct shard *shard_ref(struct shard *sh); /* one more holder */
void shard_close(struct shard *sh);        /* null is allowed */
struct str shard_name(const struct shard *sh);
/*
 * A number that moves with every commit of the shard, before anyone who waits for that commit is told, and is never
 * used twice (not by another shard, not after closing and opening again). For caches of what was read: api/cache.h.
 */
uint64_t shard_version(const struct shard *sh);

/*
 * What a read transaction looked at, as one number for each key or prefix: enough to tell later whether a commit wrote
 * any of it. A commit may seem to have when it did not, never the other way round.
 */
enum { READS_MAX = 320 }; /* a user in ten groups with ten policies each is some 260 rows */
struct reads {
	uint64_t marks[READS_MAX];
	uint32_t n;
	bool all; /* more than there is room for, or a range without a prefix */
};
/* From now on note what is read; NULL: no more. Read transactions only. Returns what noted before. */
struct reads *txn_note_reads(struct txn *t, struct reads *into);
/*
 * Has no commit after version `since` written any of these? Then *now is a version up to which that is so. False also
 * when it is not known: the shard keeps account of it only from the first question on.
 */
bool shard_unchanged(struct shard *sh, uint64_t since, const uint64_t *marks, size_t n, uint64_t *now);
/*
 * Shred and delete: the wrapped data key goes first. Parks. Write transactions still queued, and later ones, get
 * E_NOT_FOUND; readers finish on what they hold. E_BUSY while its outbox holds undelivered records. The caller still
 * has to shard_close.
 */
struct status shard_drop(struct shard *sh);

/* A snapshot: of all that is durable at its first read. Never waits for writers. */
struct status txn_read(struct shard *sh, struct txn **out);
void txn_end(struct txn *t); /* ends a read transaction; null is allowed */

/* Parks; on success returns on the writer, inside the transaction. On failure returns at home. */
struct status txn_write(struct shard *sh, struct txn **out);
/* Parks; returns at home, when it is durable or when it failed and left nothing. The transaction is gone. */
struct status txn_commit(struct txn *t);
/* Undo and go home. The transaction is gone. Null is allowed. */
void txn_abort(struct txn *t);
/*
 * The same, and be home when what came before it in its batch is durable or undone: for who met there what no reader
 * sees yet, and wants to look again.
 */
void txn_step_back(struct txn *t);
/* The one or the other: a write whose steps came to `st` is committed, or undone and fails as they did. Goes home. */
struct status txn_finish(struct txn *t, struct status st);

/* E_NOT_FOUND when there is no such key. The value is copied into mem. */
struct status txn_get(struct txn *t, struct str key, struct arena *mem, struct str *val);
struct status txn_has(struct txn *t, struct str key, bool *has);
/* Write transactions only. E_INVALID or E_TOO_BIG when a limit is passed. Deleting what is not there is OK. */
struct status txn_put(struct txn *t, struct str key, struct str val);
struct status txn_del(struct txn *t, struct str key);

/*
 * Which keys a cursor walks: all with `prefix`, and of those from `from` (included) up to `to` (not included); a
 * part with p == NULL does not narrow. Backward starts at the upper end.
 */
struct range {
	struct str prefix, from, to;
	bool backward;
	bool keys_only; /* val stays empty: large values are then not read */
};

/*
 *     struct cursor c;
 *     TRY(txn_range(txn, &(struct range){ .prefix = p }, &c));
 *     while (cursor_next(&c))
 *             use(c.key, c.val);
 *     TRY(cursor_end(&c));
 *
 * Leaving the loop early is fine: the transaction's end ends its cursors. In a write transaction the entry just read
 * may be deleted or overwritten while walking; keys put ahead may be met or not.
 */
struct cursor {
	struct str key, val; /* the present entry; gone with the next cursor_next, cursor_seek, cursor_end */
	/* private */
	struct txn *txn;
	struct stmt *stmt;
	struct status st;
	struct str from, to;
	bool backward, keys_only;
};

struct status txn_range(struct txn *t, const struct range *r, struct cursor *c);
bool cursor_next(struct cursor *c); /* false at the end, or on failure: cursor_end tells */
/* Go on from `key` (included), forward or backward as the range is; never leaves the range. Skips cheaply. */
void cursor_seek(struct cursor *c, struct str key);
struct status cursor_end(struct cursor *c); /* OK when the walk met no failure; may be called at any point */

/*
 * The outbox: records that are durable exactly when the transaction's other effects are. Numbered from 1 within
 * the shard, in order, never reused. Whoever delivers them reads on from where it was, and says what is safe
 * elsewhere; those are deleted along with a later batch.
 */
struct outbox_record {
	uint64_t seq;
	struct str bytes;
};
struct status txn_outbox(struct txn *t, struct str record);
/* Up to `max` records after `after_seq`, oldest first, stopping once they exceed max_bytes; *n == 0: no more. */
struct status shard_outbox_read(struct shard *sh, uint64_t after_seq, size_t max, size_t max_bytes, struct arena *mem,
				struct outbox_record **out, size_t *n);
/* Never waits. After a crash records may be seen again. */
void shard_outbox_delivered(struct shard *sh, uint64_t up_to_seq);
/*
 * Names of shards that may hold undelivered records, this run's and those a crash left. For the deliverer at start
 * (it opens each and reads) and before stopping.
 */
struct status store_outbox_shards(struct store *s, struct arena *mem, struct str **names, size_t *n);

#endif

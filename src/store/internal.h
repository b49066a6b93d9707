/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The store from inside: what store.c, shard.c, writer.c, txn.c, cursor.c, outbox.c and
 * conn.c share. Private to store/.
 *
 * Locks, in the order in which they may be taken:
 *     store.catalog_lock  >  store.lock  >  shard.readers_lock  >  vault.lock (inside SQLite)
 * None is held while a fiber is stepped or woken.
 *
 * Who may touch what: a shard's writer connection, and the fields marked (w), belong to the
 * thread that has the shard `busy`; that is one writer at a time, or whoever opens it.
 */
#ifndef STORE_INTERNAL_H
#define STORE_INTERNAL_H

#include "base/fiber.h"
#include "base/list.h"
#include "base/map.h"
#include "store/store.h"
#include "store/vfs.h"

enum stmt_kind {
	STMT_BEGIN,
	STMT_BEGIN_WRITE,
	STMT_COMMIT,
	STMT_ROLLBACK,
	STMT_SAVE,
	STMT_RELEASE,
	STMT_UNDO,
	STMT_GET,
	STMT_HAS,
	STMT_PUT,
	STMT_DEL,
	STMT_RANGE, /* the four in this order: + backward, + 2 * keys_only */
	STMT_RANGE_BACK,
	STMT_RANGE_KEYS,
	STMT_RANGE_KEYS_BACK,
	STMT_OUTBOX_ADD,
	STMT_OUTBOX_READ,
	STMT_OUTBOX_TRIM,
	STMT_OUTBOX_LAST,
	STMT_META_GET,
	STMT_META_PUT,
	STMT_COUNT,
};

enum { META_DELIVERED = 1 };

struct stmt {
	struct stmt *next; /* in its connection's list of idle ones */
	struct link use;   /* in its transaction's list, while a cursor walks it */
	sqlite3_stmt *sql;
	enum stmt_kind kind;
};

/* One SQLite connection and its prepared statements. Used by one thread at a time. */
struct conn {
	struct conn *next; /* in the shard's list of idle readers */
	sqlite3 *db;
	struct vault *vault;
	struct stmt *idle[STMT_COUNT];
};

/*
 * How long a writer waits for the write lock. Nobody else writes, but a reader that finds the wal-index half changed
 * takes the lock to look again, and may lose its processor while it has it.
 */
enum { WRITER_WAIT_MS = 60 * 1000 };

struct status conn_open(struct vfs *vfs, struct vault *v, unsigned cache_kib, bool writer, struct conn **out);
void conn_close(struct conn *c); /* null is allowed; all its statements must have been put back */
/* A statement nobody else uses, ready to be bound; and back, reset. */
struct status conn_stmt(struct conn *c, enum stmt_kind kind, struct stmt **out);
void conn_stmt_put(struct conn *c, struct stmt *st);
struct status conn_run(struct conn *c, enum stmt_kind kind);  /* one without parameters or rows */
struct status conn_status(struct conn *c, int rc);            /* an SQLite result as a status; 0, ROW, DONE are OK */
struct status shard_schema(struct vfs *vfs, struct vault *v); /* makes the tables of a new vault */
void bind_bytes(struct stmt *st, int at, struct str s);       /* a view: s must live until the statement is put back */
struct str column_bytes(struct stmt *st, int at);

enum shard_state { SHARD_OPENING, SHARD_OPEN, SHARD_FAILED };

struct shard {
	struct store *store;
	struct str name;
	uint8_t parent_id[32];
	char *path;

	/* under store.lock */
	enum shard_state state;
	struct status open_status;
	unsigned refs;
	struct link openers;  /* struct opener: fibers that wait for OPENING to end */
	struct link queue;    /* struct txn: write transactions and drops that wait */
	struct link run_link; /* in store.run_queue, or in store.idle when nobody holds it */
	bool busy;            /* in the run queue or with a writer */
	bool evict;           /* to be closed if nobody comes meanwhile */
	_Atomic bool dropped; /* shredded */

	struct vault *vault;
	struct conn *writer;             /* (w) */
	int log_frames;                  /* (w) in the log after the last commit */
	uint64_t outbox_next;            /* (w) next sequence number */
	uint64_t outbox_trimmed;         /* (w) delivered ones are deleted up to here */
	bool listed;                     /* (w) the catalog knows that the outbox may hold records */
	_Atomic uint64_t delivered;      /* by the deliverer */
	_Atomic uint64_t version;        /* shard_version: drawn from store.versions at opening and by each commit */
	struct changes *_Atomic changes; /* (w) makes and fills it; NULL until somebody asks: changes.c */
	_Atomic bool changes_wanted;

	pthread_mutex_t readers_lock;
	struct conn *readers; /* idle ones */
	unsigned n_readers;   /* idle ones */
};

struct store {
	struct world *w;
	struct keyring *keyring;
	const struct key_ref *parent;
	char *dir;
	struct store_options o;
	struct vfs *vfs;
	struct io_pool *io;
	int lock_fd;

	pthread_mutex_t lock;
	pthread_cond_t work;   /* the run queue is not empty, or stopping */
	pthread_cond_t opened; /* some shard is no longer OPENING */
	struct map shards;     /* by name */
	struct link run_queue; /* struct shard */
	struct link idle;      /* struct shard: open, not held, not busy; longest idle first */
	unsigned n_shards;
	bool stopping;
	pthread_t *writers;
	unsigned n_writers;

	pthread_mutex_t catalog_lock;
	struct shard *catalog; /* its writer connection is used under catalog_lock */

	_Atomic uint64_t commits, batches, aborts, reads, checkpoints;
	_Atomic uint64_t versions; /* the last one given to any shard */
};

enum txn_state { TXN_READ, TXN_QUEUED, TXN_RUNNING, TXN_COMMIT, TXN_ABORT, TXN_STEP_BACK, TXN_DROP };

struct txn {
	struct shard *shard;
	struct conn *conn;
	enum txn_state state;
	struct status st; /* the first write that failed; at the end, the outcome */
	struct fiber *fiber;
	struct link link;     /* in the shard's queue or the batch */
	struct link cursors;  /* struct stmt: those that cursors walk */
	struct arena *mem;    /* bounds of cursors; made when needed */
	struct reads *reads;  /* where what is read is noted; NULL: nowhere */
	uint64_t outbox_mark; /* shard.outbox_next when it began */
};

void txn_cursors_end(struct txn *t);
void txn_free(struct txn *t);
void txn_enqueue(void *txn, struct fiber *f); /* a handover: to the shard's writer */
/* What a fiber on a writer parks with, and nothing else: the writer goes on. */
void txn_to_writer(void *txn, struct fiber *f);

/* changes.c */
void changes_note(struct shard *sh, struct str key);     /* (w) this key was written or deleted */
void changes_commit(struct shard *sh, uint64_t version); /* (w) before the version moves */
void reads_note(struct reads *r, struct str key);        /* NULL allowed */
void reads_note_prefix(struct reads *r, struct str prefix);
void changes_free(struct shard *sh);
void shard_moved(struct shard *sh); /* a new version */

void *writer_thread(void *store);
bool on_writer(const struct store *s);
/* Put the shard into the run queue. Under store.lock; must not be busy. */
void shard_schedule(struct shard *sh);
void shards_trim(struct store *s); /* evict idle shards above the limit; under store.lock */

/* make: when it is not there; else that is E_NOT_FOUND. */
struct status shard_load(struct store *s, struct shard *sh, const struct key_ref *parent, bool make);
struct shard *shard_new(struct store *s, struct str name, const struct key_ref *parent);
void shard_free(struct shard *sh); /* closes files; nobody may know it any more */
/* On a writer: empty the log into the database, tidy the catalog. What fails is left for the next start. */
void shard_flush(struct shard *sh);
/* Move the log into the database, waiting so long for readers; an SQLite result. (w) */
int shard_checkpoint(struct shard *sh, int mode, int wait_ms);
struct status shard_reader(struct shard *sh, struct conn **out);
void shard_reader_put(struct shard *sh, struct conn *c);

struct status outbox_load(struct shard *sh);
struct status outbox_trim(struct shard *sh, struct conn *c); /* inside a batch: delete some of what was delivered */
struct status catalog_list(struct shard *sh); /* durable when it returns; does nothing when listed already */
void catalog_unlist(struct shard *sh);
struct status file_of(struct store *s, struct str name, char **path);

#endif

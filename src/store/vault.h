/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A vault: one shard's two files as authenticated ciphertext, and what its connections
 * share in memory. Private to store/; docs/decisions/0003-encrypting-vfs.md says why so.
 *
 *     NAME      head block (4096): magic, id, wrapped data key; at 512 the mark
 *               then page 1, page 2, ... 4096 bytes each, at 4096 * pgno
 *     NAME-wal  head block (4096): log header slots at 0 and 512, marks at 1024 and 1536
 *               then frame 0, frame 1, ... 4120 bytes each
 *
 * SQLite is told to leave RESERVE bytes of each page alone: in them the page's nonce and tag
 * lie on disk, so that a page stays one aligned 4 KiB block, and a WAL frame with its header
 * is as long as SQLite thinks. In memory those bytes are zero.
 *
 *     page    [cipher of 4056][nonce 24][tag 16]           AAD: id, 'p', pgno
 *     frame   [nonce 24][cipher of 24 + 4048 + 8][tag 16]  AAD: id, 'f', generation, salts, index
 *     record  [nonce 24][cipher of 48][tag 16]             AAD: id, kind
 *
 * A generation is one life of the log: from SQLite's writing of a log header until the next.
 * The 8 bytes at a frame's end say how many frames of its generation were durable when it was
 * written; a mark in the head says the same after each sync. What is below that number has to
 * authenticate; what is above may be torn, and the log then ends there.
 */
#ifndef STORE_VAULT_H
#define STORE_VAULT_H

#include "base/world.h"
#include "crypto/aead.h"
#include "crypto/keyring.h"

#include <pthread.h>
#include <stdatomic.h>

enum {
	VAULT_PAGE = 4096,
	VAULT_RESERVE = 48,
	VAULT_USABLE = VAULT_PAGE - VAULT_RESERVE,
	VAULT_HEAD = 4096,
	WAL_HEADER = 32,       /* SQLite's log header */
	WAL_FRAME_HEADER = 24, /* SQLite's frame header */
	WAL_FRAME = WAL_FRAME_HEADER + VAULT_PAGE,
	VAULT_RECORD = 48, /* plaintext of a sealed record in a head block */
	VAULT_SHM_REGIONS = 512,
	VAULT_LOCKS = 8,
};

/* The mark in the database's head: how far the file is known to be complete. Weaker than the truth, never stronger. */
struct db_mark {
	_Atomic uint64_t pages; /* pages up to here were synced: none of them may be missing or blank */
	uint64_t log_gen;       /* the highest generation of the log so far */
	bool log_in_use;        /* the log holds synced commits: it may not be missing */
};

/* One generation as readers need it. */
struct wal_gen {
	uint64_t gen;
	uint8_t header[WAL_HEADER]; /* as SQLite wrote it; its salts are bytes 16..23 */
};

struct vault {
	struct world *w;
	char *path, *log_path;
	uint8_t id[16];
	struct secret key_mem; /* holds *key */
	struct aead_key *key;
	int db, log;

	/* the database; written by one connection at a time */
	struct db_mark mark;
	_Atomic uint64_t pages; /* pages physically there */

	/* the log; written by one connection at a time */
	struct wal_gen gens[2];   /* by gen & 1 */
	_Atomic uint64_t gen;     /* 0: the log has no header */
	_Atomic uint64_t durable; /* frames of this generation that are durable */
	uint64_t written;         /* frames of this generation in the file, durable or not */
	bool log_dirty;           /* something was written since the last sync; at first unknown, so yes */
	uint64_t marks;           /* log marks written: picks the slot */
	_Atomic bool recovering;  /* nothing was written yet: SQLite reads the log to find its end */
	bool tail_known;          /* this run began the generation: what lies past `durable` is not committed */

	/* the connections' shared memory and locks */
	pthread_mutex_t lock;
	void *regions[VAULT_SHM_REGIONS];
	int shm_locks[VAULT_LOCKS]; /* > 0: that many sharers; -1: one excluder */
	int shared;                 /* holders of the database lock */
	bool reserved, exclusive;
};

/* `name` is bound into the wrapped key. Creating does not sync; E_NOT_FOUND when there is no file at path. */
struct status vault_create(struct world *w, struct keyring *kr, const struct key_ref *parent, struct str name,
			   const char *path, struct vault **out);
struct status vault_open(struct world *w, struct keyring *kr, const struct key_ref *parent, struct str name,
			 const char *path, struct vault **out);
void vault_close(struct vault *v); /* null is allowed */
/* Overwrite the wrapped key, then delete both files. Open descriptors stay readable to those who have the vault. */
struct status vault_shred(struct vault *v);
/* After a commit that failed: make sure that a later start does not find it complete. */
void vault_forget_tail(struct vault *v);

/* 0 or an SQLite result code; offsets and lengths are SQLite's. */
int db_read(struct vault *v, void *p, int n, int64_t at);
int db_write(struct vault *v, const void *p, int n, int64_t at);
int db_sync(struct vault *v);
int db_truncate(struct vault *v, int64_t n);
int64_t db_size(struct vault *v);

/* A frame header that waits for its page: SQLite writes them apart, the disk gets them in one. */
struct wal_pending {
	bool waits;
	uint64_t index;
	uint8_t header[WAL_FRAME_HEADER];
};
int wal_read(struct vault *v, struct wal_pending *pend, void *p, int n, int64_t at);
int wal_write(struct vault *v, struct wal_pending *pend, const void *p, int n, int64_t at);
int wal_sync(struct vault *v, struct wal_pending *pend);
int wal_truncate(struct vault *v, struct wal_pending *pend, int64_t n);
int64_t wal_size(struct vault *v);
struct status wal_load(struct vault *v); /* at open: the head block and what it promises */

/* Shared with the parts: whole reads and writes, sealed records, the database's mark. */
ssize_t vault_pread(struct vault *v, int fd, void *p, size_t n, int64_t at); /* short only at the end; -1 on failure */
int vault_pwrite(struct vault *v, int fd, const void *p, size_t n, int64_t at); /* an SQLite result code */
int vault_damaged(struct vault *v, const char *what, uint64_t number);          /* logs; SQLITE_IOERR_CORRUPTFS */
int vault_log_damaged(struct vault *v, const char *what, uint64_t number);      /* the same of its write-ahead log */
int record_write(struct vault *v, int fd, char kind, int64_t at, const uint8_t plain[VAULT_RECORD]);
bool record_open(struct vault *v, char kind, const uint8_t *sealed, uint8_t plain[VAULT_RECORD]);
int db_mark_write(struct vault *v);
enum { RECORD_SEALED = VAULT_RECORD + AEAD_OVERHEAD };

static inline void put_be64(uint8_t *p, uint64_t v)
{
	for (int i = 0; i < 8; i++)
		p[i] = (uint8_t)(v >> (56 - 8 * i));
}
static inline uint64_t get_be64(const uint8_t *p)
{
	uint64_t v = 0;
	for (int i = 0; i < 8; i++)
		v = v << 8 | p[i];
	return v;
}

/* The wal-index and the locks, in memory: this process is the only one. `masks` are the handle's own locks. */
struct shm_held {
	unsigned shared, excluded;
};
int shm_map(struct vault *v, int region, int size, bool extend, void volatile **out);
int shm_lock(struct vault *v, struct shm_held *held, int offset, int n, int flags);
void shm_release(struct vault *v, struct shm_held *held);
int db_lock(struct vault *v, int *level, int want);
void db_unlock(struct vault *v, int *level, int to);

#endif

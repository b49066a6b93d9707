/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Connections: SQLite opened on a vault, its settings, its statements.
 *
 * Statements are prepared when first used and kept. The same kind can be in use twice (a
 * cursor inside a cursor): then there are two of it.
 */
#include "store/internal.h"

#include "base/log.h"

static const char *const sql_of[STMT_COUNT] = {
	[STMT_BEGIN] = "BEGIN",
	[STMT_BEGIN_WRITE] = "BEGIN IMMEDIATE",
	[STMT_COMMIT] = "COMMIT",
	[STMT_ROLLBACK] = "ROLLBACK",
	[STMT_SAVE] = "SAVEPOINT t",
	[STMT_RELEASE] = "RELEASE t",
	[STMT_UNDO] = "ROLLBACK TO t",
	[STMT_GET] = "SELECT v FROM kv WHERE k = ?1",
	[STMT_HAS] = "SELECT 1 FROM kv WHERE k = ?1",
	[STMT_PUT] = "REPLACE INTO kv (k, v) VALUES (?1, ?2)",
	[STMT_DEL] = "DELETE FROM kv WHERE k = ?1",
	[STMT_RANGE] = "SELECT k, v FROM kv WHERE k >= ?1 AND k < ?2 ORDER BY k",
	[STMT_RANGE_BACK] = "SELECT k, v FROM kv WHERE k >= ?1 AND k < ?2 ORDER BY k DESC",
	[STMT_RANGE_KEYS] = "SELECT k FROM kv WHERE k >= ?1 AND k < ?2 ORDER BY k",
	[STMT_RANGE_KEYS_BACK] = "SELECT k FROM kv WHERE k >= ?1 AND k < ?2 ORDER BY k DESC",
	[STMT_OUTBOX_ADD] = "INSERT INTO outbox (seq, rec) VALUES (?1, ?2)",
	[STMT_OUTBOX_READ] = "SELECT seq, rec FROM outbox WHERE seq > ?1 ORDER BY seq LIMIT ?2",
	[STMT_OUTBOX_TRIM] = "DELETE FROM outbox WHERE seq <= ?1",
	[STMT_OUTBOX_LAST] = "SELECT coalesce(max(seq), 0) FROM outbox",
	[STMT_META_GET] = "SELECT v FROM meta WHERE k = ?1",
	[STMT_META_PUT] = "REPLACE INTO meta (k, v) VALUES (?1, ?2)",
};

struct status conn_status(struct conn *c, int rc)
{
	switch (rc & 0xff) {
	case SQLITE_OK:
	case SQLITE_ROW:
	case SQLITE_DONE:
		return OK;
	case SQLITE_FULL:
		log_error("disk full", "file", str_of(c->vault->path));
		return ERR(E_FULL);
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return ERR(E_BUSY);
	case SQLITE_TOOBIG:
		return ERR(E_TOO_BIG);
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		log_error("database is damaged", "file", str_of(c->vault->path), "why", str_of(sqlite3_errstr(rc)));
		return ERR(E_CORRUPT);
	}
	if (rc == SQLITE_IOERR_CORRUPTFS) /* the vault logged where */
		return ERR(E_CORRUPT);
	log_error("database failed", "file", str_of(c->vault->path), "why", str_of(sqlite3_errstr(rc)));
	return ERR(E_IO);
}

static struct status exec(struct conn *c, const char *sql)
{
	return conn_status(c, sqlite3_exec(c->db, sql, NULL, NULL, NULL));
}

static struct status configure(struct conn *c, unsigned cache_kib, bool writer)
{
	char sql[64];
	sqlite3_db_config(c->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL); /* shard_flush does it */
	sqlite3_db_config(c->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	sqlite3_busy_timeout(c->db, writer ? WRITER_WAIT_MS : 0);
	snprintf(sql, sizeof sql, "PRAGMA cache_size=-%u", cache_kib);
	TRY(exec(c, sql));
	TRY(exec(c, "PRAGMA temp_store=MEMORY; PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=0;"
		    "PRAGMA secure_delete=OFF; PRAGMA trusted_schema=OFF; PRAGMA cache_spill=OFF"));
	return writer ? OK : exec(c, "PRAGMA query_only=ON");
}

struct status conn_open(struct vfs *vfs, struct vault *v, unsigned cache_kib, bool writer, struct conn **out)
{
	struct conn *c = HEAP(struct conn);
	c->vault = v;
	struct status st = conn_status(c, vfs_connect(vfs, v, &c->db));
	if (!failed(st))
		st = configure(c, cache_kib, writer);
	if (failed(st)) {
		conn_close(c);
		return st;
	}
	*out = c;
	return OK;
}

void conn_close(struct conn *c)
{
	if (!c)
		return;
	for (size_t k = 0; k < STMT_COUNT; k++) {
		while (c->idle[k]) {
			struct stmt *st = c->idle[k];
			c->idle[k] = st->next;
			sqlite3_finalize(st->sql);
			heap_free(st);
		}
	}
	int rc = sqlite3_close(c->db);
	assert(rc == SQLITE_OK);
	heap_free(c);
}

struct status conn_stmt(struct conn *c, enum stmt_kind kind, struct stmt **out)
{
	struct stmt *st = c->idle[kind];
	if (st) {
		c->idle[kind] = st->next;
		*out = st;
		return OK;
	}
	sqlite3_stmt *sql;
	TRY(conn_status(c, sqlite3_prepare_v3(c->db, sql_of[kind], -1, SQLITE_PREPARE_PERSISTENT, &sql, NULL)));
	st = HEAP(struct stmt);
	st->sql = sql;
	st->kind = kind;
	list_init(&st->use);
	*out = st;
	return OK;
}

void conn_stmt_put(struct conn *c, struct stmt *st)
{
	sqlite3_reset(st->sql);
	list_del(&st->use);
	st->next = c->idle[st->kind];
	c->idle[st->kind] = st;
}

struct status conn_run(struct conn *c, enum stmt_kind kind)
{
	struct stmt *st;
	TRY(conn_stmt(c, kind, &st));
	struct status got = conn_status(c, sqlite3_step(st->sql));
	conn_stmt_put(c, st);
	return got;
}

void bind_bytes(struct stmt *st, int at, struct str s)
{
	int rc = sqlite3_bind_blob64(st->sql, at, s.p ? s.p : "", s.n, SQLITE_STATIC);
	assert(rc == SQLITE_OK);
}

struct str column_bytes(struct stmt *st, int at)
{
	const void *p = sqlite3_column_blob(st->sql, at);
	return str_make(p ? p : "", p ? (size_t)sqlite3_column_bytes(st->sql, at) : 0);
}

static int is_wal(void *yes, int n, char **values, char **names)
{
	(void)names;
	*(bool *)yes = n == 1 && values[0] && strcmp(values[0], "wal") == 0;
	return 0;
}

/* The journal is in memory while the tables are made: a shard that is not complete is never given its name. */
struct status shard_schema(struct vfs *vfs, struct vault *v)
{
	struct conn c = { .vault = v };
	bool wal = false;
	int reserve = VAULT_RESERVE;
	TRY(conn_status(&c, vfs_connect(vfs, v, &c.db)));
	int rc = sqlite3_file_control(c.db, "main", SQLITE_FCNTL_RESERVE_BYTES, &reserve);
	struct status st = conn_status(&c, rc);
	if (!failed(st))
		st = exec(&c, "PRAGMA page_size=4096; PRAGMA auto_vacuum=NONE; PRAGMA journal_mode=MEMORY; BEGIN;"
			      "CREATE TABLE kv (k BLOB PRIMARY KEY, v BLOB NOT NULL) WITHOUT ROWID;"
			      "CREATE TABLE outbox (seq INTEGER PRIMARY KEY, rec BLOB NOT NULL);"
			      "CREATE TABLE meta (k INTEGER PRIMARY KEY, v INTEGER NOT NULL); COMMIT");
	if (!failed(st))
		st = conn_status(&c, sqlite3_exec(c.db, "PRAGMA journal_mode=WAL", is_wal, &wal, NULL));
	rc = sqlite3_close(c.db);
	assert(rc == SQLITE_OK);
	if (!failed(st) && !wal)
		return ERR(E_IO);
	return st;
}

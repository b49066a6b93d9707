/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The vault under SQLite's rarer habits: frames rewritten within a transaction, locks, and
 * writes of a shape it never makes.
 */
#include "store/fixture.h"
#include "store/internal.h"

struct bed {
	struct fixture f;
	struct vfs *vfs;
	struct vault *v;
	sqlite3 *db;
	char path[80];
};

static void bed_connect(struct bed *t)
{
	vfs_add(t->vfs, t->v);
	EXPECT(vfs_connect(t->vfs, t->v, &t->db) == SQLITE_OK);
	sqlite3_db_config(t->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
}

static void bed_disconnect(struct bed *t)
{
	EXPECT(sqlite3_close(t->db) == SQLITE_OK);
	vfs_remove(t->vfs, t->v);
	vault_close(t->v);
}

static void bed_new(struct bed *t)
{
	fixture_new(&t->f);
	snprintf(t->path, sizeof t->path, "%s/vault", t->f.dir);
	t->vfs = vfs_new(&t->f.w);
	EXPECT_OK(vault_create(&t->f.w, t->f.kr, &t->f.key, S("v"), t->path, &t->v));
	vfs_add(t->vfs, t->v);
	EXPECT_OK(shard_schema(t->vfs, t->v));
	vfs_remove(t->vfs, t->v);
	bed_connect(t);
}

static void bed_end(struct bed *t)
{
	bed_disconnect(t);
	vfs_free(t->vfs);
	fixture_end(&t->f);
}

/* The first column of the first row. */
static int64_t query(struct bed *t, const char *sql)
{
	sqlite3_stmt *st;
	EXPECT(sqlite3_prepare_v2(t->db, sql, -1, &st, NULL) == SQLITE_OK);
	EXPECT(sqlite3_step(st) == SQLITE_ROW);
	int64_t v = sqlite3_column_int64(st, 0);
	sqlite3_finalize(st);
	return v;
}

static void exec(struct bed *t, const char *sql)
{
	int rc = sqlite3_exec(t->db, sql, NULL, NULL, NULL);
	if (rc)
		printf("# %s\n", sqlite3_errmsg(t->db));
	EXPECT(rc == SQLITE_OK);
}

static void check(struct bed *t, int64_t rows)
{
	EXPECT(query(t, "SELECT count(*) FROM kv") == rows);
	EXPECT(query(t, "SELECT count(*) FROM kv WHERE v = zeroblob(400) || k") == rows);
	EXPECT(query(t, "SELECT integrity_check = 'ok' FROM pragma_integrity_check") == 1);
}

/* A cache of two pages makes SQLite write frames before the commit, and then write them again. */
static void frames_rewritten_in_a_transaction_hold_the_last_word(void)
{
	struct bed t;
	bed_new(&t);
	exec(
	    &t,
	    "PRAGMA temp_store=MEMORY; PRAGMA cache_size=2; PRAGMA cache_spill=ON; PRAGMA wal_autocheckpoint=0; BEGIN");
	exec(&t, "WITH RECURSIVE n(i) AS (VALUES(1) UNION ALL SELECT i + 1 FROM n WHERE i < 600)"
		 "INSERT INTO kv SELECT CAST(printf('key-%05d', i * 7919 % 1000) AS BLOB), x'00' FROM n");
	exec(&t, "UPDATE kv SET v = zeroblob(300)");
	exec(&t, "SAVEPOINT s; UPDATE kv SET v = zeroblob(10); ROLLBACK TO s; RELEASE s");
	exec(&t, "UPDATE kv SET v = zeroblob(400) || k; COMMIT");
	check(&t, 600);
	bed_disconnect(&t); /* the log is left as it is, and read from the disk again */
	EXPECT_OK(vault_open(&t.f.w, t.f.kr, &t.f.key, S("v"), t.path, &t.v));
	bed_connect(&t);
	check(&t, 600);
	EXPECT(wal_size(t.v) > WAL_FRAME);
	exec(&t, "PRAGMA wal_checkpoint(TRUNCATE)");
	EXPECT(wal_size(t.v) == 0);
	check(&t, 600);
	bed_end(&t);
}

static void a_lone_header_or_page_is_put_into_its_frame(void)
{
	struct bed t;
	struct wal_pending pend = { 0 };
	uint8_t header[WAL_HEADER] = { 1 }, page[VAULT_PAGE] = { 2 }, got[WAL_FRAME];
	bed_new(&t);
	EXPECT(wal_write(t.v, &pend, header, WAL_HEADER, 0) == 0);
	EXPECT(wal_write(t.v, &pend, header, WAL_FRAME_HEADER, WAL_HEADER) == 0);
	EXPECT(wal_write(t.v, &pend, page, VAULT_PAGE, WAL_HEADER + WAL_FRAME_HEADER) == 0);
	page[0] = 3;
	EXPECT(wal_write(t.v, &pend, page, VAULT_PAGE, WAL_HEADER + WAL_FRAME_HEADER) == 0);
	header[0] = 4;
	EXPECT(wal_write(t.v, &pend, header, WAL_FRAME_HEADER, WAL_HEADER) == 0);
	EXPECT(wal_read(t.v, &pend, got, WAL_FRAME, WAL_HEADER) == 0);
	EXPECT(got[0] == 4 && got[WAL_FRAME_HEADER] == 3);
	EXPECT(wal_sync(t.v, &pend) == 0);
	EXPECT(wal_write(t.v, &pend, page, VAULT_PAGE, WAL_HEADER + WAL_FRAME_HEADER) != 0); /* durable by now */
	bed_end(&t);
}

static void writes_of_another_shape_are_refused(void)
{
	struct bed t;
	struct wal_pending pend = { 0 };
	uint8_t bytes[2 * VAULT_PAGE] = { 0 };
	bed_new(&t);
	EXPECT(wal_write(t.v, &pend, bytes, WAL_FRAME_HEADER, WAL_HEADER) != 0); /* no log header yet */
	EXPECT(wal_write(t.v, &pend, bytes, WAL_HEADER, 0) == 0);
	EXPECT(wal_write(t.v, &pend, bytes, 100, WAL_HEADER) != 0);
	EXPECT(wal_write(t.v, &pend, bytes, WAL_FRAME_HEADER, WAL_HEADER + 1) != 0);
	EXPECT(wal_write(t.v, &pend, bytes, VAULT_PAGE, WAL_HEADER + WAL_FRAME_HEADER) !=
	       0); /* a page without a frame */
	EXPECT(db_write(t.v, bytes, 100, 0) != 0);
	EXPECT(db_write(t.v, bytes, VAULT_PAGE, 512) != 0);
	bytes[VAULT_PAGE - 1] = 1; /* in what SQLite was told to leave */
	EXPECT(db_write(t.v, bytes, VAULT_PAGE, 0) != 0);
	bed_end(&t);
}

static void locks_exclude_as_they_should(void)
{
	struct bed t;
	struct shm_held a = { 0 }, b = { 0 };
	int x = 0, y = 0;
	enum { SH = SQLITE_SHM_LOCK | SQLITE_SHM_SHARED, EX = SQLITE_SHM_LOCK | SQLITE_SHM_EXCLUSIVE };
	enum { UNSH = SQLITE_SHM_UNLOCK | SQLITE_SHM_SHARED };
	fixture_new(&t.f);
	snprintf(t.path, sizeof t.path, "%s/vault", t.f.dir);
	EXPECT_OK(vault_create(&t.f.w, t.f.kr, &t.f.key, S("v"), t.path, &t.v));
	EXPECT(shm_lock(t.v, &a, 3, 1, SH) == SQLITE_OK && shm_lock(t.v, &b, 3, 1, SH) == SQLITE_OK);
	EXPECT(shm_lock(t.v, &b, 2, 3, EX) == SQLITE_BUSY);
	EXPECT(shm_lock(t.v, &a, 3, 1, UNSH) == SQLITE_OK && shm_lock(t.v, &b, 3, 1, UNSH) == SQLITE_OK);
	EXPECT(shm_lock(t.v, &b, 2, 3, EX) == SQLITE_OK);
	EXPECT(shm_lock(t.v, &a, 4, 1, SH) == SQLITE_BUSY);
	shm_release(t.v, &b);
	EXPECT(shm_lock(t.v, &a, 4, 1, SH) == SQLITE_OK);
	shm_release(t.v, &a);
	EXPECT(db_lock(t.v, &x, SQLITE_LOCK_SHARED) == SQLITE_OK && db_lock(t.v, &y, SQLITE_LOCK_SHARED) == SQLITE_OK);
	EXPECT(db_lock(t.v, &x, SQLITE_LOCK_RESERVED) == SQLITE_OK &&
	       db_lock(t.v, &y, SQLITE_LOCK_RESERVED) == SQLITE_BUSY);
	EXPECT(db_lock(t.v, &x, SQLITE_LOCK_EXCLUSIVE) == SQLITE_BUSY);
	db_unlock(t.v, &y, SQLITE_LOCK_NONE);
	EXPECT(db_lock(t.v, &x, SQLITE_LOCK_EXCLUSIVE) == SQLITE_OK &&
	       db_lock(t.v, &y, SQLITE_LOCK_SHARED) == SQLITE_BUSY);
	db_unlock(t.v, &x, SQLITE_LOCK_NONE);
	vault_close(t.v);
	fixture_end(&t.f);
}

static void only_vaults_are_opened(void)
{
	struct bed t;
	bed_new(&t);
	EXPECT(sqlite3_exec(t.db, "ATTACH '/tmp/plain.db' AS other; CREATE TABLE other.t(x)", NULL, NULL, NULL) !=
	       SQLITE_OK);
	EXPECT(access("/tmp/plain.db", F_OK) != 0);
	exec(&t, "PRAGMA temp_store=FILE; CREATE TEMP TABLE small(x)"); /* fits in memory: fine */
	EXPECT(sqlite3_exec(
		   t.db,
		   "PRAGMA temp.cache_size=1; PRAGMA temp.cache_spill=ON; INSERT INTO small WITH RECURSIVE n(i) AS "
		   "(VALUES(1) UNION ALL SELECT i + 1 FROM n WHERE i < 2000) SELECT randomblob(2000) FROM n",
		   NULL, NULL, NULL) != SQLITE_OK); /* would need a temporary file: refused */
	bed_end(&t);
}

RUN_ALL(T(frames_rewritten_in_a_transaction_hold_the_last_word), T(a_lone_header_or_page_is_put_into_its_frame),
	T(writes_of_another_shape_are_refused), T(locks_exclude_as_they_should), T(only_vaults_are_opened))

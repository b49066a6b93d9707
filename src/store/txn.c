/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Transactions: beginning, reading, writing, ending. What a batch is stands in writer.c.
 */
#include "store/internal.h"

static struct txn *txn_new(struct shard *sh, enum txn_state state)
{
	struct txn *t = HEAP(struct txn);
	t->shard = sh;
	t->state = state;
	list_init(&t->link);
	list_init(&t->cursors);
	return t;
}

void txn_free(struct txn *t)
{
	arena_free(t->mem);
	heap_free(t);
}

struct status txn_read(struct shard *sh, struct txn **out)
{
	struct conn *c;
	if (sh->dropped)
		return ERR(E_NOT_FOUND);
	TRY(shard_reader(sh, &c));
	struct status st = conn_run(c, STMT_BEGIN);
	if (failed(st)) {
		conn_close(c);
		return st;
	}
	*out = txn_new(sh, TXN_READ);
	(*out)->conn = c;
	atomic_fetch_add_explicit(&sh->store->reads, 1, memory_order_relaxed);
	return OK;
}

void txn_end(struct txn *t)
{
	if (!t)
		return;
	assert(t->state == TXN_READ);
	txn_cursors_end(t);
	if (sqlite3_get_autocommit(t->conn->db) || failed(conn_run(t->conn, STMT_COMMIT)))
		conn_close(t->conn); /* a read failed badly: begin afresh */
	else
		shard_reader_put(t->shard, t->conn);
	txn_free(t);
}

void txn_to_writer(void *txn, struct fiber *f) { (void)txn, (void)f; }

static struct status send(struct shard *sh, enum txn_state state, struct txn **out)
{
	assert(fiber_current() && !on_writer(sh->store));
	struct txn *t = txn_new(sh, state);
	fiber_park(txn_enqueue, t);
	struct status st = t->st;
	if (failed(st) || state == TXN_DROP) {
		txn_free(t);
		return st;
	}
	*out = t;
	return OK;
}

struct status txn_write(struct shard *sh, struct txn **out) { return send(sh, TXN_QUEUED, out); }

struct status shard_drop(struct shard *sh) { return send(sh, TXN_DROP, NULL); }

static struct status finish(struct txn *t, enum txn_state state)
{
	assert(t->state == TXN_RUNNING);
	txn_cursors_end(t);
	t->state = state;
	fiber_park(txn_to_writer, t);
	struct status st = t->st;
	txn_free(t);
	return st;
}

/* A write that failed fails the transaction, whether or not its caller looked. */
struct status txn_commit(struct txn *t) { return finish(t, failed(t->st) ? TXN_ABORT : TXN_COMMIT); }

void txn_abort(struct txn *t)
{
	if (t)
		(void)finish(t, TXN_ABORT);
}

void txn_step_back(struct txn *t) { (void)finish(t, TXN_STEP_BACK); }

struct status txn_finish(struct txn *t, struct status st)
{
	if (!failed(st))
		return txn_commit(t);
	txn_abort(t);
	return st;
}

struct status txn_get(struct txn *t, struct str key, struct arena *mem, struct str *val)
{
	struct stmt *st;
	reads_note(t->reads, key);
	TRY(conn_stmt(t->conn, STMT_GET, &st));
	bind_bytes(st, 1, key);
	int rc = sqlite3_step(st->sql);
	struct status got = conn_status(t->conn, rc);
	if (rc == SQLITE_ROW)
		*val = str_dup(mem, column_bytes(st, 0));
	conn_stmt_put(t->conn, st);
	return rc == SQLITE_DONE ? ERR(E_NOT_FOUND) : got;
}

struct status txn_has(struct txn *t, struct str key, bool *has)
{
	struct stmt *st;
	reads_note(t->reads, key);
	TRY(conn_stmt(t->conn, STMT_HAS, &st));
	bind_bytes(st, 1, key);
	int rc = sqlite3_step(st->sql);
	struct status got = conn_status(t->conn, rc);
	if (!failed(got))
		*has = rc == SQLITE_ROW;
	conn_stmt_put(t->conn, st);
	return got;
}

static struct status write_done(struct txn *t, struct stmt *st)
{
	struct status got = conn_status(t->conn, sqlite3_step(st->sql));
	conn_stmt_put(t->conn, st);
	if (failed(got) && !failed(t->st))
		t->st = got;
	return got;
}

static struct status check_key(struct str key)
{
	if (key.n == 0 || (uint8_t)key.p[0] == 0xff)
		return ERR(E_INVALID);
	return key.n > KEY_MAX ? ERR(E_TOO_BIG) : OK;
}

struct status txn_put(struct txn *t, struct str key, struct str val)
{
	struct stmt *st;
	assert(t->state == TXN_RUNNING);
	TRY(check_key(key));
	if (val.n > VALUE_MAX)
		return ERR(E_TOO_BIG);
	changes_note(t->shard, key);
	TRY(conn_stmt(t->conn, STMT_PUT, &st));
	bind_bytes(st, 1, key);
	bind_bytes(st, 2, val);
	return write_done(t, st);
}

struct status txn_del(struct txn *t, struct str key)
{
	struct stmt *st;
	assert(t->state == TXN_RUNNING);
	TRY(check_key(key));
	changes_note(t->shard, key);
	TRY(conn_stmt(t->conn, STMT_DEL, &st));
	bind_bytes(st, 1, key);
	return write_done(t, st);
}

struct status txn_outbox(struct txn *t, struct str record)
{
	struct stmt *st;
	struct shard *sh = t->shard;
	assert(t->state == TXN_RUNNING);
	if (record.n > VALUE_MAX)
		return ERR(E_TOO_BIG);
	struct status listed = catalog_list(sh);
	if (failed(listed)) {
		t->st = listed;
		return listed;
	}
	TRY(conn_stmt(t->conn, STMT_OUTBOX_ADD, &st));
	sqlite3_bind_int64(st->sql, 1, (sqlite3_int64)sh->outbox_next);
	bind_bytes(st, 2, record);
	TRY(write_done(t, st));
	sh->outbox_next++;
	return OK;
}

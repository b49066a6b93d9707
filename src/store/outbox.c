/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The outbox, and the catalog that remembers who has one.
 *
 * A shard's sequence numbers go on from what was added or delivered last, so they are never
 * used twice. Before a shard's first record is committed its name is put, durably, into the
 * catalog; so after a crash the deliverer need not open every shard to find what is left. The
 * name leaves the catalog when the shard is closed with nothing undelivered.
 */
#include "store/internal.h"

#include "base/str.h"

enum { TRIM_STEP = 2000 };

static struct status read_u64(struct conn *c, enum stmt_kind kind, int64_t arg, uint64_t *out)
{
	struct stmt *st;
	TRY(conn_stmt(c, kind, &st));
	if (kind == STMT_META_GET)
		sqlite3_bind_int64(st->sql, 1, arg);
	int rc = sqlite3_step(st->sql);
	*out = rc == SQLITE_ROW ? (uint64_t)sqlite3_column_int64(st->sql, 0) : 0;
	struct status got = conn_status(c, rc);
	conn_stmt_put(c, st);
	return got;
}

struct status outbox_load(struct shard *sh)
{
	uint64_t last, trimmed;
	TRY(read_u64(sh->writer, STMT_OUTBOX_LAST, 0, &last));
	TRY(read_u64(sh->writer, STMT_META_GET, META_DELIVERED, &trimmed));
	sh->outbox_trimmed = trimmed;
	atomic_store(&sh->delivered, trimmed);
	sh->outbox_next = (last > trimmed ? last : trimmed) + 1;
	sh->listed = last > trimmed;
	return OK;
}

/* A bounded piece at a time: the batch that carries it has its own work. */
struct status outbox_trim(struct shard *sh, struct conn *c)
{
	struct stmt *st;
	uint64_t delivered = atomic_load(&sh->delivered);
	uint64_t to = sh->outbox_trimmed + TRIM_STEP < delivered ? sh->outbox_trimmed + TRIM_STEP : delivered;
	TRY(conn_stmt(c, STMT_OUTBOX_TRIM, &st));
	sqlite3_bind_int64(st->sql, 1, (sqlite3_int64)to);
	struct status got = conn_status(c, sqlite3_step(st->sql));
	conn_stmt_put(c, st);
	TRY(got);
	TRY(conn_stmt(c, STMT_META_PUT, &st));
	sqlite3_bind_int64(st->sql, 1, META_DELIVERED);
	sqlite3_bind_int64(st->sql, 2, (sqlite3_int64)to);
	got = conn_status(c, sqlite3_step(st->sql));
	conn_stmt_put(c, st);
	TRY(got);
	sh->outbox_trimmed = to; /* whoever fails to commit this sets it back */
	return OK;
}

void shard_outbox_delivered(struct shard *sh, uint64_t up_to_seq)
{
	uint64_t old = atomic_load(&sh->delivered);
	while (old < up_to_seq && !atomic_compare_exchange_weak(&sh->delivered, &old, up_to_seq))
		continue;
}

static struct status read_records(struct conn *c, uint64_t after, size_t max, size_t max_bytes, struct arena *mem,
				  struct outbox_record *out, size_t *n)
{
	struct stmt *st;
	size_t bytes = 0;
	int rc = SQLITE_DONE;
	TRY(conn_stmt(c, STMT_OUTBOX_READ, &st));
	sqlite3_bind_int64(st->sql, 1, (sqlite3_int64)after);
	sqlite3_bind_int64(st->sql, 2, (sqlite3_int64)max);
	*n = 0;
	while (bytes <= max_bytes && (rc = sqlite3_step(st->sql)) == SQLITE_ROW) {
		out[*n].seq = (uint64_t)sqlite3_column_int64(st->sql, 0);
		out[*n].bytes = str_dup(mem, column_bytes(st, 1));
		bytes += out[*n].bytes.n;
		++*n;
	}
	struct status got = conn_status(c, rc);
	conn_stmt_put(c, st);
	return got;
}

struct status shard_outbox_read(struct shard *sh, uint64_t after_seq, size_t max, size_t max_bytes, struct arena *mem,
				struct outbox_record **out, size_t *n)
{
	struct txn *t;
	uint64_t delivered = atomic_load(&sh->delivered);
	TRY(txn_read(sh, &t));
	struct outbox_record *records = NEWS(mem, struct outbox_record, max);
	size_t got = 0;
	struct status st =
	    read_records(t->conn, after_seq > delivered ? after_seq : delivered, max, max_bytes, mem, records, &got);
	txn_end(t);
	TRY(st);
	*out = records;
	*n = got;
	return OK;
}

static struct status catalog_step(struct store *s, enum stmt_kind kind, struct str name, bool *found)
{
	struct stmt *st;
	struct conn *c = s->catalog->writer;
	TRY(conn_stmt(c, kind, &st));
	bind_bytes(st, 1, name);
	if (kind == STMT_PUT)
		bind_bytes(st, 2, S(""));
	int rc = sqlite3_step(st->sql);
	if (found)
		*found = rc == SQLITE_ROW;
	struct status got = conn_status(c, rc);
	conn_stmt_put(c, st);
	if (failed(got) && kind != STMT_HAS)
		vault_forget_tail(c->vault);
	if (s->catalog->log_frames > 500)
		(void)sqlite3_wal_checkpoint_v2(c->db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
	return got;
}

struct status catalog_list(struct shard *sh)
{
	struct store *s = sh->store;
	bool found = false;
	if (sh->listed)
		return OK;
	pthread_mutex_lock(&s->catalog_lock);
	struct status st = catalog_step(s, STMT_HAS, sh->name, &found);
	if (!failed(st) && !found)
		st = catalog_step(s, STMT_PUT, sh->name, NULL);
	pthread_mutex_unlock(&s->catalog_lock);
	sh->listed = !failed(st);
	return st;
}

/* If this is lost in a crash, the shard is looked at once more for nothing. */
void catalog_unlist(struct shard *sh)
{
	struct store *s = sh->store;
	if (!sh->listed || sh->outbox_trimmed + 1 < sh->outbox_next)
		return;
	pthread_mutex_lock(&s->catalog_lock);
	if (!failed(catalog_step(s, STMT_DEL, sh->name, NULL)))
		sh->listed = false;
	pthread_mutex_unlock(&s->catalog_lock);
}

struct status store_outbox_shards(struct store *s, struct arena *mem, struct str **names, size_t *n)
{
	struct txn *t;
	struct cursor c;
	size_t cap = 0, count = 0;
	struct str *list = NULL;
	TRY(txn_read(s->catalog, &t));
	struct status st = txn_range(t, &(struct range){ .keys_only = true }, &c);
	while (!failed(st) && cursor_next(&c)) {
		if (count == cap) {
			struct str *more = NEWS(mem, struct str, cap * 2 + 16);
			if (count)
				memcpy(more, list, count * sizeof *list);
			list = more;
			cap = cap * 2 + 16;
		}
		list[count++] = str_dup(mem, c.key);
	}
	if (!failed(st))
		st = cursor_end(&c);
	txn_end(t);
	TRY(st);
	*names = list;
	*n = count;
	return OK;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A shard's life: made, opened, read, flushed, closed.
 *
 * Making one happens under a temporary name that only becomes the shard's own when the file
 * is complete and durable, so no half-made shard is ever opened.
 *
 * Opening after a crash lets SQLite find the log's end, then empties the log into the
 * database: from there on what lies behind `durable` in the log is known to be uncommitted.
 */
#include "store/internal.h"

#include "base/codec.h"
#include "base/log.h"
#include "base/str.h"
#include "store/file.h"

enum { READERS_IDLE_MAX = 4, CLOSE_WAIT_MS = 50 };

/* dir/<keyed hash of the name>: names do not appear on disk. */
struct status file_of(struct store *s, struct str name, char **path)
{
	uint8_t mac[32];
	char hex[33] = "";
	TRY(keyring_mac(s->keyring, s->parent, name, mac));
	hex_to(hex, mac, 16);
	size_t n = strlen(s->dir) + sizeof hex + 8;
	*path = HEAPS(char, n);
	snprintf(*path, n, "%s/%s.db", s->dir, hex);
	return OK;
}

struct shard *shard_new(struct store *s, struct str name, const struct key_ref *parent)
{
	struct shard *sh = HEAP(struct shard);
	sh->store = s;
	shard_moved(sh);
	sh->name = heap_dup(name);
	memcpy(sh->parent_id, parent->id, sizeof sh->parent_id);
	list_init(&sh->openers);
	list_init(&sh->queue);
	list_init(&sh->run_link);
	pthread_mutex_init(&sh->readers_lock, NULL);
	return sh;
}

void shard_free(struct shard *sh)
{
	while (sh->readers) {
		struct conn *c = sh->readers;
		sh->readers = c->next;
		conn_close(c);
	}
	conn_close(sh->writer);
	if (sh->vault)
		vfs_remove(sh->store->vfs, sh->vault);
	vault_close(sh->vault);
	pthread_mutex_destroy(&sh->readers_lock);
	changes_free(sh);
	heap_free((void *)(uintptr_t)sh->name.p);
	heap_free(sh->path);
	heap_free(sh);
}

static struct status rename_new(struct store *s, const char *from, const char *to, const char *suffix)
{
	struct arena *mem = arena_new();
	char *a = str_z(mem, arena_printf(mem, "%s%s", from, suffix));
	char *b = str_z(mem, arena_printf(mem, "%s%s", to, suffix));
	int rc = s->w->disk->rename(s->w->disk, a, b);
	arena_free(mem);
	return rc < 0 ? ERR(E_IO) : OK;
}

static struct status make_file(struct store *s, struct shard *sh, const struct key_ref *parent, const char *path)
{
	struct vault *v;
	TRY(vault_create(s->w, s->keyring, parent, sh->name, path, &v));
	vfs_add(s->vfs, v);
	struct status st = shard_schema(s->vfs, v);
	vfs_remove(s->vfs, v);
	if (!failed(st) && (db_sync(v) || s->w->disk->fdatasync(s->w->disk, v->db) < 0))
		st = ERR(E_IO);
	if (failed(st)) {
		s->w->disk->unlink(s->w->disk, v->path);
		s->w->disk->unlink(s->w->disk, v->log_path);
	}
	vault_close(v);
	return st;
}

/* The log goes first: a database is never there without its log. */
static struct status make_shard(struct store *s, struct shard *sh, const struct key_ref *parent)
{
	size_t n = strlen(sh->path) + sizeof ".new";
	char *path = HEAPS(char, n);
	snprintf(path, n, "%s.new", sh->path);
	struct status st = make_file(s, sh, parent, path);
	if (!failed(st))
		st = rename_new(s, path, sh->path, "-wal");
	if (!failed(st))
		st = rename_new(s, path, sh->path, "");
	if (!failed(st))
		st = dir_sync_of(s->w, sh->path);
	heap_free(path);
	return st;
}

static int remember_frames(void *arg, sqlite3 *db, const char *name, int frames)
{
	struct shard *sh = arg;
	(void)db, (void)name;
	sh->log_frames = frames;
	return SQLITE_OK;
}

int shard_checkpoint(struct shard *sh, int mode, int wait_ms)
{
	sqlite3 *db = sh->writer->db;
	sqlite3_busy_timeout(db, wait_ms);
	int rc = sqlite3_wal_checkpoint_v2(db, NULL, mode, NULL, NULL);
	sqlite3_busy_timeout(db, WRITER_WAIT_MS);
	atomic_fetch_add_explicit(&sh->store->checkpoints, 1, memory_order_relaxed);
	return rc;
}

/* The first read makes SQLite find the log's end. What it found is then moved into the database. */
static struct status recover(struct shard *sh)
{
	TRY(outbox_load(sh));
	if (wal_size(sh->vault) == 0)
		return OK;
	int rc = shard_checkpoint(sh, SQLITE_CHECKPOINT_TRUNCATE, CLOSE_WAIT_MS);
	struct status st = conn_status(sh->writer, rc);
	return st.code == E_CORRUPT ? st : OK; /* a full disk does not keep us from reading */
}

struct status shard_load(struct store *s, struct shard *sh, const struct key_ref *parent, bool make)
{
	TRY(file_of(s, sh->name, &sh->path));
	struct status st = vault_open(s->w, s->keyring, parent, sh->name, sh->path, &sh->vault);
	if (st.code == E_NOT_FOUND && make) {
		TRY(make_shard(s, sh, parent));
		st = vault_open(s->w, s->keyring, parent, sh->name, sh->path, &sh->vault);
	}
	TRY(st);
	vfs_add(s->vfs, sh->vault);
	TRY(conn_open(s->vfs, sh->vault, s->o.cache_kib, true, &sh->writer));
	sqlite3_wal_hook(sh->writer->db, remember_frames, sh);
	return recover(sh);
}

/* What was delivered is deleted first, so that an outbox that is done with leaves the catalog. */
void shard_flush(struct shard *sh)
{
	if (sh->dropped)
		return;
	uint64_t trimmed = sh->outbox_trimmed;
	if (trimmed < atomic_load(&sh->delivered)) {
		struct status st = conn_run(sh->writer, STMT_BEGIN_WRITE);
		while (!failed(st) && sh->outbox_trimmed < atomic_load(&sh->delivered))
			st = outbox_trim(sh, sh->writer);
		if (!failed(st))
			st = conn_run(sh->writer, STMT_COMMIT);
		if (failed(st) && !sqlite3_get_autocommit(sh->writer->db))
			(void)conn_run(sh->writer, STMT_ROLLBACK);
		if (failed(st)) {
			sh->outbox_trimmed = trimmed;
			return;
		}
	}
	if (wal_size(sh->vault) > 0)
		(void)shard_checkpoint(sh, SQLITE_CHECKPOINT_TRUNCATE, CLOSE_WAIT_MS);
	catalog_unlist(sh);
}

struct status shard_reader(struct shard *sh, struct conn **out)
{
	pthread_mutex_lock(&sh->readers_lock);
	struct conn *c = sh->readers;
	if (c) {
		sh->readers = c->next;
		sh->n_readers--;
	}
	pthread_mutex_unlock(&sh->readers_lock);
	if (!c)
		return conn_open(sh->store->vfs, sh->vault, sh->store->o.cache_kib, false, out);
	*out = c;
	return OK;
}

void shard_reader_put(struct shard *sh, struct conn *c)
{
	pthread_mutex_lock(&sh->readers_lock);
	bool keep = sh->n_readers < READERS_IDLE_MAX;
	if (keep) {
		c->next = sh->readers;
		sh->readers = c;
		sh->n_readers++;
	}
	pthread_mutex_unlock(&sh->readers_lock);
	if (!keep)
		conn_close(c);
}

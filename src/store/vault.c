/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A vault's life: its head block and its data key.
 *
 *     head    "HOLDFAST" | version 1, be32 | id 16 | wrapped key length, be32 | wrapped key
 *
 * Magic and version are compared; the id and the shard's name are additional data of the
 * wrapped key; and the wrapped key authenticates itself. So no bit of the head can change
 * without being noticed, and a file given another's name does not open.
 */
#include "store/vault.h"

#include "base/buf.h"
#include "base/log.h"
#include "base/str.h"
#include "store/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sqlite3.h>

enum { HEAD_FIXED = 32, WRAPPED_MAX = 256, MARK_AT = 512 };

ssize_t vault_pread(struct vault *v, int fd, void *p, size_t n, int64_t at)
{
	struct disk *d = v->w->disk;
	size_t done = 0;
	while (done < n) {
		ssize_t got = d->pread(d, fd, (char *)p + done, n - done, at + (int64_t)done);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -1;
		if (got == 0)
			break;
		done += (size_t)got;
	}
	return (ssize_t)done;
}

int vault_pwrite(struct vault *v, int fd, const void *p, size_t n, int64_t at)
{
	struct disk *d = v->w->disk;
	for (size_t done = 0; done < n;) {
		ssize_t put = d->pwrite(d, fd, (const char *)p + done, n - done, at + (int64_t)done);
		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return errno == ENOSPC || errno == EDQUOT ? SQLITE_FULL : SQLITE_IOERR_WRITE;
		if (put == 0)
			return SQLITE_FULL;
		done += (size_t)put;
	}
	return SQLITE_OK;
}

static int damaged(const char *path, const char *what, uint64_t number)
{
	char text[24];
	snprintf(text, sizeof text, "%llu", (unsigned long long)number);
	log_error("bytes on disk do not authenticate", "file", str_of(path), "what", str_of(what), "number",
		  str_of(text));
	return SQLITE_IOERR_CORRUPTFS;
}

int vault_damaged(struct vault *v, const char *what, uint64_t number) { return damaged(v->path, what, number); }

int vault_log_damaged(struct vault *v, const char *what, uint64_t number)
{
	char path[PATH_MAX];
	snprintf(path, sizeof path, "%s-wal", v->path);
	return damaged(path, what, number);
}

static struct str record_aad(struct vault *v, char kind, uint8_t aad[17])
{
	memcpy(aad, v->id, 16);
	aad[16] = (uint8_t)kind;
	return str_make(aad, 17);
}

int record_write(struct vault *v, int fd, char kind, int64_t at, const uint8_t plain[VAULT_RECORD])
{
	uint8_t aad[17], sealed[RECORD_SEALED];
	aead_seal(v->key, v->w, record_aad(v, kind, aad), str_make(plain, VAULT_RECORD), sealed);
	return vault_pwrite(v, fd, sealed, sizeof sealed, at);
}

bool record_open(struct vault *v, char kind, const uint8_t *sealed, uint8_t plain[VAULT_RECORD])
{
	uint8_t aad[17];
	return !failed(aead_open(v->key, record_aad(v, kind, aad), str_make(sealed, RECORD_SEALED), plain));
}

int db_mark_write(struct vault *v)
{
	uint8_t plain[VAULT_RECORD] = { 0 };
	put_be64(plain, v->mark.pages);
	put_be64(plain + 8, v->mark.log_gen);
	plain[16] = v->mark.log_in_use;
	return record_write(v, v->db, 'm', MARK_AT, plain);
}

/* A mark torn by a crash counts as none: that only weakens what can be noticed. */
static void db_mark_read(struct vault *v, const uint8_t head[VAULT_HEAD])
{
	uint8_t plain[VAULT_RECORD];
	if (!record_open(v, 'm', head + MARK_AT, plain))
		return;
	v->mark.pages = get_be64(plain);
	v->mark.log_gen = get_be64(plain + 8);
	v->mark.log_in_use = plain[16];
}

static char *path_with(const char *path, const char *suffix)
{
	size_t n = strlen(path) + strlen(suffix) + 1;
	char *out = HEAPS(char, n);
	snprintf(out, n, "%s%s", path, suffix);
	return out;
}

static struct vault *vault_new(struct world *w, const char *path)
{
	struct vault *v = HEAP(struct vault);
	v->w = w;
	v->path = path_with(path, "");
	v->log_path = path_with(path, "-wal");
	v->db = v->log = -1;
	v->recovering = true;
	v->log_dirty = true;
	pthread_mutex_init(&v->lock, NULL);
	return v;
}

void vault_close(struct vault *v)
{
	if (!v)
		return;
	struct disk *d = v->w->disk;
	if (v->db >= 0)
		d->close(d, v->db);
	if (v->log >= 0)
		d->close(d, v->log);
	for (size_t i = 0; i < VAULT_SHM_REGIONS; i++)
		heap_free(v->regions[i]);
	secret_free(&v->key_mem);
	pthread_mutex_destroy(&v->lock);
	heap_free(v->path);
	heap_free(v->log_path);
	heap_free(v);
}

static void vault_set_key(struct vault *v, struct keyring *kr, struct secret *data_key)
{
	v->key_mem = secret_new(keyring_secrets(kr), sizeof *v->key);
	v->key = (struct aead_key *)(void *)v->key_mem.p;
	aead_key_init(v->key, data_key->p);
	secret_free(data_key);
}

static struct str head_aad(struct arena *mem, const struct vault *v, struct str name)
{
	struct buf b = buf_in(mem);
	buf_put(&b, S("holdfast shard 1\n"));
	buf_put(&b, str_make(v->id, sizeof v->id));
	buf_put(&b, name);
	return buf_str(&b);
}

static struct status head_create(struct vault *v, struct keyring *kr, const struct key_ref *parent, struct str name,
				 struct arena *mem)
{
	struct secret data_key;
	struct str wrapped;
	world_random(v->w, v->id, sizeof v->id);
	TRY(keyring_data_key(kr, parent, head_aad(mem, v, name), AEAD_KEY_SIZE, &data_key, mem, &wrapped));
	assert(wrapped.n <= WRAPPED_MAX);
	vault_set_key(v, kr, &data_key);

	struct buf b = buf_in(mem);
	buf_put(&b, S("HOLDFAST"));
	buf_be32(&b, 1);
	buf_put(&b, str_make(v->id, sizeof v->id));
	buf_be32(&b, (uint32_t)wrapped.n);
	buf_put(&b, wrapped);
	uint8_t *head = NEWS(mem, uint8_t, VAULT_HEAD);
	memcpy(head, b.p, b.n);
	if (vault_pwrite(v, v->db, head, VAULT_HEAD, 0) || db_mark_write(v))
		return ERR(errno == ENOSPC ? E_FULL : E_IO);
	return OK;
}

static struct status head_open(struct vault *v, struct keyring *kr, const struct key_ref *parent, struct str name,
			       struct arena *mem)
{
	uint8_t *head = NEWS(mem, uint8_t, VAULT_HEAD);
	ssize_t got = vault_pread(v, v->db, head, VAULT_HEAD, 0);
	if (got < 0)
		return ERR(E_IO);
	struct rd r = rd_of(str_make(head, (size_t)got));
	bool known = str_eq(rd_bytes(&r, 8), S("HOLDFAST")) && rd_be32(&r) == 1;
	struct str id = rd_bytes(&r, sizeof v->id);
	struct str wrapped = rd_bytes(&r, rd_be32(&r));
	if (got < VAULT_HEAD || !known || r.bad || wrapped.n > WRAPPED_MAX) {
		vault_damaged(v, "head", 0);
		return ERR(E_CORRUPT);
	}
	memcpy(v->id, id.p, id.n);
	struct secret data_key;
	struct status st = keyring_data_key_open(kr, parent, head_aad(mem, v, name), wrapped, &data_key);
	if (failed(st)) {
		log_error("a shard's data key cannot be opened", "file", str_of(v->path), "why",
			  str_of(status_name(st)));
		return st;
	}
	if (data_key.n != AEAD_KEY_SIZE) {
		secret_free(&data_key);
		return ERR(E_CORRUPT);
	}
	vault_set_key(v, kr, &data_key);
	db_mark_read(v, head);
	return OK;
}

static struct status open_file(struct vault *v, const char *path, int flags, int *fd)
{
	struct disk *d = v->w->disk;
	*fd = d->open(d, path, flags, 0600);
	if (*fd >= 0)
		return OK;
	if (errno == ENOENT)
		return ERR(E_NOT_FOUND);
	return ERR(errno == ENOSPC ? E_FULL : E_IO);
}

struct status vault_create(struct world *w, struct keyring *kr, const struct key_ref *parent, struct str name,
			   const char *path, struct vault **out)
{
	struct vault *v = vault_new(w, path);
	struct arena *mem = arena_new();
	struct status st = open_file(v, v->path, O_RDWR | O_CREAT | O_TRUNC, &v->db);
	if (!failed(st))
		st = open_file(v, v->log_path, O_RDWR | O_CREAT | O_TRUNC, &v->log);
	if (!failed(st))
		st = head_create(v, kr, parent, name, mem);
	arena_free(mem);
	if (failed(st)) {
		vault_close(v);
		return st;
	}
	*out = v;
	return OK;
}

static struct status open_log(struct vault *v)
{
	struct status st = open_file(v, v->log_path, O_RDWR, &v->log);
	if (st.code != E_NOT_FOUND)
		return st;
	TRY(open_file(v, v->log_path, O_RDWR | O_CREAT, &v->log));
	return dir_sync_of(v->w, v->log_path);
}

/* A shard whose log file vanished is refused by wal_load if the log held anything. */
static struct status vault_load(struct vault *v, struct keyring *kr, const struct key_ref *parent, struct str name,
				struct arena *mem)
{
	TRY(open_file(v, v->path, O_RDWR, &v->db));
	TRY(open_log(v));
	TRY(head_open(v, kr, parent, name, mem));
	struct disk *d = v->w->disk;
	int64_t size = d->size(d, v->db);
	if (size < VAULT_HEAD)
		return ERR(E_IO);
	atomic_store(&v->pages, (uint64_t)(size - VAULT_HEAD) / VAULT_PAGE);
	if (v->pages < v->mark.pages) {
		vault_damaged(v, "pages are missing after", v->pages);
		return ERR(E_CORRUPT);
	}
	return wal_load(v);
}

struct status vault_open(struct world *w, struct keyring *kr, const struct key_ref *parent, struct str name,
			 const char *path, struct vault **out)
{
	struct vault *v = vault_new(w, path);
	struct arena *mem = arena_new();
	struct status st = vault_load(v, kr, parent, name, mem);
	arena_free(mem);
	if (failed(st)) {
		vault_close(v);
		return st;
	}
	*out = v;
	return OK;
}

struct status vault_shred(struct vault *v)
{
	static const uint8_t zero[VAULT_HEAD];
	struct disk *d = v->w->disk;
	if (vault_pwrite(v, v->db, zero, sizeof zero, 0) || d->fdatasync(d, v->db) < 0)
		return ERR(E_IO);
	bool gone = d->unlink(d, v->path) == 0;
	gone &= d->unlink(d, v->log_path) == 0 || errno == ENOENT;
	return gone ? OK : ERR(E_IO);
}

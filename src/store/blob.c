/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Blobs on disk; blob.h has the form and the promises.
 *
 *     dir/start        touched at each start: what is older belongs to an earlier run
 *     dir/tmp/<id>     being written
 *     dir/<2>/<id>     complete; <2> are the id's first two hex digits
 *
 * The last chunk is the only one that may be shorter, and the only one sealed with the
 * last-chunk mark. So the file's length gives the blob's length, and a file cut at a chunk's
 * edge does not authenticate at its end. An empty blob is one empty last chunk.
 */
#include "store/blob.h"

#include "base/codec.h"
#include "base/log.h"
#include "base/str.h"
#include "crypto/aead.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

enum {
	HEAD = 32,
	SEALED_CHUNK = BLOB_CHUNK + GCM_TAG_SIZE,
	START_SYNC = 64, /* chunks: so many written, and the disk is told to begin */
	ID_HEX = 32,
	IDENTITY_MAX = 8192,
};

static const char magic[HEAD - 16] = "HFBLOB1\n";

struct blobs {
	struct world *w;
	struct secret_pool *secrets;
	struct io_pool *io;
	char *dir;
	int64_t start_ns; /* by the file system's clock */
};

/* What a writer and a reader have in common: the key, and the additional data of a chunk. */
struct sealing {
	struct secret key; /* struct gcm_key */
	uint8_t *aad;      /* id 16 | index 8 | identity */
	size_t aad_n;
};

struct blob_writer {
	struct blobs *b;
	struct blob_id id;
	struct sealing s;
	char *tmp;
	int fd;
	uint64_t chunks, length;
	size_t n; /* bytes in plain */
	bool broken;
	uint8_t plain[BLOB_CHUNK];
	uint8_t sealed[SEALED_CHUNK];
};

struct blob_reader {
	struct blobs *b;
	struct blob_id id;
	struct sealing s;
	int fd;
	uint64_t chunks, length;
	uint64_t have; /* index of the chunk in plain; UINT64_MAX: none */
	uint8_t plain[BLOB_CHUNK];
	uint8_t sealed[SEALED_CHUNK];
};

static struct status io_status(void)
{
	if (errno == ENOSPC || errno == EDQUOT)
		return ERR(E_FULL);
	return errno == ENOENT ? ERR(E_NOT_FOUND) : ERR(E_IO);
}

static void sealing_init(struct sealing *s, struct secret_pool *secrets, const struct secret *key, struct blob_id id,
			 struct str identity)
{
	assert(key->n == BLOB_KEY && identity.n <= IDENTITY_MAX);
	s->key = secret_new(secrets, sizeof(struct gcm_key));
	gcm_key_init((struct gcm_key *)(void *)s->key.p, key->p);
	s->aad_n = 24 + identity.n;
	s->aad = HEAPS(uint8_t, s->aad_n);
	memcpy(s->aad, id.b, 16);
	if (identity.n)
		memcpy(s->aad + 24, identity.p, identity.n);
}

static void sealing_end(struct sealing *s)
{
	secret_free(&s->key);
	heap_free(s->aad);
}

static const struct gcm_key *key_of(const struct sealing *s) { return (const struct gcm_key *)(const void *)s->key.p; }

/* The STREAM nonce, 3 zero bytes | index | last, and the additional data for this index. */
static struct str at_index(struct sealing *s, uint64_t index, bool last, uint8_t nonce[GCM_NONCE_SIZE])
{
	memset(nonce, 0, GCM_NONCE_SIZE);
	for (int i = 0; i < 8; i++)
		nonce[3 + i] = s->aad[16 + i] = (uint8_t)(index >> (56 - 8 * i));
	nonce[11] = last;
	return str_make(s->aad, s->aad_n);
}

static struct status write_all(struct disk *d, int fd, const void *p, size_t n, int64_t at)
{
	for (size_t done = 0; done < n;) {
		ssize_t put = d->pwrite(d, fd, (const char *)p + done, n - done, at + (int64_t)done);
		if (put < 0 && errno == EINTR)
			continue;
		if (put <= 0)
			return io_status();
		done += (size_t)put;
	}
	return OK;
}

/* E_CORRUPT when the file ends before. */
static struct status read_all(struct disk *d, int fd, void *p, size_t n, int64_t at)
{
	for (size_t done = 0; done < n;) {
		ssize_t got = d->pread(d, fd, (char *)p + done, n - done, at + (int64_t)done);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return ERR(E_IO);
		if (got == 0)
			return ERR(E_CORRUPT);
		done += (size_t)got;
	}
	return OK;
}

static char *path_in(const char *dir, const char *sub, const char *name)
{
	size_t n = strlen(dir) + strlen(sub) + strlen(name) + 3;
	char *path = HEAPS(char, n);
	snprintf(path, n, "%s/%s%s%s", dir, sub, *name ? "/" : "", name);
	return path;
}

static char *path_of(const struct blobs *b, const char *sub, struct blob_id id)
{
	char hex[ID_HEX + 1] = "", two[3] = "";
	hex_to(hex, id.b, 16);
	memcpy(two, hex, 2);
	return path_in(b->dir, sub ? sub : two, hex);
}

static void head_of(struct blob_id id, uint8_t head[HEAD])
{
	memcpy(head, magic, sizeof magic);
	memcpy(head + sizeof magic, id.b, 16);
}

/* --- the directory ------------------------------------------------------------------------------------------- */

static struct status make_dir(struct blobs *b, const char *sub)
{
	struct disk *d = b->w->disk;
	char *path = path_in(b->dir, sub, "");
	int rc = d->mkdir(d, path, 0700);
	bool there = rc < 0 && errno == EEXIST;
	struct status st = rc == 0 || there ? OK : io_status();
	heap_free(path);
	if (failed(st) || there)
		return st;
	return d->sync_dir(d, b->dir) < 0 ? ERR(E_IO) : OK;
}

static struct status touch_start(struct blobs *b)
{
	struct disk *d = b->w->disk;
	struct stat stat;
	char *path = path_in(b->dir, "start", "");
	int fd = d->open(d, path, O_RDWR | O_CREAT, 0600);
	heap_free(path);
	if (fd < 0)
		return io_status();
	struct status st = write_all(d, fd, "\n", 1, 0);
	if (!failed(st) && fstat(fd, &stat) < 0)
		st = ERR(E_IO);
	d->close(d, fd);
	TRY(st);
	b->start_ns = (int64_t)stat.st_mtim.tv_sec * 1000000000 + stat.st_mtim.tv_nsec;
	return OK;
}

struct status blobs_open(struct world *w, struct secret_pool *secrets, struct io_pool *pool, const char *dir,
			 struct blobs **out)
{
	struct blobs *b = HEAP(struct blobs);
	struct disk *d = w->disk;
	b->w = w;
	b->secrets = secrets;
	b->io = pool;
	b->dir = HEAPS(char, strlen(dir) + 1);
	memcpy(b->dir, dir, strlen(dir));
	struct status st = d->mkdir(d, dir, 0700) == 0 || errno == EEXIST ? OK : io_status();
	if (!failed(st))
		st = make_dir(b, "tmp");
	if (!failed(st))
		st = touch_start(b);
	if (failed(st)) {
		blobs_close(b);
		return st;
	}
	*out = b;
	return OK;
}

void blobs_close(struct blobs *b)
{
	if (!b)
		return;
	heap_free(b->dir);
	heap_free(b);
}

/* --- writing ------------------------------------------------------------------------------------------------- */

static void writer_free(struct blob_writer *w)
{
	struct disk *d = w->b->w->disk;
	if (w->fd >= 0)
		d->close(d, w->fd);
	sealing_end(&w->s);
	secret_wipe(w->plain, w->n);
	heap_free(w->tmp);
	heap_free(w);
}

struct status blob_create(struct blobs *b, const struct secret *key, struct str identity, struct blob_writer **out)
{
	struct disk *d = b->w->disk;
	struct blob_writer *w = HEAP(struct blob_writer);
	uint8_t head[HEAD];
	w->b = b;
	world_random(b->w, w->id.b, sizeof w->id.b);
	sealing_init(&w->s, b->secrets, key, w->id, identity);
	w->tmp = path_of(b, "tmp", w->id);
	w->fd = d->open(d, w->tmp, O_RDWR | O_CREAT | O_EXCL, 0600);
	struct status st = w->fd < 0 ? io_status() : OK;
	head_of(w->id, head);
	if (!failed(st))
		st = write_all(d, w->fd, head, sizeof head, 0);
	if (failed(st)) {
		blob_abort(w);
		return st;
	}
	*out = w;
	return OK;
}

/* What is on its way to the disk while more is received need not be waited for in the end. */
static void start_sync(struct blob_writer *w)
{
	struct disk *d = w->b->w->disk;
	bool moved = io_pool_enter(w->b->io);
	d->start_sync(d, w->fd, (int64_t)(w->chunks - START_SYNC) * SEALED_CHUNK, (int64_t)START_SYNC * SEALED_CHUNK);
	io_pool_leave(moved);
}

static struct status write_chunk(struct blob_writer *w, struct str plain, bool last)
{
	uint8_t nonce[GCM_NONCE_SIZE];
	struct disk *d = w->b->w->disk;
	struct str aad = at_index(&w->s, w->chunks, last, nonce);
	gcm_chunk_seal(key_of(&w->s), nonce, aad, plain, w->sealed);
	TRY(write_all(d, w->fd, w->sealed, plain.n + GCM_TAG_SIZE, HEAD + (int64_t)w->chunks * SEALED_CHUNK));
	w->chunks++;
	if (!last && w->chunks % START_SYNC == 0)
		start_sync(w);
	return OK;
}

/* A full chunk is only written once more follows: the last one must be sealed as the last. */
static struct status take_piece(struct blob_writer *w, struct str piece)
{
	while (piece.n > 0) {
		if (w->n == BLOB_CHUNK) {
			TRY(write_chunk(w, str_make(w->plain, w->n), false));
			w->n = 0;
		}
		if (w->n == 0 && piece.n > BLOB_CHUNK) {
			TRY(write_chunk(w, str_sub(piece, 0, BLOB_CHUNK), false));
			piece = str_from(piece, BLOB_CHUNK);
			continue;
		}
		size_t room = BLOB_CHUNK - w->n, take = piece.n < room ? piece.n : room;
		memcpy(w->plain + w->n, piece.p, take);
		w->n += take;
		piece = str_from(piece, take);
	}
	return OK;
}

struct status blob_write(struct blob_writer *w, struct str piece)
{
	assert(!w->broken);
	struct status st = take_piece(w, piece);
	w->broken = failed(st);
	if (!failed(st))
		w->length += piece.n;
	return st;
}

struct blob_id blob_writer_id(const struct blob_writer *w) { return w->id; }

uint64_t blob_written(const struct blob_writer *w) { return w->length; }

static struct status sync_dir_of(struct blobs *b, struct blob_id id)
{
	struct disk *d = b->w->disk;
	char *path = path_of(b, NULL, id);
	*strrchr(path, '/') = 0;
	int rc = d->sync_dir(d, path);
	heap_free(path);
	return rc < 0 ? ERR(E_IO) : OK;
}

/* The directories for the first two digits are made as they are needed. */
static struct status move_in(struct blob_writer *w)
{
	struct disk *d = w->b->w->disk;
	char two[3] = "";
	char *path = path_of(w->b, NULL, w->id);
	hex_to(two, w->id.b, 1);
	int rc = d->rename(d, w->tmp, path);
	struct status st = rc < 0 ? io_status() : OK;
	if (st.code == E_NOT_FOUND) {
		st = make_dir(w->b, two);
		if (!failed(st))
			st = d->rename(d, w->tmp, path) < 0 ? io_status() : OK;
	}
	if (!failed(st))
		st = sync_dir_of(w->b, w->id);
	if (failed(st))
		d->unlink(d, path);
	heap_free(path);
	return st;
}

/* Never inlined: see delete_file. */
__attribute__((noinline)) static struct status finish(struct blob_writer *w)
{
	struct disk *d = w->b->w->disk;
	TRY(write_chunk(w, str_make(w->plain, w->n), true));
	if (d->fdatasync(d, w->fd) < 0)
		return io_status();
	return move_in(w);
}

struct status blob_finish(struct blob_writer *w, struct blob_id *id)
{
	struct disk *d = w->b->w->disk;
	assert(!w->broken);
	bool moved = io_pool_enter(w->b->io);
	struct status st = finish(w);
	if (failed(st))
		d->unlink(d, w->tmp);
	else
		*id = w->id;
	writer_free(w);
	io_pool_leave(moved);
	return st;
}

void blob_abort(struct blob_writer *w)
{
	if (!w)
		return;
	struct disk *d = w->b->w->disk;
	bool moved = io_pool_enter(w->b->io);
	if (w->fd >= 0)
		d->unlink(d, w->tmp);
	writer_free(w);
	io_pool_leave(moved);
}

/* --- reading ------------------------------------------------------------------------------------------------- */

static struct status damaged(const struct blobs *b, struct blob_id id, const char *what)
{
	char *path = path_of(b, NULL, id);
	log_error("a blob does not authenticate", "file", str_of(path), "what", str_of(what));
	heap_free(path);
	return ERR(E_CORRUPT);
}

/* How many chunks and bytes a file of that size holds; false for a size that no blob has. */
static bool measure(int64_t size, uint64_t *chunks, uint64_t *length)
{
	if (size < HEAD + GCM_TAG_SIZE)
		return false;
	uint64_t body = (uint64_t)size - HEAD;
	uint64_t n = (body + SEALED_CHUNK - 1) / SEALED_CHUNK;
	uint64_t last = body - (n - 1) * SEALED_CHUNK;
	if (last < GCM_TAG_SIZE || (n > 1 && last == GCM_TAG_SIZE))
		return false;
	*chunks = n;
	*length = body - n * GCM_TAG_SIZE;
	return true;
}

static struct status reader_load(struct blob_reader *r)
{
	struct disk *d = r->b->w->disk;
	uint8_t head[HEAD], want[HEAD];
	char *path = path_of(r->b, NULL, r->id);
	r->fd = d->open(d, path, O_RDONLY, 0);
	struct status st = r->fd < 0 ? io_status() : OK;
	if (failed(st))
		log_error("a blob cannot be opened", "file", str_of(path), "status", str_of(status_name(st)));
	heap_free(path);
	TRY(st);
	if (!measure(d->size(d, r->fd), &r->chunks, &r->length))
		return damaged(r->b, r->id, "length");
	TRY(read_all(d, r->fd, head, sizeof head, 0));
	head_of(r->id, want);
	return memcmp(head, want, sizeof head) == 0 ? OK : damaged(r->b, r->id, "head");
}

struct status blob_open(struct blobs *b, struct blob_id id, const struct secret *key, struct str identity,
			struct blob_reader **out)
{
	struct blob_reader *r = HEAP(struct blob_reader);
	r->b = b;
	r->id = id;
	r->fd = -1;
	r->have = UINT64_MAX;
	sealing_init(&r->s, b->secrets, key, id, identity);
	struct status st = reader_load(r);
	if (failed(st)) {
		blob_close(r);
		return st;
	}
	(void)posix_fadvise(r->fd, 0, 0, POSIX_FADV_SEQUENTIAL);
	*out = r;
	return OK;
}

void blob_close(struct blob_reader *r)
{
	if (!r)
		return;
	struct disk *d = r->b->w->disk;
	if (r->fd >= 0)
		d->close(d, r->fd);
	sealing_end(&r->s);
	secret_wipe(r->plain, sizeof r->plain);
	heap_free(r);
}

struct status blob_expect(const struct blob_reader *r, uint64_t length)
{
	return r->length == length ? OK : damaged(r->b, r->id, "length");
}

uint64_t blob_length(const struct blob_reader *r) { return r->length; }

static size_t chunk_length(const struct blob_reader *r, uint64_t index)
{
	return index + 1 < r->chunks ? BLOB_CHUNK : (size_t)(r->length - index * BLOB_CHUNK);
}

/* The whole chunk, into out, which has room for it. */
static struct status open_chunk(struct blob_reader *r, uint64_t index, uint8_t *out)
{
	uint8_t nonce[GCM_NONCE_SIZE];
	struct disk *d = r->b->w->disk;
	size_t n = chunk_length(r, index) + GCM_TAG_SIZE;
	struct str aad = at_index(&r->s, index, index + 1 == r->chunks, nonce);
	struct status st = read_all(d, r->fd, r->sealed, n, HEAD + (int64_t)index * SEALED_CHUNK);
	if (!failed(st))
		st = gcm_chunk_open(key_of(&r->s), nonce, aad, str_make(r->sealed, n), out);
	return st.code == E_CORRUPT ? damaged(r->b, r->id, "chunk") : st;
}

static struct status read_part(struct blob_reader *r, uint64_t index, size_t from, uint8_t *p, size_t n)
{
	if (from == 0 && n == chunk_length(r, index) && r->have != index)
		return open_chunk(r, index, p);
	if (r->have != index) {
		r->have = UINT64_MAX;
		TRY(open_chunk(r, index, r->plain));
		r->have = index;
	}
	memcpy(p, r->plain + from, n);
	return OK;
}

struct status blob_read(struct blob_reader *r, uint64_t at, void *p, size_t n, size_t *got)
{
	size_t done = 0;
	uint64_t left = at < r->length ? r->length - at : 0;
	if (n > left)
		n = (size_t)left;
	if (r->length == 0) /* nothing to give, but the emptiness has to be authentic */
		TRY(open_chunk(r, 0, r->plain));
	while (done < n) {
		uint64_t index = (at + done) / BLOB_CHUNK;
		size_t from = (size_t)((at + done) % BLOB_CHUNK);
		size_t have = chunk_length(r, index) - from;
		size_t take = n - done < have ? n - done : have;
		TRY(read_part(r, index, from, (uint8_t *)p + done, take));
		done += take;
	}
	*got = done;
	return OK;
}

struct status blob_missing(struct blobs *b, struct blob_id id)
{
	char *path = path_of(b, NULL, id);
	log_error("a blob is missing", "file", str_of(path));
	heap_free(path);
	return ERR(E_CORRUPT);
}

/* --- deleting ------------------------------------------------------------------------------------------------ */

/* Never inlined: errno may not be read in a function that parks. */
__attribute__((noinline)) static struct status delete_file(struct blobs *b, struct blob_id id)
{
	struct disk *d = b->w->disk;
	char *path = path_of(b, NULL, id);
	struct status st = d->unlink(d, path) < 0 ? io_status() : OK;
	heap_free(path);
	return st.code == E_NOT_FOUND ? OK : st;
}

struct status blob_delete(struct blobs *b, struct blob_id id)
{
	bool moved = io_pool_enter(b->io);
	struct status st = delete_file(b, id);
	io_pool_leave(moved);
	return st;
}

struct removal {
	struct disk *disk;
	char *path;
};

static void remove_file(void *arg)
{
	struct removal *r = arg;
	r->disk->unlink(r->disk, r->path);
	heap_free(r->path);
	heap_free(r);
}

void blob_delete_soon(struct blobs *b, struct blob_id id)
{
	struct removal *r = HEAP(struct removal);
	*r = (struct removal){ .disk = b->w->disk, .path = path_of(b, NULL, id) };
	if (io_pool_run(b->io, remove_file, r))
		return;
	bool moved = io_pool_enter(b->io);
	remove_file(r);
	io_pool_leave(moved);
}

struct sweep {
	struct blobs *b;
	bool (*referenced)(void *arg, struct blob_id id);
	void *arg;
	uint64_t removed;
};

static bool parse_id(const char *name, struct blob_id *id)
{
	if (strlen(name) != ID_HEX)
		return false;
	struct arena *mem = arena_new();
	struct str bytes;
	bool good = !failed(hex_decode(mem, str_of(name), &bytes));
	if (good)
		memcpy(id->b, bytes.p, sizeof id->b);
	arena_free(mem);
	return good;
}

static bool is_of_this_run(const struct blobs *b, int dir_fd, const char *name)
{
	struct stat st;
	if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return true;
	return (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec >= b->start_ns;
}

static struct status sweep_file(struct sweep *s, const char *sub, int dir_fd, const char *name, bool temporary)
{
	struct disk *d = s->b->w->disk;
	struct blob_id id;
	if (!parse_id(name, &id) || is_of_this_run(s->b, dir_fd, name))
		return OK;
	if (!temporary && s->referenced(s->arg, id))
		return OK;
	char *path = path_in(s->b->dir, sub, name);
	int rc = d->unlink(d, path);
	struct status st = rc < 0 && errno != ENOENT ? io_status() : OK;
	heap_free(path);
	s->removed += !failed(st);
	return st;
}

static struct status sweep_dir(struct sweep *s, const char *sub, bool temporary)
{
	char *path = path_in(s->b->dir, sub, "");
	DIR *dir = opendir(path);
	struct status st = OK;
	heap_free(path);
	if (!dir)
		return errno == ENOENT ? OK : ERR(E_IO);
	for (struct dirent *e; !failed(st) && (e = readdir(dir));)
		st = sweep_file(s, sub, dirfd(dir), e->d_name, temporary);
	closedir(dir);
	return st;
}

struct status blobs_sweep(struct blobs *b, bool (*referenced)(void *arg, struct blob_id id), void *arg,
			  uint64_t *removed)
{
	struct sweep s = { .b = b, .referenced = referenced, .arg = arg };
	TRY(sweep_dir(&s, "tmp", true));
	for (unsigned i = 0; i < 256; i++) {
		uint8_t byte = (uint8_t)i;
		char two[3] = "";
		hex_to(two, &byte, 1);
		TRY(sweep_dir(&s, two, false));
	}
	*removed = s.removed;
	return OK;
}

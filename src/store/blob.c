/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Blobs as they are written and read; blob.h has the form and the promises, blob_dir.h where
 * they lie.
 *
 * The last chunk is the only one that may be shorter, and the only one sealed with the
 * last-chunk mark. So the file's length gives the blob's length, and a file cut at a chunk's
 * edge does not authenticate at its end. An empty blob is one empty last chunk.
 */
#include "store/blob_dir.h"

#include "base/codec.h"
#include "base/log.h"
#include "base/str.h"
#include "crypto/aead.h"
#include "store/file.h"

#include <fcntl.h>

enum {
	HEAD = 32,
	SEALED_CHUNK = BLOB_CHUNK + GCM_TAG_SIZE,
	START_SYNC = 64, /* chunks: so many written, and the disk is told to begin */
	IDENTITY_MAX = 8192,
};

static const char magic[HEAD - 16] = "HFBLOB1\n";

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

static void head_of(struct blob_id id, uint8_t head[HEAD])
{
	memcpy(head, magic, sizeof magic);
	memcpy(head + sizeof magic, id.b, 16);
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
	w->tmp = blob_path(b, "tmp", w->id);
	w->fd = d->open(d, w->tmp, O_RDWR | O_CREAT | O_EXCL, 0600);
	struct status st = w->fd < 0 ? file_status() : OK;
	head_of(w->id, head);
	if (!failed(st))
		st = file_write(d, w->fd, head, sizeof head, 0);
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
	TRY(file_write(d, w->fd, w->sealed, plain.n + GCM_TAG_SIZE, HEAD + (int64_t)w->chunks * SEALED_CHUNK));
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
	char *path = blob_path(b, NULL, id);
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
	char *path = blob_path(w->b, NULL, w->id);
	hex_to(two, w->id.b, 1);
	int rc = d->rename(d, w->tmp, path);
	struct status st = rc < 0 ? file_status() : OK;
	if (st.code == E_NOT_FOUND) {
		st = blob_make_dir(w->b, two);
		if (!failed(st))
			st = d->rename(d, w->tmp, path) < 0 ? file_status() : OK;
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
		return file_status();
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
	char *path = blob_path(b, NULL, id);
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
	char *path = blob_path(r->b, NULL, r->id);
	r->fd = d->open(d, path, O_RDONLY, 0);
	struct status st = r->fd < 0 ? file_status() : OK;
	if (failed(st) && st.code != E_NOT_FOUND) /* it may have been deleted this moment; else: blob_missing */
		log_error("a blob cannot be opened", "file", str_of(path), "status", str_of(status_name(st)));
	heap_free(path);
	TRY(st);
	if (!measure(d->size(d, r->fd), &r->chunks, &r->length))
		return damaged(r->b, r->id, "length");
	TRY(file_read(d, r->fd, head, sizeof head, 0));
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
	struct status st = file_read(d, r->fd, r->sealed, n, HEAD + (int64_t)index * SEALED_CHUNK);
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
	char *path = blob_path(b, NULL, id);
	log_error("a blob is missing", "file", str_of(path));
	heap_free(path);
	return ERR(E_CORRUPT);
}

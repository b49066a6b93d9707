/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Segments and blocks as bytes; block_file.h has the form.
 */
#include "store/block_file.h"

#include "base/buf.h"
#include "base/log.h"
#include "base/str.h"
#include "store/file.h"

#include <fcntl.h>

enum { MARK_PLAIN = 48, MARK_SEALED = MARK_PLAIN + AEAD_OVERHEAD, WRAPPED_MAX = 256, MARK_SLOT = 1024 };

static const struct aead_key *key_of(const struct segment *s)
{
	return (const struct aead_key *)(const void *)s->key.p;
}

struct status segment_damaged(const struct segment *s, const char *what, uint64_t no)
{
	char text[24];
	snprintf(text, sizeof text, "%llu", (unsigned long long)no);
	log_error("a block log does not authenticate", "file", str_of(s->path), "what", str_of(what), "block",
		  str_of(text));
	return ERR(E_CORRUPT);
}

/* --- segments ------------------------------------------------------------------------------------------------ */

static struct segment *segment_new(struct world *w, const char *path, uint64_t first)
{
	struct segment *s = HEAP(struct segment);
	s->w = w;
	s->path = HEAPS(char, strlen(path) + 1);
	memcpy(s->path, path, strlen(path));
	s->fd = -1;
	s->first = first;
	s->refs = 1;
	return s;
}

void segment_free(struct segment *s)
{
	if (!s)
		return;
	if (s->fd >= 0)
		s->w->disk->close(s->w->disk, s->fd);
	secret_free(&s->key);
	heap_free(s->path);
	heap_free(s);
}

int64_t segment_size(struct segment *s) { return s->w->disk->size(s->w->disk, s->fd); }

static void put_fixed(struct buf *b, const struct segment *s)
{
	buf_put(b, S("HFBLOCK1"));
	buf_be64(b, s->first);
	buf_put(b, str_make(s->id, sizeof s->id));
	buf_be64(b, s->floor);
	buf_put(b, str_make(s->before, sizeof s->before));
}

static struct str head_aad(const struct segment *s, struct str log_name, struct arena *mem)
{
	struct buf b = buf_in(mem);
	put_fixed(&b, s);
	buf_put(&b, log_name);
	return buf_str(&b);
}

static void set_key(struct segment *s, struct keyring *kr, struct secret *data_key)
{
	s->key = secret_new(keyring_secrets(kr), sizeof(struct aead_key));
	aead_key_init((struct aead_key *)(void *)s->key.p, data_key->p);
	secret_free(data_key);
}

static struct status head_write(struct segment *s, struct keyring *kr, const struct key_ref *parent,
				struct str log_name, struct arena *mem)
{
	struct secret data_key;
	struct str wrapped;
	struct disk *d = s->w->disk;
	world_random(s->w, s->id, sizeof s->id);
	TRY(keyring_data_key(kr, parent, head_aad(s, log_name, mem), AEAD_KEY_SIZE, &data_key, mem, &wrapped));
	assert(wrapped.n <= WRAPPED_MAX);
	set_key(s, kr, &data_key);
	struct buf b = buf_in(mem);
	put_fixed(&b, s);
	buf_be32(&b, (uint32_t)wrapped.n);
	buf_put(&b, wrapped);
	uint8_t *head = NEWS(mem, uint8_t, SEGMENT_HEAD);
	memcpy(head, b.p, b.n);
	TRY(file_write(d, s->fd, head, SEGMENT_HEAD, 0));
	struct segment_mark m = { .blocks = s->first, .end = SEGMENT_HEAD, .floor = s->floor };
	memcpy(m.tag, s->before, BLOCK_TAG);
	TRY(mark_put(s, &m, 0));
	return d->fdatasync(d, s->fd) < 0 ? file_status() : OK;
}

struct status segment_create(struct world *w, struct keyring *kr, const struct key_ref *parent, struct str log_name,
			     const char *path, uint64_t first, uint64_t floor, const uint8_t before[BLOCK_TAG],
			     struct segment **out)
{
	struct segment *s = segment_new(w, path, first);
	struct arena *mem = arena_new();
	s->floor = floor;
	memcpy(s->before, before, BLOCK_TAG);
	s->fd = w->disk->open(w->disk, path, O_RDWR | O_CREAT | O_TRUNC, 0600);
	struct status st = s->fd < 0 ? file_status() : head_write(s, kr, parent, log_name, mem);
	arena_free(mem);
	if (failed(st))
		segment_free(s);
	else
		*out = s;
	return st;
}

static struct status head_read(struct segment *s, struct keyring *kr, const struct key_ref *parent, struct str log_name,
			       struct arena *mem)
{
	uint8_t *head = NEWS(mem, uint8_t, SEGMENT_HEAD);
	struct status st = file_read(s->w->disk, s->fd, head, SEGMENT_HEAD, 0);
	if (st.code == E_CORRUPT)
		return segment_damaged(s, "head", s->first);
	TRY(st);
	struct rd r = rd_of(str_make(head, SEGMENT_HEAD));
	bool known = str_eq(rd_bytes(&r, 8), S("HFBLOCK1"));
	known &= rd_be64(&r) == s->first;
	struct str id = rd_bytes(&r, sizeof s->id);
	s->floor = rd_be64(&r);
	struct str before = rd_bytes(&r, BLOCK_TAG);
	uint32_t n = rd_be32(&r);
	struct str wrapped = rd_bytes(&r, n <= WRAPPED_MAX ? n : 0);
	if (!known || r.bad || n > WRAPPED_MAX)
		return segment_damaged(s, "head", s->first);
	memcpy(s->id, id.p, sizeof s->id);
	memcpy(s->before, before.p, BLOCK_TAG);
	struct secret data_key;
	st = keyring_data_key_open(kr, parent, head_aad(s, log_name, mem), wrapped, &data_key);
	if (st.code == E_CORRUPT)
		return segment_damaged(s, "data key", s->first);
	TRY(st);
	if (data_key.n != AEAD_KEY_SIZE) {
		secret_free(&data_key);
		return segment_damaged(s, "data key", s->first);
	}
	set_key(s, kr, &data_key);
	return OK;
}

struct status segment_open(struct world *w, struct keyring *kr, const struct key_ref *parent, struct str log_name,
			   const char *path, uint64_t first, struct segment **out)
{
	struct segment *s = segment_new(w, path, first);
	struct arena *mem = arena_new();
	s->fd = w->disk->open(w->disk, path, O_RDWR, 0);
	struct status st = s->fd < 0 ? file_status() : head_read(s, kr, parent, log_name, mem);
	arena_free(mem);
	if (failed(st))
		segment_free(s);
	else
		*out = s;
	return st;
}

/* --- marks --------------------------------------------------------------------------------------------------- */

static struct str mark_aad(const struct segment *s, uint8_t aad[17])
{
	memcpy(aad, s->id, 16);
	aad[16] = 'm';
	return str_make(aad, 17);
}

struct status mark_put(struct segment *s, const struct segment_mark *m, unsigned slot)
{
	uint8_t aad[17], sealed[MARK_SEALED];
	struct arena *mem = arena_new();
	struct buf b = buf_in(mem);
	buf_be64(&b, m->blocks);
	buf_be64(&b, m->end);
	buf_put(&b, str_make(m->tag, BLOCK_TAG));
	buf_be64(&b, m->floor);
	buf_be64(&b, m->closed);
	assert(b.n == MARK_PLAIN);
	aead_seal(key_of(s), s->w, mark_aad(s, aad), buf_str(&b), sealed);
	arena_free(mem);
	return file_write(s->w->disk, s->fd, sealed, sizeof sealed, MARK_SLOT * (1 + (int64_t)(slot & 1)));
}

static bool newer(const struct segment_mark *a, const struct segment_mark *b)
{
	if (a->blocks != b->blocks)
		return a->blocks > b->blocks;
	return a->closed > b->closed || (a->closed == b->closed && a->floor >= b->floor);
}

struct status mark_read(struct segment *s, struct segment_mark *out, unsigned *slot)
{
	bool any = false;
	for (unsigned i = 0; i < 2; i++) {
		uint8_t aad[17], sealed[MARK_SEALED], plain[MARK_PLAIN];
		TRY(file_read(s->w->disk, s->fd, sealed, sizeof sealed, MARK_SLOT * (1 + (int64_t)i)));
		if (failed(aead_open(key_of(s), mark_aad(s, aad), str_make(sealed, sizeof sealed), plain)))
			continue;
		struct rd r = rd_of(str_make(plain, sizeof plain));
		struct segment_mark m = { .blocks = rd_be64(&r), .end = 0 };
		m.end = rd_be64(&r);
		memcpy(m.tag, rd_bytes(&r, BLOCK_TAG).p, BLOCK_TAG);
		m.floor = rd_be64(&r);
		m.closed = rd_be64(&r);
		if (any && !newer(&m, out))
			continue;
		*out = m;
		*slot = i + 1;
		any = true;
	}
	return any ? OK : segment_damaged(s, "marks", s->first);
}

/* --- blocks -------------------------------------------------------------------------------------------------- */

uint64_t block_length(const struct block_head *h)
{
	return (uint64_t)BLOCK_HEAD + h->summary_n + h->records_n + BLOCK_TRAILER;
}

static void head_put(struct buf *b, const struct block_head *h)
{
	buf_put(b, S("BLK1"));
	buf_be32(b, h->summary_n);
	buf_be32(b, h->records_n);
	buf_be32(b, 0);
	buf_be64(b, h->no);
	buf_be64(b, h->durable);
	buf_put(b, str_make(h->prev_tag, BLOCK_TAG));
	buf_put(b, str_make(h->records_tag, BLOCK_TAG));
}

static struct str block_aad(const struct segment *s, const uint8_t head[BLOCK_HEAD], uint8_t aad[16 + BLOCK_HEAD])
{
	memcpy(aad, s->id, 16);
	memcpy(aad + 16, head, BLOCK_HEAD);
	return str_make(aad, 16 + BLOCK_HEAD);
}

/* The records are bound by the segment and their number; the head, which holds their tag, binds the rest. */
static struct str records_aad(const struct segment *s, uint64_t no, uint8_t aad[25])
{
	memcpy(aad, s->id, 16);
	aad[16] = 'r';
	for (int i = 0; i < 8; i++)
		aad[17 + i] = (uint8_t)(no >> (56 - 8 * i));
	return str_make(aad, 25);
}

struct str block_seal(struct segment *s, const struct block_head *place, struct str summary, struct str packed,
		      struct arena *mem, uint8_t tag[BLOCK_TAG])
{
	struct block_head h = *place;
	uint8_t aad[16 + BLOCK_HEAD];
	h.summary_n = (uint32_t)summary.n + AEAD_OVERHEAD;
	h.records_n = (uint32_t)packed.n + AEAD_OVERHEAD;
	uint64_t n = block_length(&h);
	uint8_t *out = NEWS(mem, uint8_t, n);
	uint8_t *records = out + BLOCK_HEAD + h.summary_n;
	aead_seal(key_of(s), s->w, records_aad(s, h.no, aad), packed, records);
	memcpy(h.records_tag, records + h.records_n - BLOCK_TAG, BLOCK_TAG);
	struct buf b = buf_in(mem);
	head_put(&b, &h);
	assert(b.n == BLOCK_HEAD);
	memcpy(out, b.p, BLOCK_HEAD);
	aead_seal(key_of(s), s->w, block_aad(s, out, aad), summary, out + BLOCK_HEAD);
	memcpy(tag, records - BLOCK_TAG, BLOCK_TAG);
	b = buf_in(mem);
	buf_be32(&b, (uint32_t)n);
	memcpy(out + n - BLOCK_TRAILER, b.p, BLOCK_TRAILER);
	return str_make(out, n);
}

static bool head_parse(const uint8_t bytes[BLOCK_HEAD], struct block_head *h)
{
	struct rd r = rd_of(str_make(bytes, BLOCK_HEAD));
	bool good = str_eq(rd_bytes(&r, 4), S("BLK1"));
	h->summary_n = rd_be32(&r);
	h->records_n = rd_be32(&r);
	good &= rd_be32(&r) == 0;
	h->no = rd_be64(&r);
	h->durable = rd_be64(&r);
	memcpy(h->prev_tag, rd_bytes(&r, BLOCK_TAG).p, BLOCK_TAG);
	memcpy(h->records_tag, rd_bytes(&r, BLOCK_TAG).p, BLOCK_TAG);
	return good && h->summary_n >= AEAD_OVERHEAD && h->records_n >= AEAD_OVERHEAD &&
	       block_length(h) <= BLOCK_BYTES_MAX;
}

struct status block_head_read(struct segment *s, uint64_t at, uint64_t end, struct block_head *h,
			      uint8_t tag[BLOCK_TAG])
{
	uint8_t bytes[BLOCK_HEAD];
	struct disk *d = s->w->disk;
	if (at + BLOCK_HEAD > end)
		return ERR(E_CORRUPT);
	TRY(file_read(d, s->fd, bytes, sizeof bytes, (int64_t)at));
	if (!head_parse(bytes, h) || at + block_length(h) > end)
		return ERR(E_CORRUPT);
	return file_read(d, s->fd, tag, BLOCK_TAG, (int64_t)(at + BLOCK_HEAD + h->summary_n - BLOCK_TAG));
}

struct status block_summary_read(struct segment *s, uint64_t at, uint64_t len, struct arena *mem, struct str *summary,
				 struct block_head *h)
{
	uint8_t bytes[BLOCK_HEAD], aad[16 + BLOCK_HEAD];
	struct disk *d = s->w->disk;
	TRY(file_read(d, s->fd, bytes, sizeof bytes, (int64_t)at));
	if (!head_parse(bytes, h) || block_length(h) != len)
		return ERR(E_CORRUPT);
	uint8_t *sealed = NEWS(mem, uint8_t, h->summary_n);
	TRY(file_read(d, s->fd, sealed, h->summary_n, (int64_t)at + BLOCK_HEAD));
	return aead_open_new(key_of(s), block_aad(s, bytes, aad), str_make(sealed, h->summary_n), mem, summary);
}

struct status block_packed_read(struct segment *s, uint64_t at, const struct block_head *h, struct arena *mem,
				struct str *packed)
{
	uint8_t aad[25];
	uint8_t *sealed = NEWS(mem, uint8_t, h->records_n);
	TRY(file_read(s->w->disk, s->fd, sealed, h->records_n, (int64_t)at + BLOCK_HEAD + h->summary_n));
	if (memcmp(sealed + h->records_n - BLOCK_TAG, h->records_tag, BLOCK_TAG) != 0)
		return ERR(E_CORRUPT);
	return aead_open_new(key_of(s), records_aad(s, h->no, aad), str_make(sealed, h->records_n), mem, packed);
}

struct status block_before(struct segment *s, uint64_t end, uint64_t *len)
{
	uint8_t bytes[BLOCK_TRAILER];
	if (end < SEGMENT_HEAD + BLOCK_HEAD + BLOCK_TRAILER)
		return ERR(E_CORRUPT);
	TRY(file_read(s->w->disk, s->fd, bytes, sizeof bytes, (int64_t)end - BLOCK_TRAILER));
	struct rd r = rd_of(str_make(bytes, sizeof bytes));
	uint64_t n = rd_be32(&r);
	if (n < BLOCK_HEAD + BLOCK_TRAILER || n > end - SEGMENT_HEAD)
		return ERR(E_CORRUPT);
	*len = n;
	return OK;
}

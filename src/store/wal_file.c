/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The write-ahead log, frame by frame.
 *
 * SQLite writes a frame's header and its page apart, and may rewrite either later in the same
 * transaction; here both are one sealed record, so a header is held until its page comes, and
 * a lone header or page is put into the record read back.
 *
 * A frame below `durable` is never rewritten. Its key material binds generation, salts and
 * index, so what an earlier generation left behind does not open under this one.
 */
#include "store/vault.h"

#include "base/str.h"

#include <errno.h>
#include <sqlite3.h>

enum {
	FRAME_AAD = 37,
	FRAME_PLAIN = WAL_FRAME_HEADER + VAULT_USABLE + 8,
	MARKS_AT = 1024,
	SLOT = 512,
};
_Static_assert(FRAME_PLAIN + AEAD_OVERHEAD == WAL_FRAME, "a sealed frame is as long as SQLite's");

/* A frame in the clear: SQLite's header and page, and how many frames were durable when it was written. */
struct frame {
	uint8_t header[WAL_FRAME_HEADER];
	uint8_t page[VAULT_USABLE];
	uint8_t durable[8];
};
_Static_assert(sizeof(struct frame) == FRAME_PLAIN, "no padding");

static int64_t frame_at(uint64_t index) { return VAULT_HEAD + (int64_t)index * WAL_FRAME; }

static const struct wal_gen *gen_now(const struct vault *v) { return &v->gens[v->gen & 1]; }

static struct str frame_aad(const struct vault *v, uint64_t index, uint8_t aad[FRAME_AAD])
{
	const struct wal_gen *g = gen_now(v);
	memcpy(aad, v->id, 16);
	aad[16] = 'f';
	put_be64(aad + 17, g->gen);
	memcpy(aad + 25, g->header + 16, 8);
	for (int i = 0; i < 4; i++)
		aad[33 + i] = (uint8_t)(index >> (24 - 8 * i));
	return str_make(aad, FRAME_AAD);
}

static int frame_write(struct vault *v, struct frame *f, uint64_t index)
{
	if (index < v->durable)
		return SQLITE_IOERR_WRITE; /* acknowledged bytes are not touched again */
	uint8_t aad[FRAME_AAD], out[WAL_FRAME];
	put_be64(f->durable, v->durable);
	world_random(v->w, out, AEAD_NONCE_SIZE);
	aead_seal_parts(v->key, out, frame_aad(v, index, aad), str_make(f, sizeof *f), out + AEAD_NONCE_SIZE,
			out + AEAD_NONCE_SIZE + sizeof *f);
	v->log_dirty = true;
	int rc = vault_pwrite(v, v->log, out, sizeof out, frame_at(index));
	if (rc == SQLITE_OK && index >= v->written)
		v->written = index + 1;
	return rc;
}

/* SQLITE_IOERR_SHORT_READ: the file ends before it. SQLITE_IOERR_CORRUPTFS: it does not authenticate. */
static int frame_read(struct vault *v, struct frame *f, uint64_t index)
{
	uint8_t aad[FRAME_AAD], in[WAL_FRAME];
	ssize_t got = vault_pread(v, v->log, in, sizeof in, frame_at(index));
	if (got < 0)
		return SQLITE_IOERR_READ;
	if (got < WAL_FRAME)
		return SQLITE_IOERR_SHORT_READ;
	if (failed(aead_open_parts(v->key, in, frame_aad(v, index, aad), str_make(in + AEAD_NONCE_SIZE, sizeof *f),
				   in + AEAD_NONCE_SIZE + sizeof *f, (uint8_t *)f)))
		return SQLITE_IOERR_CORRUPTFS;
	return SQLITE_OK;
}

/* Does any frame after this one prove that this one was durable once? */
static bool later_frame_proves(struct vault *v, uint64_t index)
{
	struct frame f;
	for (uint64_t i = index + 1;; i++) {
		int rc = frame_read(v, &f, i);
		if (rc == SQLITE_IOERR_CORRUPTFS)
			continue;
		if (rc)
			return false;
		if (get_be64(f.durable) > index)
			return true;
	}
}

/*
 * A frame that does not open while SQLite looks for the log's end: the torn tail of a crash if nothing says that it
 * was durable, then it reads as zeros, which SQLite takes for the end.
 */
static bool may_be_torn(struct vault *v, uint64_t index)
{
	return v->recovering && index >= v->durable && !later_frame_proves(v, index);
}

static int read_frame_part(struct vault *v, void *p, size_t n, uint64_t index, size_t from)
{
	struct frame f;
	int rc = frame_read(v, &f, index);
	if (rc == SQLITE_IOERR_CORRUPTFS && may_be_torn(v, index)) {
		memset(p, 0, n);
		return SQLITE_OK;
	}
	if (rc == SQLITE_IOERR_CORRUPTFS || (rc == SQLITE_IOERR_SHORT_READ && index < v->durable))
		return vault_log_damaged(v, "log frame", index);
	if (rc) {
		memset(p, 0, n);
		return rc;
	}
	/* as SQLite knows it: header, page, and the page's reserved bytes as zeros */
	size_t have = from < VAULT_USABLE + WAL_FRAME_HEADER ? VAULT_USABLE + WAL_FRAME_HEADER - from : 0;
	size_t take = n < have ? n : have;
	memcpy(p, (uint8_t *)&f + from, take);
	memset((uint8_t *)p + take, 0, n - take);
	return SQLITE_OK;
}

/* The whole, or the checksum in it when frames are rewritten. */
static int read_header(struct vault *v, void *p, int n, int64_t at)
{
	if (n < 0 || at + n > WAL_HEADER)
		return SQLITE_IOERR_READ;
	memset(p, 0, (size_t)n);
	if (v->gen == 0)
		return SQLITE_IOERR_SHORT_READ;
	memcpy(p, gen_now(v)->header + at, (size_t)n);
	return SQLITE_OK;
}

/* A header whose page never came: it belongs to the frame that is there already. */
static int flush(struct vault *v, struct wal_pending *pend)
{
	if (!pend->waits)
		return SQLITE_OK;
	pend->waits = false;
	struct frame f;
	int rc = frame_read(v, &f, pend->index);
	if (rc)
		return rc == SQLITE_IOERR_SHORT_READ ? SQLITE_IOERR_WRITE : rc;
	memcpy(f.header, pend->header, WAL_FRAME_HEADER);
	return frame_write(v, &f, pend->index);
}

int wal_read(struct vault *v, struct wal_pending *pend, void *p, int n, int64_t at)
{
	int rc = flush(v, pend);
	if (rc)
		return rc;
	if (at >= 0 && at < WAL_HEADER)
		return read_header(v, p, n, at);
	if (at < 0 || n < 0 || n > WAL_FRAME)
		return SQLITE_IOERR_READ;
	uint64_t index = (uint64_t)(at - WAL_HEADER) / WAL_FRAME;
	size_t from = (size_t)((at - WAL_HEADER) % WAL_FRAME);
	if (from + (size_t)n > WAL_FRAME)
		return SQLITE_IOERR_READ;
	return read_frame_part(v, p, (size_t)n, index, from);
}

/* A new generation. Its slot is the one before last's, so that a torn write leaves the last one readable. */
static int write_header(struct vault *v, const uint8_t *header)
{
	uint64_t gen = (v->gen ? v->gen : v->mark.log_gen) + 1;
	uint8_t plain[VAULT_RECORD] = { 0 };
	put_be64(plain, gen);
	memcpy(plain + 8, header, WAL_HEADER);
	v->log_dirty = true;
	int rc = record_write(v, v->log, 'h', (int64_t)(gen & 1) * SLOT, plain);
	if (rc)
		return rc;
	struct wal_gen *g = &v->gens[gen & 1];
	g->gen = gen;
	memcpy(g->header, header, WAL_HEADER);
	v->mark.log_gen = gen;
	v->written = 0;
	v->tail_known = true;
	atomic_store(&v->durable, 0);
	atomic_store(&v->gen, gen);
	return SQLITE_OK;
}

static int write_page(struct vault *v, struct wal_pending *pend, const uint8_t *page, uint64_t index)
{
	static const uint8_t zero[VAULT_RESERVE];
	struct frame f;
	if (memcmp(page + VAULT_USABLE, zero, VAULT_RESERVE))
		return SQLITE_IOERR_WRITE; /* SQLite used bytes it was told to leave: they would be lost */
	if (pend->waits && pend->index == index) {
		memcpy(f.header, pend->header, WAL_FRAME_HEADER);
		pend->waits = false;
	} else {
		int rc = flush(v, pend);
		if (rc == SQLITE_OK)
			rc = frame_read(v, &f, index);
		if (rc)
			return rc == SQLITE_IOERR_SHORT_READ ? SQLITE_IOERR_WRITE : rc;
	}
	memcpy(f.page, page, VAULT_USABLE);
	return frame_write(v, &f, index);
}

int wal_write(struct vault *v, struct wal_pending *pend, const void *p, int n, int64_t at)
{
	v->recovering = false;
	if (at == 0 && n == WAL_HEADER) {
		int rc = flush(v, pend);
		return rc ? rc : write_header(v, p);
	}
	if (at < WAL_HEADER || v->gen == 0)
		return SQLITE_IOERR_WRITE;
	uint64_t index = (uint64_t)(at - WAL_HEADER) / WAL_FRAME;
	int64_t from = (at - WAL_HEADER) % WAL_FRAME;
	if (index > UINT32_MAX)
		return SQLITE_FULL;
	if (from == WAL_FRAME_HEADER && n == VAULT_PAGE)
		return write_page(v, pend, p, index);
	if (from != 0 || n != WAL_FRAME_HEADER)
		return SQLITE_IOERR_WRITE; /* no shape that SQLite uses: refuse */
	int rc = flush(v, pend);
	*pend = (struct wal_pending){ .waits = true, .index = index };
	memcpy(pend->header, p, WAL_FRAME_HEADER);
	return rc;
}

static int mark_write(struct vault *v)
{
	uint8_t plain[VAULT_RECORD] = { 0 };
	put_be64(plain, v->gen);
	put_be64(plain + 8, v->durable);
	return record_write(v, v->log, 'd', MARKS_AT + (int64_t)(v->marks++ & 1) * SLOT, plain);
}

int wal_sync(struct vault *v, struct wal_pending *pend)
{
	struct disk *d = v->w->disk;
	int rc = flush(v, pend);
	if (rc)
		return rc;
	if (!v->log_dirty)
		return SQLITE_OK;
	uint64_t written = v->written;
	if (d->fdatasync(d, v->log) < 0)
		return errno == ENOSPC ? SQLITE_FULL : SQLITE_IOERR_FSYNC;
	v->log_dirty = false;
	if (written == v->durable)
		return SQLITE_OK;
	atomic_store(&v->durable, written);
	/* The marks are written behind the sync and may be lost: a failure here fails nothing that is durable. */
	(void)mark_write(v);
	if (!v->mark.log_in_use) {
		v->mark.log_in_use = true;
		(void)db_mark_write(v);
	}
	return SQLITE_OK;
}

void vault_forget_tail(struct vault *v)
{
	static const uint8_t zero[AEAD_NONCE_SIZE];
	struct disk *d = v->w->disk;
	if (!v->tail_known || v->written == v->durable)
		return;
	(void)vault_pwrite(v, v->log, zero, sizeof zero, frame_at(v->durable));
	(void)d->fdatasync(d, v->log);
	v->written = v->durable;
}

int wal_truncate(struct vault *v, struct wal_pending *pend, int64_t n)
{
	struct disk *d = v->w->disk;
	pend->waits = false;
	if (n > 0) {
		int64_t frames = n > WAL_HEADER ? (n - WAL_HEADER) / WAL_FRAME : 0;
		return d->ftruncate(d, v->log, frame_at((uint64_t)frames)) < 0 ? SQLITE_IOERR_TRUNCATE : SQLITE_OK;
	}
	if (d->fdatasync(d, v->log) < 0) /* its last marks: they shall not outlive what they are about */
		return SQLITE_IOERR_TRUNCATE;
	if (v->mark.log_in_use) { /* durably, before the log goes: else it would be missed */
		v->mark.log_in_use = false;
		if (db_mark_write(v) || d->fdatasync(d, v->db) < 0)
			return SQLITE_IOERR_TRUNCATE;
	}
	if (d->ftruncate(d, v->log, 0) < 0)
		return SQLITE_IOERR_TRUNCATE;
	v->written = 0;
	atomic_store(&v->durable, 0);
	atomic_store(&v->gen, 0);
	return SQLITE_OK;
}

int64_t wal_size(struct vault *v)
{
	struct disk *d = v->w->disk;
	int64_t n = d->size(d, v->log);
	if (v->gen == 0)
		return n < 0 ? -1 : 0;
	if (n < VAULT_HEAD)
		return n < 0 ? -1 : WAL_HEADER;
	return WAL_HEADER + (n - VAULT_HEAD) / WAL_FRAME * WAL_FRAME;
}

/* The newest header and the newest mark of the head block. */
static void head_parse(struct vault *v, const uint8_t *head, uint64_t *mark_gen, uint64_t *mark_n)
{
	uint8_t plain[VAULT_RECORD];
	*mark_gen = *mark_n = 0;
	for (size_t i = 0; i < 2; i++) {
		if (record_open(v, 'h', head + i * SLOT, plain) && (get_be64(plain) & 1) == i) {
			v->gens[i].gen = get_be64(plain);
			memcpy(v->gens[i].header, plain + 8, WAL_HEADER);
		}
		if (!record_open(v, 'd', head + MARKS_AT + i * SLOT, plain))
			continue;
		uint64_t gen = get_be64(plain), n = get_be64(plain + 8);
		if (gen < *mark_gen || (gen == *mark_gen && n <= *mark_n))
			continue;
		*mark_gen = gen;
		*mark_n = n;
		v->marks = i + 1;
	}
	v->gen = v->gens[0].gen > v->gens[1].gen ? v->gens[0].gen : v->gens[1].gen;
}

struct status wal_load(struct vault *v)
{
	uint8_t head[VAULT_HEAD] = { 0 };
	uint64_t mark_gen, mark_n;
	if (vault_pread(v, v->log, head, sizeof head, 0) < 0)
		return ERR(E_IO);
	head_parse(v, head, &mark_gen, &mark_n);
	if (v->gen > v->mark.log_gen)
		v->mark.log_gen = v->gen;
	if (mark_gen == v->gen)
		atomic_store(&v->durable, mark_n);
	int64_t frames = v->gen ? (wal_size(v) - WAL_HEADER) / WAL_FRAME : 0;
	/* a log in use is never shorter than the first frame it was synced with, whatever its generation */
	bool lost = mark_gen > v->gen || (v->mark.log_in_use && frames == 0);
	if (lost || frames < (int64_t)v->durable) {
		vault_log_damaged(v, "the log's end", (uint64_t)frames);
		return ERR(E_CORRUPT);
	}
	v->written = v->durable;
	return OK;
}

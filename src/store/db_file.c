/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The database file, page by page.
 *
 * A blank (all zero) page is never what we wrote. SQLite may leave gaps when a checkpoint
 * makes the file longer (pages that were allocated and freed again never reach the log), so
 * before each sync the gaps are filled with sealed zeros; only then the mark moves up. A
 * blank or missing page below the mark is damage. Above it, a crash in the midst of a
 * checkpoint may have left anything: every page of it that matters is still in the log.
 */
#include "store/vault.h"

#include "base/str.h"

#include <errno.h>
#include <sqlite3.h>

enum { PAGE_AAD = 21, PAGE_CIPHER = VAULT_PAGE - AEAD_OVERHEAD };

static int64_t page_at(uint64_t index) { return VAULT_HEAD + (int64_t)index * VAULT_PAGE; }

static struct str page_aad(const struct vault *v, uint64_t index, uint8_t aad[PAGE_AAD])
{
	memcpy(aad, v->id, 16);
	aad[16] = 'p';
	for (int i = 0; i < 4; i++)
		aad[17 + i] = (uint8_t)(index >> (24 - 8 * i));
	return str_make(aad, PAGE_AAD);
}

static int page_write(struct vault *v, const uint8_t *page, uint64_t index)
{
	uint8_t aad[PAGE_AAD], out[VAULT_PAGE];
	uint8_t *nonce = out + PAGE_CIPHER;
	world_random(v->w, nonce, AEAD_NONCE_SIZE);
	aead_seal_parts(v->key, nonce, page_aad(v, index, aad), str_make(page, PAGE_CIPHER), out,
			nonce + AEAD_NONCE_SIZE);
	return vault_pwrite(v, v->db, out, sizeof out, page_at(index));
}

static bool is_blank(const uint8_t *nonce)
{
	static const uint8_t zero[AEAD_NONCE_SIZE];
	return memcmp(nonce, zero, sizeof zero) == 0;
}

/* The page as SQLite knows it, or SQLITE_IOERR_SHORT_READ with zeros where there is none yet. */
static int page_read(struct vault *v, uint8_t page[VAULT_PAGE], uint64_t index)
{
	uint8_t aad[PAGE_AAD];
	uint8_t *nonce = page + PAGE_CIPHER;
	ssize_t got = vault_pread(v, v->db, page, VAULT_PAGE, page_at(index));
	if (got < 0)
		return SQLITE_IOERR_READ;
	if (got < VAULT_PAGE || is_blank(nonce)) {
		if (index < v->mark.pages)
			return vault_damaged(v, "page", index + 1);
		memset(page, 0, VAULT_PAGE);
		return SQLITE_IOERR_SHORT_READ;
	}
	if (failed(aead_open_parts(v->key, nonce, page_aad(v, index, aad), str_make(page, PAGE_CIPHER),
				   nonce + AEAD_NONCE_SIZE, page)))
		return SQLITE_IOERR_CORRUPTFS;
	memset(page + PAGE_CIPHER, 0, AEAD_OVERHEAD);
	return SQLITE_OK;
}

/*
 * SQLite peeks at the first 100 bytes before it looks at the log. If a crash tore page 1 while it was being
 * checkpointed, its true content is in the log: answer the peek as for an empty file, SQLite then reads the page
 * itself, from where it really is.
 */
static int peek(struct vault *v, void *p, int n, int64_t at)
{
	uint8_t page[VAULT_PAGE];
	size_t from = (size_t)(at % VAULT_PAGE);
	if (from + (size_t)n > VAULT_PAGE)
		return SQLITE_IOERR_READ;
	int rc = page_read(v, page, (uint64_t)(at / VAULT_PAGE));
	if (rc == SQLITE_IOERR_CORRUPTFS) {
		memset(p, 0, (size_t)n);
		return at < VAULT_PAGE ? SQLITE_IOERR_SHORT_READ
				       : vault_damaged(v, "page", (uint64_t)(at / VAULT_PAGE) + 1);
	}
	memcpy(p, page + from, (size_t)n);
	return rc;
}

int db_read(struct vault *v, void *p, int n, int64_t at)
{
	if (n != VAULT_PAGE || at % VAULT_PAGE)
		return peek(v, p, n, at);
	int rc = page_read(v, p, (uint64_t)(at / VAULT_PAGE));
	if (rc == SQLITE_IOERR_CORRUPTFS)
		vault_damaged(v, "page", (uint64_t)(at / VAULT_PAGE) + 1);
	return rc;
}

int db_write(struct vault *v, const void *p, int n, int64_t at)
{
	static const uint8_t zero[VAULT_RESERVE];
	if (n != VAULT_PAGE || at % VAULT_PAGE || memcmp((const uint8_t *)p + VAULT_USABLE, zero, VAULT_RESERVE))
		return SQLITE_IOERR_WRITE; /* not a page of ours: refuse rather than write it in the clear */
	uint64_t index = (uint64_t)(at / VAULT_PAGE);
	int rc = page_write(v, p, index);
	if (rc == SQLITE_OK && index >= v->pages)
		atomic_store(&v->pages, index + 1);
	return rc;
}

static int fill_gaps(struct vault *v)
{
	static const uint8_t zero[VAULT_PAGE];
	for (uint64_t i = v->mark.pages; i < v->pages; i++) {
		uint8_t nonce[AEAD_NONCE_SIZE];
		ssize_t got = vault_pread(v, v->db, nonce, sizeof nonce, page_at(i) + PAGE_CIPHER);
		if (got < 0)
			return SQLITE_IOERR_READ;
		if ((size_t)got == sizeof nonce && !is_blank(nonce))
			continue;
		int rc = page_write(v, zero, i);
		if (rc)
			return rc;
	}
	return SQLITE_OK;
}

int db_sync(struct vault *v)
{
	struct disk *d = v->w->disk;
	int rc = fill_gaps(v);
	if (rc)
		return rc;
	if (d->fdatasync(d, v->db) < 0)
		return errno == ENOSPC ? SQLITE_FULL : SQLITE_IOERR_FSYNC;
	if (v->mark.pages == v->pages)
		return SQLITE_OK;
	v->mark.pages = v->pages;
	return db_mark_write(v); /* the next sync makes it durable; until then the older one is merely weaker */
}

int db_truncate(struct vault *v, int64_t n)
{
	struct disk *d = v->w->disk;
	uint64_t pages = (uint64_t)(n + VAULT_PAGE - 1) / VAULT_PAGE;
	if (pages >= v->pages)
		return SQLITE_OK; /* growing: the writes themselves will */
	v->mark.pages = pages < v->mark.pages ? pages : v->mark.pages;
	int rc = db_mark_write(v);
	if (rc)
		return rc;
	if (d->fdatasync(d, v->db) < 0 || d->ftruncate(d, v->db, page_at(pages)) < 0)
		return SQLITE_IOERR_TRUNCATE;
	atomic_store(&v->pages, pages);
	return SQLITE_OK;
}

int64_t db_size(struct vault *v) { return (int64_t)v->pages * VAULT_PAGE; }

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which rows changed since when? So that a commit need not make stale what was made of
 * rows it did not touch.
 *
 * A key is known by a mark, the hash of its bytes; a prefix by the hash of its own. A write
 * leaves the marks of its key and of every prefix of it that ends with a whole part
 * (keys.h), so it meets whoever read the key or walked such a prefix. A walk of any other
 * prefix is noted by its first byte, which every write under it marks too.
 *
 * Marks go into a table of so many slots, each holding the version of the latest commit
 * that marked it. Two marks may share a slot: then something counts as changed that is not.
 * The other way round must not be:
 *
 *  1. A commit's marks stand in the table before its version is to be seen, so whoever sees
 *     the version sees the marks.
 *  2. The table is made by a commit, on the writer, and remembers that commit's version:
 *     what is older is not known, and counts as changed.
 *  3. What an aborted transaction marked stays for the next commit.
 */
#include "store/internal.h"

enum { SLOTS = 8192, PENDING_KEPT = 4096 };

struct changes {
	uint64_t since; /* commits after this one are in the table */
	_Atomic uint64_t latest[SLOTS];
	uint64_t *pending; /* (w) marks since the last commit */
	size_t n, cap;     /* (w) */
};

static const uint64_t seed = UINT64_C(0xcbf29ce484222325), prime = UINT64_C(0x100000001b3);

static uint64_t more(uint64_t h, char c) { return (h ^ (uint8_t)c) * prime; }

static uint64_t mark_of(struct str s)
{
	uint64_t h = seed;
	for (size_t i = 0; i < s.n; i++)
		h = more(h, s.p[i]);
	return h;
}

static size_t slot_of(uint64_t mark) { return (size_t)((mark * UINT64_C(0x9e3779b97f4a7c15)) >> 51); }
static_assert(SLOTS == 1 << (64 - 51));

/* ---- writing: on the shard's writer ---------------------------------------------------- */

static void pend(struct changes *c, uint64_t mark)
{
	if (c->n == c->cap) {
		size_t cap = c->cap ? c->cap * 2 : 64;
		c->pending = heap_grow(c->pending, c->cap, cap, sizeof *c->pending);
		c->cap = cap;
	}
	c->pending[c->n++] = mark;
}

void changes_note(struct shard *sh, struct str key)
{
	struct changes *c = sh->changes;
	uint64_t h = seed;
	if (!c)
		return;
	for (size_t i = 0; i < key.n; i++) {
		h = more(h, key.p[i]);
		if (i == 0 || i + 1 == key.n || (key.p[i] == 0 && key.p[i - 1] == 0))
			pend(c, h);
	}
}

void changes_commit(struct shard *sh, uint64_t version)
{
	struct changes *c = sh->changes;
	if (!c) {
		if (!sh->changes_wanted)
			return;
		c = HEAP(struct changes);
		c->since = version;
		sh->changes = c;
		return;
	}
	for (size_t i = 0; i < c->n; i++)
		atomic_store(&c->latest[slot_of(c->pending[i])], version);
	c->n = 0;
	if (c->cap > PENDING_KEPT) {
		heap_free(c->pending);
		c->pending = NULL;
		c->cap = 0;
	}
}

void changes_free(struct shard *sh)
{
	struct changes *c = sh->changes;
	if (!c)
		return;
	heap_free(c->pending);
	heap_free(c);
}

/* ---- reading --------------------------------------------------------------------------- */

static void note(struct reads *r, uint64_t mark)
{
	for (uint32_t i = 0; i < r->n; i++)
		if (r->marks[i] == mark)
			return;
	if (r->n == READS_MAX) {
		r->all = true;
		return;
	}
	r->marks[r->n++] = mark;
}

void reads_note(struct reads *r, struct str key)
{
	if (r)
		note(r, mark_of(key));
}

void reads_note_prefix(struct reads *r, struct str prefix)
{
	if (!r)
		return;
	size_t n = prefix.n;
	if (n == 0) {
		r->all = true;
		return;
	}
	bool whole = n > 2 && prefix.p[n - 1] == 0 && prefix.p[n - 2] == 0;
	note(r, mark_of(whole ? prefix : str_make(prefix.p, 1)));
}

struct reads *txn_note_reads(struct txn *t, struct reads *into)
{
	struct reads *before = t->reads;
	assert(t->state == TXN_READ);
	t->reads = into;
	return before;
}

bool shard_unchanged(struct shard *sh, uint64_t since, const uint64_t *marks, size_t n, uint64_t *now)
{
	uint64_t version = shard_version(sh); /* before the table is looked at: rule 1 */
	struct changes *c = sh->changes;
	if (!c) {
		sh->changes_wanted = true;
		return false;
	}
	if (since < c->since)
		return false;
	for (size_t i = 0; i < n; i++)
		if (atomic_load(&c->latest[slot_of(marks[i])]) > since)
			return false;
	*now = version;
	return true;
}

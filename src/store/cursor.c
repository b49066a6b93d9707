/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cursors: a prepared range, bound to its ends, stepped.
 *
 * Every range has both ends as bytes: from "" and to "\xff" when the caller left them open,
 * which no key reaches. So four statements serve all ranges. A seek binds one end anew.
 */
#include "store/internal.h"

#include "base/str.h"

static struct arena *mem_of(struct txn *t)
{
	if (!t->mem)
		t->mem = arena_new();
	return t->mem;
}

static struct str larger(struct str a, struct str b) { return str_cmp(a, b) >= 0 ? a : b; }
static struct str smaller(struct str a, struct str b) { return str_cmp(a, b) <= 0 ? a : b; }

static struct status take_stmt(struct cursor *c)
{
	enum stmt_kind kind = STMT_RANGE + (c->backward ? 1u : 0u) + (c->keys_only ? 2u : 0u);
	TRY(conn_stmt(c->txn->conn, kind, &c->stmt));
	list_push(&c->txn->cursors, &c->stmt->use);
	return OK;
}

static void put_stmt(struct cursor *c)
{
	if (c->stmt)
		conn_stmt_put(c->txn->conn, c->stmt);
	c->stmt = NULL;
}

/* Copied by SQLite: a seek's key is only the caller's for the call. */
static void bind_end(struct cursor *c, int at, struct str key)
{
	int rc = sqlite3_bind_blob64(c->stmt->sql, at, key.p ? key.p : "", key.n, SQLITE_TRANSIENT);
	assert(rc == SQLITE_OK);
}

static void bind_ends(struct cursor *c, struct str from, struct str to)
{
	sqlite3_reset(c->stmt->sql);
	bind_end(c, 1, from);
	bind_end(c, 2, to);
}

struct status txn_range(struct txn *t, const struct range *r, struct cursor *c)
{
	*c = (struct cursor){ .txn = t, .backward = r->backward, .keys_only = r->keys_only };
	struct arena *mem = mem_of(t);
	reads_note_prefix(t->reads, r->prefix);
	struct str from = larger(r->prefix, r->from);
	struct str to = r->to.p ? r->to : S("\xff");
	if (r->prefix.p)
		to = smaller(to, key_after_prefix(mem, r->prefix));
	c->from = str_dup(mem, from);
	c->to = str_dup(mem, to);
	TRY(take_stmt(c));
	bind_ends(c, c->from, c->to);
	return OK;
}

bool cursor_next(struct cursor *c)
{
	c->key = c->val = S("");
	if (!c->stmt || failed(c->st))
		return false;
	int rc = sqlite3_step(c->stmt->sql);
	if (rc != SQLITE_ROW) {
		c->st = conn_status(c->txn->conn, rc);
		put_stmt(c);
		return false;
	}
	c->key = column_bytes(c->stmt, 0);
	if (!c->keys_only)
		c->val = column_bytes(c->stmt, 1);
	return true;
}

void cursor_seek(struct cursor *c, struct str key)
{
	c->key = c->val = S("");
	if (!failed(c->st) && !c->stmt) /* the walk had come to its end and given the statement back */
		c->st = take_stmt(c);
	if (failed(c->st))
		return;
	if (!c->backward) {
		bind_ends(c, larger(c->from, key), c->to);
		return;
	}
	/* up to and including key: everything below key followed by a zero byte */
	char *next = heap_alloc(key.n + 1, 1);
	if (key.n)
		memcpy(next, key.p, key.n);
	bind_ends(c, c->from, smaller(c->to, str_make(next, key.n + 1)));
	heap_free(next);
}

struct status cursor_end(struct cursor *c)
{
	put_stmt(c);
	c->key = c->val = S("");
	return c->st;
}

void txn_cursors_end(struct txn *t)
{
	while (!list_empty(&t->cursors))
		conn_stmt_put(t->conn, ENTRY(t->cursors.next, struct stmt, use));
}

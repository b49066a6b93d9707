/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls and answers as bytes. The keyholder reads calls with this, so nothing in them is
 * believed: every length is checked, keys on a path are counted, and rubbish is E_INVALID.
 */
#include "crypto/keyring_call.h"

#include "base/buf.h"
#include "base/str.h"

/* Writing into a room that does not grow. */
struct wr {
	char *p, *end;
	bool full;
};

static char *wr_room(struct wr *w, size_t n)
{
	if (w->full || (size_t)(w->end - w->p) < n) {
		w->full = true;
		return NULL;
	}
	char *at = w->p;
	w->p += n;
	return at;
}

static void wr_u8(struct wr *w, uint8_t v)
{
	char *at = wr_room(w, 1);
	if (at)
		at[0] = (char)v;
}

static void wr_be32(struct wr *w, uint32_t v)
{
	char *at = wr_room(w, 4);
	for (unsigned i = 0; at && i < 4; i++)
		at[i] = (char)(uint8_t)(v >> (24 - 8 * i));
}

static void wr_bytes(struct wr *w, struct str s)
{
	char *at = wr_room(w, s.n);
	if (at && s.n)
		memcpy(at, s.p, s.n);
}

static void wr_text(struct wr *w, struct str s)
{
	if (s.n > KEY_CALL_MAX) {
		w->full = true;
		return;
	}
	wr_be32(w, (uint32_t)s.n);
	wr_bytes(w, s);
}

static size_t written(const struct wr *w, const char *room) { return w->full ? 0 : (size_t)(w->p - room); }

static struct str rd_text(struct rd *r)
{
	uint32_t n = rd_be32(r);
	return rd_bytes(r, n);
}

/* ---- calls ---- */

static void write_path(struct wr *w, const struct key_ref *leaf)
{
	uint8_t depth = 0;

	for (const struct key_ref *key = leaf; key; key = key->parent)
		depth++;
	assert(depth <= KEY_DEPTH_MAX);
	wr_u8(w, depth);
	for (const struct key_ref *key = leaf; key; key = key->parent) {
		wr_bytes(w, str_make(key->id, sizeof key->id));
		wr_text(w, key->purpose);
		wr_text(w, key->wrapped);
	}
}

size_t key_call_write(const struct key_call *c, char *room, size_t cap)
{
	struct wr w = { room, room + cap, false };

	wr_u8(&w, (uint8_t)c->op);
	wr_u8(&w, c->flag);
	wr_u8(&w, (uint8_t)c->kind);
	wr_u8(&w, (uint8_t)c->algorithm);
	wr_be32(&w, c->size);
	wr_text(&w, c->purpose);
	wr_text(&w, c->aad);
	wr_text(&w, c->other_aad);
	wr_text(&w, c->input);
	write_path(&w, c->key);
	write_path(&w, c->other);
	return written(&w, room);
}

static struct status read_path(struct rd *r, struct arena *mem, const struct key_ref **out)
{
	uint8_t depth = rd_u8(r);
	if (depth > KEY_DEPTH_MAX)
		return ERR(E_INVALID);
	struct key_ref *path = NEWS(mem, struct key_ref, KEY_DEPTH_MAX);
	for (size_t i = 0; i < depth; i++) {
		struct str id = rd_bytes(r, sizeof path[i].id);
		path[i].purpose = rd_text(r);
		path[i].wrapped = rd_text(r);
		if (r->bad)
			return ERR(E_INVALID);
		memcpy(path[i].id, id.p, sizeof path[i].id);
		path[i].parent = i + 1u < depth ? &path[i + 1] : NULL;
	}
	*out = depth ? path : NULL;
	return OK;
}

struct status key_call_read(struct str bytes, struct arena *mem, struct key_call *out)
{
	struct rd r = rd_of(bytes);
	struct key_call c = { .op = (enum key_op)rd_u8(&r) };

	c.flag = rd_u8(&r) != 0;
	c.kind = (enum material)rd_u8(&r);
	c.algorithm = (enum keypair_algorithm)rd_u8(&r);
	c.size = rd_be32(&r);
	c.purpose = rd_text(&r);
	c.aad = rd_text(&r);
	c.other_aad = rd_text(&r);
	c.input = rd_text(&r);
	TRY(read_path(&r, mem, &c.key));
	TRY(read_path(&r, mem, &c.other));
	if (r.bad || !rd_end(&r))
		return ERR(E_INVALID);
	*out = c;
	return OK;
}

bool key_call_is_slow(const struct key_call *c)
{
	switch (c->op) {
	case KEY_OP_MATERIAL:
	case KEY_OP_IMPORT:
	case KEY_OP_SIGN:
	case KEY_OP_DECRYPT:
	case KEY_OP_AGREE:
	case KEY_OP_PAIR:
		return true;
	default:
		return false;
	}
}

/* ---- answers ---- */

size_t key_answer_write(struct status st, const struct key_answer *a, char *room, size_t cap)
{
	struct wr w = { room, room + cap, false };

	wr_be32(&w, (uint32_t)st.code);
	wr_text(&w, a->out);
	wr_text(&w, a->face);
	wr_text(&w, str_make(a->secret.p, a->secret.n));
	return written(&w, room);
}

struct status key_answer_read(struct str bytes, struct status *st, struct key_answer *a, struct str *secret)
{
	struct rd r = rd_of(bytes);
	uint32_t code = rd_be32(&r);
	struct str out = rd_text(&r), face = rd_text(&r), s = rd_text(&r);

	if (r.bad || !rd_end(&r) || code > E_UNSUPPORTED || s.n > SECRET_MAX)
		return ERR(E_INVALID);
	*st = ERR((int)code);
	*a = (struct key_answer){ .out = out, .face = face };
	*secret = s;
	return OK;
}

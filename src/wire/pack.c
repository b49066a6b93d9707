/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Structs as stored bytes. Lengths stand before what they measure; since most are below
 * 128, one byte is kept for a length and the content moved when it needs more.
 */
#include "wire/pack.h"

#include "wire/value.h"

enum { W_VARINT = 0, W_FIXED64 = 1, W_BYTES = 2, W_FIXED32 = 5 };

static uint64_t zigzag(int64_t v) { return ((uint64_t)v << 1) ^ (uint64_t)(v >> 63); }
static int64_t unzigzag(uint64_t v) { return (int64_t)(v >> 1) ^ -(int64_t)(v & 1); }

static int wire_type(enum kind kind)
{
	switch (kind) {
	case K_ENUM:
	case K_BOOL:
	case K_INT:
	case K_LONG:
	case K_TIME:
		return W_VARINT;
	case K_FLOAT:
	case K_DOUBLE:
		return W_FIXED64;
	default:
		return W_BYTES;
	}
}

static size_t length_open(struct buf *b)
{
	buf_byte(b, 0);
	return b->n;
}

static void length_close(struct buf *b, size_t start)
{
	size_t n = b->n - start;
	if (n < 128) {
		b->p[start - 1] = (char)n;
		return;
	}
	char head[10];
	size_t k = 0;
	for (uint64_t v = n; v || !k; v >>= 7)
		head[k++] = (char)((v & 0x7f) | (v >> 7 ? 0x80 : 0));
	buf_room(b, k - 1);
	memmove(b->p + start - 1 + k, b->p + start, n);
	memcpy(b->p + start - 1, head, k);
	b->n += k - 1;
}

static void fields(struct buf *out, const struct shape *shape, const void *obj);
static void value(struct buf *out, const struct shape *shape, const void *place);

static void elements(struct buf *out, const struct shape *shape, const struct any_list *l)
{
	size_t size = value_size(shape);
	buf_varint(out, l->n);
	for (size_t i = 0; i < l->n; i++) {
		const char *entry = (const char *)l->v + i * size;
		if (shape->kind == K_MAP) {
			struct str key = *(const struct str *)(const void *)entry;
			buf_varint(out, key.n);
			buf_put(out, key);
			entry += MAP_VALUE;
		}
		value(out, shape->elem, entry);
	}
}

static void le64(struct buf *out, const void *place)
{
	uint64_t v;
	memcpy(&v, place, sizeof v);
	for (int i = 0; i < 8; i++)
		buf_byte(out, (char)(v >> (8 * i)));
}

static void value(struct buf *out, const struct shape *shape, const void *place)
{
	size_t start;
	switch (shape->kind) {
	case K_STRING:
	case K_BLOB:
	case K_DOCUMENT:
		buf_varint(out, ((const struct str *)place)->n);
		buf_put(out, *(const struct str *)place);
		break;
	case K_ENUM:
		assert(enum_get(place) >= 0);
		buf_varint(out, (uint64_t)enum_get(place));
		break;
	case K_BOOL:
		buf_varint(out, *(const bool *)place);
		break;
	case K_INT:
	case K_LONG:
	case K_TIME:
		buf_varint(out, zigzag(*(const int64_t *)place));
		break;
	case K_FLOAT:
	case K_DOUBLE:
		le64(out, place);
		break;
	case K_STRUCT:
	case K_UNION:
		start = length_open(out);
		fields(out, shape, place);
		length_close(out, start);
		break;
	case K_LIST:
	case K_MAP:
		start = length_open(out);
		elements(out, shape, place);
		length_close(out, start);
		break;
	}
}

/* Plain scalars that are zero need no bytes, unless absent would mean a default. */
static bool is_silent(const struct member *m, const void *place)
{
	static const char zero[8];
	if (m->flags & (M_OPT | M_DEFAULT))
		return false;
	switch (m->shape->kind) {
	case K_BOOL:
		return !*(const uint8_t *)place;
	case K_INT:
	case K_LONG:
	case K_TIME:
	case K_FLOAT:
	case K_DOUBLE:
		return memcmp(place, zero, sizeof zero) == 0;
	default:
		return false;
	}
}

static void fields(struct buf *out, const struct shape *shape, const void *obj)
{
	for (uint32_t i = 0; i < shape->n_members; i++) {
		const struct member *m = &shape->members[i];
		const void *place = m->id && m->where != W_STREAM ? value_of(obj, m) : NULL;
		if (!place || is_silent(m, place))
			continue;
		buf_varint(out, (uint64_t)m->id << 3 | (uint64_t)wire_type(m->shape->kind));
		value(out, m->shape, place);
	}
}

void pack(struct buf *out, const struct shape *shape, const void *in) { fields(out, shape, in); }

struct in {
	struct arena *mem;
	struct rd rd;
	int depth;
};

static bool read_fields(struct in *r, const struct shape *shape, void *obj);
static bool read_value(struct in *r, const struct shape *shape, void *place);

static bool take(struct in *r, struct str *out)
{
	uint64_t n = rd_varint(&r->rd);
	if (r->rd.bad || n > (uint64_t)(r->rd.end - r->rd.p))
		return false;
	*out = rd_bytes(&r->rd, (size_t)n);
	if (!out->p)
		*out = S("");
	return !r->rd.bad;
}

static bool read_elements(struct in *r, const struct shape *shape, void *place)
{
	struct grow g = { 0 };
	size_t size = value_size(shape);
	uint64_t n = rd_varint(&r->rd);
	for (uint64_t i = 0; i < n; i++) {
		if (r->rd.bad || rd_end(&r->rd))
			return false;
		char *entry = grow_add(r->mem, &g, size);
		if (shape->kind == K_MAP) {
			if (!take(r, (struct str *)(void *)entry))
				return false;
			entry += MAP_VALUE;
		}
		if (!read_value(r, shape->elem, entry))
			return false;
	}
	grow_store(r->mem, &g, place);
	return !r->rd.bad && rd_end(&r->rd);
}

/* A value of type 2 that has parts: they must fill it exactly. */
static bool read_parts(struct in *r, const struct shape *shape, void *place)
{
	struct str bytes;
	if (r->depth == WIRE_DEPTH || !take(r, &bytes))
		return false;
	struct in inner = { .mem = r->mem, .rd = rd_of(bytes), .depth = r->depth + 1 };
	if (shape->kind == K_LIST || shape->kind == K_MAP)
		return read_elements(&inner, shape, place);
	return read_fields(&inner, shape, place);
}

static bool read_le64(struct in *r, void *place)
{
	struct str s = rd_bytes(&r->rd, 8);
	uint64_t v = 0;
	if (r->rd.bad)
		return false;
	for (int i = 0; i < 8; i++)
		v |= (uint64_t)(uint8_t)s.p[i] << (8 * i);
	memcpy(place, &v, sizeof v);
	return true;
}

static bool read_enum(struct in *r, const struct shape *shape, void *place)
{
	uint64_t v = rd_varint(&r->rd), n = 0;
	while (shape->names[n])
		n++;
	if (r->rd.bad || v > n)
		return false;
	enum_set(place, (int)v);
	return true;
}

static bool read_value(struct in *r, const struct shape *shape, void *place)
{
	uint64_t v;
	switch (shape->kind) {
	case K_STRING:
	case K_BLOB:
	case K_DOCUMENT:
		return take(r, place);
	case K_ENUM:
		return read_enum(r, shape, place);
	case K_BOOL:
		v = rd_varint(&r->rd);
		*(bool *)place = v == 1;
		return !r->rd.bad && v <= 1;
	case K_INT:
	case K_LONG:
	case K_TIME:
		*(int64_t *)place = unzigzag(rd_varint(&r->rd));
		return !r->rd.bad;
	case K_FLOAT:
	case K_DOUBLE:
		return read_le64(r, place);
	default:
		return read_parts(r, shape, place);
	}
}

static bool skip(struct in *r, int type)
{
	struct str ignored;
	switch (type) {
	case W_VARINT:
		rd_varint(&r->rd);
		return !r->rd.bad;
	case W_FIXED64:
		rd_bytes(&r->rd, 8);
		return !r->rd.bad;
	case W_FIXED32:
		rd_bytes(&r->rd, 4);
		return !r->rd.bad;
	case W_BYTES:
		return take(r, &ignored);
	default:
		return false;
	}
}

static const struct member *by_id(const struct shape *shape, uint64_t id, uint32_t *hint)
{
	for (uint32_t k = 0, i = *hint; k < shape->n_members; k++, i++) {
		if (i >= shape->n_members)
			i = 0;
		if (shape->members[i].id == id && shape->members[i].where != W_STREAM) {
			*hint = i + 1;
			return &shape->members[i];
		}
	}
	return NULL;
}

static void *place_of(struct arena *mem, void *obj, const struct member *m)
{
	void *place = value_place(mem, obj, m);
	if (m->shape->kind == K_STRUCT || m->shape->kind == K_UNION)
		memset(place, 0, m->shape->size); /* no marks of missing members in what is stored */
	return place;
}

static bool read_fields(struct in *r, const struct shape *shape, void *obj)
{
	uint32_t hint = 0;
	value_defaults(shape, obj);
	while (!rd_end(&r->rd)) {
		uint64_t key = rd_varint(&r->rd);
		int type = (int)(key & 7);
		if (r->rd.bad || key >> 3 == 0 || key >> 3 > UINT32_MAX)
			return false;
		const struct member *m = by_id(shape, key >> 3, &hint);
		if (!m) {
			if (!skip(r, type))
				return false;
			continue;
		}
		if (type != wire_type(m->shape->kind) || !read_value(r, m->shape, place_of(r->mem, obj, m)))
			return false;
		if (m->shape->kind != K_ENUM && !value_of(obj, m))
			return false; /* the number that marks a missing member: nobody stored that */
	}
	return !r->rd.bad;
}

struct status unpack(struct arena *mem, const struct shape *shape, struct str bytes, void *out)
{
	struct in r = { .mem = mem, .rd = rd_of(bytes) };
	if (!bytes.p)
		r.rd = rd_of(S(""));
	return read_fields(&r, shape, out) ? OK : ERR(E_INVALID);
}

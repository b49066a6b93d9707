/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Building bytes and reading them back. See buf.h.
 *
 * A buf doubles when it is full, in place when it is the arena's latest piece, which it
 * is while one message is written at a time. Numbers are big-endian.
 */
#include "base/buf.h"

#include "base/arena.h"

#include <stdarg.h>

static void grow(struct buf *b, size_t need)
{
	size_t cap = b->cap < 64 ? 128 : b->cap * 2;
	if (cap - b->n < need)
		cap = b->n + need;
	assert(cap >= b->n);
	if (!b->p || !arena_resize(b->mem, b->p, b->cap, cap)) {
		char *p = arena_bytes(b->mem, cap);
		if (b->n)
			memcpy(p, b->p, b->n);
		b->p = p;
	}
	b->cap = cap;
}

char *buf_room(struct buf *b, size_t n)
{
	assert(n <= PTRDIFF_MAX / 4);
	if (!b->p || b->cap - b->n < n)
		grow(b, n);
	return b->p + b->n;
}

void buf_put(struct buf *b, struct str s)
{
	if (s.n) {
		memcpy(buf_room(b, s.n), s.p, s.n);
		b->n += s.n;
	}
}

void buf_byte(struct buf *b, char c)
{
	*buf_room(b, 1) = c;
	b->n++;
}

void buf_z(struct buf *b, const char *z) { buf_put(b, str_of(z)); }

void buf_i64(struct buf *b, int64_t v)
{
	char text[20];
	size_t at = sizeof(text);
	uint64_t rest = v < 0 ? 0 - (uint64_t)v : (uint64_t)v;
	do {
		text[--at] = (char)('0' + rest % 10);
		rest /= 10;
	} while (rest);
	if (v < 0)
		text[--at] = '-';
	buf_put(b, str_make(text + at, sizeof(text) - at));
}

static void buf_vprintf(struct buf *b, const char *fmt, va_list ap)
{
	va_list again;
	va_copy(again, ap);
	char *room = buf_room(b, 64);
	size_t most = b->cap - b->n;
	int n = vsnprintf(room, most, fmt, ap);
	assert(n >= 0);
	if ((size_t)n >= most)
		vsnprintf(buf_room(b, (size_t)n + 1), (size_t)n + 1, fmt, again);
	b->n += (size_t)n;
	va_end(again);
}

void buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	buf_vprintf(b, fmt, ap);
	va_end(ap);
}

/* The low `bytes` bytes of v. */
static void put_be(struct buf *b, uint64_t v, size_t bytes)
{
	char *p = buf_room(b, bytes);
	for (size_t i = 0; i < bytes; i++)
		p[i] = (char)(unsigned char)(v >> (8 * (bytes - 1 - i)));
	b->n += bytes;
}

void buf_be16(struct buf *b, uint16_t v) { put_be(b, v, 2); }

void buf_be32(struct buf *b, uint32_t v) { put_be(b, v, 4); }

void buf_be64(struct buf *b, uint64_t v) { put_be(b, v, 8); }

void buf_varint(struct buf *b, uint64_t v)
{
	char *p = buf_room(b, 10);
	size_t n = 0;
	for (; v >= 0x80; v >>= 7)
		p[n++] = (char)(unsigned char)(v | 0x80);
	p[n++] = (char)v;
	b->n += n;
}

/* Bad readers stand at the end, so that a loop until rd_end ends. */
static void spoil(struct rd *r)
{
	r->bad = true;
	r->p = r->end;
}

struct str rd_bytes(struct rd *r, size_t n)
{
	if (r->bad || (size_t)(r->end - r->p) < n) {
		spoil(r);
		return (struct str){ r->end, 0 };
	}
	struct str s = { r->p, n };
	if (n)
		r->p += n;
	return s;
}

static uint64_t get_be(struct rd *r, size_t bytes)
{
	struct str s = rd_bytes(r, bytes);
	uint64_t v = 0;
	for (size_t i = 0; i < s.n; i++)
		v = v << 8 | (unsigned char)s.p[i];
	return v;
}

uint8_t rd_u8(struct rd *r) { return (uint8_t)get_be(r, 1); }

uint16_t rd_be16(struct rd *r) { return (uint16_t)get_be(r, 2); }

uint32_t rd_be32(struct rd *r) { return (uint32_t)get_be(r, 4); }

uint64_t rd_be64(struct rd *r) { return get_be(r, 8); }

uint64_t rd_varint(struct rd *r)
{
	uint64_t v = 0;
	for (int shift = 0; shift < 64 && !r->bad; shift += 7) {
		uint8_t byte = rd_u8(r);
		if (shift == 63 && byte > 1)
			break; /* more than 64 bits */
		v |= (uint64_t)(byte & 0x7f) << shift;
		if (byte < 0x80)
			return r->bad ? 0 : v;
	}
	spoil(r);
	return 0;
}

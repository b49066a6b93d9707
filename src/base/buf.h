/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A growing run of bytes in an arena: how text and messages are built.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include "base/base.h"

struct buf {
	struct arena *mem;
	char *p;
	size_t n, cap;
};

static inline struct buf buf_in(struct arena *mem) { return (struct buf){ .mem = mem }; }
static inline struct str buf_str(const struct buf *b) { return (struct str){ b->p ? b->p : "", b->n }; }

char *buf_room(struct buf *b, size_t n); /* at least n writable bytes at the end; then buf_took */
static inline void buf_took(struct buf *b, size_t n) { b->n += n; }
void buf_put(struct buf *b, struct str s);
void buf_byte(struct buf *b, char c);
void buf_z(struct buf *b, const char *z);
void buf_i64(struct buf *b, int64_t v); /* decimal */
void buf_printf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void buf_be16(struct buf *b, uint16_t v);
void buf_be32(struct buf *b, uint32_t v);
void buf_be64(struct buf *b, uint64_t v);
void buf_varint(struct buf *b, uint64_t v); /* LEB128 */

/* Reading back. A cursor over bytes; `bad` becomes true at the first read past the end and stays so; reads then give
 * 0/empty. */
struct rd {
	const char *p, *end;
	bool bad;
};
static inline struct rd rd_of(struct str s) { return (struct rd){ s.p, s.n ? s.p + s.n : s.p, false }; }
static inline bool rd_end(const struct rd *r) { return r->p == r->end; }
uint8_t rd_u8(struct rd *r);
uint16_t rd_be16(struct rd *r);
uint32_t rd_be32(struct rd *r);
uint64_t rd_be64(struct rd *r);
uint64_t rd_varint(struct rd *r);
struct str rd_bytes(struct rd *r, size_t n); /* a view */

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys of a shard, built from parts so that memcmp orders them as the parts are ordered.
 *
 *     tag    one byte below 0xff: which table of the shard this is
 *     str    the bytes with 0x00 written as 0x00 0xff, then 0x00 0x00: a prefix sorts first
 *     u64    eight bytes, big-endian
 *     desc   a u64 whose bits are turned over: the largest sorts first
 *
 * Every key begins with a tag; store.h refuses a key that begins with 0xff, so that an open
 * range has an upper end. A key cut after any whole part is the prefix of all keys under it.
 *
 *     struct buf b = buf_in(mem);
 *     key_tag(&b, 'u'); key_str(&b, user); key_u64(&b, version);
 *     TRY(txn_put(txn, buf_str(&b), value));
 */
#ifndef STORE_KEYS_H
#define STORE_KEYS_H

#include "base/buf.h"

void key_tag(struct buf *b, char tag);
void key_str(struct buf *b, struct str s);
void key_u64(struct buf *b, uint64_t v);
void key_desc(struct buf *b, uint64_t v);
/* The bytes of s escaped but not ended: the prefix of every str that starts with s ("ListObjects prefix="). */
void key_str_prefix(struct buf *b, struct str s);

/* The same in one call: a tag and up to three strings; a part with p == NULL ends the key. */
struct str key_of(struct arena *mem, char tag, struct str a, struct str b, struct str c);

/* Taking apart, with rd of base/buf.h: r->bad becomes true when the bytes are no such part; then 0 or empty. */
char key_take_tag(struct rd *r);
struct str key_take_str(struct rd *r, struct arena *mem); /* a view of the key when nothing was escaped */
uint64_t key_take_u64(struct rd *r);
uint64_t key_take_desc(struct rd *r);

/* The smallest key after all keys that start with prefix; "\xff" when there is none smaller. */
struct str key_after_prefix(struct arena *mem, struct str prefix);

#endif

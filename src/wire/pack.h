/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Structs as compact bytes for the store, by member ids: fields may be added, and ids are
 * never used again. The bytes have protobuf's wire format (key = id << 3 | type):
 *
 *   STRING BLOB DOCUMENT   2: length, bytes
 *   ENUM BOOL              0: varint
 *   INT LONG TIME          0: zigzag varint
 *   FLOAT DOUBLE           1: eight bytes, little-endian
 *   STRUCT UNION           2: length, fields
 *   LIST                   2: length, { count, elements without keys }
 *   MAP                    2: length, { count, entries: key length, key, value }
 *
 * Elements without keys are written as the value alone; those of type 2 with their length.
 * A struct equal to another has equal bytes. Members with id 0 are not stored.
 */
#ifndef WIRE_PACK_H
#define WIRE_PACK_H

#include "base/buf.h"
#include "wire/shape.h"

void pack(struct buf *out, const struct shape *shape, const void *in);
/*
 * *out is a zeroed struct of that shape. Strict: E_INVALID for anything cut off, of the
 * wrong type, or nested deeper than WIRE_DEPTH; unknown ids are skipped. Strings are views
 * of `bytes`.
 */
struct status unpack(struct arena *mem, const struct shape *shape, struct str bytes, void *out);

#endif

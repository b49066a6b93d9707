/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How values lie in structs, for the codecs: the one place that knows shape.h's layout
 * table. A "place" is the address of a value as it lies in a list: a struct str, an
 * int64_t, a bool, an int (enum), the struct itself, a list's { v, n }.
 */
#ifndef WIRE_VALUE_H
#define WIRE_VALUE_H

#include "base/buf.h"
#include "wire/decode.h"

/* Any generated list or map, seen without its element type. */
struct any_list {
	const void *v;
	size_t n;
};

/* Zeroed struct -> struct before decoding: defaults in, and required scalars marked as missing (see decode.h). */
void value_init(const struct shape *shape, void *obj);
/* Defaults only: for stored records, where absent means zero. */
void value_defaults(const struct shape *shape, void *obj);

/* Where to decode a member's value; it counts as given from then on. Nested structs are allocated and initialised. */
void *value_place(struct arena *mem, void *obj, const struct member *m);
/* Take back what value_place made: JSON's null after an earlier value. */
void value_unset(void *obj, const struct member *m);
/* The member's value, or NULL when it is not given (or only marked as missing). */
const void *value_of(const void *obj, const struct member *m);

/* The member with that wire name and place of travel; *hint speeds up members that come in order. NULL: none. */
const struct member *value_member(const struct shape *shape, struct str wire, enum where where, uint32_t *hint);

/*
 * How far an arena may grow while a text of n bytes is decoded: "{}," is three bytes and
 * may become a struct of hundreds. Far above what any honest request needs.
 */
static inline size_t value_budget(const struct arena *mem, size_t n)
{
	return arena_used(mem) + ((size_t)16 << 20) + 32 * n;
}

/* Elements that grow in an arena, doubling. */
struct grow {
	char *v;
	size_t n, cap;
};
void *grow_add(struct arena *mem, struct grow *g, size_t size);        /* a new zeroed element; moves the others */
void grow_store(struct arena *mem, const struct grow *g, void *place); /* as a list that is given, even when empty */

size_t value_size(const struct shape *container); /* one element of a list, one entry of a map */
enum { MAP_VALUE = sizeof(struct str) };          /* where the value lies in a map's entry */
/* Entries with the same key: the last one's value in the first one's position. O(n log n). */
void map_unique(struct arena *mem, struct grow *g, size_t entry_size);

/* The order, by their first member (a struct str), of n structs; those with equal keys stay in order. */
uint32_t *sorted_by_key(struct arena *mem, const void *v, size_t size, size_t n);

/* Initialise a fresh inline element or map value: structs get their defaults. */
static inline void value_fresh(const struct shape *elem, void *place)
{
	if (elem->kind == K_STRUCT)
		value_init(elem, place);
}

static inline int enum_get(const void *place)
{
	int v;
	memcpy(&v, place, sizeof v);
	return v;
}
static inline void enum_set(void *place, int v) { memcpy(place, &v, sizeof v); }

enum time_format value_time_format(const struct shape *shape, uint8_t of_member, enum time_format of_place);

/* Scalars as text: query parameters, XML, headers. E_INVALID with d->why for text that is no such value. */
struct status value_from_text(struct decode *d, const struct shape *shape, enum time_format tf, struct str text,
			      void *place);
enum { TEXT_ISO_MS = 1 }; /* ISO 8601 with .000, as S3 writes it; IAM and STS leave it away */
void value_to_text(struct buf *out, const struct shape *shape, enum time_format tf, int flags, const void *place);
void double_put(struct buf *out, double v);      /* the shortest text that reads back; NaN, Infinity, -Infinity */
void unix_time_put(struct buf *out, int64_t ms); /* 1767225600 or 1767225600.123 */
bool time_of_unix(double s, int64_t *ms);        /* false outside the years 1 to 9999 */
bool double_parse(struct arena *mem, struct str text, double *out); /* a JSON number */

/* Length of the well-formed UTF-8 sequence at p, 0 when it is malformed. */
size_t utf8_step(const char *p, const char *end);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Values in structs: where they lie, whether they are given, and how lists of them grow.
 */
#include "wire/value.h"

#include "base/arena.h"
#include "base/str.h"

#include <limits.h>
#include <stdarg.h>

enum { MISSING_BOOL = 2 };
static const int64_t MISSING_INT = INT64_MIN;
static const uint64_t MISSING_DOUBLE = 0x7ff8dead00000000; /* a quiet NaN that no text reads as */

struct status decode_fail(struct decode *d, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	d->why = arena_vprintf(d->mem, fmt, ap);
	va_end(ap);
	return ERR(E_INVALID);
}

static bool word_is(const char *word, struct str s)
{
	if (!s.n || *word != *s.p)
		return !s.n && !*word;
	return strlen(word) == s.n && memcmp(word, s.p, s.n) == 0;
}

int decode_enum(struct decode *d, const struct shape *shape, struct str word)
{
	for (int i = 0; word.n && shape->names[i]; i++)
		if (word_is(shape->names[i], word))
			return i + 1;
	if (d->n_unknown == d->cap_unknown) {
		size_t cap = d->cap_unknown ? d->cap_unknown * 2 : 8;
		struct str *v = NEWS(d->mem, struct str, cap);
		if (d->n_unknown)
			memcpy(v, d->unknown, d->n_unknown * sizeof *v);
		d->unknown = v;
		d->cap_unknown = cap;
	}
	d->unknown[d->n_unknown++] = word.p ? word : S("");
	assert(d->n_unknown <= INT_MAX);
	return -(int)d->n_unknown;
}

struct str decode_enum_word(const struct decode *d, const struct shape *shape, int v)
{
	if (v > 0)
		return str_of(shape->names[v - 1]);
	if (v == 0 || !d || (size_t) - (int64_t)v > d->n_unknown)
		return S("");
	return d->unknown[-(int64_t)v - 1];
}

static void reset_scalar(const struct member *m, char *p, bool mark)
{
	bool missing = mark && (m->flags & M_REQUIRED) && !(m->flags & M_DEFAULT);
	int64_t v = m->flags & M_DEFAULT ? m->dflt : 0;
	switch (m->shape->kind) {
	case K_BOOL:
		*(uint8_t *)p = missing ? MISSING_BOOL : v != 0;
		break;
	case K_INT:
	case K_LONG:
	case K_TIME:
		v = missing ? MISSING_INT : v;
		memcpy(p, &v, sizeof v);
		break;
	case K_FLOAT:
	case K_DOUBLE: {
		double f = (double)v;
		memcpy(p, missing ? (const void *)&MISSING_DOUBLE : (const void *)&f, sizeof f);
		break;
	}
	case K_ENUM:
		enum_set(p, (int)v);
		break;
	default:
		break;
	}
}

static bool is_scalar(enum kind k) { return k >= K_ENUM && k <= K_TIME; }

static void init(const struct shape *shape, void *obj, bool mark)
{
	const uint16_t wanted = mark ? M_DEFAULT | M_REQUIRED : M_DEFAULT;
	for (uint32_t i = 0; i < shape->n_members; i++) {
		const struct member *m = &shape->members[i];
		if ((m->flags & wanted) && !(m->flags & M_OPT) && m->where != W_STREAM && is_scalar(m->shape->kind))
			reset_scalar(m, (char *)obj + m->offset, mark);
	}
}

void value_init(const struct shape *shape, void *obj) { init(shape, obj, true); }

void value_defaults(const struct shape *shape, void *obj) { init(shape, obj, false); }

static bool *opt_flag(const struct member *m, char *p)
{
	switch (m->shape->kind) {
	case K_BOOL:
		return &((struct opt_bool *)(void *)p)->set;
	case K_FLOAT:
	case K_DOUBLE:
		return &((struct opt_double *)(void *)p)->set;
	case K_INT:
	case K_LONG:
	case K_TIME:
		return &((struct opt_int *)(void *)p)->set;
	default:
		return NULL;
	}
}

void *value_place(struct arena *mem, void *obj, const struct member *m)
{
	char *p = (char *)obj + m->offset;
	if (m->shape->kind == K_STRUCT || m->shape->kind == K_UNION) {
		void *inner = arena_alloc(mem, m->shape->size ? m->shape->size : 1, _Alignof(max_align_t), 1);
		value_init(m->shape, inner);
		memcpy(p, &inner, sizeof inner);
		return inner;
	}
	bool *set = m->flags & M_OPT ? opt_flag(m, p) : NULL;
	if (set)
		*set = true;
	return p;
}

void value_unset(void *obj, const struct member *m)
{
	char *p = (char *)obj + m->offset;
	bool *set = m->flags & M_OPT ? opt_flag(m, p) : NULL;
	if (set)
		*set = false;
	else if (is_scalar(m->shape->kind))
		reset_scalar(m, p, true);
	else /* all the other kinds say "not given" in their first word */
		memset(p, 0, sizeof(void *));
}

const void *value_of(const void *obj, const struct member *m)
{
	const char *p = (const char *)obj + m->offset;
	const void *first;
	switch (m->shape->kind) {
	case K_STRUCT:
	case K_UNION:
		memcpy(&first, p, sizeof first);
		return first;
	case K_STRING:
	case K_BLOB:
	case K_DOCUMENT:
	case K_LIST:
	case K_MAP:
		memcpy(&first, p, sizeof first);
		return first ? p : NULL;
	case K_ENUM:
		return enum_get(p) ? p : NULL;
	case K_BOOL:
		if (m->flags & M_OPT)
			return ((const struct opt_bool *)(const void *)p)->set ? p : NULL;
		return *(const uint8_t *)p == MISSING_BOOL ? NULL : p;
	case K_FLOAT:
	case K_DOUBLE:
		if (m->flags & M_OPT)
			return ((const struct opt_double *)(const void *)p)->set ? p : NULL;
		return memcmp(p, &MISSING_DOUBLE, sizeof MISSING_DOUBLE) ? p : NULL;
	case K_INT:
	case K_LONG:
	case K_TIME:
		if (m->flags & M_OPT)
			return ((const struct opt_int *)(const void *)p)->set ? p : NULL;
		return memcmp(p, &MISSING_INT, sizeof MISSING_INT) ? p : NULL;
	}
	return NULL;
}

const struct member *value_member(const struct shape *shape, struct str wire, enum where where, uint32_t *hint)
{
	uint32_t n = shape->n_members;
	for (uint32_t k = 0, i = *hint; k < n; k++, i++) {
		if (i >= n)
			i = 0;
		const struct member *m = &shape->members[i];
		if (m->where == where && word_is(m->wire, wire)) {
			*hint = i + 1;
			return m;
		}
	}
	return NULL;
}

void *grow_add(struct arena *mem, struct grow *g, size_t size)
{
	if (g->n == g->cap) {
		size_t cap = g->cap ? g->cap * 2 : 4;
		if (g->cap && arena_resize(mem, g->v, g->cap * size, cap * size)) {
			memset(g->v + g->n * size, 0, (cap - g->n) * size);
		} else {
			char *v = arena_alloc(mem, size, _Alignof(max_align_t), cap);
			if (g->n)
				memcpy(v, g->v, g->n * size);
			g->v = v;
		}
		g->cap = cap;
	}
	return g->v + g->n++ * size;
}

void grow_store(struct arena *mem, const struct grow *g, void *place)
{
	struct any_list l = { g->v, g->n };
	if (!l.v) /* given but empty: any address that is not NULL */
		l.v = arena_alloc(mem, 1, _Alignof(max_align_t), 1);
	memcpy(place, &l, sizeof l);
}

size_t value_size(const struct shape *container)
{
	size_t size = container->elem->size;
	if (container->kind == K_LIST)
		return size;
	const size_t align = _Alignof(struct str);
	return (MAP_VALUE + size + align - 1) / align * align;
}

/* Merge sort of entry numbers by key, stable; tmp is as long as v. */
static void sort_by_key(const char *entries, size_t size, uint32_t *v, uint32_t *tmp, size_t n)
{
	for (size_t width = 1; width < n; width *= 2) {
		for (size_t lo = 0; lo < n; lo += 2 * width) {
			size_t mid = lo + width < n ? lo + width : n, hi = lo + 2 * width < n ? lo + 2 * width : n;
			for (size_t i = lo, j = mid, k = lo; k < hi; k++) {
				bool left = j == hi;
				if (i < mid && !left)
					left = str_cmp(*(const struct str *)(const void *)(entries + v[i] * size),
						       *(const struct str *)(const void *)(entries + v[j] * size)) <= 0;
				tmp[k] = left ? v[i++] : v[j++];
			}
		}
		memcpy(v, tmp, n * sizeof *v);
	}
}

uint32_t *sorted_by_key(struct arena *mem, const void *v, size_t size, size_t n)
{
	assert(n <= UINT32_MAX);
	uint32_t *order = NEWS(mem, uint32_t, n), *tmp = NEWS(mem, uint32_t, n);
	for (size_t i = 0; i < n; i++)
		order[i] = (uint32_t)i;
	sort_by_key(v, size, order, tmp, n);
	return order;
}

void map_unique(struct arena *mem, struct grow *g, size_t size)
{
	if (g->n < 2)
		return;
	uint32_t *order = sorted_by_key(mem, g->v, size, g->n);
	bool *drop = NEWS(mem, bool, g->n);
	size_t dropped = 0;
	for (size_t i = 0, j; i < g->n; i = j) {
		struct str key = *(struct str *)(void *)(g->v + order[i] * size);
		for (j = i + 1; j < g->n && str_eq(*(struct str *)(void *)(g->v + order[j] * size), key); j++) {
			drop[order[j]] = true;
			dropped++;
		}
		if (j > i + 1)
			memcpy(g->v + order[i] * size, g->v + order[j - 1] * size, size);
	}
	if (!dropped)
		return;
	size_t kept = 0;
	for (size_t i = 0; i < g->n; i++)
		if (!drop[i])
			memmove(g->v + kept++ * size, g->v + i * size, size);
	g->n = kept;
}

enum time_format value_time_format(const struct shape *shape, uint8_t of_member, enum time_format of_place)
{
	if (of_member != TF_DEFAULT)
		return (enum time_format)of_member;
	return shape->time != TF_DEFAULT ? shape->time : of_place;
}

size_t utf8_step(const char *p, const char *end)
{
	static const struct {
		uint8_t mask, lead, lo, hi; /* lo, hi: the second byte's range */
		uint8_t n;
	} rows[] = {
		{ 0xff, 0xe0, 0xa0, 0xbf, 3 }, { 0xff, 0xed, 0x80, 0x9f, 3 }, { 0xf0, 0xe0, 0x80, 0xbf, 3 },
		{ 0xff, 0xf0, 0x90, 0xbf, 4 }, { 0xff, 0xf4, 0x80, 0x8f, 4 }, { 0xfc, 0xf0, 0x80, 0xbf, 4 },
		{ 0xe0, 0xc0, 0x80, 0xbf, 2 },
	};
	const uint8_t *s = (const uint8_t *)p;
	if (*s < 0x80)
		return 1;
	if (*s == 0xc0 || *s == 0xc1)
		return 0;
	for (size_t r = 0; r < COUNT(rows); r++) {
		if ((*s & rows[r].mask) != rows[r].lead)
			continue;
		if (end - p < rows[r].n || s[1] < rows[r].lo || s[1] > rows[r].hi)
			return 0;
		for (size_t i = 2; i < rows[r].n; i++)
			if ((s[i] & 0xc0) != 0x80)
				return 0;
		return rows[r].n;
	}
	return 0;
}

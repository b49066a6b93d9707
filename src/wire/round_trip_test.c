/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random structs through every format and back. Stored bytes are canonical (equal structs
 * pack to equal bytes), so pack is what compares; and the JSON of both is compared too.
 */
#include "base/codec.h"
#include "base/str.h"
#include "wire/constraint.h"
#include "wire/json.h"
#include "wire/pack.h"
#include "wire/query.h"
#include "wire/testing.h"
#include "wire/value.h"
#include "wire/xml.h"

struct gen {
	uint64_t s;
	struct arena *mem;
	int depth;
};

static uint64_t rnd(struct gen *g, uint64_t n)
{
	g->s ^= g->s << 13;
	g->s ^= g->s >> 7;
	g->s ^= g->s << 17;
	return (g->s >> 11) % n;
}

static void fill_struct(struct gen *g, const struct shape *shape, void *obj);

static struct str text(struct gen *g)
{
	static const char *const pieces[] = { "a",
					      "Z",
					      "0",
					      " ",
					      "\"",
					      "\\",
					      "&",
					      "<",
					      ">",
					      "'",
					      "\n",
					      "\t",
					      "\r",
					      "\xc3\xa9",
					      "\xe2\x82\xac",
					      "\xf0\x9f\x98\x80",
					      "+",
					      "%",
					      "=",
					      ".",
					      "plain text of some length" };
	struct buf b = buf_in(g->mem);
	for (uint64_t n = rnd(g, 6); n; n--)
		buf_z(&b, pieces[rnd(g, COUNT(pieces))]);
	return buf_str(&b);
}

static struct str bytes(struct gen *g)
{
	struct buf b = buf_in(g->mem);
	for (uint64_t n = rnd(g, 40); n; n--)
		buf_byte(&b, (char)rnd(g, 256));
	return buf_str(&b);
}

static void fill(struct gen *g, const struct shape *shape, void *place)
{
	static const int64_t ints[] = { 0, 1, -1, 63, 64, -64, 127, 128, 16384, INT32_MAX, INT32_MIN };
	static const double doubles[] = { 0, 1, -1.5, 0.1, 1e300, 5e-324, 123456789.123456789, -0.0 };
	switch (shape->kind) {
	case K_STRING:
		*(struct str *)place = text(g);
		break;
	case K_BLOB:
		*(struct str *)place = bytes(g);
		break;
	case K_DOCUMENT:
		*(struct str *)place = S("{\"x\":[1,null]}");
		break;
	case K_ENUM:
		enum_set(place, 1 + (int)rnd(g, 3));
		break;
	case K_BOOL:
		*(bool *)place = rnd(g, 2);
		break;
	case K_INT:
	case K_LONG:
		*(int64_t *)place = ints[rnd(g, COUNT(ints))];
		break;
	case K_FLOAT:
	case K_DOUBLE:
		*(double *)place = doubles[rnd(g, COUNT(doubles))];
		break;
	case K_TIME:
		*(int64_t *)place = (int64_t)rnd(g, 4000000000u) * 1000;
		break;
	case K_STRUCT:
	case K_UNION:
		fill_struct(g, shape, place);
		break;
	case K_LIST:
	case K_MAP: {
		struct grow v = { 0 };
		size_t size = value_size(shape);
		for (uint64_t n = g->depth > 12 ? 0 : rnd(g, 4); n; n--) {
			char *entry = grow_add(g->mem, &v, size);
			if (shape->kind == K_MAP) {
				struct str key = text(g);
				*(struct str *)(void *)entry = arena_printf(g->mem, "%.*s%zu", PR(key), v.n);
				entry += MAP_VALUE;
			}
			fill(g, shape->elem, entry);
		}
		grow_store(g->mem, &v, place);
	}
	}
}

static void fill_struct(struct gen *g, const struct shape *shape, void *obj)
{
	uint64_t only = rnd(g, shape->n_members);
	g->depth++;
	for (uint32_t i = 0; i < shape->n_members; i++) {
		const struct member *m = &shape->members[i];
		bool give = shape->kind == K_UNION ? i == only : (m->flags & M_REQUIRED) || rnd(g, 2);
		if (give)
			fill(g, m->shape, value_place(g->mem, obj, m));
	}
	g->depth--;
}

static struct str packed(struct arena *mem, const struct all *a)
{
	struct buf b = buf_in(mem);
	pack(&b, &t_all, a);
	return buf_str(&b);
}

static struct all *random_all(struct gen *g)
{
	struct all *a = NEW(g->mem, struct all);
	value_defaults(&t_all, a);
	fill_struct(g, &t_all, a);
	return a;
}

enum { ROUNDS = 2000 };

static void json_gives_back_what_it_was_given(void)
{
	for (uint64_t seed = 1; seed <= ROUNDS; seed++) {
		struct gen g = { .s = seed * 0x9e3779b97f4a7c15u, .mem = arena_new() };
		struct all *a = random_all(&g), b = { 0 };
		a->kind = a->kind.p ? a->kind : S("x");
		struct buf out = buf_in(g.mem);
		struct decode d = decode_in(g.mem);
		json_encode(&out, &t_all, a);
		EXPECT_OK(json_decode(&d, &t_all, buf_str(&out), &b));
		EXPECT_STR(hex_encode(g.mem, packed(g.mem, &b)), hex_encode(g.mem, packed(g.mem, a)));
		arena_free(g.mem);
	}
}

static void pack_gives_back_what_it_was_given(void)
{
	for (uint64_t seed = 1; seed <= ROUNDS; seed++) {
		struct gen g = { .s = seed * 0x9e3779b97f4a7c15u, .mem = arena_new() };
		struct all *a = random_all(&g), b = { 0 };
		struct str bytes_of = packed(g.mem, a);
		EXPECT_OK(unpack(g.mem, &t_all, bytes_of, &b));
		EXPECT_STR(packed(g.mem, &b), bytes_of);
		struct buf one = buf_in(g.mem), two = buf_in(g.mem);
		json_encode(&one, &t_all, a);
		json_encode(&two, &t_all, &b);
		EXPECT_STR(buf_str(&two), buf_str(&one));
		arena_free(g.mem);
	}
}

static void xml_gives_back_what_it_was_given(void)
{
	for (uint64_t seed = 1; seed <= ROUNDS; seed++) {
		struct gen g = { .s = seed * 0x9e3779b97f4a7c15u, .mem = arena_new() };
		struct all *a = random_all(&g), b = { 0 };
		if (!a->flat.n) /* nothing is written for these: there is no wrapping element */
			a->flat.v = NULL;
		struct buf out = buf_in(g.mem);
		struct decode d = decode_in(g.mem);
		xml_declaration(&out);
		/* the attribute's prefix has no declaration here: we do not look at namespaces */
		xml_element(&out, S("All"), S("http://example.com/"), &t_all, a, XML_ISO_MS);
		EXPECT_OK(xml_decode(&d, &t_all, S("All"), buf_str(&out), &b));
		EXPECT_STR(hex_encode(g.mem, packed(g.mem, &b)), hex_encode(g.mem, packed(g.mem, a)));
		arena_free(g.mem);
	}
}

static void unpack_survives_every_damage(void)
{
	for (uint64_t seed = 1; seed <= ROUNDS; seed++) {
		struct gen g = { .s = seed * 0x9e3779b97f4a7c15u, .mem = arena_new() };
		struct str s = str_dup(g.mem, packed(g.mem, random_all(&g)));
		char *p = (char *)(uintptr_t)s.p;
		struct all b = { 0 };
		if (seed % 2)
			s.n = rnd(&g, s.n);
		else
			p[rnd(&g, s.n)] ^= (char)(1 << rnd(&g, 8));
		if (!failed(unpack(g.mem, &t_all, s, &b)))
			packed(g.mem, &b);
		arena_free(g.mem);
	}
}

RUN_ALL(T(json_gives_back_what_it_was_given), T(pack_gives_back_what_it_was_given), T(xml_gives_back_what_it_was_given),
	T(unpack_survives_every_damage))

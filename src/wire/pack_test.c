/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stored bytes, one promise a test. Random structs go there and back in round_trip_test.c.
 */
#include "wire/pack.h"

#include "base/codec.h"
#include "base/str.h"
#include "wire/testing.h"

static struct str packed_hex(struct arena *mem, const struct all *a)
{
	struct buf b = buf_in(mem);
	pack(&b, &t_all, a);
	return hex_encode(mem, buf_str(&b));
}

static struct status unpack_hex(struct arena *mem, const char *hex, struct all *a)
{
	struct str bytes;
	*a = (struct all){ 0 };
	EXPECT_OK(hex_decode(mem, str_of(hex), &bytes));
	return unpack(mem, &t_all, bytes, a);
}

static void the_bytes_are_protobufs(void)
{
	struct arena *mem = arena_new();
	const struct tag tag = { S("k"), S("") };
	const int64_t numbers[] = { -1, 64 };
	struct all a = { .on = true, .days = 30 };
	EXPECT_STR(packed_hex(mem, &a), S("3801483c")); /* what has a default is always said */
	a = (struct all){ .name = S("hi"),
			  .color = BLUE,
			  .flag = SET(false),
			  .must = -2,
			  .weight = 1,
			  .tag = &tag,
			  .numbers = { numbers, 2 },
			  .names = { (const struct str *)"", 0 } };
	EXPECT_STR(packed_hex(mem, &a), S("0a026869"
					  "2803"
					  "3000"
					  "3800"
					  "4800"
					  "5003"
					  "61000000000000f03f"
					  "72050a016b1200"
					  "92010100"
					  "9a010402018001"));
	arena_free(mem);
}

static void what_is_absent_stays_absent(void)
{
	struct arena *mem = arena_new();
	struct all a;
	EXPECT_OK(unpack_hex(mem, "", &a));
	EXPECT(!a.name.p && !a.tag && !a.names.v && !a.flag.set && a.color == 0 && a.must == 0 && a.weight == 0);
	EXPECT(a.on && a.days == 30); /* defaults */
	EXPECT_OK(unpack_hex(mem, "0a0092010100", &a));
	EXPECT(a.name.p && !a.name.n && a.names.v && !a.names.n);
	arena_free(mem);
}

static void fields_of_the_future_are_skipped(void)
{
	struct arena *mem = arena_new();
	struct all a;
	EXPECT_OK(unpack_hex(mem,
			     "c03e05c93e0102030405060708ca3e03616263cd3e01020304"
			     "0a0161",
			     &a));
	EXPECT_STR(a.name, S("a"));
	arena_free(mem);
}

static void damaged_bytes_are_refused(void)
{
	static const char *const cases[] = {
		"0a",                     /* no length */
		"0a0261",                 /* cut off */
		"0affffffffffffffffff01", /* a length of 2^64 - 1 */
		"0801",                   /* a varint where a string belongs */
		"2804",                   /* no such word */
		"3002",                   /* a bool of 2 */
		"61000000",               /* half a double */
		"5080808080808080808080", /* a varint without end */
		"0000",                   /* id 0 */
		"72020a02",               /* a struct cut off inside */
		"72030a0161ff",           /* what follows it is no field */
		"9a010402010205",         /* bytes after the list's last element */
		"9a010105",               /* fewer elements than promised */
		"0b",                     /* group: a wire type we never write */
		"c63e",
		"c73e",
		"48ffffffffffffffffff01", /* -2^63, which marks what is missing */
	};
	struct arena *mem = arena_new();
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct all a;
		struct status st = unpack_hex(mem, cases[i], &a);
		if (!failed(st))
			printf("# %s\n", cases[i]);
		EXPECT_ERR(st, E_INVALID);
	}
	arena_free(mem);
}

static void nothing_is_marked_as_missing_in_what_was_stored(void)
{
	struct inner {
		int64_t must;
	};
	struct outer {
		const struct inner *inner;
	};
	static const struct member inner_members[] = {
		{ .name = "Must", .wire = "Must", .shape = &t_long, .flags = M_REQUIRED, .id = 1 },
	};
	static const struct shape inner = {
		.kind = K_STRUCT, .size = sizeof(struct inner), .members = inner_members, .n_members = 1
	};
	static const struct member outer_members[] = { { .name = "Inner", .wire = "Inner", .shape = &inner, .id = 1 } };
	static const struct shape outer = {
		.kind = K_STRUCT, .size = sizeof(struct outer), .members = outer_members, .n_members = 1
	};
	struct arena *mem = arena_new();
	struct outer o = { 0 };
	EXPECT_OK(unpack(mem, &outer, S("\x0a\x00"), &o));
	EXPECT(o.inner && o.inner->must == 0);
	arena_free(mem);
}

static void depth_is_bounded(void)
{
	struct arena *mem = arena_new();
	struct str inner = S("");
	for (int depth = 0; depth < 200; depth++) { /* Value = { L: [ { L: [ ... */
		struct buf list = buf_in(mem), field = buf_in(mem);
		buf_varint(&list, 1);
		buf_varint(&list, inner.n);
		buf_put(&list, inner);
		buf_byte(&field, 6 << 3 | 2);
		buf_varint(&field, list.n);
		buf_put(&field, buf_str(&list));
		inner = buf_str(&field);
		struct buf whole = buf_in(mem);
		struct all a = { 0 };
		buf_byte(&whole, 15 << 3 | 2);
		buf_varint(&whole, inner.n);
		buf_put(&whole, inner);
		/* each round is a list and a struct deeper */
		EXPECT(failed(unpack(mem, &t_all, buf_str(&whole), &a)) == (3 + 2 * depth > 64));
	}
	arena_free(mem);
}

static void long_values_move_for_their_length(void)
{
	struct arena *mem = arena_new();
	for (size_t n = 120; n < 140; n++) {
		char *p = arena_alloc(mem, 1, 1, n);
		memset(p, 'x', n);
		const struct tag tag = { str_make(p, n), S("end") };
		struct all a = { .tag = &tag }, b = { 0 };
		struct buf out = buf_in(mem);
		pack(&out, &t_all, &a);
		EXPECT_OK(unpack(mem, &t_all, buf_str(&out), &b));
		EXPECT_STR(b.tag->key, tag.key);
		EXPECT_STR(b.tag->value, tag.value);
	}
	arena_free(mem);
}

RUN_ALL(T(the_bytes_are_protobufs), T(what_is_absent_stays_absent), T(fields_of_the_future_are_skipped),
	T(damaged_bytes_are_refused), T(nothing_is_marked_as_missing_in_what_was_stored), T(depth_is_bounded),
	T(long_values_move_for_their_length))

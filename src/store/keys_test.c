/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys sort as their parts do, and come apart into what they were made of.
 */
#include "store/keys.h"

#include "base/str.h"
#include "base/test.h"

static struct str str_key(struct arena *mem, struct str s)
{
	struct buf b = buf_in(mem);
	key_str(&b, s);
	key_u64(&b, 7);
	return buf_str(&b);
}

static int sign(int x) { return (x > 0) - (x < 0); }

static void strings_sort_as_they_are(void)
{
	static const struct str all[] = { { "", 0 },        { "\0", 1 },      { "\0\0", 2 },  { "\0\xff", 2 },
					  { "\0a", 2 },     { "\x01", 1 },    { "a", 1 },     { "a\0", 2 },
					  { "a\0\0", 3 },   { "a\0\xff", 3 }, { "a\x01", 2 }, { "ab", 2 },
					  { "a\xff", 2 },   { "b", 1 },       { "\xff", 1 },  { "\xff\0", 2 },
					  { "\xff\xff", 2 } };
	struct arena *mem = arena_new();
	for (size_t i = 0; i < COUNT(all); i++)
		for (size_t j = 0; j < COUNT(all); j++)
			EXPECT(sign(str_cmp(str_key(mem, all[i]), str_key(mem, all[j]))) ==
			       sign(str_cmp(all[i], all[j])));
	arena_free(mem);
}

static void parts_come_apart(void)
{
	struct arena *mem = arena_new();
	struct buf b = buf_in(mem);
	key_tag(&b, 'u');
	key_str(&b, S("plain"));
	key_str(&b, S("with\0zero\0"));
	key_u64(&b, 1234567890123);
	key_desc(&b, 99);
	struct rd r = rd_of(buf_str(&b));
	EXPECT(key_take_tag(&r) == 'u');
	EXPECT_STR(key_take_str(&r, mem), S("plain"));
	EXPECT_STR(key_take_str(&r, mem), S("with\0zero\0"));
	EXPECT(key_take_u64(&r) == 1234567890123);
	EXPECT(key_take_desc(&r) == 99);
	EXPECT(rd_end(&r) && !r.bad);
	EXPECT_STR(key_of(mem, 'u', S("a"), S("b"), (struct str){ 0 }), S("ua\0\0b\0\0"));
	EXPECT_STR(key_of(mem, 'u', (struct str){ 0 }, S("b"), S("c")), S("u"));
	arena_free(mem);
}

static void broken_keys_are_refused(void)
{
	static const struct str bad[] = { { "", 0 }, { "abc", 3 }, { "abc\0", 4 }, { "a\0\x01", 3 }, { "a\0\xff", 3 } };
	struct arena *mem = arena_new();
	for (size_t i = 0; i < COUNT(bad); i++) {
		struct rd r = rd_of(bad[i]);
		EXPECT(key_take_str(&r, mem).n == 0);
		EXPECT(r.bad);
	}
	struct rd r = rd_of(S("1234567"));
	EXPECT(key_take_desc(&r) == 0 && r.bad);
	arena_free(mem);
}

static void numbers_sort_by_size_and_desc_the_other_way(void)
{
	static const uint64_t all[] = { 0, 1, 255, 256, 1ull << 40, UINT64_MAX };
	struct arena *mem = arena_new();
	for (size_t i = 1; i < COUNT(all); i++) {
		struct buf a = buf_in(mem), b = buf_in(mem), c = buf_in(mem), d = buf_in(mem);
		key_u64(&a, all[i - 1]);
		key_u64(&b, all[i]);
		EXPECT(str_cmp(buf_str(&a), buf_str(&b)) < 0);
		key_desc(&c, all[i - 1]);
		key_desc(&d, all[i]);
		EXPECT(str_cmp(buf_str(&c), buf_str(&d)) > 0);
	}
	arena_free(mem);
}

static void a_prefix_ends_where_it_should(void)
{
	struct arena *mem = arena_new();
	EXPECT_STR(key_after_prefix(mem, S("ab")), S("ac"));
	EXPECT_STR(key_after_prefix(mem, S("a\xff\xff")), S("b"));
	EXPECT_STR(key_after_prefix(mem, S("\xff")), S("\xff"));
	EXPECT_STR(key_after_prefix(mem, S("")), S("\xff"));
	struct buf b = buf_in(mem);
	key_str_prefix(&b, S("x\0y"));
	EXPECT_STR(buf_str(&b), S("x\0\xffy"));
	arena_free(mem);
}

RUN_ALL(T(strings_sort_as_they_are), T(parts_come_apart), T(broken_keys_are_refused),
	T(numbers_sort_by_size_and_desc_the_other_way), T(a_prefix_ends_where_it_should))

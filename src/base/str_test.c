/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Strings: comparing, cutting, searching, numbers, UTF-8, hashing, secrets.
 */
#include "base/str.h"
#include "base/test.h"

static const struct str none = { 0 };

static void strings_compare_bytewise_and_prefixes_come_first(void)
{
	EXPECT(str_cmp(S("a"), S("b")) < 0 && str_cmp(S("b"), S("a")) > 0 && str_cmp(S("a"), S("a")) == 0);
	EXPECT(str_cmp(S("a"), S("ab")) < 0 && str_cmp(S("ab"), S("a")) > 0);
	EXPECT(str_cmp(S("\x7f"), S("\x80")) < 0);
	EXPECT(str_cmp(none, S("")) == 0 && str_cmp(none, S("a")) < 0);
	EXPECT(str_eq(none, S("")) && !str_eq(S("a"), S("b")) && !str_eq(S("a"), S("ab")));
	EXPECT(str_eq_ci(S("HoSt"), S("hOsT")) && !str_eq_ci(S("host"), S("hosts")) && !str_eq_ci(S("@"), S("`")));
}

static void prefixes_and_suffixes_are_seen(void)
{
	EXPECT(str_starts(S("abc"), S("ab")) && str_starts(S("abc"), none) && !str_starts(S("ab"), S("abc")));
	EXPECT(str_ends(S("abc"), S("bc")) && str_ends(S("abc"), S("")) && !str_ends(S("bc"), S("abc")));
	EXPECT(!str_starts(S("abc"), S("b")) && !str_ends(S("abc"), S("b")));
	EXPECT(str_starts_ci(S("X-Amz-Meta"), S("x-amz-")) && !str_starts_ci(S("X-A"), S("x-amz-")));
}

static void cutting_is_clamped(void)
{
	EXPECT_STR(str_from(S("abc"), 1), S("bc"));
	EXPECT_STR(str_from(S("abc"), 9), S(""));
	EXPECT_STR(str_from(none, 5), S(""));
	EXPECT_STR(str_sub(S("abcdef"), 2, 3), S("cde"));
	EXPECT_STR(str_sub(S("abc"), 2, SIZE_MAX), S("c"));
	EXPECT_STR(str_sub(S("abc"), 7, 1), S(""));
	EXPECT_STR(str_trim(S(" \t a b\t ")), S("a b"));
	EXPECT_STR(str_trim(S("  ")), S(""));
	EXPECT_STR(str_trim(none), S(""));
}

static void what_follows_the_last_separator(void)
{
	EXPECT_STR(str_after_last(S("role/team/ann"), '/'), S("ann"));
	EXPECT_STR(str_after_last(S("ann"), '/'), S("ann"));
	EXPECT_STR(str_after_last(S("role/"), '/'), S(""));
	EXPECT_STR(str_after_last(none, '/'), S(""));
}

static void searching_finds_the_first_or_says_so(void)
{
	EXPECT(str_find_char(S("abca"), 'a') == 0 && str_find_char(S("abca"), 'c') == 2);
	EXPECT(str_find_char(S("abc"), 'x') == SIZE_MAX && str_find_char(none, 'x') == SIZE_MAX);
	EXPECT(str_find(S("hello"), S("llo")) == 2 && str_find(S("hello"), S("lo!")) == SIZE_MAX);
	EXPECT(str_find(S("he"), S("hello")) == SIZE_MAX && str_find(S("x"), none) == 0);
}

static void str_cut_walks_through_a_list(void)
{
	struct str rest = S("a,,b");
	EXPECT_STR(str_cut(&rest, ','), S("a"));
	EXPECT_STR(str_cut(&rest, ','), S(""));
	EXPECT(rest.p);
	EXPECT_STR(str_cut(&rest, ','), S("b"));
	EXPECT(!rest.p);
	rest = S("a,");
	EXPECT_STR(str_cut(&rest, ','), S("a"));
	EXPECT(rest.p && rest.n == 0);
}

static void numbers_are_whole_and_in_range(void)
{
	int64_t i = 77;
	uint64_t u = 77;
	EXPECT(str_to_i64(S("9223372036854775807"), &i) && i == INT64_MAX);
	EXPECT(str_to_i64(S("-9223372036854775808"), &i) && i == INT64_MIN);
	EXPECT(str_to_i64(S("-0"), &i) && i == 0);
	EXPECT(str_to_u64(S("18446744073709551615"), &u) && u == UINT64_MAX);
	EXPECT(str_to_u64(S("007"), &u) && u == 7);
	i = 77, u = 77;
	static const struct str bad[] = { S(""),
					  S("-"),
					  S("+1"),
					  S(" 1"),
					  S("1 "),
					  S("1a"),
					  S("0x1"),
					  S("--1"),
					  S("18446744073709551616"),
					  S("99999999999999999999999") };
	for (size_t k = 0; k < COUNT(bad); k++)
		EXPECT(!str_to_i64(bad[k], &i) && !str_to_u64(bad[k], &u));
	EXPECT(!str_to_i64(S("9223372036854775808"), &i) && !str_to_i64(S("-9223372036854775809"), &i));
	EXPECT(!str_to_u64(S("-1"), &u));
	EXPECT(i == 77 && u == 77);
}

static void utf8_is_judged_by_the_book(void)
{
	static const struct str good[] = { S(""),
					   S("plain ASCII, longer than one word of memory........"),
					   S("\xc2\x80"),
					   S("\xdf\xbf"),
					   S("\xe0\xa0\x80"),
					   S("\xed\x9f\xbf"),
					   S("\xee\x80\x80"),
					   S("\xef\xbf\xbf"),
					   S("\xf0\x90\x80\x80"),
					   S("\xf4\x8f\xbf\xbf"),
					   S("12345678\xe2\x82\xac"
					     "12345678") };
	static const struct str bad[] = { S("\x80"),
					  S("\xbf"),
					  S("\xc0\x80"),
					  S("\xc1\xbf"),
					  S("\xc2"),
					  S("\xc2\x41"),
					  S("\xe0\x9f\xbf"),
					  S("\xe2\x82"),
					  S("\xed\xa0\x80"),
					  S("\xed\xbf\xbf"),
					  S("\xf0\x8f\xbf\xbf"),
					  S("\xf4\x90\x80\x80"),
					  S("\xf5\x80\x80\x80"),
					  S("\xff"),
					  S("\xf0\x90\x80"),
					  S("12345678\x80") };
	for (size_t i = 0; i < COUNT(good); i++)
		EXPECT(str_is_utf8(good[i]));
	for (size_t i = 0; i < COUNT(bad); i++)
		EXPECT(!str_is_utf8(bad[i]));
	EXPECT(str_is_utf8(none));
}

static void length_counts_code_points(void)
{
	EXPECT(str_utf8_length(S("12345678\xe2\x82\xac\xf0\x90\x80\x80z")) == 11);
	EXPECT(str_utf8_length(S("\xff\xfe"
				 "a")) == 3);
	EXPECT(str_utf8_length(S("\xe2\x82")) == 2);
	EXPECT(str_utf8_length(none) == 0);
}

static void hashes_depend_on_every_byte_the_length_and_the_seed(void)
{
	char text[64] = { 0 };
	uint64_t seen[64 + 64];
	size_t n = 0;
	for (size_t i = 0; i < 64; i++)
		seen[n++] = str_hash(str_make(text, i), 1);
	for (size_t i = 0; i < 64; i++) {
		text[i] = 1;
		seen[n++] = str_hash(str_make(text, 64), 1);
		text[i] = 0;
	}
	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < i; j++)
			EXPECT(seen[i] != seen[j]);
	EXPECT(str_hash(S("a"), 1) != str_hash(S("a"), 2));
	EXPECT(str_hash(none, 3) == str_hash(S(""), 3));
}

static void secrets_compare_and_vanish(void)
{
	EXPECT(secret_eq(S("abc"), S("abc")) && !secret_eq(S("abc"), S("abd")) && !secret_eq(S("abc"), S("ab")));
	EXPECT(!secret_eq(S("xbc"), S("abc")) && secret_eq(none, S("")));
	EXPECT(!secret_eq(S("\x80"), S("\x00")));
	char key[4] = "key";
	secret_wipe(key, sizeof(key));
	EXPECT(memcmp(key, "\0\0\0\0", 4) == 0);
	secret_wipe(NULL, 0);
}

RUN_ALL(T(strings_compare_bytewise_and_prefixes_come_first), T(prefixes_and_suffixes_are_seen), T(cutting_is_clamped),
	T(what_follows_the_last_separator), T(searching_finds_the_first_or_says_so), T(str_cut_walks_through_a_list),
	T(numbers_are_whole_and_in_range), T(utf8_is_judged_by_the_book), T(length_counts_code_points),
	T(hashes_depend_on_every_byte_the_length_and_the_seed), T(secrets_compare_and_vanish))

/* SPDX-License-Identifier: Apache-2.0 */
/* Wildcards and ARNs. */
#include "policy/policy.h"
#include "base/test.h"

static bool fits(const char *pattern, const char *text) { return policy_wildcard_match(str_of(pattern), str_of(text)); }

static void a_star_is_any_run_and_a_question_mark_one_character(void)
{
	EXPECT(fits("", "") && !fits("", "a") && !fits("a", ""));
	EXPECT(fits("*", "") && fits("*", "abc") && fits("**", "abc") && fits("a*", "a") && !fits("a*", "b"));
	EXPECT(fits("?", "a") && !fits("?", "") && !fits("?", "ab") && fits("a?c", "abc") && fits("*?", "a") &&
	       !fits("*?", ""));
	EXPECT(fits("a*b*c", "aXXbYYc") && !fits("a*b*c", "aXXcYYb") && fits("*abc", "ababc") &&
	       !fits("*abc", "ababd"));
	EXPECT(fits("*.txt", "a.txt.txt") && fits("a*a", "aa") && !fits("a*a", "a"));
	EXPECT(!fits("ABC", "abc") && policy_wildcard_match_ci(S("A*C"), S("abc")));
}

static void a_character_may_be_several_bytes(void)
{
	EXPECT(fits("?", "\xc3\xa9") &&
	       fits("a?b", "a\xe2\x82\xac"
			   "b") &&
	       !fits("??", "\xc3\xa9"));
	EXPECT(fits("*?", "\xc3\xa9") && fits("*\xa9", "\xc3\xa9") == false);
}

/* A pattern made to make matchers explode: the bound is length times length. */
static void hostile_patterns_take_no_time(void)
{
	static char pattern[4001], text[20001];
	for (size_t i = 0; i + 1 < sizeof pattern; i += 2) {
		pattern[i] = '*';
		pattern[i + 1] = 'a';
	}
	memset(text, 'a', sizeof text - 1);
	text[sizeof text - 2] = 'b';
	EXPECT(!policy_wildcard_match(str_make(pattern, 4000), str_make(text, 20000)));
	EXPECT(fits("*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab"));
}

static void an_arn_has_six_parts(void)
{
	struct arn a;
	EXPECT_OK(arn_parse(S("arn:aws:s3:::bucket/key:with:colons"), &a));
	EXPECT_STR(a.partition, S("aws"));
	EXPECT_STR(a.service, S("s3"));
	EXPECT(a.region.n == 0 && a.account.n == 0);
	EXPECT_STR(a.resource, S("bucket/key:with:colons"));
	EXPECT_ERR(arn_parse(S("arn:aws:s3::bucket"), &a), E_INVALID);
	EXPECT_ERR(arn_parse(S("urn:aws:s3:::bucket"), &a), E_INVALID);
	EXPECT_ERR(arn_parse(S("arn::s3:::bucket"), &a), E_INVALID);
	EXPECT_ERR(arn_parse(S("arn:aws::::bucket"), &a), E_INVALID);
	EXPECT_ERR(arn_parse(S("arn:aws:s3:::"), &a), E_INVALID);
	EXPECT_ERR(arn_parse((struct str){ 0 }, &a), E_INVALID);
}

static void arns_are_compared_part_by_part(void)
{
	EXPECT(arn_match(S("arn:aws:sns:*:1:t"), S("arn:aws:sns:us-east-1:1:t")));
	EXPECT(!arn_match(S("arn:aws:sns:*:1:t"), S("arn:aws:sns:x:2:y:1:t")));
	EXPECT(arn_match(S("arn:aws:logs:*:*:log-group:*"), S("arn:aws:logs:r:1:log-group:a:b")));
	EXPECT(!arn_match(S("arn:aws:sns:*"), S("arn:aws:sns:r:1:t")) && !arn_match(S("*"), S("arn:aws:sns:r:1:t")));
	EXPECT(!arn_match(S("arn:aws:sns:r:1:t"), S("nothing")));
}

static void an_account_is_twelve_digits(void)
{
	EXPECT(account_id_is(S("111122223333")));
	EXPECT(!account_id_is(S("11112222333")) && !account_id_is(S("1111222233334")) &&
	       !account_id_is(S("11112222333a")) && !account_id_is(S("")));
}

RUN_ALL(T(a_star_is_any_run_and_a_question_mark_one_character), T(a_character_may_be_several_bytes),
	T(hostile_patterns_take_no_time), T(an_arn_has_six_parts), T(arns_are_compared_part_by_part),
	T(an_account_is_twelve_digits))

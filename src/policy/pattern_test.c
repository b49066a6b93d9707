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

/* By the definition of '*' and '?', and nothing else. */
static bool by_definition(const char *p, size_t pn, const char *t, size_t tn)
{
	size_t size = 1;
	if (pn == 0)
		return tn == 0;
	while (size < tn && ((uint8_t)t[size] & 0xc0) == 0x80)
		size++;
	if (*p == '*')
		return by_definition(p + 1, pn - 1, t, tn) || (tn > 0 && by_definition(p, pn, t + size, tn - size));
	if (tn == 0)
		return false;
	if (*p == '?')
		return by_definition(p + 1, pn - 1, t + size, tn - size);
	return *p == *t && by_definition(p + 1, pn - 1, t + 1, tn - 1);
}

static uint64_t next_random(uint64_t *seed)
{
	*seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return *seed >> 33;
}

/* Few kinds of pieces, so that most patterns nearly match. */
static size_t random_text(uint64_t *seed, char *out, size_t most, const char *const *pieces, size_t kinds)
{
	size_t n = 0, count = next_random(seed) % most;
	for (size_t i = 0; i < count; i++) {
		const char *s = pieces[next_random(seed) % kinds];
		memcpy(out + n, s, strlen(s));
		n += strlen(s);
	}
	return n;
}

static void any_pattern_matches_what_its_definition_says(void)
{
	static const char *const in_pattern[] = { "a", "a", "b", "*", "?", "\xc3\xa9", "aab" };
	static const char *const in_text[] = { "a", "a", "a", "b", "\xc3\xa9", "\xe2\x82\xac" };
	uint64_t seed = 7;
	size_t yes = 0;
	for (int i = 0; i < 200000; i++) {
		char p[64], t[64];
		size_t pn = random_text(&seed, p, 10, in_pattern, COUNT(in_pattern));
		size_t tn = random_text(&seed, t, 12, in_text, COUNT(in_text));
		bool want = by_definition(p, pn, t, tn), got = policy_wildcard_match(str_make(p, pn), str_make(t, tn));
		if (want != got)
			printf("# %.*s on %.*s\n", (int)pn, p, (int)tn, t);
		EXPECT(want == got);
		yes += want;
	}
	printf("# %zu of 200000 match\n", yes);
	EXPECT(yes > 10000 && yes < 180000);
}

/* Segments with '?' that are longer than a machine word, in texts long enough for shift-and. */
static void long_patterns_match_what_their_definition_says(void)
{
	static const char *const pieces[] = { "a", "a", "a", "a", "a", "\xc3\xa9", "b" };
	uint64_t seed = 11;
	size_t yes = 0;
	for (int i = 0; i < 3000; i++) {
		char t[1200], p[1204] = "*";
		size_t tn = random_text(&seed, t, 400, pieces, COUNT(pieces)), pn = 1, k = 0;
		while (k < tn && (next_random(&seed) % 8 || ((uint8_t)t[k] & 0xc0) == 0x80))
			k++;
		for (size_t size; k < tn; k += size) { /* the text itself with some characters blotted out */
			size = t[k] == '\xc3' ? 2 : 1;
			bool blot = next_random(&seed) % 5 == 0;
			memcpy(p + pn, blot ? "?" : t + k, blot ? 1 : size);
			pn += blot ? 1 : size;
			if (next_random(&seed) % 400 == 0)
				p[pn++] = '*';
			if (next_random(&seed) % 300 == 0)
				p[pn++] = 'b';
		}
		p[pn++] = '*';
		bool want = by_definition(p, pn, t, tn);
		EXPECT(policy_wildcard_match(str_make(p, pn), str_make(t, tn)) == want);
		yes += want;
	}
	EXPECT(yes > 300 && yes < 2900);
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
	T(any_pattern_matches_what_its_definition_says), T(long_patterns_match_what_their_definition_says),
	T(hostile_patterns_take_no_time), T(an_arn_has_six_parts), T(arns_are_compared_part_by_part),
	T(an_account_is_twelve_digits))

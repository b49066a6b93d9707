/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One-time passwords against RFC 4226 appendix D and RFC 6238 appendix B.
 */
#include "svc/iam/totp.h"

#include "base/str.h"
#include "base/test.h"

#define SEED S("12345678901234567890")

static void the_examples_of_rfc_4226_hold(void)
{
	static const char *const want[] = { "755224", "287082", "359152", "969429", "338314",
					    "254676", "287922", "162583", "399871", "520489" };
	char code[6];
	for (size_t i = 0; i < COUNT(want); i++) {
		hotp(SEED, i, 6, code);
		EXPECT_STR(str_make(code, 6), str_of(want[i]));
	}
}

static void the_examples_of_rfc_6238_hold(void)
{
	static const struct {
		int64_t s;
		const char *code;
	} want[] = {
		{ 59, "94287082" },         { 1111111109, "07081804" }, { 1111111111, "14050471" },
		{ 1234567890, "89005924" }, { 2000000000, "69279037" }, { 20000000000, "65353130" },
	};
	char code[8];
	for (size_t i = 0; i < COUNT(want); i++) {
		hotp(SEED, (uint64_t)totp_step(1000 * want[i].s), 8, code);
		EXPECT_STR(str_make(code, 8), str_of(want[i].code));
	}
}

static void a_code_is_found_within_its_window_only(void)
{
	int64_t step = -7;
	EXPECT(totp_find(SEED, 0, 9, S("969429"), &step) && step == 3);
	step = -7;
	EXPECT(!totp_find(SEED, 4, 9, S("969429"), &step));
	EXPECT(!totp_find(SEED, 0, 2, S("969429"), &step));
	EXPECT(!totp_find(SEED, 0, 9, S("969428"), &step));
	EXPECT(step == -7);
	EXPECT(totp_find(SEED, -5, 0, S("755224"), &step) && step == 0);
}

static void two_codes_must_follow_each_other(void)
{
	int64_t step = -7;
	EXPECT(totp_find_two(SEED, 0, 9, S("359152"), S("969429"), &step) && step == 3);
	step = -7;
	EXPECT(!totp_find_two(SEED, 0, 9, S("969429"), S("359152"), &step));
	EXPECT(!totp_find_two(SEED, 0, 9, S("969429"), S("969429"), &step));
	EXPECT(!totp_find_two(SEED, 0, 9, S("287082"), S("969429"), &step));
	EXPECT(!totp_find_two(SEED, 3, 9, S("359152"), S("969429"), &step));
	EXPECT(step == -7);
}

static void only_six_digits_are_a_code(void)
{
	static const char *const bad[] = { "", "12345", "1234567", "12345x", "12 456", "-12345", "+12345", "12345\n" };
	int64_t step;
	for (size_t i = 0; i < COUNT(bad); i++) {
		EXPECT(!totp_is_code(str_of(bad[i])));
		EXPECT(!totp_find(SEED, 0, 9, str_of(bad[i]), &step));
	}
	EXPECT(totp_is_code(S("000000")));
	EXPECT(!totp_is_code(S("12345\xd9\xa0")));
}

RUN_ALL(T(the_examples_of_rfc_4226_hold), T(the_examples_of_rfc_6238_hold), T(a_code_is_found_within_its_window_only),
	T(two_codes_must_follow_each_other), T(only_six_digits_are_a_code))

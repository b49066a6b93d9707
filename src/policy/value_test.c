/* SPDX-License-Identifier: Apache-2.0 */
/* Values of conditions: what is a number, a date, an address, and what is not. */
#include "policy/impl.h"
#include "base/test.h"

static int compared(const char *a, const char *b)
{
	struct num x, y;
	EXPECT(pol_num_parse(str_of(a), &x) && pol_num_parse(str_of(b), &y));
	return pol_num_cmp(x, y);
}

static void numbers_are_decimal_and_exact(void)
{
	EXPECT(compared("10", "10.0") == 0);
	EXPECT(compared("+1", "1") == 0);
	EXPECT(compared("-0", "0") == 0);
	EXPECT(compared("0.1", "0.10000000") == 0);
	EXPECT(compared("-1.5", "-1") < 0);
	EXPECT(compared("-1.5", "-2") > 0);
	EXPECT(compared("-0.5", "0") < 0);
	EXPECT(compared("9007199254740993", "9007199254740992") > 0);
	EXPECT(compared("1.000000001", "1") > 0);
}

static void what_is_not_a_number_is_refused(void)
{
	static const char *const bad[] = { "",
					   "-",
					   "+",
					   ".",
					   "1.",
					   ".5",
					   "1e3",
					   "0x1",
					   " 1",
					   "1 ",
					   "1.2.3",
					   "99999999999999999999",
					   "0.0000000001",
					   "--1",
					   "1,5" };
	struct num n;
	for (size_t i = 0; i < COUNT(bad); i++)
		EXPECT(!pol_num_parse(str_of(bad[i]), &n));
}

static void dates_come_in_the_documented_forms(void)
{
	static const struct {
		const char *text;
		int64_t ms;
	} cases[] = {
		{ "2026", 1767225600000 },
		{ "2026-01", 1767225600000 },
		{ "2026-01-01", 1767225600000 },
		{ "2026-01-01T00:00Z", 1767225600000 },
		{ "2026-01-01T00:00:00Z", 1767225600000 },
		{ "2026-01-01t00:00:00z", 1767225600000 },
		{ "2026-01-01T01:30:00+01:30", 1767225600000 },
		{ "2025-12-31T22:00:00-02:00", 1767225600000 },
		{ "2026-01-01T00:00:00.250Z", 1767225600250 },
		{ "1767225600", 1767225600000 },
		{ "1767225600.5", 1767225600500 },
		{ "0", 0 },
		{ "2024-02-29", 1709164800000 },
	};
	for (size_t i = 0; i < COUNT(cases); i++) {
		int64_t ms = -1;
		bool ok = pol_date_parse(str_of(cases[i].text), &ms);
		EXPECT(ok && ms == cases[i].ms);
	}
}

static void what_is_not_a_date_is_refused(void)
{
	static const char *const bad[] = { "",
					   "yesterday",
					   "2026-13",
					   "2026-00",
					   "2026-02-30",
					   "2025-02-29",
					   "2026-1-1",
					   "2026-01-01T",
					   "2026-01-01T00:00:00",
					   "2026-01-01T24:00:00Z",
					   "2026-01-01T00:60Z",
					   "2026-01-01T00:00:00+1",
					   "2026-01-01T00:00:00.Z",
					   "2026-01-01 00:00:00Z",
					   "0000-01-01",
					   "99999999999999999" };
	int64_t ms;
	for (size_t i = 0; i < COUNT(bad); i++)
		EXPECT(!pol_date_parse(str_of(bad[i]), &ms));
}

static bool holds(const char *range, const char *ip)
{
	struct cidr r, a;
	EXPECT(pol_cidr_parse(str_of(range), &r) && pol_ip_parse(str_of(ip), &a));
	return pol_cidr_holds(&r, &a);
}

static void ranges_hold_their_addresses(void)
{
	EXPECT(holds("203.0.113.0/24", "203.0.113.255") && !holds("203.0.113.0/24", "203.0.114.0"));
	EXPECT(holds("203.0.113.7", "203.0.113.7") && !holds("203.0.113.7", "203.0.113.6"));
	EXPECT(holds("0.0.0.0/0", "8.8.8.8") && !holds("0.0.0.0/0", "::1"));
	EXPECT(holds("10.0.0.0/9", "10.127.0.1") && !holds("10.0.0.0/9", "10.128.0.1"));
	EXPECT(holds("2001:DB8::/32", "2001:db8:ffff::1") && !holds("2001:db8::/33", "2001:db8:8000::1"));
	EXPECT(holds("::/0", "::1") && holds("::1", "0:0:0:0:0:0:0:1"));
	EXPECT(holds("203.0.113.0/24", "::ffff:203.0.113.9") && holds("::ffff:203.0.113.0/120", "203.0.113.9"));
}

static void what_is_not_an_address_is_refused(void)
{
	static const char *const bad[] = { "",
					   "1.2.3",
					   "1.2.3.4.5",
					   "256.1.1.1",
					   "01.2.3.4",
					   "1.2.3.4/33",
					   "1.2.3.4/",
					   "1.2.3.4/a",
					   ":",
					   ":::",
					   "1::2::3",
					   "12345::",
					   "::/129",
					   "1:2:3:4:5:6:7",
					   "1:2:3:4:5:6:7:8:9",
					   "1:2:3:4:5:6:7:",
					   "::1.2.3",
					   "::ffff:1.2.3.4/95",
					   "g::",
					   "1.2.3.4 " };
	struct cidr c;
	for (size_t i = 0; i < COUNT(bad); i++)
		EXPECT(!pol_cidr_parse(str_of(bad[i]), &c));
}

static void bytes_are_base64(void)
{
	char out[8] = { 0 };
	size_t n;
	EXPECT(pol_base64_length(S("aGk="), &n) && n == 2);
	pol_base64_to(S("aGk="), out);
	EXPECT(memcmp(out, "hi", 2) == 0);
	EXPECT(pol_base64_length(S(""), &n) && n == 0);
	EXPECT(!pol_base64_length(S("aGk"), &n) && !pol_base64_length(S("a*k="), &n) &&
	       !pol_base64_length(S("a==="), &n) && !pol_base64_length(S("=aGk"), &n));
}

static void values_can_be_asked_for_their_form(void)
{
	EXPECT(policy_is_number(S("-10.5")) && !policy_is_number(S("ten")) && !policy_is_number(S("")));
	EXPECT(policy_is_date(S("2026-01-01T00:00:00Z")) && policy_is_date(S("1767225600")) &&
	       !policy_is_date(S("now")));
	EXPECT(policy_is_address(S("192.0.2.1")) && policy_is_address(S("2001:db8::1")));
	EXPECT(!policy_is_address(S("192.0.2.0/24")) && !policy_is_address(S("192.0.2")));
}

RUN_ALL(T(values_can_be_asked_for_their_form), T(numbers_are_decimal_and_exact), T(what_is_not_a_number_is_refused),
	T(dates_come_in_the_documented_forms), T(what_is_not_a_date_is_refused), T(ranges_hold_their_addresses),
	T(what_is_not_an_address_is_refused), T(bytes_are_base64))

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The calendar, checked by walking through it day by day, and the text forms, strictly.
 */
#include "base/str.h"
#include "base/test.h"
#include "base/time.h"

enum { NOV_6_1994_S = 784111777 }; /* RFC 7231's example: Sun, 06 Nov 1994 08:49:37 GMT */

static bool leap(int year) { return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0; }

static void every_day_of_ten_thousand_years_is_right(void)
{
	static const int lengths[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	int64_t ms = -62135596800000;
	int weekday = 1; /* 0001-01-01 was a Monday in the calendar reckoned backwards */
	for (int year = 1; year <= 9999; year++)
		for (int month = 1; month <= 12; month++)
			for (int day = 1; day <= lengths[month - 1] + (month == 2 && leap(year)); day++) {
				struct civil c = time_civil(ms + DAY_MS - 1);
				EXPECT(c.year == year && c.month == month && c.day == day && c.weekday == weekday);
				EXPECT(c.hour == 23 && c.minute == 59 && c.second == 59 && c.ms == 999);
				EXPECT(time_of_civil(&c) == ms + DAY_MS - 1);
				weekday = (weekday + 1) % 7;
				ms += DAY_MS;
			}
	EXPECT(ms == 253402300800000);
}

static void times_are_written_in_each_form(void)
{
	struct arena *a = arena_new();
	int64_t ms = (int64_t)NOV_6_1994_S * 1000 + 5;
	EXPECT_STR(time_iso8601(a, ms), S("1994-11-06T08:49:37Z"));
	EXPECT_STR(time_iso8601_ms(a, ms), S("1994-11-06T08:49:37.005Z"));
	EXPECT_STR(time_basic(a, ms), S("19941106T084937Z"));
	EXPECT_STR(time_http(a, ms), S("Sun, 06 Nov 1994 08:49:37 GMT"));
	EXPECT_STR(time_iso8601_ms(a, -1), S("1969-12-31T23:59:59.999Z"));
	EXPECT_STR(time_iso8601(a, INT64_MIN), S("0001-01-01T00:00:00Z"));
	EXPECT_STR(time_http(a, INT64_MAX), S("Fri, 31 Dec 9999 23:59:59 GMT"));
	arena_free(a);
}

typedef struct status parser(struct str, int64_t *);

static void reads(parser *parse, struct str text, int64_t want)
{
	int64_t ms = 0;
	EXPECT_OK(parse(text, &ms));
	EXPECT(ms == want);
}

static void refuses(parser *parse, const struct str *bad, size_t n)
{
	int64_t ms = 77;
	for (size_t i = 0; i < n; i++) {
		if (!failed(parse(bad[i], &ms)))
			printf("# taken: %.*s\n", PR(bad[i]));
		EXPECT_ERR(parse(bad[i], &ms), E_INVALID);
		EXPECT(ms == 77);
	}
}

static void iso8601_is_read_with_zone_and_fraction(void)
{
	int64_t ms = (int64_t)NOV_6_1994_S * 1000;
	reads(time_parse_iso8601, S("1994-11-06T08:49:37Z"), ms);
	reads(time_parse_iso8601, S("1994-11-06T08:49:37.5Z"), ms + 500);
	reads(time_parse_iso8601, S("1994-11-06T08:49:37.0059999999999999999999Z"), ms + 5);
	reads(time_parse_iso8601, S("1994-11-06T09:49:37+01:00"), ms);
	reads(time_parse_iso8601, S("1994-11-05T23:19:37.25-09:30"), ms + 250);
	reads(time_parse_iso8601, S("1994-11-06"), ms - 8 * HOUR_MS - 49 * MINUTE_MS - 37 * SECOND_MS);
	reads(time_parse_iso8601, S("0001-01-01T00:00:00Z"), -62135596800000);
	reads(time_parse_iso8601, S("9999-12-31T23:59:59.999Z"), 253402300799999);
	reads(time_parse_iso8601, S("2000-02-29"), 951782400000);
}

static void leap_days_are_read_in_leap_years_only(void)
{
	struct arena *a = arena_new();
	int64_t ms;
	for (int year = 1; year <= 9999; year++) {
		struct str day = arena_printf(a, "%04d-02-29", year);
		EXPECT(failed(time_parse_iso8601(day, &ms)) == !leap(year));
	}
	arena_free(a);
}

static void iso8601_is_refused_when_it_is_not_a_real_time(void)
{
	static const struct str bad[] = { S(""),
					  S("1994"),
					  S("1994-11"),
					  S("1994-11-6"),
					  S("1994-11-06T"),
					  S("1994-13-06"),
					  S("1994-00-06"),
					  S("1994-11-31"),
					  S("1994-11-00"),
					  S("1900-02-29"),
					  S("2023-02-29"),
					  S("0000-01-01"),
					  S("1994-11-06T24:00:00Z"),
					  S("1994-11-06T08:60:00Z"),
					  S("1994-11-06T08:49:60Z"),
					  S("1994-11-06T08:49Z"),
					  S("1994-11-06T08:49:37"),
					  S("1994-11-06T08:49:37.Z"),
					  S("1994-11-06T08:49:37z"),
					  S("1994-11-06 08:49:37Z"),
					  S("1994-11-06T08:49:37+0100"),
					  S("1994-11-06T08:49:37+24:00"),
					  S("1994-11-06T08:49:37+01:60"),
					  S("1994-11-06T08:49:37ZZ"),
					  S("1994-11-06T08:49:37 Z"),
					  S("+994-11-06"),
					  S("-001-01-01"),
					  S("10000-01-01"),
					  S("0001-01-01T00:00:00+00:01"),
					  S("9999-12-31T23:59:59-00:01"),
					  S("1994-11-06T08:49:37.5"),
					  S(" 1994-11-06"),
					  S("1994-11-06Z"),
					  S("1994-1\xff-06") };
	refuses(time_parse_iso8601, bad, COUNT(bad));
}

static void the_basic_form_is_exactly_that(void)
{
	static const struct str bad[] = { S(""),
					  S("19941106T084937"),
					  S("19941106T084937Z "),
					  S("19941106t084937Z"),
					  S("19941131T084937Z"),
					  S("19941106T240000Z"),
					  S("1994-11-06T08:49:37Z"),
					  S("19941106T084937.0Z"),
					  S("19941106"),
					  S("00001106T084937Z") };
	reads(time_parse_basic, S("19941106T084937Z"), (int64_t)NOV_6_1994_S * 1000);
	refuses(time_parse_basic, bad, COUNT(bad));
}

static void http_dates_are_read_in_all_three_forms(void)
{
	int64_t ms = (int64_t)NOV_6_1994_S * 1000;
	reads(time_parse_http, S("Sun, 06 Nov 1994 08:49:37 GMT"), ms);
	reads(time_parse_http, S("Sunday, 06-Nov-94 08:49:37 GMT"), ms);
	reads(time_parse_http, S("Sun Nov  6 08:49:37 1994"), ms);
	reads(time_parse_http, S("Wed Nov 16 08:49:37 1994"), ms + 10ll * DAY_MS);
	reads(time_parse_http, S("Thursday, 01-Jan-26 00:00:00 GMT"), 1767225600000);
}

static void other_http_dates_are_refused(void)
{
	static const struct str bad[] = { S(""),
					  S("Sun"),
					  S("Mon, 06 Nov 1994 08:49:37 GMT"),
					  S("Sun, 6 Nov 1994 08:49:37 GMT"),
					  S("Sun, 06 Nov 1994 08:49:37"),
					  S("Sun, 06 Nov 1994 08:49:37 UTC"),
					  S("sun, 06 nov 1994 08:49:37 gmt"),
					  S("Sun, 31 Nov 1994 08:49:37 GMT"),
					  S("Sun, 06 Nov 94 08:49:37 GMT"),
					  S("Sunday, 06 Nov 1994 08:49:37 GMT"),
					  S("Sun, 06-Nov-94 08:49:37 GMT"),
					  S("Sun Nov 6 08:49:37 1994"),
					  S("Sun Nov 06 08:49:37 1994 GMT"),
					  S("Sun, 06 Nov 1994 08:49:37 GMT "),
					  S("Sun,06 Nov 1994 08:49:37 GMT"),
					  S("Sun, 06 Foo 1994 08:49:37 GMT"),
					  S("Sun, 06 Nov 1994 24:49:37 GMT"),
					  S("784111777") };
	refuses(time_parse_http, bad, COUNT(bad));
}

static void what_is_written_is_read_back(void)
{
	struct arena *a = arena_new();
	for (int64_t ms = -62135596800000; ms <= 253402300799000; ms += 86399999 * 1009ll) {
		int64_t s = ms - ((ms % 1000) + 1000) % 1000;
		reads(time_parse_iso8601, time_iso8601(a, ms), s);
		reads(time_parse_iso8601, time_iso8601_ms(a, ms), ms);
		reads(time_parse_basic, time_basic(a, ms), s);
		reads(time_parse_http, time_http(a, ms), s);
		arena_reset(a);
	}
	arena_free(a);
}

RUN_ALL(T(every_day_of_ten_thousand_years_is_right), T(times_are_written_in_each_form),
	T(iso8601_is_read_with_zone_and_fraction), T(leap_days_are_read_in_leap_years_only),
	T(iso8601_is_refused_when_it_is_not_a_real_time), T(the_basic_form_is_exactly_that),
	T(http_dates_are_read_in_all_three_forms), T(other_http_dates_are_refused), T(what_is_written_is_read_back))

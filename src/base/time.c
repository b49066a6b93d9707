/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Milliseconds to calendar and back, as text. See time.h.
 *
 * Days are counted in years that begin on the first of March, so that the leap day comes
 * last and months follow one formula (the method of Howard Hinnant's "chrono-compatible
 * low-level date algorithms"). Civil time has 86,400 seconds a day: a leap second (:60)
 * is not a point on this line and is refused.
 */
#include "base/time.h"

#include "base/str.h"

/* 0001-01-01T00:00:00.000Z and 9999-12-31T23:59:59.999Z */
static const int64_t least_ms = -62135596800000, most_ms = 253402300799999;

static const char weekdays[7][10] = { "Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday" };
static const char months[12][4] = {
	"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"
};

/* ---- the calendar ---- */

static int64_t days_of_civil(int year, int month, int day)
{
	int64_t y = month <= 2 ? year - 1 : year;
	int64_t era = (y >= 0 ? y : y - 399) / 400;
	int64_t year_of_era = y - era * 400;
	int64_t day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
	int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
	return era * 146097 + day_of_era - 719468;
}

static void civil_of_days(int64_t days, struct civil *c)
{
	int64_t z = days + 719468;
	int64_t era = (z >= 0 ? z : z - 146096) / 146097;
	int64_t day_of_era = z - era * 146097;
	int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
	int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	int64_t from_march = (5 * day_of_year + 2) / 153;
	c->day = (int)(day_of_year - (153 * from_march + 2) / 5 + 1);
	c->month = (int)(from_march < 10 ? from_march + 3 : from_march - 9);
	c->year = (int)(year_of_era + era * 400 + (c->month <= 2));
	c->weekday = (int)(((days + 4) % 7 + 7) % 7);
}

struct civil time_civil(int64_t ms)
{
	struct civil c = { 0 };
	ms = ms < least_ms ? least_ms : ms > most_ms ? most_ms : ms;
	int64_t days = (ms >= 0 ? ms : ms - (DAY_MS - 1)) / DAY_MS;
	int rest = (int)(ms - days * DAY_MS);
	civil_of_days(days, &c);
	c.hour = rest / HOUR_MS;
	c.minute = rest / MINUTE_MS % 60;
	c.second = rest / SECOND_MS % 60;
	c.ms = rest % SECOND_MS;
	return c;
}

int64_t time_of_civil(const struct civil *c)
{
	return days_of_civil(c->year, c->month, c->day) * DAY_MS + (int64_t)c->hour * HOUR_MS +
	       (int64_t)c->minute * MINUTE_MS + (int64_t)c->second * SECOND_MS + c->ms;
}

static bool leap(int year) { return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0); }

static bool real(const struct civil *c)
{
	static const uint8_t lengths[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	if (c->year < 1 || c->year > 9999 || c->month < 1 || c->month > 12)
		return false;
	int length = lengths[c->month - 1] + (c->month == 2 && leap(c->year));
	return c->day >= 1 && c->day <= length && c->hour <= 23 && c->minute <= 59 && c->second <= 59;
}

/* ---- writing ---- */

/* v as n digits at p; returns what follows. */
static char *put_digits(char *p, int v, int n)
{
	for (int i = n - 1; i >= 0; i--, v /= 10)
		p[i] = (char)('0' + v % 10);
	return p + n;
}

static char *put_char(char *p, char c)
{
	*p = c;
	return p + 1;
}

static char *put_word(char *p, const char *word, size_t n)
{
	memcpy(p, word, n);
	return p + n;
}

/* dash and colon are the separators, 0 for none. */
static char *put_date_time(char *p, const struct civil *c, char dash, char colon)
{
	p = put_digits(p, c->year, 4);
	p = dash ? put_char(p, dash) : p;
	p = put_digits(p, c->month, 2);
	p = dash ? put_char(p, dash) : p;
	p = put_digits(p, c->day, 2);
	p = put_char(p, 'T');
	p = put_digits(p, c->hour, 2);
	p = colon ? put_char(p, colon) : p;
	p = put_digits(p, c->minute, 2);
	p = colon ? put_char(p, colon) : p;
	return put_digits(p, c->second, 2);
}

struct str time_iso8601(struct arena *mem, int64_t ms)
{
	struct civil c = time_civil(ms);
	char *start = NEWS(mem, char, 20), *p = put_date_time(start, &c, '-', ':');
	p = put_char(p, 'Z');
	return str_make(start, (size_t)(p - start));
}

struct str time_iso8601_ms(struct arena *mem, int64_t ms)
{
	struct civil c = time_civil(ms);
	char *start = NEWS(mem, char, 24), *p = put_date_time(start, &c, '-', ':');
	p = put_digits(put_char(p, '.'), c.ms, 3);
	p = put_char(p, 'Z');
	return str_make(start, (size_t)(p - start));
}

struct str time_basic(struct arena *mem, int64_t ms)
{
	struct civil c = time_civil(ms);
	char *start = NEWS(mem, char, 16), *p = put_date_time(start, &c, 0, 0);
	p = put_char(p, 'Z');
	return str_make(start, (size_t)(p - start));
}

struct str time_http(struct arena *mem, int64_t ms)
{
	struct civil c = time_civil(ms);
	char *start = NEWS(mem, char, 29), *p = put_word(start, weekdays[c.weekday], 3);
	p = put_digits(put_word(p, ", ", 2), c.day, 2);
	p = put_word(put_char(p, ' '), months[c.month - 1], 3);
	p = put_digits(put_char(p, ' '), c.year, 4);
	p = put_digits(put_char(p, ' '), c.hour, 2);
	p = put_digits(put_char(p, ':'), c.minute, 2);
	p = put_digits(put_char(p, ':'), c.second, 2);
	p = put_word(p, " GMT", 4);
	return str_make(start, (size_t)(p - start));
}

/* ---- reading: a scanner in the manner of struct rd, sticky when something does not fit ---- */

struct scan {
	struct str rest;
	bool bad;
};

static bool accept(struct scan *s, struct str text)
{
	if (!str_starts(s->rest, text))
		return false;
	s->rest = str_from(s->rest, text.n);
	return true;
}

static void expect(struct scan *s, struct str text)
{
	if (!accept(s, text))
		s->bad = true;
}

static int digits(struct scan *s, size_t n)
{
	int v = 0;
	for (size_t i = 0; i < n; i++) {
		if (i >= s->rest.n || !char_digit(s->rest.p[i])) {
			s->bad = true;
			return 0;
		}
		v = v * 10 + (s->rest.p[i] - '0');
	}
	s->rest = str_from(s->rest, n);
	return v;
}

/* hh:mm:ss */
static void clock_time(struct scan *s, struct civil *c)
{
	c->hour = digits(s, 2);
	expect(s, S(":"));
	c->minute = digits(s, 2);
	expect(s, S(":"));
	c->second = digits(s, 2);
}

/* The milliseconds of ".123456"; at least one digit, further ones than three are dropped. */
static int fraction(struct scan *s)
{
	int ms = 0, scale = 100;
	if (!accept(s, S(".")))
		return 0;
	if (s->rest.n == 0 || !char_digit(s->rest.p[0]))
		s->bad = true;
	for (; s->rest.n && char_digit(s->rest.p[0]); scale /= 10) {
		ms += (s->rest.p[0] - '0') * scale;
		s->rest = str_from(s->rest, 1);
	}
	return ms;
}

/* Z, +hh:mm or -hh:mm, as milliseconds east of UTC. */
static int64_t zone(struct scan *s)
{
	if (accept(s, S("Z")))
		return 0;
	bool west = accept(s, S("-"));
	if (!west)
		expect(s, S("+"));
	int hours = digits(s, 2);
	expect(s, S(":"));
	int minutes = digits(s, 2);
	if (hours > 23 || minutes > 59)
		s->bad = true;
	int64_t ms = (int64_t)hours * HOUR_MS + (int64_t)minutes * MINUTE_MS;
	return west ? -ms : ms;
}

/* What every reader ends with: all text used, a real date, within the years we have. */
static struct status conclude(const struct scan *s, const struct civil *c, int64_t east_ms, int64_t *ms)
{
	if (s->bad || s->rest.n || !real(c))
		return ERR(E_INVALID);
	int64_t t = time_of_civil(c) - east_ms;
	if (t < least_ms || t > most_ms)
		return ERR(E_INVALID);
	*ms = t;
	return OK;
}

struct status time_parse_iso8601(struct str text, int64_t *ms)
{
	struct scan s = { text, false };
	struct civil c = { 0 };
	int64_t east_ms = 0;
	c.year = digits(&s, 4);
	expect(&s, S("-"));
	c.month = digits(&s, 2);
	expect(&s, S("-"));
	c.day = digits(&s, 2);
	if (s.rest.n) {
		expect(&s, S("T"));
		clock_time(&s, &c);
		c.ms = fraction(&s);
		east_ms = zone(&s);
	}
	return conclude(&s, &c, east_ms, ms);
}

struct status time_parse_basic(struct str text, int64_t *ms)
{
	struct scan s = { text, false };
	struct civil c = { 0 };
	c.year = digits(&s, 4);
	c.month = digits(&s, 2);
	c.day = digits(&s, 2);
	expect(&s, S("T"));
	c.hour = digits(&s, 2);
	c.minute = digits(&s, 2);
	c.second = digits(&s, 2);
	expect(&s, S("Z"));
	return conclude(&s, &c, 0, ms);
}

static int month_name(struct scan *s)
{
	for (int i = 0; i < 12; i++)
		if (accept(s, str_make(months[i], 3)))
			return i + 1;
	s->bad = true;
	return 0;
}

/* Sun, 06 Nov 1994 08:49:37 GMT */
static void fixdate(struct scan *s, struct civil *c)
{
	expect(s, S(", "));
	c->day = digits(s, 2);
	expect(s, S(" "));
	c->month = month_name(s);
	expect(s, S(" "));
	c->year = digits(s, 4);
	expect(s, S(" "));
	clock_time(s, c);
	expect(s, S(" GMT"));
}

/*
 * Sunday, 06-Nov-94 08:49:37 GMT. The century is POSIX's guess (69 to 99 are of the 20th),
 * since the rule of RFC 7231 7.1.1.1 needs to know what day it is, and nothing that still
 * writes this form will live to see the difference.
 */
static void rfc850_date(struct scan *s, struct civil *c)
{
	expect(s, S(", "));
	c->day = digits(s, 2);
	expect(s, S("-"));
	c->month = month_name(s);
	expect(s, S("-"));
	c->year = digits(s, 2);
	c->year += c->year < 69 ? 2000 : 1900;
	expect(s, S(" "));
	clock_time(s, c);
	expect(s, S(" GMT"));
}

/* Sun Nov  6 08:49:37 1994 */
static void asctime_date(struct scan *s, struct civil *c)
{
	expect(s, S(" "));
	c->month = month_name(s);
	expect(s, S(" "));
	c->day = accept(s, S(" ")) ? digits(s, 1) : digits(s, 2);
	expect(s, S(" "));
	clock_time(s, c);
	expect(s, S(" "));
	c->year = digits(s, 4);
}

/* The day of the week that s begins with, taken; *whole when it was written out in full. */
static int weekday(struct scan *s, bool *whole)
{
	for (int i = 0; i < 7; i++) {
		*whole = accept(s, str_of(weekdays[i]));
		if (*whole || accept(s, str_make(weekdays[i], 3)))
			return i;
	}
	s->bad = true;
	return 0;
}

struct status time_parse_http(struct str text, int64_t *ms)
{
	struct scan s = { text, false };
	struct civil c = { 0 };
	bool whole;
	int64_t t;
	int named = weekday(&s, &whole);
	if (whole)
		rfc850_date(&s, &c);
	else if (str_starts(s.rest, S(",")))
		fixdate(&s, &c);
	else
		asctime_date(&s, &c);
	TRY(conclude(&s, &c, 0, &t));
	if (time_civil(t).weekday != named)
		return ERR(E_INVALID);
	*ms = t;
	return OK;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Points in time as text. Time is a count of milliseconds since 1970-01-01T00:00:00Z;
 * no time zone but UTC, no locale, no libc calendar. Valid for the years 1 to 9999.
 */
#ifndef BASE_TIME_H
#define BASE_TIME_H

#include "base/base.h"

enum { SECOND_MS = 1000, MINUTE_MS = 60 * SECOND_MS, HOUR_MS = 60 * MINUTE_MS, DAY_MS = 24 * HOUR_MS };

struct civil {
	int year, month, day, hour, minute, second, ms, weekday; /* month, day from 1; weekday 0 = Sunday */
};
struct civil time_civil(int64_t ms);
int64_t time_of_civil(const struct civil *c);

struct str time_iso8601(struct arena *mem, int64_t ms);    /* 2026-01-01T00:00:00Z, milliseconds dropped */
struct str time_iso8601_ms(struct arena *mem, int64_t ms); /* 2026-01-01T00:00:00.000Z */
struct str time_basic(struct arena *mem, int64_t ms);      /* 20260101T000000Z, as X-Amz-Date */
struct str time_http(struct arena *mem, int64_t ms);       /* Thu, 01 Jan 2026 00:00:00 GMT (RFC 7231 7.1.1.1) */

/* Parsers; E_INVALID when the text is not a real point in time in that form. */
struct status time_parse_iso8601(struct str s, int64_t *ms); /* with Z or +hh:mm, any fraction, date alone = midnight */
struct status time_parse_basic(struct str s, int64_t *ms);
struct status time_parse_http(struct str s, int64_t *ms); /* all three forms RFC 7231 demands */

#endif

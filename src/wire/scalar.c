/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Scalars as text, in both directions: numbers, booleans, times, words, bytes.
 */
#include "wire/value.h"

#include "base/codec.h"
#include "base/str.h"
#include "base/time.h"

#include <math.h>

bool double_parse(struct arena *mem, struct str text, double *out)
{
	char small[64];
	char *z = small;
	if (text.n >= sizeof small)
		z = str_z(mem, text);
	else {
		memcpy(small, text.p, text.n);
		small[text.n] = '\0';
	}
	char *end;
	double v = strtod(z, &end);
	if (end != z + text.n || !isfinite(v))
		return false;
	*out = v;
	return true;
}

bool time_of_unix(double s, int64_t *ms)
{
	if (!(s >= -62135596800.0 && s < 253402300799.9995)) /* what rounds up to the year 10000 is beyond, too */
		return false;
	*ms = (int64_t)llround(s * 1000);
	return true;
}

void double_put(struct buf *out, double v)
{
	if (isnan(v)) {
		buf_z(out, "NaN");
		return;
	}
	if (isinf(v)) {
		buf_z(out, v > 0 ? "Infinity" : "-Infinity");
		return;
	}
	char text[40];
	int n = 0;
	for (int digits = 15; digits <= 17; digits++) {
		n = snprintf(text, sizeof text, "%.*g", digits, v);
		if (strtod(text, NULL) == v)
			break;
	}
	buf_put(out, str_make(text, (size_t)n));
}

void unix_time_put(struct buf *out, int64_t ms)
{
	int64_t s = ms / 1000, rest = ms % 1000;
	if (rest < 0) {
		buf_byte(out, '-');
		s = -s;
		rest = -rest;
	} else if (ms < 0) {
		buf_byte(out, '-');
		s = -s;
	}
	buf_i64(out, s);
	if (!rest)
		return;
	char frac[4] = { '.', (char)('0' + rest / 100), (char)('0' + rest / 10 % 10), (char)('0' + rest % 10) };
	size_t n = frac[3] != '0' ? 4 : frac[2] != '0' ? 3 : 2;
	buf_put(out, str_make(frac, n));
}

static bool is_json_number(struct str s)
{
	bool any = false;
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];
		if (char_digit(c))
			any = true;
		else if (c != '-' && c != '+' && c != '.' && c != 'e' && c != 'E')
			return false;
	}
	return any;
}

static bool float_from(struct decode *d, struct str s, double *out)
{
	if (str_eq(s, S("NaN")))
		*out = NAN;
	else if (str_eq(s, S("Infinity")))
		*out = INFINITY;
	else if (str_eq(s, S("-Infinity")))
		*out = -INFINITY;
	else
		return is_json_number(s) && double_parse(d->mem, s, out);
	return true;
}

static struct status time_from(struct decode *d, enum time_format tf, struct str s, int64_t *ms)
{
	struct status st = ERR(E_INVALID);
	double unix_s;
	if (tf == TF_HTTP)
		st = time_parse_http(s, ms);
	else if (tf == TF_ISO8601)
		st = time_parse_iso8601(s, ms);
	/* AWS's services take every form for a time, whatever the model says; so do the SDKs' tests. */
	if (failed(st) && is_json_number(s) && double_parse(d->mem, s, &unix_s) && time_of_unix(unix_s, ms))
		st = OK;
	if (failed(st))
		st = time_parse_iso8601(s, ms);
	if (failed(st))
		st = time_parse_http(s, ms);
	return failed(st) ? decode_fail(d, "Invalid timestamp: %.*s", (int)(s.n < 64 ? s.n : 64), s.p) : OK;
}

static struct status bool_from(struct decode *d, struct str s, void *place)
{
	bool yes = str_eq_ci(s, S("true"));
	if (!yes && !str_eq_ci(s, S("false")))
		return decode_fail(d, "Invalid boolean value, must be true or false");
	*(bool *)place = yes;
	return OK;
}

static struct status int_from(struct decode *d, const struct shape *shape, struct str s, void *place)
{
	int64_t v;
	if (s.n && *s.p == '+')
		s = str_from(s, 1);
	if (!str_to_i64(s, &v) || (shape->kind == K_INT && (v < INT32_MIN || v > INT32_MAX)) || v == INT64_MIN)
		return decode_fail(d, "Invalid integer value");
	memcpy(place, &v, sizeof v);
	return OK;
}

/* XML may break lines around a number. */
static struct str trim(struct str s)
{
	while (s.n && strchr(" \t\r\n", s.p[0]) && s.p[0])
		s = str_from(s, 1);
	while (s.n && strchr(" \t\r\n", s.p[s.n - 1]) && s.p[s.n - 1])
		s.n--;
	return s;
}

struct status value_from_text(struct decode *d, const struct shape *shape, enum time_format tf, struct str text,
			      void *place)
{
	struct str trimmed = trim(text);
	double f;
	switch (shape->kind) {
	case K_STRING:
	case K_DOCUMENT:
		*(struct str *)place = text.p ? text : S("");
		return OK;
	case K_BLOB: {
		struct str *out = place;
		if (failed(base64_decode(d->mem, trimmed, out)))
			return decode_fail(d, "Invalid base64 value");
		if (!out->p)
			*out = S("");
		return OK;
	}
	case K_ENUM:
		enum_set(place, decode_enum(d, shape, text));
		return OK;
	case K_BOOL:
		return bool_from(d, trimmed, place);
	case K_INT:
	case K_LONG:
		return int_from(d, shape, trimmed, place);
	case K_FLOAT:
	case K_DOUBLE:
		if (!float_from(d, trimmed, &f))
			return decode_fail(d, "Invalid number");
		memcpy(place, &f, sizeof f);
		return OK;
	case K_TIME:
		return time_from(d, tf, trimmed, place);
	default:
		return decode_fail(d, "Unexpected text for %s", shape->name);
	}
}

static void time_put(struct buf *out, enum time_format tf, int flags, int64_t ms)
{
	if (tf == TF_UNIX)
		unix_time_put(out, ms);
	else if (tf == TF_HTTP)
		buf_put(out, time_http(out->mem, ms));
	else
		buf_put(out, flags & TEXT_ISO_MS ? time_iso8601_ms(out->mem, ms) : time_iso8601(out->mem, ms));
}

void value_to_text(struct buf *out, const struct shape *shape, enum time_format tf, int flags, const void *place)
{
	switch (shape->kind) {
	case K_STRING:
	case K_DOCUMENT:
		buf_put(out, *(const struct str *)place);
		break;
	case K_BLOB:
		base64_put(out, *(const struct str *)place);
		break;
	case K_ENUM:
		buf_put(out, decode_enum_word(NULL, shape, enum_get(place)));
		break;
	case K_BOOL:
		buf_z(out, *(const bool *)place ? "true" : "false");
		break;
	case K_INT:
	case K_LONG:
		buf_i64(out, *(const int64_t *)place);
		break;
	case K_FLOAT:
	case K_DOUBLE:
		double_put(out, *(const double *)place);
		break;
	case K_TIME:
		time_put(out, tf, flags, *(const int64_t *)place);
		break;
	default:
		assert(false && "a scalar");
	}
}

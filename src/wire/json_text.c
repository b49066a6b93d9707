/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The JSON reader and writer. The reader is a cursor with one sticky error; strings
 * without escapes are views of the text, found eight bytes at a time.
 */
#include "wire/json_text.h"

#include "base/str.h"
#include "wire/value.h"

struct json json_open(struct arena *mem, struct str text)
{
	const char *p = text.p ? text.p : "";
	return (struct json){ .mem = mem, .start = p, .p = p, .end = p + text.n };
}

static bool fail(struct json *j)
{
	j->bad = true;
	return false;
}

static void space(struct json *j)
{
	while (j->p < j->end && (*j->p == ' ' || *j->p == '\n' || *j->p == '\r' || *j->p == '\t'))
		j->p++;
}

char json_peek(struct json *j)
{
	if (j->bad)
		return '\0';
	space(j);
	if (j->p == j->end)
		return '\0';
	switch (*j->p) {
	case '{':
	case '[':
	case '"':
	case 't':
	case 'f':
	case 'n':
		return *j->p;
	default:
		return *j->p == '-' || char_digit(*j->p) ? '0' : '\0';
	}
}

static bool enter(struct json *j, char open)
{
	if (json_peek(j) != open || j->depth >= WIRE_DEPTH)
		return fail(j);
	j->p++;
	j->depth++;
	j->fresh = true;
	return true;
}

bool json_object(struct json *j) { return enter(j, '{'); }

bool json_array(struct json *j) { return enter(j, '['); }

/* To the next thing in a container: false when it was the end, or an error. */
static bool next(struct json *j, char close)
{
	if (j->bad)
		return false;
	space(j);
	if (j->p == j->end)
		return fail(j);
	if (*j->p == close) {
		j->p++;
		j->depth--;
		j->fresh = false;
		return false;
	}
	if (!j->fresh) {
		if (*j->p != ',')
			return fail(j);
		j->p++;
		space(j);
	}
	j->fresh = false;
	return true;
}

bool json_elem(struct json *j)
{
	if (!next(j, ']'))
		return false;
	return json_peek(j) ? true : fail(j);
}

bool json_member(struct json *j, struct str *name)
{
	if (!next(j, '}'))
		return false;
	*name = json_string(j);
	space(j);
	if (j->bad || j->p == j->end || *j->p != ':')
		return fail(j);
	j->p++;
	return json_peek(j) ? true : fail(j);
}

/* Four hex digits, or -1. */
static int hex4(const char *p, const char *end)
{
	if (end - p < 4)
		return -1;
	int v = 0;
	for (int i = 0; i < 4; i++) {
		char c = char_lower(p[i]);
		if (!char_digit(c) && !(c >= 'a' && c <= 'f'))
			return -1;
		v = v * 16 + (char_digit(c) ? c - '0' : c - 'a' + 10);
	}
	return v;
}

static char *utf8_write(char *o, uint32_t c)
{
	if (c < 0x80) {
		*o++ = (char)c;
		return o;
	}
	if (c < 0x800) {
		*o++ = (char)(0xc0 | c >> 6);
	} else {
		if (c < 0x10000) {
			*o++ = (char)(0xe0 | c >> 12);
		} else {
			*o++ = (char)(0xf0 | c >> 18);
			*o++ = (char)(0x80 | (c >> 12 & 0x3f));
		}
		*o++ = (char)(0x80 | (c >> 6 & 0x3f));
	}
	*o++ = (char)(0x80 | (c & 0x3f));
	return o;
}

/* \uXXXX, with its second half when it is a surrogate; p is after the u. Lone surrogates have no UTF-8: refused. */
static const char *unescape_u(const char *p, const char *end, char **out)
{
	int c = hex4(p, end);
	if (c < 0 || (c >= 0xdc00 && c <= 0xdfff))
		return NULL;
	p += 4;
	uint32_t code = (uint32_t)c;
	if (c >= 0xd800 && c <= 0xdbff) {
		if (end - p < 6 || p[0] != '\\' || p[1] != 'u')
			return NULL;
		int low = hex4(p + 2, end);
		if (low < 0xdc00 || low > 0xdfff)
			return NULL;
		code = 0x10000 + ((uint32_t)(c - 0xd800) << 10) + (uint32_t)(low - 0xdc00);
		p += 6;
	}
	*out = utf8_write(*out, code);
	return p;
}

static char simple_escape(char c)
{
	switch (c) {
	case '"':
	case '\\':
	case '/':
		return c;
	case 'b':
		return '\b';
	case 'f':
		return '\f';
	case 'n':
		return '\n';
	case 'r':
		return '\r';
	case 't':
		return '\t';
	default:
		return '\0';
	}
}

/* raw is between the quotes and known to be well-formed but for its escapes; the result is never longer. */
static struct str unescape(struct json *j, struct str raw)
{
	char *out = arena_alloc(j->mem, 1, 1, raw.n), *o = out;
	const char *p = raw.p, *end = raw.p + raw.n;
	while (p < end) {
		const char *slash = memchr(p, '\\', (size_t)(end - p));
		size_t plain = (size_t)((slash ? slash : end) - p);
		memcpy(o, p, plain);
		o += plain;
		p += plain;
		if (!slash)
			break;
		const char *at = p;
		if (p[1] == 'u') {
			p = unescape_u(p + 2, end, &o);
		} else {
			*o = simple_escape(p[1]);
			p = *o++ ? p + 2 : NULL;
		}
		if (!p) {
			j->p = at;
			fail(j);
			return S("");
		}
	}
	return str_make(out, (size_t)(o - out));
}

/* True when any of eight bytes is a quote, a backslash, a control character or not ASCII. */
static bool special8(const char *p)
{
	const uint64_t ones = 0x0101010101010101, high = 0x8080808080808080;
	uint64_t v;
	memcpy(&v, p, sizeof v);
	uint64_t quote = v ^ (ones * '"'), slash = v ^ (ones * '\\');
	return (((quote - ones) & ~quote) | ((slash - ones) & ~slash) | (v - ones * 0x20) | v) & high;
}

struct str json_string(struct json *j)
{
	if (json_peek(j) != '"') {
		fail(j);
		return S("");
	}
	const char *start = ++j->p, *p = start;
	bool escaped = false, wide = false;
	for (;;) {
		while (j->end - p >= 8 && !special8(p))
			p += 8;
		if (p == j->end || (uint8_t)*p < 0x20) {
			j->p = p;
			fail(j);
			return S("");
		}
		if (*p == '"')
			break;
		if (*p == '\\') {
			escaped = true;
			p++;
			if (p == j->end)
				continue;
		}
		wide |= (uint8_t)*p >= 0x80;
		p++;
	}
	struct str raw = str_make(start, (size_t)(p - start));
	if (wide && !str_is_utf8(raw)) {
		fail(j);
		return S("");
	}
	j->p = p + 1;
	return escaped ? unescape(j, raw) : raw;
}

static size_t digits(struct json *j)
{
	const char *start = j->p;
	while (j->p < j->end && char_digit(*j->p))
		j->p++;
	return (size_t)(j->p - start);
}

struct str json_number(struct json *j)
{
	if (json_peek(j) != '0') {
		fail(j);
		return S("");
	}
	const char *start = j->p;
	if (*j->p == '-')
		j->p++;
	bool zero = j->p < j->end && *j->p == '0';
	size_t whole = digits(j);
	bool ok = whole == 1 || (whole > 1 && !zero);
	if (ok && j->p < j->end && *j->p == '.') {
		j->p++;
		ok = digits(j) > 0;
	}
	if (ok && j->p < j->end && (*j->p == 'e' || *j->p == 'E')) {
		j->p++;
		if (j->p < j->end && (*j->p == '+' || *j->p == '-'))
			j->p++;
		ok = digits(j) > 0;
	}
	if (!ok)
		fail(j);
	return str_make(start, (size_t)(j->p - start));
}

static bool word(struct json *j, struct str w)
{
	if ((size_t)(j->end - j->p) < w.n || memcmp(j->p, w.p, w.n) != 0)
		return fail(j);
	j->p += w.n;
	return true;
}

bool json_bool(struct json *j)
{
	if (json_peek(j) == 't')
		return word(j, S("true"));
	if (json_peek(j) == 'f')
		word(j, S("false"));
	else
		fail(j);
	return false;
}

bool json_null(struct json *j) { return json_peek(j) == 'n' && word(j, S("null")); }

static void skip(struct json *j)
{
	struct str name;
	switch (json_peek(j)) {
	case '{':
		for (json_object(j); json_member(j, &name);)
			skip(j);
		break;
	case '[':
		for (json_array(j); json_elem(j);)
			skip(j);
		break;
	case '"':
		json_string(j);
		break;
	case '0':
		json_number(j);
		break;
	case 'n':
		json_null(j);
		break;
	default:
		json_bool(j);
	}
}

struct str json_skip(struct json *j)
{
	json_peek(j);
	const char *start = j->p;
	skip(j);
	return str_make(start, j->bad ? 0 : (size_t)(j->p - start));
}

struct status json_close(struct json *j)
{
	space(j);
	if (!j->bad && (j->p != j->end || j->depth != 0))
		fail(j);
	return j->bad ? ERR(E_INVALID) : OK;
}

/* The member of that name of the object at j; of duplicates the last. */
static struct str member_text(struct json *j, struct str want)
{
	struct str name, found = { NULL, 0 };
	if (json_peek(j) != '{')
		return found;
	json_object(j);
	while (json_member(j, &name)) {
		struct str text = json_skip(j);
		if (str_eq(name, want))
			found = text;
	}
	return failed(json_close(j)) ? (struct str){ NULL, 0 } : found;
}

struct str json_lookup(struct arena *mem, struct str text, const char *path)
{
	struct str rest = str_of(path);
	while (rest.p && text.p) {
		struct json j = json_open(mem, text);
		text = member_text(&j, str_cut(&rest, '.'));
	}
	return text;
}

struct str json_lookup_string(struct arena *mem, struct str text, const char *path)
{
	struct json j = json_open(mem, json_lookup(mem, text, path));
	if (json_peek(&j) != '"')
		return (struct str){ NULL, 0 };
	return json_string(&j);
}

static void escape_put(struct buf *out, char c)
{
	static const char names[] = "btn?fr";
	buf_byte(out, '\\');
	if (c == '"' || c == '\\') {
		buf_byte(out, c);
	} else if (c >= '\b' && c <= '\r' && c != '\v') {
		buf_byte(out, names[c - '\b']);
	} else {
		static const char hex[] = "0123456789abcdef";
		char u[5] = { 'u', '0', '0', hex[c >> 4 & 15], hex[c & 15] };
		buf_put(out, str_make(u, sizeof u));
	}
}

void json_string_put(struct buf *out, struct str s)
{
	const char *p = s.p ? s.p : "", *end = p + s.n, *from = p;
	buf_byte(out, '"');
	while (p < end) {
		if (end - p >= 8 && !special8(p)) {
			p += 8;
			continue;
		}
		size_t step = utf8_step(p, end);
		if (step > 1 || (step == 1 && *p != '"' && *p != '\\' && (uint8_t)*p >= 0x20)) {
			p += step;
			continue;
		}
		buf_put(out, str_make(from, (size_t)(p - from)));
		if (step)
			escape_put(out, *p);
		else
			buf_z(out, "\xef\xbf\xbd");
		from = ++p;
	}
	buf_put(out, str_make(from, (size_t)(p - from)));
	buf_byte(out, '"');
}

static void comma(struct json_out *w)
{
	if (w->comma)
		buf_byte(w->to, ',');
	w->comma = true;
}

void json_begin(struct json_out *w, char open)
{
	comma(w);
	buf_byte(w->to, open);
	w->comma = false;
}

void json_end(struct json_out *w, char close)
{
	buf_byte(w->to, close);
	w->comma = true;
}

void json_name(struct json_out *w, struct str name)
{
	comma(w);
	json_string_put(w->to, name);
	buf_byte(w->to, ':');
	w->comma = false;
}

void json_put_str(struct json_out *w, struct str s)
{
	comma(w);
	if (s.p)
		json_string_put(w->to, s);
	else
		buf_z(w->to, "null");
}

void json_put_int(struct json_out *w, int64_t v)
{
	comma(w);
	buf_i64(w->to, v);
}

void json_put_double(struct json_out *w, double v)
{
	comma(w);
	bool finite = v - v == 0; /* JSON has no other numbers: AWS writes them as strings */
	if (!finite)
		buf_byte(w->to, '"');
	double_put(w->to, v);
	if (!finite)
		buf_byte(w->to, '"');
}

void json_put_bool(struct json_out *w, bool v) { json_put_raw(w, v ? S("true") : S("false")); }

void json_put_null(struct json_out *w) { json_put_raw(w, S("null")); }

void json_put_raw(struct json_out *w, struct str text)
{
	comma(w);
	buf_put(w->to, text);
}

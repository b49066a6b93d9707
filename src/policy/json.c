/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The JSON tokens of policy documents. The whole text is known to be UTF-8 before the
 * first call, so only escapes can still bring in what is not: a lone surrogate is refused.
 */
#include "policy/json.h"
#include "base/str.h"

static bool no(struct json *j, const char *why)
{
	if (j->bad == NULL)
		j->bad = why;
	return false;
}

char pol_json_peek(struct json *j)
{
	while (j->i < j->text.n) {
		char c = j->text.p[j->i];
		if (c != ' ' && c != '\t' && c != '\n' && c != '\r')
			return c;
		j->i++;
	}
	return 0;
}

bool pol_json_take(struct json *j, char c)
{
	if (j->i >= j->text.n || pol_json_peek(j) != c)
		return false;
	j->i++;
	return true;
}

static int hex_value(char c)
{
	c = char_lower(c);
	return char_digit(c) ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The four hex digits at s[i]; -1 when they are not. */
static int32_t unit_at(struct str s, size_t i)
{
	int32_t v = 0;
	if (i + 4 > s.n)
		return -1;
	for (size_t k = 0; k < 4; k++) {
		int h = hex_value(s.p[i + k]);
		if (h < 0)
			return -1;
		v = v * 16 + h;
	}
	return v;
}

/* The length of the escape at text[i] == '\\'; 0 when it is none. */
static size_t escape_size(struct str s, size_t i)
{
	if (i + 1 >= s.n)
		return 0;
	char c = s.p[i + 1];
	if (c != 'u')
		return memchr("\"\\/bfnrt", c, 8) != NULL ? 2 : 0;
	int32_t u = unit_at(s, i + 2);
	if (u < 0 || (u >= 0xdc00 && u <= 0xdfff))
		return 0;
	if (u < 0xd800 || u > 0xdbff)
		return 6;
	if (i + 7 >= s.n || s.p[i + 6] != '\\' || s.p[i + 7] != 'u')
		return 0;
	int32_t low = unit_at(s, i + 8);
	return low >= 0xdc00 && low <= 0xdfff ? 12 : 0;
}

bool pol_json_string(struct json *j, struct str *raw, bool *escaped)
{
	if (pol_json_peek(j) != '"')
		return no(j, "a string was expected");
	size_t i = j->i + 1;
	bool esc = false;
	while (i < j->text.n && j->text.p[i] != '"') {
		if ((uint8_t)j->text.p[i] < 0x20) {
			j->i = i;
			return no(j, "a control character must be escaped in a string");
		}
		size_t n = 1;
		if (j->text.p[i] == '\\') {
			esc = true;
			n = escape_size(j->text, i);
			if (n == 0) {
				j->i = i;
				return no(j, "this is not an escape JSON knows");
			}
		}
		i += n;
	}
	if (i >= j->text.n)
		return no(j, "this string is not closed");
	*raw = str_sub(j->text, j->i + 1, i - j->i - 1);
	*escaped = esc;
	j->i = i + 1;
	return true;
}

static size_t digits_at(struct str s, size_t i)
{
	size_t n = 0;
	while (i + n < s.n && char_digit(s.p[i + n]))
		n++;
	return n;
}

bool pol_json_number(struct json *j, struct str *raw)
{
	pol_json_peek(j);
	struct str s = j->text;
	size_t i = j->i;
	if (i < s.n && s.p[i] == '-')
		i++;
	size_t whole = digits_at(s, i);
	if (whole == 0 || (whole > 1 && s.p[i] == '0'))
		return no(j, "a number was expected");
	i += whole;
	if (i < s.n && s.p[i] == '.') {
		size_t part = digits_at(s, i + 1);
		if (part == 0)
			return no(j, "digits were expected behind the decimal point");
		i += 1 + part;
	}
	if (i < s.n && char_lower(s.p[i]) == 'e')
		return no(j, "numbers with an exponent are not supported in policies");
	*raw = str_sub(s, j->i, i - j->i);
	j->i = i;
	return true;
}

bool pol_json_word(struct json *j, struct str word)
{
	pol_json_peek(j);
	if (!str_starts(str_from(j->text, j->i), word))
		return no(j, "this is not a JSON value");
	j->i += word.n;
	return true;
}

static size_t utf8_put(char *out, uint32_t c)
{
	if (c < 0x80) {
		out[0] = (char)c;
		return 1;
	}
	size_t n = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
	static const uint8_t lead[] = { 0, 0, 0xc0, 0xe0, 0xf0 };
	for (size_t i = n - 1; i > 0; i--) {
		out[i] = (char)(uint8_t)(0x80 | (c & 0x3f));
		c >>= 6;
	}
	out[0] = (char)(uint8_t)(lead[n] | c);
	return n;
}

size_t pol_json_unescape(struct str raw, char *out)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	size_t n = 0;
	for (size_t i = 0; i < raw.n;) {
		if (raw.p[i] != '\\') {
			out[n++] = raw.p[i++];
			continue;
		}
		if (raw.p[i + 1] != 'u') {
			const char *which = memchr(from, raw.p[i + 1], 8);
			out[n++] = to[which - from];
			i += 2;
			continue;
		}
		uint32_t c = (uint32_t)unit_at(raw, i + 2);
		i += 6;
		if (c >= 0xd800 && c <= 0xdbff) {
			c = 0x10000 + ((c - 0xd800) << 10) + ((uint32_t)unit_at(raw, i + 2) - 0xdc00);
			i += 6;
		}
		n += utf8_put(out + n, c);
	}
	return n;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes as text. See codec.h.
 *
 * A decoder finds each character's value in a table, where characters outside the
 * alphabet have a bit (BAD) that no value has; it gathers these bits with OR and judges
 * once at the end, so good text costs no branch per character. Bits that padding leaves
 * over must be zero: of all texts that could stand for some bytes, only the one that the
 * encoder writes is taken.
 */
#include "base/codec.h"

#include "base/str.h"

enum { BAD = 0x80 };

/*
 * Tables hold value ^ BAD, so that the entries not named, which C makes zero, read as BAD.
 * V is how an entry is written, get() how it is read.
 */
#define V(v) ((v) ^ BAD)
#define DIGITS(v)                                                                                     \
	['0'] = V(v), ['1'] = V((v) + 1), ['2'] = V((v) + 2), ['3'] = V((v) + 3), ['4'] = V((v) + 4), \
	['5'] = V((v) + 5), ['6'] = V((v) + 6), ['7'] = V((v) + 7), ['8'] = V((v) + 8), ['9'] = V((v) + 9)
#define FROM_A(a, v)                                                                                        \
	[a] = V(v), [a + 1] = V((v) + 1), [a + 2] = V((v) + 2), [a + 3] = V((v) + 3), [a + 4] = V((v) + 4), \
	[a + 5] = V((v) + 5)
#define FROM_G(a, v)                                                                                         \
	[a + 6] = V((v) + 6), [a + 7] = V((v) + 7), [a + 8] = V((v) + 8), [a + 9] = V((v) + 9),              \
	     [a + 10] = V((v) + 10), [a + 11] = V((v) + 11), [a + 12] = V((v) + 12), [a + 13] = V((v) + 13), \
	     [a + 14] = V((v) + 14), [a + 15] = V((v) + 15), [a + 16] = V((v) + 16), [a + 17] = V((v) + 17), \
	     [a + 18] = V((v) + 18), [a + 19] = V((v) + 19), [a + 20] = V((v) + 20), [a + 21] = V((v) + 21), \
	     [a + 22] = V((v) + 22), [a + 23] = V((v) + 23), [a + 24] = V((v) + 24), [a + 25] = V((v) + 25)
#define ALPHABET(a, v) FROM_A(a, v), FROM_G(a, v)

static const uint8_t hex_values[256] = { DIGITS(0), FROM_A('a', 10), FROM_A('A', 10) };
static const uint8_t base64_values[256] = {
	ALPHABET('A', 0), ALPHABET('a', 26), DIGITS(52), ['+'] = V(62), ['/'] = V(63),
};
static const uint8_t base64url_values[256] = {
	ALPHABET('A', 0), ALPHABET('a', 26), DIGITS(52), ['-'] = V(62), ['_'] = V(63),
};
static const uint8_t base32_values[256] = {
	ALPHABET('A', 0), ['2'] = V(26), ['3'] = V(27), ['4'] = V(28), ['5'] = V(29), ['6'] = V(30), ['7'] = V(31),
};

static const char base64_digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char base64url_digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
static const char base32_digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

static unsigned get(const uint8_t *values, char c) { return values[(unsigned char)c] ^ (unsigned)BAD; }

static unsigned byte(struct str s, size_t i) { return (unsigned char)s.p[i]; }

/* ---- hex ---- */

void hex_to(char *out, const void *bytes, size_t n)
{
	static const char digits[] = "0123456789abcdef";
	const unsigned char *p = bytes;
	for (size_t i = 0; i < n; i++) {
		out[2 * i] = digits[p[i] >> 4];
		out[2 * i + 1] = digits[p[i] & 15];
	}
}

void hex_put(struct buf *out, struct str bytes)
{
	hex_to(buf_room(out, 2 * bytes.n), bytes.p, bytes.n);
	buf_took(out, 2 * bytes.n);
}

struct str hex_encode(struct arena *mem, struct str bytes)
{
	struct buf b = buf_in(mem);
	hex_put(&b, bytes);
	return buf_str(&b);
}

struct status hex_decode(struct arena *mem, struct str text, struct str *out)
{
	unsigned seen = 0;
	if (text.n % 2)
		return ERR(E_INVALID);
	char *p = NEWS(mem, char, text.n / 2);
	for (size_t i = 0; i < text.n; i += 2) {
		unsigned hi = get(hex_values, text.p[i]), lo = get(hex_values, text.p[i + 1]);
		seen |= hi | lo;
		p[i / 2] = (char)(unsigned char)(hi << 4 | lo);
	}
	if (seen & BAD)
		return ERR(E_INVALID);
	*out = str_make(p, text.n / 2);
	return OK;
}

/* ---- base64 ---- */

/* The 1 or 2 bytes left over at the end, as 2 or 3 digits. Returns their number. */
static size_t put_base64_tail(char *p, struct str left, const char *digits)
{
	unsigned v = byte(left, 0) << 8 | (left.n == 2 ? byte(left, 1) : 0);
	p[0] = digits[v >> 10];
	p[1] = digits[v >> 4 & 63];
	if (left.n == 2)
		p[2] = digits[v << 2 & 63];
	return left.n + 1;
}

static void put_base64(struct buf *out, struct str s, const char *digits, bool pad)
{
	char *start = buf_room(out, (s.n + 2) / 3 * 4), *p = start;
	size_t i = 0;
	for (; s.n - i >= 3; i += 3, p += 4) {
		unsigned v = byte(s, i) << 16 | byte(s, i + 1) << 8 | byte(s, i + 2);
		p[0] = digits[v >> 18];
		p[1] = digits[v >> 12 & 63];
		p[2] = digits[v >> 6 & 63];
		p[3] = digits[v & 63];
	}
	if (i < s.n)
		p += put_base64_tail(p, str_from(s, i), digits);
	while (pad && (p - start) % 4)
		*p++ = '=';
	buf_took(out, (size_t)(p - start));
}

void base64_put(struct buf *out, struct str bytes) { put_base64(out, bytes, base64_digits, true); }

struct str base64_encode(struct arena *mem, struct str bytes)
{
	struct buf b = buf_in(mem);
	base64_put(&b, bytes);
	return buf_str(&b);
}

struct str base64url_encode(struct arena *mem, struct str bytes)
{
	struct buf b = buf_in(mem);
	put_base64(&b, bytes, base64url_digits, false);
	return buf_str(&b);
}

/* Without padding: 4 digits make 3 bytes; 2 or 3 digits left over make 1 or 2. */
static struct status get_base64(struct arena *mem, struct str text, const uint8_t *values, struct str *out)
{
	size_t left = text.n % 4, n = text.n / 4 * 3 + (left ? left - 1 : 0);
	unsigned seen = 0;
	if (left == 1)
		return ERR(E_INVALID);
	unsigned char *start = NEWS(mem, unsigned char, n), *p = start;
	const char *t = text.p, *end = t ? t + (text.n - left) : t;
	for (; t < end; t += 4, p += 3) {
		unsigned a = get(values, t[0]), b = get(values, t[1]), c = get(values, t[2]), d = get(values, t[3]);
		seen |= a | b | c | d;
		p[0] = (unsigned char)(a << 2 | b >> 4);
		p[1] = (unsigned char)(b << 4 | c >> 2);
		p[2] = (unsigned char)(c << 6 | d);
	}
	if (left) {
		unsigned a = get(values, t[0]), b = get(values, t[1]), c = left == 3 ? get(values, t[2]) : 0;
		seen |= a | b | c | ((left == 3 ? c & 3 : b & 15) ? BAD : 0);
		p[0] = (unsigned char)(a << 2 | b >> 4);
		if (left == 3)
			p[1] = (unsigned char)(b << 4 | c >> 2);
	}
	if (seen & BAD)
		return ERR(E_INVALID);
	*out = str_make(start, n);
	return OK;
}

struct status base64_decode(struct arena *mem, struct str text, struct str *out)
{
	if (text.n % 4)
		return ERR(E_INVALID);
	for (int padding = 0; padding < 2 && text.n && text.p[text.n - 1] == '='; padding++)
		text.n--;
	return get_base64(mem, text, base64_values, out);
}

struct status base64url_decode(struct arena *mem, struct str text, struct str *out)
{
	return get_base64(mem, text, base64url_values, out);
}

/* ---- base32: 5 bits a digit, whatever is left over padded with zero bits ---- */

struct str base32_encode(struct arena *mem, struct str bytes)
{
	struct buf out = buf_in(mem);
	uint64_t window = 0;
	unsigned bits = 0;
	buf_room(&out, bytes.n / 5 * 8 + 8);
	for (size_t i = 0; i < bytes.n; i++) {
		window = window << 8 | byte(bytes, i);
		for (bits += 8; bits >= 5; bits -= 5)
			buf_byte(&out, base32_digits[window >> (bits - 5) & 31]);
	}
	if (bits)
		buf_byte(&out, base32_digits[window << (5 - bits) & 31]);
	return buf_str(&out);
}

struct status base32_decode(struct arena *mem, struct str text, struct str *out)
{
	size_t left = text.n % 8, n = 0;
	uint64_t window = 0;
	unsigned bits = 0, seen = 0;
	if (left == 1 || left == 3 || left == 6)
		return ERR(E_INVALID);
	unsigned char *p = NEWS(mem, unsigned char, text.n / 8 * 5 + left * 5 / 8);
	for (size_t i = 0; i < text.n; i++) {
		unsigned v = get(base32_values, text.p[i]);
		seen |= v;
		window = window << 5 | (v & 31);
		bits += 5;
		if (bits >= 8) {
			bits -= 8;
			p[n++] = (unsigned char)(window >> bits);
		}
	}
	if ((seen & BAD) || (window & ((1u << bits) - 1)))
		return ERR(E_INVALID);
	*out = str_make(p, n);
	return OK;
}

/* ---- percent-encoding ---- */

static bool stays(char c, bool keep_slash)
{
	static const bool unreserved[256] = { ['-'] = true, ['_'] = true, ['.'] = true, ['~'] = true };
	return char_alnum(c) || unreserved[(unsigned char)c] || (c == '/' && keep_slash);
}

void uri_put(struct buf *out, struct str s, bool keep_slash)
{
	static const char digits[] = "0123456789ABCDEF";
	for (size_t i = 0, run; i < s.n; i += run) {
		for (run = 0; i + run < s.n && stays(s.p[i + run], keep_slash);)
			run++;
		buf_put(out, str_sub(s, i, run));
		if (i + run == s.n)
			break;
		unsigned v = byte(s, i + run++);
		const char escape[3] = { '%', digits[v >> 4], digits[v & 15] };
		buf_put(out, str_make(escape, 3));
	}
}

struct str uri_encode(struct arena *mem, struct str s, bool keep_slash)
{
	struct buf b = buf_in(mem);
	uri_put(&b, s, keep_slash);
	return buf_str(&b);
}

struct status uri_decode(struct arena *mem, struct str s, bool plus_is_space, struct str *out)
{
	char *start = NEWS(mem, char, s.n), *p = start;
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];
		if (c == '%') {
			if (s.n - i < 3)
				return ERR(E_INVALID);
			unsigned hi = get(hex_values, s.p[i + 1]), lo = get(hex_values, s.p[i + 2]);
			if ((hi | lo) & BAD)
				return ERR(E_INVALID);
			c = (char)(unsigned char)(hi << 4 | lo);
			i += 2;
		} else if (c == '+' && plus_is_space) {
			c = ' ';
		}
		*p++ = c;
	}
	*out = str_make(start, (size_t)(p - start));
	return OK;
}

/* ---- UUIDs (RFC 9562) ---- */

void uuid_text(char out[36], const uint8_t random[16])
{
	uint8_t v[16];
	memcpy(v, random, sizeof(v));
	v[6] = (uint8_t)((v[6] & 0x0f) | 0x40); /* version 4 */
	v[8] = (uint8_t)((v[8] & 0x3f) | 0x80); /* the variant of the RFC */
	static const struct {
		uint8_t from, n, to;
	} groups[] = { { 0, 4, 0 }, { 4, 2, 9 }, { 6, 2, 14 }, { 8, 2, 19 }, { 10, 6, 24 } };
	memset(out, '-', 36);
	for (size_t i = 0; i < COUNT(groups); i++)
		hex_to(out + groups[i].to, v + groups[i].from, groups[i].n);
}

bool uuid_is(struct str s)
{
	if (s.n != 36)
		return false;
	for (size_t i = 0; i < 36; i++) {
		bool dash = i == 8 || i == 13 || i == 18 || i == 23;
		if (dash ? s.p[i] != '-' : (get(hex_values, s.p[i]) & BAD) != 0)
			return false;
	}
	return true;
}

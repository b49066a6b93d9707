/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Views of bytes: comparing, cutting, searching, converting. See str.h.
 *
 * A str with p == NULL is as good as an empty one everywhere here; the library
 * functions below must not see the NULL, which is why lengths are looked at first.
 */
#include "base/str.h"

int str_cmp(struct str a, struct str b)
{
	size_t n = a.n < b.n ? a.n : b.n;
	int c = n ? memcmp(a.p, b.p, n) : 0;
	return c ? c : (a.n > b.n) - (a.n < b.n);
}

bool str_eq_ci(struct str a, struct str b)
{
	if (a.n != b.n)
		return false;
	for (size_t i = 0; i < a.n; i++)
		if (char_lower(a.p[i]) != char_lower(b.p[i]))
			return false;
	return true;
}

bool str_starts(struct str s, struct str prefix) { return s.n >= prefix.n && str_eq(str_make(s.p, prefix.n), prefix); }

bool str_ends(struct str s, struct str suffix)
{
	return s.n >= suffix.n && str_eq(str_from(s, s.n - suffix.n), suffix);
}

bool str_starts_ci(struct str s, struct str prefix)
{
	return s.n >= prefix.n && str_eq_ci(str_make(s.p, prefix.n), prefix);
}

struct str str_from(struct str s, size_t i)
{
	if (i > s.n)
		i = s.n;
	return i ? str_make(s.p + i, s.n - i) : s;
}

struct str str_sub(struct str s, size_t i, size_t n)
{
	struct str tail = str_from(s, i);
	return str_make(tail.p, n < tail.n ? n : tail.n);
}

static bool blank(char c) { return c == ' ' || c == '\t'; }

struct str str_trim(struct str s)
{
	while (s.n && blank(s.p[0]))
		s = str_from(s, 1);
	while (s.n && blank(s.p[s.n - 1]))
		s.n--;
	return s;
}

size_t str_find_char(struct str s, char c)
{
	const char *at = s.n ? memchr(s.p, c, s.n) : NULL;
	return at ? (size_t)(at - s.p) : SIZE_MAX;
}

size_t str_find(struct str s, struct str what)
{
	if (what.n == 0)
		return 0;
	const char *at = s.n >= what.n ? memmem(s.p, s.n, what.p, what.n) : NULL;
	return at ? (size_t)(at - s.p) : SIZE_MAX;
}

struct str str_cut(struct str *rest, char c)
{
	struct str whole = *rest;
	size_t at = str_find_char(whole, c);
	if (at == SIZE_MAX) {
		*rest = (struct str){ 0 };
		return whole;
	}
	*rest = str_from(whole, at + 1);
	return str_make(whole.p, at);
}

struct str str_after_last(struct str s, char c)
{
	size_t at = s.n;
	while (at > 0 && s.p[at - 1] != c)
		at--;
	return str_from(s, at);
}

bool str_to_u64(struct str s, uint64_t *out)
{
	uint64_t v = 0;
	if (s.n == 0)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		if (!char_digit(s.p[i]))
			return false;
		if (__builtin_mul_overflow(v, (uint64_t)10, &v) ||
		    __builtin_add_overflow(v, (uint64_t)(s.p[i] - '0'), &v))
			return false;
	}
	*out = v;
	return true;
}

bool str_to_i64(struct str s, int64_t *out)
{
	bool minus = s.n && s.p[0] == '-';
	uint64_t v;
	if (!str_to_u64(minus ? str_from(s, 1) : s, &v) || v > (uint64_t)INT64_MAX + minus)
		return false;
	*out = minus ? (int64_t)(0 - v) : (int64_t)v;
	return true;
}

static uint64_t load64(const char *p)
{
	uint64_t v;
	memcpy(&v, p, sizeof(v));
	return v;
}

/* The first byte at or after p that is not ASCII, give or take: never past it. */
static const char *skip_ascii(const char *p, const char *end)
{
	const uint64_t high = 0x8080808080808080u;
	while (end - p >= 32 && !((load64(p) | load64(p + 8) | load64(p + 16) | load64(p + 24)) & high))
		p += 32;
	while (end - p >= 8 && !(load64(p) & high))
		p += 8;
	return p;
}

static bool continues(char c) { return ((unsigned char)c & 0xc0) == 0x80; }

/* Length of the well-formed sequence at p (Unicode's Table 3-7), or 0. p < end. */
static size_t utf8_sequence(const char *p, const char *end)
{
	unsigned char a = (unsigned char)p[0];
	size_t room = (size_t)(end - p);
	if (a < 0x80)
		return 1;
	if (a < 0xc2 || a > 0xf4 || room < 2 || !continues(p[1]))
		return 0;
	if (a < 0xe0)
		return 2;
	unsigned char b = (unsigned char)p[1];
	if (room < 3 || !continues(p[2]))
		return 0;
	if (a < 0xf0)
		return (a == 0xe0 && b < 0xa0) || (a == 0xed && b > 0x9f) ? 0 : 3;
	if (room < 4 || !continues(p[3]))
		return 0;
	return (a == 0xf0 && b < 0x90) || (a == 0xf4 && b > 0x8f) ? 0 : 4;
}

bool str_is_utf8(struct str s)
{
	if (s.n == 0)
		return true;
	for (const char *p = s.p, *end = s.p + s.n; (p = skip_ascii(p, end)) < end;) {
		size_t n = utf8_sequence(p, end);
		if (n == 0)
			return false;
		p += n;
	}
	return true;
}

size_t str_utf8_length(struct str s)
{
	size_t count = 0;
	if (s.n == 0)
		return 0;
	for (const char *p = s.p, *end = s.p + s.n; p < end; count++) {
		const char *ascii = skip_ascii(p, end);
		count += (size_t)(ascii - p);
		p = ascii;
		if (p == end)
			break;
		size_t n = utf8_sequence(p, end);
		p += n ? n : 1;
	}
	return count;
}

/* SipHash (Aumasson, Bernstein), one round a word and three at the end. */
struct sip {
	uint64_t a, b, c, d;
};

static uint64_t rotate(uint64_t v, int by) { return v << by | v >> (64 - by); }

static void sip_round(struct sip *s)
{
	s->a += s->b;
	s->b = rotate(s->b, 13) ^ s->a;
	s->a = rotate(s->a, 32);
	s->c += s->d;
	s->d = rotate(s->d, 16) ^ s->c;
	s->a += s->d;
	s->d = rotate(s->d, 21) ^ s->a;
	s->c += s->b;
	s->b = rotate(s->b, 17) ^ s->c;
	s->c = rotate(s->c, 32);
}

static void sip_word(struct sip *s, uint64_t word)
{
	s->d ^= word;
	sip_round(s);
	s->a ^= word;
}

/* SplitMix64's finaliser: the second half of the key out of the first. */
static uint64_t scramble(uint64_t v)
{
	v += 0x9e3779b97f4a7c15u;
	v = (v ^ v >> 30) * 0xbf58476d1ce4e5b9u;
	v = (v ^ v >> 27) * 0x94d049bb133111ebu;
	return v ^ v >> 31;
}

uint64_t str_hash(struct str s, uint64_t seed)
{
	uint64_t k0 = seed, k1 = scramble(seed);
	struct sip h = { k0 ^ 0x736f6d6570736575u, k1 ^ 0x646f72616e646f6du, k0 ^ 0x6c7967656e657261u,
			 k1 ^ 0x7465646279746573u };
	size_t whole = s.n & ~(size_t)7;
	for (size_t i = 0; i < whole; i += 8)
		sip_word(&h, load64(s.p + i));
	uint64_t last = (uint64_t)s.n << 56;
	for (size_t i = whole; i < s.n; i++)
		last |= (uint64_t)(unsigned char)s.p[i] << (8 * (i - whole));
	sip_word(&h, last);
	h.c ^= 0xff;
	sip_round(&h);
	sip_round(&h);
	sip_round(&h);
	return h.a ^ h.b ^ h.c ^ h.d;
}

bool secret_eq(struct str a, struct str b)
{
	unsigned char differ = 0;
	if (a.n != b.n)
		return false;
	for (size_t i = 0; i < a.n; i++) {
		differ = (unsigned char)(differ | (a.p[i] ^ b.p[i]));
		__asm__ volatile("" : "+r"(differ)); /* no early way out may be found here */
	}
	return differ == 0;
}

void secret_wipe(void *p, size_t n)
{
	if (n)
		explicit_bzero(p, n);
}

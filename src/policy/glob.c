/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Patterns with wildcards against text: '*' any run of characters, '?' exactly one, a
 * character being a UTF-8 code point.
 *
 * A pattern is segments with stars between them. The first must stand at the text's
 * beginning, the last at its end, each other one is taken where it is first found:
 * whatever an earlier star could still swallow the later ones can as well, so nothing is
 * ever tried again. A segment of plain characters is found by memmem, in linear time.
 * One with '?' is found by shift-and, 64 of its characters at a time:
 *
 *     state bit k: the first k+1 characters of the piece end at this byte of the text
 *     next state = (state << 1 | where the piece before ended) & those that accept this byte
 *
 * A '?' accepts any first byte of a character and stays for the bytes that continue it.
 * So twenty kilobytes of patterns made to fail late cost no more than a look at each
 * (length of text * length of pattern / 64), whoever wrote them.
 *
 * Which bytes are the wildcards is the caller's choice: patterns with variables are
 * written out with bytes that no text has (pattern.c).
 */
#include "policy/impl.h"

enum {
	SMALL = 2048,    /* pattern times text up to which trying each place is cheapest */
	TEXT_MAX = 4096, /* of a text that shift-and has room for; longer ones are tried place by place */
	WORDS = TEXT_MAX / 64 + 1,
};

static bool continues(char c) { return ((uint8_t)c & 0xc0) == 0x80; }

static size_t char_end(struct str s, size_t i)
{
	do
		i++;
	while (i < s.n && continues(s.p[i]));
	return i;
}

/* The fewest bytes a pattern can match: a text that is shorter needs no look. */
static size_t least_bytes(struct str pat, char star)
{
	size_t stars = 0;
	for (size_t i = 0; i < pat.n; i++)
		stars += pat.p[i] == star;
	return pat.n - stars;
}

/* Where seg ends when it stands at text[i]; SIZE_MAX: it does not. */
static size_t stands_at(struct str seg, struct str text, size_t i, char one)
{
	for (size_t k = 0; k < seg.n; k++) {
		if (i >= text.n)
			return SIZE_MAX;
		if (seg.p[k] == one)
			i = char_end(text, i);
		else if (seg.p[k] != text.p[i++])
			return SIZE_MAX;
	}
	return i;
}

/* Does seg stand at the text's end, not reaching before `from`? */
static bool stands_last(struct str seg, struct str text, size_t from, char one)
{
	size_t i = text.n;
	if (seg.n > 0 && continues(seg.p[0])) /* no character begins so */
		return false;
	for (size_t k = seg.n; k-- > 0;) {
		if (i <= from)
			return false;
		i--;
		if (seg.p[k] != one && seg.p[k] != text.p[i])
			return false;
		while (seg.p[k] == one && i > from && continues(text.p[i]))
			i--;
	}
	return true;
}

static size_t find_each(struct str seg, struct str text, size_t from, char one)
{
	for (size_t i = from; i < text.n; i = char_end(text, i)) {
		size_t end = stands_at(seg, text, i, one);
		if (end != SIZE_MAX)
			return end;
	}
	return SIZE_MAX;
}

struct places { /* a bit for each byte of the text and one for its end */
	uint64_t bits[WORDS];
};

/* One piece of at most 64 bytes of a segment: from where the piece before may end to where this one does. */
static void shift_and(struct str piece, struct str text, size_t from, char one, const struct places *in,
		      struct places *out)
{
	uint64_t accept[256], ones = 0, state = 0;
	for (size_t k = 0; k < piece.n; k++)
		ones |= (uint64_t)(piece.p[k] == one) << k;
	for (size_t c = 0; c < COUNT(accept); c++)
		accept[c] = continues((char)c) ? 0 : ones;
	for (size_t k = 0; k < piece.n; k++)
		accept[(uint8_t)piece.p[k]] |= (uint64_t)(piece.p[k] != one) << k;
	*out = (struct places){ 0 };
	for (size_t i = from; i < text.n; i++) {
		uint64_t stay = continues(text.p[i]) ? state & ones : 0;
		uint64_t begin = in->bits[i / 64] >> (i % 64) & 1;
		state = ((state << 1 | begin) & accept[(uint8_t)text.p[i]]) | stay;
		out->bits[(i + 1) / 64] |= (state >> (piece.n - 1) & 1) << ((i + 1) % 64);
	}
}

static size_t find_shift_and(struct str seg, struct str text, size_t from, char one)
{
	struct places a, b, *in = &a, *out = &b;
	memset(in, 0xff, sizeof *in);
	for (size_t k = 0; k < seg.n; k += 64) {
		struct places *next = in;
		shift_and(str_sub(seg, k, seg.n - k < 64 ? seg.n - k : 64), text, from, one, in, out);
		in = out;
		out = next;
	}
	for (size_t i = from + 1; i <= text.n; i++) {
		if ((in->bits[i / 64] >> (i % 64) & 1) && (i == text.n || !continues(text.p[i])))
			return i;
	}
	return SIZE_MAX;
}

/* Where the first seg behind `from` ends; SIZE_MAX: there is none. */
static size_t find(struct str seg, struct str text, size_t from, char one)
{
	if (seg.n == 0)
		return from;
	if (seg.n > text.n - from || continues(seg.p[0]))
		return SIZE_MAX;
	if (memchr(seg.p, one, seg.n) == NULL) {
		const char *hit = memmem(text.p + from, text.n - from, seg.p, seg.n);
		return hit != NULL ? (size_t)(hit - text.p) + seg.n : SIZE_MAX;
	}
	if (seg.n * (text.n - from) <= SMALL || text.n > TEXT_MAX)
		return find_each(seg, text, from, one);
	return find_shift_and(seg, text, from, one);
}

bool pol_glob(struct str pat, struct str text, char star, char one)
{
	const char *cut = pat.n > 0 ? memchr(pat.p, star, pat.n) : NULL;
	if (cut == NULL)
		return stands_at(pat, text, 0, one) == text.n;
	if (least_bytes(pat, star) > text.n)
		return false;
	size_t n = (size_t)(cut - pat.p), i = stands_at(str_sub(pat, 0, n), text, 0, one);
	while (i != SIZE_MAX) {
		pat = str_from(pat, n + 1);
		cut = pat.n > 0 ? memchr(pat.p, star, pat.n) : NULL;
		if (cut == NULL)
			return stands_last(pat, text, i, one);
		n = (size_t)(cut - pat.p);
		i = find(str_sub(pat, 0, n), text, i, one);
	}
	return false;
}

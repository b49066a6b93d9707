/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Wildcards and ARNs: does this text fit that pattern?
 *
 * '*' stands for any run of characters, '?' for exactly one, a character being a
 * UTF-8 code point. On a mismatch only the last star is tried again one character
 * further: earlier stars need never be revisited, because whatever they could
 * still swallow the last one can as well. So there is no recursion and no more
 * than length of text times length of pattern steps.
 *
 * A compiled pattern is a list of tokens; values of policy variables take part as
 * literals, so a '*' in a user's name or tag is never a wildcard.
 */
#include "policy/impl.h"

static size_t char_size(struct str s, size_t i)
{
	size_t n = 1;
	while (i + n < s.n && ((uint8_t)s.p[i + n] & 0xc0) == 0x80)
		n++;
	return n;
}

static bool same(char a, char b, bool fold) { return a == b || (fold && char_lower(a) == char_lower(b)); }

/* The fewest bytes a pattern can match: a text that is shorter needs no look. */
static size_t least_bytes(struct str pat)
{
	size_t stars = 0;
	for (size_t i = 0; i < pat.n; i++)
		stars += pat.p[i] == '*';
	return pat.n - stars;
}

static bool wildcard(struct str pat, struct str text, bool fold)
{
	if (least_bytes(pat) > text.n)
		return false;
	size_t p = 0, t = 0, star = SIZE_MAX, again = 0;
	while (t < text.n || p < pat.n) {
		if (p < pat.n && pat.p[p] == '*') {
			star = ++p;
			again = t;
			continue;
		}
		if (p < pat.n && t < text.n) {
			if (pat.p[p] == '?') {
				p++;
				t += char_size(text, t);
				continue;
			}
			if (same(pat.p[p], text.p[t], fold)) {
				p++;
				t++;
				continue;
			}
		}
		if (star == SIZE_MAX || again >= text.n)
			return false;
		again += char_size(text, again);
		t = again;
		p = star;
	}
	return true;
}

bool policy_wildcard_match(struct str pattern, struct str text) { return wildcard(pattern, text, false); }

bool policy_wildcard_match_ci(struct str pattern, struct str text) { return wildcard(pattern, text, true); }

static struct str literal_of(const char *chars, const struct tok *t, const struct str *vars, const struct tok *first)
{
	if (t->kind == TOK_LITERAL)
		return str_make(chars + t->s.off, t->s.len);
	if (t->kind == TOK_COLON)
		return S(":");
	size_t which = 0;
	for (const struct tok *i = first; i < t; i++)
		which += i->kind == TOK_VARIABLE;
	return vars[which];
}

static bool starts_at(struct str text, size_t i, struct str lit, bool fold)
{
	if (lit.n == 0 || lit.n > text.n - i)
		return lit.n == 0;
	if (!fold)
		return memcmp(text.p + i, lit.p, lit.n) == 0;
	for (size_t k = 0; k < lit.n; k++) {
		if (char_lower(text.p[i + k]) != char_lower(lit.p[k]))
			return false;
	}
	return true;
}

static size_t least(const struct tok *t, size_t n)
{
	size_t bytes = 0;
	for (size_t i = 0; i < n; i++)
		bytes += t[i].kind == TOK_LITERAL ? t[i].s.len : t[i].kind == TOK_ONE || t[i].kind == TOK_COLON;
	return bytes;
}

bool pol_tokens_match(const char *chars, const struct tok *tok, size_t n, const struct str *vars, bool fold,
		      struct str text)
{
	if (least(tok, n) > text.n)
		return false;
	size_t p = 0, t = 0, star = SIZE_MAX, again = 0;
	while (p < n || t < text.n) {
		if (p < n && tok[p].kind == TOK_STAR) {
			star = ++p;
			again = t;
			if (p == n)
				return true;
			continue;
		}
		if (p < n && tok[p].kind == TOK_ONE) {
			if (t < text.n) {
				p++;
				t += char_size(text, t);
				continue;
			}
		} else if (p < n) {
			struct str lit = literal_of(chars, &tok[p], vars, tok);
			if (starts_at(text, t, lit, fold)) {
				p++;
				t += lit.n;
				continue;
			}
		}
		if (star == SIZE_MAX || again >= text.n)
			return false;
		again += char_size(text, again);
		t = again;
		p = star;
	}
	return true;
}

static size_t next_colon(const struct tok *t, size_t i, size_t n)
{
	while (i < n && t[i].kind != TOK_COLON)
		i++;
	return i;
}

bool pol_tokens_match_arn(const char *chars, const struct tok *t, size_t n, const struct str *vars, struct str text)
{
	size_t i = 0;
	for (int part = 0; part < 6; part++) {
		size_t end = next_colon(t, i, n);
		if ((part < 5) != (end < n) || (part < 5 && text.p == NULL))
			return false;
		struct str piece = part < 5 ? str_cut(&text, ':') : text;
		if (text.p == NULL)
			return false;
		if (!pol_tokens_match(chars, t + i, end - i, vars, false, piece))
			return false;
		for (size_t k = i; k < end; k++)
			vars += t[k].kind == TOK_VARIABLE;
		i = end + 1;
	}
	return true;
}

bool arn_match(struct str pattern, struct str arn)
{
	for (int part = 0; part < 5; part++) {
		struct str want = str_cut(&pattern, ':'), have = str_cut(&arn, ':');
		if (pattern.p == NULL || arn.p == NULL || !wildcard(want, have, false))
			return false;
	}
	return wildcard(pattern, arn, false);
}

struct status arn_parse(struct str s, struct arn *out)
{
	struct str part[5];
	for (int i = 0; i < 5; i++) {
		part[i] = str_cut(&s, ':');
		if (s.p == NULL)
			return ERR(E_INVALID);
	}
	if (!str_eq(part[0], S("arn")) || part[1].n == 0 || part[2].n == 0 || s.n == 0)
		return ERR(E_INVALID);
	*out = (struct arn){ part[1], part[2], part[3], part[4], s };
	return OK;
}

bool account_id_is(struct str s)
{
	if (s.n != 12)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		if (!char_digit(s.p[i]))
			return false;
	}
	return true;
}

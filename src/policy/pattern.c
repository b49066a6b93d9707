/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compiled patterns and ARNs: does this text fit that pattern?
 *
 * A compiled pattern is a list of tokens; values of policy variables take part as
 * literals, so a '*' in a user's name or tag is never a wildcard. It is written out, with
 * the values in it, and given to glob.c.
 */
#include "policy/impl.h"

static size_t char_size(struct str s, size_t i)
{
	size_t n = 1;
	while (i + n < s.n && ((uint8_t)s.p[i + n] & 0xc0) == 0x80)
		n++;
	return n;
}

bool policy_wildcard_match(struct str pattern, struct str text) { return pol_glob(pattern, text, '*', '?'); }

/* For names of a few dozen characters: the place behind the last star is tried again, a character further. */
bool policy_wildcard_match_ci(struct str pattern, struct str text)
{
	size_t p = 0, t = 0, star = SIZE_MAX, again = 0;
	while (t < text.n || p < pattern.n) {
		if (p < pattern.n && pattern.p[p] == '*') {
			star = ++p;
			again = t;
		} else if (p < pattern.n && t < text.n && pattern.p[p] == '?') {
			p++;
			t += char_size(text, t);
		} else if (p < pattern.n && t < text.n && char_lower(pattern.p[p]) == char_lower(text.p[t])) {
			p++;
			t++;
		} else if (star == SIZE_MAX || again >= text.n) {
			return false;
		} else {
			again += char_size(text, again);
			t = again;
			p = star;
		}
	}
	return true;
}

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

/* Token by token, for what cannot be written out: tries the place behind the last star again, a character further. */
static bool match_each(const char *chars, const struct tok *tok, size_t n, const struct str *vars, bool fold,
		       struct str text)
{
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

/* Bytes that UTF-8 does not have, for the wildcards of a pattern that is written out. */
#define STAR '\xfe'
#define ONE  '\xff'
enum { FLAT_TEXT = 4096 };

struct flat {
	size_t n, least; /* least: bytes that are not stars */
	char p[2 * FLAT_TEXT + 2];
};

/* False: longer than the text, so there is no match. */
static bool flat_add(struct flat *f, struct str s, size_t limit)
{
	if (s.n > limit - f->least)
		return false;
	if (s.n > 0)
		memcpy(f->p + f->n, s.p, s.n);
	f->n += s.n;
	f->least += s.n;
	return true;
}

static bool match_flat(const char *chars, const struct tok *tok, size_t n, const struct str *vars, struct str text)
{
	struct flat f;
	f.n = f.least = 0;
	for (size_t i = 0; i < n; i++) {
		if (tok[i].kind == TOK_STAR) {
			if (f.n == 0 || f.p[f.n - 1] != STAR)
				f.p[f.n++] = STAR;
			continue;
		}
		struct str s = tok[i].kind == TOK_ONE        ? str_make(&(const char){ ONE }, 1)
			       : tok[i].kind == TOK_VARIABLE ? *vars++
							     : literal_of(chars, &tok[i], NULL, tok);
		if (!flat_add(&f, s, text.n))
			return false;
	}
	return pol_glob(str_make(f.p, f.n), text, STAR, ONE);
}

/* A value that is not UTF-8 might hold the bytes that stand for wildcards. */
static bool can_be_flat(const struct tok *tok, size_t n, const struct str *vars)
{
	size_t stars = 0;
	for (size_t i = 0; i < n; i++) {
		stars += tok[i].kind == TOK_STAR;
		if (tok[i].kind != TOK_VARIABLE)
			continue;
		if (vars->n > 0 && (memchr(vars->p, STAR, vars->n) || memchr(vars->p, ONE, vars->n)))
			return false;
		vars++;
	}
	return stars > 0;
}

bool pol_tokens_match(const char *chars, const struct tok *tok, size_t n, const struct str *vars, bool fold,
		      struct str text)
{
	if (!fold && text.n <= FLAT_TEXT && can_be_flat(tok, n, vars))
		return match_flat(chars, tok, n, vars, text);
	return match_each(chars, tok, n, vars, fold, text);
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
		if (pattern.p == NULL || arn.p == NULL || !policy_wildcard_match(want, have))
			return false;
	}
	return policy_wildcard_match(pattern, arn);
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

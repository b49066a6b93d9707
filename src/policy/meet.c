/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Do two patterns have a text in common? Asked of a policy's resource and the ARN of a
 * resource type: "arn:aws:s3:::logs-*" meets "arn:${Partition}:s3:::${BucketName}".
 *
 * Two ARNs are compared part by part, so that a wildcard for an account is not taken for all
 * that follows.
 *
 * reach[j] says: some text is matched by what was read of the one and by the first j
 * characters of the other. One row is enough, read from left to right; n * m steps.
 */
#include "policy/catalogue.h"
#include "base/str.h"

enum { MEET_MAX = 2048 }; /* of the shorter pattern; longer ones are taken to meet */

enum { ANY = '*', ONE = '?', RUN = 1 /* any run without a slash: a bucket's name */ };

/* The next character of a pattern, ${...} taken for what it may stand for. */
static char next_of(struct str s, size_t *i)
{
	struct str rest = str_from(s, *i);
	if (!str_starts(rest, S("${"))) {
		(*i)++;
		return rest.p[0];
	}
	size_t end = str_find_char(rest, '}');
	if (end == SIZE_MAX) {
		(*i)++;
		return '$';
	}
	bool literal = end == 3 && memchr("*?$", rest.p[2], 3) != NULL; /* ${*} is the character itself */
	*i += end + 1;
	return literal ? ONE : str_starts(rest, S("${BucketName}")) ? RUN : ANY;
}

static bool is_run(char c) { return c == ANY || c == RUN; }

static void step(bool *reach, const char *b, size_t n, char c)
{
	bool before = reach[0]; /* reach[j - 1] of the row before */
	reach[0] = reach[0] && is_run(c);
	for (size_t j = 1; j <= n; j++) {
		bool was = reach[j];
		char d = b[j - 1];
		if (is_run(c))
			reach[j] = was || (reach[j - 1] && (c == ANY || d != '/'));
		else if (is_run(d))
			reach[j] = reach[j - 1] || (was && (d == ANY || c != '/'));
		else
			reach[j] = before && (c == d || c == ONE || d == ONE);
		if (is_run(d))
			reach[j] = reach[j] || reach[j - 1];
		before = was;
	}
}

static bool texts_meet(struct str a, struct str b)
{
	char other[MEET_MAX];
	bool reach[MEET_MAX + 1] = { true };
	size_t n = 0;
	if (b.n > a.n) {
		struct str t = a;
		a = b;
		b = t;
	}
	if (b.n > MEET_MAX)
		return true;
	for (size_t i = 0; i < b.n;)
		other[n++] = next_of(b, &i);
	for (size_t j = 0; j < n && is_run(other[j]); j++)
		reach[j + 1] = true;
	for (size_t i = 0; i < a.n;)
		step(reach, other, n, next_of(a, &i));
	return reach[n];
}

/* The six parts of an ARN, colons inside ${...} not counted; false when there are fewer. */
static bool parts_of(struct str s, struct str part[6])
{
	size_t from = 0, n = 0;
	for (size_t i = 0; i < s.n && n < 5;) {
		size_t at = i;
		next_of(s, &i);
		if (s.p[at] != ':')
			continue;
		part[n++] = str_sub(s, from, at - from);
		from = i;
	}
	part[n] = str_from(s, from);
	return n == 5;
}

bool catalogue_patterns_meet(struct str a, struct str b)
{
	struct str x[6], y[6];
	if (!str_starts(a, S("arn:")) || !str_starts(b, S("arn:")) || !parts_of(a, x) || !parts_of(b, y))
		return texts_meet(a, b);
	for (int i = 0; i < 6; i++) {
		if (!texts_meet(x[i], y[i]))
			return false;
	}
	return true;
}

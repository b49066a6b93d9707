/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The naive evaluator's texts and conditions: "IAM policy elements: Variables and tags",
 * "IAM JSON policy elements: Condition operators", "Single-valued vs. multivalued context
 * keys". Text in text out: a value is parsed each time it is compared.
 */
#include "policy/naive.h"
#include "base/str.h"

#include <arpa/inet.h>

enum { TEXT = N_TEXT };

const char *const naive_operators[N_OPERATORS] = {
	"StringEquals",
	"StringNotEquals",
	"StringEqualsIgnoreCase",
	"StringNotEqualsIgnoreCase",
	"StringLike",
	"StringNotLike",
	"NumericEquals",
	"NumericNotEquals",
	"NumericLessThan",
	"NumericLessThanEquals",
	"NumericGreaterThan",
	"NumericGreaterThanEquals",
	"DateEquals",
	"DateNotEquals",
	"DateLessThan",
	"DateLessThanEquals",
	"DateGreaterThan",
	"DateGreaterThanEquals",
	"Bool",
	"BinaryEquals",
	"IpAddress",
	"NotIpAddress",
	"ArnEquals",
	"ArnLike",
	"ArnNotEquals",
	"ArnNotLike",
	"Null",
};

static const struct n_key *find_key(const struct n_request *rq, const char *name)
{
	for (int i = 0; i < rq->key_n; i++) {
		if (str_eq_ci(str_of(rq->keys[i].name), str_of(name)))
			return &rq->keys[i];
	}
	return NULL;
}

/* "IAM policy elements: Variables and tags". -1: a variable without a value. */
int naive_expand(const struct n_request *rq, bool v2012, bool wildcards, const char *text, struct glyph *out)
{
	int n = 0;
	for (const char *p = text; *p; p++) {
		if (!v2012 || p[0] != '$' || p[1] != '{') {
			out[n++] = (struct glyph){ *p, wildcards && (*p == '*' || *p == '?') };
			continue;
		}
		char inside[TEXT];
		const char *end = strchr(p, '}');
		snprintf(inside, sizeof inside, "%.*s", (int)(end - p - 2), p + 2);
		p = end;
		const char *value;
		char *comma = strchr(inside, ','), fallback[TEXT];
		if (strcmp(inside, "*") == 0 || strcmp(inside, "?") == 0 || strcmp(inside, "$") == 0) {
			value = inside;
		} else {
			if (comma) {
				snprintf(fallback, sizeof fallback, "%.*s", (int)strlen(comma) - 4, comma + 3);
				*comma = 0;
			}
			const struct n_key *k = find_key(rq, inside);
			bool known = k && k->n > 0, many = known && (k->multi || k->n > 1);
			rq->seen->variable[many || (!known && !comma) ? 0 : known ? 2 : 1]++;
			if (many || (!known && !comma))
				return -1;
			value = k && k->n > 0 ? k->values[0] : fallback;
		}
		for (; *value; value++)
			out[n++] = (struct glyph){ *value, false };
	}
	return n;
}

bool naive_glob(const struct glyph *p, int n, const char *t, size_t tn, bool fold)
{
	if (n == 0)
		return tn == 0;
	if (p[0].wild && p[0].c == '*')
		return naive_glob(p + 1, n - 1, t, tn, fold) || (tn > 0 && naive_glob(p, n, t + 1, tn - 1, fold));
	if (tn == 0)
		return false;
	if (p[0].wild) {
		size_t size = 1;
		while (size < tn && ((uint8_t)t[size] & 0xc0) == 0x80)
			size++;
		return naive_glob(p + 1, n - 1, t + size, tn - size, fold);
	}
	bool same = p[0].c == t[0] || (fold && char_lower(p[0].c) == char_lower(t[0]));
	return same && naive_glob(p + 1, n - 1, t + 1, tn - 1, fold);
}

/* Six parts, each by itself. */
bool naive_arn_glob(const struct glyph *p, int n, const char *t)
{
	for (int part = 0; part < 6; part++) {
		int pn = 0;
		size_t tn = strlen(t);
		while (pn < n && !(part < 5 && p[pn].c == ':'))
			pn++;
		if (part < 5) {
			const char *colon = strchr(t, ':');
			if (!colon || pn == n)
				return false;
			tn = (size_t)(colon - t);
		}
		if (!naive_glob(p, pn, t, tn, false))
			return false;
		if (part < 5) {
			p += pn + 1;
			n -= pn + 1;
			t += tn + 1;
		}
	}
	return true;
}

/* ---- conditions ---- */

static bool in_range(const char *range, const char *ip)
{
	char addr[TEXT];
	uint8_t a[16], b[16];
	snprintf(addr, sizeof addr, "%s", range);
	char *slash = strchr(addr, '/');
	int family = strchr(range, ':') ? AF_INET6 : AF_INET, bits = family == AF_INET ? 32 : 128;
	if (slash) {
		bits = (int)strtol(slash + 1, NULL, 10);
		*slash = 0;
	}
	if (inet_pton(family, addr, a) != 1 || inet_pton(family, ip, b) != 1)
		return false;
	for (int i = 0; i < bits; i++) {
		if (((a[i / 8] ^ b[i / 8]) >> (7 - i % 8)) & 1)
			return false;
	}
	return true;
}

/* Sign, digits, perhaps a point and digits; all of the text. */
static bool decimal(const char *s, double *out)
{
	const char *digits = "0123456789", *p = s + (*s == '-' || *s == '+');
	size_t n = strspn(p, digits);
	p += n;
	if (n > 0 && *p == '.') {
		n = strspn(p + 1, digits);
		p += 1 + n;
	}
	*out = strtod(s, NULL);
	return n > 0 && *p == 0;
}

/* Seconds: Unix time, a year, or year-month-day, perhaps with a time of day in UTC or with an offset in whole hours. */
static bool instant(const char *s, double *out)
{
	struct tm tm = { 0 };
	int offset = 0;
	char zone[8] = "";
	if (decimal(s, out) && strlen(s) != 4)
		return true;
	/* NOLINTNEXTLINE(cert-err34-c): so few digits cannot be too many */
	int got = sscanf(s, "%4d-%2d-%2dT%2d:%2d:%2d%7s", &tm.tm_year, &tm.tm_mon, &tm.tm_mday, &tm.tm_hour, &tm.tm_min,
			 &tm.tm_sec, zone);
	if (got == 1 && strlen(s) == 4 && strspn(s, "0123456789") == 4) /* four digits are a year */
		tm.tm_mon = tm.tm_mday = 1;
	else if (got != 3 && got != 7)
		return false;
	if (got == 7 && strcmp(zone, "Z") != 0)
		offset = (int)strtol(zone, NULL, 10);
	tm.tm_year -= 1900;
	tm.tm_mon--;
	*out = (double)(timegm(&tm) - offset * 3600);
	return true;
}

static bool same_bytes(const char *base64, const char *have)
{
	static const char sextets[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	char got[TEXT];
	size_t n = 0;
	unsigned v = 0, bits = 0;
	for (const char *p = base64; *p && *p != '='; p++) {
		v = v << 6 | (unsigned)(strchr(sextets, *p) - sextets);
		bits += 6;
		if (bits >= 8) {
			bits -= 8;
			got[n++] = (char)(v >> bits);
		}
	}
	return n == strlen(have) && strncmp(got, have, n) == 0;
}

/* Does one policy value match one request value? `name` is the operator without negation. -1: variable unknown. */
static int compare(const struct n_request *rq, bool v2012, const char *name, const char *want, const char *have)
{
	struct glyph g[TEXT];
	bool like = strcmp(name, "StringLike") == 0, arn = strncmp(name, "Arn", 3) == 0;
	bool fold = strcmp(name, "StringEqualsIgnoreCase") == 0 || strcmp(name, "Bool") == 0;
	if (strncmp(name, "String", 6) == 0 || arn || fold) {
		int n = naive_expand(rq, v2012, like || arn, want, g);
		if (n < 0)
			return -1;
		if (arn && strcmp(want, "*") != 0)
			return naive_arn_glob(g, n, have);
		return naive_glob(g, n, have, strlen(have), fold);
	}
	if (strcmp(name, "IpAddress") == 0)
		return in_range(want, have);
	if (strcmp(name, "BinaryEquals") == 0)
		return same_bytes(want, have);
	double x, y;
	bool date = name[0] == 'D';
	if (date ? !instant(have, &x) || !instant(want, &y) : !decimal(have, &x) || !decimal(want, &y))
		return 0;
	int c = (x > y) - (x < y);
	const char *how = name + (name[0] == 'D' ? 4 : 7);
	if (strcmp(how, "Equals") == 0)
		return c == 0;
	if (strcmp(how, "LessThan") == 0)
		return c < 0;
	if (strcmp(how, "LessThanEquals") == 0)
		return c <= 0;
	return strcmp(how, "GreaterThan") == 0 ? c > 0 : c >= 0;
}

static bool one_value(const struct n_request *rq, bool v2012, const struct n_cond *c, const char *name, bool negated,
		      const char *have)
{
	bool unknown = false;
	for (int i = 0; i < c->n; i++) {
		int m = compare(rq, v2012, name, c->values[i], have);
		if (m > 0)
			return !negated;
		unknown |= m < 0;
	}
	return negated && !unknown;
}

static bool null_holds(const struct n_cond *c, bool missing)
{
	for (int i = 0; i < c->n; i++) {
		if (str_eq_ci(str_of(c->values[i]), S("true")) == missing)
			return true;
	}
	return false;
}

static bool holds(const struct n_request *rq, bool v2012, const struct n_cond *c)
{
	char name[64];
	const char *op = c->op;
	bool all = strncmp(op, "ForAllValues:", 13) == 0, any = strncmp(op, "ForAnyValue:", 12) == 0;
	op += all ? 13 : any ? 12 : 0;
	size_t n = strlen(op);
	bool exists = n > 8 && strcmp(op + n - 8, "IfExists") == 0;
	snprintf(name, sizeof name, "%.*s", (int)(exists ? n - 8 : n), op);
	char *not = strstr(name, "Not");
	if (not )
		memmove(not, not +3, strlen(not +3) + 1);
	const struct n_key *k = find_key(rq, c->key);
	bool missing = !k || k->n == 0;
	if (strcmp(name, "Null") == 0)
		return null_holds(c, missing);
	if (missing)
		return all || exists || (not &&!any);
	bool every = true, some = false, blank = true;
	for (int i = 0; i < k->n; i++)
		blank &= k->values[i][0] == 0;
	for (int i = 0; i < k->n; i++) {
		if (all && blank)
			continue;
		bool pass = one_value(rq, v2012, c, name, not != NULL, k->values[i]);
		every &= pass;
		some |= pass;
	}
	return all ? every : any ? some : not ? every : some;
}

bool naive_condition(const struct n_request *rq, bool v2012, const struct n_cond *c)
{
	int which = 0, form = 0;
	const char *op = c->op;
	size_t n;
	if (strncmp(op, "ForA", 4) == 0) {
		form = op[4] == 'l' ? 2 : 4;
		op = strchr(op, ':') + 1;
	}
	while (n = strlen(naive_operators[which]),
	       strncmp(op, naive_operators[which], n) != 0 || (op[n] && strcmp(op + n, "IfExists") != 0))
		which++;
	bool answer = holds(rq, v2012, c);
	rq->seen->condition[which][form + (op[n] != 0)][answer]++;
	return answer;
}

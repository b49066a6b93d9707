/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The naive evaluator. Each function is one rule of the user guide; where the guide gives
 * a list, the list stands here in its order. Nothing is prepared, indexed or shared with
 * the library: strings are C strings, wildcards recurse, numbers are doubles.
 */
#include "policy/naive.h"
#include "base/str.h"

#include <arpa/inet.h>

enum { TEXT = 512 };

struct glyph { /* a character of an expanded pattern: wildcards are marked, all else is literal */
	char c;
	bool wild;
};

static bool key_equal(const char *a, const char *b) { return str_eq_ci(str_of(a), str_of(b)); }

static const struct n_key *find_key(const struct n_request *rq, const char *name)
{
	for (int i = 0; i < rq->key_n; i++) {
		if (key_equal(rq->keys[i].name, name))
			return &rq->keys[i];
	}
	return NULL;
}

/* "IAM policy elements: Variables and tags". -1: a variable without a value. */
static int expand(const struct n_request *rq, bool v2012, bool wildcards, const char *text, struct glyph *out)
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
			if (k && k->n > 0 && (k->multi || k->n > 1))
				return -1;
			if (!(k && k->n > 0) && !comma)
				return -1;
			value = k && k->n > 0 ? k->values[0] : fallback;
		}
		for (; *value; value++)
			out[n++] = (struct glyph){ *value, false };
	}
	return n;
}

static bool glob(const struct glyph *p, int n, const char *t, size_t tn, bool fold)
{
	if (n == 0)
		return tn == 0;
	if (p[0].wild && p[0].c == '*')
		return glob(p + 1, n - 1, t, tn, fold) || (tn > 0 && glob(p, n, t + 1, tn - 1, fold));
	if (tn == 0)
		return false;
	bool same = p[0].wild || p[0].c == t[0] || (fold && char_lower(p[0].c) == char_lower(t[0]));
	return same && glob(p + 1, n - 1, t + 1, tn - 1, fold);
}

/* Six parts, each by itself. */
static bool arn_glob(const struct glyph *p, int n, const char *t)
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
		if (!glob(p, pn, t, tn, false))
			return false;
		if (part < 5) {
			p += pn + 1;
			n -= pn + 1;
			t += tn + 1;
		}
	}
	return true;
}

/* "IAM JSON policy elements: Resource": a star inside a part of an ARN stays in it, one that ends a part may go on. */
static int resource_one(const struct n_request *rq, bool v2012, const char *pattern)
{
	struct glyph g[TEXT];
	int n = expand(rq, v2012, true, pattern, g), colons = 0;
	bool inner = false;
	if (n < 0)
		return -1;
	for (const char *p = pattern; *p; p++) {
		colons += *p == ':';
		inner |= *p == '*' && colons < 5 && p[1] && p[1] != ':';
	}
	if (inner && colons >= 5)
		return arn_glob(g, n, rq->resource);
	return glob(g, n, rq->resource, strlen(rq->resource), false);
}

static bool resources(const struct n_request *rq, bool v2012, const struct n_stmt *s)
{
	bool any = false;
	if (s->resource_n == 0)
		return true;
	for (int i = 0; i < s->resource_n && !any; i++) {
		int m = resource_one(rq, v2012, s->resources[i]);
		if (m < 0 && s->not_resource)
			return false;
		any = m > 0;
	}
	return any != s->not_resource;
}

static bool actions(const struct n_request *rq, const struct n_stmt *s)
{
	bool any = false;
	for (int i = 0; i < s->action_n; i++) {
		struct glyph g[TEXT];
		int n = expand(rq, false, true, s->actions[i], g);
		any |= glob(g, n, rq->action, strlen(rq->action), true);
	}
	return any != s->not_action;
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

/* Does one policy value match one request value? `name` is the operator without negation. -1: variable unknown. */
static int compare(const struct n_request *rq, bool v2012, const char *name, const char *want, const char *have)
{
	struct glyph g[TEXT];
	bool like = strcmp(name, "StringLike") == 0, arn = strncmp(name, "Arn", 3) == 0;
	bool fold = strcmp(name, "StringEqualsIgnoreCase") == 0 || strcmp(name, "Bool") == 0;
	if (strncmp(name, "String", 6) == 0 || arn || fold) {
		int n = expand(rq, v2012, like || arn, want, g);
		if (n < 0)
			return -1;
		if (arn && strcmp(want, "*") != 0)
			return arn_glob(g, n, have);
		return glob(g, n, have, strlen(have), fold);
	}
	if (strcmp(name, "IpAddress") == 0)
		return in_range(want, have);
	/* numbers and Unix times; the dates of the test are all written in the same form, so that text order is time
	 * order */
	double x = strtod(have, NULL), y = strtod(want, NULL);
	int c = strchr(want, 'T') ? strcmp(have, want) : (x > y) - (x < y);
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

static bool condition(const struct n_request *rq, bool v2012, const struct n_cond *c)
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
		return missing == (strcmp(c->values[0], "true") == 0);
	if (missing)
		return all || exists || (not &&!any);
	bool every = true, some = false;
	for (int i = 0; i < k->n; i++) {
		if (all && k->values[i][0] == 0)
			continue;
		bool pass = one_value(rq, v2012, c, name, not != NULL, k->values[i]);
		every &= pass;
		some |= pass;
	}
	return all ? every : any ? some : not ? every : some;
}

/* ---- principals ---- */

enum how { NOBODY, ACCOUNT, ROLE, DIRECT };

static enum how names(const struct n_request *rq, const char *p)
{
	if (strcmp(p, "*") == 0)
		return DIRECT;
	if (strncmp(p, "Service:", 8) == 0)
		return rq->kind == POLICY_SERVICE && strcmp(p + 8, rq->service) == 0 ? DIRECT : NOBODY;
	p += 4;
	char root[TEXT];
	snprintf(root, sizeof root, "arn:aws:iam::%s:root", rq->account);
	if (rq->account[0] && (strcmp(p, rq->account) == 0 || strcmp(p, root) == 0))
		return rq->kind == POLICY_ROOT ? DIRECT : ACCOUNT;
	if ((rq->arn[0] && strcmp(p, rq->arn) == 0) || (rq->id[0] && strcmp(p, rq->id) == 0))
		return DIRECT;
	if (rq->issuer[0] && strcmp(p, rq->issuer) == 0)
		return ROLE;
	size_t n = strlen(p);
	return rq->kind == POLICY_ROLE_SESSION && strncmp(rq->id, p, n) == 0 && rq->id[n] == ':' ? ROLE : NOBODY;
}

static enum how principal(const struct n_request *rq, const struct n_stmt *s)
{
	enum how best = NOBODY;
	bool account = rq->account[0] == 0, self = false, everyone = false;
	if (s->principal_n == 0)
		return DIRECT;
	for (int i = 0; i < s->principal_n; i++) {
		enum how h = names(rq, s->principals[i]);
		best = h > best ? h : best;
		everyone |= strcmp(s->principals[i], "*") == 0;
		account |= h == ACCOUNT || (h == DIRECT && rq->kind == POLICY_ROOT);
		self |= h == ROLE || (h == DIRECT && rq->kind != POLICY_ROLE_SESSION);
	}
	if (!s->not_principal)
		return best;
	/* NotPrincipal with Deny: account and user or role must be named, and nobody with a boundary escapes */
	return !rq->has_boundary && (everyone || (account && self)) ? NOBODY : DIRECT;
}

/* ---- policies ---- */

struct says {
	bool deny;
	enum how allow;
};

static struct says policy(const struct n_request *rq, const struct n_policy *p)
{
	struct says r = { 0 };
	for (int i = 0; i < p->n; i++) {
		const struct n_stmt *s = &p->stmts[i];
		enum how h = principal(rq, s);
		bool match = h != NOBODY && actions(rq, s) && resources(rq, p->v2012, s);
		for (int k = 0; k < s->cond_n; k++)
			match = match && condition(rq, p->v2012, &s->conds[k]);
		if (match && s->deny)
			r.deny = true;
		if (match && !s->deny && h > r.allow)
			r.allow = h;
	}
	return r;
}

static struct says set(const struct n_request *rq, const struct n_set *all)
{
	struct says r = { 0 };
	for (int i = 0; i < all->n; i++) {
		struct says one = policy(rq, &all->all[i]);
		r.deny |= one.deny;
		r.allow = one.allow > r.allow ? one.allow : r.allow;
	}
	return r;
}

#define DENY(kind)  ((struct n_answer){ POLICY_EXPLICIT_DENY, kind })
#define LACKS(kind) ((struct n_answer){ POLICY_IMPLICIT_DENY, kind })

struct n_answer naive_decide(const struct n_request *rq)
{
	struct says none = { 0 };
	struct says rcp = set(rq, &rq->rcp), scp = set(rq, &rq->scp), identity = set(rq, &rq->identity);
	struct says session = set(rq, &rq->session);
	struct says boundary = rq->has_boundary ? policy(rq, &rq->boundary) : none;
	struct says resource = rq->has_resource_policy ? policy(rq, &rq->resource_policy) : none;
	struct says endpoint = rq->has_endpoint ? policy(rq, &rq->endpoint) : none;
	enum policy_kind res = rq->mode == POLICY_ASSUME ? POLICY_TRUST : POLICY_RESOURCE;
	bool account = rq->account[0] != 0, root = rq->kind == POLICY_ROOT;
	bool same = !account || !rq->resource_account[0] || strcmp(rq->account, rq->resource_account) == 0;
	enum how grant = rq->granted ? DIRECT : resource.allow;

	/* an explicit deny in any policy */
	if (rcp.deny)
		return DENY(POLICY_RCP);
	if (scp.deny)
		return DENY(POLICY_SCP);
	if (endpoint.deny)
		return DENY(POLICY_ENDPOINT);
	if (resource.deny)
		return DENY(res);
	if (identity.deny)
		return DENY(POLICY_IDENTITY);
	if (boundary.deny)
		return DENY(POLICY_BOUNDARY);
	if (session.deny)
		return DENY(POLICY_SESSION);

	/* the ceilings of organization and endpoint */
	if (rq->rcp.n && !rcp.allow)
		return LACKS(POLICY_RCP);
	if (account && rq->scp.n && !scp.allow)
		return LACKS(POLICY_SCP);
	if (rq->has_endpoint && !endpoint.allow)
		return LACKS(POLICY_ENDPOINT);

	bool within_boundary = !rq->has_boundary || boundary.allow || root;
	bool within_session = session.allow || (rq->session.n == 0 && rq->kind != POLICY_FEDERATED_USER);
	bool may = identity.allow || root, ok;
	if (!account)
		ok = grant == DIRECT;
	else if (same && rq->mode == POLICY_STANDARD)
		ok = grant == DIRECT || ((may || grant == ROLE) && within_boundary && within_session);
	else if (same)
		ok = grant == DIRECT ||
		     ((grant == ROLE || (grant == ACCOUNT && may)) && within_boundary && within_session);
	else
		ok = grant != NOBODY && may && within_boundary && within_session;
	if (ok)
		return (struct n_answer){ POLICY_ALLOW, POLICY_NONE };

	/* what is named as missing */
	if (!account || (rq->mode != POLICY_STANDARD && grant == NOBODY))
		return LACKS(res);
	if (!may && !(same && grant == ROLE))
		return LACKS(POLICY_IDENTITY);
	if (!within_boundary)
		return LACKS(POLICY_BOUNDARY);
	return LACKS(within_session ? res : POLICY_SESSION);
}

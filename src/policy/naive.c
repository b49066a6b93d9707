/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The naive evaluator. Each function is one rule of the user guide; where the guide gives
 * a list, the list stands here in its order. Nothing is prepared, indexed or shared with
 * the library: strings are C strings, wildcards recurse, numbers are doubles.
 */
#include "policy/naive.h"
#include "base/str.h"

enum { TEXT = N_TEXT };

/* "IAM JSON policy elements: Resource": a star inside a part of an ARN stays in it, one that ends a part may go on. */
static int resource_one(const struct n_request *rq, bool v2012, const char *pattern)
{
	struct glyph g[TEXT];
	int n = naive_expand(rq, v2012, true, pattern, g), colons = 0;
	bool inner = false;
	if (n < 0)
		return -1;
	for (const char *p = pattern; *p; p++) {
		colons += *p == ':';
		inner |= *p == '*' && colons < 5 && p[1] && p[1] != ':';
	}
	if (inner && colons >= 5)
		return naive_arn_glob(g, n, rq->resource);
	return naive_glob(g, n, rq->resource, strlen(rq->resource), false);
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
		int n = naive_expand(rq, false, true, s->actions[i], g);
		any |= naive_glob(g, n, rq->action, strlen(rq->action), true);
	}
	return any != s->not_action;
}

/* ---- principals ---- */

enum how { NOBODY, ACCOUNT, ROLE, DIRECT };

static bool serves(const struct n_request *rq, const char *service)
{
	for (size_t i = 0; i < COUNT(rq->services); i++) {
		if (rq->kind == POLICY_SERVICE && rq->services[i] && strcmp(rq->services[i], service) == 0)
			return true;
	}
	return false;
}

static enum how names(const struct n_request *rq, const char *p)
{
	if (strcmp(p, "*") == 0)
		return DIRECT;
	if (strncmp(p, "Service:", 8) == 0)
		return serves(rq, p + 8) ? DIRECT : NOBODY;
	if (strncmp(p, "Federated:", 10) == 0)
		return strcmp(rq->provider, p + 10) != 0 ? NOBODY : rq->kind == POLICY_WEB_IDENTITY ? DIRECT : ROLE;
	if (strncmp(p, "CanonicalUser:", 14) == 0)
		return strcmp(rq->canonical, p + 14) != 0 ? NOBODY : rq->kind == POLICY_ROOT ? DIRECT : ACCOUNT;
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
		bool act = actions(rq, s), res = resources(rq, p->v2012, s), match = h != NOBODY && act && res;
		if (s->principal_n)
			rq->seen->element[N_PRINCIPAL + s->not_principal][h != NOBODY]++;
		rq->seen->element[N_ACTION + s->not_action][act]++;
		if (s->resource_n)
			rq->seen->element[N_RESOURCE + s->not_resource][res]++;
		for (int k = 0; k < s->cond_n; k++)
			match = match && naive_condition(rq, p->v2012, &s->conds[k]);
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

/* Each level must allow: one that does not makes *lacks true. */
static struct says levels(const struct n_request *rq, const struct n_set *all, int n, bool *lacks)
{
	struct says r = { 0 };
	*lacks = false;
	for (int i = 0; i < n; i++) {
		struct says one = set(rq, &all[i]);
		r.deny |= one.deny;
		*lacks |= one.allow == NOBODY;
	}
	return r;
}

#define DENY(kind)  ((struct n_answer){ POLICY_EXPLICIT_DENY, kind })
#define LACKS(kind) ((struct n_answer){ POLICY_IMPLICIT_DENY, kind })

struct n_answer naive_decide(const struct n_request *rq)
{
	struct says none = { 0 };
	bool rcp_lacks, scp_lacks;
	struct says rcp = levels(rq, rq->rcp, rq->rcp_n, &rcp_lacks);
	struct says scp = levels(rq, rq->scp, rq->scp_n, &scp_lacks);
	struct says identity = set(rq, &rq->identity);
	struct says session = set(rq, &rq->session);
	struct says boundary = rq->has_boundary ? policy(rq, &rq->boundary) : none;
	struct says resource = rq->has_resource_policy ? policy(rq, &rq->resource_policy) : none;
	struct says endpoint = rq->has_endpoint ? policy(rq, &rq->endpoint) : none;
	enum policy_kind res = rq->mode == POLICY_ASSUME ? POLICY_TRUST : POLICY_RESOURCE;
	bool account = rq->account[0] != 0, root = rq->kind == POLICY_ROOT;
	bool same = !account || !rq->resource_account[0] || strcmp(rq->account, rq->resource_account) == 0;
	enum how by_grant = rq->granted == POLICY_GRANTED_SELF      ? DIRECT
			    : rq->granted == POLICY_GRANTED_ROLE    ? ROLE
			    : rq->granted == POLICY_GRANTED_ACCOUNT ? ACCOUNT
								    : NOBODY;
	enum how grant = by_grant > resource.allow ? by_grant : resource.allow;
	bool role_granted = rq->granted == POLICY_GRANTED_ROLE;
	rq->seen->grant[resource.allow]++;

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
	if (rcp_lacks)
		return LACKS(POLICY_RCP);
	if (account && scp_lacks)
		return LACKS(POLICY_SCP);
	if (rq->has_endpoint && !endpoint.allow)
		return LACKS(POLICY_ENDPOINT);

	bool within_boundary = !rq->has_boundary || boundary.allow || root;
	bool within_session = session.allow || (rq->session.n == 0 && rq->kind != POLICY_FEDERATED_USER);
	bool may = identity.allow || root, ok;
	if (by_grant == DIRECT)
		ok = true;
	else if (!account)
		ok = grant == DIRECT;
	else if (same && rq->mode == POLICY_STANDARD)
		ok = grant == DIRECT || ((may || grant == ROLE) && within_boundary && within_session);
	else if (same)
		ok = grant == DIRECT ||
		     ((grant == ROLE || (grant == ACCOUNT && may)) && within_boundary && within_session);
	else
		ok = grant != NOBODY && (may || role_granted) && within_boundary && within_session;
	if (ok)
		return (struct n_answer){ POLICY_ALLOW, POLICY_NONE };

	/* what is named as missing */
	if (!account || (rq->mode != POLICY_STANDARD && grant == NOBODY))
		return LACKS(res);
	if (!may && !(same && grant == ROLE) && !role_granted)
		return LACKS(POLICY_IDENTITY);
	if (!within_boundary)
		return LACKS(POLICY_BOUNDARY);
	return LACKS(within_session ? res : POLICY_SESSION);
}

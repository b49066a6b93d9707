/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Does this statement apply to this request? Action, principal, resource and conditions
 * must all match, and are tried in that order: the cheap ones first.
 *
 * Actions are compared without regard to case, resources with. A Principal may match in
 * several ways, and how it does decides what else must allow (enum grant); see
 * "AWS JSON policy elements: Principal" and "Policy evaluation logic".
 */
#include "policy/impl.h"

bool pol_asked_prepare(struct asked *q, const struct policy_request *rq)
{
	struct str a = rq->action;
	uint32_t h = 0x811c9dc5u;
	bool vendor = false;
	q->rq = rq;
	if (a.n > sizeof q->room)
		return false;
	for (size_t i = 0; i < a.n; i++) {
		if (i <= PREFIX_MAX)
			q->prefix[i] = h;
		q->room[i] = char_lower(a.p[i]);
		h = (h ^ (uint8_t)q->room[i]) * 0x01000193u;
		vendor |= a.p[i] == ':';
	}
	if (a.n <= PREFIX_MAX)
		q->prefix[a.n] = h;
	q->lengths = a.n >= PREFIX_MAX ? UINT64_MAX : (UINT64_C(2) << a.n) - 1;
	q->action_hash = h;
	q->action = str_make(q->room, a.n);
	q->head_bit = pol_head_bit(pol_head(rq->resource));
	return vendor;
}

/* ---- Action ---- */

static bool action_matches(const struct asked *q, const struct policy *p, const struct act *a)
{
	switch (a->form) {
	case ACT_ALL:
		return true;
	case ACT_EXACT:
		return a->hash == q->action_hash && str_eq(at(p, a->low), q->action);
	case ACT_PREFIX:
		return str_starts(q->action, at(p, a->low));
	default:
		return policy_wildcard_match(at(p, a->low), q->action);
	}
}

static bool actions_match(const struct asked *q, const struct policy *p, const struct stmt *s)
{
	for (uint32_t i = 0; i < s->act_n; i++) {
		if (action_matches(q, p, &p->acts[s->act0 + i]))
			return !s->not_action;
	}
	return s->not_action;
}

/* ---- Principal ---- */

static bool named(struct str have, struct str want) { return have.n > 0 && str_eq(have, want); }

/* A user's or session's own id is himself; the role's id, which a session's starts with, is his role. */
static enum grant grant_by_id(const struct policy_principal *who, struct str id)
{
	if (named(who->id, id))
		return GRANT_FULL;
	bool role =
	    who->kind == POLICY_ROLE_SESSION && who->id.n > id.n && str_starts(who->id, id) && who->id.p[id.n] == ':';
	return role ? GRANT_ROLE : GRANT_NONE;
}

static bool serves_as(const struct policy_principal *who, struct str service)
{
	for (size_t i = 0; who->kind == POLICY_SERVICE && i < who->services_n; i++) {
		if (str_eq(who->services[i], service))
			return true;
	}
	return false;
}

static enum grant grant_by(const struct policy_principal *who, enum policy_principal_type type, struct str value)
{
	switch (type) {
	case POLICY_P_EVERYONE:
		return GRANT_FULL;
	case POLICY_P_ACCOUNT:
		return !named(who->account, value) ? GRANT_NONE : who->kind == POLICY_ROOT ? GRANT_FULL : GRANT_ACCOUNT;
	case POLICY_P_ARN:
		return named(who->arn, value) ? GRANT_FULL : named(who->issuer, value) ? GRANT_ROLE : GRANT_NONE;
	case POLICY_P_UNIQUE_ID:
		return grant_by_id(who, value);
	case POLICY_P_SERVICE:
		return serves_as(who, value) ? GRANT_FULL : GRANT_NONE;
	case POLICY_P_FEDERATED:
		return !named(who->provider, value)       ? GRANT_NONE
		       : who->kind == POLICY_WEB_IDENTITY ? GRANT_FULL
							  : GRANT_ROLE;
	case POLICY_P_CANONICAL:
		return !named(who->canonical, value) ? GRANT_NONE
		       : who->kind == POLICY_ROOT    ? GRANT_FULL
						     : GRANT_ACCOUNT;
	}
	return GRANT_NONE;
}

/*
 * Deny for all but these: who is spared? AWS looks at the account first, then at the user or role ("NotPrincipal"),
 * so both must be named; and whoever has a permissions boundary is never spared ("Permissions boundaries").
 */
static bool spared(const struct asked *q, const struct policy *p, const struct stmt *s)
{
	const struct policy_principal *who = q->rq->principal;
	bool account = who->account.n == 0, self = false;
	if (q->rq->boundary != NULL)
		return false;
	for (uint32_t i = 0; i < s->prin_n; i++) {
		const struct prin *r = &p->prins[s->prin0 + i];
		enum grant g = grant_by(who, (enum policy_principal_type)r->type, at(p, r->value));
		if (r->type == POLICY_P_EVERYONE)
			return true;
		account |= g == GRANT_ACCOUNT || (g == GRANT_FULL && who->kind == POLICY_ROOT);
		/* for a session the role must be named: the session's own name alone comes too late in AWS's order */
		self |= g == GRANT_ROLE || (g == GRANT_FULL && who->kind != POLICY_ROLE_SESSION);
	}
	return account && self;
}

static enum grant principal_matches(const struct asked *q, const struct policy *p, const struct stmt *s)
{
	if (s->prin_n == 0)
		return GRANT_FULL;
	if (s->not_principal)
		return spared(q, p, s) ? GRANT_NONE : GRANT_FULL;
	enum grant best = GRANT_NONE;
	for (uint32_t i = 0; i < s->prin_n && best < GRANT_FULL; i++) {
		const struct prin *r = &p->prins[s->prin0 + i];
		enum grant g = grant_by(q->rq->principal, (enum policy_principal_type)r->type, at(p, r->value));
		if (g > best)
			best = g;
	}
	return best;
}

/* ---- Resource ---- */

/* In NotResource a variable without a value must not widen the statement: then it does not match at all. */
static bool resources_match(const struct asked *q, const struct policy *p, const struct stmt *s)
{
	for (uint32_t i = 0; i < s->res_n; i++) {
		int m = pol_pattern_match(q->rq->context, p, &p->ress[s->res0 + i], false, q->rq->resource);
		if (m == 1)
			return !s->not_resource;
		if (m < 0 && s->not_resource)
			return false;
	}
	return s->not_resource || s->res_n == 0;
}

struct matched pol_statement_match(const struct asked *q, const struct policy *p, const struct stmt *s)
{
	struct matched m = { 0 };
	if (!actions_match(q, p, s)) {
		m.failed = POLICY_E_ACTION;
		return m;
	}
	m.grant = principal_matches(q, p, s);
	if (m.grant == GRANT_NONE) {
		m.failed = POLICY_E_PRINCIPAL;
		return m;
	}
	if (!resources_match(q, p, s)) {
		m.failed = POLICY_E_RESOURCE;
		return m;
	}
	for (uint32_t i = 0; i < s->cond_n; i++) {
		if (!pol_condition_holds(q, p, &p->conds[s->cond0 + i])) {
			m.failed = POLICY_E_CONDITION;
			m.condition = i;
			return m;
		}
	}
	return m;
}

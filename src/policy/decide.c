/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The decision: all policies of a request, combined as AWS combines them ("Policy
 * evaluation logic", "Cross-account policy evaluation logic", "Permissions boundaries").
 *
 *   1. an explicit deny anywhere                                        → denied
 *   2. a ceiling without an allow: RCP, SCP (each level), endpoint      → denied
 *   3. resource policy, same account, naming the principal himself      → allowed
 *   4. identity policies (or, same account, a resource policy naming
 *      his role) without an allow                                       → denied
 *   5. permissions boundary, session policies without an allow          → denied
 *   6. another account's resource whose policy does not allow           → denied
 *   7. otherwise                                                        → allowed
 *
 * A KMS grant that covers the call stands beside the key's policy: one for the caller himself
 * is step 3, one for his role spares him step 4, one for his account lets him past step 6.
 * Grants do so across accounts as well ("Grants in AWS KMS").
 *
 * For KMS keys and role trust the resource policy must allow even within the account;
 * naming the account there delegates to its identity policies. The account's root user
 * has no identity policies and needs none.
 */
#include "policy/impl.h"

struct outcome { /* of one policy, or of the best of a set */
	const struct policy *deny_in, *allow_in;
	uint32_t deny_at, allow_at; /* policy and statement by number, as in a ref */
	size_t level;
	enum grant grant; /* of the allow */
};

struct place { /* where a policy stands in the request */
	enum policy_kind kind;
	size_t level, index;
};

static const struct stmt *stmt_of(const struct policy *p, uint32_t at)
{
	return &p->stmts[at & ((1u << REF_POLICY_SHIFT) - 1)];
}

static void tell(const struct asked *q, const struct policy *p, const struct stmt *s, struct place w, struct matched m)
{
	struct policy_step step = {
		.kind = w.kind,
		.level = w.level,
		.index = w.index,
		.policy = p,
		.statement = policy_statement_at(p, (size_t)(s - p->stmts)),
		.matched = m.failed == POLICY_E_NONE,
		.failed = m.failed,
		.condition = m.condition,
	};
	q->rq->trace->step(q->rq->trace->arg, &step);
}

/* Could this statement still change what is known? A deny, if it comes before the one found; an allow, if it grants
 * more, or comes before one that grants the same. */
static bool is_news(bool deny, uint32_t at, const struct outcome *o)
{
	if (deny)
		return o->deny_in == NULL || at < o->deny_at;
	return o->grant < GRANT_FULL || at < o->allow_at;
}

static void note(struct outcome *o, const struct policy *p, bool deny, uint32_t at, enum grant grant)
{
	if (deny) {
		o->deny_in = p;
		o->deny_at = at;
		return;
	}
	if (grant < o->grant || (grant == o->grant && at > o->allow_at))
		return;
	o->allow_in = p;
	o->allow_at = at;
	o->grant = grant;
}

static void try_refs(const struct asked *q, const struct ref *refs, size_t n, const struct policy *const *all,
		     uint32_t base, struct outcome *o)
{
	for (size_t i = 0; i < n; i++) {
		uint32_t own = refs[i].at & ~REF_DENY, at = own + base;
		bool deny = (refs[i].at & REF_DENY) != 0;
		if (!(refs[i].heads & q->head_bit) || !is_news(deny, at, o))
			continue;
		const struct policy *p = all[own >> REF_POLICY_SHIFT];
		struct matched m = pol_statement_match(q, p, stmt_of(p, own));
		if (m.failed == POLICY_E_NONE)
			note(o, p, deny, at, m.grant);
	}
}

static void try_slot(const struct asked *q, const struct index *ix, uint32_t hash, const struct policy *const *all,
		     uint32_t base, struct outcome *o)
{
	uint32_t spread = hash_spread(hash);
	if (!sieve_has(ix->sieve, spread))
		return;
	for (uint32_t i = spread & ix->slot_mask; ix->slots[i].n > 0; i = (i + 1) & ix->slot_mask) {
		if (ix->slots[i].hash != hash)
			continue;
		try_refs(q, ix->refs + ix->slots[i].start, ix->slots[i].n, all, base, o);
		return;
	}
}

/* `base` is added to the numbers of the index: where its first policy stands in its set. */
static void try_index(const struct asked *q, const struct index *ix, const struct policy *const *all, uint32_t base,
		      struct outcome *o)
{
	try_refs(q, ix->refs, ix->any_n, all, base, o);
	try_slot(q, ix, q->action_hash, all, base, o);
	for (uint64_t left = ix->prefixes & q->lengths; left != 0; left &= left - 1)
		try_slot(q, ix, hash_prefix(q->prefix[__builtin_ctzll(left)]), all, base, o);
}

/* Every statement, in order, each told of. */
static void try_all(const struct asked *q, const struct policy *p, struct place w, struct outcome *o)
{
	for (uint32_t i = 0; i < p->stmt_n; i++) {
		uint32_t at = (uint32_t)w.index << REF_POLICY_SHIFT | i;
		struct matched m = pol_statement_match(q, p, &p->stmts[i]);
		tell(q, p, &p->stmts[i], w, m);
		if (m.failed == POLICY_E_NONE && is_news(p->stmts[i].deny, at, o))
			note(o, p, p->stmts[i].deny, at, m.grant);
	}
}

static struct outcome try_set(const struct asked *q, struct policy_set set, enum policy_kind kind, size_t level)
{
	struct outcome o = { .level = level };
	if (set.index != NULL && q->rq->trace == NULL) {
		try_index(q, pol_index_of(set.index), set.all, 0, &o);
		return o;
	}
	for (size_t i = 0; i < set.n; i++) {
		if (q->rq->trace != NULL)
			try_all(q, set.all[i], (struct place){ kind, level, i }, &o);
		else
			try_index(q, &set.all[i]->ix, &set.all[i], (uint32_t)i << REF_POLICY_SHIFT, &o);
	}
	return o;
}

static struct outcome try_one(const struct asked *q, const struct policy *p, enum policy_kind kind)
{
	return try_set(q, (struct policy_set){ &p, p != NULL }, kind, 0);
}

/* Every level must allow: *lacking becomes true when one does not. The first deny of any level is kept. */
static struct outcome try_levels(const struct asked *q, const struct policy_set *levels, size_t n,
				 enum policy_kind kind, bool *lacking)
{
	struct outcome all = { 0 };
	*lacking = false;
	for (size_t i = 0; i < n; i++) {
		struct outcome o = try_set(q, levels[i], kind, i);
		*lacking |= o.allow_in == NULL;
		if (o.deny_in != NULL && all.deny_in == NULL)
			all = o;
	}
	return all;
}

static struct policy_decision denied_by(enum policy_kind kind, const struct outcome *o)
{
	return (struct policy_decision){
		.verdict = POLICY_EXPLICIT_DENY,
		.by = kind,
		.policy = o->deny_in,
		.level = o->level,
		.index = o->deny_at >> REF_POLICY_SHIFT,
		.statement =
		    policy_statement_at(o->deny_in, (size_t)(stmt_of(o->deny_in, o->deny_at) - o->deny_in->stmts)),
	};
}

static struct policy_decision allowed_by(enum policy_kind kind, const struct outcome *o)
{
	struct policy_decision d = { .verdict = POLICY_ALLOW };
	if (o->allow_in == NULL)
		return d;
	d.by = kind;
	d.policy = o->allow_in;
	d.level = o->level;
	d.index = o->allow_at >> REF_POLICY_SHIFT;
	d.statement =
	    policy_statement_at(o->allow_in, (size_t)(stmt_of(o->allow_in, o->allow_at) - o->allow_in->stmts));
	return d;
}

static struct policy_decision lacking(enum policy_kind kind)
{
	return (struct policy_decision){ .verdict = POLICY_IMPLICIT_DENY, .by = kind };
}

struct found { /* what all policies of a request say */
	struct outcome rcp, scp, endpoint, resource, identity, boundary, session;
	bool rcp_lacking, scp_lacking;
	enum policy_kind resource_kind;
	bool cross;
};

static void find_all(const struct asked *q, struct found *f)
{
	const struct policy_request *rq = q->rq;
	f->resource_kind = rq->mode == POLICY_ASSUME ? POLICY_TRUST : POLICY_RESOURCE;
	f->rcp = try_levels(q, rq->rcps, rq->rcps_n, POLICY_RCP, &f->rcp_lacking);
	f->scp = try_levels(q, rq->scps, rq->scps_n, POLICY_SCP, &f->scp_lacking);
	f->endpoint = try_one(q, rq->endpoint, POLICY_ENDPOINT);
	f->resource = try_one(q, rq->resource_policy, f->resource_kind);
	f->identity = try_set(q, rq->identity, POLICY_IDENTITY, 0);
	f->boundary = try_one(q, rq->boundary, POLICY_BOUNDARY);
	f->session = try_set(q, rq->session, POLICY_SESSION, 0);
	f->cross = rq->resource_account.n > 0 && rq->principal->account.n > 0 &&
		   !str_eq(rq->resource_account, rq->principal->account);
}

static bool explicit_deny(const struct found *f, struct policy_decision *d)
{
	const struct {
		enum policy_kind kind;
		const struct outcome *o;
	} order[] = {
		{ POLICY_RCP, &f->rcp },           { POLICY_SCP, &f->scp },
		{ POLICY_ENDPOINT, &f->endpoint }, { f->resource_kind, &f->resource },
		{ POLICY_IDENTITY, &f->identity }, { POLICY_BOUNDARY, &f->boundary },
		{ POLICY_SESSION, &f->session },
	};
	for (size_t i = 0; i < COUNT(order); i++) {
		if (order[i].o->deny_in == NULL)
			continue;
		*d = denied_by(order[i].kind, order[i].o);
		return true;
	}
	return false;
}

/* Steps 4 to 7, for those who have identity policies. */
static struct policy_decision by_identity(const struct policy_request *rq, const struct found *f, enum grant grant)
{
	bool root = rq->principal->kind == POLICY_ROOT, federated = rq->principal->kind == POLICY_FEDERATED_USER;
	bool role_named = (!f->cross && grant == GRANT_ROLE) || rq->granted == POLICY_GRANTED_ROLE;
	if (!root && !role_named && f->identity.allow_in == NULL)
		return lacking(POLICY_IDENTITY);
	if (!root && rq->boundary != NULL && f->boundary.allow_in == NULL)
		return lacking(POLICY_BOUNDARY);
	/* a federated user has what user and session policies share; without session policies that is nothing */
	if ((rq->session.n > 0 || federated) && f->session.allow_in == NULL)
		return lacking(POLICY_SESSION);
	if (f->cross && grant == GRANT_NONE)
		return lacking(f->resource_kind);
	if (f->identity.allow_in != NULL && !root)
		return allowed_by(POLICY_IDENTITY, &f->identity);
	return allowed_by(f->resource_kind, &f->resource);
}

/* What resource policy and grant give together: the better of both. */
static enum grant best_grant(const struct policy_request *rq, const struct found *f)
{
	static const enum grant by_grant[] = {
		[POLICY_GRANTED_NOBODY] = GRANT_NONE,
		[POLICY_GRANTED_ACCOUNT] = GRANT_ACCOUNT,
		[POLICY_GRANTED_ROLE] = GRANT_ROLE,
		[POLICY_GRANTED_SELF] = GRANT_FULL,
	};
	enum grant grant = by_grant[rq->granted];
	return grant > f->resource.grant ? grant : f->resource.grant;
}

static struct policy_decision combine(const struct policy_request *rq, const struct found *f)
{
	enum policy_principal_kind kind = rq->principal->kind;
	enum grant grant = best_grant(rq, f);
	if (f->rcp_lacking)
		return lacking(POLICY_RCP);
	if (f->scp_lacking && rq->principal->account.n > 0) /* SCPs bind accounts, not services and strangers */
		return lacking(POLICY_SCP);
	if (rq->endpoint != NULL && f->endpoint.allow_in == NULL)
		return lacking(POLICY_ENDPOINT);
	if (rq->granted == POLICY_GRANTED_SELF)
		return (struct policy_decision){ .verdict = POLICY_ALLOW };
	if (kind == POLICY_ANONYMOUS || kind == POLICY_SERVICE || kind == POLICY_WEB_IDENTITY)
		return grant == GRANT_FULL ? allowed_by(f->resource_kind, &f->resource) : lacking(f->resource_kind);
	if (!f->cross && grant == GRANT_FULL)
		return allowed_by(f->resource_kind, &f->resource);
	if (rq->mode != POLICY_STANDARD && grant == GRANT_NONE)
		return lacking(f->resource_kind);
	return by_identity(rq, f, grant);
}

struct policy_decision policy_decide(const struct policy_request *rq)
{
	struct asked q;
	struct found f;
	struct policy_decision d;
	if (!pol_asked_prepare(&q, rq))
		return lacking(POLICY_IDENTITY);
	find_all(&q, &f);
	if (!explicit_deny(&f, &d))
		d = combine(rq, &f);
	d.cross_account = f.cross;
	return d;
}

static bool one_policy(const struct policy *p, const struct policy_request *rq, bool deny, struct policy_statement *out)
{
	struct asked q;
	if (!pol_asked_prepare(&q, rq))
		return false;
	struct outcome o = try_one(&q, p, policy_kind_of(p));
	const struct policy *found = deny ? o.deny_in : o.allow_in;
	uint32_t at = deny ? o.deny_at : o.allow_at;
	if (found != NULL && out != NULL)
		*out = policy_statement_at(found, (size_t)(stmt_of(found, at) - found->stmts));
	return found != NULL;
}

bool policy_allows(const struct policy *p, const struct policy_request *rq, struct policy_statement *out)
{
	return one_policy(p, rq, false, out);
}

bool policy_denies(const struct policy *p, const struct policy_request *rq, struct policy_statement *out)
{
	return one_policy(p, rq, true, out);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Does a condition hold for this request?
 *
 * The rules, from "IAM JSON policy elements: Condition operators" and "Single-valued vs.
 * multivalued context keys":
 * - several policy values: any may match; under a negated operator none may.
 * - key missing: false; true when the operator is negated or ends in IfExists.
 * - ForAllValues: every request value must pass; true when there is none, or only empty ones.
 * - ForAnyValue: at least one request value must pass; false when there is none.
 * - without either, a request with several values matches when any of them does.
 * - Null "true": the key is missing; "false": it is there.
 * A variable without a value makes the condition false, whatever the operator.
 */
#include "policy/impl.h"

static bool resolve(const struct policy_context *cx, const struct policy *p, const struct tok *t, struct str *out)
{
	struct policy_entry room;
	const struct policy_entry *e = pol_context_find(cx, t->key, t->hash, at(p, t->s), &room);
	if (e == NULL || e->n == 0) {
		*out = at(p, t->dflt);
		return t->has_default;
	}
	*out = entry_value(e, 0);
	return !e->multi && e->n == 1; /* a multivalued key cannot be a variable */
}

int pol_pattern_match(const struct policy_context *cx, const struct policy *p, const struct pat *t, bool fold,
		      struct str text)
{
	struct str lit = at(p, t->lit);
	switch (t->form) {
	case PAT_ALL:
		return 1;
	case PAT_EXACT:
		return fold ? str_eq_ci(lit, text) : str_eq(lit, text);
	case PAT_PREFIX:
		return text.n >= lit.n && memcmp(text.p, lit.p, lit.n) == 0;
	case PAT_GLOB:
		return policy_wildcard_match(lit, text);
	case PAT_GLOB_ARN:
		return arn_match(lit, text);
	default:
		break;
	}
	struct str vars[POLICY_VARIABLES_MAX];
	const struct tok *tok = p->toks + t->tok0;
	size_t n = 0;
	for (size_t i = 0; n < t->variables; i++) {
		if (tok[i].kind == TOK_VARIABLE && !resolve(cx, p, &tok[i], &vars[n++]))
			return -1;
	}
	if (t->form == PAT_ARN)
		return pol_tokens_match_arn(p->chars, tok, t->tok_n, vars, text);
	return pol_tokens_match(p->chars, tok, t->tok_n, vars, fold, text);
}

/* The request's value in the form its operator compares; false when it has not that form. */
struct subject {
	struct str text;
	union {
		struct num num;
		int64_t ms;
		struct cidr ip;
	};
};

static bool subject_of(enum op op, struct str text, struct subject *s)
{
	s->text = text;
	if (op >= OP_NUM_EQ && op <= OP_NUM_GE)
		return pol_num_parse(text, &s->num);
	if (op >= OP_DATE_EQ && op <= OP_DATE_GE)
		return pol_date_parse(text, &s->ms);
	return op != OP_IP || pol_ip_parse(text, &s->ip);
}

static bool ordered(enum op which, int cmp)
{
	switch (which) {
	case OP_NUM_EQ:
	case OP_DATE_EQ:
		return cmp == 0;
	case OP_NUM_LT:
	case OP_DATE_LT:
		return cmp < 0;
	case OP_NUM_LE:
	case OP_DATE_LE:
		return cmp <= 0;
	case OP_NUM_GT:
	case OP_DATE_GT:
		return cmp > 0;
	default:
		return cmp >= 0;
	}
}

static int value_matches(const struct asked *q, const struct policy *p, enum op op, const struct cval *v,
			 const struct subject *s)
{
	switch (op) {
	case OP_STRING:
	case OP_LIKE:
	case OP_ARN:
		return pol_pattern_match(q->rq->context, p, &v->pat, false, s->text);
	case OP_STRING_CI:
	case OP_BOOL:
		return pol_pattern_match(q->rq->context, p, &v->pat, true, s->text);
	case OP_BINARY:
		return str_eq(at(p, v->bytes), s->text);
	case OP_IP:
		return pol_cidr_holds(&v->cidr, &s->ip);
	case OP_DATE_EQ:
	case OP_DATE_LT:
	case OP_DATE_LE:
	case OP_DATE_GT:
	case OP_DATE_GE:
		return ordered(op, (s->ms > v->ms) - (s->ms < v->ms));
	default:
		return ordered(op, pol_num_cmp(s->num, v->num));
	}
}

/* One request value against all policy values, negation not yet applied: 1, 0, or -1 for a variable without a value
 * that could have made the difference. */
static int any_value_matches(const struct asked *q, const struct policy *p, const struct cond *c, struct str text)
{
	struct subject s;
	int result = 0;
	if (!subject_of((enum op)c->op, text, &s))
		return 0;
	for (uint32_t i = 0; i < c->val_n; i++) {
		int m = value_matches(q, p, (enum op)c->op, &p->vals[c->val0 + i], &s);
		if (m == 1)
			return 1;
		if (m < 0)
			result = -1;
	}
	return result;
}

static bool passes(const struct asked *q, const struct policy *p, const struct cond *c, struct str text)
{
	int m = any_value_matches(q, p, c, text);
	return c->negated ? m == 0 : m == 1;
}

static bool null_holds(const struct policy *p, const struct cond *c, bool missing)
{
	for (uint32_t i = 0; i < c->val_n; i++) {
		if (p->vals[c->val0 + i].truth == missing)
			return true;
	}
	return false;
}

static bool is_null_set(const struct policy_entry *e)
{
	for (uint32_t i = 0; i < e->n; i++)
		if (entry_value(e, i).n > 0)
			return false;
	return true;
}

/* An empty value among others is a value like them: else it would get by where the others are limited. */
static bool all_pass(const struct asked *q, const struct policy *p, const struct cond *c, const struct policy_entry *e)
{
	if (is_null_set(e))
		return true;
	for (uint32_t i = 0; i < e->n; i++)
		if (!passes(q, p, c, entry_value(e, i)))
			return false;
	return true;
}

static bool any_passes(const struct asked *q, const struct policy *p, const struct cond *c,
		       const struct policy_entry *e)
{
	for (uint32_t i = 0; i < e->n; i++) {
		if (passes(q, p, c, entry_value(e, i)))
			return true;
	}
	return false;
}

/* Several values without a set operator: matching means that any does, so a negated operator wants all to pass. */
static bool plain_holds(const struct asked *q, const struct policy *p, const struct cond *c,
			const struct policy_entry *e)
{
	for (uint32_t i = 0; i < e->n; i++) {
		if (passes(q, p, c, entry_value(e, i)) != c->negated)
			return !c->negated;
	}
	return c->negated;
}

bool pol_condition_holds(const struct asked *q, const struct policy *p, const struct cond *c)
{
	struct policy_entry room;
	const struct policy_entry *e = pol_context_find(q->rq->context, c->key, c->hash, at(p, c->key_text), &room);
	bool missing = e == NULL || e->n == 0;
	if (c->op == OP_NULL)
		return null_holds(p, c, missing);
	if (missing) {
		if (c->set == SET_ALL)
			return true;
		return c->if_exists || (c->negated && c->set == SET_NONE);
	}
	if (c->set == SET_ALL)
		return all_pass(q, p, c, e);
	if (c->set == SET_ANY)
		return any_passes(q, p, c, e);
	return plain_holds(q, p, c, e);
}

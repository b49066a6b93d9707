/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A compiled document as others may look at it: its statements and their elements, as
 * views that live as long as the policy.
 */
#include "policy/impl.h"

size_t policy_bytes(const struct policy *p) { return p->bytes; }
struct str policy_text(const struct policy *p) { return str_make(p->chars, p->text_n); }
enum policy_kind policy_kind_of(const struct policy *p) { return (enum policy_kind)p->kind; }
struct str policy_id(const struct policy *p) { return at(p, p->id); }
bool policy_is_2012(const struct policy *p) { return p->v2012; }
size_t policy_statement_count(const struct policy *p) { return p->stmt_n; }

size_t policy_quota_size(struct str document)
{
	size_t white = 0;
	for (size_t i = 0; i < document.n; i++)
		white += memchr(" \t\r\n", document.p[i], 4) != NULL;
	return str_utf8_length(document) - white;
}

static const struct stmt *stmt_at(const struct policy *p, size_t i)
{
	assert(i < p->stmt_n);
	return &p->stmts[i];
}

struct policy_statement policy_statement_at(const struct policy *p, size_t i)
{
	const struct stmt *s = stmt_at(p, i);
	return (struct policy_statement){
		.index = (uint32_t)i,
		.begin = s->begin,
		.end = s->end,
		.sid = at(p, s->sid),
		.deny = s->deny,
		.not_principal = s->not_principal,
		.not_action = s->not_action,
		.not_resource = s->not_resource,
		.principals = s->prin_n,
		.actions = s->act_n,
		.resources = s->res_n,
		.conditions = s->cond_n,
	};
}

struct policy_principal_view policy_principal_at(const struct policy *p, size_t statement, size_t i)
{
	const struct stmt *s = stmt_at(p, statement);
	assert(i < s->prin_n);
	const struct prin *r = &p->prins[s->prin0 + i];
	return (struct policy_principal_view){ (enum policy_principal_type)r->type, at(p, r->value) };
}

struct str policy_action_at(const struct policy *p, size_t statement, size_t i)
{
	const struct stmt *s = stmt_at(p, statement);
	assert(i < s->act_n);
	return at(p, p->acts[s->act0 + i].text);
}

struct str policy_resource_at(const struct policy *p, size_t statement, size_t i)
{
	const struct stmt *s = stmt_at(p, statement);
	assert(i < s->res_n);
	struct span lit = p->ress[s->res0 + i].lit;
	lit.len += p->ress[s->res0 + i].form == PAT_PREFIX; /* the star that was cut off */
	return at(p, lit);
}

static const struct cond *cond_at(const struct policy *p, size_t statement, size_t i)
{
	const struct stmt *s = stmt_at(p, statement);
	assert(i < s->cond_n);
	return &p->conds[s->cond0 + i];
}

struct policy_condition_view policy_condition_at(const struct policy *p, size_t statement, size_t i)
{
	const struct cond *c = cond_at(p, statement, i);
	return (struct policy_condition_view){ at(p, c->op_text), at(p, c->key_text), c->val_n };
}

struct str policy_condition_value(const struct policy *p, size_t statement, size_t condition, size_t i)
{
	const struct cond *c = cond_at(p, statement, condition);
	assert(i < c->val_n);
	return at(p, p->vals[c->val0 + i].text);
}

bool policy_context_key_next(const struct policy *p, size_t *it, struct str *name)
{
	if (*it < p->cond_n) {
		*name = at(p, p->conds[(*it)++].key_text);
		return true;
	}
	for (size_t t = *it - p->cond_n; t < p->tok_n; t++) {
		if (p->toks[t].kind != TOK_VARIABLE)
			continue;
		*name = at(p, p->toks[t].s);
		*it = p->cond_n + t + 1;
		return true;
	}
	*it = (size_t)p->cond_n + p->tok_n;
	return false;
}

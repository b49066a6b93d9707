/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The steps of a decision come statement by statement. They are gathered first, since a tree
 * wants to know which line is the last; then they are told in the order in which the types of
 * policy are combined.
 */
#include "policy/explain.h"
#include "base/str.h"

enum { SENTENCE_MAX = 4096, SHOWN_MAX = 5 };

struct told {
	struct policy_step step;
	struct told *next;
};

struct gathered {
	struct arena *mem;
	struct told *first, **last;
};

static void gather(void *arg, const struct policy_step *step)
{
	struct gathered *g = arg;
	struct told *t = NEW(g->mem, struct told);
	t->step = *step;
	*g->last = t;
	g->last = &t->next;
}

struct teller {
	struct arena *mem;
	const struct policy_request *rq;
	const struct policy_names *names;
	const struct told *steps;
	struct buf *out;
};

/* ---- why a statement did not match ---- */

static void put_list(struct buf *out, const struct policy_step *s, uint32_t n,
		     struct str (*at)(const struct policy *, size_t, size_t))
{
	for (uint32_t i = 0; i < n && i < SHOWN_MAX; i++)
		buf_printf(out, "%s%.*s", i > 0 ? ", " : "", PR(at(s->policy, s->statement.index, i)));
	if (n > SHOWN_MAX)
		buf_printf(out, ", and %u more", n - SHOWN_MAX);
}

static void put_principals(struct buf *out, const struct policy_step *s)
{
	for (uint32_t i = 0; i < s->statement.principals && i < SHOWN_MAX; i++) {
		struct policy_principal_view p = policy_principal_at(s->policy, s->statement.index, i);
		buf_printf(out, "%s%.*s", i > 0 ? ", " : "", PR(p.type == POLICY_P_EVERYONE ? S("*") : p.value));
	}
	if (s->statement.principals > SHOWN_MAX)
		buf_printf(out, ", and %u more", s->statement.principals - SHOWN_MAX);
}

static void put_request_value(struct teller *t, struct str key)
{
	struct policy_entry e;
	if (!policy_context_get(t->rq->context, key, &e) || e.n == 0) {
		buf_printf(t->out, "the request does not have it");
		return;
	}
	buf_printf(t->out, "the request has ");
	for (uint32_t i = 0; i < e.n && i < SHOWN_MAX; i++) {
		struct str v = e.values != NULL ? e.values[i] : e.one;
		buf_printf(t->out, "%s\"%.*s\"", i > 0 ? ", " : "", PR(v));
	}
	if (e.n > SHOWN_MAX)
		buf_printf(t->out, ", and %u more", e.n - SHOWN_MAX);
}

static void put_condition(struct teller *t, const struct policy_step *s)
{
	struct policy_condition_view c = policy_condition_at(s->policy, s->statement.index, s->condition);
	buf_printf(t->out, "its condition does not hold: %.*s %.*s ", PR(c.op), PR(c.key));
	for (uint32_t i = 0; i < c.values && i < SHOWN_MAX; i++)
		buf_printf(t->out, "%s\"%.*s\"", i > 0 ? ", " : "",
			   PR(policy_condition_value(s->policy, s->statement.index, s->condition, i)));
	if (c.values > SHOWN_MAX)
		buf_printf(t->out, ", and %u more", c.values - SHOWN_MAX);
	buf_printf(t->out, "; ");
	put_request_value(t, c.key);
}

static void put_reason(struct teller *t, const struct policy_step *s)
{
	const struct policy_statement *st = &s->statement;
	switch (s->failed) {
	case POLICY_E_NONE:
		buf_printf(t->out, "matches");
		break;
	case POLICY_E_ACTION:
		buf_printf(t->out, "not about this action: %s", st->not_action ? "all but " : "");
		put_list(t->out, s, st->actions, policy_action_at);
		break;
	case POLICY_E_RESOURCE:
		buf_printf(t->out, "not about this resource: %s", st->not_resource ? "all but " : "");
		put_list(t->out, s, st->resources, policy_resource_at);
		break;
	case POLICY_E_PRINCIPAL:
		buf_printf(t->out, "not about this principal: %s", st->not_principal ? "all but " : "");
		put_principals(t->out, s);
		break;
	case POLICY_E_CONDITION:
		put_condition(t, s);
		break;
	}
}

/* ---- the tree ---- */

static bool same_policy(const struct policy_step *a, const struct policy_step *b)
{
	return a->kind == b->kind && a->level == b->level && a->index == b->index;
}

static const struct told *next_of_kind(const struct told *t, enum policy_kind kind)
{
	while (t != NULL && t->step.kind != kind)
		t = t->next;
	return t;
}

static struct policy_where where_of(const struct teller *t, const struct policy *p, uint32_t offset)
{
	return t->names->find(t->names->arg, p, offset);
}

static void put_statement(struct teller *t, const char *rail, const struct policy_step *s, bool last)
{
	struct policy_where w = where_of(t, s->policy, s->statement.begin);
	buf_printf(t->out, "%s%s %u:%u %s", rail, last ? "└─" : "├─", w.line, w.column,
		   s->statement.deny ? "Deny" : "Allow");
	if (s->statement.sid.n > 0)
		buf_printf(t->out, " \"%.*s\"", PR(s->statement.sid));
	buf_printf(t->out, ": ");
	put_reason(t, s);
	buf_byte(t->out, '\n');
}

/* One policy and its statements; the first step of the next policy of the kind, or NULL. */
static const struct told *put_policy(struct teller *t, const char *rail, const struct told *first, bool levels)
{
	const struct told *s = first, *after = first;
	char inner[64];
	struct policy_where w = where_of(t, first->step.policy, 0);
	while (after != NULL && same_policy(&after->step, &first->step))
		after = next_of_kind(after->next, first->step.kind);
	buf_printf(t->out, "%s%s ", rail, after != NULL ? "├─" : "└─");
	if (levels)
		buf_printf(t->out, "level %zu: ", first->step.level + 1);
	buf_printf(t->out, "%.*s\n", PR(w.name));
	snprintf(inner, sizeof inner, "%s%s", rail, after != NULL ? "│  " : "   ");
	for (; s != after;) {
		const struct told *next = next_of_kind(s->next, first->step.kind);
		put_statement(t, inner, &s->step, next == after);
		s = next;
	}
	return after;
}

static void put_kind(struct teller *t, enum policy_kind kind, const char *absent, bool last)
{
	const struct told *s = next_of_kind(t->steps, kind);
	bool levels = kind == POLICY_SCP || kind == POLICY_RCP;
	if (s == NULL && absent == NULL)
		return;
	buf_printf(t->out, "%s %s%s%s\n", last ? "└─" : "├─", policy_kind_name(kind), s == NULL ? ": " : "",
		   s == NULL ? absent : "");
	while (s != NULL)
		s = put_policy(t, last ? "   " : "│  ", s, levels);
}

static void put_tree(struct teller *t)
{
	const struct policy_request *rq = t->rq;
	enum policy_kind resource = rq->mode == POLICY_ASSUME ? POLICY_TRUST : POLICY_RESOURCE;
	enum policy_principal_kind who = rq->principal->kind;
	bool own = who == POLICY_USER || who == POLICY_ROLE_SESSION || who == POLICY_FEDERATED_USER;
	put_kind(t, POLICY_RCP, NULL, false);
	put_kind(t, POLICY_SCP, NULL, false);
	put_kind(t, POLICY_ENDPOINT, NULL, false);
	put_kind(t, resource, rq->granted ? "a grant covers the call" : "none", false);
	put_kind(t, POLICY_IDENTITY,
		 own                  ? "none"
		 : who == POLICY_ROOT ? "root has none and needs none"
				      : "the principal has none",
		 false);
	put_kind(t, POLICY_BOUNDARY, "none", false);
	put_kind(t, POLICY_SESSION, "none", true);
}

struct policy_decision policy_explain(struct arena *mem, const struct policy_request *rq,
				      const struct policy_names *names, struct buf *out)
{
	struct gathered g = { .mem = mem };
	struct policy_trace trace = { gather, &g };
	struct policy_request traced = *rq;
	char *room = NEWS(mem, char, SENTENCE_MAX);
	g.last = &g.first;
	traced.trace = &trace;
	struct policy_decision d = policy_decide(&traced);
	if (d.verdict == POLICY_ALLOW)
		buf_printf(out, "ALLOWED  %.*s\n", PR(policy_verdict_line(mem, &d, names)));
	else
		buf_printf(out, "DENIED  %.*s\n", PR(policy_denial(rq, &d, false, room, SENTENCE_MAX)));
	if (d.cross_account)
		buf_printf(out, "the resource is another account's: both sides must allow\n");
	struct teller t = { mem, rq, names, g.first, out };
	put_tree(&t);
	return d;
}

struct str policy_verdict_line(struct arena *mem, const struct policy_decision *d, const struct policy_names *names)
{
	const char *verb = d->verdict == POLICY_ALLOW ? "allowed" : "denied";
	if (d->policy == NULL && d->verdict == POLICY_ALLOW)
		return d->by == POLICY_NONE ? S("allowed without a statement: root, or a grant") : S("allowed");
	if (d->policy == NULL)
		return arena_printf(mem, "denied because no %s allows it", policy_kind_name(d->by));
	struct policy_where w = names->find(names->arg, d->policy, d->statement.begin);
	return arena_printf(
	    mem, "%s by %s%.*s%s of the %s (%.*s:%u:%u)", verb, d->statement.sid.n > 0 ? "\"" : "statement ",
	    PR(d->statement.sid.n > 0 ? d->statement.sid : arena_printf(mem, "%u", d->statement.index + 1)),
	    d->statement.sid.n > 0 ? "\"" : "", policy_kind_name(d->by), PR(w.name), w.line, w.column);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every allowed call of the trail is put together again (rebuild.h), and its service lists what
 * it needed: the exact actions and ARNs that enforcement asked for, whatever the operation is
 * called. What was refused is no evidence of a need.
 *
 * Conditions are left out: a reviewer knows which of them are meant.
 */
#include "api/evidence.h"

#include "api/authz.h"
#include "api/rebuild.h"
#include "api/trail.h"
#include "base/map.h"
#include "base/str.h"
#include "policy/catalogue.h"
#include "wire/json_text.h"
#include "wire/str_list.h"

#include <stdlib.h>

enum { PAGE = 200, PAGES_MAX = 100 * 1000, USES_MAX = 200 * 1000 };

struct use {
	struct str action, resource;
};

struct evidence {
	const struct evidence_ask *ask;
	struct req *rq; /* whose caller is the principal */
	struct arena *mem;
	struct map seen; /* "action resource": uses already noted */
	struct use *v;
	size_t n, cap, calls;
};

/* ---- gathering ---- */

static void note(struct evidence *e, struct str action, struct str resource)
{
	struct str key = arena_printf(e->mem, "%.*s %.*s", PR(action), PR(resource));
	if (e->n == USES_MAX || map_get(&e->seen, key))
		return;
	(void)map_put(&e->seen, key, e);
	if (e->n == e->cap) {
		size_t cap = e->cap ? e->cap * 2 : 64;
		struct use *v = NEWS(e->mem, struct use, cap);
		if (e->n)
			memcpy(v, e->v, e->n * sizeof *v);
		e->v = v;
		e->cap = cap;
	}
	e->v[e->n++] = (struct use){ str_dup(e->mem, action), str_dup(e->mem, resource) };
}

static bool is_his(const struct evidence *e, const struct record *r)
{
	const struct caller *who = &e->rq->caller;
	if (r->error_code.n || r->caller_kind != who->kind || !str_eq(r->account, who->account))
		return false;
	return who->kind == CALLER_ROLE ? str_eq(r->role_id, who->role_id) : str_eq(r->principal_id, who->principal_id);
}

/* The call as it was, for those who list what it needs. */
static void note_call(struct evidence *e, const struct record *r)
{
	struct arena *mem = arena_new();
	struct req *rq = rebuild_request(e->rq->app, mem);
	struct authz az;
	rq->svc = rebuild_service(rq->app, r->event_source);
	rq->op = rq->svc ? rebuild_op_of_event(rq->svc, r->event_name) : NULL;
	if (rq->op && !(rq->op->flags & OP_NO_AUTHZ)) {
		rq->caller = e->rq->caller;
		rq->policies = e->rq->policies;
		rq->account = r->owner.n ? r->owner : r->account;
		rq->region = r->region;
		rq->now_ms = r->time_ms;
		rebuild_input_of_record(rq, r->parameters);
		struct str resource = S("*");
		size_t at = 0;
		if (!failed(authz_list(rq, &az))) {
			for (const struct authz_item *i = az.first; i; i = i->next)
				note(e, i->action, i->resource);
		} else { /* it is gone by now: the record says what it was */
			(void)record_resource(r, &at, &resource);
			note(e, str_of(rq->op->action), resource);
		}
		e->calls++;
	}
	req_unpin_all(rq);
	arena_free(mem);
}

static struct status gather(struct evidence *e)
{
	struct lookup l = {
		.account = e->rq->caller.account,
		.from_ms = e->ask->from_ms,
		.to_ms = e->ask->to_ms,
		.max = PAGE,
		.block = LOOKUP_START_BLOCK,
		.index = LOOKUP_START_INDEX,
	};
	bool more = true;
	for (int page = 0; page < PAGES_MAX && more; page++) {
		struct arena *mem = arena_new();
		struct record *all;
		size_t n = 0;
		struct status st = trail_lookup(e->rq->app->trail, mem, &l, &all, &n, &more);
		for (size_t i = 0; i < n && !failed(st); i++)
			if (is_his(e, &all[i]))
				note_call(e, &all[i]);
		arena_free(mem);
		TRY(st);
	}
	return OK;
}

static struct status begin(struct app *app, struct arena *mem, const struct evidence_ask *ask, struct evidence *e,
			   struct str *why)
{
	*e = (struct evidence){ .ask = ask, .mem = mem, .rq = rebuild_request(app, mem) };
	*why = (struct str){ 0 };
	uint64_t seed;
	world_random(app->world, &seed, sizeof seed);
	map_init(&e->seen, seed);
	TRY(rebuild_caller(e->rq, ask->principal, why));
	if (e->rq->caller.kind != CALLER_USER && e->rq->caller.kind != CALLER_ROLE) {
		*why = S("evidence is of a user or a role");
		return ERR(E_INVALID);
	}
	return gather(e);
}

static struct status end(struct evidence *e, struct status st, struct str *why)
{
	if (failed(st) && !why->p)
		*why = str_of(status_name(st));
	map_free(&e->seen);
	req_unpin_all(e->rq);
	return st;
}

static int by_action(const void *a, const void *b)
{
	const struct use *x = a, *y = b;
	int d = str_cmp(x->action, y->action);
	return d ? d : str_cmp(x->resource, y->resource);
}

/* ---- a policy ---- */

struct grant {
	struct str action;
	struct str_list resources;
};

/* What resources are many of: the bucket of an object's ARN, the type of others. Ends behind the first slash. */
static struct str owner_of(struct str arn)
{
	size_t slash = str_find_char(arn, '/');
	return slash == SIZE_MAX ? arn : str_sub(arn, 0, slash + 1);
}

/* What all of these (sorted) begin with, up to a slash. */
static struct str common(const struct str *v, size_t n)
{
	struct str a = v[0], b = v[n - 1];
	size_t i = 0, cut = 0;
	for (; i < a.n && i < b.n && a.p[i] == b.p[i]; i++)
		cut = a.p[i] == '/' ? i + 1 : cut;
	return str_sub(a, 0, cut);
}

static struct str_list collapse(struct evidence *e, const struct str *v, size_t n)
{
	struct str *out = NEWS(e->mem, struct str, n);
	size_t k = 0;
	for (size_t i = 0; i < n;) {
		size_t j = i;
		struct str owner = owner_of(v[i]);
		while (j < n && str_eq(owner_of(v[j]), owner))
			j++;
		if (j - i > e->ask->resources_max && owner.n && owner.p[owner.n - 1] == '/') {
			struct str head = common(v + i, j - i);
			out[k++] = arena_printf(e->mem, "%.*s*", PR(head));
			i = j;
		}
		for (; i < j; i++)
			out[k++] = v[i];
	}
	return (struct str_list){ out, k };
}

static size_t grants_of(struct evidence *e, struct grant *out)
{
	size_t n = 0;
	qsort(e->v, e->n, sizeof *e->v, by_action);
	struct str *all = NEWS(e->mem, struct str, e->n + 1);
	for (size_t i = 0; i < e->n; i++)
		all[i] = e->v[i].resource;
	for (size_t i = 0; i < e->n;) {
		size_t j = i;
		while (j < e->n && str_eq(e->v[j].action, e->v[i].action))
			j++;
		out[n++] = (struct grant){ e->v[i].action, collapse(e, all + i, j - i) };
		i = j;
	}
	return n;
}

static void put_array(struct buf *out, const char *name, const struct str *v, size_t n, const char *after)
{
	buf_printf(out, "      \"%s\": [", name);
	for (size_t i = 0; i < n; i++) {
		buf_z(out, i ? ",\n        " : "\n        ");
		json_string_put(out, v[i]);
	}
	buf_printf(out, "\n      ]%s\n", after);
}

/* A statement for each set of resources, with all actions that were used on exactly these. */
static void put_policy(struct evidence *e, struct grant *g, size_t n, struct buf *out)
{
	struct str *actions = NEWS(e->mem, struct str, n + 1);
	bool first = true;
	buf_z(out, "{\n  \"Version\": \"2012-10-17\",\n  \"Statement\": [");
	for (size_t i = 0; i < n; i++) {
		size_t k = 0;
		if (!g[i].action.p)
			continue;
		struct str_list resources = g[i].resources;
		for (size_t j = i; j < n; j++) {
			if (!g[j].action.p || !str_list_eq(g[j].resources, resources))
				continue;
			actions[k++] = g[j].action;
			g[j].action = (struct str){ 0 };
		}
		buf_z(out,
		      first ? "\n    {\n      \"Effect\": \"Allow\",\n" : ",\n    {\n      \"Effect\": \"Allow\",\n");
		put_array(out, "Action", actions, k, ",");
		put_array(out, "Resource", resources.v, resources.n, "");
		buf_z(out, "    }");
		first = false;
	}
	buf_z(out, "\n  ]\n}\n");
}

struct status evidence_policy(struct app *app, struct arena *mem, const struct evidence_ask *ask, struct buf *out,
			      struct str *why)
{
	struct evidence e;
	struct status st = begin(app, mem, ask, &e, why);
	if (!failed(st) && e.n == 0) {
		*why = S("the trail shows no allowed call of it in that time: the smallest policy is none");
		st = ERR(E_NOT_FOUND);
	}
	if (!failed(st)) {
		struct grant *g = NEWS(mem, struct grant, e.n + 1);
		put_policy(&e, g, grants_of(&e, g), out);
	}
	return end(&e, st, why);
}

/* ---- what was never used ---- */

enum { MAY = 1, DID = 2, DENIED = 4 };

static bool names_action(const struct policy *p, const struct policy_statement *s, struct str action)
{
	for (uint32_t i = 0; i < s->actions; i++)
		if (policy_wildcard_match_ci(policy_action_at(p, s->index, i), action))
			return true;
	return false;
}

/* Resources and conditions do not matter to an allow: he may on some. A deny counts when it leaves nothing. */
static void mark_statement(struct arena *mem, const struct policy *p, const struct policy_statement *s, uint8_t *marks)
{
	bool whole = !s->not_resource && s->conditions == 0 && s->resources == 1 &&
		     str_eq(policy_resource_at(p, s->index, 0), S("*"));
	if (s->deny && !whole)
		return;
	for (size_t id = 0; id < catalogue_action_count(); id++) {
		struct catalogue_action a = catalogue_action_at(id);
		char name[300];
		int n = snprintf(name, sizeof name, "%.*s:%.*s", PR(a.service), PR(a.name));
		if (names_action(p, s, str_make(name, (size_t)n)) != s->not_action)
			marks[id] = (uint8_t)(marks[id] | (s->deny ? DENIED : MAY));
	}
	(void)mem;
}

static void mark_all(struct evidence *e, uint8_t *marks)
{
	const struct policy_set *set = &e->rq->policies.identity;
	for (size_t i = 0; i < set->n; i++)
		for (size_t k = 0; k < policy_statement_count(set->all[i]); k++) {
			struct policy_statement s = policy_statement_at(set->all[i], k);
			mark_statement(e->mem, set->all[i], &s, marks);
		}
	for (size_t i = 0; i < e->n; i++) {
		struct catalogue_action a;
		if (catalogue_action_find(e->v[i].action, &a))
			marks[a.id] |= DID;
	}
}

static void put_service(const struct catalogue_service *s, const uint8_t *marks, struct buf *out)
{
	size_t may = 0, did = 0;
	for (uint32_t i = 0; i < s->actions; i++) {
		uint8_t m = marks[s->action0 + i];
		bool allowed = (m & MAY) && !(m & DENIED);
		may += allowed;
		did += allowed && (m & DID);
	}
	if (may == did)
		return;
	buf_printf(out, "%.*s: may %zu, did %zu; never:", PR(s->prefix), may, did);
	for (uint32_t i = 0; i < s->actions; i++) {
		uint8_t m = marks[s->action0 + i];
		if ((m & MAY) && !(m & (DENIED | DID)))
			buf_printf(out, " %.*s", PR(catalogue_action_at(s->action0 + i).name));
	}
	buf_byte(out, '\n');
}

struct status evidence_unused(struct app *app, struct arena *mem, const struct evidence_ask *ask, struct buf *out,
			      struct str *why)
{
	struct evidence e;
	struct status st = begin(app, mem, ask, &e, why);
	if (!failed(st)) {
		uint8_t *marks = NEWS(mem, uint8_t, catalogue_action_count());
		mark_all(&e, marks);
		buf_printf(out, "%zu calls, %zu pairs of action and resource\n", e.calls, e.n);
		for (size_t i = 0; i < catalogue_service_count(); i++) {
			struct catalogue_service s = catalogue_service_at(i);
			put_service(&s, marks, out);
		}
	}
	return end(&e, st, why);
}

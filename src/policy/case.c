/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A case put together: its principal, its policies, its context; with or without a file.
 * case_read.c reads the files.
 */
#include "policy/case.h"
#include "base/str.h"
#include "policy/case_int.h"
#include "policy/tree.h"

void policy_case_init(struct policy_cases *cs, struct policy_case *c, size_t context_max)
{
	size_t room = context_max + CASE_PRINCIPAL_KEYS;
	*c = (struct policy_case){ .line = 1 };
	policy_context_init(&c->cx, NEWS(cs->mem, struct policy_entry, room), room);
	c->rq.context = &c->cx;
	c->rq.principal = &c->who;
}

/* ---- principals ---- */

static bool as_role(struct policy_cases *cs, struct policy_principal *who, const struct arn *a, struct str arn)
{
	struct str name = str_from(a->resource, 5), last = name;
	while (last.p != NULL && str_find_char(last, '/') != SIZE_MAX)
		(void)str_cut(&last, '/');
	who->kind = POLICY_ROLE_SESSION;
	who->issuer = arn;
	who->arn = arena_printf(cs->mem, "arn:%.*s:sts::%.*s:assumed-role/%.*s/session", PR(a->partition),
				PR(a->account), PR(last));
	return name.n > 0 && last.n > 0;
}

static bool as_session(struct policy_cases *cs, struct policy_principal *who, const struct arn *a, struct str arn)
{
	struct str session = str_from(a->resource, 13), role = str_cut(&session, '/');
	who->kind = POLICY_ROLE_SESSION;
	who->arn = arn;
	who->issuer = arena_printf(cs->mem, "arn:%.*s:iam::%.*s:role/%.*s", PR(a->partition), PR(a->account), PR(role));
	return role.n > 0 && session.p != NULL && session.n > 0;
}

static bool by_arn(struct policy_cases *cs, struct policy_principal *who, struct str arn)
{
	struct arn a;
	if (failed(arn_parse(arn, &a)) || !account_id_is(a.account))
		return false;
	bool iam = str_eq(a.service, S("iam")), sts = str_eq(a.service, S("sts"));
	who->account = a.account;
	who->arn = arn;
	if (iam && str_starts(a.resource, S("user/"))) {
		struct str last = str_from(a.resource, 5);
		while (str_find_char(last, '/') != SIZE_MAX)
			(void)str_cut(&last, '/');
		who->kind = POLICY_USER;
		who->name = last;
		return last.n > 0;
	}
	if (iam && str_eq(a.resource, S("root"))) {
		who->kind = POLICY_ROOT;
		who->id = a.account;
		return true;
	}
	if (sts && str_starts(a.resource, S("federated-user/"))) {
		who->kind = POLICY_FEDERATED_USER;
		return a.resource.n > 15;
	}
	if (iam && str_starts(a.resource, S("role/")))
		return as_role(cs, who, &a, arn);
	return sts && str_starts(a.resource, S("assumed-role/")) && as_session(cs, who, &a, arn);
}

struct status policy_case_principal(struct policy_cases *cs, struct policy_case *c, struct str arn)
{
	struct policy_principal who = { 0 };
	if (str_starts(arn, S("arn:"))) {
		if (!by_arn(cs, &who, arn))
			return ERR(E_INVALID);
	} else if (!str_eq(arn, S("anonymous"))) {
		struct str *name = NEW(cs->mem, struct str);
		if (str_find_char(arn, '.') == SIZE_MAX || str_find_char(arn, ':') != SIZE_MAX)
			return ERR(E_INVALID);
		*name = arn;
		who = (struct policy_principal){ .kind = POLICY_SERVICE, .services = name, .services_n = 1 };
	}
	c->who = who;
	return OK;
}

/* ---- policies ---- */

static void add_to_set(struct policy_cases *cs, struct policy_set *set, const struct policy *p)
{
	const struct policy **all = NEWS(cs->mem, const struct policy *, set->n + 1);
	if (set->n > 0)
		memcpy(all, set->all, set->n * sizeof(const struct policy *));
	all[set->n] = p;
	*set = (struct policy_set){ .all = all, .n = set->n + 1 };
}

/* A new level of SCPs or RCPs. */
void case_add_level(struct policy_cases *cs, const struct policy_set **levels, size_t *n)
{
	struct policy_set *all = NEWS(cs->mem, struct policy_set, *n + 1);
	if (*n > 0)
		memcpy(all, *levels, *n * sizeof *all);
	*levels = all;
	(*n)++;
}

static void add_to_level(struct policy_cases *cs, const struct policy_set **levels, size_t *n, const struct policy *p)
{
	if (*n == 0)
		case_add_level(cs, levels, n);
	struct policy_set *last = (struct policy_set *)(uintptr_t) & (*levels)[*n - 1]; /* made by case_add_level */
	add_to_set(cs, last, p);
}

void case_put(struct policy_cases *cs, struct policy_case *c, enum policy_kind kind, const struct policy *p)
{
	switch (kind) {
	case POLICY_IDENTITY:
		add_to_set(cs, &c->rq.identity, p);
		break;
	case POLICY_SESSION:
		add_to_set(cs, &c->rq.session, p);
		break;
	case POLICY_SCP:
		add_to_level(cs, &c->rq.scps, &c->rq.scps_n, p);
		break;
	case POLICY_RCP:
		add_to_level(cs, &c->rq.rcps, &c->rq.rcps_n, p);
		break;
	case POLICY_BOUNDARY:
		c->rq.boundary = p;
		break;
	case POLICY_ENDPOINT:
		c->rq.endpoint = p;
		break;
	default:
		c->rq.mode = kind == POLICY_TRUST ? POLICY_ASSUME : c->rq.mode;
		c->rq.resource_policy = p;
	}
}

struct status case_compile(struct policy_cases *cs, enum policy_kind kind, struct str name, struct str text,
			   size_t base, size_t n, const struct policy **out, struct policy_case_error *err)
{
	struct policy *p;
	struct policy_error bad;
	for (struct policy_case_source *s = cs->sources; s != NULL; s = s->next) {
		if (s->kind == kind && s->base == base && s->text.p == text.p) {
			*out = s->policy;
			return OK;
		}
	}
	struct status st = policy_compile(str_sub(text, base, n), kind, &p, &bad);
	if (failed(st)) {
		*err = (struct policy_case_error){ .file = name, .why = str_dup(cs->mem, str_of(bad.why)) };
		tree_position(text, base + bad.offset, &err->line, &err->column);
		return ERR(E_INVALID);
	}
	struct policy_case_source *s = NEW(cs->mem, struct policy_case_source);
	*s = (struct policy_case_source){ p, name, text, base, kind, cs->sources };
	cs->sources = s;
	*out = p;
	return OK;
}

struct status policy_case_add(struct policy_cases *cs, struct policy_case *c, enum policy_kind kind, struct str name,
			      struct str text, struct policy_case_error *err)
{
	const struct policy *p;
	TRY(case_compile(cs, kind, name, text, 0, text.n, &p, err));
	case_put(cs, c, kind, p);
	return OK;
}

void policy_cases_free(struct policy_cases *cs)
{
	for (struct policy_case_source *s = cs->sources; s != NULL; s = s->next)
		policy_unref(s->policy);
	cs->sources = NULL;
}

static struct policy_where find(void *arg, const struct policy *p, uint32_t offset)
{
	const struct policy_cases *cs = arg;
	struct policy_where w = { .name = S("?") };
	for (const struct policy_case_source *s = cs->sources; s != NULL; s = s->next) {
		if (s->policy != p)
			continue;
		w.name = s->name;
		tree_position(s->text, s->base + offset, &w.line, &w.column);
		return w;
	}
	return w;
}

struct policy_names policy_cases_names(struct policy_cases *cs) { return (struct policy_names){ find, cs }; }

struct policy_request policy_case_ask(const struct policy_case *c, struct str action, struct str resource)
{
	struct policy_request rq = c->rq;
	struct arn a;
	rq.action = action;
	rq.resource = resource;
	if (rq.resource_account.n == 0 && !failed(arn_parse(resource, &a)) && account_id_is(a.account))
		rq.resource_account = a.account;
	return rq;
}

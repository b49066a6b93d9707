/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One action on its resources, decided by policy_decide, and what AWS's simulators tell of
 * it ("EvaluationResult", "ResourceSpecificResult"):
 *
 * - MatchedStatements: those that deny, when one does; else those of identity and resource
 *   policies that allow. Above the resources, an implicit denial has none.
 * - EvalDecisionDetails: across accounts, what each type of policy says by itself. Within an
 *   account there is nothing to tell; where a resource was named, AWS says so with an empty map.
 * - The decision above the resources is the strictest of theirs.
 *
 * Positions are counted as AWS counts them: a statement that stands alone begins behind its
 * brace, one in an array behind the bracket or comma before it; it ends behind its brace.
 */
#include "base/str.h"
#include "policy/catalogue.h"
#include "svc/iam/simulate.h"

enum { LISTED_MAX = 100 }; /* statements told of for one resource */

enum {
	ALLOWED = IAM_POLICY_EVALUATION_DECISION_TYPE_ALLOWED,
	DENIED = IAM_POLICY_EVALUATION_DECISION_TYPE_EXPLICIT_DENY,
	NOT_ALLOWED = IAM_POLICY_EVALUATION_DECISION_TYPE_IMPLICIT_DENY,
};
enum { BY_IDENTITY, BY_RESOURCE, BY_BOUNDARY, TYPES };

struct said { /* by the policies of one type, by themselves */
	bool allows, denies;
};

struct seen { /* the steps of one decision */
	struct req *rq;
	struct iam_sim *sim;
	struct said said[TYPES];
	struct iam_statement *allow, *deny; /* LISTED_MAX of each */
	size_t n_allow, n_deny;
};

static int said_as(struct said s) { return s.denies ? DENIED : s.allows ? ALLOWED : NOT_ALLOWED; }

/* Which of two decisions is the stricter; 0: none yet. */
static int stricter(int a, int b)
{
	static const int rank[] = { [0] = 0, [ALLOWED] = 1, [NOT_ALLOWED] = 2, [DENIED] = 3 };
	return rank[a] >= rank[b] ? a : b;
}

/* ---- positions ------------------------------------------------------------------------------- */

/* Goes forward through a document, counting lines from 1 and characters of the line. */
struct reader {
	struct str text;
	size_t at, line_begin;
	int64_t line;
};

static struct iam_position *position(struct arena *mem, struct reader *r, size_t at)
{
	for (; r->at < at; r->at++)
		if (r->text.p[r->at] == '\n') {
			r->line++;
			r->line_begin = r->at + 1;
		}
	struct iam_position *p = NEW(mem, struct iam_position);
	int64_t column = 1 + (int64_t)str_utf8_length(str_sub(r->text, r->line_begin, at - r->line_begin));
	*p = (struct iam_position){ .line = SET(r->line), .column = SET(column) };
	return p;
}

static size_t beginning(struct str text, size_t brace)
{
	size_t i = brace;
	while (i > 0 && memchr(" \t\r\n", text.p[i - 1], 4))
		i--;
	return i > 0 && text.p[i - 1] != ':' ? i : brace + 1;
}

/* ---- statements -------------------------------------------------------------------------------- */

static int type_of(enum policy_kind kind)
{
	switch (kind) {
	case POLICY_IDENTITY:
		return BY_IDENTITY;
	case POLICY_RESOURCE:
	case POLICY_TRUST:
		return BY_RESOURCE;
	default:
		return BY_BOUNDARY;
	}
}

static struct iam_source *source_of(struct iam_sim *sim, const struct policy_step *step)
{
	switch (type_of(step->kind)) {
	case BY_IDENTITY:
		return &sim->identity.v[step->index];
	case BY_RESOURCE:
		return &sim->resource;
	default:
		return &sim->boundary;
	}
}

/* All statements of a policy as they are told of; made when the first of them matters. */
static const struct iam_statement *statements(struct arena *mem, struct iam_source *source, int type)
{
	static const enum iam_policy_source_type types[TYPES] = {
		[BY_IDENTITY] = IAM_POLICY_SOURCE_TYPE_IAM_POLICY,
		[BY_RESOURCE] = IAM_POLICY_SOURCE_TYPE_RESOURCE_POLICY,
		[BY_BOUNDARY] = IAM_POLICY_SOURCE_TYPE_PERMISSIONS_BOUNDARY_POLICY,
	};
	if (source->statements)
		return source->statements;
	struct reader r = { .text = policy_text(source->policy), .line = 1 };
	size_t n = policy_statement_count(source->policy);
	struct iam_statement *v = NEWS(mem, struct iam_statement, n);
	for (size_t i = 0; i < n; i++) {
		struct policy_statement s = policy_statement_at(source->policy, i);
		const struct iam_position *start = position(mem, &r, beginning(r.text, s.begin));
		v[i] = (struct iam_statement){ source->id, types[type], start, position(mem, &r, s.end) };
	}
	return source->statements = v;
}

static struct iam_statement told(const struct seen *s, const struct policy_step *step)
{
	return statements(s->rq->mem, source_of(s->sim, step), type_of(step->kind))[step->statement.index];
}

static void note(void *arg, const struct policy_step *step)
{
	struct seen *s = arg;
	int type = type_of(step->kind);
	if (!step->matched)
		return;
	if (step->statement.deny) {
		s->said[type].denies = true;
		if (s->n_deny < LISTED_MAX)
			s->deny[s->n_deny++] = told(s, step);
		return;
	}
	s->said[type].allows = true;
	if (type != BY_BOUNDARY && s->n_allow < LISTED_MAX)
		s->allow[s->n_allow++] = told(s, step);
}

/* ---- one resource ---------------------------------------------------------------------------------- */

struct outcome {
	struct iam_resource_specific_result told;
	struct said said[TYPES];
	bool cross_account;
};

static enum policy_mode mode_of(const struct iam_sim *sim, struct str action)
{
	if (!sim->resource.policy)
		return POLICY_STANDARD;
	return str_starts_ci(action, S("kms:")) ? POLICY_KEY : sim->trust;
}

static struct str owner_of(const struct iam_sim *sim, struct str resource)
{
	struct arn a;
	if (!sim->all_resources && !failed(arn_parse(resource, &a)) && account_id_is(a.account))
		return a.account;
	return sim->owner;
}

static struct iam_policy_evaluation_decision_type_map details(struct req *rq, const struct iam_sim *sim,
							      const struct said *said)
{
	static const struct str names[TYPES] = {
		[BY_IDENTITY] = { "IAM Policy", 10 },
		[BY_RESOURCE] = { "Resource Policy", 15 },
		[BY_BOUNDARY] = { "Permissions Boundary Policy", 27 },
	};
	const struct policy *const given[TYPES] = {
		[BY_RESOURCE] = sim->resource.policy,
		[BY_BOUNDARY] = sim->boundary.policy,
	};
	struct iam_policy_evaluation_decision_type_map_entry *v =
	    NEWS(rq->mem, struct iam_policy_evaluation_decision_type_map_entry, TYPES);
	size_t n = 0;
	for (int i = 0; i < TYPES; i++)
		if (i == BY_IDENTITY || given[i])
			v[n++] = (struct iam_policy_evaluation_decision_type_map_entry){
				names[i], (enum iam_policy_evaluation_decision_type)said_as(said[i])
			};
	return (struct iam_policy_evaluation_decision_type_map){ v, n };
}

static const struct iam_permissions_boundary_decision_detail *by_boundary(struct req *rq, const struct iam_sim *sim,
									  bool allowed)
{
	if (!sim->boundary.policy)
		return NULL;
	struct iam_permissions_boundary_decision_detail *d =
	    NEW(rq->mem, struct iam_permissions_boundary_decision_detail);
	d->allowed_by_permissions_boundary = (struct opt_bool)SET(allowed);
	return d;
}

static struct policy_decision ask(const struct iam_sim *sim, struct str action, struct str resource, struct seen *seen)
{
	struct policy_trace trace = { note, seen };
	struct policy_request rq = {
		.principal = &sim->who,
		.action = action,
		.resource = resource,
		.resource_account = owner_of(sim, resource),
		.context = &sim->cx,
		.mode = mode_of(sim, action),
		.identity = sim->set,
		.boundary = sim->boundary.policy,
		.resource_policy = sim->resource.policy,
		.trace = &trace,
	};
	return policy_decide(&rq);
}

static struct outcome decide(struct req *rq, struct iam_sim *sim, struct str action, struct str resource)
{
	static const int verdicts[] = {
		[POLICY_ALLOW] = ALLOWED,
		[POLICY_EXPLICIT_DENY] = DENIED,
		[POLICY_IMPLICIT_DENY] = NOT_ALLOWED,
	};
	struct seen seen = { .rq = rq, .sim = sim };
	seen.allow = NEWS(rq->mem, struct iam_statement, LISTED_MAX);
	seen.deny = NEWS(rq->mem, struct iam_statement, LISTED_MAX);
	struct policy_decision d = ask(sim, action, resource, &seen);
	bool denied = d.verdict == POLICY_EXPLICIT_DENY;
	struct outcome o = { .cross_account = d.cross_account };
	memcpy(o.said, seen.said, sizeof o.said);
	o.told = (struct iam_resource_specific_result){
		.eval_resource_name = resource,
		.eval_resource_decision = (enum iam_policy_evaluation_decision_type)verdicts[d.verdict],
		.matched_statements = { denied ? seen.deny : seen.allow, denied ? seen.n_deny : seen.n_allow },
		.missing_context_values = sim->missing,
		.permissions_boundary_decision_detail =
		    by_boundary(rq, sim, said_as(seen.said[BY_BOUNDARY]) == ALLOWED),
	};
	if (d.cross_account)
		o.told.eval_decision_details = details(rq, sim, seen.said);
	sim->listed += 1 + o.told.matched_statements.n;
	return o;
}

/* ---- all resources ------------------------------------------------------------------------------------ */

static bool same(const struct iam_statement *a, const struct iam_statement *b)
{
	return a->end_position == b->end_position; /* of one statement there is but one */
}

static void gather_one(const struct iam_resource_specific_result *from, struct iam_statement *all, size_t *n)
{
	for (size_t k = 0; k < from->matched_statements.n && *n < LISTED_MAX; k++) {
		const struct iam_statement *s = &from->matched_statements.v[k];
		size_t at = 0;
		while (at < *n && !same(&all[at], s))
			at++;
		if (at == *n)
			all[(*n)++] = *s;
	}
}

/* The statements behind the decision, each once. */
static struct iam_statement_list gather(struct req *rq, const struct iam_resource_specific_result *v, size_t n,
					int decision)
{
	struct iam_statement *all = NEWS(rq->mem, struct iam_statement, LISTED_MAX);
	size_t have = 0;
	for (size_t i = 0; i < n && decision != NOT_ALLOWED; i++)
		if ((int)v[i].eval_resource_decision == decision)
			gather_one(&v[i], all, &have);
	return (struct iam_statement_list){ all, have };
}

static void on_everything(struct req *rq, struct iam_sim *sim, struct iam_evaluation_result *out)
{
	struct outcome o = decide(rq, sim, out->eval_action_name, S("*"));
	out->eval_resource_name = S("*");
	out->eval_decision = o.told.eval_resource_decision;
	out->matched_statements = gather(rq, &o.told, 1, (int)out->eval_decision);
	out->missing_context_values = sim->missing;
	out->permissions_boundary_decision_detail = o.told.permissions_boundary_decision_detail;
	out->eval_decision_details = o.told.eval_decision_details;
}

struct together {
	int decision;
	struct said said[TYPES];
	bool cross_account, bounded; /* bounded: the boundary allows it everywhere */
};

static void add(struct together *all, const struct outcome *o, bool first)
{
	all->decision = stricter(all->decision, (int)o->told.eval_resource_decision);
	all->cross_account |= o->cross_account;
	all->bounded = (first || all->bounded) && said_as(o->said[BY_BOUNDARY]) == ALLOWED;
	for (int t = 0; t < TYPES; t++) {
		all->said[t].denies |= o->said[t].denies;
		all->said[t].allows = (first || all->said[t].allows) && o->said[t].allows;
	}
}

/* Above several resources: the form of an ARN the action takes, if it can be that of the first of them. */
static struct str kind_of_resource(struct str action, struct str first)
{
	struct catalogue_action a;
	struct str found = S("*");
	if (!catalogue_action_find(action, &a))
		return found;
	for (uint32_t i = a.uses; i-- > 0;) {
		struct catalogue_use use = catalogue_use_at(&a, i);
		if (catalogue_resource_meets(&use.type, first) && use.type.arns)
			found = catalogue_resource_arn(&use.type, 0);
	}
	return found;
}

static void on_each(struct req *rq, struct iam_sim *sim, struct iam_evaluation_result *out)
{
	static const struct str no_key = { "", 0 };
	static const struct iam_policy_evaluation_decision_type_map_entry no_detail = { 0 };
	struct iam_resource_specific_result *v = NEWS(rq->mem, struct iam_resource_specific_result, sim->arns.n);
	struct together all = { 0 };
	for (size_t i = 0; i < sim->arns.n; i++) {
		struct outcome o = decide(rq, sim, out->eval_action_name, sim->arns.v[i]);
		add(&all, &o, i == 0);
		v[i] = o.told;
	}
	out->eval_resource_name = sim->arns.v[0];
	if (sim->arns.n > 1)
		out->eval_resource_name = kind_of_resource(out->eval_action_name, sim->arns.v[0]);
	out->eval_decision = (enum iam_policy_evaluation_decision_type)all.decision;
	out->matched_statements = gather(rq, v, sim->arns.n, all.decision);
	out->missing_context_values = (struct str_list){ &no_key, 0 };
	out->permissions_boundary_decision_detail = by_boundary(rq, sim, all.bounded);
	out->eval_decision_details = (struct iam_policy_evaluation_decision_type_map){ &no_detail, 0 };
	if (all.cross_account)
		out->eval_decision_details = details(rq, sim, all.said);
	out->resource_specific_results = (struct iam_resource_specific_result_list){ v, sim->arns.n };
}

void iam_sim_decide(struct req *rq, struct iam_sim *sim, struct str action, struct iam_evaluation_result *out)
{
	*out = (struct iam_evaluation_result){ .eval_action_name = action };
	if (sim->all_resources)
		on_everything(rq, sim, out);
	else
		on_each(rq, sim, out);
}

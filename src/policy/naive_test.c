/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The library and the naive evaluator must agree on random policies and requests.
 *
 *     policy_naive_test [CASES [SEED]]       what ./test runs, or as many as you have time for
 *     policy_naive_test 1000000 $RANDOM      a million others
 *
 * A case that differs is printed with its documents; the same seed repeats it. What came
 * up is counted, and a rule, operator or outcome that never did fails the test.
 */
#include "policy/naive.h"
#include "base/buf.h"
#include "base/str.h"
#include "base/test.h"

enum { CASES = 60000, CASES_TO_SEE_ALL = 20000 };

static const struct policy *compiled(struct arena *mem, const struct n_policy *p, enum policy_kind kind)
{
	struct policy *out;
	struct policy_error err;
	struct str text = naive_text(mem, p);
	if (failed(policy_compile(text, kind, &out, &err))) {
		printf("# %s at %zu\n# %.*s\n", err.why, err.offset, PR(text));
		EXPECT(err.fault == POLICY_FAULT_NONE);
	}
	return out;
}

static struct policy_set compiled_set(struct arena *mem, const struct n_set *s, enum policy_kind kind)
{
	const struct policy **all = NEWS(mem, const struct policy *, (size_t)s->n + 1);
	for (int i = 0; i < s->n; i++)
		all[i] = compiled(mem, &s->all[i], kind);
	return (struct policy_set){ all, (size_t)s->n };
}

static struct policy_set *compiled_levels(struct arena *mem, const struct n_set *s, int n, enum policy_kind kind)
{
	struct policy_set *levels = NEWS(mem, struct policy_set, N_LEVELS);
	for (int i = 0; i < n; i++)
		levels[i] = compiled_set(mem, &s[i], kind);
	return levels;
}

static void drop(const struct policy_set *s, size_t n)
{
	for (size_t k = 0; k < n; k++) {
		policy_index_free(s[k].index);
		for (size_t i = 0; i < s[k].n; i++)
			policy_unref(s[k].all[i]);
	}
}

static void steps(void *arg, const struct policy_step *step)
{
	(void)step;
	++*(size_t *)arg;
}

/* ---- a case that differs ---- */

static void show_set(struct arena *mem, const char *name, const struct n_policy *all, int n)
{
	for (int i = 0; i < n; i++)
		printf("# %s: %.*s\n", name, PR(naive_text(mem, &all[i])));
}

static void show(struct arena *mem, const struct n_request *rq, struct policy_decision d, struct n_answer want)
{
	static const char *const verdicts[] = { "implicit deny", "explicit deny", "allow" };
	printf("# got %s by %s, want %s by %s\n", verdicts[d.verdict], policy_kind_name(d.by), verdicts[want.verdict],
	       policy_kind_name(want.by));
	printf("# kind %d %s: %s on %s of %s, mode %d, granted %d\n", (int)rq->kind, rq->arn, rq->action, rq->resource,
	       rq->resource_account, (int)rq->mode, (int)rq->granted);
	for (int i = 0; i < rq->key_n; i++) {
		printf("#   %s =", rq->keys[i].name);
		for (int k = 0; k < rq->keys[i].n; k++)
			printf(" \"%s\"", rq->keys[i].values[k]);
		printf("\n");
	}
	show_set(mem, "identity", rq->identity.all, rq->identity.n);
	show_set(mem, "session", rq->session.all, rq->session.n);
	for (int i = 0; i < rq->scp_n; i++)
		show_set(mem, "scp", rq->scp[i].all, rq->scp[i].n);
	for (int i = 0; i < rq->rcp_n; i++)
		show_set(mem, "rcp", rq->rcp[i].all, rq->rcp[i].n);
	show_set(mem, "boundary", &rq->boundary, rq->has_boundary);
	show_set(mem, "resource", &rq->resource_policy, rq->has_resource_policy);
	show_set(mem, "endpoint", &rq->endpoint, rq->has_endpoint);
}

/* ---- one case ---- */

static void fill_context(struct arena *mem, const struct n_request *n, struct policy_context *cx)
{
	for (int i = 0; i < n->key_n; i++) {
		const struct n_key *k = &n->keys[i];
		struct str *v = NEWS(mem, struct str, N_LIST);
		for (int j = 0; j < k->n; j++)
			v[j] = str_of(k->values[j]);
		policy_context_put_named(cx, str_of(k->name), v, (size_t)k->n, k->multi);
	}
}

static bool same_decision(const struct policy_decision *a, const struct policy_decision *b)
{
	if (a->verdict != b->verdict || a->by != b->by || a->policy != b->policy)
		return false;
	return a->policy == NULL ||
	       (a->statement.index == b->statement.index && a->index == b->index && a->level == b->level);
}

/* As asked, told step by step, and over merged indexes: one answer. */
static struct policy_decision decide_each_way(struct policy_request *rq)
{
	size_t seen = 0;
	struct policy_trace trace = { steps, &seen };
	struct policy_decision d = policy_decide(rq);
	rq->trace = &trace;
	struct policy_decision traced = policy_decide(rq);
	rq->trace = NULL;
	rq->identity.index = policy_index_build(rq->identity.all, rq->identity.n);
	rq->session.index = policy_index_build(rq->session.all, rq->session.n);
	struct policy_decision merged = policy_decide(rq);
	EXPECT(same_decision(&d, &traced));
	EXPECT(same_decision(&d, &merged));
	return d;
}

static void count(const struct n_request *n, struct policy_decision d)
{
	n->seen->verdict[d.verdict][d.verdict == POLICY_ALLOW ? 0 : d.by]++;
	n->seen->asker[n->kind][d.verdict]++;
	n->seen->mode[n->mode][d.cross_account][d.verdict]++;
}

static void check(struct arena *mem, const struct n_request *n)
{
	struct policy_entry room[N_KEYS];
	struct policy_context cx;
	struct str services[] = { str_of(n->services[0] ? n->services[0] : ""),
				  str_of(n->services[1] ? n->services[1] : "") };
	struct policy_principal who = {
		.kind = n->kind,
		.account = str_of(n->account),
		.arn = str_of(n->arn),
		.issuer = str_of(n->issuer),
		.id = str_of(n->id),
		.provider = str_of(n->provider),
		.canonical = str_of(n->canonical),
		.services = services,
		.services_n = n->kind == POLICY_SERVICE ? 1 + (n->services[1] != NULL) : 0,
	};
	policy_context_init(&cx, room, COUNT(room));
	fill_context(mem, n, &cx);
	struct policy_request rq = {
		.principal = &who,
		.action = str_of(n->action),
		.resource = str_of(n->resource),
		.resource_account = str_of(n->resource_account),
		.context = &cx,
		.mode = n->mode,
		.granted = n->granted,
		.identity = compiled_set(mem, &n->identity, POLICY_IDENTITY),
		.session = compiled_set(mem, &n->session, POLICY_SESSION),
		.scps = compiled_levels(mem, n->scp, n->scp_n, POLICY_SCP),
		.scps_n = (size_t)n->scp_n,
		.rcps = compiled_levels(mem, n->rcp, n->rcp_n, POLICY_RCP),
		.rcps_n = (size_t)n->rcp_n,
	};
	if (n->has_boundary)
		rq.boundary = compiled(mem, &n->boundary, POLICY_BOUNDARY);
	if (n->has_resource_policy)
		rq.resource_policy =
		    compiled(mem, &n->resource_policy, n->mode == POLICY_ASSUME ? POLICY_TRUST : POLICY_RESOURCE);
	if (n->has_endpoint)
		rq.endpoint = compiled(mem, &n->endpoint, POLICY_ENDPOINT);

	struct n_answer want = naive_decide(n);
	struct policy_decision d = decide_each_way(&rq);
	bool same = d.verdict == want.verdict && (d.verdict == POLICY_ALLOW || d.by == want.by);
	if (!same)
		show(mem, n, d, want);
	EXPECT(same);
	count(n, d);
	drop(&rq.identity, 1);
	drop(&rq.session, 1);
	drop(rq.scps, rq.scps_n);
	drop(rq.rcps, rq.rcps_n);
	policy_unref(rq.boundary);
	policy_unref(rq.resource_policy);
	policy_unref(rq.endpoint);
}

/* ---- what came up ---- */

static size_t missing(const char *what, const char *which, size_t times)
{
	if (times == 0)
		printf("# never seen: %s %s\n", what, which);
	return times == 0;
}

static size_t missing_conditions(const struct n_seen *s)
{
	static const char *const forms[] = {
		"", "IfExists", "ForAllValues", "ForAllValues IfExists", "ForAnyValue", "ForAnyValue IfExists"
	};
	size_t gaps = 0;
	for (size_t op = 0; op < N_OPERATORS; op++) {
		for (size_t f = 0; f < N_FORMS; f++) {
			if (strcmp(naive_operators[op], "Null") == 0 && f % 2) /* Null has no IfExists */
				continue;
			gaps += missing(forms[f], naive_operators[op], s->condition[op][f][0]);
			gaps += missing(forms[f], naive_operators[op], s->condition[op][f][1]);
		}
	}
	return gaps;
}

static size_t missing_outcomes(const struct n_seen *s)
{
	static const char *const elements[] = { "Principal", "NotPrincipal", "Action",
						"NotAction", "Resource",     "NotResource" };
	static const char *const askers[] = { "anonymous",      "root",    "user",        "role session",
					      "federated user", "service", "web identity" };
	size_t gaps = missing("verdict", "allow", s->verdict[POLICY_ALLOW][0]);
	for (size_t k = POLICY_IDENTITY; k < POLICY_KIND_COUNT; k++) {
		const char *name = policy_kind_name((enum policy_kind)k);
		gaps += missing("implicit deny by", name, s->verdict[POLICY_IMPLICIT_DENY][k]);
		gaps += missing("explicit deny by", name, s->verdict[POLICY_EXPLICIT_DENY][k]);
	}
	for (size_t e = 0; e < COUNT(elements); e++) {
		gaps += missing("no match of", elements[e], s->element[e][0]);
		gaps += missing("match of", elements[e], s->element[e][1]);
	}
	for (size_t a = 0; a < COUNT(askers); a++) {
		for (size_t v = 0; v < 3; v++)
			gaps += missing("verdict for", askers[a], s->asker[a][v]);
	}
	for (size_t i = 0; i < 3 * 2 * 3; i++)
		gaps += missing("a mode", "within or across accounts, verdict", s->mode[i / 6][i / 3 % 2][i % 3]);
	for (size_t i = 0; i < N_GRANTS; i++)
		gaps += missing("a grant by", "principal", s->grant[i]);
	for (size_t i = 0; i < 3; i++)
		gaps += missing("a variable", "unknown, by default or by value", s->variable[i]);
	return gaps;
}

int main(int argc, char **argv)
{
	size_t cases = argc > 1 ? strtoul(argv[1], NULL, 10) : CASES;
	uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 10) : 20260101;
	struct arena *mem = arena_new();
	struct n_request *rq = HEAP(struct n_request);
	struct n_seen *seen = HEAP(struct n_seen);
	printf("1..2\n");
	for (size_t i = 0; i < cases; i++) {
		rq->seen = seen;
		naive_random(&seed, mem, rq);
		check(mem, rq);
		arena_reset(mem);
	}
	printf("ok 1 - the naive evaluator gives the same answer to %zu random questions\n", cases);
	size_t gaps = cases < CASES_TO_SEE_ALL ? 0 : missing_conditions(seen) + missing_outcomes(seen);
	printf("%s 2 - every operator, element, principal, mode and verdict came up, both ways\n",
	       gaps ? "not ok" : "ok");
	heap_free(seen);
	heap_free(rq);
	arena_free(mem);
	return gaps > 0;
}

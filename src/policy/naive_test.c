/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The library and the naive evaluator must agree on random policies and requests.
 *
 * Everything is drawn from small pools, so that things often match. A case that differs
 * is printed with its documents. The seed is fixed: a failure repeats.
 */
#include "policy/naive.h"
#include "base/buf.h"
#include "base/test.h"

enum { CASES = 60000 };

static uint64_t rnd(uint64_t *seed)
{
	uint64_t z = (*seed += UINT64_C(0x9e3779b97f4a7c15));
	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}
static int pick(uint64_t *seed, size_t n) { return (int)(rnd(seed) % n); }
#define ONE_OF(seed, pool) (pool)[pick(seed, COUNT(pool))]
static bool chance(uint64_t *seed, int percent) { return pick(seed, 100) < percent; }

static const char *const action_patterns[] = {
	"*",     "*",   "s3:*",         "s3:Get*",    "s3:GetObject", "S3:getobject", "s3:PutObject", "kms:Decrypt",
	"kms:*", "*:*", "s3:?etObject", "s3:*Object", "s3:Get*t",     "kms:De*",      "*:GetObject",  "iam:PassRole",
};
static const char *const sts_patterns[] = { "sts:AssumeRole", "sts:*", "sts:Assume*", "sts:TagSession",
					    "STS:assumerole" };
static const char *const actions_asked[] = { "s3:GetObject", "s3:PutObject", "kms:Decrypt", "sts:AssumeRole" };
static const char *const resource_patterns[] = {
	"*",
	"*",
	"arn:aws:s3:::bucket/*",
	"arn:aws:s3:::bucket/home/${aws:username}/*",
	"arn:aws:s3:::bucket/home/alice/?.txt",
	"arn:aws:s3:::*/a.txt",
	"arn:aws:s3:::bucket/${aws:PrincipalTag/team, 'none'}/x",
	"arn:aws:s3:::bucket",
	"arn:aws:s3:::bucket/${*}",
	"arn:aws:s3:::buck?t/*",
	"arn:aws:kms:*:111122223333:key/*",
	"arn:aws:kms:us-*-1:*:key/k1",
	"arn:aws:kms:us-east-1:*",
	"arn:aws:s3:::bucket/home/${aws:TagKeys}/*",
};
static const char *const resources_asked[] = {
	"arn:aws:s3:::bucket/home/alice/a.txt",
	"arn:aws:s3:::bucket/blue/x",
	"arn:aws:s3:::bucket",
	"arn:aws:s3:::bucket/*",
	"arn:aws:s3:::bucket/none/x",
	"arn:aws:kms:us-east-1:111122223333:key/k1",
	"*",
	"arn:aws:kms:us-a:b-1:111122223333:key/k1",
};
static const char *const principals[] = {
	"*",
	"AWS:111122223333",
	"AWS:arn:aws:iam::111122223333:root",
	"AWS:arn:aws:iam::111122223333:user/alice",
	"AWS:arn:aws:iam::111122223333:role/app",
	"AWS:arn:aws:sts::111122223333:assumed-role/app/s1",
	"AWS:arn:aws:sts::111122223333:federated-user/fed",
	"AWS:444455556666",
	"AWS:AROAAAAAAAAAAAAAAAAAA",
	"AWS:AIDAAAAAAAAAAAAAAAAAA",
	"Service:cloudtrail.amazonaws.com",
};

static const struct {
	const char *key, *ops[8], *values[8];
} condition_pool[] = {
	{ "aws:username",
	  { "StringEquals", "StringNotEquals", "StringLike", "StringEqualsIgnoreCase", "StringNotLikeIfExists" },
	  { "alice", "ALICE", "a*", "bob", "${aws:username}" } },
	{ "AWS:principaltag/TEAM",
	  { "StringEquals", "StringNotEquals", "StringLike", "StringEqualsIfExists", "ForAnyValue:StringEquals" },
	  { "blue", "b?ue", "*", "red", "${aws:PrincipalTag/none}" } },
	{ "aws:TagKeys",
	  { "ForAllValues:StringEquals", "ForAnyValue:StringEquals", "ForAllValues:StringNotEquals",
	    "ForAnyValue:StringNotEquals", "StringEquals", "StringNotEquals", "ForAllValues:StringLikeIfExists",
	    "ForAnyValue:StringNotLikeIfExists" },
	  { "a", "b", "c*", "" } },
	{ "aws:SourceIp",
	  { "IpAddress", "NotIpAddress", "IpAddressIfExists" },
	  { "10.0.0.0/8", "203.0.113.7", "2001:db8::/32", "0.0.0.0/0" } },
	{ "s3:max-keys",
	  { "NumericEquals", "NumericLessThan", "NumericLessThanEquals", "NumericGreaterThan",
	    "NumericGreaterThanEquals", "NumericNotEquals" },
	  { "10", "10.5", "-1", "1000" } },
	{ "aws:CurrentTime",
	  { "DateGreaterThan", "DateLessThan", "DateEquals", "DateNotEquals", "DateLessThanEquals" },
	  { "2026-01-01T00:00:00Z", "2026-06-01T00:00:00Z", "2027-01-01T00:00:00Z" } },
	{ "aws:SecureTransport", { "Bool", "BoolIfExists" }, { "true", "false", "True" } },
	{ "aws:MultiFactorAuthAge", { "Null", "NumericLessThan" }, { "true", "false" } },
	{ "aws:SourceArn",
	  { "ArnLike", "ArnEquals", "ArnNotEquals", "ArnNotLikeIfExists", "StringLike" },
	  { "arn:aws:sns:*:111122223333:t*", "arn:aws:sns:us-east-1:111122223333:topic", "*", "arn:aws:s3:::bucket",
	    "arn:aws:sns:${aws:username}:111122223333:topic" } },
};

static const struct {
	const char *name, *values[8];
	bool multi;
} key_pool[] = {
	{ "aws:username", { "alice", "bob", "*" }, false },
	{ "aws:PrincipalTag/team", { "blue", "red", "" }, false },
	{ "aws:TagKeys", { "a", "b", "cc", "" }, true },
	{ "aws:SourceIp", { "10.1.2.3", "203.0.113.7", "2001:db8::1" }, false },
	{ "s3:max-keys", { "10", "11", "-2", "10.50" }, false },
	{ "aws:CurrentTime", { "2026-01-01T00:00:00Z", "2026-03-01T00:00:00Z" }, false },
	{ "aws:SecureTransport", { "true", "false" }, false },
	{ "aws:MultiFactorAuthAge", { "300" }, false },
	{ "aws:SourceArn", { "arn:aws:sns:us-east-1:111122223333:topic", "arn:aws:s3:::bucket", "nothing" }, false },
};

static size_t given(const char *const *list, size_t max)
{
	size_t n = 0;
	while (n < max && list[n])
		n++;
	return n;
}

static void make_condition(uint64_t *seed, struct n_cond *c)
{
	size_t i = (size_t)pick(seed, COUNT(condition_pool));
	c->key = condition_pool[i].key;
	c->op = condition_pool[i].ops[pick(seed, given(condition_pool[i].ops, 8))];
	c->n = strcmp(c->op, "Null") == 0 ? 1 : 1 + pick(seed, 2);
	for (int k = 0; k < c->n; k++)
		c->values[k] = condition_pool[i].values[pick(seed, given(condition_pool[i].values, 8))];
	if (strcmp(c->op, "NumericLessThan") == 0 && strcmp(c->key, "aws:MultiFactorAuthAge") == 0) {
		c->n = 1;
		c->values[0] = chance(seed, 50) ? "3600" : "60";
	}
}

static void make_statement(uint64_t *seed, enum policy_kind kind, struct n_stmt *s)
{
	bool trust = kind == POLICY_TRUST, named = trust || kind == POLICY_RESOURCE || kind == POLICY_ENDPOINT;
	*s = (struct n_stmt){ .deny = chance(seed, 20) };
	s->not_action = !trust && chance(seed, 10);
	s->not_resource = !trust && chance(seed, 10);
	s->action_n = 1 + pick(seed, 2);
	for (int i = 0; i < s->action_n; i++)
		s->actions[i] = trust ? ONE_OF(seed, sts_patterns) : ONE_OF(seed, action_patterns);
	s->resource_n = trust ? 0 : 1 + pick(seed, 2);
	for (int i = 0; i < s->resource_n; i++)
		s->resources[i] = ONE_OF(seed, resource_patterns);
	s->principal_n = named ? 1 + pick(seed, 3) : 0;
	s->not_principal = named && !trust && s->deny && chance(seed, 30);
	for (int i = 0; i < s->principal_n; i++)
		s->principals[i] = ONE_OF(seed, principals);
	if (kind == POLICY_RCP) {
		s->principal_n = 1;
		s->principals[0] = "*";
	}
	s->cond_n = chance(seed, 50) ? 0 : 1 + pick(seed, 2);
	for (int i = 0; i < s->cond_n; i++) {
		make_condition(seed, &s->conds[i]);
		if (i == 1 && strcmp(s->conds[0].op, s->conds[1].op) == 0) /* one operator comes once */
			s->cond_n = 1;
	}
}

static void make_policy(uint64_t *seed, enum policy_kind kind, struct n_policy *p)
{
	p->v2012 = chance(seed, 85);
	p->n = 1 + pick(seed, N_STATEMENTS);
	for (int i = 0; i < p->n; i++)
		make_statement(seed, kind, &p->stmts[i]);
}

static void make_set(uint64_t *seed, enum policy_kind kind, int percent, struct n_set *s)
{
	s->n = chance(seed, percent) ? 1 + pick(seed, N_POLICIES) : 0;
	for (int i = 0; i < s->n; i++)
		make_policy(seed, kind, &s->all[i]);
}

static const struct {
	enum policy_principal_kind kind;
	const char *account, *arn, *issuer, *id, *service;
} askers[] = {
	{ POLICY_USER, "111122223333", "arn:aws:iam::111122223333:user/alice", "", "AIDAAAAAAAAAAAAAAAAAA", "" },
	{ POLICY_USER, "111122223333", "arn:aws:iam::111122223333:user/alice", "", "AIDAAAAAAAAAAAAAAAAAA", "" },
	{ POLICY_ROLE_SESSION, "111122223333", "arn:aws:sts::111122223333:assumed-role/app/s1",
	  "arn:aws:iam::111122223333:role/app", "AROAAAAAAAAAAAAAAAAAA:s1", "" },
	{ POLICY_ROLE_SESSION, "111122223333", "arn:aws:sts::111122223333:assumed-role/app/s2",
	  "arn:aws:iam::111122223333:role/app", "AROAAAAAAAAAAAAAAAAAA:s2", "" },
	{ POLICY_FEDERATED_USER, "111122223333", "arn:aws:sts::111122223333:federated-user/fed",
	  "arn:aws:iam::111122223333:user/alice", "111122223333:fed", "" },
	{ POLICY_ROOT, "111122223333", "arn:aws:iam::111122223333:root", "", "111122223333", "" },
	{ POLICY_ANONYMOUS, "", "", "", "", "" },
	{ POLICY_SERVICE, "", "", "", "", "cloudtrail.amazonaws.com" },
};

static void make_keys(uint64_t *seed, struct n_request *rq)
{
	for (size_t i = 0; i < COUNT(key_pool); i++) {
		if (chance(seed, 35))
			continue;
		struct n_key *k = &rq->keys[rq->key_n++];
		*k = (struct n_key){ .name = key_pool[i].name, .multi = key_pool[i].multi };
		k->n = k->multi ? pick(seed, 4) : 1;
		for (int v = 0; v < k->n; v++)
			k->values[v] = key_pool[i].values[pick(seed, given(key_pool[i].values, 8))];
	}
}

static void make_request(uint64_t *seed, struct n_request *rq)
{
	size_t a = (size_t)pick(seed, COUNT(askers));
	*rq = (struct n_request){
		.kind = askers[a].kind,
		.account = askers[a].account,
		.arn = askers[a].arn,
		.issuer = askers[a].issuer,
		.id = askers[a].id,
		.service = askers[a].service,
		.action = ONE_OF(seed, actions_asked),
		.resource = ONE_OF(seed, resources_asked),
		.resource_account = chance(seed, 70)   ? "111122223333"
				    : chance(seed, 50) ? "444455556666"
						       : "",
		.mode = chance(seed, 60)   ? POLICY_STANDARD
			: chance(seed, 50) ? POLICY_KEY
					   : POLICY_ASSUME,
		.granted = chance(seed, 3),
	};
	if (rq->mode == POLICY_ASSUME)
		rq->action = "sts:AssumeRole";
	make_keys(seed, rq);
	bool person = rq->kind != POLICY_ROOT && rq->account[0];
	make_set(seed, POLICY_IDENTITY, person ? 85 : 0, &rq->identity);
	make_set(seed, POLICY_SESSION, rq->kind == POLICY_ROLE_SESSION || rq->kind == POLICY_FEDERATED_USER ? 50 : 0,
		 &rq->session);
	make_set(seed, POLICY_SCP, 15, &rq->scp);
	make_set(seed, POLICY_RCP, 15, &rq->rcp);
	rq->has_boundary = person && chance(seed, 25);
	rq->has_resource_policy = chance(seed, 65);
	rq->has_endpoint = chance(seed, 15);
	if (rq->has_boundary)
		make_policy(seed, POLICY_BOUNDARY, &rq->boundary);
	if (rq->has_resource_policy)
		make_policy(seed, rq->mode == POLICY_ASSUME ? POLICY_TRUST : POLICY_RESOURCE, &rq->resource_policy);
	if (rq->has_endpoint)
		make_policy(seed, POLICY_ENDPOINT, &rq->endpoint);
}

/* ---- tables as documents ---- */

static void put_list(struct buf *b, const char *name, const char *const *list, int n)
{
	buf_printf(b, "\"%s\":[", name);
	for (int i = 0; i < n; i++)
		buf_printf(b, "%s\"%s\"", i ? "," : "", list[i]);
	buf_z(b, "],");
}

static void put_principals(struct buf *b, const struct n_stmt *s)
{
	const char *aws[N_LIST], *service[N_LIST];
	int aws_n = 0, service_n = 0;
	for (int i = 0; i < s->principal_n; i++) {
		const char *p = s->principals[i];
		if (strncmp(p, "Service:", 8) == 0)
			service[service_n++] = p + 8;
		else
			aws[aws_n++] = strcmp(p, "*") == 0 ? p : p + 4;
	}
	buf_printf(b, "\"%s\":{", s->not_principal ? "NotPrincipal" : "Principal");
	if (aws_n)
		put_list(b, "AWS", aws, aws_n);
	if (service_n)
		put_list(b, "Service", service, service_n);
	b->n--;
	buf_z(b, "},");
}

static struct str document(struct arena *mem, const struct n_policy *p)
{
	struct buf b = buf_in(mem);
	buf_z(&b, "{\"Statement\":[");
	for (int i = 0; i < p->n; i++) {
		const struct n_stmt *s = &p->stmts[i];
		buf_printf(&b, "%s{\"Effect\":\"%s\",", i ? "," : "", s->deny ? "Deny" : "Allow");
		if (s->principal_n)
			put_principals(&b, s);
		put_list(&b, s->not_action ? "NotAction" : "Action", s->actions, s->action_n);
		if (s->resource_n)
			put_list(&b, s->not_resource ? "NotResource" : "Resource", s->resources, s->resource_n);
		buf_z(&b, "\"Condition\":{");
		for (int k = 0; k < s->cond_n; k++) {
			buf_printf(&b, "%s\"%s\":{", k ? "," : "", s->conds[k].op);
			put_list(&b, s->conds[k].key, s->conds[k].values, s->conds[k].n);
			b.n--;
			buf_z(&b, "}");
		}
		buf_z(&b, "}}");
	}
	buf_printf(&b, "],\"Version\":\"%s\"}", p->v2012 ? "2012-10-17" : "2008-10-17");
	return buf_str(&b);
}

static const struct policy *compiled(struct arena *mem, const struct n_policy *p, enum policy_kind kind)
{
	struct policy *out;
	struct policy_error err;
	struct str text = document(mem, p);
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

static void drop(struct policy_set s)
{
	for (size_t i = 0; i < s.n; i++)
		policy_unref(s.all[i]);
}

static void steps(void *arg, const struct policy_step *step)
{
	(void)step;
	++*(size_t *)arg;
}

static void show(struct arena *mem, const struct n_request *rq, struct policy_decision d, struct n_answer want)
{
	static const char *const verdicts[] = { "implicit deny", "explicit deny", "allow" };
	printf("# got %s by %s, want %s by %s\n", verdicts[d.verdict], policy_kind_name(d.by), verdicts[want.verdict],
	       policy_kind_name(want.by));
	printf("# kind %d %s: %s on %s of %s, mode %d, granted %d\n", (int)rq->kind, rq->arn, rq->action, rq->resource,
	       rq->resource_account, (int)rq->mode, rq->granted);
	for (int i = 0; i < rq->key_n; i++)
		printf("#   %s = %s (%d values)\n", rq->keys[i].name, rq->keys[i].n ? rq->keys[i].values[0] : "",
		       rq->keys[i].n);
	const struct {
		const char *name;
		const struct n_set *s;
	} sets[] = {
		{ "identity", &rq->identity }, { "session", &rq->session }, { "scp", &rq->scp }, { "rcp", &rq->rcp }
	};
	for (size_t i = 0; i < COUNT(sets); i++) {
		for (int k = 0; k < sets[i].s->n; k++)
			printf("# %s: %.*s\n", sets[i].name, PR(document(mem, &sets[i].s->all[k])));
	}
	if (rq->has_boundary)
		printf("# boundary: %.*s\n", PR(document(mem, &rq->boundary)));
	if (rq->has_resource_policy)
		printf("# resource: %.*s\n", PR(document(mem, &rq->resource_policy)));
	if (rq->has_endpoint)
		printf("# endpoint: %.*s\n", PR(document(mem, &rq->endpoint)));
}

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

static enum policy_verdict check(struct arena *mem, const struct n_request *n)
{
	struct policy_entry room[N_KEYS];
	struct policy_context cx;
	struct str service = str_of(n->service);
	struct policy_principal who = {
		.kind = n->kind,
		.account = str_of(n->account),
		.arn = str_of(n->arn),
		.issuer = str_of(n->issuer),
		.id = str_of(n->id),
		.services = &service,
		.services_n = n->kind == POLICY_SERVICE,
	};
	policy_context_init(&cx, room, COUNT(room));
	fill_context(mem, n, &cx);
	struct policy_set scp = compiled_set(mem, &n->scp, POLICY_SCP), rcp = compiled_set(mem, &n->rcp, POLICY_RCP);
	size_t seen = 0;
	struct policy_trace trace = { steps, &seen };
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
		.scps = &scp,
		.scps_n = scp.n > 0,
		.rcps = &rcp,
		.rcps_n = rcp.n > 0,
	};
	if (n->has_boundary)
		rq.boundary = compiled(mem, &n->boundary, POLICY_BOUNDARY);
	if (n->has_resource_policy)
		rq.resource_policy =
		    compiled(mem, &n->resource_policy, n->mode == POLICY_ASSUME ? POLICY_TRUST : POLICY_RESOURCE);
	if (n->has_endpoint)
		rq.endpoint = compiled(mem, &n->endpoint, POLICY_ENDPOINT);

	struct n_answer want = naive_decide(n);
	struct policy_decision d = policy_decide(&rq);
	rq.trace = &trace;
	struct policy_decision traced = policy_decide(&rq);
	bool same = d.verdict == want.verdict && (d.verdict == POLICY_ALLOW || d.by == want.by);
	if (!same)
		show(mem, n, d, want);
	EXPECT(same);
	rq.trace = NULL;
	rq.identity.index = policy_index_build(rq.identity.all, rq.identity.n);
	struct policy_decision merged = policy_decide(&rq);
	EXPECT(merged.verdict == d.verdict && merged.by == d.by && merged.policy == d.policy);
	EXPECT(d.policy == NULL || (merged.statement.index == d.statement.index && merged.index == d.index));
	policy_index_free(rq.identity.index);
	EXPECT(traced.verdict == d.verdict && traced.by == d.by && traced.policy == d.policy);
	EXPECT(d.policy == NULL || (traced.statement.index == d.statement.index && traced.index == d.index));
	drop(rq.identity);
	drop(rq.session);
	drop(scp);
	drop(rcp);
	policy_unref(rq.boundary);
	policy_unref(rq.resource_policy);
	policy_unref(rq.endpoint);
	return d.verdict;
}

static void the_naive_evaluator_gives_the_same_answer_to_random_questions(void)
{
	struct arena *mem = arena_new();
	struct n_request *rq = HEAP(struct n_request);
	uint64_t seed = 20260101;
	size_t count[3] = { 0 };
	for (int i = 0; i < CASES; i++) {
		make_request(&seed, rq);
		count[check(mem, rq)]++;
		arena_reset(mem);
	}
	printf("# %zu implicit denies, %zu explicit denies, %zu allows\n", count[0], count[1], count[2]);
	EXPECT(count[0] > CASES / 20 && count[1] > CASES / 20 && count[2] > CASES / 20);
	heap_free(rq);
	arena_free(mem);
}

RUN_ALL(T(the_naive_evaluator_gives_the_same_answer_to_random_questions))

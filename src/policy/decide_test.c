/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a decision tells besides yes and no: the statement, the words, the steps. How the
 * policy types are combined is in tests/vectors/policy. In the texts ' stands for ".
 */
#include "policy/policy.h"
#include "base/str.h"
#include "base/test.h"

static const struct policy_principal alice = {
	.kind = POLICY_USER,
	.account = { "111122223333", 12 },
	.arn = { "arn:aws:iam::111122223333:user/alice", 36 },
	.id = { "AIDAJQABLZS4A3QDU576Q", 21 },
	.name = { "alice", 5 },
};

static const struct policy *made(const char *statements, enum policy_kind kind)
{
	struct arena *mem = arena_new();
	struct policy *p = NULL;
	struct str text = arena_printf(mem, "{'Version':'2012-10-17','Statement':[%s]}", statements);
	char *z = str_z(mem, text);
	for (size_t i = 0; i < text.n; i++)
		z[i] = z[i] == '\'' ? '"' : z[i];
	EXPECT_OK(policy_compile(str_make(z, text.n), kind, &p, NULL));
	arena_free(mem);
	return p;
}

static struct policy_request request(const struct policy_context *cx)
{
	return (struct policy_request){
		.principal = &alice,
		.action = S("s3:GetObject"),
		.resource = S("arn:aws:s3:::b/k"),
		.resource_account = S("111122223333"),
		.context = cx,
	};
}

#define ALLOW_ALL "{'Effect':'Allow','Action':'*','Resource':'*'}"

static void the_deciding_statement_is_named(void)
{
	struct policy_context cx;
	policy_context_init(&cx, NULL, 0);
	const struct policy *all[] = {
		made("{'Effect':'Allow','Action':'ec2:*','Resource':'*'}", POLICY_IDENTITY),
		made("{'Effect':'Allow','Action':'s3:Put*','Resource':'*'}, "
		     "{'Sid':'B','Effect':'Allow','Action':'s3:Get*','Resource':'*'},"
		     "{'Sid':'C','Effect':'Allow','Action':'s3:GetObject','Resource':'*'}",
		     POLICY_IDENTITY),
	};
	struct policy_request rq = request(&cx);
	rq.identity = (struct policy_set){ all, 2 };
	struct policy_decision d = policy_decide(&rq);
	EXPECT(d.verdict == POLICY_ALLOW && d.by == POLICY_IDENTITY && d.index == 1 && d.policy == all[1]);
	EXPECT(d.statement.index == 1 && !d.cross_account);
	EXPECT_STR(d.statement.sid, S("B"));
	struct str text = str_sub(policy_text(d.policy), d.statement.begin, d.statement.end - d.statement.begin);
	EXPECT_STR(text, S("{\"Sid\":\"B\",\"Effect\":\"Allow\",\"Action\":\"s3:Get*\",\"Resource\":\"*\"}"));
	policy_unref(all[0]);
	policy_unref(all[1]);
}

static void the_first_denying_statement_is_named(void)
{
	const struct policy *all[] = {
		made(ALLOW_ALL, POLICY_IDENTITY),
		made("{'Effect':'Deny','NotAction':'iam:*','Resource':'arn:aws:s3:::c'}, "
		     "{'Effect':'Deny','Action':'s3:Get*','Resource':'*'},"
		     "{'Effect':'Deny','Action':'s3:GetObject','Resource':'*'}, "
		     "{'Effect':'Deny','Action':'*','Resource':'*'}",
		     POLICY_IDENTITY),
		made("{'Effect':'Deny','Action':'*','Resource':'*'}", POLICY_IDENTITY),
	};
	struct policy_request rq = request(NULL);
	rq.identity = (struct policy_set){ all, 3 };
	struct policy_decision d = policy_decide(&rq);
	EXPECT(d.verdict == POLICY_EXPLICIT_DENY && d.index == 1 && d.statement.index == 1);
	for (size_t i = 0; i < 3; i++)
		policy_unref(all[i]);
}

static void a_denial_in_words(void)
{
	char room[512];
	struct policy_request rq = request(NULL);
	struct policy_decision d = policy_decide(&rq);
	EXPECT_STR(policy_reason(&d, rq.action, room, sizeof room),
		   S("because no identity-based policy allows the s3:GetObject action"));
	EXPECT_STR(
	    policy_denial(&rq, &d, true, room, sizeof room),
	    S("User: arn:aws:iam::111122223333:user/alice is not authorized to perform: s3:GetObject on resource: "
	      "\"arn:aws:s3:::b/k\" because no identity-based policy allows the s3:GetObject action"));
	EXPECT_STR(policy_reason(&d, rq.action, room, 11), S("because no"));
	EXPECT(policy_reason(&d, rq.action, room, 0).n == 0);
	d.verdict = POLICY_ALLOW;
	EXPECT(policy_reason(&d, rq.action, room, sizeof room).n == 0);
}

static void every_kind_has_its_words(void)
{
	static const struct {
		enum policy_kind kind;
		const char *explicit, *implicit;
	} rows[] = {
		{ POLICY_IDENTITY, "with an explicit deny in an identity-based policy",
		  "because no identity-based policy allows the a:b action" },
		{ POLICY_RESOURCE, "with an explicit deny in a resource-based policy",
		  "because no resource-based policy allows the a:b action" },
		{ POLICY_TRUST, "with an explicit deny in the role trust policy",
		  "because no role trust policy allows the a:b action" },
		{ POLICY_BOUNDARY, "with an explicit deny in a permissions boundary",
		  "because no permissions boundary allows the a:b action" },
		{ POLICY_SESSION, "with an explicit deny in a session policy",
		  "because no session policy allows the a:b action" },
		{ POLICY_ENDPOINT, "with an explicit deny in a VPC endpoint policy",
		  "because no VPC endpoint policy allows the a:b action" },
		{ POLICY_SCP, "with an explicit deny in a service control policy",
		  "because no service control policy allows the a:b action" },
		{ POLICY_RCP, "with an explicit deny in a resource control policy",
		  "because no resource control policy allows the a:b action" },
	};
	char room[128];
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct policy_decision d = { .verdict = POLICY_EXPLICIT_DENY, .by = rows[i].kind };
		EXPECT_STR(policy_reason(&d, S("a:b"), room, sizeof room), str_of(rows[i].explicit));
		d.verdict = POLICY_IMPLICIT_DENY;
		EXPECT_STR(policy_reason(&d, S("a:b"), room, sizeof room), str_of(rows[i].implicit));
	}
}

struct seen {
	size_t n;
	struct policy_step step[8];
};

static void see(void *arg, const struct policy_step *step)
{
	struct seen *s = arg;
	s->step[s->n++] = *step;
}

static void the_trace_tells_the_first_element_that_failed(void)
{
	const struct policy *p =
	    made("{'Effect':'Allow','Action':'ec2:*','Resource':'*','Principal':'*'},"
		 "{'Effect':'Allow','Action':'s3:*','Resource':'*','Principal':{'AWS':'444455556666'}},"
		 "{'Effect':'Allow','Action':'s3:*','Resource':'arn:aws:s3:::c','Principal':'*'},"
		 "{'Effect':'Allow','Action':'s3:*','Resource':'*','Principal':'*','Condition':{"
		 "'Null':{'aws:x':'true'},'StringEquals':{'aws:y':'z'}}},"
		 "{'Effect':'Allow','Action':'s3:*','Resource':'*','Principal':'*'}",
		 POLICY_RESOURCE);
	static const enum policy_element want[] = { POLICY_E_ACTION, POLICY_E_PRINCIPAL, POLICY_E_RESOURCE,
						    POLICY_E_CONDITION, POLICY_E_NONE };
	struct seen seen = { 0 };
	struct policy_trace trace = { see, &seen };
	struct policy_request rq = request(NULL);
	rq.resource_policy = p;
	rq.trace = &trace;
	EXPECT(policy_decide(&rq).statement.index == 4);
	EXPECT(seen.n == 5 && seen.step[3].condition == 1);
	for (size_t i = 0; i < 5; i++)
		EXPECT(seen.step[i].failed == want[i] && seen.step[i].statement.index == i &&
		       seen.step[i].kind == POLICY_RESOURCE);
	EXPECT(seen.step[4].matched && !seen.step[0].matched);
	policy_unref(p);
}

static void a_grant_counts_as_the_key_policy(void)
{
	struct policy_request rq = request(NULL);
	rq.mode = POLICY_KEY;
	EXPECT(policy_decide(&rq).verdict == POLICY_IMPLICIT_DENY);
	rq.granted = POLICY_GRANTED_SELF;
	struct policy_decision d = policy_decide(&rq);
	EXPECT(d.verdict == POLICY_ALLOW && d.by == POLICY_NONE && d.policy == NULL);
	rq.resource_account = S("444455556666");
	d = policy_decide(&rq);
	EXPECT(d.verdict == POLICY_ALLOW && d.by == POLICY_NONE && d.cross_account);
}

static void a_grant_to_a_role_is_limited_by_boundary_and_session(void)
{
	static const char *const accounts[] = { "111122223333", "444455556666" };
	const struct policy *other = made("{'Effect':'Allow','Action':'ec2:*','Resource':'*'}", POLICY_BOUNDARY);
	for (size_t i = 0; i < COUNT(accounts); i++) {
		struct policy_request rq = request(NULL);
		rq.mode = POLICY_KEY;
		rq.resource_account = str_of(accounts[i]);
		rq.granted = POLICY_GRANTED_ROLE;
		EXPECT(policy_decide(&rq).verdict == POLICY_ALLOW);
		rq.boundary = other;
		struct policy_decision d = policy_decide(&rq);
		EXPECT(d.verdict == POLICY_IMPLICIT_DENY && d.by == POLICY_BOUNDARY);
		rq.boundary = NULL;
		rq.session = (struct policy_set){ &other, 1 };
		d = policy_decide(&rq);
		EXPECT(d.verdict == POLICY_IMPLICIT_DENY && d.by == POLICY_SESSION);
		rq.granted = POLICY_GRANTED_SELF;
		EXPECT(policy_decide(&rq).verdict == POLICY_ALLOW);
	}
	policy_unref(other);
}

static void a_grant_to_an_account_leaves_the_rest_to_iam(void)
{
	static const char *const accounts[] = { "111122223333", "444455556666" };
	const struct policy *all = made("{'Effect':'Allow','Action':'*','Resource':'*'}", POLICY_IDENTITY);
	for (size_t i = 0; i < COUNT(accounts); i++) {
		struct policy_request rq = request(NULL);
		rq.mode = POLICY_KEY;
		rq.resource_account = str_of(accounts[i]);
		rq.granted = POLICY_GRANTED_ACCOUNT;
		struct policy_decision d = policy_decide(&rq);
		EXPECT(d.verdict == POLICY_IMPLICIT_DENY && d.by == POLICY_IDENTITY);
		rq.identity = (struct policy_set){ &all, 1 };
		EXPECT(policy_decide(&rq).verdict == POLICY_ALLOW);
		rq.granted = POLICY_GRANTED_NOBODY;
		EXPECT(policy_decide(&rq).verdict == POLICY_IMPLICIT_DENY);
	}
	policy_unref(all);
}

static void no_grant_outdoes_an_explicit_deny(void)
{
	const struct policy *deny = made("{'Effect':'Deny','Action':'*','Resource':'*'}", POLICY_IDENTITY);
	for (int g = POLICY_GRANTED_ACCOUNT; g <= POLICY_GRANTED_SELF; g++) {
		struct policy_request rq = request(NULL);
		rq.mode = POLICY_KEY;
		rq.granted = (enum policy_granted)g;
		rq.identity = (struct policy_set){ &deny, 1 };
		EXPECT(policy_decide(&rq).verdict == POLICY_EXPLICIT_DENY);
	}
	policy_unref(deny);
}

static void one_policy_can_be_asked_alone(void)
{
	const struct policy *p = made(
	    "{'Effect':'Allow','Action':'s3:Get*','Resource':'*'},{'Effect':'Deny','Action':'s3:*','Resource':'*'}",
	    POLICY_IDENTITY);
	struct policy_request rq = request(NULL);
	struct policy_statement s;
	EXPECT(policy_allows(p, &rq, &s) && s.index == 0);
	EXPECT(policy_denies(p, &rq, &s) && s.index == 1);
	rq.action = S("ec2:RunInstances");
	EXPECT(!policy_allows(p, &rq, NULL) && !policy_denies(p, &rq, &s));
	policy_unref(p);
}

static void what_is_no_action_is_denied(void)
{
	static char big[400];
	const struct policy *p = made(ALLOW_ALL, POLICY_IDENTITY);
	struct policy_request rq = request(NULL);
	memset(big, 'a', sizeof big);
	big[2] = ':';
	rq.identity = (struct policy_set){ &p, 1 };
	EXPECT(policy_decide(&rq).verdict == POLICY_ALLOW);
	rq.action = S("GetObject");
	EXPECT(policy_decide(&rq).verdict == POLICY_IMPLICIT_DENY);
	rq.action = (struct str){ 0 };
	EXPECT(policy_decide(&rq).verdict == POLICY_IMPLICIT_DENY);
	rq.action = str_make(big, sizeof big);
	EXPECT(policy_decide(&rq).verdict == POLICY_IMPLICIT_DENY);
	policy_unref(p);
}

/* Whatever an index finds must be what a search of all statements finds. */
static void every_way_to_write_an_action_is_found(void)
{
	static const char *const forms[] = { "*",       "*:*",          "s3:*",        "S3:GETOBJECT",
					     "s3:get*", "s3:G?tObject", "*:GetObject", "s3:*ct" };
	for (size_t i = 0; i < COUNT(forms); i++) {
		char text[200];
		snprintf(text, sizeof text, "{'Effect':'Allow','Action':['ec2:X','%s'],'Resource':'*'}", forms[i]);
		const struct policy *p = made(text, POLICY_IDENTITY);
		struct policy_request rq = request(NULL);
		EXPECT(policy_allows(p, &rq, NULL));
		rq.action = S("s33:GetObject1");
		EXPECT(policy_allows(p, &rq, NULL) == (i < 2));
		policy_unref(p);
	}
}

RUN_ALL(T(the_deciding_statement_is_named), T(the_first_denying_statement_is_named), T(a_denial_in_words),
	T(every_kind_has_its_words), T(the_trace_tells_the_first_element_that_failed),
	T(a_grant_counts_as_the_key_policy), T(a_grant_to_a_role_is_limited_by_boundary_and_session),
	T(a_grant_to_an_account_leaves_the_rest_to_iam), T(no_grant_outdoes_an_explicit_deny),
	T(one_policy_can_be_asked_alone), T(what_is_no_action_is_denied), T(every_way_to_write_an_action_is_found))

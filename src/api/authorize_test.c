/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who may what: the row's action and resource, every global key of the context, the keys of
 * the row, and how a refusal is worded and remembered. Policies are real; only their holder
 * is made up.
 */
#include "api/authz.h"

#include "api/pipeline_testing.h"
#include "api/serve.h"
#include "base/buf.h"

#define ALLOW(action, resource)                                                                \
	"{\"Version\":\"2012-10-17\",\"Statement\":{\"Effect\":\"Allow\",\"Action\":\"" action \
	"\",\"Resource\":\"" resource "\"}}"

/* Alice of WORLD_ACCOUNT, with that policy. */
static struct caller alice(const char *policy)
{
	struct caller who = { .kind = CALLER_USER,
			      .account = WORLD_ACCOUNT,
			      .arn = S("arn:aws:iam::111122223333:user/alice"),
			      .principal_id = S("AIDAALICE"),
			      .name = S("alice"),
			      .access_key_id = S("AKIAX") };
	if (policy)
		who.session_policy = str_of(policy);
	return who;
}

static const char *judged(struct caller who, const char *op, const char *name)
{
	struct test_world *w = pipeline_world();
	EXPECT(world_call(w, world_root(w), "shop", "Put", "{'Name':'a'}").status == 200);
	struct test_reply r = world_call(w, who, "shop", op, "{'Name':'%s'}", name);
	static const char *const answers[] = { "yes", "no", "sold out", "?" };
	const char *said = r.status == 200                              ? answers[0]
			   : str_eq(r.code, S("AccessDeniedException")) ? answers[1]
			   : str_eq(r.code, S("SoldOutException"))      ? answers[2]
									: answers[3];
	world_end(w);
	return said;
}
#define EXPECT_SAID(call, want) EXPECT_STR(str_of(call), S(want))

static void the_rows_action_on_the_rows_resource_must_be_allowed(void)
{
	EXPECT_SAID(judged(alice(ALLOW("shop:Get", "arn:aws:shop:us-east-1:111122223333:item/a")), "Get", "a"), "yes");
	EXPECT_SAID(judged(alice(ALLOW("shop:Get", "arn:aws:shop:us-east-1:111122223333:item/b")), "Get", "a"), "no");
	EXPECT_SAID(judged(alice(ALLOW("shop:Get", "arn:aws:shop:eu-west-3:111122223333:item/a")), "Get", "a"), "no");
	EXPECT_SAID(judged(alice(ALLOW("shop:Put", "*")), "Get", "a"), "no");
	EXPECT_SAID(judged(alice(NULL), "Get", "a"), "no");
	EXPECT_SAID(judged(alice(NULL), "Free", "a"), "yes"); /* no policy can refuse it */
}

/* A name like "*" is a name: it is no pattern that policies would match the wrong way round. */
static void a_resource_is_text_and_no_pattern(void)
{
	EXPECT_SAID(judged(alice(ALLOW("shop:Put", "arn:aws:shop:us-east-1:111122223333:item/a")), "Put", "*"), "no");
	EXPECT_SAID(judged(alice(ALLOW("shop:Put", "arn:aws:shop:us-east-1:111122223333:item/a")), "Put", "?"), "no");
}

static void an_arn_in_a_member_is_its_own_accounts(void)
{
	EXPECT_SAID(judged(alice(ALLOW("shop:Get", "*")), "GetByArn", "arn:aws:shop::1:a"), "no");
	EXPECT_SAID(judged(alice(ALLOW("shop:Get", "*")), "GetByArn", "arn:aws:shop:::aa"),
		    "sold out"); /* names no account: one's own */
}

static void every_item_of_a_list_must_be_allowed_and_may_have_its_own_word(void)
{
	EXPECT_SAID(judged(alice(ALLOW("shop:*", "*")), "Two", "a"), "yes");
	EXPECT_SAID(judged(alice(ALLOW("shop:First", "*")), "Two", "a"), "sold out"); /* item.denied */
	EXPECT_SAID(judged(alice(ALLOW("shop:Second", "*")), "Two", "a"), "no");
	EXPECT_SAID(judged(alice(ALLOW("shop:*", "*")), "Two", "nowhere"), "sold out");
}

/* ---- the context ------------------------------------------------------------------------ */

/* ---- handing roles over --------------------------------------------------------------------- */

#define RUN(passing)                                                                                             \
	"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"shop:Run\",\"Resource\":" \
	"\"*\"}," passing "]}"
#define PASS(role, condition)                                                                                         \
	"{\"Effect\":\"Allow\",\"Action\":\"iam:PassRole\",\"Resource\":\"arn:aws:iam::111122223333:role/" role "\"," \
	"\"Condition\":{" condition "}}"
#define APP "arn:aws:iam::111122223333:role/app"

static const char *passed(struct caller who, const char *role)
{
	struct test_world *w = pipeline_world();
	struct test_reply r = world_call(w, who, "shop", "Run", "{'Name':'a','Role':'%s'}", role);
	world_end(w);
	return r.status == 200 ? "yes" : str_eq(r.code, S("AccessDeniedException")) ? "no" : "?";
}

static void a_role_is_handed_over_by_those_who_may_pass_it(void)
{
	EXPECT_SAID(passed(alice(RUN(PASS("app", ""))), APP), "yes");
	EXPECT_SAID(passed(alice(RUN(PASS("other", ""))), APP), "no");
	EXPECT_SAID(passed(alice(RUN(PASS("*", ""))), "arn:aws:iam::111122223333:role/x/app"), "yes");
	EXPECT_SAID(passed(alice(RUN(PASS("app", ""))), "arn:aws:iam::111122223333:role/x/app"), "no");
	EXPECT_SAID(passed(alice(ALLOW("shop:*", "*")), APP), "no");
	EXPECT_SAID(passed(alice(ALLOW("iam:PassRole", "*")), APP), "no");
}

static void passing_can_be_bound_to_service_and_resource(void)
{
	static const struct {
		const char *policy, *want;
	} cases[] = {
		{ RUN(PASS("app", "\"StringEquals\":{\"iam:PassedToService\":\"shop.amazonaws.com\"}")), "yes" },
		{ RUN(PASS("app", "\"StringEquals\":{\"iam:PassedToService\":\"ec2.amazonaws.com\"}")), "no" },
		{ RUN(PASS("app", "\"ArnLike\":{\"iam:AssociatedResourceArn\":\"arn:aws:shop:*:*:item/run\"}")),
		  "yes" },
		{ RUN(PASS("app", "\"ArnLike\":{\"iam:AssociatedResourceArn\":\"arn:aws:shop:*:*:item/walk\"}")),
		  "no" },
		/* keys of the row do not count for the role */
		{ RUN(PASS("app", "\"Null\":{\"shop:Count\":\"true\"}")), "yes" },
	};
	for (size_t i = 0; i < COUNT(cases); i++)
		EXPECT_STR(str_of(passed(alice(cases[i].policy), APP)), str_of(cases[i].want));
}

static void what_is_refused_in_passing(struct test_world *w, struct caller who, const char *role, struct str code,
				       struct str text)
{
	struct test_reply r = world_call(w, who, "shop", "Run", "{'Name':'a','Role':'%s','Count':1}", role);
	EXPECT_STR(r.code, code);
	EXPECT_STR(r.text, text);
}

/* Somebody of the other account, at work in this one. */
static void pass_as_a_guest(struct req *rq, void *arg)
{
	struct authz az = { .rq = rq };
	az.last = &az.first;
	(void)arg;
	rq->svc = &shop_service;
	rq->op = service_op(&shop_service, S("Run"));
	rq->in = &(struct shop_in){ 0 };
	EXPECT_OK(authz_pass_role(&az, S(APP), "shop.amazonaws.com", (struct str){ 0 }));
	EXPECT(az.first && !az.first->next && az.first->keys && !az.first->keys->next);
	rq->caller.account = WORLD_OTHER;
	EXPECT_ERR(authz_pass_role(&az, S(APP), "shop.amazonaws.com", (struct str){ 0 }), E_FAULT);
}

static void a_role_of_another_account_is_not_passed(void)
{
	struct test_world *w = pipeline_world();
	struct str crossing = S("Cross-account pass role is not allowed.");
	what_is_refused_in_passing(w, world_root(w), "arn:aws:iam::444455556666:role/app", S("AccessDeniedException"),
				   crossing);
	what_is_refused_in_passing(w, world_root(w), "arn:aws-cn:iam::111122223333:role/app",
				   S("AccessDeniedException"), crossing);
	what_is_refused_in_passing(w, world_root_of(w, WORLD_OTHER), APP, S("AccessDeniedException"), crossing);
	static const char *const no_roles[] = { "app", "arn:aws:iam::111122223333:user/app",
						"arn:aws:s3::111122223333:role/app", "arn:aws:iam::111122223333:role/",
						"arn:aws:iam::111122223333:role/x/" };
	for (size_t i = 0; i < COUNT(no_roles); i++)
		what_is_refused_in_passing(w, world_root(w), no_roles[i], S("ValidationException"),
					   arena_printf(world_mem(w), "%s is not the ARN of a role.", no_roles[i]));
	what_is_refused_in_passing(w, alice(ALLOW("shop:*", "*")), APP, S("AccessDeniedException"),
				   S("User: arn:aws:iam::111122223333:user/alice is not authorized to perform: "
				     "iam:PassRole on resource: " APP " because no identity-based policy allows the "
				     "iam:PassRole action"));
	world_in_fiber(w, pass_as_a_guest, NULL);
	world_end(w);
}

struct asking {
	const char *condition; /* `"StringEquals":{"aws:userid":"x"}` */
	void (*change)(struct req *rq);
	bool allowed;
};

static void ask(struct req *rq, void *arg)
{
	struct asking *a = arg;
	struct shop_in in = { .name = S("a"), .count = SET(5), .since = SET(FAKE_NOW), .word = 2 };
	static const struct str parts[] = { { "x", 1 }, { "y", 1 } };
	static const int words[] = { 1, 2 };
	static const struct str_entry tags[] = { { { "Team", 4 }, { "blue", 4 } } };
	struct buf text = buf_in(rq->mem);
	in.parts = (struct str_list){ parts, 2 };
	in.words = (struct fk_words_list){ words, 2 };
	rq->op = service_op(rq->svc, S("Get"));
	rq->in = &in;
	rq->caller = alice(NULL);
	rq->caller.tags = (struct str_map){ tags, 1 };
	if (a->change)
		a->change(rq);
	buf_printf(&text,
		   "{\"Version\":\"2012-10-17\",\"Statement\":{\"Effect\":\"Allow\",\"Action\":\"*\",\"Resource\":\"*"
		   "\",\"Condition\":{%s}}}",
		   a->condition);
	const struct policy **all = NEWS(rq->mem, const struct policy *, 1);
	EXPECT_OK(cached_policy(rq, POLICY_IDENTITY, buf_str(&text), &all[0]));
	rq->policies = (struct caller_policies){ .identity = { all, 1 } };
	struct authz az = { .rq = rq };
	struct policy_decision d;
	az.last = &az.first;
	struct authz_item *item = authz_add(&az, NULL, authz_row_resource(rq, &in));
	item->resource_tags = (struct str_map){ tags, 1 };
	authz_request_tags(&az, item, (struct str_map){ tags, 1 });
	authz_key_bool(&az, item, "shop:Flag", true);
	authz_key_int(&az, item, "shop:Number", 7);
	authz_key(&az, item, "shop:Absent", (struct str){ 0 });
	a->allowed = authz_evaluate(rq, item, &d);
}

static void as_session(struct req *rq)
{
	rq->caller.issued_ms = FAKE_NOW - 1000;
	rq->caller.expires_ms = FAKE_NOW + 1000;
	rq->caller.kind = CALLER_ROLE;
	rq->caller.role_arn = S("arn:aws:iam::111122223333:role/app");
	rq->caller.arn = S("arn:aws:sts::111122223333:assumed-role/app/s");
	rq->caller.source_identity = S("bob");
}
static void with_mfa(struct req *rq)
{
	as_session(rq);
	rq->caller.mfa = true;
	rq->caller.mfa_ms = FAKE_NOW - 90 * 1000;
}
static void as_federated(struct req *rq)
{
	as_session(rq);
	rq->caller.provider = S("arn:aws:iam::111122223333:oidc-provider/idp");
}
static void forwarded(struct req *rq) { rq->caller.invoked_by = S("s3.amazonaws.com"); }
static void forwarded_twice(struct req *rq)
{
	struct req *parent = NEW(rq->mem, struct req);
	parent->caller = rq->caller;
	parent->caller.invoked_by = S("athena.amazonaws.com");
	rq->caller.invoked_by = S("s3.amazonaws.com");
	rq->parent = parent;
}
static void plain(struct req *rq) { rq->secure = false; }
static void global_service(struct req *rq)
{
	struct service *s = NEW(rq->mem, struct service);
	*s = *rq->svc;
	s->global = true;
	rq->svc = s;
	rq->region = S("eu-west-3");
}

static void every_key_has_its_value(void)
{
	static const struct {
		const char *condition;
		void (*change)(struct req *rq);
		bool want;
	} cases[] = {
		{ "\"StringEquals\":{\"aws:PrincipalAccount\":\"111122223333\"}", NULL, true },
		{ "\"StringEquals\":{\"aws:PrincipalArn\":\"arn:aws:iam::111122223333:user/alice\"}", NULL, true },
		{ "\"StringEquals\":{\"aws:PrincipalArn\":\"arn:aws:iam::111122223333:role/app\"}", as_session, true },
		{ "\"StringEquals\":{\"aws:PrincipalType\":\"User\"}", NULL, true },
		{ "\"StringEquals\":{\"aws:PrincipalType\":\"AssumedRole\"}", as_session, true },
		{ "\"StringEquals\":{\"aws:userid\":\"AIDAALICE\"}", NULL, true },
		{ "\"StringEquals\":{\"aws:username\":\"alice\"}", NULL, true },
		{ "\"Null\":{\"aws:username\":\"true\"}", as_session, true },
		{ "\"Bool\":{\"aws:PrincipalIsAWSService\":\"false\"}", NULL, true },
		{ "\"StringEquals\":{\"aws:PrincipalTag/team\":\"blue\"}", NULL, true },
		{ "\"StringEquals\":{\"aws:PrincipalTag/tea\":\"blue\"}", NULL, false },
		{ "\"StringEquals\":{\"aws:ResourceTag/TEAM\":\"blue\"}", NULL, true },
		{ "\"StringEquals\":{\"aws:RequestTag/Team\":\"blue\"}", NULL, true },
		{ "\"ForAllValues:StringEquals\":{\"aws:TagKeys\":[\"Team\"]}", NULL, true },
		{ "\"ForAnyValue:StringEquals\":{\"aws:TagKeys\":[\"Other\"]}", NULL, false },
		{ "\"StringEquals\":{\"aws:ResourceAccount\":\"111122223333\"}", NULL, true },
		{ "\"StringEquals\":{\"aws:RequestedRegion\":\"us-east-1\"}", NULL, true },
		{ "\"StringEquals\":{\"aws:RequestedRegion\":\"us-east-1\"}", global_service, true },
		{ "\"Bool\":{\"aws:SecureTransport\":\"true\"}", NULL, true },
		{ "\"Bool\":{\"aws:SecureTransport\":\"false\"}", plain, true },
		{ "\"IpAddress\":{\"aws:SourceIp\":\"192.0.2.0/24\"}", NULL, true },
		{ "\"IpAddress\":{\"aws:SourceIp\":\"198.51.100.0/24\"}", NULL, false },
		{ "\"Null\":{\"aws:SourceIp\":\"true\"}", forwarded, true },
		{ "\"StringEquals\":{\"aws:UserAgent\":\"test\"}", NULL, true },
		{ "\"Null\":{\"aws:UserAgent\":\"true\"}", forwarded, true },
		{ "\"Null\":{\"aws:Referer\":\"true\"}", NULL, true },
		{ "\"DateEquals\":{\"aws:CurrentTime\":\"2026-01-01T00:00:00Z\"}", NULL, true },
		{ "\"NumericEquals\":{\"aws:EpochTime\":\"1767225600\"}", NULL, true },
		{ "\"DateLessThan\":{\"aws:CurrentTime\":\"2026-01-01T00:00:00Z\"}", NULL, false },
		{ "\"DateEquals\":{\"aws:TokenIssueTime\":\"2025-12-31T23:59:59Z\"}", as_session, true },
		{ "\"Null\":{\"aws:TokenIssueTime\":\"true\"}", NULL, true },
		{ "\"Null\":{\"aws:MultiFactorAuthPresent\":\"true\"}", NULL,
		  true }, /* a long-term key has it not even as false */
		{ "\"Bool\":{\"aws:MultiFactorAuthPresent\":\"false\"}", as_session, true },
		{ "\"Bool\":{\"aws:MultiFactorAuthPresent\":\"true\"}", with_mfa, true },
		{ "\"Bool\":{\"aws:MultiFactorAuthPresent\":\"false\"}", forwarded, true },
		{ "\"Null\":{\"aws:MultiFactorAuthPresent\":\"true\",\"aws:MultiFactorAuthAge\":\"true\"}",
		  as_federated, true },
		{ "\"Null\":{\"aws:MultiFactorAuthAge\":\"true\"}", as_session, true },
		{ "\"NumericEquals\":{\"aws:MultiFactorAuthAge\":\"90\"}", with_mfa, true },
		{ "\"StringEquals\":{\"aws:SourceIdentity\":\"bob\"}", as_session, true },
		{ "\"Null\":{\"aws:SourceIdentity\":\"true\"}", NULL, true },
		{ "\"Bool\":{\"aws:ViaAWSService\":\"false\"}", NULL, true },
		{ "\"Bool\":{\"aws:ViaAWSService\":\"true\"}", forwarded, true },
		{ "\"Null\":{\"aws:CalledVia\":\"true\"}", NULL, true },
		{ "\"ForAnyValue:StringEquals\":{\"aws:CalledVia\":[\"s3.amazonaws.com\"]}", forwarded, true },
		{ "\"ForAllValues:StringEquals\":{\"aws:CalledVia\":[\"s3.amazonaws.com\"]}", forwarded_twice, false },
		{ "\"StringEquals\":{\"aws:CalledViaFirst\":\"athena.amazonaws.com\"}", forwarded_twice, true },
		{ "\"StringEquals\":{\"aws:CalledViaLast\":\"s3.amazonaws.com\"}", forwarded_twice, true },
		{ "\"Null\":{\"aws:SourceAccount\":\"true\",\"aws:SourceArn\":\"true\",\"aws:SourceVpc\":\"true\","
		  "\"aws:PrincipalOrgID\":\"true\"}",
		  NULL, true },
		/* the row's */
		{ "\"NumericEquals\":{\"shop:Count\":\"5\"}", NULL, true },
		{ "\"DateEquals\":{\"shop:Since\":\"2026-01-01T00:00:00Z\"}", NULL, true },
		{ "\"ForAllValues:StringEquals\":{\"shop:Parts\":[\"x\",\"y\"]}", NULL, true },
		{ "\"ForAllValues:StringEquals\":{\"shop:Parts\":[\"x\"]}", NULL, false },
		{ "\"ForAllValues:StringEquals\":{\"shop:Words\":[\"RED\",\"GREEN\"]}", NULL, true },
		{ "\"ForAllValues:StringEquals\":{\"shop:Words\":[\"RED\"]}", NULL, false },
		{ "\"StringEquals\":{\"shop:Word\":\"GREEN\"}", NULL, true },
		{ "\"StringEquals\":{\"SHOP:word\":\"GREEN\"}", NULL, true },
		{ "\"Null\":{\"shop:Computed\":\"true\"}", NULL, true },
		{ "\"Bool\":{\"shop:Flag\":\"true\"}", NULL, true },
		{ "\"NumericEquals\":{\"shop:Number\":\"7\"}", NULL, true },
		{ "\"Null\":{\"shop:Absent\":\"true\"}", NULL, true },
	};
	struct test_world *w = pipeline_world();
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct asking a = { cases[i].condition, cases[i].change, false };
		world_in_fiber(w, ask, &a);
		printf("# %s\n", cases[i].condition);
		EXPECT(a.allowed == cases[i].want);
	}
	world_end(w);
}

/* ---- services of ours ------------------------------------------------------------------- */

static void ask_as_service(struct req *rq, void *arg)
{
	(void)arg;
	static const char text[] =
	    "{\"Version\":\"2012-10-17\",\"Statement\":{\"Effect\":\"Allow\",\"Principal\":{\"Service\":\"trail."
	    "amazonaws.com\"},"
	    "\"Action\":\"*\",\"Resource\":\"*\",\"Condition\":{\"StringEquals\":{\"aws:SourceAccount\":"
	    "\"111122223333\"},"
	    "\"Bool\":{\"aws:ViaAWSService\":\"false\",\"aws:PrincipalIsAWSService\":\"true\"}}}}";
	const struct policy *policy;
	struct policy_decision d;
	struct shop_in in = { .name = S("a") };
	rq->op = service_op(rq->svc, S("Get"));
	rq->in = &in;
	EXPECT_OK(cached_policy(rq, POLICY_RESOURCE, str_of(text), &policy));
	rq->caller = (struct caller){ .kind = CALLER_SERVICE,
				      .account = WORLD_ACCOUNT,
				      .principal_id = S("trail.amazonaws.com"),
				      .name = S("trail.amazonaws.com"),
				      .invoked_by = S("trail.amazonaws.com") };
	struct authz_item item = { .action = S("shop:Get"),
				   .resource = S("arn:aws:shop:::x"),
				   .resource_policy = policy };
	EXPECT(authz_evaluate(rq, &item, &d));
	rq->caller.account = WORLD_OTHER; /* on another account's behalf: the confused deputy */
	EXPECT(!authz_evaluate(rq, &item, &d));
	rq->caller.account = WORLD_ACCOUNT;
	rq->caller.name = S("other.amazonaws.com");
	EXPECT(!authz_evaluate(rq, &item, &d));
	item.resource_policy = NULL;
	EXPECT(!authz_evaluate(rq, &item, &d)); /* nobody's policy: no */
}

static void a_service_acts_for_itself_by_the_resources_policy_alone(void)
{
	struct test_world *w = pipeline_world();
	world_in_fiber(w, ask_as_service, NULL);
	world_end(w);
}

static void ask_anonymous(struct req *rq, void *arg)
{
	(void)arg;
	const struct policy *policy;
	struct policy_decision d;
	EXPECT_OK(cached_policy(rq, POLICY_RESOURCE,
				S("{\"Version\":\"2012-10-17\",\"Statement\":{\"Effect\":\"Allow\",\"Principal\":\"*\","
				  "\"Action\":\"shop:Get\",\"Resource\":\"*\"}}"),
				&policy));
	rq->caller =
	    (struct caller){ .kind = CALLER_ANONYMOUS, .account = S("anonymous"), .principal_id = S("anonymous") };
	struct authz_item item = { .action = S("shop:Get"),
				   .resource = S("arn:aws:shop:::x"),
				   .resource_policy = policy };
	EXPECT(authz_evaluate(rq, &item, &d));
	item.action = S("shop:Put");
	EXPECT(!authz_evaluate(rq, &item, &d));
	item.resource_policy = NULL;
	EXPECT(!authz_evaluate(rq, &item, &d));
}

static void nobody_may_what_a_policy_gives_to_everybody(void)
{
	struct test_world *w = pipeline_world();
	world_in_fiber(w, ask_anonymous, NULL);
	world_end(w);
}

/* ---- words ---------------------------------------------------------------------------------- */

static void a_refusal_names_who_what_and_why(void)
{
	struct test_world *w = pipeline_world();
	struct test_reply r = world_call(w, alice(NULL), "shop", "Get", "{'Name':'a'}");
	EXPECT(r.status == 400);
	EXPECT_STR(r.code, S("AccessDeniedException"));
	EXPECT_STR(r.text,
		   S("User: arn:aws:iam::111122223333:user/alice is not authorized to perform: shop:Get on resource: "
		     "arn:aws:shop:us-east-1:111122223333:item/a because no identity-based policy allows the shop:Get "
		     "action"));
	world_end(w);
}

static void refuse_in_s3(struct req *rq, void *arg)
{
	static const struct op op = { .name = "X",
				      .action = "s3:X",
				      .resource = "arn:aws:s3:::b",
				      .conditions = no_conditions,
				      .faults = no_faults,
				      .in = &nothing_shape,
				      .out = &nothing_shape };
	rq->svc = &store_service;
	rq->op = &op;
	rq->caller = alice(NULL);
	rq->account = *(struct str *)arg;
	EXPECT_ERR(req_authorize(rq), E_FAULT);
	bool own = str_eq(rq->account, rq->caller.account);
	EXPECT(str_eq(rq->fault.text, S("Access Denied")) == !own);
	EXPECT(rq->denial && rq->denial->sentence.n > 20); /* explain still knows */
}

static void s3_explains_itself_within_an_account_only(void)
{
	struct test_world *w = pipeline_world();
	struct str own = WORLD_ACCOUNT, other = WORLD_OTHER;
	world_in_fiber(w, refuse_in_s3, &own);
	world_in_fiber(w, refuse_in_s3, &other);
	world_end(w);
}

static void a_store_that_is_damaged_allows_nothing(void)
{
	struct test_world *w = pipeline_world();
	struct caller who = alice(ALLOW("*", "*"));
	who.name = S("gone");
	EXPECT(world_call(w, who, "shop", "Get", "{'Name':'a'}").status != 200);
	who.name = S("damaged");
	EXPECT(world_call(w, who, "shop", "Get", "{'Name':'a'}").status != 200);
	world_end(w);
}

RUN_ALL(T(a_role_is_handed_over_by_those_who_may_pass_it), T(passing_can_be_bound_to_service_and_resource),
	T(a_role_of_another_account_is_not_passed), T(the_rows_action_on_the_rows_resource_must_be_allowed),
	T(a_resource_is_text_and_no_pattern), T(an_arn_in_a_member_is_its_own_accounts),
	T(every_item_of_a_list_must_be_allowed_and_may_have_its_own_word), T(every_key_has_its_value),
	T(a_service_acts_for_itself_by_the_resources_policy_alone), T(nobody_may_what_a_policy_gives_to_everybody),
	T(a_refusal_names_who_what_and_why), T(s3_explains_itself_within_an_account_only),
	T(a_store_that_is_damaged_allows_nothing))

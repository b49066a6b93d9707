/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the API reference promises about GetSessionToken, GetFederationToken and
 * GetAccessKeyInfo, and what their credentials cannot do.
 */
#include "api/authz.h"
#include "api/cache.h"
#include "api/denial.h"
#include "svc/mfa_testing.h"

#define ROLE_ARN(name) "arn:aws:iam::111122223333:role/" name
#define ANN            "arn:aws:iam::111122223333:user/ann"
#define UNKNOWN_TOKEN  "The security token included in the request is invalid"
#define FED(name)      "arn:aws:sts::111122223333:federated-user/" name

static struct caller user_with(struct test_world *w, const char *name, const char *document)
{
	WORKS(IAM(w, "CreateUser", "{'UserName':'%s'}", name));
	if (document)
		WORKS(IAM(w, "PutUserPolicy", "{'UserName':'%s','PolicyName':'own','PolicyDocument':'%s'}", name,
			  document));
	return user_caller(w, name);
}

static int64_t lasts_s(struct test_world *w, struct test_reply r)
{
	int64_t until = 0;
	EXPECT(str_to_i64(world_field(w, r, "Credentials.Expiration"), &until));
	return until - JAN_1_S;
}

/* The pipeline's decision for somebody, on something of the vault's kind: an action no served operation is needed for.
 */
struct wish {
	struct caller who;
	const char *action;
	struct str resource_policy;
	enum policy_verdict verdict;
	enum policy_kind by;
};

static void decide(struct req *rq, void *arg)
{
	struct wish *wish = arg;
	const struct policy *policy = NULL;
	struct policy_decision d;
	rq->caller = wish->who;
	EXPECT_OK(rq->app->identity->policies(rq, &rq->caller, &rq->policies));
	if (wish->resource_policy.p)
		EXPECT_OK(cached_policy(rq, POLICY_RESOURCE, wish->resource_policy, &policy));
	const struct authz_item item = { .action = str_of(wish->action),
					 .resource = S("arn:aws:s3:::b/k"),
					 .resource_policy = policy };
	(void)authz_evaluate(rq, &item, &d);
	wish->verdict = d.verdict;
	wish->by = d.by;
}

static bool may(struct test_world *w, struct caller who, const char *action, const char *resource_policy)
{
	struct wish wish = { .who = who, .action = action };
	if (resource_policy)
		wish.resource_policy = str_of(resource_policy);
	world_in_fiber(w, decide, &wish);
	return wish.verdict == POLICY_ALLOW;
}

/* ---- GetSessionToken --------------------------------------------------------------------- */

static void a_session_is_the_user_himself(void)
{
	struct test_world *w = begin();
	struct caller ann = user_with(w, "ann", NULL);
	struct test_reply r = AS(w, ann, "sts", "GetSessionToken", "{}");
	EXPECT(lasts_s(w, r) == 43200);
	EXPECT(str_starts(world_field(w, r, "Credentials.AccessKeyId"), S("ASIA")));
	struct caller session = session_caller(w, r);
	EXPECT(session.kind == CALLER_USER && !session.mfa);
	r = AS(w, session, "sts", "GetCallerIdentity", "{}");
	EXPECT_STR(world_field(w, r, "Arn"), S(ANN));
	EXPECT_STR(world_field(w, r, "UserId"), ann.principal_id);
	world_end(w);
}

static void no_policy_can_refuse_a_session(void)
{
	struct test_world *w = begin();
	struct caller ann = user_with(w, "ann", DOCUMENT("Deny", "*", "*"));
	WORKS(AS(w, ann, "sts", "GetSessionToken", "{}"));
	world_end(w);
}

static void a_session_lasts_15_minutes_to_36_hours_and_roots_one_hour_at_most(void)
{
	struct test_world *w = begin();
	struct caller ann = user_with(w, "ann", NULL);
	FAILS(AS(w, ann, "sts", "GetSessionToken", "{'DurationSeconds':899}"), "ValidationError");
	EXPECT(lasts_s(w, AS(w, ann, "sts", "GetSessionToken", "{'DurationSeconds':900}")) == 900);
	EXPECT(lasts_s(w, AS(w, ann, "sts", "GetSessionToken", "{'DurationSeconds':129600}")) == 129600);
	FAILS(AS(w, ann, "sts", "GetSessionToken", "{'DurationSeconds':129601}"), "ValidationError");
	EXPECT(lasts_s(w, AS(w, world_root(w), "sts", "GetSessionToken", "{}")) == 3600);
	EXPECT(lasts_s(w, AS(w, world_root(w), "sts", "GetSessionToken", "{'DurationSeconds':901}")) == 901);
	world_end(w);
}

static void a_wrong_code_gets_no_session(void)
{
	struct test_world *w = begin();
	struct caller ann = user_with(w, "ann", NULL);
	FAILS(AS(w, ann, "sts", "GetSessionToken", "{'TokenCode':'123456'}"), "AccessDenied");
	FAILS(AS(w, ann, "sts", "GetSessionToken",
		 "{'TokenCode':'123456','SerialNumber':'arn:aws:iam::111122223333:mfa/ann'}"),
	      "AccessDenied");
	FAILS(AS(w, ann, "sts", "GetSessionToken", "{'TokenCode':'12345','SerialNumber':'GAHT12345678'}"),
	      "ValidationError");
	world_end(w);
}

static void a_session_gets_no_other_but_by_assuming_a_role(void)
{
	struct test_world *w = begin();
	struct caller ann = user_with(w, "ann", ALLOW_ALL);
	WORKS(IAM(w, "CreateRole", "{'RoleName':'app','AssumeRolePolicyDocument':'%s'}", TRUST(ANN)));
	struct caller session = session_caller(w, AS(w, ann, "sts", "GetSessionToken", "{}"));
	REFUSED(AS(w, session, "sts", "GetSessionToken", "{}"), 403, "AccessDenied",
		"Cannot call GetSessionToken with session credentials");
	REFUSED(AS(w, session, "sts", "GetFederationToken", "{'Name':'bob'}"), 403, "AccessDenied",
		"Cannot call GetFederationToken with session credentials");
	REFUSED(AS(w, session, "sts", "GetAccessKeyInfo", "{'AccessKeyId':'AKIATESTTESTTESTTEST'}"), 403,
		"AccessDenied", "Cannot call GetAccessKeyInfo with session credentials");
	struct caller app = session_caller(
	    w, AS(w, session, "sts", "AssumeRole", "{'RoleArn':'" ROLE_ARN("app") "','RoleSessionName':'sess'}"));
	EXPECT(app.chained == 0);
	REFUSED(AS(w, app, "sts", "GetSessionToken", "{}"), 403, "AccessDenied",
		"Cannot call GetSessionToken with session credentials");
	REFUSED(AS(w, app, "sts", "GetFederationToken", "{'Name':'bob'}"), 403, "AccessDenied",
		"Cannot call GetFederationToken with session credentials");
	struct caller root = session_caller(w, AS(w, world_root(w), "sts", "GetSessionToken", "{}"));
	FAILS(AS(w, root, "sts", "GetSessionToken", "{}"), "AccessDenied");
	world_end(w);
}

static void iam_wants_a_session_to_have_shown_mfa(void)
{
	struct test_world *w = begin();
	struct caller ann = user_with(w, "ann", ALLOW_ALL);
	struct caller session = session_caller(w, AS(w, ann, "sts", "GetSessionToken", "{}"));
	WORKS(AS(w, ann, "iam", "ListUsers", "{}"));
	REFUSED(AS(w, session, "iam", "ListUsers", "{}"), 403, "InvalidClientTokenId", UNKNOWN_TOKEN);
	struct str code = code_at(w, enabled_device(w, "ann", "phone"), 0);
	const char *shown = "{'SerialNumber':'arn:aws:iam::111122223333:mfa/phone','TokenCode':'%.*s'}";
	session = session_caller(w, AS(w, ann, "sts", "GetSessionToken", shown, PR(code)));
	EXPECT(session.mfa && session.mfa_ms == INT64_C(1000) * JAN_1_S);
	WORKS(AS(w, session, "iam", "ListUsers", "{}"));
	REFUSED(AS(w, ann, "sts", "GetSessionToken", shown, PR(code)), 403, "AccessDenied",
		"MultiFactorAuthentication failed with invalid MFA one time pass code. ");
	struct caller root = session_caller(w, AS(w, world_root(w), "sts", "GetSessionToken", "{}"));
	REFUSED(AS(w, root, "iam", "ListUsers", "{}"), 403, "InvalidClientTokenId", UNKNOWN_TOKEN);
	world_end(w);
}

#define WITH_MFA                                                                                                       \
	"{\\\"Version\\\":\\\"2012-10-17\\\",\\\"Statement\\\":{\\\"Effect\\\":\\\"Allow\\\",\\\"Action\\\":\\\"*"     \
	"\\\","                                                                                                        \
	"\\\"Resource\\\":\\\"*\\\",\\\"Condition\\\":{\\\"Bool\\\":{\\\"aws:MultiFactorAuthPresent\\\":\\\"true\\\"}" \
	","                                                                                                            \
	"\\\"NumericLessThan\\\":{\\\"aws:MultiFactorAuthAge\\\":\\\"300\\\"}}}}"

static void policies_see_whether_and_when_mfa_was_shown(void)
{
	struct test_world *w = begin();
	struct caller ann = user_with(w, "ann", WITH_MFA);
	FAILS(AS(w, ann, "iam", "ListUsers", "{}"), "AccessDenied"); /* a key shows nothing */
	struct caller session = session_caller(w, AS(w, ann, "sts", "GetSessionToken", "{}"));
	session.mfa = true;
	session.mfa_ms = session.issued_ms;
	WORKS(AS(w, session, "iam", "ListUsers", "{}"));
	world_later(w, 300 * 1000);
	FAILS(AS(w, session, "iam", "ListUsers", "{}"), "AccessDenied");
	world_end(w);
}

#define TRUST_WITH_MFA                                                                                                \
	"{\\\"Version\\\":\\\"2012-10-17\\\",\\\"Statement\\\":{\\\"Effect\\\":\\\"Allow\\\",\\\"Action\\\":\\\"sts:" \
	"AssumeRole\\\","                                                                                             \
	"\\\"Principal\\\":{\\\"AWS\\\":\\\"" ANN                                                                     \
	"\\\"},\\\"Condition\\\":{\\\"Bool\\\":{\\\"aws:MultiFactorAuthPresent\\\":"                                  \
	"\\\"true\\\"}}}}"

/* "Secure API access with MFA": the session shows it, the role's credentials do not. */
static void a_session_with_mfa_assumes_what_asks_for_it(void)
{
	struct test_world *w = begin();
	struct caller ann = user_with(w, "ann", NULL);
	const char *assume = "{'RoleArn':'" ROLE_ARN("app") "','RoleSessionName':'sess'}";
	WORKS(IAM(w, "CreateRole", "{'RoleName':'app','AssumeRolePolicyDocument':'%s'}", TRUST_WITH_MFA));
	struct caller plain = session_caller(w, AS(w, ann, "sts", "GetSessionToken", "{}"));
	FAILS(AS(w, plain, "sts", "AssumeRole", "%s", assume), "AccessDenied");
	struct str code = code_at(w, enabled_device(w, "ann", "phone"), 0);
	struct caller shown = session_caller(
	    w, AS(w, ann, "sts", "GetSessionToken",
		  "{'SerialNumber':'arn:aws:iam::111122223333:mfa/phone','TokenCode':'%.*s'}", PR(code)));
	struct caller app = session_caller(w, AS(w, shown, "sts", "AssumeRole", "%s", assume));
	EXPECT(!app.mfa);
	world_end(w);
}

static void a_session_ends_with_its_user_but_not_with_his_key(void)
{
	struct test_world *w = begin();
	struct caller ann = user_with(w, "ann", NULL);
	struct test_reply key = IAM(w, "CreateAccessKey", "{'UserName':'ann'}");
	struct str id = world_field(w, key, "AccessKey.AccessKeyId");
	ann.access_key_id = id;
	struct caller session = session_caller(w, AS(w, ann, "sts", "GetSessionToken", "{}"));
	WORKS(IAM(w, "DeleteAccessKey", "{'UserName':'ann','AccessKeyId':'%.*s'}", PR(id)));
	WORKS(AS(w, session, "sts", "GetCallerIdentity", "{}"));
	WORKS(IAM(w, "DeleteUser", "{'UserName':'ann'}"));
	FAILS(AS(w, session, "sts", "GetCallerIdentity", "{}"), "none"); /* nobody the pipeline knows */
	WORKS(IAM(w, "CreateUser", "{'UserName':'ann'}"));
	FAILS(AS(w, session, "sts", "GetCallerIdentity", "{}"), "none"); /* nobody the pipeline knows */
	world_end(w);
}

static void sessions_follow_the_user_not_the_name(void)
{
	struct test_world *w = begin();
	struct caller ann = user_with(w, "ann", ALLOW_ALL);
	struct caller session = session_caller(w, AS(w, ann, "sts", "GetSessionToken", "{}"));
	struct caller bob =
	    session_caller(w, AS(w, ann, "sts", "GetFederationToken", "{'Name':'bob','Policy':'" ALLOW_ALL "'}"));
	WORKS(IAM(w, "UpdateUser", "{'UserName':'ann','NewUserName':'eve','NewPath':'/team/'}"));
	WORKS(IAM(w, "CreateUser", "{'UserName':'ann'}")); /* somebody else, who may do nothing */
	struct test_reply r = AS(w, session, "sts", "GetCallerIdentity", "{}");
	EXPECT_STR(world_field(w, r, "Arn"), S("arn:aws:iam::111122223333:user/team/eve"));
	EXPECT_STR(world_field(w, r, "UserId"), ann.principal_id);
	EXPECT(may(w, session, "s3:GetObject", NULL) && may(w, bob, "s3:GetObject", NULL));
	WORKS(IAM(w, "UpdateUser", "{'UserName':'eve','NewUserName':'eva'}"));
	EXPECT(may(w, session, "s3:GetObject", NULL) && may(w, bob, "s3:GetObject", NULL));
	WORKS(IAM(w, "DeleteUserPolicy", "{'UserName':'eva','PolicyName':'own'}"));
	WORKS(IAM(w, "DeleteUser", "{'UserName':'eva'}"));
	FAILS(AS(w, session, "sts", "GetCallerIdentity", "{}"), "none");
	FAILS(AS(w, bob, "sts", "GetCallerIdentity", "{}"), "none");
	WORKS(IAM(w, "CreateUser", "{'UserName':'eva'}"));
	FAILS(AS(w, session, "sts", "GetCallerIdentity", "{}"), "none");
	world_end(w);
}

/* ---- GetFederationToken --------------------------------------------------------------------- */

/* A user who lends, and a role he may assume: AssumeRole is a call that identity policies decide. */
#define LEND(name, more) "{'Name':'" name "'" more "}"

static void lending_needs_permission(void)
{
	struct test_world *w = begin();
	struct caller ann = user_with(w, "ann", DOCUMENT("Allow", "sts:GetFederationToken", FED("b*")));
	struct test_reply r = AS(w, ann, "sts", "GetFederationToken", LEND("bob", ""));
	EXPECT_STR(world_field(w, r, "FederatedUser.Arn"), S(FED("bob")));
	EXPECT_STR(world_field(w, r, "FederatedUser.FederatedUserId"), S("111122223333:bob"));
	EXPECT(lasts_s(w, r) == 43200);
	EXPECT(!world_field(w, r, "PackedPolicySize").p);
	REFUSED(AS(w, ann, "sts", "GetFederationToken", LEND("carl", "")), 403, "AccessDenied",
		"User: " ANN " is not authorized to perform: sts:GetFederationToken on resource: " FED(
		    "carl") " because no identity-based policy allows the sts:GetFederationToken action");
	struct caller bob = session_caller(w, AS(w, ann, "sts", "GetFederationToken", LEND("bob", "")));
	EXPECT(bob.kind == CALLER_FEDERATED);
	r = AS(w, bob, "sts", "GetCallerIdentity", "{}");
	EXPECT_STR(world_field(w, r, "Arn"), S(FED("bob")));
	EXPECT_STR(world_field(w, r, "UserId"), S("111122223333:bob"));
	EXPECT_STR(world_field(w, r, "Account"), S("111122223333"));
	world_end(w);
}

static void names_and_durations_have_limits(void)
{
	struct test_world *w = begin();
	struct caller ann = user_with(w, "ann", ALLOW_ALL);
	FAILS(AS(w, ann, "sts", "GetFederationToken", LEND("b", "")), "ValidationError");
	FAILS(AS(w, ann, "sts", "GetFederationToken", LEND("b b", "")), "ValidationError");
	FAILS(AS(w, ann, "sts", "GetFederationToken", LEND("b/b", "")), "ValidationError");
	FAILS(AS(w, ann, "sts", "GetFederationToken", LEND("123456789012345678901234567890123", "")),
	      "ValidationError");
	WORKS(AS(w, ann, "sts", "GetFederationToken", LEND("12345678901234567890123456789012", "")));
	FAILS(AS(w, ann, "sts", "GetFederationToken", LEND("bob", ",'DurationSeconds':899")), "ValidationError");
	FAILS(AS(w, ann, "sts", "GetFederationToken", LEND("bob", ",'DurationSeconds':129601")), "ValidationError");
	EXPECT(lasts_s(w, AS(w, ann, "sts", "GetFederationToken", LEND("bob", ",'DurationSeconds':129600"))) == 129600);
	EXPECT(lasts_s(w, AS(w, world_root(w), "sts", "GetFederationToken", LEND("bob", ""))) == 3600);
	FAILS(AS(w, ann, "sts", "GetFederationToken", LEND("bob", ",'Policy':'{}'")), "MalformedPolicyDocument");
	FAILS(AS(w, ann, "sts", "GetFederationToken", LEND("bob", ",'PolicyArns':[{'arn':'" POLICY_ARN("none") "'}]")),
	      "ValidationError");
	world_end(w);
}

#define FOR(arn)                                                                                                  \
	"{\"Version\":\"2012-10-17\",\"Statement\":{\"Effect\":\"Allow\",\"Action\":\"s3:*\",\"Resource\":\"*\"," \
	"\"Principal\":{\"AWS\":\"" arn "\"}}}"

static void one_can_lend_only_what_one_has(void)
{
	struct test_world *w = begin();
	struct caller ann =
	    user_with(w, "ann",
		      "{\\\"Version\\\":\\\"2012-10-17\\\",\\\"Statement\\\":{\\\"Effect\\\":\\\"Allow\\\","
		      "\\\"Action\\\":[\\\"sts:*\\\",\\\"s3:Get*\\\"],\\\"Resource\\\":\\\"*\\\"}}");
	struct caller none = session_caller(w, AS(w, ann, "sts", "GetFederationToken", LEND("bob", "")));
	struct caller some = session_caller(
	    w, AS(w, ann, "sts", "GetFederationToken", LEND("bob", ",'Policy':'" DOCUMENT("Allow", "s3:*", "*") "'")));
	EXPECT(!may(w, none, "s3:GetObject", NULL)); /* nothing passed, nothing lent */
	EXPECT(may(w, some, "s3:GetObject", NULL));
	EXPECT(!may(w, some, "s3:PutObject", NULL)); /* ann has not got it herself */
	EXPECT(may(w, none, "s3:PutObject", FOR(FED("bob"))));
	EXPECT(!may(w, none, "s3:PutObject", FOR(FED("carl"))));
	EXPECT(!may(w, none, "s3:GetObject", FOR(ANN))); /* for the user: bounded by the session's policies */
	EXPECT(may(w, some, "s3:PutObject", FOR(ANN)));

	WORKS(IAM(w, "PutUserPolicy", "{'UserName':'ann','PolicyName':'own','PolicyDocument':'%s'}",
		  DOCUMENT("Allow", "sts:*", "*")));
	EXPECT(!may(w, some, "s3:GetObject", NULL)); /* what ann loses, bob loses */
	world_end(w);
}

static void session_policies_by_arn_and_the_users_boundary_count(void)
{
	struct test_world *w = begin();
	struct caller ann = user_with(w, "ann", ALLOW_ALL);
	WORKS(IAM(w, "CreatePolicy", "{'PolicyName':'get','PolicyDocument':'%s'}", DOCUMENT("Allow", "s3:Get*", "*")));
	struct caller bob = session_caller(
	    w, AS(w, ann, "sts", "GetFederationToken", LEND("bob", ",'PolicyArns':[{'arn':'" POLICY_ARN("get") "'}]")));
	EXPECT(may(w, bob, "s3:GetObject", NULL));
	EXPECT(!may(w, bob, "s3:PutObject", NULL));
	WORKS(
	    IAM(w, "CreatePolicy", "{'PolicyName':'list','PolicyDocument':'%s'}", DOCUMENT("Allow", "s3:List*", "*")));
	WORKS(
	    IAM(w, "PutUserPermissionsBoundary", "{'UserName':'ann','PermissionsBoundary':'" POLICY_ARN("list") "'}"));
	EXPECT(!may(w, bob, "s3:GetObject", NULL));
	world_end(w);
}

static void root_lends_by_session_policies_alone(void)
{
	struct test_world *w = begin();
	struct caller none = session_caller(w, AS(w, world_root(w), "sts", "GetFederationToken", LEND("bob", "")));
	struct caller some = session_caller(w, AS(w, world_root(w), "sts", "GetFederationToken",
						  LEND("bob", ",'Policy':'" DOCUMENT("Allow", "s3:Get*", "*") "'")));
	EXPECT(!may(w, none, "s3:GetObject", NULL));
	EXPECT(may(w, some, "s3:GetObject", NULL));
	EXPECT(!may(w, some, "s3:PutObject", NULL));
	world_end(w);
}

static void a_federated_user_calls_neither_iam_nor_sts(void)
{
	struct test_world *w = begin();
	struct caller ann = user_with(w, "ann", ALLOW_ALL);
	WORKS(IAM(w, "CreateRole", "{'RoleName':'app','AssumeRolePolicyDocument':'%s'}", TRUST("*")));
	struct caller bob =
	    session_caller(w, AS(w, ann, "sts", "GetFederationToken", LEND("bob", ",'Policy':'" ALLOW_ALL "'")));
	REFUSED(AS(w, bob, "iam", "ListUsers", "{}"), 403, "InvalidClientTokenId", UNKNOWN_TOKEN);
	REFUSED(AS(w, bob, "sts", "AssumeRole", "{'RoleArn':'" ROLE_ARN("app") "','RoleSessionName':'sess'}"), 403,
		"AccessDenied", "Cannot call AssumeRole with session credentials");
	FAILS(AS(w, bob, "sts", "GetFederationToken", LEND("carl", "")), "AccessDenied");
	FAILS(AS(w, bob, "sts", "GetSessionToken", "{}"), "AccessDenied");
	FAILS(AS(w, bob, "sts", "GetAccessKeyInfo", "{'AccessKeyId':'AKIATESTTESTTESTTEST'}"), "AccessDenied");
	WORKS(AS(w, bob, "sts", "GetCallerIdentity", "{}"));
	world_end(w);
}

static void what_was_lent_ends_with_the_lender(void)
{
	struct test_world *w = begin();
	struct caller ann = user_with(w, "ann", NULL);
	WORKS(IAM(w, "CreatePolicy", "{'PolicyName':'all','PolicyDocument':'%s'}", ALLOW_ALL));
	WORKS(IAM(w, "AttachUserPolicy", "{'UserName':'ann','PolicyArn':'" POLICY_ARN("all") "'}"));
	struct caller bob = session_caller(w, AS(w, ann, "sts", "GetFederationToken", LEND("bob", "")));
	WORKS(AS(w, bob, "sts", "GetCallerIdentity", "{}"));
	WORKS(IAM(w, "DetachUserPolicy", "{'UserName':'ann','PolicyArn':'" POLICY_ARN("all") "'}"));
	WORKS(IAM(w, "DeleteUser", "{'UserName':'ann'}"));
	FAILS(AS(w, bob, "sts", "GetCallerIdentity", "{}"), "none"); /* nobody the pipeline knows */
	WORKS(IAM(w, "CreateUser", "{'UserName':'ann'}"));
	FAILS(AS(w, bob, "sts", "GetCallerIdentity", "{}"), "none"); /* nobody the pipeline knows */
	world_end(w);
}

#define TAGGED(value)                                                                                          \
	"{\\\"Version\\\":\\\"2012-10-17\\\",\\\"Statement\\\":[{\\\"Effect\\\":\\\"Allow\\\",\\\"Action\\\":" \
	"\\\"s3:*\\\",\\\"Resource\\\":\\\"*\\\",\\\"Condition\\\":{\\\"StringEquals\\\":{"                    \
	"\\\"aws:PrincipalTag/team\\\":\\\"" value "\\\"}}},{\\\"Effect\\\":\\\"Allow\\\",\\\"Action\\\":"     \
	"\\\"sts:GetFederationToken\\\",\\\"Resource\\\":\\\"*\\\"}]}"

static void tags_are_passed_with_permission_and_lie_over_the_users(void)
{
	struct test_world *w = begin();
	const char *blue = LEND("bob", ",'Policy':'" ALLOW_ALL "','Tags':[{'Key':'Team','Value':'blue'}]");
	WORKS(IAM(w, "CreateUser", "{'UserName':'ann','Tags':[{'Key':'team','Value':'red'}]}"));
	WORKS(IAM(w, "PutUserPolicy", "{'UserName':'ann','PolicyName':'own','PolicyDocument':'%s'}", TAGGED("red")));
	struct caller ann = user_caller(w, "ann");
	struct caller bob =
	    session_caller(w, AS(w, ann, "sts", "GetFederationToken", LEND("bob", ",'Policy':'" ALLOW_ALL "'")));
	EXPECT(may(w, bob, "s3:GetObject", NULL)); /* the user's own tag */
	REFUSED(AS(w, ann, "sts", "GetFederationToken", "%s", blue), 403, "AccessDenied",
		"User: " ANN " is not authorized to perform: sts:TagSession on resource: " FED(
		    "bob") " because no identity-based policy allows the sts:TagSession action");
	WORKS(IAM(w, "PutUserPolicy", "{'UserName':'ann','PolicyName':'tag','PolicyDocument':'%s'}",
		  DOCUMENT("Allow", "sts:TagSession", "*")));
	bob = session_caller(w, AS(w, ann, "sts", "GetFederationToken", "%s", blue));
	EXPECT(!may(w, bob, "s3:GetObject", NULL));
	WORKS(IAM(w, "PutUserPolicy", "{'UserName':'ann','PolicyName':'own','PolicyDocument':'%s'}", TAGGED("blue")));
	EXPECT(may(w, bob, "s3:GetObject", NULL));
	FAILS(AS(w, ann, "sts", "GetFederationToken", LEND("bob", ",'Tags':[{'Key':'aws:x','Value':'1'}]")),
	      "ValidationError");
	world_end(w);
}

/* ---- GetAccessKeyInfo ------------------------------------------------------------------------ */

static void a_key_tells_its_account(void)
{
	struct test_world *w = begin();
	struct caller ann = user_with(w, "ann", DOCUMENT("Allow", "sts:GetAccessKeyInfo", "*"));
	struct str id = world_field(w, IAM(w, "CreateAccessKey", "{'UserName':'ann'}"), "AccessKey.AccessKeyId");
	struct str temporary = world_field(w, AS(w, world_root_of(w, WORLD_OTHER), "sts", "GetSessionToken", "{}"),
					   "Credentials.AccessKeyId");
	struct test_reply r = AS(w, ann, "sts", "GetAccessKeyInfo", "{'AccessKeyId':'%.*s'}", PR(id));
	EXPECT_STR(world_field(w, r, "Account"), S("111122223333"));
	r = AS(w, ann, "sts", "GetAccessKeyInfo", "{'AccessKeyId':'%.*s'}", PR(temporary));
	EXPECT_STR(world_field(w, r, "Account"), S("444455556666"));
	FAILS(AS(w, ann, "sts", "GetAccessKeyInfo", "{'AccessKeyId':'AKIAIOSFODNN7EXAMPLE'}"), "ValidationError");
	FAILS(AS(w, ann, "sts", "GetAccessKeyInfo", "{'AccessKeyId':'AIDATESTTESTTESTTEST'}"), "ValidationError");
	FAILS(AS(w, ann, "sts", "GetAccessKeyInfo", "{'AccessKeyId':'short'}"), "ValidationError");
	struct caller bob = user_with(w, "bob", NULL);
	FAILS(AS(w, bob, "sts", "GetAccessKeyInfo", "{'AccessKeyId':'%.*s'}", PR(id)), "AccessDenied");
	world_end(w);
}

/* ---- DecodeAuthorizationMessage ---------------------------------------------------------------- */

struct sealing {
	struct str account, text;
	struct arena *mem;
};

static void seal(struct req *rq, void *arg)
{
	struct sealing *s = arg;
	rq->caller.account = s->account;
	EXPECT_OK(denial_seal(rq, S("{\"allowed\":false}"), &s->text));
	s->text = str_dup(s->mem, s->text);
}

static struct str sealed(struct test_world *w, struct str account)
{
	struct sealing s = { .account = account, .mem = world_mem(w) };
	world_in_fiber(w, seal, &s);
	return s.text;
}

static void a_refusal_is_read_by_those_who_may(void)
{
	struct test_world *w = begin();
	struct caller ann = user_with(w, "ann", DOCUMENT("Allow", "sts:DecodeAuthorizationMessage", "*"));
	struct caller bob = user_with(w, "bob", NULL);
	struct str ours = sealed(w, WORLD_ACCOUNT), theirs = sealed(w, WORLD_OTHER);
	struct test_reply r = AS(w, ann, "sts", "DecodeAuthorizationMessage", "{'EncodedMessage':'%.*s'}", PR(ours));
	EXPECT_STR(world_field(w, r, "DecodedMessage"), S("{\"allowed\":false}"));
	FAILS(AS(w, bob, "sts", "DecodeAuthorizationMessage", "{'EncodedMessage':'%.*s'}", PR(ours)), "AccessDenied");
	FAILS(AS(w, ann, "sts", "DecodeAuthorizationMessage", "{'EncodedMessage':'%.*s'}", PR(theirs)),
	      "InvalidAuthorizationMessageException");
	FAILS(AS(w, ann, "sts", "DecodeAuthorizationMessage", "{'EncodedMessage':'%.*s'}", (int)ours.n - 4, ours.p),
	      "InvalidAuthorizationMessageException");
	FAILS(AS(w, ann, "sts", "DecodeAuthorizationMessage", "{'EncodedMessage':'x'}"),
	      "InvalidAuthorizationMessageException");
	FAILS(AS(w, ann, "sts", "DecodeAuthorizationMessage", "{'EncodedMessage':''}"), "ValidationError");
	/* a session token is sealed alike, and is none */
	struct str token = world_field(w, AS(w, bob, "sts", "GetSessionToken", "{}"), "Credentials.SessionToken");
	FAILS(AS(w, ann, "sts", "DecodeAuthorizationMessage", "{'EncodedMessage':'%.*s'}", PR(token)),
	      "InvalidAuthorizationMessageException");
	world_end(w);
}

/* ---- revoking -------------------------------------------------------------------------------- */

#define REVOKE_BEFORE(time)                                                                                            \
	"{\\\"Version\\\":\\\"2012-10-17\\\",\\\"Statement\\\":{\\\"Effect\\\":\\\"Deny\\\",\\\"Action\\\":\\\"*\\\"," \
	"\\\"Resource\\\":\\\"*\\\",\\\"Condition\\\":{\\\"DateLessThan\\\":{\\\"aws:TokenIssueTime\\\":\\\"" time     \
	"\\\"}}}}"

static void older_sessions_are_revoked_newer_and_keys_are_not(void)
{
	struct test_world *w = begin();
	struct caller ann = user_with(w, "ann", ALLOW_ALL);
	WORKS(IAM(w, "CreateRole", "{'RoleName':'app','AssumeRolePolicyDocument':'%s'}", TRUST(ANN)));
	WORKS(IAM(w, "PutRolePolicy", "{'RoleName':'app','PolicyName':'own','PolicyDocument':'%s'}", ALLOW_ALL));
	const char *assume = "{'RoleArn':'" ROLE_ARN("app") "','RoleSessionName':'sess'}";
	struct caller app = session_caller(w, AS(w, ann, "sts", "AssumeRole", "%s", assume));
	struct caller own = session_caller(w, AS(w, ann, "sts", "GetSessionToken", "{}"));
	struct caller fed =
	    session_caller(w, AS(w, ann, "sts", "GetFederationToken", LEND("bob", ",'Policy':'" ALLOW_ALL "'")));
	EXPECT(may(w, app, "s3:GetObject", NULL) && may(w, own, "s3:GetObject", NULL) &&
	       may(w, fed, "s3:GetObject", NULL));
	world_later(w, 1000);
	WORKS(IAM(w, "PutRolePolicy", "{'RoleName':'app','PolicyName':'AWSRevokeOlderSessions','PolicyDocument':'%s'}",
		  REVOKE_BEFORE("2026-01-01T00:00:01Z")));
	WORKS(IAM(w, "PutUserPolicy", "{'UserName':'ann','PolicyName':'revoke','PolicyDocument':'%s'}",
		  REVOKE_BEFORE("2026-01-01T00:00:01Z")));
	EXPECT(!may(w, app, "s3:GetObject", NULL));
	EXPECT(!may(w, own, "s3:GetObject", NULL));
	EXPECT(!may(w, fed, "s3:GetObject", NULL));
	EXPECT(!may(w, fed, "s3:GetObject", FOR(FED("bob")))); /* the user's deny binds whom he lent to, too */
	EXPECT(may(w, ann, "s3:GetObject", NULL));             /* a key has no issue time */
	app = session_caller(w, AS(w, ann, "sts", "AssumeRole", "%s", assume));
	own = session_caller(w, AS(w, ann, "sts", "GetSessionToken", "{}"));
	EXPECT(may(w, app, "s3:GetObject", NULL) && may(w, own, "s3:GetObject", NULL));
	world_end(w);
}

RUN_ALL(T(a_session_is_the_user_himself), T(no_policy_can_refuse_a_session),
	T(a_session_lasts_15_minutes_to_36_hours_and_roots_one_hour_at_most), T(a_wrong_code_gets_no_session),
	T(a_session_gets_no_other_but_by_assuming_a_role), T(iam_wants_a_session_to_have_shown_mfa),
	T(policies_see_whether_and_when_mfa_was_shown), T(a_session_with_mfa_assumes_what_asks_for_it),
	T(a_session_ends_with_its_user_but_not_with_his_key), T(sessions_follow_the_user_not_the_name),
	T(lending_needs_permission), T(names_and_durations_have_limits), T(one_can_lend_only_what_one_has),
	T(session_policies_by_arn_and_the_users_boundary_count), T(root_lends_by_session_policies_alone),
	T(a_federated_user_calls_neither_iam_nor_sts), T(what_was_lent_ends_with_the_lender),
	T(tags_are_passed_with_permission_and_lie_over_the_users), T(a_key_tells_its_account),
	T(a_refusal_is_read_by_those_who_may), T(older_sessions_are_revoked_newer_and_keys_are_not))

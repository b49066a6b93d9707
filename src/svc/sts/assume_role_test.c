/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the API reference promises about AssumeRole and GetCallerIdentity, and the ways in
 * which one could come to a role that is not his.
 */
#include "svc/mfa_testing.h"

#define ROLE_ARN(name)            "arn:aws:iam::111122223333:role/" name
#define ANN                       "arn:aws:iam::111122223333:user/ann"
#define ASSUME(name, more)        "{'RoleArn':'" ROLE_ARN(name) "','RoleSessionName':'sess'" more "}"
#define DENIED(action, who, role) "User: " who " is not authorized to perform: " action " on resource: " role
#define STATEMENT(action, principal, condition)                                                                      \
	"{\\\"Version\\\":\\\"2012-10-17\\\",\\\"Statement\\\":{\\\"Effect\\\":\\\"Allow\\\",\\\"Action\\\":" action \
	","                                                                                                          \
	"\\\"Principal\\\":{\\\"AWS\\\":\\\"" principal "\\\"},\\\"Condition\\\":{" condition "}}}"

/* An identity policy for those whose tag team is red. */
#define RED_ONLY                                                                                                   \
	"{\\\"Version\\\":\\\"2012-10-17\\\",\\\"Statement\\\":{\\\"Effect\\\":\\\"Allow\\\",\\\"Action\\\":\\\"*" \
	"\\\","                                                                                                    \
	"\\\"Resource\\\":\\\"*\\\",\\\"Condition\\\":{\\\"StringEquals\\\":{\\\"aws:PrincipalTag/"                \
	"team\\\":\\\"red\\\"}}}}"

static void make_role(struct test_world *w, const char *name, const char *trust, const char *document)
{
	WORKS(IAM(w, "CreateRole", "{'RoleName':'%s','AssumeRolePolicyDocument':'%s'}", name, trust));
	if (document)
		WORKS(IAM(w, "PutRolePolicy", "{'RoleName':'%s','PolicyName':'own','PolicyDocument':'%s'}", name,
			  document));
}

static struct caller make_ann(struct test_world *w)
{
	WORKS(IAM(w, "CreateUser", "{'UserName':'ann'}"));
	return user_caller(w, "ann");
}

/* ann, and a role "app" that trusts her and may do everything. */
static struct caller ann_and_app(struct test_world *w)
{
	struct caller ann = make_ann(w);
	make_role(w, "app", TRUST(ANN), ALLOW_ALL);
	return ann;
}

static void the_trusted_get_credentials(void)
{
	struct test_world *w = begin();
	struct caller ann = ann_and_app(w);
	struct test_reply r = AS(w, ann, "sts", "AssumeRole", ASSUME("app", ""));
	EXPECT(r.status == 200);
	EXPECT_STR(world_field(w, r, "AssumedRoleUser.Arn"), S("arn:aws:sts::111122223333:assumed-role/app/sess"));
	EXPECT(str_starts(world_field(w, r, "AssumedRoleUser.AssumedRoleId"), S("AROA")));
	EXPECT(str_ends(world_field(w, r, "AssumedRoleUser.AssumedRoleId"), S(":sess")));
	EXPECT(str_starts(world_field(w, r, "Credentials.AccessKeyId"), S("ASIA")));
	EXPECT(world_field(w, r, "Credentials.SecretAccessKey").n == 40);
	EXPECT_STR(world_field(w, r, "Credentials.Expiration"), S("1767229200"));
	EXPECT(!world_field(w, r, "PackedPolicySize").p);
	struct caller app = session_caller(w, r);
	r = AS(w, app, "sts", "GetCallerIdentity", "{}");
	EXPECT_STR(world_field(w, r, "Arn"), S("arn:aws:sts::111122223333:assumed-role/app/sess"));
	EXPECT_STR(world_field(w, r, "Account"), S("111122223333"));
	WORKS(AS(w, app, "iam", "ListUsers", "{}"));
	world_end(w);
}

static void everyone_may_ask_who_he_is(void)
{
	struct test_world *w = begin();
	struct caller ann = make_ann(w);
	WORKS(IAM(w, "PutUserPolicy",
		  "{'UserName':'ann','PolicyName':'d','PolicyDocument':'" DOCUMENT("Deny", "*", "*") "'}"));
	struct test_reply r = AS(w, ann, "sts", "GetCallerIdentity", "{}");
	EXPECT_STR(world_field(w, r, "Arn"), S(ANN));
	r = AS(w, world_root(w), "sts", "GetCallerIdentity", "{}");
	EXPECT_STR(world_field(w, r, "Arn"), S("arn:aws:iam::111122223333:root"));
	EXPECT_STR(world_field(w, r, "UserId"), S("111122223333"));
	world_end(w);
}

/* ---- who may ----------------------------------------------------------------------------------- */

static void others_are_refused_in_the_same_words_as_for_no_role(void)
{
	struct test_world *w = begin();
	struct caller ann = ann_and_app(w);
	WORKS(IAM(w, "CreateUser", "{'UserName':'bob'}"));
	WORKS(IAM(w, "PutUserPolicy", "{'UserName':'bob','PolicyName':'p','PolicyDocument':'" ALLOW_ALL "'}"));
	struct caller bob = user_caller(w, "bob");
	REFUSED(AS(w, bob, "sts", "AssumeRole", ASSUME("app", "")), 403, "AccessDenied",
		DENIED("sts:AssumeRole", "arn:aws:iam::111122223333:user/bob", ROLE_ARN("app")));
	REFUSED(AS(w, bob, "sts", "AssumeRole", ASSUME("none", "")), 403, "AccessDenied",
		DENIED("sts:AssumeRole", "arn:aws:iam::111122223333:user/bob", ROLE_ARN("none")));
	REFUSED(AS(w, ann, "sts", "AssumeRole", ASSUME("App", "")), 403, "AccessDenied",
		DENIED("sts:AssumeRole", ANN, ROLE_ARN("App")));
	REFUSED(AS(w, ann, "sts", "AssumeRole",
		   "{'RoleArn':'arn:aws:iam::999999999999:role/app','RoleSessionName':'sess'}"),
		403, "AccessDenied", DENIED("sts:AssumeRole", ANN, "arn:aws:iam::999999999999:role/app"));
	FAILS(AS(w, ann, "sts", "AssumeRole", ASSUME("x/app", "")), "AccessDenied");
	REFUSED(AS(w, ann, "sts", "AssumeRole",
		   "{'RoleArn':'arn:aws:iam::111122223333:user/ann','RoleSessionName':'sess'}"),
		400, "ValidationError", "arn:aws:iam::111122223333:user/ann is invalid");
	REFUSED(AS(w, world_root(w), "sts", "AssumeRole", ASSUME("app", "")), 403, "AccessDenied",
		"Roles may not be assumed by root accounts.");
	world_end(w);
}

static void trusting_the_account_leaves_it_to_identity_policies(void)
{
	struct test_world *w = begin();
	struct caller ann = make_ann(w);
	make_role(w, "app", TRUST("111122223333"), NULL);
	FAILS(AS(w, ann, "sts", "AssumeRole", ASSUME("app", "")), "AccessDenied");
	WORKS(IAM(w, "PutUserPolicy",
		  "{'UserName':'ann','PolicyName':'p','PolicyDocument':'" DOCUMENT("Allow", "sts:AssumeRole",
										   ROLE_ARN("app")) "'}"));
	WORKS(AS(w, ann, "sts", "AssumeRole", ASSUME("app", "")));
	WORKS(IAM(w, "PutUserPolicy",
		  "{'UserName':'ann','PolicyName':'d','PolicyDocument':'" DOCUMENT("Deny", "sts:*", "*") "'}"));
	FAILS(AS(w, ann, "sts", "AssumeRole", ASSUME("app", "")), "AccessDenied");
	world_end(w);
}

static void across_accounts_both_must_allow(void)
{
	struct test_world *w = begin();
	struct caller root = world_root_of(w, WORLD_OTHER);
	WORKS(AS(w, root, "iam", "CreateUser", "{'UserName':'eve'}"));
	struct test_reply r = AS(w, root, "iam", "GetUser", "{'UserName':'eve'}");
	struct caller eve = { .kind = CALLER_USER,
			      .account = WORLD_OTHER,
			      .arn = world_field(w, r, "User.Arn"),
			      .name = S("eve"),
			      .principal_id = world_field(w, r, "User.UserId"),
			      .access_key_id = S("AKIATESTTESTTESTTEST") };
	make_role(w, "app", TRUST("arn:aws:iam::444455556666:user/eve"), DOCUMENT("Allow", "iam:ListUsers", "*"));
	make_role(w, "closed", TRUST("arn:aws:iam::111122223333:root"), ALLOW_ALL);
	FAILS(AS(w, eve, "sts", "AssumeRole", ASSUME("app", "")), "AccessDenied");
	WORKS(AS(w, root, "iam", "PutUserPolicy",
		 "{'UserName':'eve','PolicyName':'p','PolicyDocument':'" ALLOW_ALL "'}"));
	r = AS(w, eve, "sts", "AssumeRole", ASSUME("app", ""));
	struct caller app = session_caller(w, r);
	r = AS(w, app, "iam", "ListUsers", "{}");
	EXPECT(r.status == 200 && !world_field(w, r, "Users.0").p); /* of the role's account, where there are none */
	FAILS(AS(w, eve, "sts", "AssumeRole", ASSUME("closed", "")), "AccessDenied");
	world_end(w);
}

static void an_external_id_must_fit(void)
{
	struct test_world *w = begin();
	struct caller ann = make_ann(w);
	make_role(
	    w, "app",
	    STATEMENT("\\\"sts:AssumeRole\\\"", ANN, "\\\"StringEquals\\\":{\\\"sts:ExternalId\\\":\\\"secret-7\\\"}"),
	    NULL);
	FAILS(AS(w, ann, "sts", "AssumeRole", ASSUME("app", "")), "AccessDenied");
	FAILS(AS(w, ann, "sts", "AssumeRole", ASSUME("app", ",'ExternalId':'secret-8'")), "AccessDenied");
	WORKS(AS(w, ann, "sts", "AssumeRole", ASSUME("app", ",'ExternalId':'secret-7'")));
	FAILS(AS(w, ann, "sts", "AssumeRole", ASSUME("app", ",'ExternalId':'a b'")), "ValidationError");
	world_end(w);
}

static void the_session_name_can_be_asked_for(void)
{
	struct test_world *w = begin();
	struct caller ann = make_ann(w);
	make_role(w, "app",
		  STATEMENT("\\\"sts:AssumeRole\\\"", ANN,
			    "\\\"StringLike\\\":{\\\"sts:RoleSessionName\\\":\\\"${aws:username}\\\"}"),
		  NULL);
	FAILS(AS(w, ann, "sts", "AssumeRole", ASSUME("app", "")), "AccessDenied");
	WORKS(AS(w, ann, "sts", "AssumeRole", "{'RoleArn':'" ROLE_ARN("app") "','RoleSessionName':'ann'}"));
	FAILS(AS(w, ann, "sts", "AssumeRole", "{'RoleArn':'" ROLE_ARN("app") "','RoleSessionName':'a'}"),
	      "ValidationError");
	FAILS(AS(w, ann, "sts", "AssumeRole", "{'RoleArn':'" ROLE_ARN("app") "','RoleSessionName':'a b'}"),
	      "ValidationError");
	world_end(w);
}

#define PHONE "arn:aws:iam::111122223333:mfa/phone"

/* "Secure API access with MFA", cross-account delegation: the trust policy asks for it, the role's session lacks it. */
static void a_role_may_ask_for_an_mfa_code(void)
{
	struct test_world *w = begin();
	struct caller ann = make_ann(w);
	struct str seed = enabled_device(w, "ann", "phone");
	make_role(w, "app",
		  STATEMENT("\\\"sts:AssumeRole\\\"", ANN,
			    "\\\"Bool\\\":{\\\"aws:MultiFactorAuthPresent\\\":\\\"true\\\"},"
			    "\\\"NumericLessThan\\\":{\\\"aws:MultiFactorAuthAge\\\":\\\"10\\\"}"),
		  NULL);
	REFUSED(AS(w, ann, "sts", "AssumeRole", ASSUME("app", "")), 403, "AccessDenied",
		DENIED("sts:AssumeRole", ANN, ROLE_ARN("app")));
	struct str code = code_at(w, seed, 0);
	struct caller app =
	    session_caller(w, AS(w, ann, "sts", "AssumeRole",
				 ASSUME("app", ",'SerialNumber':'" PHONE "','TokenCode':'%.*s'"), PR(code)));
	EXPECT(!app.mfa && !app.mfa_ms);
	REFUSED(
	    AS(w, ann, "sts", "AssumeRole", ASSUME("app", ",'SerialNumber':'" PHONE "','TokenCode':'%.*s'"), PR(code)),
	    403, "AccessDenied", "MultiFactorAuthentication failed with invalid MFA one time pass code. ");
	world_later(w, TOTP_STEP_MS);
	code = code_at(w, seed, 0);
	REFUSED(
	    AS(w, ann, "sts", "AssumeRole", ASSUME("app", ",'SerialNumber':'" PHONE "x','TokenCode':'%.*s'"), PR(code)),
	    403, "AccessDenied",
	    "MultiFactorAuthentication failed, unable to validate MFA code.  Please verify your MFA serial number is "
	    "valid and associated with this user.");
	REFUSED(AS(w, ann, "sts", "AssumeRole", ASSUME("app", ",'SerialNumber':'" PHONE "'")), 403, "AccessDenied",
		"MultiFactorAuthentication failed, must provide both MFA serial number and one time pass code.");
	world_end(w);
}

static void no_mfa_code_is_right_without_a_device(void)
{
	struct test_world *w = begin();
	struct caller ann = ann_and_app(w);
	FAILS(AS(w, ann, "sts", "AssumeRole",
		 ASSUME("app", ",'SerialNumber':'arn:aws:iam::111122223333:mfa/ann','TokenCode':'123456'")),
	      "AccessDenied");
	FAILS(AS(w, ann, "sts", "AssumeRole", ASSUME("app", ",'TokenCode':'123456'")), "AccessDenied");
	world_end(w);
}

static void a_session_has_no_user_name(void)
{
	struct test_world *w = begin();
	struct caller ann = ann_and_app(w);
	struct caller app = session_caller(w, AS(w, ann, "sts", "AssumeRole", ASSUME("app", "")));
	REFUSED(AS(w, app, "iam", "GetUser", "{}"), 400, "ValidationError",
		"Must specify userName when calling with non-User credentials");
	FAILS(AS(w, app, "iam", "CreateAccessKey", "{}"), "ValidationError");
	FAILS(AS(w, app, "iam", "ListAccessKeys", "{}"), "ValidationError");
	world_end(w);
}

static void trust_is_in_the_person_not_the_name(void)
{
	struct test_world *w = begin();
	struct caller ann = ann_and_app(w);
	WORKS(AS(w, ann, "sts", "AssumeRole", ASSUME("app", "")));
	WORKS(IAM(w, "DeleteUser", "{'UserName':'ann'}"));
	ann = make_ann(w);
	FAILS(AS(w, ann, "sts", "AssumeRole", ASSUME("app", "")), "AccessDenied");
	WORKS(IAM(w, "UpdateAssumeRolePolicy", "{'RoleName':'app','PolicyDocument':'" TRUST(ANN) "'}"));
	WORKS(AS(w, ann, "sts", "AssumeRole", ASSUME("app", "")));
	WORKS(IAM(w, "UpdateUser", "{'UserName':'ann','NewUserName':'anna'}"));
	WORKS(AS(w, user_caller(w, "anna"), "sts", "AssumeRole", ASSUME("app", "")));
	world_end(w);
}

/* ---- how long --------------------------------------------------------------------------------------- */

static void a_session_lasts_as_long_as_the_role_lets_it(void)
{
	struct test_world *w = begin();
	struct caller ann = ann_and_app(w);
	struct test_reply r = AS(w, ann, "sts", "AssumeRole", ASSUME("app", ",'DurationSeconds':900"));
	EXPECT_STR(world_field(w, r, "Credentials.Expiration"), S("1767226500"));
	REFUSED(AS(w, ann, "sts", "AssumeRole", ASSUME("app", ",'DurationSeconds':3601")), 400, "ValidationError",
		"The requested DurationSeconds exceeds the MaxSessionDuration set for this role.");
	FAILS(AS(w, ann, "sts", "AssumeRole", ASSUME("app", ",'DurationSeconds':899")), "ValidationError");
	FAILS(AS(w, ann, "sts", "AssumeRole", ASSUME("app", ",'DurationSeconds':43201")), "ValidationError");
	WORKS(IAM(w, "UpdateRole", "{'RoleName':'app','MaxSessionDuration':43200}"));
	WORKS(AS(w, ann, "sts", "AssumeRole", ASSUME("app", ",'DurationSeconds':43200")));
	world_end(w);
}

static void a_chained_session_lasts_an_hour(void)
{
	struct test_world *w = begin();
	struct caller ann = ann_and_app(w);
	make_role(w, "next", TRUST(ROLE_ARN("app")), NULL);
	WORKS(IAM(w, "UpdateRole", "{'RoleName':'next','MaxSessionDuration':43200}"));
	struct caller app = session_caller(w, AS(w, ann, "sts", "AssumeRole", ASSUME("app", "")));
	WORKS(AS(w, app, "sts", "AssumeRole", ASSUME("next", "")));
	REFUSED(AS(w, app, "sts", "AssumeRole", ASSUME("next", ",'DurationSeconds':3601")), 400, "ValidationError",
		"The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.");
	world_end(w);
}

static void a_session_dies_with_its_role(void)
{
	struct test_world *w = begin();
	struct caller ann = make_ann(w);
	make_role(w, "app", TRUST(ANN), NULL);
	struct caller app = session_caller(w, AS(w, ann, "sts", "AssumeRole", ASSUME("app", "")));
	WORKS(AS(w, app, "sts", "GetCallerIdentity", "{}"));
	WORKS(IAM(w, "DeleteRole", "{'RoleName':'app'}"));
	EXPECT(AS(w, app, "sts", "GetCallerIdentity", "{}").status != 200);
	make_role(w, "app", TRUST(ANN), ALLOW_ALL);
	EXPECT(AS(w, app, "sts", "GetCallerIdentity", "{}").status != 200);
	world_end(w);
}

/* ---- what it carries ----------------------------------------------------------------------------------- */

static void session_policies_only_narrow(void)
{
	struct test_world *w = begin();
	struct caller ann = make_ann(w);
	make_role(w, "app", TRUST(ANN), DOCUMENT("Allow", "iam:List*", "*"));
	struct test_reply r =
	    AS(w, ann, "sts", "AssumeRole", ASSUME("app", ",'Policy':'" DOCUMENT("Allow", "iam:*User*", "*") "'"));
	EXPECT_STR(world_field(w, r, "PackedPolicySize"), S("2"));
	struct caller app = session_caller(w, r);
	WORKS(AS(w, app, "iam", "ListUsers", "{}"));
	REFUSED(AS(w, app, "iam", "ListRoles", "{}"), 403, "AccessDenied",
		"User: arn:aws:sts::111122223333:assumed-role/app/sess is not authorized to perform: iam:ListRoles on "
		"resource: "
		"arn:aws:iam::111122223333:role/ because no session policy allows the iam:ListRoles action");
	FAILS(AS(w, app, "iam", "CreateUser", "{'UserName':'x'}"), "AccessDenied");
	FAILS(AS(w, ann, "sts", "AssumeRole", ASSUME("app", ",'Policy':'{}'")), "MalformedPolicyDocument");
	world_end(w);
}

static void session_policies_by_arn_narrow_too(void)
{
	struct test_world *w = begin();
	struct caller ann = ann_and_app(w);
	WORKS(IAM(w, "CreatePolicy",
		  "{'PolicyName':'P','PolicyDocument':'" DOCUMENT("Allow", "iam:ListUsers", "*") "'}"));
	struct caller app = session_caller(
	    w, AS(w, ann, "sts", "AssumeRole", ASSUME("app", ",'PolicyArns':[{'arn':'" POLICY_ARN("P") "'}]")));
	WORKS(AS(w, app, "iam", "ListUsers", "{}"));
	FAILS(AS(w, app, "iam", "ListRoles", "{}"), "AccessDenied");
	WORKS(IAM(w, "DeletePolicy", "{'PolicyArn':'" POLICY_ARN("P") "'}"));
	FAILS(AS(w, app, "iam", "ListUsers", "{}"),
	      "AccessDenied"); /* gone, it allows nothing rather than everything */
	FAILS(AS(w, ann, "sts", "AssumeRole", ASSUME("app", ",'PolicyArns':[{'arn':'" POLICY_ARN("P") "'}]")),
	      "ValidationError");
	FAILS(AS(w, ann, "sts", "AssumeRole",
		 ASSUME("app", ",'PolicyArns':[{'arn':'arn:aws:iam::444455556666:policy/x'}]")),
	      "ValidationError");
	WORKS(AS(w, ann, "sts", "AssumeRole",
		 ASSUME("app", ",'PolicyArns':[{'arn':'arn:aws:iam::aws:policy/ReadOnlyAccess'}]")));
	world_end(w);
}

static void a_boundary_bounds_a_role(void)
{
	struct test_world *w = begin();
	struct caller ann = ann_and_app(w);
	WORKS(IAM(w, "PutRolePermissionsBoundary",
		  "{'RoleName':'app','PermissionsBoundary':'arn:aws:iam::aws:policy/IAMReadOnlyAccess'}"));
	struct caller app = session_caller(w, AS(w, ann, "sts", "AssumeRole", ASSUME("app", "")));
	WORKS(AS(w, app, "iam", "ListUsers", "{}"));
	FAILS(AS(w, app, "iam", "CreateUser", "{'UserName':'x'}"), "AccessDenied");
	WORKS(IAM(w, "DeleteRolePermissionsBoundary", "{'RoleName':'app'}"));
	WORKS(AS(w, app, "iam", "CreateUser", "{'UserName':'x'}"));
	world_end(w);
}

static void tags_need_their_own_permission(void)
{
	struct test_world *w = begin();
	struct caller ann = make_ann(w);
	make_role(w, "plain", STATEMENT("\\\"sts:AssumeRole\\\"", ANN, ""), NULL);
	make_role(w, "app",
		  STATEMENT("[\\\"sts:AssumeRole\\\",\\\"sts:TagSession\\\"]", ANN,
			    "\\\"StringEquals\\\":{\\\"aws:RequestTag/team\\\":\\\"red\\\"}"),
		  NULL);
	REFUSED(AS(w, ann, "sts", "AssumeRole", ASSUME("plain", ",'Tags':[{'Key':'team','Value':'red'}]")), 403,
		"AccessDenied", DENIED("sts:TagSession", ANN, ROLE_ARN("plain")));
	WORKS(AS(w, ann, "sts", "AssumeRole", ASSUME("plain", "")));
	FAILS(AS(w, ann, "sts", "AssumeRole", ASSUME("app", ",'Tags':[{'Key':'team','Value':'blue'}]")),
	      "AccessDenied");
	FAILS(AS(w, ann, "sts", "AssumeRole", ASSUME("app", "")), "AccessDenied");
	WORKS(AS(w, ann, "sts", "AssumeRole", ASSUME("app", ",'Tags':[{'Key':'team','Value':'red'}]")));
	world_end(w);
}

static void session_tags_lie_over_the_roles(void)
{
	struct test_world *w = begin();
	struct caller ann = make_ann(w);
	make_role(w, "app", TRUST(ANN), RED_ONLY);
	WORKS(IAM(w, "TagRole", "{'RoleName':'app','Tags':[{'Key':'Team','Value':'red'}]}"));
	struct caller red = session_caller(w, AS(w, ann, "sts", "AssumeRole", ASSUME("app", "")));
	struct caller blue = session_caller(
	    w, AS(w, ann, "sts", "AssumeRole", ASSUME("app", ",'Tags':[{'Key':'team','Value':'blue'}]")));
	WORKS(AS(w, red, "iam", "ListUsers", "{}"));
	FAILS(AS(w, blue, "iam", "ListUsers", "{}"), "AccessDenied");
	world_end(w);
}

static void tags_have_rules(void)
{
	struct test_world *w = begin();
	struct caller ann = ann_and_app(w);
	REFUSED(
	    AS(w, ann, "sts", "AssumeRole", ASSUME("app", ",'Tags':[{'Key':'a','Value':'1'},{'Key':'A','Value':'2'}]")),
	    400, "ValidationError", "Duplicate tag keys found. Please note that Tag keys are case insensitive.");
	FAILS(AS(w, ann, "sts", "AssumeRole", ASSUME("app", ",'Tags':[{'Key':'aws:a','Value':'1'}]")),
	      "ValidationError");
	REFUSED(AS(w, ann, "sts", "AssumeRole", ASSUME("app", ",'TransitiveTagKeys':['a']")), 400, "ValidationError",
		"The specified transitive tag key must be included in the requested tags.");
	struct buf tags = buf_in(world_mem(w));
	for (int i = 0; i < 40; i++)
		buf_printf(&tags, "%s{'Key':'k%d','Value':'%0250d'}", i ? "," : "", i, i);
	FAILS(AS(w, ann, "sts", "AssumeRole",
		 "{'RoleArn':'" ROLE_ARN("app") "','RoleSessionName':'sess','Tags':[%.*s]}", PR(buf_str(&tags))),
	      "PackedPolicyTooLarge");
	world_end(w);
}

static void transitive_tags_go_down_the_chain(void)
{
	struct test_world *w = begin();
	struct caller ann = ann_and_app(w);
	make_role(w, "next", TRUST(ROLE_ARN("app")), RED_ONLY);
	make_role(w, "strict", STATEMENT("\\\"sts:AssumeRole\\\"", ROLE_ARN("app"), ""), NULL);
	struct caller app =
	    session_caller(w, AS(w, ann, "sts", "AssumeRole",
				 ASSUME("app", ",'Tags':[{'Key':'team','Value':'red'},{'Key':'x','Value':'1'}],"
					       "'TransitiveTagKeys':['team']")));
	EXPECT(app.session_tags.n == 2 && app.transitive.n == 1);
	struct caller next = session_caller(w, AS(w, app, "sts", "AssumeRole", ASSUME("next", "")));
	EXPECT(next.session_tags.n == 1 && next.chained == 1);
	WORKS(AS(w, next, "iam", "ListUsers", "{}"));
	REFUSED(AS(w, app, "sts", "AssumeRole", ASSUME("next", ",'Tags':[{'Key':'Team','Value':'blue'}]")), 400,
		"ValidationError",
		"One of the specified transitive tag keys can't be set because it conflicts with a transitive tag key "
		"from the calling session.");
	FAILS(AS(w, app, "sts", "AssumeRole", ASSUME("strict", "")),
	      "AccessDenied"); /* inherited tags need sts:TagSession, too */
	world_end(w);
}

static void a_source_identity_stays(void)
{
	struct test_world *w = begin();
	struct caller ann = ann_and_app(w);
	make_role(w, "plain", STATEMENT("\\\"sts:AssumeRole\\\"", "*", ""), NULL);
	make_role(w, "next", TRUST(ROLE_ARN("app")), NULL);
	REFUSED(AS(w, ann, "sts", "AssumeRole", ASSUME("plain", ",'SourceIdentity':'ann-1'")), 403, "AccessDenied",
		DENIED("sts:SetSourceIdentity", ANN, ROLE_ARN("plain")));
	struct test_reply r = AS(w, ann, "sts", "AssumeRole", ASSUME("app", ",'SourceIdentity':'ann-1'"));
	EXPECT_STR(world_field(w, r, "SourceIdentity"), S("ann-1"));
	struct caller app = session_caller(w, r);
	r = AS(w, app, "sts", "AssumeRole", ASSUME("next", ""));
	EXPECT_STR(world_field(w, r, "SourceIdentity"), S("ann-1"));
	FAILS(AS(w, app, "sts", "AssumeRole", ASSUME("next", ",'SourceIdentity':'bob'")), "ValidationError");
	FAILS(AS(w, app, "sts", "AssumeRole", ASSUME("plain", "")), "AccessDenied");
	world_end(w);
}

RUN_ALL(T(the_trusted_get_credentials), T(everyone_may_ask_who_he_is),
	T(others_are_refused_in_the_same_words_as_for_no_role), T(trusting_the_account_leaves_it_to_identity_policies),
	T(across_accounts_both_must_allow), T(an_external_id_must_fit), T(the_session_name_can_be_asked_for),
	T(a_role_may_ask_for_an_mfa_code), T(no_mfa_code_is_right_without_a_device), T(a_session_has_no_user_name),
	T(trust_is_in_the_person_not_the_name), T(a_session_lasts_as_long_as_the_role_lets_it),
	T(a_chained_session_lasts_an_hour), T(a_session_dies_with_its_role), T(session_policies_only_narrow),
	T(session_policies_by_arn_narrow_too), T(a_boundary_bounds_a_role), T(tags_need_their_own_permission),
	T(session_tags_lie_over_the_roles), T(tags_have_rules), T(transitive_tags_go_down_the_chain),
	T(a_source_identity_stays))

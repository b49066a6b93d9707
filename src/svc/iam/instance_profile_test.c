/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the API reference promises about instance profiles, one promise a test.
 */
#include "api/late_testing.h"
#include "svc/identities_testing.h"

#define ROLE(name) "{'RoleName':'" name "','AssumeRolePolicyDocument':'" TRUST("*") "'}"

static void a_profile_is_made_shown_and_deleted(void)
{
	struct test_world *w = begin();
	struct test_reply r = IAM(w, "CreateInstanceProfile",
				  "{'InstanceProfileName':'web','Path':'/team/','Tags':[{'Key':'a','Value':'b'}]}");
	EXPECT(r.status == 200);
	EXPECT_STR(world_field(w, r, "InstanceProfile.Arn"), S("arn:aws:iam::111122223333:instance-profile/team/web"));
	EXPECT(str_starts(world_field(w, r, "InstanceProfile.InstanceProfileId"), S("AIPA")));
	EXPECT_STR(world_field(w, r, "InstanceProfile.Roles"), S("[]"));
	EXPECT_STR(world_field(w, r, "InstanceProfile.Tags.0.Value"), S("b"));
	REFUSED(IAM(w, "CreateInstanceProfile", "{'InstanceProfileName':'WEB'}"), 409, "EntityAlreadyExists",
		"Instance Profile WEB already exists.");
	WORKS(IAM(w, "GetInstanceProfile", "{'InstanceProfileName':'Web'}"));
	WORKS(IAM(w, "DeleteInstanceProfile", "{'InstanceProfileName':'web'}"));
	REFUSED(IAM(w, "GetInstanceProfile", "{'InstanceProfileName':'web'}"), 404, "NoSuchEntity",
		"Instance Profile web cannot be found.");
	FAILS(IAM(w, "DeleteInstanceProfile", "{'InstanceProfileName':'web'}"), "NoSuchEntity");
	FAILS(IAM(w, "CreateInstanceProfile", "{'InstanceProfileName':'a b'}"), "ValidationError");
	FAILS(IAM(w, "CreateInstanceProfile", "{'InstanceProfileName':'a','Path':'x'}"), "ValidationError");
	world_end(w);
}

static void a_profile_holds_one_role(void)
{
	struct test_world *w = begin();
	WORKS(IAM(w, "CreateRole", ROLE("App")));
	WORKS(IAM(w, "CreateRole", ROLE("other")));
	WORKS(IAM(w, "CreateInstanceProfile", "{'InstanceProfileName':'web'}"));
	REFUSED(IAM(w, "AddRoleToInstanceProfile", "{'InstanceProfileName':'web','RoleName':'none'}"), 404,
		"NoSuchEntity", "The role with name none cannot be found.");
	FAILS(IAM(w, "AddRoleToInstanceProfile", "{'InstanceProfileName':'none','RoleName':'App'}"), "NoSuchEntity");
	WORKS(IAM(w, "AddRoleToInstanceProfile", "{'InstanceProfileName':'Web','RoleName':'app'}"));
	REFUSED(IAM(w, "AddRoleToInstanceProfile", "{'InstanceProfileName':'web','RoleName':'other'}"), 409,
		"LimitExceeded", "Cannot exceed quota for InstanceSessionsPerInstanceProfile: 1");
	struct test_reply r = IAM(w, "GetInstanceProfile", "{'InstanceProfileName':'web'}");
	EXPECT_STR(world_field(w, r, "InstanceProfile.Roles.0.RoleName"), S("App"));
	EXPECT_STR(world_field(w, r, "InstanceProfile.Roles.0.Arn"), S("arn:aws:iam::111122223333:role/App"));
	REFUSED(IAM(w, "DeleteInstanceProfile", "{'InstanceProfileName':'web'}"), 409, "DeleteConflict",
		"Cannot delete entity, must remove roles from instance profile first.");
	REFUSED(IAM(w, "DeleteRole", "{'RoleName':'app'}"), 409, "DeleteConflict",
		"Cannot delete entity, must remove roles from instance profile first.");
	FAILS(IAM(w, "RemoveRoleFromInstanceProfile", "{'InstanceProfileName':'web','RoleName':'other'}"),
	      "NoSuchEntity");
	FAILS(IAM(w, "RemoveRoleFromInstanceProfile", "{'InstanceProfileName':'none','RoleName':'app'}"),
	      "NoSuchEntity");
	WORKS(IAM(w, "RemoveRoleFromInstanceProfile", "{'InstanceProfileName':'WEB','RoleName':'APP'}"));
	FAILS(IAM(w, "RemoveRoleFromInstanceProfile", "{'InstanceProfileName':'web','RoleName':'app'}"),
	      "NoSuchEntity");
	WORKS(IAM(w, "DeleteRole", "{'RoleName':'app'}"));
	WORKS(IAM(w, "DeleteInstanceProfile", "{'InstanceProfileName':'web'}"));
	world_end(w);
}

static void profiles_are_listed_by_path_and_by_role_page_by_page(void)
{
	struct test_world *w = begin();
	WORKS(IAM(w, "CreateRole", ROLE("app")));
	for (int i = 0; i < 5; i++) {
		WORKS(IAM(w, "CreateInstanceProfile", "{'InstanceProfileName':'P%d','Path':'%s'}", i,
			  i % 2 ? "/odd/" : "/"));
		if (i != 2)
			WORKS(IAM(w, "AddRoleToInstanceProfile", "{'InstanceProfileName':'p%d','RoleName':'app'}", i));
	}
	struct test_reply r = IAM(w, "ListInstanceProfiles", "{'PathPrefix':'/odd/','MaxItems':1}");
	EXPECT_STR(world_field(w, r, "InstanceProfiles.0.InstanceProfileName"), S("P1"));
	EXPECT_STR(world_field(w, r, "IsTruncated"), S("true"));
	r = IAM(w, "ListInstanceProfiles", "{'PathPrefix':'/odd/','MaxItems':1,'Marker':'%.*s'}",
		PR(world_field(w, r, "Marker")));
	EXPECT_STR(world_field(w, r, "InstanceProfiles.0.InstanceProfileName"), S("P3"));
	EXPECT_STR(world_field(w, r, "InstanceProfiles.0.Roles.0.RoleName"), S("app"));
	EXPECT_STR(world_field(w, r, "IsTruncated"), S("false"));
	r = IAM(w, "ListInstanceProfilesForRole", "{'RoleName':'APP','MaxItems':3}");
	EXPECT_STR(world_field(w, r, "InstanceProfiles.2.InstanceProfileName"), S("P3"));
	EXPECT_STR(world_field(w, r, "IsTruncated"), S("true"));
	r = IAM(w, "ListInstanceProfilesForRole", "{'RoleName':'app','Marker':'%.*s'}",
		PR(world_field(w, r, "Marker")));
	EXPECT_STR(world_field(w, r, "InstanceProfiles.0.InstanceProfileName"), S("P4"));
	EXPECT(!world_field(w, r, "InstanceProfiles.1").p);
	FAILS(IAM(w, "ListInstanceProfilesForRole", "{'RoleName':'none'}"), "NoSuchEntity");
	world_end(w);
}

static void profiles_have_tags(void)
{
	struct test_world *w = begin();
	WORKS(IAM(w, "CreateInstanceProfile", "{'InstanceProfileName':'web'}"));
	WORKS(IAM(w, "TagInstanceProfile",
		  "{'InstanceProfileName':'web','Tags':[{'Key':'a','Value':'1'},{'Key':'b','Value':'2'}]}"));
	struct test_reply r = IAM(w, "ListInstanceProfileTags", "{'InstanceProfileName':'web','MaxItems':1}");
	EXPECT_STR(world_field(w, r, "Tags"), S("[{\"Key\":\"a\",\"Value\":\"1\"}]"));
	WORKS(IAM(w, "UntagInstanceProfile", "{'InstanceProfileName':'web','TagKeys':['A']}"));
	r = IAM(w, "ListInstanceProfileTags", "{'InstanceProfileName':'web'}");
	EXPECT_STR(world_field(w, r, "Tags"), S("[{\"Key\":\"b\",\"Value\":\"2\"}]"));
	FAILS(IAM(w, "TagInstanceProfile", "{'InstanceProfileName':'no','Tags':[]}"), "NoSuchEntity");
	FAILS(IAM(w, "UntagInstanceProfile", "{'InstanceProfileName':'no','TagKeys':[]}"), "NoSuchEntity");
	FAILS(IAM(w, "ListInstanceProfileTags", "{'InstanceProfileName':'no'}"), "NoSuchEntity");
	FAILS(IAM(w, "TagInstanceProfile", "{'InstanceProfileName':'web','Tags':[{'Key':'aws:a','Value':'1'}]}"),
	      "InvalidInput");
	world_end(w);
}

/* ---- who may ------------------------------------------------------------------------------------ */

#define STATEMENT(action, resource, condition)                                                           \
	"{\\\"Effect\\\":\\\"Allow\\\",\\\"Action\\\":\\\"" action "\\\",\\\"Resource\\\":\\\"" resource \
	"\\\",\\\"Condition\\\":{" condition "}}"
#define EQUALS(key, value) "\\\"StringEquals\\\":{\\\"" key "\\\":\\\"" value "\\\"}"

static struct caller user_with(struct test_world *w, const char *name, const char *statements)
{
	WORKS(IAM(w, "CreateUser", "{'UserName':'%s'}", name));
	WORKS(IAM(
	    w, "PutUserPolicy",
	    "{'UserName':'%s','PolicyName':'p','PolicyDocument':'{\\\"Version\\\":\\\"2012-10-17\\\",\\\"Statement\\\":"
	    "[%s]}'}",
	    name, statements));
	return user_caller(w, name);
}

static void whoever_puts_a_role_into_a_profile_must_be_allowed_to_pass_it(void)
{
	static const struct {
		const char *statements, *role;
		bool allowed;
	} cases[] = {
		{ STATEMENT("iam:AddRole*", "*", ""), "app", false },
		{ STATEMENT("iam:PassRole", "*", ""), "app", false },
		{ STATEMENT("iam:*", "arn:aws:iam::111122223333:instance-profile/team/web",
			    "") "," STATEMENT("iam:PassRole", "arn:aws:iam::111122223333:role/svc/app", ""),
		  "app", true },
		{ STATEMENT("iam:*", "arn:aws:iam::111122223333:instance-profile/web",
			    "") "," STATEMENT("iam:PassRole", "arn:aws:iam::111122223333:role/svc/app", ""),
		  "app", false },
		{ STATEMENT("iam:AddRole*", "*", "") "," STATEMENT("iam:PassRole", "arn:aws:iam::111122223333:role/app",
								   ""),
		  "app", false },
		{ STATEMENT("iam:AddRole*", "*", "") "," STATEMENT("iam:PassRole", "*",
								   EQUALS("iam:PassedToService", "ec2.amazonaws.com")),
		  "APP", true },
		{ STATEMENT("iam:AddRole*", "*", "") "," STATEMENT(
		      "iam:PassRole", "*", EQUALS("iam:PassedToService", "lambda.amazonaws.com")),
		  "app", false },
		{ STATEMENT("iam:AddRole*", "*", "") "," STATEMENT(
		      "iam:PassRole", "*",
		      EQUALS("iam:AssociatedResourceArn", "arn:aws:ec2:*:111122223333:instance/*")),
		  "app", true },
		{ STATEMENT("iam:AddRole*", "*", "") "," STATEMENT("iam:PassRole", "*",
								   EQUALS("aws:ResourceTag/team", "red")),
		  "app", true },
		{ STATEMENT("iam:AddRole*", "*", "") "," STATEMENT("iam:PassRole", "*",
								   EQUALS("aws:ResourceTag/team", "blue")),
		  "app", false },
	};
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct test_world *w = begin();
		WORKS(IAM(w, "CreateRole",
			  "{'RoleName':'app','Path':'/svc/','Tags':[{'Key':'team','Value':'red'}],"
			  "'AssumeRolePolicyDocument':'" TRUST("*") "'}"));
		WORKS(IAM(w, "CreateInstanceProfile", "{'InstanceProfileName':'web','Path':'/team/'}"));
		struct caller ann = user_with(w, "ann", cases[i].statements);
		struct test_reply r = AS(w, ann, "iam", "AddRoleToInstanceProfile",
					 "{'InstanceProfileName':'web','RoleName':'%s'}", cases[i].role);
		printf("# %zu %.*s\n", i, PR(r.text));
		EXPECT_STR(r.code, cases[i].allowed ? S("") : S("AccessDenied"));
		world_end(w);
	}
}

static void a_denial_names_the_role(void)
{
	struct test_world *w = begin();
	WORKS(IAM(w, "CreateRole", ROLE("app")));
	WORKS(IAM(w, "CreateInstanceProfile", "{'InstanceProfileName':'web'}"));
	struct caller ann = user_with(w, "ann", STATEMENT("iam:AddRoleToInstanceProfile", "*", ""));
	REFUSED(AS(w, ann, "iam", "AddRoleToInstanceProfile", "{'InstanceProfileName':'web','RoleName':'app'}"), 403,
		"AccessDenied",
		"User: arn:aws:iam::111122223333:user/ann is not authorized to perform: iam:PassRole on resource: "
		"arn:aws:iam::111122223333:role/app because no identity-based policy allows the iam:PassRole action");
	world_end(w);
}

static void tags_on_creation_need_the_tagging_action(void)
{
	struct test_world *w = begin();
	struct caller ann = user_with(w, "ann", STATEMENT("iam:CreateInstanceProfile", "*", ""));
	WORKS(AS(w, ann, "iam", "CreateInstanceProfile", "{'InstanceProfileName':'a'}"));
	FAILS(
	    AS(w, ann, "iam", "CreateInstanceProfile", "{'InstanceProfileName':'b','Tags':[{'Key':'a','Value':'b'}]}"),
	    "AccessDenied");
	world_end(w);
}

/* Between the permission and the deed somebody put another role in its place, which nobody allowed to be passed. */
static void add_what_was_not_passed(struct req *rq, void *arg)
{
	const struct str *passed = arg;
	struct iam_add_role_to_instance_profile_in in = { S("web"), S("app") };
	struct iam_add_role_to_instance_profile_out out;
	rq->svc = &iam_service;
	rq->op = service_op(&iam_service, S("AddRoleToInstanceProfile"));
	rq->in = &in;
	rq->found = passed;
	EXPECT_ERR(iam_add_role_to_instance_profile(rq, &in, &out), E_FAULT);
	EXPECT(rq->fault.kind == iam_NoSuchEntityException);
	txn_abort(rq->write);
	rq->write = NULL;
}

static void the_role_that_was_passed_is_the_one_put_in(void)
{
	struct test_world *w = begin();
	struct str other = S("AROAOTHER");
	WORKS(IAM(w, "CreateRole", ROLE("app")));
	WORKS(IAM(w, "CreateInstanceProfile", "{'InstanceProfileName':'web'}"));
	world_in_fiber(w, add_what_was_not_passed, &other);
	world_in_fiber(w, add_what_was_not_passed, NULL);
	struct test_reply r = IAM(w, "GetInstanceProfile", "{'InstanceProfileName':'web'}");
	EXPECT_STR(world_field(w, r, "InstanceProfile.Roles"), S("[]"));
	world_end(w);
}

static void made_anew(struct req *rq, const void *arg)
{
	(void)arg;
	late_meanwhile(rq, "DeleteRole", &(struct iam_delete_role_in){ S("app") });
	late_meanwhile(rq, "CreateRole",
		       &(struct iam_create_role_in){ .role_name = S("app"),
						     .path = S("/"),
						     .max_session_duration = 3600,
						     .assume_role_policy_document =
							 S("{\"Version\":\"2012-10-17\",\"Statement\":{\"Effect\":"
							   "\"Allow\",\"Action\":\"sts:AssumeRole\",\"Principal\":"
							   "{\"AWS\":\"*\"}}}") });
}

static void add_late(struct req *rq, void *arg)
{
	const struct caller *ann = arg;
	rq->svc = &iam_service;
	late_try(rq, *ann, "AddRoleToInstanceProfile",
		 &(struct iam_add_role_to_instance_profile_in){ S("web"), S("app") }, made_anew, NULL, NULL);
}

static void a_role_made_anew_that_may_be_passed_as_well_is_put_in(void)
{
	struct test_world *w = begin();
	WORKS(IAM(w, "CreateRole", ROLE("app")));
	WORKS(IAM(w, "CreateInstanceProfile", "{'InstanceProfileName':'web'}"));
	struct caller ann =
	    user_with(w, "ann", STATEMENT("iam:AddRole*", "*", "") "," STATEMENT("iam:PassRole", "*", ""));
	world_in_fiber(w, add_late, &ann);
	struct test_reply r = IAM(w, "GetInstanceProfile", "{'InstanceProfileName':'web'}");
	EXPECT_STR(world_field(w, r, "InstanceProfile.Roles.0.RoleName"), S("app"));
	world_end(w);
}

static void there_are_at_most_a_thousand(void)
{
	struct test_world *w = begin();
	for (int i = 0; i < 1000; i++)
		WORKS(IAM(w, "CreateInstanceProfile", "{'InstanceProfileName':'p%d'}", i));
	REFUSED(IAM(w, "CreateInstanceProfile", "{'InstanceProfileName':'more'}"), 409, "LimitExceeded",
		"Cannot exceed quota for InstanceProfilesPerAccount: 1000");
	WORKS(IAM(w, "DeleteInstanceProfile", "{'InstanceProfileName':'p7'}"));
	WORKS(IAM(w, "CreateInstanceProfile", "{'InstanceProfileName':'more'}"));
	world_end(w);
}

RUN_ALL(T(a_profile_is_made_shown_and_deleted), T(a_profile_holds_one_role),
	T(profiles_are_listed_by_path_and_by_role_page_by_page), T(profiles_have_tags),
	T(whoever_puts_a_role_into_a_profile_must_be_allowed_to_pass_it), T(a_denial_names_the_role),
	T(tags_on_creation_need_the_tagging_action), T(the_role_that_was_passed_is_the_one_put_in),
	T(a_role_made_anew_that_may_be_passed_as_well_is_put_in), T(there_are_at_most_a_thousand))

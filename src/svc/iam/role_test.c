/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the API reference promises about roles and their trust, one promise a test.
 */
#include "svc/identities_testing.h"
#include "svc/iam/used.h"

#define ROLE(name, trust) "{'RoleName':'" name "','AssumeRolePolicyDocument':'" trust "'}"

static void a_role_is_created_and_shown(void)
{
	struct test_world *w = begin();
	struct test_reply r =
	    IAM(w, "CreateRole",
		"{'RoleName':'app','Path':'/svc/','Description':'the app','AssumeRolePolicyDocument':'"
		"{\\\"Statement\\\":{\\\"Effect\\\":\\\"Allow\\\",\\\"Action\\\":\\\"sts:AssumeRole\\\","
		"\\\"Principal\\\":\\\"*\\\"}}'}");
	EXPECT(r.status == 200);
	EXPECT_STR(world_field(w, r, "Role.Arn"), S("arn:aws:iam::111122223333:role/svc/app"));
	EXPECT(str_starts(world_field(w, r, "Role.RoleId"), S("AROA")));
	EXPECT_STR(world_field(w, r, "Role.MaxSessionDuration"), S("3600"));
	EXPECT_STR(world_field(w, r, "Role.AssumeRolePolicyDocument"),
		   S("%7B%22Statement%22%3A%7B%22Effect%22%3A%22Allow%22%2C%22Action%22%3A%22sts%3AAssumeRole%22%2C%"
		     "22Principal%22%3A%22%2A%22%7D%7D"));
	r = IAM(w, "GetRole", "{'RoleName':'app'}");
	EXPECT_STR(world_field(w, r, "Role.Description"), S("the app"));
	EXPECT(!world_field(w, r, "Role.RoleLastUsed.LastUsedDate").p);
	REFUSED(IAM(w, "CreateRole", ROLE("App", TRUST("*"))), 409, "EntityAlreadyExists",
		"Role with name App already exists.");
	FAILS(IAM(w, "CreateRole",
		  "{'RoleName':'b','PermissionsBoundary':'arn:aws:iam::111122223333:policy/none',"
		  "'AssumeRolePolicyDocument':'" TRUST("*") "'}"),
	      "NoSuchEntity");
	FAILS(IAM(w, "CreateRole",
		  "{'RoleName':'b','PermissionsBoundary':'12345678901234567890','AssumeRolePolicyDocument':'" TRUST(
		      "*") "'}"),
	      "InvalidInput");
	REFUSED(IAM(w, "GetRole", "{'RoleName':'none'}"), 404, "NoSuchEntity",
		"The role with name none cannot be found.");
	world_end(w);
}

static void a_role_is_changed(void)
{
	struct test_world *w = begin();
	WORKS(IAM(w, "CreateRole", ROLE("app", TRUST("*"))));
	WORKS(IAM(w, "UpdateRole", "{'RoleName':'app','MaxSessionDuration':7200}"));
	WORKS(IAM(w, "UpdateRole", "{'RoleName':'app','Description':'d'}"));
	struct test_reply r = IAM(w, "GetRole", "{'RoleName':'app'}");
	EXPECT_STR(world_field(w, r, "Role.MaxSessionDuration"), S("7200"));
	EXPECT_STR(world_field(w, r, "Role.Description"), S("d"));
	r = IAM(w, "UpdateRoleDescription", "{'RoleName':'app','Description':'e'}");
	EXPECT_STR(world_field(w, r, "Role.Description"), S("e"));
	FAILS(IAM(w, "UpdateRole", "{'RoleName':'app','MaxSessionDuration':3599}"), "ValidationError");
	FAILS(IAM(w, "UpdateRole", "{'RoleName':'app','MaxSessionDuration':43201}"), "ValidationError");
	FAILS(IAM(w, "UpdateRole", "{'RoleName':'none'}"), "NoSuchEntity");
	FAILS(IAM(w, "UpdateRoleDescription", "{'RoleName':'none','Description':'e'}"), "NoSuchEntity");
	FAILS(IAM(w, "UpdateAssumeRolePolicy", "{'RoleName':'none','PolicyDocument':'" TRUST("*") "'}"),
	      "NoSuchEntity");
	world_end(w);
}

static void trust_names_who_exists(void)
{
	struct test_world *w = begin();
	REFUSED(IAM(w, "CreateRole", ROLE("app", TRUST("arn:aws:iam::111122223333:user/ann"))), 400,
		"MalformedPolicyDocument",
		"Invalid principal in policy: \"AWS\":\"arn:aws:iam::111122223333:user/ann\"");
	REFUSED(IAM(w, "CreateRole", ROLE("app", TRUST("arn:aws:iam::444455556666:role/x"))), 400,
		"MalformedPolicyDocument", "Invalid principal in policy: \"AWS\":\"arn:aws:iam::444455556666:role/x\"");
	WORKS(IAM(w, "CreateUser", "{'UserName':'ann','Path':'/p/'}"));
	FAILS(IAM(w, "CreateRole", ROLE("app", TRUST("arn:aws:iam::111122223333:user/ann"))),
	      "MalformedPolicyDocument");
	WORKS(IAM(w, "CreateRole", ROLE("app", TRUST("arn:aws:iam::111122223333:user/p/ann"))));
	FAILS(IAM(w, "UpdateAssumeRolePolicy",
		  "{'RoleName':'app','PolicyDocument':'" TRUST("arn:aws:iam::111122223333:user/bob") "'}"),
	      "MalformedPolicyDocument");
	/* whoever is not held here is taken at his word */
	WORKS(IAM(w, "UpdateAssumeRolePolicy",
		  "{'RoleName':'app','PolicyDocument':'" TRUST("arn:aws:iam::999999999999:user/x") "'}"));
	WORKS(IAM(w, "UpdateAssumeRolePolicy",
		  "{'RoleName':'app','PolicyDocument':'" TRUST("arn:aws:iam::444455556666:root") "'}"));
	world_end(w);
}

static void a_trust_policy_is_checked(void)
{
	struct test_world *w = begin();
	FAILS(IAM(w, "CreateRole", ROLE("app", "{")), "MalformedPolicyDocument");
	REFUSED(
	    IAM(w, "CreateRole",
		ROLE("app", "{\\\"Statement\\\":{\\\"Effect\\\":\\\"Allow\\\",\\\"Action\\\":\\\"sts:AssumeRole\\\","
			    "\\\"Principal\\\":\\\"*\\\",\\\"Resource\\\":\\\"*\\\"}}")),
	    400, "MalformedPolicyDocument", "Has prohibited field Resource");
	FAILS(IAM(w, "CreateRole", ROLE("app", ALLOW_ALL)), "MalformedPolicyDocument");
	struct buf many = buf_in(world_mem(w));
	for (size_t i = 0; i < 2100; i++)
		buf_byte(&many, 'x');
	REFUSED(IAM(w, "CreateRole",
		    "{'RoleName':'app','AssumeRolePolicyDocument':'{\\\"Statement\\\":{\\\"Sid\\\":\\\"%.*s\\\","
		    "\\\"Effect\\\":\\\"Allow\\\","
		    "\\\"Action\\\":\\\"sts:AssumeRole\\\",\\\"Principal\\\":\\\"*\\\"}}'}",
		    PR(buf_str(&many))),
		409, "LimitExceeded", "Cannot exceed quota for ACLSizePerRole: 2048");
	world_end(w);
}

static void a_role_is_deleted_when_it_has_no_policies(void)
{
	struct test_world *w = begin();
	WORKS(IAM(w, "CreateRole", ROLE("app", TRUST("*"))));
	WORKS(IAM(w, "PutRolePolicy", "{'RoleName':'app','PolicyName':'p','PolicyDocument':'" ALLOW_ALL "'}"));
	WORKS(IAM(w, "AttachRolePolicy", "{'RoleName':'app','PolicyArn':'arn:aws:iam::aws:policy/ReadOnlyAccess'}"));
	REFUSED(IAM(w, "DeleteRole", "{'RoleName':'app'}"), 409, "DeleteConflict",
		"Cannot delete entity, must detach all policies first.");
	WORKS(IAM(w, "DetachRolePolicy", "{'RoleName':'app','PolicyArn':'arn:aws:iam::aws:policy/ReadOnlyAccess'}"));
	REFUSED(IAM(w, "DeleteRole", "{'RoleName':'app'}"), 409, "DeleteConflict",
		"Cannot delete entity, must delete policies first.");
	WORKS(IAM(w, "DeleteRolePolicy", "{'RoleName':'app','PolicyName':'p'}"));
	WORKS(IAM(w, "DeleteRole", "{'RoleName':'app'}"));
	FAILS(IAM(w, "DeleteRole", "{'RoleName':'app'}"), "NoSuchEntity");
	world_end(w);
}

static void roles_are_listed_under_a_path(void)
{
	struct test_world *w = begin();
	WORKS(IAM(w, "CreateRole", "{'RoleName':'a','Path':'/x/','AssumeRolePolicyDocument':'" TRUST("*") "'}"));
	WORKS(IAM(w, "CreateRole", "{'RoleName':'b','AssumeRolePolicyDocument':'" TRUST("*") "'}"));
	struct test_reply r = IAM(w, "ListRoles", "{'PathPrefix':'/x'}");
	EXPECT_STR(world_field(w, r, "Roles.0.RoleName"), S("a"));
	EXPECT(!world_field(w, r, "Roles.1").p);
	r = IAM(w, "ListRoles", "{'MaxItems':1}");
	EXPECT_STR(world_field(w, r, "IsTruncated"), S("true"));
	r = IAM(w, "ListRoles", "{'MaxItems':1,'Marker':'%.*s'}", PR(world_field(w, r, "Marker")));
	EXPECT_STR(world_field(w, r, "Roles.0.RoleName"), S("b"));
	EXPECT_STR(world_field(w, r, "IsTruncated"), S("false"));
	world_end(w);
}

/* ---- tags -------------------------------------------------------------------------------------- */

static void tags_are_replaced_by_key_whatever_its_case(void)
{
	struct test_world *w = begin();
	WORKS(IAM(w, "CreateRole", ROLE("app", TRUST("*"))));
	WORKS(IAM(w, "TagRole", "{'RoleName':'app','Tags':[{'Key':'Team','Value':'a'},{'Key':'cost','Value':'1'}]}"));
	WORKS(IAM(w, "TagRole", "{'RoleName':'app','Tags':[{'Key':'team','Value':'b'}]}"));
	struct test_reply r = IAM(w, "ListRoleTags", "{'RoleName':'app'}");
	EXPECT_STR(world_field(w, r, "Tags"),
		   S("[{\"Key\":\"cost\",\"Value\":\"1\"},{\"Key\":\"team\",\"Value\":\"b\"}]"));
	r = IAM(w, "ListRoleTags", "{'RoleName':'app','MaxItems':1}");
	r = IAM(w, "ListRoleTags", "{'RoleName':'app','MaxItems':1,'Marker':'%.*s'}", PR(world_field(w, r, "Marker")));
	EXPECT_STR(world_field(w, r, "Tags"), S("[{\"Key\":\"team\",\"Value\":\"b\"}]"));
	WORKS(IAM(w, "UntagRole", "{'RoleName':'app','TagKeys':['TEAM','none']}"));
	r = IAM(w, "ListRoleTags", "{'RoleName':'app'}");
	EXPECT_STR(world_field(w, r, "Tags"), S("[{\"Key\":\"cost\",\"Value\":\"1\"}]"));
	world_end(w);
}

static void tags_have_rules(void)
{
	struct test_world *w = begin();
	WORKS(IAM(w, "CreateUser", "{'UserName':'ann'}"));
	REFUSED(IAM(w, "TagUser", "{'UserName':'ann','Tags':[{'Key':'a','Value':'1'},{'Key':'A','Value':'2'}]}"), 400,
		"InvalidInput", "Duplicate tag keys found. Please note that Tag keys are case insensitive.");
	FAILS(IAM(w, "TagUser", "{'UserName':'ann','Tags':[{'Key':'AWS:x','Value':'1'}]}"), "InvalidInput");
	FAILS(IAM(w, "CreateUser", "{'UserName':'b','Tags':[{'Key':'aws:x','Value':'1'}]}"), "InvalidInput");
	for (int i = 0; i < 50; i++)
		WORKS(IAM(w, "TagUser", "{'UserName':'ann','Tags':[{'Key':'k%d','Value':'1'}]}", i));
	REFUSED(IAM(w, "TagUser", "{'UserName':'ann','Tags':[{'Key':'k50','Value':'1'}]}"), 409, "LimitExceeded",
		"The number of tags has reached the maximum limit.");
	WORKS(IAM(w, "TagUser", "{'UserName':'ann','Tags':[{'Key':'K49','Value':'2'}]}"));
	world_end(w);
}

static void note_role(struct req *rq, void *arg)
{
	struct caller *who = arg;
	struct caller_policies p;
	rq->svc = &iam_service;
	EXPECT_OK(iam_used_open(rq->app));
	EXPECT_OK(iam_identity.policies(rq, who, &p));
}

static void a_roles_last_use_is_known(void)
{
	struct test_world *w = begin();
	WORKS(IAM(w, "CreateUser", "{'UserName':'ann'}"));
	WORKS(IAM(w, "CreateRole", "{'RoleName':'app','AssumeRolePolicyDocument':'" TRUST("*") "'}"));
	struct caller app =
	    session_caller(w, AS(w, user_caller(w, "ann"), "sts", "AssumeRole",
				 "{'RoleArn':'arn:aws:iam::111122223333:role/app','RoleSessionName':'sess'}"));
	world_later(w, 60000);
	world_in_fiber(w, note_role, &app);
	struct test_reply r = IAM(w, "GetRole", "{'RoleName':'app'}");
	EXPECT_STR(world_field(w, r, "Role.RoleLastUsed.LastUsedDate"), S("1767225660"));
	EXPECT_STR(world_field(w, r, "Role.RoleLastUsed.Region"), S("us-east-1"));
	iam_used_close(world_app(w));
	world_end(w);
}

RUN_ALL(T(a_role_is_created_and_shown), T(a_role_is_changed), T(trust_names_who_exists), T(a_trust_policy_is_checked),
	T(a_role_is_deleted_when_it_has_no_policies), T(roles_are_listed_under_a_path),
	T(tags_are_replaced_by_key_whatever_its_case), T(tags_have_rules), T(a_roles_last_use_is_known))

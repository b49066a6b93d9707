/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the API reference promises about policies: inline, managed, versions, where they
 * are attached.
 */
#include "svc/iam/iam.h"
#include "svc/identities_testing.h"

#define READ_ONLY    "arn:aws:iam::aws:policy/ReadOnlyAccess"
#define POLICY(name) "{'PolicyName':'" name "','PolicyDocument':'" DOCUMENT("Allow", "s3:GetObject", "*") "'}"

/* ---- inline ------------------------------------------------------------------------------------ */

static void an_inline_policy_is_put_shown_and_deleted(void)
{
	struct test_world *w = begin();
	WORKS(IAM(w, "CreateUser", "{'UserName':'ann'}"));
	WORKS(IAM(w, "PutUserPolicy",
		  "{'UserName':'ann','PolicyName':'p','PolicyDocument':'" DOCUMENT("Allow", "s3:*", "*") "'}"));
	WORKS(IAM(w, "PutUserPolicy",
		  "{'UserName':'ann','PolicyName':'p','PolicyDocument':'" DOCUMENT("Allow", "kms:*", "*") "'}"));
	WORKS(IAM(w, "PutUserPolicy",
		  "{'UserName':'ann','PolicyName':'a','PolicyDocument':'" DOCUMENT("Allow", "kms:*", "*") "'}"));
	struct test_reply r = IAM(w, "GetUserPolicy", "{'UserName':'ann','PolicyName':'p'}");
	EXPECT(str_find(world_field(w, r, "PolicyDocument"), S("%22kms%3A%2A%22")) != SIZE_MAX);
	r = IAM(w, "ListUserPolicies", "{'UserName':'ann'}");
	EXPECT_STR(world_field(w, r, "PolicyNames"), S("[\"a\",\"p\"]"));
	r = IAM(w, "ListUserPolicies", "{'UserName':'ann','MaxItems':1}");
	r = IAM(w, "ListUserPolicies", "{'UserName':'ann','Marker':'%.*s'}", PR(world_field(w, r, "Marker")));
	EXPECT_STR(world_field(w, r, "PolicyNames"), S("[\"p\"]"));
	WORKS(IAM(w, "DeleteUserPolicy", "{'UserName':'ann','PolicyName':'p'}"));
	REFUSED(IAM(w, "DeleteUserPolicy", "{'UserName':'ann','PolicyName':'p'}"), 404, "NoSuchEntity",
		"The user policy with name p cannot be found.");
	WORKS(IAM(w, "CreateRole", "{'RoleName':'app','AssumeRolePolicyDocument':'" TRUST("*") "'}"));
	REFUSED(IAM(w, "GetRolePolicy", "{'RoleName':'app','PolicyName':'p'}"), 404, "NoSuchEntity",
		"The role policy with name p cannot be found.");
	world_end(w);
}

static void inline_policies_have_a_size_together(void)
{
	struct test_world *w = begin();
	WORKS(IAM(w, "CreateUser", "{'UserName':'ann'}"));
	WORKS(
	    IAM(w, "PutUserPolicy", "{'UserName':'ann','PolicyName':'a','PolicyDocument':'%.*s'}", PR(sized(w, 1000))));
	WORKS(
	    IAM(w, "PutUserPolicy", "{'UserName':'ann','PolicyName':'b','PolicyDocument':'%.*s'}", PR(sized(w, 1048))));
	REFUSED(
	    IAM(w, "PutUserPolicy", "{'UserName':'ann','PolicyName':'b','PolicyDocument':'%.*s'}", PR(sized(w, 1049))),
	    409, "LimitExceeded", "Maximum policy size of 2048 bytes exceeded for user ann");
	WORKS(IAM(w, "CreateRole", "{'RoleName':'app','AssumeRolePolicyDocument':'" TRUST("*") "'}"));
	WORKS(IAM(w, "PutRolePolicy", "{'RoleName':'app','PolicyName':'a','PolicyDocument':'%.*s'}",
		  PR(sized(w, 10240))));
	REFUSED(
	    IAM(w, "PutRolePolicy", "{'RoleName':'app','PolicyName':'a','PolicyDocument':'%.*s'}", PR(sized(w, 10241))),
	    409, "LimitExceeded", "Maximum policy size of 10240 bytes exceeded for role app");
	world_end(w);
}

static void documents_are_checked(void)
{
	struct test_world *w = begin();
	WORKS(IAM(w, "CreateUser", "{'UserName':'ann'}"));
	FAILS(IAM(w, "PutUserPolicy", "{'UserName':'ann','PolicyName':'p','PolicyDocument':'{'}"),
	      "MalformedPolicyDocument");
	FAILS(IAM(w, "PutUserPolicy", "{'UserName':'ann','PolicyName':'p','PolicyDocument':'" TRUST("*") "'}"),
	      "MalformedPolicyDocument");
	FAILS(IAM(w, "CreatePolicy", "{'PolicyName':'p','PolicyDocument':'{}'}"), "MalformedPolicyDocument");
	REFUSED(IAM(w, "CreatePolicy",
		    "{'PolicyName':'p','PolicyDocument':'{\\\"Statement\\\":{\\\"Effect\\\":\\\"Allow\\\","
		    "\\\"Action\\\":\\\"*\\\",\\\"Resource\\\":\\\"*\\\"}}'}"),
		400, "MalformedPolicyDocument", "Policy document must be version 2012-10-17 or greater.");
	FAILS(IAM(w, "GetUserPolicy", "{'UserName':'ann','PolicyName':'p'}"), "NoSuchEntity");
	world_end(w);
}

/* ---- managed -------------------------------------------------------------------------------------- */

static void a_managed_policy_is_created_and_shown(void)
{
	struct test_world *w = begin();
	struct test_reply r = IAM(w, "CreatePolicy",
				  "{'PolicyName':'P','Path':'/x/','Description':'d','PolicyDocument':'" DOCUMENT(
				      "Allow", "s3:*", "*") "','Tags':[{'Key':'k','Value':'v'}]}");
	EXPECT(r.status == 200);
	EXPECT_STR(world_field(w, r, "Policy.Arn"), S(POLICY_ARN("x/P")));
	EXPECT_STR(world_field(w, r, "Policy.DefaultVersionId"), S("v1"));
	r = IAM(w, "GetPolicy", "{'PolicyArn':'" POLICY_ARN("x/P") "'}");
	EXPECT_STR(world_field(w, r, "Policy.AttachmentCount"), S("0"));
	EXPECT_STR(world_field(w, r, "Policy.Description"), S("d"));
	EXPECT_STR(world_field(w, r, "Policy.Tags.0.Value"), S("v"));
	REFUSED(IAM(w, "CreatePolicy", POLICY("p")), 409, "EntityAlreadyExists",
		"A policy called p already exists. Duplicate names are not allowed.");
	REFUSED(IAM(w, "GetPolicy", "{'PolicyArn':'" POLICY_ARN("P") "'}"), 404, "NoSuchEntity",
		"Policy " POLICY_ARN("P") " was not found.");
	REFUSED(IAM(w, "GetPolicy", "{'PolicyArn':'12345678901234567890'}"), 400, "InvalidInput",
		"ARN 12345678901234567890 is not valid.");
	static const char *const bent[] = { "arn:aws:s3:::bucket/policy", "arn:aws:iam:us-east-1:111122223333:policy/P",
					    "arn:aws-cn:iam::111122223333:policy/x/P",
					    "arn:aws:iam::111122223333:P-without-type",
					    "arn:aws:iam::aws:policy/arn:aws:iam::aws:policy/ReadOnlyAccess" };
	for (size_t i = 0; i < COUNT(bent); i++)
		FAILS(IAM(w, "GetPolicy", "{'PolicyArn':'%s'}", bent[i]), "InvalidInput");
	FAILS(IAM(w, "GetPolicy", "{'PolicyArn':'arn:aws:iam::444455556666:policy/x'}"), "AccessDenied");
	REFUSED(IAM(w, "CreatePolicy", "{'PolicyName':'q','PolicyDocument':'%.*s'}", PR(sized(w, 6145))), 409,
		"LimitExceeded", "Cannot exceed quota for PolicySize: 6144");
	WORKS(IAM(w, "CreatePolicy", "{'PolicyName':'q','PolicyDocument':'%.*s'}", PR(sized(w, 6144))));
	WORKS(IAM(w, "TagPolicy", "{'PolicyArn':'" POLICY_ARN("x/P") "','Tags':[{'Key':'l','Value':'w'}]}"));
	WORKS(IAM(w, "UntagPolicy", "{'PolicyArn':'" POLICY_ARN("x/P") "','TagKeys':['k']}"));
	r = IAM(w, "ListPolicyTags", "{'PolicyArn':'" POLICY_ARN("x/P") "'}");
	EXPECT_STR(world_field(w, r, "Tags"), S("[{\"Key\":\"l\",\"Value\":\"w\"}]"));
	world_end(w);
}

static void aws_policies_are_there_and_cannot_be_changed(void)
{
	struct test_world *w = begin();
	struct test_reply r = IAM(w, "GetPolicy", "{'PolicyArn':'arn:aws:iam::aws:policy/AdministratorAccess'}");
	EXPECT_STR(world_field(w, r, "Policy.PolicyName"), S("AdministratorAccess"));
	r = IAM(w, "GetPolicyVersion", "{'PolicyArn':'" READ_ONLY "','VersionId':'v1'}");
	EXPECT_STR(world_field(w, r, "PolicyVersion.IsDefaultVersion"), S("true"));
	FAILS(IAM(w, "GetPolicyVersion", "{'PolicyArn':'" READ_ONLY "','VersionId':'v2'}"), "NoSuchEntity");
	FAILS(IAM(w, "GetPolicy", "{'PolicyArn':'arn:aws:iam::aws:policy/NoSuchThing'}"), "NoSuchEntity");
	FAILS(IAM(w, "DeletePolicy", "{'PolicyArn':'" READ_ONLY "'}"), "AccessDenied");
	FAILS(IAM(w, "CreatePolicyVersion", "{'PolicyArn':'" READ_ONLY "','PolicyDocument':'" ALLOW_ALL "'}"),
	      "AccessDenied");
	FAILS(IAM(w, "TagPolicy", "{'PolicyArn':'" READ_ONLY "','Tags':[{'Key':'k','Value':'v'}]}"), "AccessDenied");
	r = IAM(w, "ListPolicies", "{'Scope':'AWS'}");
	struct policy *p;
	for (int i = 0; i < 8; i++) {
		char path[40];
		snprintf(path, sizeof path, "Policies.%d.Arn", i);
		struct str arn = str_dup(world_mem(w), world_field(w, r, path)), text;
		struct test_reply v = IAM(w, "GetPolicyVersion", "{'PolicyArn':'%.*s','VersionId':'v1'}", PR(arn));
		EXPECT_OK(uri_decode(world_mem(w), world_field(w, v, "PolicyVersion.Document"), false, &text));
		EXPECT_OK(policy_compile(text, POLICY_IDENTITY, &p, NULL));
		policy_unref(p);
	}
	world_end(w);
}

static void a_policy_has_at_most_five_versions(void)
{
	struct test_world *w = begin();
	WORKS(IAM(w, "CreatePolicy", POLICY("P")));
	for (int i = 0; i < 4; i++)
		WORKS(IAM(w, "CreatePolicyVersion",
			  "{'PolicyArn':'" POLICY_ARN("P") "','PolicyDocument':'" ALLOW_ALL "'}"));
	REFUSED(IAM(w, "CreatePolicyVersion", "{'PolicyArn':'" POLICY_ARN("P") "','PolicyDocument':'" ALLOW_ALL "'}"),
		409, "LimitExceeded",
		"A managed policy can have up to 5 versions. Before you create a new version, you must delete an "
		"existing version.");
	struct test_reply r = IAM(w, "ListPolicyVersions", "{'PolicyArn':'" POLICY_ARN("P") "','MaxItems':4}");
	EXPECT_STR(world_field(w, r, "Versions.0.VersionId"), S("v5"));
	EXPECT_STR(world_field(w, r, "Versions.0.IsDefaultVersion"), S("false"));
	r = IAM(w, "ListPolicyVersions", "{'PolicyArn':'" POLICY_ARN("P") "','Marker':'%.*s'}",
		PR(world_field(w, r, "Marker")));
	EXPECT_STR(world_field(w, r, "Versions.0.VersionId"), S("v1"));
	EXPECT_STR(world_field(w, r, "Versions.0.IsDefaultVersion"), S("true"));

	REFUSED(IAM(w, "DeletePolicyVersion", "{'PolicyArn':'" POLICY_ARN("P") "','VersionId':'v1'}"), 409,
		"DeleteConflict", "Cannot delete the default version of a policy.");
	WORKS(IAM(w, "SetDefaultPolicyVersion", "{'PolicyArn':'" POLICY_ARN("P") "','VersionId':'v3'}"));
	WORKS(IAM(w, "DeletePolicyVersion", "{'PolicyArn':'" POLICY_ARN("P") "','VersionId':'v1'}"));
	WORKS(IAM(w, "DeletePolicyVersion", "{'PolicyArn':'" POLICY_ARN("P") "','VersionId':'v5'}"));
	REFUSED(IAM(w, "GetPolicyVersion", "{'PolicyArn':'" POLICY_ARN("P") "','VersionId':'v1'}"), 404, "NoSuchEntity",
		"Policy " POLICY_ARN("P") " version v1 does not exist or is not attachable.");
	FAILS(IAM(w, "SetDefaultPolicyVersion", "{'PolicyArn':'" POLICY_ARN("P") "','VersionId':'v1'}"),
	      "NoSuchEntity");
	r = IAM(w, "CreatePolicyVersion",
		"{'PolicyArn':'" POLICY_ARN("P") "','PolicyDocument':'" ALLOW_ALL "','SetAsDefault':true}");
	EXPECT_STR(world_field(w, r, "PolicyVersion.VersionId"), S("v6"));
	r = IAM(w, "GetPolicy", "{'PolicyArn':'" POLICY_ARN("P") "'}");
	EXPECT_STR(world_field(w, r, "Policy.DefaultVersionId"), S("v6"));
	REFUSED(
	    IAM(w, "DeletePolicy", "{'PolicyArn':'" POLICY_ARN("P") "'}"), 409, "DeleteConflict",
	    "This policy has more than one version. Before you delete a policy, you must delete the policy's versions. "
	    "The default version is deleted with the policy.");
	world_end(w);
}

static void a_policy_in_use_is_not_deleted(void)
{
	struct test_world *w = begin();
	WORKS(IAM(w, "CreateUser", "{'UserName':'ann'}"));
	WORKS(IAM(w, "CreatePolicy", POLICY("P")));
	WORKS(IAM(w, "AttachUserPolicy", "{'UserName':'ann','PolicyArn':'" POLICY_ARN("P") "'}"));
	WORKS(IAM(w, "AttachUserPolicy", "{'UserName':'ann','PolicyArn':'" POLICY_ARN("P") "'}"));
	struct test_reply r = IAM(w, "GetPolicy", "{'PolicyArn':'" POLICY_ARN("P") "'}");
	EXPECT_STR(world_field(w, r, "Policy.AttachmentCount"), S("1"));
	REFUSED(IAM(w, "DeletePolicy", "{'PolicyArn':'" POLICY_ARN("P") "'}"), 409, "DeleteConflict",
		"Cannot delete a policy attached to entities.");
	WORKS(IAM(w, "DetachUserPolicy", "{'UserName':'ann','PolicyArn':'" POLICY_ARN("P") "'}"));
	REFUSED(IAM(w, "DetachUserPolicy", "{'UserName':'ann','PolicyArn':'" POLICY_ARN("P") "'}"), 404, "NoSuchEntity",
		"Policy " POLICY_ARN("P") " was not found.");
	WORKS(IAM(w, "PutUserPermissionsBoundary", "{'UserName':'ann','PermissionsBoundary':'" POLICY_ARN("P") "'}"));
	r = IAM(w, "GetUser", "{'UserName':'ann'}");
	EXPECT_STR(world_field(w, r, "User.PermissionsBoundary.PermissionsBoundaryArn"), S(POLICY_ARN("P")));
	FAILS(IAM(w, "DeletePolicy", "{'PolicyArn':'" POLICY_ARN("P") "'}"), "DeleteConflict");
	WORKS(IAM(w, "DeleteUserPermissionsBoundary", "{'UserName':'ann'}"));
	WORKS(IAM(w, "DeletePolicy", "{'PolicyArn':'" POLICY_ARN("P") "'}"));
	REFUSED(IAM(w, "AttachUserPolicy", "{'UserName':'ann','PolicyArn':'" POLICY_ARN("P") "'}"), 404, "NoSuchEntity",
		"Policy " POLICY_ARN("P") " does not exist or is not attachable.");
	WORKS(IAM(w, "AttachUserPolicy", "{'UserName':'ann','PolicyArn':'" READ_ONLY "'}"));
	WORKS(IAM(w, "PutUserPermissionsBoundary", "{'UserName':'ann','PermissionsBoundary':'" READ_ONLY "'}"));
	WORKS(IAM(w, "DetachUserPolicy", "{'UserName':'ann','PolicyArn':'" READ_ONLY "'}"));
	WORKS(IAM(w, "DeleteUser", "{'UserName':'ann'}"));
	r = IAM(w, "GetPolicy", "{'PolicyArn':'" READ_ONLY "'}");
	EXPECT_STR(world_field(w, r, "Policy.PermissionsBoundaryUsageCount"), S("0"));
	world_end(w);
}

static void at_most_ten_are_attached(void)
{
	struct test_world *w = begin();
	WORKS(IAM(w, "CreateRole", "{'RoleName':'app','AssumeRolePolicyDocument':'" TRUST("*") "'}"));
	for (int i = 0; i < 11; i++) {
		WORKS(IAM(w, "CreatePolicy", "{'PolicyName':'P%d','Path':'%s','PolicyDocument':'" ALLOW_ALL "'}", i,
			  i ? "/" : "/z/"));
		struct test_reply r = IAM(w, "AttachRolePolicy",
					  "{'RoleName':'app','PolicyArn':'" POLICY_ARN("%sP%d") "'}", i ? "" : "z/", i);
		if (i < 10)
			WORKS(r);
		else
			REFUSED(r, 409, "LimitExceeded", "Cannot exceed quota for PoliciesPerRole: 10");
	}
	struct test_reply r = IAM(w, "ListAttachedRolePolicies", "{'RoleName':'app','MaxItems':9}");
	EXPECT_STR(world_field(w, r, "AttachedPolicies.0.PolicyName"), S("P0"));
	EXPECT_STR(world_field(w, r, "AttachedPolicies.0.PolicyArn"), S(POLICY_ARN("z/P0")));
	r = IAM(w, "ListAttachedRolePolicies", "{'RoleName':'app','Marker':'%.*s'}", PR(world_field(w, r, "Marker")));
	EXPECT_STR(world_field(w, r, "AttachedPolicies.0.PolicyName"), S("P9"));
	r = IAM(w, "ListAttachedRolePolicies", "{'RoleName':'app','PathPrefix':'/z/'}");
	EXPECT(!world_field(w, r, "AttachedPolicies.1").p);
	world_end(w);
}

static void entities_of_a_policy_are_listed(void)
{
	struct test_world *w = begin();
	WORKS(IAM(w, "CreateUser", "{'UserName':'Ann','Path':'/a/'}"));
	WORKS(IAM(w, "CreateUser", "{'UserName':'bob'}"));
	WORKS(IAM(w, "CreateRole", "{'RoleName':'app','AssumeRolePolicyDocument':'" TRUST("*") "'}"));
	WORKS(IAM(w, "AttachUserPolicy", "{'UserName':'ann','PolicyArn':'" READ_ONLY "'}"));
	WORKS(IAM(w, "PutUserPermissionsBoundary", "{'UserName':'ann','PermissionsBoundary':'" READ_ONLY "'}"));
	WORKS(IAM(w, "PutUserPermissionsBoundary", "{'UserName':'bob','PermissionsBoundary':'" READ_ONLY "'}"));
	WORKS(IAM(w, "AttachRolePolicy", "{'RoleName':'app','PolicyArn':'" READ_ONLY "'}"));
	struct test_reply r = IAM(w, "ListEntitiesForPolicy", "{'PolicyArn':'" READ_ONLY "'}");
	EXPECT_STR(world_field(w, r, "PolicyUsers.0.UserName"), S("Ann"));
	EXPECT_STR(world_field(w, r, "PolicyUsers.1.UserName"), S("bob"));
	EXPECT(!world_field(w, r, "PolicyUsers.2").p);
	EXPECT_STR(world_field(w, r, "PolicyRoles.0.RoleName"), S("app"));
	r = IAM(w, "ListEntitiesForPolicy",
		"{'PolicyArn':'" READ_ONLY "','PolicyUsageFilter':'PermissionsPolicy','EntityFilter':'User'}");
	EXPECT(!world_field(w, r, "PolicyUsers.1").p && !world_field(w, r, "PolicyRoles.0").p);
	r = IAM(w, "ListEntitiesForPolicy", "{'PolicyArn':'" READ_ONLY "','PathPrefix':'/a/'}");
	EXPECT(world_field(w, r, "PolicyUsers.0").p && !world_field(w, r, "PolicyUsers.1").p);
	r = IAM(w, "ListEntitiesForPolicy", "{'PolicyArn':'" READ_ONLY "','MaxItems':1}");
	EXPECT_STR(world_field(w, r, "PolicyRoles.0.RoleName"), S("app"));
	r = IAM(w, "ListEntitiesForPolicy", "{'PolicyArn':'" READ_ONLY "','Marker':'%.*s'}",
		PR(world_field(w, r, "Marker")));
	EXPECT_STR(world_field(w, r, "PolicyUsers.1.UserName"), S("bob"));
	FAILS(IAM(w, "ListEntitiesForPolicy", "{'PolicyArn':'" POLICY_ARN("none") "'}"), "NoSuchEntity");
	world_end(w);
}

static void policies_are_listed(void)
{
	struct test_world *w = begin();
	WORKS(IAM(w, "CreateUser", "{'UserName':'ann'}"));
	WORKS(IAM(w, "CreatePolicy", POLICY("B")));
	WORKS(IAM(w, "CreatePolicy", POLICY("a")));
	WORKS(IAM(w, "AttachUserPolicy", "{'UserName':'ann','PolicyArn':'" POLICY_ARN("B") "'}"));
	WORKS(IAM(w, "PutUserPermissionsBoundary", "{'UserName':'ann','PermissionsBoundary':'" READ_ONLY "'}"));
	struct test_reply r = IAM(w, "ListPolicies", "{'Scope':'Local'}");
	EXPECT_STR(world_field(w, r, "Policies.0.PolicyName"), S("a"));
	EXPECT_STR(world_field(w, r, "Policies.1.PolicyName"), S("B"));
	r = IAM(w, "ListPolicies", "{'Scope':'Local','OnlyAttached':true}");
	EXPECT_STR(world_field(w, r, "Policies.0.PolicyName"), S("B"));
	EXPECT(!world_field(w, r, "Policies.1").p);
	r = IAM(w, "ListPolicies", "{'PolicyUsageFilter':'PermissionsBoundary'}");
	EXPECT_STR(world_field(w, r, "Policies.0.PolicyName"), S("ReadOnlyAccess"));
	EXPECT(!world_field(w, r, "Policies.1").p);
	size_t n = 0;
	struct str marker = { 0 };
	do {
		r = marker.p ? IAM(w, "ListPolicies", "{'MaxItems':3,'Marker':'%.*s'}", PR(marker))
			     : IAM(w, "ListPolicies", "{'MaxItems':3}");
		n += world_field(w, r, "Policies.0").p != NULL;
		n += world_field(w, r, "Policies.1").p != NULL;
		n += world_field(w, r, "Policies.2").p != NULL;
		marker = world_field(w, r, "Marker");
	} while (marker.p);
	EXPECT(n == 2 + iam_builtins_n);
	world_end(w);
}

RUN_ALL(T(an_inline_policy_is_put_shown_and_deleted), T(inline_policies_have_a_size_together), T(documents_are_checked),
	T(a_managed_policy_is_created_and_shown), T(aws_policies_are_there_and_cannot_be_changed),
	T(a_policy_has_at_most_five_versions), T(a_policy_in_use_is_not_deleted), T(at_most_ten_are_attached),
	T(entities_of_a_policy_are_listed), T(policies_are_listed))

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the API reference promises about service-linked roles, one promise a test.
 */
#include "svc/identities_testing.h"

#define MACIE      "macie.amazonaws.com"
#define MACIE_ROLE "AWSServiceRoleForAmazonMacie"
#define CREATE     "{'AWSServiceName':'" MACIE "'}"

static void a_role_is_made_as_its_service_has_it(void)
{
	struct test_world *w = begin();
	struct test_reply r = IAM(w, "CreateServiceLinkedRole", CREATE);
	EXPECT(r.status == 200);
	EXPECT_STR(world_field(w, r, "Role.Arn"),
		   S("arn:aws:iam::111122223333:role/aws-service-role/" MACIE "/" MACIE_ROLE));
	EXPECT_STR(world_field(w, r, "Role.Path"), S("/aws-service-role/" MACIE "/"));
	EXPECT(str_starts(world_field(w, r, "Role.RoleId"), S("AROA")));
	EXPECT(str_find(world_field(w, r, "Role.AssumeRolePolicyDocument"), S("%22Service%22%3A%22" MACIE)) !=
	       SIZE_MAX);
	r = IAM(w, "ListAttachedRolePolicies", "{'RoleName':'" MACIE_ROLE "'}");
	EXPECT_STR(world_field(w, r, "AttachedPolicies.0.PolicyArn"),
		   S("arn:aws:iam::aws:policy/aws-service-role/AmazonMacieServiceRolePolicy"));
	REFUSED(IAM(w, "CreateServiceLinkedRole", CREATE), 400, "InvalidInput",
		"Service role name " MACIE_ROLE " has been taken in this account, please try a different suffix.");
	REFUSED(IAM(w, "CreateServiceLinkedRole", "{'AWSServiceName':'" MACIE "','CustomSuffix':'x'}"), 400,
		"InvalidInput", "Custom suffix is not allowed for " MACIE);
	FAILS(IAM(w, "CreateServiceLinkedRole", "{'AWSServiceName':'MACIE.amazonaws.com'}"), "InvalidInput");
	FAILS(IAM(w, "CreateServiceLinkedRole", "{'AWSServiceName':'none.amazonaws.com'}"), "InvalidInput");
	FAILS(IAM(w, "CreateServiceLinkedRole", "{'AWSServiceName':'a/b'}"), "ValidationError");
	world_end(w);
}

static void some_services_take_a_suffix(void)
{
	struct test_world *w = begin();
	WORKS(IAM(w, "CreateServiceLinkedRole", "{'AWSServiceName':'autoscaling.amazonaws.com'}"));
	struct test_reply r =
	    IAM(w, "CreateServiceLinkedRole",
		"{'AWSServiceName':'autoscaling.amazonaws.com','CustomSuffix':'two','Description':'second'}");
	EXPECT_STR(world_field(w, r, "Role.RoleName"), S("AWSServiceRoleForAutoScaling_two"));
	EXPECT_STR(world_field(w, r, "Role.Description"), S("second"));
	FAILS(IAM(w, "CreateServiceLinkedRole",
		  "{'AWSServiceName':'autoscaling.amazonaws.com','CustomSuffix':"
		  "'0123456789012345678901234567890123456789'}"),
	      "InvalidInput");
	world_end(w);
}

static void nobody_else_changes_it(void)
{
	static const struct {
		const char *op, *more;
	} refused[] = {
		{ "AttachRolePolicy", ",'PolicyArn':'arn:aws:iam::aws:policy/AdministratorAccess'" },
		{ "DetachRolePolicy",
		  ",'PolicyArn':'arn:aws:iam::aws:policy/aws-service-role/AmazonMacieServiceRolePolicy'" },
		{ "PutRolePolicy", ",'PolicyName':'p','PolicyDocument':'" ALLOW_ALL "'" },
		{ "UpdateAssumeRolePolicy", ",'PolicyDocument':'" TRUST("*") "'" },
		{ "PutRolePermissionsBoundary", ",'PermissionsBoundary':'arn:aws:iam::aws:policy/ReadOnlyAccess'" },
		{ "DeleteRolePermissionsBoundary", "" },
		{ "UpdateRole", ",'MaxSessionDuration':7200" },
		{ "DeleteRole", "" },
		{ "AddRoleToInstanceProfile", ",'InstanceProfileName':'web'" },
	};
	struct test_world *w = begin();
	WORKS(IAM(w, "CreateServiceLinkedRole", CREATE));
	WORKS(IAM(w, "CreateInstanceProfile", "{'InstanceProfileName':'web'}"));
	for (size_t i = 0; i < COUNT(refused); i++) {
		printf("# %s\n", refused[i].op);
		REFUSED(IAM(w, refused[i].op, "{'RoleName':'" MACIE_ROLE "'%s}", refused[i].more), 400,
			"UnmodifiableEntity",
			"Cannot perform the operation on the protected role '" MACIE_ROLE
			"' - this role is only modifiable by AWS");
	}
	WORKS(IAM(w, "UpdateRole", "{'RoleName':'" MACIE_ROLE "','Description':'ours'}"));
	WORKS(IAM(w, "UpdateRoleDescription", "{'RoleName':'" MACIE_ROLE "','Description':'ours'}"));
	WORKS(IAM(w, "TagRole", "{'RoleName':'" MACIE_ROLE "','Tags':[{'Key':'a','Value':'b'}]}"));
	struct test_reply r = IAM(w, "GetRole", "{'RoleName':'" MACIE_ROLE "'}");
	EXPECT_STR(world_field(w, r, "Role.MaxSessionDuration"), S("3600"));
	EXPECT(AS(w, world_root(w), "sts", "AssumeRole",
		  "{'RoleArn':'arn:aws:iam::111122223333:role/aws-service-role/" MACIE "/" MACIE_ROLE
		  "','RoleSessionName':'me'}")
		   .status != 200);
	world_end(w);
}

static void an_ordinary_role_does_not_look_like_one(void)
{
	struct test_world *w = begin();
	FAILS(IAM(w, "CreateRole",
		  "{'RoleName':'x','Path':'/aws-service-role/" MACIE "/','AssumeRolePolicyDocument':'" TRUST("*") "'}"),
	      "InvalidInput");
	WORKS(IAM(w, "CreateRole",
		  "{'RoleName':'x','Path':'/my/aws-service-role/','AssumeRolePolicyDocument':'" TRUST("*") "'}"));
	FAILS(IAM(w, "DeleteServiceLinkedRole", "{'RoleName':'x'}"), "NoSuchEntity");
	FAILS(IAM(w, "DeleteServiceLinkedRole", "{'RoleName':'none'}"), "NoSuchEntity");
	WORKS(IAM(w, "GetRole", "{'RoleName':'x'}"));
	world_end(w);
}

static void a_deletion_is_a_task_that_can_be_asked_about(void)
{
	struct test_world *w = begin();
	struct str tasks[10];
	for (int i = 0; i < 10; i++) {
		WORKS(IAM(w, "CreateServiceLinkedRole", CREATE));
		struct test_reply r = IAM(w, "DeleteServiceLinkedRole", "{'RoleName':'" MACIE_ROLE "'}");
		tasks[i] = world_field(w, r, "DeletionTaskId");
		EXPECT(str_starts(tasks[i], S("task/aws-service-role/" MACIE "/" MACIE_ROLE "/")));
		r = IAM(w, "GetServiceLinkedRoleDeletionStatus", "{'DeletionTaskId':'%.*s'}", PR(tasks[i]));
		EXPECT_STR(world_field(w, r, "Status"), S("SUCCEEDED"));
		EXPECT(!world_field(w, r, "Reason").p);
	}
	FAILS(IAM(w, "GetRole", "{'RoleName':'" MACIE_ROLE "'}"), "NoSuchEntity");
	WORKS(IAM(w, "GetServiceLinkedRoleDeletionStatus", "{'DeletionTaskId':'%.*s'}", PR(tasks[2])));
	FAILS(IAM(w, "GetServiceLinkedRoleDeletionStatus", "{'DeletionTaskId':'%.*s'}", PR(tasks[1])), "NoSuchEntity");
	static const char *const bad[] = { "task/aws-service-role/a/b", "task/aws-service-role/a//u", "task/x/a/b/c",
					   "task/aws-service-role/a/b/c/d", "x" };
	for (size_t i = 0; i < COUNT(bad); i++)
		FAILS(IAM(w, "GetServiceLinkedRoleDeletionStatus", "{'DeletionTaskId':'%s'}", bad[i]), "InvalidInput");
	FAILS(AS(w, world_root_of(w, WORLD_OTHER), "iam", "GetServiceLinkedRoleDeletionStatus",
		 "{'DeletionTaskId':'%.*s'}", PR(tasks[9])),
	      "NoSuchEntity");
	world_end(w);
}

static void making_one_can_be_bound_to_a_service(void)
{
	struct test_world *w = begin();
	WORKS(IAM(w, "CreateUser", "{'UserName':'ann'}"));
	WORKS(IAM(w, "AttachUserPolicy",
		  "{'UserName':'ann','PolicyArn':'arn:aws:iam::aws:policy/AmazonGuardDutyFullAccess'}"));
	struct caller ann = user_caller(w, "ann");
	WORKS(AS(w, ann, "iam", "CreateServiceLinkedRole", "{'AWSServiceName':'guardduty.amazonaws.com'}"));
	REFUSED(AS(w, ann, "iam", "CreateServiceLinkedRole", CREATE), 403, "AccessDenied",
		"User: arn:aws:iam::111122223333:user/ann is not authorized to perform: iam:CreateServiceLinkedRole on "
		"resource: arn:aws:iam::111122223333:role/aws-service-role/" MACIE "/" MACIE_ROLE
		" because no identity-based policy allows the iam:CreateServiceLinkedRole action");
	FAILS(AS(w, ann, "iam", "DeleteServiceLinkedRole", "{'RoleName':'AWSServiceRoleForAmazonGuardDuty'}"),
	      "AccessDenied");
	FAILS(
	    AS(w, ann, "iam", "GetServiceLinkedRoleDeletionStatus", "{'DeletionTaskId':'task/aws-service-role/a/b/c'}"),
	    "AccessDenied");
	WORKS(IAM(w, "PutUserPolicy",
		  "{'UserName':'ann','PolicyName':'p','PolicyDocument':'" DOCUMENT(
		      "Allow", "iam:*ServiceLinkedRole*",
		      "arn:aws:iam::*:role/aws-service-role/guardduty.amazonaws.com/*") "'}"));
	struct test_reply r =
	    AS(w, ann, "iam", "DeleteServiceLinkedRole", "{'RoleName':'awsservicerolefoRAmazonGuardDuty'}");
	WORKS(AS(w, ann, "iam", "GetServiceLinkedRoleDeletionStatus", "{'DeletionTaskId':'%.*s'}",
		 PR(world_field(w, r, "DeletionTaskId"))));
	world_end(w);
}

RUN_ALL(T(a_role_is_made_as_its_service_has_it), T(some_services_take_a_suffix), T(nobody_else_changes_it),
	T(an_ordinary_role_does_not_look_like_one), T(a_deletion_is_a_task_that_can_be_asked_about),
	T(making_one_can_be_bound_to_a_service))

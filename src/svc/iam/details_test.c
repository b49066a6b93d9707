/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GetAccountAuthorizationDetails: everything that hangs together, each kind alone, and in
 * pages.
 */
#include "svc/identities_testing.h"

#define READ_ONLY "arn:aws:iam::aws:policy/ReadOnlyAccess"
#define DETAILS   "GetAccountAuthorizationDetails"

static void user(struct test_world *w, const char *name) { WORKS(IAM(w, "CreateUser", "{'UserName':'%s'}", name)); }

/* Users ann and bob, groups g and h, the role r, the policies P and Q, and ReadOnlyAccess in use. */
static void populate(struct test_world *w)
{
	WORKS(IAM(w, "CreateUser", "{'UserName':'Ann','Path':'/team/','Tags':[{'Key':'k','Value':'v'}]}"));
	user(w, "bob");
	WORKS(IAM(w, "CreateGroup", "{'GroupName':'G','Path':'/x/'}"));
	WORKS(IAM(w, "CreateGroup", "{'GroupName':'h'}"));
	WORKS(IAM(w, "AddUserToGroup", "{'GroupName':'g','UserName':'ann'}"));
	WORKS(IAM(w, "AddUserToGroup", "{'GroupName':'h','UserName':'ann'}"));
	WORKS(IAM(w, "CreateRole", "{'RoleName':'r','AssumeRolePolicyDocument':'" TRUST("*") "'}"));
	WORKS(IAM(w, "CreateInstanceProfile", "{'InstanceProfileName':'i'}"));
	WORKS(IAM(w, "AddRoleToInstanceProfile", "{'InstanceProfileName':'i','RoleName':'R'}"));
	WORKS(IAM(w, "CreatePolicy",
		  "{'PolicyName':'P','Description':'d','PolicyDocument':'" DOCUMENT("Allow", "s3:*", "*") "'}"));
	WORKS(IAM(w, "CreatePolicy", "{'PolicyName':'Q','PolicyDocument':'" ALLOW_ALL "'}"));
	WORKS(IAM(w, "CreatePolicyVersion",
		  "{'PolicyArn':'" POLICY_ARN("P") "','PolicyDocument':'" DOCUMENT("Allow", "kms:*", "*") "'}"));
	WORKS(IAM(w, "PutUserPolicy", "{'UserName':'ann','PolicyName':'up','PolicyDocument':'" ALLOW_ALL "'}"));
	WORKS(IAM(w, "PutGroupPolicy", "{'GroupName':'g','PolicyName':'gp','PolicyDocument':'" ALLOW_ALL "'}"));
	WORKS(IAM(w, "PutRolePolicy", "{'RoleName':'r','PolicyName':'rp','PolicyDocument':'" ALLOW_ALL "'}"));
	WORKS(IAM(w, "AttachUserPolicy", "{'UserName':'ann','PolicyArn':'" POLICY_ARN("P") "'}"));
	WORKS(IAM(w, "AttachGroupPolicy", "{'GroupName':'g','PolicyArn':'" READ_ONLY "'}"));
	WORKS(IAM(w, "AttachRolePolicy", "{'RoleName':'r','PolicyArn':'" POLICY_ARN("P") "'}"));
	WORKS(IAM(w, "PutUserPermissionsBoundary", "{'UserName':'ann','PermissionsBoundary':'" POLICY_ARN("Q") "'}"));
}

static bool encoded(struct str document, const char *what)
{
	return str_starts(document, S("%7B%22Version%22")) && str_find(document, str_of(what)) != SIZE_MAX;
}

static void users_are_shown_with_all_they_have(void)
{
	struct test_world *w = begin();
	populate(w);
	struct test_reply r = IAM(w, DETAILS, "{}");
	EXPECT_STR(world_field(w, r, "UserDetailList.0.UserName"), S("Ann"));
	EXPECT_STR(world_field(w, r, "UserDetailList.0.Arn"), S("arn:aws:iam::111122223333:user/team/Ann"));
	EXPECT_STR(world_field(w, r, "UserDetailList.0.Path"), S("/team/"));
	EXPECT(str_starts(world_field(w, r, "UserDetailList.0.UserId"), S("AIDA")));
	EXPECT_STR(world_field(w, r, "UserDetailList.0.CreateDate"), S("1767225600"));
	EXPECT_STR(world_field(w, r, "UserDetailList.0.GroupList"), S("[\"G\",\"h\"]"));
	EXPECT_STR(world_field(w, r, "UserDetailList.0.UserPolicyList.0.PolicyName"), S("up"));
	EXPECT(encoded(world_field(w, r, "UserDetailList.0.UserPolicyList.0.PolicyDocument"), "%22Allow%22"));
	EXPECT_STR(world_field(w, r, "UserDetailList.0.AttachedManagedPolicies"),
		   S("[{\"PolicyName\":\"P\",\"PolicyArn\":\"" POLICY_ARN("P") "\"}]"));
	EXPECT_STR(world_field(w, r, "UserDetailList.0.PermissionsBoundary.PermissionsBoundaryArn"),
		   S(POLICY_ARN("Q")));
	EXPECT_STR(world_field(w, r, "UserDetailList.0.Tags.0.Value"), S("v"));
	EXPECT_STR(world_field(w, r, "UserDetailList.1.UserName"), S("bob"));
	EXPECT_STR(world_field(w, r, "UserDetailList.1.GroupList"), S("[]"));
	EXPECT(!world_field(w, r, "UserDetailList.2").p);
	EXPECT_STR(world_field(w, r, "IsTruncated"), S("false"));
	world_end(w);
}

static void groups_roles_and_policies_too(void)
{
	struct test_world *w = begin();
	populate(w);
	struct test_reply r = IAM(w, DETAILS, "{}");
	EXPECT_STR(world_field(w, r, "GroupDetailList.0.Arn"), S("arn:aws:iam::111122223333:group/x/G"));
	EXPECT_STR(world_field(w, r, "GroupDetailList.0.GroupPolicyList.0.PolicyName"), S("gp"));
	EXPECT_STR(world_field(w, r, "GroupDetailList.0.AttachedManagedPolicies.0.PolicyName"), S("ReadOnlyAccess"));
	EXPECT_STR(world_field(w, r, "GroupDetailList.1.GroupName"), S("h"));
	EXPECT_STR(world_field(w, r, "RoleDetailList.0.Arn"), S("arn:aws:iam::111122223333:role/r"));
	EXPECT(encoded(world_field(w, r, "RoleDetailList.0.AssumeRolePolicyDocument"), "sts%3AAssumeRole"));
	EXPECT_STR(world_field(w, r, "RoleDetailList.0.RolePolicyList.0.PolicyName"), S("rp"));
	EXPECT_STR(world_field(w, r, "RoleDetailList.0.AttachedManagedPolicies.0.PolicyArn"), S(POLICY_ARN("P")));
	EXPECT_STR(world_field(w, r, "RoleDetailList.0.InstanceProfileList.0.InstanceProfileName"), S("i"));
	EXPECT_STR(world_field(w, r, "RoleDetailList.0.InstanceProfileList.0.Roles.0.RoleName"), S("r"));
	EXPECT(!world_field(w, r, "RoleDetailList.0.InstanceProfileList.1").p);
	EXPECT_STR(world_field(w, r, "Policies.0.PolicyName"), S("P"));
	EXPECT_STR(world_field(w, r, "Policies.0.AttachmentCount"), S("2"));
	EXPECT_STR(world_field(w, r, "Policies.0.DefaultVersionId"), S("v1"));
	EXPECT_STR(world_field(w, r, "Policies.0.Description"), S("d"));
	EXPECT_STR(world_field(w, r, "Policies.0.PolicyVersionList.0.VersionId"), S("v2"));
	EXPECT_STR(world_field(w, r, "Policies.0.PolicyVersionList.0.IsDefaultVersion"), S("false"));
	EXPECT(encoded(world_field(w, r, "Policies.0.PolicyVersionList.0.Document"), "kms%3A%2A"));
	EXPECT_STR(world_field(w, r, "Policies.0.PolicyVersionList.1.IsDefaultVersion"), S("true"));
	EXPECT(encoded(world_field(w, r, "Policies.0.PolicyVersionList.1.Document"), "s3%3A%2A"));
	EXPECT_STR(world_field(w, r, "Policies.1.PermissionsBoundaryUsageCount"), S("1"));
	EXPECT_STR(world_field(w, r, "Policies.2.Arn"), S(READ_ONLY)); /* of AWS's, those in use */
	EXPECT(encoded(world_field(w, r, "Policies.2.PolicyVersionList.0.Document"), "s3%3AGet%2A"));
	EXPECT(!world_field(w, r, "Policies.3").p);
	world_end(w);
}

static void each_kind_can_be_had_alone(void)
{
	static const struct {
		const char *filter, *there;
	} all[] = {
		{ "User", "UserDetailList.1" },       { "Group", "GroupDetailList.1" },
		{ "Role", "RoleDetailList.0" },       { "LocalManagedPolicy", "Policies.1" },
		{ "AWSManagedPolicy", "Policies.0" },
	};
	struct test_world *w = begin();
	populate(w);
	for (size_t i = 0; i < COUNT(all); i++) {
		struct test_reply r = IAM(w, DETAILS, "{'Filter':['%s']}", all[i].filter);
		EXPECT((world_field(w, r, "UserDetailList.0").p != NULL) == (i == 0));
		EXPECT((world_field(w, r, "GroupDetailList.0").p != NULL) == (i == 1));
		EXPECT((world_field(w, r, "RoleDetailList.0").p != NULL) == (i == 2));
		EXPECT((world_field(w, r, "Policies.0").p != NULL) == (i >= 3));
		EXPECT(world_field(w, r, all[i].there).p);
		EXPECT(!world_field(w, r, "Policies.2").p);
	}
	struct test_reply r = IAM(w, DETAILS, "{'Filter':['Role','Group']}");
	EXPECT(world_field(w, r, "RoleDetailList.0").p && world_field(w, r, "GroupDetailList.0").p);
	EXPECT(!world_field(w, r, "UserDetailList.0").p);
	FAILS(IAM(w, DETAILS, "{'Filter':['Users']}"), "ValidationError");
	world_end(w);
}

static void pages_go_on_across_kinds(void)
{
	static const char *const lists[] = { "UserDetailList.%zu", "GroupDetailList.%zu", "RoleDetailList.%zu",
					     "Policies.%zu" };
	struct test_world *w = begin();
	populate(w);
	for (int max = 1; max <= 9; max++) {
		size_t seen[COUNT(lists)] = { 0 };
		struct str marker = { 0 };
		int pages = 0;
		do {
			struct test_reply r = marker.p
						  ? IAM(w, DETAILS, "{'MaxItems':%d,'Marker':'%.*s'}", max, PR(marker))
						  : IAM(w, DETAILS, "{'MaxItems':%d}", max);
			EXPECT(r.status == 200);
			int in_page = 0;
			for (size_t l = 0; l < COUNT(lists); l++)
				for (size_t i = 0;; i++) {
					char path[40];
					snprintf(path, sizeof path, lists[l], i);
					if (!world_field(w, r, path).p)
						break;
					seen[l]++;
					in_page++;
				}
			marker = world_field(w, r, "Marker");
			EXPECT(marker.p ? in_page == max : in_page <= max);
			pages++;
		} while (marker.p && pages < 20);
		EXPECT(seen[0] == 2 && seen[1] == 2 && seen[2] == 1 && seen[3] == 3);
		EXPECT(pages == (8 + max - 1) / max);
	}
	world_end(w);
}

/* A page is not longer than one can hold, whatever MaxItems says. */
static void a_page_of_long_documents_ends_early(void)
{
	struct test_world *w = begin();
	for (int i = 0; i < 180; i++) {
		WORKS(IAM(w, "CreateRole", "{'RoleName':'r%03d','AssumeRolePolicyDocument':'" TRUST("*") "'}", i));
		WORKS(IAM(w, "PutRolePolicy",
			  "{'RoleName':'r%03d','PolicyName':'p','PolicyDocument':'{\\\"Version\\\":"
			  "\\\"2012-10-17\\\",\\\"Statement\\\":{\\\"Effect\\\":\\\"Allow\\\",\\\"Action\\\":\\\"*\\\","
			  "\\\"Resource\\\":\\\"arn:aws:s3:::%09000d\\\"}}%*s'}",
			  i, 0, 18000, ""));
	}
	size_t n = 0;
	struct test_reply r = IAM(w, DETAILS, "{'MaxItems':1000}");
	EXPECT_STR(world_field(w, r, "IsTruncated"), S("true"));
	for (char path[40];; n++) {
		snprintf(path, sizeof path, "RoleDetailList.%zu", n);
		if (!world_field(w, r, path).p)
			break;
	}
	EXPECT(n > 10 && n < 180);
	r = IAM(w, DETAILS, "{'MaxItems':1000,'Marker':'%.*s'}", PR(world_field(w, r, "Marker")));
	char want[8];
	snprintf(want, sizeof want, "r%03zu", n);
	EXPECT_STR(world_field(w, r, "RoleDetailList.0.RoleName"), str_of(want));
	world_end(w);
}

static void strange_markers_do_no_harm(void)
{
	static const char *const markers[] = { "MQ", "OQ", "AA", "NFo", "____" };
	struct test_world *w = begin();
	populate(w);
	for (size_t i = 0; i < COUNT(markers); i++)
		WORKS(IAM(w, DETAILS, "{'Marker':'%s'}", markers[i]));
	REFUSED(IAM(w, DETAILS, "{'Marker':'***'}"), 400, "ValidationError", "Invalid Marker.");
	world_end(w);
}

RUN_ALL(T(users_are_shown_with_all_they_have), T(groups_roles_and_policies_too), T(each_kind_can_be_had_alone),
	T(pages_go_on_across_kinds), T(a_page_of_long_documents_ends_early), T(strange_markers_do_no_harm))

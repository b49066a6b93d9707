/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the API reference promises about groups, and that their policies count for exactly
 * those who are in them.
 */
#include "svc/identities_testing.h"

#define READ_ONLY "arn:aws:iam::aws:policy/ReadOnlyAccess"
#define IAM_READ  "arn:aws:iam::aws:policy/IAMReadOnlyAccess"

static void user(struct test_world *w, const char *name) { WORKS(IAM(w, "CreateUser", "{'UserName':'%s'}", name)); }
static void group(struct test_world *w, const char *name) { WORKS(IAM(w, "CreateGroup", "{'GroupName':'%s'}", name)); }

static void join(struct test_world *w, const char *who, const char *where)
{
	WORKS(IAM(w, "AddUserToGroup", "{'GroupName':'%s','UserName':'%s'}", where, who));
}

static void leave(struct test_world *w, const char *who, const char *where)
{
	WORKS(IAM(w, "RemoveUserFromGroup", "{'GroupName':'%s','UserName':'%s'}", where, who));
}

/* ---- the group itself ------------------------------------------------------------------------- */

static void a_group_is_created_and_shown(void)
{
	struct test_world *w = begin();
	struct test_reply r = IAM(w, "CreateGroup", "{'GroupName':'Admins','Path':'/team/'}");
	WORKS(r);
	EXPECT_STR(world_field(w, r, "Group.Arn"), S("arn:aws:iam::111122223333:group/team/Admins"));
	EXPECT_STR(world_field(w, r, "Group.Path"), S("/team/"));
	EXPECT(world_field(w, r, "Group.GroupId").n == 21);
	EXPECT(str_starts(world_field(w, r, "Group.GroupId"), S("AGPA")));
	struct test_reply got = IAM(w, "GetGroup", "{'GroupName':'admins'}");
	EXPECT_STR(world_field(w, got, "Group"), world_field(w, r, "Group"));
	EXPECT_STR(world_field(w, got, "Group.CreateDate"), S("1767225600"));
	EXPECT_STR(world_field(w, got, "Users"), S("[]"));
	EXPECT_STR(world_field(w, got, "IsTruncated"), S("false"));
	world_end(w);
}

static void names_are_checked_and_unique_whatever_their_case(void)
{
	struct test_world *w = begin();
	group(w, "Admins");
	REFUSED(IAM(w, "CreateGroup", "{'GroupName':'aDMINS','Path':'/x/'}"), 409, "EntityAlreadyExists",
		"Group with name aDMINS already exists.");
	user(w, "admins"); /* another kind of name */
	FAILS(IAM(w, "CreateGroup", "{'GroupName':'a b'}"), "ValidationError");
	FAILS(IAM(w, "CreateGroup", "{'GroupName':''}"), "ValidationError");
	FAILS(IAM(w, "CreateGroup", "{'GroupName':'x','Path':'team'}"), "ValidationError");
	FAILS(IAM(w, "GetGroup", "{'GroupName':'Admins','MaxItems':0}"), "ValidationError");
	FAILS(IAM(w, "GetGroup", "{'GroupName':'Admins','MaxItems':1001}"), "ValidationError");
	REFUSED(IAM(w, "GetGroup", "{'GroupName':'Admins','Marker':'***'}"), 400, "ValidationError", "Invalid Marker.");
	world_end(w);
}

static void what_is_not_there_is_not_found(void)
{
	static const char *const calls[] = { "GetGroup", "UpdateGroup", "DeleteGroup", "ListGroupPolicies",
					     "ListAttachedGroupPolicies" };
	struct test_world *w = begin();
	user(w, "ann");
	for (size_t i = 0; i < COUNT(calls); i++)
		REFUSED(IAM(w, calls[i], "{'GroupName':'g'}"), 404, "NoSuchEntity",
			"The group with name g cannot be found.");
	REFUSED(IAM(w, "AddUserToGroup", "{'GroupName':'g','UserName':'ann'}"), 404, "NoSuchEntity",
		"The group with name g cannot be found.");
	REFUSED(IAM(w, "RemoveUserFromGroup", "{'GroupName':'g','UserName':'ann'}"), 404, "NoSuchEntity",
		"The group with name g cannot be found.");
	REFUSED(IAM(w, "AttachGroupPolicy", "{'GroupName':'g','PolicyArn':'" READ_ONLY "'}"), 404, "NoSuchEntity",
		"The group with name g cannot be found.");
	REFUSED(IAM(w, "PutGroupPolicy", "{'GroupName':'g','PolicyName':'p','PolicyDocument':'" ALLOW_ALL "'}"), 404,
		"NoSuchEntity", "The group with name g cannot be found.");
	REFUSED(IAM(w, "ListGroupsForUser", "{'UserName':'bob'}"), 404, "NoSuchEntity",
		"The user with name bob cannot be found.");
	group(w, "g");
	REFUSED(IAM(w, "AddUserToGroup", "{'GroupName':'g','UserName':'bob'}"), 404, "NoSuchEntity",
		"The user with name bob cannot be found.");
	REFUSED(IAM(w, "RemoveUserFromGroup", "{'GroupName':'g','UserName':'bob'}"), 404, "NoSuchEntity",
		"The user with name bob cannot be found.");
	REFUSED(IAM(w, "GetGroupPolicy", "{'GroupName':'g','PolicyName':'p'}"), 404, "NoSuchEntity",
		"The group policy with name p cannot be found.");
	REFUSED(IAM(w, "DeleteGroupPolicy", "{'GroupName':'g','PolicyName':'p'}"), 404, "NoSuchEntity",
		"The group policy with name p cannot be found.");
	REFUSED(IAM(w, "DetachGroupPolicy", "{'GroupName':'g','PolicyArn':'" READ_ONLY "'}"), 404, "NoSuchEntity",
		"Policy " READ_ONLY " was not found.");
	world_end(w);
}

static void groups_are_listed_in_pages_under_a_path(void)
{
	struct test_world *w = begin();
	static const char *const names[] = { "e", "D", "c", "B", "a" };
	for (size_t i = 0; i < COUNT(names); i++)
		WORKS(IAM(w, "CreateGroup", "{'GroupName':'%s','Path':'%s'}", names[i], i % 2 ? "/odd/" : "/even/"));
	struct test_reply r = IAM(w, "ListGroups", "{'MaxItems':2}");
	EXPECT_STR(world_field(w, r, "Groups.0.GroupName"), S("a"));
	EXPECT_STR(world_field(w, r, "Groups.1.GroupName"), S("B"));
	EXPECT_STR(world_field(w, r, "IsTruncated"), S("true"));
	r = IAM(w, "ListGroups", "{'MaxItems':3,'Marker':'%.*s'}", PR(world_field(w, r, "Marker")));
	EXPECT_STR(world_field(w, r, "Groups.2.GroupName"), S("e"));
	EXPECT_STR(world_field(w, r, "IsTruncated"), S("false"));
	EXPECT(!world_field(w, r, "Marker").p);
	r = IAM(w, "ListGroups", "{'PathPrefix':'/odd/'}");
	EXPECT_STR(world_field(w, r, "Groups.1.GroupName"), S("D"));
	EXPECT(!world_field(w, r, "Groups.2.GroupName").p);
	world_end(w);
}

static void there_are_at_most_300(void)
{
	struct test_world *w = begin();
	for (int i = 0; i < 300; i++)
		WORKS(IAM(w, "CreateGroup", "{'GroupName':'g%d'}", i));
	REFUSED(IAM(w, "CreateGroup", "{'GroupName':'more'}"), 409, "LimitExceeded",
		"Cannot exceed quota for GroupsPerAccount: 300");
	WORKS(IAM(w, "DeleteGroup", "{'GroupName':'g7'}"));
	WORKS(IAM(w, "CreateGroup", "{'GroupName':'more'}"));
	world_end(w);
}

/* ---- membership ------------------------------------------------------------------------------------ */

static void users_come_and_go(void)
{
	struct test_world *w = begin();
	user(w, "Ann");
	user(w, "bob");
	group(w, "g");
	group(w, "F");
	join(w, "bob", "g");
	join(w, "ann", "G"); /* in any case */
	join(w, "Ann", "g"); /* again */
	join(w, "ann", "f");
	struct test_reply r = IAM(w, "GetGroup", "{'GroupName':'g'}");
	EXPECT_STR(world_field(w, r, "Users.0.UserName"), S("Ann"));
	EXPECT_STR(world_field(w, r, "Users.0.Arn"), S("arn:aws:iam::111122223333:user/Ann"));
	EXPECT_STR(world_field(w, r, "Users.1.UserName"), S("bob"));
	EXPECT(!world_field(w, r, "Users.2").p);
	r = IAM(w, "ListGroupsForUser", "{'UserName':'ann'}");
	EXPECT_STR(world_field(w, r, "Groups.0.GroupName"), S("F"));
	EXPECT_STR(world_field(w, r, "Groups.1.GroupName"), S("g"));
	EXPECT_STR(world_field(w, r, "IsTruncated"), S("false"));
	leave(w, "ANN", "g");
	leave(w, "ann", "g"); /* again */
	r = IAM(w, "GetGroup", "{'GroupName':'g'}");
	EXPECT_STR(world_field(w, r, "Users.0.UserName"), S("bob"));
	EXPECT(!world_field(w, r, "Users.1").p);
	r = IAM(w, "ListGroupsForUser", "{'UserName':'ann'}");
	EXPECT(!world_field(w, r, "Groups.1").p);
	world_end(w);
}

static void members_are_shown_in_pages(void)
{
	struct test_world *w = begin();
	static const char *const names[] = { "a", "a.b", "B", "c", "d" };
	group(w, "g");
	group(w, "g.");
	for (size_t i = 0; i < COUNT(names); i++) {
		user(w, names[i]);
		join(w, names[i], "g");
	}
	user(w, "other");
	join(w, "other", "g.");
	struct test_reply r = IAM(w, "GetGroup", "{'GroupName':'g','MaxItems':3}");
	EXPECT_STR(world_field(w, r, "Users.2.UserName"), S("B"));
	EXPECT(!world_field(w, r, "Users.3").p);
	EXPECT_STR(world_field(w, r, "IsTruncated"), S("true"));
	r = IAM(w, "GetGroup", "{'GroupName':'g','MaxItems':3,'Marker':'%.*s'}", PR(world_field(w, r, "Marker")));
	EXPECT_STR(world_field(w, r, "Users.0.UserName"), S("c"));
	EXPECT_STR(world_field(w, r, "Users.1.UserName"), S("d"));
	EXPECT(!world_field(w, r, "Users.2").p);
	EXPECT_STR(world_field(w, r, "IsTruncated"), S("false"));
	join(w, "a", "g.");
	r = IAM(w, "ListGroupsForUser", "{'UserName':'a','MaxItems':1}");
	EXPECT_STR(world_field(w, r, "Groups.0.GroupName"), S("g"));
	r = IAM(w, "ListGroupsForUser", "{'UserName':'a','MaxItems':1,'Marker':'%.*s'}",
		PR(world_field(w, r, "Marker")));
	EXPECT_STR(world_field(w, r, "Groups.0.GroupName"), S("g."));
	EXPECT_STR(world_field(w, r, "IsTruncated"), S("false"));
	world_end(w);
}

static void a_user_is_in_at_most_ten_groups(void)
{
	struct test_world *w = begin();
	user(w, "ann");
	char name[8];
	for (int i = 0; i < 11; i++) {
		snprintf(name, sizeof name, "g%d", i);
		group(w, name);
		if (i < 10)
			join(w, "ann", name);
	}
	REFUSED(IAM(w, "AddUserToGroup", "{'GroupName':'g10','UserName':'ann'}"), 409, "LimitExceeded",
		"Cannot exceed quota for GroupsPerUser: 10");
	join(w, "ann", "g9");
	leave(w, "ann", "g0");
	join(w, "ann", "g10");
	world_end(w);
}

static void who_is_in_a_group_cannot_be_deleted_nor_can_it(void)
{
	struct test_world *w = begin();
	user(w, "ann");
	group(w, "g");
	join(w, "ann", "g");
	WORKS(IAM(w, "PutGroupPolicy", "{'GroupName':'g','PolicyName':'p','PolicyDocument':'" ALLOW_ALL "'}"));
	WORKS(IAM(w, "AttachGroupPolicy", "{'GroupName':'g','PolicyArn':'" READ_ONLY "'}"));
	REFUSED(IAM(w, "DeleteUser", "{'UserName':'ann'}"), 409, "DeleteConflict",
		"Cannot delete entity, must remove users from group first.");
	REFUSED(IAM(w, "DeleteGroup", "{'GroupName':'g'}"), 409, "DeleteConflict",
		"Cannot delete entity, must remove users from group first.");
	leave(w, "ann", "g");
	WORKS(IAM(w, "DeleteUser", "{'UserName':'ann'}"));
	REFUSED(IAM(w, "DeleteGroup", "{'GroupName':'g'}"), 409, "DeleteConflict",
		"Cannot delete entity, must detach all policies first.");
	WORKS(IAM(w, "DetachGroupPolicy", "{'GroupName':'g','PolicyArn':'" READ_ONLY "'}"));
	REFUSED(IAM(w, "DeleteGroup", "{'GroupName':'g'}"), 409, "DeleteConflict",
		"Cannot delete entity, must delete policies first.");
	WORKS(IAM(w, "DeleteGroupPolicy", "{'GroupName':'g','PolicyName':'p'}"));
	WORKS(IAM(w, "DeleteGroup", "{'GroupName':'g'}"));
	FAILS(IAM(w, "GetGroup", "{'GroupName':'g'}"), "NoSuchEntity");
	world_end(w);
}

static void renaming_takes_everything_along(void)
{
	struct test_world *w = begin();
	user(w, "ann");
	group(w, "g");
	group(w, "taken");
	join(w, "ann", "g");
	WORKS(IAM(w, "PutGroupPolicy", "{'GroupName':'g','PolicyName':'p','PolicyDocument':'" ALLOW_ALL "'}"));
	WORKS(IAM(w, "AttachGroupPolicy", "{'GroupName':'g','PolicyArn':'" READ_ONLY "'}"));
	struct str id = world_field(w, IAM(w, "GetGroup", "{'GroupName':'g'}"), "Group.GroupId");
	REFUSED(IAM(w, "UpdateGroup", "{'GroupName':'g','NewGroupName':'Taken'}"), 409, "EntityAlreadyExists",
		"Group with name Taken already exists.");
	WORKS(IAM(w, "UpdateGroup", "{'GroupName':'g','NewGroupName':'h','NewPath':'/new/'}"));
	FAILS(IAM(w, "GetGroup", "{'GroupName':'g'}"), "NoSuchEntity");
	struct test_reply r = IAM(w, "GetGroup", "{'GroupName':'h'}");
	EXPECT_STR(world_field(w, r, "Group.GroupId"), id);
	EXPECT_STR(world_field(w, r, "Group.Arn"), S("arn:aws:iam::111122223333:group/new/h"));
	EXPECT_STR(world_field(w, r, "Users.0.UserName"), S("ann"));
	WORKS(IAM(w, "GetGroupPolicy", "{'GroupName':'h','PolicyName':'p'}"));
	r = IAM(w, "ListEntitiesForPolicy", "{'PolicyArn':'" READ_ONLY "'}");
	EXPECT_STR(world_field(w, r, "PolicyGroups.0.GroupName"), S("h"));
	EXPECT(!world_field(w, r, "PolicyGroups.1").p);
	WORKS(AS(w, user_caller(w, "ann"), "iam", "ListUsers", "{}"));

	WORKS(IAM(w, "UpdateGroup", "{'GroupName':'h','NewGroupName':'H'}")); /* the same name, spelt anew */
	WORKS(IAM(w, "GetGroupPolicy", "{'GroupName':'H','PolicyName':'p'}"));
	WORKS(IAM(w, "UpdateUser", "{'UserName':'ann','NewUserName':'bea'}"));
	r = IAM(w, "ListGroupsForUser", "{'UserName':'bea'}");
	EXPECT_STR(world_field(w, r, "Groups.0.GroupName"), S("H"));
	r = IAM(w, "GetGroup", "{'GroupName':'H'}");
	EXPECT_STR(world_field(w, r, "Users.0.UserName"), S("bea"));
	EXPECT(!world_field(w, r, "Users.1").p);
	WORKS(AS(w, user_caller(w, "bea"), "iam", "ListUsers", "{}"));
	/* who comes after under the old names has nothing */
	user(w, "ann");
	group(w, "g");
	r = IAM(w, "ListGroupsForUser", "{'UserName':'ann'}");
	EXPECT_STR(world_field(w, r, "Groups"), S("[]"));
	FAILS(AS(w, user_caller(w, "ann"), "iam", "ListUsers", "{}"), "AccessDenied");
	WORKS(IAM(w, "DeleteGroup", "{'GroupName':'g'}"));
	world_end(w);
}

/* ---- policies --------------------------------------------------------------------------------------- */

static void inline_policies_of_a_group(void)
{
	struct test_world *w = begin();
	group(w, "g");
	WORKS(IAM(w, "PutGroupPolicy", "{'GroupName':'g','PolicyName':'p','PolicyDocument':'" ALLOW_ALL "'}"));
	WORKS(IAM(w, "PutGroupPolicy",
		  "{'GroupName':'g','PolicyName':'a','PolicyDocument':'" DOCUMENT("Allow", "kms:*", "*") "'}"));
	struct test_reply r = IAM(w, "GetGroupPolicy", "{'GroupName':'G','PolicyName':'a'}");
	EXPECT_STR(world_field(w, r, "GroupName"), S("g"));
	EXPECT(str_find(world_field(w, r, "PolicyDocument"), S("%22kms%3A%2A%22")) != SIZE_MAX);
	r = IAM(w, "ListGroupPolicies", "{'GroupName':'g','MaxItems':1}");
	EXPECT_STR(world_field(w, r, "PolicyNames"), S("[\"a\"]"));
	r = IAM(w, "ListGroupPolicies", "{'GroupName':'g','Marker':'%.*s'}", PR(world_field(w, r, "Marker")));
	EXPECT_STR(world_field(w, r, "PolicyNames"), S("[\"p\"]"));
	WORKS(IAM(w, "DeleteGroupPolicy", "{'GroupName':'g','PolicyName':'a'}"));
	WORKS(IAM(w, "DeleteGroupPolicy", "{'GroupName':'g','PolicyName':'p'}"));
	FAILS(IAM(w, "PutGroupPolicy", "{'GroupName':'g','PolicyName':'p','PolicyDocument':'{}'}"),
	      "MalformedPolicyDocument");
	REFUSED(
	    IAM(w, "PutGroupPolicy", "{'GroupName':'g','PolicyName':'p','PolicyDocument':'%.*s'}", PR(sized(w, 5121))),
	    409, "LimitExceeded", "Maximum policy size of 5120 bytes exceeded for group g");
	WORKS(
	    IAM(w, "PutGroupPolicy", "{'GroupName':'g','PolicyName':'p','PolicyDocument':'%.*s'}", PR(sized(w, 5120))));
	FAILS(IAM(w, "PutGroupPolicy", "{'GroupName':'g','PolicyName':'q','PolicyDocument':'" ALLOW_ALL "'}"),
	      "LimitExceeded");
	world_end(w);
}

static void managed_policies_of_a_group(void)
{
	struct test_world *w = begin();
	group(w, "g");
	for (int i = 0; i < 10; i++) {
		WORKS(IAM(w, "CreatePolicy", "{'PolicyName':'P%d','PolicyDocument':'" ALLOW_ALL "'}", i));
		WORKS(IAM(w, "AttachGroupPolicy", "{'GroupName':'g','PolicyArn':'" POLICY_ARN("P%d") "'}", i));
	}
	WORKS(IAM(w, "AttachGroupPolicy", "{'GroupName':'g','PolicyArn':'" POLICY_ARN("P3") "'}"));
	REFUSED(IAM(w, "AttachGroupPolicy", "{'GroupName':'g','PolicyArn':'" READ_ONLY "'}"), 409, "LimitExceeded",
		"Cannot exceed quota for PoliciesPerGroup: 10");
	struct test_reply r = IAM(w, "GetPolicy", "{'PolicyArn':'" POLICY_ARN("P3") "'}");
	EXPECT_STR(world_field(w, r, "Policy.AttachmentCount"), S("1"));
	REFUSED(IAM(w, "DeletePolicy", "{'PolicyArn':'" POLICY_ARN("P3") "'}"), 409, "DeleteConflict",
		"Cannot delete a policy attached to entities.");
	r = IAM(w, "ListAttachedGroupPolicies", "{'GroupName':'g','MaxItems':9}");
	EXPECT_STR(world_field(w, r, "AttachedPolicies.8.PolicyArn"), S(POLICY_ARN("P8")));
	EXPECT_STR(world_field(w, r, "IsTruncated"), S("true"));
	WORKS(IAM(w, "DetachGroupPolicy", "{'GroupName':'g','PolicyArn':'" POLICY_ARN("P3") "'}"));
	WORKS(IAM(w, "DeletePolicy", "{'PolicyArn':'" POLICY_ARN("P3") "'}"));
	FAILS(IAM(w, "AttachGroupPolicy", "{'GroupName':'g','PolicyArn':'" POLICY_ARN("none") "'}"), "NoSuchEntity");
	world_end(w);
}

static void where_a_policy_is_used_is_listed_by_kind(void)
{
	struct test_world *w = begin();
	user(w, "u");
	WORKS(IAM(w, "CreateGroup", "{'GroupName':'h','Path':'/x/'}"));
	group(w, "g");
	WORKS(IAM(w, "CreateRole", "{'RoleName':'r','AssumeRolePolicyDocument':'" TRUST("*") "'}"));
	WORKS(IAM(w, "AttachUserPolicy", "{'UserName':'u','PolicyArn':'" READ_ONLY "'}"));
	WORKS(IAM(w, "AttachGroupPolicy", "{'GroupName':'g','PolicyArn':'" READ_ONLY "'}"));
	WORKS(IAM(w, "AttachGroupPolicy", "{'GroupName':'h','PolicyArn':'" READ_ONLY "'}"));
	WORKS(IAM(w, "AttachRolePolicy", "{'RoleName':'r','PolicyArn':'" READ_ONLY "'}"));
	struct test_reply r = IAM(w, "ListEntitiesForPolicy", "{'PolicyArn':'" READ_ONLY "'}");
	EXPECT_STR(world_field(w, r, "PolicyGroups.0.GroupName"), S("g"));
	EXPECT_STR(world_field(w, r, "PolicyGroups.1.GroupName"), S("h"));
	EXPECT(str_starts(world_field(w, r, "PolicyGroups.1.GroupId"), S("AGPA")));
	EXPECT_STR(world_field(w, r, "PolicyUsers.0.UserName"), S("u"));
	EXPECT_STR(world_field(w, r, "PolicyRoles.0.RoleName"), S("r"));
	r = IAM(w, "ListEntitiesForPolicy", "{'PolicyArn':'" READ_ONLY "','EntityFilter':'Group','PathPrefix':'/x/'}");
	EXPECT_STR(world_field(w, r, "PolicyGroups.0.GroupName"), S("h"));
	EXPECT(!world_field(w, r, "PolicyGroups.1").p);
	EXPECT_STR(world_field(w, r, "PolicyUsers"), S("[]"));
	EXPECT_STR(world_field(w, r, "PolicyRoles"), S("[]"));
	r = IAM(w, "ListEntitiesForPolicy", "{'PolicyArn':'" READ_ONLY "','MaxItems':3}");
	EXPECT_STR(world_field(w, r, "PolicyUsers"), S("[]"));
	r = IAM(w, "ListEntitiesForPolicy", "{'PolicyArn':'" READ_ONLY "','Marker':'%.*s'}",
		PR(world_field(w, r, "Marker")));
	EXPECT_STR(world_field(w, r, "PolicyUsers.0.UserName"), S("u"));
	EXPECT_STR(world_field(w, r, "PolicyGroups"), S("[]"));
	r = IAM(w, "ListEntitiesForPolicy", "{'PolicyArn':'" READ_ONLY "','EntityFilter':'User'}");
	EXPECT_STR(world_field(w, r, "PolicyGroups"), S("[]"));
	world_end(w);
}

/* ---- enforcement --------------------------------------------------------------------------------------- */

static void who_is_in_the_group_may_what_it_may(void)
{
	struct test_world *w = begin();
	user(w, "ann");
	user(w, "bob");
	group(w, "g");
	struct caller ann = user_caller(w, "ann"), bob = user_caller(w, "bob");
	WORKS(IAM(w, "PutGroupPolicy",
		  "{'GroupName':'g','PolicyName':'p','PolicyDocument':'" DOCUMENT("Allow", "iam:ListUsers", "*") "'}"));
	FAILS(AS(w, ann, "iam", "ListUsers", "{}"), "AccessDenied");
	join(w, "ann", "g");
	WORKS(AS(w, ann, "iam", "ListUsers", "{}"));
	FAILS(AS(w, ann, "iam", "ListRoles", "{}"), "AccessDenied");
	FAILS(AS(w, bob, "iam", "ListUsers", "{}"), "AccessDenied");
	leave(w, "ann", "g");
	REFUSED(AS(w, ann, "iam", "ListUsers", "{}"), 403, "AccessDenied",
		"User: arn:aws:iam::111122223333:user/ann is not authorized to perform: iam:ListUsers on resource: "
		"arn:aws:iam::111122223333:user/ because no identity-based policy allows the iam:ListUsers action");
	join(w, "ann", "g");
	WORKS(AS(w, ann, "iam", "ListUsers", "{}"));
	WORKS(IAM(w, "DeleteGroupPolicy", "{'GroupName':'g','PolicyName':'p'}"));
	FAILS(AS(w, ann, "iam", "ListUsers", "{}"), "AccessDenied");
	WORKS(IAM(w, "AttachGroupPolicy", "{'GroupName':'g','PolicyArn':'" IAM_READ "'}"));
	WORKS(AS(w, ann, "iam", "ListUsers", "{}"));
	world_restart(w);
	WORKS(AS(w, ann, "iam", "ListUsers", "{}"));
	WORKS(IAM(w, "DetachGroupPolicy", "{'GroupName':'g','PolicyArn':'" IAM_READ "'}"));
	FAILS(AS(w, ann, "iam", "ListUsers", "{}"), "AccessDenied");
	world_end(w);
}

static void a_group_denies_what_others_allow(void)
{
	struct test_world *w = begin();
	user(w, "ann");
	group(w, "allows");
	group(w, "denies");
	struct caller ann = user_caller(w, "ann");
	WORKS(
	    IAM(w, "AttachUserPolicy", "{'UserName':'ann','PolicyArn':'arn:aws:iam::aws:policy/AdministratorAccess'}"));
	WORKS(IAM(w, "AttachGroupPolicy", "{'GroupName':'allows','PolicyArn':'" IAM_READ "'}"));
	WORKS(IAM(
	    w, "PutGroupPolicy",
	    "{'GroupName':'denies','PolicyName':'p','PolicyDocument':'" DOCUMENT("Deny", "iam:ListUsers", "*") "'}"));
	join(w, "ann", "allows");
	WORKS(AS(w, ann, "iam", "ListUsers", "{}"));
	join(w, "ann", "denies");
	REFUSED(AS(w, ann, "iam", "ListUsers", "{}"), 403, "AccessDenied",
		"User: arn:aws:iam::111122223333:user/ann is not authorized to perform: iam:ListUsers on resource: "
		"arn:aws:iam::111122223333:user/ with an explicit deny in an identity-based policy");
	WORKS(AS(w, ann, "iam", "ListRoles", "{}"));
	leave(w, "ann", "denies");
	WORKS(AS(w, ann, "iam", "ListUsers", "{}"));
	world_end(w);
}

static void a_boundary_bounds_what_a_group_gives(void)
{
	struct test_world *w = begin();
	user(w, "ann");
	group(w, "g");
	join(w, "ann", "g");
	WORKS(IAM(w, "AttachGroupPolicy", "{'GroupName':'g','PolicyArn':'" IAM_READ "'}"));
	WORKS(IAM(w, "CreatePolicy",
		  "{'PolicyName':'B','PolicyDocument':'" DOCUMENT("Allow", "iam:ListRoles", "*") "'}"));
	WORKS(IAM(w, "PutUserPermissionsBoundary", "{'UserName':'ann','PermissionsBoundary':'" POLICY_ARN("B") "'}"));
	WORKS(AS(w, user_caller(w, "ann"), "iam", "ListRoles", "{}"));
	FAILS(AS(w, user_caller(w, "ann"), "iam", "ListUsers", "{}"), "AccessDenied");
	world_end(w);
}

static void a_group_is_nobody(void)
{
	struct test_world *w = begin();
	group(w, "g");
	FAILS(IAM(w, "CreateRole",
		  "{'RoleName':'r','AssumeRolePolicyDocument':'" TRUST("arn:aws:iam::111122223333:group/g") "'}"),
	      "MalformedPolicyDocument");
	FAILS(IAM(w, "GetUser", "{'UserName':'g'}"), "NoSuchEntity");
	world_end(w);
}

static void who_may_change_groups(void)
{
	struct test_world *w = begin();
	user(w, "ann");
	struct caller ann = user_caller(w, "ann");
	WORKS(IAM(w, "PutUserPolicy",
		  "{'UserName':'ann','PolicyName':'p','PolicyDocument':'" DOCUMENT(
		      "Allow", "iam:*", "arn:aws:iam::111122223333:group/team/*") "'}"));
	WORKS(IAM(w, "CreateGroup", "{'GroupName':'Board','Path':'/board/'}"));
	WORKS(AS(w, ann, "iam", "CreateGroup", "{'GroupName':'a','Path':'/team/'}"));
	WORKS(AS(w, ann, "iam", "GetGroup", "{'GroupName':'a'}"));
	WORKS(AS(w, ann, "iam", "AddUserToGroup", "{'GroupName':'a','UserName':'ann'}"));
	FAILS(AS(w, ann, "iam", "CreateGroup", "{'GroupName':'b'}"), "AccessDenied");
	REFUSED(
	    AS(w, ann, "iam", "AddUserToGroup", "{'GroupName':'BOARD','UserName':'ann'}"), 403, "AccessDenied",
	    "User: arn:aws:iam::111122223333:user/ann is not authorized to perform: iam:AddUserToGroup on resource: "
	    "group BOARD because no identity-based policy allows the iam:AddUserToGroup action");
	FAILS(AS(w, ann, "iam", "UpdateGroup", "{'GroupName':'board','NewPath':'/team/'}"), "AccessDenied");
	FAILS(AS(w, ann, "iam", "UpdateGroup", "{'GroupName':'a','NewPath':'/board/'}"), "AccessDenied");
	WORKS(AS(w, ann, "iam", "UpdateGroup", "{'GroupName':'a','NewGroupName':'b','NewPath':'/team/x/'}"));
	FAILS(AS(w, ann, "iam", "ListGroups", "{}"), "AccessDenied");
	FAILS(AS(w, ann, "iam", "ListGroupsForUser", "{'UserName':'ann'}"), "AccessDenied");
	WORKS(IAM(w, "PutUserPolicy",
		  "{'UserName':'ann','PolicyName':'p','PolicyDocument':'" DOCUMENT(
		      "Allow", "iam:UpdateGroup", "arn:aws:iam::111122223333:group/team/x/b") "'}"));
	REFUSED(AS(w, ann, "iam", "UpdateGroup", "{'GroupName':'b','NewGroupName':'c'}"), 403, "AccessDenied",
		"User: arn:aws:iam::111122223333:user/ann is not authorized to perform: iam:UpdateGroup on resource: "
		"arn:aws:iam::111122223333:group/team/x/c because no identity-based policy allows the iam:UpdateGroup "
		"action");
	world_end(w);
}

static void only_named_policies_may_be_attached_to_groups(void)
{
	struct test_world *w = begin();
	user(w, "ann");
	group(w, "g");
	WORKS(
	    IAM(w, "PutUserPolicy",
		"{'UserName':'ann','PolicyName':'p','PolicyDocument':'{\\\"Version\\\":\\\"2012-10-17\\\","
		"\\\"Statement\\\":{\\\"Effect\\\":\\\"Allow\\\",\\\"Action\\\":\\\"iam:*GroupPolicy\\\","
		"\\\"Resource\\\":\\\"*\\\",\\\"Condition\\\":{\\\"ArnEquals\\\":{\\\"iam:PolicyARN\\\":\\\"" READ_ONLY
		"\\\"}}}}'}"));
	struct caller ann = user_caller(w, "ann");
	FAILS(AS(w, ann, "iam", "AttachGroupPolicy",
		 "{'GroupName':'g','PolicyArn':'arn:aws:iam::aws:policy/AdministratorAccess'}"),
	      "AccessDenied");
	WORKS(AS(w, ann, "iam", "AttachGroupPolicy", "{'GroupName':'g','PolicyArn':'" READ_ONLY "'}"));
	WORKS(AS(w, ann, "iam", "DetachGroupPolicy", "{'GroupName':'g','PolicyArn':'" READ_ONLY "'}"));
	FAILS(
	    AS(w, ann, "iam", "PutGroupPolicy", "{'GroupName':'g','PolicyName':'p','PolicyDocument':'" ALLOW_ALL "'}"),
	    "AccessDenied");
	world_end(w);
}

RUN_ALL(T(a_group_is_created_and_shown), T(names_are_checked_and_unique_whatever_their_case),
	T(what_is_not_there_is_not_found), T(groups_are_listed_in_pages_under_a_path), T(there_are_at_most_300),
	T(users_come_and_go), T(members_are_shown_in_pages), T(a_user_is_in_at_most_ten_groups),
	T(who_is_in_a_group_cannot_be_deleted_nor_can_it), T(renaming_takes_everything_along),
	T(inline_policies_of_a_group), T(managed_policies_of_a_group), T(where_a_policy_is_used_is_listed_by_kind),
	T(who_is_in_the_group_may_what_it_may), T(a_group_denies_what_others_allow),
	T(a_boundary_bounds_what_a_group_gives), T(a_group_is_nobody), T(who_may_change_groups),
	T(only_named_policies_may_be_attached_to_groups))

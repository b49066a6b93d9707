/* SPDX-License-Identifier: Apache-2.0 */
/*
 * IAM enforced upon itself: who may do what to identities, and the ways in which people
 * have made themselves more than they were.
 */
#include "api/late_testing.h"
#include "svc/iam/iam.h"
#include "svc/identities_testing.h"

static struct caller make_user(struct test_world *w, const char *name, const char *document)
{
	WORKS(IAM(w, "CreateUser", "{'UserName':'%s'}", name));
	if (document)
		WORKS(IAM(w, "PutUserPolicy", "{'UserName':'%s','PolicyName':'own','PolicyDocument':'%s'}", name,
			  document));
	return user_caller(w, name);
}

static void who_has_no_policy_may_do_nothing(void)
{
	struct test_world *w = begin();
	struct caller ann = make_user(w, "ann", NULL);
	REFUSED(AS(w, ann, "iam", "CreateUser", "{'UserName':'x','Path':'/p/'}"), 403, "AccessDenied",
		"User: arn:aws:iam::111122223333:user/ann is not authorized to perform: iam:CreateUser on resource: "
		"arn:aws:iam::111122223333:user/p/x because no identity-based policy allows the iam:CreateUser action");
	REFUSED(AS(w, ann, "iam", "ListUsers", "{}"), 403, "AccessDenied",
		"User: arn:aws:iam::111122223333:user/ann is not authorized to perform: iam:ListUsers on resource: "
		"arn:aws:iam::111122223333:user/ because no identity-based policy allows the iam:ListUsers action");
	FAILS(AS(w, ann, "iam", "GetUser", "{}"), "AccessDenied");
	WORKS(AS(w, ann, "sts", "GetCallerIdentity", "{}"));
	world_end(w);
}

static void a_change_counts_for_the_next_request(void)
{
	struct test_world *w = begin();
	struct caller ann = make_user(w, "ann", NULL);
	FAILS(AS(w, ann, "iam", "ListUsers", "{}"), "AccessDenied");
	WORKS(IAM(w, "AttachUserPolicy", "{'UserName':'ann','PolicyArn':'arn:aws:iam::aws:policy/IAMReadOnlyAccess'}"));
	WORKS(AS(w, ann, "iam", "ListUsers", "{}"));
	WORKS(IAM(w, "PutUserPolicy",
		  "{'UserName':'ann','PolicyName':'d','PolicyDocument':'" DOCUMENT("Deny", "iam:ListUsers", "*") "'}"));
	REFUSED(AS(w, ann, "iam", "ListUsers", "{}"), 403, "AccessDenied",
		"User: arn:aws:iam::111122223333:user/ann is not authorized to perform: iam:ListUsers on resource: "
		"arn:aws:iam::111122223333:user/ with an explicit deny in an identity-based policy");
	WORKS(IAM(w, "DeleteUserPolicy", "{'UserName':'ann','PolicyName':'d'}"));
	WORKS(AS(w, ann, "iam", "ListUsers", "{}"));
	WORKS(IAM(w, "DetachUserPolicy", "{'UserName':'ann','PolicyArn':'arn:aws:iam::aws:policy/IAMReadOnlyAccess'}"));
	FAILS(AS(w, ann, "iam", "ListUsers", "{}"), "AccessDenied");
	WORKS(
	    IAM(w, "CreatePolicy", "{'PolicyName':'P','PolicyDocument':'" DOCUMENT("Allow", "iam:GetRole", "*") "'}"));
	WORKS(IAM(w, "AttachUserPolicy", "{'UserName':'ann','PolicyArn':'" POLICY_ARN("P") "'}"));
	FAILS(AS(w, ann, "iam", "ListUsers", "{}"), "AccessDenied");
	WORKS(IAM(w, "CreatePolicyVersion",
		  "{'PolicyArn':'" POLICY_ARN("P") "','PolicyDocument':'" ALLOW_ALL "','SetAsDefault':true}"));
	WORKS(AS(w, ann, "iam", "ListUsers", "{}"));
	WORKS(IAM(w, "SetDefaultPolicyVersion", "{'PolicyArn':'" POLICY_ARN("P") "','VersionId':'v1'}"));
	FAILS(AS(w, ann, "iam", "ListUsers", "{}"), "AccessDenied");
	world_end(w);
}

static void a_boundary_bounds(void)
{
	struct test_world *w = begin();
	struct caller ann = make_user(w, "ann", ALLOW_ALL);
	WORKS(AS(w, ann, "iam", "ListRoles", "{}"));
	WORKS(IAM(w, "CreatePolicy",
		  "{'PolicyName':'B','PolicyDocument':'" DOCUMENT("Allow", "iam:ListUsers", "*") "'}"));
	WORKS(IAM(w, "PutUserPermissionsBoundary", "{'UserName':'ann','PermissionsBoundary':'" POLICY_ARN("B") "'}"));
	WORKS(AS(w, ann, "iam", "ListUsers", "{}"));
	REFUSED(AS(w, ann, "iam", "ListRoles", "{}"), 403, "AccessDenied",
		"User: arn:aws:iam::111122223333:user/ann is not authorized to perform: iam:ListRoles on resource: "
		"arn:aws:iam::111122223333:role/ because no permissions boundary allows the iam:ListRoles action");
	/* nor can it be lifted by the one it bounds */
	FAILS(AS(w, ann, "iam", "DeleteUserPermissionsBoundary", "{'UserName':'ann'}"), "AccessDenied");
	FAILS(AS(w, ann, "iam", "CreatePolicyVersion",
		 "{'PolicyArn':'" POLICY_ARN("B") "','PolicyDocument':'" ALLOW_ALL "','SetAsDefault':true}"),
	      "AccessDenied");
	world_end(w);
}

static void a_user_made_again_is_a_stranger(void)
{
	struct test_world *w = begin();
	struct caller ann = make_user(w, "ann", NULL);
	WORKS(IAM(w, "DeleteUser", "{'UserName':'ann'}"));
	EXPECT(AS(w, ann, "sts", "GetCallerIdentity", "{}").status != 200);
	WORKS(IAM(w, "CreateUser", "{'UserName':'ann'}"));
	EXPECT(AS(w, ann, "sts", "GetCallerIdentity", "{}").status != 200);
	world_end(w);
}

/* ---- resources and conditions ------------------------------------------------------------------ */

static void the_stored_path_and_name_count(void)
{
	struct test_world *w = begin();
	struct caller ann = make_user(w, "ann", DOCUMENT("Allow", "iam:*", "arn:aws:iam::111122223333:user/team/*"));
	WORKS(IAM(w, "CreateUser", "{'UserName':'boss','Path':'/board/'}"));
	WORKS(AS(w, ann, "iam", "CreateUser", "{'UserName':'new','Path':'/team/'}"));
	WORKS(AS(w, ann, "iam", "GetUser", "{'UserName':'new'}"));
	FAILS(AS(w, ann, "iam", "CreateUser", "{'UserName':'other'}"), "AccessDenied");
	FAILS(AS(w, ann, "iam", "CreateUser", "{'UserName':'Boss','Path':'/team/'}"), "EntityAlreadyExists");
	FAILS(AS(w, ann, "iam", "CreateUser", "{'UserName':'new','Path':'/board/'}"), "AccessDenied");
	FAILS(AS(w, ann, "iam", "CreateAccessKey", "{'UserName':'BOSS'}"), "AccessDenied");
	FAILS(AS(w, ann, "iam", "UpdateUser", "{'UserName':'boss','NewPath':'/team/'}"), "AccessDenied");
	FAILS(AS(w, ann, "iam", "UpdateUser", "{'UserName':'new','NewPath':'/board/'}"), "AccessDenied");
	WORKS(AS(w, ann, "iam", "UpdateUser", "{'UserName':'new','NewUserName':'newer'}"));
	world_end(w);
}

static void a_deny_by_name_holds_in_any_case(void)
{
	struct test_world *w = begin();
	struct caller ann = make_user(w, "ann", ALLOW_ALL);
	WORKS(IAM(w, "CreateUser", "{'UserName':'Boss'}"));
	WORKS(IAM(w, "PutUserPolicy",
		  "{'UserName':'ann','PolicyName':'d','PolicyDocument':'" DOCUMENT(
		      "Deny", "*", "arn:aws:iam::111122223333:user/Boss") "'}"));
	FAILS(AS(w, ann, "iam", "GetUser", "{'UserName':'Boss'}"), "AccessDenied");
	FAILS(AS(w, ann, "iam", "GetUser", "{'UserName':'boss'}"), "AccessDenied");
	FAILS(AS(w, ann, "iam", "CreateAccessKey", "{'UserName':'bOSS'}"), "AccessDenied");
	world_end(w);
}

#define CONDITION(action, op, key, value)                                                                            \
	"{\\\"Version\\\":\\\"2012-10-17\\\",\\\"Statement\\\":{\\\"Effect\\\":\\\"Allow\\\",\\\"Action\\\":" action \
	",\\\"Resource\\\":\\\"*\\\","                                                                               \
	"\\\"Condition\\\":{\\\"" op "\\\":{\\\"" key "\\\":\\\"" value "\\\"}}}}"

static void only_named_policies_may_be_attached(void)
{
	struct test_world *w = begin();
	struct caller ann = make_user(w, "ann",
				      CONDITION("\\\"iam:AttachUserPolicy\\\"", "ArnEquals", "iam:PolicyARN",
						"arn:aws:iam::aws:policy/ReadOnlyAccess"));
	WORKS(AS(w, ann, "iam", "AttachUserPolicy",
		 "{'UserName':'ann','PolicyArn':'arn:aws:iam::aws:policy/ReadOnlyAccess'}"));
	FAILS(AS(w, ann, "iam", "AttachUserPolicy",
		 "{'UserName':'ann','PolicyArn':'arn:aws:iam::aws:policy/AdministratorAccess'}"),
	      "AccessDenied");
	world_end(w);
}

/* "Delegating responsibility to others using permissions boundaries" */
static void whoever_makes_users_must_bound_them(void)
{
	struct test_world *w = begin();
	WORKS(IAM(w, "CreatePolicy", "{'PolicyName':'B','PolicyDocument':'" DOCUMENT("Allow", "s3:*", "*") "'}"));
	struct caller ann =
	    make_user(w, "ann",
		      CONDITION("[\\\"iam:CreateUser\\\",\\\"iam:PutUserPolicy\\\",\\\"iam:AttachUserPolicy\\\","
				"\\\"iam:DeleteUserPermissionsBoundary\\\"]",
				"StringEquals", "iam:PermissionsBoundary", POLICY_ARN("B")));
	FAILS(AS(w, ann, "iam", "CreateUser", "{'UserName':'x'}"), "AccessDenied");
	FAILS(AS(w, ann, "iam", "CreateUser",
		 "{'UserName':'x','PermissionsBoundary':'arn:aws:iam::aws:policy/AdministratorAccess'}"),
	      "AccessDenied");
	WORKS(AS(w, ann, "iam", "CreateUser", "{'UserName':'x','PermissionsBoundary':'" POLICY_ARN("B") "'}"));
	WORKS(AS(w, ann, "iam", "PutUserPolicy", "{'UserName':'x','PolicyName':'p','PolicyDocument':'" ALLOW_ALL "'}"));
	FAILS(
	    AS(w, ann, "iam", "PutUserPolicy", "{'UserName':'ann','PolicyName':'p','PolicyDocument':'" ALLOW_ALL "'}"),
	    "AccessDenied");
	FAILS(AS(w, ann, "iam", "AttachUserPolicy",
		 "{'UserName':'ann','PolicyArn':'arn:aws:iam::aws:policy/AdministratorAccess'}"),
	      "AccessDenied");
	FAILS(AS(w, user_caller(w, "x"), "iam", "ListUsers", "{}"), "AccessDenied");
	world_end(w);
}

static void tags_on_creation_need_the_tagging_action_too(void)
{
	struct test_world *w = begin();
	struct caller ann = make_user(w, "ann", DOCUMENT("Allow", "iam:CreateUser", "*"));
	WORKS(AS(w, ann, "iam", "CreateUser", "{'UserName':'x'}"));
	REFUSED(AS(w, ann, "iam", "CreateUser", "{'UserName':'y','Tags':[{'Key':'a','Value':'b'}]}"), 403,
		"AccessDenied",
		"User: arn:aws:iam::111122223333:user/ann is not authorized to perform: iam:TagUser on resource: "
		"arn:aws:iam::111122223333:user/y because no identity-based policy allows the iam:TagUser action");
	WORKS(IAM(w, "PutUserPolicy",
		  "{'UserName':'ann','PolicyName':'t','PolicyDocument':'" CONDITION(
		      "\\\"iam:TagUser\\\"", "StringEquals", "aws:RequestTag/team", "red") "'}"));
	FAILS(AS(w, ann, "iam", "CreateUser", "{'UserName':'y','Tags':[{'Key':'team','Value':'blue'}]}"),
	      "AccessDenied");
	WORKS(AS(w, ann, "iam", "CreateUser", "{'UserName':'y','Tags':[{'Key':'team','Value':'red'}]}"));
	world_end(w);
}

static void tags_of_the_target_count(void)
{
	static const char *const keys[] = { "aws:ResourceTag/team", "iam:ResourceTag/team" };
	for (size_t i = 0; i < COUNT(keys); i++) {
		struct test_world *w = begin();
		struct caller ann = make_user(w, "ann", NULL);
		WORKS(IAM(w, "PutUserPolicy",
			  "{'UserName':'ann','PolicyName':'p','PolicyDocument':'" CONDITION(
			      "\\\"iam:*\\\"", "StringEquals", "%s", "red") "'}",
			  keys[i]));
		WORKS(IAM(w, "CreateUser", "{'UserName':'red','Tags':[{'Key':'team','Value':'red'}]}"));
		WORKS(IAM(w, "CreateUser", "{'UserName':'blue','Tags':[{'Key':'team','Value':'blue'}]}"));
		WORKS(AS(w, ann, "iam", "GetUser", "{'UserName':'red'}"));
		FAILS(AS(w, ann, "iam", "GetUser", "{'UserName':'blue'}"), "AccessDenied");
		FAILS(AS(w, ann, "iam", "GetUser", "{'UserName':'none'}"), "AccessDenied");
		world_end(w);
	}
}

static void tags_of_the_caller_count(void)
{
	struct test_world *w = begin();
	struct caller ann =
	    make_user(w, "ann", CONDITION("\\\"iam:*\\\"", "StringEquals", "aws:PrincipalTag/team", "red"));
	FAILS(AS(w, ann, "iam", "ListUsers", "{}"), "AccessDenied");
	WORKS(IAM(w, "TagUser", "{'UserName':'ann','Tags':[{'Key':'Team','Value':'red'}]}"));
	WORKS(AS(w, ann, "iam", "ListUsers", "{}"));
	WORKS(IAM(w, "UntagUser", "{'UserName':'ann','TagKeys':['team']}"));
	FAILS(AS(w, ann, "iam", "ListUsers", "{}"), "AccessDenied");
	world_end(w);
}

static void keys_of_others_are_not_told_apart_from_none(void)
{
	struct test_world *w = begin();
	struct caller ann =
	    make_user(w, "ann", DOCUMENT("Allow", "iam:GetAccessKeyLastUsed", "arn:aws:iam::111122223333:user/ann"));
	WORKS(IAM(w, "CreateUser", "{'UserName':'bob'}"));
	struct test_reply key = IAM(w, "CreateAccessKey", "{'UserName':'bob'}"),
			  own = IAM(w, "CreateAccessKey", "{'UserName':'ann'}");
	WORKS(AS(w, ann, "iam", "GetAccessKeyLastUsed", "{'AccessKeyId':'%.*s'}",
		 PR(world_field(w, own, "AccessKey.AccessKeyId"))));
	FAILS(AS(w, ann, "iam", "GetAccessKeyLastUsed", "{'AccessKeyId':'%.*s'}",
		 PR(world_field(w, key, "AccessKey.AccessKeyId"))),
	      "AccessDenied");
	FAILS(AS(w, ann, "iam", "GetAccessKeyLastUsed", "{'AccessKeyId':'AKIAAAAAAAAAAAAAAAAA'}"), "AccessDenied");
	world_end(w);
}

static void accounts_do_not_see_each_other(void)
{
	struct test_world *w = begin();
	struct caller other = world_root_of(w, WORLD_OTHER);
	WORKS(IAM(w, "CreateUser", "{'UserName':'ann'}"));
	FAILS(AS(w, other, "iam", "GetUser", "{'UserName':'ann'}"), "NoSuchEntity");
	WORKS(AS(w, other, "iam", "CreateUser", "{'UserName':'ann'}"));
	WORKS(IAM(w, "CreatePolicy", "{'PolicyName':'P','PolicyDocument':'" ALLOW_ALL "'}"));
	FAILS(AS(w, other, "iam", "AttachUserPolicy", "{'UserName':'ann','PolicyArn':'" POLICY_ARN("P") "'}"),
	      "AccessDenied");
	FAILS(AS(w, other, "iam", "PutUserPermissionsBoundary",
		 "{'UserName':'ann','PermissionsBoundary':'" POLICY_ARN("P") "'}"),
	      "NoSuchEntity");
	world_end(w);
}

/* ---- what stands there by the time of the write ---------------------------------------------------- */

#define TRUSTS_ALL                                                                                         \
	S("{\"Version\":\"2012-10-17\",\"Statement\":{\"Effect\":\"Allow\",\"Action\":\"sts:AssumeRole\"," \
	  "\"Principal\":{\"AWS\":\"*\"}}}")

static void tag(struct req *rq, const char *role, const char *key, const char *value)
{
	const struct iam_tag one = { str_of(key), str_of(value) };
	late_meanwhile(rq, "TagRole", &(struct iam_tag_role_in){ str_of(role), { &one, 1 } });
}

static void make(struct req *rq, const char *path)
{
	late_meanwhile(rq, "CreateRole",
		       &(struct iam_create_role_in){ .role_name = S("hers"),
						     .path = str_of(path),
						     .max_session_duration = 3600,
						     .assume_role_policy_document = TRUSTS_ALL });
	tag(rq, "hers", "team", "a");
}

static void tagged_besides(struct req *rq, const void *arg)
{
	(void)arg;
	tag(rq, "hers", "colour", "blue");
}

static void given_to_others(struct req *rq, const void *arg)
{
	(void)arg;
	tag(rq, "hers", "team", "b");
}

static void gone(struct req *rq, const void *arg)
{
	(void)arg;
	late_meanwhile(rq, "DeleteRole", &(struct iam_delete_role_in){ S("hers") });
}

static void made_elsewhere(struct req *rq, const void *arg)
{
	gone(rq, arg);
	make(rq, "/board/");
}

static void she_is_tagged(struct req *rq, const void *arg)
{
	static const struct iam_tag one = { { "k", 1 }, { "v", 1 } };
	(void)arg;
	late_meanwhile(rq, "TagUser", &(struct iam_tag_user_in){ S("ann"), { &one, 1 } });
}

static void her_policy_is_gone(struct req *rq, const void *arg)
{
	(void)arg;
	late_meanwhile(rq, "DeleteUserPolicy", &(struct iam_delete_user_policy_in){ S("ann"), S("own") });
}

static void tag_late(struct req *rq, void *arg)
{
	static const struct {
		late_change *change;
		const char *code;
	} cases[] = {
		{ tagged_besides, NULL },
		{ given_to_others, "AccessDeniedException" },
		{ made_elsewhere, "AccessDeniedException" },
		{ gone, "AccessDeniedException" },
		{ she_is_tagged, NULL },
		{ her_policy_is_gone, "AccessDeniedException" }, /* last: it does not come back */
	};
	const struct caller *ann = arg;
	const struct iam_tag late = { S("k"), S("v") };
	rq->svc = &iam_service;
	for (size_t i = 0; i < COUNT(cases); i++) {
		make(rq, "/app/");
		late_try(rq, *ann, "TagRole", &(struct iam_tag_role_in){ S("hers"), { &late, 1 } }, cases[i].change,
			 NULL, cases[i].code);
		if (cases[i].change != gone)
			gone(rq, NULL);
	}
}

static void what_stands_there_when_it_is_written_is_what_must_be_allowed(void)
{
	struct test_world *w = begin();
	struct caller ann = make_user(
	    w, "ann",
	    "{\\\"Version\\\":\\\"2012-10-17\\\",\\\"Statement\\\":{\\\"Effect\\\":\\\"Allow\\\","
	    "\\\"Action\\\":\\\"iam:TagRole\\\",\\\"Resource\\\":\\\"arn:aws:iam::111122223333:role/app/*\\\","
	    "\\\"Condition\\\":{\\\"StringEquals\\\":{\\\"aws:ResourceTag/team\\\":\\\"a\\\"}}}}");
	world_in_fiber(w, tag_late, &ann);
	world_end(w);
}

/* ---- who leaves the name out means himself, whatever he is called by then --------------------------- */

/* She is called by the other name, and a stranger by hers, with what is given him. */
struct renamed {
	const char *from, *to;
	bool has_password;
};

static void another_has_her_name(struct req *rq, const void *arg)
{
	const struct renamed *r = arg;
	late_meanwhile(rq, "UpdateUser",
		       &(struct iam_update_user_in){ .user_name = str_of(r->from), .new_user_name = str_of(r->to) });
	late_meanwhile(rq, "CreateUser", &(struct iam_create_user_in){ .user_name = str_of(r->from) });
	if (r->has_password)
		late_meanwhile(rq, "CreateLoginProfile",
			       &(struct iam_create_login_profile_in){ .user_name = str_of(r->from),
								      .password = S("Correct-horse-1") });
}

static void her_own_late(struct req *rq, void *arg)
{
	static const struct renamed first = { "ann", "ann2", false }, second = { "ann2", "ann3", true },
				    third = { "ann3", "ann4", false };
	const struct caller *ann = arg;
	rq->svc = &iam_service;
	late_try(rq, *ann, "CreateAccessKey", &(struct iam_create_access_key_in){ 0 }, another_has_her_name, &first,
		 NULL);
	late_meanwhile(
	    rq, "CreateLoginProfile",
	    &(struct iam_create_login_profile_in){ .user_name = S("ann2"), .password = S("Correct-horse-1") });
	late_try(rq, *ann, "DeleteLoginProfile", &(struct iam_delete_login_profile_in){ 0 }, another_has_her_name,
		 &second, NULL);
	late_try(rq, *ann, "CreateLoginProfile",
		 &(struct iam_create_login_profile_in){ .password = S("Correct-horse-1") }, another_has_her_name,
		 &third, NULL);
}

/* What came before it in its batch renamed her, and nobody sees that yet. */
static void her_name_goes_within_the_batch(struct req *rq, void *arg)
{
	const struct caller *ann = arg;
	struct iam_update_user_in in = { .user_name = ann->name, .new_user_name = S("anna") };
	bool same;
	rq->svc = &iam_service;
	struct req *late = late_request(rq, *ann, "CreateAccessKey", &(struct iam_create_access_key_in){ 0 });
	struct req *before = late_request(rq, rq->caller, "UpdateUser", &in);
	EXPECT_OK(late->app->identity->policies(late, &late->caller, &late->policies));
	EXPECT_OK(req_authorize(late));
	EXPECT_OK(req_authorize(before));
	EXPECT_OK(iam_write(before, &late->write));
	EXPECT_OK(iam_rows_stand(late, late->write, &same));
	EXPECT(same);
	req_write_undo(before);
	EXPECT_OK(late_run(before));
	late->write = before->write;
	EXPECT_OK(iam_rows_stand(late, late->write, &same));
	EXPECT(!same);
	late_end(before);
	req_unpin_all(late);
}

static void a_name_that_goes_to_another_in_the_same_batch_is_seen_to_go(void)
{
	struct test_world *w = begin();
	struct caller ann = make_user(w, "ann", ALLOW_ALL);
	world_in_fiber(w, her_name_goes_within_the_batch, &ann);
	world_end(w);
}

static bool has_key(struct test_world *w, const char *name)
{
	struct test_reply r = IAM(w, "ListAccessKeys", "{'UserName':'%s'}", name);
	return world_field(w, r, "AccessKeyMetadata.0").p != NULL;
}

static void who_is_renamed_meanwhile_changes_nothing_of_whoever_has_the_name_now(void)
{
	struct test_world *w = begin();
	struct caller ann = make_user(w, "ann", ALLOW_ALL);
	world_in_fiber(w, her_own_late, &ann);
	EXPECT(has_key(w, "ann4"));
	EXPECT(!has_key(w, "ann"));
	WORKS(IAM(w, "GetLoginProfile", "{'UserName':'ann2'}"));
	FAILS(IAM(w, "GetLoginProfile", "{'UserName':'ann3'}"), "NoSuchEntity");
	WORKS(IAM(w, "GetLoginProfile", "{'UserName':'ann4'}"));
	world_end(w);
}

RUN_ALL(T(who_has_no_policy_may_do_nothing), T(a_change_counts_for_the_next_request), T(a_boundary_bounds),
	T(a_user_made_again_is_a_stranger), T(the_stored_path_and_name_count), T(a_deny_by_name_holds_in_any_case),
	T(only_named_policies_may_be_attached), T(whoever_makes_users_must_bound_them),
	T(tags_on_creation_need_the_tagging_action_too), T(tags_of_the_target_count), T(tags_of_the_caller_count),
	T(keys_of_others_are_not_told_apart_from_none), T(what_stands_there_when_it_is_written_is_what_must_be_allowed),
	T(accounts_do_not_see_each_other), T(who_is_renamed_meanwhile_changes_nothing_of_whoever_has_the_name_now),
	T(a_name_that_goes_to_another_in_the_same_batch_is_seen_to_go))

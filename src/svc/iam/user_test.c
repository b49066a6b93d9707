/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the API reference promises about users and their access keys, one promise a test.
 */
#include "svc/identities_testing.h"
#include "svc/iam/used.h"

static void a_user_is_created_and_shown(void)
{
	struct test_world *w = begin();
	struct test_reply r =
	    IAM(w, "CreateUser",
		"{'UserName':'ann','Path':'/team/','Tags':[{'Key':'b','Value':'2'},{'Key':'a','Value':''}]}");
	EXPECT(r.status == 200);
	EXPECT_STR(world_field(w, r, "User.Arn"), S("arn:aws:iam::111122223333:user/team/ann"));
	EXPECT_STR(world_field(w, r, "User.Path"), S("/team/"));
	EXPECT(world_field(w, r, "User.UserId").n == 21);
	EXPECT(str_starts(world_field(w, r, "User.UserId"), S("AIDA")));
	r = IAM(w, "GetUser", "{'UserName':'ann'}");
	EXPECT_STR(world_field(w, r, "User.UserName"), S("ann"));
	EXPECT_STR(world_field(w, r, "User.CreateDate"), S("1767225600"));
	EXPECT_STR(world_field(w, r, "User.Tags.0.Key"), S("a"));
	EXPECT_STR(world_field(w, r, "User.Tags.1.Value"), S("2"));
	world_end(w);
}

static void names_are_unique_whatever_their_case(void)
{
	struct test_world *w = begin();
	WORKS(IAM(w, "CreateUser", "{'UserName':'Ann'}"));
	REFUSED(IAM(w, "CreateUser", "{'UserName':'Ann'}"), 409, "EntityAlreadyExists",
		"User with name Ann already exists.");
	REFUSED(IAM(w, "CreateUser", "{'UserName':'aNN','Path':'/x/'}"), 409, "EntityAlreadyExists",
		"User with name aNN already exists.");
	WORKS(IAM(w, "CreateRole", "{'RoleName':'ann','AssumeRolePolicyDocument':'" TRUST("*") "'}"));
	world_end(w);
}

static void what_is_not_there_is_not_found(void)
{
	struct test_world *w = begin();
	REFUSED(IAM(w, "GetUser", "{'UserName':'bob'}"), 404, "NoSuchEntity",
		"The user with name bob cannot be found.");
	REFUSED(IAM(w, "DeleteUser", "{'UserName':'bob'}"), 404, "NoSuchEntity",
		"The user with name bob cannot be found.");
	REFUSED(IAM(w, "UpdateUser", "{'UserName':'bob'}"), 404, "NoSuchEntity",
		"The user with name bob cannot be found.");
	REFUSED(IAM(w, "CreateAccessKey", "{'UserName':'bob'}"), 404, "NoSuchEntity",
		"The user with name bob cannot be found.");
	REFUSED(IAM(w, "ListAccessKeys", "{'UserName':'bob'}"), 404, "NoSuchEntity",
		"The user with name bob cannot be found.");
	REFUSED(IAM(w, "TagUser", "{'UserName':'bob','Tags':[{'Key':'a','Value':'b'}]}"), 404, "NoSuchEntity",
		"The user with name bob cannot be found.");
	REFUSED(
	    IAM(w, "CreateUser", "{'UserName':'bob','PermissionsBoundary':'arn:aws:iam::111122223333:policy/none'}"),
	    404, "NoSuchEntity",
	    "Scope ARN: arn:aws:iam::111122223333:policy/none does not exist or is not attachable.");
	world_end(w);
}

static void names_paths_and_pages_are_checked(void)
{
	struct test_world *w = begin();
	FAILS(IAM(w, "CreateUser", "{'UserName':'an n'}"), "ValidationError");
	FAILS(IAM(w, "CreateUser", "{'UserName':''}"), "ValidationError");
	FAILS(IAM(w, "CreateUser", "{'UserName':'x','Path':'team/'}"), "ValidationError");
	FAILS(IAM(w, "ListUsers", "{'MaxItems':0}"), "ValidationError");
	FAILS(IAM(w, "ListUsers", "{'MaxItems':1001}"), "ValidationError");
	REFUSED(IAM(w, "ListUsers", "{'Marker':'***'}"), 400, "ValidationError", "Invalid Marker.");
	world_end(w);
}

static void root_is_a_user_without_a_name(void)
{
	struct test_world *w = begin();
	struct test_reply r = IAM(w, "GetUser", "{}");
	EXPECT_STR(world_field(w, r, "User.Arn"), S("arn:aws:iam::111122223333:root"));
	EXPECT_STR(world_field(w, r, "User.UserId"), S("111122223333"));
	r = IAM(w, "ListAccessKeys", "{}");
	EXPECT_STR(world_field(w, r, "AccessKeyMetadata.0.AccessKeyId"), S("AKIAROOT111122223333"));
	FAILS(IAM(w, "CreateAccessKey", "{}"), "NotImplemented");
	world_end(w);
}

static void a_user_is_renamed_with_everything_he_has(void)
{
	struct test_world *w = begin();
	WORKS(IAM(w, "CreateUser", "{'UserName':'ann'}"));
	WORKS(IAM(w, "CreateUser", "{'UserName':'taken'}"));
	struct test_reply key = IAM(w, "CreateAccessKey", "{'UserName':'ann'}");
	WORKS(IAM(w, "PutUserPolicy", "{'UserName':'ann','PolicyName':'p','PolicyDocument':'" ALLOW_ALL "'}"));
	WORKS(IAM(w, "AttachUserPolicy", "{'UserName':'ann','PolicyArn':'arn:aws:iam::aws:policy/ReadOnlyAccess'}"));
	REFUSED(IAM(w, "UpdateUser", "{'UserName':'ann','NewUserName':'Taken'}"), 409, "EntityAlreadyExists",
		"User with name Taken already exists.");
	WORKS(IAM(w, "UpdateUser", "{'UserName':'ann','NewUserName':'bea','NewPath':'/new/'}"));
	FAILS(IAM(w, "GetUser", "{'UserName':'ann'}"), "NoSuchEntity");
	struct test_reply r = IAM(w, "ListAccessKeys", "{'UserName':'bea'}");
	EXPECT_STR(world_field(w, r, "AccessKeyMetadata.0.AccessKeyId"), world_field(w, key, "AccessKey.AccessKeyId"));
	WORKS(IAM(w, "GetUserPolicy", "{'UserName':'bea','PolicyName':'p'}"));
	r = IAM(w, "ListEntitiesForPolicy", "{'PolicyArn':'arn:aws:iam::aws:policy/ReadOnlyAccess'}");
	EXPECT_STR(world_field(w, r, "PolicyUsers.0.UserName"), S("bea"));
	EXPECT(!world_field(w, r, "PolicyUsers.1.UserName").p);
	WORKS(IAM(w, "UpdateUser", "{'UserName':'bea','NewUserName':'Bea'}"));
	WORKS(IAM(w, "GetUserPolicy", "{'UserName':'Bea','PolicyName':'p'}"));
	world_end(w);
}

static void a_user_is_deleted_when_nothing_hangs_on_him(void)
{
	struct test_world *w = begin();
	WORKS(IAM(w, "CreateUser", "{'UserName':'ann'}"));
	struct test_reply key = IAM(w, "CreateAccessKey", "{'UserName':'ann'}");
	struct str id = world_field(w, key, "AccessKey.AccessKeyId");
	WORKS(IAM(w, "PutUserPolicy", "{'UserName':'ann','PolicyName':'p','PolicyDocument':'" ALLOW_ALL "'}"));
	WORKS(IAM(w, "AttachUserPolicy", "{'UserName':'ann','PolicyArn':'arn:aws:iam::aws:policy/ReadOnlyAccess'}"));
	REFUSED(IAM(w, "DeleteUser", "{'UserName':'ann'}"), 409, "DeleteConflict",
		"Cannot delete entity, must delete access keys first.");
	WORKS(IAM(w, "DeleteAccessKey", "{'UserName':'ann','AccessKeyId':'%.*s'}", PR(id)));
	REFUSED(IAM(w, "DeleteUser", "{'UserName':'ann'}"), 409, "DeleteConflict",
		"Cannot delete entity, must detach all policies first.");
	WORKS(IAM(w, "DetachUserPolicy", "{'UserName':'ann','PolicyArn':'arn:aws:iam::aws:policy/ReadOnlyAccess'}"));
	REFUSED(IAM(w, "DeleteUser", "{'UserName':'ann'}"), 409, "DeleteConflict",
		"Cannot delete entity, must delete policies first.");
	WORKS(IAM(w, "DeleteUserPolicy", "{'UserName':'ann','PolicyName':'p'}"));
	WORKS(IAM(w, "DeleteUser", "{'UserName':'ann'}"));
	FAILS(IAM(w, "GetUser", "{'UserName':'ann'}"), "NoSuchEntity");
	world_end(w);
}

static void users_are_listed_in_pages_under_a_path(void)
{
	struct test_world *w = begin();
	static const char *const names[] = { "e", "D", "c", "B", "a" };
	for (size_t i = 0; i < COUNT(names); i++)
		WORKS(IAM(w, "CreateUser", "{'UserName':'%s','Path':'%s'}", names[i], i % 2 ? "/odd/" : "/even/"));
	struct test_reply r = IAM(w, "ListUsers", "{'MaxItems':2}");
	EXPECT_STR(world_field(w, r, "Users.0.UserName"), S("a"));
	EXPECT_STR(world_field(w, r, "Users.1.UserName"), S("B"));
	EXPECT_STR(world_field(w, r, "IsTruncated"), S("true"));
	r = IAM(w, "ListUsers", "{'MaxItems':3,'Marker':'%.*s'}", PR(world_field(w, r, "Marker")));
	EXPECT_STR(world_field(w, r, "Users.2.UserName"), S("e"));
	EXPECT_STR(world_field(w, r, "IsTruncated"), S("false"));
	EXPECT(!world_field(w, r, "Marker").p);
	r = IAM(w, "ListUsers", "{'PathPrefix':'/odd/','MaxItems':2}");
	EXPECT_STR(world_field(w, r, "Users.0.UserName"), S("B"));
	EXPECT_STR(world_field(w, r, "Users.1.UserName"), S("D"));
	EXPECT_STR(world_field(w, r, "IsTruncated"), S("false"));
	world_end(w);
}

/* ---- access keys --------------------------------------------------------------------------- */

static void a_user_has_at_most_two_keys(void)
{
	struct test_world *w = begin();
	WORKS(IAM(w, "CreateUser", "{'UserName':'ann'}"));
	struct test_reply r = IAM(w, "CreateAccessKey", "{'UserName':'ann'}");
	EXPECT(world_field(w, r, "AccessKey.SecretAccessKey").n == 40);
	EXPECT(str_starts(world_field(w, r, "AccessKey.AccessKeyId"), S("AKIA")));
	EXPECT_STR(world_field(w, r, "AccessKey.Status"), S("Active"));
	WORKS(IAM(w, "CreateAccessKey", "{'UserName':'ann'}"));
	REFUSED(IAM(w, "CreateAccessKey", "{'UserName':'ann'}"), 409, "LimitExceeded",
		"Cannot exceed quota for AccessKeysPerUser: 2");
	WORKS(IAM(w, "DeleteAccessKey", "{'UserName':'ann','AccessKeyId':'%.*s'}",
		  PR(world_field(w, r, "AccessKey.AccessKeyId"))));
	WORKS(IAM(w, "CreateAccessKey", "{'UserName':'ann'}"));
	world_end(w);
}

struct looking {
	struct str id;
	struct status st;
	struct str secret, name;
	struct arena *mem;
};

static void look(struct req *rq, void *arg)
{
	struct looking *l = arg;
	struct caller who;
	struct str secret;
	l->st = iam_identity.access_key(rq, WORLD_ACCOUNT, l->id, &who, &secret);
	if (failed(l->st))
		return;
	l->secret = str_dup(l->mem, secret);
	l->name = str_dup(l->mem, who.name);
}

static struct looking looked_up(struct test_world *w, struct str id)
{
	struct looking l = { .id = id, .mem = world_mem(w) };
	world_in_fiber(w, look, &l);
	return l;
}

static void only_active_keys_prove_anything(void)
{
	struct test_world *w = begin();
	WORKS(IAM(w, "CreateUser", "{'UserName':'ann'}"));
	WORKS(IAM(w, "CreateUser", "{'UserName':'bob'}"));
	struct test_reply r = IAM(w, "CreateAccessKey", "{'UserName':'ann'}");
	struct str id = world_field(w, r, "AccessKey.AccessKeyId");
	struct looking l = looked_up(w, id);
	EXPECT_OK(l.st);
	EXPECT_STR(l.name, S("ann"));
	EXPECT_STR(l.secret, world_field(w, r, "AccessKey.SecretAccessKey"));

	REFUSED(
	    IAM(w, "UpdateAccessKey", "{'UserName':'bob','AccessKeyId':'AKIAAAAAAAAAAAAAAAAA','Status':'Inactive'}"),
	    404, "NoSuchEntity", "The Access Key with id AKIAAAAAAAAAAAAAAAAA cannot be found.");
	FAILS(IAM(w, "UpdateAccessKey", "{'UserName':'bob','AccessKeyId':'%.*s','Status':'Inactive'}", PR(id)),
	      "NoSuchEntity");
	FAILS(IAM(w, "DeleteAccessKey", "{'UserName':'bob','AccessKeyId':'%.*s'}", PR(id)), "NoSuchEntity");
	WORKS(IAM(w, "UpdateAccessKey", "{'UserName':'ann','AccessKeyId':'%.*s','Status':'Inactive'}", PR(id)));
	EXPECT_ERR(looked_up(w, id).st, E_NOT_FOUND);
	WORKS(IAM(w, "UpdateAccessKey", "{'UserName':'ann','AccessKeyId':'%.*s','Status':'Active'}", PR(id)));
	EXPECT_OK(looked_up(w, id).st);
	WORKS(IAM(w, "UpdateUser", "{'UserName':'ann','NewUserName':'bea'}"));
	EXPECT_STR(looked_up(w, id).name, S("bea"));
	world_restart(w);
	EXPECT_OK(looked_up(w, id).st);
	WORKS(IAM(w, "DeleteAccessKey", "{'UserName':'bea','AccessKeyId':'%.*s'}", PR(id)));
	EXPECT_ERR(looked_up(w, id).st, E_NOT_FOUND);
	world_end(w);
}

static void the_user_may_be_left_out_by_a_user(void)
{
	struct test_world *w = begin();
	WORKS(IAM(w, "CreateUser", "{'UserName':'ann'}"));
	WORKS(IAM(w, "PutUserPolicy",
		  "{'UserName':'ann','PolicyName':'p','PolicyDocument':'" DOCUMENT(
		      "Allow", "iam:*AccessKey*", "arn:aws:iam::111122223333:user/${aws:username}") "'}"));
	struct caller ann = user_caller(w, "ann");
	struct test_reply r = AS(w, ann, "iam", "CreateAccessKey", "{}");
	WORKS(r);
	EXPECT_STR(world_field(w, r, "AccessKey.UserName"), S("ann"));
	WORKS(AS(w, ann, "iam", "ListAccessKeys", "{}"));
	FAILS(AS(w, ann, "iam", "CreateAccessKey", "{'UserName':'bob'}"), "AccessDenied");
	world_end(w);
}

/* ---- last use ------------------------------------------------------------------------------------ */

static void use(struct req *rq, void *arg)
{
	struct caller *who = arg;
	rq->svc = &sts_service;
	iam_identity.key_used(rq, who);
}

static void start(struct req *rq, void *arg)
{
	(void)arg;
	EXPECT_OK(iam_used_open(rq->app));
}

static void last_use_is_known_and_outlives_the_server(void)
{
	struct test_world *w = begin();
	world_in_fiber(w, start, NULL);
	WORKS(IAM(w, "CreateUser", "{'UserName':'ann'}"));
	struct test_reply r = IAM(w, "CreateAccessKey", "{'UserName':'ann'}");
	struct str id = world_field(w, r, "AccessKey.AccessKeyId");
	r = IAM(w, "GetAccessKeyLastUsed", "{'AccessKeyId':'%.*s'}", PR(id));
	EXPECT_STR(world_field(w, r, "UserName"), S("ann"));
	EXPECT_STR(world_field(w, r, "AccessKeyLastUsed.ServiceName"), S("N/A"));
	EXPECT(!world_field(w, r, "AccessKeyLastUsed.LastUsedDate").p);

	struct caller who = user_caller(w, "ann");
	who.access_key_id = id;
	world_later(w, 5000);
	world_in_fiber(w, use, &who);
	for (int restarted = 0; restarted < 2; restarted++) {
		r = IAM(w, "GetAccessKeyLastUsed", "{'AccessKeyId':'%.*s'}", PR(id));
		EXPECT_STR(world_field(w, r, "AccessKeyLastUsed.ServiceName"), S("sts"));
		EXPECT_STR(world_field(w, r, "AccessKeyLastUsed.Region"), S("us-east-1"));
		EXPECT_STR(world_field(w, r, "AccessKeyLastUsed.LastUsedDate"), S("1767225605"));
		iam_used_close(world_app(w));
		world_restart(w);
	}
	REFUSED(IAM(w, "GetAccessKeyLastUsed", "{'AccessKeyId':'AKIAAAAAAAAAAAAAAAAA'}"), 404, "NoSuchEntity",
		"The Access Key with id AKIAAAAAAAAAAAAAAAAA cannot be found.");
	world_end(w);
}

RUN_ALL(T(a_user_is_created_and_shown), T(names_are_unique_whatever_their_case), T(what_is_not_there_is_not_found),
	T(names_paths_and_pages_are_checked), T(root_is_a_user_without_a_name),
	T(a_user_is_renamed_with_everything_he_has), T(a_user_is_deleted_when_nothing_hangs_on_him),
	T(users_are_listed_in_pages_under_a_path), T(a_user_has_at_most_two_keys), T(only_active_keys_prove_anything),
	T(the_user_may_be_left_out_by_a_user), T(last_use_is_known_and_outlives_the_server))

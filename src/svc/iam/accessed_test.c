/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reports on last uses: what the API reference promises of them, and that the index finds
 * exactly what the trail holds, however long it is.
 */
#include "api/trail.h"
#include "base/time.h"
#include "svc/iam/accessed.h"
#include "svc/identities_testing.h"

#define HERE "arn:aws:iam::111122223333:"
#define DAY  ((int64_t)DAY_MS)

/* A report, with what it says of one service. */
struct told {
	struct str id;
	struct test_reply reply;
	int at; /* the place of the service; -1: not listed */
};

static struct str field(struct test_world *w, const struct told *t, const char *member)
{
	char path[96];
	snprintf(path, sizeof path, "ServicesLastAccessed.%d.%s", t->at, member);
	return world_field(w, t->reply, path);
}

static struct told read_report(struct test_world *w, struct caller who, struct str id, const char *service)
{
	struct told t = { .id = id, .at = -1 };
	t.reply = AS(w, who, "iam", "GetServiceLastAccessedDetails", "{'JobId':'%.*s','MaxItems':1000}", PR(id));
	WORKS(t.reply);
	for (int i = 0;; i++) {
		char path[64];
		snprintf(path, sizeof path, "ServicesLastAccessed.%d.ServiceNamespace", i);
		struct str name = world_field(w, t.reply, path);
		if (!name.p)
			return t;
		if (str_eq(name, str_of(service))) {
			t.at = i;
			return t;
		}
	}
}

static struct str begin_report(struct test_world *w, const char *arn, const char *level)
{
	struct test_reply r =
	    IAM(w, "GenerateServiceLastAccessedDetails", "{'Arn':'%s','Granularity':'%s_LEVEL'}", arn, level);
	WORKS(r);
	struct str id = world_field(w, r, "JobId");
	EXPECT(id.n == 36);
	return id;
}

static struct told report(struct test_world *w, const char *arn, const char *service)
{
	struct told t = read_report(w, world_root(w), begin_report(w, arn, "SERVICE"), service);
	EXPECT_STR(world_field(w, t.reply, "JobStatus"), S("COMPLETED"));
	return t;
}

static struct caller make(struct test_world *w, const char *name, const char *action)
{
	WORKS(IAM(w, "CreateUser", "{'UserName':'%s'}", name));
	WORKS(IAM(w, "PutUserPolicy",
		  "{'UserName':'%s','PolicyName':'p','PolicyDocument':'" DOCUMENT("Allow", "%s", "*") "'}", name,
		  action));
	return user_caller(w, name);
}

static struct str time_of(struct test_world *w, int64_t days)
{
	int64_t ms = INT64_C(1000) * JAN_1_S + days * DAY;
	return arena_printf(world_mem(w), "%lld", (long long)(ms / 1000));
}

static void every_attempt_counts_denied_ones_too(void)
{
	struct test_world *w = begin();
	struct caller ann = make(w, "ann", "iam:List*");
	struct told t = report(w, HERE "user/ann", "iam");
	EXPECT(t.at >= 0 && !field(w, &t, "LastAuthenticated").p && !field(w, &t, "LastAuthenticatedEntity").p);
	EXPECT_STR(field(w, &t, "TotalAuthenticatedEntities"), S("0"));
	EXPECT_STR(field(w, &t, "ServiceName"), S("AWS Identity and Access Management (IAM)"));
	world_later(w, DAY);
	WORKS(AS(w, ann, "iam", "ListUsers", "{}"));
	world_later(w, DAY);
	FAILS(AS(w, ann, "iam", "GetUser", "{}"), "AccessDenied");
	world_later(w, DAY);
	t = report(w, HERE "user/ann", "iam");
	EXPECT_STR(field(w, &t, "LastAuthenticated"), time_of(w, 2));
	EXPECT_STR(field(w, &t, "LastAuthenticatedEntity"), S(HERE "user/ann"));
	EXPECT_STR(field(w, &t, "LastAuthenticatedRegion"), S("us-east-1"));
	EXPECT_STR(field(w, &t, "TotalAuthenticatedEntities"), S("1"));
	EXPECT_STR(world_field(w, t.reply, "JobType"), S("SERVICE_LEVEL"));
	EXPECT_STR(world_field(w, t.reply, "JobCreationDate"), time_of(w, 3));
	EXPECT_STR(world_field(w, t.reply, "JobCompletionDate"), time_of(w, 3));
	EXPECT(!field(w, &t, "TrackedActionsLastAccessed").p);
	world_end(w);
}

static void only_what_policies_allow_is_listed(void)
{
	struct test_world *w = begin();
	struct caller ann = make(w, "ann", "iam:ListUsers");
	WORKS(AS(w, ann, "sts", "GetCallerIdentity", "{}"));
	EXPECT(report(w, HERE "user/ann", "sts").at < 0);
	EXPECT(report(w, HERE "user/ann", "iam").at == 0);
	WORKS(IAM(w, "PutUserPolicy", "{'UserName':'ann','PolicyName':'all','PolicyDocument':'" ALLOW_ALL "'}"));
	struct told t = report(w, HERE "user/ann", "sts");
	EXPECT(t.at > 300);
	EXPECT_STR(field(w, &t, "TotalAuthenticatedEntities"), S("1"));
	world_end(w);
}

static void actions_are_told_of_when_asked_for(void)
{
	struct test_world *w = begin();
	struct caller ann = make(w, "ann", "iam:?et*User");
	WORKS(AS(w, ann, "iam", "GetUser", "{}"));
	world_later(w, DAY);
	FAILS(AS(w, ann, "iam", "ListUsers", "{}"), "AccessDenied");
	struct told t = read_report(w, world_root(w), begin_report(w, HERE "user/ann", "ACTION"), "iam");
	EXPECT_STR(world_field(w, t.reply, "JobType"), S("ACTION_LEVEL"));
	EXPECT_STR(field(w, &t, "LastAuthenticated"), time_of(w, 1));
	EXPECT_STR(field(w, &t, "TrackedActionsLastAccessed.0.ActionName"), S("GetUser"));
	EXPECT_STR(field(w, &t, "TrackedActionsLastAccessed.0.LastAccessedTime"), time_of(w, 0));
	EXPECT_STR(field(w, &t, "TrackedActionsLastAccessed.0.LastAccessedEntity"), S(HERE "user/ann"));
	EXPECT_STR(field(w, &t, "TrackedActionsLastAccessed.0.LastAccessedRegion"), S("us-east-1"));
	EXPECT(!field(w, &t, "TrackedActionsLastAccessed.1.ActionName").p);
	WORKS(IAM(w, "PutUserPolicy",
		  "{'UserName':'ann','PolicyName':'p','PolicyDocument':'" DOCUMENT("Allow", "iam:ListU*", "*") "'}"));
	WORKS(
	    IAM(w, "PutUserPolicy",
		"{'UserName':'ann','PolicyName':'q','PolicyDocument':'" DOCUMENT("Allow", "iam:DeleteUser", "*") "'}"));
	t = read_report(w, world_root(w), begin_report(w, HERE "user/ann", "ACTION"), "iam");
	EXPECT_STR(field(w, &t, "TrackedActionsLastAccessed.0.ActionName"), S("DeleteUser"));
	EXPECT(!field(w, &t, "TrackedActionsLastAccessed.0.LastAccessedTime").p);
	EXPECT_STR(field(w, &t, "TrackedActionsLastAccessed.1.ActionName"), S("ListUserPolicies"));
	world_end(w);
}

static struct str entity(struct test_world *w, struct test_reply r, int i, const char *member)
{
	char path[64];
	snprintf(path, sizeof path, "EntityDetailsList.%d.%s", i, member);
	return world_field(w, r, path);
}

static void groups_and_policies_tell_of_their_people(void)
{
	struct test_world *w = begin();
	struct caller ann = make(w, "ann", "s3:List*"), bob = make(w, "bob", "s3:List*");
	WORKS(IAM(w, "CreateUser", "{'UserName':'eve'}"));
	WORKS(IAM(w, "CreateRole", "{'RoleName':'app','AssumeRolePolicyDocument':'" TRUST("111122223333") "'}"));
	WORKS(IAM(w, "CreatePolicy", "{'PolicyName':'P','PolicyDocument':'" DOCUMENT("Allow", "iam:*", "*") "'}"));
	WORKS(IAM(w, "CreateGroup", "{'GroupName':'g'}"));
	WORKS(IAM(w, "AttachGroupPolicy", "{'GroupName':'g','PolicyArn':'" POLICY_ARN("P") "'}"));
	WORKS(IAM(w, "AttachRolePolicy", "{'RoleName':'app','PolicyArn':'" POLICY_ARN("P") "'}"));
	WORKS(IAM(w, "AttachUserPolicy", "{'UserName':'ann','PolicyArn':'" POLICY_ARN("P") "'}"));
	static const char *const members[] = { "ann", "bob", "eve" };
	for (size_t i = 0; i < COUNT(members); i++)
		WORKS(IAM(w, "AddUserToGroup", "{'GroupName':'g','UserName':'%s'}", members[i]));
	WORKS(AS(w, ann, "iam", "ListUsers", "{}"));
	world_later(w, DAY);
	WORKS(AS(w, bob, "iam", "ListUsers", "{}"));
	static const char *const arns[] = { HERE "group/g", POLICY_ARN("P") };
	for (size_t i = 0; i < COUNT(arns); i++) {
		struct told t = report(w, arns[i], "iam");
		EXPECT(t.at == 0 && !world_field(w, t.reply, "ServicesLastAccessed.1").p);
		EXPECT_STR(field(w, &t, "LastAuthenticatedEntity"), S(HERE "user/bob"));
		EXPECT_STR(field(w, &t, "TotalAuthenticatedEntities"), S("2"));
		struct test_reply r = IAM(w, "GetServiceLastAccessedDetailsWithEntities",
					  "{'JobId':'%.*s','ServiceNamespace':'iam'}", PR(t.id));
		WORKS(r);
		EXPECT_STR(entity(w, r, 0, "EntityInfo.Name"), S("bob"));
		EXPECT_STR(entity(w, r, 0, "EntityInfo.Arn"), S(HERE "user/bob"));
		EXPECT_STR(entity(w, r, 0, "EntityInfo.Type"), S("USER"));
		EXPECT_STR(entity(w, r, 0, "EntityInfo.Path"), S("/"));
		EXPECT(str_starts(entity(w, r, 0, "EntityInfo.Id"), S("AIDA")));
		EXPECT_STR(entity(w, r, 0, "LastAuthenticated"), time_of(w, 1));
		EXPECT_STR(entity(w, r, 1, "EntityInfo.Name"), S("ann"));
		EXPECT_STR(entity(w, r, 1, "LastAuthenticated"), time_of(w, 0));
		EXPECT_STR(entity(w, r, 2, "EntityInfo.Name"), i == 0 ? S("eve") : S("app"));
		EXPECT(!entity(w, r, 2, "LastAuthenticated").p);
		EXPECT((entity(w, r, 3, "EntityInfo.Name").p != NULL) == (i == 1));
		r = IAM(w, "GetServiceLastAccessedDetailsWithEntities", "{'JobId':'%.*s','ServiceNamespace':'s3'}",
			PR(t.id));
		WORKS(r);
		EXPECT(!entity(w, r, 0, "EntityInfo.Name").p);
	}
	world_end(w);
}

static void a_role_is_told_of_by_its_sessions(void)
{
	struct test_world *w = begin();
	struct caller ann = make(w, "ann", "sts:AssumeRole");
	WORKS(IAM(w, "CreateRole", "{'RoleName':'app','AssumeRolePolicyDocument':'" TRUST("111122223333") "'}"));
	WORKS(IAM(w, "PutRolePolicy",
		  "{'RoleName':'app','PolicyName':'p','PolicyDocument':'" DOCUMENT("Allow", "iam:*", "*") "'}"));
	struct caller session = session_caller(
	    w, AS(w, ann, "sts", "AssumeRole", "{'RoleArn':'" HERE "role/app','RoleSessionName':'one'}"));
	struct told t = report(w, HERE "role/app", "iam");
	EXPECT_STR(field(w, &t, "TotalAuthenticatedEntities"), S("0"));
	WORKS(AS(w, session, "iam", "ListUsers", "{}"));
	t = report(w, HERE "role/app", "iam");
	EXPECT_STR(field(w, &t, "LastAuthenticatedEntity"), S(HERE "role/app"));
	/* made again under the same name it is somebody else */
	WORKS(IAM(w, "DeleteRolePolicy", "{'RoleName':'app','PolicyName':'p'}"));
	WORKS(IAM(w, "DeleteRole", "{'RoleName':'app'}"));
	WORKS(IAM(w, "CreateRole", "{'RoleName':'app','AssumeRolePolicyDocument':'" TRUST("111122223333") "'}"));
	WORKS(IAM(w, "PutRolePolicy", "{'RoleName':'app','PolicyName':'p','PolicyDocument':'" ALLOW_ALL "'}"));
	t = report(w, HERE "role/app", "iam");
	EXPECT_STR(field(w, &t, "TotalAuthenticatedEntities"), S("0"));
	world_end(w);
}

static void a_federated_session_counts_for_its_user(void)
{
	struct test_world *w = begin();
	struct caller ann = make(w, "ann", "*");
	struct caller lent =
	    session_caller(w, AS(w, ann, "sts", "GetFederationToken", "{'Name':'lent','Policy':'" ALLOW_ALL "'}"));
	struct told t = report(w, HERE "user/ann", "iam");
	EXPECT_STR(field(w, &t, "TotalAuthenticatedEntities"), S("0"));
	EXPECT(AS(w, lent, "iam", "ListUsers", "{}").status != 200); /* tried is enough */
	t = report(w, HERE "user/ann", "iam");
	EXPECT_STR(field(w, &t, "LastAuthenticatedEntity"), S(HERE "user/ann"));
	world_end(w);
}

static void what_is_not_served_is_not_tracked(void)
{
	struct test_world *w = begin();
	(void)make(w, "ann", "iam:*SSHPublicKey");
	struct told t = read_report(w, world_root(w), begin_report(w, HERE "user/ann", "ACTION"), "iam");
	EXPECT(t.at == 0 && !field(w, &t, "TrackedActionsLastAccessed.0").p);
	world_end(w);
}

static void uses_of_long_ago_are_forgotten(void)
{
	struct test_world *w = begin();
	struct caller ann = make(w, "ann", "iam:*");
	WORKS(AS(w, ann, "iam", "ListUsers", "{}"));
	world_later(w, 400 * DAY);
	struct told t = report(w, HERE "user/ann", "iam");
	EXPECT_STR(field(w, &t, "LastAuthenticated"), time_of(w, 0));
	world_later(w, DAY);
	t = report(w, HERE "user/ann", "iam");
	EXPECT(!field(w, &t, "LastAuthenticated").p);
	world_end(w);
}

static void a_job_is_its_makers_and_lasts_a_week(void)
{
	struct test_world *w = begin();
	struct caller ann = make(w, "ann", "iam:*"), bob = make(w, "bob", "iam:*");
	struct test_reply made = AS(w, ann, "iam", "GenerateServiceLastAccessedDetails", "{'Arn':'" HERE "user/bob'}");
	WORKS(made);
	struct str id = world_field(w, made, "JobId");
	struct told t = read_report(w, ann, id, "iam");
	EXPECT_STR(world_field(w, t.reply, "JobType"), S("SERVICE_LEVEL"));
	const struct caller others[] = { bob, world_root(w), world_root_of(w, WORLD_OTHER) };
	for (size_t i = 0; i < COUNT(others); i++)
		FAILS(AS(w, others[i], "iam", "GetServiceLastAccessedDetails", "{'JobId':'%.*s'}", PR(id)),
		      "NoSuchEntity");
	FAILS(AS(w, bob, "iam", "GetServiceLastAccessedDetailsWithEntities",
		 "{'JobId':'%.*s','ServiceNamespace':'iam'}", PR(id)),
	      "NoSuchEntity");
	REFUSED(AS(w, ann, "iam", "GetServiceLastAccessedDetails", "{'JobId':'2eb6c2b8-7b4c-3e3f-3c13-03b72c8cdfdc'}"),
		404, "NoSuchEntity", "The job with id 2eb6c2b8-7b4c-3e3f-3c13-03b72c8cdfdc cannot be found.");
	world_later(w, 7 * DAY);
	(void)read_report(w, ann, id, "iam");
	world_later(w, 1000);
	FAILS(AS(w, ann, "iam", "GetServiceLastAccessedDetails", "{'JobId':'%.*s'}", PR(id)), "NoSuchEntity");
	world_end(w);
}

static void a_report_on_what_is_gone_has_failed(void)
{
	struct test_world *w = begin();
	WORKS(IAM(w, "CreateUser", "{'UserName':'ann'}"));
	struct str id = begin_report(w, HERE "user/ann", "SERVICE");
	WORKS(IAM(w, "DeleteUser", "{'UserName':'ann'}"));
	struct told t = read_report(w, world_root(w), id, "iam");
	EXPECT_STR(world_field(w, t.reply, "JobStatus"), S("FAILED"));
	EXPECT_STR(world_field(w, t.reply, "Error.Code"), S("NoSuchEntity"));
	EXPECT_STR(world_field(w, t.reply, "Error.Message"), S("The user with name ann cannot be found."));
	world_end(w);
}

static void what_is_no_identity_is_refused(void)
{
	struct test_world *w = begin();
	REFUSED(IAM(w, "GenerateServiceLastAccessedDetails", "{'Arn':'" HERE "user/nobody'}"), 404, "NoSuchEntity",
		"The user with name nobody cannot be found.");
	REFUSED(IAM(w, "GenerateServiceLastAccessedDetails", "{'Arn':'" HERE "policy/none'}"), 404, "NoSuchEntity",
		"Policy " HERE "policy/none was not found.");
	REFUSED(IAM(w, "GenerateServiceLastAccessedDetails", "{'Arn':'" HERE "instance-profile/x'}"), 400,
		"InvalidInput",
		"Invalid Entity Arn: " HERE "instance-profile/x does not clearly define entity type and name.");
	struct told t = report(w, "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess", "s3");
	EXPECT(t.at >= 0);
	world_end(w);
}

/* ---- a long trail ---------------------------------------------------------------------------------- */

enum { ROUND = 25 * 1000 };

struct filling {
	struct str id;
	int64_t from_ms;
	const char *event;
};

static void fill(struct req *rq, void *arg)
{
	const struct filling *f = arg;
	char event_id[16] = { 0 };
	struct record r = {
		.event_id = { event_id, sizeof event_id },
		.region = S("eu-west-1"),
		.event_name = str_of(f->event),
		.event_source = S("iam.amazonaws.com"),
		.caller_kind = CALLER_USER,
		.account = WORLD_ACCOUNT,
		.principal_id = f->id,
		.owner = WORLD_ACCOUNT,
		.read_only = true,
	};
	for (uint32_t i = 0; i < ROUND; i++) {
		struct buf b = buf_in(rq->mem);
		memcpy(event_id, &i, sizeof i);
		r.time_ms = f->from_ms + i;
		record_pack(&b, &r);
		EXPECT_OK(trail_append(rq->app->trail, WORLD_ACCOUNT, buf_str(&b)));
	}
	EXPECT_OK(trail_flush(rq->app->trail));
}

static void a_long_trail_is_read_piece_by_piece_and_once(void)
{
	struct test_world *w = begin();
	struct caller ann = make(w, "ann", "iam:*");
	struct filling f = { ann.principal_id, INT64_C(1000) * JAN_1_S, "GetRole" };
	world_later(w, DAY);
	for (int i = 0; i < 5; i++) {
		world_in_fiber(w, fill, &f);
		f.from_ms += ROUND;
	}
	struct str id = begin_report(w, HERE "user/ann", "ACTION");
	struct told t = read_report(w, world_root(w), id, "iam");
	EXPECT_STR(world_field(w, t.reply, "JobStatus"), S("IN_PROGRESS"));
	EXPECT(t.at < 0 && !world_field(w, t.reply, "JobCompletionDate").p);
	struct test_reply r =
	    IAM(w, "GetServiceLastAccessedDetailsWithEntities", "{'JobId':'%.*s','ServiceNamespace':'iam'}", PR(id));
	EXPECT_STR(world_field(w, r, "JobStatus"), S("COMPLETED"));
	t = read_report(w, world_root(w), id, "iam");
	EXPECT_STR(world_field(w, t.reply, "JobStatus"), S("COMPLETED"));
	EXPECT_STR(field(w, &t, "LastAuthenticated"), S("1767225724.999"));
	EXPECT_STR(field(w, &t, "LastAuthenticatedRegion"), S("eu-west-1"));
	/* what is in the index already is found again after a restart, and what was added since too */
	world_restart(w);
	f.event = "DeleteRole";
	world_in_fiber(w, fill, &f);
	t = report(w, HERE "user/ann", "iam");
	EXPECT_STR(field(w, &t, "LastAuthenticated"), S("1767225749.999"));
	world_end(w);
}

static void count_jobs(struct req *rq, void *arg)
{
	struct shard *shard;
	struct txn *t;
	struct cursor c;
	size_t *n = arg;
	rq->svc = &iam_service;
	EXPECT_OK(iam_accessed_shard(rq, &shard));
	EXPECT_OK(req_read(rq, shard, &t));
	EXPECT_OK(txn_range(t, &(struct range){ .prefix = S("j"), .keys_only = true }, &c));
	for (*n = 0; cursor_next(&c);)
		++*n;
	EXPECT_OK(cursor_end(&c));
}

static void old_jobs_go_a_few_at_a_time(void)
{
	struct test_world *w = begin();
	size_t before, after;
	(void)make(w, "ann", "iam:ListUsers");
	for (int i = 0; i < 100; i++)
		(void)begin_report(w, HERE "user/ann", "SERVICE");
	world_in_fiber(w, count_jobs, &before);
	world_later(w, 8 * DAY);
	(void)begin_report(w, HERE "user/ann", "SERVICE");
	world_in_fiber(w, count_jobs, &after);
	EXPECT(before == 100 && after < 101 && after >= 101 - 64);
	for (int i = 0; i < 9; i++)
		(void)begin_report(w, HERE "user/ann", "SERVICE");
	world_in_fiber(w, count_jobs, &after);
	EXPECT(after == 10);
	world_end(w);
}

RUN_ALL(T(every_attempt_counts_denied_ones_too), T(only_what_policies_allow_is_listed),
	T(actions_are_told_of_when_asked_for), T(groups_and_policies_tell_of_their_people),
	T(a_role_is_told_of_by_its_sessions), T(a_federated_session_counts_for_its_user),
	T(what_is_not_served_is_not_tracked), T(uses_of_long_ago_are_forgotten),
	T(a_job_is_its_makers_and_lasts_a_week), T(old_jobs_go_a_few_at_a_time), T(a_report_on_what_is_gone_has_failed),
	T(what_is_no_identity_is_refused), T(a_long_trail_is_read_piece_by_piece_and_once))

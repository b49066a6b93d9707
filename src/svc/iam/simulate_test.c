/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Simulations, and above all that simulate and enforce agree: the same random policies, principals and requests go
 * through the life of a request and through the simulator, and the answers are compared.
 *
 * A request is tried by calling it. All targets are chosen so that nothing changes: what is
 * allowed reads something or fails after authorization, what is denied is AccessDenied. The
 * simulator is told the context such a request has. Everything is drawn from small pools, so
 * that things often match; the seed is fixed, so a failure repeats.
 */
#include "kms_api.h"
#include "svc/identities_testing.h"

enum { ROUNDS = 200, EACH = 20 };

static uint64_t rnd(uint64_t *seed)
{
	uint64_t z = (*seed += UINT64_C(0x9e3779b97f4a7c15));
	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}
static size_t pick(uint64_t *seed, size_t n) { return (size_t)(rnd(seed) % n); }
#define ONE_OF(seed, pool) (pool)[pick(seed, COUNT(pool))]
static bool chance(uint64_t *seed, int percent) { return pick(seed, 100) < (size_t)percent; }

#define HERE "arn:aws:iam::111122223333:"
#define ROLE HERE "role/app"
#define ANN  HERE "user/team/ann"
#define READ "arn:aws:iam::aws:policy/ReadOnlyAccess"

/* ---- policies ---------------------------------------------------------------------------------- */

static const char *const actions[] = { "*",
				       "iam:*",
				       "iam:*",
				       "iam:Get*",
				       "iam:GetUser",
				       "IAM:getuser",
				       "iam:List*",
				       "iam:?etUser",
				       "iam:AttachUserPolicy",
				       "kms:*",
				       "kms:DescribeKey",
				       "sts:*",
				       "sts:AssumeRole",
				       "kms:D*",
				       "iam:Tag*" };
static const char *const resources[] = {
	"*",
	"*",
	HERE "user/*",
	HERE "user/team/*",
	HERE "user/team/ann",
	HERE "user/${aws:username}",
	HERE "user/${aws:PrincipalTag/team, ^team^}/*",
	HERE "role/*",
	"arn:aws:kms:*:111122223333:key/*",
	"arn:aws:kms:us-east-1:111122223333:key/?\?\?\?\?\?\?\?-*",
	HERE "user/b?b",
};
static const char *const conditions[] = {
	"'StringEquals':{'aws:username':'ann'}",
	"'StringNotEquals':{'aws:username':['bob','eve']}",
	"'StringLike':{'aws:PrincipalTag/team':'r*'}",
	"'StringNotLikeIfExists':{'aws:PrincipalTag/TEAM':'red'}",
	"'StringEquals':{'aws:ResourceTag/team':'${aws:PrincipalTag/team}'}",
	"'StringEqualsIfExists':{'iam:ResourceTag/team':'blue'}",
	"'IpAddress':{'aws:SourceIp':'192.0.2.0/24'}",
	"'NotIpAddress':{'aws:SourceIp':['192.0.2.0/28','10.0.0.0/8']}",
	"'DateLessThan':{'aws:CurrentTime':'2026-06-01T00:00:00Z'}",
	"'NumericGreaterThan':{'aws:EpochTime':'1767225599'}",
	"'Bool':{'aws:SecureTransport':'true'}",
	"'BoolIfExists':{'aws:MultiFactorAuthPresent':'false'}",
	"'Null':{'aws:TokenIssueTime':'true'}",
	"'Null':{'iam:PolicyARN':'false'}",
	"'ArnLike':{'iam:PolicyARN':'arn:aws:iam::aws:policy/*ReadOnly*'}",
	"'ArnEquals':{'aws:PrincipalArn':['" ANN "','" ROLE "']}",
	"'ArnNotLike':{'aws:PrincipalArn':'" HERE "role/*'}",
	"'StringEquals':{'aws:PrincipalType':'User'}",
	"'StringEquals':{'aws:RequestedRegion':'us-east-1'}",
	"'StringEquals':{'aws:ResourceAccount':'${aws:PrincipalAccount}'}",
	"'ForAllValues:StringEquals':{'aws:TagKeys':['team','cost']}",
	"'ForAnyValue:StringEquals':{'aws:TagKeys':'team'}",
	"'StringEquals':{'aws:RequestTag/team':['red','green']}",
	"'StringLike':{'aws:UserAgent':'t?st'}",
	"'StringEquals':{'aws:ViaAWSService':'false'}",
	"'StringEquals':{'kms:CallerAccount':'111122223333'}",
	"'StringEqualsIgnoreCase':{'aws:username':'ANN'},'Bool':{'aws:SecureTransport':'true'}",
};
static const char *const principals[] = { "'*'",
					  "{'AWS':'111122223333'}",
					  "{'AWS':'" ANN "'}",
					  "{'AWS':'" ROLE "'}",
					  "{'AWS':['" HERE "user/bob','" HERE "root']}",
					  "{'AWS':'444455556666'}" };

static void put_some(uint64_t *seed, struct buf *b, const char *name, const char *const *pool, size_t n)
{
	size_t many = 1 + pick(seed, 2);
	buf_printf(b, "'%s':[", name);
	for (size_t i = 0; i < many; i++)
		buf_printf(b, "%s'%s'", i ? "," : "", pool[pick(seed, n)]);
	buf_z(b, "]");
}

enum form { IDENTITY, KEY_POLICY, TRUST_POLICY };

static void put_statement(uint64_t *seed, struct buf *b, enum form form)
{
	static const char *const assume[] = { "sts:AssumeRole", "sts:*", "sts:Assume*" };
	buf_printf(b, "{'Effect':'%s',", chance(seed, 18) ? "Deny" : "Allow");
	if (form != IDENTITY)
		buf_printf(b, "'Principal':%s,", ONE_OF(seed, principals));
	if (form == TRUST_POLICY)
		put_some(seed, b, "Action", assume, COUNT(assume));
	else
		put_some(seed, b, form == IDENTITY && chance(seed, 12) ? "NotAction" : "Action", actions,
			 COUNT(actions));
	if (form != TRUST_POLICY) {
		buf_byte(b, ',');
		put_some(seed, b, chance(seed, 10) ? "NotResource" : "Resource", resources, COUNT(resources));
	}
	if (chance(seed, 45))
		buf_printf(b, ",'Condition':{%s}", ONE_OF(seed, conditions));
	buf_byte(b, '}');
}

/* To stand in a JSON string: its quotes are escaped, and '^' stands for the quotes of a variable's default. */
static struct str document(struct test_world *w, uint64_t *seed, enum form form)
{
	struct buf b = buf_in(world_mem(w)), escaped = buf_in(world_mem(w));
	size_t n = 1 + pick(seed, 3);
	buf_z(&b, "{'Version':'2012-10-17','Statement':[");
	for (size_t i = 0; i < n; i++) {
		buf_z(&b, i ? "," : "");
		put_statement(seed, &b, form);
	}
	if (form == KEY_POLICY) /* so that it is about every key, as the simulator wants it */
		buf_z(&b, ",{'Effect':'Deny','Principal':'*','Action':'kms:Nothing','Resource':'*'}");
	buf_z(&b, "]}");
	for (size_t i = 0; i < b.n; i++) {
		if (b.p[i] == '\'')
			buf_z(&escaped, "\\\"");
		else if (b.p[i] == '^')
			buf_z(&escaped, "\\u0027");
		else
			buf_byte(&escaped, b.p[i]);
	}
	return buf_str(&escaped);
}

/* ---- the world --------------------------------------------------------------------------------------- */

struct play {
	struct test_world *w;
	uint64_t seed;
	bool role;           /* a session of the role asks, not ann */
	const char *tags[2]; /* the value of tag team: ann's, the role's; NULL: none */
	struct str key, key_policy, trust;
	size_t cases, answers[3];
};

#define KMS(w, op, ...) world_call(w, world_root(w), "kms", op, __VA_ARGS__)

static void begin_play(struct play *p)
{
	static const struct service *const all[] = { &sts_service, &iam_service, &kms_service, &world_trail, NULL };
	struct test_world *w = p->w = world_begin(
	    &(struct world_parts){ .services = all, .identity = &iam_identity, .now_ms = INT64_C(1000) * JAN_1_S });
	WORKS(IAM(w, "CreateUser", "{'UserName':'ann','Path':'/team/'}"));
	WORKS(IAM(w, "CreateUser", "{'UserName':'bob','Tags':[{'Key':'team','Value':'red'}]}"));
	WORKS(IAM(w, "CreateGroup", "{'GroupName':'g'}"));
	WORKS(IAM(w, "AddUserToGroup", "{'GroupName':'g','UserName':'ann'}"));
	WORKS(IAM(w, "CreateRole", "{'RoleName':'app','AssumeRolePolicyDocument':'" TRUST("111122223333") "'}"));
}

/* What does not fit a quota leaves what was there before. */
static void put(struct play *p, const char *kind, const char *name, const char *policy)
{
	char op[32];
	snprintf(op, sizeof op, "Put%sPolicy", kind);
	struct str d = document(p->w, &p->seed, IDENTITY);
	struct test_reply r =
	    IAM(p->w, op, "{'%sName':'%s','PolicyName':'%s','PolicyDocument':'%.*s'}", kind, name, policy, PR(d));
	if (!str_eq(r.code, S("LimitExceeded")))
		WORKS(r);
}

/* A managed policy is attached, made anew and taken away again, or the other way round. */
static void managed(struct play *p, const char *kind, const char *name)
{
	struct test_world *w = p->w;
	char attach[32], detach[32];
	snprintf(attach, sizeof attach, "Attach%sPolicy", kind);
	snprintf(detach, sizeof detach, "Detach%sPolicy", kind);
	(void)IAM(w, detach, "{'%sName':'%s','PolicyArn':'" HERE "policy/%s'}", kind, name, kind);
	(void)IAM(w, "DeletePolicy", "{'PolicyArn':'" HERE "policy/%s'}", kind);
	if (chance(&p->seed, 50))
		return;
	struct str d = document(w, &p->seed, IDENTITY);
	WORKS(IAM(w, "CreatePolicy", "{'PolicyName':'%s','PolicyDocument':'%.*s'}", kind, PR(d)));
	WORKS(IAM(w, attach, "{'%sName':'%s','PolicyArn':'" HERE "policy/%s'}", kind, name, kind));
}

static void boundary(struct play *p, const char *kind, const char *name)
{
	struct test_world *w = p->w;
	char op[48];
	snprintf(op, sizeof op, "Delete%sPermissionsBoundary", kind);
	(void)IAM(w, op, "{'%sName':'%s'}", kind, name);
	(void)IAM(w, "DeletePolicy", "{'PolicyArn':'" HERE "policy/bound%s'}", kind);
	if (chance(&p->seed, 70))
		return;
	struct str d = document(w, &p->seed, IDENTITY);
	WORKS(IAM(w, "CreatePolicy", "{'PolicyName':'bound%s','PolicyDocument':'%.*s'}", kind, PR(d)));
	snprintf(op, sizeof op, "Put%sPermissionsBoundary", kind);
	WORKS(IAM(w, op, "{'%sName':'%s','PermissionsBoundary':'" HERE "policy/bound%s'}", kind, name, kind));
}

static void tag(struct play *p, const char *kind, const char *name)
{
	static const char *const values[] = { "red", "blue", "team" };
	char op[32];
	snprintf(op, sizeof op, "Untag%s", kind);
	WORKS(IAM(p->w, op, "{'%sName':'%s','TagKeys':['team']}", kind, name));
	p->tags[p->role] = chance(&p->seed, 30) ? NULL : ONE_OF(&p->seed, values);
	snprintf(op, sizeof op, "Tag%s", kind);
	if (p->tags[p->role])
		WORKS(IAM(p->w, op, "{'%sName':'%s','Tags':[{'Key':'team','Value':'%s'}]}", kind, name,
			  p->tags[p->role]));
}

/* New policies for everybody. */
static void shuffle(struct play *p)
{
	struct test_world *w = p->w;
	p->role = chance(&p->seed, 30);
	const char *kind = p->role ? "Role" : "User", *name = p->role ? "app" : "ann";
	put(p, kind, name, "one");
	if (chance(&p->seed, 50))
		put(p, kind, name, "two");
	if (!p->role) {
		put(p, "Group", "g", "own");
		managed(p, "Group", "g");
	}
	managed(p, kind, name);
	boundary(p, kind, name);
	tag(p, kind, name);
	p->trust = document(w, &p->seed, TRUST_POLICY);
	WORKS(IAM(w, "UpdateAssumeRolePolicy", "{'RoleName':'app','PolicyDocument':'%.*s'}", PR(p->trust)));
	p->key_policy = document(w, &p->seed, KEY_POLICY);
	struct test_reply key =
	    KMS(w, "CreateKey", "{'Policy':'%.*s','BypassPolicyLockoutSafetyCheck':true}", PR(p->key_policy));
	WORKS(key);
	p->key = world_field(w, key, "KeyMetadata.Arn");
}

static struct caller asking(struct play *p)
{
	if (!p->role)
		return user_caller(p->w, "ann");
	struct str id = world_field(p->w, IAM(p->w, "GetRole", "{'RoleName':'app'}"), "Role.RoleId");
	return (struct caller){
		.kind = CALLER_ROLE,
		.account = WORLD_ACCOUNT,
		.arn = S("arn:aws:sts::111122223333:assumed-role/app/s"),
		.principal_id = arena_printf(world_mem(p->w), "%.*s:s", PR(id)),
		.name = S("s"),
		.access_key_id = S("ASIATESTTESTTESTTEST"),
		.role_arn = S(ROLE),
		.role_id = id,
		.role_name = S("app"),
		.issued_ms = INT64_C(1000) * JAN_1_S,
		.expires_ms = INT64_C(1000) * (JAN_1_S + 3600),
	};
}

/* ---- one request, both ways ------------------------------------------------------------------------------ */

struct question {
	const char *service, *op, *json, *action, *resource;
	const char *context;                          /* entries beyond those every request has */
	enum { BOBS = 1, THE_ROLES, NOBODYS } target; /* whose tags the resource has */
};
static const struct question questions[] = {
	{ "iam", "GetUser", "{'UserName':'bob'}", "iam:GetUser", HERE "user/bob", "", BOBS },
	{ "iam", "GetUser", "{'UserName':'BOB'}", "iam:GetUser", HERE "user/bob", "", BOBS },
	{ "iam", "GetUser", "{'UserName':'nobody'}", "iam:GetUser", HERE "user/nobody", "", NOBODYS },
	{ "iam", "ListUsers", "{}", "iam:ListUsers", HERE "user/", "", NOBODYS },
	{ "iam", "AttachUserPolicy", "{'UserName':'nobody','PolicyArn':'" READ "'}", "iam:AttachUserPolicy",
	  HERE "user/nobody",
	  ",{'ContextKeyName':'iam:PolicyARN','ContextKeyType':'string','ContextKeyValues':['" READ "']}", NOBODYS },
	{ "iam", "TagUser", "{'UserName':'nobody','Tags':[{'Key':'team','Value':'red'},{'Key':'x','Value':''}]}",
	  "iam:TagUser", HERE "user/nobody",
	  ",{'ContextKeyName':'aws:TagKeys','ContextKeyType':'stringList','ContextKeyValues':['team','x']}"
	  ",{'ContextKeyName':'aws:RequestTag/team','ContextKeyType':'string','ContextKeyValues':['red']}"
	  ",{'ContextKeyName':'aws:RequestTag/x','ContextKeyType':'string','ContextKeyValues':['']}",
	  NOBODYS },
	{ "kms", "DescribeKey", "{'KeyId':'%.*s'}", "kms:DescribeKey", NULL,
	  ",{'ContextKeyName':'kms:CallerAccount','ContextKeyType':'string','ContextKeyValues':['111122223333']}",
	  NOBODYS },
	{ "sts", "AssumeRole", "{'RoleArn':'" ROLE "','RoleSessionName':'session'}", "sts:AssumeRole", ROLE, "",
	  THE_ROLES },
};
enum { NO_ROLES = 2 }; /* the last two have resource policies, which the simulator takes for users only */

enum answer { ALLOWED, IMPLICIT, EXPLICIT };

static enum answer enforced(struct play *p, const struct question *q)
{
	struct str text = str_of(q->json);
	if (!q->resource)
		text = arena_printf(world_mem(p->w), "{'KeyId':'%.*s'}", PR(p->key));
	struct test_reply r = world_call(p->w, asking(p), q->service, q->op, "%.*s", PR(text));
	if (!str_starts(r.code, S("AccessDenied"))) {
		if (!str_eq(r.code, S("NoSuchEntity")))
			WORKS(r);
		return ALLOWED;
	}
	return str_find(r.text, S("with an explicit deny")) == SIZE_MAX ? IMPLICIT : EXPLICIT;
}

static void put_entry(struct buf *b, const char *name, const char *type, const char *value)
{
	buf_printf(b, ",{'ContextKeyName':'%s','ContextKeyType':'%s','ContextKeyValues':['%s']}", name, type, value);
}

static struct str context(const struct play *p, const struct question *q)
{
	struct buf b = buf_in(world_mem(p->w));
	const char *target = q->target == BOBS ? "red" : q->target == THE_ROLES ? p->tags[1] : NULL;
	buf_z(&b, "{'ContextKeyName':'aws:SourceIp','ContextKeyType':'ip','ContextKeyValues':['192.0.2.1']}");
	put_entry(&b, "aws:CurrentTime", "date", "2026-01-01T00:00:00Z");
	put_entry(&b, "aws:EpochTime", "numeric", "1767225600");
	put_entry(&b, "aws:SecureTransport", "boolean", "true");
	put_entry(&b, "aws:RequestedRegion", "string", "us-east-1");
	put_entry(&b, "aws:ResourceAccount", "string", "111122223333");
	put_entry(&b, "aws:ViaAWSService", "boolean", "false");
	put_entry(&b, "aws:UserAgent", "string", "test");
	if (p->role) {
		put_entry(&b, "aws:TokenIssueTime", "date", "2026-01-01T00:00:00Z");
		put_entry(&b, "aws:MultiFactorAuthPresent", "boolean", "false");
	}
	if (p->tags[p->role])
		put_entry(&b, "aws:PrincipalTag/team", "string", p->tags[p->role]);
	if (target) {
		put_entry(&b, "aws:ResourceTag/team", "string", target);
		put_entry(&b, "iam:ResourceTag/team", "string", target);
	}
	buf_z(&b, q->context);
	return buf_str(&b);
}

static enum answer simulated(struct play *p, const struct question *q)
{
	struct str resource = q->resource ? str_of(q->resource) : p->key, policy = { 0 };
	if (!q->resource)
		policy = p->key_policy;
	if (!strcmp(q->service, "sts"))
		policy = p->trust;
	struct str given = context(p, q);
	struct buf b = buf_in(world_mem(p->w));
	if (policy.p)
		buf_printf(&b, ",'ResourcePolicy':'%.*s'", PR(policy));
	struct test_reply r = IAM(p->w, "SimulatePrincipalPolicy",
				  "{'PolicySourceArn':'%s','ActionNames':['%s'],'ResourceArns':['%.*s'],"
				  "'ContextEntries':[%.*s]%.*s}",
				  p->role ? ROLE : ANN, q->action, PR(resource), PR(given), PR(buf_str(&b)));
	WORKS(r);
	struct str said = world_field(p->w, r, "EvaluationResults.0.EvalDecision");
	return str_eq(said, S("allowed")) ? ALLOWED : str_eq(said, S("implicitDeny")) ? IMPLICIT : EXPLICIT;
}

static void compare(struct play *p, const struct question *q)
{
	enum answer is = enforced(p, q), would = simulated(p, q);
	if (!strcmp(q->service, "sts") && would == EXPLICIT)
		would = IMPLICIT; /* a refused AssumeRole does not say how it is refused */
	p->cases++;
	p->answers[is]++;
	if (is != would)
		printf("# case %zu, %s: %s is answered %d, simulated %d\n", p->cases, p->role ? "role" : "ann",
		       q->action, (int)is, (int)would);
	EXPECT(is == would);
}

static void what_is_simulated_is_what_is_enforced(void)
{
	struct play p = { .seed = 20260101 };
	begin_play(&p);
	for (size_t i = 0; i < ROUNDS; i++) {
		shuffle(&p);
		for (size_t k = 0; k < EACH; k++)
			compare(&p, &questions[pick(&p.seed, COUNT(questions) - (p.role ? NO_ROLES : 0))]);
	}
	printf("# %zu cases: %zu allowed, %zu not allowed, %zu denied\n", p.cases, p.answers[ALLOWED],
	       p.answers[IMPLICIT], p.answers[EXPLICIT]);
	for (size_t i = 0; i < COUNT(p.answers); i++)
		EXPECT(p.answers[i] > p.cases / 20);
	world_end(p.w);
}

static void a_simulation_does_nothing_and_needs_nothing_to_exist(void)
{
	struct test_world *w = begin();
	WORKS(IAM(w, "CreateUser", "{'UserName':'ann'}"));
	WORKS(IAM(w, "PutUserPolicy", "{'UserName':'ann','PolicyName':'p','PolicyDocument':'" ALLOW_ALL "'}"));
	struct test_reply r = IAM(w, "SimulatePrincipalPolicy",
				  "{'PolicySourceArn':'" HERE "user/ann','ActionNames':['iam:DeleteUser','no:Thing'],"
				  "'ResourceArns':['" HERE "user/ann','arn:aws:no:::such']}");
	WORKS(r);
	EXPECT_STR(world_field(w, r, "EvaluationResults.0.EvalDecision"), S("allowed"));
	EXPECT_STR(world_field(w, r, "EvaluationResults.1.EvalDecision"), S("allowed"));
	WORKS(IAM(w, "GetUser", "{'UserName':'ann'}"));
	world_end(w);
}

static void a_change_counts_for_the_next_simulation(void)
{
	struct test_world *w = begin();
	static const char ask[] = "{'PolicySourceArn':'" HERE "user/ann','ActionNames':['s3:GetObject']}";
	WORKS(IAM(w, "CreateUser", "{'UserName':'ann'}"));
	WORKS(IAM(w, "CreateGroup", "{'GroupName':'g'}"));
	WORKS(IAM(w, "PutGroupPolicy", "{'GroupName':'g','PolicyName':'p','PolicyDocument':'" ALLOW_ALL "'}"));
	struct test_reply before = IAM(w, "SimulatePrincipalPolicy", ask);
	WORKS(IAM(w, "AddUserToGroup", "{'GroupName':'g','UserName':'ann'}"));
	struct test_reply within = IAM(w, "SimulatePrincipalPolicy", ask);
	WORKS(IAM(w, "RemoveUserFromGroup", "{'GroupName':'g','UserName':'ann'}"));
	struct test_reply after = IAM(w, "SimulatePrincipalPolicy", ask);
	EXPECT_STR(world_field(w, before, "EvaluationResults.0.EvalDecision"), S("implicitDeny"));
	EXPECT_STR(world_field(w, within, "EvaluationResults.0.EvalDecision"), S("allowed"));
	EXPECT_STR(world_field(w, within, "EvaluationResults.0.MatchedStatements.0.SourcePolicyId"), S("group_g_p"));
	EXPECT_STR(world_field(w, after, "EvaluationResults.0.EvalDecision"), S("implicitDeny"));
	world_end(w);
}

RUN_ALL(T(a_simulation_does_nothing_and_needs_nothing_to_exist), T(a_change_counts_for_the_next_simulation),
	T(what_is_simulated_is_what_is_enforced))

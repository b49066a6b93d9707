/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Roles of running programs: who gets credentials in either form, for how long they are
 * handed out, how the trail shows it, and everybody who must not get any.
 */
#include "svc/sts/endpoint.h"

#include "api/authz.h"
#include "base/fiber.h"
#include "base/time.h"
#include "svc/identities_testing.h"
#include "svc/sts/workload.h"
#include "wire/http_testing.h"
#include "wire/json_text.h"

#define ROLE_ARN(name) "arn:aws:iam::111122223333:role/" name
#define TRUST_SERVICE(principal)                                                                              \
	"{\\\"Version\\\":\\\"2012-10-17\\\",\\\"Statement\\\":{\\\"Effect\\\":\\\"Allow\\\",\\\"Action\\\":" \
	"\\\"sts:AssumeRole\\\",\\\"Principal\\\":{\\\"Service\\\":\\\"" principal "\\\"}}}"

/* ---- reading ------------------------------------------------------------------------------ */

static struct endpoint_request get(const char *path)
{
	return (struct endpoint_request){
		.method = S("GET"), .path = str_of(path), .host = S("127.0.0.1:4570"), .token = S("t"), .port = 4570
	};
}

static void only_this_machines_own_names_are_answered(void)
{
	static const struct {
		const char *host;
		int status;
	} cases[] = {
		{ "127.0.0.1:4570", 0 },
		{ "127.9.9.9:4570", 0 },
		{ "localhost:4570", 0 },
		{ "LOCALHOST:4570", 0 },
		{ "[::1]:4570", 0 },
		{ "127.0.0.1", 403 },
		{ "127.0.0.1:4571", 403 },
		{ "127.0.0.1:+4570", 403 },
		{ "127.0.0.1:04570", 0 },
		{ "127.0.0.1:004570", 403 },
		{ "127.0.0.1:", 403 },
		{ "127.0.0.1:4570:4570", 403 },
		{ "evil.example:4570", 403 },
		{ "127.0.0.1.evil.example:4570", 403 },
		{ "localhost.evil.example:4570", 403 },
		{ "[::1]", 403 },
		{ "[::1", 403 },
		{ "[::1]4570", 403 },
		{ "[::2]:4570", 403 },
		{ "[]:4570", 403 },
		{ "", 403 },
		{ "169.254.169.254:4570", 403 },
	};
	struct endpoint_ask ask;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct endpoint_request rq = get("/v1/credentials/shop");
		rq.host = str_of(cases[i].host);
		if (endpoint_read_container(&rq, &ask) != cases[i].status)
			printf("# %s\n", cases[i].host);
		EXPECT(endpoint_read_container(&rq, &ask) == cases[i].status);
		rq.path = S("/latest/meta-data/");
		EXPECT(endpoint_read_instance(&rq, &ask) == cases[i].status);
	}
	struct endpoint_request rq = get("/v1/credentials/shop");
	rq.host = (struct str){ 0 };
	EXPECT(endpoint_read_container(&rq, &ask) == 403);
	rq = get("/");
	rq.port = 80;
	rq.host = S("localhost");
	EXPECT(endpoint_read_container(&rq, &ask) == 404);
}

static void what_was_forwarded_or_sent_by_a_page_is_refused(void)
{
	struct endpoint_ask ask;
	struct endpoint_request rq = get("/latest/meta-data/");
	rq.forwarded_for = S("");
	EXPECT(endpoint_read_instance(&rq, &ask) == 403);
	EXPECT(endpoint_read_container(&rq, &ask) == 403);
	rq = get("/latest/meta-data/");
	rq.origin = S("http://127.0.0.1:4570");
	EXPECT(endpoint_read_instance(&rq, &ask) == 403);
	rq.method = S("PUT");
	rq.path = S("/latest/api/token");
	rq.ttl = S("60");
	EXPECT(endpoint_read_instance(&rq, &ask) == 403);
}

static void paths_are_what_they_are(void)
{
	static const struct {
		const char *path;
		enum endpoint_what what;
	} cases[] = {
		{ "/latest/meta-data", ENDPOINT_INDEX },
		{ "/latest/meta-data/", ENDPOINT_INDEX },
		{ "/latest/meta-data/iam/", ENDPOINT_INDEX },
		{ "/latest/meta-data/iam/info", ENDPOINT_IAM_INFO },
		{ "/latest/meta-data/iam/security-credentials", ENDPOINT_ROLE_NAME },
		{ "/latest/meta-data/iam/security-credentials/", ENDPOINT_ROLE_NAME },
		{ "/latest/meta-data/iam/security-credentials/app", ENDPOINT_ROLE },
		{ "/latest/meta-data/instance-id", ENDPOINT_INSTANCE_ID },
		{ "/latest/meta-data/placement/region", ENDPOINT_REGION },
		{ "/latest/dynamic/instance-identity/document", ENDPOINT_DOCUMENT },
		{ "/latest/meta-data/placement/availability-zone/", ENDPOINT_NOTHING },
		{ "/latest/meta-data//", ENDPOINT_NOTHING },
		{ "/latest/../latest/meta-data/", ENDPOINT_NOTHING },
		{ "/latest/meta%2ddata/", ENDPOINT_NOTHING },
		{ "/2021-07-15/meta-data/", ENDPOINT_NOTHING },
		{ "/", ENDPOINT_NOTHING },
		{ "", ENDPOINT_NOTHING },
	};
	struct endpoint_ask ask;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct endpoint_request rq = get(cases[i].path);
		bool there = cases[i].what != ENDPOINT_NOTHING;
		EXPECT(endpoint_read_instance(&rq, &ask) == (there ? 0 : 404));
		EXPECT(ask.what == cases[i].what);
		rq.query = S("a=b");
		EXPECT(endpoint_read_instance(&rq, &ask) == 404);
		rq.query = (struct str){ 0 };
		rq.method = S("POST");
		EXPECT(endpoint_read_instance(&rq, &ask) == 405);
		rq.method = S("GET");
		rq.token = (struct str){ 0 };
		EXPECT(endpoint_read_instance(&rq, &ask) == 401);
	}
	struct endpoint_request rq = get("/v1/credentials/shop/x");
	EXPECT(endpoint_read_container(&rq, &ask) == 0); /* a name that nobody has */
	rq.query = S("");
	EXPECT(endpoint_read_container(&rq, &ask) == 404);
	rq = get("/v1/credentials/shop");
	rq.method = S("PUT");
	EXPECT(endpoint_read_container(&rq, &ask) == 405);
}

static void a_metadata_token_is_asked_for_a_second_to_six_hours(void)
{
	static const struct {
		const char *ttl;
		int status;
	} cases[] = {
		{ "1", 0 },   { "21600", 0 }, { "0", 400 },    { "21601", 400 }, { "-1", 400 },
		{ "", 400 },  { "+60", 400 }, { " 60", 400 },  { "6e1", 400 },   { "000060", 400 },
		{ "x", 400 }, { NULL, 400 },  { "60.0", 400 }, { "0x10", 400 },
	};
	struct endpoint_ask ask;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct endpoint_request rq = get("/latest/api/token");
		rq.method = S("PUT");
		rq.ttl = cases[i].ttl ? str_of(cases[i].ttl) : (struct str){ 0 };
		EXPECT(endpoint_read_instance(&rq, &ask) == cases[i].status);
	}
	struct endpoint_request rq = get("/latest/api/token");
	rq.ttl = S("60");
	EXPECT(endpoint_read_instance(&rq, &ask) == 405);
}

/* ---- a server ------------------------------------------------------------------------------ */

struct place {
	struct test_world *w;
	struct http_server *containers, *instances;
	int container_port, instance_port;
	struct str token;
};

static void open_list(void *arg) { workloads_open(world_app(arg)); }

static struct place place_begin(void)
{
	static const struct http_listen at = { .addr = { "127.0.0.1", 9 } };
	static const struct http_options o = { .listen = &at, .n_listen = 1, .threads = 1 };
	struct place p = { .w = begin() };
	fiber_block_on(open_list, p.w);
	EXPECT_OK(http_start(&o, endpoint_serve_container, world_app(p.w), &p.containers));
	EXPECT_OK(http_start(&o, endpoint_serve_instance, world_app(p.w), &p.instances));
	p.container_port = http_port(p.containers, 0);
	p.instance_port = http_port(p.instances, 0);
	return p;
}

static void place_end(struct place *p)
{
	http_stop(p->containers, 1000);
	http_stop(p->instances, 1000);
	workloads_close(world_app(p->w));
	world_end(p->w);
}

struct adding {
	struct place *p;
	const char *name, *role;
	enum sts_workload_form form;
	struct workload made;
	struct str token;
	struct status st;
};

static void add_in_fiber(void *arg)
{
	struct adding *a = arg;
	a->st = workload_add(world_app(a->p->w), world_mem(a->p->w), str_of(a->name), str_of(a->role), a->form,
			     a->form == STS_WORKLOAD_FORM_INSTANCE ? a->p->instance_port : 0, &a->made, &a->token);
}

static struct adding add(struct place *p, const char *name, const char *role, enum sts_workload_form form)
{
	struct adding a = { .p = p, .name = name, .role = role, .form = form };
	fiber_block_on(add_in_fiber, &a);
	return a;
}

static void remove_in_fiber(void *arg)
{
	struct adding *a = arg;
	a->st = workload_remove(world_app(a->p->w), world_mem(a->p->w), str_of(a->name));
}

static struct status removed(struct place *p, const char *name)
{
	struct adding a = { .p = p, .name = name };
	fiber_block_on(remove_in_fiber, &a);
	return a.st;
}

static void make_role(struct place *p, const char *name, const char *trust)
{
	WORKS(IAM(p->w, "CreateRole", "{'RoleName':'%s','AssumeRolePolicyDocument':'%s'}", name, trust));
	WORKS(
	    IAM(p->w, "PutRolePolicy", "{'RoleName':'%s','PolicyName':'own','PolicyDocument':'%s'}", name, ALLOW_ALL));
}

static struct got ask_at(struct place *p, int port, const char *method, const char *path, const char *more)
{
	return client_ask(port, world_mem(p->w),
			  arena_printf(world_mem(p->w),
				       "%s %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n%sContent-Length: 0\r\n\r\n", method,
				       path, port, more));
}

static struct got as_container(struct place *p, const char *name, struct str token)
{
	return ask_at(p, p->container_port, "GET",
		      str_z(world_mem(p->w), arena_printf(world_mem(p->w), "/v1/credentials/%s", name)),
		      str_z(world_mem(p->w), arena_printf(world_mem(p->w), "Authorization: %.*s\r\n", PR(token))));
}

static struct str in(struct place *p, struct got g, const char *name)
{
	return json_lookup_string(world_mem(p->w), g.body, name);
}

static struct caller caller_of(struct place *p, struct str session_token)
{
	struct opening_token o = { .token = session_token, .mem = world_mem(p->w) };
	world_in_fiber(p->w, open_token, &o);
	return o.who;
}

static void a_container_gets_its_roles_credentials(void)
{
	struct place p = place_begin();
	make_role(&p, "app", TRUST_SERVICE("ecs-tasks.amazonaws.com"));
	struct adding a = add(&p, "shop", ROLE_ARN("app"), STS_WORKLOAD_FORM_CONTAINER);
	EXPECT_OK(a.st);
	EXPECT(a.token.n == 43 && a.made.id.n == 32);
	struct got g = as_container(&p, "shop", a.token);
	EXPECT(g.status == 200);
	EXPECT_STR(got_header(g, "Content-Type"), S("application/json"));
	EXPECT_STR(got_header(g, "Cache-Control"), S("no-store"));
	EXPECT_STR(in(&p, g, "RoleArn"), S(ROLE_ARN("app")));
	EXPECT(str_starts(in(&p, g, "AccessKeyId"), S("ASIA")));
	EXPECT(in(&p, g, "SecretAccessKey").n == 40);
	EXPECT_STR(in(&p, g, "Expiration"), S("2026-01-01T06:00:00Z"));
	struct caller who = caller_of(&p, in(&p, g, "Token"));
	EXPECT_STR(who.arn,
		   arena_printf(world_mem(p.w), "arn:aws:sts::111122223333:assumed-role/app/%.*s", PR(a.made.id)));
	EXPECT(!who.chained);
	WORKS(AS(p.w, who, "iam", "ListUsers", "{}"));
	place_end(&p);
}

static void an_instance_gets_them_with_a_metadata_token(void)
{
	struct place p = place_begin();
	struct arena *mem = world_mem(p.w);
	make_role(&p, "app", TRUST_SERVICE("ec2.amazonaws.com"));
	struct adding a = add(&p, "shop", ROLE_ARN("app"), STS_WORKLOAD_FORM_INSTANCE);
	EXPECT_OK(a.st);
	EXPECT(str_starts(a.made.id, S("i-")) && a.made.id.n == 19);
	struct got g =
	    ask_at(&p, p.instance_port, "PUT", "/latest/api/token", "X-aws-ec2-metadata-token-ttl-seconds: 60\r\n");
	EXPECT(g.status == 200);
	EXPECT_STR(got_header(g, "X-Aws-Ec2-Metadata-Token-Ttl-Seconds"), S("60"));
	const char *token = str_z(mem, arena_printf(mem, "X-aws-ec2-metadata-token: %.*s\r\n", PR(g.body)));
	g = ask_at(&p, p.instance_port, "GET", "/latest/meta-data/iam/security-credentials/", token);
	EXPECT(g.status == 200);
	EXPECT_STR(g.body, S("app"));
	g = ask_at(&p, p.instance_port, "GET", "/latest/meta-data/iam/security-credentials/app", token);
	EXPECT(g.status == 200);
	EXPECT_STR(in(&p, g, "Code"), S("Success"));
	EXPECT_STR(in(&p, g, "Type"), S("AWS-HMAC"));
	EXPECT_STR(in(&p, g, "LastUpdated"), S("2026-01-01T00:00:00Z"));
	EXPECT_STR(in(&p, g, "Expiration"), S("2026-01-01T06:00:00Z"));
	struct caller who = caller_of(&p, in(&p, g, "Token"));
	EXPECT_STR(who.name, a.made.id);
	g = ask_at(&p, p.instance_port, "GET", "/latest/meta-data/iam/security-credentials/other", token);
	EXPECT(g.status == 404);
	g = ask_at(&p, p.instance_port, "GET", "/latest/meta-data/instance-id", token);
	EXPECT_STR(g.body, a.made.id);
	g = ask_at(&p, p.instance_port, "GET", "/latest/meta-data/placement/region", token);
	EXPECT_STR(g.body, S("us-east-1"));
	g = ask_at(&p, p.instance_port, "GET", "/latest/meta-data/iam/info", token);
	EXPECT_STR(in(&p, g, "Code"), S("Success"));
	g = ask_at(&p, p.instance_port, "GET", "/latest/dynamic/instance-identity/document", token);
	EXPECT_STR(in(&p, g, "accountId"), S("111122223333"));

	EXPECT(ask_at(&p, p.instance_port, "GET", "/latest/meta-data/", "").status == 401); /* no IMDSv1 */
	EXPECT(ask_at(&p, p.instance_port, "GET", "/latest/meta-data/", "X-aws-ec2-metadata-token: x\r\n").status ==
	       401);
	EXPECT(ask_at(&p, p.instance_port, "GET", "/none", "X-aws-ec2-metadata-token: x\r\n").status == 401);
	EXPECT(ask_at(&p, p.container_port, "GET", "/latest/meta-data/", token).status == 404);
	world_later(p.w, 60 * 1000);
	EXPECT(ask_at(&p, p.instance_port, "GET", "/latest/meta-data/", token).status == 401);
	place_end(&p);
}

#define DELIVERED(version, instance)                                                                                 \
	"{\\\"Version\\\":\\\"2012-10-17\\\",\\\"Statement\\\":{\\\"Effect\\\":\\\"Allow\\\",\\\"Action\\\":\\\"*"   \
	"\\\","                                                                                                      \
	"\\\"Resource\\\":\\\"*\\\",\\\"Condition\\\":{\\\"NumericEquals\\\":{\\\"ec2:RoleDelivery\\\":\\\"" version \
	"\\\"},\\\"ArnLike\\\":{\\\"ec2:SourceInstanceARN\\\":\\\"arn:aws:ec2:us-east-1:111122223333:"               \
	"instance/" instance "\\\"}}}}"

struct seeing {
	struct str token;
	bool allowed;
};

/* With the session's own policies, as for a request signed with it. */
static void see(struct req *rq, void *arg)
{
	struct seeing *s = arg;
	struct str secret;
	struct policy_decision d;
	const struct authz_item item = { .action = S("s3:GetObject"), .resource = S("arn:aws:s3:::b/k") };
	EXPECT_OK(token_open(rq, s->token, &rq->caller, &secret));
	EXPECT_OK(rq->app->identity->policies(rq, &rq->caller, &rq->policies));
	s->allowed = authz_evaluate(rq, &item, &d);
}

static bool may_read(struct place *p, struct str token)
{
	struct seeing s = { .token = token };
	world_in_fiber(p->w, see, &s);
	return s.allowed;
}

static void an_instances_session_says_how_it_was_delivered(void)
{
	struct place p = place_begin();
	make_role(&p, "app", TRUST_SERVICE("ec2.amazonaws.com"));
	make_role(&p, "task", TRUST_SERVICE("ecs-tasks.amazonaws.com"));
	EXPECT_OK(add(&p, "box", ROLE_ARN("app"), STS_WORKLOAD_FORM_INSTANCE).st);
	struct adding task = add(&p, "task", ROLE_ARN("task"), STS_WORKLOAD_FORM_CONTAINER);
	static const struct {
		const char *role, *document;
		bool allowed;
	} cases[] = {
		{ "app", DELIVERED("2.0", "i-*"), true },
		{ "app", DELIVERED("1.0", "i-*"), false },
		{ "app", DELIVERED("2.0", "i-0"), false },
		{ "task", DELIVERED("2.0", "*"), false },
	};
	for (size_t i = 0; i < COUNT(cases); i++) {
		WORKS(IAM(p.w, "PutRolePolicy", "{'RoleName':'%s','PolicyName':'own','PolicyDocument':'%s'}",
			  cases[i].role, cases[i].document));
		struct got g = ask_at(&p, p.instance_port, "PUT", "/latest/api/token",
				      "X-aws-ec2-metadata-token-ttl-seconds: 60\r\n");
		g = ask_at(&p, p.instance_port, "GET", "/latest/meta-data/iam/security-credentials/app",
			   str_z(world_mem(p.w),
				 arena_printf(world_mem(p.w), "X-aws-ec2-metadata-token: %.*s\r\n", PR(g.body))));
		if (!strcmp(cases[i].role, "task"))
			g = as_container(&p, "task", task.token);
		EXPECT(may_read(&p, in(&p, g, "Token")) == cases[i].allowed);
	}
	place_end(&p);
}

static void a_metadata_token_is_for_one_workload(void)
{
	struct place p = place_begin();
	struct arena *mem = world_mem(p.w);
	struct app *app = world_app(p.w);
	struct workload one = { .id = S("i-1") }, other = { .id = S("i-2") };
	struct str token = workload_metadata_token(app, mem, &one, 60);
	EXPECT(workload_metadata_token_is(app, mem, &one, token));
	EXPECT(!workload_metadata_token_is(app, mem, &other, token));
	for (size_t i = 0; i < token.n; i++) {
		char *changed = str_z(mem, token);
		changed[i] = changed[i] == 'A' ? 'B' : 'A';
		EXPECT(!workload_metadata_token_is(app, mem, &one, str_make(changed, token.n)));
		EXPECT(!workload_metadata_token_is(app, mem, &one, str_sub(token, 0, i)));
	}
	place_end(&p);
}

/* ---- who must not ---------------------------------------------------------------------------- */

static void nothing_but_the_right_token_opens(void)
{
	struct place p = place_begin();
	make_role(&p, "app", TRUST_SERVICE("ecs-tasks.amazonaws.com"));
	struct adding a = add(&p, "shop", ROLE_ARN("app"), STS_WORKLOAD_FORM_CONTAINER);
	struct adding b = add(&p, "till", ROLE_ARN("app"), STS_WORKLOAD_FORM_CONTAINER);
	struct got wrong = as_container(&p, "shop", S("x")), none = as_container(&p, "none", a.token);
	EXPECT(wrong.status == 401 && none.status == 401);
	EXPECT_STR(wrong.body, none.body); /* no telling which names there are */
	EXPECT(as_container(&p, "shop", b.token).status == 401);
	EXPECT(as_container(&p, "shop", S("")).status == 401);
	EXPECT(as_container(&p, "shop", str_sub(a.token, 0, 42)).status == 401);
	EXPECT(as_container(&p, "Shop", a.token).status == 401);
	EXPECT(as_container(&p, "sho%70", a.token).status == 401);
	EXPECT(ask_at(&p, p.container_port, "GET", "/v1/credentials/shop", "").status == 401);
	EXPECT(ask_at(&p, p.container_port, "GET", "/v1/credentials/", "").status == 401);
	EXPECT(ask_at(&p, p.container_port, "GET", "/", "").status == 404);
	EXPECT(as_container(&p, "shop", a.token).status == 200);
	place_end(&p);
}

static void an_instance_has_no_container_token(void)
{
	struct place p = place_begin();
	make_role(&p, "app", TRUST_SERVICE("ec2.amazonaws.com"));
	struct adding a = add(&p, "shop", ROLE_ARN("app"), STS_WORKLOAD_FORM_INSTANCE);
	EXPECT(as_container(&p, "shop", a.token).status == 401);
	place_end(&p);
}

static void a_role_must_trust_the_service(void)
{
	struct place p = place_begin();
	make_role(&p, "app", TRUST_SERVICE("ec2.amazonaws.com"));
	make_role(&p, "web", TRUST_SERVICE("ecs-tasks.amazonaws.com"));
	struct adding a = add(&p, "shop", ROLE_ARN("app"), STS_WORKLOAD_FORM_CONTAINER);
	struct got g = as_container(&p, "shop", a.token);
	EXPECT(g.status == 403);
	EXPECT_STR(
	    in(&p, g, "Message"),
	    S("User: ecs-tasks.amazonaws.com is not authorized to perform: sts:AssumeRole on resource: " ROLE_ARN(
		"app")));
	EXPECT_OK(add(&p, "box", ROLE_ARN("web"), STS_WORKLOAD_FORM_INSTANCE).st);
	g = ask_at(&p, p.instance_port, "PUT", "/latest/api/token", "X-aws-ec2-metadata-token-ttl-seconds: 60\r\n");
	g = ask_at(
	    &p, p.instance_port, "GET", "/latest/meta-data/iam/security-credentials/web",
	    str_z(world_mem(p.w), arena_printf(world_mem(p.w), "X-aws-ec2-metadata-token: %.*s\r\n", PR(g.body))));
	EXPECT(g.status == 200);
	EXPECT_STR(in(&p, g, "Code"), S("AssumeRoleUnauthorizedAccess"));
	EXPECT(!in(&p, g, "SecretAccessKey").p);
	place_end(&p);
}

static void what_is_added_must_make_sense(void)
{
	struct place p = place_begin();
	make_role(&p, "app", TRUST_SERVICE("ec2.amazonaws.com"));
	const enum sts_workload_form container = STS_WORKLOAD_FORM_CONTAINER, instance = STS_WORKLOAD_FORM_INSTANCE;
	EXPECT_ERR(add(&p, "", ROLE_ARN("app"), container).st, E_INVALID);
	EXPECT_ERR(add(&p, "a/b", ROLE_ARN("app"), container).st, E_INVALID);
	EXPECT_ERR(add(&p, "a b", ROLE_ARN("app"), container).st, E_INVALID);
	EXPECT_ERR(add(&p, "shop", "app", container).st, E_INVALID);
	EXPECT_ERR(add(&p, "shop", "arn:aws:iam::111122223333:user/app", container).st, E_INVALID);
	EXPECT_ERR(add(&p, "shop", "arn:aws:iam::999999999999:role/app", container).st, E_INVALID);
	EXPECT_ERR(add(&p, "shop", ROLE_ARN("none"), container).st, E_NOT_FOUND);
	EXPECT_ERR(add(&p, "shop", ROLE_ARN("path/app"), container).st, E_NOT_FOUND);
	EXPECT_OK(add(&p, "shop", ROLE_ARN("app"), instance).st);
	EXPECT_ERR(add(&p, "shop", ROLE_ARN("app"), container).st, E_EXISTS);
	EXPECT_ERR(add(&p, "second", ROLE_ARN("app"), instance).st, E_FULL); /* the port is taken */
	EXPECT_OK(removed(&p, "shop"));
	EXPECT_ERR(removed(&p, "shop"), E_NOT_FOUND);
	EXPECT_OK(add(&p, "second", ROLE_ARN("app"), instance).st);
	place_end(&p);
}

/* ---- for how long ------------------------------------------------------------------------------ */

static void one_session_is_handed_out_until_half_an_hour_before_its_end(void)
{
	struct place p = place_begin();
	make_role(&p, "app", TRUST_SERVICE("ecs-tasks.amazonaws.com"));
	struct adding a = add(&p, "shop", ROLE_ARN("app"), STS_WORKLOAD_FORM_CONTAINER);
	struct got first = as_container(&p, "shop", a.token);
	world_later(p.w, (6 * 60 - 31) * MINUTE_MS);
	EXPECT_STR(as_container(&p, "shop", a.token).body, first.body);
	world_later(p.w, MINUTE_MS);
	struct got next = as_container(&p, "shop", a.token);
	EXPECT(!str_eq(in(&p, next, "AccessKeyId"), in(&p, first, "AccessKeyId")));
	EXPECT_STR(in(&p, next, "Expiration"), S("2026-01-01T11:30:00Z"));
	place_end(&p);
}

static void a_role_that_is_taken_away_gives_nothing_more(void)
{
	struct place p = place_begin();
	make_role(&p, "app", TRUST_SERVICE("ecs-tasks.amazonaws.com"));
	struct adding a = add(&p, "shop", ROLE_ARN("app"), STS_WORKLOAD_FORM_CONTAINER);
	struct caller who = caller_of(&p, in(&p, as_container(&p, "shop", a.token), "Token"));
	WORKS(IAM(p.w, "UpdateAssumeRolePolicy", "{'RoleName':'app','PolicyDocument':'%s'}",
		  TRUST_SERVICE("ec2.amazonaws.com")));
	EXPECT(as_container(&p, "shop", a.token).status == 403);
	WORKS(AS(p.w, who, "iam", "ListUsers", "{}")); /* trust is for new sessions; older ones are revoked by policy */
	WORKS(IAM(
	    p.w, "PutRolePolicy",
	    "{'RoleName':'app','PolicyName':'revoke','PolicyDocument':'{\\\"Version\\\":\\\"2012-10-17\\\","
	    "\\\"Statement\\\":{\\\"Effect\\\":\\\"Deny\\\",\\\"Action\\\":\\\"*\\\",\\\"Resource\\\":\\\"*\\\","
	    "\\\"Condition\\\":{\\\"DateLessThan\\\":{\\\"aws:TokenIssueTime\\\":\\\"2026-01-01T00:00:01Z\\\"}}}}'}"));
	FAILS(AS(p.w, who, "iam", "ListUsers", "{}"), "AccessDenied");
	WORKS(IAM(p.w, "UpdateAssumeRolePolicy", "{'RoleName':'app','PolicyDocument':'%s'}",
		  TRUST_SERVICE("ecs-tasks.amazonaws.com")));
	world_later(p.w, 1000);
	who = caller_of(&p, in(&p, as_container(&p, "shop", a.token), "Token"));
	WORKS(AS(p.w, who, "iam", "ListUsers", "{}"));
	WORKS(IAM(p.w, "DeleteRolePolicy", "{'RoleName':'app','PolicyName':'own'}"));
	WORKS(IAM(p.w, "DeleteRolePolicy", "{'RoleName':'app','PolicyName':'revoke'}"));
	WORKS(IAM(p.w, "DeleteRole", "{'RoleName':'app'}"));
	EXPECT(as_container(&p, "shop", a.token).status == 403);
	FAILS(AS(p.w, who, "sts", "GetCallerIdentity", "{}"), "none");
	place_end(&p);
}

static void a_removed_workload_gets_nothing_and_its_namesake_is_another(void)
{
	struct place p = place_begin();
	make_role(&p, "app", TRUST_SERVICE("ecs-tasks.amazonaws.com"));
	struct adding a = add(&p, "shop", ROLE_ARN("app"), STS_WORKLOAD_FORM_CONTAINER);
	EXPECT(as_container(&p, "shop", a.token).status == 200);
	EXPECT_OK(removed(&p, "shop"));
	EXPECT(as_container(&p, "shop", a.token).status == 401);
	struct adding b = add(&p, "shop", ROLE_ARN("app"), STS_WORKLOAD_FORM_CONTAINER);
	EXPECT(as_container(&p, "shop", a.token).status == 401);
	EXPECT(as_container(&p, "shop", b.token).status == 200);
	place_end(&p);
}

static void workloads_outlive_the_server(void)
{
	struct place p = place_begin();
	const struct workload *list;
	make_role(&p, "app", TRUST_SERVICE("ecs-tasks.amazonaws.com"));
	struct adding a = add(&p, "shop", ROLE_ARN("app"), STS_WORKLOAD_FORM_CONTAINER);
	EXPECT_OK(add(&p, "box", ROLE_ARN("app"), STS_WORKLOAD_FORM_INSTANCE).st);
	workloads_close(world_app(p.w));
	fiber_block_on(open_list, p.w);
	EXPECT(workload_list(world_app(p.w), world_mem(p.w), &list) == 2);
	EXPECT_STR(list[0].name, S("box"));
	EXPECT(list[0].port == p.instance_port && list[0].form == STS_WORKLOAD_FORM_INSTANCE);
	EXPECT_STR(list[1].id, a.made.id);
	EXPECT_STR(list[1].role_arn, S(ROLE_ARN("app")));
	EXPECT(as_container(&p, "shop", a.token).status == 200);
	EXPECT_OK(removed(&p, "shop"));
	workloads_close(world_app(p.w));
	fiber_block_on(open_list, p.w);
	EXPECT(workload_list(world_app(p.w), world_mem(p.w), &list) == 1);
	place_end(&p);
}

static void put_nonsense(struct req *rq, void *arg)
{
	struct shard *shard;
	struct txn *t;
	(void)arg;
	EXPECT_OK(req_shard(rq, WORLD_ACCOUNT, S("sts/111122223333/workloads"), &shard));
	EXPECT_OK(txn_write(shard, &t));
	EXPECT_OK(txn_put(t, S("wnonsense"), S("\377\377")));
	EXPECT_OK(txn_commit(t));
}

static void a_damaged_list_gives_nothing_and_stops_nobody(void)
{
	struct place p = place_begin();
	const struct workload *list;
	make_role(&p, "app", TRUST_SERVICE("ecs-tasks.amazonaws.com"));
	world_in_fiber(p.w, put_nonsense, NULL);
	workloads_close(world_app(p.w));
	fiber_block_on(open_list, p.w);
	EXPECT(workload_list(world_app(p.w), world_mem(p.w), &list) == 0);
	struct adding a = add(&p, "shop", ROLE_ARN("app"), STS_WORKLOAD_FORM_CONTAINER);
	EXPECT(as_container(&p, "shop", a.token).status == 200);
	place_end(&p);
}

RUN_ALL(T(only_this_machines_own_names_are_answered), T(what_was_forwarded_or_sent_by_a_page_is_refused),
	T(paths_are_what_they_are), T(a_metadata_token_is_asked_for_a_second_to_six_hours),
	T(a_container_gets_its_roles_credentials), T(an_instance_gets_them_with_a_metadata_token),
	T(an_instances_session_says_how_it_was_delivered), T(a_metadata_token_is_for_one_workload),
	T(nothing_but_the_right_token_opens), T(an_instance_has_no_container_token), T(a_role_must_trust_the_service),
	T(what_is_added_must_make_sense), T(one_session_is_handed_out_until_half_an_hour_before_its_end),
	T(a_role_that_is_taken_away_gives_nothing_more), T(a_removed_workload_gets_nothing_and_its_namesake_is_another),
	T(workloads_outlive_the_server), T(a_damaged_list_gives_nothing_and_stops_nobody))

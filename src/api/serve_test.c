/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The life of a request: through the steps as a call from inside takes them, and over a
 * socket as a client sees them, in the words of each protocol.
 */
#include "api/serve.h"

#include "api/accounts.h"
#include "api/call.h"
#include "api/pipeline_testing.h"
#include "api/sigv4.h"
#include "api/token.h"
#include "api/trail.h"
#include "base/buf.h"
#include "base/log.h"
#include "wire/http_testing.h"

#include <sys/wait.h>

/* ---- what the trail has --------------------------------------------------------------- */

struct seen {
	const char *event;
	size_t n;
	struct record *all;
	struct arena *mem;
};

static void look(struct req *rq, void *arg)
{
	struct seen *s = arg;
	bool more;
	struct lookup l = { .account = WORLD_ACCOUNT,
			    .region = S("us-east-1"),
			    .attribute = LOOKUP_EVENT_NAME,
			    .value = str_of(s->event),
			    .max = 50,
			    .block = LOOKUP_START_BLOCK,
			    .index = LOOKUP_START_INDEX };
	EXPECT_OK(trail_lookup(rq->app->trail, s->mem, &l, &s->all, &s->n, &more));
}

static struct seen seen(struct test_world *w, const char *event)
{
	struct seen s = { .event = event, .mem = world_mem(w) };
	world_in_fiber(w, look, &s);
	return s;
}

static bool is_there(struct test_world *w, const char *name)
{
	return world_call(w, world_root(w), "shop", "Free", "{'Name':'%s'}", name).status == 200;
}

/* ---- from inside ---------------------------------------------------------------------- */

static void an_effect_and_its_record_are_there_together(void)
{
	struct test_world *w = pipeline_world();
	EXPECT(world_call(w, world_root(w), "shop", "Put", "{'Name':'a'}").status == 200);
	world_restart(w);
	struct seen s = seen(w, "Put");
	EXPECT(is_there(w, "a") && s.n == 1 && s.all[0].error_code.n == 0 && !s.all[0].read_only);
	world_end(w);
}

static void a_failure_leaves_nothing_but_its_record(void)
{
	static const struct {
		const char *name, *code;
		int status;
	} cases[] = { { "broken", "SoldOutException", 409 },
		      { "corrupt", "InternalFailure", 500 },
		      { "full", "ServiceUnavailable", 503 } };
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct test_world *w = pipeline_world();
		struct test_reply r = world_call(w, world_root(w), "shop", "Put", "{'Name':'%s'}", cases[i].name);
		EXPECT(r.status == cases[i].status);
		EXPECT_STR(r.code, str_of(cases[i].code));
		struct seen s = seen(w, "Put");
		EXPECT(s.n == 1);
		EXPECT_STR(s.all[0].error_code, str_of(cases[i].code));
		EXPECT(!is_there(w, cases[i].name));
		world_end(w);
	}
}

static void a_refusal_leaves_nothing_but_its_record(void)
{
	struct test_world *w = pipeline_world();
	struct caller nobody = { .kind = CALLER_USER,
				 .account = WORLD_ACCOUNT,
				 .arn = S("arn:aws:iam::111122223333:user/n"),
				 .name = S("n"),
				 .principal_id = S("AIDAN") };
	EXPECT(world_call(w, nobody, "shop", "Put", "{'Name':'a'}").status == 400);
	struct seen s = seen(w, "Put");
	EXPECT(!is_there(w, "a") && s.n == 1);
	EXPECT_STR(s.all[0].error_code, S("AccessDenied"));
	EXPECT_STR(s.all[0].principal_arn, nobody.arn);
	world_end(w);
}

/* In a process of its own, whose log is read here. */
static void a_fault_nobody_declared_is_answered_and_logged(void)
{
	int ends[2], status;
	char line[1024];
	fflush(stdout);
	EXPECT(pipe(ends) == 0);
	pid_t child = fork();
	if (child == 0) {
		log_setup(ends[1], LOG_INFO);
		struct test_world *w = pipeline_world();
		_Exit(world_call(w, world_root(w), "shop", "Put", "{'Name':'wrong'}").status == 400 ? 0 : 1);
	}
	close(ends[1]);
	ssize_t n = read(ends[0], line, sizeof line);
	EXPECT(n > 0 && str_find(str_make(line, (size_t)n), S("a fault that the model does not declare")) != SIZE_MAX);
	EXPECT(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0);
	close(ends[0]);
}

static void ask_shop(struct req *rq, void *arg)
{
	(void)arg;
	struct shop_in in = { .name = S("a") }, none = { .name = S("none") };
	const void *out;
	EXPECT_OK(call_service(rq, "shop", "Put", &in, &out));
	EXPECT_STR(((const struct shop_out *)out)->name, S("a"));
	EXPECT_ERR(call_service(rq, "shop", "Get", &none, &out), E_FAULT);
	EXPECT(rq->fault.kind == shop_SoldOut && rq->fault.forwarded);
	EXPECT_ERR(call_service_as(rq, "s3.amazonaws.com", "shop", "Get", &in, &out),
		   E_FAULT); /* nobody's policy lets it */
	EXPECT(rq->fault.kind == api_AccessDeniedException);
}

static void a_call_from_inside_is_judged_and_recorded_like_any_other(void)
{
	struct test_world *w = pipeline_world();
	world_in_fiber(w, ask_shop, NULL);
	struct seen put = seen(w, "Put"), got = seen(w, "Get");
	EXPECT(put.n == 1 && put.all[0].from_inside && got.n == 2);
	EXPECT_STR(put.all[0].invoked_by, S("shop.amazonaws.com"));
	world_end(w);
}

/* ---- over a socket ---------------------------------------------------------------------- */

struct front {
	struct test_world *w;
	struct http_server *server;
	int port;
};

static struct front front_begin(void)
{
	const struct http_listen at = { .addr = S("127.0.0.1") };
	const struct http_options o = { .listen = &at, .n_listen = 1, .threads = 2 };
	struct front f = { .w = pipeline_world() };
	EXPECT_OK(http_start(&o, serve_http, world_app(f.w), &f.server));
	f.port = http_port(f.server, 0);
	return f;
}

static void front_end(struct front *f)
{
	http_stop(f->server, 1000);
	world_end(f->w);
}

struct ask {
	const char *method, *path, *service, *key, *secret, *target, *type, *body;
	const char *region, *date;
	struct str token;
	bool target_unsigned;
};

static struct str bytes_of(struct arena *mem, const struct ask *a, const struct http_pairs *h, struct str authorization)
{
	struct buf b = buf_in(mem);
	buf_printf(&b, "%s %s HTTP/1.1\r\n", a->method, a->path);
	for (size_t i = 0; i < h->n; i++)
		buf_printf(&b, "%.*s: %.*s\r\n", PR(h->v[i].name), PR(h->v[i].value));
	if (authorization.n)
		buf_printf(&b, "Authorization: %.*s\r\n", PR(authorization));
	buf_printf(&b, "Content-Length: %zu\r\n\r\n%s", strlen(a->body ? a->body : ""), a->body ? a->body : "");
	return buf_str(&b);
}

/* Signed as a client would, by the stages of the verifier. */
static struct str signature(struct arena *mem, const struct ask *a, struct http_pairs h, const char *authorization,
			    struct http_pair *slot)
{
	struct str query = str_of(a->path), path = str_cut(&query, '?');
	enum sigv4_family family = !strcmp(a->service, "s3") ? SIGV4_S3 : SIGV4_JSON;
	slot[h.n] = (struct http_pair){ S("Authorization"), arena_printf(mem, "%s%064d", authorization, 0) };
	struct sigv4_request rq = { str_of(a->method), path, query, { slot, h.n + 1 }, str_of(a->body ? a->body : "") };
	struct sigv4_rules rules = { .family = family, .now_ms = FAKE_NOW };
	struct sigv4_auth auth = { 0 };
	struct sigv4_fault fault;
	struct hmac_key key;
	char *hex = NEWS(mem, char, 64);
	(void)sigv4_parse(mem, &rq, &rules, &auth, &fault).code;
	sigv4_key(NULL, &auth, str_of(a->secret), &key);
	sigv4_sign(&key, sigv4_to_sign(mem, &auth, sigv4_canonical(mem, &rq, &auth, family)), hex);
	return arena_printf(mem, "%s%.64s", authorization, hex);
}

static struct got ask(struct front *f, const struct ask *a)
{
	struct arena *mem = world_mem(f->w);
	struct http_pair slot[8];
	const char *region = a->region ? a->region : "us-east-1";
	struct http_pairs h = { slot, 0 };
	slot[h.n++] = (struct http_pair){ S("Host"), S("127.0.0.1") };
	slot[h.n++] = (struct http_pair){ S("X-Amz-Date"), a->date ? str_of(a->date) : S("20260101T000000Z") };
	if (a->service && !strcmp(a->service, "s3"))
		slot[h.n++] = (struct http_pair){ S("X-Amz-Content-Sha256"), S("UNSIGNED-PAYLOAD") };
	if (a->target)
		slot[h.n++] = (struct http_pair){ S("X-Amz-Target"), str_of(a->target) };
	if (a->type)
		slot[h.n++] = (struct http_pair){ S("Content-Type"), str_of(a->type) };
	if (a->token.p)
		slot[h.n++] = (struct http_pair){ S("X-Amz-Security-Token"), a->token };
	struct str authorization = { 0 };
	if (a->key) {
		const char *day = str_z(mem, str_sub(slot[1].value, 0, 8));
		struct str head = arena_printf(
		    mem,
		    "AWS4-HMAC-SHA256 Credential=%s/%s/%s/%s/aws4_request, SignedHeaders=host%s;x-amz-date%s%s, "
		    "Signature=",
		    a->key, day, region, a->service, !strcmp(a->service, "s3") ? ";x-amz-content-sha256" : "",
		    a->token.p ? ";x-amz-security-token" : "", a->target && !a->target_unsigned ? ";x-amz-target" : "");
		authorization = signature(mem, a, h, str_z(mem, head), slot);
	}
	return client_ask(f->port, mem, bytes_of(mem, a, &h, authorization));
}

#define ROOT .key = "AKIAROOT111122223333", .secret = "secret-1"
#define SHOP(op)                                                                       \
	.method = "POST", .path = "/", .service = "shop", .target = "ShopService." op, \
	.type = "application/x-amz-json-1.1"
#define STS                    .method = "POST", .path = "/", .service = "sts", .type = "application/x-www-form-urlencoded"
#define EXPECT_HAS(text, part) EXPECT(str_find(text, S(part)) != SIZE_MAX)

static void json_services_answer_in_json(void)
{
	struct front f = front_begin();
	struct got g = ask(&f, &(struct ask){ SHOP("Put"), ROOT, .body = "{\"Name\":\"a\"}" });
	EXPECT(g.status == 200);
	EXPECT_STR(g.body, S("{\"Name\":\"a\"}"));
	EXPECT_STR(got_header(g, "Content-Type"), S("application/x-amz-json-1.1"));
	EXPECT(got_header(g, "x-amzn-RequestId").n == 36);
	EXPECT(is_there(f.w, "a"));
	static const struct {
		struct ask a;
		int status;
		const char *type;
	} cases[] = {
		{ { SHOP("Get"), ROOT, .body = "{\"Name\":\"b\"}" }, 409, "\"SoldOutException\"" },
		{ { SHOP("Get"), ROOT, .body = "{\"Name\":\"\"}" }, 400, "\"ValidationException\"" },
		{ { SHOP("Get"), ROOT, .body = "{}" }, 400, "\"ValidationException\"" },
		{ { SHOP("Get"), ROOT, .body = "" }, 400, "\"ValidationException\"" },
		{ { SHOP("Get"), ROOT, .body = "{\"Name\":1}" }, 400, "\"SerializationException\"" },
		{ { SHOP("Get"), ROOT, .body = "{" }, 400, "\"SerializationException\"" },
		{ { SHOP("None"), ROOT, .body = "{}" }, 400, "\"UnknownOperationException\"" },
		{ { SHOP("Get"), .body = "{\"Name\":\"a\"}" }, 400, "\"MissingAuthenticationTokenException\"" },
		{ { SHOP("Get"), .key = "AKIANOSUCHKEY0000000", .secret = "x", .body = "{}" },
		  400,
		  "\"UnrecognizedClientException\"" },
		{ { SHOP("Get"), .key = "AKIAROOT111122223333", .secret = "wrong", .body = "{}" },
		  400,
		  "\"InvalidSignatureException\"" },
		{ { SHOP("Get"), ROOT, .date = "20251231T234000Z", .body = "{}" },
		  400,
		  "\"InvalidSignatureException\"" },
		{ { SHOP("Get"), ROOT, .region = "EU-WEST", .body = "{}" }, 400, "\"InvalidSignatureException\"" },
		{ { SHOP("Get"), ROOT, .region = "aaaaaaaaaabbbbbbbbbbccccccccccddd", .body = "{}" },
		  400,
		  "\"InvalidSignatureException\"" },
	};
	for (size_t i = 0; i < COUNT(cases); i++) {
		g = ask(&f, &cases[i].a);
		if (g.status != cases[i].status)
			printf("# %.*s\n", PR(g.body));
		EXPECT(g.status == cases[i].status);
		EXPECT(str_starts(g.body, arena_printf(world_mem(f.w), "{\"__type\":%s", cases[i].type)));
		EXPECT_STR(got_header(g, "Content-Type"), S("application/x-amz-json-1.1"));
	}
	front_end(&f);
}

/* Known, but not served: whoever proves who he is learns why, and the call is on record. */
static void what_is_not_supported_says_so_and_is_recorded(void)
{
	struct front f = front_begin();
	struct got g = ask(&f, &(struct ask){ SHOP("Undo"), ROOT, .body = "{\"Name\":\"a\"}" });
	EXPECT(g.status == 501);
	EXPECT_STR(g.body,
		   S("{\"__type\":\"NotImplementedException\",\"message\":\"Undo is not supported here: what is "
		     "done is done.\"}"));
	g = ask(&f, &(struct ask){ STS, ROOT, .body = "Action=Leave&Version=2011-06-15&When=now" });
	EXPECT(g.status == 501);
	EXPECT_HAS(g.body, "<Code>NotImplemented</Code><Message>Leave is not supported here: nobody leaves.</Message>");
	g = ask(&f, &(struct ask){ STS, .body = "Action=Leave&Version=2011-06-15" });
	EXPECT(g.status == 403);
	EXPECT_HAS(g.body, "<Code>MissingAuthenticationToken</Code>");
	struct seen s = seen(f.w, "Undo");
	EXPECT(s.n == 1 && !s.all[0].read_only);
	EXPECT_STR(s.all[0].error_code, S("NotImplementedException"));
	EXPECT_STR(s.all[0].principal_arn, S("arn:aws:iam::111122223333:root"));
	front_end(&f);
}

static void query_services_answer_in_xml(void)
{
	struct front f = front_begin();
	struct got g = ask(&f, &(struct ask){ STS, ROOT, .body = "Action=Who&Version=2011-06-15" });
	EXPECT(g.status == 200);
	EXPECT_STR(got_header(g, "Content-Type"), S("text/xml"));
	EXPECT_HAS(g.body, "<WhoResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">");
	EXPECT_HAS(g.body, "<Name>arn:aws:iam::111122223333:root</Name>");
	EXPECT_HAS(g.body, "<RequestId>");
	g = ask(&f,
		&(struct ask){ .method = "GET", .path = "/?Action=Who&Version=2011-06-15", .service = "sts", ROOT });
	EXPECT(g.status == 200);
	static const struct {
		struct ask a;
		int status;
		const char *code;
	} cases[] = {
		{ { STS, ROOT, .body = "Action=Nobody&Version=2011-06-15" }, 400, "<Code>InvalidAction</Code>" },
		{ { STS, ROOT, .body = "Version=2011-06-15" }, 400, "<Code>MissingAction</Code>" },
		{ { STS, ROOT, .body = "Action=%zz" }, 400, "<Code>MalformedInput</Code>" },
		{ { STS, .body = "Action=Who&Version=2011-06-15" }, 403, "<Code>MissingAuthenticationToken</Code>" },
		{ { STS, .key = "AKIANOSUCHKEY0000000", .secret = "x", .body = "Action=Who&Version=2011-06-15" },
		  403,
		  "<Code>InvalidClientTokenId</Code>" },
		{ { STS, .key = "AKIAROOT111122223333", .secret = "wrong", .body = "Action=Who&Version=2011-06-15" },
		  403,
		  "<Code>SignatureDoesNotMatch</Code>" },
		{ { .method = "POST",
		    .path = "/",
		    .service = "sns",
		    .type = "application/x-www-form-urlencoded",
		    ROOT,
		    .body = "Action=Publish" },
		  400,
		  "<Code>InvalidAction</Code>" },
	};
	for (size_t i = 0; i < COUNT(cases); i++) {
		g = ask(&f, &cases[i].a);
		if (g.status != cases[i].status)
			printf("# %.*s\n", PR(g.body));
		EXPECT(g.status == cases[i].status && str_find(g.body, str_of(cases[i].code)) != SIZE_MAX);
		EXPECT_HAS(g.body, "<Type>Sender</Type>");
		EXPECT_STR(got_header(g, "Content-Type"), S("text/xml"));
	}
	front_end(&f);
}

static void s3_answers_in_its_own_form(void)
{
	struct front f = front_begin();
	struct got g = ask(&f, &(struct ask){ .method = "GET", .path = "/b/k%3C", .service = "s3", ROOT });
	EXPECT(g.status == 409 && got_header(g, "x-amz-request-id").n == 16 && !got_header(g, "x-fake").p);
	EXPECT_STR(got_header(g, "Content-Type"), S("application/xml"));
	EXPECT_HAS(
	    g.body,
	    "<Error><Code>SoldOutException</Code><Message>No &lt;such&gt; thing.</Message><Key>k&lt;</Key><RequestId>");
	g = ask(&f, &(struct ask){ .method = "HEAD", .path = "/b/k", .service = "s3", ROOT });
	EXPECT(g.status == 200 && g.body.n == 0);
	EXPECT_STR(got_header(g, "Content-Length"), S("1000"));
	EXPECT_STR(got_header(g, "x-fake"), S("here"));
	g = ask(&f, &(struct ask){ .method = "HEAD", .path = "/b/k?acl", .service = "s3", ROOT });
	EXPECT(g.status == 501 && g.body.n == 0);
	g = ask(&f, &(struct ask){ .method = "GET", .path = "/b" }); /* nobody, where the row lets everybody ask */
	EXPECT(g.status == 200);
	static const struct {
		struct ask a;
		int status;
		const char *code;
	} cases[] = {
		{ { .method = "GET", .path = "/b?acl", .service = "s3", ROOT }, 501, "<Code>NotImplemented</Code>" },
		{ { .method = "DELETE", .path = "/b/k", .service = "s3", ROOT },
		  405,
		  "<Code>MethodNotAllowed</Code><Message>The specified method is not allowed against this "
		  "resource.</Message><Method>DELETE</Method><ResourceType>OBJECT</ResourceType>" },
		{ { .method = "GET", .path = "/b/%FF", .service = "s3", ROOT }, 400, "<Code>InvalidURI</Code>" },
		{ { .method = "GET", .path = "/b?max-keys=x", .service = "s3", ROOT },
		  400,
		  "<Code>InvalidArgument</Code>" },
		{ { .method = "PUT", .path = "/b?policy", .service = "s3", ROOT, .body = "" },
		  400,
		  "<Code>MissingRequestBodyError</Code>" },
		{ { .method = "GET", .path = "/b", .service = "s3", .key = "AKIANOSUCHKEY0000000", .secret = "x" },
		  403,
		  "<Code>InvalidAccessKeyId</Code>" },
		{ { .method = "GET", .path = "/b", .service = "s3", .key = "AKIAROOT111122223333", .secret = "x" },
		  403,
		  "<Code>SignatureDoesNotMatch</Code>" },
		{ { .method = "GET", .path = "/b", .service = "s3", ROOT, .date = "20251231T234000Z" },
		  403,
		  "<Code>RequestTimeTooSkewed</Code>" },
	};
	for (size_t i = 0; i < COUNT(cases); i++) {
		g = ask(&f, &cases[i].a);
		if (g.status != cases[i].status)
			printf("# %.*s\n", PR(g.body));
		EXPECT(g.status == cases[i].status && str_find(g.body, str_of(cases[i].code)) != SIZE_MAX);
	}
	front_end(&f);
}

static void what_is_not_even_a_service_is_answered_readably(void)
{
	struct front f = front_begin();
	struct got g = ask(&f, &(struct ask){ .method = "POST",
					      .path = "/",
					      .service = "lambda",
					      .target = "Lambda.Get",
					      .type = "application/x-amz-json-1.1",
					      ROOT,
					      .body = "{}" });
	EXPECT(g.status == 400 && str_starts(g.body, S("{\"__type\":\"UnknownOperationException\"")));
	g = client_ask(f.port, world_mem(f.w), S("GET / HTTP/1.0\r\n\r\n"));
	EXPECT(g.status == 200); /* no Host, no signature: S3's, whose row lets everybody ask */
	front_end(&f);
}

/* A damaged identity store is the server's trouble: not "no such key", and never a yes. */
static void a_damaged_store_is_no_unknown_key(void)
{
	struct front f = front_begin();
	struct str key = id_access_key(world_app(f.w)->world, world_mem(f.w), "AKIA", WORLD_OTHER);
	struct got g =
	    ask(&f, &(struct ask){ SHOP("Get"), .key = str_z(world_mem(f.w), key), .secret = "x", .body = "{}" });
	EXPECT(g.status == 500 && str_starts(g.body, S("{\"__type\":\"InternalFailure\"")));
	front_end(&f);
}

/* ---- session tokens ------------------------------------------------------------------------ */

struct sessions {
	struct arena *mem;
	struct str good, expired, of_nobody;
};

static struct str session_token(struct req *rq, struct arena *mem, const char *name, int64_t expires_ms)
{
	struct caller who = { .kind = CALLER_ROLE,
			      .account = WORLD_ACCOUNT,
			      .arn = S("arn:aws:sts::111122223333:assumed-role/app/s"),
			      .principal_id = S("AROAX:s"),
			      .name = str_of(name),
			      .access_key_id = S("ASIASESSION000000000"),
			      .role_arn = S("arn:aws:iam::111122223333:role/app"),
			      .role_id = S("AROAX"),
			      .role_name = S("app"),
			      .issued_ms = FAKE_NOW - 1000 * 1000,
			      .expires_ms = expires_ms,
			      .session_policy = S("{\"Version\":\"2012-10-17\",\"Statement\":{\"Effect\":\"Allow\","
						  "\"Action\":\"shop:Put\",\"Resource\":\"*\"}}") };
	struct str token;
	EXPECT_OK(token_seal(rq, &who, S("session secret"), &token));
	return str_dup(mem, token);
}

static void make_sessions(struct req *rq, void *arg)
{
	struct sessions *s = arg;
	s->good = session_token(rq, s->mem, "s", FAKE_NOW + 1);
	s->expired = session_token(rq, s->mem, "s", FAKE_NOW);
	s->of_nobody = session_token(rq, s->mem, "gone", FAKE_NOW + 1);
}

#define SESSION .key = "ASIASESSION000000000", .secret = "session secret"

static void a_session_is_its_key_its_secret_and_its_token(void)
{
	struct front f = front_begin();
	struct sessions s = { .mem = world_mem(f.w) };
	world_in_fiber(f.w, make_sessions, &s);
	struct str damaged = str_sub(s.good, 0, s.good.n - 8);
	const struct {
		struct ask a;
		const char *type; /* NULL: 200 */
	} cases[] = {
		{ { SHOP("Put"), SESSION, .token = s.good, .body = "{\"Name\":\"a\"}" }, NULL },
		{ { SHOP("Get"), SESSION, .token = s.good, .body = "{\"Name\":\"a\"}" }, "AccessDeniedException" },
		{ { SHOP("Put"), SESSION, .token = s.expired, .body = "{\"Name\":\"a\"}" }, "ExpiredTokenException" },
		{ { SHOP("Put"), SESSION, .token = damaged, .body = "{\"Name\":\"a\"}" },
		  "UnrecognizedClientException" },
		{ { SHOP("Put"), SESSION, .token = s.of_nobody, .body = "{\"Name\":\"a\"}" },
		  "UnrecognizedClientException" },
		{ { SHOP("Put"), SESSION, .body = "{\"Name\":\"a\"}" }, "UnrecognizedClientException" },
		{ { SHOP("Put"), .key = "ASIAOTHER00000000000", .secret = "session secret", .token = s.good,
		    .body = "{\"Name\":\"a\"}" },
		  "UnrecognizedClientException" },
		{ { SHOP("Put"), ROOT, .token = s.good, .body = "{\"Name\":\"a\"}" }, "UnrecognizedClientException" },
		{ { SHOP("Put"), .key = "ASIASESSION000000000", .secret = "wrong", .token = s.good,
		    .body = "{\"Name\":\"a\"}" },
		  "InvalidSignatureException" },
	};
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct got g = ask(&f, &cases[i].a);
		printf("# %.*s\n", PR(g.body));
		EXPECT(cases[i].type ? g.status == 400 && str_find(g.body, str_of(cases[i].type)) != SIZE_MAX
				     : g.status == 200);
	}
	front_end(&f);
}

/* Else whoever sees a request could make another operation of it. */
static void a_target_must_be_signed(void)
{
	struct front f = front_begin();
	struct got g = ask(&f, &(struct ask){ SHOP("Put"), ROOT, .target_unsigned = true, .body = "{\"Name\":\"a\"}" });
	EXPECT(g.status == 400 && str_find(g.body, S("InvalidSignatureException")) != SIZE_MAX);
	EXPECT(!is_there(f.w, "a"));
	front_end(&f);
}

static void refused_calls_are_recorded_with_the_key_they_tried(void)
{
	struct front f = front_begin();
	struct got g = ask(&f, &(struct ask){ SHOP("Put"), .key = "AKIAROOT111122223333", .secret = "wrong",
					      .body = "{\"Name\":\"a\"}" });
	EXPECT(g.status == 400);
	struct seen s = seen(f.w, "Put");
	EXPECT(s.n == 1 && s.all[0].refused_identity && s.all[0].account.n == 0);
	EXPECT_STR(s.all[0].access_key_id, S("AKIAROOT111122223333"));
	EXPECT_STR(s.all[0].error_code, S("InvalidSignatureException"));
	EXPECT(!is_there(f.w, "a"));
	front_end(&f);
}

static void a_service_that_is_not_spoken_or_out_of_order_does_not_start(void)
{
	struct test_world *w = pipeline_world();
	struct app app = *world_app(w);
	struct service bad = shop_service;
	const struct service *services[] = { &bad, NULL };
	app.services = services;
	EXPECT_OK(serve_check(&app));
	bad.protocol = PROTO_CBOR;
	EXPECT_ERR(serve_check(&app), E_UNSUPPORTED);
	bad = shop_service;
	struct op ops[2] = { shop_ops[1], shop_ops[0] };
	bad.ops = ops;
	bad.n_ops = 2;
	EXPECT_ERR(serve_check(&app), E_INVALID);
	world_end(w);
}

RUN_ALL(T(a_fault_nobody_declared_is_answered_and_logged), T(an_effect_and_its_record_are_there_together),
	T(a_failure_leaves_nothing_but_its_record), T(a_refusal_leaves_nothing_but_its_record),
	T(a_call_from_inside_is_judged_and_recorded_like_any_other), T(json_services_answer_in_json),
	T(what_is_not_supported_says_so_and_is_recorded), T(query_services_answer_in_xml),
	T(s3_answers_in_its_own_form), T(what_is_not_even_a_service_is_answered_readably),
	T(a_damaged_store_is_no_unknown_key), T(a_session_is_its_key_its_secret_and_its_token),
	T(a_target_must_be_signed), T(refused_calls_are_recorded_with_the_key_they_tried),
	T(a_service_that_is_not_spoken_or_out_of_order_does_not_start))

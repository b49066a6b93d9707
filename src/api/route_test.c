/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the parts of a request to its operation: tables of targets, attacks among them.
 */
#include "api/route.h"

#include "api/pipeline_testing.h"

struct probe {
	struct arena *mem;
	struct world world;
	struct app app;
	struct http_req http;
	struct http_pair headers[8];
	struct req rq;
};

static void probe_begin(struct probe *p)
{
	*p = (struct probe){ .mem = arena_new() };
	world_fake(&p->world, FAKE_NOW, 1);
	p->app = (struct app){
		.world = &p->world,
		.services = pipeline_services,
		.router = router_new(pipeline_services),
		.region = S("us-east-1"),
		.domain = S("s3.test"),
		.partition = S("aws"),
	};
}

static void probe_end(struct probe *p)
{
	router_free(p->app.router);
	arena_free(p->mem);
}

static void add_header(struct probe *p, const char *name, const char *value)
{
	if (!value)
		return;
	EXPECT(p->http.headers.n < COUNT(p->headers));
	p->headers[p->http.headers.n++] = (struct http_pair){ str_of(name), str_of(value) };
}

static void aim(struct probe *p, const char *method, const char *target, const char *host)
{
	struct str query = str_of(target), path = str_cut(&query, '?');
	p->http = (struct http_req){
		.method = str_of(method), .path = path, .query = query, .mem = p->mem, .headers = { p->headers, 0 }
	};
	add_header(p, "Host", host);
}

static struct status go(struct probe *p, const char *body)
{
	p->rq = (struct req){ .app = &p->app,
			      .mem = p->mem,
			      .http = &p->http,
			      .host = p->headers[0].value,
			      .path = p->http.path,
			      .raw_query = p->http.query,
			      .region = p->app.region,
			      .body = body ? str_of(body) : (struct str){ 0 } };
	return req_route(&p->rq);
}

static struct str label(const struct probe *p, const char *name)
{
	for (size_t i = 0; i < p->rq.labels.n; i++)
		if (str_eq(p->rq.labels.v[i].name, str_of(name)))
			return p->rq.labels.v[i].value;
	return (struct str){ 0 };
}

#define SCOPE(service)                                                  \
	"AWS4-HMAC-SHA256 Credential=AKIAX/20260101/eu-west-3/" service \
	"/aws4_request, SignedHeaders=host, Signature=00"

/* ---- S3 ---------------------------------------------------------------------------------- */

struct s3_case {
	const char *method, *target, *op, *bucket, *key; /* op NULL: refused with `bucket` as the fault */
};

static void check_s3(const struct s3_case *c, const char *host, const char *copy)
{
	struct probe p;
	probe_begin(&p);
	aim(&p, c->method, c->target, host);
	add_header(&p, "x-amz-copy-source", copy);
	struct status st = go(&p, NULL);
	printf("# %s %s%s\n", c->method, host, c->target);
	if (!c->op) {
		EXPECT_ERR(st, E_FAULT);
		EXPECT(!p.rq.op || p.rq.fault.kind == api_InvalidURI);
		EXPECT_STR(str_of(fault_wire(p.rq.fault.kind, PROTO_REST_XML).code), str_of(c->bucket));
	} else {
		EXPECT_OK(st);
		EXPECT_STR(str_of(p.rq.op->name), str_of(c->op));
		EXPECT(c->bucket ? str_eq(label(&p, "Bucket"), str_of(c->bucket)) : !label(&p, "Bucket").p);
		EXPECT(c->key ? str_eq(label(&p, "Key"), str_of(c->key)) : !label(&p, "Key").p);
	}
	probe_end(&p);
}

static void paths_are_read_as_s3_reads_them(void)
{
	static const struct s3_case cases[] = {
		{ "GET", "/", "ListBuckets", NULL, NULL },
		{ "GET", "/b", "ListObjects", "b", NULL },
		{ "GET", "/b/", "ListObjects", "b", NULL },
		{ "GET", "/b/k", "GetObject", "b", "k" },
		{ "GET", "/b/a+b%2Bc%20d", "GetObject", "b", "a+b+c d" }, /* '+' in a path is a plus */
		{ "GET", "/b//", "GetObject", "b", "/" },
		{ "GET", "/b//k", "GetObject", "b", "/k" },
		{ "GET", "/b/k/", "GetObject", "b", "k/" },
		{ "GET", "/b/a/../c", "GetObject", "b", "a/../c" }, /* keys are not paths */
		{ "GET", "/b/%2e%2e/x", "GetObject", "b", "../x" },
		{ "GET", "/b/a%2Fb", "GetObject", "b", "a/b" },
		{ "GET", "/b/%C3%A4", "GetObject", "b", "\xC3\xA4" },
		{ "PUT", "/b/k", "PutObject", "b", "k" },
		{ "PUT", "/b/k?x-id=PutObject", "PutObject", "b", "k" },
		{ "HEAD", "/b/k", "HeadObject", "b", "k" },
		{ "GET", "/b?list-type=2&prefix=a+b", "ListObjectsV2", "b", NULL },
		{ "GET", "/b?list-type=1", "ListObjects", "b", NULL },
		{ "GET", "/b?location", "GetBucketLocation", "b", NULL },
		{ "GET", "/b?location=", "GetBucketLocation", "b", NULL },
		{ "GET", "/b/k?versionId=null&X-Amz-Date=1", "GetObject", "b", "k" },
		{ "POST", "/b/k?uploads", "CreateMultipartUpload", "b", "k" },
		{ "POST", "/b?delete", "DeleteObjects", "b", NULL },
		{ "PUT", "/b/k?partNumber=1&uploadId=u", "UploadPart", "b", "k" },
		{ "PUT", "/b?policy", "PutBucketPolicy", "b", NULL },
	};
	for (size_t i = 0; i < COUNT(cases); i++)
		check_s3(&cases[i], "127.0.0.1:4566", NULL);
}

static void what_is_not_built_is_refused_and_never_something_else(void)
{
	static const struct s3_case cases[] = {
		{ "GET", "/b?acl", NULL, "NotImplemented", NULL },
		{ "GET", "/b/k?acl", NULL, "NotImplemented", NULL },
		{ "GET", "/b/k?torrent", NULL, "NotImplemented", NULL },
		{ "GET", "/b?list-type=2&versions", NULL, "NotImplemented", NULL },
		{ "GET", "/b?location&acl", NULL, "NotImplemented", NULL },
		{ "GET", "/b?%61cl", NULL, "NotImplemented", NULL }, /* however it is written */
		{ "PUT", "/b/k?acl", NULL, "NotImplemented", NULL },
		{ "PUT", "/b/k?tagging", NULL, "NotImplemented", NULL },
		{ "PUT", "/b/k?uploadId=u", NULL, "NotImplemented", NULL }, /* half of an UploadPart is no PutObject */
		{ "PUT", "/b/k?partNumber=1", NULL, "NotImplemented", NULL },
		{ "PUT", "/b/k?versionId=1", NULL, "NotImplemented", NULL },
		{ "POST", "/b", NULL, "NotImplemented", NULL }, /* a browser's form */
		{ "POST", "/b/k?restore", NULL, "NotImplemented", NULL },
		{ "HEAD", "/b/k?acl", NULL, "NotImplemented", NULL },
		{ "DELETE", "/b/k", NULL, "MethodNotAllowed", NULL },
		{ "PATCH", "/b/k", NULL, "MethodNotAllowed", NULL },
		{ "get", "/b/k", NULL, "MethodNotAllowed", NULL },
		{ "OPTIONS", "/b/k", NULL, "AccessForbidden", NULL },
	};
	for (size_t i = 0; i < COUNT(cases); i++)
		check_s3(&cases[i], "127.0.0.1:4566", NULL);
}

static void what_cannot_be_a_name_is_refused(void)
{
	static const struct s3_case cases[] = {
		{ "GET", "//", NULL, "InvalidURI", NULL },       { "GET", "//k", NULL, "InvalidURI", NULL },
		{ "GET", "/a%2Fb", NULL, "InvalidURI", NULL }, /* would read as an object's ARN */
		{ "GET", "/a%2Fb/k", NULL, "InvalidURI", NULL }, { "GET", "/b/%00", NULL, "InvalidURI", NULL },
		{ "GET", "/b/%FF", NULL, "InvalidURI", NULL },   { "GET", "/b/%C0%AF", NULL, "InvalidURI", NULL },
		{ "GET", "/b/%zz", NULL, "InvalidURI", NULL },   { "GET", "/b/k?x=%zz", NULL, "InvalidURI", NULL },
	};
	for (size_t i = 0; i < COUNT(cases); i++)
		check_s3(&cases[i], "127.0.0.1:4566", NULL);
}

static void a_copy_source_makes_it_a_copy_or_nothing(void)
{
	static const struct s3_case put = { "PUT", "/b/k", "CopyObject", "b", "k" };
	static const struct s3_case part = { "PUT", "/b/k?partNumber=1&uploadId=u", NULL, "NotImplemented", NULL };
	check_s3(&put, "h", "/b/other");
	check_s3(&part, "h", "/b/other");
}

static void the_bucket_may_stand_in_the_host_name(void)
{
	static const struct {
		const char *host;
		struct s3_case c;
	} cases[] = {
		{ "b.s3.test", { "GET", "/k", "GetObject", "b", "k" } },
		{ "b.s3.test:4566", { "GET", "/", "ListObjects", "b", NULL } },
		{ "B.S3.Test", { "GET", "/K", "GetObject", "b", "K" } },
		{ "b.s3.test.", { "GET", "/k", "GetObject", "b", "k" } },
		{ "b.s3.test", { "GET", "//k", "GetObject", "b", "/k" } },
		{ "a.b.s3.test", { "GET", "/k", "GetObject", "a.b", "k" } },
		{ "b.s3.eu-west-3.s3.test", { "GET", "/k", "GetObject", "b", "k" } },
		{ "my.s3.b.s3.eu-west-3.s3.test", { "GET", "/k", "GetObject", "my.s3.b", "k" } },
		{ "b.s3.s3.test", { "GET", "/k", "GetObject", "b", "k" } },
		{ "sts.s3.s3.test", { "GET", "/k", "GetObject", "sts", "k" } }, /* a bucket of that name */
		{ "s3.test", { "GET", "/b/k", "GetObject", "b", "k" } },
		{ "s3.s3.test", { "GET", "/b/k", "GetObject", "b", "k" } },
		{ "s3.eu-west-3.s3.test", { "GET", "/b/k", "GetObject", "b", "k" } },
		{ "xs3.test", { "GET", "/b/k", "GetObject", "b", "k" } },
		{ "[::1]:4566", { "GET", "/b/k", "GetObject", "b", "k" } },
		{ "", { "GET", "/b/k", "GetObject", "b", "k" } },
		{ "a/b.s3.test", { "GET", "/k", NULL, "InvalidURI", NULL } },
		{ "a%2fb.s3.test", { "GET", "/k", NULL, "InvalidURI", NULL } },
	};
	for (size_t i = 0; i < COUNT(cases); i++)
		check_s3(&cases[i].c, cases[i].host, NULL);
}

/* ---- JSON, query and which service ----------------------------------------------------------- */

struct other_case {
	const char *method, *target, *host, *amz_target, *authorization, *type, *body;
	const char *service, *op; /* op NULL: refused; service NULL: not even a service */
	const char *code;
};

static void check_other(const struct other_case *c)
{
	struct probe p;
	probe_begin(&p);
	aim(&p, c->method, c->target, c->host ? c->host : "127.0.0.1");
	add_header(&p, "X-Amz-Target", c->amz_target);
	add_header(&p, "Authorization", c->authorization);
	add_header(&p, "Content-Type", c->type);
	struct status st = go(&p, c->body);
	printf("# %s %s %s\n", c->method, c->target, c->amz_target ? c->amz_target : "-");
	EXPECT(c->service ? p.rq.svc && !strcmp(p.rq.svc->name, c->service) : !p.rq.svc);
	EXPECT(c->op ? !failed(st) && !strcmp(p.rq.op->name, c->op) : st.code == E_FAULT && !p.rq.op);
	if (!c->op)
		EXPECT_STR(str_of(fault_wire(p.rq.fault.kind, p.rq.svc ? p.rq.svc->protocol : PROTO_JSON_1_1).code),
			   str_of(c->code));
	probe_end(&p);
}

#define FORM    "application/x-www-form-urlencoded; charset=utf-8"
#define VERSION "Version=2011-06-15"

static void json_and_query_operations_are_found(void)
{
	static const struct other_case cases[] = {
		{ "POST", "/", NULL, "ShopService.Get", SCOPE("shop"), NULL, "{}", "shop", "Get", NULL },
		{ "POST", "/", NULL, "ShopService.Get", NULL, NULL, "{}", "shop", "Get",
		  NULL }, /* then refused for want of a signature */
		{ "POST", "/", NULL, "ShopService.Get", SCOPE("sts"), NULL, "{}", "shop", "Get",
		  NULL }, /* then for its scope */
		{ "POST", "/", NULL, NULL, SCOPE("sts"), FORM, "Action=Who&" VERSION, "sts", "Who", NULL },
		{ "POST", "/", NULL, NULL, SCOPE("sts"), FORM, "Action=%57ho&" VERSION, "sts", "Who", NULL },
		{ "GET", "/?Action=Who&" VERSION, NULL, NULL, SCOPE("sts"), NULL, NULL, "sts", "Who", NULL },
		{ "POST", "/?Action=Who&" VERSION, NULL, NULL, SCOPE("sts"), NULL, "", "sts", "Who", NULL },
		{ "POST", "/", "sts.us-east-1.test", NULL, NULL, FORM, "Action=Who&" VERSION, "sts", "Who", NULL },
		{ "POST", "/", NULL, NULL, NULL, FORM, "Action=Who&" VERSION, "sts", "Who", NULL },
		{ "GET", "/?Action=Who&" VERSION, NULL, NULL, NULL, NULL, NULL, "sts", "Who", NULL },
		{ "GET", "/b?Action=Who&" VERSION, NULL, NULL, NULL, NULL, NULL, "s3", "ListObjects", NULL },
		{ "GET", "/b", NULL, "ShopService.Get", SCOPE("s3"), NULL, NULL, "s3", "ListObjects",
		  NULL }, /* a stray header */
	};
	for (size_t i = 0; i < COUNT(cases); i++)
		check_other(&cases[i]);
}

static void what_is_no_operation_is_refused_in_the_services_words(void)
{
	static const struct other_case cases[] = {
		{ "POST", "/", NULL, "ShopService.Nothing", SCOPE("shop"), NULL, "{}", "shop", NULL,
		  "UnknownOperationException" },
		{ "POST", "/", NULL, "ShopService.get", SCOPE("shop"), NULL, "{}", "shop", NULL,
		  "UnknownOperationException" },
		{ "POST", "/", NULL, "ShopService", SCOPE("shop"), NULL, "{}", "shop", NULL,
		  "UnknownOperationException" },
		{ "POST", "/", NULL, "ShopService.", SCOPE("shop"), NULL, "{}", "shop", NULL,
		  "UnknownOperationException" },
		{ "POST", "/", NULL, "Other.Get", SCOPE("shop"), NULL, "{}", "shop", NULL,
		  "UnknownOperationException" },
		{ "POST", "/", NULL, NULL, SCOPE("shop"), NULL, "{}", "shop", NULL, "UnknownOperationException" },
		{ "GET", "/", NULL, "ShopService.Get", SCOPE("shop"), NULL, NULL, "shop", NULL,
		  "UnknownOperationException" },
		{ "POST", "/", NULL, "Other.Get", NULL, NULL, "{}", NULL, NULL, "UnknownOperationException" },
		{ "POST", "/", NULL, NULL, SCOPE("sns"), FORM, "Action=Publish", NULL, NULL,
		  "UnknownOperationException" },
		{ "GET", "/b", NULL, NULL, SCOPE("s3express"), NULL, NULL, NULL, NULL, "UnknownOperationException" },
		{ "POST", "/", NULL, NULL, SCOPE("sts"), FORM, "", "sts", NULL, "MissingAction" },
		{ "POST", "/", NULL, NULL, SCOPE("sts"), FORM, VERSION, "sts", NULL, "MissingAction" },
		{ "POST", "/", NULL, NULL, SCOPE("sts"), FORM, "Action=Who", "sts", NULL, "InvalidAction" },
		{ "POST", "/", NULL, NULL, SCOPE("sts"), FORM, "Action=Who&Version=2010-05-08", "sts", NULL,
		  "InvalidAction" },
		{ "POST", "/", NULL, NULL, SCOPE("sts"), FORM, "Action=Nobody&" VERSION, "sts", NULL, "InvalidAction" },
		{ "POST", "/", NULL, NULL, SCOPE("sts"), FORM, "Action=%zz", "sts", NULL, "MalformedInput" },
		{ "GET", "/?Action=%zz", NULL, NULL, SCOPE("sts"), NULL, NULL, "sts", NULL, "MalformedQueryString" },
		{ "PUT", "/?Action=Who&" VERSION, NULL, NULL, SCOPE("sts"), NULL, NULL, "sts", NULL,
		  "MethodNotAllowed" },
		{ "POST", "/?Action=Who&" VERSION, NULL, NULL, SCOPE("sts"), FORM, "Action=Nobody&" VERSION, "sts",
		  NULL, "InvalidAction" },
	};
	for (size_t i = 0; i < COUNT(cases); i++)
		check_other(&cases[i]);
}

static void a_region_is_taken_from_the_scope_when_it_can_be_one(void)
{
	static const struct {
		const char *said, *want;
	} cases[] = {
		{ "eu-west-3", "eu-west-3" },
		{ "x", "x" },
		{ "../../etc", "us-east-1" },
		{ "EU-WEST-3", "us-east-1" },
		{ "eu.west", "us-east-1" },
		{ "aaaaaaaaaabbbbbbbbbbccccccccccdd", "aaaaaaaaaabbbbbbbbbbccccccccccdd" },
		{ "aaaaaaaaaabbbbbbbbbbccccccccccddd", "us-east-1" },
		{ "\xff", "us-east-1" },
	};
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct probe p;
		probe_begin(&p);
		aim(&p, "GET", "/", "h");
		add_header(&p, "Authorization",
			   str_z(p.mem, arena_printf(p.mem,
						     "AWS4-HMAC-SHA256 Credential=AKIAX/20260101/%s/s3/aws4_request, "
						     "SignedHeaders=host, Signature=00",
						     cases[i].said)));
		(void)go(&p, NULL).code;
		EXPECT_STR(p.rq.region, str_of(cases[i].want));
		probe_end(&p);
	}
	EXPECT(!region_name_is(S("")));
}

static void s3_requests_have_s3s_ids(void)
{
	struct probe p;
	probe_begin(&p);
	aim(&p, "GET", "/", "h");
	EXPECT_OK(go(&p, NULL));
	EXPECT(p.rq.id.n == 16);
	probe_end(&p);
}

RUN_ALL(T(paths_are_read_as_s3_reads_them), T(what_is_not_built_is_refused_and_never_something_else),
	T(what_cannot_be_a_name_is_refused), T(a_copy_source_makes_it_a_copy_or_nothing),
	T(the_bucket_may_stand_in_the_host_name), T(json_and_query_operations_are_found),
	T(what_is_no_operation_is_refused_in_the_services_words),
	T(a_region_is_taken_from_the_scope_when_it_can_be_one), T(s3_requests_have_s3s_ids))

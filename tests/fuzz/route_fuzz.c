/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Anything at all as a request line, headers and body, routed: it ends with an operation of
 * the service that was chosen or with a fault that has a word in every protocol, labels are
 * UTF-8 without NUL, a bucket is one name, and the region can be one.
 *
 *     GET /bucket/key?acl
 *     Host: b.s3.test
 *     <empty line, body>
 */
#include "api/route.h"

#include "api/pipeline_testing.h"
#include "api/sigv4.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

enum { HEADERS_MAX = 32 };

static struct http_req request_of(struct str raw, struct http_pair *headers, struct arena *mem, struct str *body)
{
	struct str rest = raw, line = str_cut(&rest, '\n'), target;
	struct http_req http = { .mem = mem, .headers = { headers, 0 } };
	http.method = str_cut(&line, ' ');
	target = line;
	http.query = target;
	http.path = target.p ? str_cut(&http.query, '?') : S("/");
	while (rest.p && rest.n && http.headers.n < HEADERS_MAX) {
		struct str value = str_cut(&rest, '\n'), name;
		if (!value.n)
			break;
		name = str_cut(&value, ':');
		headers[http.headers.n++] = (struct http_pair){ name, str_trim(value.p ? value : S("")) };
	}
	*body = rest.p ? rest : S("");
	return http;
}

static void check(const struct req *rq, struct status st)
{
	EXPECT(region_name_is(rq->region));
	if (failed(st)) {
		EXPECT(st.code == E_FAULT && rq->fault.kind);
		for (int p = PROTO_JSON_1_0; p <= PROTO_CBOR; p++)
			EXPECT(fault_wire(rq->fault.kind, (enum protocol)p).http >= 400);
		return;
	}
	EXPECT(rq->svc && rq->op && rq->op >= rq->svc->ops && rq->op < rq->svc->ops + rq->svc->n_ops);
	for (size_t i = 0; i < rq->labels.n; i++) {
		struct str v = rq->labels.v[i].value;
		EXPECT(v.n > 0 && str_is_utf8(v) && str_find_char(v, 0) == SIZE_MAX);
		EXPECT(!str_eq(rq->labels.v[i].name, S("Bucket")) || str_find_char(v, '/') == SIZE_MAX);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct arena *mem = arena_new();
	struct http_pair headers[HEADERS_MAX];
	struct world world;
	struct str body;
	world_fake(&world, FAKE_NOW, 1);
	struct http_req http = request_of(str_dup(mem, str_make(data, n)), headers, mem, &body);
	struct app app = { .world = &world,
			   .services = pipeline_services,
			   .router = router_new(pipeline_services),
			   .region = S("us-east-1"),
			   .domain = S("s3.test"),
			   .partition = S("aws") };
	if (http.path.n && http.path.p[0] == '/') { /* wire/uri.h lets nothing else through */
		struct str host = http_header(&http, S("host"));
		struct req rq = { .app = &app,
				  .mem = mem,
				  .http = &http,
				  .host = host.p ? host : S(""),
				  .path = http.path,
				  .raw_query = http.query,
				  .region = app.region,
				  .body = body };
		check(&rq, req_route(&rq));
	}
	router_free(app.router);
	arena_free(mem);
	return 0;
}

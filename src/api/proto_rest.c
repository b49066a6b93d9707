/* SPDX-License-Identifier: Apache-2.0 */
/*
 * restXml as S3 speaks it: bindings to path, query and headers; XML documents; bodies
 * that stream. Errors have S3's form, and none at all for HEAD.
 */
#include "api/faults.h"
#include "api/proto.h"
#include "api/route.h"
#include "api/sigv4.h"
#include "base/buf.h"
#include "base/str.h"
#include "wire/constraint.h"
#include "wire/rest.h"
#include "wire/xml.h"

static bool has_document(const struct op *op)
{
	for (uint32_t i = 0; i < op->in->n_members; i++)
		if (op->in->members[i].where == W_BODY || op->in->members[i].where == W_PAYLOAD)
			return true;
	return false;
}

/* A header, a query parameter or a label that does not parse: S3 names it. */
static struct status bad_argument(struct req *rq, const struct member *m, struct str why)
{
	(void)FAIL(rq, api_ValidationException, "%.*s", PR(why.p ? why : S("Invalid Argument")));
	return m ? req_fail_with(rq, "ArgumentName", str_of(m->wire)) : ERR(E_FAULT);
}

static struct status bad(struct req *rq, struct str why)
{
	const struct member *m = rq->decode->member;
	if ((m && m->where != W_BODY && m->where != W_PAYLOAD) || !has_document(rq->op))
		return bad_argument(rq, m, why);
	if (!rq->body.n)
		return FAIL(rq, api_MissingRequestBody, "Request Body is empty");
	return FAIL(rq, api_MalformedXML,
		    "The XML you provided was not well-formed or did not validate against our published schema");
}

/* The SHA-256 of nothing: what clients sign when there is no body. */
static const struct str hash_of_nothing = { "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", 64 };

/* Is there surely no body, and did the client say so? Then nothing is to be read and verified. */
static bool bodyless(const struct req *rq)
{
	return rq->http->content_length == 0 && rq->auth && rq->auth->payload == SIGV4_PAYLOAD_HASH &&
	       str_eq(rq->auth->payload_hash, hash_of_nothing) &&
	       (str_eq(rq->http->method, S("GET")) || str_eq(rq->http->method, S("HEAD")));
}

static struct status decode(struct req *rq, void *in)
{
	if (!(rq->op->flags & OP_STREAM_IN) && !bodyless(rq))
		TRY(req_body_all(rq, BODY_MAX, &rq->body));
	struct rest_request parts = { rq->labels, rq->query, rq->http->headers, rq->body };
	if (failed(rest_decode(rq->decode, rq->op->in, REST_XML, &parts, in)))
		return bad(rq, rq->decode->why);
	struct str message;
	struct status st = constraint_check(rq->decode, rq->app->patterns, rq->op->in, in, &message);
	return st.code == E_INVALID ? bad(rq, message) : st;
}

static void head(struct req *rq)
{
	req_header(rq, "x-amz-request-id", rq->id);
	req_header(rq, "x-amz-id-2", rq->id);
	req_header(rq, "Server", S("AmazonS3"));
}

/* Values and a payload that is the body may be views of what the request holds until its answer leaves: copied. */
static void append_headers(struct req *rq, const struct http_pairs *more)
{
	for (size_t i = 0; i < more->n; i++)
		req_header_pair(rq, more->v[i].name, str_dup(rq->mem, more->v[i].value));
}

static bool body_is_a_view(const struct op *op)
{
	for (uint32_t i = 0; i < op->out->n_members; i++)
		if (op->out->members[i].where == W_PAYLOAD)
			return op->out->members[i].shape->kind == K_STRING || op->out->members[i].shape->kind == K_BLOB;
	return false;
}

static void encode(struct req *rq)
{
	struct rest_reply r;
	rest_encode(rq->mem, rq->op->out, REST_XML, rq->out, &r);
	head(rq);
	append_headers(rq, &r.headers);
	if (r.content_type && r.body.p)
		req_header(rq, "Content-Type", str_of(r.content_type));
	if (!rq->status)
		rq->status = r.status ? r.status : rq->op->http;
	if (!rq->reply.p)
		rq->reply = r.body.p && body_is_a_view(rq->op) ? str_dup(rq->mem, r.body) : r.body;
}

static struct http_pairs extras(struct req *rq)
{
	size_t n = 0;
	for (struct fault_extra *e = rq->fault.extra; e; e = e->next)
		n++;
	struct http_pair *v = NEWS(rq->mem, struct http_pair, n + 1);
	n = 0;
	for (struct fault_extra *e = rq->fault.extra; e; e = e->next)
		v[n++] = (struct http_pair){ str_of(e->name), e->value };
	return (struct http_pairs){ v, n };
}

static void refuse(struct req *rq)
{
	struct fault_wire w = fault_wire(rq->fault.kind, PROTO_REST_XML);
	rq->extra_headers = (struct http_pairs){ 0 };
	head(rq);
	for (struct fault_extra *e = rq->fault.extra; e; e = e->next)
		if (!strcmp(e->name, "Region")) /* HEAD has no body to say it in */
			req_header(rq, "x-amz-bucket-region", e->value);
	rq->status = w.http;
	rq->reply = (struct str){ 0 };
	if (w.http == 304 || str_eq(rq->http->method, S("HEAD")))
		return;
	struct buf b = buf_in(rq->mem);
	struct http_pairs more = extras(rq);
	xml_s3_error(&b, str_of(w.code), rq->fault.text, &more, rq->id, rq->id);
	req_header(rq, "Content-Type", S("application/xml"));
	rq->reply = buf_str(&b);
}

const struct proto proto_rest_xml = { decode, encode, refuse };

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * awsJson 1.0 and 1.1 ("AWS JSON protocol"): one document in, one out, errors by __type.
 */
#include "api/faults.h"
#include "api/proto.h"
#include "base/buf.h"
#include "base/str.h"
#include "wire/constraint.h"
#include "wire/json.h"

struct status proto_check(struct req *rq, const void *in)
{
	struct str message;
	struct status st = constraint_check(rq->decode, rq->app->patterns, rq->op->in, in, &message);
	if (st.code != E_INVALID)
		return st;
	return FAIL(rq, api_ValidationException, "%.*s", PR(message));
}

static struct status decode(struct req *rq, void *in)
{
	struct str text = rq->body.n ? rq->body : S("{}");
	if (failed(json_decode(rq->decode, rq->op->in, text, in)))
		return FAIL(rq, api_SerializationException, "%.*s", PR(rq->decode->why));
	return proto_check(rq, in);
}

static void head(struct req *rq)
{
	req_header(rq, "x-amzn-RequestId", rq->id);
	req_header(rq, "Content-Type",
		   rq->svc->protocol == PROTO_JSON_1_0 ? S("application/x-amz-json-1.0")
						       : S("application/x-amz-json-1.1"));
}

static void encode(struct req *rq)
{
	struct buf b = buf_in(rq->mem);
	head(rq);
	if (rq->op->out->n_members)
		json_encode(&b, rq->op->out, rq->out);
	rq->status = 200;
	rq->reply = buf_str(&b);
}

static void refuse(struct req *rq)
{
	struct fault_wire w = fault_wire(rq->fault.kind, rq->svc->protocol);
	struct buf b = buf_in(rq->mem);
	head(rq);
	json_error(&b, str_of(w.code), rq->fault.text.n ? rq->fault.text : (struct str){ 0 });
	rq->status = w.http;
	rq->reply = buf_str(&b);
}

const struct proto proto_json = { decode, encode, refuse };

const struct proto *proto_of(enum protocol p)
{
	switch (p) {
	case PROTO_QUERY:
		return &proto_query;
	case PROTO_REST_XML:
		return &proto_rest_xml;
	case PROTO_JSON_1_0:
	case PROTO_JSON_1_1:
		return &proto_json;
	case PROTO_EC2:
	case PROTO_REST_JSON:
	case PROTO_CBOR:
		break;
	}
	return NULL; /* no service speaks these yet; serve.c refuses to start with one that does */
}

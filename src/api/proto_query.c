/* SPDX-License-Identifier: Apache-2.0 */
/*
 * awsQuery ("AWS query protocol"): form parameters in, XML out.
 */
#include "api/faults.h"
#include "api/proto.h"
#include "base/buf.h"
#include "wire/query.h"

static struct status decode(struct req *rq, void *in)
{
	if (failed(query_decode(rq->decode, rq->op->in, QUERY_AWS, &rq->query, in)))
		return FAIL(rq, api_SerializationException, "%.*s",
			    PR(rq->decode->why.p ? rq->decode->why : S("The input is invalid")));
	return proto_check(rq, in);
}

static void head(struct req *rq)
{
	req_header(rq, "x-amzn-RequestId", rq->id);
	req_header(rq, "Content-Type", S("text/xml"));
}

static void encode(struct req *rq)
{
	struct buf b = buf_in(rq->mem);
	struct query_reply r = { str_of(rq->op->name), rq->op->out_wrapper, str_of(rq->svc->xmlns), rq->id };
	head(rq);
	query_encode(&b, QUERY_AWS, &r, rq->op->out, rq->out);
	rq->status = 200;
	rq->reply = buf_str(&b);
}

static void refuse(struct req *rq)
{
	struct fault_wire w = fault_wire(rq->fault.kind, PROTO_QUERY);
	struct buf b = buf_in(rq->mem);
	head(rq);
	query_error(&b, QUERY_AWS, !rq->fault.kind->server, str_of(w.code), rq->fault.text, str_of(rq->svc->xmlns),
		    rq->id);
	rq->status = w.http;
	rq->reply = buf_str(&b);
}

const struct proto proto_query = { decode, encode, refuse };

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The body of an S3 request: raw pieces from the connection go through payload_check,
 * which takes aws-chunked apart and verifies what was promised. The end is only reported
 * when all of it holds, so a handler that commits after the end commits what was signed.
 */
#include "api/authenticate.h"
#include "api/faults.h"
#include "api/payload_check.h"
#include "base/buf.h"

static struct status start(struct req *rq)
{
	struct payload_rules rules = {
		.headers = &rq->http->headers,
		.auth = rq->auth,
		.compute = rq->body_sums,
		.no_checksum_headers =
		    !(rq->op->flags & OP_STREAM_IN) && str_eq(str_of(rq->op->name), S("CompleteMultipartUpload")),
		.length = rq->http->content_length,
	};
	struct payload_check *pc = NEW(rq->mem, struct payload_check);
	struct status st = payload_check_init(pc, rq->mem, &rules, rq->sig_fault);
	if (failed(st))
		return req_fail_signature(rq, st);
	rq->payload = pc;
	return OK;
}

static struct status more(struct req *rq, bool *end)
{
	struct status st = http_body_read(rq->http, &rq->raw_piece);
	if (st.code == E_TOO_BIG)
		return FAIL(rq, api_RequestEntityTooLargeException,
			    "Your proposed upload exceeds the maximum allowed size");
	if (st.code == E_CLOSED)
		return FAIL(
		    rq, api_RequestTimeout,
		    "Your socket connection to the server was not read from or written to within the timeout period. "
		    "Idle connections will be closed.");
	*end = !failed(st) && rq->raw_piece.n == 0;
	return st;
}

struct status req_body(struct req *rq, struct str *piece)
{
	if (!rq->payload)
		TRY(start(rq));
	*piece = (struct str){ "", 0 };
	while (!rq->body_ended) {
		while (rq->raw_piece.n) {
			struct status st = payload_check_feed(rq->payload, &rq->raw_piece, piece);
			if (failed(st))
				return req_fail_signature(rq, st);
			if (piece->n)
				return OK;
		}
		bool end = false;
		TRY(more(rq, &end));
		if (end) {
			TRY(req_fail_signature(rq, payload_check_finish(rq->payload)));
			rq->body_ended = true;
		}
	}
	return OK;
}

struct status req_body_all(struct req *rq, size_t max, struct str *out)
{
	struct buf all = buf_in(rq->mem);
	for (;;) {
		struct str piece;
		TRY(req_body(rq, &piece));
		if (!piece.n)
			break;
		if (piece.n > max - all.n)
			return FAIL(rq, api_RequestEntityTooLargeException, "Your request was too large.");
		buf_put(&all, piece);
	}
	*out = buf_str(&all);
	return OK;
}

void req_body_sums(struct req *rq, uint32_t compute)
{
	assert(!rq->payload);
	rq->body_sums |= compute;
}

const struct payload_sums *req_body_have(const struct req *rq)
{
	assert(rq->body_ended);
	return &rq->payload->sums;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The body of a request, as its handler reads it: piece by piece, each copied out of
 * libmicrohttpd's buffer, because the fiber may still hold it on another thread when the
 * connection, and the buffer with it, is gone.
 */
#include "base/buf.h"
#include "wire/http_conn.h"

/* A name for a way of parking. The event thread knows it and waits for data; no one else may step a fiber that reads.
 */
void request_body_wanted(void *arg, struct fiber *f)
{
	(void)arg;
	(void)f;
	const bool on_the_requests_own_thread = false;
	assert(on_the_requests_own_thread);
}

struct status http_body_read(struct http_req *req, struct str *piece)
{
	struct request *rq = (struct request *)req;
	rq->piece = S("");
	if (!rq->ended && !rq->closed && !rq->too_big)
		fiber_park(request_body_wanted, rq);
	if (rq->too_big)
		return ERR(E_TOO_BIG);
	if (!rq->ended && rq->closed)
		return ERR(E_CLOSED);
	*piece = rq->piece;
	return OK;
}

/* A body of known length that came in one piece is not copied again: nothing will overwrite it. */
static struct status body_of_length(struct http_req *req, size_t length, struct str *out)
{
	struct buf all = buf_in(req->mem);
	while (all.n < length) {
		struct str piece;
		TRY(http_body_read(req, &piece));
		if (!piece.n)
			return ERR(E_CLOSED);
		if (piece.n == length) {
			*out = piece;
			return OK;
		}
		if (!all.n)
			buf_room(&all, length);
		buf_put(&all, piece);
	}
	*out = buf_str(&all);
	return OK;
}

static struct status whole_body(struct http_req *req, size_t max, struct str *out)
{
	if (req->content_length >= 0) {
		if ((uint64_t)req->content_length > max)
			return ERR(E_TOO_BIG);
		return body_of_length(req, (size_t)req->content_length, out);
	}
	struct buf all = buf_in(req->mem);
	for (;;) {
		struct str piece;
		TRY(http_body_read(req, &piece));
		if (!piece.n)
			break;
		if (piece.n > max - all.n)
			return ERR(E_TOO_BIG);
		buf_put(&all, piece);
	}
	*out = buf_str(&all);
	return OK;
}

/* Such a body is small: all of it has the time that a header has. A client that is gone has no connection to mark. */
struct status http_body_all(struct http_req *req, size_t max, struct str *out)
{
	struct request *rq = (struct request *)req;
	unsigned now = atomic_load_explicit(&rq->server->tick, memory_order_relaxed);
	if (!rq->closed)
		atomic_store_explicit(&rq->conn->body_since, now, memory_order_relaxed);
	struct status st = whole_body(req, max, out);
	if (!rq->closed)
		atomic_store_explicit(&rq->conn->body_since, 0, memory_order_relaxed);
	return st;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Answers: kept in the request until its handler has ended, then handed to libmicrohttpd,
 * which adds Date, Connection and Content-Length or Transfer-Encoding.
 *
 * The body is not copied; headers are, by libmicrohttpd. `done` is called from the request's
 * end, not as libmicrohttpd's free callback: that one comes after the arena is gone.
 */
#include "base/log.h"
#include "base/str.h"
#include "wire/http_conn.h"

static struct http_answer *answer_begin(struct http_req *req, int status, struct http_pairs headers)
{
	struct request *rq = (struct request *)req;
	assert(!rq->answer.given && status >= 200 && status <= 599);
	rq->answer.given = true;
	rq->answer.status = status;
	rq->answer.headers = headers;
	return &rq->answer;
}

void http_respond(struct http_req *req, int status, struct http_pairs headers, struct str body)
{
	struct http_answer *a = answer_begin(req, status, headers);
	a->body = body;
	a->length = (int64_t)body.n;
}

void http_respond_head(struct http_req *req, int status, struct http_pairs headers, int64_t length)
{
	assert(length >= 0 && (status == MHD_HTTP_NOT_MODIFIED || str_eq(req->method, S("HEAD"))));
	struct http_answer *a = answer_begin(req, status, headers);
	a->head_only = true;
	a->length = length;
}

void http_respond_stream(struct http_req *req, int status, struct http_pairs headers, int64_t length, http_pull *pull,
			 void *arg, void (*done)(void *arg))
{
	assert(length >= -1 && pull);
	struct http_answer *a = answer_begin(req, status, headers);
	a->length = length;
	a->pull = pull;
	a->arg = arg;
	a->done = done;
}

static ssize_t pull_more(void *cls, uint64_t at, char *buf, size_t room)
{
	(void)at;
	struct request *rq = cls;
	struct http_answer *a = &rq->answer;
	size_t got = 0;
	if (failed(a->pull(a->arg, buf, room < STREAM_ROOM ? room : STREAM_ROOM, &got)))
		return MHD_CONTENT_READER_END_WITH_ERROR;
	assert(got <= room);
	if (got == 0)
		return a->length < 0 ? MHD_CONTENT_READER_END_OF_STREAM : MHD_CONTENT_READER_END_WITH_ERROR;
	count(&rq->conn->counts.bytes_out, got);
	return (ssize_t)got;
}

/* Of a HEAD answer: never called, but libmicrohttpd asks for one. */
static ssize_t pull_nothing(void *cls, uint64_t at, char *buf, size_t room)
{
	(void)cls;
	(void)at;
	(void)buf;
	(void)room;
	return MHD_CONTENT_READER_END_WITH_ERROR;
}

static struct MHD_Response *response_new(struct request *rq)
{
	struct http_answer *a = &rq->answer;
	if (a->pull) {
		uint64_t length = a->length < 0 ? MHD_SIZE_UNKNOWN : (uint64_t)a->length;
		size_t block = length < STREAM_ROOM ? (size_t)length + 1 : STREAM_ROOM;
		return MHD_create_response_from_callback(length, block, pull_more, rq, NULL);
	}
	if (a->head_only)
		return MHD_create_response_from_callback((uint64_t)a->length, 1, pull_nothing, NULL, NULL);
	void *p = (void *)(uintptr_t)(a->body.n ? a->body.p : ""); /* only read: PERSISTENT */
	return MHD_create_response_from_buffer(a->body.n, p, MHD_RESPMEM_PERSISTENT);
}

/*
 * A NUL-terminated copy without control characters: a value that came from a client (a
 * stored content type, response-content-disposition) must not be able to begin a header.
 */
static char *header_text(struct request *rq, struct str s)
{
	char *z = str_z(rq->mem, s);
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)z[i] < 0x20 || z[i] == 0x7f)
			z[i] = ' ';
	return z;
}

/* libmicrohttpd refuses empty values and those that are blank at either end only; it says no to nothing else here. */
static void add_header(struct request *rq, struct MHD_Response *r, const struct http_pair *h)
{
	struct str value = str_trim(h->value);
	if (!h->name.n || !value.n || str_eq_ci(h->name, S("Content-Length")))
		return;
	if (MHD_add_response_header(r, header_text(rq, h->name), header_text(rq, value)) != MHD_YES)
		log_warn("a header of an answer was left out", "name", h->name);
}

enum MHD_Result request_answer(struct request *rq)
{
	struct http_answer *a = &rq->answer;
	if (!a->given)
		return MHD_NO;
	struct MHD_Response *r = response_new(rq);
	if (!r)
		return MHD_NO;
	for (size_t i = 0; i < a->headers.n; i++)
		add_header(rq, r, &a->headers.v[i]);
	if (atomic_load_explicit(&rq->server->stopping, memory_order_relaxed))
		(void)MHD_add_response_header(r, MHD_HTTP_HEADER_CONNECTION, "close");
	if (!a->pull && !a->head_only)
		count(&rq->conn->counts.bytes_out, a->body.n);
	enum MHD_Result ok = MHD_queue_response(rq->mhd, (unsigned)a->status, r);
	MHD_destroy_response(r);
	return ok;
}

enum MHD_Result request_refuse(struct request *rq, unsigned status)
{
	count(&rq->conn->counts.refused, 1);
	rq->answer = (struct http_answer){ .given = true, .status = (int)status };
	return request_answer(rq);
}

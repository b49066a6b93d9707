/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From libmicrohttpd's calls to a fiber and back.
 *
 * libmicrohttpd calls request_serve once when the header is there (HEAD), once or more for
 * each stretch of body (BODY), once when the body is over (END), and again wherever it was
 * when a suspended connection is resumed. Each call gives the fiber what it waits for and
 * steps it, until it
 *   - asks for more body: return, libmicrohttpd goes on reading;
 *   - parks for something else: suspend the connection, then perform the handover. The
 *     stretch of body the fiber was given stays unconsumed, so that resuming calls us again;
 *   - ends: answer.
 *
 * If the client goes, libmicrohttpd says so by request_completed while the fiber is parked
 * for the body, or is about to be stepped: never while it is away, because a suspended
 * connection is not looked at. The fiber is then stepped to its end without a connection.
 */
#include "base/str.h"
#include "wire/http_conn.h"

enum step { STEP_WANTS_BODY, STEP_AWAY, STEP_OVER };

static void wake(struct fiber_host *host, struct fiber *f)
{
	(void)f;
	struct request *rq = ENTRY(host, struct request, host);
	if (rq->orphan)
		keeper_add(rq->server, rq);
	else
		MHD_resume_connection(rq->mhd);
}

static void run_handler(void *arg)
{
	struct request *rq = arg;
	rq->server->handler(&rq->pub, rq->server->arg);
}

static void request_free(struct request *rq)
{
	struct arena *mem = rq->mem; /* rq itself is in there */
	if (rq->answer.done)
		rq->answer.done(rq->answer.arg);
	if (rq->pub.wipe)
		arena_wipe(mem);
	arena_free(mem);
}

/* The handler has ended: the last use of the server by a request that has no connection any more. */
static void fiber_over(struct request *rq)
{
	rq->fiber = NULL;
	rq->over = true;
}

static void name_tls(struct http_conn *conn, struct MHD_Connection *mhd)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_GNUTLS_SESSION);
	conn->tls_named = true;
	conn->tls_version = tls_version_name(info->tls_session);
	conn->tls_cipher = tls_cipher_name(info->tls_session);
}

/*
 * Keeps libmicrohttpd from parsing the query, which nobody asks it for: it makes a record of
 * each parameter, and when its pool has no room for one more the connection hangs, busily,
 * until it times out. The query ends here for it; ours was copied before.
 */
static void hide_query(const char *uri)
{
	char *ask = strchr((char *)(uintptr_t)uri, '?');
	if (ask)
		ask[1] = 0;
}

void *request_uri(void *cls, const char *uri, struct MHD_Connection *c)
{
	(void)cls;
	struct http_conn *conn = MHD_get_connection_info(c, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
	struct arena *mem = arena_new();
	struct request *rq = NEW(mem, struct request);
	*rq = (struct request){ .server = conn->server, .conn = conn, .mhd = c, .mem = mem, .uri = uri };
	rq->host.wake = wake;
	rq->pub.mem = mem;
	rq->pub.target = uri ? str_dup(mem, str_of(uri)) : S("");
	if (uri)
		hide_query(uri);
	return rq;
}

static void describe_client(struct request *rq)
{
	struct http_conn *conn = rq->conn;
	struct http_req *pub = &rq->pub;
	if (conn->tls && !conn->tls_named)
		name_tls(conn, rq->mhd);
	pub->tls = conn->tls;
	pub->local = conn->local;
	pub->tls_version = conn->tls_version;
	pub->tls_cipher = conn->tls_cipher;
	pub->peer = str_dup(rq->mem, str_of(conn->peer));
	pub->peer_port = conn->peer_port;
	pub->server_addr = str_dup(rq->mem, str_of(conn->self));
	pub->server_port = conn->self_port;
}

/* Counted before `cut` is looked at: http_stop sets it and then waits for the count to reach zero. */
static bool fiber_start(struct request *rq)
{
	atomic_fetch_add(&rq->server->open, 1);
	if (atomic_load(&rq->server->cut)) {
		atomic_fetch_sub(&rq->server->open, 1);
		return false;
	}
	count(&rq->conn->counts.requests, 1);
	rq->fiber = fiber_new(&rq->host, run_handler, rq);
	return true;
}

static void want_body(struct request *rq, bool yes)
{
	rq->wants_body = yes;
	atomic_store_explicit(&rq->conn->wants_body, yes, memory_order_relaxed);
}

/* After STEP_AWAY the request belongs to someone else. */
static enum step step(struct request *rq)
{
	struct handover h;
	want_body(rq, false);
	if (fiber_step(rq->fiber, &h) == FIBER_DONE) {
		fiber_over(rq);
		atomic_fetch_sub(&rq->server->open, 1);
		return STEP_OVER;
	}
	if (h.fn == request_body_wanted) {
		want_body(rq, true);
		return STEP_WANTS_BODY;
	}
	MHD_suspend_connection(rq->mhd);
	if (h.fn)
		h.fn(h.arg, rq->fiber);
	return STEP_AWAY;
}

/*
 * Answered before the body was read. A client that waits for 100 Continue gets the answer
 * instead; else a body that is short enough is read and dropped, so that the connection can
 * be kept and the client, busy sending, does not miss the answer.
 */
static enum MHD_Result answer_early(struct request *rq)
{
	int64_t rest = rq->pub.content_length;
	if (rq->expects || rest > (int64_t)rq->server->limits.drain_bytes)
		return request_answer(rq);
	rq->phase = PHASE_BODY;
	return MHD_YES;
}

static enum MHD_Result go_on_head(struct request *rq)
{
	switch (step(rq)) {
	case STEP_WANTS_BODY:
		rq->phase = PHASE_BODY;
		return MHD_YES;
	case STEP_AWAY:
		return MHD_YES;
	default:
		return answer_early(rq);
	}
}

/* A request without a body starts at END, which libmicrohttpd calls right after HEAD: an answer in HEAD closes. */
static enum MHD_Result begin(struct request *rq, const char *method, const char *version)
{
	atomic_store_explicit(&rq->conn->idle_since, 0, memory_order_relaxed);
	atomic_store_explicit(&rq->conn->body_since, 0, memory_order_relaxed);
	atomic_store_explicit(&rq->conn->wants_body, false, memory_order_relaxed);
	rq->vetted = true;
	unsigned refuse = request_vet(rq, method, version);
	if (refuse)
		return request_refuse(rq, refuse);
	describe_client(rq);
	if (rq->pub.content_length == 0) {
		rq->phase = PHASE_BODY;
		return MHD_YES;
	}
	if (!fiber_start(rq))
		return MHD_NO;
	return go_on_head(rq);
}

static enum MHD_Result drain(struct request *rq, size_t *n)
{
	rq->drained += *n;
	*n = 0;
	atomic_store_explicit(&rq->conn->wants_body, true, memory_order_relaxed); /* though the handler does not */
	return rq->drained > rq->server->limits.drain_bytes ? MHD_NO : MHD_YES;
}

/* Copies the next piece for the fiber and returns its length. */
static size_t give(struct request *rq, const char *data, size_t n)
{
	int64_t length = rq->pub.content_length;
	size_t max = length > 0 && length < PIECE_MAX ? (size_t)length : PIECE_MAX;
	if (!rq->room)
		rq->room = arena_alloc(rq->mem, max, 1, 1);
	size_t k = n < max ? n : max;
	memcpy(rq->room, data, k);
	rq->piece = str_make(rq->room, k);
	rq->received += k;
	rq->too_big = rq->received > (uint64_t)rq->server->limits.body_bytes;
	count(&rq->conn->counts.bytes_in, k);
	return k;
}

/* The handler ended with the body half read: is the rest worth reading? */
static enum MHD_Result over_in_body(struct request *rq, size_t *n, size_t given)
{
	uint64_t length = (uint64_t)rq->pub.content_length;
	rq->held = 0;
	if (rq->pub.content_length > 0 && length - rq->received > rq->server->limits.drain_bytes)
		return MHD_NO;
	*n -= given;
	return drain(rq, n);
}

static enum MHD_Result go_on_body(struct request *rq, const char *data, size_t *n)
{
	if (rq->over)
		return drain(rq, n);
	size_t given = rq->held;
	for (;;) {
		if (rq->wants_body && given == *n) {
			rq->held = 0;
			*n = 0;
			return MHD_YES;
		}
		if (rq->wants_body)
			given += give(rq, data + given, *n - given);
		rq->held = given;
		enum step s = step(rq);
		if (s == STEP_AWAY)
			return MHD_YES;
		if (s == STEP_OVER)
			return over_in_body(rq, n, given);
	}
}

static enum MHD_Result go_on_end(struct request *rq)
{
	want_body(rq, false);
	if (rq->phase != PHASE_END) {
		rq->phase = PHASE_END;
		rq->ended = true;
		rq->piece = S("");
		if (!rq->over && !rq->fiber && !fiber_start(rq))
			return MHD_NO;
	}
	if (rq->over)
		return request_answer(rq);
	enum step s = step(rq);
	assert(s != STEP_WANTS_BODY);
	return s == STEP_AWAY ? MHD_YES : request_answer(rq);
}

enum MHD_Result request_serve(void *cls, struct MHD_Connection *c, const char *url, const char *method,
			      const char *version, const char *data, size_t *n, void **ctx)
{
	(void)cls;
	(void)c;
	(void)url;
	struct request *rq = *ctx;
	if (!rq->vetted)
		return begin(rq, method, version);
	if (*n)
		return go_on_body(rq, data, n);
	if (rq->phase == PHASE_HEAD)
		return go_on_head(rq);
	return go_on_end(rq);
}

void request_step_orphan(struct request *rq)
{
	struct handover h;
	if (fiber_step(rq->fiber, &h) == FIBER_PARKED) {
		if (h.fn)
			h.fn(h.arg, rq->fiber);
		return;
	}
	struct http_server *s = rq->server;
	fiber_over(rq);
	request_free(rq);
	atomic_fetch_sub(&s->open, 1); /* last: http_stop may free the server now */
}

void request_completed(void *cls, struct MHD_Connection *c, void **ctx, enum MHD_RequestTerminationCode how)
{
	(void)cls;
	(void)c;
	(void)how;
	struct request *rq = *ctx;
	if (!rq)
		return;
	*ctx = NULL;
	struct http_server *s = rq->server;
	unsigned now = atomic_load_explicit(&s->tick, memory_order_relaxed);
	atomic_store_explicit(&rq->conn->idle_since, now, memory_order_relaxed);
	if (!rq->vetted)
		count(&rq->conn->counts.refused, 1);
	if (!rq->fiber) {
		request_free(rq);
		return;
	}
	rq->closed = true;
	rq->orphan = true;
	rq->mhd = NULL;
	rq->conn = NULL;
	request_step_orphan(rq);
}

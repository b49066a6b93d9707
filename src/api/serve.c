/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The life of a request, from its headers to its answer. One way in: every call of every
 * service takes these steps in this order, and no step can be skipped.
 *
 *     receive ─▶ route ─▶ authenticate ─▶ decode ─▶ authorize ─▶ execute ─▶ record ─▶ encode
 *        │         │           │             │          │            │          │
 *        └─────────┴───────────┴─────────────┴──────────┴── fault ───┘          │
 *                                      │                                        │
 *                                      └────────▶ record ─▶ refuse              └─ not recorded: refuse
 *
 * A handler that changed something is still inside its write transaction when it returns;
 * recording puts the record into the same transaction and commits both.
 */
#include "api/serve.h"

#include "api/accounts.h"
#include "api/authenticate.h"
#include "api/authz.h"
#include "api/call.h"
#include "api/faults.h"
#include "api/ids.h"
#include "api/proto.h"
#include "api/record.h"
#include "api/route.h"
#include "api/session_limits.h"
#include "api/trail.h"
#include "base/buf.h"
#include "base/log.h"
#include "base/str.h"
#include "wire/decode.h"
#include "wire/json.h"
#include "wire/query.h"

/* ---- steps ------------------------------------------------------------------------ */

static struct status decode(struct req *rq)
{
	void *in = arena_alloc(rq->mem, rq->op->in->size ? rq->op->in->size : 1, _Alignof(max_align_t), 1);
	rq->in = in; /* as far as it was read it belongs into the record */
	rq->decode = NEW(rq->mem, struct decode);
	*rq->decode = decode_in(rq->mem);
	return proto_of(rq->svc->protocol)->decode(rq, in);
}

/* An operation may raise only what its model says it may, and what any operation may. */
static bool declared(const struct req *rq)
{
	for (const struct fault_kind *const *k = rq->op->faults; *k; k++)
		if (*k == rq->fault.kind)
			return true;
	return rq->fault.forwarded || rq->fault.common || fault_is_common(rq->fault.kind);
}

/* A fault missing in the model is our mistake, but no client may stop the server with it: the tests look for this line.
 */
static struct status check_declared(const struct req *rq, struct status st)
{
	if (st.code == E_FAULT && !declared(rq))
		log_error("a fault that the model does not declare", "operation", str_of(rq->op->name), "fault",
			  str_of(rq->fault.kind->name));
	return st;
}

static struct status execute(struct req *rq)
{
	rq->out = arena_alloc(rq->mem, rq->op->out->size ? rq->op->out->size : 1, _Alignof(max_align_t), 1);
	return rq->op->call(rq, rq->in, rq->out);
}

/* What went wrong below the handlers has no place in an answer: the log tells the operator, the client learns which
 * kind it is. */
static void name_failure(struct req *rq, struct status st)
{
	if (st.code == E_FAULT) {
		assert(rq->fault.kind);
		return;
	}
	bool gone = st.code == E_CLOSED; /* the client hung up, or we are stopping: nothing is wrong */
	log_line(gone ? LOG_INFO : LOG_ERROR, __FILE__, __LINE__, "request failed", "request", rq->id, "status",
		 str_of(status_name(st)), "operation", str_of(rq->op ? rq->op->name : "-"), NULL);
	if (gone || st.code == E_FULL || st.code == E_BUSY)
		(void)FAIL(rq, api_ServiceUnavailable, "The service is unavailable. Please retry.");
	else
		(void)FAIL(rq, api_InternalFailure, "We encountered an internal error. Please try again.");
}

/*
 * Before the body is read: what the operation takes or gives may be a secret. A call from inside works in the memory of
 * the request on whose behalf it is made.
 */
static struct status keep_secret(struct req *rq)
{
	const struct req *outermost = rq;
	while (outermost->parent)
		outermost = outermost->parent;
	if (rq->op->flags & OP_SENSITIVE && outermost->http)
		outermost->http->wipe = true;
	return OK;
}

/* ---- recording ------------------------------------------------------------------------ */

static struct status record_effect(struct req *rq)
{
	struct status st = txn_outbox(rq->write, record_make(rq));
	return txn_finish(req_write_take(rq), st);
}

static struct status record_call(struct req *rq)
{
	if (rq->no_record || !rq->svc)
		return OK;
	bool stranger = rq->fault.kind && rq->caller.kind == CALLER_ANONYMOUS;
	if (stranger && !trail_admits_stranger(rq->app->trail, rq->source_ip))
		return OK;
	struct str account =
	    account_find(rq->app->accounts, rq->account) ? rq->account : account_at(rq->app->accounts, 0)->id;
	return trail_append(rq->app->trail, account, record_make(rq));
}

static struct status record(struct req *rq) { return rq->write ? record_effect(rq) : record_call(rq); }

/* Nothing stays of what a failed handler did, neither in its shard nor in the answer. */
static void undo(struct req *rq)
{
	req_write_undo(rq);
	if (rq->pull_done)
		rq->pull_done(rq->pull_arg);
	rq->pull = NULL;
	rq->pull_done = NULL;
	rq->status = 0;
	rq->head_length = 0;
	rq->reply = (struct str){ 0 };
	rq->extra_headers = (struct http_pairs){ 0 };
}

/* ---- lives ------------------------------------------------------------------------------ */

typedef struct status step(struct req *rq);

static struct status run(struct req *rq, step *const *steps, size_t n)
{
	struct status st = OK;
	for (size_t i = 0; i < n && !failed(st); i++)
		st = steps[i](rq);
	if (!failed(st)) {
		rq->fault.kind = NULL; /* a fault on the way that the handler got over is not this call's */
		st = record(rq);
	}
	if (!failed(st) && rq->after)
		rq->after(rq);
	if (!failed(st))
		return OK;
	undo(rq);
	name_failure(rq, st);
	if (failed(record_call(rq)))
		(void)FAIL(rq, api_ServiceUnavailable, "The service is unavailable. Please retry.");
	return ERR(E_FAULT);
}

static struct status checked_execute(struct req *rq) { return check_declared(rq, execute(rq)); }

/* What is raised in place of AccessDenied (authz_item.denied) is declared, too. */
static struct status checked_authorize(struct req *rq) { return check_declared(rq, req_authorize(rq)); }

static step *const decoded_life[] = { keep_secret, req_limit_session, checked_authorize, checked_execute };
static step *const http_life[] = { req_route, keep_secret,       req_authenticate, req_limit_session,
				   decode,    checked_authorize, checked_execute };

struct status serve_decoded(struct req *rq) { return run(rq, decoded_life, COUNT(decoded_life)); }

/* ---- HTTP ---------------------------------------------------------------------------------- */

static struct str host_of(struct http_req *http)
{
	struct str host = http_header(http, S("host"));
	return host.p ? host : S(""); /* HTTP/1.0 may leave it out; the signature then does not hold */
}

static void receive(struct req *rq, struct app *app, struct http_req *http)
{
	*rq = (struct req){
		.app = app,
		.mem = http->mem,
		.http = http,
		.now_ms = app_now_ms(app),
		.region = app->region,
		.account = account_at(app->accounts, 0)->id,
		.host = host_of(http),
		.path = http->path,
		.raw_query = http->query,
		.source_ip = http->peer,
		.user_agent = http_header(http, S("user-agent")),
		.secure = http->tls,
		.id = id_uuid(app->world, http->mem),
	};
	rq->caller.account = S("anonymous");
	rq->caller.principal_id = S("anonymous");
}

/* Nothing was recognised, not even a service: said so that whoever asked can read it, by the form of what he sent. */
static void refuse_unknown(struct req *rq)
{
	bool form = str_starts_ci(req_in_header(rq, "content-type"), S("application/x-www-form-urlencoded"));
	enum protocol as = form ? PROTO_QUERY : PROTO_JSON_1_1;
	struct fault_wire w = fault_wire(rq->fault.kind, as);
	struct buf b = buf_in(rq->mem);
	req_header(rq, "x-amzn-RequestId", rq->id);
	req_header(rq, "Content-Type", form ? S("text/xml") : S("application/x-amz-json-1.1"));
	if (form)
		query_error(&b, QUERY_AWS, !rq->fault.kind->server, str_of(w.code), rq->fault.text, S(""), rq->id);
	else
		json_error(&b, str_of(w.code), rq->fault.text);
	http_respond(rq->http, w.http, rq->extra_headers, buf_str(&b));
}

static void respond(struct req *rq)
{
	if (rq->pull) {
		http_respond_stream(rq->http, rq->status, rq->extra_headers, rq->pull_length, rq->pull, rq->pull_arg,
				    rq->pull_done);
		return;
	}
	if (rq->head_length)
		http_respond_head(rq->http, rq->status, rq->extra_headers, rq->head_length);
	else
		http_respond(rq->http, rq->status, rq->extra_headers, rq->reply);
}

void serve_http(struct http_req *http, void *app)
{
	struct req *rq = NEW(http->mem, struct req);
	receive(rq, app, http);
	struct status st = run(rq, http_life, COUNT(http_life));
	if (!rq->svc) {
		refuse_unknown(rq);
	} else {
		const struct proto *p = proto_of(rq->svc->protocol);
		failed(st) ? p->refuse(rq) : p->encode(rq);
		respond(rq);
	}
	req_unpin_all(rq);
}

/* ---- one service asking another --------------------------------------------------------------- */

static struct status call_with(struct req *parent, const struct caller *who, const struct caller_policies *policies,
			       const char *service, const char *op_name, const void *in, const void **out)
{
	const struct service *svc = app_service(parent->app, str_of(service));
	const struct op *op = svc ? service_op(svc, str_of(op_name)) : NULL;
	assert(op && !parent->write);
	struct req *rq = NEW(parent->mem, struct req);
	*rq = (struct req){
		.app = parent->app,
		.mem = parent->mem,
		.parent = parent,
		.id = id_uuid(parent->app->world, parent->mem),
		.now_ms = parent->now_ms,
		.svc = svc,
		.op = op,
		.region = parent->region,
		.account = parent->account,
		.host = S("internal"),
		.source_ip = who->invoked_by,
		.user_agent = who->invoked_by,
		.secure = true,
		.caller = *who,
		.policies = *policies,
		.handed = parent->handed, /* the policies are from there */
		.in = in,
	};
	struct status st = serve_decoded(rq);
	req_unpin_into_parent(rq); /* its output may be views of what it pinned */
	if (failed(st)) {
		parent->fault = rq->fault;
		parent->fault.forwarded = true;
		return st;
	}
	*out = rq->out;
	return OK;
}

struct status call_service(struct req *parent, const char *service, const char *op_name, const void *in,
			   const void **out)
{
	struct caller who = parent->caller;
	who.invoked_by = str_of(parent->svc->source);
	return call_with(parent, &who, &parent->policies, service, op_name, in, out);
}

struct status call_service_as(struct req *parent, const char *principal, const char *service, const char *op_name,
			      const void *in, const void **out)
{
	struct caller who = {
		.kind = CALLER_SERVICE,
		.account = parent->account,
		.principal_id = str_of(principal),
		.name = str_of(principal),
		.invoked_by = str_of(principal),
	};
	static const struct caller_policies none;
	return call_with(parent, &who, &none, service, op_name, in, out);
}

/* ---- at start ------------------------------------------------------------------------------------- */

struct status serve_check(const struct app *app)
{
	for (const struct service *const *s = app->services; *s; s++) {
		if (!proto_of((*s)->protocol))
			return ERR(E_UNSUPPORTED);
		for (uint32_t i = 1; i < (*s)->n_ops; i++)
			if (strcmp((*s)->ops[i - 1].name, (*s)->ops[i].name) >= 0)
				return ERR(E_INVALID);
	}
	return OK;
}

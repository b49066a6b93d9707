/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For operations that are judged by what they meet when they write: one request is allowed,
 * then others run from beginning to end, then it has its turn with the writer.
 *
 * All of them are made by hand in one fiber (world_in_fiber), where nothing but their order
 * decides. `like` lends the app, the memory and the service.
 */
#ifndef API_LATE_TESTING_H
#define API_LATE_TESTING_H

#include "api/authz.h"
#include "api/world.h"

/* Of that caller; late_end ends it. */
static inline struct req *late_request(struct req *like, struct caller who, const char *op, const void *in)
{
	struct req *rq = NEW(like->mem, struct req);
	*rq = (struct req){ .app = like->app,
			    .mem = like->mem,
			    .svc = like->svc,
			    .op = service_op(like->svc, str_of(op)),
			    .region = like->region,
			    .account = like->account,
			    .now_ms = like->now_ms,
			    .caller = who,
			    .in = in };
	return rq;
}

/* The handler; when it comes back well it may be inside its write. */
static inline struct status late_run(struct req *rq)
{
	rq->out = arena_alloc(rq->mem, rq->op->out->size + 1, _Alignof(max_align_t), 1);
	return rq->op->call(rq, rq->in, rq->out);
}

static inline void late_end(struct req *rq)
{
	EXPECT_OK(txn_commit(rq->write));
	req_unpin_all(rq);
}

/* Whoever `like` is does it, which is root; returns the output. */
static inline const void *late_meanwhile(struct req *like, const char *op, const void *in)
{
	struct req *rq = late_request(like, like->caller, op, in);
	EXPECT_OK(req_authorize(rq));
	EXPECT_OK(late_run(rq));
	late_end(rq);
	return rq->out;
}

typedef void late_change(struct req *like, const void *arg);

/* `who` asks and is allowed; then comes the change, then his turn. `code` NULL: it is done; else refused with that. */
static inline void late_try(struct req *like, struct caller who, const char *op, const void *in, late_change *between,
			    const void *arg, const char *code)
{
	struct req *rq = late_request(like, who, op, in);
	EXPECT_OK(rq->app->identity->policies(rq, &rq->caller, &rq->policies));
	EXPECT_OK(req_authorize(rq));
	between(like, arg);
	struct status st = late_run(rq);
	if (!code) {
		EXPECT_OK(st);
		late_end(rq);
		return;
	}
	EXPECT(st.code == E_FAULT);
	EXPECT_STR(str_of(rq->fault.kind->name), str_of(code));
	txn_abort(rq->write);
	req_unpin_all(rq);
}

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests put together again, from a question or from the trail, so that the code that lists
 * and decides what must be allowed can be asked about them. They are never executed.
 */
#ifndef API_REBUILD_H
#define API_REBUILD_H

#include "api/req.h"

/* In mem, without service, operation, caller and input. Whoever made it ends it with req_unpin_all. */
struct req *rebuild_request(struct app *app, struct arena *mem);
/* A user, role, session or root, or "anonymous", and its policies of now. E_INVALID, E_NOT_FOUND: *why says it. */
struct status rebuild_caller(struct req *rq, struct str arn, struct str *why);

const struct service *rebuild_service(const struct app *app, struct str source);   /* by eventSource; NULL */
const struct op *rebuild_op_of_event(const struct service *svc, struct str event); /* NULL */
/* The operation named as the action, else the first that needs it; NULL. */
const struct op *rebuild_op_of_action(const struct service *svc, struct str action);

/* rq->in for rq->op, as far as an ARN of the row's form, or recorded parameters, say. */
void rebuild_input_of_arn(struct req *rq, struct str arn);
void rebuild_input_of_record(struct req *rq, struct str parameters);

#endif

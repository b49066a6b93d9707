/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The life of a request, for whoever starts one: the HTTP front, one service calling
 * another, tests.
 */
#ifndef API_SERVE_H
#define API_SERVE_H

#include "api/req.h"

/* The HTTP front's handler; arg is the struct app. Runs in the request's fiber and answers it. */
void serve_http(struct http_req *http, void *app);

/*
 * Authorize, execute and record an already decoded request (rq->in set, caller and policies known). On failure the
 * fault stands in rq, and is recorded too.
 */
struct status serve_decoded(struct req *rq);

/* Refuse to start with a service whose protocol is not spoken or whose table is out of order. */
struct status serve_check(const struct app *app);

#endif

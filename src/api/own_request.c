/* SPDX-License-Identifier: Apache-2.0 */
/*
 * It has what the steps of a request ask of it, as far as there is any: no connection, no signature, no input.
 */
#include "api/own_request.h"

#include "api/ids.h"
#include "base/str.h"

struct req *own_request(struct app *app, struct arena *mem, const struct service *svc, const char *op,
			struct str account, struct str region)
{
	struct req *rq = NEW(mem, struct req);
	*rq = (struct req){
		.app = app,
		.mem = mem,
		.id = id_uuid(app->world, mem),
		.now_ms = app_now_ms(app),
		.svc = svc,
		.op = service_op(svc, str_of(op)),
		.region = region,
		.account = account,
		.host = S("internal"),
		.secure = true,
	};
	rq->caller.account = account;
	return rq;
}

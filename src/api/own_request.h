/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A request that nobody sent: for what a service does by itself (reports, links, sessions that
 * are handed out), so that reading, writing and asking other services go as they always do.
 */
#ifndef API_OWN_REQUEST_H
#define API_OWN_REQUEST_H

#include "api/req.h"

/*
 * As of the operation `op`, which there must be. Nobody is its caller, in that account, and it has no policies. In mem,
 * which must outlive it, as must the two strings. The maker ends it with req_unpin_all.
 */
struct req *own_request(struct app *app, struct arena *mem, const struct service *svc, const char *op,
			struct str account, struct str region);

#endif

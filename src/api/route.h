/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The step that finds the operation: from Host, path, X-Amz-Target, Action and the
 * credential scope to a row.
 *
 *     X-Amz-Target: Prefix.Op            JSON services, by their target prefix
 *     Action= & Version= in form or query   query services, by scope, host name or version
 *     everything else                     REST services: method, path, literal query parts,
 *                                         and the required query and header members
 *
 * S3's bucket stands in the path, or in the host name under the configured domain.
 */
#ifndef API_ROUTE_H
#define API_ROUTE_H

#include "api/req.h"

struct router;
struct router *router_new(const struct service *const *services);
void router_free(struct router *r);

enum { BODY_MAX = 1024 * 1024 }; /* of every protocol but S3's objects */

/*
 * Sets svc, op, region, query; reads the body of JSON and query requests (unless it is there already); sets labels
 * of REST ones. On failure svc may be NULL (nothing was recognised) or op (no such operation of svc).
 */
struct status req_route(struct req *rq);

/* May it be a region: 1 to 32 of a-z, 0-9 and '-'. */
bool region_name_is(struct str s);

#endif

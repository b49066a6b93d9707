/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whom a resource policy names, before it is saved: a user or role of an account held here
 * must exist, or the policy was misspelled and would let in whoever later gets that name.
 */
#ifndef API_PRINCIPALS_H
#define API_PRINCIPALS_H

#include "api/req.h"

/*
 * *missing is the ARN of the first user or role that is not there; p == NULL: all are. Other accounts' principals,
 * sessions and services are taken as they are written. Ends the request's snapshots; not after req_write.
 */
struct status principals_check(struct req *rq, const struct policy *policy, struct str *missing);

#endif

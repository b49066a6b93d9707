/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One service asking another: the only way they meet.
 *
 * The call takes the pipeline's steps (authorize, execute, record) as the caller of the
 * parent request, forwarded: kms:ViaService and aws:CalledVia name the service that asks,
 * the record says invokedBy. Nothing is skipped because the call comes from inside.
 * Not to be used after req_write.
 */
#ifndef API_CALL_H
#define API_CALL_H

#include "api/req.h"

/*
 * `op_name` of `service` with `in` (that operation's input struct, members set as a client could have; constraints are
 * not checked again). On success *out is its output struct. On failure the parent's fault is the other service's
 * fault, verbatim; the caller may replace it.
 */
struct status call_service(struct req *parent, const char *service, const char *op_name, const void *in,
			   const void **out);
/* The same as a service of ours acting for itself ("s3.amazonaws.com"), not on behalf of the caller. */
struct status call_service_as(struct req *parent, const char *principal, const char *service, const char *op_name,
			      const void *in, const void **out);

#endif

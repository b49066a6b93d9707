/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the credentials endpoint (svc/sts/endpoint.h) listens: at one place for containers,
 * and at a port of its own for each instance, since SDKs cannot be told a path there. An
 * instance's listener comes and goes with its workload.
 */
#ifndef CLI_ENDPOINT_H
#define CLI_ENDPOINT_H

#include "svc/sts/workload.h"
#include "wire/http.h"

struct endpoint;

/* Within a fiber or outside. An instance whose port cannot be listened at is told of in the log, and left out. */
struct status endpoint_start(struct app *app, const struct http_listen *at, struct endpoint **out);
void endpoint_stop(struct endpoint *e); /* null is allowed */

/* http://127.0.0.1:4570/v1/credentials/NAME, or an instance's http://127.0.0.1:PORT */
struct str endpoint_url(const struct endpoint *e, struct arena *mem, const struct workload *w);

/* Within fibers of one thread. As workload_add and workload_remove; E_IO: the port cannot be had. Port 0: any. */
struct status endpoint_add(struct endpoint *e, struct arena *mem, struct str name, struct str role_arn,
			   enum sts_workload_form form, int port, struct workload *out, struct str *token);
struct status endpoint_remove(struct endpoint *e, struct arena *mem, struct str name);

#endif

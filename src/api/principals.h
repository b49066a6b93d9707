/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whom a resource policy names. A user or role of an account held here must exist when the
 * policy is saved, and is known by his unique id from then on ("AWS JSON policy elements:
 * Principal": the ARN is transformed to the principal ID when you save the policy): who is
 * deleted and made again under the same name is somebody else.
 *
 * So a service keeps two documents: as it was written, which it shows, and with the ids in
 * place of the ARNs, which decides. Where the one who was named is gone, the id is shown.
 */
#ifndef API_PRINCIPALS_H
#define API_PRINCIPALS_H

#include "api/req.h"

/*
 * For a document that compiles. *bound has the ids; p == NULL: it names nobody by ARN, and itself decides. *missing is
 * the ARN of the first user or role that is not there; p == NULL: all are. Other accounts' principals, sessions and
 * services are taken as they are written. Ends the request's snapshots; not after req_write.
 */
struct status principals_bind(struct req *rq, struct str document, struct str *bound, struct str *missing);

/* The document with the ids of those who are gone. `bound` may be empty. Ends the request's snapshots. */
struct status principals_shown(struct req *rq, struct str document, struct str bound, struct str *out);

/*
 * For a document that compiles: `each` AWS principal in it, in order, and what stands in its place (instead->p == NULL:
 * itself). *out is the new document; p == NULL: nothing was replaced.
 */
struct status principals_rewrite(struct arena *mem, struct str document,
				 struct status (*each)(void *arg, struct str text, struct str *instead), void *arg,
				 struct str *out);

#endif

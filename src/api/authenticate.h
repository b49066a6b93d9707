/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The step that finds out who is asking: verifies the signature, opens session tokens,
 * and fills rq->caller and rq->policies.
 */
#ifndef API_AUTHENTICATE_H
#define API_AUTHENTICATE_H

#include "api/req.h"
#include "api/sigv4.h"

struct sigv4_caches;
struct sigv4_caches *sigv4_caches_new(struct world *w);
void sigv4_caches_free(struct sigv4_caches *c);

/*
 * The pipeline's step. Fills rq->auth, rq->caller, rq->policies and, from the scope, rq->region and rq->account; who
 * did not sign is anonymous where the operation allows it. Refusals are faults in the words of the protocol's family.
 */
struct status req_authenticate(struct req *rq);

/* The policies in force for rq->caller, into rq->policies. The fault of an unknown key when there is no such principal
 * any more. */
struct status req_fetch_policies(struct req *rq);

/* Turns what sigv4 and payload_check found (rq->sig_fault) into the request's fault; passes everything else through. */
struct status req_fail_signature(struct req *rq, struct status st);

#endif

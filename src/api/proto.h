/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The three families of protocols as the pipeline sees them: a way in, a way out, a way
 * to refuse. The codecs themselves are in wire/.
 */
#ifndef API_PROTO_H
#define API_PROTO_H

#include "api/req.h"

struct proto {
	struct status (*decode)(struct req *rq, void *in); /* fills the zeroed input struct */
	void (*encode)(struct req *rq);                    /* status, headers, reply from rq->out */
	void (*refuse)(struct req *rq);                    /* the same from rq->fault */
};

const struct proto *proto_of(enum protocol p);
extern const struct proto proto_json, proto_query, proto_rest_xml;

/* Checks the model's constraints; raises the family's validation fault. */
struct status proto_check(struct req *rq, const void *in);

#endif

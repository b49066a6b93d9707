/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the bytes of a new object or part go: sealed in memory while they are few, into a
 * blob from there on. Never more than a piece and S3_SIDE_MAX bytes are in memory.
 */
#ifndef S3_SINK_H
#define S3_SINK_H

#include "svc/s3/digest.h"
#include "svc/s3/object.h"
#include "svc/s3/seal.h"

struct s3_sink {
	struct req *rq;
	struct s3_litter *litter;
	struct str identity;
	struct secret key;
	struct buf small;
	struct blob_writer *writer;
	int64_t size, max;
	bool blob_only;
	struct s3_digest *md5; /* beside everything else; NULL: the body's checks compute it, or nobody */
};

/* What became of the bytes. One of inline_, side and blob_id is given; all are sealed. */
struct s3_stored {
	struct str inline_, side, blob_id;
	int64_t size;
};

/* `key` becomes the sink's. */
struct s3_sink *s3_sink_new(struct req *rq, struct s3_litter *litter, struct secret key, struct str identity,
			    int64_t max);
struct status s3_sink_write(struct s3_sink *s, struct str piece); /* EntityTooLarge */
struct status s3_sink_finish(struct s3_sink *s, struct s3_stored *out);

/* The request's body, to its end: what is stored then is what was promised. */
struct status s3_sink_body(struct s3_sink *s);
/* How long the body says it is; -1 when it does not. */
int64_t s3_body_length(struct req *rq);
/* Refuse before the first byte what says it is too long, or does not say how long it is. */
struct status s3_check_length(struct req *rq, int64_t max);

#endif

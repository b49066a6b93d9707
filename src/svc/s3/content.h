/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading an object's bytes: a run of them, wherever they lie.
 *
 * Few bytes come whole, in memory. More come as a stream that http pulls after the handler
 * is done, so a stream owns what it needs: keys, an open blob, a hold on the parts.
 */
#ifndef S3_CONTENT_H
#define S3_CONTENT_H

#include "svc/s3/object.h"
#include "svc/s3/seal.h"

struct s3_stream;

struct s3_content {
	struct str bytes;         /* the run, when it is in memory (p != NULL) */
	struct s3_stream *stream; /* else: s3_stream_pull, s3_stream_close */
};

/* Parts of a multipart object, for its readers; empty for others. */
struct status s3_content_parts(struct req *rq, struct s3_place *p, struct s3_parts_row *out);

/*
 * The run [from, from + n) of the object at p, whose row has been looked at. E_NOT_FOUND: it was overwritten meanwhile:
 * s3_find_bytes. Asks KMS.
 */
struct status s3_content_open(struct req *rq, struct s3_place *p, int64_t from, int64_t n, struct s3_content *out);

/*
 * Calls `look`, which opens content, until that is found. Each time before the next the request is judged anew, for it
 * was the object before, by its tags, that was allowed: s3_place_of is another then. E_BUSY: overwritten every time.
 */
typedef struct status s3_look(struct req *rq, void *arg);
struct status s3_find_bytes(struct req *rq, s3_look *look, void *arg);

struct status s3_stream_pull(void *stream, char *buf, size_t room, size_t *got); /* http_pull; *got == 0: the end */
void s3_stream_close(void *stream);

#endif

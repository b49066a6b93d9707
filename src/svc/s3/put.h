/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What everything that makes an object has in common: PutObject, CopyObject and
 * CompleteMultipartUpload.
 */
#ifndef S3_PUT_H
#define S3_PUT_H

#include "svc/s3/checksum.h"
#include "svc/s3/object.h"
#include "svc/s3/sink.h"

/* A row about to be written. */
struct s3_write {
	const struct s3_object_row *row;
	struct str side; /* p == NULL: the object has no side row */
	struct s3_litter *litter;
	struct str if_match, if_none_match;
};
/* Carries the request to the index's writer, checks, writes; what was there before becomes litter. */
struct status s3_object_replace(struct req *rq, struct s3_place *p, const struct s3_write *w);

/* Before the body: the sums an ETag and a checksum need. a == 0: only what the headers name. */
void s3_want_sums(struct s3_sink *sink, const struct s3_object_row *row, enum s3_checksum_algorithm a);
/* After the body. */
struct str s3_new_etag(struct s3_sink *sink, const struct s3_object_row *row);
void s3_row_stored(struct s3_object_row *row, const struct s3_stored *stored);

#endif

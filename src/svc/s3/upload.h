/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Multipart uploads.
 *
 *     create ──▶ u <key> <upload id>              all that was said of the object to be
 *     part   ──▶ p <upload id> <number> + blob    the last one of a number counts
 *     complete ▶ o <key>, d <key> = the parts     no byte is copied; what was not named is litter
 *     abort  ──▶ nothing
 *
 * The upload id begins with the time, so that uploads of one key list in order of
 * initiation. Completing twice gives the same answer while the object still is the one the
 * first time made.
 */
#ifndef S3_UPLOAD_H
#define S3_UPLOAD_H

#include "svc/s3/object.h"

struct str s3_upload_key(struct arena *mem, struct str key, struct str upload); /* u <key> <upload id> */
struct str s3_part_key(struct arena *mem, struct str upload, int64_t number);   /* p <upload id> <number> */
struct str s3_parts_prefix(struct arena *mem, struct str upload);

struct status s3_no_such_upload(struct req *rq, struct str upload);
/* NoSuchUpload when it is not there. */
struct status s3_upload_get(struct req *rq, struct txn *t, struct str key, struct str upload,
			    struct s3_object_row *row);
/* From a snapshot. */
struct status s3_upload_look(struct req *rq, struct s3_place *p, struct str upload, struct s3_object_row *row);
/* All parts there are, in order of their numbers. */
struct status s3_upload_parts(struct req *rq, struct txn *t, struct str upload, struct s3_part_row **out, size_t *n);
/* In the write transaction: the upload's row and all its parts go; the blobs are litter. */
struct status s3_upload_forget(struct req *rq, struct txn *t, struct str key, struct str upload);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An object's row, where its bytes are, and what becomes of bytes nobody needs any more.
 *
 *     o <key>           the row: all that is known of the object
 *     d <key>           beside it: bytes too many for the row, or the list of parts
 *     blob              more bytes still; every part of a multipart object has one of its own
 *
 *     size   <= 2 KiB   sealed, in the row: one read gives everything
 *            <= 16 KiB  sealed, in d: listing does not drag it along
 *            more       a blob; its id is in the row
 *
 * Bytes are written before the row that names them, and deleted after the row that named
 * them is gone: s3_litter does both ends, whatever way a request ends. What a crash leaves
 * between is swept at start (start.c).
 */
#ifndef S3_OBJECT_H
#define S3_OBJECT_H

#include "svc/s3/bucket.h"

enum {
	S3_INLINE_MAX = 2 * 1024,
	S3_SIDE_MAX = 16 * 1024,
	S3_PARTS_MAX = 10000,
};
#define S3_PART_MIN ((int64_t)5 << 20)  /* every part but the last */
#define S3_PUT_MAX  ((int64_t)5 << 30)  /* one PUT or part */
#define S3_SIZE_MAX ((int64_t)50 << 40) /* an object: "Amazon S3 multipart upload limits" */

struct str s3_object_key(struct arena *mem, struct str key); /* o <key> */
struct str s3_side_key(struct arena *mem, struct str key);   /* d <key> */
struct str s3_closed_key(struct arena *mem);                 /* c: the bucket is being deleted */

/* p->row, from the index, once a request; NULL when there is no such object. */
struct status s3_object_look(struct req *rq, struct s3_place *p);
/* The same anew, from a snapshot begun now. */
struct status s3_object_look_again(struct req *rq, struct s3_place *p);
/* In any transaction. E_NOT_FOUND. */
struct status s3_object_get(struct txn *t, struct arena *mem, struct str key, struct s3_object_row *row);
struct status s3_parts_get(struct txn *t, struct arena *mem, struct str key, struct s3_parts_row *parts);

/* No such object: 404 for who may list the bucket, else 403, so that nobody learns what is there. */
struct status s3_object_missing(struct req *rq, struct s3_place *p);
/* Buckets here have no versions: "null" is the only version there is. */
struct status s3_check_version(struct req *rq, struct str version_id);
struct status s3_check_key(struct req *rq, struct str key);

/* req_write on the index; NoSuchBucket when the bucket is being deleted. */
struct status s3_index_write(struct req *rq, struct s3_place *p, struct txn **t);
/* A write on the index to change an object that is there, judged by the tags it has (req_write_as_judged). */
struct status s3_object_edit(struct req *rq, struct txn **t, struct s3_object_row *row);
struct status s3_object_put(struct req *rq, struct txn *t, struct str key, const struct s3_object_row *row);
struct status s3_fail_argument(struct req *rq, const char *text, const char *name, struct str value);

/* Whose bytes these are, authenticated with them. upload p == NULL: not a part. */
struct str s3_identity(struct req *rq, const struct s3_bucket_info *b, struct str key, struct str upload,
		       int64_t number);

/* ---- litter ------------------------------------------------------------------------ */

/* Blobs that must not outlive the request: those it made if it fails, those it replaced if it succeeds. */
struct s3_litter;
struct s3_litter *s3_litter_new(struct req *rq);
void s3_litter_made(struct s3_litter *l, struct blob_id id);
/* Blobs of a part or object whose row is overwritten or deleted in this request's transaction. */
void s3_litter_old(struct s3_litter *l, struct str blob_id);
struct status s3_litter_row(struct s3_litter *l, struct txn *t, struct str key, const struct s3_object_row *row);

struct blob_id s3_blob_id(struct str bytes);

#endif

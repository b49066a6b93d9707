/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A bucket as the other files of this service see it, and where its bytes lie.
 *
 * Two kinds of shards (README.md shows the rows):
 *
 *   names   one for the server, under the first account: bucket name -> owner, region, settings.
 *           It changes only when a bucket or its settings do, so what cached() made of it
 *           stays good while objects are written.
 *   index   one a bucket, under its owner: objects, uploads and their parts
 *
 * Every operation begins with s3_enter: in its authorize function, so that what was looked
 * up for the decision is what the handler works on.
 */
#ifndef S3_BUCKET_H
#define S3_BUCKET_H

#include "api/authz.h"
#include "api/req.h"
#include "s3_api.h"

enum { S3_KEY_MAX = 1024, S3_BUCKETS_MAX = 10000 };

/* Immutable; lives until the request ends. */
struct s3_bucket_info {
	struct str name;
	struct s3_bucket_row row;
	const struct policy *policy; /* NULL: none */
	bool policy_public;
	struct arena *mem;
};

/* What authorize looked up: rq->found of every operation on a bucket. */
struct s3_place {
	const struct s3_bucket_info *bucket;
	struct str key;                  /* p == NULL: the operation is on the bucket */
	struct shard *index;             /* NULL until s3_index */
	const struct s3_object_row *row; /* of the object, if `looked` and there is one */
	bool looked;
	const struct s3_place *source; /* of a copy */
};
static inline struct s3_place *s3_place_of(struct req *rq) { return (struct s3_place *)(uintptr_t)rq->found; }

/* Finds bucket and key in the input, checks region and expected owner, makes the request the owner's. */
struct status s3_enter(struct req *rq, const void *in, struct s3_place **out);
/* The same for a bucket by name: NoSuchBucket, InvalidBucketName; no other checks. */
struct status s3_bucket_find(struct req *rq, struct str name, const struct s3_bucket_info **out);
struct status s3_expect_owner(struct req *rq, const struct s3_bucket_info *b, struct str expected);

struct status s3_names(struct req *rq, struct shard **out);
struct status s3_index(struct req *rq, struct s3_place *p, struct shard **out);
struct str s3_index_name(struct arena *mem, struct str owner, struct str id);

/* A member of the input by its AWS name; p == NULL: absent, or the operation has no such member. */
struct str s3_member(struct req *rq, const void *in, const char *name);

struct str s3_bucket_arn(struct req *rq, struct str name);
struct str s3_object_arn(struct req *rq, struct str name, struct str key);
/* Who owns the account's objects, as S3 shows owners: the canonical id. */
struct str s3_canonical_id(struct req *rq, struct str account);

/* In a write transaction on the names shard: the bucket's row as it is now; NoSuchBucket when it went. */
struct status s3_bucket_load(struct req *rq, struct txn *t, const struct s3_bucket_info *b, struct s3_bucket_row *row);
struct status s3_bucket_save(struct req *rq, struct txn *t, struct str name, const struct s3_bucket_row *row);
/* req_write on the names shard and s3_bucket_load, for handlers that change one setting. */
struct status s3_bucket_change(struct req *rq, struct txn **t, struct s3_bucket_row *row);

/* Row keys. */
struct str s3_name_key(struct arena *mem, struct str bucket);                    /* b <name> */
struct str s3_owner_key(struct arena *mem, struct str owner, struct str bucket); /* o <owner> <name> */
/* c <id> <request>: its index may be closed. x <id>: its index is to be shredded. */
struct str s3_closing_key(struct arena *mem, struct str id, struct str request);
struct str s3_dropped_key(struct arena *mem, struct str id);

/* Is this a name a bucket may have ("Bucket naming rules")? */
bool s3_bucket_name_ok(struct str name);
struct status s3_fail_bucket(struct req *rq, const struct fault_kind *kind, struct str name, const char *text);

#endif

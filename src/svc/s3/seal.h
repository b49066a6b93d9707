/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The keys of an object: who holds the key above them, and what every piece of bytes gets.
 *
 *     SSE-S3      account's s3 service key (keyring) ──▶ data key
 *     SSE-KMS     KMS key ── GenerateDataKey as the caller ──▶ object's key ──▶ data key
 *
 * Each piece (an object, or a part) has a data key of its own, wrapped under the key above
 * with the piece's identity. With SSE-KMS every read asks KMS again as whoever reads, so a
 * key that was disabled, or a policy that changed, counts for the very next request. The
 * encryption context is { "aws:s3:arn": the object's ARN }, with a bucket key the bucket's.
 */
#ifndef S3_SEAL_H
#define S3_SEAL_H

#include "svc/s3/bucket.h"

/* How bytes are to be encrypted: the request's headers, or else the bucket's default. */
struct s3_sse {
	enum s3_server_side_encryption algorithm;
	struct str kms_key; /* as given; the AWS managed key when nobody named one */
	bool bucket_key;
	struct str_map context;
};

/* The x-amz-server-side-encryption headers of a request, as the three operations that have them share them. */
struct s3_sse_in {
	struct str algorithm, kms_key_id, context;
	struct opt_bool bucket_key;
	bool customer; /* any SSE-C header was there */
};
#define S3_SSE_IN(in)                                                                                           \
	(struct s3_sse_in)                                                                                      \
	{                                                                                                       \
		.algorithm = (in)->server_side_encryption, .kms_key_id = (in)->sse_kms_key_id,                  \
		.context = (in)->sse_kms_encryption_context, .bucket_key = (in)->bucket_key_enabled,            \
		.customer =                                                                                     \
		    (in)->sse_customer_algorithm.p || (in)->sse_customer_key.p || (in)->sse_customer_key_md5.p, \
	}

struct status s3_sse_choose(struct req *rq, const struct s3_bucket_info *b, const struct s3_sse_in *in,
			    struct s3_sse *out);
/* SSE-C is not built. */
struct status s3_refuse_customer_key(struct req *rq, struct str algorithm, struct str key, struct str md5);

/* An open key above data keys. */
struct s3_seal {
	bool kms;
	struct secret kek; /* struct aead_key, with kms */
};

/* Makes the key above and notes in row what is needed to have it again. Freed when the request ends. */
struct status s3_seal_new(struct req *rq, const struct s3_place *p, const struct s3_sse *sse, struct s3_object_row *row,
			  struct s3_seal **out);
/* The key above, again. Freed when the request ends, unless the caller takes it over by s3_seal_take. */
struct status s3_seal_open(struct req *rq, const struct s3_place *p, const struct s3_object_row *row,
			   struct s3_seal **out);
struct s3_seal s3_seal_take(struct s3_seal *s);
void s3_seal_free(struct s3_seal *s);

/* A fresh data key, in the clear (the caller frees it) and wrapped. */
struct status s3_seal_data_key(struct req *rq, const struct s3_seal *s, struct str owner, struct str identity,
			       struct secret *plain, struct str *wrapped);
/* Callable after the request, too: from streams. `owner` is the account whose service key stands above SSE-S3. */
struct status s3_seal_unwrap(struct app *app, const struct s3_seal *s, struct str owner, struct str identity,
			     struct str wrapped, struct secret *plain);

/* May this caller use the object's key now? As s3_seal_open, but nothing is kept. */
struct status s3_seal_check(struct req *rq, const struct s3_place *p, const struct s3_object_row *row);

#endif

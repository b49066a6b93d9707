/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What PutObject, CopyObject and CreateMultipartUpload say about an object besides its
 * bytes, and what answers say of it.
 */
#ifndef S3_SETTINGS_H
#define S3_SETTINGS_H

#include "svc/s3/seal.h"

enum { S3_METADATA_MAX = 2048 };

struct s3_settings {
	struct str cache_control, content_disposition, content_encoding, content_language, content_type, expires;
	struct str website_redirect_location, storage_class, tagging;
	struct str_map metadata;
	enum s3_object_canned_acl acl;
	bool grants, locked; /* any x-amz-grant-*, any x-amz-object-lock-* */
};
#define S3_SETTINGS(in)                                                                                             \
	(struct s3_settings)                                                                                        \
	{                                                                                                           \
		.cache_control = (in)->cache_control, .content_disposition = (in)->content_disposition,             \
		.content_encoding = (in)->content_encoding, .content_language = (in)->content_language,             \
		.content_type = (in)->content_type, .expires = (in)->expires,                                       \
		.website_redirect_location = (in)->website_redirect_location, .storage_class = (in)->storage_class, \
		.tagging = (in)->tagging, .metadata = (in)->metadata, .acl = (in)->acl,                             \
		.grants = (in)->grant_full_control.p || (in)->grant_read.p || (in)->grant_read_acp.p ||             \
			  (in)->grant_write_acp.p,                                                                  \
		.locked = (in)->object_lock_mode || (in)->object_lock_legal_hold_status ||                          \
			  (in)->object_lock_retain_until_date.set,                                                  \
	}

/* Checks, and notes in row everything that is said, or its default. Not the tags: s3_settings_tags. */
struct status s3_settings_apply(struct req *rq, const struct s3_bucket_info *b, const struct s3_settings *s,
				struct s3_object_row *row);
struct status s3_settings_tags(struct req *rq, const struct s3_settings *s, struct s3_object_row *row);
struct status s3_check_acl(struct req *rq, const struct s3_bucket_info *b, const struct s3_settings *s);
struct status s3_storage_class(struct req *rq, struct str name, enum s3_storage_class *out);

/* In an answer's headers. */
#define S3_SAY_SSE(out, row)                                                    \
	do {                                                                    \
		(out)->server_side_encryption = (row)->sse;                     \
		(out)->sse_kms_key_id = (row)->kms_key_arn;                     \
		if ((row)->bucket_key_enabled)                                  \
			(out)->bucket_key_enabled = (struct opt_bool)SET(true); \
	} while (0)

/* As listings show times: in whole seconds, as Last-Modified does. */
static inline struct opt_int s3_seconds(int64_t ms) { return (struct opt_int){ .v = ms - ms % 1000, .set = true }; }
struct str s3_quoted(struct req *rq, struct str etag);
/* The class as answers name it: STANDARD is not said. */
enum s3_storage_class s3_class_said(const struct s3_object_row *row);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tags of objects and buckets: their rules, and x-amz-tagging, which writes them like a query.
 */
#ifndef S3_TAGS_H
#define S3_TAGS_H

#include "api/req.h"
#include "s3_api.h"

enum { S3_OBJECT_TAGS_MAX = 10, S3_BUCKET_TAGS_MAX = 50, S3_TAG_KEY_MAX = 128, S3_TAG_VALUE_MAX = 256 };

/* InvalidTag: too many, too long, a key twice, aws: in front, characters tags may not have. */
struct status s3_tags_check(struct req *rq, const struct s3_tag_list *tags, size_t max);
/* "a=1&b=2" checked; InvalidArgument when it is not of that form. */
struct status s3_tags_of_header(struct req *rq, struct str header, struct s3_tag_list *out);

#endif

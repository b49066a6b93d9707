/* SPDX-License-Identifier: Apache-2.0 */
/*
 * x-amz-copy-source: where a copy comes from.
 *
 *     [/]bucket/key[?versionId=id]     percent-encoded
 */
#ifndef S3_COPY_SOURCE_H
#define S3_COPY_SOURCE_H

#include "api/req.h"

struct s3_copy_source {
	struct str bucket, key; /* decoded */
	struct str version_id;  /* p == NULL: not given */
};

/* Without a request: E_INVALID when it is not of that form. */
struct status s3_copy_source_split(struct arena *mem, struct str text, struct s3_copy_source *out);
/* The same with S3's refusals. */
struct status s3_copy_source_parse(struct req *rq, struct str text, struct s3_copy_source *out);

#endif

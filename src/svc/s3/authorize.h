/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the decisions of S3 are made with, for handlers that decide key by key.
 */
#ifndef S3_AUTHORIZE_H
#define S3_AUTHORIZE_H

#include "svc/s3/bucket.h"

/* The bucket's policy as it counts for this caller; NULL: it does not, or there is none. */
const struct policy *s3_policy_for(struct req *rq, const struct s3_bucket_info *b);
/* A new item on the bucket or one of its objects, with the keys every S3 request has. `action` NULL: the row's. */
struct authz_item *s3_authz_item(struct authz *az, const struct s3_bucket_info *b, const char *action,
				 struct str resource);
void s3_authz_existing_tags(struct authz *az, struct authz_item *item, const struct s3_object_row *row);

#endif

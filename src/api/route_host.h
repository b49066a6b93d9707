/* SPDX-License-Identifier: Apache-2.0 */
/*
 * S3's two ways to name a bucket: in the path, and in the host name under the configured
 * domain ("Virtual hosting of buckets"). Here the second becomes the first.
 */
#ifndef API_ROUTE_HOST_H
#define API_ROUTE_HOST_H

#include "api/req.h"

/*
 * The request's path (still encoded) as if the bucket stood in it. Host names have no case, bucket names are lower
 * case. InvalidURI when what stands before the domain cannot be a name.
 */
struct status route_s3_path(struct req *rq, struct str *out);

#endif

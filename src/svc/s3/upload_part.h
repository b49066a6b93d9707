/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What UploadPart and UploadPartCopy have in common.
 */
#ifndef S3_UPLOAD_PART_H
#define S3_UPLOAD_PART_H

#include "svc/s3/sink.h"

struct status s3_check_part_number(struct req *rq, int64_t number);
/* Where the part's bytes go; notes the wrapped key in part. Asks KMS. */
struct status s3_part_sink(struct req *rq, struct s3_place *p, const struct s3_object_row *upload,
			   struct s3_litter *litter, struct s3_part_row *part, struct s3_sink **out);
/* Carries the request to the index's writer; NoSuchUpload when the upload ended meanwhile. */
struct status s3_part_put(struct req *rq, struct s3_place *p, struct str upload, const struct s3_part_row *part,
			  struct s3_litter *litter);

#endif

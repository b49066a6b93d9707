/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Range: bytes=... (RFC 7233). One range is served. A header that is not of the form, or has
 * several ranges, is as if it were not there, as S3 has it.
 */
#ifndef S3_RANGE_H
#define S3_RANGE_H

#include "base/base.h"

enum s3_range_kind { S3_RANGE_NONE, S3_RANGE_PART, S3_RANGE_UNSATISFIABLE };

/* Of an object of `size` bytes: the first byte, and how many. */
enum s3_range_kind s3_range_read(struct str header, int64_t size, int64_t *from, int64_t *n);

#endif

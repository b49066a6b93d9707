/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The additional checksums of objects ("Checking object integrity in Amazon S3"): which one
 * is kept, how those of parts become the object's, how answers show them.
 *
 *     one piece                     FULL_OBJECT  base64(sum)
 *     parts, CRC64NVME and, when asked, CRC32 and CRC32C
 *                                   FULL_OBJECT  the parts' sums joined arithmetically
 *     parts, the others             COMPOSITE    base64(sum of the parts' sums)-N
 */
#ifndef S3_CHECKSUM_H
#define S3_CHECKSUM_H

#include "api/payload_check.h"
#include "svc/s3/bucket.h"

enum payload_sum s3_sum_of(enum s3_checksum_algorithm a);
enum s3_checksum_algorithm s3_algorithm_of(enum payload_sum s);
const char *s3_algorithm_name(enum s3_checksum_algorithm a);
size_t s3_sum_size(enum s3_checksum_algorithm a);

/* After the body: the checksum the client named, or CRC64NVME, in base64. */
struct str s3_body_checksum(struct req *rq, enum s3_checksum_algorithm a);
enum s3_checksum_algorithm s3_body_algorithm(const struct req *rq);

/* The one checksum among five members that was given; 0: none. Two of them: the first. */
struct s3_checksum_in {
	struct str crc32, crc32c, crc64nvme, sha1, sha256;
};
#define S3_CHECKSUMS(in)                                                                                    \
	(struct s3_checksum_in)                                                                             \
	{                                                                                                   \
		(in)->checksum_crc32, (in)->checksum_crc32c, (in)->checksum_crc64nvme, (in)->checksum_sha1, \
		    (in)->checksum_sha256                                                                   \
	}
struct str s3_checksum_given(const struct s3_checksum_in *in, enum s3_checksum_algorithm a);
enum s3_checksum_algorithm s3_checksum_which(const struct s3_checksum_in *in);

struct s3_checksum_out {
	struct str *crc32, *crc32c, *crc64nvme, *sha1, *sha256;
};
#define S3_CHECKSUMS_TO(out)                                                                                        \
	(struct s3_checksum_out)                                                                                    \
	{                                                                                                           \
		&(out)->checksum_crc32, &(out)->checksum_crc32c, &(out)->checksum_crc64nvme, &(out)->checksum_sha1, \
		    &(out)->checksum_sha256                                                                         \
	}
void s3_checksum_say(struct s3_checksum_out out, enum s3_checksum_algorithm a, struct str value);

/* Joining parts: start with zeroes, add each, finish. */
struct s3_join {
	enum s3_checksum_algorithm algorithm;
	enum s3_checksum_type type;
	uint64_t crc;
	struct buf sums; /* COMPOSITE: the parts' sums one after another */
	size_t n;
};
struct status s3_join_part(struct arena *mem, struct s3_join *j, struct str base64, int64_t size); /* E_INVALID */
struct str s3_join_finish(struct arena *mem, struct s3_join *j);

/* crc(A B) from crc(A), crc(B) and B's length; reflected polynomial of `width` bits. */
uint64_t s3_crc_join(uint64_t poly, unsigned width, uint64_t a, uint64_t b, uint64_t b_bytes);

#endif

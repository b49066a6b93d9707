/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The MD5 of a long body, computed beside receiving and sealing it. MD5 is the slowest of
 * all that happens to a byte, and its ETag is a promise; so one thread, the lane, does nothing
 * else, and two bodies at a time. When there are more, their own bytes are digested on the spot.
 *
 *     fiber   fill a room ── hand it over ── fill the next ── ... ── wait when none is free ── ...
 *     lane                     digest it, with another body's
 */
#ifndef S3_DIGEST_H
#define S3_DIGEST_H

#include "crypto/hash.h"

struct s3_lane;
struct s3_lane *s3_lane_new(void);    /* NULL when there is no thread to be had */
void s3_lane_free(struct s3_lane *l); /* nothing may be under way; null is allowed */

/* A body shorter than this is not worth a second thread. */
enum { S3_DIGEST_MIN = 512 * 1024 };

struct s3_digest;
struct s3_digest *s3_digest_new(struct s3_lane *l);
void s3_digest_add(struct s3_digest *d, struct str piece);         /* may park */
void s3_digest_finish(struct s3_digest *d, uint8_t out[MD5_SIZE]); /* may park; once */
void s3_digest_free(struct s3_digest *d);                          /* may park; null is allowed */

#endif

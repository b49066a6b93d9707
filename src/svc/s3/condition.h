/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Conditional requests (RFC 7232, section 6, and "Conditional requests" of S3's user guide).
 *
 * Reading:  If-Match counts before If-Unmodified-Since, which is then not looked at;
 *           If-None-Match before If-Modified-Since, likewise. 412 comes before 304.
 * Writing:  If-None-Match: * wants no object there; If-Match wants this very one.
 */
#ifndef S3_CONDITION_H
#define S3_CONDITION_H

#include "svc/s3/bucket.h"

struct s3_condition {
	struct str if_match, if_none_match;
	struct opt_int if_modified_since, if_unmodified_since;
};
#define S3_CONDITION(in)                                                                                \
	(struct s3_condition)                                                                           \
	{                                                                                               \
		(in)->if_match, (in)->if_none_match, (in)->if_modified_since, (in)->if_unmodified_since \
	}

enum s3_verdict { S3_GO_ON, S3_NOT_MODIFIED, S3_FAILED };

/* *which becomes the header that decided. Times count in whole seconds. */
enum s3_verdict s3_condition_judge(const struct s3_condition *c, struct str etag, int64_t modified_ms,
				   const char **which);
/* Does a list of entity tags name this one? `*` names any; weak tags compare by their text. */
bool s3_etag_in(struct str list, struct str etag);

struct status s3_precondition_failed(struct req *rq, const char *which);
/* Within the write: `row` is what is there, NULL: nothing. */
struct status s3_write_condition(struct req *rq, struct str key, struct str if_match, struct str if_none_match,
				 const struct s3_object_row *row);
/* Before the bytes are read: what no object could fulfil. */
struct status s3_write_condition_check(struct req *rq, struct str if_match, struct str if_none_match);

#endif

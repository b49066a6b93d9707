/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Walking keys as S3 lists them: in byte order, with a prefix, and with everything that
 * shares what comes before the next delimiter rolled up into one common prefix, which is
 * skipped in one step however many keys are under it.
 */
#ifndef S3_LISTING_H
#define S3_LISTING_H

#include "svc/s3/object.h"

enum { S3_PAGE_MAX = 1000 };

struct s3_walk {
	/* what to walk */
	char tag; /* row of the index: 'o' objects, 'u' uploads */
	struct str prefix, delimiter;
	struct str after;     /* start behind this key; p == NULL: at the beginning */
	struct str after_sub; /* tag 'u': behind this upload of that key; p == NULL: behind all of its uploads */
	size_t max;           /* entries and common prefixes together */
	bool keys_only;
	/* what was met; gone with the next step */
	struct str key, sub, val;
	struct str common; /* a common prefix; then key is empty */
	bool truncated;
	/* private */
	struct arena *mem;
	struct cursor c;
	size_t n;
	bool skip; /* the cursor is to go past `common` first */
};

struct status s3_walk_begin(struct req *rq, struct txn *t, struct s3_walk *w);
/* False at the end, or when max are there (then truncated says whether there is more), or on failure. */
bool s3_walk_next(struct s3_walk *w);
struct status s3_walk_end(struct s3_walk *w);

/* max-keys and its like: 0 to 1000, more means 1000. */
struct status s3_page_size(struct req *rq, struct opt_int given, const char *name, size_t *out);
/* As the answer shows it: percent-encoded when encoding-type=url was asked for. */
struct str s3_key_shown(struct req *rq, enum s3_encoding_type e, struct str key);

/* Continuation tokens: opaque to clients, checked when they come back. */
struct str s3_token_make(struct arena *mem, struct str after);
struct status s3_token_read(struct arena *mem, struct str token, struct str *after); /* E_INVALID */

#endif

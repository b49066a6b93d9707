/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pages of lists: Limit, Marker, NextMarker, Truncated.
 *
 * A marker holds the key of the row to go on with, so it stays good when rows come and go.
 */
#ifndef KMS_PAGE_H
#define KMS_PAGE_H

#include "api/req.h"
#include "store/store.h"

struct kms_page {
	struct arena *mem;
	size_t limit, n;
	struct str from; /* row to begin with; p == NULL: the first */
	struct str next; /* row the next page begins with */
	bool more;
};

/* ValidationException for a limit past max, InvalidMarkerException for a marker that is not of a list under prefix. */
struct status kms_page_begin(struct req *rq, struct opt_int limit, struct str marker, size_t otherwise, size_t max,
			     struct str prefix, struct kms_page *out);
/* The cursor's next row, while there is room for it. */
bool kms_page_next(struct kms_page *page, struct cursor *c);
struct str kms_page_marker(struct req *rq, const struct kms_page *page); /* p == NULL: that was all */

#endif

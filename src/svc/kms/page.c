/* SPDX-License-Identifier: Apache-2.0 */
#include "svc/kms/page.h"

#include "api/faults.h"
#include "base/codec.h"
#include "base/str.h"
#include "kms_api.h"

struct status kms_page_begin(struct req *rq, struct opt_int limit, struct str marker, size_t otherwise, size_t max,
			     struct str prefix, struct kms_page *out)
{
	*out = (struct kms_page){ .mem = rq->mem, .limit = limit.set ? (size_t)limit.v : otherwise };
	if (out->limit > max)
		return FAIL(rq, api_ValidationException,
			    "1 validation error detected: Value '%zu' at 'limit' failed to satisfy constraint: Member "
			    "must have value "
			    "less than or equal to %zu",
			    out->limit, max);
	if (!marker.p)
		return OK;
	if (failed(base64_decode(rq->mem, marker, &out->from)) || !str_starts(out->from, prefix) ||
	    out->from.n > KEY_MAX)
		return FAIL(rq, kms_InvalidMarkerException, "The marker is not valid.");
	return OK;
}

bool kms_page_next(struct kms_page *page, struct cursor *c)
{
	if (!cursor_next(c))
		return false;
	if (page->n++ < page->limit)
		return true;
	page->more = true;
	page->next = str_dup(page->mem, c->key);
	return false;
}

struct str kms_page_marker(struct req *rq, const struct kms_page *page)
{
	return page->more ? base64_encode(rq->mem, page->next) : (struct str){ 0 };
}

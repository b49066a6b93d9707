/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ETags are compared without quotes and without "weak", for clients write them in every way.
 */
#include "svc/s3/condition.h"

#include "api/faults.h"
#include "base/str.h"

static struct str unquoted(struct str s)
{
	s = str_trim(s);
	if (str_starts(s, S("W/")))
		s = str_from(s, 2);
	return s.n >= 2 && s.p[0] == '"' && s.p[s.n - 1] == '"' ? str_sub(s, 1, s.n - 2) : s;
}

bool s3_etag_in(struct str list, struct str etag)
{
	while (list.p) {
		struct str one = unquoted(str_cut(&list, ','));
		if (str_eq(one, S("*")) || str_eq(one, etag))
			return true;
	}
	return false;
}

enum s3_verdict s3_condition_judge(const struct s3_condition *c, struct str etag, int64_t modified_ms,
				   const char **which)
{
	int64_t modified_s = modified_ms / 1000;
	if (c->if_match.p && !s3_etag_in(c->if_match, etag)) {
		*which = "If-Match";
		return S3_FAILED;
	}
	if (!c->if_match.p && c->if_unmodified_since.set && modified_s > c->if_unmodified_since.v / 1000) {
		*which = "If-Unmodified-Since";
		return S3_FAILED;
	}
	if (c->if_none_match.p) {
		*which = "If-None-Match";
		return s3_etag_in(c->if_none_match, etag) ? S3_NOT_MODIFIED : S3_GO_ON;
	}
	*which = "If-Modified-Since";
	return c->if_modified_since.set && modified_s <= c->if_modified_since.v / 1000 ? S3_NOT_MODIFIED : S3_GO_ON;
}

struct status s3_precondition_failed(struct req *rq, const char *which)
{
	(void)FAIL(rq, s3_PreconditionFailed, "At least one of the pre-conditions you specified did not hold");
	return req_fail_with(rq, "Condition", str_of(which));
}

struct status s3_write_condition_check(struct req *rq, struct str if_match, struct str if_none_match)
{
	if (!if_none_match.p || (str_eq(str_trim(if_none_match), S("*")) && !if_match.p))
		return OK;
	(void)FAIL(rq, api_NotImplemented, "A header you provided implies functionality that is not implemented");
	return req_fail_with(rq, "Header", S("If-None-Match"));
}

struct status s3_write_condition(struct req *rq, struct str key, struct str if_match, struct str if_none_match,
				 const struct s3_object_row *row)
{
	if (if_none_match.p && row)
		return s3_precondition_failed(rq, "If-None-Match");
	if (!if_match.p)
		return OK;
	if (!row) {
		(void)FAIL(rq, s3_NoSuchKey, "The specified key does not exist.");
		return req_fail_with(rq, "Key", key);
	}
	return s3_etag_in(if_match, row->etag) ? OK : s3_precondition_failed(rq, "If-Match");
}

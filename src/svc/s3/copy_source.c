/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The version id is cut off before anything is decoded: a question mark in a key comes as %3F.
 */
#include "svc/s3/copy_source.h"

#include "base/codec.h"
#include "base/str.h"
#include "s3_api.h"
#include "svc/s3/object.h"

struct status s3_copy_source_split(struct arena *mem, struct str text, struct s3_copy_source *out)
{
	struct s3_copy_source s = { 0 };
	size_t at = str_find(text, S("?versionId="));
	if (at != SIZE_MAX) {
		TRY(uri_decode(mem, str_from(text, at + 11), false, &s.version_id));
		text = str_sub(text, 0, at);
	}
	struct str path;
	TRY(uri_decode(mem, text, false, &path));
	if (path.n && path.p[0] == '/')
		path = str_from(path, 1);
	size_t slash = str_find_char(path, '/');
	if (slash == SIZE_MAX || slash == 0 || slash + 1 >= path.n)
		return ERR(E_INVALID);
	if (!str_is_utf8(path) || str_find_char(path, 0) != SIZE_MAX)
		return ERR(E_INVALID);
	s.bucket = str_sub(path, 0, slash);
	s.key = str_from(path, slash + 1);
	*out = s;
	return OK;
}

struct status s3_copy_source_parse(struct req *rq, struct str text, struct s3_copy_source *out)
{
	if (!str_starts(text, S("arn:")) && !failed(s3_copy_source_split(rq->mem, text, out)))
		return out->version_id.p ? s3_check_version(rq, out->version_id) : OK;
	(void)FAIL(rq, s3_InvalidArgument,
		   "Copy Source must mention the source bucket and key: sourcebucket/sourcekey");
	(void)req_fail_with(rq, "ArgumentName", S("x-amz-copy-source"));
	return req_fail_with(rq, "ArgumentValue", text);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rules first, then the header: it is taken apart like a query and checked like tags.
 */
#include "svc/s3/tags.h"

#include "api/faults.h"
#include "base/str.h"
#include "wire/uri.h"

/* Letters, digits, spaces and these; everything beyond ASCII passes ("Tag naming limits and requirements"). */
static bool characters_ok(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];
		if ((uint8_t)c < 0x80 && !char_alnum(c) && (!c || !strchr(" +-=._:/@", c)))
			return false;
	}
	return str_is_utf8(s);
}

static struct status bad_tag(struct req *rq, const char *text, struct str key)
{
	(void)FAIL(rq, s3_InvalidTag, "%s", text);
	return req_fail_with(rq, "TagKey", key);
}

static struct status check_one(struct req *rq, const struct s3_tag *tag)
{
	if (!tag->key.n || str_utf8_length(tag->key) > S3_TAG_KEY_MAX || !characters_ok(tag->key))
		return bad_tag(rq, "The TagKey you have provided is invalid", tag->key);
	if (str_utf8_length(tag->value) > S3_TAG_VALUE_MAX || !characters_ok(tag->value))
		return bad_tag(rq, "The TagValue you have provided is invalid", tag->key);
	if (str_starts_ci(tag->key, S("aws:")))
		return bad_tag(rq, "System tags cannot be added/updated by requester", tag->key);
	return OK;
}

struct status s3_tags_check(struct req *rq, const struct s3_tag_list *tags, size_t max)
{
	if (tags->n > max)
		return max == S3_OBJECT_TAGS_MAX
			   ? FAIL(rq, s3_BadRequest, "Object tags cannot be greater than %zu", max)
			   : FAIL(rq, s3_BadRequest, "Bucket tag count cannot be greater than %zu", max);
	for (size_t i = 0; i < tags->n; i++) {
		TRY(check_one(rq, &tags->v[i]));
		for (size_t j = 0; j < i; j++)
			if (str_eq(tags->v[i].key, tags->v[j].key))
				return bad_tag(rq, "Cannot provide multiple Tags with the same key", tags->v[i].key);
	}
	return OK;
}

static struct status bad_header(struct req *rq, struct str header)
{
	(void)FAIL(rq, s3_InvalidArgument,
		   "The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query parameters "
		   "without tag name duplicates.");
	(void)req_fail_with(rq, "ArgumentName", S("x-amz-tagging"));
	return req_fail_with(rq, "ArgumentValue", header);
}

struct status s3_tags_of_header(struct req *rq, struct str header, struct s3_tag_list *out)
{
	struct http_pairs pairs;
	if (failed(uri_pairs(rq->mem, header, true, S3_BUCKET_TAGS_MAX, &pairs)))
		return bad_header(rq, header);
	struct s3_tag *v = NEWS(rq->mem, struct s3_tag, pairs.n + 1);
	for (size_t i = 0; i < pairs.n; i++) {
		v[i] = (struct s3_tag){ .key = pairs.v[i].name, .value = pairs.v[i].value };
		for (size_t j = 0; j < i; j++)
			if (str_eq(v[i].key, v[j].key))
				return bad_header(rq, header);
	}
	*out = (struct s3_tag_list){ v, pairs.n };
	return s3_tags_check(rq, out, S3_OBJECT_TAGS_MAX);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What this server cannot honour (an archive, a public ACL) is refused; what only names a price
 * or a place is kept and shown.
 */
#include "svc/s3/settings.h"

#include "api/faults.h"
#include "base/str.h"
#include "svc/s3/object.h"
#include "svc/s3/tags.h"

struct str s3_quoted(struct req *rq, struct str etag) { return arena_printf(rq->mem, "\"%.*s\"", PR(etag)); }

enum s3_storage_class s3_class_said(const struct s3_object_row *row)
{
	return row->storage_class == S3_STORAGE_CLASS_STANDARD ? (enum s3_storage_class)0 : row->storage_class;
}

/* Classes that promise another price or place are kept and shown; those that promise an archive are not to be had. */
struct status s3_storage_class(struct req *rq, struct str name, enum s3_storage_class *out)
{
	static const struct {
		const char *name;
		enum s3_storage_class class;
	} rows[] = {
		{ "STANDARD", S3_STORAGE_CLASS_STANDARD },
		{ "STANDARD_IA", S3_STORAGE_CLASS_STANDARD_IA },
		{ "ONEZONE_IA", S3_STORAGE_CLASS_ONEZONE_IA },
		{ "INTELLIGENT_TIERING", S3_STORAGE_CLASS_INTELLIGENT_TIERING },
		{ "REDUCED_REDUNDANCY", S3_STORAGE_CLASS_REDUCED_REDUNDANCY },
	};
	if (!name.p) {
		*out = S3_STORAGE_CLASS_STANDARD;
		return OK;
	}
	for (size_t i = 0; i < COUNT(rows); i++)
		if (str_eq(name, str_of(rows[i].name))) {
			*out = rows[i].class;
			return OK;
		}
	(void)FAIL(rq, s3_InvalidStorageClass, "The storage class you specified is not valid");
	return req_fail_with(rq, "StorageClassRequested", name);
}

/* ---- ACLs ---------------------------------------------------------------------------------- */

struct status s3_check_acl(struct req *rq, const struct s3_bucket_info *b, const struct s3_settings *s)
{
	bool plain = !s->acl || s->acl == S3_OBJECT_CANNED_ACL_PRIVATE ||
		     s->acl == S3_OBJECT_CANNED_ACL_BUCKET_OWNER_FULL_CONTROL;
	if (plain && !s->grants)
		return OK;
	if (b->row.object_ownership == S3_OBJECT_OWNERSHIP_BUCKET_OWNER_ENFORCED)
		return FAIL(rq, s3_AccessControlListNotSupported, "The bucket does not allow ACLs");
	(void)FAIL(rq, api_NotImplemented, "A header you provided implies functionality that is not implemented");
	return req_fail_with(rq, "Header", s->grants ? S("x-amz-grant-*") : S("x-amz-acl"));
}

/* ---- the rest ------------------------------------------------------------------------------- */

static struct status check_metadata(struct req *rq, const struct str_map *m)
{
	size_t n = 0;
	for (size_t i = 0; i < m->n; i++)
		n += m->v[i].key.n + m->v[i].value.n;
	if (n <= S3_METADATA_MAX)
		return OK;
	(void)FAIL(rq, s3_MetadataTooLarge, "Your metadata headers exceed the maximum allowed metadata size");
	(void)req_fail_with(rq, "Size", arena_printf(rq->mem, "%zu", n));
	return req_fail_with(rq, "MaxSizeAllowed", arena_printf(rq->mem, "%d", S3_METADATA_MAX));
}

static struct status check_redirect(struct req *rq, struct str to)
{
	if (!to.p || str_starts(to, S("/")) || str_starts(to, S("http://")) || str_starts(to, S("https://")))
		return OK;
	return FAIL(rq, s3_InvalidArgument,
		    "The website redirect location must have a prefix of 'http://' or 'https://' or '/'.");
}

/* aws-chunked is how the body travelled, not what it is. */
static struct str without_chunked(struct req *rq, struct str encoding)
{
	if (!encoding.p || str_find(encoding, S("aws-chunked")) == SIZE_MAX)
		return encoding;
	struct buf b = buf_in(rq->mem);
	while (encoding.p) {
		struct str one = str_trim(str_cut(&encoding, ','));
		if (!one.n || str_eq(one, S("aws-chunked")))
			continue;
		if (b.n)
			buf_byte(&b, ',');
		buf_put(&b, one);
	}
	return b.n ? buf_str(&b) : (struct str){ 0 };
}

struct status s3_settings_tags(struct req *rq, const struct s3_settings *s, struct s3_object_row *row)
{
	return s->tagging.p ? s3_tags_of_header(rq, s->tagging, &row->tag_set) : OK;
}

struct status s3_settings_apply(struct req *rq, const struct s3_bucket_info *b, const struct s3_settings *s,
				struct s3_object_row *row)
{
	TRY(s3_check_acl(rq, b, s));
	if (s->locked)
		return FAIL(rq, s3_InvalidRequest, "Bucket is missing Object Lock Configuration");
	TRY(check_metadata(rq, &s->metadata));
	TRY(check_redirect(rq, s->website_redirect_location));
	TRY(s3_storage_class(rq, s->storage_class, &row->storage_class));
	row->content_type = s->content_type.n ? s->content_type : S("binary/octet-stream");
	row->cache_control = s->cache_control;
	row->content_disposition = s->content_disposition;
	row->content_encoding = without_chunked(rq, s->content_encoding);
	row->content_language = s->content_language;
	row->expires = s->expires;
	row->website_redirect_location = s->website_redirect_location;
	row->metadata = s->metadata;
	return OK;
}

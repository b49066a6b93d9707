/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GetObjectAttributes: of what a client asks for, what there is. Checksums are about the
 * plaintext, so the caller must be able to decrypt it.
 */
#include "base/str.h"
#include "svc/s3/checksum.h"
#include "svc/s3/content.h"
#include "svc/s3/seal.h"

static bool asked(const struct s3_get_object_attributes_in *in, enum s3_object_attributes which)
{
	for (size_t i = 0; i < in->object_attributes.n; i++)
		if (in->object_attributes.v[i] == which)
			return true;
	return false;
}

static const struct s3_checksum *checksum_of(struct req *rq, const struct s3_object_row *row)
{
	struct s3_checksum *c = NEW(rq->mem, struct s3_checksum);
	if (!row->checksum.p)
		return NULL;
	s3_checksum_say(S3_CHECKSUMS_TO(c), row->checksum_algorithm, row->checksum);
	c->checksum_type = row->checksum_type;
	return c;
}

static struct status check_page(struct req *rq, const struct s3_get_object_attributes_in *in)
{
	if (in->max_parts.set && (in->max_parts.v < 0 || in->max_parts.v > INT32_MAX))
		return s3_fail_argument(rq, "Argument max-parts must be an integer between 0 and 2147483647",
					"x-amz-max-parts", arena_printf(rq->mem, "%lld", (long long)in->max_parts.v));
	if (in->part_number_marker.set && (in->part_number_marker.v < 0 || in->part_number_marker.v > INT32_MAX))
		return s3_fail_argument(rq, "Argument part-number-marker must be an integer between 0 and 2147483647",
					"x-amz-part-number-marker",
					arena_printf(rq->mem, "%lld", (long long)in->part_number_marker.v));
	return OK;
}

enum { ATTRIBUTE_PARTS_MAX = 1000 };

/* Parts are shown one by one only when each has a checksum of its own that counts: COMPOSITE. */
static struct status parts_of(struct req *rq, struct s3_place *p, const struct s3_get_object_attributes_in *in,
			      const struct s3_get_object_attributes_parts **out)
{
	struct s3_get_object_attributes_parts *a = NEW(rq->mem, struct s3_get_object_attributes_parts);
	struct s3_parts_row parts;
	int64_t max =
	    in->max_parts.set && in->max_parts.v < ATTRIBUTE_PARTS_MAX ? in->max_parts.v : ATTRIBUTE_PARTS_MAX;
	int64_t after = in->part_number_marker.v, last = after;
	size_t n = 0, i = 0;
	a->total_parts_count = (struct opt_int)SET(p->row->parts_count);
	*out = a;
	if (p->row->checksum_type != S3_CHECKSUM_TYPE_COMPOSITE)
		return OK;
	TRY(s3_content_parts(rq, p, &parts));
	struct s3_object_part *v = NEWS(rq->mem, struct s3_object_part, (size_t)max + 1);
	while (i < parts.parts.n && parts.parts.v[i].number <= after)
		i++;
	for (; i < parts.parts.n && (int64_t)n < max; i++, n++) {
		const struct s3_part_row *part = &parts.parts.v[i];
		v[n] = (struct s3_object_part){ .part_number = SET(part->number), .size = SET(part->size) };
		s3_checksum_say(S3_CHECKSUMS_TO(&v[n]), p->row->checksum_algorithm, part->checksum);
		last = part->number;
	}
	a->parts = (struct s3_object_part_list){ v, n };
	a->max_parts = (struct opt_int)SET(max);
	a->part_number_marker = (struct opt_int)SET(after);
	a->next_part_number_marker = (struct opt_int)SET(last);
	a->is_truncated = (struct opt_bool)SET(i < parts.parts.n);
	return OK;
}

struct status s3_get_object_attributes(struct req *rq, const struct s3_get_object_attributes_in *in,
				       struct s3_get_object_attributes_out *out)
{
	struct s3_place *p = s3_place_of(rq);
	TRY(s3_refuse_customer_key(rq, in->sse_customer_algorithm, in->sse_customer_key, in->sse_customer_key_md5));
	TRY(s3_check_version(rq, in->version_id));
	TRY(check_page(rq, in));
	TRY(s3_object_look(rq, p));
	if (!p->row)
		return s3_object_missing(rq, p);
	const struct s3_object_row *row = p->row;
	out->last_modified = (struct opt_int)SET(row->modified_at);
	if (asked(in, S3_OBJECT_ATTRIBUTES_ETAG))
		out->etag = row->etag; /* without quotes, in this answer only */
	if (asked(in, S3_OBJECT_ATTRIBUTES_CHECKSUM)) {
		TRY(s3_seal_check(rq, p, row));
		out->checksum = checksum_of(rq, row);
	}
	if (asked(in, S3_OBJECT_ATTRIBUTES_OBJECT_PARTS) && row->parts_count)
		TRY(parts_of(rq, p, in, &out->object_parts));
	if (asked(in, S3_OBJECT_ATTRIBUTES_STORAGE_CLASS))
		out->storage_class = row->storage_class;
	if (asked(in, S3_OBJECT_ATTRIBUTES_OBJECT_SIZE))
		out->object_size = (struct opt_int)SET(row->size);
	return OK;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ListParts and ListMultipartUploads.
 */
#include "base/str.h"
#include "svc/s3/checksum.h"
#include "svc/s3/listing.h"
#include "svc/s3/settings.h"
#include "svc/s3/upload.h"
#include "wire/pack.h"

static const struct s3_owner *owner_of(struct req *rq)
{
	struct s3_owner *owner = NEW(rq->mem, struct s3_owner);
	owner->id = s3_canonical_id(rq, s3_place_of(rq)->bucket->row.owner);
	return owner;
}

static const struct s3_initiator *initiator_of(struct req *rq, const struct s3_object_row *upload)
{
	struct s3_initiator *who = NEW(rq->mem, struct s3_initiator);
	*who = (struct s3_initiator){ .id = upload->initiator_id, .display_name = upload->initiator_name };
	return who;
}

/* ---- ListParts ---------------------------------------------------------------------------- */

static void say_part(struct req *rq, const struct s3_part_row *part, enum s3_checksum_algorithm a, struct s3_part *out)
{
	*out = (struct s3_part){
		.part_number = SET(part->number),
		.last_modified = s3_seconds(part->modified_at),
		.etag = s3_quoted(rq, part->etag),
		.size = SET(part->size),
	};
	s3_checksum_say(S3_CHECKSUMS_TO(out), a, part->checksum);
}

static struct status gather_parts(struct req *rq, const struct s3_object_row *upload, int64_t after, size_t max,
				  struct s3_list_parts_out *out)
{
	struct shard *index;
	struct txn *t;
	struct cursor c;
	struct s3_part *v = NEWS(rq->mem, struct s3_part, max + 1);
	size_t n = 0;
	bool more = false;
	TRY(s3_index(rq, s3_place_of(rq), &index));
	TRY(req_read(rq, index, &t));
	struct range r = { .prefix = s3_parts_prefix(rq->mem, upload->upload_id),
			   .from = s3_part_key(rq->mem, upload->upload_id, after + 1) };
	TRY(txn_range(t, &r, &c));
	while (!more && cursor_next(&c)) {
		struct s3_part_row *part = NEW(rq->mem, struct s3_part_row);
		TRY(unpack(rq->mem, &s3_part_row_shape, str_dup(rq->mem, c.val), part));
		more = n == max;
		if (!more)
			say_part(rq, part, upload->checksum_algorithm, &v[n++]);
	}
	TRY(cursor_end(&c));
	out->parts = (struct s3_part_list){ v, n };
	out->is_truncated = (struct opt_bool)SET(more && max > 0);
	out->next_part_number_marker = (struct opt_int)SET(n ? v[n - 1].part_number.v : 0);
	return OK;
}

struct status s3_list_parts(struct req *rq, const struct s3_list_parts_in *in, struct s3_list_parts_out *out)
{
	struct s3_place *p = s3_place_of(rq);
	struct s3_object_row *upload = NEW(rq->mem, struct s3_object_row);
	size_t max;
	TRY(s3_page_size(rq, in->max_parts, "max-parts", &max));
	if (in->part_number_marker.set && (in->part_number_marker.v < 0 || in->part_number_marker.v > INT32_MAX))
		return s3_fail_argument(rq, "Argument part-number-marker must be an integer between 0 and 2147483647",
					"part-number-marker",
					arena_printf(rq->mem, "%lld", (long long)in->part_number_marker.v));
	TRY(s3_upload_look(rq, p, in->upload_id, upload));
	TRY(gather_parts(rq, upload, in->part_number_marker.v, max, out));
	out->bucket = p->bucket->name;
	out->key = p->key;
	out->upload_id = in->upload_id;
	out->part_number_marker = (struct opt_int)SET(in->part_number_marker.v);
	out->max_parts = (struct opt_int)SET((int64_t)max);
	out->initiator = initiator_of(rq, upload);
	out->owner = owner_of(rq);
	out->storage_class = upload->storage_class;
	out->checksum_algorithm = upload->checksum_algorithm;
	out->checksum_type = upload->checksum_type;
	return OK;
}

/* ---- ListMultipartUploads --------------------------------------------------------------------- */

static struct status say_upload(struct req *rq, const struct s3_walk *w, enum s3_encoding_type e,
				struct s3_multipart_upload *out)
{
	struct s3_object_row *row = NEW(rq->mem, struct s3_object_row);
	TRY(unpack(rq->mem, &s3_object_row_shape, str_dup(rq->mem, w->val), row));
	*out = (struct s3_multipart_upload){
		.upload_id = w->sub,
		.key = s3_key_shown(rq, e, w->key),
		.initiated = s3_seconds(row->modified_at),
		.storage_class = row->storage_class,
		.owner = owner_of(rq),
		.initiator = initiator_of(rq, row),
		.checksum_algorithm = row->checksum_algorithm,
		.checksum_type = row->checksum_type,
	};
	return OK;
}

static struct status gather_uploads(struct req *rq, struct s3_walk *w, enum s3_encoding_type e,
				    struct s3_list_multipart_uploads_out *out)
{
	struct s3_multipart_upload *uploads = NEWS(rq->mem, struct s3_multipart_upload, w->max + 1);
	struct s3_common_prefix *prefixes = NEWS(rq->mem, struct s3_common_prefix, w->max + 1);
	struct shard *index;
	struct txn *t;
	struct str key = { 0 }, id = { 0 };
	TRY(s3_index(rq, s3_place_of(rq), &index));
	TRY(req_read(rq, index, &t));
	TRY(s3_walk_begin(rq, t, w));
	while (s3_walk_next(w)) {
		key = w->common.p ? w->common : w->key;
		id = w->common.p ? S("") : w->sub;
		if (w->common.p)
			prefixes[out->common_prefixes.n++].prefix = s3_key_shown(rq, e, w->common);
		else
			TRY(say_upload(rq, w, e, &uploads[out->uploads.n++]));
	}
	TRY(s3_walk_end(w));
	out->uploads.v = uploads;
	out->common_prefixes.v = prefixes;
	out->is_truncated = (struct opt_bool)SET(w->truncated);
	out->next_key_marker = w->truncated ? s3_key_shown(rq, e, key) : S("");
	out->next_upload_id_marker = w->truncated ? id : S("");
	return OK;
}

struct status s3_list_multipart_uploads(struct req *rq, const struct s3_list_multipart_uploads_in *in,
					struct s3_list_multipart_uploads_out *out)
{
	struct s3_walk w = { .tag = 'u', .prefix = in->prefix, .delimiter = in->delimiter };
	enum s3_encoding_type e = in->encoding_type;
	TRY(s3_page_size(rq, in->max_uploads, "max-uploads", &w.max));
	if (in->key_marker.n) {
		w.after = in->key_marker;
		if (in->upload_id_marker.n) /* without a key marker it means nothing */
			w.after_sub = in->upload_id_marker;
	}
	TRY(gather_uploads(rq, &w, e, out));
	out->bucket = s3_place_of(rq)->bucket->name;
	out->key_marker = in->key_marker.p ? s3_key_shown(rq, e, in->key_marker) : S("");
	out->upload_id_marker = in->upload_id_marker.p ? in->upload_id_marker : S("");
	out->prefix = in->prefix.p ? s3_key_shown(rq, e, in->prefix) : (struct str){ 0 };
	out->delimiter = s3_key_shown(rq, e, in->delimiter);
	out->max_uploads = (struct opt_int)SET((int64_t)w.max);
	out->encoding_type = e;
	return OK;
}

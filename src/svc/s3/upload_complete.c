/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CompleteMultipartUpload: the parts the client names, in order, become the object. What is
 * decided upon is read again inside the write transaction.
 */
#include "api/faults.h"
#include "base/codec.h"
#include "base/str.h"
#include "svc/s3/checksum.h"
#include "svc/s3/condition.h"
#include "svc/s3/put.h"
#include "svc/s3/settings.h"
#include "svc/s3/upload.h"
#include "wire/pack.h"

struct named {
	const struct s3_completed_part *v;
	size_t n;
};

static struct status malformed(struct req *rq)
{
	return FAIL(rq, api_MalformedXML,
		    "The XML you provided was not well-formed or did not validate against our published schema");
}

static struct status check_list(struct req *rq, const struct s3_complete_multipart_upload_in *in, struct named *out)
{
	const struct s3_completed_multipart_upload *m = in->multipart_upload;
	if (!m || !m->parts.n || m->parts.n > S3_PARTS_MAX)
		return malformed(rq);
	for (size_t i = 0; i < m->parts.n; i++) {
		const struct s3_completed_part *part = &m->parts.v[i];
		if (!part->part_number.set || !part->etag.p)
			return malformed(rq);
		if (i && part->part_number.v <= part[-1].part_number.v) {
			(void)FAIL(
			    rq, s3_InvalidPartOrder,
			    "The list of parts was not in ascending order. Parts must be ordered by part number.");
			return req_fail_with(rq, "UploadId", in->upload_id);
		}
	}
	*out = (struct named){ m->parts.v, m->parts.n };
	return OK;
}

/* ---- choosing ------------------------------------------------------------------------- */

static struct status invalid_part(struct req *rq, const struct s3_complete_multipart_upload_in *in,
				  const struct s3_completed_part *part)
{
	(void)FAIL(rq, s3_InvalidPart,
		   "One or more of the specified parts could not be found.  The part may not have been uploaded, or "
		   "the specified "
		   "entity tag may not match the part's entity tag.");
	(void)req_fail_with(rq, "UploadId", in->upload_id);
	(void)req_fail_with(rq, "PartNumber", arena_printf(rq->mem, "%lld", (long long)part->part_number.v));
	return req_fail_with(rq, "ETag", part->etag);
}

static struct status too_small(struct req *rq, const struct s3_part_row *part)
{
	(void)FAIL(rq, s3_EntityTooSmall, "Your proposed upload is smaller than the minimum allowed size");
	(void)req_fail_with(rq, "ProposedSize", arena_printf(rq->mem, "%lld", (long long)part->size));
	(void)req_fail_with(rq, "MinSizeAllowed", arena_printf(rq->mem, "%lld", (long long)S3_PART_MIN));
	(void)req_fail_with(rq, "PartNumber", arena_printf(rq->mem, "%lld", (long long)part->number));
	return req_fail_with(rq, "ETag", part->etag);
}

static bool same_checksum(const struct s3_completed_part *named, enum s3_checksum_algorithm a,
			  const struct s3_part_row *part)
{
	struct s3_checksum_in given = S3_CHECKSUMS(named);
	struct str value = s3_checksum_given(&given, a);
	return !value.p || str_eq(value, part->checksum);
}

struct chosen {
	struct s3_part_row *parts;
	size_t n;
	int64_t size;
};

/* Both lists are in order of the numbers: one pass over each. Parts nobody named are litter. */
static struct status choose(struct req *rq, const struct s3_complete_multipart_upload_in *in,
			    enum s3_checksum_algorithm a, struct named named, struct s3_part_row *have, size_t n_have,
			    struct s3_litter *litter, struct chosen *out)
{
	size_t at = 0;
	*out = (struct chosen){ .parts = NEWS(rq->mem, struct s3_part_row, named.n) };
	for (size_t i = 0; i < named.n; i++) {
		while (at < n_have && have[at].number < named.v[i].part_number.v)
			s3_litter_old(litter, have[at++].blob_id);
		struct s3_part_row *part = at < n_have ? &have[at] : NULL;
		if (!part || part->number != named.v[i].part_number.v || !s3_etag_in(named.v[i].etag, part->etag) ||
		    !same_checksum(&named.v[i], a, part))
			return invalid_part(rq, in, &named.v[i]);
		if (i + 1 < named.n && part->size < S3_PART_MIN)
			return too_small(rq, part);
		out->parts[out->n++] = *part;
		out->size += part->size;
		at++;
	}
	while (at < n_have)
		s3_litter_old(litter, have[at++].blob_id);
	if (out->size > S3_SIZE_MAX)
		return FAIL(rq, s3_EntityTooLarge, "Your proposed upload exceeds the maximum allowed object size.");
	return OK;
}

/* ---- the object's ETag and checksum ---------------------------------------------------------- */

/* The MD5 of the parts' ETags, and how many there are. */
static struct status join_etags(struct req *rq, const struct chosen *c, struct str *out)
{
	struct hasher h;
	uint8_t digest[MD5_SIZE];
	hasher_init(&h, HASH_MD5);
	for (size_t i = 0; i < c->n; i++) {
		struct str bytes;
		TRY(hex_decode(rq->mem, c->parts[i].etag, &bytes));
		hasher_update(&h, bytes);
	}
	hasher_final(&h, digest);
	*out = arena_printf(rq->mem, "%.*s-%zu", PR(hex_encode(rq->mem, str_make(digest, sizeof digest))), c->n);
	return OK;
}

static struct status join_checksums(struct req *rq, const struct chosen *c, struct s3_object_row *row)
{
	struct s3_join join = { .algorithm = row->checksum_algorithm, .type = row->checksum_type };
	for (size_t i = 0; i < c->n; i++)
		TRY(s3_join_part(rq->mem, &join, c->parts[i].checksum, c->parts[i].size));
	row->checksum = s3_join_finish(rq->mem, &join);
	return OK;
}

static struct status check_checksum(struct req *rq, const struct s3_complete_multipart_upload_in *in,
				    const struct s3_object_row *row)
{
	struct s3_checksum_in given = S3_CHECKSUMS(in);
	struct str value = s3_checksum_given(&given, row->checksum_algorithm);
	if (s3_checksum_which(&given) && !value.p)
		return FAIL(rq, s3_InvalidRequest,
			    "Checksum Type mismatch occurred, expected checksum Type: %s, actual checksum Type: %s",
			    s3_algorithm_name(row->checksum_algorithm), s3_algorithm_name(s3_checksum_which(&given)));
	if (in->checksum_type && in->checksum_type != row->checksum_type)
		return FAIL(rq, s3_InvalidRequest,
			    "The upload was created with another checksum type than x-amz-checksum-type says.");
	if (value.p && !str_eq(value, row->checksum))
		return FAIL(rq, s3_BadDigest, "The %s you specified did not match the calculated checksum.",
			    s3_algorithm_name(row->checksum_algorithm));
	return OK;
}

static struct status check_size(struct req *rq, const struct s3_complete_multipart_upload_in *in, int64_t size)
{
	if (!in->mpu_object_size.set || in->mpu_object_size.v == size)
		return OK;
	return FAIL(rq, s3_InvalidRequest,
		    "The provided 'x-amz-mp-object-size' header value %lld does not match what was computed: %lld",
		    (long long)in->mpu_object_size.v, (long long)size);
}

/* ---- answering ----------------------------------------------------------------------------------- */

static void say(struct req *rq, const struct s3_place *p, const struct s3_object_row *row,
		struct s3_complete_multipart_upload_out *out)
{
	struct str host = rq->host, name = p->bucket->name;
	*out = (struct s3_complete_multipart_upload_out){
		.location = arena_printf(rq->mem, "%s://%.*s/%.*s/%.*s", rq->secure ? "https" : "http", PR(host),
					 PR(name), PR(uri_encode(rq->mem, p->key, false))),
		.bucket = name,
		.key = p->key,
		.etag = s3_quoted(rq, row->etag),
		.checksum_type = row->checksum_type,
	};
	S3_SAY_SSE(out, row);
	s3_checksum_say(S3_CHECKSUMS_TO(out), row->checksum_algorithm, row->checksum);
}

/* The upload is gone. If the object is what it became, this is the same request once more. */
static struct status completed_before(struct req *rq, struct s3_place *p,
				      const struct s3_complete_multipart_upload_in *in,
				      struct s3_complete_multipart_upload_out *out, bool *before)
{
	TRY(s3_object_look(rq, p));
	*before = p->row && p->row->parts_count && p->row->upload_id.p && str_eq(p->row->upload_id, in->upload_id);
	if (*before) {
		say(rq, p, p->row, out);
		rq->fault = (struct fault){ 0 };
	}
	return OK;
}

static struct status write(struct req *rq, struct s3_place *p, const struct s3_complete_multipart_upload_in *in,
			   struct named named, struct s3_complete_multipart_upload_out *out)
{
	struct s3_litter *litter = s3_litter_new(rq);
	struct s3_object_row row, old;
	struct s3_part_row *have;
	struct chosen chosen;
	struct txn *t;
	size_t n_have;
	TRY(s3_index_write(rq, p, &t));
	TRY(s3_upload_get(rq, t, p->key, in->upload_id, &row));
	TRY(s3_upload_parts(rq, t, in->upload_id, &have, &n_have));
	TRY(choose(rq, in, row.checksum_algorithm, named, have, n_have, litter, &chosen));
	TRY(check_size(rq, in, chosen.size));
	TRY(join_etags(rq, &chosen, &row.etag));
	TRY(join_checksums(rq, &chosen, &row));
	TRY(check_checksum(rq, in, &row));
	struct status st = s3_object_get(t, rq->mem, p->key, &old);
	if (failed(st) && st.code != E_NOT_FOUND)
		return st;
	TRY(s3_write_condition(rq, p->key, in->if_match, in->if_none_match, failed(st) ? NULL : &old));
	if (!failed(st))
		TRY(s3_litter_row(litter, t, p->key, &old));
	row.size = chosen.size;
	row.modified_at = rq->now_ms;
	row.parts_count = (int64_t)chosen.n;
	row.side = true;
	struct buf b = buf_in(rq->mem);
	pack(&b, &s3_parts_row_shape, &(struct s3_parts_row){ .parts = { chosen.parts, chosen.n } });
	TRY(s3_upload_forget(rq, t, p->key, in->upload_id));
	TRY(txn_put(t, s3_side_key(rq->mem, p->key), buf_str(&b)));
	say(rq, p, &row, out);
	return s3_object_put(rq, t, p->key, &row);
}

struct status s3_complete_multipart_upload(struct req *rq, const struct s3_complete_multipart_upload_in *in,
					   struct s3_complete_multipart_upload_out *out)
{
	struct s3_place *p = s3_place_of(rq);
	struct s3_object_row upload;
	struct named named;
	TRY(check_list(rq, in, &named));
	TRY(s3_write_condition_check(rq, in->if_match, in->if_none_match));
	struct status st = s3_upload_look(rq, p, in->upload_id, &upload);
	if (req_failed_with(rq, st, s3_NoSuchUpload)) {
		struct fault fault = rq->fault;
		bool before;
		TRY(completed_before(rq, p, in, out, &before));
		if (before)
			return OK;
		rq->fault = fault;
	}
	TRY(st);
	return write(rq, p, in, named, out);
}

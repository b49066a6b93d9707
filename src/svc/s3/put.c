/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PutObject: bytes first, then the row that names them.
 *
 *     headers ── key from KMS or keyring ── body, sealed piece by piece ── its promises hold
 *         ── write: bucket still open? precondition? ── row, and what it replaced is litter
 */
#include "base/codec.h"
#include "base/str.h"
#include "svc/s3/checksum.h"
#include "svc/s3/condition.h"
#include "svc/s3/object.h"
#include "svc/s3/put.h"
#include "svc/s3/reading.h"
#include "svc/s3/settings.h"
#include "svc/s3/sink.h"

/* With SSE-KMS the ETag is not the MD5 of anything ("Object", ETag): any unique value, and no time spent. */
struct str s3_new_etag(struct s3_sink *sink, const struct s3_object_row *row)
{
	struct req *rq = sink->rq;
	uint8_t digest[MD5_SIZE];
	if (row->sse != S3_SERVER_SIDE_ENCRYPTION_AWS_KMS && !sink->md5)
		return hex_encode(rq->mem, payload_sum_bytes(req_body_have(rq), SUM_MD5));
	if (sink->md5)
		s3_digest_finish(sink->md5, digest);
	else
		world_random(rq->app->world, digest, sizeof digest);
	return hex_encode(rq->mem, str_make(digest, sizeof digest));
}

void s3_want_sums(struct s3_sink *sink, const struct s3_object_row *row, enum s3_checksum_algorithm a)
{
	struct req *rq = sink->rq;
	bool md5 = row->sse != S3_SERVER_SIDE_ENCRYPTION_AWS_KMS;
	bool beside = s3_body_length(rq) >= S3_DIGEST_MIN && !req_in_header(rq, "content-md5").p;
	if (md5 && beside)
		sink->md5 = s3_digest_new(s3_lane(rq->app->s3));
	req_body_sums(rq, (a ? s3_sum_of(a) : 0u) | (md5 && !beside ? SUM_MD5 : 0u));
}

void s3_row_stored(struct s3_object_row *row, const struct s3_stored *stored)
{
	row->size = stored->size;
	row->inline_ = stored->inline_;
	row->side = stored->side.p != NULL;
	row->blob_id = stored->blob_id;
}

struct status s3_object_replace(struct req *rq, struct s3_place *p, const struct s3_write *w)
{
	struct txn *t;
	struct s3_object_row old;
	TRY(s3_index_write(rq, p, &t));
	struct status st = s3_object_get(t, rq->mem, p->key, &old);
	if (failed(st) && st.code != E_NOT_FOUND)
		return st;
	bool there = !failed(st);
	TRY(s3_write_condition(rq, p->key, w->if_match, w->if_none_match, there ? &old : NULL));
	if (there)
		TRY(s3_litter_row(w->litter, t, p->key, &old));
	if (w->side.p)
		TRY(txn_put(t, s3_side_key(rq->mem, p->key), w->side));
	return s3_object_put(rq, t, p->key, w->row);
}

/* The default checksum is computed unless the headers already name one. */
static bool names_checksum(const struct s3_put_object_in *in)
{
	struct s3_checksum_in c = S3_CHECKSUMS(in);
	return s3_checksum_which(&c) != 0;
}

static struct status check(struct req *rq, const struct s3_place *p, const struct s3_put_object_in *in,
			   struct s3_object_row *row, struct s3_sse *sse)
{
	const struct s3_settings settings = S3_SETTINGS(in);
	const struct s3_sse_in sse_in = S3_SSE_IN(in);
	TRY(s3_check_length(rq, S3_PUT_MAX));
	TRY(s3_write_condition_check(rq, in->if_match, in->if_none_match));
	TRY(s3_settings_apply(rq, p->bucket, &settings, row));
	TRY(s3_settings_tags(rq, &settings, row));
	return s3_sse_choose(rq, p->bucket, &sse_in, sse);
}

static struct status receive(struct req *rq, struct s3_place *p, struct s3_object_row *row, const struct s3_sse *sse,
			     struct s3_litter *litter, struct s3_stored *stored)
{
	struct s3_seal *seal;
	struct secret key;
	struct str identity = s3_identity(rq, p->bucket, p->key, (struct str){ 0 }, 0);
	TRY(s3_seal_new(rq, p, sse, row, &seal));
	TRY(s3_seal_data_key(rq, seal, p->bucket->row.owner, identity, &key, &row->wrapped));
	struct s3_sink *sink = s3_sink_new(rq, litter, key, identity, S3_PUT_MAX);
	bool named = names_checksum(rq->in) || req_in_header(rq, "x-amz-trailer").p;
	s3_want_sums(sink, row, named ? (enum s3_checksum_algorithm)0 : S3_CHECKSUM_ALGORITHM_CRC64NVME);
	TRY(s3_sink_body(sink));
	TRY(s3_sink_finish(sink, stored));
	row->etag = s3_new_etag(sink, row);
	return OK;
}

struct status s3_put_object(struct req *rq, const struct s3_put_object_in *in, struct s3_put_object_out *out)
{
	struct s3_place *p = s3_place_of(rq);
	struct s3_object_row row = { 0 };
	struct s3_stored stored;
	struct s3_sse sse;
	TRY(check(rq, p, in, &row, &sse));
	struct s3_litter *litter = s3_litter_new(rq);
	TRY(receive(rq, p, &row, &sse, litter, &stored));
	s3_row_stored(&row, &stored);
	row.modified_at = rq->now_ms;
	row.checksum_algorithm = s3_body_algorithm(rq);
	row.checksum = s3_body_checksum(rq, row.checksum_algorithm);
	row.checksum_type = row.checksum.p ? S3_CHECKSUM_TYPE_FULL_OBJECT : (enum s3_checksum_type)0;
	if (!row.checksum.p)
		row.checksum_algorithm = (enum s3_checksum_algorithm)0;
	*out = (struct s3_put_object_out){ .etag = s3_quoted(rq, row.etag), .checksum_type = row.checksum_type };
	S3_SAY_SSE(out, &row);
	s3_checksum_say(S3_CHECKSUMS_TO(out), row.checksum_algorithm, row.checksum);
	return s3_object_replace(rq, p,
				 &(struct s3_write){ .row = &row,
						     .side = stored.side,
						     .litter = litter,
						     .if_match = in->if_match,
						     .if_none_match = in->if_none_match });
}

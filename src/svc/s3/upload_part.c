/* SPDX-License-Identifier: Apache-2.0 */
/*
 * UploadPart: the bytes of one part, in a blob under a key of its own. Whoever uploads to an
 * SSE-KMS object needs kms:Decrypt: the upload's key is opened for every part.
 */
#include "svc/s3/upload_part.h"

#include "base/codec.h"
#include "base/str.h"
#include "svc/s3/put.h"
#include "svc/s3/settings.h"
#include "svc/s3/upload.h"
#include "wire/pack.h"

struct status s3_check_part_number(struct req *rq, int64_t number)
{
	if (number >= 1 && number <= S3_PARTS_MAX)
		return OK;
	return s3_fail_argument(rq, "Part number must be an integer between 1 and 10000, inclusive", "partNumber",
				arena_printf(rq->mem, "%lld", (long long)number));
}

struct status s3_part_put(struct req *rq, struct s3_place *p, struct str upload, const struct s3_part_row *part,
			  struct s3_litter *litter)
{
	struct s3_object_row row;
	struct s3_part_row old = { 0 };
	struct txn *t;
	struct str bytes, key = s3_part_key(rq->mem, upload, part->number);
	struct buf b = buf_in(rq->mem);
	pack(&b, &s3_part_row_shape, part);
	TRY(s3_index_write(rq, p, &t));
	TRY(s3_upload_get(rq, t, p->key, upload, &row)); /* it may have been completed or aborted meanwhile */
	struct status st = txn_get(t, key, rq->mem, &bytes);
	if (!failed(st)) {
		TRY(unpack(rq->mem, &s3_part_row_shape, bytes, &old));
		s3_litter_old(litter, old.blob_id);
	} else if (st.code != E_NOT_FOUND) {
		return st;
	}
	return txn_put(t, key, buf_str(&b));
}

struct status s3_part_sink(struct req *rq, struct s3_place *p, const struct s3_object_row *upload,
			   struct s3_litter *litter, struct s3_part_row *part, struct s3_sink **out)
{
	struct s3_seal *seal;
	struct secret key;
	struct str identity = s3_identity(rq, p->bucket, p->key, upload->upload_id, part->number);
	TRY(s3_seal_open(rq, p, upload, &seal));
	TRY(s3_seal_data_key(rq, seal, p->bucket->row.owner, identity, &key, &part->wrapped));
	*out = s3_sink_new(rq, litter, key, identity, S3_PUT_MAX);
	(*out)->blob_only = true;
	return OK;
}

/* A part may bring another checksum than the upload's only when nobody chose one. */
static struct status check_checksum(struct req *rq, const struct s3_upload_part_in *in,
				    const struct s3_object_row *upload)
{
	struct s3_checksum_in given = S3_CHECKSUMS(in);
	enum s3_checksum_algorithm a = s3_checksum_which(&given);
	bool chosen = upload->checksum_algorithm != S3_CHECKSUM_ALGORITHM_CRC64NVME;
	if (!a || a == upload->checksum_algorithm || !chosen)
		return OK;
	return FAIL(rq, s3_InvalidRequest,
		    "Checksum Type mismatch occurred, expected checksum Type: %s, actual checksum Type: %s",
		    s3_algorithm_name(upload->checksum_algorithm), s3_algorithm_name(a));
}

struct status s3_upload_part(struct req *rq, const struct s3_upload_part_in *in, struct s3_upload_part_out *out)
{
	struct s3_place *p = s3_place_of(rq);
	struct s3_part_row part = { .number = in->part_number };
	struct s3_object_row upload;
	struct s3_stored stored;
	struct s3_sink *sink;
	TRY(s3_refuse_customer_key(rq, in->sse_customer_algorithm, in->sse_customer_key, in->sse_customer_key_md5));
	TRY(s3_check_part_number(rq, in->part_number));
	TRY(s3_check_length(rq, S3_PUT_MAX));
	TRY(s3_upload_look(rq, p, in->upload_id, &upload));
	TRY(check_checksum(rq, in, &upload));
	req_read_end(rq); /* a body may take hours; no snapshot is held that long */
	struct s3_litter *litter = s3_litter_new(rq);
	TRY(s3_part_sink(rq, p, &upload, litter, &part, &sink));
	s3_want_sums(sink, &upload, upload.checksum_algorithm);
	TRY(s3_sink_body(sink));
	TRY(s3_sink_finish(sink, &stored));
	part.size = stored.size;
	part.blob_id = stored.blob_id;
	part.modified_at = rq->now_ms;
	part.etag = s3_new_etag(sink, &upload);
	part.checksum = s3_body_checksum(rq, upload.checksum_algorithm);
	out->etag = s3_quoted(rq, part.etag);
	S3_SAY_SSE(out, &upload);
	s3_checksum_say(S3_CHECKSUMS_TO(out), upload.checksum_algorithm, part.checksum);
	return s3_part_put(rq, p, in->upload_id, &part, litter);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows of an upload, its beginning and its abortion; parts and completion have files of their
 * own.
 */
#include "svc/s3/upload.h"

#include "base/codec.h"
#include "base/str.h"
#include "svc/s3/checksum.h"
#include "svc/s3/settings.h"
#include "wire/pack.h"

struct str s3_upload_key(struct arena *mem, struct str key, struct str upload)
{
	return key_of(mem, 'u', key, upload, (struct str){ 0 });
}

struct str s3_parts_prefix(struct arena *mem, struct str upload)
{
	return key_of(mem, 'p', upload, (struct str){ 0 }, (struct str){ 0 });
}

struct str s3_part_key(struct arena *mem, struct str upload, int64_t number)
{
	struct buf b = buf_in(mem);
	buf_put(&b, s3_parts_prefix(mem, upload));
	key_u64(&b, (uint64_t)number);
	return buf_str(&b);
}

struct status s3_no_such_upload(struct req *rq, struct str upload)
{
	(void)FAIL(rq, s3_NoSuchUpload,
		   "The specified upload does not exist. The upload ID may be invalid, or the upload may have been "
		   "aborted or completed.");
	return req_fail_with(rq, "UploadId", upload);
}

enum { UPLOAD_ID_MAX = 256 };

struct status s3_upload_get(struct req *rq, struct txn *t, struct str key, struct str upload, struct s3_object_row *row)
{
	struct str bytes;
	if (upload.n > UPLOAD_ID_MAX || key.n > S3_KEY_MAX)
		return s3_no_such_upload(rq, upload);
	struct status st = txn_get(t, s3_upload_key(rq->mem, key, upload), rq->mem, &bytes);
	if (st.code == E_NOT_FOUND)
		return s3_no_such_upload(rq, upload);
	TRY(st);
	*row = (struct s3_object_row){ 0 };
	return unpack(rq->mem, &s3_object_row_shape, bytes, row);
}

struct status s3_upload_look(struct req *rq, struct s3_place *p, struct str upload, struct s3_object_row *row)
{
	struct shard *index;
	struct txn *t;
	TRY(s3_index(rq, p, &index));
	TRY(req_read(rq, index, &t));
	return s3_upload_get(rq, t, p->key, upload, row);
}

struct status s3_upload_parts(struct req *rq, struct txn *t, struct str upload, struct s3_part_row **out, size_t *n)
{
	struct cursor c;
	size_t cap = 64;
	*out = NEWS(rq->mem, struct s3_part_row, cap);
	*n = 0;
	TRY(txn_range(t, &(struct range){ .prefix = s3_parts_prefix(rq->mem, upload) }, &c));
	while (cursor_next(&c)) {
		if (*n == cap) {
			struct s3_part_row *more = NEWS(rq->mem, struct s3_part_row, 2 * cap);
			memcpy(more, *out, cap * sizeof *more);
			*out = more;
			cap *= 2;
		}
		TRY(unpack(rq->mem, &s3_part_row_shape, str_dup(rq->mem, c.val), &(*out)[(*n)++]));
	}
	return cursor_end(&c);
}

struct status s3_upload_forget(struct req *rq, struct txn *t, struct str key, struct str upload)
{
	struct cursor c;
	TRY(txn_range(t, &(struct range){ .prefix = s3_parts_prefix(rq->mem, upload), .keys_only = true }, &c));
	while (cursor_next(&c))
		TRY(txn_del(t, c.key));
	TRY(cursor_end(&c));
	return txn_del(t, s3_upload_key(rq->mem, key, upload));
}

/* ---- CreateMultipartUpload --------------------------------------------------------------- */

/* Which checksums go with which type; without a word each algorithm has its usual one. */
static struct status choose_checksum(struct req *rq, const struct s3_create_multipart_upload_in *in,
				     struct s3_object_row *row)
{
	enum s3_checksum_algorithm a =
	    in->checksum_algorithm ? in->checksum_algorithm : S3_CHECKSUM_ALGORITHM_CRC64NVME;
	bool crc64 = a == S3_CHECKSUM_ALGORITHM_CRC64NVME,
	     sha = a == S3_CHECKSUM_ALGORITHM_SHA1 || a == S3_CHECKSUM_ALGORITHM_SHA256;
	enum s3_checksum_type type = in->checksum_type;
	if (type && !in->checksum_algorithm)
		return FAIL(
		    rq, s3_InvalidRequest,
		    "The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header.");
	if (!type)
		type = crc64 ? S3_CHECKSUM_TYPE_FULL_OBJECT : S3_CHECKSUM_TYPE_COMPOSITE;
	if ((type == S3_CHECKSUM_TYPE_COMPOSITE && crc64) || (type == S3_CHECKSUM_TYPE_FULL_OBJECT && sha))
		return FAIL(rq, s3_InvalidRequest,
			    "The %s checksum type cannot be used with the %s checksum algorithm.",
			    crc64 ? "COMPOSITE" : "FULL_OBJECT", s3_algorithm_name(a));
	row->checksum_algorithm = a;
	row->checksum_type = type;
	return OK;
}

/* 13 hex digits of milliseconds, then what nobody can guess. */
static struct str new_upload_id(struct req *rq)
{
	uint8_t random[24];
	world_random(rq->app->world, random, sizeof random);
	return arena_printf(rq->mem, "%013llx%.*s", (unsigned long long)rq->now_ms,
			    PR(hex_encode(rq->mem, str_make(random, sizeof random))));
}

static struct status check_create(struct req *rq, const struct s3_place *p,
				  const struct s3_create_multipart_upload_in *in, struct s3_object_row *row,
				  struct s3_sse *sse)
{
	const struct s3_settings settings = S3_SETTINGS(in);
	const struct s3_sse_in sse_in = S3_SSE_IN(in);
	TRY(s3_settings_apply(rq, p->bucket, &settings, row));
	TRY(s3_settings_tags(rq, &settings, row));
	TRY(choose_checksum(rq, in, row));
	return s3_sse_choose(rq, p->bucket, &sse_in, sse);
}

static void fill(struct req *rq, struct s3_object_row *row)
{
	row->modified_at = rq->now_ms;
	row->upload_id = new_upload_id(rq);
	row->etag = S("");
	row->initiator_id = rq->caller.arn.n ? rq->caller.arn : S("anonymous");
	row->initiator_name = rq->caller.name.n ? rq->caller.name : S("anonymous");
}

struct status s3_create_multipart_upload(struct req *rq, const struct s3_create_multipart_upload_in *in,
					 struct s3_create_multipart_upload_out *out)
{
	struct s3_place *p = s3_place_of(rq);
	struct s3_object_row row = { 0 };
	struct s3_seal *seal;
	struct s3_sse sse;
	struct txn *t;
	TRY(check_create(rq, p, in, &row, &sse));
	TRY(s3_seal_new(rq, p, &sse, &row, &seal));
	fill(rq, &row);
	*out = (struct s3_create_multipart_upload_out){ .bucket = p->bucket->name,
							.key = p->key,
							.upload_id = row.upload_id };
	S3_SAY_SSE(out, &row);
	if (in->checksum_algorithm) {
		out->checksum_algorithm = row.checksum_algorithm;
		out->checksum_type = row.checksum_type;
	}
	struct buf b = buf_in(rq->mem);
	pack(&b, &s3_object_row_shape, &row);
	TRY(s3_index_write(rq, p, &t));
	return txn_put(t, s3_upload_key(rq->mem, p->key, row.upload_id), buf_str(&b));
}

/* ---- AbortMultipartUpload ------------------------------------------------------------------ */

struct status s3_abort_multipart_upload(struct req *rq, const struct s3_abort_multipart_upload_in *in,
					struct s3_abort_multipart_upload_out *out)
{
	struct s3_place *p = s3_place_of(rq);
	struct s3_object_row row;
	struct s3_part_row *parts;
	struct txn *t;
	size_t n;
	(void)out;
	TRY(s3_upload_look(rq, p, in->upload_id, &row)); /* one that is not there need not go to the writer */
	struct s3_litter *litter = s3_litter_new(rq);
	TRY(s3_index_write(rq, p, &t));
	TRY(s3_upload_get(rq, t, p->key, in->upload_id, &row));
	TRY(s3_upload_parts(rq, t, in->upload_id, &parts, &n));
	for (size_t i = 0; i < n; i++)
		s3_litter_old(litter, parts[i].blob_id);
	return s3_upload_forget(rq, t, p->key, in->upload_id);
}

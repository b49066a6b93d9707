/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CopyObject and UploadPartCopy: bytes read as the caller, and written again under keys of
 * their own. The copying itself is done on the I/O threads, so that gigabytes hold up
 * nobody; nothing is parked on meanwhile.
 */
#include "svc/s3/copy_source.h"

#include "api/faults.h"
#include "base/codec.h"
#include "base/str.h"
#include "crypto/checksum.h"
#include "crypto/hash.h"
#include "svc/s3/condition.h"
#include "svc/s3/content.h"
#include "svc/s3/put.h"
#include "svc/s3/range.h"
#include "svc/s3/settings.h"
#include "svc/s3/upload.h"
#include "svc/s3/upload_part.h"

/* ---- moving bytes ------------------------------------------------------------------------- */

/* The sums of what passes by: there is no request body that would have them. */
struct sums {
	bool md5_wanted;
	struct hasher md5, sha;
	enum s3_checksum_algorithm algorithm;
	uint32_t crc32, crc32c;
	uint64_t crc64nvme;
};

static void sums_begin(struct sums *s, enum s3_checksum_algorithm a, bool md5_wanted)
{
	*s = (struct sums){ .algorithm = a, .md5_wanted = md5_wanted };
	if (md5_wanted)
		hasher_init(&s->md5, HASH_MD5);
	hasher_init(&s->sha, a == S3_CHECKSUM_ALGORITHM_SHA1 ? HASH_SHA1 : HASH_SHA256);
}

static void sums_add(struct sums *s, struct str piece)
{
	if (s->md5_wanted)
		hasher_update(&s->md5, piece);
	switch (s->algorithm) {
	case S3_CHECKSUM_ALGORITHM_CRC32:
		s->crc32 = crc32_update(s->crc32, piece);
		break;
	case S3_CHECKSUM_ALGORITHM_CRC32C:
		s->crc32c = crc32c_update(s->crc32c, piece);
		break;
	case S3_CHECKSUM_ALGORITHM_CRC64NVME:
		s->crc64nvme = crc64nvme_update(s->crc64nvme, piece);
		break;
	case S3_CHECKSUM_ALGORITHM_SHA1:
	case S3_CHECKSUM_ALGORITHM_SHA256:
		hasher_update(&s->sha, piece);
		break;
	}
}

static struct str number_text(struct arena *mem, uint64_t v, size_t n)
{
	uint8_t bytes[8];
	for (size_t i = n; i-- > 0; v >>= 8)
		bytes[i] = (uint8_t)v;
	return base64_encode(mem, str_make(bytes, n));
}

static struct str sums_checksum(struct arena *mem, struct sums *s)
{
	uint8_t digest[HASH_SIZE_MAX];
	switch (s->algorithm) {
	case S3_CHECKSUM_ALGORITHM_CRC32:
		return number_text(mem, s->crc32, 4);
	case S3_CHECKSUM_ALGORITHM_CRC32C:
		return number_text(mem, s->crc32c, 4);
	case S3_CHECKSUM_ALGORITHM_CRC64NVME:
		return number_text(mem, s->crc64nvme, 8);
	case S3_CHECKSUM_ALGORITHM_SHA1:
	case S3_CHECKSUM_ALGORITHM_SHA256:
		break;
	}
	hasher_final(&s->sha, digest);
	return base64_encode(mem, str_make(digest, s3_sum_size(s->algorithm)));
}

static struct str sums_etag(struct req *rq, struct sums *s)
{
	uint8_t digest[MD5_SIZE];
	if (s->md5_wanted)
		hasher_final(&s->md5, digest);
	else
		world_random(rq->app->world, digest, sizeof digest);
	return hex_encode(rq->mem, str_make(digest, sizeof digest));
}

static struct status pass(struct sums *sums, struct s3_sink *sink, struct str piece)
{
	sums_add(sums, piece);
	return s3_sink_write(sink, piece);
}

static struct status pump(struct arena *mem, struct s3_stream *from, struct sums *sums, struct s3_sink *sink)
{
	char *room = NEWS(mem, char, BLOB_CHUNK);
	for (;;) {
		size_t got;
		TRY(s3_stream_pull(from, room, BLOB_CHUNK, &got));
		if (!got)
			return OK;
		TRY(pass(sums, sink, str_make(room, got)));
	}
}

static struct status move_bytes(struct req *rq, struct s3_content *from, struct sums *sums, struct s3_sink *sink)
{
	if (!from->stream)
		return pass(sums, sink, from->bytes);
	bool moved = io_pool_enter(store_io_pool(rq->app->store));
	struct status st = pump(rq->mem, from->stream, sums, sink);
	io_pool_leave(moved);
	s3_stream_close(from->stream);
	return st;
}

/* ---- the source ----------------------------------------------------------------------------- */

static struct status judge(struct req *rq, const struct s3_place *s, const struct s3_condition *c)
{
	static const struct {
		const char *plain, *copy;
	} names[] = {
		{ "If-Match", "x-amz-copy-source-If-Match" },
		{ "If-None-Match", "x-amz-copy-source-If-None-Match" },
		{ "If-Modified-Since", "x-amz-copy-source-If-Modified-Since" },
		{ "If-Unmodified-Since", "x-amz-copy-source-If-Unmodified-Since" },
	};
	const char *which;
	if (s3_condition_judge(c, s->row->etag, s->row->modified_at, &which) == S3_GO_ON)
		return OK;
	for (size_t i = 0; i < COUNT(names); i++)
		if (!strcmp(which, names[i].plain))
			which = names[i].copy;
	return s3_precondition_failed(rq, which); /* also where reading would say "not modified" */
}

#define SOURCE_CONDITION(in)                                                                                      \
	(struct s3_condition)                                                                                     \
	{                                                                                                         \
		(in)->copy_source_if_match, (in)->copy_source_if_none_match, (in)->copy_source_if_modified_since, \
		    (in)->copy_source_if_unmodified_since                                                         \
	}

/* The region and account of the request are the destination's; keys are asked in the source's name. */
static struct status check_source(struct req *rq, struct s3_place *s, const struct s3_condition *c)
{
	if (s->row)
		return judge(rq, s, c);
	struct str account = rq->account;
	rq->account = s->bucket->row.owner;
	struct status st = s3_object_missing(rq, s);
	rq->account = account;
	return st;
}

/* ---- CopyObject --------------------------------------------------------------------------------- */

static bool same_object(const struct s3_place *a, const struct s3_place *b)
{
	return str_eq(a->bucket->row.id, b->bucket->row.id) && str_eq(a->key, b->key);
}

static struct status check_self(struct req *rq, const struct s3_place *p, const struct s3_copy_object_in *in)
{
	bool changes = in->metadata_directive == S3_METADATA_DIRECTIVE_REPLACE || in->storage_class.p ||
		       in->server_side_encryption.p || in->website_redirect_location.p || in->checksum_algorithm;
	if (!same_object(p, p->source) || changes)
		return OK;
	return FAIL(rq, s3_InvalidRequest,
		    "This copy request is illegal because it is trying to copy an object to itself without changing "
		    "the object's metadata, "
		    "storage class, website redirect location or encryption attributes.");
}

static void keep_metadata(const struct s3_object_row *from, struct s3_object_row *row)
{
	row->content_type = from->content_type;
	row->cache_control = from->cache_control;
	row->content_disposition = from->content_disposition;
	row->content_encoding = from->content_encoding;
	row->content_language = from->content_language;
	row->expires = from->expires;
	row->metadata = from->metadata;
}

static struct status describe(struct req *rq, const struct s3_place *p, const struct s3_copy_object_in *in,
			      struct s3_object_row *row)
{
	const struct s3_settings settings = S3_SETTINGS(in);
	TRY(s3_settings_apply(rq, p->bucket, &settings, row));
	if (in->metadata_directive != S3_METADATA_DIRECTIVE_REPLACE)
		keep_metadata(p->source->row, row);
	if (in->tagging_directive == S3_TAGGING_DIRECTIVE_REPLACE)
		TRY(s3_settings_tags(rq, &settings, row));
	else
		row->tag_set = p->source->row->tag_set;
	row->checksum_algorithm = in->checksum_algorithm ? in->checksum_algorithm : p->source->row->checksum_algorithm;
	if (!row->checksum_algorithm)
		row->checksum_algorithm = S3_CHECKSUM_ALGORITHM_CRC64NVME;
	row->checksum_type = S3_CHECKSUM_TYPE_FULL_OBJECT;
	return OK;
}

static struct status check_copy(struct req *rq, struct s3_place *p, const struct s3_copy_object_in *in)
{
	const struct s3_condition condition = SOURCE_CONDITION(in);
	TRY(s3_refuse_customer_key(rq, in->copy_source_sse_customer_algorithm, in->copy_source_sse_customer_key,
				   in->copy_source_sse_customer_key_md5));
	TRY(s3_write_condition_check(rq, in->if_match, in->if_none_match));
	TRY(check_source(rq, (struct s3_place *)(uintptr_t)p->source, &condition));
	TRY(check_self(rq, p, in));
	if (p->source->row->size > S3_PUT_MAX)
		return FAIL(
		    rq, s3_InvalidRequest,
		    "The specified copy source is larger than the maximum allowable size for a copy source: %lld",
		    (long long)S3_PUT_MAX);
	return OK;
}

/* A new object's place for bytes, under new keys. */
static struct status new_sink(struct req *rq, struct s3_place *p, const struct s3_sse *sse, struct s3_object_row *row,
			      struct s3_litter *litter, struct s3_sink **out)
{
	struct s3_seal *seal;
	struct secret key;
	struct str identity = s3_identity(rq, p->bucket, p->key, (struct str){ 0 }, 0);
	TRY(s3_seal_new(rq, p, sse, row, &seal));
	TRY(s3_seal_data_key(rq, seal, p->bucket->row.owner, identity, &key, &row->wrapped));
	*out = s3_sink_new(rq, litter, key, identity, S3_PUT_MAX);
	return OK;
}

/* What a copy comes to before any byte is moved. */
struct copy {
	struct s3_place *to;
	struct s3_object_row row; /* of CopyObject: the new object's; of UploadPartCopy: the upload's */
	struct s3_part_row part;
	struct s3_litter *litter;
	struct s3_content content;
	struct s3_sink *sink;
};

static struct s3_place *source_of(const struct copy *c) { return (struct s3_place *)(uintptr_t)c->to->source; }

static struct status prepare_copy(struct req *rq, void *arg)
{
	struct copy *c = arg;
	const struct s3_copy_object_in *in = rq->in;
	const struct s3_sse_in sse_in = S3_SSE_IN(in);
	struct s3_sse sse;
	*c = (struct copy){ .to = s3_place_of(rq), .litter = s3_litter_new(rq) };
	TRY(check_copy(rq, c->to, in));
	TRY(describe(rq, c->to, in, &c->row));
	TRY(s3_sse_choose(rq, c->to->bucket, &sse_in, &sse));
	TRY(new_sink(rq, c->to, &sse, &c->row, c->litter, &c->sink));
	return s3_content_open(rq, source_of(c), 0, source_of(c)->row->size, &c->content);
}

static void say_copied(struct req *rq, const struct s3_object_row *row, struct s3_copy_object_out *out)
{
	struct s3_copy_object_result *result = NEW(rq->mem, struct s3_copy_object_result);
	result->etag = s3_quoted(rq, row->etag);
	result->last_modified = s3_seconds(row->modified_at);
	result->checksum_type = row->checksum_type;
	s3_checksum_say(S3_CHECKSUMS_TO(result), row->checksum_algorithm, row->checksum);
	out->copy_object_result = result;
	S3_SAY_SSE(out, row);
}

struct status s3_copy_object(struct req *rq, const struct s3_copy_object_in *in, struct s3_copy_object_out *out)
{
	struct copy c;
	struct s3_stored stored;
	struct sums sums;
	TRY(s3_find_bytes(rq, prepare_copy, &c));
	sums_begin(&sums, c.row.checksum_algorithm, c.row.sse != S3_SERVER_SIDE_ENCRYPTION_AWS_KMS);
	TRY(move_bytes(rq, &c.content, &sums, c.sink));
	TRY(s3_sink_finish(c.sink, &stored));
	s3_row_stored(&c.row, &stored);
	c.row.etag = sums_etag(rq, &sums);
	c.row.checksum = sums_checksum(rq->mem, &sums);
	c.row.modified_at = rq->now_ms;
	say_copied(rq, &c.row, out);
	return s3_object_replace(rq, c.to,
				 &(struct s3_write){ .row = &c.row,
						     .side = stored.side,
						     .litter = c.litter,
						     .if_match = in->if_match,
						     .if_none_match = in->if_none_match });
}

/* ---- UploadPartCopy -------------------------------------------------------------------------------- */

/* Unlike Range: both ends must be said and must lie within the source. */
static struct status source_range(struct req *rq, struct str range, int64_t size, int64_t *from, int64_t *n)
{
	struct str rest = range;
	*from = 0;
	*n = size;
	if (!range.p)
		return OK;
	if (!str_ends(range, S("-")) && str_find(range, S("=-")) == SIZE_MAX) {
		enum s3_range_kind kind = s3_range_read(range, size, from, n);
		int64_t last;
		(void)str_cut(&rest, '-');
		if (kind == S3_RANGE_PART && str_to_i64(rest, &last) && last < size)
			return OK;
		if (kind != S3_RANGE_NONE)
			return s3_fail_argument(rq, "Range specified is not valid for source object",
						"x-amz-copy-source-range", range);
	}
	return s3_fail_argument(
	    rq,
	    "The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are the "
	    "zero-based offsets of the first and last bytes to copy",
	    "x-amz-copy-source-range", range);
}

static struct status check_part_copy(struct req *rq, struct s3_place *p, const struct s3_upload_part_copy_in *in,
				     struct s3_object_row *upload)
{
	const struct s3_condition condition = SOURCE_CONDITION(in);
	TRY(s3_refuse_customer_key(rq, in->sse_customer_algorithm, in->sse_customer_key, in->sse_customer_key_md5));
	TRY(s3_refuse_customer_key(rq, in->copy_source_sse_customer_algorithm, in->copy_source_sse_customer_key,
				   in->copy_source_sse_customer_key_md5));
	TRY(s3_check_part_number(rq, in->part_number));
	TRY(check_source(rq, (struct s3_place *)(uintptr_t)p->source, &condition));
	return s3_upload_look(rq, p, in->upload_id, upload);
}

static void say_part(struct req *rq, const struct s3_part_row *part, const struct s3_object_row *upload,
		     struct s3_upload_part_copy_out *out)
{
	struct s3_copy_part_result *result = NEW(rq->mem, struct s3_copy_part_result);
	result->etag = s3_quoted(rq, part->etag);
	result->last_modified = s3_seconds(part->modified_at);
	s3_checksum_say(S3_CHECKSUMS_TO(result), upload->checksum_algorithm, part->checksum);
	out->copy_part_result = result;
	S3_SAY_SSE(out, upload);
}

static struct status prepare_part(struct req *rq, void *arg)
{
	struct copy *c = arg;
	const struct s3_upload_part_copy_in *in = rq->in;
	int64_t from, n;
	*c = (struct copy){ .to = s3_place_of(rq), .litter = s3_litter_new(rq), .part.number = in->part_number };
	TRY(check_part_copy(rq, c->to, in, &c->row));
	TRY(source_range(rq, in->copy_source_range, source_of(c)->row->size, &from, &n));
	TRY(s3_part_sink(rq, c->to, &c->row, c->litter, &c->part, &c->sink));
	return s3_content_open(rq, source_of(c), from, n, &c->content);
}

struct status s3_upload_part_copy(struct req *rq, const struct s3_upload_part_copy_in *in,
				  struct s3_upload_part_copy_out *out)
{
	struct copy c;
	struct s3_stored stored;
	struct sums sums;
	TRY(s3_find_bytes(rq, prepare_part, &c));
	sums_begin(&sums, c.row.checksum_algorithm, c.row.sse != S3_SERVER_SIDE_ENCRYPTION_AWS_KMS);
	TRY(move_bytes(rq, &c.content, &sums, c.sink));
	TRY(s3_sink_finish(c.sink, &stored));
	c.part.size = stored.size;
	c.part.blob_id = stored.blob_id;
	c.part.modified_at = rq->now_ms;
	c.part.etag = sums_etag(rq, &sums);
	c.part.checksum = sums_checksum(rq->mem, &sums);
	say_part(rq, &c.part, &c.row, out);
	return s3_part_put(rq, c.to, in->upload_id, &c.part, c.litter);
}

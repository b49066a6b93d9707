/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes gather in the request's memory until there are too many; then a blob is begun with them
 * and the rest goes by.
 */
#include "svc/s3/sink.h"

#include "base/str.h"

static void end_sink(void *arg)
{
	struct s3_sink *s = arg;
	blob_abort(s->writer);
	s->writer = NULL;
	secret_free(&s->key);
	s3_digest_free(s->md5);
	s->md5 = NULL;
}

struct s3_sink *s3_sink_new(struct req *rq, struct s3_litter *litter, struct secret key, struct str identity,
			    int64_t max)
{
	struct s3_sink *s = NEW(rq->mem, struct s3_sink);
	*s = (struct s3_sink){
		.rq = rq, .litter = litter, .identity = identity, .key = key, .small = buf_in(rq->mem), .max = max
	};
	req_pin(rq, end_sink, s);
	return s;
}

static struct status too_large(struct req *rq, int64_t size, int64_t max)
{
	(void)FAIL(rq, s3_EntityTooLarge, "Your proposed upload exceeds the maximum allowed size");
	(void)req_fail_with(rq, "ProposedSize", arena_printf(rq->mem, "%lld", (long long)size));
	return req_fail_with(rq, "MaxSizeAllowed", arena_printf(rq->mem, "%lld", (long long)max));
}

static struct status begin_blob(struct s3_sink *s)
{
	TRY(blob_create(s->rq->app->blobs, &s->key, s->identity, &s->writer));
	return blob_write(s->writer, buf_str(&s->small));
}

struct status s3_sink_write(struct s3_sink *s, struct str piece)
{
	s->size += (int64_t)piece.n;
	if (s->size > s->max)
		return too_large(s->rq, s->size, s->max);
	if (s->md5)
		s3_digest_add(s->md5, piece);
	if (!s->writer && !s->blob_only && s->size <= S3_SIDE_MAX) {
		buf_put(&s->small, piece);
		return OK;
	}
	if (!s->writer)
		TRY(begin_blob(s));
	return blob_write(s->writer, piece);
}

static struct status finish_blob(struct s3_sink *s, struct s3_stored *out)
{
	struct blob_id *id = NEW(s->rq->mem, struct blob_id);
	struct blob_writer *w = s->writer;
	s->writer = NULL; /* gone, whatever comes of it */
	TRY(blob_finish(w, id));
	s3_litter_made(s->litter, *id);
	out->blob_id = str_make(id->b, sizeof id->b);
	return OK;
}

struct status s3_sink_finish(struct s3_sink *s, struct s3_stored *out)
{
	*out = (struct s3_stored){ .size = s->size };
	if (s->blob_only && !s->writer)
		TRY(begin_blob(s));
	if (s->writer) {
		TRY(finish_blob(s, out));
	} else {
		struct str *place = s->size <= S3_INLINE_MAX ? &out->inline_ : &out->side;
		TRY(blob_seal_small(s->rq->mem, &s->key, s->identity, buf_str(&s->small), place));
	}
	secret_free(&s->key);
	return OK;
}

struct status s3_sink_body(struct s3_sink *s)
{
	for (;;) {
		struct str piece;
		TRY(req_body(s->rq, &piece));
		if (!piece.n)
			return OK;
		TRY(s3_sink_write(s, piece));
	}
}

int64_t s3_body_length(struct req *rq)
{
	int64_t size = rq->http->content_length;
	struct str decoded = req_in_header(rq, "x-amz-decoded-content-length");
	if (decoded.p && !str_to_i64(decoded, &size))
		size = 0; /* payload_check has the words for this */
	return size;
}

struct status s3_check_length(struct req *rq, int64_t max)
{
	int64_t size = s3_body_length(rq);
	if (size < 0)
		return FAIL(rq, s3_MissingContentLength, "You must provide the Content-Length HTTP header.");
	return size > max ? too_large(rq, size, max) : OK;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GetObject and HeadObject: what is there, is it what the client wants, which part of it.
 *
 * HeadObject shows no bytes and so asks no key, unless checksums are wanted: those are
 * about the plaintext, and who may not decrypt it may not have them ("HeadObject",
 * ChecksumMode).
 */
#include "api/authz.h"
#include "base/str.h"
#include "base/time.h"
#include "svc/s3/checksum.h"
#include "svc/s3/condition.h"
#include "svc/s3/content.h"
#include "svc/s3/object.h"
#include "svc/s3/range.h"
#include "svc/s3/settings.h"

/* The run of bytes asked for, and how it is to be announced. */
struct run {
	int64_t from, n;
	bool partial; /* 206 */
	int64_t part; /* 0: not by part number */
};

struct want {
	struct str range;
	struct opt_int part_number;
};

static struct status invalid_range(struct req *rq, struct str range, int64_t size)
{
	(void)FAIL(rq, s3_InvalidRange, "The requested range is not satisfiable");
	(void)req_fail_with(rq, "RangeRequested", range);
	return req_fail_with(rq, "ActualObjectSize", arena_printf(rq->mem, "%lld", (long long)size));
}

static struct status invalid_part(struct req *rq, int64_t wanted, int64_t have)
{
	(void)FAIL(rq, s3_InvalidPartNumber, "The requested partnumber is not satisfiable");
	(void)req_fail_with(rq, "PartNumberRequested", arena_printf(rq->mem, "%lld", (long long)wanted));
	return req_fail_with(rq, "ActualPartCount", arena_printf(rq->mem, "%lld", (long long)have));
}

static struct status run_of_part(struct req *rq, struct s3_place *p, int64_t number, struct run *run)
{
	const struct s3_object_row *row = p->row;
	struct s3_parts_row parts;
	if (number < 1 || number > S3_PARTS_MAX)
		return s3_fail_argument(rq, "Part number must be an integer between 1 and 10000, inclusive",
					"partNumber", arena_printf(rq->mem, "%lld", (long long)number));
	if (number > (row->parts_count ? row->parts_count : 1))
		return invalid_part(rq, number, row->parts_count ? row->parts_count : 1);
	run->part = number;
	run->partial = row->size > 0;
	if (!row->parts_count)
		return OK;
	TRY(s3_content_parts(rq, p, &parts));
	run->from = 0;
	for (int64_t i = 0; i < number - 1; i++)
		run->from += parts.parts.v[i].size;
	run->n = parts.parts.v[number - 1].size;
	return OK;
}

static struct status find_run(struct req *rq, struct s3_place *p, const struct want *want, struct run *run)
{
	*run = (struct run){ .n = p->row->size };
	if (want->range.p && want->part_number.set)
		return FAIL(rq, s3_InvalidRequest, "Cannot specify both Range header and partNumber query parameter");
	if (want->part_number.set)
		return run_of_part(rq, p, want->part_number.v, run);
	if (!want->range.p)
		return OK;
	switch (s3_range_read(want->range, p->row->size, &run->from, &run->n)) {
	case S3_RANGE_UNSATISFIABLE:
		return invalid_range(rq, want->range, p->row->size);
	case S3_RANGE_PART:
		run->partial = true;
		return OK;
	case S3_RANGE_NONE:
		break;
	}
	*run = (struct run){ .n = p->row->size };
	return OK;
}

/* What both answers say of the object. */
#define SAY_OBJECT(rq, out, row)                                                     \
	do {                                                                         \
		(out)->accept_ranges = S("bytes");                                   \
		(out)->last_modified = (struct opt_int)SET((row)->modified_at);      \
		(out)->etag = s3_quoted(rq, (row)->etag);                            \
		(out)->cache_control = (row)->cache_control;                         \
		(out)->content_disposition = (row)->content_disposition;             \
		(out)->content_encoding = (row)->content_encoding;                   \
		(out)->content_language = (row)->content_language;                   \
		(out)->content_type = (row)->content_type;                           \
		(out)->expires = (row)->expires;                                     \
		(out)->website_redirect_location = (row)->website_redirect_location; \
		(out)->metadata = (row)->metadata;                                   \
		(out)->storage_class = s3_class_said(row);                           \
		S3_SAY_SSE(out, row);                                                \
	} while (0)

static bool whole(const struct run *run, const struct s3_object_row *row) { return run->n == row->size; }

static bool says_checksum(struct str mode, const struct run *run, const struct s3_object_row *row)
{
	return str_eq_ci(mode, S("ENABLED")) && row->checksum.p && whole(run, row);
}

static struct str content_range(struct req *rq, const struct run *run, int64_t size)
{
	return arena_printf(rq->mem, "bytes %lld-%lld/%lld", (long long)run->from, (long long)(run->from + run->n - 1),
			    (long long)size);
}

/* ---- finding it ------------------------------------------------------------------------- */

static struct status find(struct req *rq, struct s3_place *p, const struct s3_condition *c, enum s3_verdict *verdict)
{
	const char *which;
	TRY(s3_object_look(rq, p));
	if (!p->row)
		return s3_object_missing(rq, p);
	*verdict = s3_condition_judge(c, p->row->etag, p->row->modified_at, &which);
	return *verdict == S3_FAILED ? s3_precondition_failed(rq, which) : OK;
}

/* 304 says which version the client has, and has no body, whatever length it announces. */
static void not_modified(struct req *rq, const struct s3_object_row *row, struct str *etag, struct opt_int *modified)
{
	rq->status = 304;
	rq->head_length = row->size;
	*etag = s3_quoted(rq, row->etag);
	*modified = (struct opt_int)SET(row->modified_at);
}

/* ---- GetObject ---------------------------------------------------------------------------- */

static bool overrides(const struct s3_get_object_in *in)
{
	return in->response_cache_control.p || in->response_content_disposition.p || in->response_content_encoding.p ||
	       in->response_content_language.p || in->response_content_type.p || in->response_expires.set;
}

static void override(struct str *to, struct str with)
{
	if (with.p)
		*to = with;
}

static void apply_overrides(struct req *rq, const struct s3_get_object_in *in, struct s3_get_object_out *out)
{
	override(&out->cache_control, in->response_cache_control);
	override(&out->content_disposition, in->response_content_disposition);
	override(&out->content_encoding, in->response_content_encoding);
	override(&out->content_language, in->response_content_language);
	override(&out->content_type, in->response_content_type);
	if (in->response_expires.set)
		out->expires = time_http(rq->mem, in->response_expires.v);
}

/* ENABLED, in whatever letters: the SDK for C++ has it in small ones. */
static struct status check_mode(struct req *rq, struct str mode)
{
	if (!mode.n || str_eq_ci(mode, S("ENABLED")))
		return OK;
	return s3_fail_argument(rq, "The checksum mode is not valid.", "x-amz-checksum-mode", mode);
}

static struct status check_get(struct req *rq, const struct s3_get_object_in *in)
{
	TRY(check_mode(rq, in->checksum_mode));
	TRY(s3_refuse_customer_key(rq, in->sse_customer_algorithm, in->sse_customer_key, in->sse_customer_key_md5));
	TRY(s3_check_version(rq, in->version_id));
	if (overrides(in) && rq->caller.kind == CALLER_ANONYMOUS)
		return FAIL(rq, s3_InvalidRequest,
			    "Request specific response headers cannot be used for anonymous GET requests.");
	return OK;
}

static void send(struct req *rq, const struct run *run, const struct s3_content *content)
{
	rq->status = run->partial ? 206 : 200;
	rq->reply = content->bytes;
	if (!content->stream)
		return;
	rq->pull = s3_stream_pull;
	rq->pull_done = s3_stream_close;
	rq->pull_arg = content->stream;
	rq->pull_length = run->n;
}

static struct status get_once(struct req *rq, void *arg)
{
	struct s3_place *p = s3_place_of(rq);
	const struct s3_get_object_in *in = rq->in;
	struct s3_get_object_out *out = arg;
	const struct s3_condition condition = S3_CONDITION(in);
	enum s3_verdict verdict;
	struct s3_content content;
	struct run run;
	TRY(find(rq, p, &condition, &verdict));
	const struct s3_object_row *row = p->row;
	if (verdict == S3_NOT_MODIFIED) {
		not_modified(rq, row, &out->etag, &out->last_modified);
		return OK;
	}
	TRY(find_run(rq, p, &(struct want){ in->range, in->part_number }, &run));
	TRY(s3_content_open(rq, p, run.from, run.n, &content));
	SAY_OBJECT(rq, out, row);
	out->content_length = (struct opt_int)SET(run.n);
	if (run.partial)
		out->content_range = content_range(rq, &run, row->size);
	if (run.part && row->parts_count)
		out->parts_count = (struct opt_int)SET(row->parts_count);
	if (row->tag_set.n)
		out->tag_count = (struct opt_int)SET((int64_t)row->tag_set.n);
	if (says_checksum(in->checksum_mode, &run, row)) {
		s3_checksum_say(S3_CHECKSUMS_TO(out), row->checksum_algorithm, row->checksum);
		out->checksum_type = row->checksum_type;
	}
	send(rq, &run, &content);
	apply_overrides(rq, in, out);
	return OK;
}

struct status s3_get_object(struct req *rq, const struct s3_get_object_in *in, struct s3_get_object_out *out)
{
	TRY(check_get(rq, in));
	return s3_find_bytes(rq, get_once, out);
}

/* ---- HeadObject ------------------------------------------------------------------------------ */

static struct status head_checksum(struct req *rq, struct s3_place *p, struct s3_head_object_out *out)
{
	TRY(s3_seal_check(rq, p, p->row));
	s3_checksum_say(S3_CHECKSUMS_TO(out), p->row->checksum_algorithm, p->row->checksum);
	out->checksum_type = p->row->checksum_type;
	return OK;
}

struct status s3_head_object(struct req *rq, const struct s3_head_object_in *in, struct s3_head_object_out *out)
{
	struct s3_place *p = s3_place_of(rq);
	const struct s3_condition condition = S3_CONDITION(in);
	enum s3_verdict verdict;
	struct run run;
	TRY(check_mode(rq, in->checksum_mode));
	TRY(s3_refuse_customer_key(rq, in->sse_customer_algorithm, in->sse_customer_key, in->sse_customer_key_md5));
	TRY(s3_check_version(rq, in->version_id));
	TRY(find(rq, p, &condition, &verdict));
	const struct s3_object_row *row = p->row;
	if (verdict == S3_NOT_MODIFIED) {
		not_modified(rq, row, &out->etag, &out->last_modified);
		return OK;
	}
	TRY(find_run(rq, p, &(struct want){ in->range, in->part_number }, &run));
	SAY_OBJECT(rq, out, row);
	out->content_length = (struct opt_int)SET(run.n);
	if (run.part && row->parts_count)
		out->parts_count = (struct opt_int)SET(row->parts_count);
	if (run.partial)
		req_header(rq, "Content-Range", content_range(rq, &run, row->size));
	rq->status = run.partial ? 206 : 200;
	rq->head_length = run.n;
	return says_checksum(in->checksum_mode, &run, row) ? head_checksum(rq, p, out) : OK;
}

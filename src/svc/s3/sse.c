/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How bytes are to be encrypted: by the request's headers, or else by the bucket's default,
 * which is SSE-S3 where nobody set another.
 */
#include "api/faults.h"
#include "base/codec.h"
#include "base/str.h"
#include "svc/s3/object.h"
#include "svc/s3/seal.h"
#include "wire/json.h"

#define SSE_HEADER "x-amz-server-side-encryption"

struct status s3_refuse_customer_key(struct req *rq, struct str algorithm, struct str key, struct str md5)
{
	if (!algorithm.p && !key.p && !md5.p)
		return OK;
	(void)FAIL(rq, api_NotImplemented,
		   "Server side encryption with customer provided keys is not implemented here.");
	return req_fail_with(rq, "Header", S(SSE_HEADER "-customer-algorithm"));
}

static const struct shape text = { .name = "String", .kind = K_STRING, .size = sizeof(struct str) };
static const struct shape texts = {
	.name = "Context", .kind = K_MAP, .size = sizeof(struct str_map), .key = &text, .elem = &text
};

/* base64 of a JSON object of strings. aws:s3:arn is S3's to set, whichever case it comes in: policies ask for it. */
static struct status read_context(struct req *rq, struct str header, struct str_map *out)
{
	static const char why[] =
	    "The header '" SSE_HEADER "-context' shall be Base64-encoded UTF-8 string holding JSON which "
	    "represents a string-string map";
	struct str json;
	struct str_map map = { 0 };
	if (failed(base64_decode(rq->mem, header, &json)))
		return s3_fail_argument(rq, why, SSE_HEADER "-context", header);
	struct decode d = decode_in(rq->mem);
	if (failed(json_decode(&d, &texts, json, &map)))
		return s3_fail_argument(rq, why, SSE_HEADER "-context", header);
	struct str_entry *v = NEWS(rq->mem, struct str_entry, map.n + 1);
	size_t n = 0;
	for (size_t i = 0; i < map.n; i++)
		if (!str_eq_ci(map.v[i].key, S("aws:s3:arn")))
			v[n++] = map.v[i];
	*out = (struct str_map){ v, n };
	return OK;
}

static struct status need_kms_header(struct req *rq, struct str algorithm)
{
	return s3_fail_argument(
	    rq, "Server Side Encryption with AWS KMS managed key requires HTTP header " SSE_HEADER " : aws:kms",
	    SSE_HEADER, algorithm.p ? algorithm : S("null"));
}

static struct status unknown_algorithm(struct req *rq, struct str algorithm)
{
	if (str_eq(algorithm, S("aws:kms:dsse"))) {
		(void)FAIL(rq, api_NotImplemented,
			   "Dual-layer server side encryption (aws:kms:dsse) is not implemented here.");
		return req_fail_with(rq, "Header", S(SSE_HEADER));
	}
	return s3_fail_argument(rq, "The encryption method specified is not supported", SSE_HEADER, algorithm);
}

struct status s3_sse_choose(struct req *rq, const struct s3_bucket_info *b, const struct s3_sse_in *in,
			    struct s3_sse *out)
{
	const struct s3_bucket_row *row = &b->row;
	struct s3_sse sse = { .algorithm = S3_SERVER_SIDE_ENCRYPTION_AES256 };
	bool kms = str_eq(in->algorithm, S("aws:kms"));
	if (in->customer)
		return s3_refuse_customer_key(rq, S(""), S(""), S(""));
	if (in->algorithm.p && !kms && !str_eq(in->algorithm, S("AES256")))
		return unknown_algorithm(rq, in->algorithm);
	if (!kms && (in->kms_key_id.p || in->context.p))
		return need_kms_header(rq, in->algorithm);
	if (kms || (!in->algorithm.p && row->sse_algorithm))
		sse.algorithm = kms ? S3_SERVER_SIDE_ENCRYPTION_AWS_KMS : row->sse_algorithm;
	if (sse.algorithm == S3_SERVER_SIDE_ENCRYPTION_AWS_KMS) {
		sse.kms_key = kms ? in->kms_key_id : row->kms_key_id;
		if (!sse.kms_key.n)
			sse.kms_key = S("alias/aws/s3");
		sse.bucket_key = in->bucket_key.set ? in->bucket_key.v : row->bucket_key_enabled;
	}
	if (in->context.p)
		TRY(read_context(rq, in->context, &sse.context));
	*out = sse;
	return OK;
}

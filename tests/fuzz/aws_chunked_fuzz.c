/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A body decoded in one piece and in pieces of every kind gives the same payload, the
 * same trailers and the same refusal. The first bytes choose mode, length and the seed of
 * the cuts; the rest is the body.
 */
#include "api/aws_chunked.h"

#include "base/buf.h"
#include "base/str.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

struct result {
	struct str payload;
	enum sigv4_code code;
	struct str message;
	size_t n_trailers;
};

struct how {
	struct sigv4_auth auth;
	bool is_signed, trailer;
	uint64_t length;
};

static struct result decode(struct arena *mem, const struct how *how, struct str body, uint32_t cuts)
{
	struct sigv4_fault fault = { 0 };
	struct aws_chunked *c = NEW(mem, struct aws_chunked);
	struct buf got = buf_in(mem);
	struct status st = OK;
	aws_chunked_init(c, mem, &how->auth, how->is_signed, how->trailer, how->length, &fault);
	while (body.n && !failed(st)) {
		cuts = cuts * 1664525 + 1013904223;
		struct str in = str_sub(body, 0, cuts & 1 ? body.n : 1 + (cuts >> 16) % 37), out;
		body = str_from(body, in.n);
		while (in.n && !failed(st)) {
			st = aws_chunked_next(c, &in, &out);
			buf_put(&got, out);
		}
	}
	if (!failed(st))
		st = aws_chunked_end(c);
	assert(failed(st) == (fault.code != 0));
	assert(failed(st) || got.n == how->length);
	assert(got.n <= how->length);
	return (struct result){ buf_str(&got), fault.code, fault.message, c->n_trailers };
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	if (n < 4)
		return 0;
	struct arena *mem = arena_new();
	struct how how = { .is_signed = data[0] & 1, .trailer = data[0] & 2, .length = data[1] };
	if (data[0] & 4)
		how.length *= 257;
	how.auth =
	    (struct sigv4_auth){ .amz_date = S("20260101T003000Z"),
				 .scope = S("20260101/us-east-1/s3/aws4_request"),
				 .signature = S("0000000000000000000000000000000000000000000000000000000000000000") };
	hmac_key_init(&how.auth.key, S("key"));
	struct str body = str_make(data + 3, n - 3);
	struct result whole = decode(mem, &how, body, 1); /* the first cut of this seed takes all */
	for (uint32_t seed = 0; seed < 3; seed++) {
		struct result r = decode(mem, &how, body, data[2] * 3u + seed);
		assert(r.code == whole.code && r.n_trailers == whole.n_trailers && str_eq(r.message, whole.message));
		/* A refused body may have given more or less before it was refused, never something else. */
		size_t common = r.payload.n < whole.payload.n ? r.payload.n : whole.payload.n;
		assert(memcmp(r.payload.p, whole.payload.p, common) == 0);
		assert(r.code || r.payload.n == whole.payload.n);
	}
	arena_free(mem);
	return 0;
}

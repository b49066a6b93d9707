/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a form of the query protocols, in both styles.
 */
#include "wire/constraint.h"
#include "wire/query.h"
#include "wire/testing.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void decode(const uint8_t *p, size_t n, enum query_style style)
{
	struct arena *mem = arena_new();
	struct patterns *patterns = patterns_new();
	struct decode d = decode_in(mem);
	struct http_pairs params;
	struct all a = { 0 };
	struct str message;
	if (!failed(query_params(mem, str_make(p, n), &params)) &&
	    !failed(query_decode(&d, &t_all, style, &params, &a)) &&
	    !failed(constraint_check(&d, patterns, &t_all, &a, &message))) {
		struct buf b = buf_in(mem);
		const struct query_reply r = {
			.op = S("X"), .wrapper = "XResult", .xmlns = S("u"), .request_id = S("id")
		};
		query_encode(&b, style, &r, &t_all, &a);
	}
	patterns_free(patterns);
	arena_free(mem);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	decode(p, n, QUERY_AWS);
	decode(p, n, QUERY_EC2);
	return 0;
}

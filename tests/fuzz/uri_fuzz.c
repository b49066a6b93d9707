/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a request target: what is taken is cut, never changed.
 */
#include "base/test.h"
#include "wire/uri.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct arena *mem = arena_new();
	struct uri_target t;
	struct http_pairs pairs;
	if (!failed(uri_split(str_make(p, n), &t))) {
		EXPECT(t.path.n && t.path.p[0] == '/');
		EXPECT(t.path.n + t.query.n <= n + 1);
		for (int plus = 0; plus < 2; plus++)
			if (!failed(uri_pairs(mem, t.query, plus, 100, &pairs)))
				EXPECT(pairs.n <= 100);
	}
	arena_free(mem);
	return 0;
}

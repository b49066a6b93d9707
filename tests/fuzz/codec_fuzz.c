/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The codecs on any bytes: what is encoded decodes to itself; what decodes encodes to
 * itself again (decoders take one text for each value, hex apart from its case).
 */
#include "base/buf.h"
#include "base/codec.h"
#include "base/str.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void must(bool held)
{
	if (!held)
		abort();
}

static void both_ways(struct arena *a, struct str s, struct str (*encode)(struct arena *, struct str),
		      struct status (*decode)(struct arena *, struct str, struct str *))
{
	struct str out;
	must(!failed(decode(a, encode(a, s), &out)) && str_eq(out, s));
	if (!failed(decode(a, s, &out)))
		must(str_eq_ci(encode(a, out), s));
}

static void readers(struct arena *a, struct str s)
{
	struct buf b = buf_in(a);
	struct rd r = rd_of(s);
	while (!rd_end(&r)) {
		uint64_t v = rd_varint(&r);
		if (!r.bad)
			buf_varint(&b, v);
	}
	must(b.n <= s.n);
	r = rd_of(s);
	for (unsigned size; !rd_end(&r);) {
		size = rd_u8(&r);
		must(rd_bytes(&r, size).n == (r.bad ? 0 : size));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct arena *a = arena_new();
	struct str s = str_make(data, n), out;
	int64_t i;
	both_ways(a, s, hex_encode, hex_decode);
	both_ways(a, s, base64_encode, base64_decode);
	both_ways(a, s, base64url_encode, base64url_decode);
	both_ways(a, s, base32_encode, base32_decode);
	must(!failed(uri_decode(a, uri_encode(a, s, n % 2), true, &out)) && str_eq(out, s));
	if (!failed(uri_decode(a, s, true, &out)))
		must(out.n <= n);
	if (str_to_i64(s, &i) && s.n && s.p[0] != '0' && !str_starts(s, S("-0")))
		must(str_eq(arena_printf(a, "%lld", (long long)i), s));
	must(str_utf8_length(s) <= n);
	(void)str_is_utf8(s);
	(void)uuid_is(s);
	readers(a, s);
	arena_free(a);
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The decoder by itself: every way of cutting the body gives the same, payload is given
 * as views, limits hold, and a failed decoder stays failed. Signed bodies are in the
 * vectors; here chunks are unsigned unless a test says otherwise.
 */
#include "api/aws_chunked.h"

#include "base/buf.h"
#include "base/str.h"
#include "base/test.h"

struct result {
	struct str payload;
	enum sigv4_code code; /* 0: accepted */
};

static struct result decode(struct arena *mem, struct str body, uint64_t length, bool trailer, size_t piece)
{
	struct sigv4_fault fault = { 0 };
	struct aws_chunked c;
	struct buf got = buf_in(mem);
	aws_chunked_init(&c, mem, NULL, false, trailer, length, &fault);
	while (body.n) {
		struct str in = str_sub(body, 0, piece), out;
		body = str_from(body, in.n);
		while (in.n) {
			if (failed(aws_chunked_next(&c, &in, &out)))
				return (struct result){ buf_str(&got), fault.code };
			buf_put(&got, out);
		}
	}
	if (failed(aws_chunked_end(&c)))
		return (struct result){ buf_str(&got), fault.code };
	return (struct result){ buf_str(&got), 0 };
}

static struct str big_body(struct arena *mem, size_t first)
{
	struct buf b = buf_in(mem);
	buf_printf(&b, "%zX\r\n", first);
	for (size_t i = 0; i < first; i++)
		buf_byte(&b, (char)('a' + i % 26));
	buf_z(&b, "\r\n0003\r\nend\r\n0\r\nx-amz-checksum-crc32: AAAAAA==\r\n\r\n");
	return buf_str(&b);
}

static void however_it_is_cut_the_payload_is_the_same(void)
{
	struct arena *mem = arena_new();
	struct str body = big_body(mem, 8192);
	struct result whole = decode(mem, body, 8195, true, body.n);
	EXPECT(whole.code == 0 && whole.payload.n == 8195);
	EXPECT(str_ends(whole.payload, S("end")));
	for (size_t piece = 1; piece < 40; piece++) {
		struct result r = decode(mem, body, 8195, true, piece);
		EXPECT(r.code == 0);
		EXPECT_STR(r.payload, whole.payload);
	}
	arena_free(mem);
}

static void payload_is_not_copied(void)
{
	struct arena *mem = arena_new();
	struct sigv4_fault fault;
	struct aws_chunked c;
	struct str in = S("5\r\nhello\r\n0\r\n\r\n"), whole = in, out;
	aws_chunked_init(&c, mem, NULL, false, false, 5, &fault);
	EXPECT_OK(aws_chunked_next(&c, &in, &out));
	EXPECT_STR(out, S("hello"));
	EXPECT(out.p == whole.p + 3);
	EXPECT_OK(aws_chunked_next(&c, &in, &out));
	EXPECT(out.n == 0 && in.n == 0);
	EXPECT_OK(aws_chunked_end(&c));
	arena_free(mem);
}

static void trailers_are_kept_for_the_caller(void)
{
	struct arena *mem = arena_new();
	struct sigv4_fault fault;
	struct aws_chunked c;
	struct str in = S("0\r\nX-Amz-Checksum-CRC32 :  AAAAAA== \r\nb:\r\n\r\n"), out;
	aws_chunked_init(&c, mem, NULL, false, true, 0, &fault);
	EXPECT_OK(aws_chunked_next(&c, &in, &out));
	EXPECT_OK(aws_chunked_end(&c));
	EXPECT(c.n_trailers == 2);
	EXPECT_STR(c.trailers[0].name, S("x-amz-checksum-crc32"));
	EXPECT_STR(c.trailers[0].value, S("AAAAAA=="));
	EXPECT_STR(c.trailers[1].value, S(""));
	arena_free(mem);
}

static void broken_bodies_are_refused(void)
{
	static const struct {
		const char *body;
		uint64_t length;
		bool trailer;
		enum sigv4_code code;
	} cases[] = {
		{ "", 0, false, SIGV4_INCOMPLETE_BODY },
		{ "0\r\n", 0, false, SIGV4_INCOMPLETE_BODY },
		{ "0\r\n\r", 0, false, SIGV4_INCOMPLETE_BODY },
		{ "0\r\n\r\n", 1, false, SIGV4_INCOMPLETE_BODY },
		{ "0\r\n\r\n\r\n", 0, false, SIGV4_INCOMPLETE_BODY },
		{ "0\n\r\n", 0, false, SIGV4_INCOMPLETE_BODY },
		{ "0\r\r\n\r\n", 0, false, SIGV4_INCOMPLETE_BODY },
		{ "\r\n0\r\n\r\n", 0, false, SIGV4_INCOMPLETE_BODY },
		{ " 0\r\n\r\n", 0, false, SIGV4_INCOMPLETE_BODY },
		{ "0;a=b\r\n\r\n", 0, false, SIGV4_INCOMPLETE_BODY },
		{ "-1\r\n\r\n", 0, false, SIGV4_INCOMPLETE_BODY },
		{ "0x1\r\na\r\n0\r\n\r\n", 1, false, SIGV4_INCOMPLETE_BODY },
		{ "00000000000000000\r\n\r\n", 0, false, SIGV4_INCOMPLETE_BODY },
		{ "ffffffffffffffff\r\na", 10, false, SIGV4_INCOMPLETE_BODY },
		{ "2\r\nab\r\n0\r\n\r\n", 1, false, SIGV4_INCOMPLETE_BODY },
		{ "2\r\nab\r\n0\r\n\r\n", 3, false, SIGV4_INCOMPLETE_BODY },
		{ "2\r\nabc\r\n0\r\n\r\n", 2, false, SIGV4_INCOMPLETE_BODY },
		{ "2\r\nab0\r\n\r\n", 2, false, SIGV4_INCOMPLETE_BODY },
		{ "2\r\nab\n0\r\n\r\n", 2, false, SIGV4_INCOMPLETE_BODY },
		{ "1\r\na\r\n1\r\nb\r\n0\r\n\r\n", 2, false, SIGV4_CHUNK_SIZE },
		{ "0\r\na:b\r\n\r\n", 0, false, SIGV4_INCOMPLETE_BODY },
		{ "0\r\na:b\r\n", 0, true, SIGV4_MALFORMED_TRAILER },
		{ "0\r\na:b", 0, true, SIGV4_MALFORMED_TRAILER },
		{ "0\r\nab\r\n\r\n", 0, true, SIGV4_MALFORMED_TRAILER },
		{ "0\r\n:b\r\n\r\n", 0, true, SIGV4_MALFORMED_TRAILER },
		{ "0\r\na:b\n\r\n\r\n", 0, true, SIGV4_MALFORMED_TRAILER },
		{ "0\r\na:1\r\nA:2\r\n\r\n", 0, true, SIGV4_MALFORMED_TRAILER },
		{ "0\r\na:1\r\nb:2\r\nc:3\r\nd:4\r\ne:5\r\n\r\n", 0, true, SIGV4_MALFORMED_TRAILER },
		{ "0\r\nx-amz-trailer-signature:00\r\n\r\n", 0, true, SIGV4_MALFORMED_TRAILER },
		{ "0\r\na:b\r\n\r\nx", 0, true, SIGV4_INCOMPLETE_BODY },
	};
	for (size_t i = 0; i < COUNT(cases); i++)
		for (size_t piece = 1; piece < 40; piece += 12) {
			struct arena *mem = arena_new();
			struct result r = decode(mem, str_of(cases[i].body), cases[i].length, cases[i].trailer, piece);
			if (r.code != cases[i].code)
				printf("# case %zu\n", i);
			EXPECT(r.code == cases[i].code);
			EXPECT(r.payload.n <= cases[i].length); /* never more than was announced */
			arena_free(mem);
		}
}

static void the_smallest_chunk_that_may_be_followed_is_8_kib(void)
{
	struct arena *mem = arena_new();
	EXPECT(decode(mem, big_body(mem, 8192), 8195, true, 4096).code == 0);
	EXPECT(decode(mem, big_body(mem, 8191), 8194, true, 4096).code == SIGV4_CHUNK_SIZE);
	arena_free(mem);
}

static void a_small_chunk_is_named(void)
{
	struct arena *mem = arena_new();
	struct sigv4_fault fault;
	struct aws_chunked c;
	struct str in = S("5\r\nhello\r\n1\r\n"), out;
	aws_chunked_init(&c, mem, NULL, false, false, 6, &fault);
	EXPECT_OK(aws_chunked_next(&c, &in, &out));
	EXPECT_ERR(aws_chunked_next(&c, &in, &out), E_FAULT);
	EXPECT(fault.n_extra == 2);
	EXPECT_STR(fault.extra[0].name, S("Chunk"));
	EXPECT_STR(fault.extra[0].value, S("2"));
	EXPECT_STR(fault.extra[1].name, S("BadChunkSize"));
	EXPECT_STR(fault.extra[1].value, S("5"));
	arena_free(mem);
}

static void lines_are_bounded(void)
{
	struct arena *mem = arena_new();
	struct buf b = buf_in(mem);
	buf_z(&b, "0\r\na:");
	for (size_t i = 0; i < AWS_CHUNK_LINE_MAX - 4; i++)
		buf_byte(&b, 'v');
	struct str fits = arena_printf(mem, "%.*s\r\n\r\n", PR(buf_str(&b)));
	struct str over = arena_printf(mem, "%.*sv\r\n\r\n", PR(buf_str(&b)));
	EXPECT(decode(mem, fits, 0, true, 100).code == 0);
	EXPECT(decode(mem, over, 0, true, 100).code == SIGV4_MALFORMED_TRAILER);
	EXPECT(decode(mem, over, 0, true, 1).code == SIGV4_MALFORMED_TRAILER);
	arena_free(mem);
}

static void failed_is_failed_for_good(void)
{
	struct arena *mem = arena_new();
	struct sigv4_fault fault;
	struct aws_chunked c;
	struct str in = S("x\r\n0\r\n\r\n"), out;
	aws_chunked_init(&c, mem, NULL, false, false, 0, &fault);
	EXPECT_ERR(aws_chunked_next(&c, &in, &out), E_FAULT);
	EXPECT_ERR(aws_chunked_next(&c, &in, &out), E_FAULT);
	EXPECT_ERR(aws_chunked_end(&c), E_FAULT);
	aws_chunked_init(&c, mem, NULL, false, false, 0, &fault);
	EXPECT_ERR(aws_chunked_end(&c), E_FAULT);
	in = S("0\r\n\r\n");
	EXPECT_ERR(aws_chunked_next(&c, &in, &out), E_FAULT);
	arena_free(mem);
}

RUN_ALL(T(however_it_is_cut_the_payload_is_the_same), T(payload_is_not_copied), T(trailers_are_kept_for_the_caller),
	T(broken_bodies_are_refused), T(the_smallest_chunk_that_may_be_followed_is_8_kib), T(a_small_chunk_is_named),
	T(lines_are_bounded), T(failed_is_failed_for_good))

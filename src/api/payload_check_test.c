/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What payload_check promises beyond the vectors: the sums it hands out, anonymous
 * requests, and lengths. Mismatches of each kind stand in tests/vectors/sigv4.
 */
#include "api/payload_check.h"

#include "base/codec.h"
#include "base/str.h"
#include "base/test.h"

#define HEADERS(...)                                                      \
	(&(struct http_pairs){ (const struct http_pair[]){ __VA_ARGS__ }, \
			       COUNT(((const struct http_pair[]){ __VA_ARGS__ })) })
#define H(name, value)            \
	{                         \
		S(name), S(value) \
	}

static struct status run(struct arena *mem, const struct payload_rules *rules, struct str body,
			 struct payload_check *pc, struct sigv4_fault *fault)
{
	TRY(payload_check_init(pc, mem, rules, fault));
	for (struct str in = body, out; in.n;)
		TRY(payload_check_feed(pc, &in, &out));
	return payload_check_finish(pc);
}

static void expect_sum(struct arena *mem, const struct payload_sums *sums, enum payload_sum sum, const char *hex)
{
	EXPECT_STR(hex_encode(mem, payload_sum_bytes(sums, sum)), str_of(hex));
}

static void wanted_sums_are_there_afterwards(void)
{
	struct arena *mem = arena_new();
	struct payload_check pc;
	struct sigv4_fault fault;
	struct payload_rules rules = { .headers = HEADERS(H("host", "x")),
				       .length = -1,
				       .compute =
					   SUM_CRC32 | SUM_CRC32C | SUM_CRC64NVME | SUM_SHA1 | SUM_SHA256 | SUM_MD5 };
	EXPECT_OK(run(mem, &rules, S("123456789"), &pc, &fault));
	expect_sum(mem, &pc.sums, SUM_CRC32, "cbf43926");
	expect_sum(mem, &pc.sums, SUM_CRC32C, "e3069283");
	expect_sum(mem, &pc.sums, SUM_CRC64NVME, "ae8b14860a799888");
	expect_sum(mem, &pc.sums, SUM_SHA1, "f7c3bc1d808e04732adf679965ccc34ca7ae3441");
	expect_sum(mem, &pc.sums, SUM_SHA256, "15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225");
	expect_sum(mem, &pc.sums, SUM_MD5, "25f9e794323b453885f5181f1b624d0b");
	EXPECT_STR(str_of(payload_sum_name(SUM_CRC64NVME)), S("CRC64NVME"));
	EXPECT(payload_sum_name(SUM_CRC32 | SUM_SHA1) == NULL);
	arena_free(mem);
}

static void unwanted_sums_are_not_computed(void)
{
	struct arena *mem = arena_new();
	struct payload_check pc;
	struct sigv4_fault fault;
	struct payload_rules rules = { .headers = HEADERS(H("X-Amz-Checksum-Crc32", "y/Q5Jg==")), .length = 9 };
	EXPECT_OK(run(mem, &rules, S("123456789"), &pc, &fault));
	EXPECT(pc.sums.have == SUM_CRC32 && pc.claimed == SUM_CRC32);
	EXPECT(payload_sum_bytes(&pc.sums, SUM_MD5).p == NULL);
	arena_free(mem);
}

static void a_body_must_have_the_length_it_said(void)
{
	struct arena *mem = arena_new();
	struct payload_check pc;
	struct sigv4_fault fault;
	struct payload_rules rules = { .headers = HEADERS(H("host", "x")), .length = 8 };
	EXPECT_ERR(run(mem, &rules, S("123456789"), &pc, &fault), E_FAULT);
	EXPECT(fault.code == SIGV4_INCOMPLETE_BODY);
	rules.length = 10;
	EXPECT_ERR(run(mem, &rules, S("123456789"), &pc, &fault), E_FAULT);
	EXPECT(fault.code == SIGV4_INCOMPLETE_BODY);
	arena_free(mem);
}

static void headers_that_speak_of_the_object_are_left_alone(void)
{
	struct arena *mem = arena_new();
	struct payload_check pc;
	struct sigv4_fault fault;
	struct payload_rules rules = { .headers = HEADERS(H("x-amz-checksum-crc32", "AAAAAA==")), .length = -1 };
	EXPECT_ERR(run(mem, &rules, S("123456789"), &pc, &fault), E_FAULT);
	EXPECT(fault.code == SIGV4_BAD_DIGEST);
	rules.no_checksum_headers = true;
	EXPECT_OK(run(mem, &rules, S("123456789"), &pc, &fault));
	rules.no_checksum_headers = false;
	rules.headers = HEADERS(H("x-amz-checksum-algorithm", "CRC32"), H("x-amz-checksum-type", "COMPOSITE"));
	EXPECT_OK(run(mem, &rules, S("123456789"), &pc, &fault));
	arena_free(mem);
}

static void an_anonymous_body_may_be_chunked_but_not_signed(void)
{
	struct arena *mem = arena_new();
	struct payload_check pc;
	struct sigv4_fault fault;
	struct payload_rules rules = {
		.length = -1,
		.headers = HEADERS(H("x-amz-content-sha256", "STREAMING-UNSIGNED-PAYLOAD-TRAILER"),
				   H("x-amz-decoded-content-length", "9"), H("x-amz-trailer", "x-amz-checksum-crc32"))
	};
	struct str body = S("9\r\n123456789\r\n0\r\nx-amz-checksum-crc32:y/Q5Jg==\r\n\r\n");
	EXPECT_OK(run(mem, &rules, body, &pc, &fault));
	rules.headers = HEADERS(H("x-amz-content-sha256", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"),
				H("x-amz-decoded-content-length", "9"));
	EXPECT_ERR(run(mem, &rules, body, &pc, &fault), E_FAULT);
	EXPECT(fault.code == SIGV4_BAD_REQUEST);
	rules.headers =
	    HEADERS(H("x-amz-content-sha256", "15E2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225"));
	EXPECT_OK(run(mem, &rules, S("123456789"), &pc, &fault));
	EXPECT_ERR(run(mem, &rules, S("12345678"), &pc, &fault), E_FAULT);
	EXPECT(fault.code == SIGV4_SHA256_MISMATCH && fault.n_extra == 2);
	arena_free(mem);
}

static void odd_decoded_lengths_are_refused(void)
{
	static const char *const odd[] = { "", "-1", "x", "99999999999999999999", "1 2" };
	for (size_t i = 0; i < COUNT(odd); i++) {
		struct arena *mem = arena_new();
		struct payload_check pc;
		struct sigv4_fault fault;
		struct payload_rules rules = { .length = -1,
					       .headers = HEADERS(
						   H("x-amz-content-sha256", "STREAMING-UNSIGNED-PAYLOAD-TRAILER"),
						   { S("x-amz-decoded-content-length"), str_of(odd[i]) }) };
		EXPECT_ERR(payload_check_init(&pc, mem, &rules, &fault), E_FAULT);
		EXPECT(fault.code == SIGV4_BAD_REQUEST);
		arena_free(mem);
	}
}

static void a_wrong_md5_is_told_with_both(void)
{
	struct arena *mem = arena_new();
	struct payload_check pc;
	struct sigv4_fault fault;
	struct payload_rules rules = { .headers = HEADERS(H("Content-MD5", "AAAAAAAAAAAAAAAAAAAAAA==")), .length = -1 };
	EXPECT_ERR(run(mem, &rules, S("123456789"), &pc, &fault), E_FAULT);
	EXPECT(fault.code == SIGV4_BAD_DIGEST && fault.n_extra == 2);
	EXPECT_STR(fault.extra[0].value, S("AAAAAAAAAAAAAAAAAAAAAA=="));
	EXPECT_STR(fault.extra[1].value, S("JfnnlDI7RTiF9RgfG2JNCw=="));
	arena_free(mem);
}

RUN_ALL(T(wanted_sums_are_there_afterwards), T(unwanted_sums_are_not_computed), T(a_body_must_have_the_length_it_said),
	T(headers_that_speak_of_the_object_are_left_alone), T(an_anonymous_body_may_be_chunked_but_not_signed),
	T(odd_decoded_lengths_are_refused), T(a_wrong_md5_is_told_with_both))

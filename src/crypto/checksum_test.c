/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The three CRCs: their check values, and every way of computing them against a bit at a
 * time, at every length and alignment where the ways change over.
 */
#include "crypto/checksum.h"

#include "base/test.h"

static void the_check_values_hold(void)
{
	struct str digits = S("123456789");

	EXPECT(crc32_update(0, digits) == 0xcbf43926);
	EXPECT(crc32c_update(0, digits) == 0xe3069283);
	EXPECT(crc64nvme_update(0, digits) == 0xae8b14860a799888);
}

/* NVM Command Set Specification 1.0c, figure of 64-bit CRC examples; RFC 3720 B.4 for CRC32C. */
static void blocks_of_one_byte_give_the_published_sums(void)
{
	char zeros[4096] = { 0 }, ones[4096];

	memset(ones, 0xff, sizeof ones);
	EXPECT(crc64nvme_update(0, str_make(zeros, sizeof zeros)) == 0x6482d367eb22b64e);
	EXPECT(crc64nvme_update(0, str_make(ones, sizeof ones)) == 0xc0ddba7302eca3ac);
	EXPECT(crc32c_update(0, str_make(zeros, 32)) == 0x8a9136aa);
	EXPECT(crc32c_update(0, str_make(ones, 32)) == 0x62a8ab43);
}

static uint64_t by_bits(uint64_t poly, uint64_t start, struct str s)
{
	uint64_t crc = start;

	for (size_t i = 0; i < s.n; i++) {
		crc ^= (unsigned char)s.p[i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc & 1 ? crc >> 1 ^ poly : crc >> 1;
	}
	return crc ^ start;
}

static bool all_three_agree(struct str s)
{
	return crc32_update(0, s) == by_bits(0xedb88320, UINT32_MAX, s) &&
	       crc32c_update(0, s) == by_bits(0x82f63b78, UINT32_MAX, s) &&
	       crc64nvme_update(0, s) == by_bits(0x9a6c9329ac4bc9b5, UINT64_MAX, s);
}

static void fill(char *p, size_t n)
{
	uint32_t x = 1;

	for (size_t i = 0; i < n; i++) {
		x = x * 1664525 + 1013904223;
		p[i] = (char)(x >> 24);
	}
}

static void every_length_and_alignment_agrees_with_the_definition(void)
{
	char room[700];

	fill(room, sizeof room);
	for (size_t n = 0; n <= 400; n++)
		for (size_t at = 0; at < 17; at++)
			EXPECT(all_three_agree(str_make(room + at, n)));
}

static void pieces_give_what_the_whole_gives(void)
{
	char room[1000];
	struct str all = str_make(room, sizeof room);

	fill(room, sizeof room);
	for (size_t cut = 0; cut <= all.n; cut++) {
		struct str a = str_make(room, cut), b = str_make(room + cut, sizeof room - cut);
		EXPECT(crc32_update(crc32_update(0, a), b) == crc32_update(0, all));
		EXPECT(crc32c_update(crc32c_update(0, a), b) == crc32c_update(0, all));
		EXPECT(crc64nvme_update(crc64nvme_update(0, a), b) == crc64nvme_update(0, all));
	}
}

static void nothing_has_the_sum_zero(void)
{
	EXPECT(crc32_update(0, (struct str){ 0 }) == 0);
	EXPECT(crc32c_update(0, (struct str){ 0 }) == 0);
	EXPECT(crc64nvme_update(0, (struct str){ 0 }) == 0);
}

RUN_ALL(T(the_check_values_hold), T(blocks_of_one_byte_give_the_published_sums),
	T(every_length_and_alignment_agrees_with_the_definition), T(pieces_give_what_the_whole_gives),
	T(nothing_has_the_sum_zero))

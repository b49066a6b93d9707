/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parts' sums joined are the sum of the whole.
 */
#include "svc/s3/checksum.h"

#include "base/codec.h"
#include "base/test.h"
#include "crypto/checksum.h"
#include "crypto/hash.h"

enum { LONG = 5000 };

static void crcs_of_parts_join_to_that_of_the_whole(void)
{
	static char text[LONG];
	for (size_t i = 0; i < LONG; i++)
		text[i] = (char)(i * 31 + i / 7);
	for (size_t cut = 0; cut <= LONG; cut += 499) {
		struct str a = str_make(text, cut), b = str_make(text + cut, LONG - cut), all = str_make(text, LONG);
		EXPECT(s3_crc_join(0xedb88320, 32, crc32_update(0, a), crc32_update(0, b), b.n) ==
		       crc32_update(0, all));
		EXPECT(s3_crc_join(0x82f63b78, 32, crc32c_update(0, a), crc32c_update(0, b), b.n) ==
		       crc32c_update(0, all));
		EXPECT(s3_crc_join(0x9a6c9329ac4bc9b5, 64, crc64nvme_update(0, a), crc64nvme_update(0, b), b.n) ==
		       crc64nvme_update(0, all));
	}
}

static struct str be(struct arena *mem, uint64_t v, size_t n)
{
	char *p = NEWS(mem, char, n);
	for (size_t i = n; i-- > 0; v >>= 8)
		p[i] = (char)v;
	return base64_encode(mem, str_make(p, n));
}

static void a_full_object_checksum_is_that_of_all_bytes(void)
{
	struct arena *mem = arena_new();
	struct s3_join j = { .algorithm = S3_CHECKSUM_ALGORITHM_CRC64NVME, .type = S3_CHECKSUM_TYPE_FULL_OBJECT };
	static const struct str parts[] = { { "1234", 4 }, { "5678", 4 }, { "9", 1 } };
	for (size_t i = 0; i < COUNT(parts); i++)
		EXPECT_OK(s3_join_part(mem, &j, be(mem, crc64nvme_update(0, parts[i]), 8), (int64_t)parts[i].n));
	EXPECT_STR(s3_join_finish(mem, &j), be(mem, 0xae8b14860a799888, 8));
	arena_free(mem);
}

static void a_composite_checksum_is_the_sum_of_the_parts_sums(void)
{
	struct arena *mem = arena_new();
	struct s3_join j = { .algorithm = S3_CHECKSUM_ALGORITHM_SHA256, .type = S3_CHECKSUM_TYPE_COMPOSITE };
	uint8_t sums[2 * SHA256_SIZE], want[SHA256_SIZE];
	sha256(S("one"), sums);
	sha256(S("two"), sums + SHA256_SIZE);
	sha256(str_make(sums, sizeof sums), want);
	EXPECT_OK(s3_join_part(mem, &j, base64_encode(mem, str_make(sums, SHA256_SIZE)), 3));
	EXPECT_OK(s3_join_part(mem, &j, base64_encode(mem, str_make(sums + SHA256_SIZE, SHA256_SIZE)), 3));
	EXPECT_STR(s3_join_finish(mem, &j),
		   arena_printf(mem, "%.*s-2", PR(base64_encode(mem, str_make(want, sizeof want)))));
	arena_free(mem);
}

static void a_sum_of_another_length_is_refused(void)
{
	struct arena *mem = arena_new();
	struct s3_join j = { .algorithm = S3_CHECKSUM_ALGORITHM_CRC32, .type = S3_CHECKSUM_TYPE_COMPOSITE };
	EXPECT_ERR(s3_join_part(mem, &j, S("AAAA"), 3), E_INVALID);
	EXPECT_ERR(s3_join_part(mem, &j, S("not base64"), 3), E_INVALID);
	arena_free(mem);
}

RUN_ALL(T(crcs_of_parts_join_to_that_of_the_whole), T(a_full_object_checksum_is_that_of_all_bytes),
	T(a_composite_checksum_is_the_sum_of_the_parts_sums), T(a_sum_of_another_length_is_refused))

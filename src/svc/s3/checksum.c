/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A table has each algorithm's names; sums of parts are joined by the CRCs' arithmetic or
 * gathered for one more digest, as the upload's type asks.
 */
#include "svc/s3/checksum.h"

#include "base/codec.h"
#include "base/str.h"
#include "crypto/checksum.h"
#include "crypto/hash.h"

static const struct {
	enum s3_checksum_algorithm algorithm;
	enum payload_sum sum;
	const char *name;
	size_t size;
	uint64_t poly; /* reflected; 0: not a CRC */
} rows[] = {
	{ S3_CHECKSUM_ALGORITHM_CRC32, SUM_CRC32, "CRC32", 4, 0xedb88320 },
	{ S3_CHECKSUM_ALGORITHM_CRC32C, SUM_CRC32C, "CRC32C", 4, 0x82f63b78 },
	{ S3_CHECKSUM_ALGORITHM_SHA1, SUM_SHA1, "SHA1", SHA1_SIZE, 0 },
	{ S3_CHECKSUM_ALGORITHM_SHA256, SUM_SHA256, "SHA256", SHA256_SIZE, 0 },
	{ S3_CHECKSUM_ALGORITHM_CRC64NVME, SUM_CRC64NVME, "CRC64NVME", 8, 0x9a6c9329ac4bc9b5 },
};

static size_t row_of(enum s3_checksum_algorithm a)
{
	for (size_t i = 0; i < COUNT(rows); i++)
		if (rows[i].algorithm == a)
			return i;
	assert(0 && "no such algorithm");
	return 0;
}

enum payload_sum s3_sum_of(enum s3_checksum_algorithm a) { return rows[row_of(a)].sum; }
const char *s3_algorithm_name(enum s3_checksum_algorithm a) { return rows[row_of(a)].name; }
size_t s3_sum_size(enum s3_checksum_algorithm a) { return rows[row_of(a)].size; }

enum s3_checksum_algorithm s3_algorithm_of(enum payload_sum s)
{
	for (size_t i = 0; i < COUNT(rows); i++)
		if (rows[i].sum == s)
			return rows[i].algorithm;
	return (enum s3_checksum_algorithm)0;
}

/* ---- of a body ----------------------------------------------------------------------- */

enum s3_checksum_algorithm s3_body_algorithm(const struct req *rq)
{
	uint32_t claimed = rq->payload->claimed;
	return claimed ? s3_algorithm_of((enum payload_sum)claimed) : S3_CHECKSUM_ALGORITHM_CRC64NVME;
}

struct str s3_body_checksum(struct req *rq, enum s3_checksum_algorithm a)
{
	struct str bytes = payload_sum_bytes(req_body_have(rq), s3_sum_of(a));
	return bytes.p ? base64_encode(rq->mem, bytes) : bytes;
}

/* ---- members ---------------------------------------------------------------------------- */

struct str s3_checksum_given(const struct s3_checksum_in *in, enum s3_checksum_algorithm a)
{
	switch (a) {
	case S3_CHECKSUM_ALGORITHM_CRC32:
		return in->crc32;
	case S3_CHECKSUM_ALGORITHM_CRC32C:
		return in->crc32c;
	case S3_CHECKSUM_ALGORITHM_SHA1:
		return in->sha1;
	case S3_CHECKSUM_ALGORITHM_SHA256:
		return in->sha256;
	case S3_CHECKSUM_ALGORITHM_CRC64NVME:
		return in->crc64nvme;
	}
	return (struct str){ 0 };
}

enum s3_checksum_algorithm s3_checksum_which(const struct s3_checksum_in *in)
{
	for (size_t i = 0; i < COUNT(rows); i++)
		if (s3_checksum_given(in, rows[i].algorithm).p)
			return rows[i].algorithm;
	return (enum s3_checksum_algorithm)0;
}

void s3_checksum_say(struct s3_checksum_out out, enum s3_checksum_algorithm a, struct str value)
{
	switch (a) {
	case S3_CHECKSUM_ALGORITHM_CRC32:
		*out.crc32 = value;
		break;
	case S3_CHECKSUM_ALGORITHM_CRC32C:
		*out.crc32c = value;
		break;
	case S3_CHECKSUM_ALGORITHM_SHA1:
		*out.sha1 = value;
		break;
	case S3_CHECKSUM_ALGORITHM_SHA256:
		*out.sha256 = value;
		break;
	case S3_CHECKSUM_ALGORITHM_CRC64NVME:
		*out.crc64nvme = value;
		break;
	}
}

/* ---- joining -------------------------------------------------------------------------------- */

/* a * b modulo the polynomial; in reflected order the highest bit is x^0. */
static uint64_t multiply(uint64_t poly, unsigned width, uint64_t a, uint64_t b)
{
	uint64_t product = 0;
	assert(width >= 1 && width <= 64);
	for (uint64_t bit = 1ull << (width - 1); bit; bit >>= 1) {
		if (a & bit)
			product ^= b;
		b = b & 1 ? (b >> 1) ^ poly : b >> 1;
	}
	return product;
}

/* x^(8n): squares of x^8, one for each bit of n. */
static uint64_t x_to_bytes(uint64_t poly, unsigned width, uint64_t n)
{
	uint64_t square = 1ull << (width - 1 - 8), power = 1ull << (width - 1);
	for (; n; n >>= 1) {
		if (n & 1)
			power = multiply(poly, width, square, power);
		square = multiply(poly, width, square, square);
	}
	return power;
}

uint64_t s3_crc_join(uint64_t poly, unsigned width, uint64_t a, uint64_t b, uint64_t b_bytes)
{
	return multiply(poly, width, x_to_bytes(poly, width, b_bytes), a) ^ b;
}

static uint64_t number_of(struct str bytes)
{
	uint64_t v = 0;
	for (size_t i = 0; i < bytes.n; i++)
		v = v << 8 | (uint8_t)bytes.p[i];
	return v;
}

struct status s3_join_part(struct arena *mem, struct s3_join *j, struct str base64, int64_t size)
{
	size_t row = row_of(j->algorithm);
	struct str sum;
	TRY(base64_decode(mem, base64, &sum));
	if (sum.n != rows[row].size)
		return ERR(E_INVALID);
	if (!j->sums.mem)
		j->sums = buf_in(mem);
	if (j->type == S3_CHECKSUM_TYPE_FULL_OBJECT && rows[row].poly)
		j->crc = s3_crc_join(rows[row].poly, (unsigned)(8 * sum.n), j->crc, number_of(sum), (uint64_t)size);
	else
		buf_put(&j->sums, sum);
	j->n++;
	return OK;
}

static struct str big_endian(struct arena *mem, uint64_t v, size_t n)
{
	char *p = NEWS(mem, char, n);
	for (size_t i = n; i-- > 0; v >>= 8)
		p[i] = (char)v;
	return str_make(p, n);
}

static struct str sum_of_sums(struct arena *mem, enum s3_checksum_algorithm a, struct str all)
{
	uint8_t *hash = NEWS(mem, uint8_t, SHA256_SIZE);
	switch (a) {
	case S3_CHECKSUM_ALGORITHM_CRC32:
		return big_endian(mem, crc32_update(0, all), 4);
	case S3_CHECKSUM_ALGORITHM_CRC32C:
		return big_endian(mem, crc32c_update(0, all), 4);
	case S3_CHECKSUM_ALGORITHM_CRC64NVME:
		return big_endian(mem, crc64nvme_update(0, all), 8);
	case S3_CHECKSUM_ALGORITHM_SHA1:
		sha1(all, hash);
		return str_make(hash, SHA1_SIZE);
	case S3_CHECKSUM_ALGORITHM_SHA256:
		sha256(all, hash);
		return str_make(hash, SHA256_SIZE);
	}
	return (struct str){ 0 };
}

struct str s3_join_finish(struct arena *mem, struct s3_join *j)
{
	if (j->type == S3_CHECKSUM_TYPE_FULL_OBJECT)
		return base64_encode(mem, big_endian(mem, j->crc, s3_sum_size(j->algorithm)));
	struct str sum = base64_encode(mem, sum_of_sums(mem, j->algorithm, buf_str(&j->sums)));
	return arena_printf(mem, "%.*s-%zu", PR(sum), j->n);
}

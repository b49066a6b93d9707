/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Holding a body against its headers while it streams.
 *
 * init reads every promise the headers make and refuses promises that contradict each
 * other; feed takes the transfer coding away and runs what is left through the sums that
 * somebody asked for, and only those; finish compares. A checksum is compared with
 * memcmp: it protects against accidents and is no secret.
 */
#include "api/payload_check.h"

#include "base/codec.h"
#include "base/str.h"
#include "crypto/checksum.h"

static const struct sum_row {
	enum payload_sum sum;
	const char *name; /* as in messages and in x-amz-sdk-checksum-algorithm */
	struct str header;
	size_t size, offset; /* in struct payload_sums */
} rows[] = {
	{ SUM_CRC32, "CRC32", { "x-amz-checksum-crc32", 20 }, 4, offsetof(struct payload_sums, crc32) },
	{ SUM_CRC32C, "CRC32C", { "x-amz-checksum-crc32c", 21 }, 4, offsetof(struct payload_sums, crc32c) },
	{ SUM_CRC64NVME, "CRC64NVME", { "x-amz-checksum-crc64nvme", 24 }, 8, offsetof(struct payload_sums, crc64nvme) },
	{ SUM_SHA1, "SHA1", { "x-amz-checksum-sha1", 19 }, 20, offsetof(struct payload_sums, sha1) },
	{ SUM_SHA256, "SHA256", { "x-amz-checksum-sha256", 21 }, 32, offsetof(struct payload_sums, sha256) },
	{ SUM_MD5, "MD5", { "content-md5", 11 }, 16, offsetof(struct payload_sums, md5) },
};
enum { CHECKSUM_ROWS = COUNT(rows) - 1 }; /* MD5 has a header of its own kind */

static const struct sum_row *row_of(enum payload_sum sum)
{
	for (size_t i = 0; i < COUNT(rows); i++)
		if (rows[i].sum == sum)
			return &rows[i];
	return NULL;
}

static const struct sum_row *row_of_header(struct str header)
{
	for (size_t i = 0; i < CHECKSUM_ROWS; i++)
		if (str_eq_ci(rows[i].header, header))
			return &rows[i];
	return NULL;
}

const char *payload_sum_name(enum payload_sum sum)
{
	const struct sum_row *row = row_of(sum);
	return row ? row->name : NULL;
}

struct str payload_sum_bytes(const struct payload_sums *sums, enum payload_sum sum)
{
	const struct sum_row *row = row_of(sum);
	if (!row || !(sums->have & row->sum))
		return (struct str){ 0 };
	return str_make((const char *)sums + row->offset, row->size);
}

static bool decode_exactly(struct arena *mem, struct str text, size_t size, uint8_t *out)
{
	struct str bytes;
	if (failed(base64_decode(mem, text, &bytes)) || bytes.n != size)
		return false;
	memcpy(out, bytes.p, size);
	return true;
}

static struct status invalid_header(struct payload_check *pc, struct str name)
{
	return sigv4_fail(pc->mem, pc->fault, SIGV4_BAD_REQUEST, "Value for %.*s header is invalid.", PR(name));
}

/* x-amz-checksum-algorithm, -type and -mode say how, not what. */
static bool not_a_value(struct str name)
{
	return str_eq_ci(name, S("x-amz-checksum-algorithm")) || str_eq_ci(name, S("x-amz-checksum-type")) ||
	       str_eq_ci(name, S("x-amz-checksum-mode"));
}

static struct status claim_only_one(struct payload_check *pc)
{
	if (!pc->claimed)
		return OK;
	return sigv4_fail(pc->mem, pc->fault, SIGV4_BAD_REQUEST,
			  "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.");
}

static struct status read_checksum_header(struct payload_check *pc, const struct http_pair *h)
{
	const struct sum_row *row = row_of_header(h->name);
	if (!row)
		return sigv4_fail(pc->mem, pc->fault, SIGV4_BAD_REQUEST,
				  "The algorithm type you specified in x-amz-checksum- header is invalid.");
	TRY(claim_only_one(pc));
	if (!decode_exactly(pc->mem, str_trim(h->value), row->size, pc->claim))
		return invalid_header(pc, row->header);
	pc->claimed = row->sum;
	return OK;
}

static struct status read_checksum_headers(struct payload_check *pc, const struct http_pairs *headers)
{
	for (size_t i = 0; i < headers->n; i++)
		if (str_starts_ci(headers->v[i].name, S("x-amz-checksum-")) && !not_a_value(headers->v[i].name))
			TRY(read_checksum_header(pc, &headers->v[i]));
	return OK;
}

/* x-amz-trailer: one checksum may be promised for after the body. */
static struct status read_trailer_header(struct payload_check *pc, struct str declared)
{
	const struct sum_row *row = row_of_header(declared);
	if (!row)
		return sigv4_fail(pc->mem, pc->fault, SIGV4_BAD_REQUEST,
				  "The value specified in the x-amz-trailer header is not supported");
	TRY(claim_only_one(pc));
	pc->claimed = row->sum;
	pc->claimed_trailer = true;
	return OK;
}

static struct status check_sdk_algorithm(struct payload_check *pc, struct str algorithm)
{
	if (!algorithm.p)
		return OK;
	if (!pc->claimed)
		return sigv4_fail(pc->mem, pc->fault, SIGV4_BAD_REQUEST,
				  "x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* or "
				  "x-amz-trailer headers were found.");
	if (str_eq_ci(algorithm, str_of(row_of(pc->claimed)->name)))
		return OK;
	return invalid_header(pc, S("x-amz-sdk-checksum-algorithm"));
}

static struct status read_md5(struct payload_check *pc, struct str value)
{
	if (!value.p)
		return OK;
	pc->has_md5 = true;
	if (decode_exactly(pc->mem, value, sizeof pc->claim_md5, pc->claim_md5))
		return OK;
	struct status st =
	    sigv4_fail(pc->mem, pc->fault, SIGV4_INVALID_DIGEST, "The Content-MD5 you specified was invalid.");
	sigv4_fault_add(pc->fault, "Content-MD5", value);
	return st;
}

static struct status read_mode(struct payload_check *pc, const struct payload_rules *rules)
{
	if (rules->auth) {
		pc->mode = rules->auth->payload;
		pc->hash_text = rules->auth->payload_hash;
		return OK;
	}
	pc->mode = SIGV4_PAYLOAD_UNSIGNED;
	pc->hash_text = sigv4_header(pc->mem, rules->headers, S("x-amz-content-sha256"));
	if (!pc->hash_text.p)
		return OK;
	bool known = sigv4_payload_of(pc->hash_text, &pc->mode);
	if (known && pc->mode != SIGV4_PAYLOAD_CHUNKS && pc->mode != SIGV4_PAYLOAD_CHUNKS_TRAILER)
		return OK;
	return invalid_header(pc, S("x-amz-content-sha256")); /* no key: chunk signatures cannot be checked */
}

static struct status read_length(struct payload_check *pc, const struct payload_rules *rules)
{
	pc->length = rules->length;
	if (!pc->chunked)
		return OK;
	struct str text = sigv4_header(pc->mem, rules->headers, S("x-amz-decoded-content-length"));
	if (!text.p)
		return sigv4_fail(pc->mem, pc->fault, SIGV4_MISSING_LENGTH,
				  "You must provide the Content-Length HTTP header.");
	if (!str_to_i64(text, &pc->length) || pc->length < 0)
		return invalid_header(pc, S("x-amz-decoded-content-length"));
	return OK;
}

static void start_sums(struct payload_check *pc, uint32_t compute)
{
	pc->computing =
	    compute | pc->claimed | (pc->has_md5 ? SUM_MD5 : 0u) | (pc->mode == SIGV4_PAYLOAD_HASH ? SUM_SHA256 : 0u);
	if (pc->computing & SUM_SHA256)
		hasher_init(&pc->sha256, HASH_SHA256);
	if (pc->computing & SUM_SHA1)
		hasher_init(&pc->sha1, HASH_SHA1);
	if (pc->computing & SUM_MD5)
		hasher_init(&pc->md5, HASH_MD5);
}

struct status payload_check_init(struct payload_check *pc, struct arena *mem, const struct payload_rules *rules,
				 struct sigv4_fault *fault)
{
	*pc = (struct payload_check){ .mem = mem, .fault = fault };
	TRY(read_mode(pc, rules));
	bool trailer = pc->mode == SIGV4_PAYLOAD_CHUNKS_TRAILER || pc->mode == SIGV4_PAYLOAD_UNSIGNED_TRAILER;
	bool is_signed = pc->mode == SIGV4_PAYLOAD_CHUNKS || pc->mode == SIGV4_PAYLOAD_CHUNKS_TRAILER;
	pc->chunked = trailer || is_signed;
	TRY(read_length(pc, rules));
	if (!rules->no_checksum_headers)
		TRY(read_checksum_headers(pc, rules->headers));
	struct str declared = sigv4_header(mem, rules->headers, S("x-amz-trailer"));
	if (trailer && declared.p)
		TRY(read_trailer_header(pc, declared));
	if (!rules->no_checksum_headers)
		TRY(check_sdk_algorithm(pc, sigv4_header(mem, rules->headers, S("x-amz-sdk-checksum-algorithm"))));
	TRY(read_md5(pc, sigv4_header(mem, rules->headers, S("content-md5"))));
	start_sums(pc, rules->compute);
	if (pc->chunked)
		aws_chunked_init(&pc->chunks, mem, rules->auth, is_signed, trailer, (uint64_t)pc->length, fault);
	return OK;
}

static void update_sums(struct payload_check *pc, struct str s)
{
	if (pc->computing & SUM_SHA256)
		hasher_update(&pc->sha256, s);
	if (pc->computing & SUM_SHA1)
		hasher_update(&pc->sha1, s);
	if (pc->computing & SUM_MD5)
		hasher_update(&pc->md5, s);
	if (pc->computing & SUM_CRC32)
		pc->crc32 = crc32_update(pc->crc32, s);
	if (pc->computing & SUM_CRC32C)
		pc->crc32c = crc32c_update(pc->crc32c, s);
	if (pc->computing & SUM_CRC64NVME)
		pc->crc64nvme = crc64nvme_update(pc->crc64nvme, s);
}

static struct status incomplete(struct payload_check *pc)
{
	return sigv4_fail(pc->mem, pc->fault, SIGV4_INCOMPLETE_BODY,
			  "You did not provide the number of bytes specified by the Content-Length HTTP header");
}

struct status payload_check_feed(struct payload_check *pc, struct str *in, struct str *out)
{
	if (pc->chunked) {
		TRY(aws_chunked_next(&pc->chunks, in, out));
	} else {
		*out = *in;
		*in = str_from(*in, in->n);
	}
	pc->done += out->n;
	if (pc->length >= 0 && pc->done > (uint64_t)pc->length) {
		*out = S("");
		return incomplete(pc);
	}
	if (out->n)
		update_sums(pc, *out);
	return OK;
}

static void big_endian(uint8_t *to, uint64_t v, size_t n)
{
	for (size_t i = n; i-- > 0; v >>= 8)
		to[i] = (uint8_t)v;
}

static void finish_sums(struct payload_check *pc)
{
	struct payload_sums *s = &pc->sums;
	s->have = pc->computing;
	if (pc->computing & SUM_SHA256)
		hasher_final(&pc->sha256, s->sha256);
	if (pc->computing & SUM_SHA1)
		hasher_final(&pc->sha1, s->sha1);
	if (pc->computing & SUM_MD5)
		hasher_final(&pc->md5, s->md5);
	big_endian(s->crc32, pc->crc32, sizeof s->crc32);
	big_endian(s->crc32c, pc->crc32c, sizeof s->crc32c);
	big_endian(s->crc64nvme, pc->crc64nvme, sizeof s->crc64nvme);
}

static struct status malformed_trailer(struct payload_check *pc)
{
	return sigv4_fail(
	    pc->mem, pc->fault, SIGV4_MALFORMED_TRAILER,
	    "The request contained trailing data that was not well-formed or did not conform to our published "
	    "schema.");
}

/* What came as trailers must be what x-amz-trailer announced, no more and no less. */
static struct status read_trailers(struct payload_check *pc)
{
	if (!pc->chunked)
		return OK;
	const struct aws_chunked *c = &pc->chunks;
	if (c->n_trailers != (pc->claimed_trailer ? 1u : 0u))
		return malformed_trailer(pc);
	if (!pc->claimed_trailer)
		return OK;
	const struct sum_row *row = row_of(pc->claimed);
	if (!str_eq(c->trailers[0].name, row->header))
		return malformed_trailer(pc);
	if (decode_exactly(pc->mem, c->trailers[0].value, row->size, pc->claim))
		return OK;
	return sigv4_fail(pc->mem, pc->fault, SIGV4_BAD_REQUEST, "Value for %.*s trailing header is invalid.",
			  PR(row->header));
}

static struct status check_hash(struct payload_check *pc)
{
	if (pc->mode != SIGV4_PAYLOAD_HASH)
		return OK;
	char *hex = NEWS(pc->mem, char, 2 * SHA256_SIZE);
	hex_to(hex, pc->sums.sha256, SHA256_SIZE);
	struct str computed = str_make(hex, 2 * SHA256_SIZE);
	if (str_eq_ci(computed, pc->hash_text))
		return OK;
	struct status st = sigv4_fail(pc->mem, pc->fault, SIGV4_SHA256_MISMATCH,
				      "The provided 'x-amz-content-sha256' header does not match what was computed.");
	sigv4_fault_add(pc->fault, "ClientComputedContentSHA256", pc->hash_text);
	sigv4_fault_add(pc->fault, "S3ComputedContentSHA256", computed);
	return st;
}

static struct status check_md5(struct payload_check *pc)
{
	if (!pc->has_md5 || memcmp(pc->claim_md5, pc->sums.md5, sizeof pc->sums.md5) == 0)
		return OK;
	struct status st = sigv4_fail(pc->mem, pc->fault, SIGV4_BAD_DIGEST,
				      "The Content-MD5 you specified did not match what we received.");
	sigv4_fault_add(pc->fault, "ExpectedDigest",
			base64_encode(pc->mem, str_make(pc->claim_md5, sizeof pc->claim_md5)));
	sigv4_fault_add(pc->fault, "CalculatedDigest",
			base64_encode(pc->mem, str_make(pc->sums.md5, sizeof pc->sums.md5)));
	return st;
}

static struct status check_claim(struct payload_check *pc)
{
	if (!pc->claimed)
		return OK;
	struct str computed = payload_sum_bytes(&pc->sums, pc->claimed);
	if (memcmp(computed.p, pc->claim, computed.n) == 0)
		return OK;
	return sigv4_fail(pc->mem, pc->fault, SIGV4_BAD_DIGEST,
			  "The %s you specified did not match the calculated checksum.", payload_sum_name(pc->claimed));
}

struct status payload_check_finish(struct payload_check *pc)
{
	if (pc->chunked)
		TRY(aws_chunked_end(&pc->chunks));
	if (pc->length >= 0 && pc->done != (uint64_t)pc->length)
		return incomplete(pc);
	finish_sums(pc);
	TRY(read_trailers(pc));
	TRY(check_hash(pc));
	TRY(check_md5(pc));
	return check_claim(pc);
}

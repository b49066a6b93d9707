/* SPDX-License-Identifier: Apache-2.0 */
#include "svc/kms/blob.h"

#include "base/codec.h"
#include "base/str.h"
#include "crypto/token.h"

enum { ID_BYTES = 16 };

static const uint64_t ACCOUNT_END = 1000000000000;
static const struct str multi_region = { "mrk-", 4 };

static bool account_text(uint64_t number, char out[KMS_ACCOUNT_DIGITS])
{
	if (number >= ACCOUNT_END)
		return false;
	for (int i = KMS_ACCOUNT_DIGITS - 1; i >= 0; i--, number /= 10)
		out[i] = (char)('0' + number % 10);
	return true;
}

/* 8-4-4-4-12, whatever the bits say: uuid_text would set the version's. */
static void id_of_uuid(const char *bytes, char out[KMS_ID_TEXT])
{
	static const uint8_t groups[] = { 4, 2, 2, 2, 6 };
	for (size_t i = 0; i < COUNT(groups); i++) {
		hex_to(out, bytes, groups[i]);
		bytes += groups[i];
		out += 2 * groups[i];
		if (i + 1 < COUNT(groups))
			*out++ = '-';
	}
}

static void id_of_multi_region(const char *bytes, char out[KMS_ID_TEXT])
{
	memcpy(out, multi_region.p, multi_region.n);
	hex_to(out + multi_region.n, bytes, ID_BYTES);
}

struct status kms_blob_parse(struct str bytes, struct kms_blob *out)
{
	struct rd r = rd_of(bytes);
	struct kms_blob b;
	uint8_t version = rd_u8(&r);
	if (version != KMS_BLOB_VERSION && version != KMS_BLOB_VERSION_MULTI_REGION)
		return ERR(E_INVALID);
	uint64_t account = (uint64_t)rd_u8(&r) << 32;
	account |= rd_be32(&r);
	struct str id = rd_bytes(&r, ID_BYTES);
	b.generation = rd_be32(&r);
	if (r.bad || !account_text(account, b.account))
		return ERR(E_INVALID);
	if (version == KMS_BLOB_VERSION)
		id_of_uuid(id.p, b.key_id);
	else
		id_of_multi_region(id.p, b.key_id);
	b.header = str_sub(bytes, 0, KMS_BLOB_HEADER);
	b.sealed = str_from(bytes, KMS_BLOB_HEADER);
	if (b.sealed.n <= TOKEN_SEAL_OVERHEAD)
		return ERR(E_INVALID);
	*out = b;
	return OK;
}

static unsigned nibble(char c) { return (unsigned)(c <= '9' ? c - '0' : c - 'a' + 10) & 15; }

struct str kms_blob_header(struct arena *mem, struct str account, struct str key_id, uint32_t generation)
{
	uint64_t number = 0;
	struct buf b = buf_in(mem);
	bool many = str_starts(key_id, multi_region);
	(void)buf_room(&b, KMS_BLOB_HEADER);
	bool digits = str_to_u64(account, &number);
	assert(digits && number < ACCOUNT_END && key_id.n == KMS_ID_TEXT);
	buf_byte(&b, many ? KMS_BLOB_VERSION_MULTI_REGION : KMS_BLOB_VERSION);
	buf_byte(&b, (char)(number >> 32));
	buf_be32(&b, (uint32_t)number);
	for (size_t i = many ? multi_region.n : 0; i < key_id.n; i += 2) {
		if (key_id.p[i] == '-')
			i++;
		buf_byte(&b, (char)(nibble(key_id.p[i]) << 4 | nibble(key_id.p[i + 1])));
	}
	buf_be32(&b, generation);
	assert(b.n == KMS_BLOB_HEADER);
	return buf_str(&b);
}

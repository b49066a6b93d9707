/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Five bits a character. An access key id is ten bytes in base32, filled from the left:
 * one set bit, the account's 40, then chance.
 */
#include "api/ids.h"

#include "base/codec.h"
#include "base/str.h"

static const char BASE32[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
enum { ACCOUNT_BITS = 40 };

static struct str id_of_bits(struct arena *mem, const char *prefix, const uint8_t *bits, size_t chars)
{
	size_t n = strlen(prefix) + chars;
	char *p = NEWS(mem, char, n);
	memcpy(p, prefix, strlen(prefix));
	for (size_t i = 0; i < chars; i++)
		p[strlen(prefix) + i] = BASE32[bits[i] & 31];
	return str_make(p, n);
}

struct str id_unique(struct world *w, struct arena *mem, const char *prefix)
{
	uint8_t bits[17];
	world_random(w, bits, sizeof bits);
	return id_of_bits(mem, prefix, bits, sizeof bits);
}

struct str id_access_key(struct world *w, struct arena *mem, const char *prefix, struct str account)
{
	uint64_t number = 0;
	(void)str_to_u64(account, &number);
	uint8_t raw[10];
	world_random(w, raw, sizeof raw);
	uint64_t head = (UINT64_C(1) << 63) | (number << (63 - ACCOUNT_BITS));
	uint64_t keep = (UINT64_C(1) << (63 - ACCOUNT_BITS)) - 1;
	for (unsigned i = 0; i < 8; i++) {
		unsigned shift = 56 - 8 * i;
		raw[i] = (uint8_t)((head >> shift) | (raw[i] & (keep >> shift)));
	}
	struct str text = base32_encode(mem, str_make(raw, sizeof raw));
	return arena_printf(mem, "%s%.*s", prefix, PR(text));
}

struct status id_access_key_account(struct arena *mem, struct str id, struct str *account)
{
	struct str raw;
	if (id.n != 20)
		return ERR(E_INVALID);
	TRY(base32_decode(mem, str_from(id, 4), &raw));
	uint64_t head = 0;
	for (unsigned i = 0; i < 8; i++)
		head = head << 8 | (uint8_t)raw.p[i];
	uint64_t number = head << 1 >> (64 - ACCOUNT_BITS);
	if (!(head >> 63) || number > 999999999999)
		return ERR(E_INVALID);
	*account = arena_printf(mem, "%012llu", (unsigned long long)number);
	return OK;
}

struct str id_secret_key(struct world *w, struct arena *mem)
{
	uint8_t raw[30];
	world_random(w, raw, sizeof raw);
	struct str text = base64_encode(mem, str_make(raw, sizeof raw));
	secret_wipe(raw, sizeof raw);
	return text;
}

struct str id_uuid(struct world *w, struct arena *mem)
{
	uint8_t raw[16];
	world_random(w, raw, sizeof raw);
	char *p = NEWS(mem, char, 36);
	uuid_text(p, raw);
	return str_make(p, 36);
}

struct str id_s3_request(struct world *w, struct arena *mem)
{
	uint8_t raw[16];
	world_random(w, raw, sizeof raw);
	char *p = NEWS(mem, char, 16);
	for (size_t i = 0; i < 16; i++)
		p[i] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"[raw[i] % 36];
	return str_make(p, 16);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HKDF-SHA256 against RFC 5869 appendix A.1 to A.3.
 */
#include "crypto/kdf.h"

#include "crypto/vector.h"

static void the_rfc_examples_hold(void)
{
	uint8_t ikm[80], salt[80], info[80], out[82];

	memset(ikm, 0x0b, 22);
	for (uint8_t i = 0; i < 80; i++)
		salt[i] = i < 13 ? i : 0, info[i] = i < 10 ? (uint8_t)(0xf0 + i) : 0;
	hkdf_sha256(str_make(ikm, 22), str_make(salt, 13), str_make(info, 10), out, 42);
	EXPECT(is_hex(out, 42, "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865"));

	for (uint8_t i = 0; i < 80; i++)
		ikm[i] = i, salt[i] = (uint8_t)(0x60 + i), info[i] = (uint8_t)(0xb0 + i);
	hkdf_sha256(str_make(ikm, 80), str_make(salt, 80), str_make(info, 80), out, 82);
	EXPECT(is_hex(out, 82,
		      "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac7827271cb41c65e590e09"
		      "da3275600c2f09b8367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87"));

	memset(ikm, 0x0b, 22);
	hkdf_sha256(str_make(ikm, 22), S(""), S(""), out, 42);
	EXPECT(is_hex(out, 42, "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8"));
}

static void the_longest_output_is_reached_and_starts_like_the_short_one(void)
{
	struct arena *mem = arena_new();
	uint8_t *all = NEWS(mem, uint8_t, HKDF_MAX), first[16];

	hkdf_sha256(S("key"), S("salt"), S("info"), all, HKDF_MAX);
	hkdf_sha256(S("key"), S("salt"), S("info"), first, sizeof first);
	EXPECT(memcmp(all, first, sizeof first) == 0);
	EXPECT(memcmp(all + HKDF_MAX - 32, all + HKDF_MAX - 64, 32) != 0);
	arena_free(mem);
}

RUN_ALL(T(the_rfc_examples_hold), T(the_longest_output_is_reached_and_starts_like_the_short_one))

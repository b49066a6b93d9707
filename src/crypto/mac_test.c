/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RFC 4231, test cases 1 and 6.
 */
#include "crypto/mac.h"

#include "base/codec.h"
#include "base/str.h"
#include "base/test.h"

static void expect(enum mac_algorithm a, struct str key, struct str msg, const char *want)
{
	struct arena *mem = arena_new();
	uint8_t out[MAC_SIZE_MAX];
	mac_compute(a, key, msg, out);
	EXPECT_STR(hex_encode(mem, str_make(out, mac_size(a))), str_of(want));
	arena_free(mem);
}

static void each_hash_gives_what_rfc_4231_says(void)
{
	struct str key = S("\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b");
	expect(MAC_SHA224, key, S("Hi There"), "896fb1128abbdf196832107cd49df33f47b4b1169912ba4f53684b22");
	expect(MAC_SHA256, key, S("Hi There"), "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
	expect(MAC_SHA384, key, S("Hi There"),
	       "afd03944d84895626b0825f4ab46907f15f9dadbe4101ec682aa034c7cebc59cfaea9ea9076ede7f4af152e8b2fa9cb6");
	expect(MAC_SHA512, key, S("Hi There"),
	       "87aa7cdea5ef619d4ff0b4241a1d6cb02379f4e2ce4ec2787ad0b30545e17cdedaa833b7d6b8a702038b274eaea3f4e4"
	       "be9d914eeb61f1702e696c203a126854");
}

static void long_keys_are_hashed_first(void)
{
	char key[131];
	memset(key, 0xaa, sizeof key);
	struct str msg = S("Test Using Larger Than Block-Size Key - Hash Key First");
	expect(MAC_SHA224, str_make(key, sizeof key), msg, "95e9a0db962095adaebe9b2d6f0dbce2d499f112f2d2b7273fa6870e");
	expect(MAC_SHA256, str_make(key, sizeof key), msg,
	       "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

static void sizes_are_the_hashes(void)
{
	EXPECT(mac_size(MAC_SHA224) == 28 && mac_size(MAC_SHA256) == 32);
	EXPECT(mac_size(MAC_SHA384) == 48 && mac_size(MAC_SHA512) == 64);
	EXPECT(mac_size(0) == 0 && mac_size(MAC_ALGORITHM_COUNT) == 0);
}

RUN_ALL(T(each_hash_gives_what_rfc_4231_says), T(long_keys_are_hashed_first), T(sizes_are_the_hashes))

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Digests against FIPS 180-4's and RFC 1321's examples, HMAC against RFC 4231.
 */
#include "crypto/hash.h"

#include "crypto/vector.h"

struct digests {
	const char *msg, *hex[5];
};

static const struct digests digests[] = {
	{ "",
	  { "d41d8cd98f00b204e9800998ecf8427e", "da39a3ee5e6b4b0d3255bfef95601890afd80709",
	    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
	    "38b060a751ac96384cd9327eb1b1e36a21fdb71114be07434c0cc7bf63f6e1da274edebfe76f65fbd51ad2f14898b95b",
	    "cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce"
	    "47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81a538327af927da3e" } },
	{ "abc",
	  { "900150983cd24fb0d6963f7d28e17f72", "a9993e364706816aba3e25717850c26c9cd0d89d",
	    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
	    "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7",
	    "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
	    "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f" } },
	{ "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
	  { "8215ef0796a20bcaaae116d3876c664a", "84983e441c3bd26ebaae4aa1f95129e5e54670f1",
	    "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
	    "3391fdddfc8dc7393707a65b1b4709397cf8b1d162af05abfe8f450de5f36bc6b0455a8520bc4e6f5fe95b1fe3c8452b",
	    "204a8fc6dda82f0a0ced7beb8e08a41657c16ef468b228a8279be331a703c335"
	    "96fd15c13b1b07f9aa1d3bea57789ca031ad85c7a71dd70354ec631238ca3445" } },
};

static void the_published_examples_hold(void)
{
	static void (*const one_shot[])(struct str, uint8_t *) = { md5, sha1, sha256, sha384, sha512 };
	uint8_t out[HASH_SIZE_MAX];

	for (size_t i = 0; i < COUNT(digests); i++) {
		for (enum hash_kind k = HASH_MD5; k <= HASH_SHA512; k++) {
			one_shot[k](str_of(digests[i].msg), out);
			EXPECT(is_hex(out, hash_size(k), digests[i].hex[k]));
		}
	}
}

static void no_bytes_may_be_a_null_pointer(void)
{
	uint8_t out[SHA256_SIZE];

	sha256((struct str){ 0 }, out);
	EXPECT(is_hex(out, sizeof out, digests[0].hex[HASH_SHA256]));
}

/* A million times 'a', in pieces that never fall on a block's edge: FIPS 180-2 appendix B.3. */
static void pieces_give_what_the_whole_gives(void)
{
	static const char *const want[] = {
		"7707d6ae4e027c70eea2a935c2296f21",
		"34aa973cd4c4daa4f61eeb2bdbad27316534016f",
		"cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0",
		"9d0e1809716474cb086e834e310a4a1ced149e9c00f248527972cec5704c2a5b07b8b3dc38ecc4ebae97ddd87f3d8985",
		("e718483d0ce769644e2e42c7bc15b4638e1f98b13b2044285632a803afa973ebde0ff244877ea60a4cb0432ce577c31b"
		 "eb009c5c2c49aa2e4eadb217ad8cc09b"),
	};
	char piece[1000];
	uint8_t out[HASH_SIZE_MAX];

	memset(piece, 'a', sizeof piece);
	for (enum hash_kind k = HASH_MD5; k <= HASH_SHA512; k++) {
		struct hasher h;
		hasher_init(&h, k);
		for (size_t left = 1000000, n = 1; left > 0; left -= n, n = n % 999 + 1) {
			n = n < left ? n : left;
			hasher_update(&h, str_make(piece, n));
		}
		hasher_final(&h, out);
		EXPECT(is_hex(out, hash_size(k), want[k]));
	}
}

/* RFC 2202 3: cases 1, 2 and 6. */
static void hmac_sha1_gives_what_the_rfc_gives(void)
{
	char key[80];
	uint8_t out[SHA1_SIZE];

	memset(key, 0x0b, 20);
	hmac_sha1(str_make(key, 20), S("Hi There"), out);
	EXPECT(is_hex(out, sizeof out, "b617318655057264e28bc0b6fb378c8ef146be00"));
	hmac_sha1(S("Jefe"), S("what do ya want for nothing?"), out);
	EXPECT(is_hex(out, sizeof out, "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"));
	memset(key, 0xaa, 80);
	hmac_sha1(str_make(key, 80), S("Test Using Larger Than Block-Size Key - Hash Key First"), out);
	EXPECT(is_hex(out, sizeof out, "aa4ae5e15272d00e95705637ce8a3b55ed402112"));
}

static void a_hasher_is_a_value_and_its_copy_goes_its_own_way(void)
{
	struct hasher a, b;
	uint8_t x[SHA256_SIZE], y[SHA256_SIZE];

	hasher_init(&a, HASH_SHA256);
	hasher_update(&a, S("ab"));
	b = a;
	hasher_update(&a, S("c"));
	hasher_update(&b, S("d"));
	hasher_final(&a, x);
	hasher_final(&b, y);
	EXPECT(is_hex(x, sizeof x, digests[1].hex[HASH_SHA256]));
	sha256(S("abd"), x);
	EXPECT(memcmp(x, y, sizeof x) == 0);
}

static void a_finished_hasher_keeps_nothing(void)
{
	static const unsigned char zero[sizeof((struct hasher){ 0 }.state)] = { 0 };
	struct hasher h;
	uint8_t out[SHA256_SIZE];

	hasher_init(&h, HASH_SHA256);
	hasher_update(&h, S("a secret"));
	hasher_final(&h, out);
	EXPECT(memcmp(h.state, zero, sizeof zero) == 0);
}

static void the_hexadecimal_form_is_lower_case(void)
{
	char hex[2 * SHA256_SIZE];

	sha256_hex(S("abc"), hex);
	EXPECT_STR(str_make(hex, sizeof hex), str_of(digests[1].hex[HASH_SHA256]));
}

struct mac {
	size_t key_n;
	int key_byte; /* -1: 1, 2, 3, ...; -2: "Jefe" */
	const char *msg;
	const char *hex;
};

static const struct mac macs[] = {
	/* RFC 4231 4.2 to 4.8, less the truncated one */
	{ 20, 0x0b, "Hi There", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7" },
	{ 4, -2, "what do ya want for nothing?", "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843" },
	{ 20, 0xaa,
	  "\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd"
	  "\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd",
	  "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe" },
	{ 25, -1,
	  "\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd"
	  "\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd",
	  "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b" },
	{ 131, 0xaa, "Test Using Larger Than Block-Size Key - Hash Key First",
	  "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54" },
	{ 131, 0xaa,
	  "This is a test using a larger than block-size key and a larger than block-size data. The key needs to be "
	  "hashed before being used by the HMAC algorithm.",
	  "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2" },
};

static struct str key_of(const struct mac *m, char room[131])
{
	for (size_t i = 0; i < m->key_n; i++)
		room[i] = (char)(m->key_byte == -1 ? (int)i + 1 : m->key_byte);
	if (m->key_byte == -2)
		memcpy(room, "Jefe", 4);
	return str_make(room, m->key_n);
}

static void hmac_gives_what_the_rfc_gives_in_all_three_ways(void)
{
	char room[131];
	uint8_t out[SHA256_SIZE];

	for (size_t i = 0; i < COUNT(macs); i++) {
		struct str key = key_of(&macs[i], room), msg = str_of(macs[i].msg);
		struct hmac_key k;
		struct hmac m;

		hmac_sha256(key, msg, out);
		EXPECT(is_hex(out, sizeof out, macs[i].hex));
		hmac_key_init(&k, key);
		hmac_key_mac(&k, msg, out);
		EXPECT(is_hex(out, sizeof out, macs[i].hex));
		hmac_init(&m, &k);
		for (size_t at = 0; at < msg.n; at++)
			hmac_update(&m, str_sub(msg, at, 1));
		hmac_final(&m, out);
		EXPECT(is_hex(out, sizeof out, macs[i].hex));
	}
}

static void a_key_serves_again_and_is_wiped_when_told(void)
{
	static const struct hmac_key zero = { 0 };
	struct hmac_key k;
	uint8_t a[SHA256_SIZE], b[SHA256_SIZE];

	hmac_key_init(&k, S("key"));
	hmac_key_mac(&k, (struct str){ 0 }, a);
	hmac_key_mac(&k, S("other"), b);
	EXPECT(memcmp(a, b, sizeof a) != 0);
	hmac_key_mac(&k, S(""), b);
	EXPECT(memcmp(a, b, sizeof a) == 0);
	hmac_key_wipe(&k);
	EXPECT(memcmp(&k, &zero, sizeof k) == 0);
}

struct pair {
	enum hash_kind kind[2];
	size_t before[2], n[2]; /* bytes in each before they meet, and then */
};

static void two_at_once_give_what_each_gives_alone(void)
{
	static const struct pair pairs[] = {
		{ { HASH_MD5, HASH_MD5 }, { 0, 0 }, { 640, 640 } },
		{ { HASH_MD5, HASH_MD5 }, { 64, 192 }, { 1000, 3000 } },
		{ { HASH_MD5, HASH_MD5 }, { 0, 64 }, { 2100, 64 } },
		{ { HASH_MD5, HASH_MD5 }, { 1, 0 }, { 640, 640 } },
		{ { HASH_MD5, HASH_MD5 }, { 0, 0 }, { 0, 640 } },
		{ { HASH_MD5, HASH_SHA256 }, { 0, 0 }, { 640, 640 } },
		{ { HASH_SHA1, HASH_MD5 }, { 0, 0 }, { 640, 100 } },
	};
	char bytes[2][4096];

	for (size_t i = 0; i < sizeof bytes; i++)
		((char *)bytes)[i] = (char)(i * 31 + i / 77);
	for (size_t i = 0; i < COUNT(pairs); i++) {
		const struct pair *p = &pairs[i];
		struct hasher h[2], alone;
		uint8_t got[HASH_SIZE_MAX], want[HASH_SIZE_MAX];
		for (size_t k = 0; k < 2; k++) {
			hasher_init(&h[k], p->kind[k]);
			hasher_update(&h[k], str_make(bytes[k], p->before[k]));
		}
		hasher_update_two(&h[0], str_make(bytes[0] + p->before[0], p->n[0]), &h[1],
				  str_make(bytes[1] + p->before[1], p->n[1]));
		for (size_t k = 0; k < 2; k++) {
			hasher_init(&alone, p->kind[k]);
			hasher_update(&alone, str_make(bytes[k], p->before[k] + p->n[k]));
			hasher_final(&alone, want);
			hasher_final(&h[k], got);
			EXPECT(memcmp(got, want, hash_size(p->kind[k])) == 0);
		}
	}
}

RUN_ALL(T(the_published_examples_hold), T(no_bytes_may_be_a_null_pointer), T(pieces_give_what_the_whole_gives),
	T(a_hasher_is_a_value_and_its_copy_goes_its_own_way), T(a_finished_hasher_keeps_nothing),
	T(hmac_sha1_gives_what_the_rfc_gives), T(the_hexadecimal_form_is_lower_case),
	T(hmac_gives_what_the_rfc_gives_in_all_three_ways), T(a_key_serves_again_and_is_wiped_when_told),
	T(two_at_once_give_what_each_gives_alone))

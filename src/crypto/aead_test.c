/* SPDX-License-Identifier: Apache-2.0 */
/*
 * XAES-256-GCM against c2sp.org/XAES-256-GCM's vectors, AES-256-GCM against those of the
 * GCM specification (McGrew and Viega, appendix B); and each way of tampering is noticed.
 */
#include "crypto/aead.h"

#include "crypto/vector.h"

#include <openssl/evp.h>
#include <pthread.h>

static struct str str_at(const uint8_t *p, size_t n) { return str_make(p, n); }

static void xaes_gives_what_c2sp_gives(void)
{
	static const struct {
		uint8_t key_byte;
		const char *aad, *hex;
	} cases[] = {
		/* the top bit of L is 0 in the first and 1 in the second: both ways to K1 */
		{ 1, "", "ce546ef63c9cc60765923609b33a9a1974e96e52daf2fcf7075e2271" },
		{ 3, "c2sp.org/XAES-256-GCM", "986ec1832593df5443a179437fd083bf3fdb41abd740a21f71eb769d" },
	};
	static const uint8_t nonce[] = "ABCDEFGHIJKLMNOPQRSTUVWX";
	struct str plain = S("XAES-256-GCM");

	for (size_t i = 0; i < COUNT(cases); i++) {
		uint8_t raw[32], out[28], back[12];
		struct aead_key k;

		memset(raw, cases[i].key_byte, sizeof raw);
		aead_key_init(&k, raw);
		aead_seal_parts(&k, nonce, str_of(cases[i].aad), plain, out, out + 12);
		EXPECT(is_hex(out, sizeof out, cases[i].hex));
		EXPECT_OK(aead_open_parts(&k, nonce, str_of(cases[i].aad), str_at(out, 12), out + 12, back));
		EXPECT_STR(str_at(back, 12), plain);
	}
}

/* A stream of test input: SHAKE128, as the specification's accumulated vector takes it. */
struct shake {
	uint8_t *bytes;
	size_t at;
};

static uint8_t *take(struct shake *s, size_t n)
{
	s->at += n;
	return s->bytes + s->at - n;
}

static void one_accumulated(struct shake *in, EVP_MD_CTX *sum)
{
	struct aead_key k;
	uint8_t out[256 + 16], back[256];

	aead_key_init(&k, take(in, 32));
	const uint8_t *nonce = take(in, 24);
	size_t n = *take(in, 1);
	struct str plain = str_at(take(in, n), n);
	size_t aad_n = *take(in, 1);
	struct str aad = str_at(take(in, aad_n), aad_n);

	aead_seal_parts(&k, nonce, aad, plain, out, out + n);
	EXPECT(EVP_DigestUpdate(sum, out, n + 16) == 1);
	EXPECT_OK(aead_open_parts(&k, nonce, aad, str_at(out, n), out + n, back));
	EXPECT_STR(str_at(back, n), plain);
}

static void ten_thousand_random_messages_give_what_c2sp_gives(void)
{
	enum { COUNT_ = 10000, INPUT = COUNT_ * (32 + 24 + 1 + 255 + 1 + 255) };
	struct shake in = { HEAPS(uint8_t, INPUT), 0 };
	EVP_MD_CTX *c = EVP_MD_CTX_new(), *sum = EVP_MD_CTX_new();
	uint8_t got[32];

	EXPECT(EVP_DigestInit_ex(c, EVP_shake128(), NULL) == 1 && EVP_DigestFinalXOF(c, in.bytes, INPUT) == 1);
	EXPECT(EVP_DigestInit_ex(sum, EVP_shake128(), NULL) == 1);
	for (int i = 0; i < COUNT_; i++)
		one_accumulated(&in, sum);
	EXPECT(EVP_DigestFinalXOF(sum, got, sizeof got) == 1);
	EXPECT(is_hex(got, sizeof got, "e6b9edf2df6cec60c8cbd864e2211b597fb69a529160cd040d56c0c210081939"));
	EVP_MD_CTX_free(c);
	EVP_MD_CTX_free(sum);
	heap_free(in.bytes);
}

static void gcm_gives_what_its_specification_gives(void)
{
	static const struct {
		const char *key, *nonce, *aad, *plain, *sealed;
	} cases[] = {
		/* test cases 13 to 16 */
		{ "0000000000000000000000000000000000000000000000000000000000000000", "000000000000000000000000", "",
		  "", "530f8afbc74536b9a963b4f1c4cb738b" },
		{ "0000000000000000000000000000000000000000000000000000000000000000", "000000000000000000000000", "",
		  "00000000000000000000000000000000",
		  "cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919" },
		{ "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308", "cafebabefacedbaddecaf888", "",
		  "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
		  "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b391aafd255",
		  "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
		  "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662898015ad"
		  "b094dac5d93471bdec1a502270e3cc6c" },
		{ "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308", "cafebabefacedbaddecaf888",
		  "feedfacedeadbeeffeedfacedeadbeefabaddad2",
		  "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
		  "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
		  "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
		  "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662"
		  "76fc6ece0f4e1768cddf8853bb2d551b" },
	};
	for (size_t i = 0; i < COUNT(cases); i++) {
		uint8_t raw[32], nonce[12], aad[32], plain[64], out[80], back[64];
		struct gcm_key k;

		unhex(cases[i].key, raw);
		unhex(cases[i].nonce, nonce);
		struct str a = str_at(aad, unhex(cases[i].aad, aad)), p = str_at(plain, unhex(cases[i].plain, plain));
		gcm_key_init(&k, raw);
		gcm_chunk_seal(&k, nonce, a, p, out);
		EXPECT(is_hex(out, p.n + 16, cases[i].sealed));
		EXPECT_OK(gcm_chunk_open(&k, nonce, a, str_at(out, p.n + 16), back));
		EXPECT_STR(str_at(back, p.n), p);
	}
}

struct sealed {
	struct world w;
	struct aead_key k;
	uint8_t bytes[100 + AEAD_OVERHEAD];
};

static struct str hundred(void)
{
	return S(
	    "....................................................................................................");
}

static struct sealed sealed_hundred(void)
{
	static const uint8_t raw[32] = { 7 };
	struct sealed s;

	world_fake(&s.w, 0, 1);
	aead_key_init(&s.k, raw);
	aead_seal(&s.k, &s.w, S("page 7"), hundred(), s.bytes);
	return s;
}

static bool all_zero(const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (p[i])
			return false;
	return true;
}

static void a_sealed_message_opens(void)
{
	struct sealed s = sealed_hundred();
	uint8_t back[100];

	EXPECT_OK(aead_open(&s.k, S("page 7"), str_at(s.bytes, sizeof s.bytes), back));
	EXPECT_STR(str_at(back, 100), hundred());
}

static void any_flipped_bit_is_noticed_and_nothing_is_left(void)
{
	struct sealed s = sealed_hundred();

	for (size_t i = 0; i < sizeof s.bytes * 8; i++) {
		uint8_t back[100];
		memset(back, 1, sizeof back);
		s.bytes[i / 8] ^= (uint8_t)(1 << i % 8);
		EXPECT_ERR(aead_open(&s.k, S("page 7"), str_at(s.bytes, sizeof s.bytes), back), E_CORRUPT);
		EXPECT(all_zero(back, sizeof back));
		s.bytes[i / 8] ^= (uint8_t)(1 << i % 8);
	}
}

static void another_aad_key_or_length_is_noticed(void)
{
	static const uint8_t other[32] = { 8 };
	struct sealed s = sealed_hundred();
	struct aead_key k;
	uint8_t back[200];

	aead_key_init(&k, other);
	EXPECT_ERR(aead_open(&s.k, S("page 8"), str_at(s.bytes, sizeof s.bytes), back), E_CORRUPT);
	EXPECT_ERR(aead_open(&s.k, S(""), str_at(s.bytes, sizeof s.bytes), back), E_CORRUPT);
	EXPECT_ERR(aead_open(&k, S("page 7"), str_at(s.bytes, sizeof s.bytes), back), E_CORRUPT);
	for (size_t n = 0; n < sizeof s.bytes; n++)
		EXPECT_ERR(aead_open(&s.k, S("page 7"), str_at(s.bytes, n), back), E_CORRUPT);
}

static void chunks_cannot_be_moved_cut_or_changed(void)
{
	static const uint8_t raw[32] = { 9 }, first[12] = { 0 }, second[12] = { [11] = 1 };
	struct gcm_key k;
	uint8_t out[116], back[100];

	gcm_key_init(&k, raw);
	gcm_chunk_seal(&k, first, S("object"), hundred(), out);
	EXPECT_ERR(gcm_chunk_open(&k, second, S("object"), str_at(out, 116), back), E_CORRUPT);
	EXPECT_ERR(gcm_chunk_open(&k, first, S("objecT"), str_at(out, 116), back), E_CORRUPT);
	EXPECT_ERR(gcm_chunk_open(&k, first, S("object"), str_at(out, 115), back), E_CORRUPT);
	EXPECT_ERR(gcm_chunk_open(&k, first, S("object"), str_at(out, 15), back), E_CORRUPT);
	out[50] ^= 1;
	memset(back, 1, sizeof back);
	EXPECT_ERR(gcm_chunk_open(&k, first, S("object"), str_at(out, 116), back), E_CORRUPT);
	EXPECT(all_zero(back, sizeof back));
}

static void two_seals_of_the_same_differ(void)
{
	struct sealed s = sealed_hundred();
	uint8_t again[sizeof s.bytes];

	aead_seal(&s.k, &s.w, S("page 7"), hundred(), again);
	EXPECT(memcmp(again, s.bytes, 24) != 0);
	EXPECT(memcmp(again + 24, s.bytes + 24, 100) != 0);
}

static void a_page_is_sealed_and_opened_in_place(void)
{
	static const uint8_t raw[32] = { 5, 5, 5 }, nonce[24] = { 1 };
	uint8_t page[4096], cipher[4096], tag[16], tag2[16];
	struct aead_key k;

	for (size_t i = 0; i < sizeof page; i++)
		page[i] = (uint8_t)(i * 7);
	aead_key_init(&k, raw);
	aead_seal_parts(&k, nonce, S("p"), str_at(page, 4096), cipher, tag);
	aead_seal_parts(&k, nonce, S("p"), str_at(page, 4096), page, tag2);
	EXPECT(memcmp(page, cipher, 4096) == 0 && memcmp(tag, tag2, 16) == 0);
	EXPECT_OK(aead_open_parts(&k, nonce, S("p"), str_at(page, 4096), tag, page));
	EXPECT(page[1] == 7 && page[4095] == (uint8_t)(4095 * 7));
}

static void an_empty_message_is_still_authenticated(void)
{
	struct sealed s = sealed_hundred();
	struct arena *mem = arena_new();
	struct str sealed = aead_seal_new(&s.k, &s.w, S("a"), S(""), mem), plain = { 0 };

	EXPECT(sealed.n == AEAD_OVERHEAD);
	EXPECT_OK(aead_open_new(&s.k, S("a"), sealed, mem, &plain));
	EXPECT(plain.n == 0 && plain.p);
	plain = S("untouched");
	EXPECT_ERR(aead_open_new(&s.k, S("b"), sealed, mem, &plain), E_CORRUPT);
	EXPECT_ERR(aead_open_new(&s.k, S("a"), S("short"), mem, &plain), E_CORRUPT);
	EXPECT_STR(plain, S("untouched"));
	arena_free(mem);
}

static void a_wiped_key_is_gone(void)
{
	struct sealed s = sealed_hundred();

	aead_key_wipe(&s.k);
	EXPECT(all_zero((const uint8_t *)&s.k, sizeof s.k));
}

static void *seal_and_open_often(void *arg)
{
	struct sealed *s = arg;

	for (int i = 0; i < 500; i++) {
		uint8_t nonce[24] = { (uint8_t)i, (uint8_t)(i >> 8) }, out[116], back[100];
		aead_seal_parts(&s->k, nonce, S("t"), hundred(), out, out + 100);
		EXPECT_OK(aead_open_parts(&s->k, nonce, S("t"), str_at(out, 100), out + 100, back));
		EXPECT_STR(str_at(back, 100), hundred());
	}
	return NULL;
}

static void threads_share_a_key(void)
{
	struct sealed s = sealed_hundred();
	pthread_t t[4];

	for (size_t i = 0; i < COUNT(t); i++)
		EXPECT(pthread_create(&t[i], NULL, seal_and_open_often, &s) == 0);
	for (size_t i = 0; i < COUNT(t); i++)
		EXPECT(pthread_join(t[i], NULL) == 0);
}

RUN_ALL(T(xaes_gives_what_c2sp_gives), T(ten_thousand_random_messages_give_what_c2sp_gives),
	T(gcm_gives_what_its_specification_gives), T(a_sealed_message_opens),
	T(any_flipped_bit_is_noticed_and_nothing_is_left), T(another_aad_key_or_length_is_noticed),
	T(chunks_cannot_be_moved_cut_or_changed), T(two_seals_of_the_same_differ),
	T(a_page_is_sealed_and_opened_in_place), T(an_empty_message_is_still_authenticated), T(a_wiped_key_is_gone),
	T(threads_share_a_key))

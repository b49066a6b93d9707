/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Codecs: the RFCs' own examples, every byte and length there and back, and no other text.
 */
#include "base/codec.h"
#include "base/str.h"
#include "base/test.h"

typedef struct status decoder(struct arena *, struct str, struct str *);
typedef struct str encoder(struct arena *, struct str);

static void rfc_4648_examples_hold(void)
{
	static const struct {
		struct str bytes, base64, base32, hex;
	} cases[] = {
		{ S(""), S(""), S(""), S("") },
		{ S("f"), S("Zg=="), S("MY"), S("66") },
		{ S("fo"), S("Zm8="), S("MZXQ"), S("666f") },
		{ S("foo"), S("Zm9v"), S("MZXW6"), S("666f6f") },
		{ S("foob"), S("Zm9vYg=="), S("MZXW6YQ"), S("666f6f62") },
		{ S("fooba"), S("Zm9vYmE="), S("MZXW6YTB"), S("666f6f6261") },
		{ S("foobar"), S("Zm9vYmFy"), S("MZXW6YTBOI"), S("666f6f626172") },
	};
	struct arena *a = arena_new();
	struct str out;
	for (size_t i = 0; i < COUNT(cases); i++) {
		EXPECT_STR(base64_encode(a, cases[i].bytes), cases[i].base64);
		EXPECT_STR(base32_encode(a, cases[i].bytes), cases[i].base32);
		EXPECT_STR(hex_encode(a, cases[i].bytes), cases[i].hex);
		EXPECT_OK(base64_decode(a, cases[i].base64, &out));
		EXPECT_STR(out, cases[i].bytes);
		EXPECT_OK(base32_decode(a, cases[i].base32, &out));
		EXPECT_STR(out, cases[i].bytes);
	}
	EXPECT_STR(base64_encode(a, S("\xfb\xff\xbf")), S("+/+/"));
	EXPECT_STR(base64url_encode(a, S("\xfb\xff\xbf\xff")), S("-_-__w"));
	arena_free(a);
}

static void there_and_back(encoder *encode, decoder *decode)
{
	struct arena *a = arena_new();
	unsigned char bytes[256];
	struct str out;
	for (size_t i = 0; i < 256; i++)
		bytes[i] = (unsigned char)(i * 167 + 13);
	for (size_t n = 0; n <= 256; n++) {
		struct str in = str_make(bytes + (256 - n) / 2, n);
		EXPECT_OK(decode(a, encode(a, in), &out));
		EXPECT_STR(out, in);
	}
	EXPECT_OK(decode(a, encode(a, (struct str){ 0 }), &out));
	EXPECT(out.n == 0);
	arena_free(a);
}

static void all_bytes_and_lengths_come_back(void)
{
	there_and_back(hex_encode, hex_decode);
	there_and_back(base64_encode, base64_decode);
	there_and_back(base64url_encode, base64url_decode);
	there_and_back(base32_encode, base32_decode);
}

static void refuses(decoder *decode, const struct str *bad, size_t n)
{
	struct arena *a = arena_new();
	struct str out = S("untouched");
	for (size_t i = 0; i < n; i++) {
		EXPECT_ERR(decode(a, bad[i], &out), E_INVALID);
		EXPECT_STR(out, S("untouched"));
	}
	arena_free(a);
}

static void other_texts_are_refused(void)
{
	static const struct str hex[] = { S("0"),    S("0g"),       S("g0"), S("0x00"),
					  S(" 00 "), S("\xff\xff"), S("//"), S("@@") };
	static const struct str base64[] = { S("Z"),    S("Zg"),    S("Zg="),      S("Zg==="),  S("Zh=="),
					     S("Zm9="), S("===="),  S("Zg==Zg=="), S("Zm9v\n"), S("Z-_="),
					     S("=Zg="), S("Zm9vY"), S("A==="),     S("Zm=v"),   S("\x80\x80\x80\x80") };
	static const struct str base64url[] = {
		S("Z"), S("Zg=="), S("Zh"), S("Zm9"), S("+///"), S("Zm9vY"), S("Zm9v ")
	};
	static const struct str base32[] = { S("M"),  S("MZX"), S("MZXW6Y"), S("my"),
					     S("MZ"), S("M1"),  S("M8"),     S("MY=====") };
	refuses(hex_decode, hex, COUNT(hex));
	refuses(base64_decode, base64, COUNT(base64));
	refuses(base64url_decode, base64url, COUNT(base64url));
	refuses(base32_decode, base32, COUNT(base32));
}

static void a_bad_character_is_seen_wherever_it_stands(void)
{
	struct arena *a = arena_new();
	char text[24];
	struct str out;
	for (size_t i = 0; i < sizeof(text); i++)
		for (int c = 0; c < 256; c++) {
			memset(text, 'A', sizeof(text));
			text[i] = (char)(unsigned char)c;
			struct str s = str_make(text, sizeof(text));
			bool alnum = char_alnum(text[i]), pad = c == '=' && i == sizeof(text) - 1;
			EXPECT(failed(base64_decode(a, s, &out)) == !(alnum || c == '+' || c == '/' || pad));
			EXPECT(failed(base64url_decode(a, s, &out)) == !(alnum || c == '-' || c == '_'));
			bool hex = char_digit(text[i]) || (char_lower(text[i]) >= 'a' && char_lower(text[i]) <= 'f');
			EXPECT(failed(hex_decode(a, s, &out)) == !hex);
			EXPECT(failed(base32_decode(a, s, &out)) ==
			       !((c >= 'A' && c <= 'Z') || (c >= '2' && c <= '7')));
			arena_reset(a);
		}
	arena_free(a);
}

static void hex_is_read_in_both_cases(void)
{
	struct arena *a = arena_new();
	struct str out;
	EXPECT_OK(hex_decode(a, S("aBCdeF09"), &out));
	EXPECT_STR(out, S("\xab\xcd\xef\x09"));
	arena_free(a);
}

static void uri_encoding_is_that_of_signatures(void)
{
	struct arena *a = arena_new();
	EXPECT_STR(uri_encode(a, S("AZaz09-_.~"), false), S("AZaz09-_.~"));
	EXPECT_STR(uri_encode(a, S("a b/c+d%\xc3\xa9"), false), S("a%20b%2Fc%2Bd%25%C3%A9"));
	EXPECT_STR(uri_encode(a, S("/a//b "), true), S("/a//b%20"));
	EXPECT_STR(uri_encode(a, S("!'()*"), false), S("%21%27%28%29%2A"));
	EXPECT_STR(uri_encode(a, S(""), false), S(""));
	arena_free(a);
}

static void uri_decoding_is_strict_about_escapes(void)
{
	struct arena *a = arena_new();
	struct str out;
	EXPECT_OK(uri_decode(a, S("a%20b+c%2f%C3%a9"), false, &out));
	EXPECT_STR(out, S("a b+c/\xc3\xa9"));
	EXPECT_OK(uri_decode(a, S("a+b%2B"), true, &out));
	EXPECT_STR(out, S("a b+"));
	EXPECT_OK(uri_decode(a, S("%00"), false, &out));
	EXPECT(out.n == 1 && out.p[0] == 0);
	static const struct str bad[] = { S("%"), S("%2"), S("a%"), S("%g0"), S("%0g"), S("%%20"), S("% 20") };
	for (size_t i = 0; i < COUNT(bad); i++)
		EXPECT_ERR(uri_decode(a, bad[i], false, &out), E_INVALID);
	arena_free(a);
}

static void uris_come_back_for_every_byte(void)
{
	struct arena *a = arena_new();
	char bytes[256];
	struct str out;
	for (int i = 0; i < 256; i++)
		bytes[i] = (char)(unsigned char)i;
	for (int keep = 0; keep < 2; keep++) {
		EXPECT_OK(uri_decode(a, uri_encode(a, str_make(bytes, 256), keep), true, &out));
		EXPECT_STR(out, str_make(bytes, 256));
	}
	arena_free(a);
}

static void uuids_are_of_version_4(void)
{
	uint8_t random[16];
	char text[36];
	memset(random, 0xff, sizeof(random));
	uuid_text(text, random);
	EXPECT_STR(str_make(text, 36), S("ffffffff-ffff-4fff-bfff-ffffffffffff"));
	for (uint8_t i = 0; i < 16; i++)
		random[i] = i;
	uuid_text(text, random);
	EXPECT_STR(str_make(text, 36), S("00010203-0405-4607-8809-0a0b0c0d0e0f"));
	EXPECT(uuid_is(str_make(text, 36)) && uuid_is(S("FFFFFFFF-ffff-0fff-bfff-ffffffffffff")));
	EXPECT(!uuid_is(S("")) && !uuid_is(S("00010203-0405-4607-8809-0a0b0c0d0e0")));
	EXPECT(!uuid_is(S("00010203-0405-4607-8809-0a0b0c0d0e0g")) &&
	       !uuid_is(S("0001020300405-4607-8809-0a0b0c0d0e0f")));
}

RUN_ALL(T(rfc_4648_examples_hold), T(all_bytes_and_lengths_come_back), T(other_texts_are_refused),
	T(a_bad_character_is_seen_wherever_it_stands), T(hex_is_read_in_both_cases),
	T(uri_encoding_is_that_of_signatures), T(uri_decoding_is_strict_about_escapes),
	T(uris_come_back_for_every_byte), T(uuids_are_of_version_4))

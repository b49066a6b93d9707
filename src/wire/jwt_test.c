/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is a token, what is a key, and what only looks like one.
 */
#include "base/codec.h"
#include "base/str.h"
#include "base/test.h"
#include "wire/jwt.h"

/* RFC 8037 A: an Ed25519 key and its thumbprint as id. */
#define ED_X "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"
#define ED   "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"kid\":\"ed\",\"x\":\"" ED_X "\"}"
#define EC   "{\"kty\":\"EC\",\"crv\":\"P-256\",\"kid\":\"ec\",\"use\":\"sig\",\"alg\":\"ES256\"," EC_XY "}"
#define EC_XY                                                            \
	"\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\",\"y\":\"" \
	"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\""

static struct str token(struct arena *mem, const char *header, const char *claims, const char *signature)
{
	return arena_printf(mem, "%.*s.%.*s.%s", PR(base64url_encode(mem, str_of(header))),
			    PR(base64url_encode(mem, str_of(claims))), signature);
}

static struct status read_one(struct arena *mem, const char *header, const char *claims, const char *signature)
{
	struct jwt t;
	return jwt_read(mem, token(mem, header, claims, signature), &t);
}

static void a_token_is_read(void)
{
	struct arena *mem = arena_new();
	struct jwt t;
	struct str text = token(mem, "{\"typ\":\"JWT\",\"alg\":\"RS256\",\"kid\":\"k\",\"jku\":\"https://evil\"}",
				"{\"iss\":\"a\"}", "AAAA");
	EXPECT_OK(jwt_read(mem, text, &t));
	EXPECT(t.alg == VERIFY_RS256);
	EXPECT_STR(t.kid, S("k"));
	EXPECT_STR(t.claims, S("{\"iss\":\"a\"}"));
	EXPECT_STR(t.signed_, str_sub(text, 0, text.n - 5));
	EXPECT(t.signature.n == 3);
	arena_free(mem);
}

static void algorithms_that_are_not_taken_are_refused(void)
{
	static const char *const wrong[] = { "none",  "None",   "NONE",    "nOnE",    "",      "HS256",
					     "HS512", "rs256",  "RS256 ",  "RS384",   "RS512", "PS256",
					     "ES384", "ES256K", "Ed25519", "RSA-OAEP" };
	struct arena *mem = arena_new();
	for (size_t i = 0; i < COUNT(wrong); i++) {
		const char *header = str_z(mem, arena_printf(mem, "{\"alg\":\"%s\",\"kid\":\"k\"}", wrong[i]));
		EXPECT_ERR(read_one(mem, header, "{}", "AAAA"), E_UNSUPPORTED);
		EXPECT_ERR(read_one(mem, header, "{}", ""), E_UNSUPPORTED);
	}
	EXPECT_ERR(read_one(mem, "{\"alg\":\"RS256\",\"crit\":[\"b64\"],\"b64\":false}", "{}", "AAAA"), E_UNSUPPORTED);
	arena_free(mem);
}

static void what_is_not_three_parts_of_json_is_refused(void)
{
	struct arena *mem = arena_new();
	struct jwt t;
	static const char *const headers[] = { "",
					       "{",
					       "[]",
					       "null",
					       "{\"kid\":\"k\"}",
					       "{\"alg\":256}",
					       "{\"alg\":\"RS256\"}x",
					       "{\"alg\":\"RS256\",\"alg\":\"ES256\"}",
					       "{\"alg\":\"RS256\",\"kid\":\"a\",\"kid\":\"b\"}",
					       "{\"alg\":\"RS256\",\"kid\":7}",
					       "{\"alg\":\"RS256\",\"kid\":\"\xff\"}" };
	static const char *const claims[] = { "", "7", "[]", "{} {}", "{\"a\":1,}", "{\"a\":\"\xc0\x80\"}" };
	for (size_t i = 0; i < COUNT(headers); i++)
		EXPECT_ERR(read_one(mem, headers[i], "{}", "AAAA"), E_INVALID);
	for (size_t i = 0; i < COUNT(claims); i++)
		EXPECT_ERR(read_one(mem, "{\"alg\":\"RS256\"}", claims[i], "AAAA"), E_INVALID);
	struct str good = token(mem, "{\"alg\":\"RS256\"}", "{}", "AAAA");
	EXPECT_OK(jwt_read(mem, good, &t));
	static const char *const behind[] = { ".", ".AAAA", "=", "====", " ", "\n", "A", "+/AA" };
	for (size_t i = 0; i < COUNT(behind); i++)
		EXPECT_ERR(jwt_read(mem, arena_printf(mem, "%.*s%s", PR(good), behind[i]), &t), E_INVALID);
	for (size_t n = 0; n < good.n - 4; n++)
		EXPECT(failed(jwt_read(mem, str_sub(good, 0, n), &t)));
	arena_free(mem);
}

static void keys_are_found_by_id_and_kind(void)
{
	struct jwks *set;
	EXPECT_OK(jwks_read(S("{\"x\":[],\"keys\":[" ED "," EC "," ED "]}"), &set));
	EXPECT(jwks_count(set) == 3);
	EXPECT(jwks_find(set, S("ed"), VERIFY_EDDSA) != NULL);
	EXPECT(jwks_find(set, S("ec"), VERIFY_ES256) != NULL);
	EXPECT(jwks_find(set, S("ec"), VERIFY_EDDSA) == NULL); /* of that id, but not for this */
	EXPECT(jwks_find(set, S("ec"), VERIFY_RS256) == NULL);
	EXPECT(jwks_find(set, S("e"), VERIFY_ES256) == NULL);
	EXPECT(jwks_find(set, S(""), VERIFY_ES256) == NULL);
	EXPECT(jwks_ref(set) == set);
	jwks_unref(set);
	jwks_unref(set);
}

static void keys_that_are_none_are_left_out(void)
{
	static const char *const wrong[] = {
		"7",
		"[]",
		"{}",
		"{\"kty\":\"oct\",\"kid\":\"a\",\"k\":\"AAAA\"}",
		"{\"kty\":\"EC\",\"crv\":\"P-256\"," EC_XY "}",
		"{\"kty\":\"EC\",\"crv\":\"P-384\",\"kid\":\"a\"," EC_XY "}",
		"{\"kty\":\"EC\",\"crv\":\"P-256\",\"kid\":\"a\",\"use\":\"enc\"," EC_XY "}",
		"{\"kty\":\"EC\",\"crv\":\"P-256\",\"kid\":\"a\",\"alg\":\"ES384\"," EC_XY "}",
		"{\"kty\":\"EC\",\"crv\":\"P-256\",\"kid\":\"a\",\"alg\":\"EdDSA\"," EC_XY "}",
		"{\"kty\":\"EC\",\"crv\":\"P-256\",\"kid\":\"a\",\"kid\":\"b\"," EC_XY "}",
		"{\"kty\":\"EC\",\"crv\":\"P-256\",\"kid\":7," EC_XY "}",
		"{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"kid\":\"a\",\"x\":\"AAAA\"}",
		"{\"kty\":\"RSA\",\"kid\":\"a\",\"n\":\"AQAB\",\"e\":\"AQAB\"}",
	};
	struct arena *mem = arena_new();
	for (size_t i = 0; i < COUNT(wrong); i++) {
		struct jwks *set;
		EXPECT_OK(jwks_read(arena_printf(mem, "{\"keys\":[%s," ED "]}", wrong[i]), &set));
		EXPECT(jwks_count(set) == 1);
		jwks_unref(set);
	}
	arena_free(mem);
}

static void what_is_no_set_is_refused(void)
{
	static const char *const wrong[] = { "",
					     "[]",
					     "{}",
					     "{\"keys\":{}}",
					     "{\"keys\":[]}x",
					     "{\"keys\":[" ED "]",
					     "{\"keys\":[],\"keys\":[]}",
					     "<html>" };
	struct jwks *set;
	for (size_t i = 0; i < COUNT(wrong); i++)
		EXPECT_ERR(jwks_read(str_of(wrong[i]), &set), E_INVALID);
}

static void a_set_is_read_up_to_its_limit(void)
{
	struct arena *mem = arena_new();
	struct buf b = buf_in(mem);
	struct jwks *set;
	buf_z(&b, "{\"keys\":[" ED);
	for (int i = 0; i < 300; i++)
		buf_z(&b, "," ED);
	buf_z(&b, "]}");
	EXPECT_OK(jwks_read(buf_str(&b), &set));
	EXPECT(jwks_count(set) == JWKS_MAX);
	jwks_unref(set);
	arena_free(mem);
}

/* RFC 8037 A.4, under a set. */
static void a_token_is_verified_by_its_key(void)
{
	struct arena *mem = arena_new();
	struct jwks *set;
	EXPECT_OK(jwks_read(S("{\"keys\":[" ED "," EC "]}"), &set));
	struct jwt t = { .alg = VERIFY_EDDSA,
			 .signed_ = S("eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc") };
	EXPECT_OK(base64url_decode(
	    mem, S("hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"),
	    &t.signature));
	EXPECT_OK(jwt_verify(&t, jwks_find(set, S("ed"), VERIFY_EDDSA)));
	EXPECT_ERR(jwt_verify(&t, jwks_find(set, S("ec"), VERIFY_ES256)), E_CORRUPT);
	jwks_unref(set);
	arena_free(mem);
}

RUN_ALL(T(a_token_is_read), T(algorithms_that_are_not_taken_are_refused), T(what_is_not_three_parts_of_json_is_refused),
	T(keys_are_found_by_id_and_kind), T(keys_that_are_none_are_left_out), T(what_is_no_set_is_refused),
	T(a_set_is_read_up_to_its_limit), T(a_token_is_verified_by_its_key))

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The examples of RFC 7515 (A.2 RS256, A.3 ES256) and RFC 8037 (A.4 Ed25519), and what
 * must not pass for a key or a signature.
 */
#include "base/codec.h"
#include "base/test.h"
#include "crypto/verify.h"

#define N                                                                                                        \
	"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-" \
	"SFd2lZS"                                                                                                \
	"-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-"       \
	"UTo7WTBEMa2R2Ca"                                                                                        \
	"pHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_"                           \
	"h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54"                                                                    \
	"h4FRWyuXpoQ"
#define CLAIMS                                                                         \
	"eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9p" \
	"c19yb290Ijp0cnVlfQ"
#define RS_MESSAGE "eyJhbGciOiJSUzI1NiJ9." CLAIMS
#define RS_SIGNATURE                                                                                                   \
	"cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_"                        \
	"O8W2Fp5jujGbds9uJdbF9CUAr7"                                                                                   \
	"t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--" \
	"xi12jzD"                                                                                                      \
	"wusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_"        \
	"IoypGlUPQGe77"                                                                                                \
	"Rw"
#define ES_MESSAGE   "eyJhbGciOiJFUzI1NiJ9." CLAIMS
#define ES_X         "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"
#define ES_Y         "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"
#define ES_SIGNATURE "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"
#define ED_MESSAGE   "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc"
#define ED_X         "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"
#define ED_SIGNATURE "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"

static struct arena *mem;

static struct str raw(const char *text)
{
	struct str out;
	EXPECT_OK(base64url_decode(mem, str_of(text), &out));
	return out;
}

static struct verify_key *key_of_alg(enum verify_alg alg)
{
	struct verify_key *k;
	if (alg == VERIFY_RS256)
		EXPECT_OK(verify_key_rsa(raw(N), raw("AQAB"), &k));
	else if (alg == VERIFY_ES256)
		EXPECT_OK(verify_key_p256(raw(ES_X), raw(ES_Y), &k));
	else
		EXPECT_OK(verify_key_ed25519(raw(ED_X), &k));
	return k;
}

static const struct {
	enum verify_alg alg;
	const char *message, *signature;
} examples[] = {
	{ VERIFY_RS256, RS_MESSAGE, RS_SIGNATURE },
	{ VERIFY_ES256, ES_MESSAGE, ES_SIGNATURE },
	{ VERIFY_EDDSA, ED_MESSAGE, ED_SIGNATURE },
};

static void the_examples_of_the_rfcs_hold(void)
{
	mem = arena_new();
	for (size_t i = 0; i < COUNT(examples); i++) {
		struct verify_key *k = key_of_alg(examples[i].alg);
		EXPECT(verify_key_alg(k) == examples[i].alg);
		EXPECT_OK(
		    verify_signature(k, examples[i].alg, str_of(examples[i].message), raw(examples[i].signature)));
		verify_key_free(k);
	}
	arena_free(mem);
}

static void a_changed_bit_does_not_hold(void)
{
	mem = arena_new();
	for (size_t i = 0; i < COUNT(examples); i++) {
		struct verify_key *k = key_of_alg(examples[i].alg);
		struct str message = str_of(examples[i].message), signature = raw(examples[i].signature);
		for (size_t at = 0; at < signature.n; at += 7) {
			char *changed = NEWS(mem, char, signature.n);
			memcpy(changed, signature.p, signature.n);
			changed[at] = (char)(changed[at] ^ 4);
			EXPECT_ERR(verify_signature(k, examples[i].alg, message, str_make(changed, signature.n)),
				   E_CORRUPT);
		}
		EXPECT_ERR(verify_signature(k, examples[i].alg, str_make(message.p, message.n - 1), signature),
			   E_CORRUPT);
		EXPECT_ERR(verify_signature(k, examples[i].alg, message, str_make(signature.p, signature.n - 1)),
			   E_CORRUPT);
		EXPECT_ERR(verify_signature(k, examples[i].alg, message, S("")), E_CORRUPT);
		verify_key_free(k);
	}
	arena_free(mem);
}

static void only_the_keys_own_algorithm_counts(void)
{
	mem = arena_new();
	for (size_t i = 0; i < COUNT(examples); i++) {
		struct verify_key *k = key_of_alg(examples[i].alg);
		for (enum verify_alg alg = 0; alg <= VERIFY_EDDSA + 1; alg++)
			if (alg != examples[i].alg)
				EXPECT_ERR(
				    verify_signature(k, alg, str_of(examples[i].message), raw(examples[i].signature)),
				    E_CORRUPT);
		verify_key_free(k);
	}
	arena_free(mem);
}

/* CVE-2022-21449: r and s of zero. */
static void an_ecdsa_signature_of_zeros_is_none(void)
{
	static const char zeros[64];
	mem = arena_new();
	struct verify_key *k = key_of_alg(VERIFY_ES256);
	EXPECT_ERR(verify_signature(k, VERIFY_ES256, S(ES_MESSAGE), str_make(zeros, sizeof zeros)), E_CORRUPT);
	verify_key_free(k);
	arena_free(mem);
}

static void what_is_no_key_is_refused(void)
{
	static const char zeros[33], big[1026] = { 1, [1025] = 1 }, small[128] = { 1, [127] = 1 };
	struct verify_key *k = NULL;
	mem = arena_new();
	EXPECT_ERR(verify_key_rsa(raw(N), raw("AQ"), &k), E_INVALID);
	EXPECT_ERR(verify_key_rsa(raw(N), raw("AQAA"), &k), E_INVALID);
	EXPECT_ERR(verify_key_rsa(raw(N), S(""), &k), E_INVALID);
	EXPECT_ERR(verify_key_rsa(raw(N), str_make(big, 9), &k), E_INVALID);
	EXPECT_ERR(verify_key_rsa(S(""), raw("AQAB"), &k), E_INVALID);
	EXPECT_ERR(verify_key_rsa(str_make(big, sizeof big), raw("AQAB"), &k), E_INVALID);
	EXPECT_ERR(verify_key_rsa(str_make(small, sizeof small), raw("AQAB"), &k), E_INVALID);
	EXPECT_ERR(verify_key_p256(raw(ES_Y), raw(ES_X), &k), E_INVALID);
	EXPECT_ERR(verify_key_p256(str_make(zeros, 32), str_make(zeros, 32), &k), E_INVALID);
	EXPECT_ERR(verify_key_p256(str_make(zeros, 33), raw(ES_Y), &k), E_INVALID);
	EXPECT_ERR(verify_key_ed25519(str_make(zeros, 31), &k), E_INVALID);
	EXPECT(k == NULL);
	arena_free(mem);
}

RUN_ALL(T(the_examples_of_the_rfcs_hold), T(a_changed_bit_does_not_hold), T(only_the_keys_own_algorithm_counts),
	T(an_ecdsa_signature_of_zeros_is_none), T(what_is_no_key_is_refused))

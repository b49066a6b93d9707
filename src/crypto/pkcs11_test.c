/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A token of SoftHSM: what is found, made, encrypted and refused. Skipped where SoftHSM is not installed.
 */
#include "crypto/pkcs11.h"

#include "base/log.h"
#include "base/str.h"
#include "base/test.h"
#include "crypto/softhsm.h"

static struct softhsm hsm;

static struct pkcs11 *open_token(struct world *w)
{
	struct pkcs11 *p;
	struct pkcs11_where at = { .module = hsm.module, .token = S("hsm-1") };
	world_fake(w, 0, 1);
	EXPECT_OK(pkcs11_open(w, &at, S(SOFTHSM_PIN), &p));
	return p;
}

static void what_is_not_there_is_said_so(void)
{
	struct world w;
	struct pkcs11 *p = NULL;
	world_fake(&w, 0, 1);
	EXPECT_ERR(pkcs11_open(&w, &(struct pkcs11_where){ .module = "/nowhere.so" }, S(SOFTHSM_PIN), &p), E_NOT_FOUND);
	EXPECT_ERR(
	    pkcs11_open(&w, &(struct pkcs11_where){ .module = hsm.module, .token = S("other") }, S(SOFTHSM_PIN), &p),
	    E_NOT_FOUND);
	EXPECT_ERR(
	    pkcs11_open(&w, &(struct pkcs11_where){ .module = hsm.module, .serial = S("no") }, S(SOFTHSM_PIN), &p),
	    E_NOT_FOUND);
	EXPECT_ERR(pkcs11_open(&w, &(struct pkcs11_where){ .module = hsm.module }, S(SOFTHSM_PIN), &p), E_EXISTS);
	EXPECT_ERR(pkcs11_open(&w, &(struct pkcs11_where){ .module = hsm.module, .token = S("hsm-1") }, S("0000"), &p),
		   E_NO_KEY);
	EXPECT(!p);
}

static void a_token_tells_about_itself(void)
{
	struct world w;
	struct pkcs11 *p = open_token(&w), *again;
	const struct pkcs11_about *a = pkcs11_about(p);
	EXPECT_STR(a->label, S("hsm-1"));
	EXPECT(str_starts(a->manufacturer, S("SoftHSM")) && a->serial.n > 0);
	struct pkcs11_where at = { .module = hsm.module, .serial = a->serial };
	EXPECT_OK(pkcs11_open(&w, &at, S(SOFTHSM_PIN), &again));
	EXPECT_OK(pkcs11_check(again));
	pkcs11_close(again);
	EXPECT_OK(pkcs11_check(p));
	pkcs11_close(p);
}

static void a_key_made_there_encrypts_and_decrypts(void)
{
	struct world w;
	struct arena *mem = arena_new();
	struct pkcs11 *p = open_token(&w);
	struct pkcs11_key key, same;
	struct str cipher, plain, bad;

	EXPECT_ERR(pkcs11_find(p, S("k"), &key), E_NOT_FOUND);
	EXPECT_ERR(pkcs11_find(p, S(""), &key), E_NOT_FOUND);
	EXPECT_OK(pkcs11_make_aes(p, S("k"), &key));
	EXPECT_ERR(pkcs11_make_aes(p, S("k"), &same), E_EXISTS);
	EXPECT_OK(pkcs11_encrypt(p, &key, S("aad"), S("text"), mem, &cipher));
	EXPECT(cipher.n == 4 + PKCS11_AES_OVERHEAD);
	pkcs11_close(p);

	p = open_token(&w);
	EXPECT_OK(pkcs11_find(p, S("k"), &key));
	EXPECT(key.kind == PKCS11_AES && key.bits == 256);
	EXPECT_OK(pkcs11_decrypt(p, &key, S("aad"), cipher, mem, &plain));
	EXPECT_STR(plain, S("text"));
	EXPECT_ERR(pkcs11_decrypt(p, &key, S("other"), cipher, mem, &plain), E_CORRUPT);
	EXPECT_ERR(pkcs11_decrypt(p, &key, S("aad"), str_sub(cipher, 0, 20), mem, &plain), E_CORRUPT);
	for (size_t i = 0; i < cipher.n; i++) {
		bad = str_dup(mem, cipher);
		((char *)(uintptr_t)bad.p)[i] ^= 1;
		EXPECT_ERR(pkcs11_decrypt(p, &key, S("aad"), bad, mem, &plain), E_CORRUPT);
	}
	struct str big = str_make(NEWS(mem, char, PKCS11_PLAIN_MAX + 1), PKCS11_PLAIN_MAX + 1);
	EXPECT_ERR(pkcs11_encrypt(p, &key, S(""), big, mem, &cipher), E_TOO_BIG);
	EXPECT_OK(pkcs11_encrypt(p, &key, S(""), str_sub(big, 0, PKCS11_PLAIN_MAX), mem, &cipher));
	EXPECT_OK(pkcs11_decrypt(p, &key, S(""), cipher, mem, &plain));
	EXPECT_OK(pkcs11_destroy(p, &key));
	EXPECT_ERR(pkcs11_find(p, S("k"), &key), E_NOT_FOUND);
	pkcs11_close(p);
	arena_free(mem);
}

static void an_rsa_pair_encrypts_and_decrypts(void)
{
	struct world w;
	struct arena *mem = arena_new();
	struct pkcs11 *p = open_token(&w);
	struct pkcs11_key key;
	struct str cipher, plain, bad;

	softhsm_make_rsa(&hsm, "hsm-1", "pair");
	EXPECT_OK(pkcs11_find(p, S("pair"), &key));
	EXPECT(key.kind == PKCS11_RSA && key.bits == 2048);
	EXPECT_OK(pkcs11_encrypt(p, &key, S(""), S("text"), mem, &cipher));
	EXPECT_OK(pkcs11_decrypt(p, &key, S(""), cipher, mem, &plain));
	EXPECT_STR(plain, S("text"));
	EXPECT_ERR(pkcs11_encrypt(p, &key, S("aad"), S("text"), mem, &cipher), E_UNSUPPORTED);
	bad = str_dup(mem, cipher);
	((char *)(uintptr_t)bad.p)[9] ^= 1;
	EXPECT_ERR(pkcs11_decrypt(p, &key, S(""), bad, mem, &plain), E_CORRUPT);
	EXPECT_ERR(pkcs11_decrypt(p, &key, S(""), S(""), mem, &plain), E_CORRUPT);
	pkcs11_close(p);
	arena_free(mem);
}

static const struct test_case all[] = {
	T(what_is_not_there_is_said_so),
	T(a_token_tells_about_itself),
	T(a_key_made_there_encrypts_and_decrypts),
	T(an_rsa_pair_encrypts_and_decrypts),
};

int main(void)
{
	log_setup(-1, LOG_ERROR);
	if (!softhsm_start(&hsm, (const char *[]){ "hsm-1", "hsm-2", NULL })) {
		printf("1..0 # SKIP SoftHSM (package softhsm2) is not installed\n");
		return 0;
	}
	printf("1..%zu\n", COUNT(all));
	for (size_t i = 0; i < COUNT(all); i++) {
		all[i].run();
		printf("ok %zu - %s\n", i + 1, all[i].name);
		fflush(stdout);
	}
	softhsm_end(&hsm);
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Asymmetric keys against published vectors, against themselves, and against rubbish.
 */
#include "crypto/keypair.h"

#include "base/codec.h"
#include "base/str.h"
#include "base/test.h"

#include <pthread.h>
#include <stdio.h>

static struct str hex(struct arena *mem, const char *text)
{
	struct str out;
	EXPECT_OK(hex_decode(mem, str_of(text), &out));
	return out;
}

/* PKCS #8 of an Ed25519 seed, SubjectPublicKeyInfo of a public key: RFC 8410 7, 4. */
static struct keypair *ed_private(struct arena *mem, const char *seed)
{
	struct keypair *k;
	struct str der = arena_printf(mem, "302e020100300506032b657004220420%s", seed);
	EXPECT_OK(keypair_from_private(KEYPAIR_ED25519, hex(mem, str_z(mem, der)), &k));
	return k;
}

/* RFC 8032 7.1, tests 1 to 3. */
static void ed25519_signs_as_rfc_8032_says(void)
{
	static const char *const rows[][4] = {
		{ "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
		  "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
		  "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25b"
		  "f5f0"
		  "595bbe24655141438e7a100b" },
		{ "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
		  "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
		  "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b"
		  "2eae"
		  "b4302aeeb00d291612bb0c00" },
		{ "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
		  "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
		  "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c"
		  "15e9"
		  "716ed28dc027beceea1ec40a" },
	};
	struct arena *mem = arena_new();
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct keypair *k = ed_private(mem, rows[i][0]);
		struct str sig, msg = hex(mem, rows[i][2]), want = hex(mem, rows[i][3]);
		EXPECT_STR(str_from(keypair_public(k, mem), 12), hex(mem, rows[i][1]));
		EXPECT_OK(keypair_sign(k, KEYPAIR_EDDSA, msg, mem, &sig));
		EXPECT_STR(sig, want);
		EXPECT_OK(keypair_verify(k, KEYPAIR_EDDSA, msg, sig));
		keypair_free(k);
	}
	arena_free(mem);
}

/* RFC 6979 A.2.5: the key, and a signature over SHA-256 of "sample", r and s put into DER. */
static void ecdsa_verifies_what_rfc_6979_signed(void)
{
	struct arena *mem = arena_new();
	struct keypair *k;
	struct str spki = hex(mem, "3059301306072a8648ce3d020106082a8648ce3d03010703420004"
				   "60fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6"
				   "7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299");
	struct str digest = hex(mem, "af2bdbe1aa9b6ec1e2ade1d694f41fc71a831d0268e9891562113d8a62add1bf");
	struct str sig = hex(mem, "3046022100efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716"
				  "022100f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8");
	EXPECT_OK(keypair_from_public(KEYPAIR_P256, spki, &k));
	EXPECT_OK(keypair_verify(k, KEYPAIR_ECDSA_SHA256, digest, sig));
	EXPECT_ERR(keypair_verify(k, KEYPAIR_ECDSA_SHA256, digest, str_sub(sig, 0, sig.n - 1)), E_CORRUPT);
	EXPECT_ERR(keypair_verify(k, KEYPAIR_ECDSA_SHA256, str_sub(digest, 0, 31), sig), E_INVALID);
	keypair_free(k);
	EXPECT_ERR(keypair_from_public(KEYPAIR_P384, spki, &k), E_INVALID);
	EXPECT_ERR(keypair_from_public(KEYPAIR_SECP256K1, spki, &k), E_INVALID);
	EXPECT_ERR(keypair_from_public(KEYPAIR_P256, str_sub(spki, 0, spki.n - 1), &k), E_INVALID);
	EXPECT_ERR(keypair_from_public(KEYPAIR_P256, arena_printf(mem, "%.*sx", PR(spki)), &k), E_INVALID);
	((char *)(uintptr_t)spki.p)[spki.n - 1] ^= 1; /* off the curve */
	EXPECT_ERR(keypair_from_public(KEYPAIR_P256, spki, &k), E_INVALID);
	arena_free(mem);
}

/* RFC 5649 6: both of its examples. */
static void aes_key_unwrap_with_padding_is_rfc_5649s(void)
{
	struct arena *mem = arena_new();
	struct str kek = hex(mem, "5840df6e29b02af1ab493b705bf16ea1ae8338f4dcc176a8"), plain;
	struct str one = hex(mem, "138bdeaa9b8fa7fc61f97742e72248ee5ae6ae5360d1ae6a5f54f373fa543b6a");
	EXPECT_OK(aes_unwrap_padded(kek, one, mem, &plain));
	EXPECT_STR(plain, hex(mem, "c37b7e6492584340bed12207808941155068f738"));
	EXPECT_OK(aes_unwrap_padded(kek, hex(mem, "afbeb0f07dfbf5419200f2ccb50bb24f"), mem, &plain));
	EXPECT_STR(plain, hex(mem, "466f7250617369"));
	((char *)(uintptr_t)one.p)[5] ^= 1;
	EXPECT_ERR(aes_unwrap_padded(kek, one, mem, &plain), E_CORRUPT);
	EXPECT_ERR(aes_unwrap_padded(kek, str_sub(one, 0, 8), mem, &plain), E_CORRUPT);
	EXPECT_ERR(aes_unwrap_padded(S("short"), one, mem, &plain), E_CORRUPT);
	arena_free(mem);
}

static const struct {
	enum keypair_spec spec;
	const char *name;
} all[] = { { KEYPAIR_RSA_2048, "rsa 2048" }, { KEYPAIR_RSA_3072, "rsa 3072" }, { KEYPAIR_P256, "p-256" },
	    { KEYPAIR_P384, "p-384" },        { KEYPAIR_P521, "p-521" },        { KEYPAIR_SECP256K1, "secp256k1" },
	    { KEYPAIR_ED25519, "ed25519" } };

static void try_signing(struct arena *mem, const struct keypair *k, const struct keypair *pub, enum keypair_algorithm a)
{
	struct str digest = str_make(NEWS(mem, char, 64), keypair_digest_size(a) ? keypair_digest_size(a) : 20), sig;
	EXPECT_OK(keypair_sign(k, a, digest, mem, &sig));
	EXPECT(sig.n <= KEYPAIR_SIGNATURE_MAX);
	EXPECT_OK(keypair_verify(pub, a, digest, sig));
	((char *)(uintptr_t)sig.p)[sig.n / 2] ^= 1;
	EXPECT_ERR(keypair_verify(pub, a, digest, sig), E_CORRUPT);
}

static void try_sealing(struct arena *mem, const struct keypair *k, const struct keypair *pub, enum keypair_algorithm a)
{
	size_t max = keypair_encrypt_max(k, a);
	struct str big = str_make(NEWS(mem, char, max + 1), max + 1), cipher, plain;
	EXPECT_OK(keypair_encrypt(pub, a, str_sub(big, 0, max), mem, &cipher));
	EXPECT_OK(keypair_decrypt(k, a, cipher, mem, &plain));
	EXPECT_STR(plain, str_sub(big, 0, max));
	EXPECT_ERR(keypair_encrypt(pub, a, big, mem, &cipher), E_TOO_BIG);
	((char *)(uintptr_t)cipher.p)[9] ^= 1;
	EXPECT_ERR(keypair_decrypt(k, a, cipher, mem, &plain), E_CORRUPT);
	EXPECT_ERR(keypair_decrypt(k, a, str_sub(cipher, 0, 9), mem, &plain), E_CORRUPT);
}

static void try_agreeing(struct arena *mem, const struct keypair *k, enum keypair_spec spec)
{
	struct keypair *other, *wrong;
	struct str a, b;
	EXPECT_OK(keypair_generate(spec, &other));
	EXPECT_OK(keypair_generate(spec == KEYPAIR_P256 ? KEYPAIR_P384 : KEYPAIR_P256, &wrong));
	EXPECT_OK(keypair_agree(k, keypair_public(other, mem), mem, &a));
	EXPECT_OK(keypair_agree(other, keypair_public(k, mem), mem, &b));
	EXPECT(a.n >= 32 && str_eq(a, b));
	EXPECT_ERR(keypair_agree(k, keypair_public(wrong, mem), mem, &a), E_INVALID);
	EXPECT_ERR(keypair_agree(k, S("rubbish"), mem, &a), E_INVALID);
	keypair_free(other);
	keypair_free(wrong);
}

static void try_all(struct arena *mem, const struct keypair *k, const struct keypair *pub, enum keypair_spec spec)
{
	struct str out;
	for (enum keypair_algorithm a = 1; a < KEYPAIR_ALGORITHM_COUNT; a++) {
		if (!keypair_fits(spec, a)) {
			EXPECT_ERR(keypair_sign(k, a, S("x"), mem, &out), E_UNSUPPORTED);
			EXPECT_ERR(keypair_decrypt(k, a, S("x"), mem, &out), E_UNSUPPORTED);
		} else if (a == KEYPAIR_OAEP_SHA1 || a == KEYPAIR_OAEP_SHA256) {
			try_sealing(mem, k, pub, a);
		} else if (a == KEYPAIR_ECDH) {
			try_agreeing(mem, k, spec);
		} else {
			try_signing(mem, k, pub, a);
		}
	}
}

static void every_kind_of_key_does_what_it_is_for_and_nothing_else(void)
{
	struct arena *mem = arena_new();
	struct secret_pool *pool = secret_pool_new();
	for (size_t i = 0; i < COUNT(all); i++) {
		struct keypair *made, *k, *pub, *not ;
		EXPECT_OK(keypair_generate(all[i].spec, &made));
		struct secret der = keypair_private(made, pool);
		EXPECT_OK(keypair_from_private(all[i].spec, secret_str(&der), &k));
		EXPECT_STR(keypair_public(k, mem), keypair_public(made, mem));
		EXPECT_OK(keypair_from_public(all[i].spec, keypair_public(k, mem), &pub));
		try_all(mem, k, pub, all[i].spec);
		EXPECT_ERR(keypair_from_private(all[(i + 1) % COUNT(all)].spec, secret_str(&der), &not ), E_INVALID);
		EXPECT_ERR(keypair_from_private(all[i].spec, str_sub(secret_str(&der), 0, der.n - 1), &not ),
			   E_INVALID);
		EXPECT_ERR(keypair_from_private(all[i].spec, keypair_public(k, mem), &not ), E_INVALID);
		secret_free(&der);
		keypair_free(made);
		keypair_free(k);
		keypair_free(pub);
	}
	secret_pool_free(pool);
	arena_free(mem);
}

enum { SIGNERS = 4, SIGNATURES = 40 };

static void *sign_again_and_again(void *key)
{
	static const enum keypair_algorithm algorithms[] = { KEYPAIR_PSS_SHA256, KEYPAIR_PKCS1_SHA256,
							     KEYPAIR_PSS_SHA512 };
	struct arena *mem = arena_new();
	for (uint8_t i = 0; i < SIGNATURES; i++) {
		enum keypair_algorithm a = algorithms[i % COUNT(algorithms)];
		struct str sig, digest = str_make(memset(NEWS(mem, char, 64), i, 64), keypair_digest_size(a));
		EXPECT_OK(keypair_sign(key, a, digest, mem, &sig));
		EXPECT_OK(keypair_verify(key, a, digest, sig));
		EXPECT_ERR(keypair_sign(key, a, S("too short"), mem, &sig), E_INVALID);
	}
	arena_free(mem);
	return NULL;
}

/* What was prepared for the last signature serves for the next one, of one thread at a time. */
static void one_key_signs_again_and_again_on_several_threads(void)
{
	pthread_t threads[SIGNERS];
	struct keypair *k;
	EXPECT_OK(keypair_generate(KEYPAIR_RSA_2048, &k));
	for (size_t i = 0; i < SIGNERS; i++)
		EXPECT(pthread_create(&threads[i], NULL, sign_again_and_again, k) == 0);
	for (size_t i = 0; i < SIGNERS; i++)
		EXPECT(pthread_join(threads[i], NULL) == 0);
	keypair_free(k);
}

RUN_ALL(T(one_key_signs_again_and_again_on_several_threads), T(ed25519_signs_as_rfc_8032_says),
	T(ecdsa_verifies_what_rfc_6979_signed), T(aes_key_unwrap_with_padding_is_rfc_5649s),
	T(every_kind_of_key_does_what_it_is_for_and_nothing_else))

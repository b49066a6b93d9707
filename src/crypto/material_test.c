/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Material of every kind, made, imported and used through the keyring, with the keys in
 * this process and in the keyholder.
 */
#include "crypto/keyring_testing.h"

#include <openssl/evp.h>

static struct key_ref make(struct place *p, enum material kind, struct str *face)
{
	struct str wrapped;
	EXPECT_OK(keyring_material_new(p->kr, &p->account, S("kms/k"), kind, p->mem, &wrapped, face));
	EXPECT(wrapped.n <= MATERIAL_WRAPPED_MAX);
	return key_ref_of(&p->account, S("kms/k"), wrapped);
}

static void sign_and_verify(struct place *p, enum material kind, enum keypair_algorithm a)
{
	struct str face, digest = str_make(NEWS(p->mem, char, 64), 64), sig;
	struct key_ref key = make(p, kind, &face);
	struct keypair *pub;
	if (keypair_digest_size(a))
		digest.n = keypair_digest_size(a);
	EXPECT_OK(keyring_sign(p->kr, &key, a, digest, p->mem, &sig));
	EXPECT_OK(keypair_from_public(material_keypair(kind), face, &pub));
	EXPECT_OK(keypair_verify(pub, a, digest, sig));
	keypair_free(pub);
	EXPECT_ERR(keyring_seal(p->kr, &key, S(""), S("x"), p->mem, &sig), E_UNSUPPORTED);
	EXPECT_ERR(keyring_hmac(p->kr, &key, S("x"), p->mem, &sig), E_UNSUPPORTED);
}

static void use_all_kinds(struct place *p)
{
	sign_and_verify(p, MATERIAL_RSA_2048, KEYPAIR_PSS_SHA256);
	sign_and_verify(p, MATERIAL_RSA_3072, KEYPAIR_PKCS1_SHA512);
	sign_and_verify(p, MATERIAL_P256, KEYPAIR_ECDSA_SHA256);
	sign_and_verify(p, MATERIAL_P384, KEYPAIR_ECDSA_SHA384);
	sign_and_verify(p, MATERIAL_P521, KEYPAIR_ECDSA_SHA512);
	sign_and_verify(p, MATERIAL_SECP256K1, KEYPAIR_ECDSA_SHA256);
	sign_and_verify(p, MATERIAL_ED25519, KEYPAIR_EDDSA);
}

static void decrypt_and_agree(struct place *p)
{
	struct str face, cipher, plain, a, b;
	struct keypair *pub, *mine;
	struct key_ref rsa = make(p, MATERIAL_RSA_2048, &face);
	EXPECT_OK(keypair_from_public(KEYPAIR_RSA_2048, face, &pub));
	EXPECT_OK(keypair_encrypt(pub, KEYPAIR_OAEP_SHA256, S("text"), p->mem, &cipher));
	EXPECT_OK(keyring_decrypt(p->kr, &rsa, KEYPAIR_OAEP_SHA256, cipher, p->mem, &plain));
	EXPECT_STR(plain, S("text"));
	EXPECT_ERR(keyring_decrypt(p->kr, &rsa, KEYPAIR_OAEP_SHA1, cipher, p->mem, &plain), E_CORRUPT);
	keypair_free(pub);
	struct key_ref ec = make(p, MATERIAL_P256, &face);
	EXPECT_OK(keypair_generate(KEYPAIR_P256, &mine));
	EXPECT_OK(keyring_agree(p->kr, &ec, keypair_public(mine, p->mem), p->mem, &a));
	EXPECT_OK(keypair_agree(mine, face, p->mem, &b));
	EXPECT(str_eq(a, b));
	keypair_free(mine);
}

static void mac_and_face(struct place *p)
{
	struct str face, other, a, b;
	for (enum material kind = MATERIAL_HMAC_224; kind <= MATERIAL_HMAC_512; kind++) {
		struct key_ref key = make(p, kind, &face);
		EXPECT_OK(keyring_hmac(p->kr, &key, S("message"), p->mem, &a));
		EXPECT_OK(keyring_hmac(p->kr, &key, S("message"), p->mem, &b));
		EXPECT(a.n == mac_size(material_mac(kind)) && str_eq(a, b));
		EXPECT(face.n == MATERIAL_CHECK_SIZE);
		make(p, kind, &other);
		EXPECT(!str_eq(face, other));
		EXPECT_ERR(keyring_sign(p->kr, &key, KEYPAIR_EDDSA, S("x"), p->mem, &a), E_UNSUPPORTED);
		EXPECT_ERR(keyring_unseal(p->kr, &key, S(""), a, p->mem, &b), E_UNSUPPORTED);
	}
}

static void reseal_and_pair(struct place *p)
{
	struct str face, a, b, plain;
	struct secret private, again;
	struct keypair *k;
	struct key_ref aes = make(p, MATERIAL_AES_256, &face), other = make(p, MATERIAL_AES_256, &face);
	EXPECT_OK(keyring_seal(p->kr, &aes, S("one"), S("text"), p->mem, &a));
	EXPECT_OK(keyring_reseal(p->kr, &aes, S("one"), a, &other, S("two"), p->mem, &b));
	EXPECT_OK(keyring_unseal(p->kr, &other, S("two"), b, p->mem, &plain));
	EXPECT_STR(plain, S("text"));
	EXPECT_ERR(keyring_reseal(p->kr, &aes, S("two"), a, &other, S("two"), p->mem, &b), E_CORRUPT);
	EXPECT_OK(keyring_data_pair(p->kr, &aes, S("c"), MATERIAL_P256, &private, p->mem, &a, &face));
	EXPECT_OK(keypair_from_private(KEYPAIR_P256, secret_str(&private), &k));
	EXPECT_STR(keypair_public(k, p->mem), face);
	EXPECT_OK(keyring_data_key_open(p->kr, &aes, S("c"), a, &again));
	EXPECT(secret_eq(secret_str(&private), secret_str(&again)));
	secret_free(&private);
	secret_free(&again);
	keypair_free(k);
	EXPECT_OK(keyring_data_pair(p->kr, &aes, S("c"), MATERIAL_ED25519, NULL, p->mem, &a, &face));
}

static void nothing_stands_under_material(struct place *p)
{
	struct str face, wrapped;
	struct key_ref aes = make(p, MATERIAL_AES_256, &face), bad = aes;
	EXPECT_ERR(keyring_key_new(p->kr, &aes, S("x"), p->mem, &wrapped), E_UNSUPPORTED);
	EXPECT_ERR(keyring_material_new(p->kr, &aes, S("x"), MATERIAL_P256, p->mem, &wrapped, &face), E_UNSUPPORTED);
	char *text = (char *)(uintptr_t)str_dup(p->mem, aes.wrapped).p;
	text[1] = MATERIAL_HMAC_256; /* as long, but another kind */
	bad = key_ref_of(&p->account, S("kms/k"), str_make(text, aes.wrapped.n));
	EXPECT_ERR(keyring_check(p->kr, &bad), E_NO_KEY);
	bad = key_ref_of(&p->account, S("kms/other"), aes.wrapped);
	EXPECT_ERR(keyring_check(p->kr, &bad), E_NO_KEY);
	bad = key_ref_of(&p->account, S("kms/k"), str_sub(aes.wrapped, 0, aes.wrapped.n - 1));
	EXPECT_ERR(keyring_check(p->kr, &bad), E_NO_KEY);
	EXPECT_OK(keyring_check(p->kr, &aes));
}

/* ---- importing ---- */

static struct str aes_wrap(struct arena *mem, struct str kek, struct str plain)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	unsigned char *out = NEWS(mem, unsigned char, plain.n + 32);
	int n = 0, m = 0;
	EVP_CIPHER_CTX_set_flags(ctx, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
	EXPECT(EVP_EncryptInit_ex(ctx, EVP_aes_256_wrap_pad(), NULL, (const unsigned char *)kek.p, NULL) == 1);
	EXPECT(EVP_EncryptUpdate(ctx, out, &n, (const unsigned char *)plain.p, (int)plain.n) == 1);
	EXPECT(EVP_EncryptFinal_ex(ctx, out + n, &m) == 1);
	EVP_CIPHER_CTX_free(ctx);
	return str_make(out, (size_t)(n + m));
}

static struct status import(struct place *p, struct key_ref *with, bool aes, struct str encrypted, enum material kind,
			    struct key_ref *key, struct str *face)
{
	struct material_import in = { with, KEYPAIR_OAEP_SHA256, aes, encrypted };
	struct str wrapped;
	TRY(keyring_material_import(p->kr, &in, &p->account, S("kms/k"), kind, p->mem, &wrapped, face));
	*key = key_ref_of(&p->account, S("kms/k"), wrapped);
	return OK;
}

static void import_all(struct place *p)
{
	struct str face, check, check2, cipher, plain, sig, bytes = S("0123456789abcdef0123456789abcdef");
	struct keypair *to, *ec, *pub;
	struct secret_pool *pool = secret_pool_new();
	struct key_ref with = make(p, MATERIAL_RSA_3072, &face), key;
	EXPECT_OK(keypair_from_public(KEYPAIR_RSA_3072, face, &to));

	EXPECT_OK(keypair_encrypt(to, KEYPAIR_OAEP_SHA256, bytes, p->mem, &cipher));
	EXPECT_OK(import(p, &with, false, cipher, MATERIAL_AES_256, &key, &check));
	EXPECT_OK(keyring_seal(p->kr, &key, S(""), S("text"), p->mem, &sig));
	EXPECT_OK(import(p, &with, false, cipher, MATERIAL_AES_256, &key, &check2)); /* the same again */
	EXPECT(str_eq(check, check2));
	EXPECT_OK(keyring_unseal(p->kr, &key, S(""), sig, p->mem, &plain));
	EXPECT_STR(plain, S("text"));
	EXPECT_OK(import(p, &with, false, cipher, MATERIAL_HMAC_256, &key, &check2));
	EXPECT(!str_eq(check, check2));
	EXPECT_ERR(import(p, &with, false, cipher, MATERIAL_HMAC_512, &key, &check2), E_INVALID);
	EXPECT_ERR(import(p, &with, false, cipher, MATERIAL_P256, &key, &check2), E_INVALID);
	EXPECT_ERR(import(p, &with, true, cipher, MATERIAL_AES_256, &key, &check2), E_CORRUPT);
	EXPECT_ERR(import(p, &with, false, S("rubbish"), MATERIAL_AES_256, &key, &check2), E_CORRUPT);

	EXPECT_OK(keypair_generate(KEYPAIR_P256, &ec));
	struct secret der = keypair_private(ec, pool);
	struct str wrapped = aes_wrap(p->mem, bytes, secret_str(&der));
	struct str both = str_make(NEWS(p->mem, char, cipher.n + wrapped.n), cipher.n + wrapped.n);
	memcpy((char *)(uintptr_t)both.p, cipher.p, cipher.n);
	memcpy((char *)(uintptr_t)both.p + cipher.n, wrapped.p, wrapped.n);
	EXPECT_OK(import(p, &with, true, both, MATERIAL_P256, &key, &face));
	EXPECT_STR(face, keypair_public(ec, p->mem));
	EXPECT_OK(keyring_sign(p->kr, &key, KEYPAIR_ECDSA_SHA256, bytes, p->mem, &sig));
	EXPECT_OK(keypair_from_public(KEYPAIR_P256, face, &pub));
	EXPECT_OK(keypair_verify(pub, KEYPAIR_ECDSA_SHA256, bytes, sig));
	EXPECT_ERR(import(p, &with, true, both, MATERIAL_P384, &key, &face), E_INVALID);
	EXPECT_ERR(import(p, &with, true, str_sub(both, 0, both.n - 8), MATERIAL_P256, &key, &face), E_CORRUPT);
	secret_free(&der);
	keypair_free(ec);
	keypair_free(pub);
	keypair_free(to);
	secret_pool_free(pool);
}

static void all(bool apart)
{
	struct place *p = place_new(apart);
	use_all_kinds(p);
	decrypt_and_agree(p);
	mac_and_face(p);
	reseal_and_pair(p);
	nothing_stands_under_material(p);
	import_all(p);
	place_end(p);
}

static void material_works_with_the_keys_in_this_process(void) { all(false); }
static void material_works_with_the_keys_in_the_keyholder(void) { all(true); }

RUN_ALL(T(material_works_with_the_keys_in_this_process), T(material_works_with_the_keys_in_the_keyholder))

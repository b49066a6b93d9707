/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One table has what libcrypto calls each kind of key and each algorithm; the functions look
 * there and know no names themselves. Errors that a caller's bytes cause are his; any other is
 * a bug.
 */
#include "crypto/keypair.h"

#include "base/str.h"
#include "crypto/lib.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <stdatomic.h>

/* A context for each signing algorithm that was used: preparing one takes a quarter as long as signing with P-256. Who
 * takes it has it alone; whoever finds none prepares another. */
struct ready {
	_Atomic(EVP_PKEY_CTX *) ctx[KEYPAIR_ALGORITHM_COUNT];
};

struct keypair {
	enum keypair_spec spec;
	EVP_PKEY *evp;
	struct ready *ready;
};

enum family { FAMILY_RSA = 1, FAMILY_EC, FAMILY_ED };

static const struct {
	enum family family;
	int bits;          /* RSA */
	const char *group; /* EC: libcrypto's name */
} specs[KEYPAIR_SPEC_COUNT] = {
	[KEYPAIR_RSA_2048] = { FAMILY_RSA, 2048, NULL },       [KEYPAIR_RSA_3072] = { FAMILY_RSA, 3072, NULL },
	[KEYPAIR_RSA_4096] = { FAMILY_RSA, 4096, NULL },       [KEYPAIR_P256] = { FAMILY_EC, 256, "prime256v1" },
	[KEYPAIR_P384] = { FAMILY_EC, 384, "secp384r1" },      [KEYPAIR_P521] = { FAMILY_EC, 521, "secp521r1" },
	[KEYPAIR_SECP256K1] = { FAMILY_EC, 256, "secp256k1" }, [KEYPAIR_ED25519] = { FAMILY_ED, 256, NULL },
};

enum use { SIGNING = 1, SEALING, AGREEING };

static const struct {
	enum family family;
	enum use use;
	int padding;
	const char *md;
	size_t digest;
} algorithms[KEYPAIR_ALGORITHM_COUNT] = {
	[KEYPAIR_PSS_SHA256] = { FAMILY_RSA, SIGNING, RSA_PKCS1_PSS_PADDING, "SHA256", 32 },
	[KEYPAIR_PSS_SHA384] = { FAMILY_RSA, SIGNING, RSA_PKCS1_PSS_PADDING, "SHA384", 48 },
	[KEYPAIR_PSS_SHA512] = { FAMILY_RSA, SIGNING, RSA_PKCS1_PSS_PADDING, "SHA512", 64 },
	[KEYPAIR_PKCS1_SHA256] = { FAMILY_RSA, SIGNING, RSA_PKCS1_PADDING, "SHA256", 32 },
	[KEYPAIR_PKCS1_SHA384] = { FAMILY_RSA, SIGNING, RSA_PKCS1_PADDING, "SHA384", 48 },
	[KEYPAIR_PKCS1_SHA512] = { FAMILY_RSA, SIGNING, RSA_PKCS1_PADDING, "SHA512", 64 },
	[KEYPAIR_ECDSA_SHA256] = { FAMILY_EC, SIGNING, 0, "SHA256", 32 },
	[KEYPAIR_ECDSA_SHA384] = { FAMILY_EC, SIGNING, 0, "SHA384", 48 },
	[KEYPAIR_ECDSA_SHA512] = { FAMILY_EC, SIGNING, 0, "SHA512", 64 },
	[KEYPAIR_EDDSA] = { FAMILY_ED, SIGNING, 0, NULL, 0 },
	[KEYPAIR_OAEP_SHA1] = { FAMILY_RSA, SEALING, RSA_PKCS1_OAEP_PADDING, "SHA1", 20 },
	[KEYPAIR_OAEP_SHA256] = { FAMILY_RSA, SEALING, RSA_PKCS1_OAEP_PADDING, "SHA256", 32 },
	[KEYPAIR_ECDH] = { FAMILY_EC, AGREEING, 0, NULL, 0 },
};

static bool spec_known(enum keypair_spec s) { return s > KEYPAIR_NONE && s < KEYPAIR_SPEC_COUNT; }
static bool algorithm_known(enum keypair_algorithm a) { return a >= 1 && a < KEYPAIR_ALGORITHM_COUNT; }

size_t keypair_digest_size(enum keypair_algorithm a) { return algorithm_known(a) ? algorithms[a].digest : 0; }

bool keypair_fits(enum keypair_spec spec, enum keypair_algorithm a)
{
	return spec_known(spec) && algorithm_known(a) && specs[spec].family == algorithms[a].family;
}

/* libcrypto keeps what went wrong in a queue of the thread's: nobody here reads it. */
static struct status no(int code)
{
	ERR_clear_error();
	return ERR(code);
}

/* ---- making and reading ---------------------------------------------------------------- */

static struct keypair *wrap(enum keypair_spec spec, EVP_PKEY *evp)
{
	struct keypair *k = HEAP(struct keypair);
	*k = (struct keypair){ spec, evp, HEAP(struct ready) };
	return k;
}

struct status keypair_generate(enum keypair_spec spec, struct keypair **out)
{
	EVP_PKEY *evp = NULL;
	crypto_start();
	if (!spec_known(spec))
		return ERR(E_UNSUPPORTED);
	if (specs[spec].family == FAMILY_RSA)
		evp = EVP_RSA_gen((unsigned)specs[spec].bits);
	else if (specs[spec].family == FAMILY_EC)
		evp = EVP_EC_gen(specs[spec].group);
	else
		evp = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	if (!evp)
		return no(E_IO); /* random numbers failed */
	*out = wrap(spec, evp);
	return OK;
}

static bool is_of_group(EVP_PKEY *evp, const char *group)
{
	char name[64];
	size_t n = 0;
	return EVP_PKEY_get_group_name(evp, name, sizeof name, &n) == 1 && !strcmp(name, group);
}

static bool is_of_spec(EVP_PKEY *evp, enum keypair_spec spec)
{
	switch (specs[spec].family) {
	case FAMILY_RSA:
		return EVP_PKEY_get_base_id(evp) == EVP_PKEY_RSA && EVP_PKEY_get_bits(evp) == specs[spec].bits;
	case FAMILY_EC:
		return EVP_PKEY_get_base_id(evp) == EVP_PKEY_EC && is_of_group(evp, specs[spec].group);
	case FAMILY_ED:
		return EVP_PKEY_get_base_id(evp) == EVP_PKEY_ED25519;
	}
	return false;
}

enum look { LOOK_AT_ALL, LOOK_AT_PUBLIC, LOOK_AT_FORM };

static bool is_consistent(EVP_PKEY *evp, enum look look)
{
	if (look == LOOK_AT_FORM)
		return true;
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(evp, NULL);
	assert(ctx);
	bool good = (look == LOOK_AT_ALL ? EVP_PKEY_check(ctx) : EVP_PKEY_public_check(ctx)) == 1;
	EVP_PKEY_CTX_free(ctx);
	return good;
}

/* Takes evp over. */
static struct status accept(enum keypair_spec spec, EVP_PKEY *evp, enum look look, struct keypair **out)
{
	if (!evp || !is_of_spec(evp, spec) || !is_consistent(evp, look)) {
		EVP_PKEY_free(evp);
		return no(E_INVALID);
	}
	*out = wrap(spec, evp);
	return OK;
}

static struct status read_private(enum keypair_spec spec, struct str pkcs8, enum look look, struct keypair **out)
{
	const unsigned char *p = (const unsigned char *)pkcs8.p;
	crypto_start();
	if (!spec_known(spec) || pkcs8.n == 0 || pkcs8.n > KEYPAIR_DER_MAX)
		return ERR(E_INVALID);
	PKCS8_PRIV_KEY_INFO *info = d2i_PKCS8_PRIV_KEY_INFO(NULL, &p, (int)pkcs8.n);
	EVP_PKEY *evp = info && p == (const unsigned char *)pkcs8.p + pkcs8.n ? EVP_PKCS82PKEY(info) : NULL;
	PKCS8_PRIV_KEY_INFO_free(info);
	return accept(spec, evp, look, out);
}

struct status keypair_from_private(enum keypair_spec spec, struct str pkcs8, struct keypair **out)
{
	return read_private(spec, pkcs8, LOOK_AT_ALL, out);
}

struct status keypair_from_stored(enum keypair_spec spec, struct str pkcs8, struct keypair **out)
{
	return read_private(spec, pkcs8, LOOK_AT_FORM, out);
}

struct status keypair_from_public(enum keypair_spec spec, struct str spki, struct keypair **out)
{
	const unsigned char *p = (const unsigned char *)spki.p;
	crypto_start();
	if (!spec_known(spec) || spki.n == 0 || spki.n > KEYPAIR_DER_MAX)
		return ERR(E_INVALID);
	EVP_PKEY *evp = d2i_PUBKEY(NULL, &p, (int)spki.n);
	if (evp && p != (const unsigned char *)spki.p + spki.n) {
		EVP_PKEY_free(evp);
		evp = NULL;
	}
	return accept(spec, evp, LOOK_AT_PUBLIC, out);
}

void keypair_free(struct keypair *k)
{
	if (!k)
		return;
	for (size_t a = 0; a < KEYPAIR_ALGORITHM_COUNT; a++)
		EVP_PKEY_CTX_free(atomic_load(&k->ready->ctx[a]));
	heap_free(k->ready);
	EVP_PKEY_free(k->evp); /* wipes private numbers */
	heap_free(k);
}

struct str keypair_public(const struct keypair *k, struct arena *mem)
{
	unsigned char *der = NULL;
	int n = i2d_PUBKEY(k->evp, &der);
	assert(n > 0);
	struct str out = str_dup(mem, str_make(der, (size_t)n));
	OPENSSL_free(der);
	return out;
}

struct secret keypair_private(const struct keypair *k, struct secret_pool *pool)
{
	unsigned char *der = NULL;
	PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(k->evp);
	assert(info);
	int n = i2d_PKCS8_PRIV_KEY_INFO(info, &der);
	assert(n > 0 && n <= KEYPAIR_DER_MAX);
	struct secret out = secret_new(pool, (size_t)n);
	memcpy(out.p, der, out.n);
	OPENSSL_clear_free(der, (size_t)n);
	PKCS8_PRIV_KEY_INFO_free(info);
	return out;
}

/* ---- using ------------------------------------------------------------------------------- */

/* A context for one operation, its padding set. `init` is libcrypto's. NULL when the key cannot do that. */
static EVP_PKEY_CTX *context(const struct keypair *k, enum keypair_algorithm a, enum use use,
			     int (*init)(EVP_PKEY_CTX *))
{
	EVP_PKEY_CTX *ctx;
	bool good;
	if (!keypair_fits(k->spec, a) || algorithms[a].use != use)
		return NULL;
	ctx = EVP_PKEY_CTX_new(k->evp, NULL);
	assert(ctx);
	good = init(ctx) == 1;
	if (good && algorithms[a].padding)
		good = EVP_PKEY_CTX_set_rsa_padding(ctx, algorithms[a].padding) == 1;
	if (good && use == SIGNING && algorithms[a].md)
		good = EVP_PKEY_CTX_set_signature_md(ctx, EVP_get_digestbyname(algorithms[a].md)) == 1;
	if (good && algorithms[a].padding == RSA_PKCS1_PSS_PADDING)
		good = EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, RSA_PSS_SALTLEN_DIGEST) == 1;
	if (good && algorithms[a].padding == RSA_PKCS1_OAEP_PADDING)
		good = EVP_PKEY_CTX_set_rsa_oaep_md(ctx, EVP_get_digestbyname(algorithms[a].md)) == 1;
	if (good)
		return ctx;
	EVP_PKEY_CTX_free(ctx);
	ERR_clear_error();
	return NULL;
}

static EVP_PKEY_CTX *signing_context(const struct keypair *k, enum keypair_algorithm a)
{
	EVP_PKEY_CTX *ctx = atomic_exchange(&k->ready->ctx[a], NULL);
	return ctx ? ctx : context(k, a, SIGNING, EVP_PKEY_sign_init);
}

static void signing_context_put(const struct keypair *k, enum keypair_algorithm a, EVP_PKEY_CTX *ctx, bool again)
{
	EVP_PKEY_CTX_free(again ? atomic_exchange(&k->ready->ctx[a], ctx) : ctx);
}

static struct status check_signing(const struct keypair *k, enum keypair_algorithm a, struct str digest)
{
	if (!keypair_fits(k->spec, a) || algorithms[a].use != SIGNING)
		return ERR(E_UNSUPPORTED);
	return algorithms[a].digest && digest.n != algorithms[a].digest ? ERR(E_INVALID) : OK;
}

/* Ed25519 signs the message itself, through libcrypto's other interface. */
static struct status eddsa_sign(const struct keypair *k, struct str msg, unsigned char *out, size_t *n)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	assert(ctx);
	bool good = EVP_DigestSignInit(ctx, NULL, NULL, NULL, k->evp) == 1 &&
		    EVP_DigestSign(ctx, out, n, (const unsigned char *)msg.p, msg.n) == 1;
	EVP_MD_CTX_free(ctx);
	return good ? OK : no(E_IO);
}

struct status keypair_sign(const struct keypair *k, enum keypair_algorithm a, struct str digest, struct arena *mem,
			   struct str *signature)
{
	unsigned char out[KEYPAIR_SIGNATURE_MAX];
	size_t n = sizeof out;
	struct status st = OK;
	TRY(check_signing(k, a, digest));
	if (a == KEYPAIR_EDDSA) {
		st = eddsa_sign(k, digest, out, &n);
	} else {
		EVP_PKEY_CTX *ctx = signing_context(k, a);
		if (!ctx || EVP_PKEY_sign(ctx, out, &n, (const unsigned char *)digest.p, digest.n) != 1)
			st = no(E_IO);
		signing_context_put(k, a, ctx, !failed(st));
	}
	if (!failed(st))
		*signature = str_dup(mem, str_make(out, n));
	return st;
}

static bool eddsa_verify(const struct keypair *k, struct str msg, struct str sig)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	assert(ctx);
	bool good =
	    EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, k->evp) == 1 &&
	    EVP_DigestVerify(ctx, (const unsigned char *)sig.p, sig.n, (const unsigned char *)msg.p, msg.n) == 1;
	EVP_MD_CTX_free(ctx);
	return good;
}

struct status keypair_verify(const struct keypair *k, enum keypair_algorithm a, struct str digest, struct str signature)
{
	bool good;
	TRY(check_signing(k, a, digest));
	if (a == KEYPAIR_EDDSA) {
		good = eddsa_verify(k, digest, signature);
	} else {
		EVP_PKEY_CTX *ctx = context(k, a, SIGNING, EVP_PKEY_verify_init);
		good = ctx && EVP_PKEY_verify(ctx, (const unsigned char *)signature.p, signature.n,
					      (const unsigned char *)digest.p, digest.n) == 1;
		EVP_PKEY_CTX_free(ctx);
	}
	return good ? OK : no(E_CORRUPT);
}

size_t keypair_cipher_size(const struct keypair *k)
{
	return specs[k->spec].family == FAMILY_RSA ? (size_t)specs[k->spec].bits / 8 : 0;
}

size_t keypair_encrypt_max(const struct keypair *k, enum keypair_algorithm a)
{
	if (!keypair_fits(k->spec, a) || algorithms[a].use != SEALING)
		return 0;
	return (size_t)specs[k->spec].bits / 8 - 2 * algorithms[a].digest - 2; /* RFC 8017 7.1.1 */
}

typedef int crypting(EVP_PKEY_CTX *, unsigned char *, size_t *, const unsigned char *, size_t);

static struct status crypt(EVP_PKEY_CTX *ctx, crypting *run, struct str in, struct arena *mem, struct str *out)
{
	unsigned char room[KEYPAIR_SIGNATURE_MAX];
	size_t n = sizeof room;
	bool good = ctx && run(ctx, room, &n, (const unsigned char *)in.p, in.n) == 1;
	EVP_PKEY_CTX_free(ctx);
	if (good)
		*out = str_dup(mem, str_make(room, n));
	secret_wipe(room, sizeof room);
	return good ? OK : no(E_CORRUPT);
}

struct status keypair_encrypt(const struct keypair *k, enum keypair_algorithm a, struct str plain, struct arena *mem,
			      struct str *cipher)
{
	if (!keypair_fits(k->spec, a) || algorithms[a].use != SEALING)
		return ERR(E_UNSUPPORTED);
	if (plain.n > keypair_encrypt_max(k, a))
		return ERR(E_TOO_BIG);
	return crypt(context(k, a, SEALING, EVP_PKEY_encrypt_init), EVP_PKEY_encrypt, plain, mem, cipher);
}

struct status keypair_decrypt(const struct keypair *k, enum keypair_algorithm a, struct str cipher, struct arena *mem,
			      struct str *plain)
{
	if (!keypair_fits(k->spec, a) || algorithms[a].use != SEALING)
		return ERR(E_UNSUPPORTED);
	if (cipher.n != (size_t)specs[k->spec].bits / 8)
		return ERR(E_CORRUPT);
	return crypt(context(k, a, SEALING, EVP_PKEY_decrypt_init), EVP_PKEY_decrypt, cipher, mem, plain);
}

struct status keypair_agree(const struct keypair *k, struct str peer_spki, struct arena *mem, struct str *shared)
{
	struct keypair *peer;
	unsigned char room[KEYPAIR_SHARED_MAX];
	size_t n = sizeof room;
	if (!keypair_fits(k->spec, KEYPAIR_ECDH))
		return ERR(E_UNSUPPORTED);
	TRY(keypair_from_public(k->spec, peer_spki, &peer));
	EVP_PKEY_CTX *ctx = context(k, KEYPAIR_ECDH, AGREEING, EVP_PKEY_derive_init);
	bool good = ctx && EVP_PKEY_derive_set_peer(ctx, peer->evp) == 1 && EVP_PKEY_derive(ctx, room, &n) == 1;
	EVP_PKEY_CTX_free(ctx);
	keypair_free(peer);
	if (good)
		*shared = str_dup(mem, str_make(room, n));
	secret_wipe(room, sizeof room);
	return good ? OK : no(E_INVALID);
}

struct status aes_unwrap_padded(struct str key, struct str wrapped, struct arena *mem, struct str *plain)
{
	const char *name = key.n == 32 ? "AES-256-WRAP-PAD" : key.n == 24 ? "AES-192-WRAP-PAD" : "AES-128-WRAP-PAD";
	int n = 0;
	if ((key.n != 16 && key.n != 24 && key.n != 32) || wrapped.n < 16 || wrapped.n % 8 || wrapped.n > 8192)
		return ERR(E_CORRUPT);
	EVP_CIPHER *cipher = EVP_CIPHER_fetch(NULL, name, NULL);
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	unsigned char *out = NEWS(mem, unsigned char, wrapped.n);
	assert(cipher && ctx);
	EVP_CIPHER_CTX_set_flags(ctx, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
	bool good = EVP_DecryptInit_ex(ctx, cipher, NULL, (const unsigned char *)key.p, NULL) == 1 &&
		    EVP_DecryptUpdate(ctx, out, &n, (const unsigned char *)wrapped.p, (int)wrapped.n) == 1 && n > 0;
	EVP_CIPHER_CTX_free(ctx);
	EVP_CIPHER_free(cipher);
	if (good)
		*plain = str_make(out, (size_t)n);
	return good ? OK : no(E_CORRUPT);
}

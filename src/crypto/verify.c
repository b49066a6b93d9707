/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A key is made from its numbers once and then only used; libcrypto says whether the numbers
 * are a key at all.
 */
#include "crypto/verify.h"

#include "crypto/lib.h"

#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/param_build.h>

enum { P256_SIZE = 32, ED25519_SIZE = 32, EXPONENT_MAX = 8, DER_MAX = 80 };

struct verify_key {
	EVP_PKEY *key;
	enum verify_alg alg;
};

static const unsigned char *bytes(struct str s) { return (const unsigned char *)s.p; }

static struct status keep(EVP_PKEY *key, enum verify_alg alg, struct verify_key **out)
{
	ERR_clear_error();
	if (!key)
		return ERR(E_INVALID);
	struct verify_key *k = HEAP(struct verify_key);
	*k = (struct verify_key){ key, alg };
	*out = k;
	return OK;
}

static EVP_PKEY *from_params(const char *type, OSSL_PARAM *params)
{
	EVP_PKEY *key = NULL;
	EVP_PKEY_CTX *cx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
	if (EVP_PKEY_fromdata_init(cx) != 1 || EVP_PKEY_fromdata(cx, &key, EVP_PKEY_PUBLIC_KEY, params) != 1)
		key = NULL;
	EVP_PKEY_CTX_free(cx);
	return key;
}

static EVP_PKEY *rsa_of(const BIGNUM *n, const BIGNUM *e)
{
	OSSL_PARAM_BLD *b = OSSL_PARAM_BLD_new();
	MUST(OSSL_PARAM_BLD_push_BN(b, OSSL_PKEY_PARAM_RSA_N, n));
	MUST(OSSL_PARAM_BLD_push_BN(b, OSSL_PKEY_PARAM_RSA_E, e));
	OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(b);
	EVP_PKEY *key = from_params("RSA", params);
	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(b);
	return key;
}

struct status verify_key_rsa(struct str n, struct str e, struct verify_key **out)
{
	crypto_start();
	if (!n.n || n.n > VERIFY_RSA_BITS_MAX / 8 + 1 || !e.n || e.n > EXPONENT_MAX)
		return ERR(E_INVALID);
	BIGNUM *modulus = BN_bin2bn(bytes(n), (int)n.n, NULL), *exponent = BN_bin2bn(bytes(e), (int)e.n, NULL);
	int bits = BN_num_bits(modulus);
	EVP_PKEY *key = NULL;
	if (bits >= VERIFY_RSA_BITS_MIN && bits <= VERIFY_RSA_BITS_MAX && BN_is_odd(modulus) && BN_is_odd(exponent) &&
	    !BN_is_one(exponent))
		key = rsa_of(modulus, exponent);
	BN_free(modulus);
	BN_free(exponent);
	return keep(key, VERIFY_RS256, out);
}

struct status verify_key_p256(struct str x, struct str y, struct verify_key **out)
{
	unsigned char point[1 + 2 * P256_SIZE] = { POINT_CONVERSION_UNCOMPRESSED };
	crypto_start();
	if (x.n != P256_SIZE || y.n != P256_SIZE)
		return ERR(E_INVALID);
	memcpy(point + 1, x.p, P256_SIZE);
	memcpy(point + 1 + P256_SIZE, y.p, P256_SIZE);
	char group[] = "prime256v1";
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group, 0),
		OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, point, sizeof point),
		OSSL_PARAM_construct_end(),
	};
	return keep(from_params("EC", params), VERIFY_ES256, out);
}

struct status verify_key_ed25519(struct str x, struct verify_key **out)
{
	crypto_start();
	if (x.n != ED25519_SIZE)
		return ERR(E_INVALID);
	return keep(EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, bytes(x), x.n), VERIFY_EDDSA, out);
}

void verify_key_free(struct verify_key *k)
{
	if (k)
		EVP_PKEY_free(k->key);
	heap_free(k);
}

enum verify_alg verify_key_alg(const struct verify_key *k) { return k->alg; }

/* r and s side by side, as JWS has them (RFC 7518 3.4), to the DER that libcrypto reads. */
static int ecdsa_der(struct str raw, unsigned char der[DER_MAX])
{
	ECDSA_SIG *sig = ECDSA_SIG_new();
	BIGNUM *r = BN_bin2bn(bytes(raw), P256_SIZE, NULL), *s = BN_bin2bn(bytes(raw) + P256_SIZE, P256_SIZE, NULL);
	MUST(ECDSA_SIG_set0(sig, r, s));
	int n = i2d_ECDSA_SIG(sig, NULL);
	assert(n > 0 && n <= DER_MAX);
	n = i2d_ECDSA_SIG(sig, &der);
	ECDSA_SIG_free(sig);
	return n;
}

static bool holds(const struct verify_key *k, const EVP_MD *md, struct str message, struct str signature)
{
	EVP_MD_CTX *cx = EVP_MD_CTX_new();
	bool ok = EVP_DigestVerifyInit(cx, NULL, md, NULL, k->key) == 1 &&
		  EVP_DigestVerify(cx, bytes(signature), signature.n, bytes(message), message.n) == 1;
	EVP_MD_CTX_free(cx);
	ERR_clear_error();
	return ok;
}

struct status verify_signature(const struct verify_key *k, enum verify_alg alg, struct str message,
			       struct str signature)
{
	unsigned char der[DER_MAX];
	bool ok = false;
	if (alg != k->alg)
		return ERR(E_CORRUPT);
	switch (alg) {
	case VERIFY_RS256:
		ok = holds(k, EVP_sha256(), message, signature);
		break;
	case VERIFY_ES256:
		if (signature.n == (size_t)2 * P256_SIZE)
			ok = holds(k, EVP_sha256(), message, str_make(der, (size_t)ecdsa_der(signature, der)));
		break;
	case VERIFY_EDDSA:
		ok = holds(k, NULL, message, signature);
		break;
	}
	return ok ? OK : ERR(E_CORRUPT);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One certificate, whole, with a public key of a kind and size that signatures are taken with;
 * names, dates and who signed it are not looked at.
 */
#include "crypto/cert.h"

#include "base/str.h"
#include "crypto/lib.h"
#include "crypto/verify.h"

#include <openssl/err.h>
#include <openssl/x509.h>

enum { DER_MAX = 64 * 1024, GROUP_MAX = 32 };

static bool fits(EVP_PKEY *key)
{
	char group[GROUP_MAX] = "";
	size_t n = 0;
	int bits = EVP_PKEY_get_bits(key);
	if (EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA)
		return bits >= VERIFY_RSA_BITS_MIN && bits <= VERIFY_RSA_BITS_MAX;
	return EVP_PKEY_get_base_id(key) == EVP_PKEY_EC && EVP_PKEY_get_group_name(key, group, sizeof group, &n) == 1 &&
	       (!strcmp(group, "prime256v1") || !strcmp(group, "secp384r1") || !strcmp(group, "secp521r1"));
}

struct status cert_check(struct str der)
{
	const unsigned char *p = (const unsigned char *)der.p;
	crypto_start();
	if (!der.n || der.n > DER_MAX)
		return ERR(E_INVALID);
	X509 *cert = d2i_X509(NULL, &p, (long)der.n);
	bool whole = cert && p == (const unsigned char *)der.p + der.n;
	EVP_PKEY *key = whole ? X509_get0_pubkey(cert) : NULL;
	bool ok = key && fits(key);
	X509_free(cert);
	ERR_clear_error();
	return ok ? OK : ERR(E_INVALID);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Everything here comes from strangers: text is cut into PEM blocks before libcrypto reads it,
 * so that what it would skip over (text around blocks, other kinds of blocks) is refused; and
 * the number of signatures to verify is bounded.
 */
#include "crypto/x509_check.h"

#include "base/str.h"
#include "crypto/lib.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

enum { RSA_BITS_MIN = 1024, RSA_BITS_MAX = 4096, GROUP_NAME_MAX = 32 };

#define BEGIN S("-----BEGIN ")
#define END   S("-----END ")
#define DASH  S("-----")

/* ---- PEM blocks ------------------------------------------------------------------------------ */

static struct str skip_space(struct str s)
{
	while (s.n && (s.p[0] == ' ' || s.p[0] == '\t' || s.p[0] == '\r' || s.p[0] == '\n'))
		s = str_from(s, 1);
	return s;
}

/* The next block, from its BEGIN to its END; false when what follows is not one. `kind` is all or the end of its label.
 */
static bool next_block(struct str *rest, struct str kind, struct str *block)
{
	struct str s = skip_space(*rest), label = str_from(s, BEGIN.n);
	size_t ends = str_find(label, DASH);
	if (!str_starts(s, BEGIN) || ends == SIZE_MAX)
		return false;
	label = str_sub(label, 0, ends);
	size_t tail = str_find(s, END);
	struct str after = str_from(s, tail == SIZE_MAX ? s.n : tail + END.n);
	if (!str_ends(label, kind) || tail == SIZE_MAX || !str_starts(after, label) ||
	    !str_starts(str_from(after, label.n), DASH))
		return false;
	*block = str_sub(s, 0, tail + END.n + label.n + DASH.n);
	*rest = str_from(s, block->n);
	return true;
}

static BIO *bio_of(struct str text)
{
	assert(text.n <= INT32_MAX);
	BIO *b = BIO_new_mem_buf(text.p, (int)text.n);
	assert(b);
	return b;
}

static X509 *cert_of(struct str *rest)
{
	struct str block;
	if (!next_block(rest, S("CERTIFICATE"), &block) || !str_starts(str_from(block, BEGIN.n), S("CERTIFICATE-")))
		return NULL;
	BIO *b = bio_of(block);
	X509 *cert = PEM_read_bio_X509(b, NULL, NULL, NULL);
	BIO_free(b);
	return cert;
}

/* "EC PARAMETERS" may stand before an EC key, as `openssl ecparam -genkey` writes it. */
static EVP_PKEY *key_of(struct str pem)
{
	struct str rest = pem, block;
	if (next_block(&rest, S("EC PARAMETERS"), &block))
		pem = rest;
	rest = pem;
	if (!next_block(&rest, S("PRIVATE KEY"), &block) || skip_space(rest).n)
		return NULL;
	BIO *b = bio_of(block);
	EVP_PKEY *key = PEM_read_bio_PrivateKey(b, NULL, crypto_no_password, NULL);
	BIO_free(b);
	return key;
}

/* ---- what is taken ------------------------------------------------------------------------------ */

static bool key_is_taken(EVP_PKEY *key)
{
	char group[GROUP_NAME_MAX];
	size_t n;
	if (EVP_PKEY_is_a(key, "RSA"))
		return EVP_PKEY_get_bits(key) >= RSA_BITS_MIN && EVP_PKEY_get_bits(key) <= RSA_BITS_MAX;
	if (!EVP_PKEY_is_a(key, "EC") || EVP_PKEY_get_group_name(key, group, sizeof group, &n) != 1)
		return false;
	return !strcmp(group, "prime256v1") || !strcmp(group, "secp384r1") || !strcmp(group, "secp521r1");
}

static bool cert_is_taken(X509 *cert)
{
	EVP_PKEY *key = X509_get0_pubkey(cert);
	return X509_get_version(cert) == X509_VERSION_3 && key && key_is_taken(key);
}

static bool issued(X509 *issuer, X509 *cert)
{
	EVP_PKEY *key = X509_get0_pubkey(issuer);
	return key && key_is_taken(key) && X509_check_issued(issuer, cert) == X509_V_OK && X509_verify(cert, key) == 1;
}

/* Unix time; false when the certificate's own text for it is unreadable. */
static bool seconds_of(const ASN1_TIME *t, int64_t *out)
{
	enum { DAY_S = 86400 };
	int days, seconds;
	ASN1_TIME *epoch = ASN1_TIME_set(NULL, 0);
	assert(epoch);
	bool read = ASN1_TIME_diff(&days, &seconds, epoch, t) == 1;
	ASN1_TIME_free(epoch);
	if (read)
		*out = (int64_t)days * DAY_S + seconds;
	return read;
}

/* ---- together --------------------------------------------------------------------------------------- */

static enum x509_verdict check_time(X509 *cert, int64_t now_ms, struct x509_checked *out)
{
	int64_t from_s, to_s;
	if (!seconds_of(X509_get0_notBefore(cert), &from_s) || !seconds_of(X509_get0_notAfter(cert), &to_s))
		return X509_BAD_CERT;
	out->not_after_ms = to_s * 1000;
	if (now_ms < from_s * 1000)
		return X509_TOO_EARLY;
	return now_ms > to_s * 1000 ? X509_TOO_LATE : X509_FITS;
}

static enum x509_verdict check_chain(X509 *cert, struct str pem, struct x509_checked *out)
{
	enum x509_verdict v = X509_FITS;
	X509 *have = cert;
	int n = 0;
	for (struct str rest = skip_space(pem); rest.n && v == X509_FITS; rest = skip_space(rest), n++) {
		X509 *issuer = n < X509_CHAIN_MAX ? cert_of(&rest) : NULL;
		if (!issuer) {
			v = X509_BAD_CHAIN;
		} else if (!issued(issuer, have)) {
			v = X509_WRONG_CHAIN;
			out->wrong = n - 1;
		}
		if (have != cert)
			X509_free(have);
		have = issuer;
	}
	if (have != cert)
		X509_free(have);
	return n == 0 ? X509_BAD_CHAIN : v;
}

static enum x509_verdict check_pair(X509 *cert, struct str key_pem)
{
	EVP_PKEY *key = key_of(key_pem);
	enum x509_verdict v = !key || !key_is_taken(key)               ? X509_BAD_KEY
			      : X509_check_private_key(cert, key) == 1 ? X509_FITS
								       : X509_BAD_PAIR;
	EVP_PKEY_free(key);
	return v;
}

enum x509_verdict x509_check(struct str cert_pem, struct str key_pem, struct str chain_pem, int64_t now_ms,
			     struct x509_checked *out)
{
	crypto_start();
	*out = (struct x509_checked){ 0 };
	struct str rest = cert_pem;
	X509 *cert = cert_of(&rest);
	enum x509_verdict v = cert && !skip_space(rest).n && cert_is_taken(cert) ? X509_FITS : X509_BAD_CERT;
	if (v == X509_FITS)
		v = check_pair(cert, key_pem);
	if (v == X509_FITS && chain_pem.p)
		v = check_chain(cert, chain_pem, out);
	if (v == X509_FITS)
		v = check_time(cert, now_ms, out);
	X509_free(cert);
	ERR_clear_error(); /* the thread's queue belongs to whoever uses libcrypto next */
	return v;
}

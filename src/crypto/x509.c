/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Certificates, field by field as RFC 5280 wants them. Extensions are built from constant
 * texts only; names, which come from outside, are checked and then put in as structures,
 * so that no comma in a host name can become an extension.
 */
#include "crypto/x509.h"

#include "base/str.h"
#include "crypto/lib.h"

#include <arpa/inet.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

enum { CN_MAX = 64, DNS_MAX = 253, LABEL_MAX = 63, SERIAL_SIZE = 16, IP_TEXT_MAX = 64 };

/* ---- names ---- */

static bool is_label(struct str l)
{
	if (l.n == 0 || l.n > LABEL_MAX || l.p[0] == '-' || l.p[l.n - 1] == '-')
		return false;
	for (size_t i = 0; i < l.n; i++)
		if (!char_alnum(l.p[i]) && l.p[i] != '-')
			return false;
	return true;
}

static bool all_digits(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!char_digit(s.p[i]))
			return false;
	return true;
}

/* RFC 5280 4.2.1.6 with RFC 1123 2.1: letters, digits, hyphens; a number at the end would be a botched IP address. */
static bool is_dns_name(struct str s)
{
	struct str last = { 0 };

	if (s.n == 0 || s.n > DNS_MAX)
		return false;
	if (str_starts(s, S("*.")))
		s = str_from(s, 2);
	for (struct str rest = s; rest.p;) {
		last = str_cut(&rest, '.');
		if (!is_label(last))
			return false;
	}
	return !all_digits(last);
}

/* The number of bytes written (4 or 16), or 0 when it is no address. */
static int ip_bytes(struct str s, uint8_t out[16])
{
	char z[IP_TEXT_MAX];

	if (s.n == 0 || s.n >= sizeof z || memchr(s.p, 0, s.n))
		return 0;
	memcpy(z, s.p, s.n);
	z[s.n] = 0;
	return inet_pton(AF_INET, z, out) == 1 ? 4 : inet_pton(AF_INET6, z, out) == 1 ? 16 : 0;
}

static bool names_ok(const struct str *names, size_t n)
{
	uint8_t ip[16];

	for (size_t i = 0; i < n; i++)
		if (ip_bytes(names[i], ip) == 0 && !is_dns_name(names[i]))
			return false;
	return n > 0 && n <= X509_NAMES_MAX;
}

static GENERAL_NAME *general_name(struct str name)
{
	uint8_t ip[16];
	int ip_n = ip_bytes(name, ip);
	GENERAL_NAME *g = GENERAL_NAME_new();
	ASN1_STRING *s = ip_n ? ASN1_OCTET_STRING_new() : ASN1_IA5STRING_new();

	assert(g && s);
	MUST(ip_n ? ASN1_STRING_set(s, ip, ip_n) : ASN1_STRING_set(s, name.p, (int)name.n));
	GENERAL_NAME_set0_value(g, ip_n ? GEN_IPADD : GEN_DNS, s);
	return g;
}

static void add_names(X509 *cert, const struct str *names, size_t n)
{
	GENERAL_NAMES *all = GENERAL_NAMES_new();

	assert(all);
	for (size_t i = 0; i < n; i++)
		assert(sk_GENERAL_NAME_push(all, general_name(names[i])) > 0);
	MUST(X509_add1_ext_i2d(cert, NID_subject_alt_name, all, 0, X509V3_ADD_DEFAULT));
	GENERAL_NAMES_free(all);
}

/* ---- the parts of a certificate ---- */

static void add_extension(X509 *cert, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX ctx;

	X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
	X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	assert(e);
	MUST(X509_add_ext(cert, e, -1));
	X509_EXTENSION_free(e);
}

/* Unique and unguessable, positive and not zero (RFC 5280 4.1.2.2). */
static void set_serial(X509 *cert, struct world *w)
{
	uint8_t bytes[SERIAL_SIZE];

	world_random(w, bytes, sizeof bytes);
	bytes[0] = (uint8_t)((bytes[0] & 0x7f) | 0x40);
	BIGNUM *n = BN_bin2bn(bytes, sizeof bytes, NULL);
	assert(n && BN_to_ASN1_INTEGER(n, X509_get_serialNumber(cert)));
	BN_free(n);
}

static void set_time(ASN1_TIME *t, int64_t at_s)
{
	ASN1_TIME *made = ASN1_TIME_set(t, (time_t)at_s);
	assert(made == t);
}

static void set_subject(X509 *cert, struct str cn)
{
	X509_NAME *name = X509_get_subject_name(cert);
	const unsigned char *p = (const unsigned char *)cn.p;

	MUST(X509_NAME_add_entry_by_txt(name, "O", MBSTRING_UTF8, (const unsigned char *)"Holdfast", -1, -1, 0));
	if (cn.n)
		MUST(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, p, (int)cn.n, -1, 0));
}

static X509 *cert_new(struct world *w, EVP_PKEY *key, struct str cn, int64_t until_s)
{
	X509 *cert = X509_new();

	assert(cert);
	MUST(X509_set_version(cert, X509_VERSION_3));
	set_serial(cert, w);
	set_subject(cert, cn);
	set_time(X509_getm_notBefore(cert), world_now_s(w) - 3600); /* clients' clocks are not all right */
	set_time(X509_getm_notAfter(cert), until_s);
	MUST(X509_set_pubkey(cert, key));
	return cert;
}

static void sign(X509 *cert, X509 *issuer, EVP_PKEY *issuer_key)
{
	MUST(X509_set_issuer_name(cert, X509_get_subject_name(issuer)));
	add_extension(cert, issuer, NID_subject_key_identifier, "hash");
	add_extension(cert, issuer, NID_authority_key_identifier, "keyid:always");
	assert(X509_sign(cert, issuer_key, EVP_sha256()) > 0);
}

/* ---- PEM ---- */

static struct str take_text(BIO *b, struct arena *mem)
{
	char *p = NULL;
	int64_t n = BIO_get_mem_data(b, &p);
	struct str text = str_dup(mem, str_make(p, (size_t)n));

	BIO_free(b); /* wipes its memory */
	return text;
}

static struct x509_pair pair_of(struct arena *mem, X509 *cert, EVP_PKEY *key)
{
	BIO *c = BIO_new(BIO_s_mem()), *k = BIO_new(BIO_s_mem());

	assert(c && k);
	MUST(PEM_write_bio_X509(c, cert));
	MUST(PEM_write_bio_PKCS8PrivateKey(k, key, NULL, NULL, 0, NULL, NULL));
	return (struct x509_pair){ take_text(c, mem), take_text(k, mem) };
}

static BIO *text_bio(struct str text)
{
	assert(text.n <= INT32_MAX);
	BIO *b = BIO_new_mem_buf(text.n ? text.p : "", (int)text.n);
	assert(b);
	return b;
}

static X509 *cert_of(struct str pem)
{
	BIO *b = text_bio(pem);
	X509 *cert = PEM_read_bio_X509(b, NULL, NULL, NULL);

	BIO_free(b);
	return cert;
}

static EVP_PKEY *key_of(struct str pem)
{
	BIO *b = text_bio(pem);
	EVP_PKEY *key = PEM_read_bio_PrivateKey(b, NULL, crypto_no_password, NULL);

	BIO_free(b);
	return key;
}

/* ---- the interface ---- */

struct status x509_ca_new(struct world *w, struct arena *mem, struct str common_name, struct x509_pair *out)
{
	if (common_name.n == 0 || common_name.n > CN_MAX || !str_is_utf8(common_name))
		return ERR(E_INVALID);
	crypto_start();
	EVP_PKEY *key = EVP_EC_gen("P-256");
	assert(key);
	X509 *cert = cert_new(w, key, common_name, world_now_s(w) + (int64_t)X509_CA_DAYS * 86400);
	add_extension(cert, cert, NID_basic_constraints, "critical,CA:TRUE,pathlen:0");
	add_extension(cert, cert, NID_key_usage, "critical,keyCertSign,cRLSign");
	sign(cert, cert, key);
	*out = pair_of(mem, cert, key);
	X509_free(cert);
	EVP_PKEY_free(key);
	return OK;
}

static int64_t end_of(const X509 *cert)
{
	static const int64_t day_s = 86400;
	ASN1_TIME *epoch = ASN1_TIME_set(NULL, 0);
	int days = 0, seconds = 0;

	assert(epoch);
	if (!ASN1_TIME_diff(&days, &seconds, epoch, X509_get0_notAfter(cert)))
		days = seconds = 0; /* no readable end: ended long ago */
	ASN1_TIME_free(epoch);
	return days * day_s + seconds;
}

static X509 *server_cert(struct world *w, X509 *ca, EVP_PKEY *ca_key, EVP_PKEY *key, const struct str *names, size_t n)
{
	int64_t until_s = world_now_s(w) + (int64_t)X509_SERVER_DAYS * 86400, ca_end_s = end_of(ca);
	struct str cn = names[0].n <= CN_MAX ? names[0] : S("");
	X509 *cert = cert_new(w, key, cn, until_s < ca_end_s ? until_s : ca_end_s);

	add_names(cert, names, n);
	add_extension(cert, ca, NID_basic_constraints, "critical,CA:FALSE");
	add_extension(cert, ca, NID_key_usage, "critical,digitalSignature");
	add_extension(cert, ca, NID_ext_key_usage, "serverAuth");
	sign(cert, ca, ca_key);
	return cert;
}

struct status x509_server_new(struct world *w, struct arena *mem, const struct x509_pair *ca, const struct str *names,
			      size_t n_names, struct x509_pair *out)
{
	if (!names_ok(names, n_names))
		return ERR(E_INVALID);
	crypto_start();
	struct status st = ERR(E_INVALID);
	X509 *ca_cert = cert_of(ca->cert_pem);
	EVP_PKEY *ca_key = key_of(ca->key_pem);
	if (ca_cert && ca_key && X509_check_private_key(ca_cert, ca_key) == 1 && X509_check_ca(ca_cert) == 1) {
		EVP_PKEY *key = EVP_EC_gen("P-256");
		assert(key);
		X509 *cert = server_cert(w, ca_cert, ca_key, key, names, n_names);
		*out = pair_of(mem, cert, key);
		X509_free(cert);
		EVP_PKEY_free(key);
		st = OK;
	}
	X509_free(ca_cert);
	EVP_PKEY_free(ca_key);
	ERR_clear_error(); /* the thread's queue belongs to whoever uses libcrypto next */
	return st;
}

struct status x509_not_after(struct str cert_pem, int64_t *ms)
{
	crypto_start();
	X509 *cert = cert_of(cert_pem);

	ERR_clear_error();
	if (!cert)
		return ERR(E_INVALID);
	*ms = end_of(cert) * 1000;
	X509_free(cert);
	return OK;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Certificates that others bring: what fits together is taken, and each way of not fitting
 * has its own name. The certificates are made here, by libcrypto.
 */
#include "crypto/x509_check.h"

#include "base/str.h"
#include "base/test.h"
#include "crypto/x509.h"

#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

static const int64_t now_ms = 1767225600000; /* 2026-01-01T00:00:00Z */
enum { DAY_S = 86400 };

static struct str text_of(struct arena *mem, BIO *b)
{
	char *p = NULL;
	int64_t n = BIO_get_mem_data(b, &p);
	struct str s = str_dup(mem, str_make(p, (size_t)n));
	BIO_free(b);
	return s;
}

struct who {
	X509 *cert;
	EVP_PKEY *key;
	struct str cert_pem, key_pem;
};

struct profile {
	EVP_PKEY *key;
	int version, from_day, to_day;
};

static struct who make(struct arena *mem, const char *cn, const struct who *issuer, struct profile p)
{
	struct who w = { X509_new(), p.key, { 0 }, { 0 } };
	X509_NAME *name = X509_get_subject_name(w.cert);
	EXPECT(X509_set_version(w.cert, p.version) == 1 && ASN1_INTEGER_set(X509_get_serialNumber(w.cert), 7) == 1);
	EXPECT(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)cn, -1, -1, 0) == 1);
	EXPECT(ASN1_TIME_set(X509_getm_notBefore(w.cert), (time_t)(now_ms / 1000 + p.from_day * DAY_S)));
	EXPECT(ASN1_TIME_set(X509_getm_notAfter(w.cert), (time_t)(now_ms / 1000 + p.to_day * DAY_S)));
	EXPECT(X509_set_pubkey(w.cert, w.key) == 1);
	EXPECT(X509_set_issuer_name(w.cert, X509_get_subject_name(issuer ? issuer->cert : w.cert)) == 1);
	EXPECT(X509_sign(w.cert, issuer ? issuer->key : w.key, EVP_sha256()) > 0);
	BIO *c = BIO_new(BIO_s_mem()), *k = BIO_new(BIO_s_mem());
	EXPECT(PEM_write_bio_X509(c, w.cert) == 1);
	EXPECT(PEM_write_bio_PKCS8PrivateKey(k, w.key, NULL, NULL, 0, NULL, NULL) == 1);
	w.cert_pem = text_of(mem, c);
	w.key_pem = text_of(mem, k);
	return w;
}

static void end(struct who *w)
{
	X509_free(w->cert);
	EVP_PKEY_free(w->key);
}

#define USUAL(key_) \
	(struct profile) { .key = (key_), .version = X509_VERSION_3, .from_day = -1, .to_day = 90 }

struct family {
	struct arena *mem;
	struct who root, middle, leaf, other;
	struct str chain; /* middle, root */
};

static struct family family(void)
{
	struct family f = { .mem = arena_new() };
	f.root = make(f.mem, "root", NULL, USUAL(EVP_EC_gen("P-256")));
	f.middle = make(f.mem, "middle", &f.root, USUAL(EVP_EC_gen("P-384")));
	f.leaf = make(f.mem, "www.example.com", &f.middle, USUAL(EVP_EC_gen("P-256")));
	f.other = make(f.mem, "other", NULL, USUAL(EVP_EC_gen("P-256")));
	f.chain = arena_printf(f.mem, "%.*s%.*s", PR(f.middle.cert_pem), PR(f.root.cert_pem));
	return f;
}

static void family_end(struct family *f)
{
	end(&f->root), end(&f->middle), end(&f->leaf), end(&f->other);
	arena_free(f->mem);
}

static const struct str none;

static enum x509_verdict ask(struct str cert, struct str key, struct str chain)
{
	struct x509_checked found;
	return x509_check(cert, key, chain, now_ms, &found);
}

static void what_fits_is_taken_and_its_end_is_told(void)
{
	struct family f = family();
	struct x509_checked found;
	EXPECT(x509_check(f.leaf.cert_pem, f.leaf.key_pem, f.chain, now_ms, &found) == X509_FITS);
	EXPECT(found.not_after_ms == now_ms + INT64_C(90) * DAY_S * 1000);
	EXPECT(ask(f.leaf.cert_pem, f.leaf.key_pem, none) == X509_FITS);
	EXPECT(ask(f.leaf.cert_pem, f.leaf.key_pem, f.middle.cert_pem) == X509_FITS);
	EXPECT(ask(f.root.cert_pem, f.root.key_pem, none) == X509_FITS);
	struct str airy = arena_printf(f.mem, "\n  \r\n%.*s\n\n", PR(f.leaf.cert_pem));
	EXPECT(ask(airy, f.leaf.key_pem,
		   arena_printf(f.mem, "%.*s\n\n%.*s\n", PR(f.middle.cert_pem), PR(f.root.cert_pem))) == X509_FITS);
	family_end(&f);
}

static void what_is_no_certificate_is_refused(void)
{
	struct family f = family();
	struct str bad[] = {
		S(""),
		S("x"),
		S("-----BEGIN CERTIFICATE-----"),
		S("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"),
		f.leaf.key_pem,
		f.chain,                                                     /* two */
		arena_printf(f.mem, "subject=x\n%.*s", PR(f.leaf.cert_pem)), /* text before it */
		arena_printf(f.mem, "%.*sand more", PR(f.leaf.cert_pem)),    /* text behind it */
		str_sub(f.leaf.cert_pem, 0, f.leaf.cert_pem.n - 30),         /* cut off */
		arena_printf(f.mem, "%.*s%.*s", PR(f.leaf.cert_pem), PR(f.leaf.key_pem)),
	};
	for (size_t i = 0; i < COUNT(bad); i++) {
		printf("# %zu\n", i);
		EXPECT(ask(bad[i], f.leaf.key_pem, none) == X509_BAD_CERT);
	}
	struct who old = make(f.mem, "v1", NULL, (struct profile){ EVP_EC_gen("P-256"), X509_VERSION_1, -1, 90 });
	EXPECT(ask(old.cert_pem, old.key_pem, none) == X509_BAD_CERT);
	struct who curve = make(f.mem, "curve", NULL, USUAL(EVP_EC_gen("secp256k1")));
	EXPECT(ask(curve.cert_pem, curve.key_pem, none) == X509_BAD_CERT);
	struct who small = make(f.mem, "small", NULL, USUAL(EVP_RSA_gen(768)));
	EXPECT(ask(small.cert_pem, small.key_pem, none) == X509_BAD_CERT);
	end(&old), end(&curve), end(&small);
	family_end(&f);
}

static void the_key_must_be_a_key_and_the_certificates(void)
{
	struct family f = family();
	EXPECT(ask(f.leaf.cert_pem, f.middle.key_pem, none) == X509_BAD_PAIR);
	EXPECT(ask(f.leaf.cert_pem, f.other.key_pem, none) == X509_BAD_PAIR);
	EXPECT(ask(f.leaf.cert_pem, S("x"), none) == X509_BAD_KEY);
	EXPECT(ask(f.leaf.cert_pem, f.leaf.cert_pem, none) == X509_BAD_KEY);
	EXPECT(ask(f.leaf.cert_pem, arena_printf(f.mem, "%.*s%.*s", PR(f.leaf.key_pem), PR(f.leaf.key_pem)), none) ==
	       X509_BAD_KEY);
	BIO *k = BIO_new(BIO_s_mem());
	char password[] = "password";
	EXPECT(PEM_write_bio_PKCS8PrivateKey(k, f.leaf.key, EVP_aes_256_cbc(), password, 8, NULL, NULL) == 1);
	EXPECT(ask(f.leaf.cert_pem, text_of(f.mem, k), none) == X509_BAD_KEY);
	/* the older forms: "EC PRIVATE KEY", "RSA PRIVATE KEY" */
	k = BIO_new(BIO_s_mem());
	EXPECT(PEM_write_bio_PrivateKey_traditional(k, f.leaf.key, NULL, NULL, 0, NULL, NULL) == 1);
	struct str ec = text_of(f.mem, k);
	EXPECT(ask(f.leaf.cert_pem, ec, none) == X509_FITS);
	struct str parameters = S("-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n");
	EXPECT(ask(f.leaf.cert_pem, arena_printf(f.mem, "%.*s%.*s", PR(parameters), PR(ec)), none) == X509_FITS);
	struct who rsa = make(f.mem, "rsa", NULL, USUAL(EVP_RSA_gen(2048)));
	k = BIO_new(BIO_s_mem());
	EXPECT(PEM_write_bio_PrivateKey_traditional(k, rsa.key, NULL, NULL, 0, NULL, NULL) == 1);
	EXPECT(ask(rsa.cert_pem, text_of(f.mem, k), none) == X509_FITS);
	EXPECT(ask(rsa.cert_pem, f.leaf.key_pem, none) == X509_BAD_PAIR);
	end(&rsa);
	family_end(&f);
}

static void the_chain_begins_with_the_issuer_and_goes_on_in_order(void)
{
	struct family f = family();
	struct x509_checked found;
	struct {
		struct str chain;
		int wrong;
	} cases[] = {
		{ f.root.cert_pem, -1 },
		{ f.other.cert_pem, -1 },
		{ f.leaf.cert_pem, -1 },
		{ arena_printf(f.mem, "%.*s%.*s", PR(f.root.cert_pem), PR(f.middle.cert_pem)), -1 },
		{ arena_printf(f.mem, "%.*s%.*s", PR(f.middle.cert_pem), PR(f.other.cert_pem)), 0 },
		{ arena_printf(f.mem, "%.*s%.*s", PR(f.chain), PR(f.other.cert_pem)), 1 },
	};
	for (size_t i = 0; i < COUNT(cases); i++) {
		EXPECT(x509_check(f.leaf.cert_pem, f.leaf.key_pem, cases[i].chain, now_ms, &found) == X509_WRONG_CHAIN);
		EXPECT(found.wrong == cases[i].wrong);
	}
	/* the right names, the wrong key */
	struct who twin = make(f.mem, "middle", &f.root, USUAL(EVP_EC_gen("P-384")));
	EXPECT(ask(f.leaf.cert_pem, f.leaf.key_pem, twin.cert_pem) == X509_WRONG_CHAIN);
	EXPECT(ask(f.leaf.cert_pem, f.leaf.key_pem, S("")) == X509_BAD_CHAIN);
	EXPECT(ask(f.leaf.cert_pem, f.leaf.key_pem, S("x")) == X509_BAD_CHAIN);
	EXPECT(ask(f.leaf.cert_pem, f.leaf.key_pem, arena_printf(f.mem, "%.*sx", PR(f.middle.cert_pem))) ==
	       X509_BAD_CHAIN);
	end(&twin);
	family_end(&f);
}

static void a_chain_has_an_end(void)
{
	struct family f = family();
	struct str chain = arena_printf(f.mem, "%.*s", PR(f.root.cert_pem));
	for (int i = 1; i < X509_CHAIN_MAX; i++)
		chain = arena_printf(f.mem, "%.*s%.*s", PR(chain), PR(f.root.cert_pem));
	EXPECT(ask(f.root.cert_pem, f.root.key_pem, chain) == X509_FITS); /* it issued itself */
	chain = arena_printf(f.mem, "%.*s%.*s", PR(chain), PR(f.root.cert_pem));
	EXPECT(ask(f.root.cert_pem, f.root.key_pem, chain) == X509_BAD_CHAIN);
	family_end(&f);
}

static void today_is_within_its_time(void)
{
	struct family f = family();
	struct who late = make(f.mem, "l", NULL, (struct profile){ EVP_EC_gen("P-256"), X509_VERSION_3, -9, -1 });
	struct who early = make(f.mem, "e", NULL, (struct profile){ EVP_EC_gen("P-256"), X509_VERSION_3, 1, 9 });
	EXPECT(ask(late.cert_pem, late.key_pem, none) == X509_TOO_LATE);
	EXPECT(ask(early.cert_pem, early.key_pem, none) == X509_TOO_EARLY);
	end(&late), end(&early);
	family_end(&f);
}

RUN_ALL(T(what_fits_is_taken_and_its_end_is_told), T(what_is_no_certificate_is_refused),
	T(the_key_must_be_a_key_and_the_certificates), T(the_chain_begins_with_the_issuer_and_goes_on_in_order),
	T(a_chain_has_an_end), T(today_is_within_its_time))

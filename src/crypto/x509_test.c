/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Certificates: libcrypto's own verifier accepts them for what they are for, and for
 * nothing else.
 */
#include "crypto/x509.h"

#include "base/str.h"
#include "base/test.h"

#include <openssl/pem.h>
#include <openssl/x509v3.h>

static const int64_t now_ms = 1767225600000; /* 2026-01-01T00:00:00Z */
static const int64_t day_ms = 86400000;

struct made {
	struct world w;
	struct arena *mem;
	struct x509_pair ca, server;
};

static struct made make(void)
{
	static const struct str names[] = { S("localhost"), S("*.s3.localhost"), S("127.0.0.1"), S("::1"),
					    S("Host-1.example.org") };
	struct made m = { .mem = arena_new() };

	world_fake(&m.w, now_ms, 1);
	EXPECT_OK(x509_ca_new(&m.w, m.mem, S("Holdfast local CA"), &m.ca));
	EXPECT_OK(x509_server_new(&m.w, m.mem, &m.ca, names, COUNT(names), &m.server));
	return m;
}

static void made_end(struct made *m)
{
	arena_wipe(m->mem);
	arena_free(m->mem);
}

static X509 *parse(struct str pem)
{
	BIO *b = BIO_new_mem_buf(pem.p, (int)pem.n);
	X509 *x = PEM_read_bio_X509(b, NULL, NULL, NULL);

	EXPECT(x);
	BIO_free(b);
	return x;
}

/* X509_V_OK, or why `server` is not a TLS server's certificate under `ca` at that time. */
static int verify(struct str ca, struct str server, int64_t at_ms, const char *host, const char *ip)
{
	X509_STORE *store = X509_STORE_new();
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	X509 *root = parse(ca), *leaf = parse(server);

	EXPECT(X509_STORE_add_cert(store, root) == 1 && X509_STORE_CTX_init(ctx, store, leaf, NULL) == 1);
	X509_VERIFY_PARAM *p = X509_STORE_CTX_get0_param(ctx);
	X509_VERIFY_PARAM_set_time(p, at_ms / 1000);
	X509_VERIFY_PARAM_set_flags(p, X509_V_FLAG_X509_STRICT);
	EXPECT(X509_VERIFY_PARAM_set_purpose(p, X509_PURPOSE_SSL_SERVER) == 1);
	EXPECT(!host || X509_VERIFY_PARAM_set1_host(p, host, 0) == 1);
	EXPECT(!ip || X509_VERIFY_PARAM_set1_ip_asc(p, ip) == 1);
	int why = X509_verify_cert(ctx) == 1 ? X509_V_OK : X509_STORE_CTX_get_error(ctx);
	X509_STORE_CTX_free(ctx);
	X509_STORE_free(store);
	X509_free(root);
	X509_free(leaf);
	return why;
}

static void a_strict_verifier_accepts_every_name(void)
{
	static const char *const hosts[] = { "localhost", "bucket.s3.localhost", "host-1.example.org" };
	static const char *const ips[] = { "127.0.0.1", "::1" };
	struct made m = make();

	for (size_t i = 0; i < COUNT(hosts); i++)
		EXPECT(verify(m.ca.cert_pem, m.server.cert_pem, now_ms, hosts[i], NULL) == X509_V_OK);
	for (size_t i = 0; i < COUNT(ips); i++)
		EXPECT(verify(m.ca.cert_pem, m.server.cert_pem, now_ms, NULL, ips[i]) == X509_V_OK);
	made_end(&m);
}

static void other_names_are_refused(void)
{
	struct made m = make();

	EXPECT(verify(m.ca.cert_pem, m.server.cert_pem, now_ms, "example.org", NULL) == X509_V_ERR_HOSTNAME_MISMATCH);
	EXPECT(verify(m.ca.cert_pem, m.server.cert_pem, now_ms, NULL, "127.0.0.2") == X509_V_ERR_IP_ADDRESS_MISMATCH);
	made_end(&m);
}

static void they_are_valid_from_an_hour_ago_for_ten_years_and_397_days(void)
{
	struct made m = make();
	int64_t ca_ends, server_ends;

	EXPECT_OK(x509_not_after(m.ca.cert_pem, &ca_ends));
	EXPECT_OK(x509_not_after(m.server.cert_pem, &server_ends));
	EXPECT(ca_ends == now_ms + X509_CA_DAYS * day_ms);
	EXPECT(server_ends == now_ms + X509_SERVER_DAYS * day_ms);
	EXPECT(verify(m.ca.cert_pem, m.server.cert_pem, now_ms - 3599 * 1000, NULL, NULL) == X509_V_OK);
	EXPECT(verify(m.ca.cert_pem, m.server.cert_pem, now_ms - 3601 * 1000, NULL, NULL) ==
	       X509_V_ERR_CERT_NOT_YET_VALID);
	EXPECT(verify(m.ca.cert_pem, m.server.cert_pem, server_ends + 1000, NULL, NULL) == X509_V_ERR_CERT_HAS_EXPIRED);
	made_end(&m);
}

static void a_server_certificate_ends_no_later_than_its_ca(void)
{
	struct made m = make();
	int64_t ca_ends, server_ends;
	struct str name = S("localhost");

	world_advance(&m.w, (X509_CA_DAYS - 10) * day_ms);
	EXPECT_OK(x509_server_new(&m.w, m.mem, &m.ca, &name, 1, &m.server));
	EXPECT_OK(x509_not_after(m.ca.cert_pem, &ca_ends));
	EXPECT_OK(x509_not_after(m.server.cert_pem, &server_ends));
	EXPECT(server_ends == ca_ends);
	made_end(&m);
}

static void the_ca_may_only_sign_and_the_server_only_serve(void)
{
	struct made m = make();
	X509 *ca = parse(m.ca.cert_pem), *server = parse(m.server.cert_pem);

	EXPECT(X509_check_ca(ca) == 1 && X509_get_pathlen(ca) == 0);
	EXPECT(X509_get_key_usage(ca) == (KU_KEY_CERT_SIGN | KU_CRL_SIGN));
	EXPECT(X509_check_ca(server) == 0);
	EXPECT(!(X509_get_extension_flags(server) & EXFLAG_CA));
	EXPECT(X509_get_key_usage(server) == KU_DIGITAL_SIGNATURE);
	EXPECT(X509_get_extended_key_usage(server) == XKU_SSL_SERVER);
	EXPECT(EVP_PKEY_get_bits(X509_get0_pubkey(server)) == 256);
	EXPECT(ASN1_INTEGER_cmp(X509_get0_serialNumber(ca), X509_get0_serialNumber(server)) != 0);
	X509_free(ca);
	X509_free(server);
	made_end(&m);
}

static void another_ca_of_the_same_name_is_not_trusted(void)
{
	struct made m = make(), other = make();

	EXPECT(verify(other.ca.cert_pem, m.server.cert_pem, now_ms, NULL, NULL) != X509_V_OK);
	made_end(&m);
	made_end(&other);
}

static void bad_names_are_refused(void)
{
	static const struct str bad[] = {
		S(""),
		S("a..b"),
		S(".a"),
		S("a."),
		S("-a"),
		S("a-"),
		S("a b"),
		S("a,DNS:evil"),
		S("a\0b"),
		S("*"),
		S("*."),
		S("a.*.b"),
		S("**.a"),
		S("1.2.3"),
		S("256.1.1.1"),
		S("127.0.0.1:80"),
		S("[::1]"),
		S("a_b"),
		S("\xc3\xa4.de"),
		S("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.de"), /* a label of 64 */
	};
	struct made m = make();
	struct x509_pair out = { 0 };
	struct str many[X509_NAMES_MAX + 1];

	for (size_t i = 0; i < COUNT(bad); i++) {
		struct str names[] = { S("localhost"), bad[i] };
		EXPECT_ERR(x509_server_new(&m.w, m.mem, &m.ca, names, COUNT(names), &out), E_INVALID);
		EXPECT_ERR(x509_server_new(&m.w, m.mem, &m.ca, &bad[i], 1, &out), E_INVALID);
	}
	for (size_t i = 0; i < COUNT(many); i++)
		many[i] = S("localhost");
	EXPECT_ERR(x509_server_new(&m.w, m.mem, &m.ca, many, 0, &out), E_INVALID);
	EXPECT_ERR(x509_server_new(&m.w, m.mem, &m.ca, many, X509_NAMES_MAX + 1, &out), E_INVALID);
	EXPECT_OK(x509_server_new(&m.w, m.mem, &m.ca, many, X509_NAMES_MAX, &out));
	made_end(&m);
}

static void a_name_too_long_for_a_common_name_still_works(void)
{
	struct made m = make();
	struct str name = S("a-rather-long-host-name.in-a-rather-long-domain.of-a-rather-long-company.example.org");
	char z[128];

	EXPECT_OK(x509_server_new(&m.w, m.mem, &m.ca, &name, 1, &m.server));
	snprintf(z, sizeof z, "%.*s", PR(name));
	EXPECT(verify(m.ca.cert_pem, m.server.cert_pem, now_ms, z, NULL) == X509_V_OK);
	made_end(&m);
}

static void a_ca_pair_that_does_not_fit_is_refused(void)
{
	struct made m = make(), other = make();
	struct str name = S("localhost");
	struct x509_pair out, wrong[] = {
		{ m.ca.cert_pem, other.ca.key_pem },
		{ m.server.cert_pem, m.server.key_pem },
		{ S("junk"), m.ca.key_pem },
		{ m.ca.cert_pem, S("") },
		{ S(""), S("") },
	};
	for (size_t i = 0; i < COUNT(wrong); i++)
		EXPECT_ERR(x509_server_new(&m.w, m.mem, &wrong[i], &name, 1, &out), E_INVALID);
	int64_t ms;
	EXPECT_ERR(x509_not_after(S("junk"), &ms), E_INVALID);
	EXPECT_ERR(x509_ca_new(&m.w, m.mem, S(""), &out), E_INVALID);
	EXPECT_ERR(x509_ca_new(&m.w, m.mem, S("\xff"), &out), E_INVALID);
	made_end(&m);
	made_end(&other);
}

RUN_ALL(T(a_strict_verifier_accepts_every_name), T(other_names_are_refused),
	T(they_are_valid_from_an_hour_ago_for_ten_years_and_397_days),
	T(a_server_certificate_ends_no_later_than_its_ca), T(the_ca_may_only_sign_and_the_server_only_serve),
	T(another_ca_of_the_same_name_is_not_trusted), T(bad_names_are_refused),
	T(a_name_too_long_for_a_common_name_still_works), T(a_ca_pair_that_does_not_fit_is_refused))

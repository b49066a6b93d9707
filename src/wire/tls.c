/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GnuTLS behind libmicrohttpd: the few settings and names of tls.h.
 */
#include "wire/tls.h"
#include "base/str.h"

#include <gnutls/gnutls.h>
#include <gnutls/x509.h>

const char tls_priorities[] = "NONE:+VERS-TLS1.3:+VERS-TLS1.2"
			      ":+AES-128-GCM:+AES-256-GCM:+CHACHA20-POLY1305:+AEAD"
			      ":+ECDHE-ECDSA:+ECDHE-RSA"
			      ":+GROUP-X25519:+GROUP-SECP256R1:+GROUP-SECP384R1"
			      ":+SIGN-ECDSA-SECP256R1-SHA256:+SIGN-ECDSA-SECP384R1-SHA384:+SIGN-EDDSA-ED25519"
			      ":+SIGN-ECDSA-SHA256:+SIGN-ECDSA-SHA384"
			      ":+SIGN-RSA-PSS-RSAE-SHA256:+SIGN-RSA-PSS-RSAE-SHA384:+SIGN-RSA-PSS-RSAE-SHA512"
			      ":+SIGN-RSA-SHA256:+SIGN-RSA-SHA384:+SIGN-RSA-SHA512"
			      ":+CTYPE-X509:%SERVER_PRECEDENCE";

struct tls_tickets {
	gnutls_datum_t key;
};

struct tls_tickets *tls_tickets_new(void)
{
	struct tls_tickets *t = HEAP(struct tls_tickets);
	int rc = gnutls_session_ticket_key_generate(&t->key);
	assert(rc == GNUTLS_E_SUCCESS);
	return t;
}

void tls_tickets_free(struct tls_tickets *t)
{
	if (!t)
		return;
	secret_wipe(t->key.data, t->key.size);
	gnutls_free(t->key.data);
	heap_free(t);
}

/* Without tickets a client makes a full handshake each time: slower, never wrong. So a failure is let go. */
void tls_use_tickets(void *session, const struct tls_tickets *t)
{
	(void)gnutls_session_ticket_enable_server(session, &t->key);
}

struct str tls_version_name(void *session)
{
	switch (gnutls_protocol_get_version(session)) {
	case GNUTLS_TLS1_3:
		return S("TLSv1.3");
	case GNUTLS_TLS1_2:
		return S("TLSv1.2");
	default:
		return S("unknown");
	}
}

/* Names of TLS 1.3 are the same everywhere; for TLS 1.2 GnuTLS knows IANA's, and AWS records OpenSSL's. */
struct str tls_cipher_name(void *session)
{
	static const struct {
		struct str iana, openssl;
	} names[] = {
		{ S("TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"), S("ECDHE-ECDSA-AES128-GCM-SHA256") },
		{ S("TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"), S("ECDHE-ECDSA-AES256-GCM-SHA384") },
		{ S("TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256"), S("ECDHE-ECDSA-CHACHA20-POLY1305") },
		{ S("TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"), S("ECDHE-RSA-AES128-GCM-SHA256") },
		{ S("TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"), S("ECDHE-RSA-AES256-GCM-SHA384") },
		{ S("TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256"), S("ECDHE-RSA-CHACHA20-POLY1305") },
	};
	const char *z = gnutls_ciphersuite_get(session);
	struct str iana = z ? str_of(z) : S("unknown");
	for (size_t i = 0; i < COUNT(names); i++)
		if (str_eq(names[i].iana, iana))
			return names[i].openssl;
	return iana;
}

static gnutls_datum_t datum(struct str s)
{
	return (gnutls_datum_t){ .data = (unsigned char *)(uintptr_t)s.p, .size = (unsigned)s.n };
}

/* Asked first because GnuTLS 3.7 leaks when it is given a pair with a certificate that does not parse. */
static bool is_chain(const gnutls_datum_t *pem)
{
	gnutls_x509_crt_t *list;
	unsigned n;
	if (gnutls_x509_crt_list_import2(&list, &n, pem, GNUTLS_X509_FMT_PEM, 0) < 0)
		return false;
	for (unsigned i = 0; i < n; i++)
		gnutls_x509_crt_deinit(list[i]);
	gnutls_free(list);
	return n > 0;
}

struct status tls_check_pair(struct str cert_pem, struct str key_pem)
{
	gnutls_datum_t cert = datum(cert_pem), key = datum(key_pem);
	if (!is_chain(&cert))
		return ERR(E_INVALID);
	gnutls_certificate_credentials_t cred;
	int rc = gnutls_certificate_allocate_credentials(&cred);
	assert(rc == GNUTLS_E_SUCCESS);
	rc = gnutls_certificate_set_x509_key_mem(cred, &cert, &key, GNUTLS_X509_FMT_PEM);
	gnutls_certificate_free_credentials(cred);
	return rc == GNUTLS_E_SUCCESS ? OK : ERR(E_INVALID);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TLS as a client meets it: what is spoken, what is not, and what the handler is told.
 * The certificate is made on the spot.
 */
#include "wire/http_testing.h"
#include "wire/tls.h"

#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <time.h>

static struct http_server *server;
static struct arena *mem;

struct pair {
	struct str cert, key;
};

static struct pair pair_new(gnutls_pk_algorithm_t algorithm, unsigned bits)
{
	gnutls_x509_privkey_t key;
	gnutls_x509_crt_t crt;
	gnutls_datum_t out;
	struct pair p;
	EXPECT(gnutls_x509_privkey_init(&key) == 0 && gnutls_x509_crt_init(&crt) == 0);
	EXPECT(gnutls_x509_privkey_generate(key, algorithm, bits, 0) == 0);
	EXPECT(gnutls_x509_crt_set_version(crt, 3) == 0 && gnutls_x509_crt_set_serial(crt, "\1", 1) == 0);
	EXPECT(gnutls_x509_crt_set_dn(crt, "CN=localhost", NULL) == 0 && gnutls_x509_crt_set_key(crt, key) == 0);
	EXPECT(gnutls_x509_crt_set_activation_time(crt, 1700000000) == 0);
	EXPECT(gnutls_x509_crt_set_expiration_time(crt, 4000000000) == 0);
	EXPECT(gnutls_x509_crt_sign2(crt, crt, key, GNUTLS_DIG_SHA256, 0) == 0);
	EXPECT(gnutls_x509_crt_export2(crt, GNUTLS_X509_FMT_PEM, &out) == 0);
	p.cert = str_dup(mem, str_make(out.data, out.size));
	gnutls_free(out.data);
	EXPECT(gnutls_x509_privkey_export2(key, GNUTLS_X509_FMT_PEM, &out) == 0);
	p.key = str_dup(mem, str_make(out.data, out.size));
	gnutls_free(out.data);
	gnutls_x509_crt_deinit(crt);
	gnutls_x509_privkey_deinit(key);
	return p;
}

static struct status pull(void *arg, char *buf, size_t room, size_t *got)
{
	size_t *left = arg;
	*got = room < *left ? room : *left;
	memset(buf, 'x', *got);
	*left -= *got;
	return OK;
}

static void handler(struct http_req *req, void *arg)
{
	(void)arg;
	size_t sum = 0;
	for (;;) {
		struct str piece;
		if (failed(http_body_read(req, &piece)))
			return;
		if (!piece.n)
			break;
		sum += piece.n;
	}
	if (str_eq(req->path, S("/big"))) {
		size_t *left = NEW(req->mem, size_t);
		*left = 3000000;
		http_respond_stream(req, 200, (struct http_pairs){ 0 }, 3000000, pull, left, NULL);
		return;
	}
	http_respond(
	    req, 200, (struct http_pairs){ 0 },
	    arena_printf(req->mem, "%d %.*s %.*s %zu", req->tls, PR(req->tls_version), PR(req->tls_cipher), sum));
}

static void start(gnutls_pk_algorithm_t algorithm, unsigned bits)
{
	mem = arena_new();
	struct pair p = pair_new(algorithm, bits);
	const struct http_listen at[] = { { .addr = S("127.0.0.1"), .tls = true }, { .addr = S("127.0.0.1") } };
	const struct http_options opt = {
		.listen = at,
		.n_listen = COUNT(at),
		.cert_pem = p.cert,
		.key_pem = p.key,
		.threads = 2,
	};
	EXPECT_OK(http_start(&opt, handler, NULL, &server));
}

static void stop(void)
{
	http_stop(server, 1000);
	arena_free(mem);
}

struct tls {
	struct client c;
	gnutls_session_t session;
	gnutls_certificate_credentials_t cred;
};

/* GnuTLS's error of the handshake; 0 when it was made. */
static int tls_begin(struct tls *t, const char *priorities, const gnutls_datum_t *resume)
{
	t->c = client_to(http_port(server, 0));
	EXPECT(gnutls_init(&t->session, GNUTLS_CLIENT) == 0);
	EXPECT(gnutls_certificate_allocate_credentials(&t->cred) == 0);
	EXPECT(gnutls_credentials_set(t->session, GNUTLS_CRD_CERTIFICATE, t->cred) == 0);
	EXPECT(gnutls_priority_set_direct(t->session, priorities, NULL) == 0);
	if (resume)
		EXPECT(gnutls_session_set_data(t->session, resume->data, resume->size) == 0);
	gnutls_transport_set_int(t->session, t->c.fd);
	int rc;
	do
		rc = gnutls_handshake(t->session);
	while (rc < 0 && !gnutls_error_is_fatal(rc));
	return rc;
}

static void tls_end(struct tls *t)
{
	gnutls_deinit(t->session);
	gnutls_certificate_free_credentials(t->cred);
	client_end(&t->c);
}

static void tls_send(struct tls *t, struct str s)
{
	while (s.n) {
		ssize_t k = gnutls_record_send(t->session, s.p, s.n);
		EXPECT(k > 0);
		s = str_from(s, (size_t)k);
	}
}

/* What comes until the connection is closed. */
static struct str tls_rest(struct tls *t)
{
	size_t n = 0, cap = 4000000;
	char *p = arena_alloc(mem, cap, 1, 1);
	for (;;) {
		ssize_t k = gnutls_record_recv(t->session, p + n, cap - n);
		if (k == GNUTLS_E_AGAIN || k == GNUTLS_E_INTERRUPTED)
			continue;
		if (k <= 0)
			return str_make(p, n);
		n += (size_t)k;
	}
}

static struct str body_of(struct str answer)
{
	size_t end = str_find(answer, S("\r\n\r\n"));
	EXPECT(end != SIZE_MAX);
	return str_from(answer, end + 4);
}

#define ASK "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"

static void the_handler_knows_version_and_cipher(void)
{
	static const struct {
		gnutls_pk_algorithm_t algorithm;
		unsigned bits;
		const char *priorities, *told;
	} cases[] = {
		{ GNUTLS_PK_ECDSA, GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), "NORMAL",
		  "1 TLSv1.3 TLS_AES_128_GCM_SHA256 0" },
		{ GNUTLS_PK_ECDSA, GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), "NORMAL:-VERS-ALL:+VERS-TLS1.2",
		  "1 TLSv1.2 ECDHE-ECDSA-AES128-GCM-SHA256 0" },
		{ GNUTLS_PK_RSA, 2048, "NORMAL:-VERS-ALL:+VERS-TLS1.2", "1 TLSv1.2 ECDHE-RSA-AES128-GCM-SHA256 0" },
		{ GNUTLS_PK_RSA, 2048, "NORMAL:-CIPHER-ALL:+CHACHA20-POLY1305",
		  "1 TLSv1.3 TLS_CHACHA20_POLY1305_SHA256 0" },
	};
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct tls t;
		start(cases[i].algorithm, cases[i].bits);
		EXPECT(tls_begin(&t, cases[i].priorities, NULL) == 0);
		tls_send(&t, S(ASK));
		EXPECT_STR(body_of(tls_rest(&t)), str_of(cases[i].told));
		tls_end(&t);
		struct got plain = client_ask(http_port(server, 1), mem, S(ASK));
		EXPECT_STR(plain.body, S("0   0"));
		stop();
	}
}

static void what_is_weak_is_refused(void)
{
	static const char *priorities[] = {
		"NORMAL:-VERS-ALL:+VERS-TLS1.1:%COMPAT",
		"NORMAL:-VERS-ALL:+VERS-TLS1.0:%COMPAT",
		"NORMAL:-VERS-ALL:+VERS-TLS1.2:-CIPHER-ALL:+AES-128-CBC:+AES-256-CBC", /* no AEAD */
		"NORMAL:-VERS-ALL:+VERS-TLS1.2:-CIPHER-ALL:+AES-128-CCM",
		"NORMAL:-VERS-ALL:+VERS-TLS1.2:-KX-ALL:+RSA", /* no forward secrecy */
		"NORMAL:-VERS-ALL:+VERS-TLS1.2:-KX-ALL:+DHE-RSA",
		"NORMAL:-VERS-ALL:+VERS-TLS1.3:-CIPHER-ALL:+AES-128-CCM-8",
	};
	start(GNUTLS_PK_RSA, 2048);
	for (size_t i = 0; i < COUNT(priorities); i++) {
		struct tls t;
		EXPECT(tls_begin(&t, priorities[i], NULL) < 0);
		tls_end(&t);
	}
	EXPECT(http_stats_get(server).requests == 0);
	stop();
}

static void sessions_are_resumed_by_ticket(void)
{
	start(GNUTLS_PK_ECDSA, GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1));
	struct tls t;
	gnutls_datum_t ticket;
	EXPECT(tls_begin(&t, "NORMAL", NULL) == 0);
	tls_send(&t, S(ASK));
	tls_rest(&t);
	EXPECT(gnutls_session_get_data2(t.session, &ticket) == 0);
	tls_end(&t);
	EXPECT(tls_begin(&t, "NORMAL", &ticket) == 0);
	EXPECT(gnutls_session_is_resumed(t.session));
	tls_send(&t, S(ASK));
	EXPECT_STR(body_of(tls_rest(&t)), S("1 TLSv1.3 TLS_AES_128_GCM_SHA256 0"));
	tls_end(&t);
	gnutls_free(ticket.data);
	stop();
}

static void long_bodies_go_both_ways(void)
{
	start(GNUTLS_PK_ECDSA, GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1));
	struct tls t;
	EXPECT(tls_begin(&t, "NORMAL", NULL) == 0);
	tls_send(&t, S("PUT /a HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 1000000\r\n\r\n"));
	char *p = arena_alloc(mem, 1000000, 1, 1);
	tls_send(&t, str_make(p, 1000000));
	EXPECT_STR(body_of(tls_rest(&t)), S("1 TLSv1.3 TLS_AES_128_GCM_SHA256 1000000"));
	tls_end(&t);
	EXPECT(tls_begin(&t, "NORMAL", NULL) == 0);
	tls_send(&t, S("GET /big HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"));
	EXPECT(body_of(tls_rest(&t)).n == 3000000);
	tls_end(&t);
	stop();
}

static void plain_text_to_the_tls_port_gets_nothing(void)
{
	start(GNUTLS_PK_ECDSA, GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1));
	struct client c = client_to(http_port(server, 0));
	client_send(&c, S(ASK));
	while (client_more(&c))
		;
	EXPECT(str_find(str_make(c.text, c.n), S("HTTP")) == SIZE_MAX);
	client_end(&c);
	stop();
}

static void a_key_must_fit_its_certificate(void)
{
	mem = arena_new();
	struct pair a = pair_new(GNUTLS_PK_ECDSA, GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1));
	struct pair b = pair_new(GNUTLS_PK_ECDSA, GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1));
	EXPECT_OK(tls_check_pair(a.cert, a.key));
	EXPECT_ERR(tls_check_pair(a.cert, b.key), E_INVALID);
	EXPECT_ERR(tls_check_pair(a.key, a.cert), E_INVALID);
	EXPECT_ERR(tls_check_pair(a.cert, S("")), E_INVALID);
	EXPECT_ERR(tls_check_pair((struct str){ 0 }, (struct str){ 0 }), E_INVALID);
	EXPECT_ERR(tls_check_pair(S("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"), a.key),
		   E_INVALID);
	arena_free(mem);
}

RUN_ALL(T(the_handler_knows_version_and_cipher), T(what_is_weak_is_refused), T(sessions_are_resumed_by_ticket),
	T(long_bodies_go_both_ways), T(plain_text_to_the_tls_port_gets_nothing), T(a_key_must_fit_its_certificate))

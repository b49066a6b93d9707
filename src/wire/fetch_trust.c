/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A thumbprint stands for a certificate that is trusted as if it were an authority's. That
 * it is somewhere in the chain says nothing, for anybody can put a public certificate into
 * his chain: the server's own certificate must follow from it, signature by signature.
 */
#include "wire/fetch_trust.h"

#include "base/codec.h"
#include "base/str.h"
#include "crypto/hash.h"
#include "wire/str_list.h"

#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <netinet/in.h>
#include <pthread.h>

/* ---- addresses ---------------------------------------------------------------------------- */

struct block {
	uint8_t bytes[16];
	unsigned bits;
};

static bool in_block(const uint8_t *a, const struct block *b)
{
	unsigned whole = b->bits / 8, rest = b->bits % 8;
	if (memcmp(a, b->bytes, whole) != 0)
		return false;
	return rest == 0 || (a[whole] ^ b->bytes[whole]) >> (8 - rest) == 0;
}

static bool in_any(const uint8_t *a, const struct block *blocks, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (in_block(a, &blocks[i]))
			return true;
	return false;
}

static bool v4_is_public(const uint8_t *a)
{
	static const struct block special[] = {
		{ { 0 }, 8 },
		{ { 10 }, 8 },
		{ { 100, 64 }, 10 },
		{ { 127 }, 8 },
		{ { 169, 254 }, 16 },
		{ { 172, 16 }, 12 },
		{ { 192, 0, 0 }, 24 },
		{ { 192, 0, 2 }, 24 },
		{ { 192, 88, 99 }, 24 },
		{ { 192, 168 }, 16 },
		{ { 198, 18 }, 15 },
		{ { 198, 51, 100 }, 24 },
		{ { 203, 0, 113 }, 24 },
		{ { 224 }, 4 },
		{ { 240 }, 4 },
	};
	return !in_any(a, special, COUNT(special));
}

static bool v6_is_public(const uint8_t *a)
{
	static const struct block global = { { 0x20 }, 3 }, six_to_four = { { 0x20, 0x02 }, 16 },
				  nat64 = { { 0, 0x64, 0xff, 0x9b }, 96 },
				  mapped = { { [10] = 0xff, [11] = 0xff }, 96 };
	static const struct block special[] = {
		{ { 0x20, 0x01 }, 23 },             /* Teredo and other protocols' */
		{ { 0x20, 0x01, 0x0d, 0xb8 }, 32 }, /* documentation */
		{ { 0x3f, 0xff }, 20 },
	};
	if (in_block(a, &mapped) || in_block(a, &nat64))
		return v4_is_public(a + 12);
	if (in_block(a, &six_to_four))
		return v4_is_public(a + 2);
	return in_block(a, &global) && !in_any(a, special, COUNT(special));
}

bool address_is_public(const struct sockaddr *a)
{
	if (a->sa_family == AF_INET)
		return v4_is_public((const uint8_t *)&((const struct sockaddr_in *)(const void *)a)->sin_addr);
	if (a->sa_family == AF_INET6)
		return v6_is_public((const uint8_t *)&((const struct sockaddr_in6 *)(const void *)a)->sin6_addr);
	return false;
}

/* ---- certificates --------------------------------------------------------------------------- */

enum { CHAIN_MAX = 10 };

struct trust {
	gnutls_x509_trust_list_t authorities;
	pthread_mutex_t lock;
	bool has_system; /* under lock */
};

struct chain {
	gnutls_x509_crt_t crt[CHAIN_MAX];
	char sha1[CHAIN_MAX][2 * SHA1_SIZE];
	unsigned n;
};

struct status trust_new(struct str ca_pem, struct trust **out)
{
	struct trust *t = HEAP(struct trust);
	gnutls_datum_t pem = { (unsigned char *)(uintptr_t)ca_pem.p, (unsigned)ca_pem.n };
	int rc = gnutls_x509_trust_list_init(&t->authorities, 0);
	assert(rc == 0);
	pthread_mutex_init(&t->lock, NULL);
	if (ca_pem.n &&
	    gnutls_x509_trust_list_add_trust_mem(t->authorities, &pem, NULL, GNUTLS_X509_FMT_PEM, 0, 0) <= 0) {
		trust_free(t);
		return ERR(E_INVALID);
	}
	*out = t;
	return OK;
}

void trust_free(struct trust *t)
{
	if (!t)
		return;
	gnutls_x509_trust_list_deinit(t->authorities, 1);
	pthread_mutex_destroy(&t->lock);
	heap_free(t);
}

/* The machine's authorities when they are first asked for: they take 3.7 MiB, and most servers never fetch anything. */
static void know_system(struct trust *t)
{
	pthread_mutex_lock(&t->lock);
	if (!t->has_system)
		(void)gnutls_x509_trust_list_add_system_trust(t->authorities, 0, 0); /* a machine may have none */
	t->has_system = true;
	pthread_mutex_unlock(&t->lock);
}

static void chain_free(struct chain *c)
{
	for (unsigned i = 0; i < c->n; i++)
		gnutls_x509_crt_deinit(c->crt[i]);
}

static struct status chain_of(gnutls_session_t session, struct chain *c)
{
	unsigned n = 0;
	const gnutls_datum_t *der = gnutls_certificate_get_peers(session, &n);
	if (!der || n == 0 || n > CHAIN_MAX)
		return ERR(E_CORRUPT);
	for (unsigned i = 0; i < n; i++) {
		uint8_t digest[SHA1_SIZE];
		int rc = gnutls_x509_crt_init(&c->crt[i]);
		assert(rc == 0);
		c->n = i + 1;
		if (gnutls_x509_crt_import(c->crt[i], &der[i], GNUTLS_X509_FMT_DER) < 0)
			return ERR(E_CORRUPT);
		sha1(str_make(der[i].data, der[i].size), digest);
		hex_to(c->sha1[i], digest, sizeof digest);
	}
	return OK;
}

static bool follows(gnutls_x509_trust_list_t list, struct chain *c, unsigned n, const char *host)
{
	unsigned verdict = 0;
	gnutls_typed_vdata_st data[] = {
		{ .type = GNUTLS_DT_DNS_HOSTNAME, .data = (unsigned char *)(uintptr_t)host },
		{ .type = GNUTLS_DT_KEY_PURPOSE_OID, .data = (unsigned char *)(uintptr_t)GNUTLS_KP_TLS_WWW_SERVER },
	};
	int rc = gnutls_x509_trust_list_verify_crt2(list, c->crt, n, data, COUNT(data), 0, &verdict, NULL);
	return rc == 0 && verdict == 0;
}

/* The server's own certificate may be the listed one: it then stands for itself. */
static bool follows_from(struct chain *c, unsigned i, const char *host)
{
	gnutls_x509_trust_list_t list;
	int rc = gnutls_x509_trust_list_init(&list, 0);
	assert(rc == 0);
	bool ok = gnutls_x509_trust_list_add_cas(list, &c->crt[i], 1, 0) == 1 && follows(list, c, i ? i : 1, host);
	gnutls_x509_trust_list_deinit(list, 0);
	return ok;
}

static bool is_known(struct trust *t, struct chain *c, const char *host, struct str_list thumbprints)
{
	know_system(t);
	if (follows(t->authorities, c, c->n, host))
		return true;
	for (unsigned i = 0; i < c->n; i++)
		if (str_list_has(thumbprints, str_make(c->sha1[i], 2 * SHA1_SIZE)) && follows_from(c, i, host))
			return true;
	return false;
}

struct status trust_check(struct trust *t, void *session, const char *host, struct str_list thumbprints)
{
	struct chain c = { .n = 0 };
	struct status st = chain_of(session, &c);
	if (!failed(st) && !is_known(t, &c, host, thumbprints))
		st = ERR(E_CORRUPT);
	chain_free(&c);
	return st;
}

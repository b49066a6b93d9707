/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fetching from a server on loopback, with certificates made on the spot: who is believed,
 * what is refused. Nothing leaves the machine.
 */
#include "base/codec.h"
#include "base/fiber.h"
#include "base/world.h"
#include "crypto/hash.h"
#include "crypto/x509.h"
#include "wire/fetch.h"
#include "wire/fetch_trust.h"
#include "wire/http_testing.h"

static struct arena *mem;
static struct world world;
static struct x509_pair ca, other_ca;

static void handler(struct http_req *req, void *arg)
{
	(void)arg;
	static struct http_pair to = { { "Location", 8 }, { "https://127.0.0.1/doc", 21 } };
	if (str_eq(req->path, S("/doc")))
		http_respond(req, 200, (struct http_pairs){ 0 }, S("{\"a\":1}"));
	else if (str_eq(req->path, S("/big")))
		http_respond(req, 200, (struct http_pairs){ 0 }, str_make(NEWS(req->mem, char, 5000), 5000));
	else if (str_eq(req->path, S("/moved")))
		http_respond(req, 302, (struct http_pairs){ &to, 1 }, S(""));
	else
		http_respond(req, 404, (struct http_pairs){ 0 }, S("no"));
}

static struct http_server *serve(struct str cert_pem, struct str key_pem)
{
	const struct http_listen at[] = { { .addr = S("127.0.0.1"), .tls = true } };
	const struct http_options opt = {
		.listen = at, .n_listen = 1, .cert_pem = cert_pem, .key_pem = key_pem, .threads = 1
	};
	struct http_server *s;
	EXPECT_OK(http_start(&opt, handler, NULL, &s));
	return s;
}

static void begin(void)
{
	mem = arena_new();
	world_real(&world);
	EXPECT_OK(x509_ca_new(&world, mem, S("Test CA"), &ca));
	EXPECT_OK(x509_ca_new(&world, mem, S("Test CA"), &other_ca));
}

/* A server for `name` under that authority, whose certificate it sends along with `more`. */
static struct http_server *serve_under(const struct x509_pair *authority, struct str name, struct str more)
{
	struct x509_pair leaf;
	EXPECT_OK(x509_server_new(&world, mem, authority, &name, 1, &leaf));
	return serve(arena_printf(mem, "%.*s%.*s%.*s", PR(leaf.cert_pem), PR(authority->cert_pem), PR(more)),
		     leaf.key_pem);
}

struct asking {
	struct fetcher *f;
	struct fetch_ask ask;
	enum fetch_trouble trouble;
	struct str body;
};

static void ask(void *arg)
{
	struct asking *a = arg;
	struct fetch_source *s = fetcher_source(a->f);
	a->trouble = s->get(s, mem, &a->ask, &a->body);
}

/* Unreachable is also who answers too late: on a busy machine he is asked again. */
static struct asking fetch_with(struct fetcher *f, struct str url, struct str_list thumbprints)
{
	struct asking a = { .f = f, .ask = { url, thumbprints, 1000 }, .trouble = FETCH_UNREACHABLE };
	for (int i = 0; i < 24 && a.trouble == FETCH_UNREACHABLE; i++)
		fiber_block_on(ask, &a);
	return a;
}

static struct fetcher *fetcher(bool private_addresses, struct str ca_pem)
{
	struct fetcher *f;
	const struct fetch_options o = { private_addresses, ca_pem };
	EXPECT_OK(fetcher_new(&o, &f));
	return f;
}

static struct str at(struct http_server *s, const char *path)
{
	return arena_printf(mem, "https://127.0.0.1:%d%s", http_port(s, 0), path);
}

static struct str sha1_of(struct str pem)
{
	uint8_t digest[SHA1_SIZE];
	struct str der, text = pem;
	struct buf b = buf_in(mem);
	while (text.p) {
		struct str line = str_cut(&text, '\n');
		if (!str_starts(line, S("-----")))
			buf_put(&b, line);
	}
	EXPECT_OK(base64_decode(mem, buf_str(&b), &der));
	sha1(der, digest);
	return hex_encode(mem, str_make(digest, sizeof digest));
}

static const struct str_list no_thumbprints;

static void a_document_is_fetched_from_a_trusted_server(void)
{
	begin();
	struct http_server *s = serve_under(&ca, S("127.0.0.1"), S(""));
	struct fetcher *f = fetcher(true, ca.cert_pem);
	struct asking a = fetch_with(f, at(s, "/doc"), no_thumbprints);
	EXPECT(a.trouble == FETCH_OK);
	EXPECT_STR(a.body, S("{\"a\":1}"));
	EXPECT(fetch_with(f, at(s, "/none"), no_thumbprints).trouble == FETCH_STATUS);
	EXPECT(fetch_with(f, at(s, "/moved"), no_thumbprints).trouble == FETCH_STATUS);
	EXPECT(fetch_with(f, at(s, "/big"), no_thumbprints).trouble == FETCH_TOO_BIG);
	fetcher_free(f);
	http_stop(s, 0);
	arena_free(mem);
}

static void a_server_must_prove_its_name(void)
{
	begin();
	struct http_server *under_other = serve_under(&other_ca, S("127.0.0.1"), S("")),
			   *misnamed = serve_under(&ca, S("idp.example.com"), S(""));
	struct fetcher *f = fetcher(true, ca.cert_pem), *plain = fetcher(true, S(""));
	EXPECT(fetch_with(f, at(under_other, "/doc"), no_thumbprints).trouble == FETCH_CERTIFICATE);
	EXPECT(fetch_with(f, at(misnamed, "/doc"), no_thumbprints).trouble == FETCH_CERTIFICATE);
	EXPECT(fetch_with(plain, at(misnamed, "/doc"), no_thumbprints).trouble == FETCH_CERTIFICATE);
	fetcher_free(f);
	fetcher_free(plain);
	http_stop(under_other, 0);
	http_stop(misnamed, 0);
	arena_free(mem);
}

static void a_listed_thumbprint_is_trusted(void)
{
	begin();
	struct http_server *s = serve_under(&ca, S("127.0.0.1"), S("")),
			   *misnamed = serve_under(&ca, S("localhost"), S(""));
	struct fetcher *f = fetcher(true, S(""));
	struct str right = sha1_of(ca.cert_pem), wrong = sha1_of(other_ca.cert_pem), both[] = { wrong, right };
	EXPECT(fetch_with(f, at(s, "/doc"), (struct str_list){ both, 2 }).trouble == FETCH_OK);
	EXPECT(fetch_with(f, at(s, "/doc"), (struct str_list){ &right, 1 }).trouble == FETCH_OK);
	EXPECT(fetch_with(f, at(s, "/doc"), (struct str_list){ &wrong, 1 }).trouble == FETCH_CERTIFICATE);
	EXPECT(fetch_with(f, at(s, "/doc"), no_thumbprints).trouble == FETCH_CERTIFICATE);
	EXPECT(fetch_with(f, at(misnamed, "/doc"), (struct str_list){ &right, 1 }).trouble == FETCH_CERTIFICATE);
	fetcher_free(f);
	http_stop(s, 0);
	http_stop(misnamed, 0);
	arena_free(mem);
}

/* The listed certificate is public: anybody can send it along. */
static void a_listed_certificate_must_have_signed_the_servers(void)
{
	begin();
	struct http_server *s = serve_under(&other_ca, S("127.0.0.1"), ca.cert_pem);
	struct fetcher *f = fetcher(true, S(""));
	struct str listed = sha1_of(ca.cert_pem);
	EXPECT(fetch_with(f, at(s, "/doc"), (struct str_list){ &listed, 1 }).trouble == FETCH_CERTIFICATE);
	fetcher_free(f);
	http_stop(s, 0);
	arena_free(mem);
}

static void a_servers_own_certificate_may_be_listed(void)
{
	begin();
	struct x509_pair leaf;
	struct str name = S("127.0.0.1");
	EXPECT_OK(x509_server_new(&world, mem, &ca, &name, 1, &leaf));
	struct http_server *s = serve(leaf.cert_pem, leaf.key_pem);
	struct fetcher *f = fetcher(true, S(""));
	struct str listed = sha1_of(leaf.cert_pem);
	EXPECT(fetch_with(f, at(s, "/doc"), (struct str_list){ &listed, 1 }).trouble == FETCH_OK);
	fetcher_free(f);
	http_stop(s, 0);
	arena_free(mem);
}

static void private_addresses_and_ports_are_refused_unless_allowed(void)
{
	begin();
	struct http_server *s = serve_under(&ca, S("127.0.0.1"), S(""));
	struct fetcher *f = fetcher(false, ca.cert_pem);
	static const char *const to[] = { "https://127.0.0.1/",
					  "https://localhost/",
					  "https://10.1.2.3/",
					  "https://[::1]/",
					  "https://[::ffff:127.0.0.1]/",
					  "https://169.254.169.254/latest",
					  "https://2130706433/",
					  "https://0x7f.1/",
					  "https://0/" };
	EXPECT(fetch_with(f, at(s, "/doc"), no_thumbprints).trouble == FETCH_URL);
	for (size_t i = 0; i < COUNT(to); i++) {
		enum fetch_trouble t = fetch_with(f, str_of(to[i]), no_thumbprints).trouble;
		EXPECT(t == FETCH_ADDRESS || t == FETCH_URL);
	}
	fetcher_free(f);
	http_stop(s, 0);
	arena_free(mem);
}

static void urls_that_are_not_https_are_refused(void)
{
	static const char *const wrong[] = { "",
					     "doc",
					     "http://127.0.0.1/",
					     "file:///etc/passwd",
					     "gopher://127.0.0.1/",
					     "https://u:p@127.0.0.1/",
					     "https://127.0.0.1/#f",
					     "https://127.0.0.1 /",
					     "https:// 127.0.0.1/",
					     "https://127.0.0.1:99999/" };
	begin();
	struct fetcher *f = fetcher(true, S(""));
	for (size_t i = 0; i < COUNT(wrong); i++)
		EXPECT(fetch_with(f, str_of(wrong[i]), no_thumbprints).trouble == FETCH_URL);
	EXPECT(fetch_with(f, str_make("https://127.0.0.1/\0x", 20), no_thumbprints).trouble == FETCH_URL);
	fetcher_free(f);
	arena_free(mem);
}

static void who_is_not_there_is_unreachable(void)
{
	begin();
	struct sockaddr_in here = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof here;
	int taken =
	    socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0); /* it listens at nothing, and nobody else can there */
	EXPECT(bind(taken, (struct sockaddr *)&here, n) == 0 && getsockname(taken, (struct sockaddr *)&here, &n) == 0);
	struct str url = arena_printf(mem, "https://127.0.0.1:%d/doc", ntohs(here.sin_port));
	struct fetcher *f = fetcher(true, ca.cert_pem);
	EXPECT(fetch_with(f, url, no_thumbprints).trouble == FETCH_UNREACHABLE);
	fetcher_free(f);
	close(taken);
	arena_free(mem);
}

static bool is_public(const char *text)
{
	struct sockaddr_in a4 = { .sin_family = AF_INET };
	struct sockaddr_in6 a6 = { .sin6_family = AF_INET6 };
	if (inet_pton(AF_INET, text, &a4.sin_addr) == 1)
		return address_is_public((const struct sockaddr *)&a4);
	EXPECT(inet_pton(AF_INET6, text, &a6.sin6_addr) == 1);
	return address_is_public((const struct sockaddr *)&a6);
}

static void addresses_of_the_machine_and_its_networks_are_not_public(void)
{
	static const char *const inside[] = {
		"0.0.0.0",     "10.0.0.1",        "100.64.0.1",    "100.127.255.255", "127.0.0.1",   "127.255.255.255",
		"169.254.1.1", "169.254.169.254", "172.16.0.1",    "172.31.255.255",  "192.0.0.1",   "192.168.1.1",
		"198.18.0.1",  "198.19.255.255",  "224.0.0.1",     "255.255.255.255", "::",          "::1",
		"fe80::1",     "fec0::1",         "fc00::1",       "fd00:ec2::254",   "ff02::1",     "::ffff:127.0.0.1",
		"::127.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "2001::1",         "2001:db8::1", "::ffff:10.0.0.1",
	};
	static const char *const outside[] = {
		"1.1.1.1",      "100.63.255.255", "100.128.0.1",      "128.0.0.1",       "172.15.255.255",
		"172.32.0.1",   "192.167.1.1",    "198.17.0.1",       "223.255.255.255", "2606:4700::1111",
		"2a00:1450::1", "::ffff:1.1.1.1", "64:ff9b::101:101", "2002:101:101::",
	};
	for (size_t i = 0; i < COUNT(inside); i++)
		EXPECT(!is_public(inside[i]));
	for (size_t i = 0; i < COUNT(outside); i++)
		EXPECT(is_public(outside[i]));
}

RUN_ALL(T(a_document_is_fetched_from_a_trusted_server), T(a_server_must_prove_its_name),
	T(a_listed_thumbprint_is_trusted), T(a_listed_certificate_must_have_signed_the_servers),
	T(a_servers_own_certificate_may_be_listed), T(private_addresses_and_ports_are_refused_unless_allowed),
	T(urls_that_are_not_https_are_refused), T(who_is_not_there_is_unreachable),
	T(addresses_of_the_machine_and_its_networks_are_not_public))

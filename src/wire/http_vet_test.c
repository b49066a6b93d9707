/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What may come in: requests that can be read in one way only. The handler answers with
 * what it saw, so that each test shows the bytes on both sides.
 */
#include "base/buf.h"
#include "wire/http_testing.h"

static void say_what_came(struct http_req *req, void *arg)
{
	(void)arg;
	struct buf b = buf_in(req->mem);
	buf_printf(&b, "%.*s|%.*s|%.*s|%.*s|", PR(req->method), PR(req->target), PR(req->path),
		   PR(req->query.p ? req->query : S("-")));
	for (size_t i = 0; i < req->headers.n; i++)
		buf_printf(&b, "%.*s=%.*s;", PR(req->headers.v[i].name), PR(req->headers.v[i].value));
	for (;;) {
		struct str piece;
		struct status st = http_body_read(req, &piece);
		if (failed(st))
			return;
		if (!piece.n)
			break;
		buf_byte(&b, '+');
		buf_put(&b, piece);
	}
	http_respond(req, 200, (struct http_pairs){ 0 }, buf_str(&b));
}

static struct http_server *server;
static struct arena *mem;

static int start(struct http_limits limits)
{
	const struct http_listen at = { .addr = S("127.0.0.1") };
	const struct http_options opt = { .listen = &at, .n_listen = 1, .threads = 2, .limits = limits };
	EXPECT_OK(http_start(&opt, say_what_came, NULL, &server));
	mem = arena_new();
	return http_port(server, 0);
}

static void stop(void)
{
	http_stop(server, 1000);
	arena_free(mem);
}

#define LINE "GET / HTTP/1.1\r\n"
#define HOST "Host: a\r\n"

static void the_target_is_kept_byte_for_byte(void)
{
	int port = start((struct http_limits){ 0 });
	static const struct {
		const char *target, *path, *query;
	} cases[] = {
		{ "/", "/", "-" },
		{ "/a%2Fb/%00/%zz/../c//d", "/a%2Fb/%00/%zz/../c//d", "-" },
		{ "/a+b?x=1+2&y=%20&&=&z", "/a+b", "x=1+2&y=%20&&=&z" },
		{ "/?", "/", "" },
		{ "/a?b?c", "/a", "b?c" },
		{ "*", "*", "-" },
		{ "http://h:80/a/b?c", "/a/b", "c" },
		{ "http://h", "/", "-" },
		{ "/a://b", "/a://b", "-" },
		{ "/caf\xc3\xa9", "/caf\xc3\xa9", "-" },
	};
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct str ask = arena_printf(mem, "GET %s HTTP/1.1\r\nHost: a\r\n\r\n", cases[i].target);
		struct got g = client_ask(port, mem, ask);
		EXPECT_STR(g.body,
			   arena_printf(mem, "GET|%s|%s|%s|Host=a;", cases[i].target, cases[i].path, cases[i].query));
	}
	stop();
}

static void headers_come_in_order_with_their_names_as_sent(void)
{
	int port = start((struct http_limits){ 0 });
	struct got g = client_ask(port, mem,
				  S("FROB-1 /x HTTP/1.1\r\nhOsT:a\r\nX-A: 1\r\nx-b:\t two  words \t\r\n"
				    "X-A: 2\r\nX-Empty:\r\nX-Utf: \xc3\xa9\r\n\r\n"));
	EXPECT(g.status == 200);
	EXPECT_STR(g.body, S("FROB-1|/x|/x|-|hOsT=a;X-A=1;x-b=two  words;X-A=2;X-Empty=;X-Utf=\xc3\xa9;"));
	g = client_ask(port, mem, S("GET / HTTP/1.0\r\n\r\n"));
	EXPECT_STR(g.body, S("GET|/|/|-|"));
	stop();
}

static void a_header_may_come_in_any_number_of_packets(void)
{
	int port = start((struct http_limits){ 0 });
	struct str ask = S("POST /a?b=c HTTP/1.1\r\nHost: a\r\nX-A: 1\r\nContent-Length: 3\r\n\r\nxyz");
	for (size_t cut = 1; cut < ask.n; cut++) {
		struct client c = client_to(port);
		client_send(&c, str_sub(ask, 0, cut));
		usleep(200);
		client_send(&c, str_from(ask, cut));
		struct got g = client_answer(&c, mem, false);
		EXPECT(g.status == 200);
		EXPECT(str_starts(g.body, S("POST|/a?b=c|/a|b=c|Host=a;X-A=1;Content-Length=3;+")));
		client_end(&c);
	}
	stop();
}

static void what_can_be_read_in_two_ways_is_refused(void)
{
	int port = start((struct http_limits){ 0 });
	static const struct {
		struct str ask;
		int status;
	} cases[] = {
		{ S("GET / HTTP/1.1\n" HOST "\r\n"), 400 },        /* bare LF after the request line */
		{ S(LINE "Host: a\n\r\n"), 400 },                  /* after a header */
		{ S(LINE HOST "\n"), 400 },                        /* at the end */
		{ S(LINE HOST "X-A: 1\r\n folded\r\n\r\n"), 400 }, /* obs-fold */
		{ S(LINE HOST "X-A: 1\r\n\tfolded\r\n\r\n"), 400 },
		{ S(LINE " Host: a\r\n\r\n"), 400 },              /* fold before any header */
		{ S(LINE HOST "X-A: 1\0002\r\n\r\n"), 400 },      /* NUL in a value */
		{ S(LINE HOST "X\0-A: 1\r\n\r\n"), 400 },         /* in a name */
		{ S("GET /a\0b HTTP/1.1\r\n" HOST "\r\n"), 400 }, /* in the target */
		{ S("GE\0T /a HTTP/1.1\r\n" HOST "\r\n"), 400 },  /* in the method */
		{ S("GET / HTTP/1.1\r\n\0" HOST "\r\n"), 400 },
		{ S(LINE HOST "X-A: 1\r2\r\n\r\n"), 400 }, /* bare CR */
		{ S(LINE HOST "X-A: \x01\r\n\r\n"), 400 },
		{ S(LINE HOST "X A: 1\r\n\r\n"), 400 },        /* space in a name */
		{ S(LINE HOST "X-A : 1\r\n\r\n"), 400 },       /* before the colon */
		{ S(LINE HOST ": 1\r\n\r\n"), 400 },           /* no name */
		{ S(LINE HOST "X-A\r\n\r\n"), 400 },           /* no colon */
		{ S(LINE "\r\n"), 400 },                       /* no Host */
		{ S(LINE HOST HOST "\r\n"), 400 },             /* two */
		{ S("GET  / HTTP/1.1\r\n" HOST "\r\n"), 400 }, /* two spaces */
		{ S("GET /  HTTP/1.1\r\n" HOST "\r\n"), 400 },
		{ S("GET /a b HTTP/1.1\r\n" HOST "\r\n"), 400 },
		{ S("GET / HTTP/1.1 \r\n" HOST "\r\n"), 400 },
		{ S("GET /\x7f HTTP/1.1\r\n" HOST "\r\n"), 400 },
		{ S("GET / HTTP/1.5\r\n" HOST "\r\n"), 505 },
		{ S("GET / HTTP/2.0\r\n" HOST "\r\n"), 505 },
		{ S("GET / http/1.1\r\n" HOST "\r\n"), 400 },
		{ S("GET /\r\n\r\n"), 400 },
		{ S("G@T / HTTP/1.1\r\n" HOST "\r\n"), 400 },
		{ S("GET a HTTP/1.1\r\n" HOST "\r\n"), 400 },
		{ S("GET ://a/ HTTP/1.1\r\n" HOST "\r\n"), 400 },
		{ S("GET http:///a HTTP/1.1\r\n" HOST "\r\n"), 400 },
		{ S("GET ?a HTTP/1.1\r\n" HOST "\r\n"), 400 },
		{ S("CONNECT a:1 HTTP/1.1\r\n" HOST "\r\n"), 400 },
		{ S("POST / HTTP/1.1\r\n" HOST "Content-Length: 1\r\nContent-Length: 1\r\n\r\nx"), 400 },
		{ S("POST / HTTP/1.1\r\n" HOST "Content-Length: 1\r\nContent-Length: 2\r\n\r\nx"), 400 },
		{ S("POST / HTTP/1.1\r\n" HOST "Content-Length: 1, 1\r\n\r\nx"), 400 },
		{ S("POST / HTTP/1.1\r\n" HOST "Content-Length: +1\r\n\r\nx"), 400 },
		{ S("POST / HTTP/1.1\r\n" HOST "Content-Length: -1\r\n\r\nx"), 400 },
		{ S("POST / HTTP/1.1\r\n" HOST "Content-Length: 0x1\r\n\r\nx"), 400 },
		{ S("POST / HTTP/1.1\r\n" HOST "Content-Length:\r\n\r\nx"), 400 },
		{ S("POST / HTTP/1.1\r\n" HOST "Content-Length: 99999999999999999999999\r\n\r\nx"), 413 },
		{ S("POST / HTTP/1.1\r\n" HOST "Content-Length: 9223372036854775808\r\n\r\nx"), 400 },
		{ S("POST / HTTP/1.1\r\n" HOST "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
		  400 },
		{ S("POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n0\r\n\r\n"),
		  400 },
		{ S("POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n"),
		  400 },
		{ S("POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"), 501 },
		{ S("POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: identity\r\n\r\n"), 501 },
		{ S("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), 400 },
		{ S("POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\nzz\r\n"), 400 },
		{ S("POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n0\r\n\r\n"), 400 },
		{ S("POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n-3\r\nabc\r\n0\r\n\r\n"), 400 },
		{ S("POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n11111111111111111\r\nabc"), 413 },
		{ S("POST / HTTP/1.1\r\n" HOST "Expect: nothing\r\nContent-Length: 1\r\n\r\nx"), 417 },
	};
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct client c = client_to(port);
		client_send(&c, cases[i].ask);
		struct got g = client_answer(&c, mem, false);
		if (g.status != cases[i].status)
			printf("# case %zu: %.*s\n# got %d\n", i, PR(cases[i].ask), g.status);
		EXPECT(g.status == cases[i].status);
		while (client_more(&c))
			;
		/* Nothing that follows is taken for a request. */
		EXPECT(str_find(str_make(c.text, c.n), S("200 OK")) == SIZE_MAX);
		client_end(&c);
	}
	struct http_stats st = http_stats_get(server);
	EXPECT(st.refused > COUNT(cases) / 2 && st.requests < 8);
	stop();
}

static void tls_to_a_plain_port_is_never_a_whole_line(void)
{
	int port = start((struct http_limits){ .idle_s = 1 });
	EXPECT(client_ask(port, mem, S("\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03")).status == 0);
	EXPECT(http_stats_get(server).requests == 0);
	stop();
}

static void a_refused_request_is_not_followed_by_another(void)
{
	int port = start((struct http_limits){ 0 });
	struct client c = client_to(port);
	client_send(&c, S("POST / HTTP/1.1\r\n" HOST "Content-Length: 0\r\nContent-Length: 5\r\n\r\n"
			  "GET /smuggled HTTP/1.1\r\n" HOST "\r\n"));
	EXPECT(client_answer(&c, mem, false).status == 400);
	EXPECT(client_closed(&c));
	EXPECT(http_stats_get(server).requests == 0);
	client_end(&c);
	stop();
}

static struct str repeat(const char *text, size_t times)
{
	struct buf b = buf_in(mem);
	for (size_t i = 0; i < times; i++)
		buf_z(&b, text);
	return buf_str(&b);
}

static void headers_are_bounded_in_bytes_and_number(void)
{
	int port = start((struct http_limits){ .headers = 20 });
	static const struct {
		size_t value, headers, target;
		int status;
	} cases[] = {
		{ 16000, 0, 0, 200 }, { 16400, 0, 0, 431 },  { 40000, 0, 0, 431 }, { 200000, 0, 0, 431 },
		{ 1, 19, 0, 200 },    { 1, 20, 0, 431 },     { 1, 3000, 0, 431 },  { 1, 0, 16000, 200 },
		{ 1, 0, 17000, 431 }, { 1, 0, 100000, 414 },
	};
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct buf b = buf_in(mem);
		buf_printf(&b, "GET /%.*s HTTP/1.1\r\nHost: ", PR(repeat("t", cases[i].target)));
		buf_put(&b, repeat("v", cases[i].value));
		buf_put(&b, S("\r\n"));
		buf_put(&b, repeat("X: y\r\n", cases[i].headers));
		buf_put(&b, S("\r\n"));
		struct got g = client_ask(port, mem, buf_str(&b));
		if (g.status != cases[i].status)
			printf("# case %zu: got %d\n", i, g.status);
		EXPECT(g.status == cases[i].status);
		if (g.status == 200)
			EXPECT(g.body.n > cases[i].value + 2 * cases[i].target);
	}
	/* libmicrohttpd would take room for each parameter. */
	for (size_t n = 10; n < 16000; n *= 2) {
		struct buf b = buf_in(mem);
		buf_printf(&b, "GET /?%.*s HTTP/1.1\r\nHost: a\r\n\r\n", PR(repeat("&", n)));
		EXPECT(client_ask(port, mem, buf_str(&b)).status == 200);
	}
	/* and takes some for each cookie */
	for (size_t n = 10; n < 8000; n *= 2) {
		struct buf b = buf_in(mem);
		buf_printf(&b, "GET / HTTP/1.1\r\nHost: a\r\nCookie: %.*s\r\n\r\n", PR(repeat("a;", n)));
		int status = client_ask(port, mem, buf_str(&b)).status;
		EXPECT(status == 200 || status == 431);
	}
	stop();
}

static void a_header_of_another_size_can_be_allowed(void)
{
	int port = start((struct http_limits){ .header_bytes = 65536, .headers = 1000 });
	struct buf b = buf_in(mem);
	buf_z(&b, "GET / HTTP/1.1\r\nHost: a\r\n");
	for (int i = 0; i < 60; i++)
		buf_printf(&b, "X-%d: %.*s\r\n", i, PR(repeat("v", 1000)));
	buf_z(&b, "\r\n");
	struct got g = client_ask(port, mem, buf_str(&b));
	EXPECT(g.status == 200 && g.body.n > 60000);
	stop();
}

RUN_ALL(T(the_target_is_kept_byte_for_byte), T(headers_come_in_order_with_their_names_as_sent),
	T(a_header_may_come_in_any_number_of_packets), T(what_can_be_read_in_two_ways_is_refused),
	T(tls_to_a_plain_port_is_never_a_whole_line), T(a_refused_request_is_not_followed_by_another),
	T(headers_are_bounded_in_bytes_and_number), T(a_header_of_another_size_can_be_allowed))

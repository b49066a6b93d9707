/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a handler and its client may rely on: answers, bodies, streams.
 */
#include "wire/http_server_testing.h"

static void an_answer_has_its_headers_once_and_its_body(void)
{
	int port = start((struct http_limits){ 0 });
	struct got g = client_ask(port, mem, S("GET /ok HTTP/1.1\r\nHost: a\r\n\r\n"));
	EXPECT(g.status == 200);
	EXPECT_STR(g.body, S("fine"));
	EXPECT_STR(got_header(g, "Content-Length"), S("4"));
	EXPECT_STR(got_header(g, "Server"), S("Holdfast"));
	EXPECT_STR(got_header(g, "X-Evil"), S("a  Set-Cookie: b c"));
	EXPECT(got_header(g, "Date").n == 29 && !got_header(g, "Connection").p);
	EXPECT(str_find(g.header, S("X-Twice: 1\r\nX-Twice: 2\r\n")) != SIZE_MAX);
	size_t first = str_find(g.header, S("Content-Length"));
	EXPECT(str_find(str_from(g.header, first + 1), S("Content-Length")) == SIZE_MAX);
	g = client_ask(port, mem, S("GET /who HTTP/1.1\r\nHost: a\r\n\r\n"));
	EXPECT_STR(g.body, arena_printf(mem, "127.0.0.1 0 127.0.0.1 %d", port));
	stop();
}

__attribute__((no_sanitize("address"))) static bool secret_is_there(void)
{
	const volatile char *p = atomic_load(&secret_at);
	for (size_t i = 0; i < sizeof secret - 1; i++)
		if (p[i] != secret[i])
			return false;
	return true;
}

static void memory_that_saw_secrets_is_wiped(void)
{
	int port = start((struct http_limits){ 0 });
	EXPECT_STR(client_ask(port, mem, S("GET /secret?kept HTTP/1.1\r\nHost: a\r\n\r\n")).body, str_of(secret));
	SOON(http_stats_get(server).requests_open == 0);
	EXPECT(secret_is_there()); /* or this test looks at the wrong place */
	EXPECT_STR(client_ask(port, mem, S("GET /secret HTTP/1.1\r\nHost: a\r\n\r\n")).body, str_of(secret));
	SOON(!secret_is_there());
	stop();
}

static void a_connection_is_kept_and_requests_may_be_pipelined(void)
{
	int port = start((struct http_limits){ 0 });
	struct client c = client_to(port);
	for (int i = 0; i < 5; i++) {
		client_send(&c, S("GET /ok HTTP/1.1\r\nHost: a\r\n\r\n"));
		EXPECT(client_answer(&c, mem, false).status == 200);
		client_send(&c, S("POST /sum HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n"));
		EXPECT_STR(client_answer(&c, mem, false).body, S("0 0"));
	}
	client_send(&c,
		    S("GET /away HTTP/1.1\r\nHost: a\r\n\r\nPOST /sum-away HTTP/1.1\r\nHost: a\r\n"
		      "Content-Length: 1\r\n\r\nAGET /ok HTTP/1.1\r\nHost: a\r\n\r\nPOST /all HTTP/1.1\r\nHost: a\r\n"
		      "Content-Length: 3\r\n\r\nabcGET /ok HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"));
	EXPECT_STR(client_answer(&c, mem, false).body, S("back"));
	EXPECT_STR(client_answer(&c, mem, false).body, S("1 65"));
	EXPECT_STR(client_answer(&c, mem, false).body, S("fine"));
	EXPECT_STR(client_answer(&c, mem, false).body, S("abc"));
	struct got last = client_answer(&c, mem, false);
	EXPECT_STR(last.body, S("fine"));
	EXPECT(str_eq_ci(got_header(last, "Connection"), S("close")) && client_closed(&c));
	client_end(&c);
	EXPECT(http_stats_get(server).requests == 15 && http_stats_get(server).connections == 1);

	c = client_to(port);
	client_send(&c, S("GET /ok HTTP/1.0\r\n\r\n"));
	EXPECT(client_answer(&c, mem, false).status == 200 && client_closed(&c));
	client_end(&c);
	stop();
}

static void head_and_304_name_a_length_and_send_nothing(void)
{
	int port = start((struct http_limits){ 0 });
	struct client c = client_to(port);
	client_send(&c, S("HEAD /head HTTP/1.1\r\nHost: a\r\n\r\nHEAD /ok HTTP/1.1\r\nHost: a\r\n\r\n"
			  "GET /head?304 HTTP/1.1\r\nHost: a\r\n\r\nHEAD /stream/9 HTTP/1.1\r\nHost: a\r\n\r\n"
			  "GET /ok HTTP/1.1\r\nHost: a\r\n\r\n"));
	EXPECT_STR(got_header(client_answer(&c, mem, true), "Content-Length"), S("12345"));
	EXPECT_STR(got_header(client_answer(&c, mem, true), "Content-Length"), S("4"));
	EXPECT(client_answer(&c, mem, true).status == 304);
	EXPECT_STR(got_header(client_answer(&c, mem, true), "Content-Length"), S("9"));
	EXPECT_STR(client_answer(&c, mem, false).body, S("fine"));
	EXPECT(atomic_load(&done_calls) == 1);
	client_end(&c);
	stop();
}

static void continue_is_said_when_the_body_is_asked_for_and_only_then(void)
{
	int port = start((struct http_limits){ 0 });
	static const char *refusing[] = { "/refuse", "/refuse?away" };
	for (size_t i = 0; i < COUNT(refusing); i++) {
		struct client c = client_to(port);
		client_send(&c, arena_printf(mem,
					     "PUT %s HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n"
					     "Content-Length: 5\r\n\r\n",
					     refusing[i]));
		struct got g = client_answer(&c, mem, false);
		EXPECT(g.status == 403);
		EXPECT_STR(g.body, S("no"));
		EXPECT(client_closed(&c)); /* or the body, sent anyway, would be taken for a request */
		client_end(&c);
	}
	struct client c = client_to(port);
	client_send(&c, S("PUT /sum-away HTTP/1.1\r\nHost: a\r\nExpect: 100-Continue\r\nContent-Length: 1\r\n\r\n"));
	EXPECT(client_answer(&c, mem, false).status == 100);
	client_send(&c, S("B"));
	EXPECT_STR(client_answer(&c, mem, false).body, S("1 66"));
	client_end(&c);
	stop();
}

static struct str sum_of(struct str s)
{
	uint64_t sum = 0;
	for (size_t i = 0; i < s.n; i++)
		sum = sum * 31 + (unsigned char)s.p[i];
	return arena_printf(mem, "%llu %llu", (unsigned long long)s.n, (unsigned long long)sum);
}

static struct str bytes_of(size_t n)
{
	char *p = arena_alloc(mem, n, 1, 1);
	for (size_t i = 0; i < n; i++)
		p[i] = (char)(i * 2654435761u >> 11);
	return str_make(p, n);
}

static void bodies_arrive_whole_and_in_order(void)
{
	int port = start((struct http_limits){ 0 });
	static const size_t sizes[] = { 1, 100, 16000, 16384, 32768, 40000, 1000000, 9000000 };
	for (size_t i = 0; i < 2 * COUNT(sizes); i++) {
		struct str body = bytes_of(sizes[i / 2]);
		struct client c = client_to(port);
		client_send(&c, arena_printf(mem, "PUT /sum%s HTTP/1.1\r\nHost: a\r\nContent-Length: %zu\r\n\r\n",
					     i % 2 ? "-away" : "", body.n));
		client_send(&c, body);
		EXPECT_STR(client_answer(&c, mem, false).body, sum_of(body));
		client_send(&c, S("GET /ok HTTP/1.1\r\nHost: a\r\n\r\n"));
		EXPECT_STR(client_answer(&c, mem, false).body, S("fine"));
		client_end(&c);
	}
	stop();
}

static void chunks_are_taken_off(void)
{
	int port = start((struct http_limits){ 0 });
	for (int away = 0; away < 2; away++)
		for (size_t size = 1; size < 300000; size = size * 7 + 3) {
			struct str body = bytes_of(200000);
			struct buf b = buf_in(mem);
			buf_printf(&b, "PUT /sum%s HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n",
				   away ? "-away" : "");
			size_t total = size < 50 ? 500 : body.n;
			for (size_t at = 0; at < total; at += size) {
				struct str piece = str_sub(body, at, size < total - at ? size : total - at);
				buf_printf(&b, "%zx;ext=\"1\"\r\n", piece.n);
				buf_put(&b, piece);
				buf_z(&b, "\r\n");
			}
			buf_z(&b, "0\r\nX-Trailer: 1\r\n\r\n");
			struct client c = client_to(port);
			client_send(&c, buf_str(&b));
			EXPECT_STR(client_answer(&c, mem, false).body, sum_of(str_sub(body, 0, total)));
			client_send(&c, S("GET /ok HTTP/1.1\r\nHost: a\r\n\r\n"));
			EXPECT_STR(client_answer(&c, mem, false).body, S("fine"));
			client_end(&c);
		}
	stop();
}

static void a_body_is_read_whole_up_to_its_limit(void)
{
	int port = start((struct http_limits){ .body_bytes = 5000 });
	static const struct {
		size_t n;
		bool chunked;
		int status;
	} cases[] = {
		{ 0, 0, 200 }, { 1000, 0, 200 }, { 1001, 0, 413 }, { 5000, 0, 413 }, { 5001, 0, 413 },
		{ 0, 1, 200 }, { 1000, 1, 200 }, { 1001, 1, 413 }, { 5000, 1, 413 },
	};
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct str body = bytes_of(cases[i].n ? cases[i].n : 1);
		body.n = cases[i].n;
		struct buf b = buf_in(mem);
		buf_z(&b, "POST /all HTTP/1.1\r\nHost: a\r\n");
		if (cases[i].chunked)
			buf_printf(&b, "Transfer-Encoding: chunked\r\n\r\n%zx\r\n", body.n);
		else
			buf_printf(&b, "Content-Length: %zu\r\n\r\n", body.n);
		buf_put(&b, body);
		if (cases[i].chunked)
			buf_z(&b, body.n ? "\r\n0\r\n\r\n" : "\r\n");
		struct got g = client_ask(port, mem, buf_str(&b));
		EXPECT(g.status == cases[i].status);
		if (g.status == 200)
			EXPECT_STR(g.body, body);
	}
	stop();
}

static void a_chunked_body_past_the_limit_is_an_error(void)
{
	int port = start((struct http_limits){ .body_bytes = 5000 });
	struct client c = client_to(port);
	client_send(&c, S("POST /sum HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2000\r\n"));
	client_send(&c, bytes_of(0x2000));
	SOON(atomic_load(&last_error) == E_TOO_BIG);
	client_end(&c);
	stop();
}

static void an_answer_before_the_body_leaves_a_short_rest_read(void)
{
	int port = start((struct http_limits){ .drain_bytes = 200000 });
	static const char *early[] = { "/refuse", "/refuse?away", "/half" };
	for (size_t i = 0; i < COUNT(early); i++) {
		struct client c = client_to(port);
		client_send(
		    &c, arena_printf(mem, "PUT %s HTTP/1.1\r\nHost: a\r\nContent-Length: 150000\r\n\r\n", early[i]));
		client_send(&c, bytes_of(150000));
		EXPECT(client_answer(&c, mem, false).status >= 400);
		client_send(&c, S("GET /ok HTTP/1.1\r\nHost: a\r\n\r\n"));
		EXPECT_STR(client_answer(&c, mem, false).body, S("fine"));
		client_end(&c);
	}
	stop();
}

static void so_is_the_rest_of_a_chunked_body(void)
{
	int port = start((struct http_limits){ .drain_bytes = 10 });
	static const char *early[] = { "/refuse", "/refuse?away", "/half" };
	for (size_t i = 0; i < COUNT(early); i++) {
		struct client c = client_to(port);
		client_send(&c, arena_printf(mem,
					     "PUT %s HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
					     "5\r\nabcde\r\n4\r\nabcd\r\n0\r\n\r\n",
					     early[i]));
		EXPECT(client_answer(&c, mem, false).status >= 400);
		client_send(&c, arena_printf(mem,
					     "PUT %s HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
					     "8\r\nabcdefgh\r\n8\r\nabcdefgh\r\nb\r\nabcdefghijk\r\n",
					     early[i]));
		EXPECT(client_answer(&c, mem, false).status == 0);
		client_end(&c);
	}
	stop();
}

static void a_long_rest_is_not_read(void)
{
	int port = start((struct http_limits){ .drain_bytes = 1000 });
	struct client c = client_to(port);
	client_send(&c, S("PUT /refuse HTTP/1.1\r\nHost: a\r\nContent-Length: 150000\r\n\r\n"));
	struct got g = client_answer(&c, mem, false);
	EXPECT(g.status == 403 && str_eq_ci(got_header(g, "Connection"), S("close")) && client_closed(&c));
	client_end(&c);
	c = client_to(port);
	client_send(&c, S("PUT /half HTTP/1.1\r\nHost: a\r\nContent-Length: 150000\r\n\r\nabc"));
	EXPECT(client_answer(&c, mem, false).status == 0);
	client_end(&c);
	stop();
}

static void check_stream(struct got g, size_t n)
{
	EXPECT(g.status == 200 && g.body.n == n);
	for (size_t i = 0; i < n; i++)
		EXPECT(g.body.p[i] == (char)('a' + i % 23));
}

static void streams_are_pulled(void)
{
	int port = start((struct http_limits){ 0 });
	static const char *sizes[] = { "0", "1", "65535", "65536", "65537", "1000000" };
	struct client c = client_to(port);
	for (size_t i = 0; i < COUNT(sizes); i++) {
		int64_t n = 0;
		EXPECT(str_to_i64(str_of(sizes[i]), &n));
		client_send(&c, arena_printf(mem, "GET /stream/%s HTTP/1.1\r\nHost: a\r\n\r\n", sizes[i]));
		check_stream(client_answer(&c, mem, false), (size_t)n);
	}
	client_send(&c, S("GET /unknown/10 HTTP/1.1\r\nHost: a\r\n\r\n"));
	struct got g = client_answer(&c, mem, false);
	EXPECT_STR(got_header(g, "Transfer-Encoding"), S("chunked"));
	while (str_find(str_make(c.text, c.n), S("0\r\n\r\n")) == SIZE_MAX)
		EXPECT(client_more(&c));
	EXPECT_STR(str_make(c.text, c.n), S("A\r\nabcdefghij\r\n0\r\n\r\n"));
	client_end(&c);
	SOON(atomic_load(&done_calls) == (int)COUNT(sizes) + 1);

	g = client_ask(port, mem, S("GET /fail/1000000 HTTP/1.1\r\nHost: a\r\n\r\n"));
	EXPECT(g.status == 200 && g.body.n < 1000000);
	SOON(atomic_load(&done_calls) == (int)COUNT(sizes) + 2);
	stop();
}

static void a_client_that_leaves_a_stream_ends_it(void)
{
	int port = start((struct http_limits){ 0 });
	for (int i = 0; i < 5; i++) {
		struct client c = client_to(port);
		client_send(&c, S("GET /stream/100000000 HTTP/1.1\r\nHost: a\r\n\r\n"));
		client_more(&c);
		client_end(&c);
	}
	SOON(atomic_load(&done_calls) == 5);
	stop();
}

RUN_ALL(T(an_answer_has_its_headers_once_and_its_body), T(memory_that_saw_secrets_is_wiped),
	T(a_connection_is_kept_and_requests_may_be_pipelined), T(head_and_304_name_a_length_and_send_nothing),
	T(continue_is_said_when_the_body_is_asked_for_and_only_then), T(bodies_arrive_whole_and_in_order),
	T(chunks_are_taken_off), T(a_body_is_read_whole_up_to_its_limit), T(a_chunked_body_past_the_limit_is_an_error),
	T(an_answer_before_the_body_leaves_a_short_rest_read), T(so_is_the_rest_of_a_chunked_body),
	T(a_long_rest_is_not_read), T(streams_are_pulled), T(a_client_that_leaves_a_stream_ends_it))

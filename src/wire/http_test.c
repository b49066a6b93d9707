/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a handler and its client may rely on. The path names what the handler is to do;
 * "away" handlers park, and a thread of the test's wakes them.
 */
#include "base/buf.h"
#include "base/fiber.h"
#include "wire/http_testing.h"

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <sys/un.h>

/* A thread that wakes the fibers it is handed, at once or when let. */
static struct waker {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t cond;
	struct fiber *fibers[64];
	size_t n;
	bool hold, end;
} waker;

static void *wake_all(void *arg)
{
	(void)arg;
	pthread_mutex_lock(&waker.lock);
	while (!waker.end) {
		if (waker.hold || !waker.n) {
			pthread_cond_wait(&waker.cond, &waker.lock);
			continue;
		}
		struct fiber *f = waker.fibers[--waker.n];
		pthread_mutex_unlock(&waker.lock);
		fiber_wake(f);
		pthread_mutex_lock(&waker.lock);
	}
	pthread_mutex_unlock(&waker.lock);
	return NULL;
}

static void hand_over(void *arg, struct fiber *f)
{
	(void)arg;
	pthread_mutex_lock(&waker.lock);
	assert(waker.n < COUNT(waker.fibers));
	waker.fibers[waker.n++] = f;
	pthread_cond_broadcast(&waker.cond);
	pthread_mutex_unlock(&waker.lock);
}

static void go_away(void) { fiber_park(hand_over, NULL); }

static void waker_hold(bool hold)
{
	pthread_mutex_lock(&waker.lock);
	waker.hold = hold;
	pthread_cond_broadcast(&waker.cond);
	pthread_mutex_unlock(&waker.lock);
}

static bool waker_has_one(void)
{
	pthread_mutex_lock(&waker.lock);
	bool one = waker.n == 1;
	pthread_mutex_unlock(&waker.lock);
	return one;
}

static struct http_server *server;
static struct arena *mem;
static _Atomic int last_error; /* of http_body_read in a handler */
static _Atomic int done_calls, ended;

static void respond(struct http_req *req, int status, struct str body)
{
	static const struct http_pair headers[] = {
		{ S("Server"), S("Holdfast") },  { S("X-Twice"), S("1") },
		{ S("X-Twice"), S("2") },        { S("X-Evil"), S("a\r\nSet-Cookie: b\0c") },
		{ S("Content-Length"), S("7") },
	};
	http_respond(req, status, (struct http_pairs){ headers, COUNT(headers) }, body);
}

/* Reads all; the answer is the number of bytes and a sum that depends on their order. */
static void do_sum(struct http_req *req, bool away)
{
	uint64_t n = 0, sum = 0;
	for (;;) {
		struct str piece;
		struct status st = http_body_read(req, &piece);
		if (failed(st)) {
			for (int i = 0; away && i < 3; i++) /* cleaning up takes a while, too */
				go_away();
			atomic_store(&last_error, st.code);
			return;
		}
		if (!piece.n)
			break;
		if (away)
			go_away();
		for (size_t i = 0; i < piece.n; i++)
			sum = sum * 31 + (unsigned char)piece.p[i];
		n += piece.n;
	}
	respond(req, 200, arena_printf(req->mem, "%llu %llu", (unsigned long long)n, (unsigned long long)sum));
}

struct stream {
	uint64_t left, at;
	bool fails;
};

static struct status pull(void *arg, char *buf, size_t room, size_t *got)
{
	struct stream *s = arg;
	size_t n = s->left < room ? (size_t)s->left : room;
	if (s->fails && s->at > 100000)
		return ERR(E_CORRUPT);
	for (size_t i = 0; i < n; i++)
		buf[i] = (char)('a' + (s->at + i) % 23);
	s->at += n;
	s->left -= n;
	*got = n;
	return OK;
}

static void stream_done(void *arg)
{
	(void)arg;
	atomic_fetch_add(&done_calls, 1);
}

static void do_stream(struct http_req *req, struct str kind, struct str size)
{
	struct stream *s = NEW(req->mem, struct stream);
	int64_t n = 0;
	EXPECT(str_to_i64(size, &n));
	s->left = (uint64_t)n;
	s->fails = str_eq(kind, S("fail"));
	if (s->fails)
		go_away();
	http_respond_stream(req, 200, (struct http_pairs){ 0 }, str_eq(kind, S("unknown")) ? -1 : n, pull, s,
			    stream_done);
}

/* What a request leaves in memory that is free again: where the sanitizer lets nobody look. */
static const char *_Atomic secret_at;
static const char secret[] = "hunter2 hunter2 hunter2";

static struct str keep_secret(struct http_req *req)
{
	char *p = str_z(req->mem, S("hunter2 hunter2 hunter2"));
	atomic_store(&secret_at, p);
	req->wipe = !req->query.p;
	return str_make(p, sizeof secret - 1);
}

__attribute__((no_sanitize("address"))) static bool secret_is_there(void)
{
	const volatile char *p = atomic_load(&secret_at);
	for (size_t i = 0; i < sizeof secret - 1; i++)
		if (p[i] != secret[i])
			return false;
	return true;
}

static void handler(struct http_req *req, void *arg)
{
	(void)arg;
	struct str rest = str_from(req->path, 1), body;
	struct str what = str_cut(&rest, '/');
	struct status st;
	if (str_eq(what, S("ok")))
		respond(req, 200, S("fine"));
	else if (str_eq(what, S("sum")))
		do_sum(req, false);
	else if (str_eq(what, S("sum-away")))
		do_sum(req, true);
	else if (str_eq(what, S("away"))) {
		for (int i = 0; i < 3; i++)
			go_away();
		respond(req, 200, S("back"));
	} else if (str_eq(what, S("refuse"))) {
		if (req->query.p)
			go_away();
		respond(req, 403, S("no"));
	} else if (str_eq(what, S("half"))) {
		st = http_body_read(req, &body);
		respond(req, 400, failed(st) ? S("?") : S("enough"));
	} else if (str_eq(what, S("all"))) {
		st = http_body_all(req, 1000, &body);
		if (st.code == E_TOO_BIG)
			respond(req, 413, S("too big"));
		else if (!failed(st))
			respond(req, 200, body);
	} else if (str_eq(what, S("secret")))
		respond(req, 200, keep_secret(req));
	else if (str_eq(what, S("head")))
		http_respond_head(req, req->query.p ? 304 : 200, (struct http_pairs){ 0 }, 12345);
	else if (str_eq(what, S("who")))
		respond(req, 200,
			arena_printf(req->mem, "%.*s %d %.*s %d", PR(req->peer), req->local, PR(req->server_addr),
				     req->server_port));
	else if (rest.p)
		do_stream(req, what, rest);
	atomic_fetch_add(&ended, 1);
}

static int start(struct http_limits limits)
{
	const struct http_listen at = { .addr = S("127.0.0.1") };
	const struct http_options opt = { .listen = &at, .n_listen = 1, .threads = 2, .limits = limits };
	waker = (struct waker){ 0 };
	pthread_mutex_init(&waker.lock, NULL);
	pthread_cond_init(&waker.cond, NULL);
	pthread_create(&waker.thread, NULL, wake_all, NULL);
	atomic_store(&last_error, 0);
	atomic_store(&done_calls, 0);
	atomic_store(&ended, 0);
	mem = arena_new();
	EXPECT_OK(http_start(&opt, handler, NULL, &server));
	return http_port(server, 0);
}

static void waker_end(void)
{
	pthread_mutex_lock(&waker.lock);
	waker.end = true;
	pthread_cond_broadcast(&waker.cond);
	pthread_mutex_unlock(&waker.lock);
	pthread_join(waker.thread, NULL);
	arena_free(mem);
}

static void stop(void)
{
	http_stop(server, 2000);
	waker_end();
}

/* Until the condition holds, at most 20 s: the other side is another thread. */
#define SOON(cond)                                            \
	do {                                                  \
		for (int i_ = 0; i_ < 10000 && !(cond); i_++) \
			usleep(2000);                         \
		EXPECT(cond);                                 \
	} while (0)

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

static void a_handler_without_an_answer_closes(void)
{
	int port = start((struct http_limits){ 0 });
	EXPECT(client_ask(port, mem, S("GET /nothing HTTP/1.1\r\nHost: a\r\n\r\n")).status == 0);
	stop();
}

static void a_client_that_goes_lets_the_handler_end(void)
{
	int port = start((struct http_limits){ 0 });
	struct client c = client_to(port);
	client_send(&c, S("PUT /sum HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n123"));
	SOON(http_stats_get(server).bytes_in == 3);
	client_end(&c);
	SOON(atomic_load(&last_error) == E_CLOSED && http_stats_get(server).requests_open == 0);

	/* Gone while the handler is away, with a piece in its hands; it goes away again, then asks for more. */
	atomic_store(&last_error, 0);
	waker_hold(true);
	c = client_to(port);
	client_send(&c, S("PUT /sum-away HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n123"));
	SOON(waker_has_one());
	client_end(&c);
	waker_hold(false);
	SOON(atomic_load(&last_error) == E_CLOSED && http_stats_get(server).requests_open == 0);

	/* Gone while it is away, more than once, with nothing more to read. */
	int before = atomic_load(&ended);
	for (int i = 0; i < 20; i++) {
		c = client_to(port);
		client_send(&c, i % 2 ? S("POST /refuse?away HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n")
				      : S("GET /away HTTP/1.1\r\nHost: a\r\n\r\n"));
		client_end(&c);
	}
	SOON(atomic_load(&ended) > before && http_stats_get(server).requests_open == 0 &&
	     http_stats_get(server).connections_open == 0);
	stop();
}

static void a_trickling_header_is_cut_off(void)
{
	int port = start((struct http_limits){ .idle_s = 1 });
	struct client c = client_to(port);
	int sent = 0;
	client_send(&c, S("GET / HTTP/1.1\r\n"));
	struct pollfd p = { .fd = c.fd, .events = POLLIN };
	while (poll(&p, 1, 200) == 0 && client_send(&c, S("X: y\r\n")))
		EXPECT(++sent < 50);
	EXPECT(sent > 2);
	client_end(&c);

	/* One that is being served is not. */
	waker_hold(true);
	c = client_to(port);
	client_send(&c, S("GET /away HTTP/1.1\r\nHost: a\r\n\r\n"));
	p.fd = c.fd;
	EXPECT(poll(&p, 1, 3500) == 0);
	waker_hold(false);
	EXPECT_STR(client_answer(&c, mem, false).body, S("back"));
	client_end(&c);
	stop();
}

static void connections_are_limited(void)
{
	int port = start((struct http_limits){ .connections_per_ip = 2 });
	struct client a = client_to(port), b = client_to(port);
	client_send(&a, S("GET /ok HTTP/1.1\r\nHost: a\r\n\r\n"));
	client_send(&b, S("GET /ok HTTP/1.1\r\nHost: a\r\n\r\n"));
	EXPECT(client_answer(&a, mem, false).status == 200 && client_answer(&b, mem, false).status == 200);
	struct client c = client_to(port);
	EXPECT(client_answer(&c, mem, false).status == 0);
	client_end(&a);
	client_end(&b);
	client_end(&c);
	stop();

	port = start((struct http_limits){ .connections = 2 });
	a = client_to(port);
	b = client_to(port);
	c = client_to(port);
	client_send(&c, S("GET /ok HTTP/1.1\r\nHost: a\r\n\r\n")); /* waits until there is room */
	SOON(http_stats_get(server).connections_open == 2);
	client_end(&a);
	client_end(&b);
	EXPECT(client_answer(&c, mem, false).status == 200);
	client_end(&c);
	stop();
}

static void *stop_in_thread(void *arg)
{
	http_stop(arg, 60000);
	return NULL;
}

static void stopping_lets_running_requests_end(void)
{
	int port = start((struct http_limits){ 0 });
	struct client idle = client_to(port), c = client_to(port);
	pthread_t t;
	waker_hold(true);
	client_send(&c, S("GET /away HTTP/1.1\r\nHost: a\r\n\r\n"));
	SOON(waker_has_one());
	pthread_create(&t, NULL, stop_in_thread, server);
	EXPECT(client_closed(&idle));
	waker_hold(false);
	struct got g = client_answer(&c, mem, false);
	EXPECT_STR(g.body, S("back"));
	EXPECT(str_eq_ci(got_header(g, "Connection"), S("close")));
	pthread_join(t, NULL);
	client_end(&c);
	client_end(&idle);
	waker_end();
}

static void *release_later(void *arg)
{
	(void)arg;
	usleep(300000);
	waker_hold(false);
	return NULL;
}

static void stopping_waits_for_handlers_even_past_the_grace_time(void)
{
	int port = start((struct http_limits){ 0 });
	struct client c = client_to(port), d = client_to(port);
	pthread_t t;
	waker_hold(true);
	client_send(&c, S("GET /away HTTP/1.1\r\nHost: a\r\n\r\n"));
	client_send(&d, S("PUT /sum HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n123")); /* never sends the rest */
	SOON(waker_has_one() && http_stats_get(server).bytes_in == 3);
	pthread_create(&t, NULL, release_later, NULL);
	http_stop(server, 10);
	EXPECT(atomic_load(&last_error) == E_CLOSED && atomic_load(&ended) == 2);
	pthread_join(t, NULL);
	client_end(&c);
	client_end(&d);
	waker_end();
}

static struct client client_at(const char *path)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	memcpy(a.sun_path, path, strlen(path) + 1);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	EXPECT(fd >= 0 && connect(fd, (struct sockaddr *)&a, sizeof(a)) == 0);
	return client_of(fd);
}

static void a_socket_in_the_file_system_is_for_its_owner(void)
{
	char dir[] = "/tmp/http_test.XXXXXX", path[64];
	struct stat st;
	EXPECT(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/s", dir);
	const struct http_listen at[] = { { .path = str_of(path) }, { .addr = S("::1") } };
	const struct http_options opt = { .listen = at, .n_listen = COUNT(at) };
	mem = arena_new();
	for (int i = 0; i < 2; i++) {
		EXPECT_OK(http_start(&opt, handler, NULL, &server));
		EXPECT(stat(path, &st) == 0 && (st.st_mode & 0777) == 0600 && S_ISSOCK(st.st_mode));
		EXPECT(http_port(server, 0) == 0 && http_port(server, 1) > 0);
		struct client c = client_at(path);
		client_send(&c, S("GET /who HTTP/1.1\r\nHost: a\r\n\r\n"));
		EXPECT_STR(client_answer(&c, mem, false).body, S(" 1  0"));
		client_end(&c);
		http_stop(server, 100);
		EXPECT(lstat(path, &st) != 0);
		if (i == 0) { /* what a killed server left is replaced */
			int fd = socket(AF_UNIX, SOCK_STREAM, 0);
			struct sockaddr_un a = { .sun_family = AF_UNIX };
			memcpy(a.sun_path, path, strlen(path) + 1);
			EXPECT(bind(fd, (struct sockaddr *)&a, sizeof(a)) == 0);
			close(fd);
		}
	}
	FILE *f = fopen(path, "w"); /* anything else is left alone */
	EXPECT(f && fclose(f) == 0);
	EXPECT_ERR(http_start(&opt, handler, NULL, &server), E_IO);
	EXPECT(unlink(path) == 0 && rmdir(dir) == 0);
	arena_free(mem);
}

static void wrong_options_are_refused(void)
{
	static const struct {
		struct http_listen at;
		struct http_limits limits;
		int error;
	} cases[] = {
		{ { .addr = S("localhost") }, { 0 }, E_INVALID },
		{ { .addr = S("127.0.0.1"), .port = 65536 }, { 0 }, E_INVALID },
		{ { .addr = S("") }, { 0 }, E_INVALID },
		{ { .addr = S("192.0.2.1") }, { 0 }, E_IO },
		{ { .addr = S("127.0.0.1"), .tls = true }, { 0 }, E_INVALID },
		{ { .addr = S("127.0.0.1") }, { .header_bytes = 100 }, E_INVALID },
		{ { .addr = S("127.0.0.1") }, { .header_bytes = 1 << 20 }, E_INVALID },
	};
	for (size_t i = 0; i < COUNT(cases); i++) {
		const struct http_options opt = { .listen = &cases[i].at, .n_listen = 1, .limits = cases[i].limits };
		EXPECT_ERR(http_start(&opt, handler, NULL, &server), cases[i].error);
	}
	int port = start((struct http_limits){ 0 });
	const struct http_listen taken = { .addr = S("127.0.0.1"), .port = port };
	const struct http_options opt = { .listen = &taken, .n_listen = 1 };
	struct http_server *second;
	EXPECT_ERR(http_start(&opt, handler, NULL, &second), E_IO);
	stop();
}

static void loopback_is_told_apart(void)
{
	EXPECT(http_is_loopback(S("127.0.0.1")) && http_is_loopback(S("127.9.9.9")) && http_is_loopback(S("::1")));
	EXPECT(!http_is_loopback(S("0.0.0.0")) && !http_is_loopback(S("::")) && !http_is_loopback(S("128.0.0.1")));
	EXPECT(!http_is_loopback(S("localhost")) && !http_is_loopback(S("")) && !http_is_loopback(S("127.0.0.1 ")));
	EXPECT(!http_is_loopback(S("::ffff:127.0.0.1")) && !http_is_loopback(S("127.1")));
}

RUN_ALL(T(an_answer_has_its_headers_once_and_its_body), T(memory_that_saw_secrets_is_wiped),
	T(a_connection_is_kept_and_requests_may_be_pipelined), T(head_and_304_name_a_length_and_send_nothing),
	T(continue_is_said_when_the_body_is_asked_for_and_only_then), T(bodies_arrive_whole_and_in_order),
	T(chunks_are_taken_off), T(a_body_is_read_whole_up_to_its_limit), T(a_chunked_body_past_the_limit_is_an_error),
	T(an_answer_before_the_body_leaves_a_short_rest_read), T(so_is_the_rest_of_a_chunked_body),
	T(a_long_rest_is_not_read), T(streams_are_pulled), T(a_client_that_leaves_a_stream_ends_it),
	T(a_handler_without_an_answer_closes), T(a_client_that_goes_lets_the_handler_end),
	T(a_trickling_header_is_cut_off), T(connections_are_limited), T(stopping_lets_running_requests_end),
	T(stopping_waits_for_handlers_even_past_the_grace_time), T(a_socket_in_the_file_system_is_for_its_owner),
	T(wrong_options_are_refused), T(loopback_is_told_apart))

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A server for the tests of http.h. The path names what the handler is to do; "away"
 * handlers park, and a thread of the test's wakes them. Each test includes this once.
 */
#ifndef WIRE_HTTP_SERVER_TESTING_H
#define WIRE_HTTP_SERVER_TESTING_H

#include "base/buf.h"
#include "base/fiber.h"
#include "wire/http_testing.h"

#include <pthread.h>
#include <stdatomic.h>

/* A thread that wakes the fibers it is handed, at once or when let. */
static struct waker {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t cond;
	struct fiber *fibers[64];
	size_t n;
	bool hold, end;
} waker;

static inline void *wake_all(void *arg)
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

static inline void hand_over(void *arg, struct fiber *f)
{
	(void)arg;
	pthread_mutex_lock(&waker.lock);
	assert(waker.n < COUNT(waker.fibers));
	waker.fibers[waker.n++] = f;
	pthread_cond_broadcast(&waker.cond);
	pthread_mutex_unlock(&waker.lock);
}

static inline void go_away(void) { fiber_park(hand_over, NULL); }

static inline void waker_hold(bool hold)
{
	pthread_mutex_lock(&waker.lock);
	waker.hold = hold;
	pthread_cond_broadcast(&waker.cond);
	pthread_mutex_unlock(&waker.lock);
}

static inline bool waker_has_one(void)
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

static inline void respond(struct http_req *req, int status, struct str body)
{
	static const struct http_pair headers[] = {
		{ S("Server"), S("Holdfast") },  { S("X-Twice"), S("1") },
		{ S("X-Twice"), S("2") },        { S("X-Evil"), S("a\r\nSet-Cookie: b\0c") },
		{ S("Content-Length"), S("7") },
	};
	http_respond(req, status, (struct http_pairs){ headers, COUNT(headers) }, body);
}

/* Reads all; the answer is the number of bytes and a sum that depends on their order. */
static inline void do_sum(struct http_req *req, bool away)
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

static inline struct status pull(void *arg, char *buf, size_t room, size_t *got)
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

static inline void stream_done(void *arg)
{
	(void)arg;
	atomic_fetch_add(&done_calls, 1);
}

static inline void do_stream(struct http_req *req, struct str kind, struct str size)
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

static inline struct str keep_secret(struct http_req *req)
{
	char *p = str_z(req->mem, S("hunter2 hunter2 hunter2"));
	atomic_store(&secret_at, p);
	req->wipe = !req->query.p;
	return str_make(p, sizeof secret - 1);
}

static inline void handler(struct http_req *req, void *arg)
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

static inline int start(struct http_limits limits)
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

static inline void waker_end(void)
{
	pthread_mutex_lock(&waker.lock);
	waker.end = true;
	pthread_cond_broadcast(&waker.cond);
	pthread_mutex_unlock(&waker.lock);
	pthread_join(waker.thread, NULL);
	arena_free(mem);
}

static inline void stop(void)
{
	http_stop(server, 2000);
	waker_end();
}

/* Until the condition holds, at most a minute: the other side is another thread. */
#define SOON(cond)                                            \
	do {                                                  \
		for (int i_ = 0; i_ < 30000 && !(cond); i_++) \
			usleep(2000);                         \
		EXPECT(cond);                                 \
	} while (0)

#endif

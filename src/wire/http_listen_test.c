/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Connections and the server around them: who goes, who is too slow or too many, how it
 * stops, where it listens.
 */
#include "base/test_dir.h"
#include "wire/http_server_testing.h"

#include <poll.h>
#include <sys/stat.h>
#include <sys/un.h>

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

/* The end comes with the bytes, before the server has looked at either. */
static void who_goes_in_the_middle_holds_no_connection(void)
{
	static const char *const sent[] = {
		"GE",
		"GET / HTTP/1.1\r\nHost: a\r\nX-Ha",
		"PUT /sum HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n123",
		"PUT /sum HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n123\r\n",
		"PUT /refuse HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n123",
	};
	int port = start((struct http_limits){ .idle_s = 1000 });
	for (size_t i = 0; i < COUNT(sent) * 4; i++) {
		struct client c = client_to(port);
		client_send(&c, str_of(sent[i % COUNT(sent)]));
		client_end(&c);
	}
	SOON(http_stats_get(server).connections_open == 0 && http_stats_get(server).requests_open == 0);

	/* Who has said all and closed his own direction is answered, however long it takes. */
	waker_hold(true);
	struct client c = client_to(port);
	client_send(&c, S("PUT /sum-away HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n123"));
	EXPECT(shutdown(c.fd, SHUT_WR) == 0);
	struct pollfd p = { .fd = c.fd, .events = POLLIN };
	EXPECT(poll(&p, 1, 5000) == 0);
	waker_hold(false);
	EXPECT(client_answer(&c, mem, false).status == 200);
	client_end(&c);
	stop();
}

/* A line every 50 ms, until it is cut off: how many it were. */
static int trickle(int port)
{
	struct client c = client_to(port);
	int sent = 0;
	client_send(&c, S("GET / HTTP/1.1\r\n"));
	struct pollfd p = { .fd = c.fd, .events = POLLIN };
	while (poll(&p, 1, 50) == 0 && client_send(&c, S("X: y\r\n")))
		EXPECT(++sent < 1200);
	client_end(&c);
	return sent;
}

/* Whose request is with a handler that is away; tried again when it was cut off before all of it had come. */
static struct client client_served(int port)
{
	for (;;) {
		struct client c = client_to(port);
		client_send(&c, S("GET /away HTTP/1.1\r\nHost: a\r\n\r\n"));
		struct pollfd p = { .fd = c.fd, .events = POLLIN };
		while (!waker_has_one() && poll(&p, 1, 1) == 0)
			;
		if (waker_has_one())
			return c;
		client_end(&c);
	}
}

static void a_trickling_header_is_cut_off(void)
{
	int port = start((struct http_limits){ .idle_s = 1, .headers = 2000 });
	int sent = 0;
	for (int i = 0; i < 60 && sent < 3; i++) /* fewer when this thread did not get to it */
		sent = trickle(port);
	EXPECT(sent >= 3);

	/* One that is being served is not. */
	waker_hold(true);
	struct client c = client_served(port);
	struct pollfd p = { .fd = c.fd, .events = POLLIN };
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
	waker_hold(true); /* who is being served is not cut off, however long it takes */
	a = client_to(port);
	b = client_to(port);
	client_send(&a, S("GET /away HTTP/1.1\r\nHost: a\r\n\r\n"));
	client_send(&b, S("GET /away HTTP/1.1\r\nHost: a\r\n\r\n"));
	SOON(http_stats_get(server).requests_open == 2);
	c = client_to(port);
	client_send(&c, S("GET /ok HTTP/1.1\r\nHost: a\r\n\r\n")); /* waits until there is room */
	struct pollfd p = { .fd = c.fd, .events = POLLIN };
	EXPECT(poll(&p, 1, 100) == 0 && http_stats_get(server).connections_open == 2);
	waker_hold(false);
	EXPECT(client_answer(&a, mem, false).status == 200 && client_answer(&b, mem, false).status == 200);
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
	char dir[TEST_DIR_MAX], path[64];
	struct stat st;
	test_dir_new(dir);
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

RUN_ALL(T(a_handler_without_an_answer_closes), T(a_client_that_goes_lets_the_handler_end),
	T(who_goes_in_the_middle_holds_no_connection), T(a_trickling_header_is_cut_off), T(connections_are_limited),
	T(stopping_lets_running_requests_end), T(stopping_waits_for_handlers_even_past_the_grace_time),
	T(a_socket_in_the_file_system_is_for_its_owner), T(wrong_options_are_refused), T(loopback_is_told_apart))

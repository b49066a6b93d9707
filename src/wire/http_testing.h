/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A raw client for the tests of http.h: bytes out, bytes in, nothing understood but where an
 * answer ends. Each test includes this once.
 */
#ifndef WIRE_HTTP_TESTING_H
#define WIRE_HTTP_TESTING_H

#include "base/str.h"
#include "base/test.h"
#include "wire/http.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

enum { ANSWER_MAX = 1 << 20 };

struct client {
	int fd;
	char *text; /* what came and was not looked at yet */
	size_t n;
};

static inline struct client client_of(int fd)
{
	struct timeval patience = { .tv_sec = 120 };
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	return (struct client){ .fd = fd, .text = heap_alloc(1, ANSWER_MAX + 1) };
}

static inline struct client client_to(int port)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
	static const int yes = 1;
	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	EXPECT(fd >= 0 && connect(fd, (struct sockaddr *)&a, sizeof(a)) == 0);
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
	return client_of(fd);
}

static inline void client_end(struct client *c)
{
	if (c->fd >= 0)
		close(c->fd);
	heap_free(c->text);
}

/* False when the server has closed. */
static inline bool client_send(struct client *c, struct str s)
{
	while (s.n) {
		ssize_t k = send(c->fd, s.p, s.n, MSG_NOSIGNAL);
		if (k <= 0)
			return false;
		s = str_from(s, (size_t)k);
	}
	return true;
}

/* More bytes; 0 at the end of the connection. Waiting longer than the patience fails the test. */
static inline size_t client_more(struct client *c)
{
	EXPECT(c->n < ANSWER_MAX);
	ssize_t k = recv(c->fd, c->text + c->n, ANSWER_MAX - c->n, 0);
	EXPECT(k >= 0 || errno == ECONNRESET);
	c->n += k > 0 ? (size_t)k : 0;
	c->text[c->n] = 0;
	return k > 0 ? (size_t)k : 0;
}

struct got {
	int status; /* 0: the connection was closed without an answer */
	struct str header, body;
};

static inline struct str got_header(struct got g, const char *name)
{
	struct str rest = g.header, line;
	while (rest.p && rest.n) {
		line = str_cut(&rest, '\n');
		struct str key = str_cut(&line, ':');
		if (str_eq_ci(key, str_of(name)) && line.p)
			return str_sub(str_trim(line), 0, str_trim(line).n - 1); /* the CR */
	}
	return (struct str){ 0 };
}

/* The next answer, copied into mem. */
static inline struct got client_answer(struct client *c, struct arena *mem, bool head)
{
	size_t end;
	while ((end = str_find(str_make(c->text, c->n), S("\r\n\r\n"))) == SIZE_MAX)
		if (!client_more(c))
			return (struct got){ 0 };
	struct got g = { .header = str_dup(mem, str_make(c->text, end + 2)) };
	int64_t status = 0, length = 0;
	EXPECT(str_starts(g.header, S("HTTP/1.")) && str_to_i64(str_sub(g.header, 9, 3), &status));
	g.status = (int)status;
	struct str given = got_header(g, "Content-Length");
	if (given.p)
		EXPECT(str_to_i64(given, &length));
	if (head || status == 304 || status == 100)
		length = 0;
	size_t all = end + 4 + (size_t)length;
	while (c->n < all)
		if (!client_more(c))
			break;
	g.body = str_dup(mem, str_sub(str_make(c->text, c->n), end + 4, (size_t)length));
	all = all < c->n ? all : c->n;
	memmove(c->text, c->text + all, c->n - all);
	c->n -= all;
	return g;
}

/* True when the server closes without sending anything more. */
static inline bool client_closed(struct client *c) { return c->n == 0 && client_more(c) == 0; }

/* One request on a connection of its own. */
static inline struct got client_ask(int port, struct arena *mem, struct str bytes)
{
	struct client c = client_to(port);
	client_send(&c, bytes);
	struct got g = client_answer(&c, mem, str_starts(bytes, S("HEAD ")));
	client_end(&c);
	return g;
}

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes on a connection: what reaches the handler is well formed, and everything ends.
 *
 * A real server on a socket in a temporary directory; each input is a connection of its own.
 * Its first byte says how the handler behaves and where the bytes are cut into two packets.
 */
#include "base/fiber.h"
#include "base/str.h"
#include "base/test.h"
#include "base/test_dir.h"
#include "wire/http.h"

#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static struct http_server *server;
static struct sockaddr_un address = { .sun_family = AF_UNIX };
static char directory[TEST_DIR_MAX];

static void *wake_it(void *fiber)
{
	fiber_wake(fiber);
	return NULL;
}

static void to_a_thread(void *arg, struct fiber *f)
{
	(void)arg;
	pthread_t t;
	pthread_attr_t detached;
	pthread_attr_init(&detached);
	pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
	EXPECT(pthread_create(&t, &detached, wake_it, f) == 0);
	pthread_attr_destroy(&detached);
}

static bool is_clean(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (((unsigned char)s.p[i] < 0x20 && s.p[i] != '\t') || s.p[i] == 0x7f)
			return false;
	return true;
}

static void check(const struct http_req *r)
{
	size_t hosts = 0, lengths = 0;
	EXPECT(r->method.n && is_clean(r->method) && r->target.n && is_clean(r->target));
	EXPECT(r->path.n && (r->path.p[0] == '/' || str_eq(r->path, S("*"))));
	EXPECT(r->path.n + r->query.n <= r->target.n + 1 && str_find_char(r->path, '?') == SIZE_MAX);
	for (size_t i = 0; i < r->headers.n; i++) {
		struct http_pair h = r->headers.v[i];
		EXPECT(h.name.n && is_clean(h.name) && is_clean(h.value) && str_trim(h.value).n == h.value.n);
		hosts += str_eq_ci(h.name, S("Host"));
		lengths += str_eq_ci(h.name, S("Content-Length")) || str_eq_ci(h.name, S("Transfer-Encoding"));
	}
	EXPECT(lengths <= 1 && hosts <= 1 && (hosts == 1 || r->http_1_0) && r->content_length >= -1);
}

static void handler(struct http_req *r, void *arg)
{
	(void)arg;
	struct str how = http_header(r, S("Host")), piece = S("");
	check(r);
	if (how.n && how.p[0] == 'w')
		fiber_park(to_a_thread, NULL);
	do {
		if (how.n && how.p[0] == 'e')
			break;
		if (failed(http_body_read(r, &piece)))
			return;
		if (how.n && how.p[0] == 'b')
			fiber_park(to_a_thread, NULL);
	} while (piece.n);
	http_respond(r, 200, r->headers, r->target);
}

static void stop(void)
{
	http_stop(server, 0);
	rmdir(directory);
}

static void start(void)
{
	test_dir_new(directory);
	snprintf(address.sun_path, sizeof(address.sun_path), "%s/s", directory);
	const struct http_listen at = { .path = str_of(address.sun_path) };
	/* Inputs do not wait for each other's ends: so few at once that neither files nor memory run short. */
	const struct http_limits limits = { .idle_s = 2, .body_bytes = 5000, .connections = 100 };
	const struct http_options opt = { .listen = &at, .n_listen = 1, .limits = limits };
	EXPECT_OK(http_start(&opt, handler, NULL, &server));
	atexit(stop);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	char answer[4096];
	if (!server)
		start();
	if (!n)
		return 0;
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	EXPECT(fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0);
	size_t cut = 1 + (size_t)p[0] * (n - 1) / 256;
	(void)!send(fd, p + 1, cut - 1, MSG_NOSIGNAL);
	(void)!send(fd, p + cut, n - cut, MSG_NOSIGNAL);
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN };
	while (poll(&poll_fd, 1, 1) > 0 && recv(fd, answer, sizeof(answer), 0) > 0)
		;
	close(fd);
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sockets to listen at. Made here and not by libmicrohttpd: addresses are literals only, an
 * IPv6 one does not take IPv4 along, and a socket in the file system is 0600 before the
 * first client can connect.
 */
#include "base/log.h"
#include "base/str.h"
#include "wire/http_conn.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { BACKLOG = 1024, PORT_MAX = 65535, SOCKET_TYPE = SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK };

union address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
	struct sockaddr_un un;
};

static bool address_parse(struct str text, int port, union address *out, socklen_t *size)
{
	char z[ADDR_TEXT];
	if (text.n == 0 || text.n >= sizeof(z) || memchr(text.p, 0, text.n) || port < 0 || port > PORT_MAX)
		return false;
	memcpy(z, text.p, text.n);
	z[text.n] = 0;
	*out = (union address){ 0 };
	if (inet_pton(AF_INET, z, &out->v4.sin_addr) == 1) {
		out->v4.sin_family = AF_INET;
		out->v4.sin_port = htons((uint16_t)port);
		*size = sizeof(out->v4);
		return true;
	}
	if (inet_pton(AF_INET6, z, &out->v6.sin6_addr) != 1)
		return false;
	out->v6.sin6_family = AF_INET6;
	out->v6.sin6_port = htons((uint16_t)port);
	*size = sizeof(out->v6);
	return true;
}

bool http_is_loopback(struct str addr)
{
	union address a;
	socklen_t size;
	if (!address_parse(addr, 0, &a, &size))
		return false;
	if (a.any.sa_family == AF_INET)
		return ntohl(a.v4.sin_addr.s_addr) >> 24 == 127;
	return IN6_IS_ADDR_LOOPBACK(&a.v6.sin6_addr);
}

void http_address_text(const void *sockaddr, char *text, int *port)
{
	const union address *a = sockaddr;
	text[0] = 0;
	*port = 0;
	if (a->any.sa_family == AF_INET) {
		inet_ntop(AF_INET, &a->v4.sin_addr, text, ADDR_TEXT);
		*port = ntohs(a->v4.sin_port);
	} else if (a->any.sa_family == AF_INET6) {
		inet_ntop(AF_INET6, &a->v6.sin6_addr, text, ADDR_TEXT);
		*port = ntohs(a->v6.sin6_port);
	}
}

static struct status refused(const struct http_listen *l, const char *what)
{
	const char *error = strerrordesc_np(errno);
	char port[16] = "";
	if (!l->path.p)
		snprintf(port, sizeof port, "%d", l->port);
	log_error("cannot listen", "where", l->path.p ? l->path : l->addr, "port", str_of(port), "step", str_of(what),
		  "error", str_of(error));
	return ERR(E_IO);
}

static struct status bind_tcp(const struct http_listen *l, const union address *a, socklen_t size, int *fd)
{
	static const int yes = 1;
	*fd = socket(a->any.sa_family, SOCKET_TYPE, 0);
	if (*fd < 0)
		return refused(l, "socket");
	if (setsockopt(*fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)) != 0)
		return refused(l, "reuse");
	if (a->any.sa_family == AF_INET6 && setsockopt(*fd, IPPROTO_IPV6, IPV6_V6ONLY, &yes, sizeof(yes)) != 0)
		return refused(l, "v6only");
	if (bind(*fd, &a->any, size) != 0)
		return refused(l, "bind");
	return OK;
}

static struct status open_tcp(const struct http_listen *l, struct http_listener *out)
{
	union address a;
	socklen_t size;
	if (!address_parse(l->addr, l->port, &a, &size)) {
		log_error("cannot listen: not an IP address and port", "where", l->addr);
		return ERR(E_INVALID);
	}
	TRY(bind_tcp(l, &a, size, &out->fd));
	if (listen(out->fd, BACKLOG) != 0 || getsockname(out->fd, &a.any, &size) != 0)
		return refused(l, "listen");
	char text[ADDR_TEXT];
	http_address_text(&a, text, &out->port);
	return OK;
}

/* A socket left by a server that was killed is removed; anything else at that place is left alone, and bind fails. */
static void remove_stale(const char *path)
{
	struct stat st;
	if (lstat(path, &st) == 0 && S_ISSOCK(st.st_mode))
		unlink(path);
}

/* No one can connect before listen(), so the mode is set in time. */
static struct status open_path(const struct http_listen *l, struct http_listener *out)
{
	union address a = { .un.sun_family = AF_UNIX };
	if (l->path.n == 0 || l->path.n >= sizeof(a.un.sun_path) || memchr(l->path.p, 0, l->path.n)) {
		log_error("cannot listen: the path is too long", "where", l->path);
		return ERR(E_INVALID);
	}
	memcpy(a.un.sun_path, l->path.p, l->path.n);
	remove_stale(a.un.sun_path);
	out->fd = socket(AF_UNIX, SOCKET_TYPE, 0);
	if (out->fd < 0)
		return refused(l, "socket");
	if (bind(out->fd, &a.any, sizeof(a.un)) != 0)
		return refused(l, "bind");
	memcpy(out->path, a.un.sun_path, sizeof(out->path));
	if (chmod(out->path, 0600) != 0 || listen(out->fd, BACKLOG) != 0)
		return refused(l, "listen");
	return OK;
}

struct status http_listener_open(const struct http_listen *l, struct http_listener *out)
{
	out->local = l->path.p != NULL;
	out->tls = l->tls && !out->local;
	return out->local ? open_path(l, out) : open_tcp(l, out);
}

enum accepted http_listener_accept(struct http_listener *l)
{
	union address peer = { 0 };
	socklen_t size = sizeof(peer);
	int fd = accept4(l->fd, &peer.any, &size, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd < 0 && (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM))
		return ACCEPT_NO_ROOM;
	if (fd < 0)
		return errno == ECONNABORTED || errno == EINTR ? ACCEPT_ONE : ACCEPT_NONE;
	l->accepted++;
	if (MHD_add_connection(l->daemon, fd, &peer.any, size) != MHD_YES) /* which has closed it */
		atomic_fetch_add(&l->closed, 1);
	return ACCEPT_ONE;
}

void http_listener_close(struct http_listener *l)
{
	if (l->fd >= 0)
		close(l->fd);
	if (l->path[0])
		unlink(l->path);
}

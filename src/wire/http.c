/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The server: a libmicrohttpd daemon for each listener, a keeper, and how all that stops.
 *
 * Stopping, in order: new connections are refused and idle ones shut down; answers
 * say Connection: close; running requests have until the end of the grace time. Then new
 * requests are refused and every connection is shut down, so that a handler waiting for a
 * body gets E_CLOSED; handlers that wait for something else end when it comes. Only when the
 * last has ended are the daemons stopped: libmicrohttpd aborts if one is stopped while a
 * connection of its is suspended.
 *
 * libmicrohttpd zeroes a connection's whole pool after each request, so the pool is kept
 * small: 32 KiB, of which half is the read buffer to begin with.
 */
#include "base/log.h"
#include "base/str.h"
#include "wire/http_conn.h"

#include <sys/socket.h>
#include <unistd.h>

enum {
	POOL_LEAST = 32 * 1024,
	POOL_BESIDE_HEADER = 16 * 1024, /* records of headers and query parameters, the answer's header */
	HEADER_LEAST = 1024,
	HEADER_MOST = 64 * 1024,
	POLL_US = 2000,
};

static unsigned or_default(unsigned v, unsigned d) { return v ? v : d; }

static struct http_limits limits_of(const struct http_limits *given)
{
	struct http_limits l = *given;
	l.header_bytes = l.header_bytes ? l.header_bytes : 16384;
	l.headers = l.headers ? l.headers : 100;
	l.body_bytes = l.body_bytes ? l.body_bytes : (int64_t)6 << 30;
	l.drain_bytes = l.drain_bytes ? l.drain_bytes : 64 << 20;
	l.connections = or_default(l.connections, 1000);
	l.idle_s = or_default(l.idle_s, 60);
	return l;
}

static void conn_begin(struct http_listener *l, struct MHD_Connection *mhd, void **ctx)
{
	struct http_server *s = l->server;
	struct http_conn *c = HEAP(struct http_conn);
	struct sockaddr_storage self = { 0 };
	socklen_t size = sizeof(self);
	c->server = s;
	c->listener = l;
	c->fd = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
	c->local = l->local;
	c->tls = l->tls;
	c->idle_since = atomic_load_explicit(&s->tick, memory_order_relaxed);
	if (!l->local && getsockname(c->fd, (struct sockaddr *)&self, &size) == 0) {
		http_address_text(MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CLIENT_ADDRESS)->client_addr,
				  c->peer, &c->peer_port);
		http_address_text(&self, c->self, &c->self_port);
	}
	if (c->tls)
		tls_use_tickets(MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_GNUTLS_SESSION)->tls_session,
				s->tickets);
	pthread_mutex_lock(&s->lock);
	list_push(&s->conns, &c->link);
	s->n_conns++;
	s->n_accepted++;
	pthread_mutex_unlock(&s->lock);
	*ctx = c;
}

static void add_counts(struct http_counts *to, struct http_counts *from)
{
	count(&to->requests, counted(&from->requests));
	count(&to->refused, counted(&from->refused));
	count(&to->bytes_in, counted(&from->bytes_in));
	count(&to->bytes_out, counted(&from->bytes_out));
}

static void conn_end(struct http_server *s, struct http_conn *c)
{
	pthread_mutex_lock(&s->lock);
	list_del(&c->link);
	s->n_conns--;
	add_counts(&s->gone, &c->counts);
	pthread_mutex_unlock(&s->lock);
	atomic_fetch_add(&c->listener->closed, 1);
	if (atomic_load(&c->listener->full))
		keeper_nudge(s);
	heap_free(c);
}

static void on_connection(void *cls, struct MHD_Connection *mhd, void **ctx, enum MHD_ConnectionNotificationCode code)
{
	struct http_listener *l = cls;
	if (code == MHD_CONNECTION_NOTIFY_STARTED)
		conn_begin(l, mhd, ctx);
	else if (*ctx)
		conn_end(l->server, *ctx);
}

/* Signatures are over the target as it was sent. */
static size_t leave_escaped(void *cls, struct MHD_Connection *c, char *text)
{
	(void)cls;
	(void)c;
	return strlen(text);
}

static void on_log(void *cls, const char *format, va_list args)
{
	(void)cls;
	char text[256];
	int n = vsnprintf(text, sizeof(text), format, args);
	if (n <= 0)
		return;
	struct str line = str_make(text, (size_t)n < sizeof(text) ? (size_t)n : sizeof(text) - 1);
	if (line.p[line.n - 1] == '\n')
		line.n--;
	log_debug("libmicrohttpd", "says", line);
}

static unsigned cores(void)
{
	long n = sysconf(_SC_NPROCESSORS_ONLN);
	return n < 1 ? 1 : n > 64 ? 64 : (unsigned)n;
}

struct option_list {
	struct MHD_OptionItem v[16];
	size_t n;
};

static void add(struct option_list *o, enum MHD_OPTION option, intptr_t value, const void *p)
{
	assert(o->n + 1 < COUNT(o->v));
	o->v[o->n++] = (struct MHD_OptionItem){ option, value, (void *)(uintptr_t)p };
}

static size_t pool_size(const struct http_limits *l)
{
	size_t size = l->header_bytes + POOL_BESIDE_HEADER;
	return size < POOL_LEAST ? POOL_LEAST : size;
}

static void add_limits(struct option_list *o, const struct http_limits *limits, const struct http_listener *l,
		       unsigned threads)
{
	unsigned most = limits->connections + 1;
	add(o, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (intptr_t)pool_size(limits), NULL);
	add(o, MHD_OPTION_CONNECTION_LIMIT, most * threads, NULL); /* divided among them; the keeper counts */
	add(o, MHD_OPTION_CONNECTION_TIMEOUT, limits->idle_s, NULL);
	if (limits->connections_per_ip && !l->local)
		add(o, MHD_OPTION_PER_IP_CONNECTION_LIMIT, limits->connections_per_ip, NULL);
	if (threads > 1)
		add(o, MHD_OPTION_THREAD_POOL_SIZE, threads, NULL);
}

static struct status daemon_start(struct http_server *s, struct http_listener *l, unsigned threads, const char *cert,
				  const char *key)
{
	struct option_list o = { .n = 0 };
	unsigned flags =
	    MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_NO_LISTEN_SOCKET | MHD_USE_ERROR_LOG;
	add(&o, MHD_OPTION_EXTERNAL_LOGGER, (intptr_t)on_log, NULL);
	add(&o, MHD_OPTION_URI_LOG_CALLBACK, (intptr_t)request_uri, l);
	add(&o, MHD_OPTION_UNESCAPE_CALLBACK, (intptr_t)leave_escaped, NULL);
	add(&o, MHD_OPTION_NOTIFY_COMPLETED, (intptr_t)request_completed, NULL);
	add(&o, MHD_OPTION_NOTIFY_CONNECTION, (intptr_t)on_connection, l);
	add(&o, MHD_OPTION_STRICT_FOR_CLIENT, 0, NULL); /* http_vet.c is stricter, and answers once */
	add_limits(&o, &s->limits, l, l->local ? 1 : threads);
	if (l->tls) {
		flags |= MHD_USE_TLS;
		add(&o, MHD_OPTION_HTTPS_MEM_CERT, 0, cert);
		add(&o, MHD_OPTION_HTTPS_MEM_KEY, 0, key);
		add(&o, MHD_OPTION_HTTPS_PRIORITIES, 0, tls_priorities);
	}
	add(&o, MHD_OPTION_END, 0, NULL);
	l->daemon = MHD_start_daemon(flags, 0, NULL, NULL, request_serve, NULL, MHD_OPTION_ARRAY, o.v, MHD_OPTION_END);
	if (!l->daemon) {
		log_error("the HTTP library did not start");
		return ERR(E_IO);
	}
	return OK;
}

static bool wants_tls(const struct http_options *opt)
{
	for (size_t i = 0; i < opt->n_listen; i++)
		if (opt->listen[i].tls && !opt->listen[i].path.p)
			return true;
	return false;
}

static struct status check_options(const struct http_options *opt, const struct http_limits *l)
{
	if (l->header_bytes < HEADER_LEAST || l->header_bytes > HEADER_MOST || l->body_bytes < 0 || !opt->n_listen)
		return ERR(E_INVALID);
	if (!wants_tls(opt))
		return OK;
	struct status st = tls_check_pair(opt->cert_pem, opt->key_pem);
	if (failed(st))
		log_error("the TLS certificate and key do not load");
	return st;
}

static struct status start_all(const struct http_options *opt, struct http_server *s)
{
	TRY(check_options(opt, &s->limits));
	for (size_t i = 0; i < s->n_listeners; i++)
		TRY(http_listener_open(&opt->listen[i], &s->listeners[i]));
	if (wants_tls(opt))
		s->tickets = tls_tickets_new();

	struct arena *mem = arena_new();
	const char *cert = str_z(mem, opt->cert_pem), *key = str_z(mem, opt->key_pem);
	struct status st = OK;
	for (size_t i = 0; i < s->n_listeners && !failed(st); i++)
		st = daemon_start(s, &s->listeners[i], opt->threads ? opt->threads : cores(), cert, key);
	arena_wipe(mem);
	arena_free(mem);
	return failed(st) ? st : keeper_start(s);
}

static struct http_server *server_new(const struct http_options *opt, http_handler *handler, void *arg)
{
	struct http_server *s = HEAP(struct http_server);
	s->limits = limits_of(&opt->limits);
	s->handler = handler;
	s->arg = arg;
	s->n_listeners = opt->n_listen;
	s->listeners = HEAPS(struct http_listener, opt->n_listen + 1);
	for (size_t i = 0; i < s->n_listeners; i++)
		s->listeners[i] = (struct http_listener){ .server = s, .fd = -1 };
	keeper_init(s);
	list_init(&s->conns);
	pthread_mutex_init(&s->lock, NULL);
	return s;
}

static void server_free(struct http_server *s)
{
	keeper_stop(s);
	for (size_t i = 0; i < s->n_listeners; i++) {
		if (s->listeners[i].daemon)
			MHD_stop_daemon(s->listeners[i].daemon);
		http_listener_close(&s->listeners[i]);
	}
	keeper_close(s);
	tls_tickets_free(s->tickets);
	pthread_mutex_destroy(&s->lock);
	heap_free(s->listeners);
	heap_free(s);
}

struct status http_start(const struct http_options *opt, http_handler *handler, void *arg, struct http_server **out)
{
	struct http_server *s = server_new(opt, handler, arg);
	struct status st = start_all(opt, s);
	if (failed(st)) {
		http_stop(s, 0);
		return st;
	}
	*out = s;
	return OK;
}

int http_port(const struct http_server *s, size_t i)
{
	assert(i < s->n_listeners);
	return s->listeners[i].port;
}

static bool all_gone(struct http_server *s)
{
	pthread_mutex_lock(&s->lock);
	bool gone = s->n_conns == 0;
	pthread_mutex_unlock(&s->lock);
	return gone && atomic_load(&s->open) == 0;
}

void http_stop(struct http_server *s, int drain_ms)
{
	atomic_store(&s->stopping, true);
	for (size_t i = 0; i < s->n_listeners; i++)
		if (s->listeners[i].fd >= 0)
			shutdown(s->listeners[i].fd, SHUT_RDWR);
	for (int64_t us = 0; us < (int64_t)drain_ms * 1000 && !all_gone(s); us += POLL_US) {
		keeper_shut(s, true);
		usleep(POLL_US);
	}
	atomic_store(&s->cut, true);
	while (atomic_load(&s->open) != 0) {
		keeper_shut(s, false);
		usleep(POLL_US);
	}
	server_free(s);
}

struct http_stats http_stats_get(struct http_server *s)
{
	struct http_counts now = { 0 };
	struct http_stats out = { .requests_open = atomic_load(&s->open) };
	pthread_mutex_lock(&s->lock);
	add_counts(&now, &s->gone);
	for (struct link *l = s->conns.next; l != &s->conns; l = l->next)
		add_counts(&now, &ENTRY(l, struct http_conn, link)->counts);
	out.connections = s->n_accepted;
	out.connections_open = s->n_conns;
	pthread_mutex_unlock(&s->lock);
	out.requests = counted(&now.requests);
	out.refused = counted(&now.refused);
	out.bytes_in = counted(&now.bytes_in);
	out.bytes_out = counted(&now.bytes_out);
	return out;
}

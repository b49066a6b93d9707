/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The keeper: one thread a server.
 * - It accepts connections and deals them out to the event threads; left to themselves, the
 *   first of them to wake takes all that wait. At the limit it leaves the rest in the queue.
 * - It ticks once a second and shuts down the connections that have waited too long for a
 *   whole request header, or a whole small body, however busily bytes trickle in
 *   (libmicrohttpd's own timeout counts from the last byte). While a listener is at its limit
 *   it has little patience there: who holds connections and sends nothing keeps nobody out.
 * - At each tick it looks who went in the middle of a request. libmicrohttpd misses an end
 *   that comes along with bytes: its epoll is edge-triggered, and it takes fewer bytes than
 *   it had room for to be all for now.
 * - It steps the fibers whose client is gone, when what they waited for has come.
 */
#include "wire/http_conn.h"

#include <errno.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

enum { CROWDED_S = 5, GONE_TICKS = 3 };

void keeper_nudge(struct http_server *s)
{
	uint64_t one = 1;
	ssize_t n = write(s->keeper.wake_fd, &one, sizeof(one));
	assert(n == (ssize_t)sizeof(one));
}

void keeper_add(struct http_server *s, struct request *rq)
{
	pthread_mutex_lock(&s->keeper.lock);
	list_push(&s->keeper.orphans, &rq->link);
	pthread_mutex_unlock(&s->keeper.lock);
	keeper_nudge(s);
}

static struct request *next_orphan(struct http_keeper *k)
{
	struct request *rq = NULL;
	pthread_mutex_lock(&k->lock);
	if (!list_empty(&k->orphans)) {
		rq = ENTRY(k->orphans.next, struct request, link);
		list_del(&rq->link);
	}
	pthread_mutex_unlock(&k->lock);
	return rq;
}

/* The descriptor is ours to shut down while the connection is in the list: it leaves it before it is closed. */
static void shut_where(struct http_server *s, bool (*which)(struct http_conn *, unsigned now))
{
	unsigned now = atomic_load_explicit(&s->tick, memory_order_relaxed);
	pthread_mutex_lock(&s->lock);
	for (struct link *l = s->conns.next; l != &s->conns; l = l->next) {
		struct http_conn *c = ENTRY(l, struct http_conn, link);
		if (which(c, now))
			shutdown(c->fd, SHUT_RDWR);
	}
	pthread_mutex_unlock(&s->lock);
}

static bool is_any(struct http_conn *c, unsigned now)
{
	(void)c;
	(void)now;
	return true;
}

static bool is_idle(struct http_conn *c, unsigned now)
{
	(void)now;
	return atomic_load_explicit(&c->idle_since, memory_order_relaxed) != 0;
}

static bool has_room(struct http_listener *l)
{
	return l->accepted - atomic_load(&l->closed) < l->server->limits.connections;
}

static unsigned patience(struct http_listener *l)
{
	unsigned s = l->server->limits.idle_s;
	return has_room(l) || s < CROWDED_S ? s : CROWDED_S;
}

static bool is_overdue(struct http_conn *c, unsigned now)
{
	unsigned idle = atomic_load_explicit(&c->idle_since, memory_order_relaxed);
	unsigned body = atomic_load_explicit(&c->body_since, memory_order_relaxed);
	unsigned since = idle ? idle : body;
	return since && now - since > patience(c->listener);
}

void keeper_shut(struct http_server *s, bool idle_only) { shut_where(s, idle_only ? is_idle : is_any); }

/* Whoever waits for an answer may have closed his own direction: nothing more is wanted from him. */
static bool wants_more(struct http_conn *c)
{
	return atomic_load_explicit(&c->idle_since, memory_order_relaxed) != 0 ||
	       atomic_load_explicit(&c->wants_body, memory_order_relaxed);
}

static bool is_at_end(int fd)
{
	int unread = 0;
	return ioctl(fd, FIONREAD, &unread) == 0 && unread == 0;
}

/* With the server's lock held. In the places of those nothing is wanted from is -1, at which poll does not look. */
static size_t look_at_all(struct http_server *s)
{
	struct http_keeper *k = &s->keeper;
	size_t n = 0;
	if (k->looked_cap < s->n_conns) {
		k->looked = heap_grow(k->looked, k->looked_cap, s->n_conns, sizeof *k->looked);
		k->looked_cap = s->n_conns;
	}
	for (struct link *l = s->conns.next; l != &s->conns; l = l->next) {
		struct http_conn *c = ENTRY(l, struct http_conn, link);
		k->looked[n++] = (struct pollfd){ .fd = wants_more(c) ? c->fd : -1, .events = POLLRDHUP };
	}
	return n && poll(k->looked, n, 0) >= 0 ? n : 0;
}

/* Seen more than once: its thread may just have read the last bytes, and be about to do what they ask. */
static void shut_gone(struct http_server *s)
{
	pthread_mutex_lock(&s->lock);
	size_t n = look_at_all(s), i = 0;
	for (struct link *l = s->conns.next; i < n; l = l->next, i++) {
		struct http_conn *c = ENTRY(l, struct http_conn, link);
		bool went = s->keeper.looked[i].revents & POLLRDHUP && is_at_end(c->fd);
		c->gone = went ? c->gone + 1 : 0;
		if (c->gone >= GONE_TICKS)
			shutdown(c->fd, SHUT_RDWR);
	}
	pthread_mutex_unlock(&s->lock);
}

static void tick(struct http_server *s, uint64_t seconds)
{
	atomic_fetch_add_explicit(&s->tick, (unsigned)seconds, memory_order_relaxed);
	shut_where(s, is_overdue);
	shut_gone(s);
}

/* False when no descriptors are left: then wait for the next tick. */
static bool accept_from(struct http_listener *l)
{
	enum accepted a = ACCEPT_ONE;
	while (a == ACCEPT_ONE && has_room(l))
		a = http_listener_accept(l);
	return a != ACCEPT_NO_ROOM;
}

enum { FD_WAKE, FD_TIMER, FD_LISTEN };

static void set_listening(struct http_server *s, struct pollfd *fds, bool may)
{
	for (size_t i = 0; i < s->n_listeners; i++) {
		struct http_listener *l = &s->listeners[i];
		atomic_store(&l->full, true); /* before looking: who closes one looks after counting it */
		bool room = has_room(l);
		if (room)
			atomic_store(&l->full, false);
		bool yes = may && room && !atomic_load(&s->stopping);
		fds[FD_LISTEN + i] = (struct pollfd){ .fd = yes ? l->fd : -1, .events = POLLIN };
	}
}

static void *keep(void *arg)
{
	struct http_server *s = arg;
	struct http_keeper *k = &s->keeper;
	nfds_t n_fds = FD_LISTEN + s->n_listeners;
	struct pollfd *fds = HEAPS(struct pollfd, n_fds);
	fds[FD_WAKE] = (struct pollfd){ .fd = k->wake_fd, .events = POLLIN };
	fds[FD_TIMER] = (struct pollfd){ .fd = k->timer_fd, .events = POLLIN };
	bool may_accept = true;
	while (!atomic_load(&s->done)) {
		uint64_t n;
		set_listening(s, fds, may_accept);
		(void)poll(fds, n_fds, -1);
		if (read(k->timer_fd, &n, sizeof(n)) == sizeof(n)) {
			tick(s, n);
			may_accept = true;
		}
		(void)!read(k->wake_fd, &n, sizeof(n));
		for (size_t i = 0; i < s->n_listeners; i++)
			if (fds[FD_LISTEN + i].revents & POLLIN)
				may_accept = accept_from(&s->listeners[i]) && may_accept;
		for (struct request *rq; (rq = next_orphan(k));)
			request_step_orphan(rq);
	}
	heap_free(fds);
	return NULL;
}

void keeper_init(struct http_server *s)
{
	struct http_keeper *k = &s->keeper;
	k->wake_fd = k->timer_fd = -1;
	list_init(&k->orphans);
	pthread_mutex_init(&k->lock, NULL);
	atomic_store(&s->tick, 1);
}

struct status keeper_start(struct http_server *s)
{
	struct http_keeper *k = &s->keeper;
	const struct itimerspec second = { { 1, 0 }, { 1, 0 } };
	k->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	k->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (k->wake_fd < 0 || k->timer_fd < 0 || timerfd_settime(k->timer_fd, 0, &second, NULL) != 0)
		return ERR(E_IO);
	if (pthread_create(&k->thread, NULL, keep, s) != 0)
		return ERR(E_IO);
	k->running = true;
	return OK;
}

void keeper_stop(struct http_server *s)
{
	if (!s->keeper.running)
		return;
	atomic_store(&s->done, true);
	keeper_nudge(s);
	pthread_join(s->keeper.thread, NULL);
	s->keeper.running = false;
}

void keeper_close(struct http_server *s)
{
	struct http_keeper *k = &s->keeper;
	if (k->wake_fd >= 0)
		close(k->wake_fd);
	if (k->timer_fd >= 0)
		close(k->timer_fd);
	pthread_mutex_destroy(&k->lock);
	heap_free(k->looked);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files behind http.h share: the server, its connections and its requests.
 * Private to wire/http*.c.
 *
 * Who may touch what
 * - A connection belongs to one event thread of libmicrohttpd. The keeper reads `idle_since`
 *   and the counters (atomics) and shuts its socket down, under the server's lock, which also
 *   guards the list.
 * - A request belongs to its event thread while its fiber is parked for the body or is being
 *   stepped there; from the moment its connection is suspended and the handover performed, to
 *   whoever was handed the fiber, until fiber_wake. Once `orphan` is set it belongs to the keeper.
 *
 *     HEAD ──(headers seen, body wanted)──▶ BODY ──(last piece)──▶ END ──▶ answer queued
 *       └──(answered before the body)──▶ answer queued, connection closed after it
 *
 * libmicrohttpd takes an answer in HEAD (and then closes the connection) or in END, nowhere else.
 */
#ifndef WIRE_HTTP_CONN_H
#define WIRE_HTTP_CONN_H

#include "base/fiber.h"
#include "base/list.h"
#include "wire/http.h"
#include "wire/tls.h"

#include <microhttpd.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>

enum {
	ADDR_TEXT = INET6_ADDRSTRLEN,
	PIECE_MAX = 32 * 1024,  /* of a body, as the handler sees it */
	STREAM_ROOM = 64 * 1024 /* what pull is asked for at a time; a blob's chunk */
};

struct http_counts {
	_Atomic uint64_t requests, refused, bytes_in, bytes_out;
};

struct http_conn {
	struct link link;
	struct http_server *server;
	struct http_listener *listener;
	int fd;
	bool local, tls;
	bool tls_named; /* the two names below are filled in */
	struct str tls_version, tls_cipher;
	char peer[ADDR_TEXT], self[ADDR_TEXT];
	int peer_port, self_port;
	_Atomic unsigned
	    idle_since; /* the server's tick when it last began to wait for a request; 0 while one is served */
	_Atomic unsigned body_since; /* when it began to wait for a body that is wanted whole; 0: for none */
	_Atomic bool wants_body;     /* more of the body must come before anything else is done */
	unsigned gone;               /* the keeper's: for how many ticks its client was seen to be */
	struct http_counts counts;
};

struct http_listener {
	struct http_server *server;
	struct MHD_Daemon *daemon;
	int fd, port;
	bool tls, local;
	uint64_t accepted;       /* the keeper's */
	_Atomic uint64_t closed; /* of those */
	_Atomic bool full;       /* the keeper wants to know when one closes */
	char path[108];          /* of the socket in the file system, to unlink */
};

/* The keeper: a thread that accepts, ends what takes too long and steps the fibers whose client is gone. */
struct http_keeper {
	pthread_t thread;
	int wake_fd, timer_fd;
	bool running;
	pthread_mutex_t lock;
	struct link orphans;   /* of struct request: woken, to be stepped */
	struct pollfd *looked; /* at whose client may be gone */
	size_t looked_cap;
};

struct http_server {
	struct http_limits limits;
	http_handler *handler;
	void *arg;
	struct http_listener *listeners;
	size_t n_listeners;
	struct tls_tickets *tickets; /* NULL without TLS listeners */
	struct http_keeper keeper;
	_Atomic unsigned tick; /* seconds since the start, from 1 */
	_Atomic bool stopping; /* no new connections, answers say Connection: close */
	_Atomic bool cut;      /* no new requests */
	_Atomic bool done;     /* the keeper is to end */
	_Atomic uint64_t open; /* requests whose handler has not ended */
	pthread_mutex_t lock;  /* the list, and the totals of what left it */
	struct link conns;
	uint64_t n_conns, n_accepted;
	struct http_counts gone;
};

enum phase { PHASE_HEAD, PHASE_BODY, PHASE_END };

struct request {
	struct http_req pub;
	struct http_server *server;
	struct http_conn *conn;
	struct MHD_Connection *mhd; /* not to be used once orphan */
	struct arena *mem;
	struct fiber *fiber; /* NULL before the handler starts and after it has ended */
	struct fiber_host host;
	struct link link; /* in the keeper's orphans */
	const char *uri;  /* where libmicrohttpd has the target: compared, never read */
	enum phase phase;
	bool vetted, expects; /* expects: the client waits for 100 Continue */
	bool over;            /* the handler has ended */
	bool wants_body;      /* parked in http_body_read */
	bool ended;           /* all of the body was given */
	bool closed;          /* the client went */
	bool orphan;
	bool too_big;
	size_t held; /* bytes at the front of libmicrohttpd's buffer that were given and not yet let go */
	uint64_t received, drained;
	struct str piece;
	char *room; /* PIECE_MAX bytes, once there is a body */
	struct http_answer {
		bool given, head_only;
		int status;
		struct http_pairs headers;
		struct str body;
		int64_t length;
		http_pull *pull;
		void *arg;
		void (*done)(void *);
	} answer;
};

/* http_vet.c: fills in rq->pub from what libmicrohttpd parsed; 0, or the status to refuse with. */
unsigned request_vet(struct request *rq, const char *method, const char *version);

/* http_request.c: what libmicrohttpd calls. */
void *request_uri(void *cls, const char *uri, struct MHD_Connection *c);
enum MHD_Result request_serve(void *cls, struct MHD_Connection *c, const char *url, const char *method,
			      const char *version, const char *data, size_t *n, void **ctx);
void request_completed(void *cls, struct MHD_Connection *c, void **ctx, enum MHD_RequestTerminationCode how);
/* Run the fiber of a request without a connection; frees the request when its handler ends. */
void request_step_orphan(struct request *rq);

/* http_body.c: the handover that says: parked for the body. Never performed. */
void request_body_wanted(void *arg, struct fiber *f);

/* http_answer.c: hand the answer to libmicrohttpd. MHD_NO cuts the connection. */
enum MHD_Result request_answer(struct request *rq);
enum MHD_Result request_refuse(struct request *rq, unsigned status);

/* http_listen.c */
enum accepted { ACCEPT_NONE, ACCEPT_ONE, ACCEPT_NO_ROOM /* for descriptors */ };
enum accepted http_listener_accept(struct http_listener *l); /* hands the connection to an event thread */
/* A listener starts with fd -1; close also what failed to open. */
struct status http_listener_open(const struct http_listen *l, struct http_listener *out);
void http_listener_close(struct http_listener *l);
void http_address_text(const void *sockaddr, char *text, int *port); /* "" and 0 for other families */

/* http_keeper.c */
struct status keeper_start(struct http_server *s);
void keeper_init(struct http_server *s);
void keeper_stop(struct http_server *s);  /* ends the thread */
void keeper_close(struct http_server *s); /* after the daemons have stopped */
void keeper_add(struct http_server *s, struct request *rq);
void keeper_nudge(struct http_server *s);
void keeper_shut(struct http_server *s, bool idle_only); /* cut connections off */

static inline void count(_Atomic uint64_t *c, uint64_t n) { atomic_fetch_add_explicit(c, n, memory_order_relaxed); }
static inline uint64_t counted(_Atomic uint64_t *c) { return atomic_load_explicit(c, memory_order_relaxed); }

#endif

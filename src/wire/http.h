/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The HTTP/1.1 and TLS front: requests come out of it as fibers, answers go into it.
 *
 *     header complete ──▶ a fiber runs handler(req)
 *         http_body_read(req, &piece)    parks until there is one; n == 0 is the end
 *         ... anything else that parks: a shard's writer, the io pool, the keyholder ...
 *         http_respond(req, 200, headers, body)
 *         ... what is left to do; the answer leaves when the handler returns ...
 *     the last byte is sent, or the client is gone ──▶ req and req->mem are freed
 *
 * Rules
 * - What cannot be read in one way only never reaches the handler (docs/decisions/0005-http.md):
 *   two Content-Lengths, Transfer-Encoding beside Content-Length, folded headers, a NUL.
 * - The target is what the client sent, byte for byte: signatures are over it.
 * - A `100 Continue` goes out when the handler first asks for the body, and only then.
 * - The handler always runs to its end, whatever becomes of the client: from then on
 *   http_body_read fails with E_CLOSED and the answer is dropped.
 * - An answer given before the body was read: the rest is read and dropped when it is at
 *   most `drain_bytes`, else the connection is closed after the answer.
 * - A handler that returns without an answer closes the connection.
 */
#ifndef WIRE_HTTP_H
#define WIRE_HTTP_H

#include "base/base.h"
#include "wire/http_parts.h"

struct http_server;

/* One place to listen at: an IP literal and a port, or a socket in the file system. */
struct http_listen {
	struct str addr; /* "127.0.0.1", "::1", "0.0.0.0" */
	int port;        /* 0: any; http_port says which */
	bool tls;
	struct str path; /* given: an AF_UNIX socket with mode 0600 at this path, the rest does not count */
};

/* Zero means the default, in brackets. */
struct http_limits {
	size_t header_bytes; /* request line and headers, 431 beyond [16384]; 1024..65536 */
	size_t headers;      /* number of headers, 431 beyond [100] */
	int64_t body_bytes;  /* of any request: Content-Length beyond is 413, a longer chunked body E_TOO_BIG [6 GiB] */
	size_t drain_bytes;  /* see the rules above [64 MiB] */
	unsigned connections;        /* per listener; more wait in the listen queue [1000] */
	unsigned connections_per_ip; /* more are closed at once [no limit] */
	unsigned idle_s;             /* without a byte either way, or without a whole request header or
					small body; at most 5 while a listener is full [60] */
};

struct http_options {
	const struct http_listen *listen;
	size_t n_listen;
	struct str cert_pem, key_pem; /* for the TLS listeners; copied (the key into memory that is wiped) */
	unsigned threads;             /* event threads per TCP listener; 0: one per core */
	struct http_limits limits;
};

/* What the handler sees. All strings live as long as the request; the fields are not to be changed, but for the last
 * two. */
struct http_req {
	struct str method; /* as sent: "GET" */
	struct str target; /* as sent: path, and "?query" when there was one; absolute form keeps scheme and host */
	struct str path;   /* the part of target from its first '/' to '?', still encoded */
	struct str query;  /* what follows '?', still encoded; p == NULL without one */
	struct http_pairs headers;
	bool http_1_0;
	bool tls;
	bool local;             /* came in through a socket in the file system: peer and host address are empty */
	struct str tls_version; /* "TLSv1.3"; p == NULL without TLS */
	struct str tls_cipher;  /* "TLS_AES_128_GCM_SHA256" or "ECDHE-RSA-AES128-GCM-SHA256"; p == NULL without TLS */
	struct str peer;        /* "192.0.2.1": the address without the port */
	int peer_port;
	struct str server_addr; /* where the client found us */
	int server_port;
	int64_t content_length; /* 0: no body; -1: chunked, not known yet */
	struct arena *mem;
	bool wipe;  /* set by the handler: mem saw secrets, and is overwritten before it is freed */
	void *user; /* the handler's own; NULL at first */
};

/* Runs in a fiber, one per request. */
typedef void http_handler(struct http_req *req, void *arg);

/*
 * E_INVALID: an address that is no literal, PEM that does not load, a limit out of range.
 * E_IO: the address cannot be listened at. The log says which and why. Nothing runs after a failure.
 */
struct status http_start(const struct http_options *opt, http_handler *handler, void *arg, struct http_server **out);
int http_port(const struct http_server *s, size_t i); /* of the i-th listener; 0 for sockets in the file system */
/* Stop accepting, let the running requests end for at most drain_ms, cut off the rest (their handlers still end), free.
 */
void http_stop(struct http_server *s, int drain_ms);

struct http_stats {
	uint64_t connections; /* accepted so far */
	uint64_t connections_open;
	uint64_t requests; /* handed to the handler so far */
	uint64_t requests_open;
	uint64_t refused;             /* answered or cut off before the handler: malformed, too big, too slow */
	uint64_t bytes_in, bytes_out; /* of bodies */
};
struct http_stats http_stats_get(struct http_server *s);

/* True for 127.0.0.0/8 and ::1 as literals: the only addresses plain HTTP may be served at. */
bool http_is_loopback(struct str addr);

/* The first header of that name, any case; p == NULL when there is none. */
struct str http_header(const struct http_req *req, struct str name);

/*
 * The next piece of the body, de-chunked; valid until the next call. n == 0 at the end, again
 * and again. E_CLOSED: the client went or the server stops. E_TOO_BIG: past limits.body_bytes.
 */
struct status http_body_read(struct http_req *req, struct str *piece);
/* The whole body in req->mem. E_TOO_BIG when it is longer than max; the rest is then unread. */
struct status http_body_all(struct http_req *req, size_t max, struct str *out);

/*
 * The answer; exactly one per request. Content-Length, Date and Connection are added here (a
 * Date of the caller's counts; a Content-Length of the caller's is ignored). Control characters in a
 * value become spaces. Headers and body are not copied: they live in req->mem or for ever.
 */
void http_respond(struct http_req *req, int status, struct http_pairs headers, struct str body);
/* The answer to HEAD for a body of that length, and 304: the header says `length`, nothing follows. */
void http_respond_head(struct http_req *req, int status, struct http_pairs headers, int64_t length);

/*
 * A long answer, pulled while the client takes it. pull runs outside the fiber, on an event
 * thread: it fills up to `room` bytes (at most 64 KiB) and says how many, at least 1; a failure
 * cuts the connection, so that the client sees that the body is not whole. length -1: not known,
 * sent chunked, *got == 0 is the end. done (or NULL) is called exactly once, whatever happens,
 * before req->mem is freed, after the handler has returned and pull was called for the last time.
 */
typedef struct status http_pull(void *arg, char *buf, size_t room, size_t *got);
void http_respond_stream(struct http_req *req, int status, struct http_pairs headers, int64_t length, http_pull *pull,
			 void *arg, void (*done)(void *arg));

#endif

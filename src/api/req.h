/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A request, from its first byte to its answer, and what handlers may ask of it.
 *
 * Handlers decide. They do not parse (in is decoded and checked), authorize (done, by
 * the row and the resource's policy), log or record (done after them). They read with
 * req_read, and change with req_write:
 *
 *     struct txn *t;
 *     TRY(req_write(rq, shard, &t));     // from here on: the shard's writer thread, inside the batch
 *     TRY(txn_get(t, ...)); TRY(txn_put(t, ...));
 *     *out = ...;
 *     return OK;                          // the pipeline adds the audit record and commits
 *
 * After req_write a handler must not wait for anything (bodies, other services, disk);
 * what it needs it fetches before. A handler that fails leaves nothing behind.
 */
#ifndef API_REQ_H
#define API_REQ_H

#include "api/app.h"
#include "api/caller.h"
#include "wire/http.h"
#include "wire/http_parts.h"

/* Extra members of an error document (S3: <BucketName>, <ActualObjectSize>, ...). */
struct fault_extra {
	const char *name;
	struct str value;
	struct fault_extra *next;
};

struct fault {
	const struct fault_kind *kind;
	struct str text;
	struct fault_extra *extra;
	const char *file; /* where it was raised: for the log, never for the client */
	int line;
	bool forwarded; /* another service's, passed on: not among the operation's own */
	bool common;    /* of the request as such (its signature, its body): any operation may meet it */
};

struct authz_denial;
struct decode;
struct handed;
struct payload_check;
struct payload_sums;
struct sigv4_auth;
struct sigv4_fault;
struct pin;

enum { REQ_READS_MAX = 8, REQ_OWNERS_MAX = 4 };

struct req {
	struct app *app;
	struct arena *mem;     /* dies with the request */
	struct http_req *http; /* NULL when one service calls another */
	struct req *parent;    /* the request on whose behalf, or NULL */

	struct str id;  /* request id */
	int64_t now_ms; /* when it arrived: one clock reading a request */
	const struct service *svc;
	const struct op *op;
	struct str region;                /* whose data: the credential scope's, or the app's */
	struct str account;               /* whose data: the caller's account, unless the resource says otherwise */
	struct str host, path, raw_query; /* path and query as sent: still encoded, what the signature is over */
	struct http_pairs query;          /* percent-decoded */
	struct str source_ip, user_agent;
	bool secure; /* TLS */

	struct caller caller;
	struct caller_policies policies;

	struct str body;               /* whole, for operations whose bodies are bounded */
	struct sigv4_auth *auth;       /* what the signature says; NULL: not signed */
	struct payload_check *payload; /* how the body of a streaming operation is verified; NULL until it is read */
	struct sigv4_fault *sig_fault; /* what the two of them found wrong */
	struct str raw_piece;          /* of the body: read, not yet decoded */
	uint32_t body_sums;            /* payload_sum bits the handler wants */
	bool body_ended;               /* and was what it promised to be */
	struct http_pairs labels;      /* REST: the path's labels, percent-decoded */
	struct decode *decode;         /* how `in` was read: words no enum has, for messages and the record */
	const void *in;                /* the operation's input struct */
	void *out;                     /* its output struct, zeroed before the handler */
	const void *found;             /* what the service's authorize function looked up, kept for its handler */

	struct fault fault;
	const struct authz_denial *denial; /* why authorize said no, for the record and for explain */

	/*
	 * The answer. It leaves after the handler ended and all pins were released, so nothing of it may lie in what a
	 * pin holds (a cached value, a snapshot's bytes): reply must live in rq->mem; header values are copied.
	 *
	 * A stream is pulled later still, on an event thread, outside of any fiber: pull_arg owns all that it uses
	 * (keys, files, holds), or has it in rq->mem, and lets go of it in pull_done. rq and rq->mem live until then;
	 * rq->reads, rq->auth and what req_shard, req_read and cached gave do not.
	 */
	int status;
	struct http_pairs extra_headers; /* beyond those the output struct binds; add with req_header */
	struct http_pair *header_room;   /* where extra_headers grow */
	size_t header_cap;
	struct str reply;
	int64_t head_length; /* answer to HEAD: the length the body would have had */
	struct status (*pull)(void *arg, char *buf, size_t room, size_t *got); /* or a stream */
	void (*pull_done)(void *arg);
	void *pull_arg;
	int64_t pull_length;

	/* Waiting and cleaning up. */
	struct txn *write;
	void (*after)(struct req *rq); /* once the effect is durable, before the answer leaves; NULL: nothing */
	struct {
		struct shard *shard;
		struct txn *txn;
		uint64_t version;
	} reads[REQ_READS_MAX];
	unsigned n_reads;
	struct pin *pins;            /* what must be released when the request ends */
	const struct handed *handed; /* what caches gave it (api/cache.h) */

	/* For the record. */
	struct str_list resources; /* ARNs named in CloudTrail's resources */
	struct str shared_event_id;
	struct str owners[REQ_OWNERS_MAX]; /* req_owner */
	unsigned n_owners;
	struct str event_id;      /* of the record: what record_id made */
	struct str record_extra;  /* additionalEventData, JSON text, or empty */
	struct str record_answer; /* what responseElements has beyond the answer, a JSON object, or empty */
	bool service_event;       /* no call: something a service does by itself; record_extra has its details */
	bool no_record; /* admin and health; and a call whose record was committed with an effect in another shard */
};

/* ---- failing ------------------------------------------------------------- */

#define FAIL(rq, kind, ...) req_fail(rq, kind, __FILE__, __LINE__, __VA_ARGS__)
struct status req_fail(struct req *rq, const struct fault_kind *kind, const char *file, int line, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));
/* Add a member to the fault just raised; returns the fault's status, so it can end a handler. */
struct status req_fail_with(struct req *rq, const char *name, struct str value);
/* True when st is a fault of that kind in rq (then it may be replaced). */
bool req_failed_with(const struct req *rq, struct status st, const struct fault_kind *kind);

/* ---- memory and cleaning up ----------------------------------------------- */

/* Call done(arg) when the handler has ended and its answer is encoded, last first; before a stream is pulled. */
void req_pin(struct req *rq, void (*done)(void *arg), void *arg);
void req_unpin_all(struct req *rq); /* the pipeline, at the end; ends the snapshots first */
/* The same for a call from inside: its snapshots end, what it pinned is held by its parent, who has its output. */
void req_unpin_into_parent(struct req *rq);

/* ---- data ----------------------------------------------------------------- */

/*
 * The shard of that name under the service key of (account, svc), open until the request ends. Names:
 * "<svc>/<account>" for global services, "<svc>/<account>/<region>" for regional ones, else as the service says.
 */
struct status req_shard(struct req *rq, struct str account, struct str name, struct shard **out);
/* The same, but makes nothing: E_NOT_FOUND when there is none yet, which is as good as empty. */
struct status req_shard_existing(struct req *rq, struct str account, struct str name, struct shard **out);
struct status req_shard_own(struct req *rq, struct shard **out); /* of rq->svc, rq->account, rq->region */
/* The same of another service: for the pipeline itself (identities), not for handlers. */
struct status req_shard_of(struct req *rq, struct str account, const char *service, struct str name,
			   struct shard **out);
/* A snapshot, opened once a request and shard, ended with the request (or by req_read_end, before a long stream). */
struct status req_read(struct req *rq, struct shard *shard, struct txn **out);
void req_read_end(struct req *rq);
/* The shard's version that this request's snapshot is at least as new as; without a snapshot: the shard's own. */
uint64_t req_read_version(const struct req *rq, const struct shard *shard);
/*
 * Carries the fiber to the shard's writer; ends all its snapshots first. The pipeline commits it, with the record. One
 * at a time: another only after req_write_undo or req_write_step_back.
 */
struct status req_write(struct req *rq, struct shard *shard, struct txn **out);
/* The write is given up, with all that it did: the fiber is home again, and may read, wait and write anew. */
void req_write_undo(struct req *rq);
/* The same, and home again when others see what it met (txn_step_back). */
void req_write_step_back(struct req *rq);
/* It is the handler's own from here on, who ends it; the record goes with another, or by itself. */
struct txn *req_write_take(struct req *rq);

/* ---- the body of a streaming operation -------------------------------------- */

/* The next decoded and so far verified piece; n == 0 at the end, when all that was promised (hash, checksums, length)
 * holds. */
struct status req_body(struct req *rq, struct str *piece);
/* All of it in rq->mem. Past max: RequestEntityTooLarge. */
struct status req_body_all(struct req *rq, size_t max, struct str *out);
/* After the end: the checksums of the payload. Which to compute besides those the client names (payload_sum bits) is
 * said before the first req_body. */
void req_body_sums(struct req *rq, uint32_t compute);
const struct payload_sums *req_body_have(const struct req *rq);

/* ---- the answer ------------------------------------------------------------- */

/* The value is copied. */
void req_header(struct req *rq, const char *name, struct str value);
void req_header_pair(struct req *rq, struct str name, struct str value); /* not copied: the pipeline's */
struct str req_in_header(const struct req *rq, const char *name);        /* p == NULL when absent */

/* ---- names ------------------------------------------------------------------- */

/* arn:<partition>:<svc>:<region>:<account>:<rest> with the request's own values; global services leave region out. */
struct str req_arn(struct req *rq, const char *rest_fmt, ...) __attribute__((format(printf, 2, 3)));

/* ---- other accounts ------------------------------------------------------------ */

/*
 * The call is about that account's data, too: its trail gets the record, besides the caller's. To be said by who
 * authorizes; in place of rq->account. Once for each account is enough, and no more than REQ_OWNERS_MAX of them.
 */
void req_owner(struct req *rq, struct str account);

/* ---- secondary permissions ----------------------------------------------------- */

/* Would the caller be allowed `action` on `resource` with that resource policy? (S3: 404 or 403 for a missing key.) */
bool req_allowed(struct req *rq, const char *action, struct str resource, const struct policy *resource_policy);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What handlers may ask of a request: failing, data, cleaning up. The steps of its life
 * are in serve.c; its body is in body.c.
 */
#include "api/req.h"

#include "api/accounts.h"
#include "base/buf.h"
#include "base/str.h"

#include <stdarg.h>

/* ---- failing ------------------------------------------------------------- */

struct status req_fail(struct req *rq, const struct fault_kind *kind, const char *file, int line, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	rq->fault = (struct fault){ .kind = kind, .text = arena_vprintf(rq->mem, fmt, ap), .file = file, .line = line };
	va_end(ap);
	return ERR(E_FAULT);
}

struct status req_fail_with(struct req *rq, const char *name, struct str value)
{
	assert(rq->fault.kind);
	struct fault_extra **at = &rq->fault.extra;
	while (*at)
		at = &(*at)->next;
	*at = NEW(rq->mem, struct fault_extra);
	**at = (struct fault_extra){ name, value, NULL };
	return ERR(E_FAULT);
}

bool req_failed_with(const struct req *rq, struct status st, const struct fault_kind *kind)
{
	return st.code == E_FAULT && rq->fault.kind == kind;
}

/* ---- cleaning up ----------------------------------------------------------- */

struct pin {
	void (*done)(void *arg);
	void *arg;
	struct pin *next;
};

void req_pin(struct req *rq, void (*done)(void *arg), void *arg)
{
	struct pin *pin = NEW(rq->mem, struct pin);
	*pin = (struct pin){ done, arg, rq->pins };
	rq->pins = pin;
}

void req_unpin_all(struct req *rq)
{
	req_read_end(rq);
	for (struct pin *pin = rq->pins; pin; pin = pin->next)
		pin->done(pin->arg);
	rq->pins = NULL;
}

void req_unpin_into_parent(struct req *rq)
{
	struct pin **end = &rq->pins;
	req_read_end(rq);
	while (*end)
		end = &(*end)->next;
	*end = rq->parent->pins;
	rq->parent->pins = rq->pins;
	rq->pins = NULL;
}

/* ---- data -------------------------------------------------------------------- */

static void close_shard(void *shard) { shard_close(shard); }

typedef struct status opener(struct store *s, struct str name, const struct key_ref *parent, struct shard **out);

static struct status open_with(struct req *rq, opener *open, struct str account, const char *service, struct str name,
			       struct shard **out)
{
	const struct key_ref *key;
	TRY(account_service_key(rq->app->accounts, account, str_of(service), &key));
	TRY(open(rq->app->store, name, key, out));
	req_pin(rq, close_shard, *out);
	return OK;
}

struct status req_shard_of(struct req *rq, struct str account, const char *service, struct str name, struct shard **out)
{
	return open_with(rq, shard_open, account, service, name, out);
}

struct status req_shard_existing(struct req *rq, struct str account, struct str name, struct shard **out)
{
	return open_with(rq, shard_open_existing, account, rq->svc->name, name, out);
}

void req_owner(struct req *rq, struct str account)
{
	if (str_eq(account, rq->caller.account))
		return;
	for (unsigned i = 0; i < rq->n_owners; i++)
		if (str_eq(rq->owners[i], account))
			return;
	assert(rq->n_owners < REQ_OWNERS_MAX);
	rq->owners[rq->n_owners++] = account;
}

struct status req_shard(struct req *rq, struct str account, struct str name, struct shard **out)
{
	return req_shard_of(rq, account, rq->svc->name, name, out);
}

struct status req_shard_own(struct req *rq, struct shard **out)
{
	struct buf name = buf_in(rq->mem);
	buf_z(&name, rq->svc->name);
	buf_byte(&name, '/');
	buf_put(&name, rq->account);
	if (!rq->svc->global) {
		buf_byte(&name, '/');
		buf_put(&name, rq->region);
	}
	return req_shard(rq, rq->account, buf_str(&name), out);
}

struct status req_read(struct req *rq, struct shard *shard, struct txn **out)
{
	for (unsigned i = 0; i < rq->n_reads; i++)
		if (rq->reads[i].shard == shard) {
			*out = rq->reads[i].txn;
			return OK;
		}
	assert(rq->n_reads < REQ_READS_MAX);
	rq->reads[rq->n_reads].version =
	    shard_version(shard); /* before the snapshot: a later commit makes what is read from it stale */
	TRY(txn_read(shard, out));
	rq->reads[rq->n_reads].shard = shard;
	rq->reads[rq->n_reads].txn = *out;
	rq->n_reads++;
	return OK;
}

uint64_t req_read_version(const struct req *rq, const struct shard *shard)
{
	for (unsigned i = 0; i < rq->n_reads; i++)
		if (rq->reads[i].shard == shard)
			return rq->reads[i].version;
	return shard_version(shard);
}

void req_read_end(struct req *rq)
{
	while (rq->n_reads > 0)
		txn_end(rq->reads[--rq->n_reads].txn);
}

struct status req_write(struct req *rq, struct shard *shard, struct txn **out)
{
	assert(!rq->write);
	assert(!(rq->op->flags & OP_READ_ONLY));
	req_read_end(rq);
	TRY(txn_write(shard, out));
	rq->write = *out;
	return OK;
}

void req_write_undo(struct req *rq) { txn_abort(req_write_take(rq)); }

void req_write_step_back(struct req *rq) { txn_step_back(req_write_take(rq)); }

struct txn *req_write_take(struct req *rq)
{
	struct txn *t = rq->write;
	rq->write = NULL;
	return t;
}

/* ---- the answer and names -------------------------------------------------------- */

void req_header(struct req *rq, const char *name, struct str value)
{
	req_header_pair(rq, str_of(name), str_dup(rq->mem, value));
}

void req_header_pair(struct req *rq, struct str name, struct str value)
{
	size_t n = rq->extra_headers.n;
	if (rq->extra_headers.v != rq->header_room || n == rq->header_cap) {
		rq->header_cap = n < 8 ? 16 : 2 * n;
		rq->header_room = NEWS(rq->mem, struct http_pair, rq->header_cap);
		if (n)
			memcpy(rq->header_room, rq->extra_headers.v, n * sizeof *rq->header_room);
	}
	rq->header_room[n] = (struct http_pair){ name, value };
	rq->extra_headers = (struct http_pairs){ rq->header_room, n + 1 };
}

struct str req_in_header(const struct req *rq, const char *name)
{
	return rq->http ? http_header(rq->http, str_of(name)) : (struct str){ 0 };
}

struct str req_arn(struct req *rq, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	struct str rest = arena_vprintf(rq->mem, fmt, ap);
	va_end(ap);
	return arena_printf(rq->mem, "arn:%.*s:%s:%.*s:%.*s:%.*s", PR(rq->app->partition), rq->svc->name,
			    rq->svc->global ? 0 : (int)rq->region.n, rq->region.p, PR(rq->account), PR(rest));
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The index of last uses, brought up to date from the trail.
 *
 * What counts is every call somebody made as himself, allowed or not ("all attempts to
 * access an AWS API, not just the successful ones"), but none whose signature proved
 * nothing. A call is noted under the IAM action it needs, and under the unique id of its
 * user or role, so whoever is made again under an old name begins with nothing.
 *
 * Two requests may read the same piece at once. The one that comes second finds the mark
 * moved, and leaves it at that.
 */
#include "base/map.h"
#include "base/str.h"
#include "svc/iam/accessed.h"
#include "wire/pack.h"

#include "api/trail.h"

enum { PIECE = 50 * 1000 }; /* records */

#define MARK S("w")

struct status iam_accessed_shard(struct req *rq, struct shard **out)
{
	return req_shard_of(rq, rq->account, "iam", arena_printf(rq->mem, "iam/%.*s/accessed", PR(rq->account)), out);
}

/* ---- reading the trail --------------------------------------------------------------------- */

struct piece {
	struct req *rq;
	struct arena *mem;
	struct map latest; /* by row key: struct iam_used_row */
};

static const struct service *service_of(const struct app *app, struct str source)
{
	for (const struct service *const *s = app->services; *s; s++)
		if (str_eq(str_of((*s)->source), source))
			return *s;
	return NULL;
}

static const struct op *op_of(const struct service *svc, struct str event)
{
	for (uint32_t i = 0; i < svc->n_ops; i++)
		if (svc->ops[i].event && str_eq(str_of(svc->ops[i].event), event))
			return &svc->ops[i];
	return service_op(svc, event);
}

static struct str principal_of(const struct piece *p, const struct record *r)
{
	if (r->refused_identity || !str_eq(r->account, p->rq->account))
		return S("");
	if (r->caller_kind == CALLER_USER)
		return r->principal_id;
	/* a federated session uses its user's permissions, and has the user's id there */
	return r->caller_kind == CALLER_ROLE || r->caller_kind == CALLER_FEDERATED ? r->role_id : S("");
}

static struct str use_key(struct arena *mem, struct str id, struct str action)
{
	struct str name = action, service = str_cut(&name, ':');
	return key_of(mem, 'l', id, service, name);
}

static void see(void *arg, const struct record *r)
{
	struct piece *p = arg;
	struct str id = principal_of(p, r);
	const struct service *svc = id.n ? service_of(p->rq->app, r->event_source) : NULL;
	const struct op *op = svc ? op_of(svc, r->event_name) : NULL;
	if (!op)
		return;
	char room[512];
	struct arena *mem = p->mem;
	struct str action = str_of(op->action);
	int n = snprintf(room, sizeof room, "%.*s:%.*s", PR(id), PR(action));
	struct str name = str_make(room, n > 0 && (size_t)n < sizeof room ? (size_t)n : 0);
	struct iam_used_row *row = map_get(&p->latest, name);
	if (row && row->when.v > r->time_ms)
		return;
	if (!row) {
		row = NEW(mem, struct iam_used_row);
		(void)map_put(&p->latest, name, row);
	}
	if (!row->region.p || !str_eq(row->region, r->region))
		row->region = str_dup(mem, r->region);
	row->when = (struct opt_int)SET(r->time_ms);
}

/* ---- writing the index ------------------------------------------------------------------------ */

static struct status read_mark(struct txn *t, struct arena *mem, uint64_t *mark)
{
	struct str bytes;
	*mark = 0;
	struct status st = txn_get(t, MARK, mem, &bytes);
	if (failed(st))
		return st.code == E_NOT_FOUND ? OK : st;
	struct rd r = rd_of(bytes);
	*mark = rd_varint(&r);
	return r.bad ? ERR(E_CORRUPT) : OK;
}

/* An older use may come in a later block: records of two sources are in order only within a block. */
static struct status put_latest(struct txn *t, struct arena *mem, struct str key, const struct iam_used_row *row)
{
	struct iam_used_row have;
	struct buf b = buf_in(mem);
	struct status st = iam_row_get(mem, t, key, &iam_used_row_shape, &have);
	if (failed(st) && st.code != E_NOT_FOUND)
		return st;
	if (!failed(st) && have.when.v >= row->when.v)
		return OK;
	pack(&b, &iam_used_row_shape, row);
	return txn_put(t, key, buf_str(&b));
}

static struct status put_all(struct piece *p, struct txn *t)
{
	size_t it = 0;
	struct str name;
	void *row;
	while (map_next(&p->latest, &it, &name, &row)) {
		struct str action = name, id = str_cut(&action, ':');
		TRY(put_latest(t, p->mem, use_key(p->mem, id, action), row));
	}
	return OK;
}

static struct status write_piece(struct piece *p, struct txn *t, uint64_t from, uint64_t to, uint64_t *seen)
{
	struct buf b = buf_in(p->mem);
	TRY(read_mark(t, p->mem, seen));
	if (*seen != from)
		return OK;
	TRY(put_all(p, t));
	buf_varint(&b, to);
	*seen = to;
	return txn_put(t, MARK, buf_str(&b));
}

static struct status advance(struct piece *p, struct shard *shard, uint64_t *seen)
{
	struct req *rq = p->rq;
	struct txn *t;
	uint64_t from, to;
	TRY(req_read(rq, shard, &t));
	TRY(read_mark(t, rq->mem, &from));
	req_read_end(rq);
	*seen = to = from;
	TRY(trail_scan(rq->app->trail, rq->account, &to, PIECE, see, p));
	if (to == from)
		return OK;
	TRY(txn_write(shard, &t));
	return txn_finish(t, write_piece(p, t, from, to, seen));
}

struct status iam_accessed_advance(struct req *rq, struct shard *shard, uint64_t *seen)
{
	struct piece p = { .rq = rq, .mem = arena_new() };
	uint64_t seed;
	world_random(rq->app->world, &seed, sizeof seed);
	map_init(&p.latest, seed);
	struct status st = advance(&p, shard, seen);
	map_free(&p.latest);
	arena_free(p.mem);
	return st;
}

/* ---- reading the index ------------------------------------------------------------------------- */

static void add(struct req *rq, struct iam_uses *to, struct iam_use_of use)
{
	if (to->n == to->cap) {
		struct iam_use_of *more = NEWS(rq->mem, struct iam_use_of, to->cap = to->cap ? to->cap * 2 : 32);
		if (to->n)
			memcpy(more, to->v, to->n * sizeof *more);
		to->v = more;
	}
	to->v[to->n++] = use;
}

struct status iam_accessed_uses(struct req *rq, struct txn *t, struct str id, size_t who, int64_t from_ms,
				struct iam_uses *to)
{
	struct cursor c;
	struct str none = { 0 };
	TRY(txn_range(t, &(struct range){ .prefix = key_of(rq->mem, 'l', id, none, none) }, &c));
	while (cursor_next(&c)) {
		struct iam_used_row row;
		if (failed(unpack(rq->mem, &iam_used_row_shape, str_dup(rq->mem, c.val), &row)))
			return ERR(E_CORRUPT);
		struct rd r = rd_of(str_dup(rq->mem, c.key));
		(void)key_take_tag(&r);
		(void)key_take_str(&r, rq->mem);
		struct str service = key_take_str(&r, rq->mem), action = key_take_str(&r, rq->mem);
		if (row.when.v >= from_ms)
			add(rq, to, (struct iam_use_of){ who, service, action, row.region, row.when.v });
	}
	return cursor_end(&c);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keeping the regions of a multi-Region key in step; what for and by which rules: multiregion.h.
 *
 * One region is written after the other, each in a transaction of its own, the one that is to be the primary first.
 * A region that cannot be written leaves the row m where it is, and the duty tries again.
 */
#include "svc/kms/mirror.h"

#include "base/log.h"
#include "base/str.h"
#include "base/turns.h"
#include "svc/kms/deletion.h"
#include "svc/kms/duty.h"
#include "svc/kms/multiregion.h"
#include "svc/kms/note.h"
#include "wire/pack.h"

enum { TRIES = 64 }; /* somebody changes it again and again while it is copied */

/* ---- transactions --------------------------------------------------------------- */

static struct status begin(struct req *in, struct txn **t)
{
	struct shard *shard;
	TRY(kms_shard(in, in->account, &shard));
	req_read_end(in);
	return txn_write(shard, t);
}

/* ---- marking ---------------------------------------------------------------------- */

struct status kms_shared(struct req *rq, struct txn *t, struct str id, struct kms_key_row *row)
{
	if (!row->multi_region)
		return OK;
	row->version++;
	if (!row->replicas.n)
		return OK;
	if (rq->write == t)
		rq->after = kms_mirror_after;
	return txn_put(t, kms_mark_key(rq->mem, id), S(""));
}

/* ---- one region ------------------------------------------------------------------- */

static struct status copy_to(struct req *in, const struct kms_original *o, const struct kms_replica_wish *wish)
{
	struct shard *shard;
	struct txn *t;
	if (wish) {
		TRY(kms_region_note(in, in->account));
		TRY(kms_shard_make(in, in->account, &shard));
	}
	TRY(begin(in, &t));
	return txn_finish(t, kms_copy(in, t, o, wish));
}

static struct status wish_of(struct req *rq, struct str account, const struct kms_original *o, struct str region,
			     struct kms_replica_wish *wish)
{
	struct req *in = kms_enter(rq, account, o->region);
	struct status st = kms_wish_read(in, o->id, region, wish);
	kms_leave(in);
	return st;
}

/* ---- a replica that is not to be ----------------------------------------------------- */

static void unlist(struct kms_key_row *row, size_t i)
{
	struct kms_replica_entry *v = (struct kms_replica_entry *)(uintptr_t)row->replicas.v;
	memmove(v + i, v + i + 1, (row->replicas.n - i - 1) * sizeof *v);
	row->replicas.n--;
}

static size_t listed(const struct kms_key_row *row, struct str region, int64_t since)
{
	size_t i = 0;
	while (i < row->replicas.n && (!str_eq(row->replicas.v[i].region, region) || row->replicas.v[i].since != since))
		i++;
	return i;
}

/* The last of the replicas is gone: the primary's own waiting period begins. */
static struct status take_off(struct req *in, struct txn *t, struct str id, struct str region, int64_t since)
{
	struct kms_key_row row;
	TRY(kms_row_get(in, t, id, &row));
	size_t i = listed(&row, region, since);
	if (!kms_is_primary(&row) || i == row.replicas.n)
		return OK;
	unlist(&row, i);
	TRY(txn_del(t, kms_wish_key(in->mem, id, region)));
	TRY(kms_shared(in, t, id, &row));
	if (!row.replicas.n) {
		TRY(txn_del(t, kms_mark_key(in->mem, id)));
		if (row.state == KMS_KEY_STATE_PENDING_REPLICA_DELETION)
			TRY(kms_deletion_begin(in, t, id, &row));
	}
	return kms_row_put(in, t, id, &row);
}

static struct status take_off_at(struct req *rq, struct str account, struct str primary, struct str id,
				 struct str region, int64_t since)
{
	struct txn *t;
	struct req *in = kms_enter(rq, account, primary);
	struct status st = begin(in, &t);
	if (!failed(st))
		st = txn_finish(t, take_off(in, t, id, region, since));
	kms_leave(in);
	return st;
}

/* ---- all regions --------------------------------------------------------------------- */

/* The successor is not there any more: it was deleted before it could be told. */
static struct status take_back(struct req *in, const struct kms_original *o)
{
	struct kms_key_row row;
	struct txn *t;
	TRY(begin(in, &t));
	struct status st = kms_row_get(in, t, o->id, &row);
	if (failed(st) || row.version != o->row.version || !row.updating)
		return txn_finish(t, st);
	row.multi_region = KMS_MULTI_REGION_KEY_TYPE_PRIMARY;
	row.primary_region = in->region;
	row.updating = false;
	row.since = 0;
	for (size_t i = 0; i < row.replicas.n; i++)
		if (str_eq(row.replicas.v[i].region, in->region))
			unlist(&row, i);
	st = txn_del(t, kms_mark_key(in->mem, o->id));
	if (!failed(st))
		st = kms_shared(in, t, o->id, &row);
	if (!failed(st))
		st = kms_row_put(in, t, o->id, &row);
	return txn_finish(t, st);
}

struct round {
	struct str account;
	const struct kms_original *o;
	struct status unmade; /* why a replica could not be made */
	struct str awaited;   /* the region of the one that is waited for; empty: none */
	bool made;            /* it is there */
};

static struct status visit(struct req *rq, struct round *r, struct str region, int64_t since)
{
	struct kms_replica_wish wish;
	const struct kms_original *o = r->o;
	struct status w = wish_of(rq, r->account, o, region, &wish);
	if (failed(w) && w.code != E_NOT_FOUND)
		return w;
	struct req *in = kms_enter(rq, r->account, region);
	struct status st = copy_to(in, o, failed(w) ? NULL : &wish);
	kms_leave(in);
	r->made |= !failed(st) && str_eq(region, r->awaited);
	if (!failed(st) || failed(w))
		return st.code == E_NOT_FOUND ? OK : st;
	struct fault kept = rq->fault;
	if (st.code != E_FAULT)
		log_error("a replica key was not made", "key", o->id, "region", region, "status",
			  str_of(status_name(st)));
	TRY(take_off_at(rq, r->account, o->region, o->id, region, since));
	rq->fault = kept;
	r->unmade = st;
	return OK;
}

static struct status tell_successor(struct req *rq, struct round *r)
{
	const struct kms_original *o = r->o;
	if (str_eq(o->row.primary_region, o->region))
		return OK;
	struct req *in = kms_enter(rq, r->account, o->row.primary_region);
	struct status st = copy_to(in, o, NULL);
	kms_leave(in);
	if (st.code != E_NOT_FOUND)
		return st;
	in = kms_enter(rq, r->account, o->region);
	st = take_back(in, o);
	kms_leave(in);
	return failed(st) ? st : ERR(E_EXISTS);
}

/* All have it: unless something was changed meanwhile, nothing is left to be done. E_EXISTS: something was. */
static struct status settle(struct req *in, const struct kms_original *o)
{
	struct kms_key_row row;
	struct txn *t;
	TRY(begin(in, &t));
	struct status st = kms_row_get(in, t, o->id, &row);
	if (!failed(st) && row.version != o->row.version)
		st = ERR(E_EXISTS);
	if (!failed(st))
		st = txn_del(t, kms_mark_key(in->mem, o->id));
	for (size_t i = 0; i < o->row.replicas.n && !failed(st); i++)
		st = txn_del(t, kms_wish_key(in->mem, o->id, o->row.replicas.v[i].region));
	if (!failed(st) && row.updating) {
		row.updating = false;
		st = kms_row_put(in, t, o->id, &row);
	}
	if (!failed(st) && kms_is_primary(&row))
		st = kms_note_synchronized(in, t, in->account, o->id);
	return txn_finish(t, st);
}

/* E_EXISTS: it was changed meanwhile, once more. */
static struct status tell_all(struct req *rq, struct round *r)
{
	const struct kms_original *o = r->o;
	struct status bad = OK;
	TRY(tell_successor(rq, r));
	for (size_t i = 0; i < o->row.replicas.n; i++) {
		const struct kms_replica_entry *e = &o->row.replicas.v[i];
		if (str_eq(e->region, o->region))
			continue;
		struct status st = visit(rq, r, e->region, e->since);
		if (failed(st))
			bad = st;
	}
	TRY(bad);
	struct req *in = kms_enter(rq, r->account, o->region);
	struct status st = settle(in, o);
	kms_leave(in);
	return st;
}

static struct status mirror_in_turn(struct req *rq, struct str region, struct str id, struct round *r)
{
	struct kms_original *o = NEW(rq->mem, struct kms_original);
	struct status st = ERR(E_EXISTS);
	r->o = o;
	for (int i = 0; i < TRIES && st.code == E_EXISTS; i++) {
		struct req *in = kms_enter(rq, r->account, region);
		st = kms_original_read(in, id, o);
		kms_leave(in);
		if (st.code == E_NOT_FOUND || (!failed(st) && !o->marked))
			return r->unmade;
		if (!failed(st))
			st = tell_all(rq, r);
	}
	TRY(st.code == E_EXISTS ? ERR(E_BUSY) : st);
	return r->unmade;
}

/*
 * One at a time for a key: of two, one could make a replica while the other, who could not, takes it off the list. Who
 * waited mostly finds nothing left to do.
 */
static struct status mirror(struct req *rq, struct str region, struct str id, struct round *r)
{
	struct turn turn;
	req_read_end(rq); /* a snapshot is not to grow old in a row */
	turn_take(rq->app->turns, &turn, id);
	struct status st = mirror_in_turn(rq, region, id, r);
	turn_give(&turn);
	return st;
}

struct status kms_mirror(struct req *rq, struct str account, struct str region, struct str id)
{
	struct round r = { .account = account, .unmade = OK };
	return mirror(rq, region, id, &r);
}

static struct status is_there(struct req *rq, const struct kms_key *key, struct str region)
{
	struct kms_original replica;
	struct req *in = kms_enter(rq, key->account, region);
	struct status st = kms_original_read(in, key->id, &replica);
	kms_leave(in);
	return st;
}

struct status kms_mirror_new(struct req *rq, const struct kms_key *key, struct str region)
{
	struct round r = { .account = key->account, .unmade = OK, .awaited = region };
	struct status st = mirror(rq, key->region, key->id, &r);
	if (r.made || !failed(is_there(rq, key, region))) /* that others are not in step is another matter */
		return OK;
	return failed(st) ? st : ERR(E_BUSY);
}

void kms_mirror_after(struct req *rq)
{
	const struct kms_key *key = kms_found(rq)->key;
	struct status st = kms_mirror(rq, key->account, key->region, key->id);
	if (failed(st))
		log_error("a multi-Region key's regions are not in step yet", "key", key->arn, "status",
			  str_of(status_name(st)));
}

struct marked {
	struct str id;
	struct marked *next;
};

struct status kms_mirror_all(struct req *rq, struct shard *shard)
{
	struct marked *first = NULL;
	struct cursor c;
	struct txn *t;
	TRY(req_read(rq, shard, &t));
	TRY(txn_range(t, &(struct range){ .prefix = S("m"), .keys_only = true }, &c));
	while (cursor_next(&c)) {
		struct rd rd = rd_of(str_dup(rq->mem, c.key));
		(void)key_take_tag(&rd);
		struct marked *m = NEW(rq->mem, struct marked);
		*m = (struct marked){ key_take_str(&rd, rq->mem), first };
		first = m;
	}
	TRY(cursor_end(&c));
	req_read_end(rq);
	for (const struct marked *m = first; m; m = m->next) {
		struct status st = kms_mirror(rq, rq->account, rq->region, m->id);
		if (failed(st))
			log_error("a multi-Region key's regions are not in step yet", "key", m->id, "region",
				  rq->region, "status", str_of(status_name(st)));
	}
	return OK;
}

/* ---- leaving ------------------------------------------------------------------------------- */

static struct status role_in(struct req *rq, struct str account, struct str region, struct str id,
			     struct kms_key_row *row)
{
	struct kms_original o;
	struct req *in = kms_enter(rq, account, region);
	struct status st = kms_original_read(in, id, &o);
	kms_leave(in);
	if (!failed(st))
		*row = o.row;
	return st;
}

/* Who was told of a successor while the successor was not told yet tells him now. */
static struct status find_primary(struct req *rq, struct str account, struct str id, struct str start, struct str *out)
{
	struct str at = start;
	for (int i = 0; i < TRIES; i++) {
		struct kms_key_row row;
		TRY(role_in(rq, account, at, id, &row));
		if (row.updating)
			TRY(kms_mirror(rq, account, at, id));
		if (kms_is_primary(&row)) {
			*out = at;
			return OK;
		}
		at = row.primary_region;
	}
	return ERR(E_BUSY);
}

struct status kms_depart(struct req *rq, struct str account, struct str id, const struct kms_key_row *row)
{
	struct str primary;
	struct status st = find_primary(rq, account, id, row->primary_region, &primary);
	for (size_t i = 0; i < row->replicas.n && st.code == E_NOT_FOUND; i++) /* it heard nothing for a long time */
		if (!str_eq(row->replicas.v[i].region, rq->region))
			st = find_primary(rq, account, id, row->replicas.v[i].region, &primary);
	if (st.code == E_NOT_FOUND)
		return OK; /* the last of all */
	TRY(st);
	TRY(take_off_at(rq, account, primary, id, rq->region, row->since));
	st = kms_mirror(rq, account, primary, id);
	if (failed(st))
		log_error("a multi-Region key's regions are not in step yet", "key", id, "status",
			  str_of(status_name(st)));
	return OK;
}

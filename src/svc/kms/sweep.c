/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The day a key ends. Its rows go, the wrapped material with them, in one commit that also
 * holds the trail's DeleteKey record; then the keyring forgets it. What stood under it is
 * unreadable from then on, and nobody can bring it back.
 *
 * A replica's primary is told first: its own end may wait for it (multiregion.h). Material that other regions have
 * as well stays theirs; here, nothing is left of it.
 *
 * Nothing waits for this to be safe: a key whose date has come is not found any more,
 * whether or not its rows are still there. The sweep runs when such a key is asked for, and
 * as part of the duty (duty.h).
 */
#include "svc/kms/deletion.h"

#include "api/accounts.h"
#include "base/log.h"
#include "base/str.h"
#include "svc/kms/grant.h"
#include "svc/kms/key_store.h"
#include "svc/kms/multiregion.h"
#include "svc/kms/note.h"
#include "svc/kms/quota.h"
#include "wire/pack.h"
#include "wire/str_list.h"

enum { SWEEP_MAX = 256 }; /* keys in one transaction */

/* What was shredded in a transaction, for the keyring to forget once that is durable. */
struct old_key {
	struct key_ref ref;
	struct old_key *next;
};
struct old_store {
	struct str id;
	struct old_store *next;
};
struct shredded {
	struct old_key *first;
	struct old_store *stores; /* whose tokens have keys to be destroyed */
	size_t keys;
	struct str_list told; /* replicas whose primaries know */
};

/* ---- rows ----------------------------------------------------------------------- */

static struct status shred_backing(struct req *rq, struct txn *t, struct str account, struct str id, struct shredded *s)
{
	const struct key_ref *parent;
	struct cursor c;
	TRY(account_service_key(rq->app->accounts, account, S("kms"), &parent));
	TRY(txn_range(t, &(struct range){ .prefix = kms_key_of(rq->mem, 'b', id) }, &c));
	while (cursor_next(&c)) {
		struct kms_backing_row row = { 0 };
		struct str bytes = str_dup(rq->mem, c.val), key = str_dup(rq->mem, c.key);
		struct rd r = rd_of(key);
		(void)key_take_tag(&r);
		(void)key_take_str(&r, rq->mem);
		struct str purpose = kms_purpose(rq->mem, rq->region, id, (uint32_t)key_take_u64(&r));
		TRY(unpack(rq->mem, &kms_backing_row_shape, bytes, &row));
		TRY(txn_del(t, key));
		if (!row.wrapped.n)
			continue;
		struct old_key *m = NEW(rq->mem, struct old_key);
		*m = (struct old_key){ key_ref_of(parent, purpose, row.wrapped), s->first };
		s->first = m;
	}
	return cursor_end(&c);
}

/* The key in the token is destroyed when this is durable, or when the store is connected. */
static struct status orphan(struct req *rq, struct txn *t, const struct kms_key_row *row, struct str id,
			    struct shredded *s)
{
	if (!kms_in_store(row))
		return OK;
	struct old_store *old = s->stores;
	while (old && !str_eq(old->id, row->custom_key_store_id))
		old = old->next;
	if (!old) {
		old = NEW(rq->mem, struct old_store);
		*old = (struct old_store){ row->custom_key_store_id, s->stores };
		s->stores = old;
	}
	return kms_store_orphan(rq, t, row->custom_key_store_id, id);
}

static struct status drop_aliases(struct req *rq, struct txn *t, struct str id)
{
	struct cursor c;
	TRY(txn_range(t, &(struct range){ .prefix = kms_key_of(rq->mem, 't', id), .keys_only = true }, &c));
	while (cursor_next(&c)) {
		struct str key = str_dup(rq->mem, c.key);
		struct rd r = rd_of(key);
		(void)key_take_tag(&r);
		(void)key_take_str(&r, rq->mem);
		TRY(txn_del(t, kms_key_of(rq->mem, 'a', key_take_str(&r, rq->mem))));
		TRY(txn_del(t, key));
	}
	return cursor_end(&c);
}

static struct status waits(struct req *rq, struct txn *t, const struct shredded *s, struct str id, bool *wait)
{
	struct kms_key_row row;
	struct status st = kms_row_get(rq, t, id, &row);
	*wait = !failed(st) && kms_is_replica(&row) && kms_row_due(&row, rq->now_ms) && !str_list_has(s->told, id);
	return st.code == E_NOT_FOUND ? OK : st;
}

/* The key's own row has the last word: a date that is only listed destroys nothing. */
static struct status shred(struct req *rq, struct txn *t, struct str account, struct str id, struct shredded *s)
{
	struct kms_key_row row;
	struct status st = kms_row_get(rq, t, id, &row);
	if (st.code == E_NOT_FOUND || (!failed(st) && !kms_row_due(&row, rq->now_ms)))
		return OK;
	TRY(st);
	TRY(shred_backing(rq, t, account, id, s));
	TRY(orphan(rq, t, &row, id, s));
	TRY(drop_aliases(rq, t, id));
	TRY(kms_grants_drop(rq, t, id));
	if (row.expires_at)
		TRY(txn_del(t, kms_date_key(rq->mem, 'x', row.expires_at, id)));
	if (row.manager == KMS_KEY_MANAGER_TYPE_CUSTOMER)
		TRY(kms_quota_give_back(rq, t));
	TRY(txn_del(t, kms_key_of(rq->mem, 'p', id)));
	TRY(txn_del(t, kms_key_of(rq->mem, 'P', id)));
	TRY(txn_del(t, kms_key_of(rq->mem, 'u', id)));
	TRY(txn_del(t, kms_key_of(rq->mem, 'k', id)));
	return kms_note_deletion(rq, t, account, id);
}

static struct status shred_due(struct req *rq, struct txn *t, struct str account, struct shredded *s)
{
	struct cursor c;
	struct buf end = buf_in(rq->mem);
	key_tag(&end, 'd');
	key_u64(&end, (uint64_t)rq->now_ms + 1);
	TRY(txn_range(t, &(struct range){ .prefix = S("d"), .to = buf_str(&end), .keys_only = true }, &c));
	while (s->keys < SWEEP_MAX && cursor_next(&c)) {
		struct str key = str_dup(rq->mem, c.key);
		struct rd r = rd_of(key);
		(void)key_take_tag(&r);
		(void)key_take_u64(&r);
		struct str id = key_take_str(&r, rq->mem);
		bool wait;
		TRY(waits(rq, t, s, id, &wait));
		if (wait)
			continue;
		s->keys++;
		TRY(shred(rq, t, account, id, s));
		TRY(txn_del(t, key));
	}
	return cursor_end(&c);
}

/* ---- replicas ----------------------------------------------------------------------- */

/* From now on nobody can have it back, whatever his clock says. */
static struct status begin_to_leave(struct req *rq, struct txn *t, struct str id, struct kms_key_row *row)
{
	TRY(kms_row_get(rq, t, id, row));
	if (!kms_row_due(row, rq->now_ms) || !kms_is_replica(row))
		return ERR(E_NOT_FOUND);
	row->leaving = true;
	return kms_row_put(rq, t, id, row);
}

static struct status leave(struct req *rq, struct str account, struct shard *shard, struct str id)
{
	struct kms_key_row row;
	struct txn *t;
	TRY(txn_write(shard, &t));
	TRY(txn_finish(t, begin_to_leave(rq, t, id, &row)));
	return kms_depart(rq, account, id, &row);
}

static struct status open_due(struct req *rq, struct shard *shard, struct cursor *c)
{
	struct txn *t;
	struct buf end = buf_in(rq->mem);
	key_tag(&end, 'd');
	key_u64(&end, (uint64_t)rq->now_ms + 1);
	TRY(req_read(rq, shard, &t));
	return txn_range(t, &(struct range){ .prefix = S("d"), .to = buf_str(&end), .keys_only = true }, c);
}

static struct status list_due(struct req *rq, struct shard *shard, struct str ids[SWEEP_MAX], size_t *n)
{
	struct cursor c;
	TRY(open_due(rq, shard, &c));
	for (*n = 0; *n < SWEEP_MAX && cursor_next(&c);) {
		struct rd r = rd_of(str_dup(rq->mem, c.key));
		(void)key_take_tag(&r);
		(void)key_take_u64(&r);
		struct str id = key_take_str(&r, rq->mem);
		if (kms_id_is_multi_region(id))
			ids[(*n)++] = id;
	}
	return cursor_end(&c);
}

static struct status tell_primaries(struct req *rq, struct str account, struct shard *shard, struct shredded *s)
{
	struct str *ids = NEWS(rq->mem, struct str, SWEEP_MAX);
	size_t n, told = 0;
	struct status st = list_due(rq, shard, ids, &n);
	req_read_end(rq);
	TRY(st);
	for (size_t i = 0; i < n; i++) {
		st = leave(rq, account, shard, ids[i]);
		if (!failed(st))
			ids[told++] = ids[i];
		else if (st.code != E_NOT_FOUND)
			log_error("a replica key's primary cannot be told of its end", "key", ids[i], "account",
				  account, "region", rq->region, "status", str_of(status_name(st)));
	}
	s->told = (struct str_list){ ids, told };
	return OK;
}

static struct status sweep_some(struct req *rq, struct str account, struct shard *shard, struct shredded *s)
{
	struct txn *t;
	req_read_end(rq);
	TRY(tell_primaries(rq, account, shard, s));
	TRY(txn_write(shard, &t));
	TRY(txn_finish(t, shred_due(rq, t, account, s)));
	for (const struct old_key *m = s->first; m; m = m->next) {
		keyring_forget(rq->app->keyring, &m->ref);
		log_info("key material shredded", "material", m->ref.purpose, "account", account, "region", rq->region);
	}
	for (const struct old_store *old = s->stores; old; old = old->next)
		kms_store_bury(rq, shard, old->id);
	return OK;
}

struct status kms_sweep(struct req *rq, struct str account, struct shard *shard)
{
	struct shredded *s;
	assert(!rq->write);
	do {
		s = NEW(rq->mem, struct shredded);
		TRY(sweep_some(rq, account, shard, s));
	} while (s->keys == SWEEP_MAX);
	return OK;
}

struct status kms_sweep_if_due(struct req *rq, struct str account, struct shard *shard)
{
	struct cursor c;
	TRY(open_due(rq, shard, &c));
	bool any = cursor_next(&c);
	TRY(cursor_end(&c));
	return any ? kms_sweep(rq, account, shard) : OK;
}

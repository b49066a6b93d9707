/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The account's alias: at most one, and no two accounts of this server have the same.
 *
 * What counts is the account's own row, changed in one commit with its record. That an alias
 * is had by one account only is kept by reservations, in a shard that all accounts share:
 *
 *     reserve ─ commit ─▶ put into the account's row ─ commit ─▶ it is the account's
 *        │                     (may fail: the reservation is then nobody's)
 *        └─ held by another: EntityAlreadyExists, unless that account's row does not say so
 *           and the reservation is too old for its put to be still under way
 *
 * So a reservation need never be given back: it runs out when the alias is replaced, deleted
 * or was never put, though not within its first minute.
 */
#include "api/accounts.h"
#include "base/str.h"
#include "base/time.h"
#include "svc/iam/account.h"
#include "wire/pack.h"

enum { UNDER_WAY_MS = MINUTE_MS };

static struct str account_key(struct arena *mem)
{
	return key_of(mem, 'A', (struct str){ 0 }, (struct str){ 0 }, (struct str){ 0 });
}

struct status iam_account_get(struct arena *mem, struct txn *t, struct iam_account_row *out)
{
	struct status st = iam_row_get(mem, t, account_key(mem), &iam_account_row_shape, out);
	if (st.code != E_NOT_FOUND)
		return st;
	*out = (struct iam_account_row){ 0 };
	return OK;
}

struct status iam_account_put(struct req *rq, struct txn *t, const struct iam_account_row *row)
{
	return iam_row_put(rq, t, account_key(rq->mem), &iam_account_row_shape, row);
}

/* ---- reservations --------------------------------------------------------------------------- */

/* Under the key of the oldest account, which is always there. */
static struct status reservations(struct req *rq, struct shard **out)
{
	struct str first = account_at(rq->app->accounts, 0)->id;
	return req_shard_of(rq, first, "iam", iam_join(rq->mem, S("iam/"), first, S("/aliases")), out);
}

static struct str reservation_key(struct req *rq, struct str alias)
{
	return key_of(rq->mem, 'a', alias, (struct str){ 0 }, (struct str){ 0 });
}

static struct status has_alias(struct req *rq, struct str account, struct str alias, bool *has)
{
	struct shard *shard;
	struct txn *t;
	struct iam_account_row row;
	TRY(iam_shard(rq, account, &shard));
	TRY(req_read(rq, shard, &t));
	TRY(iam_account_get(rq->mem, t, &row));
	*has = str_eq(row.alias, alias);
	return OK;
}

static struct status taken(struct req *rq, struct str alias)
{
	return FAIL(rq, iam_EntityAlreadyExistsException, "The account alias %.*s already exists.", PR(alias));
}

/* `seen`: the reservation as it stands, or p == NULL for none. It may be replaced when it is one's own or has run out.
 */
static struct status look(struct req *rq, struct shard *shard, struct str alias, struct str *seen)
{
	struct txn *t;
	struct iam_alias_row row = { 0 };
	bool has;
	TRY(req_read(rq, shard, &t));
	struct status st = txn_get(t, reservation_key(rq, alias), rq->mem, seen);
	if (st.code == E_NOT_FOUND) {
		*seen = (struct str){ 0 };
		return OK;
	}
	TRY(st);
	if (failed(unpack(rq->mem, &iam_alias_row_shape, *seen, &row)))
		return ERR(E_CORRUPT);
	TRY(has_alias(rq, row.account, alias, &has));
	bool under_way = !str_eq(row.account, rq->account) && rq->now_ms - row.taken.v < UNDER_WAY_MS;
	return has || under_way ? taken(rq, alias) : OK;
}

static struct status put_if_unchanged(struct req *rq, struct txn *t, struct str alias, struct str seen)
{
	struct str now, key = reservation_key(rq, alias);
	struct iam_alias_row row = { rq->account, SET(rq->now_ms) };
	struct status st = txn_get(t, key, rq->mem, &now);
	if (failed(st) && st.code != E_NOT_FOUND)
		return st;
	if (failed(st) ? seen.p != NULL : !seen.p || !str_eq(now, seen))
		return ERR(E_BUSY);
	return iam_row_put(rq, t, key, &iam_alias_row_shape, &row);
}

static struct status reserve(struct req *rq, struct str alias)
{
	struct shard *shard;
	struct txn *t;
	struct str seen;
	TRY(reservations(rq, &shard));
	TRY(look(rq, shard, alias, &seen));
	req_read_end(rq);
	TRY(txn_write(shard, &t));
	struct status st = put_if_unchanged(rq, t, alias, seen);
	if (!failed(st))
		return txn_commit(t);
	txn_abort(t);
	return st.code == E_BUSY ? taken(rq, alias) : st; /* somebody was quicker */
}

/* ---- operations --------------------------------------------------------------------------------- */

struct status iam_create_account_alias(struct req *rq, const struct iam_create_account_alias_in *in,
				       struct iam_create_account_alias_out *out)
{
	struct txn *t;
	struct iam_account_row row;
	(void)out;
	TRY(reserve(rq, in->account_alias));
	TRY(iam_write(rq, &t));
	TRY(iam_account_get(rq->mem, t, &row));
	row.alias = in->account_alias;
	return iam_account_put(rq, t, &row);
}

struct status iam_delete_account_alias(struct req *rq, const struct iam_delete_account_alias_in *in,
				       struct iam_delete_account_alias_out *out)
{
	struct txn *t;
	struct iam_account_row row;
	(void)out;
	TRY(iam_write(rq, &t));
	TRY(iam_account_get(rq->mem, t, &row));
	if (!str_eq(row.alias, in->account_alias))
		return FAIL(rq, iam_NoSuchEntityException, "The account alias %.*s cannot be found.",
			    PR(in->account_alias));
	row.alias = (struct str){ 0 };
	return iam_account_put(rq, t, &row);
}

struct status iam_list_account_aliases(struct req *rq, const struct iam_list_account_aliases_in *in,
				       struct iam_list_account_aliases_out *out)
{
	struct txn *t;
	struct iam_page page;
	struct iam_account_row row;
	size_t at, end;
	TRY(iam_page_of(rq, in->marker, in->max_items, &page));
	TRY(iam_read(rq, &t));
	TRY(iam_account_get(rq->mem, t, &row));
	struct str *v = NEW(rq->mem, struct str);
	*v = row.alias;
	out->marker = iam_page_cut(rq, &page, v, row.alias.n ? 1 : 0, &at, &end);
	out->account_aliases = (struct str_list){ v + at, end - at };
	out->is_truncated = (struct opt_bool)SET(out->marker.p != NULL);
	return OK;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Is this code right, now, for the first time?
 *
 * The question changes what is stored (the step last used, or how often it was wrong), so
 * it is decided in a write transaction of its own, which is over before the request goes
 * on: of two requests with the same code, one is served. The seed is unsealed before, since
 * that may wait for the keys' own process, and inside is held to be the row's still.
 */
#include "api/accounts.h"
#include "api/ids.h"
#include "base/codec.h"
#include "base/str.h"
#include "base/world.h"
#include "crypto/keyring.h"
#include "svc/iam/guess.h"
#include "svc/iam/mfa.h"
#include "svc/iam/principal.h"
#include "svc/iam/totp.h"

/* ---- seeds ---------------------------------------------------------------------------- */

static struct str seed_aad(struct arena *mem, const struct iam_mfa_row *row)
{
	return iam_join(mem, S("mfa-seed/"), row->id, S(""));
}

struct status iam_mfa_seed_new(struct req *rq, struct str account, struct iam_mfa_row *row, struct str *base32)
{
	const struct key_ref *key;
	uint8_t seed[TOTP_SEED_SIZE];
	TRY(account_service_key(rq->app->accounts, account, S("iam"), &key));
	world_random(rq->app->world, seed, sizeof seed);
	struct str plain = str_make(seed, sizeof seed);
	struct status st = keyring_seal(rq->app->keyring, key, seed_aad(rq->mem, row), plain, rq->mem, &row->seed);
	*base32 = base32_encode(rq->mem, plain);
	secret_wipe(seed, sizeof seed);
	return st;
}

static void close_seed(void *mem)
{
	arena_wipe(mem);
	arena_free(mem);
}

static struct status open_seed(struct req *rq, const struct key_ref *key, const struct iam_mfa_row *row,
			       struct iam_mfa_seed *out)
{
	struct arena *mem = arena_new();
	req_pin(rq, close_seed, mem);
	out->sealed = row->seed;
	return keyring_unseal(rq->app->keyring, key, seed_aad(mem, row), row->seed, mem, &out->plain);
}

struct status iam_mfa_seed_open(struct req *rq, struct str account, struct str serial, struct iam_mfa_seed *out)
{
	const struct key_ref *key;
	struct shard *shard;
	struct txn *t;
	struct iam_mfa_row row;
	*out = (struct iam_mfa_seed){ 0 };
	TRY(account_service_key(rq->app->accounts, account, S("iam"), &key));
	TRY(iam_shard(rq, account, &shard));
	TRY(req_read(rq, shard, &t));
	TRY(iam_mfa_find(rq, t, account, serial, &row));
	return open_seed(rq, key, &row, out);
}

static bool is_of(const struct iam_mfa_seed *seed, const struct iam_mfa_row *row)
{
	return seed->sealed.n && str_eq(seed->sealed, row->seed);
}

/* ---- codes ------------------------------------------------------------------------------ */

struct status iam_mfa_two_codes(struct req *rq, const struct iam_mfa_seed *seed, struct iam_mfa_row *row,
				struct str first, struct str second)
{
	int64_t now = totp_step(rq->now_ms), step = 0;
	int64_t from = now - IAM_MFA_RESYNC > row->last.v ? now - IAM_MFA_RESYNC : row->last.v + 1;
	if (!is_of(seed, row))
		return ERR(E_BUSY);
	if (!totp_find_two(seed->plain, from, now + IAM_MFA_RESYNC, first, second, &step))
		return ERR(E_INVALID);
	/* The second is usually the present one, or the one about to come: within the skew there is no drift. */
	int64_t off = step - now;
	row->drift = (struct opt_int)SET(off >= -IAM_MFA_SKEW && off <= IAM_MFA_SKEW ? 0 : off);
	row->last = (struct opt_int)SET(step);
	row->wrong = (struct opt_int)SET(0);
	return OK;
}

static struct status one_code(struct req *rq, struct str seed, struct iam_mfa_row *row, struct str code)
{
	int64_t now = totp_step(rq->now_ms) + row->drift.v, step = 0;
	bool right = totp_find(seed, now - IAM_MFA_SKEW, now + IAM_MFA_SKEW, code, &step) && step > row->last.v;
	if (right)
		row->last = (struct opt_int)SET(step);
	row->wrong = (struct opt_int)SET(right ? 0 : row->wrong.v + 1);
	row->wrong_at = (struct opt_int)SET(right ? 0 : rq->now_ms);
	return right ? OK : ERR(E_INVALID);
}

/* ---- identity_provider.mfa ----------------------------------------------------------------- */

/* Whose device it must be: the calling user's name, or nothing for root. A session has no device. */
static struct status holder_of(struct req *rq, const struct caller *who, struct str *name)
{
	const struct iam_principal *p;
	*name = S("");
	if (who->kind == CALLER_ROOT)
		return OK;
	if (who->kind != CALLER_USER)
		return ERR(E_NOT_FOUND);
	TRY(iam_principal(rq, who->account, IAM_USER, who->name, &p));
	*name = p->row.name;
	return str_eq(p->row.id, who->principal_id) ? OK : ERR(E_NOT_FOUND);
}

struct asked {
	struct req *rq;
	struct str account, serial, code, holder;
	struct iam_mfa_seed seed;
};

/* A device that is enabled for the holder and not waiting after wrong codes. */
static struct status find(const struct asked *a, struct txn *t, struct iam_mfa_row *row)
{
	TRY(iam_mfa_find(a->rq, t, a->account, a->serial, row));
	if (!row->enabled.set || !str_eq(row->user_name, a->holder))
		return ERR(E_NOT_FOUND);
	return guess_must_wait(row->wrong.v, row->wrong_at.v, a->rq->now_ms) ? ERR(E_INVALID) : OK;
}

/* *verdict is the answer; the status returned says whether there is one. */
static struct status judge(const struct asked *a, struct txn *t, struct status *verdict)
{
	struct iam_mfa_row row;
	*verdict = find(a, t, &row);
	if (failed(*verdict))
		return OK;
	if (!is_of(&a->seed, &row))
		return ERR(E_BUSY); /* another device of that name since */
	*verdict = one_code(a->rq, a->seed.plain, &row, a->code);
	return iam_mfa_put(a->rq, t, &row);
}

struct status iam_mfa_check(struct req *rq, const struct caller *who, struct str serial, struct str code)
{
	struct asked a = { .rq = rq, .account = who->account, .serial = serial, .code = code };
	struct shard *shard;
	struct txn *t;
	struct iam_mfa_row row;
	struct status verdict;
	assert(!rq->write);
	TRY(holder_of(rq, who, &a.holder));
	TRY(iam_shard(rq, who->account, &shard));
	TRY(req_read(rq, shard, &t));
	TRY(find(&a, t, &row)); /* nothing is written for what cannot be right */
	if (!totp_is_code(code))
		return ERR(E_INVALID);
	TRY(iam_mfa_seed_open(rq, who->account, serial, &a.seed));
	req_read_end(rq);
	TRY(txn_write(shard, &t));
	TRY(txn_finish(t, judge(&a, t, &verdict)));
	return verdict;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Passwords made, remembered and checked. Whether a password is right is decided inside a
 * write transaction of its own (wrong ones count, right ones are noted); the slow part comes
 * before it.
 */
#include "api/accounts.h"
#include "base/str.h"
#include "base/world.h"
#include "svc/iam/guess.h"
#include "svc/iam/hashing.h"
#include "svc/iam/login.h"
#include "svc/iam/mfa.h"

/* ---- rows -------------------------------------------------------------------------------- */

static struct str row_key(struct req *rq, struct str user_id)
{
	return key_of(rq->mem, 'L', user_id, (struct str){ 0 }, (struct str){ 0 });
}

struct status iam_login_find(struct req *rq, struct txn *t, struct str user_id, struct iam_login_row *out)
{
	return iam_row_get(rq->mem, t, row_key(rq, user_id), &iam_login_row_shape, out);
}

struct status iam_login_put(struct req *rq, struct txn *t, struct str user_id, const struct iam_login_row *row)
{
	return iam_row_put(rq, t, row_key(rq, user_id), &iam_login_row_shape, row);
}

struct status iam_login_del(struct req *rq, struct txn *t, struct str user_id)
{
	return txn_del(t, row_key(rq, user_id));
}

/* ---- remembering ---------------------------------------------------------------------------- */

static struct password_cost cost_of(const struct iam_remembered *r)
{
	return (struct password_cost){ (uint32_t)r->memory.v, (uint32_t)r->passes.v, (uint32_t)r->lanes.v };
}

static bool same_kind(const struct iam_remembered *a, const struct iam_remembered *b)
{
	return str_eq(a->salt, b->salt) && a->memory.v == b->memory.v && a->passes.v == b->passes.v &&
	       a->lanes.v == b->lanes.v;
}

static struct status hash_as(struct req *rq, const struct iam_remembered *as, struct str password, struct str *hash)
{
	uint8_t *out = NEWS(rq->mem, uint8_t, PASSWORD_HASH_SIZE);
	*hash = str_make(out, PASSWORD_HASH_SIZE);
	return iam_hash(rq, cost_of(as), password, as->salt, out);
}

/* The newest's salt while the cost stays, else one of its own. */
static struct iam_remembered blank(struct req *rq, const struct iam_login_row *had)
{
	struct password_cost now = PASSWORD_COST;
	struct iam_remembered r = { .memory = SET(now.memory_kib), .passes = SET(now.passes), .lanes = SET(now.lanes) };
	if (had->passwords.n) {
		r.salt = had->passwords.v[0].salt;
		if (same_kind(&r, &had->passwords.v[0]))
			return r;
	}
	uint8_t *salt = NEWS(rq->mem, uint8_t, PASSWORD_SALT_SIZE);
	world_random(rq->app->world, salt, PASSWORD_SALT_SIZE);
	r.salt = str_make(salt, PASSWORD_SALT_SIZE);
	return r;
}

static struct status check_reuse(struct req *rq, const struct iam_password_policy_row *policy,
				 const struct iam_login_row *had, struct str password,
				 const struct iam_remembered *made)
{
	for (size_t i = 0; i < had->passwords.n && (int64_t)i < policy->reuse.v; i++) {
		const struct iam_remembered *old = &had->passwords.v[i];
		struct str hash = made->hash;
		if (!same_kind(old, made))
			TRY(hash_as(rq, old, password, &hash));
		if (secret_eq(hash, old->hash))
			return FAIL(rq, iam_PasswordPolicyViolationException,
				    "Password should not be one of the last %d passwords", (int)policy->reuse.v);
	}
	return OK;
}

struct status iam_password_make(struct req *rq, const struct iam_password_policy_row *policy,
				const struct iam_login_row *had, struct str password, struct iam_remembered *out)
{
	TRY(iam_password_rules(rq, policy, password));
	*out = blank(rq, had);
	TRY(hash_as(rq, out, password, &out->hash));
	return check_reuse(rq, policy, had, password, out);
}

static bool same_newest(const struct iam_login_row *a, const struct iam_login_row *b)
{
	if (!a->passwords.n || !b->passwords.n)
		return a->passwords.n == b->passwords.n;
	return same_kind(&a->passwords.v[0], &b->passwords.v[0]) &&
	       secret_eq(a->passwords.v[0].hash, b->passwords.v[0].hash);
}

struct status iam_password_set(struct req *rq, struct iam_login_row *row, const struct iam_login_row *had,
			       const struct iam_remembered *made)
{
	if (!same_newest(row, had))
		return ERR(E_BUSY);
	struct iam_remembered *v = NEWS(rq->mem, struct iam_remembered, IAM_PASSWORDS_MAX);
	size_t n = 0;
	v[n++] = *made;
	for (size_t i = 0; i < row->passwords.n && n < IAM_PASSWORDS_MAX; i++)
		v[n++] = row->passwords.v[i];
	row->passwords = (struct iam_remembered_list){ v, n };
	row->changed = (struct opt_int)SET(rq->now_ms);
	row->wrong = (struct opt_int)SET(0);
	return OK;
}

/* ---- checking ------------------------------------------------------------------------------------ */

struct asked {
	struct req *rq;
	struct str account, user;
	bool sign_in; /* a use, if it is right */
	struct iam_entity_row entity;
	struct iam_login_row login;
	struct iam_password_policy_row policy;
};

/* E_NOT_FOUND: no such user, or none with a password. */
static struct status find(struct asked *a, struct txn *t)
{
	TRY(iam_entity_find(a->rq->mem, t, IAM_USER, a->user, &a->entity));
	TRY(iam_login_find(a->rq, t, a->entity.id, &a->login));
	TRY(iam_password_policy_get(a->rq, t, &a->policy));
	return a->login.passwords.n ? OK : ERR(E_CORRUPT);
}

static struct status look_up(struct asked *a, struct shard **shard)
{
	struct txn *t;
	if (!account_find(a->rq->app->accounts, a->account))
		return ERR(E_NOT_FOUND);
	TRY(iam_shard(a->rq, a->account, shard));
	TRY(req_read(a->rq, *shard, &t));
	return find(a, t);
}

/* Who asks for what is not there waits as long as for what is. */
static struct status refuse_slowly(struct req *rq, struct str password)
{
	struct iam_remembered as = blank(rq, &(struct iam_login_row){ 0 });
	struct str hash;
	TRY(hash_as(rq, &as, password, &hash));
	return ERR(E_INVALID);
}

/* *verdict is the answer; the status returned says whether there is one. `hash`: of what was given, as `before` was. */
static struct status judge(struct asked *a, struct txn *t, const struct iam_remembered *before, struct str hash,
			   struct status *verdict)
{
	struct req *rq = a->rq;
	struct status st = find(a, t);
	*verdict = ERR(E_INVALID);
	if (st.code == E_NOT_FOUND)
		return OK;
	TRY(st);
	if (guess_must_wait(a->login.wrong.v, a->login.wrong_at.v, rq->now_ms))
		return OK;
	const struct iam_remembered *newest = &a->login.passwords.v[0];
	bool right = same_kind(newest, before) && secret_eq(newest->hash, hash);
	if (right && !a->sign_in && !a->login.wrong.v) {
		*verdict = OK; /* nothing to note */
		return OK;
	}
	a->login.wrong = (struct opt_int)SET(right ? 0 : a->login.wrong.v + 1);
	a->login.wrong_at = (struct opt_int)SET(right ? 0 : rq->now_ms);
	TRY(iam_login_put(rq, t, a->entity.id, &a->login));
	*verdict = right ? OK : ERR(E_INVALID);
	if (!right || !a->sign_in)
		return OK;
	a->entity.password_used = (struct opt_int)SET(rq->now_ms);
	return iam_entity_put(rq, t, IAM_USER, &a->entity);
}

static struct status check(struct asked *a, struct str password)
{
	struct shard *shard;
	struct txn *t;
	struct str hash;
	struct status verdict, st = look_up(a, &shard);
	if (st.code == E_NOT_FOUND)
		return refuse_slowly(a->rq, password);
	TRY(st);
	struct iam_remembered before = a->login.passwords.v[0];
	TRY(hash_as(a->rq, &before, password, &hash));
	req_read_end(a->rq);
	TRY(txn_write(shard, &t));
	st = judge(a, t, &before, hash, &verdict);
	TRY(txn_finish(t, st));
	return verdict;
}

static enum iam_password_state state_of(const struct asked *a)
{
	struct opt_int ends = iam_password_ends(&a->policy, a->login.changed.v);
	if (ends.set && a->rq->now_ms >= ends.v)
		return a->policy.hard_expiry.v ? IAM_PASSWORD_EXPIRED : IAM_PASSWORD_TO_CHANGE;
	return a->login.must_reset.v ? IAM_PASSWORD_TO_CHANGE : IAM_PASSWORD_GOOD;
}

struct status iam_password_check(struct req *rq, struct str account, struct str user, struct str password,
				 enum iam_password_state *state)
{
	struct asked a = { .rq = rq, .account = account, .user = user, .sign_in = true };
	TRY(check(&a, password));
	*state = state_of(&a);
	return OK;
}

struct status iam_password_verify(struct req *rq, struct str account, struct str user, struct str password)
{
	struct asked a = { .rq = rq, .account = account, .user = user };
	return check(&a, password);
}

/* ---- for reports -------------------------------------------------------------------------------------- */

struct status iam_password_facts(struct req *rq, struct txn *t, const struct iam_entity_row *user,
				 struct iam_password_facts *out)
{
	struct iam_login_row row;
	struct iam_password_policy_row policy;
	*out = (struct iam_password_facts){ .mfa_active = user->mfa_devices.n > 0, .last_used = user->password_used };
	struct status st = iam_login_find(rq, t, user->id, &row);
	if (st.code == E_NOT_FOUND)
		return OK;
	TRY(st);
	TRY(iam_password_policy_get(rq, t, &policy));
	out->enabled = true;
	out->last_changed = row.changed;
	out->next_rotation = iam_password_ends(&policy, row.changed.v);
	return OK;
}

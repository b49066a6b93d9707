/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Login profiles: a user's password, given by an administrator, changed by himself, taken
 * away.
 *
 *     none ── create ──▶ has a password ◀── update, change
 *       ◀──── delete ────────┘
 */
#include "svc/iam/login.h"

#include "api/faults.h"
#include "base/str.h"

static struct status no_profile(struct req *rq, struct str user)
{
	return FAIL(rq, iam_NoSuchEntityException, "Login Profile for User %.*s cannot be found.", PR(user));
}

/* What a new password rests upon. */
struct basis {
	struct iam_entity_row user;
	struct iam_login_row login; /* empty: he has none */
	struct iam_password_policy_row policy;
	bool has;
};

static struct status load(struct req *rq, struct txn *t, struct str name, struct basis *b)
{
	TRY(iam_entity_get(rq, t, IAM_USER, name, &b->user));
	TRY(iam_password_policy_get(rq, t, &b->policy));
	struct status st = iam_login_find(rq, t, b->user.id, &b->login);
	b->has = !failed(st);
	return st.code == E_NOT_FOUND ? OK : st;
}

static struct status must_have(struct req *rq, const struct basis *b)
{
	return b->has ? OK : no_profile(rq, b->user.name);
}

static struct status must_have_none(struct req *rq, const struct basis *b)
{
	if (!b->has)
		return OK;
	return FAIL(rq, iam_EntityAlreadyExistsException, "Login Profile for user %.*s already exists.",
		    PR(b->user.name));
}

static bool same_policy(const struct iam_password_policy_row *a, const struct iam_password_policy_row *b)
{
	return a->min_length.set == b->min_length.set && a->min_length.v == b->min_length.v &&
	       a->symbols.v == b->symbols.v && a->numbers.v == b->numbers.v && a->uppercase.v == b->uppercase.v &&
	       a->lowercase.v == b->lowercase.v && a->reuse.v == b->reuse.v;
}

typedef struct status basis_check(struct req *rq, const struct basis *b);

/* `given`: the user, p == NULL: the caller. */
static struct status look(struct req *rq, struct str given, basis_check *check, struct basis *b)
{
	struct txn *t;
	struct str name;
	TRY(iam_user_name(rq, given, &name));
	TRY(iam_read(rq, &t));
	TRY(load(rq, t, name, b));
	return check(rq, b);
}

/*
 * The password is made by what was there before; then into the write transaction, where all of it is read again, and
 * stands as before, or E_BUSY. The row is left in *now with the new password, to be put.
 */
static struct status give_upon(struct req *rq, struct str given, struct str password, basis_check *check,
			       const struct basis *before, struct basis *now, struct txn **t)
{
	struct iam_remembered made;
	struct str name;
	TRY(iam_password_make(rq, &before->policy, &before->login, password, &made));
	TRY(iam_write(rq, t));
	TRY(iam_user_name(rq, given, &name));
	TRY(load(rq, *t, name, now));
	TRY(check(rq, now));
	if (!str_eq(now->user.id, before->user.id) || !same_policy(&now->policy, &before->policy))
		return ERR(E_BUSY);
	return iam_password_set(rq, &now->login, &before->login, &made);
}

static struct status give(struct req *rq, struct str given, struct str password, basis_check *check, struct basis *now,
			  struct txn **t)
{
	struct basis before;
	TRY(look(rq, given, check, &before));
	return give_upon(rq, given, password, check, &before, now, t);
}

static const struct iam_login_profile *profile_out(struct req *rq, const struct basis *b)
{
	struct iam_login_profile *p = NEW(rq->mem, struct iam_login_profile);
	*p = (struct iam_login_profile){ b->user.name, b->login.created.v, SET(b->login.must_reset.v) };
	return p;
}

/* ---- operations --------------------------------------------------------------------------------- */

struct status iam_create_login_profile(struct req *rq, const struct iam_create_login_profile_in *in,
				       struct iam_create_login_profile_out *out)
{
	struct txn *t;
	struct basis b;
	TRY(give(rq, in->user_name, in->password, must_have_none, &b, &t));
	b.login.created = (struct opt_int)SET(rq->now_ms);
	b.login.must_reset = (struct opt_bool)SET(in->password_reset_required.v);
	TRY(iam_login_put(rq, t, b.user.id, &b.login));
	out->login_profile = profile_out(rq, &b);
	return OK;
}

struct status iam_get_login_profile(struct req *rq, const struct iam_get_login_profile_in *in,
				    struct iam_get_login_profile_out *out)
{
	struct basis b;
	TRY(look(rq, in->user_name, must_have, &b));
	out->login_profile = profile_out(rq, &b);
	return OK;
}

struct status iam_update_login_profile(struct req *rq, const struct iam_update_login_profile_in *in,
				       struct iam_update_login_profile_out *out)
{
	struct txn *t;
	struct basis b;
	(void)out;
	if (in->password.p) {
		TRY(give(rq, in->user_name, in->password, must_have, &b, &t));
	} else {
		TRY(iam_write(rq, &t));
		TRY(load(rq, t, in->user_name, &b));
		TRY(must_have(rq, &b));
	}
	if (in->password_reset_required.set)
		b.login.must_reset = in->password_reset_required;
	return iam_login_put(rq, t, b.user.id, &b.login);
}

struct status iam_delete_login_profile(struct req *rq, const struct iam_delete_login_profile_in *in,
				       struct iam_delete_login_profile_out *out)
{
	struct txn *t;
	struct str name;
	struct basis b;
	(void)out;
	TRY(iam_write(rq, &t));
	TRY(iam_user_name(rq, in->user_name, &name));
	TRY(load(rq, t, name, &b));
	TRY(must_have(rq, &b));
	return iam_login_del(rq, t, b.user.id);
}

/* One's own password, by whoever knows the old one: which is that of before, not one that was set meanwhile. */
struct status iam_change_password(struct req *rq, const struct iam_change_password_in *in,
				  struct iam_change_password_out *out)
{
	static const struct str himself;
	struct txn *t;
	struct basis before, b;
	(void)out;
	if (rq->caller.kind != CALLER_USER)
		return FAIL(rq, iam_InvalidUserTypeException, "Only IAM users can change their own password.");
	TRY(look(rq, himself, must_have, &before));
	struct status st = iam_password_verify(rq, rq->account, rq->caller.name, in->old_password);
	if (st.code == E_INVALID)
		return FAIL(rq, api_AccessDeniedException, "The old password is not correct.");
	TRY(st);
	TRY(give_upon(rq, himself, in->new_password, must_have, &before, &b, &t));
	if (!str_eq(b.user.id, rq->caller.principal_id))
		return ERR(E_BUSY);
	b.login.must_reset = (struct opt_bool)SET(false);
	return iam_login_put(rq, t, b.user.id, &b.login);
}

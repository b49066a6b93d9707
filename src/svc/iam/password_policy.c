/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The account's password policy ("Set an account password policy for IAM users"): its
 * three operations, what it asks of a password, and what it allows everybody.
 *
 * Without one, AWS's default counts: eight characters, of three of the four kinds. An own
 * policy asks for nothing but what it says.
 */
#include "api/authz.h"
#include "api/cache.h"
#include "base/str.h"
#include "base/time.h"
#include "svc/iam/login.h"

enum { DEFAULT_KINDS = 3 };

static struct str row_key(struct req *rq)
{
	return key_of(rq->mem, 'W', (struct str){ 0 }, (struct str){ 0 }, (struct str){ 0 });
}

struct status iam_password_policy_get(struct req *rq, struct txn *t, struct iam_password_policy_row *row)
{
	struct status st = iam_row_get(rq->mem, t, row_key(rq), &iam_password_policy_row_shape, row);
	return st.code == E_NOT_FOUND ? OK : st;
}

/* ---- operations ------------------------------------------------------------------------- */

struct status iam_update_account_password_policy(struct req *rq, const struct iam_update_account_password_policy_in *in,
						 struct iam_update_account_password_policy_out *out)
{
	struct txn *t;
	struct iam_password_policy_row row = {
		.min_length = SET(in->minimum_password_length),
		.symbols = SET(in->require_symbols),
		.numbers = SET(in->require_numbers),
		.uppercase = SET(in->require_uppercase_characters),
		.lowercase = SET(in->require_lowercase_characters),
		.allow_change = SET(in->allow_users_to_change_password),
		.max_age = in->max_password_age,
		.reuse = in->password_reuse_prevention,
		.hard_expiry = in->hard_expiry,
	};
	(void)out;
	TRY(iam_write(rq, &t));
	return iam_row_put(rq, t, row_key(rq), &iam_password_policy_row_shape, &row);
}

static struct status must_have(struct req *rq, struct txn *t, struct iam_password_policy_row *row)
{
	TRY(iam_password_policy_get(rq, t, row));
	if (row->min_length.set)
		return OK;
	return FAIL(rq, iam_NoSuchEntityException, "The Password Policy with domain name %.*s cannot be found.",
		    PR(rq->account));
}

struct status iam_get_account_password_policy(struct req *rq, const struct iam_get_account_password_policy_in *in,
					      struct iam_get_account_password_policy_out *out)
{
	struct txn *t;
	struct iam_password_policy_row row;
	(void)in;
	TRY(iam_read(rq, &t));
	TRY(must_have(rq, t, &row));
	struct iam_password_policy *p = NEW(rq->mem, struct iam_password_policy);
	*p = (struct iam_password_policy){
		.minimum_password_length = row.min_length,
		.require_symbols = row.symbols,
		.require_numbers = row.numbers,
		.require_uppercase_characters = row.uppercase,
		.require_lowercase_characters = row.lowercase,
		.allow_users_to_change_password = row.allow_change,
		.expire_passwords = SET(row.max_age.set),
		.max_password_age = row.max_age,
		.password_reuse_prevention = row.reuse,
		.hard_expiry = row.hard_expiry,
	};
	out->password_policy = p;
	return OK;
}

struct status iam_delete_account_password_policy(struct req *rq, const struct iam_delete_account_password_policy_in *in,
						 struct iam_delete_account_password_policy_out *out)
{
	struct txn *t;
	struct iam_password_policy_row row;
	(void)in, (void)out;
	TRY(iam_write(rq, &t));
	TRY(must_have(rq, t, &row));
	return txn_del(t, row_key(rq));
}

/* ---- what it asks of a password ------------------------------------------------------------ */

static bool is_symbol(char c) { return str_find_char(S("!@#$%^&*()_+-=[]{}|'"), c) != SIZE_MAX; }
static bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
static bool is_lower(char c) { return c >= 'a' && c <= 'z'; }

static const struct {
	bool (*is)(char c);
	const char *missing;
} kinds[] = {
	{ is_upper, "Password should have at least one uppercase letter" },
	{ is_lower, "Password should have at least one lowercase letter" },
	{ char_digit, "Password should have at least one number" },
	{ is_symbol, "Password should have at least one symbol" },
};

static bool has_kind(struct str password, size_t kind)
{
	for (size_t i = 0; i < password.n; i++)
		if (kinds[kind].is(password.p[i]))
			return true;
	return false;
}

static void say(struct buf *b, const char *what)
{
	if (b->n)
		buf_z(b, ", ");
	buf_z(b, what);
}

static struct status own_rules(struct req *rq, const struct iam_password_policy_row *policy, struct str password)
{
	const bool wanted[COUNT(kinds)] = { policy->uppercase.v, policy->lowercase.v, policy->numbers.v,
					    policy->symbols.v };
	struct buf b = buf_in(rq->mem);
	if ((int64_t)str_utf8_length(password) < policy->min_length.v)
		buf_printf(&b, "Password should have a minimum length of %d", (int)policy->min_length.v);
	for (size_t i = 0; i < COUNT(kinds); i++)
		if (wanted[i] && !has_kind(password, i))
			say(&b, kinds[i].missing);
	return b.n ? FAIL(rq, iam_PasswordPolicyViolationException, "%.*s", PR(buf_str(&b))) : OK;
}

static struct status default_rules(struct req *rq, struct str password)
{
	struct buf b = buf_in(rq->mem);
	int have = 0;
	if (str_utf8_length(password) < IAM_PASSWORD_DEFAULT_MIN)
		return FAIL(rq, iam_PasswordPolicyViolationException, "Password should have a minimum length of %d",
			    IAM_PASSWORD_DEFAULT_MIN);
	for (size_t i = 0; i < COUNT(kinds); i++) {
		bool has = has_kind(password, i);
		have += has;
		if (!has)
			say(&b, kinds[i].missing);
	}
	if (have >= DEFAULT_KINDS)
		return OK;
	return FAIL(rq, iam_PasswordPolicyViolationException,
		    "Password should meet %d more of the following requirements: %.*s", DEFAULT_KINDS - have,
		    PR(buf_str(&b)));
}

struct status iam_password_rules(struct req *rq, const struct iam_password_policy_row *policy, struct str password)
{
	return policy->min_length.set ? own_rules(rq, policy, password) : default_rules(rq, password);
}

struct opt_int iam_password_ends(const struct iam_password_policy_row *policy, int64_t changed_ms)
{
	struct opt_int never = { 0 };
	return policy->max_age.set ? (struct opt_int)SET(changed_ms + policy->max_age.v * DAY_MS) : never;
}

/* ---- what it allows ---------------------------------------------------------------------------- */

/*
 * "AllowUsersToChangePassword": the account itself gives each of its users iam:ChangePassword for himself and
 * iam:GetAccountPasswordPolicy. What an account gives stands where a resource's policy stands: a deny still denies.
 */
static struct status account_allows(struct req *rq, struct authz_item *item)
{
	struct txn *t;
	struct iam_password_policy_row row;
	if (rq->caller.kind != CALLER_USER)
		return OK;
	TRY(iam_read(rq, &t));
	TRY(iam_password_policy_get(rq, t, &row));
	if (!row.allow_change.v)
		return OK;
	struct str text = arena_printf(
	    rq->mem,
	    "{\"Version\":\"2012-10-17\",\"Statement\":{\"Effect\":\"Allow\",\"Principal\":{\"AWS\":\"%.*s\"},"
	    "\"Action\":[\"iam:ChangePassword\",\"iam:GetAccountPasswordPolicy\"],\"Resource\":\"*\"}}",
	    PR(rq->caller.arn));
	return cached_policy(rq, POLICY_RESOURCE, text, &item->resource_policy);
}

struct status iam_authorize_change_password(struct req *rq, const void *in, struct authz *az)
{
	(void)in;
	return account_allows(rq, authz_add(az, NULL, rq->caller.arn));
}

struct status iam_authorize_get_password_policy(struct req *rq, const void *in, struct authz *az)
{
	(void)in;
	return account_allows(rq, authz_add(az, NULL, S("*")));
}

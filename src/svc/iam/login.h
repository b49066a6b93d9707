/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Passwords of users as the files of IAM, and whoever signs users in, see them.
 *
 * A password is remembered as a hash with its salt and cost (crypto/password.h), never
 * itself; up to 24 former ones stay, so that a policy made later can forbid them, too. All
 * of a user's share one salt as long as the cost stays, so that one computation compares a
 * new password with all of them.
 *
 * Hashing takes a tenth of a second, so it is done before the write transaction; what it
 * rested upon is compared again inside, and if that has changed, the request is to be tried
 * again.
 */
#ifndef SVC_IAM_LOGIN_H
#define SVC_IAM_LOGIN_H

#include "svc/iam/iam.h"

enum { IAM_PASSWORDS_MAX = 24, IAM_PASSWORD_DEFAULT_MIN = 8 };

/* The profile of the user with that unique id: it stays his when he is renamed. E_NOT_FOUND. */
struct status iam_login_find(struct req *rq, struct txn *t, struct str user_id, struct iam_login_row *out);
struct status iam_login_put(struct req *rq, struct txn *t, struct str user_id, const struct iam_login_row *row);
struct status iam_login_del(struct req *rq, struct txn *t, struct str user_id);

/* ---- the account's policy ------------------------------------------------------------ */

/* row->min_length.set == false: the account has none, AWS's default counts. */
struct status iam_password_policy_get(struct req *rq, struct txn *t, struct iam_password_policy_row *row);
/* PasswordPolicyViolation, all that is missing in one sentence. */
struct status iam_password_rules(struct req *rq, const struct iam_password_policy_row *policy, struct str password);
/* When a password that was set at `changed` ends; .set == false: never. */
struct opt_int iam_password_ends(const struct iam_password_policy_row *policy, int64_t changed_ms);

/* ---- setting and checking --------------------------------------------------------------- */

/*
 * The password by the policy, hashed, as one to be remembered. `had`: the profile as it was read, or an empty one.
 * PasswordPolicyViolation. May wait: not after req_write.
 */
struct status iam_password_make(struct req *rq, const struct iam_password_policy_row *policy,
				const struct iam_login_row *had, struct str password, struct iam_remembered *out);
/* In front of those the row has, which are the ones that `made` was made with, or E_BUSY. */
struct status iam_password_set(struct req *rq, struct iam_login_row *row, const struct iam_login_row *had,
			       const struct iam_remembered *made);

/* What a right password opens. */
enum iam_password_state {
	IAM_PASSWORD_GOOD,
	IAM_PASSWORD_TO_CHANGE, /* by PasswordResetRequired, or it has expired: he must choose another one first */
	IAM_PASSWORD_EXPIRED,   /* hard: an administrator must set another one */
};

/*
 * Signing in. E_INVALID: refused, whether there is no such account, user or password, it is wrong, or there were so
 * many wrong ones (guess.h) that it is not looked at; it takes about as long in every case, and all of them should be
 * worded the same. OK is noted as PasswordLastUsed. E_BUSY: too many at once. May wait; not after req_write.
 */
struct status iam_password_check(struct req *rq, struct str account, struct str user, struct str password,
				 enum iam_password_state *state);
/* The same question for ChangePassword: not a use. */
struct status iam_password_verify(struct req *rq, struct str account, struct str user, struct str password);

/* ---- for reports ---------------------------------------------------------------------------- */

struct iam_password_facts {
	bool enabled, mfa_active;
	struct opt_int last_used, last_changed, next_rotation; /* not set: never, N/A */
};
struct status iam_password_facts(struct req *rq, struct txn *t, const struct iam_entity_row *user,
				 struct iam_password_facts *out);

#endif

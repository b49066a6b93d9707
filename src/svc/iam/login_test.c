/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the API reference promises about login profiles, ChangePassword and the account's
 * password policy; and what iam_password_check promises to whoever signs users in.
 */
#include "svc/iam/login.h"

#include "base/time.h"
#include "svc/iam/guess.h"
#include "svc/iam/hashing.h"
#include "svc/identities_testing.h"

#include <pthread.h>

#define FIRST            "Correct-horse-1"
#define SECOND           "Battery-staple-2"
#define NO_PROFILE(name) "Login Profile for User " name " cannot be found."

static struct caller make_user(struct test_world *w, const char *name)
{
	WORKS(IAM(w, "CreateUser", "{'UserName':'%s'}", name));
	return user_caller(w, name);
}

static struct test_reply create(struct test_world *w, const char *user, const char *password)
{
	return IAM(w, "CreateLoginProfile", "{'UserName':'%s','Password':'%s'}", user, password);
}

static struct test_reply update(struct test_world *w, const char *user, const char *password)
{
	return IAM(w, "UpdateLoginProfile", "{'UserName':'%s','Password':'%s'}", user, password);
}

static struct test_reply change(struct test_world *w, struct caller who, const char *from, const char *to)
{
	return AS(w, who, "iam", "ChangePassword", "{'OldPassword':'%s','NewPassword':'%s'}", from, to);
}

struct signing_in {
	struct str account, user, password;
	enum iam_password_state state;
	struct status st;
};

static void sign_in_fiber(struct req *rq, void *arg)
{
	struct signing_in *s = arg;
	s->st = iam_password_check(rq, s->account, s->user, s->password, &s->state);
}

static struct status sign_in(struct test_world *w, const char *user, const char *password,
			     enum iam_password_state *state)
{
	struct signing_in s = { .account = WORLD_ACCOUNT, .user = str_of(user), .password = str_of(password) };
	world_in_fiber(w, sign_in_fiber, &s);
	if (state)
		*state = s.state;
	return s.st;
}

/* ---- profiles ------------------------------------------------------------------------------------ */

static void a_user_gets_a_password_and_loses_it(void)
{
	struct test_world *w = begin();
	make_user(w, "ann");
	REFUSED(IAM(w, "GetLoginProfile", "{'UserName':'ann'}"), 404, "NoSuchEntity", NO_PROFILE("ann"));
	REFUSED(update(w, "ann", FIRST), 404, "NoSuchEntity", NO_PROFILE("ann"));
	REFUSED(IAM(w, "DeleteLoginProfile", "{'UserName':'ann'}"), 404, "NoSuchEntity", NO_PROFILE("ann"));
	REFUSED(create(w, "eve", FIRST), 404, "NoSuchEntity", "The user with name eve cannot be found.");
	struct test_reply r = create(w, "ann", FIRST);
	EXPECT_STR(world_field(w, r, "LoginProfile.UserName"), S("ann"));
	EXPECT_STR(world_field(w, r, "LoginProfile.CreateDate"), S("1767225600"));
	EXPECT_STR(world_field(w, r, "LoginProfile.PasswordResetRequired"), S("false"));
	REFUSED(create(w, "ann", FIRST), 409, "EntityAlreadyExists", "Login Profile for user ann already exists.");
	world_later(w, 1000);
	WORKS(update(w, "ann", SECOND));
	EXPECT_ERR(sign_in(w, "ann", FIRST, NULL), E_INVALID);
	EXPECT_OK(sign_in(w, "ann", SECOND, NULL));
	r = IAM(w, "GetLoginProfile", "{'UserName':'ann'}");
	EXPECT_STR(world_field(w, r, "LoginProfile.CreateDate"), S("1767225600"));
	REFUSED(IAM(w, "DeleteUser", "{'UserName':'ann'}"), 409, "DeleteConflict",
		"Cannot delete entity, must delete login profile first.");
	WORKS(IAM(w, "DeleteLoginProfile", "{'UserName':'ann'}"));
	EXPECT_ERR(sign_in(w, "ann", SECOND, NULL), E_INVALID);
	WORKS(IAM(w, "DeleteUser", "{'UserName':'ann'}"));
	make_user(w, "ann");
	FAILS(IAM(w, "GetLoginProfile", "{'UserName':'ann'}"), "NoSuchEntity");
	world_end(w);
}

static void a_password_stays_with_a_renamed_user_and_over_a_restart(void)
{
	struct test_world *w = begin();
	make_user(w, "ann");
	WORKS(create(w, "ann", FIRST));
	WORKS(IAM(w, "UpdateUser", "{'UserName':'ann','NewUserName':'anna'}"));
	world_restart(w);
	EXPECT_OK(sign_in(w, "anna", FIRST, NULL));
	EXPECT_ERR(sign_in(w, "ann", FIRST, NULL), E_INVALID);
	world_end(w);
}

static void lengths_and_characters_are_bounded(void)
{
	struct test_world *w = begin();
	char longest[130];
	make_user(w, "ann");
	memset(longest, 'x', sizeof longest);
	memcpy(longest, "Aa1-", 4);
	longest[129] = 0;
	FAILS(create(w, "ann", longest), "ValidationError");
	FAILS(create(w, "ann", ""), "ValidationError");
	FAILS(create(w, "ann", "Correct-horse-1\xe2\x82\xac"), "ValidationError"); /* beyond U+00FF */
	longest[128] = 0;
	WORKS(create(w, "ann", longest));
	EXPECT_OK(sign_in(w, "ann", longest, NULL));
	longest[127] = 'y';
	EXPECT_ERR(sign_in(w, "ann", longest, NULL), E_INVALID); /* all of it counts */
	world_end(w);
}

/* ---- the policy -------------------------------------------------------------------------------------- */

static void without_a_policy_the_default_counts(void)
{
	struct test_world *w = begin();
	make_user(w, "ann");
	REFUSED(IAM(w, "GetAccountPasswordPolicy", "{}"), 404, "NoSuchEntity",
		"The Password Policy with domain name 111122223333 cannot be found.");
	REFUSED(IAM(w, "DeleteAccountPasswordPolicy", "{}"), 404, "NoSuchEntity",
		"The Password Policy with domain name 111122223333 cannot be found.");
	REFUSED(create(w, "ann", "Short-1"), 400, "PasswordPolicyViolation",
		"Password should have a minimum length of 8");
	REFUSED(
	    create(w, "ann", "alllowercase"), 400, "PasswordPolicyViolation",
	    "Password should meet 2 more of the following requirements: Password should have at least one uppercase "
	    "letter, Password should have at least one number, Password should have at least one symbol");
	REFUSED(
	    create(w, "ann", "lowercase1"), 400, "PasswordPolicyViolation",
	    "Password should meet 1 more of the following requirements: Password should have at least one uppercase "
	    "letter, Password should have at least one symbol");
	WORKS(create(w, "ann", "Lowercase1"));
	world_end(w);
}

static void a_policy_has_defaults_and_ranges(void)
{
	static const char *const bad[] = {
		"{'MinimumPasswordLength':5}", "{'MinimumPasswordLength':129}", "{'MaxPasswordAge':0}",
		"{'MaxPasswordAge':1096}",     "{'PasswordReusePrevention':0}", "{'PasswordReusePrevention':25}",
	};
	struct test_world *w = begin();
	for (size_t i = 0; i < COUNT(bad); i++)
		FAILS(IAM(w, "UpdateAccountPasswordPolicy", "%s", bad[i]), "ValidationError");
	WORKS(IAM(w, "UpdateAccountPasswordPolicy", "{}"));
	struct test_reply r = IAM(w, "GetAccountPasswordPolicy", "{}");
	EXPECT_STR(
	    r.body,
	    S("{\"PasswordPolicy\":{\"MinimumPasswordLength\":6,\"RequireSymbols\":false,\"RequireNumbers\":false,"
	      "\"RequireUppercaseCharacters\":false,\"RequireLowercaseCharacters\":false,"
	      "\"AllowUsersToChangePassword\":false,\"ExpirePasswords\":false}}"));
	WORKS(
	    IAM(w, "UpdateAccountPasswordPolicy",
		"{'MinimumPasswordLength':128,'RequireSymbols':true,'RequireNumbers':true,"
		"'RequireUppercaseCharacters':true,'RequireLowercaseCharacters':true,'AllowUsersToChangePassword':true,"
		"'MaxPasswordAge':1095,'PasswordReusePrevention':24,'HardExpiry':true}"));
	r = IAM(w, "GetAccountPasswordPolicy", "{}");
	EXPECT_STR(
	    r.body,
	    S("{\"PasswordPolicy\":{\"MinimumPasswordLength\":128,\"RequireSymbols\":true,\"RequireNumbers\":true,"
	      "\"RequireUppercaseCharacters\":true,\"RequireLowercaseCharacters\":true,"
	      "\"AllowUsersToChangePassword\":true,\"ExpirePasswords\":true,\"MaxPasswordAge\":1095,"
	      "\"PasswordReusePrevention\":24,\"HardExpiry\":true}}"));
	WORKS(IAM(w, "DeleteAccountPasswordPolicy", "{}"));
	FAILS(IAM(w, "GetAccountPasswordPolicy", "{}"), "NoSuchEntity");
	world_end(w);
}

static void a_password_must_fit_the_policy(void)
{
	struct test_world *w = begin();
	make_user(w, "ann");
	WORKS(IAM(w, "UpdateAccountPasswordPolicy", "{}"));
	WORKS(create(w, "ann", "simple")); /* nothing but six characters is asked for */
	WORKS(IAM(w, "UpdateAccountPasswordPolicy",
		  "{'MinimumPasswordLength':10,'RequireSymbols':true,'RequireNumbers':true,"
		  "'RequireUppercaseCharacters':true,'RequireLowercaseCharacters':true}"));
	REFUSED(
	    update(w, "ann", "\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9"), 400, "PasswordPolicyViolation",
	    "Password should have a minimum length of 10, Password should have at least one uppercase letter, Password "
	    "should have at least one lowercase letter, Password should have at least one number, Password should have "
	    "at least one symbol");
	REFUSED(update(w, "ann", "aaaaaaaaA1"), 400, "PasswordPolicyViolation",
		"Password should have at least one symbol");
	FAILS(update(w, "ann", "aaaaaaaaA1;"), "PasswordPolicyViolation"); /* ; is not among AWS's symbols */
	FAILS(update(w, "ann", "AAAAAAAAA1-"), "PasswordPolicyViolation");
	FAILS(update(w, "ann", "aaaaaaaaa1-"), "PasswordPolicyViolation");
	FAILS(update(w, "ann", "aaaaaaaaaA-"), "PasswordPolicyViolation");
	WORKS(update(w, "ann", "aaaaaaaA1|"));
	world_end(w);
}

static void former_passwords_are_remembered(void)
{
	static const char *const all[] = { "Password-1", "Password-2", "Password-3" };
	struct test_world *w = begin();
	make_user(w, "ann");
	WORKS(create(w, "ann", all[0]));
	WORKS(update(w, "ann", all[0])); /* allowed without prevention */
	WORKS(update(w, "ann", all[1]));
	WORKS(update(w, "ann", all[2]));
	WORKS(IAM(w, "UpdateAccountPasswordPolicy", "{'PasswordReusePrevention':2}"));
	REFUSED(update(w, "ann", all[2]), 400, "PasswordPolicyViolation",
		"Password should not be one of the last 2 passwords");
	FAILS(update(w, "ann", all[1]), "PasswordPolicyViolation");
	WORKS(update(w, "ann", all[0]));
	WORKS(IAM(w, "UpdateAccountPasswordPolicy", "{'PasswordReusePrevention':24}"));
	for (size_t i = 0; i < COUNT(all); i++)
		FAILS(update(w, "ann", all[i]), "PasswordPolicyViolation");
	world_end(w);
}

static void no_more_than_24_are_remembered(void)
{
	struct test_world *w = begin();
	make_user(w, "ann");
	WORKS(IAM(w, "UpdateAccountPasswordPolicy", "{'PasswordReusePrevention':24}"));
	WORKS(create(w, "ann", "password-00"));
	for (int i = 1; i <= 24; i++) {
		char password[16];
		snprintf(password, sizeof password, "password-%02d", i);
		WORKS(update(w, "ann", password));
	}
	FAILS(update(w, "ann", "password-01"), "PasswordPolicyViolation");
	WORKS(update(w, "ann", "password-00"));
	world_end(w);
}

/* A profile from before the cost was raised: what it remembers is compared as it was made, and left behind. */
static void set_after_the_cost_was_raised(struct req *rq, void *arg)
{
	uint8_t hash[PASSWORD_HASH_SIZE];
	struct password_cost cheap = { 64, 1, 1 };
	struct iam_remembered made, old = { .salt = S("0123456789abcdef"),
					    .hash = str_make(hash, sizeof hash),
					    .memory = SET(cheap.memory_kib),
					    .passes = SET(cheap.passes),
					    .lanes = SET(cheap.lanes) };
	struct iam_login_row had = { .passwords = { &old, 1 } };
	const struct iam_password_policy_row policy = { .min_length = SET(6), .reuse = SET(1) };
	(void)arg;
	EXPECT_OK(password_hash(cheap, S(FIRST), old.salt, hash));
	struct status st = iam_password_make(rq, &policy, &had, S(FIRST), &made);
	EXPECT(req_failed_with(rq, st, iam_PasswordPolicyViolationException));
	EXPECT_OK(iam_password_make(rq, &policy, &had, S(SECOND), &made));
	EXPECT(made.memory.v == PASSWORD_COST.memory_kib && !str_eq(made.salt, old.salt));
	struct iam_login_row next = { .passwords = { &made, 1 } };
	struct iam_remembered third;
	EXPECT_OK(iam_password_make(rq, &policy, &next, S(FIRST), &third));
	EXPECT(str_eq(third.salt, made.salt) && !str_eq(third.hash, made.hash));
}

static void a_higher_cost_forgets_nothing(void)
{
	struct test_world *w = begin();
	world_in_fiber(w, set_after_the_cost_was_raised, NULL);
	world_end(w);
}

/* ---- changing one's own ---------------------------------------------------------------------------------- */

static void who_knows_the_old_one_may_change_it(void)
{
	struct test_world *w = begin();
	struct caller ann = make_user(w, "ann");
	WORKS(IAM(w, "PutUserPolicy",
		  "{'UserName':'ann','PolicyName':'p','PolicyDocument':'" DOCUMENT(
		      "Allow", "iam:ChangePassword", "arn:aws:iam::*:user/${aws:username}") "'}"));
	REFUSED(change(w, ann, FIRST, SECOND), 404, "NoSuchEntity", NO_PROFILE("ann"));
	WORKS(IAM(w, "CreateLoginProfile", "{'UserName':'ann','Password':'" FIRST "','PasswordResetRequired':true}"));
	REFUSED(change(w, ann, SECOND, SECOND), 403, "AccessDenied", "The old password is not correct.");
	FAILS(change(w, ann, FIRST, "short"), "PasswordPolicyViolation");
	WORKS(change(w, ann, FIRST, SECOND));
	struct test_reply r = IAM(w, "GetLoginProfile", "{'UserName':'ann'}");
	EXPECT_STR(world_field(w, r, "LoginProfile.PasswordResetRequired"), S("false"));
	EXPECT_OK(sign_in(w, "ann", SECOND, NULL));
	EXPECT_ERR(sign_in(w, "ann", FIRST, NULL), E_INVALID);
	REFUSED(change(w, world_root(w), FIRST, SECOND), 400, "InvalidUserType",
		"Only IAM users can change their own password.");
	world_end(w);
}

static void the_policy_lets_users_change_their_own(void)
{
	struct test_world *w = begin();
	struct caller ann = make_user(w, "ann");
	WORKS(create(w, "ann", FIRST));
	REFUSED(
	    change(w, ann, FIRST, SECOND), 403, "AccessDenied",
	    "User: arn:aws:iam::111122223333:user/ann is not authorized to perform: iam:ChangePassword on resource: "
	    "arn:aws:iam::111122223333:user/ann because no identity-based policy allows the iam:ChangePassword action");
	FAILS(AS(w, ann, "iam", "GetAccountPasswordPolicy", "{}"), "AccessDenied");
	WORKS(IAM(w, "UpdateAccountPasswordPolicy", "{'AllowUsersToChangePassword':true}"));
	WORKS(change(w, ann, FIRST, SECOND));
	WORKS(AS(w, ann, "iam", "GetAccountPasswordPolicy", "{}"));
	FAILS(AS(w, ann, "iam", "UpdateAccountPasswordPolicy", "{}"), "AccessDenied");
	FAILS(AS(w, ann, "iam", "UpdateLoginProfile", "{'UserName':'ann','Password':'" FIRST "'}"), "AccessDenied");
	WORKS(IAM(
	    w, "PutUserPolicy",
	    "{'UserName':'ann','PolicyName':'d','PolicyDocument':'" DOCUMENT("Deny", "iam:ChangePassword", "*") "'}"));
	FAILS(change(w, ann, SECOND, FIRST), "AccessDenied");
	world_end(w);
}

static void guessing_the_old_one_is_slowed_down(void)
{
	struct test_world *w = begin();
	struct caller ann = make_user(w, "ann");
	WORKS(IAM(w, "UpdateAccountPasswordPolicy", "{'AllowUsersToChangePassword':true}"));
	WORKS(create(w, "ann", FIRST));
	for (int i = 0; i < GUESS_FREE; i++)
		FAILS(change(w, ann, "wrong", SECOND), "AccessDenied");
	FAILS(change(w, ann, FIRST, SECOND), "AccessDenied");
	world_restart(w);
	FAILS(change(w, ann, FIRST, SECOND), "AccessDenied");
	world_later(w, GUESS_WAIT_MS);
	WORKS(change(w, ann, FIRST, SECOND));
	world_end(w);
}

/* ---- signing in --------------------------------------------------------------------------------------------- */

static void a_sign_in_is_seen_at_the_user(void)
{
	struct test_world *w = begin();
	make_user(w, "ann");
	WORKS(create(w, "ann", FIRST));
	struct test_reply r = IAM(w, "GetUser", "{'UserName':'ann'}");
	EXPECT(!world_field(w, r, "User.PasswordLastUsed").p);
	EXPECT_ERR(sign_in(w, "ann", SECOND, NULL), E_INVALID);
	EXPECT_ERR(sign_in(w, "ann", "", NULL), E_INVALID);
	EXPECT(!world_field(w, IAM(w, "GetUser", "{'UserName':'ann'}"), "User.PasswordLastUsed").p);
	world_later(w, 5000);
	EXPECT_OK(sign_in(w, "ANN", FIRST, NULL));
	r = IAM(w, "GetUser", "{'UserName':'ann'}");
	EXPECT_STR(world_field(w, r, "User.PasswordLastUsed"), S("1767225605"));
	r = IAM(w, "ListUsers", "{}");
	EXPECT_STR(world_field(w, r, "Users.0.PasswordLastUsed"), S("1767225605"));
	EXPECT_ERR(sign_in(w, "eve", FIRST, NULL), E_INVALID);
	struct signing_in other = { .account = S("999999999999"), .user = S("ann"), .password = S(FIRST) };
	world_in_fiber(w, sign_in_fiber, &other);
	EXPECT_ERR(other.st, E_INVALID);
	world_end(w);
}

static void many_wrong_ones_make_even_the_right_one_wait(void)
{
	struct test_world *w = begin();
	make_user(w, "ann");
	WORKS(create(w, "ann", FIRST));
	for (int i = 0; i < GUESS_FREE; i++)
		EXPECT_ERR(sign_in(w, "ann", SECOND, NULL), E_INVALID);
	EXPECT_ERR(sign_in(w, "ann", FIRST, NULL), E_INVALID);
	world_later(w, GUESS_WAIT_MS);
	EXPECT_OK(sign_in(w, "ann", FIRST, NULL));
	EXPECT_ERR(sign_in(w, "ann", SECOND, NULL), E_INVALID);
	EXPECT_OK(sign_in(w, "ann", FIRST, NULL));
	world_end(w);
}

static void passwords_expire(void)
{
	struct test_world *w = begin();
	enum iam_password_state state;
	make_user(w, "ann");
	WORKS(IAM(w, "UpdateAccountPasswordPolicy", "{'MaxPasswordAge':30}"));
	WORKS(create(w, "ann", FIRST));
	world_later(w, INT64_C(30) * DAY_MS - 1);
	EXPECT_OK(sign_in(w, "ann", FIRST, &state));
	EXPECT(state == IAM_PASSWORD_GOOD);
	world_later(w, 1);
	EXPECT_OK(sign_in(w, "ann", FIRST, &state));
	EXPECT(state == IAM_PASSWORD_TO_CHANGE);
	WORKS(IAM(w, "UpdateAccountPasswordPolicy", "{'MaxPasswordAge':30,'HardExpiry':true}"));
	EXPECT_OK(sign_in(w, "ann", FIRST, &state));
	EXPECT(state == IAM_PASSWORD_EXPIRED);
	WORKS(update(w, "ann", SECOND));
	EXPECT_OK(sign_in(w, "ann", SECOND, &state));
	EXPECT(state == IAM_PASSWORD_GOOD);
	WORKS(IAM(w, "UpdateLoginProfile", "{'UserName':'ann','PasswordResetRequired':true}"));
	EXPECT_OK(sign_in(w, "ann", SECOND, &state));
	EXPECT(state == IAM_PASSWORD_TO_CHANGE);
	world_end(w);
}

struct looking {
	struct str user;
	struct iam_password_facts facts;
};

static void look(struct req *rq, void *arg)
{
	struct looking *l = arg;
	struct iam_entity_row user;
	struct txn *t;
	EXPECT_OK(iam_read(rq, &t));
	EXPECT_OK(iam_entity_find(rq->mem, t, IAM_USER, l->user, &user));
	EXPECT_OK(iam_password_facts(rq, t, &user, &l->facts));
}

static void reports_have_their_facts(void)
{
	struct test_world *w = begin();
	struct looking l = { .user = S("ann") };
	make_user(w, "ann");
	world_in_fiber(w, look, &l);
	EXPECT(!l.facts.enabled && !l.facts.mfa_active && !l.facts.last_used.set && !l.facts.next_rotation.set);
	WORKS(IAM(w, "UpdateAccountPasswordPolicy", "{'MaxPasswordAge':1}"));
	WORKS(create(w, "ann", FIRST));
	EXPECT_OK(sign_in(w, "ann", FIRST, NULL));
	world_in_fiber(w, look, &l);
	EXPECT(l.facts.enabled && l.facts.last_used.v == INT64_C(1000) * JAN_1_S);
	EXPECT(l.facts.last_changed.v == INT64_C(1000) * JAN_1_S);
	EXPECT(l.facts.next_rotation.v == INT64_C(1000) * JAN_1_S + DAY_MS);
	world_end(w);
}

/* ---- threads --------------------------------------------------------------------------------------------------- */

struct racer {
	struct test_world *w;
	const char *password;
	pthread_t thread;
	struct status st;
};

static void *race(void *arg)
{
	struct racer *r = arg;
	r->st = sign_in(r->w, "ann", r->password, NULL);
	return NULL;
}

/* Through the hashing threads, more at once than there are of them. */
static void many_sign_in_at_once(void)
{
	struct test_world *w = begin();
	struct racer racers[6];
	make_user(w, "ann");
	iam_hashing_open(world_app(w));
	WORKS(create(w, "ann", FIRST));
	for (size_t i = 0; i < COUNT(racers); i++)
		racers[i] = (struct racer){ .w = w, .password = i % 3 ? FIRST : SECOND };
	for (size_t i = 0; i < COUNT(racers); i++)
		EXPECT(pthread_create(&racers[i].thread, NULL, race, &racers[i]) == 0);
	for (size_t i = 0; i < COUNT(racers); i++) {
		pthread_join(racers[i].thread, NULL);
		EXPECT(racers[i].st.code == (i % 3 ? 0 : E_INVALID));
	}
	iam_hashing_close(world_app(w));
	world_end(w);
}

RUN_ALL(T(a_user_gets_a_password_and_loses_it), T(a_password_stays_with_a_renamed_user_and_over_a_restart),
	T(lengths_and_characters_are_bounded), T(without_a_policy_the_default_counts),
	T(a_policy_has_defaults_and_ranges), T(a_password_must_fit_the_policy), T(former_passwords_are_remembered),
	T(no_more_than_24_are_remembered), T(a_higher_cost_forgets_nothing), T(who_knows_the_old_one_may_change_it),
	T(the_policy_lets_users_change_their_own), T(guessing_the_old_one_is_slowed_down),
	T(a_sign_in_is_seen_at_the_user), T(many_wrong_ones_make_even_the_right_one_wait), T(passwords_expire),
	T(reports_have_their_facts), T(many_sign_in_at_once))

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What identity_provider.mfa promises: right, now, his, once.
 */
#include "svc/iam/guess.h"
#include "svc/mfa_testing.h"

#define MFA(name) "arn:aws:iam::111122223333:mfa/" name

static void a_code_is_right_at_its_time(void)
{
	struct test_world *w = begin();
	struct caller ann = make_user(w, "ann");
	struct str seed = enabled_device(w, "ann", "phone");
	EXPECT_OK(check(w, ann, MFA("phone"), code_at(w, seed, 0)));
	world_later(w, 5 * TOTP_STEP_MS);
	EXPECT_ERR(check(w, ann, MFA("phone"), code_at(w, seed, -2)), E_INVALID);
	EXPECT_ERR(check(w, ann, MFA("phone"), code_at(w, seed, 2)), E_INVALID);
	EXPECT_OK(check(w, ann, MFA("phone"), code_at(w, seed, -1)));
	EXPECT_OK(check(w, ann, MFA("phone"), code_at(w, seed, 1)));
	EXPECT_ERR(check(w, ann, MFA("phone"), S("")), E_INVALID);
	EXPECT_ERR(check(w, ann, MFA("phone"), S("12345x")), E_INVALID);
	EXPECT_ERR(check(w, ann, MFA("phone"), S("1234567")), E_INVALID);
	world_end(w);
}

static void a_code_works_once(void)
{
	struct test_world *w = begin();
	struct caller ann = make_user(w, "ann");
	struct str seed = enabled_device(w, "ann", "phone");
	struct str code = code_at(w, seed, 0), earlier = code_at(w, seed, -1);
	EXPECT_OK(check(w, ann, MFA("phone"), code));
	EXPECT_ERR(check(w, ann, MFA("phone"), code), E_INVALID);
	EXPECT_ERR(check(w, ann, MFA("phone"), earlier), E_INVALID);
	world_later(w, TOTP_STEP_MS);
	EXPECT_ERR(check(w, ann, MFA("phone"), code), E_INVALID);
	EXPECT_OK(check(w, ann, MFA("phone"), code_at(w, seed, 0)));
	world_end(w);
}

static void a_code_works_once_also_after_a_restart(void)
{
	struct test_world *w = begin();
	struct caller ann = make_user(w, "ann");
	struct str seed = enabled_device(w, "ann", "phone"), code = code_at(w, seed, 0);
	EXPECT_OK(check(w, ann, MFA("phone"), code));
	world_restart(w);
	EXPECT_ERR(check(w, ann, MFA("phone"), code), E_INVALID);
	world_later(w, TOTP_STEP_MS);
	EXPECT_OK(check(w, ann, MFA("phone"), code_at(w, seed, 0)));
	world_end(w);
}

struct racer {
	struct test_world *w;
	struct caller who;
	struct str code;
	pthread_t thread;
	struct status st;
};

static void *race(void *arg)
{
	struct racer *r = arg;
	r->st = check(r->w, r->who, MFA("phone"), r->code);
	return NULL;
}

static void of_many_with_the_same_code_one_is_served(void)
{
	struct test_world *w = begin();
	struct caller ann = make_user(w, "ann");
	struct str seed = enabled_device(w, "ann", "phone"), code = code_at(w, seed, 0);
	struct racer racers[8];
	int served = 0;
	for (size_t i = 0; i < COUNT(racers); i++)
		racers[i] = (struct racer){ .w = w, .who = ann, .code = code };
	for (size_t i = 0; i < COUNT(racers); i++)
		EXPECT(pthread_create(&racers[i].thread, NULL, race, &racers[i]) == 0);
	for (size_t i = 0; i < COUNT(racers); i++) {
		pthread_join(racers[i].thread, NULL);
		EXPECT(racers[i].st.code == 0 || racers[i].st.code == E_INVALID);
		served += !failed(racers[i].st);
	}
	EXPECT(served == 1);
	world_end(w);
}

static void the_device_must_be_the_callers(void)
{
	struct test_world *w = begin();
	struct caller ann = make_user(w, "ann"), bob = make_user(w, "bob");
	struct str seed = enabled_device(w, "ann", "phone");
	struct str code = code_at(w, seed, 0);
	EXPECT_ERR(check(w, bob, MFA("phone"), code), E_NOT_FOUND);
	EXPECT_ERR(check(w, world_root(w), MFA("phone"), code), E_NOT_FOUND);
	EXPECT_ERR(check(w, ann, MFA("none"), code), E_NOT_FOUND);
	EXPECT_ERR(check(w, ann, MFA("Phone"), code), E_NOT_FOUND);
	EXPECT_ERR(check(w, ann, "arn:aws:iam::444455556666:mfa/phone", code), E_NOT_FOUND);
	EXPECT_ERR(check(w, ann, "arn:aws:iam::111122223333:user/ann", code), E_NOT_FOUND);
	EXPECT_ERR(check(w, ann, "GAHT12345678", code), E_NOT_FOUND);
	struct caller session = ann, stranger = ann;
	session.kind = CALLER_ROLE;
	stranger.principal_id = S("AIDAAAAAAAAAAAAAAAAAA"); /* a key of an earlier ann */
	EXPECT_ERR(check(w, session, MFA("phone"), code), E_NOT_FOUND);
	EXPECT_ERR(check(w, stranger, MFA("phone"), code), E_NOT_FOUND);
	EXPECT_OK(check(w, ann, MFA("phone"), code));
	world_end(w);
}

static void many_wrong_codes_make_even_the_right_one_wait(void)
{
	struct test_world *w = begin();
	struct caller ann = make_user(w, "ann");
	struct str seed = enabled_device(w, "ann", "phone");
	for (int i = 0; i < GUESS_FREE; i++)
		EXPECT_ERR(check(w, ann, MFA("phone"), code_at(w, seed, 100 + i)), E_INVALID);
	EXPECT_ERR(check(w, ann, MFA("phone"), code_at(w, seed, 0)), E_INVALID);
	world_restart(w);
	EXPECT_ERR(check(w, ann, MFA("phone"), code_at(w, seed, 0)), E_INVALID);
	world_later(w, GUESS_WAIT_MS);
	EXPECT_OK(check(w, ann, MFA("phone"), code_at(w, seed, 0)));
	EXPECT_ERR(check(w, ann, MFA("phone"), code_at(w, seed, 100)), E_INVALID);
	world_later(w, TOTP_STEP_MS);
	EXPECT_OK(check(w, ann, MFA("phone"), code_at(w, seed, 0))); /* counted from nothing again */
	world_end(w);
}

static void the_wait_doubles_up_to_a_quarter_of_an_hour(void)
{
	EXPECT(!guess_must_wait(GUESS_FREE - 1, 1000, 1000));
	EXPECT(guess_must_wait(GUESS_FREE, 1000, 1000));
	EXPECT(guess_must_wait(GUESS_FREE, 0, 29999) && !guess_must_wait(GUESS_FREE, 0, 30000));
	EXPECT(guess_must_wait(GUESS_FREE + 1, 0, 59999) && !guess_must_wait(GUESS_FREE + 1, 0, 60000));
	EXPECT(guess_must_wait(1000000, 0, 899999) && !guess_must_wait(1000000, 0, 900000));
}

RUN_ALL(T(a_code_is_right_at_its_time), T(a_code_works_once), T(a_code_works_once_also_after_a_restart),
	T(of_many_with_the_same_code_one_is_served), T(the_device_must_be_the_callers),
	T(many_wrong_codes_make_even_the_right_one_wait), T(the_wait_doubles_up_to_a_quarter_of_an_hour))

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Devices for tests that are about something else: enabled without a ceremony, their seed
 * in your hand.
 */
#ifndef SVC_MFA_TESTING_H
#define SVC_MFA_TESTING_H

#include "svc/iam/mfa.h"
#include "svc/iam/totp.h"
#include "svc/identities_testing.h"

#include <pthread.h>

static inline struct caller make_user(struct test_world *w, const char *name)
{
	WORKS(IAM(w, "CreateUser", "{'UserName':'%s'}", name));
	return user_caller(w, name);
}

struct making_device {
	struct test_world *w;
	const char *user, *name;
	struct str seed;
};

static inline void make_device(struct req *rq, void *arg)
{
	struct making_device *m = arg;
	struct iam_mfa_row row = { .name = str_of(m->name),
				   .path = S("/"),
				   .id = S("0123456789abcdef"),
				   .user_name = str_of(m->user),
				   .enabled = SET(rq->now_ms) };
	struct shard *shard;
	struct txn *t;
	struct str base32;
	EXPECT_OK(iam_mfa_seed_new(rq, rq->account, &row, &base32));
	EXPECT_OK(base32_decode(world_mem(m->w), base32, &m->seed));
	EXPECT_OK(iam_shard(rq, rq->account, &shard));
	EXPECT_OK(txn_write(shard, &t));
	EXPECT_OK(iam_mfa_put(rq, t, &row));
	EXPECT_OK(txn_commit(t));
}

/* Returns the seed. */
static inline struct str enabled_device(struct test_world *w, const char *user, const char *name)
{
	struct making_device m = { .w = w, .user = user, .name = name };
	world_in_fiber(w, make_device, &m);
	return m.seed;
}

/* The code that the device shows now, or so many steps later. */
static inline struct str code_at(struct test_world *w, struct str seed, int64_t steps)
{
	char *code = NEWS(world_mem(w), char, TOTP_DIGITS);
	hotp(seed, (uint64_t)(totp_step(app_now_ms(world_app(w))) + steps), TOTP_DIGITS, code);
	return str_make(code, TOTP_DIGITS);
}

struct checking {
	struct caller who;
	struct str serial, code;
	struct status st;
};

static inline void check_in_fiber(struct req *rq, void *arg)
{
	struct checking *c = arg;
	rq->caller = c->who;
	c->st = rq->app->identity->mfa(rq, &c->who, c->serial, c->code);
}

/* Safe from several threads at once. */
static inline struct status check(struct test_world *w, struct caller who, const char *serial, struct str code)
{
	struct checking c = { .who = who, .serial = str_of(serial), .code = code };
	world_in_fiber(w, check_in_fiber, &c);
	return c.st;
}

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A whole server inside a test: real store in a temporary directory, a clock in your hand,
 * no network. Calls take the pipeline's steps from authorize on, as a caller you name;
 * their effects and records are real.
 *
 *     struct test_world *w = world_begin(&(struct world_parts){ .services = all, .identity = &iam_identity, .now_ms =
 * JAN_1 }); struct test_reply r = world_call(w, &world_root, "kms", "CreateKey", "{'Description':'x'}");
 *     EXPECT(r.status == 200);
 *     EXPECT_STR(world_field(w, r, "KeyMetadata.KeyState"), S("Enabled"));
 *     world_end(w);
 *
 * Input is JSON by the operation's input shape, whatever protocol the service speaks (' stands
 * for "); constraints are checked. Output is JSON by the output shape.
 */
#ifndef API_WORLD_H
#define API_WORLD_H

#include "api/req.h"
#include "base/test.h"

struct test_world;

struct world_parts {
	const struct service *const *services; /* null-terminated */
	const struct identity_provider *identity;
	int64_t now_ms;
};

/* The trail's key is that of a service of this name. It does nothing; for tests in which nobody asks the trail. */
extern const struct service world_trail;

struct test_reply {
	int status;            /* 200, or the fault's */
	struct str code, text; /* the fault's, as JSON services call it, or its own name */
	struct str body;       /* output as JSON; empty after a fault */
};

enum { WORLD_ACCOUNT_DIGITS = 12 };
#define WORLD_ACCOUNT S("111122223333")
#define WORLD_OTHER   S("444455556666") /* a second account that exists, too */

struct test_world *world_begin(const struct world_parts *parts);
void world_end(struct test_world *w);
/* Close everything and open it again from disk. */
void world_restart(struct test_world *w);
/* The same in two halves, between which only w's directory is there, and without waiting for a disk that fails. */
void world_crash(struct test_world *w);
void world_start(struct test_world *w);
struct app *world_app(struct test_world *w);   /* calls are made in its region, us-east-1 unless you change it */
struct arena *world_mem(struct test_world *w); /* lives as long as w */
void world_later(struct test_world *w, int64_t ms);

struct caller world_root(struct test_world *w); /* root of WORLD_ACCOUNT */
struct caller world_root_of(struct test_world *w, struct str account);
/* A session token's caller: policies are looked up through the identity provider, as for a real request. */
struct test_reply world_call(struct test_world *w, struct caller who, const char *service, const char *op,
			     const char *json, ...) __attribute__((format(printf, 5, 6)));
/* The text of a member of a reply by path ("Keys.0.KeyId"): strings without quotes, the rest as it stands; p == NULL
 * when absent. */
struct str world_field(struct test_world *w, struct test_reply r, const char *path);
/* Run a piece of code as a fiber with a request of root's around it, for units below the handlers. */
void world_in_fiber(struct test_world *w, void (*run)(struct req *rq, void *arg), void *arg);

#endif

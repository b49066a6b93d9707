/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Accounts: made once, found by id and by root key, kept over a restart, refused when they
 * could not be used.
 */
#include "api/accounts.h"

#include "api/pipeline_testing.h"
#include "base/fiber.h"

#include <pthread.h>

struct making {
	struct test_world *w;
	struct str id;
	struct account_root root;
	struct status st;
	const struct account *account;
};

static void make(void *arg)
{
	struct making *m = arg;
	m->st = account_create(world_app(m->w)->accounts, m->id, m->root, &m->account);
}

static struct status create(struct test_world *w, const char *id, const char *key, struct str secret)
{
	struct making m = { .w = w, .id = str_of(id), .root = { str_of(key), secret } };
	fiber_block_on(make, &m);
	return m.st;
}

static void an_account_is_found_by_id_and_by_root_key(void)
{
	struct test_world *w = pipeline_world();
	struct str secret;
	EXPECT_OK(create(w, "777788889999", "operators-own.key_1", S("s3cret")));
	for (int round = 0; round < 2; round++) {
		const struct accounts *a = world_app(w)->accounts;
		const struct account *got = account_find(a, S("777788889999"));
		EXPECT(got && got->canonical_id.n == 64 && got->created_ms == FAKE_NOW);
		EXPECT(account_by_root_key(a, S("operators-own.key_1"), &secret) == got);
		EXPECT_STR(secret, S("s3cret"));
		EXPECT_STR(account_root_of(a, S("777788889999")).access_key_id, S("operators-own.key_1"));
		EXPECT_STR(account_at(a, 0)->id, WORLD_ACCOUNT);
		EXPECT_STR(account_at(a, 1)->id, WORLD_OTHER);
		EXPECT(account_at(a, 2) == got && !account_at(a, 3));
		EXPECT(!str_eq(account_at(a, 0)->canonical_id, account_at(a, 1)->canonical_id));
		world_restart(w);
	}
	world_end(w);
}

static void who_is_not_there_is_not_found(void)
{
	struct test_world *w = pipeline_world();
	const struct accounts *a = world_app(w)->accounts;
	const struct key_ref *key;
	struct str secret;
	EXPECT(!account_find(a, S("")) && !account_find(a, S("11112222333")) && !account_find(a, S("000000000000")));
	EXPECT(!account_by_root_key(a, S(""), &secret) && !account_by_root_key(a, S("AKIAROOT11112222333"), &secret));
	EXPECT_ERR(account_service_key(world_app(w)->accounts, S("000000000000"), S("sts"), &key), E_NO_KEY);
	EXPECT_ERR(account_service_key(world_app(w)->accounts, WORLD_ACCOUNT, S("nothing"), &key), E_NO_KEY);
	EXPECT_OK(account_service_key(world_app(w)->accounts, WORLD_ACCOUNT, S("sts"), &key));
	world_end(w);
}

static void what_could_not_be_used_is_refused(void)
{
	struct test_world *w = pipeline_world();
	char *big = NEWS(world_mem(w), char, 129);
	memset(big, 'x', 129);
	EXPECT_ERR(create(w, "77778888999", "key1", S("s")), E_INVALID);
	EXPECT_ERR(create(w, "7777888899999", "key1", S("s")), E_INVALID);
	EXPECT_ERR(create(w, "77778888999x", "key1", S("s")), E_INVALID);
	EXPECT_ERR(create(w, "777788889999", "k1", S("s")), E_INVALID);
	EXPECT_ERR(create(w, "777788889999", "key/1", S("s")), E_INVALID);
	EXPECT_ERR(create(w, "777788889999", "key 1", S("s")), E_INVALID);
	EXPECT_ERR(create(w, "777788889999", "ASIAQYLPMN5HAAAAAAAA", S("s")), E_INVALID);
	EXPECT_ERR(create(w, "777788889999", "key1", S("")), E_INVALID);
	EXPECT_ERR(create(w, "777788889999", "key1", str_make(big, 129)), E_INVALID);
	EXPECT(!account_find(world_app(w)->accounts, S("777788889999")));
	EXPECT_OK(create(w, "777788889999", "key1", str_make(big, 128)));
	world_end(w);
}

static void an_id_or_a_root_key_is_taken_once(void)
{
	struct test_world *w = pipeline_world();
	EXPECT_ERR(create(w, "111122223333", "fresh", S("s")), E_EXISTS);
	EXPECT_ERR(create(w, "777788889999", "AKIAROOT111122223333", S("s")), E_EXISTS);
	EXPECT(!account_at(world_app(w)->accounts, 2));
	world_end(w);
}

/* Several at once are one batch of the writer: none is published while the next is judged. */
enum { AT_ONCE = 8 };

static void *one_thread(void *arg)
{
	fiber_block_on(make, arg);
	return NULL;
}

static void at_once_as_well(void)
{
	struct test_world *w = pipeline_world();
	struct making all[AT_ONCE];
	pthread_t threads[AT_ONCE];
	size_t made = 0;
	for (size_t i = 0; i < AT_ONCE; i++) {
		all[i] = (struct making){ .w = w,
					  .id = arena_printf(world_mem(w), "77778888%04zu", i),
					  .root = { S("same-key"), S("s") } };
		EXPECT(pthread_create(&threads[i], NULL, one_thread, &all[i]) == 0);
	}
	for (size_t i = 0; i < AT_ONCE; i++) {
		pthread_join(threads[i], NULL);
		made += !failed(all[i].st);
		EXPECT(!failed(all[i].st) || all[i].st.code == E_EXISTS);
	}
	EXPECT(made == 1 && account_at(world_app(w)->accounts, 2) && !account_at(world_app(w)->accounts, 3));
	world_end(w);
}

RUN_ALL(T(an_account_is_found_by_id_and_by_root_key), T(who_is_not_there_is_not_found),
	T(what_could_not_be_used_is_refused), T(an_id_or_a_root_key_is_taken_once), T(at_once_as_well))

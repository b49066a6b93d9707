/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The key hierarchy: what opens where it was made, what does not open elsewhere, what is
 * gone when it was forgotten; and all of it with more keys than fit the cache and more
 * threads than one.
 */
#include "crypto/keyring.h"

#include "base/log.h"
#include "base/str.h"
#include "base/test.h"
#include "base/test_dir.h"
#include "crypto/keyring_cache.h"

#include <pthread.h>
#include <unistd.h>

struct place {
	struct world w;
	struct arena *mem;
	struct keyring *kr;
	char dir[TEST_DIR_MAX], path[64];
};

static struct place *place_new(void)
{
	struct place *p = HEAP(struct place);

	world_fake(&p->w, 0, 1);
	p->mem = arena_new();
	test_dir_new(p->dir);
	snprintf(p->path, sizeof p->path, "%s/root.key", p->dir);
	EXPECT_OK(keyring_create_root(&p->w, p->path));
	EXPECT_OK(keyring_open(&p->w, p->path, &p->kr));
	return p;
}

static void place_end(struct place *p)
{
	keyring_close(p->kr);
	arena_free(p->mem);
	EXPECT(unlink(p->path) == 0 && rmdir(p->dir) == 0);
	heap_free(p);
}

static void reopen(struct place *p)
{
	keyring_close(p->kr);
	EXPECT_OK(keyring_open(&p->w, p->path, &p->kr));
}

static struct key_ref new_key(struct place *p, const struct key_ref *parent, const char *purpose)
{
	struct str wrapped;

	EXPECT_OK(keyring_key_new(p->kr, parent, str_of(purpose), p->mem, &wrapped));
	EXPECT(wrapped.n == KEY_WRAPPED_SIZE);
	return key_ref_of(parent, str_of(purpose), wrapped);
}

static void a_sealed_text_opens_after_a_restart(void)
{
	struct place *p = place_new();
	struct key_ref account = new_key(p, NULL, "account/1"), kms = new_key(p, &account, "kms/us-east-1/k");
	struct str cipher, plain;

	EXPECT_OK(keyring_seal(p->kr, &kms, S("context"), S("hello"), p->mem, &cipher));
	EXPECT(cipher.n == 5 + KEYRING_SEAL_OVERHEAD);
	reopen(p);
	EXPECT_OK(keyring_unseal(p->kr, &kms, S("context"), cipher, p->mem, &plain));
	EXPECT_STR(plain, S("hello"));
	place_end(p);
}

static void another_aad_key_or_bit_does_not_open(void)
{
	struct place *p = place_new();
	struct key_ref account = new_key(p, NULL, "account/1"), a = new_key(p, &account, "k"),
		       b = new_key(p, &account, "k");
	struct str cipher, plain = S("untouched");

	EXPECT_OK(keyring_seal(p->kr, &a, S("context"), S("hello"), p->mem, &cipher));
	EXPECT_ERR(keyring_unseal(p->kr, &a, S("Context"), cipher, p->mem, &plain), E_CORRUPT);
	EXPECT_ERR(keyring_unseal(p->kr, &b, S("context"), cipher, p->mem, &plain), E_CORRUPT);
	EXPECT_ERR(keyring_unseal(p->kr, &account, S("context"), cipher, p->mem, &plain), E_CORRUPT);
	for (size_t i = 0; i < cipher.n; i++) {
		struct str bad = str_dup(p->mem, cipher);
		((char *)(uintptr_t)bad.p)[i] ^= 1;
		EXPECT_ERR(keyring_unseal(p->kr, &a, S("context"), bad, p->mem, &plain), E_CORRUPT);
		EXPECT_ERR(keyring_unseal(p->kr, &a, S("context"), str_sub(cipher, 0, i), p->mem, &plain), E_CORRUPT);
	}
	EXPECT_STR(plain, S("untouched"));
	place_end(p);
}

static void a_key_opens_only_under_its_own_root_parent_and_purpose(void)
{
	struct place *p = place_new(), *q = place_new();
	uint8_t other_root;
	/* both places draw from equal random streams: make q's root another one */
	keyring_close(q->kr);
	EXPECT(unlink(q->path) == 0);
	world_random(&q->w, &other_root, 1);
	EXPECT_OK(keyring_create_root(&q->w, q->path));
	EXPECT_OK(keyring_open(&q->w, q->path, &q->kr));

	struct key_ref one = new_key(p, NULL, "account/1"), two = new_key(p, NULL, "account/2");
	struct key_ref key = new_key(p, &one, "kms/k");
	struct key_ref moved = key_ref_of(&two, key.purpose, key.wrapped);
	struct key_ref renamed = key_ref_of(&one, S("kms/other"), key.wrapped);
	struct key_ref raised = key_ref_of(NULL, key.purpose, key.wrapped);
	struct key_ref cut = key_ref_of(&one, key.purpose, str_sub(key.wrapped, 0, KEY_WRAPPED_SIZE - 1));
	struct key_ref empty = key_ref_of(&one, key.purpose, S(""));
	struct key_ref stretched = key_ref_of(&one, key.purpose, arena_printf(p->mem, "\1%0200d", 7));

	EXPECT_OK(keyring_check(p->kr, &key));
	EXPECT_ERR(keyring_check(p->kr, &moved), E_NO_KEY);
	EXPECT_ERR(keyring_check(p->kr, &renamed), E_NO_KEY);
	EXPECT_ERR(keyring_check(p->kr, &raised), E_NO_KEY);
	EXPECT_ERR(keyring_check(p->kr, &cut), E_NO_KEY);
	EXPECT_ERR(keyring_check(p->kr, &empty), E_NO_KEY);
	EXPECT_ERR(keyring_check(p->kr, &stretched), E_NO_KEY);
	EXPECT_ERR(keyring_check(q->kr, &key), E_NO_KEY);
	place_end(p);
	place_end(q);
}

static void a_damaged_key_fails_every_call_and_changes_nothing(void)
{
	struct place *p = place_new();
	struct key_ref key = new_key(p, NULL, "account/1");
	struct str out = S("untouched");
	struct secret s = { 0 };
	uint8_t mac[32] = { 7 };

	for (size_t i = 0; i < KEY_WRAPPED_SIZE; i++) {
		struct str bad = str_dup(p->mem, key.wrapped);
		((char *)(uintptr_t)bad.p)[i] ^= 1;
		struct key_ref k = key_ref_of(NULL, key.purpose, bad);
		EXPECT_ERR(keyring_check(p->kr, &k), E_NO_KEY);
		EXPECT_ERR(keyring_key_new(p->kr, &k, S("x"), p->mem, &out), E_NO_KEY);
		EXPECT_ERR(keyring_seal(p->kr, &k, S(""), S("x"), p->mem, &out), E_NO_KEY);
		EXPECT_ERR(keyring_unseal(p->kr, &k, S(""), S("x"), p->mem, &out), E_NO_KEY);
		EXPECT_ERR(keyring_data_key(p->kr, &k, S(""), 32, &s, p->mem, &out), E_NO_KEY);
		EXPECT_ERR(keyring_data_key_open(p->kr, &k, S(""), S("x"), &s), E_NO_KEY);
		EXPECT_ERR(keyring_mac(p->kr, &k, S("x"), mac), E_NO_KEY);
	}
	EXPECT_STR(out, S("untouched"));
	EXPECT(!s.p && mac[0] == 7);
	place_end(p);
}

static void unseal_never_gives_a_hierarchy_key(void)
{
	struct place *p = place_new();
	struct key_ref account = new_key(p, NULL, "account/1"), key = new_key(p, &account, "kms/k");
	char aad[KEY_ID_SIZE + 5];
	struct str plain;
	struct secret s;

	memcpy(aad, account.id, KEY_ID_SIZE); /* the very aad the key was wrapped with */
	memcpy(aad + KEY_ID_SIZE, "kms/k", 5);
	EXPECT_ERR(keyring_unseal(p->kr, &account, str_make(aad, sizeof aad), key.wrapped, p->mem, &plain), E_CORRUPT);
	EXPECT_ERR(keyring_data_key_open(p->kr, &account, str_make(aad, sizeof aad), key.wrapped, &s), E_CORRUPT);
	place_end(p);
}

static void a_sealed_text_is_no_key(void)
{
	struct place *p = place_new();
	struct key_ref account = new_key(p, NULL, "account/1");
	char aad[KEY_ID_SIZE + 5], mine[32] = { 0 };
	struct str forged;

	/* Whoever may seal under the account's key must not be able to plant a key of his own below it. */
	memcpy(aad, account.id, KEY_ID_SIZE);
	memcpy(aad + KEY_ID_SIZE, "kms/k", 5);
	EXPECT_OK(keyring_seal(p->kr, &account, str_make(aad, sizeof aad), str_make(mine, 32), p->mem, &forged));
	EXPECT(forged.n == KEY_WRAPPED_SIZE);
	struct key_ref key = key_ref_of(&account, S("kms/k"), forged);
	EXPECT_ERR(keyring_check(p->kr, &key), E_NO_KEY);
	place_end(p);
}

static void data_keys_come_out_and_open_again(void)
{
	static const size_t sizes[] = { 1, 16, 32, 64, 65, KEYRING_DATA_KEY_MAX };
	struct place *p = place_new();
	struct key_ref account = new_key(p, NULL, "account/1"), key = new_key(p, &account, "s3/bucket");

	for (size_t i = 0; i < COUNT(sizes); i++) {
		struct secret made, opened;
		struct str cipher, plain;
		EXPECT_OK(keyring_data_key(p->kr, &key, S("shard 1"), sizes[i], &made, p->mem, &cipher));
		EXPECT(made.n == sizes[i]);
		EXPECT_OK(keyring_data_key_open(p->kr, &key, S("shard 1"), cipher, &opened));
		EXPECT(secret_eq(secret_str(&made), secret_str(&opened)));
		EXPECT_OK(keyring_unseal(p->kr, &key, S("shard 1"), cipher, p->mem, &plain));
		EXPECT(secret_eq(secret_str(&made), plain));
		secret_free(&opened);
		EXPECT_ERR(keyring_data_key_open(p->kr, &key, S("shard 2"), cipher, &opened), E_CORRUPT);
		EXPECT(!opened.p);
		secret_free(&made);
	}
	place_end(p);
}

static void two_data_keys_differ_and_one_may_stay_inside(void)
{
	struct place *p = place_new();
	struct key_ref key = new_key(p, NULL, "account/1");
	struct secret a, b;
	struct str ca, cb;

	EXPECT_OK(keyring_data_key(p->kr, &key, S(""), 32, &a, p->mem, &ca));
	EXPECT_OK(keyring_data_key(p->kr, &key, S(""), 32, NULL, p->mem, &cb));
	EXPECT_OK(keyring_data_key_open(p->kr, &key, S(""), cb, &b));
	EXPECT(!secret_eq(secret_str(&a), secret_str(&b)));
	secret_free(&a);
	secret_free(&b);
	place_end(p);
}

static void what_is_too_long_or_empty_is_no_data_key(void)
{
	struct place *p = place_new();
	struct key_ref key = new_key(p, NULL, "account/1");
	struct secret s = { 0 };
	struct str cipher, long_text = str_make(NEWS(p->mem, char, 1025), 1025);

	EXPECT_OK(keyring_seal(p->kr, &key, S(""), long_text, p->mem, &cipher));
	EXPECT_ERR(keyring_data_key_open(p->kr, &key, S(""), cipher, &s), E_CORRUPT);
	EXPECT_OK(keyring_seal(p->kr, &key, S(""), S(""), p->mem, &cipher));
	EXPECT_ERR(keyring_data_key_open(p->kr, &key, S(""), cipher, &s), E_CORRUPT);
	EXPECT_ERR(keyring_data_key_open(p->kr, &key, S(""), S(""), &s), E_CORRUPT);
	EXPECT(!s.p);
	place_end(p);
}

static void macs_are_stable_and_each_key_has_its_own(void)
{
	struct place *p = place_new();
	struct key_ref a = new_key(p, NULL, "names"), b = new_key(p, NULL, "names");
	uint8_t x[32], y[32];

	EXPECT_OK(keyring_mac(p->kr, &a, S("bucket/key"), x));
	reopen(p);
	EXPECT_OK(keyring_mac(p->kr, &a, S("bucket/key"), y));
	EXPECT(memcmp(x, y, 32) == 0);
	EXPECT_OK(keyring_mac(p->kr, &b, S("bucket/key"), y));
	EXPECT(memcmp(x, y, 32) != 0);
	EXPECT_OK(keyring_mac(p->kr, &a, S("bucket/keY"), y));
	EXPECT(memcmp(x, y, 32) != 0);
	place_end(p);
}

static void a_path_has_at_most_four_keys(void)
{
	struct place *p = place_new();
	struct key_ref a = new_key(p, NULL, "1"), b = new_key(p, &a, "2"), c = new_key(p, &b, "3"),
		       d = new_key(p, &c, "4");

	reopen(p);
	EXPECT_OK(keyring_check(p->kr, &d)); /* unwraps all four */
	place_end(p);
}

static void the_same_names_in_other_places_are_other_keys(void)
{
	struct key_ref a = key_ref_of(NULL, S("a"), S("w")), b = key_ref_of(NULL, S("b"), S("w"));
	struct key_ref aw = key_ref_of(NULL, S("aw"), S("")), under = key_ref_of(&a, S("a"), S("w"));

	EXPECT(memcmp(a.id, b.id, 32) != 0 && memcmp(a.id, aw.id, 32) != 0 && memcmp(a.id, under.id, 32) != 0);
	struct key_ref again = key_ref_of(NULL, S("a"), S("w"));
	EXPECT(memcmp(a.id, again.id, 32) == 0);
}

static void keys_that_left_the_cache_still_work(void)
{
	enum { N = 100 };
	struct place *p = place_new();
	struct key_ref account = new_key(p, NULL, "account/1"), keys[N];
	struct str ciphers[N], plain;

	for (size_t i = 0; i < N; i++) {
		keys[i] = new_key(p, &account, "kms/k");
		EXPECT_OK(keyring_seal(p->kr, &keys[i], S(""), str_make(&i, sizeof i), p->mem, &ciphers[i]));
		if (i % 3 == 0)
			keyring_forget(p->kr, &keys[i]);
	}
	for (size_t i = 0; i < N; i++) {
		EXPECT_OK(keyring_unseal(p->kr, &keys[i], S(""), ciphers[i], p->mem, &plain));
		EXPECT_STR(plain, str_make(&i, sizeof i));
	}
	place_end(p);
}

/* ---- the cache, directly ---- */

static struct key_material *material(struct secret_pool *pool)
{
	struct key_material *m = (struct key_material *)(void *)secret_new(pool, sizeof(struct key_material)).p;

	atomic_init(&m->refs, 1);
	return m;
}

/* Ids that fall into one set, told apart by their last byte. */
static void id_in_set_5(uint8_t id[KEY_ID_SIZE], uint8_t which)
{
	memset(id, 0, KEY_ID_SIZE);
	id[0] = 5;
	id[KEY_ID_SIZE - 1] = which;
}

static void put(struct key_cache *c, struct secret_pool *pool, const uint8_t *id, const uint8_t *above, uint64_t epoch)
{
	struct key_path path = { .id = id, .above = { above }, .n_above = above ? 1 : 0 };

	key_material_drop(key_cache_put(c, &path, material(pool), epoch));
}

static bool has(struct key_cache *c, const uint8_t *id)
{
	struct key_material *m = key_cache_get(c, id);

	if (m)
		key_material_drop(m);
	return m != NULL;
}

static void more_keys_than_fit_the_cache_leave_it_in_bounded_memory(void)
{
	enum { N = 3 * KEY_CACHE_SETS * KEY_CACHE_WAYS / 2, ROOM = KEY_CACHE_SETS * KEY_CACHE_WAYS };
	struct secret_pool *pool = secret_pool_new();
	struct key_cache *c = key_cache_new();
	uint8_t id[KEY_ID_SIZE];

	for (size_t i = 0; i < N; i++) {
		sha256(str_make(&i, sizeof i), id);
		put(c, pool, id, NULL, 0);
		EXPECT(has(c, id));
	}
	EXPECT(key_cache_count(c) <= ROOM && key_cache_count(c) > (size_t)ROOM * 3 / 4); /* and it is used well */
	struct secret_pool_stats st = secret_pool_stats(pool);
	EXPECT(st.live == key_cache_count(c) && st.bytes < (size_t)ROOM * 200);
	key_cache_free(c);
	secret_pool_free(pool);
}

static void as_many_keys_as_an_account_may_have_all_stay(void)
{
	enum { N = 100000 };
	struct secret_pool *pool = secret_pool_new();
	struct key_cache *c = key_cache_new();
	uint8_t id[KEY_ID_SIZE];

	for (size_t i = 0; i < N; i++) {
		sha256(str_make(&i, sizeof i), id);
		put(c, pool, id, NULL, 0);
	}
	EXPECT(key_cache_count(c) > N - N / 200);
	key_cache_free(c);
	secret_pool_free(pool);
}

static void the_least_recently_used_goes_first(void)
{
	struct secret_pool *pool = secret_pool_new();
	struct key_cache *c = key_cache_new();
	uint8_t id[KEY_CACHE_WAYS + 1][KEY_ID_SIZE];

	for (uint8_t i = 0; i <= KEY_CACHE_WAYS; i++)
		id_in_set_5(id[i], i);
	for (size_t i = 0; i < KEY_CACHE_WAYS; i++)
		put(c, pool, id[i], NULL, 0);
	EXPECT(has(c, id[0])); /* used again: now 1 is the oldest */
	put(c, pool, id[KEY_CACHE_WAYS], NULL, 0);
	EXPECT(has(c, id[0]) && !has(c, id[1]) && has(c, id[2]) && has(c, id[KEY_CACHE_WAYS]));
	key_cache_free(c);
	secret_pool_free(pool);
}

static void forgetting_takes_what_is_below_and_nothing_else(void)
{
	struct secret_pool *pool = secret_pool_new();
	struct key_cache *c = key_cache_new();
	uint8_t account[KEY_ID_SIZE] = { 1 }, child[KEY_ID_SIZE] = { 2 }, other[KEY_ID_SIZE] = { 3 };

	put(c, pool, account, NULL, 0);
	put(c, pool, child, account, 0);
	put(c, pool, other, NULL, 0);
	struct key_material *in_use = key_cache_get(c, child);
	in_use->mac.inner[0] = 77;
	key_cache_forget(c, account);
	EXPECT(!has(c, account) && !has(c, child) && has(c, other) && key_cache_count(c) == 1);
	EXPECT(in_use->mac.inner[0] == 77); /* a call under way keeps it until it is done */
	EXPECT(secret_pool_stats(pool).live == 2);
	key_material_drop(in_use);
	EXPECT(secret_pool_stats(pool).live == 1);
	key_cache_free(c);
	secret_pool_free(pool);
}

static void what_was_unwrapped_before_a_forgetting_is_not_kept_after_it(void)
{
	struct secret_pool *pool = secret_pool_new();
	struct key_cache *c = key_cache_new();
	uint8_t id[KEY_ID_SIZE] = { 1 };
	uint64_t before = key_cache_epoch(c);

	key_cache_forget(c, id);
	put(c, pool, id, NULL, before);
	EXPECT(!has(c, id) && secret_pool_stats(pool).live == 0);
	put(c, pool, id, NULL, key_cache_epoch(c));
	EXPECT(has(c, id));
	key_cache_free(c);
	secret_pool_free(pool);
}

static void of_two_that_unwrap_the_same_key_one_copy_stays(void)
{
	struct secret_pool *pool = secret_pool_new();
	struct key_cache *c = key_cache_new();
	uint8_t id[KEY_ID_SIZE] = { 1 };
	struct key_path path = { .id = id };

	struct key_material *a = key_cache_put(c, &path, material(pool), 0),
			    *b = key_cache_put(c, &path, material(pool), 0);
	EXPECT(a == b && secret_pool_stats(pool).live == 1);
	key_material_drop(a);
	key_material_drop(b);
	key_cache_free(c);
	secret_pool_free(pool);
}

/* ---- threads ---- */

enum { THREADS = 4, ROUNDS = 300, KEYS = 8 };

struct crowd {
	struct place *p;
	struct key_ref account, keys[KEYS];
};

static void *use_all(void *arg)
{
	struct crowd *c = arg;
	struct arena *mem = arena_new();

	for (size_t i = 0; i < ROUNDS; i++) {
		struct key_ref *k = &c->keys[i % KEYS];
		struct str cipher, plain;
		EXPECT_OK(keyring_seal(c->p->kr, k, S("a"), S("text"), mem, &cipher));
		EXPECT_OK(keyring_unseal(c->p->kr, k, S("a"), cipher, mem, &plain));
		EXPECT_STR(plain, S("text"));
		if (i % 50 == 0)
			keyring_forget(c->p->kr, i % 100 ? k : &c->account);
		arena_reset(mem);
	}
	arena_free(mem);
	return NULL;
}

static void threads_use_and_forget_the_same_keys(void)
{
	struct crowd c = { .p = place_new() };
	pthread_t t[THREADS];

	world_real(&c.p->w); /* the fake one's random stream is for one thread */
	c.account = new_key(c.p, NULL, "account/1");
	for (size_t i = 0; i < KEYS; i++)
		c.keys[i] = new_key(c.p, &c.account, "kms/k");
	for (size_t i = 0; i < THREADS; i++)
		EXPECT(pthread_create(&t[i], NULL, use_all, &c) == 0);
	for (size_t i = 0; i < THREADS; i++)
		EXPECT(pthread_join(t[i], NULL) == 0);
	keyring_forget(c.p->kr, &c.account);
	EXPECT(secret_pool_stats(keyring_secrets(c.p->kr)).live == 1); /* the root alone: no reference was lost */
	place_end(c.p);
}

static void a_missing_root_is_said_so(void)
{
	struct world w;
	struct keyring *kr = NULL;

	world_fake(&w, 0, 1);
	log_setup(-1, LOG_ERROR);
	EXPECT_ERR(keyring_open(&w, "/tmp/holdfast-no-such-directory/root.key", &kr), E_NOT_FOUND);
	EXPECT(!kr);
	keyring_close(kr);
}

RUN_ALL(T(a_sealed_text_opens_after_a_restart), T(another_aad_key_or_bit_does_not_open),
	T(a_key_opens_only_under_its_own_root_parent_and_purpose),
	T(a_damaged_key_fails_every_call_and_changes_nothing), T(unseal_never_gives_a_hierarchy_key),
	T(a_sealed_text_is_no_key), T(data_keys_come_out_and_open_again),
	T(two_data_keys_differ_and_one_may_stay_inside), T(what_is_too_long_or_empty_is_no_data_key),
	T(macs_are_stable_and_each_key_has_its_own), T(a_path_has_at_most_four_keys),
	T(the_same_names_in_other_places_are_other_keys), T(keys_that_left_the_cache_still_work),
	T(more_keys_than_fit_the_cache_leave_it_in_bounded_memory), T(as_many_keys_as_an_account_may_have_all_stay),
	T(the_least_recently_used_goes_first), T(forgetting_takes_what_is_below_and_nothing_else),
	T(what_was_unwrapped_before_a_forgetting_is_not_kept_after_it),
	T(of_two_that_unwrap_the_same_key_one_copy_stays), T(threads_use_and_forget_the_same_keys),
	T(a_missing_root_is_said_so))

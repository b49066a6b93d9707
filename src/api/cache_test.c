/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A cached value is what the shard holds, for every request that starts after a change's
 * answer; it lives as long as whoever was given it, and goes when nobody has it.
 */
#include "api/cache.h"

#include "api/pipeline_testing.h"
#include "base/fiber.h"
#include "store/keys.h"

#include <pthread.h>
#include <stdatomic.h>

static atomic_int alive, loads;

struct value {
	struct str text;
};

static struct status load(struct req *rq, struct shard *shard, struct str key, void **value)
{
	struct txn *t;
	struct str text = key;
	if (shard) {
		TRY(req_read(rq, shard, &t));
		TRY(txn_get(t, key, rq->mem, &text));
	}
	struct value *v = HEAP(struct value);
	v->text = heap_dup(text);
	atomic_fetch_add(&alive, 1);
	atomic_fetch_add(&loads, 1);
	*value = v;
	return OK;
}

static void unload(void *value)
{
	struct value *v = value;
	atomic_fetch_sub(&alive, 1);
	heap_free(v->text.p);
	heap_free(v);
}

static const struct cache_kind things = { "thing", CACHE_IAM_KEY, 3, load, unload, NULL, 0 };

/* ---- requests: several in one fiber, so that one may be older than another's change ---- */

static struct req *request(struct req *like)
{
	struct req *rq = NEW(like->mem, struct req);
	*rq = (struct req){ .app = like->app,
			    .mem = like->mem,
			    .svc = like->svc,
			    .op = service_op(like->svc, S("Put")),
			    .region = like->region,
			    .account = like->account,
			    .now_ms = like->now_ms,
			    .caller = like->caller };
	return rq;
}

static struct str get(struct req *rq, const char *key)
{
	struct shard *shard;
	const void *value;
	EXPECT_OK(req_shard_own(rq, &shard));
	EXPECT_OK(cached(rq, &things, shard, str_of(key), &value));
	return ((const struct value *)value)->text;
}

static void put(struct req *like, const char *key, const char *text)
{
	struct req *rq = request(like);
	struct shard *shard;
	struct txn *t;
	EXPECT_OK(req_shard_own(rq, &shard));
	EXPECT_OK(req_write(rq, shard, &t));
	EXPECT_OK(txn_put(t, str_of(key), str_of(text)));
	EXPECT_OK(txn_commit(t));
	req_unpin_all(rq);
}

static void in_world(void (*run)(struct req *, void *))
{
	struct test_world *w = pipeline_world();
	atomic_store(&loads, 0);
	world_in_fiber(w, run, w);
	world_end(w);
	EXPECT(atomic_load(&alive) == 0);
}

static void hits(struct req *rq, void *arg)
{
	(void)arg;
	put(rq, "a", "1");
	for (int i = 0; i < 5; i++) {
		struct req *r = request(rq);
		EXPECT_STR(get(r, "a"), S("1"));
		req_unpin_all(r);
	}
	EXPECT(atomic_load(&loads) == 1);
}
static void what_did_not_change_is_loaded_once(void) { in_world(hits); }

/* What a request was given, or the one it is made for, is known to stand or not; of other kinds, or in other shards,
 * nothing matters. */
static void standing(struct req *rq, void *arg)
{
	struct shard *own;
	(void)arg;
	put(rq, "a", "1");
	put(rq, "b", "1");
	struct req *none = request(rq), *a = request(rq), *child = request(rq);
	EXPECT_STR(get(a, "a"), S("1"));
	child->handed = a->handed;
	put(rq, "b", "2");
	EXPECT_STR(get(child, "b"), S("2"));
	(void)cached_stands(a, CACHE_SLOTS, NULL); /* from the first question on a shard keeps account of its rows */
	struct req *again = request(rq), *later = request(rq);
	EXPECT_STR(get(again, "a"), S("1"));
	put(rq, "b", "3");
	EXPECT_STR(get(later, "a"), S("1"));
	put(rq, "b", "4");
	EXPECT(cached_stands(none, CACHE_SLOTS, NULL) && cached_stands(later, CACHE_SLOTS, NULL));
	put(rq, "a", "2");
	EXPECT(cached_stands(none, CACHE_SLOTS, NULL) && !cached_stands(later, CACHE_SLOTS, NULL));
	EXPECT(!cached_stands(a, CACHE_SLOTS, NULL) && !cached_stands(child, CACHE_SLOTS, NULL));
	EXPECT_OK(req_shard_own(later, &own));
	EXPECT(!cached_stands(later, CACHE_IAM_KEY, NULL)); /* from this shard they are */
	EXPECT(cached_stands(later, CACHE_IAM_KEY, own) && !cached_stands(later, CACHE_KMS_KEY, own));
	req_unpin_all(child);
	req_unpin_all(a);
	req_unpin_all(again);
	req_unpin_all(later);
}
static void what_a_request_was_given_is_known_to_stand(void) { in_world(standing); }

static void stale(struct req *rq, void *arg)
{
	(void)arg;
	put(rq, "a", "1");
	struct req *early = request(rq);
	struct str seen = get(early, "a");
	put(rq, "a", "2");
	struct req *late = request(rq);
	EXPECT_STR(get(late, "a"), S("2"));
	EXPECT_STR(seen, S("1")); /* still there for who was given it */
	EXPECT(atomic_load(&alive) == 2);
	req_unpin_all(early);
	EXPECT(atomic_load(&alive) == 1);
	req_unpin_all(late);
}
static void a_change_counts_from_its_answer_on(void) { in_world(stale); }

/* The trap: a request whose snapshot is older than the change loads after the change. */
static void old_snapshot(struct req *rq, void *arg)
{
	(void)arg;
	put(rq, "a", "1");
	put(rq, "b", "1");
	struct req *early = request(rq), *late = request(rq);
	EXPECT_STR(get(early, "b"), S("1")); /* opens its snapshot */
	put(rq, "a", "2");
	EXPECT_STR(get(early, "a"), S("1"));
	EXPECT_STR(get(late, "a"), S("2"));
	req_unpin_all(early);
	req_unpin_all(late);
}
static void an_old_snapshot_does_not_pass_for_a_new_one(void) { in_world(old_snapshot); }

static void elsewhere(struct req *rq, void *arg)
{
	(void)arg;
	put(rq, "a", "1");
	put(rq, "b", "1");
	for (int i = 0; i < 6; i++) { /* the first rounds teach the shard that somebody asks what changed */
		struct req *r = request(rq);
		EXPECT_STR(get(r, "a"), S("1"));
		req_unpin_all(r);
		if (i == 2)
			atomic_store(&loads, 0);
		put(rq, "b", i % 2 ? "x" : "y");
	}
	EXPECT(atomic_load(&loads) == 0);
	put(rq, "a", "2");
	struct req *r = request(rq);
	EXPECT_STR(get(r, "a"), S("2"));
	EXPECT(atomic_load(&loads) == 1);
	req_unpin_all(r);
}
static void a_change_of_other_rows_leaves_a_value_as_it_is(void) { in_world(elsewhere); }

/* What walks a prefix, and what uses another cached value. */
static struct status load_walk(struct req *rq, struct shard *shard, struct str key, void **value)
{
	struct txn *t;
	struct cursor c;
	struct value *v = HEAP(struct value);
	size_t n = 0;
	TRY(req_read(rq, shard, &t));
	TRY(txn_range(t, &(struct range){ .prefix = key, .keys_only = true }, &c));
	while (cursor_next(&c))
		n++;
	TRY(cursor_end(&c));
	v->text = heap_dup(arena_printf(rq->mem, "%zu", n));
	atomic_fetch_add(&alive, 1);
	atomic_fetch_add(&loads, 1);
	*value = v;
	return OK;
}
static const struct cache_kind walks = { "walk", CACHE_IAM_POLICY, 3, load_walk, unload, NULL, 0 };

static struct status load_nested(struct req *rq, struct shard *shard, struct str key, void **value)
{
	const void *inner;
	TRY(cached(rq, &things, shard, key, &inner));
	struct value *v = HEAP(struct value);
	v->text = heap_dup(((const struct value *)inner)->text);
	atomic_fetch_add(&alive, 1);
	*value = v;
	return OK;
}
static const struct cache_kind nesting = { "nested", CACHE_KMS_KEY, 3, load_nested, unload, NULL, 0 };

static struct str get_of(struct req *like, const struct cache_kind *kind, struct str key)
{
	struct req *rq = request(like);
	struct shard *shard;
	const void *value;
	EXPECT_OK(req_shard_own(rq, &shard));
	EXPECT_OK(cached(rq, kind, shard, key, &value));
	struct str text = str_dup(like->mem, ((const struct value *)value)->text);
	req_unpin_all(rq);
	return text;
}

static void put_row(struct req *like, struct str key, bool del)
{
	struct req *rq = request(like);
	struct shard *shard;
	struct txn *t;
	EXPECT_OK(req_shard_own(rq, &shard));
	EXPECT_OK(req_write(rq, shard, &t));
	EXPECT_OK(del ? txn_del(t, key) : txn_put(t, key, S("")));
	EXPECT_OK(txn_commit(t));
	req_unpin_all(rq);
}

static struct str row(struct req *rq, const char *a, const char *b)
{
	return key_of(rq->mem, 'w', str_of(a), b ? str_of(b) : (struct str){ 0 }, (struct str){ 0 });
}

static void walking(struct req *rq, void *arg)
{
	(void)arg;
	struct str under = row(rq, "one", NULL);
	for (int i = 0; i < 3; i++) {
		put_row(rq, row(rq, "other", "x"), false);
		EXPECT_STR(get_of(rq, &walks, under), S("0"));
	}
	atomic_store(&loads, 0);
	put_row(rq, row(rq, "other", "y"), false);
	EXPECT_STR(get_of(rq, &walks, under), S("0"));
	EXPECT(atomic_load(&loads) == 0);
	put_row(rq, row(rq, "one", "x"), false);
	EXPECT_STR(get_of(rq, &walks, under), S("1"));
	put_row(rq, row(rq, "one", "x"), true);
	EXPECT_STR(get_of(rq, &walks, under), S("0"));
	EXPECT_STR(get_of(rq, &walks, S("w")), S("2")); /* a prefix of a single byte */
	put_row(rq, row(rq, "one", "z"), false);
	EXPECT_STR(get_of(rq, &walks, S("w")), S("3"));
	EXPECT_STR(get_of(rq, &walks, S("wo")), S("3")); /* one that ends within a part */
	put_row(rq, row(rq, "orange", "z"), false);
	EXPECT_STR(get_of(rq, &walks, S("wo")), S("4"));
}
static void a_new_row_under_a_walked_prefix_is_seen(void) { in_world(walking); }

static void nested(struct req *rq, void *arg)
{
	(void)arg;
	put(rq, "a", "1");
	for (int i = 0; i < 4; i++) {
		char text[2] = { (char)('0' + i) };
		EXPECT_STR(get_of(rq, &things, S("a")), S("1")); /* held ready: the load from inside reads nothing */
		EXPECT_STR(get_of(rq, &nesting, S("a")), S("1"));
		put(rq, "b", text);
	}
	put(rq, "a", "2");
	EXPECT_STR(get_of(rq, &nesting, S("a")), S("2"));
}
static void a_value_made_of_another_changes_with_it(void) { in_world(nested); }

static void eviction(struct req *rq, void *arg)
{
	(void)arg;
	static const char *const keys[] = { "a", "b", "c", "d", "e", "f", "g" };
	for (size_t i = 0; i < COUNT(keys); i++)
		put(rq, keys[i], keys[i]);
	struct req *r = request(rq);
	struct str a = get(r, "a");
	get(r, "b");
	get(r, "c");
	get(r, "a"); /* used again: b is the oldest of this thread's now */
	EXPECT(atomic_load(&loads) == 3);
	get(r, "d");
	EXPECT(atomic_load(&alive) == 4); /* out of the table, not out of hand */
	get(r, "a");
	get(r, "b"); /* gone here, but all threads together still have it */
	EXPECT(atomic_load(&loads) == 4);
	get(r, "e");
	get(r, "f");
	get(r, "g");
	EXPECT(atomic_load(&loads) == 7);
	get(r, "c"); /* gone from both */
	EXPECT(atomic_load(&loads) == 8);
	EXPECT_STR(a, S("a"));
	req_unpin_all(r);
	EXPECT(atomic_load(&alive) == 3);
}
static void the_least_used_goes_first_and_lives_while_held(void) { in_world(eviction); }

static void absent(struct req *rq, void *arg)
{
	(void)arg;
	struct shard *shard;
	const void *value;
	struct req *r = request(rq);
	EXPECT_OK(req_shard_own(r, &shard));
	EXPECT_ERR(cached(r, &things, shard, S("none"), &value), E_NOT_FOUND);
	req_unpin_all(r);
	put(rq, "none", "now");
	r = request(rq);
	EXPECT_STR(get(r, "none"), S("now"));
	req_unpin_all(r);
}
static void what_is_not_there_is_looked_for_again(void) { in_world(absent); }

static void shards_apart(struct req *rq, void *arg)
{
	(void)arg;
	struct req *other = request(rq);
	put(rq, "a", "here");
	other->region = S("eu-central-1");
	put(other, "a", "unused");
	struct req *there = request(other), *here = request(rq);
	EXPECT_STR(get(there, "a"), S("unused"));
	EXPECT_STR(get(here, "a"), S("here"));
	req_unpin_all(there);
	req_unpin_all(here);
}
static void one_key_in_two_shards_is_two_values(void) { in_world(shards_apart); }

static void child_pins(struct req *rq, void *arg)
{
	(void)arg;
	put(rq, "a", "1");
	struct req *parent = request(rq), *child = request(rq);
	child->parent = parent;
	struct str text = get(child, "a");
	req_unpin_into_parent(child);
	put(rq, "a", "2");
	struct req *later = request(rq);
	EXPECT_STR(get(later, "a"), S("2")); /* which drops the old value from the table */
	EXPECT_STR(text, S("1"));
	req_unpin_all(later);
	req_unpin_all(parent);
}
static void what_a_call_from_inside_was_given_lives_as_long_as_its_parent(void) { in_world(child_pins); }

static void documents(struct req *rq, void *arg)
{
	(void)arg;
	static const char text[] =
	    "{\"Version\":\"2012-10-17\",\"Statement\":{\"Effect\":\"Allow\",\"Action\":\"*\",\"Resource\":\"*\"}}";
	const struct policy *a, *b, *c;
	EXPECT_OK(cached_policy(rq, POLICY_IDENTITY, str_of(text), &a));
	EXPECT_OK(cached_policy(rq, POLICY_IDENTITY, str_dup(rq->mem, str_of(text)), &b));
	EXPECT_OK(cached_policy(rq, POLICY_SESSION, str_of(text), &c));
	EXPECT(a == b && a != c && policy_kind_of(c) == POLICY_SESSION);
	EXPECT_ERR(cached_policy(rq, POLICY_IDENTITY, S("{}"), &a), E_INVALID);
	EXPECT_ERR(cached_policy(rq, POLICY_RESOURCE, str_of(text), &a), E_INVALID); /* no Principal */
}
static void a_policy_is_known_by_its_whole_text_and_kind(void) { in_world(documents); }

/* ---- threads --------------------------------------------------------------------------- */

static void churn(struct req *rq, void *arg)
{
	(void)arg;
	for (int i = 0; i < 300; i++) {
		struct req *r = request(rq);
		struct str text = get(r, i % 2 ? "a" : "b");
		if (i % 20 == 0)
			put(rq, "a", "x");
		EXPECT(text.n == 1);
		req_unpin_all(r);
	}
}

static void *churning(void *arg)
{
	world_in_fiber(arg, churn, NULL);
	return NULL;
}

static void fill(struct req *rq, void *arg)
{
	(void)arg;
	put(rq, "a", "1");
	put(rq, "b", "1");
}

static void threads_do_not_disturb_each_other(void)
{
	struct test_world *w = pipeline_world();
	pthread_t threads[4];
	world_in_fiber(w, fill, NULL);
	for (size_t i = 0; i < COUNT(threads); i++)
		EXPECT(pthread_create(&threads[i], NULL, churning, w) == 0);
	for (size_t i = 0; i < COUNT(threads); i++)
		pthread_join(threads[i], NULL);
	world_end(w);
	EXPECT(atomic_load(&alive) == 0);
}

/* ---- sizes ---------------------------------------------------------------------------- */

static size_t text_bytes(const void *value) { return ((const struct value *)value)->text.n; }

static const struct cache_kind sized = { "sized", CACHE_KMS_ALIAS, 100, load, unload, text_bytes, 10 };

static void ask_sized(struct req *like, const char *text)
{
	struct req *rq = request(like);
	const void *value;
	EXPECT_OK(cached(rq, &sized, NULL, str_of(text), &value));
	EXPECT_STR(((const struct value *)value)->text, str_of(text));
	req_unpin_all(rq);
}

static void sizes(struct req *rq, void *arg)
{
	(void)arg;
	ask_sized(rq, "4444");
	ask_sized(rq, "666666");
	EXPECT(atomic_load(&alive) == 2);
	ask_sized(rq, "1");
	EXPECT(atomic_load(&alive) == 2); /* the first had to go */
	ask_sized(rq, "999999999");
	EXPECT(atomic_load(&alive) == 2); /* the six had to, now */
	ask_sized(rq, "larger than all of the table");
	EXPECT(atomic_load(&alive) == 1);
	atomic_store(&loads, 0);
	ask_sized(rq, "larger than all of the table");
	EXPECT(atomic_load(&loads) == 0);
	ask_sized(rq, "22");
	EXPECT(atomic_load(&alive) == 1 && atomic_load(&loads) == 1);
}
static void values_take_no_more_memory_than_was_said(void) { in_world(sizes); }

RUN_ALL(T(what_did_not_change_is_loaded_once), T(what_a_request_was_given_is_known_to_stand),
	T(a_change_counts_from_its_answer_on), T(an_old_snapshot_does_not_pass_for_a_new_one),
	T(a_change_of_other_rows_leaves_a_value_as_it_is), T(a_new_row_under_a_walked_prefix_is_seen),
	T(a_value_made_of_another_changes_with_it), T(the_least_used_goes_first_and_lives_while_held),
	T(what_is_not_there_is_looked_for_again), T(one_key_in_two_shards_is_two_values),
	T(what_a_call_from_inside_was_given_lives_as_long_as_its_parent),
	T(a_policy_is_known_by_its_whole_text_and_kind), T(threads_do_not_disturb_each_other),
	T(values_take_no_more_memory_than_was_said))

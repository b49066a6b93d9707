/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What store.h promises of transactions and of walking keys, on a healthy disk. shard_test.c
 * has many shards at once; the sick disks are in store_crash_test.c and store_damage_test.c.
 */
#include "store/fixture.h"

static void what_is_put_is_got_and_outlives_the_store(void)
{
	struct fixture f;
	struct str val;
	fixture_new(&f);
	fixture_store(&f, NULL);
	struct shard *sh = fixture_shard(&f, "iam/111122223333");
	EXPECT_ERR(fixture_get(sh, S("k"), f.mem, &val), E_NOT_FOUND);
	EXPECT_OK(fixture_put(sh, S("k"), S("v")));
	EXPECT_OK(fixture_put(sh, S("empty"), S("")));
	EXPECT_OK(fixture_get(sh, S("k"), f.mem, &val));
	EXPECT_STR(val, S("v"));
	shard_close(sh);
	store_close(f.store);

	fixture_store(&f, NULL);
	sh = fixture_shard(&f, "iam/111122223333");
	EXPECT_OK(fixture_get(sh, S("k"), f.mem, &val));
	EXPECT_STR(val, S("v"));
	EXPECT_OK(fixture_get(sh, S("empty"), f.mem, &val));
	EXPECT(val.n == 0);
	shard_close(sh);
	fixture_end(&f);
}

static void large_values_survive(void)
{
	struct fixture f;
	struct str val;
	size_t n = 3 * 1024 * 1024;
	fixture_new(&f);
	char *big = NEWS(f.mem, char, n);
	world_random(&f.w, big, n);
	fixture_store(&f, NULL);
	struct shard *sh = fixture_shard(&f, "s");
	EXPECT_OK(fixture_put(sh, S("big"), str_make(big, n)));
	EXPECT_OK(fixture_get(sh, S("big"), f.mem, &val));
	EXPECT(str_eq(val, str_make(big, n)));
	EXPECT_ERR(fixture_put(sh, S("big"), (struct str){ big, (size_t)VALUE_MAX + 1 }), E_TOO_BIG);
	shard_close(sh);
	fixture_end(&f);
}

static void keys_past_their_limits_are_refused(void)
{
	struct fixture f;
	fixture_new(&f);
	char *key = NEWS(f.mem, char, KEY_MAX + 1);
	memset(key, 'k', KEY_MAX + 1);
	fixture_store(&f, NULL);
	struct shard *sh = fixture_shard(&f, "s");
	EXPECT_ERR(fixture_put(sh, S(""), S("v")), E_INVALID);
	EXPECT_ERR(fixture_put(sh, S("\xff"), S("v")), E_INVALID);
	EXPECT_ERR(fixture_put(sh, str_make(key, KEY_MAX + 1), S("v")), E_TOO_BIG);
	EXPECT_OK(fixture_put(sh, str_make(key, KEY_MAX), S("v")));
	struct shard *none;
	EXPECT_ERR(shard_open(f.store, S(""), &f.key, &none), E_INVALID);
	EXPECT_ERR(shard_open(f.store, S("\0catalog"), &f.key, &none), E_INVALID);
	shard_close(sh);
	fixture_end(&f);
}

static struct status put_and_delete(struct txn *t, void *arg)
{
	struct arena *mem = arg;
	struct str val;
	bool has;
	TRY(txn_put(t, S("a"), S("1")));
	TRY(txn_get(t, S("a"), mem, &val));
	EXPECT_STR(val, S("1"));
	TRY(txn_put(t, S("a"), S("2")));
	TRY(txn_get(t, S("a"), mem, &val));
	EXPECT_STR(val, S("2"));
	TRY(txn_del(t, S("a")));
	TRY(txn_del(t, S("a")));
	TRY(txn_has(t, S("a"), &has));
	EXPECT(!has);
	return txn_put(t, S("b"), S("3"));
}

static struct status abort_it(struct txn *t, void *arg)
{
	(void)arg;
	TRY(txn_put(t, S("gone"), S("1")));
	TRY(txn_outbox(t, S("never")));
	return ERR(E_EXISTS);
}

static void an_aborted_transaction_leaves_nothing(void)
{
	struct fixture f;
	struct str val;
	fixture_new(&f);
	fixture_store(&f, NULL);
	struct shard *sh = fixture_shard(&f, "s");
	EXPECT_ERR(fixture_write(sh, abort_it, NULL), E_EXISTS);
	EXPECT_ERR(fixture_get(sh, S("gone"), f.mem, &val), E_NOT_FOUND);
	EXPECT_OK(fixture_write(sh, put_and_delete, f.mem));
	EXPECT_ERR(fixture_get(sh, S("a"), f.mem, &val), E_NOT_FOUND);
	EXPECT_OK(fixture_get(sh, S("b"), f.mem, &val));
	struct outbox_record *rec;
	size_t n;
	EXPECT_OK(shard_outbox_read(sh, 0, 10, 1000, f.mem, &rec, &n));
	EXPECT(n == 0);
	shard_close(sh);
	fixture_end(&f);
}

static struct status fail_inside(struct txn *t, void *arg)
{
	(void)arg;
	TRY(txn_put(t, S("x"), S("1")));
	struct status st = txn_put(t, S(""), S("refused before it reached the database"));
	EXPECT(st.code == E_INVALID);
	return OK;
}

static void a_refused_argument_does_not_spoil_the_transaction(void)
{
	struct fixture f;
	struct str val;
	fixture_new(&f);
	fixture_store(&f, NULL);
	struct shard *sh = fixture_shard(&f, "s");
	EXPECT_OK(fixture_write(sh, fail_inside, NULL));
	EXPECT_OK(fixture_get(sh, S("x"), f.mem, &val));
	shard_close(sh);
	fixture_end(&f);
}

static void a_reader_keeps_its_snapshot(void)
{
	struct fixture f;
	struct str val;
	struct txn *old;
	fixture_new(&f);
	fixture_store(&f, NULL);
	struct shard *sh = fixture_shard(&f, "s");
	EXPECT_OK(fixture_put(sh, S("k"), S("1")));
	EXPECT_OK(txn_read(sh, &old));
	EXPECT_OK(txn_get(old, S("k"), f.mem, &val));
	for (int i = 0; i < 3000; i++) /* enough that the log is moved into the database meanwhile */
		EXPECT_OK(fixture_put(sh, S("k"), S("2")));
	EXPECT_OK(txn_get(old, S("k"), f.mem, &val));
	EXPECT_STR(val, S("1"));
	txn_end(old);
	EXPECT_OK(fixture_get(sh, S("k"), f.mem, &val));
	EXPECT_STR(val, S("2"));
	shard_close(sh);
	fixture_end(&f);
}

static struct status put_some(struct txn *t, void *arg)
{
	(void)arg;
	static const char *const keys[] = { "a", "b/1", "b/2", "b/3", "b\xff", "c", "\xfe\xff", "\xfe\xff\x01" };
	for (size_t i = 0; i < COUNT(keys); i++)
		TRY(txn_put(t, str_of(keys[i]), str_of(keys[i])));
	return OK;
}

static struct str walk(struct fixture *f, struct shard *sh, const struct range *r)
{
	struct txn *t;
	struct cursor c;
	struct buf out = buf_in(f->mem);
	EXPECT_OK(txn_read(sh, &t));
	EXPECT_OK(txn_range(t, r, &c));
	while (cursor_next(&c)) {
		EXPECT(r->keys_only ? c.val.n == 0 : str_eq(c.key, c.val));
		buf_put(&out, c.key);
		buf_byte(&out, ' ');
	}
	EXPECT_OK(cursor_end(&c));
	EXPECT_OK(cursor_end(&c));
	txn_end(t);
	return buf_str(&out);
}

static void ranges_walk_both_ways_within_their_bounds(void)
{
	struct fixture f;
	fixture_new(&f);
	fixture_store(&f, NULL);
	struct shard *sh = fixture_shard(&f, "s");
	EXPECT_OK(fixture_write(sh, put_some, NULL));
	EXPECT_STR(walk(&f, sh, &(struct range){ 0 }), S("a b/1 b/2 b/3 b\xff c \xfe\xff \xfe\xff\x01 "));
	EXPECT_STR(walk(&f, sh, &(struct range){ .backward = true, .to = S("c") }), S("b\xff b/3 b/2 b/1 a "));
	EXPECT_STR(walk(&f, sh, &(struct range){ .prefix = S("b/") }), S("b/1 b/2 b/3 "));
	EXPECT_STR(walk(&f, sh, &(struct range){ .prefix = S("b"), .keys_only = true }), S("b/1 b/2 b/3 b\xff "));
	EXPECT_STR(walk(&f, sh, &(struct range){ .prefix = S("\xfe\xff") }), S("\xfe\xff \xfe\xff\x01 "));
	EXPECT_STR(walk(&f, sh, &(struct range){ .from = S("b/2"), .to = S("b\xff") }), S("b/2 b/3 "));
	EXPECT_STR(
	    walk(&f, sh, &(struct range){ .prefix = S("b"), .from = S("b/3"), .backward = true, .keys_only = true }),
	    S("b\xff b/3 "));
	EXPECT_STR(walk(&f, sh, &(struct range){ .from = S("c"), .to = S("b") }), S(""));
	EXPECT_STR(walk(&f, sh, &(struct range){ .prefix = S("zz") }), S(""));
	shard_close(sh);
	fixture_end(&f);
}

static void a_cursor_seeks_and_nests_and_may_be_left(void)
{
	struct fixture f;
	struct txn *t;
	struct cursor c, in;
	fixture_new(&f);
	fixture_store(&f, NULL);
	struct shard *sh = fixture_shard(&f, "s");
	EXPECT_OK(fixture_write(sh, put_some, NULL));
	EXPECT_OK(txn_read(sh, &t));
	EXPECT_OK(txn_range(t, &(struct range){ .prefix = S("b") }, &c));
	EXPECT(cursor_next(&c));
	EXPECT_STR(c.key, S("b/1"));
	EXPECT_OK(txn_range(t, &(struct range){ .prefix = S("b"), .backward = true }, &in));
	cursor_seek(&in, S("b/2"));
	EXPECT(cursor_next(&in));
	EXPECT_STR(in.key, S("b/2"));
	cursor_seek(&in, S("zzz")); /* never out of the range */
	EXPECT(cursor_next(&in));
	EXPECT_STR(in.key, S("b\xff"));
	cursor_seek(&c, S("b/3"));
	EXPECT(cursor_next(&c));
	EXPECT_STR(c.key, S("b/3"));
	cursor_seek(&c, S("a"));
	EXPECT(cursor_next(&c));
	EXPECT_STR(c.key, S("b/1"));
	cursor_seek(&c, S("c"));
	EXPECT(!cursor_next(&c));
	cursor_seek(&c, S("b"));
	EXPECT(cursor_next(&c));
	txn_end(t); /* with both still open */
	shard_close(sh);
	fixture_end(&f);
}

static struct status delete_while_walking(struct txn *t, void *arg)
{
	struct cursor c;
	(void)arg;
	TRY(txn_range(t, &(struct range){ .prefix = S("b/"), .keys_only = true }, &c));
	struct arena *mem = arena_new();
	struct status st = OK;
	while (!failed(st) && cursor_next(&c))
		st = txn_del(t, str_dup(mem, c.key));
	arena_free(mem);
	TRY(st);
	return cursor_end(&c);
}

static void entries_may_be_deleted_while_walking(void)
{
	struct fixture f;
	fixture_new(&f);
	fixture_store(&f, NULL);
	struct shard *sh = fixture_shard(&f, "s");
	EXPECT_OK(fixture_write(sh, put_some, NULL));
	EXPECT_OK(fixture_write(sh, delete_while_walking, NULL));
	EXPECT_STR(walk(&f, sh, &(struct range){ .to = S("d") }), S("a b\xff c "));
	shard_close(sh);
	fixture_end(&f);
}

/* Many fibers at home on one thread: the event loop in little. */

RUN_ALL(T(what_is_put_is_got_and_outlives_the_store), T(large_values_survive), T(keys_past_their_limits_are_refused),
	T(an_aborted_transaction_leaves_nothing), T(a_refused_argument_does_not_spoil_the_transaction),
	T(a_reader_keeps_its_snapshot), T(ranges_walk_both_ways_within_their_bounds),
	T(a_cursor_seeks_and_nests_and_may_be_left), T(entries_may_be_deleted_while_walking))

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A session token opens only as it was sealed: whole, under its own account, on this server.
 */
#include "api/token.h"

#include "api/accounts.h"
#include "api/pipeline_testing.h"
#include "base/codec.h"

static struct caller session(struct req *rq)
{
	static const struct str arns[] = { { "arn:aws:iam::111122223333:policy/a", 34 },
					   { "arn:aws:iam::111122223333:policy/b", 34 } };
	static const struct str_entry tags[] = { { { "team", 4 }, { "blue", 4 } }, { { "empty", 5 }, { "", 0 } } };
	static const struct str keys[] = { { "team", 4 } };
	return (struct caller){
		.kind = CALLER_ROLE,
		.account = WORLD_ACCOUNT,
		.arn = S("arn:aws:sts::111122223333:assumed-role/app/s"),
		.principal_id = S("AROAX:s"),
		.name = S("s"),
		.access_key_id = S("ASIAQYLPMN5HAAAAAAAA"),
		.role_arn = S("arn:aws:iam::111122223333:role/p/app"),
		.role_id = S("AROAX"),
		.role_name = S("app"),
		.role_path = S("/p/"),
		.issued_ms = rq->now_ms,
		.expires_ms = rq->now_ms + 3600 * 1000,
		.source_identity = S("bob"),
		.mfa = true,
		.mfa_ms = 5,
		.session_policy = S("{}"),
		.session_policy_arns = { arns, 2 },
		.session_tags = { tags, 2 },
		.transitive = { keys, 1 },
		.chained = 3,
	};
}

static struct str sealed(struct req *rq, struct caller who)
{
	struct str token;
	EXPECT_OK(token_seal(rq, &who, S("a secret"), &token));
	return token;
}

static void round_trip(struct req *rq, void *arg)
{
	(void)arg;
	struct caller want = session(rq), got;
	struct str secret;
	EXPECT_OK(token_open(rq, sealed(rq, want), &got, &secret));
	EXPECT_STR(secret, S("a secret"));
	EXPECT(got.kind == want.kind && got.issued_ms == want.issued_ms && got.expires_ms == want.expires_ms);
	EXPECT(got.mfa && got.mfa_ms == 5 && got.chained == 3);
	EXPECT_STR(got.arn, want.arn);
	EXPECT_STR(got.access_key_id, want.access_key_id);
	EXPECT_STR(got.role_path, want.role_path);
	EXPECT_STR(got.source_identity, want.source_identity);
	EXPECT_STR(got.session_policy, want.session_policy);
	EXPECT(got.session_policy_arns.n == 2 && got.session_tags.n == 2 && got.transitive.n == 1);
	EXPECT_STR(got.session_tags.v[0].value, S("blue"));
	EXPECT(got.session_tags.v[1].value.p && got.session_tags.v[1].value.n == 0);
	want.session_policy = (struct str){ 0 };
	EXPECT_OK(token_open(rq, sealed(rq, want), &got, &secret));
	EXPECT(!got.session_policy.p); /* none is not an empty one */
}

static void refused(struct req *rq, struct str token)
{
	struct caller got = { .name = S("untouched") };
	struct str secret = S("untouched");
	EXPECT_ERR(token_open(rq, token, &got, &secret), E_CORRUPT);
	EXPECT_STR(got.name, S("untouched"));
	EXPECT_STR(secret, S("untouched"));
}

static void damage(struct req *rq, void *arg)
{
	(void)arg;
	struct str token = sealed(rq, session(rq)), raw;
	EXPECT_OK(base64_decode(rq->mem, token, &raw));
	for (size_t i = 0; i < raw.n; i++) {
		char *bad = (char *)(uintptr_t)str_dup(rq->mem, raw).p;
		bad[i] = (char)(bad[i] ^ (1 << (i % 8)));
		refused(rq, base64_encode(rq->mem, str_make(bad, raw.n)));
		refused(rq, base64_encode(rq->mem, str_sub(raw, 0, i)));
	}
	refused(rq, arena_printf(rq->mem, "%.*sAAAA", PR(token)));
	refused(rq, S(""));
	refused(rq, S("not base64!"));
	refused(rq, S("MTExMTIyMjIzMzMz")); /* an account and nothing behind it */
	char *big = NEWS(rq->mem, char, 64 * 1024);
	memset(big, 'A', 64 * 1024);
	refused(rq, str_make(big, 64 * 1024));
}

static void moved(struct req *rq, void *arg)
{
	(void)arg;
	struct str raw;
	EXPECT_OK(base64_decode(rq->mem, sealed(rq, session(rq)), &raw));
	char *bad = (char *)(uintptr_t)str_dup(rq->mem, raw).p;
	memcpy(bad, WORLD_OTHER.p, WORLD_OTHER.n); /* an account that exists */
	refused(rq, base64_encode(rq->mem, str_make(bad, raw.n)));
	memcpy(bad, "999988887777", 12); /* one that does not */
	refused(rq, base64_encode(rq->mem, str_make(bad, raw.n)));
}

/* What the same key sealed for another purpose is no token, even if it reads like one. */
static void other_purpose(struct req *rq, void *arg)
{
	(void)arg;
	static const char *const purposes[] = { "111122223333", "token/444455556666", "token", "" };
	const struct aead_key *key;
	struct str raw, plain;
	EXPECT_OK(account_data_key(rq->app->accounts, WORLD_ACCOUNT, S("sts"), &key));
	EXPECT_OK(base64_decode(rq->mem, sealed(rq, session(rq)), &raw));
	EXPECT_OK(aead_open_new(key, S("token/111122223333"), str_from(raw, 12), rq->mem, &plain));
	for (size_t i = 0; i < COUNT(purposes); i++) {
		struct buf b = buf_in(rq->mem);
		buf_put(&b, WORLD_ACCOUNT);
		buf_put(&b, aead_seal_new(key, rq->app->world, str_of(purposes[i]), plain, rq->mem));
		refused(rq, base64_encode(rq->mem, buf_str(&b)));
	}
}

static void too_much(struct req *rq, void *arg)
{
	(void)arg;
	struct caller who = session(rq);
	struct str token = S("untouched");
	struct str_entry *tags = NEWS(rq->mem, struct str_entry, 200);
	for (size_t i = 0; i < 200; i++)
		tags[i] = (struct str_entry){ S("k"), S("v") };
	who.session_tags = (struct str_map){ tags, 101 };
	EXPECT_ERR(token_seal(rq, &who, S("s"), &token), E_TOO_BIG);
	who = session(rq);
	char *big = NEWS(rq->mem, char, 16 * 1024);
	who.session_policy = str_make(big, 16 * 1024);
	EXPECT_ERR(token_seal(rq, &who, S("s"), &token), E_TOO_BIG);
	EXPECT_STR(token, S("untouched"));
}

static void in_world(void (*run)(struct req *, void *))
{
	struct test_world *w = pipeline_world();
	world_in_fiber(w, run, NULL);
	world_end(w);
}

static void a_token_carries_the_whole_session(void) { in_world(round_trip); }
static void a_changed_or_shortened_token_does_not_open(void) { in_world(damage); }
static void a_token_cannot_be_moved_to_another_account(void) { in_world(moved); }
static void what_was_sealed_for_something_else_is_no_token(void) { in_world(other_purpose); }
static void what_could_not_be_opened_is_not_sealed(void) { in_world(too_much); }

struct keeping {
	struct arena *mem;
	struct str token;
};

static void keep(struct req *rq, void *arg)
{
	struct keeping *k = arg;
	k->token = str_dup(k->mem, sealed(rq, session(rq)));
}

static void open_kept(struct req *rq, void *arg)
{
	struct keeping *k = arg;
	struct caller got;
	struct str secret;
	EXPECT_OK(token_open(rq, k->token, &got, &secret));
}

static void a_token_outlives_a_restart(void)
{
	struct test_world *w = pipeline_world();
	struct keeping k = { .mem = world_mem(w) };
	world_in_fiber(w, keep, &k);
	world_restart(w);
	world_in_fiber(w, open_kept, &k);
	world_end(w);
}

RUN_ALL(T(a_token_carries_the_whole_session), T(a_changed_or_shortened_token_does_not_open),
	T(a_token_cannot_be_moved_to_another_account), T(what_was_sealed_for_something_else_is_no_token),
	T(what_could_not_be_opened_is_not_sealed), T(a_token_outlives_a_restart))

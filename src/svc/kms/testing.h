/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the tests of this folder share: a world with KMS alone in it, and users whose
 * identity policy is whatever document they carry.
 */
#ifndef KMS_TESTING_H
#define KMS_TESTING_H

#include "api/cache.h"
#include "api/faults.h"
#include "api/trail.h"
#include "api/world.h"
#include "base/codec.h"
#include "base/str.h"
#include "base/time.h"
#include "kms_api.h"
#include "svc/kms/duty.h"

#define JAN_1   INT64_C(1767225600000) /* 2026, UTC */
#define KEY_ARN "arn:aws:kms:us-east-1:111122223333:key/"
#define ALLOW(action)                                                                           \
	"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"" action \
	"\",\"Resource\":\"*\"}]}"

static inline struct status testing_policies(struct req *rq, struct caller *who, struct caller_policies *out)
{
	const struct policy **one = NEW(rq->mem, const struct policy *);
	*out = (struct caller_policies){ 0 };
	if (!who->session_policy.p)
		return OK;
	TRY(cached_policy(rq, POLICY_IDENTITY, who->session_policy, one));
	out->identity = (struct policy_set){ one, 1 };
	return OK;
}

/* The unique id of whoever has that name: "AIDAALICEAAAAAAAAAAAA". */
static inline struct str testing_id(struct arena *mem, const char *kind, struct str name)
{
	enum { ID = 21 };
	struct buf b = buf_in(mem);
	buf_z(&b, kind);
	for (size_t i = 0; b.n < ID; i++)
		buf_byte(&b, i < name.n && char_alpha(name.p[i]) ? char_upper(name.p[i]) : 'A');
	return buf_str(&b);
}

/* Everybody is there but those called "nobody". */
static inline struct status testing_principal(struct req *rq, struct str account, struct str resource, struct str *id)
{
	struct str name = resource;
	(void)account;
	while (str_find_char(name, '/') != SIZE_MAX)
		(void)str_cut(&name, '/');
	*id = str_eq(resource, S("root"))
		  ? (struct str){ 0 }
		  : testing_id(rq->mem, str_starts(resource, S("role/")) ? "AROA" : "AIDA", name);
	return str_ends(resource, S("/nobody")) ? ERR(E_NOT_FOUND) : OK;
}

static inline struct status testing_role(struct req *rq, struct str account, struct str name, struct identity_role *out)
{
	*out = (struct identity_role){ .name = name };
	return testing_principal(rq, account, arena_printf(rq->mem, "role/%.*s", PR(name)), &out->id);
}

static const struct identity_provider testing_identity = { .policies = testing_policies,
							   .role = testing_role,
							   .principal = testing_principal };
static const struct service *const testing_services[] = { &kms_service, &world_trail, NULL };

static inline struct test_world *testing_begin(void)
{
	return world_begin(
	    &(struct world_parts){ .services = testing_services, .identity = &testing_identity, .now_ms = JAN_1 });
}

/* A user of that account, whose identity policy is `document` (NULL: none). */
static inline struct caller testing_user_of(struct test_world *w, struct str account, const char *document)
{
	return (struct caller){
		.kind = CALLER_USER,
		.account = account,
		.principal_id = testing_id(world_mem(w), "AIDA", S("alice")),
		.name = S("alice"),
		.arn = arena_printf(world_mem(w), "arn:aws:iam::%.*s:user/alice", PR(account)),
		.access_key_id = S("AKIAALICE"),
		.session_policy = document ? str_of(document) : (struct str){ 0 },
	};
}

static inline struct caller testing_user(struct test_world *w, const char *document)
{
	return testing_user_of(w, WORLD_ACCOUNT, document);
}

/* A call by root of WORLD_ACCOUNT. */
#define CALL(w, op, ...)    world_call(w, world_root(w), "kms", op, __VA_ARGS__)
#define AS(w, who, op, ...) world_call(w, who, "kms", op, __VA_ARGS__)

#define EXPECT_FAULT(reply, want_code, want_text)       \
	do {                                            \
		struct test_reply r_ = (reply);         \
		EXPECT_STR(r_.code, str_of(want_code)); \
		EXPECT_STR(r_.text, want_text);         \
	} while (0)
#define EXPECT_DONE(reply) EXPECT_STR((reply).code, S(""))

static inline struct str testing_key(struct test_world *w)
{
	struct test_reply r = CALL(w, "CreateKey", "{}");
	EXPECT_DONE(r);
	return world_field(w, r, "KeyMetadata.KeyId");
}

static inline struct str testing_key_of(struct test_world *w, const char *spec, const char *usage)
{
	struct test_reply r = CALL(w, "CreateKey", "{'KeySpec':'%s','KeyUsage':'%s'}", spec, usage);
	EXPECT_DONE(r);
	return world_field(w, r, "KeyMetadata.KeyId");
}

static inline struct str testing_arn(struct test_world *w, struct str id)
{
	return arena_printf(world_mem(w), KEY_ARN "%.*s", PR(id));
}

/* A policy document as the text of a JSON string, with " escaped. */
static inline struct str testing_quoted(struct test_world *w, const char *document)
{
	struct buf b = buf_in(world_mem(w));
	for (const char *p = document; *p; p++) {
		if (*p == '"')
			buf_byte(&b, '\\');
		buf_byte(&b, *p);
	}
	return buf_str(&b);
}

struct testing_asked {
	struct lookup what;
	size_t n;
	struct str lines;
};

static inline void testing_look(struct req *rq, void *arg)
{
	struct testing_asked *a = arg;
	struct buf b = buf_in(rq->mem);
	struct record *found;
	bool more;
	EXPECT_OK(trail_lookup(rq->app->trail, rq->mem, &a->what, &found, &a->n, &more));
	for (size_t i = 0; i < a->n; i++) {
		buf_put(&b, record_json(rq->mem, &found[i]));
		buf_byte(&b, '\n');
	}
	a->lines = heap_dup(buf_str(&b));
}

/* Up to `max` records of that event in a region's trail of WORLD_ACCOUNT, newest first, as CloudTrail writes them, a
 * line each. */
static inline struct str testing_records(struct test_world *w, const char *region, const char *event, size_t max,
					 size_t *n)
{
	struct testing_asked a = { .what = { .account = WORLD_ACCOUNT,
					     .region = str_of(region),
					     .attribute = LOOKUP_EVENT_NAME,
					     .value = str_of(event),
					     .max = max,
					     .block = LOOKUP_START_BLOCK,
					     .index = LOOKUP_START_INDEX } };
	world_in_fiber(w, testing_look, &a);
	struct str lines = str_dup(world_mem(w), a.lines);
	heap_free(a.lines.p);
	*n = a.n;
	return lines;
}

/* The newest one; empty: there is none. */
static inline struct str testing_record(struct test_world *w, const char *event)
{
	size_t n;
	return testing_records(w, "us-east-1", event, 1, &n);
}

static inline void testing_count(struct req *rq, void *arg)
{
	struct shard *shard;
	struct cursor c;
	struct txn *t;
	size_t *n = arg;
	EXPECT_OK(req_shard_own(rq, &shard));
	EXPECT_OK(req_read(rq, shard, &t));
	EXPECT_OK(txn_range(t, &(struct range){ .keys_only = true }, &c));
	for (*n = 0; cursor_next(&c);)
		++*n;
	EXPECT_OK(cursor_end(&c));
}

/* Rows in the shard of the world's region. */
static inline size_t testing_rows(struct test_world *w)
{
	size_t n;
	world_in_fiber(w, testing_count, &n);
	return n;
}

static inline void testing_do_duty(struct req *rq, void *arg)
{
	(void)arg;
	kms_duty_now(rq->app);
}

static inline void testing_duty(struct test_world *w) { world_in_fiber(w, testing_do_duty, NULL); }

static inline struct str testing_state(struct test_world *w, struct str id)
{
	return world_field(w, CALL(w, "DescribeKey", "{'KeyId':'%.*s'}", PR(id)), "KeyMetadata.KeyState");
}

#endif

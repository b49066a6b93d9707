/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the tests of identities share: a world with IAM and STS, callers as signatures and
 * session tokens prove them, and one line for each thing that is tried.
 */
#ifndef SVC_IDENTITIES_TESTING_H
#define SVC_IDENTITIES_TESTING_H

#include "api/token.h"
#include "api/world.h"
#include "base/codec.h"
#include "base/str.h"
#include "iam_api.h"
#include "sts_api.h"
#include "svc/services.h"

enum { JAN_1_S = 1767225600 /* 2026, UTC */ };

#define ALLOW_ALL                                                                                                  \
	"{\\\"Version\\\":\\\"2012-10-17\\\",\\\"Statement\\\":{\\\"Effect\\\":\\\"Allow\\\",\\\"Action\\\":\\\"*" \
	"\\\",\\\"Resource\\\":\\\"*\\\"}}"
/* A document with one statement, ready to stand in a JSON string. */
#define DOCUMENT(effect, action, resource)                                                  \
	"{\\\"Version\\\":\\\"2012-10-17\\\",\\\"Statement\\\":{\\\"Effect\\\":\\\"" effect \
	"\\\",\\\"Action\\\":\\\"" action "\\\",\\\"Resource\\\":\\\"" resource "\\\"}}"
#define TRUST(principal)                                                                                               \
	"{\\\"Version\\\":\\\"2012-10-17\\\",\\\"Statement\\\":{\\\"Effect\\\":\\\"Allow\\\",\\\"Action\\\":[\\\"sts:" \
	"AssumeRole\\\",\\\"sts:TagSession\\\","                                                                       \
	"\\\"sts:SetSourceIdentity\\\"],\\\"Principal\\\":{\\\"AWS\\\":\\\"" principal "\\\"}}}"
#define POLICY_ARN(name) "arn:aws:iam::111122223333:policy/" name

static struct test_world *begin(void)
{
	static const struct service *const all[] = { &sts_service, &iam_service, &world_trail, NULL };
	return world_begin(
	    &(struct world_parts){ .services = all, .identity = &iam_identity, .now_ms = INT64_C(1000) * JAN_1_S });
}

#define AS(w, who, service, op, ...) world_call(w, who, service, op, __VA_ARGS__)
#define IAM(w, op, ...)              world_call(w, world_root(w), "iam", op, __VA_ARGS__)

#define WORKS(call)                                                                 \
	do {                                                                        \
		struct test_reply works_ = (call);                                  \
		if (works_.status != 200)                                           \
			printf("# %.*s: %.*s\n", PR(works_.code), PR(works_.text)); \
		EXPECT(works_.status == 200);                                       \
	} while (0)

#define REFUSED(call, http_, code_, text_)           \
	do {                                         \
		struct test_reply refused_ = (call); \
		EXPECT_STR(refused_.code, S(code_)); \
		EXPECT_STR(refused_.text, S(text_)); \
		EXPECT(refused_.status == (http_));  \
	} while (0)

/* For what differs from run to run, or is too long to repeat. */
#define FAILS(call, code_) EXPECT_STR((call).code, S(code_))

static inline struct caller user_caller(struct test_world *w, const char *name)
{
	struct test_reply r = IAM(w, "GetUser", "{'UserName':'%s'}", name);
	EXPECT(r.status == 200);
	return (struct caller){
		.kind = CALLER_USER,
		.account = WORLD_ACCOUNT,
		.arn = world_field(w, r, "User.Arn"),
		.principal_id = world_field(w, r, "User.UserId"),
		.name = str_of(name),
		.access_key_id = S("AKIATESTTESTTESTTEST"),
	};
}

/* A document of that size without white space, with some. */
static inline struct str sized(struct test_world *w, size_t n)
{
	struct buf b = buf_in(world_mem(w));
	size_t fixed =
	    sizeof("{'Version':'2012-10-17','Statement':{'Sid':'','Effect':'Allow','Action':'*','Resource':'*'}}") - 1;
	buf_z(&b, "{\\\"Version\\\":\\\"2012-10-17\\\", \\\"Statement\\\":{\\\"Sid\\\":\\\"");
	for (size_t i = fixed; i < n; i++)
		buf_byte(&b, 'x');
	buf_z(&b, "\\\",  \\\"Effect\\\":\\\"Allow\\\",\\\"Action\\\":\\\"*\\\",\\\"Resource\\\":\\\"*\\\"}}");
	return buf_str(&b);
}

struct opening_token {
	struct str token;
	struct caller who;
	struct arena *mem;
};

static inline struct str_map map_dup(struct arena *mem, struct str_map m)
{
	struct str_entry *v = NEWS(mem, struct str_entry, m.n + 1);
	for (size_t i = 0; i < m.n; i++)
		v[i] = (struct str_entry){ str_dup(mem, m.v[i].key), str_dup(mem, m.v[i].value) };
	return (struct str_map){ v, m.n };
}

static inline struct str_list list_dup(struct arena *mem, struct str_list l)
{
	struct str *v = NEWS(mem, struct str, l.n + 1);
	for (size_t i = 0; i < l.n; i++)
		v[i] = str_dup(mem, l.v[i]);
	return (struct str_list){ v, l.n };
}

static inline void open_token(struct req *rq, void *arg)
{
	struct opening_token *o = arg;
	struct caller c;
	struct str secret;
	EXPECT_OK(token_open(rq, o->token, &c, &secret));
	struct str *const texts[] = { &c.account,  &c.arn,     &c.principal_id, &c.name,      &c.access_key_id,
				      &c.role_arn, &c.role_id, &c.role_name,    &c.role_path, &c.source_identity };
	for (size_t i = 0; i < COUNT(texts); i++)
		*texts[i] = str_dup(o->mem, *texts[i]);
	if (c.session_policy.p)
		c.session_policy = str_dup(o->mem, c.session_policy);
	c.session_policy_arns = list_dup(o->mem, c.session_policy_arns);
	c.transitive = list_dup(o->mem, c.transitive);
	c.session_tags = map_dup(o->mem, c.session_tags);
	o->who = c;
}

/* Whoever holds the credentials that AssumeRole gave. */
static inline struct caller session_caller(struct test_world *w, struct test_reply r)
{
	if (r.status != 200)
		printf("# %.*s: %.*s\n", PR(r.code), PR(r.text));
	EXPECT(r.status == 200);
	struct opening_token o = { .token = world_field(w, r, "Credentials.SessionToken"), .mem = world_mem(w) };
	world_in_fiber(w, open_token, &o);
	return o.who;
}

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who is who in the tests of grants: ann, bob, eve and a role, none of whom may do anything by
 * their own policies; and root, who makes grants for them.
 */
#ifndef KMS_GRANT_TESTING_H
#define KMS_GRANT_TESTING_H

#include "svc/kms/testing.h"

#include "svc/kms/grant.h"

#define ANN    "arn:aws:iam::111122223333:user/ann"
#define OPS    "arn:aws:iam::111122223333:role/ops"
#define OPS_ID "AROAOPSAAAAAAAAAAAAAA"
#define BOB    "arn:aws:iam::444455556666:user/bob"
#define ROOT   "arn:aws:iam::111122223333:root"
#define OTHER  "arn:aws:iam::444455556666:root"
#define SHOP   ",'EncryptionContext':{'app':'shop','id':'7'}"

static inline struct caller user_of(struct test_world *w, struct str account, const char *name, const char *document)
{
	struct caller who = testing_user_of(w, account, document);
	who.principal_id = testing_id(world_mem(w), "AIDA", str_of(name));
	who.name = str_of(name);
	who.arn = arena_printf(world_mem(w), "arn:aws:iam::%.*s:user/%s", PR(account), name);
	return who;
}

static inline struct caller ann(struct test_world *w) { return user_of(w, WORLD_ACCOUNT, "ann", NULL); }
static inline struct caller eve(struct test_world *w) { return user_of(w, WORLD_ACCOUNT, "eve", NULL); }
static inline struct caller bob(struct test_world *w) { return user_of(w, WORLD_OTHER, "bob", NULL); }

static inline struct caller session(struct test_world *w, const char *name)
{
	struct caller who = testing_user(w, NULL);
	who.kind = CALLER_ROLE;
	who.principal_id = arena_printf(world_mem(w), OPS_ID ":%s", name);
	who.name = str_of(name);
	who.arn = arena_printf(world_mem(w), "arn:aws:sts::111122223333:assumed-role/ops/%s", name);
	who.role_arn = S(OPS);
	who.role_id = S(OPS_ID);
	who.role_name = S("ops");
	return who;
}

struct made {
	struct str id, token;
};

static inline struct made made_of(struct test_world *w, struct test_reply r)
{
	EXPECT_DONE(r);
	return (struct made){ world_field(w, r, "GrantId"), world_field(w, r, "GrantToken") };
}

/* By root, who may. */
static inline struct made grant(struct test_world *w, struct str key, const char *to, const char *ops, const char *more)
{
	return made_of(w, CALL(w, "CreateGrant", "{'KeyId':'%.*s','GranteePrincipal':'%s','Operations':[%s]%s}",
			       PR(key), to, ops, more));
}

static inline struct test_reply encrypt(struct test_world *w, struct caller who, struct str key, const char *more)
{
	return AS(w, who, "Encrypt", "{'KeyId':'%.*s','Plaintext':'aGk='%s}", PR(key), more);
}

static inline struct test_reply describe(struct test_world *w, struct caller who, struct str key)
{
	return AS(w, who, "DescribeKey", "{'KeyId':'%.*s'}", PR(key));
}

#define EXPECT_DENIED(reply) EXPECT_STR((reply).code, S("AccessDeniedException"))
#define SUBSET               ",'Constraints':{'EncryptionContextSubset':{'a':'b'}}"
#define EQUALS               ",'Constraints':{'EncryptionContextEquals':{'a':'b'}}"

static inline struct test_reply pass_on(struct test_world *w, struct str key, const char *ops, const char *more)
{
	return AS(w, ann(w), "CreateGrant",
		  "{'KeyId':'%.*s','GranteePrincipal':'arn:aws:iam::111122223333:user/eve','Operations':[%s]%s}",
		  PR(key), ops, more);
}

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How grants end, how they are listed, what tokens are good for, how many there may be; and
 * what somebody might try with a grant that was not meant for him.
 */
#include "svc/kms/grant_testing.h"
#include "svc/kms/quota.h"

/* ---- ending ------------------------------------------------------------------------------------------ */

static void a_revoked_grant_is_gone_at_once(void)
{
	struct test_world *w = testing_begin();
	struct str key = testing_key(w);
	struct made g = grant(w, key, ANN, "'Encrypt'", "");
	for (int i = 0; i < 3; i++) {
		EXPECT_DONE(encrypt(w, ann(w), key, ""));
		EXPECT_DONE(CALL(w, "RevokeGrant", "{'KeyId':'%.*s','GrantId':'%.*s'}", PR(key), PR(g.id)));
		EXPECT_DENIED(encrypt(w, ann(w), key, ""));
		/* nor does its token help */
		EXPECT_DENIED(
		    encrypt(w, ann(w), key,
			    str_z(world_mem(w), arena_printf(world_mem(w), ",'GrantTokens':['%.*s']", PR(g.token)))));
		g = grant(w, key, ANN, "'Encrypt'", "");
	}
	world_end(w);
}

static void a_revoked_parent_leaves_its_children(void)
{
	struct test_world *w = testing_begin();
	struct str key = testing_key(w);
	struct made g = grant(w, key, ANN, "'Encrypt','CreateGrant'", "");
	EXPECT_DONE(pass_on(w, key, "'Encrypt'", ""));
	EXPECT_DONE(CALL(w, "RevokeGrant", "{'KeyId':'%.*s','GrantId':'%.*s'}", PR(key), PR(g.id)));
	EXPECT_DONE(encrypt(w, eve(w), key, ""));
	EXPECT_DENIED(pass_on(w, key, "'Encrypt'", ""));
	world_end(w);
}

static void what_there_is_not_cannot_be_ended(void)
{
	struct test_world *w = testing_begin();
	struct str key = testing_key(w), other = testing_key(w);
	struct made g = grant(w, key, ANN, "'Encrypt'", "");
	EXPECT_STR(CALL(w, "RevokeGrant", "{'KeyId':'%.*s','GrantId':'%.*s'}", PR(other), PR(g.id)).code,
		   S("NotFoundException"));
	EXPECT_STR(CALL(w, "RetireGrant", "{'KeyId':'%.*s','GrantId':'%.*s'}", PR(other), PR(g.id)).code,
		   S("NotFoundException"));
	EXPECT_FAULT(CALL(w, "RevokeGrant", "{'KeyId':'%.*s','GrantId':'x'}", PR(key)), "InvalidGrantIdException",
		     S("Invalid grant ID 'x'"));
	EXPECT_STR(CALL(w, "RetireGrant", "{'KeyId':'%.*s','GrantId':'x'}", PR(key)).code,
		   S("InvalidGrantIdException"));
	static const char *const unclear[] = { "{}", "{'KeyId':'k'}", "{'GrantId':'x'}",
					       "{'GrantToken':'x','KeyId':'k','GrantId':'x'}" };
	for (size_t i = 0; i < COUNT(unclear); i++)
		EXPECT_STR(CALL(w, "RetireGrant", "%s", unclear[i]).code, S("ValidationException"));
	EXPECT_DONE(CALL(w, "RevokeGrant", "{'KeyId':'%.*s','GrantId':'%.*s'}", PR(key), PR(g.id)));
	EXPECT_STR(CALL(w, "RevokeGrant", "{'KeyId':'%.*s','GrantId':'%.*s'}", PR(key), PR(g.id)).code,
		   S("NotFoundException"));
	world_end(w);
}

static struct test_reply retire(struct test_world *w, struct caller who, struct made g)
{
	return AS(w, who, "RetireGrant", "{'GrantToken':'%.*s'}", PR(g.token));
}

static void the_grant_says_who_may_retire_it(void)
{
	struct test_world *w = testing_begin();
	struct str key = testing_key(w);
	struct made g = grant(w, key, ANN, "'Encrypt'", ",'RetiringPrincipal':'" OPS "'");
	EXPECT_DENIED(retire(w, ann(w), g)); /* a grantee without the operation */
	EXPECT_DENIED(retire(w, eve(w), g));
	EXPECT_DENIED(retire(w, bob(w), g));
	EXPECT_DONE(retire(w, session(w, "mon"), g));
	EXPECT_DENIED(encrypt(w, ann(w), key, ""));
	EXPECT_STR(retire(w, session(w, "mon"), g).code, S("NotFoundException"));
	g = grant(w, key, ANN, "'Encrypt','RetireGrant'", "");
	EXPECT_DENIED(retire(w, eve(w), g));
	EXPECT_DONE(AS(w, ann(w), "RetireGrant", "{'KeyId':'%.*s','GrantId':'%.*s'}", PR(key), PR(g.id)));
	g = grant(w, key, ANN, "'Encrypt'", "");
	EXPECT_DONE(
	    retire(w, user_of(w, WORLD_ACCOUNT, "eve", ALLOW("kms:RetireGrant")), g)); /* the account lends it */
	g = grant(w, key, ANN, "'Encrypt'", "");
	EXPECT_DONE(retire(w, world_root(w), g));
	world_end(w);
}

static void a_key_policy_has_no_say_in_retiring(void)
{
	struct test_world *w = testing_begin();
	struct str key = testing_key(w);
	struct made g = grant(w, key, ANN, "'Encrypt'", "");
	struct str text = testing_quoted(
	    w, "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":\"*\",\"Action\":"
	       "\"kms:*\",\"Resource\":\"*\"}]}");
	EXPECT_DONE(
	    CALL(w, "PutKeyPolicy", "{'KeyId':'%.*s','PolicyName':'default','Policy':'%.*s'}", PR(key), PR(text)));
	EXPECT_DENIED(retire(w, eve(w), g));
	EXPECT_DENIED(retire(w, bob(w), g));
	EXPECT_DONE(AS(w, eve(w), "RevokeGrant", "{'KeyId':'%.*s','GrantId':'%.*s'}", PR(key), PR(g.id)));
	world_end(w);
}

static void another_account_may_retire_what_names_it(void)
{
	struct test_world *w = testing_begin();
	struct str key = testing_key(w);
	struct made g = grant(w, key, ANN, "'Encrypt'", ",'RetiringPrincipal':'" OTHER "'");
	EXPECT_DENIED(retire(w, bob(w), g));
	EXPECT_DONE(retire(w, user_of(w, WORLD_OTHER, "bob", ALLOW("kms:RetireGrant")), g));
	g = grant(w, key, ANN, "'Encrypt'", "");
	EXPECT_DENIED(retire(w, world_root_of(w, WORLD_OTHER), g));
	world_end(w);
}

/* ---- tokens ----------------------------------------------------------------------------------------------- */

static void tokens_that_were_not_made_here_are_refused(void)
{
	struct test_world *w = testing_begin();
	struct arena *mem = world_mem(w);
	struct str key = testing_key(w);
	struct made g = grant(w, key, ANN, "'Encrypt'", "");
	EXPECT_DONE(encrypt(w, ann(w), key, str_z(mem, arena_printf(mem, ",'GrantTokens':['%.*s']", PR(g.token)))));
	struct test_reply theirs = AS(w, world_root_of(w, WORLD_OTHER), "CreateKey", "{}");
	struct str other = world_field(w, theirs, "KeyMetadata.KeyId");
	struct made foreign =
	    made_of(w, AS(w, world_root_of(w, WORLD_OTHER), "CreateGrant",
			  "{'KeyId':'%.*s','GranteePrincipal':'" ANN "','Operations':['Encrypt']}", PR(other)));
	char *flipped = str_z(mem, g.token);
	flipped[g.token.n / 2] = flipped[g.token.n / 2] == 'A' ? 'B' : 'A';
	char *moved = str_z(mem, g.token); /* to the other account: base64 of its number in front */
	memcpy(moved, foreign.token.p, 16);
	const struct str bad[] = {
		S("x"),       S("bm90IGEgdG9rZW4="), str_of(flipped), str_of(moved), str_sub(g.token, 0, g.token.n - 4),
		foreign.token
	};
	for (size_t i = 0; i < COUNT(bad); i++) {
		char *more = str_z(mem, arena_printf(mem, ",'GrantTokens':['%.*s','%.*s']", PR(g.token), PR(bad[i])));
		EXPECT_FAULT(encrypt(w, ann(w), key, more), "InvalidGrantTokenException", S("Invalid grant token."));
		if (i + 1 < COUNT(bad))
			EXPECT_FAULT(AS(w, world_root(w), "RetireGrant", "{'GrantToken':'%.*s'}", PR(bad[i])),
				     "InvalidGrantTokenException", S("Invalid grant token."));
	}
	EXPECT_DONE(encrypt(w, ann(w), key, ""));
	world_end(w);
}

static void a_token_is_no_credential(void)
{
	struct test_world *w = testing_begin();
	struct arena *mem = world_mem(w);
	struct str key = testing_key(w);
	struct made g = grant(w, key, ANN, "'Encrypt'", "");
	char *more = str_z(mem, arena_printf(mem, ",'GrantTokens':['%.*s']", PR(g.token)));
	EXPECT_DENIED(encrypt(w, eve(w), key, more));
	EXPECT_DENIED(retire(w, eve(w), g));
	world_end(w);
}

/* ---- listing ------------------------------------------------------------------------------------------------ */

static void a_listed_grant_says_all(void)
{
	struct test_world *w = testing_begin();
	struct str key = testing_key(w), arn = testing_arn(w, key);
	struct made g =
	    grant(w, key, ANN, "'Encrypt','Decrypt','Encrypt'",
		  ",'Name':'n','RetiringPrincipal':'" OPS "','Constraints':{'EncryptionContextSubset':{'a':'b'}}");
	struct test_reply r = CALL(w, "ListGrants", "{'KeyId':'%.*s'}", PR(key));
	EXPECT_STR(world_field(w, r, "Truncated"), S("false"));
	EXPECT_STR(world_field(w, r, "Grants.0"),
		   arena_printf(world_mem(w),
				"{\"KeyId\":\"%.*s\",\"GrantId\":\"%.*s\",\"Name\":\"n\",\"CreationDate\":1767225600,"
				"\"GranteePrincipal\":\"" ANN "\",\"RetiringPrincipal\":\"" OPS
				"\",\"IssuingAccount\":\"" ROOT "\",\"Operations\":[\"Encrypt\",\"Decrypt\"],"
				"\"Constraints\":{\"EncryptionContextSubset\":{\"a\":\"b\"}}}",
				PR(arn), PR(g.id)));
	world_end(w);
}

static size_t count_pages(struct test_world *w, const char *op, struct str in)
{
	struct arena *mem = world_mem(w);
	size_t seen = 0;
	struct str marker = { 0 };
	do {
		struct str all = marker.p ? arena_printf(mem, "{%.*s,'Limit':2,'Marker':'%.*s'}", PR(in), PR(marker))
					  : arena_printf(mem, "{%.*s,'Limit':2}", PR(in));
		struct test_reply r = CALL(w, op, "%.*s", PR(all));
		EXPECT_DONE(r);
		seen += world_field(w, r, "Grants.0.GrantId").p != NULL;
		seen += world_field(w, r, "Grants.1.GrantId").p != NULL;
		EXPECT(world_field(w, r, "Grants.2.GrantId").p == NULL);
		marker = world_field(w, r, "NextMarker");
		EXPECT_STR(world_field(w, r, "Truncated"), marker.p ? S("true") : S("false"));
	} while (marker.p && seen < 100);
	return seen;
}

static void lists_come_in_pages_and_by_grantee(void)
{
	struct test_world *w = testing_begin();
	struct arena *mem = world_mem(w);
	struct str key = testing_key(w);
	struct made last = { 0 };
	for (int i = 0; i < 5; i++)
		last = grant(w, key, i < 3 ? ANN : OPS, "'Encrypt'", "");
	EXPECT(count_pages(w, "ListGrants", arena_printf(mem, "'KeyId':'%.*s'", PR(key))) == 5);
	EXPECT(count_pages(w, "ListGrants",
			   arena_printf(mem, "'KeyId':'%.*s','GranteePrincipal':'" ANN "'", PR(key))) == 3);
	EXPECT(count_pages(w, "ListGrants",
			   arena_printf(mem, "'KeyId':'%.*s','GranteePrincipal':'" OPS_ID "'", PR(key))) == 2);
	EXPECT(count_pages(w, "ListGrants",
			   arena_printf(mem, "'KeyId':'%.*s','GrantId':'%.*s'", PR(key), PR(last.id))) == 1);
	EXPECT(count_pages(w, "ListGrants",
			   arena_printf(mem, "'KeyId':'%.*s','GrantId':'%.*s','GranteePrincipal':'" ANN "'", PR(key),
					PR(last.id))) == 0);
	EXPECT_STR(CALL(w, "ListGrants", "{'KeyId':'%.*s','Marker':'bm8='}", PR(key)).code,
		   S("InvalidMarkerException"));
	EXPECT_STR(CALL(w, "ListGrants", "{'KeyId':'%.*s','Limit':101}", PR(key)).code, S("ValidationException"));
	EXPECT_STR(CALL(w, "ListGrants", "{'KeyId':'%.*s','GrantId':'x'}", PR(key)).code, S("InvalidGrantIdException"));
	world_end(w);
}

static void retirable_grants_are_found_in_every_account(void)
{
	struct test_world *w = testing_begin();
	struct str key = testing_key(w);
	struct str theirs =
	    world_field(w, AS(w, world_root_of(w, WORLD_OTHER), "CreateKey", "{}"), "KeyMetadata.KeyId");
	for (int i = 0; i < 3; i++) {
		grant(w, key, ANN, "'Encrypt'", ",'RetiringPrincipal':'" OPS "'");
		EXPECT_DONE(AS(w, world_root_of(w, WORLD_OTHER), "CreateGrant",
			       "{'KeyId':'%.*s','GranteePrincipal':'" BOB
			       "','Operations':['Encrypt'],'RetiringPrincipal':'" OPS "'}",
			       PR(theirs)));
	}
	grant(w, key, ANN, "'Encrypt'", ",'RetiringPrincipal':'" ANN "'");
	EXPECT(count_pages(w, "ListRetirableGrants", S("'RetiringPrincipal':'" OPS "'")) == 6);
	EXPECT(count_pages(w, "ListRetirableGrants", S("'RetiringPrincipal':'" ANN "'")) == 1);
	EXPECT_STR(CALL(w, "ListRetirableGrants", "{'RetiringPrincipal':'" BOB "'}").code, S("InvalidArnException"));
	static const char *const bad[] = { "x", "777777777777cg==", "111122223333bm8=", "111122223333" };
	for (size_t i = 0; i < COUNT(bad); i++)
		EXPECT_STR(CALL(w, "ListRetirableGrants", "{'RetiringPrincipal':'" OPS "','Marker':'%s'}", bad[i]).code,
			   S("InvalidMarkerException"));
	EXPECT_DENIED(AS(w, eve(w), "ListRetirableGrants", "{'RetiringPrincipal':'" OPS "'}"));
	world_end(w);
}

/* ---- conditions ------------------------------------------------------------------------------------------- */

#define EVE_MAY_IF(test, key, value)                                                                         \
	"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":[\"kms:CreateGrant\"]," \
	"\"Resource\":\"*\",\"Condition\":{\"" test "\":{\"" key "\":\"" value "\"}}}]}"

static void condition_keys_say_what_the_grant_would_be(void)
{
	static const struct {
		const char *policy, *in;
		bool ok;
	} cases[] = {
		{ EVE_MAY_IF("StringEquals", "kms:GranteePrincipal", ANN), "'GranteePrincipal':'" ANN "'", true },
		{ EVE_MAY_IF("StringEquals", "kms:GranteePrincipal", ANN), "'GranteePrincipal':'" OPS "'", false },
		{ EVE_MAY_IF("StringEquals", "kms:RetiringPrincipal", OPS),
		  "'GranteePrincipal':'" ANN "','RetiringPrincipal':'" OPS "'", true },
		{ EVE_MAY_IF("StringEquals", "kms:RetiringPrincipal", OPS), "'GranteePrincipal':'" ANN "'", false },
		{ EVE_MAY_IF("ForAllValues:StringEquals", "kms:GrantOperations", "Encrypt"),
		  "'GranteePrincipal':'" ANN "'", true },
		{ EVE_MAY_IF("ForAllValues:StringEquals", "kms:GrantOperations", "Decrypt"),
		  "'GranteePrincipal':'" ANN "'", false },
		{ EVE_MAY_IF("StringEquals", "kms:GrantConstraintType", "EncryptionContextSubset"),
		  "'GranteePrincipal':'" ANN "'" SUBSET, true },
		{ EVE_MAY_IF("StringEquals", "kms:GrantConstraintType", "EncryptionContextSubset"),
		  "'GranteePrincipal':'" ANN "'" EQUALS, false },
		{ EVE_MAY_IF("StringEquals", "kms:GrantConstraintType", "EncryptionContextSubset"),
		  "'GranteePrincipal':'" ANN "'", false },
		{ EVE_MAY_IF("StringEquals", "kms:EncryptionContext:a", "b"), "'GranteePrincipal':'" ANN "'" EQUALS,
		  true },
		{ EVE_MAY_IF("StringEquals", "kms:EncryptionContext:a", "b"), "'GranteePrincipal':'" ANN "'", false },
		{ EVE_MAY_IF("ForAnyValue:StringEquals", "kms:EncryptionContextKeys", "a"),
		  "'GranteePrincipal':'" ANN "'" SUBSET, true },
		{ EVE_MAY_IF("Bool", "kms:GrantIsForAWSResource", "false"), "'GranteePrincipal':'" ANN "'", true },
		{ EVE_MAY_IF("Bool", "kms:GrantIsForAWSResource", "true"), "'GranteePrincipal':'" ANN "'", false },
		{ EVE_MAY_IF("StringEquals", "kms:CallerAccount", "111122223333"), "'GranteePrincipal':'" ANN "'",
		  true },
		{ EVE_MAY_IF("StringEquals", "kms:KeySpec", "SYMMETRIC_DEFAULT"), "'GranteePrincipal':'" ANN "'",
		  true },
	};
	struct test_world *w = testing_begin();
	struct str key = testing_key(w);
	for (size_t i = 0; i < COUNT(cases); i++)
		EXPECT_STR(AS(w, user_of(w, WORLD_ACCOUNT, "eve", cases[i].policy), "CreateGrant",
			      "{'KeyId':'%.*s','Operations':['Encrypt'],%s}", PR(key), cases[i].in)
			       .code,
			   cases[i].ok ? S("") : S("AccessDeniedException"));
	struct caller through =
	    user_of(w, WORLD_ACCOUNT, "eve", EVE_MAY_IF("Bool", "kms:GrantIsForAWSResource", "true"));
	through.invoked_by = S("s3.amazonaws.com");
	EXPECT_DONE(AS(w, through, "CreateGrant",
		       "{'KeyId':'%.*s','Operations':['Encrypt'],'GranteePrincipal':'" ANN "'}", PR(key)));
	world_end(w);
}

static void strangers_learn_nothing_of_keys(void)
{
	static const char *const none = KEY_ARN "0a0a0a0a-0000-4000-8000-000000000000";
	static const char id[] = "0000000000000000000000000000000000000000000000000000000000000000";
	struct test_world *w = testing_begin();
	struct str there = testing_arn(w, testing_key(w));
	const struct str keys[] = { there, str_of(none) };
	const struct caller who[] = { bob(w), user_of(w, WORLD_OTHER, "bob", ALLOW("kms:*")) };
	for (size_t i = 0; i < COUNT(who); i++)
		for (size_t k = 0; k < COUNT(keys); k++) {
			struct test_reply r[] = {
				AS(w, who[i], "ListGrants", "{'KeyId':'%.*s'}", PR(keys[k])),
				AS(w, who[i], "CreateGrant",
				   "{'KeyId':'%.*s','GranteePrincipal':'" BOB "','Operations':['Encrypt']}",
				   PR(keys[k])),
				AS(w, who[i], "CreateGrant",
				   "{'KeyId':'%.*s','GranteePrincipal':'" BOB
				   "','Operations':['Encrypt'],'GrantTokens':['x']}",
				   PR(keys[k])),
				AS(w, who[i], "RevokeGrant", "{'KeyId':'%.*s','GrantId':'%s'}", PR(keys[k]), id),
				AS(w, who[i], "RetireGrant", "{'KeyId':'%.*s','GrantId':'%s'}", PR(keys[k]), id),
			};
			for (size_t j = 0; j < COUNT(r); j++) {
				EXPECT_DENIED(r[j]);
				EXPECT(
				    str_ends(r[j].text, S("because the resource does not exist in this Region, no "
							  "resource-based policies allow access, or a resource-based "
							  "policy explicitly denies access")));
			}
		}
	world_end(w);
}

/* ---- many ------------------------------------------------------------------------------------------------------- */

static void more_than_a_handful_are_found_as_well(void)
{
	enum { MANY = 100 };
	struct test_world *w = testing_begin();
	struct arena *mem = world_mem(w);
	struct str key = testing_key(w);
	struct made g[MANY];
	for (int i = 0; i < MANY; i++)
		g[i] =
		    grant(w, key, ANN, i % 2 ? "'Encrypt','CreateGrant'" : "'Encrypt','DescribeKey'",
			  str_z(mem, arena_printf(mem, ",'Constraints':{'EncryptionContext%s':{'vol':'v-%d','k':'v'}}",
						  i % 3 ? "Subset" : "Equals", i)));
	for (int i = 0; i < MANY; i++) {
		char *one = str_z(mem, arena_printf(mem, ",'EncryptionContext':{'K':'v','vol':'v-%d'}", i));
		char *more = str_z(mem, arena_printf(mem, ",'EncryptionContext':{'vol':'v-%d','k':'v','x':'y'}", i));
		char *child = str_z(mem, arena_printf(mem,
						      ",'Constraints':{'EncryptionContextEquals':{'vol':'v-%d',"
						      "'k':'v'}}",
						      i));
		EXPECT_DONE(encrypt(w, ann(w), key, one));
		EXPECT_STR(encrypt(w, ann(w), key, more).code, i % 3 ? S("") : S("AccessDeniedException"));
		EXPECT_STR(pass_on(w, key, "'Encrypt'", child).code, i % 2 ? S("") : S("AccessDeniedException"));
	}
	EXPECT_DENIED(encrypt(w, ann(w), key, ",'EncryptionContext':{'k':'v','vol':'v-100'}"));
	EXPECT_DENIED(encrypt(w, ann(w), key, ",'EncryptionContext':{'k':'v'}"));
	EXPECT_DENIED(encrypt(w, ann(w), key, ""));
	EXPECT_DENIED(pass_on(w, key, "'Encrypt'", ""));
	EXPECT_DONE(describe(w, ann(w), key));
	struct made free = grant(w, key, ANN, "'Encrypt'", "");
	EXPECT_DONE(encrypt(w, ann(w), key, ""));
	EXPECT_DONE(CALL(w, "RevokeGrant", "{'KeyId':'%.*s','GrantId':'%.*s'}", PR(key), PR(free.id)));
	EXPECT_DENIED(encrypt(w, ann(w), key, ""));
	for (int i = 0; i < MANY; i++) {
		EXPECT_DONE(CALL(w, "RevokeGrant", "{'KeyId':'%.*s','GrantId':'%.*s'}", PR(key), PR(g[i].id)));
		char *one = str_z(mem, arena_printf(mem, ",'EncryptionContext':{'k':'v','vol':'v-%d'}", i));
		EXPECT_DENIED(encrypt(w, ann(w), key, one));
	}
	EXPECT_DENIED(describe(w, ann(w), key));
	world_end(w);
}

static void grants_live_through_a_restart(void)
{
	struct test_world *w = testing_begin();
	struct str key = testing_key(w);
	struct made g = grant(w, key, ANN, "'Encrypt'", "");
	world_restart(w);
	EXPECT_DONE(encrypt(w, ann(w), key, ""));
	EXPECT_DONE(retire(w, world_root(w), g));
	EXPECT_DENIED(encrypt(w, ann(w), key, ""));
	world_end(w);
}

/* ---- quotas --------------------------------------------------------------------------- */

/* The number of a key's grants, or of keys, as if so many had been made. */
static void pretend(struct req *rq, void *arg)
{
	const struct str *key = arg;
	struct shard *shard;
	struct txn *t;
	struct buf b = buf_in(rq->mem);
	buf_be64(&b, key->n == 1 ? KMS_KEYS_PER_REGION - 1 : KMS_GRANTS_PER_KEY - 1);
	EXPECT_OK(req_shard(rq, WORLD_ACCOUNT, S("kms/111122223333/us-east-1"), &shard));
	EXPECT_OK(txn_write(shard, &t));
	EXPECT_OK(txn_put(t, *key, buf_str(&b)));
	EXPECT_OK(txn_commit(t));
}

static void a_key_has_so_many_grants_and_an_account_so_many_keys(void)
{
	struct test_world *w = testing_begin();
	struct str key = testing_key(w), count = kms_key_of(world_mem(w), 'c', key), keys = S("K");
	grant(w, key, ANN, "'Encrypt'", "");
	world_in_fiber(w, pretend, &count);
	struct made last = grant(w, key, ANN, "'Encrypt'", "");
	EXPECT_STR(
	    CALL(w, "CreateGrant", "{'KeyId':'%.*s','GranteePrincipal':'" ANN "','Operations':['Encrypt']}", PR(key))
		.code,
	    S("LimitExceededException"));
	EXPECT_DONE(CALL(w, "RevokeGrant", "{'KeyId':'%.*s','GrantId':'%.*s'}", PR(key), PR(last.id)));
	grant(w, key, ANN, "'Encrypt'", "");
	world_in_fiber(w, pretend, &keys);
	struct str one = testing_key(w);
	EXPECT_STR(CALL(w, "CreateKey", "{}").code, S("LimitExceededException"));
	EXPECT_DONE(CALL(w, "ScheduleKeyDeletion", "{'KeyId':'%.*s','PendingWindowInDays':7}", PR(one)));
	EXPECT_STR(CALL(w, "CreateKey", "{}").code, S("LimitExceededException"));
	world_later(w, 8 * DAY_MS);
	EXPECT_STR(CALL(w, "DescribeKey", "{'KeyId':'%.*s'}", PR(one)).code, S("NotFoundException"));
	(void)testing_key(w);
	EXPECT_STR(CALL(w, "CreateKey", "{}").code, S("LimitExceededException"));
	world_end(w);
}

RUN_ALL(T(a_revoked_grant_is_gone_at_once), T(a_revoked_parent_leaves_its_children),
	T(what_there_is_not_cannot_be_ended), T(the_grant_says_who_may_retire_it),
	T(a_key_policy_has_no_say_in_retiring), T(another_account_may_retire_what_names_it),
	T(tokens_that_were_not_made_here_are_refused), T(a_token_is_no_credential), T(a_listed_grant_says_all),
	T(lists_come_in_pages_and_by_grantee), T(retirable_grants_are_found_in_every_account),
	T(condition_keys_say_what_the_grant_would_be), T(strangers_learn_nothing_of_keys),
	T(more_than_a_handful_are_found_as_well), T(grants_live_through_a_restart),
	T(a_key_has_so_many_grants_and_an_account_so_many_keys))

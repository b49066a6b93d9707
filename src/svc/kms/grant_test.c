/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What AWS promises of grants: who may do what by one, how far, and how it ends; and what
 * somebody might try with one that was not meant for it.
 */
#include "svc/kms/testing.h"

#include "svc/kms/grant.h"

#define ANN    "arn:aws:iam::111122223333:user/ann"
#define OPS    "arn:aws:iam::111122223333:role/ops"
#define OPS_ID "AROAOPSAAAAAAAAAAAAAA"
#define BOB    "arn:aws:iam::444455556666:user/bob"
#define ROOT   "arn:aws:iam::111122223333:root"
#define OTHER  "arn:aws:iam::444455556666:root"
#define SHOP   ",'EncryptionContext':{'app':'shop','id':'7'}"

static struct caller user_of(struct test_world *w, struct str account, const char *name, const char *document)
{
	struct caller who = testing_user_of(w, account, document);
	who.principal_id = testing_id(world_mem(w), "AIDA", str_of(name));
	who.name = str_of(name);
	who.arn = arena_printf(world_mem(w), "arn:aws:iam::%.*s:user/%s", PR(account), name);
	return who;
}

static struct caller ann(struct test_world *w) { return user_of(w, WORLD_ACCOUNT, "ann", NULL); }
static struct caller eve(struct test_world *w) { return user_of(w, WORLD_ACCOUNT, "eve", NULL); }
static struct caller bob(struct test_world *w) { return user_of(w, WORLD_OTHER, "bob", NULL); }

static struct caller session(struct test_world *w, const char *name)
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

static struct made made_of(struct test_world *w, struct test_reply r)
{
	EXPECT_DONE(r);
	return (struct made){ world_field(w, r, "GrantId"), world_field(w, r, "GrantToken") };
}

/* By root, who may. */
static struct made grant(struct test_world *w, struct str key, const char *to, const char *ops, const char *more)
{
	return made_of(w, CALL(w, "CreateGrant", "{'KeyId':'%.*s','GranteePrincipal':'%s','Operations':[%s]%s}",
			       PR(key), to, ops, more));
}

static struct test_reply encrypt(struct test_world *w, struct caller who, struct str key, const char *more)
{
	return AS(w, who, "Encrypt", "{'KeyId':'%.*s','Plaintext':'aGk='%s}", PR(key), more);
}

static struct test_reply describe(struct test_world *w, struct caller who, struct str key)
{
	return AS(w, who, "DescribeKey", "{'KeyId':'%.*s'}", PR(key));
}

#define EXPECT_DENIED(reply) EXPECT_STR((reply).code, S("AccessDeniedException"))

/* ---- allowing ---------------------------------------------------------------------------- */

static void a_grant_allows_its_operations_to_its_grantee_alone(void)
{
	struct test_world *w = testing_begin();
	struct str key = testing_key(w), other = testing_key(w);
	EXPECT_DENIED(encrypt(w, ann(w), key, ""));
	struct made g = grant(w, key, ANN, "'Encrypt','DescribeKey'", "");
	EXPECT(g.id.n == KMS_GRANT_ID_SIZE && g.token.n > 0);
	EXPECT_DONE(encrypt(w, ann(w), key, ""));
	EXPECT_DONE(describe(w, ann(w), key));
	EXPECT_DENIED(AS(w, ann(w), "GenerateDataKey", "{'KeyId':'%.*s','KeySpec':'AES_256'}", PR(key)));
	EXPECT_DENIED(AS(w, ann(w), "ListGrants", "{'KeyId':'%.*s'}", PR(key)));
	EXPECT_DENIED(encrypt(w, ann(w), other, ""));
	EXPECT_DENIED(encrypt(w, eve(w), key, ""));
	EXPECT_DENIED(encrypt(w, session(w, "ann"), key, ""));
	world_end(w);
}

static void a_role_holds_for_its_sessions_and_a_session_for_itself(void)
{
	struct test_world *w = testing_begin();
	struct str key = testing_key(w), one = testing_key(w);
	grant(w, key, OPS, "'Encrypt'", "");
	EXPECT_DONE(encrypt(w, session(w, "mon"), key, ""));
	EXPECT_DONE(encrypt(w, session(w, "tue"), key, ""));
	grant(w, one, "arn:aws:sts::111122223333:assumed-role/ops/mon", "'Encrypt'", "");
	EXPECT_DONE(encrypt(w, session(w, "mon"), one, ""));
	EXPECT_DENIED(encrypt(w, session(w, "tue"), one, ""));
	world_end(w);
}

static void an_account_s_grant_leaves_the_rest_to_its_policies(void)
{
	struct test_world *w = testing_begin();
	struct str arn = testing_arn(w, testing_key(w));
	grant(w, arn, OTHER, "'Encrypt'", "");
	EXPECT_DENIED(encrypt(w, bob(w), arn, ""));
	EXPECT_DENIED(encrypt(w, user_of(w, WORLD_OTHER, "bob", ALLOW("kms:Decrypt")), arn, ""));
	EXPECT_DONE(encrypt(w, user_of(w, WORLD_OTHER, "bob", ALLOW("kms:Encrypt")), arn, ""));
	EXPECT_DONE(encrypt(w, world_root_of(w, WORLD_OTHER), arn, ""));
	world_end(w);
}

static void a_grant_holds_across_accounts(void)
{
	struct test_world *w = testing_begin();
	struct str key = testing_key(w), arn = testing_arn(w, key);
	EXPECT_DENIED(encrypt(w, bob(w), arn, ""));
	grant(w, key, BOB, "'Encrypt','Decrypt'", "");
	struct test_reply r = encrypt(w, bob(w), arn, "");
	EXPECT_DONE(r);
	struct str blob = world_field(w, r, "CiphertextBlob");
	EXPECT_DONE(AS(w, bob(w), "Decrypt", "{'CiphertextBlob':'%.*s'}", PR(blob)));
	EXPECT_DENIED(AS(w, user_of(w, WORLD_OTHER, "carl", NULL), "Decrypt", "{'CiphertextBlob':'%.*s'}", PR(blob)));
	world_end(w);
}

static void an_explicit_deny_wins(void)
{
	static const char deny[] = "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Deny\",\"Action\":\"*\","
				   "\"Resource\":\"*\"}]}";
	struct test_world *w = testing_begin();
	struct str key = testing_key(w);
	grant(w, key, ANN, "'Encrypt'", "");
	EXPECT_DENIED(encrypt(w, user_of(w, WORLD_ACCOUNT, "ann", deny), key, ""));
	struct str text = testing_quoted(
	    w, "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":{\"AWS\":\"" ROOT
	       "\"},\"Action\":\"kms:*\",\"Resource\":\"*\"},{\"Effect\":\"Deny\",\"Principal\":{\"AWS\":\"" ANN
	       "\"},\"Action\":\"kms:Encrypt\",\"Resource\":\"*\"}]}");
	EXPECT_DONE(encrypt(w, ann(w), key, ""));
	EXPECT_DONE(
	    CALL(w, "PutKeyPolicy", "{'KeyId':'%.*s','PolicyName':'default','Policy':'%.*s'}", PR(key), PR(text)));
	EXPECT_DENIED(encrypt(w, ann(w), key, ""));
	world_end(w);
}

static void whoever_comes_later_under_the_name_inherits_nothing(void)
{
	struct test_world *w = testing_begin();
	struct str key = testing_key(w);
	struct caller reborn = ann(w), role = session(w, "mon");
	grant(w, key, ANN, "'Encrypt'", "");
	grant(w, key, OPS, "'Encrypt'", "");
	reborn.principal_id = S("AIDAANNBBBBBBBBBBBBBB");
	role.role_id = S("AROAOPSBBBBBBBBBBBBBB");
	role.principal_id = S("AROAOPSBBBBBBBBBBBBBB:mon");
	EXPECT_DENIED(encrypt(w, reborn, key, ""));
	EXPECT_DENIED(encrypt(w, role, key, ""));
	world_end(w);
}

/* ---- constraints ------------------------------------------------------------------------------ */

static void equals_wants_its_pairs_and_no_more(void)
{
	struct test_world *w = testing_begin();
	struct str key = testing_key(w);
	grant(w, key, ANN, "'Encrypt','Decrypt','DescribeKey'",
	      ",'Constraints':{'EncryptionContextEquals':{'app':'shop','id':'7'}}");
	EXPECT_DONE(encrypt(w, ann(w), key, ",'EncryptionContext':{'app':'shop','id':'7'}"));
	EXPECT_DONE(encrypt(w, ann(w), key, ",'EncryptionContext':{'id':'7','App':'shop'}")); /* names have no case */
	EXPECT_DENIED(encrypt(w, ann(w), key, ",'EncryptionContext':{'app':'Shop','id':'7'}"));
	EXPECT_DENIED(encrypt(w, ann(w), key, ",'EncryptionContext':{'app':'shop'}"));
	EXPECT_DENIED(encrypt(w, ann(w), key, ",'EncryptionContext':{'app':'shop','id':'7','x':'y'}"));
	EXPECT_DENIED(encrypt(w, ann(w), key, ""));
	EXPECT_DONE(describe(w, ann(w), key)); /* has no context */
	world_end(w);
}

static void subset_wants_its_pairs_among_others(void)
{
	struct test_world *w = testing_begin();
	struct str key = testing_key(w);
	grant(w, key, ANN, "'Encrypt','GenerateDataKey'", ",'Constraints':{'EncryptionContextSubset':{'app':'shop'}}");
	EXPECT_DONE(encrypt(w, ann(w), key, ",'EncryptionContext':{'app':'shop'}"));
	EXPECT_DONE(encrypt(w, ann(w), key, SHOP));
	EXPECT_DENIED(encrypt(w, ann(w), key, ",'EncryptionContext':{'app':'other'}"));
	EXPECT_DENIED(encrypt(w, ann(w), key, ",'EncryptionContext':{'id':'shop'}"));
	EXPECT_DENIED(encrypt(w, ann(w), key, ""));
	EXPECT_DENIED(AS(w, ann(w), "GenerateDataKey", "{'KeyId':'%.*s','KeySpec':'AES_256'}", PR(key)));
	EXPECT_DONE(AS(w, ann(w), "GenerateDataKey", "{'KeyId':'%.*s','KeySpec':'AES_256'" SHOP "}", PR(key)));
	world_end(w);
}

static void constraints_that_say_too_little_or_too_much_are_refused(void)
{
	static const char *const bad[] = {
		",'Constraints':{}",
		",'Constraints':{'EncryptionContextEquals':{}}",
		",'Constraints':{'EncryptionContextEquals':{'a':'b'},'EncryptionContextSubset':{'a':'b'}}",
		",'Constraints':{'EncryptionContextSubset':{'1':'','2':'','3':'','4':'','5':'','6':'','7':'','8':'','9'"
		":''}}",
		",'Constraints':{'EncryptionContextEquals':{'a':'b','A':'c'}}",
	};
	struct test_world *w = testing_begin();
	struct str key = testing_key(w);
	char value[400];
	for (size_t i = 0; i < COUNT(bad); i++)
		EXPECT_STR(CALL(w, "CreateGrant",
				"{'KeyId':'%.*s','GranteePrincipal':'" ANN "','Operations':['Encrypt']%s}", PR(key),
				bad[i])
			       .code,
			   S("ValidationException"));
	memset(value, 'x', sizeof value);
	for (int n = 384; n <= 385; n++)
		EXPECT_STR(CALL(w, "CreateGrant",
				"{'KeyId':'%.*s','GranteePrincipal':'" ANN "','Operations':['Encrypt'],"
				"'Constraints':{'EncryptionContextSubset':{'a':'%.*s'}}}",
				PR(key), n, value)
			       .code,
			   n == 384 ? S("") : S("ValidationException"));
	world_end(w);
}

/* ---- making ------------------------------------------------------------------------------------- */

static void operations_must_be_the_key_s(void)
{
	static const char *const bad[] = { "'Sign'",      "'Verify'",         "'GetPublicKey'",       "'GenerateMac'",
					   "'VerifyMac'", "'Encrypt','Sign'", "'DeriveSharedSecret'", "" };
	struct test_world *w = testing_begin();
	struct str key = testing_key(w);
	for (size_t i = 0; i < COUNT(bad); i++)
		EXPECT_STR(CALL(w, "CreateGrant", "{'KeyId':'%.*s','GranteePrincipal':'" ANN "','Operations':[%s]}",
				PR(key), bad[i])
			       .code,
			   S("ValidationException"));
	grant(w, key, ANN,
	      "'Encrypt','Decrypt','ReEncryptFrom','ReEncryptTo','GenerateDataKey','GenerateDataKeyWithoutPlaintext',"
	      "'GenerateDataKeyPair','GenerateDataKeyPairWithoutPlaintext','CreateGrant','RetireGrant','DescribeKey'",
	      "");
	world_end(w);
}

static void principals_must_be_there(void)
{
	static const char *const bad[] = {
		"arn:aws:iam::111122223333:user/nobody",
		"arn:aws:iam::777777777777:user/ann", /* no account of this server */
		"arn:aws-cn:iam::111122223333:user/ann",
		"arn:aws:sts::111122223333:assumed-role/ops",
		"arn:aws:sts::111122223333:assumed-role/nobody/x",
		"arn:aws:sts::111122223333:federated-user/",
		"arn:aws:s3:::bucket",
		"s3.amazonaws.com",
		"AIDAANN",
		"111122223333",
	};
	struct test_world *w = testing_begin();
	struct str key = testing_key(w);
	for (size_t i = 0; i < COUNT(bad); i++) {
		struct str text = arena_printf(world_mem(w), "ARN does not refer to a valid principal: %s", bad[i]);
		EXPECT_FAULT(CALL(w, "CreateGrant", "{'KeyId':'%.*s','GranteePrincipal':'%s','Operations':['Encrypt']}",
				  PR(key), bad[i]),
			     "InvalidArnException", text);
		EXPECT_FAULT(CALL(w, "CreateGrant",
				  "{'KeyId':'%.*s','GranteePrincipal':'" ANN
				  "','RetiringPrincipal':'%s','Operations':['Encrypt']}",
				  PR(key), bad[i]),
			     "InvalidArnException", text);
	}
	EXPECT_STR(world_field(w, CALL(w, "ListGrants", "{'KeyId':'%.*s'}", PR(key)), "Grants"), S("[]"));
	world_end(w);
}

static void a_name_makes_a_repeated_request_harmless(void)
{
	struct test_world *w = testing_begin();
	struct str key = testing_key(w);
	struct made a = grant(w, key, ANN, "'Encrypt','Decrypt'", ",'Name':'n'");
	struct made again = grant(w, key, ANN, "'Decrypt','Encrypt'", ",'Name':'n'");
	EXPECT_STR(again.id, a.id);
	EXPECT(!str_eq(again.token, a.token));
	EXPECT(!str_eq(grant(w, key, ANN, "'Encrypt'", ",'Name':'n'").id, a.id));
	EXPECT(!str_eq(grant(w, key, ANN, "'Encrypt','Decrypt'", ",'Name':'m'").id, a.id));
	EXPECT(!str_eq(grant(w, key, ANN, "'Encrypt','Decrypt'", "").id, a.id));
	EXPECT(!str_eq(grant(w, key, OPS, "'Encrypt','Decrypt'", ",'Name':'n'").id, a.id));
	EXPECT(
	    !str_eq(grant(w, key, ANN, "'Encrypt','Decrypt'", ",'Name':'n','RetiringPrincipal':'" OPS "'").id, a.id));
	EXPECT(!str_eq(
	    grant(w, key, ANN, "'Encrypt','Decrypt'", ",'Name':'n','Constraints':{'EncryptionContextEquals':{'a':'b'}}")
		.id,
	    a.id));
	EXPECT_DONE(CALL(w, "RevokeGrant", "{'KeyId':'%.*s','GrantId':'%.*s'}", PR(key), PR(a.id)));
	EXPECT(!str_eq(grant(w, key, ANN, "'Encrypt','Decrypt'", ",'Name':'n'").id, a.id));
	world_end(w);
}

static void a_dry_run_changes_nothing(void)
{
	struct test_world *w = testing_begin();
	struct str key = testing_key(w);
	EXPECT_STR(CALL(w, "CreateGrant",
			"{'KeyId':'%.*s','GranteePrincipal':'" ANN "','Operations':['Encrypt'],'DryRun':true}", PR(key))
		       .code,
		   S("DryRunOperationException"));
	EXPECT_DENIED(encrypt(w, ann(w), key, ""));
	struct made g = grant(w, key, ANN, "'Encrypt'", "");
	EXPECT_STR(CALL(w, "RevokeGrant", "{'KeyId':'%.*s','GrantId':'%.*s','DryRun':true}", PR(key), PR(g.id)).code,
		   S("DryRunOperationException"));
	EXPECT_STR(CALL(w, "RetireGrant", "{'GrantToken':'%.*s','DryRun':true}", PR(g.token)).code,
		   S("DryRunOperationException"));
	EXPECT_DONE(encrypt(w, ann(w), key, ""));
	world_end(w);
}

static void key_states_are_aws_s(void)
{
	struct test_world *w = testing_begin();
	struct str key = testing_key(w);
	struct made a = grant(w, key, ANN, "'Encrypt'", ""), b = grant(w, key, ANN, "'Encrypt'", "");
	EXPECT_DONE(CALL(w, "DisableKey", "{'KeyId':'%.*s'}", PR(key)));
	EXPECT_STR(
	    CALL(w, "CreateGrant", "{'KeyId':'%.*s','GranteePrincipal':'" ANN "','Operations':['Encrypt']}", PR(key))
		.code,
	    S("DisabledException"));
	EXPECT_STR(encrypt(w, ann(w), key, "").code, S("DisabledException"));
	EXPECT_DONE(CALL(w, "RevokeGrant", "{'KeyId':'%.*s','GrantId':'%.*s'}", PR(key), PR(a.id)));
	EXPECT_DONE(CALL(w, "ScheduleKeyDeletion", "{'KeyId':'%.*s'}", PR(key)));
	EXPECT_STR(
	    CALL(w, "CreateGrant", "{'KeyId':'%.*s','GranteePrincipal':'" ANN "','Operations':['Encrypt']}", PR(key))
		.code,
	    S("KMSInvalidStateException"));
	EXPECT_DONE(CALL(w, "ListGrants", "{'KeyId':'%.*s'}", PR(key)));
	EXPECT_DONE(CALL(w, "RetireGrant", "{'KeyId':'%.*s','GrantId':'%.*s'}", PR(key), PR(b.id)));
	world_end(w);
}

static void a_key_s_end_is_its_grants_end(void)
{
	struct test_world *w = testing_begin();
	struct str key = testing_key(w);
	struct made g = grant(w, key, ANN, "'Encrypt'", ",'RetiringPrincipal':'" OPS "','Name':'n'");
	EXPECT_DONE(CALL(w, "ScheduleKeyDeletion", "{'KeyId':'%.*s','PendingWindowInDays':7}", PR(key)));
	world_later(w, 8 * DAY_MS);
	EXPECT_STR(CALL(w, "ListGrants", "{'KeyId':'%.*s'}", PR(key)).code, S("NotFoundException"));
	EXPECT_STR(CALL(w, "RetireGrant", "{'GrantToken':'%.*s'}", PR(g.token)).code, S("NotFoundException"));
	EXPECT_STR(world_field(w, CALL(w, "ListRetirableGrants", "{'RetiringPrincipal':'" OPS "'}"), "Grants"),
		   S("[]"));
	world_end(w);
}

/* ---- by means of a grant ---------------------------------------------------------------------------- */

static struct test_reply pass_on(struct test_world *w, struct str key, const char *ops, const char *more)
{
	return AS(w, ann(w), "CreateGrant",
		  "{'KeyId':'%.*s','GranteePrincipal':'arn:aws:iam::111122223333:user/eve','Operations':[%s]%s}",
		  PR(key), ops, more);
}

static void what_is_passed_on_is_no_more_than_was_given(void)
{
	static const struct {
		const char *given, *ops, *more;
		bool ok;
	} cases[] = {
		{ "", "'Encrypt'", "", true },
		{ "", "'Encrypt','CreateGrant'", "", true },
		{ "", "'Decrypt'", "", false },
		{ "", "'Encrypt','Decrypt'", "", false },
		{ "", "'Encrypt'", ",'Constraints':{'EncryptionContextEquals':{'a':'b'}}", true },
#define SUBSET ",'Constraints':{'EncryptionContextSubset':{'a':'b'}}"
		{ SUBSET, "'Encrypt'", "", false },
		{ SUBSET, "'Encrypt'", SUBSET, true },
		{ SUBSET, "'Encrypt'", ",'Constraints':{'EncryptionContextSubset':{'a':'b','c':'d'}}", true },
		{ SUBSET, "'Encrypt'", ",'Constraints':{'EncryptionContextEquals':{'a':'b','c':'d'}}", true },
		{ SUBSET, "'Encrypt'", ",'Constraints':{'EncryptionContextSubset':{'c':'d'}}", false },
		{ SUBSET, "'Encrypt'", ",'Constraints':{'EncryptionContextEquals':{'a':'x'}}", false },
#define EQUALS ",'Constraints':{'EncryptionContextEquals':{'a':'b'}}"
		{ EQUALS, "'Encrypt'", "", false },
		{ EQUALS, "'Encrypt'", EQUALS, true },
		{ EQUALS, "'Encrypt'", SUBSET, false },
		{ EQUALS, "'Encrypt'", ",'Constraints':{'EncryptionContextEquals':{'a':'b','c':'d'}}", false },
	};
	struct test_world *w = testing_begin();
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct str key = testing_key(w);
		grant(w, key, ANN, "'Encrypt','CreateGrant'", cases[i].given);
		struct test_reply r = pass_on(w, key, cases[i].ops, cases[i].more);
		EXPECT_STR(r.code, cases[i].ok ? S("") : S("AccessDeniedException"));
	}
	world_end(w);
}

static void two_grants_do_not_add_up_to_a_third(void)
{
	struct test_world *w = testing_begin();
	struct str key = testing_key(w);
	grant(w, key, ANN, "'CreateGrant','Encrypt'", "");
	grant(w, key, ANN, "'CreateGrant','Decrypt'", "");
	EXPECT_DENIED(pass_on(w, key, "'Encrypt','Decrypt'", ""));
	EXPECT_DONE(pass_on(w, key, "'Decrypt'", ""));
	world_end(w);
}

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

RUN_ALL(T(a_grant_allows_its_operations_to_its_grantee_alone),
	T(a_role_holds_for_its_sessions_and_a_session_for_itself),
	T(an_account_s_grant_leaves_the_rest_to_its_policies), T(a_grant_holds_across_accounts),
	T(an_explicit_deny_wins), T(whoever_comes_later_under_the_name_inherits_nothing),
	T(equals_wants_its_pairs_and_no_more), T(subset_wants_its_pairs_among_others),
	T(constraints_that_say_too_little_or_too_much_are_refused), T(operations_must_be_the_key_s),
	T(principals_must_be_there), T(a_name_makes_a_repeated_request_harmless), T(a_dry_run_changes_nothing),
	T(key_states_are_aws_s), T(a_key_s_end_is_its_grants_end), T(what_is_passed_on_is_no_more_than_was_given),
	T(two_grants_do_not_add_up_to_a_third), T(a_revoked_grant_is_gone_at_once),
	T(a_revoked_parent_leaves_its_children), T(what_there_is_not_cannot_be_ended),
	T(the_grant_says_who_may_retire_it), T(a_key_policy_has_no_say_in_retiring),
	T(another_account_may_retire_what_names_it), T(tokens_that_were_not_made_here_are_refused),
	T(a_token_is_no_credential), T(a_listed_grant_says_all), T(lists_come_in_pages_and_by_grantee),
	T(retirable_grants_are_found_in_every_account), T(condition_keys_say_what_the_grant_would_be),
	T(strangers_learn_nothing_of_keys), T(more_than_a_handful_are_found_as_well), T(grants_live_through_a_restart))

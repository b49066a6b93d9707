/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What AWS promises of grants: who may do what by one, and how far; what a grant may say; and
 * what may be made by means of one.
 */
#include "svc/kms/grant_testing.h"

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
		(",'Constraints':{'EncryptionContextSubset':{'1':'','2':'','3':'','4':'','5':'','6':'','7':'','8':'',"
		 "'9':''}}"),
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
		{ SUBSET, "'Encrypt'", "", false },
		{ SUBSET, "'Encrypt'", SUBSET, true },
		{ SUBSET, "'Encrypt'", ",'Constraints':{'EncryptionContextSubset':{'a':'b','c':'d'}}", true },
		{ SUBSET, "'Encrypt'", ",'Constraints':{'EncryptionContextEquals':{'a':'b','c':'d'}}", true },
		{ SUBSET, "'Encrypt'", ",'Constraints':{'EncryptionContextSubset':{'c':'d'}}", false },
		{ SUBSET, "'Encrypt'", ",'Constraints':{'EncryptionContextEquals':{'a':'x'}}", false },
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

RUN_ALL(T(a_grant_allows_its_operations_to_its_grantee_alone),
	T(a_role_holds_for_its_sessions_and_a_session_for_itself),
	T(an_account_s_grant_leaves_the_rest_to_its_policies), T(a_grant_holds_across_accounts),
	T(an_explicit_deny_wins), T(whoever_comes_later_under_the_name_inherits_nothing),
	T(equals_wants_its_pairs_and_no_more), T(subset_wants_its_pairs_among_others),
	T(constraints_that_say_too_little_or_too_much_are_refused), T(operations_must_be_the_key_s),
	T(principals_must_be_there), T(a_name_makes_a_repeated_request_harmless), T(a_dry_run_changes_nothing),
	T(key_states_are_aws_s), T(a_key_s_end_is_its_grants_end), T(what_is_passed_on_is_no_more_than_was_given),
	T(two_grants_do_not_add_up_to_a_third))

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys as such: making, describing, listing, enabling; and how they may be named.
 */
#include "svc/kms/testing.h"

static void a_new_key_is_enabled_and_described_in_full(void)
{
	struct test_world *w = testing_begin();
	struct test_reply r = CALL(w, "CreateKey", "{'Description':'for invoices'}");
	EXPECT_DONE(r);
	struct str id = world_field(w, r, "KeyMetadata.KeyId");
	EXPECT(uuid_is(id));
	EXPECT_STR(world_field(w, r, "KeyMetadata.Arn"), testing_arn(w, id));
	EXPECT_STR(world_field(w, r, "KeyMetadata.AWSAccountId"), WORLD_ACCOUNT);
	EXPECT_STR(world_field(w, r, "KeyMetadata.CreationDate"), S("1767225600"));
	EXPECT_STR(world_field(w, r, "KeyMetadata.Enabled"), S("true"));
	EXPECT_STR(world_field(w, r, "KeyMetadata.Description"), S("for invoices"));
	EXPECT_STR(world_field(w, r, "KeyMetadata.KeyUsage"), S("ENCRYPT_DECRYPT"));
	EXPECT_STR(world_field(w, r, "KeyMetadata.KeyState"), S("Enabled"));
	EXPECT_STR(world_field(w, r, "KeyMetadata.Origin"), S("AWS_KMS"));
	EXPECT_STR(world_field(w, r, "KeyMetadata.KeyManager"), S("CUSTOMER"));
	EXPECT_STR(world_field(w, r, "KeyMetadata.CustomerMasterKeySpec"), S("SYMMETRIC_DEFAULT"));
	EXPECT_STR(world_field(w, r, "KeyMetadata.KeySpec"), S("SYMMETRIC_DEFAULT"));
	EXPECT_STR(world_field(w, r, "KeyMetadata.EncryptionAlgorithms"), S("[\"SYMMETRIC_DEFAULT\"]"));
	EXPECT_STR(world_field(w, r, "KeyMetadata.MultiRegion"), S("false"));
	EXPECT(!world_field(w, r, "KeyMetadata.DeletionDate").p);
	EXPECT_STR(CALL(w, "DescribeKey", "{'KeyId':'%.*s'}", PR(id)).body, r.body);
	world_end(w);
}

static void a_key_lives_through_a_restart(void)
{
	struct test_world *w = testing_begin();
	struct str id = testing_key(w);
	struct str before = CALL(w, "DescribeKey", "{'KeyId':'%.*s'}", PR(id)).body;
	world_restart(w);
	EXPECT_STR(CALL(w, "DescribeKey", "{'KeyId':'%.*s'}", PR(id)).body, before);
	world_end(w);
}

static void other_kinds_of_keys_are_refused_clearly(void)
{
	static const struct {
		const char *in, *code, *text;
	} cases[] = {
		{ "{'KeySpec':'SYMMETRIC_DEFAULT','CustomerMasterKeySpec':'SYMMETRIC_DEFAULT'}", "ValidationException",
		  "You cannot specify KeySpec and CustomerMasterKeySpec in the same request. CustomerMasterKeySpec is "
		  "deprecated." },
		{ "{'KeyUsage':'SIGN_VERIFY'}", "ValidationException",
		  "KeyUsage SIGN_VERIFY is not compatible with KeySpec SYMMETRIC_DEFAULT" },
		{ "{'Origin':'EXTERNAL_KEY_STORE'}", "UnsupportedOperationException",
		  "This server has no external key stores." },
		{ "{'CustomKeyStoreId':'cks-1'}", "ValidationException",
		  "CustomKeyStoreId is valid only with the origins AWS_CLOUDHSM and EXTERNAL_KEY_STORE." },
	};
	struct test_world *w = testing_begin();
	for (size_t i = 0; i < COUNT(cases); i++)
		EXPECT_FAULT(CALL(w, "CreateKey", "%s", cases[i].in), cases[i].code, str_of(cases[i].text));
	EXPECT_STR(world_field(w, CALL(w, "ListKeys", "{}"), "Keys"), S("[]"));
	world_end(w);
}

static void disabling_and_enabling_may_be_repeated(void)
{
	struct test_world *w = testing_begin();
	struct str id = testing_key(w);
	for (int i = 0; i < 2; i++) {
		EXPECT_DONE(CALL(w, "DisableKey", "{'KeyId':'%.*s'}", PR(id)));
		EXPECT_STR(testing_state(w, id), S("Disabled"));
	}
	EXPECT_STR(world_field(w, CALL(w, "DescribeKey", "{'KeyId':'%.*s'}", PR(id)), "KeyMetadata.Enabled"),
		   S("false"));
	for (int i = 0; i < 2; i++) {
		EXPECT_DONE(CALL(w, "EnableKey", "{'KeyId':'%.*s'}", PR(id)));
		EXPECT_STR(testing_state(w, id), S("Enabled"));
	}
	world_end(w);
}

static void a_description_can_be_replaced(void)
{
	struct test_world *w = testing_begin();
	struct str id = testing_key(w);
	EXPECT_DONE(CALL(w, "UpdateKeyDescription", "{'KeyId':'%.*s','Description':'new'}", PR(id)));
	EXPECT_STR(world_field(w, CALL(w, "DescribeKey", "{'KeyId':'%.*s'}", PR(id)), "KeyMetadata.Description"),
		   S("new"));
	world_end(w);
}

static void keys_are_named_as_aws_names_them(void)
{
	static const struct {
		const char *name, *code, *text;
	} cases[] = {
		{ "0a0a0a0a-0000-4000-8000-000000000000", "NotFoundException",
		  "Key '" KEY_ARN "0a0a0a0a-0000-4000-8000-000000000000' does not exist" },
		{ KEY_ARN "0a0a0a0a-0000-4000-8000-000000000000", "NotFoundException",
		  "Key '" KEY_ARN "0a0a0a0a-0000-4000-8000-000000000000' does not exist" },
		{ "nonsense", "NotFoundException", "Invalid keyId 'nonsense'" },
		{ "alias/none", "NotFoundException",
		  "Alias arn:aws:kms:us-east-1:111122223333:alias/none is not found." },
		{ "arn:aws:kms:us-west-2:111122223333:key/0a0a0a0a-0000-4000-8000-000000000000", "NotFoundException",
		  "Invalid arn us-west-2" },
		{ "arn:aws:s3:us-east-1:111122223333:key/x", "InvalidArnException",
		  "Invalid ARN 'arn:aws:s3:us-east-1:111122223333:key/x'" },
		{ "arn:aws:kms:us-east-1:111122223333:key/x", "InvalidArnException",
		  "Invalid ARN 'arn:aws:kms:us-east-1:111122223333:key/x'" },
		{ "arn:aws:kms:us-east-1", "InvalidArnException", "Invalid ARN 'arn:aws:kms:us-east-1'" },
	};
	struct test_world *w = testing_begin();
	for (size_t i = 0; i < COUNT(cases); i++)
		EXPECT_FAULT(CALL(w, "DescribeKey", "{'KeyId':'%s'}", cases[i].name), cases[i].code,
			     str_of(cases[i].text));
	EXPECT_FAULT(CALL(w, "Encrypt", "{'KeyId':'arn:aws:kms:us-east-1','Plaintext':'aGk='}"), "NotFoundException",
		     S("Invalid keyId 'arn:aws:kms:us-east-1'"));
	world_end(w);
}

static void aliases_name_keys_only_where_aws_lets_them(void)
{
	static const char *const refused[] = { "EnableKey",         "DisableKey",      "ScheduleKeyDeletion",
					       "CancelKeyDeletion", "ListKeyPolicies", "ListResourceTags" };
	struct test_world *w = testing_begin();
	struct str id = testing_key(w);
	EXPECT_DONE(CALL(w, "CreateAlias", "{'AliasName':'alias/a','TargetKeyId':'%.*s'}", PR(id)));
	EXPECT_DONE(CALL(w, "DescribeKey", "{'KeyId':'alias/a'}"));
	EXPECT_DONE(CALL(w, "DescribeKey", "{'KeyId':'arn:aws:kms:us-east-1:111122223333:alias/a'}"));
	EXPECT_DONE(CALL(w, "Encrypt", "{'KeyId':'alias/a','Plaintext':'aGk='}"));
	for (size_t i = 0; i < COUNT(refused); i++)
		EXPECT_FAULT(CALL(w, refused[i], "{'KeyId':'alias/a'}"), "NotFoundException",
			     S("Invalid keyId 'alias/a'"));
	EXPECT_STR(testing_state(w, id), S("Enabled"));
	world_end(w);
}

static void keys_are_listed_in_pages(void)
{
	struct test_world *w = testing_begin();
	for (int i = 0; i < 5; i++)
		(void)testing_key(w);
	struct test_reply r = CALL(w, "ListKeys", "{'Limit':2}");
	size_t seen = 0;
	for (int page = 0; page < 3; page++) {
		seen += world_field(w, r, "Keys.0.KeyId").p != NULL;
		seen += world_field(w, r, "Keys.1.KeyId").p != NULL;
		EXPECT_STR(world_field(w, r, "Truncated"), page < 2 ? S("true") : S("false"));
		struct str marker = world_field(w, r, "NextMarker");
		EXPECT((marker.p != NULL) == (page < 2));
		if (marker.p)
			r = CALL(w, "ListKeys", "{'Limit':2,'Marker':'%.*s'}", PR(marker));
	}
	EXPECT(seen == 5);
	EXPECT_FAULT(CALL(w, "ListKeys", "{'Marker':'bm8='}"), "InvalidMarkerException", S("The marker is not valid."));
	EXPECT_FAULT(CALL(w, "ListKeys", "{'Marker':'%%%%'}"), "InvalidMarkerException", S("The marker is not valid."));
	world_end(w);
}

static void random_bytes_are_as_many_as_asked_for(void)
{
	struct test_world *w = testing_begin();
	struct str text, bytes = world_field(w, CALL(w, "GenerateRandom", "{'NumberOfBytes':1024}"), "Plaintext");
	EXPECT_OK(base64_decode(world_mem(w), bytes, &text));
	EXPECT(text.n == 1024);
	EXPECT_FAULT(CALL(w, "GenerateRandom", "{}"), "ValidationException", S("NumberOfBytes is required."));
	EXPECT(CALL(w, "GenerateRandom", "{'NumberOfBytes':1025}").status == 400);
	EXPECT_FAULT(CALL(w, "GenerateRandom", "{'NumberOfBytes':1,'CustomKeyStoreId':'cks-1'}"),
		     "CustomKeyStoreNotFoundException", S("Custom key store 'cks-1' is not found."));
	world_end(w);
}

RUN_ALL(T(a_new_key_is_enabled_and_described_in_full), T(a_key_lives_through_a_restart),
	T(other_kinds_of_keys_are_refused_clearly), T(disabling_and_enabling_may_be_repeated),
	T(a_description_can_be_replaced), T(keys_are_named_as_aws_names_them),
	T(aliases_name_keys_only_where_aws_lets_them), T(keys_are_listed_in_pages),
	T(random_bytes_are_as_many_as_asked_for))

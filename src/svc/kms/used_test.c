/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a use of a key leaves behind: which material it was, in the answer and in the trail.
 */
#include "svc/kms/testing.h"

static bool says(struct test_world *w, const char *event, struct str text)
{
	return str_find(testing_record(w, event), text) != SIZE_MAX;
}

/* ---- KeyMaterialId -------------------------------------------------------------------- */

static struct str material_of(struct test_world *w, struct str key)
{
	return world_field(w, CALL(w, "DescribeKey", "{'KeyId':'%.*s'}", PR(key)), "KeyMetadata.CurrentKeyMaterialId");
}

static void answers_name_the_material(void)
{
	static const struct {
		const char *op, *more;
	} ops[] = {
		{ "GenerateDataKey", ",'KeySpec':'AES_256'" },
		{ "GenerateDataKeyWithoutPlaintext", ",'KeySpec':'AES_128'" },
		{ "GenerateDataKeyPair", ",'KeyPairSpec':'ECC_NIST_P256'" },
		{ "GenerateDataKeyPairWithoutPlaintext", ",'KeyPairSpec':'ECC_NIST_P256'" },
	};
	struct test_world *w = testing_begin();
	struct str key = testing_key(w), id = material_of(w, key);
	EXPECT(id.n == 64);
	for (size_t i = 0; i < COUNT(ops); i++) {
		struct test_reply r = CALL(w, ops[i].op, "{'KeyId':'%.*s'%s}", PR(key), ops[i].more);
		EXPECT_DONE(r);
		EXPECT_STR(world_field(w, r, "KeyMaterialId"), id);
		EXPECT(
		    says(w, ops[i].op,
			 arena_printf(world_mem(w), "\"additionalEventData\":{\"keyMaterialId\":\"%.*s\"}", PR(id))));
	}
	world_end(w);
}

static struct str sealed(struct test_world *w, struct str key, const char *more)
{
	struct test_reply r = CALL(w, "Encrypt", "{'KeyId':'%.*s','Plaintext':'aGk='%s}", PR(key), more);
	EXPECT_DONE(r);
	EXPECT_STR(world_field(w, r, "KeyMaterialId"), S("")); /* Encrypt has no such member */
	return world_field(w, r, "CiphertextBlob");
}

static void a_ciphertext_names_the_material_it_was_made_with(void)
{
	struct test_world *w = testing_begin();
	struct str key = testing_key(w), first = material_of(w, key), old = sealed(w, key, "");
	EXPECT(says(w, "Encrypt", arena_printf(world_mem(w), "\"keyMaterialId\":\"%.*s\"", PR(first))));
	EXPECT(says(w, "Encrypt", S("\"responseElements\":null")));
	EXPECT_DONE(CALL(w, "RotateKeyOnDemand", "{'KeyId':'%.*s'}", PR(key)));
	struct str second = material_of(w, key), new = sealed(w, key, "");
	EXPECT(second.n == 64 && !str_eq(first, second));
	EXPECT(says(w, "Encrypt", arena_printf(world_mem(w), "\"keyMaterialId\":\"%.*s\"", PR(second))));
	EXPECT_STR(world_field(w, CALL(w, "Decrypt", "{'CiphertextBlob':'%.*s'}", PR(old)), "KeyMaterialId"), first);
	EXPECT(says(w, "Decrypt", arena_printf(world_mem(w), "\"keyMaterialId\":\"%.*s\"", PR(first))));
	EXPECT(says(w, "Decrypt", S("\"encryptionAlgorithm\":\"SYMMETRIC_DEFAULT\""))); /* though it was not said */
	EXPECT_STR(world_field(w, CALL(w, "Decrypt", "{'CiphertextBlob':'%.*s'}", PR(new)), "KeyMaterialId"), second);
	struct test_reply r =
	    CALL(w, "ReEncrypt", "{'CiphertextBlob':'%.*s','DestinationKeyId':'%.*s'}", PR(old), PR(key));
	EXPECT_STR(world_field(w, r, "SourceKeyMaterialId"), first);
	EXPECT_STR(world_field(w, r, "DestinationKeyMaterialId"), second);
	EXPECT(
	    says(w, "ReEncrypt",
		 arena_printf(
		     world_mem(w),
		     "\"additionalEventData\":{\"destinationKeyMaterialId\":\"%.*s\",\"sourceKeyMaterialId\":\"%.*s\"}",
		     PR(second), PR(first))));
	world_end(w);
}

static void keys_of_other_kinds_have_no_material_to_name(void)
{
	struct test_world *w = testing_begin();
	struct str rsa = testing_key_of(w, "RSA_2048", "ENCRYPT_DECRYPT"), key = testing_key(w);
	struct str hmac = testing_key_of(w, "HMAC_256", "GENERATE_VERIFY_MAC");
	struct str blob = sealed(w, rsa, ",'EncryptionAlgorithm':'RSAES_OAEP_SHA_256'");
	struct test_reply r =
	    CALL(w, "Decrypt", "{'KeyId':'%.*s','CiphertextBlob':'%.*s','EncryptionAlgorithm':'RSAES_OAEP_SHA_256'}",
		 PR(rsa), PR(blob));
	EXPECT_DONE(r);
	EXPECT_STR(world_field(w, r, "KeyMaterialId"), S(""));
	EXPECT(!says(w, "Decrypt", S("aterialId")));
	r = CALL(w, "ReEncrypt",
		 "{'SourceKeyId':'%.*s','CiphertextBlob':'%.*s','SourceEncryptionAlgorithm':'RSAES_OAEP_SHA_256',"
		 "'DestinationKeyId':'%.*s'}",
		 PR(rsa), PR(blob), PR(key));
	EXPECT_DONE(r);
	EXPECT_STR(world_field(w, r, "SourceKeyMaterialId"), S(""));
	EXPECT_STR(world_field(w, r, "DestinationKeyMaterialId"), material_of(w, key));
	EXPECT(says(w, "ReEncrypt", S("\"additionalEventData\":{\"destinationKeyMaterialId\":\"")));
	EXPECT_DONE(
	    CALL(w, "GenerateMac", "{'KeyId':'%.*s','Message':'aGk=','MacAlgorithm':'HMAC_SHA_256'}", PR(hmac)));
	EXPECT(!says(w, "GenerateMac", S("aterialId")));
	world_end(w);
}

static void a_refused_use_names_none(void)
{
	struct test_world *w = testing_begin();
	struct str key = testing_key(w), blob = sealed(w, key, "");
	EXPECT_STR(CALL(w, "Decrypt", "{'CiphertextBlob':'%.*s','DryRun':true}", PR(blob)).code,
		   S("DryRunOperationException"));
	EXPECT(!says(w, "Decrypt", S("aterialId")));
	EXPECT_STR(CALL(w, "Decrypt", "{'CiphertextBlob':'%.*s','EncryptionContext':{'a':'b'}}", PR(blob)).code,
		   S("InvalidCiphertextException"));
	EXPECT(!says(w, "Decrypt", S("aterialId")));
	world_end(w);
}

RUN_ALL(T(answers_name_the_material), T(a_ciphertext_names_the_material_it_was_made_with),
	T(keys_of_other_kinds_have_no_material_to_name), T(a_refused_use_names_none))

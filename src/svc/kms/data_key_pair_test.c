/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Data key pairs: the private half is what its blob decrypts to, and fits the public one.
 */
#include "crypto/keypair.h"
#include "svc/kms/testing.h"

#define CONTEXT "'EncryptionContext':{'b':'2','a':'1'}"

static const struct {
	const char *spec;
	enum keypair_spec keypair;
} kinds[] = { { "RSA_2048", KEYPAIR_RSA_2048 },         { "RSA_3072", KEYPAIR_RSA_3072 },
	      { "RSA_4096", KEYPAIR_RSA_4096 },         { "ECC_NIST_P256", KEYPAIR_P256 },
	      { "ECC_NIST_P384", KEYPAIR_P384 },        { "ECC_NIST_P521", KEYPAIR_P521 },
	      { "ECC_SECG_P256K1", KEYPAIR_SECP256K1 }, { "ECC_NIST_EDWARDS25519", KEYPAIR_ED25519 } };

static struct str decoded(struct test_world *w, struct str text)
{
	struct str bytes = { 0 };
	EXPECT_OK(base64_decode(world_mem(w), text, &bytes));
	return bytes;
}

static struct test_reply generate(struct test_world *w, struct str id, bool plain, const char *spec)
{
	return CALL(w, plain ? "GenerateDataKeyPair" : "GenerateDataKeyPairWithoutPlaintext",
		    "{'KeyId':'%.*s','KeyPairSpec':'%s'," CONTEXT "}", PR(id), spec);
}

static void a_private_key_is_what_its_blob_decrypts_to(void)
{
	struct test_world *w = testing_begin();
	struct str id = testing_key(w);
	for (size_t i = 0; i < 2 * COUNT(kinds); i++) {
		bool plain = i % 2;
		struct keypair *k;
		struct test_reply r = generate(w, id, plain, kinds[i / 2].spec);
		struct str blob = world_field(w, r, "PrivateKeyCiphertextBlob"),
			   public = world_field(w, r, "PublicKey"), private = world_field(w, r, "PrivateKeyPlaintext");
		EXPECT_STR(world_field(w, r, "KeyId"), testing_arn(w, id));
		EXPECT_STR(world_field(w, r, "KeyPairSpec"), str_of(kinds[i / 2].spec));
		EXPECT((private.p != NULL) == plain);
		r = CALL(w, "Decrypt", "{'CiphertextBlob':'%.*s'," CONTEXT "}", PR(blob));
		if (plain)
			EXPECT_STR(world_field(w, r, "Plaintext"), private);
		EXPECT_OK(keypair_from_private(kinds[i / 2].keypair, decoded(w, world_field(w, r, "Plaintext")), &k));
		EXPECT_STR(base64_encode(world_mem(w), keypair_public(k, world_mem(w))), public);
		keypair_free(k);
		EXPECT_FAULT(CALL(w, "Decrypt", "{'CiphertextBlob':'%.*s'}", PR(blob)), "InvalidCiphertextException",
			     S(""));
	}
	world_end(w);
}

static void no_two_pairs_are_the_same(void)
{
	struct test_world *w = testing_begin();
	struct str id = testing_key(w);
	EXPECT(!str_eq(world_field(w, generate(w, id, false, "ECC_NIST_P256"), "PublicKey"),
		       world_field(w, generate(w, id, false, "ECC_NIST_P256"), "PublicKey")));
	world_end(w);
}

static void only_symmetric_encryption_keys_make_pairs(void)
{
	struct test_world *w = testing_begin();
	struct str rsa = testing_key_of(w, "RSA_2048", "ENCRYPT_DECRYPT"),
		   hmac = testing_key_of(w, "HMAC_256", "GENERATE_VERIFY_MAC"), id = testing_key(w);
	for (int plain = 0; plain < 2; plain++) {
		EXPECT_FAULT(generate(w, rsa, plain, "RSA_2048"), "InvalidKeyUsageException",
			     S("Algorithm SYMMETRIC_DEFAULT is incompatible with key spec RSA_2048."));
		EXPECT_STR(generate(w, hmac, plain, "RSA_2048").code, S("InvalidKeyUsageException"));
		EXPECT_FAULT(generate(w, id, plain, "SM2"), "UnsupportedOperationException",
			     S("This server makes no keys of the key spec SM2: its crypto library does not have it."));
		EXPECT_STR(generate(w, id, plain, "HMAC_256").code, S("ValidationException"));
	}
	EXPECT_STR(
	    CALL(w, "GenerateDataKeyPair", "{'KeyId':'%.*s','KeyPairSpec':'RSA_2048','Recipient':{}}", PR(id)).code,
	    S("UnsupportedOperationException"));
	world_end(w);
}

static void states_and_dry_runs_hold(void)
{
	static const char *const wants[] = { "DryRunOperationException", "DisabledException",
					     "KMSInvalidStateException" };
	static const char *const ops[] = { "GenerateDataKeyPair", "GenerateDataKeyPairWithoutPlaintext" };
	struct test_world *w = testing_begin();
	struct str id = testing_key(w);
	for (size_t i = 0; i < 2 * COUNT(wants); i++) {
		if (i == 2 || i == 4)
			EXPECT_DONE(CALL(w, i == 2 ? "DisableKey" : "ScheduleKeyDeletion", "{'KeyId':'%.*s'}", PR(id)));
		EXPECT_STR(
		    CALL(w, ops[i % 2], "{'KeyId':'%.*s','KeyPairSpec':'ECC_NIST_P256','DryRun':true}", PR(id)).code,
		    str_of(wants[i / 2]));
	}
	world_end(w);
}

static void pair_spec_and_context_are_condition_keys(void)
{
	static const char only[] =
	    "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"kms:GenerateDataKeyPair*\","
	    "\"Resource\":\"*\",\"Condition\":{\"StringEquals\":{\"kms:DataKeyPairSpec\":\"ECC_NIST_P256\","
	    "\"kms:EncryptionContext:a\":\"1\",\"kms:EncryptionAlgorithm\":\"SYMMETRIC_DEFAULT\"}}}]}";
	static const char *const ops[] = { "GenerateDataKeyPair", "GenerateDataKeyPairWithoutPlaintext" };
	struct test_world *w = testing_begin();
	struct caller alice = testing_user(w, only);
	struct str id = testing_key(w);
	for (size_t i = 0; i < COUNT(ops); i++) {
		EXPECT_DONE(AS(w, alice, ops[i], "{'KeyId':'%.*s','KeyPairSpec':'ECC_NIST_P256'," CONTEXT "}", PR(id)));
		EXPECT_STR(
		    AS(w, alice, ops[i], "{'KeyId':'%.*s','KeyPairSpec':'ECC_NIST_P384'," CONTEXT "}", PR(id)).code,
		    S("AccessDeniedException"));
		EXPECT_STR(AS(w, alice, ops[i], "{'KeyId':'%.*s','KeyPairSpec':'ECC_NIST_P256'}", PR(id)).code,
			   S("AccessDeniedException"));
	}
	world_end(w);
}

RUN_ALL(T(a_private_key_is_what_its_blob_decrypts_to), T(no_two_pairs_are_the_same),
	T(only_symmetric_encryption_keys_make_pairs), T(states_and_dry_runs_hold),
	T(pair_spec_and_context_are_condition_keys))

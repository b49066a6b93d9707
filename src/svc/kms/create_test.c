/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Key specs and key usages: what can be made, what is refused, what is known of it.
 */
#include "crypto/keypair.h"
#include "svc/kms/testing.h"

#define RSA_SIGNS                                                                                     \
	"[\"RSASSA_PKCS1_V1_5_SHA_256\",\"RSASSA_PKCS1_V1_5_SHA_384\",\"RSASSA_PKCS1_V1_5_SHA_512\"," \
	"\"RSASSA_PSS_SHA_256\",\"RSASSA_PSS_SHA_384\",\"RSASSA_PSS_SHA_512\"]"
#define OAEP "[\"RSAES_OAEP_SHA_1\",\"RSAES_OAEP_SHA_256\"]"

static const struct {
	const char *spec, *usage, *member, *algorithms;
	enum keypair_spec keypair;
} kinds[] = {
	{ "SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT", "EncryptionAlgorithms", "[\"SYMMETRIC_DEFAULT\"]", KEYPAIR_NONE },
	{ "RSA_2048", "ENCRYPT_DECRYPT", "EncryptionAlgorithms", OAEP, KEYPAIR_RSA_2048 },
	{ "RSA_2048", "SIGN_VERIFY", "SigningAlgorithms", RSA_SIGNS, KEYPAIR_RSA_2048 },
	{ "RSA_3072", "SIGN_VERIFY", "SigningAlgorithms", RSA_SIGNS, KEYPAIR_RSA_3072 },
	{ "RSA_4096", "ENCRYPT_DECRYPT", "EncryptionAlgorithms", OAEP, KEYPAIR_RSA_4096 },
	{ "ECC_NIST_P256", "SIGN_VERIFY", "SigningAlgorithms", "[\"ECDSA_SHA_256\"]", KEYPAIR_P256 },
	{ "ECC_NIST_P256", "KEY_AGREEMENT", "KeyAgreementAlgorithms", "[\"ECDH\"]", KEYPAIR_P256 },
	{ "ECC_NIST_P384", "SIGN_VERIFY", "SigningAlgorithms", "[\"ECDSA_SHA_384\"]", KEYPAIR_P384 },
	{ "ECC_NIST_P521", "SIGN_VERIFY", "SigningAlgorithms", "[\"ECDSA_SHA_512\"]", KEYPAIR_P521 },
	{ "ECC_NIST_P521", "KEY_AGREEMENT", "KeyAgreementAlgorithms", "[\"ECDH\"]", KEYPAIR_P521 },
	{ "ECC_SECG_P256K1", "SIGN_VERIFY", "SigningAlgorithms", "[\"ECDSA_SHA_256\"]", KEYPAIR_SECP256K1 },
	{ "ECC_NIST_EDWARDS25519", "SIGN_VERIFY", "SigningAlgorithms", "[\"ED25519_SHA_512\"]", KEYPAIR_ED25519 },
	{ "HMAC_224", "GENERATE_VERIFY_MAC", "MacAlgorithms", "[\"HMAC_SHA_224\"]", KEYPAIR_NONE },
	{ "HMAC_256", "GENERATE_VERIFY_MAC", "MacAlgorithms", "[\"HMAC_SHA_256\"]", KEYPAIR_NONE },
	{ "HMAC_384", "GENERATE_VERIFY_MAC", "MacAlgorithms", "[\"HMAC_SHA_384\"]", KEYPAIR_NONE },
	{ "HMAC_512", "GENERATE_VERIFY_MAC", "MacAlgorithms", "[\"HMAC_SHA_512\"]", KEYPAIR_NONE },
};

static struct str metadata(struct test_world *w, struct test_reply r, const char *member)
{
	return world_field(w, r, arena_printf(world_mem(w), "KeyMetadata.%s%c", member, 0).p);
}

static void every_key_spec_is_described_with_its_algorithms(void)
{
	static const char *const lists[] = { "EncryptionAlgorithms", "SigningAlgorithms", "MacAlgorithms",
					     "KeyAgreementAlgorithms" };
	struct test_world *w = testing_begin();
	for (size_t i = 0; i < COUNT(kinds); i++) {
		struct test_reply r = CALL(w, "CreateKey", "{'%s':'%s','KeyUsage':'%s'}",
					   i % 2 ? "KeySpec" : "CustomerMasterKeySpec", kinds[i].spec, kinds[i].usage);
		EXPECT_DONE(r);
		EXPECT_STR(metadata(w, r, "KeySpec"), str_of(kinds[i].spec));
		EXPECT_STR(metadata(w, r, "CustomerMasterKeySpec"), str_of(kinds[i].spec));
		EXPECT_STR(metadata(w, r, "KeyUsage"), str_of(kinds[i].usage));
		for (size_t j = 0; j < COUNT(lists); j++) {
			struct str v = metadata(w, r, lists[j]);
			if (strcmp(lists[j], kinds[i].member) != 0)
				EXPECT(!v.p);
			else
				EXPECT_STR(v, str_of(kinds[i].algorithms));
		}
		struct str id = metadata(w, r, "KeyId");
		EXPECT_STR(CALL(w, "DescribeKey", "{'KeyId':'%.*s'}", PR(id)).body, r.body);
	}
	world_end(w);
}

static void public_keys_are_shown_with_what_they_are_for(void)
{
	struct test_world *w = testing_begin();
	for (size_t i = 0; i < COUNT(kinds); i++) {
		struct keypair *k;
		struct str der, id = testing_key_of(w, kinds[i].spec, kinds[i].usage);
		struct test_reply r = CALL(w, "GetPublicKey", "{'KeyId':'%.*s'}", PR(id));
		if (!kinds[i].keypair) {
			EXPECT_STR(r.code, S("UnsupportedOperationException"));
			continue;
		}
		EXPECT_STR(world_field(w, r, "KeyId"), testing_arn(w, id));
		EXPECT_STR(world_field(w, r, "KeySpec"), str_of(kinds[i].spec));
		EXPECT_STR(world_field(w, r, "KeyUsage"), str_of(kinds[i].usage));
		EXPECT_STR(world_field(w, r, kinds[i].member), str_of(kinds[i].algorithms));
		EXPECT_OK(base64_decode(world_mem(w), world_field(w, r, "PublicKey"), &der));
		EXPECT_OK(keypair_from_public(kinds[i].keypair, der, &k));
		keypair_free(k);
	}
	world_end(w);
}

static void a_public_key_is_the_same_after_a_restart(void)
{
	struct test_world *w = testing_begin();
	struct str id = testing_key_of(w, "ECC_NIST_P256", "SIGN_VERIFY");
	struct str before = CALL(w, "GetPublicKey", "{'KeyId':'%.*s'}", PR(id)).body;
	world_restart(w);
	EXPECT_STR(CALL(w, "GetPublicKey", "{'KeyId':'%.*s'}", PR(id)).body, before);
	world_end(w);
}

static void a_key_that_may_not_be_used_shows_no_public_key(void)
{
	struct test_world *w = testing_begin();
	struct str id = testing_key_of(w, "ECC_NIST_P256", "SIGN_VERIFY");
	EXPECT_DONE(CALL(w, "DisableKey", "{'KeyId':'%.*s'}", PR(id)));
	EXPECT_STR(CALL(w, "GetPublicKey", "{'KeyId':'%.*s'}", PR(id)).code, S("DisabledException"));
	EXPECT_DONE(CALL(w, "ScheduleKeyDeletion", "{'KeyId':'%.*s'}", PR(id)));
	EXPECT_STR(CALL(w, "GetPublicKey", "{'KeyId':'%.*s'}", PR(id)).code, S("KMSInvalidStateException"));
	world_end(w);
}

static void a_usage_must_be_one_of_the_spec_s(void)
{
	static const char *const usages[] = { "SIGN_VERIFY", "ENCRYPT_DECRYPT", "GENERATE_VERIFY_MAC", "KEY_AGREEMENT",
					      "ENCAPSULATE_DECAPSULATE" };
	static const char *const pairs[] = {
		"SYMMETRIC_DEFAULT:ENCRYPT_DECRYPT", "RSA_3072:ENCRYPT_DECRYPT",    "RSA_3072:SIGN_VERIFY",
		"ECC_NIST_P384:SIGN_VERIFY",         "ECC_NIST_P384:KEY_AGREEMENT", "ECC_SECG_P256K1:SIGN_VERIFY",
		"ECC_NIST_EDWARDS25519:SIGN_VERIFY", "HMAC_384:GENERATE_VERIFY_MAC"
	};
	struct test_world *w = testing_begin();
	for (size_t i = 0; i < COUNT(pairs); i++) {
		struct str usage = str_of(pairs[i]), spec = str_cut(&usage, ':');
		for (size_t j = 0; j < COUNT(usages); j++) {
			bool good = false;
			for (size_t k = 0; k < COUNT(pairs); k++)
				good |= str_eq(str_of(pairs[k]),
					       arena_printf(world_mem(w), "%.*s:%s", PR(spec), usages[j]));
			if (!good)
				EXPECT_FAULT(
				    CALL(w, "CreateKey", "{'KeySpec':'%.*s','KeyUsage':'%s'}", PR(spec), usages[j]),
				    "ValidationException",
				    arena_printf(world_mem(w), "KeyUsage %s is not compatible with KeySpec %.*s",
						 usages[j], PR(spec)));
		}
		if (i)
			EXPECT_FAULT(CALL(w, "CreateKey", "{'KeySpec':'%.*s'}", PR(spec)), "ValidationException",
				     S("You must specify a KeyUsage value for all KMS keys except for symmetric "
				       "encryption keys."));
	}
	world_end(w);
}

static void specs_without_a_library_are_refused_clearly(void)
{
	static const char *const specs[] = { "SM2",        "ML_DSA_44",  "ML_DSA_65",  "ML_DSA_87",
					     "ML_KEM_512", "ML_KEM_768", "ML_KEM_1024" };
	struct test_world *w = testing_begin();
	for (size_t i = 0; i < COUNT(specs); i++)
		EXPECT_FAULT(
		    CALL(w, "CreateKey", "{'KeySpec':'%s','KeyUsage':'%s'}", specs[i],
			 i < 4 ? "SIGN_VERIFY" : "ENCAPSULATE_DECAPSULATE"),
		    "UnsupportedOperationException",
		    arena_printf(world_mem(w),
				 "This server makes no keys of the key spec %s: its crypto library does not have it.",
				 specs[i]));
	world_end(w);
}

static void spec_and_usage_are_condition_keys(void)
{
	static const char only[] =
	    "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"kms:CreateKey\","
	    "\"Resource\":\"*\",\"Condition\":{\"StringEquals\":{\"kms:KeySpec\":\"ECC_NIST_P256\","
	    "\"kms:KeyUsage\":\"SIGN_VERIFY\"}}}]}";
	struct test_world *w = testing_begin();
	struct caller alice = testing_user(w, only);
	EXPECT_DONE(AS(w, alice, "CreateKey", "{'KeySpec':'ECC_NIST_P256','KeyUsage':'SIGN_VERIFY'}"));
	EXPECT_STR(AS(w, alice, "CreateKey", "{'KeySpec':'ECC_NIST_P256','KeyUsage':'KEY_AGREEMENT'}").code,
		   S("AccessDeniedException"));
	EXPECT_STR(AS(w, alice, "CreateKey", "{'KeySpec':'ECC_NIST_P384','KeyUsage':'SIGN_VERIFY'}").code,
		   S("AccessDeniedException"));
	EXPECT_STR(AS(w, alice, "CreateKey", "{}").code, S("AccessDeniedException"));
	world_end(w);
}

static void what_no_key_here_can_be_is_refused_as_such(void)
{
	struct test_world *w = testing_begin();
	static const char *const specs[] = { "ML_DSA_65", "ML_KEM_512", "ML_KEM_768", "ML_KEM_1024", "SM2" };
	for (size_t i = 0; i < COUNT(specs); i++)
		EXPECT_STR(CALL(w, "CreateKey", "{'KeySpec':'%s','KeyUsage':'ENCAPSULATE_DECAPSULATE'}", specs[i]).code,
			   S("UnsupportedOperationException"));
	EXPECT_STR(CALL(w, "CreateKey", "{'KeyUsage':'ENCAPSULATE_DECAPSULATE'}").code, S("ValidationException"));
	struct str key = testing_key(w);
	EXPECT_STR(CALL(w, "GenerateDataKeyPair", "{'KeyId':'%.*s','KeyPairSpec':'ML_KEM_768'}", PR(key)).code,
		   S("UnsupportedOperationException"));
	EXPECT_STR(CALL(w, "CreateGrant",
			"{'KeyId':'%.*s','GranteePrincipal':'arn:aws:iam::111122223333:root','Operations':["
			"'Decapsulate']}",
			PR(key))
		       .code,
		   S("ValidationException"));
	world_end(w);
}

static void keys_are_listed_by_whose_they_are(void)
{
	static const struct {
		const char *owners;
		bool own;
	} cases[] = {
		{ "'SELF'", true },
		{ "'OTHER_ACCOUNTS_VIA_RAM'", false },
		{ "'OTHER_ACCOUNTS_VIA_RAM','SELF'", true },
	};
	struct test_world *w = testing_begin();
	(void)testing_key(w);
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct test_reply r = CALL(w, "ListKeys", "{'ResourceOwners':[%s]}", cases[i].owners);
		EXPECT_DONE(r);
		EXPECT(str_eq(world_field(w, r, "Keys"), S("[]")) == !cases[i].own);
		EXPECT_STR(world_field(w, r, "Truncated"), S("false"));
	}
	EXPECT_STR(CALL(w, "ListKeys", "{'ResourceOwners':[]}").code, S("ValidationException"));
	EXPECT_STR(CALL(w, "ListKeys", "{'ResourceOwners':['ALL']}").code, S("ValidationException"));
	world_end(w);
}

RUN_ALL(T(what_no_key_here_can_be_is_refused_as_such), T(keys_are_listed_by_whose_they_are),
	T(every_key_spec_is_described_with_its_algorithms), T(public_keys_are_shown_with_what_they_are_for),
	T(a_public_key_is_the_same_after_a_restart), T(a_key_that_may_not_be_used_shows_no_public_key),
	T(a_usage_must_be_one_of_the_spec_s), T(specs_without_a_library_are_refused_clearly),
	T(spec_and_usage_are_condition_keys))

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ReEncrypt: between keys and contexts, and who may.
 */
#include "svc/kms/testing.h"

#define HI      "aGk=" /* "hi" */
#define OAEP    "RSAES_OAEP_SHA_256"
#define MISSING "0a0a0a0a-0000-4000-8000-000000000000"

static struct str encrypted(struct test_world *w, struct str id, const char *more)
{
	struct test_reply r = CALL(w, "Encrypt", "{'KeyId':'%.*s','Plaintext':'" HI "'%s}", PR(id), more);
	EXPECT_DONE(r);
	return world_field(w, r, "CiphertextBlob");
}

static struct test_reply reencrypt(struct test_world *w, struct str blob, struct str to, const char *more)
{
	return CALL(w, "ReEncrypt", "{'CiphertextBlob':'%.*s','DestinationKeyId':'%.*s'%s}", PR(blob), PR(to), more);
}

static void expect_opens(struct test_world *w, struct str blob, const char *more)
{
	struct test_reply r = CALL(w, "Decrypt", "{'CiphertextBlob':'%.*s'%s}", PR(blob), more);
	EXPECT_DONE(r);
	EXPECT_STR(world_field(w, r, "Plaintext"), S(HI));
}

static void a_ciphertext_goes_to_another_key_and_context(void)
{
	struct test_world *w = testing_begin();
	struct str a = testing_key(w), b = testing_key(w), blob = encrypted(w, a, ",'EncryptionContext':{'a':'1'}");
	struct test_reply r =
	    reencrypt(w, blob, b, ",'SourceEncryptionContext':{'a':'1'},'DestinationEncryptionContext':{'b':'2'}");
	struct str moved = world_field(w, r, "CiphertextBlob");
	EXPECT_STR(world_field(w, r, "SourceKeyId"), testing_arn(w, a));
	EXPECT_STR(world_field(w, r, "KeyId"), testing_arn(w, b));
	EXPECT_STR(world_field(w, r, "SourceEncryptionAlgorithm"), S("SYMMETRIC_DEFAULT"));
	EXPECT_STR(world_field(w, r, "DestinationEncryptionAlgorithm"), S("SYMMETRIC_DEFAULT"));
	expect_opens(w, moved, ",'EncryptionContext':{'b':'2'}");
	expect_opens(w, blob, ",'EncryptionContext':{'a':'1'}");
	EXPECT_FAULT(CALL(w, "Decrypt", "{'CiphertextBlob':'%.*s','EncryptionContext':{'a':'1'}}", PR(moved)),
		     "InvalidCiphertextException", S(""));
	EXPECT_STR(CALL(w, "Decrypt", "{'CiphertextBlob':'%.*s','KeyId':'%.*s'}", PR(moved), PR(a)).code,
		   S("IncorrectKeyException"));
	r = reencrypt(w, moved, b, ",'SourceEncryptionContext':{'b':'2'}");
	EXPECT_STR(world_field(w, r, "SourceKeyId"), testing_arn(w, b));
	expect_opens(w, world_field(w, r, "CiphertextBlob"), "");
	world_end(w);
}

static void rsa_keys_are_sources_and_destinations(void)
{
	struct test_world *w = testing_begin();
	struct str a = testing_key(w), rsa = testing_key_of(w, "RSA_2048", "ENCRYPT_DECRYPT"),
		   other = testing_key_of(w, "RSA_3072", "ENCRYPT_DECRYPT");
	struct str with =
	    arena_printf(world_mem(w), ",'SourceKeyId':'%.*s','SourceEncryptionAlgorithm':'" OAEP "'%c", PR(rsa), 0);
	struct test_reply r = reencrypt(w, encrypted(w, a, ""), rsa, ",'DestinationEncryptionAlgorithm':'" OAEP "'");
	struct str blob = world_field(w, r, "CiphertextBlob");
	EXPECT_STR(world_field(w, r, "DestinationEncryptionAlgorithm"), S(OAEP));
	r = reencrypt(
	    w, blob, other,
	    arena_printf(world_mem(w), "%s,'DestinationEncryptionAlgorithm':'RSAES_OAEP_SHA_1'%c", with.p, 0).p);
	struct test_reply opened =
	    CALL(w, "Decrypt", "{'CiphertextBlob':'%.*s','KeyId':'%.*s','EncryptionAlgorithm':'RSAES_OAEP_SHA_1'}",
		 PR(world_field(w, r, "CiphertextBlob")), PR(other));
	EXPECT_STR(world_field(w, opened, "Plaintext"), S(HI));
	r = reencrypt(w, blob, a,
		      arena_printf(world_mem(w), "%s,'DestinationEncryptionContext':{'c':'3'}%c", with.p, 0).p);
	EXPECT_STR(world_field(w, r, "SourceEncryptionAlgorithm"), S(OAEP));
	expect_opens(w, world_field(w, r, "CiphertextBlob"), ",'EncryptionContext':{'c':'3'}");
	EXPECT_FAULT(reencrypt(w, blob, a, ",'SourceEncryptionAlgorithm':'" OAEP "'"), "ValidationException",
		     S("KeyId is required with the algorithm " OAEP "."));
	EXPECT_FAULT(
	    reencrypt(w, blob, a, arena_printf(world_mem(w), "%s,'SourceEncryptionContext':{'c':'3'}%c", with.p, 0).p),
	    "ValidationException",
	    S("EncryptionContext is not supported when encrypting/decrypting with asymmetric CMKs."));
	char *zeros = NEWS(world_mem(w), char, 191);
	struct str plain = base64_encode(world_mem(w), str_make(zeros, 191));
	r = CALL(w, "Encrypt", "{'KeyId':'%.*s','Plaintext':'%.*s'}", PR(a), PR(plain));
	EXPECT_FAULT(
	    reencrypt(w, world_field(w, r, "CiphertextBlob"), rsa, ",'DestinationEncryptionAlgorithm':'" OAEP "'"),
	    "ValidationException",
	    S("Algorithm " OAEP " and key spec RSA_2048 cannot encrypt data larger than 190 bytes."));
	world_end(w);
}

static void keys_and_algorithms_must_fit(void)
{
	struct test_world *w = testing_begin();
	struct str a = testing_key(w), b = testing_key(w), blob = encrypted(w, a, ""), bytes,
		   signer = testing_key_of(w, "ECC_NIST_P256", "SIGN_VERIFY"),
		   rsa = testing_key_of(w, "RSA_2048", "ENCRYPT_DECRYPT");
	EXPECT_FAULT(reencrypt(w, blob, signer, ""), "InvalidKeyUsageException",
		     arena_printf(world_mem(w),
				  KEY_ARN "%.*s key usage is SIGN_VERIFY which is not valid for ReEncrypt.",
				  PR(signer)));
	EXPECT_FAULT(reencrypt(w, blob, rsa, ""), "InvalidKeyUsageException",
		     S("Algorithm SYMMETRIC_DEFAULT is incompatible with key spec RSA_2048."));
	EXPECT_FAULT(reencrypt(w, blob, b, arena_printf(world_mem(w), ",'SourceKeyId':'%.*s'%c", PR(b), 0).p),
		     "IncorrectKeyException",
		     S("The key ID in the request does not identify a CMK that can perform this operation."));
	EXPECT_FAULT(reencrypt(w, blob, S(MISSING), ""), "NotFoundException",
		     S("Key '" KEY_ARN MISSING "' does not exist"));
	EXPECT_FAULT(reencrypt(w, blob, b, ",'SourceEncryptionContext':{'a':'1'}"), "InvalidCiphertextException",
		     S(""));
	EXPECT_OK(base64_decode(world_mem(w), blob, &bytes));
	for (size_t i = 22; i < bytes.n; i += 5) {
		char *copy = NEWS(world_mem(w), char, bytes.n);
		memcpy(copy, bytes.p, bytes.n);
		copy[i] ^= 1;
		EXPECT_FAULT(reencrypt(w, base64_encode(world_mem(w), str_make(copy, bytes.n)), b, ""),
			     "InvalidCiphertextException", S(""));
	}
	world_end(w);
}

static void both_keys_must_be_fit_for_use(void)
{
	static const char *const wants[] = { "DryRunOperationException", "DisabledException",
					     "KMSInvalidStateException" };
	struct test_world *w = testing_begin();
	for (int source = 0; source < 2; source++) {
		struct str a = testing_key(w), b = testing_key(w), blob = encrypted(w, a, "");
		for (size_t i = 0; i < COUNT(wants); i++) {
			if (i)
				EXPECT_DONE(CALL(w, i == 1 ? "DisableKey" : "ScheduleKeyDeletion", "{'KeyId':'%.*s'}",
						 PR(source ? a : b)));
			EXPECT_STR(reencrypt(w, blob, b, ",'DryRun':true").code, str_of(wants[i]));
		}
	}
	world_end(w);
}

#define MAY(action, condition) \
	"{\"Effect\":\"Allow\",\"Action\":\"kms:" action "\",\"Resource\":\"*\",\"Condition\":{" condition "}}"
#define DOCUMENT(statements) "{\"Version\":\"2012-10-17\",\"Statement\":[" statements "]}"

static struct str may(struct test_world *w, const char *document, struct str blob, struct str to, const char *more)
{
	return AS(w, testing_user(w, document), "ReEncrypt", "{'CiphertextBlob':'%.*s','DestinationKeyId':'%.*s'%s}",
		  PR(blob), PR(to), more)
	    .code;
}

static void both_actions_are_asked_for_with_their_own_contexts(void)
{
	static const char contexts[] =
	    DOCUMENT(MAY("ReEncryptFrom", "\"StringEquals\":{\"kms:EncryptionContext:a\":\"1\"}") "," MAY(
		"ReEncryptTo", "\"StringEquals\":{\"kms:EncryptionContext:b\":\"2\"}"));
	static const char same[] = DOCUMENT(MAY("ReEncrypt*", "\"Bool\":{\"kms:ReEncryptOnSameKey\":\"true\"}"));
	static const char alias[] = DOCUMENT(
	    MAY("ReEncryptFrom", "") "," MAY("ReEncryptTo", "\"StringEquals\":{\"kms:RequestAlias\":\"alias/b\"}"));
	static const char moves[] = ",'SourceEncryptionContext':{'a':'1'},'DestinationEncryptionContext':{'b':'2'}";
	struct test_world *w = testing_begin();
	struct str a = testing_key(w), b = testing_key(w), plain = encrypted(w, a, ""),
		   bound = encrypted(w, a, ",'EncryptionContext':{'a':'1'}"), denied = S("AccessDeniedException");
	EXPECT_DONE(CALL(w, "CreateAlias", "{'AliasName':'alias/b','TargetKeyId':'%.*s'}", PR(b)));
	EXPECT_STR(may(w, DOCUMENT(MAY("ReEncrypt*", "")), plain, b, ""), S(""));
	EXPECT_STR(may(w, DOCUMENT(MAY("ReEncryptFrom", "")), plain, b, ""), denied);
	EXPECT_STR(may(w, DOCUMENT(MAY("ReEncryptTo", "")), plain, b, ""), denied);
	EXPECT_STR(may(w, contexts, bound, b, moves), S(""));
	EXPECT_STR(may(w, contexts, bound, b, ",'SourceEncryptionContext':{'a':'1'}"), denied);
	EXPECT_STR(may(w, contexts, plain, b, ",'DestinationEncryptionContext':{'b':'2'}"), denied);
	EXPECT_STR(may(w, same, plain, a, ""), S(""));
	EXPECT_STR(may(w, same, plain, b, ""), denied);
	EXPECT_STR(may(w, alias, plain, S("alias/b"), ""), S(""));
	EXPECT_STR(may(w, alias, plain, b, ""), denied);
	world_end(w);
}

#define ROOT(account) "\"Principal\":{\"AWS\":\"arn:aws:iam::" account ":root\"}"
#define OURS          "{\"Effect\":\"Allow\"," ROOT("111122223333") ",\"Action\":\"kms:*\",\"Resource\":\"*\"}"
#define THEIRS(action) \
	"{\"Effect\":\"Allow\"," ROOT("444455556666") ",\"Action\":\"kms:" action "\",\"Resource\":\"*\"}"

static void set_policy(struct test_world *w, struct str id, const char *document)
{
	EXPECT_DONE(CALL(w, "PutKeyPolicy", "{'KeyId':'%.*s','PolicyName':'default','Policy':'%.*s'}", PR(id),
			 PR(testing_quoted(w, document))));
}

static void another_account_needs_the_key_policy_and_learns_nothing(void)
{
	struct test_world *w = testing_begin();
	struct caller them = testing_user_of(w, WORLD_OTHER, ALLOW("kms:*"));
	struct str ours = testing_key(w), blob = encrypted(w, ours, ""), arn = testing_arn(w, ours);
	struct str theirs = world_field(w, AS(w, them, "CreateKey", "{}"), "KeyMetadata.Arn");
	static const char call[] = "{'CiphertextBlob':'%.*s','DestinationKeyId':'%.*s'%s}";
	struct str blob_not_yours = S("The ciphertext refers to a customer master key that does not exist, "
				      "does not exist in this region, or you are not allowed to access.");
	EXPECT_FAULT(AS(w, them, "ReEncrypt", call, PR(blob), PR(theirs), ""), "AccessDeniedException", blob_not_yours);
	EXPECT_FAULT(AS(w, them, "ReEncrypt", call, PR(blob), PR(S(MISSING)), ""), "AccessDeniedException",
		     blob_not_yours);
	struct test_reply r = AS(w, them, "Encrypt", "{'KeyId':'%.*s','Plaintext':'" HI "'}", PR(theirs));
	struct str own = world_field(w, r, "CiphertextBlob");
	struct test_reply there = AS(w, them, "ReEncrypt", call, PR(own), PR(arn), ""),
			  nowhere = AS(w, them, "ReEncrypt", call, PR(own), PR(S(KEY_ARN MISSING)), "");
	EXPECT_STR(there.code, S("AccessDeniedException"));
	EXPECT_STR(nowhere.code, S("AccessDeniedException"));
	EXPECT(str_find(there.text, S("perform: kms:ReEncryptTo on resource: " KEY_ARN)) <
	       there.text.n); /* the same sentence but for the id */
	EXPECT(there.text.n == nowhere.text.n);
	set_policy(w, ours, DOCUMENT(OURS "," THEIRS("ReEncryptFrom")));
	EXPECT_DONE(AS(w, them, "ReEncrypt", call, PR(blob), PR(theirs), ""));
	EXPECT_STR(AS(w, them, "ReEncrypt", call, PR(own), PR(arn), "").code, S("AccessDeniedException"));
	EXPECT_STR(AS(w, them, "ReEncrypt", call, PR(blob), PR(arn), "").code, S("AccessDeniedException"));
	set_policy(w, ours, DOCUMENT(OURS "," THEIRS("ReEncryptTo")));
	EXPECT_DONE(AS(w, them, "ReEncrypt", call, PR(own), PR(arn), ""));
	EXPECT_STR(AS(w, them, "ReEncrypt", call, PR(blob), PR(theirs), "").code, S("AccessDeniedException"));
	world_end(w);
}

static void grants_allow_each_side_by_itself(void)
{
	struct test_world *w = testing_begin();
	struct caller alice = testing_user(w, NULL);
	struct str a = testing_key(w), b = testing_key(w), blob = encrypted(w, a, ",'EncryptionContext':{'a':'1'}"),
		   token;
	static const char grant[] = "{'KeyId':'%.*s','GranteePrincipal':'arn:aws:iam::111122223333:user/alice',"
				    "'Operations':['%s'],'Constraints':{'EncryptionContextEquals':{'%s':'%s'}}}";
	static const char call[] =
	    "{'CiphertextBlob':'%.*s','DestinationKeyId':'%.*s','SourceEncryptionContext':{'a':'1'},"
	    "'DestinationEncryptionContext':{'b':'%s'},'GrantTokens':['%.*s']}";
	struct test_reply r = CALL(w, "CreateGrant", grant, PR(a), "ReEncryptFrom", "a", "1");
	token = world_field(w, r, "GrantToken");
	EXPECT_STR(AS(w, alice, "ReEncrypt", call, PR(blob), PR(b), "2", PR(token)).code, S("AccessDeniedException"));
	EXPECT_DONE(CALL(w, "CreateGrant", grant, PR(b), "ReEncryptTo", "b", "2"));
	EXPECT_DONE(AS(w, alice, "ReEncrypt", call, PR(blob), PR(b), "2", PR(token)));
	EXPECT_STR(AS(w, alice, "ReEncrypt", call, PR(blob), PR(b), "3", PR(token)).code, S("AccessDeniedException"));
	EXPECT_STR(AS(w, alice, "ReEncrypt", call, PR(blob), PR(a), "2", PR(token)).code, S("AccessDeniedException"));
	EXPECT_STR(AS(w, alice, "ReEncrypt", call, PR(blob), PR(b), "2", PR(S("AQ"))).code,
		   S("InvalidGrantTokenException"));
	world_end(w);
}

static void grants_allow_what_other_kinds_of_keys_do(void)
{
	static const struct {
		const char *op, *spec, *usage, *more;
	} cases[] = {
		{ "Sign", "ECC_NIST_P256", "SIGN_VERIFY", ",'Message':'" HI "','SigningAlgorithm':'ECDSA_SHA_256'" },
		{ "GetPublicKey", "ECC_NIST_P256", "SIGN_VERIFY", "" },
		{ "GenerateMac", "HMAC_256", "GENERATE_VERIFY_MAC",
		  ",'Message':'" HI "','MacAlgorithm':'HMAC_SHA_256'" },
		{ "GenerateDataKeyPair", "SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT", ",'KeyPairSpec':'ECC_NIST_P256'" },
	};
	struct test_world *w = testing_begin();
	struct caller alice = testing_user(w, NULL);
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct str id = testing_key_of(w, cases[i].spec, cases[i].usage);
		EXPECT_STR(AS(w, alice, cases[i].op, "{'KeyId':'%.*s'%s}", PR(id), cases[i].more).code,
			   S("AccessDeniedException"));
		EXPECT_DONE(CALL(w, "CreateGrant",
				 "{'KeyId':'%.*s','GranteePrincipal':'arn:aws:iam::111122223333:user/alice',"
				 "'Operations':['%s']}",
				 PR(id), cases[i].op));
		EXPECT_DONE(AS(w, alice, cases[i].op, "{'KeyId':'%.*s'%s}", PR(id), cases[i].more));
	}
	world_end(w);
}

static void a_dry_run_can_do_without_a_ciphertext(void)
{
	struct test_world *w = testing_begin();
	struct str from = testing_key(w), to = testing_key(w);
	struct caller may = testing_user(w, ALLOW("kms:ReEncrypt*")), not = testing_user(w, ALLOW("kms:ReEncryptTo"));
#define IGNORE "'DryRun':true,'DryRunModifiers':['IGNORE_CIPHERTEXT']"
#define KEYS   "{'SourceKeyId':'%.*s','DestinationKeyId':'%.*s',"
	EXPECT_STR(AS(w, may, "ReEncrypt", KEYS IGNORE "}", PR(from), PR(to)).code, S("DryRunOperationException"));
	EXPECT_STR(AS(w, not, "ReEncrypt", KEYS IGNORE "}", PR(from), PR(to)).code, S("AccessDeniedException"));
	EXPECT_STR(AS(w, may, "ReEncrypt", "{'DestinationKeyId':'%.*s'," IGNORE "}", PR(to)).code,
		   S("ValidationException"));
	EXPECT_STR(AS(w, may, "ReEncrypt", KEYS "'DryRun':true}", PR(from), PR(to)).code, S("ValidationException"));
	EXPECT_STR(AS(w, may, "ReEncrypt", KEYS "'DryRunModifiers':['IGNORE_CIPHERTEXT']}", PR(from), PR(to)).code,
		   S("ValidationException"));
	world_end(w);
}

RUN_ALL(T(a_dry_run_can_do_without_a_ciphertext), T(a_ciphertext_goes_to_another_key_and_context),
	T(rsa_keys_are_sources_and_destinations), T(keys_and_algorithms_must_fit), T(both_keys_must_be_fit_for_use),
	T(both_actions_are_asked_for_with_their_own_contexts),
	T(another_account_needs_the_key_policy_and_learns_nothing), T(grants_allow_each_side_by_itself),
	T(grants_allow_what_other_kinds_of_keys_do))

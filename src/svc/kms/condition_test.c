/* SPDX-License-Identifier: Apache-2.0 */
/*
 * KMS's condition keys, as the Service Authorization Reference and "AWS KMS condition keys" have
 * them: for which operations each is there and with what value, where the request leaves its
 * member out, too; and for which it is not.
 *
 * Each row is asked four times by a user whose only policy allows everything under one
 * condition: the value it has, another, that it is there, that it is not.
 */
#include "svc/kms/testing.h"

/* ---- keys of every kind ------------------------------------------------------------------ */

enum which { FRESH, RSA, SIGNING, HMAC, AGREEING, EXTERNAL, KINDS }; /* FRESH: a new symmetric one for each call */

struct keys {
	struct test_world *w;
	struct str id[KINDS], public; /* of AGREEING, for DeriveSharedSecret */
};

static struct keys keys_of(struct test_world *w)
{
	struct keys k = { .w = w };
	k.id[RSA] = testing_key_of(w, "RSA_2048", "ENCRYPT_DECRYPT");
	k.id[SIGNING] = testing_key_of(w, "ECC_NIST_P256", "SIGN_VERIFY");
	k.id[HMAC] = testing_key_of(w, "HMAC_256", "GENERATE_VERIFY_MAC");
	k.id[AGREEING] = testing_key_of(w, "ECC_NIST_P256", "KEY_AGREEMENT");
	k.id[EXTERNAL] = world_field(w, CALL(w, "CreateKey", "{'Origin':'EXTERNAL'}"), "KeyMetadata.KeyId");
	k.public = world_field(w, CALL(w, "GetPublicKey", "{'KeyId':'%.*s'}", PR(k.id[AGREEING])), "PublicKey");
	return k;
}

static void replace(struct buf *out, const struct keys *k, char what, struct str id)
{
	struct test_world *w = k->w;
	if (what == 'K')
		buf_put(out, id);
	else if (what == 'P')
		buf_put(out, k->public);
	else if (what == 'B')
		buf_put(out, world_field(w, CALL(w, "Encrypt", "{'KeyId':'%.*s','Plaintext':'aGk='}", PR(id)),
					 "CiphertextBlob"));
	else if (what == 'G')
		buf_put(out, world_field(
				 w,
				 CALL(w, "CreateGrant",
				      "{'KeyId':'%.*s','GranteePrincipal':'arn:aws:iam::111122223333:root',"
				      "'Operations':['Encrypt'],'Constraints':{'EncryptionContextEquals':{'a':'b'}}}",
				      PR(id)),
				 "GrantId"));
	else
		buf_put(out, testing_quoted(w, "{\"Version\":\"2012-10-17\",\"Statement\":{\"Effect\":\"Allow\","
					       "\"Principal\":{\"AWS\":\"arn:aws:iam::111122223333:root\"},"
					       "\"Action\":\"kms:*\",\"Resource\":\"*\"}}"));
}

/* $K the key, $B a ciphertext of it, $G a grant on it, $P a public key, $D a key policy. */
static struct str filled(const struct keys *k, enum which which, const char *text)
{
	struct buf b = buf_in(world_mem(k->w));
	struct str id = which == FRESH && strchr(text, '$') ? testing_key(k->w) : k->id[which];
	for (const char *p = text; *p; p++)
		if (*p == '$')
			replace(&b, k, *++p, id);
		else
			buf_byte(&b, *p);
	return buf_str(&b);
}

/* ---- rows ------------------------------------------------------------------------------- */

#define ID      "'KeyId':'$K'"
#define PLAIN   ",'Plaintext':'aGk='"
#define CONTEXT ",'EncryptionContext':{'App':'shop','id':'7'}"
#define MAC     ",'Message':'aGk=','MacAlgorithm':'HMAC_SHA_256'"
#define SIGN    ",'Message':'aGk=','SigningAlgorithm':'ECDSA_SHA_256'"
#define BYTES32 "aGVsbG8gd29ybGQgaGVsbG8gd29ybGQgaGVsbG8gMTI="
#define GRANT   ID ",'GranteePrincipal':'arn:aws:iam::111122223333:user/ann','Operations':['Encrypt','Decrypt']"
#define TABLE   "arn:aws:dynamodb:us-east-1:111122223333:table/t"
#define BY_DYNAMO                                                                          \
	ID ",'GranteeServicePrincipal':'dynamodb.amazonaws.com','Operations':['Encrypt']," \
	   "'RetiringServicePrincipal':'dynamodb.amazonaws.com','Constraints':{'SourceArn':'" TABLE "'}"
#define PARAMETERS ID ",'WrappingAlgorithm':'RSAES_OAEP_SHA_256','WrappingKeySpec':'RSA_2048'"
#define IMPORT     ID ",'ImportToken':'aGk=','EncryptedKeyMaterial':'aGk='"
#define REENCRYPT  "'CiphertextBlob':'$B','DestinationKeyId':'$K'"

static const struct row {
	const char *op;
	enum which which;
	const char *in, *key, *test, *yes, *no; /* yes == NULL: the key is not there */
	const char *code;                       /* of an allowed call; NULL: it succeeds */
} rows[] = {
	{ "Encrypt", FRESH, ID PLAIN, "kms:CallerAccount", "StringEquals", "111122223333", "444455556666" },
	{ "CreateKey", FRESH, "", "kms:CallerAccount", "StringEquals", "111122223333", "444455556666" },
	{ "DescribeCustomKeyStores", FRESH, "", "kms:CallerAccount", "StringEquals", "111122223333", "444455556666" },
	{ "ListKeys", FRESH, "", "kms:CallerAccount" },
	{ "ListAliases", FRESH, "", "kms:CallerAccount" },
	{ "GenerateRandom", FRESH, "'NumberOfBytes':8", "kms:CallerAccount" },

	{ "Encrypt", FRESH, ID PLAIN, "kms:ViaService" },

	{ "DescribeKey", FRESH, ID, "kms:KeySpec", "StringEquals", "SYMMETRIC_DEFAULT", "RSA_2048" },
	{ "DescribeKey", RSA, ID, "kms:KeySpec", "StringEquals", "RSA_2048", "SYMMETRIC_DEFAULT" },
	{ "CreateKey", FRESH, "", "kms:KeySpec", "StringEquals", "SYMMETRIC_DEFAULT", "RSA_2048" },
	{ "CreateKey", FRESH, "'KeySpec':'HMAC_256','KeyUsage':'GENERATE_VERIFY_MAC'", "kms:KeySpec", "StringEquals",
	  "HMAC_256", "SYMMETRIC_DEFAULT" },
	{ "CreateKey", FRESH, "'CustomerMasterKeySpec':'HMAC_256','KeyUsage':'GENERATE_VERIFY_MAC'", "kms:KeySpec",
	  "StringEquals", "HMAC_256", "SYMMETRIC_DEFAULT" },
	{ "ListKeys", FRESH, "", "kms:KeySpec" },
	{ "DescribeKey", HMAC, ID, "kms:CustomerMasterKeySpec", "StringEquals", "HMAC_256", "RSA_2048" },
	{ "CreateKey", FRESH, "", "kms:CustomerMasterKeySpec", "StringEquals", "SYMMETRIC_DEFAULT", "RSA_2048" },
	{ "DescribeKey", FRESH, ID, "kms:KeyUsage", "StringEquals", "ENCRYPT_DECRYPT", "SIGN_VERIFY" },
	{ "DescribeKey", SIGNING, ID, "kms:KeyUsage", "StringEquals", "SIGN_VERIFY", "ENCRYPT_DECRYPT" },
	{ "CreateKey", FRESH, "", "kms:KeyUsage", "StringEquals", "ENCRYPT_DECRYPT", "SIGN_VERIFY" },
	{ "CreateKey", FRESH, "'KeySpec':'HMAC_256','KeyUsage':'GENERATE_VERIFY_MAC'", "kms:KeyUsage", "StringEquals",
	  "GENERATE_VERIFY_MAC", "ENCRYPT_DECRYPT" },
	{ "DescribeKey", SIGNING, ID, "kms:CustomerMasterKeyUsage", "StringEquals", "SIGN_VERIFY", "ENCRYPT_DECRYPT" },
	{ "CreateKey", FRESH, "", "kms:CustomerMasterKeyUsage", "StringEquals", "ENCRYPT_DECRYPT", "SIGN_VERIFY" },
	{ "DescribeKey", FRESH, ID, "kms:KeyOrigin", "StringEquals", "AWS_KMS", "EXTERNAL" },
	{ "DescribeKey", EXTERNAL, ID, "kms:KeyOrigin", "StringEquals", "EXTERNAL", "AWS_KMS" },
	{ "CreateKey", FRESH, "", "kms:KeyOrigin", "StringEquals", "AWS_KMS", "EXTERNAL" },
	{ "CreateKey", FRESH, "'Origin':'EXTERNAL'", "kms:KeyOrigin", "StringEquals", "EXTERNAL", "AWS_KMS" },
	{ "DescribeKey", FRESH, ID, "kms:MultiRegion", "Bool", "false", "true" },
	{ "CreateKey", FRESH, "", "kms:MultiRegion", "Bool", "false", "true" },

	{ "DescribeKey", FRESH, ID, "kms:RequestAlias" },
	{ "DescribeKey", FRESH, "'KeyId':'alias/one'", "kms:RequestAlias", "StringEquals", "alias/one", "alias/two" },
	{ "Encrypt", FRESH, "'KeyId':'arn:aws:kms:us-east-1:111122223333:alias/one'" PLAIN, "kms:RequestAlias",
	  "StringEquals", "alias/one", "alias/two" },
	{ "Encrypt", FRESH, "'KeyId':'alias/one'" PLAIN, "kms:ResourceAliases", "ForAnyValue:StringEquals", "alias/two",
	  "alias/three" },
	{ "Encrypt", FRESH, ID PLAIN, "kms:ResourceAliases" },

	{ "Encrypt", FRESH, ID PLAIN, "kms:EncryptionAlgorithm", "StringEquals", "SYMMETRIC_DEFAULT",
	  "RSAES_OAEP_SHA_256" },
	{ "Encrypt", RSA, ID PLAIN ",'EncryptionAlgorithm':'RSAES_OAEP_SHA_1'", "kms:EncryptionAlgorithm",
	  "StringEquals", "RSAES_OAEP_SHA_1", "SYMMETRIC_DEFAULT" },
	{ "Decrypt", FRESH, "'CiphertextBlob':'$B'", "kms:EncryptionAlgorithm", "StringEquals", "SYMMETRIC_DEFAULT",
	  "RSAES_OAEP_SHA_256" },
	{ "GenerateDataKey", FRESH, ID ",'KeySpec':'AES_256'", "kms:EncryptionAlgorithm", "StringEquals",
	  "SYMMETRIC_DEFAULT", "RSAES_OAEP_SHA_256" },
	{ "GenerateDataKeyPairWithoutPlaintext", FRESH, ID ",'KeyPairSpec':'ECC_NIST_P256'", "kms:EncryptionAlgorithm",
	  "StringEquals", "SYMMETRIC_DEFAULT", "RSAES_OAEP_SHA_256" },
	{ "ReEncrypt", FRESH, REENCRYPT, "kms:EncryptionAlgorithm", "StringEquals", "SYMMETRIC_DEFAULT",
	  "RSAES_OAEP_SHA_256" },
	{ "DescribeKey", FRESH, ID, "kms:EncryptionAlgorithm" },

	{ "Encrypt", FRESH, ID PLAIN CONTEXT, "kms:EncryptionContext:App", "StringEquals", "shop", "Shop" },
	{ "Encrypt", FRESH, ID PLAIN CONTEXT, "kms:encryptioncontext:app", "StringEquals", "shop", "Shop" },
	{ "Encrypt", FRESH, ID PLAIN CONTEXT, "kms:EncryptionContext:none" },
	{ "Encrypt", FRESH, ID PLAIN, "kms:EncryptionContext:App" },
	{ "GenerateDataKeyWithoutPlaintext", FRESH, ID ",'KeySpec':'AES_256'" CONTEXT, "kms:EncryptionContext:id",
	  "StringEquals", "7", "8" },
	{ "CreateGrant", FRESH, GRANT ",'Constraints':{'EncryptionContextSubset':{'App':'shop'}}",
	  "kms:EncryptionContext:App", "StringEquals", "shop", "Shop" },
	{ "CreateGrant", FRESH, GRANT, "kms:EncryptionContext:App" },
	{ "RetireGrant", FRESH, ID ",'GrantId':'$G','DryRun':true", "kms:EncryptionContext:a", "StringEquals", "b", "c",
	  "DryRunOperationException" },
	{ "Encrypt", FRESH, ID PLAIN CONTEXT, "kms:EncryptionContextKeys", "ForAnyValue:StringEquals", "App", "app" },
	{ "Encrypt", FRESH, ID PLAIN, "kms:EncryptionContextKeys" },
	{ "CreateGrant", FRESH, GRANT ",'Constraints':{'EncryptionContextEquals':{'App':'shop'}}",
	  "kms:EncryptionContextKeys", "ForAnyValue:StringEquals", "App", "app" },

	{ "GenerateDataKeyPair", FRESH, ID ",'KeyPairSpec':'ECC_NIST_P256'", "kms:DataKeyPairSpec", "StringEquals",
	  "ECC_NIST_P256", "RSA_2048" },
	{ "GenerateDataKey", FRESH, ID ",'KeySpec':'AES_256'", "kms:DataKeyPairSpec" },
	{ "GenerateMac", HMAC, ID MAC, "kms:MacAlgorithm", "StringEquals", "HMAC_SHA_256", "HMAC_SHA_384" },
	{ "VerifyMac", HMAC, ID MAC ",'Mac':'" BYTES32 "'", "kms:MacAlgorithm", "StringEquals", "HMAC_SHA_256",
	  "HMAC_SHA_384", "KMSInvalidMacException" },
	{ "Sign", SIGNING, ID SIGN, "kms:SigningAlgorithm", "StringEquals", "ECDSA_SHA_256", "ECDSA_SHA_384" },
	{ "Verify", SIGNING, ID SIGN ",'Signature':'aGk='", "kms:SigningAlgorithm", "StringEquals", "ECDSA_SHA_256",
	  "ECDSA_SHA_384", "KMSInvalidSignatureException" },
	{ "Sign", SIGNING, ID SIGN, "kms:MessageType", "StringEquals", "RAW", "DIGEST" },
	{ "Sign", SIGNING, ID ",'SigningAlgorithm':'ECDSA_SHA_256','MessageType':'DIGEST','Message':'" BYTES32 "'",
	  "kms:MessageType", "StringEquals", "DIGEST", "RAW" },
	{ "Verify", SIGNING, ID SIGN ",'Signature':'aGk='", "kms:MessageType", "StringEquals", "RAW", "DIGEST",
	  "KMSInvalidSignatureException" },
	{ "GetPublicKey", SIGNING, ID, "kms:SigningAlgorithm" },
	{ "DeriveSharedSecret", AGREEING, ID ",'KeyAgreementAlgorithm':'ECDH','PublicKey':'$P'",
	  "kms:KeyAgreementAlgorithm", "StringEquals", "ECDH", "DH" },
	{ "ReEncrypt", FRESH, REENCRYPT, "kms:ReEncryptOnSameKey", "Bool", "true", "false" },

	{ "CreateGrant", FRESH, GRANT, "kms:GranteePrincipal", "StringEquals", "arn:aws:iam::111122223333:user/ann",
	  "arn:aws:iam::111122223333:user/eve" },
	{ "CreateGrant", FRESH, GRANT ",'RetiringPrincipal':'arn:aws:iam::111122223333:user/ann'",
	  "kms:RetiringPrincipal", "StringEquals", "arn:aws:iam::111122223333:user/ann",
	  "arn:aws:iam::111122223333:user/eve" },
	{ "CreateGrant", FRESH, GRANT, "kms:RetiringPrincipal" },
	{ "CreateGrant", FRESH, BY_DYNAMO, "kms:GranteePrincipal" },
	{ "CreateGrant", FRESH, BY_DYNAMO, "kms:GranteeServicePrincipal", "StringEquals", "dynamodb.amazonaws.com",
	  "sqs.amazonaws.com" },
	{ "CreateGrant", FRESH, BY_DYNAMO, "kms:RetiringServicePrincipal", "StringEquals", "dynamodb.amazonaws.com",
	  "sqs.amazonaws.com" },
	{ "CreateGrant", FRESH, BY_DYNAMO, "kms:GrantConstraintSourceArn", "ArnLike", "arn:aws:dynamodb:*:*:table/*",
	  "arn:aws:sqs:*:*:*" },
	{ "CreateGrant", FRESH, GRANT, "kms:GrantConstraintSourceArn" },
	{ "CreateGrant", FRESH, GRANT, "kms:GrantOperations", "ForAllValues:StringEquals", "Encrypt\",\"Decrypt",
	  "Encrypt" },
	{ "CreateGrant", FRESH, GRANT, "kms:GrantIsForAWSResource", "Bool", "false", "true" },
	{ "ListGrants", FRESH, ID, "kms:GrantIsForAWSResource", "Bool", "false", "true" },
	{ "RevokeGrant", FRESH, ID ",'GrantId':'$G'", "kms:GrantIsForAWSResource", "Bool", "false", "true" },
	{ "CreateGrant", FRESH, GRANT ",'Constraints':{'EncryptionContextSubset':{'a':'b'}}", "kms:GrantConstraintType",
	  "StringEquals", "EncryptionContextSubset", "EncryptionContextEquals" },
	{ "CreateGrant", FRESH, GRANT, "kms:GrantConstraintType" },
	{ "RetireGrant", FRESH, ID ",'GrantId':'$G','DryRun':true", "kms:GrantConstraintType", "StringEquals",
	  "EncryptionContextEquals", "EncryptionContextSubset", "DryRunOperationException" },

	{ "GetParametersForImport", EXTERNAL, PARAMETERS, "kms:WrappingAlgorithm", "StringEquals", "RSAES_OAEP_SHA_256",
	  "RSAES_OAEP_SHA_1" },
	{ "GetParametersForImport", EXTERNAL, PARAMETERS, "kms:WrappingKeySpec", "StringEquals", "RSA_2048",
	  "RSA_4096" },
	{ "ImportKeyMaterial", EXTERNAL, IMPORT ",'ValidTo':1767312000,'ExpirationModel':'KEY_MATERIAL_EXPIRES'",
	  "kms:ExpirationModel", "StringEquals", "KEY_MATERIAL_EXPIRES", "KEY_MATERIAL_DOES_NOT_EXPIRE",
	  "InvalidImportTokenException" },
	{ "ImportKeyMaterial", EXTERNAL, IMPORT ",'ValidTo':1767312000", "kms:ExpirationModel", NULL, NULL, NULL,
	  "InvalidImportTokenException" },
	{ "ImportKeyMaterial", EXTERNAL, IMPORT ",'ExpirationModel':'KEY_MATERIAL_DOES_NOT_EXPIRE'",
	  "kms:ExpirationModel", "StringEquals", "KEY_MATERIAL_DOES_NOT_EXPIRE", "KEY_MATERIAL_EXPIRES",
	  "InvalidImportTokenException" },
	{ "ImportKeyMaterial", EXTERNAL, IMPORT ",'ValidTo':1767312000", "kms:ValidTo", "DateLessThan",
	  "2026-01-02T00:00:01Z", "2026-01-02T00:00:00Z", "InvalidImportTokenException" },
	{ "ImportKeyMaterial", EXTERNAL, IMPORT ",'ValidTo':1767312000", "kms:ValidTo", "NumericLessThanEquals",
	  "1767312000.0", "1767311999.9", "InvalidImportTokenException" },
	{ "ImportKeyMaterial", EXTERNAL, IMPORT ",'ExpirationModel':'KEY_MATERIAL_DOES_NOT_EXPIRE'", "kms:ValidTo",
	  NULL, NULL, NULL, "InvalidImportTokenException" },

	{ "EnableKeyRotation", FRESH, ID, "kms:RotationPeriodInDays", "NumericEquals", "365", "90" },
	{ "EnableKeyRotation", FRESH, ID ",'RotationPeriodInDays':90", "kms:RotationPeriodInDays",
	  "NumericLessThanEquals", "90", "89" },
	{ "DisableKeyRotation", FRESH, ID, "kms:RotationPeriodInDays" },
	{ "ScheduleKeyDeletion", FRESH, ID, "kms:ScheduleKeyDeletionPendingWindowInDays", "NumericEquals", "30", "7" },
	{ "ScheduleKeyDeletion", FRESH, ID ",'PendingWindowInDays':7", "kms:ScheduleKeyDeletionPendingWindowInDays",
	  "NumericGreaterThanEquals", "7", "8" },
	{ "ScheduleKeyDeletion", FRESH, ID, "kms:TrailingDaysWithoutKeyUsage", "NumericEquals", "0", "1" },
	{ "DisableKey", FRESH, ID, "kms:TrailingDaysWithoutKeyUsage", "NumericEquals", "0", "1" },
	{ "EnableKey", FRESH, ID, "kms:TrailingDaysWithoutKeyUsage" },
	{ "PutKeyPolicy", FRESH, ID ",'PolicyName':'default','Policy':'$D'", "kms:BypassPolicyLockoutSafetyCheck" },
	{ "PutKeyPolicy", FRESH, ID ",'PolicyName':'default','Policy':'$D','BypassPolicyLockoutSafetyCheck':false",
	  "kms:BypassPolicyLockoutSafetyCheck", "Bool", "false", "true" },
	{ "CreateKey", FRESH, "", "kms:BypassPolicyLockoutSafetyCheck" },
	{ "CreateKey", FRESH, "'BypassPolicyLockoutSafetyCheck':true", "kms:BypassPolicyLockoutSafetyCheck", "Bool",
	  "true", "false" },
	{ "GetKeyPolicy", FRESH, ID ",'PolicyName':'default'", "kms:BypassPolicyLockoutSafetyCheck" },

	{ "Decrypt", FRESH, "'CiphertextBlob':'$B'", "kms:RecipientAttestation:ImageSha384" },
	{ "GenerateRandom", FRESH, "'NumberOfBytes':8", "kms:RecipientAttestation:PCR0" },
};

static void ask(const struct keys *k, const struct row *r, const char *test, const char *value, bool allowed)
{
	struct test_world *w = k->w;
	struct str document = arena_printf(world_mem(w),
					   "{\"Version\":\"2012-10-17\",\"Statement\":{\"Effect\":\"Allow\",\"Action\":"
					   "\"kms:*\",\"Resource\":\"*\",\"Condition\":{\"%s\":{\"%s\":[\"%s\"]}}}}",
					   test, r->key, value);
	char *z = NEWS(world_mem(w), char, document.n + 1);
	memcpy(z, document.p, document.n);
	struct test_reply reply = AS(w, testing_user(w, z), r->op, "{%.*s}", PR(filled(k, r->which, r->in)));
	struct str want = !allowed ? S("AccessDeniedException") : r->code ? str_of(r->code) : S("");
	if (!str_eq(reply.code, want))
		printf("# %s, %s %s %s: %.*s\n", r->op, test, r->key, value, PR(reply.text));
	EXPECT_STR(reply.code, want);
}

static void each_key_is_where_aws_has_it(void)
{
	struct test_world *w = testing_begin();
	const struct keys k = keys_of(w);
	struct str named = testing_key(w);
	EXPECT_DONE(CALL(w, "CreateAlias", "{'AliasName':'alias/one','TargetKeyId':'%.*s'}", PR(named)));
	EXPECT_DONE(CALL(w, "CreateAlias", "{'AliasName':'alias/two','TargetKeyId':'%.*s'}", PR(named)));
	for (size_t i = 0; i < COUNT(rows); i++) {
		const struct row *r = &rows[i];
		ask(&k, r, "Null", "true", !r->yes);
		ask(&k, r, "Null", "false", r->yes);
		if (!r->yes)
			continue;
		ask(&k, r, r->test, r->yes, true);
		ask(&k, r, r->test, r->no, false);
	}
	world_end(w);
}

RUN_ALL(T(each_key_is_where_aws_has_it))

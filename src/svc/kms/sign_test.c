/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sign and Verify: what a key signs, anybody with its public key can verify, and nothing else
 * verifies.
 */
#include "crypto/hash.h"
#include "crypto/keypair.h"
#include "svc/kms/testing.h"

#define HI "aGk=" /* "hi" */

static const struct {
	const char *spec, *algorithm;
	enum keypair_spec keypair;
	enum keypair_algorithm how;
} kinds[] = {
	{ "RSA_2048", "RSASSA_PSS_SHA_256", KEYPAIR_RSA_2048, KEYPAIR_PSS_SHA256 },
	{ "RSA_2048", "RSASSA_PSS_SHA_384", KEYPAIR_RSA_2048, KEYPAIR_PSS_SHA384 },
	{ "RSA_2048", "RSASSA_PSS_SHA_512", KEYPAIR_RSA_2048, KEYPAIR_PSS_SHA512 },
	{ "RSA_2048", "RSASSA_PKCS1_V1_5_SHA_256", KEYPAIR_RSA_2048, KEYPAIR_PKCS1_SHA256 },
	{ "RSA_2048", "RSASSA_PKCS1_V1_5_SHA_384", KEYPAIR_RSA_2048, KEYPAIR_PKCS1_SHA384 },
	{ "RSA_3072", "RSASSA_PKCS1_V1_5_SHA_512", KEYPAIR_RSA_3072, KEYPAIR_PKCS1_SHA512 },
	{ "ECC_NIST_P256", "ECDSA_SHA_256", KEYPAIR_P256, KEYPAIR_ECDSA_SHA256 },
	{ "ECC_NIST_P384", "ECDSA_SHA_384", KEYPAIR_P384, KEYPAIR_ECDSA_SHA384 },
	{ "ECC_NIST_P521", "ECDSA_SHA_512", KEYPAIR_P521, KEYPAIR_ECDSA_SHA512 },
	{ "ECC_SECG_P256K1", "ECDSA_SHA_256", KEYPAIR_SECP256K1, KEYPAIR_ECDSA_SHA256 },
	{ "ECC_NIST_EDWARDS25519", "ED25519_SHA_512", KEYPAIR_ED25519, KEYPAIR_EDDSA },
};

static struct str sha_of(struct test_world *w, size_t size, struct str message)
{
	uint8_t *out = NEWS(world_mem(w), uint8_t, HASH_SIZE_MAX);
	if (size == 32)
		sha256(message, out);
	else if (size == 48)
		sha384(message, out);
	else
		sha512(message, out);
	return size ? str_make(out, size) : message;
}

static struct str decoded(struct test_world *w, struct str text)
{
	struct str bytes = { 0 };
	EXPECT_OK(base64_decode(world_mem(w), text, &bytes));
	return bytes;
}

static struct test_reply sign(struct test_world *w, struct str id, const char *algorithm, const char *message)
{
	return CALL(w, "Sign", "{'KeyId':'%.*s','Message':'%s','SigningAlgorithm':'%s'}", PR(id), message, algorithm);
}

static struct test_reply verify(struct test_world *w, struct str id, const char *algorithm, const char *message,
				struct str signature)
{
	return CALL(w, "Verify", "{'KeyId':'%.*s','Message':'%s','SigningAlgorithm':'%s','Signature':'%.*s'}", PR(id),
		    message, algorithm, PR(signature));
}

static void verify_outside(struct test_world *w, size_t i, struct str id, struct str signature)
{
	struct test_reply r = CALL(w, "GetPublicKey", "{'KeyId':'%.*s'}", PR(id));
	struct keypair *k;
	EXPECT_OK(keypair_from_public(kinds[i].keypair, decoded(w, world_field(w, r, "PublicKey")), &k));
	struct str digest = sha_of(w, keypair_digest_size(kinds[i].how), S("hi"));
	EXPECT_OK(keypair_verify(k, kinds[i].how, digest, decoded(w, signature)));
	keypair_free(k);
}

static void every_algorithm_signs_what_everybody_verifies(void)
{
	struct test_world *w = testing_begin();
	for (size_t i = 0; i < COUNT(kinds); i++) {
		struct str id = testing_key_of(w, kinds[i].spec, "SIGN_VERIFY");
		struct test_reply r = sign(w, id, kinds[i].algorithm, HI);
		struct str signature = world_field(w, r, "Signature");
		EXPECT_STR(world_field(w, r, "KeyId"), testing_arn(w, id));
		EXPECT_STR(world_field(w, r, "SigningAlgorithm"), str_of(kinds[i].algorithm));
		verify_outside(w, i, id, signature);
		r = verify(w, id, kinds[i].algorithm, HI, signature);
		EXPECT_STR(world_field(w, r, "SignatureValid"), S("true"));
		EXPECT_STR(world_field(w, r, "KeyId"), testing_arn(w, id));
		EXPECT_STR(world_field(w, r, "SigningAlgorithm"), str_of(kinds[i].algorithm));
		EXPECT_FAULT(verify(w, id, kinds[i].algorithm, "aGo=", signature), "KMSInvalidSignatureException",
			     S(""));
	}
	world_end(w);
}

static void a_digest_is_signed_as_the_message_it_is_of(void)
{
	struct test_world *w = testing_begin();
	for (size_t i = 0; i < COUNT(kinds); i++) {
		struct str id = testing_key_of(w, kinds[i].spec, "SIGN_VERIFY");
		size_t size = keypair_digest_size(kinds[i].how);
		struct str digest = base64_encode(world_mem(w), sha_of(w, size ? size : 64, S("hi"))),
			   shorter = base64_encode(world_mem(w), str_sub(sha_of(w, size ? size : 64, S("hi")), 0, 31));
		const char *call = "{'KeyId':'%.*s','Message':'%.*s','MessageType':'DIGEST','SigningAlgorithm':'%s'}";
		struct test_reply r = CALL(w, "Sign", call, PR(id), PR(digest), kinds[i].algorithm);
		if (!size) {
			EXPECT_FAULT(r, "ValidationException",
				     S("Message type DIGEST is incompatible with algorithm ED25519_SHA_512."));
			continue;
		}
		EXPECT_DONE(verify(w, id, kinds[i].algorithm, HI, world_field(w, r, "Signature")));
		EXPECT_FAULT(
		    CALL(w, "Sign", call, PR(id), PR(shorter), kinds[i].algorithm), "ValidationException",
		    arena_printf(world_mem(w), "Digest is invalid length for algorithm %s.", kinds[i].algorithm));
	}
	world_end(w);
}

static void messages_are_1_to_4096_bytes(void)
{
	struct test_world *w = testing_begin();
	struct str id = testing_key_of(w, "ECC_NIST_P256", "SIGN_VERIFY");
	char *bytes = NEWS(world_mem(w), char, 4097);
	static const size_t sizes[] = { 0, 1, 4096, 4097 };
	for (size_t i = 0; i < COUNT(sizes); i++) {
		struct str message = base64_encode(world_mem(w), str_make(bytes, sizes[i]));
		EXPECT_STR(CALL(w, "Sign", "{'KeyId':'%.*s','Message':'%.*s','SigningAlgorithm':'ECDSA_SHA_256'}",
				PR(id), PR(message))
			       .code,
			   i == 1 || i == 2 ? S("") : S("ValidationException"));
	}
	world_end(w);
}

static void algorithms_are_the_key_s_own(void)
{
	struct test_world *w = testing_begin();
	struct str ec = testing_key_of(w, "ECC_NIST_P256", "SIGN_VERIFY"),
		   ed = testing_key_of(w, "ECC_NIST_EDWARDS25519", "SIGN_VERIFY"),
		   agrees = testing_key_of(w, "ECC_NIST_P256", "KEY_AGREEMENT"), symmetric = testing_key(w);
	static const char *const wrong[] = { "ECDSA_SHA_384",      "RSASSA_PSS_SHA_256", "ED25519_SHA_512",
					     "ED25519_PH_SHA_512", "ML_DSA_SHAKE_256",   "SM2DSA" };
	for (size_t i = 0; i < COUNT(wrong); i++) {
		struct str text =
		    arena_printf(world_mem(w), "Algorithm %s is incompatible with key spec ECC_NIST_P256.", wrong[i]);
		EXPECT_FAULT(sign(w, ec, wrong[i], HI), "InvalidKeyUsageException", text);
		EXPECT_FAULT(verify(w, ec, wrong[i], HI, S(HI)), "InvalidKeyUsageException", text);
	}
	EXPECT_FAULT(sign(w, ed, "ED25519_PH_SHA_512", HI), "UnsupportedOperationException",
		     S("This server does not sign with ED25519_PH_SHA_512: its crypto library does not have it."));
	EXPECT_STR(sign(w, ec, "ECDSA_SHA_1", HI).code, S("ValidationException"));
	EXPECT_FAULT(
	    CALL(w, "Sign",
		 "{'KeyId':'%.*s','Message':'" HI "','MessageType':'EXTERNAL_MU','SigningAlgorithm':'ECDSA_SHA_256'}",
		 PR(ec)),
	    "ValidationException", S("Message type EXTERNAL_MU is incompatible with algorithm ECDSA_SHA_256."));
	EXPECT_FAULT(sign(w, agrees, "ECDSA_SHA_256", HI), "InvalidKeyUsageException",
		     arena_printf(world_mem(w), KEY_ARN "%.*s key usage is KEY_AGREEMENT which is not valid for Sign.",
				  PR(agrees)));
	EXPECT_FAULT(verify(w, symmetric, "ECDSA_SHA_256", HI, S(HI)), "InvalidKeyUsageException",
		     arena_printf(world_mem(w),
				  KEY_ARN "%.*s key usage is ENCRYPT_DECRYPT which is not valid for Verify.",
				  PR(symmetric)));
	world_end(w);
}

static void touched_and_foreign_signatures_do_not_verify(void)
{
	struct test_world *w = testing_begin();
	struct str id = testing_key_of(w, "ECC_NIST_P256", "SIGN_VERIFY"),
		   other = testing_key_of(w, "ECC_NIST_P256", "SIGN_VERIFY"),
		   rsa = testing_key_of(w, "RSA_2048", "SIGN_VERIFY");
	struct str signature = world_field(w, sign(w, id, "ECDSA_SHA_256", HI), "Signature"),
		   padded = world_field(w, sign(w, rsa, "RSASSA_PSS_SHA_256", HI), "Signature"),
		   bytes = decoded(w, signature);
	EXPECT_FAULT(verify(w, other, "ECDSA_SHA_256", HI, signature), "KMSInvalidSignatureException", S(""));
	EXPECT_FAULT(verify(w, rsa, "RSASSA_PSS_SHA_256", HI, signature), "KMSInvalidSignatureException", S(""));
	EXPECT_FAULT(verify(w, rsa, "RSASSA_PSS_SHA_384", HI, padded), "KMSInvalidSignatureException", S(""));
	EXPECT_FAULT(verify(w, rsa, "RSASSA_PKCS1_V1_5_SHA_256", HI, padded), "KMSInvalidSignatureException", S(""));
	for (size_t i = 0; i < bytes.n; i++) {
		char *copy = NEWS(world_mem(w), char, bytes.n);
		memcpy(copy, bytes.p, bytes.n);
		copy[i] ^= 1;
		EXPECT_FAULT(verify(w, id, "ECDSA_SHA_256", HI, base64_encode(world_mem(w), str_make(copy, bytes.n))),
			     "KMSInvalidSignatureException", S(""));
		EXPECT_FAULT(verify(w, id, "ECDSA_SHA_256", HI, base64_encode(world_mem(w), str_sub(bytes, 0, i + 1))),
			     i + 1 < bytes.n ? "KMSInvalidSignatureException" : "", S(""));
	}
	world_end(w);
}

static void states_and_dry_runs_hold(void)
{
	struct test_world *w = testing_begin();
	struct str id = testing_key_of(w, "ECC_NIST_P256", "SIGN_VERIFY");
	struct str signature = world_field(w, sign(w, id, "ECDSA_SHA_256", HI), "Signature");
	static const char *const wants[] = { "DryRunOperationException", "DisabledException",
					     "KMSInvalidStateException" };
	static const char *const ops[] = { "Sign", "Verify" };
	for (size_t i = 0; i < 2 * COUNT(wants); i++) {
		if (i == 2 || i == 4)
			EXPECT_DONE(CALL(w, i == 2 ? "DisableKey" : "ScheduleKeyDeletion", "{'KeyId':'%.*s'}", PR(id)));
		EXPECT_STR(CALL(w, ops[i % 2],
				"{'KeyId':'%.*s','Message':'" HI
				"','SigningAlgorithm':'ECDSA_SHA_256','Signature':'%.*s','DryRun':true}",
				PR(id), PR(signature))
			       .code,
			   str_of(wants[i / 2]));
	}
	world_end(w);
}

static void algorithm_and_message_type_are_condition_keys(void)
{
	static const char only[] =
	    "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":[\"kms:Sign\",\"kms:Verify\"],"
	    "\"Resource\":\"*\",\"Condition\":{\"StringEquals\":{\"kms:SigningAlgorithm\":\"RSASSA_PSS_SHA_256\","
	    "\"kms:MessageType\":\"RAW\"}}}]}";
	struct test_world *w = testing_begin();
	struct caller alice = testing_user(w, only);
	struct str id = testing_key_of(w, "RSA_2048", "SIGN_VERIFY");
	static const char call[] = "{'KeyId':'%.*s','Message':'%s','MessageType':'%s','SigningAlgorithm':'%s'}";
	static const char digest[] = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
	EXPECT_DONE(AS(w, alice, "Sign", call, PR(id), HI, "RAW", "RSASSA_PSS_SHA_256"));
	EXPECT_DONE(AS(w, alice, "Sign", "{'KeyId':'%.*s','Message':'" HI "','SigningAlgorithm':'RSASSA_PSS_SHA_256'}",
		       PR(id)));
	EXPECT_STR(AS(w, alice, "Sign", call, PR(id), HI, "RAW", "RSASSA_PKCS1_V1_5_SHA_256").code,
		   S("AccessDeniedException"));
	EXPECT_STR(AS(w, alice, "Sign", call, PR(id), digest, "DIGEST", "RSASSA_PSS_SHA_256").code,
		   S("AccessDeniedException"));
	EXPECT_DONE(CALL(w, "Sign", call, PR(id), digest, "DIGEST", "RSASSA_PSS_SHA_256"));
	world_end(w);
}

RUN_ALL(T(every_algorithm_signs_what_everybody_verifies), T(a_digest_is_signed_as_the_message_it_is_of),
	T(messages_are_1_to_4096_bytes), T(algorithms_are_the_key_s_own),
	T(touched_and_foreign_signatures_do_not_verify), T(states_and_dry_runs_hold),
	T(algorithm_and_message_type_are_condition_keys))

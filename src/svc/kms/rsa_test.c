/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Encrypt and Decrypt with RSA keys.
 */
#include "crypto/keypair.h"
#include "svc/kms/testing.h"

#define HI     "aGk=" /* "hi" */
#define SHA1   "'EncryptionAlgorithm':'RSAES_OAEP_SHA_1'"
#define SHA256 "'EncryptionAlgorithm':'RSAES_OAEP_SHA_256'"

static struct str rsa_key(struct test_world *w) { return testing_key_of(w, "RSA_2048", "ENCRYPT_DECRYPT"); }

static struct str encrypted(struct test_world *w, struct str id, const char *how)
{
	struct test_reply r = CALL(w, "Encrypt", "{'KeyId':'%.*s','Plaintext':'" HI "',%s}", PR(id), how);
	EXPECT_DONE(r);
	return world_field(w, r, "CiphertextBlob");
}

static void what_an_rsa_key_encrypted_it_decrypts(void)
{
	static const char *const how[] = { SHA1, SHA256 };
	struct test_world *w = testing_begin();
	struct str id = rsa_key(w), bytes;
	for (size_t i = 0; i < COUNT(how); i++) {
		struct str blob = encrypted(w, id, how[i]);
		EXPECT_OK(base64_decode(world_mem(w), blob, &bytes));
		EXPECT(bytes.n == 256);
		struct test_reply r =
		    CALL(w, "Decrypt", "{'KeyId':'%.*s','CiphertextBlob':'%.*s',%s}", PR(id), PR(blob), how[i]);
		EXPECT_STR(world_field(w, r, "Plaintext"), S(HI));
		EXPECT_STR(world_field(w, r, "KeyId"), testing_arn(w, id));
		EXPECT_STR(world_field(w, r, "EncryptionAlgorithm"),
			   i ? S("RSAES_OAEP_SHA_256") : S("RSAES_OAEP_SHA_1"));
		world_restart(w);
		r = CALL(w, "Decrypt", "{'KeyId':'%.*s','CiphertextBlob':'%.*s',%s}", PR(id), PR(blob), how[i]);
		EXPECT_STR(world_field(w, r, "Plaintext"), S(HI));
		EXPECT_FAULT(
		    CALL(w, "Decrypt", "{'KeyId':'%.*s','CiphertextBlob':'%.*s',%s}", PR(id), PR(blob), how[1 - i]),
		    "InvalidCiphertextException", S(""));
	}
	world_end(w);
}

static void what_was_encrypted_outside_decrypts(void)
{
	struct test_world *w = testing_begin();
	struct str id = rsa_key(w), der, cipher;
	struct keypair *k;
	EXPECT_OK(base64_decode(
	    world_mem(w), world_field(w, CALL(w, "GetPublicKey", "{'KeyId':'%.*s'}", PR(id)), "PublicKey"), &der));
	EXPECT_OK(keypair_from_public(KEYPAIR_RSA_2048, der, &k));
	EXPECT_OK(keypair_encrypt(k, KEYPAIR_OAEP_SHA256, S("hi"), world_mem(w), &cipher));
	keypair_free(k);
	cipher = base64_encode(world_mem(w), cipher);
	struct test_reply r =
	    CALL(w, "Decrypt", "{'KeyId':'%.*s','CiphertextBlob':'%.*s'," SHA256 "}", PR(id), PR(cipher));
	EXPECT_STR(world_field(w, r, "Plaintext"), S(HI));
	world_end(w);
}

static void plaintext_must_fit_the_key(void)
{
	static const struct {
		const char *spec, *algorithm;
		size_t most;
	} cases[] = { { "RSA_2048", "RSAES_OAEP_SHA_1", 214 }, { "RSA_2048", "RSAES_OAEP_SHA_256", 190 },
		      { "RSA_3072", "RSAES_OAEP_SHA_1", 342 }, { "RSA_3072", "RSAES_OAEP_SHA_256", 318 },
		      { "RSA_4096", "RSAES_OAEP_SHA_1", 470 }, { "RSA_4096", "RSAES_OAEP_SHA_256", 446 } };
	struct test_world *w = testing_begin();
	char *zeros = NEWS(world_mem(w), char, 512);
	struct str id = { 0 };
	for (size_t i = 0; i < COUNT(cases); i++) {
		if (i % 2 == 0)
			id = testing_key_of(w, cases[i].spec, "ENCRYPT_DECRYPT");
		for (size_t more = 0; more < 2; more++) {
			struct str plain = base64_encode(world_mem(w), str_make(zeros, cases[i].most + more));
			struct test_reply r =
			    CALL(w, "Encrypt", "{'KeyId':'%.*s','Plaintext':'%.*s','EncryptionAlgorithm':'%s'}", PR(id),
				 PR(plain), cases[i].algorithm);
			if (!more)
				EXPECT_DONE(r);
			else
				EXPECT_FAULT(
				    r, "ValidationException",
				    arena_printf(world_mem(w),
						 "Algorithm %s and key spec %s cannot encrypt data larger than "
						 "%zu bytes.",
						 cases[i].algorithm, cases[i].spec, cases[i].most));
		}
	}
	world_end(w);
}

static void the_key_must_be_named_and_the_algorithm_its_own(void)
{
	struct test_world *w = testing_begin();
	struct str id = rsa_key(w), blob = encrypted(w, id, SHA256), symmetric = testing_key(w),
		   signer = testing_key_of(w, "RSA_2048", "SIGN_VERIFY");
	EXPECT_FAULT(CALL(w, "Decrypt", "{'CiphertextBlob':'%.*s'," SHA256 "}", PR(blob)), "ValidationException",
		     S("KeyId is required with the algorithm RSAES_OAEP_SHA_256."));
	EXPECT_FAULT(CALL(w, "Encrypt", "{'KeyId':'%.*s','Plaintext':'" HI "'}", PR(id)), "InvalidKeyUsageException",
		     S("Algorithm SYMMETRIC_DEFAULT is incompatible with key spec RSA_2048."));
	EXPECT_FAULT(CALL(w, "Encrypt", "{'KeyId':'%.*s','Plaintext':'" HI "'," SHA1 "}", PR(symmetric)),
		     "InvalidKeyUsageException",
		     S("Algorithm RSAES_OAEP_SHA_1 is incompatible with key spec SYMMETRIC_DEFAULT."));
	EXPECT_FAULT(CALL(w, "Encrypt", "{'KeyId':'%.*s','Plaintext':'" HI "','EncryptionAlgorithm':'SM2PKE'}", PR(id)),
		     "InvalidKeyUsageException", S("Algorithm SM2PKE is incompatible with key spec RSA_2048."));
	EXPECT_FAULT(CALL(w, "Encrypt", "{'KeyId':'%.*s','Plaintext':'" HI "'," SHA256 "}", PR(signer)),
		     "InvalidKeyUsageException",
		     arena_printf(world_mem(w), KEY_ARN "%.*s key usage is SIGN_VERIFY which is not valid for Encrypt.",
				  PR(signer)));
	EXPECT_FAULT(CALL(w, "Decrypt", "{'KeyId':'%.*s','CiphertextBlob':'%.*s'," SHA256 "}", PR(signer), PR(blob)),
		     "InvalidKeyUsageException",
		     arena_printf(world_mem(w), KEY_ARN "%.*s key usage is SIGN_VERIFY which is not valid for Decrypt.",
				  PR(signer)));
	EXPECT_FAULT(CALL(w, "Encrypt",
			  "{'KeyId':'%.*s','Plaintext':'" HI "'," SHA256 ",'EncryptionContext':{'a':'b'}}", PR(id)),
		     "ValidationException",
		     S("EncryptionContext is not supported when encrypting/decrypting with asymmetric CMKs."));
	EXPECT_STR(CALL(w, "GenerateDataKey", "{'KeyId':'%.*s','KeySpec':'AES_256'}", PR(id)).code,
		   S("InvalidKeyUsageException"));
	world_end(w);
}

static void ciphertexts_of_other_keys_and_touched_ones_do_not_open(void)
{
	struct test_world *w = testing_begin();
	struct str id = rsa_key(w), other = rsa_key(w), blob = encrypted(w, id, SHA256), symmetric = testing_key(w),
		   bytes;
	EXPECT_FAULT(CALL(w, "Decrypt", "{'KeyId':'%.*s','CiphertextBlob':'%.*s'," SHA256 "}", PR(other), PR(blob)),
		     "InvalidCiphertextException", S(""));
	EXPECT_FAULT(CALL(w, "Decrypt", "{'KeyId':'%.*s','CiphertextBlob':'%.*s'}", PR(id), PR(blob)),
		     "InvalidCiphertextException", S(""));
	struct test_reply r = CALL(w, "Encrypt", "{'KeyId':'%.*s','Plaintext':'" HI "'}", PR(symmetric));
	struct str sealed = world_field(w, r, "CiphertextBlob");
	EXPECT_STR(CALL(w, "Decrypt", "{'KeyId':'%.*s','CiphertextBlob':'%.*s'}", PR(id), PR(sealed)).code,
		   S("IncorrectKeyException"));
	EXPECT_STR(CALL(w, "Decrypt", "{'KeyId':'%.*s','CiphertextBlob':'%.*s'," SHA256 "}", PR(id), PR(sealed)).code,
		   S("InvalidCiphertextException"));
	EXPECT_OK(base64_decode(world_mem(w), blob, &bytes));
	for (size_t i = 0; i <= bytes.n; i += 32) {
		char *copy = NEWS(world_mem(w), char, bytes.n + 1);
		memcpy(copy, bytes.p, bytes.n);
		copy[i] ^= 1; /* the last time: a byte too many */
		struct str text = base64_encode(world_mem(w), str_make(copy, i < bytes.n ? bytes.n : bytes.n + 1));
		EXPECT_FAULT(
		    CALL(w, "Decrypt", "{'KeyId':'%.*s','CiphertextBlob':'%.*s'," SHA256 "}", PR(id), PR(text)),
		    "InvalidCiphertextException", S(""));
		text = base64_encode(world_mem(w), str_sub(bytes, 0, i ? i - 1 : 1));
		EXPECT_FAULT(
		    CALL(w, "Decrypt", "{'KeyId':'%.*s','CiphertextBlob':'%.*s'," SHA256 "}", PR(id), PR(text)),
		    "InvalidCiphertextException", S(""));
	}
	world_end(w);
}

static void states_and_dry_runs_hold_for_rsa_keys(void)
{
	struct test_world *w = testing_begin();
	struct str id = rsa_key(w), blob = encrypted(w, id, SHA256);
	static const char *const wants[] = { "DryRunOperationException", "DisabledException",
					     "KMSInvalidStateException" };
	for (size_t i = 0; i < COUNT(wants); i++) {
		if (i)
			EXPECT_DONE(CALL(w, i == 1 ? "DisableKey" : "ScheduleKeyDeletion", "{'KeyId':'%.*s'}", PR(id)));
		EXPECT_STR(
		    CALL(w, "Encrypt", "{'KeyId':'%.*s','Plaintext':'" HI "'," SHA256 ",'DryRun':true}", PR(id)).code,
		    str_of(wants[i]));
		EXPECT_STR(CALL(w, "Decrypt", "{'KeyId':'%.*s','CiphertextBlob':'%.*s'," SHA256 ",'DryRun':true}",
				PR(id), PR(blob))
			       .code,
			   str_of(wants[i]));
	}
	world_end(w);
}

RUN_ALL(T(what_an_rsa_key_encrypted_it_decrypts), T(what_was_encrypted_outside_decrypts), T(plaintext_must_fit_the_key),
	T(the_key_must_be_named_and_the_algorithm_its_own), T(ciphertexts_of_other_keys_and_touched_ones_do_not_open),
	T(states_and_dry_runs_hold_for_rsa_keys))

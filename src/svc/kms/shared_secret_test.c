/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DeriveSharedSecret: both sides come to the same secret, and only keys of one curve agree.
 */
#include "crypto/keypair.h"
#include "svc/kms/testing.h"

static struct str decoded(struct test_world *w, struct str text)
{
	struct str bytes = { 0 };
	EXPECT_OK(base64_decode(world_mem(w), text, &bytes));
	return bytes;
}

static struct str public_key(struct test_world *w, struct str id)
{
	return world_field(w, CALL(w, "GetPublicKey", "{'KeyId':'%.*s'}", PR(id)), "PublicKey");
}

static struct test_reply derive(struct test_world *w, struct str id, struct str peer)
{
	return CALL(w, "DeriveSharedSecret", "{'KeyId':'%.*s','KeyAgreementAlgorithm':'ECDH','PublicKey':'%.*s'}",
		    PR(id), PR(peer));
}

static void both_sides_come_to_the_same_secret(void)
{
	static const struct {
		const char *spec;
		enum keypair_spec keypair;
		size_t n;
	} kinds[] = { { "ECC_NIST_P256", KEYPAIR_P256, 32 },
		      { "ECC_NIST_P384", KEYPAIR_P384, 48 },
		      { "ECC_NIST_P521", KEYPAIR_P521, 66 } };
	struct test_world *w = testing_begin();
	for (size_t i = 0; i < COUNT(kinds); i++) {
		struct str id = testing_key_of(w, kinds[i].spec, "KEY_AGREEMENT"),
			   other = testing_key_of(w, kinds[i].spec, "KEY_AGREEMENT"), theirs;
		struct keypair *peer;
		EXPECT_OK(keypair_generate(kinds[i].keypair, &peer));
		struct test_reply r = derive(w, id, base64_encode(world_mem(w), keypair_public(peer, world_mem(w))));
		EXPECT_STR(world_field(w, r, "KeyId"), testing_arn(w, id));
		EXPECT_STR(world_field(w, r, "KeyAgreementAlgorithm"), S("ECDH"));
		EXPECT_STR(world_field(w, r, "KeyOrigin"), S("AWS_KMS"));
		struct str ours = decoded(w, world_field(w, r, "SharedSecret"));
		EXPECT(ours.n == kinds[i].n);
		EXPECT_OK(keypair_agree(peer, decoded(w, public_key(w, id)), world_mem(w), &theirs));
		EXPECT(secret_eq(ours, theirs));
		keypair_free(peer);
		EXPECT_STR(world_field(w, derive(w, id, public_key(w, other)), "SharedSecret"),
			   world_field(w, derive(w, other, public_key(w, id)), "SharedSecret"));
	}
	world_end(w);
}

enum { UNUSED_BITS = 25 }; /* of the bit string in a P-256 key: one of them means the same point every other time */

static void only_public_keys_of_the_same_curve_agree(void)
{
	static const char *const others[][2] = { { "ECC_NIST_P384", "KEY_AGREEMENT" },
						 { "ECC_SECG_P256K1", "SIGN_VERIFY" },
						 { "ECC_NIST_EDWARDS25519", "SIGN_VERIFY" },
						 { "RSA_2048", "SIGN_VERIFY" } };
	struct test_world *w = testing_begin();
	struct str id = testing_key_of(w, "ECC_NIST_P256", "KEY_AGREEMENT"), own = decoded(w, public_key(w, id));
	struct str sentence = S("The public key is not a valid key of the key spec ECC_NIST_P256.");
	for (size_t i = 0; i < COUNT(others); i++) {
		struct str other = testing_key_of(w, others[i][0], others[i][1]);
		EXPECT_FAULT(derive(w, id, public_key(w, other)), "ValidationException", sentence);
	}
	for (size_t i = 0; i < own.n; i++) {
		char *copy = NEWS(world_mem(w), char, own.n + 1);
		memcpy(copy, own.p, own.n);
		if (i == UNUSED_BITS)
			continue;
		copy[i] ^= 1; /* another algorithm, another curve, or a point that is not on the curve */
		EXPECT_FAULT(derive(w, id, base64_encode(world_mem(w), str_make(copy, own.n))), "ValidationException",
			     sentence);
	}
	EXPECT_FAULT(derive(w, id, S("AAAA")), "ValidationException", sentence);
	world_end(w);
}

static void keys_of_other_usages_do_not_agree(void)
{
	struct test_world *w = testing_begin();
	struct str id = testing_key_of(w, "ECC_NIST_P256", "SIGN_VERIFY");
	EXPECT_FAULT(derive(w, id, public_key(w, id)), "InvalidKeyUsageException",
		     arena_printf(world_mem(w),
				  KEY_ARN "%.*s key usage is SIGN_VERIFY which is not valid for DeriveSharedSecret.",
				  PR(id)));
	EXPECT_STR(derive(w, testing_key(w), S("AAAA")).code, S("InvalidKeyUsageException"));
	world_end(w);
}

static void states_dry_runs_and_enclaves(void)
{
	static const char *const wants[] = { "DryRunOperationException", "DisabledException",
					     "KMSInvalidStateException" };
	struct test_world *w = testing_begin();
	struct str id = testing_key_of(w, "ECC_NIST_P256", "KEY_AGREEMENT"), own = public_key(w, id);
	for (size_t i = 0; i < COUNT(wants); i++) {
		if (i)
			EXPECT_DONE(CALL(w, i == 1 ? "DisableKey" : "ScheduleKeyDeletion", "{'KeyId':'%.*s'}", PR(id)));
		EXPECT_STR(CALL(w, "DeriveSharedSecret",
				"{'KeyId':'%.*s','KeyAgreementAlgorithm':'ECDH','PublicKey':'%.*s','DryRun':true}",
				PR(id), PR(own))
			       .code,
			   str_of(wants[i]));
	}
	EXPECT_STR(CALL(w, "DeriveSharedSecret",
			"{'KeyId':'%.*s','KeyAgreementAlgorithm':'ECDH','PublicKey':'%.*s','Recipient':{}}", PR(id),
			PR(own))
		       .code,
		   S("UnsupportedOperationException"));
	world_end(w);
}

#define ONLY(algorithm)                                                                                           \
	"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"kms:DeriveSharedSecret\"," \
	"\"Resource\":\"*\",\"Condition\":{\"StringEquals\":{\"kms:KeyAgreementAlgorithm\":\"" algorithm "\"}}}]}"

static void the_algorithm_is_a_condition_key(void)
{
	struct test_world *w = testing_begin();
	struct str id = testing_key_of(w, "ECC_NIST_P256", "KEY_AGREEMENT"), own = public_key(w, id);
	for (int good = 0; good < 2; good++) {
		struct caller alice = testing_user(w, good ? ONLY("ECDH") : ONLY("XDH"));
		EXPECT_STR(AS(w, alice, "DeriveSharedSecret",
			      "{'KeyId':'%.*s','KeyAgreementAlgorithm':'ECDH','PublicKey':'%.*s'}", PR(id), PR(own))
			       .code,
			   good ? S("") : S("AccessDeniedException"));
	}
	world_end(w);
}

RUN_ALL(T(both_sides_come_to_the_same_secret), T(only_public_keys_of_the_same_curve_agree),
	T(keys_of_other_usages_do_not_agree), T(states_dry_runs_and_enclaves), T(the_algorithm_is_a_condition_key))

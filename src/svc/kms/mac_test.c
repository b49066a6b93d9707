/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GenerateMac and VerifyMac.
 */
#include "svc/kms/testing.h"

#define HI "aGk=" /* "hi" */

static struct test_reply generate(struct test_world *w, struct str id, const char *algorithm)
{
	return CALL(w, "GenerateMac", "{'KeyId':'%.*s','Message':'" HI "','MacAlgorithm':'%s'}", PR(id), algorithm);
}

static struct test_reply verify(struct test_world *w, struct str id, const char *algorithm, const char *message,
				struct str mac)
{
	return CALL(w, "VerifyMac", "{'KeyId':'%.*s','Message':'%s','MacAlgorithm':'%s','Mac':'%.*s'}", PR(id), message,
		    algorithm, PR(mac));
}

static void every_hmac_key_verifies_its_own_macs(void)
{
	static const struct {
		const char *spec, *algorithm;
		size_t n;
	} kinds[] = { { "HMAC_224", "HMAC_SHA_224", 28 },
		      { "HMAC_256", "HMAC_SHA_256", 32 },
		      { "HMAC_384", "HMAC_SHA_384", 48 },
		      { "HMAC_512", "HMAC_SHA_512", 64 } };
	struct test_world *w = testing_begin();
	for (size_t i = 0; i < COUNT(kinds); i++) {
		struct str bytes, id = testing_key_of(w, kinds[i].spec, "GENERATE_VERIFY_MAC");
		struct test_reply r = generate(w, id, kinds[i].algorithm);
		struct str mac = world_field(w, r, "Mac");
		EXPECT_STR(world_field(w, r, "KeyId"), testing_arn(w, id));
		EXPECT_STR(world_field(w, r, "MacAlgorithm"), str_of(kinds[i].algorithm));
		EXPECT_OK(base64_decode(world_mem(w), mac, &bytes));
		EXPECT(bytes.n == kinds[i].n);
		world_restart(w);
		EXPECT_STR(world_field(w, generate(w, id, kinds[i].algorithm), "Mac"), mac);
		r = verify(w, id, kinds[i].algorithm, HI, mac);
		EXPECT_STR(world_field(w, r, "MacValid"), S("true"));
		EXPECT_STR(world_field(w, r, "KeyId"), testing_arn(w, id));
		EXPECT_STR(world_field(w, r, "MacAlgorithm"), str_of(kinds[i].algorithm));
		EXPECT_FAULT(verify(w, id, kinds[i].algorithm, "aGo=", mac), "KMSInvalidMacException", S(""));
	}
	world_end(w);
}

static void touched_and_foreign_macs_do_not_verify(void)
{
	struct test_world *w = testing_begin();
	struct str id = testing_key_of(w, "HMAC_256", "GENERATE_VERIFY_MAC"),
		   other = testing_key_of(w, "HMAC_256", "GENERATE_VERIFY_MAC"), bytes;
	struct str mac = world_field(w, generate(w, id, "HMAC_SHA_256"), "Mac");
	EXPECT_FAULT(verify(w, other, "HMAC_SHA_256", HI, mac), "KMSInvalidMacException", S(""));
	EXPECT_OK(base64_decode(world_mem(w), mac, &bytes));
	for (size_t i = 0; i < bytes.n; i++) {
		char *copy = NEWS(world_mem(w), char, bytes.n);
		memcpy(copy, bytes.p, bytes.n);
		copy[i] ^= 1;
		EXPECT_FAULT(verify(w, id, "HMAC_SHA_256", HI, base64_encode(world_mem(w), str_make(copy, bytes.n))),
			     "KMSInvalidMacException", S(""));
		EXPECT_FAULT(verify(w, id, "HMAC_SHA_256", HI, base64_encode(world_mem(w), str_sub(bytes, 0, i + 1))),
			     i + 1 < bytes.n ? "KMSInvalidMacException" : "", S(""));
	}
	world_end(w);
}

static void algorithms_and_keys_must_fit(void)
{
	struct test_world *w = testing_begin();
	struct str id = testing_key_of(w, "HMAC_224", "GENERATE_VERIFY_MAC"), symmetric = testing_key(w);
	EXPECT_FAULT(generate(w, id, "HMAC_SHA_256"), "InvalidKeyUsageException",
		     S("Algorithm HMAC_SHA_256 is incompatible with key spec HMAC_224."));
	EXPECT_FAULT(verify(w, id, "HMAC_SHA_512", HI, S(HI)), "InvalidKeyUsageException",
		     S("Algorithm HMAC_SHA_512 is incompatible with key spec HMAC_224."));
	EXPECT_FAULT(generate(w, symmetric, "HMAC_SHA_256"), "InvalidKeyUsageException",
		     arena_printf(world_mem(w),
				  KEY_ARN "%.*s key usage is ENCRYPT_DECRYPT which is not valid for GenerateMac.",
				  PR(symmetric)));
	EXPECT_STR(CALL(w, "Encrypt", "{'KeyId':'%.*s','Plaintext':'" HI "'}", PR(id)).code,
		   S("InvalidKeyUsageException"));
	EXPECT_STR(generate(w, id, "HMAC_MD5").code, S("ValidationException"));
	world_end(w);
}

static void states_and_dry_runs_hold(void)
{
	struct test_world *w = testing_begin();
	struct str id = testing_key_of(w, "HMAC_256", "GENERATE_VERIFY_MAC");
	struct str mac = world_field(w, generate(w, id, "HMAC_SHA_256"), "Mac");
	static const char *const wants[] = { "DryRunOperationException", "DisabledException",
					     "KMSInvalidStateException" };
	static const char *const ops[] = { "GenerateMac", "VerifyMac" };
	for (size_t i = 0; i < 2 * COUNT(wants); i++) {
		if (i == 2 || i == 4)
			EXPECT_DONE(CALL(w, i == 2 ? "DisableKey" : "ScheduleKeyDeletion", "{'KeyId':'%.*s'}", PR(id)));
		EXPECT_STR(CALL(w, ops[i % 2],
				"{'KeyId':'%.*s','Message':'" HI
				"','MacAlgorithm':'HMAC_SHA_256','Mac':'%.*s','DryRun':true}",
				PR(id), PR(mac))
			       .code,
			   str_of(wants[i / 2]));
	}
	world_end(w);
}

static void the_algorithm_is_a_condition_key(void)
{
	static const char only[] =
	    "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"kms:GenerateMac\","
	    "\"Resource\":\"*\",\"Condition\":{\"StringEquals\":{\"kms:MacAlgorithm\":\"HMAC_SHA_384\"}}}]}";
	struct test_world *w = testing_begin();
	struct caller alice = testing_user(w, only);
	struct str good = testing_key_of(w, "HMAC_384", "GENERATE_VERIFY_MAC"),
		   bad = testing_key_of(w, "HMAC_256", "GENERATE_VERIFY_MAC");
	static const char call[] = "{'KeyId':'%.*s','Message':'" HI "','MacAlgorithm':'%s'}";
	EXPECT_DONE(AS(w, alice, "GenerateMac", call, PR(good), "HMAC_SHA_384"));
	EXPECT_STR(AS(w, alice, "GenerateMac", call, PR(bad), "HMAC_SHA_256").code, S("AccessDeniedException"));
	world_end(w);
}

RUN_ALL(T(every_hmac_key_verifies_its_own_macs), T(touched_and_foreign_macs_do_not_verify),
	T(algorithms_and_keys_must_fit), T(states_and_dry_runs_hold), T(the_algorithm_is_a_condition_key))

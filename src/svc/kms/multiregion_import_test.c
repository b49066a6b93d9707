/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Multi-Region keys with imported material: each region is given the same bytes, and no others.
 */
#include "crypto/keypair.h"
#include "svc/kms/multiregion_testing.h"

#define BYTES_A "0123456789abcdef0123456789abcdef"
#define BYTES_B "fedcba9876543210fedcba9876543210"
#define BYTES_C "ffffffff76543210fedcba9876543210"
#define FOREVER ",'ExpirationModel':'KEY_MATERIAL_DOES_NOT_EXPIRE'"
#define FRESH   FOREVER ",'ImportType':'NEW_KEY_MATERIAL'"

static struct test_reply import(struct test_world *w, const char *region, struct str id, const char *bytes,
				const char *more)
{
	struct str spki, cipher;
	struct keypair *to;
	struct test_reply r =
	    CALL_IN(w, region, "GetParametersForImport",
		    "{'KeyId':'%.*s','WrappingAlgorithm':'RSAES_OAEP_SHA_256','WrappingKeySpec':'RSA_2048'}", PR(id));
	EXPECT_DONE(r);
	EXPECT_OK(base64_decode(world_mem(w), world_field(w, r, "PublicKey"), &spki));
	EXPECT_OK(keypair_from_public(KEYPAIR_RSA_2048, spki, &to));
	EXPECT_OK(keypair_encrypt(to, KEYPAIR_OAEP_SHA256, str_of(bytes), world_mem(w), &cipher));
	keypair_free(to);
	return CALL_IN(w, region, "ImportKeyMaterial",
		       "{'KeyId':'%.*s','ImportToken':'%.*s','EncryptedKeyMaterial':'%.*s'%s}", PR(id),
		       PR(world_field(w, r, "ImportToken")), PR(base64_encode(world_mem(w), cipher)), more);
}

static struct str primary(struct test_world *w)
{
	struct str id = testing_primary(w, ",'Origin':'EXTERNAL'");
	EXPECT_DONE(import(w, HOME, id, BYTES_A, FOREVER));
	return id;
}

/* The state of the last of the key's materials. */
static struct str last(struct test_world *w, const char *region, struct str id, int i, const char *member)
{
	struct test_reply r =
	    CALL_IN(w, region, "ListKeyRotations", "{'KeyId':'%.*s','IncludeKeyMaterial':'ALL_KEY_MATERIAL'}", PR(id));
	EXPECT_DONE(r);
	return world_field(w, r, str_z(world_mem(w), arena_printf(world_mem(w), "Rotations.%d.%s", i, member)));
}

static void a_replica_waits_for_the_same_material(void)
{
	struct test_world *w = testing_begin();
	struct str id = testing_primary(w, ",'Origin':'EXTERNAL'");
	EXPECT_FAULT(CALL(w, "ReplicateKey", "{'KeyId':'%.*s','ReplicaRegion':'" ABROAD "'}", PR(id)),
		     "KMSInvalidStateException",
		     arena_printf(world_mem(w), "%.*s is pending import.", PR(testing_arn(w, id))));
	EXPECT_DONE(import(w, HOME, id, BYTES_A, FOREVER));
	struct str blob = testing_seal_in(w, HOME, id);
	testing_replicate(w, id, ABROAD);
	EXPECT_STR(testing_about(w, ABROAD, id, "KeyState"), S("PendingImport"));
	EXPECT_STR(testing_open_in(w, ABROAD, blob), S("KMSInvalidStateException"));
	EXPECT_STR(last(w, ABROAD, id, 0, "ImportState"), S("PENDING_IMPORT"));
	EXPECT_FAULT(import(w, ABROAD, id, BYTES_B, FOREVER), "IncorrectKeyMaterialException",
		     S("The key material is not the same as the one imported before."));
	EXPECT_STR(import(w, ABROAD, id, BYTES_A, FRESH).code, S("UnsupportedOperationException"));
	EXPECT_STR(testing_about(w, ABROAD, id, "KeyState"), S("PendingImport"));
	EXPECT_DONE(import(w, ABROAD, id, BYTES_A, FOREVER));
	EXPECT_STR(testing_about(w, ABROAD, id, "KeyState"), S("Enabled"));
	EXPECT_STR(last(w, ABROAD, id, 0, "KeyMaterialId"), last(w, HOME, id, 0, "KeyMaterialId"));
	EXPECT_STR(testing_open_in(w, ABROAD, blob), S("aGk="));
	EXPECT_STR(testing_open_in(w, HOME, testing_seal_in(w, ABROAD, id)), S("aGk="));
	world_end(w);
}

static void each_region_s_material_goes_by_itself(void)
{
	struct test_world *w = testing_begin();
	struct str id = primary(w), blob = testing_seal_in(w, HOME, id);
	testing_replicate(w, id, ABROAD);
	EXPECT_DONE(import(w, ABROAD, id, BYTES_A, FOREVER));
	EXPECT_DONE(CALL(w, "DeleteImportedKeyMaterial", "{'KeyId':'%.*s'}", PR(id)));
	EXPECT_STR(testing_open_in(w, HOME, blob), S("KMSInvalidStateException"));
	EXPECT_STR(testing_open_in(w, ABROAD, blob), S("aGk="));
	EXPECT_DONE(import(w, HOME, id, BYTES_A, FOREVER));
	struct str soon = arena_printf(world_mem(w), ",'ValidTo':%lld", (long long)(JAN_1 / 1000 + 86400));
	EXPECT_DONE(import(w, ABROAD, id, BYTES_A, str_z(world_mem(w), soon)));
	EXPECT_STR(testing_about(w, ABROAD, id, "ExpirationModel"), S("KEY_MATERIAL_EXPIRES"));
	EXPECT_STR(testing_about(w, HOME, id, "ExpirationModel"), S("KEY_MATERIAL_DOES_NOT_EXPIRE"));
	world_later(w, DAY_MS);
	EXPECT_STR(testing_open_in(w, ABROAD, blob), S("KMSInvalidStateException"));
	EXPECT_STR(testing_open_in(w, HOME, blob), S("aGk="));
	EXPECT_DONE(import(w, ABROAD, id, BYTES_A, FOREVER));
	EXPECT_STR(testing_open_in(w, ABROAD, blob), S("aGk="));
	world_end(w);
}

static void new_material_comes_by_way_of_the_primary(void)
{
	static const struct str waits = { "PENDING_MULTI_REGION_IMPORT_AND_ROTATION", 40 };
	struct test_world *w = testing_begin();
	struct str id = primary(w), blob = testing_seal_in(w, HOME, id);
	testing_replicate(w, id, ABROAD);
	testing_replicate(w, id, THIRD);
	EXPECT_DONE(import(w, ABROAD, id, BYTES_A, FOREVER));
	EXPECT_DONE(import(w, THIRD, id, BYTES_A, FOREVER));
	EXPECT_STR(import(w, ABROAD, id, BYTES_B, FOREVER).code, S("IncorrectKeyMaterialException"));
	EXPECT_DONE(import(w, HOME, id, BYTES_B, FRESH));
	EXPECT_STR(last(w, HOME, id, 1, "KeyMaterialState"), waits);
	EXPECT_STR(last(w, ABROAD, id, 1, "KeyMaterialState"), S("PENDING_ROTATION"));
	EXPECT_STR(last(w, ABROAD, id, 1, "ImportState"), S("PENDING_IMPORT"));
	EXPECT_STR(testing_about(w, ABROAD, id, "KeyState"), S("Enabled"));
	struct str unready = arena_printf(
	    world_mem(w), "The key material pending rotation is not imported into all replica keys of %.*s.",
	    PR(testing_arn(w, id)));
	EXPECT_FAULT(CALL(w, "RotateKeyOnDemand", "{'KeyId':'%.*s'}", PR(id)), "KMSInvalidStateException", unready);
	EXPECT_STR(import(w, ABROAD, id, BYTES_C, FOREVER).code, S("IncorrectKeyMaterialException"));
	EXPECT_DONE(import(w, ABROAD, id, BYTES_B, FOREVER));
	EXPECT_STR(last(w, HOME, id, 1, "KeyMaterialState"), waits);
	EXPECT_FAULT(CALL(w, "RotateKeyOnDemand", "{'KeyId':'%.*s'}", PR(id)), "KMSInvalidStateException", unready);
	EXPECT_DONE(import(w, THIRD, id, BYTES_B, FOREVER ",'ImportType':'EXISTING_KEY_MATERIAL'"));
	EXPECT_STR(last(w, HOME, id, 1, "KeyMaterialState"), S("PENDING_ROTATION"));
	EXPECT_STR(CALL_IN(w, ABROAD, "RotateKeyOnDemand", "{'KeyId':'%.*s'}", PR(id)).code,
		   S("UnsupportedOperationException"));
	EXPECT_DONE(CALL(w, "RotateKeyOnDemand", "{'KeyId':'%.*s'}", PR(id)));
	static const char *const regions[] = { HOME, ABROAD, THIRD };
	struct str now = testing_seal_in(w, ABROAD, id);
	for (size_t i = 0; i < COUNT(regions); i++) {
		EXPECT_STR(last(w, regions[i], id, 0, "KeyMaterialState"), S("NON_CURRENT"));
		EXPECT_STR(last(w, regions[i], id, 1, "KeyMaterialState"), S("CURRENT"));
		EXPECT_STR(last(w, regions[i], id, 1, "RotationType"), S("ON_DEMAND"));
		EXPECT_STR(testing_open_in(w, regions[i], blob), S("aGk="));
		EXPECT_STR(testing_open_in(w, regions[i], now), S("aGk="));
	}
	world_end(w);
}

static void material_that_is_pending_goes_everywhere_with_the_primary_s(void)
{
	struct test_world *w = testing_begin();
	struct str id = primary(w);
	testing_replicate(w, id, ABROAD);
	EXPECT_DONE(import(w, ABROAD, id, BYTES_A, FOREVER));
	EXPECT_DONE(import(w, HOME, id, BYTES_B, FRESH));
	EXPECT_DONE(import(w, ABROAD, id, BYTES_B, FOREVER));
	struct str material = last(w, ABROAD, id, 1, "KeyMaterialId");
	EXPECT_DONE(CALL_IN(w, ABROAD, "DeleteImportedKeyMaterial", "{'KeyId':'%.*s','KeyMaterialId':'%.*s'}", PR(id),
			    PR(material)));
	EXPECT_STR(last(w, ABROAD, id, 1, "ImportState"), S("PENDING_IMPORT")); /* the primary still waits for it */
	EXPECT_STR(last(w, HOME, id, 1, "ImportState"), S("IMPORTED"));
	EXPECT_DONE(import(w, ABROAD, id, BYTES_B, FOREVER));
	EXPECT_DONE(
	    CALL(w, "DeleteImportedKeyMaterial", "{'KeyId':'%.*s','KeyMaterialId':'%.*s'}", PR(id), PR(material)));
	EXPECT(!last(w, HOME, id, 1, "KeyId").p && !last(w, ABROAD, id, 1, "KeyId").p);
	EXPECT_DONE(import(w, HOME, id, BYTES_C, FRESH));
	EXPECT_DONE(import(w, ABROAD, id, BYTES_C, FOREVER));
	EXPECT_DONE(CALL(w, "RotateKeyOnDemand", "{'KeyId':'%.*s'}", PR(id)));
	EXPECT_STR(testing_open_in(w, ABROAD, testing_seal_in(w, HOME, id)), S("aGk="));
	world_end(w);
}

static void hmac_keys_are_imported_everywhere_too(void)
{
	struct test_world *w = testing_begin();
	struct str id =
	    testing_primary(w, ",'Origin':'EXTERNAL','KeySpec':'HMAC_256','KeyUsage':'GENERATE_VERIFY_MAC'");
	EXPECT_DONE(import(w, HOME, id, BYTES_A, FOREVER));
	testing_replicate(w, id, ABROAD);
	EXPECT_STR(import(w, ABROAD, id, BYTES_B, FOREVER).code, S("IncorrectKeyMaterialException"));
	EXPECT_DONE(import(w, ABROAD, id, BYTES_A, FOREVER));
	struct test_reply r =
	    CALL(w, "GenerateMac", "{'KeyId':'%.*s','Message':'aGk=','MacAlgorithm':'HMAC_SHA_256'}", PR(id));
	EXPECT_DONE(CALL_IN(w, ABROAD, "VerifyMac",
			    "{'KeyId':'%.*s','Message':'aGk=','MacAlgorithm':'HMAC_SHA_256','Mac':'%.*s'}", PR(id),
			    PR(world_field(w, r, "Mac"))));
	world_end(w);
}

static void the_primary_region_of_imported_keys_moves_too(void)
{
	struct test_world *w = testing_begin();
	struct str id = primary(w);
	testing_replicate(w, id, ABROAD);
	EXPECT_FAULT(CALL(w, "UpdatePrimaryRegion", "{'KeyId':'%.*s','PrimaryRegion':'" ABROAD "'}", PR(id)),
		     "KMSInvalidStateException",
		     arena_printf(world_mem(w), "%.*s is pending import.", PR(testing_arn_in(w, ABROAD, id))));
	EXPECT_DONE(import(w, ABROAD, id, BYTES_A, FOREVER));
	EXPECT_DONE(CALL(w, "UpdatePrimaryRegion", "{'KeyId':'%.*s','PrimaryRegion':'" ABROAD "'}", PR(id)));
	EXPECT_STR(import(w, HOME, id, BYTES_B, FRESH).code, S("UnsupportedOperationException"));
	EXPECT_DONE(import(w, ABROAD, id, BYTES_B, FRESH));
	EXPECT_DONE(import(w, HOME, id, BYTES_B, FOREVER));
	EXPECT_DONE(CALL_IN(w, ABROAD, "RotateKeyOnDemand", "{'KeyId':'%.*s'}", PR(id)));
	EXPECT_STR(testing_open_in(w, HOME, testing_seal_in(w, ABROAD, id)), S("aGk="));
	world_end(w);
}

RUN_ALL(T(a_replica_waits_for_the_same_material), T(each_region_s_material_goes_by_itself),
	T(new_material_comes_by_way_of_the_primary), T(material_that_is_pending_goes_everywhere_with_the_primary_s),
	T(hmac_keys_are_imported_everywhere_too), T(the_primary_region_of_imported_keys_moves_too))

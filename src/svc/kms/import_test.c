/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Imported key material: its way in, its expiry, its coming back, its rotation.
 */
#include "crypto/keypair.h"
#include "svc/kms/testing.h"

#include <inttypes.h>

static const int64_t DAY = DAY_MS;
#define BYTES_A "0123456789abcdef0123456789abcdef"
#define BYTES_B "fedcba9876543210fedcba9876543210"
#define FOREVER ",'ExpirationModel':'KEY_MATERIAL_DOES_NOT_EXPIRE'"

static struct str external(struct test_world *w)
{
	struct test_reply r = CALL(w, "CreateKey", "{'Origin':'EXTERNAL'}");
	EXPECT_DONE(r);
	return world_field(w, r, "KeyMetadata.KeyId");
}

struct parcel {
	struct str token, encrypted; /* base64 */
};

static struct parcel pack_up(struct test_world *w, struct str id, struct str bytes)
{
	struct str spki, cipher;
	struct keypair *to;
	struct test_reply r =
	    CALL(w, "GetParametersForImport",
		 "{'KeyId':'%.*s','WrappingAlgorithm':'RSAES_OAEP_SHA_256','WrappingKeySpec':'RSA_2048'}", PR(id));
	EXPECT_DONE(r);
	EXPECT_OK(base64_decode(world_mem(w), world_field(w, r, "PublicKey"), &spki));
	EXPECT_OK(keypair_from_public(KEYPAIR_RSA_2048, spki, &to));
	EXPECT_OK(keypair_encrypt(to, KEYPAIR_OAEP_SHA256, bytes, world_mem(w), &cipher));
	keypair_free(to);
	return (struct parcel){ world_field(w, r, "ImportToken"), base64_encode(world_mem(w), cipher) };
}

static struct test_reply deliver(struct test_world *w, struct str id, struct parcel p, const char *more)
{
	return CALL(w, "ImportKeyMaterial", "{'KeyId':'%.*s','ImportToken':'%.*s','EncryptedKeyMaterial':'%.*s'%s}",
		    PR(id), PR(p.token), PR(p.encrypted), more);
}

static struct test_reply import(struct test_world *w, struct str id, const char *bytes, const char *more)
{
	return deliver(w, id, pack_up(w, id, str_of(bytes)), more);
}

static struct str until(struct test_world *w, int days)
{
	return arena_printf(world_mem(w), ",'ValidTo':%" PRId64, (JAN_1 + days * DAY) / 1000);
}

static struct str seal(struct test_world *w, struct str id)
{
	struct test_reply r = CALL(w, "Encrypt", "{'KeyId':'%.*s','Plaintext':'aGk='}", PR(id));
	EXPECT_DONE(r);
	return world_field(w, r, "CiphertextBlob");
}

static struct test_reply open(struct test_world *w, struct str blob)
{
	return CALL(w, "Decrypt", "{'CiphertextBlob':'%.*s'}", PR(blob));
}

static struct str field(struct test_world *w, struct str id, const char *path)
{
	return world_field(w, CALL(w, "DescribeKey", "{'KeyId':'%.*s'}", PR(id)), path);
}

static struct str listed(struct test_world *w, struct str id, const char *path)
{
	struct test_reply r =
	    CALL(w, "ListKeyRotations", "{'KeyId':'%.*s','IncludeKeyMaterial':'ALL_KEY_MATERIAL'}", PR(id));
	EXPECT_DONE(r);
	return world_field(w, r, path);
}

static void expect_pending(struct test_world *w, struct test_reply r, struct str id)
{
	EXPECT_FAULT(r, "KMSInvalidStateException",
		     arena_printf(world_mem(w), "%.*s is pending import.", PR(testing_arn(w, id))));
}

/* ---- in ---------------------------------------------------------------------------- */

static void a_key_of_origin_external_waits_for_its_material(void)
{
	struct test_world *w = testing_begin();
	struct str id = external(w);
	EXPECT_STR(testing_state(w, id), S("PendingImport"));
	EXPECT_STR(field(w, id, "KeyMetadata.Origin"), S("EXTERNAL"));
	EXPECT(!field(w, id, "KeyMetadata.ExpirationModel").p && !field(w, id, "KeyMetadata.CurrentKeyMaterialId").p);
	expect_pending(w, CALL(w, "Encrypt", "{'KeyId':'%.*s','Plaintext':'aGk='}", PR(id)), id);
	expect_pending(w, CALL(w, "EnableKey", "{'KeyId':'%.*s'}", PR(id)), id);
	expect_pending(w, CALL(w, "DisableKey", "{'KeyId':'%.*s'}", PR(id)), id);
	expect_pending(w, CALL(w, "RotateKeyOnDemand", "{'KeyId':'%.*s'}", PR(id)), id);
	EXPECT_STR(CALL(w, "EnableKeyRotation", "{'KeyId':'%.*s'}", PR(id)).code, S("UnsupportedOperationException"));
	EXPECT_DONE(CALL(w, "CreateAlias", "{'AliasName':'alias/own','TargetKeyId':'%.*s'}", PR(id)));
	EXPECT_DONE(CALL(w, "UpdateKeyDescription", "{'KeyId':'%.*s','Description':'d'}", PR(id)));
	EXPECT_DONE(CALL(w, "DeleteImportedKeyMaterial", "{'KeyId':'%.*s'}", PR(id)));
	EXPECT_DONE(CALL(w, "ScheduleKeyDeletion", "{'KeyId':'%.*s'}", PR(id)));
	EXPECT_DONE(CALL(w, "CancelKeyDeletion", "{'KeyId':'%.*s'}", PR(id)));
	EXPECT_STR(testing_state(w, id), S("PendingImport"));
	world_end(w);
}

static void imported_material_makes_it_work(void)
{
	struct test_world *w = testing_begin();
	struct str id = external(w);
	struct test_reply r = import(w, id, BYTES_A, FOREVER);
	EXPECT_DONE(r);
	EXPECT_STR(world_field(w, r, "KeyId"), testing_arn(w, id));
	EXPECT(world_field(w, r, "KeyMaterialId").n == 64);
	EXPECT_STR(testing_state(w, id), S("Enabled"));
	EXPECT_STR(field(w, id, "KeyMetadata.ExpirationModel"), S("KEY_MATERIAL_DOES_NOT_EXPIRE"));
	EXPECT_STR(field(w, id, "KeyMetadata.CurrentKeyMaterialId"), world_field(w, r, "KeyMaterialId"));
	struct str blob = seal(w, id);
	world_restart(w);
	EXPECT_STR(world_field(w, open(w, blob), "Plaintext"), S("aGk="));
	EXPECT_STR(listed(w, id, "Rotations.0.ImportState"), S("IMPORTED"));
	EXPECT_STR(listed(w, id, "Rotations.0.KeyMaterialState"), S("CURRENT"));
	world_end(w);
}

static void hmac_keys_take_material_and_have_no_ids(void)
{
	struct test_world *w = testing_begin();
	struct test_reply r =
	    CALL(w, "CreateKey", "{'Origin':'EXTERNAL','KeySpec':'HMAC_256','KeyUsage':'GENERATE_VERIFY_MAC'}");
	struct str id = world_field(w, r, "KeyMetadata.KeyId");
	EXPECT_STR(import(w, id, "too short", FOREVER).code, S("IncorrectKeyMaterialException"));
	EXPECT_STR(import(w, id, BYTES_A, FOREVER ",'ImportType':'NEW_KEY_MATERIAL'").code, S("ValidationException"));
	r = import(w, id, BYTES_A, FOREVER);
	EXPECT_DONE(r);
	EXPECT(!world_field(w, r, "KeyMaterialId").p);
	EXPECT_STR(testing_state(w, id), S("Enabled"));
	EXPECT_STR(import(w, id, BYTES_B, FOREVER).code, S("IncorrectKeyMaterialException"));
	EXPECT_DONE(import(w, id, BYTES_A, FOREVER));
	world_end(w);
}

static void the_token_is_for_one_key_and_24_hours(void)
{
	struct test_world *w = testing_begin();
	struct str id = external(w), other = external(w);
	struct parcel p = pack_up(w, id, S(BYTES_A)), q = pack_up(w, id, S(BYTES_A)), bad = p;
	EXPECT_STR(deliver(w, other, p, FOREVER).code, S("InvalidImportTokenException"));
	bad.token = S("aGFsZiBhIHRva2Vu");
	EXPECT_STR(deliver(w, id, bad, FOREVER).code, S("InvalidImportTokenException"));
	bad.token = arena_printf(world_mem(w), "AAAA%.*s", PR(str_from(p.token, 4)));
	EXPECT_STR(deliver(w, id, bad, FOREVER).code, S("InvalidImportTokenException"));
	bad = (struct parcel){ p.token, q.encrypted }; /* of another wrapping key */
	EXPECT_STR(deliver(w, id, bad, FOREVER).code, S("InvalidCiphertextException"));
	bad.encrypted = S("aGk=");
	EXPECT_STR(deliver(w, id, bad, FOREVER).code, S("InvalidCiphertextException"));
	world_later(w, DAY - 1);
	EXPECT_DONE(deliver(w, id, p, FOREVER));
	world_later(w, 1);
	EXPECT_STR(deliver(w, id, p, FOREVER).code, S("ExpiredImportTokenException"));
	EXPECT_STR(testing_state(w, other), S("PendingImport"));
	world_end(w);
}

static void material_is_of_the_keys_size(void)
{
	struct test_world *w = testing_begin();
	struct str id = external(w);
	EXPECT_STR(import(w, id, "0123456789abcdef", FOREVER).code, S("IncorrectKeyMaterialException"));
	EXPECT_STR(import(w, id, BYTES_A "0", FOREVER).code, S("IncorrectKeyMaterialException"));
	EXPECT_STR(testing_state(w, id), S("PendingImport"));
	world_end(w);
}

/* "Select a wrapping algorithm": by kinds of material. */
static bool wraps(const char *kind, const char *algorithm, const char *wrapping, const char *spec)
{
	bool oaep = !strncmp(algorithm, "RSAES_OAEP_", 11), two_steps = !strncmp(algorithm, "RSA_AES_KEY_WRAP_", 17);
	if (!strcmp(wrapping, "SM2"))
		return false;
	if (!strcmp(kind, "ECC"))
		return two_steps || (oaep && (strcmp(spec, "ECC_NIST_P521") != 0 || strcmp(wrapping, "RSA_2048") != 0));
	return !strcmp(kind, "RSA") ? two_steps : oaep;
}

static void each_key_spec_has_its_ways_of_wrapping(void)
{
	static const struct {
		const char *kind, *spec, *usage, *made;
	} keys[] = {
		{ "AES", "SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT", "RSA_2048" },
		{ "HMAC", "HMAC_224", "GENERATE_VERIFY_MAC", "" },
		{ "HMAC", "HMAC_512", "GENERATE_VERIFY_MAC", "RSA_2048" },
		{ "RSA", "RSA_2048", "SIGN_VERIFY", "RSA_2048" },
		{ "RSA", "RSA_4096", "ENCRYPT_DECRYPT", "" },
		{ "ECC", "ECC_NIST_P256", "KEY_AGREEMENT", "RSA_2048" },
		{ "ECC", "ECC_NIST_P384", "SIGN_VERIFY", "" },
		{ "ECC", "ECC_NIST_P521", "SIGN_VERIFY", "RSA_3072" },
		{ "ECC", "ECC_SECG_P256K1", "SIGN_VERIFY", "" },
		{ "ECC", "ECC_NIST_EDWARDS25519", "SIGN_VERIFY", "" },
	};
	static const char *const algorithms[] = { "RSAES_PKCS1_V1_5",         "RSAES_OAEP_SHA_1",
						  "RSAES_OAEP_SHA_256",       "RSA_AES_KEY_WRAP_SHA_1",
						  "RSA_AES_KEY_WRAP_SHA_256", "SM2PKE" };
	static const char *const wrappings[] = { "RSA_2048", "RSA_3072", "RSA_4096", "SM2" };
	struct test_world *w = testing_begin();
	for (size_t i = 0; i < COUNT(keys) * COUNT(algorithms) * COUNT(wrappings); i++) {
		size_t k = i / COUNT(algorithms) / COUNT(wrappings);
		const char *algorithm = algorithms[i / COUNT(wrappings) % COUNT(algorithms)],
			   *wrapping = wrappings[i % COUNT(wrappings)];
		bool fine = wraps(keys[k].kind, algorithm, wrapping, keys[k].spec);
		if (fine && strcmp(wrapping, keys[k].made) != 0) /* wrapping keys take long to make */
			continue;
		struct test_reply r = CALL(w, "CreateKey", "{'Origin':'EXTERNAL','KeySpec':'%s','KeyUsage':'%s'}",
					   keys[k].spec, keys[k].usage);
		struct str id = world_field(w, r, "KeyMetadata.KeyId");
		r = CALL(w, "GetParametersForImport",
			 "{'KeyId':'%.*s','WrappingAlgorithm':'%s','WrappingKeySpec':'%s'}", PR(id), algorithm,
			 wrapping);
		EXPECT_STR(r.code, fine ? S("") : S("UnsupportedOperationException"));
		if (fine)
			EXPECT_STR(world_field(w, r, "ParametersValidTo"), S("1767312000"));
	}
	world_end(w);
}

static void only_keys_of_origin_external_take_material(void)
{
	static const char *const ops[] = { "GetParametersForImport", "ImportKeyMaterial", "DeleteImportedKeyMaterial" };
	static const char *const more[] = { ",'WrappingAlgorithm':'RSAES_OAEP_SHA_256','WrappingKeySpec':'RSA_2048'",
					    (",'ImportToken':'aGk=','EncryptedKeyMaterial':'aGk='" FOREVER), "" };
	struct test_world *w = testing_begin();
	struct str id = testing_key(w), pending = external(w);
	EXPECT_DONE(CALL(w, "ScheduleKeyDeletion", "{'KeyId':'%.*s'}", PR(pending)));
	for (size_t i = 0; i < COUNT(ops); i++) {
		EXPECT_FAULT(CALL(w, ops[i], "{'KeyId':'%.*s'%s}", PR(id), more[i]), "UnsupportedOperationException",
			     arena_printf(world_mem(w), "%.*s origin is AWS_KMS which is not valid for this operation.",
					  PR(testing_arn(w, id))));
		EXPECT_STR(CALL(w, ops[i], "{'KeyId':'%.*s'%s}", PR(pending), more[i]).code,
			   i < 2 ? S("KMSInvalidStateException") : S(""));
	}
	EXPECT_STR(testing_state(w, pending), S("PendingDeletion"));
	world_end(w);
}

/* ---- expiry -------------------------------------------------------------------------- */

static void a_date_goes_with_the_model_and_lies_within_a_year(void)
{
	struct test_world *w = testing_begin();
	struct str id = external(w);
	EXPECT_FAULT(import(w, id, BYTES_A, ""), "ValidationException",
		     S("A validTo date must be set if the ExpirationModel is KEY_MATERIAL_EXPIRES"));
	EXPECT_FAULT(
	    import(w, id, BYTES_A, str_z(world_mem(w), arena_printf(world_mem(w), "%s%.*s", FOREVER, PR(until(w, 1))))),
	    "ValidationException",
	    S("The parameter ValidTo cannot be specified for a key with an expiration model of "
	      "KEY_MATERIAL_DOES_NOT_EXPIRE"));
	EXPECT_STR(import(w, id, BYTES_A, str_z(world_mem(w), until(w, 0))).code, S("ValidationException"));
	EXPECT_STR(import(w, id, BYTES_A, str_z(world_mem(w), until(w, 366))).code, S("ValidationException"));
	EXPECT_DONE(import(w, id, BYTES_A, str_z(world_mem(w), until(w, 365))));
	EXPECT_STR(field(w, id, "KeyMetadata.ExpirationModel"), S("KEY_MATERIAL_EXPIRES"));
	EXPECT_STR(field(w, id, "KeyMetadata.ValidTo"), S("1798761600"));
	world_end(w);
}

static void expired_material_is_gone_for_everyone_until_it_comes_back(void)
{
	struct test_world *w = testing_begin();
	struct str used = external(w), idle = external(w), disabled = external(w), blob;
	size_t n;
	EXPECT_DONE(import(w, used, BYTES_A, str_z(world_mem(w), until(w, 10))));
	EXPECT_DONE(import(w, idle, BYTES_A, str_z(world_mem(w), until(w, 10))));
	EXPECT_DONE(import(w, disabled, BYTES_A, str_z(world_mem(w), until(w, 10))));
	EXPECT_DONE(CALL(w, "DisableKey", "{'KeyId':'%.*s'}", PR(disabled)));
	blob = seal(w, used);
	world_later(w, 10 * DAY - 1);
	EXPECT_DONE(open(w, blob));
	world_later(w, 1);
	expect_pending(w, open(w, blob), used);
	EXPECT_STR(testing_state(w, used), S("PendingImport"));
	EXPECT(!field(w, used, "KeyMetadata.ValidTo").p && !field(w, used, "KeyMetadata.ExpirationModel").p);
	EXPECT_STR(listed(w, used, "Rotations.0.ImportState"), S("PENDING_IMPORT"));
	testing_duty(w);
	testing_duty(w);
	(void)testing_records(w, "us-east-1", "DeleteExpiredKeyMaterial", 50, &n);
	EXPECT(n == 3);
	EXPECT_STR(testing_state(w, disabled), S("PendingImport"));
	EXPECT_STR(import(w, used, BYTES_B, FOREVER).code, S("IncorrectKeyMaterialException"));
	expect_pending(w, open(w, blob), used);
	EXPECT_DONE(import(w, used, BYTES_A, FOREVER));
	EXPECT_STR(world_field(w, open(w, blob), "Plaintext"), S("aGk="));
	world_later(w, 1000 * DAY);
	EXPECT_DONE(open(w, blob));
	world_end(w);
}

static void deleting_takes_it_at_once(void)
{
	struct test_world *w = testing_begin();
	struct str id = external(w);
	struct str material = world_field(w, import(w, id, BYTES_A, FOREVER), "KeyMaterialId"), blob = seal(w, id);
	struct test_reply r = CALL(w, "DeleteImportedKeyMaterial", "{'KeyId':'%.*s'}", PR(id));
	EXPECT_DONE(r);
	EXPECT_STR(world_field(w, r, "KeyMaterialId"), material);
	expect_pending(w, open(w, blob), id);
	EXPECT_DONE(CALL(w, "DeleteImportedKeyMaterial", "{'KeyId':'%.*s'}", PR(id)));
	struct str other = arena_printf(world_mem(w), FOREVER ",'KeyMaterialId':'%064d'", 1);
	EXPECT_STR(import(w, id, BYTES_A, str_z(world_mem(w), other)).code, S("IncorrectKeyMaterialException"));
	struct str own = arena_printf(world_mem(w), FOREVER ",'KeyMaterialId':'%.*s'", PR(material));
	EXPECT_DONE(import(w, id, BYTES_A, str_z(world_mem(w), own)));
	EXPECT_DONE(open(w, blob));
	EXPECT_DONE(CALL(w, "ScheduleKeyDeletion", "{'KeyId':'%.*s'}", PR(id)));
	EXPECT_DONE(
	    CALL(w, "DeleteImportedKeyMaterial", "{'KeyId':'%.*s','KeyMaterialId':'%.*s'}", PR(id), PR(material)));
	EXPECT_STR(testing_state(w, id), S("PendingDeletion"));
	EXPECT_DONE(CALL(w, "CancelKeyDeletion", "{'KeyId':'%.*s'}", PR(id)));
	EXPECT_STR(testing_state(w, id), S("PendingImport"));
	world_end(w);
}

/* ---- rotation ------------------------------------------------------------------------------ */

static void imported_material_rotates_to_what_was_imported_for_it(void)
{
	struct test_world *w = testing_begin();
	struct str id = external(w), arn = testing_arn(w, id);
	EXPECT_DONE(import(w, id, BYTES_A, FOREVER ",'KeyMaterialDescription':'first'"));
	struct str first = seal(w, id);
	EXPECT_FAULT(
	    CALL(w, "RotateKeyOnDemand", "{'KeyId':'%.*s'}", PR(id)), "KMSInvalidStateException",
	    arena_printf(world_mem(w), "No available key material pending rotation for the key: %.*s.", PR(arn)));
	EXPECT_STR(import(w, id, BYTES_A, FOREVER ",'ImportType':'NEW_KEY_MATERIAL'").code,
		   S("IncorrectKeyMaterialException"));
	EXPECT_DONE(import(w, id, BYTES_B, FOREVER ",'ImportType':'NEW_KEY_MATERIAL'"));
	EXPECT_STR(listed(w, id, "Rotations.1.KeyMaterialState"), S("PENDING_ROTATION"));
	EXPECT_STR(listed(w, id, "Rotations.0.KeyMaterialDescription"), S("first"));
	struct test_reply r =
	    import(w, id, "another 32 bytes of key material", FOREVER ",'ImportType':'NEW_KEY_MATERIAL'");
	EXPECT_STR(r.code, S("KMSInvalidStateException"));
	EXPECT(str_starts(r.text, S("New key material (id: ")));
	EXPECT(str_ends(r.text, arena_printf(world_mem(w),
					     ") cannot be imported into KMS key %.*s, because another key material "
					     "(id: %.*s) is pending rotation.",
					     PR(arn), PR(listed(w, id, "Rotations.1.KeyMaterialId")))));
	EXPECT_DONE(open(w, seal(w, id))); /* with the first, still */
	EXPECT_DONE(CALL(w, "RotateKeyOnDemand", "{'KeyId':'%.*s'}", PR(id)));
	struct str second = seal(w, id);
	EXPECT(!str_eq(str_sub(first, 0, 36), str_sub(second, 0, 36))); /* the header names the generation */
	EXPECT_DONE(open(w, first));
	EXPECT_DONE(open(w, second));
	EXPECT_STR(listed(w, id, "Rotations.0.KeyMaterialState"), S("NON_CURRENT"));
	EXPECT_STR(listed(w, id, "Rotations.1.KeyMaterialState"), S("CURRENT"));
	EXPECT_STR(listed(w, id, "Rotations.1.RotationType"), S("ON_DEMAND"));
	EXPECT_STR(field(w, id, "KeyMetadata.CurrentKeyMaterialId"), listed(w, id, "Rotations.1.KeyMaterialId"));
	struct str details = arena_printf(
	    world_mem(w),
	    "{\"rotationType\":\"ON_DEMAND\",\"keyOrigin\":\"EXTERNAL\",\"previousKeyMaterialId\":\"%.*s\","
	    "\"currentKeyMaterialId\":\"%.*s\",\"keyId\":\"%.*s\"}",
	    PR(listed(w, id, "Rotations.0.KeyMaterialId")), PR(listed(w, id, "Rotations.1.KeyMaterialId")), PR(id));
	EXPECT(str_find(testing_record(w, "RotateKey"), details) != SIZE_MAX);
	world_end(w);
}

static void a_key_works_with_all_of_its_material_or_not_at_all(void)
{
	struct test_world *w = testing_begin();
	struct str id = external(w);
	struct str a = world_field(w, import(w, id, BYTES_A, FOREVER), "KeyMaterialId");
	EXPECT_DONE(import(w, id, BYTES_B, FOREVER ",'ImportType':'NEW_KEY_MATERIAL'"));
	EXPECT_DONE(CALL(w, "RotateKeyOnDemand", "{'KeyId':'%.*s'}", PR(id)));
	struct str blob = seal(w, id);
	EXPECT_DONE(CALL(w, "DeleteImportedKeyMaterial", "{'KeyId':'%.*s','KeyMaterialId':'%.*s'}", PR(id), PR(a)));
	expect_pending(w, open(w, blob), id);
	EXPECT_DONE(CALL(w, "DeleteImportedKeyMaterial", "{'KeyId':'%.*s'}", PR(id)));
	EXPECT_DONE(import(w, id, BYTES_B, FOREVER));
	expect_pending(w, open(w, blob), id);
	EXPECT_DONE(import(w, id, BYTES_A, FOREVER));
	EXPECT_DONE(open(w, blob));
	world_end(w);
}

static void material_that_was_never_current_leaves_no_trace(void)
{
	struct test_world *w = testing_begin();
	struct str id = external(w);
	EXPECT_DONE(import(w, id, BYTES_A, FOREVER));
	struct str b =
	    world_field(w, import(w, id, BYTES_B, FOREVER ",'ImportType':'NEW_KEY_MATERIAL'"), "KeyMaterialId");
	EXPECT_DONE(CALL(w, "DeleteImportedKeyMaterial", "{'KeyId':'%.*s','KeyMaterialId':'%.*s'}", PR(id), PR(b)));
	EXPECT_STR(testing_state(w, id), S("Enabled"));
	EXPECT(!listed(w, id, "Rotations.1.KeyId").p);
	EXPECT_STR(import(w, id, BYTES_B, FOREVER).code, S("IncorrectKeyMaterialException"));
	EXPECT_STR(CALL(w, "DeleteImportedKeyMaterial", "{'KeyId':'%.*s','KeyMaterialId':'%.*s'}", PR(id), PR(b)).code,
		   S("NotFoundException"));
	EXPECT_DONE(import(w, id, "another 32 bytes of key material", FOREVER ",'ImportType':'NEW_KEY_MATERIAL'"));
	EXPECT_DONE(CALL(w, "RotateKeyOnDemand", "{'KeyId':'%.*s'}", PR(id)));
	world_end(w);
}

/* ---- conditions ------------------------------------------------------------------------------- */

static const struct {
	const char *condition, *op, *yes, *no;
} conditions[] = {
	{ "\"StringEquals\":{\"kms:WrappingAlgorithm\":\"RSAES_OAEP_SHA_256\"}", "GetParametersForImport",
	  ",'WrappingAlgorithm':'RSAES_OAEP_SHA_256','WrappingKeySpec':'RSA_2048'",
	  ",'WrappingAlgorithm':'RSAES_OAEP_SHA_1','WrappingKeySpec':'RSA_2048'" },
	{ "\"StringEquals\":{\"kms:WrappingKeySpec\":\"RSA_3072\"}", "GetParametersForImport",
	  ",'WrappingAlgorithm':'RSAES_OAEP_SHA_1','WrappingKeySpec':'RSA_3072'",
	  ",'WrappingAlgorithm':'RSAES_OAEP_SHA_1','WrappingKeySpec':'RSA_2048'" },
	{ "\"StringEquals\":{\"kms:ExpirationModel\":\"KEY_MATERIAL_EXPIRES\"}", "ImportKeyMaterial",
	  ",'ImportToken':'aGk=','EncryptedKeyMaterial':'aGk=','ExpirationModel':'KEY_MATERIAL_EXPIRES','ValidTo':"
	  "1767312000",
	  ",'ImportToken':'aGk=','EncryptedKeyMaterial':'aGk='" FOREVER },
	{ "\"DateLessThan\":{\"kms:ValidTo\":\"2026-02-01T00:00:00Z\"}", "ImportKeyMaterial",
	  ",'ImportToken':'aGk=','EncryptedKeyMaterial':'aGk=','ValidTo':1767312000",
	  ",'ImportToken':'aGk=','EncryptedKeyMaterial':'aGk=','ValidTo':1771312000" },
};

static void how_and_until_when_are_condition_keys(void)
{
	struct test_world *w = testing_begin();
	struct str id = external(w);
	for (size_t i = 0; i < COUNT(conditions); i++) {
		struct str document = arena_printf(
		    world_mem(w),
		    "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"kms:*\","
		    "\"Resource\":\"*\",\"Condition\":{%s}}]}",
		    conditions[i].condition);
		struct caller who = testing_user(w, str_z(world_mem(w), document));
		struct str code = AS(w, who, conditions[i].op, "{'KeyId':'%.*s'%s}", PR(id), conditions[i].no).code;
		EXPECT_STR(code, S("AccessDeniedException"));
		code = AS(w, who, conditions[i].op, "{'KeyId':'%.*s'%s}", PR(id), conditions[i].yes).code;
		EXPECT_STR(code, i < 2 ? S("") : S("InvalidImportTokenException"));
	}
	world_end(w);
}

static void the_date_of_a_key_s_material_goes_with_the_key(void)
{
	struct test_world *w = testing_begin();
	struct str id = external(w);
	EXPECT_DONE(import(w, id, BYTES_A, str_z(world_mem(w), until(w, 100))));
	EXPECT_DONE(CALL(w, "ScheduleKeyDeletion", "{'KeyId':'%.*s','PendingWindowInDays':7}", PR(id)));
	world_later(w, 7 * DAY);
	testing_duty(w);
	EXPECT(testing_rows(w) == 0);
	world_end(w);
}

RUN_ALL(T(a_key_of_origin_external_waits_for_its_material), T(imported_material_makes_it_work),
	T(hmac_keys_take_material_and_have_no_ids), T(the_token_is_for_one_key_and_24_hours),
	T(material_is_of_the_keys_size), T(each_key_spec_has_its_ways_of_wrapping),
	T(only_keys_of_origin_external_take_material), T(a_date_goes_with_the_model_and_lies_within_a_year),
	T(expired_material_is_gone_for_everyone_until_it_comes_back), T(deleting_takes_it_at_once),
	T(imported_material_rotates_to_what_was_imported_for_it), T(a_key_works_with_all_of_its_material_or_not_at_all),
	T(material_that_was_never_current_leaves_no_trace), T(how_and_until_when_are_condition_keys),
	T(the_date_of_a_key_s_material_goes_with_the_key))

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Multi-Region keys: made, replicated, used across regions, rotated, deleted; who may; what is recorded.
 */
#include "api/trail.h"
#include "svc/kms/key.h"
#include "svc/kms/multiregion_testing.h"

static const int64_t DAY = DAY_MS;

/* ---- making --------------------------------------------------------------------------- */

static void a_primary_key_has_its_own_kind_of_id(void)
{
	struct test_world *w = testing_begin();
	struct test_reply r = CALL(w, "CreateKey", "{'MultiRegion':true}");
	EXPECT_DONE(r);
	struct str id = world_field(w, r, "KeyMetadata.KeyId");
	EXPECT(str_starts(id, S("mrk-")) && id.n == 36);
	EXPECT_STR(world_field(w, r, "KeyMetadata.MultiRegion"), S("true"));
	EXPECT_STR(world_field(w, r, "KeyMetadata.MultiRegionConfiguration.MultiRegionKeyType"), S("PRIMARY"));
	EXPECT_STR(world_field(w, r, "KeyMetadata.MultiRegionConfiguration.PrimaryKey.Arn"), testing_arn(w, id));
	EXPECT_STR(world_field(w, r, "KeyMetadata.MultiRegionConfiguration.PrimaryKey.Region"), S(HOME));
	EXPECT_STR(world_field(w, r, "KeyMetadata.MultiRegionConfiguration.ReplicaKeys"), S("[]"));
	EXPECT_STR(CALL(w, "DescribeKey", "{'KeyId':'%.*s'}", PR(id)).body, r.body);
	struct str single = testing_key(w);
	EXPECT_STR(testing_about(w, HOME, single, "MultiRegion"), S("false"));
	EXPECT(!testing_about(w, HOME, single, "MultiRegionConfiguration").p);
	EXPECT_STR(CALL(w, "DescribeKey", "{'KeyId':'mrk-0123456789abcdef0123456789abcdeX'}").code,
		   S("NotFoundException"));
	world_end(w);
}

static void a_replica_shares_id_and_material_and_nothing_else(void)
{
	struct test_world *w = testing_begin();
	struct str id = testing_primary(w, ",'Description':'first','Tags':[{'TagKey':'a','TagValue':'1'}]");
	EXPECT_DONE(CALL(w, "CreateAlias", "{'AliasName':'alias/a','TargetKeyId':'%.*s'}", PR(id)));
	struct test_reply r = CALL(w, "ReplicateKey",
				   "{'KeyId':'%.*s','ReplicaRegion':'" ABROAD "','Description':'second',"
				   "'Tags':[{'TagKey':'b','TagValue':'2'}]}",
				   PR(id));
	EXPECT_DONE(r);
	EXPECT_STR(world_field(w, r, "ReplicaKeyMetadata.Arn"), testing_arn_in(w, ABROAD, id));
	EXPECT_STR(world_field(w, r, "ReplicaKeyMetadata.KeyState"), S("Enabled"));
	EXPECT_STR(world_field(w, r, "ReplicaKeyMetadata.Description"), S("second"));
	EXPECT_STR(world_field(w, r, "ReplicaKeyMetadata.MultiRegionConfiguration.MultiRegionKeyType"), S("REPLICA"));
	EXPECT_STR(world_field(w, r, "ReplicaTags"), S("[{\"TagKey\":\"b\",\"TagValue\":\"2\"}]"));
	EXPECT(world_field(w, r, "ReplicaPolicy").n > 100);
	static const char *const regions[] = { HOME, ABROAD };
	for (size_t i = 0; i < COUNT(regions); i++) {
		EXPECT_STR(testing_about(w, regions[i], id, "MultiRegionConfiguration.PrimaryKey.Region"), S(HOME));
		EXPECT_STR(testing_about(w, regions[i], id, "MultiRegionConfiguration.ReplicaKeys.0.Arn"),
			   testing_arn_in(w, ABROAD, id));
		EXPECT_STR(testing_about(w, regions[i], id, "CurrentKeyMaterialId"),
			   testing_about(w, HOME, id, "CurrentKeyMaterialId"));
	}
	EXPECT_STR(testing_about(w, HOME, id, "Description"), S("first"));
	EXPECT_STR(world_field(w, CALL_IN(w, ABROAD, "ListAliases", "{}"), "Aliases"), S("[]"));
	EXPECT_STR(world_field(w, CALL_IN(w, ABROAD, "ListResourceTags", "{'KeyId':'%.*s'}", PR(id)), "Tags.0.TagKey"),
		   S("b"));
	world_restart(w);
	EXPECT_STR(testing_open_in(w, ABROAD, testing_seal_in(w, HOME, id)), S("aGk="));
	world_end(w);
}

static void each_region_is_on_and_off_by_itself(void)
{
	struct test_world *w = testing_begin();
	struct str id = testing_primary(w, "");
	testing_replicate(w, id, ABROAD);
	struct str blob = testing_seal_in(w, HOME, id);
	EXPECT_DONE(CALL(w, "DisableKey", "{'KeyId':'%.*s'}", PR(id)));
	EXPECT_STR(testing_open_in(w, HOME, blob), S("DisabledException"));
	EXPECT_STR(testing_open_in(w, ABROAD, blob), S("aGk="));
	EXPECT_DONE(CALL_IN(w, ABROAD, "DisableKey", "{'KeyId':'%.*s'}", PR(id)));
	EXPECT_DONE(CALL(w, "EnableKey", "{'KeyId':'%.*s'}", PR(id)));
	EXPECT_STR(testing_open_in(w, ABROAD, blob), S("DisabledException"));
	EXPECT_STR(testing_open_in(w, HOME, blob), S("aGk="));
	world_end(w);
}

static void every_spec_works_across_regions(void)
{
	static const struct {
		const char *spec, *usage, *make, *check, *made;
	} cases[] = {
		{ "ECC_NIST_P256", "SIGN_VERIFY", "'SigningAlgorithm':'ECDSA_SHA_256'", "Verify", "Signature" },
		{ "ECC_SECG_P256K1", "SIGN_VERIFY", "'SigningAlgorithm':'ECDSA_SHA_256'", "Verify", "Signature" },
		{ "RSA_2048", "SIGN_VERIFY", "'SigningAlgorithm':'RSASSA_PSS_SHA_256'", "Verify", "Signature" },
		{ "HMAC_384", "GENERATE_VERIFY_MAC", "'MacAlgorithm':'HMAC_SHA_384'", "VerifyMac", "Mac" },
	};
	struct test_world *w = testing_begin();
	for (size_t i = 0; i < COUNT(cases); i++) {
		bool mac = !strcmp(cases[i].made, "Mac");
		struct str more =
		    arena_printf(world_mem(w), ",'KeySpec':'%s','KeyUsage':'%s'", cases[i].spec, cases[i].usage);
		struct str id = testing_primary(w, str_z(world_mem(w), more));
		testing_replicate(w, id, ABROAD);
		struct test_reply r = CALL(w, mac ? "GenerateMac" : "Sign", "{'KeyId':'%.*s','Message':'aGk=',%s}",
					   PR(id), cases[i].make);
		EXPECT_DONE(r);
		r = CALL_IN(w, ABROAD, cases[i].check, "{'KeyId':'%.*s','Message':'aGk=',%s,'%s':'%.*s'}", PR(id),
			    cases[i].make, cases[i].made, PR(world_field(w, r, cases[i].made)));
		EXPECT_DONE(r);
		if (!mac)
			EXPECT_STR(world_field(w, CALL(w, "GetPublicKey", "{'KeyId':'%.*s'}", PR(id)), "PublicKey"),
				   world_field(w, CALL_IN(w, ABROAD, "GetPublicKey", "{'KeyId':'%.*s'}", PR(id)),
					       "PublicKey"));
		r = CALL_IN(w, ABROAD, mac ? "GenerateMac" : "Sign", "{'KeyId':'%.*s','Message':'aGk=',%s}", PR(id),
			    cases[i].make);
		EXPECT_DONE(r); /* the private half works there, too */
		EXPECT_DONE(CALL(w, cases[i].check, "{'KeyId':'%.*s','Message':'aGk=',%s,'%s':'%.*s'}", PR(id),
				 cases[i].make, cases[i].made, PR(world_field(w, r, cases[i].made))));
	}
	world_end(w);
}

static void ciphertexts_and_data_keys_go_both_ways(void)
{
	struct test_world *w = testing_begin();
	struct str id = testing_primary(w, ""), other = testing_primary(w, ""), single = testing_key(w);
	testing_replicate(w, id, ABROAD);
	struct str here = testing_seal_in(w, HOME, id), there = testing_seal_in(w, ABROAD, id);
	EXPECT_STR(testing_open_in(w, ABROAD, here), S("aGk="));
	EXPECT_STR(testing_open_in(w, HOME, there), S("aGk="));
	struct test_reply r =
	    CALL_IN(w, ABROAD, "Decrypt", "{'CiphertextBlob':'%.*s','KeyId':'%.*s','EncryptionContext':{'a':'b'}}",
		    PR(here), PR(testing_arn_in(w, ABROAD, id)));
	EXPECT_STR(world_field(w, r, "KeyId"), testing_arn_in(w, ABROAD, id));
	r = CALL_IN(w, ABROAD, "Decrypt", "{'CiphertextBlob':'%.*s','KeyId':'%.*s','EncryptionContext':{'a':'b'}}",
		    PR(here), PR(testing_arn(w, id)));
	EXPECT_STR(r.code, S("NotFoundException")); /* an ARN names its region */
	r = CALL_IN(w, ABROAD, "Decrypt", "{'CiphertextBlob':'%.*s','EncryptionContext':{'a':'c'}}", PR(here));
	EXPECT_STR(r.code, S("InvalidCiphertextException"));
	EXPECT_STR(testing_open_in(w, ABROAD, testing_seal_in(w, HOME, other)), S("AccessDeniedException"));
	EXPECT_STR(testing_open_in(w, ABROAD, testing_seal_in(w, HOME, single)), S("AccessDeniedException"));
	r = CALL(w, "GenerateDataKey", "{'KeyId':'%.*s','KeySpec':'AES_256'}", PR(id));
	EXPECT_DONE(r);
	struct str plain = world_field(w, r, "Plaintext");
	EXPECT_STR(world_field(w,
			       CALL_IN(w, ABROAD, "Decrypt", "{'CiphertextBlob':'%.*s'}",
				       PR(world_field(w, r, "CiphertextBlob"))),
			       "Plaintext"),
		   plain);
	r = CALL_IN(w, ABROAD, "ReEncrypt",
		    "{'CiphertextBlob':'%.*s','SourceEncryptionContext':{'a':'b'},'DestinationKeyId':'%.*s',"
		    "'DestinationEncryptionContext':{'a':'b'}}",
		    PR(here), PR(id));
	EXPECT_STR(testing_open_in(w, HOME, world_field(w, r, "CiphertextBlob")), S("aGk="));
	world_end(w);
}

/* One byte of it changed. */
static struct str bent(struct test_world *w, struct str blob, size_t at)
{
	struct str bytes;
	EXPECT_OK(base64_decode(world_mem(w), blob, &bytes));
	((char *)(uintptr_t)bytes.p)[at] ^= 3; /* of the version: 1 becomes 2 and 2 becomes 1 */
	return base64_encode(world_mem(w), bytes);
}

static void a_bent_ciphertext_opens_nowhere(void)
{
	struct test_world *w = testing_begin();
	struct str id = testing_primary(w, ""), single = testing_seal_in(w, HOME, testing_key(w));
	testing_replicate(w, id, ABROAD);
	struct str blob = testing_seal_in(w, HOME, id), bytes;
	EXPECT_OK(base64_decode(world_mem(w), blob, &bytes));
	for (size_t i = 0; i < bytes.n; i++)
		EXPECT(!str_eq(testing_open_in(w, ABROAD, bent(w, blob, i)), S("aGk=")));
	EXPECT_STR(testing_open_in(w, HOME, bent(w, blob, 0)), S("AccessDeniedException"));
	EXPECT_STR(testing_open_in(w, HOME, bent(w, single, 0)), S("AccessDeniedException"));
	world_end(w);
}

/* ---- refusals ---------------------------------------------------------------------------- */

static struct test_reply replicate(struct test_world *w, struct str id, const char *region, const char *more)
{
	return CALL(w, "ReplicateKey", "{'KeyId':'%.*s','ReplicaRegion':'%s'%s}", PR(id), region, more);
}

static void what_cannot_be_replicated_is_refused(void)
{
	struct test_world *w = testing_begin();
	struct arena *mem = world_mem(w);
	struct str id = testing_primary(w, ""), single = testing_key(w), arn = testing_arn(w, id);
	EXPECT_FAULT(replicate(w, single, ABROAD, ""), "UnsupportedOperationException",
		     arena_printf(mem, "%.*s is not a multi-Region primary key.", PR(testing_arn(w, single))));
	EXPECT_FAULT(replicate(w, id, HOME, ""), "AlreadyExistsException",
		     arena_printf(mem, "The key %.*s already exists in the Region " HOME ".", PR(id)));
	EXPECT_STR(replicate(w, id, "cn-north-1", "").code, S("UnsupportedOperationException"));
	EXPECT_STR(replicate(w, id, "us-gov-west-1", "").code, S("UnsupportedOperationException"));
	EXPECT_STR(replicate(w, id, "nowhere", "").code, S("ValidationException"));
	EXPECT_STR(replicate(w, id, ABROAD, ",'Policy':'{}'").code, S("MalformedPolicyDocumentException"));
	EXPECT_STR(replicate(w, id, ABROAD, ",'Tags':[{'TagKey':'aws:x','TagValue':''}]").code, S("TagException"));
	EXPECT_STR(replicate(w, S("mrk-00000000000000000000000000000000"), ABROAD, "").code, S("NotFoundException"));
	EXPECT_STR(replicate(w, S("alias/aws/s3"), ABROAD, "").code, S("NotFoundException"));
	struct str theirs = arena_printf(mem, "arn:aws:kms:" HOME ":444455556666:key/%.*s", PR(id));
	EXPECT_STR(replicate(w, theirs, ABROAD, "").code, S("AccessDeniedException"));
	EXPECT_STR(CALL(w, "ReplicateKey", "{'KeyId':'%.*s'}", PR(id)).code, S("ValidationException"));
	EXPECT_DONE(CALL(w, "DisableKey", "{'KeyId':'%.*s'}", PR(id)));
	EXPECT_FAULT(replicate(w, id, ABROAD, ""), "DisabledException",
		     arena_printf(mem, "%.*s is disabled.", PR(arn)));
	EXPECT_DONE(CALL(w, "ScheduleKeyDeletion", "{'KeyId':'%.*s'}", PR(id)));
	EXPECT_FAULT(replicate(w, id, ABROAD, ""), "KMSInvalidStateException",
		     arena_printf(mem, "%.*s is pending deletion.", PR(arn)));
	EXPECT_STR(testing_about(w, ABROAD, id, "KeyId"), S("NotFoundException"));
	EXPECT_DONE(CALL(w, "CancelKeyDeletion", "{'KeyId':'%.*s'}", PR(id)));
	EXPECT_DONE(CALL(w, "EnableKey", "{'KeyId':'%.*s'}", PR(id)));
	testing_replicate(w, id, ABROAD);
	EXPECT_FAULT(replicate(w, id, ABROAD, ""), "AlreadyExistsException",
		     arena_printf(mem, "The key %.*s already exists in the Region " ABROAD ".", PR(id)));
	EXPECT_STR(CALL_IN(w, ABROAD, "ReplicateKey", "{'KeyId':'%.*s','ReplicaRegion':'" THIRD "'}", PR(id)).code,
		   S("UnsupportedOperationException"));
	world_end(w);
}

static void set_key_count(struct req *rq, void *arg)
{
	const uint64_t *n = arg;
	struct shard *shard;
	struct txn *t;
	struct buf b = buf_in(rq->mem);
	buf_be64(&b, *n);
	EXPECT_OK(req_shard_own(rq, &shard));
	EXPECT_OK(txn_write(shard, &t));
	EXPECT_OK(txn_put(t, S("K"), buf_str(&b)));
	EXPECT_OK(txn_commit(t));
}

static void a_replica_that_cannot_be_made_is_not_listed(void)
{
	struct test_world *w = testing_begin();
	uint64_t full = 100000, room = 99999;
	struct str id = testing_primary(w, "");
	testing_replicate(w, id, THIRD);
	world_in_fiber(testing_in(w, ABROAD), set_key_count, &full);
	testing_in(w, HOME);
	size_t before = testing_rows_in(w, HOME);
	EXPECT_FAULT(replicate(w, id, ABROAD, ""), "LimitExceededException",
		     S("You have reached the quota of 100000 KMS keys in this account and Region."));
	EXPECT(testing_rows_in(w, HOME) == before); /* neither wish nor mark */
	EXPECT(testing_rows_in(w, ABROAD) == 1);
	static const char *const regions[] = { HOME, THIRD };
	for (size_t i = 0; i < COUNT(regions); i++) {
		EXPECT_STR(testing_about(w, regions[i], id, "MultiRegionConfiguration.ReplicaKeys.0.Region"), S(THIRD));
		EXPECT(!testing_about(w, regions[i], id, "MultiRegionConfiguration.ReplicaKeys.1.Region").p);
	}
	world_in_fiber(testing_in(w, ABROAD), set_key_count, &room);
	testing_in(w, HOME);
	testing_replicate(w, id, ABROAD);
	EXPECT_STR(CALL_IN(w, ABROAD, "CreateKey", "{}").code, S("LimitExceededException")); /* it counts */
	world_end(w);
}

static void the_primary_region_can_move_and_only_to_a_replica(void)
{
	struct test_world *w = testing_begin();
	struct arena *mem = world_mem(w);
	struct str id = testing_primary(w, ""), single = testing_key(w), arn = testing_arn(w, id);
	testing_replicate(w, id, ABROAD);
	testing_replicate(w, id, THIRD);
	struct str blob = testing_seal_in(w, HOME, id);
#define MOVE(region, key, to) \
	CALL_IN(w, region, "UpdatePrimaryRegion", "{'KeyId':'%.*s','PrimaryRegion':'%s'}", PR(key), to)
	EXPECT_FAULT(MOVE(HOME, single, ABROAD), "UnsupportedOperationException",
		     arena_printf(mem, "%.*s is not a multi-Region primary key.", PR(testing_arn(w, single))));
	EXPECT_FAULT(MOVE(ABROAD, id, HOME), "UnsupportedOperationException",
		     arena_printf(mem, "%.*s is not a multi-Region primary key.", PR(testing_arn_in(w, ABROAD, id))));
	EXPECT_FAULT(MOVE(HOME, id, HOME), "UnsupportedOperationException",
		     arena_printf(mem, "%.*s is the primary key already.", PR(arn)));
	EXPECT_FAULT(MOVE(HOME, id, "us-west-2"), "NotFoundException",
		     arena_printf(mem, "Key '%.*s' does not exist", PR(testing_arn_in(w, "us-west-2", id))));
	EXPECT_DONE(CALL_IN(w, ABROAD, "DisableKey", "{'KeyId':'%.*s'}", PR(id)));
	EXPECT_FAULT(MOVE(HOME, id, ABROAD), "DisabledException",
		     arena_printf(mem, "%.*s is disabled.", PR(testing_arn_in(w, ABROAD, id))));
	EXPECT_DONE(CALL_IN(w, ABROAD, "EnableKey", "{'KeyId':'%.*s'}", PR(id)));
	EXPECT_DONE(CALL(w, "DisableKey", "{'KeyId':'%.*s'}", PR(id)));
	EXPECT_FAULT(MOVE(HOME, id, ABROAD), "DisabledException", arena_printf(mem, "%.*s is disabled.", PR(arn)));
	EXPECT_DONE(CALL(w, "EnableKey", "{'KeyId':'%.*s'}", PR(id)));

	EXPECT_DONE(MOVE(HOME, id, ABROAD));
	static const char *const regions[] = { HOME, ABROAD, THIRD };
	for (size_t i = 0; i < COUNT(regions); i++) {
		EXPECT_STR(testing_about(w, regions[i], id, "MultiRegionConfiguration.PrimaryKey.Region"), S(ABROAD));
		EXPECT_STR(testing_about(w, regions[i], id, "MultiRegionConfiguration.ReplicaKeys.0.Region"), S(HOME));
		EXPECT_STR(testing_about(w, regions[i], id, "MultiRegionConfiguration.ReplicaKeys.1.Region"), S(THIRD));
		EXPECT_STR(testing_about(w, regions[i], id, "MultiRegionConfiguration.MultiRegionKeyType"),
			   i == 1 ? S("PRIMARY") : S("REPLICA"));
		EXPECT_STR(testing_about(w, regions[i], id, "KeyState"), S("Enabled"));
		EXPECT_STR(testing_open_in(w, regions[i], blob), S("aGk="));
	}
	EXPECT_STR(replicate(w, id, "us-west-2", "").code, S("UnsupportedOperationException"));
	EXPECT_DONE(CALL_IN(w, ABROAD, "ReplicateKey", "{'KeyId':'%.*s','ReplicaRegion':'us-west-2'}", PR(id)));
	EXPECT_STR(testing_open_in(w, "us-west-2", blob), S("aGk="));
	EXPECT_DONE(MOVE(ABROAD, id, HOME));
	EXPECT_STR(testing_about(w, "us-west-2", id, "MultiRegionConfiguration.PrimaryKey.Region"), S(HOME));
	world_end(w);
}

/* ---- key states -------------------------------------------------------------------------- */

static void set_updating(struct req *rq, void *arg)
{
	const struct str *id = arg;
	struct kms_key_row row;
	struct shard *shard;
	struct txn *t;
	EXPECT_OK(req_shard_own(rq, &shard));
	EXPECT_OK(txn_write(shard, &t));
	EXPECT_OK(kms_row_get(rq, t, *id, &row));
	row.updating = true;
	EXPECT_OK(kms_row_put(rq, t, *id, &row));
	EXPECT_OK(txn_commit(t));
}

/* "Key states of AWS KMS keys", the columns that only multi-Region keys have. `text` follows the ARN; NULL: it works.
 */
static const struct state_case {
	const char *op, *in, *updating, *waiting;
} states[] = {
	{ "Encrypt", ",'Plaintext':'aGk='", NULL, " is pending replica deletion." },
	{ "GenerateDataKey", ",'KeySpec':'AES_256'", NULL, " is pending replica deletion." },
	{ "DescribeKey", "", NULL, NULL },
	{ "GetKeyPolicy", ",'PolicyName':'default'", NULL, NULL },
	{ "GetKeyRotationStatus", "", NULL, NULL },
	{ "ListGrants", "", NULL, NULL },
	{ "ListResourceTags", "", NULL, NULL },
	{ "TagResource", ",'Tags':[{'TagKey':'a','TagValue':'b'}]", NULL, " is pending replica deletion." },
	{ "UpdateKeyDescription", ",'Description':'d'", NULL, " is pending replica deletion." },
	{ "CreateGrant", ",'GranteePrincipal':'arn:aws:iam::111122223333:root','Operations':['Encrypt']", NULL,
	  " is pending replica deletion." },
	{ "EnableKey", "", " is updating.", " is pending replica deletion." },
	{ "DisableKey", "", " is updating.", " is pending replica deletion." },
	{ "EnableKeyRotation", "", " is updating.", " is pending replica deletion." },
	{ "DisableKeyRotation", "", " is updating.", " is pending replica deletion." },
	{ "RotateKeyOnDemand", "", " is updating.", " is pending replica deletion." },
	{ "ReplicateKey", ",'ReplicaRegion':'" THIRD "'", " is updating.", " is pending replica deletion." },
	{ "UpdatePrimaryRegion", ",'PrimaryRegion':'" ABROAD "'", " is updating.", " is pending replica deletion." },
	{ "CancelKeyDeletion", "", " is not pending deletion.", NULL },
	{ "ScheduleKeyDeletion", "", " is updating.", " is pending replica deletion." },
};

static void check_state(bool updating)
{
	struct test_world *w = testing_begin();
	for (size_t i = 0; i < COUNT(states); i++) {
		struct str id = testing_primary(w, "");
		const char *text = updating ? states[i].updating : states[i].waiting;
		testing_replicate(w, id, ABROAD);
		if (updating)
			world_in_fiber(w, set_updating, &id);
		else
			EXPECT_DONE(CALL(w, "ScheduleKeyDeletion", "{'KeyId':'%.*s'}", PR(id)));
		EXPECT_STR(testing_state(w, id), updating ? S("Updating") : S("PendingReplicaDeletion"));
		struct test_reply r = CALL(w, states[i].op, "{'KeyId':'%.*s'%s}", PR(id), states[i].in);
		if (!text) {
			EXPECT_DONE(r);
			continue;
		}
		EXPECT_FAULT(r, "KMSInvalidStateException",
			     arena_printf(world_mem(w), "%.*s%s", PR(testing_arn(w, id)), text));
	}
	world_end(w);
}

static void while_its_role_changes_a_key_is_used_and_little_else(void) { check_state(true); }
static void a_primary_that_waits_to_be_deleted_does_what_one_with_a_date_does(void) { check_state(false); }

/* ---- rotation ------------------------------------------------------------------------------- */

static struct str rotations(struct test_world *w, const char *region, struct str id, const char *path)
{
	return world_field(w, CALL_IN(w, region, "ListKeyRotations", "{'KeyId':'%.*s'}", PR(id)), path);
}

static struct str schedule_in(struct test_world *w, const char *region, struct str id, const char *member)
{
	return world_field(w, CALL_IN(w, region, "GetKeyRotationStatus", "{'KeyId':'%.*s'}", PR(id)), member);
}

static void the_primary_rotates_for_all(void)
{
	struct test_world *w = testing_begin();
	struct str id = testing_primary(w, "");
	testing_replicate(w, id, ABROAD);
	struct str refused =
	    arena_printf(world_mem(w), "%.*s is not a multi-Region primary key.", PR(testing_arn_in(w, ABROAD, id)));
	static const char *const only_primary[] = { "EnableKeyRotation", "DisableKeyRotation", "RotateKeyOnDemand" };
	for (size_t i = 0; i < COUNT(only_primary); i++)
		EXPECT_FAULT(CALL_IN(w, ABROAD, only_primary[i], "{'KeyId':'%.*s'}", PR(id)),
			     "UnsupportedOperationException", refused);
	EXPECT_DONE(CALL(w, "EnableKeyRotation", "{'KeyId':'%.*s','RotationPeriodInDays':100}", PR(id)));
	EXPECT_STR(schedule_in(w, ABROAD, id, "KeyRotationEnabled"), S("true"));
	EXPECT_STR(schedule_in(w, ABROAD, id, "RotationPeriodInDays"), S("100"));
	EXPECT_STR(schedule_in(w, ABROAD, id, "NextRotationDate"), schedule_in(w, HOME, id, "NextRotationDate"));
	struct str old = testing_seal_in(w, HOME, id);
	world_later(w, 101 * DAY);
	struct str unmoved = testing_seal_in(w, ABROAD, id); /* a replica waits for its primary */
	EXPECT_STR(rotations(w, ABROAD, id, "Rotations"), S("[]"));
	testing_duty(w);
	EXPECT_STR(rotations(w, HOME, id, "Rotations.0.RotationType"), S("AUTOMATIC"));
	EXPECT_STR(rotations(w, ABROAD, id, "Rotations.0.KeyMaterialId"),
		   rotations(w, HOME, id, "Rotations.0.KeyMaterialId"));
	EXPECT_STR(schedule_in(w, ABROAD, id, "NextRotationDate"), schedule_in(w, HOME, id, "NextRotationDate"));
	EXPECT_DONE(CALL(w, "RotateKeyOnDemand", "{'KeyId':'%.*s'}", PR(id)));
	EXPECT_STR(rotations(w, ABROAD, id, "Rotations.1.RotationType"), S("ON_DEMAND"));
	EXPECT_STR(rotations(w, ABROAD, id, "Rotations.1.KeyMaterialState"), S("CURRENT"));
	EXPECT(!rotations(w, ABROAD, id, "Rotations.2.KeyId").p);
	testing_replicate(w, id, THIRD); /* with all of its past */
	struct str blobs[] = { old, unmoved, testing_seal_in(w, HOME, id), testing_seal_in(w, ABROAD, id),
			       testing_seal_in(w, THIRD, id) };
	static const char *const regions[] = { HOME, ABROAD, THIRD };
	for (size_t i = 0; i < COUNT(blobs); i++)
		for (size_t k = 0; k < COUNT(regions); k++)
			EXPECT_STR(testing_open_in(w, regions[k], blobs[i]), S("aGk="));
	EXPECT_DONE(CALL(w, "DisableKeyRotation", "{'KeyId':'%.*s'}", PR(id)));
	EXPECT_STR(schedule_in(w, THIRD, id, "KeyRotationEnabled"), S("false"));
	world_end(w);
}

static void the_schedule_moves_with_the_primary(void)
{
	struct test_world *w = testing_begin();
	struct str id = testing_primary(w, "");
	testing_replicate(w, id, ABROAD);
	EXPECT_DONE(CALL(w, "EnableKeyRotation", "{'KeyId':'%.*s','RotationPeriodInDays':90}", PR(id)));
	EXPECT_DONE(MOVE(HOME, id, ABROAD));
	world_later(w, 91 * DAY);
	testing_duty(w);
	EXPECT_STR(rotations(w, HOME, id, "Rotations.0.RotationType"), S("AUTOMATIC"));
	EXPECT(!rotations(w, HOME, id, "Rotations.1.KeyId").p && !rotations(w, ABROAD, id, "Rotations.1.KeyId").p);
	EXPECT_STR(CALL(w, "RotateKeyOnDemand", "{'KeyId':'%.*s'}", PR(id)).code, S("UnsupportedOperationException"));
	EXPECT_DONE(CALL_IN(w, ABROAD, "RotateKeyOnDemand", "{'KeyId':'%.*s'}", PR(id)));
	EXPECT_STR(rotations(w, HOME, id, "Rotations.1.RotationType"), S("ON_DEMAND"));
	EXPECT_STR(testing_open_in(w, HOME, testing_seal_in(w, ABROAD, id)), S("aGk="));
	world_end(w);
}

/* ---- deletion --------------------------------------------------------------------------------- */

static struct test_reply schedule(struct test_world *w, const char *region, struct str id, int days)
{
	return CALL_IN(w, region, "ScheduleKeyDeletion", "{'KeyId':'%.*s','PendingWindowInDays':%d}", PR(id), days);
}

static void a_primary_waits_for_the_end_of_its_replicas(void)
{
	struct test_world *w = testing_begin();
	struct arena *mem = world_mem(w);
	struct str id = testing_primary(w, ""), arn = testing_arn(w, id);
	testing_replicate(w, id, ABROAD);
	testing_replicate(w, id, THIRD);
	struct str blob = testing_seal_in(w, HOME, id);
	struct test_reply r = schedule(w, HOME, id, 10);
	EXPECT_STR(world_field(w, r, "KeyState"), S("PendingReplicaDeletion"));
	EXPECT_STR(world_field(w, r, "PendingWindowInDays"), S("10"));
	EXPECT(!world_field(w, r, "DeletionDate").p);
	EXPECT_STR(testing_about(w, HOME, id, "PendingDeletionWindowInDays"), S("10"));
	EXPECT(!testing_about(w, HOME, id, "DeletionDate").p);
	struct str waiting = arena_printf(mem, "%.*s is pending replica deletion.", PR(arn));
	EXPECT_FAULT(CALL(w, "Encrypt", "{'KeyId':'%.*s','Plaintext':'aGk='}", PR(id)), "KMSInvalidStateException",
		     waiting);
	EXPECT_FAULT(CALL(w, "EnableKey", "{'KeyId':'%.*s'}", PR(id)), "KMSInvalidStateException", waiting);
	EXPECT_FAULT(schedule(w, HOME, id, 7), "KMSInvalidStateException", waiting);
	EXPECT_FAULT(replicate(w, id, "us-west-2", ""), "KMSInvalidStateException", waiting);
	EXPECT_FAULT(MOVE(HOME, id, ABROAD), "KMSInvalidStateException", waiting);
	EXPECT_STR(testing_open_in(w, ABROAD, blob), S("aGk=")); /* replicas do not care */
	world_later(w, 20 * DAY);
	testing_duty(w);
	EXPECT_STR(testing_about(w, HOME, id, "KeyState"), S("PendingReplicaDeletion"));

	EXPECT_STR(world_field(w, schedule(w, ABROAD, id, 7), "KeyState"), S("PendingDeletion"));
	world_later(w, 7 * DAY);
	EXPECT_STR(testing_about(w, ABROAD, id, "KeyId"), S("NotFoundException"));
	EXPECT_STR(testing_about(w, HOME, id, "KeyState"), S("PendingReplicaDeletion"));
	EXPECT_STR(testing_about(w, HOME, id, "MultiRegionConfiguration.ReplicaKeys.0.Region"), S(THIRD));
	EXPECT(!testing_about(w, THIRD, id, "MultiRegionConfiguration.ReplicaKeys.1.Region").p);
	(void)schedule(w, THIRD, id, 7);
	world_later(w, 7 * DAY);
	testing_duty(w); /* nobody asks */
	EXPECT_STR(testing_about(w, HOME, id, "KeyState"), S("PendingDeletion"));
	EXPECT_STR(testing_about(w, HOME, id, "DeletionDate"), S("1771027200")); /* 34 + 10 days */
	EXPECT(!testing_about(w, HOME, id, "PendingDeletionWindowInDays").p);
	EXPECT(testing_rows_in(w, ABROAD) == 0 && testing_rows_in(w, THIRD) == 0);
	world_later(w, 10 * DAY);
	testing_duty(w);
	EXPECT_STR(testing_about(w, HOME, id, "KeyId"), S("NotFoundException"));
	EXPECT(testing_rows_in(w, HOME) == 0);
	world_end(w);
}

static void a_cancelled_primary_comes_back_disabled_and_works(void)
{
	struct test_world *w = testing_begin();
	struct str id = testing_primary(w, "");
	testing_replicate(w, id, ABROAD);
	(void)schedule(w, HOME, id, 7);
	EXPECT_DONE(CALL(w, "CancelKeyDeletion", "{'KeyId':'%.*s'}", PR(id)));
	EXPECT_STR(testing_about(w, HOME, id, "KeyState"), S("Disabled"));
	EXPECT_STR(CALL(w, "CancelKeyDeletion", "{'KeyId':'%.*s'}", PR(id)).code, S("KMSInvalidStateException"));
	EXPECT_DONE(CALL(w, "EnableKey", "{'KeyId':'%.*s'}", PR(id)));
	(void)schedule(w, ABROAD, id, 7);
	world_later(w, 8 * DAY);
	EXPECT_STR(replicate(w, id, ABROAD, "").code, S("")); /* the old one is swept on the way */
	EXPECT_STR(testing_about(w, HOME, id, "MultiRegionConfiguration.ReplicaKeys.0.Region"), S(ABROAD));
	EXPECT(!testing_about(w, HOME, id, "MultiRegionConfiguration.ReplicaKeys.1.Region").p);
	EXPECT_STR(testing_open_in(w, ABROAD, testing_seal_in(w, HOME, id)), S("aGk="));
	testing_duty(w);
	EXPECT_STR(testing_about(w, ABROAD, id, "KeyState"), S("Enabled"));
	world_end(w);
}

static void a_replica_that_is_gone_leaves_the_others_their_material(void)
{
	struct test_world *w = testing_begin();
	struct str id = testing_primary(w, ""), blob = testing_seal_in(w, HOME, id);
	testing_replicate(w, id, ABROAD);
	EXPECT_STR(testing_open_in(w, ABROAD, blob), S("aGk="));
	(void)schedule(w, ABROAD, id, 7);
	world_later(w, 7 * DAY);
	EXPECT_STR(testing_open_in(w, ABROAD, blob), S("AccessDeniedException"));
	EXPECT_STR(testing_open_in(w, HOME, blob), S("aGk=")); /* what the keyring forgot it opens again */
	EXPECT_STR(testing_about(w, HOME, id, "MultiRegionConfiguration.ReplicaKeys"), S("[]"));
	(void)schedule(w, HOME, id, 7);
	EXPECT_STR(testing_about(w, HOME, id, "KeyState"), S("PendingDeletion")); /* none is left to wait for */
	world_end(w);
}

/* ---- who may ------------------------------------------------------------------------------------- */

#define ALICE                     "arn:aws:iam::111122223333:user/alice"
#define POLICY(...)               "{\"Version\":\"2012-10-17\",\"Statement\":[" __VA_ARGS__ "]}"
#define MAY(effect, action, more) "{\"Effect\":\"" effect "\",\"Action\":\"" action "\",\"Resource\":\"*\"" more "}"
#define WHEN(test, key, value)    ",\"Condition\":{\"" test "\":{\"" key "\":\"" value "\"}}"

static void replicating_needs_leave_for_the_key_and_for_the_region(void)
{
	static const struct {
		const char *policy, *region, *more;
		bool may;
	} cases[] = {
		{ POLICY(MAY("Allow", "kms:ReplicateKey", "")), ABROAD, "", false },
		{ POLICY(MAY("Allow", "kms:CreateKey", "")), ABROAD, "", false },
		{ POLICY(MAY("Allow", "kms:ReplicateKey", "") "," MAY("Allow", "kms:CreateKey", "")), ABROAD, "",
		  true },
		{ POLICY(MAY("Allow", "kms:ReplicateKey", "") "," MAY("Allow", "kms:CreateKey", "")), ABROAD,
		  ",'Tags':[{'TagKey':'a','TagValue':'1'}]", false },
		{ POLICY(MAY("Allow", "kms:*", "")), ABROAD, ",'Tags':[{'TagKey':'a','TagValue':'1'}]", true },
		{ POLICY(MAY("Allow", "kms:*", "") "," MAY("Deny", "kms:ReplicateKey",
							   WHEN("StringNotEquals", "kms:ReplicaRegion", THIRD))),
		  ABROAD, "", false },
		{ POLICY(MAY("Allow", "kms:*", "") "," MAY("Deny", "kms:ReplicateKey",
							   WHEN("StringNotEquals", "kms:ReplicaRegion", THIRD))),
		  THIRD, "", true },
		{ POLICY(MAY("Allow", "kms:*", "") "," MAY("Deny", "kms:CreateKey",
							   WHEN("StringEquals", "kms:MultiRegionKeyType", "REPLICA"))),
		  ABROAD, "", false },
		{ POLICY(MAY("Allow", "kms:*", "") "," MAY("Deny", "kms:CreateKey",
							   WHEN("Bool", "kms:MultiRegion", "true"))),
		  ABROAD, "", false },
		{ POLICY(MAY("Allow", "kms:*", "") "," MAY("Deny", "kms:CreateKey",
							   WHEN("StringEquals", "aws:RequestedRegion", ABROAD))),
		  ABROAD, "", false },
		{ POLICY(MAY("Allow", "kms:*", "") "," MAY("Deny", "kms:CreateKey",
							   WHEN("StringEquals", "aws:RequestedRegion", HOME))),
		  ABROAD, "", true },
		{ POLICY(MAY("Allow", "kms:*", "") "," MAY("Deny", "kms:ReplicateKey",
							   WHEN("StringEquals", "kms:MultiRegionKeyType", "PRIMARY"))),
		  ABROAD, "", false },
	};
	struct test_world *w = testing_begin();
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct str id = testing_primary(w, "");
		struct caller who = testing_user(w, cases[i].policy);
		struct test_reply r = AS(w, who, "ReplicateKey", "{'KeyId':'%.*s','ReplicaRegion':'%s'%s}", PR(id),
					 cases[i].region, cases[i].more);
		EXPECT_STR(r.code, cases[i].may ? S("") : S("AccessDeniedException"));
		EXPECT(str_eq(testing_about(w, cases[i].region, id, "KeyId"), id) == cases[i].may);
	}
	world_end(w);
}

static void a_new_primary_is_told_by_its_condition_keys(void)
{
	static const struct {
		const char *policy;
		bool single, multi;
	} cases[] = {
		{ POLICY(MAY("Allow", "kms:CreateKey", WHEN("Bool", "kms:MultiRegion", "false"))), true, false },
		{ POLICY(MAY("Allow", "kms:CreateKey", WHEN("Bool", "kms:MultiRegion", "true"))), false, true },
		{ POLICY(MAY("Allow", "kms:CreateKey", WHEN("StringEquals", "kms:MultiRegionKeyType", "PRIMARY"))),
		  false, true },
		{ POLICY(MAY("Allow", "kms:CreateKey", WHEN("Null", "kms:MultiRegionKeyType", "true"))), true, false },
	};
	struct test_world *w = testing_begin();
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct caller who = testing_user(w, cases[i].policy);
		EXPECT(AS(w, who, "CreateKey", "{}").code.n == (cases[i].single ? 0 : S("AccessDeniedException").n));
		EXPECT(AS(w, who, "CreateKey", "{'MultiRegion':true}").code.n ==
		       (cases[i].multi ? 0 : S("AccessDeniedException").n));
	}
	world_end(w);
}

static void uses_are_told_by_the_key_s_role(void)
{
	struct test_world *w = testing_begin();
	struct str id = testing_primary(w, ""), single = testing_key(w);
	struct caller primaries =
			  testing_user(w, POLICY(MAY("Allow", "kms:Encrypt",
						     WHEN("StringEquals", "kms:MultiRegionKeyType", "PRIMARY")))),
		      replicas =
			  testing_user(w, POLICY(MAY("Allow", "kms:Encrypt",
						     WHEN("StringEquals", "kms:MultiRegionKeyType", "REPLICA")))),
		      many =
			  testing_user(w, POLICY(MAY("Allow", "kms:Encrypt", WHEN("Bool", "kms:MultiRegion", "true"))));
	testing_replicate(w, id, ABROAD);
#define TRY_IN(who, region, key) AS_IN(w, who, region, "Encrypt", "{'KeyId':'%.*s','Plaintext':'aGk='}", PR(key)).code
	EXPECT_STR(TRY_IN(primaries, HOME, id), S(""));
	EXPECT_STR(TRY_IN(primaries, ABROAD, id), S("AccessDeniedException"));
	EXPECT_STR(TRY_IN(replicas, HOME, id), S("AccessDeniedException"));
	EXPECT_STR(TRY_IN(replicas, ABROAD, id), S(""));
	EXPECT_STR(TRY_IN(many, ABROAD, id), S(""));
	EXPECT_STR(TRY_IN(many, HOME, single), S("AccessDeniedException"));
	EXPECT_DONE(MOVE(HOME, id, ABROAD)); /* in force at once */
	EXPECT_STR(TRY_IN(primaries, HOME, id), S("AccessDeniedException"));
	EXPECT_STR(TRY_IN(primaries, ABROAD, id), S(""));
	world_end(w);
}

static void moving_needs_leave_on_both_keys(void)
{
	struct test_world *w = testing_begin();
	struct str id = testing_primary(w, "");
	struct str shut = testing_quoted(
	    w, POLICY("{\"Effect\":\"Allow\",\"Principal\":{\"AWS\":\"arn:aws:iam::111122223333:root\"},\"Action\":"
		      "\"kms:*\",\"Resource\":\"*\"},{\"Effect\":\"Deny\",\"Principal\":\"*\",\"Action\":"
		      "\"kms:UpdatePrimaryRegion\",\"Resource\":\"*\",\"Condition\":{\"StringEquals\":"
		      "{\"aws:PrincipalArn\":\"" ALICE "\"}}}"));
	EXPECT_DONE(
	    CALL(w, "ReplicateKey", "{'KeyId':'%.*s','ReplicaRegion':'" ABROAD "','Policy':'%.*s'}", PR(id), PR(shut)));
	testing_replicate(w, id, THIRD);
	struct caller alice = testing_user(w, POLICY(MAY("Allow", "kms:*", "")));
	struct caller choosy = testing_user(
	    w, POLICY(MAY("Allow", "kms:UpdatePrimaryRegion", WHEN("StringEquals", "kms:PrimaryRegion", "us-west-2"))));
#define MOVE_AS(who, to) AS(w, who, "UpdatePrimaryRegion", "{'KeyId':'%.*s','PrimaryRegion':'" to "'}", PR(id)).code
	EXPECT_STR(MOVE_AS(alice, ABROAD), S("AccessDeniedException")); /* by the replica's policy */
	EXPECT_STR(MOVE_AS(choosy, THIRD), S("AccessDeniedException"));
	EXPECT_STR(MOVE_AS(alice, THIRD), S(""));
	EXPECT_STR(testing_about(w, HOME, id, "MultiRegionConfiguration.PrimaryKey.Region"), S(THIRD));
	world_end(w);
}

static void the_lockout_check_is_about_the_replica(void)
{
	struct test_world *w = testing_begin();
	struct str id = testing_primary(w, "");
	struct str other = testing_quoted(
	    w, POLICY("{\"Effect\":\"Allow\",\"Principal\":{\"AWS\":\"arn:aws:iam::444455556666:root\"},\"Action\":"
		      "\"kms:*\",\"Resource\":\"*\"}"));
	struct test_reply r =
	    CALL(w, "ReplicateKey", "{'KeyId':'%.*s','ReplicaRegion':'" ABROAD "','Policy':'%.*s'}", PR(id), PR(other));
	EXPECT_STR(r.code, S("MalformedPolicyDocumentException"));
	r = CALL(w, "ReplicateKey",
		 "{'KeyId':'%.*s','ReplicaRegion':'" ABROAD "','Policy':'%.*s','BypassPolicyLockoutSafetyCheck':true}",
		 PR(id), PR(other));
	EXPECT_DONE(r);
	EXPECT_STR(CALL_IN(w, ABROAD, "DescribeKey", "{'KeyId':'%.*s'}", PR(id)).code, S("AccessDeniedException"));
	EXPECT_DONE(CALL(w, "DescribeKey", "{'KeyId':'%.*s'}", PR(id)));
	world_end(w);
}

static void grants_are_each_regions_own(void)
{
	struct test_world *w = testing_begin();
	struct str id = testing_primary(w, "");
	struct caller alice = testing_user(w, NULL);
	testing_replicate(w, id, ABROAD);
	struct test_reply r =
	    CALL(w, "CreateGrant", "{'KeyId':'%.*s','GranteePrincipal':'" ALICE "','Operations':['Encrypt']}", PR(id));
	EXPECT_DONE(r);
	EXPECT_STR(TRY_IN(alice, HOME, id), S(""));
	EXPECT_STR(TRY_IN(alice, ABROAD, id), S("AccessDeniedException"));
	EXPECT_STR(world_field(w, CALL_IN(w, ABROAD, "ListGrants", "{'KeyId':'%.*s'}", PR(id)), "Grants"), S("[]"));
	r = CALL_IN(w, ABROAD, "Encrypt", "{'KeyId':'%.*s','Plaintext':'aGk=','GrantTokens':['%.*s']}", PR(id),
		    PR(world_field(w, r, "GrantToken")));
	EXPECT_STR(r.code, S("InvalidGrantTokenException"));
	world_end(w);
}

/* ---- the trail ------------------------------------------------------------------------------------- */

/* That many events of that name in that region's trail. */
static struct str events(struct test_world *w, const char *region, const char *name, size_t want)
{
	size_t n;
	struct str lines = testing_records(w, region, name, 50, &n);
	EXPECT(n == want);
	return lines;
}

static bool has(struct str in, struct str what) { return str_find(in, what) != SIZE_MAX; }

static void each_region_s_trail_has_its_part(void)
{
	struct test_world *w = testing_begin();
	struct str id = testing_primary(w, "");
	testing_replicate(w, id, ABROAD);
	struct str e = events(w, HOME, "ReplicateKey", 1);
	EXPECT(has(e, S("\"replicaRegion\":\"" ABROAD "\"")) && has(e, testing_arn_in(w, ABROAD, id)));
	EXPECT(has(e, S("\"type\":\"Root\"")));
	e = events(w, ABROAD, "CreateKey", 1);
	EXPECT(has(e, S("\"multiRegion\":true")) && has(e, testing_arn_in(w, ABROAD, id)) &&
	       has(e, S("\"type\":\"Root\"")) && has(e, S("\"awsRegion\":\"" ABROAD "\"")));
	e = events(w, HOME, "SynchronizeMultiRegionKey", 1);
	EXPECT(has(e, S("\"requestParameters\":null")) && has(e, testing_arn(w, id)) &&
	       has(e, S("\"invokedBy\":\"AWS Internal\"")));
	EXPECT_DONE(MOVE(HOME, id, ABROAD));
	e = events(w, HOME, "UpdatePrimaryRegion", 1);
	EXPECT(has(e, S("\"primaryRegion\":\"" ABROAD "\"")) && has(e, testing_arn(w, id)));
	e = events(w, ABROAD, "UpdatePrimaryRegion", 1);
	EXPECT(has(e, S("\"type\":\"Root\"")) && has(e, testing_arn_in(w, ABROAD, id)));
	EXPECT_DONE(CALL_IN(w, ABROAD, "RotateKeyOnDemand", "{'KeyId':'%.*s'}", PR(id)));
	(void)events(w, ABROAD, "RotateKey", 1);
	(void)events(w, HOME, "RotateKey", 0);
	world_end(w);
}

RUN_ALL(T(a_primary_key_has_its_own_kind_of_id), T(a_replica_shares_id_and_material_and_nothing_else),
	T(each_region_is_on_and_off_by_itself), T(every_spec_works_across_regions),
	T(ciphertexts_and_data_keys_go_both_ways), T(a_bent_ciphertext_opens_nowhere),
	T(what_cannot_be_replicated_is_refused), T(a_replica_that_cannot_be_made_is_not_listed),
	T(the_primary_region_can_move_and_only_to_a_replica), T(while_its_role_changes_a_key_is_used_and_little_else),
	T(a_primary_that_waits_to_be_deleted_does_what_one_with_a_date_does), T(the_primary_rotates_for_all),
	T(the_schedule_moves_with_the_primary), T(a_primary_waits_for_the_end_of_its_replicas),
	T(a_cancelled_primary_comes_back_disabled_and_works),
	T(a_replica_that_is_gone_leaves_the_others_their_material),
	T(replicating_needs_leave_for_the_key_and_for_the_region), T(a_new_primary_is_told_by_its_condition_keys),
	T(uses_are_told_by_the_key_s_role), T(moving_needs_leave_on_both_keys),
	T(the_lockout_check_is_about_the_replica), T(grants_are_each_regions_own), T(each_region_s_trail_has_its_part))

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * "Key states of AWS KMS keys", the table of the KMS Developer Guide: every operation on a key, in
 * every state. An operation that is neither in the table nor among those that ask for no key
 * fails the last test, so a new one cannot be forgotten.
 */
#include "svc/kms/blob.h"
#include "svc/kms/key_store.h"
#include "svc/kms/testing.h"

#include "wire/pack.h"

/* What a cell says; the faults' words are the table's notes. */
enum cell {
	OKAY,
	DISABLED,    /* [1] DisabledException: is disabled. */
	DELETED,     /* [3] KMSInvalidStateException: is pending deletion. */
	NOT_DELETED, /* [4] KMSInvalidStateException: is not pending deletion. */
	IMPORTS,     /* [5] KMSInvalidStateException: is pending import. */
	UNSUPPORTED, /* [6] [7] [9] UnsupportedOperationException */
	UNAVAILABLE, /* [11] KMSInvalidStateException: is unavailable. */
	NONE,        /* N/A: no such key has that state */
};

/* A column: a sort of key in a state. */
enum column {
	ENABLED,
	IS_DISABLED,
	PENDING_DELETION,
	PENDING_IMPORT,
	EXTERNAL_DELETION, /* without material, and pending deletion */
	IN_LOST_STORE,     /* Unavailable */
	COLUMNS,
};

enum sort { SYMMETRIC, SIGNING, AGREEING, HMAC };

static const char *const makes[] = {
	[SYMMETRIC] = "",
	[SIGNING] = "'KeySpec':'ECC_NIST_P256','KeyUsage':'SIGN_VERIFY',",
	[AGREEING] = "'KeySpec':'ECC_NIST_P256','KeyUsage':'KEY_AGREEMENT',",
	[HMAC] = "'KeySpec':'HMAC_256','KeyUsage':'GENERATE_VERIFY_MAC',",
};

#define ALWAYS                                     \
	{                                          \
		OKAY, OKAY, OKAY, OKAY, OKAY, OKAY \
	}
#define CHANGES                                          \
	{                                                \
		OKAY, OKAY, DELETED, OKAY, DELETED, OKAY \
	}
#define SWITCHES                                            \
	{                                                   \
		OKAY, OKAY, DELETED, IMPORTS, DELETED, OKAY \
	}
#define USES                                                           \
	{                                                              \
		OKAY, DISABLED, DELETED, IMPORTS, DELETED, UNAVAILABLE \
	}
/* Keys in custom key stores make no data key pairs, connected or not (GenerateDataKeyPair). */
#define PAIRS                                                          \
	{                                                              \
		OKAY, DISABLED, DELETED, IMPORTS, DELETED, UNSUPPORTED \
	}
#define USES_HERE                                               \
	{                                                       \
		OKAY, DISABLED, DELETED, IMPORTS, DELETED, NONE \
	}
#define IMPORTING                                                                 \
	{                                                                         \
		UNSUPPORTED, UNSUPPORTED, UNSUPPORTED, OKAY, DELETED, UNSUPPORTED \
	}
#define SCHEDULES                                                              \
	{                                                                      \
		OKAY, DISABLED, DELETED, UNSUPPORTED, UNSUPPORTED, UNSUPPORTED \
	}

#define ID   "'KeyId':'$K'"
#define ECC  ",'Message':'aGk=','SigningAlgorithm':'ECDSA_SHA_256'"
#define MAC  ",'Message':'aGk=','MacAlgorithm':'HMAC_SHA_256'"
#define PAIR ",'KeyPairSpec':'ECC_NIST_P256'"

/* $K the key, $B a ciphertext of it, $G a grant on it, $S a signature, $M a MAC, $P a public key, $D its policy. */
static const struct row {
	const char *op, *in;
	enum cell want[COLUMNS];
	enum sort sort;
} table[] = {
	{ "CancelKeyDeletion", ID, { NOT_DELETED, NOT_DELETED, OKAY, NOT_DELETED, OKAY, NOT_DELETED } },
	{ "CreateAlias", "'AliasName':'alias/new-$K','TargetKeyId':'$K'", CHANGES },
	{ "CreateGrant",
	  ID ",'GranteePrincipal':'arn:aws:iam::111122223333:root','Operations':['Encrypt']",
	  { OKAY, DISABLED, DELETED, IMPORTS, DELETED, OKAY } },
	{ "Decrypt", "'CiphertextBlob':'$B'", USES },
	{ "DeleteAlias", "'AliasName':'alias/own-$K'", ALWAYS },
	{ "DeleteImportedKeyMaterial", ID, { UNSUPPORTED, UNSUPPORTED, UNSUPPORTED, OKAY, OKAY, UNSUPPORTED } },
	{ "DeriveSharedSecret", ID ",'KeyAgreementAlgorithm':'ECDH','PublicKey':'$P'", USES_HERE, AGREEING },
	{ "DescribeKey", ID, ALWAYS },
	{ "DisableKey", ID, SWITCHES },
	{ "DisableKeyRotation", ID, SCHEDULES },
	{ "EnableKey", ID, SWITCHES },
	{ "EnableKeyRotation", ID, SCHEDULES },
	{ "Encrypt", ID ",'Plaintext':'aGk='", USES },
	{ "GenerateDataKey", ID ",'KeySpec':'AES_256'", USES },
	{ "GenerateDataKeyPair", ID PAIR, PAIRS },
	{ "GenerateDataKeyPairWithoutPlaintext", ID PAIR, PAIRS },
	{ "GenerateDataKeyWithoutPlaintext", ID ",'KeySpec':'AES_256'", USES },
	{ "GenerateMac", ID MAC, USES_HERE, HMAC },
	{ "GetKeyLastUsage", ID, ALWAYS },
	{ "GetKeyPolicy", ID ",'PolicyName':'default'", ALWAYS },
	{ "GetKeyRotationStatus", ID, ALWAYS }, /* imported material and stores' keys: answered, and false */
	{ "GetParametersForImport", ID ",'WrappingAlgorithm':'RSAES_OAEP_SHA_256','WrappingKeySpec':'RSA_2048'",
	  IMPORTING },
	{ "GetPublicKey", ID, USES_HERE, SIGNING },
	{ "ImportKeyMaterial",
	  ID ",'ImportToken':'aGk=','EncryptedKeyMaterial':'aGk=','ExpirationModel':'KEY_MATERIAL_DOES_NOT_EXPIRE'",
	  IMPORTING },
	{ "ListAliases", ID, ALWAYS },
	{ "ListGrants", ID, ALWAYS },
	{ "ListKeyPolicies", ID, ALWAYS },
	{ "ListKeyRotations", ID, ALWAYS },
	{ "ListResourceTags", ID, ALWAYS },
	{ "PutKeyPolicy", ID ",'PolicyName':'default','Policy':'$D'", ALWAYS },
	{ "ReEncrypt", "'CiphertextBlob':'$B','DestinationKeyId':'$K'", USES },
	{ "RetireGrant", ID ",'GrantId':'$G'", ALWAYS },
	{ "RevokeGrant", ID ",'GrantId':'$G'", ALWAYS },
	{ "RotateKeyOnDemand", ID, { OKAY, DISABLED, DELETED, IMPORTS, DELETED, UNSUPPORTED } },
	{ "ScheduleKeyDeletion", ID, CHANGES },
	{ "Sign", ID ECC, USES_HERE, SIGNING },
	{ "TagResource", ID ",'Tags':[{'TagKey':'k','TagValue':'v'}]", CHANGES },
	{ "UntagResource", ID ",'TagKeys':['k']", CHANGES },
	{ "UpdateAlias", "'AliasName':'alias/other-$K','TargetKeyId':'$K'", CHANGES },
	{ "UpdateKeyDescription", ID ",'Description':'d'", CHANGES },
	{ "Verify", ID ECC ",'Signature':'$S'", USES_HERE, SIGNING },
	{ "VerifyMac", ID MAC ",'Mac':'$M'", USES_HERE, HMAC },
};

/* They ask for no key that is there, are not served, or stand in the table of multi-Region keys. */
static const char *const elsewhere[] = {
	"ConnectCustomKeyStore",
	"Decapsulate",
	"Encapsulate",
	"CreateCustomKeyStore",
	"CreateKey",
	"DeleteCustomKeyStore",
	"DescribeCustomKeyStores",
	"GenerateRandom",
	"ListKeys",
	"ListRetirableGrants",
	"DisconnectCustomKeyStore",
	"ReplicateKey",
	"UpdatePrimaryRegion",
	"UpdateCustomKeyStore",
};

struct subject {
	struct test_world *w;
	struct str id, blob, grant, signature, mac, public, policy;
};

/* ---- a key, with all that is asked about ------------------------------------------------ */

/* No token is needed for a store that is not connected: the key's row says that it is in one. */
static void lose_store(struct req *rq, void *arg)
{
	const struct subject *s = arg;
	const struct kms_key_store_row store = { .created_at = JAN_1,
						 .name = S("lost"),
						 .cluster_id = S("cluster-lost"),
						 .trust_anchor = S("none"),
						 .pin = S("none"),
						 .state = KMS_CONNECTION_STATE_TYPE_DISCONNECTED };
	struct shard *shard;
	struct txn *t;
	struct kms_key_row row;
	EXPECT_OK(kms_shard(rq, WORLD_ACCOUNT, &shard));
	EXPECT_OK(txn_write(shard, &t));
	EXPECT_OK(kms_row_get(rq, t, s->id, &row));
	row.custom_key_store_id = S("cks-0123456789abcdef0");
	row.origin = KMS_ORIGIN_TYPE_AWS_CLOUDHSM;
	EXPECT_OK(kms_store_put(rq, t, row.custom_key_store_id, &store));
	EXPECT_OK(kms_row_put(rq, t, s->id, &row));
	EXPECT_OK(txn_commit(t));
}

static void bring_into(struct subject *s, enum column c)
{
	struct test_world *w = s->w;
	if (c == IS_DISABLED)
		EXPECT_DONE(CALL(w, "DisableKey", "{'KeyId':'%.*s'}", PR(s->id)));
	if (c == PENDING_DELETION || c == EXTERNAL_DELETION)
		EXPECT_DONE(CALL(w, "ScheduleKeyDeletion", "{'KeyId':'%.*s'}", PR(s->id)));
	if (c == IN_LOST_STORE)
		world_in_fiber(w, lose_store, s);
}

struct part {
	char name;
	struct str text;
};

/* $K and the like become what they stand for. */
static struct str filled(struct subject *s, const char *in)
{
	const struct part parts[] = { { 'K', s->id },  { 'B', s->blob },   { 'G', s->grant }, { 'S', s->signature },
				      { 'M', s->mac }, { 'P', s->public }, { 'D', s->policy } };
	struct buf b = buf_in(world_mem(s->w));
	for (const char *p = in; *p; p++) {
		if (*p != '$') {
			buf_byte(&b, *p);
			continue;
		}
		p++;
		for (size_t i = 0; i < COUNT(parts); i++)
			if (parts[i].name == *p)
				buf_put(&b, parts[i].text);
	}
	return buf_str(&b);
}

static struct test_reply ask(struct subject *s, const char *op, const char *in)
{
	return CALL(s->w, op, "{%.*s}", PR(filled(s, in)));
}

static struct str got(struct subject *s, const char *op, const char *in, const char *field)
{
	struct test_reply r = ask(s, op, in);
	EXPECT_DONE(r);
	return world_field(s->w, r, field);
}

/* As if it had been encrypted with material that is gone. */
static struct str named_in_a_blob(struct subject *s)
{
	struct arena *mem = world_mem(s->w);
	static const char sealed[64];
	struct buf b = buf_in(mem);
	buf_put(&b, kms_blob_header(mem, WORLD_ACCOUNT, s->id, 1));
	buf_put(&b, str_make(sealed, sizeof sealed));
	return base64_encode(mem, buf_str(&b));
}

/* What works on a key without material is less: it neither signs nor has grants. */
static void use_beforehand(struct subject *s, enum sort sort, bool has_material)
{
	s->blob = s->signature = s->mac = s->public = S("aGk=");
	EXPECT_DONE(ask(s, "CreateAlias", "'AliasName':'alias/own-$K','TargetKeyId':'$K'"));
	if (!has_material) {
		s->blob = named_in_a_blob(s);
		return;
	}
	s->grant =
	    got(s, "CreateGrant",
		ID ",'GranteePrincipal':'arn:aws:iam::111122223333:root','Operations':['DescribeKey']", "GrantId");
	if (sort == SYMMETRIC)
		s->blob = got(s, "Encrypt", ID ",'Plaintext':'aGk='", "CiphertextBlob");
	if (sort == SIGNING)
		s->signature = got(s, "Sign", ID ECC, "Signature");
	if (sort == HMAC)
		s->mac = got(s, "GenerateMac", ID MAC, "Mac");
	if (sort == AGREEING)
		s->public = got(s, "GetPublicKey", ID, "PublicKey");
}

static struct subject subject_in(struct test_world *w, enum sort sort, enum column c)
{
	bool external = c == PENDING_IMPORT || c == EXTERNAL_DELETION;
	struct test_reply r = CALL(w, "CreateKey", "{%s'Origin':'%s'}", makes[sort], external ? "EXTERNAL" : "AWS_KMS");
	EXPECT_DONE(r);
	struct subject s = { .w = w, .id = world_field(w, r, "KeyMetadata.KeyId") };
	s.policy =
	    testing_quoted(w, "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":{\"AWS\":"
			      "\"111122223333\"},\"Action\":\"kms:*\",\"Resource\":\"*\"}]}");
	use_beforehand(&s, sort, !external);
	struct subject other = { .w = w, .id = testing_key(w) };
	r = CALL(w, "CreateAlias", "{'AliasName':'alias/other-%.*s','TargetKeyId':'%.*s'}", PR(s.id), PR(other.id));
	EXPECT_DONE(r);
	bring_into(&s, c);
	return s;
}

/* ---- the cells ------------------------------------------------------------------------- */

static const struct {
	const char *code, *text; /* after the key's ARN */
} says[] = {
	[OKAY] = { "", "" },
	[DISABLED] = { "DisabledException", " is disabled." },
	[DELETED] = { "KMSInvalidStateException", " is pending deletion." },
	[NOT_DELETED] = { "KMSInvalidStateException", " is not pending deletion." },
	[IMPORTS] = { "KMSInvalidStateException", " is pending import." },
	[UNSUPPORTED] = { "UnsupportedOperationException", NULL },
	[UNAVAILABLE] = { "KMSInvalidStateException", " is unavailable." },
};

static void check(struct test_world *w, const struct row *row, enum column c)
{
	enum cell want = row->want[c];
	struct subject s = subject_in(w, row->sort, c);
	struct test_reply r = ask(&s, row->op, row->in);
	if (!strcmp(row->op, "ImportKeyMaterial") && want == OKAY) {
		EXPECT_STR(r.code, S("InvalidImportTokenException")); /* the state is fine, the token is none */
		return;
	}
	if (want == OKAY && !s.grant.p && (!strcmp(row->op, "RetireGrant") || !strcmp(row->op, "RevokeGrant"))) {
		EXPECT_STR(r.code, S("ValidationException")); /* a key without material has no grants to end */
		return;
	}
	struct str text =
	    arena_printf(world_mem(w), "%.*s%s", PR(testing_arn(w, s.id)), says[want].text ? says[want].text : "");
	if (!str_eq(r.code, str_of(says[want].code)) || (want != OKAY && says[want].text && !str_eq(r.text, text)))
		printf("# %s in column %d: %.*s: %.*s\n", row->op, (int)c, PR(r.code), PR(r.text));
	EXPECT_STR(r.code, str_of(says[want].code));
	if (want != OKAY && says[want].text)
		EXPECT_STR(r.text, text);
}

static void check_column(enum column c)
{
	struct test_world *w = testing_begin();
	for (size_t i = 0; i < COUNT(table); i++)
		if (table[i].want[c] != NONE)
			check(w, &table[i], c);
	world_end(w);
}

static void an_enabled_key_does_everything(void) { check_column(ENABLED); }
static void a_disabled_key_is_administered_and_not_used(void) { check_column(IS_DISABLED); }
static void a_key_pending_deletion_can_be_looked_at_and_saved(void) { check_column(PENDING_DELETION); }
static void a_key_pending_import_waits_for_its_material(void) { check_column(PENDING_IMPORT); }
static void a_key_without_material_can_be_deleted_too(void) { check_column(EXTERNAL_DELETION); }
static void a_key_in_a_store_that_is_gone_is_administered_and_not_used(void) { check_column(IN_LOST_STORE); }

static void the_states_are_called_as_aws_calls_them(void)
{
	static const char *const names[] = {
		[ENABLED] = "Enabled",
		[IS_DISABLED] = "Disabled",
		[PENDING_DELETION] = "PendingDeletion",
		[PENDING_IMPORT] = "PendingImport",
		[EXTERNAL_DELETION] = "PendingDeletion",
		[IN_LOST_STORE] = "Unavailable",
	};
	struct test_world *w = testing_begin();
	for (enum column c = 0; c < COLUMNS; c++)
		EXPECT_STR(testing_state(w, subject_in(w, SYMMETRIC, c).id), str_of(names[c]));
	world_end(w);
}

static void no_operation_is_forgotten(void)
{
	for (uint32_t i = 0; i < kms_service.n_ops; i++) {
		bool known = false;
		for (size_t j = 0; j < COUNT(table); j++)
			known |= !strcmp(table[j].op, kms_service.ops[i].name);
		for (size_t j = 0; j < COUNT(elsewhere); j++)
			known |= !strcmp(elsewhere[j], kms_service.ops[i].name);
		if (!known)
			printf("# %s\n", kms_service.ops[i].name);
		EXPECT(known);
	}
	for (size_t j = 0; j < COUNT(elsewhere); j++)
		EXPECT(service_op(&kms_service, str_of(elsewhere[j])));
}

RUN_ALL(T(an_enabled_key_does_everything), T(a_disabled_key_is_administered_and_not_used),
	T(a_key_pending_deletion_can_be_looked_at_and_saved), T(a_key_pending_import_waits_for_its_material),
	T(a_key_without_material_can_be_deleted_too), T(a_key_in_a_store_that_is_gone_is_administered_and_not_used),
	T(the_states_are_called_as_aws_calls_them), T(no_operation_is_forgotten))

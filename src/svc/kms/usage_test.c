/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is known of a key's last use: which uses count, what is said of them, and that neither
 * a stop nor a crash loses one.
 */
#include "api/trail.h"
#include "svc/kms/duty.h"
#include "svc/kms/multiregion_testing.h"
#include "svc/kms/usage.h"

enum { DAY = 24 * 60 * 60 * 1000, MINUTE = 60 * 1000 };

static void open_usage(struct req *rq, void *arg)
{
	(void)arg;
	kms_usage_open(rq->app);
}

static void write_usage(struct req *rq, void *arg)
{
	(void)arg;
	kms_usage_write(rq->app);
}

static void close_usage(struct req *rq, void *arg)
{
	(void)arg;
	kms_usage_close(rq->app);
}

static struct test_world *begin(void)
{
	struct test_world *w = testing_begin();
	world_in_fiber(w, open_usage, NULL);
	return w;
}

static void finish(struct test_world *w)
{
	world_in_fiber(w, close_usage, NULL);
	world_end(w);
}

static void crash(struct test_world *w)
{
	world_in_fiber(w, close_usage, NULL); /* which writes nothing */
	world_restart(w);
	world_in_fiber(w, open_usage, NULL);
}

static struct str last(struct test_world *w, struct str key, const char *member)
{
	struct test_reply r = CALL(w, "GetKeyLastUsage", "{'KeyId':'%.*s'}", PR(key));
	EXPECT_DONE(r);
	return world_field(w, r, member);
}

static void use(struct test_world *w, struct str key)
{
	EXPECT_DONE(CALL(w, "Encrypt", "{'KeyId':'%.*s','Plaintext':'aGk='}", PR(key)));
}

/* ---- what is said ----------------------------------------------------------------------- */

static void a_key_that_was_never_used_says_so(void)
{
	struct test_world *w = begin();
	world_later(w, DAY);
	struct str key = testing_key(w);
	world_later(w, DAY);
	struct test_reply r = CALL(w, "GetKeyLastUsage", "{'KeyId':'%.*s'}", PR(testing_arn(w, key)));
	EXPECT_STR(world_field(w, r, "KeyId"), key);
	EXPECT_STR(world_field(w, r, "KeyLastUsage"), S("{}"));
	EXPECT_STR(world_field(w, r, "KeyCreationDate"), S("1767312000"));
	EXPECT_STR(world_field(w, r, "TrackingStartDate"), S("1767312000"));
	EXPECT_DONE(CALL(w, "CreateAlias", "{'AliasName':'alias/a','TargetKeyId':'%.*s'}", PR(key)));
	EXPECT_STR(CALL(w, "GetKeyLastUsage", "{'KeyId':'alias/a'}").code, S("NotFoundException"));
	EXPECT_STR(
	    AS(w, world_root_of(w, WORLD_OTHER), "GetKeyLastUsage", "{'KeyId':'%.*s'}", PR(testing_arn(w, key))).code,
	    S("AccessDeniedException"));
	finish(w);
}

static void keys_older_than_the_tracking_say_since_when_it_is(void)
{
	struct test_world *w = testing_begin();
	struct str key = testing_key(w);
	world_later(w, 2 * DAY);
	use(w, key);
	world_restart(w);
	world_in_fiber(w, open_usage, NULL);
	world_later(w, DAY);
	crash(w);
	EXPECT_STR(last(w, key, "KeyLastUsage"), S("{}"));
	EXPECT_STR(last(w, key, "KeyCreationDate"), S("1767225600"));
	EXPECT_STR(last(w, key, "TrackingStartDate"), S("1767398400"));
	finish(w);
}

struct asked {
	struct str account, event, id; /* id: of the newest record of that event there */
	struct str request;
};

static void newest(struct req *rq, void *arg)
{
	struct asked *a = arg;
	struct lookup l = { .account = a->account,
			    .attribute = LOOKUP_EVENT_NAME,
			    .value = a->event,
			    .max = 1,
			    .block = LOOKUP_START_BLOCK,
			    .index = LOOKUP_START_INDEX };
	struct record *found;
	char id[36];
	size_t n;
	bool more;
	EXPECT_OK(trail_lookup(rq->app->trail, rq->mem, &l, &found, &n, &more));
	EXPECT(n == 1);
	record_event_id(&found[0], id);
	a->id = heap_dup(str_make(id, sizeof id));
	a->request = heap_dup(found[0].request_id);
}

static void expect_last(struct test_world *w, struct str account, struct str key, const char *operation, int64_t when_s)
{
	struct test_reply r = AS(w, world_root_of(w, account), "GetKeyLastUsage", "{'KeyId':'%.*s'}", PR(key));
	struct asked a = { .account = account, .event = str_of(operation) };
	EXPECT_DONE(r);
	world_in_fiber(w, newest, &a);
	EXPECT_STR(world_field(w, r, "KeyLastUsage.Operation"), a.event);
	EXPECT_STR(world_field(w, r, "KeyLastUsage.CloudTrailEventId"), a.id);
	EXPECT_STR(world_field(w, r, "KeyLastUsage.KmsRequestId"), a.request);
	EXPECT_STR(world_field(w, r, "KeyLastUsage.Timestamp"), arena_printf(world_mem(w), "%jd", (intmax_t)when_s));
	heap_free(a.id.p);
	heap_free(a.request.p);
}

static void every_cryptographic_operation_counts(void)
{
	struct test_world *w = begin();
	struct str key = testing_key(w), rsa = testing_key_of(w, "RSA_2048", "SIGN_VERIFY"),
		   mac = testing_key_of(w, "HMAC_256", "GENERATE_VERIFY_MAC"),
		   agree = testing_key_of(w, "ECC_NIST_P256", "KEY_AGREEMENT");
	struct test_reply r = CALL(w, "Encrypt", "{'KeyId':'%.*s','Plaintext':'aGk='}", PR(key));
	struct str blob = world_field(w, r, "CiphertextBlob");
	r = CALL(w, "Sign", "{'KeyId':'%.*s','Message':'aGk=','SigningAlgorithm':'RSASSA_PSS_SHA_256'}", PR(rsa));
	struct str signature = world_field(w, r, "Signature");
	r = CALL(w, "GenerateMac", "{'KeyId':'%.*s','Message':'aGk=','MacAlgorithm':'HMAC_SHA_256'}", PR(mac));
	struct str sum = world_field(w, r, "Mac");
	struct str public = world_field(w, CALL(w, "GetPublicKey", "{'KeyId':'%.*s'}", PR(agree)), "PublicKey");
	EXPECT_STR(last(w, agree, "KeyLastUsage"), S("{}")); /* GetPublicKey is none */
#define MORE(...) arena_printf(world_mem(w), __VA_ARGS__)
	const struct {
		const char *op;
		struct str key, more;
	} ops[] = {
		{ "Encrypt", key, S(",'Plaintext':'aGk='") },
		{ "Decrypt", key, MORE(",'CiphertextBlob':'%.*s'", PR(blob)) },
		{ "GenerateDataKey", key, S(",'KeySpec':'AES_256'") },
		{ "GenerateDataKeyWithoutPlaintext", key, S(",'KeySpec':'AES_256'") },
		{ "GenerateDataKeyPair", key, S(",'KeyPairSpec':'ECC_NIST_P256'") },
		{ "GenerateDataKeyPairWithoutPlaintext", key, S(",'KeyPairSpec':'ECC_NIST_P256'") },
		{ "Sign", rsa, S(",'Message':'aGk=','SigningAlgorithm':'RSASSA_PSS_SHA_256'") },
		{ "Verify", rsa,
		  MORE(",'Message':'aGk=','SigningAlgorithm':'RSASSA_PSS_SHA_256','Signature':'%.*s'", PR(signature)) },
		{ "GenerateMac", mac, S(",'Message':'aGk=','MacAlgorithm':'HMAC_SHA_256'") },
		{ "VerifyMac", mac, MORE(",'Message':'aGk=','MacAlgorithm':'HMAC_SHA_256','Mac':'%.*s'", PR(sum)) },
		{ "DeriveSharedSecret", agree, MORE(",'KeyAgreementAlgorithm':'ECDH','PublicKey':'%.*s'", PR(public)) },
	};
	for (size_t i = 0; i < COUNT(ops); i++) {
		world_later(w, 61500);
		EXPECT_DONE(CALL(w, ops[i].op, "{'KeyId':'%.*s'%.*s}", PR(ops[i].key), PR(ops[i].more)));
		expect_last(w, WORLD_ACCOUNT, ops[i].key, ops[i].op, (JAN_1 + (int64_t)(i + 1) * 61500) / 1000);
	}
	finish(w);
}

static void what_did_not_succeed_does_not_count(void)
{
	struct test_world *w = begin();
	struct str key = testing_key(w), mac = testing_key_of(w, "HMAC_256", "GENERATE_VERIFY_MAC");
	EXPECT_STR(CALL(w, "Encrypt", "{'KeyId':'%.*s','Plaintext':'aGk=','DryRun':true}", PR(key)).code,
		   S("DryRunOperationException"));
	EXPECT_STR(CALL(w, "VerifyMac", "{'KeyId':'%.*s','Message':'aGk=','MacAlgorithm':'HMAC_SHA_256','Mac':'aGk='}",
			PR(mac))
		       .code,
		   S("KMSInvalidMacException"));
	EXPECT_STR(AS(w, testing_user(w, NULL), "Encrypt", "{'KeyId':'%.*s','Plaintext':'aGk='}", PR(key)).code,
		   S("AccessDeniedException"));
	EXPECT_DONE(CALL(w, "DescribeKey", "{'KeyId':'%.*s'}", PR(key)));
	EXPECT_STR(last(w, key, "KeyLastUsage"), S("{}"));
	EXPECT_STR(last(w, mac, "KeyLastUsage"), S("{}"));
	finish(w);
}

#define BOTH                                                                                            \
	"{\"Version\":\"2012-10-17\",\"Statement\":{\"Effect\":\"Allow\",\"Principal\":{\"AWS\":["      \
	"\"arn:aws:iam::111122223333:root\",\"arn:aws:iam::444455556666:root\"]},\"Action\":\"kms:*\"," \
	"\"Resource\":\"*\"}}"

static void reencrypt_counts_for_both_keys_each_with_its_owners_event(void)
{
	struct test_world *w = begin();
	struct str text = testing_quoted(w, BOTH);
	struct str from = world_field(w, CALL(w, "CreateKey", "{'Policy':'%.*s'}", PR(text)), "KeyMetadata.Arn");
	struct caller bob = world_root_of(w, WORLD_OTHER);
	struct str to = world_field(w, AS(w, bob, "CreateKey", "{}"), "KeyMetadata.Arn");
	struct test_reply r = CALL(w, "Encrypt", "{'KeyId':'%.*s','Plaintext':'aGk='}", PR(from));
	struct str blob = world_field(w, r, "CiphertextBlob");
	world_later(w, DAY);
	EXPECT_DONE(AS(w, bob, "ReEncrypt", "{'CiphertextBlob':'%.*s','DestinationKeyId':'%.*s'}", PR(blob), PR(to)));
	expect_last(w, WORLD_ACCOUNT, from, "ReEncrypt", (JAN_1 + DAY) / 1000);
	expect_last(w, WORLD_OTHER, to, "ReEncrypt", (JAN_1 + DAY) / 1000);
	finish(w);
}

/* ---- stops and crashes ----------------------------------------------------------------- */

static void a_use_survives_a_stop(void)
{
	struct test_world *w = begin();
	struct str used = testing_key(w), idle = testing_key(w);
	world_later(w, DAY);
	use(w, used);
	world_in_fiber(w, write_usage, NULL);
	crash(w);
	expect_last(w, WORLD_ACCOUNT, used, "Encrypt", (JAN_1 + DAY) / 1000);
	EXPECT_STR(last(w, idle, "KeyLastUsage"), S("{}"));
	world_later(w, DAY);
	use(w, used);
	expect_last(w, WORLD_ACCOUNT, used, "Encrypt", (JAN_1 + 2 * DAY) / 1000);
	finish(w);
}

static void what_was_not_written_comes_from_the_trail(void)
{
	struct test_world *w = begin();
	struct str one = testing_key(w), two = testing_key(w), three = testing_key(w);
	use(w, one);
	use(w, two);
	world_in_fiber(w, write_usage, NULL);
	world_later(w, DAY - MINUTE);
	EXPECT_STR(CALL(w, "Encrypt", "{'KeyId':'%.*s','Plaintext':'aGk=','DryRun':true}", PR(two)).code,
		   S("DryRunOperationException"));
	world_later(w, MINUTE);
	use(w, one);
	EXPECT_DONE(CALL(w, "GenerateDataKey", "{'KeyId':'%.*s','KeySpec':'AES_256'}", PR(three)));
	crash(w);
	expect_last(w, WORLD_ACCOUNT, one, "Encrypt", (JAN_1 + DAY) / 1000);
	expect_last(w, WORLD_ACCOUNT, three, "GenerateDataKey", (JAN_1 + DAY) / 1000);
	EXPECT_STR(last(w, two, "KeyLastUsage.Timestamp"), S("1767225600"));
	crash(w);
	expect_last(w, WORLD_ACCOUNT, one, "Encrypt", (JAN_1 + DAY) / 1000);
	finish(w);
}

static void the_row_of_a_key_goes_with_it(void)
{
	struct test_world *w = begin();
	struct str key = testing_key(w);
	use(w, key);
	EXPECT_DONE(CALL(w, "ScheduleKeyDeletion", "{'KeyId':'%.*s','PendingWindowInDays':7}", PR(key)));
	world_in_fiber(w, write_usage, NULL);
	EXPECT_STR(last(w, key, "KeyLastUsage.Operation"), S("Encrypt"));
	world_later(w, 8 * (int64_t)DAY);
	EXPECT_STR(CALL(w, "GetKeyLastUsage", "{'KeyId':'%.*s'}", PR(key)).code, S("NotFoundException"));
	EXPECT(testing_rows(w) == 0);
	world_in_fiber(w, write_usage, NULL);
	EXPECT(testing_rows(w) == 0);
	crash(w);
	EXPECT_STR(CALL(w, "GetKeyLastUsage", "{'KeyId':'%.*s'}", PR(key)).code, S("NotFoundException"));
	finish(w);
}

/* It has the same id, and perhaps the same place in memory. */
static void a_replica_made_again_was_never_used(void)
{
	struct test_world *w = begin();
	struct str key = testing_primary(w, "");
	testing_replicate(w, key, ABROAD);
	(void)testing_seal_in(w, ABROAD, key);
	EXPECT_DONE(CALL_IN(w, ABROAD, "ScheduleKeyDeletion", "{'KeyId':'%.*s','PendingWindowInDays':7}", PR(key)));
	world_later(w, 8 * (int64_t)DAY);
	testing_replicate(w, key, ABROAD);
	for (int i = 0; i < 3; i++) {
		EXPECT_STR(last(testing_in(w, ABROAD), key, "KeyLastUsage"), S("{}"));
		world_in_fiber(w, write_usage, NULL); /* what is written by now is the old one's */
		if (i == 1)
			crash(w);
	}
	(void)testing_seal_in(w, ABROAD, key);
	EXPECT_STR(last(testing_in(w, ABROAD), key, "KeyLastUsage.Operation"), S("Encrypt"));
	testing_in(w, HOME);
	finish(w);
}

/* ---- kms:TrailingDaysWithoutKeyUsage -------------------------------------------------------- */

#define IDLE(days)                                                                                              \
	"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"kms:*\",\"Resource\":"   \
	"\"*\"},{\"Effect\":\"Deny\",\"Action\":[\"kms:DisableKey\",\"kms:ScheduleKeyDeletion\"],\"Resource\":" \
	"\"*\",\"Condition\":{\"NumericLessThanEquals\":{\"kms:TrailingDaysWithoutKeyUsage\":\"" days "\"}}}]}"

static void keys_in_use_can_be_kept_from_being_switched_off(void)
{
	static const char *const ops[] = { "DisableKey", "ScheduleKeyDeletion" };
	struct test_world *w = begin();
	struct caller who = testing_user(w, IDLE("2"));
	struct str key = testing_key(w), never = testing_key(w);
	world_later(w, 3 * (int64_t)DAY);
	use(w, key);
	for (size_t i = 0; i < COUNT(ops); i++)
		EXPECT_STR(AS(w, who, ops[i], "{'KeyId':'%.*s'}", PR(key)).code, S("AccessDeniedException"));
	world_in_fiber(w, write_usage, NULL);
	crash(w);
	world_later(w, 3 * (int64_t)DAY - 1); /* two whole days and a bit */
	for (size_t i = 0; i < COUNT(ops); i++)
		EXPECT_STR(AS(w, who, ops[i], "{'KeyId':'%.*s'}", PR(key)).code, S("AccessDeniedException"));
	world_later(w, 1);
	EXPECT_DONE(AS(w, who, "DisableKey", "{'KeyId':'%.*s'}", PR(key)));
	EXPECT_DONE(AS(w, who, "ScheduleKeyDeletion", "{'KeyId':'%.*s'}", PR(key)));
	EXPECT_DONE(AS(w, who, "DisableKey", "{'KeyId':'%.*s'}", PR(never))); /* its days run from when it was made */
	struct str young = testing_key(w);
	EXPECT_STR(AS(w, who, "DisableKey", "{'KeyId':'%.*s'}", PR(young)).code, S("AccessDeniedException"));
	finish(w);
}

RUN_ALL(T(a_key_that_was_never_used_says_so), T(keys_older_than_the_tracking_say_since_when_it_is),
	T(every_cryptographic_operation_counts), T(what_did_not_succeed_does_not_count),
	T(reencrypt_counts_for_both_keys_each_with_its_owners_event), T(a_use_survives_a_stop),
	T(what_was_not_written_comes_from_the_trail), T(the_row_of_a_key_goes_with_it),
	T(a_replica_made_again_was_never_used), T(keys_in_use_can_be_kept_from_being_switched_off))

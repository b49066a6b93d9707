/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who may do what with a key: key policy first, IAM where it delegates, conditions, other
 * accounts, services that ask on somebody's behalf.
 */
#include "svc/kms/key.h"
#include "svc/kms/testing.h"

#define ALICE "arn:aws:iam::111122223333:user/alice"
#define ROOT  "arn:aws:iam::111122223333:root"
#define STATEMENT(effect, who, action, more)                                                  \
	"{\"Effect\":\"" effect "\",\"Principal\":{\"AWS\":\"" who "\"},\"Action\":\"" action \
	"\",\"Resource\":\"*\"" more "}"
#define DOCUMENT(statements) "{\"Version\":\"2012-10-17\",\"Statement\":[" statements "]}"
#define DELEGATED            STATEMENT("Allow", ROOT, "kms:*", "")
#define IF(test, key, value) ",\"Condition\":{\"" test "\":{\"" key "\":\"" value "\"}}"

static void put_policy(struct test_world *w, struct str id, const char *document)
{
	struct str text = testing_quoted(w, document);
	EXPECT_DONE(
	    CALL(w, "PutKeyPolicy", "{'KeyId':'%.*s','PolicyName':'default','Policy':'%.*s'}", PR(id), PR(text)));
}

static struct str policy_key(struct test_world *w, const char *document)
{
	struct str id = testing_key(w);
	put_policy(w, id, document);
	return id;
}

static struct test_reply encrypt(struct test_world *w, struct caller who, struct str key, const char *more)
{
	return AS(w, who, "Encrypt", "{'KeyId':'%.*s','Plaintext':'aGk='%s}", PR(key), more);
}

/* ---- key policies ------------------------------------------------------------------- */

static void the_default_policy_delegates_to_iam(void)
{
	struct test_world *w = testing_begin();
	struct str id = testing_key(w), arn = testing_arn(w, id);
	EXPECT_STR(
	    world_field(w, CALL(w, "GetKeyPolicy", "{'KeyId':'%.*s','PolicyName':'default'}", PR(id)), "Policy"),
	    S("{\n  \"Version\" : \"2012-10-17\",\n  \"Id\" : \"key-default-1\",\n  \"Statement\" : [ {\n"
	      "    \"Sid\" : \"Enable IAM User Permissions\",\n    \"Effect\" : \"Allow\",\n    \"Principal\" : {\n"
	      "      \"AWS\" : \"arn:aws:iam::111122223333:root\"\n    },\n    \"Action\" : \"kms:*\",\n"
	      "    \"Resource\" : \"*\"\n  } ]\n}"));
	EXPECT_DONE(encrypt(w, testing_user(w, ALLOW("kms:Encrypt")), id, ""));
	struct test_reply r = encrypt(w, testing_user(w, ALLOW("kms:Decrypt")), id, "");
	EXPECT_FAULT(r, "AccessDeniedException",
		     arena_printf(world_mem(w),
				  "User: " ALICE
				  " is not authorized to perform: kms:Encrypt on resource: %.*s because no "
				  "identity-based policy allows the kms:Encrypt action",
				  PR(arn)));
	world_end(w);
}

static void iam_counts_only_where_the_key_policy_says_so(void)
{
	struct test_world *w = testing_begin();
	struct str id = policy_key(w, DOCUMENT(STATEMENT("Allow", ROOT, "kms:PutKeyPolicy", "")));
	EXPECT_STR(encrypt(w, testing_user(w, ALLOW("*")), id, "").code, S("AccessDeniedException"));
	EXPECT_STR(encrypt(w, world_root(w), id, "").code, S("AccessDeniedException"));
	world_end(w);
}

static void the_key_policy_alone_can_allow(void)
{
	struct test_world *w = testing_begin();
	struct str id = policy_key(w, DOCUMENT(DELEGATED "," STATEMENT("Allow", ALICE, "kms:Encrypt", "")));
	EXPECT_DONE(encrypt(w, testing_user(w, NULL), id, ""));
	EXPECT_STR(AS(w, testing_user(w, NULL), "DescribeKey", "{'KeyId':'%.*s'}", PR(id)).code,
		   S("AccessDeniedException"));
	world_end(w);
}

static void a_deny_in_the_key_policy_wins(void)
{
	struct test_world *w = testing_begin();
	struct str id = policy_key(w, DOCUMENT(DELEGATED "," STATEMENT("Deny", ALICE, "kms:Encrypt", "")));
	EXPECT_STR(encrypt(w, testing_user(w, ALLOW("kms:*")), id, "").code, S("AccessDeniedException"));
	EXPECT_DONE(encrypt(w, world_root(w), id, ""));
	world_end(w);
}

static void a_policy_that_locks_its_author_out_is_refused(void)
{
	struct test_world *w = testing_begin();
	struct str id = testing_key(w), locked = testing_quoted(w, DOCUMENT(STATEMENT("Allow", ALICE, "kms:*", "")));
	struct str text = S("The new key policy will not allow you to update the key policy in the future.");
	EXPECT_FAULT(
	    CALL(w, "PutKeyPolicy", "{'KeyId':'%.*s','PolicyName':'default','Policy':'%.*s'}", PR(id), PR(locked)),
	    "MalformedPolicyDocumentException", text);
	EXPECT_FAULT(CALL(w, "CreateKey", "{'Policy':'%.*s'}", PR(locked)), "MalformedPolicyDocumentException", text);
	EXPECT_DONE(CALL(w, "CreateKey", "{'Policy':'%.*s','BypassPolicyLockoutSafetyCheck':true}", PR(locked)));
	EXPECT_DONE(AS(w, testing_user(w, ALLOW("kms:CreateKey")), "CreateKey", "{'Policy':'%.*s'}", PR(locked)));
	EXPECT_DONE(
	    CALL(w, "PutKeyPolicy",
		 "{'KeyId':'%.*s','PolicyName':'default','Policy':'%.*s','BypassPolicyLockoutSafetyCheck':true}",
		 PR(id), PR(locked)));
	EXPECT_STR(CALL(w, "DescribeKey", "{'KeyId':'%.*s'}", PR(id)).code, S("AccessDeniedException"));
	world_end(w);
}

#define PUT "{'KeyId':'%.*s','Policy':'%.*s'}"

/* By its tags and what else is known of it the key is what it will be at the next PutKeyPolicy. */
static void the_lockout_check_sees_the_key(void)
{
	static const char by_tag[] =
	    DOCUMENT(STATEMENT("Allow", ALICE, "kms:*", IF("StringEquals", "aws:ResourceTag/team", "a")));
	static const char by_spec[] =
	    DOCUMENT(STATEMENT("Allow", ALICE, "kms:*", IF("StringEquals", "kms:KeySpec", "SYMMETRIC_DEFAULT")));
	struct test_world *w = testing_begin();
	struct caller alice = testing_user(w, ALLOW("kms:*"));
	struct str id = testing_key(w);
	EXPECT_STR(AS(w, alice, "PutKeyPolicy", PUT, PR(id), PR(testing_quoted(w, by_tag))).code,
		   S("MalformedPolicyDocumentException"));
	EXPECT_DONE(CALL(w, "TagResource", "{'KeyId':'%.*s','Tags':[{'TagKey':'team','TagValue':'a'}]}", PR(id)));
	EXPECT_DONE(AS(w, alice, "PutKeyPolicy", PUT, PR(id), PR(testing_quoted(w, by_tag))));
	EXPECT_DONE(AS(w, alice, "PutKeyPolicy", PUT, PR(id), PR(testing_quoted(w, by_spec))));
	EXPECT_STR(AS(w, alice, "CreateKey", "{'Policy':'%.*s'}", PR(testing_quoted(w, by_tag))).code,
		   S("MalformedPolicyDocumentException"));
	EXPECT_DONE(AS(w, alice, "CreateKey", "{'Tags':[{'TagKey':'team','TagValue':'a'}],'Policy':'%.*s'}",
		       PR(testing_quoted(w, by_tag))));
	world_end(w);
}

static void a_policy_that_does_not_parse_is_refused(void)
{
	static const char *const bad[] = { "no", "{}",
					   "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\"}]}",
					   ALLOW("kms:*") /* no Principal */ };
	struct test_world *w = testing_begin();
	struct str id = testing_key(w);
	for (size_t i = 0; i < COUNT(bad); i++) {
		struct str text = testing_quoted(w, bad[i]);
		EXPECT_STR(CALL(w, "CreateKey", "{'Policy':'%.*s'}", PR(text)).code,
			   S("MalformedPolicyDocumentException"));
		EXPECT_STR(
		    CALL(w, "PutKeyPolicy", "{'KeyId':'%.*s','PolicyName':'default','Policy':'%.*s'}", PR(id), PR(text))
			.code,
		    S("MalformedPolicyDocumentException"));
	}
	world_end(w);
}

#define CONDITION(op, key) DOCUMENT(DELEGATED "," STATEMENT("Allow", ROOT, "kms:Encrypt", IF(op, key, "a")))

static struct test_reply put_text(struct test_world *w, struct str id, const char *text)
{
	return CALL(w, "PutKeyPolicy", "{'KeyId':'%.*s','Policy':'%.*s'}", PR(id), PR(testing_quoted(w, text)));
}

static void a_condition_that_binds_nobody_is_refused(void)
{
	static const char *const bad[] = {
		CONDITION("ForAllValues:StringEquals", "kms:EncryptionContext:app"),
		CONDITION("ForAllValues:StringLikeIfExists", "KMS:encryptioncontext:app"),
		CONDITION("ForAllValues:StringNotEquals", "aws:RequestTag/team"),
	};
	static const char *const good[] = {
		CONDITION("StringEquals", "kms:EncryptionContext:app"),
		CONDITION("ForAnyValue:StringEquals", "kms:EncryptionContext:app"),
		CONDITION("ForAllValues:StringEquals", "kms:EncryptionContextKeys"),
		CONDITION("ForAllValues:StringEquals", "aws:TagKeys"),
	};
	struct test_world *w = testing_begin();
	struct str id = testing_key(w);
	for (size_t i = 0; i < COUNT(bad); i++) {
		struct test_reply r = put_text(w, id, bad[i]);
		EXPECT_STR(r.code, S("MalformedPolicyDocumentException"));
		EXPECT(str_starts(r.text, S("OverlyPermissiveCondition: Using the ForAllValues set operator")));
		r = CALL(w, "CreateKey", "{'Policy':'%.*s'}", PR(testing_quoted(w, bad[i])));
		EXPECT(str_starts(r.text, S("OverlyPermissiveCondition: ")));
	}
	for (size_t i = 0; i < COUNT(good); i++)
		EXPECT_DONE(put_text(w, id, good[i]));
	world_end(w);
}

/* "Key policy format": 32,768 bytes, of Latin-1 and three control characters; a Sid may have spaces. */
static void a_policy_has_a_size_and_an_alphabet(void)
{
	enum { MAX = 32768 };
	static const char head[] = "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Sid\":\"f\xc3\xbcr uns\",";
	static const char tail[] =
	    "\"Effect\":\"Allow\",\"Principal\":{\"AWS\":\"" ROOT "\"},\"Action\":\"kms:*\",\"Resource\":\"*\"}]}";
	struct test_world *w = testing_begin();
	struct str id = testing_key(w);
	for (int over = 0; over < 2; over++) {
		size_t n = MAX + (size_t)over - strlen(head) - strlen(tail);
		char *blank = NEWS(world_mem(w), char, n + 1);
		memset(blank, ' ', n);
		const char *text = arena_printf(world_mem(w), "%s%s%s", head, blank, tail).p;
		EXPECT_STR(put_text(w, id, text).code, over ? S("LimitExceededException") : S(""));
	}
	EXPECT_STR(put_text(w, id, DOCUMENT(STATEMENT("Allow", ROOT, "kms:*", ",\"Sid\":\"\xc4\x80\""))).code,
		   S("ValidationException"));
	world_end(w);
}

static void a_key_has_one_policy_named_default(void)
{
	struct test_world *w = testing_begin();
	struct str id = testing_key(w), text = testing_quoted(w, DOCUMENT(DELEGATED));
	struct test_reply r = CALL(w, "ListKeyPolicies", "{'KeyId':'%.*s'}", PR(id));
	EXPECT_STR(world_field(w, r, "PolicyNames"), S("[\"default\"]"));
	EXPECT_STR(world_field(w, r, "Truncated"), S("false"));
	EXPECT_FAULT(CALL(w, "GetKeyPolicy", "{'KeyId':'%.*s','PolicyName':'other'}", PR(id)), "NotFoundException",
		     S("No such policy exists"));
	EXPECT_FAULT(CALL(w, "PutKeyPolicy", "{'KeyId':'%.*s','PolicyName':'other','Policy':'%.*s'}", PR(id), PR(text)),
		     "NotFoundException", S("No such policy exists"));
	put_policy(w, id, DOCUMENT(DELEGATED));
	EXPECT_STR(world_field(w, CALL(w, "GetKeyPolicy", "{'KeyId':'%.*s','PolicyName':'default'}", PR(id)), "Policy"),
		   S(DOCUMENT(DELEGATED)));
	EXPECT_DONE(CALL(w, "PutKeyPolicy", "{'KeyId':'%.*s','Policy':'%.*s'}", PR(id), PR(text)));
	r = CALL(w, "GetKeyPolicy", "{'KeyId':'%.*s'}", PR(id)); /* it need not be named */
	EXPECT_STR(world_field(w, r, "Policy"), S(DOCUMENT(DELEGATED)));
	EXPECT_STR(world_field(w, r, "PolicyName"), S("default"));
	world_end(w);
}

static void access_is_judged_before_state(void)
{
	struct test_world *w = testing_begin();
	struct str id = testing_key(w);
	EXPECT_DONE(CALL(w, "DisableKey", "{'KeyId':'%.*s'}", PR(id)));
	EXPECT_STR(encrypt(w, testing_user(w, NULL), id, "").code, S("AccessDeniedException"));
	EXPECT_STR(encrypt(w, world_root(w), id, "").code, S("DisabledException"));
	world_end(w);
}

/* ---- condition keys ------------------------------------------------------------------- */

#define ALICE_IF(action, test, key, value) \
	DOCUMENT(DELEGATED "," STATEMENT("Allow", ALICE, action, IF(test, key, value)))

static void condition_keys_hold_what_aws_says(void)
{
	static const struct {
		const char *policy, *yes, *no; /* more members of an Encrypt that is, is not allowed; NULL: none such */
	} cases[] = {
		{ ALICE_IF("kms:Encrypt", "StringEquals", "kms:CallerAccount", "111122223333"), "", NULL },
		{ ALICE_IF("kms:Encrypt", "StringEquals", "kms:CallerAccount", "444455556666"), NULL, "" },
		{ ALICE_IF("kms:Encrypt", "StringEquals", "kms:EncryptionContext:app", "shop"),
		  ",'EncryptionContext':{'app':'shop'}", ",'EncryptionContext':{'app':'other'}" },
		{ ALICE_IF("kms:Encrypt", "ForAllValues:StringEquals", "kms:EncryptionContextKeys", "app"),
		  ",'EncryptionContext':{'app':'x'}", ",'EncryptionContext':{'app':'x','b':'y'}" },
		{ ALICE_IF("kms:Encrypt", "StringEquals", "kms:EncryptionAlgorithm", "SYMMETRIC_DEFAULT"), "", NULL },
		{ ALICE_IF("kms:Encrypt", "StringEquals", "kms:KeySpec", "SYMMETRIC_DEFAULT"), "", NULL },
		{ ALICE_IF("kms:Encrypt", "StringEquals", "kms:KeyUsage", "ENCRYPT_DECRYPT"), "", NULL },
		{ ALICE_IF("kms:Encrypt", "StringEquals", "kms:KeyOrigin", "AWS_KMS"), "", NULL },
		{ ALICE_IF("kms:Encrypt", "Bool", "kms:MultiRegion", "false"), "", NULL },
		{ ALICE_IF("kms:Encrypt", "StringEquals", "aws:ResourceTag/team", "red"), "", NULL },
		{ ALICE_IF("kms:Encrypt", "StringEquals", "aws:ResourceTag/team", "blue"), NULL, "" },
		{ ALICE_IF("kms:Encrypt", "ForAnyValue:StringEquals", "kms:ResourceAliases", "alias/b"), "", NULL },
		{ ALICE_IF("kms:Encrypt", "ForAnyValue:StringEquals", "kms:ResourceAliases", "alias/c"), NULL, "" },
		{ ALICE_IF("kms:Encrypt", "Null", "kms:ViaService", "false"), NULL, "" },
		{ ALICE_IF("kms:Encrypt", "Null", "kms:RequestAlias", "true"), "", NULL },
	};
	struct test_world *w = testing_begin();
	struct caller who = testing_user(w, NULL);
	struct str id = testing_key(w);
	EXPECT_DONE(CALL(w, "TagResource", "{'KeyId':'%.*s','Tags':[{'TagKey':'team','TagValue':'red'}]}", PR(id)));
	EXPECT_DONE(CALL(w, "CreateAlias", "{'AliasName':'alias/a','TargetKeyId':'%.*s'}", PR(id)));
	EXPECT_DONE(CALL(w, "CreateAlias", "{'AliasName':'alias/b','TargetKeyId':'%.*s'}", PR(id)));
	for (size_t i = 0; i < COUNT(cases); i++) {
		put_policy(w, id, cases[i].policy);
		if (cases[i].yes)
			EXPECT_DONE(encrypt(w, who, id, cases[i].yes));
		if (cases[i].no)
			EXPECT_STR(encrypt(w, who, id, cases[i].no).code, S("AccessDeniedException"));
	}
	world_end(w);
}

static void the_alias_in_the_request_is_a_condition(void)
{
	struct test_world *w = testing_begin();
	struct caller who = testing_user(w, NULL);
	struct str id = policy_key(w, ALICE_IF("kms:Encrypt", "StringEquals", "kms:RequestAlias", "alias/a"));
	EXPECT_DONE(CALL(w, "CreateAlias", "{'AliasName':'alias/a','TargetKeyId':'%.*s'}", PR(id)));
	EXPECT_DONE(CALL(w, "CreateAlias", "{'AliasName':'alias/b','TargetKeyId':'%.*s'}", PR(id)));
	EXPECT_DONE(encrypt(w, who, S("alias/a"), ""));
	EXPECT_DONE(encrypt(w, who, S("arn:aws:kms:us-east-1:111122223333:alias/a"), ""));
	EXPECT_STR(encrypt(w, who, S("alias/b"), "").code, S("AccessDeniedException"));
	EXPECT_STR(encrypt(w, who, id, "").code, S("AccessDeniedException"));
	world_end(w);
}

static void members_of_the_request_are_conditions(void)
{
	static const struct {
		const char *policy, *op, *yes, *no;
	} cases[] = {
		{ ALICE_IF("kms:ScheduleKeyDeletion", "NumericGreaterThan",
			   "kms:ScheduleKeyDeletionPendingWindowInDays", "14"),
		  "ScheduleKeyDeletion", ",'PendingWindowInDays':15", ",'PendingWindowInDays':14" },
		{ ALICE_IF("kms:TagResource", "StringEquals", "aws:RequestTag/team", "red"), "TagResource",
		  ",'Tags':[{'TagKey':'team','TagValue':'red'}]", ",'Tags':[{'TagKey':'team','TagValue':'blue'}]" },
		{ ALICE_IF("kms:TagResource", "ForAllValues:StringEquals", "aws:TagKeys", "team"), "TagResource",
		  ",'Tags':[{'TagKey':'team','TagValue':'red'}]", ",'Tags':[{'TagKey':'other','TagValue':'red'}]" },
		{ ALICE_IF("kms:UntagResource", "ForAllValues:StringEquals", "aws:TagKeys", "team"), "UntagResource",
		  ",'TagKeys':['team']", ",'TagKeys':['other']" },
		{ ALICE_IF("kms:GenerateDataKey", "StringEquals", "kms:EncryptionAlgorithm", "SYMMETRIC_DEFAULT"),
		  "GenerateDataKey", ",'KeySpec':'AES_256'", NULL },
	};
	struct test_world *w = testing_begin();
	struct caller who = testing_user(w, NULL);
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct str id = policy_key(w, cases[i].policy);
		if (cases[i].no)
			EXPECT_STR(AS(w, who, cases[i].op, "{'KeyId':'%.*s'%s}", PR(id), cases[i].no).code,
				   S("AccessDeniedException"));
		EXPECT_DONE(AS(w, who, cases[i].op, "{'KeyId':'%.*s'%s}", PR(id), cases[i].yes));
	}
	world_end(w);
}

/* ---- other accounts ------------------------------------------------------------------------ */

#define BOB "arn:aws:iam::444455556666:root"
#define NOT_YOURS                                                                                             \
	" because the resource does not exist in this Region, no resource-based policies allow access, or a " \
	"resource-based policy explicitly denies access"

static void another_account_needs_both_key_policy_and_iam(void)
{
	struct test_world *w = testing_begin();
	struct str id = policy_key(w, DOCUMENT(DELEGATED "," STATEMENT("Allow", BOB, "kms:*", "")));
	struct str arn = testing_arn(w, id);
	struct caller allowed = testing_user_of(w, WORLD_OTHER, ALLOW("kms:*")),
		      not = testing_user_of(w, WORLD_OTHER, NULL);
	struct test_reply r = encrypt(w, allowed, arn, "");
	EXPECT_STR(world_field(w, r, "KeyId"), arn);
	struct str blob = world_field(w, r, "CiphertextBlob");
	EXPECT_DONE(AS(w, allowed, "Decrypt", "{'CiphertextBlob':'%.*s'}", PR(blob)));
	EXPECT_DONE(CALL(w, "Decrypt", "{'CiphertextBlob':'%.*s'}", PR(blob)));
	EXPECT_DONE(AS(w, allowed, "DescribeKey", "{'KeyId':'%.*s'}", PR(arn)));
	EXPECT_STR(encrypt(w, not, arn, "").code, S("AccessDeniedException"));
	EXPECT_STR(encrypt(w, allowed, id, "").code, S("NotFoundException")); /* an id alone is one's own */
	world_end(w);
}

static void strangers_do_not_learn_whether_a_key_exists(void)
{
	struct test_world *w = testing_begin();
	struct str there = testing_arn(w, testing_key(w)), blob;
	struct caller bob = testing_user_of(w, WORLD_OTHER, ALLOW("kms:*"));
	const struct str names[] = { there, S(KEY_ARN "0a0a0a0a-0000-4000-8000-000000000000"),
				     S("arn:aws:kms:us-east-1:777777777777:key/0a0a0a0a-0000-4000-8000-000000000000"),
				     S("arn:aws:kms:us-east-1:111122223333:alias/none") };
	for (size_t i = 0; i < COUNT(names); i++)
		EXPECT_FAULT(
		    encrypt(w, bob, names[i], ""), "AccessDeniedException",
		    arena_printf(world_mem(w),
				 "User: arn:aws:iam::444455556666:user/alice is not authorized to perform: kms:Encrypt "
				 "on resource: %.*s" NOT_YOURS,
				 PR(names[i])));
	blob = world_field(w, encrypt(w, world_root(w), there, ""), "CiphertextBlob");
	EXPECT_STR(AS(w, bob, "Decrypt", "{'CiphertextBlob':'%.*s'}", PR(blob)).code, S("AccessDeniedException"));
	world_end(w);
}

static void most_operations_stay_within_the_account(void)
{
	static const char *const ops[] = { "EnableKey",         "DisableKey",      "ScheduleKeyDeletion",
					   "CancelKeyDeletion", "ListKeyPolicies", "ListResourceTags" };
	struct test_world *w = testing_begin();
	struct str id = policy_key(w, DOCUMENT(DELEGATED "," STATEMENT("Allow", BOB, "kms:*", "")));
	struct str arn = testing_arn(w, id);
	for (size_t i = 0; i < COUNT(ops); i++)
		EXPECT_STR(AS(w, world_root_of(w, WORLD_OTHER), ops[i], "{'KeyId':'%.*s'}", PR(arn)).code,
			   S("AccessDeniedException"));
	EXPECT_STR(testing_state(w, id), S("Enabled"));
	world_end(w);
}

/* ---- services that ask on somebody's behalf --------------------------------------------------- */

static struct caller through(struct caller who, const char *service)
{
	who.invoked_by = str_of(service);
	return who;
}

static void a_service_that_asks_is_named_with_its_region(void)
{
	struct test_world *w = testing_begin();
	struct str id =
	    policy_key(w, ALICE_IF("kms:Encrypt", "StringEquals", "kms:ViaService", "s3.us-east-1.amazonaws.com"));
	EXPECT_DONE(encrypt(w, through(testing_user(w, NULL), "s3.amazonaws.com"), id, ""));
	EXPECT_STR(encrypt(w, through(testing_user(w, NULL), "sqs.amazonaws.com"), id, "").code,
		   S("AccessDeniedException"));
	EXPECT_STR(encrypt(w, testing_user(w, NULL), id, "").code, S("AccessDeniedException"));
	world_end(w);
}

static void the_key_of_s3_is_made_when_s3_first_asks(void)
{
	struct test_world *w = testing_begin();
	struct caller s3 = through(testing_user(w, NULL), "s3.amazonaws.com");
	EXPECT_STR(encrypt(w, testing_user(w, ALLOW("kms:*")), S("alias/aws/s3"), "").code, S("NotFoundException"));
	EXPECT_STR(encrypt(w, s3, S("alias/aws/none"), "").code, S("NotFoundException"));
	struct test_reply r = encrypt(w, s3, S("alias/aws/s3"), ""), again = encrypt(w, s3, S("alias/aws/s3"), "");
	EXPECT_DONE(r);
	EXPECT_STR(world_field(w, r, "KeyId"), world_field(w, again, "KeyId"));
	EXPECT_DONE(AS(w, s3, "Decrypt", "{'CiphertextBlob':'%.*s'}", PR(world_field(w, r, "CiphertextBlob"))));
	r = CALL(w, "DescribeKey", "{'KeyId':'alias/aws/s3'}");
	EXPECT_STR(world_field(w, r, "KeyMetadata.KeyManager"), S("AWS"));
	world_end(w);
}

static void an_aws_managed_key_is_used_through_its_service_alone(void)
{
	struct test_world *w = testing_begin();
	struct str id = world_field(w, CALL(w, "DescribeKey", "{'KeyId':'alias/aws/s3'}"), "KeyMetadata.KeyId");
	static const char *const refused[] = { "DisableKey", "ScheduleKeyDeletion" };
	EXPECT(uuid_is(id));
	EXPECT_STR(encrypt(w, world_root(w), id, "").code, S("AccessDeniedException"));
	EXPECT_STR(encrypt(w, through(world_root_of(w, WORLD_OTHER), "s3.amazonaws.com"), testing_arn(w, id), "").code,
		   S("AccessDeniedException"));
	for (size_t i = 0; i < COUNT(refused); i++)
		EXPECT_STR(CALL(w, refused[i], "{'KeyId':'%.*s'}", PR(id)).code, S("AccessDeniedException"));
	EXPECT_DONE(CALL(w, "GetKeyPolicy", "{'KeyId':'%.*s','PolicyName':'default'}", PR(id)));
	EXPECT_DONE(encrypt(w, through(world_root(w), "s3.amazonaws.com"), id, ""));
	world_end(w);
}

RUN_ALL(T(the_default_policy_delegates_to_iam), T(iam_counts_only_where_the_key_policy_says_so),
	T(the_key_policy_alone_can_allow), T(a_deny_in_the_key_policy_wins),
	T(a_policy_that_locks_its_author_out_is_refused), T(the_lockout_check_sees_the_key),
	T(a_policy_that_does_not_parse_is_refused), T(a_condition_that_binds_nobody_is_refused),
	T(a_policy_has_a_size_and_an_alphabet), T(a_key_has_one_policy_named_default), T(access_is_judged_before_state),
	T(condition_keys_hold_what_aws_says), T(the_alias_in_the_request_is_a_condition),
	T(members_of_the_request_are_conditions), T(another_account_needs_both_key_policy_and_iam),
	T(strangers_do_not_learn_whether_a_key_exists), T(most_operations_stay_within_the_account),
	T(a_service_that_asks_is_named_with_its_region), T(the_key_of_s3_is_made_when_s3_first_asks),
	T(an_aws_managed_key_is_used_through_its_service_alone))

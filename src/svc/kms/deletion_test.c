/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The states of a key, what each lets one do, and how keys end.
 */
#include "svc/kms/testing.h"

#include "api/accounts.h"

static void schedule(struct test_world *w, struct str id, int days)
{
	EXPECT_DONE(CALL(w, "ScheduleKeyDeletion", "{'KeyId':'%.*s','PendingWindowInDays':%d}", PR(id), days));
}

static void scheduling_names_the_day(void)
{
	struct test_world *w = testing_begin();
	struct str id = testing_key(w);
	struct test_reply r = CALL(w, "ScheduleKeyDeletion", "{'KeyId':'%.*s','PendingWindowInDays':7}", PR(id));
	EXPECT_STR(world_field(w, r, "KeyId"), testing_arn(w, id));
	EXPECT_STR(world_field(w, r, "DeletionDate"), S("1767830400"));
	EXPECT_STR(world_field(w, r, "KeyState"), S("PendingDeletion"));
	EXPECT_STR(world_field(w, r, "PendingWindowInDays"), S("7"));
	r = CALL(w, "DescribeKey", "{'KeyId':'%.*s'}", PR(id));
	EXPECT_STR(world_field(w, r, "KeyMetadata.DeletionDate"), S("1767830400"));
	EXPECT_STR(world_field(w, r, "KeyMetadata.Enabled"), S("false"));
	world_end(w);
}

static void the_window_is_7_to_30_days_and_30_if_unsaid(void)
{
	static const struct {
		const char *member, *date; /* NULL: refused */
	} cases[] = {
		{ ",'PendingWindowInDays':6", NULL },
		{ ",'PendingWindowInDays':7", "1767830400" },
		{ ",'PendingWindowInDays':30", "1769817600" },
		{ ",'PendingWindowInDays':31", NULL },
		{ "", "1769817600" },
	};
	struct test_world *w = testing_begin();
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct str id = testing_key(w);
		struct test_reply r = CALL(w, "ScheduleKeyDeletion", "{'KeyId':'%.*s'%s}", PR(id), cases[i].member);
		EXPECT_STR(r.code, cases[i].date ? S("") : S("ValidationException"));
		if (cases[i].date)
			EXPECT_STR(world_field(w, r, "DeletionDate"), str_of(cases[i].date));
		EXPECT_STR(testing_state(w, id), cases[i].date ? S("PendingDeletion") : S("Enabled"));
	}
	world_end(w);
}

static void a_cancelled_key_comes_back_disabled(void)
{
	struct test_world *w = testing_begin();
	struct str id = testing_key(w), arn = testing_arn(w, id);
	schedule(w, id, 7);
	EXPECT_STR(world_field(w, CALL(w, "CancelKeyDeletion", "{'KeyId':'%.*s'}", PR(id)), "KeyId"), arn);
	EXPECT_STR(testing_state(w, id), S("Disabled"));
	EXPECT_FAULT(CALL(w, "CancelKeyDeletion", "{'KeyId':'%.*s'}", PR(id)), "KMSInvalidStateException",
		     arena_printf(world_mem(w), "%.*s is not pending deletion.", PR(arn)));
	world_later(w, INT64_C(40) * DAY_MS);
	EXPECT_STR(testing_state(w, id), S("Disabled"));
	world_end(w);
}

static void a_key_past_its_day_is_gone_for_every_operation(void)
{
	struct test_world *w = testing_begin();
	struct str id = testing_key(w), arn = testing_arn(w, id);
	struct str gone = arena_printf(world_mem(w), "Key '%.*s' does not exist", PR(arn));
	struct str blob =
	    world_field(w, CALL(w, "Encrypt", "{'KeyId':'%.*s','Plaintext':'aGk='}", PR(id)), "CiphertextBlob");
	EXPECT_DONE(CALL(w, "CreateAlias", "{'AliasName':'alias/own','TargetKeyId':'%.*s'}", PR(id)));
	schedule(w, id, 7);
	world_later(w, INT64_C(7) * DAY_MS - 1);
	EXPECT_STR(testing_state(w, id), S("PendingDeletion"));
	world_later(w, 1);
	EXPECT_FAULT(CALL(w, "CancelKeyDeletion", "{'KeyId':'%.*s'}", PR(id)), "NotFoundException", gone);
	EXPECT_FAULT(CALL(w, "DescribeKey", "{'KeyId':'%.*s'}", PR(id)), "NotFoundException", gone);
	EXPECT_FAULT(CALL(w, "Encrypt", "{'KeyId':'%.*s','Plaintext':'aGk='}", PR(id)), "NotFoundException", gone);
	EXPECT_FAULT(CALL(w, "Decrypt", "{'CiphertextBlob':'%.*s','KeyId':'%.*s'}", PR(blob), PR(id)),
		     "NotFoundException", gone);
	EXPECT_FAULT(CALL(w, "Decrypt", "{'CiphertextBlob':'%.*s'}", PR(blob)), "AccessDeniedException",
		     S("The ciphertext refers to a customer master key that does not exist, does not exist in this "
		       "region, or you are "
		       "not allowed to access."));
	EXPECT_STR(CALL(w, "DescribeKey", "{'KeyId':'alias/own'}").code, S("NotFoundException"));
	EXPECT_STR(world_field(w, CALL(w, "ListKeys", "{}"), "Keys"), S("[]"));
	EXPECT_STR(world_field(w, CALL(w, "ListAliases", "{}"), "Aliases"), S("[]"));
	world_end(w);
}

static void asking_for_a_dead_key_shreds_all_that_are_due(void)
{
	struct test_world *w = testing_begin();
	struct str kept = testing_key(w), a, b;
	size_t before = testing_rows(w);
	a = testing_key(w);
	b = testing_key(w);
	EXPECT_DONE(CALL(w, "CreateAlias", "{'AliasName':'alias/a','TargetKeyId':'%.*s'}", PR(a)));
	schedule(w, a, 7);
	schedule(w, b, 8);
	world_later(w, INT64_C(8) * DAY_MS);
	EXPECT(testing_rows(w) > before);
	EXPECT_STR(CALL(w, "DescribeKey", "{'KeyId':'%.*s'}", PR(b)).code, S("NotFoundException"));
	EXPECT(testing_rows(w) == before);
	EXPECT_STR(testing_state(w, kept), S("Enabled"));
	world_end(w);
}

/* Of imported material: import_test.c; of last uses: usage_test.c; of several regions: multiregion_test.c. */
static void nothing_of_a_key_is_left(void)
{
	static const char *const grants[] = {
		",'GranteePrincipal':'arn:aws:iam::111122223333:user/ann'",
		(",'GranteePrincipal':'arn:aws:iam::111122223333:role/ops','Name':'named',"
		 "'RetiringPrincipal':'arn:aws:iam::111122223333:user/bob','Constraints':{'EncryptionContextSubset':{"
		 "'a':'b'}}"),
		(",'GranteeServicePrincipal':'s3.amazonaws.com','RetiringServicePrincipal':'s3.amazonaws.com',"
		 "'Constraints':{'SourceArn':'arn:aws:s3:us-east-1:111122223333:shop'}"),
	};
	struct test_world *w = testing_begin();
	struct str id = testing_key(w);
	struct str policy = testing_quoted(w, "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\","
					      "\"Principal\":{\"AWS\":[\"arn:aws:iam::111122223333:root\","
					      "\"arn:aws:iam::111122223333:user/ann\"]},\"Action\":\"kms:*\","
					      "\"Resource\":\"*\"}]}");
	EXPECT_DONE(CALL(w, "PutKeyPolicy", "{'KeyId':'%.*s','Policy':'%.*s'}", PR(id), PR(policy)));
	EXPECT_DONE(CALL(w, "CreateAlias", "{'AliasName':'alias/a','TargetKeyId':'%.*s'}", PR(id)));
	EXPECT_DONE(CALL(w, "CreateAlias", "{'AliasName':'alias/b','TargetKeyId':'%.*s'}", PR(id)));
	EXPECT_DONE(CALL(w, "TagResource", "{'KeyId':'%.*s','Tags':[{'TagKey':'k','TagValue':'v'}]}", PR(id)));
	EXPECT_DONE(CALL(w, "EnableKeyRotation", "{'KeyId':'%.*s'}", PR(id)));
	EXPECT_DONE(CALL(w, "RotateKeyOnDemand", "{'KeyId':'%.*s'}", PR(id)));
	for (size_t i = 0; i < COUNT(grants); i++)
		EXPECT_DONE(CALL(w, "CreateGrant", "{'KeyId':'%.*s','Operations':['Decrypt']%s}", PR(id), grants[i]));
	EXPECT(testing_rows(w) > 20);
	schedule(w, id, 7);
	world_later(w, INT64_C(7) * DAY_MS);
	testing_duty(w);
	EXPECT(testing_rows(w) == 0);
	world_end(w);
}

#define LIST "{'RetiringPrincipal':'arn:aws:iam::111122223333:root'}"

static void grant_by_root(struct test_world *w, struct str id)
{
	EXPECT_DONE(CALL(w, "CreateGrant",
			 "{'KeyId':'%.*s','Operations':['Decrypt'],'GranteePrincipal':'arn:aws:iam::111122223333:root',"
			 "'RetiringPrincipal':'arn:aws:iam::111122223333:root'}",
			 PR(id)));
}

/* Before anybody asks for the key itself, and before the duty comes by. */
static void what_went_with_a_key_is_not_listed_and_its_names_are_free(void)
{
	struct test_world *w = testing_begin();
	struct str id = testing_key(w), other = testing_key(w);
	EXPECT_DONE(CALL(w, "CreateAlias", "{'AliasName':'alias/a','TargetKeyId':'%.*s'}", PR(id)));
	EXPECT_DONE(CALL(w, "CreateAlias", "{'AliasName':'alias/b','TargetKeyId':'%.*s'}", PR(id)));
	grant_by_root(w, id);
	schedule(w, id, 7);
	EXPECT(world_field(w, CALL(w, "ListAliases", "{}"), "Aliases.1").p);
	EXPECT(world_field(w, CALL(w, "ListRetirableGrants", LIST), "Grants.0").p);
	world_later(w, INT64_C(7) * DAY_MS);
	EXPECT_DONE(CALL(w, "CreateAlias", "{'AliasName':'alias/a','TargetKeyId':'%.*s'}", PR(other)));
	struct str again = testing_key(w);
	EXPECT_DONE(CALL(w, "CreateAlias", "{'AliasName':'alias/c','TargetKeyId':'%.*s'}", PR(again)));
	grant_by_root(w, again);
	schedule(w, again, 7);
	world_later(w, INT64_C(7) * DAY_MS);
	EXPECT(!world_field(w, CALL(w, "ListRetirableGrants", LIST), "Grants.0").p);
	schedule(w, other, 7);
	world_later(w, INT64_C(7) * DAY_MS);
	EXPECT(!world_field(w, CALL(w, "ListAliases", "{}"), "Aliases.0").p);
	world_end(w);
}

static void a_cancelled_or_put_off_key_outlives_its_first_day(void)
{
	struct test_world *w = testing_begin();
	struct str cancelled = testing_key(w), later = testing_key(w), due = testing_key(w);
	size_t before = testing_rows(w);
	struct str blob =
	    world_field(w, CALL(w, "Encrypt", "{'KeyId':'%.*s','Plaintext':'aGk='}", PR(cancelled)), "CiphertextBlob");
	schedule(w, cancelled, 7);
	schedule(w, later, 7);
	EXPECT_DONE(CALL(w, "CancelKeyDeletion", "{'KeyId':'%.*s'}", PR(cancelled)));
	EXPECT_DONE(CALL(w, "CancelKeyDeletion", "{'KeyId':'%.*s'}", PR(later)));
	EXPECT(testing_rows(w) == before); /* no date is left behind */
	schedule(w, later, 30);
	schedule(w, due, 7);
	world_later(w, INT64_C(7) * DAY_MS);
	EXPECT_STR(CALL(w, "DescribeKey", "{'KeyId':'%.*s'}", PR(due)).code, S("NotFoundException"));
	EXPECT_STR(testing_state(w, later), S("PendingDeletion"));
	EXPECT_DONE(CALL(w, "EnableKey", "{'KeyId':'%.*s'}", PR(cancelled)));
	EXPECT_STR(world_field(w, CALL(w, "Decrypt", "{'CiphertextBlob':'%.*s'}", PR(blob)), "Plaintext"), S("aGk="));
	world_end(w);
}

static void starting_shreds_what_came_due_meanwhile(void)
{
	struct test_world *w = testing_begin();
	struct str a = testing_key(w);
	testing_duty(w);
	EXPECT_STR(testing_state(w, a), S("Enabled"));
	schedule(w, a, 7);
	world_later(w, INT64_C(7) * DAY_MS);
	world_restart(w);
	EXPECT(testing_rows(w) > 0);
	testing_duty(w);
	EXPECT(testing_rows(w) == 0);
	world_end(w);
}

RUN_ALL(T(scheduling_names_the_day), T(the_window_is_7_to_30_days_and_30_if_unsaid),
	T(a_cancelled_key_comes_back_disabled), T(a_key_past_its_day_is_gone_for_every_operation),
	T(asking_for_a_dead_key_shreds_all_that_are_due), T(nothing_of_a_key_is_left),
	T(what_went_with_a_key_is_not_listed_and_its_names_are_free),
	T(a_cancelled_or_put_off_key_outlives_its_first_day), T(starting_shreds_what_came_due_meanwhile))

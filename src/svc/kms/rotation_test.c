/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rotation: its schedule, its dates, what encrypts and what still decrypts, and who may not.
 */
#include "svc/kms/testing.h"

static const int64_t DAY = DAY_MS;

static struct str seal(struct test_world *w, struct str id)
{
	struct test_reply r = CALL(w, "Encrypt", "{'KeyId':'%.*s','Plaintext':'aGk='}", PR(id));
	EXPECT_DONE(r);
	return world_field(w, r, "CiphertextBlob");
}

static void opens(struct test_world *w, struct str blob)
{
	struct test_reply r = CALL(w, "Decrypt", "{'CiphertextBlob':'%.*s'}", PR(blob));
	EXPECT_DONE(r);
	EXPECT_STR(world_field(w, r, "Plaintext"), S("aGk="));
}

/* The generation in a blob's header. */
static int generation(struct test_world *w, struct str blob)
{
	struct str bytes;
	EXPECT_OK(base64_decode(world_mem(w), blob, &bytes));
	return bytes.p[25];
}

static struct test_reply status_of(struct test_world *w, struct str id)
{
	struct test_reply r = CALL(w, "GetKeyRotationStatus", "{'KeyId':'%.*s'}", PR(id));
	EXPECT_DONE(r);
	return r;
}

static void enable(struct test_world *w, struct str id, int days)
{
	EXPECT_DONE(CALL(w, "EnableKeyRotation", "{'KeyId':'%.*s','RotationPeriodInDays':%d}", PR(id), days));
}

static struct str rotations(struct test_world *w, struct str id, const char *path)
{
	struct test_reply r = CALL(w, "ListKeyRotations", "{'KeyId':'%.*s'}", PR(id));
	EXPECT_DONE(r);
	return world_field(w, r, path);
}

/* ---- schedule ------------------------------------------------------------------------ */

static void a_new_key_does_not_rotate(void)
{
	struct test_world *w = testing_begin();
	struct str id = testing_key(w);
	struct test_reply r = status_of(w, id);
	EXPECT_STR(world_field(w, r, "KeyRotationEnabled"), S("false"));
	EXPECT_STR(world_field(w, r, "KeyId"), id);
	EXPECT(!world_field(w, r, "RotationPeriodInDays").p && !world_field(w, r, "NextRotationDate").p);
	world_later(w, 3000 * DAY);
	EXPECT(generation(w, seal(w, id)) == 1);
	EXPECT_STR(rotations(w, id, "Rotations"), S("[]"));
	world_end(w);
}

static void the_period_is_90_to_2560_days_and_365_if_unsaid(void)
{
	static const struct {
		const char *member, *days, *next; /* days NULL: refused */
	} cases[] = {
		{ "", "365", "1798761600" },
		{ ",'RotationPeriodInDays':90", "90", "1775001600" },
		{ ",'RotationPeriodInDays':2560", "2560", "1988409600" },
		{ ",'RotationPeriodInDays':89", NULL, NULL },
		{ ",'RotationPeriodInDays':2561", NULL, NULL },
	};
	struct test_world *w = testing_begin();
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct str id = testing_key(w);
		struct test_reply r = CALL(w, "EnableKeyRotation", "{'KeyId':'%.*s'%s}", PR(id), cases[i].member);
		EXPECT_STR(r.code, cases[i].days ? S("") : S("ValidationException"));
		r = status_of(w, id);
		EXPECT_STR(world_field(w, r, "KeyRotationEnabled"), cases[i].days ? S("true") : S("false"));
		if (!cases[i].days)
			continue;
		EXPECT_STR(world_field(w, r, "RotationPeriodInDays"), str_of(cases[i].days));
		EXPECT_STR(world_field(w, r, "NextRotationDate"), str_of(cases[i].next));
	}
	world_end(w);
}

static void enabling_again_keeps_the_date_unless_the_period_is_another(void)
{
	struct test_world *w = testing_begin();
	struct str id = testing_key(w);
	enable(w, id, 90);
	world_later(w, 30 * DAY);
	enable(w, id, 90);
	EXPECT_STR(world_field(w, status_of(w, id), "NextRotationDate"), S("1775001600"));
	enable(w, id, 100); /* from today on */
	EXPECT_STR(world_field(w, status_of(w, id), "NextRotationDate"), S("1778457600"));
	EXPECT_DONE(CALL(w, "DisableKeyRotation", "{'KeyId':'%.*s'}", PR(id)));
	EXPECT_DONE(CALL(w, "DisableKeyRotation", "{'KeyId':'%.*s'}", PR(id)));
	world_later(w, 400 * DAY);
	EXPECT(generation(w, seal(w, id)) == 1);
	world_end(w);
}

/* ---- on the date --------------------------------------------------------------------------- */

static void on_its_date_a_key_gets_new_material_and_keeps_the_old(void)
{
	struct test_world *w = testing_begin();
	struct str id = testing_key(w), first = seal(w, id);
	struct str was =
	    world_field(w, CALL(w, "DescribeKey", "{'KeyId':'%.*s'}", PR(id)), "KeyMetadata.CurrentKeyMaterialId");
	EXPECT(was.n == 64);
	enable(w, id, 90);
	world_later(w, 90 * DAY - 1);
	EXPECT(generation(w, seal(w, id)) == 1);
	world_later(w, 1);
	struct str second = seal(w, id);
	EXPECT(generation(w, second) == 2);
	opens(w, first);
	opens(w, second);
	EXPECT_STR(world_field(w, status_of(w, id), "NextRotationDate"), S("1782777600")); /* 180 days */
	EXPECT_STR(rotations(w, id, "Rotations.0.RotationType"), S("AUTOMATIC"));
	EXPECT_STR(rotations(w, id, "Rotations.0.RotationDate"), S("1775001600"));
	EXPECT_STR(rotations(w, id, "Rotations.0.KeyMaterialState"), S("CURRENT"));
	struct str now = rotations(w, id, "Rotations.0.KeyMaterialId");
	EXPECT(now.n == 64 && !str_eq(now, was));
	EXPECT_STR(
	    world_field(w, CALL(w, "DescribeKey", "{'KeyId':'%.*s'}", PR(id)), "KeyMetadata.CurrentKeyMaterialId"),
	    now);
	world_restart(w);
	opens(w, first);
	opens(w, second);
	world_end(w);
}

static void what_was_missed_is_made_up_for_once_and_the_schedule_stays(void)
{
	struct test_world *w = testing_begin();
	struct str id = testing_key(w);
	enable(w, id, 100);
	world_later(w, 350 * DAY);
	EXPECT(generation(w, seal(w, id)) == 2);
	EXPECT_STR(world_field(w, status_of(w, id), "NextRotationDate"), S("1801785600")); /* 400 days */
	world_later(w, 50 * DAY);
	EXPECT(generation(w, seal(w, id)) == 3);
	world_end(w);
}

static void a_disabled_key_rotates_once_it_is_enabled(void)
{
	struct test_world *w = testing_begin();
	struct str id = testing_key(w);
	enable(w, id, 90);
	EXPECT_DONE(CALL(w, "DisableKey", "{'KeyId':'%.*s'}", PR(id)));
	EXPECT_STR(world_field(w, status_of(w, id), "KeyRotationEnabled"), S("true"));
	world_later(w, 100 * DAY);
	EXPECT_STR(rotations(w, id, "Rotations"), S("[]"));
	EXPECT_DONE(CALL(w, "EnableKey", "{'KeyId':'%.*s'}", PR(id)));
	EXPECT(generation(w, seal(w, id)) == 2);
	EXPECT_STR(world_field(w, status_of(w, id), "NextRotationDate"), S("1782777600"));
	world_end(w);
}

static void a_key_pending_deletion_says_no_and_has_its_status_back_when_cancelled(void)
{
	struct test_world *w = testing_begin();
	struct str id = testing_key(w);
	enable(w, id, 90);
	world_later(w, 80 * DAY);
	EXPECT_DONE(CALL(w, "ScheduleKeyDeletion", "{'KeyId':'%.*s','PendingWindowInDays':30}", PR(id)));
	EXPECT_STR(world_field(w, status_of(w, id), "KeyRotationEnabled"), S("false"));
	world_later(w, 20 * DAY);
	EXPECT_STR(rotations(w, id, "Rotations"), S("[]"));
	EXPECT_DONE(CALL(w, "CancelKeyDeletion", "{'KeyId':'%.*s'}", PR(id)));
	EXPECT_STR(world_field(w, status_of(w, id), "KeyRotationEnabled"), S("true"));
	EXPECT_DONE(CALL(w, "EnableKey", "{'KeyId':'%.*s'}", PR(id)));
	EXPECT(generation(w, seal(w, id)) == 2);
	world_end(w);
}

static size_t occurrences(struct str in, struct str of)
{
	size_t n = 0;
	for (size_t i = 0; i + of.n <= in.n; i++)
		n += str_eq(str_sub(in, i, of.n), of);
	return n;
}

static void the_duty_rotates_what_nobody_uses(void)
{
	struct test_world *w = testing_begin();
	struct str used = testing_key(w), idle = testing_key(w), disabled = testing_key(w), trail;
	size_t n;
	enable(w, used, 90);
	enable(w, idle, 90);
	enable(w, disabled, 90);
	EXPECT_DONE(CALL(w, "DisableKey", "{'KeyId':'%.*s'}", PR(disabled)));
	world_later(w, 91 * DAY);
	(void)seal(w, used);
	testing_duty(w);
	testing_duty(w);
	trail = testing_records(w, "us-east-1", "RotateKey", 50, &n);
	EXPECT(n == 2);
	EXPECT(occurrences(trail, S("\"eventType\":\"AwsServiceEvent\"")) == 2);
	EXPECT(occurrences(trail, S("\"serviceEventDetails\":{\"rotationType\":\"AUTOMATIC\",\"keyOrigin\":\"AWS_KMS\","
				    "\"previousKeyMaterialId\":\"")) == 2);
	struct str end = arena_printf(world_mem(w), ",\"keyId\":\"%.*s\"}", PR(idle));
	EXPECT(occurrences(trail, end) == 1);
	EXPECT(generation(w, seal(w, idle)) == 2 && generation(w, seal(w, used)) == 2);
	world_restart(w);
	world_later(w, 90 * DAY);
	testing_duty(w); /* what is due outlived the restart */
	EXPECT_STR(rotations(w, idle, "Rotations.1.RotationType"), S("AUTOMATIC"));
	world_end(w);
}

/* ---- on demand --------------------------------------------------------------------------------- */

static struct test_reply on_demand(struct test_world *w, struct str id)
{
	return CALL(w, "RotateKeyOnDemand", "{'KeyId':'%.*s'}", PR(id));
}

static void on_demand_rotates_now_and_leaves_the_schedule(void)
{
	struct test_world *w = testing_begin();
	struct str id = testing_key(w), first = seal(w, id);
	enable(w, id, 90);
	world_later(w, DAY);
	struct test_reply r = on_demand(w, id);
	EXPECT_DONE(r);
	EXPECT_STR(world_field(w, r, "KeyId"), id);
	EXPECT(generation(w, seal(w, id)) == 2);
	opens(w, first);
	EXPECT_STR(world_field(w, status_of(w, id), "NextRotationDate"), S("1775001600"));
	EXPECT(!world_field(w, status_of(w, id), "OnDemandRotationStartDate").p);
	EXPECT_STR(rotations(w, id, "Rotations.0.RotationType"), S("ON_DEMAND"));
	world_end(w);
}

static void on_demand_is_refused_shortly_before_the_date(void)
{
	struct test_world *w = testing_begin();
	struct str id = testing_key(w);
	enable(w, id, 90);
	world_later(w, 90 * DAY - 20 * MINUTE_MS);
	EXPECT_STR(on_demand(w, id).code, S("ConflictException"));
	world_later(w, -1);
	EXPECT_DONE(on_demand(w, id));
	world_end(w);
}

static void twenty_five_times_on_demand_and_no_more(void)
{
	struct test_world *w = testing_begin();
	struct str id = testing_key(w), first = seal(w, id);
	for (int i = 0; i < 25; i++)
		EXPECT_DONE(on_demand(w, id));
	EXPECT_FAULT(on_demand(w, id), "LimitExceededException",
		     arena_printf(world_mem(w),
				  "The on-demand rotations limit has been reached for the given keyId. No more "
				  "on-demand rotations can be performed for this key: %.*s",
				  PR(id)));
	EXPECT(generation(w, seal(w, id)) == 26);
	opens(w, first);
	world_end(w);
}

/* ---- the list ---------------------------------------------------------------------------------- */

static void the_list_has_pages_and_the_first_material_only_when_asked(void)
{
	struct test_world *w = testing_begin();
	struct str id = testing_key(w);
	for (int i = 0; i < 5; i++)
		EXPECT_DONE(on_demand(w, id));
	struct test_reply r =
	    CALL(w, "ListKeyRotations", "{'KeyId':'%.*s','IncludeKeyMaterial':'ALL_KEY_MATERIAL','Limit':4}", PR(id));
	EXPECT(!world_field(w, r, "Rotations.0.RotationType").p && !world_field(w, r, "Rotations.0.RotationDate").p);
	EXPECT_STR(world_field(w, r, "Rotations.0.KeyMaterialState"), S("NON_CURRENT"));
	EXPECT_STR(world_field(w, r, "Rotations.3.KeyMaterialState"), S("NON_CURRENT"));
	EXPECT_STR(world_field(w, r, "Truncated"), S("true"));
	struct str marker = world_field(w, r, "NextMarker");
	r = CALL(w, "ListKeyRotations",
		 "{'KeyId':'%.*s','IncludeKeyMaterial':'ALL_KEY_MATERIAL','Limit':4,'Marker':'%.*s'}", PR(id),
		 PR(marker));
	EXPECT_STR(world_field(w, r, "Rotations.1.KeyMaterialState"), S("CURRENT"));
	EXPECT(!world_field(w, r, "Rotations.2.KeyId").p && !world_field(w, r, "NextMarker").p);
	EXPECT_STR(world_field(w, r, "Truncated"), S("false"));
	EXPECT_STR(rotations(w, id, "Rotations.4.KeyMaterialState"), S("CURRENT"));
	EXPECT(!rotations(w, id, "Rotations.5.KeyId").p);
	struct str other = testing_key(w); /* its markers are of its own rows */
	EXPECT_STR(CALL(w, "ListKeyRotations", "{'KeyId':'%.*s','Marker':'%.*s'}", PR(other), PR(marker)).code,
		   S("InvalidMarkerException"));
	world_end(w);
}

/* ---- refusals ------------------------------------------------------------------------------------ */

static const char *const changing[] = { "EnableKeyRotation", "DisableKeyRotation", "RotateKeyOnDemand" };
static const char *const reading[] = { "GetKeyRotationStatus", "ListKeyRotations" };

static void the_state_decides_what_may_be_changed(void)
{
	struct test_world *w = testing_begin();
	struct str disabled = testing_key(w), pending = testing_key(w);
	EXPECT_DONE(CALL(w, "DisableKey", "{'KeyId':'%.*s'}", PR(disabled)));
	EXPECT_DONE(CALL(w, "ScheduleKeyDeletion", "{'KeyId':'%.*s'}", PR(pending)));
	for (size_t i = 0; i < COUNT(changing); i++) {
		EXPECT_FAULT(CALL(w, changing[i], "{'KeyId':'%.*s'}", PR(disabled)), "DisabledException",
			     arena_printf(world_mem(w), "%.*s is disabled.", PR(testing_arn(w, disabled))));
		EXPECT_FAULT(CALL(w, changing[i], "{'KeyId':'%.*s'}", PR(pending)), "KMSInvalidStateException",
			     arena_printf(world_mem(w), "%.*s is pending deletion.", PR(testing_arn(w, pending))));
	}
	for (size_t i = 0; i < COUNT(reading); i++) {
		EXPECT_DONE(CALL(w, reading[i], "{'KeyId':'%.*s'}", PR(disabled)));
		EXPECT_DONE(CALL(w, reading[i], "{'KeyId':'%.*s'}", PR(pending)));
	}
	world_end(w);
}

static void keys_of_other_kinds_do_not_rotate(void)
{
	struct test_world *w = testing_begin();
	struct test_reply made[] = {
		CALL(w, "CreateKey", "{'KeySpec':'ECC_NIST_P256','KeyUsage':'SIGN_VERIFY'}"),
		CALL(w, "CreateKey", "{'KeySpec':'HMAC_256','KeyUsage':'GENERATE_VERIFY_MAC'}"),
	};
	for (size_t i = 0; i < COUNT(made); i++) {
		struct str id = world_field(w, made[i], "KeyMetadata.KeyId");
		EXPECT_DONE(made[i]);
		EXPECT(!world_field(w, made[i], "KeyMetadata.CurrentKeyMaterialId").p);
		for (size_t k = 0; k < COUNT(changing); k++)
			EXPECT_STR(CALL(w, changing[k], "{'KeyId':'%.*s'}", PR(id)).code,
				   S("UnsupportedOperationException"));
		for (size_t k = 0; k < COUNT(reading); k++)
			EXPECT_STR(CALL(w, reading[k], "{'KeyId':'%.*s'}", PR(id)).code,
				   S("UnsupportedOperationException"));
	}
	world_end(w);
}

static void aws_managed_keys_rotate_every_year(void)
{
	struct test_world *w = testing_begin();
	struct str id = world_field(w, CALL(w, "DescribeKey", "{'KeyId':'alias/aws/s3'}"), "KeyMetadata.KeyId");
	struct test_reply r = status_of(w, id);
	EXPECT_STR(world_field(w, r, "KeyRotationEnabled"), S("true"));
	EXPECT_STR(world_field(w, r, "RotationPeriodInDays"), S("365"));
	EXPECT_STR(world_field(w, r, "NextRotationDate"), S("1798761600"));
	world_later(w, 365 * DAY);
	EXPECT_STR(rotations(w, id, "Rotations.0.RotationType"), S("AUTOMATIC"));
	for (size_t i = 0; i < COUNT(changing); i++)
		EXPECT_STR(CALL(w, changing[i], "{'KeyId':'%.*s'}", PR(id)).code, S("AccessDeniedException"));
	world_end(w);
}

static void the_period_is_a_condition_key(void)
{
	static const char yearly[] =
	    "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"kms:*\",\"Resource\":\"*\","
	    "\"Condition\":{\"NumericLessThanEquals\":{\"kms:RotationPeriodInDays\":\"365\"}}}]}";
	struct test_world *w = testing_begin();
	struct str id = testing_key(w);
	struct caller who = testing_user(w, yearly);
	EXPECT_STR(AS(w, who, "EnableKeyRotation", "{'KeyId':'%.*s','RotationPeriodInDays':366}", PR(id)).code,
		   S("AccessDeniedException"));
	EXPECT_DONE(AS(w, who, "EnableKeyRotation", "{'KeyId':'%.*s','RotationPeriodInDays':365}", PR(id)));
	world_end(w);
}

static void another_account_may_be_told_the_status_and_nothing_else(void)
{
	static const char open_to_all[] =
	    "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":{\"AWS\":\"*\"},"
	    "\"Action\":\"kms:*\",\"Resource\":\"*\"}]}";
	struct test_world *w = testing_begin();
	struct str id = testing_key(w), arn = testing_arn(w, id);
	struct caller who = testing_user_of(w, WORLD_OTHER, ALLOW("kms:*"));
	EXPECT_DONE(CALL(w, "PutKeyPolicy", "{'KeyId':'%.*s','PolicyName':'default','Policy':'%.*s'}", PR(id),
			 PR(testing_quoted(w, open_to_all))));
	EXPECT_DONE(AS(w, who, "GetKeyRotationStatus", "{'KeyId':'%.*s'}", PR(arn)));
	EXPECT_STR(AS(w, who, "ListKeyRotations", "{'KeyId':'%.*s'}", PR(arn)).code, S("AccessDeniedException"));
	for (size_t i = 0; i < COUNT(changing); i++)
		EXPECT_STR(AS(w, who, changing[i], "{'KeyId':'%.*s'}", PR(arn)).code, S("AccessDeniedException"));
	/* A rotation that a stranger's call sets off is the owner's record all the same. */
	size_t n;
	enable(w, id, 90);
	world_later(w, 90 * DAY);
	EXPECT_DONE(AS(w, who, "GetKeyRotationStatus", "{'KeyId':'%.*s'}", PR(arn)));
	(void)testing_records(w, "us-east-1", "RotateKey", 50, &n);
	EXPECT(n == 1);
	world_end(w);
}

RUN_ALL(T(a_new_key_does_not_rotate), T(the_period_is_90_to_2560_days_and_365_if_unsaid),
	T(enabling_again_keeps_the_date_unless_the_period_is_another),
	T(on_its_date_a_key_gets_new_material_and_keeps_the_old),
	T(what_was_missed_is_made_up_for_once_and_the_schedule_stays), T(a_disabled_key_rotates_once_it_is_enabled),
	T(a_key_pending_deletion_says_no_and_has_its_status_back_when_cancelled), T(the_duty_rotates_what_nobody_uses),
	T(on_demand_rotates_now_and_leaves_the_schedule), T(on_demand_is_refused_shortly_before_the_date),
	T(twenty_five_times_on_demand_and_no_more), T(the_list_has_pages_and_the_first_material_only_when_asked),
	T(the_state_decides_what_may_be_changed), T(keys_of_other_kinds_do_not_rotate),
	T(aws_managed_keys_rotate_every_year), T(the_period_is_a_condition_key),
	T(another_account_may_be_told_the_status_and_nothing_else))

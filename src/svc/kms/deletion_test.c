/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The states of a key, what each lets one do, and how keys end.
 */
#include "svc/kms/duty.h"
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

static void count_rows(struct req *rq, void *arg)
{
	struct shard *shard;
	struct cursor c;
	struct txn *t;
	size_t *n = arg;
	EXPECT_OK(req_shard_own(rq, &shard));
	EXPECT_OK(req_read(rq, shard, &t));
	EXPECT_OK(txn_range(t, &(struct range){ .keys_only = true }, &c));
	for (*n = 0; cursor_next(&c);)
		++*n;
	EXPECT_OK(cursor_end(&c));
}

static size_t rows(struct test_world *w)
{
	size_t n;
	world_in_fiber(w, count_rows, &n);
	return n;
}

static void asking_for_a_dead_key_shreds_all_that_are_due(void)
{
	struct test_world *w = testing_begin();
	struct str kept = testing_key(w), a, b;
	size_t before = rows(w);
	a = testing_key(w);
	b = testing_key(w);
	EXPECT_DONE(CALL(w, "CreateAlias", "{'AliasName':'alias/a','TargetKeyId':'%.*s'}", PR(a)));
	schedule(w, a, 7);
	schedule(w, b, 8);
	world_later(w, INT64_C(8) * DAY_MS);
	EXPECT(rows(w) > before);
	EXPECT_STR(CALL(w, "DescribeKey", "{'KeyId':'%.*s'}", PR(b)).code, S("NotFoundException"));
	EXPECT(rows(w) == before);
	EXPECT_STR(testing_state(w, kept), S("Enabled"));
	world_end(w);
}

static void a_cancelled_or_put_off_key_outlives_its_first_day(void)
{
	struct test_world *w = testing_begin();
	struct str cancelled = testing_key(w), later = testing_key(w), due = testing_key(w);
	size_t before = rows(w);
	struct str blob =
	    world_field(w, CALL(w, "Encrypt", "{'KeyId':'%.*s','Plaintext':'aGk='}", PR(cancelled)), "CiphertextBlob");
	schedule(w, cancelled, 7);
	schedule(w, later, 7);
	EXPECT_DONE(CALL(w, "CancelKeyDeletion", "{'KeyId':'%.*s'}", PR(cancelled)));
	EXPECT_DONE(CALL(w, "CancelKeyDeletion", "{'KeyId':'%.*s'}", PR(later)));
	EXPECT(rows(w) == before); /* no date is left behind */
	schedule(w, later, 30);
	schedule(w, due, 7);
	world_later(w, INT64_C(7) * DAY_MS);
	EXPECT_STR(CALL(w, "DescribeKey", "{'KeyId':'%.*s'}", PR(due)).code, S("NotFoundException"));
	EXPECT_STR(testing_state(w, later), S("PendingDeletion"));
	EXPECT_DONE(CALL(w, "EnableKey", "{'KeyId':'%.*s'}", PR(cancelled)));
	EXPECT_STR(world_field(w, CALL(w, "Decrypt", "{'CiphertextBlob':'%.*s'}", PR(blob)), "Plaintext"), S("aGk="));
	world_end(w);
}

static void start_app(struct req *rq, void *arg)
{
	(void)arg;
	kms_duty_now(rq->app);
}

static void starting_shreds_what_came_due_meanwhile(void)
{
	struct test_world *w = testing_begin();
	struct str a = testing_key(w);
	world_in_fiber(w, start_app, NULL);
	EXPECT_STR(testing_state(w, a), S("Enabled"));
	schedule(w, a, 7);
	world_later(w, INT64_C(7) * DAY_MS);
	world_restart(w);
	EXPECT(rows(w) > 0);
	world_in_fiber(w, start_app, NULL);
	EXPECT(rows(w) == 0);
	world_end(w);
}

RUN_ALL(T(scheduling_names_the_day), T(the_window_is_7_to_30_days_and_30_if_unsaid),
	T(a_cancelled_key_comes_back_disabled), T(a_key_past_its_day_is_gone_for_every_operation),
	T(asking_for_a_dead_key_shreds_all_that_are_due), T(a_cancelled_or_put_off_key_outlives_its_first_day),
	T(starting_shreds_what_came_due_meanwhile))

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the API reference promises of LookupEvents. The calls looked up are earlier ones of
 * the same kind: each is recorded, too.
 */
#include "api/accounts.h"
#include "api/trail.h"
#include "api/world.h"
#include "base/str.h"
#include "base/time.h"
#include "cloudtrail_api.h"

static const struct service *const services[] = { &cloudtrail_service, NULL };
static const int64_t JAN_1 = 1767225600000; /* 2026, UTC */

static struct test_world *begin(void)
{
	return world_begin(&(struct world_parts){ .services = services, .now_ms = JAN_1 });
}

#define LOOKUP(w, ...) world_call(w, world_root(w), "cloudtrail", "LookupEvents", __VA_ARGS__)

static size_t events_in(struct test_world *w, struct test_reply r)
{
	size_t n = 0;
	EXPECT(r.status == 200);
	while (world_field(w, r, str_z(world_mem(w), arena_printf(world_mem(w), "Events.%zu.EventId", n))).p)
		n++;
	return n;
}

static size_t found(struct test_world *w, const char *key, const char *value)
{
	return events_in(w,
			 LOOKUP(w, "{'LookupAttributes':[{'AttributeKey':'%s','AttributeValue':'%s'}]}", key, value));
}

static void it_sees_what_was_answered_before_newest_first(void)
{
	struct test_world *w = begin();
	EXPECT(events_in(w, LOOKUP(w, "{}")) == 0);
	world_later(w, 5000);
	EXPECT(events_in(w, LOOKUP(w, "{'MaxResults':7}")) == 1);
	world_later(w, 5000);
	struct test_reply r = LOOKUP(w, "{}");
	EXPECT(events_in(w, r) == 2);
	EXPECT_STR(world_field(w, r, "Events.0.EventName"), S("LookupEvents"));
	EXPECT_STR(world_field(w, r, "Events.0.EventSource"), S("cloudtrail.amazonaws.com"));
	EXPECT_STR(world_field(w, r, "Events.0.EventTime"), S("1767225605"));
	EXPECT_STR(world_field(w, r, "Events.1.EventTime"), S("1767225600"));
	EXPECT_STR(world_field(w, r, "Events.0.ReadOnly"), S("true"));
	EXPECT_STR(world_field(w, r, "Events.0.Username"), S("root"));
	EXPECT_STR(world_field(w, r, "Events.0.AccessKeyId"), S("AKIAROOT111122223333"));
	struct str event = world_field(w, r, "Events.0.CloudTrailEvent");
	EXPECT(str_find(event, S("\"requestParameters\":{\"maxResults\":7},\"responseElements\":null")) != SIZE_MAX);
	EXPECT(str_find(event, world_field(w, r, "Events.0.EventId")) != SIZE_MAX);
	world_end(w);
}

static void refused_calls_are_there_with_their_error(void)
{
	struct test_world *w = begin();
	struct caller nobody = { .kind = CALLER_ANONYMOUS, .account = WORLD_ACCOUNT, .principal_id = S("anonymous") };
	EXPECT(world_call(w, nobody, "cloudtrail", "LookupEvents", "{}").status != 200);
	struct test_reply r = LOOKUP(w, "{}");
	EXPECT(events_in(w, r) == 1);
	struct str event = world_field(w, r, "Events.0.CloudTrailEvent");
	EXPECT(str_find(event, S("\"errorCode\":\"AccessDenied\"")) != SIZE_MAX);
	EXPECT(str_find(event, S("ANONYMOUS_PRINCIPAL")) != SIZE_MAX);
	EXPECT(!world_field(w, r, "Events.0.Username").p);
	world_end(w);
}

static void every_attribute_finds_its_events_and_no_others(void)
{
	struct test_world *w = begin();
	EXPECT(events_in(w, LOOKUP(w, "{}")) == 0);
	struct test_reply r = LOOKUP(w, "{}");
	struct str id = world_field(w, r, "Events.0.EventId");
	EXPECT(found(w, "EventId", str_z(world_mem(w), id)) == 1);
	EXPECT(found(w, "EventId", "11111111-1111-4111-8111-111111111111") == 0);
	EXPECT(found(w, "EventName", "LookupEvents") == 4);
	EXPECT(found(w, "EventName", "lookupevents") == 0);
	EXPECT(found(w, "ReadOnly", "true") == 6);
	EXPECT(found(w, "ReadOnly", "false") == 0);
	EXPECT(found(w, "Username", "root") == 8);
	EXPECT(found(w, "Username", "alice") == 0);
	EXPECT(found(w, "EventSource", "cloudtrail.amazonaws.com") == 10);
	EXPECT(found(w, "EventSource", "kms.amazonaws.com") == 0);
	EXPECT(found(w, "AccessKeyId", "AKIAROOT111122223333") == 12);
	EXPECT(found(w, "AccessKeyId", "AKIAROOT444455556666") == 0);
	EXPECT(found(w, "ResourceName", "nothing") == 0);
	EXPECT(found(w, "ResourceType", "AWS::KMS::Key") == 0);
	world_end(w);
}

static void exactly_one_attribute_can_be_asked_for(void)
{
	struct test_world *w = begin();
	struct test_reply r = LOOKUP(w, "{'LookupAttributes':[{'AttributeKey':'EventName','AttributeValue':'A'},"
					"{'AttributeKey':'EventName','AttributeValue':'B'}]}");
	EXPECT_STR(r.code, S("InvalidLookupAttributesException"));
	r = LOOKUP(w, "{'LookupAttributes':[{'AttributeKey':'EventName','AttributeValue':''}]}");
	EXPECT_STR(r.code, S("InvalidLookupAttributesException"));
	r = LOOKUP(w, "{'LookupAttributes':[{'AttributeKey':'Mood','AttributeValue':'good'}]}");
	EXPECT(r.status == 400);
	EXPECT(events_in(w, LOOKUP(w, "{'LookupAttributes':[]}")) ==
	       2); /* the third was refused before its life began */
	world_end(w);
}

static void times_are_included_at_both_ends(void)
{
	struct test_world *w = begin();
	for (int i = 0; i < 4; i++) {
		(void)LOOKUP(w, "{}"); /* at :00, :10, :20, :30 */
		world_later(w, 10 * SECOND_MS);
	}
	EXPECT(events_in(w, LOOKUP(w, "{'StartTime':1767225610,'EndTime':1767225620}")) == 2);
	EXPECT(events_in(w, LOOKUP(w, "{'StartTime':1767225611,'EndTime':1767225619}")) == 0);
	EXPECT(events_in(w, LOOKUP(w, "{'EndTime':1767225610}")) == 2);
	EXPECT(events_in(w, LOOKUP(w, "{'StartTime':1767225620}")) == 5);
	EXPECT_STR(LOOKUP(w, "{'StartTime':1767225620,'EndTime':1767225619}").code, S("InvalidTimeRangeException"));
	world_end(w);
}

static void ninety_days_can_be_looked_up(void)
{
	struct test_world *w = begin();
	(void)LOOKUP(w, "{}");
	world_later(w, (int64_t)90 * DAY_MS);
	EXPECT(events_in(w, LOOKUP(w, "{'StartTime':0}")) == 1);
	world_later(w, SECOND_MS);
	EXPECT(events_in(w, LOOKUP(w, "{'StartTime':0}")) == 1); /* the second one; the first is too old */
	world_end(w);
}

static struct str follow(struct test_world *w, struct str token, size_t want)
{
	struct test_reply r = LOOKUP(w, "{'MaxResults':3,'NextToken':'%.*s'}", PR(token));
	EXPECT(events_in(w, r) == want);
	return world_field(w, r, "NextToken");
}

static void pages_follow_each_other_without_gap_or_repetition(void)
{
	struct test_world *w = begin();
	for (int i = 0; i < 8; i++)
		(void)LOOKUP(w, "{}");
	struct test_reply r = LOOKUP(w, "{'MaxResults':3}");
	EXPECT(events_in(w, r) == 3);
	struct str token = world_field(w, r, "NextToken");
	EXPECT(token.p);
	token = follow(w, token, 3);
	EXPECT(token.p);
	token = follow(w, token, 2); /* later calls do not move what is older */
	EXPECT(!token.p);
	EXPECT(!world_field(w, LOOKUP(w, "{'MaxResults':50}"), "NextToken").p);
	EXPECT(LOOKUP(w, "{'MaxResults':51}").status == 400);
	EXPECT(LOOKUP(w, "{'MaxResults':0}").status == 400);
	world_end(w);
}

static void a_token_belongs_to_its_query(void)
{
	struct test_world *w = begin();
	(void)LOOKUP(w, "{}");
	(void)LOOKUP(w, "{}");
	struct str token = world_field(w, LOOKUP(w, "{'MaxResults':1}"), "NextToken");
	EXPECT(token.p);
	EXPECT(LOOKUP(w, "{'MaxResults':2,'NextToken':'%.*s'}", PR(token)).status == 200);
	EXPECT_STR(LOOKUP(w, "{'NextToken':'%.*s','StartTime':1}", PR(token)).code, S("InvalidNextTokenException"));
	EXPECT_STR(LOOKUP(w, "{'NextToken':'AAAA'}").code, S("InvalidNextTokenException"));
	EXPECT_STR(LOOKUP(w, "{'NextToken':'?'}").code, S("InvalidNextTokenException"));
	struct test_reply r = world_call(w, world_root_of(w, WORLD_OTHER), "cloudtrail", "LookupEvents",
					 "{'NextToken':'%.*s'}", PR(token));
	EXPECT_STR(r.code, S("InvalidNextTokenException"));
	world_end(w);
}

static void accounts_see_their_own_events_only(void)
{
	struct test_world *w = begin();
	(void)LOOKUP(w, "{}");
	struct test_reply r = world_call(w, world_root_of(w, WORLD_OTHER), "cloudtrail", "LookupEvents", "{}");
	EXPECT(events_in(w, r) == 0);
	EXPECT(events_in(w, LOOKUP(w, "{}")) == 1);
	world_end(w);
}

static void insights_are_none(void)
{
	struct test_world *w = begin();
	(void)LOOKUP(w, "{}");
	EXPECT(events_in(w, LOOKUP(w, "{'EventCategory':'insight'}")) == 0);
	struct test_reply r = LOOKUP(
	    w, "{'EventCategory':'insight','LookupAttributes':[{'AttributeKey':'Username','AttributeValue':'a'}]}");
	EXPECT_STR(r.code, S("InvalidLookupAttributesException"));
	world_end(w);
}

static void events_outlive_a_restart(void)
{
	struct test_world *w = begin();
	(void)LOOKUP(w, "{}");
	world_restart(w);
	EXPECT(events_in(w, LOOKUP(w, "{}")) == 1);
	world_end(w);
}

RUN_ALL(T(it_sees_what_was_answered_before_newest_first), T(refused_calls_are_there_with_their_error),
	T(every_attribute_finds_its_events_and_no_others), T(exactly_one_attribute_can_be_asked_for),
	T(times_are_included_at_both_ends), T(ninety_days_can_be_looked_up),
	T(pages_follow_each_other_without_gap_or_repetition), T(a_token_belongs_to_its_query),
	T(accounts_see_their_own_events_only), T(insights_are_none), T(events_outlive_a_restart))

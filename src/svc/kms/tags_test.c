/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tags of keys.
 */
#include "svc/kms/testing.h"

static struct str tag_list(struct test_world *w, int from, int n)
{
	struct buf b = buf_in(world_mem(w));
	buf_byte(&b, '[');
	for (int i = 0; i < n; i++)
		buf_printf(&b, "%s{'TagKey':'k%d','TagValue':'v%d'}", i ? "," : "", from + i, from + i);
	buf_byte(&b, ']');
	return buf_str(&b);
}

static void tags_are_added_replaced_and_removed(void)
{
	struct test_world *w = testing_begin();
	struct str id =
	    world_field(w, CALL(w, "CreateKey", "{'Tags':[{'TagKey':'a','TagValue':'1'}]}"), "KeyMetadata.KeyId");
	EXPECT_DONE(CALL(w, "TagResource",
			 "{'KeyId':'%.*s','Tags':[{'TagKey':'b','TagValue':''},{'TagKey':'a','TagValue':'2'}]}",
			 PR(id)));
	EXPECT_STR(world_field(w, CALL(w, "ListResourceTags", "{'KeyId':'%.*s'}", PR(id)), "Tags"),
		   S("[{\"TagKey\":\"a\",\"TagValue\":\"2\"},{\"TagKey\":\"b\",\"TagValue\":\"\"}]"));
	EXPECT_DONE(CALL(w, "UntagResource", "{'KeyId':'%.*s','TagKeys':['a','none']}", PR(id)));
	struct test_reply r = CALL(w, "ListResourceTags", "{'KeyId':'%.*s'}", PR(id));
	EXPECT_STR(world_field(w, r, "Tags"), S("[{\"TagKey\":\"b\",\"TagValue\":\"\"}]"));
	EXPECT_STR(world_field(w, r, "Truncated"), S("false"));
	EXPECT_DONE(CALL(w, "UntagResource", "{'KeyId':'%.*s','TagKeys':['b']}", PR(id)));
	EXPECT_STR(world_field(w, CALL(w, "ListResourceTags", "{'KeyId':'%.*s'}", PR(id)), "Tags"), S("[]"));
	world_end(w);
}

static void tags_that_may_not_be_are_refused(void)
{
	static const struct {
		const char *tags, *text;
	} cases[] = {
		{ "[{'TagKey':'aws:x','TagValue':'1'}]", "Tags beginning with aws: are reserved" },
		{ "[{'TagKey':'AWS:x','TagValue':'1'}]", "Tags beginning with aws: are reserved" },
		{ "[{'TagKey':'x','TagValue':'1'},{'TagKey':'y','TagValue':'1'},{'TagKey':'x','TagValue':'2'}]",
		  "Duplicate tag keys" },
	};
	struct test_world *w = testing_begin();
	struct str id = testing_key(w);
	for (size_t i = 0; i < COUNT(cases); i++) {
		EXPECT_FAULT(CALL(w, "TagResource", "{'KeyId':'%.*s','Tags':%s}", PR(id), cases[i].tags),
			     "TagException", str_of(cases[i].text));
		EXPECT_FAULT(CALL(w, "CreateKey", "{'Tags':%s}", cases[i].tags), "TagException", str_of(cases[i].text));
	}
	EXPECT_STR(world_field(w, CALL(w, "ListResourceTags", "{'KeyId':'%.*s'}", PR(id)), "Tags"), S("[]"));
	world_end(w);
}

static void a_key_has_50_tags_at_most(void)
{
	struct test_world *w = testing_begin();
	struct str id = testing_key(w);
	EXPECT_FAULT(CALL(w, "TagResource", "{'KeyId':'%.*s','Tags':%.*s}", PR(id), PR(tag_list(w, 0, 51))),
		     "TagException", S("Too many tags"));
	EXPECT_DONE(CALL(w, "TagResource", "{'KeyId':'%.*s','Tags':%.*s}", PR(id), PR(tag_list(w, 0, 50))));
	EXPECT_FAULT(CALL(w, "TagResource", "{'KeyId':'%.*s','Tags':%.*s}", PR(id), PR(tag_list(w, 50, 1))),
		     "TagException", S("Too many tags"));
	EXPECT_DONE(CALL(w, "TagResource", "{'KeyId':'%.*s','Tags':%.*s}", PR(id), PR(tag_list(w, 49, 1))));
	world_end(w);
}

static void tags_are_listed_in_pages(void)
{
	struct test_world *w = testing_begin();
	struct str id = testing_key(w);
	EXPECT_DONE(CALL(w, "TagResource", "{'KeyId':'%.*s','Tags':%.*s}", PR(id), PR(tag_list(w, 0, 3))));
	struct test_reply r = CALL(w, "ListResourceTags", "{'KeyId':'%.*s','Limit':2}", PR(id));
	EXPECT_STR(world_field(w, r, "Truncated"), S("true"));
	r = CALL(w, "ListResourceTags", "{'KeyId':'%.*s','Limit':2,'Marker':'%.*s'}", PR(id),
		 PR(world_field(w, r, "NextMarker")));
	EXPECT_STR(world_field(w, r, "Tags"), S("[{\"TagKey\":\"k2\",\"TagValue\":\"v2\"}]"));
	EXPECT(!world_field(w, r, "NextMarker").p);
	EXPECT_STR(CALL(w, "ListResourceTags", "{'KeyId':'%.*s','Marker':'bm8='}", PR(id)).code,
		   S("InvalidMarkerException"));
	EXPECT_STR(CALL(w, "ListResourceTags", "{'KeyId':'%.*s','Limit':51}", PR(id)).code, S("ValidationException"));
	world_end(w);
}

static void creating_with_tags_needs_the_right_to_tag(void)
{
	struct test_world *w = testing_begin();
	struct caller who = testing_user(w, ALLOW("kms:CreateKey"));
	EXPECT_DONE(AS(w, who, "CreateKey", "{}"));
	EXPECT_STR(AS(w, who, "CreateKey", "{'Tags':[{'TagKey':'a','TagValue':'1'}]}").code,
		   S("AccessDeniedException"));
	who = testing_user(w, ALLOW("kms:*"));
	EXPECT_DONE(AS(w, who, "CreateKey", "{'Tags':[{'TagKey':'a','TagValue':'1'}]}"));
	world_end(w);
}

RUN_ALL(T(tags_are_added_replaced_and_removed), T(tags_that_may_not_be_are_refused), T(a_key_has_50_tags_at_most),
	T(tags_are_listed_in_pages), T(creating_with_tags_needs_the_right_to_tag))

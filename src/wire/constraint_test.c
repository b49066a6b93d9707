/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Validation messages, word for word as AWS sends them. In the texts ' stands for " in
 * the request.
 */
#include "wire/constraint.h"

#include "base/str.h"
#include "base/buf.h"
#include "wire/json.h"
#include "wire/testing.h"

#include <pthread.h>

#define MUST "'Name':'n','Must':1,'Weight':1"

static struct str message_for(struct arena *mem, struct str text)
{
	char *z = str_z(mem, text);
	for (char *p = z; *p; p++)
		if (*p == '\'')
			*p = '"';
	struct decode d = decode_in(mem);
	struct all a = { 0 };
	struct str message = { NULL, 0 };
	struct patterns *patterns = patterns_new();
	EXPECT_OK(json_decode(&d, &t_all, str_of(z), &a));
	struct status st = constraint_check(&d, patterns, &t_all, &a, &message);
	EXPECT(failed(st) == (message.p != NULL));
	patterns_free(patterns);
	return message;
}

static void what_the_model_allows_passes(void)
{
	struct arena *mem = arena_new();
	EXPECT(!message_for(mem, S("{" MUST "}")).p);
	EXPECT(
	    !message_for(
		 mem,
		 S("{'Name':'12345678','Must':0,'Weight':0,'Days':7,'Secret':'123456','Color':'RED','Names':['a','b'],"
		   "'Tags':[{'Key':'k','Value':''}],'Attrs':{'k':''},'Value':{'NULL':true},'Colors':[],'Data':''}"))
		 .p);
	EXPECT(!message_for(mem, S("{" MUST ",'Days':30}")).p);
	arena_free(mem);
}

static void each_constraint_has_awss_words(void)
{
	static const struct {
		const char *text, *message;
	} cases[] = {
		{ "{'Must':1,'Weight':1}", "1 validation error detected: Value null at 'name' failed to satisfy "
					   "constraint: Member must not be null" },
		{ "{'Name':'n'}", "2 validation errors detected: Value null at 'must' failed to satisfy constraint: "
				  "Member must not be null; "
				  "Value null at 'weight' failed to satisfy constraint: Member must not be null" },
		{ "{'Name':'','Must':1,'Weight':1}",
		  "2 validation errors detected: Value '' at 'name' failed to satisfy constraint: Member must satisfy "
		  "regular expression pattern: "
		  "[\\w+=,.@-]+; Value '' at 'name' failed to satisfy constraint: Member must have length greater than "
		  "or equal to 1" },
		{ "{'Name':'123456789','Must':1,'Weight':1}",
		  "1 validation error detected: Value '123456789' at 'name' failed to satisfy constraint: Member must "
		  "have length less than or equal to 8" },
		{ "{'Name':'a b','Must':1,'Weight':1}",
		  "1 validation error detected: Value 'a b' at 'name' failed to satisfy constraint: Member must "
		  "satisfy regular expression pattern: [\\w+=,.@-]+" },
		{ "{" MUST ",'Days':31}", "1 validation error detected: Value '31' at 'days' failed to satisfy "
					  "constraint: Member must have value less than or equal to 30" },
		{ "{" MUST ",'Days':-6}", "1 validation error detected: Value '-6' at 'days' failed to satisfy "
					  "constraint: Member must have value greater than or equal to 7" },
		{ "{" MUST ",'Color':'PINK'}", "1 validation error detected: Value 'PINK' at 'color' failed to satisfy "
					       "constraint: Member must satisfy enum value set: [RED, GREEN, BLUE]" },
		{ "{" MUST ",'Secret':'123'}", "1 validation error detected: Value at 'secret' failed to satisfy "
					       "constraint: Member must have length greater than or equal to 6" },
		{ "{" MUST ",'Tags':[{'Key':'a','Value':'b'},{'Value':'x'},{'Key':'k k','Value':''}]}",
		  "2 validation errors detected: Value null at 'tags.2.member.tagKey' failed to satisfy constraint: "
		  "Member must not be null; "
		  "Value 'k k' at 'tags.3.member.tagKey' failed to satisfy constraint: Member must satisfy regular "
		  "expression pattern: [\\w+=,.@-]+" },
		{ "{" MUST ",'Tag':{'Key':'k'}}", "1 validation error detected: Value null at 'tag.tagValue' failed to "
						  "satisfy constraint: Member must not be null" },
		{ "{" MUST ",'Colors':['RED','X']}",
		  "1 validation error detected: Value '[RED, X]' at 'colors' failed to satisfy constraint: "
		  "Member must satisfy constraint: [Member must satisfy enum value set: [RED, GREEN, BLUE]]" },
		{ "{" MUST ",'Names':['a','b b',null]}",
		  "1 validation error detected: Value '[a, b b, null]' at 'names' failed to satisfy constraint: Member "
		  "must satisfy constraint: "
		  "[Member must have length less than or equal to 8, Member must have length greater than or equal to "
		  "1, "
		  "Member must satisfy regular expression pattern: [\\w+=,.@-]+, Member must not be null]" },
		{ "{" MUST ",'Attrs':{'too long a key':'v'}}",
		  "1 validation error detected: Value '{too long a key=v}' at 'attrs' failed to satisfy constraint: "
		  "Map keys must satisfy constraint: "
		  "[Member must have length less than or equal to 8, Member must have length greater than or equal to "
		  "1, "
		  "Member must satisfy regular expression pattern: [\\w+=,.@-]+]" },
		{ "{" MUST ",'Value':{}}",
		  "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes" },
		{ "{" MUST ",'Value':{'X':1}}",
		  "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes" },
		{ "{" MUST ",'Items':{'a':{'L':[{'S':'','N':'1'}]}}}",
		  "Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported "
		  "datatypes" },
	};
	struct arena *mem = arena_new();
	for (size_t i = 0; i < COUNT(cases); i++)
		EXPECT_STR(message_for(mem, str_of(cases[i].text)), str_of(cases[i].message));
	arena_free(mem);
}

static void a_sentence_of_the_models_stands_alone(void)
{
	struct pair {
		struct str path, name;
	};
	static const struct member members[] = {
		{ .name = "NewPath",
		  .shape = &t_name,
		  .offset = offsetof(struct pair, path),
		  .says = "It must be a path." },
		{ .name = "Name", .shape = &t_name, .offset = offsetof(struct pair, name) },
	};
	static const struct shape shape = { .name = "Pair", .kind = K_STRUCT, .members = members, .n_members = 2 };
	static const struct {
		struct pair in;
		const char *message;
	} cases[] = {
		{ { { "a", 1 }, { "b", 1 } }, NULL },
		{ { { "a b c d e", 9 }, { "b b", 3 } },
		  "The specified value for newPath is invalid. It must be a path." },
		{ { { "", 0 }, { "b", 1 } }, "The specified value for newPath is invalid. It must be a path." },
		{ { { "123456789", 9 }, { "b", 1 } },
		  "1 validation error detected: Value '123456789' at 'newPath' failed to satisfy constraint: Member "
		  "must "
		  "have length less than or equal to 8" },
	};
	struct arena *mem = arena_new();
	struct patterns *patterns = patterns_new();
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct decode d = decode_in(mem);
		struct str message = { NULL, 0 };
		struct status st = constraint_check(&d, patterns, &shape, &cases[i].in, &message);
		EXPECT(failed(st) == (cases[i].message != NULL));
		EXPECT_STR(message, cases[i].message ? str_of(cases[i].message) : (struct str){ 0 });
	}
	patterns_free(patterns);
	arena_free(mem);
}

static void blobs_and_lists_are_measured(void)
{
	struct arena *mem = arena_new();
	struct buf b = buf_in(mem);
	buf_z(&b, "{" MUST ",'Data':'");
	for (int i = 0; i < 1366; i++)
		buf_z(&b, "AAAA");
	buf_z(&b, "'}");
	EXPECT_STR(message_for(mem, buf_str(&b)),
		   S("1 validation error detected: Value 'java.nio.HeapByteBuffer[pos=0 lim=4098 cap=4098]' at "
		     "'data' failed to satisfy constraint: Member must have length less than or equal to 4096"));
	b.n = 0;
	buf_z(&b, "{" MUST ",'Tags':[{'Key':'k','Value':'v'}");
	for (int i = 0; i < 50; i++)
		buf_z(&b, ",{'Key':'k','Value':'v'}");
	buf_z(&b, "]}");
	struct str m = message_for(mem, buf_str(&b));
	EXPECT(str_starts(m, S("1 validation error detected: Value '[Tag(tagKey=k, tagValue=v), Tag(")));
	EXPECT(
	    str_ends(m, S("at 'tags' failed to satisfy constraint: Member must have length less than or equal to 50")));
	arena_free(mem);
}

static void characters_count_not_bytes(void)
{
	struct arena *mem = arena_new();
	struct str m = message_for(
	    mem, S("{'Name':'\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9','Must':1,'Weight':1}"));
	EXPECT(str_find(m, S("pattern")) != SIZE_MAX && str_find(m, S("length")) == SIZE_MAX);
	arena_free(mem);
}

static void messages_are_bounded(void)
{
	struct arena *mem = arena_new();
	struct buf b = buf_in(mem);
	buf_z(&b, "{" MUST ",'Tags':[");
	for (int i = 0; i < 1000; i++) {
		buf_z(&b, i ? ",{'Value':'" : "{'Value':'");
		buf_z(&b, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'}");
	}
	buf_z(&b, "]}");
	struct str m = message_for(mem, buf_str(&b));
	EXPECT(str_starts(m, S("10 validation errors detected: ")) && m.n < 16384);
	EXPECT(str_is_utf8(m));
	/* three violations each, so that the limit falls inside one element */
	m = message_for(mem, S("{" MUST ",'Tags':[{'Key':''},{'Key':''},{'Key':''},{'Key':''}]}"));
	EXPECT(str_starts(m, S("10 validation errors detected: ")));
	arena_free(mem);
}

static void javas_spellings_are_understood(void)
{
	static const struct {
		const char *pattern, *yes, *no;
	} cases[] = {
		{ "[\\u0020-\\u00FF]*", "a \xc3\xa9", "\t" },
		{ "[\\w-.]+", "a-.", "a/" },
		{ "^[a-zA-Z0-9:/_-]+$", "alias/a_b-c", "a b" },
		{ "[\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]*", "\xc3\xa9 1_", "a;b" },
		{ "\\p{Print}+", "a~", "\xc3\xa9" },
		{ "[\\p{Alnum}-x]+", "a-x", "_" },
		{ "\\d{12}", "123456789012", "12345678901" },
		{ "[\\d]{2,3}", "12", "1234" },
		{ "[a-z]{2,}", "abcdef", "a" },
		{ "a|bc", "bc", "bcd" },
		{ "arn:(aws[a-z-]*)?:iam::\\d{12}:.+", "arn:aws:iam::123456789012:root",
		  "arn:aws:iam::12345678901:root" },
		{ "(?s).*", "a\nb", NULL },
		{ ".*", "ab", "a\nb" },
		{ "[^*]+", "abc", "a*" },
		{ "abc$", "abc", "abc\n" },
		{ "^(?!\\s*$).+", "x", " " },
		{ "[\\u0020-\\uD7FF\\uE000-\\uFFFD\\uD800\\uDC00-\\uDBFF\\uDFFF\\t]+", "a\xf0\x9f\x98\x80\t", "\n" },
		{ "[]", NULL, "x" },
	};
	struct patterns *p = patterns_new();
	for (int round = 0; round < 2; round++) /* the second time from the table */
		for (size_t i = 0; i < COUNT(cases); i++) {
			if (cases[i].yes && !patterns_match(p, cases[i].pattern, str_of(cases[i].yes)))
				printf("# %s should match %s\n", cases[i].pattern, cases[i].yes);
			EXPECT(!cases[i].yes || patterns_match(p, cases[i].pattern, str_of(cases[i].yes)));
			EXPECT(!cases[i].no || !patterns_match(p, cases[i].pattern, str_of(cases[i].no)));
		}
	patterns_free(p);
	EXPECT(patterns_compiles("[a-z]+") && patterns_compiles("(a|b)\\1") && !patterns_compiles("(a") &&
	       !patterns_compiles("[]"));
}

static const char *const shared[] = { "(a|b)+", "[a-z]+", "a{2,3}b?", "(?i)x|y", "\\p{L}+", "[^x]+x" };

static void *match_all(void *arg)
{
	for (int i = 0; i < 200; i++)
		for (size_t k = 0; k < COUNT(shared); k++)
			EXPECT(patterns_match(arg, shared[k], S("aax")) == (k == 1 || k == 4 || k == 5));
	return NULL;
}

static void threads_share_what_is_compiled(void)
{
	pthread_t threads[4];
	struct patterns *p = patterns_new();
	for (size_t i = 0; i < COUNT(threads); i++)
		EXPECT(pthread_create(&threads[i], NULL, match_all, p) == 0);
	for (size_t i = 0; i < COUNT(threads); i++)
		EXPECT(pthread_join(threads[i], NULL) == 0);
	patterns_free(p);
}

static void hostile_text_does_not_hang(void)
{
	struct arena *mem = arena_new();
	struct buf b = buf_in(mem);
	for (int i = 0; i < 100000; i++)
		buf_byte(&b, 'a');
	buf_byte(&b, '!');
	struct patterns *p = patterns_new();
	EXPECT(!patterns_match(p, "(a+)+", buf_str(&b)));
	EXPECT(!patterns_match(p, "(a|aa)+$", buf_str(&b)));
	EXPECT(!patterns_match(p, "([a-z]+)*b", buf_str(&b)));
	EXPECT(!patterns_match(p, "(a)+", S("\xff")));
	patterns_free(p);
	arena_free(mem);
}

RUN_ALL(T(what_the_model_allows_passes), T(each_constraint_has_awss_words), T(a_sentence_of_the_models_stands_alone),
	T(blobs_and_lists_are_measured), T(characters_count_not_bytes), T(messages_are_bounded),
	T(javas_spellings_are_understood), T(threads_share_what_is_compiled), T(hostile_text_does_not_hang))

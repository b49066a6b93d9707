/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON <-> structs, one promise a test. In the texts ' stands for ".
 */
#include "wire/json.h"

#include "base/str.h"
#include "wire/json_text.h"
#include "wire/testing.h"

#include <math.h>

static struct str quoted(struct arena *mem, const char *text)
{
	char *z = str_z(mem, str_of(text));
	for (char *p = z; *p; p++)
		if (*p == '\'')
			*p = '"';
	return str_of(z);
}

#define DECODE(text, out) json_decode(&d, &t_all, quoted(d.mem, text), out)

static void every_kind_is_decoded(void)
{
	struct decode d = decode_in(arena_new());
	struct all a = { 0 };
	EXPECT_OK(DECODE(
	    "{'Name':'n\\u0041','Data':'aGk=','Doc':{'x':[1, 2]},'Color':'BLUE','Flag':false,'On':false,'Count':-3,"
	    "'Days':8,'Must':9007199254740993,'Ratio':1.5e3,'Weight':'NaN','When':1767225600.25,"
	    "'Tag':{'Key':'k','Value':''},'Value':{'M':{'a':{'L':[{'N':'1'},{'NULL':true}]}}},"
	    "'Tags':[{'Key':'a','Value':'b'},{'Key':'c','Value':'d'}],'Names':['x','y'],'Numbers':[1,-2,30.0],"
	    "'Colors':['RED','GREEN'],'Flags':[true,false],'Matrix':[[1],[],[2,3]],'Attrs':{'k':'v','':'e'},"
	    "'Unknown':{'x':[{'y':null}]}}",
	    &a));
	EXPECT_STR(a.name, S("nA"));
	EXPECT_STR(a.data, S("hi"));
	EXPECT_STR(a.doc, S("{\"x\":[1, 2]}"));
	EXPECT(a.color == BLUE && a.flag.set && !a.flag.v && !a.on);
	EXPECT(a.count.set && a.count.v == -3 && a.days == 8 && a.must == 9007199254740993);
	EXPECT(a.ratio.set && a.ratio.v == 1500 && isnan(a.weight) && a.when.set && a.when.v == 1767225600250);
	EXPECT_STR(a.tag->key, S("k"));
	EXPECT(a.tag->value.p && a.tag->value.n == 0);
	EXPECT(a.value->m.n == 1 && a.value->m.v[0].value.l.n == 2);
	EXPECT_STR(a.value->m.v[0].value.l.v[0].n, S("1"));
	EXPECT(a.value->m.v[0].value.l.v[1].null.v);
	EXPECT(a.tags.n == 2 && a.names.n == 2 && a.numbers.n == 3 && a.numbers.v[1] == -2 && a.numbers.v[2] == 30);
	EXPECT_STR(a.tags.v[1].value, S("d"));
	EXPECT(a.colors.v[1] == GREEN && a.flags.v[0] && !a.flags.v[1]);
	EXPECT(a.matrix.n == 3 && a.matrix.v[1].n == 0 && a.matrix.v[1].v && a.matrix.v[2].v[1] == 3);
	EXPECT(a.attrs.n == 2 && a.attrs.v[1].key.n == 0);
	EXPECT(d.n_unknown == 0);
	arena_free(d.mem);
}

static void absent_null_and_empty_differ(void)
{
	struct decode d = decode_in(arena_new());
	struct all a = { 0 };
	EXPECT_OK(DECODE(
	    "{'Name':null,'Count':1,'Count':null,'Tags':[],'Attrs':{},'Doc':null,'On':null,'Must':5,'Must':null}", &a));
	EXPECT(!a.name.p && !a.data.p && !a.doc.p && !a.count.set && a.color == 0 && !a.tag && !a.value);
	EXPECT(a.tags.v && a.tags.n == 0 && a.attrs.v && a.attrs.n == 0 && !a.names.v);
	EXPECT(a.on && a.days == 30 && a.must == INT64_MIN);
	arena_free(d.mem);
}

static void the_last_duplicate_counts(void)
{
	struct decode d = decode_in(arena_new());
	struct all a = { 0 };
	EXPECT_OK(
	    DECODE("{'Name':'a','Name':'b','Names':['x'],'Names':['y','z'],'Attrs':{'k':'1','q':'2','k':'3'}}", &a));
	EXPECT_STR(a.name, S("b"));
	EXPECT(a.names.n == 2 && a.attrs.n == 2);
	EXPECT_STR(a.attrs.v[0].value, S("3"));
	EXPECT_STR(a.attrs.v[1].key, S("q"));
	arena_free(d.mem);
}

static void wrong_types_are_refused_in_awss_words(void)
{
	static const struct {
		const char *text, *why;
		size_t at;
	} cases[] = {
		{ "{'Name':5}", "NUMBER_VALUE cannot be converted to String", 8 },
		{ "{'Name':5.5}", "DECIMAL_VALUE cannot be converted to String", 8 },
		{ "{'Name':true}", "TRUE_VALUE cannot be converted to String", 8 },
		{ "{'Name': false}", "FALSE_VALUE cannot be converted to String", 9 },
		{ "{'Name':[]}", "Unrecognized collection type class java.lang.String", 8 },
		{ "{'Name':{}}", "Start of structure or map found where not expected", 8 },
		{ "{'Color':1}", "NUMBER_VALUE cannot be converted to String", 9 },
		{ "{'Flag':'true'}", "Unexpected token received from parser", 8 },
		{ "{'Flag':1}", "NUMBER_VALUE cannot be converted to Boolean", 8 },
		{ "{'Count':'1'}", "STRING_VALUE cannot be converted to Integer", 9 },
		{ "{'Count':true}", "TRUE_VALUE cannot be converted to Integer", 9 },
		{ "{'Count':1.5}", "DECIMAL_VALUE cannot be converted to Integer", 9 },
		{ "{'Count':1e2}", "DECIMAL_VALUE cannot be converted to Integer", 9 },
		{ "{'Count':2147483648}", "NUMBER_VALUE cannot be converted to Integer", 9 },
		{ "{'Must':9223372036854775808}", "NUMBER_VALUE cannot be converted to Long", 8 },
		{ "{'Ratio':1e999}", "DECIMAL_VALUE cannot be converted to Double", 9 },
		{ "{'Ratio':'1'}", "STRING_VALUE cannot be converted to Double", 9 },
		{ "{'When':'2026-01-01T00:00:00Z'}", "STRING_VALUE cannot be converted to Date", 8 },
		{ "{'When':1e300}", "DECIMAL_VALUE cannot be converted to Date", 8 },
		{ "{'When':253402300799.9996}", "DECIMAL_VALUE cannot be converted to Date",
		  8 }, /* rounds to the year 10000 */
		{ "{'Data':5}", "only base-64-encoded strings are convertible to bytes", 8 },
		{ "{'Data':'a'}", "Invalid base64 value", 8 },
		{ "{'Tags':'x'}", "Unexpected field type", 8 },
		{ "{'Tags':{}}", "Start of structure or map found where not expected", 8 },
		{ "{'Tags':[1]}", "Unexpected value type in payload", 9 },
		{ "{'Tag':'x'}", "Unexpected value type in payload", 7 },
		{ "{'Tag':[]}", "Unrecognized collection type class Tag", 7 },
		{ "{'Attrs':[]}", "Unrecognized collection type java.util.Map<java.lang.String, String>", 9 },
		{ "{'Attrs':'x'}", "Unexpected field type", 9 },
		{ "{'Attrs':{'a':1}}", "NUMBER_VALUE cannot be converted to String", 14 },
		{ "{'Numbers':[null]}", "NULL_VALUE cannot be converted to Long", 12 },
		{ "[]", "Unrecognized collection type class All", 0 },
	};
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct decode d = decode_in(arena_new());
		struct all a = { 0 };
		EXPECT_ERR(DECODE(cases[i].text, &a), E_INVALID);
		EXPECT_STR(d.why, str_of(cases[i].why));
		EXPECT(d.at == cases[i].at);
		arena_free(d.mem);
	}
}

static void malformed_text_is_refused_without_a_sentence(void)
{
	static const char *const cases[] = { "",
					     "{",
					     "{'Name':",
					     "{'Name':'a}",
					     "{'Name':'a',}",
					     "{'Name':'a'} x",
					     "{'Tags':[{}",
					     "{'Attrs':{'a':'b'",
					     "{'Unknown':[}",
					     "{'Count':01}",
					     "{'Name':'\\ud800'}",
					     "{'Doc':nul}",
					     "{'Flag':tru}" };
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct decode d = decode_in(arena_new());
		struct all a = { 0 };
		EXPECT_ERR(DECODE(cases[i], &a), E_INVALID);
		EXPECT(!d.why.p && d.at <= strlen(cases[i]));
		arena_free(d.mem);
	}
}

static void recursion_is_bounded(void)
{
	struct decode d = decode_in(arena_new());
	struct buf b = buf_in(d.mem);
	struct all a = { 0 };
	buf_z(&b, "{\"Value\":");
	for (int i = 0; i < 100000; i++)
		buf_z(&b, "{\"L\":[");
	EXPECT_ERR(json_decode(&d, &t_all, buf_str(&b), &a), E_INVALID);
	arena_free(d.mem);
}

static void memory_is_bounded(void)
{
	enum { N = 400000 };
	struct decode d = decode_in(arena_new());
	struct all a = { 0 };
	struct buf b = buf_in(d.mem);
	buf_z(&b, "{\"Value\":{\"L\":[{}");
	for (int i = 0; i < N; i++)
		buf_z(&b, ",{}");
	buf_z(&b, "]}}");
	size_t before = arena_used(d.mem);
	EXPECT_ERR(json_decode(&d, &t_all, buf_str(&b), &a), E_INVALID);
	EXPECT_STR(d.why, S("Request is too large"));
	EXPECT(arena_used(d.mem) - before < 128u << 20);
	arena_free(d.mem);
}

static void unknown_words_are_kept_for_the_message(void)
{
	struct decode d = decode_in(arena_new());
	struct all a = { 0 };
	EXPECT_OK(DECODE("{'Color':'PINK','Colors':['RED','','red']}", &a));
	EXPECT((int)a.color == -1 && (int)a.colors.v[1] == -2 && (int)a.colors.v[2] == -3);
	EXPECT_STR(decode_enum_word(&d, &t_color, (int)a.color), S("PINK"));
	EXPECT_STR(decode_enum_word(&d, &t_color, (int)a.colors.v[2]), S("red"));
	EXPECT_STR(decode_enum_word(&d, &t_color, -9), S(""));
	arena_free(d.mem);
}

static struct str encoded(struct arena *mem, const struct all *a)
{
	struct buf b = buf_in(mem);
	json_encode(&b, &t_all, a);
	return buf_str(&b);
}

static void answers_leave_out_what_is_not_given(void)
{
	struct arena *mem = arena_new();
	struct all a = { .on = true, .days = 7, .must = -1, .weight = 0.1 };
	EXPECT_STR(encoded(mem, &a), quoted(mem, "{'On':true,'Days':7,'Must':-1,'Weight':0.1}"));
	const struct tag tags[] = { { S("k"), S("v\"\n") } };
	const struct str_entry attrs[] = { { S("a"), S("1") }, { S("b"), S("") } };
	const struct int_list rows[] = { { (const int64_t[]){ 1, 2 }, 2 }, { 0 } };
	const enum color colors[] = { RED, BLUE };
	a = (struct all){ .name = S("n"),
			  .data = S("\xff"),
			  .doc = S("[1]"),
			  .color = GREEN,
			  .flag = SET(false),
			  .count = SET(0),
			  .ratio = SET(1e300),
			  .weight = NAN,
			  .when = SET(1767225600123),
			  .tag = tags,
			  .tags = { tags, 1 },
			  .names = { (const struct str *)"", 0 },
			  .colors = { colors, 2 },
			  .matrix = { rows, 2 },
			  .attrs = { attrs, 2 } };
	EXPECT_STR(
	    encoded(mem, &a),
	    quoted(mem, "{'Name':'n','Data':'/"
			"w==','Doc':[1],'Color':'GREEN','Flag':false,'On':false,'Count':0,'Days':0,'Must':0,"
			"'Ratio':1e+300,'Weight':'NaN','When':1767225600.123,'Tag':{'Key':'k','Value':'v\\'\\n'},"
			"'Tags':[{'Key':'k','Value':'v\\'\\n'}],'Names':[],'Colors':['RED','BLUE'],'Matrix':[[1,2],[]],"
			"'Attrs':{'a':'1','b':''}}"));
	arena_free(mem);
}

static void times_have_at_most_three_decimals(void)
{
	static const struct {
		int64_t ms;
		const char *text;
	} cases[] = { { 0, "0" },        { 1000, "1" },     { 1500, "1.5" },  { 1050, "1.05" },
		      { 1005, "1.005" }, { -1500, "-1.5" }, { -500, "-0.5" }, { -2000, "-2" } };
	struct arena *mem = arena_new();
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct all a = { .when = SET(cases[i].ms) };
		EXPECT_STR(json_lookup(mem, encoded(mem, &a), "When"), str_of(cases[i].text));
	}
	arena_free(mem);
}

static void records_hide_what_is_sensitive(void)
{
	struct arena *mem = arena_new();
	struct buf b = buf_in(mem);
	struct decode d = decode_in(mem);
	struct all a = { 0 };
	EXPECT_OK(DECODE("{'Name':'n','Data':'aGk=','Secret':'hunter2','Color':'PINK','When':1767225600,'Tag':{'Key':'"
			 "k','Value':'v'}}",
			 &a));
	const struct record_style style = { .d = &d };
	EXPECT(json_encode_record(&b, &t_all, &a, &style));
	EXPECT_STR(buf_str(&b),
		   quoted(mem,
			  "{'name':'n','secret':'HIDDEN_DUE_TO_SECURITY_REASONS','color':'PINK','on':true,'days':30,"
			  "'when':'2026-01-01T00:00:00Z','tag':{'tagKey':'k','tagValue':'v'}}"));
	arena_free(mem);
}

static void bulk_data_is_not_recorded_and_secret_blobs_are_hidden(void)
{
	static const struct shape secret_blob = {
		.name = "B", .kind = K_BLOB, .size = sizeof(struct str), .flags = SH_SENSITIVE
	};
	static const struct member members[] = {
		{ .name = "Name", .wire = "Name", .shape = &t_string, IN_ALL(name), .flags = M_UNRECORDED },
		{ .name = "Data", .wire = "Data", .shape = &secret_blob, IN_ALL(data) },
		{ .name = "Doc", .wire = "Doc", .shape = &t_doc, IN_ALL(doc), .flags = M_SENSITIVE },
		{ .name = "Kind", .wire = "x-kind", .shape = &t_string, IN_ALL(kind), .where = W_HEADER },
	};
	static const struct shape shape = { .name = "X",
					    .kind = K_STRUCT,
					    .size = sizeof(struct all),
					    .members = members,
					    .n_members = COUNT(members) };
	struct buf b = buf_in(arena_new());
	const struct record_style style = { 0 };
	const struct all a = { .name = S("n"), .data = S("d"), .doc = S("{}"), .kind = S("k") };
	EXPECT(json_encode_record(&b, &shape, &a, &style));
	EXPECT_STR(
	    buf_str(&b),
	    quoted(b.mem,
		   "{'data':'HIDDEN_DUE_TO_SECURITY_REASONS','doc':'HIDDEN_DUE_TO_SECURITY_REASONS','kind':'k'}"));
	b.n = 0;
	json_encode(&b, &shape, &a);
	EXPECT_STR(buf_str(&b), quoted(b.mem, "{'Name':'n','Data':'ZA==','Doc':{}}"));
	arena_free(b.mem);
}

static struct str renamed(const struct member *m)
{
	return strcmp(m->name, "Name") == 0 ? S("bucketName") : (struct str){ NULL, 0 };
}

static void records_are_bounded_and_renamed(void)
{
	struct arena *mem = arena_new();
	struct buf b = buf_in(mem);
	const struct record_style style = { .limit = 80, .rename = renamed };
	struct all a = { .name = S("n") };
	buf_z(&b, "x");
	EXPECT(json_encode_record(&b, &t_all, &a, &style));
	EXPECT_STR(buf_str(&b), S("x{\"bucketName\":\"n\",\"on\":false,\"days\":0,\"must\":0,\"weight\":0}"));
	char *big = arena_alloc(mem, 1, 1, 100);
	memset(big, 'a', 100);
	a.kind = str_make(big, 100);
	b.n = 1;
	EXPECT(!json_encode_record(&b, &t_all, &a, &style));
	EXPECT(b.n == 1);
	arena_free(mem);
}

static void errors_name_their_type(void)
{
	struct arena *mem = arena_new();
	struct buf b = buf_in(mem);
	json_error(&b, S("NotFoundException"), S("no \"key\""));
	EXPECT_STR(buf_str(&b), S("{\"__type\":\"NotFoundException\",\"message\":\"no \\\"key\\\"\"}"));
	b.n = 0;
	json_error(&b, S("SerializationException"), (struct str){ NULL, 0 });
	EXPECT_STR(buf_str(&b), S("{\"__type\":\"SerializationException\"}"));
	arena_free(mem);
}

RUN_ALL(T(every_kind_is_decoded), T(absent_null_and_empty_differ), T(the_last_duplicate_counts),
	T(wrong_types_are_refused_in_awss_words), T(malformed_text_is_refused_without_a_sentence),
	T(recursion_is_bounded), T(memory_is_bounded), T(unknown_words_are_kept_for_the_message),
	T(answers_leave_out_what_is_not_given), T(times_have_at_most_three_decimals), T(records_hide_what_is_sensitive),
	T(bulk_data_is_not_recorded_and_secret_blobs_are_hidden), T(records_are_bounded_and_renamed),
	T(errors_name_their_type))

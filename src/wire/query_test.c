/* SPDX-License-Identifier: Apache-2.0 */
/*
 * awsQuery requests and answers, one promise a test.
 */
#include "wire/query.h"

#include "base/str.h"
#include "wire/testing.h"

static struct status decode(struct decode *d, enum query_style style, const char *form, struct all *a)
{
	struct http_pairs params;
	TRY(query_params(d->mem, str_of(form), &params));
	return query_decode(d, &t_all, style, &params, a);
}

static void every_kind_is_decoded(void)
{
	struct decode d = decode_in(arena_new());
	struct all a = { 0 };
	EXPECT_OK(decode(
	    &d, QUERY_AWS,
	    "Action=X&Version=1&Name=a%2Fb+c&Data=aGk%3D&Color=GREEN&Flag=true&On=FALSE&Count=-3&Must=%2B5&Weight=1."
	    "5e3&Ratio=NaN"
	    "&When=2026-01-01T00%3A00%3A00.5Z&Tag.Key=k&Tag.Value=&Tags.member.1.Key=a&Tags.member.1.Value=b&Tags."
	    "member.2.Key=c"
	    "&Names.member.1=x&Names.member.2=y&Matrix.member.1.member.1=7&Matrix.member.2.member.1=8&Matrix.member.2."
	    "member.2=9"
	    "&Flat.1.Key=f1&Flat.2.Key=f2&Attrs.entry.1.key=k1&Attrs.entry.1.value=v1&Attrs.entry.2.key=k2&Attrs.entry."
	    "2.value="
	    "&Value.M.entry.1.key=q&Value.M.entry.1.value.L.member.1.S=deep&Colors.member.1=BLUE&Flags.member.1=true",
	    &a));
	EXPECT_STR(a.name, S("a/b c"));
	EXPECT_STR(a.data, S("hi"));
	EXPECT(a.color == GREEN && a.flag.v && !a.on && a.count.v == -3 && a.must == 5 && a.weight == 1500 &&
	       a.ratio.set);
	EXPECT(a.when.v == 1767225600500 && a.days == 30);
	EXPECT(a.tag && a.tag->value.p && !a.tag->value.n);
	EXPECT(a.tags.n == 2 && !a.tags.v[1].value.p && a.names.n == 2 && a.matrix.n == 2 && a.matrix.v[1].v[1] == 9);
	EXPECT_STR(a.flat.v[1].key, S("f2"));
	EXPECT_STR(a.attrs.v[0].value, S("v1"));
	EXPECT_STR(a.attrs.v[1].key, S("k2"));
	EXPECT_STR(a.value->m.v[0].value.l.v[0].s, S("deep"));
	EXPECT(a.colors.v[0] == BLUE && a.flags.v[0]);
	arena_free(d.mem);
}

static void order_and_gaps_of_indexes_do_not_matter(void)
{
	struct decode d = decode_in(arena_new());
	struct all a = { 0 };
	EXPECT_OK(decode(&d, QUERY_AWS,
			 "Names.member.999999999=d&Names.member.10=c&Names.member.2=b&Names.member.1=x&Names.member.1="
			 "a&Tags.member.3.Value=v"
			 "&Tags.member.20.Key=k2&Tags.member.3.Key=k1&Names.memberX=no&Names-member.1=no",
			 &a));
	EXPECT(a.names.n == 4 && a.tags.n == 2);
	EXPECT_STR(a.names.v[0], S("a"));
	EXPECT_STR(a.names.v[1], S("b"));
	EXPECT_STR(a.names.v[2], S("c"));
	EXPECT_STR(a.names.v[3], S("d"));
	EXPECT_STR(a.tags.v[0].key, S("k1"));
	EXPECT_STR(a.tags.v[0].value, S("v"));
	EXPECT_STR(a.tags.v[1].key, S("k2"));
	arena_free(d.mem);
}

static void absent_and_empty_differ(void)
{
	struct decode d = decode_in(arena_new());
	struct all a = { 0 };
	EXPECT_OK(decode(&d, QUERY_AWS, "Name=&Tags=&Attrs=", &a));
	EXPECT(a.name.p && !a.name.n && a.tags.v && !a.tags.n && a.attrs.v && !a.attrs.n);
	EXPECT(!a.data.p && !a.names.v && !a.tag && !a.value && !a.count.set && a.must == INT64_MIN);
	arena_free(d.mem);
}

static void values_that_are_none_are_refused(void)
{
	static const struct {
		const char *form, *why;
	} cases[] = {
		{ "Count=x", "Invalid integer value" },
		{ "Count=", "Invalid integer value" },
		{ "Count=99999999999", "Invalid integer value" },
		{ "Must=9223372036854775808", "Invalid integer value" },
		{ "Flag=yes", "Invalid boolean value, must be true or false" },
		{ "Weight=0x10", "Invalid number" },
		{ "Weight=inf", "Invalid number" },
		{ "When=yesterday", "Invalid timestamp: yesterday" },
		{ "Data=%21", "Invalid base64 value" },
		{ "Name=%ff", "Invalid UTF-8 in Name" },
		{ "Tags.member.x.Key=a", "x is not a valid index." },
		{ "Tags.member.-1.Key=a", "-1 is not a valid index." },
		{ "Tags.member..Key=a", " is not a valid index." },
		{ "Tags.member.99999999999.Key=a", "99999999999 is not a valid index." },
		{ "Attrs.entry.1.value=v", "Missing key for Attrs.entry.1" },
	};
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct decode d = decode_in(arena_new());
		struct all a = { 0 };
		EXPECT_ERR(decode(&d, QUERY_AWS, cases[i].form, &a), E_INVALID);
		EXPECT_STR(d.why, str_of(cases[i].why));
		EXPECT(d.member != NULL);
		arena_free(d.mem);
	}
	struct decode d = decode_in(arena_new());
	struct all a = { 0 };
	EXPECT_ERR(decode(&d, QUERY_AWS, "Name=%4", &a), E_INVALID);
	arena_free(d.mem);
}

static void parameters_are_bounded_and_recursion_too(void)
{
	struct decode d = decode_in(arena_new());
	struct all a = { 0 };
	struct buf b = buf_in(d.mem);
	for (int i = 0; i <= QUERY_MAX_PARAMS; i++)
		buf_z(&b, "a&");
	buf_byte(&b, 0);
	EXPECT_ERR(decode(&d, QUERY_AWS, b.p, &a), E_TOO_BIG);
	b.n = 0;
	buf_z(&b, "Value");
	for (int i = 0; i < 20000; i++)
		buf_z(&b, ".L.member.1");
	buf_z(&b, ".S=x");
	buf_byte(&b, 0);
	EXPECT_ERR(decode(&d, QUERY_AWS, b.p, &a), E_INVALID);
	arena_free(d.mem);
}

static void ec2_names_begin_upper_and_lists_are_flat(void)
{
	static const struct member members[] = {
		{ .name = "Names", .wire = "name", .shape = &t_names, IN_ALL(names) },
		{ .name = "Count", .wire = "count", .shape = &t_int, IN_ALL(count), .flags = M_OPT },
	};
	static const struct shape shape = { .name = "X",
					    .kind = K_STRUCT,
					    .size = sizeof(struct all),
					    .members = members,
					    .n_members = COUNT(members) };
	struct decode d = decode_in(arena_new());
	struct all a = { 0 };
	struct http_pairs params;
	EXPECT_OK(query_params(d.mem, S("Name.1=a&Name.2=b&Count=3"), &params));
	EXPECT_OK(query_decode(&d, &shape, QUERY_EC2, &params, &a));
	EXPECT(a.names.n == 2 && a.count.v == 3);
	arena_free(d.mem);
}

static void answers_are_wrapped(void)
{
	static const struct member members[] = {
		{ .name = "Names", .wire = "Names", .shape = &t_names, IN_ALL(names) },
		{ .name = "When", .wire = "When", .shape = &t_time, IN_ALL(when), .flags = M_OPT },
	};
	static const struct shape shape = { .name = "X",
					    .kind = K_STRUCT,
					    .size = sizeof(struct all),
					    .members = members,
					    .n_members = COUNT(members) };
	struct buf b = buf_in(arena_new());
	const struct str names[] = { S("a&b"), S("") };
	const struct all a = { .names = { names, 2 }, .when = SET(1767225600000) };
	struct query_reply r = {
		.op = S("ListX"), .wrapper = "ListXResult", .xmlns = S("https://x/"), .request_id = S("id-1")
	};
	query_encode(&b, QUERY_AWS, &r, &shape, &a);
	EXPECT_STR(buf_str(&b),
		   S("<ListXResponse "
		     "xmlns=\"https://x/\">\n<ListXResult>\n<Names><member>a&amp;b</member><member></member></Names>"
		     "<When>2026-01-01T00:00:00Z</When></ListXResult>\n"
		     "<ResponseMetadata><RequestId>id-1</RequestId></ResponseMetadata>\n</ListXResponse>\n"));
	b.n = 0;
	r.wrapper = NULL;
	query_encode(&b, QUERY_AWS, &r, &shape, &a);
	EXPECT_STR(buf_str(&b),
		   S("<ListXResponse xmlns=\"https://x/\">\n"
		     "<ResponseMetadata><RequestId>id-1</RequestId></ResponseMetadata>\n</ListXResponse>\n"));
	arena_free(b.mem);
}

static void errors_say_whose_fault_it_is(void)
{
	struct buf b = buf_in(arena_new());
	query_error(&b, QUERY_AWS, true, S("NoSuchEntity"), S("The <user>"), S("https://x/"), S("id"));
	EXPECT_STR(buf_str(&b),
		   S("<ErrorResponse xmlns=\"https://x/\">\n<Error><Type>Sender</Type><Code>NoSuchEntity</Code>"
		     "<Message>The &lt;user&gt;</Message></Error><RequestId>id</RequestId></ErrorResponse>\n"));
	b.n = 0;
	query_error(&b, QUERY_EC2, false, S("A"), S("b"), S(""), S("id"));
	EXPECT_STR(buf_str(&b), S("<?xml version=\"1.0\" "
				  "encoding=\"UTF-8\"?>\n<Response>\n<Errors><Error><Code>A</Code><Message>b</Message>"
				  "</Error></Errors><RequestID>id</RequestID></Response>\n"));
	arena_free(b.mem);
}

RUN_ALL(T(every_kind_is_decoded), T(order_and_gaps_of_indexes_do_not_matter), T(absent_and_empty_differ),
	T(values_that_are_none_are_refused), T(parameters_are_bounded_and_recursion_too),
	T(ec2_names_begin_upper_and_lists_are_flat), T(answers_are_wrapped), T(errors_say_whose_fault_it_is))

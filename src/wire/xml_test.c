/* SPDX-License-Identifier: Apache-2.0 */
/*
 * XML <-> structs, one promise a test.
 */
#include "wire/xml.h"

#include "base/str.h"
#include "wire/testing.h"

#define DECODE(text, a) xml_decode(&d, &t_all, S("All"), S(text), a)

static void every_kind_is_decoded(void)
{
	struct decode d = decode_in(arena_new());
	struct all a = { 0 };
	EXPECT_OK(DECODE(
	    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<s3:All xmlns:s3=\"http://x/\" xmlns:xsi=\"http://i\" "
	    "xsi:type=\"Big\">\n"
	    " <Name>a&amp;b<![CDATA[<c>]]>&#x20ac;</Name>\n <Data>aGk=</Data><s3:Color>RED</s3:Color><Flag> true "
	    "</Flag>"
	    "<On>false</On><Count> -3\n</Count><Must>1</Must><Weight>0.5</Weight><When>2026-01-01T00:00:00.000Z</When>"
	    "<Tag><Value/><Key>k</Key></Tag><Tags><member><Key>a</Key></member><other/><member><Key>b</Key></member></"
	    "Tags>"
	    "<Flat><Key>1</Key></Flat><Names/><Flat><Key>2</Key></Flat><Matrix><member><member>1</member></"
	    "member><member/></Matrix>"
	    "<Attrs><entry><value>v</value><key>k</key></entry></Attrs><Unknown><Name>no</Name></Unknown>"
	    "<Value><L><member><S>x</S></member></L></Value></s3:All>",
	    &a));
	EXPECT_STR(a.name, S("a&b<c>\xe2\x82\xac"));
	EXPECT_STR(a.data, S("hi"));
	EXPECT_STR(a.kind, S("Big"));
	EXPECT(a.color == RED && a.flag.v && !a.on && a.count.v == -3 && a.must == 1 && a.weight == 0.5 &&
	       a.when.v == 1767225600000);
	EXPECT_STR(a.tag->key, S("k"));
	EXPECT(a.tag->value.p && !a.tag->value.n && a.tags.n == 2 && a.flat.n == 2 && a.names.v && !a.names.n);
	EXPECT_STR(a.flat.v[1].key, S("2"));
	EXPECT(a.matrix.n == 2 && a.matrix.v[0].v[0] == 1 && a.matrix.v[1].v && !a.matrix.v[1].n);
	EXPECT_STR(a.attrs.v[0].value, S("v"));
	EXPECT_STR(a.value->l.v[0].s, S("x"));
	EXPECT(!a.secret.p && a.days == 30);
	arena_free(d.mem);
}

static void what_is_not_the_document_is_refused(void)
{
	static const char *const cases[] = {
		"",
		" ",
		"x",
		"<All>",
		"<All></Al>",
		"<Other/>",
		"<All/><All/>",
		"<All><Count>x</Count></All>",
		"<All><Flag>1</Flag></All>",
		"<All><When>now</When></All>",
		"<All><Data>!</Data></All>",
		"<All><Name>\xff</Name></All>",
		"<All><Name>&nbsp;</Name></All>",
		"<All><Name>&#0;</Name></All>",
		"<All><Name>\x01</Name></All>",
		"<All a=\"1\" a=\"2\"/>",
		"<All><Attrs><entry><value>v</value></entry></Attrs></All>",
		"<!DOCTYPE All><All/>",
		"<!DOCTYPE All [<!ENTITY x \"y\">]><All><Name>&x;</Name></All>",
		"<!DOCTYPE All SYSTEM \"file:///etc/passwd\"><All/>",
		"<All><Name>a</Name",
	};
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct decode d = decode_in(arena_new());
		struct all a = { 0 };
		struct status st = xml_decode(&d, &t_all, S("All"), str_of(cases[i]), &a);
		if (!failed(st))
			printf("# %s\n", cases[i]);
		EXPECT_ERR(st, E_INVALID);
		arena_free(d.mem);
	}
}

static void any_root_will_do_when_none_is_named(void)
{
	struct decode d = decode_in(arena_new());
	struct all a = { 0 };
	EXPECT_OK(xml_decode(&d, &t_all, (struct str){ NULL, 0 }, S("<Whatever><Name>n</Name></Whatever>"), &a));
	EXPECT_STR(a.name, S("n"));
	arena_free(d.mem);
}

static void depth_is_bounded_known_or_not(void)
{
	for (int depth = WIRE_DEPTH - 1; depth <= WIRE_DEPTH; depth++) {
		struct decode d = decode_in(arena_new());
		struct buf b = buf_in(d.mem);
		struct all a = { 0 };
		buf_z(&b, "<All>");
		for (int i = 0; i < depth; i++)
			buf_z(&b, "<x>");
		for (int i = 0; i < depth; i++)
			buf_z(&b, "</x>");
		buf_z(&b, "</All>");
		EXPECT(failed(xml_decode(&d, &t_all, S("All"), buf_str(&b), &a)) == (depth == WIRE_DEPTH));
		arena_free(d.mem);
	}
	static const char *const opening[] = { "<x>", "<L><member>", "<Value>" };
	for (size_t k = 0; k < COUNT(opening); k++) {
		struct decode d = decode_in(arena_new());
		struct buf b = buf_in(d.mem);
		struct all a = { 0 };
		buf_z(&b, "<All><Value>");
		for (int i = 0; i < 100000; i++)
			buf_z(&b, opening[k]);
		EXPECT_ERR(xml_decode(&d, &t_all, S("All"), buf_str(&b), &a), E_INVALID);
		EXPECT(d.at < 2000);
		arena_free(d.mem);
	}
}

static void memory_is_bounded(void)
{
	static const struct shape big = { .name = "Big", .kind = K_STRUCT, .size = 4096 };
	static const struct shape list = {
		.name = "List", .kind = K_LIST, .size = sizeof(struct tag_list), .elem = &big, .flags = SH_FLAT
	};
	static const struct member members[] = { { .name = "B", .wire = "B", .shape = &list } };
	static const struct shape shape = {
		.name = "X", .kind = K_STRUCT, .size = sizeof(struct tag_list), .members = members, .n_members = 1
	};
	struct decode d = decode_in(arena_new());
	struct tag_list v = { 0 };
	struct buf b = buf_in(d.mem);
	buf_z(&b, "<X>");
	for (int i = 0; i < 100000; i++)
		buf_z(&b, "<B/>");
	buf_z(&b, "</X>");
	EXPECT_ERR(xml_decode(&d, &shape, S("X"), buf_str(&b), &v), E_INVALID);
	EXPECT(arena_used(d.mem) < 128u << 20);
	EXPECT_OK(xml_decode(&d, &shape, S("X"), S("<X><B/><B/></X>"), &v));
	EXPECT(v.n == 2);
	arena_free(d.mem);
}

static void answers_are_written(void)
{
	struct buf b = buf_in(arena_new());
	static const struct member members[] = {
		{ .name = "All", .wire = "Grantee", .shape = &t_all, .flags = 0, .xmlns = "xsi=http://i/" },
	};
	static const struct shape outer = {
		.name = "O", .kind = K_STRUCT, .size = sizeof(void *), .members = members, .n_members = 1
	};
	const struct tag tags[] = { { S("k"), S("v") } };
	const struct str_entry attrs[] = { { S("a"), S("1") } };
	const struct all a = { .name = S("<&>\"'\r\n\t\x01\x1f\xff"),
			       .kind = S("a\"\n<"),
			       .data = S("hi"),
			       .color = GREEN,
			       .flag = SET(true),
			       .count = SET(-1),
			       .days = 7,
			       .when = SET(1767225600000),
			       .tags = { tags, 1 },
			       .flat = { tags, 1 },
			       .attrs = { attrs, 1 },
			       .names = { (const struct str *)"", 0 } };
	const struct all *p = &a;
	xml_element(&b, S("Out"), S("http://s3/"), &outer, &p, XML_ISO_MS);
	EXPECT_STR(
	    buf_str(&b),
	    S("<Out xmlns=\"http://s3/\"><Grantee xmlns:xsi=\"http://i/\" xsi:type=\"a&quot;&#10;&lt;\">"
	      "<Name>&lt;&amp;&gt;&quot;'&#13;\n\t&#x1;&#x1f;\xef\xbf\xbd</Name><Data>aGk=</Data><Color>GREEN</"
	      "Color><Flag>true</Flag><On>false</On>"
	      "<Count>-1</Count><Days>7</Days><Must>0</Must><Weight>0</Weight><When>2026-01-01T00:00:00.000Z</When>"
	      "<Tags><member><Key>k</Key><Value>v</Value></member></Tags><Flat><Key>k</Key><Value>v</Value></"
	      "Flat><Names></Names>"
	      "<Attrs><entry><key>a</key><value>1</value></entry></Attrs></Grantee></Out>"));
	arena_free(b.mem);
}

static void s3_errors_carry_their_extras(void)
{
	struct buf b = buf_in(arena_new());
	const struct http_pair v[] = { { S("Key"), S("a&b") }, { S("BucketName"), S("x") } };
	const struct http_pairs extra = { v, 2 };
	xml_s3_error(&b, S("NoSuchKey"), S("The specified key does not exist."), &extra, S("R"), S("H"));
	EXPECT_STR(buf_str(&b),
		   S("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>NoSuchKey</Code><Message>The specified "
		     "key does not exist."
		     "</Message><Key>a&amp;b</Key><BucketName>x</BucketName><RequestId>R</RequestId><HostId>H</"
		     "HostId></Error>"));
	arena_free(b.mem);
}

RUN_ALL(T(every_kind_is_decoded), T(what_is_not_the_document_is_refused), T(any_root_will_do_when_none_is_named),
	T(depth_is_bounded_known_or_not), T(memory_is_bounded), T(answers_are_written), T(s3_errors_carry_their_extras))

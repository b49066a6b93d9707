/* SPDX-License-Identifier: Apache-2.0 */
/*
 * REST bindings, one promise a test.
 */
#include "wire/rest.h"

#include "base/str.h"
#include "wire/testing.h"

struct req {
	struct str bucket, key, prefix, md5;
	struct opt_int max, since, before;
	struct opt_bool dry;
	enum color color;
	struct str_list parts, attrs;
	struct int_list numbers;
	struct str_map meta, rest;
	struct tag_list tags;
	const struct tag *tag;
	struct str raw;
	struct opt_int status;
	int64_t must;
};
#define IN_REQ(field) .offset = offsetof(struct req, field)
#define BOUND                                                                                                          \
	{ .name = "Bucket",                                                                                            \
	  .wire = "Bucket",                                                                                            \
	  .shape = &t_string,                                                                                          \
	  IN_REQ(bucket),                                                                                              \
	  .flags = M_REQUIRED,                                                                                         \
	  .where = W_LABEL },                                                                                          \
	    { .name = "Key",                                                                                           \
	      .wire = "Key",                                                                                           \
	      .shape = &t_string,                                                                                      \
	      IN_REQ(key),                                                                                             \
	      .flags = M_LABEL_REST,                                                                                   \
	      .where = W_LABEL },                                                                                      \
	    { .name = "Prefix", .wire = "prefix", .shape = &t_string, IN_REQ(prefix), .where = W_QUERY },              \
	    { .name = "Md5", .wire = "Content-MD5", .shape = &t_string, IN_REQ(md5), .where = W_HEADER },              \
	    { .name = "Max", .wire = "max-keys", .shape = &t_int, IN_REQ(max), .flags = M_OPT, .where = W_QUERY },     \
	    { .name = "Since",                                                                                         \
	      .wire = "If-Modified-Since",                                                                             \
	      .shape = &t_time,                                                                                        \
	      IN_REQ(since),                                                                                           \
	      .flags = M_OPT,                                                                                          \
	      .where = W_HEADER },                                                                                     \
	    { .name = "Before",                                                                                        \
	      .wire = "before",                                                                                        \
	      .shape = &t_time,                                                                                        \
	      IN_REQ(before),                                                                                          \
	      .flags = M_OPT,                                                                                          \
	      .where = W_QUERY },                                                                                      \
	    { .name = "Dry", .wire = "x-dry", .shape = &t_bool, IN_REQ(dry), .flags = M_OPT, .where = W_HEADER },      \
	    { .name = "Color", .wire = "x-color", .shape = &t_color, IN_REQ(color), .where = W_HEADER },               \
	    { .name = "Parts", .wire = "part", .shape = &t_strings, IN_REQ(parts), .where = W_QUERY },                 \
	    { .name = "Attrs", .wire = "x-attrs", .shape = &t_strings, IN_REQ(attrs), .where = W_HEADER },             \
	    { .name = "Numbers", .wire = "x-n", .shape = &t_ints, IN_REQ(numbers), .where = W_HEADER },                \
	    { .name = "Meta", .wire = "x-amz-meta-", .shape = &t_attrs, IN_REQ(meta), .where = W_HEADERS },            \
	{                                                                                                              \
		.name = "Status", .wire = "Status", .shape = &t_int, IN_REQ(status), .flags = M_OPT, .where = W_STATUS \
	}

static const struct member body_members[] = {
	BOUND,
	{ .name = "Tags", .wire = "Tags", .shape = &t_tags, IN_REQ(tags), .where = W_BODY },
	{ .name = "Must", .wire = "Must", .shape = &t_long, IN_REQ(must), .flags = M_REQUIRED, .where = W_BODY },
	{ .name = "Rest", .wire = "", .shape = &t_attrs, IN_REQ(rest), .where = W_QUERY },
};
static const struct shape t_body = { .name = "Req",
				     .kind = K_STRUCT,
				     .size = sizeof(struct req),
				     .members = body_members,
				     .n_members = COUNT(body_members),
				     .root = "Req",
				     .xmlns = "http://x/" };
static const struct member tag_payload_members[] = {
	BOUND,
	{ .name = "Tag", .wire = "Tagging", .shape = &t_tag, IN_REQ(tag), .where = W_PAYLOAD },
};
static const struct shape t_tag_payload = { .name = "Req",
					    .kind = K_STRUCT,
					    .size = sizeof(struct req),
					    .members = tag_payload_members,
					    .n_members = COUNT(tag_payload_members) };
static const struct member raw_payload_members[] = {
	BOUND,
	{ .name = "Raw", .wire = "Raw", .shape = &t_string, IN_REQ(raw), .where = W_PAYLOAD },
};
static const struct shape t_raw_payload = { .name = "Req",
					    .kind = K_STRUCT,
					    .size = sizeof(struct req),
					    .members = raw_payload_members,
					    .n_members = COUNT(raw_payload_members) };

#define PAIRS(...)                                                                                \
	{                                                                                         \
		.v = (const struct http_pair[]){ __VA_ARGS__ },                                   \
		.n = sizeof((const struct http_pair[]){ __VA_ARGS__ }) / sizeof(struct http_pair) \
	}
#define P(n, v)            \
	{                  \
		S(n), S(v) \
	}

static void every_place_is_read(void)
{
	struct decode d = decode_in(arena_new());
	struct req q = { 0 };
	const struct rest_request rq = {
		.labels = PAIRS(P("Key", "a/b c"), P("Bucket", "b")),
		.query = PAIRS(P("prefix", ""), P("max-keys", "5"), P("part", "1"), P("other", "x"), P("part", "2"),
			       P("before", "2026-01-01T00:00:00Z"), P("flag", "")),
		.headers = PAIRS(P("content-md5", " abc "), P("IF-MODIFIED-SINCE", "Thu, 01 Jan 2026 00:00:00 GMT"),
				 P("X-Dry", "true"), P("x-color", "BLUE"), P("x-attrs", "a, b,c"), P("X-Attrs", "d"),
				 P("x-n", "1,-2"), P("X-Amz-Meta-Foo", "1"), P("x-amz-meta-b", "=?UTF-8?B?w6k=?="),
				 P("x-amz-meta-foo", "2"), P("x-amz-meta-q", "=?utf-8?q?=C3=A9_x?="),
				 P("x-amz-meta-l", "\xe9")),
		.body = S("{\"Tags\":[{\"Key\":\"k\",\"Value\":\"v\"}],\"Must\":7,\"Bucket\":\"not from here\"}"),
	};
	EXPECT_OK(rest_decode(&d, &t_body, REST_JSON, &rq, &q));
	EXPECT_STR(q.bucket, S("b"));
	EXPECT_STR(q.key, S("a/b c"));
	EXPECT(q.prefix.p && !q.prefix.n && q.max.v == 5 && q.before.v == 1767225600000 && q.since.v == 1767225600000);
	EXPECT_STR(q.md5, S("abc"));
	EXPECT(q.dry.v && q.color == BLUE && q.parts.n == 2 && q.attrs.n == 4 && q.numbers.n == 2 &&
	       q.numbers.v[1] == -2);
	EXPECT_STR(q.attrs.v[3], S("d"));
	EXPECT(q.meta.n == 4 && q.tags.n == 1 && q.must == 7);
	EXPECT_STR(q.meta.v[0].key, S("b"));
	EXPECT_STR(q.meta.v[0].value, S("\xc3\xa9"));
	EXPECT_STR(q.meta.v[1].value, S("1,2"));
	EXPECT_STR(q.meta.v[2].value, S("\xc3\xa9"));
	EXPECT_STR(q.meta.v[3].value, S("\xc3\xa9 x"));
	EXPECT(q.rest.n == 2);
	EXPECT_STR(q.rest.v[0].key, S("flag"));
	arena_free(d.mem);
}

static void what_is_absent_stays_absent(void)
{
	struct decode d = decode_in(arena_new());
	struct req q = { 0 };
	const struct rest_request rq = { .query = PAIRS(P("max-keys", "")) };
	EXPECT_OK(rest_decode(&d, &t_body, REST_XML, &rq, &q));
	EXPECT(!q.bucket.p && !q.prefix.p && !q.max.set && !q.since.set && q.color == 0 && !q.parts.v && !q.meta.v &&
	       !q.tags.v);
	EXPECT(q.must == INT64_MIN);
	arena_free(d.mem);
}

static void payloads_are_the_whole_body(void)
{
	struct decode d = decode_in(arena_new());
	struct req q = { 0 };
	struct rest_request rq = { .body = S("<Tagging xmlns=\"http://s3/\"><Key>k</Key><Value>v</Value></Tagging>") };
	EXPECT_OK(rest_decode(&d, &t_tag_payload, REST_XML, &rq, &q));
	EXPECT_STR(q.tag->key, S("k"));
	rq.body = S("{\"Key\":\"j\"}");
	EXPECT_OK(rest_decode(&d, &t_tag_payload, REST_JSON, &rq, &q));
	EXPECT_STR(q.tag->key, S("j"));
	rq.body = S("{ raw");
	EXPECT_OK(rest_decode(&d, &t_raw_payload, REST_XML, &rq, &q));
	EXPECT_STR(q.raw, S("{ raw"));
	arena_free(d.mem);
}

static void wrong_values_name_their_member(void)
{
	const struct {
		struct rest_request rq;
		const char *member;
	} cases[] = {
		{ { .query = PAIRS(P("max-keys", "x")) }, "Max" },
		{ { .query = PAIRS(P("before", "x")) }, "Before" },
		{ { .query = PAIRS(P("prefix", "\xff")) }, "Prefix" },
		{ { .query = PAIRS(P("part", "a"), P("part", "\xff")) }, "Parts" },
		{ { .query = PAIRS(P("other", "\xff")) }, "Rest" },
		{ { .labels = PAIRS(P("Key", "\xc0\x80")) }, "Key" },
		{ { .headers = PAIRS(P("x-dry", "maybe")) }, "Dry" },
		{ { .headers = PAIRS(P("if-modified-since", "Thu")) }, "Since" },
		{ { .headers = PAIRS(P("x-n", "1,x")) }, "Numbers" },
	};
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct decode d = decode_in(arena_new());
		struct req q = { 0 };
		EXPECT_ERR(rest_decode(&d, &t_body, REST_JSON, &cases[i].rq, &q), E_INVALID);
		EXPECT(d.why.p && d.member && strcmp(d.member->name, cases[i].member) == 0);
		arena_free(d.mem);
	}
	struct decode d = decode_in(arena_new());
	struct req q = { 0 };
	struct rest_request rq = { .body = S("<Req><Tags>") };
	EXPECT_ERR(rest_decode(&d, &t_body, REST_XML, &rq, &q), E_INVALID);
	rq.body = S("<Other/>");
	EXPECT_ERR(rest_decode(&d, &t_body, REST_XML, &rq, &q), E_INVALID);
	rq.body = S("<Req/>");
	EXPECT_ERR(rest_decode(&d, &t_tag_payload, REST_XML, &rq, &q), E_INVALID);
	rq.body = S("\xff");
	EXPECT_ERR(rest_decode(&d, &t_raw_payload, REST_XML, &rq, &q), E_INVALID);
	arena_free(d.mem);
}

static struct str header_of(const struct rest_reply *r, struct str name)
{
	for (size_t i = 0; i < r->headers.n; i++)
		if (str_eq(r->headers.v[i].name, name))
			return r->headers.v[i].value;
	return (struct str){ NULL, 0 };
}

static void answers_have_status_headers_and_body(void)
{
	struct arena *mem = arena_new();
	const struct str attrs[] = { S("a"), S("b") };
	const struct str_entry meta[] = { { S("x"), S("1") },
					  { S("y"), S("\xc3\xa9") },
					  { S("z"), S("a\r\nSet-Cookie: b") } };
	const struct req q = { .bucket = S("no"),
			       .md5 = S("m\r\nX: y"),
			       .since = SET(1767225600000),
			       .color = RED,
			       .attrs = { attrs, 2 },
			       .meta = { meta, 3 },
			       .status = SET(206),
			       .must = 3 };
	struct rest_reply r;
	rest_encode(mem, &t_body, REST_XML, &q, &r);
	EXPECT(r.status == 206);
	EXPECT_STR(header_of(&r, S("Content-MD5")), S("m  X: y"));
	EXPECT_STR(header_of(&r, S("If-Modified-Since")), S("Thu, 01 Jan 2026 00:00:00 GMT"));
	EXPECT_STR(header_of(&r, S("x-attrs")), S("a, b"));
	EXPECT_STR(header_of(&r, S("x-color")), S("RED"));
	EXPECT_STR(header_of(&r, S("x-amz-meta-x")), S("1"));
	EXPECT_STR(header_of(&r, S("x-amz-meta-y")), S("=?UTF-8?B?w6k=?="));
	EXPECT(str_find_char(header_of(&r, S("x-amz-meta-z")), '\n') == SIZE_MAX);
	EXPECT(!header_of(&r, S("Bucket")).p && !header_of(&r, S("x-n")).p && !header_of(&r, S("x-dry")).p);
	EXPECT_STR(r.body,
		   S("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Req xmlns=\"http://x/\"><Must>3</Must></Req>"));
	EXPECT_STR(str_of(r.content_type), S("application/xml"));
	static const struct str breaks[] = { S("a\nb"), S("a\rb"), S("a\0b") };
	for (size_t i = 0; i < COUNT(breaks); i++) {
		const struct req broken = { .md5 = breaks[i] };
		rest_encode(mem, &t_body, REST_XML, &broken, &r);
		EXPECT_STR(header_of(&r, S("Content-MD5")), S("a b"));
	}
	rest_encode(mem, &t_body, REST_JSON, &q, &r);
	EXPECT_STR(r.body, S("{\"Must\":3}"));
	arena_free(mem);
}

static void payload_answers_are_the_member_alone(void)
{
	struct arena *mem = arena_new();
	const struct tag tag = { S("k"), S("v") };
	const struct req q = { .tag = &tag, .raw = S("text") };
	struct rest_reply r;
	rest_encode(mem, &t_tag_payload, REST_XML, &q, &r);
	EXPECT_STR(r.body,
		   S("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Tagging><Key>k</Key><Value>v</Value></Tagging>"));
	EXPECT(r.status == 0);
	rest_encode(mem, &t_raw_payload, REST_XML, &q, &r);
	EXPECT_STR(r.body, S("text"));
	rest_encode(mem, &t_raw_payload, REST_XML, &(const struct req){ 0 }, &r);
	EXPECT(!r.body.p && !r.content_type);
	arena_free(mem);
}

static void a_root_without_members_is_an_empty_document(void)
{
	static const struct shape rooted = { .name = "Out", .kind = K_STRUCT, .root = "Logging", .xmlns = "http://x/" };
	static const struct shape bare = { .name = "Out", .kind = K_STRUCT };
	struct arena *mem = arena_new();
	struct rest_reply r;
	rest_encode(mem, &rooted, REST_XML, "", &r);
	EXPECT_STR(r.body, S("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Logging xmlns=\"http://x/\"></Logging>"));
	EXPECT(r.content_type);
	rest_encode(mem, &bare, REST_XML, "", &r);
	EXPECT(!r.body.p && !r.content_type);
	arena_free(mem);
}

RUN_ALL(T(every_place_is_read), T(what_is_absent_stays_absent), T(payloads_are_the_whole_body),
	T(wrong_values_name_their_member), T(answers_have_status_headers_and_body),
	T(payload_answers_are_the_member_alone), T(a_root_without_members_is_an_empty_document))

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RFC 8259 as promises. tests/vectors/json holds cases, one a line: must.txt parses,
 * must_not.txt does not. "\xHH" in a line is that byte, so that the files stay text.
 */
#include "base/str.h"
#include "wire/json_text.h"
#include "base/test.h"

static bool parses(struct arena *mem, struct str text)
{
	struct json j = json_open(mem, text);
	json_skip(&j);
	return !failed(json_close(&j));
}

static int nibble(char c) { return c <= '9' ? c - '0' : char_lower(c) - 'a' + 10; }

/* In place: \xHH -> the byte. Returns the new length. */
static size_t unescape_line(char *s)
{
	char *o = s;
	for (char *p = s; *p;) {
		if (p[0] == '\\' && p[1] == 'x') {
			*o++ = (char)(nibble(p[2]) << 4 | nibble(p[3]));
			p += 4;
		} else {
			*o++ = *p++;
		}
	}
	return (size_t)(o - s);
}

static int run_cases(const char *path, bool want)
{
	struct arena *mem = arena_new();
	FILE *f = fopen(path, "r");
	EXPECT(f != NULL);
	char line[65536];
	int n = 0;
	while (fgets(line, sizeof line, f)) {
		line[strcspn(line, "\n")] = '\0';
		if (line[0] == '#')
			continue;
		char *shown = str_z(mem, str_of(line));
		size_t len = unescape_line(line);
		bool got = parses(mem, str_make(line, len));
		if (got != want)
			printf("# %s: %s\n", path, shown);
		EXPECT(got == want);
		n++;
	}
	fclose(f);
	arena_free(mem);
	return n;
}

static void what_the_rfc_allows_parses(void) { EXPECT(run_cases(VECTORS "/json/must.txt", true) > 60); }

static void what_the_rfc_forbids_does_not(void) { EXPECT(run_cases(VECTORS "/json/must_not.txt", false) > 100); }

static void nesting_is_bounded(void)
{
	struct arena *mem = arena_new();
	struct buf b = buf_in(mem);
	for (int i = 0; i < WIRE_DEPTH; i++)
		buf_byte(&b, '[');
	for (int i = 0; i < WIRE_DEPTH; i++)
		buf_byte(&b, ']');
	EXPECT(parses(mem, buf_str(&b)));
	struct str deeper = arena_printf(mem, "[%.*s]", PR(buf_str(&b)));
	EXPECT(!parses(mem, deeper));
	b.n = 0;
	for (int i = 0; i < 1000000; i++)
		buf_z(&b, "[{\"\":");
	EXPECT(!parses(mem, buf_str(&b)));
	arena_free(mem);
}

static struct str string_of(struct arena *mem, struct str text)
{
	struct json j = json_open(mem, text);
	struct str s = json_string(&j);
	EXPECT_OK(json_close(&j));
	return s;
}

static void escapes_become_characters(void)
{
	struct arena *mem = arena_new();
	EXPECT_STR(string_of(mem, S("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"")), S("\"\\/\b\f\n\r\t"));
	EXPECT_STR(string_of(mem, S("\"\\u0041\\u00e9\\u20ac\\uD83D\\uDE00\"")),
		   S("A\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"));
	EXPECT_STR(string_of(mem, S("\"a\\u0000b\"")), S("a\0b"));
	struct str plain = S("\"no escapes at all, and long\"");
	EXPECT(string_of(mem, plain).p == plain.p + 1);
	arena_free(mem);
}

static void the_error_sticks_and_says_where(void)
{
	struct arena *mem = arena_new();
	struct json j = json_open(mem, S("{\"a\":1,}"));
	struct str name;
	EXPECT(json_object(&j) && json_member(&j, &name));
	EXPECT_STR(json_number(&j), S("1"));
	EXPECT(!json_member(&j, &name));
	EXPECT(j.bad && j.p - j.start == 7);
	EXPECT(!json_object(&j) && !json_array(&j) && !json_bool(&j) && !json_null(&j) && json_peek(&j) == '\0');
	EXPECT_ERR(json_close(&j), E_INVALID);
	arena_free(mem);
}

static void a_path_finds_its_value(void)
{
	struct arena *mem = arena_new();
	struct str doc = S("{\"a\":{\"b\":[1, 2],\"c\":\"x\\ny\"},\"a2\":null,\"d\":1,\"d\":2}");
	EXPECT_STR(json_lookup(mem, doc, "a.b"), S("[1, 2]"));
	EXPECT_STR(json_lookup(mem, doc, "d"), S("2"));
	EXPECT_STR(json_lookup_string(mem, doc, "a.c"), S("x\ny"));
	EXPECT(json_lookup(mem, doc, "a.x").p == NULL);
	EXPECT(json_lookup(mem, doc, "d.x").p == NULL);
	EXPECT(json_lookup_string(mem, doc, "a.b").p == NULL);
	EXPECT(json_lookup(mem, S("{\"a\":1,}"), "a").p == NULL);
	arena_free(mem);
}

static void the_writer_escapes_and_separates(void)
{
	struct arena *mem = arena_new();
	struct buf b = buf_in(mem);
	struct json_out w = { .to = &b };
	json_begin(&w, '{');
	json_name(&w, S("a\"\\\n\x01\x1f\x7f/\xc3\xa9"));
	json_begin(&w, '[');
	json_put_int(&w, -5);
	json_put_double(&w, 0.1);
	json_put_bool(&w, true);
	json_put_null(&w);
	json_put_str(&w, S("\b\f\r\t\vx\xff y"));
	json_begin(&w, '{');
	json_end(&w, '}');
	json_put_double(&w, 1.0 / 0.0);
	json_end(&w, ']');
	json_name(&w, S("b"));
	json_put_raw(&w, S("{}"));
	json_end(&w, '}');
	EXPECT_STR(buf_str(&b), S("{\"a\\\"\\\\\\n\\u0001\\u001f\x7f/\xc3\xa9\":[-5,0.1,true,null,"
				  "\"\\b\\f\\r\\t\\u000bx\xef\xbf\xbd y\",{},\"Infinity\"],\"b\":{}}"));
	EXPECT(parses(mem, buf_str(&b)));
	arena_free(mem);
}

RUN_ALL(T(what_the_rfc_allows_parses), T(what_the_rfc_forbids_does_not), T(nesting_is_bounded),
	T(escapes_become_characters), T(the_error_sticks_and_says_where), T(a_path_finds_its_value),
	T(the_writer_escapes_and_separates))

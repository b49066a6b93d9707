/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Request targets, one promise a test.
 */
#include "wire/uri.h"

#include "base/str.h"
#include "base/test.h"

static void path_and_query_stay_as_they_came(void)
{
	static const struct {
		const char *target, *path, *query;
	} cases[] = {
		{ "/", "/", NULL },
		{ "/?", "/", "" },
		{ "/a/b%2Fc/../d//e?x=%20&y", "/a/b%2Fc/../d//e", "x=%20&y" },
		{ "/a?b?c=/", "/a", "b?c=/" },
		{ "http://host/a?b", "/a", "b" },
		{ "HTTPS://host:1", "/", NULL },
		{ "http://host?x", "/", "x" },
		{ "/\xc3\xa9", "/\xc3\xa9", NULL },
	};
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct uri_target t;
		EXPECT_OK(uri_split(str_of(cases[i].target), &t));
		EXPECT_STR(t.path, str_of(cases[i].path));
		EXPECT((t.query.p == NULL) == (cases[i].query == NULL));
		if (cases[i].query)
			EXPECT_STR(t.query, str_of(cases[i].query));
	}
}

static void what_is_no_target_is_refused(void)
{
	static const char *const cases[] = { "",          "*",    "a",     "a/b",    "ftp://x/", "http://",
					     "http:///a", "/a b", "/a#b",  "/a\x01", "/a\x7f",   "/%",
					     "/%4",       "/%4g", "/?%zz", "/?a b",  "?x",       "//\r\n" };
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct uri_target t;
		struct status st = uri_split(str_of(cases[i]), &t);
		EXPECT_ERR(st, E_INVALID);
	}
	struct uri_target t;
	EXPECT_ERR(uri_split(S("/a\0b"), &t), E_INVALID);
}

static void queries_become_pairs(void)
{
	struct arena *mem = arena_new();
	struct http_pairs p;
	EXPECT_OK(uri_pairs(mem, S("a=1&b&&c=%26%3D+x&=e&a=2&d=x=y"), false, 10, &p));
	EXPECT(p.n == 6);
	EXPECT_STR(p.v[1].name, S("b"));
	EXPECT(p.v[1].value.p && p.v[1].value.n == 0);
	EXPECT_STR(p.v[2].value, S("&=+x"));
	EXPECT(p.v[3].name.n == 0);
	EXPECT_STR(p.v[5].value, S("x=y"));
	EXPECT_STR(uri_find(&p, S("a")), S("1"));
	EXPECT(uri_find(&p, S("z")).p == NULL);
	EXPECT_OK(uri_pairs(mem, S("c=%2B+x"), true, 10, &p));
	EXPECT_STR(p.v[0].value, S("+ x"));
	EXPECT_OK(uri_pairs(mem, (struct str){ NULL, 0 }, true, 10, &p));
	EXPECT(p.n == 0);
	arena_free(mem);
}

static void broken_or_too_many_pairs_are_refused(void)
{
	struct arena *mem = arena_new();
	struct http_pairs p;
	EXPECT_ERR(uri_pairs(mem, S("a=%"), false, 10, &p), E_INVALID);
	EXPECT_ERR(uri_pairs(mem, S("%g1=a"), false, 10, &p), E_INVALID);
	EXPECT_ERR(uri_pairs(mem, S("a&b&c"), false, 2, &p), E_TOO_BIG);
	EXPECT_OK(uri_pairs(mem, S("a&b&"), false, 2, &p));
	arena_free(mem);
}

RUN_ALL(T(path_and_query_stay_as_they_came), T(what_is_no_target_is_refused), T(queries_become_pairs),
	T(broken_or_too_many_pairs_are_refused))

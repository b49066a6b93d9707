/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tree of a JSON text: what stands where, and what is refused.
 */
#include "policy/tree.h"
#include "base/str.h"
#include "base/test.h"

static void every_value_knows_its_place(void)
{
	struct arena *mem = arena_new();
	struct str text = S("{ \"a\": [1, \"x\\u0041\"],\n  \"b\": {\"c\": null, \"d\": true} }");
	const struct tree *root, *a, *d;
	struct tree_error err;
	uint32_t line, column;
	EXPECT_OK(tree_parse(mem, text, &root, &err));
	EXPECT(root->kind == TREE_OBJECT && root->n == 2 && root->begin == 0 && root->end == text.n);
	a = tree_member(root, S("a"));
	EXPECT(a != NULL && a->kind == TREE_ARRAY && a->n == 2 && a->key_begin == 2 && a->key_end == 5);
	EXPECT_STR(a->first->text, S("1"));
	EXPECT_STR(a->first->next->text, S("xA"));
	EXPECT_STR(tree_path(mem, a->first->next), S("a[1]"));
	d = tree_member(tree_member(root, S("b")), S("d"));
	EXPECT(d->kind == TREE_BOOL && d->index == 1 && tree_member(root, S("z")) == NULL &&
	       tree_member(d, S("a")) == NULL);
	EXPECT_STR(tree_path(mem, d), S("b.d"));
	EXPECT_STR(tree_path(mem, root), S(""));
	tree_position(text, d->begin, &line, &column);
	EXPECT(line == 2 && column == 25);
	arena_free(mem);
}

static void what_is_not_json_is_refused_where_it_is_wrong(void)
{
	static const struct {
		const char *text;
		size_t at;
	} cases[] = {
		{ "", 0 },           { "{", 1 },          { "[1,]", 3 }, { "{\"a\" 1}", 5 }, { "{a:1}", 1 },
		{ "{} x", 3 },       { "[1 2]", 3 },      { "tru", 0 },  { "\"\\q\"", 1 },   { "\"a", 0 },
		{ "[\"a\nb\"]", 3 }, { "{\"a\":1,}", 7 }, { "nul", 0 },  { "01", 0 },        { "-", 0 },
	};
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct arena *mem = arena_new();
		const struct tree *root = NULL;
		struct tree_error err = { 0 };
		EXPECT_ERR(tree_parse(mem, str_of(cases[i].text), &root, &err), E_INVALID);
		EXPECT(root == NULL && err.why != NULL && err.offset == cases[i].at);
		arena_free(mem);
	}
}

static void nesting_is_bounded(void)
{
	char text[2 * TREE_DEPTH_MAX + 6];
	for (size_t depth = TREE_DEPTH_MAX; depth <= TREE_DEPTH_MAX + 1; depth++) {
		struct arena *mem = arena_new();
		const struct tree *root;
		struct tree_error err;
		memset(text, '[', depth + 1);
		memset(text + depth + 1, ']', depth + 1);
		struct status st = tree_parse(mem, str_make(text, 2 * depth + 2), &root, &err);
		EXPECT(failed(st) == (depth > TREE_DEPTH_MAX));
		arena_free(mem);
	}
}

RUN_ALL(T(every_value_knows_its_place), T(what_is_not_json_is_refused_where_it_is_wrong), T(nesting_is_bounded))

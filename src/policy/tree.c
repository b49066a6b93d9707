/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tree is built by recursive descent, bounded by TREE_DEPTH_MAX, over json.c's tokens.
 */
#include "policy/tree.h"
#include "base/buf.h"
#include "policy/json.h"
#include "policy/policy.h"
#include "base/str.h"

struct reader {
	struct arena *mem;
	struct json j;
	struct tree_error *err;
};

static struct status refuse(struct reader *r, size_t at, const char *why)
{
	*r->err = (struct tree_error){ at, why };
	return ERR(E_INVALID);
}

static struct status refuse_token(struct reader *r)
{
	return refuse(r, r->j.i, r->j.bad != NULL ? r->j.bad : "this is not JSON");
}

static struct status read_string(struct reader *r, struct str *out)
{
	bool escaped;
	if (!pol_json_string(&r->j, out, &escaped))
		return refuse_token(r);
	if (escaped) {
		char *room = NEWS(r->mem, char, out->n + 1);
		*out = str_make(room, pol_json_unescape(*out, room));
	}
	return OK;
}

static struct status read_value(struct reader *r, const struct tree *parent, size_t depth, struct tree *t);

static struct status read_key(struct reader *r, struct tree *t)
{
	if (pol_json_peek(&r->j) != '"')
		return refuse(r, r->j.i, "a member's name in quotes was expected");
	t->key_begin = (uint32_t)r->j.i;
	TRY(read_string(r, &t->key));
	t->key_end = (uint32_t)r->j.i;
	return pol_json_take(&r->j, ':') ? OK : refuse(r, r->j.i, "':' was expected");
}

static struct status read_children(struct reader *r, size_t depth, struct tree *t)
{
	bool object = t->kind == TREE_OBJECT;
	char close = object ? '}' : ']';
	const struct tree **last = &t->first;
	r->j.i++;
	if (pol_json_take(&r->j, close))
		return OK;
	do {
		struct tree *child = NEW(r->mem, struct tree);
		if (object)
			TRY(read_key(r, child));
		TRY(read_value(r, t, depth + 1, child));
		child->index = t->n++;
		*last = child;
		last = &child->next;
	} while (pol_json_take(&r->j, ','));
	if (!pol_json_take(&r->j, close))
		return refuse(r, r->j.i, object ? "',' or '}' was expected" : "',' or ']' was expected");
	return OK;
}

static struct status read_word(struct reader *r, char c, struct tree *t)
{
	struct str raw = c == 't' ? S("true") : c == 'f' ? S("false") : S("null");
	t->kind = c == 'n' ? TREE_NULL : TREE_BOOL;
	return pol_json_word(&r->j, raw) ? OK : refuse_token(r);
}

static struct status read_value(struct reader *r, const struct tree *parent, size_t depth, struct tree *t)
{
	char c = pol_json_peek(&r->j);
	struct str raw;
	t->parent = parent;
	t->begin = (uint32_t)r->j.i;
	if (depth > TREE_DEPTH_MAX)
		return refuse(r, r->j.i, "this is nested too deeply");
	if (c == '{' || c == '[') {
		t->kind = c == '{' ? TREE_OBJECT : TREE_ARRAY;
		TRY(read_children(r, depth, t));
	} else if (c == '"') {
		t->kind = TREE_STRING;
		TRY(read_string(r, &t->text));
	} else if (c == 't' || c == 'f' || c == 'n') {
		TRY(read_word(r, c, t));
	} else {
		t->kind = TREE_NUMBER;
		if (!pol_json_number(&r->j, &raw))
			return c == 0 ? refuse(r, r->j.i, "the text ends where a value was expected") : refuse_token(r);
	}
	t->end = (uint32_t)r->j.i;
	if (t->kind != TREE_STRING)
		t->text = str_sub(r->j.text, t->begin, t->end - t->begin);
	return OK;
}

struct status tree_parse(struct arena *mem, struct str text, const struct tree **out, struct tree_error *err)
{
	struct reader r = { .mem = mem, .j = { .text = text }, .err = err };
	struct tree *root = NEW(mem, struct tree);
	if (text.n > UINT32_MAX / 2) {
		*err = (struct tree_error){ 0, "the text is too long" };
		return ERR(E_TOO_BIG);
	}
	if (!str_is_utf8(text))
		return refuse(&r, 0, "the text is not UTF-8");
	TRY(read_value(&r, NULL, 0, root));
	if (pol_json_peek(&r.j) != 0 || r.j.i < text.n)
		return refuse(&r, r.j.i, "something follows the end of the document");
	*out = root;
	return OK;
}

const struct tree *tree_member(const struct tree *object, struct str name)
{
	for (const struct tree *m = object->kind == TREE_OBJECT ? object->first : NULL; m != NULL; m = m->next) {
		if (str_eq(m->key, name))
			return m;
	}
	return NULL;
}

const char *tree_kind_name(enum tree_kind kind)
{
	static const char *const names[] = { "an object", "a list", "a string", "a number", "a boolean", "null" };
	return names[kind];
}

struct str tree_path(struct arena *mem, const struct tree *t)
{
	const struct tree *way[TREE_DEPTH_MAX + 2];
	struct buf b = buf_in(mem);
	size_t n = 0;
	for (; t != NULL && t->parent != NULL && n < COUNT(way); t = t->parent)
		way[n++] = t;
	while (n-- > 0) {
		if (way[n]->key.p == NULL)
			buf_printf(&b, "[%u]", way[n]->index);
		else
			buf_printf(&b, "%s%.*s", b.n > 0 ? "." : "", PR(way[n]->key));
	}
	return buf_str(&b);
}

void tree_position(struct str text, size_t offset, uint32_t *line, uint32_t *column)
{
	size_t start = 0;
	*line = 1;
	for (size_t i = 0; i < offset && i < text.n; i++) {
		if (text.p[i] == '\n') {
			(*line)++;
			start = i + 1;
		}
	}
	*column = (uint32_t)(offset - start + 1);
}

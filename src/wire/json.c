/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON -> structs by table. Values of the wrong type are refused in the words AWS's own
 * decoders use ("NUMBER_VALUE cannot be converted to String").
 */
#include "wire/json.h"

#include "base/codec.h"
#include "base/str.h"
#include "base/time.h"
#include "wire/json_text.h"
#include "wire/value.h"

#include <math.h>

struct in {
	struct json j;
	struct decode *d;
	size_t budget; /* arena_used may not pass it */
};

static bool value(struct in *c, const struct shape *shape, uint8_t tf, void *place);

static const char *java_type(enum kind kind)
{
	static const char *const names[] = {
		[K_STRING] = "String", [K_BLOB] = "ByteBuffer", [K_DOCUMENT] = "Document", [K_ENUM] = "String",
		[K_BOOL] = "Boolean",  [K_INT] = "Integer",     [K_LONG] = "Long",         [K_FLOAT] = "Float",
		[K_DOUBLE] = "Double", [K_TIME] = "Date",
	};
	return names[kind];
}

static const char *token_name(struct in *c, char token)
{
	if (token == 't')
		return "TRUE_VALUE";
	if (token == 'f')
		return "FALSE_VALUE";
	if (token == '"')
		return "STRING_VALUE";
	if (token == 'n')
		return "NULL_VALUE";
	struct str number = json_number(&c->j);
	for (size_t i = 0; i < number.n; i++)
		if (number.p[i] == '.' || number.p[i] == 'e' || number.p[i] == 'E')
			return "DECIMAL_VALUE";
	return "NUMBER_VALUE";
}

/* The value at the cursor has not the type the model says: say so, and give up. */
static bool mistyped(struct in *c, const struct shape *shape)
{
	char token = json_peek(&c->j);
	const char *at = c->j.p;
	struct status st;
	if (token == '\0')
		return false;
	if (token == '{')
		st = decode_fail(c->d, "Start of structure or map found where not expected");
	else if (token == '[' && shape->kind == K_MAP)
		st = decode_fail(c->d, "Unrecognized collection type java.util.Map<java.lang.String, %s>",
				 shape->elem->name);
	else if (token == '[' && (shape->kind == K_STRUCT || shape->kind == K_UNION))
		st = decode_fail(c->d, "Unrecognized collection type class %s", shape->name);
	else if (token == '[')
		st = decode_fail(c->d, "Unrecognized collection type class java.lang.%s", java_type(shape->kind));
	else if (shape->kind == K_LIST || shape->kind == K_MAP)
		st = decode_fail(c->d, "Unexpected field type");
	else if (shape->kind == K_STRUCT || shape->kind == K_UNION)
		st = decode_fail(c->d, "Unexpected value type in payload");
	else if (shape->kind == K_BLOB)
		st = decode_fail(c->d, "only base-64-encoded strings are convertible to bytes");
	else if (shape->kind == K_BOOL && token == '"')
		st = decode_fail(c->d, "Unexpected token received from parser");
	else
		st = decode_fail(c->d, "%s cannot be converted to %s", token_name(c, token), java_type(shape->kind));
	(void)st; /* what it says is noted in c->d; here the sticky error carries it */
	c->j.p = at;
	c->j.bad = true;
	return false;
}

static bool integer(struct in *c, const struct shape *shape, void *place)
{
	const char *at = c->j.p;
	struct str text = json_number(&c->j);
	int64_t v;
	if (c->j.bad)
		return false;
	bool ok = str_to_i64(text, &v);
	if (!ok && memchr(text.p, 'e', text.n) == NULL && memchr(text.p, 'E', text.n) == NULL) {
		/* 30.0 is 30; anything that has a fraction or does not fit is not */
		struct str whole = str_sub(text, 0, str_find_char(text, '.'));
		ok = whole.n < text.n && str_to_i64(whole, &v);
		for (size_t i = whole.n + 1; ok && i < text.n; i++)
			ok = text.p[i] == '0';
	}
	if (ok && shape->kind == K_INT)
		ok = v >= INT32_MIN && v <= INT32_MAX;
	if (!ok || v == INT64_MIN) { /* the least number is decode.h's mark for "missing" */
		c->j.p = at;
		return mistyped(c, shape);
	}
	memcpy(place, &v, sizeof v);
	return true;
}

static bool real(struct in *c, const struct shape *shape, void *place)
{
	double v;
	if (json_peek(&c->j) == '"') {
		const char *at = c->j.p;
		struct str word = json_string(&c->j);
		if (str_eq(word, S("NaN")) || str_eq(word, S("Infinity")) || str_eq(word, S("-Infinity")))
			return !failed(value_from_text(c->d, shape, TF_DEFAULT, word, place));
		c->j.p = at;
		return mistyped(c, shape);
	}
	const char *at = c->j.p;
	struct str text = json_number(&c->j);
	if (c->j.bad)
		return false;
	if (!double_parse(c->j.mem, text, &v)) { /* beyond what a double holds */
		c->j.p = at;
		return mistyped(c, shape);
	}
	memcpy(place, &v, sizeof v);
	return true;
}

static bool moment(struct in *c, const struct shape *shape, uint8_t tf, void *place)
{
	const char *at = c->j.p;
	enum time_format format = value_time_format(shape, tf, TF_UNIX);
	bool ok;
	if (json_peek(&c->j) == '"') {
		struct str text = json_string(&c->j);
		ok = !c->j.bad && format != TF_UNIX && !failed(value_from_text(c->d, shape, format, text, place));
	} else {
		double s;
		int64_t ms;
		struct str text = json_number(&c->j);
		ok = !c->j.bad && double_parse(c->j.mem, text, &s) && time_of_unix(s, &ms);
		if (ok)
			memcpy(place, &ms, sizeof ms);
	}
	if (ok || c->j.bad)
		return ok;
	c->j.p = at;
	return mistyped(c, shape);
}

static bool blob(struct in *c, void *place)
{
	const char *at = c->j.p;
	struct str text = json_string(&c->j), bytes;
	if (c->j.bad)
		return false;
	if (failed(base64_decode(c->j.mem, text, &bytes))) {
		struct status st = decode_fail(c->d, "Invalid base64 value");
		c->j.p = at;
		c->j.bad = true;
		return !failed(st);
	}
	*(struct str *)place = bytes.p ? bytes : S("");
	return true;
}

static bool too_much(struct in *c)
{
	struct status st = decode_fail(c->d, "Request is too large");
	c->j.bad = true;
	return !failed(st);
}

static bool structure(struct in *c, const struct shape *shape, void *obj)
{
	struct str name;
	uint32_t hint = 0;
	if (arena_used(c->j.mem) > c->budget)
		return too_much(c);
	json_object(&c->j);
	while (json_member(&c->j, &name)) {
		const struct member *m = value_member(shape, name, W_BODY, &hint);
		if (!m) {
			json_skip(&c->j);
			continue;
		}
		if (json_null(&c->j)) {
			value_unset(obj, m);
			continue;
		}
		if (!value(c, m->shape, m->time, value_place(c->j.mem, obj, m)))
			return false;
	}
	return !c->j.bad;
}

static bool list(struct in *c, const struct shape *shape, void *place)
{
	struct grow g = { 0 };
	size_t size = value_size(shape);
	json_array(&c->j);
	while (json_elem(&c->j)) {
		void *elem = grow_add(c->j.mem, &g, size);
		value_fresh(shape->elem, elem);
		/* a null string stays p == NULL: constraint_check names it */
		if ((shape->elem->kind == K_STRING || shape->elem->kind == K_BLOB) && json_null(&c->j))
			continue;
		if (!value(c, shape->elem, TF_DEFAULT, elem))
			return false;
	}
	grow_store(c->j.mem, &g, place);
	return !c->j.bad;
}

static bool map(struct in *c, const struct shape *shape, void *place)
{
	struct grow g = { 0 };
	size_t size = value_size(shape);
	struct str key;
	json_object(&c->j);
	while (json_member(&c->j, &key)) {
		if (json_null(&c->j))
			continue;
		char *entry = grow_add(c->j.mem, &g, size);
		*(struct str *)(void *)entry = key;
		value_fresh(shape->elem, entry + MAP_VALUE);
		if (!value(c, shape->elem, TF_DEFAULT, entry + MAP_VALUE))
			return false;
	}
	if (c->j.bad)
		return false;
	map_unique(c->j.mem, &g, size);
	grow_store(c->j.mem, &g, place);
	return true;
}

/* Which first character a value of that kind has; blanks take what their function decides. */
static const char begins[] = {
	[K_STRING] = '"', [K_BLOB] = '"',  [K_DOCUMENT] = 0, [K_ENUM] = '"', [K_BOOL] = 0,
	[K_INT] = '0',    [K_LONG] = '0',  [K_FLOAT] = 0,    [K_DOUBLE] = 0, [K_TIME] = 0,
	[K_STRUCT] = '{', [K_UNION] = '{', [K_LIST] = '[',   [K_MAP] = '{',
};

static bool value(struct in *c, const struct shape *shape, uint8_t tf, void *place)
{
	char token = json_peek(&c->j);
	if (begins[shape->kind] && token != begins[shape->kind])
		return mistyped(c, shape);
	switch (shape->kind) {
	case K_STRING:
		*(struct str *)place = json_string(&c->j);
		break;
	case K_BLOB:
		return blob(c, place);
	case K_DOCUMENT:
		*(struct str *)place = json_skip(&c->j);
		break;
	case K_ENUM:
		enum_set(place, decode_enum(c->d, shape, json_string(&c->j)));
		break;
	case K_BOOL:
		if (token != 't' && token != 'f')
			return mistyped(c, shape);
		*(bool *)place = json_bool(&c->j);
		break;
	case K_INT:
	case K_LONG:
		return integer(c, shape, place);
	case K_FLOAT:
	case K_DOUBLE:
		return token == '0' || token == '"' ? real(c, shape, place) : mistyped(c, shape);
	case K_TIME:
		return token == '0' || token == '"' ? moment(c, shape, tf, place) : mistyped(c, shape);
	case K_STRUCT:
	case K_UNION:
		return structure(c, shape, place);
	case K_LIST:
		return list(c, shape, place);
	case K_MAP:
		return map(c, shape, place);
	}
	return !c->j.bad;
}

struct status json_decode(struct decode *d, const struct shape *shape, struct str text, void *out)
{
	struct in c = { .j = json_open(d->mem, text), .d = d, .budget = value_budget(d->mem, text.n) };
	d->why = (struct str){ NULL, 0 };
	value_init(shape, out);
	if (value(&c, shape, TF_DEFAULT, out) && !failed(json_close(&c.j)))
		return OK;
	d->at = (size_t)(c.j.p - c.j.start);
	return ERR(E_INVALID);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Walks a decoded struct and words what is wrong with it as AWS does.
 *
 * A list or map of scalars is named as a whole ("Member must satisfy constraint: [...]",
 * with all constraints of its elements); structs in lists are named by position
 * ("tags.1.member.key"). Names in paths begin in lower case.
 *
 * Where the model has a sentence for a member (IAM's names, paths and documents), a value that
 * breaks the pattern is answered with that sentence alone, whatever else is wrong.
 */
#include "wire/constraint.h"

#include "base/str.h"
#include "wire/patterns.h"
#include "wire/value.h"

enum { MAX_LISTED = 10, MAX_VALUE = 2048 };

/* The way to a value; on the C stack while walking, written out only when something is wrong. */
struct step {
	const struct step *up;
	const struct member *m; /* NULL: an element */
	size_t index;           /* of a list, from 1; 0: of a map */
	struct str key;
};

struct check {
	const struct decode *d;
	struct patterns *patterns;
	void *scratch;
	struct buf text;
	int n;
	struct str other; /* a refusal that is not one of the constraints': the whole message */
};

enum { BAD_ENUM = 1, BAD_PATTERN = 2, BAD_MAX = 4, BAD_MIN = 8, BAD_NULL = 16 };

static void check_struct(struct check *c, const struct step *up, const struct shape *shape, const void *obj);

static void path_put(struct buf *b, const struct step *s)
{
	if (s->up) {
		path_put(b, s->up);
		buf_byte(b, '.');
	}
	if (s->m) {
		buf_byte(b, char_lower(s->m->name[0]));
		buf_z(b, s->m->name + 1);
		return;
	}
	if (s->index)
		buf_i64(b, (int64_t)s->index);
	else
		buf_put(b, s->key);
	buf_z(b, ".member");
}

static void value_put(struct check *c, struct buf *b, const struct shape *shape, const void *place);

static void elements_put(struct check *c, struct buf *b, const struct shape *shape, const struct any_list *l)
{
	bool map = shape->kind == K_MAP;
	size_t size = value_size(shape);
	buf_byte(b, map ? '{' : '[');
	for (size_t i = 0; i < l->n && b->n < MAX_VALUE; i++) {
		const char *entry = (const char *)l->v + i * size;
		if (i)
			buf_z(b, ", ");
		if (map) {
			buf_put(b, *(const struct str *)(const void *)entry);
			buf_byte(b, '=');
		}
		value_put(c, b, shape->elem, entry + (map ? (size_t)MAP_VALUE : 0));
	}
	buf_byte(b, map ? '}' : ']');
}

static void struct_put(struct check *c, struct buf *b, const struct shape *shape, const void *obj)
{
	const char *comma = "";
	buf_z(b, shape->name);
	buf_byte(b, '(');
	for (uint32_t i = 0; i < shape->n_members && b->n < MAX_VALUE; i++) {
		const struct member *m = &shape->members[i];
		const void *place = m->where == W_STREAM ? NULL : value_of(obj, m);
		if (!place)
			continue;
		buf_z(b, comma);
		comma = ", ";
		buf_byte(b, char_lower(m->name[0]));
		buf_z(b, m->name + 1);
		buf_byte(b, '=');
		if (m->flags & M_SENSITIVE)
			buf_z(b, "*** Sensitive Data Redacted ***");
		else
			value_put(c, b, m->shape, place);
	}
	buf_byte(b, ')');
}

/* A value as Java's toString shows it, since that is what AWS's messages show. */
static void value_put(struct check *c, struct buf *b, const struct shape *shape, const void *place)
{
	if (shape->flags & SH_SENSITIVE) {
		buf_z(b, "*** Sensitive Data Redacted ***");
		return;
	}
	switch (shape->kind) {
	case K_BLOB: {
		size_t n = ((const struct str *)place)->n;
		buf_printf(b, "java.nio.HeapByteBuffer[pos=0 lim=%zu cap=%zu]", n, n);
		break;
	}
	case K_STRING:
	case K_DOCUMENT:
		if (!((const struct str *)place)->p)
			buf_z(b, "null");
		buf_put(b, str_sub(*(const struct str *)place, 0, MAX_VALUE + 4));
		break;
	case K_ENUM:
		buf_put(b, str_sub(decode_enum_word(c->d, shape, enum_get(place)), 0, MAX_VALUE + 4));
		break;
	case K_LIST:
	case K_MAP:
		elements_put(c, b, shape, place);
		break;
	case K_STRUCT:
	case K_UNION:
		struct_put(c, b, shape, place);
		break;
	default:
		value_to_text(b, shape, TF_ISO8601, 0, place);
	}
}

/* Cut to MAX_VALUE bytes, between characters. */
static struct str shortened(struct str s)
{
	if (s.n <= MAX_VALUE)
		return s;
	s.n = MAX_VALUE;
	while (s.n && ((uint8_t)s.p[s.n] & 0xc0) == 0x80)
		s.n--;
	return s;
}

/* "Value 'x' at 'a.b' failed to satisfy constraint: "; false when enough are listed. */
static bool violation(struct check *c, const struct step *at, const struct shape *shape, const void *place)
{
	if (c->n >= MAX_LISTED)
		return false;
	if (c->n++)
		buf_z(&c->text, "; ");
	bool sensitive = (shape->flags & SH_SENSITIVE) || (at->m && (at->m->flags & M_SENSITIVE));
	buf_z(&c->text, "Value ");
	if (!place) {
		buf_z(&c->text, "null ");
	} else if (!sensitive) {
		struct buf shown = buf_in(c->d->mem);
		value_put(c, &shown, shape, place);
		buf_byte(&c->text, '\'');
		buf_put(&c->text, shortened(buf_str(&shown)));
		buf_z(&c->text, "' ");
	}
	buf_z(&c->text, "at '");
	path_put(&c->text, at);
	buf_z(&c->text, "' failed to satisfy constraint: ");
	return true;
}

static void enum_words_put(struct buf *b, const struct shape *shape)
{
	buf_z(b, "Member must satisfy enum value set: [");
	for (int i = 0; shape->names[i]; i++) {
		if (i)
			buf_z(b, ", ");
		buf_z(b, shape->names[i]);
	}
	buf_byte(b, ']');
}

/* One constraint in words. */
static void rule_put(struct buf *b, const struct shape *shape, int rule)
{
	bool number = shape->kind >= K_INT && shape->kind <= K_DOUBLE;
	const char *what = number ? "value" : "length";
	if (rule == BAD_ENUM)
		enum_words_put(b, shape);
	else if (rule == BAD_PATTERN)
		buf_printf(b, "Member must satisfy regular expression pattern: %s", shape->pattern);
	else if (rule == BAD_MAX)
		buf_printf(b, "Member must have %s less than or equal to %lld", what, (long long)shape->max);
	else if (rule == BAD_MIN)
		buf_printf(b, "Member must have %s greater than or equal to %lld", what, (long long)shape->min);
	else
		buf_z(b, "Member must not be null");
}

/* Which constraints a value breaks by itself. */
static int range_check(const struct shape *shape, double v, size_t n, bool number)
{
	int bad = 0;
	if (shape->flags & SH_MAX)
		bad |= (number ? v > (double)shape->max : shape->max >= 0 && n > (uint64_t)shape->max) ? BAD_MAX : 0;
	if (shape->flags & SH_MIN)
		bad |= (number ? v < (double)shape->min : shape->min > 0 && n < (uint64_t)shape->min) ? BAD_MIN : 0;
	return bad;
}

static int int_check(const struct shape *shape, int64_t v)
{
	return (shape->flags & SH_MAX && v > shape->max ? BAD_MAX : 0) |
	       (shape->flags & SH_MIN && v < shape->min ? BAD_MIN : 0);
}

static int string_check(struct check *c, const struct shape *shape, struct str s)
{
	if (!s.p)
		return BAD_NULL;
	int bad = shape->flags & (SH_MIN | SH_MAX) ? range_check(shape, 0, str_utf8_length(s), false) : 0;
	/* what is too long anyway is not worth a match */
	if (shape->pattern && !(bad & BAD_MAX && s.n > 65536) &&
	    !patterns_match_with(c->patterns, shape->pattern, s, &c->scratch))
		bad |= BAD_PATTERN;
	return bad;
}

static int own_check(struct check *c, const struct shape *shape, const void *place)
{
	switch (shape->kind) {
	case K_STRING:
		return string_check(c, shape, *(const struct str *)place);
	case K_BLOB:
		if (!((const struct str *)place)->p)
			return BAD_NULL;
		return range_check(shape, 0, ((const struct str *)place)->n, false);
	case K_ENUM:
		return enum_get(place) < 0 ? BAD_ENUM : 0;
	case K_INT:
	case K_LONG:
		return int_check(shape, *(const int64_t *)place);
	case K_FLOAT:
	case K_DOUBLE:
		return range_check(shape, *(const double *)place, 0, true);
	case K_LIST:
	case K_MAP:
		return range_check(shape, 0, ((const struct any_list *)place)->n, false);
	default:
		return 0;
	}
}

/* A map's key, which lies as text even when its shape is an enum. */
static int key_check(struct check *c, const struct shape *shape, struct str key)
{
	if (shape->kind == K_STRING)
		return string_check(c, shape, key);
	if (shape->kind != K_ENUM)
		return 0;
	for (int i = 0; shape->names[i]; i++)
		if (str_eq(str_of(shape->names[i]), key))
			return 0;
	return BAD_ENUM;
}

static bool is_nested(const struct shape *shape) { return shape->kind >= K_STRUCT; }

/* The constraints an element's shape has, in brackets: "[Member must ..., Member must ...]". */
static void rules_put(struct buf *b, const struct shape *shape, bool null)
{
	const int rules[] = { shape->kind == K_ENUM ? BAD_ENUM : 0, shape->flags & SH_MAX ? BAD_MAX : 0,
			      shape->flags & SH_MIN ? BAD_MIN : 0, shape->pattern ? BAD_PATTERN : 0,
			      null ? BAD_NULL : 0 };
	const char *comma = "[";
	for (size_t i = 0; i < COUNT(rules); i++) {
		if (!rules[i])
			continue;
		buf_z(b, comma);
		comma = ", ";
		rule_put(b, shape, rules[i]);
	}
	buf_byte(b, ']');
}

static void check_value(struct check *c, const struct step *at, const struct shape *shape, const void *place);

static void check_elements(struct check *c, const struct step *at, const struct shape *shape, const struct any_list *l)
{
	bool map = shape->kind == K_MAP;
	size_t size = value_size(shape);
	int bad_keys = 0, bad = 0;
	for (size_t i = 0; i < l->n && c->n < MAX_LISTED; i++) {
		const char *entry = (const char *)l->v + i * size, *place = entry + (map ? (size_t)MAP_VALUE : 0);
		struct str key = map ? *(const struct str *)(const void *)entry : (struct str){ NULL, 0 };
		if (map && shape->key)
			bad_keys |= key_check(c, shape->key, key);
		if (is_nested(shape->elem)) {
			struct step here = { .up = at, .index = map ? 0 : i + 1, .key = key };
			check_value(c, &here, shape->elem, place);
		} else {
			bad |= own_check(c, shape->elem, place);
		}
	}
	const struct any_list *whole = l;
	if (bad_keys && violation(c, at, shape, whole)) {
		buf_z(&c->text, "Map keys must satisfy constraint: ");
		rules_put(&c->text, shape->key, bad_keys & BAD_NULL);
	}
	if (bad && violation(c, at, shape, whole)) {
		buf_z(&c->text, map ? "Map value must satisfy constraint: " : "Member must satisfy constraint: ");
		rules_put(&c->text, shape->elem, bad & BAD_NULL);
	}
}

static void check_union(struct check *c, const struct shape *shape, const void *obj)
{
	int given = 0;
	for (uint32_t i = 0; i < shape->n_members; i++)
		given += value_of(obj, &shape->members[i]) != NULL;
	if (given == 1 || c->other.p)
		return;
	c->other =
	    given ? arena_printf(c->d->mem,
				 "Supplied %s has more than one datatypes set, must contain exactly one of the "
				 "supported datatypes",
				 shape->name)
		  : arena_printf(c->d->mem, "Supplied %s is empty, must contain exactly one of the supported datatypes",
				 shape->name);
}

/* "The specified value for path is invalid. It must ..." */
static void say(struct check *c, const struct step *at)
{
	struct buf path = buf_in(c->d->mem);
	path_put(&path, at);
	c->other =
	    arena_printf(c->d->mem, "The specified value for %.*s is invalid. %s", PR(buf_str(&path)), at->m->says);
}

static void check_value(struct check *c, const struct step *at, const struct shape *shape, const void *place)
{
	static const int order[] = { BAD_ENUM, BAD_PATTERN, BAD_MAX, BAD_MIN, BAD_NULL };
	int bad = own_check(c, shape, place);
	if (bad & BAD_PATTERN && at->m && at->m->says && !c->other.p)
		say(c, at);
	for (size_t i = 0; bad && i < COUNT(order); i++)
		if (bad & order[i] && violation(c, at, shape, order[i] == BAD_NULL ? NULL : place))
			rule_put(&c->text, shape, order[i]);
	if (shape->kind == K_LIST || shape->kind == K_MAP)
		check_elements(c, at, shape, place);
	else if (is_nested(shape))
		check_struct(c, at, shape, place);
}

static void check_struct(struct check *c, const struct step *up, const struct shape *shape, const void *obj)
{
	if (shape->kind == K_UNION)
		check_union(c, shape, obj);
	for (uint32_t i = 0; i < shape->n_members; i++) {
		const struct member *m = &shape->members[i];
		if (m->where == W_STREAM || m->where == W_STATUS)
			continue;
		struct step here = { .up = up, .m = m };
		const void *place = value_of(obj, m);
		if (place)
			check_value(c, &here, m->shape, place);
		else if (m->flags & M_REQUIRED && violation(c, &here, m->shape, NULL))
			rule_put(&c->text, m->shape, BAD_NULL);
	}
}

struct status constraint_check(const struct decode *d, struct patterns *p, const struct shape *shape, const void *in,
			       struct str *message)
{
	struct check c = { .d = d, .patterns = p, .text = buf_in(d->mem) };
	check_struct(&c, NULL, shape, in);
	patterns_scratch_free(c.scratch);
	if (c.other.p) {
		*message = c.other;
		return ERR(E_INVALID);
	}
	if (!c.n)
		return OK;
	*message = arena_printf(d->mem, "%d validation error%s detected: %.*s", c.n, c.n == 1 ? "" : "s",
				PR(buf_str(&c.text)));
	return ERR(E_INVALID);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * XML -> structs: expat calls, a stack of frames follows. A frame is one open element and
 * what it fills:
 *
 *   STRUCT  children are members; flattened lists and maps grow here until the end tag
 *   LIST    children are elements, MAP children are entries; the whole is stored at the end tag
 *   ENTRY   children are a key and a value
 *   TEXT    a scalar: characters gather until the end tag
 *   SKIP    an unknown element and all in it
 *
 * An element of a growing list moves only when its next sibling begins, at which time
 * nothing points into it any more.
 */
#include "wire/xml.h"

#include "base/str.h"
#include "wire/value.h"

#include <expat.h>

enum what { STRUCT, LIST, MAP, ENTRY, TEXT, SKIP };

/* A flattened list or map on the way. */
struct flat {
	struct flat *next;
	const struct member *m;
	struct grow grow;
};

struct frame {
	enum what what;
	const struct shape *shape; /* ENTRY: the map's */
	void *place;
	struct grow grow;   /* LIST, MAP */
	struct flat *flats; /* STRUCT */
	uint32_t hint;
	uint8_t tf;
	bool keyed; /* ENTRY: the key was there */
};

struct in {
	struct decode *d;
	XML_Parser parser;
	const struct shape *shape;
	struct str root;
	void *out;
	struct frame *stack; /* WIRE_DEPTH of them */
	int depth;
	struct buf text;
	size_t budget; /* arena_used may not pass it */
	bool refused;
};

static const struct shape key_shape = { .name = "key", .kind = K_STRING, .size = sizeof(struct str) };

static void refuse(struct in *x)
{
	if (x->refused)
		return;
	x->refused = true;
	XML_StopParser(x->parser, XML_FALSE);
}

static struct str local_name(const char *name)
{
	const char *colon = strrchr(name, ':');
	return str_of(colon ? colon + 1 : name);
}

static struct frame *push(struct in *x, enum what what, const struct shape *shape, void *place)
{
	if (x->depth == WIRE_DEPTH || arena_used(x->d->mem) > x->budget) {
		refuse(x);
		return NULL;
	}
	struct frame *f = &x->stack[x->depth++];
	*f = (struct frame){ .what = what, .shape = shape, .place = place };
	return f;
}

static void attributes(struct in *x, const struct shape *shape, void *obj, const char **atts)
{
	for (; atts && atts[0]; atts += 2) {
		for (uint32_t i = 0; i < shape->n_members; i++) {
			const struct member *m = &shape->members[i];
			if (!(m->flags & M_ATTRIBUTE) || !str_eq(local_name(m->wire), local_name(atts[0])))
				continue;
			struct str text = str_dup(x->d->mem, str_of(atts[1]));
			if (failed(value_from_text(x->d, m->shape, value_time_format(m->shape, m->time, TF_ISO8601),
						   text, value_place(x->d->mem, obj, m))))
				refuse(x);
		}
	}
}

static void begin(struct in *x, const struct shape *shape, uint8_t tf, void *place, const char **atts)
{
	static const enum what by_kind[] = { [K_STRUCT] = STRUCT, [K_UNION] = STRUCT, [K_LIST] = LIST, [K_MAP] = MAP };
	enum what what = shape->kind < K_STRUCT ? TEXT : by_kind[shape->kind];
	struct frame *f = push(x, what, shape, place);
	if (!f)
		return;
	f->tf = tf;
	if (what == STRUCT)
		attributes(x, shape, place, atts);
	if (what == TEXT)
		x->text.n = 0;
}

static struct grow *flat_of(struct in *x, struct frame *f, const struct member *m)
{
	for (struct flat *l = f->flats; l; l = l->next)
		if (l->m == m)
			return &l->grow;
	struct flat *l = NEW(x->d->mem, struct flat);
	*l = (struct flat){ .next = f->flats, .m = m };
	f->flats = l;
	return &l->grow;
}

static void begin_element(struct in *x, const struct shape *list, struct grow *g, const char **atts)
{
	char *elem = grow_add(x->d->mem, g, value_size(list));
	if (list->kind == K_MAP) {
		value_fresh(list->elem, elem + MAP_VALUE);
		push(x, ENTRY, list, elem);
		return;
	}
	value_fresh(list->elem, elem);
	begin(x, list->elem, TF_DEFAULT, elem, atts);
}

static void begin_member(struct in *x, struct frame *f, struct str name, const char **atts)
{
	const struct member *m = value_member(f->shape, name, W_BODY, &f->hint);
	if (!m || (m->flags & M_ATTRIBUTE)) {
		push(x, SKIP, NULL, NULL);
		return;
	}
	bool container = m->shape->kind == K_LIST || m->shape->kind == K_MAP;
	if (container && ((m->flags & M_FLAT) || (m->shape->flags & SH_FLAT)))
		begin_element(x, m->shape, flat_of(x, f, m), atts);
	else
		begin(x, m->shape, m->time, value_place(x->d->mem, f->place, m), atts);
}

static void begin_in_entry(struct in *x, struct frame *f, struct str name, const char **atts)
{
	const char *key = f->shape->key_name ? f->shape->key_name : "key";
	const char *val = f->shape->elem_name ? f->shape->elem_name : "value";
	if (str_eq(name, str_of(key))) {
		f->keyed = true;
		begin(x, &key_shape, TF_DEFAULT, f->place, NULL);
	} else if (str_eq(name, str_of(val))) {
		begin(x, f->shape->elem, TF_DEFAULT, (char *)f->place + MAP_VALUE, atts);
	} else {
		push(x, SKIP, NULL, NULL);
	}
}

static void on_start(void *user, const char *full, const char **atts)
{
	struct in *x = user;
	struct str name = local_name(full);
	if (x->refused)
		return;
	if (x->depth == 0) {
		if (x->root.p && !str_eq(name, x->root))
			refuse(x);
		else
			begin(x, x->shape, TF_DEFAULT, x->out, atts);
		return;
	}
	struct frame *f = &x->stack[x->depth - 1];
	const char *elem;
	switch (f->what) {
	case STRUCT:
		begin_member(x, f, name, atts);
		break;
	case LIST:
	case MAP:
		elem = f->what == MAP ? "entry" : f->shape->elem_name ? f->shape->elem_name : "member";
		if (str_eq(name, str_of(elem)))
			begin_element(x, f->shape, &f->grow, atts);
		else
			push(x, SKIP, NULL, NULL);
		break;
	case ENTRY:
		begin_in_entry(x, f, name, atts);
		break;
	case TEXT:
	case SKIP:
		push(x, SKIP, NULL, NULL);
		break;
	}
}

static void end_text(struct in *x, struct frame *f)
{
	enum time_format format = value_time_format(f->shape, f->tf, TF_ISO8601);
	struct str text = str_dup(x->d->mem, buf_str(&x->text));
	if (failed(value_from_text(x->d, f->shape, format, text, f->place)))
		refuse(x);
}

static void on_end(void *user, const char *name)
{
	struct in *x = user;
	(void)name;
	if (x->refused || x->depth == 0)
		return;
	struct frame *f = &x->stack[--x->depth];
	switch (f->what) {
	case STRUCT:
		for (struct flat *l = f->flats; l; l = l->next) {
			if (l->m->shape->kind == K_MAP)
				map_unique(x->d->mem, &l->grow, value_size(l->m->shape));
			grow_store(x->d->mem, &l->grow, value_place(x->d->mem, f->place, l->m));
		}
		break;
	case MAP:
		map_unique(x->d->mem, &f->grow, value_size(f->shape));
		grow_store(x->d->mem, &f->grow, f->place);
		break;
	case LIST:
		grow_store(x->d->mem, &f->grow, f->place);
		break;
	case ENTRY:
		if (!f->keyed)
			refuse(x);
		break;
	case TEXT:
		end_text(x, f);
		break;
	case SKIP:
		break;
	}
}

static void on_text(void *user, const char *p, int n)
{
	struct in *x = user;
	if (!x->refused && x->depth > 0 && x->stack[x->depth - 1].what == TEXT)
		buf_put(&x->text, str_make(p, (size_t)n));
}

static void on_doctype(void *user, const char *name, const char *system, const char *public, int internal)
{
	(void)name;
	(void)system;
	(void)public;
	(void)internal;
	refuse(user);
}

struct status xml_decode(struct decode *d, const struct shape *shape, struct str root, struct str text, void *out)
{
	assert(shape->kind == K_STRUCT || shape->kind == K_UNION);
	struct in x = { .d = d, .shape = shape, .root = root, .out = out, .text = buf_in(d->mem) };
	d->why = (struct str){ NULL, 0 };
	value_init(shape, out);
	if (text.n > INT32_MAX)
		return ERR(E_INVALID);
	x.parser = XML_ParserCreate(NULL);
	if (!x.parser)
		return ERR(E_FULL);
	x.budget = value_budget(d->mem, text.n);
	x.stack = NEWS(d->mem, struct frame, WIRE_DEPTH);
	XML_SetUserData(x.parser, &x);
	XML_SetElementHandler(x.parser, on_start, on_end);
	XML_SetCharacterDataHandler(x.parser, on_text);
	XML_SetStartDoctypeDeclHandler(x.parser, on_doctype);
	enum XML_Status ok = XML_Parse(x.parser, text.p ? text.p : "", (int)text.n, 1);
	XML_Index at = XML_GetCurrentByteIndex(x.parser);
	XML_ParserFree(x.parser);
	if (ok == XML_STATUS_OK && !x.refused)
		return OK;
	d->at = at > 0 ? (size_t)at : 0;
	return ERR(E_INVALID);
}

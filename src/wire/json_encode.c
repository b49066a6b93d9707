/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Structs -> JSON by table, for answers and, in CloudTrail's style, for records.
 */
#include "wire/json.h"

#include "base/codec.h"
#include "base/str.h"
#include "base/time.h"
#include "wire/json_text.h"
#include "wire/value.h"

enum { RECORD_LIMIT = 100 * 1024 };

struct out {
	struct buf *b;
	const struct record_style *record; /* NULL: an answer */
	size_t stop;                       /* records: give up when the buffer is longer than this */
};

static void value(struct out *o, const struct shape *shape, uint8_t tf, const void *place);

static void time_value(struct out *o, const struct shape *shape, uint8_t tf, const void *place)
{
	enum time_format format = o->record ? TF_ISO8601 : value_time_format(shape, tf, TF_UNIX);
	if (format != TF_UNIX)
		buf_byte(o->b, '"');
	value_to_text(o->b, shape, format, 0, place);
	if (format != TF_UNIX)
		buf_byte(o->b, '"');
}

static void blob(struct out *o, struct str bytes)
{
	buf_byte(o->b, '"');
	base64_put(o->b, bytes);
	buf_byte(o->b, '"');
}

static bool hidden(const struct member *m) { return (m->flags & M_SENSITIVE) || (m->shape->flags & SH_SENSITIVE); }

static bool recorded(const struct member *m)
{
	return !(m->flags & M_UNRECORDED) && (m->shape->kind != K_BLOB || hidden(m));
}

static void record_name(struct out *o, const struct member *m)
{
	struct str name = o->record->rename ? o->record->rename(m) : (struct str){ NULL, 0 };
	if (name.p) {
		json_string_put(o->b, name);
		return;
	}
	buf_byte(o->b, '"');
	buf_byte(o->b, char_lower(m->name[0]));
	buf_z(o->b, m->name + 1);
	buf_byte(o->b, '"');
}

static void answer_name(struct out *o, const struct member *m)
{
	size_t n = strlen(m->wire);
	char *p = buf_room(o->b, n + 3);
	p[0] = '"';
	memcpy(p + 1, m->wire, n);
	p[n + 1] = '"';
	p[n + 2] = ':';
	buf_took(o->b, n + 3);
}

static void structure(struct out *o, const struct shape *shape, const void *obj)
{
	bool comma = false;
	buf_byte(o->b, '{');
	for (uint32_t i = 0; i < shape->n_members; i++) {
		const struct member *m = &shape->members[i];
		if (m->where != W_BODY && (!o->record || m->where == W_STREAM))
			continue;
		const void *place = value_of(obj, m);
		if (!place || (o->record && (!recorded(m) || o->b->n > o->stop)))
			continue;
		if (comma)
			buf_byte(o->b, ',');
		comma = true;
		if (!o->record) {
			answer_name(o, m);
			value(o, m->shape, m->time, place);
			continue;
		}
		record_name(o, m);
		buf_byte(o->b, ':');
		if (hidden(m))
			buf_z(o->b, "\"HIDDEN_DUE_TO_SECURITY_REASONS\"");
		else
			value(o, m->shape, m->time, place);
	}
	buf_byte(o->b, '}');
}

static void elements(struct out *o, const struct shape *shape, const struct any_list *l)
{
	size_t size = value_size(shape);
	bool map = shape->kind == K_MAP;
	buf_byte(o->b, map ? '{' : '[');
	for (size_t i = 0; i < l->n; i++) {
		const char *entry = (const char *)l->v + i * size;
		if (o->record && o->b->n > o->stop)
			break;
		if (i)
			buf_byte(o->b, ',');
		if (map) {
			json_string_put(o->b, *(const struct str *)(const void *)entry);
			buf_byte(o->b, ':');
		}
		value(o, shape->elem, TF_DEFAULT, entry + (map ? (size_t)MAP_VALUE : 0));
	}
	buf_byte(o->b, map ? '}' : ']');
}

static void double_value(struct out *o, double v)
{
	struct json_out w = { .to = o->b };
	json_put_double(&w, v);
}

static void value(struct out *o, const struct shape *shape, uint8_t tf, const void *place)
{
	if (o->record && (shape->flags & SH_SENSITIVE)) {
		buf_z(o->b, "\"HIDDEN_DUE_TO_SECURITY_REASONS\"");
		return;
	}
	switch (shape->kind) {
	case K_STRING:
		json_string_put(o->b, *(const struct str *)place);
		break;
	case K_BLOB:
		blob(o, *(const struct str *)place);
		break;
	case K_DOCUMENT:
		buf_put(o->b, ((const struct str *)place)->p ? *(const struct str *)place : S("null"));
		break;
	case K_ENUM:
		json_string_put(o->b, decode_enum_word(o->record ? o->record->d : NULL, shape, enum_get(place)));
		break;
	case K_FLOAT:
	case K_DOUBLE:
		double_value(o, *(const double *)place);
		break;
	case K_TIME:
		time_value(o, shape, tf, place);
		break;
	case K_BOOL:
	case K_INT:
	case K_LONG:
		value_to_text(o->b, shape, TF_DEFAULT, 0, place);
		break;
	case K_STRUCT:
	case K_UNION:
		structure(o, shape, place);
		break;
	case K_LIST:
	case K_MAP:
		elements(o, shape, place);
		break;
	}
}

void json_encode(struct buf *out, const struct shape *shape, const void *in)
{
	struct out o = { .b = out };
	value(&o, shape, TF_DEFAULT, in);
}

bool json_encode_record(struct buf *out, const struct shape *shape, const void *in, const struct record_style *style)
{
	size_t start = out->n, limit = style->limit ? style->limit : RECORD_LIMIT;
	struct out o = { .b = out, .record = style, .stop = start + limit };
	structure(&o, shape, in);
	if (out->n <= o.stop)
		return true;
	out->n = start;
	return false;
}

void json_error(struct buf *out, struct str type, struct str message)
{
	struct json_out w = { .to = out };
	json_begin(&w, '{');
	json_name(&w, S("__type"));
	json_put_str(&w, type);
	if (message.p) {
		json_name(&w, S("message"));
		json_put_str(&w, message);
	}
	json_end(&w, '}');
}

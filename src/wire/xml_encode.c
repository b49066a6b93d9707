/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Structs -> XML by table, and S3's error document.
 */
#include "wire/xml.h"

#include "base/str.h"
#include "wire/value.h"

struct out {
	struct buf *b;
	int flags;
};

static void element(struct out *o, struct str name, const struct shape *shape, const struct member *m,
		    const void *place);

void xml_declaration(struct buf *out) { buf_z(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"); }

static const char *entity(char c, bool attribute)
{
	switch (c) {
	case '&':
		return "&amp;";
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	case '"':
		return "&quot;";
	case '\r':
		return "&#13;";
	case '\n':
		return attribute ? "&#10;" : NULL;
	case '\t':
		return attribute ? "&#9;" : NULL;
	default:
		return NULL;
	}
}

static void escaped(struct buf *out, struct str s, bool attribute)
{
	const char *p = s.p ? s.p : "", *end = p + s.n, *from = p;
	while (p < end) {
		size_t step = utf8_step(p, end);
		const char *text = step == 1 ? entity(*p, attribute) : NULL;
		bool control = step == 1 && (uint8_t)*p < 0x20 && *p != '\n' && *p != '\t' && !text;
		if (step && !text && !control) {
			p += step;
			continue;
		}
		buf_put(out, str_make(from, (size_t)(p - from)));
		if (!step)
			buf_z(out, "\xef\xbf\xbd");
		else if (text)
			buf_z(out, text);
		else
			buf_printf(out, "&#x%x;", (unsigned)*p);
		from = ++p;
	}
	buf_put(out, str_make(from, (size_t)(p - from)));
}

void xml_text(struct buf *out, struct str s) { escaped(out, s, false); }

static void open_tag(struct buf *b, struct str name)
{
	buf_byte(b, '<');
	buf_put(b, name);
}

static void close_tag(struct buf *b, struct str name)
{
	buf_z(b, "</");
	buf_put(b, name);
	buf_byte(b, '>');
}

void xml_text_element(struct buf *out, const char *name, struct str text)
{
	open_tag(out, str_of(name));
	buf_byte(out, '>');
	xml_text(out, text);
	close_tag(out, str_of(name));
}

static void scalar(struct out *o, const struct shape *shape, uint8_t tf, bool attribute, const void *place)
{
	enum time_format format = value_time_format(shape, tf, TF_ISO8601);
	int flags = o->flags & XML_ISO_MS ? TEXT_ISO_MS : 0;
	if (shape->kind == K_STRING || shape->kind == K_DOCUMENT)
		escaped(o->b, *(const struct str *)place, attribute);
	else
		value_to_text(o->b, shape, format, flags, place);
}

static void attributes(struct out *o, const struct shape *shape, const void *obj)
{
	for (uint32_t i = 0; i < shape->n_members; i++) {
		const struct member *m = &shape->members[i];
		const void *place = m->flags & M_ATTRIBUTE ? value_of(obj, m) : NULL;
		if (!place)
			continue;
		buf_byte(o->b, ' ');
		buf_z(o->b, m->wire);
		buf_z(o->b, "=\"");
		scalar(o, m->shape, m->time, true, place);
		buf_byte(o->b, '"');
	}
}

static bool is_flat(const struct member *m, const struct shape *shape)
{
	return (m && m->flags & M_FLAT) || shape->flags & SH_FLAT;
}

static void map_entry(struct out *o, struct str name, const struct shape *shape, const char *entry)
{
	open_tag(o->b, name);
	buf_byte(o->b, '>');
	xml_text_element(o->b, shape->key_name ? shape->key_name : "key", *(const struct str *)(const void *)entry);
	element(o, str_of(shape->elem_name ? shape->elem_name : "value"), shape->elem, NULL, entry + MAP_VALUE);
	close_tag(o->b, name);
}

/* name: of each element. */
static void elements(struct out *o, struct str name, const struct shape *shape, const struct any_list *l)
{
	size_t size = value_size(shape);
	for (size_t i = 0; i < l->n; i++) {
		const char *entry = (const char *)l->v + i * size;
		if (shape->kind == K_MAP)
			map_entry(o, name, shape, entry);
		else
			element(o, name, shape->elem, NULL, entry);
	}
}

static void members(struct out *o, const struct shape *shape, const void *obj)
{
	for (uint32_t i = 0; i < shape->n_members; i++) {
		const struct member *m = &shape->members[i];
		const void *place = m->where == W_BODY && !(m->flags & M_ATTRIBUTE) ? value_of(obj, m) : NULL;
		if (!place)
			continue;
		if ((m->shape->kind == K_LIST || m->shape->kind == K_MAP) && is_flat(m, m->shape))
			elements(o, str_of(m->wire), m->shape, place);
		else
			element(o, str_of(m->wire), m->shape, m, place);
	}
}

/* xmlns is of the form "prefix=uri" or "uri". */
static void namespace(struct buf *b, const char *xmlns)
{
	const char *eq = strchr(xmlns, '=');
	buf_z(b, " xmlns");
	if (eq) {
		buf_byte(b, ':');
		buf_put(b, str_make(xmlns, (size_t)(eq - xmlns)));
		xmlns = eq + 1;
	}
	buf_z(b, "=\"");
	escaped(b, str_of(xmlns), true);
	buf_byte(b, '"');
}

static void content(struct out *o, const struct shape *shape, uint8_t tf, const void *place)
{
	if (shape->kind == K_STRUCT || shape->kind == K_UNION)
		members(o, shape, place);
	else if (shape->kind == K_LIST)
		elements(o, str_of(shape->elem_name ? shape->elem_name : "member"), shape, place);
	else if (shape->kind == K_MAP)
		elements(o, S("entry"), shape, place);
	else
		scalar(o, shape, tf, false, place);
}

static void element(struct out *o, struct str name, const struct shape *shape, const struct member *m,
		    const void *place)
{
	open_tag(o->b, name);
	if (m && m->xmlns)
	namespace(o->b, m->xmlns);
	if (shape->kind == K_STRUCT || shape->kind == K_UNION)
		attributes(o, shape, place);
	buf_byte(o->b, '>');
	content(o, shape, m ? m->time : TF_DEFAULT, place);
	close_tag(o->b, name);
}

void xml_element(struct buf *out, struct str name, struct str xmlns, const struct shape *shape, const void *in,
		 int flags)
{
	struct out o = { .b = out, .flags = flags };
	open_tag(out, name);
	if (xmlns.n) {
		buf_z(out, " xmlns=\"");
		escaped(out, xmlns, true);
		buf_byte(out, '"');
	}
	if (shape->kind == K_STRUCT || shape->kind == K_UNION)
		attributes(&o, shape, in);
	buf_byte(out, '>');
	content(&o, shape, TF_DEFAULT, in);
	close_tag(out, name);
}

void xml_members(struct buf *out, const struct shape *shape, const void *in, int flags)
{
	struct out o = { .b = out, .flags = flags };
	members(&o, shape, in);
}

void xml_s3_error(struct buf *out, struct str code, struct str message, const struct http_pairs *extra,
		  struct str request_id, struct str host_id)
{
	xml_declaration(out);
	buf_z(out, "<Error>");
	xml_text_element(out, "Code", code);
	xml_text_element(out, "Message", message);
	for (size_t i = 0; extra && i < extra->n; i++) {
		open_tag(out, extra->v[i].name);
		buf_byte(out, '>');
		xml_text(out, extra->v[i].value);
		close_tag(out, extra->v[i].name);
	}
	xml_text_element(out, "RequestId", request_id);
	xml_text_element(out, "HostId", host_id);
	buf_z(out, "</Error>");
}

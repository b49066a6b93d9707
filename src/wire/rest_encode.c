/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Structs -> REST answers: status, headers, body.
 */
#include "wire/rest.h"

#include "base/codec.h"
#include "base/str.h"
#include "wire/json.h"
#include "wire/value.h"
#include "wire/xml.h"

struct out {
	struct arena *mem;
	struct grow headers;
	struct rest_reply *reply;
	enum rest_body format;
};

/* Nothing that could begin another header ever gets out. */
static struct str one_line(struct arena *mem, struct str s)
{
	bool clean = true;
	for (size_t i = 0; i < s.n; i++)
		clean = clean && s.p[i] != '\r' && s.p[i] != '\n' && s.p[i] != '\0';
	if (clean)
		return s;
	char *p = arena_alloc(mem, 1, 1, s.n);
	for (size_t i = 0; i < s.n; i++)
		p[i] = s.p[i] == '\r' || s.p[i] == '\n' || s.p[i] == '\0' ? ' ' : s.p[i];
	return str_make(p, s.n);
}

static void header_add(struct out *o, struct str name, struct str value)
{
	struct http_pair *h = grow_add(o->mem, &o->headers, sizeof *h);
	*h = (struct http_pair){ .name = one_line(o->mem, name), .value = one_line(o->mem, value) };
}

static void header_text(struct buf *b, const struct shape *shape, uint8_t tf, const void *place)
{
	value_to_text(b, shape, value_time_format(shape, tf, TF_HTTP), 0, place);
}

static void header(struct out *o, const struct member *m, const void *place)
{
	struct buf b = buf_in(o->mem);
	if (m->shape->kind == K_LIST) {
		const struct any_list *l = place;
		for (size_t i = 0; i < l->n; i++) {
			if (i)
				buf_z(&b, ", ");
			header_text(&b, m->shape->elem, m->time, (const char *)l->v + i * value_size(m->shape));
		}
	} else {
		header_text(&b, m->shape, m->time, place);
	}
	if (b.n || m->shape->kind == K_STRING)
		header_add(o, str_of(m->wire), buf_str(&b));
}

static void headers(struct out *o, const struct member *m, const struct str_map *map)
{
	for (size_t i = 0; i < map->n; i++) {
		struct str name = arena_printf(o->mem, "%s%.*s", m->wire, PR(map->v[i].key));
		header_add(o, name, rest_header_text(o->mem, map->v[i].value));
	}
}

static void document(struct out *o, const struct shape *shape, const char *root, const char *xmlns, const void *in)
{
	struct buf b = buf_in(o->mem);
	if (o->format == REST_JSON) {
		json_encode(&b, shape, in);
		o->reply->content_type = "application/json";
	} else {
		xml_declaration(&b);
		xml_element(&b, str_of(root), xmlns ? str_of(xmlns) : S(""), shape, in, XML_ISO_MS);
		o->reply->content_type = "application/xml";
	}
	o->reply->body = buf_str(&b);
}

static void payload(struct out *o, const struct member *m, const void *place)
{
	enum kind kind = m->shape->kind;
	if (kind == K_STRUCT || kind == K_UNION) {
		document(o, m->shape, m->wire, m->xmlns ? m->xmlns : m->shape->xmlns, place);
		return;
	}
	assert(kind == K_STRING || kind == K_BLOB || kind == K_DOCUMENT);
	if (o->format == REST_XML && m->shape->root) { /* GetBucketLocation: a document that is one text element */
		document(o, m->shape, m->shape->root, m->shape->xmlns, place);
		return;
	}
	o->reply->body = *(const struct str *)place;
	if (kind == K_DOCUMENT)
		o->reply->content_type = "application/json";
	else
		o->reply->content_type = kind == K_STRING ? "text/plain" : "application/octet-stream";
}

static void bound_member(struct out *o, const struct member *m, const void *place)
{
	switch ((enum where)m->where) {
	case W_HEADER:
		header(o, m, place);
		break;
	case W_HEADERS:
		headers(o, m, place);
		break;
	case W_STATUS:
		o->reply->status = (int)*(const int64_t *)place;
		break;
	case W_PAYLOAD:
		payload(o, m, place);
		break;
	case W_BODY:
	case W_QUERY:
	case W_LABEL:
	case W_STREAM:
		break;
	}
}

void rest_encode(struct arena *mem, const struct shape *shape, enum rest_body format, const void *in,
		 struct rest_reply *out)
{
	struct out o = { .mem = mem, .reply = out, .format = format };
	bool body = false, taken = false;
	*out = (struct rest_reply){ 0 };
	for (uint32_t i = 0; i < shape->n_members; i++) {
		const struct member *m = &shape->members[i];
		body |= m->where == W_BODY;
		taken |= m->where == W_PAYLOAD || m->where == W_STREAM;
		const void *place = m->where == W_STREAM ? NULL : value_of(in, m);
		if (place)
			bound_member(&o, m, place);
	}
	if (!taken && (body || shape->root || format == REST_JSON)) /* with a root and no members: an empty document */
		document(&o, shape, shape->root ? shape->root : shape->name, shape->xmlns, in);
	for (size_t i = 0; i < o.headers.n; i++)
		if (str_eq_ci(((struct http_pair *)(void *)o.headers.v)[i].name, S("Content-Type")))
			out->content_type = NULL;
	out->headers = (struct http_pairs){ .v = (struct http_pair *)(void *)o.headers.v, .n = o.headers.n };
}

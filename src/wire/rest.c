/* SPDX-License-Identifier: Apache-2.0 */
/*
 * REST requests -> structs. The body first, since its decoder sets the struct's defaults;
 * then every member that travels elsewhere.
 */
#include "wire/rest.h"

#include "base/codec.h"
#include "base/str.h"
#include "wire/json.h"
#include "wire/uri.h"
#include "wire/value.h"
#include "wire/xml.h"

static bool is_text_kind(enum kind k) { return k == K_STRING || k == K_BLOB || k == K_DOCUMENT || k == K_ENUM; }

/* Latin-1 -> UTF-8: what old clients put into headers. */
static struct str from_latin1(struct arena *mem, struct str s)
{
	struct buf b = buf_in(mem);
	for (size_t i = 0; i < s.n; i++) {
		uint8_t c = (uint8_t)s.p[i];
		if (c >= 0x80)
			buf_byte(&b, (char)(0xc0 | c >> 6));
		buf_byte(&b, (char)(c < 0x80 ? c : 0x80 | (c & 0x3f)));
	}
	return buf_str(&b);
}

/* The Q encoding of RFC 2047, section 4.2. */
static struct status q_decode(struct arena *mem, struct str s, struct str *out)
{
	struct buf b = buf_in(mem);
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '=') {
			struct str byte;
			TRY(hex_decode(mem, str_sub(s, i + 1, 2), &byte));
			if (byte.n != 1)
				return ERR(E_INVALID);
			buf_put(&b, byte);
			i += 2;
		} else {
			buf_byte(&b, s.p[i] == '_' ? ' ' : s.p[i]);
		}
	}
	*out = buf_str(&b);
	return OK;
}

/* A value that is one encoded word of UTF-8 is decoded; everything else stays as it came. */
static struct str decoded_word(struct arena *mem, struct str s)
{
	const size_t head = sizeof "=?UTF-8?B?" - 1;
	struct str out;
	if (s.n < head + 2 || !str_starts_ci(s, S("=?UTF-8?")) || !str_ends(s, S("?=")) || s.p[head - 1] != '?')
		return s;
	struct str word = str_sub(s, head, s.n - head - 2);
	char how = char_lower(s.p[head - 2]);
	struct status st = how == 'b'   ? base64_decode(mem, word, &out)
			   : how == 'q' ? q_decode(mem, word, &out)
					: ERR(E_INVALID);
	return failed(st) || !str_is_utf8(out) ? s : out;
}

/* Header text as the struct holds it: always UTF-8. */
static struct str header_value(struct arena *mem, struct str s)
{
	s = str_trim(s);
	return str_is_utf8(s) ? s : from_latin1(mem, s);
}

struct str rest_header_text(struct arena *mem, struct str value)
{
	bool plain = true;
	for (size_t i = 0; i < value.n; i++)
		plain = plain && (uint8_t)value.p[i] >= 0x20 && (uint8_t)value.p[i] < 0x7f;
	if (plain)
		return value;
	struct buf b = buf_in(mem);
	buf_z(&b, "=?UTF-8?B?");
	base64_put(&b, value);
	buf_z(&b, "?=");
	return buf_str(&b);
}

struct binding {
	struct decode *d;
	void *out;
	const struct member *m;
};

static struct status scalar(struct binding *b, const struct shape *shape, enum time_format tf, struct str text,
			    void *place)
{
	if (!str_is_utf8(text))
		return decode_fail(b->d, "Invalid UTF-8 in %s", b->m->wire);
	return value_from_text(b->d, shape, value_time_format(shape, b->m->time, tf), text, place);
}

static struct status single(struct binding *b, enum time_format tf, struct str text)
{
	enum kind kind = b->m->shape->kind;
	if (!text.n && (kind == K_ENUM || !is_text_kind(kind)))
		return OK; /* "max-keys=", "x-amz-acl:": as if it had not been given */
	return scalar(b, b->m->shape, tf, text, value_place(b->d->mem, b->out, b->m));
}

static struct status from_label(struct binding *b, const struct http_pairs *labels)
{
	struct str text = uri_find(labels, str_of(b->m->wire));
	return text.p ? single(b, TF_ISO8601, text) : OK;
}

static struct status query_list(struct binding *b, const struct shape *list, const struct http_pairs *query,
				struct str name, void *place)
{
	struct grow g = { 0 };
	for (size_t i = 0; i < query->n; i++)
		if (str_eq(query->v[i].name, name))
			TRY(scalar(b, list->elem, TF_ISO8601, query->v[i].value,
				   grow_add(b->d->mem, &g, value_size(list))));
	grow_store(b->d->mem, &g, place);
	return OK;
}

static bool is_bound(const struct shape *shape, struct str name)
{
	for (uint32_t i = 0; i < shape->n_members; i++) {
		const struct member *m = &shape->members[i];
		if (m->where == W_QUERY && m->shape->kind != K_MAP && str_eq(str_of(m->wire), name))
			return true;
	}
	return false;
}

/* A map in the query: all parameters no other member takes. Names that repeat make a list of the values. */
static struct status query_map(struct binding *b, const struct shape *in, const struct http_pairs *query)
{
	const struct shape *map = b->m->shape;
	bool lists = map->elem->kind == K_LIST;
	struct grow g = { 0 };
	uint32_t *order = sorted_by_key(b->d->mem, query->v, sizeof *query->v, query->n);
	for (size_t i = 0, j; i < query->n; i = j) {
		struct str name = query->v[order[i]].name;
		for (j = i + 1; j < query->n && str_eq(query->v[order[j]].name, name);)
			j++;
		if (is_bound(in, name))
			continue;
		char *entry = grow_add(b->d->mem, &g, value_size(map));
		*(struct str *)(void *)entry = name;
		struct grow values = { 0 };
		for (size_t k = i; k < (lists ? j : i + 1); k++) {
			struct str value = query->v[order[k]].value;
			void *place = lists ? grow_add(b->d->mem, &values, value_size(map->elem)) : entry + MAP_VALUE;
			TRY(scalar(b, lists ? map->elem->elem : map->elem, TF_ISO8601, value, place));
		}
		if (lists)
			grow_store(b->d->mem, &values, entry + MAP_VALUE);
	}
	if (g.n)
		grow_store(b->d->mem, &g, value_place(b->d->mem, b->out, b->m));
	return OK;
}

static struct status from_query(struct binding *b, const struct shape *in, const struct http_pairs *query)
{
	if (b->m->shape->kind == K_MAP)
		return query_map(b, in, query);
	struct str name = str_of(b->m->wire), text = uri_find(query, name);
	if (!text.p)
		return OK;
	if (b->m->shape->kind == K_LIST)
		return query_list(b, b->m->shape, query, name, value_place(b->d->mem, b->out, b->m));
	return single(b, TF_ISO8601, text);
}

/* A comma-separated header; http dates hold commas of their own and come one a header. */
static struct status header_list(struct binding *b, const struct http_pairs *headers, void *place)
{
	const struct shape *list = b->m->shape;
	bool dates = list->elem->kind == K_TIME;
	struct grow g = { 0 };
	for (size_t i = 0; i < headers->n; i++) {
		struct str rest = headers->v[i].value;
		if (!str_eq_ci(headers->v[i].name, str_of(b->m->wire)))
			continue;
		while (rest.p) {
			struct str one = dates ? rest : str_cut(&rest, ',');
			if (dates)
				rest.p = NULL;
			one = header_value(b->d->mem, one);
			if (one.n)
				TRY(scalar(b, list->elem, TF_HTTP, one, grow_add(b->d->mem, &g, value_size(list))));
		}
	}
	grow_store(b->d->mem, &g, place);
	return OK;
}

static struct status from_header(struct binding *b, const struct http_pairs *headers)
{
	for (size_t i = 0; i < headers->n; i++) {
		if (!str_eq_ci(headers->v[i].name, str_of(b->m->wire)))
			continue;
		if (b->m->shape->kind == K_LIST)
			return header_list(b, headers, value_place(b->d->mem, b->out, b->m));
		return single(b, TF_HTTP, header_value(b->d->mem, headers->v[i].value));
	}
	return OK;
}

static struct str lowered(struct arena *mem, struct str s)
{
	char *p = arena_alloc(mem, 1, 1, s.n + 1);
	for (size_t i = 0; i < s.n; i++)
		p[i] = char_lower(s.p[i]);
	return str_make(p, s.n);
}

/* All headers with the prefix; the rest of the name, in lower case, is the key. Repeated ones are joined, as S3 does.
 */
static struct status from_headers(struct binding *b, const struct http_pairs *headers)
{
	struct str prefix = str_of(b->m->wire);
	struct arena *mem = b->d->mem;
	struct str_entry *v = NEWS(mem, struct str_entry, headers->n + 1);
	size_t n = 0, kept = 0;
	for (size_t i = 0; i < headers->n; i++) {
		struct http_pair h = headers->v[i];
		if (!str_starts_ci(h.name, prefix))
			continue;
		v[n].key = lowered(mem, str_from(h.name, prefix.n));
		v[n++].value = decoded_word(mem, header_value(mem, h.value));
	}
	if (!n)
		return OK;
	uint32_t *order = sorted_by_key(mem, v, sizeof *v, n);
	struct str_entry *out = NEWS(mem, struct str_entry, n);
	for (size_t i = 0, j; i < n; i = j) {
		struct buf joined = buf_in(mem);
		buf_put(&joined, v[order[i]].value);
		for (j = i + 1; j < n && str_eq(v[order[j]].key, v[order[i]].key); j++) {
			buf_byte(&joined, ',');
			buf_put(&joined, v[order[j]].value);
		}
		out[kept++] = (struct str_entry){ v[order[i]].key, buf_str(&joined) };
	}
	struct any_list l = { out, kept };
	memcpy(value_place(mem, b->out, b->m), &l, sizeof l);
	return OK;
}

static struct status document(struct decode *d, const struct shape *shape, enum rest_body format, struct str root,
			      struct str body, void *out)
{
	return format == REST_XML ? xml_decode(d, shape, root, body, out) : json_decode(d, shape, body, out);
}

static struct status from_payload(struct binding *b, enum rest_body format, struct str body)
{
	if (!body.n)
		return OK;
	void *place = value_place(b->d->mem, b->out, b->m);
	if (b->m->shape->kind == K_STRUCT || b->m->shape->kind == K_UNION)
		return document(b->d, b->m->shape, format, str_of(b->m->wire), body, place);
	assert(is_text_kind(b->m->shape->kind) && b->m->shape->kind != K_ENUM);
	if (b->m->shape->kind != K_BLOB && !str_is_utf8(body))
		return decode_fail(b->d, "Invalid UTF-8 in the body");
	*(struct str *)place = body;
	return OK;
}

static struct status bound_member(struct binding *b, const struct shape *shape, enum rest_body format,
				  const struct rest_request *rq)
{
	switch ((enum where)b->m->where) {
	case W_LABEL:
		return from_label(b, &rq->labels);
	case W_QUERY:
		return from_query(b, shape, &rq->query);
	case W_HEADER:
		return from_header(b, &rq->headers);
	case W_HEADERS:
		return from_headers(b, &rq->headers);
	case W_PAYLOAD:
		return from_payload(b, format, rq->body);
	case W_BODY:
	case W_STREAM:
	case W_STATUS:
		break;
	}
	return OK;
}

static bool has_body_members(const struct shape *shape)
{
	for (uint32_t i = 0; i < shape->n_members; i++)
		if (shape->members[i].where == W_BODY)
			return true;
	return false;
}

struct status rest_decode(struct decode *d, const struct shape *shape, enum rest_body format,
			  const struct rest_request *rq, void *out)
{
	d->why = (struct str){ NULL, 0 };
	d->member = NULL;
	d->at = 0;
	value_init(shape, out);
	if (rq->body.n && has_body_members(shape)) {
		struct str root = shape->root ? str_of(shape->root) : (struct str){ NULL, 0 };
		TRY(document(d, shape, format, root, rq->body, out));
	}
	for (uint32_t i = 0; i < shape->n_members; i++) {
		struct binding b = { .d = d, .out = out, .m = &shape->members[i] };
		struct status st = bound_member(&b, shape, format, rq);
		if (failed(st)) {
			d->member = b.m;
			return st;
		}
	}
	return OK;
}

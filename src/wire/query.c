/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Form parameters -> structs. The parameters are sorted by name; whatever belongs to one
 * value is then one stretch of them, found by binary search, and stretches nest as the
 * values do. A stretch [lo, hi) only ever gets narrower, so recursion ends.
 */
#include "wire/query.h"

#include "base/str.h"
#include "wire/uri.h"
#include "wire/value.h"
#include "wire/xml.h"

struct in {
	struct decode *d;
	enum query_style style;
	const struct http_pair *v; /* sorted by name */
	struct buf name;           /* the prefix we are at: "Tags.member.1" */
	int depth;
};

struct range {
	size_t lo, hi;
};

static struct status value(struct in *q, const struct shape *shape, uint8_t tf, bool flat, struct range r, void *place);

struct status query_params(struct arena *mem, struct str form, struct http_pairs *out)
{
	return uri_pairs(mem, form, true, QUERY_MAX_PARAMS, out);
}

/* The first parameter in r whose name is not less than s (or, past: does not begin with it and is greater). */
static size_t bound(const struct in *q, struct range r, struct str s, bool past)
{
	while (r.lo < r.hi) {
		size_t mid = r.lo + (r.hi - r.lo) / 2;
		struct str name = q->v[mid].name;
		bool before = str_cmp(past ? str_sub(name, 0, s.n) : name, s) < (past ? 1 : 0);
		if (before)
			r.lo = mid + 1;
		else
			r.hi = mid;
	}
	return r.lo;
}

/* All names that begin with the current prefix and a dot. */
static struct range below(struct in *q, struct range r)
{
	buf_byte(&q->name, '.');
	struct str prefix = buf_str(&q->name);
	struct range found = { .lo = bound(q, r, prefix, false), .hi = bound(q, r, prefix, true) };
	q->name.n--;
	return found;
}

/* The parameter with exactly the current name; the last one, when it comes more than once. */
static const struct http_pair *exact(struct in *q, struct range r)
{
	struct str name = buf_str(&q->name);
	size_t at = bound(q, r, name, false);
	const struct http_pair *found = NULL;
	for (; at < r.hi && str_eq(q->v[at].name, name); at++)
		found = &q->v[at];
	return found;
}

static size_t push(struct in *q, const char *part)
{
	size_t was = q->name.n;
	if (was)
		buf_byte(&q->name, '.');
	size_t at = q->name.n;
	buf_z(&q->name, part);
	if (q->style == QUERY_EC2)
		q->name.p[at] = char_upper(q->name.p[at]);
	return was;
}

static void pop(struct in *q, size_t was) { q->name.n = was; }

static bool any(struct range r) { return r.lo < r.hi; }

static struct status scalar(struct in *q, const struct shape *shape, uint8_t tf, struct range r, void *place)
{
	const struct http_pair *p = exact(q, r);
	if (!p)
		return decode_fail(q->d, "Unexpected parameter %.*s", PR(q->v[r.lo].name));
	if (!str_is_utf8(p->value))
		return decode_fail(q->d, "Invalid UTF-8 in %.*s", PR(p->name));
	return value_from_text(q->d, shape, value_time_format(shape, tf, TF_ISO8601), p->value, place);
}

/* The parameters of one element. key orders them: the index, padded to equal length. */
struct group {
	struct str key;
	struct range r;
	struct str digits;
};

static struct str padded(struct arena *mem, struct str digits)
{
	enum { WIDTH = 10 };
	char *p = arena_alloc(mem, 1, 1, WIDTH);
	memset(p, '0', WIDTH);
	memcpy(p + WIDTH - digits.n, digits.p, digits.n);
	return str_make(p, WIDTH);
}

/* Cuts r, all names of which begin with the current prefix and a dot, by the index that follows. */
static struct status groups(struct in *q, struct range r, struct grow *out)
{
	size_t skip = q->name.n + 1;
	for (size_t i = r.lo; i < r.hi; i++) {
		struct str digits = str_from(q->v[i].name, skip);
		size_t n = 0;
		while (n < digits.n && char_digit(digits.p[n]))
			n++;
		if (n == 0 || n > 10 || (n < digits.n && digits.p[n] != '.')) {
			struct str rest = digits;
			struct str word = str_cut(&rest, '.');
			return decode_fail(q->d, "%.*s is not a valid index.", (int)(word.n < 64 ? word.n : 64),
					   word.p);
		}
		digits.n = n;
		struct group *last = out->n ? (struct group *)(void *)out->v + (out->n - 1) : NULL;
		if (!last || !str_eq(last->digits, digits)) {
			last = grow_add(q->d->mem, out, sizeof *last);
			*last = (struct group){ .key = padded(q->d->mem, digits), .r = { i, i }, .digits = digits };
		}
		last->r.hi = i + 1;
	}
	return OK;
}

static size_t push_index(struct in *q, struct str digits)
{
	size_t was = q->name.n;
	buf_byte(&q->name, '.');
	buf_put(&q->name, digits);
	return was;
}

static struct status entry(struct in *q, const struct shape *map, struct range r, char *place)
{
	size_t was = push(q, map->key_name ? map->key_name : "key");
	const struct http_pair *key = exact(q, r);
	pop(q, was);
	if (!key || !str_is_utf8(key->value))
		return decode_fail(q->d, "Missing key for %.*s", PR(buf_str(&q->name)));
	*(struct str *)(void *)place = key->value;
	was = push(q, map->elem_name ? map->elem_name : "value");
	struct status st = OK;
	value_fresh(map->elem, place + MAP_VALUE);
	if (exact(q, r) || any(below(q, r)))
		st = value(q, map->elem, TF_DEFAULT, false, r, place + MAP_VALUE);
	else if (map->elem->kind == K_STRING)
		*(struct str *)(void *)(place + MAP_VALUE) = S("");
	pop(q, was);
	return st;
}

static struct status elements(struct in *q, const struct shape *shape, struct range r, void *place)
{
	struct grow found = { 0 }, g = { 0 };
	size_t size = value_size(shape);
	TRY(groups(q, below(q, r), &found));
	const struct group *group = (const struct group *)(void *)found.v;
	uint32_t *order = sorted_by_key(q->d->mem, group, sizeof *group, found.n);
	for (size_t i = 0; i < found.n; i++) {
		const struct group *one = &group[order[i]];
		char *elem = grow_add(q->d->mem, &g, size);
		size_t was = push_index(q, one->digits);
		struct status st;
		if (shape->kind == K_MAP) {
			st = entry(q, shape, one->r, elem);
		} else {
			value_fresh(shape->elem, elem);
			st = value(q, shape->elem, TF_DEFAULT, false, one->r, elem);
		}
		pop(q, was);
		TRY(st);
	}
	if (shape->kind == K_MAP)
		map_unique(q->d->mem, &g, size);
	grow_store(q->d->mem, &g, place);
	return OK;
}

static struct status container(struct in *q, const struct shape *shape, bool flat, struct range r, void *place)
{
	size_t was = q->name.n;
	if (!flat && !(shape->flags & SH_FLAT) && q->style == QUERY_AWS) {
		const char *elem = shape->elem_name ? shape->elem_name : "member";
		push(q, shape->kind == K_MAP ? "entry" : elem);
	}
	struct status st = elements(q, shape, r, place);
	pop(q, was);
	return st;
}

static struct status structure(struct in *q, const struct shape *shape, struct range r, void *obj)
{
	for (uint32_t i = 0; i < shape->n_members; i++) {
		const struct member *m = &shape->members[i];
		if (m->where != W_BODY)
			continue;
		size_t was = push(q, m->wire);
		bool nested = m->shape->kind >= K_STRUCT;
		struct range sub = nested ? below(q, r) : (struct range){ 0 };
		const struct http_pair *self = exact(q, r);
		struct status st = OK;
		if (nested ? any(sub) || (self && shape->kind != K_UNION && m->shape->kind >= K_LIST) : self != NULL)
			st = value(q, m->shape, m->time, (m->flags & M_FLAT) != 0, nested ? sub : r,
				   value_place(q->d->mem, obj, m));
		pop(q, was);
		if (failed(st)) {
			if (!q->d->member)
				q->d->member = m;
			return st;
		}
	}
	return OK;
}

static struct status value(struct in *q, const struct shape *shape, uint8_t tf, bool flat, struct range r, void *place)
{
	if (shape->kind < K_STRUCT)
		return scalar(q, shape, tf, r, place);
	if (q->depth == WIRE_DEPTH)
		return decode_fail(q->d, "Parameters nest too deep");
	q->depth++;
	struct status st = shape->kind == K_LIST || shape->kind == K_MAP ? container(q, shape, flat, r, place)
									 : structure(q, shape, r, place);
	q->depth--;
	return st;
}

struct status query_decode(struct decode *d, const struct shape *shape, enum query_style style,
			   const struct http_pairs *params, void *out)
{
	if (params->n > QUERY_MAX_PARAMS)
		return ERR(E_TOO_BIG);
	d->why = (struct str){ NULL, 0 };
	d->member = NULL;
	struct http_pair *v = NEWS(d->mem, struct http_pair, params->n + 1);
	uint32_t *order = sorted_by_key(d->mem, params->v, sizeof *v, params->n);
	for (size_t i = 0; i < params->n; i++)
		v[i] = params->v[order[i]];
	struct in q = { .d = d, .style = style, .v = v, .name = buf_in(d->mem) };
	value_init(shape, out);
	return structure(&q, shape, (struct range){ 0, params->n }, out);
}

static void element_open(struct buf *out, struct str name, const char *suffix, struct str xmlns)
{
	buf_byte(out, '<');
	buf_put(out, name);
	buf_z(out, suffix);
	if (xmlns.n) {
		buf_z(out, " xmlns=\"");
		buf_put(out, xmlns);
		buf_byte(out, '"');
	}
	buf_z(out, ">\n");
}

static void element_close(struct buf *out, struct str name, const char *suffix)
{
	buf_z(out, "</");
	buf_put(out, name);
	buf_z(out, suffix);
	buf_z(out, ">\n");
}

void query_encode(struct buf *out, enum query_style style, const struct query_reply *r, const struct shape *shape,
		  const void *in)
{
	if (style == QUERY_EC2)
		xml_declaration(out);
	element_open(out, r->op, "Response", r->xmlns);
	if (style == QUERY_EC2) {
		xml_text_element(out, "requestId", r->request_id);
		xml_members(out, shape, in, XML_ISO_MS);
	} else {
		if (r->wrapper) {
			element_open(out, str_of(r->wrapper), "", S(""));
			xml_members(out, shape, in, 0);
			element_close(out, str_of(r->wrapper), "");
		}
		buf_z(out, "<ResponseMetadata>");
		xml_text_element(out, "RequestId", r->request_id);
		buf_z(out, "</ResponseMetadata>\n");
	}
	element_close(out, r->op, "Response");
}

void query_error(struct buf *out, enum query_style style, bool sender, struct str code, struct str message,
		 struct str xmlns, struct str request_id)
{
	bool ec2 = style == QUERY_EC2;
	if (ec2)
		xml_declaration(out);
	element_open(out, ec2 ? S("Response") : S("ErrorResponse"), "", ec2 ? S("") : xmlns);
	buf_z(out, ec2 ? "<Errors><Error>" : "<Error>");
	if (!ec2)
		xml_text_element(out, "Type", sender ? S("Sender") : S("Receiver"));
	xml_text_element(out, "Code", code);
	xml_text_element(out, "Message", message);
	buf_z(out, ec2 ? "</Error></Errors>" : "</Error>");
	xml_text_element(out, ec2 ? "RequestID" : "RequestId", request_id);
	element_close(out, ec2 ? S("Response") : S("ErrorResponse"), "");
}

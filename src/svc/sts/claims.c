/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A table from name to reader; the first wrong type ends the reading, whatever comes after.
 */
#include "svc/sts/claims.h"

#include "base/str.h"
#include "wire/json_text.h"

enum { TEXT_MAX = 2048 };

/* Nested as AWS documents it first, or flat for providers that cannot nest ("flattened format"). */
#define TAGS     "https://aws.amazon.com/tags"
#define FLAT_TAG TAGS "/principal_tags/"

/* The last second of the year 9999. */
#define SECONDS_MAX INT64_C(253402300799)

static void take_text(struct json *j, void *to)
{
	struct str *s = to;
	if (s->p || json_peek(j) != '"') {
		j->bad = true;
		return;
	}
	*s = json_string(j);
	j->bad |= s->n > TEXT_MAX;
}

/* A count of seconds; fractions are allowed (RFC 7519 2, NumericDate) and dropped, exponents are not. */
static void take_time(struct json *j, void *to)
{
	struct opt_int *time = to;
	struct str text = json_number(j), fraction = text;
	struct str whole = str_cut(&fraction, '.');
	int64_t v;
	if (time->set || !str_to_i64(whole, &v) || v < 0 || v > SECONDS_MAX)
		j->bad = true;
	for (size_t i = 0; i < fraction.n; i++)
		j->bad |= !char_digit(fraction.p[i]);
	if (!j->bad)
		*time = (struct opt_int)SET(v);
}

static void take_texts(struct json *j, struct str_list *list, size_t max)
{
	struct str *v = NEWS(j->mem, struct str, max);
	size_t n = 0;
	if (list->v) {
		j->bad = true;
		return;
	}
	if (json_array(j))
		while (json_elem(j)) {
			if (n == max) {
				j->bad = true;
				return;
			}
			take_text(j, &v[n++]);
		}
	*list = (struct str_list){ v, n };
}

/* "aud": one string, or several in an array. */
static void take_audience(struct json *j, void *to)
{
	struct str_list *list = to;
	if (json_peek(j) != '"' || list->v) {
		take_texts(j, list, CLAIM_AUDIENCES_MAX);
		return;
	}
	struct str *one = NEW(j->mem, struct str);
	take_text(j, one);
	*list = (struct str_list){ one, 1 };
}

static void take_methods(struct json *j, void *to) { take_texts(j, to, CLAIM_METHODS_MAX); }
static void take_keys(struct json *j, void *to) { take_texts(j, to, CLAIM_TAGS_MAX); }

/* ---- session tags --------------------------------------------------------------------- */

/* A value stands alone or as an array's only element. */
static struct str tag_value(struct json *j)
{
	struct str value = { 0 };
	struct str_list one = { 0 };
	if (json_peek(j) == '"')
		return json_string(j);
	take_texts(j, &one, 1);
	if (one.n == 1)
		value = one.v[0];
	else
		j->bad = true;
	return value;
}

static void add_tag(struct json *j, struct str_map *tags, struct str key)
{
	struct str_entry *v = NEWS(j->mem, struct str_entry, tags->n + 1); /* there are fifty at most */
	if (tags->n == CLAIM_TAGS_MAX) {
		j->bad = true;
		return;
	}
	if (tags->n)
		memcpy(v, tags->v, tags->n * sizeof *v);
	v[tags->n] = (struct str_entry){ key, tag_value(j) };
	*tags = (struct str_map){ v, tags->n + 1 };
}

static void take_principal_tags(struct json *j, struct str_map *tags)
{
	struct str key;
	if (json_object(j))
		while (json_member(j, &key))
			add_tag(j, tags, key);
}

static void take_tags(struct json *j, struct claims *c)
{
	struct str name;
	j->bad |= c->nested;
	c->nested = true;
	if (json_object(j))
		while (json_member(j, &name)) {
			if (str_eq(name, S("principal_tags")))
				take_principal_tags(j, &c->tags);
			else if (str_eq(name, S("transitive_tag_keys")))
				take_keys(j, &c->transitive);
			else
				json_skip(j);
		}
}

/* ---- all of them --------------------------------------------------------------------------- */

static const struct {
	const char *name;
	void (*take)(struct json *j, void *to);
	size_t offset;
} known[] = {
	{ "iss", take_text, offsetof(struct claims, iss) },
	{ "sub", take_text, offsetof(struct claims, sub) },
	{ "azp", take_text, offsetof(struct claims, azp) },
	{ "email", take_text, offsetof(struct claims, email) },
	{ "aud", take_audience, offsetof(struct claims, aud) },
	{ "amr", take_methods, offsetof(struct claims, amr) },
	{ "exp", take_time, offsetof(struct claims, exp) },
	{ "iat", take_time, offsetof(struct claims, iat) },
	{ "nbf", take_time, offsetof(struct claims, nbf) },
	{ "https://aws.amazon.com/source_identity", take_text, offsetof(struct claims, source_identity) },
	{ TAGS "/transitive_tag_keys", take_keys, offsetof(struct claims, transitive) },
};

static void take_claim(struct json *j, struct str name, struct claims *c)
{
	for (size_t i = 0; i < COUNT(known); i++)
		if (str_eq(name, str_of(known[i].name))) {
			known[i].take(j, (char *)c + known[i].offset);
			return;
		}
	if (str_eq(name, S(TAGS)))
		take_tags(j, c);
	else if (str_starts(name, S(FLAT_TAG)))
		add_tag(j, &c->tags, str_from(name, S(FLAT_TAG).n));
	else
		json_skip(j);
}

struct status claims_read(struct arena *mem, struct str json, struct claims *out)
{
	struct claims c = { 0 };
	struct json j = json_open(mem, json);
	struct str name;
	if (json_object(&j))
		while (json_member(&j, &name))
			take_claim(&j, name, &c);
	TRY(json_close(&j));
	*out = c;
	return OK;
}

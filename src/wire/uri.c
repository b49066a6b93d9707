/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cutting request targets and query strings. See uri.h.
 */
#include "wire/uri.h"

#include "base/codec.h"
#include "base/str.h"
#include "wire/value.h"

static bool is_hex(char c)
{
	c = char_lower(c);
	return char_digit(c) || (c >= 'a' && c <= 'f');
}

/* No spaces, controls or fragments, and every '%' begins an escape. Bytes beyond ASCII pass: some clients send them. */
static bool is_sound(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		uint8_t c = (uint8_t)s.p[i];
		if (c <= ' ' || c == 0x7f || c == '#')
			return false;
		if (c == '%' && (s.n - i < 3 || !is_hex(s.p[i + 1]) || !is_hex(s.p[i + 2])))
			return false;
	}
	return true;
}

struct status uri_split(struct str target, struct uri_target *out)
{
	bool absolute = false;
	if (str_starts_ci(target, S("http://")) || str_starts_ci(target, S("https://"))) {
		struct str rest = str_from(target, str_find(target, S("//")) + 2);
		size_t host = 0;
		while (host < rest.n && rest.p[host] != '/' && rest.p[host] != '?')
			host++;
		if (!host)
			return ERR(E_INVALID);
		target = str_from(rest, host);
		absolute = true;
	}
	struct str path = target, query = { NULL, 0 };
	size_t mark = str_find_char(target, '?');
	if (mark != SIZE_MAX) {
		path = str_sub(target, 0, mark);
		query = str_make(target.p + mark + 1, target.n - mark - 1);
	}
	if (!path.n && absolute) /* RFC 9112, section 3.2.1: an absent path is "/" */
		path = S("/");
	if (!path.n || *path.p != '/' || !is_sound(path) || !is_sound(query))
		return ERR(E_INVALID);
	*out = (struct uri_target){ .path = path, .query = query };
	return OK;
}

/* A piece without escapes is a view. */
static struct status unescaped(struct arena *mem, struct str s, bool plus_is_space, struct str *out)
{
	bool plain = s.n == 0 || (!memchr(s.p, '%', s.n) && !(plus_is_space && memchr(s.p, '+', s.n)));
	if (!plain)
		return uri_decode(mem, s, plus_is_space, out);
	*out = s.n ? s : S("");
	return OK;
}

struct status uri_pairs(struct arena *mem, struct str query, bool plus_is_space, size_t max, struct http_pairs *out)
{
	struct grow g = { 0 };
	while (query.p) {
		struct str value = str_cut(&query, '&');
		if (!value.n)
			continue;
		if (g.n == max)
			return ERR(E_TOO_BIG);
		struct http_pair *pair = grow_add(mem, &g, sizeof *pair);
		struct str name = str_cut(&value, '=');
		TRY(unescaped(mem, name, plus_is_space, &pair->name));
		TRY(unescaped(mem, value, plus_is_space, &pair->value));
	}
	*out = (struct http_pairs){ .v = (const struct http_pair *)(const void *)g.v, .n = g.n };
	return OK;
}

struct str uri_find(const struct http_pairs *pairs, struct str name)
{
	for (size_t i = 0; i < pairs->n; i++)
		if (str_eq(pairs->v[i].name, name))
			return pairs->v[i].value;
	return (struct str){ NULL, 0 };
}

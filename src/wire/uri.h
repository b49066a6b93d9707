/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The target of an HTTP request. Raw path and query are views, byte for byte as they came,
 * because signatures are over them; nothing is normalised (S3 keys may hold "..", "//").
 */
#ifndef WIRE_URI_H
#define WIRE_URI_H

#include "base/base.h"
#include "wire/http_parts.h"

struct uri_target {
	struct str path;  /* begins with '/', still escaped */
	struct str query; /* after the first '?', still escaped; p == NULL: there was no '?' */
};

/*
 * Origin form ("/a?b") and absolute form ("http://host/a?b"). E_INVALID for anything else,
 * for control characters, spaces, '#' and broken escapes.
 */
struct status uri_split(struct str target, struct uri_target *out);

/*
 * "a=1&b&c=%20" -> pairs, percent-decoded, in order; a name without '=' has an empty value.
 * plus_is_space: as forms have it. Empty pieces ("a&&b") are dropped. E_INVALID on a broken
 * escape; E_TOO_BIG past max pairs.
 */
struct status uri_pairs(struct arena *mem, struct str query, bool plus_is_space, size_t max, struct http_pairs *out);

/* The value of the first pair of that name; p == NULL when there is none. */
struct str uri_find(const struct http_pairs *pairs, struct str name);

#endif

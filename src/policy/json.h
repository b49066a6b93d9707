/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON, strictly (RFC 8259), one token at a time, for a reader that knows what must
 * come next. Nothing is built and nothing recurses here. Every function is false when
 * the next token is not of its kind; then `bad` says what is wrong at `i`.
 */
#ifndef POLICY_JSON_H
#define POLICY_JSON_H

#include "base/base.h"

struct json {
	struct str text;
	size_t i;        /* the next byte */
	const char *bad; /* set by the first failure */
};

char pol_json_peek(struct json *j); /* skips white space; the next byte, 0 at the end */
bool pol_json_take(struct json *j, char c);
/* The bytes between the quotes, still escaped; *escaped says whether there is anything to decode. */
bool pol_json_string(struct json *j, struct str *raw, bool *escaped);
bool pol_json_number(struct json *j, struct str *raw);
bool pol_json_word(struct json *j, struct str word); /* true, false, null */
/* Decode what pol_json_string accepted into out (at least raw.n bytes); the length. */
size_t pol_json_unescape(struct str raw, char *out);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON (RFC 8259) as text: a strict pull reader and a writer. json.h's table-driven codec
 * stands on them; they serve by themselves for documents without a model (tokens, admin
 * endpoints, the log's fields).
 *
 * The reader never goes past the first error: `bad` sticks, and every call after it
 * returns nothing. So callers read straight down and ask once, at the end:
 *
 *     struct json j = json_open(mem, text);
 *     struct str name;
 *     if (json_object(&j))
 *         while (json_member(&j, &name))
 *             if (str_eq(name, S("id")))
 *                 id = json_string(&j);
 *             else
 *                 json_skip(&j);
 *     TRY(json_close(&j));
 */
#ifndef WIRE_JSON_TEXT_H
#define WIRE_JSON_TEXT_H

#include "base/buf.h"
#include "wire/decode.h"

struct json {
	struct arena *mem;
	const char *start, *p, *end;
	int depth;  /* open objects and arrays; at most WIRE_DEPTH */
	bool fresh; /* the container was just entered: no comma is due */
	bool bad;   /* p is where */
};

struct json json_open(struct arena *mem, struct str text);
/* What comes next: one of { [ " t f n, '0' for a number, '\0' for the end or anything else. */
char json_peek(struct json *j);
bool json_object(struct json *j);                   /* enter; false (and bad) when none is there */
bool json_member(struct json *j, struct str *name); /* to the next member's value; false after the last (then left) */
bool json_array(struct json *j);
bool json_elem(struct json *j);         /* to the next element; false after the last (then left) */
struct str json_string(struct json *j); /* a view when it has no escapes; never p == NULL */
struct str json_number(struct json *j); /* its text */
bool json_bool(struct json *j);
bool json_null(struct json *j);           /* true, and consumed, when null comes next; never an error */
struct str json_skip(struct json *j);     /* any value; its text */
struct status json_close(struct json *j); /* E_INVALID when bad or when text follows */

/* The value at a path of member names ("a.b.c") in a document; p == NULL when it is not there or the text is bad. */
struct str json_lookup(struct arena *mem, struct str text, const char *path);
/* The same, a string's content; p == NULL also when it is no string. */
struct str json_lookup_string(struct arena *mem, struct str text, const char *path);

/*
 * Writing: commas come by themselves. Names are C strings from tables; values are escaped
 * as little as RFC 8259 allows; bytes that are not UTF-8 become U+FFFD.
 */
struct json_out {
	struct buf *to;
	bool comma;
};
void json_string_put(struct buf *out, struct str s); /* quoted and escaped */
void json_begin(struct json_out *w, char open);      /* '{' or '[' */
void json_end(struct json_out *w, char close);
void json_name(struct json_out *w, struct str name);
void json_put_str(struct json_out *w, struct str s); /* p == NULL is written as null */
void json_put_int(struct json_out *w, int64_t v);
void json_put_double(struct json_out *w, double v);
void json_put_bool(struct json_out *w, bool v);
void json_put_null(struct json_out *w);
void json_put_raw(struct json_out *w, struct str text); /* JSON text as it is */

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tables a service model becomes, and how their values lie in C structs.
 *
 * tools/apigen.py writes these tables from svc/<name>/<name>.api.toml; the codecs in
 * wire/ walk them; handlers see the plain structs.
 *
 *   kind                 in C                                     not given
 *   STRING BLOB DOCUMENT struct str (BLOB: decoded bytes,         p == NULL
 *                        DOCUMENT: its JSON text)
 *   ENUM                 enum x (int-sized), values from 1        0
 *   BOOL                 bool, or struct opt_bool                 .set == false
 *   INT LONG             int64_t, or struct opt_int               .set == false
 *   FLOAT DOUBLE         double, or struct opt_double             .set == false
 *   TIME                 int64_t ms since 1970, or struct opt_int .set == false
 *   STRUCT UNION         const struct x *                         NULL
 *   LIST                 struct x { const T *v; size_t n; }       v == NULL (empty but given: v != NULL, n == 0)
 *   MAP                  struct x { const struct x_entry *v; size_t n; } entry = { struct str key; T value; }
 *
 * Scalars are the plain type when the member is required or has a default, else the
 * opt_ form (M_OPT). As elements of lists and maps values lie inline and plain: struct
 * str, int64_t, bool, the struct itself (not a pointer). A list or map inside a list is
 * inline too.
 */
#ifndef WIRE_SHAPE_H
#define WIRE_SHAPE_H

#include "base/base.h"

struct opt_bool {
	bool v, set;
};
struct opt_int {
	int64_t v;
	bool set;
};
struct opt_double {
	double v;
	bool set;
};
#define SET(x)                        \
	{                             \
		.v = (x), .set = true \
	} /* .max_keys = SET(1000) */

struct str_list {
	const struct str *v;
	size_t n;
};
struct int_list {
	const int64_t *v;
	size_t n;
};
struct str_entry {
	struct str key, value;
};
struct str_map {
	const struct str_entry *v;
	size_t n;
};

enum kind {
	K_STRING,
	K_BLOB,
	K_DOCUMENT,
	K_ENUM,
	K_BOOL,
	K_INT,
	K_LONG,
	K_FLOAT,
	K_DOUBLE,
	K_TIME,
	K_STRUCT,
	K_UNION,
	K_LIST,
	K_MAP,
};

enum time_format { TF_DEFAULT, TF_UNIX, TF_ISO8601, TF_HTTP }; /* DEFAULT: what the protocol uses in that place */

enum where {
	W_BODY,    /* a member of the document in the body */
	W_HEADER,  /* one HTTP header, named by `wire` */
	W_HEADERS, /* a map: all headers that start with `wire` */
	W_QUERY,   /* one query parameter (a map: all not otherwise bound) */
	W_LABEL,   /* a {label} or {label+} of the path */
	W_PAYLOAD, /* the member is the whole body */
	W_STREAM,  /* the body as a stream: not in the struct; handlers use the request's body functions */
	W_STATUS,  /* the HTTP status code */
};

enum shape_flag {
	SH_MIN = 1, /* min, max: characters of strings, bytes of blobs, elements, or the number's value */
	SH_MAX = 2,
	SH_FLAT = 4,      /* XML and query: list or map without a wrapping element */
	SH_SENSITIVE = 8, /* never in records or logs */
};

struct member;

struct shape {
	const char *name; /* AWS's name of the shape */
	enum kind kind;
	uint32_t flags;
	uint32_t size;                /* of the value as an element: sizeof the struct, struct str, int64_t, ... */
	int64_t min, max;             /* valid with SH_MIN, SH_MAX */
	const char *pattern;          /* or NULL; must match the whole string */
	const char *const *names;     /* ENUM: null-terminated; C value i + 1 is names[i] */
	const struct member *members; /* STRUCT, UNION */
	uint32_t n_members;
	const struct shape *elem; /* LIST: of what; MAP: the value */
	const struct shape *key;  /* MAP */
	const char *elem_name;    /* XML and query: "member" or its locationName; MAP: "value" */
	const char *key_name;     /* XML and query: "key" or its locationName */
	const char *root;         /* XML: element name when it is the document root, or NULL */
	const char *xmlns;        /* XML: namespace of the root, or NULL */
	enum time_format time;
};

enum member_flag {
	M_REQUIRED = 1,
	M_OPT = 2,          /* lies as opt_bool, opt_int, opt_double */
	M_DEFAULT = 4,      /* dflt holds the value when absent */
	M_SENSITIVE = 8,    /* "HIDDEN_DUE_TO_SECURITY_REASONS" in records */
	M_FLAT = 16,        /* XML and query: flattened here */
	M_ATTRIBUTE = 32,   /* XML: an attribute of the element */
	M_TOKEN = 64,       /* idempotency token */
	M_LABEL_REST = 128, /* {label+}: slashes are part of it */
	M_UNRECORDED = 256, /* never written to the trail, not even as hidden (bulk data) */
};

struct member {
	const char *name; /* AWS's name of the member */
	const char *wire; /* its name where it travels: JSON key, XML element, header, query parameter */
	const struct shape *shape;
	uint32_t offset; /* in the struct */
	uint16_t flags;
	uint8_t where;     /* enum where */
	uint8_t time;      /* enum time_format; TF_DEFAULT = the shape's */
	uint32_t id;       /* field number of stored records (wire/pack.h); 0 elsewhere */
	int64_t dflt;      /* with M_DEFAULT; enums: C value; strings: none */
	const char *xmlns; /* XML: xmlns:prefix attribute to write ("xsi=http://..."), or NULL */
	const char *says;  /* what a value that breaks the pattern is told in place of the pattern, or NULL */
};

#endif

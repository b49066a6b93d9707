/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A JSON text as a tree that knows where everything stands: for tools that must point at
 * what they speak of. Not for request paths; policy_compile reads in one pass.
 */
#ifndef POLICY_TREE_H
#define POLICY_TREE_H

#include "base/base.h"

enum { TREE_DEPTH_MAX = 32 };

enum tree_kind { TREE_OBJECT, TREE_ARRAY, TREE_STRING, TREE_NUMBER, TREE_BOOL, TREE_NULL };

struct tree {
	enum tree_kind kind;
	uint32_t begin, end;         /* its bytes */
	struct str text;             /* a string's characters, escapes decoded; else as written */
	struct str key;              /* a member's name, decoded; p == NULL for elements and the root */
	uint32_t key_begin, key_end; /* where the name stands, quotes included */
	uint32_t index, n;           /* its place among its siblings; how many children */
	const struct tree *parent, *next, *first;
};

struct tree_error {
	size_t offset;
	const char *why; /* starts lower case, no full stop */
};

/* One JSON value and nothing else. E_INVALID or E_TOO_BIG; then *err says where and why. The text must outlive the
 * tree. */
struct status tree_parse(struct arena *mem, struct str text, const struct tree **out, struct tree_error *err);
const struct tree *tree_member(const struct tree *object, struct str name); /* the first of that name; NULL */
const char *tree_kind_name(enum tree_kind kind);                            /* "an object" */
struct str tree_path(struct arena *mem, const struct tree *t);              /* "Statement[0].Action[1]" */

/* Where a byte stands: both count from 1, the column in bytes. */
void tree_position(struct str text, size_t offset, uint32_t *line, uint32_t *column);

#endif

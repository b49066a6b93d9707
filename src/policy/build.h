/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A policy while it is being compiled: the reader, the growing tables, and how to pol_refuse.
 */
#ifndef POLICY_BUILD_H
#define POLICY_BUILD_H

#include "policy/impl.h"
#include "policy/json.h"

struct vec {
	void *p;
	size_t n, cap;
};

struct build {
	struct arena *mem;
	struct policy_error *err;
	enum policy_kind kind;
	struct json j;
	bool v2012;
	struct vec chars; /* what is not in the document as it stands; its spans count from the document's end */
	struct vec stmts, prins, acts, ress, toks, conds, vals;
	struct vec slots, refs;
	uint32_t any_n, slot_mask;
	uint64_t sieve[4], prefixes;
	struct span id;
};

/* Room for one more element of that size, zeroed. */
void *pol_vec_push(struct build *b, struct vec *v, size_t size);
#define PUSH(b, vec, type)  ((type *)pol_vec_push(b, &(b)->vec, sizeof(type)))
#define TABLE(b, vec, type) ((type *)(b)->vec.p)

/* Refuse the document because of what stands at byte `at`. `aws` is IAM's sentence; the rest says it precisely. */
struct status pol_refuse(struct build *b, size_t at, enum policy_fault fault, const char *aws, const char *why, ...)
    __attribute__((format(printf, 5, 6)));
struct status pol_refuse_json(struct build *b); /* with the reader's own words */
#define SYNTAX "Syntax errors in policy."
#define LEGACY "The policy failed legacy parsing"

/* New characters behind the document. */
struct span pol_chars_add(struct build *b, struct str s);
struct str pol_chars_of(const struct build *b, struct span s);

/* ---- reading: compile.c ---- */

enum value_type { VALUE_STRING, VALUE_NUMBER, VALUE_BOOL };
struct value {
	struct span s;
	size_t at; /* where it starts in the document */
	enum value_type type;
};
struct status pol_read_string(struct build *b, struct value *v);

/* One member of an object after another: *more is false behind the last one. Start with {0}. */
struct members {
	bool inside;
	struct value key;
	struct str name;
};
struct status pol_next_member(struct build *b, struct members *m, bool *more);

/* One value, or an array of values, one after another. Start with {0}; scalars also lets numbers and booleans in. */
struct values {
	bool started, array, scalars;
	size_t at;
	struct value v;
};
struct status pol_next_value(struct build *b, struct values *it, bool *more);

/* ---- the elements ---- */
struct status pol_compile_principal(struct build *b, struct stmt *s);
struct status pol_compile_actions(struct build *b, struct stmt *s);
struct status pol_compile_resources(struct build *b, struct stmt *s);
struct status pol_compile_conditions(struct build *b, struct stmt *s);

enum pat_use { USE_RESOURCE, USE_LIKE, USE_EQUALS, USE_ARN };
struct status pol_compile_pattern(struct build *b, const struct value *v, enum pat_use use, struct pat *out);

/* The bits of the heads a resource of this text can have. */
uint32_t pol_pattern_heads(const struct build *b, struct str s);

void pol_build_index(struct build *b);
void pol_index_set(struct index *ix, const struct build *b, const struct slot *slots, const struct ref *refs);

#endif

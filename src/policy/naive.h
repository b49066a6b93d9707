/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A second evaluator, for tests only: slow, simple, and written from AWS's documentation
 * without a look at the first. It works on plain C tables instead of documents; the test
 * prints those tables as JSON for the real one.
 *
 *     naive_random.c ── tables ──┬─▶ naive.c, naive_condition.c ──▶ answer ─┐
 *                                └─▶ JSON ─▶ policy_compile, policy_decide ─┴─▶ the same?
 */
#ifndef POLICY_NAIVE_H
#define POLICY_NAIVE_H

#include "policy/policy.h"

enum { N_LIST = 4, N_STATEMENTS = 4, N_POLICIES = 3, N_KEYS = 16, N_LEVELS = 2, N_TEXT = 512 };

struct n_cond {
	const char *op, *key, *values[N_LIST];
	int n;
	bool bare; /* written as JSON numbers or booleans */
};
struct n_stmt {
	bool deny, not_principal, not_action, not_resource;
	const char *principals[N_LIST]; /* "*", "AWS:...", "Service:...", "Federated:...", "CanonicalUser:..." */
	const char *actions[N_LIST], *resources[N_LIST];
	struct n_cond conds[N_LIST];
	int principal_n, action_n, resource_n, cond_n;
};
struct n_policy {
	bool v2012;
	unsigned escapes; /* how its text is written: which characters stand as \u escapes; 0: none */
	struct n_stmt stmts[N_STATEMENTS];
	int n;
};
struct n_set {
	struct n_policy all[N_POLICIES];
	int n;
};
struct n_key {
	const char *name, *values[N_LIST];
	int n;
	bool multi;
};

/* What came up in the cases so far: a test that never met a rule has not tested it. */
enum {
	N_OPERATORS = 27,
	N_FORMS = 6, /* of an operator: alone, ForAllValues, ForAnyValue; each also with IfExists */
	N_GRANTS = 4,
};
struct n_seen {
	size_t condition[N_OPERATORS][N_FORMS][2]; /* fails, holds */
	size_t element[8][2];                      /* Principal, NotPrincipal, Action, ... : enum n_element */
	size_t grant[N_GRANTS];
	size_t verdict[3][POLICY_KIND_COUNT];
	size_t asker[7][3];
	size_t mode[3][2][3]; /* by mode and across accounts */
	size_t variable[3];   /* unknown, by default, by value */
};
enum n_element { N_PRINCIPAL, N_NOT_PRINCIPAL, N_ACTION, N_NOT_ACTION, N_RESOURCE, N_NOT_RESOURCE };

struct n_request {
	enum policy_principal_kind kind;
	const char *account, *arn, *issuer, *id, *services[2], *provider, *canonical;
	const char *action, *resource, *resource_account;
	enum policy_mode mode;
	struct n_key keys[N_KEYS];
	int key_n;
	struct n_set identity, session, scp[N_LEVELS], rcp[N_LEVELS];
	int scp_n, rcp_n;
	struct n_policy boundary, resource_policy, endpoint;
	bool has_boundary, has_resource_policy, has_endpoint;
	enum policy_granted granted;
	struct n_seen *seen;
};
struct n_answer {
	enum policy_verdict verdict;
	enum policy_kind by; /* of denials */
};
struct n_answer naive_decide(const struct n_request *rq);

/* ---- naive_condition.c ---- */

struct glyph { /* a character of an expanded pattern: wildcards are marked, all else is literal */
	char c;
	bool wild;
};
extern const char *const naive_operators[N_OPERATORS];
/* The glyphs of a text, variables replaced; -1: a variable without a value. */
int naive_expand(const struct n_request *rq, bool v2012, bool wildcards, const char *text, struct glyph *out);
bool naive_glob(const struct glyph *p, int n, const char *t, size_t tn, bool fold);
bool naive_arn_glob(const struct glyph *p, int n, const char *t);
bool naive_condition(const struct n_request *rq, bool v2012, const struct n_cond *c);

/* ---- naive_random.c ---- */
uint64_t naive_rnd(uint64_t *seed);
void naive_random(uint64_t *seed, struct arena *mem, struct n_request *rq);

/* ---- naive_text.c: a table as a document ---- */
struct str naive_text(struct arena *mem, const struct n_policy *p);

#endif

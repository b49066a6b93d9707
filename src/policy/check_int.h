/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The inside of policy_check: the document's tree, and the findings so far. Every file
 * check_*.c looks at one element of a statement.
 */
#ifndef POLICY_CHECK_INT_H
#define POLICY_CHECK_INT_H

#include "policy/catalogue.h"
#include "policy/check.h"
#include "policy/tree.h"

struct check {
	struct arena *mem;
	struct str text;
	enum policy_kind kind;
	bool v2012;
	struct policy_finding *found; /* POLICY_FINDINGS_MAX of them */
	size_t n;
	bool cut;
	bool errors;
	int64_t steps; /* comparisons left: hostile documents must not take for ever */
};

/* One statement; an element that is not there, or not of its type, is NULL. */
struct check_stmt {
	const struct tree *at;
	bool allow, deny;
	const struct tree *sid, *effect, *principal, *action, *resource, *condition;
	bool not_principal, not_action, not_resource;
};

void chk_add(struct check *c, const struct tree *at, enum policy_finding_type type, const char *code, const char *text,
	     ...) __attribute__((format(printf, 5, 6)));
/* The same, pointing at a member's name. */
void chk_add_key(struct check *c, const struct tree *at, enum policy_finding_type type, const char *code,
		 const char *text, ...) __attribute__((format(printf, 5, 6)));

/* One value or each of a list: for (v = chk_first(t); v; v = chk_next(t, v)). */
static inline const struct tree *chk_first(const struct tree *t)
{
	return t == NULL || t->kind != TREE_ARRAY ? t : t->first;
}
static inline const struct tree *chk_next(const struct tree *t, const struct tree *v)
{
	return t->kind == TREE_ARRAY ? v->next : NULL;
}
/* Takes `cost` from what may still be spent; false when nothing is left. */
static inline bool chk_spend(struct check *c, size_t cost)
{
	c->steps -= (int64_t)cost;
	return c->steps > 0;
}
/* A shortened text for a message. */
static inline struct str chk_brief(struct str s) { return s.n > 120 ? (struct str){ s.p, 120 } : s; }

void chk_principal(struct check *c, const struct check_stmt *s);
void chk_actions(struct check *c, const struct check_stmt *s);
void chk_resources(struct check *c, const struct check_stmt *s);
void chk_conditions(struct check *c, const struct check_stmt *s);
void chk_grant(struct check *c, const struct check_stmt *s);
void chk_cover(struct check *c, const struct check_stmt *all, size_t n);

/* Does the statement have a condition on this key (any case; a name ending in '/' means any tail)? */
bool chk_has_key(const struct check_stmt *s, struct str key);
/* Variables in a value: their form, and whether they may stand here. */
void chk_variables(struct check *c, const struct tree *v, bool allowed);
bool chk_has_variable(struct str s);

/* catalogue_action_next, paid for; it also ends when nothing is left to spend. */
bool chk_action_next(struct check *c, struct str pattern, struct catalogue_walk *it, struct catalogue_action *out);

/* Does every text that pattern b matches also match pattern a? When in doubt, false. */
bool chk_pattern_covers(struct check *c, struct str a, struct str b, bool fold);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Statements that do nothing, because another says as much or more.
 *
 *     allow under an unconditional deny      it can never take effect: UNREACHABLE_STATEMENT
 *     statement under one of its own effect  it changes nothing: REDUNDANT_STATEMENT
 *
 * A statement covers another when each of its elements does: every action of the other matches
 * one of its own, every resource too, the principals are the same or everyone, and it has no
 * condition, or the very same one. What cannot be told by reading is taken not to cover.
 */
#include "base/str.h"
#include "policy/check_int.h"

static bool list_covers(struct check *c, const struct tree *a, const struct tree *b, bool fold)
{
	for (const struct tree *v = chk_first(b); v != NULL; v = chk_next(b, v)) {
		const struct tree *w = chk_first(a);
		while (w != NULL && !chk_pattern_covers(c, w->text, v->text, fold))
			w = chk_next(a, w);
		if (w == NULL)
			return false;
	}
	return true;
}

/* The same JSON, white space and the order of members apart? */
static bool same(struct check *c, const struct tree *a, const struct tree *b)
{
	if (a == NULL || b == NULL)
		return a == b;
	if (a->kind != b->kind || a->n != b->n || !chk_spend(c, 10))
		return false;
	if (a->kind != TREE_OBJECT && a->kind != TREE_ARRAY)
		return str_eq(a->text, b->text);
	for (const struct tree *x = a->first, *y = b->first; x != NULL; x = x->next, y = y->next) {
		const struct tree *other = a->kind == TREE_OBJECT ? tree_member(b, x->key) : y;
		if (!chk_spend(c, b->n) || other == NULL || !same(c, x, other))
			return false;
	}
	return true;
}

/* Lists under Not...: only the same list is known to cover. */
static bool element_covers(struct check *c, const struct tree *a, bool not_a, const struct tree *b, bool not_b,
			   bool fold)
{
	if (not_a != not_b || a == NULL || b == NULL)
		return a == NULL && b == NULL;
	return not_a ? same(c, a, b) : list_covers(c, a, b, fold);
}

static bool principal_covers(struct check *c, const struct check_stmt *a, const struct check_stmt *b)
{
	const struct tree *p = a->principal;
	if (a->not_principal != b->not_principal)
		return false;
	if (p != NULL && p->kind == TREE_STRING && str_eq(p->text, S("*")))
		return true;
	return same(c, p, b->principal);
}

static bool covers(struct check *c, const struct check_stmt *a, const struct check_stmt *b)
{
	bool free = a->condition == NULL || a->condition->n == 0;
	return element_covers(c, a->action, a->not_action, b->action, b->not_action, true) &&
	       element_covers(c, a->resource, a->not_resource, b->resource, b->not_resource, false) &&
	       principal_covers(c, a, b) && (free || same(c, a->condition, b->condition));
}

static uint32_t line_of(const struct check *c, const struct tree *t)
{
	uint32_t line, column;
	tree_position(c->text, t->begin, &line, &column);
	return line;
}

/* The same thing said twice is told of the later statement only. */
static bool told_before(struct check *c, const struct check_stmt *other, const struct check_stmt *s)
{
	return other > s && other->allow == s->allow && covers(c, s, other);
}

static void find_cover(struct check *c, const struct check_stmt *all, size_t n, const struct check_stmt *s)
{
	for (size_t i = 0; i < n; i++) {
		const struct check_stmt *o = &all[i];
		bool same_effect = o->allow == s->allow && o->deny == s->deny;
		if (o == s || (!same_effect && !(o->deny && s->allow)) || !chk_spend(c, 20) || !covers(c, o, s))
			continue;
		if (!same_effect)
			chk_add(c, s->at, FINDING_WARNING, "UNREACHABLE_STATEMENT",
				"All this allows is denied by the statement in line %u.", line_of(c, o->at));
		else if (told_before(c, o, s))
			continue;
		else
			chk_add(c, s->at, FINDING_SUGGESTION, "REDUNDANT_STATEMENT",
				"The statement in line %u says all this and perhaps more.", line_of(c, o->at));
		return;
	}
}

static bool whole(const struct check *c, const struct check_stmt *s)
{
	bool trust = c->kind == POLICY_TRUST;
	return s->allow != s->deny && s->action != NULL && chk_first(s->action) != NULL &&
	       (trust || (s->resource != NULL && chk_first(s->resource) != NULL));
}

void chk_cover(struct check *c, const struct check_stmt *all, size_t n)
{
	struct check_stmt *good = NEWS(c->mem, struct check_stmt, n + 1);
	size_t k = 0;
	for (size_t i = 0; i < n; i++) {
		if (whole(c, &all[i]))
			good[k++] = all[i];
	}
	for (size_t i = 0; i < k && c->steps > 0; i++)
		find_cover(c, good, k, &good[i]);
}

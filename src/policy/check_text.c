/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Variables in values, and when one pattern covers another.
 */
#include "base/str.h"
#include "policy/check_int.h"
#include "policy/policy.h"

bool chk_action_next(struct check *c, struct str pattern, struct catalogue_walk *it, struct catalogue_action *out)
{
	enum { STEP = 16 };
	struct str rest = pattern, prefix = str_cut(&rest, ':');
	struct catalogue_service s;
	if (!it->started) {
		size_t n = catalogue_service_find(prefix, &s) ? s.actions : catalogue_action_count();
		if (!chk_spend(c, STEP * n))
			return false;
	}
	return chk_spend(c, 1) && catalogue_action_next(pattern, it, out);
}

bool chk_has_variable(struct str s) { return str_find(s, S("${")) != SIZE_MAX; }

/* The inside of one ${...}: "name", "name, 'default'", or one of * ? $. */
static void one_variable(struct check *c, const struct tree *v, struct str inside)
{
	struct str rest = inside, name = str_cut(&rest, ',');
	if (str_trim(inside).n == 0)
		chk_add(c, v, FINDING_ERROR, "EMPTY_VARIABLE", "${} names no variable.");
	else if (str_find_char(str_trim(name), ' ') != SIZE_MAX)
		chk_add(c, v, FINDING_ERROR, "UNSUPPORTED_SPACE_IN_VARIABLE",
			"A variable's name has no spaces: ${%.*s}.", PR(chk_brief(inside)));
	else if (rest.p != NULL) {
		rest = str_trim(rest);
		if (rest.n < 2 || rest.p[0] != '\'' || rest.p[rest.n - 1] != '\'')
			chk_add(c, v, FINDING_ERROR, "MISSING_QUOTE_IN_VARIABLE",
				"The default stands in single quotes: ${key, 'default'}.");
	}
}

static size_t closing(struct str s, size_t from)
{
	bool quoted = false;
	for (size_t i = from; i < s.n; i++) {
		if (s.p[i] == '\'')
			quoted = !quoted;
		if (s.p[i] == '}' && !quoted)
			return i;
	}
	return str_find_char(str_from(s, from), '}') == SIZE_MAX ? SIZE_MAX
								 : from + str_find_char(str_from(s, from), '}');
}

void chk_variables(struct check *c, const struct tree *v, bool allowed)
{
	if (v->kind != TREE_STRING || !chk_has_variable(v->text))
		return;
	if (!allowed) {
		chk_add(c, v, FINDING_ERROR, "VARIABLE_UNSUPPORTED_IN_ELEMENT",
			"Variables are for Resource and Condition.");
		return;
	}
	if (!c->v2012) {
		chk_add(c, v, FINDING_ERROR, "VARIABLE_UNSUPPORTED_IN_VERSION",
			"Variables need \"Version\": \"2012-10-17\"; here they are plain text.");
		return;
	}
	for (size_t i = 0; i + 1 < v->text.n; i++) {
		if (v->text.p[i] != '$' || v->text.p[i + 1] != '{')
			continue;
		size_t end = chk_spend(c, v->text.n) ? closing(v->text, i + 2) : SIZE_MAX;
		if (end == SIZE_MAX) {
			chk_add(c, v, FINDING_ERROR, "MISSING_BRACE_IN_VARIABLE", "The variable has no closing brace.");
			return;
		}
		one_variable(c, v, str_sub(v->text, i + 2, end - i - 2));
		i = end;
	}
}

/*
 * b, read as text, must match a: its own '*' is then a character that only a '*' of a can take,
 * because a '?' of a in front of it could be too short. A variable is taken as text as well.
 */
bool chk_pattern_covers(struct check *c, struct str a, struct str b, bool fold)
{
	bool one = str_find_char(a, '?') != SIZE_MAX, many = str_find_char(a, '*') != SIZE_MAX;
	if (!chk_spend(c, a.n < b.n ? a.n : b.n))
		return false;
	if (fold ? str_eq_ci(a, b) : str_eq(a, b))
		return true;
	if ((!one && !many) || (one && str_find_char(b, '*') != SIZE_MAX) || !chk_spend(c, a.n * b.n / 8))
		return false;
	return fold ? policy_wildcard_match_ci(a, b) : policy_wildcard_match(a, b);
}

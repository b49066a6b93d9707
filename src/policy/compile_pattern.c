/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Resource and condition values into patterns.
 *
 * What is a wildcard depends on the use: '*' and '?' are in resources, in ...Like and in
 * Arn... values, and are plain characters in StringEquals. ${name}, ${name, 'default'},
 * ${*}, ${?} and ${$} are variables in every use, but only under Version 2012-10-17
 * ("IAM policy elements: Variables and tags").
 *
 * A resource pattern is matched as one string, a '*' reaching across colons. AWS says so
 * of a '*' that ends a part of the ARN; one in the middle of an early part must stay in
 * its part ("IAM JSON policy elements: Resource"), so such a pattern is matched part by part.
 */
#include "policy/build.h"

struct scan { /* what a first look over the text finds */
	size_t colons, stars, ones, variables;
	bool last_star, inner_star; /* inner: a star in the first five parts that does not end its part */
	bool early_variable;        /* a variable before the fifth colon */
};

static bool variable_at(const struct build *b, struct str s, size_t i)
{
	return b->v2012 && s.p[i] == '$' && i + 1 < s.n && s.p[i + 1] == '{';
}

/* The index just behind the closing brace of the variable at i; 0 when it is not closed. */
static size_t variable_end(struct str s, size_t i)
{
	bool quoted = false;
	for (size_t k = i + 2; k < s.n; k++) {
		if (s.p[k] == '\'')
			quoted = !quoted;
		if (s.p[k] == '}' && !quoted)
			return k + 1;
	}
	return 0;
}

static struct status scan_text(struct build *b, const struct value *v, struct str s, struct scan *out)
{
	struct scan r = { 0 };
	for (size_t i = 0; i < s.n; i++) {
		if (variable_at(b, s, i)) {
			size_t end = variable_end(s, i);
			if (end == 0)
				return pol_refuse(b, v->at, POLICY_FAULT_SYNTAX, SYNTAX,
						  "the variable in \"%.*s\" is not closed", PR(s));
			r.variables++;
			r.early_variable |= r.colons < 5;
			i = end - 1;
			continue;
		}
		r.colons += s.p[i] == ':';
		r.ones += s.p[i] == '?';
		r.stars += s.p[i] == '*';
		if (s.p[i] == '*' && r.colons < 5 && i + 1 < s.n && s.p[i + 1] != ':')
			r.inner_star = true;
	}
	r.last_star = s.n > 0 && s.p[s.n - 1] == '*';
	*out = r;
	return OK;
}

static struct span part_of(struct span whole, size_t from, size_t n)
{
	return (struct span){ whole.off + (uint32_t)from, (uint32_t)n };
}

/* ${name} or ${name, 'default'}, whose inside is s[from, to). */
static struct status add_variable(struct build *b, const struct value *v, struct str s, size_t from, size_t to)
{
	struct str inside = str_sub(s, from, to - from);
	bool special = inside.n == 1 && memchr("*?$", inside.p[0], 3) != NULL;
	if (special) {
		*PUSH(b, toks, struct tok) = (struct tok){ .kind = TOK_LITERAL, .s = part_of(v->s, from, 1) };
		return OK;
	}
	struct str rest = inside, name = str_trim(str_cut(&rest, ','));
	struct tok t = { .kind = TOK_VARIABLE, .dflt = NO_SPAN };
	if (rest.p != NULL) {
		rest = str_trim(rest);
		if (rest.n < 2 || rest.p[0] != '\'' || rest.p[rest.n - 1] != '\'')
			return pol_refuse(b, v->at, POLICY_FAULT_SYNTAX, SYNTAX,
					  "the default in ${%.*s} must stand in single quotes", PR(inside));
		t.has_default = true;
		t.dflt = part_of(v->s, (size_t)(rest.p - s.p) + 1, rest.n - 2);
	}
	if (name.n == 0)
		return pol_refuse(b, v->at, POLICY_FAULT_SYNTAX, SYNTAX, "the variable ${%.*s} has no name",
				  PR(inside));
	t.s = part_of(v->s, (size_t)(name.p - s.p), name.n);
	t.key = (uint16_t)policy_key_find(name);
	t.hash = hash_ci(name);
	*PUSH(b, toks, struct tok) = t;
	return OK;
}

static void add_literal(struct build *b, const struct value *v, size_t from, size_t to)
{
	if (to > from)
		*PUSH(b, toks, struct tok) = (struct tok){ .kind = TOK_LITERAL, .s = part_of(v->s, from, to - from) };
}

static bool is_special(char c, bool wild, bool parts, size_t colons)
{
	return (wild && (c == '*' || c == '?')) || (parts && c == ':' && colons < 5);
}

static struct status add_tokens(struct build *b, const struct value *v, struct str s, bool wild, bool parts)
{
	size_t from = 0, colons = 0;
	for (size_t i = 0; i < s.n; i++) {
		if (variable_at(b, s, i)) {
			size_t end = variable_end(s, i);
			add_literal(b, v, from, i);
			TRY(add_variable(b, v, s, i + 2, end - 1));
			from = end;
			i = end - 1;
			continue;
		}
		if (!is_special(s.p[i], wild, parts, colons))
			continue;
		add_literal(b, v, from, i);
		from = i + 1;
		colons += s.p[i] == ':';
		uint8_t kind = s.p[i] == '*' ? TOK_STAR : s.p[i] == '?' ? TOK_ONE : TOK_COLON;
		*PUSH(b, toks, struct tok) = (struct tok){ .kind = kind };
	}
	add_literal(b, v, from, s.n);
	return OK;
}

static struct status compile_tokens(struct build *b, const struct value *v, struct str s, bool wild, bool parts,
				    struct pat *out)
{
	size_t first = b->toks.n, variables = 0;
	TRY(add_tokens(b, v, s, wild, parts));
	for (size_t i = first; i < b->toks.n; i++)
		variables += TABLE(b, toks, struct tok)[i].kind == TOK_VARIABLE;
	if (variables > POLICY_VARIABLES_MAX || b->toks.n - first > UINT16_MAX)
		return pol_refuse(b, v->at, POLICY_FAULT_SIZE, SYNTAX,
				  "this value has too many wildcards or variables");
	*out = (struct pat){
		.form = parts ? PAT_ARN : PAT_TOKENS,
		.variables = (uint8_t)variables,
		.tok0 = (uint32_t)first,
		.tok_n = (uint16_t)(b->toks.n - first),
		.lit = v->s,
	};
	return OK;
}

struct status pol_compile_pattern(struct build *b, const struct value *v, enum pat_use use, struct pat *out)
{
	struct str s = pol_chars_of(b, v->s);
	struct scan r = { 0 };
	bool wild = use != USE_EQUALS;
	TRY(scan_text(b, v, s, &r));
	if (use == USE_RESOURCE && r.early_variable)
		return pol_refuse(b, v->at, POLICY_FAULT_RESOURCE, LEGACY,
				  "a variable can stand only in the last part of an ARN, behind the fifth colon");
	bool whole = use != USE_ARN || r.colons >= 5; /* may it be matched as one string? */
	if (r.variables == 0 && whole && (!wild || r.stars + r.ones == 0)) {
		*out = (struct pat){ .form = PAT_EXACT, .lit = v->s };
		return OK;
	}
	if (wild && s.n == 1 && r.stars == 1) {
		*out = (struct pat){ .form = PAT_ALL, .lit = v->s };
		return OK;
	}
	if (wild && r.variables == 0 && r.stars == 1 && r.ones == 0 && r.last_star && whole) {
		*out = (struct pat){ .form = PAT_PREFIX, .lit = { v->s.off, v->s.len - 1 } };
		return OK;
	}
	bool parts = use == USE_ARN || (use == USE_RESOURCE && r.inner_star && r.colons >= 5);
	if (r.variables == 0) {
		*out = (struct pat){ .form = parts ? PAT_GLOB_ARN : PAT_GLOB, .lit = v->s };
		return OK;
	}
	return compile_tokens(b, v, s, wild, parts, out);
}

uint32_t pol_pattern_heads(const struct build *b, struct str s)
{
	struct str head = pol_head(s);
	for (size_t i = 0; i < head.n; i++) {
		if (s.p[i] == '*' || s.p[i] == '?' || variable_at(b, s, i))
			return UINT32_MAX;
	}
	return pol_head_bit(head);
}

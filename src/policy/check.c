/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The document and its statements: which elements there are, which are missing, which do
 * not belong. What stands in them is looked at in the check_*.c beside this file.
 *
 * At the end the document is compiled as the server would. Should that refuse what nothing
 * here has found wrong, the refusal is a finding, so that "no errors" means "it can be stored".
 */
#include "policy/check_int.h"
#include "base/str.h"

#include <stdarg.h>
#include <stdio.h>

enum { STEPS = 40 * 1000 * 1000, SCP_QUOTA = 5120, MANAGED_QUOTA = 6144 };

const char *policy_finding_type_name(enum policy_finding_type type)
{
	static const char *const names[] = { "ERROR", "SECURITY_WARNING", "WARNING", "SUGGESTION" };
	return names[type];
}

/* ---- findings ---- */

static void add(struct check *c, const struct tree *at, uint32_t begin, uint32_t end, enum policy_finding_type type,
		const char *code, const char *text, va_list ap)
{
	if (c->n == POLICY_FINDINGS_MAX) {
		c->cut = true;
		return;
	}
	c->errors |= type == FINDING_ERROR;
	c->found[c->n++] = (struct policy_finding){
		.type = type,
		.code = code,
		.text = arena_vprintf(c->mem, text, ap),
		.path = tree_path(c->mem, at),
		.begin = begin,
		.end = end,
	};
}

void chk_add(struct check *c, const struct tree *at, enum policy_finding_type type, const char *code, const char *text,
	     ...)
{
	va_list ap;
	va_start(ap, text);
	add(c, at, at->begin, at->end, type, code, text, ap);
	va_end(ap);
}

void chk_add_key(struct check *c, const struct tree *at, enum policy_finding_type type, const char *code,
		 const char *text, ...)
{
	va_list ap;
	va_start(ap, text);
	add(c, at, at->key.p != NULL ? at->key_begin : at->begin, at->key.p != NULL ? at->key_end : at->end, type, code,
	    text, ap);
	va_end(ap);
}

static void add_at(struct check *c, size_t offset, const char *code, const char *text, ...)
{
	va_list ap;
	va_start(ap, text);
	add(c, NULL, (uint32_t)offset, (uint32_t)offset, FINDING_ERROR, code, text, ap);
	va_end(ap);
}

static int by_place(const void *a, const void *b)
{
	const struct policy_finding *x = a, *y = b;
	if (x->begin != y->begin)
		return x->begin < y->begin ? -1 : 1;
	if (x->type != y->type)
		return (int)x->type - (int)y->type;
	return strcmp(x->code, y->code);
}

static void finish(struct check *c, struct policy_findings *out)
{
	size_t at = 0;
	uint32_t line = 1, column = 1;
	qsort(c->found, c->n, sizeof *c->found, by_place);
	for (size_t i = 0; i < c->n; i++) {
		for (; at < c->found[i].begin && at < c->text.n; at++) {
			column = c->text.p[at] == '\n' ? 1 : column + 1;
			line += c->text.p[at] == '\n';
		}
		c->found[i].line = line;
		c->found[i].column = column;
	}
	*out = (struct policy_findings){ c->found, c->n, c->cut };
}

/* ---- members of an object ---- */

static void no_repeats(struct check *c, const struct tree *object)
{
	for (const struct tree *m = object->first; m != NULL; m = m->next) {
		const struct tree *first = chk_spend(c, object->n) ? tree_member(object, m->key) : m;
		if (first != m)
			chk_add_key(c, m, FINDING_ERROR, "JSON_SYNTAX_ERROR", "\"%.*s\" comes twice in this object.",
				    PR(chk_brief(m->key)));
	}
}

static const struct str statement_elements[] = {
	{ "Sid", 3 },       { "Effect", 6 },   { "Principal", 9 },    { "NotPrincipal", 12 }, { "Action", 6 },
	{ "NotAction", 9 }, { "Resource", 8 }, { "NotResource", 11 }, { "Condition", 9 },
};
static const struct str document_elements[] = { { "Version", 7 }, { "Id", 2 }, { "Statement", 9 } };

static void only_known(struct check *c, const struct tree *object, const struct str *known, size_t n, const char *of)
{
	for (const struct tree *m = object->first; m != NULL; m = m->next) {
		size_t i = 0;
		while (i < n && !str_eq_ci(known[i], m->key))
			i++;
		if (i == n)
			chk_add_key(c, m, FINDING_ERROR, "INVALID_POLICY_ELEMENT", "A %s has no element \"%.*s\".", of,
				    PR(chk_brief(m->key)));
		else if (!str_eq(known[i], m->key))
			chk_add_key(c, m, FINDING_ERROR, "INVALID_POLICY_ELEMENT",
				    "The element is spelt \"%.*s\"; case matters.", PR(known[i]));
	}
}

/* The member, if it is of that type; a wrong type is a finding. */
static const struct tree *typed(struct check *c, const struct tree *object, struct str name, enum tree_kind kind)
{
	const struct tree *m = tree_member(object, name);
	if (m == NULL || m->kind == kind)
		return m;
	chk_add(c, m, FINDING_ERROR, "DATA_TYPE_MISMATCH", "%.*s must be %s, not %s.", PR(name), tree_kind_name(kind),
		tree_kind_name(m->kind));
	return NULL;
}

/* A string or a list of strings; others in it are findings, and the element is then not looked at. */
static const struct tree *strings(struct check *c, const struct tree *object, struct str name, const char *empty)
{
	const struct tree *m = tree_member(object, name);
	bool good = m != NULL;
	for (const struct tree *v = chk_first(m); v != NULL; v = chk_next(m, v)) {
		if (v->kind == TREE_STRING)
			continue;
		good = false;
		chk_add(c, v, FINDING_ERROR, "DATA_TYPE_MISMATCH", "%.*s takes a string or a list of strings, not %s.",
			PR(name), tree_kind_name(v->kind));
	}
	if (m != NULL && m->kind == TREE_ARRAY && m->n == 0)
		chk_add(c, m, FINDING_SUGGESTION, empty, "The list is empty, so the statement does nothing.");
	return good ? m : NULL;
}

/* ---- a statement ---- */

static bool names_principals(enum policy_kind k)
{
	return k == POLICY_RESOURCE || k == POLICY_TRUST || k == POLICY_ENDPOINT || k == POLICY_RCP;
}

/* "Action" or "NotAction": which there is; both together are a finding. */
static struct str which_of(struct check *c, const struct tree *s, struct str plain, struct str negated, bool *not_form)
{
	const struct tree *a = tree_member(s, plain), *b = tree_member(s, negated);
	*not_form = a == NULL && b != NULL;
	if (a != NULL && b != NULL)
		chk_add_key(c, b, FINDING_ERROR, "UNSUPPORTED_ELEMENT_COMBINATION",
			    "%.*s and %.*s cannot stand in one statement.", PR(plain), PR(negated));
	return *not_form ? negated : plain;
}

static void read_effect(struct check *c, struct check_stmt *s)
{
	s->effect = typed(c, s->at, S("Effect"), TREE_STRING);
	if (tree_member(s->at, S("Effect")) == NULL) {
		chk_add(c, s->at, FINDING_ERROR, "MISSING_EFFECT", "The statement has no Effect: Allow or Deny.");
		return;
	}
	if (s->effect == NULL)
		return;
	s->allow = str_eq(s->effect->text, S("Allow"));
	s->deny = str_eq(s->effect->text, S("Deny"));
	if (!s->allow && !s->deny)
		chk_add(c, s->effect, FINDING_ERROR, "INVALID_EFFECT", "Effect is Allow or Deny, not \"%.*s\".",
			PR(chk_brief(s->effect->text)));
}

static void read_sid(struct check *c, struct check_stmt *s)
{
	bool strict = c->kind != POLICY_RESOURCE && c->kind != POLICY_ENDPOINT;
	s->sid = typed(c, s->at, S("Sid"), TREE_STRING);
	if (s->sid == NULL)
		return;
	if (s->sid->text.n == 0)
		chk_add(c, s->sid, FINDING_SUGGESTION, "EMPTY_SID_VALUE", "The Sid is empty: name it or leave it out.");
	for (size_t i = 0; strict && i < s->sid->text.n; i++) {
		if (char_alnum(s->sid->text.p[i]))
			continue;
		chk_add(c, s->sid, FINDING_ERROR, "UNSUPPORTED_SID", "A Sid has only A-Z, a-z and 0-9 here.");
		return;
	}
}

static void read_principal(struct check *c, struct check_stmt *s)
{
	struct str name = which_of(c, s->at, S("Principal"), S("NotPrincipal"), &s->not_principal);
	s->principal = tree_member(s->at, name);
	if (names_principals(c->kind) && s->principal == NULL)
		chk_add(c, s->at, FINDING_ERROR, "MISSING_PRINCIPAL",
			"The statement does not say whom it is about: add a Principal.");
	if (names_principals(c->kind) || s->principal == NULL)
		return;
	bool scp = c->kind == POLICY_SCP;
	chk_add_key(c, s->principal, FINDING_ERROR, scp ? "SCP_SYNTAX_ERROR_PRINCIPAL" : "UNSUPPORTED_PRINCIPAL",
		    "%.*s does not belong here: the policy is about whom it is attached to.", PR(name));
	s->principal = NULL;
}

static void read_resource(struct check *c, struct check_stmt *s)
{
	struct str name = which_of(c, s->at, S("Resource"), S("NotResource"), &s->not_resource);
	const struct tree *m = tree_member(s->at, name);
	if (c->kind == POLICY_TRUST) {
		if (m != NULL)
			chk_add_key(c, m, FINDING_ERROR,
				    s->not_resource ? "ROLE_TRUST_POLICY_SYNTAX_ERROR_NOTRESOURCE"
						    : "ROLE_TRUST_POLICY_SYNTAX_ERROR_RESOURCE",
				    "A trust policy is about its own role and has no %.*s.", PR(name));
		return;
	}
	s->resource = strings(c, s->at, name, "EMPTY_ARRAY_RESOURCE");
	if (m == NULL)
		chk_add(c, s->at, FINDING_ERROR, "MISSING_RESOURCE", "The statement has no Resource or NotResource.");
}

static void read_statement(struct check *c, const struct tree *at, struct check_stmt *s)
{
	*s = (struct check_stmt){ .at = at };
	no_repeats(c, at);
	only_known(c, at, statement_elements, COUNT(statement_elements), "statement");
	read_effect(c, s);
	read_sid(c, s);
	read_principal(c, s);
	struct str action = which_of(c, at, S("Action"), S("NotAction"), &s->not_action);
	if (tree_member(at, action) == NULL)
		chk_add(c, at, FINDING_ERROR, "MISSING_ACTION", "The statement has no Action or NotAction.");
	s->action = strings(c, at, action, "EMPTY_ARRAY_ACTION");
	read_resource(c, s);
	s->condition = typed(c, at, S("Condition"), TREE_OBJECT);
}

static int by_sid(const void *a, const void *b)
{
	const struct tree *x = *(const struct tree *const *)a, *y = *(const struct tree *const *)b;
	int d = str_cmp(x->text, y->text);
	return d != 0 ? d : (x->begin > y->begin) - (x->begin < y->begin);
}

static void unique_sids(struct check *c, const struct check_stmt *all, size_t n)
{
	bool strict = c->kind != POLICY_RESOURCE && c->kind != POLICY_ENDPOINT;
	const struct tree **sids = NEWS(c->mem, const struct tree *, n + 1);
	size_t k = 0;
	for (size_t i = 0; i < n; i++) {
		if (all[i].sid != NULL && all[i].sid->text.n > 0)
			sids[k++] = all[i].sid;
	}
	qsort(sids, k, sizeof(const struct tree *), by_sid);
	for (size_t i = 1; i < k; i++) {
		if (str_eq(sids[i]->text, sids[i - 1]->text))
			chk_add(c, sids[i], strict ? FINDING_ERROR : FINDING_WARNING,
				strict ? "UNIQUE_SIDS_REQUIRED" : "UNIQUE_SIDS_RECOMMENDED",
				"Another statement has the Sid \"%.*s\".", PR(chk_brief(sids[i]->text)));
	}
}

/* ---- the document ---- */

static void read_version(struct check *c, const struct tree *root)
{
	const struct tree *v = typed(c, root, S("Version"), TREE_STRING);
	if (tree_member(root, S("Version")) == NULL)
		chk_add(c, root, FINDING_WARNING, "MISSING_VERSION",
			"Without \"Version\": \"2012-10-17\" variables are plain text.");
	if (v == NULL)
		return;
	c->v2012 = str_eq(v->text, S("2012-10-17"));
	if (!c->v2012 && !str_eq(v->text, S("2008-10-17")))
		chk_add(c, v, FINDING_ERROR, "INVALID_VERSION", "Version is 2012-10-17 or, of old, 2008-10-17.");
}

static void check_size(struct check *c, const struct tree *root)
{
	size_t n = policy_quota_size(c->text);
	if (c->kind == POLICY_SCP && n > SCP_QUOTA)
		chk_add(c, root, FINDING_ERROR, "POLICY_SIZE_EXCEEDS_SCP_QUOTA",
			"%zu characters, white space apart; a service control policy has at most %d.", n, SCP_QUOTA);
	if (c->kind == POLICY_RCP && n > SCP_QUOTA)
		chk_add(c, root, FINDING_ERROR, "POLICY_SIZE_EXCEEDS_RCP_QUOTA",
			"%zu characters, white space apart; a resource control policy has at most %d.", n, SCP_QUOTA);
	if ((c->kind == POLICY_IDENTITY || c->kind == POLICY_BOUNDARY) && n > MANAGED_QUOTA)
		chk_add(c, root, FINDING_WARNING, "POLICY_SIZE_EXCEEDS_IDENTITY_POLICY_QUOTA",
			"%zu characters, white space apart; a managed policy has at most %d.", n, MANAGED_QUOTA);
}

static void check_statements(struct check *c, const struct tree *list)
{
	size_t n = list->kind == TREE_ARRAY ? list->n : 1, k = 0;
	struct check_stmt *all = NEWS(c->mem, struct check_stmt, n + 1);
	for (const struct tree *t = chk_first(list); t != NULL; t = chk_next(list, t)) {
		if (t->kind != TREE_OBJECT) {
			chk_add(c, t, FINDING_ERROR, "DATA_TYPE_MISMATCH", "A statement is an object, not %s.",
				tree_kind_name(t->kind));
			continue;
		}
		struct check_stmt *s = &all[k++];
		read_statement(c, t, s);
		chk_principal(c, s);
		chk_actions(c, s);
		chk_resources(c, s);
		chk_conditions(c, s);
		chk_grant(c, s);
	}
	unique_sids(c, all, k);
	chk_cover(c, all, k);
}

static void check_root(struct check *c, const struct tree *root)
{
	if (root->kind != TREE_OBJECT) {
		chk_add(c, root, FINDING_ERROR, "DATA_TYPE_MISMATCH", "A policy is an object, not %s.",
			tree_kind_name(root->kind));
		return;
	}
	no_repeats(c, root);
	only_known(c, root, document_elements, COUNT(document_elements), "policy");
	read_version(c, root);
	check_size(c, root);
	(void)typed(c, root, S("Id"), TREE_STRING);
	const struct tree *list = tree_member(root, S("Statement"));
	if (list == NULL || (list->kind == TREE_ARRAY && list->n == 0))
		chk_add(c, list != NULL ? list : root, FINDING_ERROR, "MISSING_STATEMENT",
			"The policy has no statement.");
	else
		check_statements(c, list);
}

/* What the server would say that nothing above has. */
static void check_compiled(struct check *c)
{
	static const char *const codes[] = {
		[POLICY_FAULT_NONE] = "INVALID_POLICY_ELEMENT",
		[POLICY_FAULT_SIZE] = "POLICY_TOO_BIG",
		[POLICY_FAULT_JSON] = "JSON_SYNTAX_ERROR",
		[POLICY_FAULT_SYNTAX] = "INVALID_POLICY_ELEMENT",
		[POLICY_FAULT_VERSION] = "INVALID_VERSION",
		[POLICY_FAULT_SID] = "UNSUPPORTED_SID",
		[POLICY_FAULT_EFFECT] = "INVALID_EFFECT",
		[POLICY_FAULT_NO_PRINCIPAL] = "MISSING_PRINCIPAL",
		[POLICY_FAULT_PRINCIPAL] = "INVALID_PRINCIPAL_FORMAT",
		[POLICY_FAULT_NO_ACTION] = "MISSING_ACTION",
		[POLICY_FAULT_ACTION] = "INVALID_ACTION",
		[POLICY_FAULT_NO_RESOURCE] = "MISSING_RESOURCE",
		[POLICY_FAULT_RESOURCE] = "INVALID_ARN_RESOURCE",
		[POLICY_FAULT_CONDITION] = "INVALID_CONDITION_OPERATOR",
	};
	struct policy *p = NULL;
	struct policy_error err = { 0 };
	if (!failed(policy_compile(c->text, c->kind, &p, &err)))
		policy_unref(p);
	else if (!c->errors)
		add_at(c, err.offset, codes[err.fault], "This is refused: %s.", err.why);
}

void policy_check(struct arena *mem, struct str document, enum policy_kind kind, struct policy_findings *out)
{
	struct check c = { .mem = mem, .text = document, .kind = kind, .steps = STEPS };
	struct tree_error err;
	const struct tree *root;
	assert(kind > POLICY_NONE && kind < POLICY_KIND_COUNT);
	c.found = NEWS(mem, struct policy_finding, POLICY_FINDINGS_MAX);
	if (document.n > POLICY_TEXT_MAX)
		add_at(&c, POLICY_TEXT_MAX, "POLICY_TOO_BIG", "A policy has at most %d bytes.", POLICY_TEXT_MAX);
	else if (failed(tree_parse(mem, document, &root, &err)))
		add_at(&c, err.offset, "JSON_SYNTAX_ERROR", "This is not JSON: %s.", err.why);
	else
		check_root(&c, root);
	if (!c.errors)
		check_compiled(&c);
	finish(&c, out);
}

/* ---- which kind ---- */

static bool all_of_sts(const struct tree *action)
{
	for (const struct tree *v = chk_first(action); v != NULL; v = chk_next(action, v)) {
		if (v->kind != TREE_STRING || !str_starts_ci(v->text, S("sts:")))
			return false;
	}
	return action != NULL;
}

enum policy_kind policy_kind_guess(struct arena *mem, struct str document)
{
	struct tree_error err;
	const struct tree *root;
	if (document.n > POLICY_TEXT_MAX || failed(tree_parse(mem, document, &root, &err)))
		return POLICY_IDENTITY;
	const struct tree *list = tree_member(root, S("Statement"));
	bool principals = false, trust = true;
	for (const struct tree *t = chk_first(list); t != NULL; t = chk_next(list, t)) {
		bool resource = tree_member(t, S("Resource")) != NULL || tree_member(t, S("NotResource")) != NULL;
		principals |= tree_member(t, S("Principal")) != NULL || tree_member(t, S("NotPrincipal")) != NULL;
		trust = trust && !resource && all_of_sts(tree_member(t, S("Action")));
	}
	return !principals ? POLICY_IDENTITY : trust ? POLICY_TRUST : POLICY_RESOURCE;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files of cases. A case lacks what the file's defaults then give: a member is taken from the
 * one or from the other, whole; only "policies" and "context" are put together name by name.
 */
#include "base/buf.h"
#include "base/str.h"
#include "policy/case_int.h"
#include "policy/catalogue.h"
#include "policy/tree.h"

#include <stdarg.h>

struct reading {
	struct policy_cases *cs;
	struct str file, text;
	struct policy_case_error *err;
	const struct tree *defaults; /* NULL: none */
	struct loaded {
		struct str path, text;
		struct loaded *next;
	} * files;
};

static struct status refuse(struct reading *r, const struct tree *at, bool key, const char *why, ...)
    __attribute__((format(printf, 4, 5)));
static struct status refuse(struct reading *r, const struct tree *at, bool key, const char *why, ...)
{
	va_list ap;
	va_start(ap, why);
	*r->err = (struct policy_case_error){ .file = r->file, .why = arena_vprintf(r->cs->mem, why, ap) };
	va_end(ap);
	tree_position(r->text, key && at->key.p != NULL ? at->key_begin : at->begin, &r->err->line, &r->err->column);
	return ERR(E_INVALID);
}

static struct status only(struct reading *r, const struct tree *object, const char *what, const char *const *known)
{
	if (object->kind != TREE_OBJECT)
		return refuse(r, object, false, "%s is an object, not %s", what, tree_kind_name(object->kind));
	for (const struct tree *m = object->first; m != NULL; m = m->next) {
		size_t i = 0;
		while (known[i] != NULL && !str_eq(str_of(known[i]), m->key))
			i++;
		if (known[i] == NULL)
			return refuse(r, m, true, "%s has no member \"%.*s\"", what, PR(m->key));
		if (tree_member(object, m->key) != m)
			return refuse(r, m, true, "\"%.*s\" comes twice", PR(m->key));
	}
	return OK;
}

static const struct tree *given(const struct reading *r, const struct tree *c, struct str name)
{
	const struct tree *m = tree_member(c, name);
	return m == NULL && r->defaults != NULL ? tree_member(r->defaults, name) : m;
}

static struct status string_of(struct reading *r, const struct tree *t, const char *what, struct str *out)
{
	if (t->kind != TREE_STRING)
		return refuse(r, t, false, "%s is a string, not %s", what, tree_kind_name(t->kind));
	*out = t->text;
	return OK;
}

/* A string, or a list of them. */
static struct status strings_of(struct reading *r, const struct tree *t, const char *what, struct policy_case_list *out)
{
	bool list = t->kind == TREE_ARRAY;
	out->v = NEWS(r->cs->mem, struct str, (list ? t->n : 1) + 1);
	if (list && t->n == 0)
		return refuse(r, t, false, "%s is an empty list", what);
	for (const struct tree *v = list ? t->first : t; v != NULL; v = list ? v->next : NULL)
		TRY(string_of(r, v, what, &out->v[out->n++]));
	return OK;
}

/* ---- the principal ---- */

static struct status principal_member(struct reading *r, const struct tree *p, struct str name, struct str *out)
{
	const struct tree *m = tree_member(p, name);
	return m == NULL ? OK : string_of(r, m, "this", out);
}

static struct status principal_object(struct reading *r, struct policy_case *c, const struct tree *p)
{
	static const char *const known[] = {
		"arn", "role", "session", "user", "id", "service", "provider", "tags", NULL
	};
	struct str arn = { 0 }, session = { 0 }, service = { 0 };
	TRY(only(r, p, "a principal", known));
	TRY(principal_member(r, p, S("arn"), &arn));
	TRY(principal_member(r, p, S("session"), &session));
	TRY(principal_member(r, p, S("service"), &service));
	if (arn.p != NULL || service.p != NULL) {
		if (failed(policy_case_principal(r->cs, c, arn.p != NULL ? arn : service)))
			return refuse(r, p, false,
				      "this names no user, role, session, root, federated user or service");
	} else if (tree_member(p, S("provider")) != NULL) {
		c->who.kind = POLICY_WEB_IDENTITY;
	} else {
		return refuse(r, p, false, "a principal has an arn, a service or a provider");
	}
	if (session.p != NULL && c->who.kind != POLICY_ROLE_SESSION)
		return refuse(r, p, false, "only a role has a session");
	if (session.p != NULL && str_ends(c->who.arn, S("/session"))) /* as policy_case_principal made it of a role */
		c->who.arn = arena_printf(r->cs->mem, "%.*s/%.*s", (int)(c->who.arn.n - 8), c->who.arn.p, PR(session));
	TRY(principal_member(r, p, S("role"), &c->who.issuer));
	TRY(principal_member(r, p, S("user"), &c->who.issuer));
	TRY(principal_member(r, p, S("provider"), &c->who.provider));
	return principal_member(r, p, S("id"), &c->who.id);
}

static struct status read_principal(struct reading *r, struct policy_case *c, const struct tree *p)
{
	if (p->kind != TREE_STRING)
		return principal_object(r, c, p);
	if (failed(policy_case_principal(r->cs, c, p->text)))
		return refuse(
		    r, p, false,
		    "\"%.*s\" is not the ARN of a user, role, session, root or federated user, a service's name, or "
		    "anonymous",
		    PR(p->text));
	return OK;
}

/* ---- the context ---- */

static struct status put_key(struct reading *r, struct policy_case *c, struct str name, const struct tree *value)
{
	bool list = value->kind == TREE_ARRAY;
	struct catalogue_key key;
	struct str *v = NEWS(r->cs->mem, struct str, (list ? value->n : 1) + 1);
	size_t n = 0;
	if (str_find_char(name, ':') == SIZE_MAX)
		return refuse(r, value, true, "a condition key is of the form service:name");
	for (const struct tree *t = list ? value->first : value; t != NULL; t = list ? t->next : NULL) {
		if (t->kind != TREE_STRING && t->kind != TREE_NUMBER && t->kind != TREE_BOOL)
			return refuse(r, t, false, "a value is a string, a number or a boolean, not %s",
				      tree_kind_name(t->kind));
		v[n++] = t->text;
	}
	bool multi = list || (catalogue_key_find(name, &key) && key.multi);
	policy_context_put_named(&c->cx, name, v, n, multi);
	return OK;
}

static struct status put_keys(struct reading *r, struct policy_case *c, const struct tree *object, const char *prefix)
{
	if (object == NULL)
		return OK;
	if (object->kind != TREE_OBJECT)
		return refuse(r, object, false, "an object of keys and values was expected, not %s",
			      tree_kind_name(object->kind));
	if (object->n > CASE_KEYS_MAX)
		return refuse(r, object, false, "more than %d keys", CASE_KEYS_MAX);
	for (const struct tree *k = object->first; k != NULL; k = k->next)
		TRY(put_key(r, c, arena_printf(r->cs->mem, "%s%.*s", prefix, PR(k->key)), k));
	return OK;
}

static struct status read_context(struct reading *r, struct policy_case *c, const struct tree *t)
{
	const struct tree *who = given(r, t, S("principal"));
	policy_context_principal(&c->cx, &c->who);
	TRY(put_keys(r, c, who != NULL ? tree_member(who, S("tags")) : NULL, "aws:PrincipalTag/"));
	TRY(put_keys(r, c, r->defaults != NULL ? tree_member(r->defaults, S("context")) : NULL, ""));
	return put_keys(r, c, tree_member(t, S("context")), "");
}

/* ---- policies ---- */

static struct status load(struct reading *r, const struct tree *at, struct str *text)
{
	for (const struct loaded *f = r->files; f != NULL; f = f->next) {
		if (str_eq(f->path, at->text)) {
			*text = f->text;
			return OK;
		}
	}
	struct status st = r->cs->load(r->cs->arg, r->cs->mem, at->text, text);
	if (failed(st))
		return refuse(r, at, false, "%.*s cannot be read", PR(at->text));
	struct loaded *f = NEW(r->cs->mem, struct loaded);
	*f = (struct loaded){ at->text, *text, r->files };
	r->files = f;
	return OK;
}

static struct status put_policy(struct reading *r, struct policy_case *c, enum policy_kind kind, const struct tree *t)
{
	const struct policy *p;
	struct str text = r->text, name = r->file;
	size_t base = t->begin, n = t->end - t->begin;
	if (t->kind == TREE_STRING) {
		TRY(load(r, t, &text));
		name = t->text;
		base = 0;
		n = text.n;
	} else if (t->kind != TREE_OBJECT) {
		return refuse(r, t, false, "a policy is an object, or the name of its file, not %s",
			      tree_kind_name(t->kind));
	}
	TRY(case_compile(r->cs, kind, name, text, base, n, &p, r->err));
	case_put(r->cs, c, kind, p);
	return OK;
}

static struct status put_list(struct reading *r, struct policy_case *c, enum policy_kind kind, const struct tree *t)
{
	bool list = t->kind == TREE_ARRAY;
	for (const struct tree *v = list ? t->first : t; v != NULL; v = list ? v->next : NULL)
		TRY(put_policy(r, c, kind, v));
	return OK;
}

/* A list of levels, root first; a level is a policy or a list of them. */
static struct status put_levels(struct reading *r, struct policy_case *c, enum policy_kind kind, const struct tree *t)
{
	if (t->kind != TREE_ARRAY)
		return refuse(r, t, false, "a list of levels was expected, not %s", tree_kind_name(t->kind));
	for (const struct tree *level = t->first; level != NULL; level = level->next) {
		bool scp = kind == POLICY_SCP;
		case_add_level(r->cs, scp ? &c->rq.scps : &c->rq.rcps, scp ? &c->rq.scps_n : &c->rq.rcps_n);
		TRY(put_list(r, c, kind, level));
	}
	return OK;
}

static struct status read_policies(struct reading *r, struct policy_case *c, const struct tree *own,
				   const struct tree *defaults)
{
	static const struct {
		const char *name;
		enum policy_kind kind;
		bool list, levels;
	} members[] = {
		{ "identity", POLICY_IDENTITY, true, false },
		{ "session", POLICY_SESSION, true, false },
		{ "boundary", POLICY_BOUNDARY, false, false },
		{ "endpoint", POLICY_ENDPOINT, false, false },
		{ "resource", POLICY_RESOURCE, false, false },
		{ "key", POLICY_RESOURCE, false, false },
		{ "trust", POLICY_TRUST, false, false },
		{ "scp", POLICY_SCP, false, true },
		{ "rcp", POLICY_RCP, false, true },
	};
	for (size_t i = 0; i < COUNT(members); i++) {
		const struct tree *t = own != NULL ? tree_member(own, str_of(members[i].name)) : NULL;
		if (t == NULL && defaults != NULL)
			t = tree_member(defaults, str_of(members[i].name));
		if (t == NULL)
			continue;
		if (members[i].levels)
			TRY(put_levels(r, c, members[i].kind, t));
		else if (members[i].list)
			TRY(put_list(r, c, members[i].kind, t));
		else
			TRY(put_policy(r, c, members[i].kind, t));
		if (!strcmp(members[i].name, "key"))
			c->rq.mode = POLICY_KEY;
	}
	return OK;
}

static struct status check_policies(struct reading *r, const struct tree *t)
{
	static const char *const known[] = { "identity", "session", "boundary", "endpoint", "resource",
					     "key",      "trust",   "scp",      "rcp",      NULL };
	return t == NULL ? OK : only(r, t, "\"policies\"", known);
}

/* ---- what is expected ---- */

static struct status read_expectation(struct reading *r, struct policy_case *c, const struct tree *t)
{
	const struct tree *expect = given(r, t, S("expect")), *by = given(r, t, S("by"));
	static const char *const kinds[] = { "identity", "boundary", "session", "resource",
					     "trust",    "endpoint", "scp",     "rcp" };
	struct str what, who;
	if (expect == NULL)
		return refuse(r, t, false, "the case does not say what it expects");
	TRY(string_of(r, expect, "\"expect\"", &what));
	c->allow = str_eq(what, S("allow"));
	c->implicit_deny = str_eq(what, S("deny")) || str_eq(what, S("implicit-deny"));
	c->explicit_deny = str_eq(what, S("deny")) || str_eq(what, S("explicit-deny"));
	if (!c->allow && !c->implicit_deny && !c->explicit_deny)
		return refuse(r, expect, false, "\"expect\" is allow, deny, implicit-deny or explicit-deny");
	if (by != NULL) {
		static const enum policy_kind values[] = { POLICY_IDENTITY, POLICY_BOUNDARY, POLICY_SESSION,
							   POLICY_RESOURCE, POLICY_TRUST,    POLICY_ENDPOINT,
							   POLICY_SCP,      POLICY_RCP };
		TRY(string_of(r, by, "\"by\"", &who));
		size_t i = 0;
		while (i < COUNT(kinds) && !str_eq(who, str_of(kinds[i])))
			i++;
		if (i == COUNT(kinds))
			return refuse(r, by, false,
				      "\"by\" is a kind of policy: identity, boundary, session, resource, trust, "
				      "endpoint, scp or rcp");
		c->by = values[i];
	}
	const struct tree *sid = given(r, t, S("sid")), *message = given(r, t, S("message"));
	if (sid != NULL)
		TRY(string_of(r, sid, "\"sid\"", &c->sid));
	return message != NULL ? string_of(r, message, "\"message\"", &c->message) : OK;
}

/* ---- a case ---- */

static const char *const members_known[] = { "name",    "principal", "action",  "resource", "resource-account",
					     "context", "policies",  "granted", "expect",   "by",
					     "sid",     "message",   NULL };

static struct status read_asked(struct reading *r, struct policy_case *c, const struct tree *t)
{
	const struct tree *action = given(r, t, S("action")), *resource = given(r, t, S("resource"));
	const struct tree *account = given(r, t, S("resource-account")), *granted = given(r, t, S("granted"));
	if (action == NULL)
		return refuse(r, t, false, "the case names no action");
	TRY(strings_of(r, action, "\"action\"", &c->actions));
	for (size_t i = 0; i < c->actions.n; i++) {
		if (str_find_char(c->actions.v[i], ':') == SIZE_MAX || str_find_char(c->actions.v[i], '*') != SIZE_MAX)
			return refuse(r, action, false, "an action is of the form service:Name, without wildcards");
	}
	if (resource != NULL) {
		TRY(strings_of(r, resource, "\"resource\"", &c->resources));
	} else {
		c->resources = (struct policy_case_list){ NEW(r->cs->mem, struct str), 1 };
		c->resources.v[0] = S("*");
	}
	if (account != NULL)
		TRY(string_of(r, account, "\"resource-account\"", &c->rq.resource_account));
	if (granted != NULL && granted->kind != TREE_BOOL)
		return refuse(r, granted, false, "\"granted\" is true or false");
	c->rq.granted =
	    granted != NULL && str_eq(granted->text, S("true")) ? POLICY_GRANTED_SELF : POLICY_GRANTED_NOBODY;
	return OK;
}

/* How many keys it can come to, bounded by what put_keys lets through. */
static size_t keys_given(const struct reading *r, const struct tree *t)
{
	const struct tree *who = given(r, t, S("principal")), *all[] = {
		who != NULL ? tree_member(who, S("tags")) : NULL,
		r->defaults != NULL ? tree_member(r->defaults, S("context")) : NULL,
		tree_member(t, S("context")),
	};
	size_t n = 0;
	for (size_t i = 0; i < COUNT(all); i++)
		n += all[i] == NULL ? 0 : all[i]->n < CASE_KEYS_MAX ? all[i]->n : CASE_KEYS_MAX;
	return n;
}

static struct status read_case(struct reading *r, const struct tree *t, struct policy_case *c)
{
	uint32_t column;
	policy_case_init(r->cs, c, keys_given(r, t));
	tree_position(r->text, t->begin, &c->line, &column);
	TRY(only(r, t, "a case", members_known));
	const struct tree *name = tree_member(t, S("name")), *who = given(r, t, S("principal"));
	const struct tree *own = tree_member(t, S("policies"));
	const struct tree *shared = r->defaults != NULL ? tree_member(r->defaults, S("policies")) : NULL;
	c->name = arena_printf(r->cs->mem, "line %u", c->line);
	if (name != NULL)
		TRY(string_of(r, name, "\"name\"", &c->name));
	if (who == NULL)
		return refuse(r, t, false, "the case has no principal");
	TRY(read_principal(r, c, who));
	TRY(read_asked(r, c, t));
	TRY(read_context(r, c, t));
	TRY(check_policies(r, own));
	TRY(read_policies(r, c, own, shared));
	return read_expectation(r, c, t);
}

static struct status read_file(struct reading *r, const struct tree *root)
{
	static const char *const known[] = { "defaults", "cases", NULL };
	const struct tree *list = root;
	if (root->kind != TREE_ARRAY) {
		TRY(only(r, root, "a file of cases", known));
		r->defaults = tree_member(root, S("defaults"));
		list = tree_member(root, S("cases"));
		if (list == NULL || list->kind != TREE_ARRAY)
			return refuse(r, list != NULL ? list : root, false, "\"cases\" is a list of cases");
	}
	if (r->defaults != NULL) {
		TRY(only(r, r->defaults, "\"defaults\"", members_known + 1));
		TRY(check_policies(r, tree_member(r->defaults, S("policies"))));
	}
	if (list->n == 0)
		return refuse(r, list, false, "there is no case in it");
	r->cs->v = NEWS(r->cs->mem, struct policy_case, list->n);
	for (const struct tree *t = list->first; t != NULL; t = t->next)
		TRY(read_case(r, t, &r->cs->v[r->cs->n++]));
	return OK;
}

struct status policy_cases_read(struct policy_cases *cs, struct str file, struct str text,
				struct policy_case_error *err)
{
	struct reading r = { .cs = cs, .file = file, .text = text, .err = err };
	struct tree_error bad;
	const struct tree *root;
	if (failed(tree_parse(cs->mem, text, &root, &bad))) {
		*err = (struct policy_case_error){ .file = file, .why = str_of(bad.why) };
		tree_position(text, bad.offset, &err->line, &err->column);
		return ERR(E_INVALID);
	}
	return read_file(&r, root);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* A table of the naive evaluator as the JSON document that says the same. */
#include "policy/naive.h"
#include "base/buf.h"

/* Some characters as \u escapes, the more so the fewer bits the pattern has. */
static void put_string(struct buf *b, const char *s, unsigned escapes)
{
	buf_z(b, "\"");
	for (unsigned i = 0; s[i]; i++) {
		if (escapes && s[i] > 0 && (i * 7 + escapes) % 11 == 0)
			buf_printf(b, "\\u%04x", (unsigned)s[i]);
		else
			buf_byte(b, s[i]);
	}
	buf_z(b, "\"");
}

static void put_list(struct buf *b, const char *name, const char *const *list, int n, unsigned escapes)
{
	buf_printf(b, "\"%s\":", name);
	if (n == 1 && escapes % 2) {
		put_string(b, list[0], escapes);
		buf_z(b, ",");
		return;
	}
	buf_z(b, "[");
	for (int i = 0; i < n; i++) {
		buf_z(b, i ? "," : "");
		put_string(b, list[i], escapes);
	}
	buf_z(b, "],");
}

static void put_principals(struct buf *b, const struct n_stmt *s, unsigned escapes)
{
	static const char *const types[] = { "AWS", "Service", "Federated", "CanonicalUser" };
	const char *member = s->not_principal ? "NotPrincipal" : "Principal";
	if (s->principal_n == 1 && strcmp(s->principals[0], "*") == 0 && escapes % 2) {
		buf_printf(b, "\"%s\":\"*\",", member);
		return;
	}
	buf_printf(b, "\"%s\":{", member);
	for (size_t t = 0; t < COUNT(types); t++) {
		const char *list[N_LIST];
		int n = 0;
		for (int i = 0; i < s->principal_n; i++) {
			const char *p = s->principals[i];
			size_t size = strlen(types[t]);
			if (strcmp(p, "*") == 0 ? t == 0 : strncmp(p, types[t], size) == 0 && p[size] == ':')
				list[n++] = strcmp(p, "*") == 0 ? p : p + size + 1;
		}
		if (n)
			put_list(b, types[t], list, n, escapes);
	}
	b->n--;
	buf_z(b, "},");
}

static void put_condition(struct buf *b, const struct n_cond *c, unsigned escapes)
{
	buf_printf(b, "\"%s\":{", c->op);
	if (c->bare) {
		buf_printf(b, "\"%s\":[", c->key);
		for (int i = 0; i < c->n; i++)
			buf_printf(b, "%s%s", i ? "," : "", c->values[i]);
		buf_z(b, "]}");
		return;
	}
	put_list(b, c->key, c->values, c->n, escapes);
	b->n--;
	buf_z(b, "}");
}

struct str naive_text(struct arena *mem, const struct n_policy *p)
{
	struct buf b = buf_in(mem);
	buf_z(&b, "{\"Statement\":[");
	for (int i = 0; i < p->n; i++) {
		const struct n_stmt *s = &p->stmts[i];
		buf_printf(&b, "%s{\"Effect\":\"%s\",", i ? "," : "", s->deny ? "Deny" : "Allow");
		if (s->principal_n)
			put_principals(&b, s, p->escapes);
		put_list(&b, s->not_action ? "NotAction" : "Action", s->actions, s->action_n, p->escapes);
		if (s->resource_n)
			put_list(&b, s->not_resource ? "NotResource" : "Resource", s->resources, s->resource_n,
				 p->escapes);
		buf_z(&b, "\"Condition\":{");
		for (int k = 0; k < s->cond_n; k++) {
			buf_z(&b, k ? "," : "");
			put_condition(&b, &s->conds[k], p->escapes);
		}
		buf_z(&b, "}}");
	}
	buf_printf(&b, "],\"Version\":\"%s\"}", p->v2012 ? "2012-10-17" : "2008-10-17");
	return buf_str(&b);
}

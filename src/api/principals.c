/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One walk over a document finds the strings of its AWS principals; what is done with each is
 * somebody else's: binding looks up who has the ARN now, showing compares with who had it.
 */
#include "api/principals.h"

#include "api/accounts.h"
#include "base/buf.h"
#include "base/str.h"
#include "wire/json_text.h"

/* ---- walking the principals of a document that has been compiled, so its shape is known ----------- */

struct walk {
	struct json j;
	struct buf out;
	const char *copied; /* up to here the document stands in out */
	struct status (*each)(void *arg, struct str text, struct str *instead);
	void *arg;
};

static struct status walk_string(struct walk *w)
{
	struct str instead = { 0 };
	(void)json_peek(&w->j);
	const char *begin = w->j.p;
	TRY(w->each(w->arg, json_string(&w->j), &instead));
	if (!instead.p)
		return OK;
	buf_put(&w->out, str_make(w->copied, (size_t)(begin - w->copied)));
	json_string_put(&w->out, instead);
	w->copied = w->j.p;
	return OK;
}

static struct status walk_aws(struct walk *w)
{
	if (json_peek(&w->j) == '"')
		return walk_string(w);
	if (json_array(&w->j))
		while (json_elem(&w->j))
			TRY(walk_string(w));
	return OK;
}

static struct status walk_principal(struct walk *w)
{
	struct str type;
	if (json_peek(&w->j) != '{') { /* "*" */
		json_skip(&w->j);
		return OK;
	}
	json_object(&w->j);
	while (json_member(&w->j, &type)) {
		if (str_eq(type, S("AWS")))
			TRY(walk_aws(w));
		else
			json_skip(&w->j);
	}
	return OK;
}

static struct status walk_statement(struct walk *w)
{
	struct str name;
	json_object(&w->j);
	while (json_member(&w->j, &name)) {
		if (str_eq(name, S("Principal")) || str_eq(name, S("NotPrincipal")))
			TRY(walk_principal(w));
		else
			json_skip(&w->j);
	}
	return OK;
}

static struct status walk_document(struct walk *w)
{
	struct str name;
	json_object(&w->j);
	while (json_member(&w->j, &name)) {
		if (!str_eq(name, S("Statement"))) {
			json_skip(&w->j);
		} else if (json_peek(&w->j) == '{') {
			TRY(walk_statement(w));
		} else if (json_array(&w->j)) {
			while (json_elem(&w->j))
				TRY(walk_statement(w));
		}
	}
	return json_close(&w->j);
}

struct status principals_rewrite(struct arena *mem, struct str document,
				 struct status (*each)(void *arg, struct str text, struct str *instead), void *arg,
				 struct str *out)
{
	struct walk w = {
		.j = json_open(mem, document),
		.out = buf_in(mem),
		.copied = document.p,
		.each = each,
		.arg = arg,
	};
	TRY(walk_document(&w));
	*out = (struct str){ 0 };
	if (w.copied == document.p)
		return OK;
	buf_put(&w.out, str_make(w.copied, (size_t)(document.p + document.n - w.copied)));
	*out = buf_str(&w.out);
	return OK;
}

/* ---- who has that ARN now -------------------------------------------------------------------------- */

enum { NAMES_MAX = 256 };

struct names {
	struct req *rq;
	struct {
		struct str arn, id;
	} * known;
	size_t n;
	struct str missing;
	struct str_list ids; /* principals_shown: what stands in the bound document, in order */
	size_t at;
};

/* *id stays empty for what is not bound: other accounts' principals, accounts, sessions. E_NOT_FOUND: nobody. */
static struct status look_up(struct names *n, struct str text, struct str *id)
{
	struct arn arn;
	if (failed(arn_parse(text, &arn)) || !str_eq(arn.service, S("iam")) ||
	    !account_find(n->rq->app->accounts, arn.account))
		return OK;
	req_read_end(n->rq); /* a request has room for few snapshots, a document for many accounts */
	return n->rq->app->identity->principal(n->rq, arn.account, arn.resource, id);
}

static struct status id_of(struct names *n, struct str text, struct str *id)
{
	for (size_t i = 0; i < n->n; i++) {
		if (!str_eq(n->known[i].arn, text))
			continue;
		*id = n->known[i].id;
		return OK;
	}
	TRY(look_up(n, text, id));
	if (n->n < NAMES_MAX) {
		n->known[n->n].arn = text;
		n->known[n->n++].id = *id;
	}
	return OK;
}

static struct names names_in(struct req *rq)
{
	struct names n = { .rq = rq };
	n.known = arena_alloc(rq->mem, sizeof *n.known, _Alignof(struct str), NAMES_MAX);
	return n;
}

/* ---- binding ------------------------------------------------------------------------------------------ */

static struct status bind_one(void *arg, struct str text, struct str *instead)
{
	struct names *n = arg;
	struct str id = { 0 };
	if (n->missing.p)
		return OK;
	struct status st = id_of(n, text, &id);
	if (st.code == E_NOT_FOUND) {
		n->missing = text;
		return OK;
	}
	if (id.n)
		*instead = id;
	return st;
}

struct status principals_bind(struct req *rq, struct str document, struct str *bound, struct str *missing)
{
	struct names n = names_in(rq);
	TRY(principals_rewrite(rq->mem, document, bind_one, &n, bound));
	*missing = n.missing;
	return OK;
}

/* ---- showing ------------------------------------------------------------------------------------------- */

static struct status collect_one(void *arg, struct str text, struct str *instead)
{
	struct names *n = arg;
	(void)instead;
	struct str *v = (struct str *)(uintptr_t)n->ids.v; /* has room: one for each quotation mark */
	v[n->ids.n++] = text;
	return OK;
}

static struct status show_one(void *arg, struct str text, struct str *instead)
{
	struct names *n = arg;
	struct str now = { 0 };
	if (n->at >= n->ids.n)
		return ERR(E_CORRUPT);
	struct str id = n->ids.v[n->at++];
	if (str_eq(id, text))
		return OK;
	struct status st = id_of(n, text, &now);
	if (st.code == E_NOT_FOUND || (!failed(st) && !str_eq(now, id))) {
		*instead = id;
		return OK;
	}
	return st;
}

struct status principals_shown(struct req *rq, struct str document, struct str bound, struct str *out)
{
	struct names n = names_in(rq);
	struct str unused;
	size_t quotes = 0;
	*out = document;
	if (!bound.n)
		return OK;
	for (size_t i = 0; i < bound.n; i++)
		quotes += bound.p[i] == '"';
	n.ids.v = NEWS(rq->mem, struct str, quotes + 1);
	TRY(principals_rewrite(rq->mem, bound, collect_one, &n, &unused));
	struct str changed;
	TRY(principals_rewrite(rq->mem, document, show_one, &n, &changed));
	if (changed.p)
		*out = changed;
	return OK;
}

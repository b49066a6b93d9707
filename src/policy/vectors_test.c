/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cases by folder: each file under tests/vectors/policy is an array of cases, a case an
 * object that gives policies, principal, action, resource and context, and expects a
 * verdict, who decides it, the Sid of the statement and AWS's sentence. README.md there
 * describes the members.
 */
#include "policy/json.h"
#include "policy/policy.h"
#include "base/buf.h"
#include "base/str.h"
#include "base/test.h"

#include <dirent.h>

enum { MANY = 16 };

struct reader {
	struct json j;
	struct arena *mem;
};

struct vector {
	struct str name, verdict, by, sid, message;
	struct policy_principal who;
	struct policy_request rq;
	struct policy_context cx;
	struct policy_entry room[64];
	const struct policy *all[MANY * 4];
	size_t n;
	struct policy_set scps[MANY], rcps[MANY];
};

static void broken(struct reader *r, const char *why)
{
	printf("not ok - a vector file is well formed\n# byte %zu: %s\n", r->j.i, why);
	_Exit(1);
}

static struct str text(struct reader *r)
{
	struct str raw;
	bool escaped;
	if (!pol_json_string(&r->j, &raw, &escaped))
		broken(r, "a string was expected");
	char *out = NEWS(r->mem, char, raw.n + 1);
	return str_make(out, pol_json_unescape(raw, out));
}

/* The next value of any kind, as it stands. */
static struct str any_value(struct reader *r)
{
	size_t depth = 0, from;
	pol_json_peek(&r->j);
	from = r->j.i;
	do {
		char c = pol_json_peek(&r->j);
		struct str raw;
		bool escaped;
		if (c == 0)
			broken(r, "the file ends early");
		if (c == '"') {
			if (!pol_json_string(&r->j, &raw, &escaped))
				broken(r, "bad string");
			continue;
		}
		depth += c == '{' || c == '[';
		depth -= c == '}' || c == ']';
		r->j.i++;
	} while (depth > 0);
	return str_sub(r->j.text, from, r->j.i - from);
}

static bool member(struct reader *r, bool *first, struct str *name)
{
	if (*first && !pol_json_take(&r->j, '{'))
		broken(r, "an object was expected");
	if (pol_json_take(&r->j, '}'))
		return false;
	if (!*first && !pol_json_take(&r->j, ','))
		broken(r, "',' was expected");
	*first = false;
	*name = text(r);
	if (!pol_json_take(&r->j, ':'))
		broken(r, "':' was expected");
	return true;
}

static bool item(struct reader *r, bool *first)
{
	if (*first && !pol_json_take(&r->j, '['))
		broken(r, "an array was expected");
	if (pol_json_take(&r->j, ']'))
		return false;
	if (!*first && !pol_json_take(&r->j, ','))
		broken(r, "',' was expected");
	*first = false;
	return true;
}

static const struct policy *document(struct reader *r, struct vector *v, enum policy_kind kind)
{
	struct policy *p;
	struct policy_error err;
	struct str doc = any_value(r);
	if (failed(policy_compile(doc, kind, &p, &err))) {
		printf("# %s: %s\n", err.aws, err.why);
		broken(r, "the policy before this byte does not compile");
	}
	EXPECT(v->n < COUNT(v->all));
	v->all[v->n++] = p;
	return p;
}

static struct policy_set documents(struct reader *r, struct vector *v, enum policy_kind kind)
{
	bool first = true;
	const struct policy **list = NEWS(r->mem, const struct policy *, MANY);
	size_t n = 0;
	while (item(r, &first)) {
		EXPECT(n < MANY);
		list[n++] = document(r, v, kind);
	}
	return (struct policy_set){ list, n };
}

static size_t levels(struct reader *r, struct vector *v, enum policy_kind kind, struct policy_set *out)
{
	bool first = true;
	size_t n = 0;
	while (item(r, &first)) {
		EXPECT(n < MANY);
		out[n++] = documents(r, v, kind);
	}
	return n;
}

static void principal(struct reader *r, struct vector *v)
{
	static const struct str kinds[] = { { "anonymous", 9 }, { "root", 4 },    { "user", 4 }, { "role", 4 },
					    { "federated", 9 }, { "service", 7 }, { "web", 3 } };
	bool first = true;
	struct str name;
	while (member(r, &first, &name)) {
		struct str value = text(r);
		if (str_eq(name, S("kind"))) {
			size_t k = 0;
			while (k < COUNT(kinds) && !str_eq(kinds[k], value))
				k++;
			EXPECT(k < COUNT(kinds));
			v->who.kind = (enum policy_principal_kind)k;
		} else if (str_eq(name, S("account"))) {
			v->who.account = value;
		} else if (str_eq(name, S("arn"))) {
			v->who.arn = value;
		} else if (str_eq(name, S("issuer"))) {
			v->who.issuer = value;
		} else if (str_eq(name, S("id"))) {
			v->who.id = value;
		} else if (str_eq(name, S("name"))) {
			v->who.name = value;
		} else if (str_eq(name, S("provider"))) {
			v->who.provider = value;
		} else if (str_eq(name, S("service"))) {
			struct str *service = NEW(r->mem, struct str);
			*service = value;
			v->who.services = service;
			v->who.services_n = 1;
		} else {
			broken(r, "unknown member of principal");
		}
	}
}

static void context(struct reader *r, struct vector *v)
{
	bool first = true;
	struct str name;
	while (member(r, &first, &name)) {
		struct str *values = NEWS(r->mem, struct str, MANY);
		size_t n = 0;
		bool many = pol_json_peek(&r->j) == '[', start = true;
		while (many && item(r, &start)) {
			EXPECT(n < MANY);
			values[n++] = text(r);
		}
		if (!many)
			values[n++] = text(r);
		policy_context_put_named(&v->cx, name, values, n, many);
	}
}

static void expectation(struct reader *r, struct vector *v)
{
	bool first = true;
	struct str name;
	while (member(r, &first, &name)) {
		struct str *to = str_eq(name, S("verdict"))   ? &v->verdict
				 : str_eq(name, S("by"))      ? &v->by
				 : str_eq(name, S("sid"))     ? &v->sid
				 : str_eq(name, S("message")) ? &v->message
							      : NULL;
		if (to == NULL)
			broken(r, "unknown member of expect");
		*to = text(r);
	}
}

static void one_member(struct reader *r, struct vector *v, struct str name)
{
	struct policy_request *rq = &v->rq;
	if (str_eq(name, S("name")))
		v->name = text(r);
	else if (str_eq(name, S("principal")))
		principal(r, v);
	else if (str_eq(name, S("action")))
		rq->action = text(r);
	else if (str_eq(name, S("resource")))
		rq->resource = text(r);
	else if (str_eq(name, S("resource_account")))
		rq->resource_account = text(r);
	else if (str_eq(name, S("context")))
		context(r, v);
	else if (str_eq(name, S("mode")))
		rq->mode = str_eq(text(r), S("key")) ? POLICY_KEY : POLICY_ASSUME;
	else if (str_eq(name, S("identity")))
		rq->identity = documents(r, v, POLICY_IDENTITY);
	else if (str_eq(name, S("session")))
		rq->session = documents(r, v, POLICY_SESSION);
	else if (str_eq(name, S("boundary")))
		rq->boundary = document(r, v, POLICY_BOUNDARY);
	else if (str_eq(name, S("endpoint")))
		rq->endpoint = document(r, v, POLICY_ENDPOINT);
	else if (str_eq(name, S("resource_policy")))
		rq->resource_policy = document(r, v, POLICY_RESOURCE);
	else if (str_eq(name, S("trust_policy")))
		rq->resource_policy = document(r, v, POLICY_TRUST);
	else if (str_eq(name, S("scps")))
		rq->scps_n = levels(r, v, POLICY_SCP, v->scps);
	else if (str_eq(name, S("rcps")))
		rq->rcps_n = levels(r, v, POLICY_RCP, v->rcps);
	else if (str_eq(name, S("expect")))
		expectation(r, v);
	else
		broken(r, "unknown member of a case");
}

static bool expected(const struct vector *v, struct policy_decision d, struct arena *mem)
{
	static const struct str verdicts[] = { { "implicit deny", 13 }, { "explicit deny", 13 }, { "allow", 5 } };
	char *room = NEWS(mem, char, 1024);
	struct str message = d.verdict == POLICY_ALLOW ? S("") : policy_denial(&v->rq, &d, false, room, 1024);
	struct str by = d.by == POLICY_NONE ? S("nothing") : str_of(policy_kind_name(d.by));
	bool good = str_eq(v->verdict, verdicts[d.verdict]) && (v->by.p == NULL || str_eq(v->by, by)) &&
		    (v->sid.p == NULL || str_eq(v->sid, d.statement.sid)) &&
		    (v->message.p == NULL || str_eq(v->message, message));
	if (!good)
		printf("# got %.*s by %.*s, Sid %.*s\n# %.*s\n", PR(verdicts[d.verdict]), PR(by), PR(d.statement.sid),
		       PR(message));
	return good;
}

static bool run_case(struct reader *r)
{
	struct vector *v = HEAP(struct vector);
	bool first = true;
	struct str name;
	policy_context_init(&v->cx, v->room, COUNT(v->room));
	while (member(r, &first, &name))
		one_member(r, v, name);
	policy_context_principal(&v->cx, &v->who);
	v->rq.principal = &v->who;
	v->rq.context = &v->cx;
	v->rq.scps = v->scps;
	v->rq.rcps = v->rcps;
	bool good = expected(v, policy_decide(&v->rq), r->mem);
	printf("%s - %.*s\n", good ? "ok" : "not ok", PR(v->name));
	for (size_t i = 0; i < v->n; i++)
		policy_unref(v->all[i]);
	heap_free(v);
	return good;
}

static struct str whole_file(struct arena *mem, const char *path)
{
	struct buf b = buf_in(mem);
	FILE *f = fopen(path, "rb");
	EXPECT(f != NULL);
	for (size_t got = 1; got > 0;) {
		got = fread(buf_room(&b, 65536), 1, 65536, f);
		buf_took(&b, got);
	}
	fclose(f);
	return buf_str(&b);
}

static size_t run_file(const char *path, size_t *bad)
{
	struct arena *mem = arena_new();
	struct reader r = { .j = { .text = whole_file(mem, path) }, .mem = mem };
	size_t n = 0;
	bool first = true;
	printf("# %s\n", path);
	while (item(&r, &first)) {
		n++;
		*bad += !run_case(&r);
	}
	arena_free(mem);
	return n;
}

int main(int argc, char **argv)
{
	size_t n = 0, bad = 0;
	struct dirent *e;
	DIR *d = opendir(argc > 1 ? argv[1] : "tests/vectors/policy");
	EXPECT(d != NULL);
	while ((e = readdir(d)) != NULL) {
		char path[1024];
		if (!str_ends(str_of(e->d_name), S(".json")))
			continue;
		snprintf(path, sizeof path, "%s/%s", argc > 1 ? argv[1] : "tests/vectors/policy", e->d_name);
		n += run_file(path, &bad);
	}
	closedir(d);
	printf("1..%zu\n", n);
	return bad > 0 || n == 0;
}

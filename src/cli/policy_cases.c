/* SPDX-License-Identifier: Apache-2.0 */
/*
 * holdfast policy test FILE...: policies under unit test. A case is one line of TAP; one that
 * fails is followed by the decision as it was, and its tree on demand.
 */
#include "base/buf.h"
#include "base/str.h"
#include "cli/layout.h"
#include "cli/options.h"
#include "cli/policy.h"
#include "policy/case.h"

#include <stdio.h>

struct wish {
	struct arena *mem;
	struct str junit;
	bool verbose, help;
	struct str_list files;
};

struct result {
	struct str file, name, why; /* why.p == NULL: as expected */
	uint32_t line;
	struct str tree;
};

struct results {
	struct result *v;
	size_t n, cap, bad;
};

static struct result *add(struct arena *mem, struct results *all)
{
	if (all->n == all->cap) {
		size_t cap = all->cap ? all->cap * 2 : 64;
		struct result *v = NEWS(mem, struct result, cap);
		if (all->n)
			memcpy(v, all->v, all->n * sizeof *v);
		all->v = v;
		all->cap = cap;
	}
	return &all->v[all->n++];
}

/* ---- one case ---- */

static const char *verdict_word(enum policy_verdict v)
{
	return v == POLICY_ALLOW ? "allow" : v == POLICY_EXPLICIT_DENY ? "explicit-deny" : "implicit-deny";
}

/* What is not as expected; p == NULL when all is. */
static struct str judge(struct arena *mem, const struct policy_case *c, const struct policy_request *rq,
			const struct policy_decision *d)
{
	char room[4096];
	bool fine = d->verdict == POLICY_ALLOW           ? c->allow
		    : d->verdict == POLICY_EXPLICIT_DENY ? c->explicit_deny
							 : c->implicit_deny;
	struct str none = { 0 };
	if (!fine)
		return arena_printf(mem, "expected %s, got %s",
				    c->allow            ? "allow"
				    : !c->implicit_deny ? "explicit-deny"
				    : !c->explicit_deny ? "implicit-deny"
							: "deny",
				    verdict_word(d->verdict));
	if (c->by != POLICY_NONE && c->by != d->by)
		return arena_printf(mem, "expected it to be decided by the %s, but it was by the %s",
				    policy_kind_name(c->by), policy_kind_name(d->by));
	struct str sid = d->policy != NULL ? d->statement.sid : none;
	if (c->sid.p != NULL && !str_eq(c->sid, sid))
		return arena_printf(mem, "expected statement \"%.*s\" to decide, but it was \"%.*s\"", PR(c->sid),
				    PR(sid));
	struct str said = policy_denial(rq, d, false, room, sizeof room);
	if (c->message.p != NULL && (d->verdict == POLICY_ALLOW || !str_eq(c->message, said)))
		return arena_printf(mem, "expected the message \"%.*s\", but it is \"%.*s\"", PR(c->message),
				    PR(d->verdict == POLICY_ALLOW ? S("") : said));
	return none;
}

static void run_case(const struct wish *w, struct policy_cases *cs, const struct policy_case *c, struct result *r)
{
	struct policy_names names = policy_cases_names(cs);
	for (size_t i = 0; i < c->actions.n; i++) {
		for (size_t k = 0; k < c->resources.n; k++) {
			struct policy_request rq = policy_case_ask(c, c->actions.v[i], c->resources.v[k]);
			struct policy_decision d = policy_decide(&rq);
			struct str wrong = judge(w->mem, c, &rq, &d);
			if (wrong.p == NULL)
				continue;
			struct buf tree = buf_in(w->mem);
			(void)policy_explain(w->mem, &rq, &names, &tree);
			r->why = arena_printf(w->mem, "%.*s on %.*s: %.*s; %.*s", PR(rq.action), PR(rq.resource),
					      PR(wrong), PR(policy_verdict_line(w->mem, &d, &names)));
			r->tree = buf_str(&tree);
			return;
		}
	}
}

/* ---- files ---- */

struct beside { /* files are named as seen from the one that names them */
	struct str dir;
};

static struct status load(void *arg, struct arena *mem, struct str path, struct str *text)
{
	const struct beside *b = arg;
	bool whole = path.n > 0 && path.p[0] == '/';
	return text_file_read(mem, whole || b->dir.n == 0 ? path : arena_printf(mem, "%.*s%.*s", PR(b->dir), PR(path)),
			      text);
}

static struct str dir_of(struct str path)
{
	size_t n = path.n;
	while (n > 0 && path.p[n - 1] != '/')
		n--;
	return str_sub(path, 0, n);
}

static bool run_file(const struct wish *w, struct str file, struct results *all)
{
	struct str text;
	struct policy_case_error err;
	struct beside beside = { dir_of(file) };
	struct policy_cases cs = { .mem = w->mem, .load = load, .arg = &beside };
	if (failed(policy_file_read(w->mem, "policy test", file, &text)))
		return false;
	struct status st = policy_cases_read(&cs, file, text, &err);
	if (failed(st))
		fprintf(stderr, "%.*s:%u:%u: %.*s\n", PR(err.file), err.line, err.column, PR(err.why));
	for (size_t i = 0; i < cs.n && !failed(st); i++) {
		struct result *r = add(w->mem, all);
		*r = (struct result){ .file = file, .name = cs.v[i].name, .line = cs.v[i].line };
		run_case(w, &cs, &cs.v[i], r);
		all->bad += r->why.p != NULL;
	}
	policy_cases_free(&cs);
	return !failed(st);
}

/* ---- what is told ---- */

/* A name in one line, without what TAP reads as more than a name. */
static void put_name(struct str name)
{
	for (size_t i = 0; i < name.n; i++)
		putchar((uint8_t)name.p[i] < 0x20 || name.p[i] == '#' ? ' ' : name.p[i]);
}

static void print_tap(const struct wish *w, const struct results *all)
{
	printf("1..%zu\n", all->n);
	for (size_t i = 0; i < all->n; i++) {
		const struct result *r = &all->v[i];
		printf("%s %zu - ", r->why.p == NULL ? "ok" : "not ok", i + 1);
		put_name(r->name);
		printf("\n");
		if (r->why.p == NULL)
			continue;
		printf("# %.*s:%u: %.*s\n", PR(r->file), r->line, PR(r->why));
		struct str rest = w->verbose ? r->tree : (struct str){ 0 };
		while (rest.n > 0) {
			struct str line = str_cut(&rest, '\n');
			printf("#   %.*s\n", PR(line));
		}
	}
	if (all->bad > 0)
		printf("# %zu of %zu failed\n", all->bad, all->n);
}

static void put_xml(struct buf *b, struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];
		if (c == '&' || c == '<' || c == '>' || c == '"')
			buf_z(b, c == '&' ? "&amp;" : c == '<' ? "&lt;" : c == '>' ? "&gt;" : "&quot;");
		else if ((uint8_t)c >= 0x20 || c == '\n' || c == '\t')
			buf_byte(b, c);
	}
}

static bool write_junit(const struct wish *w, const struct results *all)
{
	struct buf b = buf_in(w->mem);
	buf_printf(&b,
		   "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites tests=\"%zu\" failures=\"%zu\">\n"
		   "<testsuite name=\"holdfast policy test\" tests=\"%zu\" failures=\"%zu\">\n",
		   all->n, all->bad, all->n, all->bad);
	for (size_t i = 0; i < all->n; i++) {
		const struct result *r = &all->v[i];
		buf_z(&b, "<testcase classname=\"");
		put_xml(&b, r->file);
		buf_z(&b, "\" name=\"");
		put_xml(&b, r->name);
		if (r->why.p == NULL) {
			buf_z(&b, "\"/>\n");
			continue;
		}
		buf_z(&b, "\"><failure message=\"");
		put_xml(&b, r->why);
		buf_z(&b, "\">");
		put_xml(&b, r->tree);
		buf_z(&b, "</failure></testcase>\n");
	}
	buf_z(&b, "</testsuite>\n</testsuites>\n");
	FILE *f = fopen(str_z(w->mem, w->junit), "w");
	bool good = f != NULL && fwrite(b.p, 1, b.n, f) == b.n;
	if (f != NULL)
		good = !fclose(f) && good;
	if (!good)
		fprintf(stderr, "holdfast policy test: %.*s cannot be written\n", PR(w->junit));
	return good;
}

static int run(const struct wish *w)
{
	struct results all = { 0 };
	bool good = true;
	for (size_t i = 0; i < w->files.n; i++)
		good = run_file(w, w->files.v[i], &all) && good;
	print_tap(w, &all);
	if (w->junit.n > 0 && !write_junit(w, &all))
		good = false;
	return !good ? 2 : all.bad > 0;
}

int policy_command_test(int argc, char **argv)
{
	struct str names[OPTION_REPEAT_MAX];
	struct wish w = { .files = { names, 0 } };
	const struct option_row rows[] = {
		{ "junit", "FILE", "write the results as JUnit XML too", .text = &w.junit },
		{ "verbose", NULL, "show the whole decision of what failed, as a tree", .flag = &w.verbose },
		{ "help", NULL, "print this", .flag = &w.help },
		{ 0 },
	};
	if (!options_parse("policy test", rows, argc, argv, &w.files))
		return 2;
	if (w.help) {
		printf("usage: holdfast policy test [--junit FILE] [--verbose] FILE...\n\n"
		       "Run cases that say who may do what: JSON files, described in docs/policy-testing.md. Results "
		       "are TAP.\n\n");
		options_help(rows);
		printf(
		    "\nExit status: 0 when all is as expected, 1 when something is not, 2 when a file is not right.\n");
		return 0;
	}
	if (w.files.n == 0) {
		fprintf(stderr, "holdfast policy test: name a file of cases\n");
		return 2;
	}
	w.mem = arena_new();
	int status = run(&w);
	arena_free(w.mem);
	return status;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * holdfast policy check FILE...: the findings of policy/check.h, as lines for people and
 * editors, as JSON in the form of Access Analyzer's ValidatePolicy, or as SARIF for code hosts.
 */
#include "cli/options.h"
#include "cli/policy.h"
#include "base/str.h"
#include "policy/check.h"
#include "wire/json_text.h"

#include <stdio.h>

enum format { TEXT, JSON, SARIF };

struct wish {
	struct arena *mem;
	struct str kind, format, fail_on;
	bool help;
	enum policy_kind forced; /* POLICY_NONE: guess */
	enum format how;
	enum policy_finding_type least; /* findings up to this type make the command fail */
	struct str_list files;
};

struct checked {
	struct str file;
	enum policy_kind kind;
	struct policy_findings found;
};

/* ---- text ---- */

static void print_text(const struct checked *all, size_t n)
{
	size_t counts[4] = { 0 };
	for (size_t i = 0; i < n; i++) {
		for (size_t k = 0; k < all[i].found.n; k++) {
			const struct policy_finding *f = &all[i].found.v[k];
			printf("%.*s:%u:%u: %s %s: %.*s\n", PR(all[i].file), f->line, f->column,
			       policy_finding_type_name(f->type), f->code, PR(f->text));
			counts[f->type]++;
		}
		if (all[i].found.cut)
			printf("%.*s: more findings than the first %d are not shown\n", PR(all[i].file),
			       POLICY_FINDINGS_MAX);
	}
	printf("%zu file%s: %zu errors, %zu security warnings, %zu warnings, %zu suggestions\n", n, n == 1 ? "" : "s",
	       counts[FINDING_ERROR], counts[FINDING_SECURITY_WARNING], counts[FINDING_WARNING],
	       counts[FINDING_SUGGESTION]);
}

/* ---- JSON ---- */

static void put(struct json_out *w, const char *name, struct str value)
{
	json_name(w, str_of(name));
	json_put_str(w, value);
}

static void put_number(struct json_out *w, const char *name, int64_t value)
{
	json_name(w, str_of(name));
	json_put_int(w, value);
}

static void json_finding(struct json_out *w, const struct policy_finding *f)
{
	json_begin(w, '{');
	put(w, "findingType", str_of(policy_finding_type_name(f->type)));
	put(w, "issueCode", str_of(f->code));
	put(w, "findingDetails", f->text);
	put(w, "path", f->path);
	put_number(w, "line", f->line);
	put_number(w, "column", f->column);
	put_number(w, "offset", f->begin);
	put_number(w, "length", f->end - f->begin);
	json_end(w, '}');
}

static void json_files(struct json_out *w, const struct checked *all, size_t n)
{
	json_begin(w, '[');
	for (size_t i = 0; i < n; i++) {
		json_begin(w, '{');
		put(w, "file", all[i].file);
		put(w, "kind", str_of(policy_kind_word(all[i].kind)));
		json_name(w, S("findings"));
		json_begin(w, '[');
		for (size_t k = 0; k < all[i].found.n; k++)
			json_finding(w, &all[i].found.v[k]);
		json_end(w, ']');
		json_end(w, '}');
	}
	json_end(w, ']');
}

/* ---- SARIF 2.1.0 ---- */

static void sarif_place(struct json_out *w, struct str file, const struct policy_finding *f)
{
	json_name(w, S("locations"));
	json_begin(w, '[');
	json_begin(w, '{');
	json_name(w, S("physicalLocation"));
	json_begin(w, '{');
	json_name(w, S("artifactLocation"));
	json_begin(w, '{');
	put(w, "uri", file);
	json_end(w, '}');
	json_name(w, S("region"));
	json_begin(w, '{');
	put_number(w, "startLine", f->line);
	put_number(w, "startColumn", f->column);
	put_number(w, "byteOffset", f->begin);
	put_number(w, "byteLength", f->end - f->begin);
	json_end(w, '}');
	json_end(w, '}');
	json_end(w, '}');
	json_end(w, ']');
}

static void sarif_result(struct json_out *w, struct str file, const struct policy_finding *f)
{
	static const char *const levels[] = { "error", "error", "warning", "note" };
	json_begin(w, '{');
	put(w, "ruleId", str_of(f->code));
	put(w, "level", str_of(levels[f->type]));
	json_name(w, S("message"));
	json_begin(w, '{');
	put(w, "text", f->text);
	json_end(w, '}');
	sarif_place(w, file, f);
	json_end(w, '}');
}

static void sarif(struct json_out *w, const struct checked *all, size_t n)
{
	json_begin(w, '{');
	put(w, "$schema", S("https://json.schemastore.org/sarif-2.1.0.json"));
	put(w, "version", S("2.1.0"));
	json_name(w, S("runs"));
	json_begin(w, '[');
	json_begin(w, '{');
	json_name(w, S("tool"));
	json_begin(w, '{');
	json_name(w, S("driver"));
	json_begin(w, '{');
	put(w, "name", S("holdfast policy check"));
	put(w, "version", S(HOLDFAST_VERSION));
	json_end(w, '}');
	json_end(w, '}');
	json_name(w, S("results"));
	json_begin(w, '[');
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < all[i].found.n; k++)
			sarif_result(w, all[i].file, &all[i].found.v[k]);
	json_end(w, ']');
	json_end(w, '}');
	json_end(w, ']');
	json_end(w, '}');
}

static void print(const struct wish *w, const struct checked *all, size_t n)
{
	struct buf b = buf_in(w->mem);
	struct json_out out = { .to = &b };
	if (w->how == TEXT) {
		print_text(all, n);
		return;
	}
	if (w->how == JSON)
		json_files(&out, all, n);
	else
		sarif(&out, all, n);
	printf("%.*s\n", PR(buf_str(&b)));
}

/* ---- the command ---- */

static bool understand(struct wish *w)
{
	static const char *const formats[] = { "text", "json", "sarif" };
	static const char *const types[] = { "error", "security", "warning", "suggestion" };
	size_t f = 0, t = 0;
	while (f < COUNT(formats) && !str_eq(w->format, str_of(formats[f])))
		f++;
	while (t < COUNT(types) && !str_eq(w->fail_on, str_of(types[t])))
		t++;
	w->forced = policy_kind_find(w->kind);
	if (w->kind.n && w->forced == POLICY_NONE)
		fprintf(stderr, "holdfast policy check: --kind takes " POLICY_KIND_WORDS "\n");
	else if (f == COUNT(formats))
		fprintf(stderr, "holdfast policy check: --format takes text, json or sarif\n");
	else if (t == COUNT(types))
		fprintf(stderr, "holdfast policy check: --fail-on takes error, security, warning or suggestion\n");
	else if (w->files.n == 0)
		fprintf(stderr, "holdfast policy check: name a file, or - for standard input\n");
	else {
		w->how = (enum format)f;
		w->least = (enum policy_finding_type)t;
		return true;
	}
	return false;
}

static int check_all(const struct wish *w)
{
	struct checked *all = NEWS(w->mem, struct checked, w->files.n);
	int status = 0;
	for (size_t i = 0; i < w->files.n; i++) {
		struct str text;
		struct checked *one = &all[i];
		one->file = w->files.v[i];
		if (failed(policy_file_read(w->mem, "policy check", one->file, &text)))
			return 2;
		one->kind = w->forced != POLICY_NONE ? w->forced : policy_kind_guess(w->mem, text);
		policy_check(w->mem, text, one->kind, &one->found);
		for (size_t k = 0; k < one->found.n; k++)
			status |= one->found.v[k].type <= w->least;
	}
	print(w, all, w->files.n);
	return status;
}

static void help(const struct option_row *rows)
{
	printf("usage: holdfast policy check [--kind KIND] [--format FORMAT] [--fail-on TYPE] FILE...\n\n"
	       "Find what is wrong, dangerous or useless in policy documents. The codes are those of IAM Access\n"
	       "Analyzer where it has one; docs/policy-tools.md lists them all. FILE may be - for standard input.\n\n");
	options_help(rows);
	printf(
	    "\nExit status: 0 when nothing of that type or worse was found, 1 when something was, 2 when the command\n"
	    "or a file could not be read.\n");
}

int policy_command_check(int argc, char **argv)
{
	struct str names[OPTION_REPEAT_MAX];
	struct wish w = { .format = S("text"), .fail_on = S("security"), .files = { names, 0 } };
	const struct option_row rows[] = {
		{ "kind", "KIND", POLICY_KIND_WORDS " [guessed]", .text = &w.kind },
		{ "format", "FORMAT", "text, json or sarif [text]", .text = &w.format },
		{ "fail-on", "TYPE", "error, security, warning or suggestion [security]", .text = &w.fail_on },
		{ "help", NULL, "print this", .flag = &w.help },
		{ 0 },
	};
	if (!options_parse("policy check", rows, argc, argv, &w.files))
		return 2;
	if (w.help) {
		help(rows);
		return 0;
	}
	if (!understand(&w))
		return 2;
	w.mem = arena_new();
	int status = check_all(&w);
	arena_free(w.mem);
	return status;
}

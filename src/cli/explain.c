/* SPDX-License-Identifier: Apache-2.0 */
/*
 * holdfast explain: one decision, told in full. With policies given as files it needs no
 * server; without, a running server is asked through its admin socket about its own data.
 */
#include "base/buf.h"
#include "base/str.h"
#include "base/codec.h"
#include "cli/commands.h"
#include "cli/options.h"
#include "cli/policy.h"
#include "cli/server.h"
#include "policy/case.h"
#include "policy/catalogue.h"

#include <stdio.h>

struct wish {
	struct arena *mem;
	struct str data, principal, action, resource, owner, event;
	struct str_list context;
	struct str_list files[POLICY_KIND_COUNT];
	struct str_list key; /* a key policy: a resource policy with a rule of its own */
	bool help;
};

static bool offline(const struct wish *w)
{
	size_t n = w->key.n;
	for (size_t i = 0; i < POLICY_KIND_COUNT; i++)
		n += w->files[i].n;
	return n > 0;
}

/* ---- from files ---- */

static bool add_files(const struct wish *w, struct policy_cases *cs, struct policy_case *c, enum policy_kind kind,
		      const struct str_list *files)
{
	struct policy_case_error err;
	for (size_t i = 0; i < files->n; i++) {
		struct str text;
		if (failed(policy_file_read(w->mem, "explain", files->v[i], &text)))
			return false;
		if (failed(policy_case_add(cs, c, kind, files->v[i], text, &err))) {
			fprintf(stderr, "%.*s:%u:%u: %.*s\n", PR(err.file), err.line, err.column, PR(err.why));
			return false;
		}
	}
	return true;
}

static bool add_context(const struct wish *w, struct policy_case *c)
{
	for (size_t i = 0; i < w->context.n; i++) {
		struct str value = w->context.v[i], key = str_cut(&value, '=');
		struct catalogue_key known;
		struct str *v = NEWS(w->mem, struct str, value.n + 2);
		size_t n = 0;
		if (value.p == NULL || str_find_char(key, ':') == SIZE_MAX) {
			fprintf(stderr, "holdfast explain: --context takes service:key=value\n");
			return false;
		}
		bool multi = catalogue_key_find(key, &known) && known.multi;
		while (multi && value.p != NULL)
			v[n++] = str_cut(&value, ',');
		if (!multi)
			v[n++] = value;
		policy_context_put_named(&c->cx, key, v, n, multi);
	}
	return true;
}

static int explain_files(const struct wish *w)
{
	struct policy_cases cs = { .mem = w->mem };
	struct policy_case c;
	bool good = true;
	policy_case_init(&cs, &c, w->context.n);
	if (failed(policy_case_principal(&cs, &c, w->principal))) {
		fprintf(stderr,
			"holdfast explain: --principal takes the ARN of a user, role, session, root or federated user, "
			"a service's name, or anonymous\n");
		return 2;
	}
	policy_context_principal(&c.cx, &c.who);
	for (int kind = POLICY_NONE + 1; kind < POLICY_KIND_COUNT && good; kind++)
		good = add_files(w, &cs, &c, (enum policy_kind)kind, &w->files[kind]);
	good = good && add_files(w, &cs, &c, POLICY_RESOURCE, &w->key) && add_context(w, &c);
	int status = 2;
	if (good) {
		struct buf out = buf_in(w->mem);
		struct policy_names names = policy_cases_names(&cs);
		c.rq.mode = w->key.n ? POLICY_KEY : c.rq.mode;
		c.rq.resource_account = w->owner;
		struct policy_request rq = policy_case_ask(&c, w->action, w->resource);
		struct policy_decision d = policy_explain(w->mem, &rq, &names, &out);
		printf("%.*s", PR(buf_str(&out)));
		status = d.verdict != POLICY_ALLOW;
	}
	policy_cases_free(&cs);
	return status;
}

/* ---- from a server ---- */

static void put_pair(struct buf *b, const char *name, struct str value)
{
	if (value.n == 0)
		return;
	buf_printf(b, "%s%s=", b->n > 0 ? "&" : "", name);
	uri_put(b, value, false);
}

static int explain_served(const struct wish *w)
{
	struct buf q = buf_in(w->mem);
	put_pair(&q, "event", w->event);
	put_pair(&q, "principal", w->principal);
	put_pair(&q, "action", w->action);
	put_pair(&q, "resource", w->event.n ? (struct str){ 0 } : w->resource);
	for (size_t i = 0; i < w->context.n; i++)
		put_pair(&q, "context", w->context.v[i]);
	int status;
	struct str body;
	struct status st =
	    admin_ask(w->mem, w->data, "GET", arena_printf(w->mem, "/explain?%.*s", PR(buf_str(&q))), &status, &body);
	if (failed(st)) {
		fprintf(stderr, "holdfast explain: nobody serves %.*s; name policies as files, or start the server\n",
			PR(w->data));
		return 2;
	}
	if (status != 200) {
		fprintf(stderr, "holdfast explain: %.*s", PR(body));
		return 2;
	}
	printf("%.*s", PR(body));
	bool denied = str_find(body, S("\nDENIED ")) != SIZE_MAX || str_find(body, S("\nREFUSED ")) != SIZE_MAX;
	return denied || str_starts(body, S("REFUSED "));
}

/* ---- the command ---- */

static void help(const struct option_row *rows)
{
	printf("usage: holdfast explain --principal ARN --action ACTION [--resource ARN] [--context KEY=VALUE]...\n"
	       "           [--data DIR | --identity FILE... --resource-policy FILE ...]\n"
	       "       holdfast explain --event EVENT-ID [--data DIR]\n\n"
	       "Tell a decision in full: each policy, each statement, and why it did or did not match. With policies "
	       "named\n"
	       "as files, from these alone; else from the data of the server that runs on DIR.\n\n");
	options_help(rows);
	printf("\nExit status: 0 allowed, 1 denied, 2 when the question could not be answered.\n");
}

static bool understand(const struct wish *w)
{
	bool event = w->event.n > 0;
	if (event ? w->principal.n || w->action.n || offline(w) : !w->principal.n || !w->action.n)
		fprintf(stderr, event ? "holdfast explain: --event stands alone, with --data\n"
				      : "holdfast explain: give --principal and --action, or --event\n");
	else if (!event && str_find_char(w->action, ':') == SIZE_MAX)
		fprintf(stderr, "holdfast explain: --action takes service:Name, such as s3:GetObject\n");
	else
		return true;
	return false;
}

int command_explain(int argc, char **argv)
{
	struct arena *mem = arena_new();
	struct wish *w = NEW(mem, struct wish);
	struct str_list rest = { NEWS(mem, struct str, OPTION_REPEAT_MAX), 0 };
	*w = (struct wish){ .mem = mem, .data = S("data"), .resource = S("*") };
	w->context.v = NEWS(mem, struct str, OPTION_REPEAT_MAX);
	w->key.v = NEWS(mem, struct str, OPTION_REPEAT_MAX);
	for (size_t i = 0; i < POLICY_KIND_COUNT; i++)
		w->files[i].v = NEWS(mem, struct str, OPTION_REPEAT_MAX);
	const struct option_row rows[] = {
		{ "principal", "ARN", "who asks: user, role, session, root; a service; anonymous",
		  .text = &w->principal },
		{ "action", "ACTION", "s3:GetObject", .text = &w->action },
		{ "resource", "ARN", "on what [*]", .text = &w->resource },
		{ "resource-account", "ACCOUNT", "whose it is, where the ARN does not say it", .text = &w->owner },
		{ "context", "KEY=VALUE", "a condition key of the request; several values with commas",
		  .many = &w->context },
		{ "event", "EVENT-ID", "a call of the trail instead: why was it refused?", .text = &w->event },
		{ "data", "DIR", "the data directory of the server to ask [data]", .text = &w->data },
		{ "identity", "FILE", "a policy of the principal", .many = &w->files[POLICY_IDENTITY] },
		{ "boundary", "FILE", "its permissions boundary", .many = &w->files[POLICY_BOUNDARY] },
		{ "session", "FILE", "a session policy", .many = &w->files[POLICY_SESSION] },
		{ "resource-policy", "FILE", "the policy of the resource", .many = &w->files[POLICY_RESOURCE] },
		{ "key-policy", "FILE", "the policy of a KMS key", .many = &w->key },
		{ "trust", "FILE", "the trust policy of a role", .many = &w->files[POLICY_TRUST] },
		{ "endpoint", "FILE", "the policy of a VPC endpoint", .many = &w->files[POLICY_ENDPOINT] },
		{ "scp", "FILE", "a service control policy", .many = &w->files[POLICY_SCP] },
		{ "rcp", "FILE", "a resource control policy", .many = &w->files[POLICY_RCP] },
		{ "help", NULL, "print this", .flag = &w->help },
		{ 0 },
	};
	int status = 2;
	if (options_parse("explain", rows, argc, argv, &rest)) {
		if (w->help) {
			help(rows);
			status = 0;
		} else if (rest.n > 0) {
			fprintf(stderr, "holdfast explain: what is %.*s? See 'holdfast explain --help'\n",
				PR(rest.v[0]));
		} else if (understand(w)) {
			status = offline(w) ? explain_files(w) : explain_served(w);
		}
	}
	arena_free(mem);
	return status;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * holdfast workload add|list|remove: which program on this machine has which role. Asks the
 * server through its admin socket; there is no endpoint without a server.
 */
#include "base/codec.h"
#include "base/str.h"
#include "cli/commands.h"
#include "cli/options.h"
#include "cli/server.h"

#include <stdio.h>

struct workload_wish {
	struct str data, role, port;
	bool imds, help;
};

static struct str encoded(struct arena *mem, struct str s) { return uri_encode(mem, s, false); }

/* Other names would be more than a program's credentials: AWS_CONFIG_FILE names a program that is run. */
static bool is_setting(struct str name)
{
	if (!str_starts(name, S("export AWS_CONTAINER_")) && !str_starts(name, S("export AWS_EC2_METADATA_")))
		return false;
	for (size_t i = strlen("export "); i < name.n; i++)
		if (name.p[i] != '_' && !(name.p[i] >= 'A' && name.p[i] <= 'Z') &&
		    !(name.p[i] >= '0' && name.p[i] <= '9'))
			return false;
	return true;
}

static bool is_export(struct str line)
{
	struct str value = line, name = str_cut(&value, '=');
	return is_setting(name) && value.n >= 2 && value.p[0] == '\'' && value.p[value.n - 1] == '\'' &&
	       str_find_char(str_sub(value, 1, value.n - 2), '\'') == SIZE_MAX;
}

/* A shell reads this, so it is nothing but exports of SDKs' settings, whoever the server is by now. */
static bool show_exports(struct str body)
{
	struct str rest = body;
	while (rest.p && rest.n)
		if (!is_export(str_cut(&rest, '\n')))
			return false;
	return admin_show_all(body);
}

static int add(struct arena *mem, const struct workload_wish *w, struct str name)
{
	struct buf b = buf_in(mem);
	if (!w->role.n || (w->port.n && !w->imds)) {
		fprintf(stderr, "holdfast workload: add needs --role ARN; --port goes with --imds\n");
		return 2;
	}
	buf_printf(&b, "/workload?name=%.*s&role=%.*s", PR(encoded(mem, name)), PR(encoded(mem, w->role)));
	if (w->imds)
		buf_z(&b, "&form=instance");
	if (w->port.n)
		buf_printf(&b, "&port=%.*s", PR(encoded(mem, w->port)));
	return admin_command(mem, "workload", w->data, "POST", buf_str(&b), show_exports);
}

static int run(struct arena *mem, const struct workload_wish *w, struct str_list rest)
{
	struct str verb = rest.n ? rest.v[0] : S("");
	if (str_eq(verb, S("list")) && rest.n == 1)
		return admin_command(mem, "workload", w->data, "GET", S("/workload"), admin_show_all);
	if (str_eq(verb, S("add")) && rest.n == 2)
		return add(mem, w, rest.v[1]);
	if (str_eq(verb, S("remove")) && rest.n == 2)
		return admin_command(mem, "workload", w->data, "DELETE",
				     arena_printf(mem, "/workload?name=%.*s", PR(encoded(mem, rest.v[1]))), NULL);
	fprintf(stderr, "holdfast workload: add NAME, list or remove NAME; see 'holdfast workload --help'\n");
	return 2;
}

int command_workload(int argc, char **argv)
{
	struct workload_wish w = { .data = S("data") };
	struct str others[OPTION_REPEAT_MAX];
	struct str_list rest = { others, 0 };
	const struct option_row rows[] = {
		{ "data", "DIR", "the data directory [data]", .text = &w.data },
		{ "role", "ARN", "add: the role it has", .text = &w.role },
		{ "imds", NULL, "add: as an EC2 instance (IMDSv2), not as an ECS task", .flag = &w.imds },
		{ "port", "PORT", "add: the instance's own port [any]", .text = &w.port },
		{ "help", NULL, "print this", .flag = &w.help },
		{ 0 },
	};
	if (!options_parse("workload", rows, argc, argv, &rest))
		return 2;
	if (w.help) {
		printf("usage: holdfast workload add NAME --role ARN [--imds [--port PORT]] | list | remove NAME\n\n"
		       "add prints the shell exports that tell the program's SDK where its credentials are; the token\n"
		       "among them is told once. The server must run with --credentials.\n\n");
		options_help(rows);
		return 0;
	}
	struct arena *mem = arena_new();
	int status = run(mem, &w, rest);
	arena_wipe(mem);
	arena_free(mem);
	return status;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * holdfast policy check|test|generate|unused: tools for whoever writes policies. The first two need no
 * server; the others ask the one that runs about its trail.
 */
#include "cli/policy.h"

#include "base/str.h"
#include "cli/commands.h"
#include "cli/layout.h"

#include <stdio.h>

static const struct {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *help;
} commands[] = {
	{ "check", policy_command_check, "find what is wrong, dangerous or useless in policies" },
	{ "test", policy_command_test, "run cases: who may do what, as the policies stand" },
	{ "generate", policy_command_generate, "the smallest policy that allows what a user or role did" },
	{ "unused", policy_command_unused, "what a user or role may do but never did" },
};

static const struct {
	const char *word;
	enum policy_kind kind;
} kinds[] = {
	{ "identity", POLICY_IDENTITY }, { "resource", POLICY_RESOURCE }, { "trust", POLICY_TRUST },
	{ "boundary", POLICY_BOUNDARY }, { "session", POLICY_SESSION },   { "scp", POLICY_SCP },
	{ "rcp", POLICY_RCP },           { "endpoint", POLICY_ENDPOINT },
};

enum policy_kind policy_kind_find(struct str name)
{
	for (size_t i = 0; i < COUNT(kinds); i++)
		if (str_eq(name, str_of(kinds[i].word)))
			return kinds[i].kind;
	return POLICY_NONE;
}

const char *policy_kind_word(enum policy_kind kind)
{
	for (size_t i = 0; i < COUNT(kinds); i++)
		if (kinds[i].kind == kind)
			return kinds[i].word;
	return "policy";
}

struct status policy_file_read(struct arena *mem, const char *command, struct str path, struct str *out)
{
	struct status st = text_file_read(mem, str_eq(path, S("-")) ? S("/dev/stdin") : path, out);
	if (failed(st))
		fprintf(stderr, "holdfast %s: %.*s: %s\n", command, PR(path),
			st.code == E_NOT_FOUND ? "no such file"
			: st.code == E_TOO_BIG ? "more than 1 MiB"
					       : "cannot be read");
	return st;
}

static void help(FILE *to)
{
	fprintf(to, "usage: holdfast policy COMMAND [OPTIONS] FILE...\n\n");
	for (size_t i = 0; i < COUNT(commands); i++)
		fprintf(to, "  %-8s  %s\n", commands[i].name, commands[i].help);
	fprintf(to, "\n'holdfast policy COMMAND --help' tells more.\n");
}

int command_policy(int argc, char **argv)
{
	if (argc > 0 && (!strcmp(argv[0], "--help") || !strcmp(argv[0], "-h"))) {
		help(stdout);
		return 0;
	}
	for (size_t i = 0; argc > 0 && i < COUNT(commands); i++)
		if (!strcmp(argv[0], commands[i].name))
			return commands[i].run(argc - 1, argv + 1);
	help(stderr);
	return 2;
}

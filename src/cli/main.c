/* SPDX-License-Identifier: Apache-2.0 */
/*
 * holdfast COMMAND ...
 */
#include "base/log.h"
#include "cli/commands.h"
#include "crypto/harden.h"
#include "crypto/starter.h"
#include "crypto/token_process.h"

#include <signal.h>
#include <stdio.h>

static int version(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	printf("holdfast %s\n", HOLDFAST_VERSION);
	return 0;
}

static int help(int argc, char **argv);

static const struct {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *help;
} commands[] = {
	{ "init", command_init, "make a data directory: keys, certificates, the first account" },
	{ "serve", command_serve, "serve the AWS APIs from a data directory" },
	{ "env", command_env, "print the shell exports that point AWS tools at a server" },
	{ "aws", command_aws, "run the installed aws against a server" },
	{ "account", command_account, "account create, account list" },
	{ "workload", command_workload, "give programs on this machine a role: workload add, list, remove" },
	{ "keystore", command_keystore, "tokens for custom key stores: keystore add, list, certificate, remove" },
	{ "rootkey", command_rootkey,
	  "rootkey status, rootkey rotate: where the root key comes from, and another one" },
	{ "doctor", command_doctor, "check a data directory and say what is wrong with it" },
	{ "explain", command_explain, "tell a decision in full: which statement, or which missing one, and why" },
	{ "policy", command_policy, "policy check, test, generate, unused: tools for those who write policies" },
	{ "version", version, "print the version" },
	{ "help", help, "print this" },
	{ TOKEN_PROCESS_COMMAND, command_token_process, NULL },
	{ GUARDIAN_COMMAND, command_guardian, NULL },
};

static int help(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	printf("holdfast: the security and data-protection half of AWS, run by yourself\n\nusage: holdfast COMMAND "
	       "[OPTIONS]\n\n");
	for (size_t i = 0; i < COUNT(commands); i++)
		if (commands[i].help)
			printf("  %-8s  %s\n", commands[i].name, commands[i].help);
	printf("\n'holdfast COMMAND --help' tells more.\n");
	return 0;
}

int main(int argc, char **argv)
{
	if (argc < 2) {
		help(0, NULL);
		return 2;
	}
	const char *name = argv[1];
	if (!strcmp(name, "--help") || !strcmp(name, "-h"))
		name = "help";
	if (!strcmp(name, "--version"))
		name = "version";
	struct harden_report hardened;
	signal(SIGCHLD, SIG_DFL); /* ignored, as a parent may leave it, how our children ended would be lost */
	log_setup(2, LOG_WARN);
	if (process_harden(&hardened).code) {
		fprintf(stderr, "holdfast: the kernel does not let this process forbid memory dumps\n");
		return 1;
	}
	for (size_t i = 0; i < COUNT(commands); i++)
		if (!strcmp(name, commands[i].name))
			return commands[i].run(argc - 2, argv + 2);
	fprintf(stderr, "holdfast: no command '%s'; see 'holdfast help'\n", name);
	return 2;
}

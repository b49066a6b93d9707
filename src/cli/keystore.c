/* SPDX-License-Identifier: Apache-2.0 */
/*
 * holdfast keystore add|list|certificate|remove: which tokens (PKCS #11) custom key stores may have. Asks the server
 * through its admin socket. And the command that serve starts for each connection to one.
 */
#include "base/codec.h"
#include "base/log.h"
#include "base/str.h"
#include "cli/commands.h"
#include "cli/modules.h"
#include "cli/options.h"
#include "cli/server.h"
#include "crypto/token_process.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct keystore_wish {
	struct str data, module, token, replica, account, region;
	bool help;
};

static void put(struct buf *b, const char *name, struct str value)
{
	if (value.n)
		buf_printf(b, "&%s=%.*s", name, PR(uri_encode(b->mem, value, false)));
}

static struct buf target(struct arena *mem, const struct keystore_wish *w, struct str name)
{
	struct buf b = buf_in(mem);
	buf_z(&b, "/keystore?");
	put(&b, "name", name);
	put(&b, "account", w->account);
	put(&b, "region", w->region);
	return b;
}

static int add(struct arena *mem, const struct keystore_wish *w, struct str name)
{
	if (!w->module.n || !w->token.n) {
		fprintf(stderr, "holdfast keystore: add needs --module PATH and --token LABEL\n");
		return 2;
	}
	char *module = realpath(str_z(mem, w->module), NULL);
	if (!module || access(module, R_OK) != 0) {
		fprintf(stderr, "holdfast keystore: cannot read %.*s\n", PR(w->module));
		free(module);
		return 1;
	}
	struct world world;
	struct buf b = target(mem, w, name);
	put(&b, "module", str_of(module));
	world_real(&world);
	struct status st = modules_add(&world, mem, w->data, str_of(module));
	free(module);
	if (failed(st))
		return 1;
	put(&b, "token", w->token);
	put(&b, "replica", w->replica);
	return admin_command(mem, "keystore", w->data, "POST", buf_str(&b), admin_show_all);
}

static int run(struct arena *mem, const struct keystore_wish *w, struct str_list rest)
{
	struct str verb = rest.n ? rest.v[0] : S(""), name = rest.n > 1 ? rest.v[1] : S("");
	struct buf b = target(mem, w, name);
	if (str_eq(verb, S("list")) && rest.n == 1)
		return admin_command(mem, "keystore", w->data, "GET", buf_str(&b), admin_show_all);
	if (str_eq(verb, S("certificate")) && rest.n == 2)
		return admin_command(mem, "keystore", w->data, "GET", buf_str(&b), admin_show_all);
	if (str_eq(verb, S("add")) && rest.n == 2)
		return add(mem, w, name);
	if (str_eq(verb, S("remove")) && rest.n == 2)
		return admin_command(mem, "keystore", w->data, "DELETE", buf_str(&b), NULL);
	fprintf(stderr, "holdfast keystore: add NAME, list, certificate NAME or remove NAME; see 'holdfast keystore "
			"--help'\n");
	return 2;
}

int command_keystore(int argc, char **argv)
{
	struct keystore_wish w = { .data = S("data") };
	struct str others[OPTION_REPEAT_MAX];
	struct str_list rest = { others, 0 };
	const struct option_row rows[] = {
		{ "data", "DIR", "the data directory [data]", .text = &w.data },
		{ "module", "PATH", "add: the token's PKCS #11 module", .text = &w.module },
		{ "token", "LABEL", "add: the token's label", .text = &w.token },
		{ "replica-of", "NAME", "add: it has copies of the keys of that one", .text = &w.replica },
		{ "account", "ID", "whose it is [the first account]", .text = &w.account },
		{ "region", "REGION", "where it is [the server's]", .text = &w.region },
		{ "help", NULL, "print this", .flag = &w.help },
		{ 0 },
	};
	if (!options_parse("keystore", rows, argc, argv, &rest))
		return 2;
	if (w.help) {
		printf(
		    "usage: holdfast keystore add NAME --module PATH --token LABEL | list | certificate NAME | "
		    "remove NAME\n\n"
		    "add prints the token's CloudHsmClusterId and its TrustAnchorCertificate, with which the account "
		    "then\nmakes a custom key store (aws kms create-custom-key-store); the KeyStorePassword is the "
		    "PIN of the\ntoken's user.\n\n");
		options_help(rows);
		return 0;
	}
	struct arena *mem = arena_new();
	int status = run(mem, &w, rest);
	arena_free(mem);
	return status;
}

int command_token_process(int argc, char **argv)
{
	int64_t parent;
	struct token_limits limits = { 0 };
	if (argc < 1 || !str_to_i64(str_of(argv[0]), &parent)) {
		fprintf(stderr, "holdfast " TOKEN_PROCESS_COMMAND ": this is started by serve\n");
		return 2;
	}
	log_setup(2, LOG_INFO);
	struct arena *mem = arena_new();
	if (argc > 1 && failed(modules_read(mem, argv[1], &limits.modules)))
		return 1;
	if (argc > 2) {
		limits.hidden = (const char *const *)argv + 2;
		limits.n_hidden = (size_t)argc - 2;
	}
	int status = token_holder_run((int)parent, &limits);
	arena_free(mem);
	return status;
}

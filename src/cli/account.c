/* SPDX-License-Identifier: Apache-2.0 */
/*
 * holdfast account create|list. While the directory is being served the server is asked
 * through its admin socket, since only one process may have the store open.
 */
#include "base/str.h"
#include "cli/commands.h"
#include "cli/options.h"
#include "cli/root_options.h"
#include "cli/server.h"
#include "policy/policy.h"

#include <stdio.h>

struct account_wish {
	struct str data, account, fd;
	bool help;
};

static int create_here(const struct account_wish *wish)
{
	struct world w;
	struct server s;
	struct credentials c;
	struct asker asker;
	if (!asker_of("account", wish->fd, &asker))
		return 2;
	world_real(&w);
	bool closed = failed(server_open(&s, &w, wish->data, &asker));
	asker_end(&asker);
	if (closed) {
		fprintf(stderr, "holdfast account: cannot open %.*s\n", PR(wish->data));
		return 1;
	}
	struct status st = server_account_create(&s, wish->account, &c);
	if (failed(st))
		fprintf(stderr, "holdfast account: %s\n",
			st.code == E_EXISTS ? "that account exists" : status_name(st));
	else
		printf("%.*s %.*s %.*s\n", PR(c.account), PR(c.access_key_id), PR(c.secret_key));
	server_close(&s);
	return failed(st);
}

static int create(struct arena *mem, const struct account_wish *w)
{
	int status;
	struct str body;
	if (!account_id_is(w->account)) {
		fprintf(stderr, "holdfast account: --account takes 12 digits\n");
		return 2;
	}
	struct status st =
	    admin_ask(mem, w->data, "POST", arena_printf(mem, "/account?id=%.*s", PR(w->account)), &status, &body);
	if (st.code == E_CLOSED)
		return create_here(w);
	if (failed(st) || status != 200) {
		fprintf(stderr, "holdfast account: %.*s\n", PR(failed(st) ? str_of(status_name(st)) : body));
		return 1;
	}
	printf("%.*s", PR(body));
	return 0;
}

static int list(struct arena *mem, const struct account_wish *w)
{
	struct world world;
	struct config c;
	struct vault_keys keys;
	struct credentials *all;
	struct asker asker;
	size_t n = 0;
	if (!asker_of("account", w->fd, &asker))
		return 2;
	world_real(&world);
	struct status st = config_load(mem, w->data, &c);
	if (!failed(st))
		st = keys_open(&world, mem, w->data, &c, &asker, &keys);
	asker_end(&asker);
	if (failed(st)) {
		fprintf(stderr, "holdfast account: %.*s: %s\n", PR(w->data), status_name(st));
		return 1;
	}
	st = credentials_load(&keys, mem, w->data, &all, &n);
	for (size_t i = 0; i < n; i++)
		printf("%.*s %.*s\n", PR(all[i].account), PR(all[i].access_key_id));
	keyring_close(keys.keyring);
	return failed(st);
}

int command_account(int argc, char **argv)
{
	struct account_wish w = { .data = S("data") };
	struct str others[OPTION_REPEAT_MAX];
	struct str_list rest = { others, 0 };
	const struct option_row rows[] = {
		{ "data", "DIR", "the data directory [data]", .text = &w.data },
		{ "account", "ID", "create: the new account's 12 digits", .text = &w.account },
		ROOT_ASK_ROW(&w.fd),
		{ "help", NULL, "print this", .flag = &w.help },
		{ 0 },
	};
	if (!options_parse("account", rows, argc, argv, &rest))
		return 2;
	struct arena *mem = arena_new();
	int status = 2;
	if (w.help || rest.n != 1) {
		printf("usage: holdfast account create|list --data DIR [OPTIONS]\n\n"
		       "create prints the account, its root access key id and secret key, once.\n\n");
		options_help(rows);
		status = w.help ? 0 : 2;
	} else if (str_eq(rest.v[0], S("create"))) {
		status = create(mem, &w);
	} else if (str_eq(rest.v[0], S("list"))) {
		status = list(mem, &w);
	} else {
		fprintf(stderr, "holdfast account: create or list, not %.*s\n", PR(rest.v[0]));
	}
	arena_wipe(mem);
	arena_free(mem);
	return status;
}

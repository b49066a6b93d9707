/* SPDX-License-Identifier: Apache-2.0 */
/*
 * holdfast init: a data directory from nothing.
 *
 * Order matters for a crash in between: the config is written last, so a directory without
 * one was never finished and init may be run again after the operator removed it.
 */
#include "api/accounts.h"
#include "api/ids.h"
#include "base/fiber.h"
#include "base/str.h"
#include "cli/commands.h"
#include "cli/options.h"
#include "cli/root_options.h"
#include "cli/server.h"
#include "cli/tls_files.h"
#include "policy/policy.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct wish {
	struct str data, account, root_id, root_secret, root_key, region, domain, passphrase_fd;
	struct root_wish root;
	struct str_list names;
	bool help;
};

static int complain(const char *what, struct str about)
{
	fprintf(stderr, "holdfast init: %s: %.*s\n", what, PR(about));
	return 1;
}

static struct str absolute(struct arena *mem, struct str path)
{
	char *cwd = NEWS(mem, char, PATH_MAX);
	if (path.n && path.p[0] == '/')
		return path;
	return getcwd(cwd, PATH_MAX) ? arena_printf(mem, "%s/%.*s", cwd, PR(path)) : path;
}

static struct str without_slash(struct str path)
{
	while (path.n > 1 && path.p[path.n - 1] == '/')
		path.n--;
	return path;
}

static bool make_dirs(struct arena *mem, struct str dir)
{
	static const char *const subs[] = { "", "keys", "tls" };
	for (size_t i = 0; i < COUNT(subs); i++)
		if (mkdir(str_z(mem, layout_path(mem, dir, subs[i])), 0700) && errno != EEXIST)
			return false;
	return true;
}

static struct config config_of(const struct wish *w)
{
	return (struct config){
		.account = w->account.n ? w->account : S("000000000000"),
		.region = w->region.n ? w->region : S("us-east-1"),
		.domain = w->domain.p ? w->domain : S("s3.localhost"),
		.names = w->names,
	};
}

struct first_account {
	struct server *s;
	struct account_root root;
	struct status st;
};

static void make_account(void *arg)
{
	struct first_account *f = arg;
	const struct account *account;
	f->st = account_create(f->s->app.accounts, f->s->config.account, f->root, &account);
}

static struct status first_account(struct server *s, const struct wish *w)
{
	struct first_account f = { .s = s };
	f.root.access_key_id = w->root_id.n ? w->root_id : id_access_key(s->world, s->mem, "AKIA", s->config.account);
	f.root.secret_key = w->root_secret.n ? w->root_secret : id_secret_key(s->world, s->mem);
	fiber_block_on(make_account, &f);
	TRY(f.st);
	struct credentials c = { s->config.account, f.root.access_key_id, f.root.secret_key };
	return credentials_save(s->world, &s->keys, s->mem, s->dir, &c, 1);
}

/* The link first: nobody looks for a key that no link leads to. */
static struct status make_root(struct world *w, struct arena *mem, const struct wish *wish, struct str dir,
			       struct asker *asker, struct config *c, struct vault_keys *keys)
{
	c->root_key = wish->root_key;
	if (!wish->root_key.n) {
		TRY(root_key_find(mem, dir, &c->root_key));
		return keys_create(w, mem, dir, c, &wish->root, asker, keys);
	}
	TRY(root_key_link(w, mem, dir, wish->root_key));
	struct status st = keys_create(w, mem, dir, c, &wish->root, asker, keys);
	if (failed(st))
		root_key_unlink(mem, dir);
	return st;
}

static struct status build(struct world *w, struct arena *mem, const struct wish *wish, struct str dir,
			   struct asker *asker, struct config *c)
{
	struct vault_keys keys = { 0 };
	TRY(make_root(w, mem, wish, dir, asker, c, &keys));
	struct status st = tls_files_create(w, mem, &keys, dir, c);
	keyring_close(keys.keyring);
	TRY(st);
	TRY(config_save(w, mem, dir, c));
	struct server s;
	TRY(server_open(&s, w, dir, asker));
	st = first_account(&s, wish);
	server_close(&s);
	return st;
}

static int check(const struct wish *w)
{
	if (!w->data.n) {
		fprintf(stderr, "holdfast init: --data DIR is needed\n");
		return 2;
	}
	if (w->account.n && !account_id_is(w->account)) {
		fprintf(stderr, "holdfast init: --account takes 12 digits\n");
		return 2;
	}
	if (!w->root_id.n != !w->root_secret.n) {
		fprintf(stderr, "holdfast init: --root-access-key-id and --root-secret-access-key go together\n");
		return 2;
	}
	return 0;
}

static int init(struct arena *mem, struct wish *wish, struct asker *asker)
{
	struct world w;
	struct str text, dir = without_slash(absolute(mem, wish->data));
	world_real(&w);
	if (wish->root_key.n)
		wish->root_key = absolute(mem, wish->root_key);
	if (!failed(text_file_read(mem, layout_path(mem, dir, "config"), &text)))
		return complain("this directory is already initialised", dir);
	if (!make_dirs(mem, dir))
		return complain(strerror(errno), dir);
	struct config c = config_of(wish);
	struct status st = build(&w, mem, wish, dir, asker, &c);
	if (st.code == E_EXISTS)
		return complain("a root key is already there, or a link to one; it is never overwritten", c.root_key);
	if (failed(st)) {
		unlink(str_z(mem, layout_path(mem, dir, "config")));
		return complain(status_name(st), dir);
	}
	printf("data directory  %.*s\nroot key        %.*s (%s, mode 0600; without it the data are noise: keep a copy "
	       "elsewhere)\n"
	       "account         %.*s\nCA certificate  %.*s/tls/ca.pem\n",
	       PR(dir), PR(c.root_key), root_source_name(wish->root.source), PR(c.account), PR(dir));
	return 0;
}

int command_init(int argc, char **argv)
{
	struct str names[OPTION_REPEAT_MAX], others[OPTION_REPEAT_MAX];
	struct wish w = { .names = { names, 0 } };
	struct str_list rest = { others, 0 };
	const struct option_row rows[] = {
		{ "data", "DIR", "the directory to make", .text = &w.data },
		{ "account", "ID", "the first account, 12 digits [000000000000]", .text = &w.account },
		{ "root-access-key-id", "ID", "its root credentials [made up]", .text = &w.root_id },
		{ "root-secret-access-key", "KEY", "", .text = &w.root_secret },
		{ "root-key", "FILE", "where the root key goes; DIR.rootkey is then a link to it",
		  .text = &w.root_key },
		ROOT_WISH_ROWS(&w.root),
		ROOT_ASK_ROW(&w.passphrase_fd),
		{ "region", "REGION", "for requests that name none [us-east-1]", .text = &w.region },
		{ "domain", "DOMAIN", "virtual-host addressing is BUCKET.DOMAIN [s3.localhost]", .text = &w.domain },
		{ "name", "NAME", "a further name or address in the server certificate", .many = &w.names },
		{ "help", NULL, "print this", .flag = &w.help },
		{ 0 },
	};
	if (!options_parse("init", rows, argc, argv, &rest))
		return 2;
	if (w.help) {
		printf("usage: holdfast init --data DIR [OPTIONS]\n\n");
		options_help(rows);
		return 0;
	}
	struct asker asker;
	int wrong = check(&w);
	if (wrong)
		return wrong;
	if (!root_wish_fits("init", &w.root) || !asker_of("init", w.passphrase_fd, &asker))
		return 2;
	struct arena *mem = arena_new();
	int status = init(mem, &w, &asker);
	asker_end(&asker);
	arena_wipe(mem);
	arena_free(mem);
	return status;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * holdfast env and holdfast aws: how a client reaches a server.
 *
 *     eval "$(holdfast env --data DIR)"
 *     holdfast aws --data DIR s3 ls
 *
 * Both open the sealed root credentials with the root key, so whoever may run them could
 * read everything anyway. `aws` leaves credentials alone where the environment or --profile
 * names some, of whatever kind: who runs as a role must not become root by it. Older aws
 * programs do not read AWS_ENDPOINT_URL; therefore the endpoint is also given as an option,
 * and old_sdk.h has the rest.
 */
#include "base/str.h"
#include "cli/commands.h"
#include "cli/layout.h"
#include "cli/old_sdk.h"
#include "cli/options.h"
#include "cli/root_options.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct client {
	struct str data, account, url, fd;
	struct asker asker;
	struct config config;
	struct credentials credentials;
	bool help;
};

static struct str default_data(void)
{
	const char *dir = getenv("HOLDFAST_DATA");
	return dir ? str_of(dir) : S("data");
}

static struct status pick_credentials(struct client *c, struct vault_keys *keys, struct arena *mem)
{
	struct credentials *all;
	size_t n;
	TRY(credentials_load(keys, mem, c->data, &all, &n));
	for (size_t i = 0; i < n; i++)
		if (!c->account.n || str_eq(c->account, all[i].account)) {
			c->credentials = all[i];
			return OK;
		}
	return ERR(E_NOT_FOUND);
}

static struct status find_server(struct client *c, struct arena *mem)
{
	struct world w;
	struct vault_keys keys;
	struct str urls;
	world_real(&w);
	TRY(config_load(mem, c->data, &c->config));
	TRY(text_file_read(mem, layout_path(mem, c->data, "urls"), &urls));
	c->url = str_cut(&urls, '\n');
	struct status st = keys_open(&w, mem, c->data, &c->config, &c->asker, &keys);
	asker_end(&c->asker);
	TRY(st);
	st = pick_credentials(c, &keys, mem);
	keyring_close(keys.keyring);
	return st;
}

static struct str absolute(struct arena *mem, struct str path)
{
	char *real = realpath(str_z(mem, path), NULL);
	struct str out = real ? str_dup(mem, str_of(real)) : path;
	free(real);
	return out;
}

static int not_there(const char *command, struct status st, struct str data)
{
	fprintf(stderr, "holdfast %s: %.*s: %s\n", command, PR(data),
		st.code == E_NOT_FOUND ? "no server is serving this directory, or it has no such account"
				       : status_name(st));
	return 1;
}

static bool common_options(const char *command, struct client *c, int argc, char **argv)
{
	struct str others[OPTION_REPEAT_MAX];
	struct str_list rest = { others, 0 };
	const struct option_row rows[] = {
		{ "data", "DIR", "the data directory [$HOLDFAST_DATA, or data]", .text = &c->data },
		{ "account", "ID", "whose root credentials [the first account's]", .text = &c->account },
		ROOT_ASK_ROW(&c->fd),
		{ "help", NULL, "print this", .flag = &c->help },
		{ 0 },
	};
	c->data = default_data();
	if (!options_parse(command, rows, argc, argv, &rest) || !asker_of(command, c->fd, &c->asker))
		return false;
	if (c->help) {
		printf("usage: holdfast %s [OPTIONS]%s\n\n", command,
		       strcmp(command, "aws") ? "" : " AWS-ARGUMENTS...");
		options_help(rows);
	}
	return true;
}

/* ---- env ------------------------------------------------------------------------------ */

static void export_one(const char *name, struct str value)
{
	printf("export %s='", name);
	for (size_t i = 0; i < value.n; i++) /* a shell reads this, and the address is what a file says */
		if (value.p[i] == '\'')
			fputs("'\\''", stdout);
		else
			putchar(value.p[i]);
	printf("'\n");
}

int command_env(int argc, char **argv)
{
	struct client c = { 0 };
	if (!common_options("env", &c, argc, argv))
		return 2;
	if (c.help)
		return 0;
	struct arena *mem = arena_new();
	c.data = absolute(mem, c.data);
	struct status st = find_server(&c, mem);
	if (!failed(st)) {
		export_one("AWS_ENDPOINT_URL", c.url);
		export_one("AWS_REGION", c.config.region);
		export_one("AWS_DEFAULT_REGION", c.config.region);
		export_one("AWS_ACCESS_KEY_ID", c.credentials.access_key_id);
		export_one("AWS_SECRET_ACCESS_KEY", c.credentials.secret_key);
		export_one("AWS_CA_BUNDLE", layout_path(mem, c.data, "tls/ca.pem"));
		export_one("AWS_DATA_PATH", old_sdk_path(mem, c.data));
		export_one("HOLDFAST_DATA", c.data);
		printf("unset AWS_SESSION_TOKEN AWS_PROFILE\n");
	}
	int status = failed(st) ? not_there("env", st, c.data) : 0;
	arena_wipe(mem);
	arena_free(mem);
	return status;
}

/* ---- aws ------------------------------------------------------------------------------ */

static void set(struct arena *mem, const char *name, struct str value) { setenv(name, str_z(mem, value), 1); }

/* Whose call is it to be? A key, a profile, a web identity, a container's or an instance's role. */
static bool somebody_is_named(int argc, char **argv)
{
	static const char *const names[] = { "AWS_ACCESS_KEY_ID",
					     "AWS_PROFILE",
					     "AWS_DEFAULT_PROFILE",
					     "AWS_WEB_IDENTITY_TOKEN_FILE",
					     "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
					     "AWS_CONTAINER_CREDENTIALS_FULL_URI",
					     "AWS_EC2_METADATA_SERVICE_ENDPOINT" };
	for (size_t i = 0; i < COUNT(names); i++)
		if (getenv(names[i]))
			return true;
	for (int i = 0; i < argc; i++)
		if (str_eq(str_of(argv[i]), S("--profile")) || str_starts(str_of(argv[i]), S("--profile=")))
			return true;
	return false;
}

static void set_data_path(struct client *c, struct arena *mem)
{
	const char *more = getenv("AWS_DATA_PATH");
	struct str path = old_sdk_path(mem, c->data);
	set(mem, "AWS_DATA_PATH", more ? arena_printf(mem, "%.*s:%s", PR(path), more) : path);
}

static int run_aws(struct client *c, struct arena *mem, int argc, char **argv)
{
	char **args = NEWS(mem, char *, (size_t)argc + 4);
	int n = 0;
	args[n++] = str_z(mem, S("aws"));
	args[n++] = str_z(mem, S("--endpoint-url"));
	args[n++] = str_z(mem, c->url);
	for (int i = 0; i < argc; i++)
		args[n++] = argv[i];
	if (!somebody_is_named(argc, argv)) {
		set(mem, "AWS_ACCESS_KEY_ID", c->credentials.access_key_id);
		set(mem, "AWS_SECRET_ACCESS_KEY", c->credentials.secret_key);
	}
	set(mem, "AWS_CA_BUNDLE", layout_path(mem, c->data, "tls/ca.pem"));
	setenv("AWS_DEFAULT_REGION", str_z(mem, c->config.region), 0);
	setenv("AWS_PAGER", "", 0);
	if (!getenv("AWS_EC2_METADATA_SERVICE_ENDPOINT"))
		setenv("AWS_EC2_METADATA_DISABLED", "true", 0);
	set(mem, "AWS_ENDPOINT_URL", c->url);
	set_data_path(c, mem);
	execvp("aws", args);
	fprintf(stderr, "holdfast aws: cannot run aws: %s\n", strerror(errno));
	return 127;
}

/* Our own options come first; from the first word that is none of them on everything is aws's. */
static int own_options(int argc, char **argv)
{
	int n = 0;
	while (n < argc) {
		struct str a = str_of(argv[n]);
		if (str_eq(a, S("--data")) || str_eq(a, S("--account")) || str_eq(a, S("--passphrase-fd")))
			n += 2;
		else if (str_starts(a, S("--data=")) || str_starts(a, S("--account=")) ||
			 str_starts(a, S("--passphrase-fd=")) || (n == 0 && argc == 1 && str_eq(a, S("--help"))))
			n++;
		else
			break;
	}
	return n < argc ? n : argc;
}

int command_aws(int argc, char **argv)
{
	struct client c = { 0 };
	int own = own_options(argc, argv);
	if (!common_options("aws", &c, own, argv))
		return 2;
	if (c.help)
		return 0;
	struct arena *mem = arena_new();
	c.data = absolute(mem, c.data);
	struct status st = find_server(&c, mem);
	int status = failed(st) ? not_there("aws", st, c.data) : run_aws(&c, mem, argc - own, argv + own);
	arena_wipe(mem);
	arena_free(mem);
	return status;
}

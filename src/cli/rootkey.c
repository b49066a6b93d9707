/* SPDX-License-Identifier: Apache-2.0 */
/*
 * holdfast rootkey status | rotate. Rotation begins here, where a person may be asked for both keys' passphrases; the
 * wrapping is done by whoever has the store open: the server, when the directory is served, else this process.
 *
 *     begin (crypto/root_rotation.h) ── POST /rootkey/rotate ──▶ the server wraps, finishes
 *                                    └─ nobody serves: the same here
 *
 * Interrupted anywhere, the same command goes on where it was; so does the next start of the server.
 */
#include "base/log.h"
#include "base/str.h"
#include "cli/commands.h"
#include "cli/root_options.h"
#include "cli/server.h"
#include "crypto/root_rotation.h"

#include <stdio.h>

struct rootkey {
	struct str data, fd, new_fd;
	struct root_wish wish;
	struct asker asker, next; /* the root key's that is, and that will be */
	struct config config;
	const char *path;
	bool help;
};

static int complain(const char *what, struct status st)
{
	fprintf(stderr, "holdfast rootkey: %s: %s\n", what, status_name(st));
	return 1;
}

static int status(struct arena *mem, struct world *w, struct rootkey *k)
{
	struct root_about about;
	struct status st = root_about(w, mem, k->path, &about);
	if (failed(st))
		return complain(k->path, st);
	printf("file      %s\nsource    %s%s%.*s%s\n", k->path, about.source, about.settings.n ? " (" : "",
	       PR(about.settings), about.settings.n ? ")" : "");
	if (about.id.n)
		printf("id        %.*s\n", PR(about.id));
	printf("opens     %s\n", about.by_itself ? "by itself" : "when a passphrase or PIN is told");
	printf("rotation  %s\n", root_rotation_under_way(w, k->path)
				     ? "under way: 'holdfast rootkey rotate' or the next start finishes it"
				     : "none under way");
	return 0;
}

/* ---- rotating ---- */

static struct status begin(struct arena *mem, struct world *w, struct rootkey *k)
{
	uint8_t root[ROOT_KEY_SIZE];
	if (!k->wish.source.n)
		TRY(root_wish_like(w, mem, k->path, &k->wish));
	TRY(root_open(w, k->path, &k->asker, root));
	struct status st = root_rotation_begin(w, k->path, &k->wish, &k->next, root);
	secret_wipe(root, sizeof root);
	return st;
}

static int finish_here(struct world *w, struct rootkey *k)
{
	struct server s;
	struct rotated done;
	struct status st = server_open(&s, w, k->data, &k->asker);
	if (failed(st))
		return complain("cannot open the data directory", st);
	st = server_rotate_root(&s, &done);
	server_close(&s);
	if (failed(st))
		return complain("the rotation is not finished; say it again", st);
	printf("rotated: %zu keys wrapped anew\n", done.keys);
	return 0;
}

static int finish(struct arena *mem, struct world *w, struct rootkey *k)
{
	int http;
	struct str body;
	struct status st = admin_ask(mem, k->data, "POST", S("/rootkey/rotate"), &http, &body);
	if (st.code == E_CLOSED)
		return finish_here(w, k);
	if (failed(st))
		return complain("the server does not answer; say it again", st);
	fprintf(http == 200 ? stdout : stderr, "%.*s", PR(body));
	return http != 200;
}

static int rotate(struct arena *mem, struct world *w, struct rootkey *k)
{
	if (root_rotation_under_way(w, k->path)) {
		printf("a rotation is under way: it is finished now, as it was begun\n");
		return finish(mem, w, k);
	}
	if (k->wish.source.n && !root_wish_fits("rootkey", &k->wish))
		return 2;
	struct status st = begin(mem, w, k);
	if (failed(st))
		return complain("not begun, and nothing is changed (see above)", st);
	return finish(mem, w, k);
}

static int run(struct arena *mem, struct rootkey *k, struct str what)
{
	struct world w;
	world_real(&w);
	struct status st = config_load(mem, k->data, &k->config);
	if (failed(st))
		return complain("the data directory's settings", st);
	k->path = str_z(mem, k->config.root_key);
	if (str_eq(what, S("status")))
		return status(mem, &w, k);
	if (str_eq(what, S("rotate")))
		return rotate(mem, &w, k);
	fprintf(stderr, "holdfast rootkey: status or rotate, not %.*s\n", PR(what));
	return 2;
}

int command_rootkey(int argc, char **argv)
{
	struct str others[OPTION_REPEAT_MAX];
	struct str_list rest = { others, 0 };
	struct rootkey k = { .data = S("data") };
	const struct option_row rows[] = {
		{ "data", "DIR", "the data directory [data]", .text = &k.data },
		ROOT_WISH_ROWS(&k.wish),
		ROOT_ASK_ROW(&k.fd),
		{ "new-passphrase-fd", "N", "the same for the root key that will be", .text = &k.new_fd },
		{ "help", NULL, "print this", .flag = &k.help },
		{ 0 },
	};
	if (!options_parse("rootkey", rows, argc, argv, &rest))
		return 2;
	if (k.help || rest.n != 1) {
		printf("usage: holdfast rootkey status|rotate --data DIR [OPTIONS]\n\n"
		       "Without --root-key-source a rotation keeps to the source there is.\n");
		options_help(rows);
		return k.help ? 0 : 2;
	}
	if (!asker_of("rootkey", k.fd, &k.asker) || !asker_of("rootkey", k.new_fd, &k.next))
		return 2;
	struct arena *mem = arena_new();
	int code = run(mem, &k, rest.v[0]);
	asker_end(&k.asker);
	asker_end(&k.next);
	arena_wipe(mem);
	arena_free(mem);
	return code;
}

/* ---- the guardian, started anew ---- */

int command_guardian(int argc, char **argv)
{
	struct world w;
	if (argc != 1)
		return 2;
	log_setup(2, LOG_INFO);
	world_real(&w);
	keyring_guardian(&w, argv[0]);
}

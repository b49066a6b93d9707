/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A whole server put together: what `serve` runs, what `account create` opens when nobody
 * serves, what tests drive in their own process.
 */
#ifndef CLI_SERVER_H
#define CLI_SERVER_H

#include "api/app.h"
#include "cli/layout.h"

struct fetcher;
struct starter;

/* What a server that gives up the rest of the machine (cli/confine.h) still needs of it; empty: nothing. */
struct outside {
	struct str ready_file; /* written when it serves */
	struct str ca_file;    /* read */
};

struct server {
	struct world *world;
	struct arena *mem;
	struct str dir;
	struct config config;
	struct vault_keys keys;
	bool keys_apart;
	struct asker *asker; /* while the keys are opened */
	struct outside outside;
	struct starter *starter; /* crypto/starter.h; NULL: keys are here */
	struct app app;
	bool test_clock;
	struct endpoint *endpoint; /* cli/endpoint.h; NULL: there is none */
	struct fetcher *fetcher;   /* wire/fetch.h; NULL: nothing outside is asked */
};

/*
 * Everything below HTTP, with the root key in this process. Outside of fibers. On failure the log says what is wrong
 * and nothing stays open.
 */
struct status server_open(struct server *s, struct world *w, struct str dir, struct asker *asker);
/*
 * The same for those who read what strangers send: the root key is opened in a process of its own, and this one gives
 * up what it will not need (cli/confine.h). Before threads are started.
 */
struct status server_open_apart(struct server *s, struct world *w, struct str dir, const struct outside *outside,
				struct asker *asker);
void server_close(struct server *s);

/*
 * A rotation of the root key that has begun: every key that stands right under the root is wrapped anew, then the new
 * root key takes the old one's place. Nothing is done when none is under way, but what an earlier one left is swept.
 * May be called again after any failure. Outside of fibers or in one.
 */
struct rotated {
	bool was_under_way;
	size_t keys; /* wrapped anew by this call */
};
struct status server_rotate_root(struct server *s, struct rotated *out);

/* Makes an account and adds its credentials to the sealed file. Outside of fibers or in one. */
struct status server_account_create(struct server *s, struct str id, struct credentials *out);

/* The admin socket's handler; the same signature as api/serve.h's. arg: the struct server. */
struct http_req;
struct http_server;
void admin_serve(struct http_req *http, struct server *s, struct http_server *front);
/* The other end: a connection to whoever serves the directory; E_CLOSED when nobody does. */
struct status admin_connect(struct arena *mem, struct str dir, int *fd);
/* One request without a body. *status is HTTP's. The answer is a stranger's, should one have taken the server over:
 * what would steer a terminal in it is replaced. */
struct status admin_ask(struct arena *mem, struct str dir, const char *method, struct str target, int *status,
			struct str *body);
/* The same for a command: shows what it is answered, or says what went wrong. The exit status. */
typedef bool admin_show(struct str body); /* false: it makes no sense */
bool admin_show_all(struct str body);
int admin_command(struct arena *mem, const char *command, struct str dir, const char *method, struct str target,
		  admin_show *show); /* NULL: nothing is shown */

#endif

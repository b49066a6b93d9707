/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opening is a list of parts in the order in which they stand on each other; closing goes
 * backwards. Whatever was not reached is null, and closing null is nothing.
 */
#include "cli/server.h"

#include "api/accounts.h"
#include "api/authenticate.h"
#include "api/cache.h"
#include "api/ids.h"
#include "api/route.h"
#include "api/serve.h"
#include "api/trail.h"
#include "base/fiber.h"
#include "base/log.h"
#include "base/str.h"
#include "base/turns.h"
#include "cli/confine.h"
#include "crypto/starter.h"
#include "svc/services.h"
#include "wire/constraint.h"

struct opening {
	struct server *s;
	struct status st;
};

static char *path_z(struct server *s, const char *rest) { return str_z(s->mem, layout_path(s->mem, s->dir, rest)); }

static struct status open_settings(struct server *s)
{
	TRY(config_load(s->mem, s->dir, &s->config));
	s->app.region = s->config.region;
	s->app.domain = s->config.domain;
	return OK;
}

static struct status open_keys(struct server *s)
{
	if (!s->keys_apart)
		return keys_open(s->world, s->mem, s->dir, &s->config, s->asker, &s->keys);
	TRY(confine_starter(s));
	struct keyring_apart apart = { .asker = s->asker, .starter = s->starter, .settle = confine_settle, .arg = s };
	return keys_open_apart(s->world, s->mem, s->dir, &s->config, &apart, &s->keys);
}

static struct status open_store(struct server *s)
{
	s->app.keyring = keyring_for_fibers(s->keys.keyring);
	struct store_options o = { .on_outbox = trail_on_outbox, .on_outbox_arg = &s->app };
	TRY(store_open(s->world, s->keys.keyring, &s->keys.system, path_z(s, "store"), &o, &s->app.store));
	return blobs_open(s->world, keyring_secrets(s->keys.keyring), store_io_pool(s->app.store), path_z(s, "blobs"),
			  &s->app.blobs);
}

static struct status open_tables(struct server *s)
{
	struct app *app = &s->app;
	app->services = services_all;
	app->identity = &iam_identity;
	app->router = router_new(services_all);
	app->caches = caches_new(s->world);
	app->signing_keys = sigv4_caches_new(s->world);
	app->patterns = patterns_new();
	app->turns = turns_new();
	return serve_check(app);
}

static struct status open_accounts(struct server *s)
{
	return accounts_open(&s->app, &s->keys.system, &s->app.accounts);
}
static struct status open_trail(struct server *s) { return trail_open(&s->app, path_z(s, "trail"), &s->app.trail); }

static struct status start_services(struct server *s) { return services_start(&s->app); }

static const struct {
	const char *name;
	struct status (*open)(struct server *s);
} parts[] = {
	{ "settings", open_settings },  { "keys", open_keys },         { "store", open_store },
	{ "tables", open_tables },      { "accounts", open_accounts }, { "trail", open_trail },
	{ "services", start_services },
};

static void open_parts(void *arg)
{
	struct opening *o = arg;
	for (size_t i = 0; i < COUNT(parts); i++) {
		o->st = parts[i].open(o->s);
		if (!failed(o->st))
			continue;
		log_error("cannot open", "part", str_of(parts[i].name), "directory", o->s->dir, "status",
			  str_of(status_name(o->st)));
		return;
	}
}

static struct status open_all(struct server *s, struct world *w, struct str dir, struct asker *asker,
			      const struct outside *outside)
{
	*s = (struct server){ .world = w, .mem = arena_new(), .asker = asker, .keys_apart = outside };
	if (outside)
		s->outside = *outside;
	s->dir = str_dup(s->mem, dir);
	s->app = (struct app){ .world = w, .partition = S("aws"), .region = S("us-east-1") };
	struct opening o = { .s = s };
	fiber_block_on(open_parts, &o);
	s->asker = NULL;
	if (failed(o.st))
		server_close(s);
	return o.st;
}

struct status server_open(struct server *s, struct world *w, struct str dir, struct asker *asker)
{
	return open_all(s, w, dir, asker, NULL);
}

struct status server_open_apart(struct server *s, struct world *w, struct str dir, const struct outside *outside,
				struct asker *asker)
{
	return open_all(s, w, dir, asker, outside);
}

void server_close(struct server *s)
{
	struct app *app = &s->app;
	services_stop(app);
	trail_close(app->trail);
	accounts_close(app->accounts);
	turns_free(app->turns);
	caches_free(app->caches);
	sigv4_caches_free(app->signing_keys);
	patterns_free(app->patterns);
	router_free(app->router);
	blobs_close(app->blobs);
	store_close(app->store);
	keyring_close(s->keys.keyring);
	starter_free(s->starter);
	arena_wipe(s->mem);
	arena_free(s->mem);
	*s = (struct server){ 0 };
}

/* ---- another root key --------------------------------------------------------------- */

struct rotating {
	struct server *s;
	struct rotated *out;
	struct status st;
};

static struct status rewrap_all(struct server *s, struct arena *mem, struct rotated *out)
{
	bool system = false;
	size_t accounts = 0;
	TRY(keyring_adopt_root(s->keys.keyring));
	TRY(accounts_rewrap(s->app.accounts, &accounts));
	TRY(keys_rewrap(s->world, &s->keys, mem, s->dir, &system));
	out->keys = accounts + system;
	return OK;
}

static struct status rotate(struct server *s, struct arena *mem, struct rotated *out)
{
	*out = (struct rotated){ 0 };
	TRY(keyring_rotation_under_way(s->keys.keyring, &out->was_under_way));
	if (out->was_under_way)
		TRY(rewrap_all(s, mem, out));
	TRY(keyring_rotation_finish(s->keys.keyring));
	if (out->was_under_way)
		log_info("the root key was rotated", "root_key", s->config.root_key);
	return OK;
}

static void rotate_in_fiber(void *arg)
{
	struct rotating *r = arg;
	struct arena *mem = arena_new();
	r->st = rotate(r->s, mem, r->out);
	if (failed(r->st))
		log_error("the root key's rotation is not finished; both root keys stay in use until it is", "status",
			  str_of(status_name(r->st)));
	arena_free(mem);
}

struct status server_rotate_root(struct server *s, struct rotated *out)
{
	struct rotating r = { s, out, OK };
	if (fiber_current())
		rotate_in_fiber(&r);
	else
		fiber_block_on(rotate_in_fiber, &r);
	return r.st;
}

/* ---- accounts -------------------------------------------------------------------- */

struct creating {
	struct server *s;
	struct str id;
	struct credentials *out;
	struct status st;
};

/* The file is read only after the account was made: what parks is behind us, so no other fiber comes between reading
 * and writing. */
static struct status create(struct creating *c)
{
	struct server *s = c->s;
	struct arena *mem = s->mem;
	const struct account *account;
	struct credentials *have;
	size_t n;
	struct account_root root = { id_access_key(s->world, mem, "AKIA", c->id), id_secret_key(s->world, mem) };
	TRY(account_create(s->app.accounts, c->id, root, &account));
	TRY(credentials_load(&s->keys, mem, s->dir, &have, &n));
	struct credentials *all = NEWS(mem, struct credentials, n + 1);
	memcpy(all, have, n * sizeof *all);
	all[n] = *c->out = (struct credentials){ account->id, root.access_key_id, root.secret_key };
	return credentials_save(s->world, &s->keys, mem, s->dir, all, n + 1);
}

static void create_in_fiber(void *arg)
{
	struct creating *c = arg;
	c->st = create(c);
}

struct status server_account_create(struct server *s, struct str id, struct credentials *out)
{
	struct creating c = { s, id, out, OK };
	if (fiber_current())
		create_in_fiber(&c);
	else
		fiber_block_on(create_in_fiber, &c);
	return c.st;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What serve does at start, done in a temporary directory; a call is made by the same steps as
 * in the pipeline, in a fiber, until it is answered.
 */
#include "api/world.h"

#include "api/accounts.h"
#include "api/authenticate.h"
#include "api/cache.h"
#include "api/faults.h"
#include "api/ids.h"
#include "api/route.h"
#include "api/serve.h"
#include "api/trail_int.h"
#include "base/buf.h"
#include "base/fiber.h"
#include "base/str.h"
#include "base/turns.h"
#include "base/test_dir.h"
#include "wire/constraint.h"
#include "wire/json.h"
#include "wire/json_text.h"

#include <dirent.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SEED = 7 };

const struct service world_trail = {
	.name = "cloudtrail",
	.signing = "cloudtrail",
	.endpoint = "cloudtrail",
	.source = "cloudtrail.amazonaws.com",
	.target = "CloudTrail",
	.version = "2013-11-01",
	.protocol = PROTO_JSON_1_1,
};

struct test_world {
	struct world world;
	struct app app;
	struct arena *mem;
	struct world_parts parts;
	char dir[TEST_DIR_MAX];
	struct str wrapped;
	struct key_ref system;
};

/* ---- opening and closing ---------------------------------------------------------------- */

static char *path(struct test_world *w, const char *name)
{
	return str_z(w->mem, arena_printf(w->mem, "%s/%s", w->dir, name));
}

static void open_app(struct test_world *w)
{
	w->app = (struct app){
		.world = &w->world,
		.services = w->parts.services,
		.identity = w->parts.identity,
		.partition = S("aws"),
		.region = S("us-east-1"),
		.domain = S("s3.test"),
	};
	struct app *app = &w->app;
	struct store_options o = { .on_outbox = trail_on_outbox, .on_outbox_arg = app };
	EXPECT_OK(keyring_open(&w->world, path(w, "root"), &app->keyring));
	if (!w->wrapped.p)
		EXPECT_OK(keyring_key_new(app->keyring, NULL, S("system"), w->mem, &w->wrapped));
	w->system = key_ref_of(NULL, S("system"), w->wrapped);
	EXPECT_OK(store_open(&w->world, app->keyring, &w->system, path(w, "store"), &o, &app->store));
	EXPECT_OK(blobs_open(&w->world, keyring_secrets(app->keyring), store_io_pool(app->store), path(w, "blobs"),
			     &app->blobs));
	app->router = router_new(app->services);
	app->caches = caches_new(&w->world);
	app->signing_keys = sigv4_caches_new(&w->world);
	app->patterns = patterns_new();
	app->turns = turns_new();
	EXPECT_OK(serve_check(app));
}

static void open_accounts(void *arg)
{
	struct test_world *w = arg;
	const struct account *account;
	EXPECT_OK(accounts_open(&w->app, &w->system, &w->app.accounts));
	if (!account_find(w->app.accounts, WORLD_ACCOUNT)) {
		struct account_root a = { S("AKIAROOT111122223333"), S("secret-1") },
				    b = { S("AKIAROOT444455556666"), S("secret-2") };
		EXPECT_OK(account_create(w->app.accounts, WORLD_ACCOUNT, a, &account));
		EXPECT_OK(account_create(w->app.accounts, WORLD_OTHER, b, &account));
	}
	EXPECT_OK(trail_open(&w->app, path(w, "trail"), &w->app.trail));
}

static void close_app(struct test_world *w)
{
	trail_close(w->app.trail);
	accounts_close(w->app.accounts);
	turns_free(w->app.turns);
	caches_free(w->app.caches);
	sigv4_caches_free(w->app.signing_keys);
	patterns_free(w->app.patterns);
	router_free(w->app.router);
	blobs_close(w->app.blobs);
	store_close(w->app.store);
	keyring_close(w->app.keyring);
}

struct test_world *world_begin(const struct world_parts *parts)
{
	struct test_world *w = HEAP(struct test_world);
	w->mem = arena_new();
	w->parts = *parts;
	world_fake(&w->world, parts->now_ms, SEED);
	test_dir_new(w->dir);
	EXPECT_OK(keyring_create_root(&w->world, path(w, "root")));
	world_start(w);
	return w;
}

static void remove_tree(const char *dir)
{
	DIR *d = opendir(dir);
	char sub[512];
	for (struct dirent *e; d && (e = readdir(d));) {
		if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, ".."))
			continue;
		snprintf(sub, sizeof sub, "%s/%s", dir, e->d_name);
		if (unlink(sub))
			remove_tree(sub);
	}
	if (d)
		closedir(d);
	rmdir(dir);
}

void world_end(struct test_world *w)
{
	close_app(w);
	remove_tree(w->dir);
	arena_free(w->mem);
	heap_free(w);
}

void world_crash(struct test_world *w)
{
	atomic_store(&w->app.trail->crashed, true);
	close_app(w);
}

void world_start(struct test_world *w)
{
	open_app(w);
	fiber_block_on(open_accounts, w);
}

void world_restart(struct test_world *w)
{
	close_app(w);
	world_start(w);
}

struct app *world_app(struct test_world *w) { return &w->app; }
struct arena *world_mem(struct test_world *w) { return w->mem; }
void world_later(struct test_world *w, int64_t ms) { world_advance(&w->world, ms); }

/* ---- callers -------------------------------------------------------------------------------- */

static struct caller root_of(struct test_world *w, struct arena *mem, struct str account)
{
	return (struct caller){
		.kind = CALLER_ROOT,
		.account = account,
		.principal_id = account,
		.name = S("root"),
		.arn = arena_printf(mem, "arn:aws:iam::%.*s:root", PR(account)),
		.access_key_id = account_root_of(w->app.accounts, account).access_key_id,
	};
}

struct caller world_root_of(struct test_world *w, struct str account) { return root_of(w, w->mem, account); }
struct caller world_root(struct test_world *w) { return world_root_of(w, WORLD_ACCOUNT); }

/* ---- calls ------------------------------------------------------------------------------------ */

struct calling {
	struct test_world *w;
	struct caller who;
	const char *service, *op;
	struct str json;
	struct test_reply reply;
	void (*run)(struct req *rq, void *arg);
	void *arg;
};

static struct req *request_of(struct calling *c, struct arena *mem)
{
	struct req *rq = NEW(mem, struct req);
	*rq = (struct req){
		.app = &c->w->app,
		.mem = mem,
		.now_ms = app_now_ms(&c->w->app),
		.region = c->w->app.region,
		.account = c->who.account,
		.host = S("test"),
		.source_ip = S("192.0.2.1"),
		.user_agent = S("test"),
		.secure = true,
		.caller = c->who,
	};
	rq->id = id_uuid(&c->w->world, mem);
	rq->svc = app_service(&c->w->app, str_of(c->service));
	EXPECT(rq->svc);
	return rq;
}

static struct status read_input(struct req *rq, struct str json)
{
	void *in = arena_alloc(rq->mem, rq->op->in->size + 1, _Alignof(max_align_t), 1);
	struct str message;
	rq->decode = NEW(rq->mem, struct decode);
	*rq->decode = decode_in(rq->mem);
	if (failed(json_decode(rq->decode, rq->op->in, json, in)))
		return FAIL(rq, api_SerializationException, "%.*s", PR(rq->decode->why));
	if (failed(constraint_check(rq->decode, rq->app->patterns, rq->op->in, in, &message)))
		return FAIL(rq, api_ValidationException, "%.*s", PR(message));
	rq->in = in;
	return OK;
}

static struct status know_caller(struct req *rq)
{
	if (rq->caller.kind == CALLER_ROOT || rq->caller.kind == CALLER_ANONYMOUS)
		return OK;
	return rq->app->identity->policies(rq, &rq->caller, &rq->policies);
}

static void keep_reply(struct calling *c, struct req *rq, struct status st)
{
	struct arena *mem = c->w->mem;
	if (!failed(st)) {
		struct buf b = buf_in(mem);
		json_encode(&b, rq->op->out, rq->out);
		c->reply = (struct test_reply){ .status = 200, .body = buf_str(&b) };
		return;
	}
	struct fault_wire w =
	    rq->fault.kind ? fault_wire(rq->fault.kind, rq->svc->protocol) : (struct fault_wire){ "none", 500 };
	c->reply = (struct test_reply){ .status = w.http,
					.code = str_dup(mem, str_of(w.code)),
					.text = str_dup(mem, rq->fault.text) };
}

static void call_in_fiber(void *arg)
{
	struct calling *c = arg;
	struct arena *mem = arena_new();
	struct req *rq = request_of(c, mem);
	rq->op = service_op(rq->svc, str_of(c->op));
	EXPECT(rq->op);
	struct status st = read_input(rq, c->json);
	if (!failed(st))
		st = know_caller(rq);
	if (!failed(st))
		st = serve_decoded(rq);
	keep_reply(c, rq, st);
	req_unpin_all(rq);
	arena_free(mem);
}

struct test_reply world_call(struct test_world *w, struct caller who, const char *service, const char *op,
			     const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	struct str said = arena_vprintf(w->mem, fmt, ap);
	va_end(ap);
	char *json = NEWS(w->mem, char, said.n + 1);
	for (size_t i = 0; i < said.n; i++)
		json[i] = said.p[i] == '\'' ? '"' : said.p[i];
	struct calling c = { .w = w, .who = who, .service = service, .op = op, .json = str_make(json, said.n) };
	fiber_block_on(call_in_fiber, &c);
	return c.reply;
}

/* One step of a path: a member by name, or an element by number. */
static struct str step(struct arena *mem, struct str text, struct str name)
{
	struct json j = json_open(mem, text);
	struct str found = { 0 }, member;
	int64_t index;
	if (json_peek(&j) == '[' && str_to_i64(name, &index) && json_array(&j)) {
		while (json_elem(&j)) {
			struct str value = json_skip(&j);
			if (index-- == 0)
				found = value;
		}
		return found;
	}
	if (json_peek(&j) == '{' && json_object(&j))
		while (json_member(&j, &member)) {
			struct str value = json_skip(&j);
			if (str_eq(member, name))
				found = value;
		}
	return found;
}

struct str world_field(struct test_world *w, struct test_reply r, const char *dotted)
{
	struct str rest = str_of(dotted), text = r.body;
	while (rest.p && text.p)
		text = step(w->mem, text, str_cut(&rest, '.'));
	if (!text.p || !text.n || text.p[0] != '"')
		return text;
	struct json j = json_open(w->mem, text);
	return str_dup(w->mem, json_string(&j));
}

static void run_in_fiber(void *arg)
{
	struct calling *c = arg;
	struct arena *mem = arena_new(); /* not the world's: several threads may be here */
	c->who = root_of(c->w, mem, WORLD_ACCOUNT);
	struct req *rq = request_of(c, mem);
	rq->op = &rq->svc->ops[0];
	c->run(rq, c->arg);
	req_unpin_all(rq);
	arena_free(mem);
}

void world_in_fiber(struct test_world *w, void (*run)(struct req *rq, void *arg), void *arg)
{
	struct calling c = { .w = w, .service = w->parts.services[0]->name, .run = run, .arg = arg };
	fiber_block_on(run_in_fiber, &c);
}

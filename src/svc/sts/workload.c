/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The list of workloads: in memory for every request, in the shard "sts/<account>/workloads"
 * of the role's account for the next start.
 */
#include "svc/sts/workload.h"

#include "api/accounts.h"
#include "api/own_request.h"
#include "base/codec.h"
#include "base/log.h"
#include "base/str.h"
#include "store/keys.h"
#include "svc/sts/workload_impl.h"
#include "wire/pack.h"

enum { TOKEN_BYTES = 32 };

/* ---- the list ------------------------------------------------------------------------- */

struct workload_entry *workload_find(const struct workloads *all, struct str name)
{
	for (size_t i = 0; i < all->n; i++)
		if (str_eq(all->v[i]->w.name, name))
			return all->v[i];
	return NULL;
}

static bool form_allows(const struct workloads *all, enum sts_workload_form form, int port)
{
	size_t n = 0;
	for (size_t i = 0; form == STS_WORKLOAD_FORM_INSTANCE && i < all->n; i++) {
		n += all->v[i]->w.form == form;
		if (all->v[i]->w.form == form && all->v[i]->w.port == port)
			return false;
	}
	return n < WORKLOAD_INSTANCES_MAX;
}

static struct workload_entry *entry_new(const struct workload *w)
{
	struct workload_entry *e = HEAP(struct workload_entry);
	e->w = *w;
	e->w.name = heap_dup(w->name);
	e->w.account = heap_dup(w->account);
	e->w.role_arn = heap_dup(w->role_arn);
	e->w.id = heap_dup(w->id);
	return e;
}

static void entry_free(struct workload_entry *e)
{
	workload_session_forget(e);
	heap_free(e->w.name.p);
	heap_free(e->w.account.p);
	heap_free(e->w.role_arn.p);
	heap_free(e->w.id.p);
	heap_free(e);
}

static void insert(struct workloads *all, struct workload_entry *e)
{
	size_t at = 0;
	if (all->n == all->cap) {
		size_t more = all->cap ? 2 * all->cap : 8;
		all->v = heap_grow(all->v, all->cap, more, sizeof(struct workload_entry *));
		all->cap = more;
	}
	while (at < all->n && str_cmp(all->v[at]->w.name, e->w.name) < 0)
		at++;
	memmove(all->v + at + 1, all->v + at, (all->n - at) * sizeof(struct workload_entry *));
	all->v[at] = e;
	all->n++;
}

static void drop(struct workloads *all, struct workload_entry *e)
{
	size_t at = 0;
	while (all->v[at] != e)
		at++;
	memmove(all->v + at, all->v + at + 1, (all->n - at - 1) * sizeof(struct workload_entry *));
	all->n--;
	entry_free(e);
}

static struct workload copy_of(struct arena *mem, const struct workload *w)
{
	struct workload c = *w;
	c.name = str_dup(mem, w->name);
	c.account = str_dup(mem, w->account);
	c.role_arn = str_dup(mem, w->role_arn);
	c.id = str_dup(mem, w->id);
	return c;
}

/* ---- rows -------------------------------------------------------------------------------- */

struct req *workload_request(struct app *app, struct arena *mem, struct str account)
{
	return own_request(app, mem, &sts_service, "AssumeRole", account, app->region);
}

static struct str shard_of(struct req *rq) { return arena_printf(rq->mem, "sts/%.*s/workloads", PR(rq->account)); }

static struct str row_key(struct req *rq, struct str name)
{
	return key_of(rq->mem, 'w', name, (struct str){ 0 }, (struct str){ 0 });
}

static struct status put_row(struct req *rq, const struct workload *w)
{
	struct shard *shard;
	struct txn *t;
	struct buf b = buf_in(rq->mem);
	const struct sts_workload_row row = {
		.name = w->name,
		.id = w->id,
		.role_arn = w->role_arn,
		.form = w->form,
		.port = w->port,
		.token_hash = str_make(w->token_hash, sizeof w->token_hash),
	};
	pack(&b, &sts_workload_row_shape, &row);
	TRY(req_shard(rq, rq->account, shard_of(rq), &shard));
	TRY(txn_write(shard, &t));
	struct status st = txn_put(t, row_key(rq, w->name), buf_str(&b));
	return txn_finish(t, st);
}

static struct status del_row(struct req *rq, struct str name)
{
	struct shard *shard;
	struct txn *t;
	TRY(req_shard(rq, rq->account, shard_of(rq), &shard));
	TRY(txn_write(shard, &t));
	struct status st = txn_del(t, row_key(rq, name));
	return txn_finish(t, st);
}

static struct status load_row(struct req *rq, struct workloads *all, struct str bytes)
{
	struct sts_workload_row row = { 0 };
	if (failed(unpack(rq->mem, &sts_workload_row_shape, bytes, &row)) || row.token_hash.n != SHA256_SIZE)
		return ERR(E_CORRUPT);
	struct workload w = {
		.name = row.name,
		.account = rq->account,
		.role_arn = row.role_arn,
		.id = row.id,
		.form = row.form,
		.port = (int)row.port,
	};
	memcpy(w.token_hash, row.token_hash.p, sizeof w.token_hash);
	struct workload_entry *e = entry_new(&w);
	e->stored = true;
	insert(all, e);
	return OK;
}

static struct status load_rows(struct req *rq, struct workloads *all)
{
	struct shard *shard;
	struct txn *t;
	struct cursor c;
	struct status st = req_shard_existing(rq, rq->account, shard_of(rq), &shard);
	if (st.code == E_NOT_FOUND)
		return OK;
	TRY(st);
	TRY(req_read(rq, shard, &t));
	TRY(txn_range(t, &(struct range){ .prefix = S("w") }, &c));
	while (cursor_next(&c))
		TRY(load_row(rq, all, str_dup(rq->mem, c.val)));
	return cursor_end(&c);
}

/* What cannot be read keeps nobody else from being served: its workloads get nothing until it is mended. */
static void load_account(struct app *app, struct workloads *all, struct str account)
{
	struct arena *mem = arena_new();
	struct req *rq = workload_request(app, mem, account);
	struct status st = load_rows(rq, all);
	if (failed(st))
		log_error("workloads cannot be read", "account", account, "status", str_of(status_name(st)));
	req_unpin_all(rq);
	arena_free(mem);
}

void workloads_open(struct app *app)
{
	struct workloads *all = HEAP(struct workloads);
	const struct account *a;
	pthread_mutex_init(&all->lock, NULL);
	world_random(app->world, all->metadata_key, sizeof all->metadata_key);
	app->workloads = all;
	for (size_t i = 0; (a = account_at(app->accounts, i)); i++)
		load_account(app, all, a->id);
}

void workloads_close(struct app *app)
{
	struct workloads *all = app->workloads;
	if (!all)
		return;
	while (all->n)
		drop(all, all->v[all->n - 1]);
	heap_free(all->v);
	secret_wipe(all->metadata_key, sizeof all->metadata_key);
	pthread_mutex_destroy(&all->lock);
	heap_free(all);
	app->workloads = NULL;
}

/* ---- adding and removing --------------------------------------------------------------------- */

static bool name_is(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!char_alnum(s.p[i]) && s.p[i] != '_' && s.p[i] != '-' && s.p[i] != '.')
			return false;
	return s.n > 0 && s.n <= WORKLOAD_NAME_MAX;
}

/* i-0123456789abcdef0 of an instance, 32 hex digits of a task. */
static struct str id_new(struct app *app, struct arena *mem, enum sts_workload_form form)
{
	uint8_t random[16];
	world_random(app->world, random, sizeof random);
	struct str hex = hex_encode(mem, str_make(random, sizeof random));
	return form == STS_WORKLOAD_FORM_CONTAINER ? hex : arena_printf(mem, "i-%.17s", hex.p);
}

static struct str token_new(struct app *app, struct arena *mem)
{
	uint8_t random[TOKEN_BYTES];
	world_random(app->world, random, sizeof random);
	struct str token = base64url_encode(mem, str_make(random, sizeof random));
	secret_wipe(random, sizeof random);
	return token;
}

static struct status check_role(struct req *rq, struct str arn)
{
	struct identity_role role;
	struct str name = arn;
	for (size_t slash; (slash = str_find_char(name, '/')) != SIZE_MAX;)
		name = str_from(name, slash + 1);
	TRY(rq->app->identity->role(rq, rq->account, name, &role));
	return str_eq(role.arn, arn) ? OK : ERR(E_NOT_FOUND);
}

/* In the list, so that nobody else takes the name, but not to be had before it is stored. */
static struct status reserve(struct workloads *all, const struct workload *w, struct workload_entry **out)
{
	struct status st = OK;
	pthread_mutex_lock(&all->lock);
	if (workload_find(all, w->name))
		st = ERR(E_EXISTS);
	else if (all->n >= WORKLOADS_MAX || !form_allows(all, w->form, w->port))
		st = ERR(E_FULL);
	else
		insert(all, *out = entry_new(w));
	pthread_mutex_unlock(&all->lock);
	return st;
}

static struct status add(struct req *rq, const struct workload *w)
{
	struct workloads *all = rq->app->workloads;
	struct workload_entry *e;
	TRY(check_role(rq, w->role_arn));
	req_read_end(rq);
	TRY(reserve(all, w, &e));
	struct status st = put_row(rq, w);
	pthread_mutex_lock(&all->lock);
	if (failed(st))
		drop(all, e);
	else
		e->stored = true;
	pthread_mutex_unlock(&all->lock);
	return st;
}

struct status workload_add(struct app *app, struct arena *mem, struct str name, struct str role_arn,
			   enum sts_workload_form form, int port, struct workload *out, struct str *token)
{
	struct arn arn;
	if (!name_is(name) || failed(arn_parse(role_arn, &arn)) || !str_eq(arn.service, S("iam")) ||
	    !str_starts(arn.resource, S("role/")) || !account_find(app->accounts, arn.account))
		return ERR(E_INVALID);
	struct workload w = {
		.name = name,
		.account = arn.account,
		.role_arn = role_arn,
		.id = id_new(app, mem, form),
		.form = form,
		.port = port,
	};
	*token = token_new(app, mem);
	sha256(*token, w.token_hash);
	struct req *rq = workload_request(app, mem, arn.account);
	struct status st = add(rq, &w);
	req_unpin_all(rq);
	if (!failed(st))
		*out = w;
	return st;
}

/* Out of the list first: from then on nobody gets credentials, whatever becomes of the row. */
struct status workload_remove(struct app *app, struct arena *mem, struct str name)
{
	struct workloads *all = app->workloads;
	struct str account = { 0 };
	pthread_mutex_lock(&all->lock);
	struct workload_entry *e = workload_find(all, name);
	if (e && e->stored) {
		account = str_dup(mem, e->w.account);
		drop(all, e);
	}
	pthread_mutex_unlock(&all->lock);
	if (!account.p)
		return ERR(E_NOT_FOUND);
	struct req *rq = workload_request(app, mem, account);
	struct status st = del_row(rq, name);
	req_unpin_all(rq);
	return st;
}

/* ---- asking -------------------------------------------------------------------------------------- */

bool workload_named(struct app *app, struct arena *mem, struct str name, struct workload *out)
{
	struct workloads *all = app->workloads;
	pthread_mutex_lock(&all->lock);
	const struct workload_entry *e = workload_find(all, name);
	bool found = e && e->stored;
	if (found)
		*out = copy_of(mem, &e->w);
	pthread_mutex_unlock(&all->lock);
	return found;
}

bool workload_at_port(struct app *app, struct arena *mem, int port, struct workload *out)
{
	struct workloads *all = app->workloads;
	bool found = false;
	pthread_mutex_lock(&all->lock);
	for (size_t i = 0; !found && i < all->n; i++) {
		const struct workload_entry *e = all->v[i];
		found = e->stored && e->w.form == STS_WORKLOAD_FORM_INSTANCE && e->w.port == port;
		if (found)
			*out = copy_of(mem, &e->w);
	}
	pthread_mutex_unlock(&all->lock);
	return found;
}

size_t workload_list(struct app *app, struct arena *mem, const struct workload **out)
{
	struct workloads *all = app->workloads;
	size_t n = 0;
	pthread_mutex_lock(&all->lock);
	struct workload *v = NEWS(mem, struct workload, all->n + 1);
	for (size_t i = 0; i < all->n; i++)
		if (all->v[i]->stored)
			v[n++] = copy_of(mem, &all->v[i]->w);
	pthread_mutex_unlock(&all->lock);
	*out = v;
	return n;
}

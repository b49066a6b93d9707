/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One mutex guards the list of connections and their states. It is held for a few
 * instructions, never across a wait.
 */
#include "svc/kms/key_store_link.h"

#include "api/accounts.h"
#include "api/own_request.h"
#include "base/fiber.h"
#include "base/log.h"
#include "base/str.h"
#include "svc/kms/duty.h"
#include "wire/pack.h"

#include <pthread.h>
#include <time.h>

enum { LINKS_MAX = 32, TRIES = 3, STEADY_S = 10, PAUSE_S = 1 };

enum link_state { LINK_CONNECTING, LINK_UP, LINK_ENDING };

struct link_of_store {
	struct kms_links *all;
	struct str account, region, store; /* on the heap */
	enum link_state state;
	bool stop;
	struct token *token; /* NULL: none now */
	unsigned users;      /* calls under way */
	struct link_of_store *next;
};

struct kms_links {
	struct app *app;
	const struct token_driver *driver;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct link_of_store *first;
	size_t n;
	bool closing;
	uint8_t life[16];
};

struct str kms_links_life(struct app *app) { return str_make(app->key_stores->life, sizeof app->key_stores->life); }

static struct link_of_store *find(struct kms_links *all, struct str store)
{
	struct link_of_store *l = all->first;
	while (l && !str_eq(l->store, store))
		l = l->next;
	return l;
}

/* ---- the row, read and written by the connection's thread ---------------------------- */

struct row_job {
	struct link_of_store *link;
	struct arena *mem; /* of what was read; wiped by whoever has it */
	bool wanted;
	struct status st; /* could it be read? */
	struct token_call open;
	enum kms_connection_error_code_type error; /* to be written */
};

static struct req *request(struct link_of_store *l, struct arena *mem)
{
	return own_request(l->all->app, mem, &kms_service, "ConnectCustomKeyStore", l->account, l->region);
}

static struct status read_rows(struct req *rq, struct link_of_store *l, struct kms_key_store_row *row,
			       struct kms_hsm_row *token)
{
	struct shard *shard;
	struct txn *t;
	TRY(kms_shard(rq, l->account, &shard));
	TRY(req_read(rq, shard, &t));
	TRY(kms_store_get(rq, t, l->store, row));
	return kms_hsm_get(rq, t, row->cluster_id, token);
}

static void read_in_fiber(void *arg)
{
	struct row_job *job = arg;
	struct req *rq = request(job->link, job->mem);
	struct kms_key_store_row row;
	struct kms_hsm_row token;
	struct str pin = { 0 };
	struct status st = read_rows(rq, job->link, &row, &token);
	req_read_end(rq);
	job->wanted = !failed(st) && row.state == KMS_CONNECTION_STATE_TYPE_CONNECTED;
	if (job->wanted)
		st = kms_pin_open(rq, job->link->account, job->link->store, row.pin, &pin);
	job->st = st.code == E_NOT_FOUND ? OK : st; /* deleted meanwhile: not wanted */
	if (failed(job->st))
		log_error("a custom key store cannot be read", "store", job->link->store, "status",
			  str_of(status_name(st)));
	else if (job->wanted)
		job->open =
		    (struct token_call){ .op = TOKEN_OPEN, .module = token.module, .label = token.label, .pin = pin };
	req_unpin_all(rq);
}

static struct status write_failure(struct req *rq, struct link_of_store *l, enum kms_connection_error_code_type error)
{
	struct kms_key_store_row row;
	struct shard *shard;
	struct txn *t;
	TRY(kms_shard(rq, l->account, &shard));
	TRY(txn_write(shard, &t));
	struct status st = kms_store_get(rq, t, l->store, &row);
	if (!failed(st) && row.state == KMS_CONNECTION_STATE_TYPE_CONNECTED) {
		row.state = KMS_CONNECTION_STATE_TYPE_FAILED;
		row.error = error;
		st = kms_store_put(rq, t, l->store, &row);
	}
	return txn_finish(t, st);
}

static void write_in_fiber(void *arg)
{
	struct row_job *job = arg;
	struct req *rq = request(job->link, job->mem);
	struct status st = write_failure(rq, job->link, job->error);
	if (failed(st))
		log_error("a custom key store's failure cannot be written down", "store", job->link->store, "status",
			  str_of(status_name(st)));
	req_unpin_all(rq);
}

static void bury_in_fiber(void *arg)
{
	struct row_job *job = arg;
	struct req *rq = request(job->link, job->mem);
	struct shard *shard;
	if (!failed(kms_shard(rq, job->link->account, &shard)))
		kms_store_bury(rq, shard, job->link->store);
	req_unpin_all(rq);
}

static void run_job(struct row_job *job, void (*fn)(void *arg))
{
	bool own = !job->mem;
	if (own)
		job->mem = arena_new();
	fiber_block_on(fn, job);
	if (own) {
		arena_free(job->mem);
		job->mem = NULL;
	}
}

/* ---- the connection's thread ---------------------------------------------------------- */

/* How a token was refused, in AWS's words for clusters. */
static enum kms_connection_error_code_type error_of(enum token_result r)
{
	switch (r) {
	case TOKEN_NOT_THERE:
		return KMS_CONNECTION_ERROR_CODE_TYPE_CLUSTER_NOT_FOUND;
	case TOKEN_WRONG_PIN:
		return KMS_CONNECTION_ERROR_CODE_TYPE_INVALID_CREDENTIALS;
	case TOKEN_PIN_LOCKED:
		return KMS_CONNECTION_ERROR_CODE_TYPE_USER_LOCKED_OUT;
	default:
		return KMS_CONNECTION_ERROR_CODE_TYPE_INTERNAL_ERROR;
	}
}

static bool is_stopped(struct link_of_store *l)
{
	pthread_mutex_lock(&l->all->lock);
	bool stop = l->stop;
	pthread_mutex_unlock(&l->all->lock);
	return stop;
}

/* From now on it can be stopped. */
static struct status begin(struct link_of_store *l, struct token **out)
{
	const struct token_driver *d = l->all->driver;
	TRY(d->start(d, l->all->app->world, out));
	pthread_mutex_lock(&l->all->lock);
	l->token = *out;
	if (l->stop)
		d->stop(*out);
	pthread_mutex_unlock(&l->all->lock);
	return OK;
}

static void set_up(struct link_of_store *l)
{
	pthread_mutex_lock(&l->all->lock);
	if (!l->stop)
		l->state = LINK_UP;
	pthread_mutex_unlock(&l->all->lock);
	log_info("a custom key store is connected", "store", l->store);
	struct row_job job = { .link = l };
	run_job(&job, bury_in_fiber);
}

static void end(struct link_of_store *l, struct token *token)
{
	struct kms_links *all = l->all;
	pthread_mutex_lock(&all->lock);
	if (l->state == LINK_UP)
		l->state = LINK_CONNECTING;
	l->token = NULL;
	while (l->users)
		pthread_cond_wait(&all->changed, &all->lock);
	pthread_mutex_unlock(&all->lock);
	token->driver->close(token);
}

/* One connection from its beginning to its end. *error: why it never came to be; 0: it was up, or died. */
static void one_life(struct link_of_store *l, const struct token_call *open, enum kms_connection_error_code_type *error)
{
	struct arena *mem = arena_new();
	struct token_answer a = { 0 };
	struct token *token;
	struct status st = begin(l, &token);
	if (!failed(st)) {
		st = token->driver->call(token, open, mem, &a);
		if (!failed(st) && a.result == TOKEN_DONE) {
			set_up(l);
			token->driver->wait(token);
		} else if (!failed(st)) {
			*error = error_of(a.result);
			log_error("a custom key store's token refuses", "store", l->store, "why",
				  str_of(token_result_name(a.result)));
		}
		end(l, token);
	}
	arena_free(mem);
}

static void pause_a_little(struct link_of_store *l)
{
	struct timespec until;
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += PAUSE_S;
	pthread_mutex_lock(&l->all->lock);
	while (!l->stop && pthread_cond_clockwait(&l->all->changed, &l->all->lock, CLOCK_MONOTONIC, &until) == 0)
		;
	pthread_mutex_unlock(&l->all->lock);
}

/* One try. False: it was the last; *error is then to be written down, unless it is 0. */
static bool one_try(struct link_of_store *l, enum kms_connection_error_code_type *error)
{
	struct row_job job = { .link = l, .mem = arena_new() };
	run_job(&job, read_in_fiber);
	bool go_on = (failed(job.st) || job.wanted) && !is_stopped(l);
	if (go_on && !failed(job.st))
		one_life(l, &job.open, error);
	arena_wipe(job.mem);
	arena_free(job.mem);
	return go_on && !*error && !is_stopped(l);
}

/* What is to be written down; 0: nothing. */
static enum kms_connection_error_code_type live(struct link_of_store *l)
{
	struct world *w = l->all->app->world;
	enum kms_connection_error_code_type error = 0;
	int64_t since = w->mono_us(w);
	unsigned deaths = 0;
	while (one_try(l, &error)) {
		bool steady = w->mono_us(w) - since > (int64_t)STEADY_S * 1000000;
		deaths = steady ? 1 : deaths + 1;
		if (deaths == TRIES)
			return KMS_CONNECTION_ERROR_CODE_TYPE_INTERNAL_ERROR;
		pause_a_little(l);
		since = w->mono_us(w);
	}
	return is_stopped(l) ? 0 : error;
}

static void forget(struct link_of_store *l)
{
	struct kms_links *all = l->all;
	pthread_mutex_lock(&all->lock);
	struct link_of_store **at = &all->first;
	while (*at != l)
		at = &(*at)->next;
	*at = l->next;
	all->n--;
	heap_free(l->account.p);
	heap_free(l->region.p);
	heap_free(l->store.p);
	heap_free(l);
	pthread_cond_broadcast(&all->changed);
	pthread_mutex_unlock(&all->lock); /* the last we touch: close waits for n == 0 */
}

static void *run(void *arg)
{
	struct link_of_store *l = arg;
	struct row_job job = { .link = l, .error = live(l) };
	if (job.error)
		run_job(&job, write_in_fiber);
	forget(l);
	return NULL;
}

/* ---- beginning and stopping -------------------------------------------------------------- */

static bool start_thread(struct link_of_store *l)
{
	pthread_t t;
	pthread_attr_t attr;
	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	bool done = pthread_create(&t, &attr, run, l) == 0;
	pthread_attr_destroy(&attr);
	return done;
}

void kms_link_look(struct app *app, struct str account, struct str region, struct str store)
{
	struct kms_links *all = app->key_stores;
	if (!all)
		return;
	pthread_mutex_lock(&all->lock);
	bool room = !all->closing && !find(all, store) && all->n < LINKS_MAX;
	struct link_of_store *l = room ? HEAP(struct link_of_store) : NULL;
	if (l) {
		*l = (struct link_of_store){ .all = all,
					     .account = heap_dup(account),
					     .region = heap_dup(region),
					     .store = heap_dup(store),
					     .next = all->first };
		all->first = l;
		all->n++;
	}
	pthread_mutex_unlock(&all->lock);
	if (!room)
		log_warn("a custom key store is not connected now", "store", store);
	else if (!start_thread(l))
		forget(l);
}

static void stop_locked(struct link_of_store *l)
{
	l->stop = true;
	l->state = LINK_ENDING;
	if (l->token)
		l->all->driver->stop(l->token);
	pthread_cond_broadcast(&l->all->changed);
}

void kms_link_stop(struct app *app, struct str store)
{
	struct kms_links *all = app->key_stores;
	if (!all)
		return;
	pthread_mutex_lock(&all->lock);
	struct link_of_store *l = find(all, store);
	if (l)
		stop_locked(l);
	pthread_mutex_unlock(&all->lock);
}

/* ---- asking ------------------------------------------------------------------------------- */

struct kms_connection kms_connection_of(struct app *app, struct str store, const struct kms_key_store_row *row)
{
	struct kms_links *all = app->key_stores;
	struct kms_connection c = { row->state, 0 };
	if (row->state == KMS_CONNECTION_STATE_TYPE_FAILED) {
		c.error = row->error;
		return c;
	}
	if (!all) { /* a command that only opened the directory */
		if (row->state == KMS_CONNECTION_STATE_TYPE_CONNECTED)
			c.state = KMS_CONNECTION_STATE_TYPE_CONNECTING;
		return c;
	}
	pthread_mutex_lock(&all->lock);
	const struct link_of_store *l = find(all, store);
	if (row->state == KMS_CONNECTION_STATE_TYPE_CONNECTED && !(l && l->state == LINK_UP))
		c.state = KMS_CONNECTION_STATE_TYPE_CONNECTING;
	if (row->state == KMS_CONNECTION_STATE_TYPE_DISCONNECTED && l)
		c.state = KMS_CONNECTION_STATE_TYPE_DISCONNECTING;
	pthread_mutex_unlock(&all->lock);
	return c;
}

bool kms_link_up(struct app *app, struct str store)
{
	struct kms_links *all = app->key_stores;
	if (!all)
		return false;
	pthread_mutex_lock(&all->lock);
	const struct link_of_store *l = find(all, store);
	bool up = l && l->state == LINK_UP;
	pthread_mutex_unlock(&all->lock);
	return up;
}

struct status kms_link_call(struct app *app, struct str store, const struct token_call *c, struct arena *mem,
			    struct token_answer *out)
{
	struct kms_links *all = app->key_stores;
	if (!all)
		return ERR(E_BUSY);
	pthread_mutex_lock(&all->lock);
	struct link_of_store *l = find(all, store);
	struct token *token = l && l->state == LINK_UP ? l->token : NULL;
	if (token)
		l->users++;
	pthread_mutex_unlock(&all->lock);
	if (!token)
		return ERR(E_BUSY);
	struct status st = token->driver->call(token, c, mem, out);
	pthread_mutex_lock(&all->lock);
	if (--l->users == 0)
		pthread_cond_broadcast(&all->changed);
	pthread_mutex_unlock(&all->lock);
	return st;
}

/* ---- with the server ------------------------------------------------------------------------ */

static struct status look_at_all(struct req *rq)
{
	struct shard *shard;
	struct cursor c;
	struct txn *t;
	struct status st = kms_shard(rq, rq->account, &shard);
	if (st.code == E_NOT_FOUND)
		return OK;
	TRY(st);
	TRY(req_read(rq, shard, &t));
	TRY(txn_range(t, &(struct range){ .prefix = S("V") }, &c));
	while (cursor_next(&c)) {
		struct kms_key_store_row row = { 0 };
		struct rd r = rd_of(c.key);
		(void)key_take_tag(&r);
		TRY(unpack(rq->mem, &kms_key_store_row_shape, c.val, &row));
		if (row.state == KMS_CONNECTION_STATE_TYPE_CONNECTED)
			kms_link_look(rq->app, rq->account, rq->region, key_take_str(&r, rq->mem));
	}
	return cursor_end(&c);
}

void kms_links_open(struct app *app, const struct token_driver *driver)
{
	struct kms_links *all = HEAP(struct kms_links);
	all->app = app;
	all->driver = driver;
	world_random(app->world, all->life, sizeof all->life);
	pthread_mutex_init(&all->lock, NULL);
	pthread_cond_init(&all->changed, NULL);
	app->key_stores = all;
	kms_each_place(app, look_at_all);
}

void kms_links_close(struct app *app)
{
	struct kms_links *all = app->key_stores;
	if (!all)
		return;
	pthread_mutex_lock(&all->lock);
	all->closing = true;
	for (struct link_of_store *l = all->first; l; l = l->next)
		stop_locked(l);
	while (all->n)
		pthread_cond_wait(&all->changed, &all->lock);
	pthread_mutex_unlock(&all->lock);
	pthread_cond_destroy(&all->changed);
	pthread_mutex_destroy(&all->lock);
	heap_free(all);
	app->key_stores = NULL;
}

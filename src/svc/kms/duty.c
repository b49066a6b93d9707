/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rounds of the duty. One small shard under the first account says in which accounts and
 * regions there are keys; each of those places is visited with a request of KMS's own, and a
 * place that cannot be read does not keep the duty from the next.
 */
#include "svc/kms/duty.h"

#include "api/accounts.h"
#include "api/own_request.h"
#include "base/fiber.h"
#include "base/log.h"
#include "base/str.h"
#include "base/time.h"
#include "svc/kms/deletion.h"
#include "svc/kms/key.h"
#include "svc/kms/multiregion.h"
#include "svc/kms/note.h"
#include "svc/kms/usage.h"

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { ROUND_MS = 5 * MINUTE_MS, LOOK_MS = 1000, DUE_MAX = 256 };

/* ---- where keys are ------------------------------------------------------------------ */

struct status kms_regions_shard(struct req *rq, struct shard **out)
{
	return req_shard(rq, account_at(rq->app->accounts, 0)->id, S("kms/regions"), out);
}

struct status kms_region_note(struct req *rq, struct str account)
{
	static const struct str none;
	struct shard *shard;
	struct txn *t;
	bool has;
	struct str key = key_of(rq->mem, 'r', account, rq->region, none);
	TRY(kms_regions_shard(rq, &shard));
	TRY(req_read(rq, shard, &t));
	TRY(txn_has(t, key, &has));
	if (has)
		return OK;
	req_read_end(rq);
	TRY(txn_write(shard, &t));
	return txn_finish(t, txn_put(t, key, S("")));
}

struct place {
	struct str account, region;
	struct place *next;
};

static struct status list_places(struct req *rq, struct place **out)
{
	struct shard *shard;
	struct cursor c;
	struct txn *t;
	TRY(kms_regions_shard(rq, &shard));
	TRY(req_read(rq, shard, &t));
	TRY(txn_range(t, &(struct range){ .prefix = S("r"), .keys_only = true }, &c));
	while (cursor_next(&c)) {
		struct rd r = rd_of(str_dup(rq->mem, c.key));
		struct place *p = NEW(rq->mem, struct place);
		(void)key_take_tag(&r);
		p->account = key_take_str(&r, rq->mem);
		p->region = key_take_str(&r, rq->mem);
		p->next = *out;
		*out = p;
	}
	TRY(cursor_end(&c));
	req_read_end(rq);
	return OK;
}

/* ---- one place ------------------------------------------------------------------------- */

struct due {
	struct str ids[DUE_MAX];
	size_t n;
	struct str from; /* where to go on */
};

/* The next ids of rows `<tag> <date> <id>` whose date has come. */
static struct status list_due(struct req *rq, struct shard *shard, char tag, struct due *due)
{
	struct cursor c;
	struct txn *t;
	struct buf end = buf_in(rq->mem);
	key_tag(&end, tag);
	key_u64(&end, (uint64_t)rq->now_ms + 1);
	due->n = 0;
	TRY(req_read(rq, shard, &t));
	TRY(txn_range(
	    t,
	    &(struct range){ .prefix = str_make(&tag, 1), .from = due->from, .to = buf_str(&end), .keys_only = true },
	    &c));
	while (due->n < DUE_MAX && cursor_next(&c)) {
		struct rd r = rd_of(str_dup(rq->mem, c.key));
		(void)key_take_tag(&r);
		(void)key_take_u64(&r);
		due->ids[due->n++] = key_take_str(&r, rq->mem);
		due->from = arena_printf(rq->mem, "%.*s%c", PR(c.key), 0);
	}
	TRY(cursor_end(&c));
	req_read_end(rq);
	return OK;
}

/* To find a key is to do what is due for it. */
static struct status visit(struct req *rq, struct shard *shard, char tag)
{
	struct due *due = NEW(rq->mem, struct due);
	do {
		TRY(list_due(rq, shard, tag, due));
		for (size_t i = 0; i < due->n; i++) {
			struct kms_found found;
			struct status st = kms_find_id(rq, rq->account, due->ids[i], &found);
			if (failed(st) && st.code != E_NOT_FOUND)
				log_error("a key's date was not seen to", "key", due->ids[i], "account", rq->account,
					  "status", str_of(status_name(st)));
			req_read_end(rq);
		}
	} while (due->n == DUE_MAX);
	return OK;
}

static struct status do_place(struct req *rq)
{
	struct shard *shard;
	struct status st = kms_shard(rq, rq->account, &shard);
	if (st.code == E_NOT_FOUND)
		return OK; /* noted, but no key was made */
	TRY(st);
	TRY(kms_mirror_all(rq, shard));
	TRY(visit(rq, shard, 'd'));
	TRY(visit(rq, shard, 'x'));
	return visit(rq, shard, 'n');
}

/* ---- all places --------------------------------------------------------------------------- */

static struct req *request(struct app *app, struct str account, struct str region)
{
	struct req *rq = own_request(app, arena_new(), &kms_service, "CancelKeyDeletion", account, region);
	rq->caller = kms_itself(rq);
	return rq;
}

static void end(struct req *rq)
{
	req_unpin_all(rq);
	arena_free(rq->mem);
}

static void visit_place(struct app *app, const struct place *p, struct status (*visitor)(struct req *rq))
{
	if (!account_find(app->accounts, p->account))
		return;
	struct req *rq = request(app, p->account, p->region);
	struct status st = visitor(rq);
	if (failed(st))
		log_error("a region's keys were not seen to", "account", p->account, "region", p->region, "status",
			  str_of(status_name(st)));
	end(rq);
}

struct status kms_at_place(struct app *app, struct str account, struct str region,
			   struct status (*visitor)(struct req *rq, void *arg), void *arg)
{
	struct req *rq = request(app, account, region);
	struct status st = visitor(rq, arg);
	end(rq);
	return st;
}

void kms_each_place(struct app *app, struct status (*visitor)(struct req *rq))
{
	struct place *first = NULL;
	const struct account *account = account_at(app->accounts, 0);
	if (!account)
		return;
	struct req *rq = request(app, account->id, app->region);
	struct status st = list_places(rq, &first);
	if (failed(st))
		log_error("the regions of keys cannot be read", "status", str_of(status_name(st)));
	for (const struct place *p = first; p; p = p->next)
		visit_place(app, p, visitor);
	end(rq);
}

void kms_duty_now(struct app *app) { kms_each_place(app, do_place); }

/* ---- the thread ------------------------------------------------------------------------------- */

struct kms_duty {
	struct app *app;
	pthread_t thread;
	int wake_fd;
	atomic_bool stop;
};

static void round_of(void *app) { kms_duty_now(app); }
static void write_usage(void *app) { kms_usage_write(app); }

/* Has so much time passed? A clock that was set back counts as yes. */
static bool passed(int64_t now, int64_t *last, int64_t ms)
{
	if (now < *last + ms && now >= *last)
		return false;
	*last = now;
	return true;
}

static struct status mirror_place(struct req *rq)
{
	struct shard *shard;
	struct status st = kms_shard(rq, rq->account, &shard);
	if (failed(st))
		return st.code == E_NOT_FOUND ? OK : st;
	return kms_mirror_all(rq, shard);
}

/* What was under way when the server stopped. */
static void finish(void *app) { kms_each_place(app, mirror_place); }

/* It looks often, because the clock of a test server may be moved by years. */
static void *keep(void *arg)
{
	struct kms_duty *d = arg;
	struct pollfd fd = { .fd = d->wake_fd, .events = POLLIN };
	int64_t round = app_now_ms(d->app), written = round;
	fiber_block_on(finish, d->app);
	while (!atomic_load(&d->stop)) {
		(void)poll(&fd, 1, LOOK_MS);
		int64_t now = app_now_ms(d->app);
		if (atomic_load(&d->stop))
			break;
		if (passed(now, &written, MINUTE_MS))
			fiber_block_on(write_usage, d->app);
		if (passed(now, &round, ROUND_MS))
			fiber_block_on(round_of, d->app);
	}
	return NULL;
}

struct status kms_duty_open(struct app *app)
{
	struct kms_duty *d = HEAP(struct kms_duty);
	d->app = app;
	d->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (d->wake_fd < 0 || pthread_create(&d->thread, NULL, keep, d)) {
		if (d->wake_fd >= 0)
			close(d->wake_fd);
		heap_free(d);
		return ERR(E_IO);
	}
	app->kms_duty = d;
	return OK;
}

void kms_duty_close(struct app *app)
{
	struct kms_duty *d = app->kms_duty;
	uint64_t one = 1;
	if (!d)
		return;
	atomic_store(&d->stop, true);
	ssize_t n = write(d->wake_fd, &one, sizeof one);
	assert(n == (ssize_t)sizeof one);
	pthread_join(d->thread, NULL);
	fiber_block_on(write_usage, app);
	close(d->wake_fd);
	app->kms_duty = NULL;
	heap_free(d);
}

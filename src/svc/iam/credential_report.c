/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Having credential reports made, and giving them out.
 *
 *                generate: STARTED            made                       four hours
 *     no report ──────────────────▶ being made ───▶ a report, COMPLETE ─────────────▶ expired
 *         ▲       generate: INPROGRESS │  ▲                                              │
 *         └───── could not be made ────┘  └────────────── generate: STARTED ─────────────┘
 *
 * What is being made is known to this process only: after a crash it is as if nobody had
 * asked. A report that is there stands in a shard of its own, "iam/<account>/report", in two
 * rows: 'c' when it was made, 'd' its text.
 */
#include "svc/iam/credential_report.h"

#include "api/accounts.h"
#include "api/faults.h"
#include "api/own_request.h"
#include "base/fiber.h"
#include "base/log.h"
#include "base/str.h"
#include "base/time.h"

#include <pthread.h>

enum { GOOD_FOR_MS = 4 * HOUR_MS, QUEUE_MAX = 64 };

struct iam_reports {
	struct app *app;
	pthread_mutex_t lock;
	const struct account *queue[QUEUE_MAX]; /* the first one is being made */
	size_t n;
	bool running, joinable, stop; /* the thread lives only while there is something to do */
	pthread_t thread;
};

/* ---- the shard ------------------------------------------------------------------------------- */

static struct str shard_of(struct req *rq) { return iam_join(rq->mem, S("iam/"), rq->account, S("/report")); }

static struct str row_key(struct req *rq, char what)
{
	return key_of(rq->mem, what, (struct str){ 0 }, (struct str){ 0 }, (struct str){ 0 });
}

/* *made is not set when there is none. */
static struct status find(struct req *rq, struct txn **t, struct opt_int *made)
{
	struct shard *shard;
	struct iam_report_row row;
	*made = (struct opt_int){ 0 };
	struct status st = req_shard_existing(rq, rq->account, shard_of(rq), &shard);
	if (st.code == E_NOT_FOUND)
		return OK;
	TRY(st);
	TRY(req_read(rq, shard, t));
	st = iam_row_get(rq->mem, *t, row_key(rq, 'c'), &iam_report_row_shape, &row);
	if (!failed(st))
		*made = row.made;
	return st.code == E_NOT_FOUND ? OK : st;
}

static struct status put(struct req *rq, struct txn *t, struct str text)
{
	struct iam_report_row row = { SET(rq->now_ms) };
	TRY(txn_put(t, row_key(rq, 'd'), text));
	return iam_row_put(rq, t, row_key(rq, 'c'), &iam_report_row_shape, &row);
}

/* ---- making ------------------------------------------------------------------------------------- */

static struct status make(struct req *rq)
{
	struct shard *shard;
	struct txn *t;
	struct str text;
	TRY(iam_credential_csv(rq, &text));
	req_read_end(rq);
	TRY(req_shard(rq, rq->account, shard_of(rq), &shard));
	TRY(txn_write(shard, &t));
	struct status st = put(rq, t, text);
	return txn_finish(t, st);
}

struct job {
	struct app *app;
	const struct account *account;
};

static void run(void *arg)
{
	const struct job *job = arg;
	struct arena *mem = arena_new();
	struct req *rq =
	    own_request(job->app, mem, &iam_service, "GenerateCredentialReport", job->account->id, job->app->region);
	struct status st = make(rq);
	if (failed(st))
		log_error("a credential report cannot be made", "account", job->account->id, "status",
			  str_of(status_name(st)));
	req_unpin_all(rq);
	arena_free(mem);
}

static void *work(void *arg)
{
	struct iam_reports *r = arg;
	pthread_mutex_lock(&r->lock);
	while (r->n && !r->stop) {
		struct job job = { r->app, r->queue[0] };
		pthread_mutex_unlock(&r->lock);
		fiber_block_on(run, &job);
		pthread_mutex_lock(&r->lock);
		r->n--;
		memmove(r->queue, r->queue + 1, r->n * sizeof(const struct account *));
	}
	r->running = false;
	pthread_mutex_unlock(&r->lock);
	return NULL;
}

static bool queued(const struct iam_reports *r, const struct account *account)
{
	for (size_t i = 0; i < r->n; i++)
		if (r->queue[i] == account)
			return true;
	return false;
}

/* With the lock held. A thread that is no longer running is past its last use of the lock. */
static bool start(struct iam_reports *r)
{
	if (r->running)
		return true;
	if (r->joinable)
		pthread_join(r->thread, NULL);
	r->joinable = r->running = pthread_create(&r->thread, NULL, work, r) == 0;
	return r->running;
}

enum asked { ASKED_STARTED, ASKED_UNDER_WAY, ASKED_TOO_MUCH };

static enum asked ask(struct iam_reports *r, const struct account *account)
{
	enum asked asked = ASKED_UNDER_WAY;
	pthread_mutex_lock(&r->lock);
	if (!queued(r, account)) {
		bool room = r->n < QUEUE_MAX;
		if (room)
			r->queue[r->n++] = account;
		asked = room ? ASKED_STARTED : ASKED_TOO_MUCH;
		if (room && !start(r)) {
			r->n--;
			asked = ASKED_TOO_MUCH;
		}
	}
	pthread_mutex_unlock(&r->lock);
	return asked;
}

static bool under_way(struct iam_reports *r, const struct account *account)
{
	pthread_mutex_lock(&r->lock);
	bool yes = queued(r, account);
	pthread_mutex_unlock(&r->lock);
	return yes;
}

void iam_reports_open(struct app *app)
{
	struct iam_reports *r = HEAP(struct iam_reports);
	r->app = app;
	pthread_mutex_init(&r->lock, NULL);
	app->iam_reports = r;
}

void iam_reports_close(struct app *app)
{
	struct iam_reports *r = app->iam_reports;
	if (!r)
		return;
	pthread_mutex_lock(&r->lock);
	r->stop = true;
	pthread_mutex_unlock(&r->lock);
	if (r->joinable)
		pthread_join(r->thread, NULL);
	pthread_mutex_destroy(&r->lock);
	app->iam_reports = NULL;
	heap_free(r);
}

/* ---- operations ----------------------------------------------------------------------------------- */

static bool good(const struct req *rq, struct opt_int made) { return made.set && rq->now_ms - made.v <= GOOD_FOR_MS; }

struct status iam_generate_credential_report(struct req *rq, const struct iam_generate_credential_report_in *in,
					     struct iam_generate_credential_report_out *out)
{
	struct txn *t;
	struct opt_int made;
	(void)in;
	/* in this order: a report that is no longer under way is there to be found */
	if (under_way(rq->app->iam_reports, account_find(rq->app->accounts, rq->account))) {
		out->state = IAM_REPORT_STATE_TYPE_INPROGRESS;
		return OK;
	}
	TRY(find(rq, &t, &made));
	if (good(rq, made)) {
		out->state = IAM_REPORT_STATE_TYPE_COMPLETE;
		return OK;
	}
	switch (ask(rq->app->iam_reports, account_find(rq->app->accounts, rq->account))) {
	case ASKED_TOO_MUCH:
		return FAIL(rq, iam_LimitExceededException, "Too many reports are being generated. Try again later.");
	case ASKED_UNDER_WAY:
		out->state = IAM_REPORT_STATE_TYPE_INPROGRESS;
		return OK;
	case ASKED_STARTED:
		break;
	}
	out->state = IAM_REPORT_STATE_TYPE_STARTED;
	out->description = S("No report exists. Starting a new report generation task");
	return OK;
}

struct status iam_get_credential_report(struct req *rq, const struct iam_get_credential_report_in *in,
					struct iam_get_credential_report_out *out)
{
	struct txn *t;
	struct opt_int made;
	(void)in;
	bool making = under_way(rq->app->iam_reports, account_find(rq->app->accounts, rq->account));
	TRY(find(rq, &t, &made));
	if (!good(rq, made) && making)
		return FAIL(rq, iam_CredentialReportNotReadyException, "The report is still being generated.");
	if (!made.set)
		return FAIL(rq, iam_CredentialReportNotPresentException,
			    "There is no report. Use GenerateCredentialReport to have one made.");
	if (!good(rq, made))
		return FAIL(
		    rq, iam_CredentialReportExpiredException,
		    "The report is older than four hours. Use GenerateCredentialReport to have a new one made.");
	TRY(txn_get(t, row_key(rq, 'd'), rq->mem, &out->content));
	out->report_format = IAM_REPORT_FORMAT_TYPE_TEXT_CSV;
	out->generated_time = made;
	return OK;
}

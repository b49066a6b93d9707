/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GenerateServiceLastAccessedDetails, and the jobs it begins.
 *
 *     ○ ── Generate ──▶ IN_PROGRESS ── the index has reached the trail's end of then ──▶ COMPLETED
 *                            │  each look does a piece
 *                            └── its user, group, role or policy is gone ──▶ FAILED (when looked at)
 *
 * A job belongs to who began it: "must be used by the same role within a session, or by the
 * same user". It is kept for a week.
 */
#include "api/ids.h"
#include "api/trail.h"
#include "base/time.h"
#include "svc/iam/accessed.h"
#include "wire/pack.h"

enum { LOOKED_AT = 64 };

static struct str job_key(struct req *rq, struct str id)
{
	return key_of(rq->mem, 'j', id, (struct str){ 0 }, (struct str){ 0 });
}

static struct status put_job(struct req *rq, struct txn *t, struct str id, const struct iam_job_row *row)
{
	return iam_row_put(rq, t, job_key(rq, id), &iam_job_row_shape, row);
}

/* *left: how many may still be looked at. */
static struct status drop_from(struct req *rq, struct txn *t, struct str from, size_t *left)
{
	struct cursor c;
	struct str none = { 0 };
	TRY(txn_range(t, &(struct range){ .prefix = key_of(rq->mem, 'j', none, none, none), .from = from }, &c));
	for (; *left && cursor_next(&c); --*left) {
		struct iam_job_row row;
		if (failed(unpack(rq->mem, &iam_job_row_shape, str_dup(rq->mem, c.val), &row)))
			return ERR(E_CORRUPT);
		if (row.created.v + (int64_t)IAM_JOB_DAYS * DAY_MS < rq->now_ms)
			TRY(txn_del(t, str_dup(rq->mem, c.key)));
	}
	return cursor_end(&c);
}

/*
 * With each new job some old ones go: those behind its own place, which is anywhere, and round to the front. So a job
 * costs the same however many there are.
 */
static struct status drop_old(struct req *rq, struct txn *t, struct str id)
{
	size_t left = LOOKED_AT;
	TRY(drop_from(rq, t, job_key(rq, id), &left));
	return drop_from(rq, t, (struct str){ 0 }, &left);
}

static struct status write_job(struct req *rq, struct shard *shard, struct str id, const struct iam_job_row *row,
			       bool is_new)
{
	struct txn *t;
	req_read_end(rq);
	TRY(txn_write(shard, &t));
	struct status st = put_job(rq, t, id, row);
	if (!failed(st) && is_new)
		st = drop_old(rq, t, id);
	return txn_finish(t, st);
}

/* One piece of the way; the job is done when the index is as far as the trail was when it began. */
static struct status bring_on(struct req *rq, struct shard *shard, struct iam_job_row *row)
{
	uint64_t seen;
	TRY(iam_accessed_advance(rq, shard, &seen));
	if (seen >= (uint64_t)row->until.v)
		row->completed = (struct opt_int)SET(app_now_ms(rq->app));
	return OK;
}

struct status iam_generate_service_last_accessed_details(struct req *rq,
							 const struct iam_generate_service_last_accessed_details_in *in,
							 struct iam_generate_service_last_accessed_details_out *out)
{
	struct iam_report report;
	struct shard *shard;
	TRY(iam_report_make(rq, in->arn, NULL, &report));
	TRY(iam_accessed_shard(rq, &shard));
	TRY(trail_flush(rq->app->trail));
	struct iam_job_row row = {
		.arn = in->arn,
		.granularity =
		    in->granularity ? in->granularity : IAM_ACCESS_ADVISOR_USAGE_GRANULARITY_TYPE_SERVICE_LEVEL,
		.caller = rq->caller.principal_id,
		.created = SET(rq->now_ms),
		.until = SET((int64_t)trail_end(rq->app->trail, rq->account)),
	};
	TRY(bring_on(rq, shard, &row));
	struct str id = id_uuid(rq->app->world, rq->mem);
	TRY(write_job(rq, shard, id, &row, true));
	out->job_id = id;
	return OK;
}

struct status iam_job_look(struct req *rq, struct str id, struct iam_job_row *row)
{
	struct shard *shard;
	struct txn *t;
	TRY(iam_accessed_shard(rq, &shard));
	TRY(req_read(rq, shard, &t));
	struct status st = iam_row_get(rq->mem, t, job_key(rq, id), &iam_job_row_shape, row);
	bool old = !failed(st) && row->created.v + (int64_t)IAM_JOB_DAYS * DAY_MS < rq->now_ms;
	if (st.code == E_NOT_FOUND || old || (!failed(st) && !str_eq(row->caller, rq->caller.principal_id)))
		return FAIL(rq, iam_NoSuchEntityException, "The job with id %.*s cannot be found.", PR(id));
	TRY(st);
	if (row->completed.set)
		return OK;
	TRY(bring_on(rq, shard, row));
	return row->completed.set ? write_job(rq, shard, id, row, false) : OK;
}

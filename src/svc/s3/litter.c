/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Blobs that must go: decided when the request has ended, by how it ended.
 *
 * A request that failed leaves nothing: what it made is deleted. One that succeeded has
 * committed by then, so what its rows no longer name can go. An object in parts that
 * somebody is still reading is kept until the last reader is done (reading.h); a single
 * blob needs no such care, its reader has the file open.
 */
#include "svc/s3/object.h"
#include "svc/s3/reading.h"

struct blob_run {
	struct blob_id *v;
	size_t n, cap;
};

struct s3_litter {
	struct req *rq;
	struct blob_run made, old;
	struct str upload; /* the old blobs are the parts of this upload */
};

static void run_add(struct arena *mem, struct blob_run *run, struct blob_id id)
{
	if (run->n == run->cap) {
		size_t cap = run->cap ? 2 * run->cap : 4;
		struct blob_id *v = NEWS(mem, struct blob_id, cap);
		if (run->n)
			memcpy(v, run->v, run->n * sizeof *v);
		run->v = v;
		run->cap = cap;
	}
	run->v[run->n++] = id;
}

static void sweep(void *arg)
{
	struct s3_litter *l = arg;
	struct app *app = l->rq->app;
	bool ok = !l->rq->fault.kind;
	const struct blob_run *run = ok ? &l->old : &l->made;
	if (ok && l->upload.n && s3_reading_leave_to_reader(app->s3, l->upload, run->v, run->n))
		return;
	for (size_t i = 0; i < run->n; i++)
		blob_delete_soon(app->blobs, run->v[i]);
}

struct s3_litter *s3_litter_new(struct req *rq)
{
	struct s3_litter *l = NEW(rq->mem, struct s3_litter);
	l->rq = rq;
	req_pin(rq, sweep, l);
	return l;
}

void s3_litter_made(struct s3_litter *l, struct blob_id id) { run_add(l->rq->mem, &l->made, id); }

void s3_litter_old(struct s3_litter *l, struct str blob_id)
{
	if (blob_id.n)
		run_add(l->rq->mem, &l->old, s3_blob_id(blob_id));
}

struct status s3_litter_row(struct s3_litter *l, struct txn *t, struct str key, const struct s3_object_row *row)
{
	s3_litter_old(l, row->blob_id);
	if (!row->side)
		return OK;
	if (row->parts_count) {
		struct s3_parts_row parts;
		TRY(s3_parts_get(t, l->rq->mem, key, &parts));
		for (size_t i = 0; i < parts.parts.n; i++)
			s3_litter_old(l, parts.parts.v[i].blob_id);
		l->upload = row->upload_id;
	}
	return txn_del(t, s3_side_key(l->rq->mem, key));
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DeleteBucket, over two shards:
 *
 *     names   c <id> <request> ──── so that start need not look into every index
 *     index   closed, if empty ──── a commit of its own: from here on nothing can be put
 *     names   name gone, x <id> ─── with the record, and c is gone: this is what deletes the bucket
 *     index   shredded ──────────── at the next start (start.c), when the trail has read its outbox
 *
 * When the last commit does not come about the index is opened again: at the request's
 * end, or, when the machine died before it, at start.
 */
#include "base/str.h"
#include "svc/s3/object.h"
#include "wire/pack.h"

struct closing {
	struct req *rq;
	struct shard *names, *index;
	struct str marker;
	bool closed;
};

static bool take_away(struct shard *sh, struct str key)
{
	struct txn *t;
	if (failed(txn_write(sh, &t)))
		return false;
	return !failed(txn_finish(t, txn_del(t, key)));
}

/* The marker goes last: what is not opened now is opened at start. */
static void reopen(void *arg)
{
	struct closing *c = arg;
	if (!c->rq->fault.kind)
		return;
	if (!c->closed || take_away(c->index, s3_closed_key(c->rq->mem)))
		(void)take_away(c->names, c->marker);
}

static struct status is_empty(struct txn *t, bool *empty)
{
	static const char tags[] = { 'o', 'u' };
	*empty = true;
	for (size_t i = 0; i < COUNT(tags) && *empty; i++) {
		struct cursor c;
		TRY(txn_range(t, &(struct range){ .prefix = str_make(&tags[i], 1), .keys_only = true }, &c));
		*empty = !cursor_next(&c);
		TRY(cursor_end(&c));
	}
	return OK;
}

static struct status close_if_empty(struct req *rq, struct txn *t, bool *empty)
{
	TRY(is_empty(t, empty));
	return *empty ? txn_put(t, s3_closed_key(rq->mem), S("")) : OK;
}

static struct str dropped_row(struct req *rq, const struct s3_bucket_row *row)
{
	struct buf b = buf_in(rq->mem);
	pack(&b, &s3_dropped_row_shape, &(struct s3_dropped_row){ .owner = row->owner });
	return buf_str(&b);
}

/* Only while the bucket is there, and each request its own: what one takes away is not another's. */
static struct status put_marker(struct req *rq, struct txn *t, const struct s3_bucket_info *b, struct str marker)
{
	struct s3_bucket_row row;
	TRY(s3_bucket_load(rq, t, b, &row));
	return txn_put(t, marker, dropped_row(rq, &row));
}

static struct status mark(struct closing *c, struct s3_place *p)
{
	struct txn *t;
	TRY(txn_write(c->names, &t));
	struct status st = put_marker(c->rq, t, p->bucket, c->marker);
	return txn_finish(t, st);
}

static struct status close_index(struct req *rq, struct s3_place *p)
{
	struct closing *c = NEW(rq->mem, struct closing);
	struct txn *t;
	bool empty;
	*c = (struct closing){ .rq = rq, .marker = s3_closing_key(rq->mem, p->bucket->row.id, rq->id) };
	TRY(s3_names(rq, &c->names));
	TRY(s3_index(rq, p, &c->index));
	req_pin(rq, reopen, c);
	TRY(mark(c, p));
	TRY(txn_write(c->index, &t));
	struct status st = close_if_empty(rq, t, &empty);
	if (failed(st) || !empty) {
		txn_abort(t);
		TRY(st);
		return s3_fail_bucket(rq, s3_BucketNotEmpty, p->bucket->name,
				      "The bucket you tried to delete is not empty");
	}
	TRY(txn_commit(t));
	c->closed = true;
	return OK;
}

struct status s3_delete_bucket(struct req *rq, const struct s3_delete_bucket_in *in, struct s3_delete_bucket_out *out)
{
	struct s3_place *p = s3_place_of(rq);
	struct s3_bucket_row row;
	struct txn *t;
	(void)in;
	(void)out;
	TRY(close_index(rq, p));
	TRY(s3_bucket_change(rq, &t, &row));
	TRY(txn_put(t, s3_dropped_key(rq->mem, row.id), dropped_row(rq, &row)));
	TRY(txn_del(t, s3_closing_key(rq->mem, row.id, rq->id)));
	TRY(txn_del(t, s3_owner_key(rq->mem, row.owner, p->bucket->name)));
	return txn_del(t, s3_name_key(rq->mem, p->bucket->name));
}

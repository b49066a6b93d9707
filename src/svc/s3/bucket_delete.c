/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DeleteBucket, over two shards:
 *
 *     index   closed, if empty ──── a commit of its own: from here on nothing can be put
 *     names   name gone, x <id> ─── with the record: this is what deletes the bucket
 *     index   shredded ──────────── at the next start (start.c), when the trail has read its outbox
 *
 * When the second commit does not come about the index is opened again: at the request's
 * end, or, when the machine died between the two, at start.
 */
#include "base/str.h"
#include "svc/s3/object.h"
#include "wire/pack.h"

struct closing {
	struct req *rq;
	struct shard *index;
	bool closed;
};

static void reopen(void *arg)
{
	struct closing *c = arg;
	struct txn *t;
	if (!c->closed || !c->rq->fault.kind || failed(txn_write(c->index, &t)))
		return;
	if (failed(txn_del(t, s3_closed_key(c->rq->mem))))
		txn_abort(t);
	else
		(void)txn_commit(t);
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

static struct status close_index(struct req *rq, struct s3_place *p)
{
	struct closing *c = NEW(rq->mem, struct closing);
	struct txn *t;
	bool empty;
	*c = (struct closing){ .rq = rq };
	TRY(s3_index(rq, p, &c->index));
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
	req_pin(rq, reopen, c);
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
	struct buf dropped = buf_in(rq->mem);
	pack(&dropped, &s3_dropped_row_shape, &(struct s3_dropped_row){ .owner = row.owner });
	TRY(txn_put(t, key_of(rq->mem, 'x', row.id, (struct str){ 0 }, (struct str){ 0 }), buf_str(&dropped)));
	TRY(txn_del(t, s3_owner_key(rq->mem, row.owner, p->bucket->name)));
	return txn_del(t, s3_name_key(rq->mem, p->bucket->name));
}

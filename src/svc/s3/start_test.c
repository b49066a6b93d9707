/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a crash leaves between two commits, and what starting again makes of it.
 */
#include "svc/s3/start.h"

#include "api/serve.h"
#include "api/world.h"
#include "base/str.h"
#include "cloudtrail_api.h"
#include "svc/s3/object.h"
#include "svc/s3/reading.h"
#include "wire/pack.h"

#include <unistd.h>

enum { JAN_1_S = 1767225600 };

static struct test_world *begin(void)
{
	static const struct service *const services[] = { &s3_service, &cloudtrail_service, NULL };
	return world_begin(&(struct world_parts){ .services = services, .now_ms = (int64_t)JAN_1_S * 1000 });
}

/* An operation with its input as a struct: what travels in a path has no place in world_call's JSON. */
struct calling {
	struct test_world *w;
	const char *op;
	const void *in;
	struct test_reply reply;
	struct str upload_id;
};

static void run_call(struct req *rq, void *arg)
{
	struct calling *c = arg;
	rq->op = service_op(rq->svc, str_of(c->op));
	rq->in = c->in;
	c->reply.status = failed(serve_decoded(rq)) ? rq->fault.kind->http : 200;
	if (c->reply.status == 200 && !strcmp(c->op, "CreateMultipartUpload"))
		c->upload_id = str_dup(world_mem(c->w), ((struct s3_create_multipart_upload_out *)rq->out)->upload_id);
}

static struct calling call(struct test_world *w, const char *op, const void *in)
{
	struct calling c = { .w = w, .op = op, .in = in };
	world_in_fiber(w, run_call, &c);
	return c;
}

#define BUCKET S("a-bucket")
static const struct s3_create_multipart_upload_in an_upload = { .bucket = { "a-bucket", 8 }, .key = { "k", 1 } };

static void make_bucket(struct test_world *w)
{
	EXPECT(call(w, "CreateBucket", &(struct s3_create_bucket_in){ .bucket = BUCKET }).reply.status == 200);
}

/* An index transaction of the bucket's; committed by the caller. */
static struct txn *index_write(struct req *rq, struct s3_place *p)
{
	struct shard *index;
	struct txn *t;
	EXPECT_OK(s3_bucket_find(rq, BUCKET, &p->bucket));
	EXPECT_OK(s3_index(rq, p, &index));
	req_read_end(rq);
	EXPECT_OK(txn_write(index, &t));
	return t;
}

/* As far as DeleteBucket comes before its last commit. */
static void close_bucket(struct req *rq, void *arg)
{
	struct s3_place p = { 0 };
	struct shard *names;
	struct txn *t;
	(void)arg;
	EXPECT_OK(s3_bucket_find(rq, BUCKET, &p.bucket));
	req_read_end(rq);
	EXPECT_OK(s3_names(rq, &names));
	EXPECT_OK(txn_write(names, &t));
	struct buf b = buf_in(rq->mem);
	pack(&b, &s3_dropped_row_shape, &(struct s3_dropped_row){ .owner = p.bucket->row.owner });
	EXPECT_OK(txn_put(t, s3_closing_key(rq->mem, p.bucket->row.id, S("r")), buf_str(&b)));
	EXPECT_OK(txn_commit(t));
	t = index_write(rq, &p);
	EXPECT_OK(txn_put(t, s3_closed_key(rq->mem), S("")));
	EXPECT_OK(txn_commit(t));
}

static void is_marked(struct req *rq, void *arg)
{
	struct s3_place p = { 0 };
	struct shard *names;
	struct txn *t;
	EXPECT_OK(s3_bucket_find(rq, BUCKET, &p.bucket));
	EXPECT_OK(s3_names(rq, &names));
	EXPECT_OK(req_read(rq, names, &t));
	struct cursor c;
	EXPECT_OK(txn_range(t, &(struct range){ .prefix = S("c") }, &c));
	*(bool *)arg = cursor_next(&c);
	EXPECT_OK(cursor_end(&c));
}

static void is_closed(struct req *rq, void *arg)
{
	struct s3_place p = { 0 };
	struct txn *t = index_write(rq, &p);
	EXPECT_OK(txn_has(t, s3_closed_key(rq->mem), arg));
	txn_abort(t);
}

static void start(struct req *rq, void *arg)
{
	(void)arg;
	EXPECT_OK(s3_open(rq->app));
}

static bool closed(struct test_world *w)
{
	bool is;
	world_in_fiber(w, is_closed, &is);
	return is;
}

static bool marked(struct test_world *w)
{
	bool is;
	world_in_fiber(w, is_marked, &is);
	return is;
}

static void a_bucket_closed_but_not_deleted_is_opened_again(void)
{
	struct test_world *w = begin();
	make_bucket(w);
	world_in_fiber(w, close_bucket, NULL);
	EXPECT(call(w, "CreateMultipartUpload", &an_upload).reply.status == 404);
	world_restart(w);
	EXPECT(closed(w) && marked(w));
	world_in_fiber(w, start, NULL);
	EXPECT(!closed(w) && !marked(w));
	EXPECT(call(w, "CreateMultipartUpload", &an_upload).reply.status == 200);
	s3_close(world_app(w));
	world_end(w);
}

static void a_bucket_that_is_not_empty_stays_open_and_an_empty_one_goes(void)
{
	struct test_world *w = begin();
	const struct s3_delete_bucket_in gone = { .bucket = BUCKET };
	make_bucket(w);
	struct str upload = call(w, "CreateMultipartUpload", &an_upload).upload_id;
	EXPECT(call(w, "DeleteBucket", &gone).reply.status == 409);
	EXPECT(!closed(w) && !marked(w));
	const struct s3_abort_multipart_upload_in abort_it = { .bucket = BUCKET, .key = S("k"), .upload_id = upload };
	EXPECT(call(w, "AbortMultipartUpload", &abort_it).reply.status == 200);
	EXPECT(call(w, "DeleteBucket", &gone).reply.status == 200);
	world_restart(w);
	world_in_fiber(w, start, NULL);
	EXPECT(call(w, "DeleteBucket", &gone).reply.status == 404);
	s3_close(world_app(w));
	world_end(w);
}

/* ---- blobs ------------------------------------------------------------------------------- */

struct blob_case {
	struct blob_id named, orphan;
	struct secret key;
	bool gone;
};

static struct blob_id make_blob(struct req *rq, const struct secret *key)
{
	struct blob_writer *b;
	struct blob_id id;
	EXPECT_OK(blob_create(rq->app->blobs, key, S("x"), &b));
	EXPECT_OK(blob_write(b, S("bytes")));
	EXPECT_OK(blob_finish(b, &id));
	return id;
}

static void make_blobs(struct req *rq, void *arg)
{
	struct blob_case *c = arg;
	struct secret key = secret_new(keyring_secrets(rq->app->keyring), BLOB_KEY);
	c->named = make_blob(rq, &key);
	c->orphan = make_blob(rq, &key);
	secret_free(&key);
	struct s3_place p = { 0 };
	struct txn *t = index_write(rq, &p);
	struct s3_object_row row = { .etag = S("e"),
				     .size = 5,
				     .sse = S3_SERVER_SIDE_ENCRYPTION_AES256,
				     .storage_class = S3_STORAGE_CLASS_STANDARD,
				     .blob_id = str_make(c->named.b, sizeof c->named.b) };
	EXPECT_OK(s3_object_put(rq, t, S("k"), &row));
	EXPECT_OK(txn_commit(t));
}

static bool there(struct req *rq, struct blob_id id)
{
	struct secret key = secret_new(keyring_secrets(rq->app->keyring), BLOB_KEY);
	struct blob_reader *r = NULL;
	struct status st = blob_open(rq->app->blobs, id, &key, S("x"), &r);
	blob_close(r);
	secret_free(&key);
	return st.code != E_NOT_FOUND;
}

static void both_are_there(struct req *rq, void *arg)
{
	struct blob_case *c = arg;
	EXPECT(there(rq, c->named) && there(rq, c->orphan));
}

static void orphan_is_gone(struct req *rq, void *arg)
{
	struct blob_case *c = arg;
	c->gone = !there(rq, c->orphan);
}

static void only_the_named_one_is_there(struct req *rq, void *arg)
{
	struct blob_case *c = arg;
	EXPECT(there(rq, c->named) && !there(rq, c->orphan));
}

static void sweep(struct req *rq, void *arg)
{
	struct s3_sweeper *s;
	(void)arg;
	EXPECT_OK(s3_sweeper_start(rq->app, &s));
	s3_sweeper_wait(s);
}

static void blobs_nobody_names_are_swept_after_a_restart_and_not_before(void)
{
	struct test_world *w = begin();
	struct blob_case c;
	make_bucket(w);
	world_in_fiber(w, make_blobs, &c);
	world_in_fiber(w, sweep, NULL);
	world_in_fiber(w, both_are_there, &c);
	world_restart(w);
	world_in_fiber(w, sweep, NULL);
	world_in_fiber(w, only_the_named_one_is_there, &c);
	world_end(w);
}

static void parts_being_read_are_left_to_the_last_reader(void)
{
	struct test_world *w = begin();
	struct app *app = world_app(w);
	make_bucket(w);
	world_in_fiber(w, start, NULL);
	struct blob_case c;
	world_in_fiber(w, make_blobs, &c);
	EXPECT(!s3_reading_leave_to_reader(app->s3, S("u"), &c.orphan, 1));
	s3_reading_hold(app->s3, S("u"));
	s3_reading_hold(app->s3, S("u"));
	EXPECT(s3_reading_leave_to_reader(app->s3, S("u"), &c.orphan, 1));
	s3_reading_release(app, S("u"));
	world_in_fiber(w, both_are_there, &c);
	s3_reading_release(app, S("u"));
	c.gone = false;
	for (int tries = 0; !c.gone && tries < 60000; tries++) { /* a thread does it, in its time */
		usleep(1000);
		world_in_fiber(w, orphan_is_gone, &c);
	}
	world_in_fiber(w, only_the_named_one_is_there, &c);
	s3_close(app);
	world_end(w);
}

RUN_ALL(T(a_bucket_closed_but_not_deleted_is_opened_again),
	T(a_bucket_that_is_not_empty_stays_open_and_an_empty_one_goes),
	T(blobs_nobody_names_are_swept_after_a_restart_and_not_before), T(parts_being_read_are_left_to_the_last_reader))

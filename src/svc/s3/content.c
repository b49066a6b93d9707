/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Small bytes are opened at once. For a blob a stream holds its reader; for a multipart object
 * it goes from part to part and holds one reader at a time.
 */
#include "svc/s3/content.h"

#include "api/authz.h"
#include "base/log.h"
#include "base/str.h"
#include "svc/s3/reading.h"

struct s3_stream {
	struct req *rq; /* its memory and names live until the stream is closed */
	struct s3_seal seal;
	struct str owner, bucket_id, key, upload; /* upload p == NULL: one blob */
	const struct s3_part_row *parts;
	size_t n_parts, part; /* the part that is open or next */
	struct blob_reader *reader;
	uint64_t at; /* within it */
	int64_t left;
	bool held;
};

struct status s3_content_parts(struct req *rq, struct s3_place *p, struct s3_parts_row *out)
{
	struct shard *index;
	struct txn *t;
	TRY(s3_index(rq, p, &index));
	TRY(req_read(rq, index, &t));
	return s3_parts_get(t, rq->mem, p->key, out);
}

/* ---- in memory ------------------------------------------------------------------------- */

static struct status open_small(struct req *rq, struct s3_place *p, const struct s3_seal *seal, struct str sealed,
				struct str *plain)
{
	struct secret key;
	struct str identity = s3_identity(rq, p->bucket, p->key, (struct str){ 0 }, 0);
	TRY(s3_seal_unwrap(rq->app, seal, p->bucket->row.owner, identity, p->row->wrapped, &key));
	struct status st = blob_open_small(rq->mem, &key, identity, sealed, plain);
	secret_free(&key);
	return st;
}

static struct status side_bytes(struct req *rq, struct s3_place *p, struct str *sealed)
{
	struct shard *index;
	struct txn *t;
	TRY(s3_index(rq, p, &index));
	TRY(req_read(rq, index, &t));
	return txn_get(t, s3_side_key(rq->mem, p->key), rq->mem, sealed);
}

static struct status content_small(struct req *rq, struct s3_place *p, int64_t from, int64_t n, struct s3_content *out)
{
	struct s3_seal *seal;
	struct str sealed = p->row->inline_, plain;
	if (p->row->side)
		TRY(side_bytes(rq, p, &sealed));
	TRY(s3_seal_open(rq, p, p->row, &seal));
	TRY(open_small(rq, p, seal, sealed, &plain));
	if ((int64_t)plain.n != p->row->size)
		return ERR(E_CORRUPT);
	out->bytes = n ? str_sub(plain, (size_t)from, (size_t)n) : S("");
	return OK;
}

/* ---- streams ------------------------------------------------------------------------------ */

void s3_stream_close(void *arg)
{
	struct s3_stream *s = arg;
	blob_close(s->reader);
	s->reader = NULL;
	s3_seal_free(&s->seal);
	if (s->held)
		s3_reading_release(s->rq->app, s->upload);
	s->held = false;
}

static struct str identity_of(struct s3_stream *s, int64_t number)
{
	struct s3_bucket_info b = { .row = { .id = s->bucket_id } };
	return s3_identity(s->rq, &b, s->key, s->upload, number);
}

static struct status open_blob(struct s3_stream *s, struct str wrapped, struct str blob_id, int64_t number,
			       int64_t size)
{
	struct secret key;
	struct str identity = identity_of(s, number);
	if (blob_id.n != sizeof(struct blob_id))
		return ERR(E_CORRUPT);
	TRY(s3_seal_unwrap(s->rq->app, &s->seal, s->owner, identity, wrapped, &key));
	struct status st = blob_open(s->rq->app->blobs, s3_blob_id(blob_id), &key, identity, &s->reader);
	secret_free(&key);
	TRY(st);
	return blob_expect(s->reader, (uint64_t)size);
}

/* Parts are held while they are read, so nobody deleted a file that is not there. */
static struct status open_part(struct s3_stream *s)
{
	const struct s3_part_row *part = &s->parts[s->part];
	struct status st = open_blob(s, part->wrapped, part->blob_id, part->number, part->size);
	return st.code == E_NOT_FOUND ? blob_missing(s->rq->app->blobs, s3_blob_id(part->blob_id)) : st;
}

static struct status next_part(struct s3_stream *s)
{
	blob_close(s->reader);
	s->reader = NULL;
	s->at = 0;
	if (++s->part >= s->n_parts)
		return ERR(E_CORRUPT); /* the parts do not make up the object */
	return open_part(s);
}

struct status s3_stream_pull(void *arg, char *buf, size_t room, size_t *got)
{
	struct s3_stream *s = arg;
	size_t want = (int64_t)room < s->left ? room : (size_t)s->left;
	*got = 0;
	while (want) {
		struct status st = blob_read(s->reader, s->at, buf, want, got);
		if (!failed(st) && !*got)
			st = next_part(s);
		if (failed(st)) {
			log_error("object cannot be read", "bucket", s->bucket_id, "status", str_of(status_name(st)));
			return st;
		}
		if (*got)
			break;
	}
	s->at += *got;
	s->left -= (int64_t)*got;
	return OK;
}

static struct s3_stream *stream_new(struct req *rq, struct s3_place *p, struct s3_seal *seal, int64_t n)
{
	struct s3_stream *s = NEW(rq->mem, struct s3_stream);
	*s = (struct s3_stream){
		.rq = rq, /* the cached bucket is given back when the handler ends: copies */
		.owner = str_dup(rq->mem, p->bucket->row.owner),
		.bucket_id = str_dup(rq->mem, p->bucket->row.id),
		.key = p->key,
		.left = n,
		.seal = s3_seal_take(seal),
	};
	return s;
}

static struct status close_failed(struct s3_stream *s, struct status st)
{
	if (failed(st))
		s3_stream_close(s);
	return st;
}

/* No such file. The object was overwritten or deleted meanwhile (E_NOT_FOUND), or the file is lost. */
static struct status blob_gone(struct req *rq, struct s3_place *p)
{
	struct str id = p->row->blob_id;
	TRY(s3_object_look_again(rq, p));
	if (!p->row || !str_eq(p->row->blob_id, id))
		return ERR(E_NOT_FOUND);
	return blob_missing(rq->app->blobs, s3_blob_id(id));
}

static struct status content_blob(struct req *rq, struct s3_place *p, int64_t from, int64_t n, struct s3_content *out)
{
	struct s3_seal *seal;
	TRY(s3_seal_open(rq, p, p->row, &seal));
	struct s3_stream *s = stream_new(rq, p, seal, n);
	s->at = (uint64_t)from;
	struct status st = close_failed(s, open_blob(s, p->row->wrapped, p->row->blob_id, 0, p->row->size));
	if (st.code == E_NOT_FOUND)
		return blob_gone(rq, p);
	TRY(st);
	out->stream = s;
	return OK;
}

/* Hold the parts, then make sure that they are still the object's. */
static struct status hold_parts(struct req *rq, struct s3_place *p, struct s3_stream *s)
{
	struct str upload = p->row->upload_id;
	s3_reading_hold(rq->app->s3, upload);
	s->upload = upload;
	s->held = true;
	TRY(s3_object_look_again(rq, p));
	return p->row && p->row->upload_id.p && str_eq(p->row->upload_id, upload) ? OK : ERR(E_NOT_FOUND);
}

static struct status begin_parts(struct req *rq, struct s3_place *p, struct s3_stream *s, int64_t from)
{
	struct s3_parts_row parts;
	TRY(hold_parts(rq, p, s));
	TRY(s3_content_parts(rq, p, &parts));
	s->parts = parts.parts.v;
	s->n_parts = parts.parts.n;
	while (s->part < s->n_parts && from >= s->parts[s->part].size)
		from -= s->parts[s->part++].size;
	if (s->part >= s->n_parts)
		return ERR(E_CORRUPT);
	s->at = (uint64_t)from;
	return open_part(s);
}

static struct status content_parts(struct req *rq, struct s3_place *p, int64_t from, int64_t n, struct s3_content *out)
{
	struct s3_seal *seal;
	TRY(s3_seal_open(rq, p, p->row, &seal));
	struct s3_stream *s = stream_new(rq, p, seal, n);
	TRY(close_failed(s, begin_parts(rq, p, s, from)));
	out->stream = s;
	return OK;
}

struct status s3_content_open(struct req *rq, struct s3_place *p, int64_t from, int64_t n, struct s3_content *out)
{
	*out = (struct s3_content){ 0 };
	if (p->row->parts_count && n == 0) {
		out->bytes = S("");
		return s3_seal_check(rq, p, p->row);
	}
	if (p->row->parts_count)
		return content_parts(rq, p, from, n, out);
	if (p->row->blob_id.n)
		return content_blob(rq, p, from, n, out);
	return content_small(rq, p, from, n, out);
}

struct status s3_find_bytes(struct req *rq, s3_look *look, void *arg)
{
	enum { LOOKS_MAX = 64 };
	for (int i = 0; i < LOOKS_MAX; i++) {
		struct status st = look(rq, arg);
		if (st.code != E_NOT_FOUND)
			return st;
		req_read_end(rq);
		TRY(req_authorize(rq));
	}
	return ERR(E_BUSY);
}

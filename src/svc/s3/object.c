/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows are read by key inside whatever transaction is open; bytes beside a row come and go
 * with it, blobs through the litter.
 */
#include "svc/s3/object.h"

#include "api/authz.h"
#include "api/faults.h"
#include "base/str.h"
#include "svc/s3/authorize.h"
#include "wire/pack.h"

/* ---- keys ---------------------------------------------------------------------------- */

static struct str key_with(struct arena *mem, char tag, struct str key)
{
	return key_of(mem, tag, key, (struct str){ 0 }, (struct str){ 0 });
}

struct str s3_object_key(struct arena *mem, struct str key) { return key_with(mem, 'o', key); }
struct str s3_side_key(struct arena *mem, struct str key) { return key_with(mem, 'd', key); }
struct str s3_closed_key(struct arena *mem) { return key_with(mem, 'c', (struct str){ 0 }); }

struct str s3_identity(struct req *rq, const struct s3_bucket_info *b, struct str key, struct str upload,
		       int64_t number)
{
	struct buf id = buf_in(rq->mem);
	buf_z(&id, "s3:");
	buf_put(&id, b->row.id);
	buf_byte(&id, ':');
	if (upload.p)
		buf_printf(&id, "%.*s.%lld", PR(upload), (long long)number);
	buf_byte(&id, ':');
	buf_put(&id, key);
	return buf_str(&id);
}

struct blob_id s3_blob_id(struct str bytes)
{
	struct blob_id id = { 0 };
	assert(bytes.n == sizeof id.b);
	memcpy(id.b, bytes.p, sizeof id.b);
	return id;
}

/* ---- rows ------------------------------------------------------------------------------ */

struct status s3_object_get(struct txn *t, struct arena *mem, struct str key, struct s3_object_row *row)
{
	struct str bytes;
	TRY(txn_get(t, s3_object_key(mem, key), mem, &bytes));
	*row = (struct s3_object_row){ 0 };
	return unpack(mem, &s3_object_row_shape, bytes, row);
}

struct status s3_parts_get(struct txn *t, struct arena *mem, struct str key, struct s3_parts_row *parts)
{
	struct str bytes;
	TRY(txn_get(t, s3_side_key(mem, key), mem, &bytes));
	*parts = (struct s3_parts_row){ 0 };
	return unpack(mem, &s3_parts_row_shape, bytes, parts);
}

struct status s3_object_put(struct req *rq, struct txn *t, struct str key, const struct s3_object_row *row)
{
	struct buf b = buf_in(rq->mem);
	pack(&b, &s3_object_row_shape, row);
	return txn_put(t, s3_object_key(rq->mem, key), buf_str(&b));
}

struct status s3_object_look(struct req *rq, struct s3_place *p)
{
	struct shard *index;
	struct txn *t;
	if (p->looked)
		return OK;
	if (p->key.n > S3_KEY_MAX) { /* no object has such a key */
		p->looked = true;
		return OK;
	}
	TRY(s3_index(rq, p, &index));
	TRY(req_read(rq, index, &t));
	struct s3_object_row *row = NEW(rq->mem, struct s3_object_row);
	struct status st = s3_object_get(t, rq->mem, p->key, row);
	if (failed(st) && st.code != E_NOT_FOUND)
		return st;
	p->row = failed(st) ? NULL : row;
	p->looked = true;
	return OK;
}

struct status s3_object_look_again(struct req *rq, struct s3_place *p)
{
	req_read_end(rq);
	p->looked = false;
	return s3_object_look(rq, p);
}

/* ---- refusals ---------------------------------------------------------------------------- */

struct status s3_fail_argument(struct req *rq, const char *text, const char *name, struct str value)
{
	(void)FAIL(rq, s3_InvalidArgument, "%s", text);
	(void)req_fail_with(rq, "ArgumentName", str_of(name));
	return req_fail_with(rq, "ArgumentValue", value);
}

struct status s3_object_missing(struct req *rq, struct s3_place *p)
{
	if (!req_allowed(rq, "s3:ListBucket", s3_bucket_arn(rq, p->bucket->name), s3_policy_for(rq, p->bucket)))
		return FAIL(rq, api_AccessDeniedException, "Access Denied");
	(void)FAIL(rq, s3_NoSuchKey, "The specified key does not exist.");
	return req_fail_with(rq, "Key", p->key);
}

struct status s3_check_version(struct req *rq, struct str v)
{
	if (!v.p || str_eq(v, S("null")))
		return OK;
	return s3_fail_argument(rq, "Invalid version id specified", "versionId", v);
}

struct status s3_check_key(struct req *rq, struct str key)
{
	if (key.n <= S3_KEY_MAX)
		return OK;
	(void)FAIL(rq, s3_KeyTooLongError, "Your key is too long");
	rq->fault.common = true; /* whatever was to be done with it */
	(void)req_fail_with(rq, "Size", arena_printf(rq->mem, "%zu", key.n));
	return req_fail_with(rq, "MaxSizeAllowed", arena_printf(rq->mem, "%d", S3_KEY_MAX));
}

/* ---- writing ------------------------------------------------------------------------------- */

static struct status bucket_gone(struct req *rq, const struct s3_place *p)
{
	return s3_fail_bucket(rq, s3_NoSuchBucket, p->bucket->name, "The specified bucket does not exist");
}

static struct status is_open(struct req *rq, const struct s3_place *p, struct txn *t)
{
	bool closed;
	TRY(txn_has(t, s3_closed_key(rq->mem), &closed));
	return closed ? bucket_gone(rq, p) : OK;
}

struct status s3_index_write(struct req *rq, struct s3_place *p, struct txn **t)
{
	struct shard *index;
	TRY(s3_index(rq, p, &index));
	struct status st = req_write(rq, index, t);
	if (st.code == E_NOT_FOUND)
		return bucket_gone(rq, p);
	TRY(st);
	return is_open(rq, p, *t);
}

static bool same_tags(const struct s3_tag_list *a, const struct s3_tag_list *b)
{
	for (size_t i = 0; a->n == b->n && i < a->n; i++)
		if (!str_eq(a->v[i].key, b->v[i].key) || !str_eq(a->v[i].value, b->v[i].value))
			return false;
	return a->n == b->n;
}

/* By its tags a change of the object was allowed. */
static struct status tags_stand(struct req *rq, struct txn *t, bool *yes)
{
	const struct s3_place *p = s3_place_of(rq);
	struct s3_object_row row;
	TRY(is_open(rq, p, t));
	struct status st = s3_object_get(t, rq->mem, p->key, &row);
	if (st.code != E_NOT_FOUND)
		TRY(st);
	*yes = failed(st) ? !p->row : p->row && same_tags(&row.tag_set, &p->row->tag_set);
	return OK;
}

struct status s3_object_edit(struct req *rq, struct txn **t, struct s3_object_row *row)
{
	struct shard *index;
	TRY(s3_object_look(rq, s3_place_of(rq)));
	TRY(s3_index(rq, s3_place_of(rq), &index));
	struct status st = req_write_as_judged(rq, index, CACHE_SLOTS, tags_stand, t);
	struct s3_place *p = s3_place_of(rq);
	if (st.code == E_NOT_FOUND)
		return bucket_gone(rq, p);
	TRY(st);
	if (p->row)
		return s3_object_get(*t, rq->mem, p->key, row);
	req_write_undo(rq);
	return s3_object_missing(rq, p);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finding a bucket: by name, in the names shard, through the cache.
 */
#include "svc/s3/bucket.h"

#include "api/accounts.h"
#include "api/cache.h"
#include "api/faults.h"
#include "base/str.h"
#include "svc/s3/object.h"
#include "wire/pack.h"

/* ---- shards and keys --------------------------------------------------------------- */

struct status s3_names(struct req *rq, struct shard **out)
{
	struct str first = account_at(rq->app->accounts, 0)->id;
	return req_shard(rq, first, arena_printf(rq->mem, "s3/%.*s/names", PR(first)), out);
}

struct str s3_index_name(struct arena *mem, struct str owner, struct str id)
{
	return arena_printf(mem, "s3/%.*s/bucket/%.*s", PR(owner), PR(id));
}

struct status s3_index(struct req *rq, struct s3_place *p, struct shard **out)
{
	if (!p->index) {
		const struct s3_bucket_row *row = &p->bucket->row;
		TRY(req_shard(rq, row->owner, s3_index_name(rq->mem, row->owner, row->id), &p->index));
	}
	*out = p->index;
	return OK;
}

struct str s3_name_key(struct arena *mem, struct str bucket)
{
	return key_of(mem, 'b', bucket, (struct str){ 0 }, (struct str){ 0 });
}

struct str s3_owner_key(struct arena *mem, struct str owner, struct str bucket)
{
	return key_of(mem, 'o', owner, bucket, (struct str){ 0 });
}

struct str s3_closing_key(struct arena *mem, struct str id, struct str request)
{
	return key_of(mem, 'c', id, request, (struct str){ 0 });
}

struct str s3_dropped_key(struct arena *mem, struct str id)
{
	return key_of(mem, 'x', id, (struct str){ 0 }, (struct str){ 0 });
}

/* ---- the cached bucket ------------------------------------------------------------- */

static void free_bucket(void *value)
{
	struct s3_bucket_info *b = value;
	policy_unref(b->policy);
	arena_free(b->mem);
}

static struct status compile_policy(struct s3_bucket_info *b)
{
	if (!b->row.policy.n)
		return OK;
	struct policy *p;
	struct str text = b->row.policy_bound.n ? b->row.policy_bound : b->row.policy;
	struct status st = policy_compile(text, POLICY_RESOURCE, &p, NULL);
	if (failed(st))
		return ERR(E_CORRUPT); /* it compiled when it was stored: without it nobody gets in */
	b->policy = p;
	b->policy_public = policy_is_public(p, NULL);
	return OK;
}

static struct status read_bucket(struct req *rq, struct shard *names, struct s3_bucket_info *b)
{
	struct txn *t;
	struct str bytes;
	TRY(req_read(rq, names, &t));
	TRY(txn_get(t, s3_name_key(rq->mem, b->name), b->mem, &bytes));
	TRY(unpack(b->mem, &s3_bucket_row_shape, bytes, &b->row));
	return compile_policy(b);
}

static struct status load_bucket(struct req *rq, struct shard *names, struct str key, void **value)
{
	struct arena *mem = arena_new();
	struct s3_bucket_info *b = NEW(mem, struct s3_bucket_info);
	b->mem = mem;
	b->name = str_dup(mem, key);
	struct status st = read_bucket(rq, names, b);
	if (failed(st)) {
		free_bucket(b);
		return st;
	}
	*value = b;
	return OK;
}

static const struct cache_kind buckets = { "s3 bucket", CACHE_S3_BUCKET, 1024, load_bucket, free_bucket, NULL, 0 };

struct status s3_fail_bucket(struct req *rq, const struct fault_kind *kind, struct str name, const char *text)
{
	(void)FAIL(rq, kind, "%s", text);
	return req_fail_with(rq, "BucketName", name);
}

/* What any operation on a bucket may answer, whatever its model declares. */
static struct status common_fault(struct req *rq, struct status st)
{
	rq->fault.common = true;
	return st;
}

struct status s3_bucket_find(struct req *rq, struct str name, const struct s3_bucket_info **out)
{
	struct shard *names;
	const void *value;
	if (!s3_bucket_name_ok(name))
		return common_fault(
		    rq, s3_fail_bucket(rq, s3_InvalidBucketName, name, "The specified bucket is not valid."));
	TRY(s3_names(rq, &names));
	struct status st = cached(rq, &buckets, names, name, &value);
	if (st.code == E_NOT_FOUND)
		return s3_fail_bucket(rq, s3_NoSuchBucket, name, "The specified bucket does not exist");
	TRY(st);
	*out = value;
	return OK;
}

/* ---- entering ------------------------------------------------------------------------- */

struct str s3_member(struct req *rq, const void *in, const char *name)
{
	const struct shape *shape = rq->op->in;
	for (uint32_t i = 0; i < shape->n_members; i++) {
		const struct member *m = &shape->members[i];
		if (m->shape->kind == K_STRING && m->where != W_STREAM && !strcmp(m->name, name))
			return *(const struct str *)(const void *)((const char *)in + m->offset);
	}
	return (struct str){ 0 };
}

/* A signature is for one region; GetBucketLocation is how one learns which, so it may be asked from us-east-1. */
static struct status check_region(struct req *rq, const struct s3_bucket_info *b)
{
	struct str want = b->row.region;
	if (!rq->auth || str_eq(rq->region, want) || !strcmp(rq->op->name, "GetBucketLocation"))
		return OK;
	(void)FAIL(rq, s3_AuthorizationHeaderMalformed,
		   "The authorization header is malformed; the region '%.*s' is wrong; expecting '%.*s'",
		   PR(rq->region), PR(want));
	return common_fault(rq, req_fail_with(rq, "Region", want));
}

struct status s3_expect_owner(struct req *rq, const struct s3_bucket_info *b, struct str expected)
{
	if (!expected.p || str_eq(expected, b->row.owner))
		return OK;
	if (!account_id_is(expected))
		return FAIL(rq, api_ValidationException,
			    "The value of the expected bucket owner parameter must be an AWS account ID");
	return FAIL(rq, api_AccessDeniedException, "Access Denied");
}

struct status s3_enter(struct req *rq, const void *in, struct s3_place **out)
{
	struct s3_place *p = NEW(rq->mem, struct s3_place);
	p->key = s3_member(rq, in, "Key");
	TRY(s3_bucket_find(rq, s3_member(rq, in, "Bucket"), &p->bucket));
	TRY(check_region(rq, p->bucket));
	rq->account = p->bucket->row.owner;
	rq->region = p->bucket->row.region;
	struct str *arns = NEWS(rq->mem, struct str, 2);
	arns[0] = p->key.p ? s3_object_arn(rq, p->bucket->name, p->key) : s3_bucket_arn(rq, p->bucket->name);
	arns[1] = p->key.p ? s3_bucket_arn(rq, p->bucket->name) : (struct str){ 0 };
	rq->resources = (struct str_list){ arns, p->key.p ? 2 : 1 };
	rq->found = p;
	*out = p;
	if (p->key.p)
		TRY(s3_check_key(rq, p->key));
	return s3_expect_owner(rq, p->bucket, s3_member(rq, in, "ExpectedBucketOwner"));
}

struct str s3_bucket_arn(struct req *rq, struct str name)
{
	return arena_printf(rq->mem, "arn:%.*s:s3:::%.*s", PR(rq->app->partition), PR(name));
}

struct str s3_object_arn(struct req *rq, struct str name, struct str key)
{
	return arena_printf(rq->mem, "arn:%.*s:s3:::%.*s/%.*s", PR(rq->app->partition), PR(name), PR(key));
}

struct str s3_canonical_id(struct req *rq, struct str account)
{
	const struct account *a = account_find(rq->app->accounts, account);
	return a ? a->canonical_id : S("");
}

/* ---- changing ----------------------------------------------------------------------------- */

struct status s3_bucket_load(struct req *rq, struct txn *t, const struct s3_bucket_info *b, struct s3_bucket_row *row)
{
	struct str bytes;
	struct status st = txn_get(t, s3_name_key(rq->mem, b->name), rq->mem, &bytes);
	if (!failed(st)) {
		*row = (struct s3_bucket_row){ 0 };
		TRY(unpack(rq->mem, &s3_bucket_row_shape, bytes, row));
		if (str_eq(row->id, b->row.id))
			return OK;
		st = ERR(E_NOT_FOUND); /* deleted and made again since */
	}
	if (st.code == E_NOT_FOUND)
		return s3_fail_bucket(rq, s3_NoSuchBucket, b->name, "The specified bucket does not exist");
	return st;
}

struct status s3_bucket_save(struct req *rq, struct txn *t, struct str name, const struct s3_bucket_row *row)
{
	struct buf b = buf_in(rq->mem);
	pack(&b, &s3_bucket_row_shape, row);
	return txn_put(t, s3_name_key(rq->mem, name), buf_str(&b));
}

struct status s3_bucket_change(struct req *rq, struct txn **t, struct s3_bucket_row *row)
{
	struct shard *names;
	TRY(s3_names(rq, &names));
	TRY(req_write(rq, names, t));
	return s3_bucket_load(rq, *t, s3_place_of(rq)->bucket, row);
}

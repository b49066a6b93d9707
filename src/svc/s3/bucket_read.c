/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which buckets there are: ListBuckets, HeadBucket, GetBucketLocation.
 */
#include "base/str.h"
#include "svc/s3/listing.h"
#include "svc/s3/settings.h"
#include "wire/pack.h"

enum { BUCKETS_PAGE_MAX = 10000 };

struct status s3_head_bucket(struct req *rq, const struct s3_head_bucket_in *in, struct s3_head_bucket_out *out)
{
	(void)in;
	out->bucket_region = s3_place_of(rq)->bucket->row.region;
	return OK;
}

/* us-east-1 has no name here, for as long as S3 has been around. */
struct status s3_get_bucket_location(struct req *rq, const struct s3_get_bucket_location_in *in,
				     struct s3_get_bucket_location_out *out)
{
	struct str region = s3_place_of(rq)->bucket->row.region;
	(void)in;
	out->location_constraint = str_eq(region, S("us-east-1")) ? S("") : region;
	return OK;
}

/* ---- ListBuckets ------------------------------------------------------------------------- */

static struct status bucket_of(struct req *rq, struct txn *t, struct str name, struct s3_bucket *out)
{
	struct s3_bucket_row row = { 0 };
	struct str bytes;
	TRY(txn_get(t, s3_name_key(rq->mem, name), rq->mem, &bytes));
	TRY(unpack(rq->mem, &s3_bucket_row_shape, bytes, &row));
	*out = (struct s3_bucket){ .name = name,
				   .creation_date = s3_seconds(row.created_at),
				   .bucket_region = row.region };
	return OK;
}

/* The owner's names in order, from behind `after`. */
static struct range names_after(struct req *rq, struct str prefix, struct str after)
{
	struct buf p = buf_in(rq->mem);
	buf_put(&p, s3_owner_key(rq->mem, rq->account, (struct str){ 0 }));
	key_str_prefix(&p, prefix);
	struct range r = { .prefix = buf_str(&p), .keys_only = true };
	if (after.n)
		r.from = key_after_prefix(rq->mem, s3_owner_key(rq->mem, rq->account, after));
	return r;
}

static struct str name_in(struct req *rq, struct str key)
{
	struct rd r = rd_of(key);
	(void)key_take_tag(&r);
	(void)key_take_str(&r, rq->mem);
	return str_dup(rq->mem, key_take_str(&r, rq->mem));
}

static struct status gather(struct req *rq, const struct s3_list_buckets_in *in, size_t max, struct str after,
			    struct s3_list_buckets_out *out)
{
	struct shard *names;
	struct txn *t;
	struct cursor c;
	struct range r = names_after(rq, in->prefix, after);
	struct s3_bucket *v = NEWS(rq->mem, struct s3_bucket, max + 1);
	size_t n = 0;
	TRY(s3_names(rq, &names));
	TRY(req_read(rq, names, &t));
	TRY(txn_range(t, &r, &c));
	while (n <= max && cursor_next(&c)) {
		TRY(bucket_of(rq, t, name_in(rq, c.key), &v[n]));
		if (!in->bucket_region.p || str_eq(in->bucket_region, v[n].bucket_region))
			n++;
	}
	TRY(cursor_end(&c));
	if (n > max) {
		n = max;
		out->continuation_token = s3_token_make(rq->mem, v[n - 1].name);
	}
	out->buckets = (struct s3_bucket_list){ v, n };
	return OK;
}

struct status s3_list_buckets(struct req *rq, const struct s3_list_buckets_in *in, struct s3_list_buckets_out *out)
{
	struct str after = { 0 };
	size_t max = in->max_buckets.set ? (size_t)in->max_buckets.v : BUCKETS_PAGE_MAX;
	if (in->continuation_token.n && failed(s3_token_read(rq->mem, in->continuation_token, &after)))
		return s3_fail_argument(rq, "The continuation token provided is incorrect", "continuation-token",
					in->continuation_token);
	TRY(gather(rq, in, max, after, out));
	struct s3_owner *owner = NEW(rq->mem, struct s3_owner);
	owner->id = s3_canonical_id(rq, rq->account);
	out->owner = owner;
	out->prefix = in->prefix;
	return OK;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CreateBucket. A bucket is born private: Block Public Access on in all four ways, ACLs
 * off, SSE-S3 ("Default settings for new S3 buckets").
 *
 * The region is the endpoint's, that is the signature's; us-east-1 may make buckets
 * elsewhere, other regions only their own ("CreateBucket", LocationConstraint).
 */
#include "api/faults.h"
#include "base/codec.h"
#include "base/str.h"
#include "svc/s3/bucket.h"
#include "svc/s3/tags.h"
#include "wire/pack.h"

static bool region_ok(struct str s)
{
	size_t dashes = 0;
	for (size_t i = 0; i < s.n; i++) {
		dashes += s.p[i] == '-';
		if (!char_alnum(s.p[i]) && s.p[i] != '-')
			return false;
		if (s.p[i] >= 'A' && s.p[i] <= 'Z')
			return false;
	}
	return dashes >= 2 && s.n <= 32 && char_digit(s.p[s.n - 1]) && char_alpha(s.p[0]);
}

static struct status incompatible(struct req *rq, struct str constraint)
{
	return FAIL(
	    rq, s3_IllegalLocationConstraintException,
	    "The %.*s location constraint is incompatible for the region specific endpoint this request was sent to.",
	    PR(constraint));
}

static struct status choose_region(struct req *rq, const struct s3_create_bucket_in *in, struct str *region)
{
	struct str asked =
	    in->create_bucket_configuration ? in->create_bucket_configuration->location_constraint : (struct str){ 0 };
	bool classic = str_eq(rq->region, S("us-east-1"));
	*region = rq->region;
	if (!asked.n)
		return classic ? OK : incompatible(rq, S("unspecified"));
	if (str_eq(asked, S("EU")))
		asked = S("eu-west-1");
	if (!region_ok(asked) || str_eq(asked, S("us-east-1"))) {
		(void)FAIL(rq, s3_InvalidLocationConstraint, "The specified location-constraint is not valid");
		return req_fail_with(rq, "LocationConstraint", asked);
	}
	if (!classic && !str_eq(asked, rq->region))
		return incompatible(rq, asked);
	*region = str_dup(rq->mem, asked);
	return OK;
}

static struct status check_acl(struct req *rq, const struct s3_create_bucket_in *in)
{
	bool grants = in->grant_full_control.p || in->grant_read.p || in->grant_read_acp.p || in->grant_write.p ||
		      in->grant_write_acp.p;
	bool enforced = !in->object_ownership || in->object_ownership == S3_OBJECT_OWNERSHIP_BUCKET_OWNER_ENFORCED;
	if ((!in->acl || in->acl == S3_BUCKET_CANNED_ACL_PRIVATE) && !grants)
		return OK;
	if (enforced)
		return FAIL(rq, s3_InvalidBucketAclWithObjectOwnership,
			    "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting");
	(void)FAIL(rq, api_NotImplemented, "A header you provided implies functionality that is not implemented");
	return req_fail_with(rq, "Header", grants ? S("x-amz-grant-*") : S("x-amz-acl"));
}

static struct status check(struct req *rq, const struct s3_create_bucket_in *in, struct s3_bucket_row *row)
{
	if (!s3_bucket_name_ok(in->bucket))
		return s3_fail_bucket(rq, s3_InvalidBucketName, in->bucket, "The specified bucket is not valid.");
	TRY(check_acl(rq, in));
	if (in->object_lock_enabled_for_bucket.v) {
		(void)FAIL(rq, api_NotImplemented,
			   "A header you provided implies functionality that is not implemented");
		return req_fail_with(rq, "Header", S("x-amz-bucket-object-lock-enabled"));
	}
	if (in->create_bucket_configuration) {
		row->tag_set = in->create_bucket_configuration->tags;
		TRY(s3_tags_check(rq, &row->tag_set, S3_BUCKET_TAGS_MAX));
	}
	return choose_region(rq, in, &row->region);
}

static void fill(struct req *rq, const struct s3_create_bucket_in *in, struct s3_bucket_row *row)
{
	uint8_t id[16];
	world_random(rq->app->world, id, sizeof id);
	row->id = hex_encode(rq->mem, str_make(id, sizeof id));
	row->owner = rq->caller.account;
	row->created_at = rq->now_ms;
	row->object_ownership = in->object_ownership ? in->object_ownership : S3_OBJECT_OWNERSHIP_BUCKET_OWNER_ENFORCED;
	row->has_public_access_block = true;
	row->block_public_acls = row->ignore_public_acls = true;
	row->block_public_policy = row->restrict_public_buckets = true;
}

/* In us-east-1 making one's own bucket again succeeds and changes nothing, as it always has. */
static struct status taken(struct req *rq, struct str name, struct str bytes)
{
	struct s3_bucket_row row = { 0 };
	TRY(unpack(rq->mem, &s3_bucket_row_shape, bytes, &row));
	if (!str_eq(row.owner, rq->caller.account))
		return s3_fail_bucket(
		    rq, s3_BucketAlreadyExists, name,
		    "The requested bucket name is not available. The bucket namespace is shared by all users of the "
		    "system. Please select a different name and try again.");
	if (str_eq(row.region, S("us-east-1")) && str_eq(rq->region, S("us-east-1")))
		return OK;
	return s3_fail_bucket(rq, s3_BucketAlreadyOwnedByYou, name,
			      "Your previous request to create the named bucket succeeded and you already own it.");
}

static struct status check_quota(struct req *rq, struct shard *names)
{
	struct txn *t;
	struct cursor c;
	size_t n = 0;
	TRY(req_read(rq, names, &t));
	struct range own = { .prefix = s3_owner_key(rq->mem, rq->caller.account, (struct str){ 0 }),
			     .keys_only = true };
	TRY(txn_range(t, &own, &c));
	while (n < S3_BUCKETS_MAX && cursor_next(&c))
		n++;
	TRY(cursor_end(&c));
	return n < S3_BUCKETS_MAX
		   ? OK
		   : FAIL(rq, s3_TooManyBuckets, "You have attempted to create more buckets than allowed");
}

struct status s3_create_bucket(struct req *rq, const struct s3_create_bucket_in *in, struct s3_create_bucket_out *out)
{
	struct s3_bucket_row row = { 0 };
	struct shard *names;
	struct txn *t;
	struct str bytes;
	TRY(check(rq, in, &row));
	fill(rq, in, &row);
	TRY(s3_names(rq, &names));
	TRY(check_quota(rq, names));
	out->location = str_eq(row.region, S("us-east-1"))
			    ? arena_printf(rq->mem, "/%.*s", PR(in->bucket))
			    : arena_printf(rq->mem, "http://%.*s.s3.amazonaws.com/", PR(in->bucket));
	TRY(req_write(rq, names, &t));
	struct status st = txn_get(t, s3_name_key(rq->mem, in->bucket), rq->mem, &bytes);
	if (!failed(st))
		return taken(rq, in->bucket, bytes);
	if (st.code != E_NOT_FOUND)
		return st;
	TRY(txn_put(t, s3_owner_key(rq->mem, row.owner, in->bucket), S("")));
	return s3_bucket_save(rq, t, in->bucket, &row);
}

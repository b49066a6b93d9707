/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Block Public Access and object ownership of a bucket.
 *
 * ACLs grant nothing here, so of the four blocks two have work to do: BlockPublicPolicy
 * (bucket_policy.c) and RestrictPublicBuckets (authorize.c); all four are kept and shown.
 */
#include "api/faults.h"
#include "base/str.h"
#include "svc/s3/bucket.h"

/* ---- Block Public Access --------------------------------------------------------------- */

struct status s3_get_public_access_block(struct req *rq, const struct s3_get_public_access_block_in *in,
					 struct s3_get_public_access_block_out *out)
{
	const struct s3_bucket_info *b = s3_place_of(rq)->bucket;
	(void)in;
	if (!b->row.has_public_access_block)
		return s3_fail_bucket(rq, s3_NoSuchPublicAccessBlockConfiguration, b->name,
				      "The public access block configuration was not found");
	struct s3_public_access_block_configuration *c = NEW(rq->mem, struct s3_public_access_block_configuration);
	*c = (struct s3_public_access_block_configuration){
		.block_public_acls = SET(b->row.block_public_acls),
		.ignore_public_acls = SET(b->row.ignore_public_acls),
		.block_public_policy = SET(b->row.block_public_policy),
		.restrict_public_buckets = SET(b->row.restrict_public_buckets),
	};
	out->public_access_block_configuration = c;
	return OK;
}

static struct status set_blocks(struct req *rq, bool has, const struct s3_public_access_block_configuration *c)
{
	struct s3_bucket_row row;
	struct txn *t;
	TRY(s3_bucket_change(rq, &t, &row));
	row.has_public_access_block = has;
	row.block_public_acls = c->block_public_acls.v;
	row.ignore_public_acls = c->ignore_public_acls.v;
	row.block_public_policy = c->block_public_policy.v;
	row.restrict_public_buckets = c->restrict_public_buckets.v;
	return s3_bucket_save(rq, t, s3_place_of(rq)->bucket->name, &row);
}

struct status s3_put_public_access_block(struct req *rq, const struct s3_put_public_access_block_in *in,
					 struct s3_put_public_access_block_out *out)
{
	(void)out;
	return set_blocks(rq, true, in->public_access_block_configuration);
}

struct status s3_delete_public_access_block(struct req *rq, const struct s3_delete_public_access_block_in *in,
					    struct s3_delete_public_access_block_out *out)
{
	static const struct s3_public_access_block_configuration none;
	(void)in;
	(void)out;
	return set_blocks(rq, false, &none);
}

/* ---- ownership ---------------------------------------------------------------------------- */

struct status s3_get_bucket_ownership_controls(struct req *rq, const struct s3_get_bucket_ownership_controls_in *in,
					       struct s3_get_bucket_ownership_controls_out *out)
{
	const struct s3_bucket_info *b = s3_place_of(rq)->bucket;
	(void)in;
	if (!b->row.object_ownership)
		return s3_fail_bucket(rq, s3_OwnershipControlsNotFoundError, b->name,
				      "The bucket ownership controls were not found");
	struct s3_ownership_controls *c = NEW(rq->mem, struct s3_ownership_controls);
	struct s3_ownership_controls_rule *rule = NEW(rq->mem, struct s3_ownership_controls_rule);
	rule->object_ownership = b->row.object_ownership;
	c->rules = (struct s3_ownership_controls_rule_list){ rule, 1 };
	out->ownership_controls = c;
	return OK;
}

static struct status set_ownership(struct req *rq, enum s3_object_ownership ownership)
{
	struct s3_bucket_row row;
	struct txn *t;
	TRY(s3_bucket_change(rq, &t, &row));
	row.object_ownership = ownership;
	return s3_bucket_save(rq, t, s3_place_of(rq)->bucket->name, &row);
}

struct status s3_put_bucket_ownership_controls(struct req *rq, const struct s3_put_bucket_ownership_controls_in *in,
					       struct s3_put_bucket_ownership_controls_out *out)
{
	(void)out;
	if (in->ownership_controls->rules.n != 1)
		return FAIL(
		    rq, api_MalformedXML,
		    "The XML you provided was not well-formed or did not validate against our published schema");
	return set_ownership(rq, in->ownership_controls->rules.v[0].object_ownership);
}

struct status s3_delete_bucket_ownership_controls(struct req *rq,
						  const struct s3_delete_bucket_ownership_controls_in *in,
						  struct s3_delete_bucket_ownership_controls_out *out)
{
	(void)in;
	(void)out;
	return set_ownership(rq, (enum s3_object_ownership)0);
}

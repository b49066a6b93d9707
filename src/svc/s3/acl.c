/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Access control lists: the one every bucket and object has, and refusing any other.
 *
 * Policies decide here, as in every bucket with Object Ownership's BucketOwnerEnforced
 * ("Controlling ownership of objects and disabling ACLs"): reading an ACL says that the
 * bucket's owner has full control, writing one is AccessControlListNotSupported. In a bucket
 * whose ownership setting would allow ACLs the one it has may be written again; another is
 * not implemented.
 */
#include "api/faults.h"
#include "base/str.h"
#include "svc/s3/object.h"

static struct s3_grant_list owner_alone(struct req *rq, const struct s3_owner **owner)
{
	struct s3_owner *o = NEW(rq->mem, struct s3_owner);
	struct s3_grantee *who = NEW(rq->mem, struct s3_grantee);
	struct s3_grant *grant = NEW(rq->mem, struct s3_grant);
	o->id = s3_canonical_id(rq, s3_place_of(rq)->bucket->row.owner);
	who->id = o->id;
	who->type = S3_TYPE_CANONICAL_USER;
	grant->grantee = who;
	grant->permission = S3_PERMISSION_FULL_CONTROL;
	*owner = o;
	return (struct s3_grant_list){ grant, 1 };
}

/* Does the document say what is so already? */
static bool is_owner_alone(struct req *rq, const struct s3_access_control_policy *p)
{
	const struct s3_owner *owner;
	(void)owner_alone(rq, &owner);
	if (p->grants.n != 1 || !p->grants.v[0].grantee)
		return false;
	return p->grants.v[0].permission == S3_PERMISSION_FULL_CONTROL && str_eq(p->grants.v[0].grantee->id, owner->id);
}

/* `plain`: a canned ACL that leaves all to the owner, or none; `grants`: x-amz-grant-*. */
static struct status check(struct req *rq, bool plain, bool grants, const struct s3_access_control_policy *p)
{
	if (s3_place_of(rq)->bucket->row.object_ownership == S3_OBJECT_OWNERSHIP_BUCKET_OWNER_ENFORCED)
		return FAIL(rq, s3_AccessControlListNotSupported, "The bucket does not allow ACLs");
	if (plain && !grants && (!p || is_owner_alone(rq, p)))
		return OK;
	return FAIL(rq, api_NotImplemented, "ACLs that grant anything to others are not implemented; use policies.");
}

#define HAS_GRANTS(in)                                                                                        \
	((in)->grant_full_control.p || (in)->grant_read.p || (in)->grant_read_acp.p || (in)->grant_write.p || \
	 (in)->grant_write_acp.p)

/* ---- buckets ----------------------------------------------------------------------------- */

struct status s3_get_bucket_acl(struct req *rq, const struct s3_get_bucket_acl_in *in,
				struct s3_get_bucket_acl_out *out)
{
	(void)in;
	out->grants = owner_alone(rq, &out->owner);
	return OK;
}

struct status s3_put_bucket_acl(struct req *rq, const struct s3_put_bucket_acl_in *in,
				struct s3_put_bucket_acl_out *out)
{
	(void)out;
	return check(rq, !in->acl || in->acl == S3_BUCKET_CANNED_ACL_PRIVATE, HAS_GRANTS(in),
		     in->access_control_policy);
}

/* ---- objects ------------------------------------------------------------------------------- */

static struct status must_exist(struct req *rq, struct str version)
{
	struct s3_place *p = s3_place_of(rq);
	TRY(s3_check_version(rq, version));
	TRY(s3_object_look(rq, p));
	return p->row ? OK : s3_object_missing(rq, p);
}

struct status s3_get_object_acl(struct req *rq, const struct s3_get_object_acl_in *in,
				struct s3_get_object_acl_out *out)
{
	TRY(must_exist(rq, in->version_id));
	out->grants = owner_alone(rq, &out->owner);
	return OK;
}

struct status s3_put_object_acl(struct req *rq, const struct s3_put_object_acl_in *in,
				struct s3_put_object_acl_out *out)
{
	(void)out;
	TRY(must_exist(rq, in->version_id));
	return check(rq,
		     !in->acl || in->acl == S3_OBJECT_CANNED_ACL_PRIVATE ||
			 in->acl == S3_OBJECT_CANNED_ACL_BUCKET_OWNER_FULL_CONTROL,
		     HAS_GRANTS(in), in->access_control_policy);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bucket's policy: who else may do what here.
 */
#include "api/faults.h"
#include "api/principals.h"
#include "base/str.h"
#include "policy/policy.h"
#include "svc/s3/bucket.h"

enum { BUCKET_POLICY_MAX = 20 * 1024 };

static struct status malformed(struct req *rq, const char *text) { return FAIL(rq, s3_MalformedPolicy, "%s", text); }

/* Of this bucket or of its objects, and nothing else. */
static bool resource_ok(struct str resource, struct str bucket_arn)
{
	if (!str_starts(resource, bucket_arn))
		return false;
	struct str rest = str_from(resource, bucket_arn.n);
	return !rest.n || rest.p[0] == '/' || rest.p[0] == '*';
}

/* "s3:GetObject", "s3:*", "*": whatever else a statement names, S3 does not do. */
static bool action_ok(struct str action) { return str_eq(action, S("*")) || str_starts_ci(action, S("s3:")); }

static struct status check_statement(struct req *rq, const struct policy *p, size_t i, struct str bucket_arn)
{
	struct policy_statement st = policy_statement_at(p, i);
	for (uint32_t k = 0; k < st.actions; k++)
		if (!action_ok(policy_action_at(p, i, k)))
			return malformed(rq, "Policy has invalid action");
	for (uint32_t k = 0; k < st.resources; k++)
		if (!resource_ok(policy_resource_at(p, i, k), bucket_arn))
			return malformed(rq, "Policy has invalid resource");
	return OK;
}

static struct status check_statements(struct req *rq, const struct policy *p, struct str bucket_arn)
{
	for (size_t i = 0; i < policy_statement_count(p); i++)
		TRY(check_statement(rq, p, i, bucket_arn));
	return OK;
}

static struct status check_public(struct req *rq, const struct s3_bucket_info *b, const struct policy *p)
{
	if (!b->row.block_public_policy || !policy_is_public(p, NULL))
		return OK;
	return FAIL(rq, api_AccessDeniedException,
		    "User: %.*s is not authorized to perform: s3:PutBucketPolicy on resource: \"%.*s\" because public "
		    "policies are "
		    "prevented by the BlockPublicPolicy setting in S3 Block Public Access.",
		    PR(rq->caller.arn), PR(rq->resources.v[0]));
}

static struct status bind_principals(struct req *rq, struct str text, struct str *bound)
{
	struct str missing;
	TRY(principals_bind(rq, text, bound, &missing));
	if (!missing.p)
		return OK;
	(void)malformed(rq, "Invalid principal in policy");
	return req_fail_with(rq, "Detail", arena_printf(rq->mem, "\"AWS\" : \"%.*s\"", PR(missing)));
}

/* *bound: with unique ids in the place of ARNs; p == NULL: there are none. */
static struct status check_policy(struct req *rq, const struct s3_bucket_info *b, struct str text, struct str *bound)
{
	struct policy_error err = { 0 };
	struct policy *p;
	if (text.n > BUCKET_POLICY_MAX)
		return malformed(rq, "Policy exceeds the maximum allowed document size.");
	if (failed(policy_compile(text, POLICY_RESOURCE, &p, &err)))
		return malformed(rq, policy_error_s3(&err));
	struct status st = check_statements(rq, p, s3_bucket_arn(rq, b->name));
	if (!failed(st))
		st = bind_principals(rq, text, bound);
	if (!failed(st))
		st = check_public(rq, b, p);
	policy_unref(p);
	return st;
}

struct status s3_put_bucket_policy(struct req *rq, const struct s3_put_bucket_policy_in *in,
				   struct s3_put_bucket_policy_out *out)
{
	const struct s3_bucket_info *b = s3_place_of(rq)->bucket;
	struct s3_bucket_row row;
	struct txn *t;
	(void)out;
	struct str bound;
	TRY(check_policy(rq, b, in->policy, &bound));
	TRY(s3_bucket_change(rq, &t, &row));
	row.policy = in->policy;
	row.policy_bound = bound;
	return s3_bucket_save(rq, t, b->name, &row);
}

static struct status no_policy(struct req *rq, struct str name)
{
	return s3_fail_bucket(rq, s3_NoSuchBucketPolicy, name, "The bucket policy does not exist");
}

struct status s3_get_bucket_policy(struct req *rq, const struct s3_get_bucket_policy_in *in,
				   struct s3_get_bucket_policy_out *out)
{
	const struct s3_bucket_info *b = s3_place_of(rq)->bucket;
	(void)in;
	if (!b->row.policy.n)
		return no_policy(rq, b->name);
	TRY(principals_shown(rq, b->row.policy, b->row.policy_bound, &out->policy));
	req_header(rq, "Content-Type", S("application/json"));
	return OK;
}

struct status s3_delete_bucket_policy(struct req *rq, const struct s3_delete_bucket_policy_in *in,
				      struct s3_delete_bucket_policy_out *out)
{
	struct s3_bucket_row row;
	struct txn *t;
	(void)in;
	(void)out;
	TRY(s3_bucket_change(rq, &t, &row));
	row.policy = row.policy_bound = (struct str){ 0 };
	return s3_bucket_save(rq, t, s3_place_of(rq)->bucket->name, &row);
}

struct status s3_get_bucket_policy_status(struct req *rq, const struct s3_get_bucket_policy_status_in *in,
					  struct s3_get_bucket_policy_status_out *out)
{
	const struct s3_bucket_info *b = s3_place_of(rq)->bucket;
	(void)in;
	if (!b->row.policy.n)
		return no_policy(rq, b->name);
	struct s3_policy_status *status = NEW(rq->mem, struct s3_policy_status);
	status->is_public = (struct opt_bool)SET(b->policy_public);
	out->policy_status = status;
	return OK;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How new objects are encrypted when the request does not say. There is always an answer:
 * a bucket nobody configured has SSE-S3.
 */
#include "api/faults.h"
#include "base/str.h"
#include "svc/s3/object.h"

static struct status malformed(struct req *rq)
{
	return FAIL(rq, api_MalformedXML,
		    "The XML you provided was not well-formed or did not validate against our published schema");
}

static struct status check_rule(struct req *rq, const struct s3_server_side_encryption_by_default *by)
{
	bool kms = by->sse_algorithm == S3_SERVER_SIDE_ENCRYPTION_AWS_KMS;
	if (kms || !by->kms_master_key_id.p)
		return OK;
	return s3_fail_argument(rq, "a KMSMasterKeyID is not applicable if the default sse algorithm is not aws:kms",
				"KMSMasterKeyID", by->kms_master_key_id);
}

struct status s3_put_bucket_encryption(struct req *rq, const struct s3_put_bucket_encryption_in *in,
				       struct s3_put_bucket_encryption_out *out)
{
	const struct s3_server_side_encryption_configuration *config = in->server_side_encryption_configuration;
	struct s3_bucket_row row;
	struct txn *t;
	(void)out;
	if (config->rules.n != 1 || !config->rules.v[0].apply_server_side_encryption_by_default)
		return malformed(rq);
	const struct s3_server_side_encryption_rule *rule = &config->rules.v[0];
	const struct s3_server_side_encryption_by_default *by = rule->apply_server_side_encryption_by_default;
	TRY(check_rule(rq, by));
	TRY(s3_bucket_change(rq, &t, &row));
	row.sse_algorithm = by->sse_algorithm;
	row.kms_key_id = by->kms_master_key_id;
	row.bucket_key_enabled = rule->bucket_key_enabled.v;
	return s3_bucket_save(rq, t, s3_place_of(rq)->bucket->name, &row);
}

struct status s3_get_bucket_encryption(struct req *rq, const struct s3_get_bucket_encryption_in *in,
				       struct s3_get_bucket_encryption_out *out)
{
	const struct s3_bucket_row *row = &s3_place_of(rq)->bucket->row;
	struct s3_server_side_encryption_configuration *config =
	    NEW(rq->mem, struct s3_server_side_encryption_configuration);
	struct s3_server_side_encryption_rule *rule = NEW(rq->mem, struct s3_server_side_encryption_rule);
	struct s3_server_side_encryption_by_default *by = NEW(rq->mem, struct s3_server_side_encryption_by_default);
	(void)in;
	by->sse_algorithm = row->sse_algorithm ? row->sse_algorithm : S3_SERVER_SIDE_ENCRYPTION_AES256;
	by->kms_master_key_id = row->kms_key_id;
	rule->apply_server_side_encryption_by_default = by;
	rule->bucket_key_enabled = (struct opt_bool)SET(row->bucket_key_enabled);
	config->rules = (struct s3_server_side_encryption_rule_list){ rule, 1 };
	out->server_side_encryption_configuration = config;
	return OK;
}

struct status s3_delete_bucket_encryption(struct req *rq, const struct s3_delete_bucket_encryption_in *in,
					  struct s3_delete_bucket_encryption_out *out)
{
	struct s3_bucket_row row;
	struct txn *t;
	(void)in;
	(void)out;
	TRY(s3_bucket_change(rq, &t, &row));
	row.sse_algorithm = (enum s3_server_side_encryption)0;
	row.kms_key_id = (struct str){ 0 };
	row.bucket_key_enabled = false;
	return s3_bucket_save(rq, t, s3_place_of(rq)->bucket->name, &row);
}

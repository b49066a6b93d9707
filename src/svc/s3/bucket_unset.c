/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What S3 can keep about a bucket and this server does not: versions, acceleration, access
 * logs, notifications, cross-origin and lifecycle rules, replication, websites, Object Lock,
 * requester pays. None of it can be set here (every Put answers NotImplemented), so the
 * truth about it is the same for all buckets: what S3 says of one where it was never set.
 * Tools ask for it before they do anything else.
 */
#include "svc/s3/bucket.h"

/* ---- an empty document is the answer --------------------------------------------------- */

struct status s3_get_bucket_versioning(struct req *rq, const struct s3_get_bucket_versioning_in *in,
				       struct s3_get_bucket_versioning_out *out)
{
	(void)rq;
	(void)in;
	(void)out;
	return OK;
}

struct status s3_get_bucket_accelerate_configuration(struct req *rq,
						     const struct s3_get_bucket_accelerate_configuration_in *in,
						     struct s3_get_bucket_accelerate_configuration_out *out)
{
	(void)rq;
	(void)in;
	(void)out;
	return OK;
}

struct status s3_get_bucket_logging(struct req *rq, const struct s3_get_bucket_logging_in *in,
				    struct s3_get_bucket_logging_out *out)
{
	(void)rq;
	(void)in;
	(void)out;
	return OK;
}

struct status s3_get_bucket_notification_configuration(struct req *rq,
						       const struct s3_get_bucket_notification_configuration_in *in,
						       struct s3_get_bucket_notification_configuration_out *out)
{
	(void)rq;
	(void)in;
	(void)out;
	return OK;
}

/* ---- the owner pays -------------------------------------------------------------------- */

struct status s3_get_bucket_request_payment(struct req *rq, const struct s3_get_bucket_request_payment_in *in,
					    struct s3_get_bucket_request_payment_out *out)
{
	(void)rq;
	(void)in;
	out->payer = S3_PAYER_BUCKET_OWNER;
	return OK;
}

/* ---- "there is none" is an error -------------------------------------------------------- */

static struct status none(struct req *rq, const struct fault_kind *kind, const char *text)
{
	return s3_fail_bucket(rq, kind, s3_place_of(rq)->bucket->name, text);
}

struct status s3_get_bucket_cors(struct req *rq, const struct s3_get_bucket_cors_in *in,
				 struct s3_get_bucket_cors_out *out)
{
	(void)in;
	(void)out;
	return none(rq, s3_NoSuchCORSConfiguration, "The CORS configuration does not exist");
}

struct status s3_get_bucket_lifecycle_configuration(struct req *rq,
						    const struct s3_get_bucket_lifecycle_configuration_in *in,
						    struct s3_get_bucket_lifecycle_configuration_out *out)
{
	(void)in;
	(void)out;
	return none(rq, s3_NoSuchLifecycleConfiguration, "The lifecycle configuration does not exist");
}

struct status s3_get_bucket_replication(struct req *rq, const struct s3_get_bucket_replication_in *in,
					struct s3_get_bucket_replication_out *out)
{
	(void)in;
	(void)out;
	return none(rq, s3_ReplicationConfigurationNotFoundError, "The replication configuration was not found");
}

struct status s3_get_bucket_website(struct req *rq, const struct s3_get_bucket_website_in *in,
				    struct s3_get_bucket_website_out *out)
{
	(void)in;
	(void)out;
	return none(rq, s3_NoSuchWebsiteConfiguration, "The specified bucket does not have a website configuration");
}

struct status s3_get_object_lock_configuration(struct req *rq, const struct s3_get_object_lock_configuration_in *in,
					       struct s3_get_object_lock_configuration_out *out)
{
	(void)in;
	(void)out;
	return none(rq, s3_ObjectLockConfigurationNotFoundError,
		    "Object Lock configuration does not exist for this bucket");
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of services, and what each of them does when the server starts and stops.
 */
#include "svc/services.h"

#include "cloudtrail_api.h"
#include "iam_api.h"
#include "kms_api.h"
#include "s3_api.h"
#include "sts_api.h"
#include "svc/iam/credential_report.h"
#include "svc/iam/hashing.h"
#include "svc/iam/used.h"
#include "svc/kms/duty.h"
#include "svc/kms/deletion.h"
#include "svc/kms/key_store_link.h"
#include "svc/kms/usage.h"
#include "svc/s3/reading.h"
#include "svc/sts/workload.h"

const struct service *const services_all[] = {
	&sts_service, &iam_service, &kms_service, &s3_service, &cloudtrail_service, NULL,
};

struct status services_start(struct app *app)
{
	iam_hashing_open(app);
	TRY(iam_used_open(app));
	iam_reports_open(app);
	workloads_open(app);
	kms_usage_open(app); /* before any key is looked at */
	kms_duty_now(app);
	TRY(kms_duty_open(app));
	return s3_open(app);
}

void services_stop(struct app *app)
{
	s3_close(app);
	kms_duty_close(app);
	kms_usage_close(app);
	kms_links_close(app);
	iam_reports_close(app);
	workloads_close(app);
	iam_used_close(app);
	iam_hashing_close(app);
}

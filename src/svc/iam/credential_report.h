/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Credential reports: made by a thread of their own, since reading every user and key of a
 * large account takes longer than a request may hold up others.
 */
#ifndef SVC_IAM_CREDENTIAL_REPORT_H
#define SVC_IAM_CREDENTIAL_REPORT_H

#include "svc/iam/iam.h"

struct iam_reports;

void iam_reports_open(struct app *app);  /* sets app->iam_reports */
void iam_reports_close(struct app *app); /* waits for the report that is being made; null is allowed */

/* The report of rq->account, as it is at this moment. */
struct status iam_credential_csv(struct req *rq, struct str *out);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The services this binary has, and who knows identities.
 */
#ifndef SVC_SERVICES_H
#define SVC_SERVICES_H

#include "api/app.h"
#include "api/caller.h"

extern const struct service *const services_all[]; /* null-terminated */
extern const struct identity_provider iam_identity;

/* What services do once before the first request, within a fiber: sweep what a crash left. */
struct status services_start(struct app *app);
/* What they do once after the last request, before the store is closed; also after services_start failed. */
void services_stop(struct app *app);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What KMS does on its own when the day has come: shredding keys whose waiting period is over
 * and imported material that has expired, rotating keys; writing down last uses (usage.h); and
 * finishing what was begun in several regions (multiregion.h).
 *
 * Nothing waits for it to be right: whoever asks for a key finds what is due and does it first
 * (kms_find_id). The duty sees to those that nobody asks for. What is due stands in the keys'
 * shards, so it outlives any restart.
 */
#ifndef KMS_DUTY_H
#define KMS_DUTY_H

#include "api/req.h"

/* Everything that is due anywhere, within a fiber. What cannot be read is logged and left. */
void kms_duty_now(struct app *app);
/* The same every few minutes of the server's clock, on a thread of its own. */
struct status kms_duty_open(struct app *app);
void kms_duty_close(struct app *app);

/* Each account and region that has keys, within a fiber: with a request of KMS's own. Failures are logged. */
void kms_each_place(struct app *app, struct status (*visitor)(struct req *rq));
/* The same at one of them; the status is `visitor`'s. */
struct status kms_at_place(struct app *app, struct str account, struct str region,
			   struct status (*visitor)(struct req *rq, void *arg), void *arg);
/* The shard of what KMS keeps for itself. */
struct status kms_regions_shard(struct req *rq, struct shard **out);
/* Remembers that the account has keys in the request's region. Not after req_write. */
struct status kms_region_note(struct req *rq, struct str account);

#endif

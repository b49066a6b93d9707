/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When each key was last used, with success, for a cryptographic operation (GetKeyLastUsage,
 * kms:TrailingDaysWithoutKeyUsage).
 *
 * A use writes nothing to the store. It goes into the key's own place in memory, which the
 * cached key points at; the duty writes down once a minute, and when the server stops, what is
 * new there.
 *
 *     request ── kms_usage_note ──▶ struct kms_last ── the duty, every minute and at the end ──▶ row u <id>
 *                                         │                                                         │
 *                                         └───────────────── kms_usage_get ◀────────────────────────┘
 *
 * After a crash the trail has what was not written: each writing notes how far the trail was,
 * and the next start reads on from there. So what is lost is what the trail lost, records of
 * the last 50 ms, and uses of a key when more than 260,000 others were used in the same minute.
 */
#ifndef KMS_USAGE_H
#define KMS_USAGE_H

#include "svc/kms/key.h"

/* At start, within a fiber, with the trail open: recovers, then sets app->kms_usage. */
void kms_usage_open(struct app *app);
/* Writes down what is new. Within a fiber. What cannot be written is logged and tried again by the next. */
void kms_usage_write(struct app *app);
void kms_usage_close(struct app *app); /* after kms_usage_write, or what is new is lost; null is allowed */

/* The place of a key's last use, held until released. NULL: there is no room, or none are kept. */
struct kms_last *kms_usage_hold(struct app *app, struct str account, struct str region, struct str id);
void kms_usage_release(struct kms_last *last); /* NULL is allowed */

/* The operation of `rq` used `key`, and the record will say so. */
void kms_usage_note(struct req *rq, const struct kms_key *key);

struct kms_usage_state {
	struct kms_usage_row last; /* last.when == 0: never, since tracking began */
	int64_t tracked_since;     /* or the key's creation, if that was later */
};
/* Of the found key. Reads the store when the key was not used since the server started. */
struct status kms_usage_get(struct req *rq, const struct kms_found *f, struct kms_usage_state *out);
/* kms:TrailingDaysWithoutKeyUsage: whole days since the last use, or since tracking began. */
struct status kms_usage_idle_days(struct req *rq, const struct kms_found *f, int64_t *days);

#endif

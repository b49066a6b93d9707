/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When access keys and roles were last used (GetAccessKeyLastUsed, RoleLastUsed).
 *
 * Noting a use never waits for the disk: it goes into a table in memory, and to a shard of
 * its own ("iam/<account>/used") now and then, so that uses do not make the caches of the
 * account's identities stale. After a crash the last moments of use may be missing.
 *
 *     request ── iam_used_note ──▶ table ── a thread, every minute and at the end ──▶ shard
 *                                    │                                                  │
 *                                    └────────────── iam_used_get ◀─────────────────────┘
 */
#ifndef SVC_IAM_USED_H
#define SVC_IAM_USED_H

#include "svc/iam/iam.h"

struct iam_used;

enum iam_used_kind { IAM_USED_KEY = 'k', IAM_USED_ROLE = 'r' };

struct status iam_used_open(struct app *app); /* sets app->iam_used */
void iam_used_close(struct app *app);         /* writes out what is noted; null is allowed */

/* `id`: the access key id, or the role's id. Lock-free when the same was noted within the same minute. */
void iam_used_note(struct req *rq, struct str account, enum iam_used_kind kind, struct str id);
/* row->when.set == false: never used. Of the request's own account. */
struct status iam_used_get(struct req *rq, enum iam_used_kind kind, struct str id, struct iam_used_row *row);

#endif

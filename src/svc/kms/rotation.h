/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rotation: a new backing key that encrypts from now on; the old ones stay and decrypt.
 *
 * A key that rotates by itself has its next date in its row, and, while it is enabled, a row
 * `n <date> <id>` beside it. Whoever finds a key past its date rotates it before using it, and
 * the duty (duty.h) goes through the dates for those that nobody uses.
 */
#ifndef KMS_ROTATION_H
#define KMS_ROTATION_H

#include "svc/kms/key.h"

enum { KMS_ROTATE_DAYS = 365, KMS_ROTATE_DAYS_MIN = 90, KMS_ROTATE_DAYS_MAX = 2560, KMS_ON_DEMAND_MAX = 25 };

/* UnsupportedOperationException: keys of that kind do not rotate. */
struct status kms_rotates(struct req *rq, const struct kms_key *key);
/* And: an AWS managed key, which nobody but KMS rotates. */
struct status kms_rotates_by_hand(struct req *rq, const struct kms_key *key);
/* When the key is to be rotated by itself; 0: not at all, or not in the state it is in. */
int64_t kms_rotation_due(const struct kms_key_row *row);
/* Keeps the row of dates in step with the key's row that is being written; `old` may be NULL. */
struct status kms_rotation_index(struct req *rq, struct txn *t, struct str id, const struct kms_key_row *old,
				 const struct kms_key_row *row);
/*
 * Rotates a key whose date has come, in a transaction of its own with its record. Ends the request's snapshots. OK,
 * too, when somebody else was faster. Not after req_write.
 */
struct status kms_rotate_due(struct req *rq, struct shard *shard, const struct kms_key *key);

#endif

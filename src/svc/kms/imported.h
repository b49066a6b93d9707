/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The materials of a key of the origin EXTERNAL, as rows.
 *
 *     nothing ── first import ──▶ 1: current
 *                                 2: pending rotation ── RotateKeyOnDemand ──▶ current, for good
 *
 * A material that was current once belongs to the key for good: its row stays when the material
 * is deleted or expires, and knows the same bytes again by their face. One that is still pending
 * goes with its row (but for a replica's, which its primary takes away). While any that belongs to the key is missing
 * the key is PendingImport.
 */
#ifndef KMS_IMPORTED_H
#define KMS_IMPORTED_H

#include "svc/kms/key.h"

struct kms_imported {
	uint32_t generation;
	struct kms_backing_row row;
};
struct kms_imported_list {
	struct kms_imported *v;
	size_t n;
};

/* UnsupportedOperationException unless the key's origin is EXTERNAL. */
struct status kms_imported_check(struct req *rq, const struct kms_key *key);
struct status kms_imported_read(struct req *rq, struct txn *t, struct str id, struct kms_imported_list *out);
struct status kms_imported_put(struct req *rq, struct txn *t, struct str id, const struct kms_imported *m);
/* The key's row as its materials make it: state, what expires when. To be called after any change of them. */
void kms_imported_settle(struct kms_key_row *row, const struct kms_imported_list *all);
/* The material pending rotation; NULL: none. */
struct kms_imported *kms_imported_pending(const struct kms_key_row *row, const struct kms_imported_list *all);
/* Takes a material out of its row (or the row with it); the keyring forgets it when the request ends. */
struct status kms_imported_drop(struct req *rq, struct txn *t, const struct kms_key *key, const struct kms_key_row *row,
				struct kms_imported *m);
/*
 * Shreds the materials of a key whose dates have come, in a transaction of its own with its records. Ends the
 * request's snapshots. Not after req_write.
 */
struct status kms_expire(struct req *rq, struct shard *shard, const struct kms_key *key);
/* Keeps the rows `x <date> <id>` in step, as kms_rotation_index does its own. */
struct status kms_expiry_index(struct req *rq, struct txn *t, struct str id, const struct kms_key_row *old,
			       const struct kms_key_row *row);

#endif

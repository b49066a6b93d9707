/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records of what KMS does by itself, in the commit that does it: keys that end or
 * rotate, AWS managed keys that come into being.
 */
#ifndef KMS_NOTE_H
#define KMS_NOTE_H

#include "svc/kms/key.h"

struct caller kms_itself(const struct req *rq); /* kms.amazonaws.com, in the request's account */
struct status kms_note_deletion(struct req *rq, struct txn *t, struct str account, struct str id);
struct status kms_note_creation(struct req *rq, struct txn *t, const struct kms_new *k,
				const struct kms_key_metadata *m);
/* RotateKey: the event that follows an automatic rotation, and RotateKeyOnDemand. */
struct status kms_note_rotation(struct req *rq, struct txn *t, const struct kms_key *key, enum kms_rotation_type type);
/* SynchronizeMultiRegionKey, in the primary key's region. */
struct status kms_note_synchronized(struct req *rq, struct txn *t, struct str account, struct str id);
/* What a call does in another region than its own, as a call of that region by the same caller: its record. */
struct str kms_record_abroad(struct req *in, const char *op, const void *input, const void *output, struct str arn);
/* DeleteExpiredKeyMaterial. */
struct status kms_note_expiry(struct req *rq, struct txn *t, const struct kms_key *key, struct str material_id);

#endif

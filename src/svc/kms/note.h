/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records of what KMS does by itself, in the commit that does it: keys that end or
 * rotate, AWS managed keys that come into being.
 */
#ifndef KMS_NOTE_H
#define KMS_NOTE_H

#include "svc/kms/key.h"

/* kms.amazonaws.com, in the request's account; records call it "AWS Internal". */
struct caller kms_itself(const struct req *rq);
struct status kms_note_deletion(struct req *rq, struct txn *t, struct str account, struct str id);
struct status kms_note_creation(struct req *rq, struct txn *t, const struct kms_new *k,
				const struct kms_key_metadata *m);
/* RotateKey: the event that follows an automatic rotation, and RotateKeyOnDemand. */
struct status kms_note_rotation(struct req *rq, struct txn *t, const struct kms_key *key, const struct kms_key_row *now,
				enum kms_rotation_type type);
/* SynchronizeMultiRegionKey, in the primary key's region. */
struct status kms_note_synchronized(struct req *rq, struct txn *t, struct str account, struct str id);
/*
 * The record of a call by the same caller, in the request's region, that went well: for what a request does in other
 * commits than the one that the pipeline ends.
 */
struct str kms_record_call(struct req *in, const char *op, const void *input, const void *output, struct str arn);
/* DeleteExpiredKeyMaterial. */
struct status kms_note_expiry(struct req *rq, struct txn *t, const struct kms_key *key, struct str material_id);

#endif

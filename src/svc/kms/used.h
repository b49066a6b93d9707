/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a successful use of a key leaves behind, besides its result: which material it was done
 * with, in the answer (KeyMaterialId) and in the trail's additionalEventData; and when it was
 * (usage.h).
 *
 *     out->key_material_id = kms_used(rq, key, with);
 *
 * AWS names the material of symmetric encryption keys alone, and not of those in custom key
 * stores: of these the record names the store, of failed uses, too (kms_note_store).
 *
 * And what some changes of a key leave behind that answer nothing: its ARN, in the record ("Examples of AWS KMS log
 * entries": CreateAlias, UpdateAlias, DeleteAlias, CreateGrant, EnableKey, DisableKey, EnableKeyRotation,
 * UpdatePrimaryRegion; and of no others).
 */
#ifndef KMS_USED_H
#define KMS_USED_H

#include "svc/kms/key.h"

/* One key was used, with that material. The result is for the answer; p == NULL: nothing is to be shown. */
struct str kms_used(struct req *rq, const struct kms_key *key, const struct kms_backing *with);
/* ReEncrypt: one was decrypted with, the other encrypted with. */
struct kms_used_pair {
	struct str source, destination;
};
struct kms_used_pair kms_used_both(struct req *rq, const struct kms_key *from, const struct kms_backing *from_with,
				   const struct kms_key *to, const struct kms_backing *to_with);
/* A call that answers nothing, or not that, changed the key: the record's responseElements say which. */
void kms_record_key(struct req *rq, struct str arn);
/* The key is about to be used: if it is in a custom key store, the record says in which. */
void kms_note_store(struct req *rq, const struct kms_key *key);

#endif

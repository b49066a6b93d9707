/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KMS_AUTHORIZE_H
#define KMS_AUTHORIZE_H

#include "svc/kms/key.h"
#include "svc/kms/key_policy.h"

/* What authorize functions have in common: the key as a resource with all its condition keys; the ARN for the record;
 * kms:EncryptionContext:<key> and kms:EncryptionContextKeys. */
struct authz_item *kms_put_key(struct authz *az, const struct kms_key *key);
struct authz_item *kms_put_key_for(struct authz *az, const char *action, const struct kms_key *key);
void kms_put_caller(struct authz *az, struct authz_item *item); /* kms:CallerAccount, kms:ViaService */
void kms_remember(struct req *rq, const struct kms_key *key);
void kms_put_context(struct authz *az, struct authz_item *item, const struct str_map *context);
/*
 * Of another account's key: both accounts get the record, and a denial by the key's policy is worded so that it does
 * not tell whether the key is there. `in` is the operation's input.
 */
struct status kms_judge_foreign(struct req *rq, const void *in, const struct authz_item *item);
/* The same; `by_name`: the caller named the key, and did not just have a ciphertext of it. */
struct status kms_judge(struct req *rq, const struct authz_item *item, bool by_name);
/*
 * The key that a ciphertext names; that of an asymmetric key does not, which is a ValidationException. The algorithm is
 * the one said in that member of the input.
 */
struct status kms_find_by_blob(struct req *rq, struct str blob, const char *algorithm_member,
			       enum kms_encryption_algorithm_spec algorithm, struct kms_found *out);

/* Would this key policy leave the caller able to change it, as far as a key policy can say? For the lockout check. */
bool kms_policy_keeps(struct req *rq, const struct kms_subject *key, const struct policy *policy);

#endif

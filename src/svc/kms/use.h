/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What every use of a key has in common: may this key be used now, and for this; which of its
 * backing keys; a dry run; a keyring that does not answer.
 *
 *     TRY(kms_use(rq, key, KMS_KEY_USAGE_TYPE_SIGN_VERIFY, &with));
 *     ... the algorithm, the sizes ...
 *     TRY(kms_dry_run(rq, in->dry_run.v));
 *     st = keyring_sign(rq->app->keyring, &with->ref, ...);
 *     if (failed(st))
 *             return kms_keyring_failed(rq, key, st);
 */
#ifndef KMS_USE_H
#define KMS_USE_H

#include "svc/kms/key.h"

/* The backing key that encrypts, signs, ... today. KMSInternalException: there is none. */
struct status kms_current(struct req *rq, const struct kms_key *key, const struct kms_backing **out);
/* Is it in a state in which it may be used? */
struct status kms_state_of_use(struct req *rq, const struct kms_key *key);
/* The key, fit for use now and for that; `*with` is its current backing key. */
struct status kms_use(struct req *rq, const struct kms_key *key, enum kms_key_usage_type usage,
		      const struct kms_backing **with);
/* InvalidKeyUsageException: the algorithm, by its word, is not one of the key's. */
struct status kms_wrong_algorithm(struct req *rq, const struct kms_key *key, const char *algorithm);
/* Everything would have gone well: the last thing to ask before doing it. */
struct status kms_dry_run(struct req *rq, bool dry_run);
/*
 * DryRunModifiers: is the caller after his permissions alone, without a ciphertext? Then he names the key; else there
 * is a ciphertext. ValidationException. `key_member` is what the key is called in the request.
 */
static inline bool kms_ignores_ciphertext(bool dry_run, struct kms_dry_run_modifier_type_list modifiers)
{
	return dry_run && modifiers.n > 0;
}
struct status kms_check_ciphertext(struct req *rq, struct str blob, bool ignored, struct str key_id,
				   const char *key_member);
struct status kms_check_recipient(struct req *rq, const struct kms_recipient_info *recipient);
/* Logged; KMSInternalException. Of a key in a custom key store: KMSInvalidStateException. */
struct status kms_keyring_failed(struct req *rq, const struct kms_key *key, struct status st);

#endif

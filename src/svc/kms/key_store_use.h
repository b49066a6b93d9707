/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the keyring does with other keys, done by the token with a key that is in a custom
 * key store. Statuses are the keyring's: E_CORRUPT (not that key's ciphertext, or another
 * context), E_NO_KEY, E_BUSY, E_IO. Each parks the fiber: not after req_write.
 */
#ifndef KMS_KEY_STORE_USE_H
#define KMS_KEY_STORE_USE_H

#include "svc/kms/key_store.h"

struct status kms_hsm_seal(struct req *rq, const struct kms_key *key, struct str aad, struct str plain,
			   struct str *sealed);
/* *plain is wiped when the outermost request ends. */
struct status kms_hsm_unseal(struct req *rq, const struct kms_key *key, struct str aad, struct str sealed,
			     struct str *plain);
/* `plain` may be NULL; the caller frees the secret. */
struct status kms_hsm_data_key(struct req *rq, const struct kms_key *key, struct str aad, size_t n,
			       struct secret *plain, struct str *sealed);
/* KMSInvalidStateException, which is what AWS has for all failures of a store. Logged. */
struct status kms_hsm_failed(struct req *rq, const struct kms_key *key, struct status st);
/* Fills `into` from the token of a connected store of the caller's. CustomKeyStore...Exception. */
struct status kms_hsm_random(struct req *rq, struct str store, struct secret *into);

#endif

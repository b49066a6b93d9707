/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Small objects, sealed in one piece for keeping in an index.
 */
#include "store/blob.h"

#include "base/str.h"
#include "crypto/aead.h"

/* A nonce no chunk has. The key seals nothing else, so one is enough. */
static const uint8_t small_nonce[GCM_NONCE_SIZE] = { [11] = 2 };

struct status blob_seal_small(struct arena *mem, const struct secret *key, struct str identity, struct str plain,
			      struct str *sealed)
{
	struct gcm_key k;
	assert(key->n == BLOB_KEY);
	gcm_key_init(&k, key->p);
	uint8_t *out = NEWS(mem, uint8_t, plain.n + GCM_TAG_SIZE);
	gcm_chunk_seal(&k, small_nonce, identity, plain, out);
	gcm_key_wipe(&k);
	*sealed = str_make(out, plain.n + GCM_TAG_SIZE);
	return OK;
}

struct status blob_open_small(struct arena *mem, const struct secret *key, struct str identity, struct str sealed,
			      struct str *plain)
{
	struct gcm_key k;
	if (sealed.n < GCM_TAG_SIZE)
		return ERR(E_CORRUPT);
	assert(key->n == BLOB_KEY);
	gcm_key_init(&k, key->p);
	uint8_t *out = NEWS(mem, uint8_t, sealed.n - GCM_TAG_SIZE + 1);
	struct status st = gcm_chunk_open(&k, small_nonce, identity, sealed, out);
	gcm_key_wipe(&k);
	TRY(st);
	*plain = str_make(out, sealed.n - GCM_TAG_SIZE);
	return OK;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Authenticated encryption, of two kinds (docs/decisions/0002-aead.md says why two):
 *
 * aead_*  XAES-256-GCM (c2sp.org/XAES-256-GCM). A fresh 24-byte random nonce a message,
 *         from which a fresh AES-256-GCM key is derived. One key serves more messages
 *         than anyone will ever write: for pages, wrapped keys, KMS, tokens.
 *
 * gcm_*   AES-256-GCM with the caller's 96-bit nonce. The caller must never use a nonce
 *         twice under one key: only for keys that belong to one object written once,
 *         where the nonce is the chunk's number.
 *
 * Rules: keys are plain values, immutable after init, usable from any thread at once.
 * No call but the _new ones allocates. Where plaintext and ciphertext are separate from
 * the nonce (the _parts and gcm_chunk functions) output may be the very same address as
 * input; otherwise the two may not overlap. When a message does not authenticate the answer
 * is E_CORRUPT and the output has been overwritten with zeros, never left as unchecked
 * plaintext.
 */
#ifndef CRYPTO_AEAD_H
#define CRYPTO_AEAD_H

#include "base/base.h"
#include "base/world.h"

enum { AEAD_KEY_SIZE = 32, AEAD_NONCE_SIZE = 24, AEAD_TAG_SIZE = 16, AEAD_OVERHEAD = AEAD_NONCE_SIZE + AEAD_TAG_SIZE };

/* As secret as the key it was made from. */
struct aead_key {
	_Alignas(16) uint8_t raw[AEAD_KEY_SIZE];
	uint8_t k1[16]; /* CMAC's first subkey, the same for every message */
};
void aead_key_init(struct aead_key *k, const uint8_t key[AEAD_KEY_SIZE]);
void aead_key_wipe(struct aead_key *k);

/* Whole messages: nonce || ciphertext || tag. out has room for plain.n + AEAD_OVERHEAD. */
void aead_seal(const struct aead_key *k, struct world *w, struct str aad, struct str plain, uint8_t *out);
struct str aead_seal_new(const struct aead_key *k, struct world *w, struct str aad, struct str plain,
			 struct arena *mem);
/* out has room for sealed.n - AEAD_OVERHEAD. Anything shorter than the overhead is E_CORRUPT. */
struct status aead_open(const struct aead_key *k, struct str aad, struct str sealed, uint8_t *out);
struct status aead_open_new(const struct aead_key *k, struct str aad, struct str sealed, struct arena *mem,
			    struct str *plain);

/* The same in parts, for pages that keep nonce and tag elsewhere. The nonce must come from world_random each time. */
void aead_seal_parts(const struct aead_key *k, const uint8_t nonce[AEAD_NONCE_SIZE], struct str aad, struct str plain,
		     uint8_t *cipher, uint8_t tag[AEAD_TAG_SIZE]);
struct status aead_open_parts(const struct aead_key *k, const uint8_t nonce[AEAD_NONCE_SIZE], struct str aad,
			      struct str cipher, const uint8_t tag[AEAD_TAG_SIZE], uint8_t *plain);

enum { GCM_NONCE_SIZE = 12, GCM_TAG_SIZE = 16 };

struct gcm_key {
	uint8_t raw[AEAD_KEY_SIZE];
};
void gcm_key_init(struct gcm_key *k, const uint8_t key[AEAD_KEY_SIZE]);
void gcm_key_wipe(struct gcm_key *k);
/* out has room for plain.n + GCM_TAG_SIZE: ciphertext || tag. */
void gcm_chunk_seal(const struct gcm_key *k, const uint8_t nonce[GCM_NONCE_SIZE], struct str aad, struct str plain,
		    uint8_t *out);
/* sealed = ciphertext || tag; out has room for sealed.n - GCM_TAG_SIZE. */
struct status gcm_chunk_open(const struct gcm_key *k, const uint8_t nonce[GCM_NONCE_SIZE], struct str aad,
			     struct str sealed, uint8_t *out);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Unwrapped keys, kept while there is room. For keyring.c alone.
 *
 * Set-associative: a key's id names its set; in a full set the least recently used goes. There are sets enough that
 * 100,000 keys, as many as KMS has in an account and region, all stay: three a set, and one set in 250 is full.
 * A lookup takes the set's lock for some 30 ns, to find the key and count a reference;
 * the key is used outside of it. Eviction and forgetting drop the cache's own reference.
 * Two cores that do nothing but use one and the same key disturb each other (150 ns an
 * operation become 270); with a request's work in between it does not show.
 */
#ifndef CRYPTO_KEYRING_CACHE_H
#define CRYPTO_KEYRING_CACHE_H

#include "crypto/aead.h"
#include "crypto/hash.h"
#include "crypto/keyring.h"

#include <stdatomic.h>

enum { KEY_ID_SIZE = 32, KEY_CACHE_WAYS = 8, KEY_CACHE_SETS = 32768 };

/* What is kept of a hierarchy key; always in a struct secret of its own, at its address. */
struct key_material {
	union {
		struct { /* what seals, and what has keys below it */
			struct aead_key wrap, seal;
			struct hmac_key mac;
		};
		uint8_t hmac[MAC_SIZE_MAX]; /* HMAC material, of mac_size bytes */
		struct keypair *keypair;    /* asymmetric material */
	};
	enum material kind; /* MATERIAL_NONE: a hierarchy key; only those have keys below them */
	atomic_uint refs;
};
struct key_material *key_material_share(struct key_material *m); /* one more reference; returns m */
void key_material_drop(struct key_material *m);                  /* the last one wipes and frees */

/* A key's id, and the ids of the keys above it. */
struct key_path {
	const uint8_t *id;
	const uint8_t *above[KEY_DEPTH_MAX];
	size_t n_above;
};

struct key_cache;

struct key_cache *key_cache_new(void);
void key_cache_free(struct key_cache *c);

/* With a reference for the caller; NULL when it is not there. */
struct key_material *key_cache_get(struct key_cache *c, const uint8_t id[KEY_ID_SIZE]);
/*
 * Takes over m (its one reference) and returns what the caller shall use, with a reference
 * for it: m, or the one that another thread has put there meanwhile. `epoch` is what
 * key_cache_epoch gave before unwrapping began: if something was forgotten since, m is not
 * kept, because it may be what was forgotten.
 */
struct key_material *key_cache_put(struct key_cache *c, const struct key_path *path, struct key_material *m,
				   uint64_t epoch);
uint64_t key_cache_epoch(struct key_cache *c);
/* Drop the key and all that were unwrapped under it. Walks the whole cache: for rare occasions. */
void key_cache_forget(struct key_cache *c, const uint8_t id[KEY_ID_SIZE]);
size_t key_cache_count(struct key_cache *c); /* for tests */

#endif

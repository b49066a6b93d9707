/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files behind key_local_answer share; not for others.
 *
 *     keyring_local.c     what may be asked, and who answers it
 *     keyring_wrap.c      what a wrapped key is made of
 *     keyring_pin.c       a key by its path: out of the cache, or unwrapped
 *     keyring_roots.c     the root keys, and what a rotation of them asks
 *     keyring_sealing.c   keys that seal, and the keys below them
 *     keyring_material.c  keys with a kind: made, imported, used
 */
#ifndef CRYPTO_KEYRING_LOCAL_H
#define CRYPTO_KEYRING_LOCAL_H

#include "crypto/keyring_cache.h"
#include "crypto/keyring_call.h"

#include <pthread.h>

struct key_local {
	struct world *w;
	struct secret_pool *secrets;
	struct {
		struct secret material; /* struct key_material */
		uint8_t id[ROOT_ID_SIZE];
	} roots[ROOTS_MAX];     /* the newest last */
	_Atomic size_t n_roots; /* only grows, under `adopting` */
	pthread_mutex_t adopting;
	struct root_offer *offer; /* NULL: nobody makes any */
	struct key_cache *cache;
};

static inline struct key_material *key_material_of(struct secret s) { return (struct key_material *)(void *)s.p; }
/* The working keys of 32 bytes. `key` is wiped. */
void key_material_init(struct key_material *m, uint8_t key[32]);

/* ---- root keys ---- */

/* `root` is wiped. E_FULL: too many for this process. One that is known is not added again. */
struct status key_root_add(struct key_local *k, uint8_t root[ROOT_KEY_SIZE]);
static inline struct key_material *key_root_at(struct key_local *k, size_t i)
{
	return key_material_of(k->roots[i].material);
}

/* ---- wrapping ---- */

enum { KEY_FORMAT = 1, KEY_FORMAT_MATERIAL = 2, KEY_MATERIAL_HEAD = 2 };
enum { KEY_AAD_MAX = KEY_REWRAPPED_HEAD + KEY_PURPOSE_MAX };

struct str key_wrap_aad(char room[KEY_AAD_MAX], const struct key_ref *parent, struct str purpose);
struct str key_material_aad(char room[KEY_AAD_MAX], const struct key_ref *parent, enum material kind,
			    struct str purpose);
struct str key_rewrapped_aad(char room[KEY_AAD_MAX], struct str wrapped, struct str purpose);
/* What a key becomes when its parent opens it. E_NO_KEY. */
struct status key_unwrap(struct key_local *k, const struct key_ref *key, const struct key_material *parent,
			 struct key_material *m);
struct status key_unwrap_under_root(struct key_local *k, const struct key_ref *key, struct key_material *m);
/* A key right under a root: its 32 bytes. *at: which root that is. */
struct status key_open_under_root(struct key_local *k, const struct key_ref *key, uint8_t raw[32], size_t *at);

/* ---- a hierarchy key for as long as a call needs it ---- */

struct key_pin {
	struct key_material *m;
};
/* E_UNSUPPORTED: it is not a key for that. */
struct status key_pin(struct key_local *k, const struct key_ref *key, unsigned depth, struct key_pin *out);
struct status key_pin_sealing(struct key_local *k, const struct key_ref *key, struct key_pin *p); /* one that seals */
struct status key_pin_parent(struct key_local *k, const struct key_ref *key, struct key_pin *p);  /* has keys below */
struct status key_pin_keypair(struct key_local *k, const struct key_ref *key, struct key_pin *p);
void key_unpin(struct key_pin *p);
bool key_ids_true(const struct key_ref *key); /* are the ids of the whole path what they must be? */

/* ---- the operations of enum key_op ---- */

typedef struct status key_op_run(struct key_local *k, const struct key_call *c, struct arena *mem,
				 struct key_answer *a);
key_op_run key_op_adopt, key_op_rewrap;                                           /* keyring_roots.c */
key_op_run key_op_new, key_op_seal, key_op_unseal, key_op_data, key_op_data_open; /* keyring_sealing.c */
key_op_run key_op_mac, key_op_reseal;
key_op_run key_op_material, key_op_import, key_op_sign, key_op_decrypt, key_op_agree; /* keyring_material.c */
key_op_run key_op_hmac, key_op_pair;
struct str key_seal(struct key_local *k, const struct key_material *m, struct str aad, struct str plain,
		    struct arena *mem);

#endif

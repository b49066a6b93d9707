/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two root keys at a time, for as long as it takes to wrap everything under the new one.
 *
 *     PATH             the root key that was
 *     PATH.handover    the new root key, sealed under the one that was
 *     PATH.new         the new root key, from its own source
 *
 *     begin:   PATH.handover, then PATH.new          both there: a rotation is under way, and whoever opens PATH has
 *                                                    both root keys without asking for the new one's passphrase
 *     (all keys that stand right under the root are wrapped anew)
 *     finish:  PATH becomes PATH.old, PATH.new becomes PATH        one rename: from here only the new one counts
 *     sweep:   PATH.old and PATH.handover are overwritten and removed
 *
 * Each step is durable before the next, so the power may fail between any two. Without PATH.new what else lies there is
 * left over and is swept. Overwriting is as good as the file system and the disk under it.
 */
#ifndef CRYPTO_ROOT_ROTATION_H
#define CRYPTO_ROOT_ROTATION_H

#include "crypto/root_source.h"

/* Those before the one in force are kept in memory until the process ends: what it read before the rotation stays
 * usable. */
enum { ROOTS_MAX = 4, ROOT_RETIRED_SIZE = ROOT_KEY_SIZE + 40 };
struct root_set {
	size_t n;
	uint8_t key[ROOTS_MAX][ROOT_KEY_SIZE]; /* the newest last: new keys are wrapped under it */
};

/* The root key at path, and with it the new one while a rotation is under way. What root_open says. */
struct status root_set_open(struct world *w, const char *path, struct asker *asker, struct root_set *out);

bool root_rotation_under_way(struct world *w, const char *path);
/* Makes a new root key. E_BUSY: one is under way. The rest is root_create's word. */
struct status root_rotation_begin(struct world *w, const char *path, const struct root_wish *wish, struct asker *asker,
				  const uint8_t root[ROOT_KEY_SIZE]);
/* The new root key, by the one that was. E_NOT_FOUND: none is under way. E_NO_KEY: this root is not the one. */
struct status root_rotation_next(struct world *w, const char *path, const uint8_t root[ROOT_KEY_SIZE],
				 uint8_t next[ROOT_KEY_SIZE]);
/* Once nothing stands under the old one. Also where nothing is under way: it sweeps. */
struct status root_rotation_finish(struct world *w, const char *path);

/* A root key that was, sealed under the one that followed it: to carry it past a process that knows neither. */
void root_retire(struct world *w, const uint8_t old[ROOT_KEY_SIZE], const uint8_t next[ROOT_KEY_SIZE],
		 uint8_t out[ROOT_RETIRED_SIZE]);
struct status root_unretire(const uint8_t sealed[ROOT_RETIRED_SIZE], const uint8_t next[ROOT_KEY_SIZE],
			    uint8_t old[ROOT_KEY_SIZE]);

#endif

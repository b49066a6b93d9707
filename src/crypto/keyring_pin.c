/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A key by its path, for as long as a call uses it: out of the cache, or walked down to from
 * the root and then kept.
 *
 * Whoever asks may be a process that strangers have taken over: an id that he names is
 * good for finding a key that was unwrapped before, and is computed anew before one is.
 *
 * A caller's use of a key (a pin) holds a reference, so that eviction and forgetting never
 * take a key from under a call; the last one to let go wipes it.
 */
#include "crypto/keyring_local.h"

#include "base/str.h"

void key_unpin(struct key_pin *p) { key_material_drop(p->m); }

/* Are the ids of the whole path what they must be? */
bool key_ids_true(const struct key_ref *key)
{
	for (; key; key = key->parent) {
		struct key_ref really = key_ref_of(key->parent, key->purpose, key->wrapped);
		if (memcmp(really.id, key->id, KEY_ID_SIZE) != 0)
			return false;
	}
	return true;
}

/* The slow way: the parent first (from the cache, or the slow way too), then this one. */
static struct status pin_unwrapped(struct key_local *k, const struct key_ref *key, unsigned depth, struct key_pin *out)
{
	uint64_t epoch = key_cache_epoch(k->cache);
	struct key_pin parent = { 0 };

	if (!key_ids_true(key))
		return ERR(E_NO_KEY);
	if (key->parent)
		TRY(key_pin(k, key->parent, depth + 1, &parent));
	struct secret s = secret_new(k->secrets, sizeof(struct key_material));
	struct status st = parent.m ? key_unwrap(k, key, parent.m, key_material_of(s))
				    : key_unwrap_under_root(k, key, key_material_of(s));
	if (parent.m)
		key_unpin(&parent);
	if (failed(st)) {
		secret_free(&s);
		return st;
	}
	struct key_path path = { .id = key->id };
	for (const struct key_ref *up = key->parent; up; up = up->parent)
		path.above[path.n_above++] = up->id;
	*out = (struct key_pin){ key_cache_put(k->cache, &path, key_material_of(s), epoch) };
	return OK;
}

struct status key_pin(struct key_local *k, const struct key_ref *key, unsigned depth, struct key_pin *out)
{
	assert(depth <= KEY_DEPTH_MAX);
	if (!key) {
		*out = (struct key_pin){ key_material_share(key_root_at(k, atomic_load(&k->n_roots) - 1)) };
		return OK;
	}
	struct key_material *m = key_cache_get(k->cache, key->id);
	if (!m)
		return pin_unwrapped(k, key, depth, out);
	*out = (struct key_pin){ m };
	return OK;
}

/* A key that seals: a hierarchy key, or imported AES material. */
struct status key_pin_sealing(struct key_local *k, const struct key_ref *key, struct key_pin *p)
{
	TRY(key_pin(k, key, 0, p));
	if (p->m->kind == MATERIAL_NONE || p->m->kind == MATERIAL_AES_256)
		return OK;
	key_unpin(p);
	return ERR(E_UNSUPPORTED);
}

struct status key_pin_parent(struct key_local *k, const struct key_ref *key, struct key_pin *p)
{
	TRY(key_pin(k, key, 1, p));
	if (p->m->kind == MATERIAL_NONE)
		return OK;
	key_unpin(p);
	return ERR(E_UNSUPPORTED);
}

struct status key_pin_keypair(struct key_local *k, const struct key_ref *key, struct key_pin *p)
{
	TRY(key_pin(k, key, 0, p));
	if (material_keypair(p->m->kind))
		return OK;
	key_unpin(p);
	return ERR(E_UNSUPPORTED);
}

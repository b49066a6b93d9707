/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The root keys, of which there are several once a rotation began: the newest wraps, all of
 * them open.
 */
#include "crypto/keyring_local.h"

#include "base/str.h"

struct status key_root_add(struct key_local *k, uint8_t root[ROOT_KEY_SIZE])
{
	size_t n = atomic_load(&k->n_roots);
	uint8_t id[ROOT_ID_SIZE];

	root_id(root, id);
	bool known = n && memcmp(k->roots[n - 1].id, id, sizeof id) == 0;
	if (!known && n < ROOTS_MAX) {
		struct secret s = secret_new(k->secrets, sizeof(struct key_material));
		key_material_init(key_material_of(s), root);
		memcpy(k->roots[n].id, id, sizeof id);
		k->roots[n].material = s;
		atomic_store(&k->n_roots, n + 1);
	}
	secret_wipe(root, ROOT_KEY_SIZE);
	return known || n < ROOTS_MAX ? OK : ERR(E_FULL);
}

struct status key_op_adopt(struct key_local *k, const struct key_call *c, struct arena *mem, struct key_answer *a)
{
	uint8_t root[ROOT_KEY_SIZE];
	struct status st = OK;

	(void)c, (void)mem, (void)a;
	pthread_mutex_lock(&k->adopting);
	if (k->offer && atomic_load(&k->offer->full)) {
		memcpy(root, k->offer->key, sizeof root);
		secret_wipe(k->offer->key, sizeof root);
		atomic_store(&k->offer->full, 0);
		st = key_root_add(k, root);
	}
	pthread_mutex_unlock(&k->adopting);
	return st;
}

/* `at` is the newest root. */
static struct str rewrap(struct key_local *k, const struct key_ref *key, struct str raw, size_t at, struct arena *mem)
{
	char room[KEY_AAD_MAX];
	uint8_t *out = NEWS(mem, uint8_t, KEY_REWRAPPED_SIZE);

	out[0] = KEY_REWRAPPED;
	memcpy(out + 1, k->roots[at].id, ROOT_ID_SIZE);
	key_rewrapped_name(key->purpose, key->id, out + 1 + ROOT_ID_SIZE);
	struct str aad = key_rewrapped_aad(room, str_make(out, KEY_REWRAPPED_HEAD), key->purpose);
	aead_seal(&key_root_at(k, at)->wrap, k->w, aad, raw, out + KEY_REWRAPPED_HEAD);
	return str_make(out, KEY_REWRAPPED_SIZE);
}

struct status key_op_rewrap(struct key_local *k, const struct key_call *c, struct arena *mem, struct key_answer *a)
{
	uint8_t raw[32];
	size_t at = 0, newest = atomic_load(&k->n_roots) - 1;

	if (!key_ids_true(c->key))
		return ERR(E_NO_KEY);
	TRY(key_open_under_root(k, c->key, raw, &at));
	if (at != newest)
		a->out = rewrap(k, c->key, str_make(raw, sizeof raw), newest, mem);
	secret_wipe(raw, sizeof raw);
	return OK;
}

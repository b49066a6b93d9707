/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What wrapped keys are made of, and what comes out of them.
 *
 * Of every hierarchy key three working keys are derived (HKDF, 96 bytes cut in three), one
 * a use, so that no use can stand in for another: `wrap` for the keys below it, `seal` for
 * callers' bytes, `mac`. The key itself is forgotten as soon as they exist.
 *
 *     wrapped key  = 1 | XAES(wrap of the parent, key, aad = id of the parent | purpose)
 *       rewrapped  = 3 | id of the root 16 | name 32 | XAES(wrap of the root, key, aad = all before | purpose)
 *     material     = 2 | kind | XAES(wrap of the parent, bytes, aad = id of the parent | "material" | kind | purpose)
 *     id of a key  = SHA-256(label | id of the parent | length of purpose | purpose | wrapped)
 *
 * The root's id is 32 zeros. Ids cover the whole path, and the aad covers the parent's id,
 * so a key opens only where it was made.
 *
 * A key right under the root that was wrapped anew (rootkey rotate) keeps the id it had, or all that stands under it
 * would be orphaned. Its name is that id with SHA-256(label | purpose) over it (XOR), so that a wrapped key that was
 * put in another's place has an id that nobody has. While several roots are known (root_rotation.h) a form 3 says which
 * it is under; a form 1 is tried.
 */
#include "crypto/keyring_local.h"

#include "base/str.h"
#include "crypto/kdf.h"

static_assert(KEY_REWRAPPED_SIZE == 1 + ROOT_ID_SIZE + 32 + 32 + AEAD_OVERHEAD, "what a form 3 holds");

static const uint8_t top_id[KEY_ID_SIZE] = { 0 };

void key_material_init(struct key_material *m, uint8_t key[32])
{
	uint8_t sub[3][32];

	hkdf_sha256(str_make(key, 32), S("holdfast keyring 1"), S("wrap, seal, mac"), sub[0], sizeof sub);
	aead_key_init(&m->wrap, sub[0]);
	aead_key_init(&m->seal, sub[1]);
	hmac_key_init(&m->mac, str_make(sub[2], 32));
	atomic_init(&m->refs, 1);
	secret_wipe(sub, sizeof sub);
	secret_wipe(key, 32);
}

static const uint8_t *id_of(const struct key_ref *key) { return key ? key->id : top_id; }

struct str key_wrap_aad(char room[KEY_AAD_MAX], const struct key_ref *parent, struct str purpose)
{
	memcpy(room, id_of(parent), KEY_ID_SIZE);
	memcpy(room + KEY_ID_SIZE, purpose.p, purpose.n);
	return str_make(room, KEY_ID_SIZE + purpose.n);
}

struct str key_material_aad(char room[KEY_AAD_MAX], const struct key_ref *parent, enum material kind,
			    struct str purpose)
{
	memcpy(room, id_of(parent), KEY_ID_SIZE);
	memcpy(room + KEY_ID_SIZE, "material", 8);
	room[KEY_ID_SIZE + 8] = (char)kind;
	memcpy(room + KEY_ID_SIZE + 9, purpose.p, purpose.n);
	return str_make(room, KEY_ID_SIZE + 9 + purpose.n);
}

/* What the bytes of a kind become; `bytes` is wiped. E_NO_KEY when they are none. */
static struct status material_load(struct key_material *m, enum material kind, struct secret bytes)
{
	m->kind = kind;
	if (kind == MATERIAL_AES_256 && bytes.n == 32) {
		key_material_init(m, bytes.p);
		return OK;
	}
	atomic_init(&m->refs, 1);
	if (material_mac(kind) && bytes.n == mac_size(material_mac(kind))) {
		memcpy(m->hmac, bytes.p, bytes.n);
		return OK;
	}
	if (!material_keypair(kind) ||
	    failed(keypair_from_stored(material_keypair(kind), secret_str(&bytes), &m->keypair)))
		return ERR(E_NO_KEY);
	return OK;
}

static struct status unwrap_material(struct key_local *k, const struct key_material *parent, const struct key_ref *key,
				     struct key_material *m)
{
	char room[KEY_AAD_MAX];
	enum material kind = (enum material)(uint8_t)key->wrapped.p[1];
	struct str sealed = str_from(key->wrapped, KEY_MATERIAL_HEAD);

	if (sealed.n <= AEAD_OVERHEAD || key->wrapped.n > MATERIAL_WRAPPED_MAX)
		return ERR(E_NO_KEY);
	struct secret bytes = secret_new(k->secrets, sealed.n - AEAD_OVERHEAD);
	struct str aad = key_material_aad(room, key->parent, kind, key->purpose);
	struct status st = aead_open(&parent->wrap, aad, sealed, bytes.p);
	if (!failed(st))
		st = material_load(m, kind, bytes);
	secret_free(&bytes);
	return failed(st) ? ERR(E_NO_KEY) : OK;
}

/* A hierarchy key's 32 bytes, by its parent. */
static struct status open_wrapped(const struct key_material *parent, const struct key_ref *key, uint8_t raw[32])
{
	char room[KEY_AAD_MAX];

	if (key->wrapped.n != KEY_WRAPPED_SIZE || key->wrapped.p[0] != KEY_FORMAT)
		return ERR(E_NO_KEY);
	struct str aad = key_wrap_aad(room, key->parent, key->purpose);
	return failed(aead_open(&parent->wrap, aad, str_from(key->wrapped, 1), raw)) ? ERR(E_NO_KEY) : OK;
}

struct str key_rewrapped_aad(char room[KEY_AAD_MAX], struct str wrapped, struct str purpose)
{
	memcpy(room, wrapped.p, KEY_REWRAPPED_HEAD);
	memcpy(room + KEY_REWRAPPED_HEAD, purpose.p, purpose.n);
	return str_make(room, KEY_REWRAPPED_HEAD + purpose.n);
}

/* The same for a key right under a root. *at: which root that is. */
struct status key_open_under_root(struct key_local *k, const struct key_ref *key, uint8_t raw[32], size_t *at)
{
	char room[KEY_AAD_MAX];
	struct str wrapped = key->wrapped;
	bool re = key_is_rewrapped(wrapped);

	for (size_t i = atomic_load(&k->n_roots); i-- > 0;) {
		if (re && memcmp(wrapped.p + 1, k->roots[i].id, ROOT_ID_SIZE) != 0)
			continue;
		struct status st =
		    re ? aead_open(&key_root_at(k, i)->wrap, key_rewrapped_aad(room, wrapped, key->purpose),
				   str_from(wrapped, KEY_REWRAPPED_HEAD), raw)
		       : open_wrapped(key_root_at(k, i), key, raw);
		*at = i;
		if (!failed(st))
			return OK;
	}
	return ERR(E_NO_KEY);
}

struct status key_unwrap(struct key_local *k, const struct key_ref *key, const struct key_material *parent,
			 struct key_material *m)
{
	uint8_t raw[32];

	if (parent->kind != MATERIAL_NONE)
		return ERR(E_NO_KEY);
	if (key->wrapped.n > KEY_MATERIAL_HEAD && key->wrapped.p[0] == KEY_FORMAT_MATERIAL)
		return unwrap_material(k, parent, key, m);
	TRY(open_wrapped(parent, key, raw));
	key_material_init(m, raw);
	return OK;
}

struct status key_unwrap_under_root(struct key_local *k, const struct key_ref *key, struct key_material *m)
{
	uint8_t raw[32];
	size_t at;

	TRY(key_open_under_root(k, key, raw, &at));
	key_material_init(m, raw);
	return OK;
}

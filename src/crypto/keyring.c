/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The keyring: a path of wrapped keys is walked down from the root, and what was unwrapped
 * is kept in a cache.
 *
 * Of every hierarchy key three working keys are derived (HKDF, 96 bytes cut in three), one
 * a use, so that no use can stand in for another: `wrap` for the keys below it, `seal` for
 * callers' bytes, `mac`. The key itself is forgotten as soon as they exist.
 *
 *     wrapped key  = 1 | XAES(wrap of the parent, key, aad = id of the parent | purpose)
 *     ciphertext   = 1 | XAES(seal, plaintext, aad = the caller's)
 *     id of a key  = SHA-256(label | id of the parent | length of purpose | purpose | wrapped)
 *
 * The root's id is 32 zeros. Ids cover the whole path, and the aad covers the parent's id,
 * so a key opens only where it was made.
 *
 * A caller's use of a key (a pin) holds a reference, so that eviction and keyring_forget
 * never take a key from under a call; the last one to let go wipes it.
 */
#include "crypto/keyring.h"

#include "base/log.h"
#include "base/str.h"
#include "crypto/aead.h"
#include "crypto/hash.h"
#include "crypto/kdf.h"
#include "crypto/keyring_cache.h"
#include "crypto/rootfile.h"

enum { FORMAT = 1 };

static const uint8_t root_id[KEY_ID_SIZE] = { 0 };

struct keyring {
	struct world *w;
	struct secret_pool *secrets;
	struct secret root; /* the root's struct key_material */
	struct key_cache *cache;
};

/* A hierarchy key for as long as a call needs it. */
struct pin {
	struct key_material *m;
};

static struct key_material *material_of(struct secret s) { return (struct key_material *)(void *)s.p; }

/* `key` is wiped. */
static void material_init(struct key_material *m, uint8_t key[32])
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

static const uint8_t *id_of(const struct key_ref *key) { return key ? key->id : root_id; }

struct key_ref key_ref_of(const struct key_ref *parent, struct str purpose, struct str wrapped)
{
	struct key_ref key = { .wrapped = wrapped, .purpose = purpose, .parent = parent };
	uint8_t length[2] = { (uint8_t)(purpose.n >> 8), (uint8_t)purpose.n };
	struct hasher h;

	assert(purpose.n > 0 && purpose.n <= KEY_PURPOSE_MAX);
	hasher_init(&h, HASH_SHA256);
	hasher_update(&h, S("holdfast key ref 1"));
	hasher_update(&h, str_make(id_of(parent), KEY_ID_SIZE));
	hasher_update(&h, str_make(length, sizeof length));
	hasher_update(&h, purpose);
	hasher_update(&h, wrapped);
	hasher_final(&h, key.id);
	return key;
}

struct status keyring_create_root(struct world *w, const char *path)
{
	uint8_t key[ROOT_KEY_SIZE];

	world_random(w, key, sizeof key);
	struct status st = rootfile_create(w, path, key);
	secret_wipe(key, sizeof key);
	return st;
}

struct status keyring_open(struct world *w, const char *root_path, struct keyring **out)
{
	uint8_t key[ROOT_KEY_SIZE];

	TRY(rootfile_read(w, root_path, key));
	struct keyring *kr = HEAP(struct keyring);
	kr->w = w;
	kr->secrets = secret_pool_new();
	kr->root = secret_new(kr->secrets, sizeof(struct key_material));
	material_init(material_of(kr->root), key);
	kr->cache = key_cache_new();
	*out = kr;
	return OK;
}

void keyring_close(struct keyring *kr)
{
	if (!kr)
		return;
	key_cache_free(kr->cache);
	secret_free(&kr->root);
	secret_pool_free(kr->secrets);
	heap_free(kr);
}

struct secret_pool *keyring_secrets(struct keyring *kr) { return kr->secrets; }

/* ---- wrapping ---- */

enum { WRAP_AAD_MAX = KEY_ID_SIZE + KEY_PURPOSE_MAX };

static struct str wrap_aad(char room[WRAP_AAD_MAX], const struct key_ref *parent, struct str purpose)
{
	memcpy(room, id_of(parent), KEY_ID_SIZE);
	memcpy(room + KEY_ID_SIZE, purpose.p, purpose.n);
	return str_make(room, KEY_ID_SIZE + purpose.n);
}

static struct status unwrap(const struct key_material *parent, const struct key_ref *key, struct key_material *m)
{
	char room[WRAP_AAD_MAX];
	uint8_t raw[32];

	if (key->wrapped.n != KEY_WRAPPED_SIZE || key->wrapped.p[0] != FORMAT)
		return ERR(E_NO_KEY);
	struct str aad = wrap_aad(room, key->parent, key->purpose);
	if (failed(aead_open(&parent->wrap, aad, str_from(key->wrapped, 1), raw)))
		return ERR(E_NO_KEY);
	material_init(m, raw);
	return OK;
}

static struct status pin_key(struct keyring *kr, const struct key_ref *key, unsigned depth, struct pin *out);
static void unpin(struct pin *p) { key_material_drop(p->m); }

/* The slow way: the parent first (from the cache, or the slow way too), then this one. */
static struct status pin_unwrapped(struct keyring *kr, const struct key_ref *key, unsigned depth, struct pin *out)
{
	uint64_t epoch = key_cache_epoch(kr->cache);
	struct pin parent;

	TRY(pin_key(kr, key->parent, depth + 1, &parent));
	struct secret s = secret_new(kr->secrets, sizeof(struct key_material));
	struct status st = unwrap(parent.m, key, material_of(s));
	unpin(&parent);
	if (failed(st)) {
		secret_free(&s);
		return st;
	}
	struct key_path path = { .id = key->id };
	for (const struct key_ref *up = key->parent; up; up = up->parent)
		path.above[path.n_above++] = up->id;
	*out = (struct pin){ key_cache_put(kr->cache, &path, material_of(s), epoch) };
	return OK;
}

static struct status pin_key(struct keyring *kr, const struct key_ref *key, unsigned depth, struct pin *out)
{
	assert(depth <= KEY_DEPTH_MAX);
	if (!key) {
		*out = (struct pin){ key_material_share(material_of(kr->root)) };
		return OK;
	}
	struct key_material *m = key_cache_get(kr->cache, key->id);
	if (!m)
		return pin_unwrapped(kr, key, depth, out);
	*out = (struct pin){ m };
	return OK;
}

struct status keyring_key_new(struct keyring *kr, const struct key_ref *parent, struct str purpose, struct arena *mem,
			      struct str *wrapped)
{
	char room[WRAP_AAD_MAX];
	uint8_t raw[32];
	struct pin p;

	assert(purpose.n > 0 && purpose.n <= KEY_PURPOSE_MAX);
	TRY(pin_key(kr, parent, 1, &p));
	uint8_t *out = NEWS(mem, uint8_t, KEY_WRAPPED_SIZE);
	out[0] = FORMAT;
	world_random(kr->w, raw, sizeof raw);
	aead_seal(&p.m->wrap, kr->w, wrap_aad(room, parent, purpose), str_make(raw, sizeof raw), out + 1);
	secret_wipe(raw, sizeof raw);
	unpin(&p);
	*wrapped = str_make(out, KEY_WRAPPED_SIZE);
	return OK;
}

struct status keyring_check(struct keyring *kr, const struct key_ref *key)
{
	struct pin p;

	TRY(pin_key(kr, key, 0, &p));
	unpin(&p);
	return OK;
}

void keyring_forget(struct keyring *kr, const struct key_ref *key) { key_cache_forget(kr->cache, key->id); }

/* ---- using ---- */

static struct str seal(struct keyring *kr, const struct key_material *m, struct str aad, struct str plain,
		       struct arena *mem)
{
	uint8_t *out = NEWS(mem, uint8_t, plain.n + KEYRING_SEAL_OVERHEAD);

	out[0] = FORMAT;
	aead_seal(&m->seal, kr->w, aad, plain, out + 1);
	return str_make(out, plain.n + KEYRING_SEAL_OVERHEAD);
}

struct status keyring_seal(struct keyring *kr, const struct key_ref *key, struct str aad, struct str plain,
			   struct arena *mem, struct str *cipher)
{
	struct pin p;

	assert(key);
	TRY(pin_key(kr, key, 0, &p));
	*cipher = seal(kr, p.m, aad, plain, mem);
	unpin(&p);
	return OK;
}

/* The sealed part of a ciphertext, when its form is right. */
static struct status sealed_part(struct str cipher, struct str *sealed)
{
	if (cipher.n < KEYRING_SEAL_OVERHEAD || cipher.p[0] != FORMAT)
		return ERR(E_CORRUPT);
	*sealed = str_from(cipher, 1);
	return OK;
}

struct status keyring_unseal(struct keyring *kr, const struct key_ref *key, struct str aad, struct str cipher,
			     struct arena *mem, struct str *plain)
{
	struct str sealed;
	struct pin p;

	assert(key);
	TRY(pin_key(kr, key, 0, &p));
	struct status st = sealed_part(cipher, &sealed);
	if (!failed(st))
		st = aead_open_new(&p.m->seal, aad, sealed, mem, plain);
	unpin(&p);
	return st;
}

struct status keyring_data_key(struct keyring *kr, const struct key_ref *key, struct str aad, size_t n,
			       struct secret *plain, struct arena *mem, struct str *cipher)
{
	struct pin p;

	assert(key && n >= 1 && n <= KEYRING_DATA_KEY_MAX);
	TRY(pin_key(kr, key, 0, &p));
	struct secret s = secret_new(kr->secrets, n);
	world_random(kr->w, s.p, s.n);
	*cipher = seal(kr, p.m, aad, secret_str(&s), mem);
	unpin(&p);
	if (plain)
		*plain = s;
	else
		secret_free(&s);
	return OK;
}

struct status keyring_data_key_open(struct keyring *kr, const struct key_ref *key, struct str aad, struct str cipher,
				    struct secret *plain)
{
	struct str sealed;
	struct pin p;

	assert(key);
	TRY(pin_key(kr, key, 0, &p));
	struct status st = sealed_part(cipher, &sealed);
	size_t n = cipher.n - KEYRING_SEAL_OVERHEAD;
	if (!failed(st) && (n == 0 || n > KEYRING_DATA_KEY_MAX))
		st = ERR(E_CORRUPT);
	if (!failed(st)) {
		struct secret s = secret_new(kr->secrets, n);
		st = aead_open(&p.m->seal, aad, sealed, s.p);
		if (failed(st))
			secret_free(&s);
		else
			*plain = s;
	}
	unpin(&p);
	return st;
}

struct status keyring_mac(struct keyring *kr, const struct key_ref *key, struct str msg, uint8_t out[32])
{
	struct pin p;

	assert(key);
	TRY(pin_key(kr, key, 0, &p));
	hmac_key_mac(&p.m->mac, msg, out);
	unpin(&p);
	return OK;
}

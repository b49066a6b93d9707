/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The keyring where the keys are: a path of wrapped keys is walked down from the root, and
 * what was unwrapped is kept in a cache. In the server this code runs in the keyholder.
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
 * Whoever asks may be a process that strangers have taken over: an id that he names is
 * good for finding a key that was unwrapped before, and is computed anew before one is.
 *
 * A caller's use of a key (a pin) holds a reference, so that eviction and forgetting never
 * take a key from under a call; the last one to let go wipes it.
 */
#include "base/str.h"
#include "crypto/aead.h"
#include "crypto/hash.h"
#include "crypto/kdf.h"
#include "crypto/keyring_cache.h"
#include "crypto/keyring_call.h"

enum { FORMAT = 1 };

static const uint8_t root_id[KEY_ID_SIZE] = { 0 };

struct key_local {
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

struct key_local *key_local_new(struct world *w, struct secret_pool *secrets, uint8_t root[32])
{
	struct key_local *k = HEAP(struct key_local);

	k->w = w;
	k->secrets = secrets;
	k->root = secret_new(secrets, sizeof(struct key_material));
	material_init(material_of(k->root), root);
	k->cache = key_cache_new();
	return k;
}

void key_local_free(struct key_local *k)
{
	if (!k)
		return;
	key_cache_free(k->cache);
	secret_free(&k->root);
	heap_free(k);
}

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

static struct status pin_key(struct key_local *k, const struct key_ref *key, unsigned depth, struct pin *out);
static void unpin(struct pin *p) { key_material_drop(p->m); }

/* Are the ids of the whole path what they must be? */
static bool ids_true(const struct key_ref *key)
{
	for (; key; key = key->parent) {
		struct key_ref really = key_ref_of(key->parent, key->purpose, key->wrapped);
		if (memcmp(really.id, key->id, KEY_ID_SIZE) != 0)
			return false;
	}
	return true;
}

/* The slow way: the parent first (from the cache, or the slow way too), then this one. */
static struct status pin_unwrapped(struct key_local *k, const struct key_ref *key, unsigned depth, struct pin *out)
{
	uint64_t epoch = key_cache_epoch(k->cache);
	struct pin parent;

	if (!ids_true(key))
		return ERR(E_NO_KEY);
	TRY(pin_key(k, key->parent, depth + 1, &parent));
	struct secret s = secret_new(k->secrets, sizeof(struct key_material));
	struct status st = unwrap(parent.m, key, material_of(s));
	unpin(&parent);
	if (failed(st)) {
		secret_free(&s);
		return st;
	}
	struct key_path path = { .id = key->id };
	for (const struct key_ref *up = key->parent; up; up = up->parent)
		path.above[path.n_above++] = up->id;
	*out = (struct pin){ key_cache_put(k->cache, &path, material_of(s), epoch) };
	return OK;
}

static struct status pin_key(struct key_local *k, const struct key_ref *key, unsigned depth, struct pin *out)
{
	assert(depth <= KEY_DEPTH_MAX);
	if (!key) {
		*out = (struct pin){ key_material_share(material_of(k->root)) };
		return OK;
	}
	struct key_material *m = key_cache_get(k->cache, key->id);
	if (!m)
		return pin_unwrapped(k, key, depth, out);
	*out = (struct pin){ m };
	return OK;
}

/* ---- what can be asked ---- */

static struct status answer_new(struct key_local *k, const struct key_call *c, struct arena *mem, struct key_answer *a)
{
	char room[WRAP_AAD_MAX];
	uint8_t raw[32];
	struct pin p;

	TRY(pin_key(k, c->key, 1, &p));
	uint8_t *out = NEWS(mem, uint8_t, KEY_WRAPPED_SIZE);
	out[0] = FORMAT;
	world_random(k->w, raw, sizeof raw);
	aead_seal(&p.m->wrap, k->w, wrap_aad(room, c->key, c->purpose), str_make(raw, sizeof raw), out + 1);
	secret_wipe(raw, sizeof raw);
	unpin(&p);
	a->out = str_make(out, KEY_WRAPPED_SIZE);
	return OK;
}

static struct status answer_check(struct key_local *k, const struct key_call *c, struct arena *mem,
				  struct key_answer *a)
{
	struct pin p;

	(void)mem, (void)a;
	TRY(pin_key(k, c->key, 0, &p));
	unpin(&p);
	return OK;
}

static struct status answer_forget(struct key_local *k, const struct key_call *c, struct arena *mem,
				   struct key_answer *a)
{
	(void)mem, (void)a;
	key_cache_forget(k->cache, c->key->id);
	return OK;
}

static struct str seal(struct key_local *k, const struct key_material *m, struct str aad, struct str plain,
		       struct arena *mem)
{
	uint8_t *out = NEWS(mem, uint8_t, plain.n + KEYRING_SEAL_OVERHEAD);

	out[0] = FORMAT;
	aead_seal(&m->seal, k->w, aad, plain, out + 1);
	return str_make(out, plain.n + KEYRING_SEAL_OVERHEAD);
}

static struct status answer_seal(struct key_local *k, const struct key_call *c, struct arena *mem, struct key_answer *a)
{
	struct pin p;

	TRY(pin_key(k, c->key, 0, &p));
	a->out = seal(k, p.m, c->aad, c->input, mem);
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

static struct status answer_unseal(struct key_local *k, const struct key_call *c, struct arena *mem,
				   struct key_answer *a)
{
	struct str sealed;
	struct pin p;

	TRY(pin_key(k, c->key, 0, &p));
	struct status st = sealed_part(c->input, &sealed);
	if (!failed(st))
		st = aead_open_new(&p.m->seal, c->aad, sealed, mem, &a->out);
	unpin(&p);
	return st;
}

static struct status answer_data(struct key_local *k, const struct key_call *c, struct arena *mem, struct key_answer *a)
{
	struct pin p;

	TRY(pin_key(k, c->key, 0, &p));
	struct secret s = secret_new(k->secrets, c->size);
	world_random(k->w, s.p, s.n);
	a->out = seal(k, p.m, c->aad, secret_str(&s), mem);
	unpin(&p);
	if (c->quiet)
		secret_free(&s);
	a->secret = s;
	return OK;
}

static struct status answer_data_open(struct key_local *k, const struct key_call *c, struct arena *mem,
				      struct key_answer *a)
{
	struct str sealed;
	struct pin p;

	(void)mem;
	TRY(pin_key(k, c->key, 0, &p));
	struct status st = sealed_part(c->input, &sealed);
	size_t n = failed(st) ? 0 : c->input.n - KEYRING_SEAL_OVERHEAD;
	if (!failed(st) && (n == 0 || n > KEYRING_DATA_KEY_MAX))
		st = ERR(E_CORRUPT);
	if (!failed(st)) {
		struct secret s = secret_new(k->secrets, n);
		st = aead_open(&p.m->seal, c->aad, sealed, s.p);
		if (failed(st))
			secret_free(&s);
		a->secret = s;
	}
	unpin(&p);
	return st;
}

static struct status answer_mac(struct key_local *k, const struct key_call *c, struct arena *mem, struct key_answer *a)
{
	struct pin p;

	TRY(pin_key(k, c->key, 0, &p));
	uint8_t *out = NEWS(mem, uint8_t, 32);
	hmac_key_mac(&p.m->mac, c->input, out);
	unpin(&p);
	a->out = str_make(out, 32);
	return OK;
}

static struct status (*const answers[KEY_OP_COUNT])(struct key_local *, const struct key_call *, struct arena *,
						    struct key_answer *) = {
	[KEY_OP_NEW] = answer_new,
	[KEY_OP_CHECK] = answer_check,
	[KEY_OP_FORGET] = answer_forget,
	[KEY_OP_SEAL] = answer_seal,
	[KEY_OP_UNSEAL] = answer_unseal,
	[KEY_OP_DATA] = answer_data,
	[KEY_OP_DATA_OPEN] = answer_data_open,
	[KEY_OP_MAC] = answer_mac,
};

/* What the functions above take for granted. */
static bool is_sane(const struct key_call *c)
{
	size_t depth = 0;

	if (c->op < 1 || c->op >= KEY_OP_COUNT || (!c->key && c->op != KEY_OP_NEW))
		return false;
	for (const struct key_ref *key = c->key; key; key = key->parent)
		if (++depth > KEY_DEPTH_MAX || key->purpose.n == 0 || key->purpose.n > KEY_PURPOSE_MAX)
			return false;
	if (c->op == KEY_OP_NEW)
		return depth < KEY_DEPTH_MAX && c->purpose.n > 0 && c->purpose.n <= KEY_PURPOSE_MAX;
	return c->op != KEY_OP_DATA || (c->size >= 1 && c->size <= KEYRING_DATA_KEY_MAX);
}

struct status key_local_answer(struct key_local *k, const struct key_call *c, struct arena *mem, struct key_answer *out)
{
	struct key_answer a = { 0 };

	if (!is_sane(c))
		return ERR(E_INVALID);
	TRY(answers[c->op](k, c, mem, &a));
	*out = a;
	return OK;
}

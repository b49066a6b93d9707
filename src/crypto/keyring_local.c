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
 *       rewrapped  = 3 | id of the root 16 | name 32 | XAES(wrap of the root, key, aad = all before | purpose)
 *     material     = 2 | kind | XAES(wrap of the parent, bytes, aad = id of the parent | "material" | kind | purpose)
 *     ciphertext   = 1 | XAES(seal, plaintext, aad = the caller's)
 *     id of a key  = SHA-256(label | id of the parent | length of purpose | purpose | wrapped)
 *
 * The root's id is 32 zeros. Ids cover the whole path, and the aad covers the parent's id,
 * so a key opens only where it was made.
 *
 * A key right under the root that was wrapped anew (rootkey rotate) keeps the id it had, or all that stands under it
 * would be orphaned. Its name is that id with SHA-256(label | purpose) over it (XOR), so that a wrapped key that was
 * put in another's place has an id that nobody has. While several roots are known (root_rotation.h) a form 3 says which
 * it is under; a form 1 is tried.
 *
 * Whoever asks may be a process that strangers have taken over: an id that he names is
 * good for finding a key that was unwrapped before, and is computed anew before one is.
 *
 * A caller's use of a key (a pin) holds a reference, so that eviction and forgetting never
 * take a key from under a call; the last one to let go wipes it.
 */
#include "base/buf.h"
#include "base/str.h"
#include "crypto/aead.h"
#include "crypto/hash.h"
#include "crypto/kdf.h"
#include "crypto/keyring_cache.h"
#include "crypto/keyring_call.h"

#include <pthread.h>

enum { FORMAT = 1, FORMAT_MATERIAL = 2 };
static_assert(KEY_REWRAPPED_SIZE == 1 + ROOT_ID_SIZE + 32 + 32 + AEAD_OVERHEAD, "what a form 3 holds");

static const uint8_t top_id[KEY_ID_SIZE] = { 0 };

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

/* A hierarchy key for as long as a call needs it. */
struct pin {
	struct key_material *m;
};

static struct key_material *material_of(struct secret s) { return (struct key_material *)(void *)s.p; }

/* The working keys of 32 bytes. `key` is wiped. */
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

static const uint8_t *id_of(const struct key_ref *key) { return key ? key->id : top_id; }

/* `root` is wiped. E_FULL: too many for this process. One that is known is not added again. */
static struct status add_root(struct key_local *k, uint8_t root[ROOT_KEY_SIZE])
{
	size_t n = atomic_load(&k->n_roots);
	uint8_t id[ROOT_ID_SIZE];

	root_id(root, id);
	bool known = n && memcmp(k->roots[n - 1].id, id, sizeof id) == 0;
	if (!known && n < ROOTS_MAX) {
		struct secret s = secret_new(k->secrets, sizeof(struct key_material));
		material_init(material_of(s), root);
		memcpy(k->roots[n].id, id, sizeof id);
		k->roots[n].material = s;
		atomic_store(&k->n_roots, n + 1);
	}
	secret_wipe(root, ROOT_KEY_SIZE);
	return known || n < ROOTS_MAX ? OK : ERR(E_FULL);
}

struct key_local *key_local_new(struct world *w, struct secret_pool *secrets, struct root_set *roots)
{
	struct key_local *k = HEAP(struct key_local);

	k->w = w;
	k->secrets = secrets;
	k->cache = key_cache_new();
	pthread_mutex_init(&k->adopting, NULL);
	assert(roots->n >= 1 && roots->n <= ROOTS_MAX);
	for (size_t i = 0; i < roots->n; i++)
		(void)add_root(k, roots->key[i]).code; /* there is room */
	return k;
}

void key_local_free(struct key_local *k)
{
	if (!k)
		return;
	key_cache_free(k->cache);
	for (size_t i = 0; i < k->n_roots; i++)
		secret_free(&k->roots[i].material);
	pthread_mutex_destroy(&k->adopting);
	heap_free(k);
}

void key_local_offer(struct key_local *k, struct root_offer *offer) { k->offer = offer; }

static struct key_material *root_at(struct key_local *k, size_t i) { return material_of(k->roots[i].material); }

/* ---- wrapping ---- */

enum { WRAP_AAD_MAX = KEY_REWRAPPED_HEAD + KEY_PURPOSE_MAX, MATERIAL_HEAD = 2 };

static struct str wrap_aad(char room[WRAP_AAD_MAX], const struct key_ref *parent, struct str purpose)
{
	memcpy(room, id_of(parent), KEY_ID_SIZE);
	memcpy(room + KEY_ID_SIZE, purpose.p, purpose.n);
	return str_make(room, KEY_ID_SIZE + purpose.n);
}

static struct str material_aad(char room[WRAP_AAD_MAX], const struct key_ref *parent, enum material kind,
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
		material_init(m, bytes.p);
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
	char room[WRAP_AAD_MAX];
	enum material kind = (enum material)(uint8_t)key->wrapped.p[1];
	struct str sealed = str_from(key->wrapped, MATERIAL_HEAD);

	if (sealed.n <= AEAD_OVERHEAD || key->wrapped.n > MATERIAL_WRAPPED_MAX)
		return ERR(E_NO_KEY);
	struct secret bytes = secret_new(k->secrets, sealed.n - AEAD_OVERHEAD);
	struct str aad = material_aad(room, key->parent, kind, key->purpose);
	struct status st = aead_open(&parent->wrap, aad, sealed, bytes.p);
	if (!failed(st))
		st = material_load(m, kind, bytes);
	secret_free(&bytes);
	return failed(st) ? ERR(E_NO_KEY) : OK;
}

/* A hierarchy key's 32 bytes, by its parent. */
static struct status open_wrapped(const struct key_material *parent, const struct key_ref *key, uint8_t raw[32])
{
	char room[WRAP_AAD_MAX];

	if (key->wrapped.n != KEY_WRAPPED_SIZE || key->wrapped.p[0] != FORMAT)
		return ERR(E_NO_KEY);
	struct str aad = wrap_aad(room, key->parent, key->purpose);
	return failed(aead_open(&parent->wrap, aad, str_from(key->wrapped, 1), raw)) ? ERR(E_NO_KEY) : OK;
}

static struct str rewrapped_aad(char room[WRAP_AAD_MAX], struct str wrapped, struct str purpose)
{
	memcpy(room, wrapped.p, KEY_REWRAPPED_HEAD);
	memcpy(room + KEY_REWRAPPED_HEAD, purpose.p, purpose.n);
	return str_make(room, KEY_REWRAPPED_HEAD + purpose.n);
}

/* The same for a key right under a root. *at: which root that is. */
static struct status open_under_root(struct key_local *k, const struct key_ref *key, uint8_t raw[32], size_t *at)
{
	char room[WRAP_AAD_MAX];
	struct str wrapped = key->wrapped;
	bool re = key_is_rewrapped(wrapped);

	for (size_t i = atomic_load(&k->n_roots); i-- > 0;) {
		if (re && memcmp(wrapped.p + 1, k->roots[i].id, ROOT_ID_SIZE) != 0)
			continue;
		struct status st = re ? aead_open(&root_at(k, i)->wrap, rewrapped_aad(room, wrapped, key->purpose),
						  str_from(wrapped, KEY_REWRAPPED_HEAD), raw)
				      : open_wrapped(root_at(k, i), key, raw);
		*at = i;
		if (!failed(st))
			return OK;
	}
	return ERR(E_NO_KEY);
}

static struct status unwrap(struct key_local *k, const struct key_ref *key, const struct key_material *parent,
			    struct key_material *m)
{
	uint8_t raw[32];

	if (parent->kind != MATERIAL_NONE)
		return ERR(E_NO_KEY);
	if (key->wrapped.n > MATERIAL_HEAD && key->wrapped.p[0] == FORMAT_MATERIAL)
		return unwrap_material(k, parent, key, m);
	TRY(open_wrapped(parent, key, raw));
	material_init(m, raw);
	return OK;
}

static struct status unwrap_under_root(struct key_local *k, const struct key_ref *key, struct key_material *m)
{
	uint8_t raw[32];
	size_t at;

	TRY(open_under_root(k, key, raw, &at));
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
	struct pin parent = { 0 };

	if (!ids_true(key))
		return ERR(E_NO_KEY);
	if (key->parent)
		TRY(pin_key(k, key->parent, depth + 1, &parent));
	struct secret s = secret_new(k->secrets, sizeof(struct key_material));
	struct status st =
	    parent.m ? unwrap(k, key, parent.m, material_of(s)) : unwrap_under_root(k, key, material_of(s));
	if (parent.m)
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
		*out = (struct pin){ key_material_share(root_at(k, atomic_load(&k->n_roots) - 1)) };
		return OK;
	}
	struct key_material *m = key_cache_get(k->cache, key->id);
	if (!m)
		return pin_unwrapped(k, key, depth, out);
	*out = (struct pin){ m };
	return OK;
}

/* ---- what can be asked ---- */

/* A key that seals: a hierarchy key, or imported AES material. */
static struct status pin_sealing(struct key_local *k, const struct key_ref *key, struct pin *p)
{
	TRY(pin_key(k, key, 0, p));
	if (p->m->kind == MATERIAL_NONE || p->m->kind == MATERIAL_AES_256)
		return OK;
	unpin(p);
	return ERR(E_UNSUPPORTED);
}

static struct status pin_parent(struct key_local *k, const struct key_ref *key, struct pin *p)
{
	TRY(pin_key(k, key, 1, p));
	if (p->m->kind == MATERIAL_NONE)
		return OK;
	unpin(p);
	return ERR(E_UNSUPPORTED);
}

static struct status pin_keypair(struct key_local *k, const struct key_ref *key, struct pin *p)
{
	TRY(pin_key(k, key, 0, p));
	if (material_keypair(p->m->kind))
		return OK;
	unpin(p);
	return ERR(E_UNSUPPORTED);
}

static struct status answer_new(struct key_local *k, const struct key_call *c, struct arena *mem, struct key_answer *a)
{
	char room[WRAP_AAD_MAX];
	uint8_t raw[32];
	struct pin p;

	TRY(pin_parent(k, c->key, &p));
	uint8_t *out = NEWS(mem, uint8_t, KEY_WRAPPED_SIZE);
	out[0] = FORMAT;
	world_random(k->w, raw, sizeof raw);
	aead_seal(&p.m->wrap, k->w, wrap_aad(room, c->key, c->purpose), str_make(raw, sizeof raw), out + 1);
	secret_wipe(raw, sizeof raw);
	unpin(&p);
	a->out = str_make(out, KEY_WRAPPED_SIZE);
	return OK;
}

/* ---- another root ---- */

static struct status answer_adopt(struct key_local *k, const struct key_call *c, struct arena *mem,
				  struct key_answer *a)
{
	uint8_t root[ROOT_KEY_SIZE];
	struct status st = OK;

	(void)c, (void)mem, (void)a;
	pthread_mutex_lock(&k->adopting);
	if (k->offer && atomic_load(&k->offer->full)) {
		memcpy(root, k->offer->key, sizeof root);
		secret_wipe(k->offer->key, sizeof root);
		atomic_store(&k->offer->full, 0);
		st = add_root(k, root);
	}
	pthread_mutex_unlock(&k->adopting);
	return st;
}

/* `at` is the newest root. */
static struct str rewrap(struct key_local *k, const struct key_ref *key, struct str raw, size_t at, struct arena *mem)
{
	char room[WRAP_AAD_MAX];
	uint8_t *out = NEWS(mem, uint8_t, KEY_REWRAPPED_SIZE);

	out[0] = KEY_REWRAPPED;
	memcpy(out + 1, k->roots[at].id, ROOT_ID_SIZE);
	key_rewrapped_name(key->purpose, key->id, out + 1 + ROOT_ID_SIZE);
	struct str aad = rewrapped_aad(room, str_make(out, KEY_REWRAPPED_HEAD), key->purpose);
	aead_seal(&root_at(k, at)->wrap, k->w, aad, raw, out + KEY_REWRAPPED_HEAD);
	return str_make(out, KEY_REWRAPPED_SIZE);
}

static struct status answer_rewrap(struct key_local *k, const struct key_call *c, struct arena *mem,
				   struct key_answer *a)
{
	uint8_t raw[32];
	size_t at = 0, newest = atomic_load(&k->n_roots) - 1;

	if (!ids_true(c->key))
		return ERR(E_NO_KEY);
	TRY(open_under_root(k, c->key, raw, &at));
	if (at != newest)
		a->out = rewrap(k, c->key, str_make(raw, sizeof raw), newest, mem);
	secret_wipe(raw, sizeof raw);
	return OK;
}

/* ---- */

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

	TRY(pin_sealing(k, c->key, &p));
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

	TRY(pin_sealing(k, c->key, &p));
	struct status st = sealed_part(c->input, &sealed);
	if (!failed(st))
		st = aead_open_new(&p.m->seal, c->aad, sealed, mem, &a->out);
	unpin(&p);
	return st;
}

static struct status answer_data(struct key_local *k, const struct key_call *c, struct arena *mem, struct key_answer *a)
{
	struct pin p;

	TRY(pin_sealing(k, c->key, &p));
	struct secret s = secret_new(k->secrets, c->size);
	world_random(k->w, s.p, s.n);
	a->out = seal(k, p.m, c->aad, secret_str(&s), mem);
	unpin(&p);
	if (c->flag)
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
	TRY(pin_sealing(k, c->key, &p));
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

	TRY(pin_sealing(k, c->key, &p));
	uint8_t *out = NEWS(mem, uint8_t, 32);
	hmac_key_mac(&p.m->mac, c->input, out);
	unpin(&p);
	a->out = str_make(out, 32);
	return OK;
}

static struct status answer_reseal(struct key_local *k, const struct key_call *c, struct arena *mem,
				   struct key_answer *a)
{
	struct key_answer opened = { 0 };
	struct pin to;

	TRY(answer_unseal(k, c, mem, &opened));
	TRY(pin_sealing(k, c->other, &to));
	a->out = seal(k, to.m, c->other_aad, opened.out, mem);
	unpin(&to);
	return OK;
}

/* ---- material ---- */

static struct status wrap_material(struct key_local *k, const struct key_call *c, struct str bytes, struct arena *mem,
				   struct key_answer *a)
{
	char room[WRAP_AAD_MAX];
	struct pin p;

	TRY(pin_parent(k, c->other, &p));
	size_t n = MATERIAL_HEAD + bytes.n + AEAD_OVERHEAD;
	uint8_t *out = NEWS(mem, uint8_t, n);
	out[0] = FORMAT_MATERIAL;
	out[1] = (uint8_t)c->kind;
	aead_seal(&p.m->wrap, k->w, material_aad(room, c->other, c->kind, c->purpose), bytes, out + MATERIAL_HEAD);
	a->out = str_make(out, n);
	if (!material_keypair(c->kind)) { /* a parent's MAC: the same for the same bytes, and nothing to guess with */
		uint8_t *check = NEWS(mem, uint8_t, MATERIAL_CHECK_SIZE);
		struct buf b = buf_in(mem);
		buf_put(&b, S("material check 1"));
		buf_byte(&b, (char)c->kind);
		buf_put(&b, bytes);
		hmac_key_mac(&p.m->mac, buf_str(&b), check);
		a->face = str_make(check, MATERIAL_CHECK_SIZE);
	}
	unpin(&p);
	return OK;
}

static struct status wrap_pair(struct key_local *k, const struct key_call *c, struct keypair *pair, struct arena *mem,
			       struct key_answer *a)
{
	struct secret der = keypair_private(pair, k->secrets);
	struct status st = wrap_material(k, c, secret_str(&der), mem, a);

	secret_free(&der);
	if (!failed(st))
		a->face = keypair_public(pair, mem);
	keypair_free(pair);
	return st;
}

static struct status answer_material(struct key_local *k, const struct key_call *c, struct arena *mem,
				     struct key_answer *a)
{
	struct keypair *pair;

	if (material_keypair(c->kind)) {
		TRY(keypair_generate(material_keypair(c->kind), &pair));
		return wrap_pair(k, c, pair, mem, a);
	}
	struct secret bytes =
	    secret_new(k->secrets, c->kind == MATERIAL_AES_256 ? 32 : mac_size(material_mac(c->kind)));
	world_random(k->w, bytes.p, bytes.n);
	struct status st = wrap_material(k, c, secret_str(&bytes), mem, a);
	secret_free(&bytes);
	return st;
}

/* The AES key that stands in front, under RSA, wraps what is behind it (AWS: RSA_AES_KEY_WRAP_SHA_256). */
static struct status decrypt_import(const struct keypair *with, const struct key_call *c, struct arena *mem,
				    struct str *bytes)
{
	struct str aes;
	size_t n = keypair_cipher_size(with);

	if (!c->flag)
		return keypair_decrypt(with, c->algorithm, c->input, mem, bytes);
	if (c->input.n <= n)
		return ERR(E_CORRUPT);
	TRY(keypair_decrypt(with, c->algorithm, str_sub(c->input, 0, n), mem, &aes));
	return aes_unwrap_padded(aes, str_from(c->input, n), mem, bytes);
}

static struct status wrap_imported(struct key_local *k, const struct key_call *c, struct str bytes, struct arena *mem,
				   struct key_answer *a)
{
	struct keypair *pair;
	size_t want = c->kind == MATERIAL_AES_256 ? 32 : mac_size(material_mac(c->kind));

	if (material_keypair(c->kind)) {
		TRY(keypair_from_private(material_keypair(c->kind), bytes, &pair));
		return wrap_pair(k, c, pair, mem, a);
	}
	return bytes.n == want ? wrap_material(k, c, bytes, mem, a) : ERR(E_INVALID);
}

static struct status answer_import(struct key_local *k, const struct key_call *c, struct arena *mem,
				   struct key_answer *a)
{
	struct pin with;
	struct str bytes;

	TRY(pin_keypair(k, c->key, &with));
	struct status st = decrypt_import(with.m->keypair, c, mem, &bytes);
	unpin(&with);
	TRY(st);
	return wrap_imported(k, c, bytes, mem, a);
}

/* ---- using material ---- */

static struct status answer_sign(struct key_local *k, const struct key_call *c, struct arena *mem, struct key_answer *a)
{
	struct pin p;

	TRY(pin_keypair(k, c->key, &p));
	struct status st = keypair_sign(p.m->keypair, c->algorithm, c->input, mem, &a->out);
	unpin(&p);
	return st;
}

static struct status answer_decrypt(struct key_local *k, const struct key_call *c, struct arena *mem,
				    struct key_answer *a)
{
	struct pin p;

	TRY(pin_keypair(k, c->key, &p));
	struct status st = keypair_decrypt(p.m->keypair, c->algorithm, c->input, mem, &a->out);
	unpin(&p);
	return st;
}

static struct status answer_agree(struct key_local *k, const struct key_call *c, struct arena *mem,
				  struct key_answer *a)
{
	struct pin p;

	TRY(pin_keypair(k, c->key, &p));
	struct status st = keypair_agree(p.m->keypair, c->input, mem, &a->out);
	unpin(&p);
	return st;
}

static struct status answer_hmac(struct key_local *k, const struct key_call *c, struct arena *mem, struct key_answer *a)
{
	struct pin p;

	TRY(pin_key(k, c->key, 0, &p));
	enum mac_algorithm mac = material_mac(p.m->kind);
	if (mac) {
		uint8_t *out = NEWS(mem, uint8_t, MAC_SIZE_MAX);
		mac_compute(mac, str_make(p.m->hmac, mac_size(mac)), c->input, out);
		a->out = str_make(out, mac_size(mac));
	}
	unpin(&p);
	return mac ? OK : ERR(E_UNSUPPORTED);
}

static struct status answer_pair(struct key_local *k, const struct key_call *c, struct arena *mem, struct key_answer *a)
{
	struct keypair *pair;
	struct pin p;

	TRY(pin_sealing(k, c->key, &p));
	struct status st = keypair_generate(material_keypair(c->kind), &pair);
	if (!failed(st)) {
		struct secret der = keypair_private(pair, k->secrets);
		a->out = seal(k, p.m, c->aad, secret_str(&der), mem);
		a->face = keypair_public(pair, mem);
		if (c->flag)
			secret_free(&der);
		a->secret = der;
		keypair_free(pair);
	}
	unpin(&p);
	return st;
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
	[KEY_OP_RESEAL] = answer_reseal,
	[KEY_OP_MATERIAL] = answer_material,
	[KEY_OP_IMPORT] = answer_import,
	[KEY_OP_SIGN] = answer_sign,
	[KEY_OP_DECRYPT] = answer_decrypt,
	[KEY_OP_AGREE] = answer_agree,
	[KEY_OP_HMAC] = answer_hmac,
	[KEY_OP_PAIR] = answer_pair,
	[KEY_OP_REWRAP] = answer_rewrap,
	[KEY_OP_ADOPT] = answer_adopt,
};

/* ---- what the functions above take for granted ---- */

static bool path_is_sane(const struct key_ref *leaf, size_t depth_max)
{
	size_t depth = 0;

	for (const struct key_ref *key = leaf; key; key = key->parent)
		if (++depth > depth_max || key->purpose.n == 0 || key->purpose.n > KEY_PURPOSE_MAX)
			return false;
	return true;
}

static bool makes_below(enum key_op op) { return op == KEY_OP_MATERIAL || op == KEY_OP_IMPORT; }

static bool kind_is_sane(const struct key_call *c)
{
	if (c->op == KEY_OP_PAIR)
		return material_keypair(c->kind) != KEYPAIR_NONE;
	return !makes_below(c->op) || (c->kind > MATERIAL_NONE && c->kind < MATERIAL_COUNT);
}

static bool is_sane(const struct key_call *c)
{
	bool below = makes_below(c->op);

	if (c->op < 1 || c->op >= KEY_OP_COUNT || !kind_is_sane(c))
		return false;
	if (!c->key && c->op != KEY_OP_NEW && c->op != KEY_OP_MATERIAL && c->op != KEY_OP_ADOPT)
		return false;
	if (c->op == KEY_OP_REWRAP && c->key->parent)
		return false;
	if ((c->op == KEY_OP_RESEAL || below) && !c->other) /* under the root stand keys that a rotation finds */
		return false;
	if ((c->op == KEY_OP_NEW || below) && (c->purpose.n == 0 || c->purpose.n > KEY_PURPOSE_MAX))
		return false;
	if (c->op == KEY_OP_DATA && (c->size < 1 || c->size > KEYRING_DATA_KEY_MAX))
		return false;
	return path_is_sane(c->key, c->op == KEY_OP_NEW ? KEY_DEPTH_MAX - 1 : KEY_DEPTH_MAX) &&
	       path_is_sane(c->other, below ? KEY_DEPTH_MAX - 1 : KEY_DEPTH_MAX);
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

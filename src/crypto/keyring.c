/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The keyring as its callers have it: each function puts its arguments into a call, and has
 * it answered here or by the keyholder (keyring_call.h).
 */
#include "crypto/keyring.h"

#include "base/str.h"
#include "crypto/hash.h"
#include "crypto/keyholder.h"
#include "crypto/keyring_call.h"
#include "crypto/keyholder_serve.h"
#include "crypto/root_rotation.h"

static const uint8_t top_id[32] = { 0 };

struct keyring {
	struct world *w;
	const char *root_path;
	struct secret_pool *secrets;
	struct key_local *local;    /* the keys are here, or */
	struct keyholder *holder;   /* in another process */
	bool parks;                 /* a fiber that calls is parked until the answer is there */
	struct keyring *for_fibers; /* the same keys, with `parks`; NULL in that one */
};

void key_rewrapped_name(struct str purpose, const uint8_t in[32], uint8_t out[32])
{
	uint8_t mask[32];
	struct hasher h;

	hasher_init(&h, HASH_SHA256);
	hasher_update(&h, S("holdfast rewrapped key 1"));
	hasher_update(&h, purpose);
	hasher_final(&h, mask);
	for (size_t i = 0; i < sizeof mask; i++)
		out[i] = in[i] ^ mask[i];
}

struct key_ref key_ref_of(const struct key_ref *parent, struct str purpose, struct str wrapped)
{
	struct key_ref key = { .wrapped = wrapped, .purpose = purpose, .parent = parent };
	uint8_t length[2] = { (uint8_t)(purpose.n >> 8), (uint8_t)purpose.n };
	struct hasher h;

	assert(purpose.n > 0 && purpose.n <= KEY_PURPOSE_MAX);
	if (!parent && key_is_rewrapped(wrapped)) {
		key_rewrapped_name(purpose, (const uint8_t *)wrapped.p + 1 + ROOT_ID_SIZE, key.id);
		return key;
	}
	hasher_init(&h, HASH_SHA256);
	hasher_update(&h, S("holdfast key ref 1"));
	hasher_update(&h, str_make(parent ? parent->id : top_id, sizeof top_id));
	hasher_update(&h, str_make(length, sizeof length));
	hasher_update(&h, purpose);
	hasher_update(&h, wrapped);
	hasher_final(&h, key.id);
	return key;
}

/* ---- opening ---- */

struct status keyring_create_root_from(struct world *w, const char *path, const struct root_wish *wish,
				       struct asker *asker)
{
	uint8_t key[ROOT_KEY_SIZE];

	world_random(w, key, sizeof key);
	struct status st = root_create(w, path, wish, asker, key);
	secret_wipe(key, sizeof key);
	return st;
}

struct status keyring_create_root(struct world *w, const char *path)
{
	struct asker nobody = ASK_NOBODY;
	return keyring_create_root_from(w, path, &(struct root_wish){ 0 }, &nobody);
}

static struct keyring *make(struct world *w, const char *root_path, struct secret_pool *secrets,
			    struct key_local *local, struct keyholder *holder)
{
	struct keyring *kr = HEAP(struct keyring);

	*kr = (struct keyring){ .secrets = secrets, .local = local, .holder = holder, .w = w };
	kr->root_path = heap_dup(str_make(root_path, strlen(root_path) + 1)).p;
	kr->for_fibers = HEAP(struct keyring);
	*kr->for_fibers = *kr;
	kr->for_fibers->parks = true;
	kr->for_fibers->for_fibers = NULL;
	return kr;
}

struct status keyring_open_asking(struct world *w, const char *root_path, struct asker *asker, struct keyring **out)
{
	struct root_set roots;

	TRY(root_set_open(w, root_path, asker, &roots));
	struct secret_pool *secrets = secret_pool_new();
	*out = make(w, root_path, secrets, key_local_new(w, secrets, &roots), NULL);
	return OK;
}

struct status keyring_open(struct world *w, const char *root_path, struct keyring **out)
{
	struct asker nobody = ASK_NOBODY;
	return keyring_open_asking(w, root_path, &nobody, out);
}

struct status keyring_open_apart(struct world *w, const char *root_path, const struct keyring_apart *apart,
				 struct keyring **out)
{
	struct keyholder *holder;

	TRY(keyholder_start(w, root_path, apart, &holder));
	*out = make(w, root_path, secret_pool_new(), NULL, holder);
	return OK;
}

_Noreturn void keyring_guardian(struct world *w, const char *root_path) { guardian_respawned(w, root_path); }

void keyring_close(struct keyring *kr)
{
	if (!kr)
		return;
	assert(kr->for_fibers); /* not to be called with what keyring_for_fibers gave */
	key_local_free(kr->local);
	keyholder_stop(kr->holder);
	secret_pool_free(kr->secrets);
	heap_free(kr->for_fibers);
	heap_free(kr->root_path);
	heap_free(kr);
}

struct keyring *keyring_for_fibers(struct keyring *kr) { return kr->for_fibers; }
struct secret_pool *keyring_secrets(struct keyring *kr) { return kr->secrets; }
struct keyring_health keyring_health(struct keyring *kr) { return keyholder_health(kr->holder); }

/* ---- asking ---- */

static struct status ask_keys(struct keyring *kr, const struct key_call *c, struct arena *mem, struct key_answer *out)
{
	if (kr->local)
		return key_local_answer(kr->local, c, mem, out);
	return keyholder_call(kr->holder, kr->parks, kr->secrets, c, mem, out);
}

static struct status ask_for_bytes(struct keyring *kr, const struct key_call *c, struct arena *mem, struct str *out)
{
	struct key_answer a;

	TRY(ask_keys(kr, c, mem, &a));
	*out = a.out;
	return OK;
}

/* For answers that are a status alone, or copied out at once. */
static struct status ask_briefly(struct keyring *kr, const struct key_call *c, void *out, size_t n)
{
	struct arena *mem = arena_new();
	struct str bytes;
	struct status st = ask_for_bytes(kr, c, mem, &bytes);

	if (!failed(st) && n) {
		assert(bytes.n == n);
		memcpy(out, bytes.p, n);
	}
	arena_wipe(mem);
	arena_free(mem);
	return st;
}

struct status keyring_key_new(struct keyring *kr, const struct key_ref *parent, struct str purpose, struct arena *mem,
			      struct str *wrapped)
{
	assert(purpose.n > 0 && purpose.n <= KEY_PURPOSE_MAX);
	struct key_call c = { .op = KEY_OP_NEW, .key = parent, .purpose = purpose };
	return ask_for_bytes(kr, &c, mem, wrapped);
}

struct status keyring_check(struct keyring *kr, const struct key_ref *key)
{
	return ask_briefly(kr, &(struct key_call){ .op = KEY_OP_CHECK, .key = key }, NULL, 0);
}

/* In this process nobody can leave another root; whoever rotates opens the keyring after he began. */
struct status keyring_adopt_root(struct keyring *kr)
{
	if (kr->holder)
		TRY(keyholder_adopt(kr->holder));
	return ask_briefly(kr, &(struct key_call){ .op = KEY_OP_ADOPT }, NULL, 0);
}

struct status keyring_rotation_under_way(struct keyring *kr, bool *is)
{
	if (kr->holder)
		return keyholder_rotation_under_way(kr->holder, is);
	*is = root_rotation_under_way(kr->w, kr->root_path);
	return OK;
}

struct status keyring_rotation_finish(struct keyring *kr)
{
	return kr->holder ? keyholder_rotation_finish(kr->holder) : root_rotation_finish(kr->w, kr->root_path);
}

struct status keyring_rewrap(struct keyring *kr, const struct key_ref *key, struct arena *mem, struct str *wrapped)
{
	assert(key && !key->parent);
	TRY(ask_for_bytes(kr, &(struct key_call){ .op = KEY_OP_REWRAP, .key = key }, mem, wrapped));
	if (!wrapped->n)
		*wrapped = (struct str){ 0 };
	return OK;
}

void keyring_forget(struct keyring *kr, const struct key_ref *key)
{
	/* It fails only when the keyholder is gone, and its memory with it. */
	(void)ask_briefly(kr, &(struct key_call){ .op = KEY_OP_FORGET, .key = key }, NULL, 0).code;
}

struct status keyring_seal(struct keyring *kr, const struct key_ref *key, struct str aad, struct str plain,
			   struct arena *mem, struct str *cipher)
{
	struct key_call c = { .op = KEY_OP_SEAL, .key = key, .aad = aad, .input = plain };
	assert(key);
	return ask_for_bytes(kr, &c, mem, cipher);
}

struct status keyring_unseal(struct keyring *kr, const struct key_ref *key, struct str aad, struct str cipher,
			     struct arena *mem, struct str *plain)
{
	struct key_call c = { .op = KEY_OP_UNSEAL, .key = key, .aad = aad, .input = cipher };
	assert(key);
	return ask_for_bytes(kr, &c, mem, plain);
}

struct status keyring_data_key(struct keyring *kr, const struct key_ref *key, struct str aad, size_t n,
			       struct secret *plain, struct arena *mem, struct str *cipher)
{
	struct key_call c = { .op = KEY_OP_DATA, .key = key, .aad = aad, .size = (uint32_t)n, .flag = !plain };
	struct key_answer a;

	assert(key && n >= 1 && n <= KEYRING_DATA_KEY_MAX);
	TRY(ask_keys(kr, &c, mem, &a));
	*cipher = a.out;
	if (plain)
		*plain = a.secret;
	return OK;
}

struct status keyring_data_key_open(struct keyring *kr, const struct key_ref *key, struct str aad, struct str cipher,
				    struct secret *plain)
{
	struct key_call c = { .op = KEY_OP_DATA_OPEN, .key = key, .aad = aad, .input = cipher };
	struct arena *mem = arena_new();
	struct key_answer a;

	assert(key);
	struct status st = ask_keys(kr, &c, mem, &a);
	arena_free(mem);
	if (!failed(st))
		*plain = a.secret;
	return st;
}

struct status keyring_mac(struct keyring *kr, const struct key_ref *key, struct str msg, uint8_t out[32])
{
	assert(key);
	return ask_briefly(kr, &(struct key_call){ .op = KEY_OP_MAC, .key = key, .input = msg }, out, 32);
}

struct status keyring_reseal(struct keyring *kr, const struct key_ref *from, struct str from_aad, struct str cipher,
			     const struct key_ref *to, struct str to_aad, struct arena *mem, struct str *out)
{
	struct key_call c = {
		.op = KEY_OP_RESEAL, .key = from, .aad = from_aad, .input = cipher, .other = to, .other_aad = to_aad
	};
	assert(from && to);
	return ask_for_bytes(kr, &c, mem, out);
}

/* ---- material ---- */

enum keypair_spec material_keypair(enum material kind)
{
	bool is = kind >= MATERIAL_RSA_2048 && kind <= MATERIAL_ED25519;
	return is ? (enum keypair_spec)(KEYPAIR_RSA_2048 + (kind - MATERIAL_RSA_2048)) : KEYPAIR_NONE;
}

enum mac_algorithm material_mac(enum material kind)
{
	bool is = kind >= MATERIAL_HMAC_224 && kind <= MATERIAL_HMAC_512;
	return is ? (enum mac_algorithm)(MAC_SHA224 + (kind - MATERIAL_HMAC_224)) : (enum mac_algorithm)0;
}

static struct status ask_for_wrapped(struct keyring *kr, const struct key_call *c, struct arena *mem,
				     struct str *wrapped, struct str *face)
{
	struct key_answer a;

	TRY(ask_keys(kr, c, mem, &a));
	*wrapped = a.out;
	*face = a.face;
	return OK;
}

struct status keyring_material_new(struct keyring *kr, const struct key_ref *parent, struct str purpose,
				   enum material kind, struct arena *mem, struct str *wrapped, struct str *face)
{
	struct key_call c = { .op = KEY_OP_MATERIAL, .other = parent, .purpose = purpose, .kind = kind };
	return ask_for_wrapped(kr, &c, mem, wrapped, face);
}

struct status keyring_material_import(struct keyring *kr, const struct material_import *in,
				      const struct key_ref *parent, struct str purpose, enum material kind,
				      struct arena *mem, struct str *wrapped, struct str *face)
{
	struct key_call c = {
		.op = KEY_OP_IMPORT,
		.key = in->with,
		.algorithm = in->algorithm,
		.flag = in->aes,
		.input = in->encrypted,
		.other = parent,
		.purpose = purpose,
		.kind = kind,
	};
	return ask_for_wrapped(kr, &c, mem, wrapped, face);
}

struct status keyring_sign(struct keyring *kr, const struct key_ref *key, enum keypair_algorithm a, struct str digest,
			   struct arena *mem, struct str *signature)
{
	struct key_call c = { .op = KEY_OP_SIGN, .key = key, .algorithm = a, .input = digest };
	return ask_for_bytes(kr, &c, mem, signature);
}

struct status keyring_decrypt(struct keyring *kr, const struct key_ref *key, enum keypair_algorithm a,
			      struct str cipher, struct arena *mem, struct str *plain)
{
	struct key_call c = { .op = KEY_OP_DECRYPT, .key = key, .algorithm = a, .input = cipher };
	return ask_for_bytes(kr, &c, mem, plain);
}

struct status keyring_agree(struct keyring *kr, const struct key_ref *key, struct str peer_spki, struct arena *mem,
			    struct str *shared)
{
	struct key_call c = { .op = KEY_OP_AGREE, .key = key, .input = peer_spki };
	return ask_for_bytes(kr, &c, mem, shared);
}

struct status keyring_hmac(struct keyring *kr, const struct key_ref *key, struct str msg, struct arena *mem,
			   struct str *mac)
{
	struct key_call c = { .op = KEY_OP_HMAC, .key = key, .input = msg };
	return ask_for_bytes(kr, &c, mem, mac);
}

struct status keyring_data_pair(struct keyring *kr, const struct key_ref *key, struct str aad, enum material kind,
				struct secret *plain, struct arena *mem, struct str *cipher, struct str *public_key)
{
	struct key_call c = { .op = KEY_OP_PAIR, .key = key, .aad = aad, .kind = kind, .flag = !plain };
	struct key_answer a;

	TRY(ask_keys(kr, &c, mem, &a));
	*cipher = a.out;
	*public_key = a.face;
	if (plain)
		*plain = a.secret;
	return OK;
}

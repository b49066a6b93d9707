/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys with a kind: made, imported, and used where they are.
 */
#include "crypto/keyring_local.h"

#include "base/buf.h"
#include "base/str.h"

static struct status wrap_material(struct key_local *k, const struct key_call *c, struct str bytes, struct arena *mem,
				   struct key_answer *a)
{
	char room[KEY_AAD_MAX];
	struct key_pin p;

	TRY(key_pin_parent(k, c->other, &p));
	size_t n = KEY_MATERIAL_HEAD + bytes.n + AEAD_OVERHEAD;
	uint8_t *out = NEWS(mem, uint8_t, n);
	out[0] = KEY_FORMAT_MATERIAL;
	out[1] = (uint8_t)c->kind;
	aead_seal(&p.m->wrap, k->w, key_material_aad(room, c->other, c->kind, c->purpose), bytes,
		  out + KEY_MATERIAL_HEAD);
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
	key_unpin(&p);
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

struct status key_op_material(struct key_local *k, const struct key_call *c, struct arena *mem, struct key_answer *a)
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

struct status key_op_import(struct key_local *k, const struct key_call *c, struct arena *mem, struct key_answer *a)
{
	struct key_pin with;
	struct str bytes;

	TRY(key_pin_keypair(k, c->key, &with));
	struct status st = decrypt_import(with.m->keypair, c, mem, &bytes);
	key_unpin(&with);
	TRY(st);
	return wrap_imported(k, c, bytes, mem, a);
}

/* ---- using material ---- */

struct status key_op_sign(struct key_local *k, const struct key_call *c, struct arena *mem, struct key_answer *a)
{
	struct key_pin p;

	TRY(key_pin_keypair(k, c->key, &p));
	struct status st = keypair_sign(p.m->keypair, c->algorithm, c->input, mem, &a->out);
	key_unpin(&p);
	return st;
}

struct status key_op_decrypt(struct key_local *k, const struct key_call *c, struct arena *mem, struct key_answer *a)
{
	struct key_pin p;

	TRY(key_pin_keypair(k, c->key, &p));
	struct status st = keypair_decrypt(p.m->keypair, c->algorithm, c->input, mem, &a->out);
	key_unpin(&p);
	return st;
}

struct status key_op_agree(struct key_local *k, const struct key_call *c, struct arena *mem, struct key_answer *a)
{
	struct key_pin p;

	TRY(key_pin_keypair(k, c->key, &p));
	struct status st = keypair_agree(p.m->keypair, c->input, mem, &a->out);
	key_unpin(&p);
	return st;
}

struct status key_op_hmac(struct key_local *k, const struct key_call *c, struct arena *mem, struct key_answer *a)
{
	struct key_pin p;

	TRY(key_pin(k, c->key, 0, &p));
	enum mac_algorithm mac = material_mac(p.m->kind);
	if (mac) {
		uint8_t *out = NEWS(mem, uint8_t, MAC_SIZE_MAX);
		mac_compute(mac, str_make(p.m->hmac, mac_size(mac)), c->input, out);
		a->out = str_make(out, mac_size(mac));
	}
	key_unpin(&p);
	return mac ? OK : ERR(E_UNSUPPORTED);
}

struct status key_op_pair(struct key_local *k, const struct key_call *c, struct arena *mem, struct key_answer *a)
{
	struct keypair *pair;
	struct key_pin p;

	TRY(key_pin_sealing(k, c->key, &p));
	struct status st = keypair_generate(material_keypair(c->kind), &pair);
	if (!failed(st)) {
		struct secret der = keypair_private(pair, k->secrets);
		a->out = key_seal(k, p.m, c->aad, secret_str(&der), mem);
		a->face = keypair_public(pair, mem);
		if (c->flag)
			secret_free(&der);
		a->secret = der;
		keypair_free(pair);
	}
	key_unpin(&p);
	return st;
}

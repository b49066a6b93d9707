/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys that seal callers' bytes, and the keys that are made below others.
 *
 *     ciphertext   = 1 | XAES(seal, plaintext, aad = the caller's)
 */
#include "crypto/keyring_local.h"

#include "base/str.h"

struct status key_op_new(struct key_local *k, const struct key_call *c, struct arena *mem, struct key_answer *a)
{
	char room[KEY_AAD_MAX];
	uint8_t raw[32];
	struct key_pin p;

	TRY(key_pin_parent(k, c->key, &p));
	uint8_t *out = NEWS(mem, uint8_t, KEY_WRAPPED_SIZE);
	out[0] = KEY_FORMAT;
	world_random(k->w, raw, sizeof raw);
	aead_seal(&p.m->wrap, k->w, key_wrap_aad(room, c->key, c->purpose), str_make(raw, sizeof raw), out + 1);
	secret_wipe(raw, sizeof raw);
	key_unpin(&p);
	a->out = str_make(out, KEY_WRAPPED_SIZE);
	return OK;
}

struct str key_seal(struct key_local *k, const struct key_material *m, struct str aad, struct str plain,
		    struct arena *mem)
{
	uint8_t *out = NEWS(mem, uint8_t, plain.n + KEYRING_SEAL_OVERHEAD);

	out[0] = KEY_FORMAT;
	aead_seal(&m->seal, k->w, aad, plain, out + 1);
	return str_make(out, plain.n + KEYRING_SEAL_OVERHEAD);
}

struct status key_op_seal(struct key_local *k, const struct key_call *c, struct arena *mem, struct key_answer *a)
{
	struct key_pin p;

	TRY(key_pin_sealing(k, c->key, &p));
	a->out = key_seal(k, p.m, c->aad, c->input, mem);
	key_unpin(&p);
	return OK;
}

/* The sealed part of a ciphertext, when its form is right. */
static struct status sealed_part(struct str cipher, struct str *sealed)
{
	if (cipher.n < KEYRING_SEAL_OVERHEAD || cipher.p[0] != KEY_FORMAT)
		return ERR(E_CORRUPT);
	*sealed = str_from(cipher, 1);
	return OK;
}

struct status key_op_unseal(struct key_local *k, const struct key_call *c, struct arena *mem, struct key_answer *a)
{
	struct str sealed;
	struct key_pin p;

	TRY(key_pin_sealing(k, c->key, &p));
	struct status st = sealed_part(c->input, &sealed);
	if (!failed(st))
		st = aead_open_new(&p.m->seal, c->aad, sealed, mem, &a->out);
	key_unpin(&p);
	return st;
}

struct status key_op_data(struct key_local *k, const struct key_call *c, struct arena *mem, struct key_answer *a)
{
	struct key_pin p;

	TRY(key_pin_sealing(k, c->key, &p));
	struct secret s = secret_new(k->secrets, c->size);
	world_random(k->w, s.p, s.n);
	a->out = key_seal(k, p.m, c->aad, secret_str(&s), mem);
	key_unpin(&p);
	if (c->flag)
		secret_free(&s);
	a->secret = s;
	return OK;
}

struct status key_op_data_open(struct key_local *k, const struct key_call *c, struct arena *mem, struct key_answer *a)
{
	struct str sealed;
	struct key_pin p;

	(void)mem;
	TRY(key_pin_sealing(k, c->key, &p));
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
	key_unpin(&p);
	return st;
}

struct status key_op_mac(struct key_local *k, const struct key_call *c, struct arena *mem, struct key_answer *a)
{
	struct key_pin p;

	TRY(key_pin_sealing(k, c->key, &p));
	uint8_t *out = NEWS(mem, uint8_t, 32);
	hmac_key_mac(&p.m->mac, c->input, out);
	key_unpin(&p);
	a->out = str_make(out, 32);
	return OK;
}

struct status key_op_reseal(struct key_local *k, const struct key_call *c, struct arena *mem, struct key_answer *a)
{
	struct key_answer opened = { 0 };
	struct key_pin to;

	TRY(key_op_unseal(k, c, mem, &opened));
	TRY(key_pin_sealing(k, c->other, &to));
	a->out = key_seal(k, to.m, c->other_aad, opened.out, mem);
	key_unpin(&to);
	return OK;
}

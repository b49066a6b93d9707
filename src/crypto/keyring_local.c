/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The keyring where the keys are: what may be asked, and who answers it. In the server this
 * code runs in the keyholder; what asks may be a process that strangers have taken over, so
 * a call's form is judged here, once, before anything else is done with it.
 */
#include "crypto/keyring_local.h"

#include "base/str.h"

struct key_local *key_local_new(struct world *w, struct secret_pool *secrets, struct root_set *roots)
{
	struct key_local *k = HEAP(struct key_local);

	k->w = w;
	k->secrets = secrets;
	k->cache = key_cache_new();
	pthread_mutex_init(&k->adopting, NULL);
	assert(roots->n >= 1 && roots->n <= ROOTS_MAX);
	for (size_t i = 0; i < roots->n; i++)
		(void)key_root_add(k, roots->key[i]).code; /* there is room */
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

/* ---- what needs no file of its own ---- */

static struct status key_op_check(struct key_local *k, const struct key_call *c, struct arena *mem,
				  struct key_answer *a)
{
	struct key_pin p;

	(void)mem, (void)a;
	TRY(key_pin(k, c->key, 0, &p));
	key_unpin(&p);
	return OK;
}

static struct status key_op_forget(struct key_local *k, const struct key_call *c, struct arena *mem,
				   struct key_answer *a)
{
	(void)mem, (void)a;
	key_cache_forget(k->cache, c->key->id);
	return OK;
}

static key_op_run *const answers[KEY_OP_COUNT] = {
	[KEY_OP_NEW] = key_op_new,
	[KEY_OP_CHECK] = key_op_check,
	[KEY_OP_FORGET] = key_op_forget,
	[KEY_OP_SEAL] = key_op_seal,
	[KEY_OP_UNSEAL] = key_op_unseal,
	[KEY_OP_DATA] = key_op_data,
	[KEY_OP_DATA_OPEN] = key_op_data_open,
	[KEY_OP_MAC] = key_op_mac,
	[KEY_OP_RESEAL] = key_op_reseal,
	[KEY_OP_MATERIAL] = key_op_material,
	[KEY_OP_IMPORT] = key_op_import,
	[KEY_OP_SIGN] = key_op_sign,
	[KEY_OP_DECRYPT] = key_op_decrypt,
	[KEY_OP_AGREE] = key_op_agree,
	[KEY_OP_HMAC] = key_op_hmac,
	[KEY_OP_PAIR] = key_op_pair,
	[KEY_OP_REWRAP] = key_op_rewrap,
	[KEY_OP_ADOPT] = key_op_adopt,
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

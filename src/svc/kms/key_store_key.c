/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys in custom key stores: AES-256 keys that a token makes, keeps, and works with. In the
 * token a key's label is its id.
 *
 * Tokens take additional data of few bytes, so they are given the SHA-256 of what a blob of
 * ours is authenticated with (kms_aad).
 */
#include "api/faults.h"
#include "base/log.h"
#include "base/str.h"
#include "crypto/hash.h"
#include "svc/kms/key_store_link.h"
#include "svc/kms/key_store_use.h"
#include "svc/kms/quota.h"
#include "svc/kms/spec.h"
#include "svc/kms/wipe.h"

enum { BURY_MAX = 256 };

/* ---- asking the token ------------------------------------------------------------------ */

/* As the keyring would say it. */
static struct status status_of(const struct token_answer *a)
{
	switch (a->result) {
	case TOKEN_DONE:
		return OK;
	case TOKEN_NO_KEY:
		return ERR(E_NO_KEY);
	case TOKEN_BAD_INPUT:
		return ERR(E_CORRUPT);
	default:
		return ERR(E_IO);
	}
}

static struct status ask(struct req *rq, struct str store, const struct token_call *c, struct token_answer *a)
{
	TRY(kms_link_call(rq->app, store, c, rq->mem, a));
	return status_of(a);
}

static struct str digest_of(struct req *rq, struct str aad)
{
	uint8_t *sum = NEWS(rq->mem, uint8_t, SHA256_SIZE);
	sha256(aad, sum);
	return str_make(sum, SHA256_SIZE);
}

struct status kms_hsm_seal(struct req *rq, const struct kms_key *key, struct str aad, struct str plain,
			   struct str *sealed)
{
	const struct token_call c = { .op = TOKEN_SEAL, .key = key->id, .aad = digest_of(rq, aad), .input = plain };
	struct token_answer a;
	TRY(ask(rq, key->row.custom_key_store_id, &c, &a));
	*sealed = a.out;
	return OK;
}

struct status kms_hsm_unseal(struct req *rq, const struct kms_key *key, struct str aad, struct str sealed,
			     struct str *plain)
{
	const struct token_call c = { .op = TOKEN_UNSEAL, .key = key->id, .aad = digest_of(rq, aad), .input = sealed };
	struct token_answer a;
	if (sealed.n > TOKEN_TEXT_MAX + TOKEN_SEAL_OVERHEAD || sealed.n < TOKEN_SEAL_OVERHEAD)
		return ERR(E_CORRUPT);
	TRY(ask(rq, key->row.custom_key_store_id, &c, &a));
	*plain = a.plain;
	kms_wipe_later(rq, *plain);
	return OK;
}

struct status kms_hsm_data_key(struct req *rq, const struct kms_key *key, struct str aad, size_t n,
			       struct secret *plain, struct str *sealed)
{
	struct secret made = secret_new(keyring_secrets(rq->app->keyring), n);
	world_random(rq->app->world, made.p, n);
	struct status st = kms_hsm_seal(rq, key, aad, secret_str(&made), sealed);
	if (failed(st) || !plain)
		secret_free(&made);
	else
		*plain = made;
	return st;
}

struct status kms_hsm_failed(struct req *rq, const struct kms_key *key, struct status st)
{
	log_error("a key in a custom key store cannot be used", "request", rq->id, "key", key->arn, "status",
		  str_of(status_name(st)));
	if (st.code == E_NO_KEY)
		return FAIL(rq, kms_KMSInvalidStateException,
			    "The key material of %.*s is not in the token of its custom key store.", PR(key->arn));
	if (st.code == E_BUSY)
		return FAIL(rq, kms_KMSInvalidStateException,
			    "The custom key store of %.*s lost its connection. Please try again.", PR(key->arn));
	return FAIL(rq, kms_KMSInvalidStateException, "The token of the custom key store of %.*s failed.",
		    PR(key->arn));
}

struct status kms_hsm_random(struct req *rq, struct str store, struct secret *into)
{
	const struct token_call c = { .op = TOKEN_RANDOM, .size = (uint32_t)into->n };
	struct kms_key_store_row row;
	struct token_answer a;
	struct shard *shard;
	TRY(kms_store_load(rq, store, &shard, &row));
	enum kms_connection_state_type state = kms_connection_of(rq->app, store, &row).state;
	if (state != KMS_CONNECTION_STATE_TYPE_CONNECTED)
		return kms_store_wrong_state(rq, store, state);
	struct status st = ask(rq, store, &c, &a);
	if (failed(st) || a.plain.n != into->n)
		return FAIL(rq, kms_KMSInternalException, "The token of the custom key store %.*s failed.", PR(store));
	memcpy(into->p, a.plain.p, into->n);
	kms_wipe_later(rq, a.plain);
	return OK;
}

/* ---- states ------------------------------------------------------------------------------- */

struct status kms_store_ready(struct req *rq, struct str arn, const struct kms_key_row *row)
{
	bool fine = !kms_in_store(row) || row->state == KMS_KEY_STATE_PENDING_DELETION ||
		    kms_link_up(rq->app, row->custom_key_store_id);
	if (fine)
		return OK;
	return FAIL(rq, kms_KMSInvalidStateException, "%.*s is unavailable.", PR(arn));
}

struct status kms_store_describe(struct req *rq, const struct kms_key_row *row, struct shard *shard,
				 struct kms_key_metadata *m)
{
	struct kms_key_store_row store;
	struct txn *t;
	if (!kms_in_store(row))
		return OK;
	TRY(req_read(rq, shard, &t));
	TRY(kms_store_get(rq, t, row->custom_key_store_id, &store));
	m->cloud_hsm_cluster_id = store.cluster_id;
	if (row->state == KMS_KEY_STATE_PENDING_DELETION || kms_link_up(rq->app, row->custom_key_store_id))
		return OK;
	m->key_state = KMS_KEY_STATE_UNAVAILABLE;
	m->enabled = (struct opt_bool)SET(false);
	return OK;
}

/* ---- new keys ------------------------------------------------------------------------------ */

static struct status unsupported(struct req *rq, const char *what)
{
	return FAIL(rq, kms_UnsupportedOperationException, "%s", what);
}

static struct status check_kind(struct req *rq, const struct kms_create_key_in *in)
{
	if (in->xks_key_id.p)
		return FAIL(rq, api_ValidationException, "XksKeyId is valid only with the origin EXTERNAL_KEY_STORE.");
	if (kms_asked_spec(in) != KMS_KEY_SPEC_SYMMETRIC_DEFAULT)
		return unsupported(rq, "Custom key stores hold keys of the key spec SYMMETRIC_DEFAULT only.");
	if (in->multi_region)
		return unsupported(rq, "Custom key stores hold no multi-Region keys.");
	return OK;
}

struct status kms_store_check_new(struct req *rq, const struct kms_create_key_in *in)
{
	struct kms_key_store_row row;
	struct shard *shard;
	struct txn *t;
	if (in->origin != KMS_ORIGIN_TYPE_AWS_CLOUDHSM)
		return FAIL(rq, api_ValidationException,
			    "CustomKeyStoreId is valid only with the origins AWS_CLOUDHSM and EXTERNAL_KEY_STORE.");
	if (!in->custom_key_store_id.p)
		return FAIL(rq, api_ValidationException, "The origin AWS_CLOUDHSM needs a CustomKeyStoreId.");
	TRY(check_kind(rq, in));
	TRY(kms_store_load(rq, in->custom_key_store_id, &shard, &row));
	enum kms_connection_state_type state = kms_connection_of(rq->app, in->custom_key_store_id, &row).state;
	if (state != KMS_CONNECTION_STATE_TYPE_CONNECTED)
		return kms_store_wrong_state(rq, in->custom_key_store_id, state);
	TRY(req_read(rq, shard, &t));
	struct status st = kms_quota_check(rq, t); /* before a key is in the token that nobody would take away */
	req_read_end(rq);                          /* what comes next waits for the token */
	return st;
}

static struct status announce(struct req *rq, struct str store, struct str id)
{
	struct shard *shard;
	struct txn *t;
	TRY(kms_shard(rq, rq->caller.account, &shard));
	TRY(txn_write(shard, &t));
	return txn_finish(t, txn_put(t, kms_store_key(rq->mem, 'X', store, id), kms_links_life(rq->app)));
}

struct status kms_store_generate(struct req *rq, struct str store, struct str id)
{
	const struct token_call c = { .op = TOKEN_GENERATE, .key = id };
	struct token_answer a = { 0 };
	struct status st = announce(rq, store, id);
	if (!failed(st))
		st = ask(rq, store, &c, &a);
	if (!failed(st))
		return OK;
	log_error("no key was made in a custom key store", "request", rq->id, "store", store, "status",
		  str_of(status_name(st)));
	return FAIL(rq, kms_KMSInternalException, "The key material could not be made in the token. Please try again.");
}

struct status kms_store_adopt(struct req *rq, struct txn *t, struct str store, struct str id, struct str *cluster)
{
	struct kms_key_store_row row;
	struct status st = kms_store_get(rq, t, store, &row);
	if (st.code == E_NOT_FOUND)
		return kms_no_store(rq, store);
	TRY(st);
	enum kms_connection_state_type state = kms_connection_of(rq->app, store, &row).state;
	if (state != KMS_CONNECTION_STATE_TYPE_CONNECTED)
		return kms_store_wrong_state(rq, store, state);
	*cluster = row.cluster_id;
	TRY(txn_del(t, kms_store_key(rq->mem, 'X', store, id)));
	return txn_put(t, kms_store_key(rq->mem, 'U', store, id), S(""));
}

/* ---- the end of keys ---------------------------------------------------------------------- */

struct status kms_store_orphan(struct req *rq, struct txn *t, struct str store, struct str id)
{
	TRY(txn_del(t, kms_store_key(rq->mem, 'U', store, id)));
	return txn_put(t, kms_store_key(rq->mem, 'X', store, id), S(""));
}

static struct status list_orphans(struct req *rq, struct shard *shard, struct str store, struct str *ids, size_t *n)
{
	static const struct str none;
	struct cursor c;
	struct txn *t;
	TRY(req_read(rq, shard, &t));
	TRY(txn_range(t, &(struct range){ .prefix = kms_store_key(rq->mem, 'X', store, none) }, &c));
	while (*n < BURY_MAX && cursor_next(&c)) {
		if (str_eq(c.val, kms_links_life(rq->app)))
			continue; /* being made */
		struct rd r = rd_of(str_dup(rq->mem, c.key));
		(void)key_take_tag(&r);
		(void)key_take_str(&r, rq->mem);
		ids[(*n)++] = key_take_str(&r, rq->mem);
	}
	TRY(cursor_end(&c));
	req_read_end(rq);
	return OK;
}

/* No key of that name is as good. */
static struct status destroy(struct req *rq, struct shard *shard, struct str store, struct str id)
{
	const struct token_call c = { .op = TOKEN_DESTROY, .key = id };
	struct token_answer a = { 0 };
	struct txn *t;
	struct status st = ask(rq, store, &c, &a);
	if (failed(st) && st.code != E_NO_KEY)
		return st;
	TRY(txn_write(shard, &t));
	TRY(txn_finish(t, txn_del(t, kms_store_key(rq->mem, 'X', store, id))));
	log_info("key material destroyed in a token", "store", store, "key", id);
	return OK;
}

void kms_store_bury(struct req *rq, struct shard *shard, struct str store)
{
	struct str *ids = NEWS(rq->mem, struct str, BURY_MAX);
	struct status st;
	size_t n;
	do {
		n = 0;
		st = kms_link_up(rq->app, store) ? list_orphans(rq, shard, store, ids, &n) : ERR(E_BUSY);
		for (size_t i = 0; i < n && !failed(st); i++)
			st = destroy(rq, shard, store, ids[i]);
	} while (n == BURY_MAX && !failed(st));
	if (failed(st))
		log_warn("key material stays in a token until its custom key store is connected", "store", store,
			 "status", str_of(status_name(st)));
}

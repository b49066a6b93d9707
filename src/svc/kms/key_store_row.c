/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Custom key stores and tokens as rows; the PIN sealed.
 */
#include "api/accounts.h"
#include "base/log.h"
#include "base/str.h"
#include "svc/kms/key_store.h"
#include "wire/pack.h"

struct str kms_store_key(struct arena *mem, char tag, struct str a, struct str b)
{
	return key_of(mem, tag, a, b, (struct str){ 0 });
}

static const struct str none;

struct status kms_store_get(struct req *rq, struct txn *t, struct str id, struct kms_key_store_row *row)
{
	struct str bytes;
	TRY(txn_get(t, kms_store_key(rq->mem, 'V', id, none), rq->mem, &bytes));
	*row = (struct kms_key_store_row){ 0 };
	return unpack(rq->mem, &kms_key_store_row_shape, bytes, row);
}

struct status kms_store_put(struct req *rq, struct txn *t, struct str id, const struct kms_key_store_row *row)
{
	struct buf b = buf_in(rq->mem);
	pack(&b, &kms_key_store_row_shape, row);
	return txn_put(t, kms_store_key(rq->mem, 'V', id, none), buf_str(&b));
}

struct status kms_hsm_get(struct req *rq, struct txn *t, struct str cluster, struct kms_hsm_row *row)
{
	struct str bytes;
	TRY(txn_get(t, kms_store_key(rq->mem, 'T', cluster, none), rq->mem, &bytes));
	*row = (struct kms_hsm_row){ 0 };
	return unpack(rq->mem, &kms_hsm_row_shape, bytes, row);
}

struct status kms_hsm_put(struct req *rq, struct txn *t, struct str cluster, const struct kms_hsm_row *row)
{
	struct buf b = buf_in(rq->mem);
	pack(&b, &kms_hsm_row_shape, row);
	return txn_put(t, kms_store_key(rq->mem, 'T', cluster, none), buf_str(&b));
}

struct status kms_no_store(struct req *rq, struct str id_or_name)
{
	return FAIL(rq, kms_CustomKeyStoreNotFoundException, "Custom key store '%.*s' is not found.", PR(id_or_name));
}

struct status kms_store_load(struct req *rq, struct str id, struct shard **shard, struct kms_key_store_row *row)
{
	struct txn *t;
	struct status st = kms_shard(rq, rq->caller.account, shard);
	if (!failed(st))
		st = req_read(rq, *shard, &t);
	if (!failed(st))
		st = kms_store_get(rq, t, id, row);
	return st.code == E_NOT_FOUND ? kms_no_store(rq, id) : st;
}

struct status kms_store_wrong_state(struct req *rq, struct str id, enum kms_connection_state_type state)
{
	static const char *const names[] = { "CONNECTED", "CONNECTING", "FAILED", "DISCONNECTED", "DISCONNECTING" };
	return FAIL(rq, kms_CustomKeyStoreInvalidStateException,
		    "Custom key store %.*s is in the connection state %s, which is not valid for this operation.",
		    PR(id), names[state - 1]);
}

/* ---- the PIN --------------------------------------------------------------------- */

static struct str pin_aad(struct req *rq, struct str store)
{
	return arena_printf(rq->mem, "custom-key-store/%.*s/%.*s", PR(rq->region), PR(store));
}

struct status kms_pin_seal(struct req *rq, struct str account, struct str store, struct str pin, struct str *sealed)
{
	const struct key_ref *parent;
	TRY(account_service_key(rq->app->accounts, account, S("kms"), &parent));
	struct status st = keyring_seal(rq->app->keyring, parent, pin_aad(rq, store), pin, rq->mem, sealed);
	if (!failed(st))
		return OK;
	log_error("a key store's PIN cannot be sealed", "request", rq->id, "status", str_of(status_name(st)));
	return FAIL(rq, kms_KMSInternalException, "The request failed because of an internal error. Please try again.");
}

struct status kms_pin_open(struct req *rq, struct str account, struct str store, struct str sealed, struct str *pin)
{
	const struct key_ref *parent;
	TRY(account_service_key(rq->app->accounts, account, S("kms"), &parent));
	return keyring_unseal(rq->app->keyring, parent, pin_aad(rq, store), sealed, rq->mem, pin);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "svc/kms/hsm.h"

#include "api/accounts.h"
#include "api/own_request.h"
#include "base/codec.h"
#include "base/str.h"
#include "crypto/token.h"
#include "crypto/x509.h"
#include "svc/kms/duty.h"
#include "svc/kms/key_store.h"
#include "wire/pack.h"

enum { ID_BYTES = 7, ID_CHARACTERS = 11 };

static struct req *request(struct app *app, struct arena *mem, struct str account, struct str region)
{
	return own_request(app, mem, &kms_service, "CreateCustomKeyStore", account, region);
}

/* ---- finding -------------------------------------------------------------------------- */

static struct status list(struct req *rq, struct txn *t, struct kms_hsm *v, size_t *n)
{
	struct cursor c;
	TRY(txn_range(t, &(struct range){ .prefix = S("T") }, &c));
	while (*n < KMS_HSMS_MAX && cursor_next(&c)) {
		struct kms_hsm_row row = { 0 };
		struct rd r = rd_of(str_dup(rq->mem, c.key));
		(void)key_take_tag(&r);
		struct str cluster = key_take_str(&r, rq->mem);
		TRY(unpack(rq->mem, &kms_hsm_row_shape, str_dup(rq->mem, c.val), &row));
		v[(*n)++] =
		    (struct kms_hsm){ row.name, cluster, row.module, row.label, row.trust_anchor, row.store_id };
	}
	return cursor_end(&c);
}

static const struct kms_hsm *named(const struct kms_hsm *v, size_t n, struct str name)
{
	for (size_t i = 0; i < n; i++)
		if (str_eq(v[i].name, name))
			return &v[i];
	return NULL;
}

static struct status list_now(struct req *rq, struct kms_hsm **out, size_t *n)
{
	struct shard *shard;
	struct txn *t;
	*out = NEWS(rq->mem, struct kms_hsm, KMS_HSMS_MAX);
	*n = 0;
	struct status st = kms_shard(rq, rq->account, &shard);
	if (st.code == E_NOT_FOUND)
		return OK;
	TRY(st);
	TRY(req_read(rq, shard, &t));
	return list(rq, t, *out, n);
}

struct status kms_hsm_list(struct app *app, struct arena *mem, struct str account, struct str region,
			   struct kms_hsm **out, size_t *n)
{
	struct req *rq = request(app, mem, account, region);
	struct status st = account_find(app->accounts, account) ? list_now(rq, out, n) : ERR(E_NOT_FOUND);
	req_unpin_all(rq);
	return st;
}

/* ---- adding ---------------------------------------------------------------------------- */

static bool is_word(struct str s, size_t max, const char *also)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];
		bool fine = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
			    (c && strchr(also, c));
		if (!fine)
			return false;
	}
	return s.n > 0 && s.n <= max;
}

static bool is_printable(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((uint8_t)s.p[i] < ' ' || s.p[i] == 127)
			return false;
	return true;
}

static bool can_be(struct str region, const struct kms_hsm *k)
{
	return is_word(k->name, KMS_HSM_NAME_MAX, "-_.") && is_word(region, 32, "-") && k->module.n > 1 &&
	       k->module.n <= TOKEN_PATH_MAX && k->module.p[0] == '/' && is_printable(k->module) && k->label.n > 0 &&
	       k->label.n <= TOKEN_LABEL_MAX && is_printable(k->label);
}

static struct str new_cluster(struct req *rq)
{
	uint8_t random[ID_BYTES];
	world_random(rq->app->world, random, sizeof random);
	struct str text = base32_encode(rq->mem, str_make(random, sizeof random));
	char *id = NEWS(rq->mem, char, ID_CHARACTERS);
	for (size_t i = 0; i < ID_CHARACTERS; i++)
		id[i] = text.p[i] >= 'A' && text.p[i] <= 'Z' ? (char)(text.p[i] - 'A' + 'a') : text.p[i];
	return arena_printf(rq->mem, "cluster-%.*s", ID_CHARACTERS, id);
}

static struct status new_anchor(struct req *rq, struct str name, struct str *out)
{
	struct arena *mem = arena_new();
	struct x509_pair pair;
	struct status st = x509_ca_new(rq->app->world, mem, arena_printf(mem, "Holdfast token %.*s", PR(name)), &pair);
	if (!failed(st))
		*out = str_dup(rq->mem, pair.cert_pem);
	arena_wipe(mem);
	arena_free(mem);
	return st;
}

static struct status put_new(struct req *rq, struct txn *t, struct kms_hsm *k, struct str replica_of)
{
	struct kms_hsm *v = NEWS(rq->mem, struct kms_hsm, KMS_HSMS_MAX);
	size_t n = 0;
	TRY(list(rq, t, v, &n));
	if (named(v, n, k->name))
		return ERR(E_EXISTS);
	if (n == KMS_HSMS_MAX)
		return ERR(E_FULL);
	if (replica_of.n) {
		const struct kms_hsm *first = named(v, n, replica_of);
		if (!first)
			return ERR(E_NOT_FOUND);
		k->trust_anchor = first->trust_anchor;
	}
	const struct kms_hsm_row row = {
		.created_at = rq->now_ms,
		.name = k->name,
		.module = k->module,
		.label = k->label,
		.trust_anchor = k->trust_anchor,
	};
	return kms_hsm_put(rq, t, k->cluster, &row);
}

static struct status add(struct req *rq, struct kms_hsm *k, struct str replica_of)
{
	struct shard *shard;
	struct txn *t;
	if (!account_find(rq->app->accounts, rq->account))
		return ERR(E_NOT_FOUND);
	k->cluster = new_cluster(rq);
	TRY(new_anchor(rq, k->name, &k->trust_anchor));
	TRY(kms_region_note(rq, rq->account));
	TRY(kms_shard_make(rq, rq->account, &shard));
	req_read_end(rq);
	TRY(txn_write(shard, &t));
	return txn_finish(t, put_new(rq, t, k, replica_of));
}

struct status kms_hsm_add(struct app *app, struct arena *mem, struct str account, struct str region,
			  const struct kms_hsm *what, struct str replica_of, struct kms_hsm *out)
{
	if (!can_be(region, what))
		return ERR(E_INVALID);
	struct req *rq = request(app, mem, account, region);
	*out = (struct kms_hsm){ .name = what->name, .module = what->module, .label = what->label };
	struct status st = add(rq, out, replica_of);
	req_unpin_all(rq);
	return st;
}

/* ---- removing ---------------------------------------------------------------------------- */

static struct status drop(struct req *rq, struct txn *t, struct str name)
{
	static const struct str none;
	struct kms_hsm *v = NEWS(rq->mem, struct kms_hsm, KMS_HSMS_MAX);
	size_t n = 0;
	TRY(list(rq, t, v, &n));
	const struct kms_hsm *k = named(v, n, name);
	if (!k)
		return ERR(E_NOT_FOUND);
	return k->store.n ? ERR(E_BUSY) : txn_del(t, kms_store_key(rq->mem, 'T', k->cluster, none));
}

static struct status remove_named(struct req *rq, struct str name)
{
	struct shard *shard;
	struct txn *t;
	if (!account_find(rq->app->accounts, rq->account))
		return ERR(E_NOT_FOUND);
	TRY(kms_shard(rq, rq->account, &shard));
	TRY(txn_write(shard, &t));
	return txn_finish(t, drop(rq, t, name));
}

struct status kms_hsm_remove(struct app *app, struct arena *mem, struct str account, struct str region, struct str name)
{
	struct req *rq = request(app, mem, account, region);
	struct status st = remove_named(rq, name);
	req_unpin_all(rq);
	return st;
}

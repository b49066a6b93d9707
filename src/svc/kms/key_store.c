/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CreateCustomKeyStore, UpdateCustomKeyStore, DeleteCustomKeyStore ("Custom key stores").
 *
 * AWS's words for what we have: the cluster is a token the operator told of (holdfast
 * keystore add), CloudHsmClusterId the id it got then, TrustAnchorCertificate the
 * certificate it got then, KeyStorePassword the PIN of the token's user.
 */
#include "svc/kms/key_store.h"

#include "api/faults.h"
#include "base/codec.h"
#include "base/str.h"
#include "svc/kms/key_store_link.h"
#include "wire/json_text.h"

enum { ID_BYTES = 9, ID_DIGITS = 17 };

static const struct str none;

static struct status invalid(struct req *rq, const char *why) { return FAIL(rq, api_ValidationException, "%s", why); }

static struct status no_cluster(struct req *rq, struct str cluster)
{
	return FAIL(rq, kms_CloudHsmClusterNotFoundException, "CloudHSM cluster '%.*s' is not found.", PR(cluster));
}

static struct status no_proxies(struct req *rq)
{
	return FAIL(rq, kms_UnsupportedOperationException,
		    "This server has no external key stores: custom key stores are of the type AWS_CLOUDHSM.");
}

/* ---- making one -------------------------------------------------------------------- */

static bool names_a_proxy(const struct kms_create_custom_key_store_in *in)
{
	return in->xks_proxy_uri_endpoint.p || in->xks_proxy_uri_path.p || in->xks_proxy_vpc_endpoint_service_name.p ||
	       in->xks_proxy_authentication_credential || in->xks_proxy_connectivity;
}

static struct status check_members(struct req *rq, const struct kms_create_custom_key_store_in *in)
{
	if (in->custom_key_store_type == KMS_CUSTOM_KEY_STORE_TYPE_EXTERNAL_KEY_STORE)
		return no_proxies(rq);
	if (names_a_proxy(in))
		return invalid(rq,
			       "XksProxy parameters are not valid for a custom key store of the type AWS_CLOUDHSM.");
	if (!in->cloud_hsm_cluster_id.p || !in->trust_anchor_certificate.p || !in->key_store_password.p)
		return invalid(rq, "CloudHsmClusterId, TrustAnchorCertificate and KeyStorePassword are required for a "
				   "custom key store of the type AWS_CLOUDHSM.");
	return OK;
}

static bool is_space(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

/* Line ends and what stands around the certificate may differ. */
static bool same_text(struct str a, struct str b)
{
	size_t i = 0, j = 0;
	for (;;) {
		while (i < a.n && is_space(a.p[i]))
			i++;
		while (j < b.n && is_space(b.p[j]))
			j++;
		if (i == a.n || j == b.n)
			return i == a.n && j == b.n;
		if (a.p[i++] != b.p[j++])
			return false;
	}
}

static struct status count_stores(struct req *rq, struct txn *t)
{
	struct cursor c;
	size_t n = 0;
	TRY(txn_range(t, &(struct range){ .prefix = S("V"), .keys_only = true }, &c));
	while (cursor_next(&c))
		n++;
	TRY(cursor_end(&c));
	if (n >= KMS_STORES_MAX)
		return FAIL(rq, kms_LimitExceededException, "An account has at most %d custom key stores in a Region.",
			    KMS_STORES_MAX);
	return OK;
}

static struct status take_name(struct req *rq, struct txn *t, struct str name, struct str id)
{
	struct str key = kms_store_key(rq->mem, 'N', name, none);
	bool taken;
	TRY(txn_has(t, key, &taken));
	if (taken)
		return FAIL(rq, kms_CustomKeyStoreNameInUseException,
			    "The custom key store name '%.*s' is already in use.", PR(name));
	return txn_put(t, key, id);
}

static struct status take_token(struct req *rq, struct txn *t, struct str cluster, struct str id,
				struct kms_hsm_row *token)
{
	if (token->store_id.n)
		return FAIL(rq, kms_CloudHsmClusterInUseException,
			    "CloudHSM cluster '%.*s' is already associated with a custom key store.", PR(cluster));
	token->store_id = id;
	return kms_hsm_put(rq, t, cluster, token);
}

static struct status create(struct req *rq, struct txn *t, const struct kms_create_custom_key_store_in *in,
			    struct str id, struct str pin)
{
	struct kms_hsm_row token;
	struct status st = kms_hsm_get(rq, t, in->cloud_hsm_cluster_id, &token);
	if (st.code == E_NOT_FOUND)
		return no_cluster(rq, in->cloud_hsm_cluster_id);
	TRY(st);
	if (!same_text(token.trust_anchor, in->trust_anchor_certificate))
		return FAIL(rq, kms_IncorrectTrustAnchorException,
			    "The trust anchor certificate is not the one of CloudHSM cluster '%.*s'.",
			    PR(in->cloud_hsm_cluster_id));
	TRY(count_stores(rq, t));
	TRY(take_name(rq, t, in->custom_key_store_name, id));
	TRY(take_token(rq, t, in->cloud_hsm_cluster_id, id, &token));
	const struct kms_key_store_row row = {
		.created_at = rq->now_ms,
		.name = in->custom_key_store_name,
		.cluster_id = in->cloud_hsm_cluster_id,
		.trust_anchor = token.trust_anchor,
		.pin = pin,
		.state = KMS_CONNECTION_STATE_TYPE_DISCONNECTED,
	};
	return kms_store_put(rq, t, id, &row);
}

static struct str new_id(struct req *rq)
{
	uint8_t random[ID_BYTES];
	world_random(rq->app->world, random, sizeof random);
	struct str digits = hex_encode(rq->mem, str_make(random, sizeof random));
	return arena_printf(rq->mem, "cks-%.*s", ID_DIGITS, digits.p);
}

struct status kms_create_custom_key_store(struct req *rq, const struct kms_create_custom_key_store_in *in,
					  struct kms_create_custom_key_store_out *out)
{
	struct str id = new_id(rq), pin;
	struct shard *shard;
	struct txn *t;
	TRY(check_members(rq, in));
	struct status st = kms_shard(rq, rq->caller.account, &shard);
	if (st.code == E_NOT_FOUND)
		return no_cluster(rq, in->cloud_hsm_cluster_id); /* tokens are in it */
	TRY(st);
	TRY(kms_pin_seal(rq, rq->caller.account, id, in->key_store_password, &pin));
	TRY(req_write_as_judged(rq, shard, CACHE_SLOTS, NULL, &t));
	TRY(create(rq, t, in, id, pin));
	out->custom_key_store_id = id;
	return OK;
}

/* ---- changing one -------------------------------------------------------------------- */

struct edit {
	struct txn *t;
	struct kms_key_store_row row;
	enum kms_connection_state_type state;
};

/* Requests name a store by its id; their records also say which that is. */
static void record_settings(struct req *rq, const struct kms_key_store_row *row)
{
	struct buf b = buf_in(rq->mem);
	buf_z(&b, "{\"customKeyStoreName\":");
	json_string_put(&b, row->name);
	buf_z(&b, ",\"clusterId\":");
	json_string_put(&b, row->cluster_id);
	buf_z(&b, "}");
	rq->record_extra = buf_str(&b);
}

static struct status edit_begin(struct req *rq, struct str id, struct edit *out)
{
	struct shard *shard;
	TRY(kms_store_load(rq, id, &shard, &out->row));
	TRY(req_write_as_judged(rq, shard, CACHE_SLOTS, NULL, &out->t));
	struct status st = kms_store_get(rq, out->t, id, &out->row);
	if (st.code == E_NOT_FOUND)
		return kms_no_store(rq, id);
	TRY(st);
	record_settings(rq, &out->row);
	out->state = kms_connection_of(rq->app, id, &out->row).state;
	return OK;
}

static struct status change_name(struct req *rq, struct edit *e, struct str id, struct str name)
{
	if (!name.p || str_eq(name, e->row.name))
		return OK;
	TRY(take_name(rq, e->t, name, id));
	TRY(txn_del(e->t, kms_store_key(rq->mem, 'N', e->row.name, none)));
	e->row.name = name;
	return OK;
}

static struct status drop_token(struct req *rq, struct txn *t, struct str cluster)
{
	struct kms_hsm_row token;
	struct status st = kms_hsm_get(rq, t, cluster, &token);
	if (st.code == E_NOT_FOUND)
		return OK;
	TRY(st);
	token.store_id = none;
	return kms_hsm_put(rq, t, cluster, &token);
}

/* Another token with the same keys: a backup's copy, which the operator added as a replica. */
static struct status change_token(struct req *rq, struct edit *e, struct str id, struct str cluster)
{
	struct kms_hsm_row token;
	if (!cluster.p || str_eq(cluster, e->row.cluster_id))
		return OK;
	struct status st = kms_hsm_get(rq, e->t, cluster, &token);
	if (st.code == E_NOT_FOUND)
		return no_cluster(rq, cluster);
	TRY(st);
	if (!same_text(token.trust_anchor, e->row.trust_anchor))
		return FAIL(rq, kms_CloudHsmClusterNotRelatedException,
			    "CloudHSM cluster '%.*s' has another trust anchor certificate than '%.*s'.", PR(cluster),
			    PR(e->row.cluster_id));
	TRY(drop_token(rq, e->t, e->row.cluster_id));
	e->row.cluster_id = cluster;
	return take_token(rq, e->t, cluster, id, &token);
}

static bool is_only_renamed(const struct kms_update_custom_key_store_in *in)
{
	return !in->key_store_password.p && !in->cloud_hsm_cluster_id.p;
}

struct status kms_update_custom_key_store(struct req *rq, const struct kms_update_custom_key_store_in *in,
					  struct kms_update_custom_key_store_out *out)
{
	struct str id = in->custom_key_store_id, pin = { 0 };
	struct edit e;
	(void)out;
	if (in->xks_proxy_uri_endpoint.p || in->xks_proxy_uri_path.p || in->xks_proxy_vpc_endpoint_service_name.p ||
	    in->xks_proxy_authentication_credential || in->xks_proxy_connectivity)
		return no_proxies(rq);
	if (in->key_store_password.p)
		TRY(kms_pin_seal(rq, rq->caller.account, id, in->key_store_password, &pin));
	TRY(edit_begin(rq, id, &e));
	bool fits = e.state == KMS_CONNECTION_STATE_TYPE_DISCONNECTED ||
		    (e.state == KMS_CONNECTION_STATE_TYPE_CONNECTED && is_only_renamed(in));
	if (!fits)
		return kms_store_wrong_state(rq, id, e.state);
	TRY(change_name(rq, &e, id, in->new_custom_key_store_name));
	TRY(change_token(rq, &e, id, in->cloud_hsm_cluster_id));
	if (pin.p)
		e.row.pin = pin;
	record_settings(rq, &e.row);
	return kms_store_put(rq, e.t, id, &e.row);
}

/* ---- removing one ------------------------------------------------------------------------ */

static struct status has_rows(struct req *rq, struct txn *t, char tag, struct str id, bool *out)
{
	struct cursor c;
	TRY(txn_range(t, &(struct range){ .prefix = kms_store_key(rq->mem, tag, id, none), .keys_only = true }, &c));
	*out = cursor_next(&c);
	return cursor_end(&c);
}

/* Keys that could not be destroyed stay in the token, as AWS leaves them in a cluster. */
static struct status drop_orphans(struct req *rq, struct txn *t, struct str id)
{
	struct cursor c;
	TRY(txn_range(t, &(struct range){ .prefix = kms_store_key(rq->mem, 'X', id, none), .keys_only = true }, &c));
	while (cursor_next(&c))
		TRY(txn_del(t, str_dup(rq->mem, c.key)));
	return cursor_end(&c);
}

struct status kms_delete_custom_key_store(struct req *rq, const struct kms_delete_custom_key_store_in *in,
					  struct kms_delete_custom_key_store_out *out)
{
	struct str id = in->custom_key_store_id;
	struct edit e;
	bool used;
	(void)out;
	TRY(edit_begin(rq, id, &e));
	TRY(has_rows(rq, e.t, 'U', id, &used));
	if (used)
		return FAIL(rq, kms_CustomKeyStoreHasCMKsException, "Custom key store %.*s contains KMS keys.", PR(id));
	if (e.state != KMS_CONNECTION_STATE_TYPE_DISCONNECTED)
		return kms_store_wrong_state(rq, id, e.state);
	TRY(drop_token(rq, e.t, e.row.cluster_id));
	TRY(drop_orphans(rq, e.t, id));
	TRY(txn_del(e.t, kms_store_key(rq->mem, 'N', e.row.name, none)));
	return txn_del(e.t, kms_store_key(rq->mem, 'V', id, none));
}

/* ---- connecting -------------------------------------------------------------------------- */

/* What follows a change of the wish, once that is durable; what fails leaves nothing to follow. */
struct follow {
	struct req *rq;
	struct str id;
	bool connect;
};

static void follow(void *arg)
{
	const struct follow *f = arg;
	struct req *rq = f->rq;
	if (rq->fault.kind)
		return;
	if (f->connect)
		kms_link_look(rq->app, rq->caller.account, rq->region, f->id);
	else
		kms_link_stop(rq->app, f->id);
}

static void follow_later(struct req *rq, struct str id, bool connect)
{
	struct follow *f = NEW(rq->mem, struct follow);
	*f = (struct follow){ rq, id, connect };
	req_pin(rq, follow, f);
}

static struct status set_wish(struct req *rq, struct edit *e, struct str id, enum kms_connection_state_type wish)
{
	e->row.state = wish;
	e->row.error = 0;
	follow_later(rq, id, wish == KMS_CONNECTION_STATE_TYPE_CONNECTED);
	return kms_store_put(rq, e->t, id, &e->row);
}

struct status kms_connect_custom_key_store(struct req *rq, const struct kms_connect_custom_key_store_in *in,
					   struct kms_connect_custom_key_store_out *out)
{
	struct str id = in->custom_key_store_id;
	struct edit e;
	(void)out;
	TRY(edit_begin(rq, id, &e));
	if (e.state == KMS_CONNECTION_STATE_TYPE_FAILED || e.state == KMS_CONNECTION_STATE_TYPE_DISCONNECTING)
		return kms_store_wrong_state(rq, id, e.state);
	return set_wish(rq, &e, id, KMS_CONNECTION_STATE_TYPE_CONNECTED);
}

struct status kms_disconnect_custom_key_store(struct req *rq, const struct kms_disconnect_custom_key_store_in *in,
					      struct kms_disconnect_custom_key_store_out *out)
{
	struct str id = in->custom_key_store_id;
	struct edit e;
	(void)out;
	TRY(edit_begin(rq, id, &e));
	if (e.state == KMS_CONNECTION_STATE_TYPE_DISCONNECTED || e.state == KMS_CONNECTION_STATE_TYPE_DISCONNECTING)
		return kms_store_wrong_state(rq, id, e.state);
	return set_wish(rq, &e, id, KMS_CONNECTION_STATE_TYPE_DISCONNECTED);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys as rows, and as the cached value that requests work with.
 */
#include "svc/kms/key.h"

#include "api/accounts.h"
#include "api/cache.h"
#include "base/log.h"
#include "base/str.h"
#include "base/time.h"
#include "crypto/hash.h"
#include "svc/kms/alias.h"
#include "svc/kms/deletion.h"
#include "svc/kms/imported.h"
#include "svc/kms/multiregion.h"
#include "svc/kms/quota.h"
#include "svc/kms/rotation.h"
#include "svc/kms/spec.h"
#include "svc/kms/usage.h"
#include "wire/pack.h"

enum { KEYS_CACHED = 128 * 1024 }; /* all of an account: KMS_KEYS_PER_REGION, and those of AWS */
static_assert((int)KEYS_CACHED > (int)KMS_KEYS_PER_REGION, "else whoever uses them all in turn finds none cached");

/* 100,000 keys with policies of the usual size; of those whose policies are as big as they may be, some 5,000. */
enum { KEYS_BYTES = 640 * 1024 * 1024 };

/* What a key needs that has neither aliases nor tags, of symmetric material. There may be very many. */
enum { KEY_BYTES = 1568 };

/* ---- rows ---------------------------------------------------------------------- */

static const struct str none;

struct str kms_key_of(struct arena *mem, char tag, struct str id) { return key_of(mem, tag, id, none, none); }

struct str kms_backing_key(struct arena *mem, struct str id, uint32_t generation)
{
	struct buf b = buf_in(mem);
	key_tag(&b, 'b');
	key_str(&b, id);
	key_u64(&b, generation);
	return buf_str(&b);
}

struct str kms_date_key(struct arena *mem, char tag, int64_t when_ms, struct str id)
{
	struct buf b = buf_in(mem);
	key_tag(&b, tag);
	key_u64(&b, (uint64_t)when_ms);
	key_str(&b, id);
	return buf_str(&b);
}

static struct status row_read(struct req *rq, struct txn *t, struct arena *mem, struct str id, struct kms_key_row *row)
{
	struct str bytes;
	TRY(txn_get(t, kms_key_of(rq->mem, 'k', id), mem, &bytes));
	*row = (struct kms_key_row){ 0 };
	return unpack(mem, &kms_key_row_shape, bytes, row);
}

struct status kms_row_get(struct req *rq, struct txn *t, struct str id, struct kms_key_row *row)
{
	return row_read(rq, t, rq->mem, id, row);
}

struct status kms_row_put(struct req *rq, struct txn *t, struct str id, const struct kms_key_row *row)
{
	struct buf b = buf_in(rq->mem);
	struct kms_key_row old;
	struct status st = kms_row_get(rq, t, id, &old);
	if (failed(st) && st.code != E_NOT_FOUND)
		return st;
	TRY(kms_rotation_index(rq, t, id, failed(st) ? NULL : &old, row));
	TRY(kms_expiry_index(rq, t, id, failed(st) ? NULL : &old, row));
	assert((row->state == KMS_KEY_STATE_PENDING_DELETION) == (row->delete_at != 0));
	pack(&b, &kms_key_row_shape, row);
	return txn_put(t, kms_key_of(rq->mem, 'k', id), buf_str(&b));
}

/* ---- loading ----------------------------------------------------------------------- */

/* A multi-Region key's material is the same in every region, wrapped bytes and all. */
struct str kms_purpose(struct arena *mem, struct str region, struct str id, uint32_t generation)
{
	if (kms_id_is_multi_region(id))
		return arena_printf(mem, "kms/mrk/%.*s/%u", PR(id), generation);
	return arena_printf(mem, "kms/%.*s/%.*s/%u", PR(region), PR(id), generation);
}

/* Material made before it had ids is told by its wrapped form, which no two have in common. */
static struct str material_id(struct kms_key *k, const struct kms_backing_row *row)
{
	if (row->material_id.n)
		return str_dup(k->mem, row->material_id);
	char *hex = NEWS(k->mem, char, 2 * SHA256_SIZE);
	sha256_hex(row->wrapped, hex);
	return str_make(hex, 2 * SHA256_SIZE);
}

static struct kms_backing backing_of(struct kms_key *k, const struct key_ref *parent, uint32_t generation,
				     const struct kms_backing_row *row)
{
	return (struct kms_backing){
		.generation = generation,
		.ref = key_ref_of(parent, kms_purpose(k->mem, k->region, k->id, generation),
				  str_dup(k->mem, row->wrapped)),
		.created_at = row->created_at,
		.rotation = row->rotation_type,
		.material_id = material_id(k, row),
		.expiration = row->expiration_model,
		.valid_to = row->valid_to,
		.description = row->description.p ? str_dup(k->mem, row->description) : (struct str){ 0 },
		.face = row->face.p ? str_dup(k->mem, row->face) : (struct str){ 0 },
	};
}

static struct status load_backing(struct req *rq, struct txn *t, struct kms_key *k)
{
	const struct key_ref *parent;
	struct cursor c;
	size_t cap = 0;
	TRY(account_service_key(rq->app->accounts, k->account, S("kms"), &parent));
	TRY(txn_range(t, &(struct range){ .prefix = kms_key_of(rq->mem, 'b', k->id) }, &c));
	while (cursor_next(&c)) {
		struct kms_backing_row row = { 0 };
		struct rd r = rd_of(c.key);
		(void)key_take_tag(&r);
		(void)key_take_str(&r, rq->mem);
		uint32_t generation = (uint32_t)key_take_u64(&r);
		if (r.bad || failed(unpack(rq->mem, &kms_backing_row_shape, c.val, &row)))
			return ERR(E_CORRUPT);
		if (k->n_backing == cap) {
			cap = cap ? 2 * cap : 1;
			struct kms_backing *more = NEWS(k->mem, struct kms_backing, cap);
			if (k->n_backing)
				memcpy(more, k->backing, k->n_backing * sizeof *more);
			k->backing = more;
		}
		k->backing[k->n_backing++] = backing_of(k, parent, generation, &row);
	}
	return cursor_end(&c);
}

static struct status load_aliases(struct req *rq, struct txn *t, struct kms_key *k)
{
	enum { ALIASES_MAX = 64 };
	struct str v[ALIASES_MAX];
	size_t n = 0;
	struct cursor c;
	TRY(txn_range(t, &(struct range){ .prefix = kms_key_of(rq->mem, 't', k->id), .keys_only = true }, &c));
	while (n < ALIASES_MAX && cursor_next(&c))
		v[n++] = str_dup(k->mem, kms_alias_in(rq, c.key));
	TRY(cursor_end(&c));
	if (n)
		k->aliases = (struct str_list){ memcpy(NEWS(k->mem, struct str, n), v, n * sizeof *v), n };
	return OK;
}

static void add_condition(struct kms_key *k, struct str name, const struct str *values, size_t n, bool multi)
{
	struct authz_key *c = NEW(k->mem, struct authz_key);
	*c = (struct authz_key){ name, values, n, multi, k->conditions };
	k->conditions = c;
}

static const struct str *add_text(struct kms_key *k, struct str name, struct str value)
{
	struct str *v = NEW(k->mem, struct str);
	*v = value;
	add_condition(k, name, v, 1, false);
	return v;
}

const char *kms_origin_name(enum kms_origin_type origin)
{
	static const char *const names[] = { "AWS_KMS", "EXTERNAL", "AWS_CLOUDHSM", "EXTERNAL_KEY_STORE" };
	return names[origin - 1];
}

static void make_conditions(struct kms_key *k)
{
	const struct str *spec = add_text(k, S("kms:KeySpec"), str_of(kms_spec_of(k->row.spec)->name));
	const struct str *usage = add_text(k, S("kms:KeyUsage"), str_of(kms_usage_name(k->row.usage)));
	add_condition(k, S("kms:CustomerMasterKeySpec"), spec, 1, false); /* their old names */
	add_condition(k, S("kms:CustomerMasterKeyUsage"), usage, 1, false);
	add_text(k, S("kms:KeyOrigin"), str_of(kms_origin_name(k->row.origin)));
	add_text(k, S("kms:MultiRegion"), k->row.multi_region ? S("true") : S("false"));
	if (k->row.multi_region)
		add_text(k, S("kms:MultiRegionKeyType"), kms_is_primary(&k->row) ? S("PRIMARY") : S("REPLICA"));
	if (k->aliases.n)
		add_condition(k, S("kms:ResourceAliases"), k->aliases.v, k->aliases.n, true);
}

/* Public keys are looked at once, not at every Verify. */
static struct status load_public(struct kms_key *k)
{
	enum keypair_spec spec = material_keypair(kms_spec_of(k->row.spec)->material);
	struct keypair *public;
	if (!spec)
		return OK;
	for (size_t i = 0; i < k->n_backing; i++) {
		if (k->backing[i].generation != k->row.generation)
			continue;
		TRY(keypair_from_public(spec, k->backing[i].face, &public));
		k->public = public;
		return OK;
	}
	return OK; /* nothing was imported yet */
}

static void make_tags(struct kms_key *k)
{
	struct str_entry *v = NEWS(k->mem, struct str_entry, k->row.tags.n + 1);
	for (size_t i = 0; i < k->row.tags.n; i++)
		v[i] = (struct str_entry){ k->row.tags.v[i].tag_key, k->row.tags.v[i].tag_value };
	k->tags = (struct str_map){ v, k->row.tags.n };
}

/* Most keys have the policy that keys get when nobody says another one: they share it. */
static struct status load_policy(struct req *rq, struct txn *t, struct kms_key *k)
{
	const struct policy *shared;
	struct str written, bound;
	TRY(txn_get(t, kms_key_of(rq->mem, 'p', k->id), rq->mem, &written));
	struct status st = txn_get(t, kms_key_of(rq->mem, 'P', k->id), rq->mem, &bound);
	bool same = st.code == E_NOT_FOUND;
	if (!same)
		TRY(st);
	TRY(cached_policy(rq, POLICY_RESOURCE, same ? written : bound, &shared));
	k->policy = policy_ref(shared);
	k->policy_written = same ? policy_text(k->policy) : str_dup(k->mem, written);
	return OK;
}

static struct status fill(struct req *rq, struct shard *shard, struct kms_key *k)
{
	struct txn *t;
	TRY(req_read(rq, shard, &t));
	TRY(row_read(rq, t, k->mem, k->id, &k->row));
	if (!kms_spec_of(k->row.spec))
		return ERR(E_CORRUPT);
	TRY(load_backing(rq, t, k));
	TRY(load_aliases(rq, t, k));
	TRY(txn_has(t, kms_key_of(rq->mem, 'G', k->id), &k->has_grants));
	make_tags(k);
	make_conditions(k);
	TRY(load_public(k)); /* it and the policy are not in the arena: release lets go of them */
	return load_policy(rq, t, k);
}

static void release(void *value)
{
	struct kms_key *k = value;
	policy_unref(k->policy);
	kms_usage_release(k->last);
	keypair_free((struct keypair *)(uintptr_t)k->public);
	arena_free(k->mem);
}

/* The cache's key is "<account>/<id>". */
static struct status load(struct req *rq, struct shard *shard, struct str key, void **value)
{
	struct arena *mem = arena_new_sized(KEY_BYTES);
	struct kms_key *k = NEW(mem, struct kms_key);
	struct str rest = str_dup(mem, key);
	k->mem = mem;
	k->account = str_cut(&rest, '/');
	k->id = rest;
	k->region = str_dup(mem, rq->region);
	k->arn = str_dup(mem, kms_arn(rq, k->account, "key/", k->id));
	k->sealed_as =
	    kms_id_is_multi_region(k->id) ? str_dup(mem, kms_arn_in(rq, S(""), k->account, "key/", k->id)) : k->arn;
	struct status st = fill(rq, shard, k);
	if (failed(st)) {
		release(k);
		return st;
	}
	k->last = kms_usage_hold(rq->app, k->account, k->region, k->id);
	*value = k;
	return OK;
}

/* As if its policy were its own: most keys share theirs. */
static size_t bytes(const void *value)
{
	const struct kms_key *k = value;
	return arena_used(k->mem) + policy_bytes(k->policy);
}

static const struct cache_kind keys = {
	"kms key", CACHE_KMS_KEY, KEYS_CACHED, load, release, bytes, KEYS_BYTES,
};

static struct str shard_of(struct req *rq, struct str account)
{
	struct buf name = buf_in(rq->mem);
	buf_put(&name, S("kms/"));
	buf_put(&name, account);
	buf_byte(&name, '/');
	buf_put(&name, rq->region);
	return buf_str(&name);
}

struct status kms_shard(struct req *rq, struct str account, struct shard **out)
{
	return req_shard_existing(rq, account, shard_of(rq, account), out);
}

struct status kms_shard_make(struct req *rq, struct str account, struct shard **out)
{
	return req_shard(rq, account, shard_of(rq, account), out);
}

static struct status from_cache(struct req *rq, struct shard *shard, struct str account, struct str id,
				const struct kms_key **out)
{
	struct buf key = buf_in(rq->mem);
	const void *value;
	buf_put(&key, account);
	buf_byte(&key, '/');
	buf_put(&key, id);
	TRY(cached(rq, &keys, shard, buf_str(&key), &value));
	*out = value;
	return OK;
}

struct status kms_find_id(struct req *rq, struct str account, struct str id, struct kms_found *out)
{
	const struct kms_key *k;
	TRY(kms_shard(rq, account, &out->shard));
	TRY(from_cache(rq, out->shard, account, id, &k));
	if (kms_row_due(&k->row, rq->now_ms)) {
		TRY(kms_sweep(rq, account, out->shard));
		return ERR(E_NOT_FOUND);
	}
	if (k->row.expires_at && k->row.expires_at <= rq->now_ms) {
		TRY(kms_expire(rq, out->shard, k));
		TRY(from_cache(rq, out->shard, account, id, &k));
	}
	int64_t rotates = kms_rotation_due(&k->row);
	if (rotates && rotates <= rq->now_ms && !failed(kms_rotate_due(rq, out->shard, k)))
		TRY(from_cache(rq, out->shard, account, id, &k));
	out->key = k;
	return OK;
}

struct status kms_policy_put(struct req *rq, struct txn *t, struct str id, struct str written, struct str bound)
{
	struct str key = kms_key_of(rq->mem, 'P', id);
	TRY(txn_put(t, kms_key_of(rq->mem, 'p', id), written));
	return bound.n ? txn_put(t, key, bound) : txn_del(t, key);
}

struct str kms_text(struct req *rq, struct str of_key) { return rq->parent ? str_dup(rq->mem, of_key) : of_key; }

/* ---- states ---------------------------------------------------------------------------- */

bool kms_row_due(const struct kms_key_row *row, int64_t now_ms)
{
	return row->state == KMS_KEY_STATE_PENDING_DELETION && (row->delete_at <= now_ms || row->leaving);
}

/* "Key states of AWS KMS keys", the table and its notes 1 to 5. */
struct status kms_state_check(struct req *rq, struct str arn, enum kms_key_state state, enum kms_need need)
{
	if (state == KMS_KEY_STATE_PENDING_DELETION)
		return FAIL(rq, kms_KMSInvalidStateException, "%.*s is pending deletion.", PR(arn));
	if (state == KMS_KEY_STATE_PENDING_REPLICA_DELETION)
		return FAIL(rq, kms_KMSInvalidStateException, "%.*s is pending replica deletion.", PR(arn));
	if (need == KMS_USE && state == KMS_KEY_STATE_DISABLED)
		return FAIL(rq, kms_DisabledException, "%.*s is disabled.", PR(arn));
	if (need != KMS_CHANGE && state == KMS_KEY_STATE_PENDING_IMPORT)
		return FAIL(rq, kms_KMSInvalidStateException, "%.*s is pending import.", PR(arn));
	return OK;
}

/* ---- making ------------------------------------------------------------------------------- */

struct status kms_key_put_new(struct req *rq, struct txn *t, const struct kms_new *k, struct kms_key_row *row)
{
	*row = (struct kms_key_row){
		.created_at = rq->now_ms,
		.description = k->description.p ? k->description : S(""),
		.state = KMS_KEY_STATE_ENABLED,
		.manager = k->manager,
		.usage = k->usage,
		.spec = k->spec,
		.origin = k->origin ? k->origin : KMS_ORIGIN_TYPE_AWS_KMS,
		.custom_key_store_id = k->store,
		.generation = KMS_FIRST_GENERATION,
		.material_id = k->material.id,
		.tags = k->tags,
	};
	if (k->multi_region) {
		row->multi_region = KMS_MULTI_REGION_KEY_TYPE_PRIMARY;
		row->primary_region = rq->region;
		row->version = 1;
	}
	if (k->manager == KMS_KEY_MANAGER_TYPE_AWS) {
		row->rotate_days = KMS_ROTATE_DAYS;
		row->rotate_at = rq->now_ms + row->rotate_days * DAY_MS;
	}
	if (k->manager == KMS_KEY_MANAGER_TYPE_CUSTOMER)
		TRY(kms_quota_take(rq, t));
	if (row->origin == KMS_ORIGIN_TYPE_EXTERNAL) {
		row->state = KMS_KEY_STATE_PENDING_IMPORT;
		row->generation = 0;
		row->lacking = true;
	} else {
		TRY(kms_backing_put(rq, t, k->id, KMS_FIRST_GENERATION, &k->material));
	}
	TRY(kms_policy_put(rq, t, k->id, k->policy, k->policy_bound));
	return kms_row_put(rq, t, k->id, row);
}

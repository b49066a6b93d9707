/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CreateGrant, RetireGrant, RevokeGrant: grants as rows, how they come and go.
 *
 *     CreateGrant ──▶ in force ── RetireGrant or RevokeGrant ──▶ gone
 *
 * There is no way to change one. A grant is filed by grantee for those who ask
 * (grant_match.c), by retiring principal for ListRetirableGrants, and under a digest of its
 * name and parameters, so that a repeated CreateGrant with a name makes no second one.
 */
#include "svc/kms/grant.h"

#include "api/faults.h"
#include "base/codec.h"
#include "base/str.h"
#include "crypto/hash.h"
#include "svc/kms/context.h"
#include "svc/kms/used.h"
#include "wire/pack.h"

enum { OPERATIONS = KMS_GRANT_OPERATION_DERIVE_SHARED_SECRET }; /* how many there are */

static const struct str none;

/* ---- keys of rows ------------------------------------------------------------------- */

struct str kms_grant_key(struct arena *mem, struct str key_id, struct str grant_id)
{
	return key_of(mem, 'g', key_id, grant_id, none);
}

struct str kms_grantee_prefix(struct arena *mem, struct str key_id, struct str grantee_id)
{
	return key_of(mem, 'q', key_id, grantee_id, none);
}

static struct buf bucket_key(struct arena *mem, struct str key_id, struct str grantee_id, struct kms_bucket bucket)
{
	struct buf b = buf_in(mem);
	buf_put(&b, kms_grantee_prefix(mem, key_id, grantee_id));
	key_tag(&b, bucket.kind);
	key_u64(&b, bucket.hash);
	return b;
}

struct str kms_bucket_prefix(struct arena *mem, struct str key_id, struct str grantee_id, struct kms_bucket bucket)
{
	struct buf b = bucket_key(mem, key_id, grantee_id, bucket);
	return buf_str(&b);
}

static struct str filed_key(struct arena *mem, struct str key_id, struct str grant_id, const struct kms_grant_row *g)
{
	struct kms_bucket bucket = kms_bucket_of(mem, kms_constraint_of(g));
	struct buf b = bucket_key(mem, key_id, g->grantee_id, bucket);
	key_str(&b, grant_id);
	return buf_str(&b);
}

static struct str retiring_key(struct arena *mem, struct str key_id, struct str grant_id, const struct kms_grant_row *g)
{
	return key_of(mem, 'r', g->retiring_id, key_id, grant_id);
}

/* A grant's id has no byte that is written in two: it is what stands before the last two bytes. */
struct str kms_grant_id_in(struct str row_key)
{
	assert(row_key.n > KMS_GRANT_ID_SIZE + 2);
	return str_sub(row_key, row_key.n - KMS_GRANT_ID_SIZE - 2, KMS_GRANT_ID_SIZE);
}

static bool id_is(struct str id)
{
	for (size_t i = 0; i < id.n; i++)
		if (!char_digit(id.p[i]) && !(id.p[i] >= 'a' && id.p[i] <= 'f'))
			return false;
	return id.n == KMS_GRANT_ID_SIZE;
}

struct status kms_grant_id_check(struct req *rq, struct str id)
{
	return id_is(id) ? OK : FAIL(rq, kms_InvalidGrantIdException, "Invalid grant ID '%.*s'", PR(id));
}

struct status kms_no_grant(struct req *rq, struct str id)
{
	return FAIL(rq, kms_NotFoundException, "Grant ID %.*s not found", PR(id));
}

static void digest_map(struct hasher *h, struct str_map map)
{
	uint8_t sum[SHA256_SIZE] = { 0 }, one[SHA256_SIZE];
	for (size_t i = 0; i < map.n; i++) {
		struct hasher pair;
		uint64_t n[2] = { map.v[i].key.n, map.v[i].value.n };
		hasher_init(&pair, HASH_SHA256);
		hasher_update(&pair, str_make(n, sizeof n));
		hasher_update(&pair, map.v[i].key);
		hasher_update(&pair, map.v[i].value);
		hasher_final(&pair, one);
		for (size_t k = 0; k < sizeof sum; k++) /* in any order */
			sum[k] = (uint8_t)(sum[k] + one[k]);
	}
	hasher_update(h, str_make(sum, sizeof sum));
}

/* The same for two requests that are the same grant, whoever sends them. */
static struct str name_key(struct arena *mem, struct str key_id, const struct kms_grant_row *g)
{
	const struct str parts[] = { g->name, g->grantee_id, g->retiring_id, g->issuer };
	uint32_t ops = kms_grant_bits(g->operations);
	uint8_t digest[SHA256_SIZE];
	struct hasher h;
	hasher_init(&h, HASH_SHA256);
	for (size_t i = 0; i < COUNT(parts); i++) {
		hasher_update(&h, str_make(&parts[i].n, sizeof parts[i].n));
		hasher_update(&h, parts[i]);
	}
	hasher_update(&h, str_make(&ops, sizeof ops));
	digest_map(&h, g->subset);
	digest_map(&h, g->equals);
	hasher_update(&h, g->source_arn); /* last: without one the digest is what it always was */
	hasher_final(&h, digest);
	return key_of(mem, 'h', key_id, str_make(digest, sizeof digest), none);
}

/* ---- rows ------------------------------------------------------------------------------ */

struct status kms_grant_get(struct txn *t, struct arena *mem, struct str key_id, struct str grant_id,
			    struct kms_grant_row *row)
{
	struct str bytes;
	TRY(txn_get(t, kms_grant_key(mem, key_id, grant_id), mem, &bytes));
	*row = (struct kms_grant_row){ 0 };
	return unpack(mem, &kms_grant_row_shape, bytes, row);
}

static struct str sums_key(struct arena *mem, struct str key_id, struct str grantee_id)
{
	return key_of(mem, 's', key_id, grantee_id, none);
}

static struct int_list all_of(struct arena *mem, struct int_list stored)
{
	int64_t *v = NEWS(mem, int64_t, OPERATIONS);
	for (size_t i = 0; i < stored.n && i < OPERATIONS; i++)
		v[i] = stored.v[i];
	return (struct int_list){ v, OPERATIONS };
}

struct status kms_grant_sums_get(struct txn *t, struct arena *mem, struct str key_id, struct str grantee_id,
				 struct kms_grant_sums *out)
{
	struct str bytes = { 0 };
	*out = (struct kms_grant_sums){ 0 };
	struct status st = txn_get(t, sums_key(mem, key_id, grantee_id), mem, &bytes);
	if (st.code != E_NOT_FOUND)
		TRY(st);
	if (bytes.n)
		TRY(unpack(mem, &kms_grant_sums_shape, bytes, out));
	out->all = all_of(mem, out->all);
	out->unbound = all_of(mem, out->unbound);
	return OK;
}

static bool is_bound(const struct kms_grant_row *g) { return g->subset.n || g->equals.n; }

static void add_bits(struct int_list sums, uint32_t bits, int by)
{
	int64_t *v = (int64_t *)(uintptr_t)sums.v; /* all_of made it */
	for (size_t i = 0; i < sums.n; i++)
		if (bits >> i & 1)
			v[i] += by;
}

static struct status add_to_sums(struct req *rq, struct txn *t, struct str key_id, const struct kms_grant_row *g,
				 int by)
{
	struct kms_grant_sums sums;
	struct buf b = buf_in(rq->mem);
	uint32_t bits = kms_grant_bits(g->operations);
	if (g->source_arn.n)
		return OK; /* they have a bucket, and no constraint of theirs is ever unbound */
	TRY(kms_grant_sums_get(t, rq->mem, key_id, g->grantee_id, &sums));
	add_bits(sums.all, bits, by);
	if (!is_bound(g))
		add_bits(sums.unbound, bits, by);
	for (size_t i = 0; i < OPERATIONS; i++)
		if (sums.all.v[i] > 0) {
			pack(&b, &kms_grant_sums_shape, &sums);
			return txn_put(t, sums_key(rq->mem, key_id, g->grantee_id), buf_str(&b));
		}
	return txn_del(t, sums_key(rq->mem, key_id, g->grantee_id));
}

static struct status count_get(struct req *rq, struct txn *t, struct str key_id, uint64_t *n)
{
	struct str bytes;
	*n = 0;
	struct status st = txn_get(t, kms_key_of(rq->mem, 'c', key_id), rq->mem, &bytes);
	if (st.code == E_NOT_FOUND)
		return OK;
	TRY(st);
	struct rd r = rd_of(bytes);
	*n = rd_be64(&r);
	return r.bad ? ERR(E_CORRUPT) : OK;
}

/* That there are grants at all stands in a row of its own, which changes seldom: cached keys depend on it. */
static struct status count_put(struct req *rq, struct txn *t, struct str key_id, uint64_t before, uint64_t now)
{
	struct str count = kms_key_of(rq->mem, 'c', key_id), flag = kms_key_of(rq->mem, 'G', key_id);
	struct buf b = buf_in(rq->mem);
	buf_be64(&b, now);
	TRY(now ? txn_put(t, count, buf_str(&b)) : txn_del(t, count));
	if (!before == !now)
		return OK;
	return now ? txn_put(t, flag, S("")) : txn_del(t, flag);
}

static struct status put(struct req *rq, struct txn *t, struct str key_id, struct str id, const struct kms_grant_row *g)
{
	struct buf b = buf_in(rq->mem);
	uint64_t n;
	TRY(count_get(rq, t, key_id, &n));
	if (n >= KMS_GRANTS_PER_KEY)
		return FAIL(rq, kms_LimitExceededException, "The KMS key has reached its limit of %d grants.",
			    KMS_GRANTS_PER_KEY);
	pack(&b, &kms_grant_row_shape, g);
	TRY(txn_put(t, kms_grant_key(rq->mem, key_id, id), buf_str(&b)));
	TRY(txn_put(t, filed_key(rq->mem, key_id, id, g), S("")));
	TRY(add_to_sums(rq, t, key_id, g, 1));
	if (g->retiring_id.n)
		TRY(txn_put(t, retiring_key(rq->mem, key_id, id, g), S("")));
	if (g->name.n)
		TRY(txn_put(t, name_key(rq->mem, key_id, g), id));
	return count_put(rq, t, key_id, n, n + 1);
}

static struct status drop(struct req *rq, struct txn *t, struct str key_id, struct str id,
			  const struct kms_grant_row *g)
{
	uint64_t n;
	TRY(txn_del(t, kms_grant_key(rq->mem, key_id, id)));
	TRY(txn_del(t, filed_key(rq->mem, key_id, id, g)));
	TRY(add_to_sums(rq, t, key_id, g, -1));
	if (g->retiring_id.n)
		TRY(txn_del(t, retiring_key(rq->mem, key_id, id, g)));
	if (g->name.n)
		TRY(txn_del(t, name_key(rq->mem, key_id, g)));
	TRY(count_get(rq, t, key_id, &n));
	return n ? count_put(rq, t, key_id, n, n - 1) : ERR(E_CORRUPT);
}

static struct status drop_prefix(struct req *rq, struct txn *t, struct str prefix)
{
	struct cursor c;
	TRY(txn_range(t, &(struct range){ .prefix = prefix, .keys_only = true }, &c));
	while (cursor_next(&c))
		TRY(txn_del(t, str_dup(rq->mem, c.key)));
	return cursor_end(&c);
}

struct status kms_grants_drop(struct req *rq, struct txn *t, struct str key_id)
{
	struct cursor c;
	TRY(txn_range(t, &(struct range){ .prefix = kms_key_of(rq->mem, 'g', key_id) }, &c));
	while (cursor_next(&c)) {
		struct kms_grant_row g = { 0 };
		struct str id = str_dup(rq->mem, kms_grant_id_in(c.key));
		TRY(unpack(rq->mem, &kms_grant_row_shape, c.val, &g));
		if (g.retiring_id.n)
			TRY(txn_del(t, retiring_key(rq->mem, key_id, id, &g)));
	}
	TRY(cursor_end(&c));
	static const char tags[] = { 'g', 'q', 'h', 's', 'c', 'G' };
	for (size_t i = 0; i < COUNT(tags); i++)
		TRY(drop_prefix(rq, t, kms_key_of(rq->mem, tags[i], key_id)));
	return OK;
}

/* ---- what a grant may say ------------------------------------------------------------------ */

#define BIT(name) (UINT32_C(1) << (KMS_GRANT_OPERATION_##name - 1))
enum {
	ABOUT_ANY_KEY = BIT(CREATE_GRANT) | BIT(RETIRE_GRANT) | BIT(DESCRIBE_KEY),
	WITH_DATA_KEYS = BIT(GENERATE_DATA_KEY) | BIT(GENERATE_DATA_KEY_WITHOUT_PLAINTEXT) |
			 BIT(GENERATE_DATA_KEY_PAIR) | BIT(GENERATE_DATA_KEY_PAIR_WITHOUT_PLAINTEXT),
	WITH_CIPHERTEXT = BIT(ENCRYPT) | BIT(DECRYPT) | BIT(RE_ENCRYPT_FROM) | BIT(RE_ENCRYPT_TO),
};

/* "Grant operations": each only for keys that have it. */
static uint32_t possible(const struct kms_key_row *row)
{
	if (row->spec == KMS_KEY_SPEC_SYMMETRIC_DEFAULT)
		return ABOUT_ANY_KEY | WITH_DATA_KEYS | WITH_CIPHERTEXT;
	switch (row->usage) {
	case KMS_KEY_USAGE_TYPE_ENCRYPT_DECRYPT:
		return ABOUT_ANY_KEY | WITH_CIPHERTEXT | BIT(GET_PUBLIC_KEY);
	case KMS_KEY_USAGE_TYPE_SIGN_VERIFY:
		return ABOUT_ANY_KEY | BIT(SIGN) | BIT(VERIFY) | BIT(GET_PUBLIC_KEY);
	case KMS_KEY_USAGE_TYPE_GENERATE_VERIFY_MAC:
		return ABOUT_ANY_KEY | BIT(GENERATE_MAC) | BIT(VERIFY_MAC);
	default:
		return ABOUT_ANY_KEY | BIT(DERIVE_SHARED_SECRET) | BIT(GET_PUBLIC_KEY);
	}
}

static struct status check_operations(struct req *rq, struct kms_grant_operation_list ops, const struct kms_key *key)
{
	if (!ops.n)
		return FAIL(rq, api_ValidationException,
			    "1 validation error detected: Value '[]' at 'operations' failed to satisfy constraint: "
			    "Member must have length greater than or equal to 1");
	if (kms_grant_bits(ops) & ~possible(&key->row))
		return FAIL(rq, api_ValidationException,
			    "Operations contains an operation that the KMS key %.*s does not support.", PR(key->arn));
	return OK;
}

static struct status check_pairs(struct req *rq, struct str_map pairs)
{
	if (pairs.n > KMS_CONSTRAINT_PAIRS_MAX)
		return FAIL(rq, api_ValidationException,
			    "A grant constraint can have up to %d encryption context pairs.", KMS_CONSTRAINT_PAIRS_MAX);
	for (size_t i = 0; i < pairs.n; i++)
		if (str_utf8_length(pairs.v[i].value) > KMS_CONSTRAINT_CHARS_MAX)
			return FAIL(rq, api_ValidationException,
				    "An encryption context value in a grant constraint can have up to %d characters.",
				    KMS_CONSTRAINT_CHARS_MAX);
	return kms_context_check(rq, pairs);
}

/* Constraints without pairs would bind nothing while they look as if they did. */
static struct status check_constraints(struct req *rq, const struct kms_grant_constraints *c, const struct kms_key *key)
{
	if (!c)
		return OK;
	bool equals = c->encryption_context_equals.n, subset = c->encryption_context_subset.n;
	if ((equals && subset) || !(equals || subset || c->source_arn.p))
		return FAIL(rq, api_ValidationException,
			    "Constraints must have either EncryptionContextSubset or EncryptionContextEquals, with at "
			    "least one pair.");
	if ((equals || subset) && key->row.spec != KMS_KEY_SPEC_SYMMETRIC_DEFAULT)
		return FAIL(rq, api_ValidationException,
			    "Encryption context grant constraints are for symmetric encryption KMS keys only.");
	TRY(check_pairs(rq, c->encryption_context_subset));
	return check_pairs(rq, c->encryption_context_equals);
}

static struct kms_grant_operation_list once_each(struct req *rq, struct kms_grant_operation_list ops)
{
	enum kms_grant_operation *v = NEWS(rq->mem, enum kms_grant_operation, ops.n);
	uint32_t seen = 0;
	size_t n = 0;
	for (size_t i = 0; i < ops.n; i++) {
		if (seen & kms_grant_bit(ops.v[i]))
			continue;
		seen |= kms_grant_bit(ops.v[i]);
		v[n++] = ops.v[i];
	}
	return (struct kms_grant_operation_list){ v, n };
}

/* ---- CreateGrant ------------------------------------------------------------------------------ */

static struct status dry_run(struct req *rq)
{
	return FAIL(rq, kms_DryRunOperationException,
		    "The request would have succeeded, but the DryRun option is set.");
}

/* "Grantee service principal": who may be named together with whom. */
static struct status check_principals(struct req *rq, const struct kms_create_grant_in *in)
{
	if (!in->grantee_principal.p == !in->grantee_service_principal.p)
		return FAIL(rq, api_ValidationException,
			    "You must specify either GranteePrincipal or GranteeServicePrincipal, but not both.");
	if (in->retiring_principal.p && in->retiring_service_principal.p)
		return FAIL(rq, api_ValidationException,
			    "You can specify either RetiringPrincipal or RetiringServicePrincipal, but not both.");
	if (!in->grantee_service_principal.p)
		return OK;
	if (!in->constraints || !in->constraints->source_arn.p)
		return FAIL(rq, api_ValidationException,
			    "When you specify a GranteeServicePrincipal, you must also specify a SourceArn grant "
			    "constraint.");
	if (!in->retiring_principal.p && !in->retiring_service_principal.p)
		return FAIL(
		    rq, api_ValidationException,
		    "When you specify a GranteeServicePrincipal, you must also specify a RetiringPrincipal or a "
		    "RetiringServicePrincipal.");
	return OK;
}

static struct status find_principals(struct req *rq, struct kms_grant_row *row)
{
	row->grantee_id = row->grantee;
	row->retiring_id = row->retiring;
	if (!row->for_service)
		TRY(kms_principal_id(rq, row->grantee, &row->grantee_id));
	if (row->retiring.p && !row->by_service)
		TRY(kms_principal_id(rq, row->retiring, &row->retiring_id));
	return OK;
}

static struct status make_row(struct req *rq, const struct kms_create_grant_in *in, struct kms_grant_row *row)
{
	*row = (struct kms_grant_row){
		.name = in->name,
		.created_at = rq->now_ms,
		.for_service = in->grantee_service_principal.p,
		.by_service = in->retiring_service_principal.p,
		.grantee = in->grantee_principal.p ? in->grantee_principal : in->grantee_service_principal,
		.retiring = in->retiring_principal.p ? in->retiring_principal : in->retiring_service_principal,
		.issuer = rq->caller.account,
		.operations = once_each(rq, in->operations),
	};
	if (in->constraints) {
		row->subset = in->constraints->encryption_context_subset;
		row->equals = in->constraints->encryption_context_equals;
		row->source_arn = in->constraints->source_arn;
	}
	return find_principals(rq, row);
}

static struct str new_id(struct req *rq)
{
	uint8_t bytes[KMS_GRANT_ID_SIZE / 2];
	world_random(rq->app->world, bytes, sizeof bytes);
	return hex_encode(rq->mem, str_make(bytes, sizeof bytes));
}

/* In the write transaction: the grant of that name, if it is there, else a new one. */
static struct status put_once(struct req *rq, struct txn *t, struct str key_id, const struct kms_grant_row *row,
			      struct str *id)
{
	if (row->name.n) {
		struct status st = txn_get(t, name_key(rq->mem, key_id, row), rq->mem, id);
		if (st.code != E_NOT_FOUND)
			return st;
	}
	*id = new_id(rq);
	return put(rq, t, key_id, *id, row);
}

struct status kms_create_grant(struct req *rq, const struct kms_create_grant_in *in, struct kms_create_grant_out *out)
{
	const struct kms_key *key = kms_found(rq)->key;
	struct kms_grant_row row;
	struct kms_edit e;
	TRY(kms_state_check(rq, key->arn, key->row.state, KMS_USE));
	TRY(check_principals(rq, in));
	TRY(check_operations(rq, in->operations, key));
	TRY(check_constraints(rq, in->constraints, key));
	TRY(make_row(rq, in, &row));
	if (in->dry_run.v)
		return dry_run(rq);
	TRY(kms_token_prepare(rq, key->account));
	TRY(kms_edit(rq, &e));
	TRY(kms_state_check(rq, e.arn, e.row.state, KMS_USE));
	TRY(put_once(rq, e.txn, e.id, &row, &out->grant_id));
	kms_record_key(rq, e.arn);
	return kms_token_seal(rq, &(struct kms_token){ key->account, e.id, out->grant_id }, &out->grant_token);
}

/* ---- RevokeGrant, RetireGrant --------------------------------------------------------------------- */

static struct status end_grant(struct req *rq, struct str grant_id, bool only_try)
{
	struct kms_grant_row row;
	struct kms_edit e;
	TRY(kms_edit(rq, &e));
	struct status st = kms_grant_get(e.txn, rq->mem, e.id, grant_id, &row);
	if (st.code == E_NOT_FOUND)
		return kms_no_grant(rq, grant_id);
	TRY(st);
	return only_try ? dry_run(rq) : drop(rq, e.txn, e.id, grant_id, &row);
}

struct status kms_revoke_grant(struct req *rq, const struct kms_revoke_grant_in *in, struct kms_revoke_grant_out *out)
{
	(void)out;
	TRY(kms_grant_id_check(rq, in->grant_id));
	return end_grant(rq, in->grant_id, in->dry_run.v);
}

struct status kms_retire_grant(struct req *rq, const struct kms_retire_grant_in *in, struct kms_retire_grant_out *out)
{
	const struct kms_retiring *r = rq->found;
	(void)out;
	return end_grant(rq, r->grant_id, in->dry_run.v);
}

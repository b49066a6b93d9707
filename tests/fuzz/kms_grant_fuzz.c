/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Grant constraints and grant tokens. The first byte chooses:
 *
 *  - constraints and contexts made of the bytes. A grant that allows a context is found in one of the buckets that
 *    are looked in for it; what is within a constraint allows nothing that the constraint does not; and the answer is
 *    that of a plain reading of the documentation.
 *  - a token's text from a stranger, which never opens
 *  - what lies under a good seal, which opens as a whole or not at all
 */
#include "api/accounts.h"
#include "base/codec.h"
#include "base/str.h"
#include "svc/kms/context.h"
#include "svc/kms/grant.h"
#include "svc/kms/testing.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/* ---- constraints ---------------------------------------------------------------------- */

enum { PAIRS_MAX = 12 };

/* A count, then two bytes a pair: few names in two cases, few values, so that maps meet. */
static struct str_map take_map(struct rd *r, struct arena *mem)
{
	size_t n = rd_u8(r) % PAIRS_MAX;
	struct str_entry *v = NEWS(mem, struct str_entry, n + 1);
	for (size_t i = 0; i < n; i++) {
		uint8_t key = rd_u8(r), value = rd_u8(r);
		v[i].key = arena_printf(mem, "%c", (key & 1 ? 'a' : 'A') + (key >> 1) % 6);
		v[i].value = arena_printf(mem, "%.*s%c", value >> 2 & 3, "xyz", 'a' + (value & 3));
	}
	return (struct str_map){ v, n };
}

static bool plainly_in(struct str_map few, struct str_map many)
{
	for (size_t i = 0; i < few.n; i++) {
		bool found = false;
		for (size_t k = 0; k < many.n; k++)
			found |= str_eq_ci(few.v[i].key, many.v[k].key) && str_eq(few.v[i].value, many.v[k].value);
		if (!found)
			return false;
	}
	return true;
}

static bool plainly_allows(struct kms_constraint c, struct str_map context)
{
	if (c.equals.n)
		return plainly_in(c.equals, context) && plainly_in(context, c.equals);
	return plainly_in(c.subset, context);
}

static bool is_filed(struct arena *mem, struct kms_constraint c, struct str_map context)
{
	struct kms_bucket at = kms_bucket_of(mem, c);
	size_t n;
	const struct kms_bucket *v = kms_buckets_for(mem, context, &n);
	for (size_t i = 0; i < n; i++)
		if (v[i].kind == at.kind && v[i].hash == at.hash)
			return true;
	return false;
}

/* Only what kms_context_check lets pass is ever asked about. */
static struct kms_constraint take_constraint(struct req *rq, struct rd *r, bool *good)
{
	struct kms_constraint c = { 0 };
	bool equals = rd_u8(r) & 1;
	struct str_map pairs = take_map(r, rq->mem);
	*good &= !failed(kms_context_check(rq, pairs));
	*(equals ? &c.equals : &c.subset) = pairs;
	return c;
}

static void try_constraints(struct req *rq, struct str in)
{
	struct rd r = rd_of(in);
	bool good = true;
	struct kms_constraint a = take_constraint(rq, &r, &good), b = take_constraint(rq, &r, &good);
	struct str_map context = take_map(&r, rq->mem);
	good &= !failed(kms_context_check(rq, context));
	if (!good)
		return;
	bool by_a = kms_constraint_allows(a, context), by_b = kms_constraint_allows(b, context);
	EXPECT(by_a == plainly_allows(a, context) && by_b == plainly_allows(b, context));
	EXPECT(!by_a || is_filed(rq->mem, a, context));
	EXPECT(!kms_constraint_within(a, b) || !by_a || by_b);
	EXPECT(kms_constraint_within(a, a));
}

/* ---- tokens ------------------------------------------------------------------------------ */

static void open_text(struct req *rq, struct str text)
{
	struct kms_token token;
	EXPECT(failed(kms_token_open(rq, text, &token)));
}

static void open_sealed(struct req *rq, struct str plain)
{
	const struct aead_key *key;
	struct kms_token token;
	EXPECT_OK(account_data_key(rq->app->accounts, WORLD_ACCOUNT, S("kms"), &key));
	struct buf b = buf_in(rq->mem);
	buf_put(&b, WORLD_ACCOUNT);
	buf_put(&b, aead_seal_new(key, rq->app->world, S("kms grant token/111122223333"), plain, rq->mem));
	if (failed(kms_token_open(rq, base64_encode(rq->mem, buf_str(&b)), &token)))
		return;
	EXPECT(str_eq(token.account, WORLD_ACCOUNT));
	EXPECT(token.key_id.n + token.grant_id.n + rq->region.n + 4 == plain.n);
}

/* ---- either -------------------------------------------------------------------------------- */

static void one(struct req *rq, void *arg)
{
	struct str in = *(const struct str *)arg, rest = str_from(in, 1);
	if (!in.n)
		return;
	switch (in.p[0] & 3) {
	case 0:
		open_text(rq, rest);
		break;
	case 1:
		open_sealed(rq, rest);
		break;
	default:
		try_constraints(rq, rest);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static struct test_world *w;
	struct str in = str_make(data, n);
	if (!w)
		w = testing_begin();
	world_in_fiber(w, one, &in);
	return 0;
}

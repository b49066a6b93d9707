/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Grant constraints ("Using grant constraints"): EncryptionContextEquals wants exactly its
 * pairs, EncryptionContextSubset wants its pairs among those there are. In a constraint a
 * pair's name has no case; its value does.
 *
 * Filing: the request's context tells the buckets to look in. A subset constraint stands
 * under one of its pairs alone, the one with the longest value: of "app = shop" and
 * "volume = vol-0123456789" that is the one that tells grants apart. Who acts for a source
 * looks under that as well.
 */
#include "base/str.h"
#include "svc/kms/grant.h"
#include "wire/value.h"

enum { BUCKET_SEED = 0x67726e74 }; /* the hash is stored: it may never change */

static const struct str_entry *pair_named(struct str_map map, struct str name)
{
	for (size_t i = 0; i < map.n; i++)
		if (str_eq_ci(map.v[i].key, name))
			return &map.v[i];
	return NULL;
}

static bool all_in(struct str_map few, struct str_map many)
{
	for (size_t i = 0; i < few.n; i++) {
		const struct str_entry *pair = pair_named(many, few.v[i].key);
		if (!pair || !str_eq(pair->value, few.v[i].value))
			return false;
	}
	return true;
}

/* No map here names a pair twice, not even in another case: kms_context_check. */
static bool same(struct str_map a, struct str_map b) { return a.n == b.n && all_in(a, b); }

bool kms_constraint_admits(struct kms_constraint c, struct str source)
{
	return !c.source.n || str_eq(c.source, source);
}

bool kms_constraint_allows(struct kms_constraint c, struct str_map context)
{
	if (c.equals.n && !same(c.equals, context))
		return false;
	return all_in(c.subset, context);
}

bool kms_constraint_within(struct kms_constraint inner, struct kms_constraint outer)
{
	if (!kms_constraint_admits(outer, inner.source))
		return false;
	if (outer.equals.n && !same(outer.equals, inner.equals))
		return false;
	return all_in(outer.subset, inner.equals.n ? inner.equals : inner.subset);
}

/* ---- buckets ------------------------------------------------------------------------ */

static void put_pair(struct buf *b, const struct str_entry *pair)
{
	buf_be32(b, (uint32_t)pair->key.n);
	for (size_t i = 0; i < pair->key.n; i++)
		buf_byte(b, char_lower(pair->key.p[i]));
	buf_be32(b, (uint32_t)pair->value.n);
	buf_put(b, pair->value);
}

static struct kms_bucket bucket_of_pair(struct arena *mem, const struct str_entry *pair)
{
	struct buf b = buf_in(mem);
	put_pair(&b, pair);
	return (struct kms_bucket){ 's', str_hash(buf_str(&b), BUCKET_SEED) };
}

/* The order of pairs does not matter: the hashes are added up. */
static struct kms_bucket bucket_of_all(struct arena *mem, struct str_map map)
{
	struct kms_bucket all = { 'e', 0 };
	for (size_t i = 0; i < map.n; i++)
		all.hash += bucket_of_pair(mem, &map.v[i]).hash;
	return all;
}

static const struct str_entry *most_telling(struct str_map map)
{
	const struct str_entry *best = &map.v[0];
	for (size_t i = 1; i < map.n; i++)
		if (map.v[i].value.n > best->value.n)
			best = &map.v[i];
	return best;
}

struct kms_bucket kms_bucket_of_source(struct str source)
{
	return (struct kms_bucket){ 'o', str_hash(source, BUCKET_SEED) };
}

struct kms_bucket kms_bucket_of(struct arena *mem, struct kms_constraint c)
{
	if (c.source.n)
		return kms_bucket_of_source(c.source);
	if (c.equals.n)
		return bucket_of_all(mem, c.equals);
	if (c.subset.n)
		return bucket_of_pair(mem, most_telling(c.subset));
	return (struct kms_bucket){ 'a', 0 };
}

struct kms_bucket *kms_buckets_for(struct arena *mem, struct str_map context, size_t *n)
{
	struct kms_bucket *v = NEWS(mem, struct kms_bucket, context.n + 2);
	v[0] = (struct kms_bucket){ 'a', 0 };
	v[1] = bucket_of_all(mem, context);
	for (size_t i = 0; i < context.n; i++)
		v[i + 2] = bucket_of_pair(mem, &context.v[i]);
	*n = context.n + 2;
	return v;
}

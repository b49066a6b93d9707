/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Changing a key, or what names it: what was allowed must be so still in the transaction that does it.
 *
 * A request is judged at home, by what is committed; until it has its turn with the writer, others may change what it
 * was judged by. So, before anything else there:
 *
 *  - The key's policy, tags and aliases are compared with the rows. That sees what others did in the same batch, and
 *    lets pass who changed something else about the key (its description, its state), however many they are.
 *  - What the caches gave besides (the caller's policies, what he has by grants, the alias, a key of another region)
 *    must not have been touched by any commit since.
 *
 * If either is not so the request is judged anew (req_write_as_judged).
 */
#include "base/str.h"
#include "svc/kms/alias.h"
#include "svc/kms/key.h"

static bool same_tags(const struct kms_tag_list *a, const struct kms_tag_list *b)
{
	for (size_t i = 0; a->n == b->n && i < a->n; i++)
		if (!str_eq(a->v[i].tag_key, b->v[i].tag_key) || !str_eq(a->v[i].tag_value, b->v[i].tag_value))
			return false;
	return a->n == b->n;
}

/* The one that decides. */
static struct status policy_stands(struct req *rq, struct txn *t, const struct kms_key *key, bool *yes)
{
	struct str policy;
	struct status st = txn_get(t, kms_key_of(rq->mem, 'P', key->id), rq->mem, &policy);
	if (st.code == E_NOT_FOUND)
		st = txn_get(t, kms_key_of(rq->mem, 'p', key->id), rq->mem, &policy);
	TRY(st);
	*yes = str_eq(policy, policy_text(key->policy));
	return OK;
}

static struct status tags_stand(struct req *rq, struct txn *t, const struct kms_key *key, bool *yes)
{
	struct kms_key_row row;
	TRY(kms_row_get(rq, t, key->id, &row));
	*yes = same_tags(&row.tags, &key->row.tags);
	return OK;
}

/* In the order of the rows, as when the key was loaded. */
static struct status aliases_stand(struct req *rq, struct txn *t, const struct kms_key *key, bool *yes)
{
	struct cursor c;
	size_t n = 0;
	*yes = true;
	TRY(txn_range(t, &(struct range){ .prefix = kms_key_of(rq->mem, 't', key->id), .keys_only = true }, &c));
	for (; *yes && cursor_next(&c); n++)
		*yes = n < key->aliases.n && str_eq(kms_alias_in(rq, c.key), key->aliases.v[n]);
	*yes &= n == key->aliases.n;
	return cursor_end(&c);
}

typedef struct status stands(struct req *rq, struct txn *t, const struct kms_key *key, bool *yes);

/* A key that is gone is for the judging anew to miss. */
static struct status key_stands(struct req *rq, struct txn *t, const struct kms_key *key, bool *yes)
{
	static stands *const parts[] = { policy_stands, tags_stand, aliases_stand };
	*yes = true;
	for (size_t i = 0; *yes && i < COUNT(parts); i++) {
		struct status st = parts[i](rq, t, key, yes);
		if (st.code != E_NOT_FOUND)
			TRY(st);
		*yes &= !failed(st);
	}
	return OK;
}

/* Of UpdateAlias and DeleteAlias: it names the key that was judged. */
static struct status alias_stands(struct req *rq, struct txn *t, const struct kms_found *f, bool *yes)
{
	struct kms_alias_row row;
	struct status st = kms_alias_get(rq, t, f->alias, &row);
	if (st.code != E_NOT_FOUND)
		TRY(st);
	*yes = !failed(st) && str_eq(row.target_key_id, f->key->id);
	return OK;
}

static struct status found_stands(struct req *rq, struct txn *t, bool *yes)
{
	const struct kms_found *f = kms_found(rq);
	*yes = true;
	if (f->key)
		TRY(key_stands(rq, t, f->key, yes));
	if (*yes && f->key && f->alias.p)
		TRY(alias_stands(rq, t, f, yes));
	if (*yes && f->target &&
	    str_eq(f->target->region, rq->region)) /* another region's is among what the caches gave */
		TRY(key_stands(rq, t, f->target, yes));
	return OK;
}

struct status kms_write(struct req *rq, struct txn **out)
{
	return req_write_as_judged(rq, kms_found(rq)->shard, CACHE_KMS_KEY, found_stands, out);
}

struct status kms_edit(struct req *rq, struct kms_edit *out)
{
	TRY(kms_write(rq, &out->txn));
	out->id = kms_found(rq)->key->id;
	out->arn = kms_found(rq)->key->arn;
	struct status st = kms_row_get(rq, out->txn, out->id, &out->row);
	if (st.code == E_NOT_FOUND || (!failed(st) && kms_row_due(&out->row, rq->now_ms)))
		return kms_no_key(rq, out->arn);
	return st;
}

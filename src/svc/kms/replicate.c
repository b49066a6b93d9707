/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ReplicateKey ("Create multi-Region replica keys").
 *
 * The primary lists the replica, with a row that says what it is to be and holds the call's record; then it is made in
 * its region, by the same copying that keeps it in step later (mirror.c), and in the commit that makes it is the
 * record. A replica that cannot be made is taken off the list again, and the refusal is recorded. So whoever makes it,
 * the call or after a crash the duty: it is there if the trail says so, and only then.
 *
 * When the call answers the replica can be used: it is never "Creating".
 *
 * What must be allowed: kms:ReplicateKey on the primary; in the replica's region kms:CreateKey, and kms:TagResource
 * for tags.
 */
#include "api/faults.h"
#include "base/log.h"
#include "base/str.h"
#include "svc/kms/authorize.h"
#include "svc/kms/key_policy.h"
#include "svc/kms/mirror.h"
#include "svc/kms/multiregion.h"
#include "svc/kms/note.h"
#include "svc/kms/spec.h"
#include "svc/kms/tags.h"
#include "wire/pack.h"

/* ---- who may ------------------------------------------------------------------------ */

static struct authz_item *put_abroad(struct authz *az, const char *action, struct str resource, struct str region,
				     struct str_map tags)
{
	struct authz_item *item = authz_add(az, action, resource);
	item->region = region;
	kms_put_caller(az, item);
	authz_request_tags(az, item, tags);
	return item;
}

static void put_creation(struct authz *az, const struct kms_replicate_key_in *in, const struct kms_key *key)
{
	struct str_map tags = kms_tag_map(az->rq->mem, in->tags);
	struct authz_item *item = put_abroad(az, "kms:CreateKey", S("*"), in->replica_region, tags);
	authz_key(az, item, "kms:KeySpec", str_of(kms_spec_of(key->row.spec)->name));
	authz_key(az, item, "kms:KeyUsage", str_of(kms_usage_name(key->row.usage)));
	authz_key(az, item, "kms:KeyOrigin", str_of(kms_origin_name(key->row.origin)));
	authz_key_bool(az, item, "kms:MultiRegion", true);
	authz_key(az, item, "kms:MultiRegionKeyType", S("REPLICA"));
	if (in->bypass_policy_lockout_safety_check.set)
		authz_key_bool(az, item, "kms:BypassPolicyLockoutSafetyCheck",
			       in->bypass_policy_lockout_safety_check.v);
	if (!tags.n)
		return;
	struct str arn = kms_arn_in(az->rq, in->replica_region, key->account, "key/", key->id);
	(void)put_abroad(az, "kms:TagResource", arn, in->replica_region, tags);
}

struct status kms_authorize_replicate(struct req *rq, const void *in_, struct authz *az)
{
	const struct kms_replicate_key_in *in = in_;
	struct kms_found *f = NEW(rq->mem, struct kms_found);
	TRY(kms_find(rq, in->key_id, 0, f));
	rq->found = f;
	kms_remember(rq, f->key);
	(void)kms_put_key(az, f->key);
	put_creation(az, in, f->key);
	return OK;
}

/* ---- may it be ------------------------------------------------------------------------- */

static struct status there_already(struct req *rq, const struct kms_key *key, struct str region)
{
	return FAIL(rq, kms_AlreadyExistsException, "The key %.*s already exists in the Region %.*s.", PR(key->id),
		    PR(region));
}

/* By its row: when the handler has found the key, and again in the transaction. */
static struct status check_primary(struct req *rq, struct str arn, const struct kms_key_row *row)
{
	TRY(kms_not_updating(rq, arn, row));
	TRY(kms_only_primary(rq, arn, row));
	return kms_state_check(rq, arn, row->state, KMS_USE);
}

/* To look for the key in the region is to shred it there, when that is due. */
static struct status check_region(struct req *rq, const struct kms_key *key, struct str region)
{
	struct kms_found found;
	if (str_eq(region, key->region))
		return there_already(rq, key, region);
	if (!str_eq(kms_partition_of(region), kms_partition_of(key->region)))
		return FAIL(rq, kms_UnsupportedOperationException,
			    "The Region %.*s is not in the partition of the primary key %.*s.", PR(region),
			    PR(key->arn));
	struct req *in = kms_enter(rq, key->account, region);
	struct status st = kms_find_id(in, key->account, key->id, &found);
	kms_leave(in);
	if (st.code == E_NOT_FOUND)
		return OK;
	TRY(st);
	return there_already(rq, key, region);
}

/* ---- the steps ---------------------------------------------------------------------------- */

/* All that will be said of it, in the answer and in both records. */
static void describe(struct req *rq, const struct kms_key *key, const struct kms_key_row *row,
		     struct kms_replica_wish *wish)
{
	const struct kms_replicate_key_in *in = rq->in;
	struct kms_replicate_key_out *out = rq->out;
	const struct kms_original o = { .id = key->id, .region = key->region, .row = *row };
	struct req *there = kms_enter(rq, key->account, in->replica_region);
	struct kms_key_metadata *m = kms_wish_metadata(there, &o, wish);
	wish->record = kms_wish_record(there, m, wish);
	kms_leave(there);
	*out = (struct kms_replicate_key_out){
		.replica_key_metadata = m,
		.replica_policy = wish->policy,
		.replica_tags = wish->tags,
	};
	wish->call = kms_record_call(rq, rq->op->name, in, out, key->arn);
}

static struct status put_entry(struct req *rq, struct txn *t, const struct kms_key *key, struct str region,
			       struct kms_replica_wish *wish)
{
	struct buf b = buf_in(rq->mem);
	struct kms_key_row row;
	TRY(kms_row_get(rq, t, key->id, &row));
	TRY(check_primary(rq, key->arn, &row));
	size_t n = row.replicas.n;
	for (size_t i = 0; i < n; i++)
		if (str_eq(row.replicas.v[i].region, region))
			return there_already(rq, key, region);
	if (n == KMS_REPLICAS_MAX)
		return FAIL(rq, kms_LimitExceededException, "The key %.*s has %d replicas, and may have no more.",
			    PR(key->arn), KMS_REPLICAS_MAX);
	struct kms_replica_entry *v = NEWS(rq->mem, struct kms_replica_entry, n + 1);
	if (n)
		memcpy(v, row.replicas.v, n * sizeof *v);
	v[n] = (struct kms_replica_entry){ region, row.version + 1 };
	row.replicas = (struct kms_replica_entry_list){ v, n + 1 };
	describe(rq, key, &row, wish);
	pack(&b, &kms_replica_wish_shape, wish);
	TRY(txn_put(t, kms_wish_key(rq->mem, key->id, region), buf_str(&b)));
	TRY(kms_shared(rq, t, key->id, &row));
	return kms_row_put(rq, t, key->id, &row);
}

/* A commit of its own, not the call's with its record: that comes when the replica is there. */
static struct status list(struct req *rq, struct str region, struct kms_replica_wish *wish)
{
	struct txn *t;
	TRY(kms_write(rq, &t));
	t = req_write_take(rq);
	return txn_finish(t, put_entry(rq, t, kms_found(rq)->key, region, wish));
}

static struct status unready(struct req *rq, const struct kms_key *key, struct status st)
{
	if (st.code == E_FAULT)
		return st;
	log_error("a replica key was not made", "key", key->arn, "status", str_of(status_name(st)));
	return FAIL(rq, kms_KMSInternalException, "The request failed because of an internal error. Please try again.");
}

struct status kms_replicate_key(struct req *rq, const struct kms_replicate_key_in *in,
				struct kms_replicate_key_out *out)
{
	const struct kms_key *key = kms_found(rq)->key;
	struct str arn = kms_arn_in(rq, in->replica_region, key->account, "key/", key->id);
	struct kms_replica_wish wish = {
		.policy = in->policy.p ? in->policy : kms_default_policy(rq, key->account),
		.description = in->description,
		.tags = in->tags,
		.created_at = rq->now_ms,
	};
	(void)out; /* describe */
	TRY(check_primary(rq, key->arn, &key->row));
	TRY(check_region(rq, key, in->replica_region));
	TRY(kms_tags_check(rq, in->tags));
	const struct kms_subject subject = { arn, key->account, kms_tag_map(rq->mem, in->tags), NULL };
	TRY(kms_policy_check(rq, wish.policy, &subject, in->bypass_policy_lockout_safety_check.v, &wish.policy_bound));
	TRY(list(rq, in->replica_region, &wish));
	key = kms_found(rq)->key;
	struct status st = kms_mirror_new(rq, key, in->replica_region);
	if (failed(st))
		return unready(rq, key, st);
	rq->no_record = true; /* it stands where the replica stands */
	return OK;
}

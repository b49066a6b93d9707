/* SPDX-License-Identifier: Apache-2.0 */
/*
 * UpdatePrimaryRegion ("Change the primary key in a set of multi-Region keys").
 *
 *     primary ── its own commit ──▶ replica, Updating ── all regions told ──▶ replica
 *     replica ───────────────────────── told ─▶ primary
 *
 * From the first commit on the change is made, whatever stops the server: the duty tells the others. In between both
 * are replicas, and nothing can be done that a primary is needed for.
 *
 * Must be allowed on both keys, each by the policy it has in its region.
 */
#include "base/log.h"
#include "base/str.h"
#include "svc/kms/authorize.h"
#include "svc/kms/mirror.h"
#include "svc/kms/multiregion.h"
#include "svc/kms/used.h"

/* ---- who may -------------------------------------------------------------------------- */

/* A key that has no such replica is the handler's to refuse. */
static struct status find_successor(struct req *rq, struct kms_found *f, struct str region)
{
	struct kms_found there = { 0 };
	struct req *in = kms_enter(rq, f->key->account, region);
	in->handed = rq->handed;
	struct status st = kms_find_id(in, f->key->account, f->key->id, &there);
	rq->handed = in->handed; /* by that it is judged, too */
	kms_leave(in);
	if (st.code == E_NOT_FOUND)
		return OK;
	TRY(st);
	f->target = there.key;
	return OK;
}

struct status kms_authorize_primary(struct req *rq, const void *in_, struct authz *az)
{
	const struct kms_update_primary_region_in *in = in_;
	struct kms_found *f = NEW(rq->mem, struct kms_found);
	TRY(kms_find(rq, in->key_id, 0, f));
	rq->found = f;
	kms_remember(rq, f->key);
	(void)kms_put_key(az, f->key);
	if (!kms_is_primary(&f->key->row) || str_eq(in->primary_region, rq->region))
		return OK;
	TRY(find_successor(rq, f, in->primary_region));
	if (f->target)
		kms_put_key(az, f->target)->region = in->primary_region;
	return OK;
}

/* ---- may it be --------------------------------------------------------------------------- */

static struct status check_role(struct req *rq, struct str arn, const struct kms_key_row *row)
{
	TRY(kms_not_updating(rq, arn, row));
	TRY(kms_only_primary(rq, arn, row));
	return kms_state_check(rq, arn, row->state, KMS_USE);
}

static struct status check_successor(struct req *rq, const struct kms_found *f, struct str region)
{
	const struct kms_key *to = f->target;
	if (str_eq(region, f->key->region))
		return FAIL(rq, kms_UnsupportedOperationException, "%.*s is the primary key already.", PR(f->key->arn));
	if (!to || !kms_is_replica(&to->row))
		return kms_no_key(rq, kms_arn_in(rq, region, f->key->account, "key/", f->key->id));
	TRY(kms_not_updating(rq, to->arn, &to->row));
	return kms_state_check(rq, to->arn, to->row.state, KMS_USE);
}

/* ---- the change ----------------------------------------------------------------------------- */

/* The successor leaves the list of replicas, its predecessor takes its place. */
static struct status hand_over(struct req *rq, struct kms_edit *e, struct str to)
{
	struct kms_replica_entry *v = NEWS(rq->mem, struct kms_replica_entry, e->row.replicas.n + 1);
	bool found = false;
	for (size_t i = 0; i < e->row.replicas.n; i++) {
		bool is_it = str_eq(e->row.replicas.v[i].region, to);
		found |= is_it;
		v[i] = is_it ? (struct kms_replica_entry){ rq->region, e->row.version + 1 } : e->row.replicas.v[i];
	}
	if (!found)
		return kms_no_key(rq, kms_arn_in(rq, to, rq->account, "key/", e->id));
	e->row.replicas.v = v;
	e->row.multi_region = KMS_MULTI_REGION_KEY_TYPE_REPLICA;
	e->row.primary_region = to;
	e->row.since = e->row.version + 1;
	e->row.updating = true;
	return OK;
}

/* A replica that is still to be made is this primary's affair, and what was begun is not handed on. */
static struct status finish_before(struct req *rq, const struct kms_key *key)
{
	struct status st = kms_mirror(rq, key->account, key->region, key->id);
	if (!failed(st) || st.code == E_FAULT)
		return OK;
	log_error("a multi-Region key's regions are not in step", "key", key->arn, "status", str_of(status_name(st)));
	return FAIL(rq, kms_KMSInternalException, "The request failed because of an internal error. Please try again.");
}

static struct status check_in_step(struct req *rq, const struct kms_edit *e)
{
	bool marked;
	TRY(txn_has(e->txn, kms_mark_key(rq->mem, e->id), &marked));
	if (marked)
		return FAIL(rq, kms_KMSInvalidStateException, "%.*s is updating.", PR(e->arn));
	return OK;
}

struct status kms_update_primary_region(struct req *rq, const struct kms_update_primary_region_in *in,
					struct kms_update_primary_region_out *out)
{
	const struct kms_found *f = kms_found(rq);
	struct kms_edit e;
	(void)out;
	TRY(check_role(rq, f->key->arn, &f->key->row));
	TRY(check_successor(rq, f, in->primary_region));
	TRY(finish_before(rq, f->key));
	TRY(kms_edit(rq, &e));
	TRY(check_role(rq, e.arn, &e.row));
	TRY(check_in_step(rq, &e));
	TRY(hand_over(rq, &e, in->primary_region));
	TRY(kms_shared(rq, e.txn, e.id, &e.row));
	kms_record_key(rq, e.arn);
	return kms_row_put(rq, e.txn, e.id, &e.row);
}

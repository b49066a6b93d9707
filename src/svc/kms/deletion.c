/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ScheduleKeyDeletion and CancelKeyDeletion ("Deleting AWS KMS keys"). What happens on the
 * day is in sweep.c.
 *
 *     Enabled ──┐                          ┌── sweep, on the day ──▶ gone
 *               ├─ schedule ─▶ PendingDeletion
 *     Disabled ─┘◀──────── cancel ─────────┘   (a cancelled key comes back Disabled,
 *                                                 or PendingImport when its material is not here)
 *
 * A primary key with replicas waits for their end first, and has no date (PendingReplicaDeletion); its waiting period
 * begins with the end of the last of them (mirror.c). "Deleting multi-Region keys".
 */
#include "svc/kms/deletion.h"

#include "base/time.h"
#include "svc/kms/key.h"
#include "svc/kms/multiregion.h"

struct status kms_deletion_begin(struct req *rq, struct txn *t, struct str id, struct kms_key_row *row)
{
	row->state = KMS_KEY_STATE_PENDING_DELETION;
	row->delete_at = rq->now_ms + row->pending_days * DAY_MS;
	return txn_put(t, kms_date_key(rq->mem, 'd', row->delete_at, id), S(""));
}

struct status kms_schedule_key_deletion(struct req *rq, const struct kms_schedule_key_deletion_in *in,
					struct kms_schedule_key_deletion_out *out)
{
	struct kms_edit e;
	TRY(kms_edit(rq, &e));
	TRY(kms_state_check(rq, e.arn, e.row.state, KMS_CHANGE));
	TRY(kms_not_updating(rq, e.arn, &e.row));
	e.row.pending_days = in->pending_window_in_days;
	if (kms_is_primary(&e.row) && e.row.replicas.n)
		e.row.state = KMS_KEY_STATE_PENDING_REPLICA_DELETION;
	else
		TRY(kms_deletion_begin(rq, e.txn, e.id, &e.row));
	TRY(kms_row_put(rq, e.txn, e.id, &e.row));
	*out = (struct kms_schedule_key_deletion_out){
		.key_id = kms_text(rq, e.arn),
		.key_state = e.row.state,
		.pending_window_in_days = SET(in->pending_window_in_days),
	};
	if (e.row.delete_at)
		out->deletion_date = (struct opt_int)SET(e.row.delete_at);
	return OK;
}

struct status kms_cancel_key_deletion(struct req *rq, const struct kms_cancel_key_deletion_in *in,
				      struct kms_cancel_key_deletion_out *out)
{
	struct kms_edit e;
	(void)in;
	TRY(kms_edit(rq, &e));
	if (!kms_row_ends(&e.row))
		return FAIL(rq, kms_KMSInvalidStateException, "%.*s is not pending deletion.", PR(e.arn));
	if (e.row.delete_at)
		TRY(txn_del(e.txn, kms_date_key(rq->mem, 'd', e.row.delete_at, e.id)));
	e.row.state = e.row.lacking ? KMS_KEY_STATE_PENDING_IMPORT : KMS_KEY_STATE_DISABLED;
	e.row.delete_at = 0;
	e.row.pending_days = 0;
	TRY(kms_row_put(rq, e.txn, e.id, &e.row));
	out->key_id = kms_text(rq, e.arn);
	return OK;
}

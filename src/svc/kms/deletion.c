/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ScheduleKeyDeletion and CancelKeyDeletion ("Deleting AWS KMS keys"). What happens on the
 * day is in sweep.c.
 *
 *     Enabled ──┐                          ┌── sweep, on the day ──▶ gone
 *               ├─ schedule ─▶ PendingDeletion
 *     Disabled ─┘◀──────── cancel ─────────┘   (a cancelled key comes back Disabled,
 *                                                 or PendingImport when its material is not here)
 */
#include "svc/kms/deletion.h"

#include "base/time.h"
#include "svc/kms/key.h"

struct status kms_schedule_key_deletion(struct req *rq, const struct kms_schedule_key_deletion_in *in,
					struct kms_schedule_key_deletion_out *out)
{
	struct kms_edit e;
	TRY(kms_edit(rq, &e));
	TRY(kms_state_check(rq, e.arn, e.row.state, KMS_CHANGE));
	e.row.state = KMS_KEY_STATE_PENDING_DELETION;
	e.row.delete_at = rq->now_ms + in->pending_window_in_days * DAY_MS;
	e.row.pending_days = in->pending_window_in_days;
	TRY(txn_put(e.txn, kms_date_key(rq->mem, 'd', e.row.delete_at, e.id), S("")));
	TRY(kms_row_put(rq, e.txn, e.id, &e.row));
	*out = (struct kms_schedule_key_deletion_out){
		.key_id = kms_text(rq, e.arn),
		.deletion_date = SET(e.row.delete_at),
		.key_state = e.row.state,
		.pending_window_in_days = SET(in->pending_window_in_days),
	};
	return OK;
}

struct status kms_cancel_key_deletion(struct req *rq, const struct kms_cancel_key_deletion_in *in,
				      struct kms_cancel_key_deletion_out *out)
{
	struct kms_edit e;
	(void)in;
	TRY(kms_edit(rq, &e));
	if (e.row.state != KMS_KEY_STATE_PENDING_DELETION)
		return FAIL(rq, kms_KMSInvalidStateException, "%.*s is not pending deletion.", PR(e.arn));
	TRY(txn_del(e.txn, kms_date_key(rq->mem, 'd', e.row.delete_at, e.id)));
	e.row.state = e.row.lacking ? KMS_KEY_STATE_PENDING_IMPORT : KMS_KEY_STATE_DISABLED;
	e.row.delete_at = 0;
	e.row.pending_days = 0;
	TRY(kms_row_put(rq, e.txn, e.id, &e.row));
	out->key_id = kms_text(rq, e.arn);
	return OK;
}

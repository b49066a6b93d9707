/* SPDX-License-Identifier: Apache-2.0 */
/*
 * EnableKey and DisableKey. Each is fine with a key that is so already.
 *
 *     Enabled ◀── EnableKey ── DisableKey ──▶ Disabled
 */
#include "svc/kms/key.h"
#include "svc/kms/multiregion.h"
#include "svc/kms/used.h"

static struct status set_state(struct req *rq, enum kms_key_state state)
{
	struct kms_edit e;
	TRY(kms_edit(rq, &e));
	TRY(kms_state_check(rq, e.arn, e.row.state, KMS_SWITCH));
	TRY(kms_not_updating(rq, e.arn, &e.row));
	e.row.state = state;
	kms_record_key(rq, e.arn);
	return kms_row_put(rq, e.txn, e.id, &e.row);
}

struct status kms_enable_key(struct req *rq, const struct kms_enable_key_in *in, struct kms_enable_key_out *out)
{
	(void)in;
	(void)out;
	return set_state(rq, KMS_KEY_STATE_ENABLED);
}

struct status kms_disable_key(struct req *rq, const struct kms_disable_key_in *in, struct kms_disable_key_out *out)
{
	(void)in;
	(void)out;
	return set_state(rq, KMS_KEY_STATE_DISABLED);
}

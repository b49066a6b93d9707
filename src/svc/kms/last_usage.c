/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GetKeyLastUsage. A key that was never used has an empty KeyLastUsage, and whoever asks sees
 * by the two dates whether that is since it was made or since this server keeps count.
 */
#include "base/time.h"
#include "svc/kms/usage.h"

struct status kms_get_key_last_usage(struct req *rq, const struct kms_get_key_last_usage_in *in,
				     struct kms_get_key_last_usage_out *out)
{
	const struct kms_key *key = kms_found(rq)->key;
	struct kms_key_last_usage_data *last = NEW(rq->mem, struct kms_key_last_usage_data);
	struct kms_usage_state s;
	(void)in;
	TRY(kms_usage_get(rq, kms_found(rq), &s));
	if (s.last.when)
		*last = (struct kms_key_last_usage_data){
			.operation = s.last.operation,
			.timestamp = SET(s.last.when - s.last.when % SECOND_MS),
			.cloud_trail_event_id = s.last.event_id,
			.kms_request_id = s.last.request_id,
		};
	*out = (struct kms_get_key_last_usage_out){
		.key_id = kms_text(rq, key->id),
		.key_last_usage = last,
		.tracking_start_date = SET(s.tracked_since),
		.key_creation_date = SET(key->row.created_at),
	};
	return OK;
}

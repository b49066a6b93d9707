/* SPDX-License-Identifier: Apache-2.0 */
#include "svc/kms/used.h"

#include "base/str.h"
#include "svc/kms/key_store.h"
#include "svc/kms/usage.h"

static struct str shown(struct req *rq, const struct kms_key *key, const struct kms_backing *with)
{
	if (key->row.spec != KMS_KEY_SPEC_SYMMETRIC_DEFAULT || kms_in_store(&key->row))
		return (struct str){ 0 };
	return kms_text(rq, with->material_id);
}

/* Names are ours and values hex digits or ids: nothing to escape. */
static void extra(struct req *rq, const char *name, struct str value)
{
	struct buf b = buf_in(rq->mem);
	if (!value.p)
		return;
	(void)buf_room(&b, rq->record_extra.n + strlen(name) + value.n + 8);
	if (rq->record_extra.n)
		buf_put(&b, str_sub(rq->record_extra, 0, rq->record_extra.n - 1));
	buf_z(&b, rq->record_extra.n ? ",\"" : "{\"");
	buf_z(&b, name);
	buf_z(&b, "\":\"");
	buf_put(&b, value);
	buf_z(&b, "\"}");
	rq->record_extra = buf_str(&b);
}

struct str kms_used(struct req *rq, const struct kms_key *key, const struct kms_backing *with)
{
	struct str id = shown(rq, key, with);
	extra(rq, "keyMaterialId", id);
	kms_usage_note(rq, key);
	return id;
}

struct kms_used_pair kms_used_both(struct req *rq, const struct kms_key *from, const struct kms_backing *from_with,
				   const struct kms_key *to, const struct kms_backing *to_with)
{
	struct kms_used_pair ids = { shown(rq, from, from_with), shown(rq, to, to_with) };
	extra(rq, "destinationKeyMaterialId", ids.destination);
	extra(rq, "sourceKeyMaterialId", ids.source);
	kms_usage_note(rq, from);
	kms_usage_note(rq, to);
	return ids;
}

void kms_record_key(struct req *rq, struct str arn)
{
	rq->record_answer = arena_printf(rq->mem, "{\"keyId\":\"%.*s\"}", PR(arn));
}

void kms_note_store(struct req *rq, const struct kms_key *key)
{
	if (kms_in_store(&key->row) && !rq->record_extra.n)
		extra(rq, "customKeyStoreId", key->row.custom_key_store_id);
}

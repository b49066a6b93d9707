/* SPDX-License-Identifier: Apache-2.0 */
#include "svc/kms/note.h"

#include "api/ids.h"
#include "api/record.h"

struct caller kms_itself(const struct req *rq)
{
	return (struct caller){
		.kind = CALLER_SERVICE,
		.account = rq->account,
		.principal_id = S("kms.amazonaws.com"),
		.name = S("kms.amazonaws.com"),
		.invoked_by = S("AWS Internal"),
	};
}

static struct req itself(struct req *rq, struct str account, const struct op *op, struct str *arn)
{
	struct req as = {
		.app = rq->app,
		.mem = rq->mem,
		.id = id_uuid(rq->app->world, rq->mem),
		.now_ms = rq->now_ms,
		.svc = rq->svc,
		.op = op,
		.region = rq->region,
		.account = account,
		.secure = true,
		.source_ip = S("AWS Internal"),
		.user_agent = S("AWS Internal"),
		.resources = { arn, 1 },
	};
	as.caller = kms_itself(&as);
	return as;
}

/* An event of KMS that is no operation's; `details` become serviceEventDetails, JSON. */
static struct status note_event(struct req *rq, struct txn *t, struct str account, const char *name, struct str arn_,
				struct str details)
{
	struct str *arn = NEW(rq->mem, struct str);
	struct op *op = NEW(rq->mem, struct op);
	*arn = arn_;
	*op = *service_op(&kms_service, S("CancelKeyDeletion"));
	op->name = name;
	struct req as = itself(rq, account, op, arn);
	as.service_event = true;
	as.record_extra = details;
	return txn_outbox(t, record_make(&as));
}

struct status kms_note_expiry(struct req *rq, struct txn *t, const struct kms_key *key, struct str material_id)
{
	return note_event(
	    rq, t, key->account, "DeleteExpiredKeyMaterial", key->arn,
	    arena_printf(rq->mem, "{\"keyId\":\"%.*s\",\"keyMaterialId\":\"%.*s\"}", PR(key->id), PR(material_id)));
}

/* Of a key that an older version made, the material may have no id. */
static void put_material(struct buf *b, const char *name, struct str id)
{
	if (!id.n)
		return;
	buf_z(b, name);
	buf_put(b, id);
	buf_z(b, "\",");
}

struct status kms_note_rotation(struct req *rq, struct txn *t, const struct kms_key *key, const struct kms_key_row *now,
				enum kms_rotation_type type)
{
	struct buf b = buf_in(rq->mem);
	buf_z(&b, type == KMS_ROTATION_TYPE_ON_DEMAND ? "{\"rotationType\":\"ON_DEMAND\",\"keyOrigin\":\""
						      : "{\"rotationType\":\"AUTOMATIC\",\"keyOrigin\":\"");
	buf_z(&b, kms_origin_name(now->origin));
	buf_z(&b, "\",");
	put_material(&b, "\"previousKeyMaterialId\":\"", key->row.material_id);
	put_material(&b, "\"currentKeyMaterialId\":\"", now->material_id);
	buf_z(&b, "\"keyId\":\"");
	buf_put(&b, key->id);
	buf_z(&b, "\"}");
	return note_event(rq, t, key->account, "RotateKey", key->arn, buf_str(&b));
}

/* What KMS does to a key by itself, without an operation of that name: it answers as CancelKeyDeletion does. */
static struct status note_own(struct req *rq, struct txn *t, struct str account, const char *name, const char *action,
			      struct str id, bool service_event)
{
	struct op *op = NEW(rq->mem, struct op);
	struct str *arn = NEW(rq->mem, struct str);
	struct kms_cancel_key_deletion_out *out = NEW(rq->mem, struct kms_cancel_key_deletion_out);
	*op = *service_op(&kms_service, S("CancelKeyDeletion"));
	op->name = name;
	op->action = action;
	*arn = kms_arn(rq, account, "key/", id);
	out->key_id = *arn;
	struct req as = itself(rq, account, op, arn);
	as.in = NEW(rq->mem, struct kms_cancel_key_deletion_in);
	as.out = out;
	as.service_event = service_event;
	return txn_outbox(t, record_make(&as));
}

struct status kms_note_synchronized(struct req *rq, struct txn *t, struct str account, struct str id)
{
	return note_own(rq, t, account, "SynchronizeMultiRegionKey", "kms:SynchronizeMultiRegionKey", id, false);
}

struct status kms_note_deletion(struct req *rq, struct txn *t, struct str account, struct str id)
{
	return note_own(rq, t, account, "DeleteKey", "kms:DeleteKey", id, true);
}

struct str kms_record_call(struct req *in, const char *op, const void *input, const void *output, struct str arn_)
{
	struct str *arn = NEW(in->mem, struct str);
	struct req as = *in;
	*arn = arn_;
	as.parent = NULL;
	as.fault.kind = NULL;
	as.event_id = (struct str){ 0 };
	as.op = service_op(&kms_service, str_of(op));
	as.in = input;
	as.out = (void *)(uintptr_t)output;
	as.resources = (struct str_list){ arn, 1 };
	return record_make(&as);
}

struct status kms_note_creation(struct req *rq, struct txn *t, const struct kms_new *k,
				const struct kms_key_metadata *m)
{
	struct str *arn = NEW(rq->mem, struct str);
	struct kms_create_key_in *in = NEW(rq->mem, struct kms_create_key_in);
	struct kms_create_key_out *out = NEW(rq->mem, struct kms_create_key_out);
	*arn = m->arn;
	in->description = k->description;
	in->key_usage = m->key_usage;
	in->origin = m->origin;
	out->key_metadata = m;
	struct req as = itself(rq, m->aws_account_id, service_op(&kms_service, S("CreateKey")), arn);
	as.in = in;
	as.out = out;
	return txn_outbox(t, record_make(&as));
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DescribeKey, ListKeys, UpdateKeyDescription: what keys there are and what is known of them.
 */
#include "svc/kms/key.h"

#include "base/str.h"
#include "svc/kms/key_store.h"
#include "svc/kms/multiregion.h"
#include "svc/kms/page.h"
#include "svc/kms/spec.h"
#include "wire/pack.h"

enum { PAGE_DEFAULT = 100, PAGE_MAX = 1000 };

struct kms_key_metadata *kms_metadata(struct req *rq, struct str account, struct str arn, struct str id,
				      const struct kms_key_row *row)
{
	struct kms_algorithms all = kms_algorithms_of(row->spec, row->usage);
	struct kms_key_metadata *m = NEW(rq->mem, struct kms_key_metadata);
	*m = (struct kms_key_metadata){
		.aws_account_id = kms_text(rq, account),
		.key_id = kms_text(rq, id),
		.arn = kms_text(rq, arn),
		.creation_date = SET(row->created_at),
		.enabled = SET(row->state == KMS_KEY_STATE_ENABLED),
		.description = row->description.p ? kms_text(rq, row->description) : S(""),
		.key_usage = row->usage,
		.key_state = row->updating && row->state == KMS_KEY_STATE_ENABLED ? KMS_KEY_STATE_UPDATING : row->state,
		.origin = row->origin,
		.key_manager = row->manager,
		.customer_master_key_spec = (enum kms_customer_master_key_spec)row->spec,
		.key_spec = row->spec,
		.encryption_algorithms = all.encrypts,
		.signing_algorithms = all.signs,
		.mac_algorithms = all.macs,
		.key_agreement_algorithms = all.agrees,
	};
	kms_multi_region_describe(rq, account, id, row, m);
	if (row->spec == KMS_KEY_SPEC_SYMMETRIC_DEFAULT && row->material_id.n)
		m->current_key_material_id = kms_text(rq, row->material_id);
	if (row->origin == KMS_ORIGIN_TYPE_EXTERNAL && !row->lacking)
		m->expiration_model = row->valid_to ? KMS_EXPIRATION_MODEL_TYPE_KEY_MATERIAL_EXPIRES
						    : KMS_EXPIRATION_MODEL_TYPE_KEY_MATERIAL_DOES_NOT_EXPIRE;
	if (row->valid_to)
		m->valid_to = (struct opt_int)SET(row->valid_to);
	if (row->delete_at)
		m->deletion_date = (struct opt_int)SET(row->delete_at);
	if (row->state == KMS_KEY_STATE_PENDING_REPLICA_DELETION)
		m->pending_deletion_window_in_days = (struct opt_int)SET(row->pending_days);
	if (kms_in_store(row))
		m->custom_key_store_id = kms_text(rq, row->custom_key_store_id);
	return m;
}

struct status kms_describe_key(struct req *rq, const struct kms_describe_key_in *in, struct kms_describe_key_out *out)
{
	const struct kms_key *k = kms_found(rq)->key;
	struct kms_key_metadata *m = kms_metadata(rq, k->account, k->arn, k->id, &k->row);
	(void)in;
	out->key_metadata = m;
	return kms_store_describe(rq, &k->row, kms_found(rq)->shard, m);
}

static struct status list_page(struct req *rq, struct kms_page *page, struct kms_key_list_entry *v, size_t *n)
{
	struct shard *shard;
	struct cursor c;
	struct txn *t;
	TRY(kms_shard(rq, rq->caller.account, &shard));
	TRY(req_read(rq, shard, &t));
	TRY(txn_range(t, &(struct range){ .prefix = S("k"), .from = page->from }, &c));
	while (kms_page_next(page, &c)) {
		struct kms_key_row row = { 0 };
		struct rd r = rd_of(c.key);
		(void)key_take_tag(&r);
		struct str id = str_dup(rq->mem, key_take_str(&r, rq->mem));
		TRY(unpack(rq->mem, &kms_key_row_shape, c.val, &row));
		if (!kms_row_due(&row, rq->now_ms))
			v[(*n)++] = (struct kms_key_list_entry){ id, kms_arn(rq, rq->caller.account, "key/", id) };
	}
	return cursor_end(&c);
}

/* Nobody shares keys with anybody here by AWS RAM: of other accounts' there are none to list. */
static bool asks_for_own(struct kms_resource_owner_type_list owners)
{
	for (size_t i = 0; i < owners.n; i++)
		if (owners.v[i] == KMS_RESOURCE_OWNER_TYPE_SELF)
			return true;
	return !owners.n;
}

struct status kms_list_keys(struct req *rq, const struct kms_list_keys_in *in, struct kms_list_keys_out *out)
{
	struct kms_page page;
	size_t n = 0;
	TRY(kms_page_begin(rq, in->limit, in->marker, PAGE_DEFAULT, PAGE_MAX, S("k"), &page));
	struct kms_key_list_entry *v = NEWS(rq->mem, struct kms_key_list_entry, page.limit);
	struct status st = asks_for_own(in->resource_owners) ? list_page(rq, &page, v, &n) : OK;
	if (st.code != E_NOT_FOUND) /* never had a key in this region */
		TRY(st);
	out->keys = (struct kms_key_list_entry_list){ v, n };
	out->next_marker = kms_page_marker(rq, &page);
	out->truncated = (struct opt_bool)SET(page.more);
	return OK;
}

struct status kms_update_key_description(struct req *rq, const struct kms_update_key_description_in *in,
					 struct kms_update_key_description_out *out)
{
	struct kms_edit e;
	(void)out;
	TRY(kms_edit(rq, &e));
	TRY(kms_state_check(rq, e.arn, e.row.state, KMS_CHANGE));
	e.row.description = in->description;
	return kms_row_put(rq, e.txn, e.id, &e.row);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DescribeCustomKeyStores: all of the account's in the region, or the one of an id or a name.
 */
#include "api/faults.h"
#include "base/str.h"
#include "svc/kms/key_store.h"
#include "svc/kms/key_store_link.h"
#include "svc/kms/page.h"
#include "wire/pack.h"

enum { PAGE_DEFAULT = 100, PAGE_MAX = 1000 };

static const struct str none;

static struct kms_custom_key_stores_list_entry entry_of(struct req *rq, struct str id,
							const struct kms_key_store_row *row)
{
	struct kms_connection c = kms_connection_of(rq->app, id, row);
	return (struct kms_custom_key_stores_list_entry){
		.custom_key_store_id = id,
		.custom_key_store_name = row->name,
		.cloud_hsm_cluster_id = row->cluster_id,
		.trust_anchor_certificate = row->trust_anchor,
		.connection_state = c.state,
		.connection_error_code = c.error,
		.creation_date = SET(row->created_at),
		.custom_key_store_type = KMS_CUSTOM_KEY_STORE_TYPE_AWS_CLOUDHSM,
	};
}

static struct status one(struct req *rq, struct str id, struct str name, struct kms_custom_key_stores_list_entry *out)
{
	struct kms_key_store_row row;
	struct shard *shard;
	struct txn *t;
	struct status st = kms_shard(rq, rq->caller.account, &shard);
	if (!failed(st))
		st = req_read(rq, shard, &t);
	if (!failed(st) && name.p)
		st = txn_get(t, kms_store_key(rq->mem, 'N', name, none), rq->mem, &id);
	if (!failed(st))
		st = kms_store_get(rq, t, id, &row);
	if (st.code == E_NOT_FOUND)
		return kms_no_store(rq, name.p ? name : id);
	TRY(st);
	*out = entry_of(rq, id, &row);
	return OK;
}

static struct status list(struct req *rq, struct kms_page *page, struct kms_custom_key_stores_list_entry *v, size_t *n)
{
	struct shard *shard;
	struct cursor c;
	struct txn *t;
	TRY(kms_shard(rq, rq->caller.account, &shard));
	TRY(req_read(rq, shard, &t));
	TRY(txn_range(t, &(struct range){ .prefix = S("V"), .from = page->from }, &c));
	while (kms_page_next(page, &c)) {
		struct kms_key_store_row row = { 0 };
		struct rd r = rd_of(str_dup(rq->mem, c.key));
		(void)key_take_tag(&r);
		struct str id = key_take_str(&r, rq->mem);
		TRY(unpack(rq->mem, &kms_key_store_row_shape, str_dup(rq->mem, c.val), &row));
		v[(*n)++] = entry_of(rq, id, &row);
	}
	return cursor_end(&c);
}

struct status kms_describe_custom_key_stores(struct req *rq, const struct kms_describe_custom_key_stores_in *in,
					     struct kms_describe_custom_key_stores_out *out)
{
	struct kms_page page;
	size_t n = 0;
	if (in->custom_key_store_id.p && in->custom_key_store_name.p)
		return FAIL(rq, api_ValidationException,
			    "Specify either CustomKeyStoreId or CustomKeyStoreName, but not both.");
	TRY(kms_page_begin(rq, in->limit, in->marker, PAGE_DEFAULT, PAGE_MAX, S("V"), &page));
	struct kms_custom_key_stores_list_entry *v = NEWS(rq->mem, struct kms_custom_key_stores_list_entry, page.limit);
	if (in->custom_key_store_id.p || in->custom_key_store_name.p) {
		TRY(one(rq, in->custom_key_store_id, in->custom_key_store_name, v));
		n = 1;
	} else {
		struct status st = list(rq, &page, v, &n);
		if (st.code != E_NOT_FOUND) /* never had a key in this region */
			TRY(st);
	}
	out->custom_key_stores = (struct kms_custom_key_stores_list_entry_list){ v, n };
	out->next_marker = kms_page_marker(rq, &page);
	out->truncated = (struct opt_bool)SET(page.more);
	return OK;
}

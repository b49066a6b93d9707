/* SPDX-License-Identifier: Apache-2.0 */
#include "svc/kms/imported.h"

#include "base/log.h"
#include "base/str.h"
#include "svc/kms/multiregion.h"
#include "svc/kms/note.h"
#include "wire/pack.h"

struct status kms_imported_check(struct req *rq, const struct kms_key *key)
{
	if (key->row.origin != KMS_ORIGIN_TYPE_EXTERNAL)
		return FAIL(rq, kms_UnsupportedOperationException,
			    "%.*s origin is %s which is not valid for this operation.", PR(key->arn),
			    kms_origin_name(key->row.origin));
	return OK;
}

/* ---- rows ------------------------------------------------------------------------- */

struct status kms_imported_read(struct req *rq, struct txn *t, struct str id, struct kms_imported_list *out)
{
	struct cursor c;
	size_t cap = 32; /* more than can be rotated on demand */
	*out = (struct kms_imported_list){ NEWS(rq->mem, struct kms_imported, cap), 0 };
	TRY(txn_range(t, &(struct range){ .prefix = kms_key_of(rq->mem, 'b', id) }, &c));
	while (out->n < cap && cursor_next(&c)) {
		struct kms_imported *m = &out->v[out->n++];
		struct rd r = rd_of(c.key);
		*m = (struct kms_imported){ 0 };
		(void)key_take_tag(&r);
		(void)key_take_str(&r, rq->mem);
		m->generation = (uint32_t)key_take_u64(&r);
		TRY(unpack(rq->mem, &kms_backing_row_shape, str_dup(rq->mem, c.val), &m->row));
	}
	return cursor_end(&c);
}

struct status kms_imported_put(struct req *rq, struct txn *t, struct str id, const struct kms_imported *m)
{
	struct buf b = buf_in(rq->mem);
	pack(&b, &kms_backing_row_shape, &m->row);
	return txn_put(t, kms_backing_key(rq->mem, id, m->generation), buf_str(&b));
}

static int64_t earlier(int64_t a, int64_t b) { return !a || (b && b < a) ? b : a; }

void kms_imported_settle(struct kms_key_row *row, const struct kms_imported_list *all)
{
	bool lacking = row->generation == 0;
	row->valid_to = row->expires_at = 0;
	for (size_t i = 0; i < all->n; i++) {
		const struct kms_imported *m = &all->v[i];
		bool belongs = m->generation <= row->generation;
		lacking |= belongs && !m->row.wrapped.n;
		row->expires_at = earlier(row->expires_at, m->row.wrapped.n ? m->row.valid_to : 0);
		if (belongs)
			row->valid_to = earlier(row->valid_to, m->row.wrapped.n ? m->row.valid_to : 0);
	}
	row->lacking = lacking;
	if (kms_row_ends(row))
		return;
	if (lacking)
		row->state = KMS_KEY_STATE_PENDING_IMPORT;
	else if (row->state == KMS_KEY_STATE_PENDING_IMPORT)
		row->state = KMS_KEY_STATE_ENABLED;
}

struct kms_imported *kms_imported_pending(const struct kms_key_row *row, const struct kms_imported_list *all)
{
	for (size_t i = 0; i < all->n; i++)
		if (all->v[i].generation > row->generation && all->v[i].row.wrapped.n)
			return &all->v[i];
	return NULL;
}

/* ---- going -------------------------------------------------------------------------- */

struct status kms_imported_drop(struct req *rq, struct txn *t, const struct kms_key *key, const struct kms_key_row *row,
				struct kms_imported *m)
{
	TRY(kms_forget_at_end(rq, key->account, key->id, m->generation, m->row.wrapped));
	m->row.wrapped = S("");
	m->row.valid_to = 0;
	m->row.expiration_model = 0;
	if (m->generation > row->generation && !kms_is_replica(row))
		return txn_del(t, kms_backing_key(rq->mem, key->id, m->generation));
	return kms_imported_put(rq, t, key->id, m);
}

struct status kms_expiry_index(struct req *rq, struct txn *t, struct str id, const struct kms_key_row *old,
			       const struct kms_key_row *row)
{
	int64_t was = old ? old->expires_at : 0;
	if (was == row->expires_at)
		return OK;
	if (was)
		TRY(txn_del(t, kms_date_key(rq->mem, 'x', was, id)));
	return row->expires_at ? txn_put(t, kms_date_key(rq->mem, 'x', row->expires_at, id), S("")) : OK;
}

static struct status expire(struct req *rq, struct txn *t, const struct kms_key *key)
{
	struct kms_imported_list all;
	struct kms_key_row row;
	bool pending = false;
	TRY(kms_row_get(rq, t, key->id, &row));
	TRY(kms_imported_read(rq, t, key->id, &all));
	for (size_t i = 0; i < all.n; i++) {
		struct kms_imported *m = &all.v[i];
		if (!m->row.wrapped.n || !m->row.valid_to || m->row.valid_to > rq->now_ms)
			continue;
		pending |= m->generation > row.generation;
		TRY(kms_imported_drop(rq, t, key, &row, m));
		TRY(kms_note_expiry(rq, t, key, m->row.material_id));
	}
	kms_imported_settle(&row, &all);
	if (pending && kms_is_primary(&row))
		TRY(kms_shared(rq, t, key->id, &row));
	return kms_row_put(rq, t, key->id, &row);
}

struct status kms_expire(struct req *rq, struct shard *shard, const struct kms_key *key)
{
	struct txn *t;
	assert(!rq->write);
	req_read_end(rq);
	TRY(txn_write(shard, &t));
	TRY(txn_finish(t, expire(rq, t, key)));
	if (key->row.replicas.n && kms_is_primary(&key->row))
		(void)kms_mirror(rq, key->account, key->region, key->id).code; /* else the duty does */
	return OK;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The shared part of a multi-Region key, row by row.
 *
 * Material that was made here is copied as it stands, wrapped. Imported material is not: a replica gets rows without
 * material that know it by its face, and waits for the same bytes to be imported there.
 */
#include "svc/kms/mirror.h"

#include "api/accounts.h"
#include "base/str.h"
#include "svc/kms/imported.h"
#include "svc/kms/multiregion.h"
#include "svc/kms/note.h"
#include "svc/kms/quota.h"
#include "svc/kms/used.h"
#include "wire/pack.h"

struct str kms_mark_key(struct arena *mem, struct str id) { return kms_key_of(mem, 'm', id); }

struct str kms_wish_key(struct arena *mem, struct str id, struct str region)
{
	static const struct str none;
	return key_of(mem, 'w', id, region, none);
}

/* ---- reading --------------------------------------------------------------------- */

static struct status read_backings(struct req *in, struct txn *t, struct str id, struct kms_backing_copies *out)
{
	size_t cap = 0;
	struct cursor c;
	*out = (struct kms_backing_copies){ 0 };
	TRY(txn_range(t, &(struct range){ .prefix = kms_key_of(in->mem, 'b', id) }, &c));
	while (cursor_next(&c)) {
		if (out->n == cap) {
			cap = cap ? 2 * cap : 4;
			struct kms_backing_copy *more = NEWS(in->mem, struct kms_backing_copy, cap);
			if (out->n)
				memcpy(more, out->v, out->n * sizeof *more);
			out->v = more;
		}
		struct kms_backing_copy *b = &out->v[out->n++];
		*b = (struct kms_backing_copy){ .key = str_dup(in->mem, c.key), .val = str_dup(in->mem, c.val) };
		struct rd r = rd_of(b->key);
		(void)key_take_tag(&r);
		(void)key_take_str(&r, in->mem);
		b->generation = (uint32_t)key_take_u64(&r);
		TRY(unpack(in->mem, &kms_backing_row_shape, b->val, &b->row));
	}
	return cursor_end(&c);
}

static struct status read_original(struct req *in, struct kms_original *o)
{
	struct shard *shard;
	struct txn *t;
	TRY(kms_shard(in, in->account, &shard));
	TRY(req_read(in, shard, &t));
	TRY(kms_row_get(in, t, o->id, &o->row));
	TRY(txn_has(t, kms_mark_key(in->mem, o->id), &o->marked));
	return read_backings(in, t, o->id, &o->backing);
}

struct status kms_original_read(struct req *in, struct str id, struct kms_original *out)
{
	*out = (struct kms_original){ .id = id, .region = in->region };
	struct status st = read_original(in, out);
	req_read_end(in);
	return st;
}

static struct status read_wish(struct req *in, struct str key, struct kms_replica_wish *out)
{
	struct shard *shard;
	struct str bytes;
	struct txn *t;
	TRY(kms_shard(in, in->account, &shard));
	TRY(req_read(in, shard, &t));
	TRY(txn_get(t, key, in->mem, &bytes));
	*out = (struct kms_replica_wish){ 0 };
	return unpack(in->mem, &kms_replica_wish_shape, bytes, out);
}

struct status kms_wish_read(struct req *in, struct str id, struct str region, struct kms_replica_wish *out)
{
	struct status st = read_wish(in, kms_wish_key(in->mem, id, region), out);
	req_read_end(in);
	return st;
}

/* ---- material ------------------------------------------------------------------------ */

static struct status forget_later(struct req *in, struct str id, const struct kms_backing_copy *old)
{
	return kms_forget_at_end(in, in->account, id, old->generation, old->row.wrapped);
}

static const struct kms_backing_copy *at(const struct kms_backing_copies *all, uint32_t generation)
{
	for (size_t i = 0; i < all->n; i++)
		if (all->v[i].generation == generation)
			return &all->v[i];
	return NULL;
}

/* What a row without material knows of it. */
static struct str faceless(struct req *in, const struct kms_backing_row *of, const struct kms_backing_row *have)
{
	struct kms_backing_row row = *of;
	struct buf b = buf_in(in->mem);
	row.wrapped = have ? have->wrapped : S("");
	row.expiration_model = have ? have->expiration_model : 0;
	row.valid_to = have ? have->valid_to : 0;
	row.description = have ? have->description : of->description;
	pack(&b, &kms_backing_row_shape, &row);
	return buf_str(&b);
}

static struct status put_copy(struct req *in, struct txn *t, const struct kms_original *o,
			      const struct kms_backing_copy *b, const struct kms_backing_copy *have)
{
	bool imported = o->row.origin == KMS_ORIGIN_TYPE_EXTERNAL;
	bool same =
	    have && str_eq(have->row.face, b->row.face) && (imported || str_eq(have->row.wrapped, b->row.wrapped));
	struct str val = imported ? faceless(in, &b->row, same ? &have->row : NULL) : b->val;
	if (have && str_eq(have->val, val))
		return OK;
	if (have && !same)
		TRY(forget_later(in, o->id, have));
	return txn_put(t, b->key, val);
}

static struct status copy_material(struct req *in, struct txn *t, const struct kms_original *o)
{
	struct kms_backing_copies have;
	TRY(read_backings(in, t, o->id, &have));
	for (size_t i = 0; i < have.n; i++) {
		bool belongs = have.v[i].generation <= o->row.generation; /* for good: something stands under it */
		if (belongs || at(&o->backing, have.v[i].generation))
			continue;
		TRY(forget_later(in, o->id, &have.v[i]));
		TRY(txn_del(t, have.v[i].key));
	}
	for (size_t i = 0; i < o->backing.n; i++)
		TRY(put_copy(in, t, o, &o->backing.v[i], at(&have, o->backing.v[i].generation)));
	return OK;
}

/* ---- the key's row ----------------------------------------------------------------------- */

static int64_t since(const struct kms_original *o, struct str region)
{
	for (size_t i = 0; i < o->row.replicas.n; i++)
		if (str_eq(o->row.replicas.v[i].region, region))
			return o->row.replicas.v[i].since;
	return 0;
}

static void share(struct kms_key_row *row, const struct kms_original *o, struct str region)
{
	bool primary = str_eq(region, o->row.primary_region);
	row->multi_region = primary ? KMS_MULTI_REGION_KEY_TYPE_PRIMARY : KMS_MULTI_REGION_KEY_TYPE_REPLICA;
	row->primary_region = o->row.primary_region;
	row->replicas = o->row.replicas;
	row->version = o->row.version;
	row->since = since(o, region);
	row->updating = false;
	row->generation = o->row.generation;
	row->material_id = o->row.material_id;
	row->rotate_days = o->row.rotate_days;
	row->rotate_at = o->row.rotate_at;
	row->on_demand = o->row.on_demand;
}

/* Row and material together. */
static struct status put_all(struct req *in, struct txn *t, const struct kms_original *o, struct kms_key_row *row)
{
	struct kms_imported_list all;
	TRY(copy_material(in, t, o));
	if (row->origin == KMS_ORIGIN_TYPE_EXTERNAL) {
		TRY(kms_imported_read(in, t, o->id, &all));
		kms_imported_settle(row, &all);
	}
	return kms_row_put(in, t, o->id, row);
}

/* By the caller who asked for just that; by KMS where somebody else came by and finished it. */
static struct status note_role(struct req *in, struct txn *t, const struct kms_original *o)
{
	struct kms_update_primary_region_in *input = NEW(in->mem, struct kms_update_primary_region_in);
	struct kms_update_primary_region_out *output = NEW(in->mem, struct kms_update_primary_region_out);
	const struct kms_update_primary_region_in *wanted = in->in;
	bool asked = !strcmp(in->op->name, "UpdatePrimaryRegion") && str_eq(wanted->primary_region, in->region);
	struct str arn = kms_arn(in, in->account, "key/", o->id);
	input->key_id = arn;
	input->primary_region = o->row.primary_region;
	kms_record_key(in, arn);
	if (asked) {
		in->caller.invoked_by = S("kms.amazonaws.com");
	} else {
		in->caller = kms_itself(in);
		in->source_ip = in->user_agent = in->caller.invoked_by;
	}
	return txn_outbox(t, kms_record_call(in, "UpdatePrimaryRegion", input, output, arn));
}

/* A primary with replicas has no date of its own. */
static struct status keep_waiting(struct req *in, struct txn *t, struct str id, struct kms_key_row *row)
{
	if (!kms_is_primary(row) || row->state != KMS_KEY_STATE_PENDING_DELETION)
		return OK;
	TRY(txn_del(t, kms_date_key(in->mem, 'd', row->delete_at, id)));
	row->state = KMS_KEY_STATE_PENDING_REPLICA_DELETION;
	row->delete_at = 0;
	return OK;
}

static struct status overwrite(struct req *in, struct txn *t, const struct kms_original *o, struct kms_key_row *row)
{
	bool was_primary = kms_is_primary(row);
	if (row->version >= o->row.version)
		return OK;
	share(row, o, in->region);
	TRY(keep_waiting(in, t, o->id, row));
	TRY(txn_del(t, kms_mark_key(in->mem, o->id))); /* what it had to tell is older */
	TRY(put_all(in, t, o, row));
	return kms_is_primary(row) && !was_primary ? note_role(in, t, o) : OK;
}

/* ---- a new replica ------------------------------------------------------------------------- */

static void plan(struct req *in, const struct kms_original *o, const struct kms_replica_wish *wish,
		 struct kms_key_row *row)
{
	bool imports = o->row.origin == KMS_ORIGIN_TYPE_EXTERNAL;
	*row = (struct kms_key_row){
		.created_at = wish->created_at,
		.description = wish->description.p ? wish->description : S(""),
		.state = imports ? KMS_KEY_STATE_PENDING_IMPORT : KMS_KEY_STATE_ENABLED,
		.manager = o->row.manager,
		.usage = o->row.usage,
		.spec = o->row.spec,
		.origin = o->row.origin,
		.tags = wish->tags,
		.lacking = imports,
	};
	share(row, o, in->region);
}

struct kms_key_metadata *kms_wish_metadata(struct req *in, const struct kms_original *o,
					   const struct kms_replica_wish *wish)
{
	struct kms_key_row row;
	plan(in, o, wish, &row);
	return kms_metadata(in, in->account, kms_arn(in, in->account, "key/", o->id), o->id, &row);
}

struct str kms_wish_record(struct req *in, const struct kms_key_metadata *m, const struct kms_replica_wish *wish)
{
	struct kms_create_key_in *input = NEW(in->mem, struct kms_create_key_in);
	struct kms_create_key_out *output = NEW(in->mem, struct kms_create_key_out);
	*input = (struct kms_create_key_in){
		.policy = wish->policy,
		.description = wish->description,
		.key_usage = m->key_usage,
		.key_spec = m->key_spec,
		.origin = m->origin,
		.tags = wish->tags,
		.multi_region = true,
	};
	output->key_metadata = m;
	return kms_record_call(in, "CreateKey", input, output, m->arn);
}

static struct status make(struct req *in, struct txn *t, const struct kms_original *o,
			  const struct kms_replica_wish *wish)
{
	struct kms_key_row row;
	plan(in, o, wish, &row);
	TRY(kms_quota_take(in, t));
	TRY(kms_policy_put(in, t, o->id, wish->policy, wish->policy_bound));
	TRY(put_all(in, t, o, &row));
	TRY(txn_outbox(t, wish->record));
	return txn_outbox(t, wish->call);
}

struct status kms_copy(struct req *in, struct txn *t, const struct kms_original *o, const struct kms_replica_wish *wish)
{
	struct kms_key_row row;
	struct status st = kms_row_get(in, t, o->id, &row);
	if (st.code == E_NOT_FOUND && wish)
		return make(in, t, o, wish);
	TRY(st);
	if (kms_row_due(&row, in->now_ms))
		return ERR(E_NOT_FOUND);
	return overwrite(in, t, o, &row);
}

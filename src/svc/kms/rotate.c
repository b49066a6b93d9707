/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rotating: on the date, and on demand ("Rotate AWS KMS keys").
 *
 * The new material is made in the keyring before the write transaction is opened, for the
 * generation that comes next. Inside, the key's row says whether it still is the next one: of
 * several who rotate at once one does, and the others' material is thrown away.
 *
 * A multi-Region key's new material is copied to all its regions first, and made the current one of all when each of
 * them has it. One that was copied and not made the current one is there for the next rotation.
 *
 * An automatic rotation that cannot be made (the disk is full) is logged and tried again by the
 * next request; the key goes on with the material it has.
 */
#include "base/buf.h"
#include "base/log.h"
#include "base/str.h"
#include "base/time.h"
#include "svc/kms/imported.h"
#include "svc/kms/multiregion.h"
#include "svc/kms/note.h"
#include "svc/kms/rotation.h"
#include "wire/pack.h"

enum { SOON_MS = 20 * MINUTE_MS };

/* ---- dates ------------------------------------------------------------------------ */

int64_t kms_rotation_due(const struct kms_key_row *row)
{
	return row->state == KMS_KEY_STATE_ENABLED && !kms_is_replica(row) ? row->rotate_at : 0;
}

struct status kms_rotation_index(struct req *rq, struct txn *t, struct str id, const struct kms_key_row *old,
				 const struct kms_key_row *row)
{
	int64_t was = old ? kms_rotation_due(old) : 0, is = kms_rotation_due(row);
	if (was == is)
		return OK;
	if (was)
		TRY(txn_del(t, kms_date_key(rq->mem, 'n', was, id)));
	return is ? txn_put(t, kms_date_key(rq->mem, 'n', is, id), S("")) : OK;
}

/* The first date of the schedule that is still to come: what was missed is made up for once. */
static int64_t next_date(const struct kms_key_row *row, int64_t now_ms)
{
	int64_t period = row->rotate_days * DAY_MS;
	return row->rotate_at + ((now_ms - row->rotate_at) / period + 1) * period;
}

/* ---- the act ------------------------------------------------------------------------- */

/* New material on its way to be the current one. */
struct coming {
	struct kms_material m;
	int64_t version; /* what all regions have that have it; 0: there is one region */
};

static struct status backing_get(struct req *rq, struct txn *t, struct str key, struct kms_backing_row *row)
{
	struct str bytes;
	TRY(txn_get(t, key, rq->mem, &bytes));
	*row = (struct kms_backing_row){ 0 };
	return unpack(rq->mem, &kms_backing_row_shape, bytes, row);
}

static struct status put_generation(struct req *rq, struct txn *t, const struct kms_key *key, struct kms_key_row *row,
				    struct coming *c, enum kms_rotation_type type)
{
	c->m.rotation = type;
	row->material_id = c->m.id;
	row->generation = key->row.generation + 1;
	TRY(kms_backing_put(rq, t, key->id, (uint32_t)row->generation, &c->m));
	TRY(kms_shared(rq, t, key->id, row));
	TRY(kms_row_put(rq, t, key->id, row));
	return kms_note_rotation(rq, t, key, row, type);
}

/* Does the row still stand as it did, and has every region the new material? */
static bool is_next(const struct kms_key *key, const struct kms_key_row *row, const struct coming *c)
{
	return row->generation == key->row.generation && !kms_is_replica(row) &&
	       (c->version ? row->version == c->version : !row->replicas.n);
}

/* Puts it behind the current one, or takes what stands there already. */
static struct status put_spare(struct req *rq, struct txn *t, const struct kms_key *key, struct coming *c)
{
	uint32_t generation = (uint32_t)key->row.generation + 1;
	struct kms_backing_row there;
	struct kms_key_row row;
	TRY(kms_row_get(rq, t, key->id, &row));
	if (row.generation != key->row.generation || !kms_is_primary(&row))
		return ERR(E_EXISTS);
	struct status st = backing_get(rq, t, kms_backing_key(rq->mem, key->id, generation), &there);
	if (st.code == E_NOT_FOUND)
		TRY(kms_backing_put(rq, t, key->id, generation, &c->m));
	else if (failed(st))
		return st;
	else
		c->m = (struct kms_material){ .wrapped = there.wrapped, .face = there.face, .id = there.material_id };
	TRY(kms_shared(rq, t, key->id, &row));
	c->version = row.version;
	return kms_row_put(rq, t, key->id, &row);
}

static struct status bring(struct req *rq, struct shard *shard, const struct kms_key *key, struct coming *c)
{
	struct txn *t;
	if (!key->row.replicas.n)
		return OK;
	req_read_end(rq);
	TRY(txn_write(shard, &t));
	TRY(txn_finish(t, put_spare(rq, t, key, c)));
	return kms_mirror(rq, key->account, key->region, key->id);
}

static struct status rotate_by_itself(struct req *rq, struct txn *t, const struct kms_key *key, struct coming *c)
{
	struct kms_key_row row;
	TRY(kms_row_get(rq, t, key->id, &row));
	int64_t due = kms_rotation_due(&row);
	if (!due || due > rq->now_ms || !is_next(key, &row, c))
		return ERR(E_EXISTS);
	row.rotate_at = next_date(&row, rq->now_ms);
	return put_generation(rq, t, key, &row, c, KMS_ROTATION_TYPE_AUTOMATIC);
}

static struct status try_due(struct req *rq, struct shard *shard, const struct kms_key *key)
{
	struct coming c = { 0 };
	struct txn *t;
	TRY(kms_material_try(rq, key->account, key->id, (uint32_t)key->row.generation + 1, key->row.spec, &c.m));
	TRY(bring(rq, shard, key, &c));
	req_read_end(rq);
	TRY(txn_write(shard, &t));
	TRY(txn_finish(t, rotate_by_itself(rq, t, key, &c)));
	if (c.version)
		(void)kms_mirror(rq, key->account, key->region, key->id).code; /* else the duty does */
	return OK;
}

struct status kms_rotate_due(struct req *rq, struct shard *shard, const struct kms_key *key)
{
	assert(!rq->write);
	struct status st = try_due(rq, shard, key);
	if (st.code == E_EXISTS || st.code == E_NOT_FOUND)
		return OK;
	if (failed(st))
		log_error("a key was not rotated on its date", "key", key->arn, "status", str_of(status_name(st)));
	return st;
}

/* ---- on demand --------------------------------------------------------------------------- */

static struct status check_demand(struct req *rq, const struct kms_edit *e, const struct kms_key *key)
{
	int64_t due = kms_rotation_due(&e->row);
	if ((due && due <= rq->now_ms + SOON_MS) || e->row.generation != key->row.generation)
		return FAIL(rq, kms_ConflictException,
			    "An automatic rotation of %.*s is in progress or begins within the next 20 minutes.",
			    PR(e->arn));
	if (e->row.on_demand >= KMS_ON_DEMAND_MAX)
		return FAIL(rq, kms_LimitExceededException,
			    "The on-demand rotations limit has been reached for the given keyId. No more on-demand "
			    "rotations can be performed for this key: %.*s",
			    PR(e->id));
	return OK;
}

static struct status changed(struct req *rq, const struct kms_edit *e)
{
	return FAIL(rq, kms_ConflictException, "%.*s was changed at the same time. Please try again.", PR(e->arn));
}

static struct status unready(struct req *rq, const struct kms_key *key, struct status st)
{
	log_error("new key material cannot be brought to all regions", "key", key->arn, "status",
		  str_of(status_name(st)));
	return FAIL(rq, kms_KMSInternalException, "The key material could not be made. Please try again.");
}

static struct status by_new_material(struct req *rq, const struct kms_key *key, struct kms_edit *e)
{
	struct coming c = { 0 };
	TRY(kms_material_new(rq, key->account, key->id, (uint32_t)key->row.generation + 1, key->row.spec, &c.m));
	struct status st = bring(rq, kms_found(rq)->shard, key, &c);
	if (failed(st) && st.code != E_EXISTS)
		return unready(rq, key, st);
	TRY(kms_edit(rq, e));
	TRY(kms_state_check(rq, e->arn, e->row.state, KMS_USE));
	TRY(check_demand(rq, e, key));
	if (!is_next(key, &e->row, &c))
		return changed(rq, e);
	e->row.on_demand++;
	return put_generation(rq, e->txn, key, &e->row, &c, KMS_ROTATION_TYPE_ON_DEMAND);
}

/* Imported material rotates to what was imported for it. */
static struct status by_imported(struct req *rq, const struct kms_key *key, struct kms_edit *e)
{
	struct kms_imported_list all;
	bool lack;
	TRY(kms_replicas_lack(rq, key, (uint32_t)key->row.generation + 1, &lack));
	TRY(kms_edit(rq, e));
	TRY(kms_state_check(rq, e->arn, e->row.state, KMS_USE));
	TRY(check_demand(rq, e, key));
	TRY(kms_imported_read(rq, e->txn, e->id, &all));
	struct kms_imported *m = kms_imported_pending(&e->row, &all);
	if (!m)
		return FAIL(rq, kms_KMSInvalidStateException,
			    "No available key material pending rotation for the key: %.*s.", PR(e->arn));
	if (e->row.version != key->row.version)
		return changed(rq, e);
	if (lack)
		return FAIL(rq, kms_KMSInvalidStateException,
			    "The key material pending rotation is not imported into all replica keys of %.*s.",
			    PR(e->arn));
	m->row.created_at = rq->now_ms;
	m->row.rotation_type = KMS_ROTATION_TYPE_ON_DEMAND;
	e->row.generation = m->generation;
	e->row.material_id = m->row.material_id;
	e->row.on_demand++;
	kms_imported_settle(&e->row, &all);
	TRY(kms_imported_put(rq, e->txn, e->id, m));
	TRY(kms_shared(rq, e->txn, e->id, &e->row));
	TRY(kms_row_put(rq, e->txn, e->id, &e->row));
	return kms_note_rotation(rq, e->txn, key, &e->row, KMS_ROTATION_TYPE_ON_DEMAND);
}

struct status kms_rotate_key_on_demand(struct req *rq, const struct kms_rotate_key_on_demand_in *in,
				       struct kms_rotate_key_on_demand_out *out)
{
	const struct kms_key *key = kms_found(rq)->key;
	bool imported = key->row.origin == KMS_ORIGIN_TYPE_EXTERNAL;
	struct kms_edit e;
	(void)in;
	TRY(kms_rotates_by_hand(rq, key));
	TRY(kms_not_updating(rq, key->arn, &key->row));
	TRY(kms_not_replica(rq, key->arn, &key->row));
	TRY(kms_state_check(rq, key->arn, key->row.state, KMS_USE));
	TRY(imported ? by_imported(rq, key, &e) : by_new_material(rq, key, &e));
	out->key_id = kms_text(rq, e.id);
	return OK;
}

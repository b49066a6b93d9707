/* SPDX-License-Identifier: Apache-2.0 */
/*
 * EnableKeyRotation, DisableKeyRotation, GetKeyRotationStatus, ListKeyRotations.
 *
 *     off ── EnableKeyRotation ──▶ on: the first date is a period away ──┐
 *      ▲                            ▲   a disabled key waits, and makes  │ every period
 *      └──── DisableKeyRotation ────┴── up for it once it is enabled ◀───┘
 *
 * Symmetric encryption keys rotate, with material made here; AWS managed keys every year, which
 * nobody can change. Of a multi-Region key the primary rotates, for all; replicas show its schedule.
 */
#include "svc/kms/rotation.h"

#include "base/str.h"
#include "base/time.h"
#include "svc/kms/multiregion.h"
#include "svc/kms/page.h"
#include "svc/kms/spec.h"
#include "svc/kms/used.h"
#include "wire/pack.h"

enum { PAGE_DEFAULT = 100, PAGE_MAX = 1000 };

struct status kms_rotates(struct req *rq, const struct kms_key *key)
{
	if (key->row.spec != KMS_KEY_SPEC_SYMMETRIC_DEFAULT)
		return FAIL(rq, kms_UnsupportedOperationException,
			    "%.*s key spec is %s which is not valid for this operation.", PR(key->arn),
			    kms_spec_of(key->row.spec)->name);
	return OK;
}

static struct status wrong_origin(struct req *rq, const struct kms_key *key)
{
	return FAIL(rq, kms_UnsupportedOperationException, "%.*s origin is %s which is not valid for this operation.",
		    PR(key->arn), kms_origin_name(key->row.origin));
}

struct status kms_rotates_by_hand(struct req *rq, const struct kms_key *key)
{
	TRY(kms_rotates(rq, key));
	if (key->row.manager == KMS_KEY_MANAGER_TYPE_AWS)
		return FAIL(rq, kms_UnsupportedOperationException,
			    "%.*s is an AWS managed key: its rotation cannot be changed.", PR(key->arn));
	if (key->row.origin != KMS_ORIGIN_TYPE_AWS_KMS && key->row.origin != KMS_ORIGIN_TYPE_EXTERNAL)
		return wrong_origin(rq, key); /* what is in a token stays as it is */
	return OK;
}

/* ---- on and off ----------------------------------------------------------------------- */

static struct status edit_schedule(struct req *rq, struct kms_edit *e)
{
	const struct kms_key *key = kms_found(rq)->key;
	TRY(kms_rotates_by_hand(rq, key));
	if (key->row.origin != KMS_ORIGIN_TYPE_AWS_KMS)
		return wrong_origin(rq, key);
	TRY(kms_edit(rq, e));
	TRY(kms_not_updating(rq, e->arn, &e->row));
	TRY(kms_not_replica(rq, e->arn, &e->row));
	return kms_state_check(rq, e->arn, e->row.state, KMS_USE);
}

struct status kms_enable_key_rotation(struct req *rq, const struct kms_enable_key_rotation_in *in,
				      struct kms_enable_key_rotation_out *out)
{
	int64_t days = in->rotation_period_in_days.set ? in->rotation_period_in_days.v : KMS_ROTATE_DAYS;
	struct kms_edit e;
	(void)out;
	TRY(edit_schedule(rq, &e));
	kms_record_key(rq, e.arn);
	if (e.row.rotate_days == days)
		return OK; /* and its next date stays what it is */
	e.row.rotate_days = days;
	e.row.rotate_at = rq->now_ms + days * DAY_MS;
	TRY(kms_shared(rq, e.txn, e.id, &e.row));
	return kms_row_put(rq, e.txn, e.id, &e.row);
}

struct status kms_disable_key_rotation(struct req *rq, const struct kms_disable_key_rotation_in *in,
				       struct kms_disable_key_rotation_out *out)
{
	struct kms_edit e;
	(void)in;
	(void)out;
	TRY(edit_schedule(rq, &e));
	e.row.rotate_days = 0;
	e.row.rotate_at = 0;
	TRY(kms_shared(rq, e.txn, e.id, &e.row));
	return kms_row_put(rq, e.txn, e.id, &e.row);
}

/* While deletion is pending the status is "off"; cancelling brings back what it was. */
struct status kms_get_key_rotation_status(struct req *rq, const struct kms_get_key_rotation_status_in *in,
					  struct kms_get_key_rotation_status_out *out)
{
	const struct kms_key *key = kms_found(rq)->key;
	const struct kms_key_row *row = &key->row;
	bool on = row->rotate_days && !kms_row_ends(row);
	(void)in;
	TRY(kms_rotates(rq, key));
	out->key_id = kms_text(rq, key->id);
	out->key_rotation_enabled = (struct opt_bool)SET(on);
	if (on) {
		out->rotation_period_in_days = (struct opt_int)SET(row->rotate_days);
		out->next_rotation_date = (struct opt_int)SET(row->rotate_at);
	}
	return OK;
}

/* ---- what was rotated ------------------------------------------------------------------- */

/* Made for a rotation that was not carried through; the next one takes it. */
static bool is_spare(const struct kms_key *key, const struct kms_backing *b)
{
	return b->generation > key->row.generation && key->row.origin != KMS_ORIGIN_TYPE_EXTERNAL;
}

static struct status put_entry(struct req *rq, const struct kms_key *key, const struct kms_backing *b,
			       struct kms_rotations_list_entry *e)
{
	bool lack = false;
	*e = (struct kms_rotations_list_entry){
		.key_id = kms_text(rq, key->id),
		.key_material_id = kms_text(rq, b->material_id),
		.key_material_state = b->generation == key->row.generation  ? KMS_KEY_MATERIAL_STATE_CURRENT
				      : b->generation > key->row.generation ? KMS_KEY_MATERIAL_STATE_PENDING_ROTATION
									    : KMS_KEY_MATERIAL_STATE_NON_CURRENT,
		.rotation_type = b->rotation,
	};
	if (b->rotation)
		e->rotation_date = (struct opt_int)SET(b->created_at);
	if (key->row.origin != KMS_ORIGIN_TYPE_EXTERNAL)
		return OK;
	if (b->generation > key->row.generation)
		TRY(kms_replicas_lack(rq, key, b->generation, &lack));
	if (lack)
		e->key_material_state = KMS_KEY_MATERIAL_STATE_PENDING_MULTI_REGION_IMPORT_AND_ROTATION;
	e->key_material_description = b->description;
	e->import_state = b->ref.wrapped.n ? KMS_IMPORT_STATE_IMPORTED : KMS_IMPORT_STATE_PENDING_IMPORT;
	e->expiration_model = b->expiration;
	if (b->valid_to)
		e->valid_to = (struct opt_int)SET(b->valid_to);
	return OK;
}

/* A marker is the generation to go on with, as a backing row's key has it. */
static size_t first_of(const struct kms_key *key, struct req *rq, struct str from)
{
	size_t i = 0;
	while (from.p && i < key->n_backing &&
	       str_cmp(kms_backing_key(rq->mem, key->id, key->backing[i].generation), from) < 0)
		i++;
	return i;
}

struct status kms_list_key_rotations(struct req *rq, const struct kms_list_key_rotations_in *in,
				     struct kms_list_key_rotations_out *out)
{
	const struct kms_key *key = kms_found(rq)->key;
	bool all = in->include_key_material == KMS_INCLUDE_KEY_MATERIAL_ALL_KEY_MATERIAL;
	struct kms_page page;
	size_t n = 0;
	TRY(kms_rotates(rq, key));
	TRY(kms_page_begin(rq, in->limit, in->marker, PAGE_DEFAULT, PAGE_MAX, kms_key_of(rq->mem, 'b', key->id),
			   &page));
	struct kms_rotations_list_entry *v = NEWS(rq->mem, struct kms_rotations_list_entry, page.limit);
	for (size_t i = first_of(key, rq, page.from); i < key->n_backing && !page.more; i++) {
		const struct kms_backing *b = &key->backing[i];
		if ((!all && !b->rotation) || is_spare(key, b))
			continue;
		if (n < page.limit) {
			TRY(put_entry(rq, key, b, &v[n++]));
			continue;
		}
		page.more = true;
		page.next = kms_backing_key(rq->mem, key->id, b->generation);
	}
	out->rotations = (struct kms_rotations_list_entry_list){ v, n };
	out->next_marker = kms_page_marker(rq, &page);
	out->truncated = (struct opt_bool)SET(page.more);
	return OK;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * New key material: made in the keyring, kept wrapped. A symmetric encryption key is a key of
 * the hierarchy, everything else is material with a kind (crypto/keyring.h).
 */
#include "api/accounts.h"
#include "api/faults.h"
#include "base/codec.h"
#include "base/log.h"
#include "base/str.h"
#include "crypto/hash.h"
#include "svc/kms/key.h"
#include "svc/kms/spec.h"
#include "wire/pack.h"

static struct status make(struct req *rq, const struct key_ref *parent, struct str purpose, enum material kind,
			  struct kms_material *out)
{
	*out = (struct kms_material){ 0 };
	if (kind == MATERIAL_NONE)
		return keyring_key_new(rq->app->keyring, parent, purpose, rq->mem, &out->wrapped);
	return keyring_material_new(rq->app->keyring, parent, purpose, kind, rq->mem, &out->wrapped, &out->face);
}

/* "Key material identifiers": of no use to anyone but to tell one material from another. */
static struct str new_id(struct req *rq)
{
	char raw[SHA256_SIZE];
	world_random(rq->app->world, raw, sizeof raw);
	return hex_encode(rq->mem, str_make(raw, sizeof raw));
}

struct status kms_material_try(struct req *rq, struct str account, struct str id, uint32_t generation,
			       enum kms_key_spec spec, struct kms_material *out)
{
	const struct key_ref *parent;
	TRY(account_service_key(rq->app->accounts, account, S("kms"), &parent));
	TRY(make(rq, parent, kms_purpose(rq->mem, rq->region, id, generation), kms_spec_of(spec)->material, out));
	out->id = new_id(rq);
	return OK;
}

struct status kms_material_new(struct req *rq, struct str account, struct str id, uint32_t generation,
			       enum kms_key_spec spec, struct kms_material *out)
{
	struct status st = kms_material_try(rq, account, id, generation, spec, out);
	if (failed(st)) {
		log_error("no key material", "request", rq->id, "status", str_of(status_name(st)));
		return FAIL(rq, kms_KMSInternalException, "The key material could not be made. Please try again.");
	}
	return OK;
}

struct forgotten {
	struct keyring *keyring;
	struct key_ref ref;
};

static void forget(void *arg)
{
	struct forgotten *f = arg;
	keyring_forget(f->keyring, &f->ref);
	log_info("key material shredded", "material", f->ref.purpose);
}

struct status kms_forget_at_end(struct req *rq, struct str account, struct str id, uint32_t generation,
				struct str wrapped)
{
	const struct key_ref *parent;
	if (!wrapped.n)
		return OK;
	TRY(account_service_key(rq->app->accounts, account, S("kms"), &parent));
	struct forgotten *f = NEW(rq->mem, struct forgotten);
	*f = (struct forgotten){ rq->app->keyring,
				 key_ref_of(parent, kms_purpose(rq->mem, rq->region, id, generation), wrapped) };
	req_pin(rq, forget, f);
	return OK;
}

struct status kms_backing_put(struct req *rq, struct txn *t, struct str id, uint32_t generation,
			      const struct kms_material *material)
{
	struct kms_backing_row row = {
		.wrapped = material->wrapped,
		.created_at = rq->now_ms,
		.face = material->face,
		.rotation_type = material->rotation,
		.material_id = material->id,
	};
	struct buf b = buf_in(rq->mem);
	pack(&b, &kms_backing_row_shape, &row);
	return txn_put(t, kms_backing_key(rq->mem, id, generation), buf_str(&b));
}

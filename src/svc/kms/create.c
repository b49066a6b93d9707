/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CreateKey: keys of any spec, whose material is made in the keyring, or in the token of a
 * custom key store, and never leaves it.
 */
#include "api/authz.h"
#include "api/faults.h"
#include "base/str.h"
#include "svc/kms/duty.h"
#include "svc/kms/key.h"
#include "svc/kms/key_policy.h"
#include "svc/kms/key_store.h"
#include "svc/kms/spec.h"
#include "svc/kms/tags.h"

static struct status unsupported(struct req *rq, const char *what)
{
	return FAIL(rq, kms_UnsupportedOperationException, "%s", what);
}

static struct status usage_missing(struct req *rq)
{
	return FAIL(rq, api_ValidationException,
		    "You must specify a KeyUsage value for all KMS keys except for symmetric encryption keys.");
}

static struct status check_spec(struct req *rq, const struct kms_create_key_in *in, struct kms_new *k)
{
	if (in->key_spec && in->customer_master_key_spec)
		return FAIL(rq, api_ValidationException,
			    "You cannot specify KeySpec and CustomerMasterKeySpec in the same request. "
			    "CustomerMasterKeySpec is deprecated.");
	k->spec = kms_asked_spec(in);
	const struct kms_spec *spec = kms_spec_of(k->spec);
	if (!spec)
		return FAIL(rq, kms_UnsupportedOperationException,
			    "This server makes no keys of the key spec %s: its crypto library does not have it.",
			    kms_word(rq, "KeySpec", (int)k->spec));
	if (!in->key_usage && k->spec != KMS_KEY_SPEC_SYMMETRIC_DEFAULT)
		return usage_missing(rq);
	k->usage = in->key_usage ? in->key_usage : KMS_KEY_USAGE_TYPE_ENCRYPT_DECRYPT;
	if (!kms_spec_has(spec, k->usage))
		return FAIL(rq, api_ValidationException, "KeyUsage %s is not compatible with KeySpec %s",
			    kms_usage_name(k->usage), spec->name);
	return OK;
}

static struct status check_origin(struct req *rq, const struct kms_create_key_in *in)
{
	if (in->origin == KMS_ORIGIN_TYPE_EXTERNAL_KEY_STORE)
		return unsupported(rq, "This server has no external key stores.");
	if (in->origin == KMS_ORIGIN_TYPE_AWS_CLOUDHSM || in->custom_key_store_id.p)
		return kms_store_check_new(rq, in);
	if (in->xks_key_id.p)
		return FAIL(rq, api_ValidationException, "XksKeyId is valid only with the origin EXTERNAL_KEY_STORE.");
	return OK;
}

static struct status make_material(struct req *rq, struct str account, struct kms_new *k)
{
	if (!k->store.n)
		return kms_material_new(rq, account, k->id, KMS_FIRST_GENERATION, k->spec, &k->material);
	k->material.wrapped = k->id; /* its label in the token; nothing of it is here */
	return kms_store_generate(rq, k->store, k->id);
}

struct status kms_create_key(struct req *rq, const struct kms_create_key_in *in, struct kms_create_key_out *out)
{
	struct str account = rq->caller.account;
	struct kms_new k = {
		.id = *(const struct str *)rq->found,
		.description = in->description,
		.policy = in->policy.p ? in->policy : kms_default_policy(rq, account),
		.manager = KMS_KEY_MANAGER_TYPE_CUSTOMER,
		.origin = in->origin,
		.store = in->custom_key_store_id,
		.multi_region = in->multi_region,
		.tags = in->tags,
	};
	struct str *arn = NEW(rq->mem, struct str);
	struct kms_key_row row;
	struct shard *shard;
	struct txn *t;
	*arn = kms_arn(rq, account, "key/", k.id);
	TRY(check_spec(rq, in, &k));
	TRY(check_origin(rq, in));
	TRY(kms_tags_check(rq, in->tags));
	const struct kms_subject subject = { *arn, account, kms_tag_map(rq->mem, in->tags), NULL };
	TRY(kms_policy_check(rq, k.policy, &subject, in->bypass_policy_lockout_safety_check.v, &k.policy_bound));
	if (in->origin != KMS_ORIGIN_TYPE_EXTERNAL)
		TRY(make_material(rq, account, &k));
	TRY(kms_region_note(rq, account));
	TRY(kms_shard_make(rq, account, &shard));
	TRY(req_write_as_judged(rq, shard, CACHE_SLOTS, NULL, &t));
	TRY(kms_key_put_new(rq, t, &k, &row));
	struct kms_key_metadata *m = kms_metadata(rq, account, *arn, k.id, &row);
	if (k.store.n)
		TRY(kms_store_adopt(rq, t, k.store, k.id, &m->cloud_hsm_cluster_id));
	out->key_metadata = m;
	rq->resources = (struct str_list){ arn, 1 };
	return OK;
}

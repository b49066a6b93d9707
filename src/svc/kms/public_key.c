/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GetPublicKey: what anybody may know of an asymmetric key, and with it verify and encrypt
 * without asking again.
 */
#include "api/faults.h"
#include "svc/kms/key.h"
#include "svc/kms/spec.h"
#include "svc/kms/use.h"

struct status kms_get_public_key(struct req *rq, const struct kms_get_public_key_in *in,
				 struct kms_get_public_key_out *out)
{
	const struct kms_key *key = kms_found(rq)->key;
	const struct kms_spec *spec = kms_spec_of(key->row.spec);
	(void)in;
	if (!material_keypair(spec->material))
		return FAIL(rq, kms_UnsupportedOperationException,
			    "%.*s key spec is %s which is not valid for this operation.", PR(key->arn), spec->name);
	TRY(kms_state_check(rq, key->arn, key->row.state, KMS_USE));
	const struct kms_backing *with;
	TRY(kms_current(rq, key, &with));
	struct kms_algorithms all = kms_algorithms_of(key->row.spec, key->row.usage);
	*out = (struct kms_get_public_key_out){
		.key_id = kms_text(rq, key->arn),
		.public_key = kms_text(rq, with->face),
		.customer_master_key_spec = (enum kms_customer_master_key_spec)key->row.spec,
		.key_spec = key->row.spec,
		.key_usage = key->row.usage,
		.encryption_algorithms = all.encrypts,
		.signing_algorithms = all.signs,
		.key_agreement_algorithms = all.agrees,
	};
	return OK;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DeriveSharedSecret: ECDH between a key here and a public key from elsewhere. What comes out
 * is the raw secret; to make keys of it is the caller's part.
 */
#include "api/faults.h"
#include "svc/kms/spec.h"
#include "svc/kms/use.h"
#include "svc/kms/used.h"
#include "svc/kms/wipe.h"

/* Looked at here: the keyring is told nothing that is no key of that curve. */
static struct status check_peer(struct req *rq, const struct kms_key *key, struct str spki)
{
	const struct kms_spec *spec = kms_spec_of(key->row.spec);
	struct keypair *peer;
	if (failed(keypair_from_public(material_keypair(spec->material), spki, &peer)))
		return FAIL(rq, api_ValidationException, "The public key is not a valid key of the key spec %s.",
			    spec->name);
	keypair_free(peer);
	return OK;
}

struct status kms_derive_shared_secret(struct req *rq, const struct kms_derive_shared_secret_in *in,
				       struct kms_derive_shared_secret_out *out)
{
	const struct kms_key *key = kms_found(rq)->key;
	const struct kms_backing *with;
	struct str secret;
	TRY(kms_check_recipient(rq, in->recipient));
	TRY(kms_use(rq, key, KMS_KEY_USAGE_TYPE_KEY_AGREEMENT, &with));
	TRY(check_peer(rq, key, in->public_key));
	TRY(kms_dry_run(rq, in->dry_run.v));
	struct status st = keyring_agree(rq->app->keyring, &with->ref, in->public_key, rq->mem, &secret);
	if (failed(st))
		return kms_keyring_failed(rq, key, st);
	kms_wipe_later(rq, secret);
	(void)kms_used(rq, key, with);
	*out = (struct kms_derive_shared_secret_out){
		.key_id = kms_text(rq, key->arn),
		.shared_secret = secret,
		.key_agreement_algorithm = in->key_agreement_algorithm,
		.key_origin = key->row.origin,
	};
	return OK;
}

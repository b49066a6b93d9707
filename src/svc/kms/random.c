/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GenerateRandom: bytes from the machine's generator, in locked memory until they are sent.
 */
#include "api/faults.h"
#include "svc/kms/key_store_use.h"
#include "svc/kms/wipe.h"

struct status kms_generate_random(struct req *rq, const struct kms_generate_random_in *in,
				  struct kms_generate_random_out *out)
{
	if (in->recipient)
		return FAIL(rq, kms_UnsupportedOperationException, "%s", KMS_NO_ENCLAVES);
	if (!in->number_of_bytes.set)
		return FAIL(rq, api_ValidationException, "NumberOfBytes is required.");
	struct secret *bytes = NEW(rq->mem, struct secret);
	*bytes = secret_new(keyring_secrets(rq->app->keyring), (size_t)in->number_of_bytes.v);
	kms_free_later(rq, bytes);
	if (in->custom_key_store_id.p)
		TRY(kms_hsm_random(rq, in->custom_key_store_id, bytes));
	else
		world_random(rq->app->world, bytes->p, bytes->n);
	out->plaintext = secret_str(bytes);
	return OK;
}

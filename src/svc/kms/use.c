/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What comes next, once a key may be used, is waiting for the keyholder. Nobody holds a snapshot
 * meanwhile: a reader each for all that wait would be more than a shard keeps open.
 */
#include "svc/kms/use.h"

#include "api/faults.h"
#include "base/log.h"
#include "base/str.h"
#include "svc/kms/key_store_use.h"
#include "svc/kms/spec.h"
#include "svc/kms/used.h"

struct status kms_keyring_failed(struct req *rq, const struct kms_key *key, struct status st)
{
	if (kms_in_store(&key->row))
		return kms_hsm_failed(rq, key, st);
	log_error("a key's material does not open", "request", rq->id, "key", key->arn, "status",
		  str_of(status_name(st)));
	return FAIL(rq, kms_KMSInternalException, "The request failed because of an internal error. Please try again.");
}

struct status kms_current(struct req *rq, const struct kms_key *key, const struct kms_backing **out)
{
	for (size_t i = key->n_backing; i > 0; i--) {
		*out = &key->backing[i - 1];
		if ((*out)->generation == key->row.generation)
			return OK; /* what stands behind it is pending rotation */
	}
	return kms_keyring_failed(rq, key, ERR(E_NO_KEY));
}

struct status kms_state_of_use(struct req *rq, const struct kms_key *key)
{
	kms_note_store(rq, key);
	TRY(kms_store_ready(rq, key->arn, &key->row));
	req_read_end(rq);
	return kms_state_check(rq, key->arn, key->row.state, KMS_USE);
}

struct status kms_use(struct req *rq, const struct kms_key *key, enum kms_key_usage_type usage,
		      const struct kms_backing **with)
{
	TRY(kms_state_of_use(rq, key));
	if (key->row.usage != usage)
		return FAIL(rq, kms_InvalidKeyUsageException, "%.*s key usage is %s which is not valid for %s.",
			    PR(key->arn), kms_usage_name(key->row.usage), rq->op->name);
	return kms_current(rq, key, with);
}

struct status kms_wrong_algorithm(struct req *rq, const struct kms_key *key, const char *algorithm)
{
	return FAIL(rq, kms_InvalidKeyUsageException, "Algorithm %s is incompatible with key spec %s.", algorithm,
		    kms_spec_of(key->row.spec)->name);
}

struct status kms_dry_run(struct req *rq, bool dry_run)
{
	if (dry_run)
		return FAIL(rq, kms_DryRunOperationException,
			    "The request would have succeeded, but the DryRun option is set.");
	return OK;
}

struct status kms_check_ciphertext(struct req *rq, struct str blob, bool ignored, struct str key_id,
				   const char *key_member)
{
	if (!ignored && !blob.p)
		return FAIL(rq, api_ValidationException,
			    "1 validation error detected: Value null at 'ciphertextBlob' failed to satisfy constraint: "
			    "Member must not be null");
	if (ignored && !key_id.p)
		return FAIL(rq, api_ValidationException, "%s is required with the dry run modifier IGNORE_CIPHERTEXT.",
			    key_member);
	return OK;
}

struct status kms_check_recipient(struct req *rq, const struct kms_recipient_info *recipient)
{
	if (recipient)
		return FAIL(rq, kms_UnsupportedOperationException, "%s", KMS_NO_ENCLAVES);
	return OK;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GenerateDataKey, GenerateDataKeyWithoutPlaintext: keys for others to encrypt with, which
 * Decrypt gives back.
 */
#include "api/faults.h"
#include "svc/kms/cipher.h"
#include "svc/kms/data_key.h"
#include "svc/kms/key_store_use.h"
#include "svc/kms/used.h"
#include "svc/kms/wipe.h"

static struct status data_key_size(struct req *rq, struct opt_int bytes, enum kms_data_key_spec spec, size_t *out)
{
	if (bytes.set == (spec != 0))
		return FAIL(rq, api_ValidationException, "Please specify either number of bytes or key spec.");
	*out = bytes.set ? (size_t)bytes.v : spec == KMS_DATA_KEY_SPEC_AES_256 ? 32 : 16;
	return OK;
}

struct status kms_data_key_check(struct req *rq, const struct kms_key *key)
{
	const struct kms_backing *with;
	TRY(kms_use(rq, key, KMS_KEY_USAGE_TYPE_ENCRYPT_DECRYPT, &with));
	if (key->row.spec != KMS_KEY_SPEC_SYMMETRIC_DEFAULT)
		return kms_wrong_algorithm(rq, key, "SYMMETRIC_DEFAULT");
	return OK;
}

struct data_key {
	struct str blob, material_id;
};

/* `plain` may be NULL. */
static struct status make_data_key(struct req *rq, const struct kms_key *key, struct str_map context, size_t n,
				   struct secret *plain, struct data_key *out)
{
	struct kms_sealing s;
	struct str sealed;
	TRY(kms_sealing_begin(rq, key, context, &s));
	struct status st = kms_in_store(&key->row)
			       ? kms_hsm_data_key(rq, key, s.aad, n, plain, &sealed)
			       : keyring_data_key(rq->app->keyring, &s.with->ref, s.aad, n, plain, rq->mem, &sealed);
	if (failed(st))
		return kms_keyring_failed(rq, key, st);
	out->blob = kms_sealing_blob(rq, &s, sealed);
	out->material_id = kms_used(rq, key, s.with);
	return OK;
}

struct status kms_generate_data_key(struct req *rq, const struct kms_generate_data_key_in *in,
				    struct kms_generate_data_key_out *out)
{
	const struct kms_key *key = kms_found(rq)->key;
	struct secret *plain = NEW(rq->mem, struct secret);
	struct data_key made;
	size_t n;
	TRY(kms_check_recipient(rq, in->recipient));
	TRY(data_key_size(rq, in->number_of_bytes, in->key_spec, &n));
	TRY(kms_data_key_check(rq, key));
	TRY(kms_dry_run(rq, in->dry_run.v));
	TRY(make_data_key(rq, key, in->encryption_context, n, plain, &made));
	kms_free_later(rq, plain);
	out->plaintext = secret_str(plain);
	out->ciphertext_blob = made.blob;
	out->key_material_id = made.material_id;
	out->key_id = kms_text(rq, key->arn);
	return OK;
}

struct status kms_generate_data_key_without_plaintext(struct req *rq,
						      const struct kms_generate_data_key_without_plaintext_in *in,
						      struct kms_generate_data_key_without_plaintext_out *out)
{
	const struct kms_key *key = kms_found(rq)->key;
	struct data_key made;
	size_t n;
	TRY(data_key_size(rq, in->number_of_bytes, in->key_spec, &n));
	TRY(kms_data_key_check(rq, key));
	TRY(kms_dry_run(rq, in->dry_run.v));
	TRY(make_data_key(rq, key, in->encryption_context, n, NULL, &made));
	out->ciphertext_blob = made.blob;
	out->key_material_id = made.material_id;
	out->key_id = kms_text(rq, key->arn);
	return OK;
}

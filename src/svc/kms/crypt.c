/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Encrypt, Decrypt, GenerateDataKey, GenerateDataKeyWithoutPlaintext: the operations that
 * use a key. They read nothing: the key is cached, and one call of the keyring does it.
 *
 * Plaintext that leaves here is wiped when the outermost request ends, which is the one
 * that still reads it when another service asked.
 */
#include "api/faults.h"
#include "base/log.h"
#include "base/str.h"
#include "svc/kms/blob.h"
#include "svc/kms/context.h"
#include "svc/kms/key.h"
#include "svc/kms/wipe.h"

static struct status keyring_failed(struct req *rq, const struct kms_key *key, struct status st)
{
	log_error("a key's material does not open", "request", rq->id, "key", key->arn, "status",
		  str_of(status_name(st)));
	return FAIL(rq, kms_KMSInternalException, "The request failed because of an internal error. Please try again.");
}

static struct status check_algorithm(struct req *rq, enum kms_encryption_algorithm_spec algorithm)
{
	if (algorithm && algorithm != KMS_ENCRYPTION_ALGORITHM_SPEC_SYMMETRIC_DEFAULT)
		return FAIL(rq, kms_InvalidKeyUsageException,
			    "The encryption algorithm is not compatible with the key spec SYMMETRIC_DEFAULT.");
	return OK;
}

static struct status check_recipient(struct req *rq, const struct kms_recipient_info *recipient)
{
	if (recipient)
		return FAIL(rq, kms_UnsupportedOperationException, "%s", KMS_NO_ENCLAVES);
	return OK;
}

/* Everything would have gone well: the last thing to ask before doing it. */
static struct status check_dry_run(struct req *rq, bool dry_run)
{
	if (dry_run)
		return FAIL(rq, kms_DryRunOperationException,
			    "The request would have succeeded, but the DryRun option is set.");
	return OK;
}

/* The found key, fit for use now. */
static struct status use_key(struct req *rq, const struct kms_key **out)
{
	const struct kms_key *key = kms_found(rq)->key;
	TRY(kms_state_check(rq, key->arn, key->row.state, KMS_USE));
	if (!key->n_backing)
		return keyring_failed(rq, key, ERR(E_NO_KEY));
	*out = key;
	return OK;
}

static struct str join(struct arena *mem, struct str header, struct str sealed)
{
	char *p = NEWS(mem, char, header.n + sealed.n);
	memcpy(p, header.p, header.n);
	memcpy(p + header.n, sealed.p, sealed.n);
	return str_make(p, header.n + sealed.n);
}

static struct str new_header(struct req *rq, const struct kms_key *key, const struct kms_backing **with)
{
	*with = &key->backing[key->n_backing - 1];
	return kms_blob_header(rq->mem, key->account, key->id, (*with)->generation);
}

/* ---- Encrypt ------------------------------------------------------------------------ */

struct status kms_encrypt(struct req *rq, const struct kms_encrypt_in *in, struct kms_encrypt_out *out)
{
	const struct kms_key *key;
	const struct kms_backing *with;
	struct str sealed;
	TRY(use_key(rq, &key));
	TRY(check_algorithm(rq, in->encryption_algorithm));
	TRY(check_dry_run(rq, in->dry_run));
	struct str header = new_header(rq, key, &with);
	struct str aad = kms_aad(rq->mem, header, key->arn, in->encryption_context);
	struct status st = keyring_seal(rq->app->keyring, &with->ref, aad, in->plaintext, rq->mem, &sealed);
	if (failed(st))
		return keyring_failed(rq, key, st);
	*out = (struct kms_encrypt_out){
		.ciphertext_blob = join(rq->mem, header, sealed),
		.key_id = kms_text(rq, key->arn),
		.encryption_algorithm = KMS_ENCRYPTION_ALGORITHM_SPEC_SYMMETRIC_DEFAULT,
	};
	return OK;
}

/* ---- Decrypt ------------------------------------------------------------------------- */

static struct status invalid(struct req *rq) { return FAIL(rq, kms_InvalidCiphertextException, "%s", ""); }

static const struct kms_backing *backing_of(const struct kms_key *key, uint32_t generation)
{
	for (size_t i = key->n_backing; i > 0; i--)
		if (key->backing[i - 1].generation == generation)
			return &key->backing[i - 1];
	return NULL;
}

static bool made_by(const struct kms_blob *blob, const struct kms_key *key)
{
	return str_eq(key->account, str_make(blob->account, sizeof blob->account)) &&
	       str_eq(key->id, str_make(blob->key_id, sizeof blob->key_id));
}

static struct status open_blob(struct req *rq, const struct kms_decrypt_in *in, const struct kms_key *key,
			       struct str *plain)
{
	struct kms_blob blob;
	if (failed(kms_blob_parse(in->ciphertext_blob, &blob)))
		return invalid(rq);
	if (!made_by(&blob, key))
		return FAIL(rq, kms_IncorrectKeyException,
			    "The key ID in the request does not identify a CMK that can perform this operation.");
	const struct kms_backing *with = backing_of(key, blob.generation);
	if (!with)
		return invalid(rq);
	struct str aad = kms_aad(rq->mem, blob.header, key->arn, in->encryption_context);
	struct status st = keyring_unseal(rq->app->keyring, &with->ref, aad, blob.sealed, rq->mem, plain);
	if (st.code == E_CORRUPT || st.code == E_INVALID)
		return invalid(rq);
	return failed(st) ? keyring_failed(rq, key, st) : OK;
}

struct status kms_decrypt(struct req *rq, const struct kms_decrypt_in *in, struct kms_decrypt_out *out)
{
	const struct kms_key *key;
	struct str plain;
	TRY(check_recipient(rq, in->recipient));
	TRY(use_key(rq, &key));
	TRY(check_algorithm(rq, in->encryption_algorithm));
	TRY(open_blob(rq, in, key, &plain));
	kms_wipe_later(rq, plain);
	TRY(check_dry_run(rq, in->dry_run));
	*out = (struct kms_decrypt_out){
		.key_id = kms_text(rq, key->arn),
		.plaintext = plain,
		.encryption_algorithm = KMS_ENCRYPTION_ALGORITHM_SPEC_SYMMETRIC_DEFAULT,
	};
	return OK;
}

/* ---- data keys --------------------------------------------------------------------------- */

static struct status data_key_size(struct req *rq, struct opt_int bytes, enum kms_data_key_spec spec, size_t *out)
{
	if (bytes.set == (spec != 0))
		return FAIL(rq, api_ValidationException, "Please specify either number of bytes or key spec.");
	*out = bytes.set ? (size_t)bytes.v : spec == KMS_DATA_KEY_SPEC_AES_256 ? 32 : 16;
	return OK;
}

/* `plain` may be NULL. */
static struct status make_data_key(struct req *rq, const struct kms_key *key, struct str_map context, size_t n,
				   struct secret *plain, struct str *blob)
{
	const struct kms_backing *with;
	struct str sealed, header = new_header(rq, key, &with);
	struct str aad = kms_aad(rq->mem, header, key->arn, context);
	struct status st = keyring_data_key(rq->app->keyring, &with->ref, aad, n, plain, rq->mem, &sealed);
	if (failed(st))
		return keyring_failed(rq, key, st);
	*blob = join(rq->mem, header, sealed);
	return OK;
}

struct status kms_generate_data_key(struct req *rq, const struct kms_generate_data_key_in *in,
				    struct kms_generate_data_key_out *out)
{
	const struct kms_key *key;
	struct secret *plain = NEW(rq->mem, struct secret);
	size_t n;
	TRY(check_recipient(rq, in->recipient));
	TRY(data_key_size(rq, in->number_of_bytes, in->key_spec, &n));
	TRY(use_key(rq, &key));
	TRY(check_dry_run(rq, in->dry_run));
	TRY(make_data_key(rq, key, in->encryption_context, n, plain, &out->ciphertext_blob));
	kms_free_later(rq, plain);
	out->plaintext = secret_str(plain);
	out->key_id = kms_text(rq, key->arn);
	return OK;
}

struct status kms_generate_data_key_without_plaintext(struct req *rq,
						      const struct kms_generate_data_key_without_plaintext_in *in,
						      struct kms_generate_data_key_without_plaintext_out *out)
{
	const struct kms_key *key;
	size_t n;
	TRY(data_key_size(rq, in->number_of_bytes, in->key_spec, &n));
	TRY(use_key(rq, &key));
	TRY(check_dry_run(rq, in->dry_run));
	TRY(make_data_key(rq, key, in->encryption_context, n, NULL, &out->ciphertext_blob));
	out->key_id = kms_text(rq, key->arn);
	return OK;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Encrypt and Decrypt. They read nothing: the key is cached, and one call of the keyring does
 * it, or none where the public key is enough.
 *
 * Plaintext that leaves here is wiped when the outermost request ends, which is the one
 * that still reads it when another service asked.
 */
#include "svc/kms/cipher.h"
#include "svc/kms/used.h"

/* From inside nobody fills in the model's default. */
static enum kms_encryption_algorithm_spec algorithm_of(enum kms_encryption_algorithm_spec asked)
{
	return asked ? asked : KMS_ENCRYPTION_ALGORITHM_SPEC_SYMMETRIC_DEFAULT;
}

struct status kms_encrypt(struct req *rq, const struct kms_encrypt_in *in, struct kms_encrypt_out *out)
{
	struct kms_cipher c = { kms_found(rq)->key, algorithm_of(in->encryption_algorithm), in->encryption_context,
				"EncryptionAlgorithm", NULL };
	TRY(kms_cipher_check(rq, &c));
	TRY(kms_cipher_check_size(rq, &c, in->plaintext.n));
	TRY(kms_dry_run(rq, in->dry_run.v));
	TRY(kms_encrypt_with(rq, &c, in->plaintext, &out->ciphertext_blob));
	out->key_id = kms_text(rq, c.key->arn);
	out->encryption_algorithm = c.algorithm;
	(void)kms_used(rq, c.key, c.with);
	return OK;
}

struct status kms_decrypt(struct req *rq, const struct kms_decrypt_in *in, struct kms_decrypt_out *out)
{
	struct kms_cipher c = { kms_found(rq)->key, algorithm_of(in->encryption_algorithm), in->encryption_context,
				"EncryptionAlgorithm", NULL };
	struct str plain;
	TRY(kms_check_recipient(rq, in->recipient));
	if (kms_ignores_ciphertext(in->dry_run.v, in->dry_run_modifiers)) {
		TRY(kms_cipher_check(rq, &c));
		return kms_dry_run(rq, true);
	}
	TRY(kms_cipher_check_blob(rq, &c, in->ciphertext_blob));
	TRY(kms_decrypt_with(rq, &c, in->ciphertext_blob, &plain));
	TRY(kms_dry_run(rq, in->dry_run.v));
	*out = (struct kms_decrypt_out){
		.key_id = kms_text(rq, c.key->arn),
		.plaintext = plain,
		.encryption_algorithm = c.algorithm,
		.key_material_id = kms_used(rq, c.key, c.with),
	};
	return OK;
}

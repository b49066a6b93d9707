/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ReEncrypt: the same plaintext under another key, or with another encryption context. Between
 * symmetric keys it never leaves the keyring; where an RSA key has a part in it, it passes by
 * here and is wiped.
 */
#include "svc/kms/cipher.h"
#include "svc/kms/used.h"

static enum kms_encryption_algorithm_spec algorithm_of(enum kms_encryption_algorithm_spec asked)
{
	return asked ? asked : KMS_ENCRYPTION_ALGORITHM_SPEC_SYMMETRIC_DEFAULT;
}

static struct status by_way_of_plaintext(struct req *rq, struct kms_cipher *from, struct str blob,
					 struct kms_cipher *to, bool dry_run, struct str *out)
{
	struct str plain;
	TRY(kms_decrypt_with(rq, from, blob, &plain));
	TRY(kms_cipher_check_size(rq, to, plain.n));
	TRY(kms_dry_run(rq, dry_run));
	return kms_encrypt_with(rq, to, plain, out);
}

static struct status reencrypt(struct req *rq, struct kms_cipher *from, struct str blob, struct kms_cipher *to,
			       bool dry_run, struct str *out)
{
	TRY(kms_cipher_check_blob(rq, from, blob));
	TRY(kms_cipher_check(rq, to));
	if (!kms_is_symmetric(from) || !kms_is_symmetric(to))
		return by_way_of_plaintext(rq, from, blob, to, dry_run, out);
	TRY(kms_reencrypt_with(rq, from, blob, to, out));
	return kms_dry_run(rq, dry_run);
}

struct status kms_re_encrypt(struct req *rq, const struct kms_re_encrypt_in *in, struct kms_re_encrypt_out *out)
{
	struct kms_cipher from = { kms_found(rq)->key, algorithm_of(in->source_encryption_algorithm),
				   in->source_encryption_context, "SourceEncryptionAlgorithm", NULL };
	struct kms_cipher to = { kms_found(rq)->target, algorithm_of(in->destination_encryption_algorithm),
				 in->destination_encryption_context, "DestinationEncryptionAlgorithm", NULL };
	struct str blob;
	if (kms_ignores_ciphertext(in->dry_run.v, in->dry_run_modifiers)) {
		TRY(kms_cipher_check(rq, &from));
		TRY(kms_cipher_check(rq, &to));
		return kms_dry_run(rq, true);
	}
	TRY(reencrypt(rq, &from, in->ciphertext_blob, &to, in->dry_run.v, &blob));
	struct kms_used_pair used = kms_used_both(rq, from.key, from.with, to.key, to.with);
	*out = (struct kms_re_encrypt_out){
		.ciphertext_blob = blob,
		.source_key_id = kms_text(rq, from.key->arn),
		.key_id = kms_text(rq, to.key->arn),
		.source_encryption_algorithm = from.algorithm,
		.destination_encryption_algorithm = to.algorithm,
		.source_key_material_id = used.source,
		.destination_key_material_id = used.destination,
	};
	return OK;
}

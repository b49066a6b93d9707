/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GenerateDataKeyPair, GenerateDataKeyPairWithoutPlaintext: key pairs for others to use, whose
 * private half Decrypt gives back. They leave nothing behind here.
 */
#include "api/faults.h"
#include "svc/kms/cipher.h"
#include "svc/kms/data_key.h"
#include "svc/kms/key_store.h"
#include "svc/kms/spec.h"
#include "svc/kms/used.h"
#include "svc/kms/wipe.h"

static enum material material_of(enum kms_data_key_pair_spec spec)
{
	static const enum material kinds[] = {
		[KMS_DATA_KEY_PAIR_SPEC_RSA_2048] = MATERIAL_RSA_2048,
		[KMS_DATA_KEY_PAIR_SPEC_RSA_3072] = MATERIAL_RSA_3072,
		[KMS_DATA_KEY_PAIR_SPEC_RSA_4096] = MATERIAL_RSA_4096,
		[KMS_DATA_KEY_PAIR_SPEC_ECC_NIST_P256] = MATERIAL_P256,
		[KMS_DATA_KEY_PAIR_SPEC_ECC_NIST_P384] = MATERIAL_P384,
		[KMS_DATA_KEY_PAIR_SPEC_ECC_NIST_P521] = MATERIAL_P521,
		[KMS_DATA_KEY_PAIR_SPEC_ECC_SECG_P256K1] = MATERIAL_SECP256K1,
		[KMS_DATA_KEY_PAIR_SPEC_ECC_NIST_EDWARDS25519] = MATERIAL_ED25519,
	};
	return spec < COUNT(kinds) ? kinds[spec] : MATERIAL_NONE;
}

static struct status check(struct req *rq, const struct kms_key *key, enum kms_data_key_pair_spec spec)
{
	if (!material_of(spec))
		return FAIL(rq, kms_UnsupportedOperationException,
			    "This server makes no keys of the key spec %s: its crypto library does not have it.",
			    kms_word(rq, "KeyPairSpec", (int)spec));
	if (kms_in_store(&key->row))
		return FAIL(rq, kms_UnsupportedOperationException,
			    "%.*s is in a custom key store, whose keys make no data key pairs.", PR(key->arn));
	return kms_data_key_check(rq, key);
}

struct pair {
	struct str blob, public_key, material_id;
};

/* `private` may be NULL. */
static struct status make_pair(struct req *rq, const struct kms_key *key, struct str_map context, enum material kind,
			       struct secret *private, struct pair *out)
{
	struct kms_sealing s;
	struct str sealed;
	TRY(kms_sealing_begin(rq, key, context, &s));
	struct status st =
	    keyring_data_pair(rq->app->keyring, &s.with->ref, s.aad, kind, private, rq->mem, &sealed, &out->public_key);
	if (failed(st))
		return kms_keyring_failed(rq, key, st);
	out->blob = kms_sealing_blob(rq, &s, sealed);
	out->material_id = kms_used(rq, key, s.with);
	return OK;
}

struct status kms_generate_data_key_pair(struct req *rq, const struct kms_generate_data_key_pair_in *in,
					 struct kms_generate_data_key_pair_out *out)
{
	const struct kms_key *key = kms_found(rq)->key;
	struct secret *private = NEW(rq->mem, struct secret);
	struct pair pair;
	TRY(kms_check_recipient(rq, in->recipient));
	TRY(check(rq, key, in->key_pair_spec));
	TRY(kms_dry_run(rq, in->dry_run.v));
	TRY(make_pair(rq, key, in->encryption_context, material_of(in->key_pair_spec), private, &pair));
	kms_free_later(rq, private);
	*out = (struct kms_generate_data_key_pair_out){
		.private_key_ciphertext_blob = pair.blob,
		.private_key_plaintext = secret_str(private),
		.public_key = pair.public_key,
		.key_id = kms_text(rq, key->arn),
		.key_pair_spec = in->key_pair_spec,
		.key_material_id = pair.material_id,
	};
	return OK;
}

struct status kms_generate_data_key_pair_without_plaintext(
    struct req *rq, const struct kms_generate_data_key_pair_without_plaintext_in *in,
    struct kms_generate_data_key_pair_without_plaintext_out *out)
{
	const struct kms_key *key = kms_found(rq)->key;
	struct pair pair;
	TRY(check(rq, key, in->key_pair_spec));
	TRY(kms_dry_run(rq, in->dry_run.v));
	TRY(make_pair(rq, key, in->encryption_context, material_of(in->key_pair_spec), NULL, &pair));
	*out = (struct kms_generate_data_key_pair_without_plaintext_out){
		.private_key_ciphertext_blob = pair.blob,
		.public_key = pair.public_key,
		.key_id = kms_text(rq, key->arn),
		.key_pair_spec = in->key_pair_spec,
		.key_material_id = pair.material_id,
	};
	return OK;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sign and Verify. Signing is the keyring's; verifying needs the public key alone, which lies
 * ready in the cached key, so it is done here.
 *
 * What is signed is a digest, of the message as it came (RAW) or made by the caller (DIGEST).
 * Ed25519 alone signs the message itself.
 */
#include "api/faults.h"
#include "crypto/hash.h"
#include "svc/kms/spec.h"
#include "svc/kms/use.h"
#include "svc/kms/used.h"

static enum keypair_algorithm keypair_algorithm_of(enum kms_signing_algorithm_spec a)
{
	static const enum keypair_algorithm all[] = {
		[KMS_SIGNING_ALGORITHM_SPEC_RSASSA_PSS_SHA_256] = KEYPAIR_PSS_SHA256,
		[KMS_SIGNING_ALGORITHM_SPEC_RSASSA_PSS_SHA_384] = KEYPAIR_PSS_SHA384,
		[KMS_SIGNING_ALGORITHM_SPEC_RSASSA_PSS_SHA_512] = KEYPAIR_PSS_SHA512,
		[KMS_SIGNING_ALGORITHM_SPEC_RSASSA_PKCS1_V1_5_SHA_256] = KEYPAIR_PKCS1_SHA256,
		[KMS_SIGNING_ALGORITHM_SPEC_RSASSA_PKCS1_V1_5_SHA_384] = KEYPAIR_PKCS1_SHA384,
		[KMS_SIGNING_ALGORITHM_SPEC_RSASSA_PKCS1_V1_5_SHA_512] = KEYPAIR_PKCS1_SHA512,
		[KMS_SIGNING_ALGORITHM_SPEC_ECDSA_SHA_256] = KEYPAIR_ECDSA_SHA256,
		[KMS_SIGNING_ALGORITHM_SPEC_ECDSA_SHA_384] = KEYPAIR_ECDSA_SHA384,
		[KMS_SIGNING_ALGORITHM_SPEC_ECDSA_SHA_512] = KEYPAIR_ECDSA_SHA512,
		[KMS_SIGNING_ALGORITHM_SPEC_ED25519_SHA_512] = KEYPAIR_EDDSA,
	};
	assert(a > 0 && a < COUNT(all) && all[a]);
	return all[a];
}

/* What Sign and Verify are both asked. */
struct signing {
	const struct kms_key *key;
	struct str message;
	enum kms_message_type type;
	enum kms_signing_algorithm_spec algorithm;
};

static struct status check_algorithm(struct req *rq, const struct signing *s)
{
	const struct kms_spec *spec = kms_spec_of(s->key->row.spec);
	if (s->key->row.spec == KMS_KEY_SPEC_ECC_NIST_EDWARDS25519 &&
	    s->algorithm == KMS_SIGNING_ALGORITHM_SPEC_ED25519_PH_SHA_512)
		return FAIL(rq, kms_UnsupportedOperationException,
			    "This server does not sign with ED25519_PH_SHA_512: its crypto library does not have it.");
	for (size_t i = 0; i < spec->signs.n; i++)
		if (spec->signs.v[i] == s->algorithm)
			return OK;
	return kms_wrong_algorithm(rq, s->key, kms_word(rq, "SigningAlgorithm", (int)s->algorithm));
}

static struct str digest_of(struct req *rq, size_t size, struct str message)
{
	uint8_t *out = NEWS(rq->mem, uint8_t, HASH_SIZE_MAX);
	if (size == SHA256_SIZE)
		sha256(message, out);
	else if (size == SHA384_SIZE)
		sha384(message, out);
	else
		sha512(message, out);
	return str_make(out, size);
}

static struct status take_digest(struct req *rq, const struct signing *s, struct str *digest)
{
	const char *algorithm = kms_word(rq, "SigningAlgorithm", (int)s->algorithm);
	enum kms_message_type type = s->type ? s->type : KMS_MESSAGE_TYPE_RAW;
	size_t size = keypair_digest_size(keypair_algorithm_of(s->algorithm));
	if (type == KMS_MESSAGE_TYPE_EXTERNAL_MU || (type == KMS_MESSAGE_TYPE_DIGEST && !size))
		return FAIL(rq, api_ValidationException, "Message type %s is incompatible with algorithm %s.",
			    kms_word(rq, "MessageType", (int)type), algorithm);
	if (type == KMS_MESSAGE_TYPE_DIGEST && s->message.n != size)
		return FAIL(rq, api_ValidationException, "Digest is invalid length for algorithm %s.", algorithm);
	*digest = type == KMS_MESSAGE_TYPE_RAW && size ? digest_of(rq, size, s->message) : s->message;
	return OK;
}

static struct status begin(struct req *rq, const struct signing *s, const struct kms_backing **with, struct str *digest)
{
	TRY(kms_use(rq, s->key, KMS_KEY_USAGE_TYPE_SIGN_VERIFY, with));
	TRY(check_algorithm(rq, s));
	return take_digest(rq, s, digest);
}

struct status kms_sign(struct req *rq, const struct kms_sign_in *in, struct kms_sign_out *out)
{
	struct signing s = { kms_found(rq)->key, in->message, in->message_type, in->signing_algorithm };
	const struct kms_backing *with;
	struct str digest;
	TRY(begin(rq, &s, &with, &digest));
	TRY(kms_dry_run(rq, in->dry_run.v));
	struct status st = keyring_sign(rq->app->keyring, &with->ref, keypair_algorithm_of(s.algorithm), digest,
					rq->mem, &out->signature);
	if (failed(st))
		return kms_keyring_failed(rq, s.key, st);
	out->key_id = kms_text(rq, s.key->arn);
	out->signing_algorithm = s.algorithm;
	(void)kms_used(rq, s.key, with);
	return OK;
}

struct status kms_verify(struct req *rq, const struct kms_verify_in *in, struct kms_verify_out *out)
{
	struct signing s = { kms_found(rq)->key, in->message, in->message_type, in->signing_algorithm };
	const struct kms_backing *with;
	struct str digest;
	TRY(begin(rq, &s, &with, &digest));
	if (failed(keypair_verify(s.key->public, keypair_algorithm_of(s.algorithm), digest, in->signature)))
		return FAIL(rq, kms_KMSInvalidSignatureException, "%s", "");
	TRY(kms_dry_run(rq, in->dry_run.v));
	(void)kms_used(rq, s.key, with);
	*out = (struct kms_verify_out){
		.key_id = kms_text(rq, s.key->arn),
		.signature_valid = SET(true),
		.signing_algorithm = s.algorithm,
	};
	return OK;
}

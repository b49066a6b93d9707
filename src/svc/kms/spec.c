/* SPDX-License-Identifier: Apache-2.0 */
#include "svc/kms/spec.h"

#define USE(usage) (1u << KMS_KEY_USAGE_TYPE_##usage)
#define LIST(array)                 \
	{                           \
		array, COUNT(array) \
	}
#define SIGN(a)     KMS_SIGNING_ALGORITHM_SPEC_##a
#define MAC_WITH(a) KMS_MAC_ALGORITHM_SPEC_HMAC_SHA_##a

static const enum kms_encryption_algorithm_spec symmetric[] = { KMS_ENCRYPTION_ALGORITHM_SPEC_SYMMETRIC_DEFAULT };
static const enum kms_encryption_algorithm_spec oaep[] = { KMS_ENCRYPTION_ALGORITHM_SPEC_RSAES_OAEP_SHA_1,
							   KMS_ENCRYPTION_ALGORITHM_SPEC_RSAES_OAEP_SHA_256 };
static const enum kms_signing_algorithm_spec rsa[] = { SIGN(RSASSA_PKCS1_V1_5_SHA_256), SIGN(RSASSA_PKCS1_V1_5_SHA_384),
						       SIGN(RSASSA_PKCS1_V1_5_SHA_512), SIGN(RSASSA_PSS_SHA_256),
						       SIGN(RSASSA_PSS_SHA_384),        SIGN(RSASSA_PSS_SHA_512) };
static const enum kms_signing_algorithm_spec ecdsa_256[] = { SIGN(ECDSA_SHA_256) };
static const enum kms_signing_algorithm_spec ecdsa_384[] = { SIGN(ECDSA_SHA_384) };
static const enum kms_signing_algorithm_spec ecdsa_512[] = { SIGN(ECDSA_SHA_512) };
static const enum kms_signing_algorithm_spec ed25519[] = { SIGN(ED25519_SHA_512) };
static const enum kms_mac_algorithm_spec mac_224[] = { MAC_WITH(224) }, mac_256[] = { MAC_WITH(256) },
					 mac_384[] = { MAC_WITH(384) }, mac_512[] = { MAC_WITH(512) };
static const enum kms_key_agreement_algorithm_spec ecdh[] = { KMS_KEY_AGREEMENT_ALGORITHM_SPEC_ECDH };

#define RSA(bits)                                                                        \
	[KMS_KEY_SPEC_RSA_##bits] = { .name = "RSA_" #bits,                              \
				      .material = MATERIAL_RSA_##bits,                   \
				      .usages = USE(ENCRYPT_DECRYPT) | USE(SIGN_VERIFY), \
				      .encrypts = LIST(oaep),                            \
				      .signs = LIST(rsa) }
#define NIST(bits, list)                                                                     \
	[KMS_KEY_SPEC_ECC_NIST_P##bits] = { .name = "ECC_NIST_P" #bits,                      \
					    .material = MATERIAL_P##bits,                    \
					    .usages = USE(SIGN_VERIFY) | USE(KEY_AGREEMENT), \
					    .signs = LIST(list),                             \
					    .agrees = LIST(ecdh) }
#define HMAC(bits)                                                         \
	[KMS_KEY_SPEC_HMAC_##bits] = { .name = "HMAC_" #bits,              \
				       .material = MATERIAL_HMAC_##bits,   \
				       .usages = USE(GENERATE_VERIFY_MAC), \
				       .macs = LIST(mac_##bits) }

static const struct kms_spec specs[] = {
	[KMS_KEY_SPEC_SYMMETRIC_DEFAULT] = { .name = "SYMMETRIC_DEFAULT",
					     .usages = USE(ENCRYPT_DECRYPT),
					     .encrypts = LIST(symmetric) },
	RSA(2048),
	RSA(3072),
	RSA(4096),
	NIST(256, ecdsa_256),
	NIST(384, ecdsa_384),
	NIST(521, ecdsa_512),
	[KMS_KEY_SPEC_ECC_SECG_P256K1] = { .name = "ECC_SECG_P256K1",
					   .material = MATERIAL_SECP256K1,
					   .usages = USE(SIGN_VERIFY),
					   .signs = LIST(ecdsa_256) },
	[KMS_KEY_SPEC_ECC_NIST_EDWARDS25519] = { .name = "ECC_NIST_EDWARDS25519",
						 .material = MATERIAL_ED25519,
						 .usages = USE(SIGN_VERIFY),
						 .signs = LIST(ed25519) },
	HMAC(224),
	HMAC(256),
	HMAC(384),
	HMAC(512),
};

/* CustomerMasterKeySpec is the older name of the same words, in the same order. */
enum kms_key_spec kms_asked_spec(const struct kms_create_key_in *in)
{
	if (in->key_spec)
		return in->key_spec;
	return in->customer_master_key_spec ? (enum kms_key_spec)in->customer_master_key_spec
					    : KMS_KEY_SPEC_SYMMETRIC_DEFAULT;
}

const struct kms_spec *kms_spec_of(enum kms_key_spec spec)
{
	return spec < COUNT(specs) && specs[spec].name ? &specs[spec] : NULL;
}

bool kms_spec_has(const struct kms_spec *s, enum kms_key_usage_type usage) { return s->usages >> usage & 1; }

const char *kms_usage_name(enum kms_key_usage_type usage)
{
	static const char *const names[] = {
		[KMS_KEY_USAGE_TYPE_SIGN_VERIFY] = "SIGN_VERIFY",
		[KMS_KEY_USAGE_TYPE_ENCRYPT_DECRYPT] = "ENCRYPT_DECRYPT",
		[KMS_KEY_USAGE_TYPE_GENERATE_VERIFY_MAC] = "GENERATE_VERIFY_MAC",
		[KMS_KEY_USAGE_TYPE_KEY_AGREEMENT] = "KEY_AGREEMENT",
		[KMS_KEY_USAGE_TYPE_ENCAPSULATE_DECAPSULATE] = "ENCAPSULATE_DECAPSULATE",
	};
	assert(usage > 0 && usage < COUNT(names));
	return names[usage];
}

struct kms_algorithms kms_algorithms_of(enum kms_key_spec spec, enum kms_key_usage_type usage)
{
	const struct kms_spec *s = kms_spec_of(spec);
	struct kms_algorithms all = { 0 };
	assert(s && kms_spec_has(s, usage));
	switch (usage) {
	case KMS_KEY_USAGE_TYPE_ENCRYPT_DECRYPT:
		all.encrypts = s->encrypts;
		break;
	case KMS_KEY_USAGE_TYPE_SIGN_VERIFY:
		all.signs = s->signs;
		break;
	case KMS_KEY_USAGE_TYPE_GENERATE_VERIFY_MAC:
		all.macs = s->macs;
		break;
	case KMS_KEY_USAGE_TYPE_KEY_AGREEMENT:
		all.agrees = s->agrees;
		break;
	case KMS_KEY_USAGE_TYPE_ENCAPSULATE_DECAPSULATE:
		break; /* no spec has it */
	}
	return all;
}

const char *kms_word(const struct req *rq, const char *member, int value)
{
	const struct shape *s = rq->op->in;
	for (uint32_t i = 0; i < s->n_members; i++)
		if (!strcmp(s->members[i].name, member))
			return s->members[i].shape->names[value - 1];
	assert(0 && "a member of the operation");
	return "";
}

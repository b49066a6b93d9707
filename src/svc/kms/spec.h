/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Key specs and key usages: which there are, what they are made of, which algorithms a key of
 * them works with ("Key spec reference", KMS Developer Guide). A key's usage is one of its
 * spec's, given when it is made and never changed.
 */
#ifndef KMS_SPEC_H
#define KMS_SPEC_H

#include "api/req.h"
#include "kms_api.h"

struct kms_spec {
	const char *name;
	enum material material; /* MATERIAL_NONE: a key of the hierarchy (keyring_key_new) */
	unsigned usages;        /* a bit for each: 1 << KMS_KEY_USAGE_TYPE_... */
	struct kms_encryption_algorithm_spec_list encrypts;
	struct kms_signing_algorithm_spec_list signs;
	struct kms_mac_algorithm_spec_list macs;
	struct kms_key_agreement_algorithm_spec_list agrees;
};

/* What CreateKey is asked for, by either of its members; SYMMETRIC_DEFAULT when by neither. */
enum kms_key_spec kms_asked_spec(const struct kms_create_key_in *in);
/* NULL: AWS has keys of that spec, this server makes none. */
const struct kms_spec *kms_spec_of(enum kms_key_spec spec);
bool kms_spec_has(const struct kms_spec *s, enum kms_key_usage_type usage);
const char *kms_usage_name(enum kms_key_usage_type usage);
/* The algorithms of a key of that spec and usage, each list empty unless the usage is its own. */
struct kms_algorithms {
	struct kms_encryption_algorithm_spec_list encrypts;
	struct kms_signing_algorithm_spec_list signs;
	struct kms_mac_algorithm_spec_list macs;
	struct kms_key_agreement_algorithm_spec_list agrees;
};
struct kms_algorithms kms_algorithms_of(enum kms_key_spec spec, enum kms_key_usage_type usage);

/* The word a value of an enum has on the wire, by the operation's input member that takes it. */
const char *kms_word(const struct req *rq, const char *member, int value);

#endif

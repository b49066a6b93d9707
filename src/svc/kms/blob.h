/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The CiphertextBlob: what Encrypt and GenerateDataKey give, and Decrypt finds its key by.
 *
 *     version | account 5 | key id 16 | generation 4 | sealed bytes
 *
 * Version 1 names a key whose id is a UUID, version 2 a multi-Region key (mrk-...), whose
 * ciphertext is good in every region that has the key.
 * The first four are the header. It is authenticated (it is part of kms_aad's input), it
 * names the key as its ARN would, but for the region, and tells nothing else. The generation says which of the
 * key's backing keys sealed the rest: a rotated key still opens its old ciphertexts.
 */
#ifndef KMS_BLOB_H
#define KMS_BLOB_H

#include "base/buf.h"

enum {
	KMS_BLOB_VERSION = 1,
	KMS_BLOB_VERSION_MULTI_REGION = 2,
	KMS_BLOB_HEADER = 26,
	KMS_ID_TEXT = 36,
	KMS_ACCOUNT_DIGITS = 12
};

struct kms_blob {
	char account[KMS_ACCOUNT_DIGITS];
	char key_id[KMS_ID_TEXT];
	uint32_t generation;
	struct str header, sealed; /* views */
};

/* E_INVALID when the bytes are no such blob. */
struct status kms_blob_parse(struct str bytes, struct kms_blob *out);
/* The header for a key. `account` is 12 digits, `key_id` a UUID in lower case or a multi-Region key's id. */
struct str kms_blob_header(struct arena *mem, struct str account, struct str key_id, uint32_t generation);

#endif

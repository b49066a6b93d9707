/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ciphertext blobs from strangers: whatever parses names a key in exactly one way, so that
 * writing its header again gives the bytes it was read from.
 */
#include "base/str.h"
#include "crypto/token.h"
#include "svc/kms/blob.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct kms_blob b;
	struct str in = str_make(data, n);
	if (failed(kms_blob_parse(in, &b)))
		return 0;
	struct arena *mem = arena_new();
	struct str account = str_make(b.account, sizeof b.account), id = str_make(b.key_id, sizeof b.key_id);
	assert(str_starts(id, S("mrk-")) == (data[0] == KMS_BLOB_VERSION_MULTI_REGION));
	assert(str_eq(kms_blob_header(mem, account, id, b.generation), b.header));
	assert(b.header.n + b.sealed.n == n && b.sealed.n > TOKEN_SEAL_OVERHEAD);
	arena_free(mem);
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * "Encryption context" (KMS Developer Guide): order of pairs does not matter, case does.
 */
#include "svc/kms/context.h"

#include "api/faults.h"
#include "wire/value.h"

static void put(struct buf *b, struct str s)
{
	buf_be32(b, (uint32_t)s.n);
	buf_put(b, s);
}

struct str kms_aad(struct arena *mem, struct str header, struct str key_arn, struct str_map context)
{
	struct buf b = buf_in(mem);
	put(&b, S("kms ciphertext"));
	put(&b, header);
	put(&b, key_arn);
	buf_be32(&b, (uint32_t)context.n);
	if (context.n == 0)
		return buf_str(&b);
	const uint32_t *order = sorted_by_key(mem, context.v, sizeof *context.v, context.n);
	for (size_t i = 0; i < context.n; i++) {
		put(&b, context.v[order[i]].key);
		put(&b, context.v[order[i]].value);
	}
	return buf_str(&b);
}

struct status kms_context_check(struct req *rq, struct str_map context)
{
	size_t n = 0;
	for (size_t i = 0; i < context.n; i++)
		n += context.v[i].key.n + context.v[i].value.n;
	if (n > KMS_CONTEXT_MAX)
		return FAIL(rq, api_ValidationException,
			    "EncryptionContext is too large: %zu bytes, at most %d are allowed.", n, KMS_CONTEXT_MAX);
	return OK;
}

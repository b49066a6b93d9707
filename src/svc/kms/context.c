/* SPDX-License-Identifier: Apache-2.0 */
/*
 * "Encryption context" (KMS Developer Guide): order of pairs does not matter, case does.
 */
#include "svc/kms/context.h"

#include "api/faults.h"
#include "base/str.h"
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

static struct str lower(struct arena *mem, struct str s)
{
	char *p = NEWS(mem, char, s.n + 1);
	for (size_t i = 0; i < s.n; i++)
		p[i] = char_lower(s.p[i]);
	return str_make(p, s.n);
}

/*
 * kms:EncryptionContext:<key> is a condition key, whose name has no case: of two keys that differ in nothing else a
 * policy would see one and the ciphertext hold both.
 */
static bool is_ambiguous(struct arena *mem, struct str_map context)
{
	struct str_entry *v = NEWS(mem, struct str_entry, context.n + 1);
	for (size_t i = 0; i < context.n; i++)
		v[i].key = lower(mem, context.v[i].key);
	const uint32_t *order = sorted_by_key(mem, v, sizeof *v, context.n);
	for (size_t i = 1; i < context.n; i++)
		if (str_eq(v[order[i - 1]].key, v[order[i]].key))
			return true;
	return false;
}

struct status kms_context_check(struct req *rq, struct str_map context)
{
	size_t n = 0;
	for (size_t i = 0; i < context.n; i++)
		n += context.v[i].key.n + context.v[i].value.n;
	if (n > KMS_CONTEXT_MAX)
		return FAIL(rq, api_ValidationException,
			    "EncryptionContext is too large: %zu bytes, at most %d are allowed.", n, KMS_CONTEXT_MAX);
	if (context.n > 1 && is_ambiguous(rq->mem, context))
		return FAIL(rq, api_ValidationException,
			    "EncryptionContext has two keys that are equal or differ only in case.");
	return OK;
}

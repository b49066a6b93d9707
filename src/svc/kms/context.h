/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The encryption context of a request: checked, and in the one form in which it is bound
 * into ciphertext.
 */
#ifndef KMS_CONTEXT_H
#define KMS_CONTEXT_H

#include "api/req.h"

enum { KMS_CONTEXT_MAX = 8192 };

/*
 * What a ciphertext is authenticated together with, beyond its own header: the use, the
 * key's ARN and the context's pairs in the order of their keys, each with its length in
 * front, so that no two different contexts are the same bytes.
 */
struct str kms_aad(struct arena *mem, struct str header, struct str key_arn, struct str_map context);
/* ValidationException when it is larger than AWS allows, or when two of its keys are one to a policy. */
struct status kms_context_check(struct req *rq, struct str_map context);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Plaintext on its way out: gone when nobody can read it any more, that is when the
 * outermost request ends.
 */
#ifndef KMS_WIPE_H
#define KMS_WIPE_H

#include "api/req.h"

void kms_wipe_later(struct req *rq, struct str plain);     /* bytes in the request's arena */
void kms_free_later(struct req *rq, struct secret *plain); /* *plain lives in the request's arena */

#endif

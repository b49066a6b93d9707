/* SPDX-License-Identifier: Apache-2.0 */
/*
 * AWS managed keys: alias/aws/<service>, made when that service first needs one.
 */
#ifndef KMS_MANAGED_H
#define KMS_MANAGED_H

#include "api/req.h"

/* Is this the alias of an AWS managed key that this request may bring into being? */
bool kms_managed_wanted(const struct req *rq, struct str alias);
/*
 * Makes key and alias in a commit of their own; *id is the key that the alias now names. E_NOT_FOUND, and nothing made,
 * for a caller who could not use it anyway.
 */
struct status kms_managed_make(struct req *rq, struct str alias, struct str *id);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Aliases: names that point at keys. A key keeps no list of its own; row t says which
 * aliases it has.
 */
#ifndef KMS_ALIAS_H
#define KMS_ALIAS_H

#include "svc/kms/key.h"

/* A name a customer may create, change or delete. */
struct status kms_alias_check(struct req *rq, struct str name);
bool kms_names_alias(struct str key_id); /* an alias name or alias ARN, where only keys may be named */
/* In a write transaction: alias -> key, and what ListAliases and kms:ResourceAliases read. */
struct status kms_alias_put(struct req *rq, struct txn *t, struct str alias, struct str key_id, int64_t created_ms);
/* The alias in the key of a row `t` or `a`, as a view of rq->mem. */
struct str kms_alias_in(struct req *rq, struct str row_key);
/* E_NOT_FOUND. */
struct status kms_alias_get(struct req *rq, struct txn *t, struct str alias, struct kms_alias_row *row);

#endif

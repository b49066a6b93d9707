/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The end of keys: shredding those whose waiting period is over.
 */
#ifndef KMS_DELETION_H
#define KMS_DELETION_H

#include "api/req.h"

/*
 * Once, before the first request, within a fiber: shreds what came due while the server was down. What cannot be read
 * is logged and left.
 */
void kms_start(struct app *app);
/* Remembers that the account has keys in the request's region, for kms_start. Not after req_write. */
struct status kms_region_note(struct req *rq, struct str account);
/*
 * Shreds every key of the shard that is due, in a transaction of its own that holds a record for each. Ends the
 * request's snapshots. Not after req_write.
 */
struct status kms_sweep(struct req *rq, struct str account, struct shard *shard);

#endif

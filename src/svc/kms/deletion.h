/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The end of keys: shredding those whose waiting period is over.
 */
#ifndef KMS_DELETION_H
#define KMS_DELETION_H

#include "api/req.h"

/*
 * Shreds every key of the shard that is due, in a transaction of its own that holds a record for each. Ends the
 * request's snapshots. Not after req_write.
 */
struct status kms_sweep(struct req *rq, struct str account, struct shard *shard);

#endif

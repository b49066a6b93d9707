/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The end of keys: shredding those whose waiting period is over.
 */
#ifndef KMS_DELETION_H
#define KMS_DELETION_H

#include "svc/kms/key.h"

/*
 * Shreds every key of the shard that is due, in a transaction of its own that holds a record for each. Ends the
 * request's snapshots. Not after req_write.
 */
struct status kms_sweep(struct req *rq, struct str account, struct shard *shard);
/* The same when any is, for who lists what goes with keys. Ends the request's snapshots if so. */
struct status kms_sweep_if_due(struct req *rq, struct str account, struct shard *shard);
/* The waiting period of row->pending_days begins, in the row and among the dates. The caller puts the row. */
struct status kms_deletion_begin(struct req *rq, struct txn *t, struct str id, struct kms_key_row *row);

#endif

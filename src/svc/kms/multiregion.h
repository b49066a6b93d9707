/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Multi-Region keys: one id and one material in several regions ("Multi-Region keys in AWS KMS").
 *
 * In each of its regions such a key is a whole one, in that region's shard: rows, policy, tags, aliases, grants and
 * state of its own. What they share (material, rotation, which one is the primary, which replicas there are) is the
 * primary's to change, and is copied to the others:
 *
 *     primary's shard                              a replica's shard
 *     change, Version + 1, row m <id> ──┐
 *                                       ├──────▶   the shared part overwritten, if its Version was lower
 *     row m <id> gone  ◀────────────────┘
 *
 * Two shards have no commit in common, so each step stands alone: the row m says that the copying is not done, and
 * whoever finds it (the one who changed something, right after his commit and before his answer; the duty, at start and
 * every few minutes) copies all there is and takes it away. A copy of a lower version than what is there changes
 * nothing, so it does no harm to copy twice, late, or at the same time as somebody else.
 *
 *     ReplicateKey          lists the replica first (with a row w: what it is to be), then makes it, in one commit
 *                           with the records of both, its own and CreateKey. What cannot be made is taken off the list
 *     UpdatePrimaryRegion   the primary's own commit makes it a replica and names its successor, with a higher
 *                           Version; copying that makes the successor the primary. In between there is none
 *     a new backing key     is copied everywhere before the primary's next commit makes it the current one: no
 *                           ciphertext is ever ahead of a region that shall open it
 *     a replica's end       its row says that it leaves, the primary takes it off the list, then it is shredded
 */
#ifndef KMS_MULTIREGION_H
#define KMS_MULTIREGION_H

#include "svc/kms/key.h"

enum { KMS_REPLICAS_MAX = 64 };

static inline bool kms_is_primary(const struct kms_key_row *row)
{
	return row->multi_region == KMS_MULTI_REGION_KEY_TYPE_PRIMARY;
}

static inline bool kms_is_replica(const struct kms_key_row *row)
{
	return row->multi_region == KMS_MULTI_REGION_KEY_TYPE_REPLICA;
}

struct str kms_multi_region_id(struct req *rq); /* a new one: mrk-... */
/* The partition that a region belongs to, by its name. */
struct str kms_partition_of(struct str region);

/* ---- refusing ----------------------------------------------------------------- */

/* UnsupportedOperationException for replicas: what their primary does for them. */
struct status kms_not_replica(struct req *rq, struct str arn, const struct kms_key_row *row);
/* UnsupportedOperationException for all but primaries. */
struct status kms_only_primary(struct req *rq, struct str arn, const struct kms_key_row *row);
/* KMSInvalidStateException while its role is changing. */
struct status kms_not_updating(struct req *rq, struct str arn, const struct kms_key_row *row);

/* ---- showing -------------------------------------------------------------------- */

/* MultiRegion and MultiRegionConfiguration. */
void kms_multi_region_describe(struct req *rq, struct str account, struct str id, const struct kms_key_row *row,
			       struct kms_key_metadata *m);
/* Is there a replica that lacks the material of that generation? For imported material. */
struct status kms_replicas_lack(struct req *rq, const struct kms_key *key, uint32_t generation, bool *lack);

/* ---- other regions ---------------------------------------------------------------- */

/* The same request in another region of that account. What it pins lives as long as rq. Not after req_write. */
struct req *kms_enter(struct req *rq, struct str account, struct str region);
void kms_leave(struct req *in);

/* ---- copying ------------------------------------------------------------------------ */

/*
 * In the transaction that changes something shared, before the row is put: the next Version, the row m. What the
 * request commits with req_write is then copied before it is answered; after other transactions: kms_mirror.
 */
struct status kms_shared(struct req *rq, struct txn *t, struct str id, struct kms_key_row *row);
/*
 * Copies what the key of that region shares to the others, if its row m is there. A replica that cannot be made fails
 * it with its fault, when all else is done; that and everything else that was in the way is left to the duty. Not after
 * req_write.
 */
struct status kms_mirror(struct req *rq, struct str account, struct str region, struct str id);
/*
 * The same for the sake of a replica that the found primary key has listed: OK when it is there, whoever made it and
 * whatever became of the others.
 */
struct status kms_mirror_new(struct req *rq, const struct kms_key *key, struct str region);
/* For req.after. */
void kms_mirror_after(struct req *rq);
/* Every row m of the request's region. */
struct status kms_mirror_all(struct req *rq, struct shard *shard);
/* Tells the primary that the replica in the request's region is gone, by the row it had. */
struct status kms_depart(struct req *rq, struct str account, struct str id, const struct kms_key_row *row);

#endif

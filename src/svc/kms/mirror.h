/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A multi-Region key's rows as they are read in one region and written in another. Only mirror.c
 * needs this; what it is for: multiregion.h.
 */
#ifndef KMS_MIRROR_H
#define KMS_MIRROR_H

#include "svc/kms/key.h"

struct kms_backing_copy {
	uint32_t generation;
	struct str key, val;
	struct kms_backing_row row; /* val, unpacked */
};
struct kms_backing_copies {
	struct kms_backing_copy *v;
	size_t n;
};

/* The key of one region, whose shared part the others are to have. */
struct kms_original {
	struct str id, region;
	bool marked; /* the row m is there */
	struct kms_key_row row;
	struct kms_backing_copies backing;
};

struct str kms_mark_key(struct arena *mem, struct str id);
struct str kms_wish_key(struct arena *mem, struct str id, struct str region);
/* In the request's region; E_NOT_FOUND. Ends its snapshots. */
struct status kms_original_read(struct req *in, struct str id, struct kms_original *out);
/* What the replica in that region shall be; E_NOT_FOUND: it is there already. Ends the snapshots. */
struct status kms_wish_read(struct req *in, struct str id, struct str region, struct kms_replica_wish *out);
/* What the replica will be. `in` is a request in its region. */
struct kms_key_metadata *kms_wish_metadata(struct req *in, const struct kms_original *o,
					   const struct kms_replica_wish *wish);
/* The record of its making, in the name of who asked for it. */
struct str kms_wish_record(struct req *in, const struct kms_key_metadata *m, const struct kms_replica_wish *wish);
/*
 * Into the request's region: makes the replica, with the records of its making (`wish`; NULL: it must be there, else
 * E_NOT_FOUND), or overwrites what it shares.
 */
struct status kms_copy(struct req *in, struct txn *t, const struct kms_original *o,
		       const struct kms_replica_wish *wish);

#endif

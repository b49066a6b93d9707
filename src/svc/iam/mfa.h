/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Virtual MFA devices as the files of IAM see them: their rows, and whether a code is
 * right.
 *
 *     create ──▶ unassigned ── enable (two codes) ──▶ enabled for one user, or for root
 *        delete ◀───┘  ▲                                  │  ▲ resync (two codes)
 *                      └────────── deactivate ────────────┘──┘
 *
 * A device's serial number is its ARN. The seed lies sealed in its row, over and above the
 * encryption of everything that is stored, and is in the clear only while a code is looked
 * for. `Last` is the step of the latest code that was accepted, for whatever purpose; no
 * code of that step or an earlier one is accepted again. It is committed before the answer,
 * so it holds across threads and across restarts.
 */
#ifndef SVC_IAM_MFA_H
#define SVC_IAM_MFA_H

#include "svc/iam/iam.h"

enum {
	IAM_MFA_PER_USER = 8, /* and for root */
	IAM_MFA_SKEW = 1,     /* steps a code may be off, besides the device's drift (RFC 6238 5.2) */
	IAM_MFA_RESYNC = 20,  /* steps a device may be off when two codes are given: ten minutes */
};

#define IAM_MFA_ROOT_PREFIX S("root-account-mfa-device") /* names that begin so are the root user's devices */

struct str iam_mfa_arn(struct arena *mem, struct str partition, struct str account, const struct iam_mfa_row *row);
/* The device of that serial number in `account`; E_NOT_FOUND also when it is no ARN of ours. */
struct status iam_mfa_find(struct req *rq, struct txn *t, struct str account, struct str serial,
			   struct iam_mfa_row *out);
struct status iam_mfa_put(struct req *rq, struct txn *t, const struct iam_mfa_row *row);
struct status iam_mfa_del(struct req *rq, struct txn *t, const struct iam_mfa_row *row);
/* Whatever has the path and name of that row, in whatever case. E_NOT_FOUND. */
struct status iam_mfa_get(struct req *rq, struct txn *t, const struct iam_mfa_row *named, struct iam_mfa_row *out);
/* iam_mfa_find in rq->account, for handlers: NoSuchEntity. */
struct status iam_mfa_named(struct req *rq, struct txn *t, struct str serial, struct iam_mfa_row *out);
struct status iam_mfa_none(struct req *rq, struct str serial); /* that NoSuchEntity */
bool iam_mfa_is_roots(const struct iam_mfa_row *row);
/* The serial numbers of root's enabled devices, in order; serials may be NULL. */
struct status iam_mfa_roots(struct req *rq, struct txn *t, struct str_list *serials, size_t *n);
/* A user has been renamed: his devices know it. */
struct status iam_mfa_follow(struct req *rq, struct txn *t, const struct iam_entity_row *user);

/* A new seed, sealed into the row, whose id must be set; and in base32, in rq->mem. */
struct status iam_mfa_seed_new(struct req *rq, struct str account, struct iam_mfa_row *row, struct str *base32);

/* A seed in the clear, wiped when the request ends. */
struct iam_mfa_seed {
	struct str plain, sealed;
};
/* May wait: before req_write. E_NOT_FOUND: no such device, and an empty seed. */
struct status iam_mfa_seed_open(struct req *rq, struct str account, struct str serial, struct iam_mfa_seed *out);

/*
 * Two codes that follow each other set row->drift and row->last. E_INVALID: not right, or used before. E_BUSY: the
 * seed is not this row's.
 */
struct status iam_mfa_two_codes(struct req *rq, const struct iam_mfa_seed *seed, struct iam_mfa_row *row,
				struct str first, struct str second);

/* identity_provider.mfa */
struct status iam_mfa_check(struct req *rq, const struct caller *who, struct str serial, struct str code);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Grants ("Grants in AWS KMS"): a principal may use a key for some operations, as far as the
 * encryption context is what the grant's constraint says. A grant only ever allows; it is in
 * force from the answer to CreateGrant until the answer to RetireGrant or RevokeGrant.
 *
 * A grant names its principals by ARN and means those who had the ARNs when it was made:
 * what decides are their unique ids (grant_principal.c).
 *
 *     grant.c             made and ended, with the rows
 *     grant_list.c        shown
 *     grant_match.c       asked, on every request: does a grant cover this?
 *     grant_constraint.c  constraints, as pure functions
 *     grant_token.c       grant tokens
 *     authorize_grant.c   who may do all this
 */
#ifndef KMS_GRANT_H
#define KMS_GRANT_H

#include "svc/kms/key.h"

enum {
	KMS_GRANTS_PER_KEY = 50000,
	KMS_GRANT_ID_SIZE = 64,
	KMS_CONSTRAINT_PAIRS_MAX = 8,
	KMS_CONSTRAINT_CHARS_MAX = 384,
};

/* A set of operations: one bit each. */
static inline uint32_t kms_grant_bit(enum kms_grant_operation op) { return UINT32_C(1) << ((unsigned)op - 1); }
uint32_t kms_grant_bits(struct kms_grant_operation_list ops);
/* The operation an action is ("kms:Encrypt"); 0: no grant can allow it. */
enum kms_grant_operation kms_grant_operation_of(struct str action);

/* ---- constraints ------------------------------------------------------------------ */

/* At most one of the maps has pairs. */
struct kms_constraint {
	struct str_map subset, equals;
	struct str
	    source; /* the resource on whose behalf a service must ask (SourceArn); n == 0: on any's, or none's */
};

static inline struct kms_constraint kms_constraint_of(const struct kms_grant_row *g)
{
	return (struct kms_constraint){ g->subset, g->equals, g->source_arn };
}

/* SourceArn binds every operation but RetireGrant. `source` is the resource the caller acts for, if any. */
bool kms_constraint_admits(struct kms_constraint c, struct str source);
/* Names of pairs have no case here, values do ("GrantConstraints"). Of the encryption context alone. */
bool kms_constraint_allows(struct kms_constraint c, struct str_map context);
/* Does `inner` let through nothing that `outer` would not? For grants made by means of a grant. */
bool kms_constraint_within(struct kms_constraint inner, struct kms_constraint outer);

/*
 * Where a grant is filed among those of its grantee, so that a request looks in a few places however many there are:
 * under nothing without a constraint, under all its pairs for "equals", under its most telling pair for "subset"; under
 * the source where it has one.
 */
struct kms_bucket {
	char kind; /* 'a' any, 'e' equals, 's' subset, 'o' source */
	uint64_t hash;
};
struct kms_bucket kms_bucket_of(struct arena *mem, struct kms_constraint c);
struct kms_bucket kms_bucket_of_source(struct str source);
/* Every bucket that can hold a grant which allows that context, but has no source. At least 2; 2 + context.n at most.
 */
struct kms_bucket *kms_buckets_for(struct arena *mem, struct str_map context, size_t *n);

/* ---- principals --------------------------------------------------------------------- */

/*
 * The unique id behind an ARN: of a user or role; "AROA...:session" of a session; "<account>:<name>" of a federated
 * user; of an account its number. InvalidArnException when there is nobody of that name in an account held here, which
 * no other account's can be known to be. Ends the request's snapshots. (A service principal is its own id.)
 */
struct status kms_principal_id(struct req *rq, struct str arn, struct str *id);
/* The ARN as it was written while it still names the one with that id, else the id. Ends the request's snapshots. */
struct status kms_principal_shown(struct req *rq, struct str arn, struct str id, struct str *out);

/* What a caller may be named by, the strongest first. */
struct kms_names {
	struct {
		struct str id;
		enum policy_granted as;
	} v[3];
	size_t n;
};
struct kms_names kms_names_of(const struct caller *who);

/* ---- rows ------------------------------------------------------------------------------
 *     g <key> <grant>                      GrantRow          c <key>   u64: how many grants
 *     q <key> <grantee> <bucket> <grant>   "" : by grantee   G <key>   "" : there are any
 *     h <key> <digest>                     the grant of that name and those parameters
 *     s <key> <grantee>                    GrantSums
 *     r <retiring> <key> <grant>           "" : by retiring principal
 */
struct str kms_grant_key(struct arena *mem, struct str key_id, struct str grant_id);
struct str kms_grantee_prefix(struct arena *mem, struct str key_id, struct str grantee_id);
struct str kms_bucket_prefix(struct arena *mem, struct str key_id, struct str grantee_id, struct kms_bucket b);
struct status kms_grant_id_check(struct req *rq, struct str id); /* InvalidGrantIdException: not of its form */
struct status kms_no_grant(struct req *rq, struct str id);       /* NotFoundException */
/* The last part of a row's key that ends in a grant's id. */
struct str kms_grant_id_in(struct str row_key);
/* E_NOT_FOUND. Views of mem. */
struct status kms_grant_get(struct txn *t, struct arena *mem, struct str key_id, struct str grant_id,
			    struct kms_grant_row *row);
/* The lists have an entry for each operation. */
struct status kms_grant_sums_get(struct txn *t, struct arena *mem, struct str key_id, struct str grantee_id,
				 struct kms_grant_sums *out);
/* All grants of a key that ends, in the transaction that ends it. */
struct status kms_grants_drop(struct req *rq, struct txn *t, struct str key_id);

/* ---- asking ----------------------------------------------------------------------------- */

/*
 * What the grants of `key` give the caller for `action`. `context` is the operation's encryption context, NULL for one
 * that has none. `child` is the grant to be made, for CreateGrant.
 */
struct status kms_granted(struct req *rq, const struct kms_found *f, struct str action, const struct str_map *context,
			  const struct kms_grant_row *child, enum policy_granted *out);

/* ---- tokens ------------------------------------------------------------------------------- */

struct kms_token {
	struct str account, key_id, grant_id;
};
/* Before a write transaction: the key tokens are sealed under, so that sealing does not wait. */
struct status kms_token_prepare(struct req *rq, struct str account);
struct status kms_token_seal(struct req *rq, const struct kms_token *token, struct str *text);
/* InvalidGrantTokenException: not made here, or for another region. */
struct status kms_token_open(struct req *rq, struct str text, struct kms_token *out);
/* Tokens sent along with a use of `key`: each must be one of a grant of that account. */
struct status kms_tokens_check(struct req *rq, struct str_list tokens, const struct kms_key *key);

/* The grant RetireGrant is about, as its authorize function found it. */
struct kms_retiring {
	struct kms_found found; /* first: it is rq->found, too */
	struct str grant_id;
};

#endif

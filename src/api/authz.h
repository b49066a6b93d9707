/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What must be allowed before a request is executed.
 *
 * Usually the operation's row says it: one action on one resource, with condition keys
 * from the input. Where it cannot, the row names a function of the service that lists
 * items; the pipeline evaluates all of them and every one must be allowed. Such a
 * function may read (req_read, cached) but not change anything, and it may fail with a
 * fault (NoSuchBucket, NotFoundException): that fault then is the answer.
 */
#ifndef API_AUTHZ_H
#define API_AUTHZ_H

#include "api/cache.h"
#include "api/req.h"
#include "policy/explain.h"

struct authz_key {
	struct str name; /* "kms:RequestAlias", "s3:prefix" */
	const struct str *values;
	size_t n;
	bool multi; /* a multi-valued key (for ForAllValues, ForAnyValue) even when n is 1 */
	struct authz_key *next;
};

struct authz_item {
	struct str action;                    /* "s3:GetObject" */
	struct str resource;                  /* ARN, or "*" */
	struct str told;                      /* how a refusal names it, for what the ARN gives away; p == NULL: so */
	struct str resource_account;          /* owner; p == NULL: the request's account */
	struct str region;                    /* aws:RequestedRegion; p == NULL: the request's */
	const struct policy *resource_policy; /* alive until the request ends; NULL: none */
	enum policy_mode mode;       /* POLICY_STANDARD unless the resource's policy must allow (keys, role trust) */
	enum policy_granted granted; /* a grant on the key covers the action */
	struct str_map resource_tags;
	struct authz_key *keys;
	const struct fault_kind *denied; /* the fault to raise instead of the usual AccessDenied, or NULL */
	struct authz_item *next;
};

struct authz {
	struct req *rq;
	struct authz_item *first, **last;
};

/* The new item has the row's condition keys already. `action` NULL: the row's. */
struct authz_item *authz_add(struct authz *az, const char *action, struct str resource);
void authz_key(struct authz *az, struct authz_item *item, const char *name,
	       struct str value); /* p == NULL: nothing added */
void authz_key_list(struct authz *az, struct authz_item *item, const char *name, const struct str *values, size_t n);
void authz_key_bool(struct authz *az, struct authz_item *item, const char *name, bool value);
void authz_key_int(struct authz *az, struct authz_item *item, const char *name, int64_t value);
/* A key for each tag: `prefix` ("iam:ResourceTag/") and the tag's key. */
void authz_tag_keys(struct authz *az, struct authz_item *item, const char *prefix, struct str_map tags);
/* aws:RequestTag/<key> for each and aws:TagKeys. */
void authz_request_tags(struct authz *az, struct authz_item *item, struct str_map tags);
/*
 * Where tag keys have no case, "LOCK" names the tag "lock", and a policy that says so of "lock" must see it:
 * aws:TagKeys gets the spelling of those in `have` that it names in another. After the keys were given.
 */
void authz_tag_spellings(struct authz *az, struct authz_item *item, struct str_map have);

/*
 * The request hands a role to a service, which will act with it: iam:PassRole on the role must be allowed too, with
 * iam:PassedToService, iam:AssociatedResourceArn (of the resource that gets the role; p == NULL: none) and the role's
 * tags. A role of another account than the caller's and the data's cannot be passed: AccessDenied. `role_arn` is
 * judged as it is written; whoever keeps it finds the role by the whole ARN, never by its last part.
 */
struct status authz_pass_role(struct authz *az, struct str role_arn, const char *service_principal,
			      struct str associated_resource);

/* The row's resource with its {Member}s filled in from the input: a full ARN or "*". */
struct str authz_row_resource(struct req *rq, const void *in);

/* The pipeline's step: lists the items, evaluates each, raises AccessDenied in AWS's words. */
struct status req_authorize(struct req *rq);
/*
 * req_write, into a transaction in which all that the request was judged by still stands: the policies of the caller
 * (and whatever else api/cache.h gave it) after all that is committed, and what `check` compares with the rows, which
 * sees what the same batch did before, too. If anything does not, the write is given up and the request is judged
 * anew, by the caller's policies of now: rq->found is then another one, or it is refused. `but`: a kind of cached
 * values that `check` stands for, as far as they are from this shard; CACHE_SLOTS: none. `check` may be NULL; it reads
 * from t alone. The shard stays open until the request ends.
 */
typedef struct status authz_rows_check(struct req *rq, struct txn *t, bool *same);
struct status req_write_as_judged(struct req *rq, struct shard *shard, enum cache_slot but, authz_rows_check *check,
				  struct txn **out);
/*
 * A check that asks the service's function again, which must read from rq->write then: what the request is about may
 * be another thing by now, at another path, with other tags.
 */
authz_rows_check authz_rows_allow;
/* One item, without raising: for req_allowed and the steps of other rooms. */
bool authz_evaluate(struct req *rq, const struct authz_item *item, struct policy_decision *out);

/* What the request needs: its row's item, or those its service's function lists. That function's fault is the answer.
 */
struct status authz_list(struct req *rq, struct authz *az);
/*
 * The decision on one item, told in full, as enforcement makes it. `context` (NULL allowed): keys that count in place
 * of what the request has.
 */
struct policy_decision authz_explain(struct req *rq, const struct authz_item *item, const struct authz_key *context,
				     const struct policy_names *names, struct buf *out);

/* Why a request was refused: kept for the record and for explain. */
struct authz_denial {
	struct str action, resource;
	struct str sentence; /* as the client is told */
	struct policy_decision decision;
	struct str encoded; /* all of it, sealed, that the client is told as well (api/denial.h); empty: not given */
};

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A role that somebody wants to assume, and asking its trust policy.
 *
 * A role that does not exist, one in an account that does not exist and one that does not
 * trust the caller are refused in the same words, so that roles cannot be found by trying.
 */
#ifndef SVC_STS_TRUST_H
#define SVC_STS_TRUST_H

#include "api/authz.h"

struct sts_wanted {
	struct str arn, account, name;
	bool known; /* is there such a role? */
	struct identity_role role;
};

/* False: not the ARN of a role. */
bool sts_wanted_parse(struct str arn, struct sts_wanted *out);
/* The ARN must be the role's own, path and case included. */
struct status sts_wanted_find(struct req *rq, struct sts_wanted *w);

/* An item that the trust policy must allow, with what condition keys say of the role. */
struct authz_item *sts_trust_ask(struct authz *az, const char *action, const struct sts_wanted *w);
/* AccessDenied in `words` at the first item that is not allowed. */
struct status sts_trust_decide(struct req *rq, const struct authz *az, const struct sts_wanted *w,
			       struct str (*words)(struct req *rq, const struct authz_item *item));

#endif

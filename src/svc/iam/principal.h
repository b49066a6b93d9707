/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A user or role made ready to decide with: its row, its policies compiled (a user's with
 * those of his groups), its trust.
 *
 * Cached by thread while the account's shard does not change (api/cache.h), so a request
 * finds all of it with one lookup and reads no row. Compiled policies are shared by content.
 */
#ifndef SVC_IAM_PRINCIPAL_H
#define SVC_IAM_PRINCIPAL_H

#include "svc/iam/iam.h"

struct iam_principal {
	struct arena *mem; /* holds the row */
	struct iam_entity_row row;
	struct str arn;
	struct str_map tags;
	struct policy_set identity;    /* inline and attached ones, the groups' after his own; references */
	const struct policy *boundary; /* NULL: none */
	const struct policy *trust;    /* roles */
};

/* Lives until the request ends. E_NOT_FOUND: no such account or entity. */
struct status iam_principal(struct req *rq, struct str account, enum iam_kind kind, struct str name,
			    const struct iam_principal **out);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Trust policies: who they name must exist, and is named by unique id from then on.
 *
 * When a trust policy is saved, each user or role it names by ARN is looked up, and the
 * document that decides has the unique id in its place ("AWS JSON policy elements:
 * Principal": the ARN is transformed to the principal ID when you save the policy). So a
 * user who is deleted and made again under the same name is not trusted. The document
 * that is shown stays as it was written.
 */
#ifndef SVC_IAM_TRUST_H
#define SVC_IAM_TRUST_H

#include "svc/iam/iam.h"

struct iam_trust_name {
	struct str arn, account, id, name;
	enum iam_kind kind;
};

struct iam_trust {
	struct str document;
	struct str bound; /* p == NULL: names nobody by ARN; the document itself decides */
	const struct iam_trust_name *names;
	size_t n;
};

/* Checks and binds. Reads; to be called before req_write. MalformedPolicyDocument, LimitExceeded. */
struct status iam_trust_bind(struct req *rq, struct str document, struct iam_trust *out);
/* Within the write: those of this account are still who they were. */
struct status iam_trust_recheck(struct req *rq, struct txn *t, const struct iam_trust *trust);

#endif

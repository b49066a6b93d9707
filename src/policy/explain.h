/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A decision told in full: every policy that was asked, every statement of it, and why it did
 * or did not match. The decision is policy_decide's own; this only listens to its steps.
 */
#ifndef POLICY_EXPLAIN_H
#define POLICY_EXPLAIN_H

#include "base/buf.h"
#include "policy/policy.h"

/* What a policy is called, and where its byte `offset` stands in whatever holds it. */
struct policy_where {
	struct str name;
	uint32_t line, column;
};
struct policy_names {
	struct policy_where (*find)(void *arg, const struct policy *p, uint32_t offset);
	void *arg;
};

/*
 * Lines of text into *out, the verdict first:
 *
 *     DENIED  User: ... is not authorized to perform: ... because no identity-based policy allows the ... action
 *     ├─ identity-based policy
 *     │  └─ app.json
 *     │     └─ 5:5 Allow "Read": not about this action: s3:List*
 *     └─ permissions boundary: none
 */
struct policy_decision policy_explain(struct arena *mem, const struct policy_request *rq,
				      const struct policy_names *names, struct buf *out);

/* What decided, in one line: "denied by statement "NoRoot" (scp.json:7:3)", "no identity-based policy allows it". */
struct str policy_verdict_line(struct arena *mem, const struct policy_decision *d, const struct policy_names *names);

#endif

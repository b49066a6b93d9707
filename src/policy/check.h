/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is wrong, dangerous or useless in a policy document, found by reading it alone.
 *
 * The codes are those of AWS's "IAM policy validation check reference" where it has one; those
 * of our own are listed in docs/policy-tools.md. What policy_compile refuses is an ERROR here,
 * always; the reverse does not hold: an action that does not exist is an ERROR that may be stored.
 */
#ifndef POLICY_CHECK_H
#define POLICY_CHECK_H

#include "policy/policy.h"

enum { POLICY_FINDINGS_MAX = 1000 };

enum policy_finding_type {
	FINDING_ERROR,            /* a part of the policy does not work */
	FINDING_SECURITY_WARNING, /* it allows more than it should */
	FINDING_WARNING,          /* it may not do what was meant */
	FINDING_SUGGESTION,       /* it could be said better; access stays the same */
};
const char *policy_finding_type_name(enum policy_finding_type type); /* "SECURITY_WARNING" */

struct policy_finding {
	enum policy_finding_type type;
	const char *code;
	struct str text;       /* a sentence or two */
	struct str path;       /* "Statement[0].Action[1]"; empty: the document */
	uint32_t begin, end;   /* bytes of what it is about */
	uint32_t line, column; /* of `begin`, from 1 */
};
struct policy_findings {
	const struct policy_finding *v; /* in order of their places */
	size_t n;
	bool cut; /* there were more than POLICY_FINDINGS_MAX */
};

/* Never fails: what cannot be read is a finding. The document must outlive the findings. */
void policy_check(struct arena *mem, struct str document, enum policy_kind kind, struct policy_findings *out);

/* The kind a document seems to be: by its principals, its resources and its actions. */
enum policy_kind policy_kind_guess(struct arena *mem, struct str document);

#endif

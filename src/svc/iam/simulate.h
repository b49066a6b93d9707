/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A simulation from inside: what its three files share.
 *
 *     simulate.c          the operations: what is simulated, for whom; pages
 *     simulate_context.c  ContextEntries as the context of a decision; which keys are missing
 *     simulate_decide.c   one action on its resources: policy_decide, and what to tell of it
 *
 * The decision is the one every request gets: the same evaluator over the same compiled
 * policies. A simulation only brings its own context, and listens to the steps.
 */
#ifndef SVC_IAM_SIMULATE_H
#define SVC_IAM_SIMULATE_H

#include "svc/iam/source.h"

struct iam_sim_key { /* one of ContextEntries; sorted by lower */
	struct str lower;
	const struct str *values;
	size_t n;
	bool list;
};

struct iam_sim {
	struct policy_principal who;
	struct str owner; /* of resources whose ARN does not say it; empty: the principal's account */
	struct iam_sources identity;
	struct policy_set set; /* the policies of `identity` */
	struct iam_source boundary, resource;
	enum policy_mode trust; /* POLICY_ASSUME: `resource` is a role's trust policy */
	struct str_list actions, arns;
	bool all_resources; /* "*": no resource was named */

	struct iam_sim_key *keys;
	size_t n_keys;
	struct policy_context cx;
	struct str_list missing;

	size_t listed; /* statements told of so far, on this page */
};

/* Check the entries and make sim->cx. InvalidInput. sim must not move afterwards. */
struct status iam_sim_context(struct req *rq, struct iam_sim *sim, struct iam_context_entry_list entries);
/* Fill sim->missing: keys the policies ask for that the context does not have. */
void iam_sim_missing(struct req *rq, struct iam_sim *sim);

/* One action on all resources. No status: nothing can fail here. */
void iam_sim_decide(struct req *rq, struct iam_sim *sim, struct str action, struct iam_evaluation_result *out);

/* The names of context keys, each once whatever its case, in the order in which the policies name them. */
struct iam_key_names {
	struct str *v;
	size_t n, cap;
	size_t *slots; /* 1 + index into v, by hash; 0: free */
	size_t n_slots;
};
void iam_key_names_add(struct req *rq, struct iam_key_names *names, const struct policy *p);

#endif

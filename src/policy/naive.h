/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A second evaluator, for tests only: slow, simple, and written from AWS's documentation
 * without a look at the first. It works on plain C tables instead of documents; the test
 * prints those tables as JSON for the real one.
 */
#ifndef POLICY_NAIVE_H
#define POLICY_NAIVE_H

#include "policy/policy.h"

enum { N_LIST = 4, N_STATEMENTS = 4, N_POLICIES = 3, N_KEYS = 12 };

struct n_cond {
	const char *op, *key, *values[N_LIST];
	int n;
};
struct n_stmt {
	bool deny, not_principal, not_action, not_resource;
	const char *principals[N_LIST]; /* "*", "AWS:...", "Service:..." ; none: no Principal element */
	const char *actions[N_LIST], *resources[N_LIST];
	struct n_cond conds[N_LIST];
	int principal_n, action_n, resource_n, cond_n;
};
struct n_policy {
	bool v2012;
	struct n_stmt stmts[N_STATEMENTS];
	int n;
};
struct n_set {
	struct n_policy all[N_POLICIES];
	int n;
};
struct n_key {
	const char *name, *values[N_LIST];
	int n;
	bool multi;
};
struct n_request {
	enum policy_principal_kind kind;
	const char *account, *arn, *issuer, *id, *service;
	const char *action, *resource, *resource_account;
	enum policy_mode mode;
	struct n_key keys[N_KEYS];
	int key_n;
	struct n_set identity, session, scp, rcp;
	struct n_policy boundary, resource_policy, endpoint;
	bool has_boundary, has_resource_policy, has_endpoint, granted;
};
struct n_answer {
	enum policy_verdict verdict;
	enum policy_kind by; /* of denials */
};
struct n_answer naive_decide(const struct n_request *rq);

#endif

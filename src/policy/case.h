/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Policies under test: a JSON file of cases, each giving principal, action, resource, context and
 * policies of every kind, and the decision that is expected. docs/policy-testing.md describes the
 * form. An unknown member is an error that says where it stands: a misspelt expectation that is
 * ignored would be a test that cannot fail.
 *
 * Reading files is the caller's business, so that this stays without I/O.
 */
#ifndef POLICY_CASE_H
#define POLICY_CASE_H

#include "policy/explain.h"

struct policy_case_error {
	struct str file; /* where `line` and `column` are */
	uint32_t line, column;
	struct str why; /* starts lower case, no full stop */
};

/* A policy that takes part, and what it stands in. */
struct policy_case_source {
	const struct policy *policy;
	struct str name, text; /* the file and its whole text; the policy's document begins at byte `base` */
	size_t base;
	enum policy_kind kind;
	struct policy_case_source *next;
};

struct policy_case_list {
	struct str *v;
	size_t n;
};

struct policy_case {
	struct str name;
	uint32_t line;
	struct policy_case_list actions, resources; /* each action on each resource is expected to be decided so */
	struct policy_principal who;
	struct policy_request rq; /* all but action and resource */
	struct policy_context cx;

	bool allow, implicit_deny, explicit_deny; /* the verdicts that are as expected */
	enum policy_kind by;                      /* POLICY_NONE: any */
	struct str sid, message;                  /* p == NULL: any */
};

struct policy_cases {
	struct arena *mem;
	struct policy_case_source *sources;
	struct policy_case *v; /* what it points to must not move: v is never copied */
	size_t n;
	/* Gives the text of a file that a case names, in the arena; E_NOT_FOUND, E_IO, ... */
	struct status (*load)(void *arg, struct arena *mem, struct str path, struct str *text);
	void *arg;
};

/* Fills cs->v; mem, load and arg are the caller's to set. E_INVALID; then *err says why. */
struct status policy_cases_read(struct policy_cases *cs, struct str file, struct str text,
				struct policy_case_error *err);
void policy_cases_free(struct policy_cases *cs); /* lets go of the policies; also after a failure */

/* One question of the case, ready for policy_decide. */
struct policy_request policy_case_ask(const struct policy_case *c, struct str action, struct str resource);

/* For policy_explain: names of the policies of these cases. */
struct policy_names policy_cases_names(struct policy_cases *cs);

/* Building a case without a file: what `holdfast explain` does with its options. */
void policy_case_init(struct policy_cases *cs, struct policy_case *c, size_t context_max);
struct status policy_case_principal(struct policy_cases *cs, struct policy_case *c, struct str arn); /* E_INVALID */
/* Compile and add; a boundary, trust, resource or endpoint policy replaces the one before. */
struct status policy_case_add(struct policy_cases *cs, struct policy_case *c, enum policy_kind kind, struct str name,
			      struct str text, struct policy_case_error *err);

#endif

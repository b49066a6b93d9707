/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The permissions policies of a user, group or role, each with where it comes from; and
 * policies that somebody hands in to be tried out.
 *
 * A decision needs only the compiled policies, and has them ready (principal.h). Here they
 * are gathered for those who ask which policy says something: the simulators, and the
 * reports on who may use what.
 */
#ifndef SVC_IAM_SOURCE_H
#define SVC_IAM_SOURCE_H

#include "svc/iam/iam.h"

struct iam_source {
	const struct policy *policy; /* alive until the request ends */
	struct str id;               /* what the simulators call it */
	struct str name;             /* its own name; p == NULL: handed in */
	struct str arn;              /* managed policies; p == NULL: inline or handed in */
	enum iam_kind owner_kind;    /* inline policies: whose it is */
	struct str owner;
	const struct iam_statement *statements; /* simulate_decide.c's: as they are told of; NULL: not asked for yet */
};
struct iam_sources {
	struct iam_source *v;
	size_t n, cap;
};

/* Whose policies are asked for. */
struct iam_subject {
	enum iam_kind kind;
	struct iam_entity_row row;
	struct str arn;
	struct iam_sources policies; /* a user's groups' ones included */
	struct iam_source boundary;  /* policy == NULL: none */
};

/*
 * The user, group or role of an ARN of the request's account, with its policies. The name alone decides, whatever the
 * path. InvalidInput, NoSuchEntity; E_CORRUPT when a stored policy does not compile.
 */
struct status iam_subject_get(struct req *rq, struct str arn, struct iam_subject *out);
/* "user" and "ann" of arn:aws:iam::111122223333:user/team/ann. E_INVALID: it names nothing of that sort. */
struct status iam_subject_name(struct str arn, enum iam_kind *kind, struct str *account, struct str *name);

/* Compile what was handed in; it is let go of when the request ends. E_INVALID; *err (NULL allowed) says why. */
struct status iam_source_given(struct req *rq, struct str document, enum policy_kind kind, const struct policy **out,
			       struct policy_error *err);
/* InvalidInput names the document by its place in the list. `list` is the member's name. */
struct status iam_sources_given(struct req *rq, const char *list, struct str_list documents, enum policy_kind kind,
				struct iam_sources *to);
/* Does it allow any action of the service ("s3"), whatever denies, resources and conditions say? */
bool iam_policy_grants(const struct policy *p, struct str service);
bool iam_policy_grants_action(const struct policy *p, struct str action); /* the same of one action: "s3:GetObject" */
enum iam_policy_owner_entity_type iam_owner_type(enum iam_kind kind);
/* For explanations (api/caller.h): find and policy_name of the identity provider. */
struct status iam_described(struct req *rq, struct str arn, struct caller *who);
struct status iam_policy_described(struct req *rq, const struct caller *who, const struct policy *p, struct str *name);
struct iam_source *iam_sources_add(struct req *rq, struct iam_sources *to);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Assuming a role on an identity provider's word: what OpenID Connect and SAML have in
 * common once the word is known to be the provider's.
 *
 *     token, assertion ── believed ──▶ sts_federated ── trust policy of the role ──▶ session
 *
 * The caller has no credentials and no policies; whether he may is said by the role's trust
 * policy alone.
 */
#ifndef SVC_STS_FEDERATED_H
#define SVC_STS_FEDERATED_H

#include "svc/sts/credentials.h"
#include "svc/sts/trust.h"

/* A condition key with several values. */
struct sts_claim_list {
	const char *key;
	struct str_list values;
};

struct sts_federated {
	const char *action; /* "sts:AssumeRoleWithSAML" */
	struct sts_wanted want;
	struct str session_name;
	struct str_map claims; /* keys of one value: they count now and for the session */
	const struct sts_claim_list *lists;
	size_t n_lists;
	struct str_map tags;
	struct str_list transitive;
	struct str source_identity;
};

/* The role, if it is there. ValidationError: not the ARN of a role. From here on the call is in its account's trail. */
struct status sts_federated_role(struct req *rq, struct str role_arn, struct sts_federated *f);
/* Session tags and source identity, which a provider may write as it likes: InvalidIdentityToken. */
struct status sts_federated_check(struct req *rq, const struct sts_federated *f);
/* rq->caller is who the provider says. AccessDenied unless the trust policy allows all that is wanted. */
struct status sts_federated_authorize(struct req *rq, struct authz *az, const struct sts_federated *f);

struct sts_federated_wish {
	struct str policy;
	struct sts_policy_descriptor_type_list policy_arns;
	int64_t seconds;
};
/* What all such operations answer. */
struct sts_federated_answer {
	const struct sts_credentials *credentials;
	const struct sts_assumed_role_user *user;
	struct opt_int packed_percent;
	struct str source_identity; /* p == NULL: none */
};
struct status sts_federated_session(struct req *rq, const struct sts_federated *f,
				    const struct sts_federated_wish *wish, struct sts_federated_answer *out);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an assertion's attributes mean to AWS ("Configure SAML assertions for the
 * authentication response"): the roles, the session, its tags, and condition keys.
 */
#ifndef SVC_STS_SAML_ATTRIBUTES_H
#define SVC_STS_SAML_ATTRIBUTES_H

#include "svc/sts/federated.h"
#include "wire/saml.h"

struct saml_attributes {
	struct str_list roles; /* each a role's and a provider's ARN, in any order, with a comma between */
	struct str session_name;
	struct str source_identity;
	struct str_map tags;
	struct str_list transitive;
	struct str_map keys; /* "saml:mail", ... of one value */
	const struct sts_claim_list *lists;
	size_t n_lists;
};

/* InvalidIdentityToken: what counts stands there twice, or is not plain text. */
struct status saml_attributes_read(struct req *rq, const struct saml_assertion *a, struct saml_attributes *out);
/* Does the assertion give its subject that role by that provider? */
bool saml_gives_role(const struct saml_attributes *a, struct str role_arn, struct str provider_arn);

#endif

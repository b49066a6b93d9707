/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Identity providers as IAM's own files see them: who else may say who somebody is.
 *
 *     arn:aws:iam::111122223333:oidc-provider/idp.example.com/path
 *     arn:aws:iam::111122223333:saml-provider/Name
 *
 * A provider's name is the last part of its ARN: an issuer's URL without "https://", which
 * is compared byte by byte as tokens spell it, or the name a SAML provider was given.
 */
#ifndef SVC_IAM_PROVIDER_H
#define SVC_IAM_PROVIDER_H

#include "svc/iam/iam.h"

enum {
	IAM_CLIENT_IDS_MAX = 100,
	IAM_THUMBPRINTS_MAX = 5,
};

enum iam_provider { IAM_OIDC = 'o', IAM_SAML = 'f' };

struct str iam_provider_key(struct arena *mem, enum iam_provider kind, struct str name);
struct str iam_provider_arn(struct arena *mem, struct str partition, struct str account, enum iam_provider kind,
			    struct str name);
/* The name in an ARN of that kind and of this account; InvalidInput when it is nothing of the kind. */
struct status iam_provider_name(struct req *rq, enum iam_provider kind, struct str arn, struct str *name);
/* Its row, whatever is wrong with the ARN; E_NOT_FOUND. */
struct status iam_provider_row(struct req *rq, struct txn *t, enum iam_provider kind, struct str arn,
			       const struct shape *shape, void *row);
/* The names of all, in order. */
struct status iam_provider_names(struct req *rq, struct txn *t, enum iam_provider kind, struct str_list *out);

/* For the identity provider (api/caller.h). */
struct status iam_identity_oidc(struct req *rq, struct str account, struct str url, struct identity_oidc *out);
struct status iam_identity_saml(struct req *rq, struct str account, struct str name, struct identity_saml *out);

/* NoSuchEntity when there is none of that ARN. */
struct status iam_oidc_get(struct req *rq, struct txn *t, struct str arn, struct iam_oidc_row *out);

#endif

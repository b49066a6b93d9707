/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who is asking: the principal a request was authenticated as, and what its policies are.
 *
 * A caller is made by authenticate.c (or by serve.c for one service asking another, or by
 * svc/sts for who comes with an identity provider's token). Afterwards nothing is added to
 * it but the MFA code that comes along with the request. Its strings live as long as the
 * request.
 */
#ifndef API_CALLER_H
#define API_CALLER_H

#include "policy/policy.h"
#include "wire/shape.h"

struct req;

enum caller_kind {
	CALLER_ANONYMOUS, /* no signature */
	CALLER_ROOT,
	CALLER_USER,
	CALLER_ROLE,      /* an assumed-role session */
	CALLER_FEDERATED, /* GetFederationToken */
	CALLER_SERVICE,   /* a service of ours acting for itself */
	/* Known by an identity provider's word alone, for as long as it takes to assume a role. svc/sts makes them. */
	CALLER_WEB_IDENTITY,
	CALLER_SAML,
};

/* What an access key proves, before policies are looked up. */
struct caller {
	enum caller_kind kind;
	struct str account;      /* 12 digits; "anonymous" for nobody */
	struct str arn;          /* aws:PrincipalArn's form for sessions is role_arn; this is the session's ARN */
	struct str principal_id; /* AIDA..., AROA...:session, the account for root */
	struct str name;         /* user name, role session name, service principal ("s3.amazonaws.com") */
	struct str access_key_id;

	/* Sessions. */
	struct str role_arn, role_id, role_name, role_path; /* the role; of a federated user: the user who lends */
	int64_t issued_ms, expires_ms;                      /* 0: not a temporary credential */
	struct str source_identity;
	bool mfa;       /* aws:MultiFactorAuthPresent: of the session, or given along with this request (AssumeRole) */
	int64_t mfa_ms; /* when it was shown */
	struct str session_policy; /* document, or p == NULL */
	struct str_list session_policy_arns;
	struct str_map session_tags; /* of this session, inherited transitive ones included */
	struct str_list transitive;  /* their keys */
	unsigned chained;            /* how many roles stand before this one */
	struct str provider;         /* ARN of the identity provider whose word this rests on; aws:FederatedProvider */
	struct str_map claims;       /* condition keys the provider's token gave, for the session's life: "idp/x:sub" */

	struct str user_path;
	struct str_map tags;   /* aws:PrincipalTag: the user's or role's own, overlaid by session tags */
	struct str invoked_by; /* "s3.amazonaws.com" when a service asks on somebody's behalf */
	struct str source_arn; /* of a service acting for itself: the resource for which it does (aws:SourceArn) */
};

/* The policies that bear on a caller, besides those of the resource. All are alive until the request ends. */
struct caller_policies {
	struct policy_set identity;
	const struct policy *boundary; /* NULL: none */
	struct policy_set session;     /* n == 0: none were passed */
};

/* A role as the service that hands out its sessions must know it. Alive until the request ends. */
struct identity_role {
	struct str arn, id, name, path;
	int64_t max_session_s;
	const struct policy *trust; /* who may assume it */
	struct str_map tags;
};

/* Who else may say who somebody is: an account's OpenID Connect and SAML providers. In the request's memory. */
struct identity_oidc {
	struct str arn;
	struct str url; /* without https:// */
	struct str_list client_ids, thumbprints;
};
struct identity_saml {
	struct str arn, name;
	struct str issuer;            /* its entity id */
	struct str_list certificates; /* DER */
	int64_t valid_until_ms;
};

/* What the pipeline must know of identities; svc/iam is the one that knows. */
struct identity_provider {
	/*
	 * The active long-term key of that id in `account`: fills `who` and the secret (locked for the request's
	 * life). E_NOT_FOUND when there is none or it is inactive.
	 */
	struct status (*access_key)(struct req *rq, struct str account, struct str id, struct caller *who,
				    struct str *secret);
	/*
	 * The policies in force for `who` at this moment, its tags, path and name filled in. E_NOT_FOUND when the user
	 * or role behind it is gone.
	 */
	struct status (*policies)(struct req *rq, struct caller *who, struct caller_policies *out);
	/* A policy document by ARN (managed policies named by a session). E_NOT_FOUND. */
	struct status (*managed_policy)(struct req *rq, struct str arn, const struct policy **out);
	/* The role of that name in `account`. E_NOT_FOUND: no such account or role. */
	struct status (*role)(struct req *rq, struct str account, struct str name, struct identity_role *out);
	/* The unique id of the user or role of that ARN resource ("user/team/ann", path and all) in `account`; empty
	 * for "root". E_NOT_FOUND: there is none. */
	struct status (*principal)(struct req *rq, struct str account, struct str resource, struct str *id);
	/* A successful authentication with a long-term key, for GetAccessKeyLastUsed. Never waits. */
	void (*key_used)(struct req *rq, const struct caller *who);
	/*
	 * Is `serial` a device that is enabled for the user (or root) `who`, and `code` right now and never used
	 * before? May wait; ends the request's snapshots; not after req_write. E_NOT_FOUND: not a device of his (a
	 * session has none). E_INVALID: the code is wrong, used, or not looked at for there were too many wrong ones.
	 * Both are for the caller to word. OK means: used up, also after a restart.
	 */
	struct status (*mfa)(struct req *rq, const struct caller *who, struct str serial, struct str code);
	/* The provider of that URL (without https://), or of that name, in `account`. E_NOT_FOUND. */
	struct status (*oidc)(struct req *rq, struct str account, struct str url, struct identity_oidc *out);
	struct status (*saml)(struct req *rq, struct str account, struct str name, struct identity_saml *out);
	/*
	 * For explanations. The user or role ("arn:aws:iam::...:role/app") as a caller, a role with a session of its
	 * own; and what one of its policies is called. E_NOT_FOUND.
	 */
	struct status (*find)(struct req *rq, struct str arn, struct caller *who);
	struct status (*policy_name)(struct req *rq, const struct caller *who, const struct policy *p,
				     struct str *name);
};

#endif

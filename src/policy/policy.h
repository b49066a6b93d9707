/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Policy documents: compile them when they change, decide with them on every request.
 *
 *     text ── policy_compile ──▶ struct policy (immutable, counted) ─┐
 *     request: principal, action, resource, context ────────────────┼─▶ policy_decide ─▶ decision + reason
 *                                                                    ┘
 * The rules this library keeps:
 * - No I/O, no globals, no clock. What a decision depends on stands in the request.
 * - policy_decide does not allocate, takes no lock and may run on any number of threads.
 * - Closed by omission: what does not parse is refused when it is stored; a statement whose
 *   variables cannot be resolved does not match; what nothing allows is denied.
 * - Every decision names its reason: a statement (policy, index, byte range), or the
 *   policy type whose allow is missing.
 * README.md beside this file shows how the policy types are combined.
 */
#ifndef POLICY_POLICY_H
#define POLICY_POLICY_H

#include "base/base.h"

/* ---- Documents ------------------------------------------------------------------ */

enum {
	POLICY_TEXT_MAX = 128 * 1024, /* bytes of a document; services have their own, smaller quotas */
	POLICY_STATEMENTS_MAX = 4096,
	POLICY_VARIABLES_MAX = 16, /* in one resource or condition value */
};

/* What a document is attached to. It decides which elements are allowed and how denials are worded. */
enum policy_kind {
	POLICY_NONE = 0,
	POLICY_IDENTITY, /* of a user, group or role; no Principal */
	POLICY_BOUNDARY, /* permissions boundary; no Principal */
	POLICY_SESSION,  /* passed to AssumeRole and its kin; no Principal */
	POLICY_RESOURCE, /* bucket policy, key policy, ...; Principal, or NotPrincipal with Deny, is required */
	POLICY_TRUST,    /* a role's AssumeRolePolicyDocument; Principal is required, Resource is refused */
	POLICY_ENDPOINT, /* of a VPC endpoint; Principal is required */
	POLICY_SCP,      /* service control policy; no Principal */
	POLICY_RCP,      /* resource control policy; "Principal": "*" is required */
	POLICY_KIND_COUNT,
};
const char *policy_kind_name(enum policy_kind kind); /* "identity-based policy", as in AWS's denials; with no article */

/* A document, parsed, checked and indexed, with a copy of its text. Never changes; shared by counting. */
struct policy;

/* Why a document was refused, coarsely: for services with a wording of their own. */
enum policy_fault {
	POLICY_FAULT_NONE = 0,
	POLICY_FAULT_SIZE,   /* over POLICY_TEXT_MAX or another bound of this library */
	POLICY_FAULT_JSON,   /* not JSON, not UTF-8, too deep */
	POLICY_FAULT_SYNTAX, /* JSON, but not of a policy's shape: unknown or repeated element, wrong type */
	POLICY_FAULT_VERSION,
	POLICY_FAULT_SID,
	POLICY_FAULT_EFFECT,
	POLICY_FAULT_NO_PRINCIPAL,
	POLICY_FAULT_PRINCIPAL, /* malformed, or present where the kind forbids it */
	POLICY_FAULT_NO_ACTION,
	POLICY_FAULT_ACTION,
	POLICY_FAULT_NO_RESOURCE,
	POLICY_FAULT_RESOURCE,
	POLICY_FAULT_CONDITION,
};

struct policy_error {
	enum policy_fault fault;
	size_t offset;         /* byte in the document */
	uint32_t line, column; /* from 1; the column counts bytes */
	char aws[320];         /* IAM's sentence for the client ("Syntax errors in policy."); NUL-terminated */
	char why[320];         /* what is wrong here, precisely; NUL-terminated, starts lower case, no full stop */
};
/* S3's sentence for PutBucketPolicy's MalformedPolicy. KMS's MalformedPolicyDocumentException carries `aws`. */
const char *policy_error_s3(const struct policy_error *err);

/*
 * The document must be one strict JSON object. On success *out holds one reference, for policy_unref.
 * E_INVALID, or E_TOO_BIG; then *err (NULL allowed) says where and why.
 */
struct status policy_compile(struct str document, enum policy_kind kind, struct policy **out, struct policy_error *err);
struct policy *policy_ref(const struct policy *p); /* NULL allowed; returns p; any thread */
void policy_unref(const struct policy *p);         /* NULL allowed; any thread */

/* The document's characters without white space: what IAM's size quotas count ("IAM and AWS STS quotas"). */
size_t policy_quota_size(struct str document);
size_t policy_bytes(const struct policy *p);    /* all memory it holds, text included */
struct str policy_text(const struct policy *p); /* the document as it was given; lives as long as p */
enum policy_kind policy_kind_of(const struct policy *p);
struct str policy_id(const struct policy *p); /* the Id element; p == NULL when absent */
/* Is its Version 2012-10-17? Older ones are accepted everywhere here; managed policies must be 2012-10-17, and are
 * else refused with POLICY_OLD_VERSION. */
bool policy_is_2012(const struct policy *p);
#define POLICY_OLD_VERSION "Policy document must be version 2012-10-17 or greater."

/* ---- Walking a compiled document: for checks of services and for tools ---------- */

enum policy_element {
	POLICY_E_NONE = 0,
	POLICY_E_PRINCIPAL,
	POLICY_E_ACTION,
	POLICY_E_RESOURCE,
	POLICY_E_CONDITION,
};

struct policy_statement {
	uint32_t index;
	uint32_t begin, end; /* byte range in policy_text: from '{' to just after '}' */
	struct str sid;      /* p == NULL when absent */
	bool deny;
	bool not_principal, not_action, not_resource;        /* the Not... form is used */
	uint32_t principals, actions, resources, conditions; /* how many there are */
};
size_t policy_statement_count(const struct policy *p);
struct policy_statement policy_statement_at(const struct policy *p, size_t i); /* i < count */

enum policy_principal_type {
	POLICY_P_EVERYONE = 1, /* "*", { "AWS": "*" } */
	POLICY_P_ACCOUNT,      /* value is the 12 digits, whichever form the document uses */
	POLICY_P_ARN,          /* of a user, role, session; value is the ARN */
	POLICY_P_UNIQUE_ID,    /* AIDA..., AROA... */
	POLICY_P_SERVICE,
	POLICY_P_FEDERATED,
	POLICY_P_CANONICAL,
};
struct policy_principal_view {
	enum policy_principal_type type;
	struct str value;
};
struct policy_condition_view {
	struct str op;   /* as written: "ForAnyValue:StringLikeIfExists" */
	struct str key;  /* as written */
	uint32_t values; /* how many; policy_condition_value gives each */
};
struct policy_principal_view policy_principal_at(const struct policy *p, size_t statement, size_t i);
struct str policy_action_at(const struct policy *p, size_t statement, size_t i);   /* as written: "s3:Get*" */
struct str policy_resource_at(const struct policy *p, size_t statement, size_t i); /* as written, escapes decoded */
struct policy_condition_view policy_condition_at(const struct policy *p, size_t statement, size_t i);
struct str policy_condition_value(const struct policy *p, size_t statement, size_t condition, size_t i);
/* Every context key the document asks for, in conditions and variables, repeats included. Start with *it = 0; false
 * at the end. */
bool policy_context_key_next(const struct policy *p, size_t *it, struct str *name);

/*
 * Does this resource policy grant to the public, as S3 Block Public Access and GetBucketPolicyStatus mean it: an
 * allow for everyone (or a principal that is not fixed) that no condition of the documented list pins to fixed
 * values. *statement (NULL allowed) becomes the first such statement.
 */
bool policy_is_public(const struct policy *p, size_t *statement);

/* ---- The context of a request --------------------------------------------------- */

/*
 * Known keys have small numbers, so that a lookup is an array access. The table: constant, name, multivalued.
 * Keys with a free tail (aws:PrincipalTag/x, s3:ExistingObjectTag/x, kms:EncryptionContext:x) go by name.
 */
#define POLICY_KEYS(X)                                                         \
	X(AWS_ASSUMED_ROOT, "aws:AssumedRoot", 0)                              \
	X(AWS_CALLED_VIA, "aws:CalledVia", 1)                                  \
	X(AWS_CALLED_VIA_FIRST, "aws:CalledViaFirst", 0)                       \
	X(AWS_CALLED_VIA_LAST, "aws:CalledViaLast", 0)                         \
	X(AWS_CURRENT_TIME, "aws:CurrentTime", 0)                              \
	X(AWS_EC2_SOURCE_VPC, "aws:Ec2InstanceSourceVpc", 0)                   \
	X(AWS_EC2_SOURCE_IPV4, "aws:Ec2InstanceSourcePrivateIPv4", 0)          \
	X(AWS_EPOCH_TIME, "aws:EpochTime", 0)                                  \
	X(AWS_FEDERATED_PROVIDER, "aws:FederatedProvider", 0)                  \
	X(AWS_MFA_AGE, "aws:MultiFactorAuthAge", 0)                            \
	X(AWS_MFA_PRESENT, "aws:MultiFactorAuthPresent", 0)                    \
	X(AWS_PRINCIPAL_ACCOUNT, "aws:PrincipalAccount", 0)                    \
	X(AWS_PRINCIPAL_ARN, "aws:PrincipalArn", 0)                            \
	X(AWS_PRINCIPAL_IS_SERVICE, "aws:PrincipalIsAWSService", 0)            \
	X(AWS_PRINCIPAL_ORG_ID, "aws:PrincipalOrgID", 0)                       \
	X(AWS_PRINCIPAL_ORG_PATHS, "aws:PrincipalOrgPaths", 1)                 \
	X(AWS_PRINCIPAL_SERVICE_NAME, "aws:PrincipalServiceName", 0)           \
	X(AWS_PRINCIPAL_SERVICE_NAMES, "aws:PrincipalServiceNamesList", 1)     \
	X(AWS_PRINCIPAL_TYPE, "aws:PrincipalType", 0)                          \
	X(AWS_REFERER, "aws:Referer", 0)                                       \
	X(AWS_REQUESTED_REGION, "aws:RequestedRegion", 0)                      \
	X(AWS_RESOURCE_ACCOUNT, "aws:ResourceAccount", 0)                      \
	X(AWS_RESOURCE_ORG_ID, "aws:ResourceOrgID", 0)                         \
	X(AWS_RESOURCE_ORG_PATHS, "aws:ResourceOrgPaths", 1)                   \
	X(AWS_SECURE_TRANSPORT, "aws:SecureTransport", 0)                      \
	X(AWS_SOURCE_ACCOUNT, "aws:SourceAccount", 0)                          \
	X(AWS_SOURCE_ARN, "aws:SourceArn", 0)                                  \
	X(AWS_SOURCE_IDENTITY, "aws:SourceIdentity", 0)                        \
	X(AWS_SOURCE_IP, "aws:SourceIp", 0)                                    \
	X(AWS_SOURCE_ORG_ID, "aws:SourceOrgID", 0)                             \
	X(AWS_SOURCE_ORG_PATHS, "aws:SourceOrgPaths", 1)                       \
	X(AWS_SOURCE_VPC, "aws:SourceVpc", 0)                                  \
	X(AWS_SOURCE_VPC_ARN, "aws:SourceVpcArn", 0)                           \
	X(AWS_SOURCE_VPCE, "aws:SourceVpce", 0)                                \
	X(AWS_TAG_KEYS, "aws:TagKeys", 1)                                      \
	X(AWS_TOKEN_ISSUE_TIME, "aws:TokenIssueTime", 0)                       \
	X(AWS_USER_AGENT, "aws:UserAgent", 0)                                  \
	X(AWS_USERID, "aws:userid", 0)                                         \
	X(AWS_USERNAME, "aws:username", 0)                                     \
	X(AWS_VIA_AWS_SERVICE, "aws:ViaAWSService", 0)                         \
	X(AWS_VPC_SOURCE_IP, "aws:VpcSourceIp", 0)                             \
	X(AWS_VPCE_ACCOUNT, "aws:VpceAccount", 0)                              \
	X(AWS_VPCE_ORG_ID, "aws:VpceOrgID", 0)                                 \
	X(AWS_VPCE_ORG_PATHS, "aws:VpceOrgPaths", 1)                           \
	X(EC2_ROLE_DELIVERY, "ec2:RoleDelivery", 0)                            \
	X(EC2_SOURCE_INSTANCE_ARN, "ec2:SourceInstanceARN", 0)                 \
	X(IAM_ASSOCIATED_RESOURCE_ARN, "iam:AssociatedResourceArn", 0)         \
	X(IAM_AWS_SERVICE_NAME, "iam:AWSServiceName", 0)                       \
	X(IAM_PASSED_TO_SERVICE, "iam:PassedToService", 0)                     \
	X(IAM_PERMISSIONS_BOUNDARY, "iam:PermissionsBoundary", 0)              \
	X(IAM_POLICY_ARN, "iam:PolicyARN", 0)                                  \
	X(STS_EXTERNAL_ID, "sts:ExternalId", 0)                                \
	X(STS_ROLE_SESSION_NAME, "sts:RoleSessionName", 0)                     \
	X(STS_SOURCE_IDENTITY, "sts:SourceIdentity", 0)                        \
	X(STS_TRANSITIVE_TAG_KEYS, "sts:TransitiveTagKeys", 1)                 \
	X(KMS_BYPASS_LOCKOUT, "kms:BypassPolicyLockoutSafetyCheck", 0)         \
	X(KMS_CALLER_ACCOUNT, "kms:CallerAccount", 0)                          \
	X(KMS_ENCRYPTION_ALGORITHM, "kms:EncryptionAlgorithm", 0)              \
	X(KMS_ENCRYPTION_CONTEXT_KEYS, "kms:EncryptionContextKeys", 1)         \
	X(KMS_GRANT_IS_FOR_AWS, "kms:GrantIsForAWSResource", 0)                \
	X(KMS_GRANT_OPERATIONS, "kms:GrantOperations", 1)                      \
	X(KMS_KEY_ORIGIN, "kms:KeyOrigin", 0)                                  \
	X(KMS_KEY_SPEC, "kms:KeySpec", 0)                                      \
	X(KMS_KEY_USAGE, "kms:KeyUsage", 0)                                    \
	X(KMS_MULTI_REGION, "kms:MultiRegion", 0)                              \
	X(KMS_REQUEST_ALIAS, "kms:RequestAlias", 0)                            \
	X(KMS_RESOURCE_ALIASES, "kms:ResourceAliases", 1)                      \
	X(KMS_VIA_SERVICE, "kms:ViaService", 0)                                \
	X(S3_AUTH_TYPE, "s3:authType", 0)                                      \
	X(S3_DELIMITER, "s3:delimiter", 0)                                     \
	X(S3_LOCATION_CONSTRAINT, "s3:locationconstraint", 0)                  \
	X(S3_MAX_KEYS, "s3:max-keys", 0)                                       \
	X(S3_PREFIX, "s3:prefix", 0)                                           \
	X(S3_RESOURCE_ACCOUNT, "s3:ResourceAccount", 0)                        \
	X(S3_SIGNATURE_AGE, "s3:signatureAge", 0)                              \
	X(S3_SIGNATURE_VERSION, "s3:signatureversion", 0)                      \
	X(S3_TLS_VERSION, "s3:TlsVersion", 0)                                  \
	X(S3_VERSION_ID, "s3:VersionId", 0)                                    \
	X(S3_ACL, "s3:x-amz-acl", 0)                                           \
	X(S3_CONTENT_SHA256, "s3:x-amz-content-sha256", 0)                     \
	X(S3_COPY_SOURCE, "s3:x-amz-copy-source", 0)                           \
	X(S3_METADATA_DIRECTIVE, "s3:x-amz-metadata-directive", 0)             \
	X(S3_SSE, "s3:x-amz-server-side-encryption", 0)                        \
	X(S3_SSE_KMS_KEY, "s3:x-amz-server-side-encryption-aws-kms-key-id", 0) \
	X(S3_SSE_C, "s3:x-amz-server-side-encryption-customer-algorithm", 0)   \
	X(S3_STORAGE_CLASS, "s3:x-amz-storage-class", 0)

enum policy_key {
	POLICY_KEY_NONE = 0, /* not in the table: goes by name */
#define POLICY_KEY_ENUM(id, name, multi) POLICY_KEY_##id,
	POLICY_KEYS(POLICY_KEY_ENUM)
#undef POLICY_KEY_ENUM
	    POLICY_KEY_COUNT,
};
enum policy_key policy_key_find(struct str name); /* any case; POLICY_KEY_NONE when not in the table */
struct str policy_key_name(enum policy_key key);  /* AWS's own spelling */
bool policy_key_multi(enum policy_key key);

/* One key's values. Whoever makes it keeps the bytes alive while decisions use it. Filled by the functions below. */
struct policy_entry {
	struct str name;          /* empty for a known key */
	struct str one;           /* the value, when there is just one and `values` is NULL */
	const struct str *values; /* else n of them */
	uint32_t n;
	uint32_t hash; /* of the name in lower case */
	uint16_t key;  /* enum policy_key */
	bool multi;    /* multivalued by nature, whatever n is */
};

/*
 * Where a key is looked up that was not put: tags, encryption context, whatever is dear to compute. Gives true and
 * fills *out (one or values, n, multi) when the request has the key. The bytes must live until the decision is made;
 * it may be asked for the same key several times. `key` is POLICY_KEY_NONE for names outside the table.
 */
typedef bool policy_lookup(void *arg, enum policy_key key, struct str name, struct policy_entry *out);

/*
 * The keys of one request. Filling it allocates nothing: the caller gives the room for the entries.
 *     struct policy_entry room[48];
 *     struct policy_context cx;
 *     policy_context_init(&cx, room, COUNT(room));
 *     policy_context_principal(&cx, &principal);
 *     policy_context_put(&cx, POLICY_KEY_AWS_SOURCE_IP, ip);
 * A value with p == NULL is not put: an absent header is an absent key. Putting a key again replaces it. Putting
 * more than fits is a bug (assert): the number of entries is bounded by the caller. Many tags go through `lookup`.
 * Times are text in ISO 8601 or epoch seconds; numbers are decimal text; booleans "true"/"false"; binary is raw bytes.
 */
struct policy_context {
	struct policy_entry *entries;
	uint16_t n, cap;
	uint8_t slot[POLICY_KEY_COUNT]; /* 1 + index of a known key's entry; 0: not put */
	policy_lookup *lookup;          /* NULL allowed */
	void *lookup_arg;
};
void policy_context_init(struct policy_context *cx, struct policy_entry *room, size_t cap); /* cap <= 255 */
void policy_context_put(struct policy_context *cx, enum policy_key key, struct str value);
void policy_context_put_many(struct policy_context *cx, enum policy_key key, const struct str *values, size_t n);
/* By name, any case; a name from the table is put under its number. multi: the key is multivalued by nature. */
void policy_context_put_named(struct policy_context *cx, struct str name, const struct str *values, size_t n,
			      bool multi);
/* The value(s) of a key, as a decision would see them; false when the request does not have it. */
bool policy_context_get(const struct policy_context *cx, struct str name, struct policy_entry *out);
/* Is this text of a value what the operators of that family compare? Numeric, Date, IpAddress. */
bool policy_is_number(struct str value);
bool policy_is_date(struct str value);
bool policy_is_address(struct str value);

/* ---- Who asks, for what --------------------------------------------------------- */

enum policy_principal_kind {
	POLICY_ANONYMOUS = 0,
	POLICY_ROOT, /* the account's root user */
	POLICY_USER,
	POLICY_ROLE_SESSION,   /* AssumeRole and its kin */
	POLICY_FEDERATED_USER, /* GetFederationToken */
	POLICY_SERVICE,        /* an AWS service acting for itself */
	POLICY_WEB_IDENTITY,   /* whoever calls AssumeRoleWithWebIdentity or ...WithSAML: known only to a provider */
};

struct policy_principal {
	enum policy_principal_kind kind;
	struct str account; /* 12 digits; empty: anonymous, service, web identity */
	struct str arn;    /* root, user, assumed-role or federated-user ARN; empty: anonymous, service, web identity */
	struct str issuer; /* role session: the role's ARN with its path; federated user: the ARN of the IAM user */
	struct str id;     /* aws:userid: AIDA..., AROA...:session, 111122223333:name; root: the account */
	struct str name;   /* users: the friendly name */
	const struct str *services; /* service: its names ("cloudtrail.amazonaws.com"), the first being the main one */
	size_t services_n;
	struct str provider;  /* what "Federated" matches: a provider's ARN or name; empty when there is none */
	struct str canonical; /* canonical user id of its account; empty when there is none */
};
/* Put what follows from the principal: aws:PrincipalArn, ...Account, ...Type, ...IsAWSService, ...ServiceName(sList),
 * aws:userid, aws:username, by AWS's table of which principal has which (at most 8 entries). */
void policy_context_principal(struct policy_context *cx, const struct policy_principal *who);

/*
 * One index over several policies, for a set that is asked again and again (a principal's): a decision then looks once
 * instead of once in each policy. The policies must outlive it.
 */
struct policy_index;
const struct policy_index *policy_index_build(const struct policy *const *all, size_t n);
void policy_index_free(const struct policy_index *index); /* NULL allowed */
size_t policy_index_bytes(const struct policy_index *index);

struct policy_set {
	const struct policy *const *all;
	size_t n;
	const struct policy_index *index; /* over exactly these policies, in this order; NULL: none was built */
};

/* How the resource's own policy counts. */
enum policy_mode {
	POLICY_STANDARD = 0, /* same account: identity or resource policy allows; across accounts: both */
	POLICY_KEY,    /* KMS: the key policy must allow: the principal itself, or its account and then identity too */
	POLICY_ASSUME, /* a role's trust policy: the same rule as for keys, worded for roles */
};

/* A step of a decision, for `explain`: one statement of one policy. */
struct policy_step {
	enum policy_kind kind;
	size_t level, index; /* level: of SCPs and RCPs; index: of the policy in its set */
	const struct policy *policy;
	struct policy_statement statement;
	bool matched;
	enum policy_element failed; /* the first element that did not match; POLICY_E_NONE when matched */
	size_t condition;           /* POLICY_E_CONDITION: which */
};
struct policy_trace {
	void (*step)(void *arg, const struct policy_step *step);
	void *arg;
};

/*
 * What a KMS grant that covers the call names. As a Principal of the resource policy would, it decides what else must
 * allow; but a role or a caller needs no identity policy of his own, across accounts either.
 */
enum policy_granted {
	POLICY_GRANTED_NOBODY = 0,
	POLICY_GRANTED_ACCOUNT, /* the caller's account: his identity policies must allow as well */
	POLICY_GRANTED_ROLE,    /* his role, or the user behind a federated session: boundary and session still limit */
	POLICY_GRANTED_SELF,    /* himself: nothing but an explicit deny and the organization's ceilings limit */
};

struct policy_request {
	const struct policy_principal *principal;
	struct str action;           /* "s3:GetObject" */
	struct str resource;         /* its ARN, or "*" where the action has none */
	struct str resource_account; /* its owner; empty: the principal's account */
	const struct policy_context *context;
	enum policy_mode mode;

	struct policy_set identity;    /* user: own and its groups'; role session: the role's; federated: the user's */
	const struct policy *boundary; /* NULL: none */
	struct policy_set session;     /* inline and managed session policies together; n == 0: none were passed */
	const struct policy *resource_policy; /* bucket, key or trust policy; NULL: none */
	const struct policy *endpoint;        /* NULL: the request did not come through an endpoint with a policy */
	const struct policy_set *scps;        /* one set per level of the principal's organization, root first */
	size_t scps_n;
	const struct policy_set *rcps; /* one set per level of the resource's organization */
	size_t rcps_n;
	enum policy_granted granted; /* a KMS grant covers the call */

	const struct policy_trace *trace; /* NULL: none, at no cost */
};

enum policy_verdict { POLICY_IMPLICIT_DENY = 0, POLICY_EXPLICIT_DENY, POLICY_ALLOW };

/* All zero is a denial. */
struct policy_decision {
	enum policy_verdict verdict;
	/* The type that decided: holds the denying or allowing statement, or lacks the allow. POLICY_NONE with
	 * POLICY_ALLOW: the account's root user, who needs no statement, or a grant. */
	enum policy_kind by;
	bool cross_account;
	const struct policy *policy;       /* NULL when no statement decided */
	size_t level, index;               /* where in the request's sets `policy` stands */
	struct policy_statement statement; /* meaningful when policy is not NULL */
};

/* The one question. Pure: the same request gives the same answer. */
struct policy_decision policy_decide(const struct policy_request *rq);

/*
 * AWS's clause for a denial, into the caller's room, cut if it does not fit: "because no identity-based policy
 * allows the s3:GetObject action", "with an explicit deny in a resource-based policy". Empty for an allow.
 */
struct str policy_reason(const struct policy_decision *d, struct str action, char *room, size_t cap);
/*
 * The whole sentence: "User: ARN is not authorized to perform: ACTION on resource: ARN because ...". S3 puts the
 * resource in double quotes: quote_resource. "on resource:" is left out when the resource is empty.
 */
struct str policy_denial(const struct policy_request *rq, const struct policy_decision *d, bool quote_resource,
			 char *room, size_t cap);

/* Does this one policy have a statement that allows (denies) the request, all other rules of combination aside? For
 * simulators and for KMS's lockout check. *out (NULL allowed) is the statement. */
bool policy_allows(const struct policy *p, const struct policy_request *rq, struct policy_statement *out);
bool policy_denies(const struct policy *p, const struct policy_request *rq, struct policy_statement *out);

/* ---- Patterns and ARNs ---------------------------------------------------------- */

/* '*' any run of characters, '?' exactly one (a character is a UTF-8 code point). Iterative; glob.c says at what cost.
 */
bool policy_wildcard_match(struct str pattern, struct str text);
bool policy_wildcard_match_ci(struct str pattern, struct str text); /* ASCII case folded; for short names */

struct arn {
	struct str partition, service, region, account, resource; /* views; resource may hold colons and slashes */
};
/* arn:partition:service:region:account:resource. E_INVALID when it has not six parts, or no partition, service or
 * resource. Wildcards are characters like any other. */
struct status arn_parse(struct str s, struct arn *out);
/* As ArnEquals and ArnLike: each of the six parts separately, wildcards in the pattern's parts. */
bool arn_match(struct str pattern, struct str arn);
bool account_id_is(struct str s); /* 12 digits */

#endif

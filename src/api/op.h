/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An operation as a row: everything the pipeline needs to know about it. Written by
 * tools/apigen.py from the service's model. A row without action and resource does not
 * come into being.
 */
#ifndef API_OP_H
#define API_OP_H

#include "wire/shape.h"

struct req;
struct authz;

enum protocol { PROTO_JSON_1_0, PROTO_JSON_1_1, PROTO_QUERY, PROTO_EC2, PROTO_REST_XML, PROTO_REST_JSON, PROTO_CBOR };
enum access { ACCESS_LIST, ACCESS_READ, ACCESS_WRITE, ACCESS_TAGGING, ACCESS_PERMISSIONS };

/* A fault a service can answer with. `code` is what the wire says where it differs from the name, else NULL. */
struct fault_kind {
	const char *name;
	const char *code;
	int http;
	bool server; /* our fault (5xx, "Receiver"), not the caller's ("Sender") */
};

/* A condition key of the request and the input member whose value it has ("" path = computed by authorize). */
struct condition {
	const char *key;
	const struct member *const
	    *path; /* null-terminated way through nested structs; NULL: authorize() supplies it */
};

enum op_flag {
	OP_READ_ONLY = 1, /* CloudTrail's readOnly; such an operation may not open a write transaction */
	OP_DATA = 2,      /* CloudTrail data event, else management */
	OP_ANONYMOUS = 4, /* callable without a signature, if policies allow (S3) or by design (STS web identity) */
	OP_STREAM_IN = 8,
	OP_STREAM_OUT = 16,
	OP_NO_AUTHZ = 32,  /* no policy can refuse it (sts:GetCallerIdentity, sts:GetSessionToken) */
	OP_SENSITIVE = 64, /* takes or gives a secret: the request's memory is wiped, not just freed */
};

struct op {
	const char *name;   /* "CreateKey" */
	const char *action; /* "kms:CreateKey"; S3's ListObjectsV2 has "s3:ListBucket" */
	const char
	    *resource; /* "*", an ARN ("arn:aws:s3:::{Bucket}/{Key}") or what follows the account ("key/{KeyId}") */
	const char *version_action; /* the action instead when a version id is given: "s3:GetObjectVersion"; or NULL */
	const char *event;          /* CloudTrail's eventName where it differs from name, else NULL */
	enum access access;
	uint32_t flags;
	const char *method; /* REST protocols: "PUT" */
	const char
	    *uri; /* REST protocols: "/{Bucket}/{Key+}?uploadId&x-id=UploadPart" (literal query parts included) */
	int http; /* status of success */
	const struct condition *conditions;     /* ends with key == NULL */
	const struct fault_kind *const *faults; /* ends with NULL */
	const struct shape *in, *out;           /* STRUCT shapes; never NULL (may have no members) */
	const char *out_wrapper;                /* query protocol: "CreateRoleResult"; else NULL */
	/* Lists what must be allowed, when the row cannot say it; NULL: action on resource. Reads only. */
	struct status (*authorize)(struct req *, const void *in, struct authz *);
	struct status (*call)(struct req *, const void *in, void *out);
	const char *unsupported; /* why this operation of AWS's is not served here; NULL: it is */
};

/* What rows of operations that are not served have in common: nothing goes in or out, and the call says why. */
extern const struct shape op_nothing_shape;
struct status op_unsupported(struct req *rq, const void *in, void *out);

struct service {
	const char *name;     /* "kms": our folder, and the prefix of actions */
	const char *signing;  /* name in the credential scope */
	const char *endpoint; /* endpoint prefix: host name's first label */
	const char *source;   /* CloudTrail's eventSource: "kms.amazonaws.com" */
	const char *target;   /* JSON protocols: X-Amz-Target prefix, "TrentService" */
	const char *version;  /* API version: "2014-11-01" */
	const char *xmlns;    /* XML protocols */
	enum protocol protocol;
	bool global;          /* one per account (iam), recorded in us-east-1 */
	bool encoded_denials; /* refusals carry an encoded message (api/denial.h), as EC2's do */
	const struct op *ops; /* sorted by name */
	uint32_t n_ops;
};

/* Does the row list that condition key, as the model writes it ("s3:ExistingObjectTag/<key>")? */
bool op_has_condition(const struct op *op, const char *key);

/* The op of that name, or NULL. */
const struct op *service_op(const struct service *svc, struct str name);

#endif

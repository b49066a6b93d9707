/* SPDX-License-Identifier: Apache-2.0 */
/*
 * AWS Signature Version 4, the verifying side: who signed this request, and is every
 * part of it as it was signed?
 *
 * Pure functions over the parts of a request; no sockets, no clock, no store. The stages
 * are public so that tests can hold each against a vector:
 *
 *     sigv4_peek       which form, and what the credential scope says (for routing; never fails)
 *     sigv4_parse      syntax, required parts, dates, scope, what must be signed, payload mode
 *     sigv4_canonical  the canonical request
 *     sigv4_to_sign    the string to sign
 *     sigv4_sign       its signature under a secret, through the cache of derived keys
 *     sigv4_verify     all of it, with the lookup of the secret: what the pipeline calls
 *
 * Rules kept here:
 *  - S3 signs the path as it stands on the wire, every other service the normalised path
 *    with each segment encoded once more.
 *  - S3's payload hash is the header x-amz-content-sha256, which must be there; whether the
 *    body is that is checked while it streams (payload_check.h). Every other service's is
 *    the hash of the body, computed here.
 *  - What a client could change without breaking the signature must not matter: `host` and
 *    all x-amz-* headers have to be signed.
 *  - Signatures are compared in constant time; secrets and derived keys are wiped.
 *
 * The order of the checks, and each one's error, stand in docs/services/sigv4.md.
 */
#ifndef API_SIGV4_H
#define API_SIGV4_H

#include "crypto/hash.h"
#include "wire/http_parts.h"

enum { SIGV4_SKEW_MS = 15 * 60 * 1000, SIGV4_EXPIRES_MAX_S = 7 * 24 * 60 * 60 };

/* How a service's errors are named and its requests canonicalised. Only S3 has S3's rules. */
enum sigv4_family { SIGV4_JSON, SIGV4_REST_JSON, SIGV4_QUERY, SIGV4_EC2, SIGV4_S3, SIGV4_FAMILIES };

struct sigv4_request {
	struct str method;
	struct str path;           /* as on the wire: before '?', still encoded */
	struct str query;          /* as on the wire: after '?'; empty when there is none */
	struct http_pairs headers; /* as they came, Host among them */
	struct str body;           /* all of it; not looked at for S3 */
};

/* What this endpoint demands of a signature. */
struct sigv4_rules {
	enum sigv4_family family;
	struct str service; /* the signing name in the scope; p == NULL: any */
	struct str region;  /* the region in the scope; p == NULL: any non-empty one */
	int64_t now_ms;
};

enum sigv4_form { SIGV4_NONE, SIGV4_HEADER, SIGV4_PRESIGNED, SIGV4_OTHER /* Bearer, SigV2, ... */ };

enum sigv4_payload {
	SIGV4_PAYLOAD_HASH,             /* auth->payload_hash is the body's SHA-256, in lower-case hex */
	SIGV4_PAYLOAD_UNSIGNED,         /* UNSIGNED-PAYLOAD */
	SIGV4_PAYLOAD_CHUNKS,           /* STREAMING-AWS4-HMAC-SHA256-PAYLOAD */
	SIGV4_PAYLOAD_CHUNKS_TRAILER,   /* STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER */
	SIGV4_PAYLOAD_UNSIGNED_TRAILER, /* STREAMING-UNSIGNED-PAYLOAD-TRAILER */
};

/* What a signature says. Views of the request or of the arena given. */
struct sigv4_auth {
	enum sigv4_form form;
	struct str access_key;
	struct str date, region, service; /* the scope: 20260101, us-east-1, s3 */
	struct str scope;                 /* date/region/service/aws4_request */
	struct str credential;            /* access_key/scope */
	struct str amz_date;              /* 20260101T000000Z, as it goes into the string to sign */
	int64_t time_ms;                  /* the same as a number */
	int64_t expires_s;                /* presigned S3 only, else 0 */
	struct str signed_headers;        /* "host;x-amz-date": lower case, sorted, each once */
	struct str signature;             /* as given; the seed of a chain of chunk signatures */
	struct str token;                 /* session token; p == NULL: none */
	enum sigv4_payload payload;
	struct str payload_hash; /* the last line of the canonical request */
	struct hmac_key key;     /* the signing key, after sigv4_verify, for chunks; sigv4_auth_wipe */
};

enum sigv4_code {
	SIGV4_MISSING_TOKEN = 1, /* not signed at all */
	SIGV4_INCOMPLETE,        /* Authorization does not parse or lacks parts */
	SIGV4_HEADER_MALFORMED,  /* S3: AuthorizationHeaderMalformed; others as INCOMPLETE */
	SIGV4_QUERY_MALFORMED,   /* S3: AuthorizationQueryParametersError; others as INCOMPLETE */
	SIGV4_BAD_SCOPE,         /* wrong region, service, terminal or date in the scope */
	SIGV4_BAD_SIGNATURE,     /* does not match, or what must be signed is not */
	SIGV4_EXPIRED_SIGNATURE, /* too old, or from the future (not S3) */
	SIGV4_SKEWED,            /* S3: RequestTimeTooSkewed */
	SIGV4_UNKNOWN_KEY,       /* no such access key id */
	SIGV4_BAD_TOKEN,         /* the session token is not one of ours or not this key's */
	SIGV4_EXPIRED_TOKEN,     /* the session is over */
	SIGV4_DENIED,            /* S3: AccessDenied (expired URL, unsigned headers, no date) */
	SIGV4_BAD_REQUEST,       /* S3: InvalidRequest */
	SIGV4_BAD_ARGUMENT,      /* S3: InvalidArgument */
	/* What payload_check.h and aws_chunked.h find. */
	SIGV4_SHA256_MISMATCH,   /* XAmzContentSHA256Mismatch */
	SIGV4_BAD_DIGEST,        /* BadDigest */
	SIGV4_INVALID_DIGEST,    /* InvalidDigest */
	SIGV4_INCOMPLETE_BODY,   /* IncompleteBody */
	SIGV4_CHUNK_SIZE,        /* InvalidChunkSizeError */
	SIGV4_MALFORMED_TRAILER, /* MalformedTrailerError */
	SIGV4_MISSING_LENGTH,    /* MissingContentLength */
	SIGV4_CODES,
};

/* A refusal: what to say, and for S3 the further elements of the error document. */
struct sigv4_fault {
	enum sigv4_code code;
	struct str message;
	struct http_pair extra[6];
	size_t n_extra;
};

/* The name and HTTP status of a refusal on the wire of a family. Never NULL. */
struct sigv4_wire {
	const char *code;
	int http;
};
const struct sigv4_wire *sigv4_wire(enum sigv4_code code, enum sigv4_family family);

/* What may be said of a request before anything is checked. */
struct sigv4_hint {
	enum sigv4_form form;
	struct str access_key, region, service; /* p == NULL when not to be found */
};
struct sigv4_hint sigv4_peek(struct arena *mem, const struct sigv4_request *rq);

/* E_FAULT, with *fault, for whatever is wrong with the request; there is no other failure in this header. */
struct status sigv4_parse(struct arena *mem, const struct sigv4_request *rq, const struct sigv4_rules *rules,
			  struct sigv4_auth *auth, struct sigv4_fault *fault);

struct str sigv4_canonical(struct arena *mem, const struct sigv4_request *rq, const struct sigv4_auth *auth,
			   enum sigv4_family family);
struct str sigv4_to_sign(struct arena *mem, const struct sigv4_auth *auth, struct str canonical);

/* A secret access key on its way through; whoever made one wipes it. */
struct sigv4_secret {
	char p[128];
	size_t n;
};

enum sigv4_found {
	SIGV4_FOUND = 1,
	SIGV4_NO_SUCH_KEY,   /* unknown or inactive */
	SIGV4_TOKEN_INVALID, /* the token is damaged, or belongs to another key; or one is needed and missing */
	SIGV4_TOKEN_EXPIRED,
};

/* Finds the secret of an access key. `token` has p == NULL when the request carried none. */
struct sigv4_lookup {
	enum sigv4_found (*find)(void *ctx, struct str access_key, struct str token, struct sigv4_secret *secret);
	void *ctx;
};

/*
 * Derived signing keys, so that four of five HMACs are saved. One per event thread: no
 * locks. Bounded; the oldest of a set goes first. An entry answers only for the very
 * same secret. Wiped when freed.
 */
struct sigv4_cache;
struct sigv4_cache *sigv4_cache_new(const uint64_t seed[2]); /* random; the caller frees */
void sigv4_cache_free(struct sigv4_cache *cache);            /* null is allowed */
uint64_t sigv4_cache_hits(const struct sigv4_cache *cache);

/* The signing key of auth's scope; cache may be NULL. hmac_key_wipe when done. */
void sigv4_key(struct sigv4_cache *cache, const struct sigv4_auth *auth, struct str secret, struct hmac_key *key);
/* 64 lower-case hex digits. */
void sigv4_sign(const struct hmac_key *key, struct str to_sign, char out[64]);

/* Everything. On success auth->key is set: sigv4_auth_wipe when the body is done. */
struct status sigv4_verify(struct arena *mem, const struct sigv4_request *rq, const struct sigv4_rules *rules,
			   const struct sigv4_lookup *lookup, struct sigv4_cache *cache, struct sigv4_auth *auth,
			   struct sigv4_fault *fault);
void sigv4_auth_wipe(struct sigv4_auth *auth);

/* For those who build refusals: message as printf, then the extra elements one by one (dropped when full). */
struct status sigv4_fail(struct arena *mem, struct sigv4_fault *fault, enum sigv4_code code, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
void sigv4_fault_add(struct sigv4_fault *fault, const char *name, struct str value);

/* The header of that name, trimmed; repeated ones joined with commas, so that no check can be passed by one of
 * them alone; p == NULL when there is none. */
struct str sigv4_header(struct arena *mem, const struct http_pairs *headers, struct str name);

/* The mode x-amz-content-sha256 asks for; false when it is none of S3's values. */
bool sigv4_payload_of(struct str value, enum sigv4_payload *mode);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What each refusal is called on the wire, per family of services (the "Common Errors"
 * page of each service's API reference; Amazon S3 API Reference, "Error responses").
 */
#include "api/sigv4.h"

#define ROW(json, json_http, rest, rest_http, query, query_http, ec2, ec2_http, s3, s3_http)           \
	{                                                                                              \
		[SIGV4_JSON] = { json, json_http }, [SIGV4_REST_JSON] = { rest, rest_http },           \
		[SIGV4_QUERY] = { query, query_http }, [SIGV4_EC2] = { ec2, ec2_http }, [SIGV4_S3] = { \
			s3,                                                                            \
			s3_http                                                                        \
		}                                                                                      \
	}
/* Refusals that only S3 knows; elsewhere they are malformed requests. */
#define S3_ROW(s3, s3_http)                                                                                            \
	ROW("ValidationException", 400, "ValidationException", 400, "ValidationError", 400, "InvalidRequest", 400, s3, \
	    s3_http)

static const struct sigv4_wire table[SIGV4_CODES][SIGV4_FAMILIES] = {
	[SIGV4_MISSING_TOKEN] =
	    ROW("MissingAuthenticationTokenException", 400, "MissingAuthenticationTokenException", 403,
		"MissingAuthenticationToken", 403, "MissingParameter", 400, "AccessDenied", 403),
	[SIGV4_INCOMPLETE] = ROW("IncompleteSignatureException", 400, "IncompleteSignatureException", 403,
				 "IncompleteSignature", 400, "IncompleteSignature", 400, "InvalidRequest", 400),
	[SIGV4_HEADER_MALFORMED] =
	    ROW("IncompleteSignatureException", 400, "IncompleteSignatureException", 403, "IncompleteSignature", 400,
		"IncompleteSignature", 400, "AuthorizationHeaderMalformed", 400),
	[SIGV4_QUERY_MALFORMED] =
	    ROW("IncompleteSignatureException", 400, "IncompleteSignatureException", 403, "IncompleteSignature", 400,
		"IncompleteSignature", 400, "AuthorizationQueryParametersError", 400),
	[SIGV4_BAD_SCOPE] = ROW("InvalidSignatureException", 400, "InvalidSignatureException", 403,
				"SignatureDoesNotMatch", 403, "AuthFailure", 401, "SignatureDoesNotMatch", 403),
	[SIGV4_BAD_SIGNATURE] = ROW("InvalidSignatureException", 400, "InvalidSignatureException", 403,
				    "SignatureDoesNotMatch", 403, "AuthFailure", 401, "SignatureDoesNotMatch", 403),
	[SIGV4_EXPIRED_SIGNATURE] =
	    ROW("InvalidSignatureException", 400, "InvalidSignatureException", 403, "SignatureDoesNotMatch", 403,
		"RequestExpired", 400, "RequestTimeTooSkewed", 403),
	[SIGV4_SKEWED] = ROW("InvalidSignatureException", 400, "InvalidSignatureException", 403,
			     "SignatureDoesNotMatch", 403, "RequestExpired", 400, "RequestTimeTooSkewed", 403),
	[SIGV4_UNKNOWN_KEY] = ROW("UnrecognizedClientException", 400, "UnrecognizedClientException", 403,
				  "InvalidClientTokenId", 403, "AuthFailure", 401, "InvalidAccessKeyId", 403),
	[SIGV4_BAD_TOKEN] = ROW("UnrecognizedClientException", 400, "UnrecognizedClientException", 403,
				"InvalidClientTokenId", 403, "AuthFailure", 401, "InvalidToken", 400),
	[SIGV4_EXPIRED_TOKEN] = ROW("ExpiredTokenException", 400, "ExpiredTokenException", 403, "ExpiredToken", 403,
				    "RequestExpired", 400, "ExpiredToken", 400),
	[SIGV4_DENIED] = ROW("AccessDeniedException", 400, "AccessDeniedException", 403, "AccessDenied", 403,
			     "UnauthorizedOperation", 403, "AccessDenied", 403),
	[SIGV4_BAD_REQUEST] = S3_ROW("InvalidRequest", 400),
	[SIGV4_BAD_ARGUMENT] = S3_ROW("InvalidArgument", 400),
	[SIGV4_SHA256_MISMATCH] = S3_ROW("XAmzContentSHA256Mismatch", 400),
	[SIGV4_BAD_DIGEST] = S3_ROW("BadDigest", 400),
	[SIGV4_INVALID_DIGEST] = S3_ROW("InvalidDigest", 400),
	[SIGV4_INCOMPLETE_BODY] = S3_ROW("IncompleteBody", 400),
	[SIGV4_CHUNK_SIZE] = S3_ROW("InvalidChunkSizeError", 403),
	[SIGV4_MALFORMED_TRAILER] = S3_ROW("MalformedTrailerError", 400),
	[SIGV4_MISSING_LENGTH] = S3_ROW("MissingContentLength", 411),
};

const struct sigv4_wire *sigv4_wire(enum sigv4_code code, enum sigv4_family family)
{
	assert(code > 0 && code < SIGV4_CODES && family < SIGV4_FAMILIES);
	return &table[code][family];
}

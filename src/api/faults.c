/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The common faults and their word in each protocol family ("Common Error Types" of the
 * JSON and query services' API references; S3's "Error responses").
 */
#include "api/faults.h"

const struct fault_kind api_AccessDeniedException[1] = { { "AccessDeniedException", NULL, 400, false } };
const struct fault_kind api_ValidationException[1] = { { "ValidationException", NULL, 400, false } };
const struct fault_kind api_SerializationException[1] = { { "SerializationException", NULL, 400, false } };
const struct fault_kind api_UnknownOperationException[1] = { { "UnknownOperationException", NULL, 400, false } };
const struct fault_kind api_RequestEntityTooLargeException[1] = { { "RequestEntityTooLargeException", NULL, 413,
								    false } };
const struct fault_kind api_InternalFailure[1] = { { "InternalFailure", NULL, 500, true } };
const struct fault_kind api_ServiceUnavailable[1] = { { "ServiceUnavailable", NULL, 503, true } };
const struct fault_kind api_NotImplemented[1] = { { "NotImplemented", NULL, 501, true } };
const struct fault_kind api_MethodNotAllowed[1] = { { "MethodNotAllowed", NULL, 405, false } };
const struct fault_kind api_RequestTimeout[1] = { { "RequestTimeout", NULL, 400, false } };
const struct fault_kind api_MalformedXML[1] = { { "MalformedXML", NULL, 400, false } };
const struct fault_kind api_InvalidURI[1] = { { "InvalidURI", NULL, 400, false } };
const struct fault_kind api_MissingAction[1] = { { "MissingAction", NULL, 400, false } };
const struct fault_kind api_MissingRequestBody[1] = { { "MissingRequestBodyError", NULL, 400, false } };
const struct fault_kind api_AccessForbidden[1] = { { "AccessForbidden", NULL, 403, false } };

enum family { JSON, QUERY, S3, FAMILIES };

static const struct {
	const struct fault_kind *kind;
	struct fault_wire wire[FAMILIES];
} rows[] = {
	{ api_AccessDeniedException,
	  { { "AccessDeniedException", 400 }, { "AccessDenied", 403 }, { "AccessDenied", 403 } } },
	{ api_ValidationException,
	  { { "ValidationException", 400 }, { "ValidationError", 400 }, { "InvalidArgument", 400 } } },
	{ api_SerializationException,
	  { { "SerializationException", 400 }, { "MalformedInput", 400 }, { "MalformedXML", 400 } } },
	{ api_UnknownOperationException,
	  { { "UnknownOperationException", 400 }, { "InvalidAction", 400 }, { "NotImplemented", 501 } } },
	{ api_RequestEntityTooLargeException,
	  { { "RequestEntityTooLargeException", 413 },
	    { "RequestEntityTooLarge", 413 },
	    { "MaxMessageLengthExceeded", 400 } } },
	{ api_InternalFailure, { { "InternalFailure", 500 }, { "InternalFailure", 500 }, { "InternalError", 500 } } },
	{ api_ServiceUnavailable,
	  { { "ServiceUnavailable", 503 }, { "ServiceUnavailable", 503 }, { "ServiceUnavailable", 503 } } },
	{ api_NotImplemented,
	  { { "NotImplementedException", 501 }, { "NotImplemented", 501 }, { "NotImplemented", 501 } } },
	{ api_MethodNotAllowed,
	  { { "MethodNotAllowed", 405 }, { "MethodNotAllowed", 405 }, { "MethodNotAllowed", 405 } } },
	{ api_RequestTimeout, { { "RequestTimeout", 408 }, { "RequestTimeout", 408 }, { "RequestTimeout", 400 } } },
	{ api_MalformedXML, { { "SerializationException", 400 }, { "MalformedInput", 400 }, { "MalformedXML", 400 } } },
	{ api_InvalidURI, { { "ValidationException", 400 }, { "MalformedQueryString", 404 }, { "InvalidURI", 400 } } },
	{ api_MissingAction,
	  { { "UnknownOperationException", 400 }, { "MissingAction", 400 }, { "NotImplemented", 501 } } },
	{ api_MissingRequestBody,
	  { { "SerializationException", 400 }, { "MalformedInput", 400 }, { "MissingRequestBodyError", 400 } } },
	{ api_AccessForbidden,
	  { { "AccessDeniedException", 400 }, { "AccessDenied", 403 }, { "AccessForbidden", 403 } } },
};

static enum family family_of(enum protocol p)
{
	switch (p) {
	case PROTO_QUERY:
	case PROTO_EC2:
		return QUERY;
	case PROTO_REST_XML:
		return S3;
	default:
		return JSON;
	}
}

struct fault_wire fault_wire(const struct fault_kind *kind, enum protocol protocol)
{
	for (size_t i = 0; i < COUNT(rows); i++)
		if (rows[i].kind == kind)
			return rows[i].wire[family_of(protocol)];
	return (struct fault_wire){ kind->code ? kind->code : kind->name, kind->http };
}

bool fault_is_common(const struct fault_kind *kind)
{
	for (size_t i = 0; i < COUNT(rows); i++)
		if (rows[i].kind == kind)
			return true;
	return false;
}

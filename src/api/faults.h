/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Faults any operation may answer with, whatever its model declares. Each protocol
 * family has its own word and status for the same thing: fault_wire says which.
 * What is wrong with signatures has its own table (api/sigv4.h).
 */
#ifndef API_FAULTS_H
#define API_FAULTS_H

#include "api/op.h"

/* Named by the JSON services' word. */
extern const struct fault_kind api_AccessDeniedException[1];
extern const struct fault_kind api_ValidationException[1];
extern const struct fault_kind api_SerializationException[1];
extern const struct fault_kind api_UnknownOperationException[1];
extern const struct fault_kind api_RequestEntityTooLargeException[1];
extern const struct fault_kind api_InternalFailure[1];
extern const struct fault_kind api_ServiceUnavailable[1];
extern const struct fault_kind api_NotImplemented[1];
extern const struct fault_kind api_MethodNotAllowed[1];
extern const struct fault_kind api_RequestTimeout[1];
extern const struct fault_kind api_MalformedXML[1];
extern const struct fault_kind api_InvalidURI[1];
extern const struct fault_kind api_MissingAction[1];
extern const struct fault_kind api_MissingRequestBody[1];
extern const struct fault_kind api_AccessForbidden[1];

/* How it travels in that protocol: the code and the status. */
struct fault_wire {
	const char *code;
	int http;
};
struct fault_wire fault_wire(const struct fault_kind *kind, enum protocol protocol);
bool fault_is_common(const struct fault_kind *kind);

#endif

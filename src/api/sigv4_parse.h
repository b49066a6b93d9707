/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The stage of parsing, as its two files see it: sigv4_parse.c takes the pieces out of
 * header or query, sigv4_scope.c judges credential and dates.
 */
#ifndef API_SIGV4_PARSE_H
#define API_SIGV4_PARSE_H

#include "api/sigv4.h"

struct parse {
	struct arena *mem;
	const struct sigv4_request *rq;
	const struct sigv4_rules *rules;
	struct sigv4_auth *auth;
	struct sigv4_fault *fault;
	bool s3;
};

struct status sigv4_parse_date(struct parse *p, struct str amz_date, struct str http_date);
struct status sigv4_parse_scope(struct parse *p, struct str text); /* after the date */
struct status sigv4_check_time(struct parse *p);

/* S3's AuthorizationHeaderMalformed or AuthorizationQueryParametersError with a detail. */
struct status sigv4_s3_malformed(struct parse *p, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif

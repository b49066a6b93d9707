/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The credentials endpoint: where programs get their role's credentials, in the two forms
 * in which every AWS SDK looks for them by itself.
 *
 *     container   GET /v1/credentials/NAME            Authorization: the workload's token
 *     instance    PUT /latest/api/token               X-aws-ec2-metadata-token-ttl-seconds: 1..21600
 *                 GET /latest/meta-data/...           X-aws-ec2-metadata-token: the token (IMDSv2; there is no v1)
 *
 * It listens on loopback only, and answers only to those on this machine who mean it: a
 * request that was forwarded, came from a web page, or names another host (DNS rebinding) is
 * refused before anything else is looked at. What is not the right token is told from what
 * is no workload neither in words nor in time.
 */
#ifndef SVC_STS_ENDPOINT_H
#define SVC_STS_ENDPOINT_H

#include "base/base.h"

struct http_req;

enum endpoint_what {
	ENDPOINT_NOTHING,
	ENDPOINT_CONTAINER,
	ENDPOINT_TOKEN,
	ENDPOINT_INDEX,
	ENDPOINT_ROLE_NAME,
	ENDPOINT_ROLE,
	ENDPOINT_IAM_INFO,
	ENDPOINT_INSTANCE_ID,
	ENDPOINT_REGION,
	ENDPOINT_DOCUMENT,
};

/* What of a request counts. A header that is not there has p == NULL. */
struct endpoint_request {
	struct str method, path, query;
	struct str host, forwarded_for, origin, authorization, ttl, token;
	int port; /* where it came in */
};

struct endpoint_ask {
	enum endpoint_what what;
	struct str name; /* of the workload, or of the role; of an index: its text */
	int64_t ttl_s;
};

/* 0, or the HTTP status that refuses. Pure; views of the request. */
int endpoint_read_container(const struct endpoint_request *rq, struct endpoint_ask *out);
int endpoint_read_instance(const struct endpoint_request *rq, struct endpoint_ask *out);

/* The handlers of the listeners; arg: the struct app. An instance is known by the port it was asked at. */
void endpoint_serve_container(struct http_req *http, void *app);
void endpoint_serve_instance(struct http_req *http, void *app);

#endif

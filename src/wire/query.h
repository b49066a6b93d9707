/* SPDX-License-Identifier: Apache-2.0 */
/*
 * awsQuery (IAM, STS, ...) and ec2Query: requests are form parameters whose names spell
 * the way to a value ("Tags.member.1.Key"), answers are XML.
 *
 * Parameters are sorted once and every value found by binary search, so neither their
 * order, nor gaps, nor an index of 999999999 costs anything. Indexes only order the
 * elements. Of parameters with the same name the last counts. Unknown ones are ignored.
 */
#ifndef WIRE_QUERY_H
#define WIRE_QUERY_H

#include "base/buf.h"
#include "wire/decode.h"
#include "wire/http_parts.h"

enum { QUERY_MAX_PARAMS = 8192 };

/* application/x-www-form-urlencoded (a body or a query string) -> pairs. E_INVALID; E_TOO_BIG past QUERY_MAX_PARAMS. */
struct status query_params(struct arena *mem, struct str form, struct http_pairs *out);

enum query_style { QUERY_AWS, QUERY_EC2 }; /* ec2: first letter upper-cased, lists always flat */

/* *out is a zeroed struct of that shape. E_INVALID with d->why, E_TOO_BIG. */
struct status query_decode(struct decode *d, const struct shape *shape, enum query_style style,
			   const struct http_pairs *params, void *out);

/* What an XML answer needs beside the struct. */
struct query_reply {
	struct str op;       /* "CreateRole" */
	const char *wrapper; /* "CreateRoleResult", or NULL: then no members are written */
	struct str xmlns;
	struct str request_id;
};
void query_encode(struct buf *out, enum query_style style, const struct query_reply *r, const struct shape *shape,
		  const void *in);
/* <ErrorResponse>; sender: the caller's fault. For ec2: <Response><Errors>. */
void query_error(struct buf *out, enum query_style style, bool sender, struct str code, struct str message,
		 struct str xmlns, struct str request_id);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the verifier share among themselves.
 */
#ifndef API_SIGV4_INT_H
#define API_SIGV4_INT_H

#include "api/sigv4.h"

/* The parameters of a raw query, names and values in canonical encoding, in the order they came. */
struct http_pair *sigv4_query(struct arena *mem, struct str raw, size_t *n);
/* Sort by name, then value, bytewise. */
void sigv4_sort(struct arena *mem, struct http_pair *v, size_t n);

/* The names of a SignedHeaders list that is already canonical. */
struct str_names {
	struct str *v;
	size_t n;
};
struct str_names sigv4_names(struct arena *mem, struct str signed_headers);
/* Where a header (any case) stands in the list; SIZE_MAX: it is not signed. */
size_t sigv4_name_at(const struct str_names *names, struct str header);

/* "AKID/20260101/us-east-1/s3/aws4_request" taken apart; false unless it has exactly five non-empty parts. */
struct credential {
	struct str access_key, date, region, service, terminal, scope;
};
bool sigv4_credential(struct str text, struct credential *c);

enum sigv4_form sigv4_form(const struct sigv4_request *rq);
bool sigv4_query_signed(struct str raw); /* the query claims to hold a signature */

/* One parameter of a query, decoded; p == NULL: not there. Given twice, its values are joined with commas. */
struct str sigv4_param(struct arena *mem, struct http_pairs query, struct str name);

#endif

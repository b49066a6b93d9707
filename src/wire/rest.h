/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bindings of restXml and restJson: members that travel in the path, the query, the
 * headers or as the whole body. Streams (W_STREAM) are not touched: the pipeline moves
 * them past the struct.
 */
#ifndef WIRE_REST_H
#define WIRE_REST_H

#include "wire/decode.h"
#include "wire/http_parts.h"

enum rest_body { REST_XML, REST_JSON };

/* A request in its parts. Label and query values are already percent-decoded. */
struct rest_request {
	struct http_pairs labels; /* by the label's name in the path template */
	struct http_pairs query;
	struct http_pairs headers;
	struct str body; /* whole; not given or empty: no body */
};
/* *out is a zeroed struct of that shape. E_INVALID with d->why (and d->at in the body). */
struct status rest_decode(struct decode *d, const struct shape *shape, enum rest_body format,
			  const struct rest_request *rq, void *out);

/* An answer in its parts. */
struct rest_reply {
	int status;                /* 0: as the operation says */
	struct http_pairs headers; /* without Content-Type and Content-Length */
	const char *content_type;  /* of body; NULL when there is none or a header says it */
	struct str body;           /* p == NULL: none (or a stream) */
};
/* restJson answers that are not a payload or a stream always have a body, if only {}. */
void rest_encode(struct arena *mem, const struct shape *shape, enum rest_body format, const void *in,
		 struct rest_reply *out);

/* A header value in the form of RFC 2047 when it is not plain ASCII, else as it is: as S3 returns user metadata. */
struct str rest_header_text(struct arena *mem, struct str value);

#endif

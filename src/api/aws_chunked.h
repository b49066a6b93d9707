/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Taking aws-chunked bodies apart while they arrive (Amazon S3 API Reference,
 * "Signature calculations: transferring payload in multiple chunks").
 *
 *     signed      size;chunk-signature=S CRLF data CRLF ... 0;chunk-signature=S CRLF CRLF
 *     unsigned    size CRLF data CRLF ... 0 CRLF
 *     trailer     name:value CRLF ... [x-amz-trailer-signature:S CRLF] CRLF  (in place of the last CRLF)
 *
 * Each signature is over the one before it (the first over the request's), so chunks can
 * be neither changed nor dropped nor reordered. A chunk's bytes are handed on before its
 * signature has been seen: what is made of them may not count until aws_chunked_end says OK.
 *
 * Nothing is copied but half lines: pieces given out are views of the pieces fed. How the
 * body is cut into pieces makes no difference to the result.
 */
#ifndef API_AWS_CHUNKED_H
#define API_AWS_CHUNKED_H

#include "api/sigv4.h"

enum {
	AWS_CHUNK_MIN = 8192,      /* every chunk but the last, S3's rule */
	AWS_CHUNK_LINE_MAX = 1024, /* a chunk header or a trailer line */
	AWS_TRAILERS_MAX = 4,
};

struct aws_chunked {
	struct arena *mem;
	struct sigv4_fault *fault;
	const struct sigv4_auth *auth; /* key, date and scope of the chain; NULL: chunks are not signed */
	bool trailer;                  /* trailers may follow the last chunk */
	uint64_t length;               /* x-amz-decoded-content-length */

	int state;
	uint64_t left, done;  /* bytes to come of this chunk; bytes given out */
	uint64_t size, count; /* this chunk's; how many chunks began */
	char prev[64];        /* the chain's last signature */
	char want[64];        /* what this chunk said its signature is */
	struct hasher hash;   /* of this chunk's bytes */
	char line[AWS_CHUNK_LINE_MAX];
	size_t n_line;
	bool saw_signature;
	struct http_pair trailers[AWS_TRAILERS_MAX]; /* copies in mem, names in lower case */
	size_t n_trailers;
};

/* length: what x-amz-decoded-content-length said. auth and fault must outlive the decoder. */
void aws_chunked_init(struct aws_chunked *c, struct arena *mem, const struct sigv4_auth *auth, bool is_signed,
		      bool trailer, uint64_t length, struct sigv4_fault *fault);

/* Eats from the front of *in and gives the next run of payload in *out, empty when there is none yet. Call until
 * in->n is 0. After a failure the decoder stays failed: do not call it again. */
struct status aws_chunked_next(struct aws_chunked *c, struct str *in, struct str *out);

/* The body is over. OK only if it was whole and everything signed was right. */
struct status aws_chunked_end(struct aws_chunked *c);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Is the body what the headers say it is? One object for all of S3's ways: the signed
 * payload hash, chunk signatures, Content-MD5, x-amz-checksum-* as header or trailer,
 * x-amz-decoded-content-length. It also computes the checksums the caller wants to keep.
 *
 *     payload_check_init     headers are read and refused if they contradict each other
 *     payload_check_feed     any piece of the raw body in, pieces of payload out
 *     payload_check_finish   OK, or what did not match; then pc->sums holds
 *
 * What was fed may not be acted upon before finish said OK.
 */
#ifndef API_PAYLOAD_CHECK_H
#define API_PAYLOAD_CHECK_H

#include "api/aws_chunked.h"

enum payload_sum {
	SUM_CRC32 = 1,
	SUM_CRC32C = 2,
	SUM_CRC64NVME = 4,
	SUM_SHA1 = 8,
	SUM_SHA256 = 16,
	SUM_MD5 = 32,
};

/* Checksums of the payload; those named in `have` are there. Numbers as bytes, big-endian, as S3 writes them. */
struct payload_sums {
	uint32_t have;
	uint8_t crc32[4], crc32c[4], crc64nvme[8], sha1[20], sha256[32], md5[16];
};

struct payload_rules {
	const struct http_pairs *headers;
	const struct sigv4_auth *auth; /* NULL: not signed (anonymous) */
	uint32_t compute;              /* payload_sum bits wanted whatever the headers say */
	bool no_checksum_headers;      /* x-amz-checksum-* speak of something else than this body
					* (CompleteMultipartUpload) */
	int64_t length;                /* Content-Length; -1 when not known (Transfer-Encoding: chunked) */
};

struct payload_check {
	struct arena *mem;
	struct sigv4_fault *fault;
	enum sigv4_payload mode;
	bool chunked;         /* the body is aws-chunked */
	int64_t length;       /* of the payload, or -1 when not known beforehand */
	uint64_t done;        /* bytes of payload so far */
	uint32_t computing;   /* payload_sum bits */
	uint32_t claimed;     /* the one x-amz-checksum-* of header or trailer; 0: none */
	bool claimed_trailer; /* it comes as a trailer */
	uint8_t claim[32];    /* its value */
	bool has_md5;         /* Content-MD5 was given */
	uint8_t claim_md5[16];
	struct str hash_text; /* with SIGV4_PAYLOAD_HASH: the body's SHA-256 in hex */
	struct aws_chunked chunks;
	struct hasher sha256, sha1, md5;
	uint32_t crc32, crc32c;
	uint64_t crc64nvme;
	struct payload_sums sums; /* after finish */
};

/* fault and what rules point to must outlive pc. */
struct status payload_check_init(struct payload_check *pc, struct arena *mem, const struct payload_rules *rules,
				 struct sigv4_fault *fault);
/* As aws_chunked_next: call until in->n is 0. */
struct status payload_check_feed(struct payload_check *pc, struct str *in, struct str *out);
struct status payload_check_finish(struct payload_check *pc);

/* "CRC32", "SHA256", ...: as S3 calls them; NULL for anything but one bit. */
const char *payload_sum_name(enum payload_sum sum);
/* The bytes of one checksum of sums; p == NULL when it was not computed. */
struct str payload_sum_bytes(const struct payload_sums *sums, enum payload_sum sum);

#endif

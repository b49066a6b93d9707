/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON <-> structs by table: awsJson 1.0 and 1.1, restJson bodies, and the request and
 * response members of the audit trail.
 *
 * Decoding is strict RFC 8259, one pass, into the arena: unknown members are skipped but
 * checked, null is absent, of duplicate members the last one counts. Only members that
 * travel in the body (W_BODY) are looked at.
 */
#ifndef WIRE_JSON_H
#define WIRE_JSON_H

#include "base/buf.h"
#include "wire/decode.h"

/* *out is a zeroed struct of that shape. On E_INVALID see d->why and d->at; *out is then not to be used. */
struct status json_decode(struct decode *d, const struct shape *shape, struct str text, void *out);

/* Members that are not given are left out. */
void json_encode(struct buf *out, const struct shape *shape, const void *in);

/*
 * The same as CloudTrail writes requestParameters and responseElements: names begin in
 * lower case, sensitive values are HIDDEN_DUE_TO_SECURITY_REASONS, bulk data and blobs
 * are left out, times are ISO 8601.
 */
struct record_style {
	size_t limit;                                /* the object may not become longer; 0: CloudTrail's 100 KiB */
	const struct decode *d;                      /* for words no enum has (refused calls); may be NULL */
	struct str (*rename)(const struct member *); /* another name than the usual one, or p == NULL; may be NULL */
};
/* False when the limit would be passed: then nothing was written, and the record says that it was omitted. */
bool json_encode_record(struct buf *out, const struct shape *shape, const void *in, const struct record_style *style);

/* {"__type":"X","message":"..."}: the body of an error; message p == NULL leaves it out. */
void json_error(struct buf *out, struct str type, struct str message);

#endif

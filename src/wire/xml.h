/* SPDX-License-Identifier: Apache-2.0 */
/*
 * XML <-> structs by table: restXml bodies and the query protocols' answers.
 *
 * Read by expat, whole bodies only, into the arena. Elements and attributes are known by
 * their local names, whatever their namespace. Document type declarations are refused, so
 * there are no entities but the five; depth is bounded by WIRE_DEPTH. Unknown elements
 * are skipped.
 */
#ifndef WIRE_XML_H
#define WIRE_XML_H

#include "base/buf.h"
#include "wire/decode.h"
#include "wire/http_parts.h"

/*
 * *out is a zeroed struct of that shape. root: the document element's name, p == NULL: any.
 * E_INVALID with d->why, d->at.
 */
struct status xml_decode(struct decode *d, const struct shape *shape, struct str root, struct str text, void *out);

enum xml_flag { XML_ISO_MS = 1 }; /* times with milliseconds, as S3 writes them */

void xml_declaration(struct buf *out); /* <?xml version="1.0" encoding="UTF-8"?> and a newline */
/* One element with all that is in it. xmlns: p == NULL for none. */
void xml_element(struct buf *out, struct str name, struct str xmlns, const struct shape *shape, const void *in,
		 int flags);
/* Only what is in the element: attributes are left out. */
void xml_members(struct buf *out, const struct shape *shape, const void *in, int flags);
void xml_text_element(struct buf *out, const char *name, struct str text); /* <name>text</name> */
/* Escaped text: & < > " and carriage returns, and control characters as S3 writes them (&#x1;). */
void xml_text(struct buf *out, struct str s);

/* S3's error document. `extra`: further elements, between the message and the ids (Key, BucketName, Resource, ...). */
void xml_s3_error(struct buf *out, struct str code, struct str message, const struct http_pairs *extra,
		  struct str request_id, struct str host_id);

#endif

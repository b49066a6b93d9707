/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes as text: hex, base64 (RFC 4648), base32, percent-encoding (RFC 3986), UUIDs.
 * Decoders are strict: E_INVALID for anything not exactly of the form, results only on success.
 */
#ifndef BASE_CODEC_H
#define BASE_CODEC_H

#include "base/base.h"
#include "base/buf.h"

void hex_put(struct buf *out, struct str bytes); /* lower case */
struct str hex_encode(struct arena *mem, struct str bytes);
void hex_to(char *out, const void *bytes, size_t n); /* writes 2n characters, no NUL; no allocation */
struct status hex_decode(struct arena *mem, struct str text, struct str *out);

void base64_put(struct buf *out, struct str bytes); /* with padding */
struct str base64_encode(struct arena *mem, struct str bytes);
struct status base64_decode(struct arena *mem, struct str text, struct str *out); /* padding required */
struct str base64url_encode(struct arena *mem, struct str bytes);                 /* no padding */
struct status base64url_decode(struct arena *mem, struct str text, struct str *out);
struct str base32_encode(struct arena *mem, struct str bytes); /* RFC 4648 alphabet, no padding */
struct status base32_decode(struct arena *mem, struct str text, struct str *out);

/* AWS's UriEncode: everything but A-Z a-z 0-9 - _ . ~ becomes %XX (upper case); '/' stays when keep_slash. */
void uri_put(struct buf *out, struct str s, bool keep_slash);
struct str uri_encode(struct arena *mem, struct str s, bool keep_slash);
/* %XX becomes the byte; '+' becomes a space only when plus_is_space. E_INVALID on a broken escape. */
struct status uri_decode(struct arena *mem, struct str s, bool plus_is_space, struct str *out);

/* 16 random bytes as a version 4 UUID: 36 characters, no NUL. */
void uuid_text(char out[36], const uint8_t random[16]);
bool uuid_is(struct str s); /* 8-4-4-4-12 hex digits */

#endif

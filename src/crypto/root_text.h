/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A root key that is sealed, as a file: text of fields, a line each. The root key file (rootfile.h) is the other form
 * of what may stand at that path; the first line tells them apart.
 *
 *     holdfast sealed root key, version 1
 *     Opens with what the next line names. Keep a copy.
 *     source passphrase
 *     id <the root key's fingerprint, in hex>
 *     ...                                          the source's own
 *     sealed <base64>
 *     check <first 16 bytes of SHA-256 over all that stands above this line, in hex>
 */
#ifndef CRYPTO_ROOT_TEXT_H
#define CRYPTO_ROOT_TEXT_H

#include "base/base.h"

enum { ROOT_FIELDS_MAX = 16, ROOT_TEXT_MAX = 16 * 1024 };

struct root_text {
	struct arena *mem;
	size_t n;
	struct {
		struct str name, value;
	} v[ROOT_FIELDS_MAX];
};

/* Not empty, no control characters: what somebody typed must be refused before. */
bool root_text_may(struct str value);
void root_text_put(struct root_text *t, const char *name, struct str value);
void root_text_put_bytes(struct root_text *t, const char *name, struct str bytes);
void root_text_put_number(struct root_text *t, const char *name, uint64_t v);
/* p == NULL: no such field. */
struct str root_text_get(const struct root_text *t, const char *name);
struct status root_text_get_bytes(const struct root_text *t, const char *name, struct str *out); /* E_INVALID */
struct status root_text_get_number(const struct root_text *t, const char *name, uint64_t max, uint64_t *out);

/* All that stands above the field: what a seal is bound to. */
struct str root_text_above(const struct root_text *t, const char *name);
struct str root_text_write(const struct root_text *t);
bool root_text_is(struct str text); /* by its first line */
/* Strict: E_INVALID for anything but what root_text_write writes. */
struct status root_text_parse(struct arena *mem, struct str text, struct root_text *out);

#endif

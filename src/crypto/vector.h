/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For this folder's tests: results against published hexadecimal.
 */
#ifndef CRYPTO_VECTOR_H
#define CRYPTO_VECTOR_H

#include "base/codec.h"
#include "base/str.h"
#include "base/test.h"

enum { VECTOR_MAX = 256 };

static inline bool is_hex(const void *p, size_t n, const char *want)
{
	char text[2 * VECTOR_MAX];

	assert(n <= VECTOR_MAX);
	hex_to(text, p, n);
	if (str_eq(str_make(text, 2 * n), str_of(want)))
		return true;
	printf("# got %.*s\n", (int)(2 * n), text);
	return false;
}

/* The bytes of a hexadecimal text; returns how many. */
static inline size_t unhex(const char *hex, uint8_t *out)
{
	struct arena *mem = arena_new();
	struct str bytes;

	assert(!failed(hex_decode(mem, str_of(hex), &bytes)));
	memcpy(out, bytes.p, bytes.n);
	arena_free(mem);
	return bytes.n;
}

#endif

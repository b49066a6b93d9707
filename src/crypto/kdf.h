/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys from keys: HKDF with SHA-256 (RFC 5869). For input that is already a strong key;
 * passwords need a slow function, which this is not.
 */
#ifndef CRYPTO_KDF_H
#define CRYPTO_KDF_H

#include "base/base.h"

enum { HKDF_MAX = 255 * 32 };

/* n <= HKDF_MAX. An absent salt (n == 0) stands for 32 zero bytes, as the RFC says. */
void hkdf_sha256(struct str ikm, struct str salt, struct str info, uint8_t *out, size_t n);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HMAC with SHA-224 to SHA-512 (RFC 2104, RFC 4231), as KMS's HMAC keys need it. For
 * everything else there is hmac_key in hash.h.
 */
#ifndef CRYPTO_MAC_H
#define CRYPTO_MAC_H

#include "base/base.h"

enum mac_algorithm { MAC_SHA224 = 1, MAC_SHA256, MAC_SHA384, MAC_SHA512, MAC_ALGORITHM_COUNT };

enum { MAC_SIZE_MAX = 64 };

size_t mac_size(enum mac_algorithm a); /* of the result and of KMS's keys for it; 0: no such algorithm */
void mac_compute(enum mac_algorithm a, struct str key, struct str msg, uint8_t out[MAC_SIZE_MAX]);

#endif

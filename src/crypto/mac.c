/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libcrypto's HMAC in one call; algorithms are few and known, so it cannot fail.
 */
#include "crypto/mac.h"

#include "crypto/lib.h"

#include <openssl/hmac.h>

size_t mac_size(enum mac_algorithm a)
{
	static const size_t sizes[MAC_ALGORITHM_COUNT] = { 0, 28, 32, 48, 64 };
	return a >= 1 && a < MAC_ALGORITHM_COUNT ? sizes[a] : 0;
}

void mac_compute(enum mac_algorithm a, struct str key, struct str msg, uint8_t out[MAC_SIZE_MAX])
{
	const EVP_MD *md[MAC_ALGORITHM_COUNT] = { NULL, EVP_sha224(), EVP_sha256(), EVP_sha384(), EVP_sha512() };
	unsigned n = 0;
	crypto_start();
	assert(mac_size(a));
	const unsigned char *done = HMAC(md[a], key.p, (int)key.n, (const unsigned char *)msg.p, msg.n, out, &n);
	assert(done && n == mac_size(a));
}

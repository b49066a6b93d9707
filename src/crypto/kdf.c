/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HKDF (RFC 5869 sections 2.2 and 2.3) on our own HMAC: no context, no allocation.
 */
#include "crypto/kdf.h"

#include "base/str.h"
#include "crypto/hash.h"

void hkdf_sha256(struct str ikm, struct str salt, struct str info, uint8_t *out, size_t n)
{
	uint8_t prk[SHA256_SIZE], t[SHA256_SIZE];
	struct hmac_key k;
	struct hmac m;

	assert(n <= HKDF_MAX);
	hmac_sha256(salt, ikm, prk); /* an empty key is padded with zeros: the RFC's default salt */
	hmac_key_init(&k, str_make(prk, sizeof prk));
	for (uint8_t i = 1; n > 0; i++) {
		hmac_init(&m, &k);
		if (i > 1)
			hmac_update(&m, str_make(t, sizeof t));
		hmac_update(&m, info);
		hmac_update(&m, str_make(&i, 1));
		hmac_final(&m, t);
		size_t take = n < sizeof t ? n : sizeof t;
		memcpy(out, t, take);
		out += take;
		n -= take;
	}
	secret_wipe(prk, sizeof prk);
	secret_wipe(t, sizeof t);
	hmac_key_wipe(&k);
}

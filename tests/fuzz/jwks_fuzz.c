/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A set of keys as an issuer's server sends it: what is kept is bounded, found by its id and
 * of a kind we know.
 */
#include "base/test.h"
#include "wire/jwt.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct jwks *set;
	if (failed(jwks_read(str_make(data, n), &set)))
		return 0;
	EXPECT(jwks_count(set) <= JWKS_MAX);
	for (enum verify_alg alg = VERIFY_RS256; alg <= VERIFY_EDDSA; alg++) {
		const struct verify_key *k = jwks_find(set, S("k"), alg);
		EXPECT(!k || verify_key_alg(k) == alg);
		EXPECT(!jwks_find(set, S(""), alg));
	}
	jwks_unref(set);
	return 0;
}

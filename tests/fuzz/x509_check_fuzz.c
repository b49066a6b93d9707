/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Certificates from strangers: certificate, key and chain, apart by NUL bytes. Whatever is
 * said of them is said twice alike, and what fits with its chain fits without it.
 */
#include "base/str.h"
#include "crypto/x509_check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const int64_t now_ms = 1893456000000; /* 2030-01-01T00:00:00Z */
	struct str chain = str_make(data, n), cert = str_cut(&chain, 0), key = S("");
	struct x509_checked found, again;

	if (chain.p)
		key = str_cut(&chain, 0);
	enum x509_verdict v = x509_check(cert, key, chain, now_ms, &found);
	assert(x509_check(cert, key, chain, now_ms, &again) == v && found.wrong == again.wrong);
	if (v == X509_FITS && chain.p)
		assert(x509_check(cert, key, (struct str){ 0 }, now_ms, &again) == X509_FITS);
	return 0;
}

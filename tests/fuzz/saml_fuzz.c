/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Metadata an administrator pastes, responses a stranger sends. Nothing is at once metadata
 * and a response signed by it, so nothing may be read as one.
 */
#include "base/test.h"
#include "wire/saml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct arena *mem = arena_new();
	struct str in = str_make(data, n);
	struct saml_metadata m = { 0 };
	struct saml_assertion a;
	if (!failed(saml_metadata_read(mem, in, &m)))
		EXPECT(m.issuer.n > 0 && m.certificates.n > 0 && m.certificates.n <= SAML_CERTIFICATES_MAX);
	EXPECT(saml_response_read(mem, in, m.certificates, &a) != SAML_OK);
	arena_free(mem);
	return 0;
}

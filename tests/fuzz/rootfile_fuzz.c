/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The root key file's text: whatever parses is exactly what would be written.
 */
#include "crypto/rootfile.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	uint8_t key[ROOT_KEY_SIZE];
	char text[ROOTFILE_MAX];

	if (failed(rootfile_parse(str_make(data, n), key)))
		return 0;
	assert(rootfile_text(key, text) == n && memcmp(text, data, n) == 0);
	return 0;
}

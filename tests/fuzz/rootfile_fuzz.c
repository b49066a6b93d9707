/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The root key file's text, plain and sealed: whatever parses is exactly what would be written.
 */
#include "base/str.h"
#include "crypto/root_text.h"
#include "crypto/rootfile.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void sealed(struct str text)
{
	struct arena *mem = arena_new();
	struct root_text t;
	struct str bytes;
	uint64_t number;
	if (!failed(root_text_parse(mem, text, &t))) {
		assert(str_eq(root_text_write(&t), text));
		for (size_t i = 0; i < t.n; i++) {
			char *name = str_z(mem, t.v[i].name);
			assert(root_text_get(&t, name).p && root_text_may(t.v[i].value));
			(void)root_text_get_bytes(&t, name, &bytes).code;
			(void)root_text_get_number(&t, name, 1000, &number).code;
		}
	}
	arena_free(mem);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	uint8_t key[ROOT_KEY_SIZE];
	char text[ROOTFILE_MAX];

	sealed(str_make(data, n));
	if (failed(rootfile_parse(str_make(data, n), key)))
		return 0;
	assert(rootfile_text(key, text) == n && memcmp(text, data, n) == 0);
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a policy document to be checked: every finding has a place in the text, in order,
 * and a document without errors compiles.
 */
#include "policy/check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct policy_findings found;
	struct policy *p = NULL;
	bool errors = false;
	if (n == 0)
		return 0;
	struct arena *mem = arena_new();
	struct str text = str_make(data + 1, n - 1);
	enum policy_kind kind = (enum policy_kind)(1 + data[0] % (POLICY_KIND_COUNT - 1));
	policy_check(mem, text, kind, &found);
	(void)policy_kind_guess(mem, text);
	for (size_t i = 0; i < found.n; i++) {
		const struct policy_finding *f = &found.v[i];
		assert(f->begin <= f->end && f->end <= text.n && f->line > 0 && f->column > 0 && f->text.n > 0);
		assert(i == 0 || found.v[i - 1].begin <= f->begin);
		errors |= f->type == FINDING_ERROR;
	}
	if (!errors && !found.cut) {
		assert(!failed(policy_compile(text, kind, &p, NULL)));
		policy_unref(p);
	}
	arena_free(mem);
	return 0;
}

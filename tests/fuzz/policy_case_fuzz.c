/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a file of cases: it is refused in a place of the text, or every case of it can be
 * decided and explained. Files it names are the text itself.
 */
#include "policy/case.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static struct status load(void *arg, struct arena *mem, struct str path, struct str *text)
{
	*text = str_dup(mem, *(const struct str *)arg);
	return path.n % 2 ? OK : ERR(E_NOT_FOUND);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct str text = str_make(data, n);
	struct policy_cases cs = { .mem = arena_new(), .load = load, .arg = &text };
	struct policy_case_error err = { 0 };
	if (failed(policy_cases_read(&cs, S("fuzz"), text, &err)))
		assert(err.why.n > 0 && err.line > 0 && err.column > 0);
	for (size_t i = 0; i < cs.n && err.line == 0; i++) {
		const struct policy_case *c = &cs.v[i];
		struct policy_request rq = policy_case_ask(c, c->actions.v[0], c->resources.v[0]);
		struct policy_names names = policy_cases_names(&cs);
		struct buf out = buf_in(cs.mem);
		struct policy_decision d = policy_decide(&rq), told = policy_explain(cs.mem, &rq, &names, &out);
		assert(d.verdict == told.verdict && d.by == told.by && d.policy == told.policy && out.n > 0);
	}
	policy_cases_free(&cs);
	arena_free(cs.mem);
	return 0;
}

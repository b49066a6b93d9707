/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a pattern and an ARN, parted by the first NUL. Whatever matches part by
 * part must match as one string too; a text fits itself; parsing loses nothing. What is
 * said of patterns holds for UTF-8, as every pattern of a policy is: a literal never
 * begins in the middle of a character, which a '?' before it would take whole.
 */
#include "policy/policy.h"
#include "base/str.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct str text = str_make(data, n), pattern = str_cut(&text, 0);
	struct arn a;
	if (n > 4096 || text.p == NULL)
		return 0;
	bool parts = arn_match(pattern, text), whole = policy_wildcard_match(pattern, text);
	if (str_is_utf8(pattern)) {
		assert(!parts || whole);
		assert(!whole || policy_wildcard_match_ci(pattern, text));
	}
	assert(policy_wildcard_match(S("*"), text));
	if (str_find_char(text, '*') == SIZE_MAX && str_find_char(text, '?') == SIZE_MAX)
		assert(policy_wildcard_match(text, text));
	if (!failed(arn_parse(text, &a))) {
		assert(a.partition.n + a.service.n + a.region.n + a.account.n + a.resource.n + 8 == text.n);
		(void)account_id_is(a.account);
	}
	return 0;
}

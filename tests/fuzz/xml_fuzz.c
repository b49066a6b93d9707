/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as an XML request. What decodes must, re-encoded, decode again and encode to
 * the same text.
 */
#include "wire/constraint.h"
#include "wire/testing.h"
#include "wire/xml.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct arena *mem = arena_new();
	struct patterns *patterns = patterns_new();
	struct decode d = decode_in(mem);
	struct all a = { 0 }, b = { 0 };
	struct str any = { NULL, 0 }, message;
	if (!failed(xml_decode(&d, &t_all, any, str_make(p, n), &a)) &&
	    !failed(constraint_check(&d, patterns, &t_all, &a, &message))) {
		struct buf one = buf_in(mem), two = buf_in(mem);
		xml_element(&one, S("All"), S(""), &t_all, &a, XML_ISO_MS);
		EXPECT_OK(xml_decode(&d, &t_all, S("All"), buf_str(&one), &b));
		xml_element(&two, S("All"), S(""), &t_all, &b, XML_ISO_MS);
		EXPECT_STR(buf_str(&two), buf_str(&one));
	}
	patterns_free(patterns);
	arena_free(mem);
	return 0;
}

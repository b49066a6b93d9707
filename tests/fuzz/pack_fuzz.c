/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a stored struct: refused, or understood and packed to a stable form.
 */
#include "wire/pack.h"
#include "wire/testing.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct arena *mem = arena_new();
	struct all a = { 0 }, b = { 0 };
	if (!failed(unpack(mem, &t_all, str_make(p, n), &a))) {
		struct buf one = buf_in(mem), two = buf_in(mem);
		pack(&one, &t_all, &a);
		EXPECT_OK(unpack(mem, &t_all, buf_str(&one), &b));
		pack(&two, &t_all, &b);
		EXPECT_STR(buf_str(&two), buf_str(&one));
	}
	arena_free(mem);
	return 0;
}

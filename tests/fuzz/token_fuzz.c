/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages between serve and a token's process, read as either side: what reads well is
 * within the bounds its reader relies on, and writes back as it was.
 */
#include "base/buf.h"
#include "base/str.h"
#include "crypto/token.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void as_call(struct str bytes, struct arena *mem)
{
	struct token_call c;
	uint32_t number;
	if (failed(token_call_read(bytes, &number, &c)))
		return;
	assert(c.op >= TOKEN_OPEN && c.op < TOKEN_OPS && c.size <= TOKEN_TEXT_MAX && c.key.n <= TOKEN_KEY_MAX);
	assert(c.pin.n <= TOKEN_PIN_MAX && c.module.n <= TOKEN_PATH_MAX && c.label.n <= TOKEN_LABEL_MAX);
	struct buf b = buf_in(mem);
	token_call_write(&b, number, &c);
	assert(str_eq(buf_str(&b), bytes) && b.n <= TOKEN_MESSAGE_MAX);
}

static void as_answer(struct str bytes, struct arena *mem)
{
	struct token_answer a;
	uint32_t number;
	if (failed(token_answer_read(bytes, &number, &a)))
		return;
	assert(a.result < TOKEN_RESULTS && a.plain.n <= TOKEN_TEXT_MAX);
	struct buf b = buf_in(mem);
	token_answer_write(&b, number, &a);
	assert(str_eq(buf_str(&b), bytes) && b.n <= TOKEN_MESSAGE_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct arena *mem = arena_new();
	as_call(str_make(data, n), mem);
	as_answer(str_make(data, n), mem);
	arena_free(mem);
	return 0;
}

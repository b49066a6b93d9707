/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls to a token and their answers as bytes. Both sides distrust the other: serve a
 * process that runs a stranger's module, the process whoever took over serve. So every
 * length is checked against what such a text may be, not only against the message's end.
 */
#include "crypto/token.h"

#include "base/buf.h"
#include "base/str.h"

const char *token_result_name(enum token_result r)
{
	static const char *const names[] = { "done",   "no such token", "wrong PIN", "PIN locked",
					     "cannot", "no such key",   "bad input", "broken" };
	return r < COUNT(names) ? names[r] : "?";
}

static void put_text(struct buf *b, struct str s)
{
	buf_be32(b, (uint32_t)s.n);
	buf_put(b, s);
}

static struct str take_text(struct rd *r, size_t max)
{
	uint32_t n = rd_be32(r);
	if (n > max)
		r->bad = true;
	return r->bad ? (struct str){ 0 } : rd_bytes(r, n);
}

void token_call_write(struct buf *b, uint32_t number, const struct token_call *c)
{
	buf_be32(b, number);
	buf_byte(b, (char)c->op);
	buf_be32(b, c->size);
	put_text(b, c->module);
	put_text(b, c->label);
	put_text(b, c->pin);
	put_text(b, c->key);
	put_text(b, c->aad);
	put_text(b, c->input);
}

struct status token_call_read(struct str bytes, uint32_t *number, struct token_call *out)
{
	struct rd r = rd_of(bytes);
	struct token_call c = { 0 };
	uint32_t n = rd_be32(&r);
	uint8_t op = rd_u8(&r);
	c.size = rd_be32(&r);
	c.module = take_text(&r, TOKEN_PATH_MAX);
	c.label = take_text(&r, TOKEN_LABEL_MAX);
	c.pin = take_text(&r, TOKEN_PIN_MAX);
	c.key = take_text(&r, TOKEN_KEY_MAX);
	c.aad = take_text(&r, TOKEN_TEXT_MAX);
	c.input = take_text(&r, TOKEN_TEXT_MAX + TOKEN_SEAL_OVERHEAD);
	if (r.bad || !rd_end(&r) || op < TOKEN_OPEN || op >= TOKEN_OPS || c.size > TOKEN_TEXT_MAX)
		return ERR(E_INVALID);
	c.op = (enum token_op)op;
	*number = n;
	*out = c;
	return OK;
}

void token_answer_write(struct buf *b, uint32_t number, const struct token_answer *a)
{
	buf_be32(b, number);
	buf_byte(b, (char)a->result);
	put_text(b, a->out);
	put_text(b, a->plain);
}

struct status token_answer_read(struct str bytes, uint32_t *number, struct token_answer *out)
{
	struct rd r = rd_of(bytes);
	uint32_t n = rd_be32(&r);
	uint8_t result = rd_u8(&r);
	struct str text = take_text(&r, TOKEN_TEXT_MAX + TOKEN_SEAL_OVERHEAD), plain = take_text(&r, TOKEN_TEXT_MAX);
	if (r.bad || !rd_end(&r) || result >= TOKEN_RESULTS)
		return ERR(E_INVALID);
	*number = n;
	*out = (struct token_answer){ (enum token_result)result, text, plain };
	return OK;
}

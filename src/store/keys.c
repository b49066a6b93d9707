/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Building and taking apart ordered keys; keys.h has the form.
 *
 * Why 0x00 0xff and 0x00 0x00: after equal beginnings the shorter string meets its end,
 * 0x00 0x00, where the longer one has either a byte above 0x00 or 0x00 0xff. Both are larger.
 */
#include "store/keys.h"

#include "base/str.h"

void key_tag(struct buf *b, char tag)
{
	assert((uint8_t)tag != 0xff);
	buf_byte(b, tag);
}

void key_str_prefix(struct buf *b, struct str s)
{
	while (s.n > 0) {
		size_t run = str_find_char(s, '\0');
		if (run == SIZE_MAX) {
			buf_put(b, s);
			return;
		}
		buf_put(b, str_sub(s, 0, run));
		buf_put(b, S("\0\xff"));
		s = str_from(s, run + 1);
	}
}

void key_str(struct buf *b, struct str s)
{
	key_str_prefix(b, s);
	buf_put(b, S("\0\0"));
}

void key_u64(struct buf *b, uint64_t v) { buf_be64(b, v); }

void key_desc(struct buf *b, uint64_t v) { buf_be64(b, ~v); }

struct str key_of(struct arena *mem, char tag, struct str a, struct str b, struct str c)
{
	struct buf out = buf_in(mem);
	key_tag(&out, tag);
	const struct str parts[] = { a, b, c };
	for (size_t i = 0; i < COUNT(parts) && parts[i].p; i++)
		key_str(&out, parts[i]);
	return buf_str(&out);
}

char key_take_tag(struct rd *r) { return (char)rd_u8(r); }

uint64_t key_take_u64(struct rd *r) { return rd_be64(r); }

uint64_t key_take_desc(struct rd *r)
{
	uint64_t v = rd_be64(r);
	return r->bad ? 0 : ~v;
}

/* Finds the end of the string at r and moves r past it; *escapes counts the zero bytes in it. False: no such end. */
static bool str_end(struct rd *r, struct str *raw, size_t *escapes)
{
	const char *start = r->p;
	*escapes = 0;
	for (const char *p = start; r->end - p >= 2; p++) {
		if (*p != 0)
			continue;
		if (p[1] == 0) {
			*raw = str_make(start, (size_t)(p - start));
			r->p = p + 2;
			return true;
		}
		if ((uint8_t)p[1] != 0xff)
			return false;
		++*escapes;
		p++;
	}
	return false;
}

struct str key_take_str(struct rd *r, struct arena *mem)
{
	struct str raw;
	size_t escapes;
	if (r->bad || !str_end(r, &raw, &escapes)) {
		r->bad = true;
		return S("");
	}
	if (escapes == 0)
		return raw;
	char *out = NEWS(mem, char, raw.n - escapes);
	size_t n = 0;
	for (size_t i = 0; i < raw.n; i++) {
		out[n++] = raw.p[i];
		if (raw.p[i] == 0)
			i++; /* its 0xff */
	}
	return str_make(out, n);
}

struct str key_after_prefix(struct arena *mem, struct str prefix)
{
	size_t n = prefix.n;
	while (n > 0 && (uint8_t)prefix.p[n - 1] == 0xff)
		n--;
	if (n == 0)
		return S("\xff");
	char *out = NEWS(mem, char, n);
	memcpy(out, prefix.p, n);
	out[n - 1] = (char)((uint8_t)out[n - 1] + 1);
	return str_make(out, n);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/root_text.h"

#include "base/buf.h"
#include "base/codec.h"
#include "base/str.h"
#include "crypto/hash.h"

static const char first[] = "holdfast sealed root key, version 1\n";
static const char second[] = "Opens with what the next line names. Keep a copy.\n";

enum { CHECK = 16 };

bool root_text_may(struct str value)
{
	for (size_t i = 0; i < value.n; i++)
		if ((unsigned char)value.p[i] < ' ' || value.p[i] == 127)
			return false;
	return value.n > 0 && value.n < ROOT_TEXT_MAX / 4;
}

void root_text_put(struct root_text *t, const char *name, struct str value)
{
	assert(t->n < ROOT_FIELDS_MAX && root_text_may(value));
	t->v[t->n].name = str_of(name);
	t->v[t->n++].value = value;
}

void root_text_put_bytes(struct root_text *t, const char *name, struct str bytes)
{
	root_text_put(t, name, base64_encode(t->mem, bytes));
}

void root_text_put_number(struct root_text *t, const char *name, uint64_t v)
{
	root_text_put(t, name, arena_printf(t->mem, "%llu", (unsigned long long)v));
}

struct str root_text_get(const struct root_text *t, const char *name)
{
	for (size_t i = 0; i < t->n; i++)
		if (str_eq(t->v[i].name, str_of(name)))
			return t->v[i].value;
	return (struct str){ 0 };
}

struct status root_text_get_bytes(const struct root_text *t, const char *name, struct str *out)
{
	struct str text = root_text_get(t, name);
	return text.p && !failed(base64_decode(t->mem, text, out)) ? OK : ERR(E_INVALID);
}

struct status root_text_get_number(const struct root_text *t, const char *name, uint64_t max, uint64_t *out)
{
	struct str text = root_text_get(t, name);
	uint64_t v;
	if (!text.p || !str_to_u64(text, &v) || v > max)
		return ERR(E_INVALID);
	*out = v;
	return OK;
}

static void put_above(struct buf *b, const struct root_text *t, struct str name)
{
	buf_z(b, first);
	buf_z(b, second);
	for (size_t i = 0; i < t->n && !str_eq(t->v[i].name, name); i++)
		buf_printf(b, "%.*s %.*s\n", PR(t->v[i].name), PR(t->v[i].value));
}

struct str root_text_above(const struct root_text *t, const char *name)
{
	struct buf b = buf_in(t->mem);
	put_above(&b, t, str_of(name));
	return buf_str(&b);
}

struct str root_text_write(const struct root_text *t)
{
	struct buf b = buf_in(t->mem);
	uint8_t sum[SHA256_SIZE];
	put_above(&b, t, S("check"));
	sha256(buf_str(&b), sum);
	buf_z(&b, "check ");
	hex_put(&b, str_make(sum, CHECK));
	buf_byte(&b, '\n');
	return buf_str(&b);
}

bool root_text_is(struct str text) { return str_starts(text, str_make(first, sizeof first - 1)); }

struct status root_text_parse(struct arena *mem, struct str text, struct root_text *out)
{
	struct root_text t = { .mem = mem };
	struct str rest = text;

	if (!root_text_is(text) || text.n > ROOT_TEXT_MAX)
		return ERR(E_INVALID);
	(void)str_cut(&rest, '\n');
	if (!rest.p)
		return ERR(E_INVALID);
	(void)str_cut(&rest, '\n');
	while (rest.p && rest.n && !str_starts(rest, S("check "))) {
		struct str value = str_cut(&rest, '\n'), name = str_cut(&value, ' ');
		if (t.n == ROOT_FIELDS_MAX || !name.n || !value.p || !root_text_may(value))
			return ERR(E_INVALID);
		t.v[t.n].name = name;
		t.v[t.n++].value = value;
	}
	if (!str_eq(root_text_write(&t), text)) /* check, line ends and the first lines at once */
		return ERR(E_INVALID);
	*out = t;
	return OK;
}

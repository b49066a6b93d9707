/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A walk is a cursor over row keys. After a common prefix it is set behind everything that
 * begins with it.
 */
#include "svc/s3/listing.h"

#include "base/codec.h"
#include "base/str.h"

enum { TOKEN_VERSION = '1' };

/* The key range of the prefix; key_str_prefix leaves the string open. */
static struct str open_key(struct arena *mem, char tag, struct str start)
{
	struct buf b = buf_in(mem);
	key_tag(&b, tag);
	key_str_prefix(&b, start);
	return buf_str(&b);
}

/* The least row key that is behind `after`. */
static struct str behind(struct s3_walk *w)
{
	struct buf b = buf_in(w->mem);
	key_tag(&b, w->tag);
	key_str(&b, w->after);
	if (w->after_sub.p)
		key_str(&b, w->after_sub);
	return key_after_prefix(w->mem, buf_str(&b));
}

/* The common prefix the key belongs to; p == NULL: it stands for itself. */
static struct str common_of(const struct s3_walk *w, struct str key)
{
	if (!w->delimiter.n)
		return (struct str){ 0 };
	struct str rest = str_from(key, w->prefix.n);
	size_t at = str_find(rest, w->delimiter);
	return at == SIZE_MAX ? (struct str){ 0 } : str_sub(key, 0, w->prefix.n + at + w->delimiter.n);
}

static struct str start_of(struct s3_walk *w)
{
	if (!w->after.p)
		return (struct str){ 0 };
	struct str common = str_starts(w->after, w->prefix) ? common_of(w, w->after) : (struct str){ 0 };
	if (common.p && common.n == w->after.n) /* the page before ended with this common prefix */
		return key_after_prefix(w->mem, open_key(w->mem, w->tag, common));
	return behind(w);
}

struct status s3_walk_begin(struct req *rq, struct txn *t, struct s3_walk *w)
{
	w->mem = rq->mem;
	struct range r = { .prefix = open_key(w->mem, w->tag, w->prefix),
			   .from = start_of(w),
			   .keys_only = w->keys_only };
	return txn_range(t, &r, &w->c);
}

static bool step(struct s3_walk *w)
{
	if (w->skip)
		cursor_seek(&w->c, key_after_prefix(w->mem, open_key(w->mem, w->tag, w->common)));
	w->skip = false;
	return cursor_next(&w->c);
}

bool s3_walk_next(struct s3_walk *w)
{
	if (w->max == 0 || !step(w))
		return false;
	if (w->n == w->max) {
		w->truncated = true;
		return false;
	}
	struct rd r = rd_of(w->c.key);
	(void)key_take_tag(&r);
	struct str key = str_dup(w->mem, key_take_str(&r, w->mem));
	w->sub = rd_end(&r) ? (struct str){ 0 } : str_dup(w->mem, key_take_str(&r, w->mem));
	w->val = w->c.val;
	w->common = common_of(w, key);
	w->key = w->common.p ? (struct str){ 0 } : key;
	w->skip = w->common.p != NULL;
	w->n++;
	return true;
}

struct status s3_walk_end(struct s3_walk *w) { return cursor_end(&w->c); }

struct status s3_page_size(struct req *rq, struct opt_int given, const char *name, size_t *out)
{
	if (given.set && (given.v < 0 || given.v > INT32_MAX))
		return s3_fail_argument(rq, "Argument maxKeys must be an integer between 0 and 2147483647", name,
					arena_printf(rq->mem, "%lld", (long long)given.v));
	*out = !given.set || given.v > S3_PAGE_MAX ? S3_PAGE_MAX : (size_t)given.v;
	return OK;
}

struct str s3_key_shown(struct req *rq, enum s3_encoding_type e, struct str key)
{
	return e == S3_ENCODING_TYPE_URL && key.p ? uri_encode(rq->mem, key, true) : key;
}

struct str s3_token_make(struct arena *mem, struct str after)
{
	struct buf b = buf_in(mem);
	buf_byte(&b, TOKEN_VERSION);
	buf_put(&b, after);
	return base64url_encode(mem, buf_str(&b));
}

struct status s3_token_read(struct arena *mem, struct str token, struct str *after)
{
	struct str bytes;
	TRY(base64url_decode(mem, token, &bytes));
	if (bytes.n < 1 || bytes.n > 1 + S3_KEY_MAX || bytes.p[0] != TOKEN_VERSION)
		return ERR(E_INVALID);
	*after = str_from(bytes, 1);
	return OK;
}

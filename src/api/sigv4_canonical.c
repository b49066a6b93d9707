/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The canonical request and the string to sign (IAM User Guide, "Create a signed AWS API
 * request"): the one text that client and server must agree on, byte for byte.
 *
 * What comes in is hostile: sorting is n log n, headers are found by binary search, and
 * nothing here recurses. The common request (no query, names already in order) is one
 * pass and copies each byte once.
 */
#include "api/sigv4_int.h"

#include "base/buf.h"
#include "base/codec.h"
#include "base/str.h"

static bool unreserved(char c) { return char_alnum(c) || c == '-' || c == '_' || c == '.' || c == '~'; }

static bool hex_upper(char c) { return char_digit(c) || (c >= 'A' && c <= 'F'); }

static unsigned hex_value(char c) { return (unsigned)(char_digit(c) ? c - '0' : c - 'A' + 10); }

/* True when decoding and encoding s would give s again: then it need not be copied. */
static bool is_canonical(struct str s, bool keep_slash)
{
	for (size_t i = 0; i < s.n; i++) {
		if (unreserved(s.p[i]) || (keep_slash && s.p[i] == '/'))
			continue;
		if (s.p[i] != '%' || s.n - i < 3 || !hex_upper(s.p[i + 1]) || !hex_upper(s.p[i + 2]))
			return false;
		char c = (char)(hex_value(s.p[i + 1]) << 4 | hex_value(s.p[i + 2]));
		if (unreserved(c) || (keep_slash && c == '/'))
			return false;
		i += 2;
	}
	return true;
}

/* Bytes as UriEncode writes them, whatever way the client escaped them. A broken escape stands for itself. */
static struct str canonical_part(struct arena *mem, struct str s, bool plus_is_space, bool keep_slash)
{
	if (is_canonical(s, keep_slash))
		return s;
	struct str plain;
	if (failed(uri_decode(mem, s, plus_is_space, &plain)))
		plain = s;
	return uri_encode(mem, plain, keep_slash);
}

static bool pair_less(const struct http_pair *a, const struct http_pair *b)
{
	int c = str_cmp(a->name, b->name);
	return c ? c < 0 : str_cmp(a->value, b->value) < 0;
}

static void insertion_sort(struct http_pair *v, size_t n)
{
	for (size_t i = 1; i < n; i++) {
		struct http_pair x = v[i];
		size_t j = i;
		for (; j > 0 && pair_less(&x, &v[j - 1]); j--)
			v[j] = v[j - 1];
		v[j] = x;
	}
}

static void merge(struct http_pair *to, const struct http_pair *a, size_t na, const struct http_pair *b, size_t nb)
{
	while (na && nb) {
		bool second = pair_less(b, a);
		*to++ = second ? *b++ : *a++;
		*(second ? &nb : &na) -= 1;
	}
	for (; na; na--)
		*to++ = *a++;
	for (; nb; nb--)
		*to++ = *b++;
}

/* Runs of 16 by insertion, then merged bottom up between v and a scratch array. */
void sigv4_sort(struct arena *mem, struct http_pair *v, size_t n)
{
	enum { RUN = 16 };
	for (size_t i = 0; i < n; i += RUN)
		insertion_sort(v + i, n - i < RUN ? n - i : RUN);
	if (n <= RUN)
		return;
	struct http_pair *from = v, *to = NEWS(mem, struct http_pair, n);
	for (size_t width = RUN; width < n; width *= 2) {
		for (size_t i = 0; i < n; i += 2 * width) {
			size_t na = n - i < width ? n - i : width;
			size_t nb = n - i - na < width ? n - i - na : width;
			merge(to + i, from + i, na, from + i + na, nb);
		}
		struct http_pair *t = from;
		from = to;
		to = t;
	}
	if (from != v)
		memcpy(v, from, n * sizeof *v);
}

struct http_pair *sigv4_query(struct arena *mem, struct str raw, size_t *count)
{
	size_t room = 1, n = 0;
	for (size_t i = 0; i < raw.n; i++)
		room += raw.p[i] == '&';
	struct http_pair *v = NEWS(mem, struct http_pair, room);
	for (struct str rest = raw; rest.p && rest.n;) {
		struct str value, name = str_cut(&rest, '&');
		if (name.n == 0)
			continue;
		value = name;
		name = str_cut(&value, '=');
		v[n++] = (struct http_pair){ canonical_part(mem, name, true, false),
					     value.p ? canonical_part(mem, value, true, false) : S("") };
	}
	*count = n;
	return v;
}

static void put_query(struct buf *b, struct str raw, bool presigned)
{
	if (raw.n == 0)
		return;
	size_t n;
	struct http_pair *q = sigv4_query(b->mem, raw, &n);
	sigv4_sort(b->mem, q, n);
	const char *between = "";
	for (size_t i = 0; i < n; i++) {
		if (presigned && str_eq(q[i].name, S("X-Amz-Signature")))
			continue;
		buf_z(b, between);
		buf_put(b, q[i].name);
		buf_byte(b, '=');
		buf_put(b, q[i].value);
		between = "&";
	}
}

/* "." and ".." and empty segments taken away (RFC 3986 5.2.4); a slash at the end stays. */
static struct str normal_path(struct arena *mem, struct str path)
{
	struct str *seg = NEWS(mem, struct str, path.n + 1);
	size_t n = 0;
	for (struct str rest = path; rest.p;) {
		struct str s = str_cut(&rest, '/');
		if (str_eq(s, S("..")))
			n -= n > 0;
		else if (s.n && !str_eq(s, S(".")))
			seg[n++] = s;
	}
	struct buf b = buf_in(mem);
	for (size_t i = 0; i < n; i++) {
		buf_byte(&b, '/');
		buf_put(&b, seg[i]);
	}
	if (n == 0 || path.p[path.n - 1] == '/')
		buf_byte(&b, '/');
	return buf_str(&b);
}

static bool needs_normalising(struct str path)
{
	for (size_t i = 0; i < path.n; i++)
		if (path.p[i] == '/' && i + 1 < path.n && (path.p[i + 1] == '/' || path.p[i + 1] == '.'))
			return true;
	return path.n == 0 || path.p[0] != '/';
}

static void put_path(struct buf *b, struct str path, bool s3)
{
	if (path.n == 0)
		buf_byte(b, '/');
	else if (s3)
		buf_put(b, canonical_part(b->mem, path, false, true));
	else
		uri_put(b, needs_normalising(path) ? normal_path(b->mem, path) : path, true);
}

struct str_names sigv4_names(struct arena *mem, struct str signed_headers)
{
	size_t room = 1, n = 0;
	for (size_t i = 0; i < signed_headers.n; i++)
		room += signed_headers.p[i] == ';';
	struct str *v = NEWS(mem, struct str, room);
	for (struct str rest = signed_headers; rest.p;)
		v[n++] = str_cut(&rest, ';');
	return (struct str_names){ v, n };
}

static int compare_folded(struct str lower, struct str any)
{
	size_t n = lower.n < any.n ? lower.n : any.n;
	for (size_t i = 0; i < n; i++) {
		unsigned char a = (unsigned char)lower.p[i], c = (unsigned char)char_lower(any.p[i]);
		if (a != c)
			return a < c ? -1 : 1;
	}
	return lower.n < any.n ? -1 : lower.n > any.n;
}

size_t sigv4_name_at(const struct str_names *names, struct str header)
{
	size_t lo = 0, hi = names->n;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		int c = compare_folded(names->v[mid], header);
		if (c == 0)
			return mid;
		if (c < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return SIZE_MAX;
}

static bool blank(char c) { return c == ' ' || c == '\t'; }

/* Trimmed, and each run of blanks inside as one space. */
static void put_value(struct buf *b, struct str value)
{
	struct str s = str_trim(value);
	char *to = buf_room(b, s.n);
	size_t n = 0;
	for (size_t i = 0; i < s.n; i++) {
		bool gap = blank(s.p[i]);
		if (!gap || !blank(s.p[i - 1])) /* i > 0 where it is blank: s is trimmed */
			to[n++] = gap ? ' ' : s.p[i];
	}
	buf_took(b, n);
}

/* Each signed header on a line, repeated ones joined with commas in the order they came; one that is not there is
 * empty. Headers of one name are chained through `next`, so that this stays linear in their number. */
static void put_headers(struct buf *b, const struct http_pairs *headers, struct str signed_headers)
{
	struct str_names names = sigv4_names(b->mem, signed_headers);
	size_t *first = NEWS(b->mem, size_t, names.n), *last = NEWS(b->mem, size_t, names.n);
	size_t *next = NEWS(b->mem, size_t, headers->n + 1); /* indices from 1; 0: none */
	for (size_t i = 0; i < headers->n; i++) {
		size_t at = sigv4_name_at(&names, headers->v[i].name);
		if (at == SIZE_MAX)
			continue;
		*(last[at] ? &next[last[at]] : &first[at]) = i + 1;
		last[at] = i + 1;
	}
	for (size_t k = 0; k < names.n; k++) {
		buf_put(b, names.v[k]);
		buf_byte(b, ':');
		for (size_t i = first[k]; i; i = next[i]) {
			if (i != first[k])
				buf_byte(b, ',');
			put_value(b, headers->v[i - 1].value);
		}
		buf_byte(b, '\n');
	}
}

struct str sigv4_canonical(struct arena *mem, const struct sigv4_request *rq, const struct sigv4_auth *auth,
			   enum sigv4_family family)
{
	struct buf b = buf_in(mem);
	buf_room(&b, rq->path.n + rq->query.n + 1024); /* grown once, not step by step */
	buf_put(&b, rq->method);
	buf_byte(&b, '\n');
	put_path(&b, rq->path, family == SIGV4_S3);
	buf_byte(&b, '\n');
	put_query(&b, rq->query, auth->form == SIGV4_PRESIGNED);
	buf_byte(&b, '\n');
	put_headers(&b, &rq->headers, auth->signed_headers);
	buf_byte(&b, '\n');
	buf_put(&b, auth->signed_headers);
	buf_byte(&b, '\n');
	buf_put(&b, auth->payload_hash);
	return buf_str(&b);
}

struct str sigv4_to_sign(struct arena *mem, const struct sigv4_auth *auth, struct str canonical)
{
	char hash[2 * SHA256_SIZE];
	sha256_hex(canonical, hash);
	struct buf b = buf_in(mem);
	buf_room(&b, 256);
	buf_put(&b, S("AWS4-HMAC-SHA256\n"));
	buf_put(&b, auth->amz_date);
	buf_byte(&b, '\n');
	buf_put(&b, auth->scope);
	buf_byte(&b, '\n');
	buf_put(&b, str_make(hash, sizeof hash));
	return buf_str(&b);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The header of a request, held to RFC 9112 before anyone acts on it.
 *
 * libmicrohttpd 0.9.75 is lenient: it takes a bare LF for a line end, cuts at a NUL, glues
 * folded lines to the wrong place and reads the first of two Content-Lengths. But it parses
 * in place: method, target, version, names and values lie in its buffer in the order in
 * which they came, each delimiter overwritten by NULs. So the gaps between them tell what
 * the delimiters were:
 *
 *     GET.0/bucket/key?x=1.0HTTP/1.1.00Host.0 127.0.0.1.00Accept.0*...*.00.00
 *     │    │                │          │       │           header_size ends here ┘
 *     method uri            version    name    value
 *
 * One NUL after method and target, two (CR LF) after the version and each value, two more
 * at the end. Whatever does not lie so was not sent so, and is refused with 400. This leans
 * on how that version lays out memory; with another one every request would be refused, and
 * the tests would say so.
 *
 * The block is copied whole into the request's arena: the fiber may outlive the connection.
 */
#include "base/str.h"
#include "wire/http_conn.h"

enum { HTTP_OK = 0, VERSION_LENGTH = 8 };

/* Walks the headers in the order in which they came. `at` is where the next must begin. */
struct walk {
	struct request *rq;
	const char *base, *at;
	const char *copy; /* of the block that starts at base */
	struct http_pair *v;
	size_t n, max;
	unsigned refuse;
};

static bool is_token(struct str s)
{
	static const char others[] = "!#$%&'*+-.^_`|~";
	for (size_t i = 0; i < s.n; i++)
		if (!char_alnum(s.p[i]) && (s.p[i] == 0 || !strchr(others, s.p[i])))
			return false;
	return s.n > 0;
}

static bool is_field_text(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];
		if ((c < 0x20 && c != '\t') || c == 0x7f)
			return false;
	}
	return true;
}

static bool is_target_text(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] <= 0x20 || s.p[i] == 0x7f)
			return false;
	return s.n > 0;
}

/* The same bytes in the copy. */
static struct str moved(const struct walk *w, const char *p, size_t n) { return str_make(w->copy + (p - w->base), n); }

static enum MHD_Result take_header(void *cls, enum MHD_ValueKind kind, const char *name, size_t name_n,
				   const char *value, size_t value_n)
{
	(void)kind;
	struct walk *w = cls;
	struct str key = { name, name_n }, text = { value, value_n };
	if (w->n == w->max) {
		w->refuse = MHD_HTTP_REQUEST_HEADER_FIELDS_TOO_LARGE;
		return MHD_NO;
	}
	if (name != w->at || value < name + name_n + 1 || !is_token(key) || !is_field_text(text)) {
		w->refuse = MHD_HTTP_BAD_REQUEST;
		return MHD_NO;
	}
	w->at = value + value_n + 2;
	w->v[w->n].name = key;
	w->v[w->n++].value = str_trim(text);
	return MHD_YES;
}

static size_t header_size(struct request *rq)
{
	const union MHD_ConnectionInfo *info =
	    MHD_get_connection_info(rq->mhd, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
	return info ? info->header_size : 0;
}

/* Method, target and version: contiguous, and of the right form. */
static unsigned vet_line(struct request *rq, const char *method, const char *version)
{
	struct http_req *pub = &rq->pub;
	pub->method = str_of(method);
	if (rq->uri != method + pub->method.n + 1 || version != rq->uri + pub->target.n + 1)
		return MHD_HTTP_BAD_REQUEST;
	if (!is_token(pub->method) || !is_target_text(pub->target))
		return MHD_HTTP_BAD_REQUEST;
	if (strcmp(version, "HTTP/1.1") != 0 && strcmp(version, "HTTP/1.0") != 0)
		return MHD_HTTP_HTTP_VERSION_NOT_SUPPORTED;
	pub->http_1_0 = version[VERSION_LENGTH - 1] == '0';
	return HTTP_OK;
}

static unsigned vet_headers(struct request *rq, const char *method, const char *version)
{
	size_t size = header_size(rq);
	if (size > rq->server->limits.header_bytes)
		return MHD_HTTP_REQUEST_HEADER_FIELDS_TOO_LARGE;
	int held = MHD_get_connection_values(rq->mhd, MHD_HEADER_KIND, NULL, NULL);
	if (held < 0 || (size_t)held > rq->server->limits.headers)
		return MHD_HTTP_REQUEST_HEADER_FIELDS_TOO_LARGE;

	struct walk w = { .rq = rq, .base = method, .at = version + VERSION_LENGTH + 2, .max = (size_t)held };
	w.v = NEWS(rq->mem, struct http_pair, w.max + 1);
	MHD_get_connection_values_n(rq->mhd, MHD_HEADER_KIND, take_header, &w);
	if (w.refuse)
		return w.refuse;
	if (w.at + 2 != method + size)
		return MHD_HTTP_BAD_REQUEST;

	w.copy = str_dup(rq->mem, str_make(method, size)).p;
	rq->pub.method = moved(&w, method, rq->pub.method.n);
	for (size_t i = 0; i < w.n; i++) {
		w.v[i].name = moved(&w, w.v[i].name.p, w.v[i].name.n);
		w.v[i].value = moved(&w, w.v[i].value.p, w.v[i].value.n);
	}
	rq->pub.headers = (struct http_pairs){ w.v, w.n };
	return HTTP_OK;
}

/* target is "/path?query", "*", or "scheme://authority/path?query" (RFC 9112, 3.2). */
static unsigned vet_target(struct http_req *pub)
{
	struct str rest = pub->target;
	if (rest.p[0] != '/' && !str_eq(rest, S("*"))) {
		size_t at = str_find(rest, S("://"));
		if (at == SIZE_MAX || at == 0 || str_find_char(rest, '/') < at || str_find_char(rest, '?') < at)
			return MHD_HTTP_BAD_REQUEST;
		rest = str_from(rest, at + 3);
		size_t slash = str_find_char(rest, '/'), ask = str_find_char(rest, '?');
		if (slash == 0 || ask < slash)
			return MHD_HTTP_BAD_REQUEST;
		rest = slash == SIZE_MAX ? S("/") : str_from(rest, slash);
	}
	size_t ask = str_find_char(rest, '?');
	pub->path = str_sub(rest, 0, ask == SIZE_MAX ? rest.n : ask);
	if (ask != SIZE_MAX)
		pub->query = str_make(rest.p + ask + 1, rest.n - ask - 1);
	return HTTP_OK;
}

/* What is said about the body must be said once and in one way (RFC 9112, 6.1 and 6.3). */
struct framing {
	size_t hosts, lengths, encodings, expects;
	struct str length, encoding, expect;
};

static void note(const struct http_pair *h, struct str name, size_t *n, struct str *value)
{
	if (h->name.n == name.n && str_eq_ci(h->name, name)) {
		++*n;
		*value = h->value;
	}
}

static struct framing framing_of(const struct http_req *pub)
{
	struct framing f = { 0 };
	struct str host;
	for (size_t i = 0; i < pub->headers.n; i++) {
		const struct http_pair *h = &pub->headers.v[i];
		note(h, S("Host"), &f.hosts, &host);
		note(h, S("Content-Length"), &f.lengths, &f.length);
		note(h, S("Transfer-Encoding"), &f.encodings, &f.encoding);
		note(h, S("Expect"), &f.expects, &f.expect);
	}
	return f;
}

static unsigned vet_framing(struct request *rq)
{
	struct http_req *pub = &rq->pub;
	struct framing f = framing_of(pub);
	if (f.hosts > 1 || (f.hosts == 0 && !pub->http_1_0) || f.expects > 1)
		return MHD_HTTP_BAD_REQUEST;
	if (f.lengths + f.encodings > 1 || (f.encodings && pub->http_1_0))
		return MHD_HTTP_BAD_REQUEST;
	if (f.encodings && !str_eq_ci(f.encoding, S("chunked")))
		return MHD_HTTP_NOT_IMPLEMENTED;
	pub->content_length = f.encodings ? -1 : 0;
	if (f.lengths && !str_to_i64(f.length, &pub->content_length))
		return MHD_HTTP_BAD_REQUEST;
	if (pub->content_length < -1 || (f.lengths && !char_digit(f.length.p[0])))
		return MHD_HTTP_BAD_REQUEST;
	if (pub->content_length > rq->server->limits.body_bytes)
		return MHD_HTTP_CONTENT_TOO_LARGE;
	if (f.expects && !str_eq_ci(f.expect, S("100-continue")))
		return MHD_HTTP_EXPECTATION_FAILED;
	rq->expects = f.expects && !pub->http_1_0;
	return HTTP_OK;
}

unsigned request_vet(struct request *rq, const char *method, const char *version)
{
	unsigned refuse = vet_line(rq, method, version);
	if (!refuse)
		refuse = vet_headers(rq, method, version);
	if (!refuse)
		refuse = vet_target(&rq->pub);
	if (!refuse)
		refuse = vet_framing(rq);
	return refuse;
}

struct str http_header(const struct http_req *req, struct str name)
{
	for (size_t i = 0; i < req->headers.n; i++)
		if (req->headers.v[i].name.n == name.n && str_eq_ci(req->headers.v[i].name, name))
			return req->headers.v[i].value;
	return (struct str){ 0 };
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A state machine over the bytes of an aws-chunked body.
 *
 *          ┌────────────────────────── next chunk ──────────────────────────┐
 *          ▼                                                                │
 *       HEADER ── size > 0 ──▶ DATA ── all of it, signature right ──▶ AFTER_DATA
 *          │
 *          └── size 0, signature right ──▶ TRAILER ── empty line ──▶ DONE
 *
 * Lines end with CR LF and nothing else. Without a trailer mode the empty line is all that
 * TRAILER takes. Whatever breaks the form is IncompleteBody, as S3 says it; only in the
 * trailers it is MalformedTrailerError.
 */
#include "api/aws_chunked.h"

#include "base/codec.h"
#include "base/str.h"

enum state { HEADER, DATA, AFTER_DATA, TRAILER, DONE, FAILED };

enum { SIZE_DIGITS_MAX = 16 };

static const struct str empty_hash = { "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", 64 };

static struct status incomplete(struct aws_chunked *c)
{
	return sigv4_fail(c->mem, c->fault, SIGV4_INCOMPLETE_BODY, "The request body terminated unexpectedly");
}

static struct status malformed_trailer(struct aws_chunked *c)
{
	return sigv4_fail(
	    c->mem, c->fault, SIGV4_MALFORMED_TRAILER,
	    "The request contained trailing data that was not well-formed or did not conform to our published "
	    "schema.");
}

static struct status broken_chain(struct aws_chunked *c)
{
	return sigv4_fail(
	    c->mem, c->fault, SIGV4_BAD_SIGNATURE,
	    "The request signature we calculated does not match the signature you provided. Check your key "
	    "and signing method.");
}

void aws_chunked_init(struct aws_chunked *c, struct arena *mem, const struct sigv4_auth *auth, bool is_signed,
		      bool trailer, uint64_t length, struct sigv4_fault *fault)
{
	*c = (struct aws_chunked){ .mem = mem,
				   .fault = fault,
				   .auth = is_signed ? auth : NULL,
				   .trailer = trailer,
				   .length = length,
				   .state = HEADER };
	if (!is_signed)
		return;
	assert(auth->signature.n == sizeof c->prev);
	memcpy(c->prev, auth->signature.p, sizeof c->prev);
	hasher_init(&c->hash, HASH_SHA256);
}

static void mac_line(struct hmac *m, struct str s)
{
	hmac_update(m, s);
	hmac_update(m, S("\n"));
}

/* Is `want` the signature of what c->hash saw, chained to the one before? Then it becomes the one before. */
static bool link_holds(struct aws_chunked *c, struct str kind, bool headers_hash, struct str want)
{
	uint8_t bytes[SHA256_SIZE];
	char hash[2 * SHA256_SIZE], right[2 * SHA256_SIZE];
	hasher_final(&c->hash, bytes);
	hex_to(hash, bytes, sizeof bytes);
	hasher_init(&c->hash, HASH_SHA256);

	struct hmac m;
	hmac_init(&m, &c->auth->key);
	mac_line(&m, kind);
	mac_line(&m, c->auth->amz_date);
	mac_line(&m, c->auth->scope);
	mac_line(&m, str_make(c->prev, sizeof c->prev));
	if (headers_hash)
		mac_line(&m, empty_hash);
	hmac_update(&m, str_make(hash, sizeof hash));
	hmac_final(&m, bytes);
	hex_to(right, bytes, sizeof bytes);

	bool holds = secret_eq(str_make(right, sizeof right), want);
	memcpy(c->prev, right, sizeof c->prev);
	secret_wipe(right, sizeof right);
	return holds;
}

static bool chunk_holds(struct aws_chunked *c)
{
	return !c->auth || link_holds(c, S("AWS4-HMAC-SHA256-PAYLOAD"), true, str_make(c->want, sizeof c->want));
}

static bool parse_size(struct str s, uint64_t *size)
{
	uint64_t v = 0;
	if (s.n == 0 || s.n > SIZE_DIGITS_MAX)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		char x = char_lower(s.p[i]);
		if (!char_digit(x) && (x < 'a' || x > 'f'))
			return false;
		v = v << 4 | (uint64_t)(char_digit(x) ? x - '0' : x - 'a' + 10);
	}
	*size = v;
	return true;
}

static bool parse_header(struct aws_chunked *c, struct str line, uint64_t *size)
{
	struct str rest = line, digits = str_cut(&rest, ';');
	if (!c->auth)
		return !rest.p && parse_size(digits, size);
	if (!str_starts(rest, S("chunk-signature=")) || rest.n != S("chunk-signature=").n + sizeof c->want)
		return false;
	memcpy(c->want, rest.p + S("chunk-signature=").n, sizeof c->want);
	return parse_size(digits, size);
}

static struct status small_chunk(struct aws_chunked *c)
{
	struct status st = sigv4_fail(c->mem, c->fault, SIGV4_CHUNK_SIZE,
				      "Only the last chunk is allowed to have a size less than 8192 bytes");
	sigv4_fault_add(c->fault, "Chunk", arena_printf(c->mem, "%llu", (unsigned long long)c->count + 1));
	sigv4_fault_add(c->fault, "BadChunkSize", arena_printf(c->mem, "%llu", (unsigned long long)c->size));
	return st;
}

static struct status begin_chunk(struct aws_chunked *c, struct str line)
{
	uint64_t size;
	if (!parse_header(c, line, &size) || size > c->length - c->done)
		return incomplete(c);
	if (size && c->count && c->size < AWS_CHUNK_MIN)
		return small_chunk(c);
	if (size) {
		c->count++;
		c->size = c->left = size;
		c->state = DATA;
		return OK;
	}
	if (c->done != c->length)
		return incomplete(c);
	c->state = TRAILER;
	return chunk_holds(c) ? OK : broken_chain(c);
}

static struct status end_trailers(struct aws_chunked *c)
{
	if (c->auth && c->n_trailers && !c->saw_signature)
		return malformed_trailer(c);
	c->state = DONE;
	return OK;
}

static bool seen(const struct aws_chunked *c, struct str name)
{
	for (size_t i = 0; i < c->n_trailers; i++)
		if (str_eq(c->trailers[i].name, name))
			return true;
	return false;
}

static struct status keep_trailer(struct aws_chunked *c, struct str name, struct str value)
{
	char *low = NEWS(c->mem, char, name.n + 1);
	for (size_t i = 0; i < name.n; i++)
		low[i] = char_lower(name.p[i]);
	struct str key = str_make(low, name.n);
	if (c->saw_signature || c->n_trailers == AWS_TRAILERS_MAX || seen(c, key))
		return malformed_trailer(c);
	c->trailers[c->n_trailers++] = (struct http_pair){ key, str_dup(c->mem, value) };
	if (!c->auth)
		return OK;
	hasher_update(&c->hash, key);
	hasher_update(&c->hash, S(":"));
	hasher_update(&c->hash, value);
	hasher_update(&c->hash, S("\n"));
	return OK;
}

static struct status trailer_line(struct aws_chunked *c, struct str line)
{
	if (line.n == 0)
		return end_trailers(c);
	if (!c->trailer)
		return incomplete(c);
	struct str value = line, name = str_trim(str_cut(&value, ':'));
	if (!value.p || name.n == 0)
		return malformed_trailer(c);
	value = str_trim(value);
	if (!str_eq_ci(name, S("x-amz-trailer-signature")))
		return keep_trailer(c, name, value);
	if (!c->auth || c->saw_signature)
		return malformed_trailer(c);
	c->saw_signature = true;
	return link_holds(c, S("AWS4-HMAC-SHA256-TRAILER"), false, value) ? OK : broken_chain(c);
}

static struct status bad_line(struct aws_chunked *c)
{
	return c->state == TRAILER && c->trailer ? malformed_trailer(c) : incomplete(c);
}

/* Gathers a line that ends with CR LF; line->p is NULL until it is all there. */
static struct status take_line(struct aws_chunked *c, struct str *in, struct str *line)
{
	const char *end = memchr(in->p, '\n', in->n);
	size_t n = end ? (size_t)(end - in->p) + 1 : in->n;
	if (n > sizeof c->line - c->n_line)
		return bad_line(c);
	memcpy(c->line + c->n_line, in->p, n);
	c->n_line += n;
	*in = str_from(*in, n);
	if (!end)
		return OK;
	const char *cr = memchr(c->line, '\r', c->n_line);
	if (!cr || cr != c->line + c->n_line - 2)
		return bad_line(c);
	*line = str_make(c->line, c->n_line - 2);
	c->n_line = 0;
	return OK;
}

static struct status take_data(struct aws_chunked *c, struct str *in, struct str *out)
{
	size_t n = in->n < c->left ? in->n : (size_t)c->left;
	*out = str_sub(*in, 0, n);
	*in = str_from(*in, n);
	c->left -= n;
	c->done += n;
	if (c->auth)
		hasher_update(&c->hash, *out);
	if (c->left)
		return OK;
	c->state = AFTER_DATA;
	return chunk_holds(c) ? OK : broken_chain(c);
}

static struct status step(struct aws_chunked *c, struct str *in, struct str *out)
{
	struct str line = { 0 };
	if (c->state == DATA)
		return take_data(c, in, out);
	if (c->state == DONE)
		return incomplete(c);
	TRY(take_line(c, in, &line));
	if (!line.p)
		return OK;
	if (c->state == HEADER)
		return begin_chunk(c, line);
	if (c->state == TRAILER)
		return trailer_line(c, line);
	c->state = HEADER;
	return line.n ? incomplete(c) : OK;
}

struct status aws_chunked_next(struct aws_chunked *c, struct str *in, struct str *out)
{
	*out = S("");
	if (c->state == FAILED)
		return ERR(E_FAULT);
	while (in->n && out->n == 0) {
		struct status st = step(c, in, out);
		if (!failed(st))
			continue;
		c->state = FAILED;
		*out = S("");
		return st;
	}
	return OK;
}

struct status aws_chunked_end(struct aws_chunked *c)
{
	if (c->state == FAILED)
		return ERR(E_FAULT);
	if (c->state == DONE)
		return OK;
	bool in_trailer = c->state == TRAILER && c->trailer && (c->n_line || c->n_trailers);
	c->state = FAILED;
	return in_trailer ? malformed_trailer(c) : incomplete(c);
}

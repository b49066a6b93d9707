/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Anything at all as a request: the verifier may accept or refuse, but every refusal has
 * a name and a sentence, parsing twice gives the same, and what it accepted from the
 * stages is what the stages give again. The first byte chooses the family of services,
 * the rest is the request as text; lines may end in LF or CR LF.
 */
#include "api/payload_check.h"

#include "base/str.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

enum { HEADERS_MAX = 64 };

static enum sigv4_found find_secret(void *ctx, struct str access_key, struct str token, struct sigv4_secret *secret)
{
	(void)ctx;
	if (token.p && str_starts(token, S("expired")))
		return SIGV4_TOKEN_EXPIRED;
	if (access_key.n % 2)
		return SIGV4_NO_SUCH_KEY;
	memcpy(secret->p, "h0ldf4st/Secret+Key/Only/For/Tests/00000", 40);
	secret->n = 40;
	return SIGV4_FOUND;
}

static struct str line_of(struct str *rest)
{
	struct str line = str_cut(rest, '\n');
	if (!rest->p)
		*rest = S("");
	return line.n && line.p[line.n - 1] == '\r' ? str_sub(line, 0, line.n - 1) : line;
}

static struct sigv4_request request_of(struct str raw, struct http_pair *headers)
{
	struct sigv4_request rq = { .headers = { headers, 0 } };
	struct str rest = raw, first = line_of(&rest), target;
	rq.method = str_cut(&first, ' ');
	target = str_cut(&first, ' ');
	rq.path = str_cut(&target, '?');
	rq.query = target.p ? target : S("");
	for (struct str line = line_of(&rest); line.n && rq.headers.n < HEADERS_MAX; line = line_of(&rest)) {
		headers[rq.headers.n].name = str_cut(&line, ':');
		headers[rq.headers.n++].value = line;
	}
	rq.body = rest;
	return rq;
}

static void refused(const struct sigv4_fault *fault, enum sigv4_family family)
{
	assert(fault->message.n > 0 && fault->n_extra <= COUNT(fault->extra));
	assert(sigv4_wire(fault->code, family)->code);
	for (size_t i = 0; i < fault->n_extra; i++)
		assert(fault->extra[i].name.n && fault->extra[i].value.p);
}

static void check_body(struct arena *mem, const struct sigv4_request *rq, const struct sigv4_auth *auth)
{
	struct payload_check pc;
	struct sigv4_fault fault = { 0 };
	struct payload_rules rules = { .headers = &rq->headers, .auth = auth, .compute = SUM_CRC32, .length = -1 };
	struct status st = payload_check_init(&pc, mem, &rules, &fault);
	for (struct str in = rq->body, out; !failed(st) && in.n;)
		st = payload_check_feed(&pc, &in, &out);
	if (!failed(st))
		st = payload_check_finish(&pc);
	if (failed(st))
		refused(&fault, SIGV4_S3);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	if (n < 1)
		return 0;
	struct arena *mem = arena_new();
	struct http_pair headers[HEADERS_MAX];
	enum sigv4_family family = data[0] % SIGV4_FAMILIES;
	struct sigv4_request rq = request_of(str_make(data + 1, n - 1), headers);
	struct sigv4_rules rules = { .family = family, .now_ms = INT64_C(1767227400000) };
	struct sigv4_lookup lookup = { find_secret, NULL };
	struct sigv4_auth auth = { 0 }, again;
	struct sigv4_fault fault = { 0 };
	char right[64];

	(void)sigv4_peek(mem, &rq);
	struct status st = sigv4_parse(mem, &rq, &rules, &again, &fault);
	if (failed(st)) {
		refused(&fault, family);
	} else {
		/* Its right signature: accepted below only if it was the one given, and the seed of its chunks here. */
		struct hmac_key key;
		sigv4_key(NULL, &again, S("h0ldf4st/Secret+Key/Only/For/Tests/00000"), &key);
		sigv4_sign(&key, sigv4_to_sign(mem, &again, sigv4_canonical(mem, &rq, &again, family)), right);
		again.key = key;
		again.signature = str_make(right, sizeof right);
		if (family == SIGV4_S3)
			check_body(mem, &rq, &again);
		hmac_key_wipe(&key);
	}
	struct status verified = sigv4_verify(mem, &rq, &rules, &lookup, NULL, &auth, &fault);
	if (failed(verified))
		refused(&fault, family);
	else
		assert(!failed(st) && str_eq(auth.signature, again.signature));
	if (family == SIGV4_S3)
		check_body(mem, &rq, NULL);
	arena_free(mem);
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the vectors cannot show: the cache of keys, lookups that go wrong, the further
 * elements of S3's errors, and that large input stays cheap. Requests are signed here with
 * the verifier's own stages; that those are right is shown by sigv4_vector_test.
 */
#include "api/sigv4_int.h"

#include "base/buf.h"
#include "base/codec.h"
#include "base/str.h"
#include "base/test.h"
#include "base/time.h"

enum { NOW_S = 1767227400 /* 2026-01-01T00:30:00Z */ };
#define NOW_MS ((int64_t)NOW_S * 1000)
#define KEY    "AKIAHOLDFASTEXAMPLE1"
#define ZEROS  "0000000000000000000000000000000000000000000000000000000000000000"
#define EMPTY  "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

enum { HEADERS_MAX = 8 };

struct rig {
	struct arena *mem;
	struct http_pair headers[HEADERS_MAX];
	struct sigv4_request rq;
	struct sigv4_rules rules;
	struct sigv4_auth auth;
	struct sigv4_fault fault;
	struct str secret; /* what the lookup answers with */
	enum sigv4_found found;
};

static enum sigv4_found find_secret(void *ctx, struct str access_key, struct str token, struct sigv4_secret *secret)
{
	const struct rig *r = ctx;
	(void)access_key;
	(void)token;
	if (r->secret.n <= sizeof secret->p)
		memcpy(secret->p, r->secret.p, r->secret.n);
	secret->n = r->secret.n;
	return r->found;
}

static void put_header(struct rig *r, struct str name, struct str value)
{
	assert(r->rq.headers.n < HEADERS_MAX);
	r->headers[r->rq.headers.n++] = (struct http_pair){ name, value };
	r->rq.headers.v = r->headers;
}

static struct str authorization(struct rig *r, const char *service, struct str signature)
{
	return arena_printf(r->mem,
			    "AWS4-HMAC-SHA256 Credential=" KEY "/20260101/us-east-1/%s/aws4_request, "
			    "SignedHeaders=host;%sx-amz-date, Signature=%.*s",
			    service, str_eq(str_of(service), S("s3")) ? "x-amz-content-sha256;" : "", PR(signature));
}

static struct rig rig_new(enum sigv4_family family, const char *service)
{
	struct rig r = { .mem = arena_new(), .secret = S("secret"), .found = SIGV4_FOUND };
	r.rq = (struct sigv4_request){ .method = S("POST"), .path = S("/"), .query = S(""), .body = S("") };
	r.rules = (struct sigv4_rules){ family, str_of(service), S("us-east-1"), NOW_MS };
	put_header(&r, S("Authorization"), authorization(&r, service, S(ZEROS)));
	put_header(&r, S("Host"), S("localhost"));
	put_header(&r, S("X-Amz-Date"), S("20260101T003000Z"));
	if (family == SIGV4_S3)
		put_header(&r, S("X-Amz-Content-Sha256"), S(EMPTY));
	r.rq.headers.v = r.headers;
	return r;
}

/* Signs as it stands, through the stages. */
static void rig_sign(struct rig *r, struct str secret)
{
	struct hmac_key key;
	char *hex = NEWS(r->mem, char, 64);
	r->rq.headers.v = r->headers; /* the rig may have been copied */
	EXPECT_OK(sigv4_parse(r->mem, &r->rq, &r->rules, &r->auth, &r->fault));
	sigv4_key(NULL, &r->auth, secret, &key);
	sigv4_sign(&key, sigv4_to_sign(r->mem, &r->auth, sigv4_canonical(r->mem, &r->rq, &r->auth, r->rules.family)),
		   hex);
	hmac_key_wipe(&key);
	struct str service = r->rules.service;
	r->headers[0].value = authorization(r, str_z(r->mem, service), str_make(hex, 64));
}

static struct status rig_verify(struct rig *r, struct sigv4_cache *cache)
{
	struct sigv4_lookup lookup = { find_secret, r };
	r->rq.headers.v = r->headers;
	return sigv4_verify(r->mem, &r->rq, &r->rules, &lookup, cache, &r->auth, &r->fault);
}

static bool has_extra(const struct rig *r, const char *name)
{
	for (size_t i = 0; i < r->fault.n_extra; i++)
		if (str_eq(r->fault.extra[i].name, str_of(name)))
			return r->fault.extra[i].value.p != NULL;
	return false;
}

static struct sigv4_cache *cache_new(void) { return sigv4_cache_new((uint64_t[2]){ 7, 11 }); }

static void every_refusal_has_a_name_in_every_family(void)
{
	for (enum sigv4_code c = 1; c < SIGV4_CODES; c++)
		for (enum sigv4_family f = 0; f < SIGV4_FAMILIES; f++) {
			const struct sigv4_wire *w = sigv4_wire(c, f);
			EXPECT(w->code && w->http >= 400 && w->http < 500);
		}
	EXPECT_STR(str_of(sigv4_wire(SIGV4_BAD_SIGNATURE, SIGV4_EC2)->code), S("AuthFailure"));
	EXPECT(sigv4_wire(SIGV4_BAD_SIGNATURE, SIGV4_EC2)->http == 401);
}

static void a_signed_request_is_accepted_and_its_key_cached(void)
{
	struct sigv4_cache *cache = cache_new();
	struct rig r = rig_new(SIGV4_JSON, "kms");
	rig_sign(&r, r.secret);
	EXPECT_OK(rig_verify(&r, cache));
	EXPECT(sigv4_cache_hits(cache) == 0);
	EXPECT_OK(rig_verify(&r, cache));
	EXPECT(sigv4_cache_hits(cache) == 1);
	EXPECT_STR(r.auth.access_key, S(KEY));
	EXPECT_STR(r.auth.scope, S("20260101/us-east-1/kms/aws4_request"));
	sigv4_auth_wipe(&r.auth);
	static const struct hmac_key none;
	EXPECT(memcmp(&r.auth.key, &none, sizeof none) == 0);
	arena_free(r.mem);
	sigv4_cache_free(cache);
}

static void a_replaced_secret_is_noticed_at_once(void)
{
	struct sigv4_cache *cache = cache_new();
	struct rig r = rig_new(SIGV4_JSON, "kms");
	rig_sign(&r, r.secret);
	EXPECT_OK(rig_verify(&r, cache));
	r.secret = S("secreT");
	EXPECT_ERR(rig_verify(&r, cache), E_FAULT);
	EXPECT(r.fault.code == SIGV4_BAD_SIGNATURE);
	EXPECT(sigv4_cache_hits(cache) == 0);
	rig_sign(&r, r.secret);
	EXPECT_OK(rig_verify(&r, cache));
	EXPECT(sigv4_cache_hits(cache) == 1); /* the new one took the old one's place */
	arena_free(r.mem);
	sigv4_cache_free(cache);
}

static void the_cache_is_bounded_and_never_wrong(void)
{
	struct sigv4_cache *cache = cache_new();
	struct arena *mem = arena_new();
	for (size_t round = 0; round < 2; round++)
		for (size_t i = 0; i < 30000; i++) {
			struct str scope = arena_printf(mem, "20260101/us-east-%zu/kms/aws4_request", i);
			struct sigv4_auth a = { .date = S("20260101"), .service = S("kms"), .scope = scope };
			a.region = str_sub(scope, 9, scope.n - 9 - S("/kms/aws4_request").n);
			a.credential = arena_printf(mem, KEY "/%.*s", PR(scope));
			struct hmac_key with, without;
			sigv4_key(cache, &a, S("secret"), &with);
			sigv4_key(NULL, &a, S("secret"), &without);
			EXPECT(memcmp(&with, &without, sizeof with) == 0);
			arena_reset(mem);
		}
	EXPECT(sigv4_cache_hits(cache) < 17000);
	arena_free(mem);
	sigv4_cache_free(cache);
}

static void an_overlong_credential_works_uncached(void)
{
	struct sigv4_cache *cache = cache_new();
	char akid[200];
	memset(akid, 'A', sizeof akid);
	struct rig r = rig_new(SIGV4_JSON, "kms");
	struct sigv4_auth a = { .date = S("20260101"), .region = S("us-east-1"), .service = S("kms") };
	a.credential = arena_printf(r.mem, "%.*s/20260101/us-east-1/kms/aws4_request", 200, akid);
	struct hmac_key one, two;
	sigv4_key(cache, &a, r.secret, &one);
	sigv4_key(cache, &a, r.secret, &two);
	EXPECT(memcmp(&one, &two, sizeof one) == 0 && sigv4_cache_hits(cache) == 0);
	arena_free(r.mem);
	sigv4_cache_free(cache);
	sigv4_cache_free(NULL);
}

static void a_lookup_without_a_usable_secret_is_a_refusal(void)
{
	struct rig r = rig_new(SIGV4_JSON, "kms");
	rig_sign(&r, S("secret"));
	r.secret = S("");
	EXPECT_ERR(rig_verify(&r, NULL), E_FAULT);
	EXPECT(r.fault.code == SIGV4_UNKNOWN_KEY);
	char big[200] = { 0 };
	r.secret = str_make(big, sizeof big);
	EXPECT_ERR(rig_verify(&r, NULL), E_FAULT);
	EXPECT(r.fault.code == SIGV4_UNKNOWN_KEY);
	r.secret = S("secret");
	r.found = SIGV4_TOKEN_INVALID;
	EXPECT_ERR(rig_verify(&r, NULL), E_FAULT);
	EXPECT(r.fault.code == SIGV4_BAD_TOKEN);
	r.found = SIGV4_NO_SUCH_KEY; /* though the secret is there */
	EXPECT_ERR(rig_verify(&r, NULL), E_FAULT);
	EXPECT(r.fault.code == SIGV4_UNKNOWN_KEY);
	arena_free(r.mem);
}

static void a_refused_signature_leaves_no_key_behind(void)
{
	struct rig r = rig_new(SIGV4_JSON, "kms");
	EXPECT_ERR(rig_verify(&r, NULL), E_FAULT);
	static const struct hmac_key none;
	EXPECT(memcmp(&r.auth.key, &none, sizeof none) == 0);
	arena_free(r.mem);
}

static void s3_explains_a_mismatch(void)
{
	struct rig r = rig_new(SIGV4_S3, "s3");
	EXPECT_ERR(rig_verify(&r, NULL), E_FAULT);
	static const char *const names[] = { "AWSAccessKeyId",    "StringToSign",     "SignatureProvided",
					     "StringToSignBytes", "CanonicalRequest", "CanonicalRequestBytes" };
	EXPECT(r.fault.n_extra == COUNT(names));
	for (size_t i = 0; i < COUNT(names); i++)
		EXPECT(has_extra(&r, names[i]));
	EXPECT_STR(r.fault.extra[2].value, S(ZEROS));
	EXPECT(str_starts(r.fault.extra[3].value, S("41 57 53 34 2d")));
	EXPECT(!str_ends(r.fault.extra[3].value, S(" ")));
	arena_free(r.mem);
}

static void s3_says_both_clocks(void)
{
	struct rig r = rig_new(SIGV4_S3, "s3");
	r.rules.now_ms += SIGV4_SKEW_MS + 1000;
	EXPECT_ERR(rig_verify(&r, NULL), E_FAULT);
	EXPECT(r.fault.code == SIGV4_SKEWED && r.fault.n_extra == 3);
	EXPECT_STR(r.fault.extra[0].value, S("20260101T003000Z"));
	EXPECT_STR(r.fault.extra[1].value, S("2026-01-01T00:45:01Z"));
	EXPECT_STR(r.fault.extra[2].value, S("900000"));
	arena_free(r.mem);
}

static void s3_says_which_region_it_expected(void)
{
	struct rig r = rig_new(SIGV4_S3, "s3");
	r.rules.region = S("eu-west-1");
	EXPECT_ERR(rig_verify(&r, NULL), E_FAULT);
	EXPECT(r.fault.code == SIGV4_HEADER_MALFORMED && has_extra(&r, "Region"));
	EXPECT_STR(r.fault.extra[0].value, S("eu-west-1"));
	arena_free(r.mem);
}

static void s3_says_which_headers_were_not_signed(void)
{
	struct rig r = rig_new(SIGV4_S3, "s3");
	put_header(&r, S("X-Amz-Acl"), S("private"));
	put_header(&r, S("X-AMZ-Meta-A"), S("b"));
	EXPECT_ERR(rig_verify(&r, NULL), E_FAULT);
	EXPECT(r.fault.code == SIGV4_DENIED && has_extra(&r, "HeadersNotSigned"));
	EXPECT_STR(r.fault.extra[0].value, S("x-amz-acl, x-amz-meta-a"));
	arena_free(r.mem);
}

static void s3_says_when_a_url_ended(void)
{
	struct rig r = rig_new(SIGV4_S3, "s3");
	r.rq.headers.n = 0;
	put_header(&r, S("Host"), S("localhost"));
	r.rq.query =
	    S("X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=" KEY "%2F20260101%2Fus-east-1%2Fs3%2Faws4_request"
	      "&X-Amz-Date=20260101T000000Z&X-Amz-Expires=1200&X-Amz-SignedHeaders=host&X-Amz-Signature=" ZEROS);
	EXPECT_ERR(rig_verify(&r, NULL), E_FAULT);
	EXPECT(r.fault.code == SIGV4_DENIED && r.fault.n_extra == 3);
	EXPECT_STR(r.fault.extra[0].value, S("1200"));
	EXPECT_STR(r.fault.extra[1].value, S("2026-01-01T00:20:00Z"));
	EXPECT_STR(r.fault.extra[2].value, S("2026-01-01T00:30:00Z"));
	arena_free(r.mem);
}

static void peeking_tells_the_form_and_never_fails(void)
{
	static const struct {
		struct str header, query;
		enum sigv4_form form;
		bool scope;
	} cases[] = {
		{ { 0 }, { "", 0 }, SIGV4_NONE, false },
		{ { 0 }, { "a=b&X-Amz", 9 }, SIGV4_NONE, false },
		{ { 0 }, { "X-Amz-Signature", 15 }, SIGV4_PRESIGNED, false },
		{ { 0 }, { "X-Amz-Credential=a/b/c/d/e", 26 }, SIGV4_PRESIGNED, true },
		{ { 0 }, { "X-Amz-Credential=a/b/c/d/e/f", 28 }, SIGV4_PRESIGNED, false },
		{ { 0 }, { "AWSAccessKeyId=a&Signature=b", 28 }, SIGV4_OTHER, false },
		{ { "Bearer x", 8 }, { "", 0 }, SIGV4_OTHER, false },
		{ { "", 0 }, { "", 0 }, SIGV4_OTHER, false },
		{ { "AWS4-HMAC-SHA256", 16 }, { "", 0 }, SIGV4_HEADER, false },
		{ { "AWS4-HMAC-SHA256 Credential=a/b/c//e", 36 }, { "", 0 }, SIGV4_HEADER, false },
		{ { "AWS4-HMAC-SHA256 Credential=a/b/c/d/e,", 38 }, { "", 0 }, SIGV4_HEADER, true },
		{ { "AWS4-HMAC-SHA256x Credential=a/b/c/d/e", 38 }, { "", 0 }, SIGV4_OTHER, false },
	};
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct rig r = rig_new(SIGV4_JSON, "kms");
		r.rq.headers.n = 0;
		if (cases[i].header.p)
			put_header(&r, S("AUTHORIZATION"), cases[i].header);
		r.rq.headers.v = r.headers;
		r.rq.query = cases[i].query;
		struct sigv4_hint h = sigv4_peek(r.mem, &r.rq);
		EXPECT(h.form == cases[i].form);
		EXPECT((h.service.p != NULL) == cases[i].scope);
		if (cases[i].scope)
			EXPECT_STR(h.region, S("c"));
		arena_free(r.mem);
	}
}

static void repeated_headers_count_as_one_with_commas(void)
{
	struct rig r = rig_new(SIGV4_JSON, "kms");
	r.rq.headers.n = 0;
	put_header(&r, S("A"), S(" one "));
	EXPECT_STR(sigv4_header(r.mem, &r.rq.headers, S("a")), S("one"));
	put_header(&r, S("a"), S("two"));
	EXPECT_STR(sigv4_header(r.mem, &r.rq.headers, S("a")), S("one,two"));
	EXPECT(sigv4_header(r.mem, &r.rq.headers, S("b")).p == NULL);
	put_header(&r, S("b"), (struct str){ 0 });
	EXPECT(sigv4_header(r.mem, &r.rq.headers, S("b")).p != NULL);
	arena_free(r.mem);
}

static void names_to_sign_are_put_in_order(void)
{
	struct rig r = rig_new(SIGV4_JSON, "kms");
	r.headers[0].value = S("AWS4-HMAC-SHA256 Credential=" KEY "/20260101/us-east-1/kms/aws4_request, "
			       "SignedHeaders=X-Amz-Date;host;Host, Signature=" ZEROS);
	r.rq.headers.v = r.headers;
	EXPECT_OK(sigv4_parse(r.mem, &r.rq, &r.rules, &r.auth, &r.fault));
	EXPECT_STR(r.auth.signed_headers, S("host;x-amz-date"));
	arena_free(r.mem);
}

static void sorting_agrees_with_the_order_of_bytes(void)
{
	struct arena *mem = arena_new();
	enum { N = 1000 };
	struct http_pair *v = NEWS(mem, struct http_pair, N);
	uint32_t x = 1;
	for (size_t i = 0; i < N; i++) {
		x = x * 1664525 + 1013904223;
		v[i] = (struct http_pair){ arena_printf(mem, "%u", x >> 26), arena_printf(mem, "%u", x >> 8 & 255) };
	}
	for (size_t n = 0; n <= N; n += n < 70 ? 1 : 93) {
		struct http_pair *w = NEWS(mem, struct http_pair, n + 1);
		memcpy(w, v, n * sizeof *v);
		sigv4_sort(mem, w, n);
		for (size_t i = 1; i < n; i++) {
			int c = str_cmp(w[i - 1].name, w[i].name);
			EXPECT(c < 0 || (c == 0 && str_cmp(w[i - 1].value, w[i].value) <= 0));
		}
	}
	arena_free(mem);
}

/* 100,000 parameters in the worst order: seconds if anything were quadratic. */
static void a_huge_query_is_sorted_in_time(void)
{
	struct rig r = rig_new(SIGV4_JSON, "kms");
	struct buf b = buf_in(r.mem);
	for (int i = 100000; i > 0; i--)
		buf_printf(&b, "k%06d=%%2f&", i);
	r.rq.query = buf_str(&b);
	rig_sign(&r, r.secret);
	EXPECT_OK(rig_verify(&r, NULL));
	arena_free(r.mem);
}

static void thousands_of_names_to_sign_are_found_in_time(void)
{
	struct rig r = rig_new(SIGV4_JSON, "kms");
	struct buf b = buf_in(r.mem);
	enum { N = 20000 };
	struct http_pair *h = NEWS(r.mem, struct http_pair, N + 3);
	for (size_t i = 0; i < N; i++) {
		struct str name = arena_printf(r.mem, "h%05zu", N - i);
		h[i] = (struct http_pair){ name, S("v") };
		buf_put(&b, name);
		buf_byte(&b, ';');
	}
	h[N] = r.headers[1];
	h[N + 1] = r.headers[2];
	h[N + 2] =
	    (struct http_pair){ S("authorization"),
				arena_printf(r.mem,
					     "AWS4-HMAC-SHA256 Credential=" KEY "/20260101/us-east-1/kms/aws4_request,"
					     "SignedHeaders=%.*shost;x-amz-date,Signature=" ZEROS,
					     PR(buf_str(&b))) };
	r.rq.headers = (struct http_pairs){ h, N + 3 };
	EXPECT_OK(sigv4_parse(r.mem, &r.rq, &r.rules, &r.auth, &r.fault));
	struct str canonical = sigv4_canonical(r.mem, &r.rq, &r.auth, SIGV4_JSON);
	EXPECT(str_find(canonical, S("\nh00001:v\nh00002:v\n")) != SIZE_MAX);
	arena_free(r.mem);
}

RUN_ALL(T(every_refusal_has_a_name_in_every_family), T(a_signed_request_is_accepted_and_its_key_cached),
	T(a_replaced_secret_is_noticed_at_once), T(the_cache_is_bounded_and_never_wrong),
	T(an_overlong_credential_works_uncached), T(a_lookup_without_a_usable_secret_is_a_refusal),
	T(a_refused_signature_leaves_no_key_behind), T(s3_explains_a_mismatch), T(s3_says_both_clocks),
	T(s3_says_which_region_it_expected), T(s3_says_which_headers_were_not_signed), T(s3_says_when_a_url_ended),
	T(peeking_tells_the_form_and_never_fails), T(repeated_headers_count_as_one_with_commas),
	T(names_to_sign_are_put_in_order), T(sorting_agrees_with_the_order_of_bytes), T(a_huge_query_is_sorted_in_time),
	T(thousands_of_names_to_sign_are_found_in_time))

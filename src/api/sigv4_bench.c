/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What authenticating costs: a typical KMS request and an S3 GET, verified over and over
 * with the signing key in the cache and without; and taking a signed chunked body apart.
 * Figures count only from a release build.
 */
#include "api/payload_check.h"

#include "base/buf.h"
#include "base/codec.h"
#include "base/str.h"

#include <stdio.h>
#include <time.h>

enum { ROUNDS = 200000, BODY = 8 << 20, PIECE = 64 << 10 };
#define NOW_MS INT64_C(1767227400000) /* 2026-01-01T00:30:00Z */
#define AUTH(service, names)                                                                             \
	"AWS4-HMAC-SHA256 Credential=AKIAHOLDFASTEXAMPLE1/20260101/us-east-1/" service "/aws4_request, " \
	"SignedHeaders=" names ", Signature="
#define ZEROS "0000000000000000000000000000000000000000000000000000000000000000"

struct subject {
	const char *name;
	struct sigv4_request rq;
	struct sigv4_rules rules;
	struct http_pair *authorization;
};

static enum sigv4_found find_secret(void *ctx, struct str access_key, struct str token, struct sigv4_secret *secret)
{
	(void)ctx;
	(void)access_key;
	(void)token;
	memcpy(secret->p, "h0ldf4st/Secret+Key/Only/For/Tests/00000", 40);
	secret->n = 40;
	return SIGV4_FOUND;
}

static double now_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void sign(struct arena *mem, struct subject *s)
{
	struct sigv4_auth auth;
	struct sigv4_fault fault;
	struct sigv4_secret secret;
	struct hmac_key key;
	char hex[64];
	struct status st = sigv4_parse(mem, &s->rq, &s->rules, &auth, &fault);
	assert(!failed(st));
	find_secret(NULL, auth.access_key, auth.token, &secret);
	sigv4_key(NULL, &auth, str_make(secret.p, secret.n), &key);
	sigv4_sign(&key, sigv4_to_sign(mem, &auth, sigv4_canonical(mem, &s->rq, &auth, s->rules.family)), hex);
	struct str old = s->authorization->value;
	s->authorization->value = arena_printf(mem, "%.*s%.*s", (int)old.n - 64, old.p, 64, hex);
}

static void bench(struct arena *keep, struct subject *s, struct sigv4_cache *cache)
{
	struct arena *mem = arena_new();
	struct sigv4_lookup lookup = { find_secret, NULL };
	sign(keep, s);
	double start = now_ns();
	for (int i = 0; i < ROUNDS; i++) {
		struct sigv4_auth auth;
		struct sigv4_fault fault;
		struct status st = sigv4_verify(mem, &s->rq, &s->rules, &lookup, cache, &auth, &fault);
		assert(!failed(st));
		sigv4_auth_wipe(&auth);
		arena_reset(mem);
	}
	printf("%-12s %-14s %8.0f ns\n", s->name, cache ? "key cached" : "key derived", (now_ns() - start) / ROUNDS);
	arena_free(mem);
}

/* A body of zeros, as it comes in pieces from the network, through the sums asked for. */
static void bench_body(uint32_t sums, const char *name)
{
	struct arena *mem = arena_new();
	char *zeros = NEWS(mem, char, BODY);
	static const struct http_pair h[] = { { { "host", 4 }, { "localhost", 9 } } };
	struct http_pairs headers = { h, 1 };
	struct payload_rules rules = { .headers = &headers, .compute = sums, .length = BODY };
	struct payload_check pc;
	struct sigv4_fault fault;
	double start = now_ns();
	struct status st = payload_check_init(&pc, mem, &rules, &fault);
	assert(!failed(st));
	for (size_t at = 0; at < BODY; at += PIECE)
		for (struct str in = str_make(zeros + at, PIECE), out; in.n;) {
			st = payload_check_feed(&pc, &in, &out);
			assert(!failed(st));
		}
	st = payload_check_finish(&pc);
	assert(!failed(st));
	printf("payload      %-14s %8.0f MB/s\n", name, BODY / (now_ns() - start) * 1e3);
	arena_free(mem);
}

int main(void)
{
	struct http_pair kms[] = {
		{ S("Host"), S("kms.us-east-1.amazonaws.com") },
		{ S("Accept-Encoding"), S("identity") },
		{ S("X-Amz-Target"), S("TrentService.Encrypt") },
		{ S("Content-Type"), S("application/x-amz-json-1.1") },
		{ S("User-Agent"), S("aws-cli/2.9.19 Python/3.11.2 Linux/6.1.0 source/x86_64.debian.12 prompt/off "
				     "command/kms.encrypt") },
		{ S("X-Amz-Date"), S("20260101T003000Z") },
		{ S("Authorization"), S(AUTH("kms", "content-type;host;x-amz-date;x-amz-target") ZEROS) },
		{ S("Content-Length"), S("115") },
	};
	struct http_pair s3[] = {
		{ S("Host"), S("127.0.0.1:4566") },
		{ S("Accept-Encoding"), S("identity") },
		{ S("X-Amz-Date"), S("20260101T003000Z") },
		{ S("X-Amz-Content-SHA256"), S("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855") },
		{ S("Authorization"), S(AUTH("s3", "host;x-amz-content-sha256;x-amz-date") ZEROS) },
	};
	struct subject subjects[] = {
		{ "kms:Encrypt",
		  { S("POST"),
		    S("/"),
		    S(""),
		    { kms, COUNT(kms) },
		    S("{\"KeyId\": \"1234abcd-12ab-34cd-56ef-1234567890ab\", \"Plaintext\": "
		      "\"aGVsbG8gd29ybGQgaGVsbG8gd29ybGQgaGVsbG8gd29ybGQ=\"}") },
		  { SIGV4_JSON, S("kms"), S("us-east-1"), NOW_MS },
		  &kms[6] },
		{ "s3:GetObject",
		  { S("GET"), S("/securecart-invoices/2026/01/invoice-000017.pdf"), S(""), { s3, COUNT(s3) }, S("") },
		  { SIGV4_S3, S("s3"), S("us-east-1"), NOW_MS },
		  &s3[4] },
	};
	struct sigv4_cache *cache = sigv4_cache_new((uint64_t[2]){ 1, 2 });
	struct arena *keep = arena_new();
	for (size_t i = 0; i < COUNT(subjects); i++) {
		bench(keep, &subjects[i], cache);
		bench(keep, &subjects[i], NULL);
	}
	bench_body(0, "no sums");
	bench_body(SUM_CRC64NVME, "CRC64NVME");
	bench_body(SUM_CRC32, "CRC32");
	bench_body(SUM_CRC32C, "CRC32C");
	bench_body(SUM_SHA256, "SHA256");
	bench_body(SUM_MD5, "MD5");
	sigv4_cache_free(cache);
	arena_free(keep);
	return 0;
}

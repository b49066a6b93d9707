/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What decoding, checking and encoding one request costs: KMS Encrypt, about 200 bytes,
 * and its answer. Prints nanoseconds per call, the best of several rounds.
 */
#include "base/base.h"
#include "base/world.h"
#include "wire/constraint.h"
#include "wire/json.h"
#include "wire/pack.h"
#include "wire/query.h"
#include "wire/xml.h"

#include <stdio.h>

enum algorithm { SYMMETRIC_DEFAULT = 1 };

struct encrypt {
	struct str key_id, plaintext;
	struct str_map context;
	struct str_list tokens;
	enum algorithm algorithm;
	struct opt_bool dry_run;
};

#define AT(field) .offset = offsetof(struct encrypt, field)
static const char *const algorithms[] = { "SYMMETRIC_DEFAULT", "RSAES_OAEP_SHA_1", "RSAES_OAEP_SHA_256", "SM2PKE",
					  NULL };
static const struct shape t_string = { .name = "String", .kind = K_STRING, .size = sizeof(struct str) };
static const struct shape t_key_id = { .name = "KeyIdType",
				       .kind = K_STRING,
				       .size = sizeof(struct str),
				       .flags = SH_MIN | SH_MAX,
				       .min = 1,
				       .max = 2048 };
static const struct shape t_alias = {
	.name = "AliasNameType", .kind = K_STRING, .size = sizeof(struct str), .pattern = "^[a-zA-Z0-9:/_-]+$"
};
static const struct shape t_plain = { .name = "PlaintextType",
				      .kind = K_BLOB,
				      .size = sizeof(struct str),
				      .flags = SH_MIN | SH_MAX | SH_SENSITIVE,
				      .min = 1,
				      .max = 4096 };
static const struct shape t_algorithm = {
	.name = "Algorithm", .kind = K_ENUM, .size = sizeof(enum algorithm), .names = algorithms
};
static const struct shape t_bool = { .name = "Boolean", .kind = K_BOOL, .size = sizeof(bool) };
static const struct shape t_context = {
	.name = "Context", .kind = K_MAP, .size = sizeof(struct str_map), .key = &t_string, .elem = &t_string
};
static const struct shape t_tokens = { .name = "Tokens",
				       .kind = K_LIST,
				       .size = sizeof(struct str_list),
				       .elem = &t_alias,
				       .flags = SH_MAX,
				       .max = 10,
				       .elem_name = "member" };
static const struct member members[] = {
	{ .name = "KeyId", .wire = "KeyId", .shape = &t_key_id, AT(key_id), .flags = M_REQUIRED, .id = 1 },
	{ .name = "Plaintext", .wire = "Plaintext", .shape = &t_plain, AT(plaintext), .flags = M_REQUIRED, .id = 2 },
	{ .name = "EncryptionContext", .wire = "EncryptionContext", .shape = &t_context, AT(context), .id = 3 },
	{ .name = "GrantTokens", .wire = "GrantTokens", .shape = &t_tokens, AT(tokens), .id = 4 },
	{ .name = "EncryptionAlgorithm", .wire = "EncryptionAlgorithm", .shape = &t_algorithm, AT(algorithm), .id = 5 },
	{ .name = "DryRun", .wire = "DryRun", .shape = &t_bool, AT(dry_run), .flags = M_OPT, .id = 6 },
};
static const struct shape t_encrypt = { .name = "EncryptRequest",
					.kind = K_STRUCT,
					.size = sizeof(struct encrypt),
					.members = members,
					.n_members = COUNT(members) };

static const char body[] =
    "{\"KeyId\": \"arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab\", \"Plaintext\": "
    "\"MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWYwMTIzNDU2Nzg5YWJjZGVmMDEyMzQ1Njc4OWFiY2RlZg==\", "
    "\"EncryptionContext\": {\"Department\": \"Finance\", \"Purpose\": \"Invoice\"}}";

struct run {
	struct arena *mem;
	struct patterns *patterns;
	struct encrypt in;
	struct str packed;
};

static void decode(struct run *r)
{
	struct decode d = decode_in(r->mem);
	struct encrypt e = { 0 };
	if (failed(json_decode(&d, &t_encrypt, str_make(body, sizeof body - 1), &e)))
		abort();
}

static void check(struct run *r)
{
	struct decode d = decode_in(r->mem);
	struct str message;
	if (failed(constraint_check(&d, r->patterns, &t_encrypt, &r->in, &message)))
		abort();
}

static void encode(struct run *r)
{
	struct buf b = buf_in(r->mem);
	json_encode(&b, &t_encrypt, &r->in);
}

static void record(struct run *r)
{
	struct buf b = buf_in(r->mem);
	const struct record_style style = { 0 };
	json_encode_record(&b, &t_encrypt, &r->in, &style);
}

static void store(struct run *r)
{
	struct buf b = buf_in(r->mem);
	pack(&b, &t_encrypt, &r->in);
}

static void load(struct run *r)
{
	struct encrypt e = { 0 };
	if (failed(unpack(r->mem, &t_encrypt, r->packed, &e)))
		abort();
}

static void query(struct run *r)
{
	struct decode d = decode_in(r->mem);
	struct encrypt e = { 0 };
	struct http_pairs params;
	if (failed(query_params(r->mem,
				S("Action=Encrypt&Version=2014-11-01&KeyId=1234abcd-12ab-34cd-56ef-1234567890ab&"
				  "Plaintext=MDEyMzQ1Njc4OWFiY2Rl"
				  "&GrantTokens.member.1=abcdef&GrantTokens.member.2=ghijkl&EncryptionContext.entry.1."
				  "key=a&EncryptionContext.entry.1.value=b"),
				&params)) ||
	    failed(query_decode(&d, &t_encrypt, QUERY_AWS, &params, &e)))
		abort();
}

static void xml_in(struct run *r)
{
	struct decode d = decode_in(r->mem);
	struct encrypt e = { 0 };
	if (failed(xml_decode(&d, &t_encrypt, S("E"),
			      S("<E><KeyId>1234abcd-12ab-34cd-56ef-1234567890ab</KeyId><GrantTokens><member>a</"
				"member></GrantTokens></E>"),
			      &e)))
		abort();
}

static void measure(struct world *w, struct run *r, const char *name, void (*fn)(struct run *))
{
	enum { CALLS = 100000, ROUNDS = 5 };
	int64_t best = INT64_MAX;
	for (int round = 0; round < ROUNDS; round++) {
		int64_t start = w->mono_us(w);
		for (int i = 0; i < CALLS; i++) {
			fn(r);
			arena_reset(r->mem);
		}
		int64_t took = w->mono_us(w) - start;
		best = took < best ? took : best;
	}
	printf("%-34s %7.0f ns\n", name, (double)best * 1000 / CALLS);
}

int main(void)
{
	struct world w;
	struct arena *keep = arena_new();
	struct run r = { .mem = arena_new(), .patterns = patterns_new() };
	world_real(&w);
	struct decode d = decode_in(keep);
	if (failed(json_decode(&d, &t_encrypt, str_make(body, sizeof body - 1), &r.in)))
		abort();
	struct buf packed = buf_in(keep);
	pack(&packed, &t_encrypt, &r.in);
	r.packed = buf_str(&packed);
	printf("KMS Encrypt, %zu bytes of JSON, %zu stored\n", sizeof body - 1, packed.n);
	measure(&w, &r, "JSON decode", decode);
	measure(&w, &r, "constraint check", check);
	measure(&w, &r, "JSON encode", encode);
	measure(&w, &r, "record encode", record);
	measure(&w, &r, "pack", store);
	measure(&w, &r, "unpack", load);
	measure(&w, &r, "query decode (8 parameters)", query);
	measure(&w, &r, "XML decode (100 bytes)", xml_in);
	patterns_free(r.patterns);
	arena_free(r.mem);
	arena_free(keep);
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signing keys: the secret run through date, region, service and "aws4_request", and a
 * cache of the results.
 *
 * The cache is a table of sets of four. An entry is found by the credential's text and
 * holds only while the secret is the same: two keyed 64-bit hashes of it must agree, so
 * a key whose secret was replaced never answers for the old one. What falls out of a set
 * is the entry used longest ago. Everything is wiped before it is forgotten.
 */
#include "api/sigv4.h"

#include "base/codec.h"
#include "base/str.h"

enum { SETS = 4096, WAYS = 4, TEXT_MAX = 120 }; /* some 5 MiB a thread, touched as keys come */

struct entry {
	uint64_t hash, tag[2]; /* of the text, of the secret */
	uint64_t used;         /* when, in uses of the cache; 0: empty */
	uint8_t n;
	char text[TEXT_MAX]; /* the credential: AKID/20260101/us-east-1/kms/aws4_request */
	struct hmac_key key;
};

struct sigv4_cache {
	uint64_t seed[2];
	uint64_t uses, hits;
	struct entry e[SETS][WAYS];
};

struct sigv4_cache *sigv4_cache_new(const uint64_t seed[2])
{
	struct sigv4_cache *cache = HEAP(struct sigv4_cache);
	cache->seed[0] = seed[0];
	cache->seed[1] = seed[1];
	return cache;
}

void sigv4_cache_free(struct sigv4_cache *cache)
{
	if (!cache)
		return;
	secret_wipe(cache, sizeof *cache);
	heap_free(cache);
}

uint64_t sigv4_cache_hits(const struct sigv4_cache *cache) { return cache->hits; }

static void derive(const struct sigv4_auth *auth, struct str secret, struct hmac_key *key)
{
	char start[4 + sizeof((struct sigv4_secret *)NULL)->p] = "AWS4";
	uint8_t k[SHA256_SIZE];
	assert(secret.n <= sizeof start - 4);
	memcpy(start + 4, secret.p, secret.n);
	hmac_sha256(str_make(start, 4 + secret.n), auth->date, k);
	hmac_sha256(str_make(k, sizeof k), auth->region, k);
	hmac_sha256(str_make(k, sizeof k), auth->service, k);
	hmac_sha256(str_make(k, sizeof k), S("aws4_request"), k);
	hmac_key_init(key, str_make(k, sizeof k));
	secret_wipe(start, sizeof start);
	secret_wipe(k, sizeof k);
}

static struct entry *find(struct entry *set, uint64_t hash, struct str text)
{
	for (size_t i = 0; i < WAYS; i++)
		if (set[i].used && set[i].hash == hash && str_eq(str_make(set[i].text, set[i].n), text))
			return &set[i];
	return NULL;
}

static struct entry *oldest(struct entry *set)
{
	struct entry *e = set;
	for (size_t i = 1; i < WAYS; i++)
		if (set[i].used < e->used)
			e = &set[i];
	return e;
}

void sigv4_key(struct sigv4_cache *cache, const struct sigv4_auth *auth, struct str secret, struct hmac_key *key)
{
	struct str text = auth->credential;
	if (!cache || text.n > TEXT_MAX) {
		derive(auth, secret, key);
		return;
	}
	uint64_t hash = str_hash(text, cache->seed[0]);
	uint64_t tag[2] = { str_hash(secret, ~cache->seed[0]), str_hash(secret, cache->seed[1]) };
	struct entry *set = cache->e[hash % SETS], *e = find(set, hash, text);
	if (e && e->tag[0] == tag[0] && e->tag[1] == tag[1]) {
		cache->hits++;
		e->used = ++cache->uses;
		*key = e->key;
		return;
	}
	derive(auth, secret, key);
	if (!e)
		e = oldest(set);
	secret_wipe(e, sizeof *e);
	*e = (struct entry){
		.hash = hash, .tag = { tag[0], tag[1] }, .used = ++cache->uses, .n = (uint8_t)text.n, .key = *key
	};
	memcpy(e->text, text.p, text.n);
}

void sigv4_sign(const struct hmac_key *key, struct str to_sign, char out[64])
{
	uint8_t mac[SHA256_SIZE];
	hmac_key_mac(key, to_sign, mac);
	hex_to(out, mac, sizeof mac);
}

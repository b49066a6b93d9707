/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Digests on libcrypto's low-level calls. They are marked as deprecated in OpenSSL 3, but
 * they are the same assembly (SHA-NI where there is one) without the layer above:
 * measured here, SHA-256 of 64 bytes takes 110 ns against 250 ns for EVP_Digest with a
 * fetched digest, and HMAC() 1,730 ns against 230 ns for the one below. Their contexts
 * are plain structs, which is what makes a hasher a value.
 */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "crypto/hash.h"

#include "base/codec.h"
#include "base/str.h"
#include "crypto/md5_two.h"

#include <openssl/md5.h>
#include <openssl/sha.h>

union context {
	MD5_CTX md5;
	SHA_CTX sha1;
	SHA256_CTX sha256;
	SHA512_CTX sha512;
};
static_assert(sizeof(union context) <= sizeof((struct hasher){ 0 }.state), "a hasher holds every context");
static_assert(_Alignof(union context) <= 8, "and is aligned for it");

static union context *context_of(struct hasher *h) { return (union context *)(void *)h->state; }

size_t hash_size(enum hash_kind kind)
{
	static const size_t sizes[] = {
		[HASH_MD5] = MD5_SIZE,       [HASH_SHA1] = SHA1_SIZE,     [HASH_SHA256] = SHA256_SIZE,
		[HASH_SHA384] = SHA384_SIZE, [HASH_SHA512] = SHA512_SIZE,
	};
	return sizes[kind];
}

void hasher_init(struct hasher *h, enum hash_kind kind)
{
	union context *c = context_of(h);

	h->kind = kind;
	switch (kind) {
	case HASH_MD5:
		MD5_Init(&c->md5);
		break;
	case HASH_SHA1:
		SHA1_Init(&c->sha1);
		break;
	case HASH_SHA256:
		SHA256_Init(&c->sha256);
		break;
	case HASH_SHA384:
		SHA384_Init(&c->sha512);
		break;
	case HASH_SHA512:
		SHA512_Init(&c->sha512);
		break;
	}
}

void hasher_update(struct hasher *h, struct str s)
{
	union context *c = context_of(h);

	if (s.n == 0)
		return;
	switch (h->kind) {
	case HASH_MD5:
		MD5_Update(&c->md5, s.p, s.n);
		break;
	case HASH_SHA1:
		SHA1_Update(&c->sha1, s.p, s.n);
		break;
	case HASH_SHA256:
		SHA256_Update(&c->sha256, s.p, s.n);
		break;
	case HASH_SHA384:
		SHA384_Update(&c->sha512, s.p, s.n);
		break;
	case HASH_SHA512:
		SHA512_Update(&c->sha512, s.p, s.n);
		break;
	}
}

/* The lengths are counted in bits, in two words. */
static void md5_count(MD5_CTX *c, size_t n)
{
	uint64_t bits = ((uint64_t)c->Nh << 32 | c->Nl) + ((uint64_t)n << 3);

	c->Nl = (MD5_LONG)bits;
	c->Nh = (MD5_LONG)(bits >> 32);
}

static size_t md5_two(MD5_CTX *c, const char *p, MD5_CTX *d, const char *q, size_t n)
{
	uint32_t x[4] = { c->A, c->B, c->C, c->D }, y[4] = { d->A, d->B, d->C, d->D };

	n -= n % MD5_CBLOCK;
	md5_blocks_two(x, (const unsigned char *)p, y, (const unsigned char *)q, n / MD5_CBLOCK);
	c->A = x[0], c->B = x[1], c->C = x[2], c->D = x[3];
	d->A = y[0], d->B = y[1], d->C = y[2], d->D = y[3];
	md5_count(c, n);
	md5_count(d, n);
	return n;
}

void hasher_update_two(struct hasher *g, struct str r, struct hasher *h, struct str s)
{
	MD5_CTX *c = &context_of(g)->md5, *d = &context_of(h)->md5;

	if (g->kind == HASH_MD5 && h->kind == HASH_MD5 && c->num == 0 && d->num == 0) {
		size_t n = md5_two(c, r.p, d, s.p, r.n < s.n ? r.n : s.n);
		r = str_from(r, n);
		s = str_from(s, n);
	}
	hasher_update(g, r);
	hasher_update(h, s);
}

void hasher_final(struct hasher *h, uint8_t *out)
{
	union context *c = context_of(h);

	switch (h->kind) {
	case HASH_MD5:
		MD5_Final(out, &c->md5);
		break;
	case HASH_SHA1:
		SHA1_Final(out, &c->sha1);
		break;
	case HASH_SHA256:
		SHA256_Final(out, &c->sha256);
		break;
	case HASH_SHA384:
		SHA384_Final(out, &c->sha512);
		break;
	case HASH_SHA512:
		SHA512_Final(out, &c->sha512);
		break;
	}
	secret_wipe(h->state, sizeof h->state);
}

static void digest(enum hash_kind kind, struct str s, uint8_t *out)
{
	struct hasher h;

	hasher_init(&h, kind);
	hasher_update(&h, s);
	hasher_final(&h, out);
}

void md5(struct str s, uint8_t out[MD5_SIZE]) { digest(HASH_MD5, s, out); }
void sha1(struct str s, uint8_t out[SHA1_SIZE]) { digest(HASH_SHA1, s, out); }
void sha384(struct str s, uint8_t out[SHA384_SIZE]) { digest(HASH_SHA384, s, out); }
void sha512(struct str s, uint8_t out[SHA512_SIZE]) { digest(HASH_SHA512, s, out); }

/* SHA-256 is on every request: its context directly, without the switch and the wipe of what is public anyway. */
void sha256(struct str s, uint8_t out[SHA256_SIZE])
{
	SHA256_CTX c;

	SHA256_Init(&c);
	if (s.n)
		SHA256_Update(&c, s.p, s.n);
	SHA256_Final(out, &c); /* wipes the block buffer */
}

void sha256_hex(struct str s, char out[2 * SHA256_SIZE])
{
	uint8_t d[SHA256_SIZE];

	sha256(s, d);
	hex_to(out, d, sizeof d);
}

/* A context that has taken in one block and stands at the given chaining value. */
static void resume(SHA256_CTX *c, const uint32_t chain[8])
{
	memcpy(c->h, chain, sizeof c->h);
	c->Nl = 8 * SHA256_CBLOCK; /* bits so far */
	c->Nh = 0;
	c->num = 0;
	c->md_len = SHA256_DIGEST_LENGTH;
}

static void chain_of(uint32_t chain[8], const uint8_t key[SHA256_CBLOCK], uint8_t pad)
{
	uint8_t block[SHA256_CBLOCK];
	SHA256_CTX c;

	for (size_t i = 0; i < sizeof block; i++)
		block[i] = key[i] ^ pad;
	SHA256_Init(&c);
	SHA256_Transform(&c, block);
	memcpy(chain, c.h, sizeof c.h);
	secret_wipe(block, sizeof block);
	secret_wipe(&c, sizeof c);
}

void hmac_key_init(struct hmac_key *k, struct str key)
{
	uint8_t block[SHA256_CBLOCK] = { 0 };

	if (key.n > sizeof block)
		sha256(key, block);
	else if (key.n)
		memcpy(block, key.p, key.n);
	chain_of(k->inner, block, 0x36);
	chain_of(k->outer, block, 0x5c);
	secret_wipe(block, sizeof block);
}

void hmac_key_wipe(struct hmac_key *k) { secret_wipe(k, sizeof *k); }

static void outer(const struct hmac_key *k, const uint8_t inner[SHA256_SIZE], uint8_t out[SHA256_SIZE])
{
	SHA256_CTX c;

	resume(&c, k->outer);
	SHA256_Update(&c, inner, SHA256_SIZE);
	SHA256_Final(out, &c);
}

void hmac_key_mac(const struct hmac_key *k, struct str msg, uint8_t out[SHA256_SIZE])
{
	uint8_t inner[SHA256_SIZE];
	SHA256_CTX c;

	resume(&c, k->inner);
	if (msg.n)
		SHA256_Update(&c, msg.p, msg.n);
	SHA256_Final(inner, &c);
	outer(k, inner, out);
}

void hmac_sha256(struct str key, struct str msg, uint8_t out[SHA256_SIZE])
{
	struct hmac_key k;

	hmac_key_init(&k, key);
	hmac_key_mac(&k, msg, out);
	hmac_key_wipe(&k);
}

void hmac_init(struct hmac *m, const struct hmac_key *k)
{
	m->key = k;
	m->h.kind = HASH_SHA256;
	resume(&context_of(&m->h)->sha256, k->inner);
}

void hmac_update(struct hmac *m, struct str s) { hasher_update(&m->h, s); }

void hmac_final(struct hmac *m, uint8_t out[SHA256_SIZE])
{
	uint8_t inner[SHA256_SIZE];

	hasher_final(&m->h, inner);
	outer(m->key, inner, out);
}

static void sha1_keyed(const uint8_t key[SHA_CBLOCK], uint8_t pad, struct str msg, uint8_t out[SHA1_SIZE])
{
	struct hasher h;
	uint8_t block[SHA_CBLOCK];

	for (size_t i = 0; i < sizeof block; i++)
		block[i] = key[i] ^ pad;
	hasher_init(&h, HASH_SHA1);
	hasher_update(&h, str_make(block, sizeof block));
	hasher_update(&h, msg);
	hasher_final(&h, out);
	secret_wipe(block, sizeof block);
}

void hmac_sha1(struct str key, struct str msg, uint8_t out[SHA1_SIZE])
{
	uint8_t block[SHA_CBLOCK] = { 0 }, inner[SHA1_SIZE];

	if (key.n > sizeof block)
		sha1(key, block);
	else if (key.n)
		memcpy(block, key.p, key.n);
	sha1_keyed(block, 0x36, msg, inner);
	sha1_keyed(block, 0x5c, str_make(inner, sizeof inner), out);
	secret_wipe(block, sizeof block);
	secret_wipe(inner, sizeof inner);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Digests and HMACs. States are plain values of fixed size: they live on the
 * stack or in a struct, are copied by assignment, and cost no allocation.
 *
 *     sha256(S("abc"), out);
 *
 *     struct hasher h;
 *     hasher_init(&h, HASH_SHA256);
 *     hasher_update(&h, part);            any number of times
 *     hasher_final(&h, out);
 *
 * MD5 and SHA-1 are here because S3's ETag, Content-MD5 and x-amz-checksum-sha1 are
 * defined with them. Nothing that must resist an adversary may rest on either.
 */
#ifndef CRYPTO_HASH_H
#define CRYPTO_HASH_H

#include "base/base.h"

enum { MD5_SIZE = 16, SHA1_SIZE = 20, SHA256_SIZE = 32, SHA384_SIZE = 48, SHA512_SIZE = 64, HASH_SIZE_MAX = 64 };

void md5(struct str s, uint8_t out[MD5_SIZE]);
void sha1(struct str s, uint8_t out[SHA1_SIZE]);
void sha256(struct str s, uint8_t out[SHA256_SIZE]);
void sha384(struct str s, uint8_t out[SHA384_SIZE]);
void sha512(struct str s, uint8_t out[SHA512_SIZE]);
void sha256_hex(struct str s, char out[2 * SHA256_SIZE]); /* lower case, no NUL: as SigV4 writes it */

enum hash_kind { HASH_MD5, HASH_SHA1, HASH_SHA256, HASH_SHA384, HASH_SHA512 };

struct hasher {
	_Alignas(8) unsigned char state[216]; /* libcrypto's own context for the kind */
	enum hash_kind kind;
};

size_t hash_size(enum hash_kind kind);
void hasher_init(struct hasher *h, enum hash_kind kind);
void hasher_update(struct hasher *h, struct str s);
/* hasher_update of both. Two MD5s that stand at a block's edge take little longer than one. */
void hasher_update_two(struct hasher *g, struct str r, struct hasher *h, struct str s);
/* Writes hash_size bytes and wipes the state. To look at a running digest, finish a copy. */
void hasher_final(struct hasher *h, uint8_t *out);

/* HMAC-SHA256 (RFC 2104, RFC 4231). */
void hmac_sha256(struct str key, struct str msg, uint8_t out[SHA256_SIZE]);
/* HMAC-SHA1 (RFC 2104, RFC 2202), for one-time passwords alone: RFC 4226 is defined with it. As a MAC it still holds.
 */
void hmac_sha1(struct str key, struct str msg, uint8_t out[SHA1_SIZE]);

/*
 * A key worked out beforehand: the two compressions over the padded key are done once,
 * so a short message costs two instead of four. For signing keys and tokens. It is as
 * secret as the key itself: hmac_key_wipe when done, unless it dies in locked memory.
 */
struct hmac_key {
	uint32_t inner[8], outer[8];
};
void hmac_key_init(struct hmac_key *k, struct str key);
void hmac_key_wipe(struct hmac_key *k);
void hmac_key_mac(const struct hmac_key *k, struct str msg, uint8_t out[SHA256_SIZE]);

/* In pieces. The key must outlive the hmac. */
struct hmac {
	struct hasher h;
	const struct hmac_key *key;
};
void hmac_init(struct hmac *m, const struct hmac_key *k);
void hmac_update(struct hmac *m, struct str s);
void hmac_final(struct hmac *m, uint8_t out[SHA256_SIZE]);

#endif

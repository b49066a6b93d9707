/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For tests: AES key wrap with padding (RFC 5649), as importers of keys do it; our own code only
 * unwraps.
 */
#ifndef CRYPTO_KEY_WRAP_H
#define CRYPTO_KEY_WRAP_H

#include "base/base.h"
#include "base/str.h"

#include <openssl/evp.h>

/* `plain` itself when libcrypto does not wrap it. */
static inline struct str aes_wrap_padded(const uint8_t key[32], struct str plain, struct arena *mem)
{
	unsigned char *out = NEWS(mem, unsigned char, plain.n + 32);
	EVP_CIPHER *cipher = EVP_CIPHER_fetch(NULL, "AES-256-WRAP-PAD", NULL);
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	int n = 0;
	EVP_CIPHER_CTX_set_flags(ctx, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
	bool done = EVP_EncryptInit_ex(ctx, cipher, NULL, key, NULL) == 1 &&
		    EVP_EncryptUpdate(ctx, out, &n, (const unsigned char *)plain.p, (int)plain.n) == 1;
	EVP_CIPHER_CTX_free(ctx);
	EVP_CIPHER_free(cipher);
	return done ? str_make(out, (size_t)n) : plain;
}

#endif

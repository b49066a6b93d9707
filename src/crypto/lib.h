/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What this folder shares about libcrypto; not for other folders.
 *
 * OpenSSL 3 looks algorithms up by name at each use unless they were fetched before
 * (SHA-256 of 64 bytes: 550 ns looked up, 250 ns fetched, 110 ns through the low-level
 * calls), and a cipher context costs several allocations. So ciphers are fetched once a
 * process, and each thread keeps two contexts that are given a new key for every message.
 * What a context held is overwritten by the next message and wiped when its thread ends.
 */
#ifndef CRYPTO_LIB_H
#define CRYPTO_LIB_H

#include "base/base.h"

#include <openssl/evp.h>

/* This thread's contexts, already bound to their cipher. Not to be kept across a park of a fiber. */
struct crypto_scratch {
	EVP_CIPHER_CTX *gcm; /* AES-256-GCM */
	EVP_CIPHER_CTX *ecb; /* AES-256-ECB without padding: the bare block function */
};
struct crypto_scratch *crypto_scratch(void);

/* Make sure libcrypto is up: without its configuration file and its exit handler. */
void crypto_start(void);

/* For PEM_read_bio_*: a key under a password must fail, not ask on the terminal. */
int crypto_no_password(char *room, int size, int writing, void *arg);

/* libcrypto said no where only a bug or a lack of memory can make it: stop rather than go on without encryption. */
#define MUST(call) assert((call) == 1)

#endif

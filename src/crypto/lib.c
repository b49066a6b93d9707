/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The process's one piece of libcrypto state. It is written once, under pthread_once,
 * and only read after that; it stands at file scope because libcrypto itself is a global.
 */
#include "crypto/lib.h"

#include "base/str.h"

#include <openssl/crypto.h>
#include <pthread.h>

static struct {
	pthread_once_t once;
	EVP_CIPHER *gcm, *ecb;
	pthread_key_t scratch;
} lib = { .once = PTHREAD_ONCE_INIT };

static void scratch_free(void *p)
{
	struct crypto_scratch *s = p;

	EVP_CIPHER_CTX_free(s->gcm); /* wipes the key schedules */
	EVP_CIPHER_CTX_free(s->ecb);
	heap_free(s);
}

static void start(void)
{
	/* No configuration file: what algorithms mean here is not for the machine's openssl.cnf to say.
	 * No exit handler: threads may still be encrypting while the process ends. */
	MUST(OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG | OPENSSL_INIT_NO_ATEXIT, NULL));
	lib.gcm = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
	lib.ecb = EVP_CIPHER_fetch(NULL, "AES-256-ECB", NULL);
	assert(lib.gcm && lib.ecb);
	assert(pthread_key_create(&lib.scratch, scratch_free) == 0);
}

void crypto_start(void) { assert(pthread_once(&lib.once, start) == 0); }

static struct crypto_scratch *scratch_new(void)
{
	struct crypto_scratch *s = HEAP(struct crypto_scratch);

	s->gcm = EVP_CIPHER_CTX_new();
	s->ecb = EVP_CIPHER_CTX_new();
	assert(s->gcm && s->ecb);
	MUST(EVP_EncryptInit_ex(s->gcm, lib.gcm, NULL, NULL, NULL));
	MUST(EVP_EncryptInit_ex(s->ecb, lib.ecb, NULL, NULL, NULL));
	MUST(EVP_CIPHER_CTX_set_padding(s->ecb, 0));
	assert(pthread_setspecific(lib.scratch, s) == 0);
	return s;
}

struct crypto_scratch *crypto_scratch(void)
{
	crypto_start();
	struct crypto_scratch *s = pthread_getspecific(lib.scratch);
	return s ? s : scratch_new();
}

int crypto_no_password(char *room, int size, int writing, void *arg)
{
	(void)room, (void)size, (void)writing, (void)arg;
	return -1;
}
